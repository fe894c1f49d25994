# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of columns of the 17 plane groups, drawn at random, as counts of a detector.

A pattern has one to four columns in the asymmetric unit, on general or special
positions, 2 to 16 in a cell, and 80 square pixels a column. Its plane group is
verified: every other group of as many operations or more misses 2 % of the energy, and
so does every smaller cell.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.bravais import distance, reduced_cell
from hyperspy_symseg.lattice.group_evidence import GroupFit, StructureFactors
from hyperspy_symseg.lattice.plane_groups import (
    CELLS,
    PLANE_GROUPS,
    bravais_type,
    closure,
    operations,
    order,
    settings,
)
from hyperspy_symseg.lattice.reciprocal import nodes_within

AREA_OF_COLUMN, MOST_COLUMNS, MOST_IN_UNIT = 80.0, 16, 4
COLUMN_WIDTH, JITTER, BACKGROUND, RAMP = 2.0, 0.02, 0.25, 0.25
# Distance of columns, in pixels, at least.
APART = 6.0
# Strain to the lattices of other types, at least.
OTHER_METRIC = 0.06
# Energy that other groups and smaller cells miss, at least.
MISSED = 0.02
HIGHEST = 0.2


class Pattern(NamedTuple):
    """A crystal.

    Attributes
    ----------
    group : str
    vectors : (2, 2) numpy.ndarray of float64
        Of the primitive cell (y, x), a row each, in pixels.
    positions : (n, 2) numpy.ndarray of float64
        Fractions of these.
    weights : (n,) numpy.ndarray of float64
    """

    group: str
    vectors: np.ndarray
    positions: np.ndarray
    weights: np.ndarray


def _primitive(group, conventional):
    """Primitive vectors from those of the conventional cell."""
    if bravais_type(group) != "centred rectangular":
        return conventional
    a, b = conventional
    return np.array([(a + b) / 2, (a - b) / 2])


def _cell(group, area, rng):
    """Vectors of a primitive cell of an area, turned at random; its type is clear."""
    kind = bravais_type(group)
    while True:
        u, v = {
            "oblique": (rng.uniform(0, 0.5), rng.uniform(0.9, 1.8)),
            "rectangular": (0, rng.uniform(1, 1.8)),
            "centred rectangular": (0, rng.uniform(1, 2.6)),
            "square": (0, 1),
            "hexagonal": (-0.5, math.sqrt(3) / 2),
        }[kind]
        vectors = _primitive(group, np.array([[0.0, 1.0], [v, u]]))
        if rng.random() < 0.5 and kind in ("rectangular", "centred rectangular"):
            vectors = _primitive(group, np.array([[0.0, v], [1.0, 0.0]]))
        shape = reduced_cell(vectors).shape
        others = [
            c for c, (other, _) in CELLS.items() if other not in (kind, "oblique")
        ]
        if kind in ("square", "hexagonal"):
            others = []
        if all(abs(distance(shape, each)) > OTHER_METRIC for each in others):
            break
    vectors *= math.sqrt(area / abs(np.linalg.det(vectors)))
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    return vectors @ turn


def _own_operations(group):
    """Operations on the primitive cell of `_primitive`: W (n, 2, 2), w (n, 2)."""
    W, w = operations(group)
    if bravais_type(group) != "centred rectangular":
        return W, w
    rows = np.array([[0.5, 0.5], [0.5, -0.5]])
    # f A = f' Q A
    back, across = rows.T, np.linalg.inv(rows.T)
    return np.rint(across @ W @ back).astype(int), (w @ across.T) % 1


def _orbit(position, W, w):
    """Different positions of an orbit, in fractions: (n, 2) array."""
    images = (W @ position + w) % 1
    found = []
    for each in images:
        apart = [each - other - np.rint(each - other) for other in found]
        if all(np.abs(d).max() > 1e-6 for d in apart):
            found.append(each)
    return np.array(found)


