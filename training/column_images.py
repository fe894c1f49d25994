# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated frames with atomic columns at places that are known, drawn at random.

A frame shows one or two of: a lattice with one to four columns a cell, dumbbells,
columns at random that keep off each other, and vacuum, which meet in a straight or
round line. Lattices are strained, bent and jittered, and have vacancies; lines of the
scan may be off. All lengths follow from the width of a column.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from hyperspy_symseg.simulate import Amorphous, Lattice
from hyperspy_symseg.simulate.imaging import Imaging

# Second numbers of the seed, of frames that are drawn for one of these.
TRAINING, CALIBRATION, VALIDATION = range(3)
# Frames that are held out: pixels along each side, fewest columns, weight of the
# weakest, and distance of columns in widths, at least.
HELD_OUT_SIDE = 128
USUAL_COLUMNS, USUAL_WEIGHT, USUAL_DISTANCE = 20, 0.3, 3.5
# Standard deviation of a column, in pixels: somewhat more than what the scale leaves.
WIDTHS = 1.1, 2.7
# Root of the area of a column, in widths; and the distance in a dumbbell.
SPACINGS, DUMBBELLS = (3.3, 9.0), (2.2, 4.0)
# Counts at the centre of a column of weight 1, on a scale of logarithms, on which a
# uniform share is raised to this power: faint frames are the harder ones.
DOSES, FAINTER = (0.2, 2000.0), 1.3
# Least distance without a lattice, in roots of the area of a column, and columns in a
# square with that side, at most: for more, there may be no room in a small frame.
APART, CROWDED = (0.5, 0.8), 0.6
# Counts of the weakest columns of a frame, and their weights, at least and at most:
# what nobody can see is not to be found.
LEAST_COUNTS, WEAKEST = 1.0, (0.03, 0.4)
BACKGROUND, RAMP = 0.5, 0.25
# Columns that are nearer than this many widths are not seen as two.
RESOLVED = 1.8
# Share of the frames with: nothing, a second kind of columns, no lattice, vacuum.
EMPTY, SECOND, AMORPHOUS, VACUUM = 0.06, 0.3, 0.4, 0.4
LATTICES = "square", "hexagonal", "honeycomb", "dumbbell", "oblique"


class Drawn(NamedTuple):
    """A frame, and what is true of it.

    Attributes
    ----------
    image : (rows, columns) numpy.ndarray of float32
        Bright columns.
    columns : (n, 3) numpy.ndarray of float64
        Position (y, x) in pixels, and weight; those in the frame.
    dose : float
    width : float
    frame : (rows, columns) numpy.ndarray of float32
        Without noise, the centre of a column of weight 1 being 1 above the background.
    """

    image: np.ndarray
    columns: np.ndarray
    dose: float
    width: float
    frame: np.ndarray

    def exposed_again(self, rng):
        """The same with other noise: Drawn."""
        return self._replace(image=_exposed(self.frame, self.dose, rng))


def uniform_log(rng, low, high, power=1.0):
    """A number, uniform on a scale of logarithms, or as a power of that: float."""
    return low * (high / low) ** (rng.random() ** power)


def draw(side, seed):
    """Draw a frame.

    Parameters
    ----------
    side : int
        Of the frame, in pixels.
    seed : int or sequence of int

    Returns
    -------
    Drawn
    """
    rng = np.random.default_rng(seed)
    width, dose = uniform_log(rng, *WIDTHS), uniform_log(rng, *DOSES, FAINTER)
    weakest = min(max(LEAST_COUNTS / dose, WEAKEST[0]), WEAKEST[1])
    imaging = Imaging(width, dose, 0, 0, 0)
    is_inside = _vacuum(side, weakest, rng)
    columns = np.empty((0, 3))
    if rng.random() >= EMPTY:
        columns = _columns(side, weakest, imaging, rng)
        columns[:, 2] *= is_inside(*columns[:, :2].T)
        columns = columns[columns[:, 2] > 0]
        columns = columns[_apart(columns, RESOLVED * width)]
    clean = _drawn(columns, width * rng.uniform(0.93, 1.07, len(columns)), side)
    background = _background(side, is_inside, rng)
    frame = clean + background
    if rng.random() < 0.2:
        frame = _shifted_lines(frame, uniform_log(rng, 0.1, 0.6) * width, rng)
    image = _exposed(frame, dose, rng)
    inside = ((columns[:, :2] >= -0.5) & (columns[:, :2] < side - 0.5)).all(axis=1)
    return Drawn(image, columns[inside], dose, width, frame.astype(np.float32))


