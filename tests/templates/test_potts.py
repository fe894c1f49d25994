# SPDX-License-Identifier: GPL-3.0-or-later
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.templates.potts import (
    COUPLING,
    SWEEPS,
    boundary_length,
    log_likelihoods,
    mean_field,
    most_probable,
    share_of_edge,
    variances_of,
    window_of_evidence,
    with_own_variance,
)
from hyperspy_symseg.templates.row_tiles import ROWS

# Blocks along an axis, and the one that is not 0 in `one_block`.
SIDES = (21, 10), (24, 11)


def log_likelihood(shape, scale=3.0, seed=0):
    values = np.random.default_rng(seed).normal(scale=scale, size=shape)
    return values.astype(np.float32)


def direct_mean_field(log_likelihood, sweeps, coupling=COUPLING):
    """The definition, block by block in double precision."""
    patterns, height, width = log_likelihood.shape
    q = np.full(log_likelihood.shape, 1 / patterns)
    for _ in range(sweeps):
        new = np.empty_like(q)
        for i, j in np.ndindex(height, width):
            field = log_likelihood[:, i, j].astype(float)
            for dy, dx in np.ndindex(3, 3):
                y, x = i + dy - 1, j + dx - 1
                if (y, x) != (i, j) and 0 <= y < height and 0 <= x < width:
                    near = 1 if 1 in (dy, dx) else 0.5
                    field += coupling * near * q[:, y, x]
            odds = np.exp(field - field.max())
            new[:, i, j] = odds / odds.sum()
        q = new
    return q


@pytest.mark.parametrize("patterns", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (11, 35), (5, 64)])
@pytest.mark.parametrize("sweeps", [1, 4])
def test_sweeps_are_those_of_the_definition(patterns, shape, sweeps):
    values = log_likelihood((patterns, *shape))
    posterior = mean_field(values, sweeps=sweeps)
    assert posterior.dtype == np.float32
    np.testing.assert_allclose(posterior, direct_mean_field(values, sweeps), atol=1e-5)


def test_an_edge_costs_what_is_asked_for():
    values = log_likelihood((3, 7, 9))
    posterior = mean_field(values, 0.4, sweeps=3)
    np.testing.assert_allclose(posterior, direct_mean_field(values, 3, 0.4), atol=1e-5)


def test_number_of_sweeps_by_default():
    values = log_likelihood((2, 8, 8))
    np.testing.assert_array_equal(mean_field(values), mean_field(values, sweeps=SWEEPS))


@pytest.mark.parametrize("patterns", [2, 3])
def test_order_of_the_patterns_does_not_matter(patterns):
    values = log_likelihood((patterns, 20, 50))
    np.testing.assert_allclose(
        mean_field(values[::-1]), mean_field(values)[::-1], atol=1e-6
    )


@pytest.mark.parametrize("patterns", [2, 3])
def test_what_all_patterns_have_in_common_does_not_matter(patterns):
    values = np.round(log_likelihood((patterns, 20, 50)))
    np.testing.assert_allclose(mean_field(values + 64), mean_field(values), atol=1e-6)


@pytest.mark.parametrize("patterns", [2, 3])
@pytest.mark.parametrize("size", [1e3, 1e20, 3e38])
def test_log_likelihoods_of_any_size(patterns, size):
    signs = np.sign(log_likelihood((patterns, 10, 40)))
    posterior = mean_field(np.float32(size) * signs)
    assert posterior.min() >= 0
    assert posterior.max() <= 1
    np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-6)
    # Where it is for one pattern only.
    alone = (signs > 0) & ((signs > 0).sum(axis=0) == 1)
    np.testing.assert_array_equal(posterior[alone], 1)


@pytest.mark.parametrize("patterns", [2, 3])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_posteriors_are_probabilities(patterns, scale):
    posterior = mean_field(log_likelihood((patterns, 40, 70), scale))
    assert posterior.min() >= 0
    assert posterior.max() <= 1
    np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("patterns", [1, 2, 4])
def test_equal_log_likelihoods(patterns):
    posterior = mean_field(np.zeros((patterns, 6, 7), np.float32))
    np.testing.assert_allclose(posterior, 1 / patterns, atol=1e-6)


def test_one_block_has_the_odds_of_its_log_likelihoods():
    posterior = mean_field(np.log([[[3.0]], [[1.0]]]))
    np.testing.assert_allclose(posterior.ravel(), [0.75, 0.25], atol=1e-6)


def test_a_block_joins_its_neighbours():
    values = np.zeros((2, 9, 9), np.float32)
    values[0] = 2
    values[:, 4, 4] = 0, 2
    assert mean_field(values)[0, 4, 4] > 0.9


