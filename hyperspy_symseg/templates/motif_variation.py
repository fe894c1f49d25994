# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the motif of a pattern is another one somewhere."""

import copy

import numpy as np

from hyperspy_symseg.lattice.cell import LARGEST_INDEX
from hyperspy_symseg.lattice.reciprocal import nodes_within

from .blocks import ratio
from .bragg import BraggComponents
from .crystal import LeaveOneOut, pixels_of_cells
from .crystal_learner import NOTHING, SHORTEST
from .tying import DECISIVE, crystal_of

# Standard deviation of the window that structure factors are averaged in, in cells.
WIDTH = 3.0


def motif_varies(frame, solution, number):
    """Whether a structure factor of a pattern varies from place to place: bool.

    Those at half of the nodes of its lattice count, too: domains that are ordered have
    them. With the Fourier sums C of what the template leaves of the N pixels of a cell,
    less those of its mean everywhere, and their mean M near by, without the cell
    itself, one of them varies if

        sum over cells of (2 Re(conj(M) C) - N |M|^2) / noise

    is more than 10 nats. Where there is nothing but noise, it is negative.

    Parameters
    ----------
    frame : NormalizedFrame
    solution : Solution
    number : int
        Of the pattern.
    """
    [group] = [group for group in solution.groups if number in group.patterns]
    own = solution.posterior[group.patterns]
    # Or the solution would learn from what it is asked.
    learner = copy.copy(crystal_of(frame, group, solution))
    if learner is None:
        return False
    row = group.patterns.index(number)
    rest, weights = frame.less(learner.fit(own)[row]), own[row]
    half = learner.cell / 2
    highest = 1 / (SHORTEST * solution.templates.period)
    nodes = nodes_within(half, highest, LARGEST_INDEX) @ half
    sums = BraggComponents(rest, frame.factors(nodes)).cells(weights)
    counts = np.broadcast_to(pixels_of_cells(frame, weights), sums.shape)
    sums -= counts * _means(sums) / max(_means(counts).max(), NOTHING)
    others = LeaveOneOut(WIDTH, has_neighbours=True)
    near_by = ratio(others.means(sums), others.means(counts))
    gains = 2 * near_by * sums - counts * near_by**2
    gains = np.moveaxis(gains, 1, 0).reshape(len(nodes), -1).sum(axis=1)
    return bool(gains.max(initial=0) > DECISIVE * solution.templates.noise)


def _means(cells):
    """Means of all cells (2, n, ..., rows, columns), with the same number of axes."""
    return cells.mean(axis=tuple(range(2, cells.ndim)), keepdims=True)
