# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that share a lattice: they differ in their motif only."""

import itertools

import numpy as np

from hyperspy_symseg.lattice.cell import supercells

from .crystal import WIDTHS, CrystalLearner
from .potts import boundary_length
from .solution import Group, share_of_new
from .tying import DECISIVE, crystal_of, misfit_of_cells

# Window in which a motif is averaged, in blocks, and components that tell motifs apart.
WIDTH, N_COMPONENTS = 6.0, 4
# Window in which a motif varies, in cells.
SLOWLY = 3.5
# Blocks that are clustered, at most; their means overlap.
MOST_SAMPLES = 4000


def motif_split(frame, solution, number):
    """Start with one pattern more, on the lattice of another, or None if it has none.

    Parameters
    ----------
    frame : NormalizedFrame
    solution : Solution
    number : int
        Of the pattern that is split.

    Returns
    -------
    groups : list of Group
    posterior : (patterns + 1, ..., block rows, block columns) numpy.ndarray of float32
    """
    [group] = [group for group in solution.groups if number in group.patterns]
    others = [each for each in solution.groups if each is not group]
    own, learner = solution.posterior[group.patterns], group.learner
    if not isinstance(learner, CrystalLearner):
        learner = crystal_of(frame, group, solution)
    if learner is None:
        return None
    learner = _with_superlattice(frame, learner, own, solution)
    row = group.patterns.index(number)
    if not (solution.labels == number).any():
        return None
    second = _second_motif(learner.motifs(own, WIDTH), solution.labels == number)
    share = share_of_new(second)
    posterior = np.concatenate(
        [solution.posterior, solution.posterior[[number]] * share]
    )
    posterior[number] *= 1 - share
    patterns = [*group.patterns, len(solution.posterior)]
    return [*others, Group(learner.split(row), patterns)], posterior


def change_slowly(frame, group, solution, cost=0.0):
    """Whether one motif that varies slowly explains as much as two of several: bool.

    Tilt, astigmatism and thickness change a motif from cell to cell, and are no other
    pattern.

    Parameters
    ----------
    frame : NormalizedFrame
    group : Group
        Patterns of one crystal.
    solution : Solution
    cost : float
        Of an edge between blocks of two motifs, which they have to be worth, in nats.
    """
    own, noise = solution.posterior[group.patterns], solution.templates.noise
    templates = group.learner.fit(own)
    learner = group.learner.with_width(SLOWLY)
    losses = [
        np.vdot(weights, frame.residuals(template))
        for weights, template in zip(own, templates, strict=True)
    ]
    for pair in itertools.combinations(range(len(own)), 2):
        both = own[list(pair)]
        one = np.vdot(both.sum(axis=0), frame.residuals(learner.varying(both)))
        gain = (one - sum(losses[k] for k in pair)) / (2 * noise)
        length = boundary_length(solution.labels, *(group.patterns[k] for k in pair))
        if gain < max(DECISIVE, cost * length):
            return True
    return False


def _with_superlattice(frame, learner, weights, solution):
    """Learner of a supercell of twice the area, if that explains more."""
    period, noise = solution.templates.period, solution.templates.noise

    def misfit(learner):
        return misfit_of_cells(frame, learner, weights, noise).sum()

    best, least = learner, misfit(learner) - DECISIVE
    for cell in supercells(learner.cell):
        other = CrystalLearner(frame, cell, WIDTHS[0], period)
        found = misfit(other)
        if found < least:
            best, least = other, found
    return best


def _second_motif(motifs, own):
    """Where the second of two motifs is: (..., block rows, block columns) of bool.

    Parameters
    ----------
    motifs : (n, ..., block rows, block columns) numpy.ndarray of float32
    own : (..., block rows, block columns) numpy.ndarray of bool
        Blocks that have either motif.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    samples = motifs[:, own].T
    some = samples[:: -(-len(samples) // MOST_SAMPLES)]
    n_components = min(N_COMPONENTS, *some.shape)
    pca = PCA(n_components, random_state=0).fit(some)
    k_means = KMeans(2, n_init=4, random_state=0).fit(pca.transform(some))
    second = np.zeros(own.shape, bool)
    second[own] = k_means.predict(pca.transform(samples))
    return second
