# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how images at different defocus are aligned to each other."""

import numpy as np
import pytest

from hyperspy_symseg.analysis.focal_alignment import (
    drifts_farther,
    shift_of,
    shift_of_outlines,
)
from hyperspy_symseg.simulate import hrtem

from .conftest import PIXEL, rows


@pytest.mark.parametrize("shift", [(0, 0), (2.6, -2.9), (-3, 3)])
def test_shifts_are_found_though_columns_are_missing(places, shift):
    rng = np.random.default_rng(1)
    first, other = (
        x[rng.random(len(x)) < 0.7] + rng.normal(0, 0.2, (1, 2)) * 0
        for x in (places, places + shift)
    )
    other = other + rng.normal(0, 0.25, other.shape)
    found, count = shift_of(rows(first), rows(other), 0.8)
    assert count > 0.3 * len(places)
    np.testing.assert_allclose(found, shift, atol=0.15)


def test_a_drift_at_the_end_is_found_or_seen(places):
    for drift in (5.2, 5.7, 5.9, 6.4):
        other = places + np.array([0, drift])
        (_, found), _ = shift_of(rows(places), rows(other), 0.8)
        is_found = found == pytest.approx(drift)
        assert is_found or drifts_farther(rows(places), rows(other), 0.8)


@pytest.mark.parametrize(("shift", "expected"), [((3, -2), False), ((4, 8), True)])
def test_a_drift_that_is_too_large_is_seen(places, shift, expected):
    # Of the whole lattice, whose constant is 16 pixels.
    rng = np.random.default_rng(1)
    first, other = (x[rng.random(len(x)) < 0.8] for x in (places, places + shift))
    assert drifts_farther(rows(first), rows(other), 0.8) == expected


def test_no_columns_are_not_shifted(places):
    found, count = shift_of(rows(places), rows(places[:0]), 0.8)
    np.testing.assert_array_equal(found, 0)
    assert not count


def test_columns_are_looked_for_around_a_rough_drift(places):
    far = np.array([13.2, -21.0])
    found, count = shift_of(rows(places), rows(places + far), 0.8, [12, -20], 4.0)
    assert count == len(places)
    np.testing.assert_allclose(found, far, atol=1e-9)
    assert not drifts_farther(rows(places), rows(places + far), 0.8, [12, -20], 4.0)


def test_few_columns_that_agree_say_nothing(places):
    rng = np.random.default_rng(3)
    other = rng.uniform((0, 0), (130, 160), places.shape)
    found, count = shift_of(rows(places), rows(other), 0.8, [2, -1])
    assert 0 < count < 0.1 * len(places)
    np.testing.assert_array_equal(found, [2, -1])


@pytest.fixture(scope="module")
def gold():
    """Images of a particle, which moves by 15 pixels, as its contrast changes."""
    specimen = hrtem.particle((24.0, 30.0), zone="110", radius=6.0, seed=4)
    microscope = hrtem.Microscope(300, focal_spread=8)
    defoci = [30.0, 65.0, 100.0]
    series, _ = hrtem.focal_series(
        specimen, microscope, (120, 150), PIXEL, defoci, dose=40, drift=15, seed=3
    )
    return series.data.astype(float), series.metadata.Simulation.shifts


def test_a_particle_is_where_its_contrast_is(gold):
    images, shifts = gold
    assert np.abs(shifts).max() > 10
    for image, shift in zip(images[1:], shifts[1:], strict=True):
        found, off = shift_of_outlines(images[0], image, PIXEL)
        assert (np.abs(found - shift) < off).all()
        assert off == pytest.approx(3)


def test_pixels_that_are_not_valid_do_not_count(gold):
    images, shifts = gold
    image = images[1].copy()
    image[10:14, 20:90] = np.nan
    found, off = shift_of_outlines(images[0], image, PIXEL)
    assert (np.abs(found - shifts[1]) < off).all()


def test_a_rim_that_no_image_has_is_no_outline(gold):
    images, shifts = gold
    one, other = (image.copy() for image in images[:2])
    one[:, :12] = other[:, :12] = np.nan
    found, off = shift_of_outlines(one, other, PIXEL)
    assert (np.abs(found - shifts[1]) < off).all()


@pytest.mark.parametrize("without", [0, 5, 20])
def test_noise_says_nothing_of_drift(without):
    noise = np.random.default_rng(0).poisson(40, (2, 90, 110)).astype(float)
    noise[:, :, :without] = np.nan
    assert shift_of_outlines(*noise, PIXEL) is None


def test_what_has_no_contrast_says_nothing_of_drift():
    assert shift_of_outlines(np.ones((40, 50)), np.ones((40, 50)), PIXEL) is None
