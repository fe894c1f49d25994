# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic of blocks: sums, products, and means of blocks near by.

A block is as for `hyperspy_symseg.frames.block_sums`; a cell is a block of blocks.
"""

import functools

import numpy as np

from hyperspy_symseg.frames.kernels import compiled
from hyperspy_symseg.frames.threads import pmap

_blocks = compiled("_blocks")

# Standard deviations at which a Gaussian window ends.
TRUNCATE = 3.0
# Rows of pixels that a thread is given.
ROWS = 512


def n_blocks(shape, side):
    """Numbers of blocks along the last two axes, those cut off too: (int, int)."""
    return tuple(-(-n // side) for n in shape[-2:])


def sum_blocks(array, side):
    """Sums over the blocks of an array.

    Parameters
    ----------
    array : (..., rows, columns) numpy.ndarray
    side : int

    Returns
    -------
    (..., block rows, block columns) numpy.ndarray

    Examples
    --------
    >>> sum_blocks(np.ones((3, 5), int), 2)
    array([[4, 4, 2],
           [2, 2, 1]])
    """
    if array.dtype == np.float32:
        # The same sums, ten times faster where blocks are small.
        ones = np.ones(array.shape[-2:], np.float32)
        return products(ones, np.ascontiguousarray(array), side)
    # Four times faster than np.add.reduceat.
    rows = array[..., ::side, :].copy()
    for i in range(1, side):
        more = array[..., i::side, :]
        rows[..., : more.shape[-2], :] += more
    sums = rows[..., ::side].copy()
    for i in range(1, side):
        more = rows[..., i::side]
        sums[..., : more.shape[-1]] += more
    return sums


def products(first, second, side):
    """Sums of the products of two arrays over the blocks.

    Parameters
    ----------
    first, second : (..., rows, columns) numpy.ndarray of float32
        C-contiguous; `second` may have more axes in front.
    side : int

    Returns
    -------
    (..., block rows, block columns) numpy.ndarray of float32
    """
    shape = *second.shape[:-2], *n_blocks(second.shape, side)
    out = np.empty(shape, np.float32)
    _blocks.products(planes(first), planes(second), side, planes(out))
    return out


def difference_products(one, other, side):
    """Sums of the products of two differences over the blocks.

    Parameters
    ----------
    one, other : pair of (..., rows, columns) numpy.ndarray of float32
        C-contiguous; the second of a pair is taken from the first.
    side : int

    Returns
    -------
    (..., block rows, block columns) numpy.ndarray of float32
        The same as `products` of the differences.
    """
    shape = one[0].shape
    out = np.empty((*shape[:-2], *n_blocks(shape, side)), np.float32)
    _blocks.difference_products(*map(planes, (*one, *other)), side, planes(out))
    return out


def interpolated(arrays, side, rows, columns):
    """Values of pixels from those of their blocks, by linear interpolation.

    Parameters
    ----------
    arrays : (n, block rows, block columns) numpy.ndarray of float32
    side : int
        Of a block, in pixels.
    rows, columns : numpy.ndarray of int
        Of the pixels.

    Returns
    -------
    (n, rows, columns) numpy.ndarray of float32
        Between the middles of the outermost blocks and the edges, those of the blocks.

    Examples
    --------
    >>> interpolated(np.float32([[[0, 1]]]), 2, np.arange(2), np.arange(4))[0, 0]
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    axes = zip((rows, columns), arrays.shape[1:], strict=True)
    places = [each for pixels, n in axes for each in _between(pixels, n, side)]
    out = np.empty((len(arrays), len(rows), len(columns)), np.float32)

    def interpolate(array, own):
        _blocks.interpolate(np.ascontiguousarray(array), *places, own)

    pmap(interpolate, arrays, out)
    return out


def largest_between(arrays, side, rows, columns):
    """Array that has the largest value at each pixel, of those that are interpolated.

    Parameters
    ----------
    arrays, side, rows, columns
        As for `interpolated`.

    Returns
    -------
    (rows, columns) numpy.ndarray of int16
        The first of several.

    Examples
    --------
    >>> arrays = np.float32([[[3, 0]], [[1, 1]]])
    >>> largest_between(arrays, 2, np.arange(1), np.arange(4))
    array([[0, 0, 1, 1]], dtype=int16)
    """
    arrays = np.ascontiguousarray(arrays)
    along_y, along_x = (
        _between(pixels, n, side)
        for pixels, n in zip((rows, columns), arrays.shape[1:], strict=True)
    )
    out = np.empty((len(rows), len(columns)), np.int16)

    def of_rows(first):
        own = slice(first, first + ROWS)
        places = *(each[own] for each in along_y), *along_x
        _blocks.largest_between(arrays, *places, out[own])

    pmap(of_rows, range(0, len(rows), ROWS))
    return out


