# SPDX-License-Identifier: GPL-3.0-or-later
# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: freethreading_compatible=True
"""Gaussian columns in a frame, and what the pixels about each of them say.

A column at (y, x) with the width s is, d = ((q_y - y)^2 + (q_x - x)^2) / s^2,

    g(q) = exp(-d / 2)

in the square of pixels up to `reach` widths from it along y and along x, as far as the
frame goes. It is a product of one Gaussian along y and one along x, so that there are
few exponentials.
"""

import numpy as np

from libc.math cimport ceil, exp, floor, fmax, fmin, sqrt

# Of what `evidence` fills a row with, for each column.
N_SUMS = 14


cdef struct Patch:
    Py_ssize_t top
    Py_ssize_t bottom
    Py_ssize_t left
    Py_ssize_t right
    double inverse


cdef Patch patch_of(
    double y, double x, double width, double reach, Py_ssize_t rows,
    Py_ssize_t columns, double *along_y, double *along_x
) noexcept nogil:
    """Pixels of a column: rows and columns of the frame, and the Gaussians of these."""
    cdef Patch patch
    cdef Py_ssize_t i
    cdef double step, far = reach * width
    # Positions far beyond the frame, or NaN, are no index: there are no pixels.
    patch.top = <Py_ssize_t>fmin(fmax(ceil(y - far), 0), rows)
    patch.left = <Py_ssize_t>fmin(fmax(ceil(x - far), 0), columns)
    patch.bottom = <Py_ssize_t>fmin(fmax(floor(y + far) + 1, 0), rows)
    patch.right = <Py_ssize_t>fmin(fmax(floor(x + far) + 1, 0), columns)
    patch.inverse = 1 / (width * width)
    for i in range(patch.top, patch.bottom):
        step = i - y
        along_y[i - patch.top] = exp(-0.5 * step * step * patch.inverse)
    for i in range(patch.left, patch.right):
        step = i - x
        along_x[i - patch.left] = exp(-0.5 * step * step * patch.inverse)
    return patch


def _room(const double[:] widths, double reach):
    """Room for the Gaussians of one column along y and along x: (2, n) array."""
    widest = np.max(widths) if widths.shape[0] else 0.0
    return np.empty((2, 2 * int(reach * widest) + 4))


def draw(
    const double[:, ::1] positions,
    const double[::1] weights,
    const double[::1] widths,
    double reach,
    double[:, ::1] out,
):
    """Add columns of some heights to a frame.

    Parameters
    ----------
    positions : (n, 2) float64 array
        (y, x); what is not finite is not drawn.
    weights, widths : (n,) float64 arrays
        Widths are positive.
    reach : float
    out : (rows, columns) float64 array
    """
    cdef Py_ssize_t n, i, j
    cdef Patch patch
    cdef double height
    cdef double[:, ::1] room = _room(widths, reach)
    with nogil:
        for n in range(positions.shape[0]):
            patch = patch_of(
                positions[n, 0], positions[n, 1], widths[n], reach, out.shape[0],
                out.shape[1], &room[0, 0], &room[1, 0]
            )
            for i in range(patch.top, patch.bottom):
                height = weights[n] * room[0, i - patch.top]
                for j in range(patch.left, patch.right):
                    out[i, j] += height * room[1, j - patch.left]


def leverage(
    const double[:, ::1] positions,
    const double[::1] amplitudes,
    const double[::1] widths,
    const double[:, ::1] weights,
    double reach,
    double[:, ::1] out,
):
    """Add quadratic forms of the slopes of columns to a frame.

    With the slopes s of the intensity with amplitude, y and x, it is the sum over i and
    j >= i of w_ij s_i s_j.

    Parameters
    ----------
    positions : (n, 2) float64 array
    amplitudes, widths : (n,) float64 arrays
    weights : (n, 6) float64 array
        w_00, w_01, w_02, w_11, w_12 and w_22.
    reach : float
    out : (rows, columns) float64 array
    """
    cdef Py_ssize_t n, i, j
    cdef Patch patch
    cdef double g, y, x, scale
    cdef double[:, ::1] room = _room(widths, reach)
    with nogil:
        for n in range(positions.shape[0]):
            patch = patch_of(
                positions[n, 0], positions[n, 1], widths[n], reach, out.shape[0],
                out.shape[1], &room[0, 0], &room[1, 0]
            )
            scale = amplitudes[n] * patch.inverse
            for i in range(patch.top, patch.bottom):
                y = scale * (i - positions[n, 0])
                for j in range(patch.left, patch.right):
                    g = room[0, i - patch.top] * room[1, j - patch.left]
                    x = scale * (j - positions[n, 1])
                    out[i, j] += g * g * (
                        weights[n, 0] + weights[n, 1] * y + weights[n, 2] * x
                        + weights[n, 3] * y * y + weights[n, 4] * y * x
                        + weights[n, 5] * x * x
                    )


