# SPDX-License-Identifier: GPL-3.0-or-later
"""
Ordered precipitates
====================

Precipitates on the lattice of their matrix, which differ in their motif alone: of the
two columns of a cell, one is higher and the other lower. Spectra hardly tell them
apart; templates do. Without a file, they are simulated::

    python examples/precipitates.py
    python examples/precipitates.py micrograph.dm4

The picture has the micrograph, the labels, and the mean unit cell and the reflections
of each pattern.
"""

from _common import ious, load, panels, parse, save, show, show_micrograph

from hyperspy_symseg import data

# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "precipitates.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = data.ordered_precipitates((options.size, options.size))

# %%
# Nothing is told but that there are two patterns.

seg = signal.segment_symmetry(n_patterns=2)

seg.overlay(signal).plot()

# %%
# The mean unit cell and the reflections of each pattern.

figure, axes = panels(
    "Micrograph",
    "Cell of pattern 0",
    "Reflections of pattern 0",
    "Labels",
    "Cell of pattern 1",
    "Reflections of pattern 1",
)
show_micrograph(axes[0], signal)
show(axes[3], seg.overlay(signal))
seg.plot_patterns(axes=axes.reshape(2, 3)[:, 1:])
save(figure, options.output)

# %%
# In numbers.

areas = seg.get_areas()
figures = {"share of pattern 0": areas.data[0] / areas.data.sum()}
if not options.file:
    figures["mean IoU"] = ious(seg.data, truth.data).mean()
print(", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
