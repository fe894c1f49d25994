# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame as the templates see it: normalised, in blocks."""

import copy

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from hyperspy_symseg.kernels import compiled
from hyperspy_symseg.periods.valid import valid_pixels

from .squares import (
    gaussian_mean,
    gaussian_weights,
    planes,
    ratio,
    spread,
    squares_in,
    sum_squares,
    window_means,
)

_blocks = compiled("_blocks")
_waves = compiled("_waves")

# Blocks of a third of a period, which tell where in a cell a boundary runs, and cells
# of 3 x 3 blocks, which phases are averaged over.
BLOCKS_IN_PERIOD = 3
BLOCKS_IN_CELL = 3
# Standard deviations of the windows of the local mean and variance, in periods.
MEAN_WIDTH, VARIANCE_WIDTH = 1.5, 3.0
# A spike is so many variances from the others, and few pixels of a cell are spikes.
FAR_VARIANCE, MOST_SPIKES = 30.0**2, 0.03
# Frames with larger or smaller values than 2 to this power are scaled.
LARGEST_EXPONENT = 30
# A local variance below this fraction of the mean square is none.
NO_VARIANCE = 1e-10


def block_size(period):
    """Side of a block in pixels: int.

    Parameters
    ----------
    period : float
        In pixels.
    """
    return max(1, round(period / BLOCKS_IN_PERIOD))


def cell_size(period):
    """Side of a cell in pixels: int."""
    return BLOCKS_IN_CELL * block_size(period)


def _spikes(values, sums, squares, counts, block):
    """Pixels far from all others near by, such as those hit by cosmic rays, or None.

    Mean and variance of a cell are compared with the medians of the 5 x 5 about it. A
    cell with many such pixels has another structure, and no spikes.
    """
    cell_counts, sums, squares = (
        sum_squares(each, BLOCKS_IN_CELL) for each in (counts, sums, squares)
    )
    counted = np.maximum(cell_counts, 1)
    means = sums / counted
    variances = squares / counted - means**2
    # Few cells have anything so far away that its square makes up their variance; none
    # that does not even stand out from the lowest variance about it.
    lowest = np.maximum(ndimage.minimum_filter(variances, 5, mode="nearest"), 0)
    outstanding = variances * counted > lowest * FAR_VARIANCE
    level, variance = (_medians(each, outstanding) for each in (means, variances))
    far = np.maximum(variance, 0) * FAR_VARIANCE
    suspects = outstanding & (
        variances * counted > np.maximum(far, NO_VARIANCE * level**2)
    )
    if not suspects.any():
        return None
    side = block * BLOCKS_IN_CELL
    spikes = spread(suspects, side, values.shape)
    spikes &= (values - spread(level, side, values.shape)) ** 2 > spread(
        far, side, values.shape
    )
    some = sum_squares(spikes.astype(np.int64), side)
    few = (some > 0) & (some <= np.maximum(1, MOST_SPIKES * counted))
    spikes &= spread(few, side, values.shape)
    return spikes if spikes.any() else None


def _medians(array, wanted):
    """Medians of the 5 x 5 about the wanted elements, and 0 elsewhere."""
    around = sliding_window_view(np.pad(array, 2, mode="edge"), (5, 5))[wanted]
    medians = np.zeros_like(array)
    medians[wanted] = np.median(around.reshape(-1, 25), axis=1)
    return medians


def _scaled(values):
    """Values of moderate size: powers of two round nothing, and keep squares finite."""
    exponent = np.frexp(max(values.max(), -values.min()))[1]
    return np.ldexp(values, -exponent) if abs(exponent) > LARGEST_EXPONENT else values


