# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.frames.peaks import (
    climb,
    extrema,
    maxima,
    settled,
    steps_within,
    vertex_shifts,
)


def nearest(array):
    """Values of an array, and beyond its edges those of the nearest element."""
    last = np.array(array.shape) - 1
    return lambda y, x: array[np.clip(y, 0, last[0]), np.clip(x, 0, last[1])]


@pytest.mark.parametrize(("distance", "n"), [(0, 1), (1, 5), (1.5, 9), (3, 29)])
def test_steps_are_those_of_a_disc(distance, n):
    steps = steps_within(distance)
    assert len(steps) == n
    assert np.hypot(*steps.T).max() <= distance


@pytest.mark.parametrize("levels", [5, 1000])
def test_maxima_are_those_of_a_filter(levels):
    array = np.random.default_rng(0).integers(levels, size=(30, 41))
    points = np.argwhere(array > levels // 2)
    expected = array == ndimage.maximum_filter(array, 3, mode="nearest")
    found = maxima(nearest(array), points, steps_within(1.5))
    expected &= array > levels // 2
    np.testing.assert_array_equal(found, np.argwhere(expected))


def test_the_largest_neighbour():
    array = np.array([[0, 1, 0, 0], [0, 2, 5, 0], [0, 0, 3, 4]])
    found = climb(nearest(array), np.array([[1, 1], [2, 3]]), steps_within(1.5))
    np.testing.assert_array_equal(found, [[1, 2], [1, 2]])


def test_no_shift_where_there_is_no_maximum():
    shifts = vertex_shifts(lambda y, x: 1.0 * y + x**2, np.array([[3, 1]]))
    np.testing.assert_array_equal(shifts, [[0, 0]])


def test_no_points():
    nothing = np.empty((0, 2), int)
    value, steps = nearest(np.zeros((3, 3))), steps_within(1.5)
    for found in (
        maxima(value, nothing, steps),
        climb(value, nothing, steps),
        vertex_shifts(value, nothing),
    ):
        assert found.shape == (0, 2)


def test_of_two_extrema_the_larger_counts():
    scores = np.zeros((20, 20))
    scores[5, 5], scores[5, 9], scores[15, 15] = 4, -6, 3
    np.testing.assert_array_equal(extrema(scores, 5, 1), [[5, 9], [15, 15]])


def test_an_extremum_at_the_edge():
    values = np.zeros((3, 3))
    values[0, 2] = 1
    refined = settled(values, np.array([[0, 2]]), np.array([1]), 2)
    assert np.abs(refined - [0, 2]).max() <= 0.5


def test_nothing_to_be_settled():
    nothing = np.empty((0, 2), int)
    refined = settled(np.zeros((3, 3)), nothing, np.empty(0), 2)
    assert refined.shape == (0, 2)
