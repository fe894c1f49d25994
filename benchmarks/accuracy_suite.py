# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated frames to measure accuracy on: each case, dose and seed its own.

Cases (a) to (j) are grains of undistorted lattices. Cases (k) to (p), of
`crystal_frames`, are patterns on one lattice, of inverting contrast, without a lattice,
or of few cells; and (q) to (t) are distorted.
"""

from functools import partial

import crystal_frames
import numpy as np

from hyperspy_symseg.simulate import (
    Amorphous,
    Lattice,
    inclusions,
    lamella,
    micrograph,
    regions,
    triple_point,
)

CASES = {
    "a": "square 13 px, 36 degrees apart",
    "b": "hexagonal 12 px, 8 degrees apart",
    "c": "twins of a centred lattice, 14 px",
    "d": "hexagonal against square, 12 px",
    "e": "dumbbells at right angles on one lattice, 15 px",
    "f": "square 12 px against amorphous",
    "g": "square 12 px, 3 degrees apart",
    "h": "twin lamella, 26 to 36 px wide",
    "i": "four square inclusions in a hexagonal matrix, 12 px",
    "j": "three square grains, 13 px",
}
DOSES = (30, 3, 1, 0.3)
CRYSTAL_CASES = {
    "k": "ordered blocks on one lattice, 17 px",
    "l": "ordered blocks on either sublattice, 17 px",
    "m": "polar domains, 20 px",
    "n": "contrast that inverts every 165 px, 12 px",
    "o": "twinned particle of 300 px on amorphous support",
    "p": "square 56 px, 36 degrees apart",
}
DISTORTED_CASES = {
    "q": "two grains of 24.8 px in a scan that drifts",
    "r": "one crystal of 24.8 px in a scan that drifts",
    "s": "the same, half as much",
    "t": "the same, twice as much",
}
# Mean IoU, at each dose, and share of the frames in which "auto" finds the number, that
# the cases are to reach.
ASKED = {
    "k": {30: 0.95, 3: 0.88},
    "l": {30: 0.94, 3: 0.85},
    "m": {30: 0.97, 3: 0.96},
    "n": {30: 0.98, 3: 0.96},
    "o": {30: 0.98, 3: 0.97},
    "p": {30: 0.96, 3: 0.96},
}
ASKED_NUMBER = 0.9
# Expected calibration errors: of all frames but the distorted ones, and of these.
ASKED_CALIBRATION, ASKED_CALIBRATION_DISTORTED = 0.01, 0.03
ALL_CASES = CASES | CRYSTAL_CASES | DISTORTED_CASES
CRYSTAL_DOSES = (30, 3)
# Of one pattern.
SINGLE_CASES = "rst"
# Cases, doses and number of seeds of each kind of frame.
GRAINS, CRYSTALS, DISTORTED = "grains", "crystals", "distorted crystals"
GROUPS = {
    GRAINS: (CASES, DOSES, 3),
    CRYSTALS: (CRYSTAL_CASES, CRYSTAL_DOSES, 5),
    DISTORTED: (DISTORTED_CASES, CRYSTAL_DOSES, 5),
}
SCALED_CASES = "adh"
SCALES = (0.6, 3)
# Standard deviation of a column, in pixels.
COLUMN_WIDTH = 2


def structure(name, seed, scale=1):
    """What a frame of a case is made of.

    Parameters
    ----------
    name, seed, scale
        As for `case`.

    Returns
    -------
    lattices : list of Lattice and Amorphous
    labels : numpy.ndarray of int8, shape (rows, columns)
    frame_seed : int
        That of `micrograph`.
    """
    shape = (512, 512) if scale == 1 else (1024, 1024)
    rng = np.random.default_rng((ord(name), seed))
    frame_seed = int(rng.integers(2**32))
    return *_STRUCTURES[name](shape, scale, frame_seed, rng), frame_seed


def case(name, dose, seed, scale=1):
    """Frame of a case and the truth.

    Parameters
    ----------
    name : str
        Of `ALL_CASES`.
    dose : float
        Expected counts, above background, at the centre of a column; divided by the
        square of the scale, so that the counts in a column are the same at any scale.
    seed : int
    scale : float
        Of all lengths. The frame is of 512 x 512 pixels, or of 1024 x 1024 if the
        scale is not 1.

    Returns
    -------
    frame : numpy.ndarray of uint16, shape (rows, columns)
    truth : numpy.ndarray of int8, shape (rows, columns)
    """
    if name in _SCENES:
        if scale != 1:
            raise ValueError(f"scale must be 1 for the case {name}, not {scale}.")
        scene = _SCENES[name](seed)
        return scene.counts(dose), scene.truth
    lattices, labels, frame_seed = structure(name, seed, scale)
    signal, truth = micrograph(
        lattices,
        boundary=labels,
        column_width=COLUMN_WIDTH * scale,
        dose=dose / scale**2,
        seed=frame_seed,
    )
    return signal.data, truth.data


def scene_of(name, seed):
    """What is known of a frame.

    Parameters
    ----------
    name : str
        Of `ALL_CASES`.
    seed : int

    Returns
    -------
    crystal_frames.Scene
    """
    if name in _SCENES:
        return _SCENES[name](seed)
    return crystal_frames.scene_of_lattices(*structure(name, seed), COLUMN_WIDTH)


def _turn(rng):
    return rng.uniform(0, 360)


def _tilt(make, spacing, *angles):
    """Grains of one lattice, turned by angles from the first."""

    def structure(shape, scale, seed, rng):
        grain = make(spacing * scale, _turn(rng))
        grains = [grain, *(grain.rotated(angle) for angle in angles)]
        return grains, regions(shape, len(grains), seed=seed)

    return structure


def _twins(scale, rng):
    """A crystal and its mirror image in the diagonal of the cell."""
    a, b, turn = 14 * scale, 14 * np.sqrt(2) * scale, _turn(rng)
    crystal = Lattice.centred(a, b, turn)
    return [crystal, crystal.mirrored(turn + np.rad2deg(np.arctan2(b, a)))]


def _phases(scale, rng):
    return [
        Lattice.hexagonal(12 * scale, _turn(rng)),
        Lattice.square(12 * scale, _turn(rng)),
    ]


def _two_twins(shape, scale, seed, rng):
    return _twins(scale, rng), regions(shape, seed=seed)


def _two_phases(shape, scale, seed, rng):
    return _phases(scale, rng), regions(shape, seed=seed)


def _dumbbells(shape, scale, seed, rng):
    turn = _turn(rng)
    motifs = [
        [(0.33, 0.5, 1), (0.67, 0.5, 1)],
        [(0.5, 0.33, 1), (0.5, 0.67, 1)],
    ]
    lattices = [Lattice.square(15 * scale, turn, motif) for motif in motifs]
    return lattices, regions(shape, seed=seed)


def _crystal_and_amorphous(shape, scale, seed, rng):
    crystal = Lattice.square(12 * scale, _turn(rng))
    return [crystal, Amorphous.like(crystal)], regions(shape, seed=seed)


def _twin_lamella(shape, scale, seed, rng):
    width = rng.uniform(26, 36) * scale
    return _twins(scale, rng), lamella(shape, width, seed=seed)


def _inclusions(shape, scale, seed, rng):
    radius = 24 * scale, 40 * scale
    return _phases(scale, rng), inclusions(shape, 4, radius, gap=20 * scale, seed=seed)


def _three_grains(shape, scale, seed, rng):
    grain = Lattice.square(13 * scale, _turn(rng))
    grains = [grain, grain.rotated(25), grain.rotated(55)]
    return grains, triple_point(shape, seed=seed)


_STRUCTURES = {
    "a": _tilt(Lattice.square, 13, 36),
    "b": _tilt(Lattice.hexagonal, 12, 8),
    "c": _two_twins,
    "d": _two_phases,
    "e": _dumbbells,
    "f": _crystal_and_amorphous,
    "g": _tilt(Lattice.square, 12, 3),
    "h": _twin_lamella,
    "i": _inclusions,
    "j": _three_grains,
}
_SCENES = {
    "k": crystal_frames.ordered,
    "l": crystal_frames.antiphase,
    "m": crystal_frames.polar,
    "n": crystal_frames.inversion,
    "o": crystal_frames.particle,
    "p": crystal_frames.long_period,
    "q": partial(crystal_frames.drift, turns=(0, 36)),
    "r": crystal_frames.drift,
    "s": partial(crystal_frames.drift, amount=0.5),
    "t": partial(crystal_frames.drift, amount=2),
}
