# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the motif of a pattern is another one somewhere."""

import copy

import numpy as np

from hyperspy_symseg.lattice.cell import indices_within

from .blocks import gaussian_weights, ratio, window_means
from .bragg import BraggComponents
from .crystal import pixels_of_cells
from .crystal_learner import NOTHING, SHORTEST, CrystalLearner
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
    own, learner = solution.posterior[group.patterns], copy.copy(group.learner)
    if not isinstance(learner, CrystalLearner):
        learner = crystal_of(frame, group, solution)
    if learner is None:
        return False
    row = group.patterns.index(number)
    rest, weights = frame.less(learner.fit(own)[row]), own[row]
    half = learner.cell / 2
    nodes = indices_within(half, 1 / (SHORTEST * solution.templates.period)) @ half
    sums = BraggComponents(rest, frame.factors(nodes)).cells(weights)
    counts = np.broadcast_to(pixels_of_cells(frame, weights), sums.shape)
    sums -= counts * _means(sums) / max(_means(counts).max(), NOTHING)
    near_by = ratio(_of_others(sums), _of_others(counts))
    gains = 2 * near_by * sums - counts * near_by**2
    gains = np.moveaxis(gains, 1, 0).reshape(len(nodes), -1).sum(axis=1)
    return bool(gains.max(initial=0) > DECISIVE * solution.templates.noise)


def _means(cells):
    """Means of all cells (2, n, ..., rows, columns), with the same number of axes."""
    return cells.mean(axis=tuple(range(2, cells.ndim)), keepdims=True)


def _of_others(cells):
    """Means of cells (..., rows, columns) near by, without the cells themselves."""
    weights = gaussian_weights(WIDTH)
    means = window_means(cells, weights)
    means -= weights[0] ** 2 * cells
    return means
