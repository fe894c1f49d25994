# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import Grid
from hyperspy_symseg.segmentation import clustering


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([9, 1681, 10**6]))
def test_sample_is_limited_in_number_and_bytes(rows, columns, n_operations):
    grid = Grid.over((rows, columns), 1)
    size = grid.part(*clustering.sample_slices(grid, n_operations)).size
    assert 1 <= size <= clustering.SAMPLE_SIZE
    assert size == 1 or 4 * size * n_operations <= clustering.SAMPLE_BYTES


def test_sample_of_a_small_grid_is_the_grid():
    grid = Grid.over((100, 150), 1)
    assert grid.part(*clustering.sample_slices(grid, 81)) == grid


def test_sample_is_as_far_from_both_edges():
    grid = Grid.over((300, 150), 1)
    rows, columns = clustering.sample_slices(grid, 81)
    # 45,000 pixels: every second makes 150 x 75.
    assert (rows, columns) == (slice(0, None, 2), slice(0, None, 2))


def test_hand_worked_clusters():
    # Two points each thrice on a line: one component, of direction (3, 4) / 5.
    scores = np.array([[0.0, 0.0], [3.0, 4.0]]).repeat([2, 4], axis=0)
    mean, components, explained, centres, counts = clustering.cluster_scores(
        scores, n_patterns=2, n_components=1, random_state=0
    )
    np.testing.assert_allclose(mean, [2, 8 / 3])
    np.testing.assert_allclose(np.abs(components), [[0.6, 0.8]])
    np.testing.assert_allclose(explained, [1])
    np.testing.assert_allclose(centres @ components + mean, [[0, 0], [3, 4]], atol=1e-9)
    assert counts.tolist() == [2, 4]


def test_patterns_of_equal_size_are_ordered_by_their_first_coordinate():
    scores = np.array([[0.0, 1.0], [1.0, 0.0]]).repeat(5, axis=0)
    *_, centres, counts = clustering.cluster_scores(scores, 2, 1, random_state=0)
    assert counts.tolist() == [5, 5]
    assert centres[0, 0] < centres[1, 0]


def test_more_patterns_than_distinct_descriptors():
    scores = np.array([[0.0, 1.0], [1.0, 0.0]]).repeat(5, axis=0)
    with pytest.raises(ValueError, match="^n_patterns=3: .* 2 in this frame"):
        clustering.cluster_scores(scores, 3, 1, random_state=0)
