# SPDX-License-Identifier: GPL-3.0-or-later
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.segmentation import sampling


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([9, 1681, 10**6]))
def test_sample_is_limited_in_number_and_bytes(rows, columns, n_operations):
    grid = Grid.over((rows, columns), 1)
    size = grid.within(*sampling.sample_slices(grid, n_operations)).size
    assert 1 <= size <= sampling.SAMPLE_SIZE
    assert size == 1 or 4 * size * n_operations <= sampling.SAMPLE_BYTES


def test_sample_of_a_small_grid_is_the_grid():
    grid = Grid.over((100, 150), 1)
    assert grid.within(*sampling.sample_slices(grid, 81)) == grid


def test_sample_is_as_far_from_both_edges():
    grid = Grid.over((300, 150), 1)
    rows, columns = sampling.sample_slices(grid, 81)
    # 45,000 pixels: every second makes 150 x 75.
    assert (rows, columns) == (slice(0, None, 2), slice(0, None, 2))
