# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of a frame count."""

import numpy as np


def valid_pixels(frame, mask):
    """Pixels that are neither masked nor not finite; None if that is all of them.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool, or None
    """
    valid = None
    if frame.dtype.kind == "f":
        valid = np.isfinite(frame)
    if mask is not None:
        valid = ~np.asarray(mask) if valid is None else valid & ~np.asarray(mask)
    return None if valid is None or valid.all() else valid


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
