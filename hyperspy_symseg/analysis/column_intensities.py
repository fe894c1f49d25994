# SPDX-License-Identifier: GPL-3.0-or-later
"""Intensities and widths of columns whose positions are known."""

from typing import NamedTuple

import numpy as np

from .column_model import Columns, Evidence

# Rounds of amplitudes, background and width.
ROUNDS = 5
# Step of an amplitude, of what its pixels ask for: neighbours overlap.
STEP = 0.8
# Change of the width in a round, at most, and its range, in what is begun with.
WIDER, WIDEST = 1.2, 1.8
TINY = 1e-30


class Measured(NamedTuple):
    """What was measured of columns.

    Attributes
    ----------
    intensities, errors, widths : (n,) numpy.ndarray of float64
        Sums above the background, their standard errors, and widths in pixels.
    """

    intensities: np.ndarray
    errors: np.ndarray
    widths: np.ndarray

    @classmethod
    def of(cls, canvas, positions, widths, free):
        """Measure columns in a frame, all together: Measured.

        Parameters
        ----------
        canvas : Canvas
        positions : (n, 2) numpy.ndarray of float64
        widths : (n,) numpy.ndarray of float64
        free : (n,) numpy.ndarray of bool
            Those whose width, a common one, is to be found.
        """
        positions, first = np.ascontiguousarray(positions), widths
        columns = Columns(positions, np.ones(len(positions)), widths)
        comb, contrast = canvas.drawn(columns, columns.amplitudes), None
        for i in range(ROUNDS):
            background, contrasts, contrast = canvas.background(comb, contrast)
            if not i:
                amplitudes = canvas.at(contrasts, positions)
            columns = Columns(positions, amplitudes, widths)
            drawn = canvas.drawn(columns, amplitudes)
            expected = background + drawn
            noise = canvas.noise(expected, np.zeros_like(expected))
            none = np.zeros(len(positions))
            evidence = Evidence.of(canvas, columns, expected, none, noise)
            information = np.maximum(evidence.information[:, 0, 0], TINY)
            amplitudes = amplitudes + STEP * evidence.gradients[:, 0] / information
            widths = _widths(
                evidence.by_width[:, free].sum(axis=1), widths, first, free
            )
            comb, contrast = canvas.drawn(columns, amplitudes), 1.0
        rest = (canvas.values - expected) * canvas.valid
        rest /= np.sqrt(noise.variance(expected))
        spread = canvas.overdispersion(rest, float(widths.mean()))
        area = 2 * np.pi * widths**2
        return cls(area * amplitudes, area * np.sqrt(spread / information), widths)


def _widths(sums, widths, first, free):
    """Widths after a step of Fisher's scoring, in which all amplitudes may change."""
    a, w, aa, aw, ww = sums
    left = np.array([[aa + 1, aw], [aw, ww + 1]])
    step = np.linalg.solve(left, [a, w])[1]
    step = np.exp(np.clip(step, -np.log(WIDER), np.log(WIDER)))
    changed = np.clip(step * widths, first / WIDEST, first * WIDEST)
    return np.where(free, changed, widths)
