# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import special

from hyperspy_symseg.networks.column_peaks import columns_of


def cells_of(*rows, shape=(8, 9)):
    """Cells, of which some have (row, column, probability, y, x, errors)."""
    found = np.zeros((5, *shape), np.float32)
    found[0] = -20
    for i, j, probability, y, x, error in rows:
        logs = np.log([error, error])
        found[:, i, j] = special.logit(probability), y, x, *logs
    return found


def test_a_cell_alone():
    # The middle of its pixels 6 and 7, 4 and 5, is (6.5, 4.5).
    [found] = columns_of(cells_of((3, 2, 0.7, 0.2, -0.3, 0.1)))
    np.testing.assert_allclose(found, [6.7, 4.2, 0.1, 0.1, 0.7], rtol=1e-6)


def test_two_halves_at_an_edge_are_one_column():
    # Between the columns of cells 2 and 3: x of 5.5.
    cells = cells_of((3, 2, 0.6, 0, 0.9, 0.2), (3, 3, 0.3, 0, -0.9, 0.2))
    [found] = columns_of(cells)
    # Weighted by the probabilities, but for how far the two agree.
    assert found[1] == pytest.approx(5.4 + 0.2 / 3, abs=0.01)
    assert found[0] == 6.5
    assert found[4] == pytest.approx(0.9, abs=0.01)
    # They disagree along x alone.
    assert found[2] == pytest.approx(0.2)
    assert found[3] == pytest.approx(np.hypot(0.2, 0.2 * np.sqrt(2) / 3), abs=0.01)


def test_neighbours_that_are_apart_are_two_columns():
    cells = cells_of((3, 2, 0.9, 0, -0.8, 0.1), (3, 3, 0.8, 0, 0.8, 0.1))
    found = columns_of(cells)
    np.testing.assert_allclose(found[:, 1], [3.7, 7.3], atol=0.01)
    np.testing.assert_allclose(found[:, 4], [0.9, 0.8], atol=0.01)


def test_of_two_alike_there_is_one():
    cells = cells_of((3, 2, 0.5, 0, 1, 0.3), (3, 3, 0.5, 0, -1, 0.3))
    assert len(columns_of(cells)) == 1


def test_no_cell_is_used_twice():
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(5, 20, 30)).astype(np.float32)
    total = special.expit(cells[0]).sum()
    assert columns_of(cells)[:, 4].sum() <= total


def test_no_column():
    assert columns_of(cells_of()).shape == (0, 5)
