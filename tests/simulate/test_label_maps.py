# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the label maps, on frames of 61 rows and 83 columns or larger."""

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.simulate import inclusions, lamella, regions, triple_point

SHAPE = (61, 83)
LARGE = (200, 260)
MAPS = {
    "lamella": lambda **options: lamella(**{"shape": LARGE, "width": 20} | options),
    "inclusions": lambda **options: inclusions(
        **{"shape": LARGE, "n": 3, "radius": (12, 18)} | options
    ),
    "triple_point": lambda **options: triple_point(**{"shape": LARGE} | options),
}


# Regions


@pytest.mark.parametrize("boundary", ["curved", "straight"])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_regions_have_equal_areas(n, boundary):
    areas = np.bincount(regions(SHAPE, n, boundary).ravel(), minlength=n)
    assert np.ptp(areas) <= 1
    assert len(areas) == n


def test_regions_dtype():
    assert regions(SHAPE).dtype == np.int8


def boundary_bend(labels):
    """Largest distance of the pixels along the boundary from a straight line."""
    y, x = np.nonzero(labels[:, 1:] != labels[:, :-1])
    v, u = np.nonzero(labels[1:] != labels[:-1])
    points = np.array([np.r_[y, v + 0.5], np.r_[x + 0.5, u]])
    points -= points.mean(axis=1, keepdims=True)
    normal = np.linalg.eigh(points @ points.T)[1][:, 0]
    return abs(normal @ points).max()


@pytest.mark.parametrize("seed", range(4))
def test_straight_boundary_is_straight(seed):
    assert boundary_bend(regions(SHAPE, 2, "straight", seed=seed)) < 1


@pytest.mark.parametrize("seed", range(4))
def test_curved_boundary_is_curved(seed):
    assert boundary_bend(regions(SHAPE, 2, "curved", seed=seed)) > 2


@pytest.mark.parametrize("seed", range(4))
def test_amplitude_bounds_the_curve(seed):
    # Excursions between -6.1 and 6.1 pixels; the fitted line may be off by as much.
    assert boundary_bend(regions(SHAPE, 2, amplitude=0.1, seed=seed)) < 12.2 + 1


def test_regions_seeds_differ():
    assert (regions(SHAPE, seed=1) != regions(SHAPE, seed=2)).any()


