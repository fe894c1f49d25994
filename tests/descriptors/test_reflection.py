# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import ReflectionSymmetry
from hyperspy_symseg.frames import Grid

PIXEL = Grid((30, 33), (1, 1), (1, 1))


def frame_with_mirror(degrees):
    """Noise that has one mirror, through pixel (30, 33), from x towards y."""
    y, x = np.mgrid[-30:31, -33:34]
    turn = np.deg2rad(degrees)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    return np.cos(along / 2.1) * across**2 + np.sin(along / 3.3) * np.abs(across) ** 3


@pytest.mark.parametrize("degrees", [0, 36, 72, 90, 144])
def test_mirror_is_found_at_its_angle(degrees):
    descriptor = ReflectionSymmetry(radius=12, n_axes=20, pooling=1)
    scores = descriptor.compute(frame_with_mirror(degrees), PIXEL)[0, 0]
    assert descriptor.point_operations[scores.argmax()] == degrees
    assert scores.max() > 0.999
    assert np.sort(scores)[-2] < 0.9


def test_axes_are_spread_over_180_degrees():
    assert ReflectionSymmetry(n_axes=4).point_operations.tolist() == [0, 45, 90, 135]


@pytest.mark.parametrize(
    ("n_axes", "n_angles"), [(10, 180), (1, 132), (4, 132), (7, 168)]
)
def test_samples_are_a_multiple_of_12_and_of_the_axes(n_axes, n_angles):
    assert ReflectionSymmetry(radius=20, n_axes=n_axes).n_angles == n_angles


def test_angles_take_the_place_of_the_number_of_axes():
    descriptor = ReflectionSymmetry(angles=[30, 90])
    assert descriptor.n_axes == 2
    assert descriptor.point_operations.tolist() == [30, 90]


def test_subset_has_the_same_scores():
    frame = np.random.default_rng(0).normal(size=(61, 67))
    descriptor = ReflectionSymmetry(radius=6, n_axes=7)
    subset = descriptor.subset([0, 2, 5])
    np.testing.assert_array_equal(
        subset.compute(frame, PIXEL), descriptor.compute(frame, PIXEL)[..., [0, 2, 5]]
    )


@pytest.mark.parametrize(
    ("n_axes", "error"), [(0, ValueError), (2.0, TypeError), ("2", TypeError)]
)
def test_number_of_axes_that_is_not_allowed(n_axes, error):
    with pytest.raises(error, match="^n_axes must be an int from 1 to"):
        ReflectionSymmetry(n_axes=n_axes)
