# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each component there is at each pixel, by its power spectrum."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import ndimage

from hyperspy_symseg.descriptors import PowerSpectrum
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.analysis import MapAnalysis
from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.checks import warn_of_values
from hyperspy_symseg.frames.tiling import map_tiles

# How far a window reaches beyond the frame, at most, as a fraction of half of it.
# Further out, peaks are broad and look amorphous; with none beyond, boundaries are
# extrapolated too far.
BEYOND = 0.4
# Gaussian in which abundances of neighbouring windows are averaged: standard deviation
# as a fraction of half a window. Wider ones round corners off.
SMOOTHING = 0.5
# Steps of the unmixing: twice as many change abundances by less than 0.01.
STEPS = 60
# Windows that are unmixed at once: their spectra stay in the processor's cache.
BATCH = 1024
# Where patterns have less than this of their usual power, abundances add up to less
# than 1, such as in vacuum.
LEAST_TOTAL = 0.3
# Windows beyond the outermost ones whose abundances are extrapolated, as boundaries go
# on to the edge of the frame.
PADDED = 2
# Rows that get their abundances at once.
ROWS = 64


def contributions(powers, spectra):
    """Contributions of spectra to power spectra, none of which is negative.

    Those of least Kullback-Leibler divergence, by the steps of Richardson and Lucy,
    which are those of `sklearn.decomposition.NMF` with given components: powers add up,
    and the larger they are, the more they vary.

    Parameters
    ----------
    powers : (windows, frequencies) numpy.ndarray
        A row may be NaN.
    spectra : (components, frequencies) numpy.ndarray

    Returns
    -------
    (windows, components) numpy.ndarray of float64
        NaN where powers are.

    Examples
    --------
    >>> spectra = np.array([[1.0, 0.0, 3.0], [1.0, 1.0, 1.0]])
    >>> contributions([0.5, 2] @ spectra[np.newaxis], spectra).round(2)
    array([[0.5, 2. ]])
    """
    spectra = np.asarray(spectra, np.float32)
    sums = np.maximum(spectra.sum(axis=1), np.finfo(np.float32).tiny)
    back = np.ascontiguousarray((spectra / sums[:, np.newaxis]).T)
    found = np.empty((len(powers), len(spectra)))
    for start in range(0, len(powers), BATCH):
        some = np.asarray(powers[start : start + BATCH], np.float32)
        weights = some.mean(axis=1, keepdims=True) / len(spectra)
        weights = weights * np.ones(len(spectra), np.float32)
        for _ in range(STEPS):
            model = np.maximum(weights @ spectra, np.finfo(np.float32).tiny)
            np.divide(some, model, out=model)
            weights *= model @ back
        found[start : start + BATCH] = weights
    return found


