# SPDX-License-Identifier: GPL-3.0-or-later
"""Selection of a model: the best of several starts, and the number of patterns."""

import functools
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.threads import meanwhile

from .blocks import local_mean, sum_blocks
from .clusters import k_means
from .evidence import gain, has_rim, is_thin
from .learning import everywhere, learn
from .motif_variation import motif_varies
from .motifs import (
    are_one_crystal,
    change_slowly,
    share_a_lattice,
    with_second_motif,
)
from .normalized_frame import BLOCKS_IN_CELL
from .pattern_spectrum import SpectrumCrops
from .potts import COUPLING, most_probable
from .refusals import (
    ALIKE,
    FEWEST_CELLS,
    MOST_REFUSED,
    NOT_TRIED,
    ONE_CRYSTAL,
    ONE_MOTIF,
    RIM,
    TOO_LITTLE,
    TOO_SMALL,
)
from .solution import (
    BELIEF,
    WHITE_NOISE,
    cheapest,
    of_several_motifs,
    share_of_new,
)
from .tying import DECISIVE, tied, with_widths

# Standard deviation of the window in which cells are judged to be misfits, in cells.
WIDTH = 1.2
# Share of their power that two patterns have to differ in.
LEAST_DIFFERENCE = 0.1
# Share of the blocks that the scores may have wrong, if nothing else is tried.
ALL_BUT_RIGHT = 0.03
# Misfits that are far from the median, in standard deviations, and the median deviation
# of a normal distribution.
FAR, MEDIAN_DEVIATION = 3.0, 0.6745
# Patterns up to which one more is looked for where those that are fewer fit worst.
MOST_SPLITS = 8
# Cells across a wall between two motifs, at most.
WIDEST_WALL = 4
# Rounds for one pattern, which has nothing but reflections to be found; for more, until
# one of the starts is chosen, and after that.
ROUNDS_OF_ONE, ROUNDS_OF_START, ROUNDS = 2, 2, 3


def start_from_labels(labels, n_patterns):
    """Posteriors to begin with, from labels of the blocks.

    Parameters
    ----------
    labels : numpy.ndarray of int
        -1 where there is none.
    n_patterns : int

    Returns
    -------
    (patterns, ...) numpy.ndarray of float32
    """
    own = labels == np.arange(n_patterns).reshape(-1, *[1] * labels.ndim)
    rest = (1 - BELIEF) / n_patterns
    start = np.where(own, BELIEF + rest, rest)
    return np.where(labels < 0, 1 / n_patterns, start).astype(np.float32)


class Comparison(NamedTuple):
    """Numbers of patterns beside each other: 1, 2 and so on.

    Attributes
    ----------
    costs : (numbers,) numpy.ndarray of float64
        Of those that were tried, in nats. That of one pattern is 0; infinite if a
        pattern is too small.
    refusals : tuple of str
        Why each number does not count, of `REFUSALS`; empty if it does. Also of those
        that were not tried.
    """

    costs: np.ndarray
    refusals: tuple[str, ...]

    @property
    def best(self):
        """The largest number that counts: int."""
        return max(n for n, reason in enumerate(self.refusals, 1) if not reason)


def _known_by_number(method):
    """Remember what a method finds for each number of patterns."""

    @functools.wraps(method)
    def found(self, n_patterns):
        key = method.__name__, n_patterns
        if key not in self._known:
            known = method(self, n_patterns)
            self._known[key] = lambda: known
        return self._known[key]()

    return found