def _between(pixels, n, side):
    """Blocks of n before pixels of a line, and shares of those after: two (pixels,)."""
    position = (pixels - (side - 1) / 2) / side
    before = np.clip(np.floor(position).astype(np.int32), 0, n - 1)
    return before, np.clip(position - before, 0, 1).astype(np.float32)


def normalised(values, means, scales, side):
    """Pixels less the mean of their block, times its scale.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of float64
    means, scales : (block rows, block columns) numpy.ndarray of float64
    side : int

    Returns
    -------
    (rows, columns) numpy.ndarray of float32
    """
    out = np.empty(values.shape, np.float32)
    height = max(ROWS // side, 1)

    def of_rows(first):
        blocks = slice(first, first + height)
        rows = slice(first * side, (first + height) * side)
        _blocks.normalise(values[rows], means[blocks], scales[blocks], side, out[rows])

    pmap(of_rows, range(0, len(means), height))
    return out


def blocks_in(window, side):
    """Rows and columns of the blocks in some rows and columns: (slice, slice).

    Parameters
    ----------
    window : (slice, slice)
        Of whole blocks, but for those at the lower and right edge.
    side : int

    Examples
    --------
    >>> blocks_in((slice(0, 6), slice(3, 10)), 3)
    (slice(0, 2, None), slice(1, 4, None))
    """
    return tuple(slice(axis.start // side, -(-axis.stop // side)) for axis in window)


def centres(shape, side):
    """Rows and columns of the elements in the middle of the blocks: two of int.

    Parameters
    ----------
    shape : tuple of int
        Its last two axes are cut into blocks.
    side : int

    Examples
    --------
    >>> centres((5, 7), 3)
    [array([1, 4]), array([1, 4, 6])]
    """
    return [np.minimum(np.arange(0, n, side) + side // 2, n - 1) for n in shape[-2:]]


def eroded(blocks, margin):
    """Blocks of which no other is near.

    Parameters
    ----------
    blocks : (..., rows, columns) numpy.ndarray of bool
    margin : int
        Steps along rows and columns, in all, that lead from them to no other.

    Returns
    -------
    numpy.ndarray of bool
        Of the same shape. What is beyond the edges does not count.

    Examples
    --------
    >>> blocks = np.array([[True, True, True, False], [True] * 4, [True] * 4])
    >>> eroded(blocks, 1).astype(int)
    array([[1, 1, 0, 0],
           [1, 1, 1, 0],
           [1, 1, 1, 1]])
    """
    for _ in range(margin):
        own, blocks = blocks, blocks.copy()
        blocks[..., 1:, :] &= own[..., :-1, :]
        blocks[..., :-1, :] &= own[..., 1:, :]
        blocks[..., 1:] &= own[..., :-1]
        blocks[..., :-1] &= own[..., 1:]
    return blocks


@functools.lru_cache(maxsize=64)
def gaussian_weights(width, dtype=np.float32):
    """Weights of a Gaussian window along an axis, at distances of 0, 1, ... blocks.

    Parameters
    ----------
    width : float
        Standard deviation of the window, in blocks.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    (n,) numpy.ndarray of dtype
        Their sum over both sides is 1. It is constant.
    """
    distance = np.arange(int(TRUNCATE * width + 0.5) + 1)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    weights = (weights / (2 * weights.sum() - weights[0])).astype(dtype)
    weights.flags.writeable = False
    return weights


def window_means(blocks, weights, left_out=None):
    """Weighted means of blocks in a window.

    Parameters
    ----------
    blocks : (..., rows, columns) numpy.ndarray
    weights : (m,) numpy.ndarray of float32 or float64
        Along an axis, at distances of 0, 1, ... blocks; 2 or more.
    left_out : (l,) numpy.ndarray of the same dtype, optional
        Weights of a smaller window that is left out; 2 or more.

    Returns
    -------
    numpy.ndarray
        Of the same shape, and in the precision of the weights. Beyond the edges, there
        are zeros.
    """
    blocks = np.ascontiguousarray(blocks, dtype=weights.dtype)
    out = np.empty_like(blocks)
    _blocks.window_means(planes(blocks), weights, planes(out), left_out)
    return out


def planes(array):
    """View of an array (..., rows, columns) with one axis before the last two."""
    return array.reshape(-1, *array.shape[-2:])


def ratio(sums, counts):
    """Quotients of two arrays, and 0 where the divisor is not positive."""
    positive = counts > 0
    # Four times faster where there is nothing to choose.
    if positive.all():
        return np.divide(sums, counts, out=np.empty_like(sums))
    return np.divide(sums, counts, out=np.zeros_like(sums), where=positive)


def local_mean(sums, counts, width):
    """Mean of the pixels of blocks, in a Gaussian window.

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
    weights = gaussian_weights(width, np.float64)
    return ratio(window_means(sums, weights), window_means(counts, weights))
