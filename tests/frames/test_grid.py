# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames import Grid

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
    part = grid.within(slice(2, 7), slice(5, 9))
    np.testing.assert_array_equal(part.rows, grid.rows[2:7])
    np.testing.assert_array_equal(part.columns, grid.columns[5:9])


@given(lengths, st.integers(0, 9), st.integers(1, 9))
def test_part_with_a_step_has_the_positions_of_its_slices(n, start, step):
    grid = Grid.over((n + 9, n + 9), 3 if n > 3 else 1)
    start = min(start, grid.shape[0] - 1)
    part = grid.within(slice(start, None, step), slice(None))
    np.testing.assert_array_equal(part.rows, grid.rows[start::step])
    assert part.columns.tolist() == grid.columns.tolist()


@pytest.mark.parametrize("stride", [0, -1, 12, (3, 14)])
def test_stride_out_of_range(stride):
    with pytest.raises(ValueError, match="^stride must be (at most|an int of)"):
        Grid.over((11, 13), stride)


@pytest.mark.parametrize("stride", [2.5, "5", (1, 2, 3), True])
def test_stride_of_another_type(stride):
    with pytest.raises(TypeError, match="^stride must be an int of at least 1"):
        Grid.over((11, 13), stride)


@pytest.mark.parametrize(
    "numbers",
    [
        ((-1, 0), (1, 1), (1, 1)),
        ((0, 0), (0, 1), (1, 1)),
        ((0, 0), (1, -1), (1, 1)),
        ((0, 0), (1, 1), (0, 1)),
    ],
)
def test_numbers_out_of_range(numbers):
    with pytest.raises(ValueError, match="^(first|stride|shape) must be an int of at"):
        Grid(*numbers)
