# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Posteriors whose boundaries are smooth, and steep ones.

With p_k the posterior of pattern k in a block, and m = 2^squarings, the steep one is

    q_k = p_k^m / (the same, summed over k)

where p_k is 1e-4 at least: powers of less would not have full precision, which
processors are slow at. TILE blocks at a time stay in the first cache; the rest is a few
multiplications a block, and reading and writing it.

With W the weighted mean of the blocks in a window, the smooth one is s = W p, and then,
for each of the shares c in turn,

    s  <-  s + c W (p - q),  q the steep one of s.

Of the last pattern, W p is 1, and W (p - q) is 0, less those of the others.
"""

import numpy as np


cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #include "vectors.h"

    #define TILE 256

    /* Least of the numbers that a power is taken of, or the number. */
    SYMSEG_INLINE float at_least(float p)
    {
        const float least = 1e-4f;
        int32_t bits, least_bits;
        memcpy(&least_bits, &least, sizeof least_bits);
        /* Positive numbers are in the order of their bits, and negative ones before
           them; a maximum of integers is no branch. */
        memcpy(&bits, &p, sizeof bits);
        bits = bits > least_bits ? bits : least_bits;
        memcpy(&p, &bits, sizeof p);
        return p;
    }

    SYMSEG_INLINE void sharpen_tile(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT in,
        Py_ssize_t n_patterns, Py_ssize_t n, Py_ssize_t count, int squarings)
    {
        float total[TILE] = {0};
        for (Py_ssize_t k = 0; k < n_patterns; ++k)
            for (Py_ssize_t i = 0; i < count; ++i) {
                float power = at_least(in[k * n + i]);
                for (int turn = 0; turn < squarings; ++turn)
                    power *= power;
                out[k * n + i] = power;
                total[i] += power;
            }
        for (Py_ssize_t i = 0; i < count; ++i)
            total[i] = 1 / total[i];
        for (Py_ssize_t k = 0; k < n_patterns; ++k)
            for (Py_ssize_t i = 0; i < count; ++i)
                out[k * n + i] *= total[i];
    }

    SYMSEG_CLONES static void sharpen_blocks(
        float *out, const float *in, Py_ssize_t n_patterns, Py_ssize_t n, int squarings)
    {
        for (Py_ssize_t first = 0; first < n; first += TILE) {
            Py_ssize_t count = n - first < TILE ? n - first : TILE;
            /* The most frequent, as a constant. */
            if (squarings == 3)
                sharpen_tile(out + first, in + first, n_patterns, n, count, 3);
            else
                sharpen_tile(out + first, in + first, n_patterns, n, count, squarings);
        }
    }

    /* Numbers less others, in place of these. */
    SYMSEG_CLONES static void subtract(
        float *SYMSEG_RESTRICT others, const float *SYMSEG_RESTRICT numbers,
        Py_ssize_t n)
    {
        for (Py_ssize_t i = 0; i < n; ++i)
            others[i] = numbers[i] - others[i];
    }

    /* Values of the last pattern: what those before it leave of a total. */
    SYMSEG_CLONES static void fill_last(
        float *SYMSEG_RESTRICT values, Py_ssize_t n_patterns, Py_ssize_t n, float total)
    {
        float *last = values + (n_patterns - 1) * n;
        for (Py_ssize_t i = 0; i < n; ++i)
            last[i] = n_patterns > 1 ? values[i] : 0;
        for (Py_ssize_t k = 1; k + 1 < n_patterns; ++k)
            for (Py_ssize_t i = 0; i < n; ++i)
                last[i] += values[k * n + i];
        for (Py_ssize_t i = 0; i < n; ++i)
            last[i] = total - last[i];
    }

    /* Add a share of others. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void add_share(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT others, Py_ssize_t n,
        float share)
    {
        SYMSEG_ROUND_EACH
        for (Py_ssize_t i = 0; i < n; ++i)
            out[i] += share * others[i];
    }

    #define FEW_LANES 24
    #define REAL float
    #define WINDOW_SUMS window_sums_float
    #define WINDOW_ALONG_Y window_along_y_float
    #define WINDOW_ALONG_X window_along_x_float
    #define WINDOW_PLANE window_plane_float
    #include "window_row.h"
    """
    const int LANES, WINDOW_LINES
    Py_ssize_t ROW_WITH_ROOM(Py_ssize_t width) noexcept nogil
    Py_ssize_t TO_CACHE_LINE(const void *address, Py_ssize_t size) noexcept nogil
    void sharpen_blocks(
        float *out, const float *posterior, Py_ssize_t n_patterns, Py_ssize_t n,
        int squarings
    ) noexcept nogil
    void subtract(float *others, const float *numbers, Py_ssize_t n) noexcept nogil
    void fill_last(
        float *values, Py_ssize_t n_patterns, Py_ssize_t n, float total
    ) noexcept nogil
    void add_share(
        float *out, const float *others, Py_ssize_t n, float share
    ) noexcept nogil
    void window_plane_float(
        float *out, Py_ssize_t height, Py_ssize_t width, const float *blocks,
        float *rows, Py_ssize_t padded, const float *weights, Py_ssize_t reach,
        int go_on, const float *left_out, Py_ssize_t left_reach, float *lines,
        Py_ssize_t next
    ) noexcept nogil


