# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions as pixels, and as metadata have them: strokes of a brush, and in crops."""

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.axes import UniformDataAxis

from hyperspy_symseg.signals import BrushStroke
from hyperspy_symseg.signals.regions import (
    recorded_mask,
    region_mask,
    region_record,
)

SHAPE = (13, 17)
Y = UniformDataAxis(size=13, scale=0.5, offset=1.0, units="nm")
X = UniformDataAxis(size=17, scale=0.25, offset=-2.0, units="nm")
SQUARE = UniformDataAxis(size=13), UniformDataAxis(size=17)
STROKES = [
    BrushStroke([(3, 4)], 5),
    BrushStroke([(3, 4), (12, 4), (14, 11)], 3),
    BrushStroke([(-3.0, 20.0), (9.2, 6.7), (9.2, 6.7)], 2.5),
    BrushStroke([(2, 2), (9, 10)], (2, 6)),
]


def near_the_line(stroke, shape):
    """The definition, by many places on the line, of square pixels of size 1."""
    width = stroke.width if isinstance(stroke.width, tuple) else (stroke.width,) * 2
    points = np.array(stroke.points, float)
    found = np.zeros(shape, bool)
    y, x = np.indices(shape)
    for a, b in zip(points, [*points[1:], points[-1]], strict=True):
        for t in np.linspace(0, 1, 2001):
            cx, cy = a + t * (b - a)
            far = ((y - cy) * 2 / width[0]) ** 2 + ((x - cx) * 2 / width[1]) ** 2
            found |= far <= 1 + 1e-9
    return found


@pytest.mark.parametrize("stroke", STROKES)
def test_pixels_of_a_stroke(stroke):
    found = region_mask("roi", stroke, SQUARE)
    np.testing.assert_array_equal(found, near_the_line(stroke, SHAPE))


def test_ints_are_pixels_and_floats_are_axis_units():
    # x = -2 + 0.25 * 4 and so on; a width of 1 nm is 2 rows and 4 columns.
    given = BrushStroke([(-1.0, 2.0), (0.0, 4.0)], 1.0)
    by_pixels = BrushStroke([(4, 2), (8, 6)], (2, 4))
    found = region_mask("roi", given, (Y, X))
    np.testing.assert_array_equal(found, region_mask("roi", by_pixels, (Y, X)))
    assert found.sum() > 10


def test_a_thin_stroke_has_the_pixels_of_its_points():
    found = region_mask("roi", BrushStroke([(2.4, 3.4), (2.6, 8.6)], 0.01), SQUARE)
    assert np.argwhere(found).tolist() == [[3, 2], [9, 3]]


def test_a_stroke_of_pixels_along_axes_of_different_units():
    other = UniformDataAxis(size=17, units="s")
    assert region_mask("roi", BrushStroke([(2, 3)], 1), (Y, other)).sum() == 1
    with pytest.raises(ValueError, match=r"width must be a pair \(y, x\), or an int"):
        region_mask("roi", BrushStroke([(2, 3)], 1.0), (Y, other))


@pytest.mark.parametrize(
    ("points", "width", "message"),
    [
        ([], 1, "points must be one pair"),
        ([(1, 2, 3)], 1, "points must be one pair"),
        ([(1, np.nan)], 1, "points must be one pair"),
        ([(1, 2), (3,)], 1, "points must be an array"),
        ("ab", 1, "points must be one pair"),
        ([(1, 2)], 0, "width must be larger than 0, got 0"),
        ([(1, 2)], -0.5, "width must be larger than 0"),
        ([(1, 2)], np.inf, "width must be larger than 0"),
        ([(1, 2)], "wide", "width must be an int of pixels, a float"),
        ([(1, 2)], True, "width must be an int of pixels, a float"),
        ([(1, 2)], (1, 2, 3), "width must be an int of pixels, a float"),
    ],
)
def test_strokes_that_are_not_allowed(points, width, message):
    with pytest.raises((TypeError, ValueError), match=message):
        BrushStroke(points, width)


def test_a_stroke_elsewhere_has_no_pixel():
    with pytest.raises(ValueError, match="roi must have a pixel, on axes in no"):
        region_mask("roi", BrushStroke([(90, 3)], 3), SQUARE)


ARRAY = np.random.default_rng(1).random(SHAPE) < 0.4
REGIONS = [
    hs.roi.RectangularROI(left=-1.5, right=1.0, top=2.0, bottom=6.5),
    hs.roi.CircleROI(cx=0.0, cy=4.0, r=1.7),
    hs.roi.CircleROI(cx=0.0, cy=4.0, r=1.7, r_inner=0.9),
    hs.roi.PolygonROI([(-1.43, 1.6), (1.56, 3.1), (0.1, 6.4)]),
    BrushStroke([(-1.0, 2.0), (1.0, 6.0)], 1.1),
    ARRAY,
]


def crop(axis, first, last, units="nm", factor=1.0):
    return UniformDataAxis(
        size=last - first,
        scale=axis.scale * factor,
        offset=(axis.offset + first * axis.scale) * factor,
        units=units,
    )


@pytest.mark.parametrize("region", REGIONS)
def test_a_record_is_the_region(region):
    record = region_record(region, (Y, X))
    found = recorded_mask(record, (Y, X))
    np.testing.assert_array_equal(found, region_mask("roi", region, (Y, X)))
    assert 0 < found.sum() < found.size


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("rows", "columns"), [((2, 9), (5, 17)), ((0, 7), (0, 9)), ((6, 7), (9, 10))]
)
def test_a_record_in_a_crop(region, rows, columns):
    whole = region_mask("roi", region, (Y, X))
    record = region_record(region, (Y, X))
    found = recorded_mask(record, (crop(Y, *rows), crop(X, *columns)))
    np.testing.assert_array_equal(found, whole[slice(*rows), slice(*columns)])


@pytest.mark.parametrize("region", REGIONS)
def test_a_record_of_a_crop_in_the_whole_frame(region):
    axes = crop(Y, 0, 13), crop(X, 0, 17)
    wide = crop(Y, -4, 20), crop(X, -7, 30)
    expected = np.pad(region_mask("roi", region, axes), ((4, 7), (7, 13)))
    found = recorded_mask(region_record(region, axes), wide)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("region", REGIONS)
def test_a_record_elsewhere_has_no_pixel(region):
    axes = crop(Y, 40, 50), crop(X, 40, 50)
    assert not recorded_mask(region_record(region, (Y, X)), axes).any()


@pytest.mark.parametrize("region", REGIONS)
def test_a_record_in_another_unit(region):
    record = region_record(region, (Y, X))
    pm = crop(Y, 0, 13, "pm", 1000.0), crop(X, 0, 17, "pm", 1000.0)
    expected = region_mask("roi", region, (Y, X))
    np.testing.assert_array_equal(recorded_mask(record, pm), expected)
    with pytest.raises(ValueError, match="of the labels must have a unit such as nm"):
        recorded_mask(record, (crop(Y, 0, 13, "s"), X))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (3, "region must be a dictionary"),
        ({"kind": "os.system", "units": ["nm", "nm"]}, "region must be a Rectangular"),
        (
            {"kind": "CircleROI", "units": ["nm"] * 2, "cx": 0.0, "cy": 0.0, "r": 1e12},
            "region must lie in the frame",
        ),
    ],
)
def test_records_that_are_not_allowed(record, message):
    with pytest.raises((TypeError, ValueError), match=message):
        recorded_mask(record, (Y, X))
