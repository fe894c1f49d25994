/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums over the blocks in a row of them; columns are added up first. */

#ifndef SYMSEG_BLOCK_ROWS_H
#define SYMSEG_BLOCK_ROWS_H

#include "vectors.h"

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

/* Sums of columns of a row of blocks, added up by block. */
SYMSEG_INLINE void by_block(
    float *SYMSEG_RESTRICT out, Py_ssize_t n, Py_ssize_t block,
    const float *SYMSEG_RESTRICT sums)
{
    /* The most frequent sizes are constants. */
    switch (block) {
    case 2: add_up(out, sums, n, 2); break;
    case 3: add_up(out, sums, n, 3); break;
    case 4: add_up(out, sums, n, 4); break;
    case 5: add_up(out, sums, n, 5); break;
    default: add_up(out, sums, n, block);
    }
}

/* Sums of the products of the differences of two pairs of arrays. */
SYMSEG_CLONES static void difference_sums(
    float *SYMSEG_RESTRICT out, Py_ssize_t n, Py_ssize_t block,
    const float *first, const float *less, const float *second,
    const float *less_second, Py_ssize_t n_rows, Py_ssize_t width,
    float *SYMSEG_RESTRICT sums)
{
    /* A square reads half as much. */
    const int same = first == second && less == less_second;
    for (Py_ssize_t x = 0; x < width; ++x)
        sums[x] = 0;
    for (Py_ssize_t y = 0; y < n_rows; ++y) {
        const Py_ssize_t at = y * width;
        if (same)
            for (Py_ssize_t x = 0; x < width; ++x) {
                float difference = first[at + x] - less[at + x];
                sums[x] += difference * difference;
            }
        else
            for (Py_ssize_t x = 0; x < width; ++x)
                sums[x] += (first[at + x] - less[at + x])
                         * (second[at + x] - less_second[at + x]);
    }
    by_block(out, n, block, sums);
}

#endif
