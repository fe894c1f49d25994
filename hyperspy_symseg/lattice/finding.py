# SPDX-License-Identifier: GPL-3.0-or-later
"""The lattice of a crystal in a window: candidates, and the evidence of their nodes.

Maxima of the spectrum need not be significant one by one. Pairs of them, of their sums
and differences, span candidates. These, and all lattices with cells of up to four times
the area or a quarter of it, compete by the evidence of all their nodes together.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.peaks import vertex_shifts

from .candidates import fitted_cells, nearest_nodes, spanned, sums_and_differences
from .joint_evidence import SignalModel, added_evidence, fitted_evidence, visible
from .node_noise import (
    HIGHEST,
    Leakage,
    RadialNoise,
    noise_at_nodes,
    radial_noise,
    streaks,
)
from .reciprocal import coarser_cells, finer_cells, nodes_within, reduced
from .refinement import Nodes, RefinedLattice, climb, covariance_of
from .superlattices import Competitor, gain_with_groups

# Maxima that are looked at, and how strong they are beside the noise, at least.
MOST_MAXIMA, WEAKEST = 24, 3.5
# The strongest maxima, of which sums and differences count, too.
COMBINED, GENERATORS = 7, 12
# Distance of a maximum from its node, at most, and of the lowest maximum from 0, in
# bins.
OFF_NODE, LOWEST = 0.7, 2.5
# Candidates whose evidence is computed.
MOST_CANDIDATES = 16
# Candidates that are fitted at once.
AT_ONCE = 32
# Distance of nodes in bins of the window, at least: else their lobes overlap.
NEAREST = 3.0
# Weight of a maximum that noise alone may have, and how much more than the highest of
# noise counts as a whole, in powers of the noise.
FAINT, RISE = 0.1, 3.0
# Candidates that are refined, and nodes on which.
CLIMBED, FEW_NODES = 2, 40
# Nodes are looked at as far as this times the frequency of the last maximum.
BEYOND = 1.15
# Evidence of the nodes that a finer lattice has beside a coarser one: what is enough by
# itself, and what is worth that the plane groups of both are looked at.
SURE_GAIN, WORTH = 12.0, -1.5
# With these, at least; and of how many finer lattices.
LEAST, RIVALS = 1.5, 2
# Share of the power that these nodes have, at least, but for noise: less is left of
# broad spots and streaks.
LEAST_SHARE = 0.008
# Indices of lattices that compete with another one: of those that are in it, and of
# those that it is in. Where the columns of a square or hexagonal cell are nearly a
# lattice of their own, this may have a fifth or a seventh of the cell.
COARSER, FINER = (2, 3, 4), (2, 3, 4, 5, 7)
# How often in a row sub- and superlattices compete.
ROUNDS = 4
# Evidence that a lattice has at least, in nats: amorphous and empty frames reach 15.
LEAST_EVIDENCE = 20.0


class FoundLattice(NamedTuple):
    """A lattice in a window.

    Attributes
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    evidence : float
        Log evidence of all nodes, against noise alone.
    signal : SignalModel
    noise : RadialNoise
    highest : float
        Frequency up to which nodes were looked at, in cycles a pixel.
    maxima : (n, 2) numpy.ndarray of float64
        Frequencies of the maxima of the spectrum.
    ratios : (n,) numpy.ndarray of float64
        Their power beside the noise.
    """

    cell: np.ndarray
    evidence: float
    signal: SignalModel
    noise: RadialNoise
    highest: float
    maxima: np.ndarray
    ratios: np.ndarray


def maxima_of(window, spectrum, noise):
    """The highest maxima of a spectrum beside its noise.

    Parameters
    ----------
    window : Window
    spectrum : PaddedSpectrum
    noise : RadialNoise

    Returns
    -------
    frequencies : (n, 2) numpy.ndarray of float64
        One of each pair.
    ratios : (n,) numpy.ndarray of float64
        Descending.
    """
    gy, gx = spectrum.frequencies
    rows, columns = np.flatnonzero(np.abs(gy) <= HIGHEST), gx <= HIGHEST
    gy, gx = gy[rows], gx[columns]
    power = spectrum.power[rows[0] : rows[-1] + 1, : len(gx)]
    radii = np.hypot(gy[:, np.newaxis], gx).astype(np.float32)
    ratio = power / noise.at(radii).astype(np.float32)
    # What repeats on the other side of gx = 0.
    mirrored = np.concatenate([ratio[::-1, 2:0:-1], ratio], axis=1)
    if len(gy) % 2 == 0:
        mirrored[:, :2] = 0
    highest = ndimage.maximum_filter(mirrored, 5, mode="constant")[:, 2:]
    found = (ratio == highest) & (ratio > WEAKEST)
    g = np.stack(np.broadcast_arrays(gy[:, np.newaxis], gx), axis=-1)[found]
    far = window.bins(g) > LOWEST
    half = (g[:, 1] > 0) | (g[:, 0] > 0)
    places, g = np.argwhere(found)[far & half], g[far & half]
    order = np.argsort(-ratio[tuple(places.T)], kind="stable")[:MOST_MAXIMA]
    places, ratios = places[order], ratio[tuple(places[order].T)]
    shifts = vertex_shifts(lambda *at: np.log(_mirrored(power, *at) + 1e-30), places)
    return g[order] + shifts / spectrum.shape, ratios


def _mirrored(power, rows, columns):
    """Power at rows and columns, those before the first on the other side of 0."""
    before = columns < 0
    # The row of gy = 0 is the middle one.
    rows = np.where(before, len(power) - 1 - rows, rows)
    columns = np.minimum(np.abs(columns), power.shape[1] - 1)
    return power[np.clip(rows, 0, len(power) - 1), columns]


def candidates(window, maxima, ratios):
    """Reciprocal cells that explain maxima, the best ones first.

    A maximum that is near a node of a cell of the area A gains log(A / (pi t^2)), t the
    distance that is near: that is how unlikely chance is.

    Parameters
    ----------
    window : Window
    maxima : (n, 2) numpy.ndarray of float64
    ratios : (n,) numpy.ndarray of float64

    Returns
    -------
    list of (2, 2) numpy.ndarray of float64
    """
    combined = sums_and_differences(maxima[:COMBINED])
    cells, areas = spanned(np.concatenate([maxima[:GENERATORS], combined]))
    bin_area = window.bin_area
    longest = np.prod(np.linalg.norm(cells, axis=2), axis=1)
    # Neither parallel nor smaller than the peaks of the window.
    good = (areas > NEAREST**2 * bin_area) & (areas > 0.15 * longest)
    cells, areas = cells[good], areas[good]
    if not len(cells):
        return []
    off = window.bins(nearest_nodes(maxima, cells)[1])
    gain = np.log(areas / (math.pi * OFF_NODE**2 * bin_area))
    weights = _weights(window, ratios)
    scores = ((off < OFF_NODE) * weights).sum(axis=1) * np.maximum(gain, 0)
    # Pairs that span one lattice have one score and one area.
    keys = np.stack([scores.round(2), np.log(areas).round(2)], axis=-1)
    _, different = np.unique(keys, axis=0, return_index=True)
    ordered = cells[different[np.argsort(-scores[different], kind="stable")]]
    found = []
    for first in range(0, len(ordered), AT_ONCE):
        for cell in _fitted(window, ordered[first : first + AT_ONCE], maxima, weights):
            if found and _are_same(window, cell, np.array(found)).any():
                continue
            found.append(cell)
            if len(found) == MOST_CANDIDATES:
                return found
    return found


def _weights(window, ratios):
    """Weights (n,) of maxima: less where noise may have as high ones."""
    n_bins = math.pi / 2 * HIGHEST**2 / window.bin_area
    return np.clip((ratios - math.log(n_bins)) / (2 * RISE) + 0.5, FAINT, 1)


def _are_same(window, cell, others):
    """Whether a cell (2, 2) is of the lattice of each of others (n, 2, 2): (n,)."""
    numbers = cell @ np.linalg.inv(others)
    near = np.rint(numbers)
    same = np.abs(np.abs(np.linalg.det(near)) - 1) < 0.5
    return same & (window.bins((numbers - near) @ others) < OFF_NODE).all(axis=1)


def _fitted(window, cells, maxima, weights):
    """Cells (n, 2, 2) by least squares on the maxima near their nodes, reduced.

    A list; those with all maxima on a line are left out.
    """
    cells = np.array([reduced(cell) for cell in cells])
    for _ in range(2):
        indices, off = nearest_nodes(maxima, cells)
        cells = fitted_cells(indices, maxima, weights * (window.bins(off) < OFF_NODE))
    return [reduced(cell) for cell in cells]


class _Search:
    """Evidence of cells in one window.

    Parameters
    ----------
    window : Window
    pixel_size : (float, float)
        Along (y, x), in one unit.
    strain : float
        Standard deviation of the distortion of the lattice.
    """

    def __init__(self, window, pixel_size=(1.0, 1.0), strain=0.02):
        self.window, self.spectrum = window, window.spectrum
        self.pixel_size, self.strain = pixel_size, strain
        self.noise = radial_noise(window, self.spectrum)
        self.maxima, self.ratios = maxima_of(window, self.spectrum, self.noise)
        farthest = np.hypot(*self.maxima.T).max(initial=0)
        self.highest = min(BEYOND * farthest, HIGHEST)
        self.leakage = Leakage.of(window, self.spectrum, self.noise, self.maxima)

    def evidence(self, cell):
        """Evidence of a cell and its signal: (float, SignalModel)."""
        if self.window.bins(cell).min() < NEAREST:
            return -math.inf, None
        indices = nodes_within(cell, self.highest)
        if not len(indices):
            return -math.inf, None
        nodes = indices @ cell
        powers = self.spectrum.power_at(nodes)
        noise = self._noise_at(indices, cell)
        return fitted_evidence(powers, noise, (nodes**2).sum(axis=1))

    def _noise_at(self, indices, cell, lacking=None):
        """Noise at nodes (n, 2), with streaks at those that another cell lacks."""
        noise = noise_at_nodes(self.window, self.spectrum, self.noise, indices, cell)
        if lacking is not None:
            halfway = streaks(self.spectrum, self.noise, indices, cell)
            noise = np.where(lacking, np.maximum(noise, halfway), noise)
        return noise + self.leakage.at(indices @ cell)

    def noise_with_streaks(self, indices, cell):
        """Noise at nodes (n, 2), all of which another lattice lacks: (n,) array."""
        return self._noise_at(indices, cell, np.True_)

    def _measure(self, cell):
        """What `gain_with_groups` asks for, of the nodes of a cell: callable."""

        def measure(indices, lacking):
            noise = self._noise_at(indices, cell, lacking)
            return self.window.amplitudes(indices @ cell), noise

        return measure

    def gain(self, finer, coarser, signal):
        """Evidence of those nodes of a lattice that another one within it lacks.

        Parameters
        ----------
        finer : _Seen
        coarser : (2, 2) numpy.ndarray of float64
        signal : SignalModel
            The columns have the width that it tells.

        Returns
        -------
        float
            -inf if these nodes have too little of the power, or are too near each
            other; NaN if there are none of them, or nothing is seen of the other
            lattice.
        """
        if self.window.bins(finer.cell).min() < NEAREST:
            return -math.inf
        numbers = finer.nodes @ np.linalg.inv(coarser)
        lacking = (np.abs(numbers - np.rint(numbers)) > 0.1).any(axis=1)
        if not lacking.any() or np.hypot(*coarser.T).max() > self.highest:
            return math.nan
        noise, g2 = self.noise.at(finer.lengths), finer.lengths**2
        power = finer.powers - noise
        likely = math.sqrt((noise[lacking] ** 2).sum())
        if power[lacking].sum() + likely < LEAST_SHARE * power.sum():
            return -math.inf
        noise = finer.noise[lacking]
        return added_evidence(finer.powers[lacking], noise, signal.at(g2[lacking]))

    def climbed(self, cell):
        """Lattice after Newton's method, and its evidence: (float, RefinedLattice)."""
        evidence, signal = self.evidence(cell)
        if signal is None:
            return evidence, RefinedLattice(cell, np.zeros((4, 4)))
        nodes = Nodes.of(
            self.window, (cell, signal, self.noise, self.highest), FEW_NODES
        )
        better, curvature, spread = climb([self.window], cell, nodes, self.window)
        covariance = covariance_of(curvature, spread)
        if covariance is None:
            return evidence, RefinedLattice(cell, np.zeros((4, 4)))
        other, _ = self.evidence(better)
        better = RefinedLattice(better if other > evidence else cell, covariance)
        return max(other, evidence), better

    def best(self):
        """Cell of most evidence; None if there is no candidate."""
        found = [
            (self.evidence(cell)[0], i, cell)
            for i, cell in enumerate(candidates(self.window, self.maxima, self.ratios))
        ]
        if not found:
            return None
        found.sort(reverse=True)
        climbed = [self.climbed(cell) for _, _, cell in found[:CLIMBED]]
        lattice = max(climbed, key=lambda each: each[0])[1]
        before = None
        for _ in range(ROUNDS):
            self.noise = radial_noise(self.window, self.spectrum, lattice.cell)
            signal = self.evidence(lattice.cell)[1]
            if signal is None:
                break
            other = self._rival(lattice, signal, before)
            if other is None:
                break
            before = lattice.cell
            lattice = self.climbed(other)[1]
        return lattice.cell

    def _rival(self, lattice, signal, before):
        """Cell of a sub- or superlattice that is likelier than a lattice, or None.

        It is not the one that was before.
        """
        cell = lattice.cell
        coarser, finer = coarser_cells(cell, COARSER), finer_cells(cell, FINER)
        if before is not None:
            before = before[np.newaxis]
            coarser, finer = (
                [each for each in cells if not _are_same(self.window, each, before)[0]]
                for cells in (coarser, finer)
            )
        own = _Seen(self, cell)
        losses = np.array([self.gain(own, each, signal) for each in coarser])
        losses = np.nan_to_num(losses, nan=np.inf)
        least = int(losses.argmin())
        if losses[least] < SURE_GAIN:
            other = coarser[least]
            if losses[least] < WORTH or self._with_groups(lattice, other, cell) < LEAST:
                return other
        seen = (_Seen(self, each) for each in finer)
        gains = np.array([self.gain(each, cell, signal) for each in seen])
        gains = np.nan_to_num(gains, nan=-np.inf)
        some = np.argsort(gains)[::-1][:RIVALS]
        if gains[some[0]] > SURE_GAIN:
            return finer[some[0]]
        most, found = LEAST, None
        for i in some[gains[some] > WORTH]:
            own = self._with_groups(lattice, cell, finer[i])
            if own > most:
                most, found = own, finer[i]
        return found

    def _with_groups(self, lattice, coarser, finer):
        """Evidence of a cell beside a coarser one, with the plane groups of both.

        Both are of lattices that are related to one whose covariance is known. The
        finer one is one of several of its index.
        """
        both = []
        for cell in (coarser, finer):
            rows = np.linalg.inv(cell).T @ lattice.cell.T
            across = np.kron(rows, np.eye(2))
            covariance = across @ lattice.vector_covariance @ across.T
            vectors = rows @ lattice.vectors
            both.append(
                Competitor.of(vectors, covariance, self.pixel_size, self.strain)
            )
        signal = self.evidence(coarser)[1]
        if signal is None:
            return math.inf
        highest = visible(signal, self.noise, self.highest)
        index = round(abs(np.linalg.det(coarser) / np.linalg.det(finer)))
        gain = gain_with_groups(*both, highest, self._measure(both[1].reciprocal))
        return gain - math.log(len(finer_cells(finer, [index])))


