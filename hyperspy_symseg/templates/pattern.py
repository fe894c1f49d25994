# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections and amplitudes of one pattern, as they are learnt."""

import numpy as np

from .blocks import BLOCKS_IN_CELL
from .reflections import (
    MOST_REFLECTIONS,
    apart,
    find_reflections,
    find_turned,
    keep_apart,
    strong,
)
from .tiles import pattern_spectrum
from .waves import LEAST_WEIGHT, PatternWaves, near_by, unit_phases

# Moves that change nothing, for the phases near by follow them, in cycles a period.
STILL = 0.001
# How far a reflection may move from where it was found, in cycles a period.
FARTHEST = 0.1
# Distance of two reflections that have moved, at least, in cycles a period.
DISTANCE = 0.2
# Amplitudes that count: fraction of the largest, and standard deviations of noise.
LEAST_FRACTION, LEAST_SIGNIFICANCE = 0.05, 3.0


class Pattern:
    """Reflections of one pattern in some frames.

    Parameters
    ----------
    frames : list of BlockedFrame
        All of one shape, that begin at their first pixel.
    tiles : list of Tiles
    weights : list of (block rows, block columns) numpy.ndarray
        Probability that a block belongs to the pattern, in every frame.
    period : float
        In pixels.

    Attributes
    ----------
    amplitudes : (n,) numpy.ndarray of float64
        Of the reflections that count.
    """

    def __init__(self, frames, tiles, weights, period):
        self._frames, self._period = frames, period
        self._spectrum = pattern_spectrum(tiles, weights)
        found = np.empty((0, 2))
        if self._spectrum is not None:
            found = find_reflections(self._spectrum, period)
        # Where they were found, and where they are now.
        self._found, self._moved = found, found.copy()
        self._waves, self._cells, self._phases, self._n_pixels = None, None, None, None
        self._kept, self.amplitudes = [], np.empty(0)

    @property
    def reflections(self):
        """Spatial frequencies (y, x) of those that count, in cycles a pixel: (n, 2)."""
        return self._moved[self._kept]

    def strong_reflections(self):
        """Reflections that were found and are strong: (n, 2) numpy.ndarray."""
        if not len(self._found):
            return self._found
        return strong(self._spectrum, self._found)

    def relate(self, others):
        """Look for the reflections of other patterns, turned or mirrored, too.

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
        factors = self._frames[0].factors(self._found)
        self._waves = [PatternWaves(frame, factors) for frame in self._frames]

    def weigh(self, weights):
        """Take the Fourier sums over those pixels that belong to the pattern.

        Parameters
        ----------
        weights
            As for the class.
        """
        self._cells = [
            waves.cells(own) for waves, own in zip(self._waves, weights, strict=True)
        ]
        # Those that are not of the pattern have the least weight.
        self._n_pixels = sum(
            np.vdot(np.maximum(own, LEAST_WEIGHT), frame.counts)
            for frame, own in zip(self._frames, weights, strict=True)
        )

    def move(self, weights):
        """Move the reflections that count by the slopes that their phases have.

        Parameters
        ----------
        weights
            As for the class.
        """
        side = BLOCKS_IN_CELL * self._frames[0].block
        steps = np.zeros((len(self._kept), 2), complex)
        for cells in self._cells:
            means = near_by(cells[:, self._kept])
            means = means[0] + 1j * means[1]
            for axis, step in enumerate(steps.T, 1):
                lines = np.moveaxis(means, axis, 0)
                step += np.einsum("kgl,kgl->g", lines[1:], lines[:-1].conj())
        steps = np.angle(steps) / (2 * np.pi * side)
        moved = self._moved[self._kept] + steps
        moves = np.hypot(*steps.T) > STILL / self._period
        distances = np.hypot(*(moved - self._found[self._kept]).T)
        moves &= distances < FARTHEST / self._period
        places = self._kept[moves]
        self._moved[places] = moved[moves]
        factors = self._frames[0].factors(moved[moves])
        for waves, cells, own in zip(self._waves, self._cells, weights, strict=True):
            waves.replace(places, factors)
            cells[:, places] = waves.cells(own, places)

    def measure(self):
        """Measure phases and amplitudes, and choose the reflections that count."""
        self._phases = [unit_phases(cells) for cells in self._cells]
        amplitudes = sum(map(_products, self._cells, self._phases)) / self._n_pixels
        least = max(
            LEAST_FRACTION * amplitudes.max(initial=0),
            LEAST_SIGNIFICANCE / np.sqrt(2 * self._n_pixels),
        )
        strongest = np.argsort(-amplitudes, kind="stable")
        strongest = strongest[amplitudes[strongest] > least]
        places = apart(self._moved[strongest], DISTANCE / self._period)
        self._kept = strongest[places]
        self.amplitudes = amplitudes[self._kept]

    def template(self, frame):
        """What the waves that count make up, with the phases measured.

        Parameters
        ----------
        frame : int
            Number of the frame.

        Returns
        -------
        (rows, columns) numpy.ndarray of float32
        """
        waves, phases = self._waves[frame], self._phases[frame]
        return waves.template(self.amplitudes, phases, self._kept)


def _products(cells, phases):
    """Sums of the products of Fourier sums and phase factors: (waves,) float64."""
    return np.einsum("pgyx,pgyx->g", cells, phases).astype(np.float64)
