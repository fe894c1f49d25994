# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame as a sum of columns on a background, and what its pixels say of each."""

from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.kernels import compiled
from hyperspy_symseg.templates.blocks import gaussian_weights, sum_blocks, window_means
from hyperspy_symseg.templates.normalized_frame import block_size

_column_model = compiled("_column_model")

# Half a side of the square of pixels that a column is drawn and measured in, in its
# widths.
REACH = 3.0
# Standard deviation of the window of background and contrast, in blocks, and what the
# contrast of all the frame counts in it, beside a window full of columns.
WINDOW, OF_ALL = 4.5, 0.05
# Classes of intensity that the noise is measured in, the least variance, of that of the
# mean intensity, and how often the line is fitted, with its own weights.
CLASSES, LEAST_VARIANCE, ROUNDS = 12, 0.05, 3
# Standard deviations by which rows are displaced more than by noise, at least.
CLEAR = 5.0
# Lags up to which noise is correlated, in pixels.
LAG = 3
# Change of a width in a step, at most, and its range, in what is begun with.
WIDER, WIDEST = 1.2, 1.8
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

    @classmethod
    def of(cls, sizes, levels, squared):
        """Noise of squared residuals, by the expected intensity: Noise.

        Parameters
        ----------
        sizes, levels, squared : (n,) numpy.ndarray of float64
            Number of pixels in each class, and their means.
        """
        mean = max(float(sizes @ squared / sizes.sum()), TINY)
        fitted = np.full(len(levels), mean)
        for _ in range(ROUNDS):
            weights = sizes / np.maximum(fitted, LEAST_VARIANCE * mean) ** 2
            middle = np.average(levels, weights=weights)
            spread = weights @ (levels - middle) ** 2
            slope = weights @ ((levels - middle) * squared) / max(spread, TINY)
            if not spread > 0:
                slope = 0.0
            constant = np.average(squared, weights=weights) - slope * middle
            fitted = constant + slope * levels
        return cls(float(constant), float(slope), LEAST_VARIANCE * mean)


