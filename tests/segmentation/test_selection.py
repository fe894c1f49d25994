# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.segmentation import selection


def test_best_operations_are_ascending_and_leave_opposites_for_last():
    values = np.array([5.0, 1.0, 9.0, 9.5, 4.0, 1.5])
    opposites = np.array([0, 5, 3, 2, 4, 1])
    best = [
        selection.best_operations(values, opposites, n).tolist() for n in range(1, 7)
    ]
    assert best == [
        [3],
        [0, 3],
        [0, 3, 4],
        [0, 3, 4, 5],
        [0, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    ]


def test_operations_that_separate_nothing_are_the_very_last():
    values, opposites = np.array([0.0, 2.0, 3.0]), np.array([0, 2, 1])
    assert selection.best_operations(values, opposites, 2).tolist() == [1, 2]


def test_selected_model_gives_the_same_labels_to_the_same_patterns(model, frame):
    selected = model.select(10, frame)
    assert len(selected.descriptor.operations) == 10
    agree = (selected.predict(frame) == model.predict(frame)).mean()
    assert agree > 0.93


def test_selected_operations_are_the_best(model, frame):
    selected = model.select(10, frame)
    places = selection.best_operations(
        model.separability, model.descriptor.opposites, 10
    )
    np.testing.assert_allclose(
        selected.separability, model.separability[places], rtol=1e-12
    )
    assert selected.separability.min() >= np.median(model.separability)


def test_all_operations_selected_make_the_same_model(models, frame):
    model = models["translation"]
    selected = model.select(len(model.mean))
    np.testing.assert_array_equal(
        selected.descriptor.operations, model.descriptor.operations
    )
    np.testing.assert_array_equal(selected.predict(frame), model.predict(frame))
    np.testing.assert_allclose(
        selected.explained_variance_ratio, model.explained_variance_ratio
    )
    np.testing.assert_allclose(
        np.abs(selected.centres), np.abs(model.centres), atol=1e-6
    )


def test_covariance_of_the_model_is_that_of_its_frame(models, frame):
    # But for pixels at the edges that have these nine scores and not all others.
    model = models["translation"]
    np.testing.assert_allclose(
        model.select(9).covariance, model.select(9, frame).covariance, atol=1e-3
    )


def test_selected_model_selects_again(models):
    model = models["translation"]
    twice = model.select(20).select(5)
    np.testing.assert_array_equal(twice.separability, model.select(5).separability)


def test_components_are_never_more_than_selected_operations(models):
    assert models["translation"].select(3).components.shape == (3, 3)


def test_one_operation(models, frame):
    selected = models["translation"].select(1)
    assert set(np.unique(selected.predict(frame))) == {0, 1}


def test_many_operations_without_a_frame_is_an_error(models):
    with pytest.raises(ValueError, match="^frame must be given .* the 496 operations"):
        models["power spectrum"].select(10)


@pytest.mark.parametrize(
    ("n", "error"), [(0, ValueError), (82, ValueError), (2.0, TypeError)]
)
def test_number_that_cannot_be_selected(models, n, error):
    with pytest.raises(error, match="^n must be an int from 1 to 81"):
        models["translation"].select(n)
