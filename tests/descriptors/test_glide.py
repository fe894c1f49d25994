# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import GlideReflectionSymmetry, ReflectionSymmetry
from hyperspy_symseg.frames import Grid

PIXEL = Grid((30, 33), (1, 1), (1, 1))


def test_glide_is_found():
    # Antisymmetric across the line y = 30, and in x after half of 12 pixels.
    y, x = np.mgrid[-30:31, -33:34]
    frame = np.sin(y / 3) * np.cos(2 * np.pi * x / 12)
    descriptor = GlideReflectionSymmetry(radius=9, n_axes=4, window=8, pooling=1)
    scores = descriptor.compute(frame, PIXEL)[0, 0]
    assert descriptor.point_operations[scores.argmax()].tolist() == [0, 6]
    assert scores.max() > 0.999


def test_operations_are_all_axes_with_all_glides():
    descriptor = GlideReflectionSymmetry(n_axes=2, window=3)
    assert descriptor.point_operations.tolist() == [
        [0, 1],
        [0, 2],
        [0, 3],
        [90, 1],
        [90, 2],
        [90, 3],
    ]


def test_glides_take_the_place_of_axes():
    descriptor = GlideReflectionSymmetry(glides=[(30, 4), (30, 7), (90, 2)])
    assert (descriptor.n_axes, descriptor.window) == (2, 21)


def test_glides_from_an_array():
    array = np.array([[30.0, 4.0], [90.0, 2.0]])
    descriptor = GlideReflectionSymmetry(glides=array)
    assert descriptor.glides == ((30.0, 4), (90.0, 2))


def test_subset_has_the_same_scores():
    frame = np.random.default_rng(0).normal(size=(61, 67))
    descriptor = GlideReflectionSymmetry(radius=5, n_axes=3, window=2, pooling=3)
    subset = descriptor.subset([1, 4])
    np.testing.assert_allclose(
        subset.compute(frame, PIXEL),
        descriptor.compute(frame, PIXEL)[..., [1, 4]],
        atol=1e-6,
    )


def test_glide_by_a_whole_period_is_a_reflection():
    y, x = np.mgrid[-30:31, -33:34]
    frame = (np.sin(y / 3) + np.cos(y / 2)) * np.cos(2 * np.pi * x / 12 + 1)
    glide = GlideReflectionSymmetry(radius=9, glides=[(0, 12)], pooling=1)
    mirror = ReflectionSymmetry(radius=9, angles=(0,), pooling=1)
    np.testing.assert_allclose(
        glide.compute(frame, PIXEL), mirror.compute(frame, PIXEL), atol=1e-4
    )


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"window": 0}, ValueError, "^window must be an int from 1 to .* got 0"),
        ({"window": 2.5}, TypeError, "^window must be an int from 1"),
        ({"n_axes": 0}, ValueError, "^n_axes must be an int from 1 to .* got 0"),
        ({"glides": []}, ValueError, "^glides must be a sequence .* got \\[\\]"),
        ({"glides": [(0, 1), (0, 1)]}, ValueError, "^glides must be .* all different"),
        ({"glides": [(0, 1, 2)]}, ValueError, "^glides must be pairs"),
        ({"glides": [(0, 0)]}, ValueError, "^glides: each glide must .* got 0"),
        ({"glides": [(0, 1.5)]}, TypeError, "^glides: each glide must be an int"),
        ({"glides": [(0, "1")]}, TypeError, "^glides: each glide must be an int"),
        ({"glides": [(0, 22)]}, ValueError, "^glides: .* from 1 to 21, got 22"),
        (
            {"glides": [(0, 5)], "window": 4},
            ValueError,
            "^glides: .* from 1 to 4, got 5",
        ),
        ({"glides": [(200, 1)]}, ValueError, "^glides: each angle must be .* got 200"),
    ],
)
def test_parameters_that_are_not_allowed(parameters, error, message):
    with pytest.raises(error, match=message):
        GlideReflectionSymmetry(**parameters)


@pytest.mark.parametrize(
    ("options", "name"), [({"window": 20}, "window"), ({"glides": [(0, 20)]}, "glides")]
)
def test_glide_that_leaves_the_frame(options, name):
    with pytest.raises(ValueError, match=f"^{name} must have glides of at most 19"):
        GlideReflectionSymmetry(radius=3, **options).check_frame((20, 30))
