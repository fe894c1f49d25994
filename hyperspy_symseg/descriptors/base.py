# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of all descriptors."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from hyperspy_symseg.frames.checks import (
    check_frame,
    check_grid,
    check_mask,
    check_out,
    shown,
)
from hyperspy_symseg.frames.tile import Tile

if TYPE_CHECKING:
    from hyperspy_symseg.frames import Grid


class OperationAxis(NamedTuple):
    """One axis of a regular set of operations.

    Attributes
    ----------
    name : str
        ``{}`` stands for the name of the axis of the frame.
    values : numpy.ndarray
        What the operations have along this axis.
    unit : str
        ``"y"`` or ``"x"`` for pixels along that axis of the frame, ``"1/y"`` or
        ``"1/x"`` for cycles a pixel along it, ``"length"`` for pixels in any
        direction; else the unit itself.
    """

    name: str
    values: np.ndarray
    unit: str


def all_pairs(first, second):
    """All pairs of two arrays of numbers, the second fastest: (n, 2) numpy.ndarray."""
    return np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)


def check_fits(name, value, length, most, shape, of=""):
    """Raise a ValueError if a length, one or a pair, is too large for a frame.

    Parameters
    ----------
    name, value
        Of the parameter, for the message.
    length, most : int or sequence of int
        What it is, and may be.
    shape : (int, int)
        Rows and columns of the frame.
    of : str
        What has the length, if that is not the parameter itself.
    """
    if np.greater(length, most).any():
        must = f"have {of} of" if of else "be"
        raise ValueError(
            f"{name} must {must} at most {most} for a frame of {shape[0]} x {shape[1]} "
            f"pixels, got {shown(value)}."
        )


def opposite_indices(pairs):
    """Index of the pair (-a, -b) for every pair (a, b), or its own if there is none.

    Parameters
    ----------
    pairs : (n, 2) numpy.ndarray of int

    Returns
    -------
    (n,) numpy.ndarray of int

    Examples
    --------
    >>> opposite_indices(np.array([[0, 3], [1, 2], [0, -3]]))
    array([2, 1, 0])
    """
    pairs = [tuple(pair) for pair in pairs.tolist()]
    indices = {pair: i for i, pair in enumerate(pairs)}
    return np.array([indices.get((-a, -b), i) for i, (a, b) in enumerate(pairs)])


class Descriptor(ABC):
    """A vector of scores at every pixel of a grid.

    Descriptors are frozen dataclasses of their parameters, all in pixels and degrees.
    """

    #: Parameters that are lengths: True for one along both axes, or a pair (y, x).
    lengths: ClassVar[dict[str, bool]] = {}
    #: Parameters that list the operations, with those that the list replaces.
    lists: ClassVar[dict[str, tuple[str, ...]]] = {}
    #: Name of the scores.
    quantity: ClassVar[str] = "Pearson's coefficient"
    #: Whether it needs pixels of the same size along y and x.
    isotropic: ClassVar[bool] = False
    #: Rows and columns of pixels that are scored at once, at most.
    # More would leave the processor's cache, fewer would spend more on the margin that
    # patch and window need. A little over a power of two, for frames of such sizes do
    # not divide evenly by the stride.
    tile_shape: ClassVar[tuple[int, int]] = (272, 544)

    def __repr__(self):
        """As of any dataclass, but of a long list of operations the first six."""
        parameters = (
            f"{field.name}={shown(getattr(self, field.name))}"
            for field in dataclasses.fields(self)
        )
        return f"{type(self).__name__}({', '.join(parameters)})"

    def _set(self, **parameters):
        """Set parameters of the frozen dataclass to checked values."""
        for name, value in parameters.items():
            object.__setattr__(self, name, value)

    @property
    @abstractmethod
    def operations(self) -> np.ndarray:
        """The candidate symmetry operations, one a row: numpy.ndarray."""

    @property
    def operation_axes(self) -> tuple[OperationAxis, ...]:
        """The axes that the operations are a regular grid on: tuple of OperationAxis.

        The last one runs fastest. Operations from a list have their index in it.
        """
        return (OperationAxis("Operation", np.arange(len(self.operations)), ""),)

    @property
    def opposites(self) -> np.ndarray:
        """Index of the operation that carries the same information inside a crystal.

        Returns
        -------
        (operations,) numpy.ndarray of int
            An operation's own index if there is no other.
        """
        return np.arange(len(self.operations))

    @property
    def members(self) -> tuple[int, ...]:
        """Number of operations of each member, of which most have one: tuple of int."""
        return (len(self.operations),)

    @abstractmethod
    def subset(self, indices: Sequence[int]) -> Descriptor:
        """Descriptor with some of the operations only.

        Parameters
        ----------
        indices : sequence of int
            Of the operations, ascending.

        Returns
        -------
        Descriptor
        """

    @abstractmethod
    def check_frame(self, shape: tuple[int, int]) -> None:
        """Check that a frame is large enough.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the frame.

        Raises
        ------
        ValueError
            If a length does not fit into the frame.
        """

    @abstractmethod
    def support(self, grid: Grid, frame_shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of a frame that the scores at a grid depend on.

        Parameters
        ----------
        grid : Grid
        frame_shape : (int, int)
            Rows and columns of the frame.

        Returns
        -------
        (slice, slice)
            Rows and columns.
        """

    def compute(
        self,
        frame: np.ndarray | Tile,
        grid: Grid,
        mask: np.ndarray | Tile | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Scores at the pixels of a grid, all at once.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray of any real dtype, or Tile
            Pixels that are not finite are left out. A tile sees `support` at least.
        grid : Grid
            The pixels to score.
        mask : (rows, columns) numpy.ndarray of bool or Tile, optional
            True where a pixel is left out.
        out : (grid rows, grid columns, operations) numpy.ndarray of float32, optional
            Where to put the scores. The columns of the grid have to be next to each
            other in memory.

        Returns
        -------
        (grid rows, grid columns, operations) numpy.ndarray of float32
            NaN where a score is missing. The operations lie apart in memory.

        Raises
        ------
        TypeError, ValueError
            If the frame, the mask, or a length for such a frame is not allowed.
        """
        mask = self.checked_mask(frame, grid, mask)
        shape = (*grid.shape, len(self.operations))
        if out is None:
            out = np.moveaxis(np.empty((shape[2], *shape[:2]), np.float32), 0, -1)
        check_out(out, shape)
        self._score(frame, grid, mask, np.moveaxis(out, -1, 0))
        return out

    def checked_mask(
        self, frame: np.ndarray | Tile, grid: Grid, mask: np.ndarray | Tile | None
    ) -> np.ndarray | Tile | None:
        """The mask, after a check of all that the scores at a grid are computed from.

        Parameters
        ----------
        frame, grid, mask
            As for `compute`.

        Returns
        -------
        numpy.ndarray of bool, Tile or None
        """
        check_frame(frame)
        self.check_frame(frame.shape)
        if not isinstance(mask, Tile):
            mask = check_mask(mask, frame.shape)
        check_grid(grid, frame.shape)
        return mask

    @abstractmethod
    def _score(self, frame, grid, mask, out):
        """Write the scores into `out`, (operations, grid rows, grid columns)."""
