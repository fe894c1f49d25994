# SPDX-License-Identifier: GPL-3.0-or-later
"""Posterior probabilities from log-likelihoods and a prior for smooth boundaries."""

import itertools

import numpy as np

from hyperspy_symseg.frames.kernels import compiled

from .blocks import gaussian_weights, ratio, window_means
from .normalized_frame import BLOCKS_IN_CELL
from .row_tiles import in_row_tiles

_potts = compiled("_potts")

# Cost of an edge between two blocks of different patterns, in nats. Between motifs of
# one crystal labels have less: log-likelihoods are means over a cell, which smooths
# boundaries by itself. Between lattices, bent ones would be known less well.
COUPLING, COUPLING_OF_MOTIFS = 1.5, 0.6
# Nats that tell the motif of a place, and the window in which they are looked for, at
# most, in blocks: wider ones would lose small regions.
ENOUGH, WIDEST = 10.0, 3.0
# What an edge costs at least, as a share: in a micrograph of one crystal, two motifs
# gained a fifth of a nat for each edge between them.
LEAST_SHARE = 0.2
# And at most, between motifs and where a cell does not tell patterns apart:
# log-likelihoods are means over a cell, which draw short boundaries by themselves.
MOST_SHARE = 0.5
# Variance of residuals, at least, where a frame has 1.
LEAST_VARIANCE = 1e-2
# Variance that crystals leave, at least, in that of a pattern without a lattice: with
# less, cells that are half of either would all be of the pattern without.
LEAST_BESIDE = 0.5
# Smaller than what anything is divided by.
NOTHING = 1e-30
SWEEPS = 20


