# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from hyperspy_symseg.segmentation.projection import project_scores

RNG = np.random.default_rng(0)
COMPONENTS = np.linalg.qr(RNG.normal(size=(6, 2)))[0].T
MEAN, WEIGHTS = RNG.normal(size=6), RNG.uniform(0.1, 9, 6)
PLACES = RNG.normal(size=(20, 2))
# Scores that lie in the plane of the two components.
SCORES = PLACES @ COMPONENTS / WEIGHTS + MEAN


def test_projection_of_weighted_scores():
    found = project_scores(SCORES, MEAN, WEIGHTS, COMPONENTS)
    np.testing.assert_allclose(found, PLACES, atol=1e-12)


def test_missing_scores_do_not_move_what_lies_in_the_plane():
    scores = SCORES.copy()
    scores[3, :4] = scores[7, 1] = scores[9, [0, 5]] = np.nan
    found = project_scores(scores, MEAN, WEIGHTS, COMPONENTS)
    np.testing.assert_allclose(found, PLACES, atol=1e-9)


def test_weights_count_in_the_least_squares():
    scores = SCORES + RNG.normal(size=SCORES.shape)
    scores[:, 2] = np.nan
    has = [0, 1, 3, 4, 5]
    weighted = ((scores - MEAN) * WEIGHTS)[:, has]
    expected = np.linalg.lstsq(COMPONENTS[:, has].T, weighted.T)[0].T
    found = project_scores(scores, MEAN, WEIGHTS, COMPONENTS)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_pixel_without_any_score_has_no_place():
    scores = SCORES.copy()
    scores[4] = np.nan
    found = project_scores(scores, MEAN, WEIGHTS, COMPONENTS)
    assert np.isnan(found[4]).all()
    assert np.isfinite(np.delete(found, 4, axis=0)).all()
