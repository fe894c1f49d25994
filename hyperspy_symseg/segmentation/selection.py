# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a model is kept: the best operations, and the patterns that are found."""

import dataclasses
import logging

import numpy as np

_logger = logging.getLogger(__name__)


def best_operations(separability, opposites, n):
    """Indices of the n operations with the largest separability.

    Parameters
    ----------
    separability : (operations,) numpy.ndarray
    opposites : (operations,) numpy.ndarray of int
        Index of the operation that carries the same information, or its own.
    n : int

    Returns
    -------
    (n,) numpy.ndarray of int
        Ascending. Of two opposite operations the second is taken only if there are no
        others left.

    Examples
    --------
    >>> best_operations(np.array([9.0, 2, 0, 2.5, 9.5]), np.array([4, 3, 2, 1, 0]), 2)
    array([3, 4])
    """
    order = np.argsort(-separability, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    second = rank[opposites] < rank
    # What separates nothing comes last of all.
    nothing = separability == 0
    return np.sort(np.lexsort((rank, second, nothing))[:n])


def keep_patterns(score_model, templates, kept):
    """Some of the patterns, and a warning if these are not all.

    Parameters
    ----------
    score_model : ScoreModel
    templates : Templates
    kept : (patterns,) numpy.ndarray of bool

    Returns
    -------
    score_model : ScoreModel
    templates : Templates
    """
    if kept.all():
        return score_model, templates
    _logger.warning(
        "n_patterns must be at most the number of patterns that have pixels, which is "
        "%d, got %d: the model has these only.",
        np.count_nonzero(kept),
        len(kept),
    )
    score_model = dataclasses.replace(
        score_model,
        centres=score_model.centres[kept],
        counts=score_model.counts[kept],
        class_means=score_model.class_means[kept],
        class_variances=score_model.class_variances[kept],
    )
    return score_model, templates.only(np.flatnonzero(kept))
