# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how images of a focal series are joined."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg.analysis.focal_series import (
    FocalColumns,
    merged,
    missing_sites,
)
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.networks.hrtem_sites import patches_at

from .conftest import PIXEL, rows


def test_the_mean_is_weighted_by_the_errors():
    one, other = (
        rows(np.array([[10.0, 20]]), error=0.3),
        rows(np.array([[10.8, 20]]), 0.6, error=0.6),
    )
    found = merged([one, other], np.zeros((2, 2)), 2.0)
    # Weights 1 / 0.09 and 1 / 0.36: four to one.
    expected = [[10.16, 20, 0.2683, 0.2683, 0.75]]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_column_of_one_image_of_three_has_a_third_of_its_probability(places):
    none = rows(places[:0])
    found = merged([none, rows(places), none], np.zeros((3, 2)), 2.0)
    np.testing.assert_allclose(found[:, 4], 0.3)


def test_images_are_put_back_before_they_are_joined(places):
    shifts = np.array([[0, 0], [2.0, 1], [-1, 3]])
    found = merged([rows(places + s) for s in shifts], shifts, 4.0)
    assert len(found) == len(places)
    assert cKDTree(places).query(found[:, :2])[0].max() < 1e-9


def test_sites_of_the_lattice_are_missed(places):
    inner = ((places > 25) & (places < [105, 135])).all(axis=1)
    gone = np.flatnonzero(inner)[[3, 20, 41]]
    found = missing_sites(rows(np.delete(places, gone, axis=0)), PIXEL)
    away, _ = cKDTree(found[:, :2]).query(places[gone])
    assert away.max() < 0.5
    # The others are beyond the edges of the frame.
    far = np.delete(found, cKDTree(found[:, :2]).query(places[gone])[1], axis=0)
    assert not ((far[:, :2] > 2) & (far[:, :2] < [127, 157])).all(axis=1).any()


def test_the_middle_of_a_ring_is_no_site(places):
    found = missing_sites(rows(places), PIXEL)
    assert not ((found[:, :2] > 2) & (found[:, :2] < [127, 157])).all(axis=1).any()


def test_vacuum_has_no_columns():
    noise = np.random.default_rng(0).poisson(50, (3, 90, 100))
    [rows] = run(FocalColumns("MoS2", (30.0, 60.0, 90.0), PIXEL), tuple(noise))
    assert rows.shape == (0, 10)


def test_patches_are_scaled_and_centred():
    image = np.ones((60, 70))
    image[30, 40] = 3
    images = np.stack([image] * 3)
    patches = patches_at(images, np.full((1, 3, 2), [30.5, 40.5]), 0.2)
    peak = np.unravel_index(patches[0, 0].argmax(), (32, 32))
    assert peak == (15, 15)
    mean = image.mean()
    assert patches[0, 0, 15, 15] == pytest.approx(5 * (3 / mean - 1))
    # Twice as fine: a pixel is a half.
    patches = patches_at(images, np.full((1, 3, 2), [30.0, 40.0]), 0.1)
    assert patches[0, 1].max() < 5 * (3 / mean - 1) / 1.5
