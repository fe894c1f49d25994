# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame as a sum of columns on a background, and what its pixels say of each."""

from typing import NamedTuple

import numpy as np

from hyperspy_symseg.templates.blocks import gaussian_weights, sum_blocks, window_means
from hyperspy_symseg.templates.normalized_frame import block_size

# Radius of the pixels that a column is measured in, in its widths.
RADIUS = 3.0
# Standard deviation of the window of background and contrast, in blocks, and what the
# contrast of all the frame counts in it, beside a window full of columns.
WINDOW, OF_ALL = 4.5, 0.05
# Classes of intensity that the noise is measured in, and the least variance, of that
# of the mean intensity; how often the line is fitted, with its own weights.
CLASSES, LEAST_VARIANCE, ROUNDS = 12, 0.05, 3
# Lags up to which noise is correlated, in pixels.
LAG = 3
TINY = 1e-30


class Noise(NamedTuple):
    """Variance of a pixel, a + b times the intensity: of counts, a is 0 and b is 1.

    Attributes
    ----------
    constant, slope : float
    least : float
        What the variance is at least.
    """

    constant: float
    slope: float
    least: float

    def variance(self, intensity):
        """Variance at some intensities: numpy.ndarray."""
        return np.maximum(self.constant + self.slope * intensity, self.least)

    def gain(self, values, before, after):
        """Quasi-log-likelihood that values gain by another expected intensity.

        With the variance V of the intensity m, it is the integral of (x - m) / V from
        one to the other (R. W. M. Wedderburn, Biometrika 61, 439 (1974)), which Gauss's
        rule of two points gives.

        Parameters
        ----------
        values, before, after : numpy.ndarray

        Examples
        --------
        >>> counts = Noise(0.0, 1.0, 1e-9)
        >>> x, before, after = np.array([4.0]), np.array([2.0]), np.array([3.0])
        >>> exact = x * np.log(after / before) - (after - before)
        >>> bool(np.abs(counts.gain(x, before, after) - exact)[0] < 0.01)
        True
        """
        middle, half = (before + after) / 2, (after - before) / 2
        off = half / np.sqrt(3)
        total = 0
        for m in (middle - off, middle + off):
            total = total + (values - m) / self.variance(m)
        return total * half

    @classmethod
    def of(cls, squares, expected):
        """Noise of squared residuals, by the expected intensity: Noise.

        Parameters
        ----------
        squares, expected : (n,) numpy.ndarray of float64
        """
        low, high = expected.min(), expected.max()
        share = (expected - low) / max(high - low, TINY)
        # Finer where there are more of them.
        classes = np.minimum((CLASSES * np.sqrt(share)).astype(int), CLASSES - 1)
        sizes = np.bincount(classes, minlength=CLASSES)
        some = sizes > 0
        sizes = sizes[some].astype(float)
        levels, variances = (
            np.bincount(classes, each, CLASSES)[some] / sizes
            for each in (expected, squares)
        )
        mean = max(float(sizes @ variances / sizes.sum()), TINY)
        fitted = np.full(len(levels), mean)
        for _ in range(ROUNDS):
            weights = sizes / np.maximum(fitted, LEAST_VARIANCE * mean) ** 2
            middle = np.average(levels, weights=weights)
            spread = weights @ (levels - middle) ** 2
            slope = weights @ ((levels - middle) * variances) / max(spread, TINY)
            if not spread > 0:
                slope = 0.0
            constant = np.average(variances, weights=weights) - slope * middle
            fitted = constant + slope * levels
        return cls(float(constant), float(slope), LEAST_VARIANCE * mean)


