# SPDX-License-Identifier: GPL-3.0-or-later
"""How right atomic columns of HRTEM are, beside peers.

::

    python benchmarks/hrtem.py columns [--frames 4] [--doses 100 10] [--atomap]
                               [--materials graphene MoS2 metal] [--kinds noted]
                               [--seed 0] [--pictures FOLDER]
    python benchmarks/hrtem.py series [--frames 4] [--doses 1000 300] [--seed 0]
                               [--one-image FOLDER]
    python benchmarks/hrtem.py time

Frames of 256 x 256 pixels are simulated (`simulate.hrtem`) with microscopes, tilts and
supports at random within what the networks were trained for, but of other seeds
("random"), or with a fixed microscope ("noted"): 80 kV (particles: 300 kV), a focal
spread of 14 angstroms, no aberrations, and a defocus of 60 angstroms for graphene, 80
for MoS2 and 40 for particles. Particles are along [110], unless another direction is
named. In "inverted" the defocus goes through zero across the frame. Peers are told the
spacing, the width, the sign of the contrast, and in each frame the threshold with which
their F1 is the largest; the template is the mean of the frame around its true columns.
The last rows are of all kinds together. "network, labels" has the labels of the frame,
from `segment_symmetry` as it is by default, and of particles the sign. "at best" is
what the error of the calibration would be on average if each place had its probability.
With `--one-image` a series is one image of three times the dose, at one of its defoci,
which networks in that folder know (`training/hrtem_series.py --one-image`).
"""

import argparse
import itertools
import math
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from column_finders import atomap
from column_frames import Scene
from column_measures import (
    Found,
    best_threshold,
    calibration_error,
    inside,
    judge,
    pairs,
    together,
)
from hyperspy.signals import Signal2D
from scipy import ndimage
from scipy.spatial import Delaunay, cKDTree

import hyperspy_symseg  # noqa: F401  adds the methods
from hyperspy_symseg.analysis import focal_series
from hyperspy_symseg.networks.hrtem_network import RANGES, SIGNED
from hyperspy_symseg.networks.hrtem_sites import MOST_ATOMS, SERIES, SiteNetwork
from hyperspy_symseg.simulate import hrtem

SHAPE = 256, 256
# Distance of the nearest columns in angstroms, of sheets, and of particles by zone.
SPACINGS = {"graphene": 1.42, "MoS2": 1.824}
ZONES = {"110": 2.4986, "100": 2.04, "111": 1.6657}
# Pixels of "as in the notes", in angstroms, voltage, and defocus.
NOTED_PIXELS = {"graphene": 0.18, "MoS2": 0.22, "metal": 0.25}
NOTED = {
    material: hrtem.Microscope(*own, focal_spread=14, vibration=0, mtf=1)
    for material, own in {
        "graphene": (80, 60),
        "MoS2": (80, 80),
        "metal": (300, 40),
    }.items()
}
SUPPORTED = {"graphene": 0.1, "MoS2": 0.3, "metal": 1.0}
# Of series: distance of a site from what is found of it, at most, in angstroms.
MATCHED = {"MoS2": 1.0, "metal": 0.8}
# Images that a defocus that varies is interpolated between.
STEPS = 7
# How steeply the defocus goes through zero: from - 3/4 to 3/4 of its ends in a quarter
# of the frame.
STEEP = 8.0
# What is of a column, and what is between columns, by the distance from the nearest
# one, in spacings.
OWN, BETWEEN = 0.2, (0.5, 1.05)
# From which probability on places are candidates, whose probabilities are judged.
LEAST = 0.02
# Draws that the error of a calibration without a fault is the mean of.
DRAWS = 100
OF_METALS = "random [100]", "random [111]"
KINDS = "noted", "random", *OF_METALS, "noted, inverted", "random, inverted"


def zone_of(kind):
    """Direction of a particle along the beam: str."""
    return kind[-4:-1] if kind in OF_METALS else "110"


