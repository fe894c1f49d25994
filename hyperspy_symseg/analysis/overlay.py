# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs tinted by pattern, and the colours of the patterns."""

from dataclasses import dataclass
from typing import ClassVar

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from rsciio.utils.rgb import RGB_DTYPES, regular_array2rgbx

from hyperspy_symseg.frames.analysis import MapAnalysis

from .checks import check_labels

# M. Okabe and K. Ito, Color Universal Design (2008): can be told apart with any kind
# of colour vision. So can the others beside them: each is the one that is farthest from
# all before it, in CIELAB as those who see two of the three primaries see it.
PATTERN_COLORS = {
    "orange": "#e69f00",
    "sky blue": "#56b4e9",
    "bluish green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "vermillion": "#d55e00",
    "reddish purple": "#cc79a7",
    "violet": "#8700f0",
    "pale green": "#c3ffa5",
    "brown": "#784b1e",
    "turquoise": "#00ffd2",
    "lavender": "#9678ff",
    "olive green": "#96b45a",
    "slate": "#4b5a5a",
}

# How much of its colour a pattern has where the micrograph is black, times the
# saturation: at few counts, most pixels are.
OF_BLACK = 0.5


def pattern_colors(n_patterns):
    """Names and colours of patterns.

    Parameters
    ----------
    n_patterns : int

    Returns
    -------
    names : list of str
        Above fourteen patterns, whose colours cannot all be told apart, the empty
        string.
    colors : (n_patterns, 3) numpy.ndarray
        RGB from 0 to 1.

    Examples
    --------
    >>> pattern_colors(2)[0]
    ['orange', 'sky blue']
    """
    if n_patterns <= len(PATTERN_COLORS):
        names = list(PATTERN_COLORS)[:n_patterns]
        return names, np.array([to_rgb(PATTERN_COLORS[name]) for name in names])
    positions = np.linspace(0, 1, n_patterns)
    return [""] * n_patterns, matplotlib.colormaps["cividis"](positions)[:, :3]


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
    >>> from hyperspy_symseg.frames.run import run
    >>> run(Overlay(1, saturation=1), np.array([[0, 9]]), np.array([[0, -1]]))["R"]
    array([[115, 255]], dtype=uint8)
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


def tint(frame, labels, n_patterns, saturation=0.5):
    """Micrograph in grey, tinted by pattern (the paper's figure 1e).

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
        Black is its 0.1 %, white its 99.9 % percentile.
    labels : (rows, columns) numpy.ndarray of int
        Pixels labelled -1 stay grey.
    n_patterns : int
    saturation : float
        From 0, grey, to 1. Black is tinted, too.

    Returns
    -------
    (rows, columns, 3) numpy.ndarray of uint8
        Pixels that are not finite are black.
    """
    # Neither bool nor float16 holds the difference of any two of its values.
    frame = frame.astype(np.result_type(frame.dtype, np.float32), copy=False)
    finite = np.isfinite(frame)
    low, high = np.percentile(frame[finite], (0.1, 99.9)) if finite.any() else (0, 1)
    gain = 255 / (high - low) if high > low else 0
    frame = np.where(finite, frame, low).astype(np.float32)
    grey = np.rint(np.clip((frame - low) * gain, 0, 255)).astype(np.uint8)
    colors = np.vstack([pattern_colors(n_patterns)[1], np.ones(3)])
    white = 1 - saturation * (1 - colors)
    black = OF_BLACK * saturation * colors
    # Label -1 is the last row, and black where the micrograph is.
    black[-1] = 0
    level = np.arange(256)[:, np.newaxis] / 255
    table = black[:, np.newaxis] + level * (white - black)[:, np.newaxis]
    return np.rint(255 * table).astype(np.uint8)[np.where(finite, labels, -1), grey]
