# SPDX-License-Identifier: GPL-3.0-or-later
"""Local linear regression of displacements, which are known modulo lattice vectors."""

import math
from typing import NamedTuple

import numpy as np

from .blocks import ratio

# Standard deviations at which the Gaussian window ends.
TRUNCATE = 3.0
# Spread of the cells in a window along any direction, beside that of a full window, at
# least: less does not tell a gradient.
LEAST_SPREAD = 0.05


class CellField(NamedTuple):
    """What is known of the displacement of a crystal in the cells of a frame.

    Displacements are in fractions of the lattice vectors, modulo whole ones.

    Attributes
    ----------
    values : (2, rows, columns) numpy.ndarray of float64
        At the middle of the cells.
    gradients : (2, 2, rows, columns) numpy.ndarray of float64
        Of either component along (y, x), for a step of a cell.
    weights : (rows, columns) numpy.ndarray of float64
        How much the pixels of a cell tell; 0 where there are none.
    responses : (2, rows, columns) numpy.ndarray of float64
        By how much the pixels ask for more than `values`, times the weights.
    residuals : (2, rows, columns) numpy.ndarray of float64
        Like the responses, but of the unit cells of the crystal whose middle is in a
        cell, whole ones: of different cells they are independent.
    """

    values: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray
    responses: np.ndarray
    residuals: np.ndarray


def offsets(width, shape):
    """Cells of a window, and their weights: iterator of ((int, int), float).

    Parameters
    ----------
    width : float
        Standard deviation of the window, in cells.
    shape : (int, int)
        Rows and columns of cells: steps that leave any pair of them.
    """
    reach = max(1, math.floor(TRUNCATE * width))
    rows, columns = (min(reach, n - 1) for n in shape)
    for dy in range(-rows, rows + 1):
        for dx in range(-columns, columns + 1):
            distance = math.hypot(dy, dx)
            if distance <= max(1, TRUNCATE * width):
                yield (dy, dx), math.exp(-((distance / width) ** 2) / 2)


def pairs(step, shape):
    """Cells and those a step away, as two views: (slices, slices).

    Parameters
    ----------
    step, shape : (int, int)
    """
    own = tuple(
        slice(max(0, -d), n - max(0, d)) for d, n in zip(step, shape, strict=True)
    )
    other = tuple(
        slice(max(0, d), n - max(0, -d)) for d, n in zip(step, shape, strict=True)
    )
    return (..., *own), (..., *other)


def started(values, weights, width):
    """Smooth displacements and their gradients, when only single cells are known.

    Both are circular means in a window, so that a cell that has gone astray does not
    count more than others.

    Parameters
    ----------
    values, weights
        As in `CellField`.
    width : float
        Standard deviation of the window, in cells.

    Returns
    -------
    CellField
        Without responses and residuals.
    """
    shape = weights.shape
    steps = np.zeros((2, 2, *shape), complex)
    for axis, step in enumerate(((1, 0), (0, 1))):
        if shape[axis] < 2:
            continue
        own, other = pairs(step, shape)
        both = np.minimum(weights[own], weights[other])
        turn = both * np.exp(2j * np.pi * (values[other] - values[own]))
        # A step belongs to the cells at either end.
        steps[(slice(None), axis, *own[1:])] += turn
        steps[(slice(None), axis, *other[1:])] += turn
    total = np.zeros_like(steps)
    for step, weight in offsets(width, shape):
        own, other = pairs(step, shape)
        total[own] += weight * steps[other]
    gradients = np.angle(total) / (2 * np.pi)
    mean = np.zeros((2, *shape), complex)
    for step, weight in offsets(width, shape):
        own, other = pairs(step, shape)
        moved = values[other] - _along(gradients[own], step)
        mean[own] += weight * weights[other] * np.exp(2j * np.pi * moved)
    smooth = np.angle(mean) / (2 * np.pi)
    none = np.zeros_like(smooth)
    return CellField(smooth, gradients, weights, none, none)


def _along(gradients, step):
    """Change of a displacement by a step of cells: (2, rows, columns)."""
    return gradients[:, 0] * step[0] + gradients[:, 1] * step[1]


