# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether labels survive other noise: how far the evidence bears them."""

import functools
import itertools

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .blocks import products
from .boundaries import NARROW, sharpened, straightened_in
from .potts import log_likelihoods, mean_field

# Realisations of the noise.
REPLICATES = 16
# Variance of the noise that is added, over that which the frame has: labels are then as
# often right as they survive, in simulated frames.
ADDED = 0.5
# Side of the square of noise that is repeated all over a frame, in blocks, and where it
# begins in the next realisation.
SIDE, SHIFT = 512, (149, 211)
# Of the variances, so that patterns that are the same in a block do no harm.
RIDGE = 1e-5
# Of probabilities that have to be below another one.
BELOW = np.float32(1 - 1e-6)


def change_by_noise(frame, templates, posterior, log_likelihood, first=(0, 0)):
    """How the probabilities of the patterns change, in the mean, when noise is added.

    The frame is labelled anew with noise that is white, and as strong as the
    log-likelihoods take the residuals to be (a parametric bootstrap, B. Efron, R. J.
    Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6). With the templates
    t_k, the log-likelihoods of the patterns in a block change by normal variables of
    covariance

        sum over its pixels of t_k t_l / noise.

    Where the evidence is weak, boundaries are then elsewhere, and regions come and go.

    Parameters
    ----------
    frame : NormalizedFrame
    templates : Templates
    posterior, log_likelihood : (patterns, block rows, block columns) numpy.ndarray
        As from `Templates.posterior`.
    first : (int, int)
        Where the first pixel lies in the whole frame. The noise of a pixel is the same
        in whichever tile it is.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        Their sum over the patterns is 0.
    """
    spread = _spread_of_noise(frame, templates, posterior)
    begin = tuple(each // frame.block for each in first)

    def labelled(replicate):
        noisy = log_likelihood.copy()
        for j, noise in enumerate(_noise(replicate, begin, spread.shape)):
            noisy[j:-1] += spread[j:, j] * noise
        residuals = noisy * np.float32(-2 * templates.noise)
        likelihoods = log_likelihoods(residuals, templates.noise)
        return _probabilities(mean_field(likelihoods), noisy)

    mean = sum(pmap(labelled, range(REPLICATES)))
    mean /= np.float32(REPLICATES)
    mean -= _probabilities(posterior, log_likelihood)
    return mean


def _spread_of_noise(frame, templates, posterior):
    """Factors of white noise in the log-likelihoods, relative to that of the last.

    (patterns but one, the same, block rows, block columns) numpy.ndarray of float32;
    zero above the diagonal.
    """
    *expected, last = templates.each_expected(frame, posterior)
    for each in expected:
        each -= last
        if frame.valid is not None:
            each[~frame.valid] = 0
    n = len(expected)
    covariance = np.empty((*frame.counts.shape, n, n))
    for k, j in itertools.combinations_with_replacement(range(n), 2):
        covariance[..., k, j] = products(expected[k], expected[j], frame.block)
        covariance[..., j, k] = covariance[..., k, j]
    ridge = RIDGE * np.trace(covariance, axis1=-2, axis2=-1) + np.finfo(float).tiny
    covariance += ridge[..., np.newaxis, np.newaxis] * np.eye(n)
    factor = np.linalg.cholesky(covariance) * np.sqrt(ADDED / templates.noise)
    return np.ascontiguousarray(np.moveaxis(factor, (-2, -1), (0, 1)), np.float32)


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
def _square_of_noise():
    noise = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    noise.flags.writeable = False
    return noise


def _noise(replicate, first, shape):
    """Noise of variance 1 for blocks: (patterns but one, rows, columns) float32."""
    n, *lengths = shape[1:]
    out = np.empty((n, *lengths), np.float32)
    for k in range(n):
        noise = _square_of_noise()
        for axis, length in enumerate(lengths):
            begin = (first[axis] + (replicate + k * REPLICATES) * SHIFT[axis]) % SIDE
            noise = noise.take(np.arange(begin, begin + length) % SIDE, axis)
        out[k] = noise
    return out