def _columns(side, weakest, imaging, rng):
    """Columns of one or two kinds that meet in a line: (n, 3) array."""
    spacing = rng.uniform(*SPACINGS) * imaging.column_width
    columns = _of_one_kind(side, spacing, weakest, imaging, rng)
    if rng.random() < SECOND:
        other = spacing * rng.uniform(0.8, 1.25)
        other = max(other, SPACINGS[0] * imaging.column_width)
        others = _of_one_kind(side, other, weakest, imaging, rng)
        is_first = _region(side, rng)
        columns = np.concatenate(
            [
                columns[is_first(*columns[:, :2].T)],
                others[~is_first(*others[:, :2].T)],
            ]
        )
    if rng.random() < 0.3:
        share = rng.uniform(0, 0.2)
        columns = columns[rng.random(len(columns)) >= share]
    if rng.random() < 0.25:
        # Thicker here than there.
        y, x = columns[:, :2].T / side
        low = uniform_log(rng, weakest, 0.7)
        angle = rng.uniform(0, 2 * math.pi)
        along = np.sin(angle) * (y - 0.5) + np.cos(angle) * (x - 0.5) + 0.5
        columns[:, 2] *= np.exp(np.log(low) * np.clip(along, 0, 1))
    scatter = rng.choice([0, 0.05, 0.2])
    columns[:, 2] *= np.exp(rng.normal(0, scatter, len(columns)))
    return columns


def _of_one_kind(side, spacing, weakest, imaging, rng):
    """Columns of a lattice, or at random: (n, 3) array."""
    shape = (side, side)
    if rng.random() < AMORPHOUS:
        low, high = imaging.reach(shape)
        apart = rng.uniform(*APART) * spacing
        density = min(spacing**-2, CROWDED * apart**-2)
        columns = Amorphous(density, apart).columns(low, high, rng)
        weights = np.ones(len(columns))
        if rng.random() < 0.4:
            lowest = uniform_log(rng, weakest, 0.8)
            weights = np.exp(np.log(lowest) * rng.random(len(columns)))
        return np.column_stack([columns, weights])
    lattice = _lattice(spacing, imaging.column_width, weakest, rng)
    origin = rng.uniform(size=2) @ np.array(lattice.vectors)
    columns, _, weights = imaging.columns(lattice, shape, origin, rng, 0.1 * side)
    columns = _bent(columns, side, rng) if rng.random() < 0.3 else columns
    jitter = rng.choice([0, 0.02, 0.05, 0.08]) * spacing
    columns = columns + rng.normal(0, jitter, columns.shape)
    return np.column_stack([columns, weights])


