# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames.block_sums import moments, spread


def test_every_pixel_has_the_value_of_its_square():
    squares = np.array([[1, 2, 3], [4, 5, 6]])
    expected = [[1, 1, 2, 2, 3], [1, 1, 2, 2, 3], [4, 4, 5, 5, 6]]
    np.testing.assert_array_equal(spread(squares, 2, (3, 5)), expected)


def test_blocks_of_several_frames_have_pixels_of_their_own():
    array = np.random.default_rng(0).random((3, 7, 11))
    expected = np.stack([spread(each, 2, (13, 20)) for each in array])
    np.testing.assert_array_equal(spread(array, 2, (13, 20)), expected)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 7))
def test_moments_are_sums_of_pixels_and_of_their_squares(rows, columns, side):
    values = np.random.default_rng(0).normal(size=(rows, columns))
    for found, array in zip(moments(values, side), (values, values**2), strict=True):
        expected = [
            [array[i : i + side, j : j + side].sum() for j in range(0, columns, side)]
            for i in range(0, rows, side)
        ]
        np.testing.assert_allclose(found, expected, atol=1e-12)
