# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions, intensities and probabilities of the columns at the sites of crystals."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .column_model import (
    WIDEST,
    Canvas,
    Columns,
    Evidence,
    scan_variance,
    width_step,
)
from .column_statistics import (
    EXPECTED,
    SCATTER_OF_OTHERS,
    Deviations,
    inverses,
    log_odds,
    neighbours_moves,
    posterior,
    scatter_of,
    scatters_of_kinds,
    share_of_others,
    shares_near_by,
    variances_near_by,
    weighted_median,
)

# Rounds of positions, statistics and probabilities, at least and at most; and what the
# last step has at most, in standard errors, for it to be the last. Most frames need the
# least; bright columns of much different heights, as in a particle, need twice as many.
ROUNDS, MOST_ROUNDS, SETTLED_STEP = 4, 12, 0.6
# Round from which on overdispersion is measured, and what columns take of the noise: at
# first it is that they are not where they will be.
SETTLED = 3
# To begin with: scatter about the sites, in spacings, and of intensities, relative; and
# what these are at least and at most.
SCATTER, VARIATION = 0.02, 0.1
SCATTERS, VARIATIONS = (0.003, 0.12), (0.02, 0.5)
# Columns that statistics are of, at least.
FEWEST = 3
# How far a column is moved in a round, and from its site, at most, in spacings.
LONGEST_STEP, FARTHEST = 0.2, 0.45
# Amplitude of a column at its least, of that of others of its kind.
LEAST_AMPLITUDE = 0.05
# How much heights change in a round, at most.
HIGHER = 2.0
# Neighbours that tell whether there is a column.
NEIGHBOURS = 6
# What a column counts in the place of its own site, at most.
MOST_OWN = 0.1
# What is known of a width beforehand: the standard deviation of its logarithm.
WIDTH_KNOWN = 0.3
TINY = 1e-30


class Sites(NamedTuple):
    """Where columns may be.

    Attributes
    ----------
    places : (n, 2) numpy.ndarray of float64
    kinds : (n,) numpy.ndarray of int
        Sites of one motif of one pattern are of one kind.
    beside_others : (n,) numpy.ndarray of bool
        Whether another crystal is so near that its column may be there.
    heights : (kinds,) numpy.ndarray of float64
        Relative to the brightest ones.
    spacings : (kinds,) numpy.ndarray of float64
        Shortest distance of two columns, in pixels.
    crystals : (kinds,) numpy.ndarray of int
    windows : (kinds,) numpy.ndarray of float64
        Of the displacement of the crystal: its standard deviation, in cells.
    own : (kinds,) numpy.ndarray of float64
        What a cell counts in that displacement at its own place.
    probabilities : (n,) numpy.ndarray of float64
        That we begin with.
    """

    places: np.ndarray
    kinds: np.ndarray
    beside_others: np.ndarray
    heights: np.ndarray
    spacings: np.ndarray
    crystals: np.ndarray
    windows: np.ndarray
    own: np.ndarray
    probabilities: np.ndarray