def _lattice(spacing, width, weakest, rng):
    """A lattice of columns, each with an area of the spacing squared: Lattice."""
    kind, turn = rng.choice(LATTICES), rng.uniform(0, 360)
    # The weights of the second and of further columns.
    others = [1.0] * 3
    if rng.random() < 0.7:
        others = [uniform_log(rng, weakest, 1) for _ in others]
    if kind == "square":
        # Or a checkerboard of two.
        motif = [(0, 0, 1), (0.5, 0.5, others[0])][: rng.integers(1, 3)]
        return Lattice.square(spacing * math.sqrt(len(motif)), turn, motif)
    if kind == "hexagonal":
        return Lattice.hexagonal(spacing * 3**-0.25 * math.sqrt(2), turn)
    if kind == "honeycomb":
        motif = [(1 / 3, 2 / 3, 1), (2 / 3, 1 / 3, others[0])]
        return Lattice.hexagonal(2 * spacing * 3**-0.25, turn, motif)
    longer, angle = rng.uniform(1, 1.8), rng.choice([90, rng.uniform(60, 120)])
    n = 1
    if kind == "dumbbell":
        n = 2
    elif rng.random() < 0.6:
        n = rng.integers(2, 5)
    area = n * spacing**2
    a = math.sqrt(area / longer / math.sin(math.radians(angle)))
    bare = Lattice.oblique(a, longer * a, angle, turn)
    if kind == "dumbbell":
        apart = min(rng.uniform(*DUMBBELLS) * width, 0.5 * a)
        way = rng.uniform(0, 2 * math.pi)
        step = apart * np.array([math.sin(way), math.cos(way)])
        u, v = step @ np.linalg.inv(bare.vectors)
        motif = [(0, 0, 1), (u, v, others[0])]
    else:
        motif = _motif(np.array(bare.vectors), n, 0.7 * spacing, rng)
        motif = [(*at, w) for at, w in zip(motif, [1.0, *others], strict=False)]
    return Lattice(bare.vectors, motif)


def _motif(vectors, n, apart, rng):
    """Up to n places in a cell that keep off each other: list of (2,) array."""
    steps = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    found = [np.zeros(2)]
    for new in rng.random((10 * n, 2)):
        away = ((new - found)[:, np.newaxis] + steps) @ vectors
        if len(found) < n and (away**2).sum(axis=-1).min() > apart**2:
            found.append(new)
    return found


def _bent(columns, side, rng):
    """Columns displaced by a few waves, with strains up to a tenth: (n, 2) array."""
    moved = columns.copy()
    for _ in range(2):
        length = side * rng.uniform(0.5, 3)
        wave = rng.normal(size=2)
        wave *= 2 * math.pi / length / np.linalg.norm(wave)
        strain = rng.uniform(0, 0.1, 2) * rng.choice([-1, 1], 2)
        phase = rng.uniform(0, 2 * math.pi)
        moved += strain / np.linalg.norm(wave) * np.sin(columns @ wave + phase)[:, None]
    return moved


def _region(side, rng):
    """What tells whether places are on one side of a line or circle: callable."""
    centre = rng.uniform(0, side, 2)
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * math.pi)
        ny, nx = math.sin(angle), math.cos(angle)
        return lambda y, x: (y - centre[0]) * ny + (x - centre[1]) * nx > 0
    radius = side * rng.uniform(0.15, 0.6)
    return lambda y, x: np.hypot(y - centre[0], x - centre[1]) < radius


def _vacuum(side, weakest, rng):
    """How much of the columns there is at a place: callable to (...) array, 0 to 1."""
    if rng.random() >= VACUUM:
        return lambda y, x: np.ones(np.broadcast_shapes(y.shape, x.shape))
    is_inside = _region(side, rng)
    if rng.random() < 0.5:
        return lambda y, x: is_inside(y, x).astype(float)
    # A particle, which is thinner at its rim.
    centre, radius = rng.uniform(0, side, 2), side * rng.uniform(0.1, 0.7)
    corners = rng.integers(3, 9) if rng.random() < 0.5 else 0
    turn, rim = rng.uniform(0, 2 * math.pi), uniform_log(rng, weakest, 1)

    def height(y, x):
        away, angle = (
            np.hypot(y - centre[0], x - centre[1]) / radius,
            np.arctan2(y - centre[0], x - centre[1]) + turn,
        )
        if corners:
            turned = (angle % (2 * math.pi / corners)) - math.pi / corners
            away = away * np.cos(turned) / math.cos(math.pi / corners)
        return np.where(away < 1, 1 + (rim - 1) * away, 0)

    return height


