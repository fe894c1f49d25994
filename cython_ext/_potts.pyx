# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Mean field of a Potts model on a grid of blocks.

With l_k the log-likelihood of pattern k and J the coupling, a sweep replaces all
posteriors q_k at once by

    q_k  <-  exp(l_k + J sum over n of c_n q_k(n)) / (the same, summed over k)

n are the eight neighbours, c_n = 1 for those that share an edge and 1/2 for those that
share a corner; beyond the edge of the frame there are none. Of two patterns, only the
difference m = q_0 - q_1 is kept:

    m  <-  tanh((l_0 - l_1 + J sum over n of c_n m(n)) / 2)

Of more, the log-likelihood is that relative to the largest.

Rows have zeros around them, so no neighbour is missing, and are whole numbers of LANES
blocks, which are done side by side: every block by the same instructions, wherever it
lies. An exponential is 2^k times a polynomial of fifth order; its argument is never
positive, and values below exp(-87) are exp(-87).
"""

import numpy as np


cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include <string.h>

    #include "vectors.h"

    /* exp(-x) for x >= 0, to 2e-7 of it. */
    SYMSEG_INLINE float falling_exp(float x)
    {
        float y, shifted, f, power;
        int32_t bits;
        uint32_t exponent;
        /* Positive numbers are in the order of their bits; a minimum of integers is
           no branch. */
        memcpy(&bits, &x, sizeof bits);
        bits = bits < 0x42ae0000 ? bits : 0x42ae0000;  /* 87 */
        memcpy(&y, &bits, sizeof y);
        y *= -1.44269504f;
        /* The last bit of the sum is 1: its lowest bits are the integer next to y. */
        shifted = y + 12582912.0f;
        f = y - (shifted - 12582912.0f);
        memcpy(&exponent, &shifted, sizeof exponent);
        exponent = (exponent << 23) + 0x3f800000u;
        memcpy(&power, &exponent, sizeof power);
        return power * (1.0f + f * (0.693147004f + f * (0.240222424f
            + f * (0.0555073358f + f * (0.00967151299f + f * 0.00132647273f)))));
    }

    /* Weighted sum of the neighbours of a block. */
    SYMSEG_INLINE float neighbours(const float *q, Py_ssize_t row)
    {
        const float *up = q - row, *down = q + row;
        return ((up[0] + down[0]) + (q[-1] + q[1]))
             + 0.5f * ((up[-1] + down[-1]) + (up[1] + down[1]));
    }

    SYMSEG_CLONES static void sweep_difference(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT old, Py_ssize_t row,
        const float *SYMSEG_RESTRICT loglik, float coupling, Py_ssize_t n)
    {
        for (Py_ssize_t i = 0; i < n; i += LANES)
            for (int j = 0; j < LANES; ++j) {
                float x = loglik[i + j] + coupling * neighbours(old + i + j, row);
                float e = falling_exp(fabsf(x));
                out[i + j] = copysignf((1.0f - e) / (1.0f + e), x);
            }
    }

    SYMSEG_CLONES static void subtract(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT one,
        const float *SYMSEG_RESTRICT other, Py_ssize_t n)
    {
        for (Py_ssize_t i = 0; i < n; ++i)
            out[i] = one[i] - other[i];
    }

    /* Posteriors of two patterns from their difference. */
    SYMSEG_CLONES static void both_of_difference(
        float *SYMSEG_RESTRICT one, float *SYMSEG_RESTRICT other,
        const float *SYMSEG_RESTRICT difference, Py_ssize_t n)
    {
        for (Py_ssize_t i = 0; i < n; ++i) {
            one[i] = 0.5f + 0.5f * difference[i];
            other[i] = 0.5f - 0.5f * difference[i];
        }
    }

    SYMSEG_CLONES static void sweep_patterns(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT old, Py_ssize_t row,
        Py_ssize_t next, const float *SYMSEG_RESTRICT loglik,
        Py_ssize_t next_pattern, float coupling, Py_ssize_t n_patterns, Py_ssize_t n)
    {
        for (Py_ssize_t i = 0; i < n; i += LANES) {
            float largest[LANES], total[LANES] = {0};
            for (int j = 0; j < LANES; ++j)
                largest[j] = -INFINITY;
            for (Py_ssize_t k = 0; k < n_patterns; ++k) {
                const float *q = old + k * next + i;
                const float *l = loglik + k * next_pattern + i;
                float *x = out + k * next + i;
                for (int j = 0; j < LANES; ++j) {
                    x[j] = l[j] + coupling * neighbours(q + j, row);
                    largest[j] = x[j] > largest[j] ? x[j] : largest[j];
                }
            }
            for (Py_ssize_t k = 0; k < n_patterns; ++k) {
                float *x = out + k * next + i;
                for (int j = 0; j < LANES; ++j) {
                    x[j] = falling_exp(largest[j] - x[j]);
                    total[j] += x[j];
                }
            }
            for (Py_ssize_t k = 0; k < n_patterns; ++k) {
                float *x = out + k * next + i;
                for (int j = 0; j < LANES; ++j)
                    x[j] /= total[j];
            }
        }
    }
    """
    const int LANES
    void subtract(
        float *out, const float *one, const float *other, Py_ssize_t n
    ) noexcept nogil
    void both_of_difference(
        float *one, float *other, const float *difference, Py_ssize_t n
    ) noexcept nogil
    void sweep_difference(
        float *out, const float *old, Py_ssize_t row, const float *loglik,
        float coupling, Py_ssize_t n
    ) noexcept nogil
    void sweep_patterns(
        float *out, const float *old, Py_ssize_t row, Py_ssize_t next,
        const float *loglik, Py_ssize_t next_pattern, float coupling,
        Py_ssize_t n_patterns, Py_ssize_t n
    ) noexcept nogil


