# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of channels over patterns, against sums pixel by pixel."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.analysis import ChannelSums
from hyperspy_symseg.analysis.channels import as_frames, in_blocks, pattern_sums
from hyperspy_symseg.frames.run import FrameError, run

RNG = np.random.default_rng(3)
SHAPE = (13, 17)
LABELS = RNG.integers(-1, 3, SHAPE).astype(np.int8)
COUNTS = RNG.poisson(0.4, (*SHAPE, 5, 6)).astype(np.uint16)
WEIGHTS = RNG.random(SHAPE)
WEIGHTS[2, 3] = np.nan


def slow(labels, values, weights=None, power=1):
    """Sums pixel by pixel."""
    sums = np.zeros((3, *values.shape[2:]))
    for index in np.ndindex(labels.shape):
        if labels[index] < 0:
            continue
        weight = 1 if weights is None else np.nan_to_num(weights[index])
        sums[labels[index]] += weight**power * values[index]
    return sums


def summed(values, labels=LABELS, n_navigation=2, **others):
    options = {"n_patterns": 3, "variance": "counts", "lazy_output": False}
    sources = {"values": values}
    for name in ("weights", "variances"):
        if name in others:
            sources[name] = others.pop(name)
    return pattern_sums(labels, sources, n_navigation, **options | others)


def test_sums_are_those_pixel_by_pixel():
    np.testing.assert_array_equal(summed(COUNTS)["sum"], slow(LABELS, COUNTS))


def test_numbers_of_pixels():
    counts = np.bincount(LABELS[LABELS >= 0])
    np.testing.assert_array_equal(summed(COUNTS)["n_pixels"], counts)


def test_weights():
    found = summed(COUNTS, weights=WEIGHTS)
    np.testing.assert_allclose(found["sum"], slow(LABELS, COUNTS, WEIGHTS))
    ones = np.ones(SHAPE)
    np.testing.assert_allclose(found["weight"], slow(LABELS, ones, WEIGHTS))
    np.testing.assert_allclose(found["weight_2"], slow(LABELS, ones, WEIGHTS, 2))
    np.testing.assert_allclose(found["variance"], slow(LABELS, COUNTS, WEIGHTS, 2))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_more_channels_than_are_added_up_at_once(weights):
    values = RNG.poisson(0.3, (*SHAPE, 2100)).astype(np.uint16)
    given = {} if weights is None else {"weights": weights}
    found = summed(values, **given)
    weights = np.ones(SHAPE) if weights is None else np.nan_to_num(weights)
    by = np.stack([(weights * (k == LABELS)).ravel() for k in range(3)])
    values = values.reshape(-1, 2100)
    np.testing.assert_allclose(found["sum"], by @ values)
    np.testing.assert_allclose(found["variance"], by**2 @ values)


def test_a_pixel_without_a_weight_is_not_counted():
    weights = np.where(np.arange(17) < 4, 0.5, 0) * np.ones(SHAPE)
    n = [(LABELS[:, :4] == k).sum() for k in range(3)]
    np.testing.assert_array_equal(summed(COUNTS, weights=weights)["n_pixels"], n)


def test_variances_that_are_given():
    variances = RNG.random(COUNTS.shape)
    found = summed(COUNTS, variances=variances)
    np.testing.assert_allclose(found["variance"], slow(LABELS, variances))


@pytest.mark.parametrize("value", [-0.1, np.inf])
def test_weights_that_are_not_allowed(value):
    weights = np.ones(SHAPE)
    weights[1, 2] = value
    with pytest.raises(ValueError, match="weights must be 0 or more, and finite"):
        summed(COUNTS, weights=weights)


@settings(deadline=None, max_examples=5)
@given(st.data())
def test_any_blocks(data):
    chunks = tuple(data.draw(st.integers(1, n)) for n in COUNTS.shape)
    array = da.from_array(COUNTS, chunks=chunks)
    expected = summed(COUNTS)
    for name, each in summed(array).items():
        np.testing.assert_array_equal(each, expected[name])


