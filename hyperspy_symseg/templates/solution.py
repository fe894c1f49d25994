# SPDX-License-Identifier: GPL-3.0-or-later
"""What has been learnt of some frames: templates, posterior, and their cost."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .crystal_learner import CrystalLearner
from .model import Templates
from .normalized_frame import BLOCKS_IN_CELL, block_size
from .pattern import Pattern
from .potts import (
    COUPLING,
    MOST_SHARE,
    are_told_apart,
    boundary_length,
    nats_of_block,
    share_of_edge,
)
from .refusals import FEWEST_CELLS

# Posterior of the pattern that a block is thought to have, to begin with.
BELIEF = 0.9
# Overdispersion of simulated frames, for the choice among starts.
WHITE_NOISE = 2.0


def share_of_new(new):
    """Posterior of a new pattern, to begin with, where it is one of two.

    Parameters
    ----------
    new : (..., block rows, block columns) numpy.ndarray of bool
        Where it is thought to be.

    Returns
    -------
    numpy.ndarray of float32
    """
    rest = (1 - BELIEF) / 2
    return np.where(new, BELIEF + rest, rest).astype(np.float32)


class Group(NamedTuple):
    """Patterns that are learnt together, and what learns them.

    Attributes
    ----------
    learner : Pattern or CrystalLearner
    patterns : list of int
    """

    learner: Pattern | CrystalLearner
    patterns: list[int]


def of_several_motifs(groups):
    """Groups of several patterns, which are motifs of one crystal: list of Group.

    Parameters
    ----------
    groups : list of Group
    """
    return [group for group in groups if len(group.patterns) > 1]


@dataclass(frozen=True)
class Solution:
    """Templates for a number of patterns, and how well they explain some frames.

    Attributes
    ----------
    templates : Templates
    groups : list of Group
        What has learnt them.
    posterior : (patterns, ..., block rows, block columns) numpy.ndarray
    labels : (..., block rows, block columns) numpy.ndarray
        The patterns that are the most probable.
    losses : (..., block rows, block columns) numpy.ndarray of float32
        Squared residuals, each left out of its own template.
    n_pixels : float
        Number of valid pixels.
    variance : float
        Of their residuals, each left out of its own template.
    length : int
        Of the boundaries, in sides of a block.
    """

    templates: Templates
    groups: list[Group]
    posterior: np.ndarray
    labels: np.ndarray
    losses: np.ndarray
    n_pixels: float
    variance: float
    length: int

    def cost_of_edges(self, group, pair):
        """What edges between two patterns of a crystal cost, as a share of others.

        Parameters
        ----------
        group : Group
        pair : (int, int)
            Numbers of the patterns in the group.

        Returns
        -------
        share : float
            Of what an edge costs between patterns that a cell tells apart.
        length : int
            Number of these edges.
        """
        window = group.learner.window_of_evidence(list(pair))
        length = boundary_length(self.labels, *(group.patterns[k] for k in pair))
        return share_of_edge(window), length

    @property
    def weighted_length(self):
        """Length of the boundaries, each edge weighted by what it costs: float."""
        return sum(
            self._share_between(*pair) * boundary_length(self.labels, *pair)
            for pair in itertools.combinations(range(self.templates.n_patterns), 2)
        )

    def _share_between(self, first, second):
        """What an edge between two patterns costs, as a share of the most: float."""
        for group in of_several_motifs(self.groups):
            if first in group.patterns and second in group.patterns:
                pair = group.patterns.index(first), group.patterns.index(second)
                return self.cost_of_edges(group, pair)[0]
        templates = self.templates
        powers = templates.powers[[first, second]]
        different = templates.difference(first, second) * powers.sum() / 2
        block = block_size(templates.period)
        nats = nats_of_block(different, 1 - powers.mean(), block)
        return 1.0 if are_told_apart(nats) else MOST_SHARE

    @property
    def overdispersion(self):
        """Variance of the noise of the templates over that of residuals: float."""
        return self.templates.noise / self.variance

    def cells(self):
        """Number of cells that each pattern has: (patterns,) numpy.ndarray of float64.

        They are of a period; or two for each of its crystal, if these are larger.
        """
        templates = self.templates
        n_blocks = np.bincount(self.labels.ravel(), minlength=templates.n_patterns)
        areas = np.ones(templates.n_patterns)
        tied = templates.crystals >= 0
        densities = np.abs(np.linalg.det(templates.cells))[templates.crystals[tied]]
        areas[tied] = np.maximum(1, 0.5 / (densities * templates.period**2))
        return n_blocks / BLOCKS_IN_CELL**2 / areas

    def has_few_cells(self):
        """Whether the smallest pattern has too few cells to count: bool.

        Half as many suffice for the only crystal, a particle: nothing else has what it
        explains.
        """
        cells, has_lattice = self.cells(), self.templates.powers > 0
        smallest = cells.argmin()
        is_particle = has_lattice[smallest] and has_lattice.sum() == 1
        return bool(cells[smallest] < FEWEST_CELLS / (2 if is_particle else 1))

    def cost(self, overdispersion):
        """Cost of the patterns, in nats.

        Half the number of independent pixels times the logarithm of the variance of
        their residuals, which are cross-validated (P. Smyth, Stat. Comput. 10, 63
        (2000)); what the boundaries cost in the Potts model (a minimal description, as
        of Y. G. Leclerc, Int. J. Comput. Vis. 3, 73 (1989)); and half the logarithm of
        the number of independent pixels for each parameter (G. Schwarz, Ann. Statist.
        6, 461 (1978)).

        Parameters
        ----------
        overdispersion : float
            Number of pixels for each independent one.

        Returns
        -------
        float
        """
        return self.misfit(overdispersion) + COUPLING * self.length

    def misfit(self, overdispersion):
        """Cost of the patterns without that of their boundaries, in nats: float.

        Parameters
        ----------
        overdispersion : float
            As for `cost`.
        """
        n_independent = self.n_pixels / overdispersion
        return float(
            n_independent / 2 * np.log(self.variance)
            + self.templates.n_numbers / 2 * np.log(n_independent)
        )


def cheapest(solutions):
    """Solution of the lowest cost, in the noise of that which leaves the whitest.

    Amorphous material has few independent pixels, whatever explains them: a weak
    crystal that follows it would else be worth long boundaries.

    Parameters
    ----------
    solutions : sequence of Solution

    Returns
    -------
    Solution
    """
    overdispersed = min(one.overdispersion for one in solutions)
    overdispersed = max(overdispersed, WHITE_NOISE)
    return min(solutions, key=lambda one: one.cost(overdispersed))
