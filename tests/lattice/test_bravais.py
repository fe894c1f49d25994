# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.lattice.bravais import (
    distance,
    metric_weights,
    reduced_cell,
    strains,
)
from hyperspy_symseg.lattice.plane_groups import BRAVAIS_TYPES, CELLS

LATTICES = {
    "oblique": [[0, 10], [13, 3]],
    "rectangular": [[0, 10], [13, 0]],
    "centred rectangular": [[0, 10], [8, 6]],
    "square": [[0, 10], [10, 0]],
    "hexagonal": [[0, 10], [5 * math.sqrt(3), 5]],
}

BASES = [((1, 0), (0, 1)), ((2, 1), (3, 2)), ((1, -3), (0, 1))]


def turned(vectors, angle):
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array(vectors, float) @ [[cosine, sine], [-sine, cosine]]


@pytest.mark.parametrize("kind", BRAVAIS_TYPES)
@pytest.mark.parametrize("angle", [0, 0.7, 2, 5.1])
@pytest.mark.parametrize("hand", [1, -1])
@pytest.mark.parametrize("rows", BASES)
def test_the_type_depends_on_the_lattice_only(kind, angle, hand, rows):
    vectors = np.array(rows) @ turned(LATTICES[kind], angle) * (1, hand)
    weights = metric_weights(reduced_cell(vectors).shape, 0.02)
    assert max(weights, key=weights.get) == kind
    assert sum(weights.values()) == pytest.approx(1)


@given(st.lists(st.floats(-20, 20), min_size=4, max_size=4))
@settings(deadline=None)
def test_cells_are_reduced(values):
    vectors = np.array(values).reshape(2, 2)
    area = abs(np.linalg.det(vectors))
    if area < 1e-2 * max(1, np.abs(vectors).max() ** 2):
        return
    cell = reduced_cell(vectors)
    assert -1e-9 <= cell.shape.u <= 0.5 + 1e-6
    assert cell.shape.u**2 + cell.shape.v**2 >= 1 - 1e-6
    assert abs(np.linalg.det(cell.vectors)) == pytest.approx(area)
    numbers = cell.vectors @ np.linalg.inv(vectors)
    np.testing.assert_allclose(numbers, np.rint(numbers), atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.3])
def test_distance_is_the_stretch(angle):
    direction = np.array([math.sin(angle), math.cos(angle)])
    stretch = np.eye(2) + 0.01 * np.outer(direction, direction)
    for kind in ("square", "hexagonal"):
        vectors = np.array(LATTICES[kind]) @ stretch
        found = strains(reduced_cell(vectors).shape)[kind]
        assert found == pytest.approx(math.log(1.01), rel=1e-3)


def test_strains_by_hand():
    found = strains(reduced_cell(np.array([[0, 10.0], [12, 0]])).shape)
    assert found["oblique"] == found["rectangular"] == 0
    # a and b of one length by a stretch of 1.2.
    assert found["square"] == pytest.approx(math.log(1.2))
    assert found["centred rectangular"] == pytest.approx(math.log(1.2))


def test_the_covariance_is_carried_along():
    rng = np.random.default_rng(0)
    vectors, errors = np.array([[2.0, 9], [13, 1]]), np.diag([1e-3, 2e-3, 3e-3, 1e-3])
    covariance = errors @ (np.eye(4) + 0.5) @ errors
    draws = rng.multivariate_normal(vectors.ravel(), covariance, 4000)
    shapes = [reduced_cell(draw.reshape(2, 2)).shape for draw in draws]
    expected = np.cov([(shape.u, shape.v) for shape in shapes], rowvar=False)
    found = reduced_cell(vectors, covariance).shape.covariance
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.05 * expected.max())


def test_a_lattice_known_exactly_is_strained_nevertheless():
    shape = reduced_cell(np.array([[0, 10.0], [10.2, 0]])).shape
    assert metric_weights(shape, 0.02)["square"] > 0.8
    assert metric_weights(shape, 0.002)["rectangular"] > 0.9


def test_distances_are_along_geodesics_only_for_lines():
    shape = reduced_cell(np.array([[0, 10.0], [13, 3]])).shape
    for cell, (kind, _) in CELLS.items():
        if kind in ("square", "hexagonal"):
            assert distance(shape, cell) > 0
