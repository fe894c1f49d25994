# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a signal as dask arrays, and what is computed from them, one by one."""

from dataclasses import replace

import dask
import dask.array as da
import numpy as np

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Tile
from hyperspy_symseg.frames.checks import warn_of_values
from hyperspy_symseg.frames.graph import mark_frames, mark_source
from hyperspy_symseg.frames.parts import PART_SHAPE, cut_into_parts
from hyperspy_symseg.frames.run import FrameError
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.frames.valid import extremes, why_blank

EXTREMES = np.dtype([("low", np.float64), ("high", np.float64)])


def lazy_frames(data):
    """Frames as a dask array with one a chunk along the navigation axes.

    Parameters
    ----------
    data : (..., rows, columns) numpy.ndarray or dask.array.Array

    Returns
    -------
    dask.array.Array
        It has layers for the chunks of the source and for the frames, which
        `evaluate_frames` looks for.
    """
    one_by_one = (1,) * (data.ndim - 2)
    if not isinstance(data, da.Array):
        chunks = (*one_by_one, *data.shape[-2:])
        data = da.from_array(np.asarray(data), chunks=chunks, name=False)
    source = mark_source(data)
    return mark_frames(source.rechunk((*one_by_one, *source.chunks[-2:])))


def _map_parts(function, frames, mask, parts, shape, dtype, **arguments):
    """Apply a function to every part of every frame, and join what it returns.

    Parameters
    ----------
    function : callable
        Takes a part of a frame and of its mask, if there is one, and `part`,
        `frame_shape`, `block_id` and the arguments.
    frames, mask : (..., rows, columns) dask.array.Array
        The mask may be that of all frames, or None.
    parts : list of list of Tile
    shape : callable
        Shape of what the function returns for a part.
    dtype : numpy.dtype
    **arguments

    Returns
    -------
    (..., rows, columns) or (..., rows, columns, n) dask.array.Array
    """
    n_navigation = frames.ndim - 2

    def block(part):
        arrays = [
            array[(..., *part.outer)].rechunk({-2: -1, -1: -1})
            for array in (frames, mask)
            if array is not None
        ]
        part_shape = shape(part)
        return da.map_blocks(
            function,
            *arrays,
            part=part,
            frame_shape=frames.shape[-2:],
            **arguments,
            new_axis=list(range(frames.ndim, n_navigation + len(part_shape))) or None,
            chunks=frames.chunks[:-2] + tuple((n,) for n in part_shape),
            dtype=dtype,
            meta=np.empty((0,) * (n_navigation + len(part_shape)), dtype),
        )

    along_x, along_y = n_navigation + 1, n_navigation
    rows = [da.concatenate([block(part) for part in row], along_x) for row in parts]
    return da.concatenate(rows, along_y)


def _frame_part(block, part, frame_shape):
    """The one frame of a block, as a part of the whole frame."""
    first = [axis.start for axis in part.outer]
    return Tile.at(first, block[(0,) * (block.ndim - 2)], frame_shape)


def lazy_labels(model, frames, mask, grid, upsample, certainty=False):
    """Labels of frames.

    Parameters
    ----------
    model : SymmetryModel
    frames : (..., rows, columns) dask.array.Array
        From `lazy_frames`.
    mask : (rows, columns) or (..., rows, columns) dask.array.Array or None
        True where a pixel is left out.
    grid : Grid
        The pixels of a frame that are labelled.
    upsample, certainty : bool
        As in `SymmetryModel.predict`.

    Returns
    -------
    (..., rows, columns) or (..., grid rows, grid columns) dask.array.Array
        Computing it raises what reading a frame raises, and `FrameError` for one of a
        series of which no pixel has a label, unless all are masked.
    """
    parts = model.parts(grid, frames.shape[-2:])
    labels = _map_parts(
        _label_block,
        frames,
        mask,
        parts,
        lambda part: part.result_shape(upsample),
        model.result_dtype(certainty),
        # One for all tasks, and as small as can be.
        model=dask.delayed(replace(model, covariance=None), traverse=False, pure=True),
        grid=grid,
        upsample=upsample,
        certainty=certainty,
    )
    if labels.ndim == 2:
        return labels
    masked = []
    if mask is not None and mask.ndim > 2:
        masked = [mask.all(axis=(-2, -1), keepdims=True)]
    return da.map_blocks(
        _check_block,
        labels.rechunk({-2: -1, -1: -1}),
        lazy_extremes(frames, mask),
        *masked,
        dtype=labels.dtype,
        meta=np.empty((0,) * labels.ndim, labels.dtype),
    )


