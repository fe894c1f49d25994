# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths of the segmentation that suit a lattice period."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hyperspy_symseg.lattice import Periods

# Patch, window and stride, in periods. Frames without a period get those of 12 pixels.
PATCH = 1.7
WINDOW = 1.75
STRIDE = 1 / 2.4
STEP = 1 / 12
# The patch of noisy frames, in periods, at most, and what a patch has to hold: half its
# size in pixels, squared, times the ratio of the power of the reflections to that of
# the noise. So it does not depend on how fine the pixels are for the same electrons.
LARGEST_PATCH = 3
NEEDED_SIGNAL = 43
# Lengths in a frame, as a fraction of its shorter side, at most.
FRACTION = 1 / 4


@dataclass(frozen=True)
class Lengths:
    """Lengths of the segmentation, in pixels, as the descriptors define them.

    Attributes
    ----------
    patch : int
        Half the size of the patch of translations.
    window : int
        Largest shift and glide, and half the size of the window of power spectra.
    stride : int
        Distance of the pixels that are scored.
    radius : int
        Radius of the patch of operations about a point.
    pooling : int
        Width of the window that their local maxima are taken from; odd.
    step : int
        Distance of the pixels that these are looked for in.
    """

    patch: int = 20
    window: int = 21
    stride: int = 5
    radius: int = 20
    pooling: int = 21
    step: int = 1

    def parameters(self, descriptor: str) -> dict[str, int]:
        """The lengths that a descriptor has.

        Parameters
        ----------
        descriptor : str
            Name of a descriptor.

        Returns
        -------
        dict of str: int
            By the names of its parameters; empty if there is no such descriptor.

        Examples
        --------
        >>> Lengths().parameters("translation")
        {'patch': 20, 'window': 21}
        """
        return {name: getattr(self, name) for name in _PARAMETERS.get(descriptor, ())}


_ABOUT_A_POINT = ("radius", "pooling", "step")
_PARAMETERS = {
    "translation": ("patch", "window"),
    "rotation": _ABOUT_A_POINT,
    "reflection": _ABOUT_A_POINT,
    "glide_reflection": (*_ABOUT_A_POINT, "window"),
    "power_spectrum": ("window",),
}


def suitable_lengths(periods: Periods, shape: tuple[int, int]) -> Lengths:
    """Lengths that suit a frame.

    Parameters
    ----------
    periods : Periods
        Those of the frame.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    Lengths
        Multiples of the period, or those for a period of 12 pixels if there is none.
        The noisier the frame, the larger the patches, up to 3 periods. All are small
        enough for the descriptors to take such a frame, from 3 x 3 pixels on.

    Examples
    --------
    >>> import numpy as np
    >>> from hyperspy_symseg.lattice import find_periods
    >>> frame = 1 + np.cos(np.arange(240) * 2 * np.pi / 24) * np.ones((200, 1))
    >>> periods = find_periods(np.random.default_rng(0).poisson(30 * frame))
    >>> suitable_lengths(periods, frame.shape)
    Lengths(patch=41, window=42, stride=10, radius=41, pooling=43, step=2)
    """
    lengths = Lengths()
    if periods.period is not None:
        period = periods.period
        needed = math.sqrt(NEEDED_SIGNAL / max(periods.signal_to_noise, 1e-9))
        patch = max(needed, PATCH * period)
        lengths = Lengths(
            patch=round(min(patch, LARGEST_PATCH * period)),
            window=round(WINDOW * period),
            stride=max(1, round(STRIDE * period)),
            radius=round(PATCH * period),
            pooling=2 * int(WINDOW * period / 2) + 1,
            step=max(1, round(STEP * period)),
        )
    most = max(1, int(FRACTION * (min(shape) - 1)))
    pooling = min(lengths.pooling, 2 * most - 1)
    fitting = {
        name: min(getattr(lengths, name), most)
        for name in ("patch", "window", "stride", "radius")
    }
    return Lengths(**fitting, pooling=pooling, step=min(lengths.step, pooling))
