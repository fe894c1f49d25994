# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: checked, and the pixels of each pattern."""

import numpy as np


def check_labels(labels, n_patterns):
    """Check that labels are those of so many patterns.

    Parameters
    ----------
    labels : numpy.ndarray
    n_patterns : int

    Returns
    -------
    numpy.ndarray
        The labels, of a dtype that can be indices.

    Raises
    ------
    ValueError
        If they are not.
    """
    must = f"labels must be ints from -1 to {n_patterns - 1}"
    if labels.dtype.kind not in "iu":
        raise ValueError(f"{must}, got {labels.dtype}.")
    if labels.size:
        least, largest = labels.min(), labels.max()
        if least < -1 or largest >= n_patterns:
            raise ValueError(f"{must}, got some from {least} to {largest}.")
    return labels if np.can_cast(labels.dtype, np.intp) else labels.astype(np.intp)


def own_pixels(tile, n_patterns):
    """Valid pixels of each pattern in a tile: iterator of (rows, columns) bool arrays.

    Parameters
    ----------
    tile : Tile
    n_patterns : int or None
        None: there are no labels, and all pixels are of one.
    """
    if n_patterns is None:
        yield tile.valid
        return
    labels = check_labels(tile.labels, n_patterns)
    for k in range(n_patterns):
        yield tile.valid & (labels == k)
