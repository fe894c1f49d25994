# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the outlines of regions and the boundaries between them."""

import numpy as np
import pytest

from hyperspy_symseg.analysis.boundaries import (
    HALF_TURN,
    boundary_lengths,
    direction_weights,
)
from hyperspy_symseg.analysis.grain_boundaries import Lengths, outlines
from hyperspy_symseg.analysis.grain_regions import Regions


def disc(radius, shape=(200, 210)):
    y, x = np.indices(shape)
    return ((y - 99.3) ** 2 + (x - 101.7) ** 2 < radius**2).astype(int)


@pytest.mark.parametrize("radius", [10, 30, 77])
def test_perimeter_of_a_disc(radius):
    found = Lengths.of(disc(radius) - 1, 1)
    assert found.perimeters[0] == pytest.approx(2 * np.pi * radius, rel=0.01)


def of_rectangle(rows, columns):
    """Crossings of the lines of each direction, by hand, with their weights."""
    weights = dict(zip(HALF_TURN, direction_weights((1, 1)), strict=True))
    # A line along (y, x) begins at the first y rows and, in the others, x columns.
    return sum(
        2 * weight * (abs(x) * rows + abs(y) * columns - abs(x * y))
        for (y, x), weight in weights.items()
    )


def test_perimeter_of_a_rectangle():
    image = np.full((60, 70), -1)
    image[10:40, 20:65] = 0
    found = Lengths.of(image, 1).perimeters[0]
    assert found == pytest.approx(of_rectangle(30, 45))
    assert found == pytest.approx(150, rel=0.03)


def test_the_edge_of_the_frame_is_an_outline():
    found = Lengths.of(np.zeros((30, 45), int), 1)
    assert found.perimeters[0] == pytest.approx(of_rectangle(30, 45))
    assert found.pairs.shape == (0, 2)


def test_pixels_of_other_sizes():
    image = disc(60) - 1
    found = Lengths.of(image[::2], 1, (2.0, 1.0))
    assert found.perimeters[0] == pytest.approx(2 * np.pi * 60, rel=0.02)


def test_boundaries_between_patterns_are_those_of_boundary_lengths():
    """Of grains that each are all of a pattern."""
    image = disc(60) + 2 * disc(20)
    found = Lengths.of(image, 4)
    expected = boundary_lengths(image, 4)
    np.testing.assert_array_equal(found.pairs, [(0, 1), (1, 3)])
    total = np.bincount(found.pairs.ravel(), np.repeat(found.lengths, 2), 4)
    np.testing.assert_allclose(total, expected)


def test_a_boundary_loses_nothing_at_the_edge():
    image = np.zeros((30, 40), int)
    image[:, 17:] = 1
    (length,) = Lengths.of(image, 2).lengths
    assert length == pytest.approx(boundary_lengths(image, 2)[0])


def test_rows_at_once_do_not_matter():
    image = Regions.of(np.random.default_rng(0).integers(-1, 3, (23, 31))).image()
    n = image.max() + 1
    expected = Lengths.of(image, n)
    found = Lengths.of(image, n, at_once=100)
    np.testing.assert_allclose(found.perimeters, expected.perimeters)
    np.testing.assert_array_equal(found.pairs, expected.pairs)
    np.testing.assert_allclose(found.lengths, expected.lengths)


def test_neighbours_share_a_side():
    image = np.array([[0, 1], [2, 3]])
    pairs = Lengths.of(image, 4).pairs
    np.testing.assert_array_equal(pairs, [(0, 1), (0, 2), (1, 3), (2, 3)])


def test_what_lies_between_is_no_boundary():
    image = np.zeros((20, 20), int)
    image[:, 10], image[:, 11:] = -1, 1
    assert Lengths.of(image, 2).pairs.shape == (0, 2)


def area(ring):
    """Signed area of corners (y, x): positive if clockwise with y downwards."""
    y, x = ring.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def rings(found, region):
    own = found[found[:, 0] == region]
    return [own[own[:, 1] == k][:, 2:] for k in np.unique(own[:, 1])]


def test_outlines_have_the_areas_of_regions():
    labels = np.random.default_rng(0).integers(-1, 2, (23, 31))
    regions = Regions.of(labels)
    found = outlines(regions.image())
    for i, expected in enumerate(regions.areas):
        outer, *holes = map(area, rings(found, i))
        assert outer > 0
        assert all(hole < 0 for hole in holes)
        assert outer + sum(holes) == expected


def test_a_ring_around_a_hole():
    image = np.zeros((5, 5), int)
    image[1:-1, 1:-1], image[2, 2] = 1, -1
    outer, hole = rings(outlines(image), 1)
    assert outer.tolist() == [[0.5, 0.5], [0.5, 3.5], [3.5, 3.5], [3.5, 0.5]]
    assert (area(outer), area(hole)) == (9, -1)


def test_a_hole_that_meets_the_outline_in_a_corner():
    image = np.array([[0, 0, 0], [0, -1, 0], [0, 0, -1]])
    outer, hole = rings(outlines(image), 0)
    assert (area(outer), area(hole)) == (8, -1)


def test_no_ring_meets_itself():
    image = Regions.of(np.random.default_rng(1).integers(0, 2, (40, 50))).image()
    found = outlines(image)
    assert len(np.unique(found, axis=0)) == len(found)


def test_neighbours_have_the_same_corners():
    image = disc(20, (130, 130))
    found = outlines(image)
    _, hole = rings(found, 0)
    (own,) = rings(found, 1)
    assert set(map(tuple, hole)) == set(map(tuple, own))


def test_no_region_has_no_outline():
    assert outlines(np.full((3, 4), -1)).shape == (0, 4)
