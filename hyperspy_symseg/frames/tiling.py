# SPDX-License-Identifier: GPL-3.0-or-later
"""A grid cut into tiles that threads compute side by side."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from dask.system import CPU_COUNT

from .checks import check_whole, shown

# Pixels a tile covers, at most: more would leave the processor's cache, fewer would
# spend more on the margin that patch and window need. A little over a power of two, for
# frames of such sizes do not divide evenly by the stride.
TILE_SHAPE = (272, 544)
# Size of a tile's scores, at most, in bytes.
TILE_BYTES = 40 * 2**20
# Threads that anybody can ask for.
MOST_WORKERS = 2**15


def _cuts(n, most):
    """Cut n samples into equal parts of at most `most`."""
    edges = np.linspace(0, n, -(-n // most) + 1).round().astype(int).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def tile_cuts(grid, n_operations):
    """Where a grid is cut into tiles along its two axes.

    The tiles depend on the grid and the number of operations only.

    Parameters
    ----------
    grid : Grid
    n_operations : int

    Returns
    -------
    rows, columns : list of slice
        Every tile is one of the rows and one of the columns.
    """
    rows, columns = (
        max(1, n // step) for n, step in zip(TILE_SHAPE, grid.stride, strict=True)
    )
    points = max(1, TILE_BYTES // (4 * n_operations))
    columns = min(columns, points)
    rows = max(1, min(rows, points // columns))
    return _cuts(grid.shape[0], rows), _cuts(grid.shape[1], columns)


def tile_slices(grid, n_operations, within=None):
    """Tiles of a grid.

    Parameters
    ----------
    grid : Grid
    n_operations : int
    within : (slice, slice), optional
        Rows and columns of the grid, made up of whole tiles: only these.

    Returns
    -------
    list of (slice, slice)
        Rows and columns of the grid.
    """
    cuts = tile_cuts(grid, n_operations)
    if within is not None:
        cuts = [
            [cut for cut in axis if wanted.start <= cut.start < wanted.stop]
            for axis, wanted in zip(cuts, within, strict=True)
        ]
    return list(itertools.product(*cuts))


def check_num_workers(num_workers):
    """Number of threads, as Python's own int.

    Parameters
    ----------
    num_workers : int or None

    Returns
    -------
    int or None

    Raises
    ------
    TypeError
        If it is neither None nor an integer.
    ValueError
        If it is out of range.
    """
    if num_workers is None:
        return None
    return check_whole("num_workers", num_workers, 1, MOST_WORKERS)


def check_progress(progress):
    """Raise a TypeError if something is neither a progress bar nor None."""
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be callable or None, got {shown(progress)}.")


def finish(done, total, progress=None):
    """Do all of some work that is done as it is iterated over.

    Parameters
    ----------
    done : iterable
    total : int
        What there is to do.
    progress : callable, optional
        As in `map_tiles`.

    Raises
    ------
    ValueError
        If a progress bar does not go over all: results would not be filled.
    """
    n_done = 0

    def counted():
        nonlocal n_done
        for each in done:
            n_done += 1
            yield each

    for _ in progress(counted(), total=total) if progress else counted():
        pass
    _check_all(n_done, total)


def handed_on(items, total, progress=None):
    """Items that a progress bar hands on, and an error if these are not all.

    Parameters
    ----------
    items : iterable
    total, progress
        As for `finish`.

    Yields
    ------
    object

    Raises
    ------
    ValueError
        As from `finish`.
    """
    n_done = 0
    for item in progress(items, total=total) if progress else items:
        n_done += 1
        yield item
    _check_all(n_done, total)


def _check_all(n_done, total):
    if n_done < total:
        raise ValueError(
            f"progress must go over all {total} parts of the work, got {n_done}."
        )


def map_tiles(
    function, descriptor, grid, num_workers=None, progress=None, *, within=None
):
    """Call a function for every tile of a grid, in threads.

    Parameters
    ----------
    function : callable
        Takes the rows and columns of the grid (slices) and the tile's own `Grid`. The
        rows and columns count from the start of `within`.
    descriptor : Descriptor
    grid : Grid
    num_workers : int, optional
        Number of threads; by default one a processor.
    progress : callable, optional
        Wraps the iterator over the tiles and takes their number as `total`, as
        ``tqdm.tqdm`` does.
    within : (slice, slice), optional
        As in `tile_slices`.

    Raises
    ------
    TypeError, ValueError
        If `num_workers` is not allowed, or `progress` does not go over all tiles.
    """
    num_workers = check_num_workers(num_workers)
    tiles = tile_slices(grid, len(descriptor.operations), within)
    num_workers = min(num_workers or CPU_COUNT, len(tiles))
    first = (0, 0) if within is None else [axis.start for axis in within]

    def run(tile):
        places = [
            slice(cut.start - begin, cut.stop - begin)
            for cut, begin in zip(tile, first, strict=True)
        ]
        function(*places, grid.part(*tile))

    if num_workers == 1:
        finish(map(run, tiles), len(tiles), progress)
        return
    with ThreadPoolExecutor(num_workers) as pool:
        finish(pool.map(run, tiles), len(tiles), progress)
