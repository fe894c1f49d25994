# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of HRTEM in crystals: what a network is surest of in all cells together."""

import numpy as np
from scipy import special
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .column_crystals import BOUNDARY, of_crystals
from .column_motif import MeanCell
from .column_sites import LatticeField
from .hrtem_contrast import contrast_at, sign_around, votes_around, votes_at

# Pixels of a pattern, in periods squared, for its cells to have a vote.
LEAST_AREA = 9.0
# Columns of a kind, at least, that tell how others of it look.
FEWEST = 12
# Share of the votes that one sign of the contrast has more: where there is a side of
# it, and where cells of two sides tell. Nearer to the other side its columns are beside
# all sites.
SIDE, TELLS = 0.2, 0.8
# Where less of the votes around is at the sites, the crystal is not as it is thought to
# be, and columns stay as they are.
HOLDS = 0.7
# Points a pixel of the mean cell, and the blur of the votes there, in pixels as the
# network sees them.
FINER, BLUR = 2, 1.2
# A column is at a site if it is this near, in spacings.
NEAR = 0.4
# A maximum of the votes is a site if its share of cells with a column is this at least,
# and this of the share of the surest one.
LEAST_SHARE, LEAST_RELATIVE = 0.15, 0.5
# Probability of a column that is thought of beforehand, at a site of a crystal and
# beside all of them.
AT_SITE, BESIDE = 0.97, 0.02
# A crystal goes on where the share of columns around, over sites as near as this in
# spacings, and over those of the same kind as near as the second, is the upper one of
# these shares of its mean, and ends below the lower one.
AROUND, OF_A_KIND, ENDS, GOES_ON = 2.5, 6.0, 0.15, 0.6
# Probability of a column where the network says nothing, and range of all of them.
SILENT, SURE = 0.01, 1e-4
# Standard deviation of a column from its site, at least, in pixels as the network sees
# them.
LEAST_SCATTER = 0.12


def with_votes(found, tile, templates, labels, n):
    """Columns by what the network says of all cells of their crystal together.

    Each column votes for its place in the cell, with its probability. Sites of the
    crystal are the maxima of these votes. At a site, and beside all of them, the
    probability changes by Bayes' rule: for what the network thinks of such places on
    average comes what is thought of a place of a crystal. Positions are weighed against
    those of the sites. Where no crystal is certain, columns stay as they are. Where the
    contrast inverts within a crystal, either side votes by itself.

    Parameters
    ----------
    found : (n, 5) numpy.ndarray
        Of any probability, as from `hrtem_columns.columns_of`.
    tile : Tile
        Of a whole frame.
    templates : Templates
        What the labels are of.
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel does not count.
    n : int
        Pixels along each side that the network sees as one.

    Returns
    -------
    (m, 5) numpy.ndarray
    """
    period = templates.period
    least = LEAST_AREA * period**2
    _, told = of_crystals(templates, labels, BOUNDARY * period)
    values = np.where(tile.valid, tile.values, np.nan)
    frame = None
    for k in range(templates.n_patterns):
        own = told & (labels == k)
        if np.count_nonzero(own) < least:
            continue
        if frame is None:
            frame = NormalizedFrame(tile.values, labels < 0, period)
        field = LatticeField.of(templates, k, frame, labels == k)
        if field is None:
            continue
        for side in _sides(found, own, values, n, least):
            inside = side[_pixels(found, own.shape)]
            votes = _Votes(found[inside], field, side, values, n)
            found = np.concatenate([found[~inside], votes.columns()])
    return found


def _sides(found, own, values, n, least):
    """Pixels of a crystal by the sign of the contrast: list of (rows, columns) arrays.

    Where contrast inverts, the pattern is the same, but columns are elsewhere in its
    cell. There is one side, unless both have this many pixels. Between the sides cells
    have nothing to say.
    """
    inside = found[own[_pixels(found, own.shape)]]
    contrast = contrast_at(values, np.isfinite(values), inside[:, :2], n)
    around = sign_around(inside, contrast, own.shape, n)
    share = np.zeros(own.shape)
    share[own] = votes_at(around, np.argwhere(own), n)
    shares = [np.where(own, sign * share, 0) for sign in (1, -1)]
    is_one = any(np.count_nonzero(each > SIDE) < least for each in shares)
    return [own] if is_one else [each > TELLS for each in shares]


