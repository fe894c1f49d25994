# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated HRTEM to train on: microscopes, specimens and supports drawn at random.

A specimen has several microscopes, and each image several crops, so that a multislice
is not for one crop alone. Crops are kept without noise, which is drawn when they are
seen. In some the defocus varies across the image, through zero, too.
"""

import itertools
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from hyperspy_symseg.networks.hrtem_network import RANGES
from hyperspy_symseg.simulate import hrtem
from hyperspy_symseg.simulate.hrtem.recording import MARGIN

# Second numbers of the seed, of crops that are drawn for one of these.
TRAINING, CALIBRATION, VALIDATION = range(3)
# Last number of the seed of an exposure. By the seed of the crop alone, the dose would
# be drawn by the same number as the size of the pixels.
EXPOSURE = 1
# Pixels of an image along each side, images of a specimen, and crops of an image.
IMAGE, IMAGES, CROPS = 224, 4, 4
# Share of the images with a defocus that varies.
VARYING = 0.3
# Directions of particles, that with the narrowest columns and the thinnest rim most
# often, and share of them that are on carbon.
ZONES, ON_CARBON = ("100", "100", "110", "110", "111", "111", "111"), 0.8
# Images that a defocus that varies is interpolated between, and how steeply it does: as
# a hyperbolic tangent of at most so many times the way across the image.
STEPS, STEEPEST = 9, 12.0
SLICE = 4.0
# Least likeness of an image to its columns for there to be a sign of the contrast: in a
# crop whose defocus varies, and in an image of one defocus, all crops of which have its
# sign, as users tell that of an image. Columns are as wide as the first number, and the
# image is looked at as far from them as the second, in their spacings.
SIGNED, MOSTLY_SIGNED = 0.25, 0.05
WIDE, AROUND = 0.2, 1.05


class Defects(NamedTuple):
    """What specimens lack.

    Attributes
    ----------
    vacancies, vacuum : float
        Shares of the sites and of the frame of a sheet, at most.
    holes : tuple of int
        Numbers of holes.
    empty : float
        Share of the specimens that are none: vacuum or a support alone.
    """

    vacancies: float
    holes: tuple[int, ...]
    vacuum: float
    empty: float


DEFECTS, WHOLE = Defects(0.12, (0, 1, 2, 4), 0.7, 0.1), Defects(0.05, (0, 1), 0.0, 0.05)


class Crop(NamedTuple):
    """A crop of an image, and what is true of it.

    Attributes
    ----------
    image : (rows, columns) numpy.ndarray of float16
        Without noise, 1 in vacuum.
    columns : (n, 2) numpy.ndarray of float32
        Position (y, x) in pixels.
    sign : int
        1 if columns are bright, -1 if dark, 0 if there is no saying. At random where
        there are none: nothing is found there, whatever users tell.
    spacing : float
        Of the nearest columns of the specimen, in pixels; 0 if it has none.
    pixel_size : float
        In angstroms.
    """

    image: np.ndarray
    columns: np.ndarray
    sign: int
    spacing: float
    pixel_size: float


def uniform_log(rng, low, high):
    """A number, uniform on a scale of logarithms: float."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def crops(material, side, seed, images=IMAGES, of_each=CROPS, whole=False):
    """Crops of one material, without end.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    side : int
        Of a crop, in pixels.
    seed : int or sequence of int
    images, of_each : int
        Images of a specimen, and crops of an image.
    whole : bool
        Whether sheets fill their frames but for some vacancies and a hole, and there is
        a specimen nearly always.

    Yields
    ------
    Crop
    """
    for i in itertools.count():
        rng = np.random.default_rng((*np.atleast_1d(seed).tolist(), i))
        pixel = uniform_log(rng, *RANGES[material]["pixel_size"])
        voltage = float(rng.choice(RANGES[material]["voltage"]))
        extent = IMAGE * pixel
        specimen = SPECIMENS[material]((extent, extent), rng, whole)
        wave, margin = _wave(specimen, voltage, pixel, rng)
        columns = specimen.true_columns((IMAGE, IMAGE), pixel).occupied
        spacing = spacing_of(columns)
        own = slice(margin, margin + IMAGE)
        for _ in range(images):
            microscope = draw_microscope(material, rng, voltage)
            varies = rng.random() < VARYING
            if varies:
                image = _varying(wave, microscope, pixel, own, rng)
                sign = None
            else:
                image = microscope.image(wave, pixel)[own, own]
                sign = sign_of(image, columns, spacing, MOSTLY_SIGNED)
            for _ in range(of_each):
                yield _crop(image, columns, side, (sign, spacing, pixel), rng)


