# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of a pattern: maxima of the power spectrum of its pixels."""

import numpy as np

from hyperspy_symseg.frames.peaks import maxima, steps_within
from hyperspy_symseg.lattice.spectrum import noise_threshold

from .pattern_spectrum import SIDE

# Reflections of a pattern, at most.
MOST_REFLECTIONS = 12
# Lengths that are looked for, in periods.
SHORTEST, LONGEST = 0.25, 3.2
# Distance of two reflections, at least, in cycles a period.
DISTANCE = 0.27
# Reflections that are turned, at most, and their ratios to the strongest, at least.
MOST_TURNED, STRONG = 4, 0.1


def find_reflections(spectrum, period):
    """Reflections of a pattern.

    Parameters
    ----------
    spectrum : PatternSpectrum
    period : float
        In pixels.

    Returns
    -------
    (n, 2) numpy.ndarray of float64
        Spatial frequencies (y, x) in cycles a pixel, the strongest first; one of g and
        -g. At most 12.
    """
    modulus, power = spectrum.modulus, spectrum.power
    searched = (modulus > 1 / (LONGEST * period)) & (modulus < 1 / (SHORTEST * period))
    # On the axis of symmetry, the other half is there too.
    searched &= (spectrum.columns > 0) | (spectrum.rows[:, np.newaxis] > 0)
    threshold = noise_threshold(spectrum.n_independent, np.count_nonzero(searched))
    found = searched & (spectrum.ratio > threshold)
    points = maxima(spectrum.power_at, np.argwhere(found), steps_within(1.5))
    points = points[np.argsort(-power[tuple(points.T)], kind="stable")]
    return keep_apart(spectrum.vertices(points), period)[:MOST_REFLECTIONS]


def find_turned(spectrum, others, period):
    """Reflections of a pattern that is the crystal of another, turned or mirrored.

    Grains and twins are such patterns. Each reflection may be too weak here to be found
    alone, so all are looked for at once: the sum of their ratios to the noise is
    compared with that of noise, at all angles. A strong reflection may bring others
    that are not there; these have no amplitude when it is measured.

    Parameters
    ----------
    spectrum : PatternSpectrum
    others : (n, 2) numpy.ndarray
        Reflections of the other pattern, the strongest first, in cycles a pixel.
    period : float
        In pixels.

    Returns
    -------
    (m, 2) numpy.ndarray of float64
        At most as many as the other has, or none.
    """
    if not len(others):
        return others
    # Half a bin at the reflection that is farthest from the origin.
    step = 0.5 / (SIDE * period * np.hypot(*others.T).max())
    angles = np.arange(0, np.pi, step)
    cosines, sines = np.cos(angles), np.sin(angles)
    turns = np.moveaxis(np.array([[cosines, sines], [-sines, cosines]]), -1, 0)
    turned = np.concatenate([others @ turns, others * [-1, 1] @ turns])
    inside = (np.abs(turned) <= 0.5).all(axis=-1)
    # A reflection that the other pattern has as well tells nothing.
    own = inside & (distances(turned, others).min(axis=-1) > DISTANCE / period)
    counts = own.sum(axis=-1)
    excess = (spectrum.ratio_at(turned) * own).sum(axis=-1)
    excess -= noise_threshold(
        spectrum.n_independent, len(turned), np.maximum(counts, 1)
    )
    best = np.argmax(np.where(counts > 0, excess, -np.inf))
    if not counts[best] or excess[best] <= 0:
        return np.empty((0, 2))
    turned = turned[best][inside[best]]
    points = spectrum.highest(np.rint(spectrum.bins(turned)).astype(int).T)
    return _turned_on(turned, spectrum.vertices(points), spectrum.ratio_at(turned))


def strong(spectrum, reflections):
    """The reflections (n, 2) that are strong in a pattern, four at most: (m, 2)."""
    ratios = spectrum.ratio_at(reflections)
    return reflections[ratios > STRONG * ratios.max(initial=0)][:MOST_TURNED]


def _turned_on(reflections, vertices, weights):
    """Reflections turned together by what brings them nearest to some vertices."""
    y, x = reflections.T
    vertices = vertices * np.sign((vertices * reflections).sum(axis=1))[:, np.newaxis]
    # The sum of both rotated by the conjugates of the reflections.
    along = (weights * (vertices * reflections).sum(axis=1)).sum()
    across = (weights * (vertices[:, 0] * x - vertices[:, 1] * y)).sum()
    cosine, sine = np.array([along, across]) / np.hypot(along, across)
    return np.stack([cosine * y + sine * x, cosine * x - sine * y], axis=1)


def distances(reflections, others):
    """Distances of reflections from others, or their opposites.

    Parameters
    ----------
    reflections : (..., n, 2) numpy.ndarray
    others : (m, 2) numpy.ndarray

    Returns
    -------
    (..., n, m) numpy.ndarray
    """
    (y, x), (other_y, other_x) = reflections.T, others.T
    y, x = y.T[..., np.newaxis], x.T[..., np.newaxis]
    return np.minimum(
        np.hypot(y - other_y, x - other_x), np.hypot(y + other_y, x + other_x)
    )


def keep_apart(reflections, period):
    """Leave out reflections that are near stronger ones, or their opposites.

    Parameters
    ----------
    reflections : (n, 2) numpy.ndarray
        The strongest first, in cycles a pixel.
    period : float
        In pixels.

    Returns
    -------
    (m, 2) numpy.ndarray

    Examples
    --------
    >>> keep_apart(np.array([[0.1, 0], [-0.11, 0], [0, 0.1]]), 10)
    array([[0.1, 0. ],
           [0. , 0.1]])
    """
    return reflections[apart(reflections, DISTANCE / period)].reshape(-1, 2)


def apart(reflections, distance):
    """Indices of the reflections that no stronger one, nor its opposite, is near."""
    kept, reflections = [], np.reshape(reflections, (-1, 2))
    near = distances(reflections, reflections) <= distance
    for i in range(len(reflections)):
        if not near[i, kept].any():
            kept.append(i)
    return np.array(kept, dtype=int)
