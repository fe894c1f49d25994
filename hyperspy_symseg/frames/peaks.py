# SPDX-License-Identifier: GPL-3.0-or-later
"""Maxima of an image or a spectrum, and where between the pixels they lie.

There are few candidates. So each is compared with its own neighbours, which is faster
than a filter of the whole array, and the caller chooses the values beyond the edges:
its `value(rows, columns)` gives the values at arrays of int, of any shape.
"""

import numpy as np


def steps_within(distance):
    """Steps (dy, dx) up to a distance: (n, 2) numpy.ndarray of int."""
    reach = np.arange(-int(distance), int(distance) + 1)
    y, x = np.meshgrid(reach, reach, indexing="ij")
    return np.column_stack([y.ravel(), x.ravel()])[np.hypot(y, x).ravel() <= distance]


def maxima(value, points, steps):
    """Those points (n, 2) whose value is not exceeded at any step: (m, 2) of int."""
    y, x = np.ascontiguousarray(points.T)
    own = value(y, x)
    for dy, dx in steps:
        # Most are exceeded at the first steps.
        largest = value(y + dy, x + dx) <= own
        y, x, own = y[largest], x[largest], own[largest]
    return np.column_stack([y, x])


def climb(value, points, steps):
    """Points (n, 2) of int, each moved by the step that leads to the largest value."""
    around = value(*(points.T[:, np.newaxis] + steps.T[..., np.newaxis]))
    return points + steps[around.argmax(axis=0)]


def vertex_shifts(value, points):
    """Shifts from maxima to the vertices of parabolas along y and x.

    Parameters
    ----------
    value : callable
    points : (n, 2) numpy.ndarray of int
        (y, x).

    Returns
    -------
    (n, 2) numpy.ndarray of float64
        From -0.5 to 0.5; 0 along an axis where there is no maximum.

    Examples
    --------
    >>> y, x = np.ogrid[:9, :9]
    >>> values = -((y - 4.2) ** 2) - (x - 3.6) ** 2
    >>> vertex_shifts(lambda y, x: values[y, x], np.array([[4, 4]])).round(3)
    array([[ 0.2, -0.4]])
    """
    shifts = np.empty(points.shape)
    for axis, step in enumerate(np.eye(2, dtype=int)):
        before, at, after = (value(*(points + i * step).T) for i in (-1, 0, 1))
        curvature = before - 2 * at + after
        shift = (before - after) / (2 * np.where(curvature < 0, curvature, -1))
        shifts[:, axis] = np.clip(np.where(curvature < 0, shift, 0), -0.5, 0.5)
    return shifts


def extrema(scores, distance, threshold):
    """Pixels whose score has the largest modulus within a distance.

    Parameters
    ----------
    scores : (rows, columns) numpy.ndarray
    distance : float
        In pixels.
    threshold : float
        That the modulus exceeds.

    Returns
    -------
    (n, 2) numpy.ndarray of int
        (y, x).

    Examples
    --------
    >>> extrema(np.array([[0, 5, 0, -7, 0, 6, 0]]), 2, 4)
    array([[0, 3]])
    """
    reach = int(distance)
    size = np.pad(np.abs(scores), reach)
    points = np.argwhere(size > threshold)
    steps = steps_within(distance)
    return maxima(lambda y, x: size[y, x], points, steps) - reach


def settled(values, points, scores, distance):
    """Positions of the extrema near some pixels, from parabolas along y and x.

    At high dose, scores are larger beside a column than on it, as there is less noise.
    So the filtered residual tells where a column is missing, and not the score.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray
    points : (n, 2) numpy.ndarray of int
        (y, x).
    scores : (n,) numpy.ndarray
        Of the sign that the extremum has.
    distance : float
        That it has from the pixel at most, in pixels.

    Returns
    -------
    (n, 2) numpy.ndarray of float64

    Examples
    --------
    >>> y, x = np.ogrid[:9, :9]
    >>> values = (y - 4.2) ** 2 + (x - 3.6) ** 2 - 9
    >>> settled(values, np.array([[4, 5]]), np.array([-3]), 2).round(3)
    array([[4.2, 3.6]])
    """
    reach, sign = int(distance) + 1, np.sign(scores)
    padded = np.pad(values, reach)

    def value(y, x):
        return sign * padded[y, x]

    points = climb(value, points + reach, steps_within(distance))
    return points + vertex_shifts(value, points) - reach
