# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.analysis.boundaries import (
    HALF_TURN,
    boundary_lengths,
    direction_weights,
)
from hyperspy_symseg.testing import label_maps

# By hand, for square pixels: half of the directions' shares of all angles, times the
# distances between their lines.
ALONG_AXIS = np.arctan(1 / 2) / 2
DIAGONAL = (np.pi / 4 - np.arctan(1 / 2)) / np.sqrt(2) / 2
KNIGHT = np.pi / 8 / np.sqrt(5) / 2


def half_plane(angle, shape=(301, 407), pixel_size=(1, 1), shift=7.3):
    """1 to one side of a line at an angle from x, and the line's length."""
    size = np.multiply(shape, pixel_size)
    centre = (size - pixel_size) / 2
    y, x = np.ogrid[: shape[0], : shape[1]]
    y, x = y * pixel_size[0] - centre[0], x * pixel_size[1] - centre[1]
    sine, cosine = np.sin(angle), np.cos(angle)
    # From where it meets one pair of edges to where it meets the other.
    ends = [(-1e9, 1e9)]
    for along, across, half in zip(
        (sine, cosine), (-cosine, sine), size / 2, strict=True
    ):
        if abs(along) > 1e-9:
            meets = (np.array([-half, half]) - shift * across) / along
            ends.append(sorted(meets))
    length = min(end for _, end in ends) - max(start for start, _ in ends)
    return (x * sine - y * cosine > shift).astype(np.int8), length


def disc(radius, centre=(0.2, 0.3), pixel_size=(1, 1)):
    n = int(2.4 * radius / min(pixel_size))
    y, x = np.mgrid[:n, :n] - (n // 2)
    y, x = (y + centre[0]) * pixel_size[0], (x + centre[1]) * pixel_size[1]
    return (np.hypot(y, x) < radius).astype(np.int8)


def reference(labels, n_patterns, pixel_size):
    """The same sum, pixel by pixel."""
    rows, columns = labels.shape
    lengths = np.zeros(n_patterns)

    def at(y, x):
        return labels[min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)]

    weights = direction_weights(pixel_size)
    for (y, x), label in np.ndenumerate(labels):
        for (dy, dx), weight in zip(HALF_TURN, weights, strict=True):
            for sign in (1, -1):
                middle = y + sign * dy / 2, x + sign * dx / 2
                between = [
                    at(int(row), int(column))
                    for row in (np.floor(middle[0]), np.ceil(middle[0]))
                    for column in (np.floor(middle[1]), np.ceil(middle[1]))
                ]
                other = at(y + sign * dy, x + sign * dx)
                if other != label and min(label, other, *between) >= 0:
                    lengths[label] += weight
    return lengths


def test_weights_of_square_pixels():
    expected = [ALONG_AXIS, KNIGHT, DIAGONAL, KNIGHT] * 2
    np.testing.assert_allclose(direction_weights((1, 1)), expected)


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_directions_share_all_angles(height, width):
    spacings = height * width / np.hypot(*np.multiply(HALF_TURN, (height, width)).T)
    angles = 2 * direction_weights((height, width)) / spacings
    assert (angles > 0).all()
    np.testing.assert_allclose(angles.sum(), np.pi)


def test_boundary_along_y():
    labels = np.repeat([[0, 0, 0, 0, 1, 1, 1]], 5, axis=0)
    # In each row, 1 pair along x, 1 along each diagonal, and 1 or 2 as knights move.
    a_row = ALONG_AXIS + 2 * DIAGONAL + 2 * KNIGHT + 2 * 2 * KNIGHT
    np.testing.assert_allclose(boundary_lengths(labels, 2), 5 * a_row)


def test_one_pixel():
    labels = np.zeros((7, 9), np.int8)
    labels[3, 4] = 1
    expected = 2 * (2 * ALONG_AXIS + 2 * DIAGONAL + 4 * KNIGHT)
    np.testing.assert_allclose(boundary_lengths(labels, 2)[1], expected)