def evidence(
    const double[:, ::1] values,
    const unsigned char[:, ::1] valid,
    const double[:, ::1] expected,
    const double[:, ::1] positions,
    const double[:, ::1] columns,
    const double[::1] noise,
    double reach,
    double[:, ::1] out,
):
    """Sums over the pixels of each column.

    With the column there, a pixel x has the expected intensity m and the variance V =
    max(a + b m, c); r = (x - m) / V; s are the slopes as for `leverage`, and u = d g.

    Parameters
    ----------
    values, expected : (rows, columns) float64 arrays
    valid : (rows, columns) uint8 array
        1 where a pixel counts.
    positions : (n, 2) float64 array
    columns : (n, 3) float64 array
        Amplitudes, what each lacks of it in the expected intensity, and widths.
    noise : (3,) float64 array
        a, b and c.
    reach : float
    out : (n, 14) float64 array
        Sums of r s_0, r s_1, r s_2; of s_i s_j / V as for `leverage`; of r u, u g / V
        and u u / V; the quasi-log-likelihood that the column gains; and the share of
        the sum of g g on pixels that count.
    """
    cdef Py_ssize_t n, i, j, k
    cdef Patch patch
    cdef double a = noise[0], b = noise[1], c = noise[2]
    cdef double g, y, x, u, m, w, r, half, off, gain, amplitude, missing, scale, all_of
    cdef double sums[13]
    cdef double[:, ::1] room = _room(columns[:, 2], reach)
    cdef double point = sqrt(1.0 / 3)
    with nogil:
        for n in range(positions.shape[0]):
            amplitude, missing = columns[n, 0], columns[n, 1]
            patch = patch_of(
                positions[n, 0], positions[n, 1], columns[n, 2], reach,
                values.shape[0], values.shape[1], &room[0, 0], &room[1, 0]
            )
            scale = amplitude * patch.inverse
            all_of = 0
            for k in range(13):
                sums[k] = 0
            for i in range(patch.top, patch.bottom):
                y = i - positions[n, 0]
                for j in range(patch.left, patch.right):
                    if not valid[i, j]:
                        continue
                    x = j - positions[n, 1]
                    g = room[0, i - patch.top] * room[1, j - patch.left]
                    u = (y * y + x * x) * patch.inverse * g
                    m = expected[i, j] + missing * g
                    w = 1 / fmax(a + b * m, c)
                    r = (values[i, j] - m) * w
                    sums[0] += r * g
                    sums[1] += r * g * y
                    sums[2] += r * g * x
                    sums[9] += r * u
                    w *= g
                    sums[10] += w * u
                    sums[11] += w * u * (y * y + x * x)
                    all_of += g * g
                    w *= g
                    sums[3] += w
                    sums[4] += w * y
                    sums[5] += w * x
                    sums[6] += w * y * y
                    sums[7] += w * y * x
                    sums[8] += w * x * x
                    # Gauss's rule of two points.
                    half = 0.5 * amplitude * g
                    off = half * point
                    m -= half
                    gain = (values[i, j] - m + off) / fmax(a + b * (m - off), c)
                    gain += (values[i, j] - m - off) / fmax(a + b * (m + off), c)
                    sums[12] += half * gain
            for k in range(13):
                out[n, k] = sums[k]
            out[n, 11] *= patch.inverse
            out[n, 1] *= scale
            out[n, 2] *= scale
            out[n, 4] *= scale
            out[n, 5] *= scale
            for k in range(6, 9):
                out[n, k] *= scale * scale
            # Of the whole column, it is pi s^2.
            out[n, 13] = all_of * patch.inverse / 3.141592653589793


def classes(
    const double[:, ::1] values,
    const unsigned char[:, ::1] valid,
    const double[:, ::1] expected,
    const double[:, ::1] leverages,
    double low,
    double high,
    double[:, ::1] out,
):
    """Squared residuals of the pixels, in classes of the expected intensity.

    The bounds of n classes are low + (high - low) (k / n)^2.

    Parameters
    ----------
    values, expected, leverages : (rows, columns) float64 arrays
        Squares are divided by one less the leverage, which is at most 0.8.
    valid : (rows, columns) uint8 array
    low, high : float
        Of the expected intensity.
    out : (n, 3) float64 array
        Number of pixels, sums of the expected intensities, and of the squares.
    """
    cdef Py_ssize_t i, j, k, n = out.shape[0]
    cdef double share, rest, scale = 1 / fmax(high - low, 1e-300)
    with nogil:
        out[:, :] = 0
        for i in range(values.shape[0]):
            for j in range(values.shape[1]):
                if not valid[i, j]:
                    continue
                share = fmax((expected[i, j] - low) * scale, 0)
                k = <Py_ssize_t>(n * sqrt(-fmax(-share, -1)))
                if k >= n:
                    k = n - 1
                rest = values[i, j] - expected[i, j]
                out[k, 0] += 1
                out[k, 1] += expected[i, j]
                out[k, 2] += rest * rest / fmax(1 - leverages[i, j], 0.2)