class Canvas:
    """Pixels of a frame with a rim, so that no column is cut.

    Flat arrays below are of the frame with its rim, row after row.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of float64
    valid : (rows, columns) numpy.ndarray of bool
        Pixels that count.
    width : float
        Of a column, in pixels.
    rim : float
        How far beyond the frame columns may be, in pixels.
    period : float
        In pixels.

    Attributes
    ----------
    values, valid : (n,) numpy.ndarray of float64
        Intensities, 0 where not valid; and 1 where valid, else 0.
    offsets : (m, 2) numpy.ndarray of int
        Steps from the middle of a column to its pixels.
    """

    def __init__(self, values, valid, width, rim, period):
        radius = int(np.ceil(RADIUS * width))
        self.reach = radius + int(np.ceil(rim)) + 1
        self._padded_shape = tuple(n + 2 * self.reach for n in values.shape)
        self.size = int(np.prod(self._padded_shape))
        self.values = self._padded(np.where(valid, values, 0.0))
        self.valid = self._padded(valid.astype(float))
        steps = np.arange(-radius, radius + 1)
        y, x = np.meshgrid(steps, steps, indexing="ij")
        inside = np.hypot(y, x) <= RADIUS * width + 0.5
        self.offsets = np.column_stack([y[inside], x[inside]])
        self._block = block_size(period)
        self._weights = gaussian_weights(WINDOW, np.float64)
        self._hats = [_hats(n, self._block) for n in values.shape]
        self._sums = [
            sum_blocks(self.frame(each), self._block)
            for each in (self.valid, self.values)
        ]

    def _padded(self, array, **how):
        """Flat array of an array of the frame, with a rim."""
        return np.pad(array, self.reach, **how).ravel()

    def frame(self, flat):
        """Array (rows, columns) of a flat one, without the rim: a view."""
        inner = slice(self.reach, -self.reach)
        return flat.reshape(self._padded_shape)[inner, inner]

    def index(self, pixels):
        """Places of pixels (n, 2) and of those about them in flat arrays: (n, m)."""
        steps = self._padded_shape[1], 1
        return ((pixels + self.reach) @ steps)[:, np.newaxis] + self.offsets @ steps

    def background(self, comb, contrast):
        """Background and contrast near the pixels, by least squares in a window.

        Parameters
        ----------
        comb : (n,) numpy.ndarray
            Columns with a contrast of 1.
        contrast : float or None
            That of all the frame; None: it is measured first.

        Returns
        -------
        background : (n,) numpy.ndarray of float64
        contrasts : (block rows, block columns) numpy.ndarray of float64
        contrast : float
            Of all the frame.
        """
        comb, values = self.frame(comb * self.valid), self.frame(self.values)
        sums = [
            *self._sums,
            *(
                sum_blocks(each, self._block)
                for each in (comb, comb * comb, comb * values)
            ),
        ]
        if contrast is None:
            n, v, c, cc, cv = (each.sum() for each in sums)
            contrast = float((cv - c * v / n) / max(cc - c * c / n, TINY))
        n, v, c, cc, cv = window_means(np.stack(sums), self._weights)
        some = n > 0
        n = np.where(some, n, 1)
        spread = np.maximum(cc - c * c / n, 0)
        usual = max(OF_ALL * spread[some].mean(), TINY)
        found = (cv - c * v / n + usual * contrast) / (spread + usual)
        level = np.where(some, (v - found * c) / n, 0)
        rows, columns = self._hats
        return self._padded(rows @ level @ columns.T, mode="edge"), found, contrast

    def at(self, blocks, positions):
        """Values of blocks at some positions (n, 2), linear between them: (n,)."""
        places = (positions - (self._block - 1) / 2) / self._block
        last = np.subtract(blocks.shape, 1)
        places = np.clip(places, 0, last)
        first = np.minimum(places.astype(int), np.maximum(last - 1, 0))
        share, found = places - first, 0.0
        for step in np.ndindex(2, 2):
            weight = np.where(step, share, 1 - share).prod(axis=1)
            found = found + weight * blocks[tuple(np.minimum(first + step, last).T)]
        return found

    def overdispersion(self, scaled, width):
        """Variance of a column's amplitude over that with white noise, 1 at least.

        The filter that measures an amplitude has the autocorrelation of a Gaussian of
        sqrt(2) times its width; those of the noise, up to lags of 3 pixels, count by
        that.

        Parameters
        ----------
        scaled : (n,) numpy.ndarray of float64
            Residuals over their standard deviation.
        width : float
            Of a column, in pixels.
        """
        rest = self.frame(scaled).astype(np.float32)
        rows, columns = rest.shape
        total, own = 1.0, max(float(np.vdot(rest, rest)), TINY)
        for dy in range(LAG + 1):
            for dx in range(-LAG if dy else 1, LAG + 1):
                if dy * dy + dx * dx > LAG * LAG:
                    continue
                first = rest[: rows - dy, max(0, -dx) : columns - max(0, dx)]
                other = rest[dy:, max(0, dx) : columns - max(0, -dx)]
                weight = np.exp(-(dy * dy + dx * dx) / (4 * width**2))
                product = np.einsum("ij,ij->", first, other)
                total += 2 * weight * float(product) / own
        return max(total, 1.0)


