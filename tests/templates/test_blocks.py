# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_symseg.templates.blocks import (
    centres,
    difference_products,
    eroded,
    interpolated,
    largest_between,
    local_mean,
    products,
    sum_blocks,
    window_means,
)

from ..conftest import gaussian_means


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 7))
def test_sums_over_squares(rows, columns, side):
    array = np.arange(rows * columns).reshape(rows, columns) % 13
    expected = [
        [array[i : i + side, j : j + side].sum() for j in range(0, columns, side)]
        for i in range(0, rows, side)
    ]
    np.testing.assert_array_equal(sum_blocks(array, side), expected)


def test_centres_of_blocks():
    # Blocks of 3 pixels; the last ones have 1 row and 2 columns.
    rows, columns = centres((10, 14), 3)
    np.testing.assert_array_equal(rows, [1, 4, 7, 9])
    np.testing.assert_array_equal(columns, [1, 4, 7, 10, 13])


@pytest.mark.parametrize("width", [1.5, 4.5])
def test_local_means_are_those_of_the_definition(width):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 10, (20, 27))
    sums = rng.normal(size=counts.shape) * counts
    np.testing.assert_allclose(
        local_mean(sums, counts, width), gaussian_means(sums, counts, width)
    )


def test_local_mean_is_0_where_there_are_no_pixels():
    assert not local_mean(np.zeros((5, 7)), np.zeros((5, 7)), 1.5).any()


def test_squares_of_several_frames_are_done_one_by_one():
    array = np.random.default_rng(0).random((3, 7, 11))
    weights = np.array([0.4, 0.2, 0.1], np.float32)
    for function in (
        lambda each: sum_blocks(each, 3),
        lambda each: local_mean(each, np.ones_like(each), 1.5),
        lambda each: window_means(each, weights),
    ):
        expected = np.stack([function(each) for each in array])
        np.testing.assert_array_equal(function(array), expected)


@given(st.integers(1, 9), st.integers(1, 70), st.integers(2, 14))
def test_window_means_are_those_of_padded_squares(rows, columns, n_weights):
    rng = np.random.default_rng(0)
    array, weights = rng.normal(size=(rows, columns)), rng.random(n_weights)
    reach = n_weights - 1
    both = np.concatenate([weights[:0:-1], weights])
    padded = np.pad(array, reach)
    for axis in (0, 1):
        padded = np.apply_along_axis(np.convolve, axis, padded, both, mode="valid")
    found = window_means(array, weights.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, padded, atol=1e-4)
    np.testing.assert_allclose(window_means(array, weights), padded, atol=1e-12)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("height", "width"), [(12, 12), (13, 71), (35, 150), (5, 4), (1, 1), (150, 270)]
)
@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 50])
@pytest.mark.parametrize("more", [(), (2, 3)])
def test_products_are_summed_over_blocks(height, width, side, more):
    first, second = random(2, height, width), random(*more, 2, height, width, seed=1)
    found = products(first, second, side)
    assert found.dtype == np.float32
    whole = first.astype(float) * second
    for axis in (-2, -1):
        whole = np.add.reduceat(whole, range(0, whole.shape[axis], side), axis)
    np.testing.assert_allclose(found, whole, atol=1e-4)


@pytest.mark.parametrize("side", [2, 3])
def test_products_do_not_depend_on_where_the_frame_is_cut(side):
    first, second = random(1, 60, 180), random(2, 3, 1, 60, 180, seed=1)
    inside = np.s_[..., 18:, 30:153]
    whole = products(first, second, side)
    found = products(first[inside].copy(), second[inside].copy(), side)
    cut = np.s_[..., 18 // side :, 30 // side : -(-153 // side)]
    inner = np.s_[..., :-1] if 153 % side else np.s_[..., :]
    np.testing.assert_array_equal(found[inner], whole[cut][inner])


def test_products_of_no_components():
    assert products(random(1, 4, 5), random(2, 0, 1, 4, 5), 3).shape == (2, 0, 1, 2, 2)


@pytest.mark.parametrize("margin", [1, 2, 5])
def test_eroded_blocks_are_those_of_scipy(margin):
    blocks = np.random.default_rng(0).random((2, 30, 41)) < 0.97
    cross = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    expected = ndimage.binary_erosion(blocks, cross, margin, border_value=1)
    np.testing.assert_array_equal(eroded(blocks, margin), expected)


@pytest.mark.parametrize("shape", [(2, 9, 20), (3, 4, 37)])
def test_a_smaller_window_is_left_out(shape):
    blocks = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    window, smaller = np.float32([0.2, 0.1, 0.05]), np.float32([0.2, 0.1])
    expected = window_means(blocks, window) - window_means(blocks, smaller)
    found = window_means(blocks, window, smaller)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_products_of_differences(side):
    arrays = np.random.default_rng(0).normal(size=(4, 2, 11, 13)).astype(np.float32)
    one, other = arrays[:2], arrays[2:]
    expected = products(one[0] - one[1], other[0] - other[1], side)
    found = difference_products(tuple(one), tuple(other), side)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 40)),
    st.integers(1, 6),
    st.sampled_from([np.float32, np.float64, np.int16]),
    st.integers(0, 9),
)
@settings(deadline=None)
def test_the_largest_between_blocks_is_that_of_interpolated_arrays(
    shape, side, dtype, seed
):
    # Of few values, so that some are the same.
    arrays = np.random.default_rng(seed).integers(0, 4, shape).astype(dtype)
    arrays = arrays.astype(np.float32)
    rows, columns = (np.arange(side * n) for n in shape[1:])
    columns = columns[len(columns) // 3 :]
    found = largest_between(arrays, side, rows, columns)
    assert found.dtype == np.int16
    expected = interpolated(arrays, side, rows, columns).argmax(axis=0)
    np.testing.assert_array_equal(found, expected)


def test_the_largest_between_blocks_of_many_rows():
    arrays = np.random.default_rng(0).random((3, 31, 5)).astype(np.float32)
    rows, columns = np.arange(31 * 40), np.arange(7, 190)
    expected = interpolated(arrays, 40, rows, columns).argmax(axis=0)
    np.testing.assert_array_equal(largest_between(arrays, 40, rows, columns), expected)


def test_pixels_between_blocks_are_on_the_line_through_their_middles():
    blocks = np.random.default_rng(0).random((2, 4, 7)).astype(np.float32)
    rows, columns = np.arange(2, 10), np.arange(3, 20)
    found = interpolated(blocks, 3, rows, columns)
    places = np.meshgrid((rows - 1) / 3, (columns - 1) / 3, indexing="ij")
    for own, expected in zip(found, blocks, strict=True):
        slow = ndimage.map_coordinates(expected, places, order=1, mode="nearest")
        np.testing.assert_allclose(own, slow, atol=1e-6)
