# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns of HRTEM, by the network of a class of materials."""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, ClassVar

import numpy as np
from scipy import special
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.networks.column_gaps import without_spoilt_lines
from hyperspy_symseg.networks.column_network import ColumnScale, columns_by
from hyperspy_symseg.networks.column_scale import binned, mean_and_spread
from hyperspy_symseg.networks.hrtem_network import VOTED, binning_of, hrtem_network

from .checks import check_labels
from .hrtem_contrast import contrast_at, sign_around, votes_around, votes_at
from .hrtem_rows import rows_that_go_on
from .hrtem_sublattices import of_one_lattice
from .hrtem_votes import with_votes

NAMES = "y", "x", "y_error", "x_error", "probability", "contrast"
# Columns that are less likely than this do not vote; there is a majority if the
# difference is this share of the sum.
LEAST, MARGIN = 0.02, 0.1
# Columns of a metal have this many others within a distance in angstroms, which is
# somewhat more than that of nearest neighbours of gold.
NEIGHBOURS, NEAR = 1.5, 3.2
# They are never nearer than this, in angstroms: those of gold along [111] are 1.67
# apart, and along [100] what is between the columns is 1.44 from these.
NEAREST = {"metal": 1.48}
# Others are around a column as far as this, in pixels as above, and probabilities are
# looked at in this range.
BESIDE, SURE = 24.0, 5e-3
# What a probability is calibrated by: nine numbers, their products, and 1.
N_FEATURES = 55
# Rows that lead to a place are counted as if there were as many more.
NO_ROW = 0.1
# Columns that are nearer than this are one, in the same pixels.
TWINS = 2.0


@dataclass(frozen=True)
class HrtemColumns(PointAnalysis):
    """Atomic columns of a frame, one row each: (n, 6) of float64, in the order of y.

    The columns of the table are `NAMES`: position (y, x), its standard errors, the
    probability that there is a column, and its contrast: how much brighter it is than
    what is around it, over the latter; negative if it is dark. Lengths are in pixels.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
        Whose network finds them.
    contrast : {"auto", "bright", "dark"}
        Whether columns are bright. "auto": it is left to the network.
    probability : float
        Of the rows, at least.
    pixel_size : float, optional
        In angstroms. Finer pixels than the network has seen are binned. By default
        they are taken as they are.
    templates : Templates, optional
        What the labels are of: columns in crystals are those that the network is
        surest of in all of their cells together (`hrtem_votes`). By default there are
        no labels.

    Examples
    --------
    >>> from hyperspy_symseg.frames.run import run
    >>> from hyperspy_symseg.simulate import hrtem
    >>> sheet = hrtem.graphene((20.0, 24.0))
    >>> s, truth = hrtem.frame(sheet, hrtem.Microscope(80, -60), (100, 120), dose=500)
    >>> [found] = run(HrtemColumns("graphene"), s.data)
    >>> abs(len(found) - len(truth.occupied)) < 12
    True
    """

    material: str
    contrast: str = "auto"
    probability: float = 0.5
    pixel_size: float | None = None
    templates: Any = None
    whole_frames: ClassVar[bool] = True

    def process(self, tile):
        """Those of a frame: (n, 6) numpy.ndarray."""
        labels = None
        if self.templates is not None:
            labels = check_labels(tile.labels, self.templates.n_patterns)
        if not tile.valid.any():
            return np.empty((0, len(NAMES)))
        tile = without_spoilt_lines(tile)
        n = binning_of(self.material, self.pixel_size)
        given = tile.values, tile.valid
        with one_thread:
            told = self.contrast, n, self.pixel_size
            found = columns_of(self.material, *given, *told)
            if labels is not None:
                labels = np.where(tile.valid, labels, -1)
                found = with_votes(found, tile, self.templates, labels, n)
        if self.material == "metal" and self.pixel_size is not None:
            found = found[_has_neighbours(found, NEAR / self.pixel_size)]
        found = found[found[:, 4] >= self.probability]
        found = found[np.lexsort(found.T[1::-1])]
        contrast = contrast_at(*given, found[:, :2], n)
        return np.column_stack([found, contrast])


def columns_of(material, values, valid, contrast, n, pixel_size=None):
    """Columns of any probability: (n, 5) numpy.ndarray, as from `find_columns`.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool
    contrast : {"auto", "bright", "dark"}
        "auto": the network looks for either; in a material of `VOTED` for bright
        columns and for dark ones, too. What it is surest of around a place is taken
        there, either if there is no saying.
    n : int
        Pixels along each side that become one.
    pixel_size : float, optional
        In angstroms.
    """
    network = hrtem_network(material)
    found = looked_for(network, values, valid, contrast, n, material in VOTED)
    found = possible(found, material, pixel_size)
    return calibrated(found, values, valid, network.weights["neighbours"], n)


def possible(found, material, pixel_size):
    """Columns (n, 5) without those that are too near each other for it: (m, 5)."""
    if pixel_size is None or material not in NEAREST:
        return found
    return of_one_lattice(found, NEAREST[material] / pixel_size)


