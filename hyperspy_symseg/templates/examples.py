# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates learnt from examples: pixels whose pattern is known."""

import itertools
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.lattice.reciprocal import finer_cells

from .blocks import products, sum_blocks
from .crystal import WIDTHS
from .crystal_learner import CrystalLearner
from .learning import LEAST_VARIANCE, Round, alike, fitted, powers, solution_of
from .normalized_frame import BLOCKS_IN_CELL
from .overdispersion import overdispersion
from .pattern import Pattern
from .pattern_spectrum import SpectrumCrops
from .potts import (
    log_likelihoods,
    mean_field,
    most_probable,
    variances_of,
    with_own_variance,
)
from .solution import Group, Solution
from .tying import DECISIVE, best_kinds, crystal_of, misfit_of_cells

# Cells that an example has to have: phases in one are those of its neighbours.
FEWEST_CELLS = 16
# Nats that a block of an example has for its pattern: more than any block has against
# it.
PINNED = np.float32(1e3)
# What two crystals may explain more than one lattice with two motifs, in nats a cell:
# their lattices are never known quite well.
SAME_LATTICE = 0.2
# What two examples of one crystal may differ by, in nats for each reflection: up to 2.1
# in 25 simulated pairs.
GAIN_OF_NOISE = 3.0
# Area of the cell of a superlattice, at most, in cells.
LARGEST_SUPERCELL = 4.5
# Rounds with the examples alone, to find the other pixels, and with these.
ROUNDS_OF_EXAMPLES, ROUNDS_OF_FINDING, ROUNDS = 3, 3, 4


def example_blocks(labels, block):
    """Labels of the blocks that lie in an example with all their pixels.

    Parameters
    ----------
    labels : (..., rows, columns) numpy.ndarray of int
        -1 where the pattern is not known.
    block : int
        Side of a block in pixels.

    Returns
    -------
    (..., block rows, block columns) numpy.ndarray of int
        -1 for all others.

    Examples
    --------
    >>> example_blocks(np.array([[0, 0, -1, 1], [0, 0, 1, 1]]), 2)
    array([[ 0, -1]])
    """
    own = labels[..., ::block, ::block]
    others = labels != spread(own, block, labels.shape[-2:])
    whole = sum_blocks(others.astype(np.int32), block) == 0
    return np.where(whole, own, -1)


class Learnt(NamedTuple):
    """What examples have taught.

    Attributes
    ----------
    solution : Solution
    evidence : (patterns, patterns) numpy.ndarray of float64
        By how much the pixels of the example (first axis) speak for its pattern rather
        than for another, in nats; infinite for its own.
    """

    solution: Solution
    evidence: np.ndarray

    @property
    def most_alike(self):
        """The two patterns that examples tell apart least: (int, int), and nats."""
        pair = np.unravel_index(self.evidence.argmin(), self.evidence.shape)
        return tuple(map(int, pair)), float(self.evidence[pair])

    @property
    def confused(self):
        """Two patterns that the examples do not tell apart: (int, int) or None."""
        pair, evidence = self.most_alike
        return None if evidence > DECISIVE else pair

    @property
    def doubtful(self):
        """Two patterns that may differ in noise alone: (int, int) or None.

        Two numbers for each reflection of either can be fitted to noise, and the pixels
        that join in are those that suit it.
        """
        pair, evidence = self.most_alike
        patterns = self.solution.templates.patterns
        noise = GAIN_OF_NOISE * np.isin(patterns, pair).sum()
        return None if evidence > DECISIVE + noise else pair


def learn_from_examples(frame, labels, n_patterns, period):
    """Learn the templates of patterns from pixels whose pattern is known.

    Each is learnt from its example alone, to begin with: free phases or a crystal; and
    one crystal with several motifs, where examples have one lattice. Then the pixels
    that these templates explain join in, and those of the examples stay what they are.
    Pixels that no template explains better than none does have no part in it.

    Whether two lattices are one, and how narrow a window they need, is hard to say from
    a few cells: where it is in doubt, that counts which tells the examples apart best.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several, that begin at their first pixel.
    labels : (..., block rows, block columns) numpy.ndarray of int
        Pattern of every block; -1 where it is not known.
    n_patterns : int
    period : float
        In pixels.

    Returns
    -------
    Learnt
    """
    own = _shares(labels, n_patterns)
    only = frame.only(labels >= 0)

    def learnt(groups):
        groups = [group._replace(learner=group.learner.on(frame)) for group in groups]
        alone, joined = (
            Learnt(each, _evidence(frame, each, own))
            for each in _with_others(frame, groups, own, period)
        )
        # At few counts, other pixels can lead away from what the examples show.
        return alone if joined.confused is not None else joined

    tried = map(learnt, _of_examples(only, own, period))
    return max(tried, key=lambda each: each.evidence.min())


