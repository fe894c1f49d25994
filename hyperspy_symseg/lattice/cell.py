# SPDX-License-Identifier: GPL-3.0-or-later
"""The reciprocal cell of some reflections."""

import numpy as np

from .candidates import fitted_cells, nearest_nodes, spanned, sums_and_differences
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
    combined = sums_and_differences(strongest)
    vectors = np.concatenate([strongest, strongest / 2, combined, combined / 2])
    cells, areas = spanned(vectors)
    large = areas * period**2 > SMALLEST
    cells, areas = cells[large], areas[large]
    off = np.linalg.norm(nearest_nodes(reflections, cells)[1], axis=-1)
    shares = (powers * (off * period < OFF_NODE)).sum(axis=-1)
    enough = shares >= ON_NODES * powers.sum()
    if not enough.any():
        return None
    cells, areas = cells[enough], areas[enough]
    # The first of those that are equally large but for the errors of the reflections.
    largest = cells[np.argmax(areas * LARGER > areas.max())]
    indices, _ = nearest_nodes(reflections, reduced(largest)[np.newaxis])
    return fitted_cells(indices, reflections, powers)[0]


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
