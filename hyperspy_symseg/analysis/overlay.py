# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs tinted by pattern."""

from dataclasses import dataclass
from typing import ClassVar

from rsciio.utils.rgb import RGB_DTYPES, regular_array2rgbx

from hyperspy_symseg.frames.analysis import MapAnalysis
from hyperspy_symseg.plotting import tint

from .checks import check_labels


@dataclass(frozen=True)
class Overlay(MapAnalysis):
    """Micrographs in grey, tinted by pattern: rgb8.

    Parameters
    ----------
    n_patterns : int
    saturation : float
        From 0, grey, to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from hyperspy_symseg.frames.run import run
    >>> run(Overlay(1, saturation=1), np.array([[0, 9]]), np.array([[0, -1]]))["R"]
    array([[  0, 255]], dtype=uint8)
    """

    n_patterns: int
    saturation: float = 0.5
    dtype: ClassVar = RGB_DTYPES["rgb8"]
    # Black and white levels are those of a whole frame.
    whole_frames: ClassVar[bool] = True

    def process(self, tile):
        """Colours of a frame: (rows, columns) numpy.ndarray of rgb8."""
        labels = check_labels(tile.labels, self.n_patterns)
        colors = tint(tile.values, labels, self.n_patterns, self.saturation)
        return regular_array2rgbx(colors)
