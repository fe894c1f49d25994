# SPDX-License-Identifier: GPL-3.0-or-later
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.templates.displaced_blocks import (
    _best,
    _gradient,
    _gradient_sums,
    change_by_displacement,
)

PERIOD, BLOCK, NOISE = 10.0, 2, 0.005
SHAPE = (46, 60)
Y, X = np.indices(SHAPE)


def motif(share, y=Y, x=X):
    """Columns at two sites of a square lattice: float32."""
    one, other = (
        np.exp(2 * (np.cos(2 * np.pi * (y - d) / PERIOD) - 1))
        * np.exp(2 * (np.cos(2 * np.pi * (x - d) / PERIOD) - 1))
        for d in (0, PERIOD / 2)
    )
    return (one + share * other).astype(np.float32)


def frame_of(pixels, valid=None):
    return SimpleNamespace(
        pixels=pixels,
        valid=valid,
        block=BLOCK,
        counts=np.zeros((SHAPE[0] // BLOCK, SHAPE[1] // BLOCK)),
    )


EXPECTED = [motif(0.8), motif(1.2)]
FIRST = np.stack([np.ones((23, 30)), np.zeros((23, 30))]).astype(np.float32)


def residuals(pixels):
    """Squared residuals of the blocks: (patterns, rows, columns)."""
    squares = (pixels - np.stack(EXPECTED)) ** 2
    return squares.reshape(2, 23, BLOCK, 30, BLOCK).sum(axis=(2, 4))


def found(pixels):
    """Residuals as they are, and with blocks displaced."""
    given = residuals(pixels)
    frame = frame_of(pixels)
    return given, given + change_by_displacement(frame, EXPECTED, FIRST, NOISE, PERIOD)


def test_where_columns_are_at_their_places_nothing_changes():
    given, changed = found(EXPECTED[0])
    np.testing.assert_allclose(changed[0], given[0], atol=1e-6)


def test_columns_off_their_places_leave_less():
    given, changed = found(motif(0.8, Y - 0.15, X + 0.1))
    inside = np.s_[3:-3, 3:-3]
    assert changed[0][inside].sum() < 0.3 * given[0][inside].sum()
    assert (changed.sum(axis=(1, 2)) < given.sum(axis=(1, 2))).all()


def test_evidence_of_a_displaced_motif_is_nearer_to_that_of_one_that_is_not():
    expected, _ = found(EXPECTED[0])
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 4)
    field *= 0.2 / field.std()
    given, changed = found(motif(0.8, Y + field, X - field))
    wrong = [
        np.abs((x[0] - x[1]) - (expected[0] - expected[1])).sum()
        for x in (given, changed)
    ]
    assert wrong[1] < 0.6 * wrong[0]


def test_sums_of_a_block_by_hand():
    pixels = np.zeros(SHAPE, np.float32)
    template = (2 * Y + 3 * X).astype(np.float32)
    slopes, curvatures = _gradient_sums(frame_of(pixels), template)
    # Rows 2 and 3, columns 4 and 5: residuals of -16, -19, -18 and -21.
    np.testing.assert_allclose(slopes[:, 1, 2], [2 * -74, 3 * -74])
    np.testing.assert_allclose(curvatures[:, 1, 2], [4 * 4, 4 * 6, 4 * 9])


def test_pixels_that_are_not_valid_have_no_gradient():
    valid = np.ones(SHAPE, bool)
    valid[2:4, 4:6] = False
    frame = frame_of(np.ones(SHAPE, np.float32), valid)
    slopes, curvatures = _gradient_sums(frame, EXPECTED[0])
    assert not slopes[:, 1, 2].any()
    assert not curvatures[:, 1, 2].any()
    assert curvatures[0, 2, 2] > 0


@pytest.mark.parametrize("cost", [0.5, 7.0])
def test_the_best_displacement_solves_its_equations(cost):
    slope, curvature = np.array([1.0, -2.0]), np.array([3.0, 0.5, 4.0])
    y, x = _best(slope[:, None, None], curvature[:, None, None], cost)
    matrix = np.array([[3 + cost, 0.5], [0.5, 4 + cost]])
    np.testing.assert_allclose([y[0, 0], x[0, 0]], np.linalg.solve(matrix, -slope))


def test_the_gradient_is_that_of_numpy_inside():
    template = np.random.default_rng(0).normal(size=(2, 7, 9)).astype(np.float32)
    expected = np.gradient(template, axis=(-2, -1))
    for axis, (found, own) in enumerate(
        zip(_gradient(template), expected, strict=True)
    ):
        inside = (slice(None), *np.roll([slice(1, -1), slice(None)], axis))
        np.testing.assert_allclose(found[inside], own[inside], rtol=1e-6)
        assert not np.delete(found, np.s_[1:-1], axis=axis + 1).any()