cdef void two_patterns(
    const float[:, :, :, ::1] loglik, Py_ssize_t f, float coupling, Py_ssize_t sweeps,
    float[:, ::1] difference, float[:, :, :] m, float[:, :, :, ::1] posterior,
) noexcept nogil:
    cdef Py_ssize_t height = loglik.shape[2], width = loglik.shape[3]
    cdef Py_ssize_t i, j, turn, n = difference.shape[1]
    cdef float *new
    for i in range(height):
        subtract(&difference[i, 0], &loglik[0, f, i, 0], &loglik[1, f, i, 0], width)
    for turn in range(sweeps):
        for i in range(height):
            new = &m[(turn + 1) % 2, i + 1, LANES]
            sweep_difference(
                new, &m[turn % 2, i + 1, LANES], m.shape[2], &difference[i, 0],
                coupling, n,
            )
            for j in range(width, n):
                new[j] = 0
    for i in range(height):
        both_of_difference(
            &posterior[0, f, i, 0], &posterior[1, f, i, 0],
            &m[sweeps % 2, i + 1, LANES], width,
        )


cdef void any_patterns(
    const float[:, :, :, ::1] loglik, Py_ssize_t f, float coupling, Py_ssize_t sweeps,
    float[:, :, ::1] padded, float[:, :, :, ::1] q, float[:, :, :, ::1] posterior,
) noexcept nogil:
    cdef Py_ssize_t height = loglik.shape[2], width = loglik.shape[3]
    cdef Py_ssize_t i, j, k, turn, n = padded.shape[2], row = q.shape[3]
    cdef Py_ssize_t n_patterns = loglik.shape[0], new
    cdef float largest
    for i in range(height):
        for j in range(width):
            largest = loglik[0, f, i, j]
            for k in range(1, n_patterns):
                largest = max(largest, loglik[k, f, i, j])
            for k in range(n_patterns):
                padded[k, i, j] = loglik[k, f, i, j] - largest
    for turn in range(sweeps):
        new = (turn + 1) % 2
        for i in range(height):
            sweep_patterns(
                &q[new, 0, i + 1, LANES], &q[turn % 2, 0, i + 1, LANES], row,
                q.shape[2] * row, &padded[0, i, 0], height * n, coupling, n_patterns, n,
            )
            for k in range(n_patterns):
                for j in range(width, n):
                    q[new, k, i + 1, LANES + j] = 0
    for k in range(n_patterns):
        for i in range(height):
            for j in range(width):
                posterior[k, f, i, j] = q[sweeps % 2, k, i + 1, LANES + j]


def mean_field(
    const float[:, :, :, ::1] loglik,
    float coupling,
    Py_ssize_t sweeps,
    float[:, :, :, ::1] posterior,
):
    """Posteriors after some sweeps, before which all patterns are as probable.

    Parameters
    ----------
    loglik : (patterns, frames, block rows, block columns) float32 array
    coupling : float
        J.
    sweeps : int
        At least 1.
    posterior : (patterns, frames, block rows, block columns) float32 array
    """
    cdef Py_ssize_t n_patterns = loglik.shape[0], height = loglik.shape[2]
    cdef Py_ssize_t f, n = (loglik.shape[3] + LANES - 1) // LANES * LANES
    if n_patterns == 1:
        posterior[...] = 1
        return
    # Differences of two patterns, or the log-likelihoods and posteriors of all.
    cdef Py_ssize_t n_arrays = 1 if n_patterns == 2 else n_patterns
    cdef float[:, :, ::1] padded = np.zeros((n_arrays, height, n), np.float32)
    cdef float[:, :, :, ::1] q = np.zeros(
        (2, n_arrays, height + 2, n + 2 * LANES), np.float32
    )
    with nogil:
        for f in range(loglik.shape[1]):
            # As good a beginning as any other that is the same for all patterns.
            q[0] = 0
            if n_patterns == 2:
                two_patterns(
                    loglik, f, coupling, sweeps, padded[0], q[:, 0], posterior
                )
            else:
                any_patterns(loglik, f, coupling, sweeps, padded, q, posterior)
