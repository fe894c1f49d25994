# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels by the templates of the patterns."""

import numpy as np

from hyperspy_symseg.frames.parts import widened
from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.templates.blocks import BlockedFrame, cell_size
from hyperspy_symseg.templates.boundaries import sharpened, straightened
from hyperspy_symseg.templates.potts import most_probable

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


def refine(templates, frame, mask, part, certainty=True, blocked=None):
    """Labels of the pixels of a part of a frame, and their certainty.

    Parameters
    ----------
    templates : Templates
    frame : (rows, columns) numpy.ndarray or Tile
    mask : (rows, columns) array of bool, Tile or None
        True where a pixel is left out.
    part : Tile
    certainty : bool
        Whether it is asked for.
    blocked : BlockedFrame, optional
        The whole frame, if that is what the labels depend on.

    Returns
    -------
    labels : (part rows, part columns) numpy.ndarray of int16
        None is left out.
    certainty : (part rows, part columns) numpy.ndarray of float32
        Probability of the label, or None: the posteriors of the blocks, with straight
        boundaries, are interpolated, and raised to a power that calibrates them.
    """
    window = window_around(part.inner, templates, frame.shape)
    first = tuple(axis.start for axis in window)
    sides = tuple(axis.stop - axis.start for axis in window)
    if blocked is None or sides != frame.shape:
        masked = None if mask is None else mask[window]
        blocked = BlockedFrame(frame[window], masked, templates.period, first)
    posterior = straightened(*templates.posterior(blocked))
    rows, columns = (
        np.arange(axis.start - begin, axis.stop - begin)
        for axis, begin in zip(part.inner, first, strict=True)
    )
    posterior = interpolate(posterior, blocked.block, rows, columns)
    labels = most_probable(posterior)
    if blocked.flat is not None:
        labels[blocked.flat[np.ix_(rows, columns)]] = -1
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
    out = np.empty((len(posterior), len(rows), len(columns)), np.float32)

    def of_pattern(k):
        own = posterior[k]
        for axis, pixels in enumerate((rows, columns)):
            places = (pixels - (block - 1) / 2) / block
            last = own.shape[axis] - 1
            before = np.clip(np.floor(places).astype(int), 0, last)
            share = np.clip(places - before, 0, 1).astype(np.float32)
            low = own.take(before, axis)
            step = own.take(np.minimum(before + 1, last), axis)
            step -= low
            step *= np.expand_dims(share, 1 - axis)
            own = np.add(step, low, out=out[k] if axis else step)

    pmap(of_pattern, range(len(posterior)))
    return out
