# SPDX-License-Identifier: GPL-3.0-or-later
"""Circular patches on a polar grid, and the scores of operations about a point."""

import math
from abc import abstractmethod
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
from scipy import ndimage

from .base import Descriptor, OperationAxis, compiled
from .block import cut_block
from .checks import check_distinct, check_whole, pixel_pair
from .pooling import Pooling

_polar = compiled("_polar")

# How far the spline's prefilter looks: beyond, a coefficient has less than 1e-22 of
# what a pixel has.
OVERLAP = 40
# Half the box whose mean a pixel gets that is left out.
FILL = 20
# Rounding of the samples, as a fraction of the largest coefficient in the block.
ROUNDING = 2e-7
# Of angles as fractions of a turn: it bounds the number of samples.
LARGEST_DENOMINATOR = 720


def polar_offsets(radius, n_angles):
    """Places of the samples: radii 1 to `radius`, angles from x towards y.

    Parameters
    ----------
    radius : int
        In pixels.
    n_angles : int

    Returns
    -------
    (radius, n_angles, 2) numpy.ndarray of float64
        (dy, dx) from the centre of the patch.
    """
    angles = 2 * np.pi * np.arange(n_angles) / n_angles
    unit = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return np.arange(1, radius + 1)[:, np.newaxis, np.newaxis] * unit


def _corners_and_weights(offsets):
    """Where the 4 x 4 spline coefficients of each sample begin, and their weights."""
    # Rounded so that the sine of 180 degrees is 0.
    offsets = offsets.round(9)
    whole = np.floor(offsets)
    t = (offsets - whole)[..., np.newaxis]
    weights = np.concatenate(
        [
            (1 - t) ** 3,
            3 * t**3 - 6 * t**2 + 4,
            3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4,
            t**3,
        ],
        axis=-1,
    )
    return whole.astype(np.intp) - 1, (weights / 6).astype(np.float32)


def _interleave(array, step):
    """Columns of a block by their phase: (rows, step, columns / step).

    There is room for the samples of a row to be computed a few too many.
    """
    rows, columns = array.shape
    width = columns // step + 1 + _polar.MARGIN
    padded = np.zeros((rows + 1, width * step), np.float32)
    padded[:rows, :columns] = array
    by_phase = padded.reshape(rows + 1, width, step).transpose(0, 2, 1)
    return np.ascontiguousarray(by_phase)


def _fill(values, valid):
    """Give pixels that are left out the mean of the valid ones around them."""
    size = 2 * FILL + 1
    weights = ndimage.uniform_filter(valid.astype(float), size, mode="constant")
    sums = ndimage.uniform_filter(values, size, mode="constant")
    to_fill = ~valid & (weights > 0.5 / size**2)
    values[to_fill] = sums[to_fill] / weights[to_fill]


class _Block:
    """Spline coefficients of a block, laid out for the samples at a grid."""

    def __init__(self, frame, grid, mask, reach):
        far = reach + OVERLAP
        values, valid, self.offset, _ = cut_block(frame, grid, (far, far), mask)
        self.grid, self._reach = grid, reach
        inner = slice(OVERLAP, -OVERLAP)
        points = tuple(
            slice(reach, reach + (size - 1) * step + 1, step)
            for size, step in zip(grid.shape, grid.stride, strict=True)
        )
        if valid.all():
            support = np.zeros((1, 1, 1), np.float32)
            self.whole = np.ones(grid.shape, np.uint8)
        else:
            _fill(values, valid)
            valid = valid[inner, inner]
            # All 4 x 4 pixels from here on.
            supported = ndimage.minimum_filter(valid, 4, origin=-2, mode="nearest")
            support = _interleave(supported, grid.stride[1])
            nearby = ndimage.minimum_filter(valid, 2 * reach + 1, mode="nearest")
            self.whole = np.ascontiguousarray(nearby[points], np.uint8)
        self.support = support
        coefficients = ndimage.spline_filter(values, order=3, mode="mirror")
        coefficients = coefficients[inner, inner]
        self.rounding = (ROUNDING * np.abs(coefficients).max()) ** 2
        self._coefficients = _interleave(coefficients, grid.stride[1])
        # Near the mean of every patch.
        means = ndimage.uniform_filter(coefficients, 2 * reach - 3)[points]
        self._levels = np.pad(means.astype(np.float32), ((0, 0), (0, _polar.MARGIN)))

    def sampler(self, offsets):
        """Sampler at (radii, samples a radius, 2) offsets (dy, dx) from the pixels."""
        corners, weights = _corners_and_weights(offsets)
        return _polar.Sampler(
            self._coefficients,
            self._levels,
            (self._reach, self._reach),
            self.grid.stride,
            corners,
            weights,
        )


