# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of frames: an analysis is a value with one method, `process`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .cut import LARGEST_TILE
from .tile import Tile, lengths, widened
from .tiling import even_cuts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Analysis:
    """A question to every frame: a frozen dataclass, whose fields are its options.

    A subclass is one of the three kinds, `MapAnalysis`, `PointAnalysis` and
    `SumAnalysis`, and has the method `process`. `run` evaluates it, and `lazy` gives
    its dask array.

    Attributes
    ----------
    context : int
        Pixels around a tile that it looks at. A field, a property or, by default, 0.
    whole_frames : bool
        Whether a frame must not be cut.
    prepare : callable or None
        A method that takes a `Tile` of the whole frame, and returns what its tiles
        need of it: they have it as `Tile.prepared`.
    per_frame : bool
        Whether there is a result for each frame; only sums can be of all frames.
    """

    context: ClassVar[int] = 0
    whole_frames: ClassVar[bool] = False
    prepare: ClassVar[None] = None
    per_frame: ClassVar[bool] = True

    def checked(self, found: Any, tile: Tile) -> Any:
        """What `process` has found in a tile, if it is as it must be."""
        return found

    def process(self, tile: Tile) -> Any:
        """Answer for the inner rectangle of a tile.

        Parameters
        ----------
        tile : Tile

        Returns
        -------
        numpy.ndarray
            See the kinds of analyses.
        """
        raise NotImplementedError

    def tiles(
        self, shape: tuple[int, int], tile_shape: tuple[int, int] | None = None
    ) -> list[list[Tile]]:
        """Tiles that a frame is cut into.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the frame.
        tile_shape : (int, int), optional
            Rows and columns of a tile, at most. By default, 2048 x 2048 with a context.

        Returns
        -------
        list of list of Tile
            Rows of tiles, without their pixels. None if any tiles will do.

        Examples
        --------
        >>> [[first, second]] = SumAnalysis().tiles((10, 20), (10, 10))
        >>> second.inner
        (slice(0, 10, None), slice(10, 20, None))
        """
        if self.whole_frames or not (tile_shape or self.context):
            return None
        rows, columns = map(even_cuts, shape, tile_shape or LARGEST_TILE)
        return [
            [
                Tile(tuple(shape), inner, widened(inner, self.context, shape))
                for inner in itertools.product([row], columns)
            ]
            for row in rows
        ]


@dataclass(frozen=True)
class MapAnalysis(Analysis):
    """An analysis whose `process` returns an array of the tile's own pixels.

    Attributes
    ----------
    dtype : numpy.dtype
        A structured one if there are several results, such as labels and certainties:
        its fields are their names.
    axes : tuple of int
        Shape of what there is at a pixel.
    checked_by : SumAnalysis or None
        If the maps of a series are checked: total of the frame that `check` needs.
    """

    dtype: ClassVar[np.dtype] = np.dtype(float)
    axes: ClassVar[tuple] = ()
    checked_by: ClassVar[None] = None

    def target(self, tile: Tile) -> tuple[slice, slice]:
        """Rows and columns of the result that a tile answers for: (slice, slice)."""
        return tile.inner

    def checked(self, found: Any, tile: Tile) -> np.ndarray:
        """What `process` has found in a tile, if it is of the tile's own pixels.

        Parameters
        ----------
        found : array_like
        tile : Tile

        Returns
        -------
        (rows, columns, ...) numpy.ndarray of dtype

        Raises
        ------
        ValueError
            If it has another shape.
        """
        found = np.asarray(found, self.dtype)
        shape = lengths(self.target(tile)) + self.axes
        if found.shape != shape:
            raise ValueError(
                f"process of {type(self).__name__} must return an array of shape "
                f"{shape}, that of the tile's own pixels, got {found.shape}."
            )
        return found

    def check(
        self, result: ArrayLike, index: tuple[int, ...], total: np.ndarray
    ) -> None:
        """Raise an error if a frame has no answer.

        Parameters
        ----------
        result : (rows, columns, ...) numpy.ndarray
            Of the whole frame.
        index : tuple of int
            Place of the frame.
        total : numpy.ndarray
            What `checked_by` found in the frame.
        """


@dataclass(frozen=True)
class SumAnalysis(Analysis):
    """An analysis whose `process` returns what can be merged, such as numbers.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the result.
    shape : tuple of int
        Of the result.
    by_tile : bool
        Whether `run` reads the chunks of a dask array one by one, also those of one
        frame, and merges what each has at once: if a frame may be larger than memory.
    """

    dtype: ClassVar[np.dtype] = np.dtype(float)
    shape: ClassVar[tuple] = ()
    by_tile: ClassVar[bool] = False

    def merge(self, a: Any, b: Any) -> Any:
        """What two tiles or frames have together; by default, their sum."""
        return a + b

    def finish(self, total: Any) -> Any:
        """Result from what all tiles have together; by default, the same."""
        return total

    def gather(self, found: Iterable[Any]) -> np.ndarray:
        """Result from what the tiles have.

        Parameters
        ----------
        found : iterable
            In the order of the frames, and of the tiles in a frame.

        Returns
        -------
        numpy.ndarray
            Of `shape` and `dtype`.
        """
        total = functools.reduce(self.merge, found)
        return np.asarray(self.finish(total), self.dtype)


@dataclass(frozen=True)
class PointAnalysis(Analysis):
    """An analysis whose `process` returns rows of a table: (n, k) numpy.ndarray.

    They are those of the tile's own pixels.
    """

    dtype: ClassVar[np.dtype] = np.dtype(object)
    shape: ClassVar[tuple] = (1,)

    def join(self, rows: list[np.ndarray]) -> np.ndarray:
        """Join the rows of the tiles; by default, one after the other.

        Parameters
        ----------
        rows : list of (n, k) numpy.ndarray
            Of the tiles of a frame.

        Returns
        -------
        (n, k) numpy.ndarray
        """
        return np.concatenate(rows)

    def gather(self, found: Iterable[Any]) -> np.ndarray:
        """Rows of a frame from those of its tiles: (1,) numpy.ndarray of object."""
        return as_objects([self.join(list(found))])


def as_objects(found):
    """Array of objects that may be arrays themselves: (n,) numpy.ndarray."""
    result = np.empty(len(found), object)
    for i, each in enumerate(found):
        result[i] = each
    return result
