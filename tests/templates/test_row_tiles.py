# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.templates import boundaries
from hyperspy_symseg.templates.boundaries import smooth_boundaries
from hyperspy_symseg.templates.row_tiles import ROWS, in_row_tiles


def spread_by(reach):
    """Function that takes the largest value within some rows."""
    return lambda array: ndimage.maximum_filter1d(array, 2 * reach + 1, axis=-2)


def random(*shape):
    return np.random.default_rng(0).random(shape).astype(np.float32)


@given(st.integers(1, 70), st.integers(0, 12))
def test_tiles_change_nothing(n_rows, reach):
    array, function = random(2, n_rows, 3), spread_by(reach)
    found = in_row_tiles(function, array, reach, height=8)
    np.testing.assert_array_equal(found, function(array))


def test_rows_beyond_the_reach_are_not_seen():
    array = random(60, 3)
    found = in_row_tiles(spread_by(3), array, 2, height=8)
    assert (found != spread_by(3)(array)).any()


def test_tiles_in_threads():
    array, function = random(2, 100, 5), spread_by(4)
    with workers(3):
        found = in_row_tiles(function, array, 4, height=8)
    np.testing.assert_array_equal(found, function(array))


def test_few_rows_are_one_tile():
    array, seen = random(3, ROWS, 2), []
    in_row_tiles(lambda own: seen.append(own) or own, array, 5)
    assert len(seen) == 1
    assert seen[0] is array


@pytest.mark.parametrize("window", [boundaries.NARROW, boundaries.WIDE])
def test_smooth_boundaries_are_the_same_in_tiles(window):
    first = (random(ROWS + 60, 40) > 0.4).astype(np.float32)
    posterior = np.stack([first, 1 - first])
    # The last rows alone are one tile; they see 36 rows above, at most.
    found = smooth_boundaries(posterior, window)[:, -120:]
    alone = smooth_boundaries(posterior[:, -160:], window)[:, -120:]
    np.testing.assert_array_equal(found, alone)
