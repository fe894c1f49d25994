# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg import simulate
from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.cleaning import CleanFrame
from hyperspy_symseg.templates.normalized_frame import (
    NormalizedFrame,
    _statistics_in_windows,
    block_size,
    cell_size,
)

from ..conftest import gaussian_means

PERIOD = 9.0
# Of 3 pixels; the last row and column of blocks are cut off.
SHAPE = (61, 83)


def crystal(shape=SHAPE, seed=0):
    y, x = np.mgrid[: shape[0], : shape[1]]
    wave = np.cos(2 * np.pi * y / PERIOD) + np.cos(2 * np.pi * x / PERIOD)
    return 10 + 2 * wave + np.random.default_rng(seed).normal(size=shape)


@pytest.fixture
def frame():
    return crystal()


@pytest.fixture
def mask():
    mask = np.zeros(SHAPE, bool)
    mask[20:31, 40:52] = True
    return mask


@pytest.mark.parametrize(
    ("period", "block", "cell"),
    [(12, 4, 12), (9.1, 3, 9), (10.6, 4, 12), (3, 1, 3), (0.2, 1, 3)],
)
def test_blocks_are_a_third_of_a_period_and_cells_three_blocks(period, block, cell):
    assert block_size(period) == block
    assert cell_size(period) == cell


def normalised(frame, valid):
    """The definition, in double precision."""
    frame = np.where(valid, frame, 0)
    counts = sum_blocks(valid.astype(float), 3)
    mean = spread(gaussian_means(sum_blocks(frame, 3), counts, 4.5), 3, SHAPE)
    frame = np.where(valid, frame - mean, 0)
    variance = gaussian_means(sum_blocks(frame**2, 3), counts, 9)
    return frame / np.sqrt(spread(variance, 3, SHAPE))


@pytest.mark.parametrize("masked", [False, True])
def test_pixels_are_those_of_the_definition(frame, mask, masked):
    normalized = NormalizedFrame(frame, mask if masked else None, PERIOD)
    valid = ~mask if masked else np.ones(SHAPE, bool)
    expected = normalised(frame, valid)
    assert normalized.pixels.dtype == np.float32
    np.testing.assert_allclose(normalized.pixels, expected, atol=1e-5)
    np.testing.assert_allclose(
        normalized.energies, sum_blocks(expected**2, 3), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("masked", [False, True])
def test_counts_are_of_valid_pixels(frame, mask, masked):
    normalized = NormalizedFrame(frame, mask if masked else None, PERIOD)
    valid = ~mask if masked else np.ones(SHAPE, bool)
    np.testing.assert_array_equal(normalized.counts, sum_blocks(valid.astype(int), 3))
    np.testing.assert_array_equal(
        normalized.cell_counts, sum_blocks(valid.astype(int), 9)
    )


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.1, 1e3), offset=st.floats(-1e3, 1e3))
def test_gain_and_offset_change_nothing(gain, offset):
    expected = NormalizedFrame(crystal(), None, PERIOD).pixels
    found = NormalizedFrame(gain * crystal() + offset, None, PERIOD).pixels
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_ramp_changes_little(frame):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    expected = NormalizedFrame(frame, None, PERIOD).pixels
    found = NormalizedFrame(frame + 0.05 * y - 0.05 * x, None, PERIOD).pixels
    # At the edges, the mean is of one side only.
    inside = np.s_[15:-15, 15:-15]
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.3)
    assert np.corrcoef(found[inside].ravel(), expected[inside].ravel())[0, 1] > 0.99


@pytest.mark.parametrize("height", [20, 1000])
def test_the_mean_follows_a_step(frame, height):
    at = 40
    frame[:, at:] += height
    pixels = NormalizedFrame(frame, None, PERIOD).pixels
    # Two blocks from the step, no trace of it is left in the mean of a period.
    sides = pixels[:, at - 17 : at - 8], pixels[:, at + 8 : at + 17]
    np.testing.assert_allclose([side.mean() for side in sides], 0, atol=0.05)