def _moments(values, block):
    """Sums of the blocks, and of the squares of their pixels."""
    shape = tuple(-(-n // block) for n in values.shape)
    sums, squares = np.empty(shape), np.empty(shape)
    _blocks.moments(values, block, sums, squares)
    return sums, squares


class BlockedFrame:
    """A frame less its local mean, over its local standard deviation, in blocks.

    So neither background nor a thickness ramp tells patterns apart. The windows of mean
    and deviation are Gaussians of 1.5 and 3 periods. The results for a part of a frame
    are those for the whole of it, away from where it is cut.

    Several of one shape may be `stacked`: then arrays have a first axis, of the frames,
    and there are no parts.

    Parameters
    ----------
    frame : (rows, columns) array of any real dtype
        Pixels that are not finite are left out.
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    period : float
        Lattice period in pixels: a block is a third of it.
    first : (int, int)
        Where the first pixel lies in the whole frame: multiples of the side of a cell.

    Attributes
    ----------
    block : int
        Side of a block, in pixels.
    pixels : (rows, columns) numpy.ndarray of float32
        Normalised intensities, 0 where not valid.
    counts : (block rows, block columns) numpy.ndarray of float32
        Number of valid pixels in a block.
    cell_counts : (cell rows, cell columns) numpy.ndarray of float32
        Number of valid pixels in a cell.
    squares : (block rows, block columns) numpy.ndarray of float32
        Sums of the squares of the pixels.
    """

    def __init__(self, frame, mask, period, first=(0, 0)):
        self.block = block = block_size(period)
        self._first = first
        frame = np.asarray(frame)
        valid = valid_pixels(frame, mask)
        values = frame.astype(np.float64, order="C")
        if valid is not None:
            values[~valid] = 0
        values = _scaled(values)
        sums, squares = _moments(values, block)
        # Pixels along y and x, which blocks and windows have products of.
        sides = [np.diff(np.r_[:n:block, n]) for n in frame.shape]
        counts = np.multiply.outer(*sides).astype(np.float64)
        if valid is not None:
            counts = sum_squares(valid.astype(np.float64), block)
        spikes = _spikes(values, sums, squares, counts, block)
        if spikes is not None:
            valid = ~spikes if valid is None else valid & ~spikes
            values[spikes] = 0
            values = _scaled(values)
            sums, squares = _moments(values, block)
            counts = sum_squares(valid.astype(np.float64), block)

        def over_counts(sums, width):
            if valid is not None:
                return ratio(sums, gaussian_mean(counts, width))
            rows, columns = (gaussian_mean(each, width) for each in sides)
            return sums / rows[:, np.newaxis] / columns

        # In double precision: what is constant has no contrast, however bright it is.
        width = MEAN_WIDTH * BLOCKS_IN_PERIOD
        near = window_means(sums, gaussian_weights(width, np.float64))
        mean = over_counts(near, width)
        squares = np.maximum(squares - mean * (2 * sums - counts * mean), 0)
        width = VARIANCE_WIDTH * BLOCKS_IN_PERIOD
        variance = window_means(squares, gaussian_weights(width)).astype(np.float64)
        variance = over_counts(variance, width)
        contrast = variance > NO_VARIANCE * (mean**2 + variance)
        scale = np.sqrt(ratio(contrast.astype(np.float64), variance))
        self.pixels = np.empty(values.shape, np.float32)
        _blocks.normalise(values, mean, scale, block, self.pixels)
        if valid is not None:
            self.pixels[~valid] = 0
        self.squares = (squares * scale**2).astype(np.float32)
        self.counts = counts.astype(np.float32)
        self.cell_counts = sum_squares(self.counts, BLOCKS_IN_CELL)
        self._valid = valid

    @property
    def shape(self):
        """Rows and columns of pixels: (int, int)."""
        return self.pixels.shape[-2:]

    def part(self, window):
        """Some rows and columns, as a frame of its own: BlockedFrame.

        Parameters
        ----------
        window : (slice, slice)
            Of pixels: whole cells, but for those at the lower and right edge.
        """
        part = copy.copy(self)
        part._first = (0, 0)
        for side, names in (
            (1, ("pixels", "_valid")),
            (self.block, ("counts", "squares")),
            (self.block * BLOCKS_IN_CELL, ("cell_counts",)),
        ):
            squares = squares_in(window, side)
            for name in names:
                array = getattr(self, name)
                if array is not None:
                    setattr(part, name, np.ascontiguousarray(array[squares]))
        return part

    @staticmethod
    def stacked(frames):
        """Frames of one shape, which begin at their first pixel, as one: BlockedFrame.

        Parameters
        ----------
        frames : list of BlockedFrame
        """
        stack = copy.copy(frames[0])
        for name in ("pixels", "counts", "squares", "cell_counts"):
            setattr(stack, name, np.stack([getattr(each, name) for each in frames]))
        if any(each._valid is not None for each in frames):
            stack._valid = np.stack(
                [
                    np.ones(each.shape, bool) if each._valid is None else each._valid
                    for each in frames
                ]
            )
        return stack

    def factors(self, reflections):
        """Factors of plane waves for rows and columns.

        Parameters
        ----------
        reflections : (n, 2) numpy.ndarray
            Spatial frequencies (y, x), in cycles a pixel.

        Returns
        -------
        rows, columns : (2, n, rows), (2, n, columns) numpy.ndarray of float32
            Real and imaginary part.
        """
        factors = []
        for frequency, first, length in zip(
            reflections.T, self._first, self.shape, strict=True
        ):
            turns = np.multiply.outer(frequency, np.arange(first, first + length))
            angle = 2 * np.pi * (turns % 1)
            factors.append(np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32))
        return factors

    def residuals(self, template):
        """Squared residuals of the blocks when a template is subtracted.

        Parameters
        ----------
        template : (..., rows, columns) numpy.ndarray of float32

        Returns
        -------
        (..., block rows, block columns) numpy.ndarray of float32
        """
        difference = self.pixels - template
        if self._valid is not None:
            difference[~self._valid] = 0
        return self.products(difference, difference)

    def products(self, first, second):
        """Sums of the products of two arrays of pixels, in the blocks.

        Parameters
        ----------
        first, second : (..., rows, columns) numpy.ndarray of float32

        Returns
        -------
        (..., block rows, block columns) numpy.ndarray of float32
        """
        out = np.empty(self.counts.shape, np.float32)
        _waves.products(planes(first), planes(second), self.block, planes(out))
        return out