def draw_microscope(material, rng, voltage=None):
    """A microscope of the range of a material: Microscope."""
    own = RANGES[material]
    if voltage is None:
        voltage = float(rng.choice(own["voltage"]))
    low, high = own["defocus"]
    return hrtem.Microscope(
        voltage,
        rng.uniform(low, high) * rng.choice([-1, 1]),
        rng.uniform(*own["spherical_aberration"]),
        rng.uniform(*own["astigmatism"]),
        rng.uniform(0, 180),
        rng.uniform(*own["focal_spread"]),
        rng.uniform(*own["vibration"]),
        rng.uniform(*own["mtf"]),
    )


def _bent(specimen, rng):
    """A specimen with strains of some percent that vary: Specimen."""
    if rng.random() < 0.6:
        return specimen
    moved = []
    waves = []
    for _ in range(2):
        wave = rng.normal(size=2)
        wave *= 2 * math.pi / rng.uniform(40, 160) / np.linalg.norm(wave)
        waves.append((wave, rng.uniform(0, 0.04, 2), rng.uniform(0, 2 * math.pi)))
    for places in (specimen.positions, specimen.vacant):
        new = places.copy()
        for wave, strain, phase in waves:
            shift = np.sin(places[:, :2] @ wave + phase)[:, np.newaxis]
            new[:, :2] += strain / np.linalg.norm(wave) * shift
        moved.append(new)
    return replace(specimen, positions=moved[0], vacant=moved[1])


def _sheet(make, material, supported):
    """What draws a sheet of a material: callable."""
    own = RANGES[material]

    def draw(size, rng, whole):
        defects = WHOLE if whole else DEFECTS
        specimen = make(
            size,
            vacancies=rng.choice([0, rng.uniform(0, defects.vacancies)]),
            holes=int(rng.choice(defects.holes)),
            vacuum=float(rng.choice([0, rng.uniform(0, defects.vacuum)])),
            seed=int(rng.integers(2**31)),
        )
        specimen = _bent(specimen, rng)
        if rng.random() < defects.empty:
            specimen = hrtem.Specimen([], [])
        specimen = specimen.tilted(rng.uniform(*own["tilt"]), rng.uniform(0, 360))
        if rng.random() < supported:
            thickness = rng.uniform(*own["carbon"])
            seed = int(rng.integers(2**31))
            specimen = specimen.on_carbon(thickness, size, seed)
        return specimen

    return draw


def _particle(size, rng, whole):
    """A particle of gold, on carbon or alone: Specimen."""
    own = RANGES["metal"]
    specimen = hrtem.particle(
        size,
        zone=str(rng.choice(ZONES)),
        radius=min(rng.uniform(*own["radius"]), 0.42 * size[0]),
        seed=int(rng.integers(2**31)),
    )
    shift = np.array([*rng.uniform(-0.2, 0.2, 2) * size, 0])
    specimen = replace(specimen, positions=specimen.positions + shift)
    if rng.random() < (WHOLE if whole else DEFECTS).empty:
        specimen = hrtem.Specimen([], [])
    specimen = specimen.tilted(rng.uniform(*own["tilt"]), rng.uniform(0, 360))
    if rng.random() < ON_CARBON:
        thickness, seed = rng.uniform(*own["carbon"]), int(rng.integers(2**31))
        specimen = specimen.on_carbon(thickness, size, seed)
    return specimen


