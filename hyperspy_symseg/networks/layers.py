# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers of trained networks, in NumPy: what is needed to run them."""

import numpy as np


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
    size = kernels.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    if x.shape[1] != kernels.shape[1] or np.less(padded.shape[2:], size).any():
        raise ValueError(
            f"kernels must have the channels of x, and be no larger, got the shapes "
            f"{kernels.shape} and {x.shape} with a padding of {padding}."
        )
    seen = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(2, 3))
    seen = seen[:, :, ::stride, ::stride]
    found = np.tensordot(seen, kernels, ((1, 4, 5), (1, 2, 3)))
    return np.moveaxis(found + bias, -1, 1)


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
