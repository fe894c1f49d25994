# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of the scores refined by the templates of the patterns."""

import numpy as np

from hyperspy_symseg.templates.blocks import BlockedFrame, cell_size
from hyperspy_symseg.templates.boundaries import sharpened, straightened
from hyperspy_symseg.templates.choosing import start_from_labels
from hyperspy_symseg.templates.potts import most_probable

from .parts import widened
from .upsampling import labels_at

# Periods around a part of a frame that its labels depend on.
MARGIN = 24


def margin(templates):
    """Pixels around a part of a frame that its labels depend on: int."""
    cell = cell_size(templates.period)
    return (round(MARGIN * templates.period) // cell + 1) * cell


def window_around(pixels, templates, shape):
    """Rows and columns that the labels of some depend on, from whole cells on.

    Parameters
    ----------
    pixels : (slice, slice)
    templates : Templates
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (slice, slice)
    """
    cell = cell_size(templates.period)
    return tuple(
        slice(axis.start // cell * cell, axis.stop)
        for axis in widened(pixels, margin(templates) - cell, shape)
    )


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


def refine(templates, labels, frame, mask, grid, part, certainty=True, mapped=map):
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
    certainty : bool
        Whether it is asked for.
    mapped : callable
        Applies a function to every pattern, as `map` does.

    Returns
    -------
    labels : (part rows, part columns) numpy.ndarray
        Same dtype as the labels given.
    certainty : (part rows, part columns) numpy.ndarray of float32
        Probability of the label, or None: the posteriors of the blocks, with straight
        boundaries, are interpolated, and raised to a power that calibrates them.
    """
    window = window_around(part.pixels, templates, frame.shape)
    first = tuple(axis.start for axis in window)
    blocked = BlockedFrame(
        frame[window], None if mask is None else mask[window], templates.period, first
    )
    start = labels_at(
        labels, grid.part(*part.samples), *block_centres(blocked, first), part.pixels
    )
    posterior = straightened(
        *templates.posterior(
            blocked, start_from_labels(start, templates.n_patterns), mapped
        )
    )
    rows, columns = (
        np.arange(axis.start - begin, axis.stop - begin)
        for axis, begin in zip(part.pixels, first, strict=True)
    )
    posterior = interpolate(posterior, blocked.block, rows, columns)
    labels = most_probable(posterior).astype(labels.dtype)
    if not certainty:
        return labels, None
    return labels, sharpened(posterior).max(axis=0)


def interpolate(posterior, block, rows, columns):
    """Posterior of pixels from that of the blocks, by linear interpolation.

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) numpy.ndarray of float32
    block : int
        Side of a block, in pixels.
    rows, columns : numpy.ndarray of int
        Of the pixels.

    Returns
    -------
    (patterns, rows, columns) numpy.ndarray of float32

    Examples
    --------
    >>> blocks = np.array([[[0.0, 1.0]]], np.float32)
    >>> interpolate(blocks, 2, np.arange(2), np.arange(4))[0, 0]
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    for axis, pixels in ((1, rows), (2, columns)):
        places = (pixels - (block - 1) / 2) / block
        last = posterior.shape[axis] - 1
        before = np.clip(np.floor(places).astype(int), 0, last)
        share = np.clip(places - before, 0, 1).astype(np.float32)
        share = np.expand_dims(share, tuple({0, 1, 2} - {axis}))
        low = posterior.take(before, axis)
        posterior = posterior.take(np.minimum(before + 1, last), axis)
        posterior -= low
        posterior *= share
        posterior += low
    return posterior
