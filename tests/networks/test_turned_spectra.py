# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.networks.turned_spectra import COLUMNS, STEP, turned_spectra


def window(orientation=0, spacing=12.0, shape=(128, 128), seed=0):
    lattice = simulate.Lattice.rectangular(
        spacing, 1.25 * spacing, orientation=orientation
    )
    return simulate.micrograph(lattice, shape, dose=30, seed=seed)[0].data


def brightest(spectrum, u, v, reach=2):
    """Place (u, v) of the maximum near another: along the reflection, and across."""
    i, j = round(v / STEP), round(u / STEP + (COLUMNS - 1) / 2)
    rows = slice(max(i - reach, 0), i + reach + 1)
    near = spectrum[rows, j - reach : j + reach + 1]
    k, m = np.unravel_index(near.argmax(), near.shape)
    return (j - reach + m - (COLUMNS - 1) / 2) * STEP, (rows.start + k) * STEP


@pytest.mark.parametrize("orientation", [0, 17, 45, 101])
@pytest.mark.parametrize("spacing", [9.0, 13.0])
def test_neither_orientation_nor_size_matter(orientation, spacing):
    first, *_ = turned_spectra(window(orientation, spacing))
    # The strongest reflection is that of the longer spacing, 1; the other is at 1.25.
    for expected in ((1, 0), (-1, 0), (0, 1.25), (1, 1.25)):
        assert brightest(first, *expected) == pytest.approx(expected, abs=0.8 * STEP)


def test_the_second_is_turned_to_the_next_reflection():
    _, second, _ = turned_spectra(window(30))
    for expected in ((1, 0), (0, 0.8)):
        assert brightest(second, *expected) == pytest.approx(expected, abs=0.8 * STEP)


def test_longer_windows_of_larger_crystals_look_alike():
    one, _, _ = turned_spectra(window(20, 12.0))
    other, _, _ = turned_spectra(window(20, 24.0, (256, 256)))
    for expected in ((1, 0), (0, 1.25), (1, 1.25)):
        found = brightest(one, *expected)
        assert found == pytest.approx(brightest(other, *expected), abs=1.1 * STEP)


def test_gain_and_offset_do_not_matter():
    frame = window().astype(float)
    expected = turned_spectra(frame)
    np.testing.assert_allclose(turned_spectra(3 * frame + 70), expected, atol=2e-3)


def test_a_wave_by_hand():
    # Twelve periods along x in 120 pixels: the only maximum, a hundred noises high.
    x = np.arange(120)
    waves = np.cos(2 * math.pi * x / 10) + np.zeros((120, 1))
    noisy = waves + np.random.default_rng(0).normal(0, 1, (120, 120))
    first, *_ = turned_spectra(noisy)
    # Sum of a Hann window times 1/2, and of its square, times the variance.
    expected = (120 * 120 / 4 / 2) ** 2 / (120 * 120 * (3 / 8) ** 2)
    # Half a column is between the middle and the first one: 1 is at 11.5 steps.
    assert first[0, 43] == pytest.approx(math.log1p(expected), abs=0.4)


def test_one_value_everywhere_is_nothing():
    found = turned_spectra(np.full((64, 70), 7))
    assert found.shape == (3, 32, 64)
    assert not found.any()


def test_frames_without_noise_are_finite():
    wave = np.cos(np.arange(100) * 0.6) + np.cos(np.arange(100) * 0.7)[:, np.newaxis]
    found = turned_spectra(wave)
    assert np.isfinite(found).all()
    assert found.max() < 9.3


def test_small_windows_are_an_error():
    with pytest.raises(ValueError, match=r"at least 64 x 64 pixels, got \(63, 90\)"):
        turned_spectra(np.zeros((63, 90)))
