# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.crystal import Crystal
from hyperspy_symseg.templates.displacement_field import displacement_field
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

SHAPE, PERIOD = (150, 180), 12.0
CELL = np.array([[0.01, 0.083], [0.081, -0.004]])
INDICES = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0)], np.int32)
FACTORS = np.array([0.6, 0.5, 0.35, 0.3j, 0.2, 0.15])
Y, X = np.indices(SHAPE).astype(float)


def intensities(displacement, indices=INDICES, factors=FACTORS, cell=CELL):
    """Sum of waves that are displaced by fractions (2, rows, columns)."""
    out = np.zeros(SHAPE)
    for (h, k), factor in zip(indices, factors, strict=True):
        turns = (h * cell[0, 0] + k * cell[1, 0]) * Y + (
            h * cell[0, 1] + k * cell[1, 1]
        ) * X
        turns = turns - h * displacement[0] - k * displacement[1]
        out += 2 * (factor * np.exp(2j * np.pi * turns)).real
    return out


def crystal_of(indices=INDICES, factors=FACTORS, **options):
    size = np.sqrt(2 * (np.abs(factors) ** 2).sum())
    return Crystal(CELL, indices, factors[np.newaxis] / size, 2.0, **options)


def places_of(field):
    """Middles of the cells, in pixels: two arrays (cell rows, cell columns)."""
    return [12 * n + 5.5 for n in np.indices(field.weights.shape)]


def absolute(field, crystal):
    """Displacement in the first lattice, as that of the field is of another one."""
    y, x = places_of(field)
    change = CELL - crystal.cell
    moved = change[:, :1, np.newaxis] * y + change[:, 1:, np.newaxis] * x
    return field.values + moved


@pytest.mark.parametrize("known", [0.3, -0.45])
def test_a_displaced_crystal_has_no_gradient(known):
    displacement = np.full((2, *SHAPE), known)
    frame = NormalizedFrame(intensities(displacement), None, PERIOD)
    field, crystal = displacement_field(frame, crystal_of())
    off = absolute(field, crystal) - known
    np.testing.assert_allclose(off, np.rint(off), atol=5e-3)
    np.testing.assert_allclose(crystal.cell, CELL, atol=5e-5)


def test_a_gradient_goes_into_the_lattice():
    slopes = np.array([[0.002, -0.001], [0.0015, 0.003]])
    displacement = slopes[:, :1, np.newaxis] * Y + slopes[:, 1:, np.newaxis] * X
    frame = NormalizedFrame(intensities(displacement), None, PERIOD)
    field, crystal = displacement_field(frame, crystal_of())
    # Of several periods: 180 pixels times 0.003.
    np.testing.assert_allclose(crystal.cell, CELL - slopes, atol=5e-5)
    np.testing.assert_allclose(field.gradients, 0, atol=2e-3)


def test_a_curved_displacement_is_followed():
    displacement = np.stack([0.1 * np.sin(X / 40), 0.08 * np.cos(Y / 40)])
    frame = NormalizedFrame(intensities(displacement), None, PERIOD)
    field, crystal = displacement_field(frame, crystal_of())
    y, x = places_of(field)
    expected = np.stack([0.1 * np.sin(x / 40), 0.08 * np.cos(y / 40)])
    # What is known, and what the pixels ask for more.
    weights = np.maximum(field.weights, 1)
    off = absolute(field, crystal) + field.responses / weights - expected
    off = (off - np.rint(off))[:, 1:-2, 1:-2]
    assert np.sqrt((off**2).mean()) < 0.01


def test_cells_without_pixels_have_no_weight():
    mask = X > 100
    frame = NormalizedFrame(intensities(np.zeros((2, *SHAPE))), mask, PERIOD)
    field, _ = displacement_field(frame, crystal_of())
    assert (field.weights[:, 9:] == 0).all()
    assert (field.weights[:, :8] > 0).all()


def test_lines_have_no_displacement_field():
    along = INDICES[[0, 4]], FACTORS[[0, 4]]
    frame = NormalizedFrame(intensities(np.zeros((2, *SHAPE)), *along), None, PERIOD)
    assert displacement_field(frame, crystal_of(*along)) is None


def test_of_antiphase_domains_it_is_that_of_the_lattice_without_them():
    indices = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0)], np.int32)
    factors = np.array([0.1, 0.1, 0.6, 0.5, 0.3, 0.3]) + 0j
    # A displacement by (1/2, 1/2) changes the sign of (0, 1) and (1, 0) alone.
    displacement = 0.5 * (X > 90) * np.ones((2, 1, 1))
    image = intensities(displacement, indices, factors)
    frame = NormalizedFrame(image, None, PERIOD)
    crystal = crystal_of(indices, factors, antiphase=(0.5, 0.5))
    field, found = displacement_field(frame, crystal)
    assert abs(np.linalg.det(found.cell)) == pytest.approx(
        2 * abs(np.linalg.det(CELL)), rel=1e-3
    )
    assert np.abs(field.gradients[:, :, 2:-2, 2:-3]).max() < 0.01
