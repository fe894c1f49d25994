# SPDX-License-Identifier: GPL-3.0-or-later
"""Straight boundaries: only columns tell where these run, and nothing between them.

Boundaries are smoothed in a narrow window and, from there on, in one twice as wide. The
wide window has less noise, but moves two boundaries within it, or two bends of one, by
more than the noise does. So it counts where both agree to a fifth of a period, in the
mean over the wide window.

Where patterns without a lattice are beside crystals, these have an outline, which does
not depend on where one crystal ends and another begins.
"""

import functools
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.kernels import compiled

from .blocks import ratio, window_means
from .potts import COUPLING, mean_field
from .row_tiles import in_row_tiles

_boundaries = compiled("_boundaries")


class Window(NamedTuple):
    """Parameters of the smoothing of boundaries.

    Attributes
    ----------
    reach : int
        Of the window, in blocks.
    undone : tuple of float
        Shares of the effect of smoothing on a bent boundary that are undone in turn.
    prior : float
        Weight of a smooth boundary, in nats.
    """

    reach: int
    undone: tuple[float, ...]
    prior: float


# Two periods, as narrower regions cannot be told from their boundaries. Some of the
# effect stays: else, the place of a straight boundary is known less well, and regions
# smaller than the window do not shrink. The prior is that of all neighbours of a block:
# four count, and four count half.
NARROW = Window(6, (0.85,), 6 * COUPLING)
# Four periods. The prior is more than the log-likelihood of most blocks: a column moves
# a boundary, but not the tail of one.
WIDE = Window(12, (1.0, 1.0), 40.0)
SWEEPS = 2
# Distance of boundaries that agree, at most, in blocks.
APART = 0.6
# What crystals gain on patterns without a lattice counts so many times: the noise is
# that of amorphous material, which crystals do not have.
OUTLINE = np.float32(2)
# Squared three times, a smooth posterior is a probability, by simulated frames; that of
# the wide window, squared once, is as steep as the other one.
SQUARINGS, SQUARINGS_OF_WIDE = 3, 1


def straightened(posterior, log_likelihood, has_lattice=None):
    """Posterior with boundaries that continue those a few periods away.

    The smoothed posterior is added to the log-likelihood of every block, instead of the
    posteriors of its neighbours.

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) numpy.ndarray of float32
    log_likelihood : (patterns, block rows, block columns) numpy.ndarray of float32
        Log-likelihoods of the blocks, each of its own pixels.
    has_lattice : (patterns,) numpy.ndarray of bool, optional
        Those that have one are crystals, with an outline if others have none.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        Smooth: `sharpened`, it is a probability.
    """
    crystals = None
    if has_lattice is not None and has_lattice.any() and not has_lattice.all():
        crystals = has_lattice
        log_likelihood = _outlining(log_likelihood, crystals)
    posterior, narrow = straightened_in(posterior, log_likelihood, NARROW, crystals)
    _, wide = straightened_in(posterior, log_likelihood, WIDE, crystals)
    np.copyto(narrow, sharpened(wide, SQUARINGS_OF_WIDE), where=_agree(narrow, wide))
    return narrow


def straightened_in(posterior, log_likelihood, window, crystals=None):
    """Posterior with boundaries that are straight in a window, and the same smooth.

    Parameters
    ----------
    posterior, log_likelihood
        As for `straightened`.
    window : Window
    crystals : (patterns,) numpy.ndarray of bool, optional
        Patterns that have an outline in common.

    Returns
    -------
    posterior, smooth : (patterns, block rows, block columns) numpy.ndarray of float32
    """

    def smoothed():
        smooth = smooth_boundaries(posterior, window)
        return smooth if crystals is None else _outlined(smooth, crystals)

    for _ in range(SWEEPS):
        # One sweep without neighbours, or the probabilities of independent blocks.
        prior = smoothed()
        prior *= np.float32(window.prior)
        prior += log_likelihood
        posterior = mean_field(prior, sweeps=1)
    return posterior, smoothed()


def _outlining(log_likelihood, crystals):
    """Log-likelihoods that count for more where crystals end: of the same shape."""
    best = log_likelihood[crystals].max(axis=0)
    return np.where(
        crystals[:, np.newaxis, np.newaxis],
        log_likelihood,
        best + OUTLINE * (log_likelihood - best),
    )


def _outlined(smooth, crystals):
    """Smooth posterior in which crystals do not share theirs evenly: the same shape.

    Half of a posterior, shared by two crystals, would not be as much as the other half:
    where they meet, the outline would have a notch.
    """
    own = np.maximum(smooth[crystals], 0)
    shares = own**2
    shares *= ratio(own.sum(axis=0), shares.sum(axis=0))
    smooth[crystals] = shares
    return smooth


def _agree(narrow, wide):
    """Whether boundaries are at the same place, in the mean over the wide window.

    Not where the window reaches beyond the edges: labels there are unknown.
    """
    apart = sharpened(narrow)
    apart -= sharpened(wide)
    # A block of another pattern adds to two of them.
    apart = np.abs(apart, out=apart).sum(axis=0) / 2
    weights = _weights(WIDE.reach)
    inside = (slice(WIDE.reach, -WIDE.reach),) * 2
    agree = np.zeros(apart.shape, bool)
    # A line of blocks that differ, one block wide, has the first weight as its mean.
    agree[inside] = window_means(apart, weights)[inside] < APART * weights[0]
    return agree


def smooth_boundaries(posterior, window):
    """Posterior with boundaries that are means over those near by.

    A mean moves bent boundaries, and boundaries that are near each other. A second mean
    of the result measures by how much, and this is undone (twicing, J. W. Tukey,
    Exploratory Data Analysis, 1977).

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) numpy.ndarray of float32
    window : Window

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        A step is about as wide as the window.
    """
    weights, undone = _weights(window.reach), np.array(window.undone, np.float32)

    def of_tile(posterior):
        posterior = np.ascontiguousarray(posterior)
        smooth = np.empty_like(posterior)
        _boundaries.smooth(posterior, weights, undone, SQUARINGS, smooth)
        return smooth

    reach = window.reach * (1 + len(window.undone))
    return in_row_tiles(of_tile, posterior, reach)


def sharpened(posterior, squarings=SQUARINGS):
    """Posterior with steep steps where those of a smooth one are.

    Parameters
    ----------
    posterior : (patterns, rows, columns) numpy.ndarray of float32
    squarings : int

    Returns
    -------
    (patterns, rows, columns) numpy.ndarray of float32
    """
    posterior = np.ascontiguousarray(posterior)
    sharp = np.empty_like(posterior)
    flat = len(posterior), -1
    _boundaries.sharpen(posterior.reshape(flat), squarings, sharp.reshape(flat))
    return sharp


@functools.cache
def _weights(reach):
    """Weights that fall off as a parabola (V. A. Epanechnikov's)."""
    weights = (1 - (np.arange(reach + 1) / (reach + 1)) ** 2).astype(np.float32)
    weights /= 2 * weights.sum() - weights[0]
    weights.flags.writeable = False
    return weights
