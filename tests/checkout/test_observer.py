# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the observer who is told the motifs, which is not in the package."""

import importlib
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def observer(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("observer")


@pytest.fixture
def crystal_frames(observer):
    return importlib.import_module("crystal_frames")


def test_evidence_is_the_logarithm_of_poisson_likelihoods(observer):
    from scipy.stats import poisson

    counts = np.array([[0, 3], [7, 1]])
    motifs = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 2.0], [5.0, 0.5]])]
    first, second = observer.evidence(counts, motifs)
    expected = poisson.logpmf(counts, motifs[0]) - poisson.logpmf(counts, motifs[1])
    np.testing.assert_allclose(first - second, expected)


def test_shares_of_strong_evidence_are_its_labels(observer):
    labels = np.random.default_rng(0).integers(0, 3, (12, 17))
    cost = np.where(np.arange(3)[:, None, None] == labels, 0, 50)
    np.testing.assert_array_equal(observer.shares(cost).argmax(axis=0), labels)


@pytest.mark.parametrize(("evidence", "is_kept"), [(0.6, True), (0.4, False)])
def test_a_strip_is_kept_if_it_is_worth_both_its_sides(observer, evidence, is_kept):
    """Four pixels wide: two sides cost 2 a pixel of length, and evidence gains 4."""
    cost = np.zeros((2, 20, 31))
    cost[1] = evidence
    cost[:, :, 10:14] = np.array([evidence, 0])[:, None, None]
    labels = observer.shares(cost).argmax(axis=0)
    expected = np.zeros((20, 31))
    expected[:, 10:14] = is_kept
    np.testing.assert_array_equal(labels, expected)


def test_shares_sum_to_one(observer):
    cost = np.random.default_rng(1).uniform(0, 3, (4, 9, 13))
    shares = observer.shares(cost)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-5)


def test_nearest_shares(observer):
    values = np.array([[0.2, 5.0, -3.0], [0.8, 1.0, -3.0], [0.0, -9.0, -3.0]])
    found = observer._onto_simplex(values[:, :, np.newaxis])
    expected = [[0.2, 1, 1 / 3], [0.8, 0, 1 / 3], [0, 0, 1 / 3]]
    np.testing.assert_allclose(found[:, :, 0], expected, atol=1e-6)


def test_motifs_of_one_pattern_have_its_label(observer, crystal_frames):
    """A wall between two motifs of one pattern is none in the labels."""
    sites = np.zeros((40, 60), int)
    sites[:, 20:40], sites[:, 40:] = 1, 2
    motifs = [np.full(sites.shape, mean) for mean in (10.0, 30.0, 90.0)]
    truth = np.array([0, 0, 1])[sites]
    frame = np.choose(sites, motifs)
    scene = crystal_frames.Scene(frame, motifs, (0, 0, 1), truth, 0)
    found = observer.observe(scene, scene.counts(1), 1)
    np.testing.assert_array_equal(found, truth)
