# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of columns of HRTEM in one frame."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg.analysis import hrtem_columns
from hyperspy_symseg.analysis.hrtem_columns import (
    HrtemColumns,
    _has_neighbours,
    calibrated,
    columns_of,
    features,
)
from hyperspy_symseg.analysis.hrtem_contrast import contrast_at
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.simulate import hrtem

SHAPE, PIXEL = (120, 200), 0.18


@pytest.fixture(scope="module")
def graphene():
    """Frame with bright columns and little noise, and where these are."""
    sheet = hrtem.graphene((21.6, 36.0), seed=8)
    microscope = hrtem.Microscope(80, -60, focal_spread=10, vibration=0, mtf=1)
    s, truth = hrtem.frame(sheet, microscope, SHAPE, PIXEL, dose=1000, seed=3)
    return s.data.astype(float), truth.occupied


def share_found(found, true):
    """Share of the columns that are found within 2 pixels."""
    return np.mean(cKDTree(found[:, :2]).query(true)[0] < 2)


def test_the_sign_may_change_across_the_frame(graphene):
    frame, true = graphene
    frame = frame.copy()
    frame[:, 100:] = 2 * frame.mean() - frame[:, 100:]
    [found] = run(HrtemColumns("graphene"), frame)
    for sign, first, last in ((1, 8, 85), (-1, 115, 192)):
        own, there = (x[(x[:, 1] > first) & (x[:, 1] < last)] for x in (found, true))
        assert share_found(own, there) > 0.9
        assert np.sign(np.median(own[:, 5])) == sign


def test_the_vote_is_as_good_as_being_told(graphene):
    frame, true = graphene
    valid = np.ones(SHAPE, bool)
    voted, told = (
        columns_of("graphene", frame, valid, contrast, 1)
        for contrast in ("auto", "bright")
    )
    voted, told = (x[x[:, 4] >= 0.5] for x in (voted, told))
    # The same columns to the last bit, but where neither has a majority.
    assert abs(len(voted) - len(told)) <= 0.02 * len(told)
    assert share_found(voted, true) >= share_found(told, true) - 0.02


@pytest.mark.parametrize(
    ("material", "contrast", "looks"),
    [
        ("graphene", "auto", ["auto", "bright", "dark"]),
        ("graphene", "dark", ["dark"]),
        ("metal", "auto", ["auto"]),
        ("metal", "bright", ["bright"]),
        ("MoS2", "auto", ["auto"]),
    ],
)
def test_signs_are_voted_on_in_graphene_alone(monkeypatch, material, contrast, looks):
    seen = []

    def columns_by(network, values, valid, contrast, scale):
        seen.append(contrast)
        return np.ones((1, 5))

    monkeypatch.setattr(hrtem_columns, "columns_by", columns_by)
    valid = np.ones((40, 50), bool)
    found = columns_of(material, np.eye(40, 50), valid, contrast, 1)
    assert seen == looks
    assert found.shape == (1, 5)


def test_columns_have_no_twins(graphene):
    [found] = run(HrtemColumns("graphene"), graphene[0])
    away, _ = cKDTree(found[:, :2]).query(found[:, :2], k=2)
    assert away[:, 1].min() > 2


def test_contrast_is_relative():
    y, x = np.indices((60, 70))
    column = np.exp(-((y - 30) ** 2 + (x - 40) ** 2) / 2 / 1.2**2)
    places, valid = np.array([[30.0, 40.0]]), np.ones(y.shape, bool)
    for scale, sign in ((5.0, 1), (5000.0, -1)):
        frame = scale * (1 + 0.1 * sign * column)
        [found] = contrast_at(frame, valid, places, 1.0)
        # A Gaussian of 0.1 is half as high after it is blurred by its own width; that
        # of 5 pixels leaves 0.1 * 1.44 / 26.44 of it.
        expected = 0.1 * sign * (0.5 - 1.44 / 26.44)
        assert found == pytest.approx(expected, rel=0.05)


def test_a_frame_without_pixels_has_no_columns():
    [found] = run(HrtemColumns("MoS2"), np.full((40, 50), np.nan))
    assert found.shape == (0, 6)


def test_columns_of_a_crystal_have_neighbours():
    y, x = np.mgrid[:4, :5].reshape(2, -1) * 10.0
    alone = [[80.0, 80.0], [80.0, 88.0], [120.0, 20.0]]
    places = np.concatenate([np.column_stack([y, x]), alone])
    found = np.column_stack([places, np.ones((len(places), 2)), np.ones(len(places))])
    expected = np.arange(len(places)) < 20
    np.testing.assert_array_equal(_has_neighbours(found, 12.0), expected)
    # Unlikely neighbours do not count as much: there are at most four.
    found[:, 4] = 0.3
    assert not _has_neighbours(found, 12.0).any()


FRAME = np.ones((200, 210)), np.ones((200, 210), bool)


