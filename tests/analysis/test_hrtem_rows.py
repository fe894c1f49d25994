# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which places go on rows of sure columns."""

import numpy as np
import pytest

from hyperspy_symseg.analysis.hrtem_rows import rows_that_go_on


def grid(shape, step=10.0):
    """Places of a square lattice: (n, 2)."""
    return step * np.argwhere(np.ones(shape))


def beside_a_crystal(place):
    """How many rows lead to a place that has a probability of 0.1: two floats."""
    places = np.concatenate([grid((6, 7)), [place]])
    share = np.append(np.ones(42), 0.1)
    return [x[-1] for x in rows_that_go_on(places, share)]


def test_rows_lead_to_where_a_crystal_goes_on():
    # One along the side that is beside it, and two along diagonals, whose steps are
    # 1.41 spacings. The next ones have two spacings, which is too far.
    near, far = beside_a_crystal([-10, 30])
    assert near == pytest.approx(3)
    assert far == 0


def test_no_row_leads_to_what_is_between_rows():
    # A place between two columns, half a spacing beside the crystal.
    near, far = beside_a_crystal([-5, 25])
    assert near < 0.05
    assert far < 0.05


def test_a_row_counts_by_how_near_its_end_is():
    # One standard deviation off; one of the diagonals has a step of 1.52 spacings.
    near, far = beside_a_crystal([-10, 31.5])
    assert near == pytest.approx(2 * np.exp(-0.5))
    assert far == pytest.approx(np.exp(-0.5))


def test_a_row_counts_by_the_probabilities_of_its_columns():
    places = np.array([[0, 0], [0, 10], [0, 20], [0, 30], [40, 60]], float)
    share = np.array([0.2, 0.6, 0.7, 0.8, 0.9])
    near, far = rows_that_go_on(places, share)
    expected = 0.6 * 0.7, 0.7 * 0.8, 0.2 * 0.6, 0.6 * 0.7, 0
    np.testing.assert_allclose(near, expected)
    np.testing.assert_array_equal(far, 0)


def test_rows_of_a_honeycomb_have_long_steps():
    cells = np.indices((5, 6)).reshape(2, -1).T @ [[1.5, 3**0.5 / 2], [0, 3**0.5]]
    places = 10 * np.concatenate([cells, cells + np.array([1, 0])])
    middle = 10 * cells[14]
    own = np.flatnonzero((places == middle).all(axis=1))[0]
    near, far = rows_that_go_on(places, np.ones(60))
    # Along the first steps the third place is the middle of a hexagon.
    assert near[own] == pytest.approx(0, abs=1e-3)
    assert far[own] == pytest.approx(6, abs=1e-3)


def test_lengths_are_in_spacings():
    share = np.linspace(0.3, 1, 42)
    found = [rows_that_go_on(grid((6, 7), step), share) for step in (7.0, 31.0)]
    np.testing.assert_allclose(*found)


@pytest.mark.parametrize("share", [[], [0.9], [0.9, 0.9, 0.5, 0.4]])
def test_fewer_than_three_likely_columns_have_no_rows(share):
    places = np.zeros((len(share), 2))
    places[:, 1] = 10.0 * np.arange(len(share))
    for found in rows_that_go_on(places, np.array(share)):
        np.testing.assert_array_equal(found, np.zeros(len(share)))
