# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of trained networks, in NumPy: what is needed to run them."""

import itertools

import numpy as np

from hyperspy_symseg.frames.tiling import even_cuts

# Places that a product of matrices is of, at most, so that it stays in the cache.
BAND = 2048


def conv2d(x, kernels, bias, stride=1, padding=0):
    """Correlate images with kernels, as layers of networks do.

    Parameters
    ----------
    x : (images, channels, rows, columns) numpy.ndarray of float32
    kernels : (n, channels, height, width) numpy.ndarray of float32
    bias : (n,) numpy.ndarray of float32
    stride : int
        Pixels from one place to the next, along both axes.
    padding : int
        Zeros on each side, along both axes.

    Returns
    -------
    (images, n, rows, columns) numpy.ndarray of float32
        As many rows and columns as there are places for the kernels.

    Raises
    ------
    ValueError
        If the channels differ, or the kernels are larger than the padded images.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    >>> conv2d(x, np.ones((1, 1, 2, 2), np.float32), np.zeros(1, np.float32), 2)
    array([[[[10., 18.]]]], dtype=float32)
    """
    *_, height, width = kernels.shape
    size = [n + 2 * padding for n in x.shape[2:]]
    if x.shape[1] != kernels.shape[1] or np.less(size, (height, width)).any():
        raise ValueError(
            f"kernels must have the channels of x, and be no larger, got the shapes "
            f"{kernels.shape} and {x.shape} with a padding of {padding}."
        )
    rows, columns = (size[0] - height) // stride + 1, (size[1] - width) // stride + 1
    phases, length = _phases(x, stride, padding, (rows, columns), (height, width))
    flat = kernels.transpose(0, 2, 3, 1).reshape(len(kernels), -1)
    bands = even_cuts(rows * length, BAND)
    found = np.empty((len(x), len(kernels), rows * length), np.float32)
    for image, band in itertools.product(range(len(x)), bands):
        n = band.stop - band.start
        # All that the kernels see, so that there is one product of matrices.
        seen = np.empty((height, width, x.shape[1], n), np.float32)
        for i, j in itertools.product(range(height), range(width)):
            first = band.start + i // stride * length + j // stride
            seen[i, j] = phases[i % stride, j % stride, image, :, first : first + n]
        total = found[image, :, band]
        np.matmul(flat, seen.reshape(-1, n), out=total)
        total += bias[:, np.newaxis]
    return found.reshape(*found.shape[:2], rows, length)[..., :columns]


def _phases(x, stride, padding, shape, size):
    """Rows and columns of padded images, a stride apart, each plane one after another.

    One step to the right is one value further on, and one down is `length` further.

    Returns
    -------
    phases : (stride, stride, images, channels, n) numpy.ndarray of float32
    length : int
    """
    rows, length = (n + (k - 1) // stride for n, k in zip(shape, size, strict=True))
    more = (size[1] - 1) // stride
    phases = np.zeros((stride, stride, *x.shape[:2], rows * length + more), np.float32)
    planes = phases[..., : rows * length].reshape(*phases.shape[:4], rows, length)
    for i, j in itertools.product(range(stride), range(stride)):
        # The first ones that are not padding.
        above, before = (max(0, -(-(padding - k) // stride)) for k in (i, j))
        first = above * stride + i - padding, before * stride + j - padding
        seen = x[..., first[0] :: stride, first[1] :: stride]
        seen = seen[..., : rows - above, : length - before]
        below, behind = above + seen.shape[-2], before + seen.shape[-1]
        planes[i, j, ..., above:below, before:behind] = seen
    return phases, length


def upsample(x):
    """Double the rows and columns of images, each value four times.

    Parameters
    ----------
    x : (images, channels, rows, columns) numpy.ndarray of float32

    Returns
    -------
    (images, channels, 2 * rows, 2 * columns) numpy.ndarray of float32

    Examples
    --------
    >>> import numpy as np
    >>> upsample(np.array([[[[1, 2]]]], np.float32))
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]], dtype=float32)
    """
    images, channels, rows, columns = x.shape
    found = np.empty((images, channels, rows, 2, columns, 2), x.dtype)
    found[:] = x[:, :, :, np.newaxis, :, np.newaxis]
    return found.reshape(images, channels, 2 * rows, 2 * columns)


def dense(x, weights, bias):
    """Layer in which every output depends on every input.

    Parameters
    ----------
    x : (..., n) numpy.ndarray of float32
    weights : (m, n) numpy.ndarray of float32
    bias : (m,) numpy.ndarray of float32

    Returns
    -------
    (..., m) numpy.ndarray of float32
    """
    return x @ weights.T + bias


def relu(x):
    """What is positive, and else 0: array of the same shape."""
    return np.maximum(x, 0)


def dropout(x, rate, rng):
    """Set a random share of the values to 0, and scale the others to make up for it.

    Parameters
    ----------
    x : (...) numpy.ndarray of float32
    rate : float
        Share that is dropped, from 0 to below 1.
    rng : numpy.random.Generator

    Returns
    -------
    (...) numpy.ndarray of float32
    """
    kept = rng.random(x.shape, np.float32) >= np.float32(rate)
    return np.where(kept, x / np.float32(1 - rate), np.float32(0))


def softmax(x):
    """Probabilities from logits along the last axis: array of the same shape."""
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
