# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.networks.column_scale import binned, column_width, mean_and_spread
from hyperspy_symseg.simulate import Amorphous, Lattice

SHAPE = 250, 270


def frame(width, spacing, kind="hexagonal", dose=20.0):
    """Frame of columns with a spacing in widths."""
    spacing *= width
    if kind == "dumbbell":
        motif = ((0, 0, 1), (0.3, 0, 1))
        lattice = Lattice.rectangular(1.8 * spacing, 1.2 * spacing, 20, motif)
    elif kind == "amorphous":
        lattice = Amorphous(spacing**-2, 0.7 * spacing)
    else:
        lattice = getattr(Lattice, kind)(spacing, 20)
    signal, _ = simulate.micrograph(
        lattice, SHAPE, column_width=width, dose=dose, seed=1
    )
    return signal.data


def valid(values):
    return np.ones(values.shape, bool)


@pytest.mark.parametrize("kind", ["square", "hexagonal", "dumbbell", "amorphous"])
@pytest.mark.parametrize("width", [1.2, 2, 3.5, 5, 8, 10])
def test_widths_are_found(width, kind):
    found = column_width(frame(width, 6, kind), valid(frame(width, 6, kind)))
    assert 0.85 < found / width < 1.25


@pytest.mark.parametrize("spacing", [4.5, 9])
def test_the_spacing_matters_little(spacing):
    values = frame(3, spacing)
    assert 0.7 < column_width(values, valid(values)) / 3 < 1.25


def test_few_counts_are_enough():
    values = frame(2, 6, dose=0.5)
    assert 0.8 < column_width(values, valid(values)) / 2 < 1.25


def test_a_particle_is_no_column():
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    inside = np.hypot(y - 120, x - 150) < 70
    values = np.where(inside, frame(2, 6), 0)
    assert 0.85 < column_width(values, valid(values)) / 2 < 1.25


def test_a_hot_pixel_is_no_column():
    values = frame(5, 6).astype(float)
    values[40, 50] = 1e6
    assert 0.85 < column_width(values, valid(values)) / 5 < 1.25


def test_what_is_not_valid_is_not_seen():
    values = frame(3, 6).astype(float)
    used = valid(values)
    used[:, 100:110] = False
    values[:, 100:110] = np.nan
    assert 0.85 < column_width(values, used) / 3 < 1.25


def test_windows_of_a_large_frame():
    values = np.tile(frame(4, 6), (5, 5))
    assert 0.85 < column_width(values, valid(values)) / 4 < 1.25


@pytest.mark.parametrize("mean", [0.1, 1, 30])
def test_noise_has_no_width(mean):
    rng = np.random.default_rng(2)
    values = rng.poisson(mean, (5, *SHAPE))
    assert [column_width(each, valid(each)) for each in values] == [None] * 5


def test_a_ramp_has_no_width():
    ramp = np.linspace(5, 15, SHAPE[0])[:, np.newaxis] * np.ones(SHAPE)
    values = np.random.default_rng(2).poisson(ramp)
    assert column_width(values, valid(values)) is None


def test_a_ramp_hides_no_columns():
    values = frame(3, 6) * np.linspace(1, 4, SHAPE[0])[:, np.newaxis]
    assert 0.85 < column_width(values, valid(values)) / 3 < 1.25


def test_one_value_has_no_width():
    values = np.full((20, 30), 3)
    assert column_width(values, valid(values)) is None


def test_nothing_valid_has_no_width():
    assert column_width(np.ones((20, 30)), np.zeros((20, 30), bool)) is None


def test_mean_and_spread_leave_out_values_far_off():
    rng = np.random.default_rng(3)
    values = rng.normal(5, 2, (100, 100))
    values[40, 7] = 1e4
    mean, spread = mean_and_spread(values, valid(values))
    assert mean == pytest.approx(5, abs=0.1)
    assert spread == pytest.approx(2, abs=0.1)


def test_binned_by_hand():
    values = np.array([[1, 3, 5], [np.nan, 7, 9], [2, 4, 6]])
    used = np.array([[1, 1, 1], [0, 1, 1], [1, 1, 1]], bool)
    means, counted = binned(values, used, 2)
    np.testing.assert_allclose(means, [[11 / 3, 7], [3, 0]])
    # A quarter of the pixels is not enough.
    np.testing.assert_array_equal(counted, [[True, True], [True, False]])
