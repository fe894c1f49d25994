# SPDX-License-Identifier: GPL-3.0-or-later
"""Overdispersion: log-likelihoods of neighbouring pixels are not independent."""

import numpy as np
from scipy import ndimage

from .blocks import products, window_means

# Residuals are summed over windows of 7 x 7 blocks: weights at distances of 0 to 3.
WINDOW = np.ones(4, np.float32)
# Blocks from the boundary of a pattern that do not count, if nothing else is said.
MARGIN = 2
# Windows of a pattern, at least.
FEWEST = 20
# The alternative that has no template.
NOTHING = None
# Median of the square of a standard normal variable.
MEDIAN_OF_CHI_2 = 0.4549


def overdispersion(frame, posterior, templates, variance, choices, margin=MARGIN):
    """Factor by which the variance of the log-likelihood ratios is underestimated.

    If t and t' are the templates of two patterns, and X = t + r inside the first, the
    log-likelihood ratio has the random term sum r (t - t') / v; for white noise its
    variance is sum (t - t')^2 / v. Residuals of displaced columns or of amorphous
    material are alike over a column's width, and their sums vary more. The ratio of the
    variances is the overdispersion of quasi-likelihood (P. McCullagh, J. A. Nelder,
    Generalized Linear Models, 1989, section 9.2). It is estimated from the median of
    the squares, over windows.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several.
    posterior : (patterns, ..., block rows, block columns) numpy.ndarray
    templates : list of (..., rows, columns) numpy.ndarray
        Of every pattern.
    variance : float
        Of the residuals, v.
    choices : iterable of (int, int)
        Patterns, and what else they might be: another pattern, or NOTHING, which has
        no template.
    margin : int
        Blocks from the boundary of a pattern that do not count.

    Returns
    -------
    overdispersions, weights : (choices,) numpy.ndarray of float64
        At least 1; and the log-likelihood ratio that each choice has in all.
    """
    found = []
    for own, other in choices:
        beside = np.float32(0) if other is NOTHING else templates[other]
        sums, expected = _windows(
            frame, posterior[own], templates[own], beside, variance, margin
        )
        found.append((max(1.0, _ratio(sums, expected)), float(expected.sum())))
    return np.array(found).reshape(-1, 2).T


def neighbours(blocks):
    """Structure of the neighbours of a block in its row and column: (..., 3, 3) bool.

    Parameters
    ----------
    blocks : (..., block rows, block columns) numpy.ndarray
        Those of another frame are none.
    """
    cross = ndimage.generate_binary_structure(2, 1)
    return cross.reshape(*[1] * (blocks.ndim - 2), 3, 3)


def _windows(frame, weights, template, other, variance, margin):
    """Random terms of the log-likelihood ratios in windows, and their variances."""
    own = weights > 0.5
    inside = ndimage.binary_erosion(own, neighbours(own), margin, border_value=1)
    difference = template - other
    sums, expected = (
        window_means(
            np.where(inside, products(each, difference, frame.block), 0) / variance,
            WINDOW,
        )
        for each in (frame.pixels - template, difference)
    )
    return sums[inside], expected[inside]


def _ratio(sums, expected):
    """Variance over that of white noise, from medians: float."""
    if not expected.any():
        return 1.0
    used = expected > 0.1 * expected.mean()
    if np.count_nonzero(used) < FEWEST:
        return 1.0
    sums, expected = sums[used], expected[used]
    # An amplitude that is off by a little shifts all of them.
    sums = sums - expected * np.median(sums / expected)
    return float(np.median(sums**2 / expected)) / MEDIAN_OF_CHI_2
