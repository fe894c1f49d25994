# SPDX-License-Identifier: GPL-3.0-or-later
"""Places inside a pattern that fit none of the patterns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.frames.peaks import extrema, settled
from hyperspy_symseg.frames.tile import within
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .interior import without_islands
from .residual_scores import ResidualScores, column_width

# False alarms in an area of a period squared, if the noise were Gaussian. Displaced
# columns have heavier tails: up to three times as many were counted, at most one in
# 10,000 columns.
FALSE_ALARM_RATE = 3e-5
# Smallest area of a pattern that is one, and not an unusual place: periods squared.
LEAST_ISLAND = 4.0
# Distance of two outliers, at least, in periods.
DISTANCE = 0.5
# How far the position of an outlier is from the largest score, at most, in widths of a
# column.
CLIMB = 2.0


def default_threshold(templates, rate=FALSE_ALARM_RATE):
    """Deviation that noise alone exceeds at a given rate.

    The noise in a matched filter of width s is a smooth Gaussian field, which has

        rate = 2 P^2 / (2 s^2) (2 pi)^(-3/2) u exp(-u^2 / 2)

    extrema beyond u and -u in the area P^2 (R. J. Adler, The Geometry of Random
    Fields, 1981, chapter 6).

    Parameters
    ----------
    templates : Templates
    rate : float
        Expected number of false alarms in an area of a period squared.

    Returns
    -------
    float

    Examples
    --------
    >>> from hyperspy_symseg.templates import Templates
    >>> one = Templates(12.0, 1, [0], [[0, 1 / 12]], [1.0], 1.0)
    >>> round(default_threshold(one), 2)
    5.07
    """
    factor = (templates.period / column_width(templates)) ** 2 / (2 * np.pi) ** 1.5
    # The formula is one of rare extrema: the threshold is the root of 2 at least.
    share = min(rate / factor, np.sqrt(2) / np.e)
    return float(np.sqrt(-special.lambertw(-(share**2), -1).real))


@dataclass(frozen=True)
class Defects(PointAnalysis):
    """Places inside the patterns of a frame that fit none of them.

    Position (y, x) in pixels, and score in standard deviations, negative where
    intensity is missing: (n, 3) of float64, in the order of y.

    Parameters
    ----------
    model : SymmetryModel
        With templates.
    threshold : float, optional
        In standard deviations. By default noise alone exceeds it less than once in
        10,000 columns: see `default_threshold`.

    Raises
    ------
    ValueError
        If the model has no templates.
    """

    model: Any
    threshold: float | None = None

    def __post_init__(self):
        """Check the model, and take what is not given."""
        if self.model.templates is None:
            raise ValueError(
                "model must have templates for outliers to be found, got one without."
            )
        # As small as can be, for a cluster.
        object.__setattr__(self, "model", self.model.without_covariance())
        if self.threshold is None:
            threshold = default_threshold(self.model.templates)
            object.__setattr__(self, "threshold", threshold)

    def tiles(self, shape, tile_shape=None):
        """Tiles that a model labels on its own, by default."""
        grid = Grid.over(shape, self.model.stride)
        return self.model.tiles(grid, shape, tile_shape)

    def process(self, tile):
        """Those of a tile: (n, 3) numpy.ndarray."""
        return defects_of_tile(self.model.templates, tile, self.threshold)

    def join(self, rows):
        """Those of a frame, in the order of y."""
        found = np.concatenate(rows)
        return found[np.lexsort(found.T[1::-1])]


def defects_of_tile(templates, tile, threshold):
    """Defects in the inner rectangle of a tile: (n, 3) numpy.ndarray.

    Parameters
    ----------
    templates : Templates
    tile : Tile
        With labels: -1 where a pixel is left out.
    threshold : float
    """
    period = templates.period
    window = templates.pixels_around(tile.inner, tile.shape)
    first, seen = [axis.start for axis in window], within(window, tile.outer)
    labels = np.where(tile.valid[seen], tile.labels[seen], -1)
    normalized = NormalizedFrame(tile.values[seen], labels < 0, period, tuple(first))
    labels = without_islands(labels, LEAST_ISLAND * period**2)
    own = labels == np.arange(templates.n_patterns)[:, np.newaxis, np.newaxis]
    posterior = np.stack(
        [sum_blocks(each.astype(np.float32), normalized.block) for each in own]
    )
    posterior /= np.maximum(posterior.sum(axis=0), 1)
    expected = templates.expected(normalized, posterior)
    width = column_width(templates)
    residual = ResidualScores(normalized, expected, labels, width, period)
    places = extrema(residual.scores, DISTANCE * period, threshold)
    places = places[residual.inner[tuple(places.T)]]
    scores = residual.scores[tuple(places.T)]
    positions = settled(residual.filtered, places, scores, CLIMB * width)
    found = np.column_stack([positions + first, scores])
    found = found[strongest(found, DISTANCE * period)]
    inside = [
        (axis.start - 0.5 <= found[:, i]) & (found[:, i] < axis.stop - 0.5)
        for i, axis in enumerate(tile.inner)
    ]
    return found[np.logical_and(*inside)]


def strongest(found, distance):
    """Which outliers have no stronger one within a distance: list of int.

    Parameters
    ----------
    found : (n, 3) numpy.ndarray
        Position (y, x) and score.
    distance : float
        In pixels.

    Examples
    --------
    >>> strongest(np.array([[0, 0, -5.0], [0, 3.0, -7], [9, 9, 6]]), 4)
    [1, 2]
    """
    kept = []
    for i in np.argsort(-np.abs(found[:, 2]), kind="stable"):
        if (np.hypot(*(found[kept, :2] - found[i, :2]).T) > distance).all():
            kept.append(int(i))
    return kept
