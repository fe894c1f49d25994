# SPDX-License-Identifier: GPL-3.0-or-later
"""Where boundaries run between the columns, which tell nothing in between."""

import numpy as np

from .blocks import window_means
from .potts import COUPLING, mean_field

# Reach of the window that boundaries are smoothed in, in blocks: two periods, as what
# is narrower cannot be told from its boundaries.
REACH = 6
# How much of what smoothing does to a bent boundary is undone: all of it but for a
# fifth, which lets what is smaller than the window shrink.
UNDONE = 0.8
# What a smooth boundary counts for, in nats: as much as all neighbours of a block, four
# and four that count half.
NEIGHBOURS = 6 * COUPLING
SWEEPS = 2
# A smooth posterior squared so many times, or its eighth power, is a probability: found
# on simulated frames.
SQUARINGS = 3


def straightened(posterior, evidence, mapped=map):
    """Posterior with boundaries that run as those a few periods away say.

    The evidence of every block is joined by what the posterior is after smoothing,
    instead of that of its neighbours.

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) numpy.ndarray of float32
    evidence : (patterns, block rows, block columns) numpy.ndarray of float32
        Log-likelihoods of the blocks, each of its own pixels.
    mapped : callable
        Does what `map` does, in threads say: for the patterns.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        Smooth: `sharpened`, it is a probability.
    """
    for _ in range(SWEEPS):
        # One sweep without neighbours, or the probabilities of independent blocks.
        prior = smooth_boundaries(posterior, mapped)
        prior *= np.float32(NEIGHBOURS)
        prior += evidence
        posterior = mean_field(prior, sweeps=1)
    return smooth_boundaries(posterior, mapped)


def smooth_boundaries(posterior, mapped=map):
    """Posterior with boundaries that are means over those near by.

    A mean moves boundaries that are bent, and two that are near each other; it does so
    again with what it has made, which tells how much (twicing, J. W. Tukey, Exploratory
    Data Analysis, 1977).

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) numpy.ndarray of float32
    mapped : callable
        As for `straightened`.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        A step is about as wide as the window.
    """
    mean = _near_by(posterior, mapped)
    lost = sharpened(mean)
    np.subtract(posterior, lost, out=lost)
    mean += np.float32(UNDONE) * _near_by(lost, mapped)
    return mean


def sharpened(posterior):
    """Posterior with steep steps where those of a smooth one are.

    Parameters
    ----------
    posterior : (patterns, rows, columns) numpy.ndarray of float32

    Returns
    -------
    (patterns, rows, columns) numpy.ndarray of float32
    """
    sharp = np.maximum(posterior, 0)
    for _ in range(SQUARINGS):
        sharp *= sharp
    sharp /= sharp.sum(axis=0)
    return sharp


def _near_by(posterior, mapped):
    """Mean in a window that falls off as a parabola (V. A. Epanechnikov's)."""
    weights = (1 - (np.arange(REACH + 1) / (REACH + 1)) ** 2).astype(np.float32)
    weights /= 2 * weights.sum() - weights[0]

    def mean(own):
        padded = np.pad(own, REACH, mode="edge")
        return window_means(padded, weights)[REACH:-REACH, REACH:-REACH]

    return np.stack(list(mapped(mean, posterior)))
