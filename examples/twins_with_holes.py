# SPDX-License-Identifier: GPL-3.0-or-later
"""
Twins with holes
================

Twins, and holes as a third, structureless pattern, by translations (figure 11).

Without a file, a twin lamella with two holes is simulated::

    python examples/twins_with_holes.py
    python examples/twins_with_holes.py high_entropy_alloy.npy

The picture also has the mean local correlation map of each pattern. That of the holes
is flat, and so its standard deviation, the structure that is printed, is small. The
alloy has no holes: there the third pattern is all that is neither matrix nor twin.
"""

import numpy as np
from _common import ious, load, panels, parse, save, show, show_micrograph

from hyperspy_symseg import simulate

# %%
# A twin lamella with two holes.


def simulated(size):
    """Frame of a twin lamella with two holes, and its labels: -1 in the holes."""
    normal = 25
    y, x = np.mgrid[:size, :size] / size
    turn = np.deg2rad(normal)
    across = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)
    labels = (np.abs(across) < 0.2).astype(int)
    for centre_y, centre_x, radius in ((0.2, 0.3, 0.15), (0.72, 0.68, 0.2)):
        labels[np.hypot(y - centre_y, x - centre_x) < radius] = -1
    # A face-centred cubic crystal along [110]; the twins have a {111} plane in common.
    plane = normal + 90
    crystal = simulate.Lattice.centred(14, 14 * np.sqrt(2), plane - 54.74)
    twin = crystal.mirrored(plane)
    return simulate.micrograph([crystal, twin], boundary=labels, seed=5)


# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "twins_with_holes.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = simulated(options.size)

# %%
# Three patterns: two twins, and what has no structure.

seg = signal.segment_symmetry(n_patterns=3, patch=12, max_operations=2000)

seg.overlay(signal).plot()

# %%
# Descriptors among the principal components, and the mean scores of each pattern.

figure, axes = panels(
    "Micrograph",
    "Labels, by translations",
    "Descriptors",
    *(f"Mean scores of pattern {i}" for i in range(3)),
)
show_micrograph(axes[0], signal)
show(axes[1], seg.overlay(signal))
seg.plot_clusters(signal, axes[2])
shifts = seg.get_separability()
for ax, mean in zip(axes[3:], seg.model.class_means, strict=True):
    scores = mean.reshape(shifts.data.shape)
    image = show(ax, shifts, scores, cmap="cividis", vmin=-0.5, vmax=1)
figure.colorbar(image, ax=axes[3:])
save(figure, options.output)

# %%
# In numbers.

figures = {"structure": seg.model.class_means.std(axis=1)}
print("Structure of the patterns:", figures["structure"].round(3))
if not options.file:
    figures["IoU"] = ious(seg.data, np.where(truth.data < 0, 2, truth.data))
    figures["mean IoU"] = figures["IoU"].mean()
    print(
        "IoU of the twins and the holes:",
        figures["IoU"].round(3),
        f"mean {figures['mean IoU']:.3f}",
    )
