# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.templates import boundaries, strips
from hyperspy_symseg.templates.boundaries import smooth_boundaries
from hyperspy_symseg.templates.strips import in_strips


def spread_by(reach):
    """Function that takes the largest value within some rows."""
    return lambda array: ndimage.maximum_filter1d(array, 2 * reach + 1, axis=-2)


def random(*shape):
    return np.random.default_rng(0).random(shape).astype(np.float32)


@pytest.fixture
def narrow_strips(monkeypatch):
    monkeypatch.setattr(strips, "STRIP", 8)


@given(st.integers(1, 70), st.integers(0, 12))
def test_strips_change_nothing(n_rows, reach):
    array, function = random(2, n_rows, 3), spread_by(reach)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "STRIP", 8)
        found = in_strips(function, array, reach)
    np.testing.assert_array_equal(found, function(array))


def test_rows_beyond_the_reach_are_not_seen(narrow_strips):
    array = random(60, 3)
    assert (in_strips(spread_by(3), array, 2) != spread_by(3)(array)).any()


def test_strips_in_threads(narrow_strips):
    array, function = random(2, 100, 5), spread_by(4)
    with workers(3):
        found = in_strips(function, array, 4)
    np.testing.assert_array_equal(found, function(array))


def test_few_rows_are_one_strip():
    array, seen = random(3, strips.STRIP, 2), []
    in_strips(lambda own: seen.append(own) or own, array, 5)
    assert len(seen) == 1
    assert seen[0] is array


@pytest.mark.parametrize("window", [boundaries.NARROW, boundaries.WIDE])
def test_smooth_boundaries_are_the_same_in_strips(narrow_strips, monkeypatch, window):
    first = (random(90, 40) > 0.4).astype(np.float32)
    posterior = np.stack([first, 1 - first])
    found = smooth_boundaries(posterior, window)
    monkeypatch.setattr(strips, "STRIP", 1000)
    np.testing.assert_array_equal(found, smooth_boundaries(posterior, window))
