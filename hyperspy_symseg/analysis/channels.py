# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of other channels over each pattern: spectra, diffraction patterns and others.

A frame is the map that a spectrum image is of, and a pixel of it is all channels at
once: an element of a structured dtype. So channels are read, cut and summed as any
other frames are, and each block of a file is a tile that is read once.
"""

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

import dask.array as da
import numpy as np

from hyperspy_symseg.frames.analysis import SumAnalysis
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run

from .checks import check_labels

# Size in bytes of what is added up at once: it stays in the processor's cache.
BATCH_BYTES = 2**20
# Pixels of integers of 16 bits whose sum is exact in float32, which is faster where
# each has many channels.
EXACT, MANY = 256, 64
# Blocks of a file that are smaller are read several at a time, up to this size in
# bytes: each costs some milliseconds, whatever its size.
BLOCK_BYTES = 2**22
# Rows and columns of channels in memory that are summed at once: tiles for threads.
TILE = (64, 1024)
# Field of the dtype of a pixel.
FIELD = "channels"


@dataclass(frozen=True)
class ChannelSums(SumAnalysis):
    r"""Sums of the channels over the pixels of each pattern: (n_patterns,) of `dtype`.

    The fields are

    - ``sum``: :math:`\sum_i w_i x_i` over the pixels i of the pattern, by channel;
    - ``variance``: :math:`\sum_i w_i^2 x_i` or, if variances are given,
      :math:`\sum_i w_i^2 v_i`;
    - ``n_pixels``, ``weight`` and ``weight_2``: the number of pixels that have a
      weight, :math:`\sum_i w_i` and :math:`\sum_i w_i^2`.

    Without weights, all are 1. A channel that is not finite in a pixel makes that of
    its pattern so.

    Parameters
    ----------
    n_patterns : int
    channels : tuple of int
        Shape of what there is at a pixel, as from `as_frames`; without channels, frames
        are plain images.
    weighted : bool
        Whether the second source is the weight of each pixel, 0 or more; NaN is 0.
    variance : str
        ``"given"`` by the last source, of the same shape as the first, ``"counts"`` or
        ``"unknown"``.

    Examples
    --------
    >>> labels = np.array([[0, 1, 1], [-1, 1, 0]])
    >>> found = run(ChannelSums(2), np.arange(6).reshape(2, 3), labels)
    >>> found["sum"], found["n_pixels"]
    (array([5., 7.]), array([2., 3.]))
    """

    n_patterns: int
    channels: tuple[int, ...] = ()
    weighted: bool = False
    variance: str = "unknown"
    # One may be larger than memory.
    by_tile: ClassVar[bool] = True

    @property
    def shape(self):
        """One of each pattern: (int,)."""
        return (self.n_patterns,)

    @property
    def dtype(self):
        """Dtype of the sums: numpy.dtype."""
        fields = [("sum", np.float64, self.channels)]
        if self.variance != "unknown":
            fields.append(("variance", np.float64, self.channels))
        names = ("n_pixels", "weight", "weight_2")
        return np.dtype(fields + [(name, np.float64) for name in names])

    def process(self, tile):
        """Sums of a tile: (n_patterns, 3 + columns) numpy.ndarray of float64."""
        sources = tile.values if isinstance(tile.values, tuple) else (tile.values,)
        sources = [source[tile.own] for source in sources]
        labels = check_labels(tile.labels[tile.own], self.n_patterns)
        if tile.mask is not None:
            labels = np.where(tile.mask[tile.own], -1, labels)
        values, weights, variances = sources[0], None, None
        if self.weighted:
            weights = _checked_weights(sources[1])
        if self.variance == "given":
            variances = sources[-1]
        n = math.prod(self.channels)
        total = np.zeros((self.n_patterns, 3 + n * (1 + (self.variance != "unknown"))))
        total[:, :3] = _numbers(labels, weights, self.n_patterns)
        is_exact = weights is None and n >= MANY and _is_short(values)
        dtype = np.float32 if is_exact else np.float64
        most = max(1, BATCH_BYTES // (8 * n))
        for pixels in _batches(labels.shape, min(most, EXACT) if is_exact else most):
            own = labels[pixels].ravel() == np.arange(self.n_patterns)[:, np.newaxis]
            by = own * (1.0 if weights is None else weights[pixels].ravel())
            if not by.any():
                continue
            channels = _channels(values[pixels], dtype)
            total[:, 3 : 3 + n] += _sums(by, channels)
            if variances is not None:
                total[:, 3 + n :] += _sums(by**2, _channels(variances[pixels]))
            elif self.variance == "counts" and weights is not None:
                total[:, 3 + n :] += _sums(by**2, channels)
        return total

    def finish(self, total):
        """Sums by their names."""
        found = np.empty(self.shape, self.dtype)
        n = math.prod(self.channels)
        for i, name in enumerate(("n_pixels", "weight", "weight_2")):
            found[name] = total[:, i]
        found["sum"] = total[:, 3 : 3 + n].reshape(-1, *self.channels)
        if self.variance != "unknown":
            # Without weights, that of counts is their sum.
            is_sum = self.variance == "counts" and not self.weighted
            own = total[:, 3 : 3 + n] if is_sum else total[:, 3 + n :]
            found["variance"] = own.reshape(-1, *self.channels)
        return found


def _checked_weights(weights):
    """Weights of pixels, 0 where there are none: numpy.ndarray of float64."""
    weights = np.nan_to_num(np.asarray(weights, np.float64), nan=0.0, posinf=np.inf)
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise ValueError(
            f"weights must be 0 or more, and finite, got some from {weights.min():g} "
            f"to {weights.max():g}."
        )
    return weights


def _numbers(labels, weights, n_patterns):
    """Pixels of each pattern, and sums of weights and their squares: (n, 3) array."""
    own = labels >= 0
    if weights is None:
        counts = np.bincount(labels[own], minlength=n_patterns)
        return np.repeat(counts[:, np.newaxis], 3, axis=1)
    labels, weights = labels[own], weights[own]
    each = ((weights > 0).astype(float), weights, weights**2)
    return np.stack([np.bincount(labels, w, n_patterns) for w in each], axis=1)


def _is_short(values):
    """Whether the sum of a batch is exact in float32: bool."""
    dtype = values.dtype[FIELD].base if values.dtype.names else values.dtype
    return dtype.kind in "biu" and dtype.itemsize <= 2


def _batches(shape, most):
    """Rectangles of so many pixels at most: (slice, slice) each."""
    columns = min(shape[1], most)
    rows = most // columns
    for row, column in itertools.product(
        range(0, shape[0], rows), range(0, shape[1], columns)
    ):
        yield slice(row, row + rows), slice(column, column + columns)


def _channels(values, dtype=np.float64):
    """Channels of pixels: (pixels, channels) numpy.ndarray."""
    if values.dtype.names:
        values = values[FIELD]
    return values.reshape(math.prod(values.shape[:2]), -1).astype(dtype)


def _sums(weights, channels):
    """Weighted sums over pixels: (patterns, channels) numpy.ndarray."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = weights.astype(channels.dtype) @ channels
        if np.isfinite(sums).all():
            return sums
        # 0 times NaN is NaN: what is not finite would be in all patterns.
        own = [weight != 0 for weight in weights]
        return np.stack([w[o] @ channels[o] for w, o in zip(weights, own, strict=True)])


