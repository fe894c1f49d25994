# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a frame at which a descriptor is computed."""

from dataclasses import dataclass, replace

import numpy as np

from .base import pixel_pair


def _spread(lengths, steps):
    """First place, step and number of places, along both axes."""
    pairs = tuple(zip(lengths, steps, strict=True))
    first = tuple((n - 1) % step // 2 for n, step in pairs)
    return first, tuple(steps), tuple((n - 1) // step + 1 for n, step in pairs)


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
    """

    first: tuple[int, int]
    stride: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def over(cls, frame_shape, stride):
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
                f"stride={stride}: allowed is at most the size of the frame, "
                f"{tuple(frame_shape)}."
            )
        return cls(*_spread(frame_shape, stride))

    @property
    def rows(self):
        """Rows sampled: (shape[0],) int array."""
        return self.first[0] + self.stride[0] * np.arange(self.shape[0])

    @property
    def columns(self):
        """Columns sampled: (shape[1],) int array."""
        return self.first[1] + self.stride[1] * np.arange(self.shape[1])

    @property
    def size(self):
        """Number of pixels sampled."""
        return self.shape[0] * self.shape[1]

    def part(self, rows, columns):
        """Grid of some of the samples.

        Parameters
        ----------
        rows, columns : slice
            Slices of the grid with a beginning and an end, without a step.

        Returns
        -------
        Grid
        """
        return replace(
            self,
            first=(
                self.first[0] + rows.start * self.stride[0],
                self.first[1] + columns.start * self.stride[1],
            ),
            shape=(rows.stop - rows.start, columns.stop - columns.start),
        )

    def every(self, k):
        """Grid of every k-th sample along both axes, as far from the edges.

        Parameters
        ----------
        k : int

        Returns
        -------
        Grid

        Examples
        --------
        >>> Grid.over((11, 23), 5).every(2)
        Grid(first=(0, 1), stride=(10, 10), shape=(2, 3))
        """
        places, strides, shape = _spread(self.shape, (k, k))
        first = (
            f + i * s for f, i, s in zip(self.first, places, self.stride, strict=True)
        )
        stride = (k * s for k, s in zip(strides, self.stride, strict=True))
        return Grid(tuple(first), tuple(stride), shape)
