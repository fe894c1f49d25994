# SPDX-License-Identifier: GPL-3.0-or-later
"""From labels on the grid to the labels of the frame."""

from dataclasses import replace

import numpy as np


def _nearest(first, stride, size, length):
    """Place in the grid of the sample nearest to every pixel of one axis."""
    places = (np.arange(length) - first + stride // 2) // stride
    return np.clip(places, 0, size - 1)


def upsample_labels(labels, grid, shape):
    """Give every pixel the label of the nearest sample (the paper's appendix C).

    Parameters
    ----------
    labels : (grid rows, grid columns) numpy.ndarray
    grid : Grid
        Where the labels were sampled.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (rows, columns) numpy.ndarray
        Same dtype as the labels. Between two samples equally near, the later one
        counts.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import Grid
    >>> grid = Grid.over((1, 7), (1, 3))
    >>> upsample_labels(np.array([[0, 1, 2]]), grid, (1, 7))
    array([[0, 0, 1, 1, 1, 2, 2]])
    """
    rows, columns = map(_nearest, grid.first, grid.stride, grid.shape, shape)
    # Columns first, as long as there are few rows.
    return labels[:, columns][rows]


def complete_labels(labels, grid, frame, mask, pixels, upsample):
    """Upsample labels if asked for, and set them to -1 where a pixel is left out.

    Parameters
    ----------
    labels : (grid rows, grid columns) numpy.ndarray
    grid : Grid
        Where the labels were sampled.
    frame : (rows, columns) numpy.ndarray or FramePart
        Pixels that are not finite are left out.
    mask : (rows, columns) array of bool, FramePart or None
        True where a pixel is left out.
    pixels : (slice, slice)
        Rows and columns of the frame that get a label.
    upsample : bool

    Returns
    -------
    (rows, columns) or (grid rows, grid columns) numpy.ndarray
    """
    # As seen from the first of these pixels.
    first = tuple(a - axis.start for a, axis in zip(grid.first, pixels, strict=True))
    grid = replace(grid, first=first)
    if upsample:
        shape = [axis.stop - axis.start for axis in pixels]
        labels, chosen = upsample_labels(labels, grid, shape), np.s_[:, :]
    else:
        chosen = np.ix_(grid.rows, grid.columns)
    if frame.dtype.kind == "f":
        labels[~np.isfinite(frame[pixels][chosen])] = -1
    if mask is not None:
        labels[mask[pixels][chosen]] = -1
    return labels
