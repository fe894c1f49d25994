# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.analysis.column_measurement import Measured
from hyperspy_symseg.analysis.column_model import Canvas

SHAPE, WIDTH, PEAK = (96, 120), 2.0, 100.0
PLACES = np.array(
    [[y, x] for y in range(20, 90, 14) for x in range(20, 110, 15)], float
)
PLACES += np.random.default_rng(1).uniform(-2, 2, PLACES.shape)


def frame(sign=1):
    """Counts of columns of 100 on a background of 25, or as dark ones on 225."""
    y, x = np.indices(SHAPE)
    sharp = np.full(SHAPE, 25.0 if sign > 0 else 225.0)
    for place in PLACES:
        squared = (y - place[0]) ** 2 + (x - place[1]) ** 2
        sharp += sign * PEAK * np.exp(-squared / (2 * WIDTH**2))
    return np.random.default_rng(0).poisson(sharp)


def measured(known, errors, sign=1, free=True):
    canvas = Canvas.scaled(frame(sign), np.ones(SHAPE, bool), 14.0)
    n = len(PLACES)
    found = Measured.of(
        canvas,
        known,
        np.full((n, 2), errors),
        np.full(n, 1.8),
        np.broadcast_to(free, n),
    )
    return found, canvas.unit


@pytest.fixture(scope="module")
def known():
    """Positions that are known to 0.5 px."""
    return PLACES + np.random.default_rng(2).normal(0, 0.5, PLACES.shape)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_hardly_known_is_where_its_pixels_have_it(known, sign):
    found, _ = measured(known, 0.5, sign)
    off = np.abs(found.positions - PLACES)
    # Of a background of any level, the limit is 0.06 px for bright columns, and less
    # than 0.2 for dark ones.
    assert np.sqrt((off**2).mean()) < (0.09 if sign > 0 else 0.2)


def test_standard_errors_are_those_of_the_deviations(known):
    found, _ = measured(known, 0.5)
    z = (found.positions - PLACES) / found.position_errors
    assert 0.75 < np.sqrt((z**2).mean()) < 1.3


def test_what_is_known_better_stays_where_it_is():
    found, _ = measured(PLACES, 0.01)
    np.testing.assert_array_equal(found.positions, PLACES)
    assert (found.position_errors == 0.01).all()


def test_what_is_not_free_stays_with_its_width(known):
    free = np.arange(len(PLACES)) % 2 == 0
    found, _ = measured(known, 0.5, free=free)
    np.testing.assert_array_equal(found.positions[~free], known[~free])
    assert (found.widths[~free] == 1.8).all()
    assert (found.positions[free] != known[free]).all()


def test_a_column_goes_no_farther_than_three_errors(known):
    far = np.add(known, (0.0, 3.0))
    found, _ = measured(far, 0.3)
    assert np.abs(found.positions - far).max() <= 3 * 0.3 + 1e-9


@pytest.mark.parametrize("sign", [1, -1])
def test_intensity_is_the_sum_above_the_background(known, sign):
    found, unit = measured(known, 0.5, sign)
    expected = sign * PEAK * 2 * np.pi * WIDTH**2
    assert np.median(unit * found.intensities) == pytest.approx(expected, rel=0.05)
    assert np.median(found.widths) == pytest.approx(WIDTH, rel=0.03)


def test_a_column_that_no_pixel_shows_is_not_moved():
    canvas = Canvas.scaled(frame(), np.ones(SHAPE, bool), 14.0)
    places = np.concatenate([PLACES, [[-30.0, -30.0]]])
    n = len(places)
    how = np.full((n, 2), 0.5), np.full(n, 1.8), np.ones(n, bool)
    found = Measured.of(canvas, places, *how)
    np.testing.assert_array_equal(found.positions[-1], places[-1])
    assert np.isfinite(found.position_errors).all()
