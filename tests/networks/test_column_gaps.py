# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg import simulate
from hyperspy_symseg.networks.column_gaps import (
    filled,
    seen_enough,
    spikes,
    spoilt_rows,
)
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


def crystal(dose=100, **options):
    lattice = simulate.Lattice.square(12, orientation=options.pop("orientation", 7))
    return simulate.micrograph(lattice, (90, 110), dose=dose, seed=1, **options)[0]


@pytest.mark.parametrize("value", [-300, 500, 60000])
@pytest.mark.parametrize("row", [0, 41, 89])
def test_a_row_that_is_off_is_spoilt(row, value):
    values = crystal().data.astype(float)
    values[row] = value
    assert np.flatnonzero(spoilt_rows(values, everywhere(values))).tolist() == [row]


@pytest.mark.parametrize("orientation", [0, 7])
@pytest.mark.parametrize("dose", [0.3, 100, 20000])
def test_rows_of_columns_are_not_spoilt(dose, orientation):
    values = crystal(dose, orientation=orientation, column_width=1.2).data
    assert not spoilt_rows(values, everywhere(values)).any()


def test_stripes_as_narrow_as_columns_are_not_spoilt():
    stripes = 300 * np.exp(-((np.arange(90) % 30 - 14) ** 2) / 2 / 1.2**2)
    values = np.tile(stripes[:, np.newaxis], (1, 70))
    assert not spoilt_rows(values, everywhere(values)).any()


def test_an_edge_is_not_spoilt():
    values = np.zeros((40, 50))
    values[20:] = 9
    assert not spoilt_rows(values, everywhere(values)).any()


@pytest.mark.parametrize("line", [np.s_[41, :], np.s_[:, 17]])
def test_a_spoilt_line_does_not_hide_the_columns(line):
    s = crystal()
    asked = {"method": "network", "show_progressbar": False}
    [expected] = s.find_atomic_columns(**asked).data
    s.data[line] = 500
    [found] = s.find_atomic_columns(**asked).data
    away, _ = cKDTree(found[:, :2]).query(expected[:, :2])
    assert np.mean(away < 1) > 0.97


def test_a_spoilt_row_does_not_hide_the_columns_of_a_material():
    sheet = simulate.hrtem.graphene((20.0, 24.0), seed=2)
    microscope = simulate.hrtem.Microscope(80, -60)
    s, _ = simulate.hrtem.frame(sheet, microscope, (100, 120), dose=400)
    asked = {"material": "graphene", "show_progressbar": False}
    [expected] = s.find_atomic_columns(**asked).data
    s.data[33] = 5000
    [found] = s.find_atomic_columns(**asked).data
    away, _ = cKDTree(found[:, :2]).query(expected[:, :2])
    assert np.mean(away < 2) > 0.97
