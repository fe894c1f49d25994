# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Pearson's coefficient of a circular patch and its image under point operations.

The intensity at a fixed polar offset from a pixel is the same sparse sum for every
pixel: 4 x 4 coefficients c of the cubic spline times the weights of that offset,

    v(y, x) = sum_i wy_i c(y + i, x)        4 products a column
    S(y, x) = sum_k wx_k v(y, x + k)        4 products a sample

LANES pixels of a row of the grid are sampled side by side, so that every loop over
them is a few vector instructions. For a grid with steps of `step` columns, the
coefficients come as (rows, step, columns / step): neighbours on the grid are
neighbours in memory, and v is formed for the min(step, 4) phases that k meets.

One radius r at a time, the samples stand in a ring of rows, one an angle. An
operation is a list of pairs (i, j) of such rows: sample i of the patch against sample
j of its image. Sums over the pairs are float32 for a radius, weighted by r and
added to float64 over the radii:

    n = sum r, s = sum r S_i, t = sum r S_j, ss, tt, st likewise, and
    score = (n st - s t) / sqrt((n ss - s s) (n tt - t t))

A level near their mean is subtracted from all samples of a pixel. This changes no
score, but keeps the sums as small as the local contrast.
"""

import numpy as np

from libc.math cimport NAN, sqrt


cdef extern from *:
    """
    #include "vectors.h"

    #define COLUMNS (LANES + 4)

    /* In C, because only constant counts and restrict let the compiler keep the
       sums in vector registers. */

    SYMSEG_CLONES static void sample_row(
        float *SYMSEG_RESTRICT out, const float *SYMSEG_RESTRICT coefficients,
        Py_ssize_t row, const Py_ssize_t *phases, Py_ssize_t n_phases,
        const float *SYMSEG_RESTRICT wy, const float *SYMSEG_RESTRICT wx,
        const float *SYMSEG_RESTRICT level)
    {
        /* Where column k of the four is in v: that of phase k % n_phases, and
           k / n_phases further. */
        static const int column_of[5][4] = {
            {0}, {0, 1, 2, 3}, {0, COLUMNS, 1, COLUMNS + 1},
            {0, COLUMNS, 2 * COLUMNS, 1}, {0, COLUMNS, 2 * COLUMNS, 3 * COLUMNS},
        };
        float v[4 * COLUMNS];
        for (Py_ssize_t p = 0; p < n_phases; ++p) {
            const float *c = coefficients + phases[p];
            float *column = v + COLUMNS * p;
            for (int j = 0; j < COLUMNS; ++j)
                column[j] = wy[0] * c[j] + wy[1] * c[j + row]
                          + wy[2] * c[j + 2 * row] + wy[3] * c[j + 3 * row];
        }
        const float *v0 = v + column_of[n_phases][0], *v1 = v + column_of[n_phases][1];
        const float *v2 = v + column_of[n_phases][2], *v3 = v + column_of[n_phases][3];
        for (int j = 0; j < LANES; ++j)
            out[j] = wx[0] * v0[j] + wx[1] * v1[j] + wx[2] * v2[j] + wx[3] * v3[j]
                   - level[j];
    }

    SYMSEG_CLONES static void add_pairs(
        double *SYMSEG_RESTRICT total, double weight,
        const float *SYMSEG_RESTRICT a, const float *SYMSEG_RESTRICT b,
        const int *SYMSEG_RESTRICT pairs, Py_ssize_t n)
    {
        float sum[LANES] = {0};
        for (Py_ssize_t i = 0; i < n; ++i) {
            const float *x = a + LANES * pairs[2 * i];
            const float *y = b + LANES * pairs[2 * i + 1];
            for (int j = 0; j < LANES; ++j)
                sum[j] += x[j] * y[j];
        }
        for (int j = 0; j < LANES; ++j)
            total[j] += weight * sum[j];
    }

    SYMSEG_CLONES static void add_rows(
        double *SYMSEG_RESTRICT total, double *SYMSEG_RESTRICT energy, double weight,
        const float *SYMSEG_RESTRICT a, Py_ssize_t n)
    {
        float sum[LANES] = {0}, energy_sum[LANES] = {0};
        for (Py_ssize_t i = 0; i < n; ++i) {
            const float *x = a + LANES * i;
            for (int j = 0; j < LANES; ++j) {
                sum[j] += x[j];
                energy_sum[j] += x[j] * x[j];
            }
        }
        for (int j = 0; j < LANES; ++j) {
            total[j] += weight * sum[j];
            energy[j] += weight * energy_sum[j];
        }
    }
    """
    const int LANES
    void sample_row(
        float *out, const float *coefficients, Py_ssize_t row,
        const Py_ssize_t *phases, Py_ssize_t n_phases,
        const float *wy, const float *wx, const float *level
    ) noexcept nogil
    void add_pairs(
        double *total, double weight, const float *a, const float *b,
        const int *pairs, Py_ssize_t n
    ) noexcept nogil
    void add_rows(
        double *total, double *energy, double weight, const float *a, Py_ssize_t n
    ) noexcept nogil


#: Columns that a row of coefficients has to be longer than the block.
MARGIN = LANES + 4

# A variance this small beside the mean square is none, by definition. So is one that
# could be rounding of the samples, which are float32.
cdef double NO_VARIANCE = 1e-10


cdef inline double inverse_norm(
    double n, double s, double ss, double level, double rounding
) noexcept nogil:
    """1 / sqrt(n ss - s s), or 0 where there is no variance."""
    cdef double variance = n * ss - s * s
    cdef double mean = s + n * level
    if (
        variance <= NO_VARIANCE * (variance + mean * mean)
        or variance <= n * n * rounding
    ):
        return 0.0
    return 1.0 / sqrt(variance)


cdef inline float correlation(
    double n, double s, double t, double ss, double tt, double st,
    double level, double rounding
) noexcept nogil:
    cdef double score = (
        (n * st - s * t)
        * inverse_norm(n, s, ss, level, rounding)
        * inverse_norm(n, t, tt, level, rounding)
    )
    return <float> (1.0 if score > 1.0 else -1.0 if score < -1.0 else score)


cdef class Sampler:
    """Samples of one or two patches at every pixel of a grid.

    Parameters
    ----------
    coefficients : (rows, step, width) float32 array
        Spline coefficients; element (y, p, k) is that of column p + k * step. There
        are MARGIN more than the samples need.
    levels : (grid rows, grid columns + MARGIN) float32 array
        What is subtracted from the samples of every pixel.
    first, step : (int, int)
        The first pixel of the grid in the block, and the distance of its pixels.
    corners : (radii, rows of the ring, 2) int array
        The first (y, x) of the 4 x 4 coefficients of every sample, from the pixel.
    weights : (radii, rows of the ring, 2, 4) float32 array
        Their weights along y and x.
    """

    cdef const float[:, :, ::1] coefficients
    cdef const float[:, ::1] levels
    cdef const float[:, :, :, ::1] weights
    cdef Py_ssize_t[:, :, ::1] offsets
    cdef Py_ssize_t first_row, row_step, row, n_phases
    cdef readonly Py_ssize_t n_radii, n_rows

    def __init__(self, coefficients, levels, first, step, corners, weights):
        self.coefficients = coefficients
        self.levels = levels
        self.weights = weights
        self.n_radii, self.n_rows = corners.shape[:2]
        self.first_row, self.row_step = first[0], step[0]
        width = coefficients.shape[2]
        self.row = step[1] * width
        self.n_phases = min(step[1], 4)
        columns = first[1] + corners[..., 1:] + np.arange(self.n_phases)
        self.offsets = np.ascontiguousarray(
            corners[..., :1] * self.row
            + columns % step[1] * width
            + columns // step[1],
            dtype=np.intp,
        )

    cdef inline Py_ssize_t base(self, Py_ssize_t y, Py_ssize_t k) noexcept nogil:
        """Index of the coefficient of column k of the grid, as if it were phase 0."""
        return (self.first_row + y * self.row_step) * self.row + k

    cdef void fill(
        self, Py_ssize_t y, Py_ssize_t k, Py_ssize_t radius, float *ring
    ) noexcept nogil:
        """Samples of the LANES pixels from (y, k) of the grid on, at one radius."""
        cdef const float *c = &self.coefficients[0, 0, 0] + self.base(y, k)
        cdef Py_ssize_t i
        for i in range(self.n_rows):
            sample_row(
                ring + i * LANES, c, self.row, &self.offsets[radius, i, 0],
                self.n_phases, &self.weights[radius, i, 0, 0],
                &self.weights[radius, i, 1, 0], &self.levels[y, k],
            )

    cdef void fill_valid(
        self, const float *valid, Py_ssize_t y, Py_ssize_t k, Py_ssize_t radius,
        float *ring,
    ) noexcept nogil:
        """Whether the samples are valid, 1 or 0."""
        cdef const float *v
        cdef Py_ssize_t i, j
        for i in range(self.n_rows):
            v = valid + self.base(y, k) + self.offsets[radius, i, 0]
            for j in range(LANES):
                ring[i * LANES + j] = v[j]


def sample_block(Sampler sampler, float[:, :, :, ::1] out):
    """Write the samples of all pixels: out is (rows, columns, radii, rows of ring)."""
    cdef Py_ssize_t y, k, j, r, i, group
    cdef float[:, ::1] ring = np.empty((sampler.n_rows, LANES), np.float32)
    with nogil:
        for y in range(out.shape[0]):
            for group in range((out.shape[1] + LANES - 1) // LANES):
                k = group * LANES
                for r in range(sampler.n_radii):
                    sampler.fill(y, k, r, &ring[0, 0])
                    for j in range(min(LANES, out.shape[1] - k)):
                        for i in range(sampler.n_rows):
                            out[y, k + j, r, i] = ring[i, j] + sampler.levels[y, k + j]


# The sums of an operation, in this order.
cdef enum:
    N, S, T, SS, TT, ST, N_SUMS


cdef void sum_whole(
    Sampler sampler, Py_ssize_t y, Py_ssize_t k, const int[:, ::1] pairs,
    const Py_ssize_t[:, ::1] ranges, float[:, :, ::1] rings, double[:, :, ::1] sums,
) noexcept nogil:
    """Sums over all pairs: those of one patch are the same for all operations."""
    cdef float *ring = &rings[0, 0, 0]
    cdef Py_ssize_t r, i, j, op, begin, twice, end
    # Rows of one patch; the second patch, if there is one, stands below the first.
    cdef Py_ssize_t n_angles = 2 * ranges[0, 2] - ranges[0, 1] - ranges[0, 0]
    cdef Py_ssize_t second = sampler.n_rows - n_angles
    sums[:] = 0
    for r in range(sampler.n_radii):
        sampler.fill(y, k, r, ring)
        for j in range(LANES):
            sums[0, N, j] += (r + 1) * n_angles
        add_rows(&sums[0, S, 0], &sums[0, SS, 0], r + 1, ring, n_angles)
        if second:
            add_rows(
                &sums[0, T, 0], &sums[0, TT, 0], r + 1, ring + second * LANES, n_angles
            )
        for op in range(ranges.shape[0]):
            begin, twice, end = ranges[op, 0], ranges[op, 1], ranges[op, 2]
            add_pairs(
                &sums[op, ST, 0], r + 1, ring, ring, &pairs[begin, 0], twice - begin
            )
            if end > twice:
                add_pairs(
                    &sums[op, ST, 0], 2 * (r + 1), ring, ring, &pairs[twice, 0],
                    end - twice,
                )
    for j in range(LANES):
        if not second:
            sums[0, T, j] = sums[0, S, j]
            sums[0, TT, j] = sums[0, SS, j]
        for op in range(1, ranges.shape[0]):
            for i in range(ST):
                sums[op, i, j] = sums[0, i, j]


cdef void sum_valid(
    Sampler sampler, const float *valid, Py_ssize_t y, Py_ssize_t k,
    const int[:, ::1] pairs, const Py_ssize_t[:, ::1] ranges,
    float[:, :, ::1] rings, double[:, :, ::1] sums,
) noexcept nogil:
    """Sums over the pairs of which both samples are valid."""
    cdef float *a = &rings[0, 0, 0]
    cdef float *aa = &rings[1, 0, 0]
    cdef float *v = &rings[2, 0, 0]
    cdef Py_ssize_t r, i, j, op, begin, twice, end
    cdef const int *p
    sums[:] = 0
    for r in range(sampler.n_radii):
        sampler.fill(y, k, r, a)
        sampler.fill_valid(valid, y, k, r, v)
        for i in range(sampler.n_rows * LANES):
            a[i] *= v[i]
            aa[i] = a[i] * a[i]
        for op in range(ranges.shape[0]):
            begin, twice, end = ranges[op, 0], ranges[op, 1], ranges[op, 2]
            p = &pairs[begin, 0]
            add_pairs(&sums[op, N, 0], r + 1, v, v, p, twice - begin)
            add_pairs(&sums[op, S, 0], r + 1, a, v, p, twice - begin)
            add_pairs(&sums[op, SS, 0], r + 1, aa, v, p, twice - begin)
            add_pairs(&sums[op, ST, 0], r + 1, a, a, p, twice - begin)
            if end == twice:
                add_pairs(&sums[op, T, 0], r + 1, v, a, p, twice - begin)
                add_pairs(&sums[op, TT, 0], r + 1, v, aa, p, twice - begin)
                continue
            p = &pairs[twice, 0]
            add_pairs(&sums[op, N, 0], 2 * (r + 1), v, v, p, end - twice)
            add_pairs(&sums[op, S, 0], r + 1, a, v, p, end - twice)
            add_pairs(&sums[op, S, 0], r + 1, v, a, p, end - twice)
            add_pairs(&sums[op, SS, 0], r + 1, aa, v, p, end - twice)
            add_pairs(&sums[op, SS, 0], r + 1, v, aa, p, end - twice)
            add_pairs(&sums[op, ST, 0], 2 * (r + 1), a, a, p, end - twice)
    for op in range(ranges.shape[0]):
        # Pairs that count both ways are those of an operation that is its own inverse.
        if ranges[op, 2] > ranges[op, 1]:
            for j in range(LANES):
                sums[op, T, j] = sums[op, S, j]
                sums[op, TT, j] = sums[op, SS, j]


def score_block(
    Sampler sampler,
    const float[:, :, ::1] valid,
    const unsigned char[:, :] whole,
    const int[:, ::1] pairs,
    const Py_ssize_t[:, ::1] ranges,
    double offset,
    const float[:, :] roundings,
    float[:, :, :] out,
):
    """Score the operations of a sampler at all pixels of a grid.

    Parameters
    ----------
    sampler : Sampler
        With as many rows of the ring as angles, or twice as many for two patches.
    valid : (rows, step, width) float32 array
        As the coefficients: 1 where all 4 x 4 coefficients from here on are valid.
        May be empty if all of `whole` are 1.
    whole : (grid rows, grid columns) uint8 array
        1 where all samples of the pixel are valid.
    pairs : (n, 2) int32 array
        Rows of the ring that the operations compare.
    ranges : (operations, 3) intp array
        Where the pairs of an operation begin; from where on they stand for (i, j)
        and (j, i) both; and where they end.
    offset : float
        What was subtracted from the intensities.
    roundings : (grid rows, grid columns) float32 array
        A standard deviation that the rounding of the samples may leave.
    out : (operations, grid rows, grid columns) float32 array
    """
    cdef Py_ssize_t n_rows = sampler.n_rows, n_columns = out.shape[2]
    cdef Py_ssize_t y, k, j, op, r, group, n_lanes
    cdef bint all_whole
    cdef double level, rounding, least = 0
    # The samples, their squares, and whether they are valid.
    cdef float[:, :, ::1] rings = np.empty((3, n_rows, LANES), np.float32)
    cdef double[:, :, ::1] sums = np.empty((ranges.shape[0], N_SUMS, LANES))
    cdef const double *q
    for r in range(sampler.n_radii):
        # Half the weight of all pairs.
        least += 0.5 * (r + 1) * (2 * ranges[0, 2] - ranges[0, 1] - ranges[0, 0])
    with nogil:
        for y in range(out.shape[1]):
            for group in range((n_columns + LANES - 1) // LANES):
                k = group * LANES
                n_lanes = min(LANES, n_columns - k)
                all_whole = True
                for j in range(n_lanes):
                    all_whole = all_whole and whole[y, k + j]
                if all_whole:
                    sum_whole(sampler, y, k, pairs, ranges, rings, sums)
                else:
                    sum_valid(
                        sampler, &valid[0, 0, 0], y, k, pairs, ranges, rings, sums
                    )
                for j in range(n_lanes):
                    level = offset + sampler.levels[y, k + j]
                    rounding = <double> roundings[y, k + j] * roundings[y, k + j]
                    for op in range(ranges.shape[0]):
                        q = &sums[op, 0, j]
                        out[op, y, k + j] = NAN if q[N] < least else correlation(
                            q[N], q[S * LANES], q[T * LANES], q[SS * LANES],
                            q[TT * LANES], q[ST * LANES], level, rounding,
                        )
