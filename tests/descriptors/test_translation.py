# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import TranslationSymmetry
from hyperspy_symseg.frames import Grid


def pairs_in_patch(padded, margin, centre, patch, shift):
    """Intensities at q and at q + T, for every q of the patch that has both.

    `padded` has a margin of NaN around the frame, and NaN where not valid.
    """
    y, x = centre[0] + margin, centre[1] + margin
    (py, px), (dy, dx) = patch, shift
    here = padded[y - py : y + py + 1, x - px : x + px + 1]
    there = padded[y + dy - py : y + dy + py + 1, x + dx - px : x + dx + px + 1]
    both = np.isfinite(here) & np.isfinite(there)
    return here[both], there[both]


def pearson(here, there):
    """The paper's equations 1 to 3, and 0 without contrast."""
    here_centred, there_centred = here - here.mean(), there - there.mean()
    for centred, values in ((here_centred, here), (there_centred, there)):
        if np.mean(centred**2) <= 1e-10 * np.mean(values**2):
            return 0.0
    norm = np.sqrt(np.sum(here_centred**2)) * np.sqrt(np.sum(there_centred**2))
    return np.sum(here_centred * there_centred) / norm


def reference(frame, descriptor, grid, mask=None):
    """Scores by brute force, in float64."""
    frame = np.array(frame, dtype=np.float64)
    if mask is not None:
        frame[mask] = np.nan
    margin = max(descriptor.patch) + np.abs(descriptor.operations).max()
    padded = np.pad(frame, margin, constant_values=np.nan)
    size = (2 * descriptor.patch[0] + 1) * (2 * descriptor.patch[1] + 1)
    scores = np.full((*grid.shape, len(descriptor.operations)), np.nan)
    for i, y in enumerate(grid.rows):
        for j, x in enumerate(grid.columns):
            for k, shift in enumerate(descriptor.operations):
                pairs = pairs_in_patch(padded, margin, (y, x), descriptor.patch, shift)
                if len(pairs[0]) < size:
                    other = pairs_in_patch(
                        padded, margin, (y, x), descriptor.patch, -shift
                    )
                    pairs = max(pairs, other, key=lambda pair: len(pair[0]))
                if len(pairs[0]) >= size / 8:
                    scores[i, j, k] = pearson(*pairs) if shift.any() else 1
    return scores


def frame_of(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def assert_agrees(frame, descriptor, stride, mask=None):
    grid = Grid.over(frame.shape, stride)
    scores = descriptor.compute(frame, grid, mask)
    expected = reference(frame, descriptor, grid, mask)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(23, 28), (24, 27), (9, 31), (30, 11)])
def test_every_pixel_agrees_with_brute_force(shape):
    descriptor = TranslationSymmetry(patch=(3, 4), window=(5, 4), max_operations=25)
    assert_agrees(frame_of(shape), descriptor, stride=1)


@pytest.mark.parametrize("stride", [2, 3, (5, 2), (4, 7)])
def test_every_stride_agrees_with_brute_force(stride):
    descriptor = TranslationSymmetry(patch=(4, 3), window=5, max_operations=30)
    assert_agrees(frame_of((29, 33)), descriptor, stride)


def test_shifts_larger_than_the_patch_agree_with_brute_force():
    descriptor = TranslationSymmetry(patch=2, window=9, max_operations=25)
    assert_agrees(frame_of((21, 26)), descriptor, stride=2)


def test_frame_as_large_as_the_patch_agrees_with_brute_force():
    descriptor = TranslationSymmetry(patch=(5, 6), window=4, max_operations=81)
    assert_agrees(frame_of((11, 13)), descriptor, stride=1)


@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.6])
def test_masked_frame_agrees_with_brute_force(fraction):
    mask = np.random.default_rng(1).random((22, 27)) < fraction
    descriptor = TranslationSymmetry(patch=(3, 4), window=5, max_operations=25)
    assert_agrees(frame_of((22, 27)), descriptor, stride=2, mask=mask)


def test_pixels_not_finite_are_left_out_like_masked_ones():
    frame = frame_of((22, 27))
    frame[3, 4], frame[15, 20], frame[21, 26] = np.nan, np.inf, -np.inf
    descriptor = TranslationSymmetry(patch=(3, 4), window=5, max_operations=25)
    assert_agrees(frame, descriptor, stride=1)


