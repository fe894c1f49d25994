# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated frames of columns whose positions are known: eleven families, and none.

Frames are of 256 x 256 pixels. Columns are Gaussians of 2 pixels; the background is a
quarter of a column's peak; columns are displaced by 2 % of the shortest spacing.
Spacing, orientation and origin are drawn for each frame.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_symseg.simulate import Amorphous, Lattice, regions
from hyperspy_symseg.simulate.imaging import CUTOFF, Imaging

SIDE = 256
COLUMN_WIDTH, BACKGROUND, JITTER = 2.0, 0.25, 0.02
# Spacing of square and hexagonal columns, in widths of a column.
SPACING = 5.5, 6.5
# Of honeycombs, and of the two columns of a dumbbell, over that spacing.
HONEYCOMB, DUMBBELL = 0.75, 7 / 12
SULPHUR = 0.45
# Shares of sites that are vacant: of all, of all, of the lighter columns.
VACANT = {"vacancies": 0.1, "honeycomb": 0.035, "mos2": 0.08}
# Of strained frames: jitter; amplitude in widths, and wavelengths in sides of a frame.
STRAINED, BENDING, WAVES = 0.06, 0.75, (0.8, 1.2)
# Columns of two grains that are nearer than this, in spacings, cannot both be.
TOUCHING = 0.7
# Turn of the second grain against the first, in degrees.
TURN = 20.0, 40.0
# Radius of a particle over the side of the frame, and its thinnest column.
RADIUS, RIM = (0.28, 0.36), 0.2
# Shift of a row of the scan, in widths of a column.
ROW_SHIFT = 0.25
# Counts of frames without columns, and how their mean may vary.
EMPTY_COUNTS, EMPTY_RAMP = (25.0, 2.5, 0.75, 0.25), 0.5


class Scene(NamedTuple):
    """A frame without noise, and what is known of it.

    Attributes
    ----------
    name : str
    seed : int
    intensities : (rows, columns) numpy.ndarray of float64
        In units of the peak of a column of weight 1.
    columns : (n, 2) numpy.ndarray of float64
        Positions (y, x) of those whose centre is in the frame.
    weights : (n,) numpy.ndarray of float64
        Their peaks.
    vacancies : (m, 2) numpy.ndarray of float64
        Where columns are missing.
    spacing : float
        The shortest between two columns, without jitter, in pixels.
    width : float
        Standard deviation of a column, in pixels.
    n_patterns : int
        What a finder may be told.
    """

    name: str
    seed: int
    intensities: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    vacancies: np.ndarray
    spacing: float
    width: float
    n_patterns: int

    def counts(self, dose):
        """Frame with Poisson noise: (rows, columns) of uint16.

        Parameters
        ----------
        dose : float
            Expected counts, above background, at the centre of a column of weight 1.
        """
        rng = np.random.default_rng((self.seed, 21, round(1000 * dose)))
        return rng.poisson(dose * self.intensities).astype(np.uint16)


class Drawn(NamedTuple):
    """Columns of a frame before it is drawn.

    places (n, 2), weights (n,), vacant (n,) bool, spacing; shifts of rows (SIDE,).
    """

    places: np.ndarray
    weights: np.ndarray
    spacing: float
    vacant: np.ndarray | None = None
    shifts: np.ndarray | None = None
    n_patterns: int = 1


def _sites(lattice, width, rng, room=0.0):
    """Sites (n, 2) and weights (n,) of a lattice that reach into the frame."""
    imaging = Imaging(width, None, BACKGROUND, 0.0, 0.0)
    origin = rng.uniform(size=2) @ np.array(lattice.vectors)
    shape = SIDE, SIDE
    sites, _, weights = imaging.columns(lattice, shape, origin, rng, room=room)
    return sites, weights


def _displaced(sites, spacing, rng, jitter=JITTER):
    """Sites with jitter: (n, 2)."""
    return sites + rng.normal(0, jitter * spacing, sites.shape)


