# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the scripts that train the network that knows shapes."""

import importlib

import numpy as np
import pytest

from hyperspy_symseg.networks.shape_network import FILE, LAYERS, ShapeNetwork
from hyperspy_symseg.networks.weights import read_weights

pytestmark = pytest.mark.usefixtures("training")


@pytest.fixture(scope="module")
def maps():
    return importlib.import_module("shape_maps")


def test_every_kind_has_both_patterns_or_is_small(maps):
    for _, kind in maps.KINDS:
        drawn = (kind(np.random.default_rng(i)) for i in range(20))
        shares = [np.clip(0.5 - each, 0, 1).mean() for each in drawn]
        assert 0.002 < np.mean(shares) < 0.8, kind.__name__


def test_maps_come_from_their_seed(maps):
    one, again, other = (maps.draw(np.random.default_rng(i)) for i in (1, 1, 2))
    assert one.shape == (maps.SIDE, maps.SIDE)
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert one.max() <= 1
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_polygon_by_hand(maps):
    sides = 0, np.pi / 2, np.pi, 3 * np.pi / 2
    y, x = np.array([0.0, 0, 3]), np.array([0.0, 5, 0])
    found = maps._of_lines(y, x, sides, [2, 1, 2, 1])
    np.testing.assert_allclose(found, [-1, 3, 2], atol=1e-12)


@pytest.mark.parametrize("columns", [0.0, 1.0])
def test_evidence_is_a_log_likelihood_ratio(maps, monkeypatch, columns):
    monkeypatch.setattr(maps, "IS_OF_COLUMNS", columns)
    monkeypatch.setattr(maps, "IS_FAINT", 1.0)
    monkeypatch.setattr(maps, "FAINT", (0.5, 0.5))
    monkeypatch.setattr(maps, "ALTERNATES", 0.0)
    rng, share = np.random.default_rng(0), np.zeros((64, 64), np.float32)
    sums = [maps.evidence(share, rng).sum(dtype=float) for _ in range(400)]
    # The second pattern is there: its variance is twice its mean, of either sign.
    assert np.mean(sums) == pytest.approx(-0.5 * 64**2, rel=0.05)
    assert np.var(sums) == pytest.approx(64**2, rel=0.3)


def test_evidence_is_where_the_regions_are(maps, monkeypatch):
    monkeypatch.setattr(maps, "IS_FAINT", 0.0)
    share = np.zeros((64, 64), np.float32)
    share[:, 20:] = 1
    for seed in range(8):
        found = maps.evidence(share, np.random.default_rng(seed))
        assert found[:, 24:].mean() > 1
        assert found[:, :16].mean() < -1


def test_a_training_is_the_same_again(trained_twice):
    pytest.importorskip("torch")
    options = ["--steps", "12", "--maps", "20", "--held-out", "4", "--seed", "4"]
    weights, seed, said = trained_twice("shapes.py", *options)
    assert "step 12: loss" in said
    assert "written to" in said
    assert seed == 4
    found = ShapeNetwork(weights, seed).log_odds(np.ones((16, 16), np.float32))
    assert np.isfinite(found).all()


def test_a_training_begins_with_the_weights_of_a_file(trained_twice):
    pytest.importorskip("torch")
    options = ["--steps", "2", "--maps", "20", "--held-out", "4", "--begin", str(FILE)]
    weights, _, _ = trained_twice("shapes.py", *options)
    before, _ = read_weights(FILE)
    # A step changes a weight by the rate.
    for name in LAYERS:
        found, old = (each[f"kernels_{name}"] for each in (weights, before))
        np.testing.assert_allclose(found, old, atol=4e-3)
