# SPDX-License-Identifier: GPL-3.0-or-later
"""Bragg components of a pattern: plane waves whose phases follow its own pixels.

Arrays of complex numbers have real and imaginary parts along the first axis, and the
components along the second. With several frames, these are along the third.
"""

import math

import numpy as np

from hyperspy_symseg.frames.kernels import compiled

from .blocks import gaussian_weights, n_blocks, planes, products, window_means
from .normalized_frame import BLOCKS_IN_CELL

_bragg = compiled("_bragg")

# Standard deviation of the window that phases are averaged in, in cells.
WIDTH = 3.0
# Weight of the pixels that do not belong to a pattern: far from all of its own pixels,
# its phases are those that fit best.
LEAST_WEIGHT = 1e-4
WINDOW = gaussian_weights(WIDTH)
# Weight that a cell itself has in the window.
OWN_WEIGHT = np.float32(float(WINDOW[0]) ** 2)


def near_by(cells):
    """Mean of cells (..., cell rows, cell columns) in a Gaussian window: float32."""
    return window_means(cells, WINDOW)


def unit_phases(cells):
    """Phase factors that the cells around every cell have.

    A cell is left out of its own mean (leave-one-out): so its own noise does not judge
    it, and a pattern cannot explain a cell by the cell itself.

    Parameters
    ----------
    cells : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        Fourier sums.

    Returns
    -------
    (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        Of modulus 1; 0 where there is nothing near.
    """
    others = near_by(cells)
    others -= OWN_WEIGHT * cells
    real, imag = others
    size = real * real
    size += imag * imag
    np.sqrt(size, out=size)
    size[size == 0] = 1
    return np.divide(others, size, out=others)


def whole_cells(frame, factors):
    """Fourier sums of the cells over all pixels.

    Parameters
    ----------
    frame, factors
        As for `BraggComponents`.

    Returns
    -------
    (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
    """
    return _fourier_sums(frame, factors, BLOCKS_IN_CELL * frame.block)


class BraggComponents:
    """Bragg components in a frame, or in several.

    Parameters
    ----------
    frame : NormalizedFrame
    factors : (numpy.ndarray, numpy.ndarray)
        Of the plane waves for rows and columns, as from `NormalizedFrame.factors`.
    """

    def __init__(self, frame, factors):
        self._frame = frame
        self._factors = [each.copy() for each in factors]
        self._sums = _fourier_sums(frame, self._factors, frame.block)
        # Components that have been replaced, and are transformed when they are needed.
        self._replaced = np.zeros(self._sums.shape[1], bool)

    @property
    def block_sums(self):
        """Fourier sums of the blocks: (2, n, ..., block rows, block columns)."""
        return self._sums

    def _factors_of(self, indices):
        """Factors of some of the components."""
        return [np.ascontiguousarray(each[:, indices]) for each in self._factors]

    def replace(self, indices, factors):
        """Replace some of the components by others.

        Parameters
        ----------
        indices : (m,) numpy.ndarray of int
        factors
            Of the others, as for the class.
        """
        for own, others in zip(self._factors, factors, strict=True):
            own[:, indices] = others
        self._replaced[indices] = True

    def cells(self, weights):
        """Fourier sums of the cells over the pixels of a pattern.

        Parameters
        ----------
        weights : (..., block rows, block columns) numpy.ndarray of float32
            Probability that a block belongs to the pattern.

        Returns
        -------
        (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
        """
        if self._replaced.any():
            some = self._frame.block, np.flatnonzero(self._replaced)
            _sum_up(self._frame, self._factors, *some, self._sums)
            self._replaced[:] = False
        weights = np.maximum(weights, np.float32(LEAST_WEIGHT))
        return products(weights, self._sums, BLOCKS_IN_CELL)

    def template(self, amplitudes, phases, indices=slice(None)):
        """Sum of the components with these phases: (..., rows, columns) float32.

        Parameters
        ----------
        amplitudes : (m,) numpy.ndarray
        phases : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            Phase factors of all n components, as from `unit_phases`.
        indices : (m,) numpy.ndarray of int, optional
            The components that count.
        """
        return self.sum_of(_times(amplitudes, phases[:, indices]), indices)

    def sum_of(self, amplitudes, indices=slice(None), step=BLOCKS_IN_CELL):
        """Sum of some components with complex amplitudes: (..., rows, columns) float32.

        Parameters
        ----------
        amplitudes : (2, m, ..., cell rows, cell columns) numpy.ndarray of float32
        indices : (m,) numpy.ndarray of int, optional
        step : int
            Blocks along a side of what has an amplitude of its own: 1 for a block.
        """
        out = np.empty(self._frame.pixels.shape, np.float32)
        self._add_up(amplitudes, indices, step, out)
        return out

    def residuals(self, amplitudes, indices=slice(None)):
        """Squared residuals of the blocks, as `NormalizedFrame.residuals` of the sum.

        Parameters
        ----------
        amplitudes, indices
            As for `sum_of`.

        Returns
        -------
        (..., block rows, block columns) numpy.ndarray of float32
        """
        frame = self._frame
        if frame.valid is not None:
            return frame.residuals(self.sum_of(amplitudes, indices))
        # The sum is never in memory as a whole.
        out = np.empty(frame.counts.shape, np.float32)
        self._add_up(amplitudes, indices, BLOCKS_IN_CELL, out, planes(frame.pixels))
        return out

    def _add_up(self, amplitudes, indices, step, out, pixels=None):
        """Put what `sum_of`, or of pixels what `residuals` returns, into an array."""
        amplitudes = np.ascontiguousarray(_by_component(amplitudes))
        sizes = self._frame.block, step
        factors = self._factors_of(indices)
        _bragg.sum_of_components(*factors, amplitudes, *sizes, planes(out), pixels)


