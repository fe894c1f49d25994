# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns as clusters among the principal components of the scores."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.descriptors import Descriptor
from hyperspy_symseg.frames.checks import as_array, check_array, check_whole
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.templates.clusters import covariance_of, largest_components
from hyperspy_symseg.templates.model import equal_fields

from .clustering import MOST_LABELS
from .projection import project_scores
from .selection import best_operations
from .separability import fisher_separability, variances

# Of a score, such as the power of a wave in a window of 30,000 x 30,000 pixels. With
# these, no product of a prediction in float32 overflows.
LARGEST_SCORE = 1e9
# Those of one descriptor beside others: see `member_weights`.
WEIGHTS = 1e-9, 1e4
LARGEST_CENTRE = 1e15
# Of unit vectors, and of fractions: rounding is allowed for.
LARGEST_FRACTION = 1 + 1e-6


@dataclass(frozen=True, eq=False)
class ScoreModel:
    """What the scores of a descriptor tell of the patterns.

    The scores of a pixel are projected on their principal components; the pixel gets
    the label of the nearest centre.

    Attributes
    ----------
    descriptor, mean, weights, components, explained_variance_ratio, centres, counts, \
class_means, class_variances, covariance
        As the attributes of `SymmetryModel`.

    Raises
    ------
    TypeError, ValueError
        If the arrays do not fit each other or the operations of the descriptor, or
        hold numbers that no fit gives.
    """

    descriptor: Descriptor
    mean: np.ndarray
    weights: np.ndarray
    components: np.ndarray
    explained_variance_ratio: np.ndarray
    centres: np.ndarray
    counts: np.ndarray
    class_means: np.ndarray
    class_variances: np.ndarray
    covariance: np.ndarray | None = None

    __eq__ = equal_fields
    __hash__ = None

    def __post_init__(self):
        """Check all attributes, and make the arrays constant."""
        if not isinstance(self.descriptor, Descriptor):
            raise TypeError(
                "descriptor of the model must be an instance of a class in "
                f"hyperspy_symseg.descriptors, got {self.descriptor!r}."
            )
        for name, (shape, least, most) in _ranges(self).items():
            values = getattr(self, name)
            if values is not None or name != "covariance":
                dtype = np.int64 if name == "counts" else np.float64
                how = shape, least, most, dtype
                values = check_array(f"{name} of the model", values, *how)
                object.__setattr__(self, name, values)
        if not self.counts.any():
            raise ValueError("counts of the model must not all be 0.")

    @property
    def n_patterns(self):
        """Number of patterns."""
        return len(self.centres)

    @property
    def label_dtype(self):
        """Dtype of the labels."""
        return np.dtype(np.int8 if self.n_patterns <= 127 else np.int16)

    @property
    def separability(self):
        """How well every operation tells the patterns apart.

        Fisher's separability (Wang et al., Microsc. Microanal. 27 (2021) 1454, eq. 4):
        the variance of the scores between the patterns over that within them.

        Returns
        -------
        (operations,) numpy.ndarray of float64
            0 where both variances are rounding noise, as for the zero shift.
        """
        scale = max(1.0, np.abs(self.mean).max())
        return fisher_separability(*self._variances, scale)

    @property
    def variances(self):
        """Variance of the scores of every operation: (operations,) numpy.ndarray."""
        return sum(self._variances)

    @property
    def _variances(self):
        return variances(self.counts, self.class_means, self.class_variances)

    @property
    def component_variances(self):
        """Variance of every principal component: (components,) numpy.ndarray."""
        return self.explained_variance_ratio * (self.variances * self.weights**2).sum()

    @property
    def component_separability(self):
        """Fisher's separability of every component: (components,) numpy.ndarray."""
        between, _ = variances(self.counts, self.centres, np.zeros_like(self.centres))
        within = np.maximum(self.component_variances - between, 0)
        return fisher_separability(between, within)

    @property
    def variance_spectrum(self):
        """Fraction of the variance that principal components explain.

        Returns
        -------
        numpy.ndarray of float64
            Of all components; of those in use for more than 400 operations.
        """
        if self.covariance is None:
            return self.explained_variance_ratio
        weighted = self.covariance * np.outer(self.weights, self.weights)
        return largest_components(weighted, len(weighted))[1]

    def project(self, scores):
        """Principal components of scores.

        Parameters
        ----------
        scores : (..., operations) numpy.ndarray
            NaN where a score is missing.

        Returns
        -------
        (..., components) numpy.ndarray
            NaN for a pixel without any score. Same dtype as the scores.
        """
        return project_scores(scores, self.mean, self.weights, self.components)

    def nearest(self, scores):
        """Labels of the centres nearest to scores.

        Parameters
        ----------
        scores : (..., operations) numpy.ndarray
            NaN where a score is missing.

        Returns
        -------
        (...) numpy.ndarray of int8
            int16 for more than 127 patterns. -1 for a pixel without any score.
        """
        projected = self.project(scores)
        centres = self.centres.astype(scores.dtype)
        # The square of the distance, less that of the pixel from the origin.
        distance = (centres**2).sum(axis=1) - 2 * projected @ centres.T
        labels = distance.argmin(axis=-1).astype(self.label_dtype)
        labels[np.isnan(projected[..., 0])] = -1
        return labels

    def select(self, n, scores=None):
        """Model of the operations that separate best, and of the same patterns.

        Parameters
        ----------
        n : int
            Number of operations.
        scores : callable, optional
            Takes their descriptor and their indices in this model, and gives their
            scores: (pixels, n) numpy.ndarray. By default, their covariance is that of
            this model.

        Returns
        -------
        ScoreModel
            With as many components as this one, if there are operations enough.
        """
        kept = best_operations(self.separability, self.descriptor.opposites, n)
        descriptor = self.descriptor.subset(kept)
        mean, weights = self.mean[kept], self.weights[kept]
        class_means = self.class_means[:, kept]
        with one_thread:
            if scores is None:
                own = self.covariance[np.ix_(kept, kept)]
            else:
                own = covariance_of(scores(descriptor, kept))
            components, ratio = largest_components(
                own * np.outer(weights, weights), min(n, len(self.components))
            )
            centres = ((class_means - mean) * weights) @ components.T
        return ScoreModel(
            descriptor,
            mean=mean,
            weights=weights,
            components=components,
            explained_variance_ratio=ratio,
            centres=centres,
            counts=self.counts,
            class_means=class_means,
            class_variances=self.class_variances[:, kept],
            covariance=own,
        )


def _ranges(model):
    """Shape, least and largest number of the arrays of a score model: dict of tuple."""
    n = len(model.descriptor.operations)
    lengths = []
    for name, most in (("components", n), ("centres", MOST_LABELS)):
        values = as_array(f"{name} of the model", getattr(model, name))
        length = len(values) if values.ndim else 0
        lengths.append(check_whole(f"number of {name} of the model", length, 1, most))
    n_components, n_patterns = lengths
    scores = -LARGEST_SCORE, LARGEST_SCORE
    return {
        "mean": ((n,), *scores),
        "weights": ((n,), *WEIGHTS),
        "components": ((n_components, n), -LARGEST_FRACTION, LARGEST_FRACTION),
        "explained_variance_ratio": ((n_components,), 0, LARGEST_FRACTION),
        "centres": ((n_patterns, n_components), -LARGEST_CENTRE, LARGEST_CENTRE),
        "counts": ((n_patterns,), 0, 2**53),
        "class_means": ((n_patterns, n), *scores),
        "class_variances": ((n_patterns, n), 0, LARGEST_SCORE**2),
        "covariance": ((n, n), -(LARGEST_SCORE**2), LARGEST_SCORE**2),
    }
