# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import math

import numpy as np
import pytest

from hyperspy_symseg.lattice.matching import Deformation, nearest_basis
from hyperspy_symseg.lattice.misorientation import misorientation


def turned(vectors, degrees):
    """Vectors (y, x), turned from x towards y by hand."""
    angle = math.radians(degrees)
    y, x = np.transpose(vectors)
    return np.column_stack(
        [
            y * math.cos(angle) + x * math.sin(angle),
            x * math.cos(angle) - y * math.sin(angle),
        ]
    )


def mirrored(vectors, degrees):
    """Vectors mirrored in a line at an angle from x: each component along it stays."""
    along = np.array([math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])
    return 2 * np.outer(vectors @ along, along) - vectors


SQUARE = turned([[0, 12.0], [12, 0]], 7)
HEXAGONAL = turned([[0, 12.0], [12 * math.sqrt(3) / 2, -6]], 7)
OBLIQUE = np.array([[0, 10.0], [12, 3]])


def coincident(first, second, reach=40):
    """One of how many sites of a lattice is one of another: by counting them."""
    numbers = np.array(list(itertools.product(range(-reach, reach), repeat=2)))
    numbers = numbers @ np.linalg.inv(second @ np.linalg.inv(first))
    numbers = numbers[(np.abs(numbers) < reach / 2).all(axis=1)]
    whole = np.abs(numbers - np.rint(numbers)).max(axis=1) < 1e-6
    return len(numbers) / np.count_nonzero(whole)


@pytest.mark.parametrize(
    ("vectors", "bravais", "tangent", "sigma"),
    [
        (SQUARE, "square", 1 / 2, 5),
        (SQUARE, "square", 1 / 3, 5),
        (SQUARE, "square", 1 / 5, 13),
        (SQUARE, "square", 1 / 4, 17),
        (HEXAGONAL, "hexagonal", math.sqrt(3) / 9, 7),
        (HEXAGONAL, "hexagonal", math.sqrt(3) / 5, 7),
        (HEXAGONAL, "hexagonal", math.sqrt(3) / 7, 13),
        (HEXAGONAL, "hexagonal", math.sqrt(3) / 15, 19),
    ],
)
def test_sigma_is_that_of_counted_sites(vectors, bravais, tangent, sigma):
    other = turned(vectors, 2 * math.degrees(math.atan(tangent)))
    assert coincident(vectors, other) == pytest.approx(sigma, rel=0.1)
    found = misorientation(vectors, other, bravais)
    assert found.sigma == sigma
    assert found.deviation == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("angle", [36.8699, 53.1301, 126.8699, -53.1301])
def test_all_rotations_of_a_square_by_sigma_5_are_one(angle):
    found = misorientation(SQUARE, turned(SQUARE, angle), "square")
    assert (found.sigma, found.mirror) == (5, (2, 1))
    assert abs(found.angle) == pytest.approx(36.8699, abs=1e-4)


@pytest.mark.parametrize(("angle", "reduced"), [(21.79, 21.79), (38.21, -21.79)])
def test_a_hexagonal_lattice_is_the_same_after_60_degrees(angle, reduced):
    found = misorientation(HEXAGONAL, turned(HEXAGONAL, angle), "hexagonal")
    assert found.angle == pytest.approx(reduced, abs=1e-6)
    assert (found.sigma, found.mirror) == (7, (2, 1))


def test_rotations_are_from_the_first_to_the_second_and_from_x_to_y():
    assert misorientation(SQUARE, turned(SQUARE, 20), "square").angle > 0
    assert misorientation(turned(SQUARE, 20), SQUARE, "square").angle < 0


def test_a_crystal_is_not_its_own_twin():
    found = misorientation(SQUARE, SQUARE, "square")
    assert (found.sigma, found.mirror) == (1, None)
    assert found.angle == pytest.approx(0, abs=1e-9)


def test_the_deviation_is_from_the_exact_rotation():
    found = misorientation(SQUARE, turned(SQUARE, 38), "square")
    assert found.sigma == 5
    assert found.deviation == pytest.approx(38 - 36.8699, abs=1e-3)


def test_brandons_criterion_grows_with_the_root_of_sigma():
    found = misorientation(SQUARE, turned(SQUARE, 36), "square")
    assert found.limit == pytest.approx(15 / math.sqrt(5))


def test_another_basis_of_the_lattice_is_the_same():
    other = turned(SQUARE, 36.8699)
    other = np.array([other[0] + 2 * other[1], other[1]])
    found = misorientation(SQUARE, other, "square")
    same = misorientation(SQUARE, turned(SQUARE, 36.8699), "square")
    assert repr(found) == repr(same)


