# SPDX-License-Identifier: GPL-3.0-or-later
"""A large frame cut into tiles that are labelled on their own, to the same labels.

They are made up of whole tiles of the grid, which are scored one by one, wherever the
frame is cut: so the labels do not depend on it.
"""

from .tile import Tile, hull
from .tiling import tile_cuts

# Pixels that a tile covers, at most.
LARGEST_TILE = (2048, 2048)


def _labelled_pixels(cut, first, stride, size, length):
    """Pixels along one axis that get the labels of a cut through the grid."""
    begin, end = (
        first + place * stride - stride // 2 for place in (cut.start, cut.stop)
    )
    return slice(
        begin if cut.start > 0 else 0,
        end if cut.stop < size else length,
    )


def _join(cuts, most, *axis):
    """Join neighbouring cuts up to a number of pixels that get their labels.

    Parameters
    ----------
    cuts : list of slice
        Through the samples along one axis.
    most : int
    *axis
        As in `_labelled_pixels`.

    Returns
    -------
    list of (slice, slice)
        Samples, and the pixels that get their labels.
    """
    joined = []
    for cut in cuts:
        if joined:
            both = slice(joined[-1][0].start, cut.stop)
            pixels = _labelled_pixels(both, *axis)
            if pixels.stop - pixels.start <= most:
                joined[-1] = both, pixels
                continue
        joined.append((cut, _labelled_pixels(cut, *axis)))
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
        grid.shape,
        shape,
    )

    def tile(row, column):
        samples, pixels = zip(row, column, strict=True)
        support = descriptor.support(grid.within(*samples), shape)
        outer = hull([support, widened(pixels, margin, shape)])
        return Tile(tuple(shape), pixels, outer, samples)

    return [[tile(row, column) for column in columns] for row in rows]


def widened(pixels, margin, shape):
    """Rows and columns with a margin around them, as far as the frame goes.

    Parameters
    ----------
    pixels : (slice, slice)
    margin : int
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (slice, slice)

    Examples
    --------
    >>> widened((slice(3, 8), slice(10, 20)), 4, (40, 21))
    (slice(0, 12, None), slice(6, 21, None))
    """
    return tuple(
        slice(max(axis.start - margin, 0), min(axis.stop + margin, length))
        for axis, length in zip(pixels, shape, strict=True)
    )


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
