/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions WINDOW_ALONG_Y, WINDOW_ALONG_X and WINDOW_PLANE for numbers of type REAL;
   included once for each type. */

/* Rows that are done along y before the first of them is done along x. */
#define WINDOW_LINES 8

/* Means of a column of blocks in a window, for all blocks of a row. There are so many
   rows above and below: in the longer direction, one of a pair may be missing. */
SYMSEG_INLINE void WINDOW_ALONG_Y(
    REAL *SYMSEG_RESTRICT line, Py_ssize_t n, const REAL *SYMSEG_RESTRICT blocks,
    Py_ssize_t padded, const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach,
    Py_ssize_t above, Py_ssize_t below, const int lanes)
{
    Py_ssize_t pairs = above < below ? above : below;
    Py_ssize_t last = above < below ? below : above;
    Py_ssize_t step = above < below ? padded : -padded;
    pairs = pairs < reach ? pairs : reach;
    last = last < reach ? last : reach;
    for (Py_ssize_t j = 0; j < n; j += lanes) {
        REAL sum[LANES];
        for (int l = 0; l < lanes; ++l)
            sum[l] = weights[1] * (blocks[j + l - padded] + blocks[j + l + padded]);
        for (Py_ssize_t k = 2; k <= pairs; ++k) {
            const REAL *up = blocks + j - k * padded;
            const REAL *down = blocks + j + k * padded;
            for (int l = 0; l < lanes; ++l)
                sum[l] += weights[k] * (up[l] + down[l]);
        }
        for (Py_ssize_t k = pairs < 2 ? 2 : pairs + 1; k <= last; ++k) {
            const REAL *only = blocks + j + k * step;
            for (int l = 0; l < lanes; ++l)
                sum[l] += weights[k] * only[l];
        }
        for (int l = 0; l < lanes; ++l)
            line[j + l] = sum[l] + weights[0] * blocks[j + l];
    }
}

/* Weighted sums of numbers and those to both sides. */
SYMSEG_INLINE void WINDOW_SUMS(
    REAL *SYMSEG_RESTRICT sum, const REAL *SYMSEG_RESTRICT line,
    const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach, const int lanes)
{
    for (int l = 0; l < lanes; ++l)
        sum[l] = weights[1] * (line[l - 1] + line[l + 1]);
    for (Py_ssize_t k = 2; k <= reach; ++k)
        for (int l = 0; l < lanes; ++l)
            sum[l] += weights[k] * (line[l - k] + line[l + k]);
    for (int l = 0; l < lanes; ++l)
        sum[l] += weights[0] * line[l];
}

/* Means of a row in a window, of columns that are means; less those in a smaller window,
   if there is one. Both lines have zeros before and after. */
SYMSEG_INLINE void WINDOW_ALONG_X(
    REAL *SYMSEG_RESTRICT out, Py_ssize_t n, const REAL *SYMSEG_RESTRICT line,
    const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach,
    const REAL *SYMSEG_RESTRICT less, const REAL *SYMSEG_RESTRICT left_out,
    Py_ssize_t left_reach, const int lanes)
{
    REAL spare[LANES];
    for (Py_ssize_t j = 0; j < n; j += lanes) {
        Py_ssize_t left = n - j;
        REAL *to = left < lanes ? spare : out + j;
        REAL mean[LANES], own[LANES];
        WINDOW_SUMS(mean, line + j, weights, reach, lanes);
        if (left_out) {
            WINDOW_SUMS(own, less + j, left_out, left_reach, lanes);
            for (int l = 0; l < lanes; ++l)
                mean[l] -= own[l];
        }
        for (int l = 0; l < lanes; ++l)
            to[l] = mean[l];
        if (left < lanes)
            memcpy(out + j, to, left * sizeof *to);
    }
}

/* Means of a plane of blocks, whose rows go between the rows `reach` and `reach` from the
   end of `rows`; less those in a smaller window, if there is one. `lines` has room for
   twice WINDOW_LINES rows with `reach` zeros before and after, and `next` from one to
   the next: a vector is not read while those that it is made of are on their way to the
   cache. */
SYMSEG_CLONES static void WINDOW_PLANE(
    REAL *SYMSEG_RESTRICT out, Py_ssize_t height, Py_ssize_t width,
    const REAL *SYMSEG_RESTRICT blocks, REAL *SYMSEG_RESTRICT rows, Py_ssize_t padded,
    const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach, int go_on,
    const REAL *SYMSEG_RESTRICT left_out, Py_ssize_t left_reach,
    REAL *SYMSEG_RESTRICT lines, Py_ssize_t next)
{
    REAL *first = rows + reach * padded, *less = lines + WINDOW_LINES * next;
    for (Py_ssize_t i = 0; i < height; ++i)
        memcpy(first + i * padded, blocks + i * width, width * sizeof *rows);
    if (go_on)
        for (Py_ssize_t i = 1; i <= reach; ++i) {
            REAL *last = first + (height - 1) * padded;
            memcpy(first - i * padded, first, width * sizeof *rows);
            memcpy(last + i * padded, last, width * sizeof *rows);
        }
    /* Crops that are learnt from are narrow, and lanes beyond them take time. */
    #define ROWS_OF(lanes) \
        for (Py_ssize_t begin = 0; begin < height; begin += WINDOW_LINES) { \
            Py_ssize_t left = height - begin; \
            Py_ssize_t n_lines = left < WINDOW_LINES ? left : WINDOW_LINES; \
            for (Py_ssize_t i = 0; i < n_lines; ++i) { \
                const REAL *row = first + (begin + i) * padded; \
                REAL *line = lines + i * next; \
                Py_ssize_t above = go_on ? reach : begin + i; \
                Py_ssize_t below = go_on ? reach : left - 1 - i; \
                WINDOW_ALONG_Y( \
                    line, width, row, padded, weights, reach, above, below, lanes); \
                if (left_out) \
                    WINDOW_ALONG_Y( \
                        less + i * next, width, row, padded, left_out, left_reach, \
                        above, below, lanes); \
                if (go_on) \
                    for (Py_ssize_t k = 1; k <= reach; ++k) { \
                        line[-k] = line[0]; \
                        line[width - 1 + k] = line[width - 1]; \
                    } \
            } \
            for (Py_ssize_t i = 0; i < n_lines; ++i) \
                WINDOW_ALONG_X( \
                    out + (begin + i) * width, width, lines + i * next, weights, \
                    reach, less + i * next, left_out, left_reach, lanes); \
        }
    if (width <= FEW_LANES)
        ROWS_OF(FEW_LANES)
    else
        ROWS_OF(LANES)
    #undef ROWS_OF
}

#undef REAL
#undef WINDOW_SUMS
#undef WINDOW_ALONG_Y
#undef WINDOW_ALONG_X
#undef WINDOW_PLANE
