# SPDX-License-Identifier: GPL-3.0-or-later
"""How the scores and the templates of a model are fitted."""

import dataclasses
import functools
import logging
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.checks import is_auto, pixel_pair, warn_of_values
from hyperspy_symseg.frames.threads import one_thread, pmap
from hyperspy_symseg.lattice import Lengths, find_periods, suitable_lengths
from hyperspy_symseg.lattice.spectrum import crops
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.blocks import centres
from hyperspy_symseg.templates.examples import (
    example_blocks,
    found_patterns,
    learn_from_examples,
)
from hyperspy_symseg.templates.model_selection import ModelSelection
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.potts import most_probable
from hyperspy_symseg.templates.refusals import (
    NOT_TRIED,
    REFUSALS,
    SUCH_AS,
    gains,
    phrases,
)
from hyperspy_symseg.templates.training_crops import TrainingFrames, training_crops

from .clustering import (
    cluster_scores,
    scores_of_examples,
    separation,
)
from .examples import check_sizes, named
from .sampling import complete_scores, sample_slices, sampled_grid
from .score_model import ScoreModel
from .selection import keep_patterns
from .upsampling import labels_at

_logger = logging.getLogger(__name__)

# What a progress bar says meanwhile.
FITTING = "Fitting"
# Templates begin with labels that need not be as dense as those that are not refined.
REFINED_STRIDE = 2
# Pixels scored, at most. There are up to 3,600 cells of a period, and pixels nearer to
# each other than that have most of their patches in common.
MOST_SCORED = 6000
# Cells of a pattern, below which it may be lost when frames are labelled.
FEW_CELLS = 100
# Distance of clusters of the scores that are told apart for sure, in their widths.
CLUSTERS_APART = 8.0
# Number of patterns that is tried, at most.
MOST_PATTERNS = 8
# Number of patterns among scores alone, if none is given: nothing tells which is right.
PATTERNS_OF_SCORES = 2
# A warning, after the reason.
ONLY_SCORES = "%s The labels are those of the scores alone."


class Fit(NamedTuple):
    """What is fitted.

    Attributes
    ----------
    score_model : ScoreModel
    stride : (int, int)
    templates : Templates or None
    costs : (numbers,) numpy.ndarray of float64 or None
    refusals : tuple of str or None
        As the attributes of `SymmetryModel`.
    scores : (grid rows, grid columns, operations) numpy.ndarray or None
        Of a frame, if they are those of its whole grid.
    normalized : NormalizedFrame or None
        The whole frame, if templates were learnt from it.
    """

    score_model: ScoreModel
    stride: tuple[int, int]
    templates: Templates | None = None
    costs: np.ndarray | None = None
    refusals: tuple[str, ...] | None = None
    scores: np.ndarray | None = None
    normalized: NormalizedFrame | None = None


def lengths_of(periods, shape, refined=True):
    """Lengths that suit a frame, with a warning if there is no period: Lengths.

    Parameters
    ----------
    periods : Periods
        Of the frame.
    shape : (int, int)
        Rows and columns of the frame.
    refined : bool
        Whether templates refine the labels, if there is a period.
    """
    lengths = suitable_lengths(periods, shape)
    if periods.period is None:
        _logger.warning(
            "No lattice period found in %d x %d pixels: the labels are those of the "
            "scores alone, and lengths that are not given are those for a period of 12 "
            "pixels (%s).",
            *shape,
            ", ".join(f"{name} {n}" for name, n in dataclasses.asdict(lengths).items()),
        )
    elif refined:
        stride = lengths.stride * REFINED_STRIDE
        lengths = dataclasses.replace(lengths, stride=stride)
    return lengths


def number_without_period(n_patterns):
    """Number of patterns where no period is found: int.

    Parameters
    ----------
    n_patterns : int or "auto"
    """
    if not is_auto(n_patterns):
        return n_patterns
    _logger.info(
        'n_patterns="auto" is 1 without a lattice period: a number that is given is '
        "that of the patterns among the scores."
    )
    return 1


