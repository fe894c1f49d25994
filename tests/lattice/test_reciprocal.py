# SPDX-License-Identifier: GPL-3.0-or-later
import itertools

import numpy as np
import pytest

from hyperspy_symseg.lattice.reciprocal import (
    coarser_cells,
    finer_cells,
    nodes_within,
    reduced,
)

SQUARE = np.array([[0, 0.1], [0.1, 0]])
HEXAGONAL = np.array([[0, 0.1], [0.1 * np.sqrt(0.75), 0.05]])
OBLIQUE = np.array([[0.02, 0.1], [0.09, -0.01]])


@pytest.mark.parametrize("cell", [SQUARE, HEXAGONAL, OBLIQUE])
@pytest.mark.parametrize("highest", [0.05, 0.1001, 0.25, 0.47, 0.69])
def test_indices_are_those_of_a_loop_over_all(cell, highest):
    expected = set()
    for h, k in itertools.product(range(-12, 13), repeat=2):
        y, x = h * cell[0] + k * cell[1]
        opposite = (-h, -k) in expected or (h, k) == (0, 0)
        if np.hypot(y, x) <= highest and max(abs(y), abs(x)) <= 0.5 and not opposite:
            expected.add((h, k))
    found = nodes_within(cell, highest).tolist()
    assert len(found) == len(expected)
    for h, k in found:
        assert ((h, k) in expected) != ((-h, -k) in expected)


def test_one_of_each_pair_of_indices():
    found = set(map(tuple, nodes_within(OBLIQUE, 0.4).tolist()))
    assert len(found) > 20
    assert not found & {(-h, -k) for h, k in found}


def test_nearest_indices_come_first():
    distances = np.hypot(*(nodes_within(OBLIQUE, 0.4) @ OBLIQUE).T)
    assert (np.diff(distances) >= -1e-9).all()


def test_indices_at_one_distance_are_in_one_order_in_spite_of_rounding():
    expected = nodes_within(HEXAGONAL, 0.29)
    for turn in np.deg2rad([1, 17, 42]):
        cos, sin = np.cos(turn), np.sin(turn)
        turned = HEXAGONAL @ [[cos, -sin], [sin, cos]]
        np.testing.assert_array_equal(nodes_within(turned, 0.29), expected)


def test_no_index_is_beyond_half_a_cycle_a_pixel():
    found = nodes_within(np.array([[0.2, 0], [0, 0.3]]), 1.0)
    np.testing.assert_array_equal(np.abs(found).max(axis=0), [2, 1])


def test_no_indices_within_less_than_a_vector():
    found = nodes_within(SQUARE, 0.05)
    assert found.shape == (0, 2)
    assert found.dtype == np.int32


@pytest.mark.parametrize("cell", [SQUARE, HEXAGONAL, OBLIQUE])
def test_supercells_have_half_the_reciprocal_area(cell):
    areas = np.abs(np.linalg.det(finer_cells(cell, [2])))
    np.testing.assert_allclose(areas, abs(np.linalg.det(cell)) / 2)


@pytest.mark.parametrize("cell", [SQUARE, HEXAGONAL, OBLIQUE])
def test_reflections_of_a_cell_are_those_of_its_superlattices(cell):
    for other in finer_cells(cell, [2]):
        indices = cell @ np.linalg.inv(other)
        np.testing.assert_allclose(indices, np.rint(indices), atol=1e-9)


def test_supercells_are_three_lattices():
    found = finer_cells(OBLIQUE, [2])
    assert len(found) == 3
    for one, other in itertools.combinations(found, 2):
        indices = one @ np.linalg.inv(other)
        assert np.abs(indices - np.rint(indices)).max() > 0.4


def test_each_half_vector_is_in_one_supercell():
    for half in (OBLIQUE[0] / 2, OBLIQUE[1] / 2, OBLIQUE.sum(axis=0) / 2):
        off = [half @ np.linalg.inv(cell) for cell in finer_cells(OBLIQUE, [2])]
        has = [np.allclose(index, np.rint(index), atol=1e-9) for index in off]
        assert has.count(True) == 1


def test_all_lattices_of_an_index():
    cell = np.array([[0.1, 0.02], [-0.01, 0.13]])
    coarser = coarser_cells(cell, (2, 3, 4))
    finer = finer_cells(cell, (2, 3, 4, 5, 7))
    area = np.linalg.det(cell)
    for cells, power, more in ((coarser, 1, []), (finer, -1, [6, 0, 8])):
        ratios = np.array([abs(np.linalg.det(each) / area) for each in cells])
        index = np.rint(ratios**power).astype(int)
        # As many as divisors add up to: 3, 4, 7, 6 and 8.
        assert np.bincount(index).tolist() == [0, 0, 3, 4, 7, *more]
        # No two are the same.
        for i, one in enumerate(cells):
            for other in (cells[k] for k in range(i) if index[k] == index[i]):
                rows = one @ np.linalg.inv(other)
                # Fractions of the index.
                assert np.abs(rows - np.rint(rows)).max() > 0.99 / index[i]


def test_nodes_are_one_of_each_pair():
    cell = reduced(np.array([[0.1, 0.02], [0.11, 0.15]]))
    found = nodes_within(cell, 0.3)
    n = np.arange(-9, 10)
    h, k = np.meshgrid(n, n)
    inside = np.hypot(*np.moveaxis(np.stack([h, k], -1) @ cell, -1, 0)) <= 0.3
    assert 2 * len(found) == inside.sum() - 1
    both = {tuple(each) for each in (*found, *-found)}
    assert len(both) == 2 * len(found)


@pytest.mark.parametrize(("angle", "length"), [(14, 13.5), (45, 12), (26, 10)])
def test_vectors_that_are_equally_short_come_to_an_end(angle, length):
    # Of a hexagonal lattice, a.b / a.a is 1/2 but for rounding, of either sign.
    turns = np.radians([angle, angle + 60])
    cell = length * np.column_stack([np.sin(turns), np.cos(turns)])
    for each in (cell, np.linalg.inv(cell).T):
        lengths = np.linalg.norm(reduced(each), axis=1)
        assert lengths == pytest.approx(np.linalg.norm(each, axis=1))
