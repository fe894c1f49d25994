# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from hyperspy_symseg.simulate import Lattice


def test_vectors_are_y_x_and_turn_from_x_towards_y():
    # 3-4-5 triangle: cos is 0.8, sin is 0.6.
    lattice = Lattice.rectangular(5, 10, math.degrees(math.atan2(3, 4)))
    np.testing.assert_allclose(lattice.vectors, [(3, 4), (8, -6)])


def test_hexagonal_vectors():
    vectors = Lattice.hexagonal(10).vectors
    np.testing.assert_allclose(vectors, [(0, 10), (75**0.5, -5)])


def test_oblique_vectors():
    vectors = Lattice.oblique(10, 20, 30).vectors
    np.testing.assert_allclose(vectors, [(0, 10), (10, 300**0.5)])


def test_centred_has_second_column_at_cell_centre():
    assert Lattice.centred(10, 15).motif == ((0, 0, 1), (0.5, 0.5, 1))


def test_rotated():
    vectors = Lattice.rectangular(10, 15).rotated(90).vectors
    np.testing.assert_allclose(vectors, [(10, 0), (0, -15)], atol=1e-9)


def test_rotated_is_the_orientation():
    turned = Lattice.oblique(10, 15, 70).rotated(25)
    np.testing.assert_allclose(turned.vectors, Lattice.oblique(10, 15, 70, 25).vectors)


def test_mirrored_about_x_turns_y_over():
    lattice = Lattice(((1, 10), (12, 3)))
    assert lattice.mirrored(0).vectors == ((-1, 10), (-12, 3))


def test_mirrored_about_the_diagonal_swaps_y_and_x():
    lattice = Lattice(((1, 10), (12, 3)))
    np.testing.assert_allclose(lattice.mirrored(45).vectors, [(10, 1), (3, 12)])


def test_lattice_is_hashable():
    assert len({Lattice.square(13), Lattice.square(13), Lattice.square(14)}) == 2


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Lattice.square(0), "^spacing must be .* got 0"),
        (lambda: Lattice.square(-3), "^spacing must be .* got -3"),
        (lambda: Lattice.hexagonal(math.inf), "^spacing must be .* got inf"),
        (lambda: Lattice.hexagonal(-2), "^spacing must be .* got -2"),
        (lambda: Lattice.rectangular(0, 5), "^a must be .* got 0"),
        (lambda: Lattice.centred(5, math.nan), "^b must be .* got nan"),
        (lambda: Lattice.oblique(5, 6, 180), "^angle must be .* got 180"),
        (lambda: Lattice.square(13, math.nan), "^orientation must be .* got nan"),
        (lambda: Lattice.square(0.13), "^vectors must be two finite"),
        (lambda: Lattice(((0, 5), (0, 6))), "^vectors must be two finite"),
        (lambda: Lattice(((0, 5), (math.inf, 6))), "^vectors must be two finite"),
        (lambda: Lattice((0, 5)), "^vectors must be two finite"),
        (lambda: Lattice.square(13, motif=[(0, 0, -1)]), "^motif must be one or more"),
        (
            lambda: Lattice.square(13, motif=[(0, math.nan, 1)]),
            "^motif must be one or more",
        ),
        (lambda: Lattice.square(13, motif=[(0, 0)]), "^motif must be one or more"),
        (lambda: Lattice.square(13, motif=[]), "^motif must be one or more"),
        (
            lambda: Lattice.square(13, motif=np.empty((0, 3))),
            "^motif must be one or more",
        ),
    ],
)
def test_lattice_rejects(make, argument):
    with pytest.raises(ValueError, match=argument):
        make()
