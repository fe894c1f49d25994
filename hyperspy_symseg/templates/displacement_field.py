# SPDX-License-Identifier: GPL-3.0-or-later
"""The displacement field of a crystal, from all its pixels with their phases tied."""

from dataclasses import replace

import numpy as np

from hyperspy_symseg.frames.block_sums import spread

from .blocks import sum_blocks
from .bragg import BraggComponents
from .crystal import (
    NO_DOMAINS,
    WIDE,
    WIDTHS,
    WITHOUT_SUPERLATTICE,
    phase_factors,
    pixels_of_cells,
    times_factors,
)
from .crystal_learner import CrystalLearner
from .local_linear import LocalLinear, started
from .normalized_frame import BLOCKS_IN_CELL
from .tying import cell_of

# Standard deviation of the window of the field that pixels are demodulated by, in
# cells, and rounds.
NARROW, ROUNDS = 1.5, 2
# How often displacements are begun with, the second time on the mean lattice.
STARTS = 2
# Condition of the gradients of a motif, at most: beyond it, there are lines only.
SINGULAR = 1e4
# Steps of the grid on which the lines are looked for that cut no column, along an axis.
STEPS = 24
# What a cell leaves free of its own fit, at least.
LEAST_FREE = 0.2


def crystal_of_pattern(templates, pattern, normalized):
    """The crystal of one pattern, with the motif of that pattern alone.

    If its phases are free, they are tied here: the lattice is that of its reflections,
    and its motif is learnt from the pixels of the frame.

    Parameters
    ----------
    templates : Templates
    pattern : int
    normalized : callable
        Gives the frame, a NormalizedFrame in which only the pixels of the pattern are
        valid; called if it is needed.

    Returns
    -------
    Crystal or None
        None if it has no lattice.
    """
    if templates.crystals[pattern] >= 0:
        crystal, _ = templates.only([pattern]).crystal(0)
        return crystal
    cell = lattice_of_pattern(templates, pattern)
    if cell is None:
        return None
    frame = normalized()
    learner = CrystalLearner(frame, cell, WIDTHS[0], templates.period)
    learner.settle(np.ones((1, *frame.counts.shape), np.float32))
    crystal = learner.learnt()["crystal"]
    return crystal if crystal.factors.any() else None


def lattice_of_pattern(templates, pattern):
    """Reciprocal vectors of the lattice that one pattern has, on the average.

    Parameters
    ----------
    templates : Templates
    pattern : int

    Returns
    -------
    (2, 2) numpy.ndarray of float64, or None
        As of `crystal_of_pattern`.
    """
    if templates.crystals[pattern] >= 0:
        crystal, _ = templates.only([pattern]).crystal(0)
        return lattice_of_crystal(crystal)
    return cell_of(*templates.of(pattern), templates.period)


def lattice_of_crystal(crystal):
    """Reciprocal vectors (2, 2) of a crystal, of a superlattice of the one without."""
    if not any(crystal.lost):
        return crystal.cell
    return WITHOUT_SUPERLATTICE[tuple(crystal.lost)] @ crystal.cell


def _without_superlattice(frame, crystal):
    """Frame and crystal without what antiphase domains differ in."""
    if not any(crystal.lost):
        return frame, crystal
    ones, odd = np.ones(frame.counts.shape, np.float32), crystal.is_odd
    [factors] = crystal.factors
    components = crystal.components(frame)
    displacement = components.displacement(crystal.factors, [components.cells(ones)])
    turned = components.turned(displacement)
    turned = components.of_domains(factors, turned, displacement, ones)
    frame = frame.less(components.template(np.where(odd, factors, 0), turned))
    cell = lattice_of_crystal(crystal)
    indices = crystal.indices[~odd] @ crystal.cell @ np.linalg.inv(cell)
    return frame, replace(
        crystal,
        cell=cell,
        indices=np.ascontiguousarray(np.rint(indices).astype(np.int32)),
        factors=crystal.factors[:, ~odd],
        antiphase=NO_DOMAINS,
    )


def displacement_field(frame, crystal):
    """Displacement of a crystal in the cells of a frame.

    The pixels of a block are demodulated by the displacement and gradient of its cell,
    as far as they are known; the gradient of the squared residuals by the displacement
    is what they ask for more, once divided by the curvature,

        r(c) = M^-1 sum over q in c of (X - a t) a dt/dv,  M = 8 pi^2 sum over hk of
               |F|^2 (h, k) (h, k)'

    with a weight a^2 N, the contrast a and the number of pixels N.

    Parameters
    ----------
    frame : NormalizedFrame
        Only the pixels of the crystal are valid.
    crystal : Crystal
        Of one pattern.

    Returns
    -------
    CellField, Crystal
        And the crystal with the mean lattice of the frame, which displacements are of;
        of a superlattice with antiphase domains it is the one without. None if all its
        reflections are on a line.
    """
    frame, crystal = _without_superlattice(frame, crystal)
    if not np.linalg.cond(_curvature(crystal)) < SINGULAR:
        return None
    ones = np.ones(frame.counts.shape, np.float32)
    counts = frame.cell_counts.astype(np.float64)
    for _ in range(STARTS):
        components = crystal.components(frame)
        cells = components.cells(ones)
        values = components.displacement(crystal.factors, [cells])
        field = started(values, counts, NARROW)
        field, crystal = _on_mean_lattice(field, crystal, BLOCKS_IN_CELL * frame.block)
    waves = frame.factors(crystal.reflections)
    components = crystal.components(frame)
    cells = components.cells(ones)
    of_contrast = components.with_contrast(crystal.contrast_width or WIDE)
    n_pixels = pixels_of_cells(frame, ones)

    def demodulated(field):
        turned = components.turned(field.values)
        contrast = of_contrast.contrast(crystal.factors, [cells], [n_pixels], turned)
        return _demodulated(frame, waves, crystal, field, contrast)

    for _ in range(ROUNDS):
        fit = LocalLinear.of(demodulated(field), NARROW)
        known = np.isfinite(fit.values)
        field = field._replace(
            values=np.where(known, fit.values, field.values),
            gradients=np.where(known[:, np.newaxis], fit.gradients, field.gradients),
        )
    own_share = np.where(known[0], fit.own_share, 0)
    field = demodulated(field)
    # Residuals are about a fit that they are a part of: in a Gaussian window of the
    # area A, the share is 1 / A, and the sum of the squares of all shares half of it.
    free = np.maximum(1 - 1.5 * own_share, LEAST_FREE)
    return field._replace(residuals=field.residuals / np.sqrt(free)), crystal


