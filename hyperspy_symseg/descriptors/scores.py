# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores at all pixels of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.analysis import MapAnalysis
from hyperspy_symseg.frames.checks import warn_of_values
from hyperspy_symseg.frames.cut import cut_into_tiles
from hyperspy_symseg.frames.threads import with_workers, workers
from hyperspy_symseg.frames.tiling import map_tiles

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from hyperspy_symseg.descriptors import Descriptor
    from hyperspy_symseg.frames import Tile


@with_workers
def compute_scores(
    descriptor: Descriptor,
    frame: np.ndarray | Tile,
    grid: Grid,
    mask: ArrayLike | None = None,
    *,
    within: tuple[slice, slice] | None = None,
    counted: str | None = "Scoring",
) -> np.ndarray:
    """Scores at all pixels of a grid, tile by tile, in the threads of the context.

    Parameters
    ----------
    descriptor : Descriptor
    frame : (rows, columns) numpy.ndarray of any real dtype, or Tile
    grid : Grid
    mask : (rows, columns) numpy.ndarray of bool or Tile, optional
        True where a pixel is left out.
    within : (slice, slice), optional
        As in `tile_cuts`; by default the whole grid.
    counted : str or None
        What a progress bar calls it; None for no bar.

    Returns
    -------
    (grid rows, grid columns, operations) numpy.ndarray of float32
        NaN where a score is missing. The operations lie apart in memory.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import TranslationSymmetry
    >>> from hyperspy_symseg.frames import Grid
    >>> frame = np.random.default_rng(0).poisson(9, (60, 70))
    >>> descriptor = TranslationSymmetry(patch=5, window=4, max_operations=9)
    >>> compute_scores(descriptor, frame, Grid.over(frame.shape, (5, 5))).shape
    (12, 14, 9)
    """
    shape = grid.shape if within is None else grid.within(*within).shape
    scores = np.empty((len(descriptor.operations), *shape), np.float32)
    # Once, and not for every tile.
    mask = descriptor.checked_mask(frame, grid, mask)

    def score(rows, columns, tile):
        descriptor._score(frame, tile, mask, scores[:, rows, columns])

    map_tiles(score, descriptor, grid, counted=counted, within=within)
    return np.moveaxis(scores, 0, -1)


@dataclass(frozen=True)
class Scores(MapAnalysis):
    """Scores of frames: (grid rows, grid columns, operations) of float32.

    Parameters
    ----------
    descriptor : Descriptor
    grid : Grid
        The pixels of a frame that are scored.
    """

    descriptor: Any
    grid: Grid
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    @property
    def axes(self):
        """One number an operation: (int,)."""
        return (len(self.descriptor.operations),)

    def tiles(self, shape, tile_shape=None):
        """Tiles of a frame, made up of those that are scored one by one."""
        return cut_into_tiles(self.descriptor, self.grid, shape, tile_shape)

    def target(self, tile):
        """Pixels of the grid that a tile answers for: (slice, slice)."""
        return tile.samples

    def process(self, tile):
        """Scores of a tile."""
        warn_of_values(tile.values, tile.mask)
        mask = tile.holding(tile.mask)
        with workers(1):
            return compute_scores(
                self.descriptor, tile, self.grid, mask, within=tile.samples
            )
