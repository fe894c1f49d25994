# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.analysis.overlay import pattern_colors, tint


@pytest.mark.parametrize("n_patterns", [1, 2, 7, 8, 127])
def test_all_colours_differ(n_patterns):
    colors = pattern_colors(n_patterns)[1]
    assert len(np.unique(colors, axis=0)) == n_patterns


def test_colours_without_a_name_above_seven():
    assert all(pattern_colors(7)[0])
    assert not any(pattern_colors(8)[0])


def test_tint_keeps_black_black_and_full_white_grey_without_label():
    frame = np.array([[0.0, 0.0, 1.0, 1.0]])
    image = tint(frame, np.array([[0, -1, 0, -1]]), 1, saturation=1)
    np.testing.assert_array_equal(image[0, :2], 0)
    np.testing.assert_array_equal(image[0, 2], (230, 159, 0))
    np.testing.assert_array_equal(image[0, 3], 255)


@pytest.mark.parametrize("frame", [np.ones((2, 3)), np.full((2, 3), np.nan)])
def test_tint_of_a_frame_without_contrast(frame):
    image = tint(frame, np.zeros((2, 3), int), 1)
    np.testing.assert_array_equal(image, np.zeros_like(image))


def test_pixel_that_is_not_finite_does_not_change_the_others():
    frame = np.array([[0.0, 1.0, np.nan]])
    image = tint(frame, np.full((1, 3), -1), 1)
    np.testing.assert_array_equal(image[0, :, 0], [0, 255, 0])
