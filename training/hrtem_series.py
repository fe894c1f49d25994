# SPDX-License-Identifier: GPL-3.0-or-later
"""Train a network that tells what columns are, from focal series of three images.

::

    pip install "hyperspy-symseg[train]"
    python training/hrtem_series.py {MoS2,metal} [--steps 3000] [--specimens 300]
                             [--held-out 60] [--seed 0] [--weights FILE]
                             [--one-image]

Specimens are simulated first, with supports and tilts at random, each as three
microscopes see it. Patches of 32 x 32 pixels around neighbouring columns, and around
places without one, are shown with other noise each time, turned or mirrored. The
temperature is fitted to columns of other specimens, and still others validate. Without
``--weights`` nothing is written.
"""

import argparse
import math
import time

import hrtem_kernels  # noqa: F401  before torch

# isort: split
import columns
import numpy as np
import torch
from column_calibration import calibration_error
from columns import say
from hrtem_frames import CALIBRATION, EXPOSURE, TRAINING, VALIDATION, uniform_log
from scipy import optimize
from series_sites import MICROSCOPES, draw
from torch import nn

from hyperspy_symseg.networks.hrtem_sites import (
    CLASSES,
    FOCUS,
    HIDDEN,
    LAYERS,
    N_IMAGES,
    SERIES,
    SIDE,
    TOGETHER,
    SiteNetwork,
    shares_around,
)
from hyperspy_symseg.networks.layers import softmax
from hyperspy_symseg.networks.weights import write_weights

# Groups of a step, sites of a group, and how far groups are apart, in angstroms.
GROUPS, SITES, APART = 3, 64, 1e3
HIGHEST_RATE, AVERAGED, DROPPED = 2e-3, 0.995, 0.2
# Electrons in a square angstrom that figures are given between.
DOSES = 200.0, 600.0, 2000.0, 6000.0, 12000.0


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
        self.together = nn.Linear(*TOGETHER)
        self.classes = nn.Linear(TOGETHER[1], n_classes)

    def forward(self, seen):
        """Logits of the classes, of patches, defoci and shares around each site."""
        x, defoci, shares = seen
        # What is of a pixel lies side by side, and half of the digits: it is faster.
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            for layer in self.layers.values():
                x = nn.functional.relu(layer(x))
        x = torch.cat([x.float().flatten(1), defoci / FOCUS], 1)
        x = nn.functional.dropout(x, DROPPED, self.training)
        x = nn.functional.relu(self.hidden(x))
        x = torch.cat([x, *(own @ x for own in shares)], 1)
        return self.classes(nn.functional.relu(self.together(x)))

    def as_weights(self):
        """Weights as the package's file has them: dict of numpy.ndarray."""
        names = "hidden", "together", "classes"
        layers = dict(self.layers) | {name: getattr(self, name) for name in names}
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


def around(places):
    """What `Network` is told of where sites are, in angstroms: list of tensors."""
    return [torch.from_numpy(own.toarray()) for own in shares_around(places)]


def batch_of(drawn, material, rng):
    """What is seen of some groups of sites, and their classes: tuple, tensor."""
    given = []
    for i, number in enumerate(rng.integers(0, len(drawn), GROUPS)):
        sites = drawn[number]
        own = sites.group(SITES, rng)
        dose = uniform_log(rng, *SERIES[material]["dose"])
        patches, defoci = sites.seen(own, dose, rng)
        places = sites.places[own] * sites.pixel + i * APART
        told = np.tile(defoci.astype(np.float32), (len(own), 1))
        given.append(
            (turned(patches, rng.integers(8)), told, places, sites.classes[own])
        )
    patches, told, places, true = (np.concatenate(x) for x in zip(*given, strict=True))
    seen = torch.from_numpy(patches), torch.from_numpy(told), around(places)
    return seen, torch.from_numpy(true)


def losses(found, true):
    """Of the classes: dict of a tensor."""
    return {"classes": nn.functional.cross_entropy(found, true)}


def judged(network, drawn, material, seed):
    """Logits, classes and dose of the sites of series: list of three arrays."""
    found = []
    for i, sites in enumerate(drawn):
        rng = np.random.default_rng((*seed, i, EXPOSURE))
        dose = uniform_log(rng, *SERIES[material]["dose"])
        which = np.arange(len(sites.places))
        features = network.features(*sites.seen(which, dose, rng))
        logits = network.logits(features, sites.places * sites.pixel)
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


def drawn_many(options, kind, n, microscopes):
    """Sites of n specimens: list of Sites."""
    found = []
    for i in range(n):
        seed = options.seed, kind, i
        found += draw(options.material, seed, microscopes, options.one_image)
        if (i + 1) % 100 == 0:
            say(f"{i + 1} specimens")
    return found


def trained(options):
    """A network of new series, not calibrated, with its record: SiteNetwork."""
    material, seed = options.material, options.seed
    drawn = drawn_many(options, TRAINING, options.specimens, MICROSCOPES)
    say(f"{len(drawn)} series, {sum(len(s.places) for s in drawn)} sites")
    rng = np.random.default_rng((seed, TRAINING))
    network = columns.train(
        Network(len(CLASSES[material])),
        lambda: batch_of(drawn, material, rng),
        argparse.Namespace(**vars(options) | {"weights": None}),
        HIGHEST_RATE,
        AVERAGED,
        losses,
    )
    weights = network.as_weights() | {"temperature": np.array(1.0)}
    weights["steps"] = np.array(options.steps)
    weights["seconds"] = np.array(round(time.process_time()))
    for name, interval in SERIES[material].items():
        weights[f"range_{name}"] = np.array(interval, float)
    with torch.no_grad():
        # An example, which the tests compare with.
        seen = torch.linspace(-1, 1, 2 * N_IMAGES * SIDE**2)
        seen = seen.reshape(2, N_IMAGES, SIDE, SIDE)
        told = torch.tensor([[40.0, 80.0, 120.0]]).repeat(2, 1)
        rounded = Network(len(CLASSES[material]))
        rounded.load_state_dict(
            {k: v.half().float() for k, v in network.state_dict().items()}
        )
        found = rounded.eval()((seen, told, around([[0, 0], [0, 3]])))
        weights["torch_logits"] = found.double().numpy()
    return SiteNetwork(weights, seed)


def main():
    """Draw, train, calibrate, validate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("material", choices=tuple(CLASSES))
    parser.add_argument("--steps", type=int, default=3000, help="of 3 groups")
    parser.add_argument("--specimens", type=int, default=300, help="to train on")
    parser.add_argument(
        "--held-out", type=int, default=60, help="to calibrate, and to validate"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="file that is written")
    parser.add_argument(
        "--one-image",
        action="store_true",
        help="for comparison: all of the dose at one defocus",
    )
    options = parser.parse_args()
    material, seed = options.material, options.seed
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    own = trained(options)
    weights = own.weights
    held_out = drawn_many(options, CALIBRATION, options.held_out, 1)
    logits, classes, _ = judged(own, held_out, material, (seed, CALIBRATION))
    temperature = temperature_of(logits, classes)
    weights["temperature"] = np.array(temperature)
    held_out = drawn_many(options, VALIDATION, options.held_out, 1)
    logits, classes, doses = judged(own, held_out, material, (seed, VALIDATION))
    weights["validation"] = report(logits, classes, doses, temperature)
    if options.weights:
        write_weights(options.weights, weights, seed)
        say(f"written to {options.weights}")


if __name__ == "__main__":
    main()
