# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of frames by a model."""

from dataclasses import dataclass
from typing import ClassVar

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.analysis import MapAnalysis
from hyperspy_symseg.frames.extremes import Extremes, why_blank
from hyperspy_symseg.frames.run import FrameError

from .model import SymmetryModel


@dataclass(frozen=True)
class Labels(MapAnalysis):
    """Labels of frames and, if asked for, their certainty, as `SymmetryModel.predict`.

    Parameters
    ----------
    model : SymmetryModel
    grid : Grid
        The pixels of a frame that are labelled.
    upsample, certainty : bool
        As in `SymmetryModel.predict`.

    Raises
    ------
    FrameError
        When they are computed, for a frame of a series of which no pixel has a label,
        unless all are masked.
    """

    model: SymmetryModel
    grid: Grid
    upsample: bool = True
    certainty: bool = False
    checked_by: ClassVar[Extremes] = Extremes()

    def __post_init__(self):
        """Leave out of the model what it does not need, for a cluster."""
        object.__setattr__(self, "model", self.model.without_covariance())

    @property
    def dtype(self):
        """That of the labels, or of labels and certainties: numpy.dtype."""
        return self.model.result_dtype(self.certainty)

    def tiles(self, shape, tile_shape=None):
        """Tiles that the model labels on its own."""
        return self.model.tiles(self.grid, shape, tile_shape)

    def target(self, tile):
        """Labels that a tile answers for: (slice, slice)."""
        return tile.inner if self.upsample else tile.samples

    def process(self, tile):
        """Labels of a tile."""
        return self.model.predict_tile(
            tile,
            tile.holding(tile.mask),
            self.grid,
            tile,
            upsample=self.upsample,
            certainty=self.certainty,
        )

    def check(self, result, index, total):
        """Raise a FrameError if a frame has no labels, and is to have some."""
        if total["masked"]:
            return
        reason = why_blank(total["low"], total["high"])
        found = result["label"] if self.certainty else result
        if reason is None and (found == -1).all():
            reason = "no pixel has a score, or is outside areas of one value"
        if reason is not None:
            raise FrameError(index, reason)