def test_steps_are_where_the_mean_steps(frame):
    at = 40
    frame[:, at:] += 6
    steps = NormalizedFrame(frame, None, PERIOD).steps
    assert steps.dtype == np.float32
    # Blocks of 3 pixels, in a window of 4.5 of them.
    np.testing.assert_array_equal(steps[:, at // 3 - 2 : at // 3 + 3], 1)
    assert not steps[:, 0].any()


def test_amorphous_material_has_no_steps():
    material = simulate.Amorphous.like(simulate.Lattice.square(12))
    signal, _ = simulate.micrograph(material, (200, 260), dose=10, seed=4)
    assert not NormalizedFrame(signal.data, None, 12.0).steps.any()


def test_a_crystal_has_no_steps(frame):
    clean = CleanFrame(frame, None, 3, 3)
    mean, steps, _, _ = _statistics_in_windows(clean)
    assert not steps.any()
    counts = clean.counts
    expected = gaussian_means(clean.sums, counts, 4.5)
    np.testing.assert_allclose(mean, expected, rtol=1e-6)


def test_contrast_that_is_rounding_noise_is_none(frame):
    assert not NormalizedFrame(1e-9 * frame + 1e3, None, PERIOD).pixels.any()


def test_contrast_that_changes_slowly_is_evened_out():
    shape = (120, 400)
    x = np.arange(shape[1]) * np.ones((shape[0], 1))
    wave = np.cos(2 * np.pi * x / PERIOD) * (1 + x / 100)
    pixels = NormalizedFrame(wave, None, PERIOD).pixels
    stripes = [pixels[:, i : i + 90].var() for i in (36, 135, 270)]
    np.testing.assert_allclose(stripes, 1, atol=0.05)


def test_what_is_masked_does_not_matter(frame, mask):
    other = np.where(mask, 1e6, frame)
    expected = NormalizedFrame(frame, mask, PERIOD)
    found = NormalizedFrame(other, mask, PERIOD)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert not found.pixels[mask].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_masked(frame, mask, value):
    expected = NormalizedFrame(frame, mask, PERIOD)
    found = NormalizedFrame(np.where(mask, value, frame), None, PERIOD)
    for name in ("pixels", "counts", "energies"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_frame_masked_altogether_is_0():
    normalized = NormalizedFrame(crystal(), np.ones(SHAPE, bool), PERIOD)
    assert not normalized.pixels.any()
    assert not normalized.energies.any()


@pytest.mark.parametrize("value", [0, 7, 1e6])
def test_a_frame_without_contrast_is_0(value):
    assert not NormalizedFrame(np.full(SHAPE, value), None, PERIOD).pixels.any()


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i8", "f4", ">f8", "?"])
def test_any_real_dtype(frame, dtype):
    frame = (frame > 10 if dtype == "?" else frame).astype(dtype)
    expected = NormalizedFrame(frame.astype(float), None, PERIOD)
    np.testing.assert_array_equal(
        NormalizedFrame(frame, None, PERIOD).pixels, expected.pixels
    )


@pytest.mark.parametrize("view", [np.asfortranarray, lambda frame: frame[:, ::2]])
def test_any_order_in_memory(frame, view):
    normalized = NormalizedFrame(view(frame), None, PERIOD)
    expected = NormalizedFrame(np.ascontiguousarray(view(frame)), None, PERIOD)
    np.testing.assert_array_equal(normalized.pixels, expected.pixels)
    # As the kernels need it.
    assert normalized.pixels.flags.c_contiguous


def test_the_frame_is_not_modified(frame):
    before = frame.copy()
    NormalizedFrame(frame, None, PERIOD)
    np.testing.assert_array_equal(frame, before)


def test_a_crop_is_as_in_the_whole_away_from_where_it_is_cut():
    frame = crystal((340, 420))
    whole = NormalizedFrame(frame, None, PERIOD)
    # 3 standard deviations of 4.5 blocks and of 9 are 14 and 27 blocks of 3 pixels.
    first, reach = (18, 27), 3 * (14 + 27 + 1)
    crop = NormalizedFrame(frame[18:330, 27:400], None, PERIOD, first)
    inside = np.s_[18 + reach : 330 - reach, 27 + reach : 400 - reach]
    found = crop.pixels[reach:-reach, reach:-reach]
    assert min(found.shape) > 50
    np.testing.assert_allclose(found, whole.pixels[inside], atol=1e-6)


@pytest.mark.parametrize("first", [(0, 0), (9, 27)])
def test_factors_are_those_of_components_in_the_whole_frame(frame, first):
    reflections = np.array([[0.1, -0.05], [0.0, 1 / 9]])
    rows, columns = NormalizedFrame(frame, None, PERIOD, first).factors(reflections)
    y, x = (np.arange(n) + start for n, start in zip(SHAPE, first, strict=True))
    for found, frequency, place in zip(
        (rows, columns), reflections.T, (y, x), strict=True
    ):
        expected = np.exp(2j * np.pi * np.outer(frequency, place))
        np.testing.assert_allclose(found[0] + 1j * found[1], expected, atol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_residuals_are_sums_of_squares_of_valid_pixels(frame, mask, masked):
    normalized = NormalizedFrame(frame, mask if masked else None, PERIOD)
    template = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    difference = (normalized.pixels - template).astype(float)
    if masked:
        difference[mask] = 0
    np.testing.assert_allclose(
        normalized.residuals(template), sum_blocks(difference**2, 3), rtol=1e-5
    )


@pytest.mark.parametrize("value", [1e5, 1e22, 3.4e38, 1e300])
def test_a_spike_changes_nothing_but_its_own_pixel(value):
    frame = crystal((120, 140))
    hit = frame.copy()
    hit[60, 70] = value
    clean, found = (NormalizedFrame(each, None, PERIOD) for each in (frame, hit))
    others = np.ones(frame.shape, bool)
    others[60, 70] = False
    assert found.pixels[60, 70] == 0
    np.testing.assert_allclose(
        found.pixels[others], clean.pixels[others], rtol=0.05, atol=0.05
    )


def test_the_edge_of_a_vacuum_is_no_spike():
    frame = crystal((120, 140))
    frame[:, 70:] = 1e-3 * np.random.default_rng(0).normal(size=(120, 70))
    normalized = NormalizedFrame(frame, None, PERIOD)
    # Blocks of which a column is across the edge tell nothing.
    assert normalized.counts.sum() >= frame.size - 3 * 120


@pytest.mark.parametrize("factor", [1e-200, 1e-25, 1e-12, 1e12, 1e25, 1e150])
def test_frames_of_any_scale(frame, factor):
    expected = NormalizedFrame(frame, None, PERIOD).pixels
    found = NormalizedFrame(frame * factor, None, PERIOD).pixels
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_crop_of_a_frame(masked):
    rng = np.random.default_rng(0)
    frame = rng.random((40, 70))
    mask = rng.random(frame.shape) < 0.1 if masked else None
    normalized = NormalizedFrame(frame, mask, 9.0)
    # To the right edge, where the last cell has 7 columns.
    crop = normalized.crop(np.s_[9:27, 18:70])
    np.testing.assert_array_equal(crop.pixels, normalized.pixels[9:27, 18:])
    np.testing.assert_array_equal(crop.counts, normalized.counts[3:9, 6:])
    np.testing.assert_array_equal(crop.energies, normalized.energies[3:9, 6:])
    np.testing.assert_array_equal(crop.cell_counts, normalized.cell_counts[1:3, 2:])
    template = rng.random(crop.shape).astype(np.float32)
    whole = np.zeros(frame.shape, np.float32)
    whole[9:27, 18:] = template
    np.testing.assert_array_equal(
        crop.residuals(template), normalized.residuals(whole)[3:9, 6:]
    )


def test_a_crop_has_components_of_its_own():
    normalized = NormalizedFrame(np.random.default_rng(0).random((40, 70)), None, 9.0)
    rows, columns = normalized.crop(np.s_[9:27, 18:70]).factors(np.array([[0.1, 0.2]]))
    np.testing.assert_array_equal(rows[:, 0, 0], [1, 0])
    np.testing.assert_array_equal(columns[:, 0, 0], [1, 0])


def test_stacked_windows_are_those_of_their_frames(frame, mask):
    whole = [NormalizedFrame(frame, each, PERIOD) for each in (None, mask)]
    windows = [each.crop(np.s_[18:45, 27:72]) for each in whole]
    stack = NormalizedFrame.stacked(windows)
    assert stack.shape == (27, 45)
    template = np.random.default_rng(0).normal(size=(2, 27, 45)).astype(np.float32)
    found = stack.residuals(template)
    for i, window in enumerate(windows):
        for name in ("pixels", "counts", "energies", "cell_counts"):
            np.testing.assert_array_equal(
                getattr(stack, name)[i], getattr(window, name)
            )
        np.testing.assert_array_equal(found[i], window.residuals(template[i]))


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize("bright", [1e3, 1e9])
def test_what_is_blank_beside_a_bright_crystal_is_nothing(value, bright):
    frame = bright * crystal((90, 160))
    frame[:, :80] = value
    found = NormalizedFrame(frame, None, PERIOD).pixels
    # Out of reach of the window of the mean: 14 blocks of 3 pixels.
    assert np.abs(found[:, :36]).max() < 1e-6
    assert found[:, 80:].std() > 0.5


def test_a_weak_contrast_far_from_something_bright_survives():
    frame = 1000 * (1 + 1e-4 * (crystal((270, 120)) - 10))
    expected = NormalizedFrame(frame, None, PERIOD).pixels
    frame[:30, :30] = 1e9
    found = NormalizedFrame(frame, None, PERIOD).pixels
    # Out of reach of both windows: 14 and 27 blocks of 3 pixels.
    np.testing.assert_allclose(found[160:], expected[160:], atol=1e-4)


def test_only_some_blocks():
    values = np.random.default_rng(0).normal(size=(31, 40))
    frame = NormalizedFrame(values, None, 9.0)
    blocks = np.zeros(frame.counts.shape, bool)
    blocks[2:6, 1:7] = True
    found = frame.only(blocks)
    assert found.counts.sum() == 4 * 6 * 9
    assert found.cell_counts.sum() == 4 * 6 * 9
    np.testing.assert_array_equal(found.pixels[6:18, 3:21], frame.pixels[6:18, 3:21])
    assert np.count_nonzero(found.pixels) == np.count_nonzero(frame.pixels[6:18, 3:21])
    assert np.count_nonzero(found.energies) == 24
    assert frame.counts.sum() == 31 * 40