class _Seen:
    """Nodes of a lattice in a spectrum, what is not asked for being left out.

    Parameters
    ----------
    search : _Search
    cell : (2, 2) numpy.ndarray of float64
    """

    def __init__(self, search, cell):
        self._search, self.cell = search, cell

    @functools.cached_property
    def indices(self):
        return nodes_within(self.cell, self._search.highest)

    @functools.cached_property
    def nodes(self):
        return self.indices @ self.cell

    @functools.cached_property
    def lengths(self):
        return np.hypot(*self.nodes.T)

    @functools.cached_property
    def powers(self):
        return self._search.spectrum.power_at(self.nodes)

    @functools.cached_property
    def noise(self):
        return self._search.noise_with_streaks(self.indices, self.cell)


def find_lattice(window, pixel_size=(1.0, 1.0), strain=0.02):
    """Find the lattice of a crystal in a window.

    Parameters
    ----------
    window : Window
    pixel_size : (float, float)
        Along (y, x), in one unit.
    strain : float
        Standard deviation of the distortion of the lattice.

    Returns
    -------
    FoundLattice or None
        None if no two maxima span a lattice. Whether there is one at all is a matter
        of its evidence: see `LEAST_EVIDENCE`.
    """
    search = _Search(window, pixel_size, strain)
    cell = search.best()
    if cell is None:
        return None
    evidence, signal = search.evidence(cell)
    if signal is None:
        return None
    return FoundLattice(
        cell,
        evidence,
        signal,
        search.noise,
        search.highest,
        search.maxima,
        search.ratios,
    )
