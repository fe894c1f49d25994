# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.fit import _log_number, fit_crops
from hyperspy_symseg.segmentation.fit_options import FitOptions
from hyperspy_symseg.segmentation.predict import label_frame
from hyperspy_symseg.templates.model_selection import Comparison
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.refusals import ONE_CRYSTAL, REFUSALS, RIM
from hyperspy_symseg.templates.training_crops import TrainingCrop

from .conftest import TRANSLATION

PERIOD = 7.0


@pytest.fixture(scope="module")
def model(frame):
    return SymmetryModel.fit(frame, TRANSLATION, 2, stride=3, period=PERIOD)


@pytest.fixture(scope="module")
def found(frame):
    """With the number of patterns that was found."""
    return SymmetryModel.fit(frame, TRANSLATION, stride=3, period=PERIOD)


def crop_of(frame, weight=1.0):
    everything = tuple(slice(0, n) for n in frame.shape)
    return TrainingCrop(
        frame, None, everything, NormalizedFrame(frame, None, PERIOD), weight
    )


def test_without_a_period_there_are_no_templates(fitted):
    assert fitted.templates is None
    assert fitted.costs is None


def test_templates_are_of_the_period_and_the_patterns(model):
    assert model.templates.period == PERIOD
    assert model.templates.n_patterns == model.n_patterns == 2
    assert model.costs is None
    assert model.refusals is None


def test_what_the_scores_are_projected_on_is_as_without_templates(model, fitted):
    for name in ("mean", "weights", "components", "covariance"):
        np.testing.assert_array_equal(getattr(model, name), getattr(fitted, name))


def test_the_pattern_with_the_fewest_pixels_is_first(model):
    assert model.counts[0] <= model.counts[1]


def test_counts_and_means_are_of_the_refined_labels(model, frame):
    grid = Grid.over(frame.shape, 3)
    scores = compute_scores(TRANSLATION, frame, grid)
    labels = model.predict(frame, upsample=False)
    complete = ~np.isnan(scores).any(axis=-1)
    assert model.counts.sum() == np.count_nonzero(complete)
    for label in (0, 1):
        own = scores[complete & (labels == label)]
        assert len(own) == pytest.approx(model.counts[label], rel=0.05)
        np.testing.assert_allclose(
            model.class_means[label], own.mean(axis=0), atol=0.03
        )


def test_centres_are_the_projected_means(model):
    np.testing.assert_allclose(
        model.project(model.class_means), model.centres, atol=1e-10
    )


def test_labels_of_templates_and_scores_are_the_same_patterns(model, frame):
    plain = dataclasses.replace(model, templates=None)
    assert (plain.predict(frame) == model.predict(frame)).mean() > 0.93


def test_number_that_is_found(found, model):
    assert found.n_patterns == 2
    assert found.templates == model.templates
    assert found.costs.argmin() == 1
    assert len(found.costs) >= 2


def test_numbers_that_do_not_count_have_reasons(found):
    assert found.refusals[:2] == ("", "")
    assert len(found.refusals) == 8
    assert all(reason in REFUSALS for reason in found.refusals[2:])


def test_number_and_refusals_are_one_line_of_the_log(frame, caplog):
    caplog.set_level("INFO", "hyperspy_symseg.segmentation.fit")
    SymmetryModel.fit(frame, TRANSLATION, stride=3, period=PERIOD)
    [line] = caplog.messages
    assert line.startswith("Patterns found: 2. 3 refused: a pattern of fewer than 20 ")
    assert line.endswith(". 5 to 8 not tried, as 2 numbers in turn were refused.")


def test_grain_boundary_that_is_refused_is_reported(caplog):
    caplog.set_level("INFO", "hyperspy_symseg.segmentation.fit")
    refusals = "", "", RIM, ONE_CRYSTAL
    _log_number(Comparison(np.array([0, -50, -71, np.inf]), refusals))
    assert caplog.messages == [
        "Patterns found: 2. 3 refused: a pattern that is a rim of others, such as a "
        "grain boundary, gains 21 nats. 4 refused: two patterns of one crystal, such "
        "as the blurred half of a grain."
    ]


def test_costs_are_constant_and_compared(found):
    assert not found.costs.flags.writeable
    assert found == SymmetryModel.from_dict(found.to_dict())


@pytest.mark.parametrize("num_workers", [1, 3])
def test_number_of_threads_changes_nothing(model, frame, num_workers):
    with workers(num_workers):
        again = SymmetryModel.fit(frame, TRANSLATION, 2, stride=3, period=PERIOD)
    assert again == model


def test_few_pixels_are_scored(frame):
    options = FitOptions(TRANSLATION, stride=3, period=PERIOD)
    fit = fit_crops([crop_of(frame)], None, options, most_scored=150)
    assert fit.templates is not None
    assert 60 < fit.score_model.counts.sum() <= 150


def test_templates_survive_a_dictionary(model):
    again = SymmetryModel.from_dict(model.to_dict())
    assert again == model
    assert again.templates == model.templates


def test_models_with_other_templates_differ(model, fitted):
    assert model != fitted