def fit_frame(frame, mask, options, examples=None):
    """Fit to a frame, which is checked.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray
    mask : (rows, columns) numpy.ndarray of bool or None
    options : FitOptions
    examples : (rows, columns) numpy.ndarray of int, optional
        Labels where they are known, and else -1.

    Returns
    -------
    Fit

    Raises
    ------
    TypeError, ValueError
        As from `SymmetryModel.fit`.
    """
    warn_of_values(frame, mask)

    def read(_, pixels):
        return frame[pixels], None if mask is None else mask[pixels]

    if is_auto(options.period) or is_auto(options.stride):
        options = _with_lengths(options, read, frame.shape)
    descriptor, period = options.descriptor, options.period
    if period is not None and period > min(frame.shape):
        raise ValueError(
            "period must be at most the shorter side of the frame, "
            f"{min(frame.shape)} pixels, got {period:g}."
        )
    grid = Grid.over(frame.shape, options.stride)
    if period is not None:
        given = None
        if examples is not None:
            given = [examples]
            check_sizes(examples, mask, period, options.n_patterns, options.names)
        frames = TrainingFrames(read, 1, frame.shape, period, examples=given)
        fit = fit_crops(*training_crops(frames), options)
        if frames.n_tiles > 1:
            return fit
        return fit._replace(normalized=frames.tile(0)[-1])
    scored, sample = sampled_grid(grid, len(descriptor.operations))
    scores = compute_scores(descriptor, frame, scored, mask, counted=FITTING)
    labels = None
    if examples is not None:
        labels = examples[np.ix_(scored.rows, scored.columns)][sample]
    fit = fit_scores(scores[sample], options, labels)
    return fit._replace(scores=scores) if scored == grid else fit


def _with_lengths(options, read, shape):
    """Options with the period that is found in a frame, and a stride: FitOptions."""
    n_patterns, period, lengths = options.n_patterns, options.period, Lengths()
    if is_auto(period):
        with one_thread:
            read_crops = [read(0, pixels) for pixels in crops(shape)]
            periods = find_periods(*zip(*read_crops, strict=True))
        period, lengths = periods.period, lengths_of(periods, shape)
        if period is None:
            n_patterns = number_without_period(n_patterns)
    stride = lengths.stride if is_auto(options.stride) else options.stride
    return dataclasses.replace(
        options, n_patterns=n_patterns, period=period, stride=stride
    )


def fit_scores(scores, options, labels=None):
    """Fit to scores alone: Fit.

    Parameters
    ----------
    scores : (..., operations) numpy.ndarray
        NaN where missing.
    options : FitOptions
        Its period does not count.
    labels : (...) numpy.ndarray of int, optional
        Patterns of the pixels that are known, and else -1.

    Raises
    ------
    TypeError, ValueError
        As from `SymmetryModel.fit`.
    """
    if is_auto(options.n_patterns):
        options = dataclasses.replace(options, n_patterns=PATTERNS_OF_SCORES)
        _logger.info(
            'n_patterns="auto" is %d where labels are those of the scores alone, which '
            "do not tell the number of patterns.",
            PATTERNS_OF_SCORES,
        )
    sample = complete_scores(scores, options.descriptor)
    with one_thread:
        if labels is None:
            score_model = _clustered(sample, options, options.n_patterns)
        else:
            labels = labels[~np.isnan(scores).any(axis=-1)]
            score_model = _of_examples(sample, labels, options)
    return Fit(_best_operations(score_model, options, sample), options.stride)


def _clustered(sample, options, n_patterns):
    """Patterns among scores (pixels, operations) that miss none: ScoreModel."""
    found = cluster_scores(
        sample,
        options.descriptor.members,
        n_patterns,
        options.n_components,
        options.random_state,
    )
    return ScoreModel(options.descriptor, **found)


def _of_examples(sample, labels, options):
    """Patterns of examples among scores (pixels, operations): ScoreModel."""
    found = scores_of_examples(
        sample,
        labels,
        options.descriptor.members,
        options.n_patterns,
        options.n_components,
    )
    return ScoreModel(options.descriptor, **found)


def warn_of_lost(found, names):
    """Log a warning for each pattern that is not found anywhere.

    Parameters
    ----------
    found : (patterns,) numpy.ndarray of bool
    names : sequence of str or None
    """
    for pattern in np.flatnonzero(~found):
        _logger.warning(
            "No pixel is labelled as %s, not even in its example: another pattern "
            "explains it better. Make the example larger, or take another one.",
            named(names, pattern),
        )


def _best_operations(score_model, options, sample):
    """Model with as many operations as are asked for: ScoreModel."""
    if options.n_operations is None:
        return score_model
    if score_model.covariance is not None:
        return score_model.select(options.n_operations)
    return score_model.select(options.n_operations, lambda _, kept: sample[:, kept])


