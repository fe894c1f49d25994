# SPDX-License-Identifier: GPL-3.0-or-later
"""By how much images at different defocus are moved against each other."""

import math

import numpy as np
from scipy import fft, ndimage
from scipy.spatial import cKDTree

# Widths of filters in angstroms: what is noise, what is around a column, and over how
# much contrast is taken together.
FINE, COLUMN, TOGETHER = 0.4, 2.0, 1.5
# What outlines must correlate by to be believed, share of a side that they are moved by
# at most, and how wrong they are at most, in angstroms.
ALIKE, SHARE, OFF = 0.7, 0.25, 0.6
# How far images are moved along each axis of which outlines say nothing, and how far it
# is looked whether so many times as many columns agree, in pixels.
FARTHEST, FARTHER, MORE = 5.0, 15.0, 1.15
# Share of the columns, of the image with fewer, that agree on a shift at least.
FEWEST = 0.1


def shift_of_outlines(first, other, pixel_size):
    """By how much an image is moved against another, roughly, by where contrast is.

    The correlation of their local contrasts, which are alike whatever the defocus: a
    particle has some, and vacuum has none.

    Parameters
    ----------
    first, other : (rows, columns) numpy.ndarray of float64
        NaN where a pixel is not valid.
    pixel_size : float
        In angstroms.

    Returns
    -------
    shift : (2,) numpy.ndarray
        Along (y, x), in pixels.
    off : float
        By how much it may be wrong along an axis, in pixels.

    Or None, if contrast is alike all over the frame, or elsewhere in one image than in
    the other.

    Examples
    --------
    >>> y, x = np.indices((90, 120))
    >>> image = 1 + np.sin(y) * np.sin(x) * (np.hypot(y - 40, x - 50) < 20)
    >>> shift_of_outlines(image, np.roll(image, (9, -12), (0, 1)), 0.15)
    (array([  9., -12.]), 4.0)
    """
    contrasts = [_contrast(image, pixel_size) for image in (first, other)]
    one, two = (fft.rfft2(x) for x in contrasts)
    found = fft.irfft2(np.conj(one) * two, first.shape)
    most = [int(SHARE * n) for n in first.shape]
    found = np.roll(found, most, (0, 1))[: 2 * most[0] + 1, : 2 * most[1] + 1]
    norm = math.sqrt(np.prod([np.sum(x**2) for x in contrasts]))
    if not found.max() > ALIKE * norm > 0:
        return None
    best = np.unravel_index(found.argmax(), found.shape)
    return np.subtract(best, most).astype(float), OFF / pixel_size


def _contrast(image, pixel_size):
    """Local contrast above its mean, 0 where a pixel is not valid: the same shape."""
    valid = np.isfinite(image)

    def smooth(values, width):
        width /= pixel_size
        sums = ndimage.gaussian_filter(np.where(valid, values, 0), width)
        if valid.all():
            return sums
        # What is not valid would look like an outline that never moves.
        weights = ndimage.gaussian_filter(valid.astype(float), width)
        return np.divide(sums, weights, out=np.zeros(image.shape), where=valid)

    fine, coarse = (smooth(image, width) for width in (FINE, COLUMN))
    found = smooth(np.abs(fine - coarse), TOGETHER) / image[valid].mean()
    return np.where(valid, found - found[valid].mean(), 0)


def shift_of(first, other, agree, middle=(0, 0), farthest=FARTHEST):
    """By how much columns of an image are moved against those of another.

    The displacement that most pairs of columns have in common; columns are where they
    are whatever the contrast, which a correlation of the images does not know.

    Parameters
    ----------
    first, other : (n, 5), (m, 5) numpy.ndarray
    agree : float
        By how much displacements differ that are one, in pixels.
    middle : (2,) array_like
        Roughly what it is, in pixels.
    farthest : float
        By how much it differs from that along an axis, in pixels; of columns, by as
        much as they may disagree more.

    Returns
    -------
    shift : (2,) numpy.ndarray
        Along (y, x), in pixels; ``middle`` if less than a tenth of the columns have
        one in common.
    count : int
        Pairs that have it in common.

    Examples
    --------
    >>> places = np.array([[5.0, 5], [5, 16], [19, 8]])
    >>> shift_of(places, places[:2] + [2, -1], 0.8)
    (array([ 2., -1.]), 2)
    """
    away = _displacements(first, other, middle, farthest + agree)
    if not len(away):
        return np.array(middle, float), 0
    tree = cKDTree(away)
    counts = tree.query_ball_point(away, agree, return_length=True)
    best = tree.query_ball_point(away[counts.argmax()], agree)
    own = tree.query_ball_point(away[best].mean(axis=0), agree)
    if len(own) < FEWEST * min(len(first), len(other)):
        return np.array(middle, float), len(own)
    return away[own].mean(axis=0), len(own)


def _displacements(first, other, middle, farthest):
    """From columns of an image to those of another, within a square: (n, 2) array."""
    if not len(first) or not len(other):
        return np.zeros((0, 2))
    expected = first[:, :2] + middle
    near = cKDTree(other[:, :2]).query_ball_point(expected, farthest, p=np.inf)
    numbers = np.repeat(np.arange(len(first)), [len(own) for own in near])
    return other[np.concatenate(near).astype(int), :2] - first[numbers, :2]


def drifts_farther(first, other, agree, middle=(0, 0), farthest=FARTHEST):
    """Whether many more columns agree on a drift beyond where it is looked for: bool.

    Parameters
    ----------
    first, other : (n, 5), (m, 5) numpy.ndarray
        Columns of two images.
    agree, middle, farthest
        As in `shift_of`.

    Examples
    --------
    >>> places = np.array([[5.0, 5], [5, 46], [59, 8], [77, 90]])
    >>> [drifts_farther(places, places + [4, y], 1.0) for y in (3, 9)]
    [False, True]
    """
    away = _displacements(first, other, middle, FARTHER)
    if not len(away):
        return False
    counts = cKDTree(away).query_ball_point(away, agree, return_length=True)
    is_within = np.abs(away - middle).max(axis=1) <= farthest + agree
    within, beyond = (counts[which].max(initial=0) for which in (is_within, ~is_within))
    return bool(beyond > MORE * max(within, 1))