def _special(position, W, w, rng):
    """A position on a symmetry element, if one of those drawn is no glide."""
    i = rng.integers(1, len(W)) if len(W) > 1 else 0
    shift = w[i] + rng.integers(-1, 2, 2)
    images = [position]
    for _ in range(11):
        images.append(W[i] @ images[-1] + shift)
    mean = np.mean(images, axis=0)
    return mean if np.allclose(W[i] @ mean + shift, mean) else position


@functools.cache
def draw(group, seed):
    """Draw a pattern.

    Parameters
    ----------
    group : str
    seed : int

    Returns
    -------
    Pattern
    """
    rng = np.random.default_rng((PLANE_GROUPS.index(group), seed))
    W, w = _own_operations(group)
    while True:
        sites = []
        n_unit = rng.integers(1, MOST_IN_UNIT + 1)
        for _ in range(n_unit):
            position = rng.random(2)
            for _ in range(2):
                if rng.random() < 0.4:
                    position = _special(position, W, w, rng)
            sites.append(_orbit(position, W, w))
        positions = np.concatenate(sites)
        weights = np.repeat(rng.uniform(0.4, 1, n_unit), [len(each) for each in sites])
        if not 2 <= len(positions) <= MOST_COLUMNS:
            continue
        vectors = _cell(group, AREA_OF_COLUMN * len(positions), rng)
        if _are_apart(positions, vectors):
            pattern = Pattern(group, vectors, positions, weights)
            if _is_of_its_group(pattern):
                return pattern


def _are_apart(positions, vectors):
    """Whether no two columns are too near."""
    steps = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    apart = positions[:, np.newaxis] - positions
    apart = (apart[..., np.newaxis, :] + steps) @ vectors
    lengths = np.hypot(apart[..., 0], apart[..., 1]).min(axis=-1)
    return (lengths[~np.eye(len(positions), dtype=bool)] > APART).all()


def exact_factors(pattern, vectors):
    """Structure factors of columns without noise, on another cell of the lattice.

    Returns
    -------
    indices : (n, 2) numpy.ndarray of int
    amplitudes : (n,) numpy.ndarray of complex128
    g2 : (n,) numpy.ndarray of float64
    """
    reciprocal = np.linalg.inv(vectors).T
    indices = nodes_within(reciprocal, HIGHEST)
    nodes = indices @ reciprocal
    g2 = (nodes**2).sum(axis=1)
    places = pattern.positions @ pattern.vectors
    waves = np.exp(-2j * math.pi * nodes @ places.T) @ pattern.weights
    return indices, waves * np.exp(-2 * math.pi**2 * COLUMN_WIDTH**2 * g2), g2


def _is_of_its_group(pattern):
    """Whether no other group and no smaller cell fits a pattern."""
    cell = reduced_cell(pattern.vectors)
    indices, amplitudes, g2 = exact_factors(pattern, cell.vectors)
    powers = np.abs(amplitudes) ** 2
    for prime in (2, 3, 5, 7, 11, 13):
        for h in range(prime):
            for k in range(prime):
                if (h, k) != (0, 0):
                    off = (indices @ (h, k)) % prime != 0
                    if powers[off].sum() < MISSED * powers.sum():
                        return False
    exact = [c for c in CELLS if abs(distance(cell.shape, c)) < 1e-6]
    highest = [
        each
        for group in ("p2", "p2mm", "c2mm", "p4mm", "p6mm")
        for each in settings(group)
        if each.cell in exact
    ]
    point_group = closure(np.concatenate([each.W for each in highest]))
    whole = np.array([tuple(each) for each in indices])
    images = np.einsum("ni,mij->nmj", whole, point_group)
    known = {tuple(each) for each in (*whole, *-whole)}
    closed = np.array([all(tuple(x) in known for x in each) for each in images])
    factors = StructureFactors.of(
        indices[closed],
        amplitudes[closed],
        np.full(closed.sum(), 1e-9 * powers.max()),
        g2[closed],
        point_group,
    )
    own = order(pattern.group)
    for group in PLANE_GROUPS:
        if group == pattern.group or order(group) < own:
            continue
        for setting in settings(group):
            if setting.cell in exact:
                misfit, _ = GroupFit(setting, factors).misfit(factors)
                if misfit**2 < MISSED:
                    return False
    return True


