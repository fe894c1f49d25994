# SPDX-License-Identifier: GPL-3.0-or-later
"""Power spectrum of the pixels of a pattern, averaged over crops."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, ndimage, special

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.peaks import climb, steps_within, vertex_shifts

from .blocks import planes, sum_blocks
from .normalized_frame import BLOCKS_IN_PERIOD

# Sides of the crops whose power is averaged, in periods; crops of all frames, at most;
# and pixels of the crops that are transformed at once.
SIDE = 8
MOST_CROPS = 256
BATCH = 2**17
# Noise of the spatial frequencies of rows or columns that tells of their offsets, over
# that of all others.
LEAST_OFFSETS = 2.0
# Share of a crop that a pattern has to have.
LEAST_SHARE = 0.02


class SpectrumCrops:
    """Where frames are cut into crops, which overlap by half, for their power spectra.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several.

    Attributes
    ----------
    frequencies : (numpy.ndarray, numpy.ndarray)
        Spatial frequencies along y (ascending) and x (not negative), in cycles a pixel.
    """

    def __init__(self, frame):
        self._frame = frame
        # Of whole blocks.
        self._n_blocks = [n // frame.block for n in frame.shape]
        self._side = [min(SIDE * BLOCKS_IN_PERIOD, n) for n in self._n_blocks]
        self._step = [max(n // 2, 1) for n in self._side]
        shape = [n * frame.block for n in self._side]
        self._window = np.outer(*(np.hanning(n + 2)[1:-1] for n in shape)).astype(
            np.float32
        )
        self._block_window = sum_blocks(self._window**2, frame.block)
        self.frequencies = fft.fftshift(fft.fftfreq(shape[0])), fft.rfftfreq(shape[1])

    def _cut(self, array, side):
        """View of all crops: (frames, crops along y, along x, rows, columns)."""
        sides, steps = ([n * side for n in each] for each in (self._side, self._step))
        views = sliding_window_view(planes(array), sides, axis=(-2, -1))
        return views[:, :: steps[0], :: steps[1]]

    def power(self, weights, most=MOST_CROPS):
        """Power spectrum of the pixels of a pattern, summed over some crops.

        Parameters
        ----------
        weights : (..., block rows, block columns) numpy.ndarray
            Probability that a block belongs to the pattern.
        most : int
            Number of crops, at most.

        Returns
        -------
        power : numpy.ndarray of float32
        energies : (crops,) numpy.ndarray of float64
            Sums of the squares of the window and the weights in those crops that the
            pattern has a share in, spread evenly over all of them.
        """
        block, (rows, columns) = self._frame.block, self._window.shape
        n_rows, n_columns = self._n_blocks
        crops = self._cut(weights[..., :n_rows, :n_columns], 1)
        cut = self._cut(self._frame.pixels, block)
        energies = np.einsum(
            "nabyx,yx->nab", crops**2, self._block_window, dtype=np.float64
        )
        used = np.argwhere(energies > LEAST_SHARE * self._block_window.sum())
        used = used[:: max(1, -(-len(used) // most))]
        power = np.zeros((rows, columns // 2 + 1), np.float32)
        batch = max(1, BATCH // self._window.size)
        for some in np.split(used, np.arange(batch, len(used), batch)):
            chosen = tuple(some.T)
            pixels = cut[chosen] * self._window
            pixels *= spread(crops[chosen], block, pixels.shape[1:])
            transform = fft.rfft2(pixels)
            power += (transform.real**2 + transform.imag**2).sum(axis=0)
        return fft.fftshift(power, axes=0), energies[tuple(used.T)]


@dataclass(frozen=True)
class PatternSpectrum:
    """Mean power spectrum of the pixels of a pattern.

    Attributes
    ----------
    power : (rows, columns) numpy.ndarray of float32
        For one half-plane.
    ratio : (rows, columns) numpy.ndarray of float32
        Power over that of noise, at the same distance from the origin.
    rows, columns : numpy.ndarray
        Spatial frequencies along y (ascending) and x (not negative), in cycles a pixel.
    n_independent : float
        Number of independent spectra that the mean is of.
    """

    power: np.ndarray
    ratio: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    n_independent: float

    @property
    def modulus(self):
        """Distance from the origin: (rows, columns) numpy.ndarray, cycles a pixel."""
        return np.hypot(self.rows[:, np.newaxis], self.columns)

    def bins(self, reflections):
        """Bins of reflections or their opposites, not rounded.

        Parameters
        ----------
        reflections : (..., 2) numpy.ndarray
            Spatial frequencies (y, x), in cycles a pixel.

        Returns
        -------
        (2, ...) numpy.ndarray
            Row and column.
        """
        sign = np.where(reflections[..., 1] < 0, -1, 1)
        y, x = sign * np.moveaxis(reflections, -1, 0)
        step = self.rows[1] - self.rows[0]
        return np.stack([(y - self.rows[0]) / step, x / self.columns[1]])

    def ratio_at(self, reflections):
        """Ratio at reflections (..., 2): (...) numpy.ndarray."""
        bins = self.bins(reflections)
        return ndimage.map_coordinates(self.ratio, bins, order=1, mode="nearest")

    def power_at(self, rows, columns):
        """Power of bins, beyond the edges that of the nearest: numpy.ndarray."""
        last_row, last_column = np.array(self.power.shape) - 1
        return self.power[np.clip(rows, 0, last_row), np.clip(columns, 0, last_column)]

    def highest(self, points):
        """The largest of the 3 x 3 bins about each of some bins: (n, 2) of int.

        Parameters
        ----------
        points : (n, 2) numpy.ndarray of int
            Rows and columns.
        """
        points = climb(self.power_at, points, steps_within(1.5))
        return np.clip(points, 0, np.array(self.power.shape) - 1)

    def vertices(self, points):
        """Vertices of the parabolas through the logarithms of maxima's neighbours.

        Parameters
        ----------
        points : (n, 2) numpy.ndarray of int
            Rows and columns of the maxima.

        Returns
        -------
        (n, 2) numpy.ndarray of float64
            Spatial frequencies (y, x), in cycles a pixel.
        """

        def log_power(rows, columns):
            return np.log(np.maximum(self.power_at(rows, columns), 1e-30))

        shifts = vertex_shifts(log_power, points)
        # Along these axes, a neighbour is missing.
        shifts[(points == 0) | (points == np.array(self.power.shape) - 1)] = 0
        found = [
            frequency[at] + shift * (frequency[1] - frequency[0])
            for frequency, at, shift in zip(
                (self.rows, self.columns), points.T, shifts.T, strict=True
            )
        ]
        return np.stack(found, axis=1)


def pattern_spectrum(crops, weights):
    """Mean power spectrum of a pattern.

    Parameters
    ----------
    crops : SpectrumCrops
    weights : (..., block rows, block columns) numpy.ndarray
        Probability that a block belongs to the pattern.

    Returns
    -------
    PatternSpectrum or None
        None if no crop has enough of the pattern, or the frames are too small.
    """
    power, energies = crops.power(weights)
    if not len(energies) or min(power.shape) < 2:
        return None
    rows, columns = crops.frequencies
    step = max(rows[1] - rows[0], columns[1])
    ring = np.rint(np.hypot(rows[:, np.newaxis], columns) / step).astype(int)
    # SpectrumCrops that overlap by half count for about two thirds each.
    n = max(1.0, energies.sum() ** 2 / (energies**2).sum() * 2 / 3)
    floor = _lower_quartiles(power, ring)[ring] / _lower_quartile(n)
    ratio = np.divide(power, floor, out=np.zeros_like(power), where=floor > 0)
    _less_offsets_of_lines(ratio, n)
    return PatternSpectrum(power, ratio, rows, columns, n)


def _lower_quartile(n):
    """Lower quartile of the mean of n spectra of noise, whose mean is 1: float."""
    return special.gammaincinv(n, 0.25) / n


def _less_offsets_of_lines(ratio, n):
    """Divide ratios along both axes by the noise of offsets of rows or columns.

    These have all spatial frequencies along one axis, and none along the other.

    Parameters
    ----------
    ratio : (rows, columns) numpy.ndarray
        Changed in place.
    n : float
        Number of independent spectra.
    """
    middle = len(ratio) // 2
    # The window makes a line as wide as three.
    for lines in (ratio[:, :2].T, ratio[middle - 1 : middle + 2]):
        quartiles = np.quantile(lines, 0.25, axis=1)
        for line, quartile in zip(lines, quartiles, strict=True):
            if quartile > LEAST_OFFSETS * _lower_quartile(n):
                # Crops along a line have the same offset.
                line *= _lower_quartile(max(1.0, np.sqrt(n))) / quartile


def _lower_quartiles(power, ring):
    """Lower quartile of the power in each ring.

    The reflections of a narrow pattern are broad, and may fill half of a ring.
    """
    counts = np.bincount(ring.ravel())
    ordered = power.ravel()[np.lexsort((power.ravel(), ring.ravel()))]
    return ordered[np.cumsum(counts) - counts + (counts - 1) // 4]
