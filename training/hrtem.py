# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a network that finds atomic columns in HRTEM of a class of materials.

::

    pip install "hyperspy-symseg[train]"
    python training/hrtem.py graphene [--steps 2500] [--crops 3000] [--held-out 60]
                             [--seed 0] [--frames FILE] [--weights FILE] [--calibrate]

Crops of simulated images (`hrtem_frames.py`) are drawn first; with ``--frames`` they
are kept in a file, and read if it is there. It starts from the weights that find
columns in other frames (`columns.npz`), and is shown each crop with other noise, turned
or mirrored. Other crops, of whole specimens, are what probabilities and errors are
calibrated to, and still others validate. Without ``--weights`` nothing is written.
"""

import argparse
import itertools
import math
import time
from pathlib import Path
from typing import NamedTuple

import hrtem_kernels  # noqa: F401  before torch

# isort: split
import columns
import numpy as np
import torch
from column_calibration import PLAIN, calibration_error, fitted, matches
from columns import HalvedNetwork, example_cells, say, turned
from hrtem_frames import (
    CALIBRATION,
    EXPOSURE,
    TRAINING,
    VALIDATION,
    Crop,
    crops,
    exposed,
)
from scipy import optimize, special
from torch import nn

from hyperspy_symseg.analysis.hrtem_columns import (
    calibrated,
    features,
    looked_for,
    possible,
)
from hyperspy_symseg.networks import column_network
from hyperspy_symseg.networks.column_layers import ColumnNetwork, planes
from hyperspy_symseg.networks.column_scale import mean_and_spread
from hyperspy_symseg.networks.hrtem_network import MATERIALS, RANGES, SIGNED, VOTED
from hyperspy_symseg.networks.u_net import CELL
from hyperspy_symseg.networks.weights import read_weights, write_weights

SIDE, HELD_OUT_SIDE, BATCH = 96, 192, 8
# Of fewer steps than those of the other network.
HIGHEST_RATE, AVERAGED = 1.5e-3, 0.995
# Shares of the crops: with columns that are known to be bright, and with the scale of a
# frame of which they are a corner.
KNOWN, CORNERS = 0.5, 0.5
# A column is found if what is found of it is as near as this, in spacings.
NEAR = 0.5
# What is less than so many pixels from an edge is neither right nor wrong.
EDGE = 4.0
# Factors are as small as their squares, times this, ask for.
SMALL = 1e-4
# Power of a number from 0 to 1 that the logarithm of the dose is drawn by.
FEWER = 1.5
# Electrons a pixel that figures are given between.
DOSES = 8.0, 20.0, 60.0, 200.0, 1500.0


def drawn(material, n, side, seed):
    """A number of crops, saying how it goes: list of Crop."""
    found = []
    for crop in itertools.islice(crops(material, side, seed), n):
        found.append(crop)
        if len(found) % 1000 == 0:
            say(f"{len(found)} crops")
    return found


def drawn_apart(material, n, seed):
    """A number of crops, each of another specimen, that is whole: list of Crop."""
    each = crops(material, HELD_OUT_SIDE, seed, 1, 1, whole=True)
    return list(itertools.islice(each, n))


def kept_in(path, material, options):
    """Crops from a file or, if there is none, drawn and written to it: list of Crop."""
    path = Path(path)
    if path.is_file():
        with np.load(path) as file:
            images, columns, ends, *rest = (file[name] for name in file.files)
        columns = np.split(columns, ends[:-1])
        return [Crop(*each) for each in zip(images, columns, *rest, strict=True)]
    found = drawn(material, options.crops, SIDE, (options.seed, TRAINING))
    np.savez(
        path,
        images=np.stack([c.image for c in found]),
        columns=np.concatenate([c.columns for c in found]),
        ends=np.cumsum([len(c.columns) for c in found]),
        signs=np.array([c.sign for c in found]),
        spacings=np.array([c.spacing for c in found]),
        pixel_sizes=np.array([c.pixel_size for c in found]),
    )
    return found


def drawn_dose(material, rng):
    """Electrons a pixel, more often few, which take the longest to learn: float."""
    low, high = np.log(RANGES[material]["dose"])
    return math.exp(low + (high - low) * rng.random() ** FEWER)


def seen_of(crop, material, rng):
    """Counts of a crop, of a dose at random, and whether columns are bright: two."""
    dose = drawn_dose(material, rng)
    image = exposed(crop.image, dose, rng)
    is_known = material in SIGNED and bool(crop.sign) and rng.random() < KNOWN
    return image * crop.sign if is_known else image, is_known, dose


def example(crop, material, rng):
    """What the network sees of a crop, and what is true of its cells: two arrays."""
    values, is_known, _ = seen_of(crop, material, rng)
    side = len(values)
    valid = np.ones(values.shape, bool)
    mean, spread = mean_and_spread(values, valid)
    if rng.random() < CORNERS:
        mean += rng.normal(0, 0.4) * spread
        spread *= np.exp(rng.uniform(-0.7, 0.4))
    seen = planes(values, valid, (mean, spread), is_known)
    columns = crop.columns
    own = np.floor((columns + 0.5) / CELL).astype(int).clip(0, side // CELL - 1)
    true = np.zeros((3, side // CELL, side // CELL), np.float32)
    middles = CELL * own + (CELL - 1) / 2
    true[:, own[:, 0], own[:, 1]] = np.insert((columns - middles).T, 0, 1, axis=0)
    return seen, true


def begin(network, weights, seen):
    """Give a network the weights of another, which has no normalisation.

    Each layer normalises by what it has of some crops, and undoes it: it begins as what
    it was.
    """

    def of_layer(name, x):
        layer = network.layers[name]
        layer[0].weight.copy_(torch.from_numpy(weights[f"kernels_{name}"].copy()))
        bias = torch.from_numpy(weights[f"bias_{name}"].copy())
        if name == "cells":
            layer[0].bias.copy_(bias)
            return layer(x)
        found, norm = layer[0](x), layer[1]
        mean, variance = found.mean((0, 2, 3)), found.var((0, 2, 3))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(bias + mean)
        return nn.functional.relu(found + bias[:, None, None])

    with torch.no_grad():
        network.through(of_layer, seen)


def train(network, material, kept, options):
    """Train on crops, from the weights that find columns in other frames.

    Returns
    -------
    Network
        The mean of the weights, in which the latest count most.
    """
    rng = np.random.default_rng((options.seed, TRAINING))

    def batch():
        own = rng.integers(0, len(kept), BATCH)
        each = [turned(*example(kept[i], material, rng), rng.integers(8)) for i in own]
        return tuple(torch.from_numpy(np.stack(x)) for x in zip(*each, strict=True))

    begin(network, ColumnNetwork.trained().weights, batch()[0])
    return columns.train(network, batch, options, HIGHEST_RATE, AVERAGED)


class Judged(NamedTuple):
    """What is found in a crop.

    Attributes
    ----------
    found : (n, 5) numpy.ndarray
    which : (n,) numpy.ndarray of int
        Which column each is, -1 if none.
    counted : (n,) numpy.ndarray of bool
        Those that are not at an edge: columns there may be those of places outside.
    columns : (m, 2) numpy.ndarray
    dose : float
        Electrons a pixel.
    image : (rows, columns) numpy.ndarray
    """

    found: np.ndarray
    which: np.ndarray
    counted: np.ndarray
    columns: np.ndarray
    dose: float
    image: np.ndarray

    @property
    def right(self):
        """Which of those that are counted are columns: array of bool."""
        return self.which[self.counted] >= 0


def judged(network, material, held_out, seed):
    """What is found in crops: iterator of Judged."""
    for i, crop in enumerate(held_out):
        rng = np.random.default_rng((*seed, i, EXPOSURE))
        image, is_known, dose = seen_of(crop, material, rng)
        valid = np.ones(image.shape, bool)
        contrast = "bright" if is_known else "auto"
        is_voted = material in VOTED
        found = looked_for(network, image, valid, contrast, 1, is_voted)
        found = possible(found, material, crop.pixel_size)
        if "neighbours" in network.weights:
            factors = network.weights["neighbours"]
            found = calibrated(found, image, valid, factors, 1)
        which = matches(found, crop.columns, NEAR * crop.spacing)
        counted = is_inner(found, image.shape)
        yield Judged(found, which, counted, crop.columns, dose, image)


def is_inner(places, shape):
    """Which places are not at an edge: (n,) of bool."""
    last = np.subtract(shape, 1) - EDGE
    return ((places[:, :2] >= EDGE) & (places[:, :2] <= last)).all(axis=1)


def of_neighbours(of_crops, weights):
    """Factors of what probabilities are calibrated by: (55,) numpy.ndarray.

    Each interval of the dose counts as much.
    """
    rows, right, intervals = [], [], []
    for each in of_crops:
        found = column_network.calibrated(
            each.found, weights["probability"], weights["error"]
        )
        valid = np.ones(each.image.shape, bool)
        rows.append(features(found, each.image, valid, 1)[each.counted])
        right.append(each.right)
        number = np.searchsorted(DOSES, each.dose, "right")
        intervals.append(np.full(len(each.right), number))
    rows, right, intervals = map(np.concatenate, (rows, right, intervals))
    share = 1 / np.bincount(intervals)[intervals]

    def unlikely(x):
        z = rows @ x
        return np.average(np.logaddexp(0, z) - right * z, weights=share) + SMALL * x @ x

    def slope(x):
        off = share * (special.expit(rows @ x) - right) / share.sum()
        return rows.T @ off + 2 * SMALL * x

    return optimize.minimize(unlikely, np.eye(rows.shape[1])[0], jac=slope).x


def report(network, material, held_out, seed):
    """Say how well columns are found, by the dose: (n, 4) numpy.ndarray.

    Its rows are intervals of the dose; F1, root mean square of the distance along an
    axis, and of that in errors, and calibration error.
    """
    rows = [[] for _ in DOSES[1:]]
    for each in judged(network, material, held_out, seed):
        number = min(np.searchsorted(DOSES, each.dose, "right") - 1, len(rows) - 1)
        found, which = each.found[each.counted], each.which[each.counted]
        likely = found[:, 4] >= 0.5
        own = likely & each.right
        off = found[own, :2] - each.columns[which[own]]
        missed = is_inner(each.columns, (HELD_OUT_SIDE, HELD_OUT_SIDE))
        missed[each.which[(each.which >= 0) & (each.found[:, 4] >= 0.5)]] = False
        counts = own.sum(), (likely & ~each.right).sum(), missed.sum()
        z = off / found[own, 2:4]
        rows[number].append((counts, off.ravel(), z.ravel(), found[:, 4], each.right))
    figures = np.full((len(rows), 4), np.nan)
    for i, own in enumerate(rows):
        if not own:
            continue
        counts, *others = zip(*own, strict=True)
        right, false, missed = np.sum(counts, axis=0)
        off, z, probabilities, are_right = map(np.concatenate, others)
        figures[i] = (
            2 * right / max(2 * right + false + missed, 1),
            np.sqrt(np.mean(off**2)),
            np.sqrt(np.mean(z**2)),
            calibration_error(probabilities, are_right),
        )
        f1, rms, z, error = figures[i]
        say(
            f"{DOSES[i]:g} to {DOSES[i + 1]:g} electrons a pixel: F1 {f1:.3f}, "
            f"{rms:.3f} px, z {z:.2f}, calibration error {error:.3f}"
        )
    return figures


def _trained(material, options):
    """Weights from new crops, or those of a file, with their record: dict."""
    if options.frames:
        kept = kept_in(options.frames, material, options)
    else:
        kept = drawn(material, options.crops, SIDE, (options.seed, TRAINING))
    say(f"{len(kept)} crops")
    weights = train(HalvedNetwork(), material, kept, options).as_weights()
    weights["torch_cells"] = example_cells(weights).astype(float)
    weights["steps"] = np.array(options.steps)
    weights["seconds"] = np.array(round(time.process_time()))
    return weights


def main():
    """Draw, train, calibrate, validate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("material", choices=MATERIALS)
    parser.add_argument("--steps", type=int, default=2500, help="of 8 crops")
    parser.add_argument("--crops", type=int, default=3000, help="to train on")
    parser.add_argument(
        "--held-out", type=int, default=60, help="crops to calibrate, and to validate"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", help="file of the crops to train on")
    parser.add_argument("--weights", help="file that is written")
    parser.add_argument(
        "--calibrate", action="store_true", help="the file of weights, without training"
    )
    options = parser.parse_args()
    if options.calibrate and not options.weights:
        parser.error("--calibrate must have --weights FILE, got none.")
    material, seed = options.material, options.seed
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if options.calibrate:
        weights, seed = read_weights(options.weights)
        weights = {name: x for name, x in weights.items() if name != "neighbours"}
    else:
        weights = _trained(material, options)
    network = ColumnNetwork(weights | PLAIN, seed)
    held_out = drawn_apart(material, options.held_out, (seed, CALIBRATION))
    of_crops = list(judged(network, material, held_out, (seed, CALIBRATION)))
    weights |= fitted(
        (each.found[each.counted], each.which[each.counted], each.columns)
        for each in of_crops
    )
    weights["neighbours"] = of_neighbours(of_crops, weights)
    for name, interval in RANGES[material].items():
        weights[f"range_{name}"] = np.array(interval, float)
    network.weights.update(weights)
    held_out = drawn_apart(material, options.held_out, (seed, VALIDATION))
    weights["validation"] = report(network, material, held_out, (seed, VALIDATION))
    if options.weights:
        write_weights(options.weights, weights, seed)
        say(f"written to {options.weights}")


if __name__ == "__main__":
    main()
