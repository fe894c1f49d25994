# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Plane waves in a frame, block by block.

A block is a square of `block` pixels; those at the lower and right edge may be cut off.
With X the pixels and e(q) = exp(2 pi i g.q), which is a product of a factor for the row
and one for the column, a block's Fourier sum is

    F_b = sum over q in b of X(q) conj(e(q))

and the waves of a pattern, with their amplitudes a_g one for each cell of `step` by
`step` blocks, make up

    t(q) = sum over g of Re(a_g e_g(q)).

A pattern with the probability w_b in a block has C_c = sum over b in c of w_b F_b in a
cell c. Several frames of one shape are done one after the other, with the same waves.

Two multiply-adds for a pixel and a wave: the factors of the rows are applied to whole
rows, what depends on the column is done once for the rows of a block or a cell. Sums
stay in vector registers, LANES of them side by side. For the Fourier sums, pixels come
by their place in a block, so that neighbouring blocks are neighbours in memory; for
the template, TILE columns at a time keep their waves in the first cache. The window of
cells is a product of one along y and one along x, with pairs of cells added first.

Rows have zeros after them up to whole numbers of lanes, so every pixel, block and cell
is made by the same instructions, wherever it lies.
"""

import numpy as np


cdef extern from *:
    """
    #include <string.h>

    #include "vectors.h"

    #define TILE 128

    /* In C, because only constant counts and restrict let the compiler keep the
       sums in vector registers. */

    SYMSEG_INLINE void block_sums_of(
        float *SYMSEG_RESTRICT out_re, float *SYMSEG_RESTRICT out_im,
        Py_ssize_t n_blocks, const float *SYMSEG_RESTRICT pixels, Py_ssize_t n_rows,
        Py_ssize_t block, Py_ssize_t padded, const float *SYMSEG_RESTRICT row_re,
        const float *SYMSEG_RESTRICT row_im, const float *SYMSEG_RESTRICT column_re,
        const float *SYMSEG_RESTRICT column_im)
    {
        float spare[2 * LANES];
        for (Py_ssize_t j = 0; j < n_blocks; j += LANES) {
            Py_ssize_t left = n_blocks - j;
            float *SYMSEG_RESTRICT re = left < LANES ? spare : out_re + j;
            float *SYMSEG_RESTRICT im = left < LANES ? spare + LANES : out_im + j;
            for (Py_ssize_t x = 0; x < block; ++x) {
                const float *p = pixels + x * padded + j;
                const float *c = column_re + x * padded + j;
                const float *s = column_im + x * padded + j;
                float real[LANES], imag[LANES];
                for (int l = 0; l < LANES; ++l) {
                    real[l] = p[l] * row_re[0];
                    imag[l] = p[l] * row_im[0];
                }
                for (Py_ssize_t y = 1; y < n_rows; ++y) {
                    p += block * padded;
                    for (int l = 0; l < LANES; ++l) {
                        real[l] += p[l] * row_re[y];
                        imag[l] += p[l] * row_im[y];
                    }
                }
                if (x == 0)
                    for (int l = 0; l < LANES; ++l) {
                        re[l] = real[l] * c[l] - imag[l] * s[l];
                        im[l] = -real[l] * s[l] - imag[l] * c[l];
                    }
                else
                    for (int l = 0; l < LANES; ++l) {
                        re[l] = re[l] + real[l] * c[l] - imag[l] * s[l];
                        im[l] = im[l] - real[l] * s[l] - imag[l] * c[l];
                    }
            }
            if (left < LANES) {
                memcpy(out_re + j, re, left * sizeof *re);
                memcpy(out_im + j, im, left * sizeof *im);
            }
        }
    }

    /* Fourier sums of a row of blocks. */
    SYMSEG_CLONES static void block_sums(
        float *SYMSEG_RESTRICT out_re, float *SYMSEG_RESTRICT out_im,
        Py_ssize_t n_blocks, const float *SYMSEG_RESTRICT pixels, Py_ssize_t n_rows,
        Py_ssize_t block, Py_ssize_t padded, const float *SYMSEG_RESTRICT row_re,
        const float *SYMSEG_RESTRICT row_im, const float *SYMSEG_RESTRICT column_re,
        const float *SYMSEG_RESTRICT column_im)
    {
        #define BLOCK_SUMS(n_rows, block) block_sums_of( \
            out_re, out_im, n_blocks, pixels, n_rows, block, padded, row_re, row_im, \
            column_re, column_im)
        /* Those that are most frequent, as constants. */
        switch (n_rows == block ? block : 0) {
        case 2: BLOCK_SUMS(2, 2); break;
        case 3: BLOCK_SUMS(3, 3); break;
        case 4: BLOCK_SUMS(4, 4); break;
        default: BLOCK_SUMS(n_rows, block);
        }
    }

    /* Sums of `count` numbers each, next to each other. */
    SYMSEG_INLINE void add_up(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT in, Py_ssize_t n,
        Py_ssize_t count)
    {
        for (Py_ssize_t j = 0; j < n; ++j) {
            float total = in[j * count];
            for (Py_ssize_t x = 1; x < count; ++x)
                total += in[j * count + x];
            out[j] = total;
        }
    }

    /* For squares of `side` in a row of them: sums of the products of two arrays. */
    SYMSEG_CLONES static void product_sums(
        float *SYMSEG_RESTRICT out, Py_ssize_t n, Py_ssize_t side,
        const float *first, const float *second, Py_ssize_t n_rows, Py_ssize_t width,
        float *SYMSEG_RESTRICT sums)
    {
        for (Py_ssize_t x = 0; x < width; ++x)
            sums[x] = 0;
        for (Py_ssize_t y = 0; y < n_rows; ++y)
            for (Py_ssize_t x = 0; x < width; ++x)
                sums[x] += first[y * width + x] * second[y * width + x];
        /* Those that are most frequent, as constants. */
        switch (side) {
        case 2: add_up(out, sums, n, 2); break;
        case 3: add_up(out, sums, n, 3); break;
        case 4: add_up(out, sums, n, 4); break;
        default: add_up(out, sums, n, side);
        }
    }

    /* What the waves make up in a row of cells. */
    SYMSEG_CLONES static void cell_waves(
        float *SYMSEG_RESTRICT out, Py_ssize_t width, Py_ssize_t n_rows,
        Py_ssize_t n_waves, const float *SYMSEG_RESTRICT row_re,
        const float *SYMSEG_RESTRICT row_im, const float *SYMSEG_RESTRICT column_re,
        const float *SYMSEG_RESTRICT column_im, Py_ssize_t padded,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        Py_ssize_t n_cells, Py_ssize_t cell,
        float *SYMSEG_RESTRICT a, float *SYMSEG_RESTRICT b,
        float *SYMSEG_RESTRICT real, float *SYMSEG_RESTRICT imag)
    {
        float spare[LANES];
        for (Py_ssize_t first = 0; first < width; first += TILE) {
            for (Py_ssize_t g = 0; g < n_waves; ++g) {
                const float *c = column_re + g * padded + first;
                const float *s = column_im + g * padded + first;
                Py_ssize_t j = first / cell;
                /* Amplitudes of the columns, also of some before and after the tile. */
                for (Py_ssize_t x = j * cell - first; x < TILE && j < n_cells; ++j) {
                    float cell_re = re[g * n_cells + j], cell_im = im[g * n_cells + j];
                    for (Py_ssize_t k = x; k < x + cell; k += 8)
                        for (int l = 0; l < 8; ++l) {
                            a[k + l] = cell_re;
                            b[k + l] = cell_im;
                        }
                    x += cell;
                }
                for (int l = 0; l < TILE; ++l) {
                    real[g * TILE + l] = a[l] * c[l] - b[l] * s[l];
                    imag[g * TILE + l] = a[l] * s[l] + b[l] * c[l];
                }
            }
            for (Py_ssize_t y = 0; y < n_rows; ++y)
                for (Py_ssize_t x = 0; x < TILE && first + x < width; x += LANES) {
                    Py_ssize_t left = width - first - x;
                    float *end = out + y * width + first + x;
                    float *to = left < LANES ? spare : end;
                    float plus[LANES], minus[LANES];
                    for (int l = 0; l < LANES; ++l) {
                        plus[l] = real[x + l] * row_re[y * n_waves];
                        minus[l] = imag[x + l] * row_im[y * n_waves];
                    }
                    for (Py_ssize_t g = 1; g < n_waves; ++g) {
                        float c = row_re[y * n_waves + g];
                        float s = row_im[y * n_waves + g];
                        for (int l = 0; l < LANES; ++l) {
                            plus[l] += real[g * TILE + x + l] * c;
                            minus[l] += imag[g * TILE + x + l] * s;
                        }
                    }
                    for (int l = 0; l < LANES; ++l)
                        to[l] = plus[l] - minus[l];
                    if (left < LANES)
                        memcpy(end, to, left * sizeof *to);
                }
        }
    }

    #define REAL float
    #define WINDOW_ROW window_row_float
    #include "window_row.h"
    #define REAL double
    #define WINDOW_ROW window_row_double
    #include "window_row.h"
    """
    const int LANES, TILE
    void block_sums(
        float *out_re, float *out_im, Py_ssize_t n_blocks, const float *pixels,
        Py_ssize_t n_rows, Py_ssize_t block, Py_ssize_t padded, const float *row_re,
        const float *row_im, const float *column_re, const float *column_im
    ) noexcept nogil
    void product_sums(
        float *out, Py_ssize_t n, Py_ssize_t side, const float *first,
        const float *second, Py_ssize_t n_rows, Py_ssize_t width, float *sums
    ) noexcept nogil
    void cell_waves(
        float *out, Py_ssize_t width, Py_ssize_t n_rows, Py_ssize_t n_waves,
        const float *row_re, const float *row_im, const float *column_re,
        const float *column_im, Py_ssize_t padded, const float *re, const float *im,
        Py_ssize_t n_cells, Py_ssize_t cell, float *a, float *b, float *real,
        float *imag
    ) noexcept nogil
    void window_row_float(
        float *out, Py_ssize_t n, const float *cells, Py_ssize_t padded,
        const float *weights, Py_ssize_t reach, int go_on, float *line
    ) noexcept nogil
    void window_row_double(
        double *out, Py_ssize_t n, const double *cells, Py_ssize_t padded,
        const double *weights, Py_ssize_t reach, int go_on, double *line
    ) noexcept nogil


ctypedef fused real:
    float
    double


cdef inline Py_ssize_t whole(Py_ssize_t length) noexcept nogil:
    """Length with the zeros after it."""
    return (length + LANES - 1) // LANES * LANES


cdef void split(
    const float *row, Py_ssize_t width, Py_ssize_t block, Py_ssize_t padded, float *out
) noexcept nogil:
    """Put the columns of a row by their place in a block: out is (block, padded)."""
    cdef Py_ssize_t j, x, n = width // block
    for x in range(block):
        for j in range(n):
            out[x * padded + j] = row[j * block + x]
    for x in range(width - n * block):
        out[x * padded + n] = row[n * block + x]


def fourier_sums(
    const float[:, :, ::1] pixels,
    const float[:, :, ::1] rows,
    const float[:, :, ::1] columns,
    Py_ssize_t block,
    float[:, :, :, :, ::1] out,
):
    """Fourier sums of the blocks, for several plane waves.

    Parameters
    ----------
    pixels : (frames, rows, columns) float32 array
    rows, columns : (2, waves, rows), (2, waves, columns) float32 arrays
        Real and imaginary part of the waves' factors.
    block : int
    out : (2, waves, frames, block rows, block columns) float32 array
        Real and imaginary part.
    """
    cdef Py_ssize_t height = pixels.shape[1], width = pixels.shape[2]
    cdef Py_ssize_t n_waves = out.shape[1], n_blocks = out.shape[4]
    cdef Py_ssize_t f, g, i, part, y, first, n_rows, padded = whole(n_blocks)
    cdef float[:, :, :, ::1] factors = np.zeros(
        (2, n_waves, block, padded), np.float32
    )
    # The pixels of a row of blocks.
    cdef float[:, :, ::1] values = np.zeros((block, block, padded), np.float32)
    with nogil:
        for part in range(2):
            for g in range(n_waves):
                split(
                    &columns[part, g, 0], width, block, padded, &factors[part, g, 0, 0]
                )
        for f in range(pixels.shape[0]):
            for i in range(out.shape[3]):
                first = i * block
                n_rows = min(block, height - first)
                for y in range(n_rows):
                    split(
                        &pixels[f, first + y, 0], width, block, padded, &values[y, 0, 0]
                    )
                for g in range(n_waves):
                    block_sums(
                        &out[0, g, f, i, 0], &out[1, g, f, i, 0], n_blocks,
                        &values[0, 0, 0], n_rows, block, padded, &rows[0, g, first],
                        &rows[1, g, first], &factors[0, g, 0, 0], &factors[1, g, 0, 0],
                    )


def weighted_cells(
    const float[:, :, ::1] weights,
    const float[:, :, :, :, ::1] sums,
    Py_ssize_t step,
    float[:, :, :, :, ::1] out,
):
    """Sums of the cells, over the pixels of a pattern.

    Parameters
    ----------
    weights : (frames, block rows, block columns) float32 array
    sums : (parts, waves, frames, block rows, block columns) float32 array
    step : int
        Side of a cell, in blocks.
    out : (parts, waves, frames, cell rows, cell columns) float32 array
    """
    cdef Py_ssize_t height = weights.shape[1], width = weights.shape[2]
    cdef Py_ssize_t part, f, g, i, n = out.shape[4]
    # Of a column of a cell, and zeros after the last.
    cdef float[::1] column_sums = np.zeros(n * step, np.float32)
    with nogil:
        for part in range(out.shape[0]):
            for g in range(out.shape[1]):
                for f in range(out.shape[2]):
                    for i in range(out.shape[3]):
                        product_sums(
                            &out[part, g, f, i, 0], n, step, &weights[f, i * step, 0],
                            &sums[part, g, f, i * step, 0],
                            min(step, height - i * step), width, &column_sums[0],
                        )


def sum_of_waves(
    const float[:, :, ::1] rows,
    const float[:, :, ::1] columns,
    const float[:, :, :, :, ::1] amplitudes,
    Py_ssize_t block,
    Py_ssize_t step,
    float[:, :, ::1] out,
):
    """What the waves of a pattern make up.

    Parameters
    ----------
    rows, columns : (2, waves, rows), (2, waves, columns) float32 arrays
        Real and imaginary part of the factors.
    amplitudes : (2, waves, frames, cell rows, cell columns) float32 array
        Real and imaginary part.
    block, step : int
        Side of a block in pixels, and of a cell in blocks.
    out : (frames, rows, columns) float32 array
    """
    cdef Py_ssize_t height = out.shape[1], width = out.shape[2], cell = block * step
    cdef Py_ssize_t n_waves = amplitudes.shape[1], n_cells = amplitudes.shape[4]
    cdef Py_ssize_t part, f, g, y, i, first, padded = (width + TILE - 1) // TILE * TILE
    cdef float[:, :, ::1] factors = np.zeros((2, n_waves, padded), np.float32)
    cdef float[:, :, ::1] tile = np.empty((2, n_waves, TILE), np.float32)
    # Of one row, and of a row of cells, by wave.
    cdef float[:, :, ::1] row_factors = np.empty((2, height, n_waves), np.float32)
    cdef float[:, :, ::1] values = np.empty((2, n_waves, n_cells), np.float32)
    # Of the columns of a tile, with room for cells that begin before it or end after.
    cdef float[:, ::1] spread = np.zeros((2, TILE + 2 * cell + 8), np.float32)
    if n_waves == 0:
        out[:, :, :] = 0
        return
    factors[:, :, :width] = columns
    with nogil:
        for part in range(2):
            for y in range(height):
                for g in range(n_waves):
                    row_factors[part, y, g] = rows[part, g, y]
        for f in range(out.shape[0]):
            for i in range(amplitudes.shape[3]):
                first = i * cell
                values[:, :, :] = amplitudes[:, :, f, i]
                cell_waves(
                    &out[f, first, 0], width, min(cell, height - first), n_waves,
                    &row_factors[0, first, 0], &row_factors[1, first, 0],
                    &factors[0, 0, 0], &factors[1, 0, 0], padded, &values[0, 0, 0],
                    &values[1, 0, 0], n_cells, cell, &spread[0, cell], &spread[1, cell],
                    &tile[0, 0, 0], &tile[1, 0, 0],
                )


def products(
    const float[:, :, ::1] first,
    const float[:, :, ::1] second,
    Py_ssize_t block,
    float[:, :, ::1] out,
):
    """Sums of products over the pixels of the blocks.

    Parameters
    ----------
    first, second : (frames, rows, columns) float32 arrays
    block : int
    out : (frames, block rows, block columns) float32 array
    """
    cdef Py_ssize_t height = first.shape[1], width = first.shape[2]
    cdef Py_ssize_t f, i, n = out.shape[2]
    # Of a column of a block, and zeros after the last.
    cdef float[::1] column_sums = np.zeros(n * block, np.float32)
    with nogil:
        for f in range(out.shape[0]):
            for i in range(out.shape[1]):
                product_sums(
                    &out[f, i, 0], n, block, &first[f, i * block, 0],
                    &second[f, i * block, 0], min(block, height - i * block), width,
                    &column_sums[0],
                )


def window_means(
    const real[:, :, ::1] cells,
    const real[::1] weights,
    bint go_on,
    real[:, :, ::1] out,
):
    """Weighted means of cells in a window.

    Parameters
    ----------
    cells : (n, cell rows, cell columns) float32 or float64 array
    weights : (m,) array of the same type
        Along y and along x, at distances of 0 to m - 1 cells; m is at least 2.
    go_on : bool
        Whether cells at the edges go on beyond; or there are zeros.
    out : (n, cell rows, cell columns) array of the same type
    """
    cdef Py_ssize_t height = cells.shape[1], width = cells.shape[2]
    cdef Py_ssize_t reach = weights.shape[0] - 1
    # An odd number of lanes: rows a power of two apart share few places in the cache.
    cdef Py_ssize_t padded = (whole(width) // LANES | 1) * LANES
    cdef Py_ssize_t k, i
    dtype = np.float32 if real is float else np.float64
    cdef real[:, ::1] rows = np.zeros((height + 2 * reach, padded), dtype)
    cdef real[::1] line = np.zeros(padded + 2 * reach, dtype)
    with nogil:
        for k in range(cells.shape[0]):
            rows[reach:reach + height, :width] = cells[k]
            if go_on:
                for i in range(reach):
                    rows[i, :width] = cells[k, 0]
                    rows[reach + height + i, :width] = cells[k, height - 1]
            for i in range(height):
                if real is float:
                    window_row_float(
                        &out[k, i, 0], width, &rows[reach + i, 0], padded, &weights[0],
                        reach, go_on, &line[reach],
                    )
                else:
                    window_row_double(
                        &out[k, i, 0], width, &rows[reach + i, 0], padded, &weights[0],
                        reach, go_on, &line[reach],
                    )
