# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Pixels and the blocks that they lie in.

A block b is a square of `block` pixels; those at the lower and right edge may be cut
off. Its sums, and the pixels less a mean m_b times a scale s_b, are

    S_b = sum over q in b of I(q),    Q_b = sum over q in b of I(q)^2,
    X(q) = (I(q) - m_b) s_b

Three operations for a pixel and 8 bytes read, so memory is what bounds them: rows of
pixels are added to sums of columns, and only these are added up by block.
"""

import numpy as np


def moments(
    const double[:, ::1] values,
    Py_ssize_t block,
    double[:, ::1] sums,
    double[:, ::1] squares,
):
    """Sums of the pixels of the blocks, and of their squares.

    Parameters
    ----------
    values : (rows, columns) float64 array
    block : int
    sums, squares : (block rows, block columns) float64 arrays
    """
    cdef Py_ssize_t height = values.shape[0], width = values.shape[1]
    cdef Py_ssize_t i, j, x, y
    cdef double total, total_squares
    # Of the pixels of a row of blocks, by column.
    cdef double[::1] column = np.empty(width), column_squares = np.empty(width)
    with nogil:
        for i in range(sums.shape[0]):
            column[:] = 0
            column_squares[:] = 0
            for y in range(i * block, min((i + 1) * block, height)):
                for x in range(width):
                    column[x] += values[y, x]
                    column_squares[x] += values[y, x] * values[y, x]
            for j in range(sums.shape[1]):
                total = total_squares = 0
                for x in range(j * block, min((j + 1) * block, width)):
                    total += column[x]
                    total_squares += column_squares[x]
                sums[i, j] = total
                squares[i, j] = total_squares


def normalise(
    const double[:, ::1] values,
    const double[:, ::1] means,
    const double[:, ::1] scales,
    Py_ssize_t block,
    float[:, ::1] out,
):
    """Pixels less the mean of their block, times its scale.

    Parameters
    ----------
    values : (rows, columns) float64 array
    means, scales : (block rows, block columns) float64 arrays
    block : int
    out : (rows, columns) float32 array
    """
    cdef Py_ssize_t height = values.shape[0], width = values.shape[1]
    cdef Py_ssize_t i, j, x, y
    # Of the block of every column.
    cdef double[::1] mean = np.empty(width), scale = np.empty(width)
    with nogil:
        for i in range(means.shape[0]):
            for j in range(means.shape[1]):
                for x in range(j * block, min((j + 1) * block, width)):
                    mean[x] = means[i, j]
                    scale[x] = scales[i, j]
            for y in range(i * block, min((i + 1) * block, height)):
                for x in range(width):
                    out[y, x] = <float>((values[y, x] - mean[x]) * scale[x])
