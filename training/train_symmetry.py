# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that tells Bravais types, from a seed.

::

    pip install "hyperspy-symseg[train]"
    python training/train_symmetry.py [--images 4000] [--epochs 30] [--held-out 150]
                                      [--seed 0] [--weights FILE] [--plain]

Images are simulated (`symmetry_images.py`): 4,000 of each of the six classes to train
on, 150 that the temperature is fitted to, and 150 to validate. Without ``--weights``
nothing is written. ``--plain`` trains the same network on spectra that are not turned,
for comparison; these weights are of no use to the package.
"""

import argparse
import resource
import time

import numpy as np
import torch
from scipy import optimize
from symmetry_images import (
    CALIBRATION,
    CLASSES,
    TRAINING,
    VALIDATION,
    draw_many,
)
from torch import nn
from torch.nn import functional

from hyperspy_symseg.networks.layers import softmax
from hyperspy_symseg.networks.symmetry_network import (
    RATE,
    STRIDE,
    SymmetryNetwork,
    example_spectra,
    pooled,
)
from hyperspy_symseg.networks.turned_spectra import turned_spectra
from hyperspy_symseg.networks.weights import write_weights

CHANNELS, SIZES, HIDDEN = (16, 32, 64), (5, 3, 3), 128
BATCH, HIGHEST_RATE = 64, 2e-3
BINS = 10


def say(text):
    """Print with the time of the processor so far and the largest memory."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{time.process_time():6.0f} s {memory:4.1f} GB  {text}", flush=True)


def plain_spectra(window):
    """Logarithmic power as it is: (1, 64, 64) numpy.ndarray of float32."""
    taper = np.hanning(len(window) + 2)[1:-1]
    weights = np.outer(taper, taper)
    values = (window - (window * weights).sum() / weights.sum()) * weights
    power = np.abs(np.fft.fftshift(np.fft.fft2(values))[32:96, 32:96]) ** 2
    noise = np.median(power) / np.log(2)
    return np.log1p(power / noise, dtype=np.float32)[np.newaxis]


def spectra(spectra_of, n, seed):
    """Spectra of n images a class, class after class: (6 n, k, rows, columns) array."""
    found = [spectra_of(drawn.image).astype(np.float16) for drawn in draw_many(n, seed)]
    return np.stack(found)


def classes_of(inputs):
    """Number of the class of each image: (n,) numpy.ndarray of int."""
    return np.arange(len(inputs)) % len(CLASSES)


class Network(nn.Module):
    """The layers of `SymmetryNetwork`, as torch trains them."""

    def __init__(self, inputs):
        super().__init__()
        first = inputs.astype(np.float32)[:, 0]
        self.mean, self.spread = float(first.mean()), float(first.std())
        channels = (1, *CHANNELS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, size, STRIDE, size // 2)
            for a, b, size in zip(channels[:-1], channels[1:], SIZES, strict=True)
        )
        n = first[0].size // STRIDE ** (2 * len(SIZES)) * CHANNELS[-1]
        self.dense = nn.ModuleList(
            [nn.Linear(n, HIDDEN), nn.Linear(HIDDEN, len(CLASSES))]
        )

    def forward(self, spectra):
        """Logits (n, 6) of spectra (n, rows, columns)."""
        x = ((spectra - self.mean) / self.spread)[:, None]
        for convolution in self.convolutions:
            x = functional.relu(convolution(x))
        first, second = self.dense
        x = functional.dropout(x.flatten(1), RATE, self.training)
        x = functional.relu(first(x))
        return second(functional.dropout(x, RATE, self.training))