def microscope_of(material, rng):
    """A microscope within what a network was trained for, and pixels in angstroms."""
    own = RANGES[material]
    names = "spherical_aberration", "astigmatism", "focal_spread", "vibration", "mtf"
    drawn = {name: rng.uniform(*own[name]) for name in names}
    return (
        hrtem.Microscope(
            voltage=float(rng.choice(own["voltage"])),
            defocus=rng.uniform(*own["defocus"]),
            astigmatism_angle=rng.uniform(0, 180),
            **drawn,
        ),
        rng.uniform(*own["pixel_size"]),
    )


def specimen_of(material, size, kind, rng):
    """A specimen: a sheet with vacancies and a hole, or a particle."""
    seed = int(rng.integers(2**31))
    if material == "metal":
        radius = min(rng.uniform(*RANGES["metal"]["radius"]), 0.4 * size[0])
        specimen = hrtem.particle(size, zone=zone_of(kind), radius=radius, seed=seed)
    else:
        make = hrtem.graphene if material == "graphene" else hrtem.mos2
        specimen = make(size, vacancies=0.02, holes=1, seed=seed)
    if kind.startswith("noted"):
        return specimen
    own = RANGES[material]
    specimen = specimen.tilted(rng.uniform(*own["tilt"]), rng.uniform(0, 360))
    if rng.random() < SUPPORTED[material]:
        thickness = rng.uniform(*own["carbon"])
        specimen = specimen.on_carbon(thickness, size, seed)
    return specimen


def scene_of(material, kind, sign, number):
    """A frame without noise, and what is true of it: Scene."""
    names = [ord(letter) for letter in material + kind]
    rng = np.random.default_rng([*names, number])
    pixel = NOTED_PIXELS[material]
    microscope = NOTED[material]
    if not kind.startswith("noted"):
        microscope, pixel = microscope_of(material, rng)
    specimen = specimen_of(material, [n * pixel for n in SHAPE], kind, rng)
    microscope = replace(microscope, defocus=sign * microscope.defocus)
    given = specimen, microscope, SHAPE, pixel
    if "inverted" in kind:
        image, truth = _inverted(*given, rng)
    else:
        signal, truth = hrtem.frame(*given)
        image = signal.data
    columns = truth.occupied
    spacing = SPACINGS.get(material, ZONES[zone_of(kind)])
    return Scene(
        f"{material}, {kind}",
        number,
        image.astype(float),
        columns,
        np.ones(len(columns)),
        truth.positions[truth.counts == 0],
        spacing / pixel,
        0.22 * spacing / pixel,
        1,
    ), pixel


def _inverted(specimen, microscope, shape, pixel, rng):
    """A frame whose defocus goes from one sign to the other, and its columns."""
    most = microscope.defocus
    defoci = np.linspace(most, -most, STEPS)
    series, truth = hrtem.focal_series(specimen, microscope, shape, pixel, defoci)
    y, x = np.mgrid[: shape[0], : shape[1]] / shape[0] - 0.5
    way = rng.uniform(0, 2 * math.pi)
    along = np.tanh(STEEP * (math.sin(way) * y + math.cos(way) * x))
    along = (0.5 + 0.5 * along) * (STEPS - 1)
    rows, columns = np.indices(shape)
    places = [along, rows, columns]
    return ndimage.map_coordinates(series.data, places, order=1), truth


def sign_of(scene):
    """Whether columns are bright, by the frame without noise: 1 or -1.

    It is what users see: against what is between columns, not against the support.
    """
    places = np.indices(SHAPE).reshape(2, -1).T
    away, _ = cKDTree(scene.columns).query(places)
    away /= scene.spacing
    values, (low, high) = scene.intensities.ravel(), BETWEEN
    is_among = Delaunay(scene.columns).find_simplex(places) >= 0
    between = values[is_among & (away > low) & (away < high)]
    return 1 if values[away < OWN].mean() > between.mean() else -1