@dataclass(frozen=True)
class Abundances(MapAnalysis):
    r"""Abundance of each component: (rows, columns, components) of float32.

    The power spectrum P of each window (`PowerSpectrum`) is a sum of those of the
    components, :math:`S_k`, and of white noise, whose spectrum is 1:

    .. math::

        P(g) \approx \sum_k a_k S_k(g) + a_0, \quad a \ge 0

    The :math:`a_k` of neighbouring windows are averaged. What is left of each beyond
    `least`, as a share of the sum over the components, is its abundance. Between the
    windows it is interpolated. NaN where a pixel does not count, and where less than
    an eighth of a window is left.

    Parameters
    ----------
    window : (int, int)
        Half the size of the window along (y, x), in pixels.
    stride : (int, int)
        Distance of the windows.
    frequencies : tuple of (int, int)
        As of `PowerSpectrum`.
    spectra : tuple of tuple of float
        Power above noise of the components at these frequencies, in windows that have
        no other.
    least : float
        What a component has of another one's power by chance, at most: from 0 to 1.

    Examples
    --------
    A wave along x beside one along y:

    >>> from hyperspy_symseg.frames.run import run
    >>> y, x = np.mgrid[:80, :120] * 2 * np.pi / 7
    >>> frame = np.where(x < 60 * 2 * np.pi / 7, np.cos(x), np.cos(y))
    >>> waves = ((0, 3), (3, 0)), ((90.0, 0.0), (0.0, 90.0))
    >>> found = run(Abundances((10, 10), (5, 5), *waves, 0.1), frame)
    >>> found[40, [20, 100]].round(2)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    window: tuple[int, int]
    stride: tuple[int, int]
    frequencies: tuple
    spectra: tuple
    least: float
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    @property
    def axes(self):
        """One number a component: (int,)."""
        return (len(self.spectra),)

    @cached_property
    def descriptor(self):
        """What gives the power spectra: PowerSpectrum."""
        return PowerSpectrum(self.window, log=False, frequencies=self.frequencies)

    def grid(self, shape):
        """Middles of the windows in a frame: Grid."""
        margins = [round((1 - BEYOND) * half) for half in self.window]
        left = [n - 2 * m for n, m in zip(shape, margins, strict=True)]
        axes = list(zip(margins, left, self.stride, strict=True))
        return Grid(
            tuple(margin + (n - 1) % step // 2 for margin, n, step in axes),
            self.stride,
            tuple((n - 1) // step + 1 for _, n, step in axes),
        )

    def amounts(self, frame, mask):
        """Contributions of the components to the windows, averaged over neighbours.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray
        mask : (rows, columns) numpy.ndarray of bool or None

        Returns
        -------
        (grid rows, grid columns, components) numpy.ndarray of float64
        """
        grid, n = self.grid(frame.shape), len(self.spectra)
        found = np.full((*grid.shape, n), np.nan)
        if mask is not None and mask.all():
            return found
        spectra = np.concatenate([self.spectra, np.ones((1, len(self.frequencies)))])

        def unmix(rows, columns, tile):
            powers = self.descriptor.compute(frame, tile, mask)
            powers = np.ascontiguousarray(powers).reshape(-1, len(self.frequencies))
            some = contributions(powers, spectra)[:, :n]
            found[rows, columns] = some.reshape(*tile.shape, n)

        map_tiles(unmix, self.descriptor, grid, counted=None)
        known = np.isfinite(found[..., :1])
        widths = [
            SMOOTHING * half / step
            for half, step in zip(self.window, self.stride, strict=True)
        ]
        sums, counts = (
            ndimage.gaussian_filter(each, (*widths, 0), mode="nearest")
            for each in (np.where(known, found, 0), known.astype(float))
        )
        means = np.full(found.shape, np.nan)
        np.divide(sums, counts, out=means, where=known)
        return means

    def shares(self, amounts):
        """Abundances from the contributions: array of the same shape."""
        amounts = np.maximum(amounts - self.least, 0)
        total = amounts.sum(axis=-1, keepdims=True)
        return amounts / np.maximum(total, LEAST_TOTAL * (1 - self.least))

    def prepare(self, frame):
        """Abundances in windows of a frame, and `PADDED` more on each side.

        (grid rows, grid columns, components) numpy.ndarray
        """
        warn_of_values(frame.values, frame.mask)
        shares = self.shares(self.amounts(frame.values, frame.mask))
        width = ((PADDED,) * 2, (PADDED,) * 2, (0, 0))
        shares = np.pad(shares, width, mode="reflect", reflect_type="odd")
        shares = np.clip(shares, 0, 1)
        return shares / np.maximum(shares.sum(axis=-1, keepdims=True), 1)

    def process(self, tile):
        """Abundances of a tile."""
        grid = self.grid(tile.shape)
        found = np.empty((*tile.result_shape(), len(self.spectra)), np.float32)
        rows, columns = (
            _between(np.arange(pixels.start, pixels.stop), *axis)
            for pixels, axis in zip(
                tile.inner,
                zip(grid.first, grid.stride, grid.shape, strict=True),
                strict=True,
            )
        )
        known = np.isfinite(tile.prepared[..., :1])
        values = np.concatenate([np.where(known, tile.prepared, 0), known], axis=-1)
        for start in range(0, len(found), ROWS):
            some = tuple(each[start : start + ROWS] for each in rows)
            lines = _interpolated(values, some, 0)
            lines = _interpolated(lines, columns, 1)
            weight = lines[..., -1:]
            near = np.where(weight >= 0.5, lines[..., :-1], np.nan)
            found[start : start + ROWS] = near / np.maximum(weight, 0.5)
        found[~tile.valid[tile.own]] = np.nan
        return found


def _between(pixels, first, step, n):
    """Windows before and after pixels, and how far these are between them."""
    n += 2 * PADDED
    places = np.clip((pixels - first) / step + PADDED, 0, n - 1)
    before = places.astype(int)
    return before, np.minimum(before + 1, n - 1), places - before


def _interpolated(values, places, axis):
    """Values at places between windows along an axis."""
    before, after, fraction = places
    fraction = fraction[:, np.newaxis, np.newaxis]
    if axis:
        fraction = fraction[np.newaxis, :, 0]
    before, after = (values.take(each, axis) for each in (before, after))
    return before * (1 - fraction) + after * fraction
