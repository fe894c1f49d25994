# SPDX-License-Identifier: GPL-3.0-or-later
"""Power of the noise in a spectrum, by the length of the frequency and near nodes."""

import math
from dataclasses import dataclass

import numpy as np

from .fourier_nodes import HANN_SPREAD, Window

# Width of a ring of the spectrum, in bins.
RING = 1.5
# Distance of the ring around a node, in bins, and points on it: the lobe of the node
# ends at 2, and half of the ring is outside of the lobes of the next nodes.
AROUND, POINTS = 2.6, 16
# The ring counts where it is this much above the mean of all directions, as that of
# noise varies.
ABOVE = 1.4
# Power halfway to the next nodes counts where it is this much above the noise: there is
# a streak through the node, or the wings of a broad spot.
STREAK = 4.0
# Share of the power of a maximum that leaks to where its lobe ends, at this distance in
# bins. From there on it goes with the inverse square of the distance, which is slower
# than that of the window: distorted crystals have broader spots.
LEAKAGE, LOBE = 1e-3, 2.5
# And this share goes everywhere, as pixels are not exact.
EVERYWHERE = 3e-6
# More leaks where the spots are broad: what this percentile of the rings around so many
# of the strongest maxima has, beyond so many times the noise.
BROAD, BROADEST, BEYOND_NOISE = 75, 4, 2.5
# Frequencies that are looked at: up to this many cycles a pixel.
HIGHEST = 0.42
# Power is away from nodes at this distance, in bins.
AWAY = 2.2
# Bins that tell the noise of a ring, at least.
FEWEST_BINS = 12
# Noise beside the strongest ring: less is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class RadialNoise:
    """Power of the noise against the length of the frequency.

    Attributes
    ----------
    radii, powers : (n,) numpy.ndarray of float64
    """

    radii: np.ndarray
    powers: np.ndarray

    def at(self, radii):
        """Power of the noise at some lengths of frequencies: array."""
        return np.interp(radii, self.radii, self.powers)


def radial_noise(window, spectrum, cell=None, quantile=0.5):
    """Noise in rings: of all bins by their median, or of those away from nodes.

    Parameters
    ----------
    window : Window
    spectrum : PaddedSpectrum
    cell : (2, 2) numpy.ndarray of float64, optional
        Reciprocal vectors, the nodes of which are left out.
    quantile : float
        Without a cell: a lower one than the median where reflections fill most of a
        ring.

    Returns
    -------
    RadialNoise
    """
    # Every other bin, as these are half a bin apart.
    gy, gx = (each[::2] for each in spectrum.frequencies)
    power = spectrum.power[::2, ::2]
    rows = np.abs(gy) <= HIGHEST
    gy, power = gy[rows], power[rows]
    columns = gx <= HIGHEST
    gx, power = gx[columns], power[:, columns]
    radii = np.hypot(gy[:, np.newaxis], gx)
    width = RING * math.sqrt(window.bin_area)
    rings = (radii / width).astype(int)
    n_rings = int(HIGHEST / width)
    use = rings < n_rings
    if cell is not None:
        away = use & (_squared_bins_to_nodes(window, gy, gx, cell) > AWAY**2)
        counts = np.bincount(rings[away], minlength=n_rings)[:n_rings]
        sums = np.bincount(rings[away], power[away], n_rings)[:n_rings]
        good = counts >= FEWEST_BINS
        if good.sum() >= 3:
            centres = (np.flatnonzero(good) + 0.5) * width
            return _smooth(centres, sums[good] / counts[good])
    order = np.lexsort([power[use], rings[use]])
    sorted_power, sorted_rings = power[use][order], rings[use][order]
    ends = np.searchsorted(sorted_rings, np.arange(n_rings + 1))
    counts = np.diff(ends)
    good = np.flatnonzero(counts >= FEWEST_BINS)
    quantiles = sorted_power[ends[good] + (counts[good] * quantile).astype(int)]
    return _smooth((good + 0.5) * width, quantiles / -math.log(1 - quantile))


def _squared_bins_to_nodes(window, gy, gx, cell):
    """Squared distance from the nearest nodes in bins: (len(gy), len(gx)) array."""
    inverse = np.linalg.inv(cell)
    h, k = (
        numbers - np.rint(numbers)
        for numbers in (np.add.outer(gy * i, gx * j) for i, j in inverse.T)
    )
    one, other = window.in_bins(cell)
    return (one @ one) * h**2 + 2 * (one @ other) * h * k + (other @ other) * k**2