def our_finder(material, pixel, contrast="auto", with_labels=False):
    """Finder of `find_atomic_columns` with a material, and with labels or without."""

    def find(scene, frame):
        signal = Signal2D(frame)
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = pixel, "Å"
        told = contrast
        if contrast == "told":
            told = "bright" if sign_of(scene) > 0 else "dark"
        seg = None
        if with_labels:
            seg = signal.segment_symmetry(show_progressbar=False)
            # Where noise hides the lattice there are no labels to tell anything.
            seg = seg if seg.model.templates is not None else None
        start = time.process_time()
        columns = signal.find_atomic_columns(
            seg,
            material=material,
            contrast=told,
            probability=LEAST,
            show_progressbar=False,
        ).data[0]
        seconds = time.process_time() - start
        likely = columns[columns[:, 4] >= 0.5]
        return Found(
            likely[:, :2], likely[:, 2:4], columns[:, :2], columns[:, 4], None, seconds
        )

    return find


def laplacian(scene, frame):
    """Maxima of the Laplacian of Gaussian of the true width, with the right sign."""
    start = time.process_time()
    response = -ndimage.gaussian_laplace(frame.astype(float), scene.width)
    return _peaks(scene, sign_of(scene) * response, start)


def template(scene, frame):
    """Matches of the mean of the frame around its true columns."""
    from scipy.signal import fftconvolve

    reach = max(2, round(0.6 * scene.spacing))
    at = np.rint(scene.columns).astype(int)
    last = np.subtract(SHAPE, reach + 1)
    at = at[((at > reach) & (at < last)).all(axis=1)]
    start = time.process_time()
    crops = [frame[y - reach : y + reach + 1, x - reach : x + reach + 1] for y, x in at]
    mean = np.mean(crops, axis=0)
    mean -= mean.mean()
    match = fftconvolve(frame - frame.mean(), mean[::-1, ::-1], mode="same")
    return _peaks(scene, match, start)


def _peaks(scene, response, start):
    """Local maxima above the best threshold: Found."""
    size = max(3, 2 * round(0.35 * scene.spacing) + 1)
    places = np.argwhere(response == ndimage.maximum_filter(response, size))
    strengths = response[tuple(places.T)]
    seconds = time.process_time() - start
    places = places.astype(float)
    own = strengths >= best_threshold(scene, places, strengths)
    none = np.full((int(own.sum()), 2), np.nan)
    return Found(places[own], none, places, strengths, None, seconds)


def finders_of(material, pixel, options):
    """Finders by their names: dict."""
    found = {"network": our_finder(material, pixel)}
    if material in SIGNED:
        found["network, told"] = our_finder(material, pixel, "told")
    sign = "told" if material == "metal" else "auto"
    found["network, labels"] = our_finder(material, pixel, sign, True)
    found |= {"LoG, told": laplacian, "template, told": template}
    if options.atomap:
        found["atomap, told"] = _atomap
    return found


def _atomap(scene, frame):
    """Columns of atomap, in a frame that is turned over where they are dark."""
    values = frame.astype(float)
    return atomap(scene, values if sign_of(scene) > 0 else values.max() - values)


