# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is one crystal in a window, or several.

Another crystal has maxima that are no nodes of the lattice. But the window is low at
its edge, so that a crystal there has little of the power. And two grains may have a
lattice in common that both of their reflections are nodes of, as at a coincidence
boundary. So places in the window are looked at one by one, those at the edge as well as
those in the middle. One crystal has the same maxima in all of them, but for one factor
in each place that all share.
"""

import math

import numpy as np

from .finding import maxima_of
from .fourier_nodes import Window
from .node_noise import RadialNoise, radial_noise
from .refinement import Nodes

# Maxima that are surely no noise: how strong they are beside it. Their distance from
# nodes in bins, at least, to be foreign: in the whole window, and in a place of few
# periods, where a bin is much of a reciprocal vector and strain is less of it.
SURE, OFF_NODE, OFF_NODE_IN_PLACE = 20.0, 1.3, 0.6
# Of the side lobes of the window: how many maxima have them, and how much higher others
# are, at least.
MOST_OWN, BEYOND_LOBES = 8, 3.0
# How wide a place is, in the longer lattice vector and in pixels, at least.
PERIODS, SHORTEST = 3.0, 24
# How many are side by side along an axis, at most; how much wider they are than apart;
# and how much of its window has to be in the crystal's.
MOST_ABREAST, OVERLAP, LEAST_INSIDE = 5, 1.25, 0.3
# Nodes that are looked at in each place, and maxima beside the highest, at least.
MOST_NODES, FAINTEST = 60, 1e-4
# Where reflections fill most of a ring of the spectrum, this quantile is noise.
QUANTILE = 0.25
# Standard deviations of noise that are taken off what is strange.
DEVIATIONS = 3.0


def foreign_share(window, found):
    """Share of the power of sure maxima that is not near nodes.

    Parameters
    ----------
    window : Window
    found : FoundLattice
        In this window.

    Returns
    -------
    share : float
    of_rows : float
        What of it does not change along rows, as where these are offset.
    """
    powers = found.ratios * found.noise.at(np.hypot(*found.maxima.T))
    sure = found.ratios > SURE
    foreign = _foreign(window, found.cell, (found.maxima, powers, sure), OFF_NODE)
    of_rows = foreign & (window.bins(found.maxima * [0, 1]) < OFF_NODE)
    total = max(powers[sure].sum(), 1e-300)
    return float(powers[foreign].sum() / total), float(powers[of_rows].sum() / total)


def strangest_share(window, cell, found):
    """Share of the power that the crystal does not have, where it is largest.

    Amplitudes of one crystal in places q are s_h c_q: the first term of the singular
    values of all amplitudes. What is left of those in a place is strange there, but for
    noise, and so are maxima that are no nodes.

    Parameters
    ----------
    window : Window
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    found : FoundLattice
        In this window.

    Returns
    -------
    float
        Below 0 where less is left than what noise may leave.
    """
    nodes = Nodes.of(
        window, (cell, found.signal, found.noise, found.highest), MOST_NODES
    )
    longer = np.linalg.norm(np.linalg.inv(cell), axis=0).max()
    places = _places(window.wider, max(PERIODS * longer, SHORTEST))
    if not len(nodes.indices) or len(places) < 2:
        return 0.0
    g = nodes.indices @ cell
    radii = np.hypot(*g.T)
    # By medians: away from the nodes is where another crystal has its own.
    of_all = radial_noise(window, window.spectrum)
    foreign, powers, noise = [], [], []
    for place in places:
        own = _noise(place, of_all, place.energy_area / window.energy_area)
        foreign.append(_foreign_power(place, cell, own) / place.area**2)
        powers.append(np.abs(place.amplitudes(g)) ** 2 / place.area**2)
        noise.append(own.at(radii) / place.area**2)
    powers, noise = np.array(powers), np.array(noise)
    amplitudes = np.sqrt(np.maximum(powers - noise, 0))
    of_places, values, of_nodes = np.linalg.svd(amplitudes, full_matrices=False)
    left = amplitudes - values[0] * np.outer(of_places[:, 0], of_nodes[0])
    # The variance of a modulus is half the power of the noise.
    uneven = (left**2).sum(axis=1) - noise.sum(axis=1) / 2
    chance = DEVIATIONS * np.sqrt((noise**2).sum(axis=1))
    total = foreign + (amplitudes**2).sum(axis=1)
    strange = foreign + uneven - chance
    return float((strange / np.maximum(total, 1e-300)).max())


def _foreign(window, cell, maxima, off_node):
    """Which of (frequencies, powers, whether they are sure) are no nodes: (n,) bool."""
    frequencies, powers, sure = maxima
    off = frequencies - np.rint(frequencies @ np.linalg.inv(cell)) @ cell
    foreign = sure & (window.bins(off) > off_node)
    own = np.flatnonzero(sure & ~foreign)[:MOST_OWN]
    if foreign.any() and len(own):
        # Curved windows have side lobes.
        lobes = Window(window.weights, window.weights)
        apart = frequencies[foreign][:, np.newaxis] - frequencies[own]
        shares = np.abs(lobes.amplitudes(apart.reshape(-1, 2)) / window.area) ** 2
        leaked = shares.reshape(apart.shape[:2]) @ powers[own]
        foreign[foreign] = powers[foreign] > BEYOND_LOBES * leaked
    return foreign


def _noise(place, of_all, share):
    """Noise in a place: a share of that of all, or more, as in an amorphous place."""
    local = radial_noise(place, place.spectrum, quantile=QUANTILE)
    powers = np.maximum(local.powers, share * of_all.at(local.radii))
    return RadialNoise(local.radii, powers)


def _foreign_power(place, cell, noise):
    """Power of sure maxima in a place that are no nodes: float."""
    # Of the power itself: beside steep noise a flank would be a maximum.
    level = FAINTEST * float(place.spectrum.power.max())
    flat = RadialNoise(np.zeros(1), np.array([level]))
    frequencies, ratios = maxima_of(place, place.spectrum, flat)
    lengths = np.hypot(*frequencies.T)
    powers = ratios * flat.at(lengths)
    maxima = frequencies, powers, powers > SURE * noise.at(lengths)
    return powers[_foreign(place, cell, maxima, OFF_NODE_IN_PLACE)].sum()


def _places(window, length):
    """Hann windows side by side in a window, of a length at least: list of Window."""
    found = []
    rows, columns = (_spans(n, length) for n in window.weights.shape)
    for along_y in rows:
        for along_x in columns:
            both = along_y, along_x
            heights = (np.hanning(each.stop - each.start + 2)[1:-1] for each in both)
            hann = np.outer(*heights)
            weights = window.weights[both] * hann
            if weights.sum() < LEAST_INSIDE * hann.sum():
                continue
            values = window.values[both] * hann
            values -= values.sum() / weights.sum() * weights
            first = tuple(f + s.start for f, s in zip(window.first, both, strict=True))
            found.append(Window(values, weights, first))
    return found


def _spans(n_pixels, length):
    """Slices that overlap and cover an axis, each of a length at least: list."""
    number = int(np.clip(OVERLAP * n_pixels / length, 1, MOST_ABREAST))
    size = min(math.ceil(OVERLAP * n_pixels / number), n_pixels)
    starts = np.linspace(0, n_pixels - size, number).round().astype(int)
    return [slice(start, start + size) for start in starts]
