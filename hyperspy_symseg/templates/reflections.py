# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of a pattern: maxima of the power spectrum of its pixels."""

import itertools

import numpy as np
from scipy import fft, ndimage, special

from .blocks import BLOCKS_IN_PERIOD, spread

# Sides of the tiles whose power is averaged, in periods, and tiles of a frame at most.
TILE = 8
MOST_TILES = 400
# Share of a tile that a pattern has to have.
LEAST_SHARE = 0.02
# Reflections of a pattern, at most.
MOST_REFLECTIONS = 12
# Lengths that are looked for, in periods.
SHORTEST, LONGEST = 0.25, 3.2
# Distance of two reflections, at least, in cycles a period.
DISTANCE = 0.27
# Chance that pure noise has a reflection.
FALSE_ALARMS = 1e-3


class Tiles:
    """Where a frame is cut into tiles, which overlap by half, for their power spectra.

    Parameters
    ----------
    frame : BlockedFrame
    period : float
        In pixels.

    Attributes
    ----------
    frequencies : (numpy.ndarray, numpy.ndarray)
        Spatial frequencies along y (ascending) and x (not negative), in cycles a pixel.
    """

    def __init__(self, frame, period):
        self._frame = frame
        side = TILE * BLOCKS_IN_PERIOD * frame.block
        self._shape = shape = tuple(min(side, n) for n in frame.shape)
        starts = [
            np.arange(0, n - size + 1, max(size // 2, 1))
            for n, size in zip(frame.shape, shape, strict=True)
        ]
        corners = list(itertools.product(*starts))
        self._corners = corners[:: -(-len(corners) // MOST_TILES)]
        self._window = np.outer(*(np.hanning(n + 2)[1:-1] for n in shape)).astype(
            np.float32
        )
        self.frequencies = fft.fftshift(fft.fftfreq(shape[0])), fft.rfftfreq(shape[1])

    def power(self, weights):
        """Power spectrum of the pixels of a pattern, summed over the tiles.

        Parameters
        ----------
        weights : (block rows, block columns) numpy.ndarray
            Probability that a block belongs to the pattern.

        Returns
        -------
        power : numpy.ndarray of float32
        energies : (tiles,) numpy.ndarray of float64
            Sums of the squares of the window and the weights in those tiles that the
            pattern has a part in.
        """
        weights = spread(
            weights.astype(np.float32), self._frame.block, self._frame.shape
        )
        pixels = self._frame.pixels * weights
        rows, columns = self._shape
        cuts = [np.s_[y : y + rows, x : x + columns] for y, x in self._corners]
        energies = np.array([np.vdot(w := self._window * weights[c], w) for c in cuts])
        least = LEAST_SHARE * np.vdot(self._window, self._window)
        used = [
            cut for cut, energy in zip(cuts, energies, strict=True) if energy > least
        ]
        power = np.zeros((rows, columns // 2 + 1), np.float32)
        for cut in used:
            transform = fft.rfft2(pixels[cut] * self._window)
            power += transform.real**2 + transform.imag**2
        return fft.fftshift(power, axes=0), energies[energies > least]


def find_reflections(tiles, weights, period):
    """Reflections of a pattern in one or several frames of one shape.

    The power of the tiles is divided by its median at the same spatial frequency: that
    of noise follows a gamma distribution, whose quantile is the threshold.

    Parameters
    ----------
    tiles : list of Tiles
    weights : list of (block rows, block columns) numpy.ndarray
        Probability that a block belongs to the pattern.
    period : float
        In pixels.

    Returns
    -------
    (n, 2) numpy.ndarray of float64
        Spatial frequencies (y, x) in cycles a pixel, the strongest first; one of g and
        -g. At most 12.
    """
    sums = [each.power(own) for each, own in zip(tiles, weights, strict=True)]
    power = sum(each for each, _ in sums)
    energies = np.concatenate([each for _, each in sums])
    if not len(energies):
        return np.empty((0, 2))
    rows, columns = tiles[0].frequencies
    modulus = np.hypot(rows[:, np.newaxis], columns)
    step = max(rows[1] - rows[0] if len(rows) > 1 else 1, columns[1])
    ring = np.rint(modulus / step).astype(int)
    # Tiles that overlap by half count for about two thirds each.
    n = max(1.0, energies.sum() ** 2 / (energies**2).sum() * 2 / 3)
    median = special.gammaincinv(n, 0.5) / n
    floor = ndimage.median(power, ring, np.arange(ring.max() + 1))[ring] / median
    ratio = np.divide(power, floor, out=np.zeros_like(power), where=floor > 0)
    threshold = special.gammainccinv(n, FALSE_ALARMS / power.size) / n
    found = (
        (power == ndimage.maximum_filter(power, 3, mode="nearest"))
        & (ratio > threshold)
        & (modulus > 1 / (LONGEST * period))
        & (modulus < 1 / (SHORTEST * period))
        # On the axis of symmetry, the other half is there too.
        & ((columns > 0) | (rows[:, np.newaxis] > 0))
    )
    places = np.argwhere(found)
    places = places[np.argsort(-power[found], kind="stable")]
    return keep_apart(
        np.array([_vertex(power, place, rows, columns) for place in places]), period
    )[:MOST_REFLECTIONS]


def _vertex(power, place, *frequencies):
    """Vertex of the parabolas through the logarithms of a maximum's neighbours."""
    vertex = []
    for axis, frequency in enumerate(frequencies):
        line = np.moveaxis(power, axis, -1)[place[1 - axis]]
        centre = frequency[place[axis]]
        if 0 < place[axis] < len(frequency) - 1:
            left, middle, right = np.log(
                np.maximum(line[place[axis] - 1 : place[axis] + 2], 1e-30)
            )
            bend = left - 2 * middle + right
            if bend < 0:
                shift = np.clip((left - right) / (2 * bend), -0.5, 0.5)
                centre += shift * (frequency[1] - frequency[0])
        vertex.append(centre)
    return vertex


def keep_apart(reflections, period, distance=DISTANCE):
    """Leave out reflections that are near stronger ones, or their opposites.

    Parameters
    ----------
    reflections : (n, 2) numpy.ndarray
        The strongest first, in cycles a pixel.
    period : float
        In pixels.
    distance : float
        In cycles a period.

    Returns
    -------
    (m, 2) numpy.ndarray

    Examples
    --------
    >>> keep_apart(np.array([[0.1, 0], [-0.11, 0], [0, 0.1]]), 10)
    array([[0.1, 0. ],
           [0. , 0.1]])
    """
    return reflections[apart(reflections, distance / period)].reshape(-1, 2)


def apart(reflections, distance):
    """Places of the reflections that no stronger one, nor its opposite, is near."""
    kept = []
    for place, reflection in enumerate(reflections):
        others = np.reshape(reflections[kept], (-1, 2))
        near = np.minimum(
            np.hypot(*(others - reflection).T), np.hypot(*(others + reflection).T)
        )
        if (near > distance).all():
            kept.append(place)
    return np.array(kept, dtype=int)
