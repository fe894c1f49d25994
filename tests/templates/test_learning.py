# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
import pytest

from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.learning import fitted, learn
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern import Pattern
from hyperspy_symseg.templates.pattern_spectrum import SpectrumCrops

from .conftest import PERIOD, REFLECTIONS, SHAPE, block_labels, lattice, two_lattices


def start_of(labels, n_patterns=2, share=0.9):
    own = labels == np.arange(n_patterns)[:, np.newaxis, np.newaxis]
    return np.where(own, share, (1 - share) / (n_patterns - 1)).astype(np.float32)


def learnt(frame, start, rounds=5):
    return learn(frame, SpectrumCrops(frame), PERIOD, start, rounds)


def test_residuals_are_those_of_the_templates(two_grains):
    normalized, labels = two_grains
    start = start_of(labels)
    groups = learnt(normalized, start, rounds=1).groups
    templates, residuals = fitted(normalized, groups, start)
    assert len(templates) == 2
    for own, template in zip(residuals, templates, strict=True):
        left = (normalized.pixels - template) ** 2
        expected = sum_blocks(left, normalized.block)
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-4)


def distances(found, true):
    """Of every true reflection from the nearest one found, or its opposite."""
    return np.min(
        [np.hypot(*(true[:, np.newaxis] - sign * found).T) for sign in (1, -1)],
        axis=(0, 1),
    )


@pytest.fixture(scope="module")
def solution(two_grains):
    """Begun with labels of which a fifth are wrong."""
    normalized, labels = two_grains
    wrong = np.random.default_rng(0).random(labels.shape) < 0.2
    return learnt(normalized, start_of(np.where(wrong, 1 - labels, labels)))


def test_reflections_are_those_of_the_grains(solution):
    assert solution.templates.n_patterns == 2
    for pattern in (0, 1):
        found, _ = solution.templates.of(pattern)
        assert found.shape == (2, 2)
        assert distances(found, REFLECTIONS[pattern]).max() < 5e-4


def test_amplitudes_are_those_of_the_grains(solution):
    # Cosines and noise of variance 1: two cosines of 1 / sqrt(2), each two waves.
    np.testing.assert_allclose(
        solution.templates.amplitudes, 0.5 / np.sqrt(2), rtol=0.08
    )


def test_noise_is_what_the_lattices_do_not_explain(solution):
    assert solution.variance == pytest.approx(0.5, rel=0.1)
    assert solution.templates.noise == pytest.approx(0.5, rel=0.4)


def test_posterior_is_the_grains(solution, two_grains):
    _, labels = two_grains
    posterior = solution.posterior
    np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-5)
    assert (posterior.argmax(axis=0) == labels).mean() > 0.98


def test_what_is_counted(solution, two_grains):
    _, labels = two_grains
    assert solution.n_pixels == SHAPE[0] * SHAPE[1]
    # The boundary is straight, down 51 blocks.
    assert solution.length == pytest.approx(51, abs=6)
    smaller = min(np.bincount(labels.ravel()))
    assert solution.cells().min() == pytest.approx(smaller / 9, rel=0.03)


def test_order_of_the_patterns_is_that_of_the_start(solution, two_grains):
    normalized, labels = two_grains
    other = learnt(normalized, start_of(1 - labels))
    found, _ = other.templates.of(0)
    assert distances(found, REFLECTIONS[1]).max() < 5e-4


def test_a_clean_wave_has_its_amplitude_and_frequency():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    # Between the bins of a crop of 72 pixels.
    frequency = np.array([[0.0213, 0.1091]])
    wave = np.cos(2 * np.pi * (frequency[0, 0] * y + frequency[0, 1] * x))
    normalized = NormalizedFrame(wave, None, PERIOD)
    ones = np.ones((1, *normalized.counts.shape), np.float32)
    templates = learnt(normalized, ones).templates
    assert distances(templates.reflections, frequency).max() < 1e-4
    # A cosine of variance 1 is sqrt(2) high.
    assert templates.amplitudes[0] == pytest.approx(1 / np.sqrt(2), rel=0.05)


