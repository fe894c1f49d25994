# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.finding import LEAST_EVIDENCE, find_lattice
from hyperspy_symseg.lattice.fourier_nodes import BROADEST_LOBE, HANN_SPREAD, windows

SHAPE = 60, 83
RNG = np.random.default_rng(4)
FRAME = RNG.normal(size=SHAPE) + 20
G = np.array([[0.11, -0.2], [0.03, 0.31], [0, 0.25]])


def test_amplitudes_are_fourier_sums_about_the_middle():
    [window] = windows(FRAME)
    y, x = np.indices(SHAPE)
    for g, found in zip(G, window.amplitudes(G), strict=True):
        phase = g[0] * (y - window.centre[0]) + g[1] * (x - window.centre[1])
        expected = (window.values * np.exp(-2j * np.pi * phase)).sum()
        assert found == pytest.approx(expected)


def test_derivatives_are_differences_of_amplitudes():
    [window] = windows(FRAME)
    amplitudes, gradients, curvatures = window.derivatives(G)
    np.testing.assert_allclose(amplitudes, window.amplitudes(G))
    step = 1e-4
    for i, along in enumerate(np.eye(2)):
        after, _, _ = window.derivatives(G + step * along)
        before, _, _ = window.derivatives(G - step * along)
        np.testing.assert_allclose(
            gradients[:, i], (after - before) / (2 * step), rtol=1e-4
        )
        _, after, _ = window.derivatives(G + step * along)
        _, before, _ = window.derivatives(G - step * along)
        np.testing.assert_allclose(
            curvatures[:, i], (after - before) / (2 * step), rtol=1e-3
        )


def test_a_full_window_is_hann():
    [window] = windows(FRAME)
    lengths = window.lengths_along(np.eye(2))
    np.testing.assert_allclose(lengths, np.add(SHAPE, 1), rtol=1e-2)
    assert window.bins(np.array([1 / 61, 0])) == pytest.approx(1, rel=1e-2)
    assert pytest.approx(0.1808, abs=1e-4) == HANN_SPREAD


@pytest.mark.parametrize("gain", [1, -3e4, 1e-7])
@pytest.mark.parametrize("offset", [0, 1e5])
def test_neither_gain_nor_offset_matters(gain, offset):
    [expected] = windows(FRAME)
    [found] = windows(FRAME * gain + offset * gain)
    np.testing.assert_allclose(found.values, np.sign(gain) * expected.values, atol=1e-6)


def test_a_quadratic_surface_does_not_matter():
    y, x = np.indices(SHAPE) / 50
    [expected] = windows(FRAME)
    [found] = windows(FRAME + 30 * y - 20 * x + 9 * x * y - 7 * y**2 + 11 * x**2)
    np.testing.assert_allclose(found.values, expected.values, atol=2e-2)


def test_regions_have_windows_of_their_own_that_end_at_their_edges():
    valid = np.zeros(SHAPE, bool)
    valid[4:50, 2:30] = valid[10:55, 40:81] = True
    valid[20:50, 15:30] = False
    large, small = windows(FRAME, valid)
    assert large.first == (10, 40)
    assert small.first == (4, 2)
    assert large.values.shape == (45, 41)
    # The edge is no step.
    assert large.weights[0].max() < 0.02
    assert large.weights.max() == pytest.approx(1, abs=0.05)
    assert (small.weights[16:, 13:] == 0).all()


def test_what_is_left_out_does_not_count():
    valid = np.ones(SHAPE, bool)
    valid[:, 60:] = False
    valid[20:23, 30:33] = False
    changed = np.where(valid, FRAME, 1e6)
    [found], [expected] = windows(changed, valid), windows(FRAME, valid)
    np.testing.assert_allclose(found.values, expected.values)
    changed[~valid] = np.nan
    [found] = windows(changed, valid)
    np.testing.assert_allclose(found.values, expected.values)
    # A gap is no edge.
    assert found.weights[25, 31] > 0.5


def test_quarters_share_the_window():
    valid = np.ones(SHAPE, bool)
    valid[:30, 50:] = False
    [window] = windows(FRAME, valid)
    quarters = window.quarters()
    areas = np.array([each.area for each in quarters])
    assert len(areas) == 4
    assert areas.max() < 0.5 * window.area
    middles = np.array([each.middle for each in quarters])
    assert np.ptp(middles, axis=0).min() > 10


@pytest.mark.parametrize("frame", [np.ones(SHAPE), np.zeros((8, 300)), np.eye(5)])
def test_frames_without_contrast_or_pixels_have_none(frame):
    assert windows(frame) == []


def test_a_mask_of_everything_has_none():
    assert windows(FRAME, np.zeros(SHAPE, bool)) == []


