# SPDX-License-Identifier: GPL-3.0-or-later
import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hyperspy_symseg.descriptors import (
    PowerSpectrum,
    TranslationSymmetry,
    compute_scores,
)
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.lattice import find_periods, suitable_lengths
from hyperspy_symseg.segmentation import SymmetryModel, sampling, selection

DESCRIPTOR = TranslationSymmetry(patch=7, window=8, max_operations=81)
# More than 400 operations.
POWER_SPECTRUM = PowerSpectrum(window=15)
# To the scores alone.
fit = functools.partial(SymmetryModel.fit, period=None)
fit_predict = functools.partial(SymmetryModel.fit_predict, period=None)


@pytest.fixture(scope="module")
def scores(frame):
    return compute_scores(DESCRIPTOR, frame, Grid.over(frame.shape, 3))


def test_smallest_pattern_comes_first(fitted):
    assert fitted.counts[0] < fitted.counts[1]


def test_components_explain_the_fraction_asked_for(frame):
    fitted = fit(frame, DESCRIPTOR, stride=3, n_components=0.9)
    explained = fitted.explained_variance_ratio
    assert explained.sum() >= 0.9 > explained[:-1].sum()


def test_components_are_never_more_than_operations(frame):
    few = TranslationSymmetry(patch=7, translations=[(7, 0), (0, 7)])
    assert len(fit(frame, few, stride=3).components) == 2


def test_the_same_seed_gives_an_equal_model(frame, fitted):
    assert fit(frame, DESCRIPTOR, stride=3) == fitted


def test_a_seed_that_is_drawn_is_kept(frame):
    drawn = fit(frame, DESCRIPTOR, stride=3, random_state=None)
    again = fit(frame, DESCRIPTOR, stride=3, random_state=drawn.random_state)
    assert drawn == again


def test_number_of_threads_changes_nothing(large_frame):
    fits = []
    for n in (1, 4):
        with workers(n):
            fits.append(fit(large_frame, DESCRIPTOR, stride=3))
    assert fits[0] == fits[1]


def test_fits_side_by_side_leave_the_number_of_blas_threads_alone(frame):
    before = [info["num_threads"] for info in threadpool_info()]
    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(fit, frame, DESCRIPTOR) for _ in range(8)]
    assert all(each.result() == fits[0].result() for each in fits)
    assert [info["num_threads"] for info in threadpool_info()] == before


@pytest.mark.parametrize("are_kept", [True, False])
def test_fitting_and_labelling_at_once_is_the_same(frame, are_kept):
    if not are_kept:
        frame = np.tile(frame, (15, 11))
    n_samples = Grid.over(frame.shape, 2).size
    assert (4 * n_samples * 81 <= sampling.SAMPLE_BYTES) == are_kept
    mask = np.zeros(frame.shape, bool)
    mask[5, 6:9] = True
    fitted, labels = fit_predict(frame, DESCRIPTOR, 2, stride=2, mask=mask)
    assert fitted == fit(frame, DESCRIPTOR, stride=2, mask=mask)
    np.testing.assert_array_equal(labels, fitted.predict(frame, mask))


def test_labelling_at_once_on_the_grid(frame, fitted):
    _, labels = fit_predict(frame, DESCRIPTOR, 2, stride=3, upsample=False)
    np.testing.assert_array_equal(labels, fitted.predict(frame, upsample=False))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i4", "f2", "f4", ">f8"])
def test_labelling_at_once_is_the_same_to_the_last_pixel(large_frame, dtype):
    frame = large_frame.astype(dtype)
    if frame.dtype.kind == "f":
        frame[20:23, 30:34] = np.nan
    fitted, labels = fit_predict(frame, DESCRIPTOR, 2, stride=2)
    np.testing.assert_array_equal(labels, fitted.predict(frame))


@pytest.mark.parametrize("upsample", [False, True])
def test_labelling_at_once_with_some_operations(large_frame, upsample):
    fitted, labels = fit_predict(
        large_frame, DESCRIPTOR, 2, stride=3, n_operations=9, upsample=upsample
    )
    assert len(fitted.mean) == 9
    expected = fitted.predict(large_frame, upsample=upsample)
    np.testing.assert_array_equal(labels, expected)


def test_fit_to_scores_is_the_fit_to_their_frame(scores, fitted):
    assert SymmetryModel.from_scores(scores, DESCRIPTOR, stride=3) == fitted


