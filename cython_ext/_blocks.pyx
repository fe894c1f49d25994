# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Pixels and the blocks that they lie in.

A block b is a square of `block` pixels; those at the lower and right edge may be cut
off. The pixels less a mean m_b times a scale s_b are

    X(q) = (I(q) - m_b) s_b

Rows of products are added to sums of columns, and only these are added up by block. A
window of blocks is a product of one along y and one along x, with pairs of blocks added
first.

Between the blocks b and b + 1 of a line, at the share c of the way, a number is
n_b + c (n_(b + 1) - n_b), along y and then along x.
"""

import numpy as np


cdef extern from *:
    """
    #include <string.h>

    #include "block_rows.h"
    #include "vectors.h"

    /* In C, because only constant counts and restrict let the compiler keep the
       sums in vector registers. */

    /* Sums of the products of two arrays in the columns of a few rows. */
    SYMSEG_INLINE void column_sums(
        float *SYMSEG_RESTRICT sums, const float *first, const float *second,
        const Py_ssize_t n_rows, Py_ssize_t width)
    {
        for (Py_ssize_t x = 0; x < width; ++x) {
            float sum = 0;
            for (Py_ssize_t y = 0; y < n_rows; ++y)
                sum += first[y * width + x] * second[y * width + x];
            sums[x] = sum;
        }
    }

    /* The same of any number of rows, row by row. */
    SYMSEG_INLINE void sums_by_row(
        float *SYMSEG_RESTRICT sums, const float *first, const float *second,
        Py_ssize_t n_rows, Py_ssize_t width)
    {
        for (Py_ssize_t x = 0; x < width; ++x)
            sums[x] = 0;
        for (Py_ssize_t y = 0; y < n_rows; ++y)
            for (Py_ssize_t x = 0; x < width; ++x)
                sums[x] += first[y * width + x] * second[y * width + x];
    }

    /* Sums of the products of two arrays in the blocks. */
    SYMSEG_CLONES static void product_sums(
        float *SYMSEG_RESTRICT out, Py_ssize_t n_rows, Py_ssize_t n, Py_ssize_t block,
        const float *first, const float *second, Py_ssize_t height, Py_ssize_t width,
        float *SYMSEG_RESTRICT sums)
    {
        for (Py_ssize_t i = 0; i < n_rows; ++i) {
            Py_ssize_t at = i * block * width, left = height - i * block;
            #define SUMS(of, n_rows) of(sums, first + at, second + at, n_rows, width)
            /* The most frequent sizes are constants. */
            switch (left < block ? 0 : block) {
            case 2: SUMS(column_sums, 2); break;
            case 3: SUMS(column_sums, 3); break;
            case 4: SUMS(column_sums, 4); break;
            case 5: SUMS(column_sums, 5); break;
            default: SUMS(sums_by_row, left < block ? left : block);
            }
            #undef SUMS
            by_block(out + i * n, n, block, sums);
        }
    }

    /* Rows of pixels between those of blocks, linearly; `line` has room for one more
       block than a row. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void interpolate_rows(
        float *SYMSEG_RESTRICT out, Py_ssize_t n_rows, Py_ssize_t n_columns,
        const float *SYMSEG_RESTRICT blocks, Py_ssize_t height, Py_ssize_t width,
        const int *SYMSEG_RESTRICT row_before, const float *SYMSEG_RESTRICT row_share,
        const int *SYMSEG_RESTRICT column_before,
        const float *SYMSEG_RESTRICT column_share, float *SYMSEG_RESTRICT line)
    {
        SYMSEG_ROUND_EACH
        for (Py_ssize_t i = 0; i < n_rows; ++i) {
            const float *low = blocks + row_before[i] * width;
            const float *high = row_before[i] + 1 < height ? low + width : low;
            float share = row_share[i];
            for (Py_ssize_t x = 0; x < width; ++x)
                line[x] = (high[x] - low[x]) * share + low[x];
            line[width] = line[width - 1];
            for (Py_ssize_t j = 0; j < n_columns; ++j) {
                const float *at = line + column_before[j];
                out[i * n_columns + j] = (at[1] - at[0]) * column_share[j] + at[0];
            }
        }
    }

    /* Of some rows of numbers, the first with the largest number in each column; the
       first row becomes the largest numbers. */
    SYMSEG_CLONES static void first_largest(
        short *SYMSEG_RESTRICT out, float *SYMSEG_RESTRICT rows, Py_ssize_t n_rows,
        Py_ssize_t n)
    {
        for (Py_ssize_t x = 0; x < n; ++x)
            out[x] = 0;
        for (Py_ssize_t k = 1; k < n_rows; ++k)
            for (Py_ssize_t x = 0; x < n; ++x) {
                float own = rows[k * n + x];
                int is_larger = own > rows[x];
                out[x] = is_larger ? (short) k : out[x];
                rows[x] = is_larger ? own : rows[x];
            }
    }

    #define FEW_LANES 24
    #define REAL float
    #define WINDOW_SUMS window_sums_float
    #define WINDOW_ALONG_Y window_along_y_float
    #define WINDOW_ALONG_X window_along_x_float
    #define WINDOW_PLANE window_plane_float
    #include "window_row.h"
    #define REAL double
    #define WINDOW_SUMS window_sums_double
    #define WINDOW_ALONG_Y window_along_y_double
    #define WINDOW_ALONG_X window_along_x_double
    #define WINDOW_PLANE window_plane_double
    #include "window_row.h"
    """
    const int LANES, WINDOW_LINES
    Py_ssize_t ROW_WITH_ROOM(Py_ssize_t width) noexcept nogil
    Py_ssize_t TO_CACHE_LINE(const void *address, Py_ssize_t size) noexcept nogil
    void product_sums(
        float *out, Py_ssize_t n_rows, Py_ssize_t n, Py_ssize_t block,
        const float *first, const float *second, Py_ssize_t height, Py_ssize_t width,
        float *sums
    ) noexcept nogil
    void difference_sums(
        float *out, Py_ssize_t n, Py_ssize_t block, const float *first,
        const float *less, const float *second, const float *less_second,
        Py_ssize_t n_rows, Py_ssize_t width, float *sums
    ) noexcept nogil
    void interpolate_rows(
        float *out, Py_ssize_t n_rows, Py_ssize_t n_columns, const float *blocks,
        Py_ssize_t height, Py_ssize_t width, const int *row_before,
        const float *row_share, const int *column_before, const float *column_share,
        float *line
    ) noexcept nogil
    void first_largest(
        short *out, float *rows, Py_ssize_t n_rows, Py_ssize_t n
    ) noexcept nogil
    void window_plane_float(
        float *out, Py_ssize_t height, Py_ssize_t width, const float *blocks,
        float *rows, Py_ssize_t padded, const float *weights, Py_ssize_t reach,
        int go_on, const float *left_out, Py_ssize_t left_reach, float *lines,
        Py_ssize_t next
    ) noexcept nogil
    void window_plane_double(
        double *out, Py_ssize_t height, Py_ssize_t width, const double *blocks,
        double *rows, Py_ssize_t padded, const double *weights, Py_ssize_t reach,
        int go_on, const double *left_out, Py_ssize_t left_reach, double *lines,
        Py_ssize_t next
    ) noexcept nogil


ctypedef fused real:
    float
    double


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


def products(
    const float[:, :, ::1] first,
    const float[:, :, ::1] second,
    Py_ssize_t block,
    float[:, :, ::1] out,
):
    """Sums of products over the pixels of the blocks.

    Parameters
    ----------
    first, second : (m, rows, columns), (n, rows, columns) float32 arrays
        n is a multiple of m: the first ones are taken again and again.
    block : int
    out : (n, block rows, block columns) float32 array
    """
    cdef Py_ssize_t height = first.shape[1], width = first.shape[2]
    cdef Py_ssize_t f, n = out.shape[2], n_first = first.shape[0]
    # Of a column of a block, and zeros after the last.
    cdef float[::1] column_sums = np.zeros(n * block, np.float32)
    with nogil:
        for f in range(out.shape[0]):
            product_sums(
                &out[f, 0, 0], out.shape[1], n, block, &first[f % n_first, 0, 0],
                &second[f, 0, 0], height, width, &column_sums[0],
            )


def difference_products(
    const float[:, :, ::1] first,
    const float[:, :, ::1] less,
    const float[:, :, ::1] second,
    const float[:, :, ::1] less_second,
    Py_ssize_t block,
    float[:, :, ::1] out,
):
    """Sums of the products of two differences over the pixels of the blocks.

    Parameters
    ----------
    first, less, second, less_second : (n, rows, columns) float32 arrays
        The second is taken from the first, and the fourth from the third.
    block : int
    out : (n, block rows, block columns) float32 array
    """
    cdef Py_ssize_t height = first.shape[1], width = first.shape[2]
    cdef Py_ssize_t f, i, y, n = out.shape[2]
    # Of a column of a block, and zeros after the last.
    cdef float[::1] column_sums = np.zeros(n * block, np.float32)
    with nogil:
        for f in range(out.shape[0]):
            for i in range(out.shape[1]):
                y = i * block
                difference_sums(
                    &out[f, i, 0], n, block, &first[f, y, 0], &less[f, y, 0],
                    &second[f, y, 0], &less_second[f, y, 0], min(block, height - y),
                    width, &column_sums[0],
                )


def window_means(
    const real[:, :, ::1] blocks,
    const real[::1] weights,
    real[:, :, ::1] out,
    const real[::1] left_out=None,
):
    """Weighted means of blocks in a window, with zeros beyond the edges.

    Parameters
    ----------
    blocks : (n, block rows, block columns) float32 or float64 array
    weights : (m,) array of the same type
        Along y and along x, at distances of 0 to m - 1 blocks; m is at least 2.
    out : (n, block rows, block columns) array of the same type
    left_out : (l,) array of the same type, optional
        Weights of a smaller window that is left out; l is at least 2, and m at most.
    """
    cdef Py_ssize_t height = blocks.shape[1], width = blocks.shape[2]
    cdef Py_ssize_t reach = weights.shape[0] - 1
    cdef Py_ssize_t k, padded = ROW_WITH_ROOM(width)
    dtype = np.float32 if real is float else np.float64
    # Rows begin where lines of the cache do.
    cdef real[::1] space = np.zeros((height + 2 * reach) * padded + LANES, dtype)
    cdef real *rows = &space[0] + TO_CACHE_LINE(&space[0], sizeof(real))
    # With zeros before and after each line.
    cdef real[:, ::1] lines = np.zeros((2 * WINDOW_LINES, padded + 2 * reach), dtype)
    cdef const real *less = NULL
    cdef Py_ssize_t left_reach = 0
    if left_out is not None:
        less, left_reach = &left_out[0], left_out.shape[0] - 1
    with nogil:
        for k in range(blocks.shape[0]):
            if real is float:
                window_plane_float(
                    &out[k, 0, 0], height, width, &blocks[k, 0, 0], rows, padded,
                    &weights[0], reach, 0, less, left_reach,
                    &lines[0, reach], lines.shape[1],
                )
            else:
                window_plane_double(
                    &out[k, 0, 0], height, width, &blocks[k, 0, 0], rows, padded,
                    &weights[0], reach, 0, less, left_reach,
                    &lines[0, reach], lines.shape[1],
                )


def interpolate(
    const float[:, ::1] blocks,
    const int[::1] row_before,
    const float[::1] row_share,
    const int[::1] column_before,
    const float[::1] column_share,
    float[:, ::1] out,
):
    """Values of pixels between those of blocks, linearly along y and then along x.

    Parameters
    ----------
    blocks : (block rows, block columns) float32 array
    row_before, column_before : (rows,), (columns,) int32 arrays
        Blocks before the pixels.
    row_share, column_share : (rows,), (columns,) float32 arrays
        Share of the blocks after these, beyond the last of which there is none.
    out : (rows, columns) float32 array
    """
    cdef float[::1] line = np.empty(blocks.shape[1] + 1, np.float32)
    if blocks.shape[0] == 0 or blocks.shape[1] == 0 or out.size == 0:
        return
    with nogil:
        interpolate_rows(
            &out[0, 0], out.shape[0], out.shape[1], &blocks[0, 0], blocks.shape[0],
            blocks.shape[1], &row_before[0], &row_share[0], &column_before[0],
            &column_share[0], &line[0],
        )


def largest_between(
    const float[:, :, ::1] blocks,
    const int[::1] row_before,
    const float[::1] row_share,
    const int[::1] column_before,
    const float[::1] column_share,
    short[:, ::1] out,
):
    """Array that has the largest value at each pixel, between those of its blocks.

    Parameters
    ----------
    blocks : (n, block rows, block columns) float32 array
    row_before, row_share, column_before, column_share
        As for `interpolate`.
    out : (rows, columns) int16 array
        The first of several.
    """
    cdef Py_ssize_t i, k, n = blocks.shape[0], width = out.shape[1]
    cdef float[::1] line = np.empty(blocks.shape[2] + 1, np.float32)
    cdef float[:, ::1] values = np.empty((n, width), np.float32)
    if blocks.shape[0] == 0 or blocks.shape[1] == 0 or blocks.shape[2] == 0:
        return
    if width == 0:
        return
    with nogil:
        for i in range(out.shape[0]):
            for k in range(n):
                interpolate_rows(
                    &values[k, 0], 1, width, &blocks[k, 0, 0], blocks.shape[1],
                    blocks.shape[2], &row_before[i], &row_share[i], &column_before[0],
                    &column_share[0], &line[0],
                )
            first_largest(&out[i, 0], &values[0, 0], n, width)