@pytest.mark.parametrize("shape", [(60, 83), (61, 64)])
def test_the_spectrum_is_the_power_of_the_amplitudes(shape):
    [window] = windows(RNG.normal(size=shape))
    spectrum = window.spectrum
    gy, gx = spectrum.frequencies
    g = np.array([[gy[5], gx[9]], [gy[-3], gx[20]], [-gy[7], -gx[11]]])
    expected = np.abs(window.amplitudes(g)) ** 2
    np.testing.assert_allclose(spectrum.power_at(g), expected, rtol=1e-3)
    # A little off, these are still the nearest ones; beyond the edge, that is.
    off = np.array([0.3, -0.3]) / spectrum.shape
    np.testing.assert_allclose(spectrum.nearest_power(g + off), expected, rtol=1e-3)
    assert spectrum.nearest_power(np.array([9.0, 9.0])) == spectrum.power[-1, -1]


def around_a_hole():
    valid = np.ones((160, 200), bool)
    valid[50:110, 70:150] = False
    return valid


def test_a_region_around_another_is_seen_through_rectangles_within_it():
    rng = np.random.default_rng(0)
    valid = around_a_hole()
    found = windows(rng.normal(size=valid.shape), valid)
    assert len(found) > 1
    covered = np.zeros(valid.shape, int)
    for each in found:
        box = tuple(
            slice(f, f + n) for f, n in zip(each.first, each.weights.shape, strict=True)
        )
        assert valid[box].all()
        covered[box] += 1
    assert covered.max() == 1


def test_a_region_around_another_has_reflections_of_one_lobe():
    valid = around_a_hole()
    wave = np.cos(2 * np.pi * np.arange(200) / 10) + np.zeros((160, 1))
    first = windows(wave, valid)[0]
    powers = np.abs(first.amplitudes(np.array([[0, 0.1], [0.02, 0.1]]))) ** 2
    assert powers[1] < 0.01 * powers[0]


def test_the_lobe_of_a_hann_window_is_known():
    # The integral of the fourth power of a cosine beside the square of that of its
    # square, along both axes.
    [window] = windows(np.random.default_rng(0).normal(size=(150, 190)))
    assert window.lobe == pytest.approx(1.5**2, rel=0.01)


def test_the_wider_window_keeps_more_of_the_pixels():
    [window] = windows(FRAME)
    n_pixels = np.prod(np.add(SHAPE, 1))
    kept = [
        each.area**2 / each.energy_area / n_pixels for each in (window, window.wider)
    ]
    # By the means of squares and roots of sines: (2/3)^2 and 0.914^2.
    np.testing.assert_allclose(kept, [0.444, 0.836], rtol=0.01)


def test_the_wider_window_has_the_same_amplitude_of_a_wave():
    y, x = np.indices(SHAPE)
    [window] = windows(3 * np.cos(2 * np.pi * (0.21 * y - 0.13 * x)))
    g = np.array([[0.21, -0.13]])
    # Of a wave of unit mean square, half of the root of 2.
    for each in (window, window.wider):
        [amplitude] = np.abs(each.amplitudes(g)) / each.area
        assert amplitude == pytest.approx(np.sqrt(0.5), rel=0.03)


def test_the_wider_window_tells_amplitudes_better():
    rng, g = np.random.default_rng(0), np.array([[0.21, -0.13], [0.1, 0.3]])
    both = [
        [each.amplitudes(g) / each.area for each in (window, window.wider)]
        for window in (windows(rng.normal(size=SHAPE))[0] for _ in range(200))
    ]
    narrow, wide = np.mean(np.abs(both) ** 2, axis=(0, 2))
    # 0.444 / 0.836
    assert wide / narrow == pytest.approx(0.53, rel=0.12)


def test_the_wider_window_ends_at_gaps_and_edges_too():
    valid = np.ones(SHAPE, bool)
    valid[20:24, 30:36] = False
    [window] = windows(FRAME, valid)
    assert not window.wider.weights[20:24, 30:36].any()
    assert not window.wider.values[20:24, 30:36].any()
    assert np.isfinite(window.wider.values).all()


def _wavy_band():
    """A band of 22 px about a sine, 300 px long."""
    y, x = np.indices((120, 300))
    return np.abs(y - 60 - 30 * np.sin(x / 40)) < 11


def test_a_long_region_that_bends_is_halved_until_it_is_straight():
    band = _wavy_band()
    frame = np.random.default_rng(0).normal(size=band.shape)
    found = windows(frame, band)
    assert len(found) > 1
    assert all(each.lobe <= BROADEST_LOBE for each in found)
    # Squares within it have sides of 22 px.
    assert found[0].area > 22**2 / 2
    for each in found:
        rows, columns = each.weights.shape
        box = (
            slice(each.first[0], each.first[0] + rows),
            slice(each.first[1], each.first[1] + columns),
        )
        assert not each.weights[~band[box]].any()


def test_the_lattice_of_a_lamella_that_bends_is_found():
    band = _wavy_band()
    lattice = simulate.Lattice.hexagonal(11, orientation=10)
    frame = simulate.micrograph(lattice, band.shape, dose=10, seed=0)[0].data
    found = find_lattice(windows(frame, band)[0])
    assert found.evidence > 5 * LEAST_EVIDENCE
    area = 1 / abs(np.linalg.det(found.cell))
    assert area == pytest.approx(11**2 * math.sqrt(0.75), rel=0.02)
