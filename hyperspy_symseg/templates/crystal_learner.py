# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals as they are learnt: lattice, structure factors and displacement in turn."""

import copy
import itertools
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.lattice.cell import LARGEST_INDEX
from hyperspy_symseg.lattice.reciprocal import nodes_within

from .blocks import gaussian_weights, ratio, sum_blocks, window_means
from .bragg import LEAST_WEIGHT, BraggComponents
from .crystal import (
    CONTRAST_WIDTH,
    NO_DOMAINS,
    WIDE,
    WITHOUT_SUPERLATTICE,
    Crystal,
    LeaveOneOut,
    antiphase_of,
    complex_product,
    phase_factors,
    pixels_of_cells,
)
from .normalized_frame import BLOCKS_IN_CELL
from .potts import window_of_evidence

# Shortest lattice spacing, in periods.
SHORTEST = 0.22
# Structure factors that count, at least, in standard deviations of noise; and, where
# they tell no patterns apart, in what has been learnt, as a fraction of the largest.
SIGNIFICANT, LEAST_FRACTION = 3.0, 0.05
# Contrast at which displacements tell how far a lattice is off, at least.
LEAST_CONTRAST = 0.7
# Power that a pattern has in the reflections of an order, as a share of that of an
# ordered one, if it has none of them.
UNORDERED = 0.2
# Smaller than what anything is divided by.
NOTHING = 1e-30
# Rounds of displacement and structure factors, when both are unknown; with contrast.
ROUNDS, ROUNDS_OF_CONTRAST = 2, 4


class Order(NamedTuple):
    """Reflections that a larger cell adds to a crystal.

    Attributes
    ----------
    crystal : Crystal
        With the larger cell, without structure factors.
    factors : (n,) numpy.ndarray of complex128
        Of the reflections that it adds, but for the sign of a domain.
    gain : float
        Half of what squared residuals lose by them.
    """

    crystal: Crystal
    factors: np.ndarray
    gain: float


class _Weights:
    """Probabilities of patterns, and what is asked of them more than once.

    Parameters
    ----------
    frame : NormalizedFrame
    own : (patterns, ..., block rows, block columns) numpy.ndarray of float32
    """

    def __init__(self, frame, own):
        self._frame, self.own = frame, own

    @cached_property
    def n_pixels(self):
        """Number of pixels in the cells, of each pattern: list."""
        return [pixels_of_cells(self._frame, own) for own in self.own]

    @cached_property
    def together(self):
        """Those of all patterns together: _Weights."""
        if len(self.own) == 1:
            return self
        return _Weights(self._frame, self.own.sum(axis=0, keepdims=True))


def _with_all_nodes(cell, width, period, contrast_width, antiphase):
    """Crystal of no pattern yet, with all reflections that may be seen."""
    indices = nodes_within(cell, 1 / (SHORTEST * period), LARGEST_INDEX)
    none = np.empty((0, len(indices)))
    return Crystal(cell, indices, none, width, contrast_width, antiphase)


