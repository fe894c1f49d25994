# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns in simulated focal series to train on: specimens and microscopes at random.

A specimen has several microscopes, as its multislice takes the longest. Images are kept
without noise, which is drawn when they are shown.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import fft
from scipy.spatial import cKDTree

from hyperspy_symseg.networks.hrtem_sites import (
    MOST_ATOMS,
    N_IMAGES,
    PIXEL,
    SERIES,
    SIDE,
    patches_at,
)
from hyperspy_symseg.simulate import hrtem

# Microscopes of a specimen, angstroms of its frame, and what is simulated around it.
MICROSCOPES, SHEET, MARGIN, SLICE = 3, (24.0, 40.0), 9.0, 4.0
# What is around a particle in its frame, in angstroms.
VACUUM = 5.0, 10.0
# How far a site is from where it is looked for, in pixels: all together, and each image
# by itself; and how wrong a defocus is said to be, in angstroms.
OFF, MISALIGNED, FOCUS_ERROR = 0.3, 0.25, 4.0
# Least distance of a place without a column from any, in angstroms, and their share; of
# a metal these are midway between columns that are nearer than this, in angstroms, too.
AWAY, BARE = {"MoS2": 1.3, "metal": 0.75}, 0.12
BETWEEN = 4.2
# Share of the groups that have no place without a column.
COLUMNS_ALONE = 0.5
# Of particles, in angstroms.
RADII = 5.0, 16.0
OPTICS = "spherical_aberration", "astigmatism", "focal_spread", "vibration", "mtf"


class Sites(NamedTuple):
    """Sites of a focal series.

    Attributes
    ----------
    images : (3, rows, columns) numpy.ndarray of float16
        Without noise.
    means : (3,) numpy.ndarray
        Of the images.
    places : (n, 2) numpy.ndarray
    classes : (n,) numpy.ndarray of int
    defoci : (3,) numpy.ndarray
    pixel : float
        In angstroms.
    """

    images: np.ndarray
    means: np.ndarray
    places: np.ndarray
    classes: np.ndarray
    defoci: np.ndarray
    pixel: float

    def group(self, n, rng):
        """Numbers of a site and of those next to it, at most n: array of int."""
        own = np.arange(len(self.places))
        if rng.random() < COLUMNS_ALONE and self.classes.any():
            own = np.flatnonzero(self.classes)
        away = self.places[own] - self.places[rng.choice(own)]
        return own[np.argsort(np.hypot(*away.T), kind="stable")[:n]]

    def seen(self, which, dose, rng):
        """Patches of some sites with noise, and defoci as they are said: two arrays."""
        reach = SIDE * PIXEL / 2 + 2 * self.pixel
        places = self.places[which]
        first = np.floor(places.min(axis=0) - reach / self.pixel).astype(int).clip(0)
        last = np.ceil(places.max(axis=0) + reach / self.pixel).astype(int) + 1
        images = self.images[:, first[0] : last[0], first[1] : last[1]]
        dose = dose * self.pixel**2
        counts = rng.poisson(images.astype(np.float32) * dose).astype(float)
        places = (places - first)[:, np.newaxis]
        places = places + rng.normal(0, OFF, (len(which), 1, 2))
        places = places + rng.normal(0, MISALIGNED, (1, N_IMAGES, 2))
        patches = patches_at(counts, places, self.pixel, self.means * dose)
        return patches, self.defoci + rng.normal(0, FOCUS_ERROR)


