# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

PERIOD = 9.0
SHAPE = (153, 198)
# Two reflections of each of two square lattices, in cycles a pixel.
ANGLES = np.deg2rad([5, 41])
REFLECTIONS = [
    np.array([[np.sin(a), np.cos(a)], [np.cos(a), -np.sin(a)]]) / PERIOD for a in ANGLES
]
# Columns of the first lattice.
AT = 90


def lattice(number, shape=SHAPE, phase=0.3):
    """Sum of two cosines of amplitude 1."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    turns = [gy * y + gx * x for gy, gx in REFLECTIONS[number]]
    return sum(np.cos(2 * np.pi * turn + phase) for turn in turns)


def two_lattices(noise=1.0, seed=0, at=AT, shape=SHAPE):
    """Frame with the first lattice on the left, and the labels of its pixels."""
    labels = (np.arange(shape[1]) >= at) * np.ones((shape[0], 1), int)
    frame = np.where(labels, lattice(1, shape), lattice(0, shape))
    return frame + noise * np.random.default_rng(seed).normal(size=shape), labels


def block_labels(labels, side=3):
    """Labels of blocks that are all of one pattern, or mostly."""
    counts = sum_blocks(np.ones_like(labels), side)
    return np.rint(sum_blocks(labels, side) / counts).astype(int)


@pytest.fixture(scope="session")
def one_crystal():
    """NormalizedFrame of the first lattice alone."""
    noise = np.random.default_rng(3).normal(size=SHAPE)
    return NormalizedFrame(lattice(0) + noise, None, PERIOD)


@pytest.fixture(scope="session")
def two_grains():
    """NormalizedFrame of two lattices, and the true labels of its blocks."""
    frame, labels = two_lattices()
    return NormalizedFrame(frame, None, PERIOD), block_labels(labels)


@pytest.fixture(scope="session")
def noise():
    """NormalizedFrame of white noise."""
    return NormalizedFrame(np.random.default_rng(4).normal(size=SHAPE), None, PERIOD)
