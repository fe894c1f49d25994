# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.blocks import BlockedFrame
from hyperspy_symseg.templates.reflections import (
    MOST_REFLECTIONS,
    Tiles,
    find_reflections,
    keep_apart,
)

from .conftest import PERIOD, REFLECTIONS, SHAPE


def found_in(blocked, weights=None):
    if weights is None:
        weights = np.ones(blocked.counts.shape)
    return find_reflections([Tiles(blocked, PERIOD)], [weights], PERIOD)


def waves(*reflections, noise=0.3, shape=SHAPE, seed=0):
    """Frame of cosines with the amplitudes 1, 0.8, 0.6 ..., and noise."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    frame = noise * np.random.default_rng(seed).normal(size=shape)
    for i, (gy, gx) in enumerate(reflections):
        frame += (1 - 0.2 * i) * np.cos(2 * np.pi * (gy * y + gx * x) + i)
    return BlockedFrame(frame, None, PERIOD)


def distances(found, true):
    """Of every reflection from the nearest true one, or its opposite."""
    return np.min(
        [
            np.hypot(*(found[:, np.newaxis] - sign * np.asarray(true)).T)
            for sign in (1, -1)
        ],
        axis=(0, 1),
    )


def test_reflections_of_a_lattice(one_crystal):
    found = found_in(one_crystal)
    assert found.shape == (2, 2)
    assert distances(found, REFLECTIONS[0]).max() < 0.002
    assert distances(REFLECTIONS[0], found).max() < 0.002


def test_the_strongest_is_first():
    true = [(0.02, 0.11), (-0.15, 0.05), (0.2, 0.13)]
    found = found_in(waves(*true))
    assert len(found) == 3
    for one, expected in zip(found, true, strict=True):
        assert distances(one[np.newaxis], [expected])[0] < 0.002


@pytest.mark.parametrize("side", [0, 1])
def test_reflections_of_the_pixels_of_a_pattern(two_grains, side):
    blocked, labels = two_grains
    found = found_in(blocked, (labels == side).astype(float))
    assert distances(REFLECTIONS[side], found).max() < 0.003
    assert distances(REFLECTIONS[1 - side], found).min() > 0.02


@pytest.mark.parametrize("frequency", [(0.11, 0.0), (0.0, 0.11)])
def test_reflections_along_an_axis_count_once(frequency):
    found = found_in(waves(frequency))
    assert found.shape == (1, 2)
    assert distances(found, [frequency])[0] < 0.002


def test_noise_has_none():
    rng = np.random.default_rng(0)
    n_found = [
        len(found_in(BlockedFrame(rng.normal(size=SHAPE), None, PERIOD)))
        for _ in range(20)
    ]
    # One in a thousand frames.
    assert sum(n_found) == 0


@pytest.mark.parametrize("periods", [0.22, 4.0])
def test_lengths_that_are_not_looked_for(periods):
    frequency = 1 / (PERIOD * periods)
    found = found_in(waves((0.6 * frequency, 0.8 * frequency)))
    if len(found):
        assert distances(np.array([[0.6, 0.8]]) * frequency, found)[0] > 0.01


def test_there_are_not_too_many():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    columns = np.zeros(SHAPE)
    # Narrow peaks, with many orders.
    for row in np.arange(4, 153, 18):
        for column in np.arange(4, 198, 18):
            columns += np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2))
    found = found_in(BlockedFrame(columns, None, PERIOD))
    assert len(found) == MOST_REFLECTIONS


def test_a_pattern_without_pixels_has_none(one_crystal):
    found = found_in(one_crystal, np.zeros(one_crystal.counts.shape))
    assert found.shape == (0, 2)


def test_frames_add_up(one_crystal, noise):
    tiles = [Tiles(frame, PERIOD) for frame in (one_crystal, noise)]
    weights = [np.ones(frame.counts.shape) for frame in (one_crystal, noise)]
    found = find_reflections(tiles, weights, PERIOD)
    assert distances(REFLECTIONS[0], found).max() < 0.002


def test_where_the_frame_lies_does_not_matter(one_crystal):
    shifted = BlockedFrame(one_crystal.pixels, None, PERIOD, (27, 45))
    there = BlockedFrame(one_crystal.pixels, None, PERIOD)
    np.testing.assert_array_equal(found_in(shifted), found_in(there))


@pytest.mark.parametrize("shape", [(5, 7), (3, 90), (90, 3), (30, 41)])
def test_frames_smaller_than_a_tile(shape):
    frame = np.random.default_rng(0).normal(size=shape)
    assert found_in(BlockedFrame(frame, None, PERIOD)).shape[1] == 2


def test_power_of_a_single_tile():
    blocked = waves((0.02, 0.11), shape=(48, 60))
    tiles = Tiles(blocked, PERIOD)
    weights = np.random.default_rng(1).random(blocked.counts.shape).astype(np.float32)
    power, energies = tiles.power(weights)
    by_pixel = np.kron(weights, np.ones((3, 3)))
    window = np.outer(np.hanning(50)[1:-1], np.hanning(62)[1:-1]) * by_pixel
    expected = np.abs(np.fft.rfft2(blocked.pixels * window)) ** 2
    np.testing.assert_allclose(
        power, np.fft.fftshift(expected, axes=0), rtol=1e-3, atol=1e-2
    )
    np.testing.assert_allclose(energies, [(window**2).sum()], rtol=1e-5)


def test_tiles_without_a_pattern_do_not_count(one_crystal):
    tiles = Tiles(one_crystal, PERIOD)
    everywhere = np.ones(one_crystal.counts.shape)
    half = everywhere.copy()
    half[:, 33:] = 0
    assert 0 < len(tiles.power(half)[1]) < len(tiles.power(everywhere)[1])


def test_near_reflections_and_their_opposites_are_left_out():
    # Of a period of 10: nearer than 0.027 cycles a pixel.
    reflections = np.array(
        [[0.1, 0], [0.1, 0.02], [0, 0.1], [0.01, -0.1], [0.1, 0.03], [-0.1, -0.05]]
    )
    np.testing.assert_array_equal(keep_apart(reflections, 10), reflections[[0, 2, 4]])


def test_nothing_to_keep_apart():
    assert keep_apart(np.empty((0, 2)), 10).shape == (0, 2)
