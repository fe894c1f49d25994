# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast of places in HRTEM, and which sign most columns around have."""

import numpy as np
from scipy import ndimage

# Standard deviations of what is taken for a column and for what is around it, in
# pixels as the network sees them.
INNER, OUTER = 1.2, 5.0
# Columns vote by this power of their probabilities: with the wrong sign there are as
# many, but none is sure. Votes are summed up over a Gaussian with this standard
# deviation, at places this far apart, in pixels as above.
POWER, AROUND, STEP = 4, 30.0, 8


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


def votes_around(found, shape, n, weights=1.0):
    """How sure columns are around places, `STEP` times `n` pixels apart: array.

    Parameters
    ----------
    found : (m, 5) numpy.ndarray
        Columns, as from `hrtem_columns.columns_of`.
    shape : (int, int)
        Of the frame.
    n : int
        Pixels along each side that the network sees as one.
    weights : (m,) array_like
        What the vote of each is multiplied by.

    Examples
    --------
    >>> found = np.array([[16, 24, 0.1, 0.1, 1], [16, 24, 0.1, 0.1, 0.5]])
    >>> votes = votes_around(found, (40, 48), 1, [3, 16])
    >>> votes.shape, int(votes[2].argmax())
    ((7, 8), 3)
    """
    total = np.zeros([m // (STEP * n) + 2 for m in shape])
    at = np.rint(found[:, :2] / (STEP * n)).astype(int)
    np.add.at(total, tuple(at.T), weights * found[:, 4] ** POWER)
    return ndimage.gaussian_filter(total, AROUND / STEP, mode="constant")


def votes_at(votes, places, n):
    """What is nearest to places in a result of `votes_around`, or a like: (m,) array.

    Parameters
    ----------
    votes : numpy.ndarray
    places : (m, 2) numpy.ndarray
    n : int
        As in `votes_around`.

    Examples
    --------
    >>> votes_at(np.arange(20).reshape(4, 5), np.array([[7.0, 17.0], [30.0, 99.0]]), 1)
    array([ 7, 19])
    """
    at = np.rint(places / (STEP * n)).astype(int)
    return votes[tuple(np.minimum(at, np.subtract(votes.shape, 1)).T)]


def sign_around(found, contrast, shape, n):
    """Which sign the contrast of columns around places has, from -1 to 1: array.

    Parameters
    ----------
    found, shape, n
        As in `votes_around`.
    contrast : (m,) numpy.ndarray
        Of the columns.

    Examples
    --------
    >>> found = np.array([[16, 24, 0.1, 0.1, 1], [16, 24, 0.1, 0.1, 1]])
    >>> sign_around(found, np.array([0.1, -0.3]), (40, 48), 1)[2, 3].round(3)
    np.float64(-0.5)
    """
    signed, all_of_them = (
        votes_around(found, shape, n, x) for x in (contrast, np.abs(contrast))
    )
    return signed / np.maximum(all_of_them, 1e-12)
