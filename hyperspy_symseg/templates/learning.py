# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates learnt from frames: reflections, amplitudes and posterior in turn."""

import itertools
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .displaced_blocks import change_by_displacement
from .model import Templates, by_pattern
from .overdispersion import overdispersion
from .pattern import Pattern
from .potts import (
    boundary_length,
    log_likelihoods,
    mean_field,
    most_probable,
    variances_of,
    with_own_variance,
)
from .solution import Group, Solution, of_several_motifs

# Every second round finds the reflections anew, if the round before changed the labels
# of more than a share of the blocks. Labels that hardly change any more are settled.
FINDING, CHANGED, SETTLED = 2, 0.06, 5e-3
# Residuals have at least this variance, where a frame has 1.
LEAST_VARIANCE = 1e-9
# Patterns up to which each is compared with all others for the overdispersion.
MOST_COMPARED = 8


def everywhere(frame):
    """Posterior of a single pattern, which all blocks of a frame have."""
    return np.ones((1, *frame.counts.shape), np.float32)


def learn(frame, crops, period, start, rounds):
    """Learn the templates of patterns from frames, and which pixel has which.

    Three things are learnt in turn: the reflections of every pattern, from the power
    spectrum of its pixels; the phases near by and the amplitudes of these,

        A_g = sum over the pattern's cells of Re(C_c conj(u_c)) / number of its pixels,

    with the Fourier sum C_c of a cell and the phase factor u_c of the others near by;
    and the posterior, from the residuals. No pixel is in the template that judges it:
    so more reflections or patterns than there are fit worse, not better.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several, that begin at their first pixel.
    crops : SpectrumCrops
        Of these.
    period : float
        In pixels.
    start : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Posterior to begin with.
    rounds : int
        At most; fewer if there are several patterns, and their labels do not change
        any more.

    Returns
    -------
    Solution
    """
    n_patterns, posterior = len(start), np.asarray(start, np.float32)
    labels, share = most_probable(posterior), 1.0

    def begun(own):
        return Pattern(frame, crops, own, period)

    for turn in range(rounds):
        finding = turn % FINDING == 0 and share > CHANGED
        if finding:
            patterns = pmap(begun, posterior)
            strong = [pattern.strong_reflections() for pattern in patterns]
            others = [strong[:k] + strong[k + 1 :] for k in range(n_patterns)]
            pmap(Pattern.relate, patterns, others)
            groups = [Group(pattern, [k]) for k, pattern in enumerate(patterns)]
            overdispersed = None
        done = _round(frame, groups, posterior, overdispersed)
        posterior, overdispersed = done.posterior, done.overdispersion
        before, labels = labels, most_probable(posterior)
        share = np.mean(before != labels)
        if n_patterns > 1 and share < SETTLED:
            break
    return solution_of(frame, groups, done, period)


def relearnt(frame, groups, posterior, period, rounds):
    """Solution after some rounds, of groups that are given.

    Parameters
    ----------
    frame : NormalizedFrame
    groups : list of Group
    posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        To begin with.
    period : float
    rounds : int

    Returns
    -------
    Solution
    """
    overdispersed = None
    for _ in range(rounds):
        done = _round(frame, groups, posterior, overdispersed)
        posterior, overdispersed = done.posterior, done.overdispersion
    return solution_of(frame, groups, done, period)


class Round(NamedTuple):
    """What a round has found, as in `Solution`, overdispersion, and `variances_of`."""

    posterior: np.ndarray
    losses: np.ndarray
    variance: float
    overdispersion: float
    variances: np.ndarray


def _round(frame, groups, posterior, overdispersed=None):
    """One round of templates and posterior: Round."""
    templates, residuals = fitted(frame, groups, posterior)
    losses = np.einsum("k...,k...->...", posterior, residuals)
    variance = float(losses.sum(dtype=np.float64)) / float(frame.counts.sum())
    variance = max(variance, LEAST_VARIANCE)
    if overdispersed is None:
        n_patterns = len(posterior)
        pairs = [
            (own, other)
            for own, other in itertools.permutations(range(n_patterns), 2)
            if n_patterns <= MOST_COMPARED or abs(own - other) == 1
        ]
        measured = frame, posterior, templates, variance, pairs
        overdispersed = overdispersion(*measured)[0].max(initial=1.0)
    noise = variance * overdispersed
    variances = variances_of(residuals, posterior, frame.counts)
    for group in of_several_motifs(groups):
        own = group.patterns
        motifs = [templates[k] for k in own], posterior[own]
        residuals[own] += change_by_displacement(
            frame, *motifs, variance, group.learner.period
        )
    residuals = with_own_variance(residuals, frame, variances, powers(groups))
    posterior = mean_field(log_likelihoods(residuals, noise, alike(groups)))
    return Round(posterior, losses, variance, overdispersed, variances)


def powers(groups):
    """Mean squares of the templates of all patterns: (patterns,) numpy.ndarray.

    Parameters
    ----------
    groups : list of Group
    """
    numbers = np.concatenate([group.patterns for group in groups])
    found = np.concatenate([group.learner.powers for group in groups])
    return found[np.argsort(numbers)]


def alike(groups):
    """Patterns that one cell does not tell apart, as for `log_likelihoods`: list.

    Parameters
    ----------
    groups : list of Group
    """
    several = of_several_motifs(groups)
    windows = [group.learner.window_of_evidence() for group in several]
    return [
        (group.patterns, window)
        for group, window in zip(several, windows, strict=True)
        if window is not None
    ]


def fitted(frame, groups, posterior):
    """Templates of all patterns, learnt once more, and what they leave unexplained.

    Parameters
    ----------
    frame : NormalizedFrame
    groups : list of Group
    posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32

    Returns
    -------
    templates : tuple of (..., rows, columns) numpy.ndarray of float32
    residuals : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Squared, of the blocks.
    """

    def fit(learner, weights):
        return [(each, frame.residuals(each)) for each in learner.fit(weights)]

    templates, residuals = zip(*by_pattern(fit, groups, posterior), strict=True)
    return templates, np.stack(residuals)


def solution_of(frame, groups, done, period):
    """What the last round has found: Solution.

    Parameters
    ----------
    frame : NormalizedFrame
    groups : list of Group
    done : Round
    period : float
    """
    labels = most_probable(done.posterior)
    templates = Templates.learnt(
        period,
        len(done.posterior),
        [(group.learner.learnt(), group.patterns) for group in groups],
        done.variance * done.overdispersion,
        _flat(done.posterior) @ frame.counts.ravel().astype(np.float64),
        done.variances,
    )
    n_pixels = float(frame.counts.sum())
    length = boundary_length(labels)
    return Solution(
        templates,
        groups,
        done.posterior,
        labels,
        done.losses,
        n_pixels,
        done.variance,
        length,
    )


def _flat(posterior):
    """Posterior with one axis of blocks: (patterns, blocks)."""
    return posterior.reshape(len(posterior), -1)
