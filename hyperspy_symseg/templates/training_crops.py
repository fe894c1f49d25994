# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops of frames that templates are learnt from: where there is most to learn."""

import itertools
import logging
import math
import operator
from typing import NamedTuple

import numpy as np

from hyperspy_symseg.frames.threads import one_thread, tracked
from hyperspy_symseg.frames.tiling import evenly_spread

from .blocks import blocks_in
from .misfit_variance import misfit_variance, one_pattern
from .normalized_frame import NormalizedFrame, cell_size

# Cells of all crops together, at most, and cells along a side of one.
MOST_CELLS = 3600
SIDE = 20
# Larger frames are looked at in tiles of so many pixels along a side, at least; and
# pixels of the tiles that are kept at once, unless one has more.
TILE_SIDE = 2048
MOST_PIXELS = 2**25
# Crops of each example, at most: four may meet in a small one.
CROPS_OF_EXAMPLE = 4
# Share of the pixels that cosmic rays may have hit without a word.
MOST_SPIKES = 1e-4

_logger = logging.getLogger(__name__)


class TrainingCrop(NamedTuple):
    """Some rows and columns of a frame or of a tile of one, or the whole of it.

    Attributes
    ----------
    frame : (rows, columns) array
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    pixels : (slice, slice)
        Rows and columns of the frame.
    normalized : NormalizedFrame
        Of these pixels, normalised as part of the frame.
    weight : float
        Number of crops that it stands for.
    examples : (rows, columns) numpy.ndarray of int or None
        Labels of these pixels where they are known, and else -1.
    """

    frame: np.ndarray
    mask: np.ndarray | None
    pixels: tuple[slice, slice]
    normalized: NormalizedFrame
    weight: float = 1.0
    examples: np.ndarray | None = None


class TrainingFrames:
    """Frames that crops are taken of, in tiles if they are large.

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
    most_pixels : int
        Pixels of the tiles that are kept at once, unless one has more.
    examples : list of (rows, columns) numpy.ndarray of int, optional
        Labels of each frame where they are known, and else -1.

    Attributes
    ----------
    cell : int
        Side of a cell in pixels.
    are_small : bool
        Whether all cells are few enough to learn from.
    n_tiles : int
        Number of tiles of all frames.
    """

    def __init__(self, read, n, shape, period, most_pixels=MOST_PIXELS, examples=None):
        self._read, self.shape, self.period = read, shape, period
        self._examples = examples
        self.cell = cell_size(period)
        self.are_small = n * math.prod(shape) <= MOST_CELLS * self.cell**2
        tiles = [tuple(slice(0, n) for n in shape)]
        if not self.are_small:
            tiles = _tiles(shape, self.cell)
        self._tiles = list(itertools.product(range(n), tiles))
        self.n_tiles = len(self._tiles)
        size = math.prod(shape) / len(tiles)
        self._most, self._kept = max(1, int(most_pixels / size)), {}

    def tile(self, i):
        """Read a tile, unless it is one of the last: frame, mask, NormalizedFrame."""
        if i not in self._kept:
            if len(self._kept) == self._most:
                self._kept.pop(next(iter(self._kept)))
            frame, mask = self._read(*self._tiles[i])
            with one_thread:
                normalized = NormalizedFrame(frame, mask, self.period)
            _log_damage(normalized)
            if normalized.levelled is not None:
                frame = normalized.levelled
            if normalized.valid is not None:
                mask = ~normalized.valid
            self._kept[i] = frame, mask, normalized
        return self._kept[i]

    def crop(self, i, pixels, weight=1.0):
        """Crop of a tile: TrainingCrop.

        Parameters
        ----------
        i : int
            Number of the tile.
        pixels : (slice, slice)
            Rows and columns of it.
        weight : float
        """
        frame, mask, normalized = self.tile(i)
        crop = TrainingCrop(frame, mask, pixels, normalized.crop(pixels), weight)
        return crop._replace(examples=self.examples(i, pixels))

    def examples(self, i, pixels):
        """Labels that are known in a crop: numpy.ndarray, or None without examples.

        Parameters
        ----------
        i, pixels
            As for `crop`.
        """
        if self._examples is None:
            return None
        frame, tile = self._tiles[i]
        return self._examples[frame][tile][pixels]

    def evenly(self, chosen, n):
        """Crops of n of the tiles' rows and columns, at least one a tile: list.

        Parameters
        ----------
        chosen : list of (int, (slice, slice))
            As for `crop`. They are spread evenly over each tile.
        n : int
        """
        tiles = [list(own) for _, own in itertools.groupby(chosen, _tile_of)]
        n_each = math.ceil(n / len(tiles))
        some = [
            own[i]
            for own in tiles
            for i in evenly_spread(len(own), min(n_each, len(own)))
        ]
        return [self.crop(*each, len(chosen) / len(some)) for each in some]


