# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift of one frame against another."""

import numpy as np
import pytest

from hyperspy_symseg.analysis import BoundaryVelocity
from hyperspy_symseg.analysis.velocity_drift import frame_drift
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.simulate import moving_boundary

SHAPE = (150, 170)
VALID = np.ones(SHAPE, bool)


def columns(places, shape=SHAPE, width=2.0):
    """Columns at places (n, 2): (rows, columns) array."""
    y, x = (
        np.exp(-0.5 * ((np.arange(n) - centres[:, np.newaxis]) / width) ** 2)
        for n, centres in zip(shape, places.T, strict=True)
    )
    return y.T @ x


def crystal(drift=(0, 0), jitter=0.0, seed=0):
    rng = np.random.default_rng(seed)
    places = np.mgrid[-30:200:13, -30:220:11].reshape(2, -1).T.astype(float)
    return columns(places + rng.normal(0, jitter, places.shape) + drift)


@pytest.mark.parametrize("drift", [(0, 0), (2.3, -1.6), (-4.25, 3.5)])
def test_crystal(drift):
    found, covariance = frame_drift(crystal(), crystal(drift), VALID, 12.0)
    np.testing.assert_allclose(found, drift, atol=0.02)
    assert (np.linalg.eigvalsh(covariance) >= -1e-12).all()


def test_of_equal_lattice_vectors_it_is_the_shortest():
    # 13 and 11 pixels: 12 is the same as -1, and 7 the same as -4.
    found, _ = frame_drift(crystal(), crystal((12, 7)), VALID, 12.0)
    np.testing.assert_allclose(found, (-1, -4), atol=0.02)


def test_displaced_columns_tell_lattice_vectors_apart():
    given = crystal(jitter=1.0), crystal((12, 7), jitter=1.0)
    found, _ = frame_drift(*given, VALID, 12.0)
    np.testing.assert_allclose(found, (12, 7), atol=0.05)


def test_two_grains_tell_lattice_vectors_apart():
    # A drift of 10 px of a spacing of 14, across the boundary.
    movie, _ = moving_boundary(
        40, (180, 200), drift=10, drift_angle=-10, dose=10, speed=0.2, seed=3
    )
    moves = movie.metadata.Simulation.displacements
    far = int(np.abs(moves).argmax())
    first, last = movie.data[[0, far]].compute()
    found, _ = frame_drift(first, last, np.ones(first.shape, bool), 14.0)
    angle = np.radians(-10)
    expected = moves[far] * np.array([np.sin(angle), np.cos(angle)])
    assert np.linalg.norm(expected) == pytest.approx(10)
    np.testing.assert_allclose(found, expected, atol=0.2)


def test_a_background_that_stays_does_not_count():
    ramp = np.linspace(0, 20, SHAPE[1]) * np.ones((SHAPE[0], 1))
    given = (crystal(each, jitter=0.5) + ramp for each in ((0, 0), (3, 2)))
    found, _ = frame_drift(*given, VALID, 12.0)
    np.testing.assert_allclose(found, (3, 2), atol=0.1)


def test_pixels_that_do_not_count_are_not_looked_at():
    before, after = crystal(), crystal((3, 2))
    valid = VALID.copy()
    valid[40:60, 70:90] = False
    before[~valid], after[~valid] = 1e6, np.nan
    found, _ = frame_drift(before, after, valid, 12.0)
    np.testing.assert_allclose(found, (3, 2), atol=0.1)


def test_covariance_is_that_of_the_noise():
    rng = np.random.default_rng(5)
    z, means = [], (3 * crystal() + 1, 3 * crystal((1.3, 0.4)) + 1)
    for _ in range(12):
        frames = map(rng.poisson, means)
        drift, covariance = frame_drift(*frames, VALID, 12.0)
        z.append((drift - (1.3, 0.4)) / np.sqrt(np.diag(covariance)))
    assert 0.75 < np.sqrt(np.mean(np.square(z))) < 1.3


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (2, 2), (31, 40)])
def test_frames_without_contrast_have_none(shape):
    frame, valid = np.full(shape, 7), np.ones(shape, bool)
    for found in frame_drift(frame, frame, valid):
        np.testing.assert_array_equal(found, 0)
    frame_drift(frame, frame, np.zeros(shape, bool))


def test_stripes_tell_a_drift_across_them_alone():
    rows = np.sin(np.arange(SHAPE[0]) / 2)[:, np.newaxis] * np.ones(SHAPE[1])
    moved = np.sin((np.arange(SHAPE[0]) - 1.5) / 2)[:, np.newaxis] * np.ones(SHAPE[1])
    found, _ = frame_drift(rows, moved, VALID, 12.0)
    np.testing.assert_allclose(found, (1.5, 0), atol=0.05)


def test_it_is_taken_off_the_velocity_with_its_variance():
    labels = [
        (np.arange(SHAPE[1]) >= at) * np.ones((SHAPE[0], 1), int) for at in (80, 84)
    ]
    frames = crystal(), crystal((0.0, 3.0))
    given = BoundaryVelocity(2, drift="auto", period=12.0, has_frames=True)
    [rows] = run(given, (*labels, *frames))
    np.testing.assert_allclose(rows[:, 2], 1, atol=0.05)
    np.testing.assert_allclose(rows[0, -2:], (0, 3), atol=0.02)
