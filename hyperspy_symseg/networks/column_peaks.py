# SPDX-License-Identifier: GPL-3.0-or-later
"""From cells to columns: what neighbouring cells have in common is one column."""

import itertools

import numpy as np
from scipy import special

from .u_net import CELL

# Cells that have less of a column than this have nothing to do with any.
LEAST = 0.02
# Cells on each side that a column may be spread over.
REACH = 2
# Two cells speak of one column if their places agree within so many of their errors, to
# which this is added, in pixels: a column at an edge of cells has two halves. Places
# that are farther apart are never of one: no nearer ones are told apart.
TOLERANCE, BLUR, FARTHEST = 2.2, 0.4, 4.0
# Share of a cell that goes with a neighbour before it is no column of its own.
SAME = 0.3


def columns_of(cells):
    """Columns that cells speak of.

    Parameters
    ----------
    cells : (5, rows, columns) numpy.ndarray of float32
        From `ColumnNetwork.cells`.

    Returns
    -------
    (n, 5) numpy.ndarray of float64
        Position (y, x) and its errors, in pixels, and the sum of the cells'
        probabilities, which is not calibrated: it can be above 1.
    """
    probability = special.expit(cells[0].astype(float))
    at = np.argwhere(probability > LEAST)
    of_cells = cells[1:, at[:, 0], at[:, 1]].T.astype(float)
    places = CELL * at + (CELL - 1) / 2 + of_cells[:, :2]
    variances = np.exp(2 * of_cells[:, 2:])
    share = probability[at[:, 0], at[:, 1]]
    a, b, near = _neighbours(at, places, variances, probability.shape)
    total = np.bincount(a, near * share[b], len(at))
    # A column is where the most comes together. Of equals, the first.
    rank = np.empty(len(at), int)
    rank[np.lexsort((np.arange(len(at)), -total))] = np.arange(len(at))
    is_column = np.ones(len(at), bool)
    is_column[a[(near > SAME) & (rank[b] < rank[a])]] = False
    # Each cell is shared among the columns near it, by how well they agree.
    used = is_column[a]
    a, b, near = a[used], b[used], near[used]
    near = near**2 / np.maximum(np.bincount(b, near, len(at)), 1e-9)[b]
    weights = near * share[b]
    sums = np.bincount(a, weights, len(at))[is_column]
    number = np.cumsum(is_column) - 1

    def mean(values):
        return np.bincount(number[a], weights * values, len(sums)) / sums

    found = np.empty((len(sums), 5))
    for i in range(2):
        found[:, i] = mean(places[b, i])
        off = places[b, i] - found[number[a], i]
        found[:, 2 + i] = np.sqrt(mean(variances[b, i] + off**2))
    found[:, 4] = sums
    return found


def _neighbours(at, places, variances, shape):
    """Pairs of cells that may speak of one column, and how far they agree, 0 to 1.

    Returns
    -------
    a, b : (n,) numpy.ndarray of int
        Each cell is also a pair with itself.
    near : (n,) numpy.ndarray of float64
    """
    numbers = np.full([n + 2 * REACH for n in shape], -1)
    numbers[at[:, 0] + REACH, at[:, 1] + REACH] = np.arange(len(at))
    pairs = []
    for i, j in itertools.product(range(2 * REACH + 1), repeat=2):
        other = numbers[at[:, 0] + i, at[:, 1] + j]
        own = np.flatnonzero(other >= 0)
        pairs.append((own, other[own]))
    a, b = (np.concatenate(each) for each in zip(*pairs, strict=True))
    apart = (places[a] - places[b]) ** 2
    widths = variances[a] + variances[b] + BLUR**2
    near = np.exp(-0.5 * (apart / widths).sum(axis=1) / TOLERANCE**2)
    close = apart.sum(axis=1) < FARTHEST**2
    return a[close], b[close], near[close]
