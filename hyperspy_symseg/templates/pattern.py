# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections and amplitudes of one pattern, as they are learnt."""

import copy

import numpy as np

from .bragg import LEAST_WEIGHT, BraggComponents, near_by, unit_phases
from .normalized_frame import BLOCKS_IN_CELL
from .pattern_spectrum import pattern_spectrum
from .reflections import (
    MOST_REFLECTIONS,
    apart,
    find_reflections,
    find_turned,
    keep_apart,
    strong,
)

# Smaller moves change nothing, as the phases near by follow them; in cycles a period.
STILL = 0.001
# How far a reflection may move from the maximum of the spectrum, in cycles a period.
FARTHEST = 0.1
# Distance of two reflections that have moved, at least, in cycles a period.
DISTANCE = 0.2
# Least amplitudes that count: fraction of the largest, and in sigmas of noise.
LEAST_FRACTION, LEAST_SIGNIFICANCE = 0.05, 3.0


class Pattern:
    """Reflections of one pattern.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several, that begin at their first pixel.
    crops : SpectrumCrops
    weights : (..., block rows, block columns) numpy.ndarray of float32
        Probability that a block belongs to the pattern.
    period : float
        In pixels.

    Attributes
    ----------
    amplitudes : (n,) numpy.ndarray of float64
        Of the reflections that count.
    """

    def __init__(self, frame, crops, weights, period):
        self._frame, self._period = frame, period
        self._spectrum = pattern_spectrum(crops, weights)
        found = np.empty((0, 2))
        if self._spectrum is not None:
            found = find_reflections(self._spectrum, period)
        # Where they were found, and where they are now.
        self._found, self._moved = found, found.copy()
        self._components = self._cells = self._phases = self._n_pixels = None
        self._kept, self.amplitudes = [], np.empty(0)

    @property
    def reflections(self):
        """Spatial frequencies (y, x) of those that count, in cycles a pixel: (n, 2)."""
        return self._moved[self._kept]

    @property
    def powers(self):
        """Mean square of the template: (1,) numpy.ndarray of float64."""
        return np.array([2 * (self.amplitudes**2).sum()])

    def strong_reflections(self):
        """Reflections that were found and are strong: (n, 2) numpy.ndarray."""
        if not len(self._found):
            return self._found
        return strong(self._spectrum, self._found)

    def relate(self, others):
        """Add the reflections of other patterns that are here too, turned or mirrored.

        Parameters
        ----------
        others : list of (n, 2) numpy.ndarray
            As from `strong_reflections` of the others.
        """
        if self._spectrum is not None:
            turned = [
                find_turned(self._spectrum, each, self._period) for each in others
            ]
            both = np.concatenate([self._found, *turned])
            self._found = keep_apart(both, self._period)[:MOST_REFLECTIONS]
        self._kept, self._moved = np.arange(len(self._found)), self._found.copy()
        factors = self._frame.factors(self._found)
        self._components = BraggComponents(self._frame, factors)

    def on(self, frame):
        """Return the same with another frame to learn from, and as much learnt."""
        other = copy.copy(self)
        other._frame, other._moved = frame, self._moved.copy()
        other._components = BraggComponents(frame, frame.factors(self._moved))
        return other

    def fit(self, weights):
        """Fit the Bragg components to the pixels of the pattern.

        Parameters
        ----------
        weights : (1, ..., block rows, block columns) numpy.ndarray of float32
            As for the class.

        Returns
        -------
        list of (..., rows, columns) numpy.ndarray of float32
            One: what the components that count make up, with the phases measured.
        """
        self.weigh(weights[0])
        self.move()
        self.measure()
        return [self._components.template(self.amplitudes, self._phases, self._kept)]

    def learnt(self):
        """What has been learnt: dict of arrays, as in `Templates`."""
        return {"reflections": self.reflections, "amplitudes": self.amplitudes}

    def weigh(self, weights):
        """Take the Fourier sums over those pixels that belong to the pattern.

        Parameters
        ----------
        weights
            As for the class.
        """
        self._cells = self._components.cells(weights)
        # Pixels of other patterns have the least weight.
        own = np.maximum(weights, LEAST_WEIGHT)
        self._n_pixels = float(np.vdot(own, self._frame.counts))

    def move(self):
        """Move the reflections that count by the slopes that their phases have.

        Within a cell a component that has moved hardly differs from the one before, so
        only the phases of the cells are turned; the next round weighs the pixels again.
        """
        side = BLOCKS_IN_CELL * self._frame.block
        real, imag = near_by(self._cells[:, self._kept])
        means = np.empty(real.shape, np.complex64)
        means.real, means.imag = real, imag
        pairs = (
            (means[..., 1:, :], means[..., :-1, :]),
            (means[..., 1:], means[..., :-1]),
        )
        steps = [_products(one, other.conj()) for one, other in pairs]
        steps = np.angle(np.stack(steps, axis=1)) / (2 * np.pi * side)
        moved = self._moved[self._kept] + steps
        moves = np.hypot(*steps.T) > STILL / self._period
        distances = np.hypot(*(moved - self._found[self._kept]).T)
        moves &= distances < FARTHEST / self._period
        indices = self._kept[moves]
        self._moved[indices] = moved[moves]
        self._components.replace(indices, self._frame.factors(moved[moves]))
        centres = (side * (np.arange(n) + 0.5) - 0.5 for n in self._cells.shape[-2:])
        y, x = np.meshgrid(*centres, indexing="ij")
        turns = np.tensordot(steps[moves], [y, x], axes=1)
        # One axis for frames, if there are several.
        turns = turns.reshape(len(indices), *[1] * (self._cells.ndim - 4), *y.shape)
        cosine, sine = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
        real, imag = self._cells[:, indices]
        self._cells[0, indices] = real * cosine + imag * sine
        self._cells[1, indices] = imag * cosine - real * sine

    def measure(self):
        """Measure phases and amplitudes, and choose the reflections that count."""
        self._phases = unit_phases(self._cells)
        products = sum(map(_products, self._cells, self._phases))
        amplitudes = products.astype(np.float64) / self._n_pixels
        least = max(
            LEAST_FRACTION * amplitudes.max(initial=0),
            LEAST_SIGNIFICANCE / np.sqrt(2 * self._n_pixels),
        )
        strongest = np.argsort(-amplitudes, kind="stable")
        strongest = strongest[amplitudes[strongest] > least]
        separate = apart(self._moved[strongest], DISTANCE / self._period)
        self._kept = strongest[separate]
        self.amplitudes = amplitudes[self._kept]


def _products(first, second):
    """Sums of the products of two arrays (components, ...): (components,)."""
    return (first * second).sum(axis=tuple(range(1, first.ndim)))