def sharpen(const float[:, ::1] posterior, int squarings, float[:, ::1] out):
    """Powers of posteriors, made probabilities again.

    Parameters
    ----------
    posterior : (patterns, blocks) float32 array
    squarings : int
        The power is 2 to this.
    out : (patterns, blocks) float32 array
    """
    if posterior.size == 0:
        return
    with nogil:
        sharpen_blocks(
            &out[0, 0], &posterior[0, 0], posterior.shape[0], posterior.shape[1],
            squarings,
        )


def smooth(
    const float[:, :, ::1] posterior,
    const float[::1] weights,
    const float[::1] shares,
    int squarings,
    float[:, :, ::1] out,
):
    """Posteriors whose boundaries are means over those near by.

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) float32 array
    weights : (m,) float32 array
        Of the window, along y and along x, at distances of 0 to m - 1 blocks; m is at
        least 2. Blocks at the edges go on beyond them.
    shares : (rounds,) float32 array
    squarings : int
        The power is 2 to this.
    out : (patterns, block rows, block columns) float32 array
    """
    cdef Py_ssize_t n_patterns = posterior.shape[0], height = posterior.shape[1]
    cdef Py_ssize_t width = posterior.shape[2], n = height * width
    cdef Py_ssize_t k, turn, reach = weights.shape[0] - 1
    cdef Py_ssize_t padded = ROW_WITH_ROOM(width)
    if n_patterns == 0 or n == 0:
        return
    cdef float[::1] space = np.zeros((height + 2 * reach) * padded + LANES, np.float32)
    # Rows begin where lines of the cache do.
    cdef float *rows = &space[0] + TO_CACHE_LINE(&space[0], sizeof(float))
    # With the ends of each line before and after it.
    cdef float[:, ::1] lines = np.zeros(
        (2 * WINDOW_LINES, padded + 2 * reach), np.float32
    )
    cdef float[:, ::1] steep = np.empty((n_patterns, n), np.float32)
    cdef float[:, ::1] lost = np.empty((n_patterns, n), np.float32)
    with nogil:
        for k in range(n_patterns - 1):
            window_plane_float(
                &out[k, 0, 0], height, width, &posterior[k, 0, 0], rows, padded,
                &weights[0], reach, 1, NULL, 0, &lines[0, reach], lines.shape[1],
            )
        fill_last(&out[0, 0, 0], n_patterns, n, 1)
        for turn in range(shares.shape[0]):
            sharpen_blocks(&steep[0, 0], &out[0, 0, 0], n_patterns, n, squarings)
            for k in range(n_patterns - 1):
                subtract(&steep[k, 0], &posterior[k, 0, 0], n)
                window_plane_float(
                    &lost[k, 0], height, width, &steep[k, 0], rows, padded,
                    &weights[0], reach, 1, NULL, 0, &lines[0, reach], lines.shape[1],
                )
            fill_last(&lost[0, 0], n_patterns, n, 0)
            add_share(&out[0, 0, 0], &lost[0, 0], n_patterns * n, shares[turn])
