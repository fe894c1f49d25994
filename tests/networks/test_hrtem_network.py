# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the networks of classes of materials."""

import logging

import numpy as np
import pytest

from hyperspy_symseg.networks import hrtem_network as networks
from hyperspy_symseg.networks.column_layers import example_planes


@pytest.mark.parametrize("material", networks.MATERIALS)
def test_cells_are_those_of_torch(material):
    network = networks.hrtem_network(material)
    found, expected = network.cells(example_planes()), network.weights["torch_cells"]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("material", networks.MATERIALS)
def test_files_say_what_was_seen(material):
    weights = networks.hrtem_network(material).weights
    for name, interval in networks.RANGES[material].items():
        np.testing.assert_allclose(weights[f"range_{name}"], interval)


@pytest.mark.parametrize(
    ("pixel_size", "binning"), [(None, 1), (0.3, 1), (0.1, 1), (0.099, 2), (0.03, 4)]
)
def test_fine_pixels_are_binned_into_the_range(pixel_size, binning):
    assert networks.binning_of("graphene", pixel_size) == binning


@pytest.mark.parametrize("material", networks.MATERIALS)
def test_any_fine_pixel_gets_into_the_range(material):
    low, high = networks.RANGES[material]["pixel_size"]
    for size in np.geomspace(0.01, high, 50):
        assert low - 1e-9 <= size * networks.binning_of(material, size) <= high


def test_an_unknown_size_is_in_the_log(caplog):
    with caplog.at_level(logging.WARNING):
        networks.warn_of_pixel_size("MoS2", None)
    assert "0.12 to 0.26 angstroms" in caplog.text


@pytest.mark.parametrize("size", [0.2, np.float32(0.3)])
def test_a_size_within_the_range_is_not_worth_a_word(size, recwarn, caplog):
    # In single precision, 0.3 is a little more.
    networks.warn_of_pixel_size("metal", [float(size), float(size)])
    assert not recwarn.list
    assert not caplog.text


def test_that_pixels_are_no_squares_is_said():
    with pytest.warns(UserWarning, match="^Pixels are 0.15 angstroms along y"):
        networks.warn_of_pixel_size("MoS2", [0.15, 0.2])


def test_all_of_a_microscope_that_was_not_seen_is_said_at_once():
    known = {"voltage": 200, "defocus": [40, -90], "spherical_aberration": -5.5}
    said = (
        r"a voltage of 200 kV \(trained: 60 to 80\), a defocus of 90 angstroms "
        r"\(trained: 35 to 60\), a spherical aberration of -5.5 micrometres"
    )
    with pytest.warns(UserWarning, match=said):
        networks.warn_of_microscope("graphene", known)


def test_a_microscope_of_the_range_is_not_worth_a_word(recwarn):
    known = {"voltage": 80, "defocus": -60, "spherical_aberration": 5}
    networks.warn_of_microscope("graphene", known)
    networks.warn_of_microscope("graphene", {})
    assert not recwarn.list