def frame(pattern, side, dose, seed, strain=0.0, jitter=JITTER):
    """Counts of a frame that a pattern fills.

    Parameters
    ----------
    pattern : Pattern
    side : int
        Of the frame, in pixels.
    dose : float
        Counts at the peak of a column; infinite for none of their noise.
    seed : int
    strain : float
        Of an affine distortion, in a direction that is drawn.
    jitter : float
        Displacement of columns, in distances of columns.

    Returns
    -------
    frame : (side, side) numpy.ndarray
    vectors : (2, 2) numpy.ndarray of float64
        Those of the distorted lattice.
    """
    rng = np.random.default_rng((seed, side))
    one, other = rng.normal(size=2)
    size = math.hypot(one, other)
    change = strain * np.array([[one, 0], [other, 0]]) / size
    vectors = pattern.vectors @ (np.eye(2) + change)
    origin = rng.random(2) @ vectors + side / 2
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * (side / 2 + 12)
    reach = (
        np.ceil(np.abs(corners @ np.linalg.inv(vectors)).max(axis=0)).astype(int) + 2
    )
    h, k = (np.arange(-n, n + 1) for n in reach)
    cells = np.stack(np.meshgrid(h, k, indexing="ij"), axis=-1).reshape(-1, 1, 2)
    places = ((cells + pattern.positions) @ vectors + origin).reshape(-1, 2)
    weights = np.broadcast_to(pattern.weights, cells.shape[:1] + pattern.weights.shape)
    weights = weights.ravel()
    places = places + rng.normal(0, jitter * math.sqrt(AREA_OF_COLUMN), places.shape)
    near = (np.abs(places - side / 2) < side / 2 + 12).all(axis=1)
    pixels = np.arange(side)
    along_y, along_x = (
        np.exp(-((pixels - each[:, np.newaxis]) ** 2) / (2 * COLUMN_WIDTH**2))
        for each in places[near].T
    )
    expected = BACKGROUND + (along_y * weights[near, np.newaxis]).T @ along_x
    angle = rng.uniform(0, 2 * math.pi)
    y, x = np.meshgrid(*2 * [np.linspace(-0.5, 0.5, side)], indexing="ij")
    expected *= 1 + RAMP * (y * math.sin(angle) + x * math.cos(angle))
    if math.isinf(dose):
        return expected, vectors
    return rng.poisson(dose * expected).astype(np.uint16), vectors


def crystals(labels, dose, seed, most_columns):
    """Counts of a frame of several patterns, each of any group.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        Which pattern each pixel is of.
    dose : float
    seed : int
    most_columns : int
        Of a cell.

    Returns
    -------
    frame : (rows, columns) numpy.ndarray
    patterns : list of Pattern
    """
    rng = np.random.default_rng((seed, most_columns))
    patterns = []
    while len(patterns) <= labels.max():
        pattern = draw(rng.choice(PLANE_GROUPS), int(rng.integers(10**6)))
        if len(pattern.positions) <= most_columns:
            patterns.append(pattern)
    lattices = [
        simulate.Lattice(each.vectors, np.column_stack([each.positions, each.weights]))
        for each in patterns
    ]
    shorter = max(np.linalg.norm(each.vectors, axis=1).min() for each in patterns)
    signal, _ = simulate.micrograph(
        lattices,
        boundary=labels,
        column_width=COLUMN_WIDTH,
        dose=dose,
        jitter=JITTER * math.sqrt(AREA_OF_COLUMN) / shorter,
        seed=seed,
    )
    return signal.data, patterns
