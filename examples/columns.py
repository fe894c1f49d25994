# SPDX-License-Identifier: GPL-3.0-or-later
"""
Atomic columns
==============

Every atomic column, with the errors of its position and the probability that it is
there. Without a file, it is the grain boundary in iron that is in the package::

    python examples/columns.py
    python examples/columns.py micrograph.dm4

The picture has all columns, in the colours of the patterns, the boundary close up, and
histograms of standard errors and of the distances of nearest neighbours.
"""

import numpy as np
from _common import load, panels, parse, save, show, show_micrograph
from scipy.spatial import KDTree

from hyperspy_symseg import data
from hyperspy_symseg.plotting import pattern_colors

# %%
# The micrograph: that of a file, or iron.

options = parse(__doc__, "columns.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal = data.iron_grain_boundary()

# %%
# Positions are those of a fit of all columns together, here in axis units. Markers of
# HyperSpy show them on the micrograph.

seg = signal.segment_symmetry(n_patterns=2)
columns = signal.find_atomic_columns(seg, calibrated=True)
signal.plot()
signal.add_marker(columns.get_markers())

# %%
# The table of the image, and how far the nearest neighbour of each column is.

found = dict(zip(columns.column_names, columns.data[0].T, strict=True))
places = np.stack([found["y"], found["x"]], axis=1)
nearest = KDTree(places).query(places, 2)[0][:, 1]

# %%
# All columns, the boundary close up, and histograms.

figure, axes = panels(
    "Labels",
    "Columns",
    "Close up",
    "Intensity",
    "Standard error of a position",
    "Distance of the nearest neighbour",
)
show(axes[0], seg.overlay(signal))
colors = np.array([*pattern_colors(seg.n_patterns)[1], "0.5"], dtype=object)
own = list(colors[found["pattern"].astype(int)])
for ax, size, width in zip(axes[1:3], (6, 200), (1, 2.5), strict=True):
    show_micrograph(ax, signal)
    circles = {"facecolors": "none", "edgecolors": own, "linewidths": width}
    ax.scatter(found["x"], found["y"], size, **circles)
x, y = (axis.axis for axis in signal.axes_manager.signal_axes)
middle = slice(3 * len(y) // 8, 5 * len(y) // 8)
axes[2].set(xlim=(x[middle][0], x[middle][-1]), ylim=(y[middle][-1], y[middle][0]))
show_micrograph(axes[3], signal)
values = {"c": found["intensity"], "s": 12, "cmap": "viridis"}
dots = axes[3].scatter(found["x"], found["y"], **values)
figure.colorbar(dots, ax=axes[3])
unit = signal.axes_manager.signal_axes[0].units
for ax, numbers in zip(axes[4:], (found["x_error"], nearest), strict=True):
    ax.hist(numbers, 60, color="0.5", range=np.percentile(numbers, (0.5, 99)))
    ax.locator_params(axis="x", nbins=4)
    ax.set(xlabel=unit, ylabel="columns")
save(figure, options.output)

# %%
# In numbers.

figures = {
    "columns": len(places),
    f"median error ({unit})": np.median(found["x_error"]),
    f"median distance ({unit})": np.median(nearest),
}
print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
