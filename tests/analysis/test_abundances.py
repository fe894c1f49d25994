# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
from sklearn.decomposition import non_negative_factorization

from hyperspy_symseg.analysis import Abundances, abundances
from hyperspy_symseg.analysis.abundances import BEYOND, LEAST_TOTAL, contributions
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.tile import Tile

SHAPE, HALF = (70, 96), (11, 9)
WAVES = ((0, 3), (3, 0), (-2, 3))
SPECTRA = ((60.0, 0.0, 0.0), (0.0, 55.0, 20.0))
ANALYSIS = Abundances(HALF, (4, 3), WAVES, SPECTRA, 0.1)


def waves(shape=SHAPE, seed=0):
    """Three waves along x on the left, three along y on the right, in a window."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    along_y, along_x = (2 * np.pi * 3 * r for r in (y / 23, x / 19))
    frame = np.where(x < shape[1] / 2, np.cos(along_x), np.cos(along_y))
    return frame + 0.1 * np.random.default_rng(seed).normal(size=shape)


def slow_contributions(frame, analysis, grid):
    """Window by window, by scikit-learn."""
    y, x = analysis.window
    weights = np.sqrt(np.outer(np.hanning(2 * y + 1), np.hanning(2 * x + 1)))
    components = np.vstack([analysis.spectra, np.ones(len(analysis.frequencies))])
    found = np.empty((*grid.shape, len(analysis.spectra)))
    for i, row in enumerate(grid.rows):
        for j, column in enumerate(grid.columns):
            rows, columns = (
                np.arange(middle - half, middle + half + 1)
                for middle, half in zip((row, column), (y, x), strict=True)
            )
            inside = np.logical_and.outer(
                (rows >= 0) & (rows < frame.shape[0]),
                (columns >= 0) & (columns < frame.shape[1]),
            )
            cut = frame[np.ix_(rows % frame.shape[0], columns % frame.shape[1])]
            mean, deviation = cut[inside].mean(), cut[inside].std()
            values = np.where(inside, (cut - mean) / deviation, 0) * weights
            power = np.abs(np.fft.fft2(values)) ** 2
            power /= (weights**2 * inside).sum()
            powers = np.array([[power[ky, kx] for ky, kx in analysis.frequencies]])
            amounts, *_ = non_negative_factorization(
                powers,
                H=components,
                n_components=len(components),
                update_H=False,
                init="custom",
                solver="mu",
                beta_loss="kullback-leibler",
                tol=0,
                max_iter=1000,
            )
            found[i, j] = amounts[0, :-1]
    return found


def test_contributions_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    spectra = rng.gamma(0.5, 3, (3, 40))
    powers = rng.gamma(1, 1, (7, 3)) @ spectra + rng.gamma(1, 0.1, (7, 40))
    expected, *_ = non_negative_factorization(
        powers, H=spectra, n_components=3, update_H=False, init="custom",
        solver="mu", beta_loss="kullback-leibler", tol=0, max_iter=1000,
    )  # fmt: skip
    np.testing.assert_allclose(contributions(powers, spectra), expected, atol=0.02)


def test_contributions_of_a_window_do_not_depend_on_the_others():
    powers = np.random.default_rng(0).gamma(1, 1, (2000, 5))
    powers[7] = np.nan
    spectra = np.array([[0, 1, 4, 0, 1.0], [1, 1, 1, 1, 1]])
    found = contributions(powers, spectra)
    assert np.isnan(found[7]).all()
    np.testing.assert_allclose(
        found[1500:1503], contributions(powers[1500:1503], spectra), rtol=1e-5
    )
    assert (found[8:] >= 0).all()


def test_powers_of_nothing_have_no_contributions():
    np.testing.assert_array_equal(contributions(np.zeros((2, 3)), np.ones((1, 3))), 0)


def test_windows_reach_beyond_the_frame_by_a_share_of_half():
    grid = ANALYSIS.grid(SHAPE)
    for places, half, n in zip((grid.rows, grid.columns), HALF, SHAPE, strict=True):
        beyond = half - places[0], places[-1] + half - (n - 1)
        assert 0 <= min(beyond) <= max(beyond) <= round(BEYOND * half)


def test_amounts_are_those_of_a_loop_over_the_windows(monkeypatch):
    monkeypatch.setattr(abundances, "SMOOTHING", 1e-9)
    frame = waves((37, 45))
    analysis = replace(ANALYSIS, stride=(7, 9))
    expected = slow_contributions(frame, analysis, analysis.grid(frame.shape))
    found = analysis.amounts(frame, None)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert expected[:, 0, 0].min() > 0.3


def test_amounts_are_averaged_over_neighbours(monkeypatch):
    frame = waves()
    with monkeypatch.context() as patch:
        patch.setattr(abundances, "SMOOTHING", 1e-9)
        single = ANALYSIS.amounts(frame, None)
    # In the middle: standard deviations of half of half a window.
    i, j = np.mgrid[: single.shape[0], : single.shape[1]]
    middle = single.shape[0] // 2, single.shape[1] // 2
    distances = (i - middle[0]) * 4 / (11 / 2), (j - middle[1]) * 3 / (9 / 2)
    weights = np.exp(-(distances[0] ** 2 + distances[1] ** 2) / 2)
    expected = np.average(single.reshape(-1, 2), axis=0, weights=weights.ravel())
    found = ANALYSIS.amounts(frame, None)[middle]
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=0.002)


def test_shares_are_of_what_is_beyond_the_noise():
    amounts = np.array([[0.1, 0.7], [0.5, 0.5], [0.05, 0.02], [0.16, 0.1]])
    found = ANALYSIS.shares(amounts)
    assert pytest.approx(0.27) == LEAST_TOTAL * (1 - 0.1)
    np.testing.assert_allclose(
        found, [[0, 1], [0.5, 0.5], [0, 0], [0.06 / 0.27, 0]], atol=1e-12
    )


def test_shares_are_interpolated_between_windows():
    analysis = replace(ANALYSIS, window=(5, 5), stride=(4, 2))
    grid = analysis.grid((21, 17))
    assert (grid.first, grid.shape) == ((4, 3), (4, 6))
    prepared = np.zeros((8, 10, 2))
    # With two more on each side.
    prepared[3, 4] = 0.8, 0.1
    everything = slice(0, 21), slice(0, 17)
    tile = Tile(
        (21, 17), everything, everything, values=np.ones((21, 17)), prepared=prepared
    )
    found = analysis.process(tile)
    # That window is at row 8, column 7.
    np.testing.assert_allclose(found[8, 7], [0.8, 0.1], rtol=1e-6)
    np.testing.assert_allclose(found[9, 7], [0.6, 0.075], rtol=1e-6)
    np.testing.assert_allclose(found[6, 8], [0.2, 0.025], rtol=1e-6)
    assert not found[12].any()


def test_shares_are_extrapolated_to_the_edges():
    class Known(Abundances):
        def amounts(self, frame, mask):
            rising = np.linspace(0.2, 0.8, self.grid(frame.shape).shape[1])
            return np.stack([[rising, 1 - rising]] * 2, axis=0).swapaxes(1, 2)

    analysis = Known((10, 10), (8, 4), WAVES, SPECTRA, 0.0)
    found = run(analysis, np.zeros((20, 40)))
    grid, columns = analysis.grid((20, 40)), np.arange(40)
    first, steps = grid.first[1], grid.shape[1] - 1
    expected = np.clip(0.2 + 0.6 * (columns - first) / (4 * steps), 0, 1)
    np.testing.assert_allclose(found[5, :, 0], expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-6)


def test_grains_have_all_of_their_component():
    found = run(ANALYSIS, waves())
    assert (found.shape, found.dtype) == ((*SHAPE, 2), np.float32)
    for own, share in ((found[:, :30], (1, 0)), (found[:, -30:], (0, 1))):
        np.testing.assert_allclose(own - share, 0, atol=1e-3)
    middle = found[35, 40:56, 0]
    assert (np.diff(middle) <= 0).all()
    assert 44 < 40 + np.argmin(np.abs(middle - 0.5)) < 52


@pytest.mark.parametrize("dtype", [float, np.float32])
def test_gain_and_offset_do_not_matter(dtype):
    frame = waves()
    found = run(ANALYSIS, (700 + 40 * frame).astype(dtype))
    np.testing.assert_allclose(found, run(ANALYSIS, frame), atol=1e-4)


def test_grains_of_low_contrast_have_all_of_their_component():
    frame = waves()
    frame[:, SHAPE[1] // 2 :] *= 0.05
    found = run(ANALYSIS, frame)
    np.testing.assert_allclose(found[:, -30:] - (0, 1), 0, atol=1e-3)


def test_pixels_that_are_left_out_have_no_abundance():
    frame = waves()
    frame[6, 30] = np.nan
    mask = np.zeros(SHAPE, bool)
    mask[5:9, 60:70] = True
    found = run(ANALYSIS, frame, None, mask)
    np.testing.assert_array_equal(np.isnan(found[..., 0]), mask | np.isnan(frame))
    np.testing.assert_allclose(found[~np.isnan(found)].max(), 1, atol=1e-3)
    far = run(ANALYSIS, waves())
    np.testing.assert_allclose(found[55:], far[55:], atol=1e-6)


def test_windows_with_too_few_pixels_have_no_abundance():
    mask = np.ones(SHAPE, bool)
    mask[:, :20] = False
    mask[35, 70] = False
    found = run(ANALYSIS, waves(), None, mask)
    assert np.isnan(found[35, 70]).all()
    np.testing.assert_allclose(found[:, :15] - (1, 0), 0, atol=1e-3)


def test_vacuum_has_less_than_1_in_all():
    frame = waves()
    frame[:, 48:] = np.random.default_rng(1).normal(size=(70, 48))
    total = run(ANALYSIS, frame).sum(axis=-1)
    np.testing.assert_allclose(total[:, :30], 1, atol=1e-6)
    assert np.median(total[:, -30:]) < 0.2
