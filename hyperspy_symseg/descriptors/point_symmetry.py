# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of operations about a point: what rotations and reflections share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hyperspy_symseg.frames.checks import (
    MOST_OPERATIONS,
    check_distinct,
    check_length,
    check_whole,
    is_number,
    pixel_pair,
    shown,
)
from hyperspy_symseg.frames.tile import within_reach

from .base import Descriptor, OperationAxis, check_fits
from .polar import OVERLAP, PolarBlock
from .pooling import Pooling

if TYPE_CHECKING:
    from hyperspy_symseg.frames import Grid

# Of angles as fractions of a turn.
LARGEST_DENOMINATOR = 720
# Nobody needs more of these, and more would not fit into memory.
MOST_ANGLES = 10_000
MOST_MAXIMA = 1000
MOST_AXES = 360


def _pairs(images):
    """Pairs of samples that operations compare, and the ranges of each operation.

    Parameters
    ----------
    images : list of (n,) int array
        For each operation, the sample that each sample is compared with.

    Returns
    -------
    pairs : (m, 2) numpy.ndarray of int32
    ranges : (operations, 3) numpy.ndarray of int
        As in `PolarBlock.score`.
    """
    pairs, ranges, begin = [], [], 0
    for image in images:
        i = np.arange(len(image))
        # An image in the second patch, if there is one, is beyond these.
        is_own_inverse = image.max() < len(image) and (image[image] == i).all()
        single = i[image == i] if is_own_inverse else i
        double = i[i < image] if is_own_inverse else i[:0]
        pairs += [np.stack([which, image[which]], axis=1) for which in (single, double)]
        twice = begin + len(single)
        ranges.append((begin, twice, twice + len(double)))
        begin = ranges[-1][-1]
    return np.concatenate(pairs).astype(np.int32), np.array(ranges, np.intp)


def _turns(degrees):
    """Angle as a fraction of a full turn, exact for whole numbers of degrees."""
    return Fraction(degrees / 360).limit_denominator(LARGEST_DENOMINATOR)


def axis_angles(n_axes):
    """Angles of axes spread evenly over 180 degrees: (n_axes,) numpy.ndarray."""
    return np.arange(n_axes) * 180 / n_axes


def check_angles(name, angles, end):
    """Check a list of angles.

    Parameters
    ----------
    name : str
        The argument, for the message.
    angles : sequence of float
        In degrees.
    end : float
        They have to be smaller.

    Returns
    -------
    tuple of float

    Raises
    ------
    TypeError, ValueError
        If it is empty, or has an angle twice or one that is not allowed.
    """
    angles = check_distinct(name, angles)
    for angle in angles:
        if not is_number(angle):
            raise TypeError(f"{name} must be real, in degrees, got {shown(angle)}.")
        valid = 0 <= angle < end
        if not valid or abs(float(_turns(float(angle))) - angle / 360) > 1e-12:
            raise ValueError(
                f"{name} must be from 0 to less than {end} degrees, in fractions of a "
                f"turn with a denominator of at most {LARGEST_DENOMINATOR} (such as "
                f"half degrees), got {shown(angle)}."
            )
    # To the last bit the same, however they were computed.
    return tuple(float(360 * _turns(float(angle))) for angle in angles)