def _pixels(places, shape):
    """Indices of the pixels that places are in: two (n,) arrays of int."""
    last = np.subtract(shape, 1)
    return tuple(np.clip(np.rint(places[:, :2]), 0, last).astype(int).T)


class _Votes:
    """Votes of the columns in a crystal, (n, 5), whose pixels are `own`."""

    def __init__(self, found, field, own, values, n):
        self.found, self.field, self.own, self.n = found, field, own, n
        self.values = values
        self.vectors = np.linalg.inv(field.cell).T

    @cached_property
    def mean_cell(self):
        """Columns of a cell by place, in a square pixel: MeanCell."""
        lengths = np.linalg.norm(self.vectors, axis=1)
        shape = np.ceil(FINER * lengths).astype(int)
        grid = np.stack(np.indices(shape), axis=-1).reshape(-1, 2) / shape
        phases, _ = self.field.at(self.found[:, :2])
        blur = BLUR * self.n
        sums, energies = np.zeros(len(grid)), np.zeros(len(grid))
        for phase, share in zip(phases, self.found[:, 4], strict=True):
            off = grid - phase
            off -= np.rint(off)
            away = ((off @ self.vectors) ** 2).sum(axis=1) / blur**2
            kernel = share * np.exp(-away / 2)
            sums += kernel
            energies += kernel**2
        n_cells = np.count_nonzero(self.own) * abs(np.linalg.det(self.field.cell))
        area = 2 * np.pi * blur**2 * n_cells
        sums, noise = (x.reshape(shape) / area for x in (sums, np.sqrt(energies)))
        return MeanCell(sums, noise, self.vectors)

    def columns(self):
        """Columns as the cells have voted: (m, 5) numpy.ndarray."""
        motif = self.mean_cell.motif() if len(self.found) else None
        if motif is None or not len(motif.heights):
            return self.found
        places, numbers = self._sites(motif.fractions, motif.spacing)
        which = self._nearest(places, NEAR * motif.spacing)
        shares = np.where(which >= 0, self.found[which, 4], SILENT)
        means = _means(shares, numbers)
        is_site = means >= max(LEAST_SHARE, LEAST_RELATIVE * means.max())
        if not is_site.any():
            return self.found
        kept = is_site[numbers]
        places, numbers, which = places[kept], numbers[kept], which[kept]
        shares, rows = shares[kept], self._placed(places, which)
        of_all = _prior(places, shares, AROUND * motif.spacing)
        for number in np.flatnonzero(is_site):
            own = numbers == number
            prior = _prior(places[own], shares[own], OF_A_KIND * motif.spacing)
            prior = np.minimum(prior, of_all[own])
            rows[own, 4] = self._likely(places[own], which[own], prior)
        beside = np.ones(len(self.found), bool)
        beside[which[which >= 0]] = False
        others = self.found[beside].copy()
        usual = others[:, 4].mean() if len(others) else BESIDE
        others[:, 4] = _prior_changed(others[:, 4], usual, min(BESIDE, usual))
        holds = self._holds(~beside)
        told = [x[votes_at(holds, x[:, :2], self.n)] for x in (rows, others)]
        left = self.found[~votes_at(holds, self.found[:, :2], self.n)]
        return np.concatenate([*told, left])

    def _holds(self, at_site):
        """Where most of what the network is sure of is at a site: array of bool."""
        total, at_sites = (
            votes_around(self.found, self.own.shape, self.n, weights)
            for weights in (1.0, at_site)
        )
        return at_sites >= HOLDS * total

    def _sites(self, fractions, spacing):
        """Places of some fractions in the crystal (n, 2), and their numbers (n,)."""
        wanted = sum_blocks(self.own.astype(np.float32), self.field.side) > 0
        places, numbers = self.field.sites(fractions, wanted, spacing)
        end = np.subtract(self.own.shape, 0.5)
        inside = ((places >= -0.5) & (places < end)).all(axis=1)
        inside &= self.own[_pixels(places, self.own.shape)]
        return places[inside], numbers[inside]

    def _nearest(self, places, distance):
        """Which column is at each site, the likeliest, -1 if none: (n,) of int."""
        near = cKDTree(self.found[:, :2]).query_ball_point(places, distance)
        likely = self.found[:, 4]
        return np.array(
            [max(own, key=likely.__getitem__, default=-1) for own in near], int
        )

    def _likely(self, places, which, prior):
        """Probabilities at sites of one kind: (n,) numpy.ndarray.

        Where the network says nothing, the place may be as the others of its kind if
        these are silent more often than sites are empty, and if its contrast is theirs,
        not that of what is between them. Where the network is surer on average than
        what is thought beforehand of a crystal, that does not make it less sure.
        """
        near = which >= 0
        shares = np.where(near, self.found[which, 4], 0.5)
        usual = shares[near].mean() if near.any() else AT_SITE
        found = _prior_changed(shares, usual, prior * max(usual / AT_SITE, 1))
        if near.all() or near.sum() < FEWEST:
            return found
        lowest = np.unravel_index(
            self.mean_cell.values.argmin(), self.mean_cell.values.shape
        )
        fraction = np.divide(lowest, self.mean_cell.values.shape)[np.newaxis]
        between, _ = self._sites(fraction, 1.0)
        own, empty = (
            contrast_at(self.values, np.isfinite(self.values), x, self.n)
            for x in (places, between)
        )
        column, none = np.median(own[near]), np.median(empty)
        noise = max(_scatter(own[near]), _scatter(empty), 1e-12)
        told = ((own - none) ** 2 - (own - column) ** 2) / (2 * noise**2)
        # Of the sites that have a column, so many are silent. Both tell of one noise:
        # what is less likely counts.
        silent = np.average(~near, weights=prior) - (1 - AT_SITE)
        told = np.minimum(told, np.log(max(silent / AT_SITE, SURE)))
        odds = special.logit(np.clip(prior, SURE, 1 - SURE)) + told
        return np.where(near, found, special.expit(odds))

    def _placed(self, places, which):
        """Columns at sites, by both places and their errors: (n, 5) numpy.ndarray."""
        rows, near = np.zeros((len(places), 5)), which >= 0
        seen = self.found[which[near]]
        off = seen[:, :2] - places[near]
        # What columns are off beyond their own errors is the scatter about the sites.
        excess = off**2 - seen[:, 2:4] ** 2
        excess = np.average(excess.mean(axis=1), weights=seen[:, 4])
        scatter = max(excess, (LEAST_SCATTER * self.n) ** 2)
        # Sites are means of columns.
        scatter += (seen[:, 2:4] ** 2).mean() / len(seen)
        rows[:, :2], rows[:, 2:4] = places, np.sqrt(scatter)
        share = scatter / (scatter + seen[:, 2:4] ** 2)
        rows[near, :2] += share * off
        rows[near, 2:4] = np.sqrt(share) * seen[:, 2:4]
        return rows


def _means(shares, numbers):
    """Means of what has the same number: array."""
    return np.bincount(numbers, shares) / np.maximum(np.bincount(numbers), 1)


def _prior(places, shares, reach):
    """Probability that is thought of beforehand, by the columns around: (n,) array."""
    pairs = cKDTree(places).query_pairs(reach, output_type="ndarray")
    sums, counts = shares.copy(), np.ones(len(places))
    for own, other in (pairs.T, pairs.T[::-1]):
        np.add.at(sums, own, shares[other])
        np.add.at(counts, own, 1)
    relative = sums / counts / shares.mean()
    return AT_SITE * np.clip((relative - ENDS) / (GOES_ON - ENDS), SURE, 1)


def _scatter(values):
    """Standard deviation by the median, which a few far off do not change: float."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _prior_changed(shares, old, new):
    """Probabilities with another one thought of beforehand, by Bayes' rule: array.

    Examples
    --------
    >>> _prior_changed(np.array([0.5]), 0.5, 0.9).round(3)
    array([0.9])
    """
    shares, old, new = (
        special.logit(np.clip(x, SURE, 1 - SURE)) for x in (shares, old, new)
    )
    return special.expit(shares + new - old)
