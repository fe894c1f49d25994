# SPDX-License-Identifier: GPL-3.0-or-later
"""Boundaries of motifs, where a trained network knows what regions look like.

Motifs of one crystal differ little: noise hides the sides and corners of a region,
which windows cannot follow. What is straight, and whether it has corners, shows in all
of a region, and in others of the frame.
"""

import itertools

import numpy as np

from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.networks.shape_network import ShapeNetwork

from .boundaries import SQUARINGS

# Of the odds of two patterns, as a logarithm: more is no longer a number of float32.
MOST = np.float32(40)


def shaped(log_likelihood, first=(0, 0)):
    """Posterior with boundaries as regions have them.

    Of two patterns i and j, the network tells the odds o_ij. The posterior of several
    patterns that has such odds (D. Price et al., Adv. Neural Inf. Process. Syst. 7,
    1994, 1109) is in proportion to

        1 / (1 + sum over j of o_ji).

    Parameters
    ----------
    log_likelihood : (patterns, block rows, block columns) numpy.ndarray of float32
        Log-likelihoods of the blocks, each of its own pixels.
    first : (int, int)
        Row and column of the first block in the whole frame.

    Returns
    -------
    (patterns, block rows, block columns) numpy.ndarray of float32
        Smooth: `sharpened`, it is a probability.
    """
    network = ShapeNetwork.trained()
    pairs = list(itertools.combinations(range(len(log_likelihood)), 2))

    def odds(pair):
        one, other = log_likelihood[list(pair)]
        found = network.log_odds(one - other, first)
        return np.exp(np.clip(found, -MOST, MOST, out=found))

    inverse = np.ones_like(log_likelihood)
    each = pmap(odds, pairs, size=log_likelihood[0].size)
    for (one, other), of_one in zip(pairs, each, strict=True):
        inverse[one] += 1 / of_one
        inverse[other] += of_one
    smooth = inverse ** np.float32(-(0.5**SQUARINGS))
    smooth /= smooth.sum(axis=0)
    return smooth
