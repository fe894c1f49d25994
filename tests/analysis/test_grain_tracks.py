# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of grains linked over frames."""

import numpy as np
import pytest

from hyperspy_symseg.analysis import GrainMap, Grains, grain_tracks
from hyperspy_symseg.analysis.grain_tracks import Overlaps, Shapes, track_grains
from hyperspy_symseg.analysis.grains import NAMES
from hyperspy_symseg.frames.run import run

pytest.importorskip("pandas")
SHAPE = 110, 150
# Frames of which are six discs in three pairs.
MERGED, SPLIT, TOUCHING = 5, 8, (4, 9)


def discs(*places, shape=SHAPE):
    """Labels of discs of pattern 1 in pattern 0: (y, x, radius) each."""
    y, x = np.indices(shape)
    labels = np.zeros(shape, np.int8)
    for cy, cx, radius in places:
        labels[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = 1
    return labels


def pairs(frame):
    """Of six discs, two merge, two are split, and two do both; all drift."""
    y, x = 2 * np.sin(frame / 3), 0.4 * frame
    merging = 14.5 + max(0, 2 * (MERGED - frame))
    splitting = 14.5 + max(0, 2 * (frame - SPLIT + 1))
    first, last = TOUCHING
    both = 14.5 + (2 if frame < first else 0) + max(0, 2 * (frame - last + 1))
    places = [(20, 25, 8), (20, 25 + merging, 7), (55, 25, 8)]
    places += [(55, 25 + splitting, 7), (88, 90, 8), (88, 90 + both, 7)]
    return discs(*((cy + y, cx + x, radius) for cy, cx, radius in places))


def tracked(labels, with_images, max_gap=2, drift=None):
    labels = np.stack(labels)
    tables = list(run(Grains(2), None, labels)[:, 0])
    maps, images = run(GrainMap(2), None, labels), None
    if with_images:
        images = maps.__getitem__, np.ones(2)
    return track_grains(tables, NAMES, np.ones(2), images, max_gap=max_gap, drift=drift)


@pytest.mark.parametrize("with_images", [False, True])
def test_all_merges_and_splits_of_six_inclusions(with_images):
    found, events = tracked([pairs(i) for i in range(13)], with_images)
    # The matrix is the first grain.
    assert [len(own) for own in found.numbers][:4] == [6, 6, 6, 6]
    happens = sorted(zip(events["event"], events["frame"], strict=True))
    first, last = TOUCHING
    assert happens == [
        ("merges", first),
        ("merges", MERGED),
        ("splits", SPLIT),
        ("splits", last),
    ]


def test_the_larger_one_goes_on():
    together = discs((50, 60, 20), (50, 88, 12))
    apart = discs((50, 60, 20), (50, 94, 12))
    found, events = tracked([apart, together, apart], True)
    assert [own.tolist() for own in found.numbers] == [[0, 1, 2], [0, 1], [0, 1, 3]]
    merges, splits = events.to_dict("records")
    assert (merges["event"], merges["track"], merges["other"]) == ("merges", 2, 1)
    assert (splits["event"], splits["track"], splits["other"]) == ("splits", 3, 1)
    assert merges["area"] == together.sum()
    assert splits["x"] == pytest.approx(94, abs=0.1)


@pytest.mark.parametrize(("max_gap", "n"), [(0, 3), (1, 2)])
def test_gaps(max_gap, n):
    frames = [discs((50, 60, 9)), discs(), discs((51, 61, 9))]
    found, _ = tracked(frames, True, max_gap)
    assert len(set(np.concatenate(found.numbers).tolist())) == n


def test_births_and_deaths():
    some, more = discs((50, 40, 9)), discs((50, 40, 9), (80, 100, 7))
    _, events = tracked([some] * 4 + [more] * 5 + [some] * 4, True)
    rows = events[["event", "frame", "track", "other"]].to_numpy().tolist()
    assert rows == [["appears", 4, 2, -1], ["goes", 9, 2, -1]]
    np.testing.assert_allclose(events[["y", "x"]], [(80, 100)] * 2, atol=0.1)


def test_nothing_comes_or_goes_at_the_edge():
    some, more = discs((50, 40, 9)), discs((50, 40, 9), (80, 148, 7))
    _, events = tracked([some] * 4 + [more] * 5 + [some] * 4, True)
    assert not len(events)


def test_drift_of_more_than_a_grain():
    drift = np.array([(0, 0), (0, 30)])
    frames = [discs((50, 40 + x, 9), (80, 60 + x, 9)) for _, x in drift]
    for with_images in (False, True):
        found, _ = tracked(frames, with_images, drift=drift)
        np.testing.assert_array_equal(*found.numbers)


def test_drift_of_three_grains():
    places = np.array([(30, 30), (60, 100), (80, 50)])
    frames = [discs(*((*place, 8) for place in places + step)) for step in (0, 4)]
    found, _ = tracked(frames, False)
    np.testing.assert_allclose(found.drift, [(0, 0), (4, 4)], atol=1e-9)


def test_no_grain_in_some_frames():
    frames = [np.full(SHAPE, -1, np.int8), discs(), np.full(SHAPE, -1, np.int8)]
    for with_images in (False, True):
        found, events = tracked(frames, with_images)
        assert [own.tolist() for own in found.numbers] == [[], [0], []]
        assert not len(events)


def shape_of(labels):
    [table] = run(Grains(2), None, labels)
    return Shapes.of(table, NAMES).only([1])


@pytest.mark.parametrize("step", [0, 8, 14, 25])
def test_overlap_of_ellipses_is_that_of_pixels(step):
    one, other = discs((50, 60, 12)), discs((50, 60 + step, 16))
    found = Overlaps.of_ellipses(shape_of(one), shape_of(other)).areas.sum()
    assert found == pytest.approx((one & other).sum(), abs=0.04 * one.sum())


def test_long_grains_across_each_other():
    labels = np.zeros((2, *SHAPE), np.int8)
    labels[0, 50:54, 30:110] = 1
    labels[1, 20:90, 70:74] = 1
    found = Overlaps.of_ellipses(*map(shape_of, labels)).areas.sum()
    assert found < 0.15 * labels[0].sum()


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-1, 5)])
def test_overlaps_of_images(shift):
    image = np.random.default_rng(0).integers(-1, 4, (20, 30))
    moved = np.full_like(image, -1)
    for y, x in np.argwhere(image >= 0):
        if 0 <= y + shift[0] < 20 and 0 <= x + shift[1] < 30:
            moved[y + shift[0], x + shift[1]] = image[y, x]
    found = Overlaps.of_images(image, moved, shift)
    np.testing.assert_array_equal(found.first, found.second)
    np.testing.assert_array_equal(found.areas, np.bincount(moved[moved >= 0]))


def test_grains_of_other_patterns_are_not_linked():
    found = Overlaps(np.array([0]), np.array([0]), np.array([9.0]))
    one, other = (Shapes(*np.full((8, 1), float(k))) for k in (1, 2))
    assert not len(found.linked(one, other).areas)


def test_single_pixels_and_lines_of_them():
    labels = np.zeros((2, 9, 12), np.int8)
    labels[:, 3, 4], labels[:, 6, 2:9] = 1, 1
    found, events = tracked(labels, False)
    assert [own.tolist() for own in found.numbers] == [[0, 1, 2]] * 2
    assert not len(events)


def test_the_points_of_an_ellipse_have_its_moments():
    shape = Shapes(*np.array([[5.0, 7, 0, 1, 20, 8, 0, 0]]).T)
    points = grain_tracks._points(shape)
    np.testing.assert_allclose(points.mean(axis=0), (5, 7), atol=0.2)
    np.testing.assert_allclose(4 * points.std(axis=0), (8, 20), rtol=0.03)
