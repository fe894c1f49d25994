# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a frame that the scores at a grid depend on."""

import numpy as np


class FramePart:
    """Part of a frame, addressed by the rows and columns of the whole frame.

    A descriptor takes it in place of the frame, and gives the same scores to the last
    bit: it cuts the same blocks, and sees edges only where the frame has them.

    Parameters
    ----------
    values : (part rows, part columns) numpy.ndarray
    first : (int, int)
        Where they begin in the frame.
    shape : (int, int)
        Rows and columns of the frame.

    Examples
    --------
    >>> part = FramePart(np.eye(3), (10, 20), (100, 100))
    >>> part[11:13, 20:23]
    array([[0., 1., 0.],
           [0., 0., 1.]])
    """

    ndim = 2

    def __init__(self, values, first, shape):
        self._values, self._first, self.shape = values, tuple(first), tuple(shape)

    @property
    def dtype(self):
        """Dtype of the pixels."""
        return self._values.dtype

    def __getitem__(self, slices):
        """Pixels of a (slice of rows, slice of columns), all of them in the part."""
        shifted = [
            slice(axis.start - first, axis.stop - first)
            for axis, first in zip(slices, self._first, strict=True)
        ]
        for axis, length in zip(shifted, self._values.shape, strict=True):
            if axis.start < 0 or axis.stop > length:
                raise IndexError(
                    f"pixels must all be in the part of the frame that begins at "
                    f"{self._first} and has the shape {self._values.shape}, got "
                    f"{slices}."
                )
        return self._values[tuple(shifted)]


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
    return tuple(
        slice(max(first - far, 0), min(first + (size - 1) * step + far + 1, length))
        for first, step, size, far, length in zip(
            grid.first, grid.stride, grid.shape, reach, shape, strict=True
        )
    )


def hull(parts):
    """Smallest part of a frame that holds several.

    Parameters
    ----------
    parts : list of (slice, slice)

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
        for axis in zip(*parts, strict=True)
    )


def cut_block(frame, grid, reach, mask=None):
    """Cut out all pixels within reach of a grid.

    Parameters
    ----------
    frame : (rows, columns) array of any real dtype, or FramePart
        Pixels that are not finite are left out.
    grid : Grid
        The pixels to score.
    reach : (int, int)
        How far their scores look along (y, x), in pixels.
    mask : (rows, columns) array of bool or FramePart, optional
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
    source = within_reach(grid, reach, frame.shape)
    inside = tuple(
        slice(axis.start - first + far, axis.stop - first + far)
        for axis, first, far in zip(source, grid.first, reach, strict=True)
    )
    shape = tuple(
        (size - 1) * step + 2 * far + 1
        for size, step, far in zip(grid.shape, grid.stride, reach, strict=True)
    )
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