SPECIMENS = {
    "graphene": _sheet(hrtem.graphene, "graphene", 0.1),
    "MoS2": _sheet(hrtem.mos2, "MoS2", 0.3),
    "metal": _particle,
}


def _wave(specimen, voltage, pixel, rng):
    """Exit wave of a specimen, and pixels before the image begins."""
    margin = math.ceil((MARGIN + 6) / pixel)
    whole = fft.next_fast_len(IMAGE + 2 * margin)
    step = np.array([margin * pixel] * 2 + [0])
    moved = replace(specimen, positions=specimen.positions + step)
    wave = hrtem.exit_wave(
        moved,
        voltage,
        (whole, whole),
        pixel,
        slice_thickness=SLICE,
        displacement=rng.uniform(0.05, 0.1),
    )
    return wave, margin


def _varying(wave, microscope, pixel, own, rng):
    """Own rows and columns of an image whose defocus varies from place to place."""
    ends = microscope.defocus, -microscope.defocus * rng.uniform(0.3, 1.2)
    images = [
        replace(microscope, defocus=defocus).image(wave, pixel)[own, own]
        for defocus in np.linspace(*ends, STEPS)
    ]
    y, x = np.mgrid[:IMAGE, :IMAGE] / IMAGE
    way = rng.uniform(0, 2 * math.pi)
    along = math.sin(way) * (y - 0.5) + math.cos(way) * (x - 0.5)
    along = along + 0.1 * np.sin(rng.uniform(3, 8) * (x + y))
    along = along - rng.uniform(along.min(), along.max())
    along = np.tanh(rng.uniform(0.5, STEEPEST) * along)
    along = (along - along.min()) / np.ptp(along) * (STEPS - 1)
    rows, columns = np.indices(along.shape)
    return ndimage.map_coordinates(np.stack(images), [along, rows, columns], order=1)


def _crop(image, columns, side, known, rng):
    """A crop at random, with a sign of its own if that is None: Crop."""
    sign, spacing, pixel = known
    first = rng.integers(0, IMAGE - side + 1, 2)
    image = image[first[0] : first[0] + side, first[1] : first[1] + side]
    columns = columns - first
    inside = ((columns >= -0.5) & (columns < side - 0.5)).all(axis=1)
    columns = columns[inside]
    if not len(columns):
        sign = rng.choice([-1, 1])
    elif sign is None:
        sign = sign_of(image, columns, spacing, SIGNED)
    y, x = np.mgrid[:side, :side] / side - 0.5
    # The beam is not even.
    ramp = 1 + rng.normal(0, 0.02) * y + rng.normal(0, 0.02) * x
    image = (image * ramp).astype(np.float16)
    return Crop(image, columns.astype(np.float32), sign, spacing, pixel)


def spacing_of(columns):
    """Distance of nearest columns (n, 2), the median; 0 if there are none: float."""
    if len(columns) < 2:
        return 0.0
    away, _ = cKDTree(columns).query(columns, 2)
    return float(np.median(away[:, 1]))


def sign_of(image, columns, spacing, least):
    """Whether columns are bright, 1, or dark, -1, or neither, 0: int."""
    if not len(columns) or not spacing:
        return 0
    y, x = np.indices(image.shape)
    pixels = np.column_stack([y.ravel(), x.ravel()])
    reach = AROUND * spacing
    away, _ = cKDTree(columns).query(pixels, distance_upper_bound=reach)
    near = np.isfinite(away)
    like = np.exp(-0.5 * (away[near] / (WIDE * spacing)) ** 2)
    likeness = np.corrcoef(like, image.ravel()[near].astype(float))[0, 1]
    return int(np.sign(likeness)) if abs(likeness) > least else 0


def exposed(image, dose, rng):
    """Counts of a crop: array of float32."""
    counts = rng.poisson(np.clip(image.astype(np.float32), 0, None) * dose)
    counts = counts.astype(np.float32)
    if rng.random() < 0.15:
        # Noise that neighbours share, as where a scintillator spreads it.
        counts = ndimage.gaussian_filter(counts, rng.uniform(0.3, 0.7))
    return counts
