# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Displacement of a crystal in each cell: where its motif fits best.

With Q_hk the structure factors of a motif, conjugated, times the Fourier sums near a
cell, the displacement v, in fractions of the lattice vectors, is the maximum of

    S(v) = Re sum over hk of Q_hk exp(2 pi i (h v_1 + k v_2)),

which is looked for on a grid of `steps` by `steps` points of the unit cell, and from
there by Newton's method, as long as S is concave there and no farther than a step of
the grid in a round. Where a motif may be inverted, it is looked for where S is the
farthest from 0 on the grid, and from there on as the maximum of S or of -S.

The points of a grid are done four at a time: (i, j), (-i, j), (i, -j) and (-i, -j).
Their cosines are the same, and their sines differ in sign. So a pair of lines takes
four multiply-adds for each hk, and a pair of points in one of them two for each k >= 0.
LANES cells are done side by side; after the last, there are zeros up to a whole number
of lanes, so every cell is made by the same instructions, wherever it lies.
"""

import functools

import numpy as np

from libc.string cimport memcpy


cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include <string.h>

    #include "vectors.h"

    /* Rounds of Newton's method: more change nothing. */
    #define ROUNDS 4

    /* In C, because only constant counts and restrict let the compiler keep the
       sums in vector registers. */

    /* cos and sin of 2 pi v, from their series within an eighth of a turn: the terms
       left out are below a float's last bit. No call, so lanes stay side by side. */
    SYMSEG_INLINE void turned(
        float *SYMSEG_RESTRICT re, float *SYMSEG_RESTRICT im,
        const double *SYMSEG_RESTRICT v)
    {
        float turn[LANES];
        for (int l = 0; l < LANES; ++l)
            turn[l] = (float) (v[l] - floor(v[l]));
        for (int l = 0; l < LANES; ++l) {
            int quarter = (int) (4 * turn[l] + 0.5f);
            float x = 6.2831853f * (turn[l] - 0.25f * (float) quarter), y = x * x;
            float c = 1 + y * (-1 / 2.0f + y * (1 / 24.0f + y * (-1 / 720.0f
                        + y * (1 / 40320.0f))));
            float s = x * (1 + y * (-1 / 6.0f + y * (1 / 120.0f + y * (-1 / 5040.0f
                        + y * (1 / 362880.0f)))));
            float along = quarter & 1 ? s : c, across = quarter & 1 ? c : s;
            re[l] = (quarter + 1) & 2 ? -along : along;
            im[l] = quarter & 2 ? -across : across;
        }
    }

    /* out[n + last] = exp(2 pi i n v), for n from -last to last. */
    SYMSEG_INLINE void powers_of(
        float *SYMSEG_RESTRICT out_re, float *SYMSEG_RESTRICT out_im,
        Py_ssize_t last, const double *SYMSEG_RESTRICT v)
    {
        float re[LANES], im[LANES];
        turned(re, im, v);
        for (int l = 0; l < LANES; ++l) {
            out_re[last * LANES + l] = 1;
            out_im[last * LANES + l] = 0;
        }
        for (Py_ssize_t n = last; n < 2 * last; ++n)
            for (int l = 0; l < LANES; ++l) {
                float power_re = out_re[n * LANES + l];
                float power_im = out_im[n * LANES + l];
                out_re[(n + 1) * LANES + l] = power_re * re[l] - power_im * im[l];
                out_im[(n + 1) * LANES + l] = power_re * im[l] + power_im * re[l];
            }
        for (Py_ssize_t n = 0; n < last; ++n)
            for (int l = 0; l < LANES; ++l) {
                out_re[n * LANES + l] = out_re[(2 * last - n) * LANES + l];
                out_im[n * LANES + l] = -out_im[(2 * last - n) * LANES + l];
            }
    }

    /* Take a point where S is farther than at the best so far: twice its number, and 1
       more if S is negative. A mask of integers is no branch. */
    SYMSEG_INLINE void take_if_better(
        float *SYMSEG_RESTRICT most, int32_t *SYMSEG_RESTRICT best, const int either,
        const float *SYMSEG_RESTRICT value, Py_ssize_t point)
    {
        for (int l = 0; l < LANES; ++l) {
            float size = either ? fabsf(value[l]) : value[l];
            int32_t own = 2 * (int32_t) point + (either && value[l] < 0);
            int32_t better = -(size > most[l]);
            best[l] = (own & better) | (best[l] & ~better);
            most[l] = size > most[l] ? size : most[l];
        }
    }

    /* Grid point at which S is the largest, or of either sign the farthest from 0: the
       first of several, and the sign. With k folded to 0 and more, a term of a line is
       even[k] cos(k v_2) - odd[k] sin(k v_2), and only those k count that there are;
       `places` are those of the terms' own among them. Cosines and sines of a point are
       next to each other: of all terms for a line, of all folded k along it. */
    SYMSEG_INLINE void best_of_either(
        double *SYMSEG_RESTRICT v1, double *SYMSEG_RESTRICT v2,
        float *SYMSEG_RESTRICT signs, const int either,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        Py_ssize_t n_terms, const int *SYMSEG_RESTRICT turns,
        const int *SYMSEG_RESTRICT places, Py_ssize_t n_folded, Py_ssize_t steps,
        const float *SYMSEG_RESTRICT of_terms, const float *SYMSEG_RESTRICT of_folded,
        float *SYMSEG_RESTRICT even, float *SYMSEG_RESTRICT odd)
    {
        float most[LANES];
        int32_t best[LANES] = {0};
        const Py_ssize_t size = n_folded * LANES;
        for (int l = 0; l < LANES; ++l)
            most[l] = -INFINITY;
        for (Py_ssize_t i = 0; i <= steps / 2; ++i) {
            /* Of line i in the first half, and of line -i in the second. */
            memset(even, 0, 2 * size * sizeof *even);
            memset(odd, 0, 2 * size * sizeof *odd);
            for (Py_ssize_t n = 0; n < n_terms; ++n) {
                float turn = (float) turns[n];
                float c = of_terms[2 * (i * n_terms + n)];
                float s = of_terms[2 * (i * n_terms + n) + 1];
                float *own_even = even + places[n] * LANES;
                float *own_odd = odd + places[n] * LANES;
                for (int l = 0; l < LANES; ++l) {
                    float re_c = re[n * LANES + l] * c, im_s = im[n * LANES + l] * s;
                    float im_c = im[n * LANES + l] * c, re_s = re[n * LANES + l] * s;
                    own_even[l] += re_c - im_s;
                    own_even[size + l] += re_c + im_s;
                    own_odd[l] += turn * (im_c + re_s);
                    own_odd[size + l] += turn * (im_c - re_s);
                }
            }
            for (int opposite = 0; opposite < 2; ++opposite) {
                Py_ssize_t line = opposite ? steps - i : i;
                if (opposite && (i == 0 || line == i))
                    break;
                const float *own_even = even + opposite * size;
                const float *own_odd = odd + opposite * size;
                for (Py_ssize_t j = 0; j <= steps / 2; ++j) {
                    const float *waves = of_folded + 2 * j * n_folded;
                    float along[LANES] = {0}, across[LANES] = {0}, value[LANES];
                    for (Py_ssize_t m = 0; m < n_folded; ++m)
                        for (int l = 0; l < LANES; ++l) {
                            along[l] += own_even[m * LANES + l] * waves[2 * m];
                            across[l] += own_odd[m * LANES + l] * waves[2 * m + 1];
                        }
                    for (int l = 0; l < LANES; ++l)
                        value[l] = along[l] - across[l];
                    take_if_better(most, best, either, value, line * steps + j);
                    if (j == 0 || j == steps - j)
                        continue;
                    for (int l = 0; l < LANES; ++l)
                        value[l] = along[l] + across[l];
                    take_if_better(
                        most, best, either, value, line * steps + steps - j);
                }
            }
        }
        for (int l = 0; l < LANES; ++l) {
            float point = (float) (best[l] >> 1), side = (float) steps;
            float line = floorf((point + 0.5f) / side);
            v1[l] = (double) line / steps;
            v2[l] = (double) (point - line * side) / steps;
            signs[l] = (float) (1 - 2 * (best[l] & 1));
        }
    }

    SYMSEG_CLONES static void best_of_grid(
        double *SYMSEG_RESTRICT v1, double *SYMSEG_RESTRICT v2,
        float *SYMSEG_RESTRICT signs, int either,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        Py_ssize_t n_terms, const int *SYMSEG_RESTRICT turns,
        const int *SYMSEG_RESTRICT places, Py_ssize_t n_folded, Py_ssize_t steps,
        const float *SYMSEG_RESTRICT of_terms, const float *SYMSEG_RESTRICT of_folded,
        float *SYMSEG_RESTRICT even, float *SYMSEG_RESTRICT odd)
    {
        #define BEST_OF(either) best_of_either( \
            v1, v2, signs, either, re, im, n_terms, turns, places, n_folded, steps, \
            of_terms, of_folded, even, odd)
        if (either)
            BEST_OF(1);
        else
            BEST_OF(0);
        #undef BEST_OF
    }

    /* Newton's method, from there. */
    SYMSEG_CLONES static void climb(
        double *SYMSEG_RESTRICT v1, double *SYMSEG_RESTRICT v2,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        Py_ssize_t n_terms, const int *SYMSEG_RESTRICT indices, Py_ssize_t last,
        Py_ssize_t steps, float *SYMSEG_RESTRICT re1, float *SYMSEG_RESTRICT im1,
        float *SYMSEG_RESTRICT re2, float *SYMSEG_RESTRICT im2)
    {
        for (int round = 0; round < ROUNDS; ++round) {
            float along_h[LANES] = {0}, along_k[LANES] = {0};
            float hh[LANES] = {0}, hk[LANES] = {0}, kk[LANES] = {0};
            powers_of(re1, im1, last, v1);
            powers_of(re2, im2, last, v2);
            for (Py_ssize_t n = 0; n < n_terms; ++n) {
                float h = (float) indices[2 * n], k = (float) indices[2 * n + 1];
                const float *c1 = re1 + (indices[2 * n] + last) * LANES;
                const float *s1 = im1 + (indices[2 * n] + last) * LANES;
                const float *c2 = re2 + (indices[2 * n + 1] + last) * LANES;
                const float *s2 = im2 + (indices[2 * n + 1] + last) * LANES;
                for (int l = 0; l < LANES; ++l) {
                    float c = c1[l] * c2[l] - s1[l] * s2[l];
                    float s = c1[l] * s2[l] + s1[l] * c2[l];
                    float real = re[n * LANES + l] * c - im[n * LANES + l] * s;
                    float imag = re[n * LANES + l] * s + im[n * LANES + l] * c;
                    along_h[l] -= h * imag;
                    along_k[l] -= k * imag;
                    hh[l] += h * h * real;
                    hk[l] += h * k * real;
                    kk[l] += k * k * real;
                }
            }
            for (int l = 0; l < LANES; ++l) {
                double determinant = (double) hh[l] * kk[l] - (double) hk[l] * hk[l];
                int concave = hh[l] > 0 && determinant > 0;
                double scale = 6.283185307179586 * (concave ? determinant : 1);
                double step1 = ((double) kk[l] * along_h[l]
                                - (double) hk[l] * along_k[l]) / scale;
                double step2 = ((double) hh[l] * along_k[l]
                                - (double) hk[l] * along_h[l]) / scale;
                double size1 = fabs(step1) * steps, size2 = fabs(step2) * steps;
                double size = size1 > size2 ? size1 : size2;
                double share = 1 / (size > 1 ? size : 1);
                v1[l] += concave ? share * step1 : 0;
                v2[l] += concave ? share * step2 : 0;
            }
        }
    }

    /* Products of complex numbers, of which the first may be conjugated. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void multiply(
        float *SYMSEG_RESTRICT out_re, float *SYMSEG_RESTRICT out_im, Py_ssize_t n,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        const float *SYMSEG_RESTRICT other_re, const float *SYMSEG_RESTRICT other_im)
    {
        SYMSEG_ROUND_EACH
        for (Py_ssize_t j = 0; j < n; ++j) {
            out_re[j] = re[j] * other_re[j] - im[j] * other_im[j];
            out_im[j] = re[j] * other_im[j] + im[j] * other_re[j];
        }
    }

    /* Numbers times one factor: their conjugates, if `turn` is -1; or added to. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void scale(
        float *SYMSEG_RESTRICT out_re, float *SYMSEG_RESTRICT out_im, Py_ssize_t n,
        const float *SYMSEG_RESTRICT re, const float *SYMSEG_RESTRICT im,
        float turn, float factor_re, float factor_im, int add)
    {
        SYMSEG_ROUND_EACH
        float cross_re = turn * factor_im, cross_im = turn * factor_re;
        if (add)
            for (Py_ssize_t j = 0; j < n; ++j) {
                out_re[j] += factor_re * re[j] - cross_re * im[j];
                out_im[j] += cross_im * im[j] + factor_im * re[j];
            }
        else
            for (Py_ssize_t j = 0; j < n; ++j) {
                out_re[j] = factor_re * re[j] - cross_re * im[j];
                out_im[j] = cross_im * im[j] + factor_im * re[j];
            }
    }

    /* Real parts of products of complex numbers, added to others. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void add_real_products(
        float *SYMSEG_RESTRICT out, Py_ssize_t n, const float *SYMSEG_RESTRICT re,
        const float *SYMSEG_RESTRICT im, const float *SYMSEG_RESTRICT other_re,
        const float *SYMSEG_RESTRICT other_im)
    {
        SYMSEG_ROUND_EACH
        for (Py_ssize_t j = 0; j < n; ++j)
            out[j] += re[j] * other_re[j] - im[j] * other_im[j];
    }

    /* Phase factors exp(2 pi i (h v1 + k v2)). */
    SYMSEG_CLONES static void phases(
        float *SYMSEG_RESTRICT out_re, float *SYMSEG_RESTRICT out_im,
        const double *SYMSEG_RESTRICT v1, const double *SYMSEG_RESTRICT v2,
        Py_ssize_t n_terms, const int *SYMSEG_RESTRICT indices, Py_ssize_t last,
        float *SYMSEG_RESTRICT re1, float *SYMSEG_RESTRICT im1,
        float *SYMSEG_RESTRICT re2, float *SYMSEG_RESTRICT im2)
    {
        powers_of(re1, im1, last, v1);
        powers_of(re2, im2, last, v2);
        for (Py_ssize_t n = 0; n < n_terms; ++n) {
            const float *c1 = re1 + (indices[2 * n] + last) * LANES;
            const float *s1 = im1 + (indices[2 * n] + last) * LANES;
            const float *c2 = re2 + (indices[2 * n + 1] + last) * LANES;
            const float *s2 = im2 + (indices[2 * n + 1] + last) * LANES;
            for (int l = 0; l < LANES; ++l) {
                out_re[n * LANES + l] = c1[l] * c2[l] - s1[l] * s2[l];
                out_im[n * LANES + l] = c1[l] * s2[l] + s1[l] * c2[l];
            }
        }
    }
    """
    const int LANES
    void best_of_grid(
        double *v1, double *v2, float *signs, bint either, const float *re,
        const float *im, Py_ssize_t n_terms, const int *turns, const int *places,
        Py_ssize_t n_folded, Py_ssize_t steps, const float *of_terms,
        const float *of_folded, float *even, float *odd) noexcept nogil
    void climb(
        double *v1, double *v2, const float *re, const float *im, Py_ssize_t n_terms,
        const int *indices, Py_ssize_t last, Py_ssize_t steps, float *re1, float *im1,
        float *re2, float *im2) noexcept nogil
    void multiply(
        float *out_re, float *out_im, Py_ssize_t n, const float *re, const float *im,
        const float *other_re, const float *other_im) noexcept nogil
    void scale(
        float *out_re, float *out_im, Py_ssize_t n, const float *re, const float *im,
        float turn, float factor_re, float factor_im, bint add) noexcept nogil
    void add_real_products(
        float *out, Py_ssize_t n, const float *re, const float *im,
        const float *other_re, const float *other_im) noexcept nogil
    void phases(
        float *out_re, float *out_im, const double *v1, const double *v2,
        Py_ssize_t n_terms, const int *indices, Py_ssize_t last, float *re1, float *im1,
        float *re2, float *im2) noexcept nogil


