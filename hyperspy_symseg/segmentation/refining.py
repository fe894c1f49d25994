# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the scores refined by the templates of the patterns."""

import numpy as np
from scipy import ndimage

from hyperspy_symseg.templates.blocks import (
    BLOCKS_IN_CELL,
    BlockedFrame,
    cell_size,
    spread,
)
from hyperspy_symseg.templates.choosing import start_from_labels

from .parts import widened
from .upsampling import labels_at

# Periods around a part of a frame that its labels depend on.
MARGIN = 24


def margin(templates):
    """Pixels around a part of a frame that its labels depend on: int."""
    cell = cell_size(templates.period)
    return (round(MARGIN * templates.period) // cell + 1) * cell


def block_centres(frame, first):
    """Rows and columns of the pixels in the middle of the blocks.

    Parameters
    ----------
    frame : BlockedFrame
    first : (int, int)
        Where its first pixel lies.

    Returns
    -------
    (numpy.ndarray, numpy.ndarray)
    """
    return tuple(
        start + np.minimum(np.arange(n) * frame.block + frame.block // 2, length - 1)
        for start, n, length in zip(first, frame.counts.shape, frame.shape, strict=True)
    )


def refine(templates, labels, frame, mask, grid, part, mapped=map):
    """Labels of the pixels of a part of a frame, and their certainty.

    Parameters
    ----------
    templates : Templates
    labels : (part grid rows, part grid columns) numpy.ndarray of int
        Labels of the scores; -1 where there is none.
    frame : (rows, columns) numpy.ndarray or FramePart
    mask : (rows, columns) array of bool, FramePart or None
        True where a pixel is left out.
    grid : Grid
        Where the frame is sampled.
    part : Part
    mapped : callable
        Applies a function to every pattern, as `map` does.

    Returns
    -------
    labels : (part rows, part columns) numpy.ndarray
        Same dtype as the labels given.
    certainty : (part rows, part columns) numpy.ndarray of float32
        Probability of the label: its posterior, averaged over the cell about a block.
    """
    cell = cell_size(templates.period)
    window = widened(part.pixels, margin(templates) - cell, frame.shape)
    first = tuple(axis.start // cell * cell for axis in window)
    window = tuple(
        slice(start, axis.stop) for start, axis in zip(first, window, strict=True)
    )
    blocked = BlockedFrame(
        frame[window], None if mask is None else mask[window], templates.period, first
    )
    start = labels_at(
        labels, grid.part(*part.samples), *block_centres(blocked, first), part.pixels
    )
    posterior = templates.posterior(
        blocked, start_from_labels(start, templates.n_patterns), mapped
    )
    best = posterior.argmax(axis=0)
    # Where a boundary runs is known no better than to a cell.
    means = ndimage.uniform_filter(
        posterior, (1, BLOCKS_IN_CELL, BLOCKS_IN_CELL), mode="nearest"
    )
    certainty = np.take_along_axis(means, best[np.newaxis], axis=0)[0]
    inside = tuple(
        slice(axis.start - begin, axis.stop - begin)
        for axis, begin in zip(part.pixels, first, strict=True)
    )
    return tuple(
        spread(each, blocked.block, blocked.shape)[inside]
        for each in (best.astype(labels.dtype), certainty)
    )
