# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from hyperspy_symseg.networks.column_calibration import (
    fitted_logistic,
    logits_of,
    matches,
)


def test_a_column_is_found_once():
    found = np.array([[5.0, 5, 1, 1, 0.6], [5, 6, 1, 1, 0.9], [20, 3, 1, 1, 0.7]])
    columns = np.array([[5.0, 5.2], [20.0, 9.0]])
    np.testing.assert_array_equal(matches(found, columns, 3.0), [-1, 0, -1])


def test_the_nearest_column_that_is_left_is_found():
    found = np.array([[5.0, 5, 1, 1, 0.9], [5, 6, 1, 1, 0.6]])
    columns = np.array([[5.0, 7.5], [5.0, 5.5]])
    np.testing.assert_array_equal(matches(found, columns, 3.0), [1, 0])


def test_nothing_is_found_of_no_columns():
    np.testing.assert_array_equal(
        matches(np.ones((2, 5)), np.empty((0, 3)), 3), [-1, -1]
    )
    assert matches(np.empty((0, 5)), np.ones((2, 3)), 3).shape == (0,)


def test_logits_are_finite():
    assert np.isfinite(logits_of(np.array([0.0, 1.0, 1.7]))).all()


def right_of(factor, summand, n=40_000):
    rng = np.random.default_rng(0)
    logits = rng.uniform(-4, 4, n)
    return logits, rng.random(n) < 1 / (1 + np.exp(-factor * logits - summand))


def test_factor_and_summand_are_found():
    found = fitted_logistic(*right_of(1.6, -0.5))
    np.testing.assert_allclose(found, [1.6, -0.5], atol=0.06)


def test_what_is_known_counts_where_there_is_little():
    few = fitted_logistic(*right_of(1.6, -0.5, 30), known=(0.01, 0.01))
    np.testing.assert_allclose(few, [1.0, 0.0], atol=0.02)
    many = fitted_logistic(*right_of(1.6, -0.5), known=(0.3, 1.0))
    np.testing.assert_allclose(many, [1.6, -0.5], atol=0.06)
