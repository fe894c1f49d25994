# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import (
    JoinedDescriptors,
    PowerSpectrum,
    ReflectionSymmetry,
    RotationSymmetry,
    TranslationSymmetry,
)
from hyperspy_symseg.frames import Grid

FRAME = np.random.default_rng(0).normal(size=(41, 53))
GRID = Grid.over(FRAME.shape, 6)
SHIFTS = TranslationSymmetry(patch=4, window=3, max_operations=9)
TURNS = RotationSymmetry(radius=5, pooling=5, n_maxima=1)


def test_scores_stand_side_by_side():
    scores = JoinedDescriptors([SHIFTS, TURNS]).compute(FRAME, GRID)
    np.testing.assert_array_equal(scores[..., :9], SHIFTS.compute(FRAME, GRID))
    np.testing.assert_array_equal(scores[..., 9:], TURNS.compute(FRAME, GRID))


def test_operations_tell_the_part_and_the_place_in_it():
    operations = JoinedDescriptors([SHIFTS, TURNS]).operations
    assert operations[7:11].tolist() == [[0, 7], [0, 8], [1, 0], [1, 1]]


def test_opposites_are_within_a_part():
    opposites = JoinedDescriptors([TURNS, SHIFTS]).opposites
    assert opposites.tolist() == [0, 1, 2, 3, 12, 11, 10, 9, 8, 7, 6, 5, 4]


def test_subset_of_both_parts():
    descriptor = JoinedDescriptors([SHIFTS, TURNS])
    subset = descriptor.subset([2, 10, 12])
    assert subset.members == (1, 2)
    np.testing.assert_array_equal(
        subset.compute(FRAME, GRID), descriptor.compute(FRAME, GRID)[..., [2, 10, 12]]
    )


def test_subset_of_one_part_is_this_part():
    assert JoinedDescriptors([SHIFTS, TURNS]).subset([9, 11]) == TURNS.subset([0, 2])


def test_isotropic_if_one_part_is():
    assert JoinedDescriptors([SHIFTS, TURNS]).isotropic
    assert not JoinedDescriptors([SHIFTS, PowerSpectrum()]).isotropic


def test_all_parts_have_to_fit_into_the_frame():
    descriptor = JoinedDescriptors([SHIFTS, ReflectionSymmetry(radius=20)])
    with pytest.raises(ValueError, match="^radius must be at most 14 .* got 20"):
        descriptor.check_frame((30, 50))


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([], ValueError),
        ([SHIFTS], ValueError),
        ([SHIFTS, TranslationSymmetry(patch=9)], ValueError),
        ([SHIFTS, "rotation"], TypeError),
        ([JoinedDescriptors([SHIFTS, TURNS]), PowerSpectrum()], TypeError),
    ],
)
def test_parts_that_are_not_allowed(parts, error):
    with pytest.raises(error, match="^descriptors must be (two or more|single)"):
        JoinedDescriptors(parts)
