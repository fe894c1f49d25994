# SPDX-License-Identifier: GPL-3.0-or-later
"""Selection of a model: the best of several starts, and the number of patterns."""

import functools
import itertools

import numpy as np

from hyperspy_symseg.frames.block_sums import spread

from .blocks import local_mean, sum_blocks
from .evidence import gain, has_rim
from .learning import everywhere, learn
from .motifs import are_one_crystal, change_slowly, with_second_motif
from .normalized_frame import BLOCKS_IN_CELL
from .pattern_spectrum import SpectrumCrops
from .potts import COUPLING, most_probable
from .solution import BELIEF, FEWEST_CELLS, share_of_new
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
# Share of the blocks that are a wall between two motifs, at most.
LARGEST_WALL = 0.1
# Overdispersion of simulated frames, for the choice among starts.
WHITE_NOISE = 2.0
# What two motifs on one lattice have to gain for each edge between them, in nats: what
# is left unexplained is alike near by, and would draw boundaries by itself.
LEAST_GAIN = 0.75
# Numbers that do not count, one after the other, until no more are tried.
MOST_REFUSED = 2
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
        self._labels, self._solutions, self._free = labels, {}, {}
        self._one_pattern = one_pattern

    def solution(self, n_patterns):
        """Best solution for a number of patterns: Solution."""
        if n_patterns not in self._solutions:
            self._solutions[n_patterns] = self._best(n_patterns)
        return self._solutions[n_patterns]

    def costs(self, most):
        """Costs of one pattern, two and so on, until two in turn do not count.

        A number costs less than the best of the smaller ones by what it gains (`gain`
        in `evidence`). It is infinite if a pattern has less than 20 cells, is the rim
        of others, or is much like another.

        Parameters
        ----------
        most : int
            Number of patterns, at most.

        Returns
        -------
        (numbers,) numpy.ndarray of float64
            That of one pattern is 0.
        """
        costs, best = [0.0], 1
        for n_patterns in range(2, most + 1):
            gained = self._gain(n_patterns, best)
            costs.append(costs[best - 1] - gained)
            if gained > DECISIVE * (n_patterns - best):
                best = n_patterns
            elif n_patterns - best == MOST_REFUSED:
                break
        return np.array(costs)

    @staticmethod
    def best_number(costs):
        """Number of patterns that the costs speak for: int.

        Parameters
        ----------
        costs : (numbers,) numpy.ndarray
            As from `costs`. One pattern more has to be worth 10 nats.
        """
        return int(np.argmin(costs + DECISIVE * np.arange(len(costs)))) + 1

    def are_different(self, n_patterns, is_auto=False):
        """Whether all patterns differ, in a tenth of their power or in what they gain.

        Patterns that are much alike leave decisively less unexplained than one pattern
        fewer, even if their boundaries cost nothing; and those of one crystal less than
        one motif that varies slowly.

        Parameters
        ----------
        n_patterns : int
        is_auto : bool
            Whether their boundaries have to be worth it, since their number is not
            given.
        """
        solution = self.solution(n_patterns)
        shared = [group for group in solution.groups if len(group.patterns) > 1]
        cost = LEAST_GAIN if is_auto else 0
        if any(change_slowly(self._frame, group, solution, cost) for group in shared):
            return False
        cost = COUPLING if is_auto else 0
        pairs = itertools.combinations(solution.groups, 2)
        if any(are_one_crystal(self._frame, pair, solution, cost) for pair in pairs):
            return False
        if solution.templates.least_difference() > LEAST_DIFFERENCE:
            return True
        fewer = self._with_widths_of(solution.templates, n_patterns - 1)
        return fewer.misfit(WHITE_NOISE) - solution.misfit(WHITE_NOISE) > DECISIVE

    def _with_widths_of(self, others, n_patterns):
        """Solution for a number of patterns, with windows as wide as others: Solution.

        And with a contrast that varies, if others have one that does.
        """
        own, varies = self.solution(n_patterns), others.contrast_widths.any()
        return with_widths(self._frame, own, others.widths, varies)

    def _gain(self, n_patterns, fewer):
        """What a number of patterns explains more than a smaller one, in nats: float.

        Minus infinity if they do not count.
        """
        solution = self.solution(n_patterns)
        few = solution.least_cells() < FEWEST_CELLS
        if few or has_rim(solution) or not self.are_different(n_patterns, is_auto=True):
            return -np.inf
        # What is distorted needs a narrow window whatever the number of patterns,
        # but a narrow one follows a boundary, too, and so does a contrast that varies.
        other = self._with_widths_of(solution.templates, fewer)
        return gain(self._frame, solution, other)

    def _best(self, n_patterns):
        """Best solution, from several starts."""
        if n_patterns == 1:
            free, are_right = self._learn(everywhere(self._frame), ROUNDS_OF_ONE), True
        else:
            begun, are_right = self._begun(n_patterns)
            free = self._learn(begun.posterior, ROUNDS)
        self._free[n_patterns] = free
        found = tied(self._frame, free)
        if are_right:
            return found
        fewer = self.solution(n_patterns - 1)
        are_alike = found.templates.least_difference() <= LEAST_DIFFERENCE
        gained = fewer.cost(WHITE_NOISE) - found.cost(WHITE_NOISE)
        if gained > DECISIVE and not are_alike and not _is_loose(found):
            return found
        # Patterns that are much alike have one lattice, and one displacement.
        splits = self._motif_splits(fewer)
        is_lost = are_alike or found.least_cells() < FEWEST_CELLS
        others = [] if splits and is_lost else [found]
        return min(splits + others, key=lambda one: one.cost(WHITE_NOISE))

    def _motif_splits(self, solution):
        """Solutions with one pattern more on the lattice of another: list."""
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
        if labels is None or n_patterns <= MOST_SPLITS:
            start = self._split(*self._fewer(n_patterns))
            tried.append(self._learn(start, ROUNDS_OF_START))
        return min(tried, key=lambda one: one.cost(WHITE_NOISE)), False

    def _fewer(self, n_patterns):
        """Posterior and templates of one pattern fewer."""
        if n_patterns == 2 and self._one_pattern is not None:
            return everywhere(self._frame), self._one_pattern
        self.solution(n_patterns - 1)
        # Free phases hardly follow a boundary, so that misfits show it.
        free = self._free[n_patterns - 1]
        return free.posterior, free.templates

    def _split(self, posterior, templates):
        """Posterior with a new pattern where some templates fit worst."""
        shape = self._frame.counts.shape[-2:]
        misfits = _misfits(self._frame, posterior, templates)
        new = spread(misfits > _threshold(misfits.ravel()), BLOCKS_IN_CELL, shape)
        share = share_of_new(new)
        return np.concatenate([posterior * (1 - share), share[np.newaxis]])


