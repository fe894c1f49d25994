# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic of squares: sums over squares of pixels, and means of squares near by."""

import numpy as np
from scipy import ndimage

from .kernels import compiled

_waves = compiled("_waves")

# A Gaussian window ends at so many standard deviations.
TRUNCATE = 3.0


def sum_squares(array, side):
    """Sums over squares of an array, those at its lower and right edge cut off.

    Parameters
    ----------
    array : (..., rows, columns) numpy.ndarray
    side : int

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> sum_squares(np.ones((3, 5), int), 2)
    array([[4, 4, 2],
           [2, 2, 1]])
    """
    for axis in (-2, -1):
        lines = np.moveaxis(array, axis, 0)
        # Four times faster than np.add.reduceat.
        sums = lines[::side].copy()
        for i in range(1, side):
            more = lines[i::side]
            sums[: len(more)] += more
        array = np.moveaxis(sums, 0, axis)
    return np.ascontiguousarray(array)


def spread(array, side, shape):
    """Give every pixel of a square the value of the square.

    Parameters
    ----------
    array : (..., squares along y, squares along x) numpy.ndarray
    side : int
    shape : (int, int)
        Rows and columns of the result.

    Returns
    -------
    (..., rows, columns) numpy.ndarray
    """
    rows, columns = (np.arange(length) // side for length in shape)
    return array.take(columns, axis=-1).take(rows, axis=-2)


def squares_in(window, side):
    """Rows and columns of the squares in a window of pixels: (slice, slice).

    Parameters
    ----------
    window : (slice, slice)
        Of whole squares, but for those at the lower and right edge.
    side : int

    Examples
    --------
    >>> squares_in((slice(0, 6), slice(3, 10)), 3)
    (slice(0, 2, None), slice(1, 4, None))
    """
    return tuple(slice(axis.start // side, -(-axis.stop // side)) for axis in window)


def gaussian_weights(width, dtype=np.float32):
    """Weights of a Gaussian window along an axis, at distances of 0, 1, ... squares.

    Parameters
    ----------
    width : float
        Standard deviation of the window, in squares.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    (n,) numpy.ndarray of dtype
        Their sum over both sides is 1.
    """
    distance = np.arange(int(TRUNCATE * width + 0.5) + 1)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    return (weights / (2 * weights.sum() - weights[0])).astype(dtype)


def window_means(squares, weights, go_on=False):
    """Weighted means of squares in a window.

    Parameters
    ----------
    squares : (..., rows, columns) numpy.ndarray
    weights : (m,) numpy.ndarray of float32 or float64
        Along an axis, at distances of 0, 1, ... squares; 2 or more.
    go_on : bool
        Whether squares at the edges go on beyond; otherwise, there is nothing.

    Returns
    -------
    numpy.ndarray
        Of the same shape, and in the precision of the weights.
    """
    squares = np.ascontiguousarray(squares, dtype=weights.dtype)
    out = np.empty_like(squares)
    _waves.window_means(planes(squares), weights, go_on, planes(out))
    return out


def planes(array):
    """View of an array (..., rows, columns) with one axis before the last two."""
    return array.reshape(-1, *array.shape[-2:])


def gaussian_mean(array, width):
    """Mean in a Gaussian window, where there is nothing beyond the edges.

    Parameters
    ----------
    array : (..., rows, columns) or (n,) numpy.ndarray
    width : float
        Standard deviation of the window.

    Returns
    -------
    numpy.ndarray of float64
    """
    array = array.astype(np.float64)
    widths = [0] * (array.ndim - 2) + [width] * min(array.ndim, 2)
    return ndimage.gaussian_filter(array, widths, mode="constant", truncate=TRUNCATE)


def ratio(sums, counts):
    """Quotient, and 0 where the divisor is not positive."""
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)


def local_mean(sums, counts, width):
    """Mean of what is in the blocks, in a Gaussian window.

    Parameters
    ----------
    sums, counts : (..., block rows, block columns) numpy.ndarray
        Sums over the valid pixels of the blocks, and their number.
    width : float
        Standard deviation of the window, in blocks.

    Returns
    -------
    (..., block rows, block columns) numpy.ndarray of float64
        0 where there are no pixels.
    """
    return ratio(gaussian_mean(sums, width), gaussian_mean(counts, width))
