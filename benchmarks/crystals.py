# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that share a lattice, and crystals that are distorted.

Run it where the package is installed ::

    python benchmarks/crystals.py [--doses 30 3] [--seeds 2]

For each kind of frame and each dose (counts at a column's peak), the mean IoU of the
labels when the number of patterns is told, and in how many frames "auto" finds it. The
frames are of 512 x 512 pixels:

- polar: two domains, cells of 20 px, the second column of 0.6 off-centre by 6 % of
  the cell, either way;
- ordered: blocks of 80 to 150 px in a matrix, cells of 17 px, columns of 1.2 and 0.8
  in the blocks and of 1.0 in the matrix;
- antiphase: the same, with the stronger column on either site: one pattern;
- drift: one crystal, strained along the slow axis by -1.8 to 1.2 % and sheared by up
  to 2.5 %, times 0, 0.5, 1 and 2;
- tilt: two grains, 3 degrees apart;
- inversion: two grains, hexagonal and square cells of 12 px, 11 degrees apart; the
  contrast of both is a cosine of a period of 330 px.
"""

import argparse
import logging

import hyperspy.api as hs
import numpy as np
from accuracy_measures import mean_iou
from scipy import ndimage

import hyperspy_symseg  # noqa: F401  adds the method
from hyperspy_symseg.simulate import Lattice, micrograph, regions

N = 512
COLUMN_WIDTH, BACKGROUND, JITTER = 2.0, 0.25, 0.02


def on_one_lattice(side, motifs, labels, dose, seed):
    """Frame of a square lattice, the motif of which depends on where a column is.

    Parameters
    ----------
    side : float
        Of the cell, in pixels.
    motifs : list of list of (float, float, float)
        Fractions of the lattice vectors, and weight, for each label.
    labels : (rows, columns) numpy.ndarray of int
    dose : float
    seed : int

    Returns
    -------
    (rows, columns) numpy.ndarray of float32
    """
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0, np.pi / 2)
    sine, cosine = np.sin(turn), np.cos(turn)
    vectors = side * np.array([[sine, cosine], [cosine, -sine]])
    corners = np.mgrid[-60:61, -60:61].reshape(2, -1).T + rng.uniform(size=2)
    places, weights = [], []
    for label, motif in enumerate(motifs):
        for *fractions, weight in motif:
            found = (corners + fractions) @ vectors + N / 2
            pixels = np.clip(np.rint(found), 0, N - 1).astype(int)
            near = (np.abs(found - N / 2) < N / 2 + 20).all(axis=1)
            own = near & (labels[tuple(pixels.T)] == label)
            places.append(found[own])
            weights.append(np.full(own.sum(), weight))
    places = np.concatenate(places)
    places += rng.normal(0, JITTER * side, places.shape)
    frame = np.zeros(labels.shape)
    for weight in np.unique(np.concatenate(weights)):
        own = places[np.concatenate(weights) == weight]
        rows, columns = (
            np.exp(-((np.arange(N) - place[:, np.newaxis]) ** 2) / 2 / COLUMN_WIDTH**2)
            for place in own.T
        )
        frame += weight * rows.T @ columns
    return rng.poisson(dose * (BACKGROUND + frame)).astype(np.float32)


def polar(dose, seed):
    """Two polar domains: frame and labels."""
    labels = regions((N, N), 2, "curved", seed=seed)
    motifs = [[(0, 0, 1), (0.5 + off, 0.5, 0.6)] for off in (0.06, -0.06)]
    return on_one_lattice(20, motifs, labels, dose, seed), labels


def precipitates(seed):
    """Rectangles that do not touch, with the label 0 in a matrix of 1."""
    rng, labels = np.random.default_rng((seed, 6)), np.ones((N, N), int)
    for _ in range(200):
        sides = rng.integers(80, 151, 2)
        first = rng.integers(10, N - 10 - sides)
        around = tuple(map(slice, np.maximum(first - 25, 0), first + sides + 25))
        if labels[around].all():
            labels[tuple(map(slice, first, first + sides))] = 0
    return labels


def ordered(dose, seed, antiphase=False):
    """Ordered precipitates: frame and labels."""
    labels = precipitates(seed)
    sites = labels * 2
    if antiphase:
        sites[labels == 0] = ndimage.label(labels == 0)[0][labels == 0] % 2
    pairs = (1.2, 0.8), (0.8, 1.2), (1.0, 1.0)
    motifs = [[(0, 0, one), (0.5, 0.5, other)] for one, other in pairs]
    return on_one_lattice(17, motifs, sites, dose, seed), labels


def drift(dose, seed, amount):
    """One crystal, as a scan that drifts records it: frame and labels."""
    rng, side, rows = np.random.default_rng(seed), 24.8, np.arange(N) / N
    strain = np.interp(rows, [0, 0.2, 0.45, 0.7, 1], [-18, -16, 2, 12, 1])
    shear = np.interp(rows, [0, 0.15, 0.45, 0.75, 1], [25, 10, -3, 6, 13])
    y = np.cumsum(1 + amount * strain / 1000)[:, np.newaxis]
    x = np.cumsum(amount * shear / 1000) + np.cumsum(rng.normal(0, 0.02, N))
    x = x[:, np.newaxis] + np.arange(N)
    frame = np.zeros((N, N))
    for at, weight in ((0, 1.0), (0.5, 0.45)):
        off = [(places / side - at + 0.5) % 1 - 0.5 for places in (y, x)]
        frame += weight * np.exp(-(off[0] ** 2 + off[1] ** 2) / 2 / 0.115**2)
    frame = rng.poisson(dose * (BACKGROUND + frame)).astype(np.float32)
    return frame, np.zeros((N, N), int)


def tilt(dose, seed):
    """Two grains, 3 degrees apart: frame and labels."""
    grain = Lattice.square(12, 7)
    signal, truth = micrograph([grain, grain.rotated(3)], dose=dose, seed=seed)
    return signal.data, truth.data


def inversion(dose, seed):
    """Two grains under fringes that invert the contrast: frame and labels."""
    rng = np.random.default_rng((seed, 9))
    labels = regions((N, N), 2, "curved", seed=seed)
    pixels, grains = np.mgrid[:N, :N], []
    for spacing, angles in ((12 * 0.75**0.5, (3, 63, 123)), (12, (14, 104))):
        # Three waves have a maximum in common.
        first, last = rng.uniform(0, 1, 2)
        phases = (first, first + last, last) if len(angles) == 3 else (first, last)
        waves = [
            np.cos(2 * np.pi * (_along(angle, pixels) / spacing + phase))
            for angle, phase in zip(angles, phases, strict=True)
        ]
        grains.append(sum(waves) / len(waves))
    turn, phase = rng.uniform(0, 360), rng.uniform()
    contrast = np.cos(2 * np.pi * (_along(turn, pixels) / 330 + phase))
    intensities = 1 + 0.5 * contrast * np.choose(labels, grains)
    return rng.poisson(dose / 1.5 * intensities).astype(np.float32), labels


def _along(degrees, pixels):
    """Distances of pixels (2, rows, columns) along an axis."""
    angle = np.deg2rad(degrees)
    return pixels[0] * np.sin(angle) + pixels[1] * np.cos(angle)


FRAMES = {
    "polar": polar,
    "ordered": ordered,
    "antiphase": lambda dose, seed: ordered(dose, seed, antiphase=True),
    **{
        f"drift x {amount}": lambda dose, seed, amount=amount: drift(dose, seed, amount)
        for amount in (0, 0.5, 1, 2)
    },
    "tilt": tilt,
    "inversion": inversion,
}


def measure(name, dose, seeds):
    """Mean IoU, and the number of frames in which "auto" is right: (float, int)."""
    ious, right = [], 0
    for seed in range(seeds):
        frame, labels = FRAMES[name](dose, seed)
        signal, n_patterns = hs.signals.Signal2D(frame), int(labels.max()) + 1
        found = signal.segment_symmetry(n_patterns, show_progressbar=False)
        ious.append(mean_iou(found.data, labels))
        auto = signal.segment_symmetry("auto", show_progressbar=False)
        right += auto.n_patterns == n_patterns
    return np.mean(ious), right


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--doses", type=float, nargs="+", default=(30, 3))
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    logging.getLogger("hyperspy_symseg").setLevel("ERROR")
    print("| frame | dose | mean IoU, number told | number found |\n|---|---|---|---|")
    for name in FRAMES:
        for dose in options.doses:
            iou, right = measure(name, dose, options.seeds)
            found = f"{right} of {options.seeds}"
            print(f"| {name} | {dose:g} | {iou:.3f} | {found} |", flush=True)


if __name__ == "__main__":
    main()
