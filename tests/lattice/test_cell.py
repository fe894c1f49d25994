# SPDX-License-Identifier: GPL-3.0-or-later

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from hyperspy_symseg.lattice.cell import reciprocal_cell

PERIOD = 10.0
# Rows are reciprocal vectors (y, x), in cycles a pixel.
SQUARE = np.array([[0, 0.1], [0.1, 0]])
HEXAGONAL = np.array([[0, 0.1], [0.1 * np.sqrt(0.75), 0.05]])
OBLIQUE = np.array([[0.02, 0.1], [0.09, -0.01]])
ONE_OF_EACH = [(0, 1), (1, 0), (1, 1), (-1, 1), (0, 2), (2, 0), (1, 2), (2, 1)]


def found_from(indices, cell, powers=None, error=0.0, period=PERIOD):
    """Reciprocal cell of some reflections of a cell, the first one the strongest."""
    reflections = np.array(indices) @ cell
    reflections += error * np.random.default_rng(0).normal(size=reflections.shape)
    if powers is None:
        powers = 1 / np.arange(1.0, len(indices) + 1)
    return reciprocal_cell(reflections, np.array(powers, float), period)


def assert_same_lattice(found, expected, atol=1e-6):
    """Each is made of whole numbers of the vectors of the other."""
    times = found @ np.linalg.inv(expected)
    np.testing.assert_allclose(times, np.rint(times), atol=atol)
    assert abs(np.linalg.det(np.rint(times))) == pytest.approx(1)


@pytest.mark.parametrize("cell", [SQUARE, HEXAGONAL, OBLIQUE])
def test_cell_of_many_reflections(cell):
    assert_same_lattice(found_from(ONE_OF_EACH, cell), cell)


@pytest.mark.parametrize("cell", [SQUARE, HEXAGONAL, OBLIQUE])
def test_two_reflections_are_enough(cell):
    assert_same_lattice(found_from([(0, 1), (1, 0)], cell), cell)


def test_a_rectangle_is_not_a_square():
    cell = np.array([[0, 0.1], [0.103, 0]])
    found = found_from(ONE_OF_EACH, cell)
    np.testing.assert_allclose(found, cell, atol=1e-12)


def test_cell_of_a_centred_lattice_is_primitive():
    # Those with an odd sum of indices are missing: the reflections of a diamond.
    found = found_from([(1, 1), (-1, 1), (0, 2), (2, 0), (1, 3)], SQUARE)
    assert_same_lattice(found, np.array([[0.1, 0.1], [-0.1, 0.1]]))


def test_a_glide_line_leaves_out_every_second_reflection_of_an_axis():
    # (h, 0) is missing where h is odd: half of (2, 0) is a node all the same.
    found = found_from([(2, 0), (0, 1), (1, 1), (-1, 1), (0, 2)], OBLIQUE)
    assert_same_lattice(found, OBLIQUE)


def test_glide_lines_along_both_axes():
    found = found_from([(1, 1), (-1, 1), (2, 0), (0, 2), (2, 1), (1, 2)], SQUARE)
    assert_same_lattice(found, SQUARE)


def test_a_vector_may_be_half_the_sum_of_two_reflections():
    # (1, 1) is, and (5, 5) five times as much.
    found = found_from([(2, 0), (0, 2), (5, 5)], SQUARE / 2)
    assert_same_lattice(found, np.array([[0.05, 0.05], [-0.05, 0.05]]))


def test_cell_without_the_shortest_two_reflections():
    # (2, 1) - (1, 1) is (1, 0), and (1, 1) less that is (0, 1).
    assert_same_lattice(found_from([(1, 1), (2, 1)], OBLIQUE), OBLIQUE)


def test_a_weak_superlattice_counts_from_three_percent_on():
    strong = [(0, 2), (2, 0), (2, 2), (-2, 2)]
    half = SQUARE / 2
    found = found_from([*strong, (1, 1)], half, [1, 1, 1, 1, 0.15])
    assert_same_lattice(found, np.array([[0.05, 0.05], [-0.05, 0.05]]))
    found = found_from([*strong, (1, 1)], half, [1, 1, 1, 1, 0.02])
    assert_same_lattice(found, SQUARE)


def test_three_percent_of_the_power_may_be_off_the_nodes():
    indices, off = [(0, 1), (1, 0), (1, 1), (-1, 1)], [(0.5, 0.3)]
    powers = [1, 1, 1, 1, 0.11]
    assert_same_lattice(found_from(indices + off, SQUARE, powers), SQUARE, 0.01)
    powers = [1, 1, 1, 1, 0.2]
    found = found_from(indices + off, SQUARE, powers)
    assert found is None or abs(np.linalg.det(found)) < 0.006


