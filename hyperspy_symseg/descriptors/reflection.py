# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of reflections in a line through a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.checks import check_whole

from .base import OperationAxis
from .point_symmetry import MOST_AXES, PointSymmetry, axis_angles, check_angles
from .polar import polar_offsets


@dataclass(frozen=True, repr=False)
class ReflectionSymmetry(PointSymmetry):
    """Pearson's coefficient of a circular patch and its mirror image.

    The score of a reflection in an axis through the pixel is defined in
    `PointSymmetry`, and so are the local maxima that are the descriptor. They are high
    where a pattern has mirror lines nearby.

    Parameters
    ----------
    radius : int
        Radius of the patch, in pixels.
    n_axes : int
        The axes are at k 180 / `n_axes` degrees from x towards y.
    n_angles : int, optional
        Number of samples around the patch at every radius. By default the smallest
        multiple of 12 and of `n_axes` that is at least 2 pi `radius`.
    pooling, n_maxima, step, only
        As in `RotationSymmetry`.
    angles : sequence of float, optional
        Use these axes instead, in degrees from x towards y, from 0 to 180; `n_axes` is
        then their number.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a value is out of range, or an axis does not map samples onto samples.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import ReflectionSymmetry
    >>> from hyperspy_symseg.frames import Grid
    >>> descriptor = ReflectionSymmetry(radius=8, n_axes=4, pooling=11, n_maxima=1)
    >>> descriptor.point_operations, descriptor.n_angles
    (array([  0.,  45.,  90., 135.]), 60)

    Columns on a rectangular lattice have no diagonal mirrors:

    >>> y, x = np.mgrid[:50, :60]
    >>> frame = np.cos(2 * np.pi * y / 10) + np.cos(2 * np.pi * x / 7)
    >>> descriptor.compute(frame, Grid((25, 30), (1, 1), (1, 1))).round(2)
    array([[[1.  , 0.49, 1.  , 0.49]]], dtype=float32)
    """

    lists: ClassVar = {"angles": ("n_axes",)}

    radius: int = 20
    n_axes: int = 10
    n_angles: int | None = None
    pooling: int | tuple[int, int] = 21
    n_maxima: int = 5
    step: int | tuple[int, int] = 1
    angles: tuple[float, ...] | None = None
    only: tuple[int, ...] | None = None

    def __post_init__(self):
        """Check the parameters, and make them hashable."""
        if self.angles is not None:
            angles = check_angles("angles", self.angles, 180)
            self._set(angles=angles, n_axes=len(angles))
        n_axes = check_whole("n_axes", self.n_axes, 1, MOST_AXES)
        self._set(n_axes=n_axes)
        self._check_sampling([2 * angle for angle in self.point_operations.tolist()])

    @property
    def point_operations(self) -> np.ndarray:
        """Angles of the axes, in degrees: (operations,) numpy.ndarray of float64."""
        return (
            axis_angles(self.n_axes) if self.angles is None else np.array(self.angles)
        )

    @property
    def _point_axes(self):
        return (OperationAxis("Axis angle", self.point_operations, "°"),)

    def _comparisons(self, indices):
        angles = np.arange(self.n_angles)
        images = [
            (self._steps(2 * axis) - angles) % self.n_angles
            for axis in self.point_operations[indices]
        ]
        yield polar_offsets(self.radius, self.n_angles), images
