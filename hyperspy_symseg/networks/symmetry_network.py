# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that tells Bravais types from power spectra of windows.

After Vasudevan et al., Microsc. Microanal. 24 (S1), 112 (2018): three convolutional
layers, a dense one and softmax, with dropout also when it is used. Every pass drops
other values: their mean is better than one of them, and their spread says how much it
hangs on what was dropped. ``training/train_symmetry.py`` trained it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.threads import one_thread

from .layers import conv2d, dense, dropout, relu, softmax
from .turned_spectra import COLUMNS, ROWS, turned_spectra
from .weights import TrainedNetwork

CLASSES = (
    "oblique",
    "rectangular",
    "centred rectangular",
    "square",
    "hexagonal",
    "none",
)
# Of the images it was trained on: rows and columns, and the root of the area of the
# primitive cell, all in pixels.
SIDE, SPACINGS = 128, (9.0, 20.0)
STRIDE = 2
# Share of values that are dropped, and passes, which take the turned spectra and their
# mirror images in turn.
RATE, PASSES = 0.3, 30
FILE = Path(__file__).with_name("symmetry.npz")


@dataclass(frozen=True, eq=False)
class SymmetryNetwork(TrainedNetwork):
    """A trained network.

    Parameters
    ----------
    weights : dict of str and numpy.ndarray
        ``kernels0``, ``bias0`` to ``bias2`` of the convolutions; ``dense0`` and
        ``dense1`` with ``dense_bias0`` and so on; ``mean`` and ``spread`` of the
        spectra; and the ``temperature``, which logits are divided by.
    seed : int
        What they were trained from.
    """

    file: ClassVar[Path] = FILE

    def features(self, spectra):
        """What the convolutions see in turned spectra.

        Parameters
        ----------
        spectra : (n, 32, 64) numpy.ndarray of float32

        Returns
        -------
        (n, 2048) numpy.ndarray of float32
        """
        w = self.weights
        x = ((spectra - w["mean"]) / w["spread"]).astype(np.float32)[:, np.newaxis]
        for i in range(3):
            kernels = w[f"kernels{i}"]
            padding = kernels.shape[-1] // 2
            x = relu(conv2d(x, kernels, w[f"bias{i}"], STRIDE, padding))
        return x.reshape(len(x), -1)

    def logits(self, features, rng=None):
        """Logits of the classes, not yet divided by the temperature.

        Parameters
        ----------
        features : (n, 2048) numpy.ndarray of float32
        rng : numpy.random.Generator, optional
            Of the values that are dropped; by default none are.

        Returns
        -------
        (n, 6) numpy.ndarray of float32
            In the order of `CLASSES`.
        """
        w, x = self.weights, features
        for i in range(2):
            if rng is not None:
                x = dropout(x, RATE, rng)
            x = dense(x, w[f"dense{i}"], w[f"dense_bias{i}"])
            x = x if i else relu(x)
        return x

    def passes(self, spectra, seed):
        """Logits of all passes of one window.

        Parameters
        ----------
        spectra : (3, 32, 64) numpy.ndarray of float32
            From `turned_spectra`.
        seed : int or sequence of int
            Of the values that are dropped.

        Returns
        -------
        (30, 6) numpy.ndarray of float32
        """
        features = self.features(np.concatenate([spectra, spectra[..., ::-1]]))
        used = np.arange(PASSES) % len(features)
        return self.logits(features[used], np.random.default_rng(seed))

    def weigh(self, window, place=(0, 0)):
        """Weights of the classes of one window.

        Parameters
        ----------
        window : (rows, columns) numpy.ndarray of any real dtype
            At least 64 x 64; see `turned_spectra`.
        place : (int, int)
            Row and column of the frame where it begins: the seed of what is dropped,
            so that it is the same whoever looks at the window, and when.

        Returns
        -------
        weights : (6,) numpy.ndarray of float64
            In the order of `CLASSES`; see `pooled`.
        spreads : (6,) numpy.ndarray of float64
            Standard deviations of the probabilities over the passes.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> lattice = simulate.Lattice.hexagonal(14, orientation=20)
        >>> s, truth = simulate.micrograph(lattice, (128, 128), seed=0)
        >>> weights, spreads = SymmetryNetwork.trained().weigh(s.data)
        >>> CLASSES[weights.argmax()]
        'hexagonal'
        """
        # Products of matrices round otherwise with more threads.
        with one_thread:
            logits = self.passes(turned_spectra(window), (self.seed, *place))
        temperature = float(self.weights["temperature"])
        spreads = softmax(logits.astype(float) / temperature).std(axis=0)
        return pooled(logits, temperature), spreads


def pooled(logits, temperature):
    """Probabilities of the mean logits of all passes: their geometric mean, scaled.

    The mean of probabilities would not be as sure as it is right.

    Parameters
    ----------
    logits : (..., passes, 6) numpy.ndarray of float32
    temperature : float

    Returns
    -------
    (..., 6) numpy.ndarray of float64
    """
    return softmax(logits.mean(axis=-2, dtype=float) / temperature)


def example_spectra():
    """Spectra that the file has torch's logits of: (2, 32, 64) numpy.ndarray."""
    rng = np.random.default_rng(0)
    return rng.exponential(size=(2, ROWS, COLUMNS)).astype(np.float32)
