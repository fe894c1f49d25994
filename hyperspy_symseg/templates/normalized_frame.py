# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame normalised by its local mean and standard deviation, in blocks."""

import copy
import functools

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.threads import pmap

from .blocks import (
    TRUNCATE,
    blocks_in,
    centres,
    difference_products,
    gaussian_weights,
    normalised,
    products,
    ratio,
    sum_blocks,
    window_means,
)
from .cleaning import CleanFrame, block_lengths
from .damage import NO_VARIANCE

# Blocks of a third of a period, which tell where in a cell a boundary runs, and cells
# of 3 x 3 blocks, which phases are averaged over.
BLOCKS_IN_PERIOD = 3
BLOCKS_IN_CELL = 3
# Standard deviations of the windows of the local mean and variance, in periods.
MEAN_WIDTH, VARIANCE_WIDTH = 1.5, 3.0
# Variance of the means of cells near by, over that within cells, where a step begins:
# of crystals it is 0.13 at most, of rims 0.2 to 5, and of amorphous material 0.02.
STEP = 0.12
# Weights of the cell about a block, at distances of 0 to 2 blocks, half of the last.
CELL_WEIGHTS = np.array([2, 2, 1]) / 8
# A window with this many times the variance of the cells near by holds something else;
# the gain has jumped where it has FAR_FOREIGN times as much, in a cell at least.
FOREIGN, FAR_FOREIGN = 100.0, 1e5
# Share of the pixels that may be spikes before templates are in doubt.
MANY_SPIKES = 0.01


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


@functools.lru_cache(maxsize=64)
def _waves(frequencies, first, length):
    """Plane waves along a line of pixels: (2, n, length) float32."""
    turns = np.multiply.outer(frequencies, np.arange(first, first + length))
    turns -= np.rint(turns)
    angle = (2 * np.pi * turns).astype(np.float32)
    waves = np.stack([np.cos(angle), np.sin(angle)])
    waves.flags.writeable = False
    return waves


def _energies_about(clean, mean):
    """Sums of the squares of the pixels less a mean, in the blocks."""
    sums, counts = clean.sums, clean.counts
    return np.maximum(clean.energies - mean * (2 * sums - counts * mean), 0)


@functools.lru_cache(maxsize=16)
def _counts_in_window(n, block, width):
    """Mean number of the n pixels of a line in the blocks of a window: (blocks,)."""
    lengths = block_lengths(n, block)
    return ndimage.gaussian_filter1d(lengths, width, mode="constant", truncate=TRUNCATE)


def _statistics_in_windows(clean):
    """Local mean of the blocks, where it steps, their energy about it, mean of that."""

    def local_mean(sums, width, dtype):
        means = window_means(sums, gaussian_weights(width, dtype))
        means = means.astype(np.float64, copy=False)
        if clean.valid is not None:
            weights = gaussian_weights(width, np.float64)
            return ratio(means, window_means(clean.counts, weights))
        rows, columns = (
            _counts_in_window(n, clean.block, width) for n in clean.values.shape
        )
        means /= rows[:, np.newaxis]
        means /= columns
        return means

    # In double precision, so that a constant area has no contrast, however bright.
    width = MEAN_WIDTH * BLOCKS_IN_PERIOD
    mean = local_mean(clean.sums, width, np.float64)
    mean, steps = _with_steps(
        clean, mean, lambda sums: local_mean(sums, width, np.float32)
    )
    energies = _energies_about(clean, mean)
    width = VARIANCE_WIDTH * BLOCKS_IN_PERIOD
    return mean, steps, energies, local_mean(energies, width, np.float32)


