# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.frames.threads import WORTH_A_THREAD, workers
from hyperspy_symseg.templates.boundaries import straightened
from hyperspy_symseg.templates.potts import most_probable
from hyperspy_symseg.templates.small_regions import (
    _n_edges,
    by_evidence,
    with_narrow,
    without_small,
)

SHAPE = (53, 70)
ROWS, COLUMNS = np.indices(SHAPE)
# A square of 3 x 3 blocks, and what it costs there: 12 edges of 1.5 nats each, and the
# logarithm of a thousand places.
SQUARE = (np.abs(ROWS - 20) < 2) & (np.abs(COLUMNS - 30) < 2)
COST = 12 * 1.5 + np.log(1000)


def posterior_of(labels, n_patterns=2, certain=0.9):
    rest = (1 - certain) / (n_patterns - 1)
    own = labels == np.arange(n_patterns)[:, np.newaxis, np.newaxis]
    return np.where(own, certain, rest).astype(np.float32)


def evidence(labels, nats, n_patterns=2):
    """Log-likelihoods that speak for labels, by so much a block."""
    return posterior_of(labels, n_patterns, 1.0) * np.float32(nats)


def test_a_square_that_the_evidence_pays_for_stays():
    labels = SQUARE.astype(int)
    found = without_small(
        posterior_of(labels), evidence(labels, 1.01 * COST / 9), 1000, 45
    )
    np.testing.assert_array_equal(most_probable(found), labels)


def test_a_square_that_it_does_not_pay_for_goes():
    labels = SQUARE.astype(int)
    found = without_small(
        posterior_of(labels), evidence(labels, 0.99 * COST / 9), 1000, 45
    )
    np.testing.assert_allclose(found[0], 0.9)
    np.testing.assert_allclose(found[1], 0.1, rtol=1e-6)


def test_in_a_corner_a_square_has_half_the_boundary():
    labels = ((ROWS < 3) & (COLUMNS < 3)).astype(int)
    cost = 6 * 1.5 + np.log(1000)
    for share, left in ((0.99, 0), (1.01, 9)):
        likelihood = evidence(labels, share * cost / 9)
        found = without_small(posterior_of(labels), likelihood, 1000, 45)
        assert np.count_nonzero(most_probable(found)) == left


def test_a_region_that_is_not_small_needs_no_evidence():
    labels = (np.hypot(ROWS - 20, COLUMNS - 30) < 4).astype(int)
    assert labels.sum() == 45
    nothing = np.zeros((2, *SHAPE), np.float32)
    for least, left in ((45, 45), (46, 0)):
        found = without_small(posterior_of(labels), nothing, 1000, least)
        assert np.count_nonzero(most_probable(found)) == left


@pytest.mark.parametrize(("n_cells", "is_kept"), [(10, False), (13, True)])
def test_what_looks_like_a_crystal_over_a_few_cells_needs_evidence(n_cells, is_kept):
    labels = (np.hypot(ROWS - 20, COLUMNS - 30) < 4).astype(int)
    given = posterior_of(labels)
    nothing = np.zeros(given.shape, np.float32)
    found = by_evidence(given, given, nothing, 1000, 45 / n_cells)
    assert (most_probable(found) == 1).any() == is_kept


def test_a_small_region_gets_the_neighbour_that_fits_best():
    # Between the second and the third pattern; the first, which fits, is no neighbour.
    labels = np.where(COLUMNS < 30, 1, 2)
    labels[:, :5] = 0
    before, labels = labels, np.where(SQUARE, 3, labels)
    likelihood = evidence(labels, 0, 4)
    likelihood[:, SQUARE] = np.float32([0.9, 0.2, 0.1, 0.5])[:, np.newaxis]
    found = without_small(posterior_of(labels, 4), likelihood, 1000, 45)
    expected = np.where(SQUARE, 1, before)
    np.testing.assert_array_equal(most_probable(found), expected)


def test_what_is_given_is_not_changed():
    labels = SQUARE.astype(int)
    given = posterior_of(labels)
    without_small(given, np.zeros_like(given), 1000, 45)
    np.testing.assert_array_equal(given, posterior_of(labels))


def test_it_does_not_matter_where_a_frame_is_cut():
    rng = np.random.default_rng(0)
    labels = (rng.random(SHAPE) < 0.2).astype(int)
    likelihood = rng.normal(0, 6, (2, *SHAPE)).astype(np.float32)
    whole = without_small(posterior_of(labels), likelihood, 1000, 20)
    part = without_small(
        posterior_of(labels)[:, :, 10:], likelihood[:, :, 10:], 1000, 20
    )
    assert (most_probable(whole) != labels).any()
    np.testing.assert_array_equal(part[:, :, 20:], whole[:, :, 30:])


def test_edges_are_to_neighbours_in_row_and_column():
    labels = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [2, 1, 1, 0]])
    rows, columns = np.array([[0, 1, 2, 0, 2], [0, 1, 0, 2, 3]])
    # Beyond the edges of a frame there is nothing else.
    np.testing.assert_array_equal(_n_edges(labels, rows, columns), [0, 2, 2, 1, 2])


def test_threads_do_not_change_what_is_small():
    rng = np.random.default_rng(0)
    shape = (3, 160, 161)
    given = rng.dirichlet(np.ones(3), shape[1:]).astype(np.float32)
    given = np.ascontiguousarray(np.moveaxis(given, -1, 0))
    likelihood = rng.normal(0, 6, shape).astype(np.float32)
    assert given[0].size >= WORTH_A_THREAD
    with workers(1):
        expected = without_small(given, likelihood, 1000, 20)
    with workers(3):
        found = without_small(given, likelihood, 1000, 20)
    assert (expected != given).any()
    np.testing.assert_array_equal(found, expected)


def strip(width):
    """Blocks of a strip that is turned by 25 degrees."""
    turn = np.radians(25)
    across = (COLUMNS - 35) * np.cos(turn) + (ROWS - 26) * np.sin(turn)
    return (np.abs(across) < width / 2).astype(int)


@pytest.mark.parametrize(("nats", "is_kept"), [(20, True), (0.2, False)])
def test_a_strip_as_wide_as_a_cell_comes_back_if_it_is_asked_for(nats, is_kept):
    labels = strip(3)
    posterior, likelihood = posterior_of(labels), evidence(labels, nats)
    # As the narrow window makes it, wider than it is.
    straight = posterior_of(strip(7))
    found = with_narrow(straight, posterior, likelihood, 4000)
    both = [
        np.count_nonzero(most_probable(found) & labels),
        np.count_nonzero(most_probable(found) | labels),
    ]
    if is_kept:
        assert both[0] / both[1] > 0.75
    else:
        np.testing.assert_array_equal(found, straight)


def test_a_boundary_with_steps_of_a_block_stays_straight():
    labels = (COLUMNS > 34 + ROWS // 2 % 2).astype(int)
    posterior, likelihood = posterior_of(labels), evidence(labels, 20)
    straight = straightened(posterior, likelihood)
    found = by_evidence(straight, posterior, likelihood, 4000, 9)
    np.testing.assert_array_equal(found, straight)


def test_one_pattern_is_as_it_is():
    one = np.ones((1, *SHAPE), np.float32)
    np.testing.assert_array_equal(by_evidence(one, one, one, 4000, 9), one)
