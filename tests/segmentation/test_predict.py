# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hyperspy_symseg.descriptors import Descriptor, TranslationSymmetry, compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.score_model import ScoreModel

DESCRIPTOR = TranslationSymmetry(patch=7, window=8, max_operations=81)


def test_labels_are_the_grains(fitted, two_grains):
    labels = fitted.predict(two_grains[0].data)
    assert (labels == two_grains[1]).mean() > 0.95


def test_projection_is_that_of_the_principal_components(fitted, frame):
    scores = compute_scores(DESCRIPTOR, frame, Grid.over(frame.shape, 7))[2:6, 3:8]
    expected = (scores - fitted.mean) @ fitted.components.T
    np.testing.assert_allclose(fitted.project(scores), expected, atol=1e-4)


def test_missing_scores_are_fitted_by_least_squares(fitted, frame):
    scores = compute_scores(DESCRIPTOR, frame, Grid((20, 20), (9, 9), (2, 3))).copy()
    scores[0, 1, ::2] = np.nan
    has = ~np.isnan(scores[0, 1])
    expected = np.linalg.lstsq(
        fitted.components[:, has].T, (scores[0, 1] - fitted.mean)[has]
    )[0]
    np.testing.assert_allclose(fitted.project(scores)[0, 1], expected, atol=1e-4)


def test_pixel_without_any_score_is_projected_to_nan(fitted):
    assert np.isnan(fitted.project(np.full((2, 3, 81), np.nan, np.float32))).all()


def test_pixels_left_out_are_labelled_minus_one(fitted, frame):
    broken = frame.astype(float)
    broken[10, 20], broken[30, 40] = np.nan, np.inf
    mask = np.zeros(frame.shape, bool)
    mask[50, 60:70] = True
    labels = fitted.predict(broken, mask)
    left_out = mask.copy()
    left_out[10, 20] = left_out[30, 40] = True
    np.testing.assert_array_equal(labels == -1, left_out)


def test_pixels_around_a_large_hole_keep_labels_and_its_inside_has_none(fitted, frame):
    broken = frame.astype(float)
    broken[10:50, 10:70] = np.nan
    labels = fitted.predict(broken)
    np.testing.assert_array_equal(labels == -1, np.isnan(broken))


def test_labels_on_the_grid_are_those_of_its_pixels(fitted, frame):
    grid = Grid.over(frame.shape, 3)
    np.testing.assert_array_equal(
        fitted.predict(frame, upsample=False),
        fitted.predict(frame)[np.ix_(grid.rows, grid.columns)],
    )


def test_one_pattern_labels_all_pixels_zero(frame):
    fitted = SymmetryModel.fit(frame, DESCRIPTOR, n_patterns=1, stride=3, period=None)
    assert (fitted.predict(frame) == 0).all()


@pytest.mark.parametrize("upsample", [False, True])
def test_number_of_threads_changes_no_label(fitted, frame, monkeypatch, upsample):
    monkeypatch.setattr(Descriptor, "tile_shape", (16, 24))
    labels = []
    for n in (1, 4):
        with workers(n):
            labels.append(fitted.predict(frame, upsample=upsample))
    np.testing.assert_array_equal(*labels)


def test_threads_that_label_have_no_more_below_them(fitted, frame, monkeypatch):
    monkeypatch.setattr(Descriptor, "tile_shape", (16, 24))
    seen, nearest = set(), ScoreModel.nearest

    def spy(model, scores):
        seen.update(library["num_threads"] for library in threadpool_info())
        return nearest(model, scores)

    monkeypatch.setattr(ScoreModel, "nearest", spy)
    with workers(3):
        fitted.predict(frame)
    assert seen == {1}


def test_progress_is_that_of_the_tiles(fitted, frame, monkeypatch):
    monkeypatch.setattr(Descriptor, "tile_shape", (16, 24))
    totals = []

    def progress(iterator, total, desc, unit):
        totals.append(total)
        return iterator

    with workers(2, progress):
        fitted.predict(frame)
    # 21 x 28 samples in tiles of at most 5 x 8.
    assert totals == [5 * 4]


def test_sample_of_a_frame_has_its_projections_and_labels(fitted, frame):
    scores = compute_scores(DESCRIPTOR, frame, Grid.over(frame.shape, 3))
    complete = ~np.isnan(scores).any(axis=-1)
    projected, labels = fitted.sample(frame)
    np.testing.assert_allclose(projected, fitted.project(scores)[complete], atol=1e-4)
    expected = fitted.predict(frame, upsample=False)[complete]
    np.testing.assert_array_equal(labels, expected)
