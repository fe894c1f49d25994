# SPDX-License-Identifier: GPL-3.0-or-later
"""
Vacancies
=========

Vacancies: places in a crystal that fit none of its patterns.

Without a file, two grains with twenty vacancies are simulated, at a dose of 3 counts::

    python examples/vacancies.py
    python examples/vacancies.py micrograph.dm4

Circles are about the places found: sky blue where intensity is missing, and orange
where it is extra. Crosses mark the true vacancies. Those at the boundary, where two
templates meet, are not looked for. The picture also has the scores of all extrema, with
the threshold, and the two places with the largest scores close up.
"""

import numpy as np
from _common import load, panels, parse, save, show, show_micrograph
from scipy.ndimage import distance_transform_edt

from hyperspy_symseg import simulate
from hyperspy_symseg.plotting import PATTERN_COLORS

# Distance from the boundary from which on a vacancy counts, and that of one found from
# the true one at most, in periods.
FAR, NEAR = 1.5, 0.5
# What is shown close up, to each side, in periods; the least score in the histogram.
AROUND, LOW = 5, 2.0

# %%
# How places become circles, and how many are right.


def positions(signal, places):
    """Places (y, x) in pixels as x and y in axis units."""
    return [
        axis.offset + axis.scale * places[:, column]
        for axis, column in zip(signal.axes_manager.signal_axes, (1, 0), strict=True)
    ]


def circle(ax, signal, found):
    """Draw circles about outliers, in a colour for each sign."""
    for sign, name in ((-1, "sky blue"), (1, "orange")):
        own = found[found[:, 2] * sign > 0]
        colors = {"facecolors": "none", "edgecolors": PATTERN_COLORS[name]}
        ax.scatter(*positions(signal, own), 150, **colors)


def zoom(ax, signal, place, distance):
    """Show what is around a place, up to a distance in pixels."""
    limits = []
    for axis, centre in zip(
        signal.axes_manager.signal_axes,
        positions(signal, place[np.newaxis]),
        strict=True,
    ):
        reach = distance * axis.scale
        centre = np.clip(centre[0], axis.low_value + reach, axis.high_value - reach)
        limits.append((centre - reach, centre + reach))
    ax.set(xlim=limits[0], ylim=limits[1][::-1])


def plot_scores(ax, extrema, outliers):
    """Plot a histogram of scores, with the threshold."""
    threshold = outliers.metadata.Symmetry_outliers.threshold
    ax.hist(extrema.data[0][:, 2], 80, log=True, color="0.5")
    for side in (-threshold, threshold):
        ax.axvline(side, color="black", linestyle="--")
    ax.set(xlabel="Score (standard deviations)", ylabel="Extrema")


def counts(found, true, labels, period):
    """Vacancies in the grains, those of them that are found, and false ones.

    Parameters
    ----------
    found : (n, 3) numpy.ndarray
        Position (y, x) and score.
    true : (m, 2) numpy.ndarray
        Position (y, x).
    labels : (rows, columns) numpy.ndarray of int
        The true ones.
    period : float
        In pixels.

    Returns
    -------
    (int, int, int)
    """
    to_boundary = sum(distance_transform_edt(labels == k) for k in np.unique(labels))
    inside = to_boundary[tuple(np.rint(true).astype(int).T)] > FAR * period
    steps = found[:, np.newaxis, :2] - true
    near = np.hypot(steps[..., 0], steps[..., 1]) < NEAR * period
    near &= found[:, np.newaxis, 2] < 0
    return inside.sum(), near.any(axis=0)[inside].sum(), (~near.any(axis=1)).sum()


# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "vacancies.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = simulate.grain_boundary(
        shape=(options.size, options.size), dose=3, vacancies=20, seed=3
    )

# %%
# Vacancies are what a fit of all columns does not find. Markers of HyperSpy are about
# them.

seg = signal.segment_symmetry(n_patterns=2)
outliers = seg.find_outliers(signal)
signal.plot()
signal.add_marker(seg.get_outlier_markers(outliers))

period = outliers.metadata.Symmetry_outliers.period
(found,) = outliers.data

# %%
# The same, the scores of all extrema, and two places close up.

figure, axes = panels(
    "Micrograph",
    "Labels",
    "Outliers",
    "Scores",
    "Largest score, close up",
    "Second largest score, close up",
)
show_micrograph(axes[0], signal)
show(axes[1], seg.overlay(signal))
for ax in axes[[2, 4, 5]]:
    show_micrograph(ax, signal)
    circle(ax, signal, found)
if not options.file:
    true = truth.metadata.Simulation.vacancies
    axes[2].scatter(*positions(signal, true), 25, c="white", marker="x")
for ax, place in zip(axes[4:], found[np.argsort(-np.abs(found[:, 2]))], strict=False):
    zoom(ax, signal, place, AROUND * period)
plot_scores(axes[3], seg.find_outliers(signal, LOW), outliers)
save(figure, options.output)

# %%
# In numbers.

figures = {"missing": (found[:, 2] < 0).sum(), "extra": (found[:, 2] > 0).sum()}
print(f"Intensity is missing in {figures['missing']} places,", end=" ")
print(f"and extra in {figures['extra']}.")
if not options.file:
    figures["vacancies"], figures["found"], figures["false"] = counts(
        found, true, truth.data, period
    )
    print(
        f"Of {figures['vacancies']} vacancies in the grains, {figures['found']} "
        f"are found; {figures['false']} of those found are none."
    )
