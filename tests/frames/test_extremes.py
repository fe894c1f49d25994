# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.frames.extremes import extremes, why_blank


@pytest.mark.parametrize("dtype", ["u1", ">i2", "f2", "?", "f8"])
def test_extremes(dtype):
    assert extremes(np.array([[1, 0, 1]], dtype), None) == (0, 1)


def test_extremes_are_of_pixels_that_count():
    frame = np.array([[np.nan, 3, -9, np.inf, 5]])
    assert extremes(frame, np.array([[0, 0, 1, 0, 0]], bool)) == (3, 5)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ([[7, 7]], "every pixel is 7"),
        ([[np.nan, np.inf]], "no pixel is finite"),
        ([[7, 7.5]], None),
    ],
)
def test_why_a_frame_is_blank(frame, reason):
    assert why_blank(*extremes(np.array(frame), None)) == reason
