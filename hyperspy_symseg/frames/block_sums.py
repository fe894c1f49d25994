# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments of blocks of pixels, and what a block gives to its pixels.

A block is a square of `side` elements of an array; those at the lower and right edge
are cut off.
"""

import numpy as np

from .kernels import compiled

_block_sums = compiled("_block_sums")


def moments(values, side):
    """Sums and energies of the blocks of a frame.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of float64
        C-contiguous.
    side : int

    Returns
    -------
    sums, energies : (block rows, block columns) numpy.ndarray of float64
        Of the pixels, and of their squares.
    """
    sums, energies = np.empty((2, *(-(-n // side) for n in values.shape)))
    _block_sums.moments(values, side, sums, energies)
    return sums, energies


def spread(array, side, shape):
    """Give every pixel the value of its block.

    Parameters
    ----------
    array : (..., block rows, block columns) numpy.ndarray
    side : int
    shape : (int, int)
        Rows and columns of the result.

    Returns
    -------
    (..., rows, columns) numpy.ndarray
    """
    rows, columns = (np.arange(length) // side for length in shape)
    return array.take(columns, axis=-1).take(rows, axis=-2)
