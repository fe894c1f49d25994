# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_symseg.templates.boundaries import (
    NARROW,
    WIDE,
    sharpened,
    smooth_boundaries,
    straightened,
    straightened_in,
)
from hyperspy_symseg.templates.potts import most_probable
from hyperspy_symseg.templates.small_regions import NARROWEST

SHAPE = (41, 60)
ROWS, COLUMNS = np.indices(SHAPE)


def posterior_of(second):
    """Certain labels of two patterns; the second has these blocks."""
    return np.stack([~second, second]).astype(np.float32)


def straight(second, loglik=None):
    if loglik is None:
        loglik = np.zeros((2, *second.shape), np.float32)
    return straightened(posterior_of(second), loglik)


def test_sharpened_is_the_eighth_power():
    posterior = np.array([0.6, 0.4], np.float32).reshape(2, 1, 1)
    expected = 0.6**8 / (0.6**8 + 0.4**8)
    found = sharpened(posterior)
    np.testing.assert_allclose(found.ravel(), [expected, 1 - expected], rtol=1e-5)


def test_a_little_less_than_nothing_is_no_probability():
    posterior = np.array([1.0, -1e-3], np.float32).reshape(2, 1, 1)
    np.testing.assert_allclose(sharpened(posterior).ravel(), [1, 0], atol=1e-30)


@given(st.integers(1, 5), st.integers(1, 300), st.integers(0, 3))
def test_sharpened_is_that_of_the_formula(n_patterns, n, squarings):
    rng = np.random.default_rng(0)
    posterior = rng.dirichlet(np.ones(n_patterns), (1, n)).astype(np.float32)
    posterior = np.moveaxis(posterior, -1, 0)
    powers = np.maximum(posterior, 1e-4).astype(float) ** 2**squarings
    expected = powers / powers.sum(axis=0)
    np.testing.assert_allclose(sharpened(posterior, squarings), expected, rtol=1e-5)


@given(st.floats(0, 1))
def test_what_is_the_same_everywhere_stays(share):
    posterior = np.stack([np.full(SHAPE, share), np.full(SHAPE, 1 - share)])
    posterior = posterior.astype(np.float32)
    smoothed = smooth_boundaries(posterior, NARROW)
    expected = posterior + 0.85 * (posterior - sharpened(posterior))
    np.testing.assert_allclose(smoothed, expected, atol=1e-5)


@pytest.mark.parametrize("window", [NARROW, WIDE])
def test_smoothing_weighs_by_a_parabola(window):
    # The first of three patterns, in one block; nothing is undone.
    posterior = np.zeros((3, *SHAPE), np.float32)
    posterior[1] = 1
    posterior[:2, 20, 30] = 1, 0
    found = smooth_boundaries(posterior, window._replace(undone=()))
    side = 1 - (np.arange(-window.reach, window.reach + 1) / (window.reach + 1)) ** 2
    side /= side.sum()
    expected = np.zeros(SHAPE)
    reach = window.reach
    expected[20 - reach : 21 + reach, 30 - reach : 31 + reach] = np.outer(side, side)
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)


def smoothed(posterior, window):
    """The same as `smooth_boundaries`, in double precision and step by step."""
    side = 1 - (np.arange(-window.reach, window.reach + 1) / (window.reach + 1)) ** 2
    side /= side.sum()

    def means(shares, total):
        for axis in (1, 2):
            shares = ndimage.correlate1d(shares, side, axis, mode="nearest")
        shares[-1] = total - shares[:-1].sum(axis=0)
        return shares

    smooth = means(posterior.astype(float), 1)
    for share in window.undone:
        steep = np.maximum(smooth, 1e-4) ** 8
        steep /= steep.sum(axis=0)
        smooth = smooth + share * means(posterior - steep, 0)
    return smooth


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 30), st.integers(1, 70)),
    st.sampled_from([NARROW, WIDE, NARROWEST]),
    st.integers(0, 9),
)
@settings(deadline=None)
def test_smoothing_is_that_of_the_formula(shape, window, seed):
    rng = np.random.default_rng(seed)
    posterior = np.moveaxis(rng.dirichlet(np.full(shape[0], 0.3), shape[1:]), -1, 0)
    posterior = posterior.astype(np.float32)
    found = smooth_boundaries(posterior, window)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, smoothed(posterior, window), atol=2e-5)


def test_smoothing_leaves_what_it_is_given():
    posterior = posterior_of(COLUMNS > 20)
    before = posterior.copy()
    smooth_boundaries(posterior[:, ::2], NARROW)
    np.testing.assert_array_equal(posterior, before)


@pytest.mark.parametrize("slope", [0, 0.4, 1])
def test_a_straight_boundary_stays_where_it_is(slope):
    rows, columns = np.indices((81, 120))
    second = columns + slope * rows > 75.5
    found = most_probable(straight(second))
    # What is at the edges goes on beyond: there a boundary that does not meet them at
    # right angles moves, in the wide window by a fifth of a block.
    inside = np.s_[24:-24, 5:-5]
    np.testing.assert_array_equal(found[inside], second[inside])
    off = np.count_nonzero(found != second, axis=1)
    assert off[5:-5].max() <= 1


