# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals: a lattice, the motifs of the patterns on it, and where it is displaced to.

The phases of all reflections of a crystal follow from its displacement, two numbers a
cell, so that the motif is known from all cells together.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.kernels import compiled

from .blocks import gaussian_weights, products, ratio, sum_blocks, window_means
from .bragg import LEAST_WEIGHT, BraggComponents
from .normalized_frame import BLOCKS_IN_CELL

_displacement = compiled("_displacement")

# Standard deviations of the window that displacements are averaged in, in cells: what
# is distorted needs a narrow one. Then cells are moved by the displacement in a window
# of the widest before they are averaged, in rounds: what varies steadily stays.
WIDTHS = (5.0, 3.0, 2.0, 1.0)
ROUNDS_BEFORE = 2
# Window that does without the neighbours of a cell.
WIDE = 3.0
# Standard deviation of the window that a contrast is averaged in, in cells.
CONTRAST_WIDTH = 1.5
# Points of the grid that displacements are looked for on, along an axis: for each of
# the largest index, and at least.
STEPS_PER_INDEX, FEWEST_STEPS = 3, 8
# Standard deviation of the window that the sign of an antiphase domain is found in, in
# cells: domains are small, and two signs differ by four times what order is worth.
DOMAIN_WIDTH = 2.0
NO_DOMAINS = (0.0, 0.0)
# Reciprocal vectors of the lattice without a superlattice, as h and k, by twice the
# displacement of antiphase domains.
WITHOUT_SUPERLATTICE = {
    (0, 0): np.eye(2),
    (1, 0): np.array([[2, 0], [0, 1]]),
    (0, 1): np.array([[1, 0], [0, 2]]),
    (1, 1): np.array([[1, 1], [1, -1]]),
}
FROM_LATTICE = {lost: np.linalg.inv(of) for lost, of in WITHOUT_SUPERLATTICE.items()}