def _apart(columns, distance):
    """Which columns have no brighter one within a distance: (n,) array of bool."""
    order = np.argsort(-columns[:, 2])
    pairs = cKDTree(columns[order, :2]).query_pairs(distance, output_type="ndarray")
    kept = np.ones(len(columns), bool)
    # In the order of the weaker one: what is stronger is settled by then.
    for i, j in pairs[np.argsort(pairs[:, 1], kind="stable")]:
        kept[j] &= not kept[i]
    found = np.empty_like(kept)
    found[order] = kept
    return found


def _drawn(columns, widths, side):
    """Gaussian columns: (side, side) array."""
    places = np.arange(side)
    along_y, along_x = (
        np.exp(-0.5 * ((places - columns[:, i : i + 1]) / widths[:, np.newaxis]) ** 2)
        for i in range(2)
    )
    return (along_y.T * columns[:, 2]) @ along_x


def _background(side, is_inside, rng):
    """What is below the columns: (side, side) array."""
    y, x = np.mgrid[:side, :side]
    angle = rng.uniform(0, 2 * math.pi)
    plane = (y * math.sin(angle) + x * math.cos(angle)) / side
    ramp = 1 + rng.uniform(0, 2 * RAMP) * (plane - plane.mean())
    found = np.full((side, side), rng.uniform(0, BACKGROUND))
    if rng.random() < 0.5:
        found *= 0.1 + 0.9 * is_inside(y, x)
    if rng.random() < 0.15:
        # A support of uneven thickness.
        rough = ndimage.gaussian_filter(rng.normal(size=(side, side)), side / 10)
        found += rng.uniform(0, 0.6) * np.clip(1 + rough / rough.std(), 0, None) / 2
    return found * ramp


def _shifted_lines(frame, most, rng):
    """Frame whose rows are off along x, each by its own: (side, side) array."""
    shifts = rng.normal(0, most, len(frame))
    if rng.random() < 0.3:
        shifts = ndimage.gaussian_filter1d(shifts, 2) * 3
    y = np.broadcast_to(np.arange(len(frame))[:, np.newaxis], frame.shape)
    x = np.arange(frame.shape[1]) + shifts[:, np.newaxis]
    return ndimage.map_coordinates(frame, [y, x], order=3, mode="nearest").clip(0)


def _exposed(frame, dose, rng):
    """Frame with noise: (side, side) array of float32."""
    kind = rng.random()
    if kind < 0.8:
        found = rng.poisson(frame * dose)
    elif kind < 0.9:
        # As many counts fewer as there would be more.
        high = frame.max() + uniform_log(rng, 0.05, 1)
        found = -rng.poisson((high - frame) * dose).astype(float)
    else:
        noise = rng.normal(0, 1, frame.shape)
        if rng.random() < 0.5:
            # Neighbours share some of it, as in frames that were resampled.
            noise = ndimage.gaussian_filter(noise, rng.uniform(0.3, 0.7))
            noise /= noise.std()
        found = frame * dose + noise * math.sqrt(dose * frame.mean() + 1e-6)
    return found.astype(np.float32)


def draw_many(n, seed):
    """Draw a number of usual frames that are not trained on.

    They have some columns, which are apart, and none is much weaker than the others.

    Parameters
    ----------
    n : int
    seed : int or sequence of int

    Yields
    ------
    Drawn
    """
    seed = np.atleast_1d(seed).tolist()
    found = (draw(HELD_OUT_SIDE, (*seed, i)) for i in itertools.count())
    yield from itertools.islice(filter(_is_usual, found), n)


def _is_usual(drawn):
    """Whether a frame has columns enough, alike and apart: bool."""
    columns = drawn.columns
    if len(columns) < USUAL_COLUMNS or columns[:, 2].min() < USUAL_WEIGHT:
        return False
    tree = cKDTree(columns[:, :2])
    return not tree.query_pairs(USUAL_DISTANCE * drawn.width)
