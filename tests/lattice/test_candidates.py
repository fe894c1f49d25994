# SPDX-License-Identifier: GPL-3.0-or-later
import itertools

import numpy as np
import pytest

from hyperspy_symseg.lattice.candidates import (
    fitted_cells,
    nearest_nodes,
    spanned,
    sums_and_differences,
)

CELL = np.array([[0.02, 0.1], [0.09, -0.01]])
INDICES = np.array([(0, 1), (1, 0), (1, 1), (-1, 2), (3, 1)])


def test_all_pairs_are_added_and_subtracted():
    found = sums_and_differences(INDICES.astype(float))
    expected = [
        one + sign * other
        for sign in (1, -1)
        for one, other in itertools.combinations(INDICES, 2)
    ]
    np.testing.assert_array_equal(found, expected)


def test_cells_of_all_pairs_by_hand():
    cells, areas = spanned(np.array([[0, 2.0], [3, 0], [1, 1]]))
    assert cells.tolist() == [[[0, 2], [3, 0]], [[0, 2], [1, 1]], [[3, 0], [1, 1]]]
    np.testing.assert_allclose(areas, [6, 2, 3])


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_vectors_span_nothing(n):
    cells, areas = spanned(np.ones((n, 2)))
    assert cells.shape == (0, 2, 2)
    assert areas.shape == (0,)


def test_the_nearest_node_is_that_of_rounded_indices():
    frequencies = INDICES @ CELL + [0.003, -0.004]
    indices, off = nearest_nodes(frequencies, CELL)
    np.testing.assert_array_equal(indices, INDICES)
    np.testing.assert_allclose(off, np.tile([0.003, -0.004], (5, 1)), atol=1e-12)


def test_fit_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    frequencies = INDICES @ CELL + rng.normal(0, 1e-3, (5, 2))
    weights = rng.uniform(0.2, 1, 5)
    root = np.sqrt(weights)[:, np.newaxis]
    expected = np.linalg.lstsq(root * INDICES, root * frequencies, rcond=None)[0]
    [found] = fitted_cells(INDICES[np.newaxis] * 1.0, frequencies, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-12, 1, 1e12])
def test_reflections_on_a_line_fit_no_cell(unit):
    on_a_line = np.array([(1, 1), (2, 2), (3, 3), (-1, -1), (4, 4)])
    both = np.stack([on_a_line, INDICES]).astype(float)
    [found] = fitted_cells(both, INDICES @ CELL, np.full(5, unit))
    np.testing.assert_allclose(found, CELL, atol=1e-12)
