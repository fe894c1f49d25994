# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of operations about a point against an independent reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    ReflectionSymmetry,
    RotationSymmetry,
    compute_scores,
)
from hyperspy_symseg.descriptors.polar import polar_samples
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.threads import workers

PAD = 60


class Reference:
    """Polar samples by map_coordinates, then Pearson's coefficient in float64."""

    def __init__(self, frame, mask=None):
        frame = np.array(frame, dtype=np.float64)
        if mask is not None:
            frame[mask] = np.nan
        frame = np.pad(frame, PAD, constant_values=np.nan)
        self.valid = np.isfinite(frame)
        mean = frame[self.valid].mean()
        continued = frame - mean
        for y, x in np.argwhere(~self.valid):
            box = frame[max(y - 20, 0) : y + 21, max(x - 20, 0) : x + 21]
            has_any = np.isfinite(box).any()
            continued[y, x] = np.nanmean(box) - mean if has_any else 0.0
        self.mean = mean
        self.spline = ndimage.spline_filter(continued, order=3, mode="mirror")

    def patch(self, centre, radius, angles):
        """Samples (radii, angles) in degrees, and whether their 4 x 4 pixels are."""
        r, turns = np.arange(1, radius + 1)[:, np.newaxis], np.deg2rad(angles)
        # The sine of 180 degrees is not quite 0.
        places = np.array([r * np.sin(turns), r * np.cos(turns)]).round(9)
        places = (places + np.add(centre, PAD)[:, np.newaxis, np.newaxis]).round(9)
        samples = ndimage.map_coordinates(
            self.spline, places, order=3, mode="mirror", prefilter=False
        )
        y, x = np.floor(places).astype(int)
        valid = np.ones(y.shape, bool)
        for i in range(-1, 3):
            for j in range(-1, 3):
                valid &= self.valid[y + i, x + j]
        return samples, valid

    def pearson(self, one, other):
        """Weighted by r, over the valid pairs; these must be half of all."""
        (s, valid), (t, other_valid) = one, other
        r = np.arange(1, len(s) + 1)[:, np.newaxis] * np.ones(s.shape)
        weights = r * (valid & other_valid)
        if weights.sum() < r.sum() / 2:
            return np.nan
        weights /= weights.sum()
        centred = []
        for values in (s, t):
            mean = (weights * values).sum()
            variance = (weights * (values - mean) ** 2).sum()
            if variance <= 1e-10 * (variance + (mean + self.mean) ** 2):
                return 0.0
            centred.append((values - mean) / np.sqrt(variance))
        return (weights * centred[0] * centred[1]).sum()

    def score(self, descriptor, operation, pixel):
        """Score of one operation of an unpooled descriptor."""
        radius, n_angles = descriptor.radius, descriptor.n_angles
        angles = np.arange(n_angles) * 360 / n_angles
        if isinstance(descriptor, RotationSymmetry):
            turns = [operation]
            if descriptor.angles is None:
                turns = [k * 360 / operation for k in range(1, operation)]
            patch = self.patch(pixel, radius, angles)
            return np.mean(
                [
                    self.pearson(patch, self.patch(pixel, radius, angles + turn))
                    for turn in turns
                ]
            )
        axis, glide = operation if np.ndim(operation) else (operation, 0)
        half = (
            glide / 2 * np.array([np.sin(np.deg2rad(axis)), np.cos(np.deg2rad(axis))])
        )
        here = self.patch(pixel - half, radius, angles)
        there = self.patch(pixel + half, radius, 2 * axis - angles)
        return self.pearson(here, there)

    def scores(self, descriptor, grid):
        return np.array(
            [
                [
                    [
                        self.score(descriptor, operation, (y, x))
                        for operation in descriptor.point_operations
                    ]
                    for x in grid.columns
                ]
                for y in grid.rows
            ]
        )


def smooth_frame(shape, seed=0):
    frame = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(frame, 1) * 1000


UNPOOLED = {
    "rotation": RotationSymmetry(radius=5, pooling=1),
    "single rotations": RotationSymmetry(radius=4, angles=(60, 90, 240), pooling=1),
    "reflection": ReflectionSymmetry(radius=5, n_axes=5, pooling=1),
    "glide reflection": GlideReflectionSymmetry(
        radius=4, glides=[(0, 1), (36, 4), (90, 3)], pooling=1
    ),
}


