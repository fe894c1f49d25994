# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of all nodes of a lattice together, without a threshold a reflection."""

import math
from typing import NamedTuple

import numpy as np

# Share of the nodes that have a reflection, a priori.
OCCUPIED = 0.5
# Signal beside the noise of the spectrum, at frequency 0, and widths of the columns in
# pixels: what is tried.
SIGNALS = tuple(np.geomspace(0.5, 1e6, 15))
WIDTHS = 0.0, 0.8, 1.2, 1.6, 2.0, 2.5, 3.2, 4.5, 6.5
# Signal of some nodes beside that of the others: what is tried.
STRENGTHS = tuple(np.geomspace(0.003, 2, 10))
# Nodes are visible up to the frequency at which the signal is this share of the noise.
FAINTEST = 0.03


class SignalModel(NamedTuple):
    """Mean power of reflections: that of columns of a width.

    Attributes
    ----------
    power : float
        At frequency 0.
    width : float
        Standard deviation of a column, in pixels.
    """

    power: float
    width: float

    def at(self, g2):
        """Power at frequencies of the squared length |g|^2: array."""
        return self.power * np.exp(-4 * math.pi**2 * self.width**2 * g2)


def node_evidence(powers, noise, signal):
    """Log evidence of each node against one of noise alone.

    A node has a reflection, of complex Gaussian amplitude and mean power P, or none:

        log[(1 - p) + p s / (P + s) exp(q P / (P + s))],  q = |F|^2 / s

    Parameters
    ----------
    powers, noise, signal : (...) numpy.ndarray of float64
        |F|^2, the power s of the noise, and P.

    Returns
    -------
    (...) numpy.ndarray of float64

    Examples
    --------
    >>> node_evidence(np.array([0.0, 20.0]), 1.0, 9.0).round(2)
    array([-0.6, 15. ])
    """
    share = signal / (signal + noise)
    occupied = math.log(OCCUPIED) + np.log1p(-share) + share * powers / noise
    return np.logaddexp(math.log(1 - OCCUPIED), occupied)


def fitted_evidence(powers, noise, g2):
    """Log evidence of all nodes together, and the best model of the signal.

    Parameters
    ----------
    powers, noise, g2 : (n,) numpy.ndarray of float64
        |F|^2, noise, and squared lengths of the frequencies of one of each pair of
        nodes.

    Returns
    -------
    float
        The mean over all models tried.
    SignalModel
    """
    level = np.median(noise)
    best, totals = (-math.inf, None), []
    for width in WIDTHS:
        shape = SignalModel(1.0, width).at(g2)
        signal = np.multiply.outer(level * np.array(SIGNALS), shape)
        each = node_evidence(powers, noise, signal).sum(axis=-1)
        totals.append(each)
        k = int(each.argmax())
        if each[k] > best[0]:
            best = float(each[k]), SignalModel(level * SIGNALS[k], width)
    totals = np.concatenate(totals)
    mean = np.logaddexp.reduce(totals) - math.log(totals.size)
    return float(mean), best[1]


def added_evidence(powers, noise, signal):
    """Log evidence of more nodes, whose signal is a share of that of the others.

    They are of the same columns, so that only the strength of their signal is free.

    Parameters
    ----------
    powers, noise, signal : (n,) numpy.ndarray of float64
        |F|^2, noise, and the signal that they had if they were as strong as others.

    Returns
    -------
    float
        The mean over all strengths tried.
    """
    signal = np.multiply.outer(np.array(STRENGTHS), signal)
    totals = node_evidence(powers, noise, signal).sum(axis=-1)
    return float(np.logaddexp.reduce(totals) - math.log(totals.size))


def visible(signal, noise, highest):
    """Frequency up to which nodes are visible, at least half of the highest: float.

    Parameters
    ----------
    signal : SignalModel
    noise : RadialNoise
    highest : float
    """
    radii = np.linspace(0, highest, 200)
    seen = radii[signal.at(radii**2) > FAINTEST * noise.at(radii)]
    return float(max(seen.max(initial=0), 0.5 * highest))