@pytest.mark.parametrize("patterns", [2, 3])
def test_result_does_not_depend_on_where_the_frame_is_cut(patterns):
    sweeps = 5
    values = log_likelihood((patterns, 60, 150), 1.0)
    whole = mean_field(values, sweeps=sweeps)
    for top, left in ((0, 0), (3, 1), (11, 37)):
        part = mean_field(values[:, top : top + 40, left : left + 70], sweeps=sweeps)
        inside = slice(sweeps, -sweeps)
        np.testing.assert_array_equal(
            part[:, inside, inside],
            whole[:, top : top + 40, left : left + 70][:, inside, inside],
        )


def test_log_likelihoods_are_left_as_it_is():
    values = log_likelihood((2, 5, 6))
    before = values.copy()
    mean_field(values)
    np.testing.assert_array_equal(values, before)


def test_log_likelihoods_do_not_depend_on_where_the_frame_is_cut():
    residuals = log_likelihood((2, 30, 90)) ** 2
    part = log_likelihoods(residuals[:, 3:, 5:75], 1.0)
    whole = log_likelihoods(residuals, 1.0)[:, 3:, 5:75]
    np.testing.assert_array_equal(part[:, 1:, 1:-1], whole[:, 1:, 1:-1])


def test_log_likelihood_is_that_of_the_mean_over_a_cell():
    residuals = log_likelihood((2, 6, 7)) ** 2
    noise = 4.0
    expected = residuals[:, 1:4, 3:6].mean(axis=(1, 2)) * -0.5 / noise
    np.testing.assert_allclose(
        log_likelihoods(residuals, noise)[:, 2, 4], expected, rtol=1e-5
    )


def test_no_residuals_beyond_the_edge():
    likelihoods = log_likelihoods(np.ones((1, 5, 5), np.float32), 0.5)
    assert likelihoods[0, 0, 0] == pytest.approx(-4 / 9)


def test_one_pattern_is_everywhere():
    posterior = mean_field(log_likelihood((1, 5, 7)))
    np.testing.assert_array_equal(posterior, np.ones((1, 5, 7)))


def test_boundary_length_counts_edges():
    labels = np.array([[0, 0, 1], [0, 1, 1]])
    assert boundary_length(labels) == 3
    # Not from frame to frame.
    assert boundary_length(np.stack([labels, 1 - labels])) == 6


@pytest.mark.parametrize("patterns", [2, 3])
def test_tiles_of_rows_change_nothing(patterns):
    values = log_likelihood((patterns, 2, ROWS + 60, 40), scale=0.3)
    with workers(2):
        in_tiles = mean_field(values)[..., -120:, :]
    # The last rows alone are one tile; a sweep sees one row above.
    alone = mean_field(values[..., -(120 + SWEEPS) :, :])[..., -120:, :]
    np.testing.assert_array_equal(in_tiles, alone)


@pytest.mark.parametrize("patterns", [2, 3])
def test_frames_are_done_one_by_one(patterns):
    values = log_likelihood((patterns, 4, 9, 11))
    found = mean_field(values)
    for i in range(4):
        np.testing.assert_array_equal(found[:, i], mean_field(values[:, i]))


@given(arrays(np.float32, (3, 4, 5), elements=st.sampled_from([0.0, 0.25, 0.5])))
def test_the_first_of_the_most_probable(posterior):
    np.testing.assert_array_equal(most_probable(posterior), posterior.argmax(axis=0))


def test_boundary_length_of_two_of_the_patterns():
    labels = np.array([[0, 0, 1], [2, 0, 1]])
    assert boundary_length(labels) == 4
    assert boundary_length(labels, 0, 1) == 2
    assert boundary_length(labels, 1, 2) == 0


def one_block():
    """Squared residuals of three patterns, 1 in one block of the second."""
    residuals = np.zeros((3, 21, 24), np.float32)
    residuals[1, 10, 11] = 1
    return residuals


def test_patterns_that_are_alike_differ_by_the_mean_of_their_window():
    found = log_likelihoods(one_block(), 0.5, [([0, 1], 2.0)])
    rows, columns = (np.exp(-((np.arange(n) - at) ** 2) / 8) for n, at in SIDES)
    expected = -np.outer(rows / rows.sum(), columns / columns.sum())
    inside = np.s_[5:16, 6:17]
    difference = (found[1] - found[0])[inside]
    np.testing.assert_allclose(difference, expected[inside], rtol=0.02)


def test_what_alike_patterns_have_in_common_is_that_of_the_cell():
    found = log_likelihoods(one_block(), 0.5, [([0, 1], 2.0)])
    expected = log_likelihoods(one_block(), 0.5)
    np.testing.assert_allclose(found[:2].mean(axis=0), expected[:2].mean(axis=0))


def test_other_patterns_are_left_as_they_are():
    residuals = one_block()[::-1]
    found = log_likelihoods(residuals, 0.5, [([0, 2], 2.0)])
    expected = log_likelihoods(residuals, 0.5)
    np.testing.assert_array_equal(found[1], expected[1])


