# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of the 17 plane groups, and pairs that have the same Patterson function.

Positions in pixels are (y, x). Angles are in degrees, from x towards y. Positions in a
cell are fractions (u, v) of the lattice vectors a and b.
"""

import math
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.simulate import Lattice

BAND_LIMIT = 0.17  # cycles per pixel: a cubic spline is off by 0.001 of the contrast
SMOOTHING = 1.3  # pixels: standard deviation of the Gaussian that all is blurred by
IDENTITY = np.eye(2)
SEED = 118  # with which no symmetry that a group lacks comes near by chance


def _centred(*positions):
    return [*positions, *((u + 1 / 2, v + 1 / 2) for u, v in positions)]


# International Tables for Crystallography, volume A: standard settings.
GENERAL_POSITIONS = {
    "p1": lambda u, v: [(u, v)],
    "p2": lambda u, v: [(u, v), (-u, -v)],
    "pm": lambda u, v: [(u, v), (-u, v)],
    "pg": lambda u, v: [(u, v), (-u, v + 1 / 2)],
    "cm": lambda u, v: _centred((u, v), (-u, v)),
    "p2mm": lambda u, v: [(u, v), (-u, -v), (-u, v), (u, -v)],
    "p2mg": lambda u, v: [(u, v), (-u, -v), (-u + 1 / 2, v), (u + 1 / 2, -v)],
    "p2gg": lambda u, v: [
        *[(u, v), (-u, -v)],
        *[(-u + 1 / 2, v + 1 / 2), (u + 1 / 2, -v + 1 / 2)],
    ],
    "c2mm": lambda u, v: _centred((u, v), (-u, -v), (-u, v), (u, -v)),
    "p4": lambda u, v: [(u, v), (-u, -v), (-v, u), (v, -u)],
    "p4mm": lambda u, v: [
        *[(u, v), (-u, -v), (-v, u), (v, -u)],
        *[(-u, v), (u, -v), (v, u), (-v, -u)],
    ],
    "p4gm": lambda u, v: [
        *[(u, v), (-u, -v), (-v, u), (v, -u)],
        *[(-u + 1 / 2, v + 1 / 2), (u + 1 / 2, -v + 1 / 2)],
        *[(v + 1 / 2, u + 1 / 2), (-v + 1 / 2, -u + 1 / 2)],
    ],
    "p3": lambda u, v: [(u, v), (-v, u - v), (-u + v, -u)],
    "p3m1": lambda u, v: [
        *[(u, v), (-v, u - v), (-u + v, -u)],
        *[(-v, -u), (-u + v, v), (u, u - v)],
    ],
    "p31m": lambda u, v: [
        *[(u, v), (-v, u - v), (-u + v, -u)],
        *[(v, u), (u - v, -v), (-u, -u + v)],
    ],
    "p6": lambda u, v: [
        *[(u, v), (-v, u - v), (-u + v, -u)],
        *[(-u, -v), (v, -u + v), (u - v, u)],
    ],
    "p6mm": lambda u, v: [
        *[(u, v), (-v, u - v), (-u + v, -u)],
        *[(-u, -v), (v, -u + v), (u - v, u)],
        *[(-v, -u), (-u + v, v), (u, u - v)],
        *[(v, u), (u - v, -v), (-u, -u + v)],
    ],
}

# The sides are such that some elements of each kind pass through pixels, or within 0.1
# of one, and that glides are whole numbers of pixels, or within 0.13 of one.
OBLIQUE = Lattice(((0, 16), (18, 4)))
RECTANGULAR = Lattice.rectangular(16, 20)
CENTRED = Lattice.rectangular(20, 24)
HEXAGONAL = Lattice.hexagonal(18)
CELLS = {
    **dict.fromkeys(["p1", "p2"], OBLIQUE),
    **dict.fromkeys(["pm", "pg", "p2mm", "p2mg", "p2gg"], RECTANGULAR),
    **dict.fromkeys(["cm", "c2mm"], CENTRED),
    "p4": Lattice.square(16),
    "p4mm": Lattice.square(12 * math.sqrt(2), orientation=45),
    "p4gm": Lattice.square(10 * math.sqrt(2), orientation=45),
    **dict.fromkeys(["p3", "p31m", "p6"], HEXAGONAL),
    "p3m1": Lattice.hexagonal(12 * math.sqrt(3)),
    "p6mm": Lattice.hexagonal(14),
}
GROUPS = tuple(GENERAL_POSITIONS)


def operations(group):
    """General positions W @ (u, v) + w: arrays W (n, 2, 2) and w (n, 2)."""
    positions = GENERAL_POSITIONS[group]
    w = np.array(positions(0, 0), dtype=float)
    return np.stack([positions(1, 0) - w, positions(0, 1) - w], axis=-1), w


def _vectors(group, orientation):
    return np.array(CELLS[group].rotated(orientation).vectors)


def _origin(shape, origin):
    return [n // 2 for n in shape] if origin is None else origin


def fourier_terms(group, orientation=0.0, seed=SEED):
    """Finite Fourier series with the symmetry of a plane group, of variance 1.

    All phases are random that the group leaves free.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    orientation : float
        Angle by which the lattice is turned, in degrees.
    seed : int
        Seed of the phases.

    Returns
    -------
    frequencies : (n, 2) numpy.ndarray
        Along (y, x), in cycles per pixel.
    coefficients : (n,) numpy.ndarray of complex
    """
    largest = range(-6, 7)
    hk = np.array([(h, k) for h in largest for k in largest if (h, k) != (0, 0)])
    vectors = _vectors(group, orientation)
    frequencies = hk @ np.linalg.inv(vectors).T
    squares = (frequencies**2).sum(axis=1)
    used = squares <= BAND_LIMIT**2
    hk, frequencies, squares = hk[used], frequencies[used], squares[used]

    # exp(2 pi i h (W x + w)) is a wave of index h W, and a phase.
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(hk))
    sums = dict.fromkeys(map(tuple, hk), 0)
    for W, w in zip(*operations(group), strict=True):
        waves = np.exp(1j * (phases + 2 * np.pi * hk @ w))
        for index, wave in zip(np.rint(hk @ W).astype(int), waves, strict=True):
            sums[tuple(index)] += wave
            sums[tuple(-index)] += wave.conj()
    coefficients = np.array(list(sums.values()))
    # The amplitudes are smooth, and 0 where the group forbids a wave.
    allowed = np.abs(coefficients) > 1e-9
    coefficients[allowed] /= np.abs(coefficients[allowed])
    coefficients *= allowed * np.exp(-2 * (np.pi * SMOOTHING) ** 2 * squares)
    return frequencies, coefficients / np.linalg.norm(coefficients)


def pattern(group, shape, *, origin=None, orientation=0.0, seed=SEED):
    """Band-limited pattern with the symmetry of a plane group and no other.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    shape : (int, int)
        Rows and columns.
    origin : (float, float), optional
        Where the origin of a cell lies. By default the pixel in the middle.
    orientation, seed
        As in `fourier_terms`.

    Returns
    -------
    (rows, columns) numpy.ndarray of float64
        Of mean 0 and variance 1, over whole cells.
    """
    frequencies, coefficients = fourier_terms(group, orientation, seed)
    y, x = (
        np.exp(2j * np.pi * np.outer(np.arange(n) - first, along))
        for n, first, along in zip(
            shape, _origin(shape, origin), frequencies.T, strict=True
        )
    )
    return ((y * coefficients) @ x.T).real


class Centre(NamedTuple):
    """Rotation centre and the highest fold there."""

    y: float
    x: float
    fold: int


class Line(NamedTuple):
    """Mirror or glide line: a point on it, its angle and its glide, 0 for mirrors."""

    y: float
    x: float
    angle: float
    glide: float


class Elements(NamedTuple):
    """Symmetry elements of a pattern, those nearest to a pixel's centre first.

    Attributes
    ----------
    centres : list of Centre
    mirrors, glides : list of Line
        Glide lines are those that are no mirrors. Their glide is half of the shortest
        lattice vector along them.
    lacking_folds : list of int
        Those of 2, 3, 4, 6 that the group has nowhere.
    lacking_glides : list of (float, float)
        Angle, and half of the shortest lattice vector along it, of mirrors that no
        glide line is parallel to. (Any lattice vector along a mirror is a glide too.)
    """

    centres: list
    mirrors: list
    glides: list
    lacking_folds: list
    lacking_glides: list


def elements(group, shape, *, origin=None, orientation=0.0, margin=32):
    """Symmetry elements of `pattern`, by algebra from the general positions.

    Parameters
    ----------
    group, shape, origin, orientation
        As in `pattern`.
    margin : float
        Elements this near to an edge are left out. Points on lines are those of the
        rest of the frame that are nearest to the centre of a pixel.

    Returns
    -------
    Elements
    """
    vectors = _vectors(group, orientation)
    origin = np.array(_origin(shape, origin), dtype=float)
    pixels = np.argwhere(np.ones(shape, dtype=bool))

    def is_inside(positions):
        return (
            (np.array(positions) >= margin)
            & (positions <= np.subtract(shape, 1 + margin))
        ).all(axis=-1)

    pixels = pixels[is_inside(pixels)]
    # Lattice vectors to everywhere in the frame; a line moves by half of a vector.
    reach = 2 * math.ceil(np.abs((pixels - origin) @ np.linalg.inv(vectors)).max() + 1)
    cells = np.argwhere(np.ones((2 * reach + 1,) * 2, dtype=bool)) - reach

    folds = _folds(group)
    centres = [
        Centre(*position, fold)
        for point, fold in folds.items()
        for position in ((cells + point) @ vectors + origin).round(9).tolist()
        if is_inside(position)
    ]
    lines, halves = _lines(group, vectors, origin, cells)
    points = [
        Line(*_nearest_point(pixels, angle, offset), angle, glide)
        for (angle, offset), glide in lines.items()
        if np.abs(pixels @ _normal(angle) - offset).min() <= 0.5
    ]
    centres.sort(key=_distance_from_pixel)
    points.sort(key=_distance_from_pixel)
    mirrors = [line for line in points if line.glide == 0]
    glides = [line for line in points if line.glide > 0]
    lacking = {line.angle for line in mirrors} - {line.angle for line in glides}
    return Elements(
        centres,
        mirrors,
        glides,
        [n for n in (2, 3, 4, 6) if all(fold % n for fold in folds.values())],
        [(angle, halves[angle]) for angle in sorted(lacking)],
    )


def _folds(group):
    """Rotation centres in a cell, as fractions, and their highest fold."""
    rotations = [
        (W, w) for W, w in zip(*operations(group), strict=True) if np.linalg.det(W) > 0
    ]
    points = {
        tuple((np.linalg.solve(IDENTITY - W, w + np.array([m, n])) % 1).round(9) % 1)
        for W, w in rotations
        if not np.array_equal(W, IDENTITY)
        for m in range(-2, 3)
        for n in range(-2, 3)
    }

    def is_fixed(point, W, w):
        moved = W @ point + w - point
        return np.allclose(moved, moved.round())

    return {point: sum(is_fixed(point, W, w) for W, w in rotations) for point in points}


def _lines(group, vectors, origin, cells):
    """Mirror and glide lines, and half of the shortest lattice vector along them.

    Returns
    -------
    lines : dict of float
        The shortest glide along a line of this angle and offset from pixel (0, 0).
    halves : dict of float
        Of lines of this angle.
    """
    general = list(zip(*operations(group), strict=True))
    lattice = np.concatenate(
        [w + cells for W, w in general if np.array_equal(W, IDENTITY)]
    )
    lines, halves = {}, {}
    for W, w in general:
        if np.linalg.det(W) > 0:
            continue
        along = lattice[(lattice @ W.T == lattice).all(axis=1)] @ vectors
        lengths = np.linalg.norm(along, axis=1)
        lengths[lengths == 0] = np.inf
        y, x = along[lengths.argmin()]
        angle = round(math.degrees(math.atan2(y, x)) % 180, 6) % 180
        halves[angle] = round(lengths.min().item() / 2, 9)
        # The part of the translation along the line is a glide; the other moves it.
        glides = (w + cells) @ (IDENTITY + W).T / 2
        points = (w + cells - glides) / 2 @ vectors + origin
        offsets = (points @ _normal(angle)).round(6).tolist()
        lengths = np.linalg.norm(glides @ vectors, axis=1).round(9).tolist()
        for offset, length in zip(offsets, lengths, strict=True):
            line = angle, offset
            lines[line] = min(lines.get(line, math.inf), length)
    return lines, halves


def _normal(angle):
    return np.array([math.cos(math.radians(angle)), -math.sin(math.radians(angle))])


def _nearest_point(pixels, angle, offset):
    """Point on a line that is nearest to a pixel, and then to the frame's middle."""
    distances = pixels @ _normal(angle) - offset
    from_middle = np.linalg.norm(pixels - pixels.mean(axis=0), axis=1)
    nearest = np.lexsort([from_middle, np.abs(distances).round(6)])[0]
    return (pixels[nearest] - distances[nearest] * _normal(angle)).round(9).tolist()


