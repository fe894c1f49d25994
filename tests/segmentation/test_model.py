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
    scores = fitted.score_model
    moved = dataclasses.replace(scores, centres=scores.centres + 1)
    assert fitted != dataclasses.replace(fitted, score_model=moved)


def test_pickled_model_is_equal(fitted):
    assert pickle.loads(pickle.dumps(fitted)) == fitted


def test_dictionary_makes_an_equal_model(frame):
    fitted = SymmetryModel.fit(
        frame, DESCRIPTOR, 2, stride=3, pixel_size=(0.02, 0.03), units=("nm", "pm")
    )
    assert SymmetryModel.from_dict(fitted.to_dict()) == fitted


def test_model_of_other_operations_is_an_error(fitted):
    with pytest.raises(
        ValueError, match=r"^mean of the model must have .* got \(81,\)"
    ):
        dataclasses.replace(
            fitted.score_model, descriptor=TranslationSymmetry(window=3)
        )


def test_labels_are_int8_up_to_127_patterns_and_int16_above(fitted):
    def with_patterns(n):
        classes = np.zeros((n, len(fitted.mean)))
        scores = dataclasses.replace(
            fitted.score_model,
            centres=np.zeros((n, 5)),
            counts=np.ones(n, int),
            class_means=classes,
            class_variances=classes,
        )
        return dataclasses.replace(fitted, score_model=scores)

    assert with_patterns(127).label_dtype == np.int8
    assert with_patterns(128).label_dtype == np.int16


def test_attributes_of_the_scores_are_those_of_the_model(fitted):
    for field in dataclasses.fields(fitted.score_model):
        own = getattr(fitted.score_model, field.name)
        assert getattr(fitted, field.name) is own


def test_model_without_covariance_gives_the_same_labels(fitted, frame):
    smaller = fitted.without_covariance()
    assert smaller.covariance is None
    np.testing.assert_array_equal(smaller.predict(frame), fitted.predict(frame))


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
        2,
        stride=6,
        period=7,
    )
    found = len(fitted.templates.reflections)
    assert repr(fitted) == (
        "<SymmetryModel: 2 patterns, translation + rotation, 121 operations, "
        f"5 components, period 7 px, {found} reflections>"
    )
