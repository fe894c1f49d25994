# SPDX-License-Identifier: GPL-3.0-or-later
"""A grid cut into tiles that threads compute side by side."""

import itertools

import numpy as np

from .memory import keep_freed_memory
from .threads import pmap

# Size of a tile's scores, at most, in bytes.
TILE_BYTES = 40 * 2**20


def evenly_spread(n, count):
    """Indices of some of n things, from the first to the last.

    Parameters
    ----------
    n, count : int

    Returns
    -------
    list of int
        The middle one, if only one is wanted.

    Examples
    --------
    >>> evenly_spread(8, 3), evenly_spread(8, 1)
    ([0, 4, 7], [4])
    """
    if count == 1:
        return [n // 2]
    return np.linspace(0, n - 1, count).round().astype(int).tolist()


def even_cuts(n, most):
    """Cut a length into equal ones of at most another: list of slice.

    Examples
    --------
    >>> even_cuts(10, 4)
    [slice(0, 3, None), slice(3, 7, None), slice(7, 10, None)]
    """
    edges = evenly_spread(n + 1, -(-n // most) + 1)
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def tile_cuts(descriptor, grid, within=None):
    """Where a grid is cut into tiles along its two axes.

    The tiles depend on the grid, the number of operations and `Descriptor.tile_shape`
    only.

    Parameters
    ----------
    descriptor : Descriptor
    grid : Grid
    within : (slice, slice), optional
        Rows and columns of the grid, made up of whole tiles: only these.

    Returns
    -------
    rows, columns : list of slice
        Every tile is one of the rows and one of the columns.
    """
    rows, columns = (
        max(1, n // step)
        for n, step in zip(descriptor.tile_shape, grid.stride, strict=True)
    )
    points = max(1, TILE_BYTES // (4 * len(descriptor.operations)))
    columns = min(columns, points)
    rows = max(1, min(rows, points // columns))
    cuts = even_cuts(grid.shape[0], rows), even_cuts(grid.shape[1], columns)
    if within is None:
        return cuts
    return tuple(
        [cut for cut in axis if wanted.start <= cut.start < wanted.stop]
        for axis, wanted in zip(cuts, within, strict=True)
    )


def map_tiles(function, descriptor, grid, *, counted, within=None):
    """Call a function for every tile of a grid, in the threads of the context.

    Parameters
    ----------
    function : callable
        Takes the rows and columns of the grid (slices) and the tile's own `Grid`. The
        rows and columns count from the start of `within`.
    descriptor : Descriptor
    grid : Grid
    counted : str or None
        As for `pmap`.
    within : (slice, slice), optional
        As in `tile_cuts`.

    Raises
    ------
    ValueError
        If a progress bar does not go over all tiles.
    """
    keep_freed_memory()
    tiles = list(itertools.product(*tile_cuts(descriptor, grid, within)))
    first = (0, 0) if within is None else [axis.start for axis in within]

    def run(tile):
        places = [
            slice(cut.start - begin, cut.stop - begin)
            for cut, begin in zip(tile, first, strict=True)
        ]
        function(*places, grid.within(*tile))

    pmap(run, tiles, counted=counted)
