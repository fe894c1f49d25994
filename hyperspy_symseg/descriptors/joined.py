# SPDX-License-Identifier: GPL-3.0-or-later
"""Several descriptors as one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hyperspy_symseg.frames.checks import shown
from hyperspy_symseg.frames.tile import hull

from .base import Descriptor

if TYPE_CHECKING:
    from hyperspy_symseg.frames import Grid


@dataclass(frozen=True)
class JoinedDescriptors(Descriptor):
    """The scores of several descriptors, one after another.

    A model weights the members so that none drowns the others: see `SymmetryModel`.

    Parameters
    ----------
    descriptors : sequence of Descriptor
        Two or more, each of another kind.

    Raises
    ------
    TypeError
        If one is not a descriptor.
    ValueError
        If there are fewer than two, or two of a kind.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import ReflectionSymmetry, TranslationSymmetry
    >>> descriptor = JoinedDescriptors([TranslationSymmetry(), ReflectionSymmetry()])
    >>> descriptor.members
    (81, 50)
    """

    descriptors: tuple[Descriptor, ...]

    quantity: ClassVar = "Score"

    def __post_init__(self):
        """Check the members."""
        members = tuple(self.descriptors)
        for each in members:
            if not isinstance(each, Descriptor) or isinstance(each, JoinedDescriptors):
                raise TypeError(
                    f"descriptors must be single descriptors, got {shown(each)}."
                )
        kinds = [type(each).__name__ for each in members]
        if len(members) < 2 or len(set(kinds)) < len(kinds):
            raise ValueError(
                "descriptors must be two or more, each of another kind, got "
                f"{', '.join(kinds) or 'none'}."
            )
        self._set(descriptors=members)

    @property
    def isotropic(self) -> bool:
        """Whether a member needs pixels of the same size along y and x."""
        return any(each.isotropic for each in self.descriptors)

    @property
    def members(self) -> tuple[int, ...]:
        """Number of operations of each member: tuple of int."""
        return tuple(len(each.operations) for each in self.descriptors)

    @property
    def operations(self) -> np.ndarray:
        """Member of every operation, and index in it: (operations, 2) numpy.ndarray."""
        return np.concatenate(
            [
                np.stack([np.full(n, member), np.arange(n)], axis=1)
                for member, n in enumerate(self.members)
            ]
        )

    @property
    def _slices(self):
        """Slice of the operations of each member: list of slice."""
        ends = itertools.accumulate(self.members, initial=0)
        return [slice(*ends) for ends in itertools.pairwise(ends)]

    @property
    def opposites(self) -> np.ndarray:
        """Index of the operation that carries the same information."""
        return np.concatenate(
            [
                own.start + each.opposites
                for each, own in zip(self.descriptors, self._slices, strict=True)
            ]
        )

    def subset(self, indices: Sequence[int]) -> Descriptor:
        """Descriptor with some of the operations only."""
        members = []
        for each, own in zip(self.descriptors, self._slices, strict=True):
            chosen = [i - own.start for i in indices if own.start <= i < own.stop]
            if chosen:
                members.append(each.subset(chosen))
        return members[0] if len(members) == 1 else JoinedDescriptors(members)

    def check_frame(self, shape: tuple[int, int]) -> None:
        """Check that a frame is large enough for all members."""
        for each in self.descriptors:
            each.check_frame(shape)

    def support(self, grid: Grid, frame_shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns that the scores at a grid depend on: (slice, slice)."""
        return hull([each.support(grid, frame_shape) for each in self.descriptors])

    def _score(self, frame, grid, mask, out):
        for each, own in zip(self.descriptors, self._slices, strict=True):
            each._score(frame, grid, mask, out[own])
