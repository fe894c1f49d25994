# SPDX-License-Identifier: GPL-3.0-or-later
"""How high the extrema of a matched filter are, if there is noise alone."""

import numpy as np
from scipy import special

from .residual_scores import column_width

# False alarms in an area of a period squared, if the noise were Gaussian. Displaced
# columns have heavier tails: up to three times as many were counted, at most one in
# 10,000 columns.
FALSE_ALARM_RATE = 3e-5
# How far a position is from the largest score, at most, in widths of a column.
CLIMB = 2.0
# Squares of scores beyond which no rate is told from 0, halved.
LARGEST = 500.0


def false_alarm_rate(scores, length, width):
    """Extrema of noise beyond some scores, in the area of a length squared.

    The noise in a matched filter of width s is a smooth Gaussian field, which has

        rate = 2 P^2 / (2 s^2) (2 pi)^(-3/2) u exp(-u^2 / 2)

    extrema beyond u and -u in the area P^2 (R. J. Adler, The Geometry of Random
    Fields, 1981, chapter 6).

    Parameters
    ----------
    scores : (n,) numpy.ndarray of float64
        In standard deviations, positive.
    length, width : float
        P and s, in pixels.

    Returns
    -------
    (n,) numpy.ndarray of float64

    Examples
    --------
    >>> false_alarm_rate(np.array([5.07]), 12.0, 2.0).round(6)
    array([3.e-05])
    """
    halved = np.minimum(scores**2 / 2, LARGEST)
    return (length / width) ** 2 / (2 * np.pi) ** 1.5 * scores * np.exp(-halved)


def default_threshold(templates, rate=FALSE_ALARM_RATE):
    """Deviation that noise alone exceeds at a given rate: see `false_alarm_rate`.

    Parameters
    ----------
    templates : Templates
    rate : float
        Expected number of false alarms in an area of a period squared.

    Returns
    -------
    float

    Examples
    --------
    >>> from hyperspy_symseg.templates import Templates
    >>> one = Templates(12.0, 1, [0], [[0, 1 / 12]], [1.0], 1.0)
    >>> round(default_threshold(one), 2)
    5.07
    """
    factor = (templates.period / column_width(templates)) ** 2 / (2 * np.pi) ** 1.5
    # The formula is one of rare extrema: the threshold is the root of 2 at least.
    share = min(rate / factor, np.sqrt(2) / np.e)
    return float(np.sqrt(-special.lambertw(-(share**2), -1).real))
