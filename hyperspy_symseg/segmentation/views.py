# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of frames that templates are learnt from: where there is most to learn."""

import itertools
import logging
import math
import operator
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.threads import one_thread, tracked
from hyperspy_symseg.frames.tiling import evenly_spread
from hyperspy_symseg.templates.blocks import blocks_in
from hyperspy_symseg.templates.misfit_variance import misfit_variance, one_pattern
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame, cell_size

# Cells of all windows together, at most, and cells along a side of one.
MOST_CELLS = 3600
SIDE = 20
# Larger frames are looked at in pieces of so many pixels along a side, at least; and
# pixels of the pieces that are kept at once, unless one has more.
PIECE = 2048
MOST_PIXELS = 2**25


# Share of the pixels that cosmic rays may have hit without a word.
MOST_SPIKES = 1e-4

_logger = logging.getLogger(__name__)

# Of a place.
_number = operator.itemgetter(0)


class View(NamedTuple):
    """A window of a frame or of a piece of one, or the whole of it.

    Attributes
    ----------
    frame : (rows, columns) array
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    window : (slice, slice)
        Rows and columns of the frame.
    blocked : NormalizedFrame
        The window, normalised as part of the frame.
    weight : float
        Number of windows that it stands for.
    """

    frame: np.ndarray
    mask: np.ndarray | None
    window: tuple[slice, slice]
    blocked: NormalizedFrame
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
        self._most, self._kept = max(1, int(MOST_PIXELS / size)), {}

    def __len__(self):
        """Return the number of pieces of all frames."""
        return len(self._pieces)

    def _at(self, i):
        """Read a piece, unless it is one of the last: frame, mask, NormalizedFrame."""
        if i not in self._kept:
            if len(self._kept) == self._most:
                self._kept.pop(next(iter(self._kept)))
            frame, mask = self._read(*self._pieces[i])
            with one_thread:
                blocked = NormalizedFrame(frame, mask, self.period)
            _log_damage(blocked)
            if blocked.levelled is not None:
                frame = blocked.levelled
            if blocked.valid is not None:
                mask = ~blocked.valid
            self._kept[i] = frame, mask, blocked
        return self._kept[i]

    def blocked(self, i):
        """Normalised piece, by its number: NormalizedFrame."""
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
        return View(frame, mask, window, blocked.crop(window), weight)


def _log_damage(blocked):
    """Log a warning that says what of a frame is damaged, if anything is."""
    if blocked.has_jump:
        _logger.warning(
            "The contrast of a frame should be of one order of magnitude, but jumps by "
            "hundreds of times from one place to the next: labels may be wrong. Divide "
            "areas by their level, or mask what is no data."
        )
    found = []
    if blocked.n_spikes > MOST_SPIKES * blocked.pixels.size:
        found.append(f"{blocked.n_spikes} pixels far from all others near by")
    if blocked.n_lines:
        found.append(f"{blocked.n_lines} rows or columns unlike those near by")
    if blocked.levelled is not None:
        found.append("offsets of all rows or columns, which are taken off")
    if found:
        _logger.warning(
            "A frame has %s. Look at the labels, and mend or mask what is damaged.",
            ", ".join(found),
        )


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
    cell, axes = cell_size(period), []
    for n in shape:
        side = min(SIDE * cell, n)
        starts = np.linspace(0, n - side, math.ceil(n / side)) // cell * cell
        axes.append(
            [slice(start, start + side) for start in starts.astype(int).tolist()]
        )
    return list(itertools.product(*axes))


def stacked(views):
    """Windows of all views, as one: NormalizedFrame.

    Parameters
    ----------
    views : list of View
        Of one shape.
    """
    return NormalizedFrame.stacked([view.blocked for view in views])


def views_of(frames):
    """Windows of some frames that templates are learnt from.

    The whole frames, if they have few enough cells. Otherwise windows: half of them are
    those in which the fit of one pattern varies most, so that what is thin or small is
    among them; and half, or one a frame, are spread evenly over all others. Those with
    less than half of the valid pixels that another has do not count.

    Parameters
    ----------
    frames : Frames

    Returns
    -------
    views : list of View
    templates : Templates or None
        Of one pattern, if windows were chosen by them.
    """
    numbers = tracked(range(len(frames)), len(frames), "Fitting")
    if frames.are_small:
        everything = tuple(slice(0, n) for n in frames.shape)
        return [frames.view((i, everything)) for i in numbers], None
    places = [place for i in numbers for place in _places(frames, i)]
    least = max(1, max(n_valid for *_, n_valid in places) / 2)
    places = [(i, window) for i, window, n_valid in places if n_valid >= least]
    cell = cell_size(frames.period)
    sides = (min(SIDE * cell, n) for n in frames.shape)
    most = max(2, int(MOST_CELLS * cell**2 / math.prod(sides)))
    if len(places) <= most:
        return list(map(frames.view, places)), None
    even = _spread(frames, places, most)
    with one_thread:
        templates = one_pattern(stacked(even), frames.period)
        if not len(templates.reflections):
            return even, None
        varieties = [
            misfit_variance(templates, frames.blocked(i), [window for _, window in own])
            for i, own in itertools.groupby(places, _number)
        ]
    order = np.argsort(-np.concatenate(varieties), kind="stable")
    first, others = (
        [places[i] for i in np.sort(some)] for some in np.split(order, [most // 2])
    )
    evenly = _spread(frames, others, most - len(first))
    return list(map(frames.view, first)) + evenly, templates


def _places(frames, i):
    """Windows of a piece: its number, rows and columns, number of valid pixels."""
    piece, cell = frames.blocked(i), cell_size(frames.period)
    return [
        (i, window, piece.cell_counts[blocks_in(window, cell)].sum())
        for window in windows(piece.shape, frames.period)
    ]


def _spread(frames, places, n):
    """Views of n of the places, at least one a piece, spread evenly over each."""
    pieces = [list(own) for _, own in itertools.groupby(places, _number)]
    n_each = math.ceil(n / len(pieces))
    chosen = [
        own[i] for own in pieces for i in evenly_spread(len(own), min(n_each, len(own)))
    ]
    return [frames.view(place, len(places) / len(chosen)) for place in chosen]