def polar_samples(frame, grid, radius, n_angles, mask=None):
    """Intensities on a polar grid around every pixel of a grid.

    Cubic spline interpolation, as by ``scipy.ndimage.map_coordinates``. A frame is
    continued by its local mean.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
    grid : Grid
    radius : int
        The radii are 1 to `radius` pixels.
    n_angles : int
        The angles are multiples of 360 / `n_angles` degrees, from x towards y.
    mask : (rows, columns) numpy.ndarray of bool, optional
        True where a pixel is left out.

    Returns
    -------
    (grid rows, grid columns, radius, n_angles) numpy.ndarray of float32
        Less an offset, and scaled by a power of two: the same for all.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import Grid
    >>> frame = np.tile(np.arange(50.0), (40, 1))
    >>> samples = polar_samples(frame, Grid((20, 25), (1, 1), (1, 1)), 3, 4)
    >>> (np.ptp(samples[0, 0], axis=1) / np.ptp(samples[0, 0, 0])).round(3)
    array([1., 2., 3.], dtype=float32)
    """
    block = _Block(frame, grid, mask, radius + 2)
    samples = np.empty((*grid.shape, radius, n_angles), np.float32)
    _polar.sample_block(block.sampler(polar_offsets(radius, n_angles)), samples)
    return samples


