# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a network that tells what columns are, from focal series of three images.

::

    pip install hyperspy-symseg[train]
    python training/hrtem_series.py {MoS2,metal} [--steps 2000] [--series 120]
                             [--held-out 30] [--seed 0] [--weights FILE]

Series are simulated first, with microscopes, supports, tilts and drifts at random.
Patches of 32 x 32 pixels around their columns, and around places without one, are shown
with other noise each time, turned or mirrored. The temperature is fitted to columns of
other series, and still others validate. Without ``--weights`` nothing is written.
"""

import argparse
import math
import time
from typing import NamedTuple

import numpy as np
import torch
from column_calibration import calibration_error
from columns import say
from hrtem_frames import CALIBRATION, TRAINING, VALIDATION, uniform_log
from scipy import optimize
from scipy.spatial import cKDTree
from torch import nn

from hyperspy_symseg.networks.hrtem_sites import (
    CLASSES,
    FOCUS,
    HIDDEN,
    LAYERS,
    MOST_ATOMS,
    N_IMAGES,
    SERIES,
    SIDE,
    SiteNetwork,
    patches_at,
)
from hyperspy_symseg.networks.layers import softmax
from hyperspy_symseg.networks.weights import write_weights
from hyperspy_symseg.simulate import hrtem

# Pixels of an image along each side, of patches before noise, and sites of a series.
IMAGE, ROOM, MOST_SITES = 200, 40, 160
BATCH, HIGHEST_RATE, DECAY = 64, 2e-3, 1e-3
# How far a site is from where it is looked for, in pixels: all together, and each image
# by itself; and how wrong a defocus is said to be, in angstroms.
OFF, MISALIGNED, FOCUS_ERROR = 0.3, 0.25, 4.0
# Least distance of a place without a column from any, in angstroms, and their share; of
# a metal these are midway between columns that are nearer than this, in angstroms, too.
AWAY, BARE = {"MoS2": 1.3, "metal": 0.75}, 0.12
BETWEEN = 4.2
# Of particles, in angstroms.
RADII = 5.0, 16.0
# Electrons in a square angstrom that figures are given between.
DOSES = 200.0, 600.0, 2000.0, 6000.0, 12000.0


class Sites(NamedTuple):
    """Sites of a focal series.

    Attributes
    ----------
    images : (3, rows, columns) numpy.ndarray of float32
        Without noise.
    places : (n, 2) numpy.ndarray
    classes : (n,) numpy.ndarray of int
    defoci : (3,) numpy.ndarray
    pixel : float
        In angstroms.
    """

    images: np.ndarray
    places: np.ndarray
    classes: np.ndarray
    defoci: np.ndarray
    pixel: float


def draw(material, seed):
    """Sites of a series at random: Sites."""
    rng = np.random.default_rng(seed)
    own = SERIES[material]
    pixel = rng.uniform(*own["pixel_size"])
    names = "spherical_aberration", "astigmatism", "focal_spread", "vibration", "mtf"
    microscope = hrtem.Microscope(
        voltage=float(rng.choice(own["voltage"])),
        astigmatism_angle=rng.uniform(0, 180),
        **{name: rng.uniform(*own[name]) for name in names},
    )
    defoci = rng.uniform(*own["first_defocus"]) + rng.uniform(*own["step"]) * np.arange(
        3
    )
    size = (IMAGE * pixel,) * 2
    specimen = SPECIMENS[material](size, rng)
    series, truth = hrtem.focal_series(
        specimen, microscope, (IMAGE, IMAGE), pixel, defoci, slice_thickness=4.0
    )
    places, classes = truth.positions, class_of(truth, material)
    bare = _bare(places, material, pixel, rng)
    places = np.concatenate([places, bare])
    classes = np.concatenate([classes, np.zeros(len(bare), int)])
    chosen = rng.permutation(len(places))[:MOST_SITES]
    return Sites(series.data, places[chosen], classes[chosen], defoci, pixel)


def _bare(places, material, pixel, rng):
    """Places without a column, by those of the columns (n, 2): (m, 2) array."""
    n = max(2, int(BARE * len(places)))
    bare = rng.uniform(8, IMAGE - 8, (n, 2))
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


def _sheet(size, rng):
    """A sheet of MoS2 with vacancies, on carbon or alone: Specimen."""
    seed = int(rng.integers(2**31))
    vacancies = {"S": rng.uniform(0.05, 0.4), "Mo": rng.uniform(0, 0.02)}
    holes = int(rng.choice([0, 0, 1]))
    specimen = hrtem.mos2(size, vacancies=vacancies, holes=holes, seed=seed)
    specimen = specimen.tilted(rng.uniform(0, 20), rng.uniform(0, 360))
    if rng.random() < 0.3:
        specimen = specimen.on_carbon(rng.uniform(0, 4.0), size, seed)
    return specimen


def _particle(size, rng):
    """A particle of gold, on carbon or alone: Specimen."""
    seed = int(rng.integers(2**31))
    zone = str(rng.choice(["100", "110", "111"]))
    radius = min(rng.uniform(*RADII), 0.4 * size[0])
    specimen = hrtem.particle(size, zone=zone, radius=radius, seed=seed)
    specimen = specimen.tilted(rng.uniform(0, 10), rng.uniform(0, 360))
    if rng.random() < 0.5:
        specimen = specimen.on_carbon(rng.uniform(0, 20.0), size, seed)
    return specimen


SPECIMENS = {"MoS2": _sheet, "metal": _particle}


def patches(sites, which, dose, rng):
    """Patches of some sites with noise, and defoci as they are said: two arrays."""
    counts = rng.poisson(sites.images.clip(0) * dose * sites.pixel**2)
    places = sites.places[which, None] + rng.normal(0, OFF, (len(which), 1, 2))
    places = places + rng.normal(0, MISALIGNED, (1, N_IMAGES, 2))
    seen = patches_at(counts.astype(float), places, sites.pixel)
    return seen, sites.defoci + rng.normal(0, FOCUS_ERROR)


class Network(nn.Module):
    """The layers of `SiteNetwork`, as torch trains them."""

    def __init__(self, n_classes):
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                name: nn.Conv2d(n_in, n_out, size, stride, size // 2)
                for name, (n_in, n_out, size, stride) in LAYERS.items()
            }
        )
        self.hidden = nn.Linear(*HIDDEN)
        self.classes = nn.Linear(HIDDEN[1], n_classes)

    def forward(self, x, defoci):
        """Logits of the classes."""
        for layer in self.layers.values():
            x = nn.functional.relu(layer(x))
        x = torch.cat([x.flatten(1), defoci / FOCUS], 1)
        x = nn.functional.dropout(x, 0.2, self.training)
        return self.classes(nn.functional.relu(self.hidden(x)))

    def as_weights(self):
        """Weights as the package's file has them: dict of numpy.ndarray."""
        layers = dict(self.layers) | {"hidden": self.hidden, "classes": self.classes}
        found = {}
        with torch.no_grad():
            for name, layer in layers.items():
                found[f"kernels_{name}"] = layer.weight.half().float().numpy()
                found[f"bias_{name}"] = layer.bias.half().float().numpy()
        return found