@pytest.mark.parametrize(
    "options",
    [
        {"n_patterns": 3},
        {"n_components": 2},
        {"n_components": 0.7},
        {"n_operations": 7},
        {"random_state": 4},
        {"pixel_size": (0.02, 0.03), "units": ("nm", "pm")},
    ],
)
def test_fit_to_scores_has_the_arguments_of_a_fit(scores, frame, options):
    options = {"stride": (3, 3)} | options
    assert SymmetryModel.from_scores(scores, DESCRIPTOR, **options) == (
        fit(frame, DESCRIPTOR, **options)
    )


def test_scores_may_be_those_of_several_frames(scores, fitted):
    several = np.concatenate([scores[:8].reshape(-1, 81), scores[8:].reshape(-1, 81)])
    assert SymmetryModel.from_scores(several, DESCRIPTOR, stride=3) == fitted


def test_pixels_that_miss_a_score_are_not_fitted_on(scores, fitted):
    missing = scores[:4].copy()
    missing[..., 5] = np.nan
    more = np.concatenate([missing, scores])
    assert SymmetryModel.from_scores(more, DESCRIPTOR, stride=3) == fitted


def test_fit_to_missing_scores_is_an_error(scores):
    missing = np.full_like(scores, np.nan)
    with pytest.raises(ValueError, match="^frame must have .* scores of all 81"):
        SymmetryModel.from_scores(missing, DESCRIPTOR)


@pytest.mark.parametrize("n", [1, 9, 50, 81])
def test_operations_kept_are_those_that_are_selected(frame, fitted, n):
    kept = fit(frame, DESCRIPTOR, stride=3, n_operations=n)
    assert kept.descriptor == fitted.select(n).descriptor


def test_model_of_the_operations_kept_is_the_one_selected(frame, fitted):
    kept = fit(frame, DESCRIPTOR, stride=3, n_operations=9).to_dict()
    selected = fitted.select(9).to_dict()
    for values in (kept, selected):
        del values["descriptor"], values["units"]
    assert set(kept) == set(selected)
    for name, values in kept.items():
        np.testing.assert_allclose(values, selected[name], atol=1e-9, err_msg=name)


def test_operations_kept_of_more_than_400_are_the_best(frame):
    whole, kept = (
        fit(frame, POWER_SPECTRUM, stride=3, n_operations=n) for n in (None, 10)
    )
    best = selection.best_operations(whole.separability, POWER_SPECTRUM.opposites, 10)
    assert len(POWER_SPECTRUM.operations) > 400
    assert kept.descriptor == POWER_SPECTRUM.subset(best)


