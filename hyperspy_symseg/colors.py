# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of the patterns, and the micrograph tinted by them."""

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap, to_rgb

# M. Okabe and K. Ito, Color Universal Design (2008): can be told apart with any kind
# of colour vision.
PATTERN_COLORS = {
    "orange": "#e69f00",
    "sky blue": "#56b4e9",
    "bluish green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "vermillion": "#d55e00",
    "reddish purple": "#cc79a7",
}
UNLABELLED_COLOR = "#808080"


def pattern_colors(n_patterns):
    """Names and colours of patterns.

    Parameters
    ----------
    n_patterns : int

    Returns
    -------
    names : list of str
        Above seven patterns, where no set of colours can be told apart, the empty
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


def pattern_colormap(n_patterns):
    """Colour map for labels, with limits -0.5 and n_patterns - 0.5.

    Parameters
    ----------
    n_patterns : int

    Returns
    -------
    matplotlib.colors.ListedColormap
        Grey below the limits.
    """
    colormap = ListedColormap(pattern_colors(n_patterns)[1], name="patterns")
    return colormap.with_extremes(under=UNLABELLED_COLOR)


def paint(labels, n_patterns):
    """Labels in the colours of `pattern_colormap`.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        Pixels labelled -1 are grey.
    n_patterns : int

    Returns
    -------
    (rows, columns, 3) numpy.ndarray of uint8

    Examples
    --------
    >>> paint(np.array([[0, -1]]), 2)
    array([[[230, 159,   0],
            [128, 128, 128]]], dtype=uint8)
    """
    # Label -1 is the last row.
    colors = np.vstack([pattern_colors(n_patterns)[1], to_rgb(UNLABELLED_COLOR)])
    return np.rint(255 * colors).astype(np.uint8)[labels]


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
        From 0, grey, to 1.

    Returns
    -------
    (rows, columns, 3) numpy.ndarray of uint8
    """
    # Neither bool nor float16 holds the difference of any two of its values.
    frame = frame.astype(np.result_type(frame.dtype, np.float32), copy=False)
    finite = np.isfinite(frame)
    low, high = np.percentile(frame[finite], (0.1, 99.9)) if finite.any() else (0, 1)
    gain = 255 / (high - low) if high > low else 0
    frame = np.where(finite, frame, low).astype(np.float32)
    grey = np.rint(np.clip((frame - low) * gain, 0, 255)).astype(np.uint8)
    colors = np.vstack([pattern_colors(n_patterns)[1], np.ones(3)])
    colors = 1 - saturation * (1 - colors)
    # Label -1 is the last row.
    table = np.rint(np.arange(256)[:, np.newaxis] * colors[:, np.newaxis])
    return table.astype(np.uint8)[labels, grey]
