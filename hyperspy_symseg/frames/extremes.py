# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames are blank: smallest and largest value of the pixels that count."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .analysis import SumAnalysis
from .valid import valid_pixels


@dataclass(frozen=True)
class Extremes(SumAnalysis):
    """Smallest and largest value that counts, and whether all pixels are masked.

    Examples
    --------
    >>> from hyperspy_symseg.frames.run import run
    >>> run(Extremes(), np.array([[[1, 2]], [[3, 5]]]))["high"]
    array([2., 5.])
    """

    dtype: ClassVar[np.dtype] = np.dtype(
        [("low", np.float64), ("high", np.float64), ("masked", bool)]
    )

    def process(self, tile):
        """Those of a tile: () numpy.ndarray."""
        masked = tile.mask is not None and tile.mask.all()
        return np.array((*extremes(tile.values, tile.mask), masked), self.dtype)

    def merge(self, a, b):
        """Those of two tiles."""
        low, high = min(a["low"], b["low"]), max(a["high"], b["high"])
        return np.array((low, high, a["masked"] and b["masked"]), self.dtype)


def extremes(frame, mask):
    """Smallest and largest value of the pixels that count.

    Parameters
    ----------
    frame, mask
        As for `valid_pixels`.

    Returns
    -------
    (float, float)
        inf and -inf if there are none.

    Examples
    --------
    >>> extremes(np.array([[3.0, np.nan, -1.0]]), None)
    (-1.0, 3.0)
    """
    valid = valid_pixels(frame, mask)
    if valid is not None:
        frame = frame[valid]
    if not frame.size:
        return np.inf, -np.inf
    return float(frame.min()), float(frame.max())


def why_blank(low, high):
    """Say why a frame with such extremes is no data, or None if it is: str or None."""
    if low < high:
        return None
    return "no pixel is finite" if low > high else f"every pixel is {low:g}"
