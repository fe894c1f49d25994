# SPDX-License-Identifier: GPL-3.0-or-later
"""
A particle in vacuum
====================

Twins in a particle, and the vacuum about it as a pattern of its own, in which no column
is found. Without a file, the particle is simulated::

    python examples/particle.py
    python examples/particle.py micrograph.dm4 --pixel-size 0.01

The picture has the micrograph, the labels, their certainty, all columns, a corner of
these close up, and a histogram of their probabilities.
"""

import numpy as np
from _common import ious, load, panels, parse, save, show, show_micrograph

from hyperspy_symseg import data
from hyperspy_symseg.plotting import pattern_colors

# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "particle.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = data.particle_in_vacuum((options.size, options.size))

# %%
# The number of patterns is not told.

seg, certainty = signal.segment_symmetry(certainty=True)
seg.overlay(signal).plot()

# %%
# Columns, with the unlikely ones among them.

columns = signal.find_atomic_columns(seg, calibrated=True, probability=0.1)
(table,) = columns.data
found = dict(zip(columns.column_names, table.T, strict=True))

# %%
# Labels, certainty and columns.

figure, axes = panels(
    "Micrograph",
    "Labels",
    "Certainty",
    "Columns",
    "The rim, close up",
    "Probability of the columns",
)
show_micrograph(axes[0], signal)
show(axes[1], seg.overlay(signal))
image = show(axes[2], certainty, cmap="viridis", vmin=0.5, vmax=1)
figure.colorbar(image, ax=axes[2])
colors = np.array([*pattern_colors(seg.n_patterns)[1], "0.5"], dtype=object)
own = list(colors[found["pattern"].astype(int)])
for ax, size in zip(axes[3:5], (4, 60), strict=True):
    show_micrograph(ax, signal)
    ax.scatter(found["x"], found["y"], size, facecolors="none", edgecolors=own)
x, y = (axis.axis for axis in signal.axes_manager.signal_axes)
axes[4].set(xlim=(x[len(x) // 16], x[len(x) // 2]), ylim=(y[len(y) // 2], y[0]))
axes[5].hist(found["probability"], 40, log=True, color="0.5")
axes[5].set(xlabel="probability", ylabel="columns")
save(figure, options.output)

# %%
# In numbers.

figures = {"patterns": seg.n_patterns, "columns": len(table)}
if not options.file:
    labels = np.where(truth.data < 0, 2, truth.data)
    same = seg.n_patterns == 3
    figures["mean IoU"] = ious(seg.data, labels).mean() if same else 0
print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
