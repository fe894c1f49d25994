# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the accuracy benchmark, which is not in the package."""

import importlib
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def accuracy(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("accuracy")


@pytest.fixture
def tables(accuracy):
    return accuracy.tables


@pytest.fixture
def result(accuracy):
    """Make a result of an IoU, and of whether the number was found."""

    def make(iou, right=True, n_patterns=2, certainty=(1.0, 1.0), correct=(1, 1)):
        certainty, correct = np.array(certainty), np.array(correct, bool)
        return accuracy.Result(n_patterns, iou, 1.0, right, certainty, correct)

    return make


@pytest.fixture
def halves(accuracy):
    """A frame of two halves, the truth."""
    truth = np.zeros((12, 20), np.int8)
    truth[:, 10:] = 1
    return accuracy.Frame("a", 30, 0, truth, truth)


def _found(labels):
    sides = importlib.import_module("accuracy_sides")
    return sides.Found(labels, number=2)


def test_the_best_recipe_counts(accuracy, halves):
    wrong = np.roll(halves.truth, 5, axis=1)
    found = accuracy.Result.of(_found([wrong, 1 - halves.truth, wrong]), halves)
    assert found.iou == 1
    assert found.correct.all()


def test_results_of_labels(accuracy, halves):
    labels = np.zeros_like(halves.truth)
    labels[:, 8:] = 1
    found = accuracy.Result.of(_found([labels]), halves)
    assert found.iou == pytest.approx((8 / 10 + 10 / 12) / 2)
    assert found.displacement == 2
    assert found.right_number
    # Columns 0, 3, 6, 9, 12, 15 and 18 of rows 0, 3, 6 and 9.
    assert found.correct.reshape(4, 7).tolist() == [[1, 1, 1, 0, 1, 1, 1]] * 4


def test_cells_below_a_peer_are_found(tables, result):
    measured = {
        "a": {30: [[result(0.9)], [result(0.8)], [result(0.95)], [result(0.99)]]}
    }
    names = ["ours", "one", "another", "limit"]
    (line,) = tables.shortfalls(measured, names)
    assert line == "(a) at dose 30: IoU 0.900, another 0.950"


def test_cells_below_what_is_asked_are_found(tables, result):
    ours = [result(0.97), result(0.95, right=False)]
    lines = tables.shortfalls({"m": {30: [ours], 3: [ours]}}, ["ours"])
    assert lines == [
        "(m) at dose 30: IoU 0.960, asked 0.97",
        '(m) at dose 30: "auto" in 50%, asked 90%',
        '(m) at dose 3: "auto" in 50%, asked 90%',
    ]


def test_no_cell_is_below(tables, result, capsys):
    tables.print_shortfalls({"m": {30: [[result(0.97)], [result(0.97)]]}}, ["a", "b"])
    assert "no cell." in capsys.readouterr().out


def test_calibration_of_what_is_certain(tables, result, capsys):
    frames = [result(1, certainty=(0.8, 0.8, 0.8, 0.8), correct=(1, 1, 1, 0))]
    tables.print_certainty("these", {"a": {30: [frames]}}, 0.01)
    out = capsys.readouterr().out
    assert "error 0.0500 (asked: 0.01)" in out
    assert "| 0.800 | 0.750 | 4 |" in out


def test_our_results_by_case(tables, result, capsys):
    frames = [
        result(1, right=True, certainty=(0.8, 0.8), correct=(1, 1)),
        result(1, right=False, certainty=(0.8, 0.8), correct=(1, 0)),
    ]
    tables.print_ours_by_case({"m": {30: [frames]}}, [30])
    out = capsys.readouterr().out
    assert "| (m) polar domains, 20 px | 50% of 2 |" in out
    assert "| (m) polar domains, 20 px | 0.0500 |" in out


def test_certainty_where_all_is_right(tables, result, capsys):
    tables.print_certainty("these", {"r": {3: [[result(1)]]}}, 0.03)
    assert "ROC" not in capsys.readouterr().out


def test_seeds_are_checked(accuracy, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["accuracy.py", "--seeds", "0"])
    with pytest.raises(SystemExit):
        accuracy.arguments()
    assert "seeds must be an int of at least 1, not 0" in capsys.readouterr().err


def test_cases_are_checked(accuracy, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["accuracy.py", "--cases", "az"])
    with pytest.raises(SystemExit):
        accuracy.arguments()
    assert "There is no case z" in capsys.readouterr().err
