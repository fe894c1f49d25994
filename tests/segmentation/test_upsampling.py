# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import Grid
from hyperspy_symseg.segmentation import upsample_labels


def test_hand_worked_row_and_column():
    # Samples at rows 1, 4 and columns 0, 2, 4.
    grid = Grid.over((6, 5), (3, 2))
    labels = np.array([[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(
        upsample_labels(labels, grid, (6, 5)),
        np.array([[1, 2, 2, 3, 3]] * 3 + [[4, 5, 5, 6, 6]] * 3),
    )


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_every_pixel_has_the_label_of_a_nearest_sample(rows, columns, data):
    stride = data.draw(st.integers(1, min(rows, columns)))
    grid = Grid.over((rows, columns), stride)
    row_of_sample = np.broadcast_to(grid.rows[:, np.newaxis], grid.shape)
    row = upsample_labels(row_of_sample, grid, (rows, columns))
    distance = np.abs(row - np.arange(rows)[:, np.newaxis])
    nearest = np.abs(grid.rows - np.arange(rows)[:, np.newaxis]).min(axis=1)
    np.testing.assert_array_equal(distance, nearest[:, np.newaxis].repeat(columns, 1))


def test_dtype_is_kept():
    grid = Grid.over((4, 4), 2)
    assert upsample_labels(np.zeros((2, 2), np.int16), grid, (4, 4)).dtype == np.int16
