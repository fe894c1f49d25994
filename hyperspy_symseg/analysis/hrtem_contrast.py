# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast of places in HRTEM."""

import numpy as np
from scipy import ndimage

# Standard deviations of what is taken for a column and for what is around it, in
# pixels as the network sees them.
INNER, OUTER = 1.2, 5.0


def contrast_at(values, valid, places, width):
    """How much brighter places are than what is around, over the latter: (n,) array.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool
    places : (n, 2) numpy.ndarray
    width : float
        Unit of the widths of what is averaged, in pixels.

    Examples
    --------
    >>> frame = np.full((30, 40), 2.0)
    >>> frame[15, 20] = 1
    >>> contrast_at(frame, frame > 0, np.array([[15.0, 20.0]]), 1).round(3)
    array([-0.052])
    """
    weights = valid.astype(float)
    used = np.where(valid, values, 0).astype(float)
    means = []
    for each in (INNER, OUTER):
        sums, counts = (
            ndimage.gaussian_filter(x, each * width, mode="constant")
            for x in (used, weights)
        )
        near = ndimage.map_coordinates(sums, places.T, order=1, mode="nearest")
        among = ndimage.map_coordinates(counts, places.T, order=1, mode="nearest")
        means.append(near / np.maximum(among, 1e-9))
    own, around = means
    return np.divide(
        own - around, np.abs(around), out=np.zeros(len(own)), where=around != 0
    )