def test_one_pattern_has_templates_too(frame):
    model = SymmetryModel.fit(frame, TRANSLATION, 1, stride=3, period=PERIOD)
    assert model.templates.n_patterns == 1
    assert not model.predict(frame).any()


def test_noise_has_no_templates():
    noise = np.random.default_rng(0).normal(size=(61, 83))
    model = SymmetryModel.fit(noise, TRANSLATION, 2, stride=3, period=PERIOD)
    assert model.templates is None
    assert model == SymmetryModel.fit(noise, TRANSLATION, stride=3, period=None)


def test_noise_is_one_pattern():
    noise = np.random.default_rng(0).normal(size=(61, 83))
    model = SymmetryModel.fit(noise, TRANSLATION, "auto", stride=3, period=PERIOD)
    assert model.n_patterns == 1


def test_fit_predict_is_fit_and_predict(model, frame):
    options = {"stride": 3, "period": PERIOD}
    fitted, labels = SymmetryModel.fit_predict(frame, TRANSLATION, 2, **options)
    assert fitted == model
    np.testing.assert_array_equal(labels, model.predict(frame))


def test_certainty_of_fit_predict(model, frame):
    _, found = SymmetryModel.fit_predict(
        frame, TRANSLATION, 2, stride=3, period=PERIOD, certainty=True
    )
    np.testing.assert_array_equal(found, label_frame(model, frame, certainty=True))


def test_fewer_operations_with_templates(model, frame):
    smaller = SymmetryModel.fit(
        frame, TRANSLATION, 2, stride=3, period=PERIOD, n_operations=9
    )
    assert smaller.templates == model.templates
    assert smaller == model.select(9)


def test_masked_pixels_are_not_learnt_from(frame):
    mask = np.zeros(frame.shape, bool)
    mask[20:40, 10:30] = True
    options = {"stride": 3, "period": PERIOD, "mask": mask}
    other = np.where(mask, 1000, frame)
    expected = SymmetryModel.fit(frame, TRANSLATION, 2, **options)
    assert SymmetryModel.fit(other, TRANSLATION, 2, **options) == expected


def test_crops_of_several_frames(movie):
    frames = list(movie[0].data[[0, 6]])
    model = SymmetryModel.from_crops(
        list(map(crop_of, frames)), TRANSLATION, 2, stride=3, period=PERIOD
    )
    for frame, truth in zip(frames, movie[1][[0, 6]], strict=True):
        agree = (model.predict(frame) == truth).mean()
        assert max(agree, 1 - agree) > 0.93


def test_counts_are_those_of_what_the_crops_stand_for(frame):
    left, right = frame[:, :40], frame[:, 40:80]

    def counts(*weights):
        crops = [
            crop_of(each, weight)
            for each, weight in zip((left, right), weights, strict=True)
        ]
        model = SymmetryModel.from_crops(crops, TRANSLATION, 2, stride=3, period=PERIOD)
        return model.counts

    same, twice, thrice = counts(1, 1), counts(2, 2), counts(3, 1)
    np.testing.assert_array_equal(same, twice)
    assert thrice.sum() == pytest.approx(same.sum(), abs=2)
    assert thrice[0] < same[0]


def test_a_crop_is_scored_as_part_of_its_frame(frame):
    pixels = np.s_[12:42, 18:66]
    crop = TrainingCrop(
        frame, None, pixels, NormalizedFrame(frame, None, PERIOD).crop(pixels)
    )
    model = SymmetryModel.from_crops([crop], TRANSLATION, 2, stride=3, period=PERIOD)
    grid = Grid.over((30, 48), 3)
    grid = dataclasses.replace(grid, first=(12 + grid.first[0], 18 + grid.first[1]))
    scores = compute_scores(TRANSLATION, frame, grid).reshape(-1, len(model.mean))
    scores = scores[~np.isnan(scores).any(axis=1)]
    np.testing.assert_allclose(model.mean, scores.mean(axis=0), atol=1e-6)


def test_a_stride_may_be_longer_than_a_crop(frame):
    crop = TrainingCrop(
        frame, None, np.s_[0:30, 0:83], NormalizedFrame(frame[:30], None, PERIOD), 1.0
    )
    model = SymmetryModel.from_crops([crop], TRANSLATION, 2, stride=31, period=PERIOD)
    assert model.stride == (31, 31)


def test_a_stride_for_crops_is_a_number(frame):
    with pytest.raises(TypeError, match="^stride must be an int"):
        SymmetryModel.from_crops(
            [crop_of(frame)], TRANSLATION, stride="auto", period=PERIOD
        )


def test_crops_without_valid_pixels_are_an_error(frame):
    crops = [crop_of(np.full(frame.shape, np.nan))]
    with pytest.raises(ValueError, match="^frame must have a pixel with the scores"):
        SymmetryModel.from_crops(crops, TRANSLATION, stride=3, period=PERIOD)


def test_more_patterns_than_distinct_descriptors_are_an_error(frame):
    with pytest.raises(ValueError, match="^n_patterns must be .* distinct .* got 3000"):
        SymmetryModel.fit(frame, TRANSLATION, 3000, stride=3, period=PERIOD)
