# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.segmentation.views import MOST_CELLS, SIDE, views_of, windows
from hyperspy_symseg.templates.blocks import cell_size

CASES = {
    "shape": st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    "period": st.floats(2, 60),
    "n_frames": st.integers(1, 30),
}


def sides(window):
    return tuple(axis.stop - axis.start for axis in window)


@pytest.mark.parametrize("n_frames", [1, 8])
def test_a_small_frame_is_one_window(n_frames):
    assert windows((61, 83), 7, n_frames) == [(slice(0, 61), slice(0, 83))]


def test_windows_of_a_large_frame():
    # Cells of 12 pixels: 7 windows of 48 x 48 cells have fewer than 128 x 128.
    found = windows((3000, 4000), 12)
    assert len(found) == 7
    assert {sides(window) for window in found} == {(576, 576)}
    assert found[0] == (slice(0, 576), slice(0, 576))
    assert found[-1] == (slice(2424, 3000), slice(3424, 4000))


def test_frames_share_the_windows():
    assert len(windows((3000, 4000), 12, 3)) == 2


def test_a_long_frame_has_windows_along_it():
    found = windows((50, 100_000), 12)
    assert all(window[0] == slice(0, 50) for window in found)
    starts = [window[1].start for window in found]
    assert starts == sorted(set(starts))
    assert (starts[0], starts[-1]) == (0, 100_000 - 576)


@given(**CASES)
def test_windows_are_in_the_frame_and_of_one_shape(shape, period, n_frames):
    found = windows(shape, period, n_frames)
    assert found
    assert len({sides(window) for window in found}) == 1
    for window in found:
        for axis, length in zip(window, shape, strict=True):
            assert 0 <= axis.start < axis.stop <= length


@given(**CASES)
def test_there_are_no_more_cells_than_allowed_but_for_one_window(
    shape, period, n_frames
):
    found = windows(shape, period, n_frames)
    cell = cell_size(period)
    if len(found) > 1:
        total = n_frames * len(found) * math.prod(sides(found[0]))
        assert total <= MOST_CELLS * cell**2
    else:
        assert max(sides(found[0])) <= max(SIDE * cell, min(shape)) or (
            math.prod(shape) <= MOST_CELLS * cell**2
        )


@given(**CASES)
def test_no_window_is_there_twice(shape, period, n_frames):
    found = [
        tuple((axis.start, axis.stop) for axis in window)
        for window in windows(shape, period, n_frames)
    ]
    assert len(set(found)) == len(found)


def test_views_are_the_windows_of_every_frame_with_its_mask():
    frames = list(np.random.default_rng(0).random((2, 500, 900)))
    mask = frames[1] > 0.5
    found = views_of(frames, [None, mask], 5)
    chosen = windows((500, 900), 5, 2)
    assert len(chosen) > 1
    assert len(found) == 2 * len(chosen)
    for i, window in enumerate(chosen):
        np.testing.assert_array_equal(found[i][0], frames[0][window])
        assert found[i][1] is None
        frame, of_frame = found[len(chosen) + i]
        np.testing.assert_array_equal(frame, frames[1][window])
        np.testing.assert_array_equal(of_frame, mask[window])
