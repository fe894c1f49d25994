# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of regions and the boundaries between them: lengths, and polygons."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from .boundaries import HALF_TURN, REACH, direction_weights

# Pixels that are looked at at once, as pairs of them take several arrays.
PIXELS_AT_ONCE = 2**21
# Vectors to the pixels that share a side.
SIDES = (0, 1), (1, 0)


class Lengths(NamedTuple):
    """Lengths of outlines and of the boundaries between regions.

    Attributes
    ----------
    perimeters : (n,) numpy.ndarray of float64
        Of the whole outline of each region, the edge of the frame included.
    pairs : (m, 2) numpy.ndarray of int
        Regions that share a side of a pixel, the smaller number first, in order.
    lengths : (m,) numpy.ndarray of float64
        Of the boundary between these.
    """

    perimeters: np.ndarray
    pairs: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, image, n, pixel_size=(1.0, 1.0), at_once=PIXELS_AT_ONCE):
        """Lengths by the Cauchy-Crofton formula, as in `boundary_lengths`.

        Parameters
        ----------
        image : (rows, columns) numpy.ndarray of int
            Number of the region of each pixel, -1 for none.
        n : int
            Number of regions.
        pixel_size : (float, float)
            Along (y, x), in one unit.
        at_once : int
            Pixels that are looked at at once, of whole rows.

        Returns
        -------
        Lengths
            In that unit.

        Examples
        --------
        >>> image = np.zeros((30, 40), int)
        >>> image[:, 20:] = 1
        >>> found = Lengths.of(image, 2)
        >>> found.perimeters.round(1), found.pairs, found.lengths.round(1)
        (array([96.8, 96.8]), array([[0, 1]]), array([29.6]))
        """
        rows, columns = image.shape
        weights = dict(zip(HALF_TURN, direction_weights(pixel_size), strict=True))
        perimeters, total = np.zeros(n + 1), _Pairs.none(n)
        at_once = max(1, at_once // columns)
        # From the lines before the first on, as an outline is crossed there, too.
        for first in range(-REACH, rows, at_once):
            own = _Rows.of(image, first, min(first + at_once, rows), n)
            for vector, weight in weights.items():
                one, other, is_near = own.crossings(vector)
                for each in (one, other):
                    perimeters += weight * np.bincount(each, minlength=n + 1)
                both = is_near & (one < n) & (other < n)
                total += _Pairs.of(one[both], other[both], n, weight, vector in SIDES)
        total += _beyond_edges(image, n, weights)
        pairs, lengths = total.found()
        return cls(perimeters[:n], pairs, lengths)

    def completed(self, other, is_seen):
        """These, and others of the regions that these have not seen: Lengths.

        Parameters
        ----------
        other : Lengths
        is_seen : (n,) numpy.ndarray of bool
        """
        new = ~is_seen[other.pairs].all(axis=1)
        pairs = np.concatenate([self.pairs, other.pairs[new]])
        lengths = np.concatenate([self.lengths, other.lengths[new]])
        order = np.lexsort(pairs.T[::-1])
        perimeters = np.where(is_seen, self.perimeters, other.perimeters)
        return Lengths(perimeters, pairs[order], lengths[order])


class _Rows(NamedTuple):
    """Some rows of a frame of regions, one after the other, and `REACH` more.

    Beyond the edges, and where there is no region, is ``outside``. Two such columns lie
    between the end of a row and the next one.
    """

    flat: np.ndarray
    width: int
    size: int
    outside: int

    @classmethod
    def of(cls, image, first, stop, outside):
        """Rows from the first on: _Rows."""
        height, width = stop - first, image.shape[1] + 2 * REACH
        found = np.full((height + REACH + 1, width), outside, image.dtype)
        begin, end = max(first, 0), min(stop + REACH, len(image))
        inner = found[begin - first : end - first, REACH:-REACH]
        np.copyto(inner, image[begin:end])
        inner[inner < 0] = outside
        return cls(found.ravel(), width, height * width, outside)

    def crossings(self, vector):
        """Regions (k,) and (k,) at the ends of a vector, where they are two.

        And (k,) of bool, whether all pixels between are of regions.
        """
        (y, x), width = vector, self.width
        step = y * width + x
        places = np.flatnonzero(
            self.flat[: self.size] != self.flat[step : step + self.size]
        )
        is_near = np.ones(len(places), bool)
        for between_y in {y // 2, -(-y // 2)}:
            for between_x in {x // 2, -(-x // 2)}:
                between = between_y * width + between_x
                is_near &= self.flat[places + between] != self.outside
        return self.flat[places], self.flat[places + step], is_near


class _Pairs(NamedTuple):
    """Sums of lengths, and numbers of shared sides, of pairs of regions."""

    lengths: sparse.csr_matrix
    sides: sparse.csr_matrix

    @classmethod
    def none(cls, n):
        """No pair."""
        return cls(*(sparse.csr_matrix((n, n)) for _ in range(2)))

    @classmethod
    def of(cls, one, other, n, weight, are_sides):
        """Those of the ends of vectors."""
        where = np.minimum(one, other), np.maximum(one, other)
        values = np.full(len(one), weight)
        lengths = sparse.coo_matrix((values, where), shape=(n, n)).tocsr()
        return cls(lengths, lengths if are_sides else sparse.csr_matrix((n, n)))

    def __add__(self, other):
        """Both together."""
        return _Pairs(self.lengths + other.lengths, self.sides + other.sides)

    def found(self):
        """Pairs (m, 2) that share a side, in order, and the lengths (m,)."""
        found = self.lengths.multiply(self.sides > 0).tocsr()
        found.sort_indices()
        first = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
        pairs = np.stack([first, found.indices], axis=-1).astype(np.intp)
        return pairs, found.data.astype(float)


def _beyond_edges(image, n, weights):
    """Lengths of boundaries by vectors that reach beyond the frame: _Pairs.

    There is what is at the edge: a boundary that ends there loses nothing. As only one
    end is in the frame, they count half.
    """
    last = np.subtract(image.shape, 1)
    inner = np.zeros(image.shape, bool)
    inner[REACH:-REACH, REACH:-REACH] = True
    places = np.argwhere(~inner)
    total, own = _Pairs.none(n), image[tuple(places.T)]
    for vector, weight in weights.items():
        for step in (vector, np.negative(vector)):
            ends = places + step
            which = ((ends < 0) | (ends > last)).any(axis=1)
            one = own[which]
            other = image[tuple(np.clip(ends[which], 0, last).T)]
            both = (one != other) & (one >= 0) & (other >= 0)
            for y in {step[0] // 2, -(-step[0] // 2)}:
                for x in {step[1] // 2, -(-step[1] // 2)}:
                    between = np.clip(places[which] + (y, x), 0, last)
                    both &= image[tuple(between.T)] >= 0
            total += _Pairs.of(one[both], other[both], n, weight / 2, False)
    return total


def outlines(image):
    """Outlines of regions, along the sides of their pixels.

    Parameters
    ----------
    image : (rows, columns) numpy.ndarray of int
        Number of the region of each pixel, -1 for none. Pixels of a region are
        connected by their sides.

    Returns
    -------
    (k, 4) numpy.ndarray of float64
        Corners, one a row: number of the region, number of the ring, and (y, x), the
        middle of the first pixel being (0, 0). Of each region the outer ring, 0, and
        then its holes. With y downwards, outer rings are clockwise and holes the other
        way round. No ring is closed by its first corner again, and none meets itself:
        a hole may meet the outer ring, or another, in a corner.

    Examples
    --------
    >>> outlines(np.array([[0, 0]]))[:, 2:].tolist()
    [[-0.5, -0.5], [-0.5, 1.5], [0.5, 1.5], [0.5, -0.5]]
    """
    corners = _Corners.of(image)
    numbers = corners.numbers.tolist()
    across, along = corners.across.tolist(), corners.along.tolist()
    is_new = [True] * len(numbers)
    order, rings = [], []
    region, ring = -1, 0
    # A ring begins at its uppermost corner, the leftmost of these, and goes right.
    for begin, number in enumerate(numbers):
        if not is_new[begin]:
            continue
        ring = ring + 1 if number == region else 0
        region, corner, own = number, begin, []
        while is_new[corner]:
            other = across[corner]
            is_new[corner] = is_new[other] = False
            own += corner, other
            corner = along[other]
        order += reversed(own) if ring else own
        rings += [ring] * len(own)
    order = np.array(order, np.intp)
    where = corners.numbers[order], rings, corners.y[order], corners.x[order]
    return np.column_stack(where).astype(float) - (0, 0, 0.5, 0.5)


class _Corners(NamedTuple):
    """Corners of the outlines of regions, sorted by region, row and column.

    Attributes
    ----------
    numbers, y, x : (k,) numpy.ndarray of int
        Region, and row and column of the pixel that it is the upper left corner of.
    across, along : (k,) numpy.ndarray of int
        Corner at the other end of the horizontal side, and of the vertical one.
    """

    numbers: np.ndarray
    y: np.ndarray
    x: np.ndarray
    across: np.ndarray
    along: np.ndarray

    @classmethod
    def of(cls, image):
        """Corners of all regions of an image: _Corners."""
        padded = np.pad(image, 1, constant_values=-1)
        # The four pixels about a corner: upper left, upper right, lower left, right.
        four = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
        found = []
        for i, (own, beside, above, opposite) in enumerate(
            (
                (four[0], four[1], four[2], four[3]),
                (four[1], four[0], four[3], four[2]),
                (four[2], four[3], four[0], four[1]),
                (four[3], four[2], four[1], four[0]),
            )
        ):
            inside = own >= 0
            turns = inside & (beside != own) & (above != own)
            # Of two pixels across the corner, each keeps its side to the left or right,
            # and takes the vertical one of the other: so that no ring meets itself.
            saddle = turns & (opposite == own)
            convex = turns & ~saddle
            concave = inside & (beside == own) & (above == own) & (opposite != own)
            is_left, is_up = i % 2 == 0, i < 2
            for which, left, up in (
                (convex, is_left, is_up),
                (saddle, is_left, not is_up),
                (concave, not is_left, not is_up),
            ):
                y, x = np.nonzero(which)
                flags = np.full(len(y), left), np.full(len(y), up)
                found.append((own[y, x], y, x, *flags))
        numbers, y, x, left, up = map(np.concatenate, zip(*found, strict=True))
        # Two corners of a region may be at one point. Then the one whose side goes to
        # the left, or up, is the end of that side, and comes before the other.
        order = np.lexsort((~left, x, y, numbers))
        numbers, y, x, left, up = (a[order] for a in (numbers, y, x, left, up))
        size = len(y)
        across = np.arange(size) ^ 1
        by_column = np.lexsort((~up, y, x, numbers))
        along = np.empty(size, np.intp)
        along[by_column] = by_column[np.arange(size) ^ 1]
        return cls(numbers, y, x, across, along)
