# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of frames that templates are learnt from."""

import math

import numpy as np

from hyperspy_symseg.templates.blocks import cell_size

# Cells of all windows together, at most, and cells along a side of one.
MOST_CELLS = 128**2
SIDE = 48
# Frames that are learnt from, if there are so many, however large they are.
FEWEST_FRAMES = 8


def windows(shape, period, n_frames=1):
    """Windows of a frame that templates are learnt from.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a frame.
    period : float
        In pixels.
    n_frames : int
        Number of frames that share in what is learnt from.

    Returns
    -------
    list of (slice, slice)
        The whole frame, if there are few enough periods in it; or windows of 48 cells
        of a period, spread evenly.

    Examples
    --------
    >>> windows((500, 600), 12)
    [(slice(0, 500, None), slice(0, 600, None))]
    >>> len(windows((4000, 4000), 12))
    7
    """
    cell = cell_size(period)
    most = MOST_CELLS / n_frames
    if math.prod(shape) <= most * cell**2:
        return [tuple(slice(0, n) for n in shape)]
    sides = [min(SIDE * cell, n) for n in shape]
    n_windows = max(1, int(most * cell**2 / math.prod(sides)))
    # As many along each axis as there is room for, in the frame's own proportions.
    places = [
        np.linspace(0, n - side, max(1, math.ceil(n / side)))
        for n, side in zip(shape, sides, strict=True)
    ]
    corners = [(y, x) for y in places[0] for x in places[1]]
    chosen = np.linspace(0, len(corners) - 1, min(n_windows, len(corners)))
    return [
        tuple(
            slice(int(start), int(start) + side)
            for start, side in zip(corners[int(i)], sides, strict=True)
        )
        for i in chosen.round()
    ]


def frame_step(shape, period, n_frames):
    """Take every so-manieth frame, so that all windows together are not too large: int.

    Parameters
    ----------
    shape, period, n_frames
        As for `windows`.

    Examples
    --------
    >>> frame_step((2048, 2048), 12, 8), frame_step((2048, 2048), 12, 1000)
    (1, 125)
    """
    sides = (min(SIDE, n / cell_size(period)) for n in shape)
    most = max(FEWEST_FRAMES, int(MOST_CELLS / math.prod(sides)))
    return math.ceil(n_frames / most)


def cut(frame, mask, windows):
    """Windows of a frame, with their masks.

    Parameters
    ----------
    frame : (rows, columns) array
    mask : (rows, columns) array of bool or None
    windows : list of (slice, slice)

    Returns
    -------
    list of (frame, mask)
    """
    return [(frame[each], None if mask is None else mask[each]) for each in windows]


def views_of(frames, masks, period):
    """Windows of frames, with their masks.

    Parameters
    ----------
    frames : list of (rows, columns) array
        Of one shape.
    masks : list of (rows, columns) array of bool or None
    period : float
        In pixels.

    Returns
    -------
    list of (frame, mask)
    """
    return [
        view
        for frame, mask in zip(frames, masks, strict=True)
        for view in cut(frame, mask, windows(frame.shape, period, len(frames)))
    ]
