# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns that share a lattice: they differ in their motif only."""

import itertools

import numpy as np
from scipy import linalg

from hyperspy_symseg.lattice.reciprocal import finer_cells

from .clusters import covariance_of, k_means, largest_components, nearest_centres
from .crystal import WIDE, WIDTHS
from .crystal_learner import NOTHING, CrystalLearner
from .learning import relearnt
from .potts import boundary_length
from .solution import Group, cheapest, share_of_new
from .tying import DECISIVE, Fitted, crystal_of, misfit_of_cells

# Window in which a motif is averaged, in blocks, and the sizes of a superlattice, which
# are numbers less noisy; and components that tell motifs apart.
WIDTH, WIDTH_OF_ORDER, N_COMPONENTS = 6.0, 4.0, 4
# What the reflections of a superlattice may gain by noise, in nats each (1.25 in the
# mean, and 1.7 in the largest of some thirty); and how many times what those of any
# other one gain beyond that they have to gain: tails of others do, too.
GAIN_OF_NOISE, CLEAR = 2.0, 4.0
# Window in which a motif varies, in cells.
SLOWLY = 3.5
# Share of their difference that no displacement makes, at least, of two motifs.
LEAST_SHARE = 0.05
# Lattices that differ by less may be one that is strained or turned slowly.
STRAIN = 0.045
# Rounds until the lattice is settled, each time, and after that.
ROUNDS, ROUNDS_WHEN_SETTLED = (4, 2), 2
# Blocks that are clustered, at most; their means overlap.
MOST_SAMPLES = 4000


def with_second_motif(frame, solution, number):
    """Solution with one pattern more, on the lattice of another.

    Parameters
    ----------
    frame : NormalizedFrame
    solution : Solution
    number : int
        Of the pattern that is split.

    Returns
    -------
    Solution or None
        None if the pattern has no lattice, or no second motif.
    """
    start = motif_split(frame, solution, number)
    if start is None:
        return None
    starts = [start]
    if start[0][-1].learner.has_domains:
        # The superlattice may be everywhere or nowhere, and what differs is not that.
        starts.append(motif_split(frame, solution, number, superlattice=False))
    found = [_settled(frame, *start) for start in starts]
    found = [each for each in found if _are_two_motifs(each, number)]
    return cheapest(found) if found else None


def _are_two_motifs(solution, number):
    """Whether the motif of a pattern and that of the last one are two: bool.

    One that is displaced, or has more contrast, is the same. What is left of the
    structure factors F of n pixels each has to explain

        n_1 n_2 / (n_1 + n_2) sum over hk of |F_1 - F_2|^2 / noise

    nats, more than one for each, which noise does.
    """
    group, templates = solution.groups[-1], solution.templates
    row, pair = group.patterns.index(number), [number, templates.n_patterns - 1]
    first, second = group.learner.factors[row], group.learner.placed_like(row)
    n_first, n_second = templates.n_pixels[pair]
    n = n_first * n_second / max(n_first + n_second, 1)
    worth = n * _difference(first, second) / templates.noise
    return bool(worth > _least_of_difference(first, second))


def _least_of_difference(first, second):
    """What the difference of two motifs (n,) has to be worth, in nats: float."""
    return DECISIVE + np.count_nonzero((first != 0) | (second != 0))


def _difference(first, second):
    """Sum of squares that two motifs (n,) differ in, whatever their contrast: float."""
    size = np.vdot(second, first).real / max(np.vdot(second, second).real, NOTHING)
    return (np.abs(first - size * second) ** 2).sum()


def _share_of_motif(learner, first, second):
    """Share of the difference of two motifs that no displacement makes: float."""
    motif, other = learner.factors[[first, second]]
    placed = learner.placed_like(first, second)
    return _difference(motif, placed) / max(_difference(motif, other), NOTHING)


def _settled(frame, groups, posterior):
    """Solution of groups, of the last of which the lattice is settled, too."""
    split = groups[-1]
    period = split.learner.period
    for rounds in ROUNDS:
        found = relearnt(frame, groups, posterior, period, rounds)
        posterior = found.posterior
        # The lattice was that of two motifs taken for one.
        split.learner.settle(posterior[split.patterns])
    # Where motifs meet, their lattice may be displaced.
    fitted = Fitted.of(frame, split.learner, split.patterns, found)
    for width in WIDTHS[1:]:
        if width >= split.learner.width:
            continue
        narrower = fitted.with_width(frame, width, found)
        if narrower.gain(fitted) < DECISIVE:
            break
        fitted = narrower
    groups = [*groups[:-1], Group(fitted.learner, split.patterns)]
    return relearnt(frame, groups, posterior, period, ROUNDS_WHEN_SETTLED)