class FreeComponents:
    """Bragg components of a pattern in a frame, the phases of which are free.

    Parameters
    ----------
    frame : NormalizedFrame
    reflections : (n, 2) numpy.ndarray of float64
    amplitudes : (n,) numpy.ndarray of float64
    """

    def __init__(self, frame, reflections, amplitudes):
        self._components = BraggComponents(frame, frame.factors(reflections))
        self._amplitudes = amplitudes

    def expected(self, posterior):
        """Template with the phases of the pattern's pixels near by.

        Parameters
        ----------
        posterior : (1, ..., block rows, block columns) numpy.ndarray of float32
            Probability that a block belongs to the pattern.

        Returns
        -------
        list of (..., rows, columns) numpy.ndarray of float32
            One.
        """
        return [self._components.sum_of(self._fitted(posterior))]

    def residuals(self, posterior):
        """Squared residuals with that template: list of one, as of `BraggComponents`.

        Parameters
        ----------
        posterior
            As for `expected`.
        """
        return [self._components.residuals(self._fitted(posterior))]

    def _fitted(self, posterior):
        """Amplitudes with the phases near by: (2, n, ..., cell rows, cell columns)."""
        phases = unit_phases(self._components.cells(posterior[0]))
        return _times(self._amplitudes, phases)


def _times(amplitudes, phases):
    """Phase factors (2, n, ...), times twice the amplitudes (n,): float32."""
    size = 2 * amplitudes.astype(np.float32)
    return size.reshape(-1, *[1] * (phases.ndim - 2)) * phases


def _fourier_sums(frame, factors, side):
    """Fourier sums of blocks of `side` pixels: (2, n, ..., rows, columns) float32."""
    *frames, rows, columns = frame.pixels.shape
    shape = 2, factors[0].shape[1], *frames, *n_blocks((rows, columns), side)
    out = np.empty(shape, np.float32)
    _sum_up(frame, factors, side, np.arange(shape[1]), out)
    return out


def _sum_up(frame, factors, side, used, out):
    """Put Fourier sums (2, n, ..., rows, columns) of some components in their place."""
    where = side, used, _by_component(out)
    _bragg.fourier_sums(planes(frame.pixels), *factors, *where)


def _by_component(array):
    """View with one axis of frames: (2, n, frames, rows, columns)."""
    rows, columns = array.shape[-2:]
    n_frames = math.prod(array.shape[2:-2])
    return array.reshape(*array.shape[:2], n_frames, rows, columns)