def lazy_extremes(frames, mask):
    """Smallest and largest value of the pixels of frames that count.

    Parameters
    ----------
    frames, mask
        As in `lazy_labels`.

    Returns
    -------
    (..., chunks along y, chunks along x) dask.array.Array of `EXTREMES`
        Those of every chunk of a frame, which are in one chunk.
    """
    arrays = [frames]
    if mask is not None:
        arrays.append(mask.rechunk({-2: frames.chunks[-2], -1: frames.chunks[-1]}))
    found = da.map_blocks(
        _extremes_block,
        *arrays,
        chunks=(*frames.chunks[:-2], *((1,) * n for n in frames.numblocks[-2:])),
        dtype=EXTREMES,
        meta=np.empty((0,) * frames.ndim, EXTREMES),
    )
    return found.rechunk({-2: -1, -1: -1})


def _extremes_block(frame, mask=None):
    """Extremes of one chunk of a frame, as an array with its axes."""
    one = (0,) * (frame.ndim - 2)
    if mask is not None and mask.ndim > 2:
        mask = mask[one]
    result = np.empty((1,) * frame.ndim, EXTREMES)
    result[...] = extremes(frame[one], mask)
    return result


def _label_block(
    frame, mask=None, *, model, grid, upsample, certainty, part, frame_shape
):
    """Labels of a part of a frame, as an array with the navigation axes."""
    n_navigation = frame.ndim - 2
    frame = _frame_part(frame, part, frame_shape)
    if mask is not None:
        mask = _frame_part(mask, part, frame_shape)
    labels = model.predict_part(
        frame, mask, grid, part, upsample=upsample, certainty=certainty
    )
    return labels[(np.newaxis,) * n_navigation]


def _check_block(labels, extremes, masked=False, *, block_id):
    """Labels of a frame, if there are any or if there are to be none."""
    if np.all(masked):
        return labels
    reason = why_blank(extremes["low"].min(), extremes["high"].max())
    found = labels["label"] if labels.dtype.names else labels
    if reason is None and (found == -1).all():
        reason = "no pixel has a score, or is outside areas of one value"
    if reason is not None:
        raise FrameError(block_id[:-2], reason)
    return labels


def lazy_scores(descriptor, frames, mask, grid, part_shape=PART_SHAPE):
    """Scores of frames.

    Parameters
    ----------
    descriptor : Descriptor
    frames, mask
        As in `lazy_labels`.
    grid : Grid
        The pixels of a frame that are scored.
    part_shape : (int, int)
        As in `cut_into_parts`: what is scored by one task, and makes a chunk.

    Returns
    -------
    (..., grid rows, grid columns, operations) dask.array.Array of float32
    """
    return _map_parts(
        _score_block,
        frames,
        mask,
        cut_into_parts(descriptor, grid, frames.shape[-2:], part_shape),
        lambda part: (*part.result_shape(upsample=False), len(descriptor.operations)),
        np.dtype(np.float32),
        descriptor=descriptor,
        grid=grid,
    )


def _score_block(frame, mask=None, *, descriptor, grid, part, frame_shape):
    """Scores of a part of a frame, as an array with the navigation axes."""
    n_navigation = frame.ndim - 2
    one = (0,) * n_navigation
    warn_of_values(frame[one], mask if mask is None or mask.ndim == 2 else mask[one])
    frame = _frame_part(frame, part, frame_shape)
    if mask is not None:
        mask = _frame_part(mask, part, frame_shape)
    with workers(1):
        scores = compute_scores(descriptor, frame, grid, mask, within=part.samples)
    return scores[(np.newaxis,) * n_navigation]
