# SPDX-License-Identifier: GPL-3.0-or-later
"""Power spectrum of frames, its noise floor, and the maxima that are above noise."""

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage, special

from hyperspy_symseg.frames.flat import flat_areas
from hyperspy_symseg.frames.peaks import maxima, steps_within, vertex_shifts
from hyperspy_symseg.frames.threads import n_workers
from hyperspy_symseg.frames.valid import valid_pixels

# Rows and columns of a crop, at most, and the number of crops along an axis.
CROP = 1024
MOST_CROPS = 2
# Periods looked for: from this many pixels to this fraction of the shorter side.
SHORTEST = 3
LONGEST = 1 / 4
# Sides of a frame, at least: smaller ones have too few frequencies to tell the noise.
SMALLEST = 16
# Chance that any maximum is significant in a frame of pure noise.
FALSE_ALARMS = 1e-3
# Maxima weaker than this, beside the strongest, may be its side lobes; but not where
# the frequency is so many times higher: there atoms under a strong moire have theirs.
WEAKEST, FAR = 1e-3, 3
# Width of the rings of the floor, in bins, and samples of each.
RING = 4
SAMPLES = 1024
# Bins along a line of the spectrum that its floor is the median of.
LINE_LENGTH = 31
# Points of half a circle in the spectrum, which the floor there is of.
CIRCLE = 180
# Outliers are this many times as far from the others as these are from each other.
OUTLIERS = 3
# Pixels that tell what an outlier is, at least.
SAMPLE = 2**13
# A sixth of the side of flat squares that are left out, in pixels.
FLAT_BLOCK = 4
# A contrast this small, beside the largest one, is rounding noise.
ROUNDING = 1e-6
# A power this small, beside the largest one in the spectrum, is leakage or rounding.
ROUNDING_POWER = 1e-9


@dataclass(frozen=True)
class Spectrum:
    """Power spectrum, averaged over frames.

    Attributes
    ----------
    power : (rows, columns // 2 + 1) numpy.ndarray of float32
        For the frequencies of ``scipy.fft.rfft2``. White noise has 1 on average.
    shape : (int, int)
        Rows and columns that were transformed.
    radii, floor : (rings,) numpy.ndarray of float64
        Frequencies in cycles a pixel, and the power of the noise there.
    band : (float, float)
        Lowest and highest frequency that is looked for.
    n_independent : float
        Number of independent spectra that the noise is the mean of: 1, or more for
        several frames, of which some noise is the same, such as that of an amorphous
        film.
    false_alarms : float
        Expected number of maxima above the threshold, if there is only noise.
    """

    power: np.ndarray
    shape: tuple[int, int]
    radii: np.ndarray
    floor: np.ndarray
    band: tuple[float, float]
    n_independent: float
    false_alarms: float = FALSE_ALARMS

    @property
    def threshold(self):
        """Ratio to the floor that noise exceeds as often as `false_alarms`: float."""
        low, high = self.band
        # Of a half-plane.
        n_bins = math.pi / 2 * (high**2 - low**2) * math.prod(self.shape)
        n_bins *= FALSE_ALARMS / self.false_alarms
        return float(noise_threshold(self.n_independent, n_bins))

    @property
    def noise_power(self):
        """Power of the noise floor, from the lowest frequency looked for: float."""
        used = self.radii >= self.band[0]
        width = self.radii[1] - self.radii[0]
        rings = 2 * math.pi * width * self.radii[used] @ self.floor[used]
        corners = 1 - math.pi * (self.radii[-1] + width / 2) ** 2
        return float(rings + corners * self.floor[-1])

    def frequencies(self, rows, columns):
        """Frequencies (gy, gx) of bins, in cycles a pixel.

        Parameters
        ----------
        rows, columns : (n,) numpy.ndarray
            Indices in `power`, whole or not; rows may be negative.

        Returns
        -------
        (n, 2) numpy.ndarray of float64
        """
        half = self.shape[0] / 2
        rows = (rows + half) % self.shape[0] - half
        return np.stack([rows / self.shape[0], columns / self.shape[1]], axis=-1)

    def floor_at(self, radii):
        """Power of the noise at frequencies.

        Parameters
        ----------
        radii : numpy.ndarray
            In cycles a pixel.

        Returns
        -------
        numpy.ndarray of float64
        """
        return np.exp(np.interp(radii, self.radii, np.log(self.floor)))

    def power_at(self, rows, columns):
        """Power of bins, of the other half-plane too.

        Parameters
        ----------
        rows, columns : numpy.ndarray of int
            Indices in `power`, or beyond its edges.

        Returns
        -------
        numpy.ndarray of float32
        """
        columns = columns % self.shape[1]
        mirrored = columns > self.shape[1] // 2
        rows = np.where(mirrored, -rows, rows) % self.shape[0]
        return self.power[rows, np.where(mirrored, self.shape[1] - columns, columns)]


