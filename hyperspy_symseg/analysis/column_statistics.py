# SPDX-License-Identifier: GPL-3.0-or-later
"""What the columns of a kind have in common: scatter, sites, and how many there are."""

from typing import NamedTuple

import numpy as np
from scipy import special

from hyperspy_symseg.templates.blocks import gaussian_weights, window_means

# Deviations that count in a scatter, at most, in standard deviations, and the mean
# square of those of a normal variable that is cut there. At 3, half of what tells at
# 0.3 counts that columns scatter much would be lost.
FAR, FAR_VARIANCE = 4.0, 0.9999
# What is known of a scatter beforehand: the half widths of the distribution of its
# logarithm below and above what it usually is, and about that of the other kinds. At a
# count a column, a frame of 500 hardly tells how small it is; errors that are too small
# are the worse ones. Number of scatters that are tried.
KNOWN_BELOW, KNOWN_ABOVE, ALIKE, GRID = 0.05, 0.1, 0.1, 24
# Relative error of the variances of noise, which many values share. Simulated frames of
# 0.3 to 3 counts have less.
DOUBT = 0.02
# Columns of another crystal at a boundary, where sites of both are near: the share of
# them that is thought of beforehand, and their scatter, in spacings.
OTHERS, SCATTER_OF_OTHERS = 0.05, 0.2
# Moves that count in a regression, at most, in standard deviations.
CUT = 3.0
# Windows in which columns tell where a site is, in cells; what a site may be off by, in
# pixels, in its place and for a step of a cell; and what a window has to gain.
WIDTHS, OFF, OFF_BY_STEP, WORTH = (1.0, 1.5, 2.5, 4.0), 1.0, 0.3, 0.002
# Bounds of the share of the sites near by at which there are columns, the probability
# of a column that is thought of beforehand for each, and how many sites it counts.
SHARES = np.array([0.3, 0.6, 0.88])
# Share of the sites near by with a column from which on one is expected at a site.
EXPECTED = SHARES[1]
PRIORS, COUNTS = np.array([0.03, 0.5, 0.9, 0.97]), np.array([30.0, 10, 10, 30])
LEAST = 1e-6
# How often shares and probabilities follow from each other: where the pixels tell
# little, these are long on the way from what was thought of beforehand.
SHARED = 5
# Probability from which on a column is taken for one, where others are looked for.
PROBABLE = 0.5
TINY = 1e-300


class Deviations(NamedTuple):
    """Deviations from what is usual, in one unit of length.

    Attributes
    ----------
    squared : (n,) numpy.ndarray of float64
    variances : (n,) numpy.ndarray of float64
        Of their noise.
    weights : (n,) numpy.ndarray of float64
        What they count.
    width : float
        Of a column, if they are of measured places: what pixels tell of a step ends
        where the column does. Infinite: a deviation is measured in full.
    """

    squared: np.ndarray
    variances: np.ndarray
    weights: np.ndarray
    width: float = np.inf

    def seen(self, scatters):
        """Mean square that places of some scatters have without noise: (m, n) array.

        A column is looked for where it is thought to be, which is the rest e of its
        step s off: with the variance v of the noise, e^2 = s^2 v / (s^2 + v). Two
        Gaussians of the width w that are so far apart have a product that is smaller
        by exp(-e^2 / 4 w^2); the mean over normal e is 1 / (1 + e^2 / w^2)^2.

        Parameters
        ----------
        scatters : (m,) numpy.ndarray of float64
        """
        squared = scatters[:, np.newaxis] ** 2
        rest = squared * self.variances / (squared + self.variances)
        return squared / (1 + rest / self.width**2) ** 2


def scatter_of(deviations, usual, bounds):
    """Standard deviation of values beyond that of their noise: float.

    The root mean square of the posterior. Beforehand, its logarithm has a Cauchy
    distribution about that of what it usually is.

    Parameters
    ----------
    deviations : Deviations
    usual : float
    bounds : (float, float)
        Of the scatter.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> values = rng.normal(0, np.sqrt(0.3 + 0.5), 4000)
    >>> deviations = Deviations(values**2, np.full(4000, 0.3), np.ones(4000))
    >>> round(scatter_of(deviations, 0.6, (0.1, 2)) ** 2, 1)
    0.5
    """
    scatters = np.geomspace(*bounds, GRID)
    likely = _beforehand(scatters, usual) * _likely(deviations, scatters)
    return float(np.sqrt(likely @ scatters**2 / likely.sum()))


