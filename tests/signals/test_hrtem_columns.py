# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of columns in HRTEM, by the method of signals."""

import logging

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.signals import Signal2D
from scipy.spatial import cKDTree

from hyperspy_symseg.simulate import hrtem

SHAPE, PIXEL = (130, 150), 0.2
SIZE = 26.0, 30.0


def columns_of(signal, **asked):
    return signal.find_atomic_columns(**asked, show_progressbar=False)


def f1(found, true, radius=4.0, edge=4.0):
    """Harmonic mean of recall and precision, without what is at an edge."""
    inner = np.subtract(SHAPE, 1) - edge
    found, true = (
        x[((x >= edge) & (x <= inner)).all(axis=1)] for x in (found[:, :2], true)
    )
    recall = np.mean(cKDTree(found).query(true)[0] < radius)
    precision = np.mean(cKDTree(true).query(found)[0] < radius)
    return 2 * recall * precision / (recall + precision)


def off(found, true, radius=4.0):
    """Root mean square of the distance along an axis, of what is found."""
    away = cKDTree(true).query(found[:, :2])[0]
    return np.sqrt(np.mean(away[away < radius] ** 2) / 2)


def simulated(specimen, defocus, dose=400, voltage=80):
    microscope = hrtem.Microscope(voltage, defocus)
    return hrtem.frame(specimen, microscope, SHAPE, PIXEL, dose=dose, seed=1)


@pytest.fixture(scope="module")
def sheet():
    return hrtem.graphene(SIZE, vacancies=0.03, seed=5)


@pytest.fixture(scope="module")
def graphene(sheet):
    return simulated(sheet, -60)


@pytest.mark.parametrize("defocus", [-60, 60])
def test_graphene_of_either_contrast(sheet, defocus):
    s, truth = simulated(sheet, defocus)
    [found] = columns_of(s, material="graphene").data
    assert f1(found, truth.occupied) > 0.95
    # The mean of bright columns is above 0.
    assert np.sign(np.median(found[:, 5])) == -np.sign(defocus)


@pytest.mark.parametrize("defocus", [-80, 80])
def test_mos2_of_either_contrast(defocus):
    s, truth = simulated(hrtem.mos2(SIZE, vacancies=0.03, seed=6), defocus)
    [found] = columns_of(s, material="MoS2").data
    assert f1(found, truth.occupied) > 0.95


@pytest.mark.parametrize(("defocus", "contrast"), [(-40, "bright"), (40, "dark")])
def test_a_particle_whose_contrast_is_told(defocus, contrast):
    gold = hrtem.particle(SIZE, zone="110", radius=10.0, seed=6)
    s, truth = simulated(gold, defocus, voltage=300)
    [found] = columns_of(s, material="metal", contrast=contrast).data
    assert f1(found, truth.occupied) > 0.95


@pytest.mark.parametrize("contrast", ["auto", "bright"])
def test_bright_places_between_columns_of_a_thick_particle_are_none(contrast):
    gold = hrtem.particle(SIZE, zone="100", radius=11.0, seed=2)
    s, truth = simulated(gold, -48, voltage=300)
    [found] = columns_of(s, material="metal", contrast=contrast).data
    # Of 118 columns; the network finds up to 62 places more.
    assert len(found) <= len(truth.occupied) + 1
    assert f1(found, truth.occupied) > 0.98


def test_cells_of_a_crystal_tell_more_together(sheet):
    s, truth = simulated(sheet, -60, dose=12)
    seg = s.segment_symmetry(1, show_progressbar=False)
    [alone] = columns_of(s, material="graphene").data
    [together] = columns_of(s, seg=seg, material="graphene").data
    assert f1(together, truth.occupied) > f1(alone, truth.occupied) + 0.005
    assert f1(together, truth.occupied) > 0.92
    # Each by itself is off by three quarters of a pixel. Some 130 cells, whose columns
    # scatter little about their sites, tell these six times as well.
    assert off(together, truth.occupied) < off(alone, truth.occupied) / 3


def test_the_network_alone_takes_no_labels(sheet):
    s, _ = simulated(sheet, -60, dose=12)
    seg = s.segment_symmetry(1, show_progressbar=False)
    [expected] = columns_of(s, material="graphene").data
    [found] = columns_of(s, seg=seg, method="network", material="graphene").data
    np.testing.assert_array_equal(found, expected)


def test_the_table_has_names_and_errors(graphene):
    columns = columns_of(graphene[0], material="graphene")
    assert columns.column_names == [
        "y",
        "x",
        "y_error",
        "x_error",
        "probability",
        "contrast",
    ]
    [found] = columns.data
    assert ((found[:, 2:4] > 0) & (found[:, 2:4] < 3)).all()
    assert (np.diff(found[:, 0]) >= 0).all()
    assert columns.metadata.Atomic_columns.material == "graphene"


