# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that a detector or a scan has spoilt: spikes, lines, offsets of lines."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from .blocks import ratio

# The least square of a spike's distance, in variances, and the largest share of a cell
# that spikes take, unless all have the same value.
FAR_VARIANCE, MOST_SPIKES = 20.0**2, 0.03
# A variance below this fraction of the mean square is none.
NO_VARIANCE = 1e-10
# Cells along a span of a line whose mean is judged, and lines about it that it is
# compared with, in cells to each side.
SPAN, AROUND = 8, 1.5
# A line is spoilt beyond these quantiles of the lines about it, by this many distances
# of the two. It is suspicious from this many standard deviations from their mean on.
LOW, HIGH, BEYOND, SUSPICIOUS = 0.1, 0.9, 3.0, 2.5
# Pixels of a span that are looked at first, whether they have one value; and the share
# of the pixels of lines about it that may have this, too.
FIRST_LOOK, RARE = 8, 0.02
# Power of the means of lines, beside that of independent pixels, from which on all have
# offsets; the first frequency that counts, and the median power of noise of mean 1.
OFFSETS, SLOWEST, MEDIAN_OF_POWER = 10.0, 3, np.log(2)
# The same power of whole lines; and that of a lattice along them, over the median.
OFFSETS_OF_WHOLE, ALIGNED = 20.0, 30.0


def find_spikes(values, sums, energies, counts, side):
    """Pixels far from all others near by, such as those hit by cosmic rays, or None.

    Mean and variance of a cell are compared with the medians of the 5 x 5 about it. A
    cell with many such pixels has another structure, unless all have one value: then
    they are saturated.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of float64
    sums, energies, counts : (cell rows, cell columns) numpy.ndarray of float64
        Of the values and their squares, and of valid pixels.
    side : int
        Of a cell, in pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool, or None
    """
    counted = np.maximum(counts, 1)
    means = sums / counted
    variances = energies / counted - means**2
    # In few cells a pixel is so far away that its square makes up the variance; in none
    # that does not even stand out from the lowest variance about it.
    lowest = np.maximum(ndimage.minimum_filter(variances, 5, mode="nearest"), 0)
    outstanding = variances * counted > lowest * FAR_VARIANCE
    # A cell that is saturated throughout has no variance at all.
    constant = (variances <= NO_VARIANCE * means**2) & (counts > 0)
    wanted = outstanding | constant
    level, variance = _medians(np.stack([means, variances]), wanted)
    far = np.maximum(variance, 0) * FAR_VARIANCE
    deviation = np.where(constant, (means - level) ** 2, variances * counted)
    suspects = wanted & (deviation > np.maximum(far, NO_VARIANCE * level**2))
    if not suspects.any():
        return None
    level, far, most = (
        each[suspects, np.newaxis, np.newaxis]
        for each in (level, far, np.maximum(1, MOST_SPIKES * counted))
    )
    rows, columns = _pixels_of(suspects, side)
    inside = (rows < values.shape[0]) & (columns < values.shape[1])
    last = (n - 1 for n in values.shape)
    pixels = values[tuple(map(np.minimum, (rows, columns), last))]
    spikes = inside & ((pixels - level) ** 2 > far)
    few = spikes.sum(axis=(1, 2), keepdims=True) <= most
    spikes &= few | _have_one_value(pixels, spikes)
    if not spikes.any():
        return None
    found = np.zeros(values.shape, bool)
    found[rows[spikes], columns[spikes]] = True
    return found


def _pixels_of(chosen, side):
    """Rows and columns of the pixels of cells: twice (cells, side, side) of int."""
    steps = np.arange(side)
    y, x = (side * each[:, np.newaxis] + steps for each in np.nonzero(chosen))
    return np.broadcast_arrays(y[:, :, np.newaxis], x[:, np.newaxis, :])


