# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.local_linear import (
    CellField,
    LocalLinear,
    offsets,
    pairs,
    started,
)

SHAPE = 13, 17
Y, X = np.indices(SHAPE).astype(float)
SLOPES = np.array([[0.31, -0.12], [0.07, 0.24]])
# Of both components, a cell each: they add up to several whole ones.
PLANE = SLOPES[:, :1, np.newaxis] * Y + SLOPES[:, 1:, np.newaxis] * X + 0.4


def field_of(values, *, weights=1.0, responses=0.0, gradients=None, residuals=0.0):
    if gradients is None:
        gradients = SLOPES[..., np.newaxis, np.newaxis]
    return CellField(
        values,
        np.broadcast_to(gradients, (2, 2, *SHAPE)),
        np.broadcast_to(weights, SHAPE).astype(float),
        np.broadcast_to(responses, (2, *SHAPE)),
        np.broadcast_to(residuals, (2, *SHAPE)),
    )


def test_a_window_is_a_disc_of_three_standard_deviations():
    steps = dict(offsets(2.0, (30, 30)))
    assert max(y * y + x * x for y, x in steps) == 36
    assert steps[2, 0] == pytest.approx(np.exp(-0.5))
    # Steps that no pair of cells is apart.
    assert max(y for (y, _), _ in offsets(2.0, (3, 30))) == 2


@pytest.mark.parametrize("step", [(1, -2), (0, 3), (-2, 0)])
def test_pairs_are_a_step_apart(step):
    own, other = pairs(step, SHAPE)
    np.testing.assert_array_equal(Y[other] - Y[own], step[0])
    np.testing.assert_array_equal(X[other] - X[own], step[1])


def test_displacements_begin_modulo_whole_ones():
    found = started(PLANE % 1, np.ones(SHAPE), 1.5)
    np.testing.assert_allclose(
        found.gradients, np.broadcast_to(SLOPES[..., None, None], (2, 2, *SHAPE))
    )
    off = found.values - PLANE
    np.testing.assert_allclose(off, np.rint(off), atol=1e-9)


def test_a_cell_that_has_gone_astray_does_little():
    values = PLANE.copy()
    values[:, 6, 8] += 0.45
    found = started(values % 1, np.ones(SHAPE), 1.5)
    off = found.values - PLANE
    assert np.abs(off - np.rint(off))[:, 6, 8].max() < 0.05


def test_a_plane_is_found_exactly():
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.1, 2, SHAPE)
    fit = LocalLinear.of(field_of(PLANE % 1, weights=weights), 1.5)
    expected = np.broadcast_to(SLOPES[..., np.newaxis, np.newaxis], (2, 2, *SHAPE))
    np.testing.assert_allclose(fit.gradients, expected, atol=1e-9)
    off = fit.values - PLANE
    np.testing.assert_allclose(off, np.rint(off), atol=1e-9)


def test_responses_are_added_to_displacements():
    # As if the true plane was steeper than what was known of it.
    weights = np.full(SHAPE, 2.0)
    field = field_of(PLANE, weights=weights, responses=0.1 * X * weights)
    fit = LocalLinear.of(field, 1.5)
    np.testing.assert_allclose(
        fit.gradients[:, 1], SLOPES[:, 1, None, None] + 0.1 + 0 * X
    )


def test_it_is_the_weighted_least_squares_fit():
    rng = np.random.default_rng(1)
    values = 0.05 * rng.standard_normal((2, *SHAPE))
    weights = rng.uniform(0.1, 2, SHAPE)
    field = field_of(values, weights=weights, gradients=np.zeros((2, 2, 1, 1)))
    fit = LocalLinear.of(field, 1.2)
    y, x = Y - 5, X - 7
    window = np.exp(-(y**2 + x**2) / 2 / 1.2**2) * (y**2 + x**2 <= 3.6**2)
    root = np.sqrt(window * weights).ravel()
    terms = np.column_stack([np.ones(Y.size), y.ravel(), x.ravel()])
    for component in range(2):
        expected, *_ = np.linalg.lstsq(
            root[:, np.newaxis] * terms, root * values[component].ravel(), rcond=None
        )
        np.testing.assert_allclose(fit.values[component, 5, 7], expected[0])
        np.testing.assert_allclose(fit.gradients[component, :, 5, 7], expected[1:])


def test_cells_on_a_line_tell_no_gradient():
    weights = np.where(Y == 6, 1.0, 0)
    fit = LocalLinear.of(field_of(PLANE, weights=weights), 1.5)
    assert np.isnan(fit.gradients).all()


def test_the_covariance_is_that_of_many_fits():
    rng = np.random.default_rng(2)
    # Correlated in the components, as of a motif that shifts along a diagonal.
    mix = np.array([[0.02, 0], [0.015, 0.01]])
    gradients, variances = [], []
    for _ in range(300):
        noise = np.einsum("ab,byx->ayx", mix, rng.standard_normal((2, *SHAPE)))
        field = field_of(noise, residuals=noise, gradients=np.zeros((2, 2, 1, 1)))
        fit = LocalLinear.of(field, 1.5)
        gradients.append(fit.gradients[:, :, 6, 8].ravel())
        covariance = np.einsum(
            "ij,ab->aibj", fit.spread[..., 6, 8], fit.noise[..., 6, 8]
        )
        variances.append(covariance.reshape(4, 4))
    expected = np.cov(np.transpose(gradients))
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(
        np.mean(variances, axis=0) / scale, expected / scale, atol=0.15
    )