# A frame asks for the same ones some times.
@functools.lru_cache(maxsize=16)
def grid_of(indices, steps):
    """What a search on a grid needs to know of the indices.

    Parameters
    ----------
    indices : bytes
        h and k of each term, as int32.
    steps : int

    Returns
    -------
    of_terms : (steps, n, 2) numpy.ndarray of float32
        Cosine and sine of 2 pi h i / steps.
    of_folded : (steps, m, 2) numpy.ndarray of float32
        The same of all numbers |k|, in their order.
    turns, places : (n,) numpy.ndarray of int32
        Sign of k, and place of |k| among these.
    """
    along, across = np.frombuffer(indices, np.int32).reshape(-1, 2).T
    numbers, places = np.unique(np.abs(across), return_inverse=True)

    def waves(numbers):
        angles = np.outer(np.arange(steps), numbers) % steps
        angles = 2 * np.pi / steps * angles
        return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)

    turns = np.where(across < 0, -1, 1)
    return waves(along), waves(numbers), turns.astype(np.int32), places.astype(np.int32)


def best_displacements(
    const float[:, :, ::1] terms, const int[:, ::1] indices, Py_ssize_t steps,
    bint either_sign, double[:, ::1] out
):
    """Displacements of all cells.

    Parameters
    ----------
    terms : (2, n, cells) float32 array
        Q, real and imaginary part.
    indices : (n, 2) int32 array
        h and k.
    steps : int
        Of the grid, along an axis: some for each of the largest h and k.
    either_sign : bool
        Whether S may be the least instead, where that is farther from 0.
    out : (2, cells) float64 array
    """
    cdef Py_ssize_t n_terms = terms.shape[1], n_cells = terms.shape[2]
    cdef Py_ssize_t group, first, n, lane, left
    cdef Py_ssize_t last = max(1, np.abs(indices).max(initial=0))
    cdef const float[:, :, ::1] of_terms, of_folded
    cdef const int[::1] turns, places
    of_terms, of_folded, turns, places = grid_of(bytes(indices), steps)
    cdef Py_ssize_t n_folded = of_folded.shape[1]
    cdef float[:, :, ::1] own = np.zeros((2, max(n_terms, 1), LANES), np.float32)
    # Two each of `even` and `odd`, and later of the powers of both axes.
    cdef float[:, :, ::1] work = np.empty((4, 2 * last + 1, LANES), np.float32)
    cdef double[:, ::1] found = np.empty((2, LANES))
    cdef float[::1] signs = np.ones(LANES, np.float32)
    if n_terms == 0:
        out[:, :] = 0
        return
    with nogil:
        for group in range((n_cells + LANES - 1) // LANES):
            first = group * LANES
            left = min(n_cells - first, LANES)
            if left < LANES:
                own[:, :, :] = 0
            for n in range(n_terms):
                memcpy(&own[0, n, 0], &terms[0, n, first], left * sizeof(float))
                memcpy(&own[1, n, 0], &terms[1, n, first], left * sizeof(float))
            best_of_grid(
                &found[0, 0], &found[1, 0], &signs[0], either_sign, &own[0, 0, 0],
                &own[1, 0, 0], n_terms, &turns[0], &places[0], n_folded, steps,
                &of_terms[0, 0, 0], &of_folded[0, 0, 0], &work[0, 0, 0], &work[2, 0, 0],
            )
            if either_sign:
                for n in range(n_terms):
                    for lane in range(LANES):
                        own[0, n, lane] *= signs[lane]
                        own[1, n, lane] *= signs[lane]
            climb(
                &found[0, 0], &found[1, 0], &own[0, 0, 0], &own[1, 0, 0], n_terms,
                &indices[0, 0], last, steps, &work[0, 0, 0], &work[1, 0, 0],
                &work[2, 0, 0], &work[3, 0, 0],
            )
            memcpy(&out[0, first], &found[0, 0], left * sizeof(double))
            memcpy(&out[1, first], &found[1, 0], left * sizeof(double))


def phase_factors(
    const double[:, ::1] displacements, const int[:, ::1] indices, float[:, :, ::1] out
):
    """Phase factors exp(2 pi i (h v_1 + k v_2)) of all cells.

    Parameters
    ----------
    displacements : (2, cells) float64 array
        v.
    indices : (n, 2) int32 array
        h and k.
    out : (2, n, cells) float32 array
        Real and imaginary part.
    """
    cdef Py_ssize_t n_terms = out.shape[1], n_cells = out.shape[2]
    cdef Py_ssize_t group, first, n, left
    cdef Py_ssize_t last = max(1, np.abs(indices).max(initial=0))
    cdef float[:, :, ::1] own = np.empty((2, max(n_terms, 1), LANES), np.float32)
    cdef float[:, :, ::1] work = np.empty((4, 2 * last + 1, LANES), np.float32)
    cdef double[:, ::1] given = np.zeros((2, LANES))
    if n_terms == 0:
        return
    with nogil:
        for group in range((n_cells + LANES - 1) // LANES):
            first = group * LANES
            left = min(n_cells - first, LANES)
            memcpy(&given[0, 0], &displacements[0, first], left * sizeof(double))
            memcpy(&given[1, 0], &displacements[1, first], left * sizeof(double))
            phases(
                &own[0, 0, 0], &own[1, 0, 0], &given[0, 0], &given[1, 0], n_terms,
                &indices[0, 0], last, &work[0, 0, 0], &work[1, 0, 0], &work[2, 0, 0],
                &work[3, 0, 0],
            )
            for n in range(n_terms):
                memcpy(&out[0, n, first], &own[0, n, 0], left * sizeof(float))
                memcpy(&out[1, n, first], &own[1, n, 0], left * sizeof(float))


def multiplied(
    const float[:, :, ::1] one, const float[:, :, ::1] other, float[:, :, ::1] out
):
    """Products of complex numbers.

    Parameters
    ----------
    one, other, out : (2, n, cells) float32 arrays
        Real and imaginary part.
    """
    cdef Py_ssize_t size = one.shape[1] * one.shape[2]
    if size == 0:
        return
    with nogil:
        multiply(
            &out[0, 0, 0], &out[1, 0, 0], size, &one[0, 0, 0], &one[1, 0, 0],
            &other[0, 0, 0], &other[1, 0, 0],
        )


def real_products(
    const float[:, :, ::1] one,
    const float[:, :, ::1] other,
    const Py_ssize_t[::1] used,
    float[::1] out,
):
    """Real parts of products of complex numbers, added up.

    Parameters
    ----------
    one, other : (2, m, cells), (2, n, cells) float32 arrays
        Real and imaginary part.
    used : (m,) intp array
        Components of the other.
    out : (cells,) float32 array
        What they are added to.
    """
    cdef Py_ssize_t k, n, n_cells = out.shape[0]
    if n_cells == 0:
        return
    with nogil:
        for k in range(used.shape[0]):
            n = used[k]
            add_real_products(
                &out[0], n_cells, &one[0, k, 0], &one[1, k, 0], &other[0, n, 0],
                &other[1, n, 0],
            )


def scaled(
    const float[:, ::1] factors,
    const float[:, :, ::1] numbers,
    const Py_ssize_t[::1] used,
    bint conjugate,
    bint add,
    float[:, :, ::1] out,
):
    """Complex numbers of some components, times the factor of each.

    Parameters
    ----------
    factors : (m, 2) float32 array
        Real and imaginary part.
    numbers : (2, n, cells) float32 array
    used : (m,) intp array
        Components.
    conjugate : bool
        Whether the conjugates of the numbers are meant.
    add : bool
        Whether the products are added to what is there.
    out : (2, m, cells) float32 array
    """
    cdef Py_ssize_t k, n, n_cells = numbers.shape[2]
    if n_cells == 0:
        return
    with nogil:
        for k in range(used.shape[0]):
            n = used[k]
            scale(
                &out[0, k, 0], &out[1, k, 0], n_cells, &numbers[0, n, 0],
                &numbers[1, n, 0], -1 if conjugate else 1, factors[k, 0], factors[k, 1],
                add,
            )
