# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a frame is data: without flat areas, spikes, and what lines have too much."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.periods.flat import SMALLEST_BLOCK, flat_areas, moments
from hyperspy_symseg.periods.valid import valid_pixels

from .damage import PIECE, Lines, find_spikes
from .squares import ratio, sum_squares

# Frames with larger or smaller values than 2 to this power are scaled.
LARGEST_EXPONENT = 30


@dataclass
class CleanFrame:
    """Values of a frame that are data, and their sums in blocks.

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
    values : (rows, columns) numpy.ndarray of float64
        0 where not valid. Very large or small ones are scaled.
    valid : (rows, columns) numpy.ndarray of bool or None
        None if all pixels are.
    sums, squares, counts : (block rows, block columns) numpy.ndarray of float64
        Of the values and their squares, and of valid pixels.
    flat : (rows, columns) numpy.ndarray of bool or None
        Areas of one value, which are no data; None if there are none.
    n_lines : int
        Number of rows and columns with spoilt pixels.
    is_levelled : bool
        Whether offsets of rows or columns were taken off the values.
    """

    def __init__(self, frame, mask, block, cell):
        self._block, self._cell = block, cell
        frame = np.asarray(frame)
        self.valid = valid_pixels(frame, mask)
        self.values = frame.astype(np.float64, order="C")
        self.flat, self.n_lines, self.is_levelled = None, 0, False
        # Pixels along y and x, which blocks and windows have products of.
        self.sides = [np.diff(np.r_[:n:block, n]) for n in frame.shape]
        self._count()
        self._leave_out_flat_areas()
        self.leave_out(
            find_spikes(self.values, self.sums, self.squares, self.counts, block, cell)
        )
        self._mend_lines()

    def _count(self):
        """Sums of the blocks, after the values or the valid pixels have changed."""
        if self.valid is not None:
            self.values[~self.valid] = 0
        largest = max(self.values.max(), -self.values.min())
        exponent = np.frexp(largest)[1]
        if abs(exponent) > LARGEST_EXPONENT:
            # Powers of two round nothing, and keep squares finite.
            self.values = np.ldexp(self.values, -exponent)
        self.sums, self.squares = moments(self.values, self._block)
        self.counts = np.multiply.outer(*self.sides).astype(np.float64)
        if self.valid is not None:
            self.counts = moments(self.valid.astype(np.float64), self._block)[0]

    def leave_out(self, pixels):
        """Make pixels invalid, if there are any."""
        if pixels is not None:
            self.valid = ~pixels if self.valid is None else self.valid & ~pixels
            self._count()

    def _leave_out_flat_areas(self):
        n = -(-SMALLEST_BLOCK // self._block)
        sums, squares = (sum_squares(each, n) for each in (self.sums, self.squares))
        side = n * self._block
        self.flat = flat_areas(self.values, self.valid, sums, squares, side)
        self.leave_out(self.flat)

    def _mend_lines(self):
        side = self._cell * self._block
        turned = np.asarray, np.transpose
        # Both are judged before one is changed.
        lines = [
            Lines(
                turn(self.values),
                None if self.valid is None else turn(self.valid),
                side,
            )
            for turn in turned
        ]
        variances = self._variances()
        uneven = [
            own.have_offsets(turn(variances))
            for own, turn in zip(lines, turned, strict=True)
        ]
        for own, turn, has_offsets in zip(lines, turned, uneven, strict=True):
            if has_offsets:
                self.values -= turn(own.offsets())
                self.is_levelled = True
        spoilt = None
        for own, turn in zip(lines, turned, strict=True):
            if own.spoilt.any():
                self.n_lines += int(own.spoilt.any(axis=1).sum())
                pixels = turn(own.pixels())
                spoilt = pixels if spoilt is None else spoilt | pixels
        if spoilt is not None:
            self.leave_out(spoilt)
        elif self.is_levelled:
            self._count()

    def _variances(self):
        """Variance of the pixels in squares as long as the piece of a line."""
        sums, squares, counts = (
            sum_squares(each, PIECE * self._cell)
            for each in (self.sums, self.squares, self.counts)
        )
        return np.maximum(ratio(squares, counts) - ratio(sums, counts) ** 2, 0)
