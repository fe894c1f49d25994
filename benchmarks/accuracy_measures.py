# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of labels and of their certainty, against the truth.

Labels are int, from 0; those below are of no pattern. Which number a pattern has does
not matter.
"""

import numpy as np
from scipy import stats
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree


def _overlaps(labels, truth):
    """Pixels of each true pattern, a row, that each pattern found has, a column."""
    counts = np.zeros((truth.max() + 1, max(labels.max() + 1, 0)), int)
    both = (labels >= 0) & (truth >= 0)
    np.add.at(counts, (truth[both], labels[both]), 1)
    return counts


def _matching(labels, truth):
    """Intersections over unions, and the pairs that have the largest sum of them."""
    overlaps = _overlaps(labels, truth)
    n_true, n_found = overlaps.shape
    true = np.bincount(truth[truth >= 0], minlength=n_true)
    found = np.bincount(labels[labels >= 0], minlength=n_found)
    unions = true[:, np.newaxis] + found - overlaps
    ious = overlaps / np.maximum(unions, 1)
    return ious, *linear_sum_assignment(ious, maximize=True)


def mean_iou(labels, truth):
    """Mean intersection over union of the true patterns, under the best matching.

    Parameters
    ----------
    labels, truth : array of int, shape (rows, columns)

    Returns
    -------
    float
        A true pattern without a match counts as 0.
    """
    ious, true, found = _matching(labels, truth)
    return float(ious[true, found].sum() / len(ious))


def is_correct(labels, truth):
    """Whether each pixel has the label that is matched to its true one.

    Parameters
    ----------
    labels, truth : array of int, shape (rows, columns)

    Returns
    -------
    numpy.ndarray of bool, shape (rows, columns)
    """
    _, true, found = _matching(labels, truth)
    right = np.zeros(labels.shape, bool)
    for i, j in zip(true, found, strict=True):
        right |= (truth == i) & (labels == j)
    return right


def _boundary(labels):
    """Middles of the edges between pixels of different labels: (n, 2) array, (y, x)."""
    y, x = np.nonzero(labels[1:] != labels[:-1])
    v, u = np.nonzero(labels[:, 1:] != labels[:, :-1])
    return np.stack([np.r_[y + 0.5, v], np.r_[x, u + 0.5]], axis=1)


def boundary_displacement(labels, truth):
    """Median distance from the true boundary to the boundary found.

    Parameters
    ----------
    labels, truth : array of int, shape (rows, columns)

    Returns
    -------
    float
        In pixels; inf if no boundary was found.
    """
    found = _boundary(labels)
    if not len(found):
        return np.inf
    distances, _ = cKDTree(found).query(_boundary(truth))
    return float(np.median(distances))


def reliability(certainty, correct, bins=10):
    """How often labels of about the same certainty are right.

    Parameters
    ----------
    certainty : array of float
        From 0 to 1, of each pixel.
    correct : array of bool, the same shape
    bins : int
        Number of intervals of certainty, of equal width.

    Returns
    -------
    count : numpy.ndarray of int64, shape (bins,)
        Pixels in each interval.
    confidence, accuracy : numpy.ndarray of float64, shape (bins,)
        Mean certainty and fraction that is right; NaN where there are no pixels.
    """
    certainty, correct = np.ravel(certainty), np.ravel(correct)
    index = np.minimum((certainty * bins).astype(int), bins - 1)
    count, confidence, accuracy = (
        np.bincount(index, weights, bins) for weights in (None, certainty, correct)
    )
    with np.errstate(invalid="ignore"):
        return count, confidence / count, accuracy / count


def calibration_error(certainty, correct, bins=10):
    """Expected calibration error: mean over pixels of |accuracy - confidence|.

    Parameters
    ----------
    certainty, correct, bins
        As in `reliability`.

    Returns
    -------
    float
    """
    count, confidence, accuracy = reliability(certainty, correct, bins)
    return float(np.nansum(count * np.abs(accuracy - confidence)) / count.sum())


def mislabelling_auc(certainty, correct):
    """Area under the ROC curve of a low certainty as a sign of a wrong label.

    Parameters
    ----------
    certainty : array of float
        Of each pixel.
    correct : array of bool, the same shape

    Returns
    -------
    float
        Chance that of a pixel with a right label and one with a wrong label, the
        former is the more certain; NaN if there are not both.
    """
    correct = np.ravel(correct).astype(bool)
    n_right, n_wrong = correct.sum(), (~correct).sum()
    if not (n_right and n_wrong):
        return np.nan
    ranks = stats.rankdata(np.ravel(certainty))[correct].sum()
    return float((ranks / n_right - (n_right + 1) / 2) / n_wrong)