def assert_agrees(frame, descriptor, stride, mask=None):
    grid = Grid.over(frame.shape, stride)
    scores = descriptor.compute(frame, grid, mask)
    expected = Reference(frame, mask).scores(descriptor, grid)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4)
    return scores


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8", ">u2", ">f8", "i4"])
@pytest.mark.parametrize("descriptor", UNPOOLED.values(), ids=UNPOOLED)
def test_scores_of_a_frame(descriptor, dtype):
    frame = (smooth_frame((31, 38)) + 3000).astype(dtype)
    scores = assert_agrees(frame, descriptor, 3)
    assert np.isfinite(scores).any()
    assert np.isnan(scores).any()


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
@pytest.mark.parametrize("descriptor", UNPOOLED.values(), ids=UNPOOLED)
def test_scores_of_a_masked_frame(descriptor, dtype):
    frame = (smooth_frame((31, 38)) + 3000).astype(dtype)
    mask = np.random.default_rng(1).random(frame.shape) < 0.004
    mask[12:14, 20:23] = True
    scores = assert_agrees(frame, descriptor, 3, mask)
    assert np.isfinite(scores).any()


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5, 7, (2, 9)])
def test_any_stride_has_the_scores_of_its_pixels(stride):
    frame = smooth_frame((29, 90))
    descriptor = UNPOOLED["reflection"]
    all_scores = descriptor.compute(frame, Grid.over(frame.shape, 1))
    grid = Grid.over(frame.shape, stride)
    scores = descriptor.compute(frame, grid)
    np.testing.assert_allclose(
        scores, all_scores[np.ix_(grid.rows, grid.columns)], rtol=0, atol=1e-6
    )


def test_pixels_that_are_not_finite_are_as_if_masked():
    frame = smooth_frame((31, 38))
    mask = np.zeros(frame.shape, bool)
    mask[14, 17:19] = True
    with_nan = frame.copy()
    with_nan[14, 17], with_nan[14, 18] = np.nan, np.inf
    grid = Grid.over(frame.shape, 2)
    for descriptor in UNPOOLED.values():
        np.testing.assert_array_equal(
            descriptor.compute(with_nan, grid), descriptor.compute(frame, grid, mask)
        )


@pytest.mark.parametrize("dtype", ["f8", "i4"])
def test_mean_of_10000_times_the_contrast(dtype):
    frame = (smooth_frame((31, 38)) + 1e7).astype(dtype)
    for descriptor in UNPOOLED.values():
        assert_agrees(frame, descriptor, 5)


def test_step_of_100_times_the_contrast():
    frame = smooth_frame((31, 38))
    frame[:, 20:] += 1e5
    assert_agrees(frame, UNPOOLED["rotation"], 3)


def test_patch_without_contrast_scores_zero():
    frame = smooth_frame((90, 95))
    frame[20:70, 20:75] = 7.0
    pixel = Grid((45, 47), (1, 1), (1, 1))
    for descriptor in UNPOOLED.values():
        assert (descriptor.compute(frame, pixel) == 0).all()


def test_hole_of_exact_zeros_in_a_bright_frame_scores_zero():
    frame = smooth_frame((90, 95)) + 1e6
    frame[20:70, 20:75] = 0.0
    pixel = Grid((45, 47), (1, 1), (1, 1))
    for descriptor in UNPOOLED.values():
        assert (descriptor.compute(frame, pixel) == 0).all()


def test_one_hot_pixel_does_not_hide_the_contrast_elsewhere():
    frame = smooth_frame((90, 120))
    far = Grid((45, 100), (1, 1), (1, 1))
    before = [descriptor.compute(frame, far) for descriptor in UNPOOLED.values()]
    frame[45, 5] = 2e6 * frame.std()
    for descriptor, scores in zip(UNPOOLED.values(), before, strict=True):
        np.testing.assert_allclose(descriptor.compute(frame, far), scores, atol=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(list(UNPOOLED)),
    shape=st.tuples(st.integers(17, 40), st.integers(17, 40)),
    seed=st.integers(0, 99),
    gain=st.sampled_from([1e-9, 0.5, 3.0, 1e12]),
)
def test_scores_are_correlations_that_gain_does_not_change(name, shape, seed, gain):
    frame = np.random.default_rng(seed).normal(size=shape)
    grid = Grid.over(shape, 4)
    scores = UNPOOLED[name].compute(frame, grid)
    assert np.nanmax(np.abs(scores), initial=0) <= 1
    np.testing.assert_allclose(
        UNPOOLED[name].compute(gain * frame, grid), scores, rtol=0, atol=1e-5
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.integers(1, 4))
def test_turned_frame_has_turned_scores(seed, stride):
    # An axis at b turns to b + 90 degrees. Not at the edges: the 4 x 4 pixels of a
    # sample on a pixel do not have it in their middle.
    frame = np.random.default_rng(seed).normal(size=(29, 29))
    grid = Grid((8, 8), (stride, stride), (12 // stride + 1,) * 2)
    frame = frame[: 17 + grid.rows[-1] - 8, : 17 + grid.rows[-1] - 8]
    rotation = RotationSymmetry(radius=5, pooling=1)
    reflection = ReflectionSymmetry(radius=5, n_axes=4, pooling=1)
    for descriptor, moved in ((rotation, 0), (reflection, 2)):
        scores = np.rot90(descriptor.compute(frame, grid))
        turned = descriptor.compute(np.rot90(frame), grid)
        np.testing.assert_allclose(
            turned, np.roll(scores, moved, axis=-1), rtol=0, atol=1e-5
        )


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.integers(40, 90), st.integers(0, 9))
def test_tiles_have_the_scores_of_the_frame(num_workers, columns, seed):
    frame = np.random.default_rng(seed).normal(size=(300, columns))
    grid = Grid.over(frame.shape, (3, 2))
    descriptor = ReflectionSymmetry(radius=5, n_axes=2, pooling=7, step=2)
    with workers(num_workers):
        tiled = compute_scores(descriptor, frame, grid)
    whole = descriptor.compute(frame, grid)
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-6)


