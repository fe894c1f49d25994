# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hyperspy_symseg.descriptors import Grid, TranslationSymmetry, compute_scores
from hyperspy_symseg.segmentation import SymmetryModel, sampling

DESCRIPTOR = TranslationSymmetry(patch=7, window=8, max_operations=81)


@pytest.fixture(scope="module")
def frame(two_grains):
    return two_grains[0].data


@pytest.fixture(scope="module")
def fitted(frame):
    return SymmetryModel.fit(frame, DESCRIPTOR, stride=3)


def test_labels_are_the_grains(fitted, two_grains):
    labels = fitted.predict(two_grains[0].data)
    assert (labels == two_grains[1]).mean() > 0.95


def test_smallest_pattern_comes_first(fitted):
    assert fitted.counts[0] < fitted.counts[1]


def test_components_explain_the_fraction_asked_for(frame):
    fitted = SymmetryModel.fit(frame, DESCRIPTOR, stride=3, n_components=0.9)
    explained = fitted.explained_variance_ratio
    assert explained.sum() >= 0.9 > explained[:-1].sum()


def test_components_are_never_more_than_operations(frame):
    few = TranslationSymmetry(patch=7, translations=[(7, 0), (0, 7)])
    assert len(SymmetryModel.fit(frame, few, stride=3).components) == 2


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


@pytest.mark.parametrize("sample_bytes", [1000 * 81 * 4, 64 * 2**20])
def test_fitting_and_labelling_at_once_is_the_same(frame, monkeypatch, sample_bytes):
    monkeypatch.setattr(sampling, "SAMPLE_BYTES", sample_bytes)
    mask = np.zeros(frame.shape, bool)
    mask[5, 6:9] = True
    fitted, labels = SymmetryModel.fit_predict(frame, DESCRIPTOR, stride=2, mask=mask)
    assert fitted == SymmetryModel.fit(frame, DESCRIPTOR, stride=2, mask=mask)
    np.testing.assert_array_equal(labels, fitted.predict(frame, mask))


def test_labelling_at_once_on_the_grid(frame, fitted):
    _, labels = SymmetryModel.fit_predict(frame, DESCRIPTOR, stride=3, upsample=False)
    np.testing.assert_array_equal(labels, fitted.predict(frame, upsample=False))


def test_number_of_threads_changes_nothing(frame, monkeypatch):
    monkeypatch.setattr("hyperspy_symseg.descriptors.tiles.TILE_SHAPE", (16, 24))
    fits = [
        SymmetryModel.fit(frame, DESCRIPTOR, stride=3, num_workers=n) for n in (1, 3)
    ]
    assert fits[0] == fits[1]
    labels = [fits[0].predict(frame, num_workers=n) for n in (1, 3)]
    np.testing.assert_array_equal(*labels)


def test_the_same_seed_gives_an_equal_model(frame, fitted):
    assert SymmetryModel.fit(frame, DESCRIPTOR, stride=3) == fitted


def test_a_seed_that_is_drawn_is_kept(frame):
    drawn = SymmetryModel.fit(frame, DESCRIPTOR, stride=3, random_state=None)
    again = SymmetryModel.fit(
        frame, DESCRIPTOR, stride=3, random_state=drawn.random_state
    )
    assert drawn == again


def test_fits_side_by_side_leave_the_number_of_blas_threads_alone(frame):
    before = [info["num_threads"] for info in threadpool_info()]
    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(SymmetryModel.fit, frame, DESCRIPTOR) for _ in range(8)]
    assert all(fit.result() == fits[0].result() for fit in fits)
    assert [info["num_threads"] for info in threadpool_info()] == before


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
    with pytest.raises(ValueError, match=r"^mean of the model has shape \(81,\)"):
        dataclasses.replace(fitted, descriptor=TranslationSymmetry(window=3))


def test_labels_are_int8_up_to_127_patterns_and_int16_above(fitted):
    def with_patterns(n):
        classes = np.zeros((n, len(fitted.mean)))
        return dataclasses.replace(
            fitted,
            centres=np.zeros((n, 5)),
            counts=np.zeros(n, int),
            class_means=classes,
            class_variances=classes,
        )

    assert with_patterns(127).label_dtype == np.int8
    assert with_patterns(128).label_dtype == np.int16


def test_one_pattern_labels_all_pixels_zero(frame):
    fitted = SymmetryModel.fit(frame, DESCRIPTOR, n_patterns=1, stride=3)
    assert (fitted.predict(frame) == 0).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_patterns": 0}, ValueError, "n_patterns=0"),
        ({"n_patterns": -1}, ValueError, "n_patterns=-1"),
        ({"n_patterns": "2"}, TypeError, "n_patterns='2'"),
        ({"n_patterns": 2.0}, TypeError, r"n_patterns=2\.0"),
        ({"n_patterns": True}, TypeError, "n_patterns=True"),
        ({"n_patterns": 3000}, ValueError, "n_patterns=3000.*distinct"),
        ({"n_components": 0}, ValueError, "n_components=0"),
        ({"n_components": 1.5}, ValueError, r"n_components=1\.5"),
        ({"n_components": "5"}, TypeError, "n_components='5'"),
        ({"n_components": float("nan")}, ValueError, "n_components=nan"),
        ({"random_state": -1}, ValueError, "random_state=-1"),
        ({"random_state": "0"}, TypeError, "random_state='0'"),
        ({"stride": 0}, ValueError, "stride=0"),
        ({"stride": 100}, ValueError, "stride="),
        ({"mask": np.ones((61, 83), bool)}, ValueError, "mask"),
        ({"mask": np.zeros((83, 61), bool)}, ValueError, "mask"),
    ],
)
def test_argument_not_allowed(frame, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        SymmetryModel.fit(frame, DESCRIPTOR, **{"stride": 3} | options)


def test_constant_frame_is_an_error():
    with pytest.raises(ValueError, match="^frame has the same scores everywhere"):
        SymmetryModel.fit(np.ones((50, 60)), DESCRIPTOR)


def test_frame_of_nan_is_an_error():
    with pytest.raises(ValueError, match="^frame: no pixel has the scores of all 81"):
        SymmetryModel.fit(np.full((50, 60), np.nan), DESCRIPTOR)