def _crystal(lattice, spacing, width, rng, share=0.0, heaviest=np.inf):
    """A crystal that fills the frame, a share of its columns up to a weight vacant."""
    sites, weights = _sites(lattice, width, rng)
    vacant = (rng.uniform(size=len(sites)) < share) & (weights < heaviest)
    return Drawn(_displaced(sites, spacing, rng), weights, spacing, vacant)


def square(spacing, width, rng):
    """Square lattice."""
    return _crystal(Lattice.square(spacing, rng.uniform(0, 360)), spacing, width, rng)


def hexagonal(spacing, width, rng):
    """Hexagonal lattice."""
    lattice = Lattice.hexagonal(spacing, rng.uniform(0, 360))
    return _crystal(lattice, spacing, width, rng)


def _honeycomb(name, lighter, spacing, width, rng):
    """Honeycomb with vacancies, the second column of the cell as light as is given."""
    nearest = HONEYCOMB * spacing
    motif = ((1 / 3, 2 / 3, 1.0), (2 / 3, 1 / 3, lighter))
    lattice = Lattice.hexagonal(np.sqrt(3) * nearest, rng.uniform(0, 360), motif)
    heaviest = 1.0 if lighter < 1 else np.inf
    return _crystal(lattice, nearest, width, rng, VACANT[name], heaviest)


def honeycomb(spacing, width, rng):
    """Honeycomb with vacancies."""
    return _honeycomb("honeycomb", 1.0, spacing, width, rng)


def mos2(spacing, width, rng):
    """Honeycomb of heavy and light columns, some of the light ones missing."""
    return _honeycomb("mos2", SULPHUR, spacing, width, rng)


def dumbbells(spacing, width, rng):
    """Diamond along [110]."""
    nearest = DUMBBELL * spacing
    motif = ((0.0, 0.0, 1.0), (0.0, 0.25, 1.0))
    a, b = 4 * nearest / np.sqrt(2), 4 * nearest
    lattice = Lattice.centred(a, b, rng.uniform(0, 360), motif)
    return _crystal(lattice, nearest, width, rng)


def boundary(spacing, width, rng):
    """Two square grains; where they touch, columns of the first stay."""
    labels = regions((SIDE, SIDE), 2, seed=int(rng.integers(2**31)))
    first = Lattice.square(spacing, rng.uniform(0, 360))
    grains = []
    for k, lattice in enumerate((first, first.rotated(rng.uniform(*TURN)))):
        sites, _ = _sites(lattice, width, rng)
        pixels = np.clip(np.rint(sites).astype(int), 0, SIDE - 1)
        grains.append(_displaced(sites[labels[tuple(pixels.T)] == k], spacing, rng))
    apart, _ = cKDTree(grains[0]).query(grains[1])
    places = np.concatenate([grains[0], grains[1][apart >= TOUCHING * spacing]])
    return Drawn(places, np.ones(len(places)), TOUCHING * spacing, n_patterns=2)


def vacancies(spacing, width, rng):
    """Square lattice with vacancies."""
    lattice = Lattice.square(spacing, rng.uniform(0, 360))
    return _crystal(lattice, spacing, width, rng, VACANT["vacancies"])


def strained(spacing, width, rng):
    """Hexagonal lattice, bent, and with more jitter."""
    room = BENDING * width
    lattice = Lattice.hexagonal(spacing, rng.uniform(0, 360))
    sites, weights = _sites(lattice, width, rng, room)
    lengths = SIDE * rng.uniform(*WAVES, 2)
    phases = rng.uniform(0, 2 * np.pi, 2)
    # Each coordinate by a wave along the other one.
    bent = sites + room * np.sin(2 * np.pi * sites[:, ::-1] / lengths + phases)
    return Drawn(_displaced(bent, spacing, rng, STRAINED), weights, spacing)


def amorphous(spacing, width, rng):
    """As many columns as in a square lattice, without a lattice."""
    kind = Amorphous.like(Lattice.square(spacing))
    low, high = Imaging(width, None, BACKGROUND, 0.0, 0.0).reach((SIDE, SIDE))
    places = kind.columns(low, high, rng)
    return Drawn(places, np.ones(len(places)), kind.distance)


