# SPDX-License-Identifier: GPL-3.0-or-later
"""A model with templates, from the models of the scores."""

import dataclasses
import functools
import logging

import numpy as np

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.blocks import spread
from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.templates.model_selection import ModelSelection
from hyperspy_symseg.templates.potts import most_probable

from .clustering import separation
from .sampling import complete_scores, sample_slices
from .selection import with_patterns
from .upsampling import labels_at
from .views import stacked

_logger = logging.getLogger(__name__)

# Pixels scored, at most. There are up to 3,600 cells of a period, and pixels nearer to
# each other than that have most of their patches in common.
MOST_SCORED = 6000
# Cells of a pattern, below which it may be lost when frames are labelled.
FEW_CELLS = 100
# Distance of clusters of the scores that are told apart for sure, in their widths.
CLUSTERS_APART = 8.0
# Number of patterns that is tried, at most.
MOST_PATTERNS = 8


class TemplateFit:
    """How templates are learnt, beginning with the labels of the scores.

    Parameters
    ----------
    fit : callable
        Gives the model of some scores for a number of patterns.
    descriptor : Descriptor
    stride : (int, int)
    views : list of View
        Of one shape.
    period : float
        In pixels.
    one_pattern : Templates, optional
        As for `ModelSelection`.
    """

    def __init__(
        self,
        fit,
        descriptor,
        stride,
        views,
        period,
        one_pattern=None,
    ):
        self._one_pattern = one_pattern
        self._fit = functools.cache(lambda n_patterns: fit(self.sample, n_patterns))
        self._descriptor, self._stride = descriptor, stride
        self._views = [view for view in views if view.blocked.counts.any()]
        if self._views:
            self._blocked, self._period = stacked(self._views), period

    @cached_property
    def _grid(self):
        """Pixels of a view that are scored, and fitted on."""
        sides = self._blocked.shape
        grid = Grid.over(sides, tuple(map(min, self._stride, sides)))
        n_operations = len(self._descriptor.operations)
        n_views = len(self._views)
        return grid.part(*sample_slices(grid, n_operations, n_views, MOST_SCORED))

    @cached_property
    def _scores(self):
        """Scores of every view: list of (rows, columns, operations) numpy.ndarray."""

        def score(view):
            first = (
                axis.start + n
                for axis, n in zip(view.window, self._grid.first, strict=True)
            )
            grid = dataclasses.replace(self._grid, first=tuple(first))
            return compute_scores(
                self._descriptor, view.frame, grid, view.mask, counted=None
            )

        return list(map(score, self._views))

    @cached_property
    def sample(self):
        """Scores that are fitted on: (pixels, operations) numpy.ndarray of float64."""
        n_operations = len(self._descriptor.operations)
        scores = [each.reshape(-1, n_operations) for each in self._scores]
        scores = np.concatenate([np.empty((0, n_operations)), *scores])
        return complete_scores(scores, self._descriptor)

    def _block_labels(self, n_patterns):
        """Labels of the scores, at the blocks of every view."""
        model = self._fit(n_patterns)
        centres = _block_centres(self._blocked)
        with one_thread:
            return np.stack(
                [
                    labels_at(model._nearest(scores), self._grid, *centres)
                    for scores in self._scores
                ]
            )

    def model(self, n_patterns):
        """Model with templates for a number of patterns, or the best number."""
        if not self._views:
            return self._fit(1 if n_patterns == "auto" else n_patterns)
        how = self._block_labels, self._one_pattern
        return self._found(
            ModelSelection(self._blocked, self._period, *how), n_patterns
        )

    def _found(self, search, n_patterns):
        """Model of what a search finds."""
        costs = None
        if n_patterns == "auto":
            costs = search.costs(MOST_PATTERNS)
            n_patterns = search.best_number(costs)
        solution = search.solution(n_patterns)
        model = self._fit(n_patterns)
        reason = None
        if not len(solution.templates.reflections):
            reason = "No pattern has a lattice."
        elif not search.are_different(n_patterns):
            reason = (
                "Patterns are too much alike for templates: there may be one crystal "
                'only (n_patterns=1 or "auto").'
            )
        else:
            found = self._patterns_found(solution)
            if found.all() or not self._are_told_apart(model):
                model, order = self._with_templates(model, solution)
                model = with_patterns(model, found[order])
                return dataclasses.replace(model, costs=costs)
            reason = "Templates find fewer patterns than the scores."
        _logger.warning("%s The labels are those of the scores alone.", reason)
        return dataclasses.replace(model, costs=costs)

    def _patterns_found(self, solution):
        """Whether each pattern has any block: (patterns,) numpy.ndarray of bool."""
        labels, n_patterns = solution.labels, solution.templates.n_patterns
        if 0 < solution.least_cells() < FEW_CELLS:
            # Labels are found anew in every frame, and small patterns can be lost.
            labels = most_probable(solution.templates.posterior(self._blocked)[0])
        return np.bincount(labels.ravel(), minlength=n_patterns) > 0

    def _are_told_apart(self, model):
        """Whether the scores have as many clusters as a model has patterns."""
        return separation(model.project(self.sample), model.centres) > CLUSTERS_APART

    def _with_templates(self, model, solution):
        """Model of the patterns that the templates have found, and their order."""
        labels, weights = [], []
        chosen = np.ix_(self._grid.rows, self._grid.columns)
        blocked = self._blocked
        for view, scores, found in zip(
            self._views, self._scores, solution.labels, strict=True
        ):
            complete = ~np.isnan(scores).any(axis=-1)
            found = spread(found, blocked.block, blocked.shape)[chosen][complete]
            labels.append(found)
            weights.append(np.full(len(found), view.weight))
        labels, weights = np.concatenate(labels), np.concatenate(weights)
        # As many pixels as there are, but in the shares that the frames have.
        counts = np.bincount(labels, weights / weights.mean(), model.n_patterns)
        order = np.argsort(counts, kind="stable")
        means, variances = model.class_means.copy(), model.class_variances.copy()
        for label, pattern in enumerate(order):
            own = self.sample[labels == pattern]
            if len(own):
                means[label], variances[label] = own.mean(axis=0), own.var(axis=0)
        model = dataclasses.replace(
            model,
            centres=((means - model.mean) * model.weights) @ model.components.T,
            counts=np.ceil(counts[order]),
            class_means=means,
            class_variances=variances,
            templates=solution.templates.only(order),
        )
        return model, order


def _block_centres(frame):
    """Rows and columns of the pixels in the middle of the blocks of a frame."""
    return tuple(
        np.minimum(np.arange(n) * frame.block + frame.block // 2, length - 1)
        for n, length in zip(frame.counts.shape[-2:], frame.shape, strict=True)
    )
