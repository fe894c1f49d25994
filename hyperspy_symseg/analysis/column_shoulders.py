# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns that are no maxima of a mean cell, on the flanks of brighter ones."""

import numpy as np

# Rounds of amplitudes, positions and the width, and steps of these at most: positions
# in widths, and of the logarithm of the width.
ROUNDS, STEP, WIDER = 4, 0.3, 0.1
# Amplitude, at least: in standard deviations of noise, of the range of the cell, and in
# what all columns leave, root mean square.
SIGNIFICANT, LEAST, CLEAR = 5.0, 0.008, 6.0
# Distance from all others, at least, and how far the fit moves a maximum, at most, in
# widths: Gaussians that are no columns crowd where columns are not Gaussians.
APART, MOVED = 3.0, 0.25
# Lattice points about a cell from which columns reach into it.
TURNS = np.array(list(np.ndindex(3, 3))) - 1


def shoulders(values, noise, vectors, fractions, width):
    """Columns that a mean cell has besides those at its maxima.

    The cell is fitted by Gaussians of one width at the maxima and a background, by
    least squares. What is left is a column if it is as a Gaussian, too: if with it, or
    with a few, next to nothing is left.

    Parameters
    ----------
    values, noise : (n, m) numpy.ndarray of float64
        Along the lattice vectors a and b, and their standard deviation.
    vectors : (2, 2) numpy.ndarray of float64
        a and b (y, x), a row each, in pixels.
    fractions : (k, 2) numpy.ndarray of float64
        Of the maxima.
    width : float
        Standard deviation of a column in the cell, in pixels.

    Returns
    -------
    fractions : (j, 2) numpy.ndarray of float64
        At most as many as there are maxima, and in the order of their heights.
    heights : (j,) numpy.ndarray of float64
        Over that of the highest maximum.

    Examples
    --------
    >>> vectors, noise = np.diag([11.0, 11.0]), np.full((33, 33), 1e-3)
    >>> cell = np.full((33, 33), 5.0)
    >>> for at, height in (((0, 0), 1), ((0.5, 0.5), 0.04)):
    ...     cell += height * _columns(cell.shape, vectors, np.array([at]), 2.2)[0]
    >>> cell[16, 16] < cell[16, 8]
    np.True_
    >>> found, heights = shoulders(cell, noise, vectors, np.zeros((1, 2)), 2.0)
    >>> found.round(2), heights.round(3)
    (array([[0.5, 0.5]]), array([0.04]))
    """
    least = np.maximum(SIGNIFICANT * noise, LEAST * np.ptp(values))
    n_maxima, places = len(fractions), fractions
    while len(places) <= 2 * n_maxima:
        places, heights, rest, width = _fitted(values, vectors, places, width)
        excess = np.where(_far(values.shape, vectors, places, APART * width), rest, 0)
        at = np.unravel_index(np.argmax(excess - least), values.shape)
        if not excess[at] > least[at]:
            break
        places = np.concatenate([places, [np.array(at) / values.shape]])
    else:
        return np.empty((0, 2)), np.empty(0)
    own = slice(n_maxima, None)
    left = CLEAR * np.sqrt((rest**2).mean())
    moved = _away(places[:n_maxima] - fractions, vectors)
    apart = _away(places[own, np.newaxis] - places, vectors)
    apart[apart == 0] = np.inf
    if not (
        (heights[own] > left).all()
        and moved.max() < MOVED * width
        and apart.min(initial=np.inf) > APART * width
    ):
        return np.empty((0, 2)), np.empty(0)
    order = n_maxima + np.argsort(-heights[own], kind="stable")
    return places[order], heights[order] / heights.max(initial=1e-30)


def _away(off, vectors):
    """Shortest distances of fractions (..., 2) that are off: (...) numpy.ndarray."""
    off = off - np.rint(off)
    steps = (off[..., np.newaxis, :] + TURNS) @ vectors
    return np.linalg.norm(steps, axis=-1).min(axis=-1)


def _steps(shape, vectors, places):
    """Steps (y, x) from places to all points and their copies: (k, 9, n, m, 2)."""
    grid = np.moveaxis(np.indices(shape), 0, -1) / shape
    off = grid - places[:, np.newaxis, np.newaxis]
    off -= np.rint(off)
    return (off[:, np.newaxis] + TURNS[:, np.newaxis, np.newaxis]) @ vectors


def _columns(shape, vectors, places, width):
    """Gaussians of height 1 at places of a cell: (k, n, m) numpy.ndarray."""
    squared = (_steps(shape, vectors, places) ** 2).sum(axis=-1)
    return np.exp(-0.5 * squared / width**2).sum(axis=1)


def _far(shape, vectors, places, distance):
    """Which points are that far from all places: (n, m) numpy.ndarray of bool."""
    squared = (_steps(shape, vectors, places) ** 2).sum(axis=-1)
    return squared.min(axis=(0, 1)) > distance**2


def _fitted(values, vectors, places, width):
    """Gaussians fitted to a cell, all with one width.

    Places (k, 2), heights (k,), what is left (n, m), and the width.
    """
    shape, k = values.shape, len(places)
    for i in range(ROUNDS + 1):
        steps = _steps(shape, vectors, places)
        squared = (steps**2).sum(axis=-1)
        each = np.exp(-0.5 * squared / width**2)
        columns = each.sum(axis=1).reshape(k, -1)
        known = np.concatenate([np.ones((1, values.size)), columns])
        found = np.linalg.lstsq(known.T, values.ravel(), rcond=None)[0]
        heights = found[1:]
        rest = values.ravel() - found @ known
        if i == ROUNDS:
            break
        slopes = (each[..., np.newaxis] * steps).sum(axis=1) / width**2
        slopes = np.moveaxis(slopes, -1, 1).reshape(k, 2, -1)
        slopes *= heights[:, np.newaxis, np.newaxis]
        wider = heights @ (each * squared).sum(axis=1).reshape(k, -1) / width**2
        how = np.concatenate([known, slopes.reshape(2 * k, -1), [wider]])
        found = np.linalg.lstsq(how.T, rest, rcond=None)[0]
        moves = np.clip(found[1 + k : -1].reshape(k, 2), -STEP * width, STEP * width)
        places = places + moves @ np.linalg.inv(vectors)
        width *= np.exp(np.clip(found[-1], -WIDER, WIDER))
    return places, heights, rest.reshape(shape), width
