# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of rotations about a pixel."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.checks import check_distinct, is_whole_number, shown

from .base import OperationAxis
from .point_symmetry import PointSymmetry, check_angles
from .polar import polar_offsets

FOLDS = (2, 3, 4, 6)


@dataclass(frozen=True, repr=False)
class RotationSymmetry(PointSymmetry):
    """Pearson's coefficient of a circular patch and its rotated self.

    The score of an n-fold rotation is the mean over its n - 1 rotations; that of one
    rotation is defined in `PointSymmetry`, and so are the local maxima that are the
    descriptor. They are high where a pattern has rotation centres nearby.

    Parameters
    ----------
    radius : int
        Radius of the patch, in pixels.
    folds : sequence of int
        Some of 2, 3, 4 and 6.
    angles : sequence of float, optional
        Single rotations instead, in degrees between 0 and 360; the paper has 60, 90,
        120 and 180.
    n_angles : int, optional
        Number of samples around the patch at every radius. By default the smallest
        multiple of 12 (and of what `angles` need) that is at least 2 pi `radius`.
    pooling : int or (int, int)
        Width of the window along (y, x), in pixels: it has those at most half of it
        away, and near the edges it is moved, not cut. 1 is the score at the pixel
        itself, with no maxima.
    n_maxima : int
        How many of the largest local maxima the descriptor has of each operation. The
        last is repeated where there are fewer.
    step : int or (int, int)
        Distance of the pixels that the local maxima are looked for in.
    only : sequence of int, optional
        Places of the operations to keep, as `subset` does it.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a value is out of range, or a rotation is no whole step of the samples.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import RotationSymmetry
    >>> from hyperspy_symseg.frames import Grid
    >>> descriptor = RotationSymmetry(radius=8, pooling=11, n_maxima=1)
    >>> descriptor.point_operations, descriptor.n_angles
    (array([2, 3, 4, 6]), 60)

    Columns on a square lattice have centres of four-fold rotation:

    >>> y, x = np.mgrid[:50, :60]
    >>> frame = np.cos(2 * np.pi * y / 10) + np.cos(2 * np.pi * x / 10)
    >>> descriptor.compute(frame, Grid((25, 30), (1, 1), (1, 1))).round(2)
    array([[[1.  , 0.17, 1.  , 0.31]]], dtype=float32)
    """

    lists: ClassVar = {"angles": ("folds",)}

    radius: int = 20
    folds: tuple[int, ...] | None = FOLDS
    angles: tuple[float, ...] | None = None
    n_angles: int | None = None
    pooling: int | tuple[int, int] = 21
    n_maxima: int = 10
    step: int | tuple[int, int] = 1
    only: tuple[int, ...] | None = None

    def __post_init__(self):
        """Check the parameters, and make them hashable."""
        if self.angles is not None:
            folds = self.folds
            if folds is not None and tuple(check_distinct("folds", folds)) != FOLDS:
                raise ValueError(
                    f"folds must not be given with angles, got {shown(self.folds)}."
                )
            angles = check_angles("angles", self.angles, 360)
            if 0 in angles:
                raise ValueError(f"angles must not be 0, got {shown(self.angles)}.")
            self._set(angles=angles, folds=None)
        else:
            folds = tuple(check_distinct("folds", self.folds))
            if not all(is_whole_number(fold) and fold in FOLDS for fold in folds):
                raise ValueError(
                    f"folds must be some of 2, 3, 4 and 6, got {shown(self.folds)}."
                )
            self._set(folds=tuple(map(int, folds)))
        self._check_sampling(itertools.chain(*self._members))

    @property
    def point_operations(self) -> np.ndarray:
        """The folds, or the angles in degrees: (operations,) numpy.ndarray."""
        return np.array(self.folds if self.angles is None else self.angles)

    @property
    def _point_axes(self):
        if self.angles is None:
            return (OperationAxis("Fold", self.point_operations, ""),)
        return (OperationAxis("Rotation angle", self.point_operations, "°"),)

    @cached_property
    def _members(self):
        """The rotations that each operation is the mean over, in degrees.

        Those beyond 180 degrees compare the same pairs as those before.
        """
        if self.angles is not None:
            return [[min(angle, 360 - angle)] for angle in self.angles]
        return [
            [min(k, fold - k) * 360 / fold for k in range(1, fold)]
            for fold in self.folds
        ]

    def _comparisons(self, indices):
        angles = np.arange(self.n_angles)
        images = [
            (angles + self._steps(rotation)) % self.n_angles
            for rotation in self._rotations(indices)
        ]
        yield polar_offsets(self.radius, self.n_angles), images

    def _rotations(self, indices):
        """All different rotations of some operations, in degrees."""
        return sorted({angle for index in indices for angle in self._members[index]})

    def _score_maps(self, frame, grid, mask, indices):
        rotations = self._rotations(indices)
        (scores,) = super()._score_maps(frame, grid, mask, indices)
        for index in indices:
            which = [rotations.index(angle) for angle in self._members[index]]
            yield scores[which].mean(axis=0, keepdims=True)