def test_one_pattern(one_crystal):
    ones = np.ones((1, *one_crystal.counts.shape), np.float32)
    solution = learnt(one_crystal, ones, 3)
    np.testing.assert_array_equal(solution.posterior, 1)
    assert solution.length == 0
    assert distances(solution.templates.reflections, REFLECTIONS[0]).max() < 5e-4


def test_noise_has_no_templates(noise):
    ones = np.ones((1, *noise.counts.shape), np.float32)
    solution = learnt(noise, ones, 3)
    assert solution.templates.reflections.shape == (0, 2)
    assert solution.variance == pytest.approx(1, abs=0.05)


def test_masked_pixels_do_not_count():
    frame, labels = two_lattices()
    mask = np.zeros(SHAPE, bool)
    mask[50:70, 60:120] = True
    start = start_of(block_labels(labels))
    first = learnt(NormalizedFrame(frame, mask, PERIOD), start)
    second = learnt(NormalizedFrame(np.where(mask, 1e5, frame), mask, PERIOD), start)
    assert first.n_pixels == mask.size - mask.sum()
    assert first.templates == second.templates


def test_frames_share_the_patterns():
    places = (60, 130)
    made = [two_lattices(seed=at, at=at) for at in places]
    frames = [NormalizedFrame(frame, None, PERIOD) for frame, _ in made]
    labels = [block_labels(each) for _, each in made]
    start = np.stack([start_of(each) for each in labels], axis=1)
    solution = learnt(NormalizedFrame.stacked(frames), start)
    assert solution.posterior.shape == start.shape
    assert solution.n_pixels == 2 * SHAPE[0] * SHAPE[1]
    for found, expected in zip(solution.labels, labels, strict=True):
        assert (found == expected).mean() > 0.97


def test_a_stack_of_one_frame_is_that_frame(two_grains):
    normalized, labels = two_grains
    start = start_of(labels)
    alone = learnt(normalized, start, 2)
    stacked = learnt(NormalizedFrame.stacked([normalized]), start[:, np.newaxis], 2)
    np.testing.assert_array_equal(stacked.posterior[:, 0], alone.posterior)
    assert stacked.templates == alone.templates
    assert stacked.length == alone.length


def test_a_pattern_that_is_not_there_has_no_reflections(one_crystal):
    labels = np.zeros(one_crystal.counts.shape, int)
    solution = learnt(one_crystal, start_of(labels, share=1.0), 1)
    assert len(solution.templates.of(1)[0]) == 0


def test_the_start_is_not_modified(two_grains):
    normalized, labels = two_grains
    start = start_of(labels)
    before = start.copy()
    learnt(normalized, start)
    np.testing.assert_array_equal(start, before)


def test_another_lattice_explains_more(two_grains):
    normalized, labels = two_grains
    ones = np.ones((1, *labels.shape), np.float32)
    one = learnt(normalized, ones, 3)
    two = learnt(normalized, start_of(labels))
    assert two.variance < one.variance
    assert two.cost(2.0) < one.cost(2.0)


def test_contrast_of_another_sign_is_the_same_lattice():
    normalized = NormalizedFrame(-lattice(0), None, PERIOD)
    ones = np.ones((1, *normalized.counts.shape), np.float32)
    found = learnt(normalized, ones, 3).templates
    np.testing.assert_allclose(found.amplitudes, 0.5, rtol=0.05)


def test_patterns_are_told_the_reflections_of_each_other(two_grains, monkeypatch):
    normalized, labels = two_grains
    told, relate = [], Pattern.relate

    def listen(pattern, others):
        told.append(others)
        relate(pattern, others)

    monkeypatch.setattr(Pattern, "relate", listen)
    learnt(normalized, start_of(labels), 1)
    for (others,), expected in zip(told, REFLECTIONS[::-1], strict=True):
        assert distances(others, expected).max() < 2e-3