def _smooth(radii, powers):
    """Noise with the median of three rings, and above rounding: RadialNoise."""
    padded = np.pad(powers, 1, mode="edge")
    middle = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    return RadialNoise(radii, np.maximum(middle, ROUNDING * powers.max()) + 1e-300)


def noise_at_nodes(window, spectrum, noise, indices, cell):
    """Noise at nodes: radial, or that of the ring around each.

    Parameters
    ----------
    window : Window
    spectrum : PaddedSpectrum
    noise : RadialNoise
    indices : (n, 2) numpy.ndarray of int
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each.

    Returns
    -------
    (n,) numpy.ndarray of float64
    """
    nodes = indices @ cell
    around = _around(window, spectrum, nodes)
    local = np.median(around, axis=1) / math.log(2)
    return np.maximum(local / ABOVE, noise.at(np.hypot(*nodes.T)))


def _around(window, spectrum, nodes):
    """Power on rings around nodes (n, 2): (n, POINTS) array."""
    values, vectors = np.linalg.eigh(window.moments)
    angles = 2 * math.pi * (np.arange(POINTS) + 0.5) / POINTS
    circle = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    circle = AROUND * HANN_SPREAD * (circle / np.sqrt(values)) @ vectors.T
    return spectrum.nearest_power(nodes[:, np.newaxis] + circle)


def streaks(spectrum, noise, indices, cell):
    """Power halfway to the next nodes, of that pair of them which has most.

    Parameters
    ----------
    spectrum : PaddedSpectrum
    noise : RadialNoise
    indices : (n, 2) numpy.ndarray of int
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each.

    Returns
    -------
    (n,) numpy.ndarray of float64
        0 where it may be noise.
    """
    nodes = indices @ cell
    one, other = cell
    steps = np.stack([one, other, one + other, one - other]) / 2
    both = [
        spectrum.nearest_power(nodes[:, np.newaxis] + sign * steps) for sign in (1, -1)
    ]
    highest = np.mean(both, axis=0).max(axis=1)
    return np.where(highest > STREAK * noise.at(np.hypot(*nodes.T)), highest, 0)


@dataclass(frozen=True, eq=False)
class Leakage:
    """Power that leaks from maxima of a spectrum.

    Attributes
    ----------
    window : Window
    maxima : (m, 2) numpy.ndarray of float64
        Frequencies, in cycles a pixel; one of each pair.
    powers : (m,) numpy.ndarray of float64
        What leaks of each to where its lobe ends.
    everywhere : float
        What there is at any frequency.
    """

    window: Window
    maxima: np.ndarray
    powers: np.ndarray
    everywhere: float

    @classmethod
    def of(cls, window, spectrum, noise, maxima):
        """Leakage of the maxima of a spectrum, which are sorted.

        Parameters
        ----------
        window : Window
        spectrum : PaddedSpectrum
        noise : RadialNoise
        maxima : (m, 2) numpy.ndarray of float64
        """
        powers = spectrum.power_at(maxima)
        share = LEAKAGE
        if len(maxima):
            strongest = maxima[np.argsort(-powers, kind="stable")[:BROADEST]]
            around = _around(window, spectrum, strongest)
            floor = BEYOND_NOISE * noise.at(np.hypot(*strongest.T))
            beyond = np.percentile(around, BROAD, axis=1) - floor
            broad = np.maximum(beyond, 0) / spectrum.power_at(strongest)
            share = max(share, float(np.median(broad)))
        everywhere = EVERYWHERE * float(powers.max(initial=0))
        return cls(window, maxima, share * powers, everywhere)

    def at(self, nodes):
        """Power that leaks to nodes (n, 2), but for that of their own maxima."""
        total = np.full(len(nodes), self.everywhere)
        y, x = self.window.in_bins(nodes).T
        own_y, own_x = self.window.in_bins(self.maxima).T
        for sign in (1, -1):
            squared = (
                np.subtract.outer(y, sign * own_y) ** 2
                + np.subtract.outer(x, sign * own_x) ** 2
            )
            shares = LOBE**2 / np.maximum(squared, LOBE**2)
            total += np.where(squared > 1, shares, 0) @ self.powers
        return total
