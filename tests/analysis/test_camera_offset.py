# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a camera adds to its counts."""

import warnings

import numpy as np
import pytest

from hyperspy_symseg.analysis.camera_offset import camera_offset, warn_of_offset


@pytest.fixture(scope="module")
def counts():
    """Two images of counts, whose means vary by a quarter."""
    y, x = np.indices((150, 170))
    means = 60 * (1 + 0.35 * np.sin(x / 4) * np.cos(y / 5))
    return np.random.default_rng(0).poisson(means, (2, 150, 170)).astype(float)


@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("gain", [1.0, 0.02, 300.0])
def test_the_offset_is_found_whatever_the_gain(counts, share, gain):
    offset, error = camera_offset(gain * (counts + 60 * share))
    assert offset == pytest.approx(share / (1 + share), abs=0.1)
    assert 0 < error < 0.1


def test_pixels_that_do_not_count_do_not_matter(counts):
    images = counts.copy()
    images[:, 40:60] = np.nan
    offset, _ = camera_offset(images)
    assert offset == pytest.approx(0, abs=0.1)


def test_even_images_tell_nothing():
    noise = np.random.default_rng(0).poisson(50, (1, 90, 100)).astype(float)
    assert np.isnan(camera_offset(noise)).all()
    assert np.isnan(camera_offset(np.full((1, 30, 40), np.nan))[0])


def test_an_offset_is_worth_a_warning(counts):
    with pytest.warns(UserWarning, match="do not seem to be 0 without electrons"):
        warn_of_offset(counts + 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_offset(counts)