@dataclass(frozen=True, eq=False)
class Crystal:
    """A lattice, and the motifs of the patterns that share it.

    With the displacement v of a cell c, in fractions of the lattice vectors, the
    template of pattern k is

        t_k(q) = 2 a(c) sum over hk of Re(F_k,hk exp(2 pi i (g_hk.q - (h, k).v(c)))),

    in which g_hk = h a* + k b*. The displacement is that which the pixels near by fit
    best, without the cell itself; the patterns of a crystal have one in common. In a
    window narrower than 5 cells, the pixels near by are moved first by what fits best
    in one of 5, so that a strain does not blur them, unless there are several motifs.
    The patterns also have one contrast a, which is 1, or varies and may change its
    sign, as under a thickness fringe: then it is the one that the pixels near by fit
    best, again without the cell itself,

        a(c) = <sum over k, hk of Re(conj(F) C exp(2 pi i (h, k).v(c)))>
               / <sum over k, hk of N |F|^2>,

    with the Fourier sums C and the numbers N of the pixels of pattern k in a cell.

    A superlattice has antiphase domains, which are displaced by a translation T of the
    lattice without it. They are one pattern: the reflections for which (h, k).T is half
    of an odd number have the sign that the pixels of the pattern near by fit best, once
    more without the cell itself and its neighbours.

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
    contrast_width : float
        That of the contrast, in cells; 0 if the contrast is the same everywhere.
    antiphase : (float, float)
        Displacement T of antiphase domains, in fractions of the lattice vectors, 0 or
        1/2; 0 and 0 if there are none.
    """

    cell: np.ndarray
    indices: np.ndarray
    factors: np.ndarray
    width: float
    contrast_width: float = 0.0
    antiphase: tuple[float, float] = NO_DOMAINS

    @cached_property
    def reflections(self):
        """Spatial frequencies (y, x) of the reflections, in cycles a pixel: (n, 2)."""
        return self.indices @ self.cell

    @cached_property
    def is_odd(self):
        """Whether antiphase domains differ in the sign of a reflection: (n,) bool."""
        return self.indices @ self.lost % 2 == 1

    @cached_property
    def lost(self):
        """Twice the displacement of antiphase domains: (2,) numpy.ndarray of int32."""
        return np.rint(2 * np.array(self.antiphase)).astype(np.int32)

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
        self._set_width(crystal.width)
        self._of_contrast = None
        if crystal.contrast_width:
            self._of_contrast = LeaveOneOut(crystal.contrast_width)
        self._components = BraggComponents(frame, frame.factors(crystal.reflections))
        # Reflections whose sign is another in other antiphase domains.
        self._lost = crystal.lost
        self._odd = crystal.is_odd

    def with_width(self, width):
        """Return the same with another window of the displacement."""
        other = copy.copy(self)
        other._set_width(width)
        return other

    def _set_width(self, width):
        """Take a window of the displacement, and wider ones before it if narrow."""
        self._window, self._before = LeaveOneOut(width), []
        if width < WIDTHS[0]:
            self._before = [LeaveOneOut(WIDTHS[0])] * ROUNDS_BEFORE

    def with_contrast(self, width):
        """Return the same with a contrast that varies, in a window of that width."""
        other = copy.copy(self)
        other._of_contrast = LeaveOneOut(width)
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
        return complex_product(sums, factors)

    def near_by(self, cells):
        """Sums near the cells, in the window, each without the cell itself."""
        return self._window.means(cells)

    def displacement(self, factors, cells):
        """Displacement that fits the patterns best: (2, ..., cell rows, cell columns).

        Parameters
        ----------
        factors : (patterns, n) numpy.ndarray of complex128
        cells : list of (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            As from the method, of each pattern.

        Returns
        -------
        numpy.ndarray of float64
        """
        # Antiphase domains have one lattice, that without the superlattice.
        used = np.flatnonzero(np.any(factors, axis=0) & ~self._odd)
        if len(used) < len(self._indices):
            cells, factors = [each[:, used] for each in cells], factors[:, used]
        # Where a contrast changes its sign, wide windows cancel; and motifs that are
        # not known yet meet in them.
        is_plain = self._of_contrast is not None or len(factors) > 1
        found, moved, indices = 0.0, cells, self._indices[used]
        for window in [] if is_plain else self._before:
            terms = _terms(factors, map(window.means, moved))
            found = found + self._best_displacement(terms, indices)
            turned = phase_factors(found, indices)
            moved = [complex_product(each, turned) for each in cells]
        terms = _terms(factors, map(self._window.means, moved))
        return found + self._best_displacement(terms, indices)

    def displacement_of_one(self, factors, sums):
        """Displacement of one cell: (2, 1, 1) numpy.ndarray of float64.

        Parameters
        ----------
        factors, sums : (n,) numpy.ndarray of complex128
            Structure factors and Fourier sums.
        """
        used = np.flatnonzero((factors != 0) & ~self._odd)
        terms = factors[used].conj() * sums[used]
        terms = np.stack([terms.real, terms.imag]).astype(np.float32)
        terms = terms[..., np.newaxis, np.newaxis]
        return self._best_displacement(terms, self._indices[used])

    def _best_displacement(self, terms, indices):
        """Displacement that fits sums times conjugate factors best."""
        from_lattice = FROM_LATTICE[tuple(self._lost)]
        if any(self._lost):
            indices = np.rint(indices @ from_lattice).astype(np.int32)
        indices = np.ascontiguousarray(indices)
        steps = STEPS_PER_INDEX * np.abs(indices).max(initial=1)
        shape = terms.shape[2:]
        out = np.empty((2, math.prod(shape)))
        terms = terms.reshape(2, len(indices), out.shape[1])
        # Where the contrast is inverted, the sums are the least.
        either_sign = self._of_contrast is not None
        steps = max(steps, FEWEST_STEPS)
        _displacement.best_displacements(terms, indices, steps, either_sign, out)
        return (from_lattice @ out).reshape(2, *shape)

    def of_domains(self, factors, turned, displacement, weights):
        """Phase factors of a pattern, with the signs of its antiphase domains.

        Parameters
        ----------
        factors : (n,) numpy.ndarray of complex128
        turned : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            As from the method; times the contrast, if there is one.
        displacement : (2, ..., cell rows, cell columns) numpy.ndarray of float64
        weights : (..., block rows, block columns) numpy.ndarray of float32

        Returns
        -------
        (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        """
        odd = self._odd & (factors != 0)
        if not odd.any():
            return turned
        frame = self._frame
        rest = frame.less(self.template(np.where(odd, 0, factors), turned)).pixels
        order = self.template(np.where(odd, factors, 0), turned)
        weights = np.maximum(weights, np.float32(LEAST_WEIGHT))
        evidence = weights * products(rest, order, frame.block)
        # A displacement by the translation changes the sign of either.
        index = np.eye(2, dtype=np.int32)[[np.argmax(self._lost)]]
        phases = phase_factors(displacement, index)[:, 0]
        window = LeaveOneOut(DOMAIN_WIDTH, has_neighbours=False)
        near_by = window.means(sum_blocks(evidence, BLOCKS_IN_CELL) * phases)
        signs = np.where((near_by * phases).sum(axis=0) < 0, -1, 1)
        turned = turned.copy()
        turned[:, self._odd] *= signs.astype(np.float32)
        return turned

    def contrast(self, factors, cells, n_pixels, turned):
        """Contrast that fits the patterns best, or None if it is 1 everywhere.

        Parameters
        ----------
        factors : (patterns, n) numpy.ndarray of complex128
        cells : list of (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            As from the method, of each pattern.
        n_pixels : list of (..., cell rows, cell columns) numpy.ndarray of float32
            As from `pixels_of_cells`, of each pattern.
        turned : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            As from the method.

        Returns
        -------
        (..., cell rows, cell columns) numpy.ndarray of float32
        """
        if self._of_contrast is None:
            return None
        used = np.flatnonzero(factors.any(axis=0))
        if len(used) < len(self._indices):
            cells, factors = [each[:, used] for each in cells], factors[:, used]
        terms = _terms(factors, map(self._of_contrast.means, cells))
        values = real_products(terms, turned, used)
        # Half the squares of templates over their patterns' pixels.
        powers = (np.abs(factors) ** 2).sum(axis=1).astype(np.float32)
        powers = sum(map(np.multiply, powers, n_pixels))
        return ratio(values, self._of_contrast.means(powers))

    def turned(self, displacement):
        """Phase factors exp(2 pi i (h, k).v), real and imaginary part.

        Parameters
        ----------
        displacement : (2, ..., cell rows, cell columns) numpy.ndarray of float64

        Returns
        -------
        (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        """
        return phase_factors(displacement, self._indices)

    def template(self, factors, turned):
        """Template of a pattern: (..., rows, columns) numpy.ndarray of float32.

        Parameters
        ----------
        factors : (n,) numpy.ndarray of complex128
        turned
            As from the method; times the contrast, if there is one.
        """
        return self._components.sum_of(*_amplitudes(factors, turned))

    def moving(self, factors, turned):
        """Sum of components with structure factors that are others in each cell.

        Parameters
        ----------
        factors, turned : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32

        Returns
        -------
        (..., rows, columns) numpy.ndarray of float32
        """
        back = turned * np.float32([2, -2]).reshape(2, *[1] * (turned.ndim - 1))
        return self._components.sum_of(complex_product(factors, back))

    def expected(self, posterior):
        """Template of each pattern of the crystal: list of (..., rows, columns).

        Parameters
        ----------
        posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32
            Probability of each pattern of the crystal.
        """
        return [self._components.sum_of(*each) for each in self._fitted(posterior)]

    def residuals(self, posterior):
        """Squared residuals with those templates: list, as of `BraggComponents`.

        Parameters
        ----------
        posterior
            As for `expected`.
        """
        return [self._components.residuals(*each) for each in self._fitted(posterior)]

    def _fitted(self, posterior):
        """Amplitudes and components of each pattern's template: list of pairs."""
        cells = [self.cells(own) for own in posterior]
        factors = self._own_factors
        displacement = self.displacement(factors, cells)
        turned = self.turned(displacement)
        if self._of_contrast is not None:
            n_pixels = [pixels_of_cells(self._frame, own) for own in posterior]
            turned *= self.contrast(factors, cells, n_pixels, turned)
        return [
            _amplitudes(own, self.of_domains(own, turned, displacement, weights))
            for own, weights in zip(factors, posterior, strict=True)
        ]


