# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a frame that the scores at a grid depend on."""

import numpy as np


def cut_block(frame, grid, reach, mask=None):
    """Cut out all pixels within reach of a grid.

    Parameters
    ----------
    frame : (rows, columns) array of any real dtype
        Pixels that are not finite are left out.
    grid : Grid
        The pixels to score.
    reach : (int, int)
        How far their scores look along (y, x), in pixels.
    mask : (rows, columns) numpy.ndarray of bool, optional
        True where a pixel is left out.

    Returns
    -------
    values : (block rows, block columns) numpy.ndarray of float64
        Intensities less the offset, and 0 where not valid. They are scaled by a power
        of two, which rounds nothing and keeps all squares finite.
    valid : (block rows, block columns) numpy.ndarray of bool
        False outside the frame too.
    offset : float
        Their mean, in the same scale.
    inside : (slice, slice)
        Where the frame lies in the block. The first pixel of the grid is at `reach`.
    """
    source, inside, shape = [], [], []
    for first, step, size, far, length in zip(
        grid.first, grid.stride, grid.shape, reach, frame.shape, strict=True
    ):
        begin, end = first - far, first + (size - 1) * step + far + 1
        source.append(slice(max(begin, 0), min(end, length)))
        inside.append(slice(max(-begin, 0), min(end, length) - begin))
        shape.append(end - begin)
    source, inside = tuple(source), tuple(inside)
    intensities = np.asarray(frame[source], dtype=np.float64)
    usable = np.isfinite(intensities)
    if mask is not None:
        usable &= ~mask[source]
    values, valid = np.zeros(shape), np.zeros(shape, bool)
    valid[inside] = usable
    if not usable.any():
        return values, valid, 0.0, inside
    used = intensities[usable]
    exponent = np.frexp(np.abs(used).max())[1]
    scaled = np.ldexp(used, -exponent)
    offset = scaled.mean()
    values[inside][usable] = scaled - offset
    return values, valid, offset, inside


def points_in_block(grid, reach):
    """Where the pixels of a grid are in the block that has been cut out for them.

    Parameters
    ----------
    grid : Grid
    reach : (int, int)
        As given to `cut_block`.

    Returns
    -------
    (slice, slice)
    """
    return tuple(
        slice(far, far + (size - 1) * step + 1, step)
        for far, size, step in zip(reach, grid.shape, grid.stride, strict=True)
    )
