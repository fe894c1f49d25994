# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.frames import checks


@pytest.mark.parametrize(
    "dtype", [complex, object, "M8[s]", [("R", "u1"), ("G", "u1")]]
)
def test_frame_of_numbers_that_are_not_real(dtype):
    with pytest.raises(TypeError, match="^frame must be an array of real numbers, got"):
        checks.check_frame(np.zeros((3, 4), dtype))


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (5, 0), (2, 3, 4)])
def test_frame_that_is_not_one_image(shape):
    with pytest.raises(ValueError, match="^frame must be one image, .* got the shape"):
        checks.check_frame(np.zeros(shape))


def test_mask_that_is_not_boolean():
    with pytest.raises(
        TypeError, match="^mask must be an array of bool, .* got the dtype int"
    ):
        checks.check_mask(np.zeros((3, 4), int), (3, 4))


def test_mask_of_another_shape():
    with pytest.raises(
        ValueError, match="^mask must have the shape of the frame, .* got"
    ):
        checks.check_mask(np.zeros((4, 3), bool), (3, 4))


def test_mask_that_leaves_nothing():
    with pytest.raises(ValueError, match="^mask must leave some pixels in, got True"):
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


@pytest.mark.parametrize("value", [np.int8(100), np.uint64(100), 100])
def test_whole_number_is_one_of_python(value):
    found = checks.check_whole("n", value, 1, 1000)
    assert type(found) is int
    assert found == 100


@pytest.mark.parametrize(
    "value", [True, np.True_, 3.0, "3", None, np.array(3), np.timedelta64(3, "s")]
)
def test_what_is_no_whole_number(value):
    with pytest.raises(TypeError, match="^n must be an int of at least 1, got"):
        checks.check_whole("n", value, 1)


def test_pair_of_small_integers_is_one_of_python():
    pair = checks.pixel_pair("patch", np.array([100, 3], np.int8), 1)
    assert pair == (100, 3)
    assert [type(each) for each in pair] == [int, int]


@pytest.mark.parametrize("value", [2**31, (1, 2**70)])
def test_length_of_no_image(value):
    with pytest.raises(ValueError, match="^patch must be at most 2147483647 pixels"):
        checks.pixel_pair("patch", value, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf, 2**5000, np.float16(2)])
def test_number_out_of_range(value):
    with pytest.raises(ValueError, match="^share must be a number from 0 to 1, got"):
        checks.check_number("share", value, 0, 1)


@pytest.mark.parametrize("value", ["1", None, True, 1j, [1], np.timedelta64(1, "s")])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match="^share must be a number from 0 to 1, got"):
        checks.check_number("share", value, 0, 1)


def test_flag_of_numpy_is_one_of_python():
    assert checks.check_flag("refine", np.True_) is True


@pytest.mark.parametrize("value", [1, "yes", None, np.array(True)])
def test_what_is_no_flag(value):
    with pytest.raises(TypeError, match=r"^refine must be True, False or 'auto', got"):
        checks.check_flag("refine", value, "auto")


def test_long_values_are_cut_short():
    assert len(checks.shown(np.zeros((1000, 1000)))) < 100
    assert len(checks.shown("x" * 10**6)) < 100
    assert checks.shown(10**5000) == "an int of very many digits"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (["1", "2"], TypeError),
        ([None, 1], TypeError),
        ([1j, 2], TypeError),
        ([True, False], TypeError),
        ([1, [2, 3]], ValueError),
        ([1, 2, 3], ValueError),
        ([1, np.nan], ValueError),
        ([1, 11], ValueError),
    ],
)
def test_array_that_is_not_allowed(values, error):
    with pytest.raises(error, match="^counts must"):
        checks.check_array("counts", values, (2,), 0, 10)
