# SPDX-License-Identifier: GPL-3.0-or-later
"""Several descriptors as one."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.checks import shown
from hyperspy_symseg.frames.tile import hull

from .base import Descriptor


@dataclass(frozen=True)
class JoinedDescriptors(Descriptor):
    """The scores of several descriptors, one after another.

    A model weights the parts so that none drowns the others: see `SymmetryModel`.

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
    >>> descriptor.blocks
    (81, 50)
    """

    descriptors: tuple[Descriptor, ...]

    quantity: ClassVar = "Score"

    def __post_init__(self):
        """Check the parts."""
        parts = tuple(self.descriptors)
        for part in parts:
            if not isinstance(part, Descriptor) or isinstance(part, JoinedDescriptors):
                raise TypeError(
                    f"descriptors must be single descriptors, got {shown(part)}."
                )
        kinds = [type(part).__name__ for part in parts]
        if len(parts) < 2 or len(set(kinds)) < len(kinds):
            raise ValueError(
                "descriptors must be two or more, each of another kind, got "
                f"{', '.join(kinds) or 'none'}."
            )
        object.__setattr__(self, "descriptors", parts)

    @property
    def isotropic(self):
        """Whether a part needs pixels of the same size along y and x."""
        return any(part.isotropic for part in self.descriptors)

    @property
    def blocks(self):
        """Number of operations of each part: tuple of int."""
        return tuple(len(part.operations) for part in self.descriptors)

    @property
    def operations(self):
        """Part and place in it of every operation: (operations, 2) numpy.ndarray."""
        return np.concatenate(
            [
                np.stack([np.full(n, part), np.arange(n)], axis=1)
                for part, n in enumerate(self.blocks)
            ]
        )

    @property
    def _slices(self):
        """Where the operations of each part are."""
        ends = itertools.accumulate(self.blocks, initial=0)
        return [slice(*ends) for ends in itertools.pairwise(ends)]

    @property
    def opposites(self):
        """Place of the operation that carries the same information."""
        return np.concatenate(
            [
                which.start + part.opposites
                for part, which in zip(self.descriptors, self._slices, strict=True)
            ]
        )

    def subset(self, places):
        """Descriptor with some of the operations only."""
        parts = []
        for part, which in zip(self.descriptors, self._slices, strict=True):
            own = [p - which.start for p in places if which.start <= p < which.stop]
            if own:
                parts.append(part.subset(own))
        return parts[0] if len(parts) == 1 else JoinedDescriptors(parts)

    def check_frame(self, shape):
        """Check that a frame is large enough for all parts."""
        for part in self.descriptors:
            part.check_frame(shape)

    def support(self, grid, frame_shape):
        """The part of a frame that the scores at a grid depend on."""
        return hull([part.support(grid, frame_shape) for part in self.descriptors])

    def _score(self, frame, grid, mask, out):
        for part, which in zip(self.descriptors, self._slices, strict=True):
            part._score(frame, grid, mask, out[which])