class Reflections(NamedTuple):
    """Significant maxima of a power spectrum, the strongest first.

    Attributes
    ----------
    frequencies : (n, 2) numpy.ndarray of float64
        (gy, gx) in cycles a pixel; gx is not negative, but for a fraction of a bin.
    powers : (n,) numpy.ndarray of float64
        Power of each, as a fraction of that of all reflections and of the noise floor:
        slow variations and lines of a scan count as neither.
    ratios : (n,) numpy.ndarray of float64
        Height of the maximum over the noise floor.
    """

    frequencies: np.ndarray
    powers: np.ndarray
    ratios: np.ndarray


def noise_threshold(n_independent, n_bins, count=1):
    """Sum of ratios to the floor that noise exceeds in one of a thousand spectra.

    The power of noise is exponentially distributed about its mean, and a mean of n such
    values follows a gamma distribution.

    Parameters
    ----------
    n_independent : float
        Number of independent spectra that the ratios are means of.
    n_bins : float
        Number of places in the spectrum that are looked at.
    count : int or numpy.ndarray of int
        Number of ratios that are added up; at least 1.

    Returns
    -------
    float or numpy.ndarray
    """
    chance = FALSE_ALARMS / max(1, n_bins)
    return special.gammainccinv(n_independent * count, chance) / n_independent


