# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis.column_bootstrap import (
    corrected,
    measured_alone,
    simulated,
)
from hyperspy_symseg.analysis.columns import NAMES, AtomicColumns
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.networks.column_calibration import matches
from hyperspy_symseg.networks.column_network import find_columns, prepare
from hyperspy_symseg.simulate.imaging import Imaging

SHAPE, WIDTH = (180, 216), 2.0
VALID = np.ones(SHAPE, bool)


def amorphous(dose, seed=0, sign=1):
    """Counts of columns without a lattice, and where they are."""
    rng = np.random.default_rng(seed)
    imaging = Imaging(WIDTH, None, 0.25, 0.0, 0.0)
    kind = simulate.Amorphous.like(simulate.Lattice.square(12))
    places = kind.columns(*imaging.reach(SHAPE), rng)
    sharp = imaging.draw([(places, np.ones(len(places)))], SHAPE, 0.0)
    frame = 9 * (sign < 0) + sign * rng.poisson(dose * sharp)
    return frame.astype(float), places


def told_of(found, places):
    """Mean probability, and share of what is found that is a column."""
    right = matches(found, places, 2.5 * WIDTH) >= 0
    return found[:, 4].mean(), right.mean()


@pytest.fixture(scope="module")
def faint():
    """A frame of one count a column, its columns, and scale."""
    frame, places = amorphous(1.0)
    return frame, places, prepare(frame, VALID)


@pytest.fixture(scope="module")
def found(faint):
    frame, _, scale = faint
    return corrected(frame, VALID, "auto", scale)


def test_probabilities_are_right_in_the_frame(faint, found):
    frame, places, scale = faint
    before = find_columns(frame, VALID, "auto", 0.02, scale)
    told, right = told_of(before, places)
    assert told < right - 0.025
    told, right = told_of(found[0], places)
    assert abs(told - right) < 0.015


def test_where_columns_are_stays(faint, found):
    frame, _, scale = faint
    before = find_columns(frame, VALID, "auto", 0.02, scale)
    np.testing.assert_array_equal(found[0][:, :4], before[:, :4])


def test_it_is_the_same_each_time(faint, found):
    frame, _, scale = faint
    again, factor = corrected(frame, VALID, "auto", scale)
    np.testing.assert_array_equal(again, found[0])
    assert factor == found[1]


def test_where_nothing_is_nothing_is_corrected():
    noise = np.random.default_rng(1).poisson(2.0, SHAPE).astype(float)
    scale = prepare(noise, VALID)
    found, factor = corrected(noise, VALID, "auto", scale)
    expected = find_columns(noise, VALID, "auto", 0.02, scale)
    np.testing.assert_array_equal(found, expected)
    assert factor == 1.0


@pytest.mark.parametrize("sign", [1, -1])
def test_the_other_frame_is_like_this_one(sign):
    frame, places = amorphous(0.5, 3, sign)
    scale = prepare(frame, VALID)
    true = np.column_stack([places, np.ones((len(places), 2)), np.ones(len(places))])
    canvas, measured = measured_alone(frame, VALID, true, scale)
    # Heights that were found are too high, and do not matter.
    too_high = measured._replace(intensities=1.4 * measured.intensities)
    like = simulated(canvas, too_high, WIDTH)
    assert like.shape == SHAPE
    np.testing.assert_allclose(like.mean(), frame.mean(), rtol=0.03)
    np.testing.assert_allclose(like.std(), frame.std(), rtol=0.03)
    of_columns = (ndimage.gaussian_filter(each, 2).std() for each in (like, frame))
    np.testing.assert_allclose(*of_columns, rtol=0.08)


def test_noise_of_counts_is_that_of_counts():
    frame, places = amorphous(0.5, 4)
    true = np.column_stack([places, np.ones((len(places), 2)), np.ones(len(places))])
    canvas, measured = measured_alone(frame, VALID, true, prepare(frame, VALID))
    like = simulated(canvas, measured, WIDTH)
    skewness = [((x - x.mean()) ** 3).mean() / x.std() ** 3 for x in (like, frame)]
    np.testing.assert_allclose(*skewness, rtol=0.2)


def test_noise_that_does_not_grow_with_the_intensity_is_normal():
    rng = np.random.default_rng(2)
    frame, places = amorphous(1000.0, 4)
    frame += rng.normal(0, 1000, SHAPE)
    true = np.column_stack([places, np.ones((len(places), 2)), np.ones(len(places))])
    canvas, measured = measured_alone(frame, VALID, true, prepare(frame, VALID))
    like = simulated(canvas, measured, WIDTH)
    np.testing.assert_allclose(like.std(), frame.std(), rtol=0.03)
    assert len(np.unique(like)) == like.size


def test_errors_of_faint_columns_are_those_of_the_deviations():
    frame, places = amorphous(0.4, 5)
    [rows] = run(AtomicColumns(method="network"), frame)
    of = [NAMES.index(name) for name in ("y", "x", "y_error", "x_error", "probability")]
    found = rows[:, of]
    which = matches(found, places, 2.5 * WIDTH)
    own = which >= 0
    z = (found[own, :2] - places[which[own]]) / found[own, 2:4]
    assert 0.85 < np.sqrt((z**2).mean()) < 1.15