def test_fine_pixels_are_binned(graphene):
    s, _ = graphene
    fine = Signal2D(np.kron(s.data, np.ones((3, 3))))
    for axis in fine.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL / 3, "Å"
    fine = fine.isig[:447, :390]
    [expected] = columns_of(s, material="graphene").data
    [found] = columns_of(fine, material="graphene").data
    # Three pixels are two of the network: 0.067 A become 0.133 A.
    away, _ = cKDTree(found[:, :2]).query(3 * expected[:, :2] + 1)
    assert np.mean(away < 3) > 0.93


def test_units_of_axes_are_understood(graphene):
    s, _ = graphene
    [expected] = columns_of(s, material="graphene").data
    s = s.deepcopy()
    for axis in s.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL / 10, "nm"
    [found] = columns_of(s, material="graphene").data
    np.testing.assert_array_equal(found, expected)
    [inches] = columns_of(s, material="graphene", calibrated=True).data
    np.testing.assert_allclose(inches[:, :4], PIXEL / 10 * expected[:, :4])


def test_a_mask_has_no_columns_in_it(graphene):
    s, _ = graphene
    mask = np.zeros(SHAPE, bool)
    mask[:, 70:] = True
    [found] = columns_of(s, material="graphene", mask=mask).data
    assert len(found) > 20
    assert found[:, 1].max() < 70


def test_a_lazy_series_is_the_same_later(graphene):
    s, _ = graphene
    series = Signal2D(np.stack([s.data, s.data[::-1]]))
    now = columns_of(series, material="graphene")
    later = columns_of(series.as_lazy(), material="graphene")
    assert later._lazy
    later.compute()
    for one, other in zip(now.data, later.data, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pixels_too_large_are_said(graphene):
    s = graphene[0].deepcopy()
    for axis in s.axes_manager.signal_axes:
        axis.scale = 0.5
    with pytest.warns(UserWarning, match=r"^Pixels are 0.5 angstroms, larger") as told:
        s.find_atomic_columns(material="graphene", show_progressbar=False)
    assert told[0].filename == __file__


def test_a_voltage_that_was_not_seen_is_said(graphene):
    s = graphene[0].deepcopy()
    s.metadata.Acquisition_instrument.TEM.beam_energy = 200
    said = "not trained for a voltage of 200 kV .trained: 60 to 80"
    with pytest.warns(UserWarning, match=said) as told:
        s.find_atomic_columns(material="graphene", show_progressbar=False)
    assert told[0].filename == __file__


@pytest.mark.parametrize("defocus", [-90, 90])
def test_a_defocus_that_was_not_seen_is_said(sheet, defocus):
    s, _ = simulated(sheet, defocus)
    said = "a defocus of 90 angstroms .trained: 35 to 60"
    with pytest.warns(UserWarning, match=said):
        s.isig[:64, :60].find_atomic_columns(
            material="graphene", show_progressbar=False
        )


def test_the_defocus_may_be_that_of_an_axis(graphene):
    small = graphene[0].isig[:64, :60]
    s = hs.stack([small, small])
    axis = s.axes_manager.navigation_axes[0]
    axis.name, axis.units, axis.offset, axis.scale = "defocus", "nm", 5.0, 3.0
    with pytest.warns(UserWarning, match="a defocus of 80 angstroms"):
        s.find_atomic_columns(material="graphene", show_progressbar=False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("voltage", [None, 60, 80])
def test_a_voltage_that_was_seen_or_is_not_known_is_not_worth_a_word(graphene, voltage):
    s = graphene[0].isig[:64, :60]
    s.metadata.Acquisition_instrument.TEM.beam_energy = voltage
    columns_of(s, material="graphene")


@pytest.mark.filterwarnings("error")
def test_a_scale_that_no_image_of_columns_has_is_an_error(graphene):
    s = graphene[0].deepcopy()
    for axis in s.axes_manager.signal_axes:
        axis.scale, axis.units = 5e-14, "m"
    with pytest.raises(ValueError, match="^y must have the scale of an image") as error:
        columns_of(s, material="graphene")
    assert "pixels of 0.0005 angstroms: all 130" in str(error.value)


def test_that_the_sign_is_open_is_said(graphene, caplog):
    with caplog.at_level(logging.WARNING):
        columns_of(graphene[0], material="metal")
    assert "cannot be told" in caplog.text


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"material": "gold"}, "material"),
        ({"material": "MoS2", "contrast": "bright"}, "contrast"),
        ({"material": "metal", "method": "crystal"}, "method"),
        ({"material": "metal", "seg": 3}, "seg"),
        ({"material": "metal", "probability": 2}, "probability"),
    ],
)
def test_what_is_not_allowed_is_named(graphene, asked, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be"):
        columns_of(graphene[0], **asked)