def train(network, inputs, validation, options):
    """Train with Adam at a rate that goes up and down once."""
    inputs, targets = torch.from_numpy(inputs), torch.from_numpy(classes_of(inputs))
    optimizer = torch.optim.Adam(network.parameters(), HIGHEST_RATE)
    n_batches = -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, HIGHEST_RATE, options.epochs * n_batches
    )
    for epoch in range(options.epochs):
        network.train()
        losses = []
        for batch in torch.randperm(len(inputs)).split(BATCH):
            # One of the turned spectra, or its mirror image.
            which = torch.randint(inputs.shape[1], (len(batch),))
            seen = inputs[batch, which].float()
            if torch.rand(()) < 0.5:
                seen = seen.flip(-1)
            loss = functional.cross_entropy(network(seen), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        network.eval()
        with torch.no_grad():
            logits = network(torch.from_numpy(validation[:, 0]).float()).numpy()
        right = (logits.argmax(axis=1) == classes_of(validation)).mean()
        loss = np.mean(losses)
        say(f"epoch {epoch + 1}: loss {loss:.3f}, one pass right {right:.3f}")


def weights_of(network):
    """Weights as the package's file has them: dict of numpy.ndarray."""
    found = {"mean": np.float32(network.mean), "spread": np.float32(network.spread)}
    with torch.no_grad():
        for kind, layers in (
            ("kernels{}", network.convolutions),
            ("dense{}", network.dense),
        ):
            bias = "bias{}" if kind == "kernels{}" else "dense_bias{}"
            for i, layer in enumerate(layers):
                # As the file has them, so that torch's example is of the same ones.
                for each in (layer.weight, layer.bias):
                    each.copy_(each.half().float())
                found[kind.format(i)] = layer.weight.numpy()
                found[bias.format(i)] = layer.bias.numpy()
    return found


def all_passes(network, inputs):
    """Logits of all passes of all images: (n, 30, 6) array."""
    return np.stack(
        [network.passes(each.astype(np.float32), i) for i, each in enumerate(inputs)]
    )


def temperature(network, inputs):
    """Temperature that gives the classes the largest likelihood: float."""
    logits, targets = all_passes(network, inputs), classes_of(inputs)

    def loss(log_temperature):
        weights = pooled(logits, np.exp(log_temperature))
        return -np.log(weights[np.arange(len(targets)), targets]).mean()

    return np.exp(optimize.minimize_scalar(loss, bounds=(-3, 3)).x)


def calibration_error(weights, targets):
    """Expected calibration error of the largest weight: float."""
    largest, right = weights.max(axis=1), weights.argmax(axis=1) == targets
    bins = np.minimum((largest * BINS).astype(int), BINS - 1)
    return sum(
        abs(largest[bins == i].mean() - right[bins == i].mean()) * (bins == i).mean()
        for i in np.unique(bins)
    )


def report(network, inputs):
    """Say how often validation images are named right."""
    targets, logits = classes_of(inputs), all_passes(network, inputs)
    fitted = float(network.weights["temperature"])
    plain = network.logits(network.features(inputs[:, 0].astype(np.float32)))
    for name, weights in (
        ("one pass, nothing dropped", softmax(plain)),
        ("30 passes, mean probability", softmax(logits).mean(axis=1)),
        ("30 passes, mean logit", pooled(logits, 1)),
        (f"the same, temperature {fitted:.3f}", pooled(logits, fitted)),
    ):
        found = weights.argmax(axis=1)
        right = found == targets
        recalls = " ".join(f"{right[targets == k].mean():.2f}" for k in range(6))
        error = calibration_error(weights, targets)
        say(f"{name}: right {right.mean():.3f}, ECE {error:.3f}, recalls {recalls}")


def main():
    """Train, calibrate, validate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=4000, help="of each class")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--held-out",
        type=int,
        default=150,
        help="of each class, to fit the temperature to, and as many to validate",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", help="file that is written")
    parser.add_argument("--plain", action="store_true", help="spectra as they are")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    spectra_of = plain_spectra if options.plain else turned_spectra
    inputs = [
        spectra(spectra_of, n, (options.seed, which))
        for which, n in (
            (TRAINING, options.images),
            (CALIBRATION, options.held_out),
            (VALIDATION, options.held_out),
        )
    ]
    say(f"{len(inputs[0])} images")
    network = Network(inputs[0])
    train(network, inputs[0], inputs[VALIDATION], options)
    weights = weights_of(network)
    trained = SymmetryNetwork(weights, options.seed)
    weights["temperature"] = np.float32(temperature(trained, inputs[CALIBRATION]))
    report(trained, inputs[VALIDATION])
    if options.weights:
        with torch.no_grad():
            example = network.eval()(torch.from_numpy(example_spectra()))
        weights["torch_logits"] = example.numpy().astype(np.float64)
        write_weights(options.weights, weights, options.seed)
        say(f"written to {options.weights}")


if __name__ == "__main__":
    main()
