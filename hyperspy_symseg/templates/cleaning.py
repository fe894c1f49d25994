# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a frame that are data: no flat areas, spikes, spoilt lines, offsets."""

import functools

import numpy as np

from hyperspy_symseg.frames.block_sums import moments
from hyperspy_symseg.frames.flat import SMALLEST_BLOCK, flat_areas
from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.frames.valid import valid_pixels

from .blocks import ratio, sum_blocks
from .damage import SPAN, Lines, find_spikes

# Frames whose blocks have larger or smaller energies are scaled.
LARGEST_ENERGY = 2.0**60


@functools.lru_cache(maxsize=64)
def block_lengths(n, block):
    """Pixels along the blocks of a line of n pixels: (blocks,) array of float64."""
    lengths = np.diff(np.r_[:n:block, n]).astype(np.float64)
    lengths.flags.writeable = False
    return lengths


class CleanFrame:
    """Values of a frame that are data, and their sums in blocks and cells.

    Parameters
    ----------
    frame : (rows, columns) array of any real dtype
        Pixels that are not finite are left out.
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    block, cell : int
        Side of a block in pixels, and of a cell in blocks.

    Attributes
    ----------
    block : int
    values : (rows, columns) numpy.ndarray of float64
        0 where not valid. Very large or small ones are scaled.
    valid : (rows, columns) numpy.ndarray of bool or None
        None if all pixels are.
    sums, energies, counts : (block rows, block columns) numpy.ndarray of float64
        Of the values and their squares, and of valid pixels.
    cells : list of (cell rows, cell columns) numpy.ndarray of float64
        The same three, in cells.
    flat : (rows, columns) numpy.ndarray of bool or None
        Areas of one value, which are no data; None if there are none.
    n_spikes : int
        Number of pixels far from all others near by.
    n_lines : int
        Number of rows and columns with spoilt pixels.
    is_levelled : bool
        Whether offsets of rows or columns were taken off the values.
    """

    def __init__(self, frame, mask, block, cell):
        frame = np.asarray(frame)
        self.block, self._cell = block, cell
        self.valid = valid_pixels(frame, mask)
        self.values = frame.astype(np.float64, order="C")
        self._count()
        flat_block = -(-SMALLEST_BLOCK // block) * block
        self.flat = flat_areas(self.values, self.valid, flat_block)
        self.leave_out(self.flat)
        spikes = find_spikes(self.values, *self.cells, block * cell)
        self.n_spikes = 0 if spikes is None else int(np.count_nonzero(spikes))
        self.leave_out(spikes)
        self.n_lines, self.is_levelled = self._mend_lines()

    def leave_out(self, pixels):
        """Make pixels invalid.

        Parameters
        ----------
        pixels : (rows, columns) numpy.ndarray of bool or None
        """
        if pixels is not None and pixels.any():
            self.valid = ~pixels if self.valid is None else self.valid & ~pixels
            self._count()

    def _count(self):
        """Sums of blocks and cells, after values or valid pixels have changed."""
        if self.valid is not None:
            self.values[~self.valid] = 0
        self.sums, self.energies = moments(self.values, self.block)
        if not 1 / LARGEST_ENERGY < self.energies.max() < LARGEST_ENERGY:
            # A power of two rounds nothing, and keeps the energies finite.
            exponent = np.frexp(max(self.values.max(), -self.values.min()))[1]
            self.values = np.ldexp(self.values, -exponent)
            self.sums, self.energies = moments(self.values, self.block)
        if self.valid is None:
            self.counts, cell_counts = (
                np.multiply.outer(*(block_lengths(n, side) for n in self.values.shape))
                for side in (self.block, self.block * self._cell)
            )
        else:
            self.counts = moments(self.valid.astype(np.float64), self.block)[0]
            cell_counts = sum_blocks(self.counts, self._cell)
        sums = (sum_blocks(each, self._cell) for each in (self.sums, self.energies))
        self.cells = [*sums, cell_counts]

    def _mend_lines(self):
        """Leave out spoilt lines and take off offsets: number of lines, if offsets."""
        side = self._cell * self.block
        # Both are judged before one is changed.
        both = pmap(
            lambda axis: Lines(self.values, self.valid, side, axis),
            (1, 0),
            size=self.values.size,
        )
        # A moire above the lattice varies along a line, and not from line to line.
        sums, energies, counts = self.cells
        within = energies - ratio(sums**2, counts)
        variances = ratio(*sum_blocks(np.stack([within, counts]), SPAN))
        shifted = [each for each in both if each.have_offsets(variances)]
        offsets = [each.offsets() for each in shifted]
        for each in offsets:
            self.values -= each
        spoilt = [each for each in both if each.spoilt.any()]
        if spoilt:
            self.leave_out(np.any([each.pixels() for each in spoilt], axis=0))
        elif offsets:
            self._count()
        return sum(each.n_spoilt for each in spoilt), bool(offsets)
