# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.networks.column_layers import (
    FILE,
    REACH,
    ColumnNetwork,
    example_planes,
    planes,
)
from hyperspy_symseg.networks.weights import read_weights


@pytest.fixture(scope="module")
def network():
    return ColumnNetwork.trained()


def test_cells_are_those_of_torch(network):
    # The training wrote what torch gives for the same weights.
    expected = network.weights["torch_cells"]
    found = network.cells(example_planes())
    assert np.ptp(expected[0]) > 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_cells_depend_on_nothing_out_of_reach(network):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 16, 2 * REACH + 32)).astype(np.float32)
    other = x.copy()
    other[:, :, :16] = 5
    before, after = network.cells(x), network.cells(other)
    assert (before[:, :, 0] != after[:, :, 0]).any()
    far = (16 + REACH) // 2
    np.testing.assert_array_equal(before[:, :, far:], after[:, :, far:])


def test_planes_by_hand():
    values = np.array([[3.0, 7], [np.nan, 1e9]])
    valid = np.array([[True, True], [False, True]])
    scaled, fine, known, used = planes(values, valid, (3, 2), True)
    np.testing.assert_array_equal(scaled, [[0, 2], [0, 20]])
    # The mean of what is valid around each is 22 / 3.
    expected = np.arcsinh((scaled - 22 / 3) / 0.03) / 3 * valid
    np.testing.assert_allclose(fine, expected, rtol=1e-5)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_array_equal(used, valid)


def test_unknown_contrast_is_seen():
    ones = np.ones((2, 2), bool)
    assert not planes(np.ones((2, 2)), ones, (0, 1), False)[2].any()


def test_the_file_is_small_and_knows_how_it_was_trained():
    weights, seed = read_weights(FILE)
    assert FILE.stat().st_size < 1e6
    assert seed == 0
    assert weights["steps"] > 0
    assert weights["validation"].shape == (6, 5)
