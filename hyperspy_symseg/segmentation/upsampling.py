# SPDX-License-Identifier: GPL-3.0-or-later
"""From labels on the grid to the labels of the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from hyperspy_symseg.frames import Grid


def labels_at(labels, grid, rows, columns):
    """Labels of the samples nearest to some rows and columns.

    Parameters
    ----------
    labels : (grid rows, grid columns) numpy.ndarray
    grid : Grid
        Where the labels were sampled.
    rows, columns : numpy.ndarray of int

    Returns
    -------
    (rows, columns) numpy.ndarray
        Same dtype as the labels. Between two samples equally near, the later one
        counts.

    Examples
    --------
    >>> from hyperspy_symseg.frames import Grid
    >>> grid = Grid.over((1, 7), (1, 3))
    >>> labels_at(np.array([[0, 1, 2]]), grid, np.arange(1), np.arange(7))
    array([[0, 0, 1, 1, 1, 2, 2]])
    """
    nearest = []
    axes = zip(grid.first, grid.stride, grid.shape, (rows, columns), strict=True)
    for first, stride, size, pixels in axes:
        indices = (pixels - first + stride // 2) // stride
        nearest.append(np.clip(indices, 0, size - 1))
    # Columns first, as long as there are few rows.
    return labels[:, nearest[1]][nearest[0]]


def upsample_labels(
    labels: ArrayLike, grid: Grid, shape: tuple[int, int]
) -> np.ndarray:
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
        As from `labels_at`.

    Examples
    --------
    >>> from hyperspy_symseg.frames import Grid
    >>> grid = Grid.over((1, 7), (1, 3))
    >>> upsample_labels(np.array([[0, 1, 2]]), grid, (1, 7))
    array([[0, 0, 1, 1, 1, 2, 2]])
    """
    return labels_at(labels, grid, *map(np.arange, shape))


def leave_out(labels, chosen, frame, mask, pixels):
    """Set the labels to -1 where a pixel is left out, in place.

    Parameters
    ----------
    labels : (rows, columns) or (grid rows, grid columns) numpy.ndarray
    chosen : tuple
        Index of the pixels that they belong to.
    frame : (rows, columns) numpy.ndarray or Tile
        Pixels that are not finite are left out.
    mask : (rows, columns) array of bool, Tile or None
        True where a pixel is left out.
    pixels : (slice, slice)
        Rows and columns of the frame that the index is of.
    """
    if frame.dtype.kind == "f":
        labels[~np.isfinite(frame[pixels][chosen])] = -1
    if mask is not None:
        labels[mask[pixels][chosen]] = -1
