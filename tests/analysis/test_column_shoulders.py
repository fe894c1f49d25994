# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of columns that are no maxima, on cells of 36 x 33 points of 12 x 11 pixels."""

import numpy as np
import pytest

from hyperspy_symseg.analysis.column_shoulders import shoulders

VECTORS = np.array([[12.0, 1.0], [0.5, 11.0]])
SHAPE = 36, 33
NOISE = np.full(SHAPE, 1e-3)
FIRST = np.array([[0.1, 0.2]])


def gaussian(squared):
    return np.exp(-squared / 2)


def cell(*columns, width=2.1, profile=gaussian):
    """Sum of columns (y, x, height) at fractions, on a background of 7."""
    found = np.full(SHAPE, 7.0)
    for i, j in np.ndindex(SHAPE):
        for y, x, height in columns:
            off = np.array([i / SHAPE[0] - y, j / SHAPE[1] - x])
            for turn in np.ndindex(5, 5):
                step = (off - np.rint(off) + turn - 2) @ VECTORS
                found[i, j] += height * profile(step @ step / width**2)
    return found


def found_in(values, maxima=FIRST, noise=NOISE):
    return shoulders(values, noise, VECTORS, maxima, 2.0)


def test_a_weak_column_that_is_no_maximum_is_found_where_it_is():
    values = cell((0.1, 0.2, 5.0), (0.6, 0.7, 0.2))
    fractions, heights = found_in(values, FIRST + 0.005)
    np.testing.assert_allclose(fractions, [[0.6, 0.7]], atol=0.01)
    np.testing.assert_allclose(heights, [0.04], atol=0.001)


def test_the_higher_of_two_comes_first():
    maxima = np.array([[0.0, 0.0], [0.5, 0.0]])
    weak = (0.0, 0.5, 0.15), (0.5, 0.5, 0.3)
    values = cell((0.0, 0.0, 5.0), (0.5, 0.0, 4.0), *weak, width=1.6)
    _, heights = shoulders(values, NOISE, VECTORS, maxima, 1.6)
    np.testing.assert_allclose(heights, [0.06, 0.03], atol=0.003)


def test_there_is_none_where_there_is_none():
    fractions, heights = found_in(cell((0.1, 0.2, 5.0)))
    assert fractions.shape == (0, 2)
    assert heights.shape == (0,)


def test_what_noise_may_be_is_none():
    values = cell((0.1, 0.2, 5.0), (0.6, 0.7, 0.2))
    assert len(found_in(values, noise=0.1 * np.ones(SHAPE))[0]) == 0


@pytest.mark.parametrize("power", [1, 2, 3])
def test_tails_of_columns_are_none(power):
    values = cell((0.1, 0.2, 5.0), profile=lambda squared: (1 + squared) ** -power)
    assert len(found_in(values)[0]) == 0


def test_a_neighbour_that_is_not_resolved_is_none():
    """Two widths away, it may as well be that columns are no Gaussians."""
    assert len(found_in(cell((0.1, 0.2, 5.0), (0.45, 0.2, 0.5)))[0]) == 0