def _is_loose(solution):
    """Whether the largest pattern is no crystal, and no other is, but for a wall.

    Free phases follow two motifs on one lattice, and what is left is the wall between.
    """
    templates = solution.templates
    is_free = templates.crystals < 0
    shares = np.bincount(solution.labels.ravel(), minlength=len(is_free))
    shares = shares / solution.labels.size
    has_wall = is_free[shares.argmax()] and shares.min() < LARGEST_WALL
    return bool(is_free.all() or (has_wall and len(templates.of(shares.argmax())[0])))


def _threshold(misfits):
    """Misfit above which there is another pattern.

    What is far from the median, if that is enough; or else the larger of two clusters.
    """
    from sklearn.cluster import KMeans

    median = np.median(misfits)
    far = median + FAR * np.median(np.abs(misfits - median)) / MEDIAN_DEVIATION
    if np.count_nonzero(misfits > far) >= FEWEST_CELLS:
        return far
    if np.ptp(misfits) == 0:
        return median
    k_means = KMeans(2, n_init=1, random_state=0).fit(misfits[:, np.newaxis])
    return k_means.cluster_centers_.mean()


def _misfits(frame, posterior, templates):
    """Mean energy of residuals less that of pixels, near cells: (rows, columns)."""
    residuals = templates.residuals(frame, templates.components(frame), posterior)
    own = (posterior * (residuals - frame.energies)).sum(axis=0, dtype=np.float64)
    return local_mean(sum_blocks(own, BLOCKS_IN_CELL), frame.cell_counts, WIDTH)
