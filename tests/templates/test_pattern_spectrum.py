# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern_spectrum import (
    PatternSpectrum,
    SpectrumCrops,
    pattern_spectrum,
)
from hyperspy_symseg.templates.reflections import find_reflections

from .conftest import PERIOD, REFLECTIONS


def spectrum_of(normalized, weights=None):
    if weights is None:
        weights = np.ones(normalized.counts.shape)
    return pattern_spectrum(SpectrumCrops(normalized), weights)


def test_power_of_a_single_crop():
    pixels = np.random.default_rng(0).normal(size=(48, 60))
    normalized = NormalizedFrame(pixels, None, PERIOD)
    crops = SpectrumCrops(normalized)
    weights = (
        np.random.default_rng(1).random(normalized.counts.shape).astype(np.float32)
    )
    power, energies = crops.power(weights)
    by_pixel = np.kron(weights, np.ones((3, 3)))
    window = np.outer(np.hanning(50)[1:-1], np.hanning(62)[1:-1]) * by_pixel
    expected = np.abs(np.fft.rfft2(normalized.pixels * window)) ** 2
    np.testing.assert_allclose(
        power, np.fft.fftshift(expected, axes=0), rtol=1e-3, atol=1e-2
    )
    np.testing.assert_allclose(energies, [(window**2).sum()], rtol=1e-5)


def test_crops_without_a_pattern_do_not_count(one_crystal):
    crops = SpectrumCrops(one_crystal)
    everywhere = np.ones(one_crystal.counts.shape)
    half = everywhere.copy()
    half[:, 33:] = 0
    assert 0 < len(crops.power(half)[1]) < len(crops.power(everywhere)[1])


def test_crops_are_spread_over_all_frames(one_crystal, noise):
    stack = NormalizedFrame.stacked([noise, noise, one_crystal])
    weights = np.ones(stack.counts.shape)
    # 3 x 4 crops a frame.
    assert len(SpectrumCrops(stack).power(weights, most=3)[1]) == 3
    weights[2] = 0.5
    energies = SpectrumCrops(stack).power(weights, most=3)[1]
    np.testing.assert_allclose(energies / energies[0], [1, 1, 0.25], rtol=1e-6)


def test_power_of_frames_adds_up(one_crystal, noise):
    both = [one_crystal, noise]
    ones = np.ones(noise.counts.shape)
    powers = [SpectrumCrops(each).power(ones)[0] for each in both]
    found, _ = SpectrumCrops(NormalizedFrame.stacked(both)).power(
        np.stack([ones, ones])
    )
    np.testing.assert_allclose(found, sum(powers), rtol=1e-4)


def test_a_pattern_without_pixels_has_no_spectrum(one_crystal):
    assert spectrum_of(one_crystal, np.zeros(one_crystal.counts.shape)) is None


@pytest.mark.parametrize("shape", [(5, 7), (3, 90), (90, 3), (30, 41)])
def test_frames_smaller_than_a_crop(shape):
    frame = np.random.default_rng(0).normal(size=shape)
    spectrum = spectrum_of(NormalizedFrame(frame, None, PERIOD))
    assert np.isfinite(spectrum.ratio).all()
    assert find_reflections(spectrum, PERIOD).shape[1] == 2


def test_ratio_of_noise_is_one_on_average(noise):
    assert spectrum_of(noise).ratio[:, 1:].mean() == pytest.approx(1, abs=0.1)


def test_a_row_of_pixels_has_no_spectrum():
    frame = np.random.default_rng(0).normal(size=(1, 90))
    assert spectrum_of(NormalizedFrame(frame, None, 3.0)) is None


def test_ratio_at_reflections_and_their_opposites(one_crystal):
    spectrum = spectrum_of(one_crystal)
    ratios = spectrum.ratio_at(REFLECTIONS[0])
    assert ratios.min() > 0.3 * spectrum.ratio.max()
    np.testing.assert_allclose(spectrum.ratio_at(-REFLECTIONS[0]), ratios)


def spectrum_with(power):
    rows, columns = (np.arange(n) / 9 for n in power.shape)
    return PatternSpectrum(power, power, rows, columns, 1.0)


@pytest.mark.parametrize("column", [0, 2])
def test_the_highest_bin_beside_a_bin(column):
    power = np.ones((9, 9), np.float32)
    power[4, column], power[4, column + 2] = 3, 5
    spectrum, points = spectrum_with(power), np.array([[4, column], [4, column]])
    np.testing.assert_array_equal(spectrum.highest(points), points)
    power[3, column + 1] = 4
    np.testing.assert_array_equal(spectrum.highest(points[:1]), [[3, column + 1]])


def test_hand_worked_vertices():
    power = np.ones((9, 9), np.float32)
    # Logarithms 1, 2, 1.5 along y, and 0, 2, 0 along x: 1/6 of a bin farther down.
    power[3:6, 4] = np.exp([1, 2, 1.5])
    # At the first column there are no neighbours to one side.
    power[6, 0], power[5, 0], power[7, 0] = np.exp([2, 1, 1])
    vertices = spectrum_with(power).vertices(np.array([[4, 4], [6, 0]]))
    np.testing.assert_allclose(vertices * 9, [[4 + 1 / 6, 4], [6, 0]], atol=1e-5)


def test_no_vertices():
    spectrum = spectrum_with(np.ones((9, 9), np.float32))
    assert spectrum.vertices(np.empty((0, 2), int)).shape == (0, 2)


def test_bins_of_reflections():
    rows, columns = np.arange(-4, 4) / 8, np.arange(5) / 8
    empty = np.empty((8, 5))
    spectrum = PatternSpectrum(empty, empty, rows, columns, 1.0)
    found = spectrum.bins(np.array([[0.125, 0.25], [0.125, -0.25]]))
    np.testing.assert_allclose(found, [[5, 3], [2, 2]])


def with_offsets(waves, axis):
    """Rows or columns, each of which is a little brighter or darker."""
    rng = np.random.default_rng(0)
    lines = np.expand_dims(0.4 * rng.normal(size=waves.shape[axis]), 1 - axis)
    noise = rng.normal(size=waves.shape)
    return NormalizedFrame(waves + lines + noise, None, PERIOD)


@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_of_lines_are_no_reflections(axis):
    """They have all spatial frequencies along one axis."""
    spectrum = spectrum_of(with_offsets(np.zeros((132, 141)), axis))
    assert spectrum.rows[len(spectrum.rows) // 2] == 0
    ratio = np.fft.ifftshift(spectrum.ratio, axes=0)
    power = np.fft.ifftshift(spectrum.power, axes=0)
    half = len(power) // 2
    lines = np.s_[15:half, 0] if axis == 0 else np.s_[0, 15:half]
    others = np.s_[15:half, 15:half]
    assert power[lines].mean() > 8 * power[others].mean()
    assert ratio[lines].mean() < 1.5 * ratio[others].mean()


def test_a_lattice_along_the_axes_has_reflections_in_spite_of_offsets():
    y, x = np.indices((132, 141))
    waves = np.cos(2 * np.pi * y / PERIOD) + np.cos(2 * np.pi * x / PERIOD)
    spectrum = spectrum_of(with_offsets(waves, 0))
    ratios = spectrum.ratio_at(np.array([[1, 0], [0, 1]]) / PERIOD)
    assert ratios.min() > 30