def found_patterns(frame, templates):
    """Whether templates find each pattern, if nobody says where it is.

    Parameters
    ----------
    frame : NormalizedFrame
    templates : Templates

    Returns
    -------
    (patterns,) numpy.ndarray of bool
    """
    labels = most_probable(templates.posterior(frame)[0])
    return np.bincount(labels.ravel(), minlength=templates.n_patterns) > 0


def _shares(labels, n_patterns):
    """Labels as probabilities, all 0 where there is none: (patterns, ...) float32."""
    numbers = np.arange(n_patterns).reshape(-1, *[1] * labels.ndim)
    return (labels == numbers).astype(np.float32)


def _evidence(frame, solution, own):
    """How examples speak for their patterns, as in `Learnt`."""
    templates, n_patterns = solution.templates, len(own)
    components = templates.components(frame)
    residuals = templates.residuals(components, solution.posterior)
    flat = [each.reshape(n_patterns, -1) for each in (own, residuals)]
    misfits = flat[0].astype(np.float64) @ flat[1].T / (2 * templates.noise)
    evidence = misfits - misfits.diagonal()[:, np.newaxis]
    np.fill_diagonal(evidence, np.inf)
    return evidence


def _of_examples(only, own, period):
    """Patterns learnt from the pixels of their examples.

    Parameters
    ----------
    only : NormalizedFrame
        Without all other pixels.
    own : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        1 in the example of each.
    period : float

    Returns
    -------
    list of list of Group
        One, or several where it is in doubt what they have in common.
    """
    crops = SpectrumCrops(only)

    def begun(weights):
        return Pattern(only, crops, weights, period)

    patterns = pmap(begun, own)
    strong = [pattern.strong_reflections() for pattern in patterns]
    others = [strong[:k] + strong[k + 1 :] for k in range(len(own))]
    pmap(Pattern.relate, patterns, others)
    groups = [Group(pattern, [k]) for k, pattern in enumerate(patterns)]
    for _ in range(ROUNDS_OF_EXAMPLES):
        found = fitted(only, groups, own)
    done = _judged(only, own, *found)
    solution = solution_of(only, groups, done, period)
    groups = best_kinds(only, solution) or groups
    lattices = Lattices(only, solution, begun)
    joined, doubtful = [], False
    for group in sorted(groups, key=lambda group: group.patterns):
        for k, other in enumerate(joined):
            both, gain = lattices.joined(other, group)
            if gain > -lattices.allowed(both):
                joined[k], doubtful = both, doubtful or gain < -DECISIVE
                break
        else:
            joined.append(group)
    narrower = lattices.narrower(joined)
    found = [joined] if narrower is None else [joined, narrower]
    return [*found, groups] if doubtful else found


class Lattices:
    """Lattices of examples, and whether several are one.

    Parameters
    ----------
    only : NormalizedFrame
        With the examples alone.
    solution : Solution
        Of these.
    begun : callable
        Gives the `Pattern` of some weights.
    """

    def __init__(self, only, solution, begun):
        self._frame, self._solution, self._begun = only, solution, begun

    def _misfit(self, group):
        """What a group leaves unexplained when it has settled, in nats: float."""
        weights = self._solution.posterior[group.patterns]
        measured = self._frame, group.learner, weights, self._solution.templates.noise
        for _ in range(ROUNDS_OF_EXAMPLES):
            misfit = misfit_of_cells(*measured)
        return float(misfit.sum())

    def allowed(self, group):
        """What crystals may explain more than one lattice with their motifs: float."""
        n_cells = self._solution.posterior[group.patterns].sum() / BLOCKS_IN_CELL**2
        return max(DECISIVE, SAME_LATTICE * n_cells)

    def joined(self, first, second):
        """Two groups as motifs of one crystal, and what this explains more, in nats.

        Returns
        -------
        Group, float
            Minus infinity if they have no lattice in common.
        """
        patterns = first.patterns + second.patterns
        group = Group(None, patterns)
        if not all(_has_template(each.learner) for each in (first, second)):
            return group, -np.inf
        own = self._solution.posterior[patterns]
        together = self._begun(own.sum(axis=0))
        together.relate([])
        for _ in range(ROUNDS_OF_EXAMPLES):
            together.fit(own.sum(axis=0, keepdims=True))
        group = group._replace(learner=together)
        learner = crystal_of(self._frame, group, self._solution)
        # Any two lattices have nearly one in common, with a cell that is large enough.
        areas = [
            _area(each.learner.cell) for each in (first, second) if _is_crystal(each)
        ]
        most = LARGEST_SUPERCELL * min(areas, default=np.inf)
        if learner is None or _area(learner.cell) > most:
            return group, -np.inf
        period = self._solution.templates.period
        cells = [each for each in finer_cells(learner.cell, [2]) if _area(each) < most]
        learners = [
            CrystalLearner(self._frame, each, WIDTHS[0], period) for each in cells
        ]
        best, least, lowest = learner, np.inf, np.inf
        for each in (learner, *learners):
            misfit = self._misfit(group._replace(learner=each))
            # Structure factors of noise gain some, two numbers a nat each.
            cost = misfit + 2 * np.count_nonzero(each.factors)
            if cost < lowest - DECISIVE:
                best, least, lowest = each, misfit, cost
        group = group._replace(learner=best.with_domains())
        return group, self._misfit(first) + self._misfit(second) - least

    def narrower(self, groups):
        """Groups with narrower windows, if these explain more: list, or None."""
        best, least = None, sum(map(self._misfit, groups))
        for width in WIDTHS[1:]:
            tried = [
                group._replace(learner=group.learner.with_width(width))
                if _is_crystal(group)
                else group
                for group in groups
            ]
            misfit = sum(map(self._misfit, tried))
            if misfit < least - DECISIVE:
                best, least = tried, misfit
        return best


