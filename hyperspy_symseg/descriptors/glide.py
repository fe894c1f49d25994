# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of reflections in a line through a pixel, with a glide along it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.checks import (
    MOST_OPERATIONS,
    check_distinct,
    check_length,
    check_whole,
    is_pair,
    shown,
)

from .base import OperationAxis, all_pairs, check_fits
from .point_symmetry import MOST_AXES, PointSymmetry, axis_angles, check_angles
from .polar import polar_offsets


@dataclass(frozen=True, repr=False)
class GlideReflectionSymmetry(PointSymmetry):
    """Pearson's coefficient of a circular patch and a mirror image further along.

    With u the direction of an axis through the pixel r, the patch around r - g u / 2
    is compared with the mirror image of the patch around r + g u / 2. The score is
    defined in `PointSymmetry`, and so are the local maxima that are the descriptor.
    They are high where a pattern has glide lines nearby.

    Every axis and glide has two patches of its own, so that this takes about `window`
    times as long as all other operations about a point; a larger `step` is a way out.

    Parameters
    ----------
    radius : int
        Radius of the patch, in pixels.
    n_axes : int
        The axes are at k 180 / `n_axes` degrees from x towards y.
    window : int
        The glides are 1 to `window` pixels along the axis.
    n_angles : int, optional
        Number of samples around the patch at every radius. By default the smallest
        multiple of 12 and of `n_axes` that is at least 2 pi `radius`.
    pooling, n_maxima, step, only
        As in `RotationSymmetry`.
    glides : sequence of (float, int), optional
        Use these axes and glides instead, in degrees and in pixels up to `window`;
        `n_axes` is then taken from them.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a value is out of range, or an axis does not map samples onto samples.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import GlideReflectionSymmetry
    >>> from hyperspy_symseg.frames import Grid
    >>> descriptor = GlideReflectionSymmetry(radius=8, glides=[(0, 3), (0, 5)])
    >>> y, x = np.mgrid[:50, :60]
    >>> frame = np.cos(2 * np.pi * x / 10) * np.sin(2 * np.pi * y / 12)
    >>> descriptor.compute(frame, Grid((25, 30), (1, 1), (1, 1))).round(2)
    array([[[0.35, 1.  ]]], dtype=float32)
    """

    lengths: ClassVar = PointSymmetry.lengths | {"window": False}
    lists: ClassVar = {"glides": ("n_axes",)}

    radius: int = 20
    n_axes: int = 10
    window: int = 21
    n_angles: int | None = None
    pooling: int | tuple[int, int] = 21
    n_maxima: int = 1
    step: int | tuple[int, int] = 1
    glides: tuple[tuple[float, int], ...] | None = None
    only: tuple[int, ...] | None = None

    def __post_init__(self):
        """Check the parameters, and make them hashable."""
        window = check_length("window", self.window)
        self._set(window=window)
        if self.glides is not None:
            pairs = check_distinct("glides", self.glides)
            if not all(map(is_pair, pairs)):
                raise ValueError(
                    f"glides must be pairs (angle, glide), got {shown(self.glides)}."
                )
            angles = {angle for angle, _ in pairs}
            angles = check_angles("glides: each angle", angles, 180)
            for _, glide in pairs:
                # An array with the angles has whole numbers as float.
                whole = isinstance(glide, float) and glide.is_integer()
                glide = int(glide) if whole else glide
                check_whole("glides: each glide", glide, 1, window)
            pairs = tuple((float(angle), int(glide)) for angle, glide in pairs)
            self._set(glides=pairs, n_axes=len(angles))
        n_axes = check_whole("n_axes", self.n_axes, 1, MOST_AXES)
        self._set(n_axes=n_axes)
        if self.glides is None and n_axes * window > MOST_OPERATIONS:
            raise ValueError(
                f"window must be at most {MOST_OPERATIONS // n_axes} pixels for "
                f"{n_axes} axes, got {window}."
            )
        self._check_sampling((2 * np.unique(self.point_operations[:, 0])).tolist())

    @cached_property
    def point_operations(self) -> np.ndarray:
        """Angles in degrees and glides in pixels: (operations, 2) numpy.ndarray."""
        if self.glides is not None:
            return np.array(self.glides)
        return all_pairs(*(axis.values for axis in self._point_axes))

    @property
    def _point_axes(self):
        if self.glides is not None:
            return (OperationAxis("Operation", np.arange(len(self.glides)), ""),)
        return (
            OperationAxis("Axis angle", axis_angles(self.n_axes), "°"),
            OperationAxis("Glide", np.arange(1, self.window + 1), "length"),
        )

    def check_frame(self, shape: tuple[int, int]) -> None:
        """Check that the radius fits twice into a frame, and the glides once."""
        super().check_frame(shape)
        name, most = "window" if self.glides is None else "glides", min(shape) - 1
        given = getattr(self, name)
        check_fits(name, given, self._largest_glide, most, shape, of="glides")

    @property
    def _largest_glide(self):
        return int(self.point_operations[:, 1].max())

    @property
    def _reach(self):
        return super()._reach + math.ceil(self._largest_glide / 2)

    def _comparisons(self, indices):
        samples = polar_offsets(self.radius, self.n_angles)
        angles = np.arange(self.n_angles)
        for axis, glide in self.point_operations[indices]:
            turn = np.deg2rad(axis)
            half = glide / 2 * np.array([np.sin(turn), np.cos(turn)])
            image = (self._steps(2 * axis) - angles) % self.n_angles
            both = np.concatenate([samples - half, samples + half], axis=1)
            yield both, [self.n_angles + image]