def test_hand_worked_window_of_evidence():
    # Templates explain 0.5 and 0.52 of the variance: 0.49 is left. They differ by 0.01,
    # and blocks have 16 pixels: 0.3265 nats a block, so that 30.6 blocks have 10.
    factors = np.array([[0.5, 0], [0.5, 0.1]], complex)
    expected = np.sqrt(30.625 / (4 * np.pi))
    assert window_of_evidence(factors, 4) == pytest.approx(expected)


@pytest.mark.parametrize(("difference", "window"), [(0.4, None), (0.0, 3.0)])
def test_window_of_evidence_is_a_cell_at_least_and_never_too_wide(difference, window):
    factors = np.array([[0.5, difference], [0.5, 0]], complex)
    assert window_of_evidence(factors, 4) == window


def test_patterns_that_differ_least_have_the_window():
    factors = np.array([[0.5, 0.1], [0.5, 0], [0.2, 0]], complex)
    assert window_of_evidence(factors[1:], 4) is None
    assert window_of_evidence(factors, 4) > 1


def test_edges_cost_less_where_evidence_is_averaged():
    assert share_of_edge(None) == 0.5
    # A Gaussian window stands for as many blocks as a square of 4.25.
    assert share_of_edge(1.2) == pytest.approx(1 / 4.25, rel=1e-2)
    assert share_of_edge(3.0) == 0.2


COUNTS = np.array([[16.0, 16.0, 8.0]], np.float32)
STEADY = SimpleNamespace(counts=COUNTS, steps=np.zeros_like(COUNTS))


def with_variances(*variances, powers=(0.5, 0.0), frame=STEADY):
    """What is as good as the residuals, and these: two (patterns, 1, 3) arrays."""
    rng = np.random.default_rng(3)
    residuals = rng.uniform(4, 16, (len(variances), *COUNTS.shape)).astype(np.float32)
    given = np.array(variances), np.array(powers)
    return with_own_variance(residuals, frame, *given), residuals


def test_variances_are_means_over_the_pixels_of_a_pattern():
    posterior = np.float32([[[1, 0, 1]], [[0, 1, 0]], [[0, 0, 0]]])
    residuals = np.float32([[[8, 99, 4]], [[99, 20, 99]], [[99, 99, 99]]])
    found = variances_of(residuals, posterior, COUNTS)
    # 12 of 24 pixels, and 20 of 16; none have no variance.
    np.testing.assert_allclose(found, [0.5, 1.25, 0], rtol=1e-6)


def test_no_lattice_is_judged_by_its_own_variance():
    found, (crystal, other) = with_variances(0.6, 0.9)
    np.testing.assert_array_equal(found[0], crystal)
    # Differences of the log-likelihoods of normal distributions of either variance.
    theirs = -(other / 0.9 + COUNTS * np.log(0.9)) / 2
    ours = -(crystal / 0.6 + COUNTS * np.log(0.6)) / 2
    difference = (found[0] - found[1]) / (2 * 0.6)
    np.testing.assert_allclose(difference, theirs - ours, rtol=1e-4)


def test_crystals_leave_half_of_the_variance_at_least():
    found, residuals = with_variances(0.1, 0.8)
    expected, _ = with_variances(0.4, 0.8)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
    assert (found[1] != residuals[1]).all()


def test_the_crystal_that_leaves_the_most_counts():
    found, residuals = with_variances(0.5, 0.7, 0.9, powers=(0.5, 0.3, 0.0))
    other = residuals[2]
    expected = 0.7 / 0.9 * (other - 0.9 * np.log(0.7 / 0.9) * COUNTS)
    np.testing.assert_allclose(found[2], expected, rtol=1e-5)


def test_all_without_a_lattice_are_judged_alike():
    found, residuals = with_variances(0.5, 0.7, 0.9, powers=(0.5, 0.0, 0.0))
    shift = found[1:] - 0.5 / 0.7 * residuals[1:]
    np.testing.assert_allclose(shift[0], shift[1], rtol=1e-4)


@pytest.mark.parametrize(
    ("variances", "powers"),
    [
        ((0.9, 0.6), (0.5, 0.0)),
        ((0.6, 0.9), (0.5, 0.11)),
        ((0.6, 0.9), (0.0, 0.0)),
        ((0.0, 0.0), (0.5, 0.0)),
    ],
)
def test_else_all_have_one_variance(variances, powers):
    found, residuals = with_variances(*variances, powers=powers)
    np.testing.assert_array_equal(found, residuals)


def test_all_have_one_variance_at_a_step():
    steps = np.float32([[0, 0.5, 1]])
    frame = SimpleNamespace(counts=COUNTS, steps=steps)
    found, residuals = with_variances(0.5, 0.9, frame=frame)
    steady, _ = with_variances(0.5, 0.9)
    expected = residuals + (1 - steps) * (steady - residuals)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
