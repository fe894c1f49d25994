# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each lattice point of a crystal lies in a frame, and the sites of a motif."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.templates.blocks import (
    gaussian_weights,
    ratio,
    sum_blocks,
    window_means,
)
from hyperspy_symseg.templates.crystal import WITHOUT_SUPERLATTICE, LeaveOneOut
from hyperspy_symseg.templates.displacement_field import (
    crystal_of_pattern,
    lattice_of_crystal,
    lattice_of_pattern,
)
from hyperspy_symseg.templates.local_linear import TRUNCATE, started
from hyperspy_symseg.templates.normalized_frame import BLOCKS_IN_CELL

# Standard deviation of the window of the displacement field, in cells.
NARROW = 1.5
# What a cell without any pixel of the pattern counts, so that the field goes on there.
LEAST_WEIGHT = 1e-3
# Newton's steps from a site of the local lattice to that of the field, and how far
# beyond a cell sites are looked for, in cells: the field of the next one is another.
NEWTON, BEYOND = 3, 0.15
# Sites nearer to each other than that share of the shortest spacing are one.
SAME = 0.3


def has_lattice(templates, pattern):
    """Whether a pattern has columns on a lattice: bool.

    A motif of nothing, as of vacuum, may be one of a crystal.
    """
    _, amplitudes = templates.of(pattern)
    return bool(amplitudes.any()) and lattice_of_pattern(templates, pattern) is not None


