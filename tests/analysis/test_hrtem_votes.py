# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what cells of a crystal say together of its columns."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg.analysis.column_sites import LatticeField
from hyperspy_symseg.analysis.hrtem_votes import _prior, _prior_changed, _sides, _Votes

PERIOD, SHAPE = 12, (120, 144)
MOTIF = np.array([[0.25, 0.25], [0.65, 0.75]])


@pytest.fixture(scope="module")
def field():
    """A square lattice that is nowhere displaced."""
    cells = [n // PERIOD for n in SHAPE]
    return LatticeField(
        np.eye(2) / PERIOD,
        np.zeros((2, *cells)),
        np.zeros((2, 2, *cells)),
        PERIOD,
        width=5.0,
    )


@pytest.fixture(scope="module")
def places():
    """Two columns a cell: (240, 2)."""
    first = PERIOD * np.argwhere(np.ones([n // PERIOD for n in SHAPE]))
    return (first[:, np.newaxis] + PERIOD * MOTIF).reshape(-1, 2)


def rows(places, probability, rng, error=1.0):
    """What a network says of some places: (n, 5)."""
    n = len(places)
    off = rng.normal(0, error, places.shape)
    return np.column_stack(
        [places + off, np.full((n, 2), error), np.full(n, probability)]
    )


def voted(found, field, values=None, own=None):
    own = np.ones(SHAPE, bool) if own is None else own
    values = np.ones(SHAPE) if values is None else values
    return _Votes(found, field, own, values, 1).columns()


def at(found, places, distance=1.5):
    """The probability of what is found at places, 0 where nothing is."""
    away, which = cKDTree(found[:, :2]).query(places)
    return np.where(away < distance, found[which, 4], 0)


def noisy(places, rng):
    """Columns of which a quarter is not seen, and as many that are none."""
    seen = places[rng.random(len(places)) < 0.75]
    false = rng.uniform(0, SHAPE, (60, 2))
    return np.concatenate([rows(seen, 0.5, rng), rows(false, 0.3, rng)])


def test_sites_are_what_most_cells_say(field, places):
    found = voted(noisy(places, np.random.default_rng(0)), field)
    # Those at the edges are within a pixel of being outside of the frame.
    assert np.mean(at(found, places) > 0.8) > 0.97
    assert np.mean(at(found, found[found[:, 4] > 0.5, :2]) > 0.5) == 1
    assert np.count_nonzero(found[:, 4] > 0.5) < 1.05 * len(places)


def test_places_are_better_than_those_of_the_network(field, places):
    found = voted(noisy(places, np.random.default_rng(1)), field)
    found = found[found[:, 4] > 0.5]
    off = found[:, :2] - places[cKDTree(places).query(found[:, :2])[1]]
    # One pixel, of each by itself.
    assert np.sqrt(np.mean(off**2)) < 0.35
    assert 0.5 < np.sqrt(np.mean((off / found[:, 2:4]) ** 2)) < 1.5


def test_a_column_that_is_surely_missing_is_not_filled_in(field, places):
    rng = np.random.default_rng(2)
    y, x = np.indices(SHAPE)
    gone = np.arange(len(places)) % 25 == 11
    values = 100 + rng.normal(0, 1, SHAPE)
    for a, b in places[~gone]:
        values += 30 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / 1.5**2)
    found = voted(rows(places[~gone], 0.98, rng, error=0.2), field, values)
    assert (at(found, places[gone]) < 0.3).all()
    assert (at(found, places[~gone]) > 0.9).all()


@pytest.mark.parametrize(("seen", "filled"), [(1.0, False), (0.7, True)])
def test_silence_counts_where_columns_are_seldom_silent(field, places, seen, filled):
    rng = np.random.default_rng(8)
    values = spots(places, 30) + rng.normal(0, 20, SHAPE)
    gone = np.arange(len(places)) % 40 == 11
    said = ~gone & (rng.random(len(places)) < seen)
    found = voted(rows(places[said], 0.9, rng, error=0.2), field, values)
    # The contrast of what the network does not name is that of a column.
    assert (np.median(at(found, places[gone])) > 0.5) == filled


def test_a_crystal_ends_where_its_columns_do(field, places):
    rng = np.random.default_rng(3)
    left = places[places[:, 1] < 72]
    found = voted(rows(left, 0.6, rng), field)
    beyond = places[places[:, 1] > 72 + 2 * PERIOD]
    assert (at(found, beyond) < 0.1).all()
    assert np.mean(at(found, left[left[:, 1] < 66]) > 0.9) > 0.97


def spots(places, heights):
    """A frame with columns of some heights."""
    y, x = np.indices(SHAPE)
    values = np.full(SHAPE, 100.0)
    for (a, b), height in zip(
        places, np.broadcast_to(heights, len(places)), strict=True
    ):
        values += height * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / 1.5**2)
    return values


def test_a_crystal_whose_contrast_inverts_has_two_sides(places):
    rng = np.random.default_rng(5)
    found, own = rows(places, 0.9, rng, error=0.1), np.ones(SHAPE, bool)
    own[:8] = False
    values = spots(places, np.where(places[:, 1] < 72, 30, -30))
    bright, dark = _sides(found, own, values, 1, least=900)
    assert bright[8:, :24].all()
    assert dark[8:, 120:].all()
    # Near the other side cells tell nothing.
    assert not (bright | dark)[:, 36:108].any()
    assert not (bright & dark).any()
    assert not (bright | dark)[:8].any()


def test_cells_tell_nothing_near_a_side_whose_sign_is_not_sure(places):
    rng = np.random.default_rng(6)
    own = np.ones(SHAPE, bool)
    values = spots(places, np.where(places[:, 1] < 36, 30, -30))
    found = rows(places, 0.9, rng, error=0.1)
    bright, dark = _sides(found, own, values, 1, least=900)
    assert not bright.any()
    assert not dark[:, :60].any()
    assert dark[:, 120:].all()


@pytest.mark.parametrize("end", [0, 8])
def test_a_crystal_of_one_contrast_has_one_side(places, end):
    rng = np.random.default_rng(6)
    own = np.ones(SHAPE, bool)
    values = spots(places, np.where(places[:, 1] < end, 30, -30))
    [side] = _sides(rows(places, 0.9, rng, error=0.1), own, values, 1, least=900)
    np.testing.assert_array_equal(side, own)


def test_a_crystal_without_columns_has_one_side():
    own = np.ones(SHAPE, bool)
    [side] = _sides(np.zeros((0, 5)), own, np.ones(SHAPE), 1, least=900)
    np.testing.assert_array_equal(side, own)


def test_where_columns_are_beside_the_sites_they_stay_as_they_are(field, places):
    rng = np.random.default_rng(7)
    moved = places[places[:, 1] > 110] + [0.5 * PERIOD, 0]
    moved = moved[moved[:, 0] < SHAPE[0] - 1]
    usual = places[places[:, 1] < 110]
    found = voted(rows(np.concatenate([usual, moved]), 0.9, rng, error=0.2), field)
    far = moved[moved[:, 1] > 120]
    np.testing.assert_array_equal(at(found, far), 0.9)
    # The places of the sites, which are half a period off, are left empty.
    assert not at(found, places[places[:, 1] > 120]).any()
    assert (at(found, usual[usual[:, 1] < 80]) > 0.9).all()


def test_what_has_no_place_in_the_cell_stays_as_it_is(field):
    rng = np.random.default_rng(4)
    found = rows(rng.uniform(0, SHAPE, (6, 2)), 0.04, rng)
    np.testing.assert_array_equal(voted(found, field), found)
    assert voted(found[:0], field).shape == (0, 5)


def test_a_crystal_makes_nothing_less_sure_than_the_network(field, places):
    rng = np.random.default_rng(8)
    found = voted(rows(places, 0.995, rng, error=0.1), field)
    inner = ((places > 25) & (places < np.subtract(SHAPE, 25))).all(axis=1)
    np.testing.assert_allclose(at(found, places[inner]), 0.995)


def test_the_prior_is_that_of_the_columns_around():
    y, x = np.mgrid[:10, :12]
    places = np.column_stack([y.ravel(), x.ravel()]).astype(float)
    shares = np.where(places[:, 1] < 6, 0.6, 0.0)
    found = _prior(places, shares, 2.5)
    np.testing.assert_allclose(found[places[:, 1] < 4], 0.97)
    assert found[places[:, 1] > 8].max() < 1e-3


def test_odds_change_by_the_ratio_of_the_priors():
    # Odds of 1/4, times those of 3/4 over those of 1/3: 1/4 * 3 / (1/2).
    found = _prior_changed(np.array([0.2]), 1 / 3, np.array([0.75]))
    np.testing.assert_allclose(found, 1.5 / 2.5)
