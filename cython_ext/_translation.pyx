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

from libc.math cimport NAN
from libc.string cimport memcpy


cdef extern from *:
    """
    #include <math.h>

    #include "vectors.h"

    /* A variance this small beside the mean square is none, by definition. So is one
       that could be rounding: sums are differences of sums over the block, which are
       rounded in proportion to their own size. */
    #define NO_VARIANCE 1e-10
    #define ROUNDING 1e-14

    /* The offset that was subtracted from all intensities, and the rounding error of a
       sum of squares in this block. */
    typedef struct { double offset, rounding; } Level;

    /* Where a row of patches begins and ends in tables of sums over all rows above and
       all columns to the left, the same shifted, and its number of rows. */
    typedef struct {
        const double *low, *high, *shifted_low, *shifted_high;
        const double *energy_low, *energy_high;
        const double *shifted_energy_low, *shifted_energy_high;
        double height;
    } Rows;

    /* 1 / sqrt(n ss - s s), or 0 where there is no variance. */
    SYMSEG_INLINE double inverse_norm(double n, double s, double ss, Level level)
    {
        SYMSEG_ROUND_EACH
        double variance = n * ss - s * s;
        double mean = s + n * level.offset;
        double norm = 1.0 / sqrt(variance);
        /* Both are compared, as choices without a branch are made side by side. */
        int none = (variance <= NO_VARIANCE * (variance + mean * mean))
                   | (variance <= n * level.rounding);
        return none ? 0.0 : norm;
    }

    SYMSEG_INLINE float clip(double score)
    {
        score = score > 1.0 ? 1.0 : score;
        return (float) (score < -1.0 ? -1.0 : score);
    }

    SYMSEG_INLINE float correlation(
        double n, double s, double t, double ss, double tt, double st, Level level)
    {
        SYMSEG_ROUND_EACH
        return clip(
            (n * st - s * t) * inverse_norm(n, s, ss, level)
            * inverse_norm(n, t, tt, level));
    }

    /* Sum over the columns first to last - 1, and the rows between two of a table. */
    SYMSEG_INLINE double sum_between(
        const double *low, const double *high, Py_ssize_t first, Py_ssize_t last)
    {
        return high[last] - low[last] - high[first] + low[first];
    }

    SYMSEG_INLINE float clipped_score(
        const Rows *at, Py_ssize_t first, Py_ssize_t last, double st, double n_least,
        Level level)
    {
        SYMSEG_ROUND_EACH
        double n = at->height * (double) (last - first);
        float score = correlation(
            n, sum_between(at->low, at->high, first, last),
            sum_between(at->shifted_low, at->shifted_high, first, last),
            sum_between(at->energy_low, at->energy_high, first, last),
            sum_between(at->shifted_energy_low, at->shifted_energy_high, first, last),
            st, level);
        return n < n_least ? NAN : score;
    }

    /* Scores of patches that leave the frame; first and last are their columns. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void score_clipped(
        const Rows *rows, const Py_ssize_t *SYMSEG_RESTRICT first,
        const Py_ssize_t *SYMSEG_RESTRICT last, Py_ssize_t step,
        const double *SYMSEG_RESTRICT st, double n_least, Level level,
        float *SYMSEG_RESTRICT score, Py_ssize_t size)
    {
        const Rows at = *rows;
        Py_ssize_t x0 = first[0], x1 = last[0];
        /* Neighbours are loaded together. */
        if (step == 1 && first[size - 1] == x0 + size - 1
            && last[size - 1] == x1 + size - 1)
            for (Py_ssize_t k = 0; k < size; ++k)
                score[k] = clipped_score(&at, x0 + k, x1 + k, st[k], n_least, level);
        else
            for (Py_ssize_t k = 0; k < size; ++k)
                score[k] = clipped_score(&at, first[k], last[k], st[k], n_least, level);
    }

    SYMSEG_CLONES SYMSEG_ROUNDED static void add_products(
        double *SYMSEG_RESTRICT sum, const double *SYMSEG_RESTRICT previous,
        const double *SYMSEG_RESTRICT a, const double *SYMSEG_RESTRICT b,
        Py_ssize_t n)
    {
        SYMSEG_ROUND_EACH
        for (Py_ssize_t i = 0; i < n; ++i)
            sum[i] = previous[i] + a[i] * b[i];
    }

    /* Sums over patches as wide as `span`; the first begins at h[0]. */
    SYMSEG_CLONES static void take_patches(
        const double *SYMSEG_RESTRICT h, Py_ssize_t step, Py_ssize_t span,
        double *SYMSEG_RESTRICT out, Py_ssize_t n)
    {
        /* Neighbours are loaded together. */
        if (step == 1)
            for (Py_ssize_t k = 0; k < n; ++k)
                out[k] = h[k + span] - h[k];
        else
            for (Py_ssize_t k = 0; k < n; ++k)
                out[k] = h[k * step + span] - h[k * step];
    }

    SYMSEG_INLINE float whole_score(
        double n, double st, double s, double t, double norm, double shifted_norm)
    {
        SYMSEG_ROUND_EACH
        return clip((n * st - s * t) * (norm * shifted_norm));
    }

    /* Scores of patches that lie wholly in the frame, as those above. */
    SYMSEG_CLONES SYMSEG_ROUNDED static void score_patches(
        const double *SYMSEG_RESTRICT h, Py_ssize_t step, Py_ssize_t span, double n,
        const double *total, const double *shifted_total, const double *norm,
        const double *shifted_norm, float *SYMSEG_RESTRICT score, Py_ssize_t size)
    {
        if (step == 1)
            for (Py_ssize_t k = 0; k < size; ++k)
                score[k] = whole_score(
                    n, h[k + span] - h[k], total[k], shifted_total[k], norm[k],
                    shifted_norm[k]);
        else
            for (Py_ssize_t k = 0, x = 0; k < size; ++k, x += step)
                score[k] = whole_score(
                    n, h[x + span] - h[x], total[x], shifted_total[x], norm[x],
                    shifted_norm[x]);
    }
    """
    ctypedef struct Level:
        double offset
        double rounding

    ctypedef struct Rows:
        const double *low
        const double *high
        const double *shifted_low
        const double *shifted_high
        const double *energy_low
        const double *energy_high
        const double *shifted_energy_low
        const double *shifted_energy_high
        double height

    double ROUNDING
    double inverse_norm(double n, double s, double ss, Level level) noexcept nogil
    float correlation(
        double n, double s, double t, double ss, double tt, double st, Level level
    ) noexcept nogil
    void score_clipped(
        const Rows *rows, const Py_ssize_t *first, const Py_ssize_t *last,
        Py_ssize_t step, const double *st, double n_least, Level level, float *score,
        Py_ssize_t size
    ) noexcept nogil
    void add_products(
        double *sum, const double *previous, const double *a, const double *b,
        Py_ssize_t n
    ) noexcept nogil
    void take_patches(
        const double *h, Py_ssize_t step, Py_ssize_t span, double *out, Py_ssize_t n
    ) noexcept nogil
    void score_patches(
        const double *h, Py_ssize_t step, Py_ssize_t span, double n,
        const double *total, const double *shifted_total, const double *norm,
        const double *shifted_norm, float *score, Py_ssize_t size
    ) noexcept nogil