def particle(spacing, width, rng):
    """A round particle in vacuum, thinner at the rim."""
    lattice = Lattice.hexagonal(spacing, rng.uniform(0, 360))
    sites, _ = _sites(lattice, width, rng)
    middle = SIDE / 2 + rng.uniform(-0.1, 0.1, 2) * SIDE
    away = np.linalg.norm(sites - middle, axis=1) / (rng.uniform(*RADIUS) * SIDE)
    sites, away = sites[away < 1], away[away < 1]
    weights = RIM + (1 - RIM) * np.sqrt(1 - away**2)
    return Drawn(_displaced(sites, spacing, rng), weights, spacing, n_patterns=2)


def scan(spacing, width, rng):
    """Square lattice whose rows are displaced by the scan."""
    drawn = square(spacing, width, rng)
    return drawn._replace(shifts=rng.normal(0, ROW_SHIFT * width, SIDE))


FAMILIES = {
    "square": square,
    "hexagonal": hexagonal,
    "honeycomb": honeycomb,
    "mos2": mos2,
    "dumbbells": dumbbells,
    "boundary": boundary,
    "vacancies": vacancies,
    "strained": strained,
    "amorphous": amorphous,
    "particle": particle,
    "scan": scan,
}
# Those whose lattice fills the frame.
NINE = tuple(name for name in FAMILIES if name not in ("amorphous", "particle"))


def image_of(places, weights, width, shifts=None):
    """Sum of Gaussian columns and of the background: (SIDE, SIDE) of float64.

    Parameters
    ----------
    places : (n, 2) numpy.ndarray
    weights : (n,) numpy.ndarray
    width : float
    shifts : (SIDE,) numpy.ndarray, optional
        Of each row along x, in pixels.
    """
    frame, x = np.full((SIDE, SIDE), BACKGROUND), np.arange(SIDE)
    shifts = np.zeros(SIDE) if shifts is None else shifts
    for row, shift in enumerate(shifts):
        near = np.abs(places[:, 0] - row) < CUTOFF * width
        y_off, own = places[near, 0] - row, weights[near]
        x_off = x - (places[near, 1, np.newaxis] + shift)
        across = own * np.exp(-(y_off**2) / 2 / width**2)
        frame[row] += across @ np.exp(-(x_off**2) / 2 / width**2)
    return frame


def scene(name, seed, width=COLUMN_WIDTH):
    """Frame of a family: Scene.

    Parameters
    ----------
    name : str
        Key of `FAMILIES`.
    seed : int
    width : float
        Of a column, in pixels; all lengths go with it.
    """
    rng = np.random.default_rng((seed, 20, list(FAMILIES).index(name)))
    drawn = FAMILIES[name](width * rng.uniform(*SPACING), width, rng)
    vacant = drawn.vacant
    if vacant is None:
        vacant = np.zeros(len(drawn.places), bool)
    places, weights = drawn.places[~vacant], drawn.weights[~vacant]
    inside = _inside(places)
    missing = drawn.places[vacant]
    return Scene(
        name,
        seed,
        image_of(places, weights, width, drawn.shifts),
        places[inside],
        weights[inside],
        missing[_inside(missing)],
        drawn.spacing,
        width,
        drawn.n_patterns,
    )


def _inside(places):
    """Which places (n, 2) are in the frame: (n,) of bool."""
    return ((places > -0.5) & (places < SIDE - 0.5)).all(axis=1)


def empty_frame(seed):
    """Frame of vacuum and noise, without any column: (SIDE, SIDE) of float64.

    Of counts, even or on a ramp, or of Gaussian noise, in turn.
    """
    rng = np.random.default_rng((seed, 22))
    kind = seed % (2 * len(EMPTY_COUNTS) + 1)
    if kind == 2 * len(EMPTY_COUNTS):
        return rng.normal(0, 1, (SIDE, SIDE))
    ramp = EMPTY_RAMP * (kind % 2)
    plane = np.linspace(1 - ramp, 1 + ramp, SIDE)[:, np.newaxis]
    mean = EMPTY_COUNTS[kind // 2] * plane * np.ones(SIDE)
    return rng.poisson(mean).astype(float)