def test_list_of_translations_agrees_with_brute_force():
    shifts = [(0, 3), (-2, 1), (4, -4), (2, -1), (0, 0)]
    descriptor = TranslationSymmetry(patch=(3, 4), translations=shifts)
    assert_agrees(frame_of((20, 23)), descriptor, stride=1)


@pytest.mark.parametrize(
    "dtype", [">u2", "<i4", ">f4", "f8", "f2", "u1", "?", "i8", ">f8"]
)
def test_any_real_dtype_agrees_with_brute_force(dtype):
    frame = np.random.default_rng(2).integers(0, 2 if dtype == "?" else 200, (19, 26))
    descriptor = TranslationSymmetry(patch=(3, 4), window=5, max_operations=25)
    assert_agrees(frame.astype(dtype), descriptor, stride=2)


@pytest.mark.parametrize("dtype", ["f8", "i4", "f4"])
def test_mean_of_10000_times_the_contrast_agrees_with_brute_force(dtype):
    counts = np.random.default_rng(3).integers(-50, 51, (25, 29))
    frame = (500_000 + counts).astype(dtype)
    descriptor = TranslationSymmetry(patch=(4, 5), window=5, max_operations=25)
    assert_agrees(frame, descriptor, stride=1)


def test_step_of_10000_times_the_contrast_agrees_with_brute_force():
    frame = frame_of((25, 29))
    frame[:, 14:] += 10_000
    descriptor = TranslationSymmetry(patch=(4, 5), window=5, max_operations=25)
    assert_agrees(frame, descriptor, stride=1)


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1e200])
def test_unit_of_the_intensity_does_not_matter(scale):
    descriptor = TranslationSymmetry(patch=(4, 5), window=5, max_operations=25)
    frame, grid = frame_of((17, 21)), Grid.over((17, 21), 3)
    np.testing.assert_allclose(
        descriptor.compute(scale * frame, grid),
        descriptor.compute(frame, grid),
        atol=1e-6,
    )


def test_scores_are_put_where_told():
    frame = frame_of((20, 24))
    descriptor = TranslationSymmetry(patch=3, window=4, max_operations=25)
    grid = Grid.over(frame.shape, 3)
    larger = np.full((25, grid.shape[0] + 2, grid.shape[1] + 3), 9, np.float32)
    out = np.moveaxis(larger[:, 1:-1, 2:-1], 0, -1)
    descriptor.compute(frame, grid, out=out)
    np.testing.assert_array_equal(out, descriptor.compute(frame, grid))
    assert (larger[:, 0] == 9).all()
    assert (larger[:, :, :2] == 9).all()


@pytest.mark.parametrize(
    "out",
    [
        np.empty((7, 8, 25), np.float32),
        np.empty((25, 6, 8), np.float32).transpose(1, 2, 0),
        np.empty((24, 7, 8), np.float32).transpose(1, 2, 0),
        np.empty((25, 7, 8)).transpose(1, 2, 0),
    ],
    ids=["columns apart", "too few rows", "too few operations", "float64"],
)
def test_place_for_scores_not_allowed(out):
    frame, grid = frame_of((20, 24)), Grid.over((20, 24), 3)
    descriptor = TranslationSymmetry(patch=3, window=4, max_operations=25)
    with pytest.raises(ValueError, match="^out must be float32 of the shape"):
        descriptor.compute(frame, grid, out=out)


def test_grid_outside_the_frame_is_an_error():
    descriptor = TranslationSymmetry(patch=3, window=4, max_operations=25)
    with pytest.raises(
        ValueError, match=r"^grid must lie within .* reaches pixel \(20, 9\)"
    ):
        descriptor.compute(frame_of((20, 24)), Grid((2, 9), (3, 3), (7, 1)))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("offset", ["ramp and step", "mean"])
def test_whole_tile_agrees_with_brute_force(offset, masked):
    frame = frame_of((298, 554))
    if offset == "mean":
        frame += 30_000
    else:
        frame += np.linspace(0, 50, 554)
        frame[:, 300:] += 1000
    mask = np.random.default_rng(1).random(frame.shape) < 0.05 if masked else None
    descriptor = TranslationSymmetry(patch=20, window=21, max_operations=9)
    assert_agrees(frame, descriptor, stride=47, mask=mask)


def test_read_only_strided_frame_is_scored_and_not_modified():
    frame = frame_of((44, 54))[::2, ::2]
    frame.flags.writeable = False
    before = frame.copy()
    descriptor = TranslationSymmetry(patch=(3, 4), window=5, max_operations=25)
    assert_agrees(frame, descriptor, stride=2)
    np.testing.assert_array_equal(frame, before)


