# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern_spectrum import (
    PatternSpectrum,
    SpectrumCrops,
    pattern_spectrum,
)
from hyperspy_symseg.templates.reflections import (
    MOST_REFLECTIONS,
    _turned_on,
    find_reflections,
    find_turned,
    keep_apart,
    strong,
)

from .conftest import PERIOD, REFLECTIONS, SHAPE


def found_in(normalized, weights=None):
    if weights is None:
        weights = np.ones(normalized.counts.shape)
    return find_reflections(
        pattern_spectrum(SpectrumCrops(normalized), weights), PERIOD
    )


def waves(*reflections, noise=0.3, shape=SHAPE, seed=0):
    """Frame of cosines with the amplitudes 1, 0.8, 0.6 ..., and noise."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    frame = noise * np.random.default_rng(seed).normal(size=shape)
    for i, (gy, gx) in enumerate(reflections):
        frame += (1 - 0.2 * i) * np.cos(2 * np.pi * (gy * y + gx * x) + i)
    return NormalizedFrame(frame, None, PERIOD)


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
    normalized, labels = two_grains
    found = found_in(normalized, (labels == side).astype(float))
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
        len(found_in(NormalizedFrame(rng.normal(size=SHAPE), None, PERIOD)))
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
    found = found_in(NormalizedFrame(columns, None, PERIOD))
    assert len(found) == MOST_REFLECTIONS


def test_frames_add_up(one_crystal, noise):
    found = found_in(NormalizedFrame.stacked([one_crystal, noise]))
    assert distances(REFLECTIONS[0], found).max() < 0.002


def test_where_the_frame_lies_does_not_matter(one_crystal):
    shifted = NormalizedFrame(one_crystal.pixels, None, PERIOD, (27, 45))
    there = NormalizedFrame(one_crystal.pixels, None, PERIOD)
    np.testing.assert_array_equal(found_in(shifted), found_in(there))


def test_near_reflections_and_their_opposites_are_left_out():
    # Of a period of 10: nearer than 0.027 cycles a pixel.
    reflections = np.array(
        [[0.1, 0], [0.1, 0.02], [0, 0.1], [0.01, -0.1], [0.1, 0.03], [-0.1, -0.05]]
    )
    np.testing.assert_array_equal(keep_apart(reflections, 10), reflections[[0, 2, 4]])


def test_nothing_to_keep_apart():
    assert keep_apart(np.empty((0, 2)), 10).shape == (0, 2)


def turned_by(degrees, reflections=REFLECTIONS[0]):
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return reflections @ np.array([[cosine, sine], [-sine, cosine]])


def spectrum_of(normalized):
    return pattern_spectrum(SpectrumCrops(normalized), np.ones(normalized.counts.shape))


@pytest.mark.parametrize("degrees", [36, 51.3, 150])
def test_a_crystal_is_found_that_another_is_turned_into(degrees):
    # Not a square one, which is turned into itself.
    other = np.array([[0.0, 1.0], [0.8, 0.0]]) / PERIOD
    true = turned_by(degrees, other)
    found = find_turned(spectrum_of(waves(*true, noise=1)), other, PERIOD)
    assert found.shape == (2, 2)
    assert distances(found, true).max() < 0.003


def test_a_twin_is_found():
    other = np.array([[0.3, 1.0], [0.9, 0.1]]) / PERIOD
    twin = other * [-1, 1]
    found = find_turned(spectrum_of(waves(*twin, noise=1)), other, PERIOD)
    assert distances(found, twin).max() < 0.003


def test_reflections_too_weak_for_one_are_found_together():
    other = np.array([[0.3, 1.0], [0.9, 0.1], [-0.7, 0.8], [1.2, 0.6]]) / PERIOD
    true = turned_by(25, other)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    frame = sum(np.cos(2 * np.pi * (gy * y + gx * x)) for gy, gx in true)
    more = 0
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=SHAPE)
        normalized = NormalizedFrame(0.09 * frame + noise, None, PERIOD)
        together = find_turned(spectrum_of(normalized), other, PERIOD)
        alone = found_in(normalized)
        more += np.sum(distances(true, together) < 0.005) if len(together) else 0
        more -= np.sum(distances(true, alone) < 0.005) if len(alone) else 0
    assert more > 4


def test_noise_is_no_crystal_turned(noise):
    other = np.array([[0.3, 1.0], [0.9, 0.1]]) / PERIOD
    assert find_turned(spectrum_of(noise), other, PERIOD).shape == (0, 2)


def test_nothing_to_turn(one_crystal):
    none = np.empty((0, 2))
    assert find_turned(spectrum_of(one_crystal), none, PERIOD).shape == (0, 2)


def test_reflections_are_turned_together():
    # One of the maxima is far off, but weak, and another is that of the opposite.
    other = np.array([[0.0, 1.0], [0.8, 0.0], [0.5, 0.5]])
    true = turned_by(-4, other)
    maxima = true * [[1], [-1], [1]] + [[0, 0], [0, 0], [0.1, -0.1]]
    found = _turned_on(other, maxima, np.array([5, 5, 0.001]))
    np.testing.assert_allclose(found, true, atol=1e-4)


def test_strong_reflections_are_four_at_most():
    rows, columns = np.arange(-5, 5) / 10, np.arange(6) / 10
    ratio = np.zeros((10, 6), np.float32)
    ratio[5, 1:] = 9, 5, 0.8, 4, 3
    spectrum = PatternSpectrum(ratio, ratio, rows, columns, 1.0)
    reflections = np.stack([np.zeros(5), columns[1:]], axis=1)
    found = strong(spectrum, reflections)
    np.testing.assert_array_equal(found, reflections[[0, 1, 3, 4]])