class LocalLinear(NamedTuple):
    """Displacements and gradients that fit the cells of a window best.

    NaN where the window has too few cells.

    Attributes
    ----------
    values : (2, rows, columns) numpy.ndarray of float64
    gradients : (2, 2, rows, columns) numpy.ndarray of float64
        As in `CellField`.
    spread : (2, 2, rows, columns) numpy.ndarray of float64
    noise : (2, 2, rows, columns) numpy.ndarray of float64
        The covariance of the gradients of components a and b along i and j is
        spread[i, j] noise[a, b].
    own_share : (rows, columns) numpy.ndarray of float64
        What a cell has in its own fit.
    """

    values: np.ndarray
    gradients: np.ndarray
    spread: np.ndarray
    noise: np.ndarray
    own_share: np.ndarray

    @classmethod
    def of(cls, field, width):
        """Fit what the cells near by have, with the pixels' responses: LocalLinear.

        The covariance is that of the residuals themselves (sandwich; H. White,
        Econometrica 48, 817 (1980)).

        Parameters
        ----------
        field : CellField
        width : float
            Standard deviation of the window, in cells.
        """
        shape = field.weights.shape
        normal, meat = np.zeros((2, 3, 3, *shape))
        right = np.zeros((3, 2, *shape))
        for step, weight in offsets(width, shape):
            own, other = pairs(step, shape)
            terms = 1.0, float(step[0]), float(step[1])
            # By the gradients at both ends, of which curvature is no part.
            change = _along(field.gradients[own] + field.gradients[other], step) / 2
            left = field.values[other] - field.values[own] - change
            change = change + left - np.rint(left)
            response = field.weights[other] * change + field.responses[other]
            response, weights = weight * response, weight * field.weights[other]
            for i, a in enumerate(terms):
                if a:
                    right[(i, *own)] += a * response
                for j in range(i, 3):
                    if a * terms[j]:
                        normal[(i, j, *own[1:])] += a * terms[j] * weights
                        meat[(i, j, *own[1:])] += a * terms[j] * weight * weights
        for i, j in ((1, 0), (2, 0), (2, 1)):
            normal[i, j], meat[i, j] = normal[j, i], meat[j, i]
        inverse = _inverse(normal, width)
        found = np.einsum("ij...,jc...->ic...", inverse, right)
        spread = np.einsum("ij...,jk...,kl...->il...", inverse, meat, inverse)[1:, 1:]
        values, gradients = field.values + found[0], found[1:].swapaxes(0, 1)
        own_share = field.weights * inverse[0, 0]
        return cls(values, gradients, spread, _noise(field, width), own_share)


def _noise(field, width):
    """Covariance of the residuals near cells by the weight: (2, 2, rows, columns)."""
    products = field.residuals[:, np.newaxis] * field.residuals
    total, weights = np.zeros_like(products), np.zeros_like(field.weights)
    shape = weights.shape
    for step, weight in offsets(width, shape):
        own, other = pairs(step, shape)
        total[own] += weight * products[other]
        weights[own] += weight * field.weights[other]
    return ratio(total, np.broadcast_to(weights, total.shape))


def _inverse(normal, width):
    """Inverse of normal matrices (3, 3, ...), NaN where the cells are too few."""
    total = normal[0, 0]
    means = ratio(normal[0, 1:], np.broadcast_to(total, normal[0, 1:].shape))
    spread = ratio(normal[1:, 1:], np.broadcast_to(total, normal[1:, 1:].shape))
    spread = spread - means[:, np.newaxis] * means
    trace, cross = (spread[0, 0] + spread[1, 1]) / 2, spread[0, 1]
    least = trace - np.hypot((spread[0, 0] - spread[1, 1]) / 2, cross)
    enough = least > LEAST_SPREAD * width**2
    whole = np.moveaxis(
        np.where(enough, normal, np.eye(3)[..., None, None]), (0, 1), (-2, -1)
    )
    inverse = np.moveaxis(np.linalg.inv(whole), (-2, -1), (0, 1))
    return np.where(enough, inverse, np.nan)
