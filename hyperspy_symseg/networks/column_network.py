# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns found by a network, with a lattice or without."""

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy import special

from hyperspy_symseg.frames.threads import one_thread

from . import column_gaps as gaps
from .column_layers import REACH, ColumnNetwork, planes
from .column_peaks import columns_of
from .column_scale import FAR, binned, column_width, mean_and_spread
from .u_net import CELL, COARSEST

CONTRASTS = "auto", "bright", "dark"
# Width of a column that frames are binned to, in pixels, and the most they are: the
# network was trained on widths of 1.1 to 2.7, and is best from 1.2 to 2.
BEST_WIDTH, MOST_BINNED = 1.6, 7
# Pixels along each side that go through the network at once, at most, after binning.
LARGEST = 1024
# Columns in a cell: of the frames that the network was trained on, on the average, and
# of those whose power is that of noise alone: one in sixty frames of 256 x 256 pixels,
# so that the network by itself does not make one likely.
USUAL, RARE = 1 / 36, 1e-6
# How far a gap is from a column that it takes a share of, at most, after binning: three
# widths.
SEEN_REACH = 8
# Sums of the probabilities of cells are taken for this at least, and for one less this
# at most: their logits are finite.
SURE = 5e-3


class ColumnScale(NamedTuple):
    """How a frame is seen by the network; from `prepare`.

    Attributes
    ----------
    binning : int
        Pixels along each side that become one.
    mean, spread : float
        Of the binned frame.
    is_empty : bool
        Whether its power is that of noise alone, so that columns are rare at best.
    width : float or None
        Standard deviation of a column, in pixels, if it is known.
    limits : (float, float)
        Values of pixels beyond which they may be hot or dead ones.
    """

    binning: int
    mean: float
    spread: float
    is_empty: bool = False
    width: float | None = None
    limits: tuple[float, float] = (-math.inf, math.inf)

    @property
    def context(self):
        """Pixels around a tile that its columns depend on, at most: int."""
        return (REACH + COARSEST + SEEN_REACH) * self.binning

    def valid(self, values, valid):
        """Pixels that count without hot ones: (rows, columns) numpy.ndarray of bool."""
        return valid & ~gaps.spikes(values, valid, self.limits)


def prepare(values, valid, width=None):
    """Find the scale of a frame, once for all of its tiles.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool
    width : float, optional
        Standard deviation of a column, in pixels. By default it is found in the power
        spectrum, from 1 to 15; see `column_width`.

    Returns
    -------
    ColumnScale

    Raises
    ------
    ValueError
        If the two arrays differ in shape, or the width is not positive.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> lattice = simulate.Lattice.hexagonal(30)
    >>> s, _ = simulate.micrograph(lattice, (256, 256), column_width=5, seed=0)
    >>> prepare(s.data, np.ones(s.data.shape, bool)).binning
    3
    """
    _check_frame(values, valid)
    if width is not None and not width > 0:
        raise ValueError(f"width must be positive, in pixels, or None, got {width!r}.")
    mean, spread = mean_and_spread(values, valid)
    limits = mean - FAR * spread, mean + FAR * spread
    valid = valid & ~gaps.spikes(values, valid, limits)
    values, valid = gaps.filled(values, valid)
    found = column_width(values, valid) if width is None else width
    binning = round((found or BEST_WIDTH) / BEST_WIDTH)
    binning = min(max(binning, 1), MOST_BINNED)
    mean, spread = mean_and_spread(*binned(values, valid, binning))
    return ColumnScale(binning, mean, spread, found is None, found, limits)


