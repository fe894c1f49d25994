# SPDX-License-Identifier: GPL-3.0-or-later
"""Power spectra of windows of the frame."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.checks import (
    MOST_OPERATIONS,
    check_distinct,
    check_flag,
    check_whole,
    is_pair,
    is_whole_number,
    pixel_pair,
    shown,
)
from hyperspy_symseg.frames.tile import cut_block, within_reach

from .base import Descriptor, OperationAxis, all_pairs, check_fits, opposite_indices

if TYPE_CHECKING:
    from hyperspy_symseg.frames import Grid

# A variance this small beside the mean square is none.
NO_VARIANCE = 1e-10
# Rounding of a running mean of squares, as a fraction of the largest.
ROUNDING = 1e-14
# Sum of squared weights below which nothing is left: those at the rim are 0.
SMALLEST_WEIGHT = 1e-6


@dataclass(frozen=True, repr=False)
class PowerSpectrum(Descriptor):
    r"""Power spectrum of the window around a pixel.

    With :math:`I` the intensities in the window, :math:`\mu` and :math:`\sigma` their
    mean and standard deviation, :math:`w` the square root of the two-dimensional Hann
    window, and F the Fourier transform,

    .. math::

        \left|F[w (I - \mu) / \sigma]\right|^2 \Big/ \sum w^2

    so that gain and offset of the detector do not matter, and white noise has 1 on
    average. Pixels outside the frame, not finite or masked take the mean, and their
    :math:`w` does not count in the sum. The spectrum is missing (NaN) where less than
    an eighth of the window, or none of its weight, is left, and 0 if the window has no
    contrast (a variance of at most 1e-10 of its mean square).

    For large windows it holds the same information as the local correlation map (Wang
    et al., Microsc. Microanal. 27 (2021) 1454).

    Parameters
    ----------
    window : int or (int, int)
        Half the size of the window along (y, x), in pixels: it has 2 `window` + 1.
    log : bool
        Whether to take log(1 + power).
    max_operations : int
        The frequencies are those of one half-plane, for the other is its mirror; of a
        large window, those up to the same along both axes, and at most this number.
    frequencies : (n, 2) array of int, optional
        Periods (ky, kx) in the window, of these frequencies only; `max_operations` is
        then their number.

    Raises
    ------
    TypeError
        If a number is not whole.
    ValueError
        If a value is out of range.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import PowerSpectrum
    >>> from hyperspy_symseg.frames import Grid
    >>> descriptor = PowerSpectrum(window=10, log=False)
    >>> descriptor.operations.shape
    (231, 2)

    A wave that fits into the window three times:

    >>> frame = np.tile(np.cos(2 * np.pi * np.arange(50) / 7), (40, 1))
    >>> power = descriptor.compute(frame, Grid((20, 25), (1, 1), (1, 1)))[0, 0]
    >>> ky, kx = descriptor.operations[power.argmax()] * 21
    >>> float(ky), float(kx)
    (0.0, 3.0)
    """

    lengths: ClassVar = {"window": True}
    lists: ClassVar = {"frequencies": ("max_operations",)}
    quantity: ClassVar = "Power"

    window: int | tuple[int, int] = 21
    log: bool = True
    max_operations: int = 1000
    frequencies: tuple | None = None

    def __post_init__(self):
        """Check the parameters, and make them hashable."""
        y, x = window = pixel_pair("window", self.window, least=1)
        log = check_flag("log", self.log)
        most = check_whole("max_operations", self.max_operations, 1, MOST_OPERATIONS)
        self._set(window=window, log=log, max_operations=most)
        if self.frequencies is not None:
            pairs = check_distinct("frequencies", self.frequencies)
            if not all(
                is_pair(pair) and all(map(is_whole_number, pair)) for pair in pairs
            ):
                raise TypeError(
                    "frequencies must be pairs of int (ky, kx), got "
                    f"{shown(self.frequencies)}."
                )
            if any(abs(ky) > y or not 0 <= kx <= x for ky, kx in pairs):
                raise ValueError(
                    f"frequencies must have ky from {-y} to {y} and kx from 0 to {x} "
                    f"for the window {window}, got {shown(self.frequencies)}."
                )
            pairs = tuple((int(ky), int(kx)) for ky, kx in pairs)
            self._set(frequencies=pairs, max_operations=len(pairs))
        elif max(self._most_periods) == 0:
            raise ValueError(
                "max_operations must be at least 6 (frequencies other than 0), "
                f"got {self.max_operations}."
            )

    @cached_property
    def _periods(self):
        """Periods (ky, kx) in the window: (operations, 2) numpy.ndarray of int."""
        if self.frequencies is not None:
            return np.array(self.frequencies)
        y, x = self._most_periods
        return all_pairs(np.arange(-y, y + 1), np.arange(x + 1))

    @property
    def _most_periods(self):
        """Largest ky and kx of the half-plane: (int, int)."""
        (y, x), longest = self.window, max(self.window)
        n = bisect.bisect_right(
            range(1, longest + 1),
            self.max_operations,
            key=lambda n: (2 * (y * n // longest) + 1) * (x * n // longest + 1),
        )
        return y * n // longest, x * n // longest

    @property
    def _size(self):
        """Rows and columns of the window."""
        return tuple(2 * half + 1 for half in self.window)

    @property
    def operations(self) -> np.ndarray:
        """Frequencies (ky, kx) in cycles a pixel: (operations, 2) numpy.ndarray."""
        return self._periods / self._size

    @property
    def operation_axes(self) -> tuple[OperationAxis, ...]:
        """The frequencies along y and x, or the indices in the list."""
        if self.frequencies is not None:
            return super().operation_axes
        (y, x), (rows, columns) = self._most_periods, self._size
        return (
            OperationAxis("k{}", np.arange(-y, y + 1) / rows, "1/y"),
            OperationAxis("k{}", np.arange(x + 1) / columns, "1/x"),
        )

    @cached_property
    def opposites(self) -> np.ndarray:
        """Index of -k for every k: (operations,) numpy.ndarray of int."""
        return opposite_indices(self._periods)

    def subset(self, indices: Sequence[int]) -> Descriptor:
        """Descriptor with some of the frequencies only."""
        return replace(self, frequencies=self._periods[list(indices)])

    def check_frame(self, shape: tuple[int, int]) -> None:
        """Check that the window fits into a frame."""
        most = tuple((n - 1) // 2 for n in shape)
        check_fits("window", self.window, self.window, most, shape)

    def support(self, grid: Grid, frame_shape: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns that the scores at a grid depend on: (slice, slice)."""
        return within_reach(grid, self.window, frame_shape)

    def _score(self, frame, grid, mask, out):
        values, valid, offset, _ = cut_block(frame, grid, self.window, mask)
        mean, gain = self._mean_and_gain(values, valid, offset, grid)
        ky, kx = self._periods.T
        most_y, most_x = np.abs(ky).max(), kx.max()
        # The window is separable, and so is the transform: along x, once for each row.
        along_x = _waves(self.window[1], most_x).reshape(-1, self._size[1])
        rows = self._row_spectra(values, along_x, grid)
        # Most rows are valid from end to end of the frame, and so the same.
        keys = [row.tobytes() for row in valid]
        row_of = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        which = np.array([row_of[key] for key in keys])
        distinct = np.frombuffer(b"".join(row_of), bool).reshape(len(row_of), -1)
        valid_rows = self._row_spectra(distinct, along_x, grid)
        along_y = _waves(self.window[0], most_y)
        power = np.empty((2 * most_y + 1, most_x + 1, grid.shape[1]), np.float32)
        every = self.frequencies is None
        for row in range(grid.shape[0]):
            first = row * grid.stride[0]
            window = slice(first, first + self._size[0])
            slab, own = rows[window], which[window]
            if (own == own[0]).all():
                _put_power(along_y, slab, mean[row] * valid_rows[own[0]], power)
            else:
                _put_power(along_y, slab - mean[row] * valid_rows[own], None, power)
            target = out[:, row].reshape(power.shape) if every else power
            np.multiply(power, gain[row], out=target)
            if self.log:
                np.log1p(target, out=target)
            if not every:
                out[:, row] = power[most_y + ky, kx]

    def _row_spectra(self, values, along_x, grid):
        """Cosine and sine sums of windows of every row: (rows, 2, kx, grid columns)."""
        windows = sliding_window_view(values, self._size[1], axis=1)
        windows = windows[:, :: grid.stride[1]].transpose(0, 2, 1).astype(np.float32)
        return (along_x @ windows).reshape(len(values), 2, -1, grid.shape[1])

    def _mean_and_gain(self, values, valid, offset, grid):
        """Mean of each window, and the factor that its power is to be multiplied by."""
        step_y, step_x = grid.stride

        def mean_of(block, along_y, along_x):
            rows = sliding_window_view(block, len(along_x), axis=1)[:, ::step_x]
            rows = rows @ (along_x / len(along_x))
            windows = sliding_window_view(rows, len(along_y), axis=0)[::step_y]
            return windows @ (along_y / len(along_y))

        flat = [np.ones(n) for n in self._size]
        fraction = mean_of(valid, *flat)
        # The window has an odd number of pixels: an eighth of them is never met.
        weight = mean_of(valid, *map(np.hanning, self._size)) * math.prod(self._size)
        enough = (fraction > 1 / 8) & (weight > SMALLEST_WEIGHT)
        fraction = np.where(enough, fraction, 1)
        mean = mean_of(values, *flat) / fraction
        variance = mean_of(values**2, *flat) / fraction - mean**2
        level = variance + (mean + offset) ** 2
        rounding = ROUNDING * (values**2).max(initial=0)
        varies = (variance > NO_VARIANCE * level) & (variance > rounding)
        gain = np.divide(1, variance * weight, where=enough & varies, out=0 * mean)
        gain[~enough] = np.nan
        return mean.astype(np.float32), gain.astype(np.float32)


