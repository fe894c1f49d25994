# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier amplitudes of a crystal in a window, at any spatial frequency.

The window is smooth: it is 0 at the edge of what the crystal fills. Amplitudes at given
frequencies are two products of matrices, without padding and interpolation.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

# Standard deviation of a Hann window, in its length. It tells the length of others.
HANN_SPREAD = math.sqrt(1 / 12 - 1 / (2 * math.pi**2))
# Areas left out within a region that are this small, in pixels, are gaps in the data
# and no edge of the crystal.
LARGEST_GAP = 100
# Outliers are this many times as far from the others as these are from each other.
OUTLIERS = 3.0
# How many times as long as wide a region is to be a long one.
ELONGATED = 2.0
# Pixels of a window, at least, and of its shorter side.
FEWEST_PIXELS, SHORTEST_SIDE = 400, 12
# Of the spectrum that maxima are looked for in: times the length of the window.
OVERSAMPLING = 2
# Lobe of a window in its bins, at most: it is 2.25 for a Hann window. More have windows
# that bend or go round something, around the reflections of which are others as high.
# Regions of that kind are seen through rectangles within them if these are large enough
# beside them, and else halved along their length, so many times at most.
BROADEST_LOBE, LEAST_RECTANGLE, MOST_HALVINGS = 3.6, 0.1, 3
# Power of a window that structure factors are measured under.
FLATTER = 0.25
# Regions of a mask that are looked at, at most, and their areas beside the largest.
MOST_WINDOWS, LEAST_AREA = 8, 0.1


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a frame that a crystal fills, under a smooth window.

    Attributes
    ----------
    values : (rows, columns) numpy.ndarray of float64
        Intensities less their background, times the window. Of unit mean square, per
        pixel of the window.
    weights : (rows, columns) numpy.ndarray of float64
        The window, from 0 to 1.
    first : (int, int)
        Row and column of the frame at which it begins.
    """

    values: np.ndarray
    weights: np.ndarray
    first: tuple = (0, 0)

    def __post_init__(self):
        """Find the moments of the window and of its square."""
        total, centre, moments = _moments(self.weights)
        # Of the square about the same centre, for phases are of that.
        _, _, squared = _moments(self.weights**2, centre)
        set_field = object.__setattr__
        set_field(self, "area", float(total))
        set_field(self, "energy_area", float((self.weights**2).sum()))
        set_field(self, "centre", centre)
        set_field(self, "moments", moments)
        set_field(self, "energy_moments", squared)
        sizes, axes = np.linalg.eigh(moments)
        root = axes * np.sqrt(np.maximum(sizes, 0)) / HANN_SPREAD
        set_field(self, "_in_bins", root)

    @property
    def middle(self):
        """Centre of the window in the frame, which phases are about: (2,) array."""
        return self.centre + self.first

    def lengths_along(self, vectors):
        """Length of the Hann window that is as wide, along some vectors.

        Parameters
        ----------
        vectors : (n, 2) numpy.ndarray of float64

        Returns
        -------
        (n,) numpy.ndarray of float64
            In pixels.
        """
        units = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        variances = np.einsum("...i,ij,...j", units, self.moments, units)
        return np.sqrt(variances) / HANN_SPREAD

    def bins(self, frequencies):
        """Length of differences of frequencies in bins of the window.

        Parameters
        ----------
        frequencies : (..., 2) numpy.ndarray of float64
            In cycles a pixel.

        Returns
        -------
        (...) numpy.ndarray of float64
        """
        along = self.in_bins(frequencies)
        return np.sqrt(along[..., 0] ** 2 + along[..., 1] ** 2)

    def in_bins(self, frequencies):
        """Frequencies (..., 2) along the axes of the window, in its bins."""
        return frequencies @ self._in_bins

    @property
    def bin_area(self):
        """Area of a bin of the window, in squares of cycles a pixel: float."""
        return HANN_SPREAD**2 / math.sqrt(np.linalg.det(self.moments))

    @property
    def lobe(self):
        """Area of the peak of the window's own spectrum, in bins: float."""
        return self.energy_area / self.area**2 / self.bin_area

    def amplitudes(self, frequencies):
        """Fourier amplitudes about the middle of the window.

        Parameters
        ----------
        frequencies : (n, 2) numpy.ndarray of float64
            Along (y, x), in cycles a pixel.

        Returns
        -------
        (n,) numpy.ndarray of complex128
            Sum of the values times exp(-2 pi i g.r).
        """
        along_y, along_x = self._waves(frequencies)
        return (_products(along_y, self.values) * along_x).sum(axis=1)

    def derivatives(self, frequencies):
        """Amplitudes with their first and second derivatives by the frequency.

        Parameters
        ----------
        frequencies : (n, 2) numpy.ndarray of float64

        Returns
        -------
        amplitudes : (n,) numpy.ndarray of complex128
        gradients : (n, 2) numpy.ndarray of complex128
        curvatures : (n, 2, 2) numpy.ndarray of complex128
        """
        along_y, along_x = self._waves(frequencies)
        y, x = (-2j * math.pi * each for each in self._positions())
        found = {}
        for i in range(3):
            rows = _products(along_y * y**i, self.values)
            for j in range(3 - i):
                found[i, j] = (rows * (along_x * x**j)).sum(axis=1)
        gradients = np.stack([found[1, 0], found[0, 1]], axis=-1)
        curvatures = np.stack([found[2, 0], found[1, 1], found[1, 1], found[0, 2]])
        return found[0, 0], gradients, curvatures.T.reshape(-1, 2, 2)

    def _positions(self):
        """Rows and columns about the centre: (rows,) and (columns,) arrays."""
        return (
            np.arange(n) - middle
            for n, middle in zip(self.values.shape, self.centre, strict=True)
        )

    def _waves(self, frequencies):
        """Waves along y and along x: (n, rows) and (n, columns) arrays."""
        return (
            np.exp(-2j * math.pi * np.outer(along, positions))
            for along, positions in zip(frequencies.T, self._positions(), strict=True)
        )

    def quarters(self):
        """Four smooth windows that share this one, each with a quarter of its area.

        Returns
        -------
        list of Window
        """
        found = []
        shares = [np.cumsum(self.weights.sum(axis=axis)) / self.area for axis in (1, 0)]
        halves = [
            [
                np.sin(2 * math.pi * share) ** 2 * side
                for side in (share < 0.5, share >= 0.5)
            ]
            for share in shares
        ]
        for along_y in halves[0]:
            for along_x in halves[1]:
                window = np.outer(along_y, along_x)
                rows, columns = (np.flatnonzero(each) for each in (along_y, along_x))
                cut = (
                    slice(rows[0], rows[-1] + 1),
                    slice(columns[0], columns[-1] + 1),
                )
                found.append(
                    Window(
                        (self.values * window)[cut],
                        (self.weights * window)[cut],
                        (self.first[0] + rows[0], self.first[1] + columns[0]),
                    )
                )
        return found

    @functools.cached_property
    def wider(self):
        """The same under a power of the window, which tells amplitudes better: Window.

        A Hann window keeps maxima apart whatever lattice they are of, and takes 0.44 of
        the pixels for that, in what noise leaves of an amplitude. At nodes of a known
        lattice a flatter window does: this one has 0.84 of them.
        """
        inside = self.weights > 0
        weights = np.where(inside, self.weights, 0) ** FLATTER
        values = np.zeros_like(self.values)
        np.divide(self.values * weights, self.weights, out=values, where=inside)
        values -= values.sum() / weights.sum() * weights
        return Window(values, weights, self.first)

    @functools.cached_property
    def spectrum(self):
        """Power at frequencies half a bin apart: PaddedSpectrum."""
        shape = tuple(
            fft.next_fast_len(OVERSAMPLING * n, real=True) for n in self.values.shape
        )
        values = self.values.astype(np.float32)
        amplitudes = fft.rfft2(values, shape)
        power = amplitudes.real**2 + amplitudes.imag**2
        return PaddedSpectrum(fft.fftshift(power, axes=0), shape)