def test_blocks_of_channels_are_put_together():
    # Too large to be read together.
    labels = np.arange(600 * 600, dtype=np.int64).reshape(600, 600) % 4 - 1
    values = np.broadcast_to(np.arange(6.0).reshape(2, 3), (600, 600, 2, 3))
    array = da.from_array(values, chunks=(600, 600, 1, 1))
    assert in_blocks(array, 2).numblocks[2:] == (2, 3)
    expected = np.arange(6).reshape(2, 3) * 90_000
    for lazy_output in (False, True):
        found = summed(array, labels, lazy_output=lazy_output)
        assert isinstance(found["sum"], da.Array) == lazy_output
        np.testing.assert_array_equal(found["sum"], [expected] * 3)
        np.testing.assert_array_equal(found["n_pixels"], [90_000] * 3)


def test_each_block_is_read_once():
    read = []

    def reading(block):
        read.append(block.shape)
        return block

    array = da.from_array(COUNTS, chunks=(4, 5, 5, 3))
    array = array.map_blocks(reading, meta=np.empty((0,) * 4, np.uint16))
    summed(array)
    assert len(read) == 4 * 4 * 2


def test_channels_that_do_not_lie_beside_each_other():
    array = np.ascontiguousarray(COUNTS.transpose(3, 2, 1, 0)).transpose()
    assert isinstance(in_blocks(array, 2), da.Array)
    np.testing.assert_array_equal(summed(array)["sum"], slow(LABELS, COUNTS))


def test_channels_in_memory_are_not_copied():
    assert np.shares_memory(as_frames(in_blocks(COUNTS, 2), 2), COUNTS)


@pytest.mark.parametrize("dtype", ["?", "i1", ">u2", "i8", "f2", ">f4"])
def test_dtypes(dtype):
    values = COUNTS.astype(dtype)
    found = summed(values, variance="unknown")
    assert "variance" not in found
    np.testing.assert_array_equal(found["sum"], slow(LABELS, values))


def test_large_integers_are_exact():
    # As many channels as are added up in float32.
    values = np.full((301, 5, 70), 65535, np.uint16)
    found = summed(values, np.zeros((301, 5), np.int8))
    np.testing.assert_array_equal(found["sum"][0], 1505 * 65535)


def test_what_is_not_finite_stays_in_its_pattern():
    values = COUNTS.astype(float)
    values[LABELS == 1, 2, 3] = np.nan
    values[LABELS == -1] = np.inf
    found, expected = summed(values)["sum"], summed(COUNTS)["sum"]
    assert np.isnan(found[1, 2, 3])
    expected[1, 2, 3] = np.nan
    np.testing.assert_array_equal(found, expected)


def test_a_series():
    labels = np.stack([LABELS, LABELS[::-1]])
    values = np.stack([COUNTS, 2 * COUNTS])
    expected = [slow(LABELS, COUNTS), slow(LABELS[::-1], 2 * COUNTS)]
    chunked = da.from_array(values, chunks=(2, 5, 9, 5, 4))
    for each in (values, chunked):
        found = summed(each, labels, n_navigation=3)
        np.testing.assert_array_equal(found["sum"], expected)


def test_labels_of_one_image_for_a_series():
    values = np.stack([COUNTS, 2 * COUNTS])
    for each in (values, da.from_array(values, chunks=(1, 5, 9, 5, 4))):
        found = summed(each, n_navigation=3)
        np.testing.assert_array_equal(found["sum"][1], 2 * slow(LABELS, COUNTS))


def test_a_block_that_cannot_be_read_names_the_frame():
    def reading(block, block_info):
        if block_info[0]["chunk-location"] == (1, 0, 1):
            raise OSError("the disk is gone")
        return block

    values = np.stack([COUNTS[..., 0, 0]] * 2)
    array = da.from_array(values, chunks=(1, 13, 10))
    array = array.map_blocks(reading, meta=np.empty((0,) * 3, np.uint16))
    with pytest.raises(FrameError, match=r"^frame inav\[1\]: OSError: the disk"):
        run(ChannelSums(3), array, np.stack([LABELS] * 2))