def test_one_pixel_at_the_edge_has_three_sides():
    labels = np.zeros((7, 9), np.int8)
    labels[0, 4] = 1
    # Beyond the edge the pixel goes on as a strip.
    down = ALONG_AXIS + 2 * DIAGONAL + 4 * KNIGHT
    sides = 2 * ALONG_AXIS + 2 * DIAGONAL + 4 * KNIGHT
    found = boundary_lengths(labels, 2)[1]
    np.testing.assert_allclose(found, down + sides)


@settings(deadline=None)
@given(
    label_maps(),
    st.sampled_from([(1, 1), (2, 1), (0.3, 0.7)]),
)
def test_same_as_pixel_by_pixel(labels, pixel_size):
    np.testing.assert_allclose(
        boundary_lengths(labels, 3, pixel_size), reference(labels, 3, pixel_size)
    )


@pytest.mark.parametrize("degrees", range(0, 180, 7))
def test_line_at_any_angle(degrees):
    labels, length = half_plane(np.radians(degrees))
    np.testing.assert_allclose(boundary_lengths(labels, 2), length, rtol=0.02)


@pytest.mark.parametrize("degrees", range(0, 180, 13))
@pytest.mark.parametrize(
    ("pixel_size", "tolerance"), [((1, 1.5), 0.04), ((2, 1), 0.06)]
)
def test_line_of_pixels_that_are_not_square(degrees, pixel_size, tolerance):
    labels, length = half_plane(np.radians(degrees), pixel_size=pixel_size)
    found = boundary_lengths(labels, 2, pixel_size)
    np.testing.assert_allclose(found, length, rtol=tolerance)


@pytest.mark.parametrize("radius", [10, 23.4, 60])
@pytest.mark.parametrize("pixel_size", [(1, 1), (1, 0.5)])
def test_circle(radius, pixel_size):
    labels = disc(radius, pixel_size=pixel_size)
    found = boundary_lengths(labels, 2, pixel_size)
    np.testing.assert_allclose(found, 2 * np.pi * radius, rtol=0.01)


def test_lengths_have_the_unit_of_the_pixels():
    labels = disc(9)
    np.testing.assert_allclose(
        boundary_lengths(labels, 2, (0.02, 0.02)), 0.02 * boundary_lengths(labels, 2)
    )


def test_three_patterns_that_meet():
    y, x = np.mgrid[:201, :201] - 100.3
    labels = np.digitize(np.arctan2(y, x), [-np.pi / 3, np.pi / 3])
    labels[np.hypot(y, x) > 80] = -1
    # Two sides of 80 pixels each, less half a pixel at unlabelled ones.
    np.testing.assert_allclose(boundary_lengths(labels, 3), 159, rtol=0.02)


def test_pattern_between_two_has_the_boundaries_of_both():
    labels = np.repeat([0] * 8 + [1] * 6 + [2] * 9, 11).reshape(23, 11)
    left, middle, right = boundary_lengths(labels, 3)
    np.testing.assert_allclose([middle, right], [2 * left, left])


@pytest.mark.parametrize("label", [-1, 0])
def test_edges_of_the_frame_are_no_boundary(label):
    np.testing.assert_array_equal(boundary_lengths(np.full((5, 7), label), 2), 0)


def test_edges_of_unlabelled_pixels_are_no_boundary():
    labels = np.zeros((19, 23), np.int8)
    labels[5:12, 7:10] = -1
    np.testing.assert_array_equal(boundary_lengths(labels, 2), 0)


@pytest.mark.parametrize("diagonal", [False, True])
def test_boundary_under_a_line_of_unlabelled_pixels_has_no_length(diagonal):
    y, x = np.mgrid[:13, :17]
    from_line = x - y if diagonal else x - 8
    labels = np.where(from_line == 0, -1, from_line > 0)
    np.testing.assert_array_equal(boundary_lengths(labels, 2), 0)


def test_boundary_that_ends_at_unlabelled_pixels():
    labels = np.repeat([[0, 1]], 11, axis=1).repeat(40, axis=0)
    full = boundary_lengths(labels, 2)
    labels[25:] = -1
    found = boundary_lengths(labels, 2) / full * 40
    np.testing.assert_allclose(found, 25, atol=0.5)
