# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.networks.column_gaps import filled, seen_enough, spikes
from hyperspy_symseg.networks.column_network import find_columns, prepare

LIMITS = -50.0, 50.0


def everywhere(values):
    return np.isfinite(values)


def test_a_lonely_pixel_is_a_spike():
    values = np.zeros((5, 7))
    values[2, 3], values[4, 6] = 300, -300
    found = spikes(values, everywhere(values), LIMITS)
    assert np.argwhere(found).tolist() == [[2, 3], [4, 6]]


def test_the_top_of_a_narrow_column_is_no_spike():
    y, x = np.mgrid[:9, :11]
    values = 300 * np.exp(-((y - 4) ** 2 + (x - 5) ** 2) / 2 / 1.1**2)
    assert not spikes(values, everywhere(values), LIMITS).any()


def test_pixels_within_the_limits_are_no_spikes():
    values = np.zeros((5, 7))
    values[2, 3] = 49
    assert not spikes(values, everywhere(values), LIMITS).any()


def test_dead_rows_are_filled_and_holes_are_not():
    values = np.tile(np.arange(30.0), (20, 1))
    valid = np.ones(values.shape, bool)
    valid[7] = False
    valid[12:18, 10:20] = False
    found, used = filled(np.where(valid, values, np.nan), valid)
    np.testing.assert_allclose(found[7, 3:-3], values[7, 3:-3], atol=1e-9)
    assert used[7].all()
    assert not used[14:16, 12:18].any()


def test_a_frame_without_gaps_is_as_it_was():
    values = np.arange(12).reshape(3, 4)
    valid = np.ones(values.shape, bool)
    assert filled(values, valid) == (values, valid)


def test_columns_on_dead_rows_are_seen_if_they_are_wide():
    valid = np.ones((30, 20), bool)
    valid[15] = False
    assert seen_enough(valid, 2.0)[15, 10]
    assert not seen_enough(valid, 1.1)[15, 10]
    valid[10:20] = False
    assert not seen_enough(valid, 2.0)[15, 10]


@pytest.fixture(scope="module")
def frame():
    lattice = simulate.Lattice.square(12, orientation=20)
    return simulate.micrograph(lattice, (96, 108), dose=100, seed=0)[0].data.astype(
        float
    )


def test_columns_on_every_seventh_row_are_found(frame):
    valid = np.ones(frame.shape, bool)
    expected = find_columns(frame, valid)
    valid[3::7] = False
    found = find_columns(np.where(valid, frame, np.nan), valid)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found[:, :2].sum(0), expected[:, :2].sum(0), rtol=2e-3)


def test_a_hot_pixel_changes_nothing_but_near_it(frame):
    valid = np.ones(frame.shape, bool)
    hot = frame.copy()
    hot[40, 50] = 1e6
    expected, found = find_columns(frame, valid), find_columns(hot, valid)
    assert len(found) == len(expected)
    assert np.abs(found[:, :2] - expected[:, :2]).max() < 0.5
    assert prepare(hot, valid).width == pytest.approx(prepare(frame, valid).width)
