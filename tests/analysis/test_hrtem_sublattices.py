# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which of two lattices of places has the columns."""

import numpy as np
import pytest

from hyperspy_symseg.analysis.hrtem_columns import possible
from hyperspy_symseg.analysis.hrtem_sublattices import of_one_lattice


def rows(places, probability=0.9):
    """What a network says of some places: (n, 5)."""
    found = np.ones((len(places), 5))
    found[:, :2], found[:, 4] = places, probability
    return found


def grid(step, shape, first=(0.0, 0.0)):
    """Places of a square lattice: (n, 2)."""
    return step * np.argwhere(np.ones(shape)) + first


def joined(*tables):
    """Tables in a row that has nothing to do with the lattices."""
    found = np.concatenate(tables)
    return found[np.random.default_rng(0).permutation(len(found))]


def in_order(found):
    return found[np.lexsort(found.T[1::-1])]


@pytest.fixture
def columns():
    """Columns that are 10 pixels apart: (42, 5)."""
    return rows(grid(10.0, (6, 7)))


@pytest.fixture
def between():
    """What is between those in the middle, 7.07 from them, and as sure: (12, 5)."""
    return rows(grid(10.0, (3, 4), (15.0, 15.0)))


def test_places_between_columns_are_none(columns, between):
    found = of_one_lattice(joined(columns, between), 7.5)
    np.testing.assert_array_equal(in_order(found), columns)


def test_it_does_not_matter_which_is_surer_in_places(columns, between):
    columns[:, 4] = 0.7
    # 30 of the columns are linked to others.
    found = of_one_lattice(joined(columns, between), 7.5)
    np.testing.assert_array_equal(in_order(found), columns)


def test_the_lattice_that_is_surer_on_the_whole_stays(columns, between):
    columns[:, 4] = 0.2
    # Corners of the columns, and what has nothing between, are not linked.
    found = of_one_lattice(joined(columns, between), 7.5)
    assert (found[:, 4] == 0.9).sum() == len(between)
    away = np.hypot(*(found[:, np.newaxis, :2] - found[:, :2]).T)
    assert away[~np.eye(len(found), dtype=bool)].min() > 7.5


def test_each_group_is_decided_by_itself(columns, between):
    far = between.copy()
    far[:, 1] += 200
    many = rows(grid(10.0, (4, 5), (10.0, 210.0)), 0.3)
    found = of_one_lattice(joined(columns, between, many, far), 7.5)
    expected = np.concatenate([columns, far])
    np.testing.assert_array_equal(in_order(found), in_order(expected))


def test_a_lattice_of_nearer_columns_stays():
    # Hexagonal: of three neighbours that are near each other, no two lattices.
    y, x = grid(1.0, (7, 7)).T
    found = rows(np.column_stack([6 * y * np.sqrt(3) / 2, 6 * x + 3 * y]))
    np.testing.assert_array_equal(of_one_lattice(found, 7.5), found)


def test_places_that_are_far_apart_stay(columns):
    np.testing.assert_array_equal(of_one_lattice(columns, 7.5), columns)
    assert of_one_lattice(columns[:0], 7.5).shape == (0, 5)


def test_only_metals_of_known_pixels_have_a_least_distance(columns, between):
    found = joined(columns, between)
    # Of 0.2 angstroms: 1.41 between both lattices.
    assert len(possible(found, "metal", 0.2)) == len(columns)
    assert len(possible(found, "metal", 0.3)) == len(found)
    assert len(possible(found, "metal", None)) == len(found)
    assert len(possible(found, "MoS2", 0.2)) == len(found)
