# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the measures and frames of the benchmark of columns."""

import importlib
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
CRYSTALS = "square", "hexagonal", "honeycomb", "mos2", "dumbbells", "boundary"


@pytest.fixture
def frames(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("column_frames")


@pytest.fixture
def measures(frames):
    return importlib.import_module("column_measures")


@pytest.fixture
def by_hand(frames):
    """Scene of five columns, one of them at an edge, and a vacancy."""
    columns = np.array([(20, 20), (20, 32), (32, 20), (40, 50), (2, 30)], float)
    return frames.Scene(
        "by hand",
        0,
        np.ones((61, 83)),
        columns,
        np.ones(5),
        np.array([(32.0, 32.0)]),
        12.0,
        2.0,
        1,
    )


def found_at(measures, places, **more):
    """What a finder says that is sure of places."""
    places = np.array(places, float).reshape(-1, 2)
    given = {
        "errors": np.ones_like(places),
        "candidates": places,
        "probabilities": np.ones(len(places)),
    }
    return measures.Found(places, **given | more)


def test_perfect_finder(frames, measures):
    scene = frames.scene("honeycomb", 3)
    score = measures.judge(scene, 10, found_at(measures, scene.columns))
    assert (score.f1, score.rms, score.calibration, score.roc_area) == (1, 0, 0, 1)
    assert score.bare[1] == 0
    assert score.bare[0] == score.bare[2] > 10


def test_jittered_finder(frames, measures):
    """Its error and z are those that it was made with."""
    scene, rng = frames.scene("square", 1), np.random.default_rng(0)
    places = scene.columns + rng.normal(0, 0.4, scene.columns.shape)
    errors = np.full(places.shape, 0.5)
    score = measures.judge(scene, 10, found_at(measures, places, errors=errors))
    assert score.f1 == 1
    assert score.rms == pytest.approx(0.4, rel=0.1)
    assert score.z == pytest.approx(0.8, rel=0.1)
    assert score.limit == pytest.approx(0.198, abs=5e-4)


def test_found_false_and_missed(by_hand, measures):
    """One is 5 px away, within half a spacing, and one 7 px."""
    places = [(20, 20), (20, 27), (39, 20), (50, 50)]
    score = measures.judge(by_hand, 10, found_at(measures, places))
    assert (score.right, score.false, score.missed) == (2, 2, 2)
    np.testing.assert_array_equal(score.off, [(0, 0), (0, -5)])


def test_edges_do_not_count(by_hand, measures):
    score = measures.judge(by_hand, 10, found_at(measures, [(1, 60), (20, 20)]))
    assert (score.right, score.false, score.missed) == (1, 0, 3)


def test_a_column_is_found_once(by_hand, measures):
    score = measures.judge(by_hand, 10, found_at(measures, [(20, 21), (21.5, 20)]))
    assert (score.right, score.false) == (1, 1)


def test_nothing_found(by_hand, measures):
    score = measures.judge(by_hand, 10, found_at(measures, []))
    assert (score.right, score.false, score.missed, score.f1) == (0, 0, 4, 0)


def test_filled_vacancy(by_hand, measures):
    places = by_hand.columns.tolist()
    score = measures.judge(by_hand, 10, found_at(measures, [*places[1:], (31, 31)]))
    np.testing.assert_array_equal(score.bare, [0, 1, 1])
    assert score.roc_area == (3 * 0.5 + 0) / 4


def test_vacancies_that_the_finder_tells(by_hand, measures):
    vacancies = np.array([(33.0, 33.0), (20, 20), (1, 1)])
    found = found_at(measures, by_hand.columns, vacancies=vacancies)
    np.testing.assert_array_equal(measures.judge(by_hand, 1, found).told, [1, 1, 1])


def test_candidates_that_are_no_columns(by_hand, measures):
    """Four of four at 0.9 and one of two at 0.2."""
    places = [*by_hand.columns[:4], (50, 20), (2, 2)]
    chances = np.array([0.9, 0.9, 0.9, 0.9, 0.2, 0.2])
    found = found_at(measures, places, probabilities=chances)
    assert measures.judge(by_hand, 1, found).calibration == pytest.approx(0.6 / 5)


@pytest.mark.parametrize(
    ("dose", "limit"), [(100, 0.062), (10, 0.198), (3, 0.361), (1, 0.625), (0.3, 1.141)]
)
def test_limit_of_a_single_column(measures, dose, limit):
    assert measures.least_error(np.ones(2), dose, 2.0) == pytest.approx(limit, abs=5e-4)


def test_best_threshold(by_hand, measures):
    places = np.array([(20, 20), (20, 32), (50, 20), (32, 20), (50, 70), (40, 50)])
    strengths = np.array([6.0, 5, 4, 3, 2, 1])
    # F1 is 2/5, 4/6, 4/7, 6/8, 6/9, 8/10.
    assert measures.best_threshold(by_hand, places, strengths) == 1
    assert measures.best_threshold(by_hand, places[:5], strengths[:5]) == 3


def test_frames_together(by_hand, measures):
    one = measures.judge(by_hand, 10, found_at(measures, [(20, 20), (50, 50)]))
    other = measures.judge(by_hand, 10, found_at(measures, by_hand.columns))
    both = measures.together([one, other])
    assert (both.right, both.false, both.missed) == (5, 1, 3)
    assert len(both.off) == len(both.limits) == 5
    np.testing.assert_array_equal(both.bare, [2, 3, 2])


def test_families(frames):
    assert len(frames.FAMILIES) == 11
    assert len(frames.NINE) == 9


@pytest.mark.parametrize(
    "name",
    ["square", "hexagonal", "honeycomb", "mos2", "dumbbells", "boundary", "vacancies"],
)
def test_columns_are_where_the_intensity_is(frames, name):
    """The intensity falls off on all sides of a strong column."""
    scene = frames.scene(name, 2)
    inner = ((scene.columns > 10) & (scene.columns < 245)).all(axis=1)
    y, x = np.rint(scene.columns[inner & (scene.weights > 0.99)]).astype(int).T
    here = scene.intensities[y, x]
    assert (here > 1.1).all()
    for dy, dx in ((0, 3), (3, 0), (0, -3), (-3, 0)):
        assert np.mean(here > scene.intensities[y + dy, x + dx]) > 0.99


@pytest.mark.parametrize("name", ["square", "amorphous", "particle", "scan"])
def test_frames_repeat_and_differ(frames, name):
    one = frames.scene(name, 4)
    np.testing.assert_array_equal(one.counts(3), frames.scene(name, 4).counts(3))
    assert not np.array_equal(one.columns, frames.scene(name, 5).columns)


def test_counts_have_the_dose(frames):
    scene = frames.scene("square", 0)
    ratio = scene.counts(10).mean() / scene.intensities.mean()
    assert ratio == pytest.approx(10, rel=0.01)


def test_vacancies_are_dark(frames):
    scene = frames.scene("vacancies", 0)
    inside = ((scene.vacancies > 8) & (scene.vacancies < 247)).all(axis=1)
    y, x = np.rint(scene.vacancies[inside]).astype(int).T
    assert scene.intensities[y, x].max() < 0.4


def test_the_width_scales_all_lengths(frames):
    wide, narrow = frames.scene("square", 0, 4.0), frames.scene("square", 0)
    assert wide.spacing == pytest.approx(2 * narrow.spacing)
    assert len(narrow.columns) > 3 * len(wide.columns)


def test_empty_frames_have_no_columns(frames):
    kinds = [frames.empty_frame(seed) for seed in range(9)]
    assert all(np.isfinite(each).all() for each in kinds)
    assert kinds[0].mean() == pytest.approx(25, abs=0.1)
    assert kinds[8].std() == pytest.approx(1, abs=0.02)
