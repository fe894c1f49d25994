# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores projected on principal components, where some scores are missing too."""

import numpy as np

# Pixels with missing scores that are solved for at a time: it bounds the memory.
AT_ONCE = 4096


def project_scores(scores, mean, weights, components):
    """Principal components of scores.

    Where scores are missing, the projection is the least-squares fit to the others:
    with C the components of the operations that a pixel has, and x its scores less
    their means, times their weights, it solves (C C^T) z = C x.

    Parameters
    ----------
    scores : (..., operations) numpy.ndarray
        NaN where a score is missing.
    mean, weights : (operations,) numpy.ndarray
    components : (components, operations) numpy.ndarray

    Returns
    -------
    (..., components) numpy.ndarray
        NaN for a pixel without any score. Same dtype as the scores.

    Examples
    --------
    >>> components = np.array([[0.6, 0.8]])
    >>> scores = np.array([[3.0, 4.0], [3.0, np.nan]])
    >>> project_scores(scores, np.zeros(2), np.ones(2), components)
    array([[5.],
           [5.]])
    """
    columns = np.moveaxis(scores, -1, 0).reshape(scores.shape[-1], -1)
    weighted = components * weights
    shift = (weighted @ mean).astype(scores.dtype)[:, np.newaxis]
    projected = weighted.astype(scores.dtype) @ columns - shift
    incomplete = np.flatnonzero(np.isnan(projected).any(axis=0))
    for start in range(0, len(incomplete), AT_ONCE):
        pixels = incomplete[start : start + AT_ONCE]
        projected[:, pixels] = _project_incomplete(
            (columns[:, pixels] - mean[:, np.newaxis]) * weights[:, np.newaxis],
            components,
        )
    return projected.T.reshape(*scores.shape[:-1], -1)


def _project_incomplete(columns, components):
    """Least-squares projection of weighted scores, (operations, pixels)."""
    n, has = len(components), ~np.isnan(columns)
    any_score = has.any(axis=0)
    projected = np.full((n, columns.shape[1]), np.nan)
    has, columns = has[:, any_score], columns[:, any_score]
    outer = (components[:, np.newaxis] * components).reshape(n * n, -1)
    normal = (outer @ has).T.reshape(-1, n, n)
    right = components @ np.where(has, columns, 0)
    # A pixel may have fewer scores than there are components.
    inverse = np.linalg.pinv(normal, rcond=1e-6, hermitian=True)
    projected[:, any_score] = (inverse @ right.T[..., np.newaxis])[..., 0].T
    return projected
