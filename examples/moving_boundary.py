# SPDX-License-Identifier: GPL-3.0-or-later
"""
A boundary that moves
=====================

A boundary that moves, and its speed from the areas (the paper's fourth example).

Without a file, a movie of a twin boundary is simulated::

    python examples/moving_boundary.py
    python examples/moving_boundary.py movie.zspy

A model is fitted to a few frames of the series, its 50 most separable operations are
kept, and all frames are labelled. The picture has three of the frames, and against
time the labels of their middle row, the share of each pattern and the length of the
boundary.
"""

import hyperspy.api as hs
import numpy as np
from _common import panels, parse, save, show

from hyperspy_symseg import simulate
from hyperspy_symseg.plotting import pattern_colormap, pattern_colors

SPEED = 0.5  # pixels a frame

# %%
# The movie: that of a file, or a simulated one.

options = parse(__doc__, "moving_boundary.png")
truth = None
if options.file:
    movie = hs.load(options.file, lazy=True)
else:
    shape = options.size, options.size
    movie, truth = simulate.moving_boundary(40, shape, speed=SPEED)

# %%
# All frames are labelled by the same model. Click into the navigator, and the frame
# follows.

seg = movie.segment_symmetry(
    n_patterns=2, window=16, max_operations=289, n_operations=50
)
seg.compute()

# sphinx_gallery_thumbnail_number = 2
seg.overlay(movie).plot()

# %%
# Areas and lengths are signals, with time as their axis.

areas, lengths = seg.get_areas(), seg.get_boundary_length()
time = areas.axes_manager.signal_axes[0]
fractions = areas.data / areas.data.sum(axis=0)
rate, _ = np.polyfit(time.axis, areas.data[0], 1)

# %%
# Three frames, and what is against time.

x, y = seg.axes_manager.signal_axes
figure, axes = panels(
    "First frame",
    "Frame in the middle",
    "Last frame",
    "Labels of the middle row",
    "Share of the area",
    "Length of the boundary",
)
for ax, place in zip(axes, (0, len(time.axis) // 2, -1), strict=False):
    frame = movie.inav[place]
    frame.compute()
    show(ax, seg.inav[place].overlay(frame))
row = seg.data[:, y.size // 2]
sides = x.low_value, x.high_value, time.high_value, time.low_value
colors = {"cmap": pattern_colormap(2), "vmin": -0.5, "vmax": 1.5}
axes[3].imshow(row, extent=sides, aspect="auto", **colors)
axes[3].set_box_aspect(1)
seconds = f"{time.name} ({time.units})"
axes[3].set(xlabel=f"{x.name} ({x.units})", ylabel=seconds)
for pattern, color in enumerate(pattern_colors(2)[1]):
    label = f"pattern {pattern}"
    axes[4].plot(time.axis, fractions[pattern], color=color, label=label)
axes[4].legend()
axes[4].set(xlabel=seconds, ylabel="share")
axes[5].plot(time.axis, lengths.data[0], color="black")
longest = 1.25 * lengths.data.max()
axes[5].set(xlabel=seconds, ylabel=f"length ({x.units})", ylim=(0, longest))
save(figure, options.output)

# %%
# In numbers, and against the true speed of a simulated movie.

figures = {"area gained a second": abs(rate), "length": lengths.data[0].mean()}
if truth is not None:
    true_areas = (truth.data == 0).sum(axis=(1, 2)).compute() * x.scale**2
    true_rate, _ = np.polyfit(time.axis, true_areas, 1)
    figures["speed found / true"] = abs(rate / true_rate)
print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