def as_frames(array, n_navigation):
    """Frames whose pixels are all channels at once.

    Parameters
    ----------
    array : (..., rows, columns, *channels) numpy.ndarray or dask.array.Array
        Of dask, with one chunk along the channels.
    n_navigation : int
        Axes before the channels.

    Returns
    -------
    (..., rows, columns) array
        Of a structured dtype with the field ``channels``, (n,); a view where that can
        be.

    Examples
    --------
    >>> as_frames(np.zeros((2, 3, 4, 5), "u1"), 2).dtype
    dtype([('channels', 'u1', (20,))])
    """
    shape = array.shape[:n_navigation]
    n = math.prod(array.shape[n_navigation:])
    dtype = np.dtype([(FIELD, array.dtype, (n,))])
    if isinstance(array, da.Array):
        return array.map_blocks(
            as_frames,
            n_navigation,
            dtype=dtype,
            drop_axis=list(range(n_navigation, array.ndim)),
            meta=np.empty((0,) * n_navigation, dtype),
        )
    # A view needs channels that lie beside each other.
    flat = array.reshape(*shape, n)
    if n > 1 and flat.strides[-1] != flat.itemsize:
        flat = np.ascontiguousarray(flat)
    return flat.view(dtype).reshape(shape)


def in_blocks(array, n_navigation):
    """Channels in blocks of a suitable size, each of whole blocks of the source.

    Parameters
    ----------
    array : (..., rows, columns, *channels) numpy.ndarray or dask.array.Array
    n_navigation : int
        Axes before the channels.

    Returns
    -------
    numpy.ndarray or dask.array.Array
        An array in memory is one of dask if its channels do not lie beside each other.

    Examples
    --------
    >>> in_blocks(da.zeros((64, 96, 2000), chunks=(4, 4, 500)), 2).numblocks
    (16, 2, 1)
    """
    channels = tuple(range(n_navigation, array.ndim))
    if not isinstance(array, da.Array):
        if array[(0,) * n_navigation].flags.c_contiguous:
            return array
        sizes = [-1 if axis in channels else "auto" for axis in range(array.ndim)]
        sizes = da.core.normalize_chunks(
            sizes, array.shape, limit=BLOCK_BYTES, dtype=array.dtype
        )
        return da.from_array(array, chunks=sizes, name=False)
    sizes = list(array.chunks)
    # Channels first, as each run of them is a walk through the frame; then along rows.
    for axis in (*channels[::-1], n_navigation - 1, n_navigation - 2):
        one = [1 if k < n_navigation - 2 else max(sizes[k]) for k in range(array.ndim)]
        others = array.itemsize * math.prod(one) // one[axis]
        sizes[axis] = _merged(sizes[axis], BLOCK_BYTES // others)
    return array.rechunk(tuple(sizes))


def _merged(sizes, most):
    """Sizes of blocks along an axis, neighbours together up to a size: tuple of int."""
    merged = []
    for size in sizes:
        if merged and merged[-1] + size <= most:
            merged[-1] += size
        else:
            merged.append(size)
    return tuple(merged)


def pattern_sums(labels, sources, n_navigation, *, n_patterns, variance, lazy_output):
    """Sums of channels over each pattern, read once.

    Parameters
    ----------
    labels : (..., rows, columns) array of int
    sources : dict of array
        ``values``, (..., rows, columns, *channels), and perhaps ``weights``,
        (..., rows, columns), and ``variances``, as the values. Of NumPy or dask.
    n_navigation : int
        Axes before the channels.
    n_patterns : int
    variance : str
        ``"counts"`` or ``"unknown"``, if the variances are not given.
    lazy_output : bool

    Returns
    -------
    dict of array
        The fields of `ChannelSums`: (..., n_patterns, *channels) or (..., n_patterns).

    Examples
    --------
    >>> values = np.arange(24).reshape(2, 3, 4)
    >>> found = pattern_sums(
    ...     np.array([[0, 1, 1], [-1, 1, 0]]),
    ...     {"values": values},
    ...     2,
    ...     n_patterns=2,
    ...     variance="counts",
    ...     lazy_output=False,
    ... )
    >>> found["sum"][0]
    array([20., 22., 24., 26.])
    """
    values = in_blocks(sources["values"], n_navigation)
    weights, variances = sources.get("weights"), sources.get("variances")
    if variances is not None:
        variance = "given"
    cuts = [[slice(0, n)] for n in values.shape[n_navigation:]]
    if isinstance(values, da.Array):
        cuts = [
            [slice(b - n, b) for n, b in zip(axis, np.cumsum(axis), strict=True)]
            for axis in values.chunks[n_navigation:]
        ]

    def of_channels(channels):
        given = [values[(..., *channels)] if channels else values]
        given = [as_frames(given[0], n_navigation)]
        if weights is not None:
            given.append(weights)
        if variances is not None:
            own = variances[(..., *channels)] if channels else variances
            if isinstance(own, da.Array):
                own = own.rechunk(dict.fromkeys(range(n_navigation, own.ndim), -1))
            given.append(as_frames(own, n_navigation))
        analysis = ChannelSums(
            n_patterns,
            tuple(axis.stop - axis.start for axis in channels),
            weights is not None,
            variance,
        )
        given = given[0] if len(given) == 1 else tuple(given)
        if lazy_output:
            return lazy(analysis, given, labels)
        tile_shape = None if isinstance(values, da.Array) else TILE
        return run(
            analysis, given, labels, description="Summing", tile_shape=tile_shape
        )

    found = [of_channels(channels) for channels in itertools.product(*cuts)]
    block = da.block if lazy_output else np.block
    result = {}
    for name in found[0].dtype.names:
        each = [one[name] for one in found]
        # Numbers of pixels are the same for all channels.
        has_channels = name in ("sum", "variance") and cuts
        result[name] = block(_nested(each, cuts)) if has_channels else each[0]
    return result


def _nested(arrays, cuts):
    """Arrays in lists nested as deep as there are axes that were cut: list."""
    for axis in cuts[:0:-1]:
        n = len(axis)
        arrays = [arrays[i : i + n] for i in range(0, len(arrays), n)]
    return arrays