def test_hand_worked_score():
    # Patch 1..3 against 2, 4, 6: both rise evenly, so the score is 1; against
    # 3, 2, 1 it is -1.
    frame = np.array([[1.0, 2, 3, 2, 4, 6, 3, 2, 1]]).repeat(3, axis=0)
    descriptor = TranslationSymmetry(patch=1, translations=[(0, 3), (0, 6)])
    scores = descriptor.compute(frame, Grid((1, 1), (1, 1), (1, 1)))
    np.testing.assert_allclose(scores, [[[1, -1]]], atol=1e-7)


def test_zero_shift_scores_one_in_a_constant_frame_and_others_zero():
    descriptor = TranslationSymmetry(patch=2, window=2, max_operations=9)
    scores = descriptor.compute(np.full((9, 11), 0.1), Grid((2, 2), (1, 1), (5, 7)))
    expected = np.zeros(9)
    expected[4] = 1
    np.testing.assert_array_equal(scores, np.broadcast_to(expected, scores.shape))


@pytest.mark.parametrize("value", [0, 1e-3, 65535])
def test_patches_in_a_constant_hole_score_zero(value):
    frame = 1000 + 100 * frame_of((40, 50))
    frame[8:32, 10:40] = value
    descriptor = TranslationSymmetry(patch=2, window=2, max_operations=9)
    scores = descriptor.compute(frame, Grid((16, 20), (1, 1), (8, 10)))
    assert np.count_nonzero(np.delete(scores, 4, axis=-1)) == 0


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("patch", [2, 20])
def test_patches_in_a_hole_score_zero_beside_a_bright_pixel(patch, masked):
    frame = np.random.default_rng(0).poisson(10, (250, 500)).astype(np.uint16)
    frame[20, 30] = 65535
    frame[100:200, 200:400] = 0
    mask = np.zeros(frame.shape, bool)
    mask[0, 0] = masked
    descriptor = TranslationSymmetry(patch=patch, window=4, max_operations=9)
    # The whole frame in one block: sums over the hole are differences of sums that
    # hold the bright pixel.
    scores = descriptor.compute(frame, Grid.over(frame.shape, 2), mask)
    in_hole = scores[65:85, 115:185]
    assert np.count_nonzero(np.delete(in_hole, 4, axis=-1)) == 0


def test_variance_of_1e_10_of_the_mean_square_is_none():
    y, x = np.mgrid[:15, :17]
    checks = np.where((y + x) % 2, 1.0, -1.0)
    descriptor = TranslationSymmetry(patch=3, translations=[(1, 1)])
    grid = Grid.over(checks.shape, 4)
    assert (descriptor.compute(1 + 0.9e-5 * checks, grid) == 0).all()
    assert (descriptor.compute(1 + 1.1e-5 * checks, grid) > 0.99).all()


def test_score_is_missing_below_an_eighth_of_the_patch():
    # 3 of 25 pixels are less than an eighth, 4 are more.
    frame, mask = frame_of((11, 13)), np.ones((11, 13), bool)
    mask[5, 5:8] = False
    descriptor = TranslationSymmetry(patch=2, translations=[(0, 0)])
    grid = Grid((5, 6), (1, 1), (1, 1))
    assert np.isnan(descriptor.compute(frame, grid, mask)).all()
    mask[5, 4] = False
    assert descriptor.compute(frame, grid, mask) == 1


def test_opposite_shifts_score_the_same_one_shift_apart():
    frame = frame_of((31, 37))
    descriptor = TranslationSymmetry(patch=3, translations=[(2, -3), (-2, 3)])
    scores = descriptor.compute(frame, Grid.over(frame.shape, 1))
    inside = scores[8:-8, 8:-8]
    shifted = scores[8 + 2 : -8 + 2, 8 - 3 : -8 - 3]
    np.testing.assert_allclose(inside[..., 0], shifted[..., 1], atol=1e-6)


def test_opposite_shifts_share_the_larger_overlap_at_an_edge():
    frame = frame_of((31, 37))
    descriptor = TranslationSymmetry(patch=3, translations=[(2, -3), (-2, 3)])
    corner = descriptor.compute(frame, Grid((0, 18), (1, 1), (1, 1)))[0, 0]
    assert corner[0] == corner[1]