def scatters_of_kinds(kinds, usual, bounds):
    """Scatter of the columns of each kind in a frame: (kinds,) numpy.ndarray.

    The kinds of a frame scatter about alike: the logarithm of each has a Cauchy
    distribution about that of the frame, and that one about what is usual. So kinds
    whose columns are few or faint scatter about as much as the others do.

    Parameters
    ----------
    kinds : list of Deviations
        In one unit.
    usual : float
    bounds : (float, float)
        Of the scatter.

    Examples
    --------
    >>> rng, noise = np.random.default_rng(0), np.full(4000, 1e-9)
    >>> squared = rng.normal(0, [[0.01], [0.03]], (2, 4000)) ** 2
    >>> kinds = [Deviations(each, noise, np.ones(4000)) for each in squared]
    >>> scatters_of_kinds(kinds, 0.02, (0.003, 0.1)).round(3)
    array([0.01, 0.03])
    """
    scatters = np.geomspace(*bounds, GRID)
    off = np.log(scatters[:, np.newaxis] / scatters)
    alike = 1 / (1 + (off / ALIKE) ** 2)
    alike /= alike.sum(axis=0)
    likely = np.array([_likely(each, scatters) for each in kinds])
    # What each kind tells of the scatter of the frame.
    told = likely @ alike
    found = np.empty(len(kinds))
    for k in range(len(kinds)):
        of_frame = _beforehand(scatters, usual) * np.delete(told, k, 0).prod(axis=0)
        own = likely[k] * (alike @ of_frame)
        found[k] = np.sqrt(own @ scatters**2 / own.sum())
    return found


def _beforehand(scatters, usual):
    """How likely scatters are that are usually like one: (m,) numpy.ndarray."""
    off = np.log(scatters / usual)
    return 1 / (1 + (off / np.where(off < 0, KNOWN_BELOW, KNOWN_ABOVE)) ** 2)


def _likely(deviations, scatters):
    """Likelihood of some scatters, 1 at most: (m,) numpy.ndarray."""
    weights = deviations.weights
    total = deviations.variances + deviations.seen(scatters)
    ratio = np.minimum(deviations.squared / total, FAR**2) / FAR_VARIANCE
    losses = 0.5 * ((ratio + np.log(total)) @ weights)
    losses /= 1 + weights.sum() * DOUBT**2 / 2
    return np.exp(losses.min() - losses)


def share_of_others(squared, near, far):
    """Probability that columns are those of another crystal: (n,) numpy.ndarray.

    Parameters
    ----------
    squared : (n,) numpy.ndarray of float64
        Of the distances of their measured places from the sites.
    near, far : (n,) numpy.ndarray of float64
        Variances along an axis of the columns of the sites, and of others.

    Examples
    --------
    >>> near, far = np.full(3, 0.5), np.full(3, 6.0)
    >>> share_of_others(np.array([0.0, 4.0, 16.0]), near, far).round(2)
    array([0.  , 0.15, 1.  ])
    """
    odds = np.log(OTHERS / (1 - OTHERS) * near / far)
    return special.expit(odds + 0.5 * squared * (1 / near - 1 / far))


def weighted_median(values, weights):
    """Median of values that count differently: float.

    Examples
    --------
    >>> weighted_median(np.array([3.0, 1.0, 2.0]), np.array([5.0, 1.0, 1.0]))
    3.0
    """
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def neighbours_moves(places, moves, variances, weights, side):
    """What the moves of the columns near by tell of each, which has no part in it.

    Local linear regression in Gaussian windows, of which the one counts that predicts
    the columns best (leave-one-out).

    Parameters
    ----------
    places, moves : (n, 2) numpy.ndarray of float64
        Of sites, and how far columns are from them.
    variances, weights : (n,) numpy.ndarray of float64
        Of the moves along an axis, and the probability of a column.
    side : int
        Of a cell, in pixels.

    Returns
    -------
    moves : (n, 2) numpy.ndarray of float64
        0 if no window predicts anything.
    width : float
        Standard deviation of the window, in cells; infinite if there is none.
    """
    weights = weights / variances
    limit = CUT * np.sqrt(variances)
    length = np.maximum(np.hypot(*moves.T), TINY)
    moves = moves * np.minimum(1, limit / length)[:, np.newaxis]
    best, least = np.zeros_like(moves), weights @ (moves**2).sum(axis=1)
    of_best = np.inf
    for width in WIDTHS:
        found = near_by(places, moves, weights, side, width)
        loss = weights @ np.minimum(((moves - found) ** 2).sum(axis=1), limit**2)
        if loss < (1 - WORTH) * least:
            best, least, of_best = found, loss, width
    return best, of_best


def inverses(matrices):
    """Inverses of symmetric matrices, by their cofactors.

    One after another, as LAPACK does it, small matrices take four times as long.

    Parameters
    ----------
    matrices : (n, 3, 3) numpy.ndarray of float64

    Returns
    -------
    (n, 3, 3) numpy.ndarray of float64

    Examples
    --------
    >>> inverses(np.diag([1.0, 2.0, 4.0])[np.newaxis])[0].diagonal().tolist()
    [1.0, 0.5, 0.25]
    """
    i, j = np.triu_indices(3)
    aa, ab, ac, bb, bc, cc = matrices[:, i, j].T
    first = np.stack([bb * cc - bc * bc, ac * bc - ab * cc, ab * bc - ac * bb])
    rest = aa * cc - ac * ac, ab * ac - aa * bc, aa * bb - ab * ab
    cofactors = np.stack([*first, *rest])
    cofactors /= (first * [aa, ab, ac]).sum(axis=0)
    out = np.empty_like(matrices)
    out[:, i, j] = out[:, j, i] = cofactors.T
    return out