class ModelSelection:
    """Templates for one pattern, two, and so on, each from the best of its starts.

    A number of patterns starts from the labels of the scores. If these were wrong in
    more than 3 % of the blocks, it also starts from the solution for one pattern fewer,
    with a new pattern where that fits worst. The solution of the lower cost counts.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several, that begin at their first pixel.
    period : float
        In pixels.
    labels : callable
        Gives the labels of the blocks, by a number of patterns; None if there are none.
        Not called for one pattern.
    one_pattern : Templates, optional
        For one pattern: where they fit worst, there is a second one to begin with.
        If there are none, they are those of the solution for one.
    """

    def __init__(self, frame, period, labels, one_pattern=None):
        self._frame = frame
        self._learn = functools.partial(learn, frame, SpectrumCrops(frame), period)
        self._labels, self._one_pattern, self._known = labels, one_pattern, {}

    @_known_by_number
    def _free(self, n_patterns):
        """Solution with free phases, and whether it was begun with right labels."""
        if n_patterns == 1:
            return self._learn(everywhere(self._frame), ROUNDS_OF_ONE), True
        begun, are_right = self._begun(n_patterns)
        found = self._learn(begun.posterior, ROUNDS)
        # Of a pattern that is lost hardly a label is wrong.
        return found, are_right and not found.has_few_cells()

    def _begin(self, method, n_patterns):
        """Begin with what a method finds, which is wanted soon and remembered."""
        key, size = (method.__name__, n_patterns), self._frame.counts.size
        if key not in self._known:
            work = method.__wrapped__, self, n_patterns
            self._known[key] = meanwhile(*work, size=size)

    def compare(self, most):
        """Compare one pattern, two and so on, until two in turn do not count.

        A number costs less than the best of the smaller ones by what it gains (`gain`
        in `evidence`), and counts if that is more than 10 nats for each pattern more.

        Parameters
        ----------
        most : int
            Number of patterns, at most.

        Returns
        -------
        Comparison
        """
        self._begin(self._free, 1)
        self._begin(self.solution, 1)
        costs, refusals, best = [0.0], [""], 1
        for n_patterns in range(2, most + 1):
            refusal, gained = self._refusal(n_patterns), -np.inf
            if refusal != TOO_SMALL:
                gained = self._gain(n_patterns, best)
            if not refusal and gained <= DECISIVE * (n_patterns - best):
                refusal = TOO_LITTLE
            costs.append(costs[best - 1] - gained)
            refusals.append(refusal)
            if not refusal:
                best = n_patterns
            elif n_patterns - best == MOST_REFUSED:
                break
        refusals += [NOT_TRIED] * (most - len(refusals))
        return Comparison(np.array(costs), tuple(refusals))

    def alike(self, n_patterns, is_auto=False):
        """Why patterns are too much alike to count: str, empty if they are not.

        All have to differ in a tenth of their power, or in what they gain: those that
        are much alike leave decisively less unexplained than one pattern fewer, even if
        their boundaries cost nothing; and those of one crystal less than one motif that
        varies slowly.

        Parameters
        ----------
        n_patterns : int
        is_auto : bool
            Whether their boundaries have to be worth it, since their number is not
            given.
        """
        solution = self.solution(n_patterns)
        cost = COUPLING if is_auto else 0
        shared = of_several_motifs(solution.groups)
        if any(change_slowly(self._frame, group, solution, cost) for group in shared):
            return ONE_MOTIF
        if are_one_crystal(self._frame, solution.groups, solution, cost):
            return ONE_CRYSTAL
        if solution.templates.least_difference() > LEAST_DIFFERENCE:
            return ""
        fewer = self._with_widths_of(solution.templates, n_patterns - 1)
        gained = fewer.misfit(WHITE_NOISE) - solution.misfit(WHITE_NOISE)
        return "" if gained > DECISIVE else ALIKE

    def _with_widths_of(self, others, n_patterns):
        """Solution for a number of patterns, with windows as wide as others: Solution.

        And with a contrast that varies, if others have one that does.
        """
        own, varies = self.solution(n_patterns), others.contrast_widths.any()
        return with_widths(self._frame, own, others.widths, varies)

    def _refusal(self, n_patterns):
        """Why a number of patterns does not count, whatever it gains: str, or empty."""
        if self._has_few_cells(n_patterns):
            return TOO_SMALL
        solution = self.solution(n_patterns)
        if solution.has_few_cells():
            return TOO_SMALL
        return RIM if has_rim(solution) else self.alike(n_patterns, is_auto=True)

    def _gain(self, n_patterns, fewer):
        """What a number of patterns explains more than a smaller one: float."""
        solution = self.solution(n_patterns)
        other = self._with_widths_of(solution.templates, fewer)
        gained = gain(self._frame, solution, other)
        own = self.solution(fewer)
        varies = own.templates.contrast_widths.any()
        is_without = varies and not other.templates.contrast_widths.any()
        # A contrast that varies follows a boundary. But where it changes its sign, the
        # lattice is weak, and there is no pattern without one.
        if own is other or (is_without and solution.templates.powers.all()):
            return gained
        # What is distorted needs a narrow window, whatever the number of patterns. In
        # its own window, the smaller number has to be worse even without boundaries.
        return min(gained, gain(self._frame, solution, own, cost=0))

    @_known_by_number
    def solution(self, n_patterns):
        """Best solution for a number of patterns, from several starts: Solution."""
        free, are_right = self._free(n_patterns)
        are_alike = free.templates.least_difference() <= LEAST_DIFFERENCE
        is_settled, found = self._is_settled(n_patterns), None
        if is_settled or not are_alike:
            found = tied(self._frame, free)
            # Scores may know motifs of one lattice, or the wall between two, as well.
            may_split = _may_share_a_lattice(found) and (are_alike or not are_right)
            may_split = may_split or _has_wall(found) or found.has_few_cells()
            if is_settled and not may_split:
                return found
        splits = []
        if not self._has_few_cells(n_patterns):
            splits = self._motif_splits(self.solution(n_patterns - 1))
        if not splits:
            return found or tied(self._frame, free)
        # Patterns that are much alike have one lattice, and one displacement. An empty
        # one costs nothing.
        is_lost = found is None or found.has_few_cells()
        return cheapest(splits if is_lost else [*splits, found])

    def _is_settled(self, n_patterns):
        """Whether the patterns differ in their lattices, so that no motif is split."""
        free, are_right = self._free(n_patterns)
        if are_right:
            return True
        if free.templates.least_difference() <= LEAST_DIFFERENCE:
            return False
        # An empty pattern settles nothing.
        if free.has_few_cells():
            return False
        fewer, _ = self._free(n_patterns - 1)
        return fewer.cost(WHITE_NOISE) - free.cost(WHITE_NOISE) > DECISIVE

    @_known_by_number
    def _has_few_cells(self, n_patterns):
        """Whether a pattern has few cells, and there is no motif to split: bool."""
        n_cells = self._frame.counts.size / BLOCKS_IN_CELL**2
        if (n_patterns - 1) * FEWEST_CELLS > n_cells:
            # Not even one pattern fewer has room, so that smaller ones need no look.
            return True
        free, _ = self._free(n_patterns)
        if not free.has_few_cells():
            return False
        if n_patterns > 2 and self._has_few_cells(n_patterns - 1):
            return True
        fewer = self.solution(n_patterns - 1)
        if fewer.has_few_cells():
            return True
        numbers = range(n_patterns - 1)
        return not any(motif_varies(self._frame, fewer, number) for number in numbers)

    def _motif_splits(self, solution):
        """Solutions with one pattern more on the lattice of another: list."""
        if solution.has_few_cells():
            return []
        numbers = range(solution.templates.n_patterns)
        found = (with_second_motif(self._frame, solution, number) for number in numbers)
        return [each for each in found if each is not None]

    def _begun(self, n_patterns):
        """Best of the starts, after a few rounds, and whether the labels were right."""
        labels, tried = self._labels(n_patterns), []
        if labels is not None:
            start = start_from_labels(labels, n_patterns)
            tried.append(self._learn(start, ROUNDS_OF_START))
            if np.mean(most_probable(start) != tried[0].labels) < ALL_BUT_RIGHT:
                return tried[0], True
        if n_patterns == 2:
            # Whether two are better is asked next; threads have nothing to share in it.
            self._begin(self._free, 1)
        if labels is None or n_patterns <= MOST_SPLITS:
            start = self._split(*self._fewer(n_patterns))
            tried.append(self._learn(start, ROUNDS_OF_START))
        return min(tried, key=lambda one: one.cost(WHITE_NOISE)), False

    def _fewer(self, n_patterns):
        """Posterior and templates of one pattern fewer."""
        if n_patterns == 2 and self._one_pattern is not None:
            return everywhere(self._frame), self._one_pattern
        # Free phases hardly follow a boundary, so that misfits show it.
        free, _ = self._free(n_patterns - 1)
        return free.posterior, free.templates

    def _split(self, posterior, templates):
        """Posterior with a new pattern where some templates fit worst."""
        shape = self._frame.counts.shape[-2:]
        misfits = _misfits(self._frame, posterior, templates)
        new = spread(misfits > _threshold(misfits.ravel()), BLOCKS_IN_CELL, shape)
        share = share_of_new(new)
        return np.concatenate([posterior * (1 - share), share[np.newaxis]])