def _on_mean_lattice(field, crystal, side):
    """Field and crystal with the mean of the gradients in the lattice: both again."""
    total = max(field.weights.sum(), 1.0)
    mean = (field.gradients * field.weights).sum(axis=(-2, -1)) / total
    middles = (np.arange(n) + (side - 1) / (2 * side) for n in field.weights.shape)
    y, x = np.meshgrid(*middles, indexing="ij")
    change = np.multiply.outer(mean[:, 0], y) + np.multiply.outer(mean[:, 1], x)
    field = field._replace(
        values=field.values - change,
        gradients=field.gradients - mean[..., np.newaxis, np.newaxis],
    )
    return field, replace(crystal, cell=crystal.cell - mean / side)


def _demodulated(frame, waves, crystal, field, contrast):
    """Field with the responses and weights that its pixels have: CellField."""
    [factors] = crystal.factors
    shape = frame.counts.shape
    places = [(np.arange(n) % BLOCKS_IN_CELL - 1) / BLOCKS_IN_CELL for n in shape]
    of_blocks = spread(field.values, BLOCKS_IN_CELL, shape)
    along_y, along_x = spread(field.gradients, BLOCKS_IN_CELL, shape).swapaxes(0, 1)
    of_blocks = of_blocks + along_y * places[0][:, np.newaxis] + along_x * places[1]
    turned = phase_factors(of_blocks, crystal.indices)
    # Structure factors of the blocks, where they are displaced to.
    moved = times_factors(factors, turned, conjugate=True)
    scale = spread(contrast.astype(np.float32), BLOCKS_IN_CELL, shape)
    template = BraggComponents(frame, waves).sum_of(2 * scale * moved, step=1)
    rest = BraggComponents(frame.less(template), waves).block_sums
    # Im(F conj(R))
    slopes = moved[1] * rest[0] - moved[0] * rest[1]
    indices = crystal.indices.astype(np.float32)
    gradient = 4 * np.pi * np.tensordot(indices.T, slopes, axes=1) * scale
    inverse = np.linalg.inv(_curvature(crystal))
    responses = np.tensordot(inverse, gradient.astype(np.float64), axes=1)
    weights = frame.cell_counts * contrast.astype(np.float64) ** 2
    cells = _cells_of_middles(crystal, of_blocks, frame.block, weights.shape)
    residuals = [
        np.bincount(cells.ravel(), each.ravel(), weights.size) for each in responses
    ]
    return field._replace(
        responses=sum_blocks(responses, BLOCKS_IN_CELL),
        residuals=np.reshape(residuals, (2, *weights.shape)),
        weights=weights,
    )


def _cells_of_middles(crystal, displacement, block, shape):
    """Cell that the middle of the unit cell about a block lies in: (...) array of int.

    Unit cells begin where the template changes the least, so that no column is cut.

    Parameters
    ----------
    crystal : Crystal
    displacement : (2, block rows, block columns) numpy.ndarray of float64
    block : int
        Side of a block, in pixels.
    shape : (int, int)
        Rows and columns of the cells.
    """
    middles = [np.arange(n) * block + (block - 1) / 2 for n in displacement.shape[-2:]]
    places = np.stack(np.meshgrid(*middles, indexing="ij"))
    fractions = np.tensordot(crystal.cell, places, axes=1) - displacement
    fractions -= _quietest(crystal)[:, np.newaxis, np.newaxis]
    off = fractions - np.floor(fractions) - 0.5
    places -= np.tensordot(np.linalg.inv(crystal.cell), off, axes=1)
    row, column = np.floor((places + 0.5) / (BLOCKS_IN_CELL * block)).astype(int)
    return np.clip(row, 0, shape[0] - 1) * shape[1] + np.clip(column, 0, shape[1] - 1)


def _quietest(crystal):
    """Fractions of the lattice vectors at which the template changes least: (2,)."""
    [factors] = crystal.factors
    grid = np.arange(STEPS) / STEPS
    places = np.stack(np.meshgrid(grid, grid, indexing="ij"))
    waves = np.exp(2j * np.pi * np.tensordot(crystal.indices, places, axes=1))
    slopes = np.tensordot((crystal.indices * factors[:, np.newaxis]).T, waves, axes=1)
    changes = (slopes.imag**2).sum(axis=0)
    return np.array([grid[changes.sum(axis=axis).argmin()] for axis in (1, 0)])


def _curvature(crystal):
    """Mean curvature of the squared residual of a pixel: (2, 2) array."""
    [factors] = crystal.factors
    indices = crystal.indices
    hh = np.einsum("n,ni,nj->ij", np.abs(factors) ** 2, indices, indices)
    return 8 * np.pi**2 * hh