def near_by(places, moves, weights, side, width):
    """Local linear regression of moves, without each itself: (n, 2) numpy.ndarray.

    Parameters
    ----------
    places, moves : (n, 2) numpy.ndarray of float64
    weights : (n,) numpy.ndarray of float64
        One over the variance of the moves.
    side : int
        Of a cell, in pixels.
    width : float
        Standard deviation of the window, in cells.
    """
    y, x = (places / side).T
    powers = np.stack([np.ones(len(places)), y, x])
    own = weights * np.concatenate([moves[:, :1].T * powers, moves[:, 1:].T * powers])
    near = _sums_near_by(places, own, side, width)
    right = np.empty((len(places), 3, 2))
    for i in range(2):
        m, my, mx = near[3 * i : 3 * i + 3]
        right[:, 0, i], right[:, 1, i], right[:, 2, i] = m, my - y * m, mx - x * m
    first = inverses(_normal(places, weights, side, width))[:, 0]
    return np.einsum("nj,nji->ni", first, right)


def variances_near_by(places, weights, side, width):
    """Variance of what the columns near by tell of a site: (n,) numpy.ndarray.

    That of `near_by` if moves have one over the weights. In a plane, the square of a
    Gaussian has half of its sum, so it is half of what the sums of the regression say.
    Arguments are those of `near_by`.
    """
    return inverses(_normal(places, weights, side, width))[:, 0, 0] / 2


def shares_near_by(places, weights, side, width):
    """What each counts among those near by and itself: (n,) numpy.ndarray.

    Arguments are those of `near_by`.
    """
    [others] = _sums_near_by(places, weights[np.newaxis], side, width)
    return weights / np.maximum(others + weights, TINY)


def _normal(places, weights, side, width):
    """Matrices of the regression about each place: (n, 3, 3) numpy.ndarray."""
    y, x = (places / side).T
    powers = np.stack([np.ones(len(places)), y, x, y * y, y * x, x * x])
    near = _sums_near_by(places, weights * powers, side, width)
    # Moments about each place itself.
    n, my, mx, myy, myx, mxx = near
    found = np.empty((len(places), 3, 3))
    found[:, 0, 0] = n + 1 / OFF**2
    found[:, 0, 1] = found[:, 1, 0] = my - y * n
    found[:, 0, 2] = found[:, 2, 0] = mx - x * n
    found[:, 1, 1] = myy - 2 * y * my + y * y * n + 1 / OFF_BY_STEP**2
    found[:, 2, 2] = mxx - 2 * x * mx + x * x * n + 1 / OFF_BY_STEP**2
    found[:, 1, 2] = found[:, 2, 1] = myx - y * mx - x * my + x * y * n
    return found


def _sums_near_by(places, values, side, width):
    """Sums of values (k, n) in a Gaussian window, without each itself: (k, n) array."""
    cells = np.floor(places / side).astype(int)
    cells -= cells.min(axis=0)
    shape = tuple(cells.max(axis=0) + 1)
    index = np.ravel_multi_index(tuple(cells.T), shape)
    window = gaussian_weights(width, np.float64)
    sums = np.stack([np.bincount(index, each, np.prod(shape)) for each in values])
    sums = window_means(sums.reshape(-1, *shape), window) / window[0] ** 2
    return sums.reshape(len(values), -1)[:, index] - values


def log_odds(gains, probabilities, neighbours):
    """Log-odds of a column at each site, with the frame's own share of vacancies.

    Beforehand it is the share of the sites with a column, among those of which as many
    neighbours have one (empirical Bayes): so the vacuum about a particle is not filled,
    nor are single vacancies.

    Parameters
    ----------
    gains : (n,) numpy.ndarray of float64
        Log-likelihood that a column gains over none.
    probabilities : (n,) numpy.ndarray of float64
        Of before.
    neighbours : (n, m) numpy.ndarray of int

    Returns
    -------
    (n,) numpy.ndarray of float64
    """
    classes = np.zeros(len(gains), int)
    if neighbours.size:
        shares = probabilities[neighbours].mean(axis=1)
        classes = np.searchsorted(SHARES, shares)
    n = np.bincount(classes, minlength=len(PRIORS))
    there = np.bincount(classes, probabilities, len(PRIORS))
    prior = ((there + COUNTS * PRIORS) / (n + COUNTS))[classes]
    prior = np.clip(prior, LEAST, 1 - LEAST)
    return np.log(prior / (1 - prior)) + gains


def posterior(gains, probabilities, neighbours):
    """Probability of a column at each site: (n,) array; arguments as of `log_odds`."""
    for _ in range(SHARED):
        odds = np.clip(log_odds(gains, probabilities, neighbours), -50, 50)
        probabilities = np.clip(1 / (1 + np.exp(-odds)), LEAST, 1 - LEAST)
    return probabilities