def test_covariance_of_operations_kept_is_that_of_the_scores_fitted_on(frame):
    kept = fit(frame, POWER_SPECTRUM, stride=3, n_operations=10)
    grid = Grid.over(frame.shape, 3)
    scores = compute_scores(POWER_SPECTRUM, frame, grid).reshape(grid.size, -1)
    scores = scores[~np.isnan(scores).any(axis=1)].astype(float)
    places = [
        POWER_SPECTRUM.operations.tolist().index(operation)
        for operation in kept.descriptor.operations.tolist()
    ]
    less_mean = scores[:, places] - scores[:, places].mean(axis=0)
    expected = less_mean.T @ less_mean / (len(scores) - 1)
    np.testing.assert_allclose(kept.covariance, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("n", "error"),
    [(0, ValueError), (82, ValueError), (2.0, TypeError), (True, TypeError)],
)
def test_number_of_operations_not_allowed(frame, scores, n, error):
    with pytest.raises(error, match=f"^n_operations must be an int .* 81, got {n}"):
        fit(frame, DESCRIPTOR, n_operations=n)
    with pytest.raises(error, match=f"^n_operations must be an int .* 81, got {n}"):
        SymmetryModel.from_scores(scores, DESCRIPTOR, n_operations=n)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_patterns": 0}, ValueError, "n_patterns must be an int from 1 .* got 0"),
        ({"n_patterns": -1}, ValueError, "n_patterns must be an int from 1 .* got -1"),
        ({"n_patterns": "2"}, ValueError, "n_patterns must be .*auto.* got '2'"),
        ({"period": 0}, ValueError, "period must be a number from 2 .*got 0\\."),
        ({"period": -3.5}, ValueError, r"period must be a number from 2 .*got -3\.5"),
        ({"period": np.inf}, ValueError, "period must be a number from 2 .*got inf"),
        ({"period": np.nan}, ValueError, "period must be a number from 2 .*got nan"),
        ({"n_patterns": 2.0}, TypeError, r"n_patterns must be an int .* got 2\.0"),
        ({"n_patterns": True}, TypeError, "n_patterns must be an int .* got True"),
        (
            {"n_patterns": 3000},
            ValueError,
            "n_patterns must be .* distinct .* got 3000",
        ),
        ({"n_components": 0}, ValueError, "n_components must be an int .* got 0"),
        ({"n_components": 1.5}, ValueError, r"n_components must be an int .* got 1\.5"),
        ({"n_components": "5"}, TypeError, "n_components must be an int .* got '5'"),
        (
            {"n_components": float("nan")},
            ValueError,
            "n_components must be an int .* got nan",
        ),
        (
            {"random_state": -1},
            ValueError,
            "random_state must be an int from 0 .* got -1",
        ),
        (
            {"random_state": "0"},
            TypeError,
            "random_state must be an int from 0 .* got '0'",
        ),
        ({"stride": 0}, ValueError, "stride must be an int of at least 1,.* got 0"),
        ({"stride": 100}, ValueError, "stride must be at most the size of the frame"),
        ({"mask": np.ones((61, 83), bool)}, ValueError, "mask must leave some"),
        ({"mask": np.zeros((83, 61), bool)}, ValueError, "mask must have the shape"),
    ],
)
def test_argument_not_allowed(frame, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        SymmetryModel.fit(frame, DESCRIPTOR, **{"stride": 3, "period": None} | options)


def test_constant_frame_is_an_error():
    with pytest.raises(ValueError, match="^frame must have scores that differ"):
        fit(np.ones((50, 60)), DESCRIPTOR)


def test_frame_of_nan_is_an_error():
    with pytest.raises(ValueError, match="^frame must have .* scores of all 81"):
        fit(np.full((50, 60), np.nan), DESCRIPTOR)


@pytest.fixture
def periods(frame):
    return find_periods(frame)


def test_the_period_is_found(frame, periods):
    found = SymmetryModel.fit(frame, DESCRIPTOR, 2, stride=3)
    assert found.templates.period == periods.period
    assert found == SymmetryModel.fit(
        frame, DESCRIPTOR, 2, stride=3, period=periods.period
    )


def test_the_stride_suits_the_period_that_is_found(frame, periods):
    stride = 2 * suitable_lengths(periods, frame.shape).stride
    assert SymmetryModel.fit(frame, DESCRIPTOR, 2).stride == (stride, stride)


@pytest.mark.parametrize("period", [None, 7.0])
def test_the_stride_is_5_if_no_period_is_looked_for(frame, period):
    assert SymmetryModel.fit(frame, DESCRIPTOR, 2, period=period).stride == (5, 5)


def test_masked_pixels_tell_nothing_of_the_period(frame):
    y, _ = np.mgrid[:61, :83]
    mask = y > 40
    other = np.where(mask, 1000 * np.cos(y), frame)
    expected = SymmetryModel.fit(np.where(mask, 0, frame), DESCRIPTOR, 2, mask=mask)
    assert SymmetryModel.fit(other, DESCRIPTOR, 2, mask=mask) == expected


def test_noise_has_no_period_and_one_pattern(caplog):
    noise = np.random.default_rng(0).normal(size=(61, 83))
    found = SymmetryModel.fit(noise, DESCRIPTOR, stride=3)
    assert "No lattice period found" in caplog.text
    assert found == fit(noise, DESCRIPTOR, 1, stride=3)


@pytest.fixture
def said(caplog):
    """Lines of the log that are of the number of patterns."""
    caplog.set_level("INFO", "hyperspy_symseg")
    return lambda: [line for line in caplog.messages if "patterns" in line]


def test_auto_is_two_patterns_of_scores_alone_and_one_line_says_so(frame, said):
    found = fit(frame, DESCRIPTOR, "auto", stride=3)
    [line] = said()
    assert line.startswith(
        'n_patterns="auto" is 2 where labels are those of the scores'
    )
    assert found == fit(frame, DESCRIPTOR, 2, stride=3)


def test_auto_is_two_patterns_of_scores_that_are_given(frame, said):
    scores = compute_scores(DESCRIPTOR, frame, Grid.over(frame.shape, 3))
    found = SymmetryModel.from_scores(scores, DESCRIPTOR, stride=3)
    assert len(said()) == 1
    assert found == SymmetryModel.from_scores(scores, DESCRIPTOR, 2, stride=3)


def test_nothing_is_said_of_a_number_that_is_given(frame, said):
    fit(frame, DESCRIPTOR, 2, stride=3)
    assert not said()


@pytest.mark.parametrize("period", ["7", True, [7.0]])
def test_period_that_is_no_number(frame, period):
    with pytest.raises(TypeError, match="^period must be a number from 2"):
        SymmetryModel.fit(frame, DESCRIPTOR, period=period)
