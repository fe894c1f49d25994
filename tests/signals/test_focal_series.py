# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what columns are, from focal series, by the method of signals."""

import warnings

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg.simulate import hrtem

SHAPE, PIXEL = (130, 150), 0.2
SIZE = 26.0, 30.0
DEFOCI = [30.0, 62.0, 94.0]


def columns_of(signal, **asked):
    return signal.find_atomic_columns(**asked, show_progressbar=False)


def simulated(specimen, voltage, dose=200):
    microscope = hrtem.Microscope(voltage, focal_spread=8, vibration=0.1, mtf=0.8)
    return hrtem.focal_series(
        specimen, microscope, SHAPE, PIXEL, DEFOCI, dose=dose, drift=3, seed=2
    )


@pytest.fixture(scope="module")
def mos2():
    return simulated(hrtem.mos2(SIZE, vacancies=0.2, seed=4), 80)


@pytest.fixture(scope="module")
def sites(mos2):
    return columns_of(mos2[0], material="MoS2", focal_series=True)


def classes_at(rows, truth):
    """Classes where columns are, -1 where there is no row; and what is true."""
    inner = ((truth.positions > 6) & (truth.positions < np.subtract(SHAPE, 7))).all(1)
    away, which = cKDTree(rows[:, :2]).query(truth.positions[inner])
    return np.where(away < 4, rows[which, 5], -1), inner


def test_sites_of_mos2_are_told(mos2, sites):
    truth = mos2[1]
    found, inner = classes_at(sites.data[0], truth)
    is_mo = (truth.elements == "Mo") & (truth.counts > 0)
    expected = np.where(is_mo, 3, truth.counts)[inner]
    assert np.mean(found == expected) > 0.95
    # Sites that have lost all of their atoms, and those that have lost one.
    for kind in (0, 1):
        assert np.mean(found[expected == kind] == kind) > 0.8


def test_the_table_of_mos2_has_names(sites):
    names = ["class", "p_none", "p_1S", "p_2S", "p_Mo"]
    assert sites.column_names == ["y", "x", "y_error", "x_error", "probability", *names]
    [rows] = sites.data
    np.testing.assert_allclose(rows[:, 6:].sum(axis=1), 1)
    np.testing.assert_array_equal(rows[:, 6:].argmax(axis=1), rows[:, 5])
    np.testing.assert_allclose(sites.metadata.Atomic_columns.defoci, DEFOCI)


def test_defoci_may_be_given(mos2, sites):
    s = mos2[0].deepcopy()
    s.axes_manager[0].units = ""
    found = columns_of(s, material="MoS2", focal_series=DEFOCI)
    np.testing.assert_array_equal(found.data[0], sites.data[0])
    with pytest.raises(ValueError, match="^focal_series must be three defoci"):
        columns_of(s, material="MoS2", focal_series=True)


def test_lazy_series_are_the_same_later(mos2, sites):
    later = columns_of(mos2[0].as_lazy(), material="MoS2", focal_series=True)
    assert later._lazy
    later.compute()
    np.testing.assert_array_equal(later.data[0], sites.data[0])


def test_what_is_outside_of_the_training_is_said(mos2):
    s = mos2[0].deepcopy()
    s.metadata.Acquisition_instrument.TEM.beam_energy = 300
    with pytest.warns(UserWarning, match=r"voltage 300 \(trained: 60 to 80\)"):
        columns_of(s, material="MoS2", focal_series=True)


