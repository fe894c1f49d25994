# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of reciprocal lattices, and their nodes."""

import numpy as np

# Largest index of a node.
LARGEST_INDEX = 40
# Of lattices that compete with another one: of those that are in it, and of those that
# it is in. Where the columns of a square or hexagonal cell are nearly a lattice of
# their own, this may have a fifth or a seventh of the cell.
INDICES, FINER_INDICES = (2, 3, 4), (2, 3, 4, 5, 7)


def nodes_within(cell, highest):
    """Indices of one of each pair of nodes up to a frequency, without the origin.

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    highest : float

    Returns
    -------
    (n, 2) numpy.ndarray of int

    Examples
    --------
    >>> nodes_within(np.eye(2) / 10, 0.1).tolist()
    [[0, 1], [1, 0]]
    """
    # The largest index in a circle, by the length of the direct vectors.
    reach = np.linalg.norm(np.linalg.inv(cell), axis=0) * highest
    h, k = (np.arange(-int(n), int(n) + 1) for n in np.minimum(reach, LARGEST_INDEX))
    indices = np.stack(np.meshgrid(h, k, indexing="ij"), axis=-1).reshape(-1, 2)
    half = (indices[:, 0] > 0) | ((indices[:, 0] == 0) & (indices[:, 1] > 0))
    # Nodes on the edge, but for rounding, are inside.
    inside = np.hypot(*(indices @ cell).T) <= highest * (1 + 1e-9)
    return indices[half & inside]


def reduced(cell):
    """Cell (2, 2) of the same lattice whose vectors are the shortest two (Gauss)."""
    one, other = cell
    while True:
        if one @ one > other @ other:
            one, other = other, one
        times = np.rint(one @ other / (one @ one))
        if not times:
            return np.array([one, other])
        other = other - times * one


def _normal_forms(index):
    """Matrices of all lattices of an index in one (Hermite): list of (2, 2) arrays."""
    return [
        np.array([[a, b], [0, index // a]])
        for a in range(1, index + 1)
        if index % a == 0
        for b in range(index // a)
    ]


def related_cells(cell):
    """Cells of the lattices of index 2 to 4 in a lattice, and of those that it is in.

    Parameters
    ----------
    cell : (2, 2) numpy.ndarray of float64

    Returns
    -------
    coarser, finer : list of (2, 2) numpy.ndarray of float64

    Examples
    --------
    >>> [len(cells) for cells in related_cells(np.eye(2))]
    [14, 28]
    """
    coarser, finer = (
        [form for index in indices for form in _normal_forms(index)]
        for indices in (INDICES, FINER_INDICES)
    )
    return (
        [reduced(form @ cell) for form in coarser],
        [reduced(np.linalg.inv(form).T @ cell) for form in finer],
    )
