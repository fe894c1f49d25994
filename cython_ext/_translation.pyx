# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Pearson's coefficient of every patch of a block with its shifted self.

T and -T are scored together. Of the product image Z(q) = a(q) b(q + T), the sum
over the patch P(r) belongs to T at r; the sum over P(r - T) belongs to -T at r,
because there q -> q + T turns it into the sum of b(q) a(q - T) over P(r). Every
product is formed once for both.

Patch sums are differences of prefix sums, down the columns, then along the rows:

    V(y, x) = V(y - 1, x) + Z(y, x)                at every row
    C(y, x) = V(y + p_y, x) - V(y - p_y - 1, x)    at the rows of the grid
    H(y, x) = H(y, x - 1) + C(y, x)                at the rows of the grid
    sum     = H(y, x + p_x) - H(y, x - p_x - 1)    at the points of the grid

so a pixel costs three loads, a product, an addition and a store, whatever the
size of the patch. V is kept in a ring as high as a patch. Sums are float64 and
start anew in every block.

With R = {q in P(r): q and q + T valid}, n = |R|, s and t the sums of I(q) and
I(q + T) over R, ss and tt those of their squares and st that of their product,

    score = (n st - s t) / sqrt((n ss - s s) (n tt - t t))

Of T and -T, the one with the larger n serves both; if equal, each serves itself.
"""

import numpy as np

from libc.math cimport NAN, sqrt


cdef extern from *:
    """
    #include "vectors.h"

    /* In C, because only restrict lets the compiler use vector instructions. */
    static inline void add_products(
        double *SYMSEG_RESTRICT sum, const double *SYMSEG_RESTRICT previous,
        const double *SYMSEG_RESTRICT a, const double *SYMSEG_RESTRICT b,
        Py_ssize_t n)
    {
        for (Py_ssize_t i = 0; i < n; ++i)
            sum[i] = previous[i] + a[i] * b[i];
    }
    """
    void add_products(
        double *sum, const double *previous, const double *a, const double *b,
        Py_ssize_t n
    ) noexcept nogil


# A variance this small beside the mean square is none, by definition. So is one that
# could be rounding: sums are differences of sums over the block, which are rounded in
# proportion to their own size.
cdef double NO_VARIANCE = 1e-10
cdef double ROUNDING = 1e-14


cdef struct Level:
    # The offset that was subtracted from all intensities, and the rounding error of a
    # sum of squares in this block.
    double offset
    double rounding


cdef struct Axis:
    # The points of the grid along one axis of the block, and half the patch there.
    Py_ssize_t first
    Py_ssize_t step
    Py_ssize_t size
    Py_ssize_t half


cdef struct Frame:
    # Where the frame begins and ends in the block.
    Py_ssize_t top
    Py_ssize_t bottom
    Py_ssize_t left
    Py_ssize_t right


cdef inline double inverse_norm(
    double n, double s, double ss, Level level
) noexcept nogil:
    """1 / sqrt(n ss - s s), or 0 where there is no variance."""
    cdef double variance = n * ss - s * s
    cdef double mean = s + n * level.offset
    if (
        variance <= NO_VARIANCE * (variance + mean * mean)
        or variance <= n * level.rounding
    ):
        return 0.0
    return 1.0 / sqrt(variance)


cdef inline double correlation(
    double n, double s, double t, double ss, double tt, double st, Level level
) noexcept nogil:
    return (
        (n * st - s * t)
        * inverse_norm(n, s, ss, level)
        * inverse_norm(n, t, tt, level)
    )


cdef inline float clip(double score) noexcept nogil:
    return <float> (1.0 if score > 1.0 else -1.0 if score < -1.0 else score)


cdef inline void add_columns(
    const double *lower, const double *upper, Py_ssize_t width, double *h
) noexcept nogil:
    """h[x] = sum of upper - lower over the first x columns.

    Four sums run side by side, each over a quarter of the row: one alone would
    wait for its own last addition at every pixel.
    """
    cdef Py_ssize_t quarter = width // 4, i
    cdef Py_ssize_t q1 = quarter, q2 = 2 * quarter, q3 = 3 * quarter
    cdef double h0 = 0.0, h1 = 0.0, h2 = 0.0, h3 = 0.0
    h[0] = 0.0
    for i in range(quarter):
        h0 += upper[i] - lower[i]
        h1 += upper[q1 + i] - lower[q1 + i]
        h2 += upper[q2 + i] - lower[q2 + i]
        h3 += upper[q3 + i] - lower[q3 + i]
        h[i + 1] = h0
        h[q1 + i + 1] = h1
        h[q2 + i + 1] = h2
        h[q3 + i + 1] = h3
    for i in range(4 * quarter, width):
        h3 += upper[i] - lower[i]
        h[i + 1] = h3
    h1 += h0
    h2 += h1
    for i in range(q1 + 1, q2 + 1):
        h[i] += h0
    for i in range(q2 + 1, q3 + 1):
        h[i] += h1
    for i in range(q3 + 1, width + 1):
        h[i] += h2


cdef inline void take_patches(
    const double *h, Axis cols, double *out
) noexcept nogil:
    """Sums over the patches of one row of the grid; the first begins at h[0]."""
    cdef Py_ssize_t k, span = 2 * cols.half + 1
    for k in range(cols.size):
        out[k] = h[k * cols.step + span] - h[k * cols.step]


cdef void shifted_product_sums(
    const double[:, ::1] a, const double[:, ::1] b, Py_ssize_t dy, Py_ssize_t dx,
    Axis rows, Axis cols, double[:, ::1] ring, double[::1] h,
    double *plus, double *minus
) noexcept nogil:
    """Patch sums of a(q) b(q + T), dy >= 0: at r into plus, at r - T into minus."""
    cdef Py_ssize_t ring_size = 2 * rows.half + 2
    cdef Py_ssize_t left = cols.first - cols.half - (dx if dx > 0 else 0)
    cdef Py_ssize_t right = (
        cols.first + (cols.size - 1) * cols.step + cols.half - (dx if dx < 0 else 0)
    )
    cdef Py_ssize_t width = right - left + 1
    cdef Py_ssize_t first_plus = cols.first - cols.half - left
    cdef Py_ssize_t first_minus = first_plus - dx
    cdef Py_ssize_t top = rows.first - rows.half - dy
    cdef Py_ssize_t height = dy + (rows.size - 1) * rows.step + ring_size - 1
    cdef Py_ssize_t i, k, current, previous = ring_size - 1, before_patch
    cdef bint at_plus, at_minus
    ring[previous, :width] = 0.0
    for i in range(height):
        current = i % ring_size
        add_products(
            &ring[current, 0], &ring[previous, 0],
            &a[top + i, left], &b[top + i + dy, left + dx], width,
        )
        previous = current
        k = i - (ring_size - 2)
        if k < 0:
            continue
        at_minus = k % rows.step == 0 and k // rows.step < rows.size
        at_plus = k >= dy and (k - dy) % rows.step == 0
        if not (at_minus or at_plus):
            continue
        before_patch = (i + 1) % ring_size
        add_columns(&ring[before_patch, 0], &ring[current, 0], width, &h[0])
        if at_plus:
            take_patches(
                &h[first_plus], cols, plus + (k - dy) // rows.step * cols.size
            )
        if at_minus:
            take_patches(
                &h[first_minus], cols, minus + k // rows.step * cols.size
            )


cdef inline Py_ssize_t points_before(Axis axis, Py_ssize_t position) noexcept nogil:
    """Number of points of the grid before a position."""
    if position <= axis.first:
        return 0
    return min(axis.size, (position - axis.first - 1) // axis.step + 1)


cdef inline double rectangle(
    const double[:, ::1] table, Py_ssize_t y0, Py_ssize_t y1, Py_ssize_t x0,
    Py_ssize_t x1
) noexcept nogil:
    """Sum over rows y0..y1 - 1 and columns x0..x1 - 1 from a summed-area table."""
    return table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0]


cdef inline (Py_ssize_t, Py_ssize_t) overlap(
    Py_ssize_t centre, Py_ssize_t half, Py_ssize_t shift, Py_ssize_t begin,
    Py_ssize_t end
) noexcept nogil:
    """R along one axis: the patch, in the frame, and still there when shifted."""
    cdef Py_ssize_t first = max(centre - half, begin, begin - shift)
    cdef Py_ssize_t last = min(centre + half + 1, end, end - shift)
    return first, max(first, last)


cdef inline double clipped_correlation(
    const double[:, ::1] table, const double[:, ::1] energy_table,
    (Py_ssize_t, Py_ssize_t) y, (Py_ssize_t, Py_ssize_t) x,
    Py_ssize_t dy, Py_ssize_t dx, double st, Level level
) noexcept nogil:
    return correlation(
        (y[1] - y[0]) * (x[1] - x[0]),
        rectangle(table, y[0], y[1], x[0], x[1]),
        rectangle(table, y[0] + dy, y[1] + dy, x[0] + dx, x[1] + dx),
        rectangle(energy_table, y[0], y[1], x[0], x[1]),
        rectangle(energy_table, y[0] + dy, y[1] + dy, x[0] + dx, x[1] + dx),
        st, level,
    )


cdef inline void choose(
    double n_plus, double n_minus, double n_least, float *plus, float *minus
) noexcept nogil:
    """The score with the larger n serves both shifts; too few pixels serve none."""
    if n_plus > n_minus:
        minus[0] = plus[0]
    elif n_minus > n_plus:
        plus[0] = minus[0]
    if max(n_plus, n_minus) < n_least:
        plus[0] = minus[0] = NAN


cdef void fill_tables(
    const double[:, ::1] values, double[:, ::1] table, double[:, ::1] energy_table
) noexcept nogil:
    """Sums over all rows above and all columns to the left."""
    cdef Py_ssize_t y, x
    cdef double s, ss
    table[0, :] = 0.0
    energy_table[0, :] = 0.0
    for y in range(values.shape[0]):
        s = ss = 0.0
        table[y + 1, 0] = energy_table[y + 1, 0] = 0.0
        for x in range(values.shape[1]):
            s += values[y, x]
            ss += values[y, x] * values[y, x]
            table[y + 1, x + 1] = table[y, x + 1] + s
            energy_table[y + 1, x + 1] = energy_table[y, x + 1] + ss


cdef void fill_norms(
    const double[:, ::1] table, const double[:, ::1] energy_table,
    Py_ssize_t half_y, Py_ssize_t half_x, Level level,
    double[:, ::1] total, double[:, ::1] norm
) noexcept nogil:
    """Sum and inverse norm of every whole patch in the block."""
    cdef Py_ssize_t y, x
    cdef double n = (2 * half_y + 1) * (2 * half_x + 1), s, ss
    for y in range(half_y, total.shape[0] - half_y):
        for x in range(half_x, total.shape[1] - half_x):
            s = rectangle(table, y - half_y, y + half_y + 1, x - half_x, x + half_x + 1)
            ss = rectangle(
                energy_table, y - half_y, y + half_y + 1, x - half_x, x + half_x + 1
            )
            total[y, x] = s
            norm[y, x] = inverse_norm(n, s, ss, level)


cdef void score_clipped(
    Axis rows, Axis cols, Py_ssize_t y, Py_ssize_t first, Py_ssize_t last,
    Py_ssize_t dy, Py_ssize_t dx, Frame frame, Level level,
    const double[:, ::1] table, const double[:, ::1] energy_table,
    const double *st_plus, const double *st_minus, float *plus, float *minus
) noexcept nogil:
    """Scores of points first..last - 1 of row y whose patches may leave the frame."""
    cdef Py_ssize_t k, x
    cdef double n_plus, n_minus
    cdef double n_least = (2 * rows.half + 1) * (2 * cols.half + 1) / 8.0
    cdef (Py_ssize_t, Py_ssize_t) x_plus, x_minus
    cdef (Py_ssize_t, Py_ssize_t) y_plus = overlap(
        y, rows.half, dy, frame.top, frame.bottom
    )
    cdef (Py_ssize_t, Py_ssize_t) y_minus = overlap(
        y, rows.half, -dy, frame.top, frame.bottom
    )
    for k in range(first, last):
        x = cols.first + k * cols.step
        x_plus = overlap(x, cols.half, dx, frame.left, frame.right)
        x_minus = overlap(x, cols.half, -dx, frame.left, frame.right)
        n_plus = (y_plus[1] - y_plus[0]) * (x_plus[1] - x_plus[0])
        n_minus = (y_minus[1] - y_minus[0]) * (x_minus[1] - x_minus[0])
        if n_plus >= n_minus and n_plus >= n_least:
            plus[k] = clip(clipped_correlation(
                table, energy_table, y_plus, x_plus, dy, dx, st_plus[k],
                level,
            ))
        if n_minus >= n_plus and n_minus >= n_least:
            minus[k] = clip(clipped_correlation(
                table, energy_table, y_minus, x_minus, -dy, -dx,
                st_minus[k], level,
            ))
        choose(n_plus, n_minus, n_least, &plus[k], &minus[k])


cdef inline void score_whole(
    Axis cols, Py_ssize_t first, Py_ssize_t last, Py_ssize_t shift, double n,
    const double *total, const double *norm, const double *shifted_total,
    const double *shifted_norm, const double *st, float *score
) noexcept nogil:
    """Scores of points first..last - 1 of a row, all patches wholly in the frame."""
    cdef Py_ssize_t k, x
    for k in range(first, last):
        x = cols.first + k * cols.step
        score[k] = clip(
            (n * st[k] - total[x] * shifted_total[x + shift])
            * (norm[x] * shifted_norm[x + shift])
        )


cdef inline float *score_row(
    float[:, :, :] out, Py_ssize_t index, Py_ssize_t row, float[::1] spare
) noexcept nogil:
    return &spare[0] if index < 0 else &out[index, row, 0]


def score_block(
    const double[:, ::1] values, double offset, Frame frame, Axis rows, Axis cols,
    const Py_ssize_t[:, ::1] pairs, float[:, :, :] out
):
    """Scores in a block of an unmasked frame.

    Parameters
    ----------
    values : (rows, columns) float64
        Intensities less `offset`; 0 outside the frame.
    frame, rows, cols : dict
        Frame, Axis: as the structures above, in pixels of the block. The block
        holds every patch of the grid, shifted by every T and -T.
    pairs : (pairs, 4) int
        dy >= 0, dx and the indices in `out` of T and -T, -1 if not wanted.
    out : (operations, rows of the grid, columns of the grid) float32
        The rows of the grid have to be contiguous.
    """
    cdef double[:, ::1] ring = np.empty((2 * rows.half + 2, values.shape[1]))
    cdef double[::1] h = np.empty(values.shape[1] + 1)
    cdef double[:, ::1] table = np.empty((values.shape[0] + 1, values.shape[1] + 1))
    cdef double[:, ::1] energy_table = np.empty_like(table)
    cdef double[:, ::1] total = np.empty_like(values)
    cdef double[:, ::1] norm = np.empty_like(values)
    cdef double[:, ::1] st_plus = np.empty((rows.size, cols.size))
    cdef double[:, ::1] st_minus = np.empty((rows.size, cols.size))
    cdef float[::1] spare = np.empty(cols.size, np.float32)
    cdef double n = (2 * rows.half + 1) * (2 * cols.half + 1)
    cdef Level level = Level(offset, 0.0)
    cdef Py_ssize_t i, dy, dx, k, y, reach, first, last
    cdef const double *at_plus
    cdef const double *at_minus
    cdef float *plus
    cdef float *minus
    with nogil:
        fill_tables(values, table, energy_table)
        level.rounding = ROUNDING * energy_table[
            values.shape[0], values.shape[1]
        ]
        fill_norms(
            table, energy_table, rows.half, cols.half, level, total, norm
        )
        for i in range(pairs.shape[0]):
            dy, dx = pairs[i, 0], pairs[i, 1]
            shifted_product_sums(
                values, values, dy, dx, rows, cols, ring, h, &st_plus[0, 0],
                &st_minus[0, 0],
            )
            reach = cols.half + (dx if dx > 0 else -dx)
            first = points_before(cols, frame.left + reach)
            last = points_before(cols, frame.right - reach)
            last = max(first, last)
            for k in range(rows.size):
                y = rows.first + k * rows.step
                at_plus, at_minus = &st_plus[k, 0], &st_minus[k, 0]
                plus = score_row(out, pairs[i, 2], k, spare)
                minus = score_row(out, pairs[i, 3], k, spare)
                if (
                    y - rows.half - dy < frame.top
                    or y + rows.half + dy >= frame.bottom
                ):
                    score_clipped(
                        rows, cols, y, 0, cols.size, dy, dx, frame, level, table,
                        energy_table, at_plus, at_minus, plus, minus,
                    )
                    continue
                score_whole(
                    cols, first, last, dx, n, &total[y, 0], &norm[y, 0],
                    &total[y + dy, 0], &norm[y + dy, 0], at_plus, plus,
                )
                score_whole(
                    cols, first, last, -dx, n, &total[y, 0], &norm[y, 0],
                    &total[y - dy, 0], &norm[y - dy, 0], at_minus, minus,
                )
                score_clipped(
                    rows, cols, y, 0, first, dy, dx, frame, level, table,
                    energy_table, at_plus, at_minus, plus, minus,
                )
                score_clipped(
                    rows, cols, y, last, cols.size, dy, dx, frame, level, table,
                    energy_table, at_plus, at_minus, plus, minus,
                )


cdef void score_counted(
    const double[:, :, ::1] sums_plus, const double[:, :, ::1] sums_minus,
    Py_ssize_t row, Py_ssize_t size, double n_least, Level level,
    float *plus, float *minus
) noexcept nogil:
    """Scores of a row of the grid from its sums n, s, t, ss, tt, st."""
    cdef Py_ssize_t k
    cdef double n_plus, n_minus
    for k in range(size):
        n_plus, n_minus = sums_plus[0, row, k], sums_minus[0, row, k]
        if n_plus >= n_minus and n_plus >= n_least:
            plus[k] = clip(correlation(
                n_plus, sums_plus[1, row, k], sums_plus[2, row, k],
                sums_plus[3, row, k], sums_plus[4, row, k], sums_plus[5, row, k],
                level,
            ))
        if n_minus >= n_plus and n_minus >= n_least:
            minus[k] = clip(correlation(
                n_minus, sums_minus[1, row, k], sums_minus[2, row, k],
                sums_minus[3, row, k], sums_minus[4, row, k], sums_minus[5, row, k],
                level,
            ))
        choose(n_plus, n_minus, n_least, &plus[k], &minus[k])


def score_masked_block(
    const double[:, :, ::1] images, double offset, Axis rows, Axis cols,
    const Py_ssize_t[:, ::1] pairs, float[:, :, :] out
):
    """Scores in a block with pixels left out.

    Parameters
    ----------
    images : (3, rows, columns) float64
        1 where a pixel is valid, 0 elsewhere and outside the frame; intensities less
        `offset`, and their squares, 0 where not valid.
    rows, cols, pairs, out
        As in `score_block`.
    """
    # The images whose products add up to n, s, t, ss, tt and st.
    cdef Py_ssize_t[6] first = [0, 1, 0, 2, 0, 1]
    cdef Py_ssize_t[6] second = [0, 0, 1, 0, 2, 1]
    cdef double[:, ::1] ring = np.empty((2 * rows.half + 2, images.shape[2]))
    cdef double[::1] h = np.empty(images.shape[2] + 1)
    cdef double[:, :, ::1] plus = np.empty((6, rows.size, cols.size))
    cdef double[:, :, ::1] minus = np.empty((6, rows.size, cols.size))
    cdef double n_least = (2 * rows.half + 1) * (2 * cols.half + 1) / 8.0
    cdef float[::1] spare = np.empty(cols.size, np.float32)
    cdef Level level = Level(offset, ROUNDING * np.sum(images[2]))
    cdef Py_ssize_t i, j, k
    with nogil:
        for i in range(pairs.shape[0]):
            for j in range(6):
                shifted_product_sums(
                    images[first[j]], images[second[j]], pairs[i, 0], pairs[i, 1],
                    rows, cols, ring, h, &plus[j, 0, 0], &minus[j, 0, 0],
                )
            for k in range(rows.size):
                score_counted(
                    plus, minus, k, cols.size, n_least, level,
                    score_row(out, pairs[i, 2], k, spare),
                    score_row(out, pairs[i, 3], k, spare),
                )
