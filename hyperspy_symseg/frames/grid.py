# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a frame at which a descriptor is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .checks import pixel_pair


@dataclass(frozen=True)
class Grid:
    """Pixels ``first + k * stride`` of a frame, along both axes.

    All pairs are (y, x), in pixels.

    Attributes
    ----------
    first : (int, int)
        The first row and column sampled.
    stride : (int, int)
        Distance between samples.
    shape : (int, int)
        Number of samples.

    Raises
    ------
    TypeError, ValueError
        If the numbers are not whole or too small.
    """

    first: tuple[int, int]
    stride: tuple[int, int]
    shape: tuple[int, int]

    def __post_init__(self):
        """Check that there are samples, at places that can be."""
        for name, least in (("first", 0), ("stride", 1), ("shape", 1)):
            pair = pixel_pair(name, getattr(self, name), least)
            object.__setattr__(self, name, pair)

    @classmethod
    def over(cls, frame_shape: tuple[int, int], stride: int | Sequence[int]) -> Grid:
        """Grid over a whole frame, as far from one edge as from the other.

        Parameters
        ----------
        frame_shape : (int, int)
            Rows and columns of the frame.
        stride : int or (int, int)
            From 1 to the size of the frame.

        Returns
        -------
        Grid

        Raises
        ------
        TypeError, ValueError
            If the stride is not allowed.

        Examples
        --------
        >>> Grid.over((11, 13), 5)
        Grid(first=(0, 1), stride=(5, 5), shape=(3, 3))
        """
        stride = pixel_pair("stride", stride, least=1)
        if any(s > n for s, n in zip(stride, frame_shape, strict=True)):
            raise ValueError(
                f"stride must be at most the size of the frame, {tuple(frame_shape)}, "
                f"got {stride}."
            )
        axes = tuple(zip(frame_shape, stride, strict=True))
        return cls(
            tuple((n - 1) % step // 2 for n, step in axes),
            stride,
            tuple((n - 1) // step + 1 for n, step in axes),
        )

    @property
    def rows(self) -> np.ndarray:
        """Rows sampled: (shape[0],) int array."""
        return self.first[0] + self.stride[0] * np.arange(self.shape[0])

    @property
    def columns(self) -> np.ndarray:
        """Columns sampled: (shape[1],) int array."""
        return self.first[1] + self.stride[1] * np.arange(self.shape[1])

    @property
    def size(self) -> int:
        """Number of pixels sampled."""
        return self.shape[0] * self.shape[1]

    def within(self, rows: slice, columns: slice) -> Grid:
        """Grid of some of the samples.

        Parameters
        ----------
        rows, columns : slice
            Slices of the grid.

        Returns
        -------
        Grid

        Examples
        --------
        >>> Grid.over((11, 23), 5).within(slice(1, 3), slice(None, None, 2))
        Grid(first=(5, 1), stride=(5, 10), shape=(2, 3))
        """
        places = range(self.shape[0])[rows], range(self.shape[1])[columns]
        axes = tuple(zip(self.first, self.stride, places, strict=True))
        return Grid(
            tuple(first + place.start * step for first, step, place in axes),
            tuple(place.step * step for _, step, place in axes),
            tuple(map(len, places)),
        )