def _hats(n, block):
    """Weights of the blocks in the pixels of a line, linear: (n, blocks) array."""
    numbers = np.arange(-(-n // block))
    places = (np.arange(n) - (block - 1) / 2) / block
    places = np.clip(places, 0, numbers[-1])
    return np.maximum(1 - np.abs(places[:, np.newaxis] - numbers), 0)


class Patches:
    """The pixels about some columns, and their Gaussians.

    Parameters
    ----------
    canvas : Canvas
    positions : (n, 2) numpy.ndarray of float64
    widths : (n,) numpy.ndarray of float64
        Standard deviations, in pixels.

    Attributes
    ----------
    index : (n, m) numpy.ndarray of int
        Of the pixels, in flat arrays.
    distances, shapes : (n, m) numpy.ndarray of float64
        Squared distances, in widths, and Gaussians of height 1.
    """

    def __init__(self, canvas, positions, widths):
        middles = np.rint(positions).astype(int)
        self.index = canvas.index(middles)
        rest = middles - positions
        self._y, self._x = (
            canvas.offsets[:, i] + rest[:, i, np.newaxis] for i in range(2)
        )
        self._inverse = 1 / widths[:, np.newaxis] ** 2
        self.distances = (self._y**2 + self._x**2) * self._inverse
        self.shapes = np.exp(-0.5 * self.distances)
        self._canvas = canvas

    def slopes(self, amplitudes):
        """Changes with amplitude, y and x: three (n, m) numpy.ndarrays."""
        scaled = self.shapes * (amplitudes[:, np.newaxis] * self._inverse)
        return self.shapes, scaled * self._y, scaled * self._x

    def drawn(self, weights, shapes=None):
        """Sum of the Gaussians, or of other shapes, in the frame: flat array."""
        shapes = self.shapes if shapes is None else shapes
        values = weights[:, np.newaxis] * shapes
        return np.bincount(self.index.ravel(), values.ravel(), self._canvas.size)


class Evidence(NamedTuple):
    """What the pixels say of columns, to second order.

    Attributes
    ----------
    gradients : (n, 3) numpy.ndarray of float64
        Of the quasi-log-likelihood by amplitude, y and x.
    information : (n, 3, 3) numpy.ndarray of float64
        Fisher's.
    by_width : (5, n) numpy.ndarray of float64
        Gradients by relative changes of amplitude and width, and their information
        (amplitude, both, width).
    gains : (n,) numpy.ndarray of float64
        Quasi-log-likelihood that a column gains over none.
    """

    gradients: np.ndarray
    information: np.ndarray
    by_width: np.ndarray
    gains: np.ndarray

    @classmethod
    def of(cls, canvas, patches, expected, amplitudes, missing, noise):
        """Evidence of a frame: Evidence.

        Parameters
        ----------
        canvas : Canvas
        patches : Patches
        expected : (n,) numpy.ndarray of float64
            Flat.
        amplitudes : (columns,) numpy.ndarray of float64
        missing : (columns,) numpy.ndarray of float64
            What each lacks of its amplitude in the expected intensity.
        noise : Noise
        """
        index = patches.index
        values, valid = canvas.values[index], canvas.valid[index]
        full = expected[index] + missing[:, np.newaxis] * patches.shapes
        weights = valid / noise.variance(full)
        rest = (values - full) * weights
        slopes = patches.slopes(amplitudes)
        gradients = np.stack([_along(rest, each) for each in slopes], axis=1)
        information = np.empty((len(amplitudes), 3, 3))
        for i, one in enumerate(slopes):
            weighted = weights * one
            for j in range(i, 3):
                information[:, i, j] = information[:, j, i] = _along(
                    weighted, slopes[j]
                )
        wider = patches.distances * patches.shapes
        weighted = weights * wider
        by_width = np.stack(
            [
                amplitudes * gradients[:, 0],
                amplitudes * _along(rest, wider),
                amplitudes**2 * information[:, 0, 0],
                amplitudes**2 * _along(weighted, patches.shapes),
                amplitudes**2 * _along(weighted, wider),
            ]
        )
        without = full - amplitudes[:, np.newaxis] * patches.shapes
        gains = _along(noise.gain(values, without, full), valid)
        return cls(gradients, information, by_width, gains)


def _along(first, second):
    """Sums of the products over the pixels of each column: (n,) numpy.ndarray."""
    return np.einsum("nk,nk->n", first, second)
