# SPDX-License-Identifier: GPL-3.0-or-later
"""Bravais type of each pattern, as the network predicts it from windows."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.analysis import SumAnalysis
from hyperspy_symseg.lattice.finding import LEAST_EVIDENCE, find_lattice
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.networks.predicted_symmetry import (
    NO_CONTRAST,
    REASONS,
    RECORD,
    TOO_FINE,
    TOO_SMALL,
)
from hyperspy_symseg.networks.symmetry_network import (
    CLASSES,
    SIDE,
    SPACINGS,
    SymmetryNetwork,
)
from hyperspy_symseg.networks.turned_spectra import SHORTEST

from .checks import own_pixels

# Periods in a window: at least, as it is best, and at most. The network has seen 6.4 to
# 14.2; one in the middle may be taken for its half or double without harm.
PERIODS = SIDE / SPACINGS[1], SIDE / math.sqrt(math.prod(SPACINGS)), SIDE / SPACINGS[0]
# Sizes that are tried one after the other until a window fits, from the best down.
TRIED = 4
# Share of a window, weighted as its pixels are, that the pattern fills, at least.
FILLED = 0.9
# Windows may begin at these shares of their length, and those that are used are apart
# by twice that. Windows of a pattern in a frame, at most.
STEP, MOST_WINDOWS = 1 / 4, 64
N = len(CLASSES)


@dataclass(frozen=True)
class NetworkSymmetry(SumAnalysis):
    """Bravais type of each pattern, from windows in all its regions and frames.

    (n_patterns,) of `RECORD`: see `PredictedSymmetry`. The side of the windows is 9.6
    periods of the pattern or, where it is too small for that, down to 6.4: of those
    the network has seen. The period is the root of the area of the primitive cell;
    where no lattice is found, windows have 128 pixels.

    Parameters
    ----------
    n_patterns : int or None
        None: there are no labels, and all pixels that count are one crystal.
    pixel_size : (float, float)
        Along (y, x), in one unit.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.frames.run import run
    >>> from hyperspy_symseg.networks.predicted_symmetry import PredictedSymmetry
    >>> lattice = simulate.Lattice.square(13, orientation=20)
    >>> s, truth = simulate.micrograph(lattice, (200, 240), seed=0)
    >>> [record] = run(NetworkSymmetry(), s.data)
    >>> PredictedSymmetry(record).bravais
    'square'
    """

    n_patterns: int | None = None
    pixel_size: tuple[float, float] = (1.0, 1.0)
    whole_frames: ClassVar[bool] = True
    per_frame: ClassVar[bool] = False
    dtype: ClassVar[np.dtype] = RECORD

    @property
    def shape(self):
        """One record a pattern: (int,)."""
        return (1 if self.n_patterns is None else self.n_patterns,)

    def process(self, tile):
        """Sums over the windows of each pattern: (n_patterns, k) numpy.ndarray.

        How often there is a name or each of the reasons for none; length of the
        windows; weights, and their squares with those of their spreads.
        """
        every = own_pixels(tile, self.n_patterns)
        return np.stack([self._sums(tile.values, own) for own in every])

    def _sums(self, frame, own):
        """Sums over the windows of the pixels of one pattern: (k,) numpy.ndarray."""
        counts, sums = np.zeros(len(REASONS)), np.zeros(1 + 2 * N)
        found = windows(frame, own)
        if not found:
            counts[REASONS.index(NO_CONTRAST)] = 1
            return np.concatenate([counts, sums])
        sizes = self._sizes(found[0])
        places = []
        for size in sizes:
            places = places_of(own, size)
            if places:
                break
        if not places:
            counts[REASONS.index(TOO_SMALL if sizes else TOO_FINE)] = 1
            return np.concatenate([counts, sums])
        counts[0] = len(places)
        sums[0] = len(places) * size[0] * abs(self.pixel_size[0])
        network = SymmetryNetwork.trained()
        for place in places:
            cut = tuple(
                slice(start, start + n) for start, n in zip(place, size, strict=True)
            )
            values = filled(frame[cut], own[cut])
            weights, spreads = network.weigh(values, place)
            sums[1 : N + 1] += weights
            sums[N + 1 :] += weights**2 + spreads**2
        return np.concatenate([counts, sums])

    def _sizes(self, window):
        """Rows and columns of windows, the best first: list of (int, int).

        None if the period is too short for them.
        """
        scales = np.abs(np.asarray(self.pixel_size, float))
        lattice = find_lattice(window)
        best, least, most = SIDE * scales.max(), 0.0, math.inf
        shortest = SHORTEST * scales.max()
        if lattice is not None and lattice.evidence >= LEAST_EVIDENCE:
            period = math.sqrt(scales.prod() / abs(np.linalg.det(lattice.cell)))
            least, best, most = np.array(PERIODS) * period
        lengths = np.geomspace(best, max(least, shortest), TRIED)
        lengths = np.maximum(lengths, shortest)
        return [
            tuple(np.ceil(length / scales).astype(int).tolist())
            for length in lengths
            if length <= most
        ]

    def finish(self, total):
        """Records from the sums: (n_patterns,) numpy.ndarray of `RECORD`."""
        records = np.zeros(len(total), RECORD)
        for record, sums in zip(records, total, strict=True):
            counts, sums = np.split(sums, [len(REASONS)])
            record["n_windows"] = n = round(counts[0])
            if not n:
                record["reason"] = counts.argmax()
                for name in ("length", "weights", "spreads"):
                    record[name] = np.nan
                continue
            sums = sums / n
            record["length"], record["weights"] = sums[0], sums[1 : N + 1]
            variances = sums[N + 1 :] - sums[1 : N + 1] ** 2
            record["spreads"] = np.sqrt(np.maximum(variances, 0))
        return records


def places_of(own, size):
    """Places of windows that lie mostly in what is a pattern's own.

    Parameters
    ----------
    own : (rows, columns) numpy.ndarray of bool
    size : (int, int)
        Rows and columns of a window.

    Returns
    -------
    list of (int, int)
        Row and column at which each begins; half a length or more apart, and spread
        over all.
    """
    if np.greater(size, own.shape).any():
        return []
    starts, tapers = [], []
    for n, length in zip(size, own.shape, strict=True):
        each = np.arange(0, length - n + 1, max(1, int(STEP * n)))
        each = np.unique(np.append(each, length - n))
        taper = np.zeros((len(each), length), np.float32)
        for row, start in zip(taper, each, strict=True):
            row[start : start + n] = np.hanning(n + 2)[1:-1]
        starts.append(each)
        tapers.append(taper / taper[:1].sum())
    shares = tapers[0] @ own.astype(np.float32) @ tapers[1].T
    order = np.argsort(-shares.round(3), axis=None, kind="stable")
    kept = []
    for i, j in zip(*np.unravel_index(order, shares.shape), strict=True):
        if shares[i, j] < FILLED:
            break
        place = np.array([starts[0][i], starts[1][j]])
        apart = np.abs(place - kept if kept else np.full((1, 2), np.inf))
        if (apart >= 2 * STEP * np.array(size) - 1).any(axis=1).all():
            kept.append(place)
    kept = sorted(tuple(place.tolist()) for place in kept)
    n = min(len(kept), MOST_WINDOWS)
    return [kept[i] for i in np.linspace(0, len(kept) - 1, n).round().astype(int)]


def filled(values, own):
    """Window with the mean of its own pixels in place of others: array of float64."""
    values = np.where(own, values, 0).astype(float)
    return np.where(own, values, values.sum() / own.sum())
