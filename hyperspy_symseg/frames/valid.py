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