class CrystalLearner:
    """A crystal, as it is learnt in rounds from frames.

    Parameters
    ----------
    frame : NormalizedFrame
    cell : (2, 2) numpy.ndarray of float64
    width : float
    period : float
        In pixels.
    contrast_width : float
    antiphase : (float, float)
        Like the cell and the widths as in `Crystal`.

    Attributes
    ----------
    factors : (patterns, n) numpy.ndarray of complex128 or None
        None before the first round.
    period : float
    """

    def __init__(
        self,
        frame,
        cell,
        width,
        period,
        contrast_width=0.0,
        antiphase=NO_DOMAINS,
    ):
        self._frame, self.period = frame, period
        self._all = _with_all_nodes(cell, width, period, contrast_width, antiphase)
        self._components = self._all.components(frame)
        self.factors = None

    def settle(self, weights):
        """Learn from some pixels, and move the lattice to where these have it.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        self.learn(weights)
        side = BLOCKS_IN_CELL * self._frame.block
        own = sum_blocks(weights.sum(axis=0), BLOCKS_IN_CELL) > BLOCKS_IN_CELL**2 / 2
        if self._contrast is not None:
            # Near a change of sign, displacements lean towards the stronger side.
            own &= np.abs(self._contrast) > LEAST_CONTRAST
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
        and contrast are those of the last fit.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
            All patterns together are the one.
        """
        cells = sum(map(self._components.cells, weights))
        turned = self._components.turned(self._displacement)
        own = sum_blocks(weights.sum(axis=0) * self._frame.counts, BLOCKS_IN_CELL)
        if self._contrast is not None:
            turned *= self._contrast
            own *= self._contrast**2
        moved = self._components.near_by(complex_product(cells, turned))
        near_by = self._components.near_by(own)
        return self._components.moving(
            ratio(moved, np.broadcast_to(near_by, moved.shape)), turned
        )

    def share_inverted(self, weights):
        """Share of the power of the last fit whose contrast has the rarer sign: float.

        A contrast of less than half of that of most power does not count: amorphous
        material has some of either sign. Nor does where the mean steps.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        sizes = np.abs(self._contrast)
        steady = (1 - self._frame.steps) * weights.sum(axis=0)
        powers = pixels_of_cells(self._frame, steady) * sizes**2
        mean = np.vdot(powers, sizes) / max(powers.sum(), NOTHING)
        powers = np.where(sizes > mean / 2, powers, 0)
        share = powers[self._contrast < 0].sum() / max(powers.sum(), NOTHING)
        return float(min(share, 1 - share))

    def with_width(self, width):
        """Return the same with another window, and as much learnt: CrystalLearner."""
        other = copy.copy(self)
        other._all = replace(self._all, width=width)
        other._components = self._components.with_width(width)
        return other

    def with_contrast(self):
        """Return the same with a contrast that varies, and as much learnt."""
        other = copy.copy(self)
        other._all = replace(self._all, contrast_width=CONTRAST_WIDTH)
        other._components = self._components.with_contrast(CONTRAST_WIDTH)
        return other

    def without_contrast(self):
        """Return the same, or one to begin with if the contrast varies."""
        if not self.contrast_width:
            return self
        # With all reflections: those that are left may have no lattice.
        lengths, antiphase = (self.width, self.period), self._all.antiphase
        return CrystalLearner(self._frame, self.cell, *lengths, antiphase=antiphase)

    def with_domains(self):
        """Return the same, with antiphase domains if only some patterns are ordered.

        Then reflections that one pattern has are missing in another: ordering has lost
        a translation of the lattice.
        """
        power = np.abs(self.factors) ** 2
        for lost in WITHOUT_SUPERLATTICE:
            of_order = power[:, self._all.indices @ lost % 2 == 1].sum(axis=1)
            if of_order.min() < UNORDERED * of_order.max():
                other = copy.copy(self)
                antiphase = lost[0] / 2, lost[1] / 2
                other._all = replace(self._all, antiphase=antiphase)
                other._components = other._all.components(self._frame)
                return other
        return self

    def on(self, frame):
        """Return the same with another frame to learn from, and as much learnt."""
        other = copy.copy(self)
        other._frame, other._components = frame, self._all.components(frame)
        return other

    @property
    def cell(self):
        """Reciprocal vectors: (2, 2) numpy.ndarray."""
        return self._all.cell

    @property
    def powers(self):
        """Mean squares of the templates: (patterns,) numpy.ndarray of float64."""
        return 2 * (np.abs(self.factors) ** 2).sum(axis=1)

    @property
    def width(self):
        """Standard deviation of the window of the displacement, in cells: float."""
        return self._all.width

    @property
    def contrast_width(self):
        """That of the contrast, in cells; 0 if it is the same everywhere: float."""
        return self._all.contrast_width

    def window_of_evidence(self, patterns=slice(None)):
        """Window that tells some patterns apart, as from the function of this name.

        Parameters
        ----------
        patterns : list of int, optional
        """
        return window_of_evidence(self.factors[patterns], self._frame.block)

    @property
    def has_domains(self):
        """Whether there may be antiphase domains: bool."""
        return any(self._all.antiphase)

    def split(self, pattern):
        """Return the same with one of its patterns twice, the second one at the end."""
        other = copy.copy(self)
        other.factors = np.concatenate([self.factors, self.factors[[pattern]]])
        return other

    def alone(self, pattern):
        """Return the same with one of its patterns only, and as much learnt of it."""
        other = copy.copy(self)
        other.factors = self.factors[[pattern]]
        return other

    def placed_like(self, pattern, other=-1):
        """Structure factors of a motif, the last one, where it is most like a pattern.

        (n,) numpy.ndarray of complex128. Of two signs of a superlattice, that counts
        which is more like it.
        """
        first, last = self.factors[[pattern, other]]
        v = self._components.displacement_of_one(first, last)
        real, imag = self._components.turned(v)[:, :, 0, 0]
        last = last * (real + 1j * imag)
        odd = self._all.is_odd
        if np.vdot(first[odd], last[odd]).real < 0:
            last[odd] *= -1
        return last

    def changes_of_place(self, pattern):
        """Changes of a motif that is displaced, or has more contrast: (3, 2 n).

        Real and imaginary parts of its structure factors, as those of `motifs`.
        """
        factors = self.factors[pattern]
        turns = 1j * self._all.reflections.T
        changes = np.concatenate([turns, np.ones((1, len(factors)))]) * factors
        return np.concatenate([changes.real, changes.imag], axis=1)

    def motifs(self, weights, width, of_superlattice=False):
        """Motif near every block, as numbers.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        width : float
            Standard deviation of the window of the mean, in blocks.
        of_superlattice : bool
            Whether only those reflections count that antiphase domains differ in.

        Returns
        -------
        (2 n, ..., block rows, block columns) numpy.ndarray of float32
            Real and imaginary parts of the structure factors, in the mean near by.
        """
        own = _Weights(self._frame, weights)
        turned = self._placed(self.factors, self._sums(weights), own)
        sums = self._components.block_sums(turned)
        if of_superlattice:
            sums = sums[:, self._all.is_odd]
        sums = np.concatenate(sums)
        window = gaussian_weights(width)
        counts = self._frame.counts
        if self._contrast is not None:
            counts = counts * spread(
                self._contrast**2, BLOCKS_IN_CELL, counts.shape[-2:]
            )
        counts = window_means(counts, window)
        return ratio(window_means(sums, window), np.broadcast_to(counts, sums.shape))

    def order_on(self, cell, weights, rest):
        """Reflections that a larger cell adds: Order.

        They are what they are in the mean near by, but for the sign: domains may be
        displaced by a translation that has been lost.

        Parameters
        ----------
        cell : (2, 2) numpy.ndarray of float64
            Reciprocal vectors, of which those of this crystal are sums.
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        rest : NormalizedFrame
            The frame less what this crystal explains of it.
        """
        antiphase = antiphase_of(cell @ np.linalg.inv(self.cell))
        lengths = self.width, self.period, self.contrast_width
        crystal = _with_all_nodes(cell, *lengths, antiphase)
        more, own = crystal.is_odd, weights.sum(axis=0)
        turned = self._turned_on(crystal, more)
        cells = BraggComponents(rest, rest.factors(crystal.reflections[more]))
        return Order(crystal, *self._up_to_sign(cells.cells(own), turned, own))

    def on_supercell(self, order, weights):
        """Return a crystal with a larger cell, begun with what this one has learnt.

        Parameters
        ----------
        order : Order
            As from `order_on`.
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        crystal = order.crystal
        other = CrystalLearner(
            *(self._frame, crystal.cell, self.width, self.period, self.contrast_width),
            crystal.antiphase,
        )
        turned = self._turned_on(crystal, slice(None))
        other._contrast = self._contrast
        cells = other._sums(weights)
        n_pixels = other._n_pixels(_Weights(self._frame, weights))
        other.factors = other._factors(cells, [turned] * len(cells), n_pixels)
        other.factors[:, crystal.is_odd] = order.factors
        for _ in range(ROUNDS):
            other.learn(weights)
        return other

    def _turned_on(self, crystal, some):
        """Phase factors of another cell, where this one is, times the contrast."""
        times = crystal.cell @ np.linalg.inv(self.cell)
        displacement = np.tensordot(times, self._displacement, axes=1)
        turned = phase_factors(displacement, crystal.indices[some])
        if self._contrast is not None:
            turned *= self._contrast
        return turned

    def _up_to_sign(self, cells, turned, weights):
        """Structure factors (n,) that all places have, times what is near by; gain."""
        near_by = LeaveOneOut(WIDE).means
        counts = pixels_of_cells(self._frame, weights)
        means = np.concatenate(complex_product(near_by(cells), turned))
        means = ratio(means, np.broadcast_to(near_by(counts), means.shape))
        means = means.reshape(len(means), -1)
        _, vectors = np.linalg.eigh(means.astype(np.float64) @ means.T)
        strongest = vectors[:, -1]
        signed = strongest @ means
        sums = np.concatenate(complex_product(cells, turned)).reshape(means.shape)
        gain = (2 * signed * (strongest @ sums) - signed**2 * counts.ravel()).sum()
        # As large as where they are, not as in the mean.
        size = np.sqrt((signed**4).sum() / max((signed**2).sum(), NOTHING))
        real, imag = size * strongest.reshape(2, -1)
        return real + 1j * imag, gain

    def _sums(self, weights):
        """Fourier sums of the cells of each pattern: list."""
        return list(map(self._components.cells, weights))

    def _placed(self, factors, cells, weights):
        """Phase factors of the displacement that fits best, times the contrast.

        Both are kept.
        """
        self._displacement = self._components.displacement(factors, cells)
        turned = self._components.turned(self._displacement)
        self._contrast = None
        if self.contrast_width:
            placed = cells, weights.n_pixels, turned
            self._contrast = self._components.contrast(factors, *placed)
            # Its mean square is 1, and structure factors are those of that contrast.
            [n_pixels] = weights.together.n_pixels
            power = np.vdot(n_pixels, self._contrast**2)
            self._scale = float(np.sqrt(power / max(n_pixels.sum(), NOTHING)))
            self._contrast /= max(self._scale, NOTHING)
            turned *= self._contrast
        return turned

    def _n_pixels(self, weights):
        """Number of pixels of each pattern, times the squares of the contrast: list."""
        if self._contrast is None:
            counts = self._frame.counts
            return [
                float(np.vdot(np.maximum(own, LEAST_WEIGHT), counts))
                for own in weights.own
            ]
        powers = self._contrast**2
        return [float(np.vdot(each, powers)) for each in weights.n_pixels]

    def fit(self, weights):
        """Learn from the pixels of each pattern: list of templates.

        Parameters
        ----------
        weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        return list(map(self._components.template, *self.learn(weights)))

    def learn(self, weights):
        """Learn from the pixels of each pattern, without the templates.

        Parameters
        ----------
        weights
            As for `fit`.

        Returns
        -------
        factors : (patterns, n) numpy.ndarray of complex128
        turned : list of (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            What the templates are made of.
        """
        cells, known = self._sums(weights), _Weights(self._frame, weights)
        if self.factors is None:
            turned = self._begun(sum(cells), known)
            turned = [turned] * len(cells)
            self.factors = self._factors(cells, turned, self._n_pixels(known))
        before = self.factors
        turned = self._placed(before, cells, known)
        turned = [
            self._components.of_domains(own, turned, self._displacement, each)
            for own, each in zip(before, weights, strict=True)
        ]
        self.factors = self._factors(cells, turned, self._n_pixels(known))
        factors = self.factors
        if self._contrast is not None:
            # As large as those that the contrast, before it is normalised, belongs to.
            size = max(np.linalg.norm(factors), NOTHING)
            factors = factors * (self._scale * np.linalg.norm(before) / size)
        return factors, turned

    @staticmethod
    def _factors(cells, turned, n_pixels):
        """Structure factors of the patterns that are more than noise: (patterns, n)."""
        sums = []
        for pair in zip(cells, turned, strict=True):
            products = complex_product(*pair)
            axes = tuple(range(2, products.ndim))
            real, imag = products.sum(axis=axes, dtype=np.float64)
            sums.append(real + 1j * imag)
        n_pixels = np.maximum(n_pixels, NOTHING)[:, np.newaxis]
        factors = np.array(sums) / n_pixels
        least = SIGNIFICANT / np.sqrt(2 * n_pixels)
        return np.where(np.abs(factors) < least, 0, factors)

    def _begun(self, cells, weights):
        """Phase factors, times the contrast, when nothing is known but the lattice."""
        together = weights.together
        near_by = self._components.near_by(cells)
        if self.contrast_width:
            factors = self._where_strongest(near_by, *together.n_pixels)
            for _ in range(ROUNDS_OF_CONTRAST):
                turned = self._placed(factors, [cells], together)
                factors = self._factors([cells], [turned], self._n_pixels(together))
            return turned
        self._contrast = None
        n_pixels = sum(self._n_pixels(weights))
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
            factors = self._factors([cells], [turned], [n_pixels])
            turned = self._placed(factors, [cells], together)
        return turned

    def _where_strongest(self, near_by, n_pixels):
        """Structure factors of the place where they are the strongest: (1, n).

        Where the contrast has both signs, the means of all places may be zero.
        """
        counts = self._components.near_by(n_pixels)
        powers = ratio((near_by**2).sum(axis=(0, 1)), counts)
        place = np.unravel_index(powers.argmax(), powers.shape)
        real, imag = near_by[(..., *place)]
        factors = real + 1j * imag
        factors /= max(counts[place], 1)
        # As many pixels as a Gaussian window has, where a crystal is everywhere.
        n_pixels = 4 * np.pi * self.width**2 * counts[place]
        least = SIGNIFICANT / np.sqrt(2 * max(n_pixels, 1))
        return np.where(np.abs(factors) < least, 0, factors)[np.newaxis]

    def learnt(self):
        """What has been learnt: dict with the Crystal."""
        sizes = np.abs(self.factors)
        least = LEAST_FRACTION * sizes.max(initial=0) if len(sizes) == 1 else 0
        kept = (sizes > least).any(axis=0)
        crystal = replace(
            self._all, indices=self._all.indices[kept], factors=self.factors[:, kept]
        )
        return {"crystal": crystal}