def looked_for(network, values, valid, contrast, n, is_voted):
    """The same by a given network, without what neighbours tell of probabilities.

    Parameters
    ----------
    network : ColumnNetwork
    values, valid, contrast, n
        As in `columns_of`.
    is_voted : bool
        Whether it looks for each sign of the contrast by itself if that is not told.
    """
    scale = ColumnScale(n, *mean_and_spread(*binned(values, valid, n)))

    def told(contrast):
        found = columns_by(network, values, valid, contrast, scale)
        return found[found[:, 4] >= LEAST]

    if contrast != "auto" or not is_voted:
        return told(contrast)
    either, *both = (told(each) for each in ("auto", "bright", "dark"))
    bright, dark = (votes_around(each, values.shape, n) for each in both)
    margin = (bright - dark) / np.maximum(bright + dark, 1e-9)
    rows = np.concatenate([either, *both])
    of = np.repeat([0, 1, -1], [len(either), *map(len, both)])
    here = votes_at(margin, rows[:, :2], n)
    chosen = np.where(np.abs(here) > MARGIN, np.sign(here), 0)
    rows = rows[chosen == of]
    # Where the choice changes, a column may be of both.
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    pairs = cKDTree(rows[:, :2]).query_pairs(TWINS * n, output_type="ndarray")
    return np.delete(rows, pairs.max(axis=1), axis=0) if len(pairs) else rows


def features(found, values, valid, n):
    """What a probability is calibrated by: (n, 55) numpy.ndarray.

    Nine numbers, all products of two of them, and 1. The numbers are: the logit of the
    probability; that of the mean of the others around; how far these are on one side,
    from 0 to 1; how much larger the mean logarithm of the errors along both axes is
    than its mean over all columns; this mean, which tells of the noise; whether the
    contrast of the columns around has one sign, from 0 to 1; the logit of the mean
    probability of all columns; and the logarithms of how many rows of columns lead to
    the place, with short steps and with long ones (`hrtem_rows`). Means count columns
    by their probabilities.

    Where there are few electrons, the network is too little sure of columns in the
    midst of others, and too sure of what stands alone or beside all others. What it is
    hardly sure of is often a column where contrast inverts, and seldom elsewhere; and
    what it takes for one in noise is seldom where a row of columns goes on.
    """
    if not len(found):
        return np.ones((0, N_FEATURES))
    places, share = found[:, :2], np.clip(found[:, 4], SURE, 1 - SURE)
    around, beside = _others(places, share, BESIDE * n)
    errors = np.log(found[:, 2:4] / n).mean(axis=1)
    noise, of_all = (np.average(x, weights=share) for x in (errors, share))
    contrast = contrast_at(values, valid, places, n)
    signs = sign_around(found, contrast, values.shape, n)
    is_one = np.abs(votes_at(signs, places, n))
    own, around, of_all = map(_logit, (share, around, of_all))
    rows = (np.log(x + NO_ROW) for x in rows_that_go_on(places, share))
    first = own, around, beside, errors - noise, noise, is_one, of_all, *rows
    products = (a * b for a, b in combinations_with_replacement(first, 2))
    return np.column_stack(np.broadcast_arrays(*first, *products, 1.0))


def _others(places, share, reach):
    """Mean probability of the others around, and how far these are on one side: two.

    From 0 to 1 both, (n,) numpy.ndarray.
    """
    pairs = cKDTree(places).query_pairs(reach, output_type="ndarray")
    # As if there were one more, which is none.
    sums, counts = np.zeros(len(places)), np.ones(len(places))
    steps, lengths = np.zeros(places.shape), np.full(len(places), 1e-9)
    for own, other in (pairs.T, pairs.T[::-1]):
        np.add.at(sums, own, share[other])
        np.add.at(counts, own, 1)
        step = share[other, np.newaxis] * (places[other] - places[own])
        np.add.at(steps, own, step)
        np.add.at(lengths, own, np.hypot(*step.T))
    return sums / counts, np.hypot(*steps.T) / lengths


def _logit(share):
    """Logit of a probability, within `SURE`: array."""
    return special.logit(np.clip(share, SURE, 1 - SURE))


def calibrated(found, values, valid, factors, n):
    """Columns (n, 5) with probabilities by `features` and their factors: (n, 5)."""
    likely = special.expit(features(found, values, valid, n) @ factors)
    return np.column_stack([found[:, :4], likely])


def _has_neighbours(found, distance):
    """Which columns have some others near them, by their probabilities: (n,) of bool.

    A crystal has; what looks like a column in an amorphous support has not.
    """
    tree = cKDTree(found[:, :2])
    pairs = tree.query_pairs(distance, output_type="ndarray")
    total = np.zeros(len(found))
    for own, other in (pairs.T, pairs.T[::-1]):
        np.add.at(total, own, found[other, 4])
    return total >= NEIGHBOURS
