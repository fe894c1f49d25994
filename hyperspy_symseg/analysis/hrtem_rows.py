# SPDX-License-Identifier: GPL-3.0-or-later
"""Which places go on rows of sure columns, as those of a crystal do."""

import numpy as np
from scipy.spatial import cKDTree

from .tracks import nearest_distance

# Distances of the next place of a row, in spacings: along the first two steps of a
# square lattice, and along the second ones of a honeycomb. The first steps of the
# latter lead to no column.
STEPS = (0.0, 1.5), (1.5, 1.9)
# Standard deviation of a place about where its row goes on, in spacings, and how far
# it is looked for, in these.
SPREAD, FARTHEST = 0.15, 3.0
# Columns that tell the spacing are likelier than this, and as many at least.
LIKELY, FEWEST = 0.5, 3


def rows_that_go_on(places, share):
    """How many rows of two columns lead to each place, by their probabilities.

    Two columns at a and b lead to 2 a - b. A row counts by the product of both
    probabilities, and by how near a place is to where it goes on, by a Gaussian. What
    looks like a column in noise beside a crystal is seldom where a row goes on.

    Parameters
    ----------
    places : (n, 2) numpy.ndarray of float64
        In pixels.
    share : (n,) numpy.ndarray of float64
        Probabilities.

    Returns
    -------
    list of two (n,) numpy.ndarray of float64
        Of rows whose steps are within each interval of `STEPS`. The spacing is the
        median distance of likely columns from the nearest other one; if there are
        fewer than three of them, all are 0.

    Examples
    --------
    >>> places = np.array([[0, 0], [0, 4], [0, 8], [0, 12], [3, 14]])
    >>> near, far = rows_that_go_on(places, np.array([1, 1, 1, 1, 0.1]))
    >>> near.round(2), far
    (array([1., 1., 1., 1., 0.]), array([0., 0., 0., 0., 0.]))
    """
    found = [np.zeros(len(places)) for _ in STEPS]
    likely = places[share > LIKELY]
    if len(likely) < FEWEST:
        return found
    spacing = nearest_distance([likely])
    tree = cKDTree(places)
    pairs = tree.query_pairs(STEPS[-1][1] * spacing, output_type="ndarray")
    own, first = np.concatenate([pairs, pairs[:, ::-1]]).T
    step = places[first] - places[own]
    spread = SPREAD * spacing
    away, second = tree.query(
        places[first] + step, distance_upper_bound=FARTHEST * spread
    )
    goes_on = second < len(places)
    own, first, second, away = (x[goes_on] for x in (own, first, second, away))
    length = np.hypot(*step[goes_on].T) / spacing
    counts = share[first] * share[second] * np.exp(-0.5 * np.square(away / spread))
    return [
        np.bincount(own, counts * (low <= length) * (length < high), len(places))
        for low, high in STEPS
    ]
