# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that finds atomic columns, from a seed.

::

    pip install "hyperspy-symseg[train]"
    python training/columns.py [--steps 10000] [--held-out 1200] [--seed 0]
                               [--weights FILE] [--calibrate]

Frames are simulated (`column_images.py`) while it trains; of four, three were seen
before, with other noise, turned or mirrored. 1,200 other frames are what probabilities
and errors are calibrated to, and 1,200 more validate. Without ``--weights`` nothing is
written. With ``--calibrate`` nothing is trained: the weights of the file are calibrated
again.
"""

import argparse
import copy
import resource
import time

# First of all: it chooses the kernels of the others.
import avx2_kernels  # noqa: F401
import numpy as np
import torch
from column_calibration import PLAIN, calibrated_to, report
from column_images import CALIBRATION, TRAINING, VALIDATION, draw, draw_many
from torch import nn
from torch.nn import functional

from hyperspy_symseg.networks.column_layers import (
    ERRORS,
    LAYERS,
    ColumnNetwork,
    example_planes,
    planes,
)
from hyperspy_symseg.networks.column_scale import mean_and_spread
from hyperspy_symseg.networks.u_net import CELL, cells, padding
from hyperspy_symseg.networks.weights import read_weights, write_weights

SIDE, BATCH, HIGHEST_RATE, DECAY = 96, 16, 2e-3, 1e-3
# Frames that are shown again, and how many of a batch they are.
KEPT, AGAIN = 4000, 12
# Of whether there is a column, and of where it is.
LOSSES = 10.0, 0.3
# Longest step, as the norm of the gradient; and share of the mean of all weights so far
# that the next weights leave.
STEEPEST, AVERAGED = 2.0, 0.998
# Shares of the frames: with pixels that are not valid, with columns that are known to
# be bright, and with the scale of a frame of which they are a corner.
HOLES, KNOWN, CORNERS = 0.15, 0.65, 0.5
# Probability of a column in a cell, to begin with, as a logit.
FIRST_LOGIT = -3.0
EVERY = 250


def say(text):
    """Print with the time of the processor so far and the largest memory."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{time.process_time():6.0f} s {memory:4.1f} GB  {text}", flush=True)


class Network(nn.Module):
    """The layers of a `UNet`, as torch trains them; by default of `ColumnNetwork`."""

    def __init__(self, layers=LAYERS, first_logit=FIRST_LOGIT, are_normalised=True):
        super().__init__()
        self.layers = nn.ModuleDict()
        for name, (n_in, n_out, size, stride) in layers.items():
            around = padding(size, stride)
            last = name == "cells"
            norms = are_normalised and not last
            own = [nn.Conv2d(n_in, n_out, size, stride, around, bias=not norms)]
            if norms:
                own.append(nn.BatchNorm2d(n_out))
            if not last:
                own.append(nn.ReLU(inplace=True))
            self.layers[name] = nn.Sequential(*own)
        with torch.no_grad():
            self.layers["cells"][0].bias[0] = first_logit
        # What is of a pixel lies side by side: products take two thirds of the time.
        self.to(memory_format=torch.channels_last)

    def forward(self, x):
        """Cells of what is seen; see `cells`."""
        x = x.contiguous(memory_format=torch.channels_last)
        return self.through(lambda name, x: self.layers[name](x), x)

    def through(self, layer, x):
        """The same with other layers."""

        def doubled(x):
            return functional.interpolate(x, scale_factor=2, mode="nearest")

        def joined(a, b):
            return torch.cat([a, b], 1)

        return cells(x, layer, doubled, joined)

    def begin_with(self, weights):
        """Begin with weights as the package's file has them, without normalisations."""
        with torch.no_grad():
            for name, layer in self.layers.items():
                layer[0].weight.copy_(torch.tensor(weights[f"kernels_{name}"]))
                layer[0].bias.copy_(torch.tensor(weights[f"bias_{name}"]))

    def as_weights(self):
        """Weights as the package's file has them: dict of numpy.ndarray."""
        found = {}
        with torch.no_grad():
            for name, layer in self.layers.items():
                kernels, bias = layer[0].weight, layer[0].bias
                # A normalisation by fixed numbers is one with the convolution.
                for norm in (x for x in layer if isinstance(x, nn.BatchNorm2d)):
                    factors = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                    kernels = kernels * factors[:, None, None, None]
                    bias = norm.bias - norm.running_mean * factors
                found[f"kernels_{name}"] = kernels.half().float().numpy()
                found[f"bias_{name}"] = bias.half().float().numpy()
        return found


