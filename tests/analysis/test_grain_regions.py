# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the regions of labels, against ndimage and scikit-image."""

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.analysis.grain_regions import Regions

LABELS = np.random.default_rng(0).integers(-1, 3, (13, 17))
REGIONS = Regions.of(LABELS)


def pixels():
    """Rows and columns of the pixels of each region."""
    image = REGIONS.image()
    return [np.argwhere(image == i) for i in range(REGIONS.n)]


def test_regions_are_those_of_ndimage():
    image, n = REGIONS.image(), 0
    for pattern in range(3):
        found, count = ndimage.label(pattern == LABELS)
        n += count
        for i in range(1, count + 1):
            (number,) = set(image[found == i])
            assert (image == number).sum() == (found == i).sum()
    assert REGIONS.n == n
    np.testing.assert_array_equal(image < 0, LABELS < 0)


def test_they_are_in_the_order_of_their_first_pixels():
    flat = REGIONS.image().ravel()
    first = [np.flatnonzero(flat == i)[0] for i in range(REGIONS.n)]
    assert first == sorted(first)


def test_corners_do_not_connect():
    assert Regions.of(np.eye(3, dtype=int)).areas.tolist() == [1, 3, 3, 1, 1]


def test_nor_do_the_ends_of_rows():
    found = Regions.of(np.array([[0, 1], [1, 0]]))
    np.testing.assert_array_equal(found.areas, [1, 1, 1, 1])


def test_small_regions_are_left_out():
    labels = np.array([[0, 1, 1], [0, 0, 2]])
    found = Regions.of(labels, 2)
    np.testing.assert_array_equal(found.image(), [[0, 1, 1], [0, 0, -1]])
    np.testing.assert_array_equal(found.patterns, [0, 1])


def test_no_region():
    found = Regions.of(np.full((3, 4), -1, np.int8))
    assert found.n == 0
    assert found.boxes().shape == (0, 2, 2)
    assert found.moments()[1].shape == (0, 2, 2)
    assert (found.image() == -1).all()


def test_moments():
    middles, covariances = REGIONS.moments()
    for own, middle, covariance in zip(pixels(), middles, covariances, strict=True):
        np.testing.assert_allclose(middle, own.mean(axis=0))
        np.testing.assert_allclose(
            covariance, np.cov(own.T, bias=True).reshape(2, 2), atol=1e-12
        )


def test_boxes():
    for own, box in zip(pixels(), REGIONS.boxes(), strict=True):
        np.testing.assert_array_equal(box[:, 0], own.min(axis=0))
        np.testing.assert_array_equal(box[:, 1], own.max(axis=0) + 1)


@pytest.mark.parametrize("at_once", [1, 40, 10**6])
def test_means_leave_out_what_is_not_finite(at_once):
    values = np.random.default_rng(1).random(LABELS.shape)
    single = next(i for i in range(REGIONS.n) if REGIONS.areas[i] == 1)
    values[REGIONS.image() == single] = np.inf
    values[2, 3] = np.nan
    found = REGIONS.means(values, at_once)
    finite = np.isfinite(values)
    for i, mean in enumerate(found):
        own = values[(REGIONS.image() == i) & finite]
        assert np.isnan(mean) if not own.size else mean == pytest.approx(own.mean())
    assert np.isnan(found[single])
