# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import LatticeParameters
from hyperspy_symseg.frames.run import run

SHAPE = 170, 210
VECTORS = np.array([[0, 12.0], [14, 0]])
SQUARE = np.array([[0, 12.0], [12, 0]])
A, B, ANGLE, AREA, ORIENTATION = range(5)


def counts(vectors, seed=0, dose=30):
    lattice = simulate.Lattice(tuple(map(tuple, vectors)))
    return simulate.micrograph(lattice, SHAPE, dose=dose, seed=seed)[0].data


def labels_of(*frames):
    return np.zeros(np.shape(frames), np.int8)


def test_the_parameters_are_those_of_the_lattice():
    frame = counts([[1.0, 12.0], [14.0, -2.0]])
    values, variances = run(LatticeParameters([VECTORS]), frame, np.zeros(SHAPE, int))
    expected = [
        np.sqrt(145),
        np.sqrt(200),
        # From (1, 12) to (14, -2): the cosine is (14 - 24) / (a b).
        np.degrees(np.arccos(-10 / np.sqrt(145 * 200))),
        170,
        np.degrees(np.arctan2(1, 12)),
    ]
    off = np.abs(values[:, 0] - expected)
    assert (off < 4 * np.sqrt(variances[:, 0])).all()
    assert (np.sqrt(variances[:, 0]) < 0.003 * np.abs([12, 14, 90, 170, 90])).all()


def test_lengths_do_not_change_places_from_frame_to_frame():
    # The shorter one of the two is another one in the second frame.
    frames = np.stack([counts(SQUARE * [[1.0], [1 + e]]) for e in (0.01, -0.01)])
    values, _ = run(LatticeParameters([SQUARE]), frames, labels_of(*frames)).swapaxes(
        0, 1
    )
    np.testing.assert_allclose(values[:, A, 0], 12, atol=0.05)
    np.testing.assert_allclose(values[:, B, 0], [12.12, 11.88], atol=0.05)


def test_lengths_that_differ_in_the_mean_do_not_change_places():
    frames = np.stack([counts([[0, 12 + e], [12 - e, 0]]) for e in (0.15, -0.15)])
    near = np.array([[0, 12.1], [11.9, 0]])
    found = run(LatticeParameters([near]), frames, labels_of(*frames))
    np.testing.assert_allclose(found[:, 0, A, 0], [12.15, 11.85], atol=0.05)
    np.testing.assert_allclose(found[:, 0, ORIENTATION, 0], 0, atol=0.5)


def test_angles_pass_90_degrees_without_a_jump():
    frames = np.stack([counts([[0, 12.0], [14.0, x]]) for x in (0.3, -0.3)])
    found = run(LatticeParameters([VECTORS]), frames, labels_of(*frames))
    steps = np.degrees(np.arctan2(0.3, 14.0))
    np.testing.assert_allclose(
        found[:, 0, ANGLE, 0], [90 - steps, 90 + steps], atol=0.3
    )


def test_pixels_may_be_of_unequal_sizes():
    found = run(
        LatticeParameters([VECTORS * (2.0, 0.5)], (2.0, 0.5)),
        counts(VECTORS),
        np.zeros(SHAPE, int),
    )
    np.testing.assert_allclose(found[0, :2, 0], [6, 28], rtol=0.004)
    assert found[0, AREA, 0] == pytest.approx(168, rel=0.005)


def test_a_frame_with_too_little_of_a_pattern_has_no_parameters():
    frames = np.stack([counts(VECTORS)] * 2)
    labels = labels_of(*frames)
    labels[1, :, 30:] = -1
    found = run(LatticeParameters([VECTORS]), frames, labels)
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_another_lattice_has_no_parameters():
    frame, labels = counts(1.25 * SQUARE), np.zeros(SHAPE, int)
    assert np.isnan(run(LatticeParameters([SQUARE]), frame, labels)).all()


def test_a_pattern_without_a_lattice_is_left_out():
    labels = np.zeros(SHAPE, int)
    labels[:, 100:] = 1
    analysis = LatticeParameters([VECTORS, np.full((2, 2), np.nan)])
    found = run(analysis, counts(VECTORS), labels)
    assert np.isfinite(found[..., 0]).all()
    assert np.isnan(found[..., 1]).all()