@dataclass(frozen=True, eq=False)
class LatticeField:
    """Where each lattice point of a crystal is in a frame.

    With the reciprocal vectors A and the displacement v, the phase of a pixel r is
    u(r) = A r - v(r), and a column at the fractions f is where u - f is whole.

    Attributes
    ----------
    cell : (2, 2) numpy.ndarray of float64
        A, a row (y, x) each, in cycles a pixel.
    values : (2, cell rows, cell columns) numpy.ndarray of float64
        v at the middle of the cells.
    gradients : (2, 2, cell rows, cell columns) numpy.ndarray of float64
        Of either component along (y, x), for a step of a cell.
    side : int
        Of a cell, in pixels.
    width : float
        Standard deviation of the window that it is of, in cells.
    own : float
        What a cell counts in the displacement at its own place, amid others.
    """

    cell: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    side: int
    width: float
    own: float = 0.0

    @classmethod
    def of(cls, templates, pattern, frame, own):
        """Field of a pattern: LatticeField, or None if it has no lattice.

        Parameters
        ----------
        templates : Templates
        pattern : int
        frame : NormalizedFrame
            Of the whole frame.
        own : (rows, columns) numpy.ndarray of bool
            Valid pixels of the pattern.
        """
        if not has_lattice(templates, pattern):
            return None
        counts = sum_blocks(own.astype(np.float32), frame.block)
        weights = ratio(counts, frame.counts)
        crystal = crystal_of_pattern(
            templates, pattern, lambda: frame.only(weights > 0.5)
        )
        if crystal is None:
            return None
        components = crystal.components(frame)
        found = components.displacement(crystal.factors, [components.cells(weights)])
        lost = WITHOUT_SUPERLATTICE[tuple(crystal.lost)]
        found = np.tensordot(lost, found, axes=1)
        counts = np.maximum(sum_blocks(counts, BLOCKS_IN_CELL), LEAST_WEIGHT)
        field = started(found, counts.astype(np.float64), NARROW)
        side = BLOCKS_IN_CELL * frame.block
        width = float(np.hypot(crystal.width, NARROW))
        cell = lattice_of_crystal(crystal)
        own = _own_weight(crystal.width)
        return cls(cell, field.values, field.gradients, side, width, own)

    @cached_property
    def middles(self):
        """Middles (y, x) of the cells: (2, cell rows, cell columns)."""
        y, x = (np.arange(n) * self.side for n in self.values.shape[1:])
        return np.stack(np.meshgrid(y, x, indexing="ij")) + (self.side - 1) / 2

    @cached_property
    def jacobians(self):
        """Change of the phase with (y, x): (2, 2, cell rows, cell columns)."""
        return self.cell[..., np.newaxis, np.newaxis] - self.gradients / self.side

    def phases_of_pixels(self, shape):
        """Phase of every pixel, by the lattice of its own cell: (2, rows, columns)."""
        places = [
            (np.arange(n) % self.side - (self.side - 1) / 2).astype(np.float32)
            for n in shape
        ]
        along_y, along_x = spread(
            np.moveaxis(self.jacobians, 1, 0).astype(np.float32), self.side, shape
        )
        found = spread(self._origins.astype(np.float32), self.side, shape)
        return found + along_y * places[0][:, np.newaxis] + along_x * places[1]

    @cached_property
    def _origins(self):
        """Phases of the middles of the cells, in [0, 1): (2, rows, columns)."""
        found = np.tensordot(self.cell, self.middles, axes=1) - self.values
        return found - np.floor(found)

    def at(self, points):
        """Phases at some points, and their change with (y, x).

        Parameters
        ----------
        points : (n, 2) numpy.ndarray of float64

        Returns
        -------
        phases : (n, 2) numpy.ndarray of float64
            Modulo 1: linear between the lattices of the four cells about a point.
        jacobians : (n, 2, 2) numpy.ndarray of float64
            Of the nearest of these.
        """
        shape = np.array(self.values.shape[1:])
        places = (points - (self.side - 1) / 2) / self.side
        first = np.clip(np.floor(places), 0, np.maximum(shape - 2, 0)).astype(int)
        shares = np.clip(places - first, 0, 1)
        nearest = np.minimum(first + (shares > 0.5), shape - 1)
        phases, jacobians = self._from(nearest, points)
        change = np.zeros_like(phases)
        for step in np.ndindex(2, 2):
            cells = np.minimum(first + step, shape - 1)
            weight = np.where(step, shares, 1 - shares).prod(axis=1)
            off = self._from(cells, points)[0] - phases
            change += weight[:, np.newaxis] * (off - np.rint(off))
        return phases + change, jacobians

    def _from(self, cells, points):
        """Phases of points by the lattices of some cells, and their change."""
        index = (..., *cells.T)
        jacobians = np.moveaxis(self.jacobians[index], -1, 0)
        steps = points - self.middles[index].T
        origins = self._origins[index].T
        return origins + np.einsum("nij,nj->ni", jacobians, steps), jacobians

    def sites(self, fractions, wanted, spacing):
        """Places of a motif's sites in the cells that are wanted.

        Parameters
        ----------
        fractions : (m, 2) numpy.ndarray of float64
        wanted : (cell rows, cell columns) numpy.ndarray of bool
        spacing : float
            Shortest distance of two sites, in pixels.

        Returns
        -------
        points : (n, 2) numpy.ndarray of float64
        numbers : (n,) numpy.ndarray of int
            Of the site of the motif.
        """
        cells = np.argwhere(wanted)
        index = (..., *cells.T)
        inverse = np.linalg.inv(np.moveaxis(self.jacobians[index], -1, 0))
        reach = (0.5 + BEYOND) * self.side
        # Lattice points in the rectangle of a cell: these phases and no others.
        most = np.abs(np.moveaxis(self.jacobians[index], -1, 0)).sum(axis=-1).max()
        n = int(np.ceil(most * reach)) + 1
        whole = np.stack(np.meshgrid(*[np.arange(-n, n + 2)] * 2, indexing="ij"))
        whole = whole.reshape(2, -1).T
        found, numbers = [], []
        middles, origins = self.middles[index].T, self._origins[index].T
        for number, fraction in enumerate(fractions):
            off = whole + (fraction - origins)[:, np.newaxis]
            steps = np.einsum("nij,nkj->nki", inverse, off)
            near = (np.abs(steps) <= reach).all(axis=-1)
            points = (middles[:, np.newaxis] + steps)[near]
            found.append(self._settled(points, fraction))
            numbers.append(np.full(len(points), number))
        points, numbers = np.concatenate(found), np.concatenate(numbers)
        kept = _first_of_each(points, SAME * spacing)
        return points[kept], numbers[kept]

    def _settled(self, points, fraction):
        """Points moved to where the phase is that of a site: (n, 2) numpy.ndarray."""
        for _ in range(NEWTON):
            phases, jacobians = self.at(points)
            off = phases - fraction
            off -= np.rint(off)
            step = np.linalg.solve(jacobians, off[..., np.newaxis])[..., 0]
            points = points - step
        return points


def _own_weight(width):
    """What a cell counts in the displacement of a crystal at its own place: float.

    In the mean near each cell it is left out, but not in those near its neighbours.
    """
    reach = max(1, int(TRUNCATE * width))
    cells = np.zeros((2, 2 * reach + 1, 2 * reach + 1), np.float32)
    cells[0, reach, reach], cells[1] = 1, 1
    one, total = LeaveOneOut(width).means(cells)
    weights = gaussian_weights(NARROW)
    return float(window_means(one / total, weights)[reach, reach])


def _first_of_each(points, distance):
    """Which points have none before them within a distance: (n,) bool array."""
    kept = np.ones(len(points), bool)
    for i, j in cKDTree(points).query_pairs(distance, output_type="ndarray"):
        if kept[min(i, j)]:
            kept[max(i, j)] = False
    return kept