def motif_split(frame, solution, number, superlattice=True):
    """Start with one pattern more, on the lattice of another, or None if it has none.

    Parameters
    ----------
    frame, solution, number
        As for `with_second_motif`.
    superlattice : bool
        Whether one is looked for.

    Returns
    -------
    groups : list of Group
        The last one is that of the pattern.
    posterior : (patterns + 1, ..., block rows, block columns) numpy.ndarray of float32
    """
    [group] = [group for group in solution.groups if number in group.patterns]
    if not (solution.labels == number).any():
        return None
    others = [each for each in solution.groups if each is not group]
    own = solution.posterior[group.patterns]
    learner, row = crystal_of(frame, group, solution), group.patterns.index(number)
    if learner is None or not learner.factors[row].any():
        return None
    other = learner
    if superlattice:
        other = _with_superlattice(frame, learner, own, solution)
    if other is learner:
        same = learner.changes_of_place(row)
        motifs = _without(learner.motifs(own, WIDTH), same)
    else:
        motifs = _sizes(other.motifs(own, WIDTH_OF_ORDER, of_superlattice=True))
    second = _second_motif(motifs, solution.labels == number)
    share = share_of_new(second)
    posterior = np.concatenate(
        [solution.posterior, solution.posterior[[number]] * share]
    )
    posterior[number] *= 1 - share
    patterns = [*group.patterns, len(solution.posterior)]
    split = Group(other.split(row), patterns)
    return [*others, split], posterior


def change_slowly(frame, group, solution, cost=0.0):
    """Whether one motif that varies slowly explains as much as two of several: bool.

    Tilt, astigmatism and thickness change a motif from cell to cell, and are no other
    pattern. Nor is a motif that is displaced, as by strain: of what two motifs gain,
    the share that is left if one is placed where it is most like the other has to be
    decisive, and more than one nat for each structure factor, which noise explains; and
    some share of the difference.
    Two on a superlattice have to gain over one on it that is the same everywhere, too:
    a smaller number of patterns may not have the superlattice.

    Parameters
    ----------
    frame : NormalizedFrame
    group : Group
        Patterns of one crystal.
    solution : Solution
    cost : float
        Of an edge between blocks of other patterns, in nats: the motifs have to be
        worth the share of it that they have. 0 if their number is given: then they may
        differ in a displacement.
    """
    learner = group.learner
    if learner.contrast_width and not learner.factors.any(axis=1).all():
        # A motif of nothing is any other one where the contrast is 0.
        return True
    own, noise = solution.posterior[group.patterns], solution.templates.noise
    templates = learner.fit(own)
    losses = [
        np.vdot(weights, frame.residuals(template))
        for weights, template in zip(own, templates, strict=True)
    ]
    wide = learner.with_width(SLOWLY)
    for pair in itertools.combinations(range(len(own)), 2):
        both = own[list(pair)]
        ones, all_of_them = [wide.varying(both)], both.sum(axis=0, keepdims=True)
        if learner.has_domains:
            ones += learner.alone(pair[0]).fit(all_of_them)
        one = min(np.vdot(all_of_them, frame.residuals(each)) for each in ones)
        gain = (one - sum(losses[k] for k in pair)) / (2 * noise)
        share, length = solution.cost_of_edges(group, pair)
        if gain < max(DECISIVE, cost * share * length):
            return True
        least = _least_of_difference(*learner.factors[list(pair)])
        of_motif = _share_of_motif(learner, *pair)
        if cost and (of_motif < LEAST_SHARE or gain * of_motif < least):
            return True
    return False


def are_one_crystal(frame, groups, solution, cost=0.0):
    """Whether one crystal that varies slowly explains as much as two of some: bool.

    A lattice may be strained and turned a little from place to place, and so may a
    motif vary.

    Parameters
    ----------
    frame : NormalizedFrame
    groups : sequence of Group
        Of these patterns.
    solution : Solution
    cost : float
        Of an edge between blocks of the two, in nats.
    """
    if len(groups) == 1:
        return False
    crystals = [crystal_of(frame, group, solution) for group in groups]
    known = [pair for pair in zip(groups, crystals, strict=True) if pair[1] is not None]
    return any(
        _nearly_the_same(ours.cell, theirs.cell)
        and _is_worth_one(frame, (first, second), (ours, theirs), solution, cost)
        for (first, ours), (second, theirs) in itertools.combinations(known, 2)
    )


