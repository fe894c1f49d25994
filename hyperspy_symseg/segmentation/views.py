# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of frames that templates are learnt from: where there is most to learn."""

import functools
import itertools
import math
import operator
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.templates.blocks import BlockedFrame, cell_size
from hyperspy_symseg.templates.variety import one_pattern, variety

from .threads import one_thread

# Cells of all windows together, at most, and cells along a side of one.
MOST_CELLS = 3600
SIDE = 20
# Frames that are learnt from, if there are so many, however large they are.
FEWEST_FRAMES = 8
# Larger frames are looked at in pieces of so many pixels along a side, at least; and
# pixels of the pieces that are kept at once, unless one has more.
PIECE = 2048
MOST_PIXELS = 2**25


class View(NamedTuple):
    """A window of a frame, or the whole of it.

    Attributes
    ----------
    frame : (rows, columns) array
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    blocked : BlockedFrame
        The same, normalised as part of the frame.
    weight : float
        Number of windows that it stands for.
    """

    frame: np.ndarray
    mask: np.ndarray | None
    blocked: BlockedFrame
    weight: float = 1.0


class Frames:
    """Frames that views are taken of, or pieces of them if they are large.

    Parameters
    ----------
    read : callable
        Gives some rows and columns of a frame and of its mask, by its number.
    n : int
        Number of frames.
    shape : (int, int)
        Rows and columns of a frame.
    period : float
        Lattice period in pixels.
    """

    def __init__(self, read, n, shape, period):
        self._read, self.shape, self.period = read, shape, period
        cell = cell_size(period)
        self.are_small = n * math.prod(shape) <= MOST_CELLS * cell**2
        pieces = [tuple(slice(0, n) for n in shape)]
        if not self.are_small:
            pieces = _pieces(shape, cell)
        self._pieces = list(itertools.product(range(n), pieces))
        size = math.prod(shape) / len(pieces)
        self._at = functools.lru_cache(max(1, int(MOST_PIXELS / size)))(self._at)

    def __len__(self):
        """Return the number of pieces of all frames."""
        return len(self._pieces)

    def _at(self, i):
        """Read a piece: frame, mask, BlockedFrame."""
        frame, mask = self._read(*self._pieces[i])
        with one_thread:
            return frame, mask, BlockedFrame(frame, mask, self.period)

    def blocked(self, i):
        """Normalised piece, by its number: BlockedFrame."""
        return self._at(i)[-1]

    def view(self, place, weight=1.0):
        """Window of a piece: View.

        Parameters
        ----------
        place : (int, (slice, slice))
            Number of the piece, and rows and columns of it.
        weight : float
        """
        i, window = place
        frame, mask, blocked = self._at(i)
        mask = None if mask is None else mask[window]
        return View(frame[window], mask, blocked.part(window), weight)


def _pieces(shape, cell):
    """Rows and columns of pieces of whole cells, that a window fits into."""
    cuts = [
        np.linspace(0, n, 1 + max(1, n // max(PIECE, SIDE * cell))) // cell * cell
        for n in shape
    ]
    for axis, n in zip(cuts, shape, strict=True):
        axis[-1] = n
    return list(
        itertools.product(
            *(
                [slice(*map(int, ends)) for ends in itertools.pairwise(axis)]
                for axis in cuts
            )
        )
    )


def windows(shape, period):
    """Windows of whole cells that cover a frame.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a frame.
    period : float
        In pixels.

    Returns
    -------
    list of (slice, slice)
        Rows and columns, all of one shape: of 20 cells along a side, or the whole axis
        if that is shorter.

    Examples
    --------
    >>> [(columns.start, columns.stop) for _, columns in windows((200, 500), 12)]
    [(0, 240), (120, 360), (252, 492)]
    """
    cell = cell_size(period)
    sides = [min(SIDE * cell, n) for n in shape]
    starts = [
        (np.linspace(0, n - side, math.ceil(n / side)) // cell * cell).astype(int)
        for n, side in zip(shape, sides, strict=True)
    ]
    return [
        tuple(
            slice(int(start), int(start) + side)
            for start, side in zip(corner, sides, strict=True)
        )
        for corner in itertools.product(*starts)
    ]


def views_of(frames, progress=None):
    """Windows of some frames that templates are learnt from.

    The whole frames, if they have few enough periods. Otherwise windows of which half
    of the pixels are valid: half of them are those in which the fit of one pattern
    varies most, so that what is thin or small is among them; and half are spread evenly
    over all others.

    Parameters
    ----------
    frames : Frames
    progress : callable, optional
        As in `map_tiles`: called with the numbers of the frames or their pieces.

    Returns
    -------
    list of View
    """
    numbers = range(len(frames))
    if progress:
        numbers = progress(numbers, total=len(frames))
    if frames.are_small:
        everything = tuple(slice(0, n) for n in frames.shape)
        return [frames.view((i, everything)) for i in numbers]
    places = [place for i in numbers for place in _places(frames, i)]
    cell = cell_size(frames.period)
    sides = (min(SIDE * cell, n) for n in frames.shape)
    most = max(2, int(MOST_CELLS * cell**2 / math.prod(sides)))
    if len(places) <= most:
        return list(map(frames.view, places))
    even = [frames.view(place, len(places) / most) for place in _evenly(places, most)]
    with one_thread:
        templates = one_pattern([view.blocked for view in even], frames.period)
        if not len(templates.reflections):
            return even
        varieties = [
            variety(templates, frames.blocked(i), [window for _, window in own])
            for i, own in itertools.groupby(places, operator.itemgetter(0))
        ]
    order = np.argsort(-np.concatenate(varieties), kind="stable")
    first, others = (
        [places[i] for i in np.sort(some)] for some in np.split(order, [most // 2])
    )
    n_even = most - len(first)
    weight = len(others) / n_even
    return [frames.view(place) for place in first] + [
        frames.view(place, weight) for place in _evenly(others, n_even)
    ]


def _places(frames, i):
    """Windows of a piece of whose pixels half are valid, with its number."""
    piece = frames.blocked(i)
    return [
        (i, window)
        for window in windows(piece.shape, frames.period)
        if (part := piece.part(window)).counts.sum() >= part.pixels.size / 2
    ]


def _evenly(places, n):
    """Some of the places, spread evenly over them."""
    return [places[int(i)] for i in np.linspace(0, len(places) - 1, n).round()]


def frame_step(shape, period, n_frames):
    """Take every so-manieth frame, so that not too many are looked at: int.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a frame.
    period : float
        In pixels.
    n_frames : int

    Examples
    --------
    >>> frame_step((2048, 2048), 12, 8), frame_step((2048, 2048), 12, 1000)
    (1, 112)
    """
    sides = (min(SIDE, n / cell_size(period)) for n in shape)
    most = max(FEWEST_FRAMES, int(MOST_CELLS / math.prod(sides)))
    return math.ceil(n_frames / most)