@pytest.mark.parametrize(
    ("argument", "value"),
    [("n", 0), ("n", 128), ("boundary", "wavy"), ("amplitude", -1), ("shape", (5,))],
)
def test_regions_rejects(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be .* got "):
        regions(**{"shape": SHAPE, argument: value})


# All others


@pytest.mark.parametrize(
    ("name", "n"), [("lamella", 2), ("inclusions", 2), ("triple_point", 3)]
)
def test_dtype_and_labels(name, n):
    labels = MAPS[name]()
    assert labels.dtype == np.int8
    assert labels.shape == LARGE
    assert np.unique(labels).tolist() == list(range(n))


@pytest.mark.parametrize("name", MAPS)
def test_same_seed_same_map(name):
    np.testing.assert_array_equal(MAPS[name](seed=3), MAPS[name](seed=3))


@pytest.mark.parametrize("name", MAPS)
def test_seeds_differ(name):
    assert (MAPS[name](seed=1) != MAPS[name](seed=2)).any()


# Lamellae


def sides(labels):
    """The two parts of the matrix on the sides of a lamella."""
    parts, n = ndimage.label(labels == 0)
    assert n == 2
    return parts == 1, parts == 2


@pytest.mark.parametrize("amplitude", [0, 0.05])
@pytest.mark.parametrize("seed", range(4))
def test_lamella_is_as_wide_as_told(seed, amplitude):
    labels = lamella(LARGE, 20, amplitude=amplitude, seed=seed)
    one, other = sides(labels)
    # From the pixels of one side that are next to the lamella, to the other side.
    to_other = ndimage.distance_transform_edt(~other)
    edge = one & ndimage.binary_dilation(labels)
    # Where the frame cuts the lamella, the nearest may be outside.
    edge[:30] = edge[-30:] = edge[:, :30] = edge[:, -30:] = False
    assert to_other[edge].min() > 20 - 0.5
    assert to_other[edge].max() < 20 + 2


def test_straight_lamella_has_the_area_of_its_width_times_its_length():
    # All its points are within a tenth and half the width of a line through the
    # centre, so that in a disc of radius 90 it is no shorter than 2 (90^2 - 30^2)^0.5.
    labels = lamella(LARGE, 20, amplitude=0, seed=1)
    y, x = np.indices(LARGE) - np.reshape((99.5, 129.5), (2, 1, 1))
    area = labels[np.hypot(y, x) < 90].sum()
    assert 20 * 2 * (90**2 - 30**2) ** 0.5 < area < 20 * 2 * 90


@pytest.mark.parametrize("seed", range(4))
def test_lamella_bends(seed):
    # Through its middle, up to 10 pixels (0.05 times 200) off a straight line.
    straight, bent = (
        np.argwhere(lamella(LARGE, 4, amplitude=amplitude, seed=seed))
        for amplitude in (0, 0.05)
    )

    def deviation(points):
        points = points - points.mean(axis=0)
        return np.abs(points @ np.linalg.svd(points, full_matrices=False)[2][1]).max()

    assert deviation(straight) < 2 + 1
    assert 4 < deviation(bent) < 2 * 10 + 2 + 1


# Inclusions


@pytest.mark.parametrize("n", [1, 3, 4])
def test_number_of_inclusions(n):
    assert ndimage.label(inclusions(LARGE, n, (12, 18)))[1] == n


def test_area_of_a_disc():
    labels = inclusions(LARGE, 1, (30, 30), amplitude=0)
    assert labels.sum() == pytest.approx(np.pi * 30**2, rel=0.01)


def test_area_of_a_wavy_inclusion():
    # r is 30 (1 + 0.3 (2 sin + sin) / 3), so r^2 is 900 (1 + (0.2^2 + 0.1^2) / 2) in
    # the mean.
    labels = inclusions(LARGE, 1, (30, 30), amplitude=0.3)
    assert labels.sum() == pytest.approx(np.pi * 900 * 1.025, rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_outline_is_within_its_bounds(seed):
    labels = inclusions(LARGE, 1, (30, 30), amplitude=0.2, seed=seed)
    y, x = np.nonzero(labels)
    for extent in (np.ptp(y), np.ptp(x)):
        assert 2 * 24 - 1 < extent < 2 * 36


@pytest.mark.parametrize("seed", range(4))
def test_radii_are_in_their_range(seed):
    labels = inclusions(LARGE, 3, (12, 18), amplitude=0, gap=2, seed=seed)
    parts, _ = ndimage.label(labels)
    radii = np.sqrt(np.bincount(parts.ravel())[1:] / np.pi)
    assert 12 - 0.2 < radii.min() < radii.max() < 18 + 0.2


@pytest.mark.parametrize("seed", range(4))
def test_inclusions_are_apart_and_touch_no_edge(seed):
    labels = inclusions(LARGE, 3, (12, 18), gap=25, seed=seed)
    parts, n = ndimage.label(labels)
    for i in range(1, n + 1):
        distance = ndimage.distance_transform_edt(parts != i)
        assert distance[(parts > 0) & (parts != i)].min() >= 25
    frame = np.ones(LARGE, bool)
    frame[1:-1, 1:-1] = False
    assert not labels[frame].any()


# Triple points


def meeting_point(labels):
    """Mean position of the corners that pixels of three labels share."""
    corners = [
        labels[i : i - 1 or None, j : j - 1 or None] for i in (0, 1) for j in (0, 1)
    ]
    values = np.sort(corners, axis=0)
    n_labels = 1 + (np.diff(values, axis=0) > 0).sum(axis=0)
    points = np.argwhere(n_labels == 3) + 0.5
    assert np.ptp(points, axis=0).max() <= 2
    return points.mean(axis=0)


@pytest.mark.parametrize("seed", range(4))
def test_three_grains_meet_near_the_centre(seed):
    # Within 0.1 times 200 pixels.
    y, x = meeting_point(triple_point(LARGE, seed=seed))
    assert abs(y - 99.5) < 20 + 1
    assert abs(x - 129.5) < 20 + 1


@pytest.mark.parametrize("radius", [20, 60])
@pytest.mark.parametrize("seed", range(4))
def test_each_grain_has_a_third_of_a_circle(seed, radius):
    labels = triple_point(LARGE, seed=seed)
    y, x = meeting_point(labels)
    rows, columns = np.ogrid[: LARGE[0], : LARGE[1]]
    within = np.hypot(rows - y, columns - x) < radius
    areas = np.bincount(labels[within], minlength=3) / within.sum()
    np.testing.assert_allclose(areas, 1 / 3, atol=0.04)


@pytest.mark.parametrize("seed", range(4))
def test_boundaries_of_three_grains_are_straight_without_amplitude(seed):
    labels = triple_point(LARGE, amplitude=0, seed=seed)
    y, x = meeting_point(labels)
    rows, columns = np.ogrid[: LARGE[0], : LARGE[1]]
    angle, distance = np.arctan2(rows - y, columns - x), np.hypot(rows - y, columns - x)
    ring = (distance > 20) & (distance < 60)
    for label in range(3):
        # A third of a turn, whose middle is 60 degrees from both ends.
        middle = np.angle(np.exp(1j * angle[ring & (labels == label)]).mean())
        off_middle = np.abs(np.angle(np.exp(1j * (angle - middle))))
        found = labels[ring] == label
        assert found[off_middle[ring] < np.deg2rad(54)].all()
        assert not found[off_middle[ring] > np.deg2rad(66)].any()


def test_bend_is_bounded():
    # By 0.1 times 200 pixels along the circle.
    straight, bent = (triple_point(LARGE, amplitude=a, seed=2) for a in (0, 0.1))
    changed = straight != bent
    boundary = np.zeros(LARGE, bool)
    boundary[1:] |= straight[1:] != straight[:-1]
    boundary[:, 1:] |= straight[:, 1:] != straight[:, :-1]
    distance = ndimage.distance_transform_edt(~boundary)
    assert 3 < distance[changed].max() < 20 + 1


# Errors


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("lamella", "shape", (5,)),
        ("lamella", "width", 0),
        ("lamella", "amplitude", -1),
        ("lamella", "seed", -1),
        ("inclusions", "shape", (5,)),
        ("inclusions", "n", 0),
        ("inclusions", "n", 2.5),
        ("inclusions", "n", 100),
        ("inclusions", "radius", 30),
        ("inclusions", "radius", (30, 20)),
        ("inclusions", "radius", (0, 20)),
        ("inclusions", "radius", (200, 200)),
        ("inclusions", "gap", -1),
        ("inclusions", "amplitude", 1),
        ("inclusions", "seed", None),
        ("triple_point", "shape", (5,)),
        ("triple_point", "amplitude", -1),
        ("triple_point", "seed", -1),
    ],
)
def test_rejects(name, argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be .* got "):
        MAPS[name](**{argument: value})