def _may_share_a_lattice(solution):
    """Whether patterns may be motifs of one lattice, which free phases follow: bool."""
    return (solution.templates.crystals < 0).all() or share_a_lattice(solution)


def _has_wall(solution):
    """Whether a narrow pattern may be the wall between two motifs: bool.

    Free phases follow both, and so does the displacement of a crystal that has their
    mean.
    """
    [crystals] = np.nonzero(solution.templates.powers)
    return len(crystals) > 1 and any(
        is_thin(solution, k, WIDEST_WALL * BLOCKS_IN_CELL // 2) for k in crystals
    )


def _threshold(misfits):
    """Misfit above which there is another pattern.

    What is far from the median, if that is enough; or else the larger of two clusters.
    """
    median = np.median(misfits)
    far = median + FAR * np.median(np.abs(misfits - median)) / MEDIAN_DEVIATION
    if np.count_nonzero(misfits > far) >= FEWEST_CELLS:
        return far
    if np.ptp(misfits) == 0:
        return median
    return k_means(misfits[:, np.newaxis], 2)[0].mean()


def _misfits(frame, posterior, templates):
    """Mean energy of residuals less that of pixels, near cells: (rows, columns)."""
    residuals = templates.residuals(templates.components(frame), posterior)
    own = (posterior * (residuals - frame.energies)).sum(axis=0, dtype=np.float64)
    return local_mean(sum_blocks(own, BLOCKS_IN_CELL), frame.cell_counts, WIDTH)
