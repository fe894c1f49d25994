# SPDX-License-Identifier: GPL-3.0-or-later
"""A smaller model, of the operations that tell the patterns apart best."""

import dataclasses
import logging

import numpy as np

from hyperspy_symseg.frames.checks import check_whole
from hyperspy_symseg.frames.threads import one_thread, with_workers

from .clustering import largest_components, score_covariance

_logger = logging.getLogger(__name__)


def best_operations(separability, opposites, n):
    """Places of the n operations with the largest separability.

    Parameters
    ----------
    separability : (operations,) numpy.ndarray
    opposites : (operations,) numpy.ndarray of int
        Place of the operation that carries the same information, or its own.
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


def restrict(model, descriptor, places, covariance):
    """Model with some of its operations, and the patterns that it has.

    Parameters
    ----------
    model : SymmetryModel
    descriptor : Descriptor
        With these operations.
    places : (n,) numpy.ndarray of int
        Where they are in the model.
    covariance : (n, n) numpy.ndarray
        Of their scores.

    Returns
    -------
    SymmetryModel
    """
    mean, weights = model.mean[places], model.weights[places]
    class_means = model.class_means[:, places]
    components, ratio = largest_components(
        covariance * np.outer(weights, weights), min(len(places), len(model.components))
    )
    return dataclasses.replace(
        model,
        descriptor=descriptor,
        mean=mean,
        weights=weights,
        components=components,
        explained_variance_ratio=ratio,
        centres=((class_means - mean) * weights) @ components.T,
        class_means=class_means,
        class_variances=model.class_variances[:, places],
        covariance=covariance,
    )


def with_patterns(model, kept):
    """Model with some of its patterns, and a warning if that is not all of them.

    Parameters
    ----------
    model : SymmetryModel
        With templates.
    kept : (patterns,) numpy.ndarray of bool

    Returns
    -------
    SymmetryModel
    """
    if kept.all():
        return model
    _logger.warning(
        "n_patterns must be at most the number of patterns that have pixels, which is "
        "%d, got %d: the model has these only.",
        np.count_nonzero(kept),
        model.n_patterns,
    )
    return dataclasses.replace(
        model,
        centres=model.centres[kept],
        counts=model.counts[kept],
        class_means=model.class_means[kept],
        class_variances=model.class_variances[kept],
        templates=model.templates.only(np.flatnonzero(kept)),
    )


class Selection:
    """Methods of `SymmetryModel` that make it smaller."""

    @with_workers
    def select(self, n, frame=None, mask=None):
        """Smaller, faster model with the operations that separate best.

        Of two operations that carry the same information inside a crystal, such as a
        shift and its opposite, the second is taken only if no others are left. The
        patterns, and so their labels, are those of this model; the clustering is not
        done again.

        Parameters
        ----------
        n : int
            Number of operations, from 1 to those of the model.
        frame : (rows, columns) array of any real dtype, optional
            A frame with these patterns: models with more than 400 operations do not
            keep the covariance of the scores, and take it from this.
        mask : (rows, columns) array of bool, optional
            True where a pixel of the frame is left out.

        Returns
        -------
        SymmetryModel
            With as many components as this one, if there are operations enough.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, or the frame is missing.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> model = s.segment_symmetry(show_progressbar=False).model
        >>> model.select(8).descriptor.translations[-1]
        (10, 0)
        """
        n = check_whole("n", n, 1, len(self.mean))
        if self.covariance is None and frame is None:
            raise ValueError(
                f"frame must be given to select some of the {len(self.mean)} "
                "operations of the model, got None."
            )

        def covariance(descriptor, places):
            if frame is None:
                return self.covariance[np.ix_(places, places)]
            return score_covariance(self._sample_scores(frame, descriptor, mask))

        return self._select(n, covariance)

    def _select(self, n, covariance):
        """Model of the n best operations.

        The covariance of their scores comes from a function of their descriptor and of
        their places in this model.
        """
        places = best_operations(self.separability, self.descriptor.opposites, n)
        descriptor = self.descriptor.subset(places)
        with one_thread:
            return restrict(self, descriptor, places, covariance(descriptor, places))
