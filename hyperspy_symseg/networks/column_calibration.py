# SPDX-License-Identifier: GPL-3.0-or-later
"""Which columns were found, and what makes their probabilities right."""

import numpy as np
from scipy import optimize, special
from scipy.spatial import cKDTree

from .column_network import SURE

# Distance of a column from what is found of it, at most, in widths.
MATCHED = 2.5


def matches(found, columns, distance):
    """Which column each of those found is, -1 if none: (n,) array of int.

    The likeliest is first to have the nearest that is left.

    Parameters
    ----------
    found : (n, 5) numpy.ndarray of float64
        As from `find_columns`.
    columns : (m, 2) numpy.ndarray of float64
        Positions (y, x) in pixels, and perhaps more.
    distance : float
        At most, in pixels.

    Examples
    --------
    >>> found = np.array([[5, 5, 1, 1, 0.6], [5, 6, 1, 1, 0.9]])
    >>> matches(found, np.array([[5.0, 5.2]]), 2)
    array([-1,  0])
    """
    which = np.full(len(found), -1)
    if not len(columns) or not len(found):
        return which
    taken = np.zeros(len(columns), bool)
    near = cKDTree(columns[:, :2]).query_ball_point(found[:, :2], distance)
    for i in np.argsort(-found[:, 4], kind="stable"):
        left = [j for j in near[i] if not taken[j]]
        if left:
            away = np.hypot(*(columns[left, :2] - found[i, :2]).T)
            which[i] = left[int(away.argmin())]
            taken[which[i]] = True
    return which


def logits_of(probabilities):
    """Logits of probabilities, which are finite: (n,) numpy.ndarray of float64.

    Examples
    --------
    >>> logits_of(np.array([0.5, 1.0])).round(2)
    array([0.  , 5.29])
    """
    return special.logit(np.clip(probabilities, SURE, 1 - SURE))


def fitted_logistic(logits, right, known=np.inf):
    """Factor of logits, and what is added to them, that make probabilities right.

    Parameters
    ----------
    logits : (n,) numpy.ndarray of float64
    right : (n,) numpy.ndarray of bool
    known : float or (float, float)
        Standard deviations of the two about 1 and 0, beforehand. Infinite: nothing is
        known.

    Returns
    -------
    (2,) numpy.ndarray of float64

    Examples
    --------
    >>> logits = np.repeat([-2.0, 2.0], 1000)
    >>> right = np.tile(np.arange(1000) < 269, 2) ^ (logits > 0)
    >>> fitted_logistic(logits, right).round(2) + 0.0
    array([0.5, 0. ])
    """

    def unlikely(x):
        z = x[0] * logits + x[1]
        off = (0.5 * np.square((x - (1.0, 0.0)) / np.asarray(known))).sum()
        return (np.logaddexp(0, z) - right * z).mean() + off / len(logits)

    return optimize.minimize(unlikely, [1.0, 0.0]).x
