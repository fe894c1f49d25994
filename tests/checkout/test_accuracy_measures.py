# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the measures of the accuracy benchmark, which are not in the package."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "accuracy_measures.py"


@pytest.fixture(scope="module")
def measures():
    spec = importlib.util.spec_from_file_location("accuracy_measures", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def halves(column, shape=(20, 30)):
    """Pattern 1 from a column on."""
    labels = np.zeros(shape, np.int8)
    labels[:, column:] = 1
    return labels


@pytest.mark.parametrize(
    ("labels", "truth", "iou"),
    [
        ([[0, 0, 1, 1]], [[0, 0, 1, 1]], 1),
        ([[1, 1, 0, 0]], [[0, 0, 1, 1]], 1),
        # 2 of 3 and 1 of 2.
        ([[0, 0, 0, 1]], [[0, 0, 1, 1]], (2 / 3 + 1 / 2) / 2),
        # 2 of 4, and nothing for the other.
        ([[0, 0, 0, 0]], [[0, 0, 1, 1]], 1 / 4),
        # A third pattern found: 2 of 2 and 1 of 2.
        ([[2, 2, 1, 0]], [[0, 0, 1, 1]], 3 / 4),
        # No pattern: 1 of 2 and 2 of 2.
        ([[-1, 0, 1, 1]], [[0, 0, 1, 1]], 3 / 4),
        ([[2, 2, 0, 0, 1]], [[0, 0, 1, 1, 2]], 1),
    ],
)
def test_mean_iou(measures, labels, truth, iou):
    found = measures.mean_iou(np.array(labels), np.array(truth))
    assert found == pytest.approx(iou)


def test_is_correct(measures):
    labels, truth = np.array([[1, 1, 1, 0, 2, -1]]), np.array([[0, 0, 1, 1, 0, 1]])
    found = measures.is_correct(labels, truth)
    assert found.tolist() == [[True, True, False, True, False, False]]


@pytest.mark.parametrize("column", [5, 12, 14, 21])
def test_boundary_displacement(measures, column):
    found = measures.boundary_displacement(halves(column), halves(12))
    assert found == abs(column - 12)


def test_boundary_displacement_is_a_median(measures):
    # The upper 14 of 20 rows are 3 pixels off; but two of these are near the step.
    labels = halves(12)
    labels[:14] = halves(15)[:14]
    assert measures.boundary_displacement(labels, halves(12)) == 3


def test_boundary_displacement_if_none_was_found(measures):
    assert measures.boundary_displacement(halves(30), halves(12)) == math.inf


def test_reliability(measures):
    certainty = [0.1, 0.3, 0.6, 0.7, 0.8, 1.0]
    correct = np.array([0, 1, 0, 1, 1, 1], bool)
    count, confidence, accuracy = measures.reliability(certainty, correct, bins=4)
    assert count.tolist() == [1, 1, 2, 2]
    np.testing.assert_allclose(confidence, [0.1, 0.3, 0.65, 0.9])
    np.testing.assert_allclose(accuracy, [0, 1, 0.5, 1])


def test_reliability_of_an_empty_interval(measures):
    count, *values = measures.reliability([0.9], np.array([True]), bins=2)
    assert count.tolist() == [0, 1]
    np.testing.assert_array_equal(values, [[np.nan, 0.9], [np.nan, 1]])


def test_calibration_error(measures):
    # Three pixels at 0.9 of which two are right, and one at 0.2 that is wrong.
    certainty, correct = np.array([[0.9, 0.9], [0.9, 0.2]]), np.array([[1, 1], [0, 0]])
    found = measures.calibration_error(certainty, correct, bins=10)
    assert found == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.2)


@pytest.mark.parametrize(
    ("certainty", "correct", "auc"),
    [
        ([0.9, 0.8, 0.2], [1, 1, 0], 1),
        ([0.1, 0.2, 0.8], [1, 1, 0], 0),
        ([0.5, 0.5, 0.5], [1, 1, 0], 0.5),
        # Of four pairs, three in order and one tied.
        ([[0.9, 0.5], [0.5, 0.1]], [[1, 1], [0, 0]], 3.5 / 4),
        ([0.9, 0.8], [1, 1], math.nan),
        ([0.9, 0.8], [0, 0], math.nan),
    ],
)
def test_mislabelling_auc(measures, certainty, correct, auc):
    found = measures.mislabelling_auc(np.array(certainty), np.array(correct))
    assert found == pytest.approx(auc, nan_ok=True)
