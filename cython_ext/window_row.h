/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A function WINDOW_ROW for numbers of type REAL; included once for each type. */

/* Means of a row of blocks in a window; `line` has zeros before and after. */
SYMSEG_CLONES static void WINDOW_ROW(
    REAL *SYMSEG_RESTRICT out, Py_ssize_t n, const REAL *SYMSEG_RESTRICT blocks,
    Py_ssize_t padded, const REAL *SYMSEG_RESTRICT weights, Py_ssize_t reach,
    int go_on, REAL *SYMSEG_RESTRICT line)
{
    REAL spare[LANES];
    for (Py_ssize_t j = 0; j < n; j += LANES) {
        REAL sum[LANES];
        for (int l = 0; l < LANES; ++l)
            sum[l] = weights[1] * (blocks[j + l - padded] + blocks[j + l + padded]);
        for (Py_ssize_t k = 2; k <= reach; ++k) {
            const REAL *up = blocks + j - k * padded;
            const REAL *down = blocks + j + k * padded;
            for (int l = 0; l < LANES; ++l)
                sum[l] += weights[k] * (up[l] + down[l]);
        }
        for (int l = 0; l < LANES; ++l)
            line[j + l] = sum[l] + weights[0] * blocks[j + l];
    }
    if (go_on)
        for (Py_ssize_t k = 1; k <= reach; ++k) {
            line[-k] = line[0];
            line[n - 1 + k] = line[n - 1];
        }
    for (Py_ssize_t j = 0; j < n; j += LANES) {
        Py_ssize_t left = n - j;
        REAL *to = left < LANES ? spare : out + j;
        REAL sum[LANES];
        for (int l = 0; l < LANES; ++l)
            sum[l] = weights[1] * (line[j + l - 1] + line[j + l + 1]);
        for (Py_ssize_t k = 2; k <= reach; ++k) {
            const REAL *before = line + j - k, *after = line + j + k;
            for (int l = 0; l < LANES; ++l)
                sum[l] += weights[k] * (before[l] + after[l]);
        }
        for (int l = 0; l < LANES; ++l)
            to[l] = sum[l] + weights[0] * line[j + l];
        if (left < LANES)
            memcpy(out + j, to, left * sizeof *to);
    }
}

#undef REAL
#undef WINDOW_ROW