def reach(widths):
    """Standard deviations of all windows of a displacement together, in cells: (...).

    Parameters
    ----------
    widths : (...) numpy.ndarray
        As in `Crystal`.
    """
    before = np.where(widths < WIDTHS[0], ROUNDS_BEFORE * WIDTHS[0] ** 2, 0)
    return np.sqrt(widths**2 + before)


class LeaveOneOut:
    """Means of what is near cells in a Gaussian window, without the cells themselves.

    Parameters
    ----------
    width : float
        Standard deviation, in cells.
    has_neighbours : bool, optional
        Whether the neighbours of a cell are near it; by default in narrow windows.
    """

    def __init__(self, width, has_neighbours=None):
        self._window = gaussian_weights(width)
        # The neighbours of a cell have columns in common with it.
        self._own = self._window[:2].copy()
        if width < WIDE if has_neighbours is None else has_neighbours:
            self._own[1] = 0

    def means(self, cells):
        """Means near cells (..., cell rows, cell columns): float32."""
        return window_means(cells, self._window, left_out=self._own)


def antiphase_of(times):
    """Displacement of antiphase domains of a superlattice: (float, float).

    Parameters
    ----------
    times : (2, 2) numpy.ndarray
        Its reciprocal vectors, in those of the lattice: of twice the cell.
    """
    vectors = np.rint(np.linalg.inv(times)).astype(int)
    [found] = [
        lost
        for lost in WITHOUT_SUPERLATTICE
        if any(lost) and not (vectors @ lost % 2).any()
    ]
    return found[0] / 2, found[1] / 2