def _pairs(images):
    """Pairs of samples that operations compare, and where each operation's are.

    Parameters
    ----------
    images : list of (n,) int array
        For each operation, the sample that each sample is compared with.

    Returns
    -------
    pairs : (m, 2) numpy.ndarray of int32
    parts : (operations, 3) numpy.ndarray of int
        Where the pairs of an operation begin; from where on they stand for (i, j) and
        (j, i) both; and where they end.
    """
    pairs, parts, begin = [], [], 0
    for image in images:
        i = np.arange(len(image))
        # An image in the second patch, if there is one, is beyond these.
        is_own_inverse = image.max() < len(image) and (image[image] == i).all()
        single = i[image == i] if is_own_inverse else i
        double = i[i < image] if is_own_inverse else i[:0]
        pairs += [np.stack([which, image[which]], axis=1) for which in (single, double)]
        twice = begin + len(single)
        parts.append((begin, twice, twice + len(double)))
        begin = parts[-1][-1]
    return np.concatenate(pairs).astype(np.int32), np.array(parts, np.intp)


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
        if not isinstance(angle, int | float | np.number) or isinstance(angle, bool):
            raise TypeError(f"{name}: {angle!r} is not an angle in degrees.")
        valid = 0 <= angle < end
        if not valid or abs(float(_turns(angle)) - angle / 360) > 1e-12:
            raise ValueError(
                f"{name}: {angle!r} degrees; allowed are angles from 0 to less than "
                f"{end} that are fractions of a turn, such as whole degrees."
            )
    return tuple(map(float, angles))


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
    paper's max-pooling, but without the neighbours of one peak.
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
        check_whole("radius", self.radius, 1)
        check_whole("n_maxima", self.n_maxima, 1)
        pooling = pixel_pair("pooling", self.pooling, least=1)
        step = pixel_pair("step", self.step, least=1)
        if any(s > 2 * (p // 2) + 1 for s, p in zip(step, pooling, strict=True)):
            raise ValueError(
                f"step={self.step!r}: allowed is at most pooling={self.pooling!r}."
            )
        object.__setattr__(self, "pooling", pooling)
        object.__setattr__(self, "step", step)
        if self.only is not None:
            only = check_distinct("only", self.only)
            most = len(self.point_operations) * self._n_ranks - 1
            for place in only:
                check_whole("only", place, 0, most)
            object.__setattr__(self, "only", tuple(map(int, only)))
        multiple = math.lcm(*(_turns(angle).denominator for angle in degrees))
        if self.n_angles is None:
            multiple = math.lcm(12, multiple)
            least = math.ceil(2 * math.pi * self.radius / multiple)
            object.__setattr__(self, "n_angles", least * multiple)
        check_whole("n_angles", self.n_angles, 1)
        if self.n_angles % multiple:
            raise ValueError(
                f"n_angles={self.n_angles!r}: allowed is a multiple of {multiple}, so "
                "that the operations map samples onto samples."
            )

    def check_frame(self, shape):
        """Check that a frame is large enough.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the frame.

        Raises
        ------
        ValueError
            If the radius is larger than half of the frame.
        """
        most = (min(shape) - 1) // 2
        if self.radius > most:
            raise ValueError(
                f"radius={self.radius}: allowed is at most {most} for a frame of "
                f"{shape[0]} x {shape[1]} pixels."
            )

    def _steps(self, degrees):
        """Angle in steps of the polar grid."""
        return int(_turns(degrees) * self.n_angles)

    @property
    def _reach(self):
        """How far the 4 x 4 pixels of the samples reach."""
        return self.radius + 2

    @property
    @abstractmethod
    def point_operations(self):
        """The operations that are scored, one a row: numpy.ndarray."""

    @property
    @abstractmethod
    def _point_axes(self):
        """The axes of the operations that are scored: tuple of OperationAxis."""

    @abstractmethod
    def _comparisons(self, places):
        """What to compare: yields sets of operations that have their samples in common.

        Parameters
        ----------
        places : numpy.ndarray of int
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
        """Places among all operations and their maxima."""
        if self.only is not None:
            return np.array(self.only)
        return np.arange(len(self.point_operations) * self._n_ranks)

    @property
    def operations(self):
        """What is scored and which maximum of it, 1 for the largest.

        Returns
        -------
        (operations, n) numpy.ndarray
            The columns of `point_operations`, and the number of the maximum.
        """
        places, ranks = np.divmod(self._kept, self._n_ranks)
        return np.column_stack([self.point_operations[places], ranks + 1])

    @property
    def operation_axes(self):
        """The axes of what is scored and the maxima, or the places in the list."""
        if self.only is not None:
            return super().operation_axes
        maxima = OperationAxis("Maximum", np.arange(1, self._n_ranks + 1), "")
        return (*self._point_axes, *[maxima] * (self._n_ranks > 1))

    def subset(self, places):
        """Descriptor with some of the operations only."""
        return replace(self, only=self._kept[list(places)])

    def _score(self, frame, grid, mask, out):
        places, ranks = np.divmod(self._kept, self._n_ranks)
        used, places = np.unique(places, return_inverse=True)
        if self.pooling == (1, 1):
            scores = np.empty((len(used), *grid.shape), np.float32)
            self._score_map(frame, grid, mask, used, scores)
            out[:] = scores[places]
            return
        pooling = Pooling(grid, frame.shape, self.pooling, self.step)
        scores = np.empty((len(used), *pooling.grid.shape), np.float32)
        self._score_map(frame, pooling.grid, mask, used, scores)
        maxima = np.empty((len(used), self._n_ranks, *grid.shape), np.float32)
        pooling.pool(scores, maxima)
        out[:] = maxima[places, ranks]

    def _score_map(self, frame, grid, mask, places, out):
        """Scores of some of `point_operations` at a grid, not pooled."""
        block = _Block(frame, grid, mask, self._reach)
        done = 0
        for offsets, images in self._comparisons(places):
            _polar.score_block(
                block.sampler(offsets),
                block.support,
                block.whole,
                *_pairs(images),
                block.offset,
                block.rounding,
                out[done : done + len(images)],
            )
            done += len(images)