def _medians(arrays, wanted):
    """Medians of the 5 x 5 about the wanted elements, within arrays; 0 elsewhere."""
    sides = [min(5, n) for n in wanted.shape]
    indices = np.nonzero(wanted)
    first = tuple(
        np.clip(own - side // 2, 0, n - side)
        for own, side, n in zip(indices, sides, wanted.shape, strict=True)
    )
    around = sliding_window_view(arrays, sides, axis=(1, 2))[:, *first]
    around = around.reshape(len(arrays), -1, math.prod(sides))
    medians = np.zeros_like(arrays)
    medians[:, *indices] = np.median(around, axis=2, overwrite_input=True)
    return medians


def _have_one_value(pixels, chosen):
    """Cells in which all pixels that are chosen are the same: (cells, 1, 1) of bool."""
    low = pixels.min(axis=(1, 2), keepdims=True, initial=np.inf, where=chosen)
    high = pixels.max(axis=(1, 2), keepdims=True, initial=-np.inf, where=chosen)
    return high - low <= np.sqrt(NO_VARIANCE) * np.abs(high)


def _fill_gaps(means, known):
    """Means (lines, spans) where not known: by the lines next to them, in place."""
    places = np.arange(len(means))
    for own, is_known in zip(means.T, known.T, strict=True):
        if is_known.any():
            own[:] = np.interp(places, places[is_known], own[is_known])


class Lines:
    """Rows or columns of a frame, by the means of their spans.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of float64
        0 where not valid.
    valid : (rows, columns) numpy.ndarray of bool or None
        None if all pixels are.
    cell : int
        Side of a cell in pixels.
    axis : int
        Along which the lines run: 1 for rows, 0 for columns.

    Attributes
    ----------
    spoilt : (lines, spans) numpy.ndarray of bool
        Brighter or darker than all lines near by, among which are all of a lattice; or
        of one value, which few pixels near by have.
    """

    def __init__(self, values, valid, cell, axis):
        self._values, self._valid, self._cell, self._axis = values, valid, cell, axis
        length, span = values.shape[axis], SPAN * cell
        self._starts = np.arange(0, max(length - span // 2, 1), span)
        self._sizes = np.diff(np.append(self._starts, length))
        sums, counts = self._sums(values), self._sizes.astype(float)
        if valid is not None:
            counts = self._sums(valid)
        self._means = sums / np.maximum(counts, 1)
        if valid is not None:
            _fill_gaps(self._means, counts > 0)
        self._reach = round(AROUND * cell)
        self.spoilt = (self._find_spoilt() | self._find_constant()) & (counts > 0)

    def _sums(self, values):
        """Sums of the spans: (lines, spans) numpy.ndarray."""
        if self._axis == 1:
            return np.add.reduceat(values, self._starts, axis=1, dtype=np.float64)
        # Ten times faster than the same along the first axis.
        n = len(self._starts) - 1
        shape = n, SPAN * self._cell, values.shape[1]
        whole = values[: self._starts[-1]].reshape(shape)
        sums = np.empty((n + 1, values.shape[1]))
        whole.sum(axis=1, out=sums[:n])
        values[self._starts[-1] :].sum(axis=0, out=sums[n])
        return sums.T

    def _find_spoilt(self):
        """Spans that are beyond those near by: (lines, spans) array of bool."""
        reach = self._reach
        size = 2 * reach + 1
        if len(self._means) < size:
            return np.zeros(self._means.shape, bool)
        spoilt = _spoilt_lines(self._means, reach)
        if spoilt.any():
            # A line that is far off hides others near by.
            usual = ndimage.median_filter(self._means, (size, 1), mode="mirror")
            means = np.where(spoilt, usual, self._means)
            spoilt |= _spoilt_lines(means, reach)
        return spoilt

    def _find_constant(self):
        """Spans of one value that is rare near by: (lines, spans) array of bool."""
        values, found = self._values, np.zeros(self._means.shape, bool)
        if self._valid is not None:
            values = np.where(self._valid, values, np.nan)
        values = values.T if self._axis == 1 else values
        for k, (start, n) in enumerate(zip(self._starts, self._sizes, strict=True)):
            pixels = values[start : start + n]
            few = np.ascontiguousarray(pixels[:: math.ceil(n / FIRST_LOOK)])
            constant = np.flatnonzero(_are_constant(few))
            constant = constant[_are_constant(pixels[:, constant])]
            for i in constant:
                found[i, k] = _is_rare(pixels, i, constant, self._reach)
        return found

    @property
    def n_spoilt(self):
        """Number of lines with a spoilt span: int."""
        return int(self.spoilt.any(axis=1).sum())

    def pixels(self):
        """Pixels of the lines that are spoilt: (rows, columns) array of bool."""
        lines = np.repeat(self.spoilt, self._sizes, axis=1)
        return lines if self._axis == 1 else lines.T

    def have_offsets(self, variances):
        """Whether nearly every line has an offset of its own: bool.

        They have if the power of the means exceeds that of independent pixels by far at
        most frequencies: a lattice has power at few frequencies only. The means are
        those of spans or of whole lines, and the median of crops of the frame counts.

        Parameters
        ----------
        variances : (crops along y, crops along x) numpy.ndarray of float64
            Variance of the pixels within cells, in crops whose sides are a span.
        """
        means = self._means
        if self.spoilt.any():
            means = np.where(self.spoilt, np.median(means, axis=0), means)
        variances = variances if self._axis == 1 else variances.T
        variances = variances[:, : len(self._sizes)]
        power, _ = self._power(means, variances / self._sizes)
        if power > OFFSETS:
            return True
        # Of lines with gaps, some have few pixels only.
        if self._valid is not None:
            return False
        # An offset that is small beside the contrast of a span is not in a line. But
        # reflections along the lines would be lost with it.
        weights = self._sizes / self._sizes.sum()
        whole = (means @ weights)[:, np.newaxis]
        expected = variances.mean(axis=1, keepdims=True) / self._sizes.sum()
        power, highest = self._power(whole, expected)
        return bool(power > OFFSETS_OF_WHOLE and highest < ALIGNED * power)

    def _power(self, means, expected):
        """Power of means (lines, k) over their variances (crops, k): two float.

        The median of the frequencies and the largest, in the median of the crops; 0 if
        that cannot be much.
        """
        n = min(SPAN * self._cell, len(means))
        crops = means[: len(means) // n * n].reshape(-1, n, means.shape[1])
        crops = crops - crops.mean(axis=1, keepdims=True)
        expected = expected[: len(crops)]
        varied = expected > 0
        if not varied.any():
            return 0.0, 0.0

        def median_of_crops(power):
            return np.median(power[varied] / expected[varied])

        # Half of the frequencies have at least the median power.
        if median_of_crops((crops**2).mean(axis=1)) < OFFSETS / 4:
            return 0.0, 0.0
        window = np.hanning(n + 2)[1:-1, np.newaxis]
        spectrum = np.fft.rfft(crops * window, axis=1)[:, SLOWEST:]
        power = spectrum.real**2 + spectrum.imag**2
        power /= (window**2).sum() * MEDIAN_OF_POWER
        return tuple(
            median_of_crops(each(power, axis=1)) for each in (np.median, np.max)
        )

    def offsets(self):
        """Running means of the lines: (rows, columns) numpy.ndarray of float64."""
        size = 2 * SPAN * self._cell + 1
        valid = np.ones(self._values.shape) if self._valid is None else self._valid
        sums, counts = (
            ndimage.uniform_filter1d(
                each.astype(float), size, axis=self._axis, mode="constant"
            )
            for each in (self._values, valid)
        )
        return ratio(sums, counts)


def _are_constant(pixels):
    """Lines (n, lines) that have one value, but for NaN: (lines,) array of bool."""
    return np.fmin.reduce(pixels, axis=0) == np.fmax.reduce(pixels, axis=0)


def _is_rare(pixels, line, constant, reach):
    """Whether few pixels (n, lines) near a constant line have its value: bool.

    Other constant lines do not count; if most are, nothing is known.
    """
    near = np.arange(max(line - reach, 0), min(line + reach + 1, pixels.shape[1]))
    others = pixels[:, np.setdiff1d(near, constant)]
    if 2 * others.shape[1] < len(near):
        return False
    same = others == np.fmax.reduce(pixels[:, line])
    return bool(same.sum() < RARE * np.isfinite(others).sum())


def _spoilt_lines(means, reach):
    """Lines whose means (lines, spans) are beyond all those near by: bool array."""
    size, spoilt = 2 * reach + 1, np.zeros(means.shape, bool)
    # A line that is far from most lines has a large share in their variance, too.
    level, power = (
        ndimage.uniform_filter1d(each, size, axis=0, mode="mirror")
        for each in (means, means**2)
    )
    deviation = (means - level) ** 2
    indices = np.nonzero(deviation > SUSPICIOUS**2 * (power - level**2))
    rows = np.clip(indices[0], reach, len(means) - 1 - reach)
    around = rows[:, np.newaxis] + np.arange(-reach, reach + 1)
    ranks = round(LOW * (size - 1)), round(HIGH * (size - 1))
    around = np.partition(means[around, indices[1][:, np.newaxis]], ranks, axis=1)
    low, high = around[:, ranks].T
    beyond = BEYOND * (high - low)
    own = means[indices]
    spoilt[indices] = (own > high + beyond) | (own < low - beyond)
    return spoilt
