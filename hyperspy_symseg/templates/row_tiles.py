# SPDX-License-Identifier: GPL-3.0-or-later
"""Large arrays done in tiles of whole rows."""

import numpy as np

from hyperspy_symseg.frames.threads import pmap

# Rows of a tile.
ROWS = 256


def in_row_tiles(function, array, reach, height=ROWS):
    """Result of a function that looks a few rows away, tile by tile.

    If the function looks no farther, it is the same as without tiles.

    Parameters
    ----------
    function : callable
        Takes and returns an array (..., rows, columns) of float32.
    array : (..., rows, columns) numpy.ndarray of float32
    reach : int
        Rows around a row that its result depends on.
    height : int
        Rows of a tile.

    Returns
    -------
    (..., rows, columns) numpy.ndarray of float32

    Examples
    --------
    >>> rows = np.arange(1000, dtype=np.float32)[:, np.newaxis]
    >>> np.array_equal(in_row_tiles(np.cos, rows, 0), np.cos(rows))
    True
    """
    n_rows = array.shape[-2]
    if n_rows <= height:
        return function(array)
    out = np.empty(array.shape, np.float32)

    def of_tile(first):
        last = min(first + height, n_rows)
        start, stop = max(first - reach, 0), min(last + reach, n_rows)
        found = function(array[..., start:stop, :])
        out[..., first:last, :] = found[..., first - start : last - start, :]

    pmap(of_tile, range(0, n_rows, height))
    return out
