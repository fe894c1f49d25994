/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions WINDOW_ROW and WINDOW_PLANE for numbers of type REAL; included once for each
   type. */

/* Means of a row of blocks in a window; `line` has zeros before and after. There are so
   many rows above and below: in the longer direction, one of a pair may be missing. */
SYMSEG_INLINE void WINDOW_ROW(
    REAL *SYMSEG_RESTRICT out, Py_ssize_t n, const REAL *SYMSEG_RESTRICT blocks,
    Py_ssize_t padded, const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach,
    int go_on, REAL *SYMSEG_RESTRICT line, Py_ssize_t above, Py_ssize_t below,
    const int lanes)
{
    REAL spare[LANES];
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
    if (go_on)
        for (Py_ssize_t k = 1; k <= reach; ++k) {
            line[-k] = line[0];
            line[n - 1 + k] = line[n - 1];
        }
    for (Py_ssize_t j = 0; j < n; j += lanes) {
        Py_ssize_t left = n - j;
        REAL *to = left < lanes ? spare : out + j;
        REAL sum[LANES];
        for (int l = 0; l < lanes; ++l)
            sum[l] = weights[1] * (line[j + l - 1] + line[j + l + 1]);
        for (Py_ssize_t k = 2; k <= reach; ++k) {
            const REAL *before = line + j - k, *after = line + j + k;
            for (int l = 0; l < lanes; ++l)
                sum[l] += weights[k] * (before[l] + after[l]);
        }
        for (int l = 0; l < lanes; ++l)
            to[l] = sum[l] + weights[0] * line[j + l];
        if (left < lanes)
            memcpy(out + j, to, left * sizeof *to);
    }
}

/* Means of a plane of blocks, whose rows go between the rows `reach` and `reach` from the
   end of `rows`; less those in a smaller window, if there is one. */
SYMSEG_CLONES static void WINDOW_PLANE(
    REAL *SYMSEG_RESTRICT out, Py_ssize_t height, Py_ssize_t width,
    const REAL *SYMSEG_RESTRICT blocks, REAL *SYMSEG_RESTRICT rows, Py_ssize_t padded,
    const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach, int go_on,
    const REAL *SYMSEG_RESTRICT left_out, Py_ssize_t left_reach,
    REAL *SYMSEG_RESTRICT line, REAL *SYMSEG_RESTRICT own)
{
    REAL *first = rows + reach * padded;
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
        for (Py_ssize_t i = 0; i < height; ++i) { \
            const REAL *row = first + i * padded; \
            REAL *to = out + i * width; \
            Py_ssize_t above = go_on ? reach : i; \
            Py_ssize_t below = go_on ? reach : height - 1 - i; \
            WINDOW_ROW( \
                to, width, row, padded, weights, reach, go_on, line, above, below, \
                lanes); \
            if (!left_out) \
                continue; \
            WINDOW_ROW( \
                own, width, row, padded, left_out, left_reach, go_on, line, above, \
                below, lanes); \
            for (Py_ssize_t j = 0; j < width; ++j) \
                to[j] -= own[j]; \
        }
    if (width <= FEW_LANES)
        ROWS_OF(FEW_LANES)
    else
        ROWS_OF(LANES)
    #undef ROWS_OF
}

#undef REAL
#undef WINDOW_ROW
#undef WINDOW_PLANE