def columns(options):
    """Print F1, errors, z and calibration of all finders by material and dose."""
    print("| frames | e/px | finder | F1 | px | z | calibration | at best | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    of_all = {}
    for kind, material, dose in itertools.product(
        options.kinds, options.materials, options.doses or [100, 10]
    ):
        signs = (1,) if "inverted" in kind else (1, -1)
        others = OF_METALS if material != "metal" else KINDS[-2:]
        if kind in others:
            continue
        for sign in signs:
            scores = {}
            for number in range(options.frames):
                where = options.seed + number
                scene, pixel = scene_of(material, kind, sign, where)
                rng = np.random.default_rng((where, int(dose), sign + 1))
                frame = rng.poisson(scene.intensities.clip(0) * dose)
                for name, find in finders_of(material, pixel, options).items():
                    found = find(scene, frame)
                    scores.setdefault(name, []).append(judge(scene, dose, found))
                    if options.pictures and name == "network":
                        file = f"{material} {kind} {sign} {dose:g} {number}"
                        picture(frame, scene, found, Path(options.pictures, file))
            where = f"{material}, {kind}"
            where += "" if "inverted" in kind else f" {sign:+d}"
            for name, each in scores.items():
                _say_columns(where, dose, name, each)
                of_all.setdefault((f"{material}, all", dose, name), []).extend(each)
    for own, each in of_all.items():
        _say_columns(*own, each)


def _say_columns(where, dose, name, scores):
    """Print a row of the table of a finder, of some frames together."""
    s, figures = together(scores), "| | |"
    if name.startswith("network"):
        best = least_calibration_error(s.probabilities)
        figures = f"{s.z:.2f} | {s.calibration:.3f} | {best:.3f} |"
    print(
        f"| {where} | {dose:g} | {name} | {s.f1:.3f} | {s.rms:.2f} | "
        f"{figures} {s.seconds:.2f} |",
        flush=True,
    )


def least_calibration_error(probabilities):
    """Mean error of the calibration if each place had its probability: float.

    Of few places even probabilities that are right seem wrong.
    """
    rng = np.random.default_rng(0)
    drawn = rng.random((DRAWS, len(probabilities))) < probabilities
    return float(np.mean([calibration_error(probabilities, own) for own in drawn]))


def picture(frame, scene, found, path):
    """Write a frame with what is true and what was found."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(14, 7))
    smooth = ndimage.gaussian_filter(frame.astype(float), 0.7)
    for axis in (left, right):
        axis.imshow(smooth, cmap="gray")
        axis.set_axis_off()
    y, x = found.places.T
    right.plot(x, y, "o", mfc="none", mec="tab:orange", ms=5, label="found")
    y, x = scene.columns.T
    right.plot(x, y, ".", color="tab:cyan", ms=2, label="true")
    right.legend(loc="upper right")
    figure.tight_layout()
    figure.savefig(path.with_suffix(".png"), dpi=60)
    pyplot.close(figure)


def series(options):
    """Print how often sites are right, of focal series that are misaligned."""
    print("| | e/A2 | right | within one | vacancies: recall, precision | ECE | s |")
    print("|---|---|---|---|---|---|---|")
    if options.one_image:
        focal_series.site_network = lambda material: SiteNetwork.trained(
            Path(options.one_image, f"hrtem_sites_{material.lower()}.npz")
        )
    materials = [m for m in options.materials if m in SERIES]
    for material, dose in itertools.product(materials, options.doses or [1000, 300]):
        each = [
            _judged_series(material, dose, options.seed + i, bool(options.one_image))
            for i in range(options.frames)
        ]
        true, found, likely, said, seconds = zip(*each, strict=True)
        true, found, likely = map(np.concatenate, (true, found, likely))
        # Places that were not found have the class -1.
        seen = found >= 0
        error = calibration_error(likely[seen], (true == found)[seen])
        near = (seen & (np.abs(true - found) <= 1)).mean()
        told = ""
        if material == "MoS2":
            vacancies = np.sum(said, axis=0)
            shares = vacancies[0] / np.maximum(vacancies[1:], 1)
            told = "{:.3f}, {:.3f}".format(*shares)
        print(
            f"| {material} | {dose:g} | {(true == found).mean():.3f} | {near:.3f} | "
            f"{told} | {error:.3f} | {np.mean(seconds):.2f} |",
            flush=True,
        )


def _specimen_of_series(material, size, rng):
    """A sheet of MoS2 with vacancies, or a particle of gold, and a seed."""
    seed = int(rng.integers(2**31))
    if material == "metal":
        zone = str(rng.choice(["100", "110", "111"]))
        radius = min(rng.uniform(6, 15), 0.4 * size[0])
        specimen = hrtem.particle(size, zone=zone, radius=radius, seed=seed)
        most_tilt, supported, thickest = 10, 0.5, 20
    else:
        specimen = hrtem.mos2(size, vacancies=0.1, seed=seed)
        most_tilt, supported, thickest = 15, SUPPORTED["MoS2"], 3
    specimen = specimen.tilted(rng.uniform(0, most_tilt), rng.uniform(0, 360))
    if rng.random() < supported:
        specimen = specimen.on_carbon(rng.uniform(0, thickest), size, seed)
    return specimen, seed


def _judged_series(material, dose, number, one_image=False):
    """Classes of the true sites of a series, as they are and as found.

    Returns
    -------
    true, found : (n,) numpy.ndarray of int
        -1 where nothing was found.
    likely : (n,) numpy.ndarray
        Probability of the class that was found.
    said : (int, int, int)
        Vacancies that are right, true, and found.
    seconds : float
    """
    names = [ord(letter) for letter in material]
    rng = np.random.default_rng([*names, number, 77])
    own = SERIES[material]
    optics = "spherical_aberration", "astigmatism", "focal_spread", "vibration", "mtf"
    microscope = hrtem.Microscope(
        voltage=float(rng.choice(own["voltage"])),
        astigmatism_angle=rng.uniform(0, 180),
        **{name: rng.uniform(*own[name]) for name in optics},
    )
    first, step = (rng.uniform(*own[name]) for name in ("first_defocus", "step"))
    defoci = first + step * np.arange(3)
    if one_image:
        # Three exposures at one defocus, but for what makes an axis of it.
        defoci = defoci[number % 3] + 1e-3 * np.arange(3)
    pixel = rng.uniform(*own["pixel_size"])
    size = [n * pixel for n in SHAPE]
    specimen, seed = _specimen_of_series(material, size, rng)
    signal, truth = hrtem.focal_series(
        specimen,
        microscope,
        SHAPE,
        pixel,
        defoci,
        dose=dose * pixel**2,
        drift=3,
        seed=seed,
    )
    start = time.process_time()
    with warnings.catch_warnings():
        # What is experimental, and a step of next to nothing.
        warnings.simplefilter("ignore", UserWarning)
        columns = signal.find_atomic_columns(
            material=material, focal_series=True, show_progressbar=False
        )
    seconds = time.process_time() - start
    rows = columns.data[0]
    kinds = rows[:, 5].astype(int)
    kind = np.minimum(truth.counts, MOST_ATOMS)
    if material == "MoS2":
        is_mo = (truth.elements == "Mo") & (truth.counts > 0)
        kind = np.where(is_mo, 3, kind)
    inner = inside(truth.positions, SHAPE)
    first, second = pairs(rows[:, :2], truth.positions, MATCHED[material] / pixel)
    found = np.full(len(kind), -1)
    found[second] = kinds[first]
    likely = np.zeros(len(kind))
    likely[second] = rows[first, 6:].max(axis=1)
    own = inside(rows[:, :2], SHAPE) & (kinds < 2)
    right = inner & (kind < 2) & (found == kind)
    said = right.sum(), (inner & (kind < 2)).sum(), own.sum()
    return kind[inner], found[inner], likely[inner], said, seconds


def times(_):
    """Print the time of the processor for frames of 512 x 512, and for three images."""
    size = 100.0, 100.0
    sheet, particle = hrtem.mos2(size), hrtem.particle(size, radius=16.0)
    asked = [(material, sheet, False) for material in RANGES]
    asked += [("MoS2", sheet, True), ("metal", particle, True)]
    for material, specimen, is_series in asked:
        microscope = NOTED[material]
        defoci = [35.0, 65.0, 95.0] if is_series else [microscope.defocus]
        signal, _ = hrtem.focal_series(
            specimen, microscope, (512, 512), 0.2, defoci, dose=100
        )
        told = {"material": material, "show_progressbar": False}
        if is_series:
            told["focal_series"] = True
        # Files are read, and modules imported, once.
        signal.isig[:64, :64].find_atomic_columns(**told)
        start = time.process_time()
        signal.find_atomic_columns(**told)
        seconds = time.process_time() - start
        print(f"{material}: {seconds:.2f} s for {len(defoci)} x 512 x 512")


def main():
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["columns", "series", "time"])
    parser.add_argument("--frames", type=int, default=4, help="of each kind")
    parser.add_argument("--doses", type=float, nargs="+")
    parser.add_argument(
        "--materials", nargs="+", choices=list(RANGES), default=list(RANGES)
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=KINDS, help="of frames"
    )
    parser.add_argument("--atomap", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", help="folder")
    parser.add_argument("--one-image", help="folder of networks")
    options = parser.parse_args()
    {"columns": columns, "series": series, "time": times}[options.what](options)


if __name__ == "__main__":
    main()
