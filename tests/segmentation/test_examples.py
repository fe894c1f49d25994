# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import TranslationSymmetry, compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.examples import check_sizes, checked_examples, named
from hyperspy_symseg.segmentation.fit import warn_of_lost
from hyperspy_symseg.simulate import Lattice, micrograph

DESCRIPTOR = TranslationSymmetry(patch=8, window=6)
SHAPE = (126, 207)


@pytest.fixture(scope="module")
def frame():
    """The smaller grain is on the left."""
    square = Lattice.square(12, 4)
    labels = np.zeros(SHAPE, int)
    labels[:, 80:] = 1
    return micrograph([square, square.rotated(30)], boundary=labels, dose=30)[0].data


@pytest.fixture(scope="module")
def examples():
    """Of the larger grain first."""
    labels = np.full(SHAPE, -1)
    labels[20:84, 120:184] = 0
    labels[20:84, 8:72] = 1
    return labels


@pytest.fixture(scope="module")
def model(frame, examples):
    return SymmetryModel.fit(
        frame, DESCRIPTOR, examples=examples, names=["right", "left"]
    )


def test_order_is_that_of_the_examples(frame, model):
    labels = model.predict(frame)
    assert (labels[:, :70] == 1).mean() > 0.99
    assert (labels[:, 90:] == 0).mean() > 0.99
    assert model.counts[0] > model.counts[1]


def test_names_are_kept(model):
    assert model.names == ("right", "left")
    assert [each.name for each in model.patterns] == ["right", "left"]
    assert SymmetryModel.from_dict(model.to_dict()) == model


def test_models_of_other_names_differ(model):
    values = model.to_dict() | {"names": ["left", "right"]}
    assert SymmetryModel.from_dict(values) != model


def test_fit_predict_is_the_same(frame, examples, model):
    names = "right", "left"
    found, labels = SymmetryModel.fit_predict(
        frame, DESCRIPTOR, examples=examples, names=names
    )
    assert found == model
    np.testing.assert_array_equal(labels, model.predict(frame))


@pytest.fixture(scope="module")
def of_scores(frame, examples):
    """Of the scores alone, at every pixel."""
    return SymmetryModel.fit(
        frame, DESCRIPTOR, examples=examples, period=None, stride=4
    )


def test_centres_are_the_means_of_the_examples(frame, examples, of_scores):
    grid = Grid.over(SHAPE, 4)
    scores = compute_scores(DESCRIPTOR, frame, grid)
    known = examples[np.ix_(grid.rows, grid.columns)]
    for label in (0, 1):
        own = of_scores.project(scores[known == label].astype(float))
        np.testing.assert_allclose(
            of_scores.centres[label], own.mean(axis=0), rtol=1e-4
        )


def test_labels_of_the_scores_alone(frame, of_scores):
    labels = of_scores.predict(frame)
    assert (labels[:, :70] == 1).mean() > 0.95
    assert (labels[:, 90:] == 0).mean() > 0.95


def test_lost_patterns_are_named(caplog):
    with caplog.at_level("WARNING"):
        warn_of_lost(np.array([True, False]), ("matrix", "wall"))
    assert [each.args for each in caplog.records] == [("'wall'",)]


def test_number_may_be_that_of_the_examples(frame, examples, model):
    names = "right", "left"
    given = {"examples": examples, "names": names}
    assert SymmetryModel.fit(frame, DESCRIPTOR, 2, **given) == model


def test_unlike_the_number_of_examples(frame, examples):
    with pytest.raises(ValueError, match="n_patterns must be .* examples, 2, got 3"):
        SymmetryModel.fit(frame, DESCRIPTOR, 3, examples=examples)


def test_names_need_examples(frame):
    with pytest.raises(ValueError, match="names must be None without examples"):
        SymmetryModel.fit(frame, DESCRIPTOR, names=["a", "b"])


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["a"], "names must be as many as there are patterns, 2, got 1"),
        (["a", "a"], "names must be different"),
        (["a", " "], "names must be different and not empty"),
        (["a", 3], "names must be a sequence of str"),
    ],
)
def test_other_names(frame, examples, names, error):
    with pytest.raises((TypeError, ValueError), match=error):
        SymmetryModel.fit(frame, DESCRIPTOR, examples=examples, names=names)


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        ([[0.5, 1]], "examples must be labels of int"),
        ([[0, 1], [1, 1]], r"examples must have the shape of the frame, \(1, 2\)"),
        ([[0, 2]], r"examples must have the labels 0, 1 .* got \[0, 2\]"),
        ([[-1, -1]], "examples must have the labels 0"),
        ([[0, -2]], "examples must have the labels 0"),
    ],
)
def test_what_is_no_example(labels, error):
    with pytest.raises((TypeError, ValueError), match=error):
        checked_examples(labels, (1, 2), 2)


def test_an_example_that_is_too_small(examples):
    small = np.where(np.arange(SHAPE[1]) < 30, examples, -1)
    small[20:84, 120:184] = 0
    with pytest.raises(ValueError, match=r"example of 'left' must have at least 16"):
        check_sizes(small, None, 12.0, 2, ["right", "left"])


def test_a_masked_example_is_too_small(examples):
    mask = np.zeros(SHAPE, bool)
    mask[:, 150:] = True
    check_sizes(examples, None, 12.0, 2)
    with pytest.raises(ValueError, match="example of pattern 0 must have"):
        check_sizes(examples, mask, 12.0, 2)


def test_sizes_are_checked_before_a_fit(frame, examples):
    small = np.where(np.arange(SHAPE[1]) < 150, examples, -1)
    with pytest.raises(ValueError, match="example of pattern 0 must have"):
        SymmetryModel.fit(frame, DESCRIPTOR, examples=small)


def test_an_example_without_scores(frame):
    labels = np.full(SHAPE, -1)
    labels[20:84, 8:72] = 0
    labels[50, 101] = 1
    with pytest.raises(ValueError, match="example 1 must have a pixel with all"):
        SymmetryModel.fit(frame, DESCRIPTOR, examples=labels, period=None, stride=6)


def test_named():
    assert named(None, 3) == "pattern 3"