def fit_crops(crops, one_pattern, options, most_scored=MOST_SCORED):
    """Fit to crops of frames: templates, beginning with the labels of the scores.

    Parameters
    ----------
    crops : list of TrainingCrop
        Of one shape.
    one_pattern : Templates or None
        As for `ModelSelection`.
    options : FitOptions
        With a period and a stride.
    most_scored : int
        Pixels scored, at most.

    Returns
    -------
    Fit

    Raises
    ------
    TypeError, ValueError
        As from `SymmetryModel.fit`.
    """
    # Not "auto", which is for whole frames.
    stride = pixel_pair("stride", options.stride, least=1)
    with one_thread:
        scored = ScoredCrops.of(crops, stride, options.descriptor, most_scored)
        if scored.crops[0].examples is not None:
            score_model, templates = _by_examples(scored, options)
            score_model = _best_operations(score_model, options, scored.sample)
            return Fit(score_model, stride, templates)
        return _by_clusters(scored, one_pattern, options)._replace(stride=stride)


class ScoredCrops(NamedTuple):
    """Crops, and the scores of some of their pixels.

    Attributes
    ----------
    crops : list of TrainingCrop
        Those with valid pixels.
    frame : NormalizedFrame
        All of them.
    grid : Grid
        Pixels of a crop that are scored.
    scores : list of (grid rows, grid columns, operations) numpy.ndarray
        Of each crop.
    sample : (pixels, operations) numpy.ndarray of float64
        Of all pixels that miss none.
    """

    crops: list
    frame: NormalizedFrame
    grid: Grid
    scores: list
    sample: np.ndarray

    @classmethod
    def of(cls, crops, stride, descriptor, most_scored):
        """Score crops: ScoredCrops.

        Parameters
        ----------
        crops, most_scored
            As for `fit_crops`.
        stride : (int, int)
        descriptor : Descriptor
        """
        n_all = len(descriptor.operations)
        crops = [crop for crop in crops if crop.normalized.counts.any()]
        frame = grid = None
        if crops:
            frame = NormalizedFrame.stacked([crop.normalized for crop in crops])
            grid = Grid.over(frame.shape, tuple(map(min, stride, frame.shape)))
            grid = grid.within(*sample_slices(grid, n_all, len(crops), most_scored))

        def score(crop):
            starts = zip(crop.pixels, grid.first, strict=True)
            first = tuple(axis.start + n for axis, n in starts)
            own = dataclasses.replace(grid, first=first), crop.mask
            return compute_scores(descriptor, crop.frame, *own, counted=None)

        scores = pmap(score, crops)
        flat = [np.empty((0, n_all)), *(each.reshape(-1, n_all) for each in scores)]
        sample = complete_scores(np.concatenate(flat), descriptor)
        return cls(crops, frame, grid, scores, sample)

    def of_sample(self, labels):
        """Labels of the sample, from those of the pixels of each crop, and weights.

        Parameters
        ----------
        labels : iterable of (rows, columns) numpy.ndarray of int

        Returns
        -------
        labels : (pixels,) numpy.ndarray of int
        weights : (pixels,) numpy.ndarray of float64
            What each stands for.
        """
        found, weights = [], []
        chosen = np.ix_(self.grid.rows, self.grid.columns)
        for crop, own, of_crop in zip(self.crops, self.scores, labels, strict=True):
            complete = ~np.isnan(own).any(axis=-1)
            found.append(of_crop[chosen][complete])
            weights.append(np.full(len(found[-1]), crop.weight))
        return np.concatenate(found), np.concatenate(weights)

    def of_blocks(self, labels):
        """The same, from labels of the blocks (crops, block rows, block columns)."""
        block, shape = self.frame.block, self.frame.shape
        return self.of_sample(spread(each, block, shape) for each in labels)


def _by_clusters(scored, one_pattern, options):
    """Fit to crops, beginning with clusters of the scores: Fit."""
    frame, grid, sample = scored.frame, scored.grid, scored.sample
    clustered = functools.cache(functools.partial(_clustered, sample, options))

    def block_labels(n_patterns):
        nearest = clustered(n_patterns).nearest
        pixels = centres(frame.shape, frame.block)
        return np.stack([labels_at(nearest(s), grid, *pixels) for s in scored.scores])

    search = ModelSelection(frame, options.period, block_labels, one_pattern)
    compared, n_patterns = (None, None), options.n_patterns
    if n_patterns == "auto":
        compared = search.compare(MOST_PATTERNS)
        n_patterns = compared.best
        _log_number(compared)
    score_model, templates = clustered(n_patterns), None
    solution = search.solution(n_patterns)
    # Patterns whose number is found are not alike.
    alike = not is_auto(options.n_patterns) and bool(search.alike(n_patterns))
    reason, found = _why_no_templates(solution, alike, frame, sample, score_model)
    if reason is None:
        labels, weights = scored.of_blocks(solution.labels)
        score_model, order = _with_classes(score_model, sample, labels, weights)
        templates = solution.templates.only(order)
        score_model, templates = keep_patterns(score_model, templates, found[order])
    else:
        _logger.warning(ONLY_SCORES, reason)
    score_model = _best_operations(score_model, options, sample)
    return Fit(score_model, options.stride, templates, *compared)