def crops(shape):
    """Crops of a large frame, spread over it.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    list of (slice, slice)

    Examples
    --------
    >>> for rows, columns in crops((2050, 1030)):
    ...     print(rows, columns)
    slice(0, 1024, None) slice(3, 1027, None)
    slice(1025, 2049, None) slice(3, 1027, None)
    """
    along = []
    for n in shape:
        size, count = min(n, CROP), min(MOST_CROPS, max(1, n // CROP))
        gap = (n - count * size) / count
        starts = [int((i + 0.5) * gap + i * size) for i in range(count)]
        along.append([slice(start, start + size) for start in starts])
    return list(itertools.product(*along))


def power_spectrum(frames):
    """Power spectrum of frames.

    Parameters
    ----------
    frames : iterable of (frame, mask)
        Frames, (rows, columns) numpy.ndarray of any real dtype, all of the same shape,
        each with its mask: None, or an array of bool, True where a pixel is left out.
        Pixels that are not finite are left out too.

    Returns
    -------
    Spectrum or None
        None if the frames are too small for any period, or have no contrast.
    """
    total, n_averaged = 0, 0
    for frame, mask in frames:
        for crop in crops(frame.shape):
            size = frame[crop].shape
            if min(size) < SMALLEST:
                return None
            power = power_of(frame[crop], None if mask is None else mask[crop])
            if power is not None:
                total = total + power
                n_averaged += 1
    return mean_spectrum(total, n_averaged, size) if n_averaged else None


def power_of(values, mask):
    """Power of values under a window, for the frequencies of a `Spectrum`.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    mask : (rows, columns) numpy.ndarray of bool or None

    Returns
    -------
    (rows, columns // 2 + 1) numpy.ndarray of float32, or None
        None if the values have no contrast.
    """
    # Some files are read transposed, which takes three times as long.
    windowed = _windowed(np.ascontiguousarray(values), mask)
    if windowed is None:
        return None
    size = _transformed(values.shape)
    transform = fft.rfft2(windowed, size, workers=n_workers())
    return transform.real**2 + transform.imag**2


def _transformed(size):
    """Rows and columns that are transformed, at least as many: (int, int)."""
    return tuple(fft.next_fast_len(n, real=True) for n in size)


def mean_spectrum(total, n_averaged, size, false_alarms=FALSE_ALARMS):
    """Mean of power spectra.

    Parameters
    ----------
    total : (rows, columns // 2 + 1) numpy.ndarray of float32
        Sum of what `power_of` gives.
    n_averaged : int
        Number of these.
    size : (int, int)
        Rows and columns of what they are of.
    false_alarms : float
        As in the `Spectrum`.

    Returns
    -------
    Spectrum
    """
    power, shape = total / np.float32(n_averaged), _transformed(size)
    radii, rings = _rings(power, shape, RING / math.sqrt(math.prod(size)))
    band = 1 / (LONGEST * min(size)), 1 / SHORTEST
    used = (radii >= band[0]) & (radii <= band[1])
    n_independent = _n_independent(rings[used], n_averaged)
    floor = np.median(rings, axis=1).astype(np.float64)
    # Over three rings next to each other, for the reflections may fill one.
    floor = ndimage.median_filter(floor, 3, mode="nearest")
    floor = np.maximum(floor, ROUNDING_POWER * power.max())
    floor /= _median_of_noise(n_independent)
    return Spectrum(power, shape, radii, floor, band, n_independent, false_alarms)


def _windowed(frame, mask):
    """High-passed frame under a Hann window, of unit square sum; None if constant."""
    valid = valid_pixels(frame, mask)
    # The period is not known yet: areas as large as several of most periods count.
    flat = flat_areas(frame, valid, FLAT_BLOCK)
    if flat is not None:
        valid = ~flat if valid is None else valid & ~flat
    weights = None if valid is None else valid.astype(np.float32)
    values = _centred(frame, valid)
    if values is None:
        return None
    values -= _background(values, weights)
    if weights is not None:
        values *= weights
    for axis, n in enumerate(frame.shape):
        hann = np.hanning(n + 2)[1:-1].astype(np.float32)
        values *= np.expand_dims(hann, 1 - axis)
    norm = math.sqrt(np.vdot(values, values))
    if norm <= ROUNDING * math.sqrt(values.size):
        return None
    values /= np.float32(norm)
    return values


def _centred(frame, valid):
    """Frame from -1 to 1, without outliers and 0 where invalid; None if constant.

    The spectrum of an outlier would cover all others. Valid is None if all pixels are.
    """
    some = (frame if valid is None else frame[valid]).ravel()
    if not some.size:
        return None
    # An odd step, for the columns of a frame are often even.
    some = some[:: max(1, some.size // SAMPLE) | 1]
    low, middle, high = np.percentile(some.astype(np.float64), (1, 50, 99))
    small = frame.dtype.kind in "bui" and frame.dtype.itemsize <= 2
    values = frame.astype(np.float32 if small else np.float64)
    values -= values.dtype.type(middle)
    if valid is not None:
        values[~valid] = 0
    if low < high:
        reach = OUTLIERS * (high - low)
        # In the precision of the values, or they would be converted twice.
        ends = low - middle - reach, high - middle + reach
        np.clip(values, *map(values.dtype.type, ends), out=values)
    largest = max(values.max(), -values.min())
    return (values / largest).astype(np.float32, copy=False) if largest else None


def _background(values, weights):
    """Mean about each pixel, under a Gaussian so broad that all periods stay."""
    sigma = LONGEST / 2 * min(values.shape)
    rows, columns = (_gaussians(n, sigma / math.sqrt(2)) for n in values.shape)
    mean = rows @ values @ columns.T
    if weights is None:
        mean /= rows.sum(axis=1)[:, np.newaxis] * columns.sum(axis=1)
    else:
        mean /= np.maximum(rows @ weights @ columns.T, 1e-6)
    # Gaussians this close to each other add up to a smooth surface.
    return (rows / rows.sum(axis=0)).T @ mean @ (columns / columns.sum(axis=0))


def _gaussians(n, sigma):
    """Gaussians about some nodes, one a row, at n pixels."""
    nodes = np.linspace(0, n - 1, math.ceil(1.5 * n / sigma) + 1)[:, np.newaxis]
    return np.exp(-0.5 * ((nodes - np.arange(n)) / sigma) ** 2).astype(np.float32)


def _rings(power, shape, width):
    """Radii of rings, and powers at points that fill each evenly, one ring a row."""
    radii = (np.arange(int(0.5 / width)) + 0.5) * width
    # Evenly by the golden ratio.
    along, across = np.arange(SAMPLES) / SAMPLES, np.arange(SAMPLES) * 0.618034 % 1
    sampled = radii[:, np.newaxis] + width * (across - 0.5)
    angle = np.pi * (along - 0.5)
    rows = np.rint(sampled * np.sin(angle) * shape[0]).astype(int)
    columns = np.rint(sampled * np.cos(angle) * shape[1]).astype(int)
    return radii, power[rows, columns]


def _n_independent(rings, n_averaged):
    """Number of independent spectra, by how little their mean varies within rings."""
    if n_averaged == 1 or not len(rings):
        return 1.0
    low, high = np.percentile(rings, (25, 75), axis=1)
    spread = ndimage.median_filter(high / (low + 1e-30), 3, mode="nearest").max()
    numbers = np.geomspace(n_averaged, 1, 50)
    spreads = special.gammaincinv(numbers, 0.75) / special.gammaincinv(numbers, 0.25)
    return float(np.interp(spread, spreads, numbers))


def find_reflections(spectrum, is_small=False):
    """Significant maxima of a power spectrum.

    Parameters
    ----------
    spectrum : Spectrum
    is_small : bool
        Whether it has so few bins that a halo of amorphous material is as narrow as a
        ring of the floor, so that the floor does not follow it: then the power on the
        circle of each maximum counts, too.

    Returns
    -------
    Reflections
    """
    points = _maxima(spectrum)
    radii = np.hypot(*spectrum.frequencies(*points.T).T)
    floor = spectrum.floor_at(radii)
    floor = np.maximum(floor, _line_floor(spectrum, *points.T))
    if is_small:
        floor = np.maximum(floor, _circle_floor(spectrum, radii))
    powers = spectrum.power_at(*points.T)
    significant = powers > spectrum.threshold * floor
    strongest = _strongest_above(radii, powers * significant, radii / FAR)
    significant &= powers >= WEAKEST * strongest
    points, floor, powers = (x[significant] for x in (points, floor, powers))
    steps = steps_within(1.5)
    around = spectrum.power_at(*(points[:, np.newaxis] + steps).T).astype(np.float64)
    # No two share a bin, for there are two bins or more between maxima.
    sums = np.maximum(around - floor, 0).sum(axis=0)
    shares = 2 * sums / math.prod(spectrum.shape)
    shares /= shares.sum() + spectrum.noise_power
    # Peaks of the logarithm are wide enough for a parabola.
    shifts = vertex_shifts(
        lambda *at: np.log(np.maximum(spectrum.power_at(*at).astype(float), 1e-30)),
        points,
    )
    frequencies = spectrum.frequencies(*(points + shifts).T)
    order = np.argsort(-shares, kind="stable")
    return Reflections(frequencies[order], shares[order], (powers / floor)[order])


def _strongest_above(radii, powers, least):
    """Largest power (m,) of those whose radius (n,) is larger than each least one."""
    order = np.argsort(radii)
    largest = np.maximum.accumulate(np.append(0, powers[order][::-1]))[::-1]
    return largest[np.searchsorted(radii[order], least, side="right")]


def _maxima(spectrum):
    """Bins above the floor, the largest of 5 x 5: (n, 2) numpy.ndarray of int."""
    low, high = spectrum.band
    nearby = (spectrum.radii >= low / 2) & (spectrum.radii <= high * 1.1)
    lowest = spectrum.floor[nearby].min(initial=np.inf)
    power = spectrum.power[:, : int(high * spectrum.shape[1]) + 1]
    rows, columns = np.nonzero(power > spectrum.threshold * lowest)
    gy, gx = spectrum.frequencies(rows, columns).T
    radii = np.hypot(gy, gx)
    # Along gx = 0, one of each pair.
    possible = (radii >= low) & (radii <= high) & ((gx > 0) | (gy > 0))
    floor = spectrum.floor_at(radii)
    possible &= power[rows, columns] > spectrum.threshold * floor
    points = np.column_stack([rows[possible], columns[possible]])
    return maxima(spectrum.power_at, points, steps_within(2.9))


def _line_floor(spectrum, rows, columns):
    """Floor along lines: those of a scan are along gy or gx, of an edge, radial."""
    reach = np.arange(LINE_LENGTH)[:, np.newaxis] - LINE_LENGTH // 2
    outward = spectrum.frequencies(rows, columns) * spectrum.shape
    outward /= np.hypot(*outward.T)[:, np.newaxis]
    medians = []
    for along_y, along_x in ((1, 0), (0, 1), outward.T):
        line = spectrum.power_at(
            rows + np.rint(reach * along_y).astype(int),
            columns + np.rint(reach * along_x).astype(int),
        )
        medians.append(np.median(line, axis=0))
    return np.max(medians, axis=0) / _median_of_noise(spectrum.n_independent)


def _circle_floor(spectrum, radii):
    """Floor on circles (n,): by a quartile, as reflections may have the half."""
    angles = np.linspace(0, np.pi, CIRCLE, endpoint=False)[:, np.newaxis]
    power = spectrum.power_at(
        np.rint(spectrum.shape[0] * radii * np.sin(angles)).astype(int),
        np.rint(spectrum.shape[1] * radii * np.cos(angles)).astype(int),
    )
    n = spectrum.n_independent
    return np.percentile(power, 25, axis=0) / (special.gammaincinv(n, 0.25) / n)


def _median_of_noise(n):
    """Median of the mean of n exponentially distributed values, of mean 1."""
    return special.gammaincinv(n, 0.5) / n
