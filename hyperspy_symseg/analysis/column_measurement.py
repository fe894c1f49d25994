# SPDX-License-Identifier: GPL-3.0-or-later
"""Intensities, widths and positions of columns that are known roughly."""

from typing import NamedTuple

import numpy as np

from .column_model import WIDEST, Columns, Evidence, width_step
from .column_statistics import inverses

# Rounds of amplitudes, positions, background and width.
ROUNDS = 6
# Step of amplitude and position, of what the pixels ask for: neighbours overlap.
STEP = 0.8
# How far a position is moved, in its standard errors, at most.
FARTHEST = 3.0
# Of a column whose amplitude is n standard errors, a position has a variance that is
# 1 + (FAINT / n)^2 times that of Fisher's information. This was measured in simulated
# frames of 0.3 to 100 counts.
FAINT = 3.0
# Pixels at the edges that columns beyond the frame may reach, in widths.
RIM = 3.0
# What damps the steps of the width, as `known` of `width_step`.
DAMPED = 1.0
# Share of its information that is added to each column, so that what no pixel shows has
# a covariance, too.
LEAST_SHARE = 1e-6
TINY = 1e-30


class Measured(NamedTuple):
    """What was measured of columns.

    Attributes
    ----------
    positions, position_errors : (n, 2) numpy.ndarray of float64
        Along (y, x), in pixels, and their standard errors.
    intensities, errors, widths : (n,) numpy.ndarray of float64
        Sums above the background, their standard errors, and widths in pixels.
    """

    positions: np.ndarray
    position_errors: np.ndarray
    intensities: np.ndarray
    errors: np.ndarray
    widths: np.ndarray

    @classmethod
    def of(cls, canvas, positions, position_errors, widths, free):
        """Measure columns in a frame, all together: Measured.

        A column is moved to where its own pixels have it, if these tell more of its
        position than what is known of it.

        Parameters
        ----------
        canvas : Canvas
        positions, position_errors : (n, 2) numpy.ndarray of float64
            Along (y, x), in pixels: what is known.
        widths : (n,) numpy.ndarray of float64
        free : (n,) numpy.ndarray of bool
            Those that may be moved, and whose width, a common one, is to be found.
        """
        known = positions, position_errors
        positions, first = np.array(positions), widths
        columns = Columns(positions, np.ones(len(positions)), widths)
        comb, contrast = canvas.drawn(columns, columns.amplitudes), None
        for i in range(ROUNDS):
            background, contrasts, contrast = canvas.background(comb, contrast)
            if not i:
                amplitudes = canvas.at(contrasts, positions)
            columns = Columns(positions, amplitudes, widths)
            expected = background + canvas.drawn(columns, amplitudes)
            noise = canvas.noise(expected, np.zeros_like(expected))
            none = np.zeros(len(positions))
            evidence = Evidence.of(canvas, columns, expected, none, noise)
            spread = _overdispersion(canvas, expected, noise, float(widths.mean()))
            covariance = _inverted(evidence.information)
            errors = np.sqrt(spread * np.einsum("nii->ni", covariance))
            faintness = FAINT * errors[:, 0] / np.maximum(np.abs(amplitudes), TINY)
            errors[:, 1:] *= np.hypot(1, faintness)[:, np.newaxis]
            is_sharper = free & (errors[:, 1:].mean(1) < known[1].mean(1))
            if i == ROUNDS - 1:
                break
            steps = STEP * np.einsum("nij,nj->ni", covariance, evidence.gradients)
            # Elsewhere the position stays, and only the amplitude is found.
            information = np.maximum(evidence.information[:, 0, 0], TINY)
            alone = STEP * evidence.gradients[:, 0] / information
            amplitudes = amplitudes + np.where(is_sharper, steps[:, 0], alone)
            off = positions + steps[:, 1:] - known[0]
            limits = FARTHEST * known[1]
            off = np.clip(off, -limits, limits) * is_sharper[:, np.newaxis]
            positions = np.ascontiguousarray(known[0] + off)
            sums = evidence.by_width[:, free].sum(axis=1)
            widths = _widths(sums, widths, first, free)
            columns = Columns(positions, amplitudes, widths)
            comb, contrast = canvas.drawn(columns, amplitudes), 1.0
        alone = np.sqrt(spread / np.maximum(evidence.information[:, 0, 0], TINY))
        area = 2 * np.pi * widths**2
        return cls(
            positions,
            np.where(is_sharper[:, np.newaxis], errors[:, 1:], known[1]),
            area * amplitudes,
            area * np.where(is_sharper, errors[:, 0], alone),
            widths,
        )


def _overdispersion(canvas, expected, noise, width):
    """Overdispersion of what is left, as of `Canvas`, far from the edges: float."""
    rest = (canvas.values - expected) * canvas.valid
    rest /= np.sqrt(noise.variance(expected))
    rim, far = int(np.ceil(RIM * width)), np.zeros_like(rest)
    far[rim:-rim, rim:-rim] = 1
    return canvas.overdispersion(rest * far, width)


def _inverted(information):
    """Covariance of amplitude and position: (n, 3, 3) numpy.ndarray."""
    own = np.maximum(np.einsum("nii->ni", information), TINY)
    return inverses(information + LEAST_SHARE * own[:, np.newaxis] * np.eye(3))


def _widths(sums, widths, first, free):
    """Widths (n,) after a step of those that are free."""
    step = np.exp(width_step(sums, 0.0, DAMPED))
    changed = np.clip(step * widths, first / WIDEST, first * WIDEST)
    return np.where(free, changed, widths)
