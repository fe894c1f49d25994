# SPDX-License-Identifier: GPL-3.0-or-later
"""Orientation of the lattice of each grain: its pattern's, displaced as it is there."""

from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.tile import widened, within
from hyperspy_symseg.lattice.bravais import reduced_cell
from hyperspy_symseg.templates.displacement_field import (
    crystal_of_pattern,
    displacement_field,
)
from hyperspy_symseg.templates.normalized_frame import (
    BLOCKS_IN_CELL,
    NormalizedFrame,
    cell_size,
)

from .interior import near
from .strain import BOUNDARY, LEAST_AREA, mean_vectors

# Rounds in which cells are counted to the nearest of the lattice vectors.
ROUNDS = 5
# Concentration of the displacements about one lattice, from 0 to 1: below, a grain is
# bent by so much that no lattice goes through all of it.
STRAIGHT = 0.7
# Cells of the window that a gradient is found in: of independent ones there are so
# many less.
CELLS_OF_A_GRADIENT = 28.0


class _Fit(NamedTuple):
    """Mean lattice of a region.

    Attributes
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    spread, noise : (2, 2) numpy.ndarray of float64
        As of `LocalLinear`, for gradients along pixels.
    """

    cell: np.ndarray
    spread: np.ndarray
    noise: np.ndarray


def lattice_orientations(templates, values, labels, numbered, pixel_size):
    """Orientation of the lattice of regions, and its standard error, in degrees.

    It is that of the shortest lattice vector of the pattern, from x towards y, as it is
    in the region: from the plane through the displacements of its unit cells or, where
    a grain is bent, from the mean of their gradients.

    Parameters
    ----------
    templates : Templates
    values : (rows, columns) numpy.ndarray
        Of a whole frame.
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel has none, or is left out.
    numbered : (Regions, (rows, columns) numpy.ndarray of int)
        Regions of the labels, and the number of the region of each pixel.
    pixel_size : (float, float)
        Along (y, x), in one unit.

    Returns
    -------
    (n, 2) numpy.ndarray of float64
        From -90 to 90 degrees. NaN of regions of fewer than four periods squared, and
        of those whose pattern has no lattice.
    """
    regions, image = numbered
    found = np.full((regions.n, 2), np.nan)
    size, period = np.array(pixel_size), templates.period
    boxes, finite = regions.boxes(), np.isfinite(values)
    for k, vectors in enumerate(mean_vectors(templates)):
        own = np.flatnonzero(
            (regions.patterns == k) & (regions.areas >= LEAST_AREA * period**2)
        )
        if not len(own) or not np.isfinite(vectors).all():
            continue
        # The shortest vector, as a sum of these.
        shortest = reduced_cell(vectors * size).vectors[0]
        shortest = np.rint(shortest @ np.linalg.inv(vectors * size))
        left_out = (labels != k) | ~finite
        crystal = crystal_of_pattern(
            templates, k, lambda out=left_out: NormalizedFrame(values, out, period)
        )
        if crystal is None:
            continue
        for i in own:
            box = tuple(slice(*axis) for axis in boxes[i])
            frame = _frame_of(values, labels, (image, i, k), box, period)
            fit = None if frame is None else _mean_lattice(frame, crystal)
            if fit is not None:
                found[i] = _orientation(fit, shortest, size)
    return found


def _orientation(fit, indices, pixel_size):
    """Angle of a lattice vector, and its standard error, in degrees.

    Parameters
    ----------
    fit : _Fit
    indices : (2,) numpy.ndarray
        The vector, as a sum of those of the lattice.
    pixel_size : (2,) numpy.ndarray
    """
    vectors = np.linalg.inv(fit.cell).T * pixel_size
    vector = indices @ vectors
    along = vector / np.linalg.norm(vector)
    across = along[::-1] * (1, -1)
    # The gradients g of the displacement in fractions of the vectors A turn it by the
    # component of A' dg along it, across it.
    variance = across @ vectors.T @ fit.noise @ vectors @ across
    variance *= along @ (fit.spread / np.outer(pixel_size, pixel_size)) @ along
    angle = np.degrees(np.arctan2(*vector))
    return (angle + 90) % 180 - 90, np.degrees(np.sqrt(variance))


def _frame_of(values, labels, region, box, period):
    """Pixels of a region away from other patterns, or None if there are none.

    Parameters
    ----------
    values, labels : (rows, columns) numpy.ndarray
    region : ((rows, columns) numpy.ndarray of int, int, int)
        Numbers of the regions of the pixels, that of this one, and its pattern.
    box : (slice, slice)
        That it is in.
    period : float
    """
    image, number, pattern = region
    side, reach = cell_size(period), int(BOUNDARY * period)
    # From whole cells on.
    box = tuple(slice(axis.start // side * side, axis.stop) for axis in box)
    wide = widened(box, reach, labels.shape)
    others = (labels[wide] >= 0) & (labels[wide] != pattern)
    own = (image[box] == number) & np.isfinite(values[box])
    own &= ~near(others, BOUNDARY * period)[within(box, wide)]
    if not own.any():
        return None
    first = tuple(axis.start for axis in box)
    return NormalizedFrame(values[box], ~own, period, first)


def _mean_lattice(frame, crystal):
    """Lattice in a frame: _Fit, or None if there is none.

    Parameters
    ----------
    frame : NormalizedFrame
        Only the pixels of the region are valid.
    crystal : Crystal
    """
    fit = displacement_field(frame, crystal)
    if fit is None:
        return None
    (field, crystal), side = fit, BLOCKS_IN_CELL * frame.block
    weights, own = field.weights, field.weights > 0
    weights = weights[own] / weights[own].sum()
    places = np.argwhere(own) - weights @ np.argwhere(own)
    spread = (weights * places.T) @ places
    if np.linalg.matrix_rank(spread) < 2:
        return None
    # Components first, then places along (y, x).
    gradients = field.gradients[..., own] @ weights
    asked = (field.values + field.responses / np.maximum(field.weights, 1e-300))[:, own]
    straight = True
    for _ in range(ROUNDS):
        turns = np.exp(2j * np.pi * (asked - gradients @ places.T))
        mean = turns @ weights
        straight = (np.abs(mean) > STRAIGHT).all()
        if not straight:
            break
        off = np.angle(turns * (mean / np.abs(mean)).conj()[:, np.newaxis])
        step = (off / (2 * np.pi) * weights) @ places @ np.linalg.inv(spread)
        gradients = gradients + step
    total = field.weights.sum()
    if straight:
        residuals = field.residuals.reshape(2, -1)
        noise = residuals @ residuals.T / total
        spread = np.linalg.inv(spread) / total
    else:
        # The scatter of independent gradients, of which there are so few.
        off = field.gradients[..., own] - gradients[..., np.newaxis]
        noise = np.einsum("aic,bic,c->ab", off, off, weights) / 2
        spread = np.eye(2) * CELLS_OF_A_GRADIENT / len(weights)
    return _Fit(crystal.cell - gradients / side, spread / side**2, noise)
