# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated frames of crystals that share a lattice, or that are distorted.

Frames are of 512 x 512 pixels. Each is a `Scene`: what it looks like without noise,
what it would look like if one motif filled it, and the truth. Columns are 2 pixels
wide, and the background is a quarter of a column's peak, if nothing else is said.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from hyperspy_symseg.simulate import Amorphous, Lattice, micrograph, regions

N = 512
COLUMN_WIDTH, BACKGROUND, JITTER = 2.0, 0.25, 0.02
# Of the perovskite-like crystals: columns, and the width of these over the cell's side.
PEROVSKITE, PEROVSKITE_WIDTH = ((0, 0, 1.0), (0.5, 0.5, 0.45)), 0.115


class Scene(NamedTuple):
    """A frame without noise, and what is known of it.

    Attributes
    ----------
    intensities : numpy.ndarray of float64, shape (rows, columns)
        In units of the peak of a column of weight 1.
    motifs : list of numpy.ndarray, the same shape
        Intensities if one motif filled the frame, with the same distortion.
    patterns : tuple of int
        The pattern that each motif is of.
    truth : numpy.ndarray of int8, shape (rows, columns)
        Labels of the patterns.
    noise : int or tuple of int
        Seed of the noise.
    """

    intensities: np.ndarray
    motifs: list
    patterns: tuple
    truth: np.ndarray
    noise: int | tuple

    def counts(self, dose):
        """Frame with Poisson noise.

        Parameters
        ----------
        dose : float
            Expected counts, above background, at the centre of a column.

        Returns
        -------
        numpy.ndarray of uint16, shape (rows, columns)
        """
        rng = np.random.default_rng(self.noise)
        return rng.poisson(dose * self.intensities).astype(np.uint16)


def _drawn(places, weights):
    """Frame of Gaussian columns: (rows, columns)."""
    frame = np.full((N, N), BACKGROUND)
    near = (np.abs(places - N / 2) < N / 2 + 10 * COLUMN_WIDTH).all(axis=1)
    along_y, along_x = (
        np.exp(-((np.arange(N) - place[:, np.newaxis]) ** 2) / 2 / COLUMN_WIDTH**2)
        for place in places[near].T
    )
    return frame + along_y.T @ (weights[near, np.newaxis] * along_x)


def on_one_lattice(side, motifs, patterns, sites, seed):
    """Scene of a square lattice, the motif of which depends on where a column is.

    Parameters
    ----------
    side : float
        Of the cell, in pixels.
    motifs : list of list of (float, float, float)
        Fractions of the lattice vectors, and weight; as many columns in each.
    patterns : tuple of int
        The pattern that each motif is of.
    sites : numpy.ndarray of int, shape (rows, columns)
        The motif of a column, by the pixel where it is.
    seed : int

    Returns
    -------
    Scene
    """
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0, np.pi / 2)
    sine, cosine = np.sin(turn), np.cos(turn)
    vectors = side * np.array([[sine, cosine], [cosine, -sine]])
    reach = int(N / side) + 2
    corners = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    corners = corners + rng.uniform(size=2)
    # A column is displaced alike, whatever the motif is.
    steps = rng.normal(0, JITTER * side, (len(motifs[0]), *corners.shape))
    every, places, weights = [], [], []
    for k, motif in enumerate(motifs):
        fractions, weight = np.array(motif)[:, np.newaxis, :2], np.array(motif)[:, 2]
        found = (corners + fractions) @ vectors + N / 2
        pixels = np.clip(np.rint(found), 0, N - 1).astype(int)
        own = sites[tuple(np.moveaxis(pixels, -1, 0))] == k
        weight = np.broadcast_to(weight[:, np.newaxis], own.shape)
        found = found + steps
        every.append(_drawn(found.reshape(-1, 2), weight.ravel()))
        places.append(found[own])
        weights.append(weight[own])
    frame = _drawn(np.concatenate(places), np.concatenate(weights))
    truth = np.array(patterns, np.int8)[sites]
    return Scene(frame, every, patterns, truth, (seed, 1))


def polar(seed):
    """Two polar domains, cells of 20 px, the second column off-centre by 6 %."""
    labels = regions((N, N), seed=seed)
    motifs = [[(0, 0, 1), (0.5 + off, 0.5, 0.6)] for off in (0.06, -0.06)]
    return on_one_lattice(20, motifs, (0, 1), labels, seed)


def precipitates(seed):
    """Rectangles of 80 to 150 px that do not touch, in a matrix of 1: labels."""
    rng, labels = np.random.default_rng((seed, 6)), np.ones((N, N), int)
    for _ in range(200):
        sides = rng.integers(80, 151, 2)
        first = rng.integers(10, N - 10 - sides)
        around = tuple(map(slice, np.maximum(first - 25, 0), first + sides + 25))
        if labels[around].all():
            labels[tuple(map(slice, first, first + sides))] = 0
    return labels


def ordered(seed, antiphase=False):
    """Ordered precipitates, cells of 17 px, the stronger column on one site or both."""
    labels = precipitates(seed)
    if antiphase:
        sites, patterns = labels * 2, (0, 0, 1)
        sites[labels == 0] = ndimage.label(labels == 0)[0][labels == 0] % 2
        pairs = (1.2, 0.8), (0.8, 1.2), (1.0, 1.0)
    else:
        sites, patterns, pairs = labels, (0, 1), ((1.2, 0.8), (1.0, 1.0))
    motifs = [[(0, 0, one), (0.5, 0.5, other)] for one, other in pairs]
    return on_one_lattice(17, motifs, patterns, sites, seed)


