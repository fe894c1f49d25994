# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Bragg components of a frame, block by block.

A Bragg component is a plane wave e(q) = exp(2 pi i g.q), times an amplitude that varies
slowly; e is a product of a factor for the row and one for the column. A block is a
square of `block` pixels; those at the lower and right edge may be cut off. With X the
pixels, the Fourier sum of a block is

    F_b = sum over q in b of X(q) conj(e(q))

The components of a pattern have an amplitude a_g for each cell of `step` by `step`
blocks, and make up

    t(q) = sum over g of Re(a_g e_g(q)),

or the squared residuals of the blocks, which need t for a row of cells at a time,

    r_b = sum over q in b of (X(q) - t(q))^2.

Several frames of one shape are done one after the other, with the same components.

A pixel and a component take two multiply-adds: whole rows are multiplied by the factors
of the rows, and the factors of the columns are applied once for the rows of a block or
a cell. Sums stay in vector registers, LANES of them side by side. For the Fourier sums,
pixels are ordered by their index in a block, so that neighbouring blocks are neighbours
in memory; for the template, TILE columns at a time keep their components in the first
cache, and two rows at a time share what is loaded of these.

Rows have zeros after them up to whole numbers of lanes, so every pixel, block and cell
is made by the same instructions, wherever it lies.
"""

import numpy as np


cdef extern from *:
    """
    #include <string.h>

    #include "block_rows.h"
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

    SYMSEG_INLINE void split_by(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT row,
        Py_ssize_t n_blocks, Py_ssize_t block, Py_ssize_t padded)
    {
        for (Py_ssize_t j = 0; j < n_blocks; ++j)
            for (Py_ssize_t x = 0; x < block; ++x)
                out[x * padded + j] = row[j * block + x];
    }

    /* Columns of a row by their index in a block: out is (block, padded). */
    SYMSEG_CLONES static void split(
        float *out, const float *row, Py_ssize_t width, Py_ssize_t block,
        Py_ssize_t padded)
    {
        Py_ssize_t n = width / block;
        switch (block) {
        case 2: split_by(out, row, n, 2, padded); break;
        case 3: split_by(out, row, n, 3, padded); break;
        case 4: split_by(out, row, n, 4, padded); break;
        case 5: split_by(out, row, n, 5, padded); break;
        default: split_by(out, row, n, block, padded);
        }
        for (Py_ssize_t x = 0; x < width - n * block; ++x)
            out[x * padded + n] = row[n * block + x];
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
        /* The most frequent sizes are constants. */
        switch (n_rows == block ? block : 0) {
        case 2: BLOCK_SUMS(2, 2); break;
        case 3: BLOCK_SUMS(3, 3); break;
        case 4: BLOCK_SUMS(4, 4); break;
        case 5: BLOCK_SUMS(5, 5); break;
        default: BLOCK_SUMS(n_rows, block);
        }
    }

    /* Sums of the components in two rows of a tile, or in one: what is turned is loaded
       once for both. */
    SYMSEG_INLINE void rows_of_tile(
        float *SYMSEG_RESTRICT out, Py_ssize_t width, Py_ssize_t count, const int two,
        Py_ssize_t n_components, const float *SYMSEG_RESTRICT row_re,
        const float *SYMSEG_RESTRICT row_im, const float *SYMSEG_RESTRICT real,
        const float *SYMSEG_RESTRICT imag, Py_ssize_t room)
    {
        const float *next_re = row_re + n_components, *next_im = row_im + n_components;
        for (Py_ssize_t x = 0; x < count; x += LANES) {
            float plus[LANES], minus[LANES], next_plus[LANES], next_minus[LANES];
            for (int l = 0; l < LANES; ++l) {
                plus[l] = real[x + l] * row_re[0];
                minus[l] = imag[x + l] * row_im[0];
                if (two) {
                    next_plus[l] = real[x + l] * next_re[0];
                    next_minus[l] = imag[x + l] * next_im[0];
                }
            }
            for (Py_ssize_t g = 1; g < n_components; ++g)
                for (int l = 0; l < LANES; ++l) {
                    float re = real[g * room + x + l], im = imag[g * room + x + l];
                    plus[l] += re * row_re[g];
                    minus[l] += im * row_im[g];
                    if (two) {
                        next_plus[l] += re * next_re[g];
                        next_minus[l] += im * next_im[g];
                    }
                }
            for (int l = 0; l < LANES; ++l)
                plus[l] -= minus[l];
            if (two)
                for (int l = 0; l < LANES; ++l)
                    next_plus[l] -= next_minus[l];
            if (count - x >= LANES) {
                memcpy(out + x, plus, sizeof plus);
                if (two)
                    memcpy(out + width + x, next_plus, sizeof plus);
            } else {
                memcpy(out + x, plus, (count - x) * sizeof *out);
                if (two)
                    memcpy(out + width + x, next_plus, (count - x) * sizeof *out);
            }
        }
    }

    /* Sum of the components in a row of cells; `next` is how far the amplitudes of a
       component are from those of the one before. */
    SYMSEG_CLONES static void cell_components(
        float *SYMSEG_RESTRICT out, Py_ssize_t width, Py_ssize_t n_rows,
        Py_ssize_t n_components, const float *SYMSEG_RESTRICT row_re,
        const float *SYMSEG_RESTRICT row_im, const float *SYMSEG_RESTRICT column_re,
        const float *SYMSEG_RESTRICT column_im, Py_ssize_t padded,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        Py_ssize_t next, Py_ssize_t n_cells, Py_ssize_t cell, Py_ssize_t room,
        float *SYMSEG_RESTRICT real, float *SYMSEG_RESTRICT imag)
    {
        for (Py_ssize_t first = 0; first < width; first += TILE) {
            Py_ssize_t count = width - first < TILE ? width - first : TILE;
            Py_ssize_t j = first / cell, y = 0;
            /* Cell by cell, also some columns before and after the tile. All are
               written before one is read: a vector is not read while those that it is
               made of are on their way to the cache. */
            for (Py_ssize_t x = j * cell - first; x < TILE && j < n_cells; ++j) {
                for (Py_ssize_t g = 0; g < n_components; ++g) {
                    float cell_re = re[g * next + j], cell_im = im[g * next + j];
                    for (Py_ssize_t k = x; k < x + cell; k += 16) {
                        const float *c = column_re + g * padded + first + k;
                        const float *s = column_im + g * padded + first + k;
                        for (int l = 0; l < 16; ++l) {
                            real[g * room + k + l] = cell_re * c[l] - cell_im * s[l];
                            imag[g * room + k + l] = cell_re * s[l] + cell_im * c[l];
                        }
                    }
                }
                x += cell;
            }
            for (; y + 1 < n_rows; y += 2)
                rows_of_tile(
                    out + y * width + first, width, count, 1, n_components,
                    row_re + y * n_components, row_im + y * n_components, real, imag,
                    room);
            if (y < n_rows)
                rows_of_tile(
                    out + y * width + first, width, count, 0, n_components,
                    row_re + y * n_components, row_im + y * n_components, real, imag,
                    room);
        }
    }
    """
    const int LANES, TILE
    void split(
        float *out, const float *row, Py_ssize_t width, Py_ssize_t block,
        Py_ssize_t padded
    ) noexcept nogil
    void block_sums(
        float *out_re, float *out_im, Py_ssize_t n_blocks, const float *pixels,
        Py_ssize_t n_rows, Py_ssize_t block, Py_ssize_t padded, const float *row_re,
        const float *row_im, const float *column_re, const float *column_im
    ) noexcept nogil
    void cell_components(
        float *out, Py_ssize_t width, Py_ssize_t n_rows, Py_ssize_t n_components,
        const float *row_re, const float *row_im, const float *column_re,
        const float *column_im, Py_ssize_t padded, const float *re, const float *im,
        Py_ssize_t next, Py_ssize_t n_cells, Py_ssize_t cell, Py_ssize_t room,
        float *real, float *imag
    ) noexcept nogil
    void difference_sums(
        float *out, Py_ssize_t n, Py_ssize_t block, const float *first,
        const float *less, const float *second, const float *less_second,
        Py_ssize_t n_rows, Py_ssize_t width, float *sums
    ) noexcept nogil


cdef inline Py_ssize_t whole(Py_ssize_t length) noexcept nogil:
    """Length with the zeros after it."""
    return (length + LANES - 1) // LANES * LANES


def fourier_sums(
    const float[:, :, ::1] pixels,
    const float[:, :, ::1] rows,
    const float[:, :, ::1] columns,
    Py_ssize_t block,
    const Py_ssize_t[::1] used,
    float[:, :, :, :, ::1] out,
):
    """Fourier sums of the blocks, for several components.

    Parameters
    ----------
    pixels : (frames, rows, columns) float32 array
    rows, columns : (2, components, rows), (2, components, columns) float32 arrays
        Real and imaginary part of the components' factors.
    block : int
    used : (n,) intp array
        Components that are summed.
    out : (2, components, frames, block rows, block columns) float32 array
        Real and imaginary part; others stay what they are.
    """
    cdef Py_ssize_t height = pixels.shape[1], width = pixels.shape[2]
    cdef Py_ssize_t n_blocks = out.shape[4], padded = whole(n_blocks)
    cdef Py_ssize_t f, g, i, k, reim, y, first, n_rows
    cdef float[:, :, :, ::1] factors = np.zeros(
        (2, used.shape[0], block, padded), np.float32
    )
    # The pixels of a row of blocks.
    cdef float[:, :, ::1] values = np.zeros((block, block, padded), np.float32)
    with nogil:
        for reim in range(2):
            for k in range(used.shape[0]):
                g = used[k]
                split(
                    &factors[reim, k, 0, 0], &columns[reim, g, 0], width, block, padded
                )
        for f in range(pixels.shape[0]):
            for i in range(out.shape[3]):
                first = i * block
                n_rows = min(block, height - first)
                for y in range(n_rows):
                    split(
                        &values[y, 0, 0], &pixels[f, first + y, 0], width, block, padded
                    )
                for k in range(used.shape[0]):
                    g = used[k]
                    block_sums(
                        &out[0, g, f, i, 0], &out[1, g, f, i, 0], n_blocks,
                        &values[0, 0, 0], n_rows, block, padded, &rows[0, g, first],
                        &rows[1, g, first], &factors[0, k, 0, 0], &factors[1, k, 0, 0],
                    )


def sum_of_components(
    const float[:, :, ::1] rows,
    const float[:, :, ::1] columns,
    const float[:, :, :, :, ::1] amplitudes,
    Py_ssize_t block,
    Py_ssize_t step,
    float[:, :, ::1] out,
    const float[:, :, ::1] pixels=None,
):
    """Sum of the components of a pattern, or what it leaves of some pixels.

    Parameters
    ----------
    rows, columns : (2, components, rows), (2, components, columns) float32 arrays
        Real and imaginary part of the factors.
    amplitudes : (2, components, frames, cell rows, cell columns) float32 array
        Real and imaginary part.
    block, step : int
        Side of a block in pixels, and of a cell in blocks.
    out : (frames, rows, columns) float32 array
        The sum; or (frames, block rows, block columns), the squared residuals of the
        blocks.
    pixels : (frames, rows, columns) float32 array, optional
        What residuals are of.
    """
    cdef Py_ssize_t height = rows.shape[2], width = columns.shape[2]
    cdef Py_ssize_t n_components = amplitudes.shape[1], n_cells = amplitudes.shape[4]
    cdef Py_ssize_t next = out.shape[0] * amplitudes.shape[3] * n_cells
    cdef Py_ssize_t reim, f, g, y, i, k, first, n_rows, cell = block * step
    # Columns of a tile, with room for cells that begin before it or end after; and of
    # all tiles.
    cdef Py_ssize_t margin = whole(cell + 16), room = margin + TILE + margin
    cdef Py_ssize_t padded = (width + TILE - 1) // TILE * TILE + margin
    cdef float[:, :, ::1] factors = np.zeros((2, n_components, padded), np.float32)
    cdef float[:, :, ::1] tile = np.zeros((2, n_components, room), np.float32)
    # Of one row, by component.
    cdef float[:, :, ::1] row_factors = np.empty((2, height, n_components), np.float32)
    # The sum in a row of cells, if it is not kept; and sums of the columns of a block,
    # with zeros after the last.
    cdef bint is_kept = pixels is None
    cdef float[:, ::1] spare = np.zeros((0 if is_kept else cell, width), np.float32)
    cdef float[::1] sums = np.zeros(out.shape[2] * block, np.float32)
    cdef float *made
    if n_components == 0 and is_kept:
        out[:, :, :] = 0
        return
    factors[:, :, :width] = columns
    with nogil:
        for reim in range(2):
            for y in range(height):
                for g in range(n_components):
                    row_factors[reim, y, g] = rows[reim, g, y]
        for f in range(out.shape[0]):
            for i in range(amplitudes.shape[3]):
                first = i * cell
                n_rows = min(cell, height - first)
                made = &out[f, first, 0] if is_kept else &spare[0, 0]
                if n_components:
                    cell_components(
                        made, width, n_rows, n_components, &row_factors[0, first, 0],
                        &row_factors[1, first, 0], &factors[0, 0, 0], &factors[1, 0, 0],
                        padded, &amplitudes[0, 0, f, i, 0], &amplitudes[1, 0, f, i, 0],
                        next, n_cells, cell, room, &tile[0, 0, margin],
                        &tile[1, 0, margin],
                    )
                if is_kept:
                    continue
                for k in range((n_rows + block - 1) // block):
                    y = k * block
                    difference_sums(
                        &out[f, i * step + k, 0], out.shape[2], block,
                        &pixels[f, first + y, 0], made + y * width,
                        &pixels[f, first + y, 0], made + y * width,
                        min(block, n_rows - y), width, &sums[0],
                    )