class PointSymmetry(Descriptor):
    """Pearson's coefficient of a circular patch and its image under an operation.

    The patch is sampled on a polar grid, by cubic splines. With S the samples of the
    patch, S' those that the operation maps them on, and r the radius as weight (the
    area element), the score is (Wang et al., Microsc. Microanal. 27 (2021) 1454,
    eq. 2)

        sum r (S - mean S) (S' - mean S')
            / sqrt(sum r (S - mean S)^2  sum r (S' - mean S')^2)

    over the pairs of which both samples have 4 x 4 pixels around them that are in the
    frame, finite and not masked. It is missing (NaN) if these carry less than half
    the weight, and 0 if S or S' has no contrast (a variance of at most 1e-10 of the
    mean square, or lost to the rounding of float32).

    These scores depend on where in the cell the pixel is. The descriptor holds the
    largest local maxima of each in a window around the pixel, which do not: the
    paper's max-pooling, but without the neighbours of one peak. The window stays two
    thirds of the radius (and two pixels, and half of a glide) away from the edges,
    where scores of cut patches are missing or scatter: near an edge it is moved
    inside. Its patches still reach up to the edge.
    """

    isotropic: ClassVar = True
    lengths: ClassVar = {"radius": False, "pooling": True, "step": True}

    def _check_sampling(self, degrees):
        """Check what these descriptors share, and set `n_angles` if it is None.

        Parameters
        ----------
        degrees : list of float
            Angles that have to be whole steps of the polar grid.
        """
        radius = check_length("radius", self.radius)
        n_maxima = check_whole("n_maxima", self.n_maxima, 1, MOST_MAXIMA)
        pooling = pixel_pair("pooling", self.pooling, least=1)
        step = pixel_pair("step", self.step, least=1)
        if any(s > 2 * (p // 2) + 1 for s, p in zip(step, pooling, strict=True)):
            raise ValueError(f"step must be at most pooling, {pooling}, got {step}.")
        self._set(radius=radius, n_maxima=n_maxima, pooling=pooling, step=step)
        n_operations = len(self.point_operations) * self._n_ranks
        if n_operations > MOST_OPERATIONS:
            raise ValueError(
                f"n_maxima must be at most {MOST_OPERATIONS} over the number of "
                f"operations, which is {len(self.point_operations)}, got {n_maxima}."
            )
        if self.only is not None:
            only = [
                check_whole("only: each place", index, 0, n_operations - 1)
                for index in check_distinct("only", self.only)
            ]
            self._set(only=tuple(only))
        multiple = math.lcm(*(_turns(angle).denominator for angle in degrees))
        if self.n_angles is None:
            multiple = math.lcm(12, multiple)
            least = math.ceil(2 * math.pi * radius / multiple)
            most = MOST_ANGLES // multiple * multiple / (2 * math.pi)
            if radius > most >= 1:
                raise ValueError(
                    f"radius must be at most {int(most)} pixels if n_angles is not "
                    f"given, got {radius}."
                )
            self._set(n_angles=least * multiple)
        n_angles = check_whole("n_angles", self.n_angles, 1, MOST_ANGLES)
        self._set(n_angles=n_angles)
        if n_angles % multiple:
            raise ValueError(
                f"n_angles must be a multiple of {multiple}, for the operations to "
                f"map samples onto samples, got {n_angles}."
            )

    def check_frame(self, shape: tuple[int, int]) -> None:
        """Check that the radius fits twice into a frame."""
        most = (min(shape) - 1) // 2
        check_fits("radius", self.radius, self.radius, most, shape)

    def _steps(self, degrees):
        """Angle in steps of the polar grid."""
        return int(_turns(degrees) * self.n_angles)

    @property
    def _reach(self):
        """Reach of the 4 x 4 pixels of the samples, in pixels: int."""
        return self.radius + 2

    @property
    @abstractmethod
    def point_operations(self) -> np.ndarray:
        """The operations that are scored, one a row: numpy.ndarray."""

    @property
    @abstractmethod
    def _point_axes(self):
        """The axes of the operations that are scored: tuple of OperationAxis."""

    @abstractmethod
    def _comparisons(self, indices):
        """Yield sets of operations that have their samples in common.

        Parameters
        ----------
        indices : numpy.ndarray of int
            Those of `point_operations` that are wanted.

        Yields
        ------
        offsets : (radii, samples, 2) numpy.ndarray
            Where the samples of a patch are, followed by those of a second one, if
            there is one.
        images : list of (angles,) numpy.ndarray of int
            For each operation, the sample that each of the patch is compared with.
        """

    @property
    def _n_ranks(self):
        """Number of local maxima that the descriptor holds of each operation."""
        return 1 if self.pooling == (1, 1) else self.n_maxima

    @property
    def _kept(self):
        """Indices among all operations and their maxima."""
        if self.only is not None:
            return np.array(self.only)
        return np.arange(len(self.point_operations) * self._n_ranks)

    @property
    def operations(self) -> np.ndarray:
        """The operations that are scored, and which maximum, 1 for the largest.

        Returns
        -------
        (operations, n) numpy.ndarray
            The columns of `point_operations`, and the number of the maximum.
        """
        indices, ranks = np.divmod(self._kept, self._n_ranks)
        return np.column_stack([self.point_operations[indices], ranks + 1])

    @property
    def operation_axes(self) -> tuple[OperationAxis, ...]:
        """The axes of the operations and the maxima, or the indices in the list."""
        if self.only is not None:
            return super().operation_axes
        maxima = OperationAxis("Maximum", np.arange(1, self._n_ranks + 1), "")
        return (*self._point_axes, *[maxima] * (self._n_ranks > 1))

    def subset(self, indices: Sequence[int]) -> Descriptor:
        """Descriptor with some of the operations only."""
        return replace(self, only=self._kept[list(indices)])

    def _pooling(self, grid, frame_shape):
        """Pooling of the scores, or None."""
        if self.pooling == (1, 1):
            return None
        # Nearer to the edges patches have less than half of their pairs.
        margin = self._reach - self.radius // 3
        return Pooling(grid, frame_shape, self.pooling, self.step, margin)

    def support(self, grid: Grid, frame_shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns that the scores at a grid depend on: (slice, slice)."""
        pooling = self._pooling(grid, frame_shape)
        map_grid = grid if pooling is None else pooling.grid
        far = self._reach + OVERLAP
        return within_reach(map_grid, (far, far), frame_shape)

    def _score(self, frame, grid, mask, out):
        indices, ranks = np.divmod(self._kept, self._n_ranks)
        used, indices = np.unique(indices, return_inverse=True)
        pooling = self._pooling(grid, frame.shape)
        map_grid = grid if pooling is None else pooling.grid
        done = 0
        for scores in self._score_maps(frame, map_grid, mask, used):
            maxima = scores[:, np.newaxis]
            if pooling is not None:
                maxima = np.empty((len(scores), self._n_ranks, *grid.shape), np.float32)
                pooling.pool(scores, maxima)
            here = (indices >= done) & (indices < done + len(scores))
            out[here] = maxima[indices[here] - done, ranks[here]]
            done += len(scores)

    def _score_maps(self, frame, grid, mask, indices):
        """Scores at a grid, not pooled, of some of `point_operations`.

        Yields
        ------
        (operations, grid rows, grid columns) numpy.ndarray of float32
            Of one operation or several at a time, in the order of `indices`.
        """
        block = PolarBlock(frame, grid, mask, self._reach)
        for offsets, images in self._comparisons(indices):
            scores = np.empty((len(images), *grid.shape), np.float32)
            block.score(offsets, *_pairs(images), scores)
            yield scores
