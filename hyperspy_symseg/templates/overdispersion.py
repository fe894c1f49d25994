# SPDX-License-Identifier: GPL-3.0-or-later
"""Overdispersion: log-likelihoods of neighbouring pixels are not independent."""

import functools

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .blocks import difference_products, eroded, window_means

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

    @functools.cache
    def inside(own):
        return eroded(posterior[own] > 0.5, margin)

    @functools.cache
    def template(other):
        return np.zeros_like(frame.pixels) if other is NOTHING else templates[other]

    def of_choice(choice):
        own, other = choice
        difference = templates[own], template(other)
        sums, expected = (
            _in_windows(
                difference_products(each, difference, frame.block),
                inside(own),
                variance,
            )
            for each in ((frame.pixels, templates[own]), difference)
        )
        return max(1.0, _ratio(sums, expected)), float(expected.sum())

    found = pmap(of_choice, list(choices), size=frame.counts.size)
    return np.array(found).reshape(-1, 2).T


def _in_windows(sums, inside, variance):
    """Sums of blocks, over a variance, in the windows of those inside: (windows,)."""
    return window_means(np.where(inside, sums, 0) / variance, WINDOW)[inside]


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
