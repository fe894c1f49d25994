# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Sums over blocks of pixels.

A block b is a square of `block` pixels; those at the lower and right edge may be cut
off. Its sum and its energy are

    S_b = sum over q in b of I(q),    E_b = sum over q in b of I(q)^2

A pixel of 8 bytes takes three operations, so memory bounds them: rows of pixels are
added to sums of columns, and only these are added up by block.
"""

import numpy as np


def moments(
    const double[:, ::1] values,
    Py_ssize_t block,
    double[:, ::1] sums,
    double[:, ::1] energies,
):
    """Sums of the pixels of the blocks, and of their squares.

    Parameters
    ----------
    values : (rows, columns) float64 array
    block : int
    sums, energies : (block rows, block columns) float64 arrays
    """
    cdef Py_ssize_t height = values.shape[0], width = values.shape[1]
    cdef Py_ssize_t i, j, x, y
    cdef double total, energy
    # Of the pixels of a row of blocks, by column.
    cdef double[::1] column = np.empty(width), column_energy = np.empty(width)
    with nogil:
        for i in range(sums.shape[0]):
            column[:] = 0
            column_energy[:] = 0
            for y in range(i * block, min((i + 1) * block, height)):
                for x in range(width):
                    column[x] += values[y, x]
                    column_energy[x] += values[y, x] * values[y, x]
            for j in range(sums.shape[1]):
                total = energy = 0
                for x in range(j * block, min((j + 1) * block, width)):
                    total += column[x]
                    energy += column_energy[x]
                sums[i, j] = total
                energies[i, j] = energy
