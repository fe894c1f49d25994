# SPDX-License-Identifier: GPL-3.0-or-later
"""A model with templates, from the models of the scores."""

import dataclasses
import functools
import logging

import numpy as np

from hyperspy_symseg.descriptors import Grid, compute_scores
from hyperspy_symseg.templates.blocks import BlockedFrame, spread
from hyperspy_symseg.templates.choosing import Search
from hyperspy_symseg.templates.tiles import Tiles

from .threads import one_thread
from .upsampling import labels_at

_logger = logging.getLogger(__name__)

# Number of patterns that is tried, at most.
MOST_PATTERNS = 8


class TemplateFit:
    """How templates are learnt, beginning with the labels of the scores.

    Parameters
    ----------
    fit : callable
        Gives the model of the scores for a number of patterns.
    descriptor : Descriptor
    stride : (int, int)
    views : list of (frame, mask)
        Frames or windows of them, of one shape.
    period : float
        In pixels.
    mapped : callable
        Applies a function to every pattern, as `map` does.
    num_workers : int, optional
        Number of threads that score.
    """

    def __init__(
        self, fit, descriptor, stride, views, period, mapped=map, num_workers=None
    ):
        self._fit, self._num_workers = functools.cache(fit), num_workers
        self._descriptor, self._stride = descriptor, stride
        self._views = views = [view for view in views if _has_valid_pixels(*view)]
        self._blocked = [BlockedFrame(*view, period) for view in views]
        tiles = [Tiles(blocked) for blocked in self._blocked]
        self._search = Search(self._blocked, tiles, period, self._block_labels, mapped)

    @functools.cached_property
    def _scores(self):
        """Grid and scores of every view."""
        grids = [Grid.over(frame.shape, self._stride) for frame, _ in self._views]
        return [
            (
                grid,
                compute_scores(
                    self._descriptor, frame, grid, mask, num_workers=self._num_workers
                ),
            )
            for grid, (frame, mask) in zip(grids, self._views, strict=True)
        ]

    def _block_labels(self, n_patterns):
        """Labels of the scores, at the blocks of every view."""
        model = self._fit(n_patterns)
        with one_thread:
            return [
                labels_at(model._nearest(scores), grid, *_block_centres(blocked))
                for (grid, scores), blocked in zip(
                    self._scores, self._blocked, strict=True
                )
            ]

    def model(self, n_patterns):
        """Model with templates for a number of patterns, or the best number."""
        costs = None
        if not self._views:
            return self._fit(1 if n_patterns == "auto" else n_patterns)
        if n_patterns == "auto":
            costs = self._search.costs(MOST_PATTERNS)
            n_patterns = self._search.best_number(costs)
        solution = self._search.solution(n_patterns)
        model = self._fit(n_patterns)
        if not len(solution.templates.reflections):
            return dataclasses.replace(model, costs=costs)
        if not self._search.are_different(n_patterns):
            _logger.warning(
                "Patterns are too much alike for templates: the labels are those of "
                "the scores alone."
            )
            return dataclasses.replace(model, costs=costs)
        return self._with_templates(model, solution, costs)

    def _with_templates(self, model, solution, costs):
        """Model of the patterns that the templates have found."""
        scores, labels = [], []
        for (grid, view), blocked, found in zip(
            self._scores, self._blocked, solution.labels, strict=True
        ):
            found = spread(found, blocked.block, blocked.shape)
            complete = ~np.isnan(view).any(axis=-1)
            scores.append(view[complete].astype(np.float64))
            labels.append(found[np.ix_(grid.rows, grid.columns)][complete])
        scores, labels = np.concatenate(scores), np.concatenate(labels)
        counts = np.bincount(labels, minlength=model.n_patterns)
        order = np.argsort(counts, kind="stable")
        means, variances = model.class_means.copy(), model.class_variances.copy()
        for label, pattern in enumerate(order):
            own = scores[labels == pattern]
            if len(own):
                means[label], variances[label] = own.mean(axis=0), own.var(axis=0)
        return dataclasses.replace(
            model,
            centres=((means - model.mean) * model.weights) @ model.components.T,
            counts=counts[order],
            class_means=means,
            class_variances=variances,
            templates=solution.templates.relabelled(order),
            costs=costs,
        )


def _block_centres(frame):
    """Rows and columns of the pixels in the middle of the blocks of a frame."""
    return tuple(
        np.minimum(np.arange(n) * frame.block + frame.block // 2, length - 1)
        for n, length in zip(frame.counts.shape, frame.shape, strict=True)
    )


def _has_valid_pixels(frame, mask):
    valid = np.isfinite(frame)
    return bool((valid if mask is None else valid & ~mask).any())