def test_a_square_lattice_that_was_measured_has_its_ideal_shape():
    measured = SQUARE * [[1.001], [0.999]]
    found = misorientation(measured, turned(SQUARE, 36.87), "square")
    assert found.sigma == 5


def test_twins_of_gold_along_110_are_sigma_3():
    # The cell is 1 by root 2, and the mirror runs along its diagonal.
    a, b = turned([[0, 14.0], [14 * math.sqrt(2), 0]], 17)
    primitive = np.array([(a + b) / 2, (a - b) / 2])
    other = mirrored(primitive, 17 + math.degrees(math.atan(math.sqrt(2))))
    found = misorientation(primitive, other, "centred rectangular")
    assert (found.sigma, found.mirror) == (3, (1, 1))
    assert abs(found.angle) == pytest.approx(70.5288, abs=1e-3)


def test_of_two_mirrors_that_are_as_near_the_one_with_more_sites_counts():
    # By 0.1 degrees nearer to the mirror that is at right angles to (1 1), or not.
    a, b = turned([[0, 14.0], [14 * math.sqrt(2), 0]], 17)
    primitive = np.array([(a + b) / 2, (a - b) / 2])
    line = 17 + math.degrees(math.atan(math.sqrt(2)))
    for off in (-0.1, 0.1):
        other = turned(mirrored(primitive * [[1.001], [1]], line), off)
        found = misorientation(primitive, other, "centred rectangular")
        assert (found.sigma, found.mirror) == (3, (1, 1))


def test_twins_of_any_centred_lattice_have_a_mirror():
    a, b = turned([[0, 14.0], [20.9, 0]], 17)
    primitive = np.array([(a + b) / 2, (a - b) / 2])
    other = mirrored(primitive, 17 + math.degrees(math.atan2(20.9, 14)))
    found = misorientation(primitive, other, "centred rectangular")
    assert found.mirror == (1, 1)
    assert found.deviation == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("along", "mirror"), [((1, 0), (0, 1)), ((0, 1), (1, 0)), ((1, 1), (1, -1))]
)
def test_twins_of_an_oblique_lattice_are_no_rotation(along, mirror):
    line = np.array(along) @ OBLIQUE
    other = mirrored(OBLIQUE, math.degrees(math.atan2(*line)))
    found = misorientation(OBLIQUE, other, "oblique")
    assert math.isnan(found.angle)
    assert found.mirror == mirror
    assert found.deviation == pytest.approx(0, abs=1e-6)


def test_an_oblique_lattice_that_is_turned_is_no_twin():
    found = misorientation(OBLIQUE, turned(OBLIQUE, 40), "oblique")
    assert found.angle == pytest.approx(40)
    assert (found.sigma, found.mirror) == (None, None)


def test_other_lattices_are_refused():
    with pytest.raises(ValueError, match=r"one lattice, to a strain of 0\.05, got two"):
        misorientation(SQUARE, HEXAGONAL, "oblique")
    with pytest.raises(ValueError, match=r"differ by 0\.1"):
        misorientation(SQUARE, 1.1 * SQUARE, "square")


def test_it_prints_on_a_line():
    found = misorientation(SQUARE, turned(SQUARE, 37), "square", angle_error=0.02)
    assert repr(found) == (
        "<Misorientation: 37.00 +- 0.02 degrees, Sigma 5, mirror (2 1), off by 0.13 "
        "degrees>"
    )


def test_a_deformation_is_a_rotation_and_then_a_stretch():
    rotation = turned(np.eye(2), 30).T
    stretch = np.array([[1.02, 0.005], [0.005, 0.99]])
    found = Deformation.of(stretch @ rotation)
    np.testing.assert_allclose(found.stretch, stretch, atol=1e-12)
    assert float(found.angle) == pytest.approx(30)


def test_no_rotation_has_no_sign():
    turned = np.array([[10, 1e-4], [-1e-4, 10]])
    found = misorientation(10 * np.eye(2), turned, "square")
    assert repr(found).startswith("<Misorientation: 0.00 degrees, Sigma 1")


def test_the_nearest_basis_has_the_least_strain():
    other = np.array([[12.1, 0], [12, 12.1]])
    found, strain, angle = nearest_basis(np.array([[0, 12.0], [12, 0]]), other)
    assert np.abs(found - [[0, 12], [12, 0]]).max() < 0.2
    assert strain < 0.02
    assert abs(angle) < 1


def test_a_superlattice_is_near_its_lattice():
    double = np.array([[0, 24.0], [24, 0]])
    found, strain, _ = nearest_basis(
        np.array([[0, 12.0], [12, 0]]), double, any_index=True
    )
    assert strain == pytest.approx(0, abs=1e-9)
    assert np.abs(found).max() == pytest.approx(12)