# Number of the tile, of what `TrainingFrames.crop` takes.
_tile_of = operator.itemgetter(0)


def _log_damage(normalized):
    """Log a warning that says what of a frame is damaged, if anything is."""
    if normalized.has_jump:
        _logger.warning(
            "The contrast of a frame should be of one order of magnitude, but jumps by "
            "hundreds of times from one place to the next: labels may be wrong. Divide "
            "areas by their level, or mask what is no data."
        )
    found = []
    if normalized.n_spikes > MOST_SPIKES * normalized.pixels.size:
        found.append(f"{normalized.n_spikes} pixels far from all others near by")
    if normalized.n_lines:
        found.append(f"{normalized.n_lines} rows or columns unlike those near by")
    if normalized.levelled is not None:
        found.append("offsets of all rows or columns, which are taken off")
    if found:
        _logger.warning(
            "A frame has %s. Look at the labels, and mend or mask what is damaged.",
            ", ".join(found),
        )


def _tiles(shape, cell):
    """Rows and columns of tiles of whole cells, that a crop fits into."""
    axes = []
    for n in shape:
        n_tiles = max(1, n // max(TILE_SIDE, SIDE * cell))
        cuts = np.linspace(0, n, 1 + n_tiles).astype(int) // cell * cell
        cuts[-1] = n
        axes.append([slice(*ends) for ends in itertools.pairwise(cuts.tolist())])
    return list(itertools.product(*axes))


def cut_into_crops(shape, period):
    """Rows and columns of whole cells that cover a frame.

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
    >>> [(columns.start, columns.stop) for _, columns in cut_into_crops((200, 500), 12)]
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


def training_crops(frames):
    """Crops of some frames that templates are learnt from.

    The whole frames, if they have few enough cells. Otherwise crops: half of them are
    those in which the fit of one pattern varies most, so that what is thin or small is
    among them; and half, or one a frame, are spread evenly over all others. Those with
    less than half of the valid pixels that another has do not count. If there are
    examples, those of them that have most pixels in each are the first half.

    Parameters
    ----------
    frames : TrainingFrames

    Returns
    -------
    crops : list of TrainingCrop
    templates : Templates or None
        Of one pattern, if crops were chosen by them.
    """
    numbers = tracked(range(frames.n_tiles), frames.n_tiles, "Fitting")
    if frames.are_small:
        everything = tuple(slice(0, n) for n in frames.shape)
        return [frames.crop(i, everything) for i in numbers], None
    counted = [each for i in numbers for each in _counted(frames, i)]
    least = max(1, max(n_valid for *_, n_valid in counted) / 2)
    candidates = [(i, pixels) for i, pixels, n_valid in counted if n_valid >= least]
    chosen = _with_examples(frames, [each[:2] for each in counted])
    sides = (min(SIDE * frames.cell, n) for n in frames.shape)
    most = max(2, int(MOST_CELLS * frames.cell**2 / math.prod(sides)))
    if len(candidates) <= most and not chosen:
        return [frames.crop(*each) for each in candidates], None
    if chosen:
        others = [each for each in candidates if each not in chosen]
        even = frames.evenly(others, max(1, most - len(chosen))) if others else []
        return [frames.crop(*each) for each in chosen] + even, None
    even = frames.evenly(candidates, most)
    with one_thread:
        templates = one_pattern(
            NormalizedFrame.stacked([each.normalized for each in even]), frames.period
        )
        if not len(templates.reflections):
            return even, None
        varieties = [
            misfit_variance(
                templates, frames.tile(i)[-1], [pixels for _, pixels in own]
            )
            for i, own in itertools.groupby(candidates, _tile_of)
        ]
    order = np.argsort(-np.concatenate(varieties), kind="stable")
    first, others = (
        [candidates[i] for i in np.sort(some)] for some in np.split(order, [most // 2])
    )
    crops = [frames.crop(*each) for each in first]
    return crops + frames.evenly(others, most - len(first)), templates


def _with_examples(frames, candidates):
    """Candidates that have most pixels of each example: list, empty without any."""
    shares = {}
    for i, pixels in candidates:
        labels = frames.examples(i, pixels)
        if labels is None:
            return []
        for label, n in zip(*np.unique(labels, return_counts=True), strict=True):
            if label >= 0:
                shares.setdefault(int(label), []).append((int(n), (i, pixels)))
    chosen = []
    for own in shares.values():
        own.sort(key=lambda each: -each[0])
        chosen += [each for _, each in own[:CROPS_OF_EXAMPLE] if each not in chosen]
    return chosen


def _counted(frames, i):
    """Number of a tile, rows and columns of a crop, valid pixels: of all its crops."""
    _, _, tile = frames.tile(i)
    return [
        (i, pixels, tile.cell_counts[blocks_in(pixels, frames.cell)].sum())
        for pixels in cut_into_crops(tile.shape, frames.period)
    ]
