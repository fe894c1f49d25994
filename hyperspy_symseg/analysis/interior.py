# SPDX-License-Identifier: GPL-3.0-or-later
"""The interior of the patterns, where their templates are not mixed."""

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.tile import widened

# Periods from other patterns and the edges of the frame, and from pixels left out,
# along y and along x.
BOUNDARY_MARGIN, GAP_MARGIN = 1.0, 0.5


def without_islands(labels, area):
    """Labels with those of small islands replaced by what is mostly around them.

    An unusual place may have been given the label of another pattern.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel has none; it keeps that.
    area : float
        Of the smallest island that stays, in pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray

    Examples
    --------
    >>> without_islands(np.array([[0, 0, 1, 0, -1]]), 2)
    array([[ 0,  0,  0,  0, -1]])
    """
    small = np.zeros(labels.shape, bool)
    for label in np.unique(labels[labels >= 0]):
        islands, _ = ndimage.label(labels == label)
        small |= (np.bincount(islands.ravel()) < area)[islands] & (islands > 0)
    if not small.any():
        return labels
    cleaned, (islands, _) = labels.copy(), ndimage.label(small)
    for i, box in enumerate(ndimage.find_objects(islands), start=1):
        window = widened(box, 1, labels.shape)
        around = labels[window][~small[window] & (labels[window] >= 0)]
        if around.size:
            cleaned[window][islands[window] == i] = np.bincount(around).argmax()
    return cleaned


def inner_places(labels, period):
    """Where a pattern is judged: away from other patterns, edges and pixels left out.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel is left out.
    period : float
        In pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool
    """
    distances = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in labels.shape)
    y, x = (distance >= BOUNDARY_MARGIN * period for distance in distances)
    inner = np.logical_and.outer(y, x) & (labels >= 0)
    for label in np.unique(labels):
        if label < 0:
            inner &= ~near(labels < 0, GAP_MARGIN * period)
            continue
        other = (labels >= 0) & (labels != label)
        if other.any():
            inner &= (labels != label) | ~near(other, BOUNDARY_MARGIN * period)
    return inner


def near(places, distance):
    """What is no farther from places than a distance along y and along x."""
    return ndimage.maximum_filter(places, 2 * int(distance) + 1, mode="constant")
