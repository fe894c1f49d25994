# SPDX-License-Identifier: GPL-3.0-or-later
"""Two patches of a grain boundary, and their local correlation maps."""

import matplotlib.pyplot as plt
from common import show
from matplotlib.patches import Rectangle

from hyperspy_symseg import data

PLACES = {"upper grain": (120, 256), "lower grain": (390, 256)}
PATCH = 28

s = data.iron_grain_boundary()
lengths = {"stride": 2, "patch": PATCH, "window": 36}
scores = s.get_symmetry_descriptors(**lengths, max_operations=6000)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
show(axes[0], s)
for ax, name, color in zip(axes[1:], PLACES, ("C1", "C0"), strict=True):
    y, x = PLACES[name]
    corner = x - PATCH, y - PATCH
    square = Rectangle(
        corner, 2 * PATCH, 2 * PATCH, fill=False, edgecolor=color, lw=2.5
    )
    axes[0].add_patch(square)
    near = [
        axis.value2index(place * old.scale)
        for axis, old, place in zip(
            scores.axes_manager.navigation_axes,
            s.axes_manager.signal_axes,
            (x, y),
            strict=True,
        )
    ]
    show(ax, scores.inav[tuple(near)], name, cmap="cividis", vmin=-0.5, vmax=1)
    for side in ax.spines.values():
        side.set(color=color, linewidth=3)
