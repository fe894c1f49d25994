# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether labels survive: how far the evidence bears them, and the model the frame."""

import functools
import itertools

import numpy as np
from scipy.special import expit

from hyperspy_symseg.frames.threads import pmap

from .blocks import products
from .boundaries import NARROW, sharpened, straightened_in
from .potts import log_likelihoods, mean_field, most_probable
from .row_tiles import ROWS
from .small_regions import of_labels, window_sums

# Realisations of the noise.
REPLICATES = 16
# Variance of the noise that is added, over that which the frame has: labels are then as
# often right as they survive, in simulated frames.
ADDED = 0.5
# Side of the square of noise that is repeated all over a frame, in blocks, and where it
# begins in the next realisation.
SIDE, SHIFT = 512, (149, 211)
# Logarithm of the odds that a place is of none of the patterns, before it is looked at.
PRIOR = np.float32(np.log(1e-3))
# By how much of itself the contrast of a crystal varies anyhow: a standard deviation.
FADING = 0.2
# Of the variances, so that patterns that are the same in a block do no harm.
RIDGE = 1e-5
# Of probabilities that have to be below another one.
BELOW = np.float32(1 - 1e-6)


def change_of_certainty(frame, templates, expected, found, straight, first=(0, 0)):
    """How the probabilities of the patterns change by what boundaries do not tell.

    The frame is labelled anew with noise that is white, and as strong as the
    log-likelihoods take the residuals to be (a parametric bootstrap, B. Efron, R. J.
    Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6). With the templates
    t_k, the log-likelihoods of the patterns in a block change by normal variables of
    covariance

        sum over its pixels of t_k t_l / noise.

    Where the evidence is weak, boundaries are then elsewhere, and regions come and go.
    Motifs of one crystal are not labelled anew, as `shapes` counts noise. Where the
    evidence is not half as much as the model says, there is something else, and no
    pattern is more probable than another.

    Parameters
    ----------
    frame : NormalizedFrame
    templates : Templates
        Of two patterns or more.
    expected : list of (rows, columns) numpy.ndarray of float32
        Template of every pattern, as from `Templates.each_expected`.
    found : (numpy.ndarray, numpy.ndarray)
        Posterior and log-likelihoods, as from `Templates.posterior`.
    straight : (patterns, block rows, block columns) numpy.ndarray of float32
        What the blocks are labelled by.
    first : (int, int)
        Where the first pixel lies in the whole frame. The noise of a block is the same
        in whichever tile it is.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        Their sum over the patterns is 0.
    """
    covariance = _covariance(frame, expected, templates.noise)
    before, labels = sharpened(straight), most_probable(straight)
    if templates.are_motifs:
        # What noise does is in the odds already.
        after = before.copy()
    else:
        begin = tuple(each // frame.block for each in first)
        after = changed(before, _by_noise(templates, found, covariance, begin), labels)
    _share_what_is_in_doubt(after, labels, covariance, found[1])
    after -= before
    return after


def _by_noise(templates, found, covariance, first):
    """How probabilities change by noise, from a first block on: float32, as these."""
    posterior, log_likelihood = found
    spread = _spread_of_noise(covariance)

    def labelled(replicate):
        noisy = log_likelihood.copy()
        for j, noise in enumerate(_noise(replicate, first, spread.shape)):
            noisy[j:-1] += spread[j:, j] * noise
        residuals = noisy * np.float32(-2 * templates.noise)
        likelihoods = log_likelihoods(residuals, templates.noise)
        return _probabilities(mean_field(likelihoods), noisy)

    mean = sum(pmap(labelled, range(REPLICATES)))
    mean /= np.float32(REPLICATES)
    mean -= _probabilities(posterior, log_likelihood)
    return mean


def _covariance(frame, expected, noise):
    """Covariance of the log-likelihoods, each less the last, if noise is what it is.

    (patterns, patterns, block rows, block columns) numpy.ndarray of float32
    """
    more = [each - expected[-1] for each in expected[:-1]]
    if frame.valid is not None:
        for each in more:
            each[~frame.valid] = 0
    n = len(expected)
    covariance = np.zeros((n, n, *frame.counts.shape), np.float32)
    for k, j in itertools.combinations_with_replacement(range(n - 1), 2):
        covariance[k, j] = products(more[k], more[j], frame.block)
        covariance[k, j] /= np.float32(noise)
        covariance[j, k] = covariance[k, j]
    return covariance


def _spread_of_noise(covariance):
    """Factors of white noise in the log-likelihoods, relative to that of the last.

    (patterns but one, the same, block rows, block columns) numpy.ndarray of float32;
    zero above the diagonal.
    """
    spread = np.empty_like(covariance[:-1, :-1])
    # In double precision, some rows at a time.
    for first in range(0, spread.shape[2], ROWS):
        rows = slice(first, first + ROWS)
        by_block = np.moveaxis(covariance[:-1, :-1, rows], (0, 1), (-2, -1))
        by_block = ADDED * by_block.astype(np.float64)
        ridge = RIDGE * np.trace(by_block, axis1=-2, axis2=-1) + np.finfo(float).tiny
        by_block += ridge[..., np.newaxis, np.newaxis] * np.eye(len(spread))
        factor = np.linalg.cholesky(by_block)
        spread[:, :, rows] = np.moveaxis(factor, (-2, -1), (0, 1))
    return spread


def _share_what_is_in_doubt(probabilities, labels, covariance, log_likelihood):
    """Make patterns as probable as the label where the evidence is not half its mean.

    If a label is right, its log-likelihood exceeds that of another pattern by m in the
    mean; if both are wrong, by 0. The variance is 2 m of the noise and c^2 m^2 of a
    contrast that varies by c. If the excess is l, the second has

        (m - 2 l) / (4 + 2 c^2 m)

    nats more than the first.
    """
    n = len(probabilities)
    own = of_labels(log_likelihood, labels)
    doubts = np.zeros_like(probabilities)
    variance = of_labels([covariance[k, k] for k in range(n)], labels)
    for j in range(n):
        both = of_labels(covariance[j], labels)
        expected = (variance + covariance[j, j] - 2 * both) / 2
        mean, excess = map(window_sums, (expected, own - log_likelihood[j]))
        nats = (mean - 2 * excess) / (4 + 2 * FADING**2 * mean)
        doubts[j] = np.where(labels == j, 0, expit(nats + PRIOR))
    shared = of_labels(probabilities, labels) + (doubts * probabilities).sum(axis=0)
    moved = doubts * (shared / (1 + doubts.sum(axis=0)) - probabilities)
    probabilities += moved
    total = moved.sum(axis=0)
    for k, each in enumerate(probabilities):
        np.subtract(each, total, out=each, where=labels == k)


def changed(probabilities, change, labels):
    """Probabilities after a change, the label being the most probable pattern.

    Parameters
    ----------
    probabilities, change : (patterns, rows, columns) numpy.ndarray of float32
    labels : (rows, columns) numpy.ndarray of int
        The most probable patterns before.

    Returns
    -------
    (patterns, rows, columns) numpy.ndarray of float32

    Examples
    --------
    >>> before = np.float32([0.9, 0.1]).reshape(2, 1, 1)
    >>> change = np.float32([-0.2, 0.2]).reshape(2, 1, 1)
    >>> changed(before, change, np.array([[0]])).ravel().round(3)
    array([0.7, 0.3], dtype=float32)
    """
    after = probabilities + change
    np.clip(after, np.finfo(np.float32).eps, 1, out=after)
    is_own = [labels == k for k in range(len(after))]
    most = np.empty(labels.shape, np.float32)
    for own, one in zip(is_own, after, strict=True):
        np.copyto(most, one, where=own)
    most *= BELOW
    total = np.zeros(labels.shape, np.float32)
    for own, one in zip(is_own, after, strict=True):
        np.minimum(one, most, out=one, where=~own)
        total += one
    after /= total
    return after


def _probabilities(posterior, log_likelihood):
    """Probabilities of the blocks, with boundaries that are straight in a window."""
    return sharpened(straightened_in(posterior, log_likelihood, NARROW)[1])


@functools.cache
def _table_of_noise():
    noise = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    noise.flags.writeable = False
    return noise


def _noise(replicate, first, shape):
    """Noise of variance 1 for blocks: (patterns but one, rows, columns) float32."""
    n, *lengths = shape[1:]
    out = np.empty((n, *lengths), np.float32)
    for k in range(n):
        noise = _table_of_noise()
        for axis, length in enumerate(lengths):
            begin = (first[axis] + (replicate + k * REPLICATES) * SHIFT[axis]) % SIDE
            noise = noise.take(np.arange(begin, begin + length) % SIDE, axis)
        out[k] = noise
    return out
