# SPDX-License-Identifier: GPL-3.0-or-later
"""What an observer finds who is told the crystals and how they are distorted.

The observer knows the counts to be expected if each motif filled the frame, so that the
evidence for a motif is the logarithm of a Poisson likelihood at each pixel; and knows
that boundaries are short: of all label maps, the observer takes that of

    largest sum over pixels of the evidence - coupling x length of the boundaries,

the continuous Potts model, for each of some couplings, and is told by the truth which
one is best. It is found as a convex problem (each pixel has a share of each motif) by
the first-order primal-dual method of Chambolle and Pock, J. Math. Imaging Vis. 40, 120
(2011).
"""

import itertools
import math

import numpy as np
from accuracy_measures import mean_iou
from scipy import ndimage

# Nats a pixel of length, from the loosest on, until so many in turn are worse.
COUPLINGS, ENOUGH = 2.0 ** np.arange(-4, 8), 2
# Standard deviations of a Gaussian that evidence is spread by, as columns are in their
# centres, and the cell about each is the pattern's, too; and sides of what it is summed
# over. In pixels. Labels are interpolated in between.
SPREADS = ((0, 2), (4, 4), (8, 4))
# Of the method, at most, and the mean change of a share that ends it.
ROUNDS, STILL = 300, 1e-4
# The largest for which the method converges: that of the gradient's norm, sqrt(8).
STEP = 1 / math.sqrt(8)


def evidence(counts, motifs):
    """Logarithms of the likelihoods of motifs, less what all have in common.

    Parameters
    ----------
    counts : array of int, shape (rows, columns)
    motifs : sequence of arrays of float, the same shape
        Expected counts.

    Returns
    -------
    numpy.ndarray of float64, shape (motifs, rows, columns)
    """
    return np.stack([counts * np.log(motif) - motif for motif in motifs])


def shares(cost, start=None):
    """Shares of labels that have the least cost and the shortest boundaries.

    Parameters
    ----------
    cost : array of float, shape (labels, rows, columns)
        Of a label at a pixel, in units of the cost of a pixel of a boundary's length.
    start : array of float, the same shape, optional
        Shares to begin with.

    Returns
    -------
    numpy.ndarray of float32, the same shape
        They sum to 1 at each pixel, and are mostly 0 or 1.
    """
    cost = np.asarray(cost, np.float32)
    if start is None:
        start = cost == cost.min(axis=0)
        start = start / start.sum(axis=0)
    share = extrapolated = start.astype(np.float32)
    flow = np.zeros((2, *cost.shape), np.float32)
    for _ in range(ROUNDS):
        flow[0, :, :-1] += STEP * np.diff(extrapolated, axis=1)
        flow[1, :, :, :-1] += STEP * np.diff(extrapolated, axis=2)
        # A boundary is one of both labels that meet: each has half of its length.
        flow /= np.maximum(2 * np.hypot(*flow), 1)
        inflow = np.diff(flow[0], axis=1, prepend=0)
        inflow += np.diff(flow[1], axis=2, prepend=0)
        new = _onto_simplex(share + STEP * (inflow - cost))
        change = np.abs(new - share).mean()
        share, extrapolated = new, 2 * new - share
        if change < STILL:
            break
    return share


def _onto_simplex(values):
    """Nearest shares that are not negative and sum to 1, over the first axis."""
    falling = -np.sort(-values, axis=0)
    ranks = np.arange(1, len(values) + 1, dtype=np.float32)[:, np.newaxis, np.newaxis]
    excess = (np.cumsum(falling, axis=0) - 1) / ranks
    last = (falling > excess).sum(axis=0, keepdims=True) - 1
    return np.maximum(values - np.take_along_axis(excess, last, axis=0), 0)


def _labels(shares, patterns, side, shape):
    """Labels of patterns from shares of motifs in bins: (rows, columns) of int8."""
    patterns = np.array(patterns)
    whole = np.stack(
        [shares[patterns == k].sum(axis=0) for k in range(patterns.max() + 1)]
    )
    places = (np.indices(shape) + 0.5) / side - 0.5
    fine = [
        ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in whole
    ]
    return np.argmax(fine, axis=0).astype(np.int8)


def observe(scene, counts, dose):
    """Labels of an observer who is told the motifs of a scene.

    Parameters
    ----------
    scene : crystal_frames.Scene
    counts : array of int, shape (rows, columns)
        Its sides are multiples of 4.
    dose : float

    Returns
    -------
    numpy.ndarray of int8, shape (rows, columns)
    """
    found = evidence(counts, [dose * motif for motif in scene.motifs])
    attempts = itertools.chain.from_iterable(
        _with_spread(found, *each, scene) for each in SPREADS
    )
    return max(attempts, key=lambda labels: mean_iou(labels, scene.truth))


def _with_spread(found, spread, side, scene):
    """Labels with one coupling after the other."""
    rows, columns = np.floor_divide(scene.truth.shape, side)
    smooth = ndimage.gaussian_filter(found, (0, spread, spread))
    sums = smooth.reshape(len(found), rows, side, columns, side).sum(axis=(2, 4))
    cost, share, ious = sums.max(axis=0) - sums, None, []
    for coupling in COUPLINGS:
        share = shares(cost / (coupling * side), share)
        labels = _labels(share, scene.patterns, side, scene.truth.shape)
        yield labels
        ious.append(mean_iou(labels, scene.truth))
        if len(ious) - np.argmax(ious) > ENOUGH:
            break