def draw(material, seed, n=MICROSCOPES, one_image=False):
    """Sites of a specimen at random, as n microscopes see it.

    Parameters
    ----------
    material : {"MoS2", "metal"}
    seed : int or sequence of int
    n : int
    one_image : bool
        Whether all images of a series are at the same defocus, one of those of a
        series: together they are one image of three times the dose.

    Returns
    -------
    list of Sites
    """
    rng = np.random.default_rng(seed)
    own = SERIES[material]
    pixel = rng.uniform(*own["pixel_size"])
    voltage = float(rng.choice(own["voltage"]))
    specimen, side = SPECIMENS[material](rng)
    shape = (math.ceil(side / pixel),) * 2
    margin = math.ceil(MARGIN / pixel)
    whole = (fft.next_fast_len(shape[0] + 2 * margin),) * 2
    moved = specimen.positions + np.array([margin * pixel] * 2 + [0])
    wave = hrtem.exit_wave(
        replace(specimen, positions=moved),
        voltage,
        whole,
        pixel,
        slice_thickness=SLICE,
    )
    truth = specimen.true_columns(shape, pixel)
    bare = _bare(truth.positions, shape, material, pixel, rng)
    places = np.concatenate([truth.positions, bare])
    classes = np.concatenate([class_of(truth, material), np.zeros(len(bare), int)])
    inner = tuple(slice(margin, margin + n) for n in shape)
    found = []
    for _ in range(n):
        microscope = hrtem.Microscope(
            voltage=voltage,
            astigmatism_angle=rng.uniform(0, 180),
            **{name: rng.uniform(*own[name]) for name in OPTICS},
        )
        steps = rng.uniform(*own["step"]) * np.arange(N_IMAGES)
        steps = np.full(N_IMAGES, rng.choice(steps)) if one_image else steps
        defoci = rng.uniform(*own["first_defocus"]) + steps
        images = np.stack(
            [replace(microscope, defocus=f).image(wave, pixel)[inner] for f in defoci]
        ).clip(0)
        means = images.mean(axis=(1, 2))
        images = images.astype(np.float16)
        found.append(Sites(images, means, places, classes, defoci, pixel))
    return found


def _bare(places, shape, material, pixel, rng):
    """Places without a column, by those of the columns (n, 2): (m, 2) array."""
    n = max(2, int(BARE * len(places)))
    bare = rng.uniform(8, np.subtract(shape, 8), (n, 2))
    if not len(places):
        return bare
    tree = cKDTree(places)
    if material == "metal":
        # What is bright where columns are dark.
        pairs = tree.query_pairs(BETWEEN / pixel, output_type="ndarray")
        pairs = rng.permutation(pairs)[: 2 * n]
        bare = np.concatenate([bare, places[pairs].mean(axis=1)])
    return bare[tree.query(bare)[0] > AWAY[material] / pixel]


def class_of(truth, material):
    """Numbers of the classes of true columns: (n,) numpy.ndarray of int."""
    if material == "metal":
        return np.minimum(truth.counts, MOST_ATOMS)
    is_mo = (truth.elements == "Mo") & (truth.counts > 0)
    return np.where(is_mo, 3, truth.counts)


def _sheet(rng):
    """A sheet of MoS2 with vacancies, on carbon or alone, and the side of its frame."""
    seed, side = int(rng.integers(2**31)), rng.uniform(*SHEET)
    vacancies = {"S": rng.uniform(0.05, 0.4), "Mo": rng.uniform(0, 0.02)}
    holes = int(rng.choice([0, 0, 1]))
    specimen = hrtem.mos2((side, side), vacancies=vacancies, holes=holes, seed=seed)
    specimen = specimen.tilted(rng.uniform(0, 20), rng.uniform(0, 360))
    if rng.random() < 0.3:
        specimen = specimen.on_carbon(rng.uniform(0, 4.0), (side, side), seed)
    return specimen, side


def _particle(rng):
    """A particle of gold, on carbon or alone, and the side of its frame."""
    seed = int(rng.integers(2**31))
    given = {"zone": str(rng.choice(["100", "110", "111"])), "seed": seed}
    given["radius"] = rng.uniform(*RADII)
    # How large it is, is known when it is there.
    extent = np.ptp(hrtem.particle((1.0, 1.0), **given).positions[:, :2], axis=0)
    side = float(extent.max() + 2 * rng.uniform(*VACUUM))
    specimen = hrtem.particle((side, side), **given)
    specimen = specimen.tilted(rng.uniform(0, 10), rng.uniform(0, 360))
    if rng.random() < 0.5:
        specimen = specimen.on_carbon(rng.uniform(0, 20.0), (side, side), seed)
    return specimen, side


SPECIMENS = {"MoS2": _sheet, "metal": _particle}
