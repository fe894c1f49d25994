# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that knows shapes of regions, from a seed.

::

    pip install "hyperspy-symseg[train]"
    python training/shapes.py [--steps 30000] [--maps 20000] [--held-out 1000]
                              [--seed 0] [--begin FILE] [--weights FILE]

Maps are drawn first (`shape_maps.py`). Corners of these, turned or mirrored, are shown
with other evidence each time. Other maps validate: how often the label is right, and
how far from that its probability is. Without ``--weights`` nothing is written.
The package's file is of two trainings. The first had half as many rectangles among its
maps; the second, ``--steps 12000 --seed 1``, began with the weights of the first.
"""

import argparse
import time

import hrtem_kernels  # noqa: F401  before torch

# isort: split
import columns
import numpy as np
import torch
from column_calibration import calibration_error
from columns import HalvedNetwork, plain_cells, say
from scipy.special import expit
from shape_maps import SIDE, draw, evidence
from torch.nn import functional

from hyperspy_symseg.networks.shape_network import (
    LAYERS,
    ShapeNetwork,
    example_evidence,
    planes,
)
from hyperspy_symseg.networks.u_net import CELL
from hyperspy_symseg.networks.weights import read_weights, write_weights

# Blocks of a corner along each side, and corners of a step.
CORNER, BATCH = 96, 16
HIGHEST_RATE, AVERAGED = 3e-3, 0.998
# What has been trained before would be lost by the highest rate.
RATE_OF_TRAINED = HIGHEST_RATE / 2
# Second numbers of the seed, of maps that are drawn for one of these.
TRAINING, VALIDATION = range(2)


def maps(n, seed):
    """Maps from a seed: (n, SIDE, SIDE) numpy.ndarray of uint8, up to 255."""
    drawn = (draw(np.random.default_rng((*seed, i))) for i in range(n))
    return np.stack([np.rint(255 * each).astype(np.uint8) for each in drawn])


class Examples:
    """Batches to train on, from a seed."""

    def __init__(self, n_maps, seed):
        self.maps = maps(n_maps, (seed, TRAINING))
        self.rng = np.random.default_rng((seed, TRAINING))

    def corner(self):
        """A corner of a map, turned or mirrored: (96, 96) numpy.ndarray of float32."""
        rng = self.rng
        y, x = rng.integers(0, SIDE - CORNER + 1, 2)
        share = self.maps[rng.integers(len(self.maps)), y : y + CORNER, x : x + CORNER]
        share = np.rot90(share, rng.integers(4))[:: rng.choice([-1, 1])]
        share = share.astype(np.float32) / 255
        return 1 - share if rng.random() < 0.5 else share

    def batch(self):
        """What is seen, and what is true: two tensors."""
        shares = [self.corner() for _ in range(BATCH)]
        seen = np.stack([planes(evidence(each, self.rng)) for each in shares])
        return torch.from_numpy(seen), torch.from_numpy(np.stack(shares))


def losses(found, shares):
    """How unlikely the shares are, by what the network gives: dict of a tensor."""
    odds = functional.pixel_shuffle(found, CELL)[:, 0]
    return {"loss": functional.binary_cross_entropy_with_logits(odds, shares)}


def validated(network, n_maps, seed):
    """Share of right labels, and error of their probabilities: (2,) array."""
    rng, right, sure = np.random.default_rng((seed, VALIDATION)), [], []
    for share in maps(n_maps, (seed, VALIDATION)):
        share = share[:CORNER, :CORNER].astype(np.float32) / 255
        odds = network.log_odds(evidence(share, rng))
        right.append((odds > 0) == (share > 0.5))
        sure.append(expit(np.abs(odds)))
    right, sure = np.ravel(right), np.ravel(sure)
    return np.array([right.mean(), calibration_error(sure, right)])


def example_odds(weights):
    """Of the package's example, by torch: (rows, columns) array."""
    each = [
        plain_cells(weights, planes(sign * example_evidence())[np.newaxis], LAYERS)
        for sign in (np.float32(1), np.float32(-1))
    ]
    half = torch.from_numpy(each[0] - each[1]) / 2
    return functional.pixel_shuffle(half, CELL)[0, 0].numpy()


def main():
    """Train, validate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=30000, help="of 16 corners")
    parser.add_argument("--maps", type=int, default=20000, help="to train on")
    parser.add_argument("--held-out", type=int, default=1000, help="to validate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--begin", help="file of weights to begin with")
    parser.add_argument("--weights", help="file that is written")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    examples = Examples(options.maps, options.seed)
    say(f"{options.maps} maps")
    network = HalvedNetwork(LAYERS, first_logit=0.0, are_normalised=False)
    rate = HIGHEST_RATE
    if options.begin:
        network.begin_with(read_weights(options.begin)[0])
        rate = RATE_OF_TRAINED
    network = columns.train(
        network,
        examples.batch,
        options,
        rate,
        AVERAGED,
        losses,
    )
    weights = network.as_weights()
    weights["torch_odds"] = example_odds(weights)
    weights["steps"] = np.array(options.steps)
    weights["seconds"] = np.array(round(time.process_time()))
    found = ShapeNetwork(weights, options.seed)
    weights["validation"] = validated(found, options.held_out, options.seed)
    say("right {:.4f}, error of probabilities {:.4f}".format(*weights["validation"]))
    if options.weights:
        write_weights(options.weights, weights, options.seed)
        say(f"written to {options.weights}")


if __name__ == "__main__":
    main()
