# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the frames of the accuracy benchmark, which are not in the package."""

import importlib
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def suite(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("accuracy_suite")


@pytest.mark.parametrize("name", "fjklmnopqrst")
def test_a_frame_is_its_motifs_away_from_boundaries(suite, name):
    scene = suite.scene_of(name, 1)
    patterns = np.array(scene.patterns)
    nearest = np.min([np.abs(m - scene.intensities) for m in scene.motifs], axis=0)
    assert (nearest < 1e-3).mean() > 0.8
    for k in range(patterns.max() + 1):
        own = [m for m, p in zip(scene.motifs, patterns, strict=True) if p == k]
        inside = scene.truth == k
        off = np.min([np.abs(m - scene.intensities)[inside] for m in own], axis=0)
        assert np.median(off) < 1e-3


@pytest.mark.parametrize("name", "klmnopqrst")
def test_counts_are_those_of_the_intensities(suite, name):
    scene = suite.scene_of(name, 2)
    counts, truth = suite.case(name, 20, 2)
    expected = 20 * scene.intensities
    np.testing.assert_array_equal(truth, scene.truth)
    # Standard error of the mean of 512 x 512 pixels, times four.
    assert abs(counts.mean() - expected.mean()) < 4 * np.sqrt(expected.mean()) / 512
    assert np.mean((counts - expected) ** 2 / expected) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("name", "n_patterns"),
    [*((name, 2) for name in "klmnpq"), ("o", 3), *((name, 1) for name in "rst")],
)
def test_all_patterns_are_there(suite, name, n_patterns):
    for seed in range(2):
        truth = suite.case(name, 3, seed)[1]
        sizes = np.bincount(truth.ravel(), minlength=n_patterns)
        assert len(sizes) == n_patterns
        assert sizes.min() > 10_000


def test_ordered_motifs_have_the_same_columns(suite):
    """And differ where these are: jitter is of a column, not of a motif."""
    first, second = suite.scene_of("k", 0).motifs
    tops = first > 1.1
    np.testing.assert_allclose(second[tops].max(), second.max(), rtol=0.2)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.95


def test_seeds_give_other_frames(suite):
    first, second = (suite.scene_of("m", seed).intensities for seed in (0, 1))
    assert np.abs(first - second).mean() > 0.05


def test_frames_are_not_scaled(suite):
    with pytest.raises(ValueError, match="scale must be 1"):
        suite.case("k", 30, 0, 3)
