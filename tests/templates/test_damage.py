# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.damage import Lines, find_spikes

from .conftest import lattice

CELL = 9
SHAPE = (150, 200)


def noisy(seed=0, shape=SHAPE):
    noise = np.random.default_rng(seed).normal(size=shape)
    return 20 + lattice(0, shape) + noise


def aligned(width, period=CELL):
    """Rows of columns of a width along y, in noise."""
    y = np.arange(SHAPE[0]) % period - period // 2
    x = np.arange(SHAPE[1]) % period - period // 2
    profiles = (np.exp(-0.5 * (each / width) ** 2) for each in (y, x))
    return 30 * np.multiply.outer(*profiles) + noisy()


def spikes(frame):
    counts = np.ones(frame.shape)
    sums = (sum_blocks(each, CELL) for each in (frame, frame**2, counts))
    found = find_spikes(frame, *sums, CELL)
    return np.zeros(frame.shape, bool) if found is None else found


def lines(frame, valid=None, axis=1):
    return Lines(frame, valid, CELL, axis)


def test_a_saturated_square_is_a_spike():
    frame = noisy()
    frame[40:47, 61:69] = 65535
    np.testing.assert_array_equal(spikes(frame), frame == 65535)


def test_a_bright_square_with_a_structure_is_none():
    frame = noisy()
    frame[40:47, 61:69] *= 1000
    assert not spikes(frame).any()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("change", [12, -12, 1e6])
def test_lines_that_are_spoilt(axis, change):
    frame, expected = noisy(), np.zeros(SHAPE, bool)
    bad = np.moveaxis(frame, axis, 1), np.moveaxis(expected, axis, 1)
    bad[0][[0, 31, 32, -1]] += change
    bad[1][[0, 31, 32, -1]] = True
    found = lines(frame, axis=axis)
    np.testing.assert_array_equal(found.pixels(), expected)
    assert found.n_spoilt == 4
    assert not lines(frame, axis=1 - axis).spoilt.any()


@pytest.mark.parametrize("axis", [0, 1])
def test_dead_lines_of_a_lattice_are_spoilt(axis):
    # Their means are not beyond those between the columns.
    frame = aligned(2)
    bad = np.moveaxis(frame, axis, 1)
    bad[[20, 21, 22, 70]] = 3.5
    found = lines(frame, axis=axis)
    assert np.flatnonzero(found.spoilt.all(axis=1)).tolist() == [20, 21, 22, 70]


def test_a_dead_line_that_is_masked_in_places_is_spoilt():
    frame, valid = noisy(), np.ones(SHAPE, bool)
    frame[40] = 3.5
    valid[40, ::2] = False
    frame[~valid] = 0
    assert np.flatnonzero(lines(frame, valid).spoilt.any(axis=1)).tolist() == [40]


def test_constant_lines_between_columns_without_noise_are_not_spoilt():
    frame = np.round(aligned(1.5, 12) - noisy())
    assert (frame[0] == 0).all()
    assert not lines(frame).spoilt.any()


def test_stripes_without_noise_are_not_spoilt():
    stripes = np.repeat(np.arange(SHAPE[0])[:, np.newaxis] % 9, SHAPE[1], axis=1)
    assert not lines(stripes.astype(float)).spoilt.any()


def test_a_line_that_is_far_off_hides_no_other():
    frame = noisy()
    frame[59] = 65535
    frame[54] = 100
    assert np.flatnonzero(lines(frame).spoilt.all(axis=1)).tolist() == [54, 59]


def test_a_piece_of_a_line_is_spoilt():
    frame = noisy()
    frame[60, :100] += 50
    # Pieces are 72 pixels long: the second is spoilt in part.
    np.testing.assert_array_equal(lines(frame).spoilt[60], [True, True, False])


@pytest.mark.parametrize("width", [0.8, 1, 2])
@pytest.mark.parametrize("period", [CELL, 13])
@pytest.mark.parametrize("axis", [0, 1])
def test_rows_of_a_lattice_are_neither_spoilt_nor_offset(width, period, axis):
    found = lines(aligned(width, period), axis=axis)
    assert not found.spoilt.any()
    assert not found.have_offsets(np.full((3, 3), aligned(width, period).var()))


def test_masked_pixels_do_not_make_a_line():
    frame, valid = noisy(), np.ones(SHAPE, bool)
    valid[60, :60] = False
    frame[~valid] = 0
    assert not lines(frame, valid).spoilt.any()


@pytest.mark.parametrize("amplitude", [1, 3])
@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_are_seen_and_taken_off(amplitude, axis):
    frame = noisy()
    n = SHAPE[1 - axis]
    own = amplitude * 5 * np.random.default_rng(1).normal(size=n)
    changed = frame + np.expand_dims(own, axis)
    found = lines(changed, axis=axis)
    assert found.have_offsets(np.full((3, 3), changed.var()))
    assert not lines(changed, axis=1 - axis).have_offsets(
        np.full((3, 3), changed.var())
    )
    before = np.moveaxis(frame - lines(frame, axis=axis).offsets(), axis, 1)
    after = np.moveaxis(changed - found.offsets(), axis, 1)
    np.testing.assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_that_no_span_tells_are_seen_in_whole_lines(axis):
    shape = 300, 400
    own = 0.5 * np.random.default_rng(1).normal(size=shape[1 - axis])
    changed = noisy(shape=shape) + np.expand_dims(own, axis)
    # Over the variance of the mean of independent pixels it is 0.25 * 72 / 3 = 6 in a
    # span of 72 pixels, and 25 and 33 in lines of 300 and 400.
    variances = np.full((6, 6), 3.0)
    assert lines(changed, axis=axis).have_offsets(variances)
    assert not lines(changed, axis=1 - axis).have_offsets(variances)
    short = np.moveaxis(changed, axis, 1)[:, :72]
    assert not lines(short, axis=1).have_offsets(variances)


def test_a_lattice_along_the_lines_is_kept():
    shape = 300, 400
    y = np.arange(shape[0])[:, np.newaxis]
    own = 0.5 * np.random.default_rng(1).normal(size=(shape[0], 1))
    frame = noisy(shape=shape) + own
    variances = np.full((6, 6), 3.0)
    assert lines(frame).have_offsets(variances)
    along = np.cos(2 * np.pi * y / CELL)
    assert not lines(frame + along).have_offsets(variances)


def test_a_particle_has_no_offsets():
    rows, columns = np.indices(SHAPE)
    inside = np.hypot(rows - 70, columns - 90) < 50
    frame = np.where(inside, noisy() + 20, 20)
    variances = np.full((3, 3), frame.var())
    for axis in (0, 1):
        assert not lines(frame, axis=axis).have_offsets(variances)


@pytest.mark.parametrize("axis", [0, 1])
def test_lines_without_pixels_are_no_offsets(axis):
    # The pixels of a region, of a camera that adds much to all.
    frame, valid = 500 + noisy(), np.zeros(SHAPE, bool)
    y, x = np.indices(SHAPE)
    valid[np.hypot(y - 70, x - 80) < 45] = True
    frame[~valid] = 0
    found = lines(frame, valid, axis)
    assert not found.spoilt.any()
    assert not found.have_offsets(np.full((3, 3), frame[valid].var()))


def test_noise_has_no_offsets():
    frame = np.random.default_rng(2).normal(size=(400, 300))
    assert not lines(frame).have_offsets(np.ones((6, 6)))


def test_a_frame_smaller_than_a_piece():
    found = lines(noisy(shape=(20, 30)))
    assert found.spoilt.shape == (20, 1)
    assert not found.spoilt.any()