def log_likelihoods(residuals, noise, alike=()):
    """Log-likelihoods of the blocks, each from the cell about it.

    A column tells more than the space beside it; the mean over a cell is the same all
    over a crystal.

    Parameters
    ----------
    residuals : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Squared residuals with the template of each pattern.
    noise : float
        As in `Templates`.
    alike : iterable of (list of int, float)
        Patterns that differ by so little that a cell does not tell them apart, and the
        standard deviation of the window that does, in blocks.

    Returns
    -------
    (patterns, ..., block rows, block columns) numpy.ndarray of float32
    """
    # All the same, from the block itself to half a cell away.
    weights = np.full(BLOCKS_IN_CELL // 2 + 1, 1 / BLOCKS_IN_CELL, np.float32)
    means = window_means(residuals, weights)
    for patterns, width in alike:
        own = residuals[patterns]
        # What they have in common is known as well as for any other pattern.
        common = own.mean(axis=0)
        differences = window_means(own - common, gaussian_weights(width))
        means[patterns] = window_means(common, weights) + differences
    means *= np.float32(-0.5 / noise)
    return means


def variances_of(residuals, posterior, counts):
    """Mean squared residual of a pixel of each pattern: (patterns,) float64.

    Parameters
    ----------
    residuals, posterior : (patterns, ..., block rows, block columns) numpy.ndarray
    counts : (..., block rows, block columns) numpy.ndarray of float32
        Number of valid pixels.
    """
    own = [np.vdot(*pair) for pair in zip(residuals, posterior, strict=True)]
    n_pixels = [np.vdot(each, counts) for each in posterior]
    return ratio(np.array(own, float), np.array(n_pixels, float))


def with_own_variance(residuals, frame, variances, powers):
    """Squared residuals, those of a pattern without a lattice in noise of its own.

    Of N pixels with the squared residual r, the log-likelihood of a pattern that leaves
    the variance v is -(r / v + N log v) / 2. In the noise of the crystals, which leave
    the share p of the variance v of a pattern without a lattice, the residual of that
    is as good as p (r - N v log p).

    Parameters
    ----------
    residuals : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Squared residuals with the template of each pattern.
    frame : NormalizedFrame
        Where its mean steps, all patterns have one variance: a rim is no noise.
    variances : (patterns,) numpy.ndarray of float64
        As from `variances_of`; 0 if they are not known.
    powers : (patterns,) numpy.ndarray of float64
        Mean squares of the templates.

    Returns
    -------
    (patterns, ..., block rows, block columns) numpy.ndarray of float32
    """
    has_lattice = powers > 0
    # Of several crystals that counts which leaves the most. All patterns without a
    # lattice are judged alike.
    of_crystals = variances[has_lattice].max(initial=0)
    variance = variances[~has_lattice].min(initial=np.inf)
    if not 0 < of_crystals < variance < np.inf:
        return residuals
    share = max(of_crystals / variance, LEAST_BESIDE)
    residuals, steady = residuals.copy(), 1 - frame.steps
    more = np.float32(-share * variance * np.log(share)) * frame.counts
    for own in np.flatnonzero(~has_lattice):
        residuals[own] += steady * (more - np.float32(1 - share) * residuals[own])
    return residuals


def window_of_evidence(factors, block):
    """Window in which there is enough evidence to tell motifs apart, or None.

    Parameters
    ----------
    factors : (patterns, n) numpy.ndarray of complex128
        Structure factors on one lattice.
    block : int
        Side of a block, in pixels.

    Returns
    -------
    float or None
        Standard deviation, in blocks; None if a cell is enough.
    """
    powers = [
        (np.abs(one - other) ** 2).sum()
        for one, other in itertools.combinations(factors, 2)
    ]
    # What templates do not explain of the variance, which is 1 in a frame. Not the
    # overdispersion of it: what is alike near by does not get less in wider windows.
    variance = 1 - 2 * (np.abs(factors) ** 2).sum(axis=1).mean()
    nats = nats_of_block(min(powers, default=np.inf), variance, block)
    if are_told_apart(nats):
        return None
    # As many blocks as a Gaussian window stands for.
    return min(np.sqrt(ENOUGH / (4 * np.pi * max(nats, NOTHING))), WIDEST)


def nats_of_block(power, variance, block):
    """What a block tells of which of two templates it has, in nats: float.

    Half the mean square of the difference of the templates, over the variance.

    Parameters
    ----------
    power : float
        Sum of the squares of the amplitudes that the templates differ in.
    variance : float
        Of what templates do not explain, where a frame has 1.
    block : int
        Side of a block, in pixels.
    """
    return block**2 * power / max(variance, LEAST_VARIANCE)


def are_told_apart(nats):
    """Whether a cell tells two patterns apart, if its blocks have so many nats: bool.

    Parameters
    ----------
    nats : float
        As from `nats_of_block`.
    """
    return bool(nats * BLOCKS_IN_CELL**2 >= ENOUGH)


def share_of_edge(window):
    """What an edge between motifs of one crystal costs, as a share of what others do.

    Where evidence is averaged, boundaries are drawn in steps of the window, not of a
    block; but what is left unexplained is alike near by, and draws some by itself.

    Parameters
    ----------
    window : float or None
        As from `window_of_evidence`.
    """
    if window is None:
        return MOST_SHARE
    return float(np.clip(1 / (np.sqrt(4 * np.pi) * window), LEAST_SHARE, MOST_SHARE))


def mean_field(log_likelihood, coupling=COUPLING, sweeps=SWEEPS):
    """Posterior probabilities of a Potts model, in the mean-field approximation.

    The posteriors of the eight neighbours are added to a block's log-likelihood
    (J. Zhang, IEEE Trans. Signal Process. 40, 2570 (1992)). All blocks change at once,
    so the result does not depend on where the frame is cut.

    Parameters
    ----------
    log_likelihood : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Log-likelihoods of the blocks.
    coupling : float
        Cost of an edge, in nats.
    sweeps : int

    Returns
    -------
    (patterns, ..., block rows, block columns) numpy.ndarray of float32
    """

    def of_tile(log_likelihood):
        log_likelihood = np.ascontiguousarray(log_likelihood)
        posterior = np.empty_like(log_likelihood)
        by_frame = len(log_likelihood), -1, *log_likelihood.shape[-2:]
        given, out = (each.reshape(by_frame) for each in (log_likelihood, posterior))
        _potts.mean_field(given, coupling, sweeps, out)
        return posterior

    # Each sweep reaches one row farther.
    return in_row_tiles(of_tile, np.asarray(log_likelihood, np.float32), sweeps)


def most_probable(posterior):
    """Pattern that is the most probable, in every block.

    Parameters
    ----------
    posterior : (patterns, ...) numpy.ndarray

    Returns
    -------
    (...) numpy.ndarray of int16
        The first of several.
    """
    # Twenty times faster than argmax along the first axis.
    labels, largest = np.zeros(posterior.shape[1:], np.int16), posterior[0]
    for k, own in enumerate(posterior[1:], 1):
        np.maximum(labels, (own > largest) * np.int16(k), out=labels)
        if k + 1 < len(posterior):
            largest = np.maximum(own, largest)
    return labels


def boundary_length(labels, ours=None, theirs=None):
    """Number of edges between blocks of different patterns: int.

    Parameters
    ----------
    labels : (..., block rows, block columns) numpy.ndarray
    ours, theirs : int or list of int, optional
        Only edges between these patterns and those.
    """
    length = 0
    for axis in (-2, -1):
        lines = np.moveaxis(labels, axis, 0)
        one, other = lines[:-1], lines[1:]
        if ours is None:
            edges = one != other
        else:
            edges = np.isin(one, ours) & np.isin(other, theirs)
            edges |= np.isin(one, theirs) & np.isin(other, ours)
        length += np.count_nonzero(edges)
    return length
