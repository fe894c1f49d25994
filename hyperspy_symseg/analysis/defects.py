# SPDX-License-Identifier: GPL-3.0-or-later
"""Places inside a pattern that fit none of the patterns."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.frames.peaks import extrema, settled
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.frames.tile import within
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .column_outliers import column_outliers
from .interior import without_islands
from .matched_filter import CLIMB, default_threshold
from .residual_scores import ResidualScores, column_width

# Smallest area of a pattern that is one, and not an unusual place: periods squared.
LEAST_ISLAND = 4.0
# Distance of two outliers, at least, in periods.
DISTANCE = 0.5


@dataclass(frozen=True)
class Defects(PointAnalysis):
    """Places inside the patterns of a frame that fit none of them.

    Position (y, x) in pixels, and score in standard deviations, negative where
    intensity is missing: (n, 3) of float64, in the order of y.

    At the sites of crystals, and beside them, they are those of the fit that finds
    atomic columns (`column_outliers`). Others, such as in patterns without sites, and
    what is no column, are those of the residuals (`ResidualScores`). Of two within half
    a period, the one with the larger score counts.

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

    def prepare(self, frame):
        """Those of the crystals of a frame: (n, 3) numpy.ndarray."""
        templates = self.model.templates
        labels = _without_islands(templates, frame.labels, frame.valid)
        # Sums by threads are rounded in another way.
        with one_thread:
            found = column_outliers(
                templates, frame, labels, default_threshold(templates)
            )
        return found[np.abs(found[:, 2]) > self.threshold]

    def process(self, tile):
        """Those of a tile: (n, 3) numpy.ndarray."""
        return defects_of_tile(self.model.templates, tile, self.threshold)

    def join(self, rows):
        """Those of a frame, in the order of y."""
        found = np.concatenate(rows)
        return found[np.lexsort(found.T[1::-1])]


def _without_islands(templates, labels, valid):
    """Labels, -1 where a pixel does not count, without islands as small as defects."""
    labels = np.where(valid, labels, -1)
    return without_islands(labels, LEAST_ISLAND * templates.period**2)


def defects_of_tile(templates, tile, threshold):
    """Defects in the inner rectangle of a tile: (n, 3) numpy.ndarray.

    Parameters
    ----------
    templates : Templates
    tile : Tile
        With labels: -1 where a pixel is left out. Those of `Defects.prepare` are
        prepared, if any.
    threshold : float
    """
    period = templates.period
    window = templates.pixels_around(tile.inner, tile.shape)
    first, seen = [axis.start for axis in window], within(window, tile.outer)
    labels = _without_islands(templates, tile.labels[seen], tile.valid[seen])
    normalized = NormalizedFrame(tile.values[seen], labels < 0, period, tuple(first))
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
    if tile.prepared is not None:
        found = np.concatenate([found, _inside(tile.prepared, window)])
    found = found[strongest(found, DISTANCE * period)]
    return _inside(found, tile.inner)


def _inside(found, rectangle):
    """Those (n, 3) whose position is in a rectangle of two slices."""
    inside = [
        (axis.start - 0.5 <= found[:, i]) & (found[:, i] < axis.stop - 0.5)
        for i, axis in enumerate(rectangle)
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