class Canvas:
    """The pixels of a frame.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of float64
    valid : (rows, columns) numpy.ndarray of bool
        Pixels that count.
    period : float
        In pixels.

    Attributes
    ----------
    values : (rows, columns) numpy.ndarray of float64
        0 where not valid.
    valid : (rows, columns) numpy.ndarray of uint8
    unit, zero : float
        Difference of intensity that is 1 in the values, and intensity that is 0.
    """

    def __init__(self, values, valid, period):
        self.unit, self.zero = 1.0, 0.0
        self.values = np.ascontiguousarray(np.where(valid, values, 0.0))
        self.valid = np.ascontiguousarray(valid.astype(np.uint8))
        self._block = block_size(period)
        self._weights = gaussian_weights(WINDOW, np.float64)
        self._hats = [_hats(n, self._block) for n in values.shape]
        self._sums = [
            sum_blocks(each.astype(np.float64), self._block)
            for each in (self.valid, self.values)
        ]

    @classmethod
    def scaled(cls, values, valid, period):
        """Canvas of a frame less its mean, in units of its standard deviation.

        Parameters
        ----------
        values : (rows, columns) numpy.ndarray of any real dtype
        valid, period
            As in the class.
        """
        values = np.where(valid, values, 0).astype(float)
        # First by the largest one: squares of some float64 are none.
        largest = float(np.abs(values).max()) or 1.0
        values /= largest
        used = values[valid]
        mean = used.mean() if used.size else 0.0
        unit = float(used.std()) if used.size else 0.0
        canvas = cls((values - mean) / (unit or 1.0), valid, period)
        canvas.unit, canvas.zero = (unit or 1.0) * largest, mean * largest
        return canvas

    def drawn(self, columns, heights):
        """Sum of columns of some heights: (rows, columns) numpy.ndarray of float64.

        Parameters
        ----------
        columns : Columns
        heights : (n,) numpy.ndarray of float64
        """
        out = np.zeros(self.values.shape)
        how = columns.positions, np.ascontiguousarray(heights), columns.widths
        _column_model.draw(*how, REACH, out)
        return out

    def leverage(self, columns, covariance):
        """Share that columns take of the residuals, times their variance: as `drawn`.

        Parameters
        ----------
        columns : Columns
        covariance : (n, 3, 3) numpy.ndarray of float64
            Of amplitudes and positions.
        """
        i, j = np.triu_indices(3)
        weights = covariance[:, i, j] * np.where(i == j, 1.0, 2.0)
        out = np.zeros(self.values.shape)
        how = columns.positions, columns.amplitudes, columns.widths
        _column_model.leverage(*how, np.ascontiguousarray(weights), REACH, out)
        return out

    def noise(self, expected, leverages, rest=None):
        """Noise that an expected intensity leaves: Noise.

        Parameters
        ----------
        expected, leverages : (rows, columns) numpy.ndarray of float64
            And the share of the residuals that a fit takes.
        rest : (rows, columns) numpy.ndarray of float64, optional
            Residuals, if they are not those of the values.
        """
        sums = np.empty((CLASSES, 3))
        values = self.values if rest is None else expected + rest
        own = values, self.valid, expected, leverages
        ends = float(expected.min()), float(expected.max())
        _column_model.classes(*own, *ends, sums)
        sums = sums[sums[:, 0] > 0]
        sizes = sums[:, 0]
        return Noise.of(sizes, sums[:, 1] / sizes, sums[:, 2] / sizes)

    def background(self, comb, contrast):
        """Background and contrast near the pixels, by least squared in a window.

        Parameters
        ----------
        comb : (rows, columns) numpy.ndarray of float64
            Columns with a contrast of 1.
        contrast : float or None
            That of all the frame; None: it is measured first.

        Returns
        -------
        background : (rows, columns) numpy.ndarray of float64
        contrasts : (block rows, block columns) numpy.ndarray of float64
        contrast : float
            Of all the frame.
        """
        comb, values = comb * self.valid, self.values
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
        return rows @ level @ columns.T, found, contrast

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
        scaled : (rows, columns) numpy.ndarray of float64
            Residuals over their standard deviation.
        width : float
            Of a column, in pixels.
        """
        rest = scaled.astype(np.float32)
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


def scan_variance(rest, expected, noise):
    """Variance of the displacements of rows along x, by what is left of each.

    With the slope m_x of the expected intensity and the residual r of a pixel, a row
    that is displaced by d has the sum S of r m_x / V, which is d I in the mean, with
    the variance I, the sum of m_x^2 / V.

    Parameters
    ----------
    rest : (rows, columns) numpy.ndarray of float64
        0 where a pixel does not count.
    expected : (rows, columns) numpy.ndarray of float64
    noise : Noise

    Returns
    -------
    variance : float
        In pixels squared; 0 if it is not clearly more than none.
    rest : (rows, columns) numpy.ndarray of float64
        Without the displacements, if there are any.
    """
    slopes = np.gradient(expected, axis=1) * (rest != 0)
    inverse = 1 / noise.variance(expected)
    sums = np.einsum("ij,ij,ij->i", rest, slopes, inverse)
    information = np.einsum("ij,ij,ij->i", slopes, slopes, inverse)
    excess, all_of = (sums**2 - information).sum(), (information**2).sum()
    if not excess > CLEAR * np.sqrt(2 * all_of):
        return 0.0, rest
    steps = np.divide(sums, information, out=np.zeros_like(sums), where=information > 0)
    return float(excess / all_of), rest - steps[:, np.newaxis] * slopes


def _hats(n, block):
    """Weights of the blocks in the pixels of a line, linear: (n, blocks) array."""
    numbers = np.arange(-(-n // block))
    places = (np.arange(n) - (block - 1) / 2) / block
    places = np.clip(places, 0, numbers[-1])
    return np.maximum(1 - np.abs(places[:, np.newaxis] - numbers), 0)


class Columns(NamedTuple):
    """Columns as they are drawn: C-contiguous.

    Attributes
    ----------
    positions : (n, 2) numpy.ndarray of float64
    amplitudes, widths : (n,) numpy.ndarray of float64
        Heights, and standard deviations in pixels.
    """

    positions: np.ndarray
    amplitudes: np.ndarray
    widths: np.ndarray


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
        Quasi-log-likelihood that a column gains over none (see `Noise`): with the
        variance V of the intensity m, it is the integral of (x - m) / V from one to the
        other (R. W. M. Wedderburn, Biometrika 61, 439 (1974)).
    seen : (n,) numpy.ndarray of float64
        Share of a column that is on pixels that count.
    """

    gradients: np.ndarray
    information: np.ndarray
    by_width: np.ndarray
    gains: np.ndarray
    seen: np.ndarray

    def displaced(self, variance, widths):
        """The same where rows are displaced along x: Evidence.

        The rows of a column count with a Gaussian of its width over the root of 2.

        Parameters
        ----------
        variance : float
            From `scan_variance`.
        widths : (n,) numpy.ndarray of float64
        """
        added = variance / (np.sqrt(2 * np.pi) * widths)
        share = 1 / (1 + added * self.information[:, 2, 2])
        information, gradients = self.information.copy(), self.gradients.copy()
        gradients[:, 2] *= share
        information[:, 2, :] *= np.sqrt(share)[:, np.newaxis]
        information[:, :, 2] *= np.sqrt(share)[:, np.newaxis]
        return self._replace(gradients=gradients, information=information)

    def sharpened(self, variances, widths):
        """The same where columns are drawn where they seem to be: Evidence.

        A place q of the largest posterior follows the noise. So what is seen about it
        is narrower and higher than the column, w^2 - e^2 instead of the square of its
        width, with the variance e^2 of the place: that the true place is e away makes
        it wider by e^2, but the noise that q has followed makes it narrower by twice of
        that. The sum over its pixels is the same. Steps of the column itself are seen
        with its own height, which is smaller by w^2 / (w^2 + e^2), of the width w that
        was found.

        Parameters
        ----------
        variances : (n,) numpy.ndarray of float64
            Of the places along an axis.
        widths : (n,) numpy.ndarray of float64
            As they were found.
        """
        share = 1 / (1 + variances / widths**2)
        information, gradients = self.information.copy(), self.gradients.copy()
        gradients[:, 1:] *= share[:, np.newaxis]
        information[:, 1:] *= share[:, np.newaxis, np.newaxis]
        information[:, :, 1:] *= share[:, np.newaxis, np.newaxis]
        return self._replace(gradients=gradients, information=information)

    @classmethod
    def of(cls, canvas, columns, expected, missing, noise):
        """Evidence of a frame: Evidence.

        Parameters
        ----------
        canvas : Canvas
        columns : Columns
        expected : (rows, columns) numpy.ndarray of float64
        missing : (n,) numpy.ndarray of float64
            What each lacks of its amplitude in the expected intensity.
        noise : Noise
        """
        amplitudes = columns.amplitudes
        sums = np.empty((len(amplitudes), _column_model.N_SUMS))
        each = np.column_stack([amplitudes, missing, columns.widths])
        _column_model.evidence(
            canvas.values,
            canvas.valid,
            expected,
            columns.positions,
            each,
            np.array(noise),
            REACH,
            sums,
        )
        i, j = np.triu_indices(3)
        information = np.empty((len(amplitudes), 3, 3))
        information[:, i, j] = information[:, j, i] = sums[:, 3:9]
        factors = amplitudes ** np.array([1, 1, 2, 2, 2])[:, np.newaxis]
        by_width = factors * sums[:, [0, 9, 3, 10, 11]].T
        return cls(sums[:, :3], information, by_width, sums[:, 12], sums[:, 13])


def width_step(sums, off, known):
    """Step of the logarithm of a width, by Fisher's scoring.

    All amplitudes may change with it.

    Parameters
    ----------
    sums : (5,) numpy.ndarray of float64
        Of `Evidence.by_width`, over the columns of that width.
    off : float
        Logarithm of the width over that which is thought of beforehand.
    known : float
        Standard deviation of that logarithm, beforehand.

    Returns
    -------
    float
        At most the logarithm of `WIDER`, either way.
    """
    a, w, aa, aw, ww = sums
    left = np.array([[aa + 1, aw], [aw, ww + 1 / known**2]])
    step = np.linalg.solve(left, [a, w - off / known**2])[1]
    return float(np.clip(step, -np.log(WIDER), np.log(WIDER)))
