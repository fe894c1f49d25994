# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.segmentation import separability
from hyperspy_symseg.segmentation.sampling import sample_slices


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


def test_separability_is_that_of_equation_4(model, frame):
    descriptor = model.descriptor
    grid = Grid.over(frame.shape, 3)
    n = len(descriptor.operations)
    scores = compute_scores(descriptor, frame, grid.within(*sample_slices(grid, n)))
    labels = model.score_model.nearest(scores).ravel()
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
        model.separability[varies], between[varies] / within[varies], rtol=1e-3
    )
    np.testing.assert_allclose(
        model.variances, scores.var(axis=0), rtol=1e-3, atol=1e-9
    )


def test_zero_shift_separates_nothing(fitted):
    place = np.flatnonzero(~fitted.descriptor.operations.any(axis=1))
    assert fitted.separability[place] == 0


def test_components_separate_as_their_projections(fitted, frame):
    projected, labels = fitted.sample(frame)
    between = within = 0
    for label in (0, 1):
        own = projected[labels == label]
        between += len(own) * own.mean(axis=0) ** 2
        within += len(own) * own.var(axis=0)
    np.testing.assert_allclose(
        fitted.component_separability, between / within, rtol=0.02, atol=1e-3
    )


def test_variance_spectrum_is_that_of_all_components(models):
    for name in ("translation", "joined"):
        model = models[name]
        spectrum = model.variance_spectrum
        assert len(spectrum) == len(model.mean)
        assert spectrum.sum() == pytest.approx(1)
        np.testing.assert_allclose(spectrum[:5], model.explained_variance_ratio)
