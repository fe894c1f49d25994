# SPDX-License-Identifier: GPL-3.0-or-later
"""From labels on the grid to the labels of the frame."""

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
    rows, columns = (
        _nearest(*axis)
        for axis in zip(grid.first, grid.stride, grid.shape, shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def complete_labels(labels, grid, frame, mask, upsample):
    """Upsample labels if asked for, and set them to -1 where a pixel is left out.

    Parameters
    ----------
    labels : (grid rows, grid columns) numpy.ndarray
    grid : Grid
    frame : (rows, columns) numpy.ndarray
        Pixels that are not finite are left out.
    mask : (rows, columns) array of bool or None
        True where a pixel is left out.
    upsample : bool

    Returns
    -------
    (rows, columns) or (grid rows, grid columns) numpy.ndarray
    """
    left_out = ~np.isfinite(frame)
    if mask is not None:
        left_out |= np.asarray(mask)
    if upsample:
        labels = upsample_labels(labels, grid, frame.shape)
    else:
        left_out = left_out[np.ix_(grid.rows, grid.columns)]
    labels[left_out] = -1
    return labels