def _waves(half, most):
    """Weighted cosines and sines along a window: (2, most + 1, 2 half + 1) float32."""
    size = 2 * half + 1
    phases = np.outer(np.arange(most + 1), np.arange(-half, half + 1)) / size
    waves = np.stack([np.cos(2 * np.pi * phases), np.sin(2 * np.pi * phases)])
    return (waves * np.sqrt(np.hanning(size))).astype(np.float32)


def _put_power(along_y, slab, mean, power):
    """Power (ky, kx, columns) of rows (rows, 2, kx, columns), less a mean of all rows.

    A window has an odd number of rows, often a prime, which Fourier transforms are slow
    at. With C and S the sums of the rows times the cosines and sines along y, and c and
    s those along x, the spectrum of +-ky is (C_c -+ S_s) - i (C_s +- S_c). C needs the
    sums of opposite rows only, S their differences.
    """
    most, half = power.shape[0] // 2, len(slab) // 2
    above, below = slab[half - 1 :: -1], slab[half + 1 :]
    cosines, sines = along_y[0, :, half:], along_y[1, 1:, half + 1 :]
    even = _sums(cosines, np.concatenate([slab[half, np.newaxis], below + above]))
    if mean is not None:
        even -= np.multiply.outer(along_y[0].sum(axis=1), mean)
    odd = _sums(sines, below - above)
    np.square(even[0]).sum(axis=0, out=power[most])
    (cc, cs), (sc, ss) = (np.moveaxis(sums, 1, 0) for sums in (even[1:], odd))
    for own, real, imaginary in (
        (power[most + 1 :], cc - ss, cs + sc),
        (power[:most][::-1], cc + ss, cs - sc),
    ):
        np.square(real, out=own)
        own += np.square(imaginary)


def _sums(waves, rows):
    """Sums of rows (n, 2, kx, columns), times waves (ky, n): (ky, 2, kx, columns)."""
    return (waves @ rows.reshape(len(rows), -1)).reshape(-1, *rows.shape[1:])