def test_a_masked_pixel_far_away_changes_nothing():
    frame = frame_of((60, 70))
    mask = np.zeros(frame.shape, bool)
    mask[55, 65] = True
    descriptor = TranslationSymmetry(patch=3, window=4, max_operations=25)
    grid = Grid((0, 0), (1, 1), (40, 50))
    np.testing.assert_array_equal(
        descriptor.compute(frame, grid), descriptor.compute(frame, grid, mask)
    )


frames = st.integers(0, 2**16).map(lambda seed: frame_of((17, 22), seed))


@settings(max_examples=25, deadline=None)
@given(frames, st.floats(1, 1000), st.floats(-1000, 1000))
def test_gain_and_offset_do_not_matter(frame, gain, offset):
    descriptor = TranslationSymmetry(patch=2, window=3, max_operations=9)
    grid = Grid.over(frame.shape, 3)
    np.testing.assert_allclose(
        descriptor.compute(gain * frame + offset, grid),
        descriptor.compute(frame, grid),
        atol=1e-5,
    )


@settings(max_examples=25, deadline=None)
@given(frames)
def test_scores_of_a_turned_frame_are_the_scores_turned(frame):
    descriptor = TranslationSymmetry(patch=2, window=3, max_operations=9)
    scores = descriptor.compute(frame, Grid.over(frame.shape, 1))
    turned = descriptor.compute(frame[::-1, ::-1], Grid.over(frame.shape, 1))
    # Turning by 180 degrees maps T to -T, and the operations are symmetric about 0.
    np.testing.assert_allclose(turned[::-1, ::-1, ::-1], scores, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(frames, st.floats(0, 0.9), st.integers(1, 4))
def test_scores_are_in_range_and_missing_ones_nan(frame, fraction, stride):
    mask = np.random.default_rng(0).random(frame.shape) < fraction
    descriptor = TranslationSymmetry(patch=2, window=3, max_operations=9)
    scores = descriptor.compute(frame, Grid.over(frame.shape, stride), mask)
    assert (np.isnan(scores) | (np.abs(scores) <= 1)).all()


def test_operations_are_as_dense_as_allowed():
    # Steps of 5 give 9 x 9 = 81 shifts up to 21; steps of 4 would give 121.
    operations = TranslationSymmetry().operations
    np.testing.assert_array_equal(np.unique(operations), np.arange(-20, 21, 5))
    assert operations.shape == (81, 2)


def test_operations_are_symmetric_and_hold_zero():
    operations = TranslationSymmetry(window=(4, 9), max_operations=60).operations
    np.testing.assert_array_equal(operations, -operations[::-1])
    assert (operations == 0).all(axis=1).sum() == 1


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"patch": 0}, ValueError, "patch"),
        ({"patch": -3}, ValueError, "patch"),
        ({"patch": 2.5}, TypeError, "patch"),
        ({"patch": float("nan")}, TypeError, "patch"),
        ({"patch": (3, 4, 5)}, TypeError, "patch"),
        ({"patch": True}, TypeError, "patch"),
        ({"window": 0}, ValueError, "window"),
        ({"window": "21"}, TypeError, "window"),
        ({"max_operations": 8}, ValueError, "max_operations"),
        ({"max_operations": 9.0}, TypeError, "max_operations"),
        ({"translations": []}, ValueError, "translations"),
        ({"translations": [1, 2]}, ValueError, "translations"),
        ({"translations": [(1, 2), (1, 2)]}, ValueError, "translations"),
        ({"translations": [(1.5, 2)]}, TypeError, "translations"),
        ({"translations": [(-(2**63), 0)]}, ValueError, "translations"),
        ({"patch": np.array(0)}, TypeError, "patch"),
    ],
)
def test_parameter_not_allowed(parameters, error, message):
    with pytest.raises(error, match=f"^{message} must be"):
        TranslationSymmetry(**parameters)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"patch": 10}, "patch"),
        ({"patch": (2, 12)}, "patch"),
        ({"patch": 10**9}, "patch"),
        ({"patch": 2, "window": 20}, "window"),
        ({"patch": 2, "window": 10**9}, "window"),
        ({"patch": 2, "translations": [(0, 25)]}, "translations"),
    ],
)
def test_frame_too_small(parameters, name):
    frame = np.zeros((20, 24))
    with pytest.raises(ValueError, match=f"^{name} must .* at most .*20 x 24"):
        TranslationSymmetry(**parameters).compute(frame, Grid.over(frame.shape, 1))