def test_the_first_two_of_many_equal_cells_have_no_say_when_reflections_are_off():
    # Pairs that span one area, but for the errors.
    found = found_from(ONE_OF_EACH, SQUARE, error=2e-4)
    assert_same_lattice(found, SQUARE, atol=0.01)


def test_cell_is_fitted_to_all_reflections():
    # 30 reflections of one power, each 4e-4 off: two alone would be 4e-4 off, too.
    indices = [index for index in np.ndindex(5, 7) if any(index)]
    found = found_from(indices, OBLIQUE, np.ones(len(indices)), error=4e-4)
    assert_same_lattice(found, OBLIQUE, atol=0.002)


def test_fit_is_weighted_by_the_powers():
    # By hand: (1 x 0.1 + 0.25 x 2 x 0.204) / (1 + 0.25 x 4) is 0.101.
    reflections = np.array([[0, 0.1], [0, 0.204], [0.1, 0]])
    found = reciprocal_cell(reflections, np.array([1, 0.25, 1]), PERIOD)
    np.testing.assert_allclose(found, [[0.1, 0], [0, 0.101]], atol=1e-9)


def test_vectors_are_the_shortest_two():
    found = found_from(ONE_OF_EACH, np.array([[1, 1], [2, 3]]) @ OBLIQUE)
    lengths = sorted(np.hypot(*found.T))
    np.testing.assert_allclose(lengths, sorted(np.hypot(*OBLIQUE.T)))


def test_vectors_point_to_positive_x():
    for turn in np.deg2rad(range(0, 360, 20)):
        cos, sin = np.cos(turn), np.sin(turn)
        found = found_from(ONE_OF_EACH, OBLIQUE @ [[cos, -sin], [sin, cos]])
        assert (found[:, 1] > 0).all()


def test_opposite_reflections_are_the_same():
    signs = np.array([1, -1, 1, -1, -1, 1, 1, -1])[:, np.newaxis]
    found = found_from(signs * ONE_OF_EACH, OBLIQUE)
    np.testing.assert_allclose(found, found_from(ONE_OF_EACH, OBLIQUE))


def test_unit_of_the_powers_is_of_no_effect():
    powers = np.array([1, 0.3, 0.2, 0.9, 0.04, 0.05, 0.1, 0.5])
    np.testing.assert_allclose(
        found_from(ONE_OF_EACH, OBLIQUE, powers),
        found_from(ONE_OF_EACH, OBLIQUE, 1e6 * powers),
    )


@given(st.permutations(range(len(ONE_OF_EACH))))
@settings(deadline=None)
def test_order_of_the_reflections_is_of_no_effect(order):
    powers = 1 / np.arange(1.0, len(ONE_OF_EACH) + 1)
    found = found_from(np.array(ONE_OF_EACH)[order], OBLIQUE, powers[order])
    np.testing.assert_allclose(found, found_from(ONE_OF_EACH, OBLIQUE), atol=1e-12)


@given(
    st.floats(0, 180),
    st.floats(60, 120),
    st.floats(0.7, 1.4),
    st.sets(st.sampled_from([(1, 1), (-1, 1), (0, 2), (2, 0), (1, 2)])),
)
@settings(deadline=None)
def test_cell_of_any_lattice(orientation, angle, ratio, others):
    one, other = np.deg2rad([orientation, orientation + angle])
    cell = np.array(
        [[np.sin(one), np.cos(one)], [ratio * np.sin(other), ratio * np.cos(other)]]
    )
    indices = [(0, 1), (1, 0), *sorted(others)]
    assert_same_lattice(found_from(indices, cell / PERIOD), cell / PERIOD)


def test_no_reflections_have_no_cell():
    assert reciprocal_cell(np.empty((0, 2)), np.empty(0), PERIOD) is None


def test_one_reflection_has_no_cell():
    assert found_from([(0, 1)], SQUARE) is None


def test_reflections_along_one_axis_have_no_cell():
    assert found_from([(1, 1), (2, 2), (3, 3)], OBLIQUE) is None


def test_a_strong_axis_and_one_that_hardly_shows_have_no_cell():
    assert found_from([(0, 1), (0, 2), (1, 0)], SQUARE, [1, 1, 0.01]) is None


def test_what_is_much_finer_than_a_period_is_no_cell():
    # The lattice is that of SQUARE, and a period a fifth of its own.
    assert found_from(ONE_OF_EACH, SQUARE, period=2.0) is None


def test_rings_of_noise_have_no_cell():
    rng = np.random.default_rng(1)
    for _ in range(20):
        turns = rng.uniform(0, np.pi, 30)
        radius = rng.uniform(0.08, 0.16, (30, 1))
        reflections = radius * np.stack([np.sin(turns), np.cos(turns)], axis=1)
        assert reciprocal_cell(reflections, rng.exponential(size=30), PERIOD) is None
