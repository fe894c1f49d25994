# SPDX-License-Identifier: GPL-3.0-or-later
"""Circular patches sampled on a polar grid."""

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.kernels import compiled
from hyperspy_symseg.frames.tile import cut_block, points_in_block

_polar = compiled("_polar")

# How far the spline's prefilter looks: beyond, a coefficient has less than 1e-22 of
# what a pixel has.
OVERLAP = 40
# Half the box whose mean a pixel gets that is left out.
FILL = 20
# Rounding of the samples, as a fraction of the largest coefficient nearby.
ROUNDING = 2e-7


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


class PolarBlock:
    """Spline coefficients of all that the patches at a grid need.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
    grid : Grid
        The pixels in the middle of the patches.
    mask : (rows, columns) numpy.ndarray of bool or None
        True where a pixel is left out.
    reach : int
        How far the 4 x 4 pixels of the samples reach from there.
    """

    def __init__(self, frame, grid, mask, reach):
        far = reach + OVERLAP
        values, valid, self._offset, _ = cut_block(frame, grid, (far, far), mask)
        self._grid, self._reach = grid, reach
        inner = slice(OVERLAP, -OVERLAP)
        points = points_in_block(grid, (reach, reach))
        if valid.all():
            support = np.zeros((1, 1, 1), np.float32)
            self._whole = np.ones(grid.shape, np.uint8)
        else:
            _fill(values, valid)
            valid = valid[inner, inner]
            # All 4 x 4 pixels from here on.
            supported = ndimage.minimum_filter(valid, 4, origin=-2, mode="nearest")
            support = _interleave(supported, grid.stride[1])
            nearby = ndimage.minimum_filter(valid, 2 * reach + 1, mode="nearest")
            self._whole = np.ascontiguousarray(nearby[points], np.uint8)
        self._support = support
        coefficients = ndimage.spline_filter(values, order=3, mode="mirror")
        coefficients = coefficients[inner, inner]
        largest = ndimage.maximum_filter(np.abs(coefficients), 2 * reach + 1)
        self._roundings = (ROUNDING * largest[points]).astype(np.float32)
        self._coefficients = _interleave(coefficients, grid.stride[1])
        # Near the mean of every patch.
        means = ndimage.uniform_filter(coefficients, 2 * reach - 3)[points]
        self._levels = np.pad(means.astype(np.float32), ((0, 0), (0, _polar.MARGIN)))

    def _sampler(self, offsets):
        corners, weights = _corners_and_weights(offsets)
        return _polar.Sampler(
            self._coefficients,
            self._levels,
            (self._reach, self._reach),
            self._grid.stride,
            corners,
            weights,
        )

    def sample(self, offsets):
        """Samples at offsets from the pixels of the grid.

        Parameters
        ----------
        offsets : (radii, samples, 2) numpy.ndarray
            (dy, dx), in pixels.

        Returns
        -------
        (grid rows, grid columns, radii, samples) numpy.ndarray of float32
        """
        samples = np.empty((*self._grid.shape, *offsets.shape[:2]), np.float32)
        _polar.sample_block(self._sampler(offsets), samples)
        return samples

    def score(self, offsets, pairs, ranges, out):
        """Write the scores of operations that have their samples in common.

        Parameters
        ----------
        offsets : (radii, samples, 2) numpy.ndarray
            (dy, dx), in pixels.
        pairs : (n, 2) numpy.ndarray of int32
            Samples that are compared.
        ranges : (operations, 3) numpy.ndarray of int
            Where the pairs of an operation begin; from where on they stand for (i, j)
            and (j, i) both; and where they end.
        out : (operations, grid rows, grid columns) numpy.ndarray of float32
        """
        _polar.score_block(
            self._sampler(offsets),
            self._support,
            self._whole,
            pairs,
            ranges,
            self._offset,
            self._roundings,
            out,
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
    >>> from hyperspy_symseg.frames import Grid
    >>> frame = np.tile(np.arange(50.0), (40, 1))
    >>> samples = polar_samples(frame, Grid((20, 25), (1, 1), (1, 1)), 3, 4)
    >>> (np.ptp(samples[0, 0], axis=1) / np.ptp(samples[0, 0, 0])).round(3)
    array([1., 2., 3.], dtype=float32)
    """
    block = PolarBlock(frame, grid, mask, radius + 2)
    return block.sample(polar_offsets(radius, n_angles))
