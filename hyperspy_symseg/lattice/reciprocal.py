# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of reciprocal lattices, and their nodes."""

import numpy as np

# Largest index of a node, of either sign.
FARTHEST_INDEX = 40
# Shorter by less than this share of the squared length is rounding.
ROUNDING = 1e-12


def nodes_within(cell, highest, largest_index=FARTHEST_INDEX):
    """Indices h and k of the nodes of a lattice up to a frequency.

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    highest : float
        Distance from the origin, in cycles a pixel; not beyond half a cycle along an
        axis, as there are none.
    largest_index : int

    Returns
    -------
    (n, 2) numpy.ndarray of int32
        One of (h, k) and (-h, -k), and without the origin; those nearest to it first.

    Examples
    --------
    >>> nodes_within(np.array([[0.1, 0], [0, 0.1]]), 0.15)
    array([[ 0,  1],
           [ 1,  0],
           [-1,  1],
           [ 1,  1]], dtype=int32)
    """
    # The largest index in a circle, by the length of the direct vectors.
    reach = np.linalg.norm(np.linalg.inv(cell), axis=0) * highest
    reach = np.minimum(reach + 1, largest_index).astype(int)
    h, k = (np.arange(-n, n + 1, dtype=np.int32) for n in reach)
    indices = np.stack(np.meshgrid(h, k, indexing="ij"), axis=-1).reshape(-1, 2)
    half = (indices[:, 1] > 0) | ((indices[:, 1] == 0) & (indices[:, 0] > 0))
    indices = indices[half]
    nodes = indices @ cell
    distances = np.hypot(*nodes.T)
    inside = (distances <= highest) & (np.abs(nodes) <= 0.5).all(axis=1)
    chosen = np.flatnonzero(inside)
    # Rounded, or the order of those at one distance would be that of rounding.
    order = np.argsort(distances[chosen].round(9), kind="stable")
    return indices[chosen[order]]


def reduced(cell):
    """Cell (2, 2) of the same lattice whose vectors are the shortest two (Gauss).

    Both point to positive x, or along y.
    """
    one, other = cell
    while True:
        if one @ one > other @ other:
            one, other = other, one
        shorter = other - np.rint(one @ other / (one @ one)) * one
        # Or two that are equally short would follow each other for ever.
        if not shorter @ shorter < other @ other * (1 - ROUNDING):
            break
        other = shorter
    return np.array([-v if (v[1], v[0]) < (0, 0) else v for v in (one, other)])


def _normal_forms(indices):
    """Matrices of all lattices of some indices in one (Hermite): list of (2, 2)."""
    return [
        np.array([[a, b], [0, index // a]])
        for index in indices
        for b in range(index)
        for a in range(1, index + 1)
        if index % a == 0 and b < index // a
    ]


def coarser_cells(cell, indices):
    """Reduced cells of the lattices that are in a lattice, of some indices.

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each.
    indices : sequence of int

    Returns
    -------
    list of (2, 2) numpy.ndarray of float64

    Examples
    --------
    >>> len(coarser_cells(np.eye(2), (2, 3, 4)))
    14
    """
    return [reduced(form @ cell) for form in _normal_forms(indices)]


def finer_cells(cell, indices):
    """Reduced cells of the lattices that a lattice is in, of some indices.

    They are the reciprocal cells of superlattices.

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each.
    indices : sequence of int

    Returns
    -------
    list of (2, 2) numpy.ndarray of float64

    Examples
    --------
    >>> [other.tolist() for other in finer_cells(np.eye(2), [2])]
    [[[0.0, 0.5], [1.0, 0.0]], [[0.5, 0.0], [0.0, 1.0]], [[-0.5, 0.5], [0.5, 0.5]]]
    """
    return [reduced(np.linalg.inv(form).T @ cell) for form in _normal_forms(indices)]
