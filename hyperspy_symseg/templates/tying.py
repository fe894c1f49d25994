# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the phases of a pattern are tied to each other, as those of a crystal are."""

import itertools
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.lattice.cell import reciprocal_cell

from .blocks import sum_blocks
from .crystal import CONTRAST_WIDTH, WIDTHS
from .crystal_learner import SHORTEST, CrystalLearner
from .learning import relearnt
from .normalized_frame import BLOCKS_IN_CELL
from .pattern import Pattern
from .solution import Group

# Nats that are "decisive" evidence (R. E. Kass, A. E. Raftery, J. Am. Stat. Assoc. 90,
# 773 (1995)).
DECISIVE = 10.0
# What a cell may gain by another kind, in nats, at most: small regions of another
# pattern do not decide for all.
MOST_GAIN = 0.5
# What a cell has to gain in the mean by the narrowest window, in nats: a distortion
# that needs it is everywhere.
LEAST_OF_CELL = 0.05
# Share of the power of a crystal that has the rarer sign of the contrast, at least, if
# that varies.
LEAST_INVERTED = 0.05
# Rounds when the kinds of the patterns are known.
ROUNDS = 2
# The same with a contrast that varies: where it is inverted, labels were wrong.
ROUNDS_OF_CONTRAST = 5


def tied(frame, solution):
    """Solution in which the patterns are crystals, where that explains them better.

    Parameters
    ----------
    frame : NormalizedFrame
    solution : Solution
        Of this frame, in which all patterns have free phases.

    Returns
    -------
    Solution
    """
    groups = best_kinds(frame, solution)
    if groups is None:
        return solution
    period, rounds = solution.templates.period, ROUNDS
    if any(getattr(group.learner, "contrast_width", 0) for group in groups):
        rounds = ROUNDS_OF_CONTRAST
    return relearnt(frame, groups, solution.posterior, period, rounds)


def best_kinds(frame, solution):
    """Kind of each pattern, free or a crystal, that explains it best.

    Parameters
    ----------
    frame, solution
        As for `tied`.

    Returns
    -------
    list of Group, or None
        None if no pattern is a crystal.
    """

    def fitted(learner, group):
        return Fitted.of(frame, learner, group.patterns, solution)

    def kinds(group):
        crystal = crystal_of(frame, group, solution)
        crystals = [] if crystal is None else [fitted(crystal, group)]
        return fitted(group.learner, group), crystals

    def in_window(each, width):
        return each.with_width(frame, width, solution)

    free, crystals = zip(*pmap(kinds, solution.groups), strict=True)
    crystals = list(itertools.chain.from_iterable(crystals))
    # A frame is distorted as a whole, so all crystals have windows of one width.
    patterns = [k for each in crystals for k in each.patterns]
    n_cells = solution.posterior[patterns].sum() / BLOCKS_IN_CELL**2
    for width in WIDTHS[1:]:
        narrower = pmap(in_window, crystals, [width] * len(crystals))
        gained = sum(map(Fitted.gain, narrower, crystals))
        least = LEAST_OF_CELL * n_cells if width == WIDTHS[-1] else 0
        if gained > max(DECISIVE, least):
            crystals = narrower
    crystals = pmap(lambda each: each.with_contrast(frame, solution), crystals)
    best = {tuple(each.patterns): each for each in free}
    for each in crystals:
        if each.gain(best[tuple(each.patterns)]) > 0:
            best[tuple(each.patterns)] = each
    if not any(isinstance(each.learner, CrystalLearner) for each in best.values()):
        return None
    return [Group(each.learner, each.patterns) for each in best.values()]