def pixels_of_cells(frame, weights):
    """Number of pixels that a pattern has in the cells: (..., rows, columns) float32.

    Parameters
    ----------
    frame : NormalizedFrame
    weights : (..., block rows, block columns) numpy.ndarray of float32
        Probability that a block belongs to the pattern.
    """
    weights = np.maximum(weights, np.float32(LEAST_WEIGHT))
    return sum_blocks(weights * frame.counts, BLOCKS_IN_CELL)


def _amplitudes(factors, turned):
    """Amplitudes (2, m, ...) of a template with factors (n,), and of which of them."""
    if factors.all():
        return times_factors(2 * factors, turned, conjugate=True), slice(None)
    kept = np.flatnonzero(factors)
    return times_factors(2 * factors[kept], turned, kept, conjugate=True), kept


def _terms(factors, sums):
    """Sums (2, n, ...) of the patterns times conjugate factors (patterns, n)."""
    out = None
    for own, each in zip(factors, sums, strict=True):
        out = times_factors(own.conj(), each, out=out)
    return out


def phase_factors(displacement, indices):
    """Phase factors exp(2 pi i (h, k).v): (2, n, ...) numpy.ndarray of float32."""
    flat = np.ascontiguousarray(displacement.reshape(2, -1))
    out = np.empty((2, len(indices), flat.shape[1]), np.float32)
    _displacement.phase_factors(flat, indices, out)
    return out.reshape(*out.shape[:2], *displacement.shape[1:])


def times_factors(factors, numbers, used=None, conjugate=False, out=None):
    """Complex numbers of some components, times the factor of each.

    Parameters
    ----------
    factors : (m,) numpy.ndarray of complex128
    numbers : (2, n, ...) numpy.ndarray of float32
        Real and imaginary part.
    used : (m,) numpy.ndarray of int, optional
        Components; all by default.
    conjugate : bool
        Whether the conjugates of the numbers are meant.
    out : (2, m, ...) numpy.ndarray of float32, optional
        What the products are added to.

    Returns
    -------
    (2, m, ...) numpy.ndarray of float32
    """
    used = np.arange(len(factors)) if used is None else used
    add = out is not None
    if not add:
        out = np.empty((2, len(used), *numbers.shape[2:]), np.float32)
    factors = factors.astype(np.complex64).view(np.float32).reshape(-1, 2)
    numbers, own = map(_by_component, (numbers, out))
    _displacement.scaled(factors, numbers, used, conjugate, add, own)
    return out


def complex_product(one, other):
    """Products of complex numbers: (2, n, ...) numpy.ndarray of float32.

    Parameters
    ----------
    one, other : (2, n, ...) numpy.ndarray of float32
        Real and imaginary part.
    """
    out = np.empty(one.shape, np.float32)
    _displacement.multiplied(*map(_by_component, (one, other, out)))
    return out


def real_products(one, other, used):
    """Real parts of products of complex numbers, added up: (...) array of float32.

    Parameters
    ----------
    one : (2, m, ...) numpy.ndarray of float32
        Real and imaginary part.
    other : (2, n, ...) numpy.ndarray of float32
    used : (m,) numpy.ndarray of int
        Components of the other.
    """
    out = np.zeros(one.shape[2:], np.float32)
    numbers = map(_by_component, (one, other))
    _displacement.real_products(*numbers, used, out.reshape(-1))
    return out


def _by_component(array):
    """View of an array (2, n, ...) with one axis after the first two."""
    return np.ascontiguousarray(array).reshape(
        *array.shape[:2], math.prod(array.shape[2:])
    )