cdef struct Axis:
    # The points of the grid along one axis of the block, and half the patch there.
    Py_ssize_t first
    Py_ssize_t step
    Py_ssize_t size
    Py_ssize_t half


cdef struct Whole:
    # The points whose patches lie wholly in the frame, shifted too, by their rows and
    # columns in the grid; and sums and inverse norms of patches, at every pixel.
    Py_ssize_t top
    Py_ssize_t bottom
    Py_ssize_t left
    Py_ssize_t right
    const double *total
    const double *norm
    Py_ssize_t width


cdef struct Frame:
    # Where the frame begins and ends in the block.
    Py_ssize_t top
    Py_ssize_t bottom
    Py_ssize_t left
    Py_ssize_t right


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


cdef inline void finish_row(
    const double *h, Axis rows, Axis cols, Py_ssize_t row, Py_ssize_t dy,
    Py_ssize_t dx, const Whole *whole, double *sums, float *scores
) noexcept nogil:
    """Scores of a row of the grid where patches are whole, and sums elsewhere.

    No sums of patches that are whole are kept: they would leave the cache.
    """
    cdef Py_ssize_t step = cols.step, span = 2 * cols.half + 1
    cdef Py_ssize_t first, last, at
    if not whole.top <= row < whole.bottom:
        take_patches(h, step, span, sums, cols.size)
        return
    first, last = whole.left, whole.right
    take_patches(h, step, span, sums, first)
    take_patches(h + last * step, step, span, sums + last, cols.size - last)
    if scores is not NULL:
        at = (rows.first + row * rows.step) * whole.width + cols.first + first * step
        score_patches(
            h + first * step, step, span, (2 * rows.half + 1) * span,
            whole.total + at, whole.total + at + dy * whole.width + dx,
            whole.norm + at, whole.norm + at + dy * whole.width + dx,
            scores + first, last - first,
        )


