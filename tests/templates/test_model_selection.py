# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.model_selection import ModelSelection, start_from_labels
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .conftest import PERIOD, REFLECTIONS, SHAPE, lattice, two_lattices


def search_of(*frames, labels=None):
    """Selection that begins with some labels for two patterns, and else with none."""

    def labels_for(n_patterns):
        return labels if n_patterns == 2 else None

    frame = frames[0] if len(frames) == 1 else NormalizedFrame.stacked(frames)
    return ModelSelection(frame, PERIOD, labels_for)


def test_hand_worked_start():
    start = start_from_labels(np.array([[0, 1, -1]]), 2)
    assert start.dtype == np.float32
    # 0.9 and a share in the rest.
    np.testing.assert_allclose(start[0], [[0.95, 0.05, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(start[1], [[0.05, 0.95, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("n_patterns", [1, 2, 5])
def test_start_is_a_probability(n_patterns):
    labels = np.random.default_rng(0).integers(-1, n_patterns, (7, 9))
    start = start_from_labels(labels, n_patterns)
    np.testing.assert_allclose(start.sum(axis=0), 1, rtol=1e-6)
    own = labels >= 0
    np.testing.assert_array_equal(start.argmax(axis=0)[own], labels[own])


@pytest.mark.parametrize(
    ("costs", "number"),
    [
        ([5], 1),
        ([100, 50], 2),
        # A pattern more has to be worth 10.
        ([100, 91], 1),
        ([100, 89], 2),
        ([100, 89, 80], 2),
        ([100, 89, 78], 3),
        ([-100, np.inf, -130], 3),
        ([0, np.inf], 1),
    ],
)
def test_number_that_costs_speak_for(costs, number):
    assert ModelSelection.best_number(np.array(costs, float)) == number


def test_one_crystal_is_one_pattern(one_crystal):
    search = search_of(one_crystal)
    costs = search.costs(4)
    assert ModelSelection.best_number(costs) == 1
    # Two are not tried further than that they do not pay.
    assert len(costs) == 2


def test_one_crystal_with_a_gradient_of_contrast_is_one_pattern():
    x = np.arange(SHAPE[1])
    noise = np.random.default_rng(0).normal(size=SHAPE)
    normalized = NormalizedFrame((0.5 + x / 150) * lattice(0) + noise, None, PERIOD)
    assert ModelSelection.best_number(search_of(normalized).costs(4)) == 1


def test_noise_is_one_pattern(noise):
    assert ModelSelection.best_number(search_of(noise).costs(4)) == 1


def test_two_grains_are_two_patterns(two_grains):
    normalized, labels = two_grains
    costs = search_of(normalized, labels=labels).costs(4)
    assert ModelSelection.best_number(costs) == 2
    assert costs[1] < costs[0] - 100


def test_two_grains_are_found_without_labels(two_grains):
    normalized, labels = two_grains
    search = search_of(normalized)
    assert ModelSelection.best_number(search.costs(4)) == 2
    found = search.solution(2).posterior.argmax(axis=0)
    agree = (found == labels).mean()
    assert max(agree, 1 - agree) > 0.97


def test_labels_that_are_of_no_use_do_no_harm(two_grains):
    normalized, labels = two_grains
    # Upper and lower half, of a boundary that runs down.
    rows = np.indices(labels.shape)[0] // (len(labels) // 2 + 1)
    found = search_of(normalized, labels=rows).solution(2).posterior
    agree = (found.argmax(axis=0) == labels).mean()
    assert max(agree, 1 - agree) > 0.97


def test_grain_beside_what_has_no_lattice():
    frame = np.random.default_rng(0).normal(size=SHAPE)
    frame[:, :90] += lattice(0)[:, :90]
    search = search_of(NormalizedFrame(frame, None, PERIOD))
    assert ModelSelection.best_number(search.costs(4)) == 2
    numbers = [len(search.solution(2).templates.of(k)[0]) for k in (0, 1)]
    assert sorted(numbers)[0] == 0


def test_costs_end_at_the_most(two_grains):
    normalized, labels = two_grains
    assert len(search_of(normalized, labels=labels).costs(1)) == 1


def test_solutions_are_kept(one_crystal):
    search = search_of(one_crystal)
    assert search.solution(1) is search.solution(1)


def test_one_pattern_has_the_reflections_of_all(two_grains):
    normalized, _ = two_grains
    found = search_of(normalized).solution(1).templates.reflections
    for true in np.concatenate(REFLECTIONS):
        distances = [np.hypot(*(found - sign * true).T) for sign in (1, -1)]
        assert np.min(distances) < 0.003


def test_patterns_too_small_are_not_worth_their_cost():
    # 3 x 5 cells of 9 pixels; a pattern has to have 28.
    frame, _ = two_lattices(noise=0.5, at=SHAPE[1])
    other = lattice(1) + 0.5 * np.random.default_rng(1).normal(size=SHAPE)
    frame[45:72, 90:135] = other[45:72, 90:135]
    search = search_of(NormalizedFrame(frame, None, PERIOD))
    assert ModelSelection.best_number(search.costs(3)) == 1


def test_frames_are_searched_together():
    frames = [
        NormalizedFrame(two_lattices(seed=at, at=at)[0], None, PERIOD)
        for at in (0, 198)
    ]
    search = search_of(*frames)
    assert ModelSelection.best_number(search.costs(3)) == 2
    first, second = search.solution(2).labels
    assert np.bincount(first.ravel()).argmax() != np.bincount(second.ravel()).argmax()


def test_templates_of_one_pattern_that_are_given_are_not_learnt(two_grains):
    normalized, _ = two_grains
    one = search_of(normalized).solution(1).templates
    search = ModelSelection(normalized, PERIOD, lambda _: None, one)
    solution = search.solution(2)
    assert 1 not in search._solutions
    assert solution.templates == search_of(normalized).solution(2).templates
