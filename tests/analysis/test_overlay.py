# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from hyperspy_symseg.analysis.overlay import pattern_colors, tint
from hyperspy_symseg.plotting import UNLABELLED_COLOR


@pytest.mark.parametrize("n_patterns", [1, 2, 7, 14, 15, 127])
def test_all_colours_differ(n_patterns):
    colors = pattern_colors(n_patterns)[1]
    assert len(np.unique(colors, axis=0)) == n_patterns


def test_colours_without_a_name_above_fourteen():
    assert all(pattern_colors(14)[0])
    assert not any(pattern_colors(15)[0])


# G. M. Machado et al., IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009): linear RGB as
# it looks without one of the three kinds of cones.
VISIONS = {
    "all": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def cielab(colors, vision):
    """Colours (n, 3) in CIELAB under D65, as they are seen."""
    linear = np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )
    seen = np.clip(linear @ np.transpose(VISIONS[vision]), 0, 1)
    x, y, z = np.cbrt(seen @ np.transpose(TO_XYZ) / [0.95047, 1, 1.08883]).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("n_patterns", [7, 14])
def test_colours_with_a_name_are_told_apart(n_patterns, vision):
    colors = np.vstack([pattern_colors(n_patterns)[1], to_rgb(UNLABELLED_COLOR)])
    seen = cielab(colors, vision)
    distances = np.linalg.norm(seen[:, np.newaxis] - seen, axis=2)
    np.fill_diagonal(distances, np.inf)
    # Two is what is just seen where colours touch.
    assert distances[:n_patterns, :n_patterns].min() > 15
    # Grey, of pixels without a label.
    assert distances[-1].min() > 9


def test_tint_of_black_and_white_with_and_without_a_label():
    frame = np.array([[0.0, 0.0, 1.0, 1.0]])
    image = tint(frame, np.array([[0, -1, 0, -1]]), 1, saturation=1)
    # Half of (230, 159, 0).
    np.testing.assert_array_equal(image[0, 0], (115, 80, 0))
    np.testing.assert_array_equal(image[0, 1], 0)
    np.testing.assert_array_equal(image[0, 2], (230, 159, 0))
    np.testing.assert_array_equal(image[0, 3], 255)


def test_tint_without_saturation_is_the_micrograph_in_grey():
    frame = np.arange(256.0).reshape(2, 128)
    image = tint(frame, np.zeros((2, 128), int), 1, saturation=0)
    np.testing.assert_array_equal(image[..., 0], image[..., 1])
    np.testing.assert_array_equal(image[..., 0], image[..., 2])
    assert image[0, 0, 0] == 0
    assert image[1, 127, 0] == 255


@pytest.mark.parametrize("frame", [np.ones((2, 3)), np.full((2, 3), np.nan)])
def test_tint_of_a_frame_without_contrast(frame):
    image = tint(frame, np.full((2, 3), -1), 1)
    np.testing.assert_array_equal(image, np.zeros_like(image))


def test_pixel_that_is_not_finite_is_black_whatever_its_label():
    image = tint(np.array([[0.0, 1.0, np.nan]]), np.zeros((1, 3), int), 1)
    np.testing.assert_array_equal(image[0, 2], 0)
    assert image[0, 0].any()


def test_pixel_that_is_not_finite_does_not_change_the_others():
    frame = np.array([[0.0, 1.0, np.nan]])
    image = tint(frame, np.full((1, 3), -1), 1)
    np.testing.assert_array_equal(image[0, :, 0], [0, 255, 0])