def find_columns(
    values, valid, contrast="auto", probability=0.5, scale=None, first=(0, 0)
):
    """Find the atomic columns of a frame, or of a tile of it.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool
        No column is found where less than 0.6 of it is on valid pixels. Those of
        narrow gaps are filled, and those that are hot are not valid.
    contrast : {"auto", "bright", "dark"}
        Of columns, against what is around them. "auto" leaves it to the network.
    probability : float
        Columns are at least as likely as this.
    scale : ColumnScale, optional
        Of the whole frame, from `prepare`. By default that of `values`.
    first : (int, int)
        Row and column of the frame that the tile begins at. A column is the same in
        all tiles that have `ColumnScale.context` pixels of the frame around it, as far
        as the frame goes.

    Returns
    -------
    (n, 5) numpy.ndarray of float64
        Position (y, x) in pixels of `values`, its standard errors along y and x, and
        the probability that there is a column, in the order of y.

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> lattice = simulate.Lattice.square(12)
    >>> s, _ = simulate.micrograph(lattice, (60, 84), dose=100, seed=0)
    >>> found = find_columns(s.data, np.ones(s.data.shape, bool))
    >>> found.shape
    (35, 5)
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be from 0 to 1, got {probability!r}.")
    network = ColumnNetwork.trained()
    found = columns_by(network, values, valid, contrast, scale, first)
    return found[found[:, 4] >= probability]


def columns_by(network, values, valid, contrast="auto", scale=None, first=(0, 0)):
    """Find columns of any probability by a given network, as in `find_columns`."""
    _check_frame(values, valid)
    if contrast not in CONTRASTS:
        raise ValueError(f"contrast must be one of {CONTRASTS}, got {contrast!r}.")
    scale = prepare(values, valid) if scale is None else scale
    n = scale.binning
    # Cells are where they are in the whole frame.
    skipped = [-at % (COARSEST * n) for at in first]
    values, valid = (x[skipped[0] :, skipped[1] :] for x in (values, valid))
    valid = scale.valid(values, valid)
    if not valid.any():
        return np.empty((0, 5))
    means, used = binned(*gaps.filled(values, valid), n)
    sign = -1 if contrast == "dark" else 1
    seen = planes(
        sign * means, used, (sign * scale.mean, scale.spread), contrast != "auto"
    )
    with one_thread:
        # Products of matrices round otherwise with more threads.
        found = columns_of(_cells(network, seen))
    factor, summand = network.weights["probability"]
    if scale.is_empty:
        # By Bayes' rule.
        summand += math.log(RARE / USUAL)
    found = calibrated(found, (factor, summand), network.weights["error"])
    found[:, :2] = n * found[:, :2] + (n - 1) / 2
    found[:, 2:4] *= n
    at = np.rint(found[:, :2]).astype(int)
    kept = ((at >= 0) & (at < values.shape)).all(axis=1)
    seen = gaps.seen_enough(valid, scale.width or BEST_WIDTH * n)
    kept[kept] = seen[tuple(at[kept].T)]
    found = found[kept]
    found[:, :2] += skipped
    return found[np.lexsort(found.T[1::-1])]


def calibrated(found, of_probabilities, of_errors):
    """Columns with probabilities and errors as they were found to be right.

    Parameters
    ----------
    found : (n, 5) numpy.ndarray of float64
        From `columns_of`.
    of_probabilities : (float, float)
        Factor of the logit, and what is added to it.
    of_errors : (float, float)
        Factor of errors, and their exponent.

    Returns
    -------
    (n, 5) numpy.ndarray of float64

    Examples
    --------
    >>> calibrated(np.array([[7, 8, 0.5, 2, 0.75]]), (1, np.log(3)), (3, 1)).round(3)
    array([[7. , 8. , 1.5, 6. , 0.9]])
    """
    found = found.copy()
    factor, summand = of_probabilities
    logits = special.logit(np.clip(found[:, 4], SURE, 1 - SURE))
    found[:, 4] = special.expit(factor * logits + summand)
    factor, exponent = of_errors
    found[:, 2:4] = factor * found[:, 2:4] ** exponent
    return found


def _check_frame(values, valid):
    """Raise an error if the arrays are no frame and what is valid in it."""
    if np.ndim(values) != 2 or np.shape(values) != np.shape(valid):
        raise ValueError(
            f"values and valid must have one shape (rows, columns), got "
            f"{np.shape(values)} and {np.shape(valid)}."
        )


def _cells(network, seen):
    """Cells of what is seen of a frame of any size: (5, rows, columns) array."""
    # What is missing to a coarsest cell is not valid.
    missing = [(0, -n % COARSEST) for n in seen.shape[1:]]
    seen = np.pad(seen, [(0, 0), *missing])
    shape = seen.shape[1:]
    found = np.empty((5, *(n // CELL for n in shape)), np.float32)
    starts = (range(0, n, LARGEST) for n in shape)
    for start in itertools.product(*starts):
        ends = np.minimum(np.add(start, LARGEST), shape).tolist()
        inner = list(map(slice, start, ends))
        outer = [slice(max(0, x.start - REACH), x.stop + REACH) for x in inner]
        cells = network.cells(seen[:, outer[0], outer[1]])
        own = (
            _cut(x.start - y.start, x.stop - y.start)
            for x, y in zip(inner, outer, strict=True)
        )
        target = (_cut(x.start, x.stop) for x in inner)
        found[:, *target] = cells[:, *own]
    return found


def _cut(start, stop):
    """Cells of pixels: slice."""
    return slice(start // CELL, stop // CELL)