def _with_steps(clean, mean, smooth):
    """Local mean that follows steps, such as the rim of a particle, and where they are.

    As in a guided filter (K. He et al., IEEE Trans. Pattern Anal. 35, 1397 (2013)), the
    mean of the cell about a block counts where the means of the cells near by vary more
    than their lattice makes them.
    """
    of_cells = clean.counts, clean.sums, clean.energies
    counts, sums, energies = pmap(
        lambda each: window_means(each, CELL_WEIGHTS), of_cells, size=mean.size
    )
    own = ratio(sums, counts)
    variances = (own - mean) ** 2, np.maximum(ratio(energies, counts) - own**2, 0)
    between, within = pmap(
        lambda each: smooth(clean.counts * each), variances, size=mean.size
    )
    share = ratio(between, STEP * within)
    steps = np.clip(2 * share - 1, 0, 1).astype(np.float32)
    return mean + np.clip(share - 1, 0, 1) * (own - mean), steps


def _without_foreign(clean, mean, variance):
    """Give blocks whose window holds something else the statistics of cells near by.

    These are the medians of the 3 x 3 cells about them. Arrays are changed in place.
    Cells that hold something else themselves are left out.

    Returns
    -------
    n : int
        Number of such blocks.
    n_far : int
        Number of those in which the contrast is hundreds of times as large.
    """
    sums, energies, counts = clean.cells
    cell_mean = ratio(sums, counts)
    cell_variance = np.maximum(ratio(energies, counts) - cell_mean**2, 0)

    def of_blocks(cells):
        return spread(cells, BLOCKS_IN_CELL, mean.shape)

    # The window is much wider than a cell: the middle of each cell is enough.
    middle = np.ix_(*centres(mean.shape, BLOCKS_IN_CELL))
    if not (variance[middle] > FOREIGN * cell_variance).any():
        return 0, 0
    usual_mean, usual = (
        of_blocks(ndimage.median_filter(each, 3, mode="nearest"))
        for each in (cell_mean, cell_variance)
    )
    foreign = (variance > FOREIGN * usual) & (usual > 0)
    n_far = np.count_nonzero(foreign & (variance > FAR_FOREIGN * usual))
    np.copyto(mean, usual_mean, where=foreign)
    np.copyto(variance, usual, where=foreign)
    lost = foreign & (of_blocks(cell_variance) > FOREIGN * usual)
    clean.leave_out(spread(lost, clean.block, clean.values.shape))
    return np.count_nonzero(foreign), n_far


