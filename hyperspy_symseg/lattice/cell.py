# SPDX-License-Identifier: GPL-3.0-or-later
"""The reciprocal cell of some reflections, and those that a crystal may have."""

import itertools

import numpy as np

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
# Of the indices of reflections, either sign.
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
    return _fitted(_reduced(largest), reflections, powers)


def _areas(one, other):
    """Areas between vectors (..., 2), positive from y to x: (...) numpy.ndarray."""
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def _reduced(cell):
    """Cell (2, 2) of the same lattice whose vectors are the shortest two (Gauss).

    Both point to positive x, or along y.
    """
    one, other = cell
    while True:
        if one @ one > other @ other:
            one, other = other, one
        times = np.rint(one @ other / (one @ one))
        if not times:
            break
        other = other - times * one
    return np.array([-v if (v[1], v[0]) < (0, 0) else v for v in (one, other)])


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


def indices_within(cell, highest):
    """Indices h and k of the reflections of a lattice up to a frequency.

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    highest : float
        Distance from the origin, in cycles a pixel; not beyond half a cycle along an
        axis, as there are none.

    Returns
    -------
    (n, 2) numpy.ndarray of int32
        One of (h, k) and (-h, -k), and without the origin; those nearest to it first.

    Examples
    --------
    >>> indices_within(np.array([[0.1, 0], [0, 0.1]]), 0.15)
    array([[ 0,  1],
           [ 1,  0],
           [-1,  1],
           [ 1,  1]], dtype=int32)
    """
    numbers = np.arange(-LARGEST_INDEX, LARGEST_INDEX + 1, dtype=np.int32)
    indices = np.stack(np.meshgrid(numbers, numbers, indexing="ij"), axis=-1)
    indices = indices.reshape(-1, 2)
    half = (indices[:, 1] > 0) | ((indices[:, 1] == 0) & (indices[:, 0] > 0))
    reflections = indices @ cell
    distances = np.hypot(*reflections.T)
    inside = (distances <= highest) & (np.abs(reflections) <= 0.5).all(axis=1)
    chosen = np.flatnonzero(half & inside)
    # Rounded, or the order of those at one distance would be that of rounding.
    order = np.argsort(distances[chosen].round(9), kind="stable")
    return indices[chosen[order]]


def supercells(cell):
    """Reciprocal cells of the lattices with cells of twice the area: list of (2, 2).

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.

    Examples
    --------
    >>> [other.tolist() for other in supercells(np.eye(2))]
    [[[0.0, 0.5], [1.0, 0.0]], [[0.5, 0.0], [0.0, 1.0]], [[0.5, 0.5], [-0.5, 0.5]]]
    """
    one, other = cell
    pairs = (one, other / 2), (one / 2, other), ((one + other) / 2, (one - other) / 2)
    return [_reduced(pair) for pair in pairs]
