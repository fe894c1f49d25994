# SPDX-License-Identifier: GPL-3.0-or-later
"""The reciprocal cell of some reflections."""

import itertools

import numpy as np

from .reciprocal import reduced

# A reflection is strong if it has this share of the power of the strongest; and the
# cell is the largest whose nodes have this share of the power of all strong ones.
STRONG, ON_NODES = 0.03, 0.97
# Distance of a reflection from its node, at most, in cycles a period.
OFF_NODE = 0.08
# Area of a cell, at least, in squares of cycles a period; and how much larger than
# others the largest one is, at least.
SMALLEST, LARGER = 0.05, 1.02
# Reflections that are combined, at most.
MOST_COMBINED = 8
# Reflections span a plane if the gradient along one axis has this share of that along
# the other, at least.
SPANNED = 0.05
# Of the indices of the reflections of a crystal that is learnt, of either sign.
LARGEST_INDEX = 12


def reciprocal_cell(reflections, powers, period):
    """Find the reciprocal vectors of a crystal: the largest cell that explains it.

    Among pairs of strong reflections, of their halves, sums and differences, that pair
    counts whose parallelogram is the largest while the nodes of its lattice have 97 %
    of the power. It is reduced (the shortest two vectors), and fitted by least squares.

    Parameters
    ----------
    reflections : (n, 2) numpy.ndarray of float64
        Spatial frequencies (y, x), in cycles a pixel; one of g and -g.
    powers : (n,) numpy.ndarray of float64
    period : float
        In pixels.

    Returns
    -------
    (2, 2) numpy.ndarray of float64 or None
        A vector (y, x) a row, in cycles a pixel. None if no pair is enough: there is no
        lattice, or one along one axis only.

    Examples
    --------
    >>> reflections = np.array([[0.1, 0.1], [0.2, 0], [-0.1, 0.1], [0, 0.2]])
    >>> reciprocal_cell(reflections, np.array([1, 0.2, 0.9, 0.3]), 10.0)
    array([[ 0.1,  0.1],
           [-0.1,  0.1]])
    """
    strong = powers > STRONG * powers.max(initial=0)
    reflections, powers = reflections[strong], powers[strong]
    strongest = reflections[np.argsort(-powers, kind="stable")[:MOST_COMBINED]]
    pairs = np.array(list(itertools.combinations(strongest, 2))).reshape(-1, 2, 2)
    combined = np.concatenate([pairs.sum(axis=1), pairs[:, 0] - pairs[:, 1]])
    vectors = np.concatenate([strongest, strongest / 2, combined, combined / 2])
    cells = np.array(list(itertools.combinations(vectors, 2))).reshape(-1, 2, 2)
    areas = _areas(cells[:, 0], cells[:, 1])
    large = np.abs(areas) * period**2 > SMALLEST
    cells, areas = cells[large], areas[large, np.newaxis]
    # Indices by Cramer's rule, for all cells at once.
    h = np.rint(_areas(reflections, cells[:, 1:]) / areas)
    k = np.rint(_areas(cells[:, :1], reflections) / areas)
    nodes = h[..., np.newaxis] * cells[:, :1] + k[..., np.newaxis] * cells[:, 1:]
    off = np.hypot(*np.moveaxis(reflections - nodes, -1, 0))
    shares = (powers * (off * period < OFF_NODE)).sum(axis=-1)
    cells = cells[shares >= ON_NODES * powers.sum()]
    if not len(cells):
        return None
    areas = np.abs(_areas(cells[:, 0], cells[:, 1]))
    # The first of those that are equally large but for the errors of the reflections.
    largest = cells[np.argmax(areas * LARGER > areas.max())]
    return _fitted(reduced(largest), reflections, powers)


def _areas(one, other):
    """Areas between vectors (..., 2), positive from y to x: (...) numpy.ndarray."""
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def _fitted(cell, reflections, powers):
    """Cell (2, 2) whose nodes are nearest to reflections (n, 2), weighted by powers."""
    nodes = np.rint(reflections @ np.linalg.inv(cell))
    weights = np.sqrt(powers)[:, np.newaxis]
    return np.linalg.lstsq(weights * nodes, weights * reflections, rcond=None)[0]


def span_a_plane(reflections, powers):
    """Whether reflections are not all on one line, weighted by the gradient of each.

    Parameters
    ----------
    reflections : (n, 2) numpy.ndarray of float64
        Spatial frequencies (y, x).
    powers : (n,) numpy.ndarray of float64

    Returns
    -------
    bool

    Examples
    --------
    >>> span_a_plane(np.array([[0.1, 0.1], [0.2, 0.2]]), np.ones(2))
    False
    >>> span_a_plane(np.array([[0.1, 0.1], [0.1, -0.1]]), np.ones(2))
    True
    """
    least, most = np.linalg.eigvalsh((reflections.T * powers) @ reflections)
    return bool(least > SPANNED * most)