def share_a_lattice(solution):
    """Whether two crystals of a solution have nearly the same lattice: bool."""
    pairs = itertools.combinations(solution.templates.cells, 2)
    return any(_nearly_the_same(*pair) for pair in pairs)


def _is_worth_one(frame, groups, crystals, solution, cost):
    """Whether one crystal explains as much as two of nearly the same lattice: bool."""
    weights = [solution.posterior[group.patterns] for group in groups]
    noise, period = solution.templates.noise, solution.templates.period
    several = sum(
        misfit_of_cells(frame, group.learner, own, noise).sum()
        for group, own in zip(groups, weights, strict=True)
    )
    larger = crystals[np.argmax([own.sum() for own in weights])]
    contrast_width = max(each.contrast_width for each in crystals)
    one = CrystalLearner(frame, larger.cell, larger.width, period, contrast_width)
    own = sum(each.sum(axis=0, keepdims=True) for each in weights)
    one.settle(own)
    one.learn(own)
    one = one.with_width(SLOWLY).varying(own)
    one = float(np.vdot(own, frame.residuals(one))) / (2 * noise)
    length = boundary_length(solution.labels, *(group.patterns for group in groups))
    return one - several < DECISIVE + cost * length


def _nearly_the_same(cell, other):
    """Whether two cells are of lattices that differ by a small strain or turn: bool."""
    times = cell @ np.linalg.inv(other)
    whole = np.rint(times)
    is_primitive = abs(round(np.linalg.det(whole))) == 1
    return bool(is_primitive and np.abs(times - whole).max() < STRAIN)


def _with_superlattice(frame, learner, weights, solution):
    """Learner of a superlattice with twice the cell, if that explains more."""
    if learner.has_domains:
        return learner
    noise = solution.templates.noise
    learner.learn(weights)
    # What varies slowly is no order.
    rest = frame.less(learner.with_width(WIDE).varying(weights))
    cells = finer_cells(learner.cell, [2])
    tried = [learner.order_on(cell, weights, rest) for cell in cells]
    *_, second, best = sorted(tried, key=lambda order: order.gain)
    beyond, least = (
        each.gain / noise - GAIN_OF_NOISE * len(each.factors) for each in (best, second)
    )
    if beyond < max(DECISIVE, CLEAR * least):
        return learner
    other = learner.on_supercell(best, weights)
    misfits = (
        misfit_of_cells(frame, each, weights, noise).sum() for each in (learner, other)
    )
    return other if next(misfits) - next(misfits) > DECISIVE else learner


def _sizes(motifs):
    """Sizes of the motifs of a superlattice, that of either domain: (1, ...)."""
    flat = motifs.reshape(len(motifs), -1).astype(np.float64)
    _, vectors = np.linalg.eigh(flat @ flat.T)
    sizes = np.abs(vectors[:, -1] @ flat)
    return sizes.reshape(1, *motifs.shape[1:]).astype(np.float32)


def _without(motifs, changes):
    """Motifs (n, ...) without what some changes (m, n) make of them: the same shape."""
    changes = linalg.orth(changes.T).astype(np.float32)
    flat = motifs.reshape(len(motifs), -1)
    return (flat - changes @ (changes.T @ flat)).reshape(motifs.shape)


def _second_motif(motifs, own):
    """Where the second of two motifs is: (..., block rows, block columns) of bool.

    Parameters
    ----------
    motifs : (n, ..., block rows, block columns) numpy.ndarray of float32
    own : (..., block rows, block columns) numpy.ndarray of bool
        Blocks that have either motif.
    """
    samples = motifs[:, own].T
    step = -(-len(samples) // MOST_SAMPLES)
    covariance = covariance_of(samples[::step])
    components, _ = largest_components(covariance, N_COMPONENTS)
    points = samples @ components.T
    centres, _ = k_means(points[::step], 2, n_starts=4)
    second = np.zeros(own.shape, bool)
    second[own] = nearest_centres(points, centres)
    return second
