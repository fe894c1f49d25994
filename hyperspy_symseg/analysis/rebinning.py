# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of larger pixels."""

import math

import dask.array as da
import numpy as np

from hyperspy_symseg.frames.checks import shown
from hyperspy_symseg.frames.lazy import lazy_frames


def whole_factors(factors, shape, crop):
    """Factors of `BaseSignal.rebin`, in the order of the array: tuple of int.

    Raises
    ------
    ValueError
        If they are not whole numbers, or pixels are left over that are not cropped.
    """
    factors = np.asarray(factors, float).tolist()
    if not all(factor.is_integer() and factor >= 1 for factor in factors):
        raise ValueError(
            "scale must be whole numbers of at least 1 when labels are rebinned, and "
            f"new_shape divide the shape, {shape}, got factors of {tuple(factors)}."
        )
    whole = tuple(map(int, factors))
    if any(factor > n for factor, n in zip(whole, shape, strict=True)):
        raise ValueError(f"scale must be at most the shape, {shape}, got {whole}.")
    if not crop and any(n % factor for factor, n in zip(whole, shape, strict=True)):
        raise ValueError(
            f"crop must be True if scale, {whole}, does not divide the shape, {shape}, "
            f"got {shown(crop)}."
        )
    return whole


def rebin(labels, factors):
    """Most frequent label of every bin.

    Parameters
    ----------
    labels : numpy.ndarray or dask.array.Array of int
    factors : tuple of int
        Pixels along each axis that become one; what is left over is cropped.

    Returns
    -------
    numpy.ndarray or dask.array.Array
    """
    is_lazy = isinstance(labels, da.Array)
    # Frame by frame, so that temporaries stay small.
    frames = labels if is_lazy else lazy_frames(labels)
    factors = dict(enumerate(factors))
    rebinned = da.coarsen(most_frequent, frames, factors, trim_excess=True)
    return rebinned if is_lazy else rebinned.compute()


def most_frequent(labels, axis=None):
    """Most frequent label along axes: the smallest of several, but -1 last.

    Parameters
    ----------
    labels : numpy.ndarray of int
    axis : tuple of int, optional

    Returns
    -------
    numpy.ndarray of the same dtype

    Examples
    --------
    >>> most_frequent(np.array([[1, 0, 1, 0], [-1, -1, 3, -1], [-1, -1, 2, 2]]), (1,))
    array([ 0, -1,  2])
    """
    axis = tuple(range(labels.ndim)) if axis is None else axis
    bins = np.moveaxis(labels, axis, range(-len(axis), 0))
    shape = bins.shape[: bins.ndim - len(axis)]
    bins = bins.reshape(*shape, math.prod(bins.shape[bins.ndim - len(axis) :]))
    # Without a sign, -1 is the largest: it comes last.
    bins = bins.view(bins.dtype.str.replace("i", "u"))
    bins = np.sort(bins, axis=-1)
    index = np.arange(bins.shape[-1], dtype=np.int32)
    begins = np.zeros(bins.shape, np.int32)
    np.multiply(bins[..., 1:] != bins[..., :-1], index[1:], out=begins[..., 1:])
    # How many of its kind come before.
    before = index - np.maximum.accumulate(begins, axis=-1)
    best = before.argmax(axis=-1)[..., np.newaxis]
    return np.take_along_axis(bins, best, axis=-1)[..., 0].view(labels.dtype)
