# SPDX-License-Identifier: GPL-3.0-or-later
"""The waves of a pattern in a frame, with the phases that its own pixels have.

Arrays of complex numbers have their real and imaginary parts along the first axis, and
waves along the second; those of several frames have these along the next.
"""

import math

import numpy as np

from hyperspy_symseg.frames.blocks import gaussian_weights, planes, window_means
from hyperspy_symseg.frames.kernels import compiled

from .blocks import BLOCKS_IN_CELL

_waves = compiled("_waves")

# Standard deviation of the window that phases are averaged in, in cells.
WIDTH = 3.0
# Weight of the pixels that do not belong to a pattern: where none of its own are near,
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

    A cell is left out of its own mean: so what it is judged by is not made of its own
    noise, and a pattern cannot explain a place by itself (leave-one-out).

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
        As for `PatternWaves`.

    Returns
    -------
    (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
    """
    side = BLOCKS_IN_CELL * frame.block
    return _fourier_sums(frame, factors, side, frame.cell_counts.shape)


class PatternWaves:
    """Plane waves in a frame, or in several.

    Parameters
    ----------
    frame : BlockedFrame
    factors : (numpy.ndarray, numpy.ndarray)
        Factors of the waves for rows and columns, as from `BlockedFrame.factors`.
    """

    def __init__(self, frame, factors):
        self._frame = frame
        self._factors = [each.copy() for each in factors]
        self._sums = self._block_sums(slice(None))
        # Waves that have been replaced, and are transformed when they are needed.
        self._replaced = np.zeros(self._sums.shape[1], bool)

    def _factors_of(self, places):
        """Factors of some of the waves."""
        return [np.ascontiguousarray(each[:, places]) for each in self._factors]

    def _block_sums(self, places):
        """Fourier sums of the blocks: (2, waves, ..., block rows, block columns)."""
        frame, factors = self._frame, self._factors_of(places)
        return _fourier_sums(frame, factors, frame.block, frame.counts.shape)

    def replace(self, places, factors):
        """Replace some of the waves by others.

        Parameters
        ----------
        places : (m,) numpy.ndarray of int
        factors
            Of the others, as for the class.
        """
        for own, others in zip(self._factors, factors, strict=True):
            own[:, places] = others
        self._replaced[places] = True

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
            self._sums[:, self._replaced] = self._block_sums(self._replaced)
            self._replaced[:] = False
        weights = np.maximum(weights, np.float32(LEAST_WEIGHT))
        n_waves = self._sums.shape[1]
        out = np.empty((2, n_waves, *self._frame.cell_counts.shape), np.float32)
        _waves.weighted_cells(
            planes(weights), _by_wave(self._sums), BLOCKS_IN_CELL, _by_wave(out)
        )
        return out

    def template(self, amplitudes, phases, places=slice(None)):
        """What the waves make up, with these phases: (..., rows, columns) float32.

        Parameters
        ----------
        amplitudes : (m,) numpy.ndarray
        phases : (2, n, ..., cell rows, cell columns) numpy.ndarray of float32
            Phase factors of all n waves, as from `unit_phases`.
        places : (m,) numpy.ndarray of int, optional
            The waves that count.
        """
        size = 2 * amplitudes.astype(np.float32)
        size = size.reshape(-1, *[1] * (phases.ndim - 2))
        sizes = np.ascontiguousarray(_by_wave(size * phases[:, places]))
        out = np.empty(self._frame.pixels.shape, np.float32)
        _waves.sum_of_waves(
            *self._factors_of(places),
            sizes,
            self._frame.block,
            BLOCKS_IN_CELL,
            planes(out),
        )
        return out

    def expected(self, weights, amplitudes):
        """Template with the phases of a pattern's pixels near by: float32.

        Parameters
        ----------
        weights : (..., block rows, block columns) numpy.ndarray of float32
            Probability that a block belongs to the pattern.
        amplitudes : (n,) numpy.ndarray

        Returns
        -------
        (..., rows, columns) numpy.ndarray of float32
        """
        return self.template(amplitudes, unit_phases(self.cells(weights)))


def _fourier_sums(frame, factors, side, shape):
    """Fourier sums of squares of so many pixels: (2, n, *shape), of waves."""
    out = np.empty((2, factors[0].shape[1], *shape), np.float32)
    _waves.fourier_sums(planes(frame.pixels), *factors, side, _by_wave(out))
    return out


def _by_wave(array):
    """View with one axis of frames: (2, n, frames, rows, columns)."""
    rows, columns = array.shape[-2:]
    n_frames = math.prod(array.shape[2:-2])
    return array.reshape(*array.shape[:2], n_frames, rows, columns)