@dataclass(eq=False)
class ColumnFit:
    """Columns at the sites of crystals, fitted to a frame all together.

    The expected intensity is a background and the sum of Gaussians. Amplitudes and
    positions of each column are those of the largest posterior: the pixels' evidence,
    and how far columns scatter about what the others of their kind tell of the site.

    Parameters
    ----------
    canvas : Canvas
    sites : Sites
    width : float
        Standard deviation of a column to begin with, in pixels.
    side : int
        Of a cell, in pixels.

    Attributes
    ----------
    positions : (n, 2) numpy.ndarray of float64
    probabilities : (n,) numpy.ndarray of float64
    expected : (rows, columns) numpy.ndarray of float64
    noise : Noise
    overdispersion : float
    """

    canvas: Canvas
    sites: Sites
    width: float
    side: int

    def __post_init__(self):
        """Begin at the sites."""
        sites, n_kinds = self.sites, len(self.sites.heights)
        self._places = sites.places.copy()
        self.positions = sites.places.copy()
        self.probabilities = sites.probabilities.copy()
        self._widths = np.full(n_kinds, self.width)
        self._heights = sites.heights.copy()
        self._scatter = SCATTER * sites.spacings
        # Of the places of the sites, along an axis.
        self._unknown = np.zeros(len(sites.places))
        # Probability of a column of another crystal, and how far from a site it is.
        self._others = np.zeros(len(sites.places))
        far = SCATTER_OF_OTHERS * sites.spacings[sites.kinds]
        self._variance_of_others = far**2
        self._variation = np.full(n_kinds, VARIATION)
        # Amplitudes, in those of others of their kind near by.
        self._relative = np.ones(len(sites.places))
        self._contrast = self.noise = self._amplitudes = None
        self.overdispersion, self._scan = 1.0, 0.0
        n = min(NEIGHBOURS, len(self._places) - 1)
        found = cKDTree(self._places).query(self._places, n + 1)[1]
        self._neighbours = found.reshape(len(self._places), -1)[:, 1:]

    def run(self):
        """Fit all rounds: ColumnFit."""
        for i in range(MOST_ROUNDS):
            self._look(i)
            by_width = self._evidence.by_width @ self._of_kinds(self.probabilities)
            self._learn_probabilities()
            self._learn_sites()
            self._learn_scatter()
            self._learn_widths(by_width)
            if self._move() < SETTLED_STEP and i + 1 >= ROUNDS:
                break
        self._look()
        return self

    def _of_kinds(self, values):
        """Values of the columns of each kind: (n, kinds) numpy.ndarray."""
        found = np.zeros((len(values), len(self._heights)))
        found[np.arange(len(values)), self.sites.kinds] = values
        return found

    def _look(self, i=ROUNDS):
        """Expected intensity, noise, and what the pixels say beside it, in a round."""
        kinds, canvas = self.sites.kinds, self.canvas
        widths = self._widths[kinds]
        columns = Columns(self.positions, self._relative, widths)
        comb = canvas.drawn(columns, self.probabilities * self._heights[kinds])
        background, contrasts, self._contrast = canvas.background(comb, self._contrast)
        if not i:
            # Where no column is, such as in vacuum, there is no contrast near by.
            contrasts = np.full_like(contrasts, self._contrast)
        least = LEAST_AMPLITUDE * abs(self._contrast)
        usual = np.maximum(canvas.at(contrasts, self.positions), least)
        self._usual = self._heights[kinds] * usual
        self._amplitudes = self._relative * self._usual
        columns = columns._replace(amplitudes=self._amplitudes)
        drawn = canvas.drawn(columns, self.probabilities * self._amplitudes)
        self.expected = background + drawn
        self._learn_noise(columns, i)
        missing = (1 - self.probabilities) * self._amplitudes
        how = self.expected, missing, self.noise
        found = Evidence.of(canvas, columns, *how)
        found = found.displaced(self._scan, widths)
        told = np.einsum("nii->ni", found.information) / self.overdispersion
        unknown = 1 / (self._prior + told)[:, 1:]
        self._evidence = found.sharpened(unknown.mean(axis=1), widths)
        # Where columns would be by their pixels alone; what is hardly seen has a
        # variance nevertheless.
        left = self._information + 1e-6 * self._prior_matrix
        covariance = inverses(left)
        gradients = self._evidence.gradients / self.overdispersion
        step = np.einsum("nij,nj->ni", covariance, gradients)
        self._measured = self._parameters + step
        self._variances = np.einsum("nii->ni", covariance)

    @property
    def _parameters(self):
        """Amplitude, y and x of each column: (n, 3)."""
        return np.column_stack([self._amplitudes, self.positions])

    @property
    def _information(self):
        """Fisher's information of these: (n, 3, 3)."""
        return self._evidence.information / self.overdispersion

    @property
    def _prior(self):
        """Information that others have of them: (n, 3)."""
        kinds = self.sites.kinds
        # At a rim, what is usual near by tells little.
        relative = np.where(
            self.shares < EXPECTED, VARIATIONS[1], self._variation[kinds]
        )
        variation = (relative * self._usual) ** 2
        scatter = self._scatter[kinds] ** 2 + self._unknown
        known = (1 - self._others) / scatter + self._others / self._variance_of_others
        return np.stack([1 / variation, known, known], axis=1)

    @property
    def _prior_matrix(self):
        """The same as diagonal matrices: (n, 3, 3)."""
        return self._prior[:, np.newaxis] * np.eye(3)

    @property
    def _covariance(self):
        """Covariance of these, with what others tell: (n, 3, 3)."""
        return inverses(self._information + self._prior_matrix)

    @property
    def _off(self):
        """How far amplitudes and positions are from those of others: (n, 3)."""
        return self._parameters - np.column_stack([self._usual, self._places])

    def _move(self):
        """Take a step to the largest posterior (Fisher's scoring).

        Returns its length, root mean square, in standard errors: float.
        """
        right = self._evidence.gradients / self.overdispersion
        right = right - self._prior * self._off
        covariance = self._covariance
        step = np.einsum("nij,nj->ni", covariance, right)
        spacing = self.sites.spacings[self.sites.kinds]
        moved = self.positions + _shortened(step[:, 1:], LONGEST_STEP * spacing)
        moved = _shortened(moved - self._places, FARTHEST * spacing)
        self.positions = self._places + moved
        relative = self._relative + step[:, 0] / self._usual
        self._relative = np.maximum(relative, LEAST_AMPLITUDE)
        variances = np.einsum("nii->ni", covariance)
        weights = self.probabilities / max(self.probabilities.sum(), TINY)
        return float(np.sqrt((weights @ (step**2 / variances)).max()))

    def _learn_noise(self, columns, i):
        """Variance of pixels and overdispersion, from what the columns leave."""
        canvas, leverages = self.canvas, np.zeros(self.canvas.values.shape)
        if i >= SETTLED:
            shares = self.probabilities[:, np.newaxis, np.newaxis]
            covariance = shares * self._covariance
            leverages = canvas.leverage(columns, covariance)
            leverages /= self.noise.variance(self.expected)
        self.noise = canvas.noise(self.expected, leverages)
        if i >= SETTLED:
            rest = (canvas.values - self.expected) * canvas.valid
            self._scan, rest = scan_variance(rest, self.expected, self.noise)
            if self._scan:
                # That rows are displaced is in the errors of x, and is no noise.
                self.noise = canvas.noise(self.expected, leverages, rest)
            rest /= np.sqrt(self.noise.variance(self.expected))
            width = self._widths.mean()
            self.overdispersion = canvas.overdispersion(rest, width)

    def _learn_sites(self):
        """Move the sites to where the columns near by tell that they are."""
        sites, kinds = self.sites.places, self.sites.kinds
        # From where they were at first: what a column has told others by then is not to
        # come back to it.
        moves = self._measured[:, 1:] - sites
        variances = self._variances[:, 1:].mean(axis=1) + self._scatter[kinds] ** 2
        weights = self._of_kinds(self.probabilities / variances)
        means = weights.T @ _shortened(moves, 3 * np.sqrt(variances))
        means /= np.maximum(weights.sum(axis=0), TINY)[:, np.newaxis]
        how = variances, self.probabilities, self.side
        near_by, width = neighbours_moves(sites, moves - means[kinds], *how)
        self._places = sites + means[kinds] + near_by
        own_shares = self._learn_unknown(variances, width)
        back = own_shares / (1 - own_shares)
        off = _shortened(self._measured[:, 1:] - self._places, 3 * np.sqrt(variances))
        self._places -= back[:, np.newaxis] * off

    def _learn_unknown(self, variances, width):
        """Variances of the places of the sites, in a window of that width (in cells).

        Returns what the displacement of its crystal has followed of each column: (n,).
        """
        sites, kinds = self.sites, self.sites.kinds
        weights = self.probabilities / variances
        own_shares, crystals = np.zeros(len(weights)), sites.crystals[kinds]
        of_kinds = self._of_kinds(weights).sum(axis=0)
        for k in np.unique(crystals):
            own, first = crystals == k, np.argmax(sites.crystals == k)
            window = sites.windows[first]
            how = sites.places[own], weights[own], self.side
            # The sites of a kind are where all of its columns together have them.
            of_kind = np.maximum(of_kinds[kinds[own]], TINY)
            of_all = max(of_kinds[sites.crystals == k].sum(), TINY)
            self._unknown[own] = variances_near_by(*how, min(width, window))
            self._unknown[own] += 1 / of_kind - 1 / of_all
            # Where the columns near by have moved the sites since, they have taken it
            # back in part.
            left = 1 / (1 + (window / width) ** 2)
            in_cells = 2 * np.pi * window**2 * shares_near_by(*how, window)
            own_shares[own] = left * sites.own[first] * in_cells
        return np.minimum(own_shares, MOST_OWN)

    def _learn_scatter(self):
        """Heights of each kind, and scatter of positions and intensities."""
        kinds, spacings = self.sites.kinds, self.sites.spacings
        noise = self._variances[:, 1:] + self._unknown[:, np.newaxis]
        squared = (self._measured[:, 1:] - self._places) ** 2
        ratio = self._measured[:, 0] / self._usual
        variances = self._variances[:, 0] / self._usual**2
        of_places = []
        for k, spacing in enumerate(spacings):
            own = kinds == k
            weights = self.probabilities[own]
            of_places.append(
                Deviations(
                    squared[own].ravel() / spacing**2,
                    noise[own].ravel() / spacing**2,
                    np.repeat(weights, 2),
                    self._widths[k] / spacing,
                )
            )
            if weights.sum() < FEWEST:
                continue
            counts = weights / (variances[own] + self._variation[k] ** 2)
            median = weighted_median(ratio[own], counts)
            self._heights[k] *= np.clip(median, 1 / HIGHER, HIGHER)
            deviations = (ratio[own] - median) ** 2, variances[own], weights
            self._variation[k] = scatter_of(
                Deviations(*deviations), VARIATION, VARIATIONS
            )
        self._scatter = spacings * scatters_of_kinds(of_places, SCATTER, SCATTERS)
        variances = self._variances[:, 1:].mean(axis=1)
        near = variances + self._scatter[kinds] ** 2 + self._unknown
        far = variances + self._variance_of_others
        others = share_of_others(squared.sum(axis=1), near, far)
        self._others = np.where(self.sites.beside_others, others, 0.0)

    @property
    def _gains(self):
        """Log-likelihood that each column gains over none (by Laplace's method)."""
        prior, off = self._prior, self._off
        # What is brighter than others is there all the more.
        off[:, 0] = np.minimum(off[:, 0], 0)
        gains = self._evidence.gains / self.overdispersion
        gains -= 0.5 * (prior * off**2).sum(axis=1)
        information = np.einsum("nii->ni", self._information)
        return gains - 0.5 * np.log1p(information / prior).sum(axis=1)

    def _learn_probabilities(self):
        """Probability that there is a column at each site."""
        how = self.probabilities, self._neighbours
        self.probabilities = posterior(self._gains, *how)

    def _learn_widths(self, by_width):
        """Widths of the columns of each kind after a step."""
        for k, sums in enumerate(by_width.T / self.overdispersion):
            off = np.log(self._widths[k] / self.width)
            off += width_step(sums, off, WIDTH_KNOWN)
            off = np.clip(off, -np.log(WIDEST), np.log(WIDEST))
            self._widths[k] = self.width * np.exp(off)

    @property
    def _faintest(self):
        """Kind of the columns that are faintest: int."""
        return int(np.argmin(self._heights * self._widths**2))

    @property
    def faintest_width(self):
        """Width of the columns of the faintest kind, in pixels: float."""
        return float(self._widths[self._faintest])

    @property
    def faintest_amplitude(self):
        """Usual amplitude of the columns of the faintest kind: float."""
        return float(np.median(self._usual[self.sites.kinds == self._faintest]))

    @property
    def places(self):
        """Where the others tell that the sites are: (n, 2) numpy.ndarray of float64."""
        return self._places

    @property
    def seen(self):
        """Share of each column that is on pixels that count: (n,) numpy.ndarray."""
        return self._evidence.seen

    @property
    def shares(self):
        """Share of the sites near each at which there is a column: (n,) array."""
        if not self._neighbours.size:
            return np.zeros(len(self._places))
        return self.probabilities[self._neighbours].mean(axis=1)

    @property
    def log_odds(self):
        """Log-odds of a column at each site: (n,) numpy.ndarray."""
        return log_odds(self._gains, self.probabilities, self._neighbours)

    @property
    def deviations(self):
        """How far intensities are from those of others of their kind: (n,) array.

        In standard deviations: the signed root of the quasi-log-likelihood, doubled,
        that an amplitude of its own gains, and the variation of amplitudes counts as
        noise does.
        """
        measured = self._measured[:, 0]
        added = measured - self._usual
        columns = Columns(self.positions, added, self._widths[self.sites.kinds])
        missing = measured - self.probabilities * self._amplitudes
        how = self.expected, missing, self.noise
        # From the usual amplitude to that which was measured.
        gained = 2 * Evidence.of(self.canvas, columns, *how).gains
        gained = np.maximum(gained, 0) / self.overdispersion
        variances = self._variances[:, 0]
        variation = (self._variation[self.sites.kinds] * self._usual) ** 2
        share = variances / (variances + variation)
        return np.sign(added) * np.sqrt(gained * share)

    def residuals(self):
        """What is left of the pixels over its variance, and one over that.

        Two (rows, columns) numpy.ndarrays of float64, 0 where a pixel does not count.
        """
        inverse = self.canvas.valid / self.noise.variance(self.expected)
        return (self.canvas.values - self.expected) * inverse, inverse

    def table(self):
        """What is known of the columns: dict of (n,) numpy.ndarrays of float64.

        Positions and their standard errors, probabilities, intensities and their
        errors, widths, and the share that is on pixels that count.
        """
        covariance = self._covariance
        widths = self._widths[self.sites.kinds]
        # To second order in the noise: a place of the largest posterior is off by more.
        variances = np.einsum("nii->ni", covariance)[:, 1:]
        by_pixels = 1 - self._prior[:, 1:] * variances
        variances = variances * (
            1 + 2 * by_pixels * variances / widths[:, np.newaxis] ** 2
        )
        y_errors, x_errors = np.sqrt(self._with_others(variances)).T
        area = 2 * np.pi * widths**2
        return {
            "y": self.positions[:, 0],
            "x": self.positions[:, 1],
            "y_error": y_errors,
            "x_error": x_errors,
            "probability": self.probabilities,
            "intensity": area * self._measured[:, 0],
            "intensity_error": area * np.sqrt(self._variances[:, 0]),
            "width": widths,
            "seen": self._evidence.seen,
        }

    def _with_others(self, variances):
        """Variances of places (n, 2) that may be of a column of another crystal."""
        others = self._others[:, np.newaxis]
        far = self._variance_of_others[:, np.newaxis]
        gain = far / (far + self._variances[:, 1:])
        places = self._places + gain * (self._measured[:, 1:] - self._places)
        of_others = gain * self._variances[:, 1:] + (places - self.positions) ** 2
        return (1 - others) * variances + others * of_others


def _shortened(steps, lengths):
    """Steps (n, 2) no longer than some lengths (n,): (n, 2) numpy.ndarray."""
    length = np.maximum(np.hypot(*steps.T), TINY)
    return steps * np.minimum(1, lengths / length)[:, np.newaxis]