@dataclass(frozen=True, eq=False)
class PaddedSpectrum:
    """Power of the window at frequencies so near that it is smooth between them.

    Attributes
    ----------
    power : (rows, columns) numpy.ndarray of float32
        Of non-negative gx, and of all gy in ascending order.
    shape : (int, int)
        Rows and columns that were transformed.
    """

    power: np.ndarray
    shape: tuple

    @property
    def frequencies(self):
        """Frequencies along y and along x: (rows,) and (columns,) arrays."""
        rows, columns = self.power.shape
        gy = (np.arange(rows) - self.shape[0] // 2) / self.shape[0]
        return gy, np.arange(columns) / self.shape[1]

    def nearest_power(self, frequencies):
        """Power at the nearest frequency to each of some (..., 2): (...) array."""
        gy, gx = frequencies[..., 0], frequencies[..., 1]
        gy = np.where(gx < 0, -gy, gy) * self.shape[0] + (self.shape[0] // 2 + 0.5)
        rows, columns = gy.astype(int), (np.abs(gx) * self.shape[1] + 0.5).astype(int)
        ends = self.power.shape
        rows = np.minimum(np.maximum(rows, 0), ends[0] - 1)
        columns = np.minimum(columns, ends[1] - 1)
        return self.power[rows, columns].astype(np.float64)

    def power_at(self, frequencies):
        """Power at frequencies (..., 2), between the nearest ones: (...) array."""
        g = np.where(frequencies[..., 1:] < 0, -frequencies, frequencies)
        places = g * self.shape
        places[..., 0] += self.shape[0] // 2
        return ndimage.map_coordinates(
            self.power,
            np.moveaxis(places, -1, 0),
            order=1,
            mode="nearest",
            output=np.float64,
        )


def windows(frame, valid=None):
    """Windows of a frame, one for each region of what counts.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool, optional
        Where the crystal is; by default, everywhere.

    Returns
    -------
    list of Window
        Those with the largest areas first. Regions that are small, or without any
        contrast, have none.
    """
    if valid is None or valid.all():
        everywhere = np.ones(frame.shape, bool)
        found = [_window(frame, (None, everywhere), (0, 0))]
    else:
        found = []
        solid = _without_gaps(valid)
        regions, _ = ndimage.label(solid)
        areas = np.bincount(regions.ravel())[1:]
        boxes = ndimage.find_objects(regions)
        largest = areas.max(initial=0)
        for i in np.argsort(-areas, kind="stable")[:MOST_WINDOWS]:
            if areas[i] < LEAST_AREA * largest:
                continue
            own = regions[boxes[i]] == i + 1
            first = tuple(axis.start for axis in boxes[i])
            counts = valid[boxes[i]] & own
            window = _window(frame[boxes[i]], (own, counts), first)
            if window is None or window.lobe <= BROADEST_LOBE:
                found.append(window)
            elif own[_rectangle(own)].size > LEAST_RECTANGLE * areas[i]:
                found += _through_rectangles(frame[boxes[i]], (own, counts), first)
            else:
                found += _along(frame[boxes[i]], (own, counts), first)
    found = [each for each in found if each is not None]
    return sorted(found, key=lambda each: -each.area)[:MOST_WINDOWS]


def _without_gaps(valid):
    """What counts, with small gaps filled: (rows, columns) numpy.ndarray of bool."""
    gaps, _ = ndimage.label(~valid)
    return (np.bincount(gaps.ravel()) <= LARGEST_GAP)[gaps] | valid


def _along(frame, region, first, halvings=MOST_HALVINGS):
    """Windows of a long region that bends, halved until each is straight.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray
    region : pair of (rows, columns) numpy.ndarray of bool
        What is of the region, and what of that counts.
    first : (int, int)
        Row and column of the frame at which these begin.
    halvings : int
        At most; what bends more than that is left out.

    Returns
    -------
    list of Window
    """
    [box] = ndimage.find_objects(region[0].astype(np.int8))
    frame, *region = (each[box] for each in (frame, *region))
    first = tuple(f + axis.start for f, axis in zip(first, box, strict=True))
    window = _window(frame, region, first)
    if window is None or window.lobe <= BROADEST_LOBE:
        return [] if window is None else [window]
    if not halvings:
        return []
    own, counts = region
    _, centre, moments = _moments(own.astype(float))
    axis = np.linalg.eigh(moments)[1][:, 1]
    y, x = (np.arange(n) - c for n, c in zip(own.shape, centre, strict=True))
    along = y[:, np.newaxis] * axis[0] + x * axis[1]
    middle, found = np.median(along[own]), []
    for side in (along < middle, along >= middle):
        half = own & side
        if half.any():
            found += _along(frame, (half, counts & side), first, halvings - 1)
    return found


def _through_rectangles(frame, region, first):
    """Hann windows of rectangles in a region, the largest first: list of Window."""
    own, counts = region
    left, found, largest = own.copy(), [], 0
    for _ in range(MOST_WINDOWS):
        box = _rectangle(left)
        area = counts[box].sum()
        if area < max(LEAST_AREA * largest, FEWEST_PIXELS):
            break
        largest = max(area, largest)
        corner = tuple(f + axis.start for f, axis in zip(first, box, strict=True))
        found.append(_window(frame[box], (None, counts[box]), corner))
        left[box] = False
    return found


def _rectangle(mask):
    """Rectangle of a mask around the largest square in it: (slice, slice)."""
    depth = ndimage.distance_transform_cdt(np.pad(mask, 1), "chessboard")[1:-1, 1:-1]
    middle = np.unravel_index(depth.argmax(), depth.shape)
    reach = depth[middle]
    low = [m - reach + 1 for m in middle]
    high = [m + reach for m in middle]
    for axis in range(2):
        # As far as all of the rows, or columns, are of the mask.
        across = slice(low[1 - axis], high[1 - axis])
        whole = mask[:, across].all(axis=1) if axis == 0 else mask[across].all(axis=0)
        while low[axis] > 0 and whole[low[axis] - 1]:
            low[axis] -= 1
        while high[axis] < len(whole) and whole[high[axis]]:
            high[axis] += 1
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True))


