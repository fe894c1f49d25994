# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.networks.shape_network import (
    FILE,
    ShapeNetwork,
    example_evidence,
    planes,
)
from hyperspy_symseg.networks.u_net import REACH
from hyperspy_symseg.networks.weights import read_weights


@pytest.fixture(scope="module")
def network():
    return ShapeNetwork.trained()


def of_noise(rows, columns):
    return np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)


def test_odds_are_those_of_torch(network):
    # The training wrote what torch gives for the same weights.
    expected = network.weights["torch_odds"]
    assert np.ptp(expected) > 5
    found = network.log_odds(example_evidence())
    # They are numbers of float16.
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_planes_by_hand():
    found = planes(np.array([[0, 1, -80], [4000, 8, -8]], np.float32))
    a, b, c = np.arcsinh([1, -80, 8])
    expected = [[[0, a, b], [8, c, -c]], [[0, 1 / 8, -8], [8, 1, -1]]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_it_does_not_matter_which_pattern_is_first(network):
    evidence = of_noise(33, 50)
    found = network.log_odds(evidence)
    assert found.shape == (33, 50)
    np.testing.assert_array_equal(network.log_odds(-evidence), -found)


def test_blocks_of_a_cell_are_where_they_belong(network):
    # All evidence is of the upper left one.
    evidence = np.full((32, 32), -30, np.float32)
    evidence[16:, 16:] = 30
    found = network.log_odds(evidence) > 0
    # But for the corner.
    assert (found != (evidence > 0)).sum() <= 2


@pytest.mark.parametrize("first", [(16, 32), (5, 30)])
def test_a_part_of_an_array_has_the_same_odds(network, first):
    evidence = of_noise(5 + 2 * REACH + 32, 40)
    part = evidence[first[0] :]
    found = network.log_odds(part, (first[0], 0))
    expected = network.log_odds(evidence)[first[0] :]
    np.testing.assert_allclose(found[REACH:], expected[REACH:], atol=1e-4)
    assert (found[:4] != expected[:4]).any()


def test_without_evidence_nothing_is_known(network):
    found = network.log_odds(np.zeros((20, 20), np.float32))
    np.testing.assert_array_equal(found, 0)


def test_a_corner_stays(network):
    rows, columns = np.indices((96, 96))
    inside = (rows >= 30) & (rows < 62) & (columns >= 25) & (columns < 66)
    evidence = np.where(inside, 1, -1) + np.sqrt(2) * of_noise(96, 96)
    found = network.log_odds(evidence.astype(np.float32)) > 0
    for corner in (found[30:34, 25:29], found[58:62, 62:66]):
        assert corner.mean() > 0.5
    assert (found == inside).mean() > 0.995


@pytest.mark.parametrize("nats", [1, 1e3])
@pytest.mark.parametrize("shape", [(40, 50), (41, 51), (33, 49), (48, 64)])
def test_what_is_everywhere_is_certain(network, nats, shape):
    found = network.log_odds(np.full(shape, nats, np.float32))
    *others, corner = found.ravel()
    assert min(others) > 3
    # With more evidence than was seen, the last corner is less so.
    assert corner > (3 if nats == 1 else 1.9)


def test_the_file_is_small_and_knows_how_it_was_trained():
    weights, seed = read_weights(FILE)
    assert FILE.stat().st_size < 6e5
    assert seed == 1
    assert weights["steps"] > 0
    right, error = weights["validation"]
    assert right > 0.95
    assert error < 0.01
