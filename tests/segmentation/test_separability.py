# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import (
    Grid,
    JoinedDescriptors,
    PowerSpectrum,
    ReflectionSymmetry,
    TranslationSymmetry,
    compute_scores,
)
from hyperspy_symseg.segmentation import SymmetryModel, separability
from hyperspy_symseg.segmentation.sampling import sample_slices

DESCRIPTORS = {
    "translation": TranslationSymmetry(patch=7, window=8, max_operations=81),
    "reflection": ReflectionSymmetry(radius=7, pooling=9),
    "joined": JoinedDescriptors(
        [
            TranslationSymmetry(patch=7, window=8, max_operations=81),
            ReflectionSymmetry(radius=7, pooling=9),
        ]
    ),
    # More than 400 operations.
    "power spectrum": PowerSpectrum(window=15),
}


@pytest.fixture(scope="module")
def frame(two_grains):
    return two_grains[0].data


@pytest.fixture(scope="module")
def models(frame):
    return {
        name: SymmetryModel.fit(frame, descriptor, stride=3)
        for name, descriptor in DESCRIPTORS.items()
    }


def test_hand_worked_variances():
    # Three pixels about 1 and one at 5: the mean is 2.
    between, within = separability.variances(
        np.array([3, 1]), np.array([[1.0], [5.0]]), np.array([[2.0], [0.0]])
    )
    assert between.tolist() == [(3 * 1 + 1 * 9) / 4]
    assert within.tolist() == [1.5]


def test_separability_is_their_ratio():
    ratio = separability.fisher_separability(np.array([3.0, 0.0]), np.array([1.5, 1.0]))
    assert ratio.tolist() == [2, 0]


def test_rounding_noise_separates_nothing():
    noise = np.array([1e-13])
    assert separability.fisher_separability(noise, noise / 100) == 0
    assert separability.fisher_separability(noise * 100, noise) > 0


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_separability_is_that_of_equation_4(models, frame, name):
    model, descriptor = models[name], DESCRIPTORS[name]
    grid = Grid.over(frame.shape, 3)
    n = len(descriptor.operations)
    scores = compute_scores(descriptor, frame, grid.part(*sample_slices(grid, n)))
    labels = model._nearest(scores).ravel()
    scores = scores.reshape(-1, n).astype(float)
    complete = ~np.isnan(scores).any(axis=1)
    scores, labels = scores[complete], labels[complete]
    between = within = 0
    for label in (0, 1):
        own = scores[labels == label]
        between += len(own) * (own.mean(axis=0) - scores.mean(axis=0)) ** 2
        within += len(own) * own.var(axis=0)
    varies = within > 1e-6
    np.testing.assert_allclose(
        model.separability[varies], (between / within)[varies], rtol=1e-3
    )
    np.testing.assert_allclose(
        model.variances, scores.var(axis=0), rtol=1e-3, atol=1e-9
    )


def test_zero_shift_separates_nothing(models):
    place = np.flatnonzero(~DESCRIPTORS["translation"].operations.any(axis=1))
    assert models["translation"].separability[place] == 0


def test_components_separate_as_their_projections(models, frame):
    model = models["translation"]
    projected, labels = model.sample(frame)
    between = within = 0
    for label in (0, 1):
        own = projected[labels == label]
        between += len(own) * own.mean(axis=0) ** 2
        within += len(own) * own.var(axis=0)
    np.testing.assert_allclose(
        model.component_separability, between / within, rtol=0.02, atol=1e-3
    )


def test_variance_spectrum_is_that_of_all_components(models):
    for name in ("translation", "joined"):
        model = models[name]
        spectrum = model.variance_spectrum
        assert len(spectrum) == len(model.mean)
        assert spectrum.sum() == pytest.approx(1)
        np.testing.assert_allclose(spectrum[:5], model.explained_variance_ratio)


def test_best_operations_are_ascending_and_leave_opposites_for_last():
    values = np.array([5.0, 1.0, 9.0, 9.5, 4.0, 1.5])
    opposites = np.array([0, 5, 3, 2, 4, 1])
    best = [
        separability.best_operations(values, opposites, n).tolist() for n in range(1, 7)
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
    assert separability.best_operations(values, opposites, 2).tolist() == [1, 2]


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_selected_model_gives_the_same_labels_to_the_same_patterns(models, frame, name):
    model = models[name]
    selected = model.select(10, frame)
    assert len(selected.descriptor.operations) == 10
    agree = (selected.predict(frame) == model.predict(frame)).mean()
    assert agree > 0.93


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_selected_operations_are_the_best(models, frame, name):
    model = models[name]
    selected = model.select(10, frame)
    places = separability.best_operations(
        model.separability, model.descriptor.opposites, 10
    )
    np.testing.assert_array_equal(selected.separability, model.separability[places])
    assert selected.separability.min() >= np.median(model.separability)


def test_all_operations_selected_make_the_same_model(models, frame):
    model = models["translation"]
    selected = model.select(len(model.mean))
    np.testing.assert_array_equal(
        selected.descriptor.operations, DESCRIPTORS["translation"].operations
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
    with pytest.raises(ValueError, match="^frame=None: a model of 496 operations"):
        models["power spectrum"].select(10)


@pytest.mark.parametrize(
    ("n", "error"), [(0, ValueError), (82, ValueError), (2.0, TypeError)]
)
def test_number_that_cannot_be_selected(models, n, error):
    with pytest.raises(error, match="^n="):
        models["translation"].select(n)