class HalvedNetwork(Network):
    """The same layers, with half of the digits while it trains, which is faster."""

    def forward(self, x):
        """Cells of what is seen; see `cells`."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            return super().forward(x).float()


def plain_cells(weights, x, layers=LAYERS):
    """Cells of images, by torch, with weights as the file has them: array."""

    def layer(name, x):
        _, _, size, stride = layers[name]
        kernels, bias = (
            torch.from_numpy(weights[f"{kind}_{name}"]) for kind in ("kernels", "bias")
        )
        x = functional.conv2d(x, kernels, bias, stride, padding(size, stride))
        return x if name == "cells" else functional.relu(x)

    def doubled(x):
        return functional.interpolate(x, scale_factor=2, mode="nearest")

    found = cells(torch.from_numpy(x), layer, doubled, lambda *x: torch.cat(x, 1))
    return found.numpy()


def example_cells(weights):
    """Of the package's example, by torch: (5, rows, columns) array."""
    (found,) = plain_cells(weights, example_planes()[np.newaxis])
    found[3:] = found[3:].clip(*ERRORS)
    return found


def example(drawn, rng):
    """What the network sees of a frame, and what is true of its cells: two arrays."""
    values, side = drawn.image, len(drawn.image)
    valid = np.ones(values.shape, bool)
    if rng.random() < HOLES:
        (a, b), (c, d) = np.sort(rng.integers(0, side + 1, (2, 2)))
        # Some from a corner, as where a frame ends.
        a, c = (0, 0) if rng.random() < 0.5 else (a, c)
        valid[a:b, c:d] = False
        valid |= valid.mean() < 0.3
    is_known = rng.random() < KNOWN
    if not is_known and rng.random() < 0.5:
        values = -values
    mean, spread = mean_and_spread(values, valid)
    if rng.random() < CORNERS:
        mean += rng.normal(0, 0.4) * spread
        spread *= np.exp(rng.uniform(-0.7, 0.4))
    seen = planes(values, valid, (mean, spread), is_known)
    # Of two in a cell, the brighter one comes last.
    columns = drawn.columns[np.argsort(drawn.columns[:, 2], kind="stable"), :2]
    at = np.rint(columns).astype(int).clip(0, side - 1)
    columns = columns[valid[at[:, 0], at[:, 1]]]
    own = np.floor((columns + 0.5) / CELL).astype(int)
    true = np.zeros((3, side // CELL, side // CELL), np.float32)
    middles = CELL * own + (CELL - 1) / 2
    true[:, own[:, 0], own[:, 1]] = np.insert((columns - middles).T, 0, 1, axis=0)
    return seen, true


def turned(seen, true, way):
    """The same turned or mirrored, one of eight ways: two arrays."""
    if way & 1:
        seen, true = seen[:, ::-1], true[:, ::-1] * SIGNS[0]
    if way & 2:
        seen, true = seen[:, :, ::-1], true[:, :, ::-1] * SIGNS[1]
    if way & 4:
        seen, true = seen.transpose(0, 2, 1), true[[0, 2, 1]].transpose(0, 2, 1)
    return seen, true


SIGNS = np.float32([[1, -1, 1], [1, 1, -1]])[:, :, np.newaxis, np.newaxis]


def losses(found, true):
    """Of whether there are columns, and of where, as they count: dict of tensors."""
    there = true[:, 0]
    existence = functional.binary_cross_entropy_with_logits(found[:, 0], there)
    found, true = (x.movedim(1, -1)[there > 0] for x in (found, true))
    errors = found[:, 3:].clamp(*ERRORS)
    off = (found[:, 1:3] - true[:, 1:]) * torch.exp(-errors)
    # Of no column at all there is none.
    place = (0.5 * off**2 + errors).sum() / max(len(true), 1)
    return {"existence": LOSSES[0] * existence, "place": LOSSES[1] * place}


class Examples:
    """Batches to train on, from a seed."""

    def __init__(self, seed):
        self.seed, self.rng = seed, np.random.default_rng((seed, TRAINING))
        self.kept, self.n_drawn = [], 0

    def _new(self):
        """A frame that was not seen before: Drawn."""
        drawn = draw(SIDE, (self.seed, TRAINING, self.n_drawn))
        if len(self.kept) < KEPT:
            self.kept.append(drawn)
        else:
            self.kept[self.n_drawn % KEPT] = drawn
        self.n_drawn += 1
        return drawn

    def batch(self):
        """What is seen, and what is true: two tensors."""
        rng = self.rng
        drawn = [self._new() for _ in range(BATCH - AGAIN)]
        again = rng.integers(0, len(self.kept), AGAIN)
        drawn += [self.kept[i].exposed_again(rng) for i in again]
        found = [turned(*example(each, rng), rng.integers(8)) for each in drawn]
        return tuple(torch.from_numpy(np.stack(x)) for x in zip(*found, strict=True))


def train(
    network,
    batch,
    options,
    highest_rate=HIGHEST_RATE,
    averaged=AVERAGED,
    losses=losses,
):
    """Train with Adam at a rate that goes up and down once.

    Parameters
    ----------
    network : Network
    batch : callable
        Gives what is seen, and what is true.
    options : argparse.Namespace
        With ``steps``, ``seed`` and ``weights``.
    highest_rate, averaged : float
        The rate, and the share of the mean of all weights so far that the next weights
        leave.
    losses : callable
        Dict of what adds up to the loss, of what the network gives and what is true.

    Returns
    -------
    Network
        The mean of the weights, in which the latest count most.
    """
    mean = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(
        network.parameters(), highest_rate, weight_decay=DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, highest_rate, options.steps, pct_start=0.1
    )
    recent = []
    network.train()
    for step in range(options.steps):
        seen, true = batch()
        each = losses(network(seen), true)
        loss = sum(each.values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
        optimizer.step()
        schedule.step()
        kept = min(averaged, (step + 1) / (step + 10))
        of_both = mean.state_dict().values(), network.state_dict().values()
        for old, new in zip(*of_both, strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - kept)
        recent.append([x.item() for x in each.values()])
        if (step + 1) % EVERY == 0 or step + 1 == options.steps:
            means = zip(each, np.mean(recent, axis=0), strict=True)
            told = ", ".join(f"{name} {mean:.4f}" for name, mean in means)
            say(f"step {step + 1}: {told}")
            recent = []
            if options.weights:
                # What there is so far, not calibrated.
                write_weights(options.weights, mean.as_weights() | PLAIN, options.seed)
    return mean.eval()


def main():
    """Train, calibrate, validate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10000, help="of 16 frames")
    parser.add_argument(
        "--held-out", type=int, default=1200, help="to calibrate, and to validate"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="file that is written")
    parser.add_argument(
        "--calibrate", action="store_true", help="the file of weights, without training"
    )
    options = parser.parse_args()
    if options.calibrate and not options.weights:
        parser.error("--calibrate must have --weights FILE, got none.")
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if options.calibrate:
        weights, options.seed = read_weights(options.weights)
        weights = dict(weights)
    else:
        network = train(Network(), Examples(options.seed).batch, options)
        weights = network.as_weights()
        weights["torch_cells"] = example_cells(weights).astype(float)
        weights["steps"] = np.array(options.steps)
        weights["seconds"] = np.array(round(time.process_time()))
    weights |= calibrated_to(
        ColumnNetwork(weights, options.seed),
        draw_many(options.held_out, (options.seed, CALIBRATION)),
    )
    weights["validation"] = report(
        ColumnNetwork(weights, options.seed),
        draw_many(options.held_out, (options.seed, VALIDATION)),
        say,
    )
    if options.weights:
        write_weights(options.weights, weights, options.seed)
        say(f"written to {options.weights}")


if __name__ == "__main__":
    main()
