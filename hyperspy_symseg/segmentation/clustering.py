# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is fitted on, and how: principal components and k-means."""

import itertools

import numpy as np

from hyperspy_symseg.templates.clusters import (
    count_distinct,
    covariance_of,
    k_means,
    largest_components,
    nearest_centres,
)

# Patterns, whose labels are int16, and seeds that NumPy takes.
MOST_LABELS = 2**15 - 1
LARGEST_SEED = 2**32 - 1
# Operations up to which a model keeps the covariance of their scores.
MOST_COVARIANCES = 400
# Standard deviation of scores, along their first principal component, below which they
# tell nothing: ten times what is promised of their accuracy.
SMALLEST_SCALE = 1e-3
# Starts of k-means, of which the best counts.
N_STARTS = 5
# Difference of scores, of their size, that may be nothing but rounding.
ROUNDING = 4 * np.finfo(float).eps


def member_weights(scores, members):
    """Weights that give each of several descriptors the same say.

    The scores of a descriptor are divided by the square root of the largest eigenvalue
    of their covariance, as in multiple factor analysis (B. Escofier, J. Pagès, Comput.
    Stat. Data Anal. 18, 121 (1994)): no descriptor can make up the first principal
    component by its number of operations or by their scale. One whose scores hardly
    vary, by 1e-3 or less, is not blown up to the others.

    Parameters
    ----------
    scores : (pixels, operations) numpy.ndarray of float64
    members : tuple of int
        Number of operations of each descriptor.

    Returns
    -------
    (operations,) numpy.ndarray of float64
        1 if there is one descriptor only.

    Examples
    --------
    >>> scores = np.array([[0.0, 4, 0], [0, -4, 0], [1, 0, 3], [-1, 0, -3]])
    >>> (1 / member_weights(scores, (1, 2)) ** 2).round(3)
    array([ 0.667, 10.667, 10.667])
    """
    weights = np.ones(len(members))
    if len(members) > 1:
        ends = np.cumsum(members)[:-1]
        for member, own in enumerate(np.split(scores, ends, axis=1)):
            largest = np.linalg.eigvalsh(covariance_of(own))[-1]
            weights[member] = 1 / max(np.sqrt(max(largest, 0)), SMALLEST_SCALE)
    return np.repeat(weights, members)


def separation(points, centres):
    """How far apart the nearest two clusters are, beside their widths.

    D of K. M. Ashman, C. M. Bird and S. E. Zepf, Astron. J. 108, 2348 (1994): the
    distance of two means along the line through the centres, over the root mean square
    of the two standard deviations. Halves of one normal distribution have 2.6.

    Parameters
    ----------
    points : (points, components) numpy.ndarray
    centres : (clusters, components) numpy.ndarray
        A point belongs to the nearest.

    Returns
    -------
    float
        0 if a cluster has no points, and infinite for one cluster.

    Examples
    --------
    >>> points = np.array([[0.0, 0], [2, 0], [10, 1], [12, -1]])
    >>> separation(points, np.array([[1.0, 0], [11, 0]]))
    10.0
    """
    nearest = nearest_centres(points, centres)
    if len(np.unique(nearest)) < len(centres):
        return 0.0

    def of_pair(first, second):
        line = centres[second] - centres[first]
        line /= np.linalg.norm(line)
        one, other = (points[nearest == k] @ line for k in (first, second))
        width = np.sqrt((one.var() + other.var()) / 2)
        return abs(one.mean() - other.mean()) / width if width else np.inf

    pairs = itertools.combinations(range(len(centres)), 2)
    return float(min((of_pair(*pair) for pair in pairs), default=np.inf))


def _check_number(n_patterns, n_distinct):
    """Check that there are as many different scores as patterns."""
    if n_patterns > n_distinct:
        raise ValueError(
            "n_patterns must be at most the number of distinct descriptors, which is "
            f"{n_distinct} in this frame, got {n_patterns}."
        )


def _principal(scores, members, n_components):
    """Principal components of scores, with `one_thread`: PCA, points, and attributes.

    Parameters
    ----------
    scores : (pixels, operations) numpy.ndarray of float64
    members, n_components
        As for `cluster_scores`.
    """
    weights = member_weights(scores, members)
    weighted, covariance = scores * weights, covariance_of(scores)
    components, ratio = largest_components(
        covariance * np.outer(weights, weights), min(scores.shape)
    )
    if n_components < 1:
        n_components = np.searchsorted(ratio.cumsum(), n_components, side="right") + 1
    components, ratio = components[:n_components], ratio[:n_components]
    mean = weighted.mean(axis=0)
    if scores.shape[1] > MOST_COVARIANCES:
        covariance = None
    return weighted @ components.T - mean @ components.T, {
        "mean": mean / weights,
        "weights": weights,
        "components": components,
        "explained_variance_ratio": ratio,
        "covariance": covariance,
    }


def _check_differ(scores, n_patterns):
    """Check that not all scores are the same, and count those that are distinct."""
    n_distinct = count_distinct(scores, n_patterns + 1)
    if n_distinct == 1:
        raise ValueError(
            "frame must have scores that differ, got the same scores everywhere."
        )
    _check_number(n_patterns, n_distinct)


def cluster_scores(scores, members, n_patterns, n_components, random_state):
    """Principal components of scores, and clusters among them, with `one_thread`.

    Parameters
    ----------
    scores : (pixels, operations) numpy.ndarray of float64
        None missing.
    members : tuple of int
        Number of operations of each descriptor.
    n_patterns, n_components, random_state
        As in `SymmetryModel.fit`.

    Returns
    -------
    dict of numpy.ndarray
        Attributes of `SymmetryModel`.

    Raises
    ------
    ValueError
        If there are fewer distinct descriptors than patterns, or only one.
    """
    _check_differ(scores, n_patterns)
    points, principal = _principal(scores, members, n_components)
    largest = np.abs(scores).max(axis=0) @ principal["weights"]
    points[np.abs(points) < ROUNDING * largest] = 0
    centres, nearest = k_means(points, n_patterns, N_STARTS, random_state)
    counts = np.bincount(nearest)
    _check_number(n_patterns, len(centres))
    order = np.lexsort((centres[:, 0], counts))
    own = [scores[nearest == label] for label in order]
    return principal | {
        "centres": centres[order],
        "counts": counts[order],
        "class_means": np.array([each.mean(axis=0) for each in own]),
        "class_variances": np.array([each.var(axis=0) for each in own]),
    }


def scores_of_examples(scores, labels, members, n_patterns, n_components):
    """Principal components of scores, and where examples are, with `one_thread`.

    Parameters
    ----------
    scores, members, n_patterns, n_components
        As for `cluster_scores`.
    labels : (pixels,) numpy.ndarray of int
        Pattern of each; -1 where it is not known.

    Returns
    -------
    dict of numpy.ndarray
        Attributes of `SymmetryModel`: centres are the means of the examples.

    Raises
    ------
    ValueError
        If an example has no pixel, or all scores are the same.
    """
    _check_differ(scores, 1)
    points, principal = _principal(scores, members, n_components)
    own = [labels == label for label in range(n_patterns)]
    for label, some in enumerate(own):
        if not some.any():
            raise ValueError(
                f"example {label} must have a pixel with all its scores, got none. "
                "Make it larger, or the stride smaller."
            )
    centres = np.array([points[some].mean(axis=0) for some in own])
    return principal | {
        "centres": centres,
        "counts": np.bincount(nearest_centres(points, centres), minlength=n_patterns),
        "class_means": np.array([scores[some].mean(axis=0) for some in own]),
        "class_variances": np.array([scores[some].var(axis=0) for some in own]),
    }