def test_probabilities_know_their_neighbours():
    rows = np.ones((3, 5))
    # The third is out of reach of the others.
    rows[:, :2] = [[0, 0], [0, 20], [90, 90]]
    rows[:, 4] = 0.5, 0.9, 0.5
    # Means with one more, which is none: 0.45 and 0.25; and 0, of which 0.005 is left.
    expected = np.log([0.45 / 0.55, 0.25 / 0.75, 0.005 / 0.995])
    found = features(rows, *FRAME, 1)
    np.testing.assert_allclose(found[:, 0], [0, np.log(9), 0], atol=1e-12)
    np.testing.assert_allclose(found[:, 1], expected)
    # What is around is on one side.
    np.testing.assert_allclose(found[:, 2], [1, 1, 0], atol=1e-6)
    # Means by the probabilities: 1.31 / 1.9.
    np.testing.assert_allclose(found[:, 6], np.log(1.31 / 0.59))
    np.testing.assert_array_equal(found[:, -1], 1)
    # Products of the first with the first, and with the second.
    np.testing.assert_allclose(found[:, 9], found[:, 0] ** 2)
    np.testing.assert_allclose(found[:, 10], found[:, 0] * found[:, 1])
    # None has a neighbour within 24 pixels, unless two are one for the network.
    rows[:, :2] *= 2
    np.testing.assert_allclose(features(rows, *FRAME, 1)[:, 1], expected[2])
    np.testing.assert_allclose(features(rows, *FRAME, 2)[:, 1], expected)
    factors = np.array([1.0, *[0] * 53, np.log(3)])
    likely = calibrated(rows, *FRAME, factors, 1)[:, 4]
    np.testing.assert_allclose(likely, [0.75, 27 / 28, 0.75])


def test_probabilities_know_whether_others_are_all_around():
    rows = np.ones((4, 5))
    rows[:, :2] = [[50, 50], [50, 60], [50, 40], [54, 50]]
    rows[:, 4] = 0.5, 0.8, 0.4, 0.6
    # Of the first: (0.6 * 4, 0.8 * 10 - 0.4 * 10), over 0.8 * 10 + 0.4 * 10 + 0.6 * 4.
    expected = np.hypot(2.4, 4) / 14.4
    assert features(rows, *FRAME, 1)[0, 2] == pytest.approx(expected)


def test_probabilities_know_the_noise_by_the_errors():
    rows = np.ones((3, 5))
    rows[:, :2] = [[0, 0], [0, 20], [90, 90]]
    rows[:, 4] = 0.5, 0.75, 0.75
    rows[1, 2:4] = np.exp([3.0, 1.0])
    # Two of it, of a probability of 0.75 of 2; and what is more, or less.
    found = features(rows, *FRAME, 1)
    np.testing.assert_allclose(found[:, 4], 0.75)
    np.testing.assert_allclose(found[:, 3], [-0.75, 1.25, -0.75])
    found = features(rows, *FRAME, 2)
    np.testing.assert_allclose(found[:, 4], 0.75 - np.log(2))
    np.testing.assert_allclose(found[:, 3], [-0.75, 1.25, -0.75])


def test_probabilities_know_whether_contrast_inverts():
    places = np.array([[20.0, 20.0], [20.0, 40.0], [80.0, 20.0], [80.0, 100.0]])
    rows = np.ones((4, 5))
    rows[:, :2] = places
    frame = np.full(FRAME[0].shape, 5.0)
    for (y, x), height in zip(places.astype(int), (1, 1, -1, -1), strict=True):
        frame[y, x] += height
    two = features(rows, frame, FRAME[1], 1)[:, 5]
    frame[80] = 5 + np.abs(frame[80] - 5)
    one = features(rows, frame, FRAME[1], 1)[:, 5]
    np.testing.assert_allclose(one, 1, atol=1e-6)
    assert two.max() < 0.97
    # The last is the farthest from those of the other sign.
    assert two.argmax() == 3


def test_probabilities_know_whether_rows_go_on():
    rows = np.ones((5, 5))
    rows[:, :2] = [[50, 50], [50, 60], [50, 70], [67, 57], [50, 95]]
    rows[:, 4] = 0.9, 0.8, 0.7, 0.1, 0.6
    short, long = features(rows, *FRAME, 1)[:, 7:9].T
    # The spacing is 10. The second has neighbours, but no row leads there.
    expected = np.log([0.8 * 0.7 + 0.1, 0.1, 0.9 * 0.8 + 0.1, 0.1, 0.1])
    np.testing.assert_allclose(short, expected)
    np.testing.assert_allclose(long, np.log(0.1))


def test_no_columns_have_no_probabilities():
    assert features(np.ones((0, 5)), *FRAME, 1).shape == (0, 55)
    assert calibrated(np.ones((0, 5)), *FRAME, np.ones(55), 1).shape == (0, 5)


@pytest.mark.parametrize("dose", [10, 100, 1000])
@pytest.mark.parametrize("material", ["graphene", "MoS2", "metal"])
def test_noise_alone_has_next_to_no_columns(material, dose):
    frame = np.random.default_rng(0).poisson(dose, (100, 128))
    [found] = run(HrtemColumns(material), frame)
    assert len(found) <= 2