def test_boundaries_that_agree_in_both_windows_are_those_of_the_wide_one():
    # Two straight ones, with columns that say otherwise, 60 and 8 blocks apart.
    rng = np.random.default_rng(0)
    columns = np.arange(150)
    jagged = rng.integers(-2, 3, (80, 3))[:, :, np.newaxis]
    edges = np.array([40, 100, 108])[:, np.newaxis]
    second = (columns > edges + jagged).sum(axis=1) % 2 == 1
    loglik = np.zeros((2, *second.shape), np.float32)
    _, narrow = straightened_in(posterior_of(second), loglik, NARROW)
    found = straight(second, loglik)
    inside, near = np.s_[:, 24:-24, 35:45], np.s_[:, 24:-24, 100:109]
    np.testing.assert_array_equal(found[near], narrow[near])
    assert np.abs(found[inside] - narrow[inside]).max() > 0.01
    # Squared once, the step of the wide window is about as steep.
    slope = np.abs(np.diff(found[inside][0], axis=1)).max()
    assert slope == pytest.approx(
        np.abs(np.diff(narrow[inside][0], axis=1)).max(), rel=0.25
    )


def test_next_to_the_edges_the_narrow_window_counts():
    second = COLUMNS + 0.4 * ROWS > 45.5
    loglik = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    _, narrow = straightened_in(posterior_of(second), loglik, NARROW)
    found = straight(second, loglik)
    np.testing.assert_array_equal(found[:, :12], narrow[:, :12])
    np.testing.assert_array_equal(found[:, :, -12:], narrow[:, :, -12:])


def test_a_jagged_boundary_becomes_straight():
    # After 30 and 32 columns in turn.
    jagged = COLUMNS > 29 + 2 * (ROWS // 2 % 2)
    found = most_probable(straight(jagged))
    np.testing.assert_array_equal(np.count_nonzero(found == 0, axis=1)[5:-5], 31)


def test_a_disc_shrinks_by_a_few_parts_in_a_hundred():
    disc = np.hypot(ROWS - 20, COLUMNS - 30) < 12
    left = np.count_nonzero(most_probable(straight(disc)))
    assert 0.93 * disc.sum() < left <= 1.02 * disc.sum()


def test_a_strip_as_wide_as_a_thin_lamella_stays():
    strip = np.abs(COLUMNS - 30) <= NARROW.reach // 2
    np.testing.assert_array_equal(most_probable(straight(strip)), strip)


def test_log_likelihoods_count_for_more():
    second = COLUMNS > 29
    loglik = np.zeros((2, *SHAPE), np.float32)
    loglik[1, :, 20:] = 30
    found = most_probable(straight(second, loglik))
    np.testing.assert_array_equal(found, COLUMNS > 19)


def test_far_away_from_a_cut_nothing_changes():
    rows, columns = np.indices((100, 300))
    second = rows > 50 + 8 * np.sin(columns / 25)
    loglik = np.random.default_rng(1).normal(size=(2, 100, 300)).astype(np.float32)
    whole = straight(second, loglik)
    part = straight(second[:, 100:], loglik[:, :, 100:])
    # What each smoothing hands on is less and less.
    reach = 7 * WIDE.reach
    there = np.s_[:, :, 100 + reach : -WIDE.reach]
    np.testing.assert_allclose(part[:, :, reach : -WIDE.reach], whole[there], atol=1e-6)
    # The wide window counts there.
    _, narrow = straightened_in(posterior_of(second), loglik, NARROW)
    assert np.abs(whole - narrow)[there].max() > 0.02


def test_patterns_in_another_order():
    labels = (COLUMNS > 20).astype(int) + (COLUMNS + ROWS > 60)
    posterior = (labels == np.arange(3)[:, np.newaxis, np.newaxis]).astype(np.float32)
    loglik = np.random.default_rng(0).normal(size=posterior.shape).astype(np.float32)
    found = straightened(posterior, loglik)
    other = straightened(posterior[::-1].copy(), loglik[::-1].copy())
    np.testing.assert_allclose(other[::-1], found, atol=1e-5)


def two_grains_on_a_support():
    """Grains to the left and right of column 30, above row 20."""
    labels = np.where(ROWS > 20, 2, COLUMNS > 30)
    return (labels == np.arange(3).reshape(3, 1, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("has_lattice", "has_notch"),
    [((True, True, False), False), ((True, True, True), True), (None, True)],
)
def test_a_particle_has_no_notch_where_its_grains_meet(has_lattice, has_notch):
    given = two_grains_on_a_support()
    if has_lattice is not None:
        has_lattice = np.array(has_lattice)
    found = most_probable(straightened(given, np.zeros_like(given), has_lattice))
    n_rows = np.count_nonzero(found < 2, axis=0)
    assert (n_rows[26:36].min() < 21) == has_notch


def test_what_tells_where_crystals_end_counts_twice_and_which_it_is_once():
    given, crystals = two_grains_on_a_support(), np.array([True, True, False])
    rng = np.random.default_rng(0)
    loglik = rng.normal(0, 3, given.shape).astype(np.float32)
    found = straightened(given, loglik, crystals)
    best = loglik[:2].max(axis=0)
    loglik[2] = best + 2 * (loglik[2] - best)
    _, narrow = straightened_in(given, loglik, NARROW, crystals)
    # Next to the edges, where the narrow window counts.
    np.testing.assert_allclose(found[:, :12], narrow[:, :12], atol=1e-5)


@pytest.mark.parametrize("has_lattice", [(True, True), (False, False)])
def test_there_is_no_outline_where_patterns_are_alike(has_lattice):
    rng = np.random.default_rng(0)
    given = posterior_of(COLUMNS > 29)
    loglik = rng.normal(0, 3, given.shape).astype(np.float32)
    found = straightened(given, loglik, np.array(has_lattice))
    np.testing.assert_array_equal(found, straightened(given, loglik))