def test_tiles_of_a_masked_frame_have_the_scores_of_the_frame():
    frame = smooth_frame((600, 70))
    mask = np.random.default_rng(1).random(frame.shape) < 0.002
    grid = Grid.over(frame.shape, 4)
    for descriptor in UNPOOLED.values():
        np.testing.assert_allclose(
            compute_scores(descriptor, frame, grid, mask),
            descriptor.compute(frame, grid, mask),
            rtol=0,
            atol=1e-5,
        )


def test_source_is_not_changed():
    frame = smooth_frame((31, 38))
    frame[3, 4] = np.nan
    frame.flags.writeable = False
    before = frame.copy()
    ReflectionSymmetry(radius=4).compute(frame[::1, ::-1], Grid.over(frame.shape, 5))
    np.testing.assert_array_equal(frame, before)


def test_samples_are_those_of_a_spline():
    frame = smooth_frame((31, 38))
    grid = Grid.over(frame.shape, (5, 4))
    samples = polar_samples(frame, grid, radius=4, n_angles=10)
    reference = Reference(frame)
    expected = np.array(
        [
            [reference.patch((y, x), 4, np.arange(10) * 36)[0] for x in grid.columns]
            for y in grid.rows
        ]
    )
    slope, offset = np.polyfit(expected.ravel(), samples.ravel(), 1)
    np.testing.assert_allclose(samples, slope * expected + offset, rtol=0, atol=1e-5)
    assert abs(offset) < 1e-5
    assert np.log2(slope) == pytest.approx(round(np.log2(slope)), abs=1e-4)


@pytest.mark.parametrize("kind", [RotationSymmetry, ReflectionSymmetry])
@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"radius": 0}, ValueError, "^radius must be an int from 1 to .* got 0"),
        ({"radius": 2.5}, TypeError, r"^radius must be an int .* got 2\.5"),
        ({"n_angles": 0}, ValueError, "^n_angles must be an int .* got 0"),
        ({"n_angles": 59}, ValueError, "^n_angles must be a multiple of .* got 59"),
        ({"pooling": 0}, ValueError, "^pooling must be an int of at least 1,.* got 0"),
        ({"pooling": (3, 4, 5)}, TypeError, "^pooling must be an int .* a pair"),
        ({"n_maxima": 0}, ValueError, "^n_maxima must be an int .* got 0"),
        ({"step": 0}, ValueError, "^step must be an int .* got 0"),
        (
            {"step": 6, "pooling": 5},
            ValueError,
            r"^step must be .* pooling, \(5, 5\), got \(6, 6",
        ),
        ({"angles": ()}, ValueError, r"^angles must be a sequence .* got \(\)"),
        (
            {"angles": (30, 30)},
            ValueError,
            r"^angles must be .* different, got \(30, 30\)",
        ),
        ({"angles": 30}, TypeError, "^angles must be a sequence .* got 30"),
        ({"angles": (400,)}, ValueError, "^angles must be from 0 to less .* got 400"),
        ({"angles": (float("nan"),)}, ValueError, "^angles must be from 0 .* got nan"),
        ({"angles": ("x",)}, TypeError, "^angles must be real, .* got 'x'"),
        (
            {"angles": (0.1234567,)},
            ValueError,
            r"^angles must be .* fractions .* got 0\.1234567",
        ),
    ],
)
def test_parameters_that_are_not_allowed(kind, parameters, error, message):
    with pytest.raises(error, match=message):
        kind(**parameters)


@pytest.mark.parametrize("descriptor", UNPOOLED.values(), ids=UNPOOLED)
def test_radius_larger_than_half_the_frame(descriptor):
    frame = np.zeros((2 * descriptor.radius, 90))
    with pytest.raises(ValueError, match="^radius must be at most .* got"):
        descriptor.compute(frame, Grid.over(frame.shape, 1))
