# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that share a lattice: they differ in their motif only."""

import numpy as np

from hyperspy_symseg.lattice.cell import supercells

from .crystal import WIDTHS
from .crystal_learner import CrystalLearner
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
    second = _second_motif(learner.motifs(own, WIDTH), solution.labels == number)
    share = share_of_new(second)
    posterior = np.concatenate(
        [solution.posterior, solution.posterior[[number]] * share]
    )
    posterior[number] *= 1 - share
    patterns = [*group.patterns, len(solution.posterior)]
    return [*others, Group(learner.split(row), patterns)], posterior


def change_slowly(frame, group, solution):
    """Whether one motif that varies slowly explains as much as several: bool.

    Tilt, astigmatism and thickness change a motif from cell to cell, and are no other
    pattern.

    Parameters
    ----------
    frame : NormalizedFrame
    group : Group
        Patterns of one crystal.
    solution : Solution
    """
    own, noise = solution.posterior[group.patterns], solution.templates.noise
    several = misfit_of_cells(frame, group.learner, own, noise).sum()
    one = group.learner.with_width(SLOWLY).varying(own)
    one = float(np.vdot(own.sum(axis=0), frame.residuals(one))) / (2 * noise)
    return one - several < DECISIVE


def _with_superlattice(frame, learner, weights, solution):
    """Learner of a supercell of twice the area, if that explains more."""
    period, noise = solution.templates.period, solution.templates.noise

    def misfit(learner):
        return misfit_of_cells(frame, learner, weights, noise).sum()

    best, least = learner, misfit(learner) - DECISIVE
    for cell in supercells(learner.cell):
        other = CrystalLearner(frame, cell, WIDTHS[0], period, learner.contrast_width)
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
