# SPDX-License-Identifier: GPL-3.0-or-later
"""Connected regions of labels, as runs of pixels in rows."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

# Pixels whose intensities are added up at once, as they are made float64.
PIXELS_AT_ONCE = 2**22


class Regions(NamedTuple):
    """Connected pixels of one label, by the runs of equal labels in rows.

    Pixels are connected by their sides. Regions are numbered in the order of their
    first pixels, row by row.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    starts, lengths : (runs,) numpy.ndarray of int
        First pixel of each run, in the order of the frame, and number of pixels.
    numbers : (runs,) numpy.ndarray of int
        Region that a run is of; -1 for none.
    patterns : (n,) numpy.ndarray of int
        Label of each region.
    areas : (n,) numpy.ndarray of int
        Number of its pixels.
    """

    shape: tuple[int, int]
    starts: np.ndarray
    lengths: np.ndarray
    numbers: np.ndarray
    patterns: np.ndarray
    areas: np.ndarray

    @classmethod
    def of(cls, labels, min_area=0):
        """Regions of labels.

        Parameters
        ----------
        labels : (rows, columns) numpy.ndarray of int
            -1 where there is none.
        min_area : int
            Pixels of a region, at least: smaller ones are none.

        Returns
        -------
        Regions

        Examples
        --------
        >>> found = Regions.of(np.array([[0, 0, 1], [1, 0, 1]]))
        >>> found.patterns, found.areas
        (array([0, 1, 1]), array([3, 2, 1]))
        """
        columns, flat = labels.shape[1], np.ascontiguousarray(labels).ravel()
        begins = np.ones(flat.size, bool)
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins[::columns] = True
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=flat.size)
        values = flat[starts].astype(np.intp)
        # Where a run begins in a row or in the next one, the two rows meet anew.
        meet = np.flatnonzero(begins[: flat.size - columns] | begins[columns:])
        above = np.searchsorted(starts, meet, "right") - 1
        below = np.searchsorted(starts, meet + columns, "right") - 1
        same = (values[above] == values[below]) & (values[above] >= 0)
        above, below = above[same], below[same]
        size = len(starts)
        links = sparse.coo_matrix(
            (np.ones(len(above), bool), (above, below)), shape=(size, size)
        )
        _, members = connected_components(links, directed=False)
        areas = np.bincount(members, lengths)
        kept = (values >= 0) & (areas[members] >= min_area)
        numbers = np.full(size, -1)
        _, first, own = np.unique(members[kept], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        numbers[kept] = rank[own]
        first = np.flatnonzero(kept)[first[order]]
        areas = areas[members[first]].astype(np.intp)
        return cls(labels.shape, starts, lengths, numbers, values[first], areas)

    @property
    def n(self):
        """Number of regions."""
        return len(self.areas)

    def image(self):
        """Number of the region of each pixel, -1 for none: (rows, columns) of int32."""
        numbers = np.repeat(self.numbers.astype(np.int32), self.lengths)
        return numbers.reshape(self.shape)

    @property
    def _own(self):
        """Runs that are of regions: numbers, rows, first columns and lengths."""
        own = self.numbers >= 0
        rows, columns = np.divmod(self.starts[own], self.shape[1])
        return self.numbers[own], rows, columns, self.lengths[own]

    def moments(self):
        """Middle and covariance of the pixels of each region.

        Returns
        -------
        middles : (n, 2) numpy.ndarray of float64
            Mean (y, x).
        covariances : (n, 2, 2) numpy.ndarray of float64
            Of (y, x), of points at the middles of the pixels.
        """
        numbers, rows, columns, lengths = self._own
        columns = columns + (lengths - 1) / 2

        def mean(values):
            return np.bincount(numbers, lengths * values, self.n) / self.areas

        middles = np.stack([mean(rows), mean(columns)], axis=-1)
        y, x = rows - middles[numbers, 0], columns - middles[numbers, 1]
        across = mean(y * x)
        # Of a run of L pixels in a row, beside that of its middle.
        along = mean(x * x + (lengths.astype(float) ** 2 - 1) / 12)
        found = np.stack([mean(y * y), across, across, along], axis=-1)
        return middles, found.reshape(-1, 2, 2)

    def boxes(self):
        """First rows and columns of regions, and those after the last: (n, 2, 2) int.

        ``[i, axis]`` is (first, stop).
        """
        numbers, rows, columns, lengths = self._own
        if not self.n:
            return np.zeros((0, 2, 2), np.intp)
        order = np.argsort(numbers, kind="stable")
        begins = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        found = [
            ufunc.reduceat(values[order], begins)
            for ufunc, values in (
                (np.minimum, rows),
                (np.maximum, rows + 1),
                (np.minimum, columns),
                (np.maximum, columns + lengths),
            )
        ]
        return np.stack(found, axis=-1).reshape(-1, 2, 2)

    def means(self, values, at_once=PIXELS_AT_ONCE):
        """Mean of a value over the pixels of each region, but those not finite.

        Parameters
        ----------
        values : (rows, columns) numpy.ndarray
        at_once : int
            Pixels that are added up at once, of whole rows.

        Returns
        -------
        (n,) numpy.ndarray of float64
            NaN where there is none.
        """
        totals, counts = np.zeros((2, self.n))
        rows, columns = self.shape
        at_once = max(1, at_once // columns)
        for first in range(0, rows, at_once):
            some = values[first : first + at_once].astype(float).ravel()
            finite = np.isfinite(some)
            begin = np.searchsorted(self.starts, first * columns)
            stop = np.searchsorted(self.starts, first * columns + some.size)
            starts = self.starts[begin:stop] - first * columns
            numbers = self.numbers[begin:stop]
            own = numbers >= 0
            sums = np.add.reduceat(np.where(finite, some, 0), starts)
            finite = np.add.reduceat(finite, starts, dtype=float)
            totals += np.bincount(numbers[own], sums[own], self.n)
            counts += np.bincount(numbers[own], finite[own], self.n)
        found = np.full(self.n, np.nan)
        return np.divide(totals, counts, out=found, where=counts > 0)
