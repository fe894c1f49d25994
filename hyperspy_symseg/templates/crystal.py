# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals: a lattice, the motifs of the patterns on it, and where it is displaced to.

The phases of all reflections of a crystal follow from its displacement, two numbers a
cell, so that the motif is known from all cells together.
"""

import copy
import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.kernels import compiled
from hyperspy_symseg.lattice.cell import indices_within

from .blocks import gaussian_weights, ratio, sum_blocks, window_means
from .bragg import LEAST_WEIGHT, BraggComponents
from .normalized_frame import BLOCKS_IN_CELL

_displacement = compiled("_displacement")

# Standard deviations of the window that displacements are averaged in, in cells: what
# is distorted needs a narrow one.
WIDTHS = (5.0, 3.0, 2.0)
# Window that does without the neighbours of a cell.
WIDE = 3.0
# Shortest lattice spacing, in periods.
SHORTEST = 0.22
# Structure factors that count, at least, in standard deviations of noise; and, where
# they tell no patterns apart, in what has been learnt, as a fraction of the largest.
SIGNIFICANT, LEAST_FRACTION = 3.0, 0.05
# Points of the grid that displacements are looked for on, along an axis: for each of
# the largest index, and at least.
STEPS_PER_INDEX, FEWEST_STEPS = 3, 8
# Rounds of displacement and structure factors, when both are unknown.
ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Crystal:
    """A lattice, and the motifs of the patterns that share it.

    With the displacement v of a cell c, in fractions of the lattice vectors, the
    template of pattern k is

        t_k(q) = 2 sum over hk of Re(F_k,hk exp(2 pi i (g_hk.q - (h, k).v(c)))),

    in which g_hk = h a* + k b*. The displacement is that which the pixels near by fit
    best, without the cell itself; the patterns of a crystal have one in common.

    Attributes
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors a* and b*, each (y, x), in cycles a pixel.
    indices : (n, 2) numpy.ndarray of int32
        h and k of the reflections; one of (h, k) and (-h, -k).
    factors : (patterns, n) numpy.ndarray of complex128
        Structure factors F, in units of the standard deviation of the intensities.
    width : float
        Standard deviation of the window of the displacement, in cells.
    """

    cell: np.ndarray
    indices: np.ndarray
    factors: np.ndarray
    width: float

    @property
    def reflections(self):
        """Spatial frequencies (y, x) of the reflections, in cycles a pixel: (n, 2)."""
        return self.indices @ self.cell

    def components(self, frame):
        """Components in a frame, or in several: CrystalComponents."""
        return CrystalComponents(frame, self)


class CrystalComponents:
    """Bragg components of a crystal in a frame, or in several.

    Parameters
    ----------
    frame : NormalizedFrame
    crystal : Crystal
    """

    def __init__(self, frame, crystal):
        self._frame, self._indices = frame, crystal.indices
        self._own_factors = crystal.factors
        self._set_window(crystal.width)
        self._components = BraggComponents(frame, frame.factors(crystal.reflections))

    def _set_window(self, width):
        """Window that sums near a cell are of, and what of it is left out."""
        self._window = gaussian_weights(width)
        # The neighbours of a cell have columns in common with it.
        self._own = self._window[:2].copy()
        if width < WIDE:
            self._own[1] = 0

    def with_width(self, width):
        """Return the same with another window of the displacement."""
        other = copy.copy(self)
        other._set_window(width)
        return other

    def cells(self, weights):
        """Fourier sums of the cells: (2, n, ..., cell rows, cell columns) float32.

        Parameters
        ----------
        weights : (..., block rows, block columns) numpy.ndarray of float32
            Probability that a block belongs to a pattern.
        """
        return self._components.cells(weights)

    def block_sums(self, turned):
        """Fourier sums of the blocks, turned: (2, n, ..., block rows, block columns).

        Parameters
        ----------
        turned : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        """
        sums = self._components.block_sums
        factors = spread(turned, BLOCKS_IN_CELL, sums.shape[-2:])
        return np.stack(_product(sums, factors))

    def near_by(self, cells):
        """Sums near the cells, in the window, each without the cell itself."""
        near_by = window_means(cells, self._window)
        near_by -= window_means(cells, self._own)
        return near_by

    def displacement(self, factors, near_by):
        """Displacement that fits the patterns best: (2, ..., cell rows, cell columns).

        Parameters
        ----------
        factors : (patterns, n) numpy.ndarray of complex128
        near_by : list of (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            Sums near the cells, of each pattern.

        Returns
        -------
        numpy.ndarray of float64
        """
        used = np.flatnonzero(factors.any(axis=0))
        terms = sum(
            np.stack(_product(_along(own[used].conj(), sums), sums[:, used]))
            for own, sums in zip(factors, near_by, strict=True)
        )
        indices = np.ascontiguousarray(self._indices[used])
        steps = STEPS_PER_INDEX * np.abs(indices).max(initial=1)
        shape = terms.shape[2:]
        out = np.empty((2, math.prod(shape)))
        terms = terms.reshape(2, len(used), out.shape[1])
        _displacement.best_displacements(terms, indices, max(steps, FEWEST_STEPS), out)
        return out.reshape(2, *shape)

    def turned(self, displacement):
        """Phase factors exp(2 pi i (h, k).v), real and imaginary part.

        Parameters
        ----------
        displacement : (2, ..., cell rows, cell columns) numpy.ndarray of float64

        Returns
        -------
        (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        """
        flat = np.ascontiguousarray(displacement.reshape(2, -1))
        out = np.empty((2, len(self._indices), flat.shape[1]), np.float32)
        _displacement.phase_factors(flat, self._indices, out)
        return out.reshape(*out.shape[:2], *displacement.shape[1:])

    def template(self, factors, turned):
        """Template of a pattern: (..., rows, columns) numpy.ndarray of float32.

        Parameters
        ----------
        factors : (n,) numpy.ndarray of complex128
        turned
            As from the method.
        """
        kept = np.flatnonzero(factors)
        return self.moving(_along(factors[kept], turned), turned[:, kept], kept)

    def moving(self, factors, turned, indices=slice(None)):
        """Sum of components with structure factors that may be another in each cell.

        Parameters
        ----------
        factors : (2, m, ..., cell rows, cell columns) numpy.ndarray of float32
            Or what is broadcast to that.
        turned : (2, m, ..., cell rows, cell columns) numpy.ndarray of float32
        indices : (m,) numpy.ndarray of int, optional
            Of the components.

        Returns
        -------
        (..., rows, columns) numpy.ndarray of float32
        """
        back = turned * np.float32([1, -1]).reshape(2, *[1] * (turned.ndim - 1))
        return self._components.sum_of(2 * np.stack(_product(factors, back)), indices)

    def expected(self, posterior):
        """Template of each pattern of the crystal: list of (..., rows, columns).

        Parameters
        ----------
        posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32
            Probability of each pattern of the crystal.
        """
        near_by = [self.near_by(self.cells(own)) for own in posterior]
        turned = self.turned(self.displacement(self._own_factors, near_by))
        return [self.template(own, turned) for own in self._own_factors]


def _along(factors, array):
    """Factors (n,), real and imaginary part, along the second axis of an array."""
    shape = 2, -1, *[1] * (array.ndim - 2)
    return np.stack([factors.real, factors.imag]).astype(np.float32).reshape(shape)


def _product(one, other):
    """Real and imaginary part of the product of two, along their first axis."""
    return (
        one[0] * other[0] - one[1] * other[1],
        one[0] * other[1] + one[1] * other[0],
    )


class CrystalLearner:
    """A crystal, as it is learnt in rounds from frames.

    Parameters
    ----------
    frame : NormalizedFrame
    cell : (2, 2) numpy.ndarray of float64
    width : float
        As in `Crystal`.
    period : float
        In pixels.

    Attributes
    ----------
    factors : (patterns, n) numpy.ndarray of complex128 or None
        None before the first round.
    """

    def __init__(self, frame, cell, width, period):
        indices = indices_within(cell, 1 / (SHORTEST * period))
        self._frame = frame
        self._all = Crystal(cell, indices, np.empty((0, len(indices))), width)
        self._components = self._all.components(frame)
        self.factors = None

    def settle(self, weights):
        """Learn from some pixels, and move the lattice to where these have it.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        self.fit(weights)
        side = BLOCKS_IN_CELL * self._frame.block
        own = sum_blocks(weights.sum(axis=0), BLOCKS_IN_CELL) > BLOCKS_IN_CELL**2 / 2
        slopes = np.zeros((2, 2))
        for axis in (-2, -1):
            # Displacements are the same modulo a lattice vector.
            steps = np.diff(self._displacement, axis=axis)
            steps -= np.rint(steps)
            both = own.take(range(1, own.shape[axis]), axis)
            both &= own.take(range(own.shape[axis] - 1), axis)
            if both.any():
                # Where motifs change, displacements jump.
                slopes[:, axis] = np.median(steps[:, both], axis=1) / side
        # Reflections that are noise would only take time.
        kept = self.factors.any(axis=0)
        self.factors = self.factors[:, kept]
        self._all = replace(
            self._all,
            cell=self._all.cell - slopes,
            indices=np.ascontiguousarray(self._all.indices[kept]),
        )
        self._components = self._all.components(self._frame)

    def varying(self, weights):
        """Template of one pattern whose motif varies slowly: (..., rows, columns).

        The structure factors of a cell are those of the cells near by; displacements
        are those of the last fit.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
            All patterns together are the one.
        """
        cells = sum(map(self._components.cells, weights))
        turned = self._components.turned(self._displacement)
        moved = self._components.near_by(np.stack(_product(cells, turned)))
        own = sum_blocks(weights.sum(axis=0) * self._frame.counts, BLOCKS_IN_CELL)
        near_by = self._components.near_by(own)
        return self._components.moving(
            ratio(moved, np.broadcast_to(near_by, moved.shape)), turned
        )

    def with_width(self, width):
        """Return the same with another window, and as much learnt: CrystalLearner."""
        other = copy.copy(self)
        other._all = replace(self._all, width=width)
        other._components = self._components.with_width(width)
        return other

    def on(self, frame):
        """Return the same with another frame to learn from, and as much learnt."""
        other = copy.copy(self)
        other._frame, other._components = frame, self._all.components(frame)
        return other

    @property
    def cell(self):
        """Reciprocal vectors: (2, 2) numpy.ndarray."""
        return self._all.cell

    def split(self, pattern):
        """Return the same with one of its patterns twice, the second one at the end."""
        other = copy.copy(self)
        other.factors = np.concatenate([self.factors, self.factors[[pattern]]])
        return other

    def motifs(self, weights, width):
        """Motif near every block, as numbers.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        width : float
            Standard deviation of the window of the mean, in blocks.

        Returns
        -------
        (2 n, ..., block rows, block columns) numpy.ndarray of float32
            Real and imaginary parts of the structure factors, in the mean near by.
        """
        near_by = [
            self._components.near_by(self._components.cells(own)) for own in weights
        ]
        turned = self._turned(self.factors, near_by)
        sums = np.concatenate(self._components.block_sums(turned))
        window = gaussian_weights(width)
        counts = window_means(self._frame.counts, window)
        return ratio(window_means(sums, window), np.broadcast_to(counts, sums.shape))

    def _turned(self, factors, near_by):
        """Phase factors of the displacement that fits best, which is kept."""
        self._displacement = self._components.displacement(factors, near_by)
        return self._components.turned(self._displacement)

    def fit(self, weights):
        """Learn from the pixels of each pattern: list of templates.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        cells = list(map(self._components.cells, weights))
        near_by = list(map(self._components.near_by, cells))
        n_pixels = [
            float(np.vdot(np.maximum(own, LEAST_WEIGHT), self._frame.counts))
            for own in weights
        ]
        if self.factors is None:
            turned = self._begun(sum(cells), sum(near_by), sum(n_pixels))
            self.factors = self._factors(cells, turned, n_pixels)
        turned = self._turned(self.factors, near_by)
        self.factors = self._factors(cells, turned, n_pixels)
        return [self._components.template(own, turned) for own in self.factors]

    @staticmethod
    def _factors(cells, turned, n_pixels):
        """Structure factors of the patterns that are more than noise: (patterns, n)."""
        factors = []
        for own, n in zip(cells, n_pixels, strict=True):
            real, imag = (
                each.reshape(len(each), -1).sum(axis=1, dtype=np.float64)
                for each in _product(own, turned)
            )
            factors.append((real + 1j * imag) / n)
        factors = np.array(factors)
        least = SIGNIFICANT / np.sqrt(2 * np.array(n_pixels)[:, np.newaxis])
        return np.where(np.abs(factors) < least, 0, factors)

    def _begun(self, cells, near_by, n_pixels):
        """Phase factors when nothing is known but the lattice."""
        strengths = np.hypot(*near_by)
        strengths = strengths.mean(axis=tuple(range(1, strengths.ndim)))
        # Two reflections tell the displacement if all others are their sums.
        pairs = np.array(list(itertools.combinations(range(len(strengths)), 2)))
        (h, k), (other_h, other_k) = self._all.indices[pairs].transpose(1, 2, 0)
        pairs = pairs[np.abs(h * other_k - k * other_h) == 1]
        best = pairs[np.argmax(strengths[pairs].min(axis=1))]
        real, imag = near_by[:, best]
        turns = -np.arctan2(imag, real) / (2 * np.pi)
        inverse = np.linalg.inv(self._all.indices[best])
        turned = self._components.turned(np.tensordot(inverse, turns, axes=1))
        for _ in range(ROUNDS):
            factors = self._factors([cells], turned, [n_pixels])
            turned = self._turned(factors, [near_by])
        return turned

    def learnt(self):
        """What has been learnt: dict with the Crystal."""
        sizes = np.abs(self.factors)
        least = LEAST_FRACTION * sizes.max(initial=0) if len(sizes) == 1 else 0
        kept = (sizes > least).any(axis=0)
        crystal = replace(
            self._all, indices=self._all.indices[kept], factors=self.factors[:, kept]
        )
        return {"crystal": crystal}
