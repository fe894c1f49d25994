# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import Grid

lengths = st.integers(1, 60)


def test_positions_begin_at_half_of_what_the_stride_leaves():
    # 13 columns and stride 5: the last 2 pixels after 0, 5, 10 are shared out.
    grid = Grid.over((11, 13), (4, 5))
    np.testing.assert_array_equal(grid.rows, [1, 5, 9])
    np.testing.assert_array_equal(grid.columns, [1, 6, 11])


@given(lengths, st.data())
def test_margins_differ_by_one_pixel_at_most(n, data):
    stride = data.draw(st.integers(1, n))
    rows = Grid.over((n, n), stride).rows
    assert (n - 1 - rows[-1]) - rows[0] in (0, 1)
    assert rows[0] < stride


def test_part_has_the_positions_of_its_slices():
    grid = Grid.over((40, 50), (3, 4))
    part = grid.part(slice(2, 7), slice(5, 9))
    np.testing.assert_array_equal(part.rows, grid.rows[2:7])
    np.testing.assert_array_equal(part.columns, grid.columns[5:9])


@given(lengths, lengths, st.integers(1, 9))
def test_every_kth_is_among_the_positions(rows, columns, k):
    grid = Grid.over((rows, columns), 1)
    coarse = grid.every(k)
    assert set(coarse.rows) <= set(grid.rows)
    assert set(coarse.columns) <= set(grid.columns)
    assert (np.diff(coarse.columns) == k).all()


@pytest.mark.parametrize("stride", [0, -1, 12, (3, 14)])
def test_stride_out_of_range(stride):
    with pytest.raises(ValueError, match="^stride="):
        Grid.over((11, 13), stride)


@pytest.mark.parametrize("stride", [2.5, "5", (1, 2, 3), True])
def test_stride_of_another_type(stride):
    with pytest.raises(TypeError, match="^stride="):
        Grid.over((11, 13), stride)
