# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns that are missing."""

import numpy as np

from . import checks

CLEARANCE = 2  # of a vacancy, in sides of a square with one column


def remove_columns(grains, n, spacing, shape, rng):
    """Remove columns, none of them near another or near an edge of the frame.

    Parameters
    ----------
    grains : list of (positions, weights)
        Columns of each grain: arrays of shape (m, 2) and (m,).
    n : int
        How many to remove.
    spacing : float
        Side of a square with one column, in pixels.
    shape : (int, int)
        Rows and columns of the frame.
    rng : numpy.random.Generator
        Of the choice.

    Returns
    -------
    grains : list of (positions, weights)
        What is left.
    vacancies : numpy.ndarray of float64, shape (n, 2)
        Positions of the columns removed.

    Raises
    ------
    ValueError
        If there are not so many columns apart from each other.
    """
    clearance = CLEARANCE * spacing
    positions = np.concatenate([positions for positions, _ in grains])
    weights = np.concatenate([weights for _, weights in grains])
    inner = (positions >= clearance) & (positions <= np.subtract(shape, 1) - clearance)
    (free,) = (inner.all(axis=1) & (weights > 0)).nonzero()
    free = rng.permutation(free)
    removed = []
    while len(removed) < n:
        rule = f"at most {len(removed)}, for vacancies {clearance:.6g} pixels apart"
        checks.require(len(free), "vacancies", n, rule)
        removed.append(free[0])
        distances = np.linalg.norm(positions[free] - positions[free[0]], axis=1)
        free = free[distances >= clearance]
    left = np.ones(len(positions), bool)
    left[removed] = False
    ends = np.cumsum([len(weights) for _, weights in grains])[:-1]
    owns = np.split(left, ends)
    grains = [(y_x[own], w[own]) for (y_x, w), own in zip(grains, owns, strict=True)]
    return grains, positions[removed]
