# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions so small that straight boundaries know nothing of them: evidence decides.

A boundary that is smooth over some periods has no room for a gap of one cell, and at
the edges of a frame it may enclose a few cells that nothing speaks for. Here a region
stays, or comes back, only if its log-likelihood pays for its boundary, and for the
number of places where it could have been.
"""

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.threads import pmap

from .blocks import eroded, window_means
from .boundaries import NARROW, straightened_in
from .potts import COUPLING, boundary_length, most_probable

# Window with room for a gap of one cell: a period to each side.
NARROWEST = NARROW._replace(reach=3)
# Regions of fewer cells have to be asked for: by chance, amorphous material looks like
# a crystal over some five, and smoothing makes up to ten of it. Larger ones of few
# counts may be right though their evidence does not pay for their boundary.
FEWEST_CELLS = 12


def by_evidence(straight, posterior, log_likelihood, n_places, blocks_in_cell):
    """Posterior with those small regions that the evidence asks for, and no others.

    Parameters
    ----------
    straight : (patterns, block rows, block columns) numpy.ndarray of float32
        As from `straightened`.
    posterior, log_likelihood : (patterns, block rows, block columns) numpy.ndarray
        As from `Templates.posterior`.
    n_places : float
        Number of places where a region could be: blocks of the whole frame.
    blocks_in_cell : float
        Area of a square of a period, in blocks.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
    """
    if len(straight) == 1:
        return straight
    straight = with_narrow(straight, posterior, log_likelihood, n_places)
    least = FEWEST_CELLS * blocks_in_cell
    return without_small(straight, log_likelihood, n_places, least)


def with_narrow(straight, posterior, log_likelihood, n_places):
    """Posterior with the boundaries of a narrower window, where these are asked for.

    Log-likelihoods and boundaries are summed over the window that may have lost a
    region, so that it does not matter how far that goes on.

    Parameters
    ----------
    straight, posterior, log_likelihood, n_places
        As for `by_evidence`.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
    """
    _, narrow = straightened_in(posterior, log_likelihood, NARROWEST)
    labels, other = most_probable(straight), most_probable(narrow)
    lost = _thick(labels != other)
    if not lost.any():
        return straight
    lost = np.any([_thick(lost & (other == k)) for k in range(len(straight))], axis=0)
    places, net = np.nonzero(lost), np.zeros(labels.shape, np.float32)
    own = log_likelihood[:, *places]
    fewer = _n_edges(labels, *places)
    fewer -= _n_edges(np.where(lost, other, labels), *places)
    net[places] = of_labels(own, other[places]) - of_labels(own, labels[places])
    net[places] += COUPLING / 2 * fewer
    net = window_sums(net)
    gained = lost & (net > np.log(n_places))
    if not gained.any():
        return straight
    return np.where(window_sums(gained) > 0.5, narrow, straight)


def without_small(straight, log_likelihood, n_places, least):
    """Posterior without small regions that the evidence does not ask for.

    Each gets the label of that neighbour which fits it best.

    Parameters
    ----------
    straight, log_likelihood, n_places
        As for `by_evidence`.
    least : float
        Blocks that a region has which is not small.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
    """
    labels, out = most_probable(straight), straight.copy()

    def of_pattern(k):
        regions, _ = ndimage.label(labels == k)
        sizes = np.bincount(regions.ravel())
        if (sizes[1:] >= least).all():
            return
        for number, box in enumerate(ndimage.find_objects(regions), 1):
            if sizes[number] >= least:
                continue
            box = tuple(slice(max(a.start - 1, 0), a.stop + 1) for a in box)
            own = regions[box] == number
            around = np.unique(labels[box][~eroded(~own, 1) & ~own])
            if not len(around):
                continue
            sums = log_likelihood[:, *box][:, own].sum(axis=1, dtype=np.float64)
            best = around[sums[around].argmax()]
            cost = COUPLING * boundary_length(own) + np.log(n_places)
            if sums[k] - sums[best] < cost:
                out[k][box][own] = straight[best][box][own]
                out[best][box][own] = straight[k][box][own]

    # No two patterns have a block in common.
    pmap(of_pattern, range(len(straight)), size=labels.size)
    return out


def _thick(chosen):
    """Squares of 2 x 2 blocks: what is thinner is a boundary a little elsewhere."""
    corners = chosen[:-1, :-1] & chosen[1:, :-1] & chosen[:-1, 1:] & chosen[1:, 1:]
    out = np.zeros_like(chosen)
    for rows in (slice(-1), slice(1, None)):
        for columns in (slice(-1), slice(1, None)):
            out[rows, columns] |= corners
    return out


def window_sums(values):
    """Sums of blocks over the narrow window: (rows, columns) float32.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray
    """
    return window_means(values, np.ones(NARROW.reach + 1, np.float32))


def of_labels(values, labels):
    """Values of the pattern that each block is labelled: (...) float32.

    Parameters
    ----------
    values : (patterns, ...) numpy.ndarray, or a list of the patterns'
    labels : (...) numpy.ndarray of int
    """
    out = np.zeros(labels.shape, np.float32)
    for k, own in enumerate(values):
        np.copyto(out, own, where=labels == k)
    return out


def _n_edges(labels, rows, columns):
    """Number of neighbours of blocks (n,), in row and column, of another label: int."""
    # Beyond the edges, there is none.
    around = np.pad(labels, 1, mode="edge")
    own = around[rows + 1, columns + 1]
    steps = (0, 1), (2, 1), (1, 0), (1, 2)
    return sum(around[rows + y, columns + x] != own for y, x in steps)