class Fitted(NamedTuple):
    """A kind of some patterns, and how well it fits.

    Attributes
    ----------
    learner : Pattern or CrystalLearner
    patterns : list of int
    misfit : (..., cell rows, cell columns) numpy.ndarray of float32
        As from `misfit_of_cells`.
    """

    learner: Pattern | CrystalLearner
    patterns: list[int]
    misfit: np.ndarray

    @classmethod
    def of(cls, frame, learner, patterns, solution):
        """Fit a kind to the pixels that some patterns have in a solution: Fitted."""
        own, noise = solution.posterior[patterns], solution.templates.noise
        misfit = misfit_of_cells(frame, learner, own, noise)
        return cls(learner, patterns, misfit)

    def with_width(self, frame, width, solution):
        """Fit a crystal with another window: Fitted."""
        learner = self.learner.with_width(width)
        return self.of(frame, learner, self.patterns, solution)

    def with_contrast(self, frame, solution):
        """The same, or with a contrast that varies if that explains more: Fitted.

        It has to change its sign: one that falls to nothing is where a crystal ends.
        """
        own = solution.posterior[self.patterns]
        first = self.learner.with_contrast()
        first.learn(own)
        if first.share_inverted(own) < LEAST_INVERTED:
            return self
        # What was learnt without its sign is a mixture of both motifs.
        period = solution.templates.period
        learner = CrystalLearner(
            frame, self.learner.cell, self.learner.width, period, CONTRAST_WIDTH
        )
        for _ in range(ROUNDS):
            learner.settle(own)
        other = self.of(frame, learner, self.patterns, solution)
        is_inverted = learner.share_inverted(own) >= LEAST_INVERTED
        return other if is_inverted and other.gain(self) > DECISIVE else self

    def gain(self, other):
        """What it explains more than another kind, in nats: float."""
        return np.clip(other.misfit - self.misfit, -MOST_GAIN, MOST_GAIN).sum()


def crystal_of(frame, group, solution):
    """What learns the crystal of a pattern, with free phases or not, or None.

    Parameters
    ----------
    frame : NormalizedFrame
    group : Group
        Of one pattern.
    solution : Solution

    Returns
    -------
    CrystalLearner or None
        That of the group, if it is one. None if free phases have no lattice.
    """
    if isinstance(group.learner, CrystalLearner):
        return group.learner
    free, period = group.learner, solution.templates.period
    cell = cell_of(free.reflections, free.amplitudes, period)
    if cell is None:
        return None
    learner = CrystalLearner(frame, cell, WIDTHS[0], period)
    learner.settle(solution.posterior[group.patterns])
    return learner if learner.factors.any() else None


def cell_of(reflections, amplitudes, period):
    """Reciprocal vectors of a crystal with such reflections: (2, 2) array, or None.

    Parameters
    ----------
    reflections : (n, 2) numpy.ndarray of float64
    amplitudes : (n,) numpy.ndarray of float64
    period : float
        In pixels.
    """
    cell = reciprocal_cell(reflections, amplitudes**2, period)
    if cell is None or np.abs(cell).max() > 0.5:
        return None
    return None if np.hypot(*cell.T).max() * SHORTEST * period > 1 else cell


def with_widths(frame, solution, widths, varies=True):
    """Solution whose crystals have windows as wide as others.

    Parameters
    ----------
    frame : NormalizedFrame
    solution : Solution
        Of this frame.
    widths : (crystals,) numpy.ndarray
        Of the others, the widest of which counts; those of the solution are kept if it
        is empty.
    varies : bool
        Whether the contrast of any of the others varies. If not, that of the solution
        does not, either: it would be lost where there is another pattern.

    Returns
    -------
    Solution
    """
    own, width = solution.templates.widths, widths.max(initial=0)
    is_wide = not width or not len(own) or own.max() == width
    if is_wide and (varies or not solution.templates.contrast_widths.any()):
        return solution

    def changed(learner):
        if isinstance(learner, CrystalLearner):
            if not is_wide:
                learner = learner.with_width(width)
            if not varies:
                learner = learner.without_contrast()
        return learner

    groups = [
        group._replace(learner=changed(group.learner)) for group in solution.groups
    ]
    period = solution.templates.period
    return relearnt(frame, groups, solution.posterior, period, ROUNDS)


def misfit_of_cells(frame, learner, weights, noise):
    """What the templates of some patterns leave unexplained, in nats.

    Parameters
    ----------
    frame : NormalizedFrame
    learner : Pattern or CrystalLearner
        Learns once more.
    weights : (patterns, ..., block rows, block columns) numpy.ndarray of float32
    noise : float
        As of the templates.

    Returns
    -------
    (..., cell rows, cell columns) numpy.ndarray of float32
    """
    residuals = map(frame.residuals, learner.fit(weights))
    own = sum(map(np.multiply, weights, residuals))
    return sum_blocks(own, BLOCKS_IN_CELL) / (2 * noise)