def _log_number(compared):
    """Log the number of patterns that is found, and why others are refused."""
    said = [f"Patterns found: {compared.best}"]
    tried, n_all = gains(*compared), len(compared.refusals)
    for number, gain in enumerate(tried, 1):
        refusal = compared.refusals[number - 1]
        if refusal:
            reason, *worth = phrases(refusal, gain)
            words = reason, SUCH_AS.get(refusal), *worth
            said.append(f"{number} refused: {', '.join(filter(None, words))}")
    if len(tried) < n_all:
        said.append(f"{len(tried) + 1} to {n_all} {REFUSALS[NOT_TRIED]}")
    _logger.info("%s.", ". ".join(said))


def _by_examples(scored, options):
    """Fit to crops that have examples: ScoreModel, and Templates or None."""
    n_patterns, names = options.n_patterns, options.names
    labels, _ = scored.of_sample(crop.examples for crop in scored.crops)
    score_model = _of_examples(scored.sample, labels, options)
    frame = scored.frame
    blocks = np.stack([crop.examples for crop in scored.crops])
    blocks = example_blocks(blocks, frame.block)
    learnt = learn_from_examples(frame, blocks, n_patterns, options.period)
    templates, confused = learnt.solution.templates, learnt.confused
    reason = None
    if not len(templates.reflections):
        reason = "No pattern has a lattice."
    elif confused is not None:
        reason = "Templates cannot tell the examples of {} and {} apart.".format(
            *(named(names, each) for each in confused)
        )
    if reason is not None:
        _logger.warning(ONLY_SCORES, reason)
        return score_model, None
    if learnt.doubtful is not None:
        _logger.warning(
            "The examples of %s and %s differ by hardly more than noise: where these "
            "two labels are, they may be at random.",
            *(named(names, each) for each in learnt.doubtful),
        )
    warn_of_lost(found_patterns(frame, templates), names)
    labels, weights = scored.of_blocks(learnt.solution.labels)
    counts = np.bincount(labels, weights / weights.mean(), n_patterns)
    return dataclasses.replace(score_model, counts=np.ceil(counts)), templates


def _why_no_templates(solution, alike, frame, sample, score_model):
    """Say why templates do not count, or None; whether each pattern has any block."""
    n_patterns = solution.templates.n_patterns
    if not len(solution.templates.reflections):
        return "No pattern has a lattice.", None
    if alike:
        return (
            "Patterns are too much alike for templates: there may be one crystal only "
            '(n_patterns=1 or "auto").'
        ), None
    labels = solution.labels
    if 0 < solution.cells().min() < FEW_CELLS:
        # Labels are found anew in every frame, and small patterns can be lost.
        labels = most_probable(solution.templates.posterior(frame)[0])
    found = np.bincount(labels.ravel(), minlength=n_patterns) > 0
    if not found.all():
        points, centres = score_model.project(sample), score_model.centres
        if separation(points, centres) > CLUSTERS_APART:
            return "Templates find fewer patterns than the scores.", None
    return None, found


def _with_classes(score_model, sample, labels, weights):
    """Score model of the patterns that templates have found, and their order."""
    # As many pixels as there are, but in the shares that the frames have.
    counts = np.bincount(labels, weights / weights.mean(), score_model.n_patterns)
    order = np.argsort(counts, kind="stable")
    means = score_model.class_means.copy()
    variances = score_model.class_variances.copy()
    for label, pattern in enumerate(order):
        own = sample[labels == pattern]
        if len(own):
            means[label], variances[label] = own.mean(axis=0), own.var(axis=0)
    weighted = (means - score_model.mean) * score_model.weights
    score_model = dataclasses.replace(
        score_model,
        centres=weighted @ score_model.components.T,
        counts=np.ceil(counts[order]),
        class_means=means,
        class_variances=variances,
    )
    return score_model, order
