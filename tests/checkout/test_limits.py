# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the observer of the benchmark of limits, which is not in the package."""

import importlib
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def limits(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("limits")


@pytest.mark.parametrize("has_strips", [False, True])
def test_odds_of_an_edge(limits, has_strips):
    evidence = np.ones((30, 40))
    evidence[:, 17:] = -1
    points = np.indices(evidence.shape).reshape(2, -1).T
    odds = limits.log_odds(evidence, points, 4, 2, 0.01, has_strips)
    np.testing.assert_array_equal(odds.reshape(evidence.shape) < 0, evidence < 0)


def test_odds_of_a_strip(limits):
    evidence = np.ones((30, 40))
    evidence[:, 17:22] = -1
    points = np.indices(evidence.shape).reshape(2, -1).T
    odds = limits.log_odds(evidence, points, 4, 2, 0.01, True)
    np.testing.assert_array_equal(odds.reshape(evidence.shape) < 0, evidence < 0)


def test_odds_of_nothing(limits):
    odds = limits.log_odds(np.zeros((9, 9)), np.array([[4, 4], [0, 8]]), 4, 1, 0, True)
    np.testing.assert_allclose(odds, 0, atol=1e-12)


def test_odds_change_sign_with_the_evidence(limits):
    evidence = np.random.default_rng(0).normal(size=(20, 20))
    points = np.array([[10, 10], [3, 17]])
    odds, opposite = (
        limits.log_odds(sign * evidence, points, 3, 2, 0.05, True) for sign in (1, -1)
    )
    np.testing.assert_allclose(odds, -opposite, atol=1e-5)


def test_the_columns_are_those_of_the_frame(limits):
    scene = limits.Scene.of("c", 0)
    for k, pixels in enumerate(scene.columns()):
        inner = pixels[((pixels > 20) & (pixels < 490)).all(axis=1)]
        frame = scene.intensities(k) / scene.intensities(-1)
        assert len(inner) > 1000
        # The background is a quarter.
        assert frame[tuple(inner.T)].min() > 4


def test_the_waves_are_those_of_the_frame(limits):
    scene = limits.Scene.of("h", 0)
    intensities = scene.intensities(1)
    found = limits.fitted(scene, intensities, 1)
    own = scene.truth == 1
    # The displacements of the columns are left.
    assert np.abs(found - intensities)[own].mean() < 0.04 < intensities[own].std() / 5
