# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.frames.flat import constant_pixels, flat_areas

BLOCK = 4
SHAPE = (150, 190)


def found(frame, valid=None, block=BLOCK):
    values = np.array(frame, np.float64)
    if valid is not None:
        values[~valid] = 0
    flat = flat_areas(values, valid, block)
    return np.zeros(values.shape, bool) if flat is None else flat


def area(*window, shape=SHAPE):
    flat = np.zeros(shape, bool)
    flat[window] = True
    return flat


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=SHAPE)


@pytest.mark.parametrize("value", [0, 255, -1.1, 1e9 + 0.3])
def test_an_area_is_found_to_its_pixels(value):
    flat = area(slice(21, 63), slice(50, 163))
    np.testing.assert_array_equal(found(np.where(flat, value, noise())), flat)


@pytest.mark.parametrize("side", [23, 24])
@pytest.mark.parametrize("first", [40, 41, 42, 43])
def test_an_area_is_made_of_squares_of_six_blocks(side, first):
    square = slice(first, first + side)
    flat = area(square, square)
    expected = flat if side == 24 else np.zeros(SHAPE, bool)
    np.testing.assert_array_equal(found(np.where(flat, 7, noise())), expected)


def test_areas_of_two_values_side_by_side():
    left, right = area(np.s_[:], np.s_[:77]), area(np.s_[:], np.s_[77:130])
    frame = np.where(left, 0, np.where(right, 255, noise()))
    np.testing.assert_array_equal(found(frame), left | right)


def test_a_frame_of_one_value():
    assert found(np.full(SHAPE, 3.7)).all()


def test_values_that_differ_by_little_are_data():
    frame = 1e6 * np.ones(SHAPE)
    frame += 1e-9 * noise()
    assert not found(frame).any()


# Per pixel: at 0.02, one in twenty squares of 12 x 12 pixels is empty.
@pytest.mark.parametrize("mean", [0.005, 0.02, 0.05, 0.1, 0.3, 3])
@pytest.mark.parametrize("seed", range(3))
def test_empty_pixels_of_few_counts_are_data(mean, seed):
    frame = np.random.default_rng(seed).poisson(mean, (300, 310))
    assert not found(frame).any()


@pytest.mark.parametrize("mean", [0.2, 0.5, 5])
def test_what_was_not_recorded_among_few_counts(mean):
    frame = np.random.default_rng(0).poisson(mean, SHAPE)
    frame[50:90, 20:80] = 0
    flat = found(frame)
    assert flat[50:90, 20:80].all()
    assert np.count_nonzero(flat) <= 1.1 * 40 * 60


def test_invalid_pixels_are_not_flat():
    flat = area(slice(20, 80), slice(30, 90))
    valid = ~area(slice(60, 150), slice(0, 190))
    expected = flat & valid
    np.testing.assert_array_equal(found(np.where(flat, 7, noise()), valid), expected)


@pytest.mark.parametrize("mean", [0.05, 0.02, 0.01, 0.003])
def test_a_vacuum_with_few_counts_beside_a_particle_is_data(mean):
    y, x = np.mgrid[:300, :310]
    inside = np.hypot(y - 150, x - 160) < 90
    frame = np.random.default_rng(0).poisson(np.where(inside, 20, mean))
    assert found(frame).mean() < 0.02


@pytest.mark.parametrize("angle", [0, 17, 45])
def test_gaps_between_sharp_columns_are_data(angle):
    y, x = np.mgrid[:200, :210]
    turn = np.deg2rad(angle)
    along = (x * np.cos(turn) + y * np.sin(turn)) % 13 - 6.5
    across = (y * np.cos(turn) - x * np.sin(turn)) % 13 - 6.5
    columns = 200 * np.exp(-(along**2 + across**2) / 2)
    assert not found(np.floor(columns)).any()


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**32 - 1))
def test_flat_squares_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    shape, side = rng.integers(1, 14, 2), int(rng.integers(2, 6))
    values = (rng.random(shape) < rng.choice([0.02, 0.1, 0.5])).astype(float)
    valid = rng.choice([None, 1])
    if valid is not None:
        valid = rng.random(shape) > 0.03
    expected = np.zeros(shape, bool)
    for y in range(shape[0] - side + 1):
        for x in range(shape[1] - side + 1):
            square = np.s_[y : y + side, x : x + side]
            same = (values[square] == values[y, x]).all()
            if same and (valid is None or valid[square].all()):
                expected[square] = True
    np.testing.assert_array_equal(constant_pixels(values, valid, side), expected)