def test_what_is_inside_is_not(mos2):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns_of(mos2[0], material="MoS2", focal_series=True)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"material": "graphene", "focal_series": True}, "material"),
        ({"focal_series": True}, "material"),
        ({"material": "MoS2", "focal_series": [1, 2]}, "focal_series"),
        ({"material": "MoS2", "focal_series": "yes"}, "focal_series"),
        ({"material": "MoS2", "focal_series": 60.0}, "focal_series"),
        ({"material": "MoS2", "focal_series": None}, "focal_series"),
        ({"material": "metal", "focal_series": True, "contrast": "dark"}, "contrast"),
        ({"material": "MoS2", "focal_series": True, "seg": 3}, "seg"),
    ],
)
def test_what_is_not_allowed_is_named(mos2, asked, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be"):
        columns_of(mos2[0], **asked)


@pytest.fixture(scope="module")
def gold():
    specimen = hrtem.particle(SIZE, zone="100", radius=9.0, seed=4)
    return simulated(specimen, 300)


def test_atoms_of_a_metal_are_counted(gold):
    s, truth = gold
    with pytest.warns(UserWarning, match="Numbers of atoms are experimental"):
        columns = columns_of(s, material="metal", focal_series=True)
    assert columns.column_names[5:8] == ["atoms", "p_0", "p_1"]
    [rows] = columns.data
    np.testing.assert_allclose(rows[:, 6:].sum(axis=1), 1)
    found, inner = classes_at(rows, truth)
    expected = truth.counts[inner]
    assert expected.max() > 3
    assert np.mean(np.abs(found - expected) <= 1) > 0.95
    assert np.mean(found == expected) > 0.75
    # Next to nothing where there is no column.
    away, _ = cKDTree(truth.positions).query(rows[:, :2])
    assert np.mean(away > 4) < 0.05


def test_a_particle_is_followed_as_far_as_it_drifts(gold):
    s = gold[0]
    moved = s.deepcopy()
    moved.data[1:] = np.roll(s.data[1:], (-9, 14), axis=(1, 2))
    expected, rows = (
        columns_of(each, material="metal", focal_series=True).data[0]
        for each in (s, moved)
    )
    away, which = cKDTree(rows[:, :2]).query(expected[:, :2])
    near = away < 1
    assert near.mean() > 0.97
    assert np.mean(rows[which, 5][near] == expected[near, 5]) > 0.97


def test_a_drift_that_is_too_large_is_said(mos2):
    s = mos2[0].deepcopy()
    s.data[1] = np.roll(s.data[1], 9, axis=1)
    with pytest.warns(UserWarning, match="^Image 1 of the focal series seems"):
        columns_of(s, material="MoS2", focal_series=True)


def test_a_particle_that_is_elsewhere_is_said(gold):
    s = gold[0].deepcopy()
    # Farther than a quarter of a side.
    s.data[2] = np.roll(s.data[2], 60, axis=1)
    with pytest.warns(UserWarning, match="^Image 2 of the focal series may be moved"):
        columns_of(s, material="metal", focal_series=True)


def test_an_offset_of_the_camera_is_said(mos2):
    s = mos2[0].deepcopy()
    s.data += np.uint16(s.data.mean())
    with pytest.warns(UserWarning, match="^Intensities of the focal series do not"):
        columns_of(s, material="MoS2", focal_series=True)


def test_a_series_without_columns_has_an_empty_table(gold):
    even = gold[0].deepcopy()
    even.data[:] = 100
    with warnings.catch_warnings():
        # Of means of nothing.
        warnings.simplefilter("error", RuntimeWarning)
        found = columns_of(even, material="metal", focal_series=np.True_)
    assert found.data[0].shape == (0, 22)


def test_a_single_image_is_no_series(mos2):
    with pytest.raises(ValueError, match="^focal_series must be of a signal of three"):
        columns_of(mos2[0].inav[0], material="MoS2", focal_series=True)


def test_the_order_of_the_images_does_not_matter(mos2, sites):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = columns_of(mos2[0].inav[::-1], material="MoS2", focal_series=True)
    # Places are those in the first image, which the last one was.
    shift = mos2[0].metadata.Simulation.shifts[-1]
    [expected], [rows] = sites.data, found.data
    away, which = cKDTree(rows[:, :2]).query(expected[:, :2] + shift)
    near = away < 2
    assert near.mean() > 0.95
    assert np.mean(rows[which, 5][near] == expected[near, 5]) > 0.97


def test_intensities_below_zero_have_no_contrast(mos2):
    s = mos2[0].deepcopy()
    s.change_dtype(float)
    s.data[1] -= 2 * s.data[1].mean()
    with pytest.raises(RuntimeError, match=r"images of .* mean of -.* in image 1"):
        columns_of(s, material="MoS2", focal_series=True)


@pytest.mark.parametrize("given", [object(), {30.0, 60.0, 90.0}, None])
def test_what_is_no_sequence_of_defoci_is_named(mos2, given):
    with pytest.raises(TypeError, match="^focal_series must be"):
        columns_of(mos2[0], material="MoS2", focal_series=given)


def test_a_mask_may_be_that_of_one_image_or_of_all(mos2):
    mask = np.zeros(SHAPE, bool)
    mask[:, 70:] = True
    one, other = (
        columns_of(mos2[0], material="MoS2", focal_series=True, mask=m).data[0]
        for m in (mask, np.stack([mask, mask & False, mask]))
    )
    assert len(one) > 20
    # A column is in the table if 0.6 of it is seen, and so are sites beside columns.
    assert np.mean(one[:, 1] < 71) > 0.9
    np.testing.assert_array_equal(one, other)


def test_a_hot_row_of_one_image_does_not_change_the_classes(mos2, sites):
    s = mos2[0].deepcopy()
    s.data[1, 70] = 60000
    [rows] = columns_of(s, material="MoS2", focal_series=True).data
    [expected] = sites.data
    away, which = cKDTree(rows[:, :2]).query(expected[:, :2])
    assert np.mean((away < 2) & (rows[which, 5] == expected[:, 5])) > 0.9


def test_fine_pixels_of_few_electrons_are_binned():
    size, pixel = (20.0, 24.0), 0.13
    sheet = hrtem.mos2(size, vacancies=0.1, seed=3)
    microscope = hrtem.Microscope(80, focal_spread=8, vibration=0.1, mtf=0.8)
    asked = {"dose": 300 * pixel**2, "drift": 3, "seed": 1}
    given = sheet, microscope, (154, 185), pixel, DEFOCI
    s, truth = hrtem.focal_series(*given, **asked)
    [rows] = columns_of(s, material="MoS2", focal_series=True).data
    away, which = cKDTree(rows[:, :2]).query(truth.positions)
    expected = np.where(truth.elements == "Mo", 3, truth.counts)
    # A third of them, before.
    assert np.mean((away < 4) & (rows[which, 5] == expected)) > 0.8


def test_a_dead_image_is_an_error(mos2):
    s = mos2[0].deepcopy()
    s.data[2] = 0
    with pytest.raises(RuntimeError, match=r"images of .* mean of 0 in image 2"):
        columns_of(s, material="MoS2", focal_series=True)
