# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import RotationSymmetry
from hyperspy_symseg.frames import Grid

PIXEL = Grid((30, 30), (1, 1), (1, 1))


def frame_with_fold(n, radius=12):
    """A polar pattern that has an n-fold centre at pixel (30, 30), and no other."""
    y, x = np.mgrid[-30:31, -30:31]
    r, angle = np.hypot(y, x), np.arctan2(y, x)
    return np.cos(n * angle) * np.sin(r / radius * np.pi)


@pytest.mark.parametrize("fold", [2, 3, 4, 6])
def test_pattern_has_its_fold(fold):
    descriptor = RotationSymmetry(radius=12, pooling=1)
    scores = descriptor.compute(frame_with_fold(fold), PIXEL)[0, 0]
    expected = {
        # cos(n 2 pi k / m), averaged over k = 1 to m - 1, for m = 2, 3, 4, 6.
        2: [1, -0.5, -1 / 3, -1 / 5],
        3: [-1, 1, -1 / 3, -1 / 5],
        4: [1, -0.5, 1, -1 / 5],
        6: [1, 1, -1 / 3, 1],
    }
    np.testing.assert_allclose(scores, expected[fold], atol=0.01)


def test_single_rotations():
    descriptor = RotationSymmetry(radius=12, angles=(60, 90, 120, 180), pooling=1)
    scores = descriptor.compute(frame_with_fold(3), PIXEL)[0, 0]
    np.testing.assert_allclose(scores, [-1, 0, 1, -1], atol=0.01)


def test_rotation_by_more_than_180_degrees_is_that_the_other_way():
    frame = np.random.default_rng(0).normal(size=(61, 61))
    one, other = (
        RotationSymmetry(radius=9, angles=(angle,), pooling=1).compute(frame, PIXEL)
        for angle in (90, 270)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("radius", "n_angles"), [(1, 12), (2, 24), (20, 132)])
def test_samples_are_a_pixel_apart(radius, n_angles):
    assert RotationSymmetry(radius=radius).n_angles == n_angles


def test_angles_ask_for_samples_that_they_map_onto_each_other():
    # 72 degrees are a fifth of a turn; 60 is the smallest multiple of 12 and 5.
    assert RotationSymmetry(radius=2, angles=(72,)).n_angles == 60


def test_angles_take_the_place_of_folds():
    descriptor = RotationSymmetry(angles=(60, 180))
    assert descriptor.folds is None
    assert descriptor.point_operations.tolist() == [60, 180]


def test_operations_are_the_folds():
    assert RotationSymmetry(folds=(6, 2)).point_operations.tolist() == [6, 2]


@pytest.mark.parametrize(
    "options", [{"folds": (2, 3, 4, 6)}, {"angles": (60, 90, 120, 72)}]
)
def test_subset_has_the_same_scores(options):
    frame = np.random.default_rng(0).normal(size=(61, 61))
    descriptor = RotationSymmetry(radius=6, **options)
    subset = descriptor.subset([1, 3])
    np.testing.assert_array_equal(
        subset.compute(frame, PIXEL), descriptor.compute(frame, PIXEL)[..., [1, 3]]
    )


@pytest.mark.parametrize(
    ("folds", "error"),
    [
        ((5,), ValueError),
        ((1, 2), ValueError),
        ((2, 2), ValueError),
        ((), ValueError),
        ((2.5,), ValueError),
        (("2",), ValueError),
        (2, TypeError),
    ],
)
def test_folds_that_are_not_allowed(folds, error):
    with pytest.raises(error, match="^folds must be "):
        RotationSymmetry(folds=folds)


def test_rotation_by_nothing():
    with pytest.raises(ValueError, match=r"^angles must not be 0, got \(0, 90\)"):
        RotationSymmetry(angles=(0, 90))


def test_operations_are_the_folds_and_their_maxima():
    descriptor = RotationSymmetry(folds=(2, 6), n_maxima=2)
    assert descriptor.operations.tolist() == [[2, 1], [2, 2], [6, 1], [6, 2]]
    names = [axis.name for axis in descriptor.operation_axes]
    assert names == ["Fold", "Maximum"]


def test_operations_of_a_subset():
    descriptor = RotationSymmetry(folds=(2, 6), n_maxima=2).subset([1, 3]).subset([1])
    assert descriptor.operations.tolist() == [[6, 2]]


def test_maxima_are_descending():
    frame = np.random.default_rng(0).normal(size=(61, 61))
    scores = RotationSymmetry(radius=5).compute(frame, Grid.over(frame.shape, 7))
    scores = scores.reshape(*scores.shape[:2], 4, 10)
    assert (np.diff(scores) <= 0).all()
    assert (scores[..., 0] > scores[..., 1]).any()


@pytest.mark.parametrize(
    ("only", "error"),
    [((), ValueError), ((40,), ValueError), ((1, 1), ValueError), ((0.5,), TypeError)],
)
def test_places_that_are_not_allowed(only, error):
    with pytest.raises(
        error, match="^only(: each place must be an int| must be a sequence)"
    ):
        RotationSymmetry(only=only)


def test_folds_with_angles():
    with pytest.raises(
        ValueError, match=r"^folds must not be given with angles, got \(4,\)"
    ):
        RotationSymmetry(folds=(4,), angles=(60,))


def test_angle_that_rounds_to_nothing():
    with pytest.raises(ValueError, match="^angles must not be 0"):
        RotationSymmetry(angles=(1e-13,))


def test_angle_of_numpy():
    assert RotationSymmetry(angles=(np.float32(36),)).angles == (36.0,)
