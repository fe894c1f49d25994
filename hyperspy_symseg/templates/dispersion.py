# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the evidence of neighbouring pixels is from being independent."""

import numpy as np
from scipy import ndimage

from .blocks import BLOCKS_IN_PERIOD

# Sides of the windows that residuals are summed over, in periods.
WINDOW = 7 / 3
# Blocks from the boundary of a pattern that do not count.
MARGIN = 2
# Windows of a pattern, at least.
FEWEST = 20
# What a pattern is compared with that has no template.
NOTHING = None
# Median of the square of a standard normal variable.
MEDIAN_OF_SQUARE = 0.4549


def dispersion(frames, posteriors, templates, variance, choices):
    """Dispersion of the evidence: by how much its variance is underestimated.

    If t and t' are the templates of two patterns, and X = t + r inside the first, the
    evidence between them has the random part sum r (t - t') / v; for white noise its
    variance is sum (t - t')^2 / v. Residuals of displaced columns or of amorphous
    material are alike over a column's width, and their sums vary more. The ratio of the
    variances is the dispersion of quasi-likelihood (P. McCullagh, J. A. Nelder,
    Generalized Linear Models, 1989, section 9.2). It is estimated from the median of
    the squares, over windows.

    Parameters
    ----------
    frames : list of BlockedFrame
    posteriors : list of (patterns, block rows, block columns) numpy.ndarray
    templates : list of list of (rows, columns) numpy.ndarray
        Of every pattern in every frame.
    variance : float
        Of the residuals, v.
    choices : iterable of (int, int)
        Patterns, and what else they might be: another pattern, or NOTHING, which has
        no template.

    Returns
    -------
    dispersions, weights : (choices,) numpy.ndarray of float64
        At least 1; and the evidence there is in each choice.
    """

    def of_choice(choice):
        own, other = choice
        windows = [
            _windows(
                frames[i],
                posteriors[i][own],
                templates[i][own],
                np.float32(0) if other is NOTHING else templates[i][other],
                variance,
            )
            for i in range(len(frames))
        ]
        sums, expected = map(np.concatenate, zip(*windows, strict=True))
        return max(1.0, _ratio(sums, expected)), float(expected.sum())

    return np.array(list(map(of_choice, choices))).reshape(-1, 2).T


def _windows(frame, weights, template, other, variance):
    """Sums of the random part of the evidence over windows, and its variances."""
    inside = ndimage.binary_erosion(weights > 0.5, iterations=MARGIN, border_value=1)
    difference = template - other
    # Windows of blocks, at every block.
    side = round(WINDOW * BLOCKS_IN_PERIOD)
    sums, expected = (
        ndimage.uniform_filter(
            np.where(inside, frame.products(part, difference), 0) / variance,
            side,
            mode="constant",
        )
        * side**2
        for part in (frame.pixels - template, difference)
    )
    return sums[inside], expected[inside]


def _ratio(sums, expected):
    """Variance over what it would be for white noise, from medians."""
    if not expected.any():
        return 1.0
    used = expected > 0.1 * expected.mean()
    if np.count_nonzero(used) < FEWEST:
        return 1.0
    sums, expected = sums[used], expected[used]
    # An amplitude that is off by a little shifts all of them.
    sums = sums - expected * np.median(sums / expected)
    return float(np.median(sums**2 / expected)) / MEDIAN_OF_SQUARE