def antiphase(seed):
    """Ordered precipitates with the stronger column on either site: one pattern."""
    return ordered(seed, antiphase=True)


def inversion(seed):
    """Two grains, hexagonal and square, whose contrast inverts every 165 px."""
    rng, (y, x) = np.random.default_rng((seed, 9)), np.indices((N, N))
    truth = regions((N, N), seed=seed)

    def wave(direction, period, phase):
        along = y * np.sin(direction) + x * np.cos(direction)
        return np.cos(2 * np.pi * along / period + phase)

    one, other, first, second, across, last = rng.uniform(0, 2 * np.pi, 6)
    turns = np.radians([3, 63, 123])
    # The second of these reflections is the sum of the others.
    phases = zip(turns, (one, one + other, other), strict=True)
    hexagonal = [wave(turn, 12 * np.sqrt(3) / 2, phase) for turn, phase in phases]
    phases = zip(np.radians([14, 104]), (first, second), strict=True)
    square = [wave(turn, 12, phase) for turn, phase in phases]
    fringes = wave(across, 330, last)
    motifs = [
        (1 + 0.5 * fringes * np.mean(waves, axis=0)) / 1.5
        for waves in (hexagonal, square)
    ]
    return Scene(np.choose(truth, motifs), motifs, (0, 1), truth, (seed, 10))


def scene_of_lattices(lattices, labels, seed, width=COLUMN_WIDTH):
    """Scene of a frame that `micrograph` makes.

    Parameters
    ----------
    lattices : list of Lattice and Amorphous
    labels : numpy.ndarray of int8, shape (rows, columns)
    seed : int
        That of `micrograph`.
    width : float
        Standard deviation of a column, in pixels.

    Returns
    -------
    Scene
    """

    def without_noise(boundary):
        options = {"column_width": width, "dose": None, "seed": seed}
        signal, _ = micrograph(lattices, boundary=boundary, **options)
        return signal.data.astype(float)

    motifs = [without_noise(np.full_like(labels, k)) for k in range(len(lattices))]
    patterns = tuple(range(len(lattices)))
    return Scene(without_noise(labels), motifs, patterns, labels, (seed, 2))


def particle(seed):
    """A twinned particle of 300 px on amorphous support."""
    rng = np.random.default_rng((seed, 11))
    turn, a, b = rng.uniform(0, 360), 14, 14 * np.sqrt(2)
    mirror = turn + np.rad2deg(np.arctan2(b, a))
    crystal = Lattice.centred(a, b, turn)
    lattices = [crystal, crystal.mirrored(mirror), Amorphous.like(crystal)]
    y, x = np.indices((N, N)) - (N / 2 + rng.uniform(-50, 50, 2))[:, None, None]
    angle, phases = np.arctan2(y, x), rng.uniform(0, 2 * np.pi, 2)
    rim = np.sin(2 * angle + phases[0]) + np.sin(3 * angle + phases[1])
    # The twins meet in the mirror line, near the centre.
    away = y * np.cos(np.radians(mirror)) - x * np.sin(np.radians(mirror))
    twins = np.where(away < rng.uniform(-25, 25), 0, 1)
    labels = np.where(np.hypot(y, x) < 150 + 5 * rim, twins, 2).astype(np.int8)
    return scene_of_lattices(lattices, labels, int(rng.integers(2**32)))


def long_period(seed):
    """Two grains of a cell of 56 px, 36 degrees apart."""
    rng = np.random.default_rng((seed, 12))
    grain = Lattice.square(56, rng.uniform(0, 360), PEROVSKITE)
    labels = regions((N, N), seed=seed)
    lattices = [grain, grain.rotated(36)]
    return scene_of_lattices(lattices, labels, seed, PEROVSKITE_WIDTH * 56)


def drift(seed, amount=1, turns=(0,)):
    """Crystals of 24.8 px, as a scan that drifts records them, turned by degrees.

    Strained along the slow axis by -1.8 to 1.2 % and sheared by up to 2.5 %, times the
    amount; rows are displaced at random, too.
    """
    rng, rows = np.random.default_rng(seed), np.arange(N) / N
    strain = np.interp(rows, [0, 0.2, 0.45, 0.7, 1], [-18, -16, 2, 12, 1])
    shear = np.interp(rows, [0, 0.15, 0.45, 0.75, 1], [25, 10, -3, 6, 13])
    y = np.cumsum(1 + amount * strain / 1000)[:, np.newaxis]
    x = np.cumsum(amount * shear / 1000) + np.cumsum(rng.normal(0, 0.02, N))
    x = x[:, np.newaxis] + np.arange(N)
    motifs = []
    for turn in np.radians(turns):
        across = y * np.cos(turn) - x * np.sin(turn)
        along = y * np.sin(turn) + x * np.cos(turn)
        frame = np.full((N, N), BACKGROUND)
        for v, u, weight in PEROVSKITE:
            off = [
                (place / 24.8 - at + 0.5) % 1 - 0.5
                for place, at in ((across, v), (along, u))
            ]
            square = (off[0] ** 2 + off[1] ** 2) / PEROVSKITE_WIDTH**2
            frame += weight * np.exp(-square / 2)
        motifs.append(frame)
    n = len(turns)
    truth = regions((N, N), n, seed=seed)
    return Scene(np.choose(truth, motifs), motifs, tuple(range(n)), truth, (seed, 3))


def tilt(seed):
    """Two grains, 3 degrees apart."""
    grain = Lattice.square(12, 7)
    labels = regions((N, N), seed=seed)
    return scene_of_lattices([grain, grain.rotated(3)], labels, seed)