def turned(x, way):
    """Patches turned or mirrored, one of eight ways: array."""
    x = x[:, :, ::-1] if way & 1 else x
    x = x[..., ::-1] if way & 2 else x
    return x.swapaxes(2, 3) if way & 4 else x


def train(network, drawn, material, options):
    """Train with Adam at a rate that goes up and down once: Network."""
    rng = np.random.default_rng((options.seed, TRAINING))
    optimizer = torch.optim.AdamW(
        network.parameters(), HIGHEST_RATE, weight_decay=DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, HIGHEST_RATE, options.steps, pct_start=0.1
    )
    recent = []
    network.train()
    for step in range(options.steps):
        given = []
        # Of four series, as noise is that of all of an image.
        for sites in (drawn[i] for i in rng.integers(0, len(drawn), 4)):
            which = rng.integers(0, len(sites.places), BATCH // 4)
            dose = uniform_log(rng, *SERIES[material]["dose"])
            seen, defoci = patches(sites, which, dose, rng)
            seen = turned(seen, rng.integers(8))
            told = np.tile(defoci, (len(which), 1))
            given.append((seen, told, sites.classes[which]))
        seen, told, true = (np.concatenate(x) for x in zip(*given, strict=True))
        logits = network(
            torch.from_numpy(np.ascontiguousarray(seen)),
            torch.from_numpy(told.astype(np.float32)),
        )
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(true))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        recent.append(loss.item())
        if (step + 1) % 250 == 0:
            say(f"step {step + 1}: loss {np.mean(recent):.4f}")
            recent = []
    return network.eval()


