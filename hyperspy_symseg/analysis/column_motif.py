# SPDX-License-Identifier: GPL-3.0-or-later
"""The mean unit cell of a crystal in a frame, and the sites of its columns."""

from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.peaks import vertex_shifts
from hyperspy_symseg.templates.blocks import ratio

from .column_shoulders import shoulders

# Smoothing of the mean cell, in widths of a column, and how much finer than pixels its
# grid is.
SMOOTHING, FINER = 0.5, 3
FEWEST_BINS = 4
# Height of a maximum of the mean cell above the pass to a higher one, at least: share
# of the range, and standard deviations of noise. It may be a share of its own height
# above the lowest place, if that is this share of the range: faint columns lie on the
# flanks of bright ones.
LEAST_HEIGHT, LEAST_SIGNIFICANCE = 0.01, 5.0
OF_ITS_OWN, LEAST_FAINT = 0.12, 0.008
# Steps along the way to a higher maximum.
STEPS = 16
# Columns a cell, and maxima that are looked at, at most.
MOST_SITES, MOST_MAXIMA = 24, 96
TINY = 1e-30


class Motif(NamedTuple):
    """Sites of the columns in the mean cell of a crystal.

    Attributes
    ----------
    fractions : (n, 2) numpy.ndarray of float64
        Of the lattice vectors.
    heights : (n,) numpy.ndarray of float64
        Above the lowest place, relative to the highest one.
    spacing : float
        Shortest distance of two columns, in pixels.
    """

    fractions: np.ndarray
    heights: np.ndarray
    spacing: float


class MeanCell(NamedTuple):
    """Mean of the unit cells of a crystal in a frame, smoothed.

    Attributes
    ----------
    values : (n, m) numpy.ndarray of float64
        Along the lattice vectors a and b.
    noise : (n, m) numpy.ndarray of float64
        Standard deviation of the values, by the scatter of the pixels there.
    vectors : (2, 2) numpy.ndarray of float64
        a and b (y, x), a row each, in pixels.
    width : float or None
        Standard deviation of a column in it, in pixels. None: sites are maxima alone.
    """

    values: np.ndarray
    noise: np.ndarray
    vectors: np.ndarray
    width: float | None = None

    @classmethod
    def of(cls, frame, field, own, width):
        """Mean cell of some pixels: MeanCell.

        Parameters
        ----------
        frame : NormalizedFrame
        field : LatticeField
        own : (rows, columns) numpy.ndarray of bool
            Pixels of the crystal.
        width : float
            Standard deviation of a column, in pixels.
        """
        vectors = np.linalg.inv(field.cell).T
        lengths = np.ceil(np.linalg.norm(vectors, axis=1)).astype(int)
        shape = np.maximum(lengths, FEWEST_BINS)
        phases, pixels = field.phases_of_pixels(frame.shape)[:, own], frame.pixels[own]
        phases -= np.floor(phases)
        rows, columns = (
            np.minimum((each * n).astype(np.int32), n - 1)
            for each, n in zip(phases, shape, strict=True)
        )
        bins = rows * shape[1] + columns
        sums, energies, counts = (
            np.bincount(bins, each, shape.prod()).reshape(shape)
            for each in (pixels, pixels.astype(float) ** 2, None)
        )
        smoothing = SMOOTHING * width
        means = ratio(sums, counts)
        values = _smoothed(means, field.cell, smoothing)
        spread = np.maximum(ratio(energies, counts) - means**2, 0)
        spread = np.maximum(_smoothed(spread, field.cell, smoothing), 0)
        area = abs(np.linalg.det(vectors)) / max(len(pixels), 1)
        noise = np.sqrt(spread * area / (4 * np.pi)) / smoothing
        return cls(values, noise, vectors, float(np.hypot(width, smoothing)))

    @property
    def skewness(self):
        """Third standardised moment of the values: float."""
        values = self.values - self.values.mean()
        return float((values**3).mean() / max((values**2).mean(), TINY) ** 1.5)

    def motif(self, sign=1):
        """Sites of the columns, the maxima and `shoulders` of these: Motif.

        Parameters
        ----------
        sign : int
            -1 if columns are dark.
        """
        values, shape = sign * self.values, np.array(self.values.shape)

        def value(y, x):
            return values[y % shape[0], x % shape[1]]

        largest = np.ones(values.shape, bool)
        for step in np.ndindex(3, 3):
            moved = np.roll(values, np.subtract(step, 1), (0, 1))
            largest &= (values > moved) | (step == (1, 1))
        points, low = np.argwhere(largest), values.min()
        points = points[np.argsort(-value(*points.T), kind="stable")]
        heights, span = values - low, np.ptp(values)
        least = LEAST_HEIGHT * span
        own = np.minimum(OF_ITS_OWN * heights, least)
        least = np.where(heights > LEAST_FAINT * span, own, least)
        least = np.maximum(least, LEAST_SIGNIFICANCE * self.noise)
        kept = []
        for point in points[:MOST_MAXIMA]:
            depths = [_depth(value, point, each, shape) for each in kept]
            depth = min(depths, default=value(*point) - low)
            if depth > least[tuple(point)]:
                kept.append(point)
        kept = np.array(kept[:MOST_SITES], int).reshape(-1, 2)
        heights = value(*kept.T) - low
        fractions = (kept + vertex_shifts(value, kept)) / shape
        heights = heights / heights.max(initial=TINY)
        if len(kept) and self.width is not None:
            # A point a pixel is enough for Gaussians.
            coarse = values[::FINER, ::FINER], self.noise[::FINER, ::FINER]
            others = shoulders(*coarse, self.vectors, fractions, self.width)
            fractions, heights = map(
                np.concatenate, zip((fractions, heights), others, strict=True)
            )
        return Motif(fractions, heights, self._spacing(fractions))

    def _spacing(self, fractions):
        """Shortest distance of two columns of the crystal, in pixels: float."""
        turns = np.array(list(np.ndindex(3, 3))) - 1
        steps = fractions[:, np.newaxis] - fractions
        steps = (steps - np.rint(steps))[:, :, np.newaxis] + turns
        lengths = np.linalg.norm(steps @ self.vectors, axis=-1)
        return float(lengths[lengths > 1e-6].min(initial=np.inf))


def _smoothed(means, cell, smoothing):
    """Means (n, m) of bins of a unit cell, smoothed, on a finer grid."""
    shape, finer = np.array(means.shape), FINER * np.array(means.shape)
    waves = [np.rint(np.fft.fftfreq(n, 1 / n)).astype(int) for n in shape]
    h, k = np.meshgrid(*waves, indexing="ij")
    g = np.tensordot(cell.T, [h, k], axes=1)
    factors = np.fft.fft2(means) / shape.prod()
    factors *= np.exp(-2 * (np.pi * smoothing) ** 2 * (g**2).sum(axis=0))
    # The middle of a bin is half a bin from its edge.
    factors *= np.exp(-1j * np.pi * (h / shape[0] + k / shape[1]))
    large = np.zeros(finer, complex)
    large[np.ix_(*waves)] = factors
    return np.fft.ifft2(large).real * finer.prod()


def _depth(value, point, other, shape):
    """Depth of the pass to a higher maximum, below the lower one: float."""
    turns = np.array(list(np.ndindex(3, 3))) - 1
    steps = other - point + turns * shape
    ways = point + np.linspace(0, 1, STEPS)[:, np.newaxis, np.newaxis] * steps
    along = value(*np.moveaxis(np.rint(ways).astype(int), -1, 0))
    return value(*point) - along.min(axis=0).max()
