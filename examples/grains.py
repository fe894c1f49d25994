# SPDX-License-Identifier: GPL-3.0-or-later
"""
Grains
======

Grains as measurements: sizes, orientations, neighbours, and two that merge.

Without a file, a polycrystal is simulated at 3 counts::

    python examples/grains.py
    python examples/grains.py micrograph.png --pixel-size 0.02

The picture has the outlines of the grains on the micrograph, the orientation of the
lattice of each, and their areas. Below is a simulated movie of two inclusions that
drift and merge: its first and its last frame, and the areas of the tracks against time.
"""

import hyperspy.api as hs
import numpy as np
from _common import load, panels, parse, save, show, show_micrograph
from matplotlib.collections import PathCollection

from hyperspy_symseg import simulate
from hyperspy_symseg.plotting import pattern_colors

PERIOD, DOSE, ROWS = 12, 3, 3
ORIENTATIONS = 3, 18, 33
# Cells of a grain, at least.
LEAST = 10
# Behind the numbers of the grains.
BOX = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none"}
# Of the movie, and frame in which the inclusions merge.
N_FRAMES, MERGED = 9, 5

# %%
# What is simulated: a polycrystal, and a movie of two inclusions that merge.


def polycrystal(side):
    """Grains of three orientations: the cells of points, one in each field."""
    rng = np.random.default_rng(3)
    y, x = np.indices((side, side))
    row, column = np.divmod(np.arange(ROWS**2), ROWS)
    points = np.stack([row, column], axis=-1) + rng.uniform(0.2, 0.8, (ROWS**2, 2))
    points *= side / ROWS
    nearest = np.argmin([np.hypot(y - a, x - b) for a, b in points], axis=0)
    # Such that neighbours differ.
    labels = ((row + column) % len(ORIENTATIONS))[nearest].astype(np.int8)
    lattices = [simulate.Lattice.square(PERIOD, orientation=a) for a in ORIENTATIONS]
    return simulate.micrograph(lattices, boundary=labels, dose=DOSE)


def inclusions():
    """Movie of two inclusions that drift, and merge: a series in time."""
    y, x = np.indices((200, 270))
    lattices = [simulate.Lattice.square(PERIOD, orientation=a) for a in (5, 38)]
    frames = []
    for i in range(N_FRAMES):
        middle, apart = 100 + 2 * i, 70 + 11 * max(0, MERGED - i)
        labels = np.zeros(y.shape, np.int8)
        for centre, radius in ((middle - apart / 2, 40), (middle + apart / 2, 32)):
            labels[(y - 95 - i) ** 2 + (x - centre - 25) ** 2 < radius**2] = 1
        s, _ = simulate.micrograph(lattices, boundary=labels, dose=DOSE, seed=i)
        frames.append(s)
    movie = hs.stack(frames, new_axis_name="time", show_progressbar=False)
    time = movie.axes_manager["time"]
    time.scale, time.units = 0.1, "s"
    return movie


# %%
# Outlines are paths of Matplotlib, in the colours of the patterns.


def outline(ax, seg, grains):
    """Draw the outlines of the grains of an image in the colours of the patterns."""
    colors = pattern_colors(seg.n_patterns)[1]
    patterns = grains.data[0][:, grains.column_names.index("pattern")].astype(int)
    paths = seg.get_grain_polygons(grains, show_progressbar=False)
    edges = [colors[k] for k in patterns]
    ax.add_collection(PathCollection(paths, facecolors="none", edgecolors=edges, lw=2))


# %%
# The image, and its labels.

options = parse(__doc__, "grains.png")
truth = None
if options.file:
    s = load(options.file, options.pixel_size)
    seg = s.segment_symmetry()
else:
    s, truth = polycrystal(options.size)
    seg = s.segment_symmetry(len(ORIENTATIONS))
seg.overlay(s).plot()

# %%
# A table with a row for each grain.

model = seg.model
least = int(LEAST * model.templates.period**2) if model.templates else LEAST
grains = seg.get_grains(s, min_area=least, calibrated=True)
table = dict(zip(grains.column_names, grains.data[0].T, strict=True))

# %%
# A table for each frame of the movie, and its grains linked over time.

movie = inclusions()
movie_seg = movie.segment_symmetry(2)
tracked, events = movie_seg.get_grains(movie, 500, calibrated=True).track()
areas = tracked.get_tracks("area")
pattern = np.nanmax(tracked.get_tracks("pattern").data, axis=1)

# %%
# The image above, and the movie below.

figure, axes = panels(
    "Outlines of the grains",
    "Orientation of the lattices",
    "Areas",
    "First frame",
    "Last frame",
    "Areas against time",
)
x = s.axes_manager.signal_axes[0]
show_micrograph(axes[0], s)
outline(axes[0], seg, grains)
image = show(
    axes[1],
    seg.get_grain_map(grains, "lattice_orientation"),
    cmap="twilight",
    vmin=-90,
    vmax=90,
)
figure.colorbar(image, ax=axes[1], label="degrees, x towards y", shrink=0.8)
for i, (x0, y0) in enumerate(zip(table["x"], table["y"], strict=True)):
    axes[1].text(x0, y0, str(i), ha="center", va="center", bbox=BOX)
number = np.arange(len(table["area"]))
colors = pattern_colors(seg.n_patterns)[1]
shades = [colors[int(k)] for k in table["pattern"]]
axes[2].bar(number, table["area"], color=shades)
axes[2].xaxis.get_major_locator().set_params(integer=True)
axes[2].set(xlabel="grain", ylabel=f"area ({x.units}²)")
axes[2].set_box_aspect(1)
for ax, place in zip(axes[3:], (0, -1), strict=False):
    frame, labels = movie.inav[place], movie_seg.inav[place]
    show_micrograph(ax, frame)
    outline(ax, labels, labels.get_grains(min_area=500, show_progressbar=False))
seconds = areas.axes_manager.signal_axes[0]
# The smaller pattern is that of the inclusions.
(inclusion,) = set(pattern) - {pattern[np.nanargmax(areas.data[:, 0])]}
for i in np.flatnonzero(pattern == inclusion):
    axes[5].plot(seconds.axis, areas.data[i], "o-", label=f"track {i}")
for event in events[events["event"] == "merges"].to_dict("records"):
    axes[5].axvline(event["time"], color="grey", ls="--")
    axes[5].text(event["time"], 0, " merges", rotation=90, va="bottom", ha="right")
axes[5].legend()
axes[5].set(xlabel=f"time ({seconds.units})", ylabel=f"area ({x.units}²)")
axes[5].set_ylim(bottom=0)
save(figure, options.output)

# %%
# In numbers, and what is true of a simulated image.

figures = {"grains": len(number), "mean area": table["area"].mean()}
pairs = seg.get_grain_neighbours(grains)
figures["boundaries"] = len(pairs)
figures["merges"] = int((events["event"] == "merges").sum())
if truth is not None:
    true = truth.data.astype(np.int8)
    truth = truth._deepcopy_with_new_data(true)
    truth.set_signal_type("symmetry_labels")
    known = truth.get_grains(min_area=least, calibrated=True).data[0]
    figures["true grains"] = len(known)
    turned = np.subtract.outer(table["lattice_orientation"], ORIENTATIONS)
    off = np.abs((turned + 45) % 90 - 45).min(axis=1)
    figures["orientation off by"] = np.nanmax(off)
print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
