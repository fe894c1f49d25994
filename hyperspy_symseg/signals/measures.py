# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures and pictures of series of labels, frame by frame."""

import functools

import dask.array as da
import numpy as np
from rsciio.utils.rgb import RGB_DTYPES, regular_array2rgbx

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.plotting import tint

from .axes import navigation_axes, signal_class, unit
from .frames import lazy_frames
from .metadata import result_metadata


def per_frame(function, *arrays, shape, dtype=float):
    """Apply a function to frame after frame, so that temporaries stay small.

    Parameters
    ----------
    function : callable
        From (rows, columns) arrays, one of each series, to an array of `shape`.
    *arrays : (..., rows, columns) numpy.ndarray
        Series of the same shape.
    shape : tuple of int
    dtype : dtype

    Returns
    -------
    (..., *shape) numpy.ndarray

    Examples
    --------
    >>> per_frame(np.sum, np.ones((2, 3, 4)), shape=())
    array([12., 12.])
    """
    navigation_shape = arrays[0].shape[:-2]
    result = np.empty((*navigation_shape, *shape), dtype)
    for index in np.ndindex(navigation_shape):
        result[index] = function(*(np.asarray(array[index]) for array in arrays))
    return result


def per_pattern(function, labels, n_patterns):
    """Measure every pattern in every frame.

    Parameters
    ----------
    function : callable
        From (rows, columns) labels to (n_patterns,) values. It is applied to each
        chunk of a frame, and the values are added.
    labels : (..., rows, columns) numpy.ndarray or dask.array.Array of int
    n_patterns : int

    Returns
    -------
    (..., n_patterns) numpy.ndarray or dask.array.Array of float64

    Examples
    --------
    >>> labels = np.array([[[0, 1, 1]], [[-1, 1, 1]]])
    >>> per_pattern(lambda frame: count_pixels(frame, 2), labels, 2)
    array([[1., 2.],
           [0., 2.]])
    """
    function = functools.partial(_of_checked, function, n_patterns)
    if not isinstance(labels, da.Array):
        return per_frame(function, labels, shape=(n_patterns,))
    *navigation_chunks, row_chunks, column_chunks = labels.chunks
    values = labels.map_blocks(
        _values_of_block,
        function,
        n_patterns,
        chunks=(
            *navigation_chunks,
            (1,) * len(row_chunks),
            (1,) * len(column_chunks),
            (n_patterns,),
        ),
        new_axis=labels.ndim,
        dtype=float,
        meta=np.empty((0,) * (labels.ndim + 1)),
    )
    # Small, and in one chunk a single file once saved.
    return values.sum(axis=(-3, -2)).rechunk(-1)


def _values_of_block(labels, function, n_patterns):
    values = per_frame(function, labels, shape=(n_patterns,))
    return values[..., np.newaxis, np.newaxis, :]


def _of_checked(function, n_patterns, labels):
    return function(check_labels(labels, n_patterns))


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


def count_pixels(labels, n_patterns):
    """Number of pixels of each pattern.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        Pixels labelled -1 have no label.
    n_patterns : int

    Returns
    -------
    (n_patterns,) numpy.ndarray of int

    Examples
    --------
    >>> count_pixels(np.array([[0, 0, -1]], np.int8), 2)
    array([2, 0])
    """
    # The first count is that of -1.
    places = np.add(np.ravel(labels), 1, dtype=np.intp)
    return np.bincount(places, minlength=1 + n_patterns)[1:]


def labels_computed(labels, stride):
    """Take those of upsampled labels that were computed, and one pixel of each.

    Parameters
    ----------
    labels : (..., rows, columns) array of int
        Upsampled from a grid, or a part of such.
    stride : (int, int)
        Of the grid, along (y, x).

    Returns
    -------
    array of int
        Along y and x on a grid of this stride.

    Examples
    --------
    >>> labels_computed(np.array([[0, 0, 0, 1, 1, 1, 2]]), (3, 3))
    array([[0, 1, 2]])
    """
    shape = labels.shape[-2:]
    # In a part of the frame the grid may start elsewhere. As each sample has `stride`
    # pixels, every stride-th pixel is one of each, wherever one starts.
    grid = Grid.over(shape, tuple(map(min, stride, shape)))
    (y, x), (step_y, step_x) = grid.first, grid.stride
    return labels[..., y::step_y, x::step_x]


def against_navigation(signal, values, name, units):
    """Measured values of each pattern, as a signal.

    Parameters
    ----------
    signal : SymmetryLabels
        The labels, for axes and metadata.
    values : (..., n_patterns) numpy.ndarray or dask.array.Array
        For each navigation position.
    name, units : str
        What was measured.

    Returns
    -------
    BaseSignal
        The navigation axes of the labels are the signal axes, and the patterns the
        navigation axis. If there is one image only, the patterns are the signal axis.
        Lazy if the labels are.
    """
    along = [
        axis.get_axis_dictionary() | {"navigate": False}
        for axis in navigation_axes(signal)
    ]
    pattern = {"name": "Pattern", "size": values.shape[-1], "navigate": bool(along)}
    quantity = f"{name} ({units})" if units else name
    result = signal_class(along or [pattern])(
        np.moveaxis(values, -1, 0),
        axes=[pattern, *along],
        **result_metadata(
            signal,
            Signal={"signal_type": "", "quantity": quantity},
        ),
    )
    return result.as_lazy() if signal._lazy else result


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
    one_by_one = dict.fromkeys(range(array.ndim - 2), 1)
    return array.rechunk(one_by_one).rechunk({-2: -1, -1: -1})


def overlay_frames(frames, labels, n_patterns, saturation):
    """Micrographs in grey, tinted by pattern.

    Parameters
    ----------
    frames : (..., rows, columns) numpy.ndarray or dask.array.Array of any real dtype
    labels : (..., rows, columns) numpy.ndarray or dask.array.Array of int
    n_patterns : int
    saturation : float
        From 0, grey, to 1.

    Returns
    -------
    (..., rows, columns) numpy.ndarray of rgb8
        A dask.array.Array if one of them is.

    Examples
    --------
    >>> overlay_frames(np.array([[0, 9]]), np.array([[0, -1]]), 1, 1)["R"]
    array([[  0, 255]], dtype=uint8)
    """
    options = {"n_patterns": n_patterns, "saturation": saturation}
    if not isinstance(frames, da.Array) and not isinstance(labels, da.Array):
        return _overlay_block(frames, labels, **options)
    # Black and white levels are those of a whole frame. Labels are no source: in most
    # files each frame of them has a chunk of its own, and then frames from one chunk of
    # the micrographs would not be read together.
    frames, labels = map(whole_frames, (lazy_frames(frames), da.asarray(labels)))
    rgb8 = RGB_DTYPES["rgb8"]
    meta = np.empty((0,) * labels.ndim, rgb8)
    return da.map_blocks(
        _overlay_block, frames, labels, dtype=rgb8, meta=meta, **options
    )


def _overlay_block(frames, labels, **options):
    def overlay(frame, frame_labels):
        frame_labels = check_labels(frame_labels, options["n_patterns"])
        return regular_array2rgbx(tint(frame, frame_labels, **options))

    shape = labels.shape[-2:]
    return per_frame(overlay, frames, labels, shape=shape, dtype=RGB_DTYPES["rgb8"])


def has_pixels_as_unit(axes):
    """Whether lengths along axes are in pixels: they have no unit and no scale."""
    return all(not unit(axis) and axis.scale == 1 for axis in axes)