cdef void shifted_product_sums(
    const double[:, ::1] a, const double[:, ::1] b, Py_ssize_t dy, Py_ssize_t dx,
    Axis rows, Axis cols, double[:, ::1] ring, double[::1] h, const Whole *whole,
    double *plus, double *minus, float *plus_scores, float *minus_scores,
    Py_ssize_t scores_width
) noexcept nogil:
    """Patch sums of a(q) b(q + T), dy >= 0: at r into plus, at r - T into minus.

    Or the scores of T and -T, where the patches are whole.
    """
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
    cdef Py_ssize_t i, k, current, previous = ring_size - 1, before_patch, row
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
            row = (k - dy) // rows.step
            finish_row(
                &h[first_plus], rows, cols, row, dy, dx, whole,
                plus + row * cols.size,
                NULL if plus_scores is NULL else plus_scores + row * scores_width,
            )
        if at_minus:
            row = k // rows.step
            finish_row(
                &h[first_minus], rows, cols, row, -dy, -dx, whole,
                minus + row * cols.size,
                NULL if minus_scores is NULL else minus_scores + row * scores_width,
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


cdef inline Rows rows_of_patches(
    Py_ssize_t first, Py_ssize_t last, Py_ssize_t dy, Py_ssize_t dx,
    const double[:, ::1] table, const double[:, ::1] energy_table
) noexcept nogil:
    """Where rows first..last - 1 of the block are in the tables, and those shifted."""
    cdef Rows rows
    rows.low, rows.high = &table[first, 0], &table[last, 0]
    rows.shifted_low = &table[first + dy, 0] + dx
    rows.shifted_high = &table[last + dy, 0] + dx
    rows.energy_low, rows.energy_high = &energy_table[first, 0], &energy_table[last, 0]
    rows.shifted_energy_low = &energy_table[first + dy, 0] + dx
    rows.shifted_energy_high = &energy_table[last + dy, 0] + dx
    rows.height = last - first
    return rows


cdef inline int which_is_larger(
    double height_plus, double height_minus, const Py_ssize_t[:, ::1] columns,
    Py_ssize_t k
) noexcept nogil:
    """1 if the patch of T keeps more pixels, -1 if that of -T does, 0 if as many."""
    cdef double n_plus = height_plus * (columns[1, k] - columns[0, k])
    cdef double n_minus = height_minus * (columns[3, k] - columns[2, k])
    return (n_plus > n_minus) - (n_plus < n_minus)


cdef void score_clipped_row(
    const Rows *at_plus, const Rows *at_minus, const Py_ssize_t[:, ::1] columns,
    Py_ssize_t step, Py_ssize_t first, Py_ssize_t last, double n_least, Level level,
    const double *st_plus, const double *st_minus, float *plus, float *minus
) noexcept nogil:
    """Scores of points first..last - 1 of a row whose patches may leave the frame.

    Columns are the first and last of the patches of T, and of -T.
    """
    cdef Py_ssize_t k = first, end
    cdef int larger
    while k < last:
        larger = which_is_larger(at_plus.height, at_minus.height, columns, k)
        end = k + 1
        while end < last and larger == which_is_larger(
            at_plus.height, at_minus.height, columns, end
        ):
            end += 1
        if larger >= 0:
            score_clipped(
                at_plus, &columns[0, k], &columns[1, k], step, st_plus + k, n_least,
                level, plus + k, end - k,
            )
        if larger <= 0:
            score_clipped(
                at_minus, &columns[2, k], &columns[3, k], step, st_minus + k, n_least,
                level, minus + k, end - k,
            )
        if larger > 0:
            memcpy(minus + k, plus + k, (end - k) * sizeof(float))
        elif larger < 0:
            memcpy(plus + k, minus + k, (end - k) * sizeof(float))
        k = end


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
    cdef double n_least = (2 * rows.half + 1) * (2 * cols.half + 1) / 8.0
    cdef Level level = Level(offset, 0.0)
    cdef Py_ssize_t scores_width = out.strides[1] // sizeof(float)
    cdef Py_ssize_t[:, ::1] columns = np.empty((4, cols.size), np.intp)
    cdef Py_ssize_t i, dy, dx, k, x, y, reach, last
    cdef (Py_ssize_t, Py_ssize_t) kept
    cdef Rows at_plus, at_minus
    cdef float *plus
    cdef float *minus
    cdef Whole whole
    whole.total, whole.norm, whole.width = &total[0, 0], &norm[0, 0], values.shape[1]
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
            reach = rows.half + dy
            whole.top = points_before(rows, frame.top + reach)
            last = points_before(rows, frame.bottom - reach)
            whole.bottom = max(whole.top, last)
            reach = cols.half + (dx if dx > 0 else -dx)
            whole.left = points_before(cols, frame.left + reach)
            last = points_before(cols, frame.right - reach)
            whole.right = max(whole.left, last)
            shifted_product_sums(
                values, values, dy, dx, rows, cols, ring, h, &whole,
                &st_plus[0, 0], &st_minus[0, 0],
                NULL if pairs[i, 2] < 0 else &out[pairs[i, 2], 0, 0],
                NULL if pairs[i, 3] < 0 else &out[pairs[i, 3], 0, 0],
                scores_width,
            )
            for k in range(cols.size):
                x = cols.first + k * cols.step
                kept = overlap(x, cols.half, dx, frame.left, frame.right)
                columns[0, k], columns[1, k] = kept
                kept = overlap(x, cols.half, -dx, frame.left, frame.right)
                columns[2, k], columns[3, k] = kept
            for k in range(rows.size):
                y = rows.first + k * rows.step
                kept = overlap(y, rows.half, dy, frame.top, frame.bottom)
                at_plus = rows_of_patches(
                    kept[0], kept[1], dy, dx, table, energy_table
                )
                kept = overlap(y, rows.half, -dy, frame.top, frame.bottom)
                at_minus = rows_of_patches(
                    kept[0], kept[1], -dy, -dx, table, energy_table
                )
                plus = score_row(out, pairs[i, 2], k, spare)
                minus = score_row(out, pairs[i, 3], k, spare)
                score_clipped_row(
                    &at_plus, &at_minus, columns, cols.step, 0, whole.left, n_least,
                    level, &st_plus[k, 0], &st_minus[k, 0], plus, minus,
                )
                if not whole.top <= k < whole.bottom:
                    score_clipped_row(
                        &at_plus, &at_minus, columns, cols.step, whole.left,
                        whole.right, n_least, level, &st_plus[k, 0], &st_minus[k, 0],
                        plus, minus,
                    )
                score_clipped_row(
                    &at_plus, &at_minus, columns, cols.step, whole.right, cols.size,
                    n_least, level, &st_plus[k, 0], &st_minus[k, 0], plus, minus,
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
            plus[k] = correlation(
                n_plus, sums_plus[1, row, k], sums_plus[2, row, k],
                sums_plus[3, row, k], sums_plus[4, row, k], sums_plus[5, row, k],
                level,
            )
        if n_minus >= n_plus and n_minus >= n_least:
            minus[k] = correlation(
                n_minus, sums_minus[1, row, k], sums_minus[2, row, k],
                sums_minus[3, row, k], sums_minus[4, row, k], sums_minus[5, row, k],
                level,
            )
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
    cdef Whole none
    none.top = none.bottom = 0
    cdef Py_ssize_t i, j, k
    with nogil:
        for i in range(pairs.shape[0]):
            for j in range(6):
                shifted_product_sums(
                    images[first[j]], images[second[j]], pairs[i, 0], pairs[i, 1],
                    rows, cols, ring, h, &none, &plus[j, 0, 0], &minus[j, 0, 0],
                    NULL, NULL, 0,
                )
            for k in range(rows.size):
                score_counted(
                    plus, minus, k, cols.size, n_least, level,
                    score_row(out, pairs[i, 2], k, spare),
                    score_row(out, pairs[i, 3], k, spare),
                )
