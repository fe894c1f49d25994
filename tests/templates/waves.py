# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the plane waves of one lattice."""

import numpy as np

from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

# Not a multiple of a cell of 9 pixels.
SHAPE = (95, 140)
PERIOD = 9.0
CELL = np.array([[0.02, 0.11], [0.1, -0.01]])
INDICES = np.array([[0, 1], [1, 0], [1, 1], [-1, 1], [0, 2], [2, -1]], np.int32)
FACTORS = np.array([0.4, 0.3j, 0.2 - 0.1j, -0.25, 0.1j, 0.1 + 0.1j])
# The same but for the first and the third: as a motif with a column moved.
OTHERS = np.array([0.3 + 0.3j, 0.3j, -0.2, -0.25, 0.1j, 0.1 + 0.1j])
Y, X = np.indices(SHAPE)


def waves(factors, displacement=(0, 0), cell=CELL, indices=INDICES):
    """Sum of the plane waves of a motif, pixel by pixel: 2 Re sum of F exp(...).

    The displacement is in fractions of the lattice vectors: two numbers, or two frames.
    """
    frame = np.zeros(SHAPE)
    for (h, k), factor in zip(indices, factors, strict=True):
        gy, gx = h * cell[0] + k * cell[1]
        turns = gy * Y + gx * X - h * displacement[0] - k * displacement[1]
        frame += 2 * (factor * np.exp(2j * np.pi * turns)).real
    return frame


def with_noise(frame, noise=0.3, seed=0):
    return frame + noise * np.random.default_rng(seed).normal(size=frame.shape)


def normalized(frame):
    return NormalizedFrame(frame, None, PERIOD)


def everywhere(frame, n_patterns=1):
    share = np.float32(1 / n_patterns)
    return np.full((n_patterns, *frame.counts.shape), share, np.float32)


def modulo_one(difference):
    return np.abs(difference - np.rint(difference))


def explained(template, truth):
    """Share of the variance of a clean frame that a template explains."""
    return 1 - ((template - truth) ** 2).mean() / (truth**2).mean()
