# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import pickle

import numpy as np
import pytest

from hyperspy_symseg.descriptors import RotationSymmetry, TranslationSymmetry
from hyperspy_symseg.descriptors.joined import JoinedDescriptors
from hyperspy_symseg.segmentation import SymmetryModel

DESCRIPTOR = TranslationSymmetry(patch=7, window=8, max_operations=81)


def test_arrays_of_a_model_are_constant(fitted):
    with pytest.raises(ValueError, match="read-only"):
        fitted.mean[0] = 3


def test_models_with_another_centre_are_not_equal(fitted):
    assert fitted != dataclasses.replace(fitted, centres=fitted.centres + 1)


def test_pickled_model_is_equal(fitted):
    assert pickle.loads(pickle.dumps(fitted)) == fitted


def test_dictionary_makes_an_equal_model(frame):
    fitted = SymmetryModel.fit(
        frame, DESCRIPTOR, stride=3, pixel_size=(0.02, 0.03), units=("nm", "pm")
    )
    assert SymmetryModel.from_dict(fitted.to_dict()) == fitted


def test_model_of_other_operations_is_an_error(fitted):
    with pytest.raises(
        ValueError, match=r"^mean of the model must have .* got \(81,\)"
    ):
        dataclasses.replace(fitted, descriptor=TranslationSymmetry(window=3))


def test_labels_are_int8_up_to_127_patterns_and_int16_above(fitted):
    def with_patterns(n):
        classes = np.zeros((n, len(fitted.mean)))
        return dataclasses.replace(
            fitted,
            centres=np.zeros((n, 5)),
            counts=np.ones(n, int),
            class_means=classes,
            class_variances=classes,
        )

    assert with_patterns(127).label_dtype == np.int8
    assert with_patterns(128).label_dtype == np.int16


def test_attributes_cannot_be_set(fitted):
    for name in ("stride", "something_new"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            setattr(fitted, name, 3)


def test_model_is_not_equal_to_anything_else(fitted):
    assert fitted != fitted.to_dict()


def test_model_is_shown_in_a_line(fitted):
    assert repr(fitted) == (
        "<SymmetryModel: 2 patterns, translation, 81 operations, 5 components>"
    )


def test_model_of_joined_descriptors_with_templates_is_shown_in_a_line(frame):
    fitted = SymmetryModel.fit(
        frame,
        JoinedDescriptors([DESCRIPTOR, RotationSymmetry(radius=6)]),
        stride=6,
        period=7,
    )
    found = len(fitted.templates.reflections)
    assert repr(fitted) == (
        "<SymmetryModel: 2 patterns, translation + rotation, 121 operations, "
        f"5 components, period 7 px, {found} reflections>"
    )