def _distance_from_pixel(element):
    return round(math.dist(element[:2], np.rint(element[:2])), 6)


def patterson_pairs():
    """Pairs of lattices of the same Patterson function but another plane group.

    In both, some of the columns are moved by a quarter of a lattice vector. Their waves
    are moved by a quarter turn against those of the others, or by none or half a turn
    where there are no others: amplitudes stay as they are, and with them the
    Patterson function. Weights are such that the peak of `micrograph` is near 1.

    Returns
    -------
    dict of (Lattice, Lattice)
        "p1, p2", on an oblique lattice, and "pm, pg", with mirror and glide lines
        along y; the glide is 10 pixels.
    """
    vectors = (0, 18), (20, 5)
    fixed = [(0, 0), (0, 1), (0, 2), (2, 1)]

    def quarters(*columns):
        return Lattice(vectors, [(u / 4, v / 4, 0.85) for u, v in columns])

    p1 = quarters(*fixed, (1, 1), (3, 3))
    p2 = quarters(*fixed, (1, 0), (3, 2))

    pair = [(0, 0.2, 2), (0, 0.7, 2)]
    rows = [
        *[(0, 0, 2), (0.25, 0, 1), (0.75, 0, 1)],
        *[(0.5, 0.5, 2), (0.25, 0.5, 1), (0.75, 0.5, 1)],
    ]

    def rectangular(columns):
        motif = [(u, v, 0.39 * weight) for u, v, weight in columns]
        return Lattice.rectangular(18, 20, motif=motif)

    pm = rectangular([*pair, *rows])
    pg = rectangular([*pair, *[(u + 0.25, v, weight) for u, v, weight in rows]])
    return {"p1, p2": (p1, p2), "pm, pg": (pm, pg)}
