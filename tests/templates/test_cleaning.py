# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.cleaning import CleanFrame
from hyperspy_symseg.templates.normalized_frame import BLOCKS_IN_CELL, NormalizedFrame

from .conftest import PERIOD, lattice

SHAPE = (270, 290)


@pytest.fixture(scope="module")
def frame():
    noise = np.random.default_rng(0).normal(size=SHAPE)
    return 20 + lattice(0, SHAPE) + 0.5 * noise


def clean(frame, mask=None):
    return CleanFrame(frame, mask, 3, BLOCKS_IN_CELL)


def normalised(frame):
    return NormalizedFrame(frame, None, PERIOD)


def test_nothing_is_left_out_of_a_frame_that_is_in_order(frame):
    found = clean(frame)
    np.testing.assert_array_equal(found.values, frame)
    assert found.valid is None
    assert found.flat is None
    assert found.n_lines == 0
    assert not found.is_levelled


def test_sums_are_of_what_is_left(frame):
    bad = frame.copy()
    bad[90:130, 100:160] = 255
    bad[200] = 1e5
    bad[30, 40] = 1e5
    found = clean(bad)
    left = np.ones(SHAPE, bool)
    left[90:130, 100:160] = left[200] = left[30, 40] = False
    np.testing.assert_array_equal(found.valid, left)
    np.testing.assert_array_equal(found.values, np.where(left, frame, 0))
    cells = np.add.reduceat(left, range(0, SHAPE[0], 9), axis=0, dtype=int)
    cells = np.add.reduceat(cells, range(0, SHAPE[1], 9), axis=1)
    np.testing.assert_array_equal(found.cells[2], cells)


def test_flat_areas_are_told_from_what_is_masked(frame):
    bad = frame.copy()
    bad[90:130, 100:160] = 255
    mask = np.zeros(SHAPE, bool)
    mask[90:130, :120] = True
    flat = np.zeros(SHAPE, bool)
    flat[90:130, 120:160] = True
    np.testing.assert_array_equal(clean(bad, mask).flat, flat)


@pytest.mark.parametrize("axis", [0, 1])
def test_offsets_of_lines_do_not_matter(frame, axis):
    offsets = 5 * np.random.default_rng(1).normal(size=SHAPE[1 - axis])
    found = normalised(frame + np.expand_dims(offsets, axis))
    # A running mean over 16 cells takes little off a lattice that is not aligned.
    expected = normalised(frame).pixels
    assert found.levelled is not None
    assert np.corrcoef(found.pixels.ravel(), expected.ravel())[0, 1] > 0.97


def test_offsets_are_seen_where_most_is_not_recorded(frame):
    offsets = 5 * np.random.default_rng(1).normal(size=(SHAPE[0], 1))
    bad = frame + offsets
    bad[80:] = 0
    assert clean(bad).is_levelled
    whole = frame.copy()
    whole[80:] = 0
    assert not clean(whole).is_levelled


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("amplitude", [0, 0.75])
def test_offsets_are_seen_under_a_moire_along_the_lines(frame, axis, amplitude):
    moire = 6 * np.cos(2 * np.pi / 61 * np.arange(SHAPE[axis]))
    offsets = amplitude * np.random.default_rng(1).normal(size=SHAPE[1 - axis])
    offsets = np.expand_dims(offsets, axis)
    changed = frame + np.expand_dims(moire, 1 - axis) + offsets
    assert clean(changed).is_levelled == bool(amplitude)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_jump_of_the_gain_matters_only_where_it_is(frame, axis):
    gain = np.ones(SHAPE[axis])
    gain[130:] = 1000
    found = normalised(frame * np.expand_dims(gain, 1 - axis)).pixels
    found, expected = (
        np.moveaxis(each, axis, 0) for each in (found, normalised(frame).pixels)
    )
    for near in (np.s_[90:115], np.s_[145:170]):
        correlation = np.corrcoef(found[near].ravel(), expected[near].ravel())[0, 1]
        assert correlation > 0.8


@pytest.mark.parametrize(("gain", "jumps"), [(30, False), (1000, True)])
def test_a_jump_of_the_gain_is_told(frame, gain, jumps):
    changed = frame.copy()
    changed[130:] *= gain
    assert normalised(changed).has_jump is jumps
