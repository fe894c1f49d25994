# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattices that the reflections of a spectrum span: what a lattice is chosen from.

Patterns of a frame, whose reflections are known, and crystals in a window, of which
only maxima are, choose in other ways. What they choose from, which reflections are on
the nodes of it, and the cell that fits these best are the same.
"""

import itertools

import numpy as np

# Determinant of the sum of weighted products of indices beside its squared trace, at
# least: it is 0 for those on a line.
ON_A_LINE = 1e-12


def sums_and_differences(frequencies):
    """Sums and differences of all pairs of frequencies.

    Parameters
    ----------
    frequencies : (n, 2) numpy.ndarray of float64

    Returns
    -------
    (n (n - 1), 2) numpy.ndarray of float64

    Examples
    --------
    >>> sums_and_differences(np.array([[0.1, 0.1], [0.2, 0]])).round(1)
    array([[ 0.3,  0.1],
           [-0.1,  0.1]])
    """
    pairs = _pairs(frequencies)
    return np.concatenate([pairs.sum(axis=1), pairs[:, 0] - pairs[:, 1]])


def spanned(vectors):
    """Cells of all pairs of vectors, and the areas of these.

    Parameters
    ----------
    vectors : (n, 2) numpy.ndarray of float64

    Returns
    -------
    cells : (n (n - 1) / 2, 2, 2) numpy.ndarray of float64
    areas : (n (n - 1) / 2,) numpy.ndarray of float64
        Not negative.
    """
    cells = _pairs(vectors)
    return cells, np.abs(np.linalg.det(cells))


def _pairs(vectors):
    """All pairs of vectors (n, 2): (n (n - 1) / 2, 2, 2) array."""
    return np.array(list(itertools.combinations(vectors, 2))).reshape(-1, 2, 2)


def nearest_nodes(frequencies, cells):
    """Indices of the nodes next to frequencies, and how far these are from them.

    Parameters
    ----------
    frequencies : (n, 2) numpy.ndarray of float64
    cells : (..., 2, 2) numpy.ndarray of float64
        Reciprocal vectors, a row each.

    Returns
    -------
    indices : (..., n, 2) numpy.ndarray of float64
        Whole numbers.
    off : (..., n, 2) numpy.ndarray of float64
        Frequencies less those of the nodes.

    Examples
    --------
    >>> indices, off = nearest_nodes(np.array([[0.11, 0.2]]), 0.1 * np.eye(2))
    >>> indices, off.round(2)
    (array([[1., 2.]]), array([[0.01, 0.  ]]))
    """
    numbers = frequencies @ np.linalg.inv(cells)
    indices = np.rint(numbers)
    return indices, (numbers - indices) @ cells


def fitted_cells(indices, frequencies, weights):
    """Cells whose nodes are nearest to frequencies, by weighted least squares.

    Parameters
    ----------
    indices : (cells, n, 2) numpy.ndarray of float64
    frequencies : (n, 2) numpy.ndarray of float64
    weights : (cells, n) or (n,) numpy.ndarray of float64

    Returns
    -------
    (m, 2, 2) numpy.ndarray of float64
        Without those whose indices are on a line.
    """
    weighted = np.swapaxes(indices * np.asarray(weights)[..., np.newaxis], -2, -1)
    normal = weighted @ indices
    trace = np.trace(normal, axis1=1, axis2=2)
    good = np.linalg.det(normal) > ON_A_LINE * trace**2
    return np.linalg.solve(normal[good], (weighted @ frequencies)[good])
