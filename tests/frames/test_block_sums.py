# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames.block_sums import moments, spread, sum_blocks


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 7))
def test_sums_over_squares(rows, columns, side):
    array = np.arange(rows * columns).reshape(rows, columns) % 13
    expected = [
        [array[i : i + side, j : j + side].sum() for j in range(0, columns, side)]
        for i in range(0, rows, side)
    ]
    np.testing.assert_array_equal(sum_blocks(array, side), expected)


def test_every_pixel_has_the_value_of_its_square():
    squares = np.array([[1, 2, 3], [4, 5, 6]])
    expected = [[1, 1, 2, 2, 3], [1, 1, 2, 2, 3], [4, 4, 5, 5, 6]]
    np.testing.assert_array_equal(spread(squares, 2, (3, 5)), expected)


def test_blocks_of_several_frames_are_done_one_by_one():
    array = np.random.default_rng(0).random((3, 7, 11))
    for function in (
        lambda each: sum_blocks(each, 3),
        lambda each: spread(each, 2, (13, 20)),
    ):
        expected = np.stack([function(each) for each in array])
        np.testing.assert_array_equal(function(array), expected)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 7))
def test_moments_are_sums_of_pixels_and_of_their_squares(rows, columns, side):
    values = np.random.default_rng(0).normal(size=(rows, columns))
    sums, energies = moments(values, side)
    np.testing.assert_allclose(sums, sum_blocks(values, side), atol=1e-12)
    np.testing.assert_allclose(energies, sum_blocks(values**2, side))
