# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.fit_options import FitOptions

from .conftest import TRANSLATION


def test_numbers_become_those_of_python():
    options = FitOptions(
        TRANSLATION,
        np.int8(3),
        np.int16(4),
        n_components=np.float32(0.5),
        n_operations=np.int64(9),
        period=np.float32(7),
        random_state=np.uint8(1),
        pixel_size=[np.float32(0.5), -2],
        units=["nm", "nm"],
        names=np.array(["a", "b", "c"]),
    )
    found = [
        getattr(options, field.name)
        for field in dataclasses.fields(options)
        if field.name != "descriptor"
    ]
    names = "a", "b", "c"
    assert found == [3, (4, 4), 0.5, 9, 7.0, 1, (0.5, -2.0), ("nm", "nm"), names]
    kinds = [int, tuple, float, int, float, int, tuple, tuple, tuple]
    assert list(map(type, found)) == kinds


def test_a_seed_is_drawn():
    first, second = (
        FitOptions(TRANSLATION, random_state=None).random_state for _ in range(2)
    )
    assert type(first) is int
    assert first != second


def test_what_is_checked_stays_as_it_is():
    options = FitOptions(TRANSLATION, stride=(3, 4), period=7, random_state=None)
    assert dataclasses.replace(options) == options


def test_descriptor_is_an_instance_of_a_class():
    with pytest.raises(TypeError, match="^descriptor must be an instance of a class"):
        FitOptions("translation")


def test_an_option_that_there_is_not_is_an_error(frame):
    with pytest.raises(TypeError, match="bogus"):
        SymmetryModel.fit(frame, TRANSLATION, bogus=1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pixel_size": 1.0}, TypeError, "pixel_size must be a pair"),
        ({"pixel_size": (0, 1.0)}, ValueError, "pixel_size must not be 0"),
        ({"units": "nm"}, TypeError, "units must be a pair"),
    ],
)
def test_pixels_are_checked_before_the_fit(frame, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        SymmetryModel.fit(frame, TRANSLATION, **options)
