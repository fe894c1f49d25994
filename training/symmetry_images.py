# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated images of the five Bravais lattices and of none, drawn at random.

An image has 128 x 128 pixels, and counts. Lattices have any orientation; the root of
the area of their primitive cell is 9 to 20 pixels. A cell has one to three columns,
anywhere. The class is that of the metric: a strain of 6 % or more parts a lattice from
all those of other classes but oblique. Half of the images without a lattice are empty,
the others have columns at random.
"""

import math
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.lattice.bravais import distance, reduced_cell
from hyperspy_symseg.lattice.plane_groups import CELLS
from hyperspy_symseg.networks.symmetry_network import CLASSES, SIDE
from hyperspy_symseg.simulate import Amorphous, Lattice
from hyperspy_symseg.simulate.imaging import Imaging

# Second numbers of the seed, of images that are drawn for one of these.
TRAINING, CALIBRATION, VALIDATION = range(3)
# Root of the area of the primitive cell, and width of columns: in pixels.
SPACINGS, WIDTHS = (9.0, 20.0), (1.5, 2.6)
# How much longer than wide cells are, at most: primitive, and conventional ones.
LONGEST, LONGEST_CENTRED = 2.5, 3.5
# Counts at the centre of a column, drawn uniformly on a scale of logarithms.
DOSES = 0.3, 30.0
MOST_COLUMNS, WEIGHTS = 3, (0.4, 1.0)
JITTER, BACKGROUND, RAMP = 0.02, 0.25, 0.25
# Strain to the lattices of other classes, at least.
APART = 0.06
# Columns of a cell that are nearer than this many widths are not seen as two.
RESOLVED, TRIALS = 2.0, 20
# Share of the power up to a frequency, in cycles a pixel, that nodes which a smaller
# cell lacks have, at least: else the cell is not primitive.
PRIMITIVE, HIGHEST = 0.02, 0.25


class Drawn(NamedTuple):
    """An image, and what is true of it.

    Attributes
    ----------
    image : (128, 128) numpy.ndarray of uint16
    kind : str
        One of `CLASSES`.
    vectors : (2, 2) numpy.ndarray of float64 or None
        Of the primitive cell.
    dose : float
    """

    image: np.ndarray
    kind: str
    vectors: np.ndarray | None
    dose: float


def draw(kind, seed):
    """Draw an image of a class.

    Parameters
    ----------
    kind : str
        One of `CLASSES`.
    seed : int or sequence of int

    Returns
    -------
    Drawn
    """
    rng = np.random.default_rng(seed)
    dose = float(np.exp(rng.uniform(*np.log(DOSES))))
    width = rng.uniform(*WIDTHS)
    imaging = Imaging(width, dose, BACKGROUND, RAMP, JITTER)
    shape, vectors = (SIDE, SIDE), None
    if kind == "none":
        grains = _without_lattice(shape, imaging, rng)
    else:
        lattice = _lattice(kind, width, rng)
        vectors = np.array(lattice.vectors)
        origin = rng.uniform(size=2) @ vectors
        sites, steps, weights = imaging.columns(lattice, shape, origin, rng)
        grains = [(sites + steps, weights)]
    frame = imaging.draw(grains, shape, rng.uniform(0, 2 * math.pi))
    return Drawn(imaging.expose(frame, rng), kind, vectors, dose)


def _without_lattice(shape, imaging, rng):
    """Columns at random, or none: list of (positions, weights)."""
    if rng.random() < 0.5:
        return []
    density = rng.integers(1, MOST_COLUMNS + 1) / rng.uniform(*SPACINGS) ** 2
    # Independent ones, or some that keep off each other.
    apart = rng.choice([0.0, 0.8]) / math.sqrt(density)
    positions = Amorphous(density, apart).columns(*imaging.reach(shape), rng)
    return [(positions, rng.uniform(*WEIGHTS, len(positions)))]


def _lattice(kind, width, rng):
    """A lattice of a Bravais type with a motif: Lattice."""
    while True:
        vectors = rng.uniform(*SPACINGS) * _cell(kind, rng)
        motif = _motif(vectors, width, rng)
        if _is_primitive(vectors, motif, width):
            return Lattice(vectors, motif)


def _cell(kind, rng):
    """Vectors (y, x) of a primitive cell of the area 1, turned at random."""
    while True:
        if kind == "oblique":
            u, v = rng.uniform(0, 0.5), rng.uniform(0.85, LONGEST)
        else:
            u, v = {
                "rectangular": (0, rng.uniform(1, LONGEST)),
                "centred rectangular": (0, rng.uniform(1, LONGEST_CENTRED)),
                "square": (0, 1),
                "hexagonal": (-0.5, math.sqrt(3) / 2),
            }[kind]
        vectors = np.array([[0.0, 1.0], [v, u]])
        if kind == "centred rectangular":
            vectors = np.array([[v / 2, 0.5], [v / 2, -0.5]])
        shape = reduced_cell(vectors).shape
        others = [
            cell
            for cell, (other, _) in CELLS.items()
            if other not in (kind, "oblique")
            # These are of more symmetry than the lattices they are among.
            and kind not in ("square", "hexagonal")
        ]
        if all(abs(distance(shape, cell)) > APART for cell in others):
            break
    vectors /= math.sqrt(abs(np.linalg.det(vectors)))
    angle = rng.uniform(0, 2 * math.pi)
    cos, sin = math.cos(angle), math.sin(angle)
    return vectors @ [[cos, sin], [-sin, cos]]


def _motif(vectors, width, rng):
    """Columns of a cell, apart from each other: list of (float, float, float)."""
    n = rng.integers(1, MOST_COLUMNS + 1)
    steps = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    found = [np.zeros(2)]
    for _ in range(TRIALS):
        if len(found) == n:
            break
        new = rng.random(2)
        away = ((new - found)[:, np.newaxis] + steps) @ vectors
        if np.hypot(*np.moveaxis(away, -1, 0)).min() > RESOLVED * width:
            found.append(new)
    return [(*place, rng.uniform(*WEIGHTS)) for place in found]


def _is_primitive(vectors, motif, width):
    """Whether no smaller cell has all but a little of the power: bool."""
    motif = np.array(motif)
    reciprocal = np.linalg.inv(vectors).T
    numbers = np.arange(-12, 13)
    indices = np.stack(np.meshgrid(numbers, numbers), axis=-1).reshape(-1, 2)
    squares = ((indices @ reciprocal) ** 2).sum(axis=1)
    used = (squares > 0) & (squares < HIGHEST**2)
    indices, squares = indices[used], squares[used]
    waves = np.exp(-2j * math.pi * indices @ motif[:, :2].T) @ motif[:, 2]
    powers = np.abs(waves) ** 2 * np.exp(-4 * math.pi**2 * width**2 * squares)
    for prime in range(2, len(motif) + 1):
        for h in range(prime):
            for k in range(prime):
                off = indices @ (h, k) % prime != 0
                if (h, k) != (0, 0) and powers[off].sum() < PRIMITIVE * powers.sum():
                    return False
    return True


def draw_many(n, seed):
    """Draw a number of images of each class.

    Parameters
    ----------
    n : int
        Images of a class.
    seed : int or sequence of int

    Yields
    ------
    Drawn
        Class after class in turn, the first of each, and so on.
    """
    seed = np.atleast_1d(seed).tolist()
    for i in range(n):
        for k, kind in enumerate(CLASSES):
            yield draw(kind, (*seed, k, i))
