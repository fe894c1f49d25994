# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Posteriors with steep steps where those of smooth ones are.

With p_k the posterior of pattern k in a block, and m = 2^squarings,

    q_k = p_k^m / (the same, summed over k)

where p_k is 1e-4 at least: powers of less would not have full precision, which
processors are slow at. TILE blocks at a time stay in the first cache; the rest is a few
multiplications a block, and reading and writing it.
"""


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
    """
    void sharpen_blocks(
        float *out, const float *posterior, Py_ssize_t n_patterns, Py_ssize_t n,
        int squarings
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
