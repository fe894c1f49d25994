# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.special import expit

from hyperspy_symseg.networks.shape_network import ShapeNetwork
from hyperspy_symseg.templates.boundaries import sharpened, straightened
from hyperspy_symseg.templates.potts import mean_field
from hyperspy_symseg.templates.shapes import shaped

ROWS, COLUMNS = np.indices((70, 96))
INSIDE = (ROWS >= 20) & (ROWS < 52) & (COLUMNS >= 30) & (COLUMNS < 70)


def noisy(labels, n_patterns, nats=0.3, seed=0):
    """Log-likelihoods of the patterns, as they should be."""
    noise = np.random.default_rng(seed).normal(size=(n_patterns, *labels.shape))
    means = np.where(labels == np.arange(n_patterns)[:, None, None], nats, 0)
    return (means + noise * np.sqrt(nats)).astype(np.float32)


def test_posterior_of_two_patterns_is_that_of_their_odds():
    given = noisy(INSIDE, 2)
    odds = ShapeNetwork.trained().log_odds(given[0] - given[1], (3, 5))
    found = sharpened(shaped(given, (3, 5)))
    np.testing.assert_allclose(found[0], expit(odds), atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-5)


def test_one_pattern_is_certain():
    found = shaped(np.zeros((1, 20, 30), np.float32))
    np.testing.assert_array_equal(found, np.ones((1, 20, 30)))


def test_several_patterns_are_told_apart_in_any_order():
    true = np.where(INSIDE, 2, np.where(COLUMNS > 80, 1, 0))
    given = noisy(true, 3, nats=1.0)
    found = shaped(given)
    assert (found.argmax(axis=0) == true).mean() > 0.98
    order = [2, 0, 1]
    np.testing.assert_allclose(shaped(given[order]), found[order], rtol=1e-4)


def test_a_third_pattern_that_nothing_speaks_for_changes_nothing():
    two = noisy(INSIDE, 2)
    third = np.full((1, *INSIDE.shape), -100, np.float32)
    found = sharpened(shaped(np.concatenate([two, third])))
    np.testing.assert_allclose(found[:2], sharpened(shaped(two)), atol=0.03)


@pytest.mark.parametrize("nats", [10, 1e4])
def test_certain_blocks_are_right_but_for_corners(nats):
    found = shaped(noisy(INSIDE, 2, nats=nats))
    assert np.isfinite(found).all()
    assert (found.argmax(axis=0) != INSIDE).sum() < 10


@pytest.mark.parametrize("seed", range(3))
def test_a_rectangle_is_known_better_than_in_windows(seed):
    given = noisy(INSIDE, 2, seed=seed)
    by_windows = straightened(mean_field(given), given).argmax(axis=0)
    wrong, before = ((x != INSIDE).sum() for x in (shaped(given)[1] > 0.5, by_windows))
    assert wrong < 0.8 * before
