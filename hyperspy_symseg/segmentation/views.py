# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of frames that templates are learnt from: where there is most to learn."""

import functools
import itertools
import math
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


class View(NamedTuple):
    """A frame, or a window of one.

    Attributes
    ----------
    frame : (rows, columns) array
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    weight : float
        Number of windows that it stands for.
    """

    frame: np.ndarray
    mask: np.ndarray | None = None
    weight: float = 1.0


class Frames:
    """Frames in memory, that views are taken of.

    Parameters
    ----------
    frames : list of (rows, columns) array
        Of one shape.
    masks : list of (rows, columns) array of bool or None
    """

    def __init__(self, frames, masks):
        self._frames, self._masks = frames, masks

    @property
    def shape(self):
        """Rows and columns of a frame: (int, int)."""
        return self._frames[0].shape

    def __len__(self):
        """Return the number of frames."""
        return len(self._frames)

    def cut(self, places):
        """Windows of the frames, with their masks: list of (frame, mask).

        Parameters
        ----------
        places : list of (int, (slice, slice))
            Number of the frame, and its rows and columns.
        """
        return [
            (
                self._frames[i][window],
                None if self._masks[i] is None else self._masks[i][window],
            )
            for i, window in places
        ]

    def each(self, function, n):
        """Numbers that a function finds in every frame: (frames, n) numpy.ndarray.

        Parameters
        ----------
        function : callable
            Gives n numbers, float64, for a frame and its mask.
        n : int
        """
        found = map(function, self._frames, self._masks)
        return np.array(list(found)).reshape(len(self), n)


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


def views_of(frames, period):
    """Windows of some frames that templates are learnt from.

    The whole frames, if they have few enough periods. Otherwise half of the windows are
    those in which the fit of one pattern varies most, so that what is thin or small is
    among them; and half are spread evenly over all others.

    Parameters
    ----------
    frames : Frames
        Or what has its methods.
    period : float
        In pixels.

    Returns
    -------
    list of View
    """
    places, weights = _places(frames, period)
    views = frames.cut(places)
    return [View(*view, weight) for view, weight in zip(views, weights, strict=True)]


def _places(frames, period):
    """Numbers of frames and their windows, and the windows that each stands for."""
    cell = cell_size(period)
    if len(frames) * math.prod(frames.shape) <= MOST_CELLS * cell**2:
        everything = tuple(slice(0, n) for n in frames.shape)
        return [(i, everything) for i in range(len(frames))], [1.0] * len(frames)
    of_one = windows(frames.shape, period)
    places = list(itertools.product(range(len(frames)), of_one))
    size = math.prod(axis.stop - axis.start for axis in of_one[0])
    most = max(2, int(MOST_CELLS * cell**2 / size))
    if len(places) <= most:
        return places, [1.0] * len(places)
    even = _evenly(places, most)
    varieties = _varieties(frames, frames.cut(even), of_one, period)
    if varieties is None:
        return even, [len(places) / len(even)] * len(even)
    order = np.argsort(-varieties, kind="stable")
    first, others = (
        [places[i] for i in np.sort(some)] for some in np.split(order, [most // 2])
    )
    even = _evenly(others, most - len(first))
    return first + even, [1.0] * len(first) + [len(others) / len(even)] * len(even)


def _evenly(places, n):
    """Some of the places, spread evenly over them."""
    return [places[int(i)] for i in np.linspace(0, len(places) - 1, n).round()]


def _varieties(frames, views, windows, period):
    """How much the fit of one pattern, learnt from some views, varies in all windows.

    None if there is no such pattern.
    """
    with one_thread:
        blocked = [BlockedFrame(*v, period) for v in views if has_valid_pixels(*v)]
        templates = one_pattern(blocked, period) if blocked else None
    if templates is None or not len(templates.reflections):
        return None
    found = frames.each(functools.partial(_variety, templates, windows), len(windows))
    return found.ravel()


def _variety(templates, windows, frame, mask):
    """As `variety`, for a frame as it is."""
    cell = cell_size(templates.period)
    windows = [
        tuple(slice(axis.start // cell, -(-axis.stop // cell)) for axis in window)
        for window in windows
    ]
    with one_thread:
        blocked = BlockedFrame(frame, mask, templates.period)
        return variety(templates, blocked, windows)


def has_valid_pixels(frame, mask):
    """Whether there is a pixel that is finite and not masked: bool."""
    valid = np.isfinite(frame)
    return bool((valid if mask is None else valid & ~mask).any())


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
