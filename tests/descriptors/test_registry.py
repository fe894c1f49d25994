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
    with pytest.raises(
        ValueError, match=f"^descriptor must be 'translation'.* got '{name}'"
    ):
        make_descriptor(name)


def test_description_of_something_else():
    with pytest.raises(TypeError, match="^descriptor must be .* got <object"):
        describe(object())


def test_name_that_is_none():
    with pytest.raises(TypeError, match="^descriptor must be .* got 3"):
        make_descriptor(3)


def test_descriptor_is_shown_as_it_is_made():
    descriptor = TranslationSymmetry(patch=3, window=4, max_operations=25)
    assert eval(repr(descriptor)) == descriptor


def test_of_a_long_list_of_operations_six_are_shown():
    some = make_descriptor("translation").subset(range(80))
    assert repr(some).count("(-20, ") == 6
    assert len(repr(some)) < 200


def test_of_a_long_list_that_is_not_allowed_six_are_shown():
    with pytest.raises(
        ValueError, match="^translations must be .* all different"
    ) as error:
        TranslationSymmetry(translations=[(1, 2)] * 500)
    assert len(str(error.value)) < 200
