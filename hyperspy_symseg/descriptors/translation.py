# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of translations: the local correlation map of the paper."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.checks import (
    LARGEST_LENGTH,
    MOST_OPERATIONS,
    check_whole,
    pixel_pair,
    shown,
)
from hyperspy_symseg.frames.kernels import compiled
from hyperspy_symseg.frames.tile import cut_block, within_reach

from .base import Descriptor, OperationAxis, all_pairs, check_fits, opposite_indices

if TYPE_CHECKING:
    from hyperspy_symseg.frames import Grid

_translation = compiled("_translation")


@dataclass(frozen=True, repr=False)
class TranslationSymmetry(Descriptor):
    r"""Pearson's coefficient of a patch and its shifted self.

    The score of the shift :math:`T` at pixel :math:`r` is (Wang et al., Microsc.
    Microanal. 27 (2021) 1454, eq. 1 to 3)

    .. math::

        \rho_T(r) = \mathrm{Corr}\left(P_r, P_{r + T}\right)

    over the pixels :math:`q` of the patch :math:`P_r` for which :math:`q` and
    :math:`q + T` lie in the frame, are finite and not masked. Where these are not
    the whole patch, :math:`-T` takes the place of :math:`T` if it keeps more of it:
    inside one crystal both carry the same information. The score is missing (NaN)
    if they are less than an eighth of the patch, and 0 if one of the two patches
    has no contrast (a variance of at most 1e-10 of its mean square); for
    :math:`T = 0` it is 1.

    Parameters
    ----------
    patch : int or (int, int)
        Half the size of the patch along (y, x), in pixels: it has 2 `patch` + 1.
    window : int or (int, int)
        The largest shift along (y, x), in pixels.
    max_operations : int
        The shifts are a square grid, symmetric about 0 and holding 0, as dense as
        this number allows.
    translations : (n, 2) array of int, optional
        Use these shifts (dy, dx), in pixels, instead of a grid; `window` and
        `max_operations` are then taken from them.

    Raises
    ------
    TypeError
        If a length is not an integer.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import TranslationSymmetry
    >>> from hyperspy_symseg.frames import Grid
    >>> descriptor = TranslationSymmetry(patch=2, window=3, max_operations=9)
    >>> descriptor.operations.T
    array([[-2, -2, -2,  0,  0,  0,  2,  2,  2],
           [-2,  0,  2, -2,  0,  2, -2,  0,  2]])

    A pattern that repeats every two pixels:

    >>> frame = np.arange(120).reshape(10, 12) % 2
    >>> scores = descriptor.compute(frame, Grid.over(frame.shape, (5, 5)))
    >>> scores.shape, float(scores.min())
    ((2, 3, 9), 1.0)
    """

    lengths: ClassVar = {"patch": True, "window": True}
    lists: ClassVar = {"translations": ("window", "max_operations")}

    patch: int | tuple[int, int] = 20
    window: int | tuple[int, int] = 21
    max_operations: int = 100
    translations: tuple | None = None

    def __post_init__(self):
        """Check the parameters, and make them hashable."""
        patch = pixel_pair("patch", self.patch, least=1)
        # A list of shifts along one axis has the window 0 along the other.
        least = 1 if self.translations is None else 0
        window = pixel_pair("window", self.window, least)
        most = check_whole("max_operations", self.max_operations, 1, MOST_OPERATIONS)
        self._set(patch=patch, window=window, max_operations=most)
        if self.translations is not None:
            translations = self._checked_translations()
            largest = np.abs(translations).max(axis=0).tolist()
            self._set(translations=translations, window=tuple(largest))
            self._set(max_operations=len(translations))
        elif max(map(len, self.shift_axes)) < 3:
            raise ValueError(
                "max_operations must be large enough for a shift other than 0 in the "
                f"window {window}, got {most}. At least 9 is always enough."
            )

    def _checked_translations(self):
        rule = "translations must be one or more pairs of int (dy, dx), all different"
        try:
            translations = np.asarray(self.translations)
        except ValueError:
            raise ValueError(f"{rule}, got {shown(self.translations)}.") from None
        if translations.shape[1:] != (2,) or not len(translations):
            raise ValueError(f"{rule}, got the shape {translations.shape}.")
        if len(translations) > MOST_OPERATIONS:
            raise ValueError(
                f"translations must be at most {MOST_OPERATIONS} pairs, got "
                f"{len(translations)}."
            )
        if translations.dtype.kind not in "iu":
            raise TypeError(f"{rule}, got the dtype {translations.dtype}.")
        if translations.max() > LARGEST_LENGTH or translations.min() < -LARGEST_LENGTH:
            raise ValueError(
                f"translations must be of at most {LARGEST_LENGTH} pixels, got "
                f"{shown(translations.tolist())}."
            )
        pairs = tuple(map(tuple, translations.tolist()))
        if len(set(pairs)) < len(pairs):
            raise ValueError(f"{rule}, got {shown(pairs)}.")
        return pairs

    @property
    def shift_axes(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The shifts dy and dx of the grid of operations, or None for a list."""
        if self.translations is not None:
            return None

        y, x = self.window
        steps = range(1, max(self.window) + 2)
        index = bisect.bisect_left(
            steps,
            -self.max_operations,
            key=lambda step: -(2 * (y // step) + 1) * (2 * (x // step) + 1),
        )
        step = steps[index]
        return tuple(step * np.arange(-(w // step), w // step + 1) for w in self.window)

    @cached_property
    def operations(self) -> np.ndarray:
        """The shifts (dy, dx): (operations, 2) numpy.ndarray of int."""
        if self.translations is not None:
            operations = np.array(self.translations)
        else:
            operations = all_pairs(*self.shift_axes)
        operations.flags.writeable = False
        return operations

    @property
    def operation_axes(self) -> tuple[OperationAxis, ...]:
        """The shifts dy and dx, or the indices in the list."""
        if self.translations is not None:
            return super().operation_axes
        return tuple(
            OperationAxis("d{}", shifts, axis)
            for shifts, axis in zip(self.shift_axes, "yx", strict=True)
        )

    @cached_property
    def opposites(self) -> np.ndarray:
        """Index of -T for every T: (operations,) numpy.ndarray of int."""
        return opposite_indices(self.operations)

    def subset(self, indices: Sequence[int]) -> Descriptor:
        """Descriptor with some of the shifts only."""
        return replace(self, translations=self.operations[list(indices)])

    @cached_property
    def _pairs(self):
        """For each pair of T and -T: dy >= 0, dx and the indices of their scores.

        The index is -1 for one that is not among the operations.
        """
        shifts = [tuple(shift) for shift in self.operations.tolist()]
        indices = {shift: i for i, shift in enumerate(shifts)}
        half_plane = {max((dy, dx), (-dy, -dx)) for dy, dx in shifts}
        pairs = [
            (dy, dx, indices.get((dy, dx), -1), indices.get((-dy, -dx), -1))
            for dy, dx in sorted(half_plane)
        ]
        return np.array(pairs, dtype=np.intp)

    def check_frame(self, shape: tuple[int, int]) -> None:
        """Check that the patch and the shifts fit into a frame."""
        most = tuple((n - 1) // 2 for n in shape)
        check_fits("patch", self.patch, self.patch, most, shape)
        name = "window" if self.translations is None else "translations"
        most = tuple(n - 1 for n in shape)
        given = getattr(self, name)
        check_fits(name, given, self.window, most, shape, of="shifts")

    def support(self, grid: Grid, frame_shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns that the scores at a grid depend on: (slice, slice)."""
        return within_reach(grid, self._reach, frame_shape)

    def _score(self, frame, grid, mask, out):
        values, valid, offset, inside = cut_block(frame, grid, self._reach, mask)
        rows, columns = (
            {"first": reach, "step": step, "size": size, "half": half}
            for reach, step, size, half in zip(
                self._reach, grid.stride, grid.shape, self.patch, strict=True
            )
        )
        if valid[inside].all():
            y, x = inside
            sides = y.start, y.stop, x.start, x.stop
            bounds = dict(zip(("top", "bottom", "left", "right"), sides, strict=True))
            _translation.score_block(
                values, offset, bounds, rows, columns, self._pairs, out
            )
        else:
            images = np.stack([valid, values, values**2])
            _translation.score_masked_block(
                images, offset, rows, columns, self._pairs, out
            )
        for index in np.flatnonzero(~self.operations.any(axis=1)):
            zero_shift = out[index]
            zero_shift[~np.isnan(zero_shift)] = 1

    @cached_property
    def _reach(self):
        return np.add(self.patch, np.abs(self.operations).max(axis=0)).tolist()
