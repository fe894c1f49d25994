# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two lattices of places has the columns, where both cannot have them.

Over focus what is between the columns of a metal along [100] may be as bright as these,
so that a network finds both. Together they are nearer than columns of the metal ever
are; the image does not say which is which in the middle of a particle, but at its rim.
"""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

# Share of the probability of near places that must be of the two lattices.
TWO = 0.9


def of_one_lattice(found, distance):
    """Columns without those that cannot be, as others near them are surer together.

    Places that are near each other are linked. Those of a linked group belong to two
    lattices in turn, and those stay whose probabilities have the larger sum: the
    lattice of the columns goes on to where nothing is found between them. If three
    places are near each other, or the like, there are not two lattices, and they stay.

    Parameters
    ----------
    found : (n, 5) numpy.ndarray
        Of any probability, as from `find_columns`.
    distance : float
        Which columns are never nearer than, in pixels.

    Returns
    -------
    (m, 5) numpy.ndarray

    Examples
    --------
    >>> found = np.ones((5, 5))
    >>> found[:, :2] = [[0, 0], [0, 4], [0, 8], [0, 12], [0, 16]]
    >>> of_one_lattice(found, 5.0)[:, 1]
    array([ 0.,  8., 16.])
    """
    n, share = len(found), found[:, 4]
    pairs = cKDTree(found[:, :2]).query_pairs(distance, output_type="ndarray")
    if not len(pairs):
        return found
    one, other = pairs.T
    both = share[one] * share[other]
    # The tree goes along the surest pairs. Weights of 0 would be no links.
    links = sparse.coo_matrix((2 - both, (one, other)), (n, n))
    tree = csgraph.minimum_spanning_tree(links)
    n_groups, groups = csgraph.connected_components(tree, directed=False)
    steps = _steps(tree, groups, n_groups)
    lattices = 1 - 2 * (steps % 2)
    in_turn = both * (lattices[one] != lattices[other])
    in_turn, of_all = (
        np.bincount(groups[one], weights, n_groups) for weights in (in_turn, both)
    )
    are_two = in_turn >= TWO * of_all
    surer = np.sign(np.bincount(groups, share * lattices, n_groups))
    return found[~are_two[groups] | (lattices != -surer[groups])]


def _steps(tree, groups, n_groups):
    """Links of a tree from the first place of its group to each: (n,) array of int."""
    steps = np.full(len(groups), -1)
    _, reached = np.unique(groups, return_index=True)
    links = (tree + tree.T).tocsr()
    steps[reached] = 0
    while len(reached):
        near = np.unique(links[reached].indices)
        near = near[steps[near] < 0]
        steps[near] = steps[reached[0]] + 1
        reached = near
    return steps
