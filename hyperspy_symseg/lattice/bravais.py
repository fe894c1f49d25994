# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a reduced cell, and how near it is to lattices of higher symmetry.

With a the shorter vector, u = a.b / a.a and v = |a x b| / a.a are a point of the upper
half-plane of complex numbers z = u + i v, for any size and orientation of the cell.
Hyperbolic distance there is pure strain: a stretch by 1 + e along one direction moves z
by e. Reduced cells have 0 <= u <= 1/2 and |z| >= 1, a triangle of the area pi / 6.
"""

import math
from typing import NamedTuple

import numpy as np

from .plane_groups import (
    BRAVAIS_TYPES,
    CELLS,
    HEXAGONAL,
    PLANE_GROUPS,
    SQUARE,
    closure,
    settings,
)

# Density of shapes where nothing is preferred: of the whole triangle.
OBLIQUE_DENSITY = 6 / math.pi
# Corners of the triangle, and images of it around them.
CORNERS = {SQUARE: (0, 1.0, 4), HEXAGONAL: (0.5, math.sqrt(3) / 2, 6)}
# Distance of a shape from a lattice, at most, in standard deviations: structure factors
# say nothing about the shape, so that they would have any lattice distorted.
FARTHEST = 2.75
# Length of the edge |z| = 1, from one corner to the other.
ARC = math.log(math.sqrt(3))
# Density along the geodesics of centred lattices, of the middle one of the three that
# meet at the hexagonal lattice; half of these lattices are of each edge.
BEYOND = 0.7


class Shape(NamedTuple):
    """Shape of a reduced cell.

    Attributes
    ----------
    u, v : float
    covariance : (2, 2) numpy.ndarray of float64
        Of u and v.
    """

    u: float
    v: float
    covariance: np.ndarray


class ReducedCell(NamedTuple):
    """The two shortest vectors of a lattice.

    Attributes
    ----------
    vectors : (2, 2) numpy.ndarray of float64
        a and b (y, x), a row each, with 0 <= a.b <= a.a / 2.
    covariance : (4, 4) numpy.ndarray of float64
        Of ``vectors.ravel()``.
    shape : Shape
    """

    vectors: np.ndarray
    covariance: np.ndarray
    shape: Shape


def reduced_cell(vectors, covariance=None):
    """Reduce a cell (Lagrange and Gauss), with its covariance.

    Parameters
    ----------
    vectors : (2, 2) numpy.ndarray of float64
        A vector (y, x) a row, in a unit that is the same along y and x.
    covariance : (4, 4) numpy.ndarray of float64, optional
        Of ``vectors.ravel()``; none by default.

    Returns
    -------
    ReducedCell
        The first vector points to positive x, or along y.

    Examples
    --------
    >>> cell = reduced_cell(np.array([[0, 10.0], [12, 20]]))
    >>> cell.vectors, cell.shape.u, cell.shape.v
    (array([[ 0., 10.],
           [12.,  0.]]), 0.0, 1.2)
    """
    rows = np.eye(2)
    one, other = np.asarray(vectors, float)
    while True:
        if other @ other < one @ one * (1 - 1e-12):
            one, other, rows = other, one, rows[::-1]
        times = np.rint(one @ other / (one @ one) - 1e-9)
        if not times:
            break
        other = other - times * one
        rows = rows - times * np.array([[0, 0], rows[0]])
    signs = np.ones(2)
    if (one[1], one[0]) < (0, 0):
        signs[0] = -1
    if signs[0] * (one @ other) < 0:
        signs[1] = -1
    rows = signs[:, np.newaxis] * rows
    reduced = rows @ vectors + 0.0
    if covariance is None:
        covariance = np.zeros((4, 4))
    across = np.kron(rows, np.eye(2))
    covariance = across @ covariance @ across.T
    return ReducedCell(reduced, covariance, _shape(reduced, covariance))


def _shape(vectors, covariance):
    """Shape of reduced vectors (2, 2) with their covariance (4, 4)."""
    a, b = vectors
    a2, cross = a @ a, a[0] * b[1] - a[1] * b[0]
    u, v = a @ b / a2, abs(cross) / a2
    sign = np.sign(cross)
    gradient_u = np.append(b - 2 * u * a, a) / a2
    gradient_v = sign * np.array([b[1], -b[0], -a[1], a[0]]) / a2
    gradient_v[:2] -= 2 * v * a / a2
    gradients = np.stack([gradient_u, gradient_v])
    return Shape(float(u), float(v), gradients @ covariance @ gradients.T)


def distance(shape, cell):
    """Hyperbolic distance from the lattices of a cell: the strain between them.

    Parameters
    ----------
    shape : Shape
    cell : str
        One of `CELLS`.

    Returns
    -------
    float
        Signed where the lattices are a line.

    Examples
    --------
    >>> tetragonal = reduced_cell(np.array([[0, 10.0], [10.1, 0]])).shape
    >>> round(distance(tetragonal, "square"), 4)
    0.01
    """
    u, v = shape.u, shape.v
    if cell == "oblique":
        return 0.0
    if cell in CORNERS:
        at_u, at_v, _ = CORNERS[cell]
        return math.acosh(1 + ((u - at_u) ** 2 + (v - at_v) ** 2) / (2 * v * at_v))
    return math.asinh(
        {
            "rectangular": u / v,
            "rhombic, |b| = |a - b|": (u - 0.5) / v,
            "rhombic, |a| = |b|": (u**2 + v**2 - 1) / (2 * v),
            "rhombic, |a| = |a - b|": ((u - 1) ** 2 + v**2 - 1) / (2 * v),
        }[cell]
    )


def log_density(shape, cell, strain):
    """Log density of a shape among those of a cell, measured and strained.

    -inf where the shape is more than 2.75 standard deviations away. Otherwise Gaussian
    in the distance, of the covariance of the measurement and the strain; that of
    oblique cells is the same everywhere. So a lattice of higher symmetry, which can be
    of few shapes, is the more likely one where the shape is near one of these.

    Parameters
    ----------
    shape : Shape
    cell : str
        One of `CELLS`.
    strain : float
        Standard deviation of the strain by which lattices are distorted.

    Returns
    -------
    float

    Examples
    --------
    >>> shape = reduced_cell(np.array([[0, 10.0], [10.1, 0]])).shape
    >>> [round(log_density(shape, cell, 0.02), 1) for cell in ("square", "oblique")]
    [7.2, 0.6]
    """
    if cell == "oblique":
        return math.log(OBLIQUE_DENSITY)
    u, v, d = shape.u, shape.v, distance(shape, cell)
    if cell in CORNERS:
        at_u, at_v, n_images = CORNERS[cell]
        away = np.array([u - at_u, v - at_v])
        length = np.linalg.norm(away)
        away *= d / length if length else 0
        covariance = shape.covariance / v**2 + strain**2 * np.eye(2)
        chi = away @ np.linalg.solve(covariance, away)
        spread = math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] / 2
        if chi > FARTHEST**2:
            return -math.inf
        return float(math.log(n_images) - spread - chi / 2)
    gradient = {
        "rectangular": (1, -u / v),
        "rhombic, |b| = |a - b|": (1, -(u - 0.5) / v),
        "rhombic, |a| = |b|": (u, (v**2 - u**2 + 1) / (2 * v)),
        "rhombic, |a| = |a - b|": (u - 1, (v**2 - (u - 1) ** 2 + 1) / (2 * v)),
    }[cell]
    gradient = np.array(gradient) / v / math.cosh(d)
    variance = gradient @ shape.covariance @ gradient + strain**2
    if d**2 > FARTHEST**2 * variance:
        return -math.inf
    across = math.log(2) - (math.log(2 * math.pi * variance) + d**2 / variance) / 2
    along = {
        "rectangular": -max(math.log(v), 0),
        "rhombic, |b| = |a - b|": math.log(0.5)
        - max(math.log(v / (math.sqrt(3) / 2)), 0),
        "rhombic, |a| = |b|": math.log(0.5 / ARC),
        "rhombic, |a| = |a - b|": math.log(BEYOND),
    }[cell]
    return float(across + along)


def strains(shape):
    """Strain to the nearest lattice of each Bravais type: dict of str and float.

    Parameters
    ----------
    shape : Shape

    Examples
    --------
    >>> found = strains(reduced_cell(np.array([[0, 10.0], [12, 0]])).shape)
    >>> [round(found[kind], 3) for kind in ("rectangular", "square")]
    [0.0, 0.182]
    """
    found = dict.fromkeys(BRAVAIS_TYPES, math.inf)
    for cell, (kind, _) in CELLS.items():
        found[kind] = min(found[kind], abs(distance(shape, cell)))
    return found


def metric_weights(shape, strain):
    """Weights of the Bravais types by the shape of the cell alone.

    Parameters
    ----------
    shape : Shape
    strain : float

    Returns
    -------
    dict of str and float
        They add up to 1.

    Examples
    --------
    >>> weights = metric_weights(reduced_cell(np.diag([10.0, 10.1])).shape, 0.02)
    >>> round(weights["square"], 2)
    0.95
    """
    logs = {kind: [] for kind in BRAVAIS_TYPES}
    for cell, (kind, _) in CELLS.items():
        logs[kind].append(log_density(shape, cell, strain))
    totals = {kind: np.logaddexp.reduce(each) for kind, each in logs.items()}
    norm = np.logaddexp.reduce(list(totals.values()))
    return {kind: math.exp(total - norm) for kind, total in totals.items()}


def possible_settings(shape, strain):
    """Settings that the shape of a cell allows, and their log densities.

    Parameters
    ----------
    shape : Shape
    strain : float

    Returns
    -------
    dict of str and list of (Setting, float)
        By the plane group. The density is shared by settings of one cell.
    point_group : (n, 2, 2) numpy.ndarray of int
        What all of them generate.
    """
    densities = {cell: log_density(shape, cell, strain) for cell in CELLS}
    holohedries = {"rectangular": "p2mm", "square": "p4mm", "hexagonal": "p6mm"}
    point_group = closure(np.eye(2, dtype=int)[np.newaxis])
    used = {"oblique"}
    for cell in sorted(densities, key=densities.get, reverse=True):
        if densities[cell] == -math.inf or cell == "oblique":
            continue
        highest = holohedries.get(cell, "c2mm")
        (own,) = (each for each in settings(highest) if each.cell == cell)
        together = closure(np.concatenate([point_group, own.W]))
        # Settings that exclude each other: the more likely one stays.
        if together is not None:
            point_group, used = together, used | {cell}
    found = {}
    for group in PLANE_GROUPS:
        own = [each for each in settings(group) if each.cell in used]
        n_of_cell = {each.cell: 0 for each in own}
        for each in own:
            n_of_cell[each.cell] += 1
        found[group] = [
            (each, densities[each.cell] - math.log(n_of_cell[each.cell]))
            for each in own
        ]
    return found, point_group