def judged(network, drawn, material, seed):
    """Logits, classes and dose of the sites of series: list of three arrays."""
    found = []
    for i, sites in enumerate(drawn):
        rng = np.random.default_rng((*seed, i))
        dose = uniform_log(rng, *SERIES[material]["dose"])
        which = np.arange(len(sites.places))
        seen, defoci = patches(sites, which, dose, rng)
        logits = network.logits(seen, defoci)
        found.append((logits, sites.classes, np.full(len(logits), dose)))
    return [np.concatenate(x) for x in zip(*found, strict=True)]


def temperature_of(logits, classes):
    """What makes the likelihood of some sites the largest: float."""

    def unlikely(log_temperature):
        x = softmax(logits / math.exp(log_temperature))
        return -np.log(np.maximum(x[np.arange(len(x)), classes], 1e-9)).mean()

    return math.exp(optimize.minimize_scalar(unlikely, bounds=(-2, 2)).x)


def report(logits, classes, doses, temperature):
    """Say how often sites are right, by the dose: (n, 3) numpy.ndarray.

    Its rows are intervals of the dose; share that is right, share within one class, and
    calibration error.
    """
    found = softmax(logits / temperature)
    figures = np.full((len(DOSES) - 1, 3), np.nan)
    for i in range(len(figures)):
        own = (doses >= DOSES[i]) & (doses < DOSES[i + 1])
        if not own.any():
            continue
        best = found[own].argmax(axis=1)
        off = np.abs(best - classes[own])
        error = calibration_error(found[own].max(axis=1), off == 0)
        figures[i] = (off == 0).mean(), (off <= 1).mean(), error
        say(
            f"{DOSES[i]:g} to {DOSES[i + 1]:g} e/A2: right {figures[i, 0]:.3f}, within "
            f"one {figures[i, 1]:.3f}, calibration error {error:.3f}"
        )
    return figures


def main():
    """Draw, train, calibrate, validate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("material", choices=tuple(CLASSES))
    parser.add_argument("--steps", type=int, default=2000, help="of 64 patches")
    parser.add_argument("--series", type=int, default=120, help="to train on")
    parser.add_argument(
        "--held-out", type=int, default=30, help="series to calibrate, and to validate"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="file that is written")
    options = parser.parse_args()
    material, seed = options.material, options.seed
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    drawn, of_calibration, of_validation = (
        [draw(material, (seed, kind, i)) for i in range(n)]
        for kind, n in (
            (TRAINING, options.series),
            (CALIBRATION, options.held_out),
            (VALIDATION, options.held_out),
        )
    )
    say(f"{len(drawn)} series, {sum(len(s.places) for s in drawn)} sites")
    network = train(Network(len(CLASSES[material])), drawn, material, options)
    weights = network.as_weights() | {"temperature": np.array(1.0)}
    weights["steps"] = np.array(options.steps)
    weights["seconds"] = np.array(round(time.process_time()))
    for name, interval in SERIES[material].items():
        weights[f"range_{name}"] = np.array(interval, float)
    with torch.no_grad():
        seen = torch.linspace(-1, 1, 2 * N_IMAGES * SIDE**2)
        seen = seen.reshape(2, N_IMAGES, SIDE, SIDE)
        told = torch.tensor([[40.0, 80.0, 120.0]]).repeat(2, 1)
        rounded = Network(len(CLASSES[material]))
        rounded.load_state_dict(
            {k: v.half().float() for k, v in network.state_dict().items()}
        )
        weights["torch_logits"] = rounded.eval()(seen, told).double().numpy()
    own = SiteNetwork(weights, seed)
    logits, classes, _ = judged(own, of_calibration, material, (seed, CALIBRATION))
    temperature = temperature_of(logits, classes)
    weights["temperature"] = np.array(temperature)
    logits, classes, doses = judged(own, of_validation, material, (seed, VALIDATION))
    weights["validation"] = report(logits, classes, doses, temperature)
    if options.weights:
        write_weights(options.weights, weights, seed)
        say(f"written to {options.weights}")


if __name__ == "__main__":
    main()
