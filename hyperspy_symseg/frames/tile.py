# SPDX-License-Identifier: GPL-3.0-or-later
"""A rectangle of a frame that is processed at once, with what it may see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .cached import cached_property
from .valid import valid_pixels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Tile:
    """A rectangle of a frame that is processed at once, with what it may see.

    It is addressed by the rows and columns of the whole frame. A descriptor takes it in
    place of the frame, and gives the same scores to the last bit: it cuts the same
    blocks, and sees edges only where the frame has them.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    inner : (slice, slice)
        Rows and columns of the frame that it answers for.
    outer : (slice, slice)
        Rows and columns of the frame that it may see.
    samples : (slice, slice) or None
        If pixels of a grid are looked at: rows and columns of the grid that it answers
        for.
    index : tuple of int
        Place of the frame in the array.
    values : (outer rows, outer columns) numpy.ndarray, tuple of such, or None
        The pixels that it may see; several if there are several channels.
    mask : (outer rows, outer columns) numpy.ndarray of bool, or None
        True where a pixel is left out.
    labels : (outer rows, outer columns) numpy.ndarray of int, or None
    prepared : object
        What `Analysis.prepare` has found in the whole frame.

    Examples
    --------
    >>> tile = Tile.at((10, 20), np.eye(3), (100, 100))
    >>> tile[11:13, 20:23]
    array([[0., 1., 0.],
           [0., 0., 1.]])
    """

    shape: tuple[int, int]
    inner: tuple[slice, slice]
    outer: tuple[slice, slice]
    samples: tuple[slice, slice] | None = None
    index: tuple[int, ...] = ()
    values: Any = field(default=None, compare=False)
    mask: np.ndarray | None = field(default=None, compare=False)
    labels: np.ndarray | None = field(default=None, compare=False)
    prepared: Any = field(default=None, compare=False)
    ndim: ClassVar[int] = 2

    @classmethod
    def at(
        cls, first: tuple[int, int], values: ArrayLike, shape: tuple[int, int]
    ) -> Tile:
        """Tile that sees what it answers for, and no more.

        Parameters
        ----------
        first : (int, int)
            Row and column of the frame at which it begins.
        values : (rows, columns) numpy.ndarray
        shape : (int, int)
            Rows and columns of the frame.

        Returns
        -------
        Tile
        """
        pixels = tuple(
            slice(a, a + n) for a, n in zip(first, values.shape, strict=True)
        )
        return cls(tuple(shape), pixels, pixels, values=values)

    def holding(self, values: np.ndarray | None) -> Tile | None:
        """The same rectangle of another array, such as the mask: Tile, or None."""
        return None if values is None else replace(self, values=values)

    @property
    def dtype(self) -> np.dtype:
        """Dtype of the pixels."""
        return self.values.dtype

    @property
    def own(self) -> tuple[slice, slice]:
        """Rows and columns of `values` that it answers for: (slice, slice)."""
        return within(self.inner, self.outer)

    @cached_property
    def valid(self) -> np.ndarray:
        """Which of `values` count: neither masked nor not finite.

        (outer rows, outer columns) numpy.ndarray of bool.
        """
        channels = self.values if isinstance(self.values, tuple) else (self.values,)
        found = [valid_pixels(each, self.mask) for each in channels]
        found = [each for each in found if each is not None]
        if not found:
            return np.ones(channels[0].shape, bool)
        return np.logical_and.reduce(found)

    def result_shape(self, upsample: bool = True) -> tuple[int, int]:
        """Size of `inner` or, not upsampled, of `samples`: (int, int)."""
        return lengths(self.inner if upsample else self.samples)

    def seen_in(self, frame: Tile) -> Tile:
        """The same tile with all that a frame has: Tile.

        Parameters
        ----------
        frame : Tile
            That sees all that this one may see.
        """
        seen = within(self.outer, frame.outer)

        def cut(array):
            if isinstance(array, tuple):
                return tuple(map(cut, array))
            return None if array is None else array[seen]

        return replace(
            self,
            index=frame.index,
            values=cut(frame.values),
            mask=cut(frame.mask),
            labels=cut(frame.labels),
            prepared=frame.prepared,
        )

    def __getitem__(self, slices):
        """Pixels of a (slice of rows, slice of columns), all of them in `outer`."""
        shifted = within(slices, self.outer)
        for axis, length in zip(shifted, self.values.shape, strict=True):
            if axis.start < 0 or axis.stop > length:
                raise IndexError(
                    f"pixels must all be in the tile that begins at "
                    f"{tuple(axis.start for axis in self.outer)} and has the shape "
                    f"{self.values.shape}, got {slices}."
                )
        return self.values[shifted]


def lengths(pixels):
    """Number of rows and columns: (int, int)."""
    return tuple(axis.stop - axis.start for axis in pixels)


def within(pixels, outer):
    """Rows and columns of a frame, counted from the first of others: (slice, slice).

    Examples
    --------
    >>> within((slice(5, 9), slice(2, 3)), (slice(4, 12), slice(0, 3)))
    (slice(1, 5, None), slice(2, 3, None))
    """
    return tuple(
        slice(axis.start - other.start, axis.stop - other.start)
        for axis, other in zip(pixels, outer, strict=True)
    )


def widened(pixels, margin, shape):
    """Rows and columns with a margin around them, as far as the frame goes.

    Parameters
    ----------
    pixels : (slice, slice)
    margin : int
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (slice, slice)

    Examples
    --------
    >>> widened((slice(3, 8), slice(10, 20)), 4, (40, 21))
    (slice(0, 12, None), slice(6, 21, None))
    """
    return tuple(
        slice(max(axis.start - margin, 0), min(axis.stop + margin, length))
        for axis, length in zip(pixels, shape, strict=True)
    )


def within_reach(grid, reach, shape):
    """Pixels of a frame within reach of a grid.

    Parameters
    ----------
    grid : Grid
    reach : (int, int)
        Along (y, x), in pixels.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (slice, slice)

    Examples
    --------
    >>> from hyperspy_symseg.frames import Grid
    >>> within_reach(Grid((5, 5), (10, 10), (2, 3)), (4, 9), (100, 100))
    (slice(1, 20, None), slice(0, 35, None))
    """
    return widened(_around(grid, reach), 0, shape)


def _around(grid, reach):
    """Rows and columns within reach of a grid, also outside the frame."""
    return tuple(
        slice(first - far, first + (size - 1) * step + far + 1)
        for first, step, size, far in zip(
            grid.first, grid.stride, grid.shape, reach, strict=True
        )
    )


def hull(rectangles):
    """Smallest rectangle that holds several.

    Parameters
    ----------
    rectangles : list of (slice, slice)

    Returns
    -------
    (slice, slice)

    Examples
    --------
    >>> hull([(slice(0, 3), slice(1, 2)), (slice(2, 5), slice(0, 2))])
    (slice(0, 5, None), slice(0, 2, None))
    """
    return tuple(
        slice(min(each.start for each in axis), max(each.stop for each in axis))
        for axis in zip(*rectangles, strict=True)
    )


def cut_block(frame, grid, reach, mask=None):
    """Cut out all pixels within reach of a grid.

    Parameters
    ----------
    frame : (rows, columns) array of any real dtype, or Tile
        Pixels that are not finite are left out.
    grid : Grid
        The pixels to score.
    reach : (int, int)
        How far their scores look along (y, x), in pixels.
    mask : (rows, columns) array of bool or Tile, optional
        True where a pixel is left out.

    Returns
    -------
    values : (block rows, block columns) numpy.ndarray of float64
        Intensities less the offset, and 0 where not valid. They are scaled by a power
        of two, which rounds nothing and keeps all squares finite.
    valid : (block rows, block columns) numpy.ndarray of bool
        False outside the frame too.
    offset : float
        Their mean, in the same scale.
    inside : (slice, slice)
        Where the frame lies in the block. The first pixel of the grid is at `reach`.
    """
    block = _around(grid, reach)
    source = widened(block, 0, frame.shape)
    inside, shape = within(source, block), lengths(block)
    intensities = np.asarray(frame[source], dtype=np.float64)
    usable = np.isfinite(intensities)
    if mask is not None:
        usable &= ~mask[source]
    values, valid = np.zeros(shape), np.zeros(shape, bool)
    valid[inside] = usable
    if not usable.any():
        return values, valid, 0.0, inside
    used = intensities[usable]
    exponent = np.frexp(np.abs(used).max())[1]
    scaled = np.ldexp(used, -exponent)
    offset = scaled.mean()
    values[inside][usable] = scaled - offset
    return values, valid, offset, inside


def points_in_block(grid, reach):
    """Where the pixels of a grid are in the block that has been cut out for them.

    Parameters
    ----------
    grid : Grid
    reach : (int, int)
        As given to `cut_block`.

    Returns
    -------
    (slice, slice)
    """
    return tuple(
        slice(far, far + (size - 1) * step + 1, step)
        for far, size, step in zip(reach, grid.shape, grid.stride, strict=True)
    )
