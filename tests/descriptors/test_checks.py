# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import checks


@pytest.mark.parametrize(
    "dtype", [complex, object, "M8[s]", [("R", "u1"), ("G", "u1")]]
)
def test_frame_of_numbers_that_are_not_real(dtype):
    with pytest.raises(TypeError, match=r"^frame has dtype"):
        checks.check_frame(np.zeros((3, 4), dtype))


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (5, 0), (2, 3, 4)])
def test_frame_that_is_not_one_image(shape):
    with pytest.raises(ValueError, match="^frame has shape"):
        checks.check_frame(np.zeros(shape))


def test_mask_that_is_not_boolean():
    with pytest.raises(TypeError, match="^mask has dtype int"):
        checks.check_mask(np.zeros((3, 4), int), (3, 4))


def test_mask_of_another_shape():
    with pytest.raises(ValueError, match="^mask has shape"):
        checks.check_mask(np.zeros((4, 3), bool), (3, 4))


def test_mask_that_leaves_nothing():
    with pytest.raises(ValueError, match="^mask is True everywhere"):
        checks.check_mask(np.ones((3, 4), bool), (3, 4))


@pytest.mark.parametrize(("value", "n_warnings"), [(1e5, 0), (1e9, 1), (-1e9, 1)])
def test_pixel_far_from_all_others_is_warned_of(caplog, value, n_warnings):
    frame = np.random.default_rng(0).normal(size=(50, 60))
    frame[7, 9] = value
    checks.warn_of_values(frame, None)
    assert len(caplog.records) == n_warnings


def test_masked_pixel_is_not_warned_of(caplog):
    frame = np.random.default_rng(0).normal(size=(50, 60))
    frame[7, 9], frame[8, 9] = 1e12, np.inf
    checks.warn_of_values(frame, frame > 1e6)
    assert not caplog.records
