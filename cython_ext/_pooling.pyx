# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""The largest local maxima of a score map in a moving window.

A local maximum is a score that none of its eight neighbours in the map exceeds. The
maxima of every row of the map are listed once; a window then meets few candidates,
and the largest of them stand in a short sorted list.
"""

import numpy as np

from libc.math cimport NAN


cdef inline bint is_maximum(
    const float[:, :] scores, Py_ssize_t y, Py_ssize_t x
) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef float score = scores[y, x]
    if score != score:
        return False
    for i in range(max(y - 1, 0), min(y + 2, scores.shape[0])):
        for j in range(max(x - 1, 0), min(x + 2, scores.shape[1])):
            # False for a neighbour that is missing.
            if scores[i, j] > score:
                return False
    return True


cdef inline Py_ssize_t insert(
    double *largest, Py_ssize_t n, Py_ssize_t most, double score
) noexcept nogil:
    """Put a score into a descending list of at most `most`; return its new length."""
    cdef Py_ssize_t rank = n
    if n == most:
        if score <= largest[n - 1]:
            return n
        rank = n - 1
    else:
        n += 1
    while rank and largest[rank - 1] < score:
        largest[rank] = largest[rank - 1]
        rank -= 1
    largest[rank] = score
    return n


cdef inline float largest_score(
    const float[:, :] scores, Py_ssize_t[:] rows, Py_ssize_t[:] columns
) noexcept nogil:
    """The largest score in a window, NaN if all are missing."""
    cdef Py_ssize_t y, x
    cdef float score = NAN
    for y in range(rows[0], rows[1]):
        for x in range(columns[0], columns[1]):
            if not scores[y, x] <= score and scores[y, x] == scores[y, x]:
                score = scores[y, x]
    return score


def pool_block(
    const float[:, :, :] scores,
    Py_ssize_t[:, ::1] rows,
    Py_ssize_t[:, ::1] columns,
    float[:, :, :, :] out,
):
    """Pool the scores of every operation.

    Parameters
    ----------
    scores : (operations, map rows, map columns) float32 array
        NaN where missing.
    rows, columns : (grid rows, 2), (grid columns, 2) intp array
        Where the window of every point of the grid begins and ends in the map.
    out : (operations, maxima, grid rows, grid columns) float32 array
        The largest first. Where there are too few local maxima, the smallest one
        again; where there are none, the largest score; NaN where there is no score.
    """
    cdef Py_ssize_t width = scores.shape[2], n_maxima = out.shape[1]
    # Columns of the local maxima of every row, and where those right of a column begin.
    cdef int[:, ::1] maxima = np.empty((scores.shape[1], width), np.intc)
    cdef int[:, ::1] begins = np.empty((scores.shape[1], width + 1), np.intc)
    cdef double[::1] largest = np.empty(n_maxima)
    cdef Py_ssize_t op, y, x, i, k, n, m
    with nogil:
        for op in range(scores.shape[0]):
            for y in range(scores.shape[1]):
                n = 0
                for x in range(width):
                    begins[y, x] = n
                    if is_maximum(scores[op], y, x):
                        maxima[y, n] = x
                        n += 1
                begins[y, width] = n
            for i in range(rows.shape[0]):
                for k in range(columns.shape[0]):
                    n = 0
                    for y in range(rows[i, 0], rows[i, 1]):
                        for m in range(
                            begins[y, columns[k, 0]], begins[y, columns[k, 1]]
                        ):
                            n = insert(
                                &largest[0], n, n_maxima, scores[op, y, maxima[y, m]]
                            )
                    if not n:
                        largest[0] = largest_score(scores[op], rows[i], columns[k])
                        n = 1
                    for m in range(n_maxima):
                        out[op, m, i, k] = largest[min(m, n - 1)]