class NormalizedFrame:
    """A frame less its local mean, over its local standard deviation, in blocks.

    So neither a background nor a thickness ramp tells patterns apart. The windows of
    mean and deviation are Gaussians of 1.5 and 3 periods. A frame that is cut out of
    another has the same results, away from where it is cut.

    Several frames of one shape may be `stacked`: then the first axis of the arrays is
    that of the frames, and there are no crops.

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
    shape : (int, int)
        Rows and columns of pixels.
    pixels : (rows, columns) numpy.ndarray of float32
        Normalised intensities, 0 where not valid.
    counts : (block rows, block columns) numpy.ndarray of float32
        Number of valid pixels in a block.
    cell_counts : (cell rows, cell columns) numpy.ndarray of float32
        Number of valid pixels in a cell.
    energies : (block rows, block columns) numpy.ndarray of float32
        Sums of the squares of the pixels.
    steps : (block rows, block columns) numpy.ndarray of float32
        From 0, where the local mean is steady, to 1, where it steps.
    valid, flat : (rows, columns) numpy.ndarray of bool or None
        Pixels that are data, None if all are; and areas of one value, None if there are
        none.
    n_spikes, n_lines : int
        Number of pixels far from all others near by, and of rows and columns with
        spoilt pixels.
    levelled : (rows, columns) numpy.ndarray of float32 or None
        The frame without the offsets of its lines, if they have any.
    has_jump : bool
        Whether the contrast jumps by hundreds of times from one area to the next.
    """

    def __init__(self, frame, mask, period, first=(0, 0)):
        self.block = block = block_size(period)
        self._first = first
        clean = CleanFrame(frame, mask, block, BLOCKS_IN_CELL)
        mean, self.steps, energies, variance = _statistics_in_windows(clean)
        n_foreign, n_far = _without_foreign(clean, mean, variance)
        if n_foreign:
            energies = _energies_about(clean, mean)
        contrast = variance > NO_VARIANCE * (mean**2 + variance)
        scale = np.sqrt(ratio(contrast.astype(np.float64), variance))
        self.pixels = normalised(clean.values, mean, scale, block)
        self.shape = self.pixels.shape
        if clean.valid is not None:
            self.pixels[~clean.valid] = 0
        self.energies = (energies * scale**2).astype(np.float32)
        self.counts = clean.counts.astype(np.float32)
        self.cell_counts = clean.cells[2].astype(np.float32)
        self.valid, self.flat = clean.valid, clean.flat
        self.n_spikes, self.n_lines = clean.n_spikes, clean.n_lines
        self.has_jump = bool(n_far >= BLOCKS_IN_CELL**2)
        self.levelled = None
        if clean.is_levelled:
            self.levelled = clean.values.astype(np.float32)

    @property
    def is_doubtful(self):
        """Whether so much of it is damaged that templates may not fit it: bool."""
        many = self.n_spikes > MANY_SPIKES * self.pixels.size
        return self.has_jump or self.levelled is not None or many

    def crop(self, rows_and_columns):
        """Some rows and columns, as a frame of its own: NormalizedFrame.

        Parameters
        ----------
        rows_and_columns : (slice, slice)
            Of pixels: whole cells, but for those at the lower and right edge.
        """
        crop = copy.copy(self)
        crop._first = (0, 0)
        for side, names in (
            (1, ("pixels", "valid", "flat", "levelled")),
            (self.block, ("counts", "energies", "steps")),
            (self.block * BLOCKS_IN_CELL, ("cell_counts",)),
        ):
            cut = blocks_in(rows_and_columns, side)
            for name in names:
                array = getattr(self, name)
                if array is not None:
                    setattr(crop, name, np.ascontiguousarray(array[cut]))
        crop.shape = crop.pixels.shape
        return crop

    def only(self, blocks):
        """The same with no valid pixels but those of some blocks: NormalizedFrame.

        Parameters
        ----------
        blocks : (..., block rows, block columns) numpy.ndarray of bool
        """
        other = copy.copy(self)
        other.counts = np.where(blocks, self.counts, np.float32(0))
        other.energies = np.where(blocks, self.energies, np.float32(0))
        other.cell_counts = sum_blocks(other.counts, BLOCKS_IN_CELL)
        valid = spread(blocks, self.block, self.shape)
        other.valid = valid if self.valid is None else valid & self.valid
        other.pixels = np.where(other.valid, self.pixels, np.float32(0))
        return other

    @staticmethod
    def stacked(frames):
        """Several frames of one shape, with the first pixel 0, as one: NormalizedFrame.

        Parameters
        ----------
        frames : list of NormalizedFrame
        """
        stack = copy.copy(frames[0])
        for name in ("pixels", "counts", "energies", "steps", "cell_counts"):
            setattr(stack, name, np.stack([getattr(each, name) for each in frames]))
        if any(each.valid is not None for each in frames):
            stack.valid = np.stack(
                [
                    np.ones(each.shape, bool) if each.valid is None else each.valid
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
            Real and imaginary part. They are constant.
        """
        along = zip(reflections.T.tolist(), self._first, self.shape, strict=True)
        return [_waves(tuple(frequencies), *line) for frequencies, *line in along]

    def less(self, template):
        """The same less a template, where pixels are valid: NormalizedFrame.

        Its energies are those of the frame.

        Parameters
        ----------
        template : (..., rows, columns) numpy.ndarray of float32
        """
        other = copy.copy(self)
        other.pixels = self.pixels - template
        if self.valid is not None:
            other.pixels[~self.valid] = 0
        return other

    def residuals(self, template):
        """Squared residuals of the blocks when a template is subtracted.

        Parameters
        ----------
        template : (..., rows, columns) numpy.ndarray of float32

        Returns
        -------
        (..., block rows, block columns) numpy.ndarray of float32
        """
        if self.valid is None:
            pair = self.pixels, template
            return difference_products(pair, pair, self.block)
        difference = self.less(template).pixels
        return products(difference, difference, self.block)