def _window(frame, region, first):
    """Window of a box, of which a region counts, with gaps; None if it is nothing.

    A region of None is the whole box.
    """
    if frame.size < FEWEST_PIXELS or min(frame.shape) < SHORTEST_SIDE:
        return None
    values = frame.astype(np.float64)
    own, counts = region
    if counts.sum() < FEWEST_PIXELS:
        return None
    if own is None:
        along_y, along_x = (np.hanning(n + 2)[1:-1] for n in frame.shape)
        weights = np.outer(along_y, along_x) * counts
    else:
        weights = _tapered(own) * counts
    background = _background(values, counts, weights)
    values = np.where(counts, values - background, 0)
    some = values[counts]
    low, high = np.percentile(some[:: max(1, some.size // 2**15) | 1], (1, 99))
    if low < high:
        reach = OUTLIERS * (high - low)
        np.clip(values, low - reach, high + reach, out=values)
    values -= (values * weights).sum() / weights.sum()
    values *= weights
    energy = (values**2).sum() / (weights**2).sum()
    scale = np.abs(frame[counts].astype(np.float64)).max(initial=0)
    if not energy > (1e-9 * scale) ** 2:
        return None
    return Window(values / math.sqrt(energy), weights, tuple(first))


def _tapered(own):
    """Smooth window in a region: from 0 at its edge to 1 as deep inside as it gets.

    That of a long one is Hann along it, too, or its ends would be steep.
    """
    depth = ndimage.distance_transform_edt(np.pad(own, 1))[1:-1, 1:-1]
    weights = np.sin(np.pi / 2 * depth / (depth.max() + 1)) ** 2
    _, centre, moments = _moments(own.astype(float))
    (small, large), axes = np.linalg.eigh(moments)
    if large > ELONGATED**2 * small:
        y, x = (np.arange(n) - c for n, c in zip(own.shape, centre, strict=True))
        along = y[:, np.newaxis] * axes[0, 1] + x * axes[1, 1]
        low, high = along[own].min(), along[own].max()
        weights *= np.sin(np.pi * (along - low) / (high - low)) ** 2 * own
    return weights


def _background(values, counts, weights):
    """Quadratic surface through the pixels that count: (rows, columns) array."""
    y, x = (np.linspace(-1, 1, n) for n in values.shape)
    terms = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    along_y = np.stack([y**i for i in range(5)])
    along_x = np.stack([x**i for i in range(5)])
    used = weights * counts
    sums = along_y @ used @ along_x.T
    right = along_y @ (used * np.where(counts, values, 0)) @ along_x.T
    normal = [[sums[i + k, j + m] for k, m in terms] for i, j in terms]
    found = np.linalg.lstsq(
        np.array(normal), np.array([right[i, j] for i, j in terms]), rcond=None
    )[0]
    coefficients = np.zeros((3, 3))
    for (i, j), each in zip(terms, found, strict=True):
        coefficients[i, j] = each
    return along_y[:3].T @ coefficients @ along_x[:3]


def _moments(weights, centre=None):
    """Sum of weights, their centre (2,), and second moments (2, 2) about a centre."""
    along_y, along_x = weights.sum(axis=1), weights.sum(axis=0)
    total = along_y.sum()
    y, x = np.arange(len(along_y)), np.arange(len(along_x))
    if centre is None:
        centre = np.array([along_y @ y, along_x @ x]) / total
    y, x = y - centre[0], x - centre[1]
    crossed = y @ weights @ x
    moments = np.array([[along_y @ y**2, crossed], [crossed, along_x @ x**2]])
    return total, centre, moments / total


def _products(waves, values):
    """Complex waves (n, rows) times real values: (n, columns) array of complex."""
    both = np.concatenate([waves.real, waves.imag]) @ values
    return both[: len(waves)] + 1j * both[len(waves) :]
