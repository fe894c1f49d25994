# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from hyperspy_symseg.descriptors import (
    TranslationSymmetry,
    describe,
    make_descriptor,
)


@pytest.mark.parametrize(
    "descriptor",
    [
        TranslationSymmetry(patch=(5, 6), window=9, max_operations=50),
        TranslationSymmetry(translations=[(1, 2), (3, -4)]),
    ],
)
def test_description_makes_an_equal_descriptor(descriptor):
    name, parameters = describe(descriptor)
    assert make_descriptor(name, **parameters) == descriptor


@pytest.mark.parametrize("name", ["rotations", ""])
def test_unknown_name(name):
    with pytest.raises(ValueError, match="^descriptor=.*'translation'"):
        make_descriptor(name)


def test_description_of_something_else():
    with pytest.raises(TypeError, match="^descriptor="):
        describe(object())


def test_name_that_is_none():
    with pytest.raises(TypeError, match="^descriptor=3"):
        make_descriptor(3)