def _is_crystal(group):
    return isinstance(group.learner, CrystalLearner)


def _has_template(learner):
    """Whether each pattern of a learner has a reflection: bool."""
    if isinstance(learner, CrystalLearner):
        return bool(learner.factors.any(axis=1).all())
    return bool(len(learner.amplitudes))


def _area(cell):
    """Area of the unit cell with these reciprocal vectors, in pixels: float."""
    return 1 / abs(np.linalg.det(cell))


def _with_others(frame, groups, own, period):
    """Solutions of the examples alone, and with the other pixels: two Solution."""
    n_patterns = len(own)
    known = own.any(axis=0)
    done = _judged(frame, own, *fitted(frame, groups, own))
    templates = solution_of(frame, groups, done, period).templates
    prior = np.where(known, PINNED * (own - 1), 0)
    # Of a pattern without a template, nothing tells what else has none.
    has_rest = set(templates.patterns.tolist()) == set(range(n_patterns))
    rest = products(frame.pixels, frame.pixels, frame.block)[np.newaxis]
    if has_rest:
        prior = np.concatenate([prior, np.where(known, -PINNED, 0)[np.newaxis]])
    prior = prior.astype(np.float32)

    def posterior_of(residuals, noise, variances, powers):
        if has_rest:
            residuals = np.concatenate([residuals, rest])
            # A frame has the variance 1.
            variances, powers = np.append(variances, 1), np.append(powers, 0)
        residuals = with_own_variance(residuals, frame, variances, powers)
        likelihoods = log_likelihoods(residuals, noise, alike(groups)) + prior
        return mean_field(likelihoods)[:n_patterns]

    components = templates.components(frame)
    posterior = np.where(known, own, np.float32(1 / n_patterns))
    for _ in range(ROUNDS_OF_FINDING):
        residuals = templates.residuals(components, posterior)
        posterior = posterior_of(
            residuals, templates.noise, templates.variances, templates.powers
        )
    alone = replace(
        solution_of(frame, groups, done._replace(posterior=posterior), period),
        templates=templates,
    )
    for _ in range(ROUNDS):
        expected, residuals = fitted(frame, groups, posterior)
        done = _judged(frame, posterior, expected, residuals)
        noise = done.variance * done.overdispersion
        known_of = done.variances, powers(groups)
        posterior = posterior_of(residuals, noise, *known_of)
        done = done._replace(posterior=posterior)
    return alone, solution_of(frame, groups, done, period)


def _judged(frame, posterior, templates, residuals):
    """Variance and overdispersion of the residuals of patterns: Round."""
    losses = np.einsum("k...,k...->...", posterior, residuals)
    n_pixels = float(np.vdot(posterior.sum(axis=0), frame.counts))
    variance = float(losses.sum(dtype=np.float64)) / max(n_pixels, 1)
    variance = max(variance, LEAST_VARIANCE)
    pairs = list(itertools.permutations(range(len(posterior)), 2))
    measured = frame, posterior, templates, variance, pairs
    overdispersed = overdispersion(*measured)[0].max(initial=1.0)
    variances = variances_of(residuals, posterior, frame.counts)
    return Round(posterior, losses, variance, overdispersed, variances)
