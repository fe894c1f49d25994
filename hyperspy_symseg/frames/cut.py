# SPDX-License-Identifier: GPL-3.0-or-later
"""A large frame cut into tiles that are labelled on their own, to the same labels.

They are made up of whole tiles of the grid, which are scored one by one, wherever the
frame is cut: so the labels do not depend on it.
"""

from .tile import Tile, hull, widened
from .tiling import tile_cuts

# Pixels that a tile covers, at most.
LARGEST_TILE = (2048, 2048)


def _join(cuts, most, first, stride, length):
    """Join neighbouring cuts up to a number of pixels that get their labels.

    Parameters
    ----------
    cuts : list of slice
        Through the samples along one axis.
    most : int
    first, stride, length : int
        The first sample, the distance of samples, and the size of the frame.

    Returns
    -------
    list of (slice, slice)
        Samples, and the pixels that get their labels.
    """
    edges = [0, *(first + cut.start * stride - stride // 2 for cut in cuts[1:]), length]
    joined, begin = [], 0
    for end in range(1, len(cuts) + 1):
        # Another cut would be too many.
        if end == len(cuts) or edges[end + 1] - edges[begin] > most:
            samples = slice(cuts[begin].start, cuts[end - 1].stop)
            joined.append((samples, slice(edges[begin], edges[end])))
            begin = end
    return joined


def cut_into_tiles(descriptor, grid, shape, tile_shape=None, margin=0):
    """Cut a frame into tiles of a size.

    Parameters
    ----------
    descriptor : Descriptor
    grid : Grid
        The pixels to be scored.
    shape : (int, int)
        Rows and columns of the frame.
    tile_shape : (int, int), optional
        Rows and columns of a tile, at most; but at least one tile of the grid. By
        default, 2048 x 2048.
    margin : int
        Pixels around a tile that its labels depend on, apart from the scores.

    Returns
    -------
    list of list of Tile
        Rows of tiles. A single one if the frame is no larger than a tile.

    Examples
    --------
    >>> from hyperspy_symseg.descriptors import TranslationSymmetry
    >>> from hyperspy_symseg.frames import Grid
    >>> grid = Grid.over((1000, 4000), 5)
    >>> [tiles] = cut_into_tiles(TranslationSymmetry(), grid, (1000, 4000))
    >>> [tile.inner[1] for tile in tiles]
    [slice(0, 2000, None), slice(2000, 4000, None)]
    """
    rows, columns = map(
        _join,
        tile_cuts(descriptor, grid),
        tile_shape or LARGEST_TILE,
        grid.first,
        grid.stride,
        shape,
    )

    tiles = []
    for row in rows:
        tiles.append([])
        for column in columns:
            samples, inner = zip(row, column, strict=True)
            support = descriptor.support(grid.within(*samples), shape)
            outer = hull([support, widened(inner, margin, shape)])
            tiles[-1].append(Tile(tuple(shape), inner, outer, samples))
    return tiles


def whole(grid, shape):
    """The whole of a frame as one tile.

    Parameters
    ----------
    grid : Grid
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    Tile
    """
    pixels = tuple(slice(0, n) for n in shape)
    samples = tuple(slice(0, n) for n in grid.shape)
    return Tile(tuple(shape), pixels, pixels, samples)
