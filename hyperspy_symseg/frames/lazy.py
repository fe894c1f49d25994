# SPDX-License-Identifier: GPL-3.0-or-later
"""Dask arrays of frames, and of what an analysis finds in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
import numpy as np

from .analysis import MapAnalysis, as_objects
from .graph import FRAMES, SOURCE, mark
from .tile import Tile, lengths

if TYPE_CHECKING:
    import dask.array as da
    from numpy.typing import ArrayLike

    from hyperspy_symseg.frames.analysis import Analysis


def lazy_frames(data):
    """Frames as a dask array with one a chunk along the navigation axes.

    Parameters
    ----------
    data : (..., rows, columns) numpy.ndarray or dask.array.Array

    Returns
    -------
    dask.array.Array
        It has layers for the chunks of the source and for the frames, which
        `evaluate_frames` looks for. One that has them gets no more.
    """
    array = _lazily(data)
    layers = array.__dask_graph__().layers
    if any(name.startswith(f"{FRAMES}-") for name in layers):
        return _one_by_one(array)
    frames = _one_by_one(mark(array, SOURCE))
    # There is no other place for the size, which is wanted when frames are grouped.
    n_frames = math.prod(frames.shape[:-2])
    return mark(frames, f"{FRAMES}-{frames.nbytes // n_frames}")


def _lazily(data):
    """Frames as a dask array."""
    if dask.is_dask_collection(data):
        return data
    # It is slow to import.
    import dask.array as da

    chunks = (*(1,) * (data.ndim - 2), *data.shape[-2:])
    return da.from_array(np.asarray(data), chunks=chunks, name=False)


def _one_by_one(array):
    """The same frames, with one a chunk along the navigation axes."""
    return array.rechunk(dict.fromkeys(range(array.ndim - 2), 1))


def whole_frames(array):
    """The same array, with one frame a chunk.

    Parameters
    ----------
    array : (..., rows, columns) dask.array.Array

    Returns
    -------
    dask.array.Array
    """
    # One by one before they are put together, or whole stacks would be.
    return _one_by_one(array).rechunk({-2: -1, -1: -1})


def lazy(
    analysis: Analysis,
    frames: np.ndarray | da.Array | tuple[np.ndarray | da.Array, ...] | None,
    labels: np.ndarray | da.Array | None = None,
    mask: ArrayLike | None = None,
    *,
    tile_shape: tuple[int, int] | None = None,
) -> da.Array:
    """What an analysis finds in frames, as a dask array; nothing is computed.

    Parameters
    ----------
    analysis : Analysis
    frames : (..., rows, columns) numpy.ndarray or dask.array.Array, or None
        A tuple of several, such as channels or consecutive frames, is one of a tile,
        too. None if the analysis is one of labels alone.
    labels : (..., rows, columns) numpy.ndarray or dask.array.Array of int, optional
    mask : (rows, columns) or (..., rows, columns) array of bool, optional
        True where a pixel is left out.
    tile_shape : (int, int), optional
        As for `Analysis.tiles`.

    Returns
    -------
    dask.array.Array
        (..., rows, columns, *axes) of a `MapAnalysis`. (..., *shape) of a
        `SumAnalysis`, or only its shape if it is one of all frames. (..., 1) of a
        `PointAnalysis`: each element is the array (n, k) of a frame.

    Examples
    --------
    >>> from hyperspy_symseg.frames.extremes import Extremes
    >>> lazy(Extremes(), np.arange(12).reshape(2, 2, 3))["high"].compute()
    array([ 5., 11.])
    """
    found = lazy_tiles(analysis, frames, labels, mask, tile_shape)
    if not isinstance(analysis, MapAnalysis):
        return _gathered(analysis, found)
    n_navigation = found.ndim - 2 - len(analysis.axes)
    if analysis.checked_by is None or not n_navigation:
        return found
    total = lazy(analysis.checked_by, frames, labels, mask)
    total = total[(..., *(np.newaxis,) * (2 + len(analysis.axes)))]
    found = found.rechunk(dict.fromkeys(range(n_navigation, found.ndim), -1))
    known = {"analysis": _shared(analysis), "n_navigation": n_navigation}
    return _mapped(_check_block, [found, total], found.chunks, found.dtype, **known)


def lazy_tiles(analysis, frames, labels=None, mask=None, tile_shape=None):
    """What an analysis finds in the tiles of frames, not put together yet.

    Parameters
    ----------
    analysis, frames, labels, mask, tile_shape
        As for `lazy`.

    Returns
    -------
    (..., tiles along y, tiles along x) dask.array.Array of object
        But of a `MapAnalysis`, its maps: (..., rows, columns, *axes).
    """
    names, arrays = _sources(analysis, frames, labels, mask)
    first = arrays[0]
    starts = [
        range(len(n)) if max(n) == 1 else np.cumsum((0, *n)).tolist()
        for n in first.chunks
    ]
    blocks = _shared(_Blocks(analysis, tuple(names), first.shape[-2:], starts))
    prepared = []
    if analysis.prepare is not None:
        frames, chunks = (
            list(map(whole_frames, arrays)),
            (*first.chunks[:-2], (1,), (1,)),
        )
        prepared.append(_mapped(_prepare_block, frames, chunks, object, blocks=blocks))
    tiles = analysis.tiles(first.shape[-2:], tile_shape)
    if tiles is None:
        chunks = dict(zip((-2, -1), first.chunks[-2:], strict=True))
        arrays = [array.rechunk(chunks) for array in arrays]
        return _map_tile(analysis, [*arrays, *prepared], None, blocks)

    def of_tile(tile):
        cut = [array[(..., *tile.outer)].rechunk({-2: -1, -1: -1}) for array in arrays]
        return _map_tile(analysis, [*cut, *prepared], tile, blocks)

    rows = [np.concatenate(list(map(of_tile, row)), first.ndim - 1) for row in tiles]
    return np.concatenate(rows, first.ndim - 2)


def named_arrays(frames, labels, mask):
    """Arrays with the names of what a tile has: list of (str, array).

    Parameters
    ----------
    frames, labels, mask
        As for `lazy`.
    """
    channels = frames if isinstance(frames, tuple) else (frames,)
    name = "channel" if isinstance(frames, tuple) else "values"
    arrays = [*((name, each) for each in channels), ("labels", labels), ("mask", mask)]
    return [pair for pair in arrays if pair[1] is not None]


def _sources(analysis, *given):
    """Names and dask arrays of what a tile has: two lists."""
    names, arrays = map(list, zip(*named_arrays(*given), strict=True))
    of_frames = [array for array in arrays if array.ndim > 2]
    for i, (name, array) in enumerate(zip(names, arrays, strict=True)):
        # Labels are no source: in most files each frame of them has a chunk of its own,
        # and then frames from one chunk of the micrographs would not be read together.
        if name != "labels":
            array = lazy_frames(array)
        else:
            array = _lazily(array)
            if len(of_frames) > 1 or i > 0 or analysis.prepare is not None:
                array = _one_by_one(array)
        arrays[i] = whole_frames(array) if analysis.whole_frames else array
    return names, arrays


def _shared(value):
    """A value that is there once for all tasks of a graph."""
    return dask.delayed(value, traverse=False, pure=True)


def _mapped(function, arrays, chunks, dtype, *, kept=None, **known):
    """What a function gives for blocks: dask.array.Array of these chunks.

    The first axes are those of the first array: all, or as many as are kept.
    """
    kept, ndim = arrays[0].ndim if kept is None else kept, len(chunks)
    first, *others = arrays
    return first.map_blocks(
        function,
        *others,
        **known,
        drop_axis=list(range(kept, arrays[0].ndim)),
        new_axis=list(range(kept, ndim)) or None,
        chunks=chunks,
        dtype=dtype,
        meta=np.empty((0,) * ndim, dtype),
    )


def _map_tile(analysis, arrays, tile, blocks):
    """Results of a tile of every frame; without one, of every chunk of the frames."""
    first = arrays[0]
    chunks, axes, dtype = first.chunks[-2:], (), object
    if not isinstance(analysis, MapAnalysis):
        chunks = tuple((1,) * len(axis) for axis in chunks)
    else:
        axes, dtype = analysis.axes, analysis.dtype
        if tile is not None:
            chunks = tuple((n,) for n in lengths(analysis.target(tile)))
    chunks = (*first.chunks[:-2], *chunks, *((n,) for n in axes))
    return _mapped(_process_block, arrays, chunks, dtype, blocks=blocks, tile=tile)


@dataclass(frozen=True)
class _Blocks:
    """What the tasks of a graph know of the blocks that they get.

    Attributes
    ----------
    analysis : Analysis
    names : tuple of str
        Of the arrays, as from `named_arrays`.
    shape : (int, int)
        Rows and columns of a frame.
    starts : list of (list of int or range)
        Where the chunks of the first array begin along its axes.
    """

    analysis: Any
    names: tuple[str, ...]
    shape: tuple[int, int]
    starts: list

    def frames(self, given, block_id, tile=None):
        """Frames of a block, as far as a tile sees them: iterator of Tile."""
        navigation = given[0].shape[:-2]
        n = len(navigation)
        first = [axis[i] for axis, i in zip(self.starts, block_id, strict=False)]
        if tile is None:
            pixels = zip(first[n:], given[0].shape[n:], strict=False)
            pixels = tuple(slice(begin, begin + length) for begin, length in pixels)
            tile = Tile(self.shape, pixels, pixels)
        arrays, prepared = given[: len(self.names)], given[len(self.names) :]
        for place in np.ndindex(navigation):
            index = tuple(a + b for a, b in zip(first[:n], place, strict=True))
            own = [array if array.ndim == 2 else array[place] for array in arrays]
            yield filled(
                tile, index, self.names, own, *(each[place][0, 0] for each in prepared)
            )


def _prepare_block(*given, blocks, block_id):
    """What `prepare` finds in the frames of a block, with the axes of the array."""
    found = list(map(blocks.analysis.prepare, blocks.frames(given, block_id)))
    return as_objects(found).reshape(*given[0].shape[:-2], 1, 1)


def _process_block(*given, blocks, tile, block_id):
    """Results of a tile of the frames of a block, with the axes of the array."""
    navigation, analysis = given[0].shape[:-2], blocks.analysis
    found = [
        process_tile(analysis, frame, frame)
        for frame in blocks.frames(given, block_id, tile)
    ]
    if isinstance(analysis, MapAnalysis):
        # Of one frame, as it is.
        found = found[0][np.newaxis] if len(found) == 1 else np.stack(found)
        return found.reshape(*navigation, *found.shape[1:])
    return as_objects(found).reshape(*navigation, 1, 1)


def process_tile(analysis, frame, tile):
    """What an analysis finds in a tile of a frame.

    Parameters
    ----------
    analysis : Analysis
    frame : Tile
        With all that the tile sees.
    tile : Tile
        The frame itself, or one without pixels.
    """
    if tile is not frame:
        tile = tile.seen_in(frame)
    return analysis.checked(analysis.process(tile), tile)


def filled(tile, index, names, given, prepared=None):
    """A tile with what it has: Tile.

    Parameters
    ----------
    tile : Tile
    index : tuple of int
        Place of the frame.
    names : sequence of str
        Of attributes of the tile; "channel" for one of several `values`.
    given : list
        What they are.
    prepared : object
    """
    has = dict(zip(names, given, strict=True))
    if "channel" in has:
        channels = zip(names, given, strict=True)
        has["values"] = tuple(each for name, each in channels if name == "channel")
    return Tile(
        tile.shape,
        tile.inner,
        tile.outer,
        tile.samples,
        index,
        has.get("values"),
        has.get("mask"),
        has.get("labels"),
        prepared,
    )


def _gathered(analysis, found):
    """Results of frames from those of their tiles."""
    n, axes = found.ndim - 2, analysis.shape
    if not analysis.per_frame:
        found, n = found.rechunk(-1), 0
    chunks = (*found.chunks[:n], *((k,) for k in axes))
    found = [found.rechunk({-2: -1, -1: -1})]
    known = {"analysis": _shared(analysis), "n_navigation": n}
    return _mapped(_gather_block, found, chunks, analysis.dtype, kept=n, **known)


def _gather_block(found, *, analysis, n_navigation):
    """Results of the frames of a block, from those of their tiles."""
    navigation = found.shape[:n_navigation]
    results = np.empty((*navigation, *analysis.shape), analysis.dtype)
    for index in np.ndindex(navigation):
        results[index] = analysis.gather(found[index].ravel())
    return results


def _check_block(result, total, *, analysis, n_navigation, block_id):
    """Map of a frame, if it passes the check."""
    one = (0,) * n_navigation
    analysis.check(result[one], block_id[:n_navigation], total.ravel()[0])
    return result
