# SPDX-License-Identifier: GPL-3.0-or-later
import logging

import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis.unmixing import (
    _noise_of,
    fit_abundances,
    frequencies_of,
    suitable_window,
)
from hyperspy_symseg.frames.run import run

SHAPE, PERIOD = (180, 220), 12.0
LENGTHS = (26, 25), (6, 6)
SQUARE = simulate.Lattice.square(12, orientation=3)
HEXAGONAL = simulate.Lattice.hexagonal(13)


def frame_and_truth(seed, dose=10, lattices=(SQUARE, HEXAGONAL)):
    signal, truth = simulate.micrograph(list(lattices), SHAPE, dose=dose, seed=seed)
    return signal.data, truth.data


def fitted(frames, n_components=2, lengths=LENGTHS, random_state=0):
    given = [(frame, None) for frame in frames]
    return fit_abundances(given, n_components, lengths, PERIOD, random_state)


@pytest.fixture(scope="module")
def grains():
    frame, truth = frame_and_truth(1)
    return frame, truth, fitted([frame])


def agreement(analysis, frame, truth):
    """Share of the pixels whose largest abundance is of the right grain."""
    same = (run(analysis, frame).argmax(axis=-1) == truth).mean()
    return max(same, 1 - same)


def test_two_grains_have_a_component_each(grains):
    frame, truth, analysis = grains
    assert agreement(analysis, frame, truth) > 0.97


def test_the_spectra_are_those_of_the_grains(grains):
    _, _, analysis = grains
    rows = np.array(analysis.spectra)
    for lattice in (SQUARE, HEXAGONAL):
        alone = frame_and_truth(7, lattices=(lattice,))[0]
        expected = np.array(fitted([alone], 1).spectra[0])
        corr = [np.corrcoef(expected, row)[0, 1] for row in rows]
        assert max(corr) > 0.97
        assert min(corr) < 0.5


def test_noise_is_no_part_of_the_spectra(grains):
    _, _, analysis = grains
    rows = np.array(analysis.spectra)
    assert (rows >= 0).all()
    assert (rows == 0).mean(axis=1).min() >= 0.2
    # White noise has 1.
    assert np.median(rows, axis=1).max() < 0.3


def test_the_scarcest_component_is_the_first(grains):
    frame, _, analysis = grains
    means = run(analysis, frame).mean(axis=(0, 1))
    assert means[0] < means[1]


def test_amorphous_areas_have_a_component():
    other = simulate.Amorphous.like(SQUARE)
    frame, truth = frame_and_truth(2, lattices=(SQUARE, other))
    assert agreement(fitted([frame]), frame, truth) > 0.95


def test_the_fit_does_not_depend_on_gain_and_offset(grains):
    frame, _, analysis = grains
    other = fitted([500 + 3.0 * frame])
    np.testing.assert_allclose(other.spectra, analysis.spectra, rtol=0.02, atol=0.05)


def test_a_grain_of_little_contrast_has_a_component():
    frame, truth = frame_and_truth(1)
    dim = np.where(truth == 0, 200 + 0.1 * frame, frame.astype(float))
    assert agreement(fitted([dim]), dim, truth) > 0.95


def test_several_frames_are_fitted_together():
    only_square, _ = frame_and_truth(3, lattices=(SQUARE,))
    only_hexagonal, _ = frame_and_truth(4, lattices=(HEXAGONAL,))
    analysis = fitted([only_square, only_hexagonal])
    found = [
        run(analysis, each).mean(axis=(0, 1)) for each in (only_square, only_hexagonal)
    ]
    np.testing.assert_allclose(np.sort(found, axis=1), [[0, 1]] * 2, atol=0.02)
    assert found[0].argmax() != found[1].argmax()


def test_three_grains_have_a_component_each():
    lattices = SQUARE, HEXAGONAL, SQUARE.rotated(35)
    frames = [frame_and_truth(7, lattices=(each,))[0] for each in lattices]
    analysis = fitted(frames, 3)
    found = np.array([run(analysis, frame).mean(axis=(0, 1)) for frame in frames])
    np.testing.assert_allclose(np.sort(found, axis=1), [[0, 0, 1]] * 3, atol=0.02)
    assert sorted(found.argmax(axis=1)) == [0, 1, 2]


def test_masked_pixels_have_no_part_in_the_fit(grains):
    frame, _, _ = grains
    mask = np.zeros(SHAPE, bool)
    mask[:, 150:] = True
    spoilt = np.where(mask, np.arange(220) % 2 * 1e4, frame)
    found, other = (
        fit_abundances([(each, mask)], 2, LENGTHS, PERIOD, 0)
        for each in (frame, spoilt)
    )
    np.testing.assert_allclose(found.spectra, other.spectra, rtol=1e-3, atol=0.01)


def test_the_seed_alone_decides(grains):
    frame, _, analysis = grains
    assert fitted([frame]) == analysis


def test_one_component_is_everywhere():
    frame, _ = frame_and_truth(5, lattices=(SQUARE,))
    np.testing.assert_allclose(run(fitted([frame], 1), frame), 1)


def test_frequencies_are_of_one_half_plane():
    found = frequencies_of((20, 24), PERIOD)
    assert len(set(found)) == len(found)
    assert not {(-ky, -kx) for ky, kx in found} & set(found)
    radii = np.hypot(*(np.array(found) / (41, 49)).T)
    assert radii.max() <= 3 / 12
    assert np.hypot(*np.array(found).T).min() >= 1.5


def test_frequencies_end_where_pixels_do():
    ky, kx = np.array(frequencies_of((8, 8), 2.5)).T
    assert np.hypot(ky, kx).max() <= 8.5


def test_a_window_fits_into_a_small_frame():
    assert suitable_window(40.0, (61, 300)) == 15
    assert suitable_window(3.0, (2, 2)) == 1


def test_too_few_frequencies_are_an_error():
    with pytest.raises(ValueError, match="^window must have more than 6 frequencies"):
        fitted([frame_and_truth(1)[0]], 5, ((2, 2), (1, 1)))


def test_too_few_windows_are_an_error():
    frame = np.zeros(SHAPE)
    with pytest.raises(
        ValueError, match=r"^n_components must be less than .*, 0, got 2"
    ):
        fitted([frame])


def test_components_that_cannot_be_told_apart_are_told(caplog):
    amounts = np.array([[1, 0.5], [0.5, 1]] * 9)
    with caplog.at_level(logging.WARNING, "hyperspy_symseg"):
        assert _noise_of(amounts) == 0.3
    assert "have up to 1.50 of each other" in caplog.text


def test_noise_is_three_standard_deviations():
    amounts = np.array([[1, 0.01], [1, 0.03], [0, 1], [0, 1]])
    # One of the two windows of the first component, 0.7 of them rounded up.
    expected = 3 * np.sqrt((0.01**2 + 0.03**2) / 2)
    assert _noise_of(amounts) == pytest.approx(expected)
