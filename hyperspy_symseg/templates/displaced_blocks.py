# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks with columns off their places: what that adds to residuals is no motif."""

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .blocks import gaussian_weights, products, window_means

# Standard deviation of the displacement of a column, in periods, before it is seen.
DISPLACED = 0.02
# Standard deviation of the window that shares a displacement, in periods: as large as a
# column.
WIDTH = 0.35


def change_by_displacement(frame, templates, posterior, variance, period):
    """How squared residuals change if blocks are displaced as they fit best.

    With the residuals r of a template in the pixels of a block, and its gradient g, the
    squared residuals are, to the first order of a displacement d,

        sum of r^2 + 2 d sum of r g + d (sum of g g^T) d.

    The displacement is the same for all patterns. It minimises the squared residuals of
    the blocks near by, weighted by the posterior, and what it costs itself: it is a
    normal variable.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several.
    templates : sequence of (..., rows, columns) numpy.ndarray of float32
        Of patterns that differ little: motifs of one crystal.
    posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Of these.
    variance : float
        Of the residuals.
    period : float
        In pixels.

    Returns
    -------
    (patterns, ..., block rows, block columns) numpy.ndarray of float32
    """

    def of_pattern(template):
        return _gradient_sums(frame, template)

    each = pmap(of_pattern, templates, size=frame.counts.size)
    slopes, curvatures = (np.stack(sums) for sums in zip(*each, strict=True))
    window = gaussian_weights(WIDTH * period / frame.block)
    # Sums instead of means.
    window = window / window[0]
    slope, curvature = (
        window_means(np.einsum("k...,kn...->n...", posterior, sums), window)
        for sums in (slopes, curvatures)
    )
    y, x = _best(slope, curvature, np.float32(variance / (DISPLACED * period) ** 2))
    change = 2 * (y * slopes[:, 0] + x * slopes[:, 1])
    change += y * y * curvatures[:, 0] + x * x * curvatures[:, 2]
    change += 2 * y * x * curvatures[:, 1]
    return change


def _gradient_sums(frame, template):
    """Sums over blocks of r g (y, x) and of g g^T (yy, yx, xx): two float32 arrays."""
    residuals = frame.pixels - template
    y, x = _gradient(template)
    if frame.valid is not None:
        y[~frame.valid] = x[~frame.valid] = 0
    slopes = [products(residuals, each, frame.block) for each in (y, x)]
    curvatures = [products(*pair, frame.block) for pair in ((y, y), (y, x), (x, x))]
    return np.stack(slopes), np.stack(curvatures)


def _gradient(template):
    """Half of the differences of the neighbours along y and x, 0 at edges: two arrays.

    Ten times as fast as that of NumPy.
    """
    y, x = np.zeros_like(template), np.zeros_like(template)
    np.subtract(template[..., 2:, :], template[..., :-2, :], out=y[..., 1:-1, :])
    np.subtract(template[..., 2:], template[..., :-2], out=x[..., 1:-1])
    return y * np.float32(0.5), x * np.float32(0.5)


def _best(slope, curvature, cost):
    """Displacement (y, x) that costs least: two arrays (..., rows, columns)."""
    yy, yx, xx = curvature
    yy, xx = yy + cost, xx + cost
    y, x = slope
    determinant = yy * xx - yx * yx
    return (yx * x - xx * y) / determinant, (yx * y - yy * x) / determinant
