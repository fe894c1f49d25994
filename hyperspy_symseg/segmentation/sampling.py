# SPDX-License-Identifier: GPL-3.0-or-later
"""The scores that a model is fitted on."""

import math

import numpy as np

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import shown

from .predict import checked_frame

# Pixels a model is fitted on, unless fewer are asked for, and size of their scores in
# bytes, at most.
SAMPLE_SIZE = 20_000
SAMPLE_BYTES = 64 * 2**20


def sample_slices(grid, n_operations, n_frames=1, most=SAMPLE_SIZE):
    """Every k-th sample of a grid along both axes: few enough to fit on.

    Parameters
    ----------
    grid : Grid
    n_operations : int
    n_frames : int
        Number of frames that share in the sample.
    most : int
        Pixels of all frames, at most; fewer if there are many operations.

    Returns
    -------
    (slice, slice)
        Slices of the grid.
    """
    most = max(1, min(most, SAMPLE_BYTES // (4 * n_operations)) // n_frames)
    k = 1
    while math.prod((n - 1) // k + 1 for n in grid.shape) > most:
        k += 1
    return tuple(slice((n - 1) % k // 2, None, k) for n in grid.shape)


def sampled_grid(grid, n_operations, n_frames=1):
    """Pixels that are scored for a fit, and which of them are fitted on.

    Parameters
    ----------
    grid, n_operations, n_frames
        As in `sample_slices`.

    Returns
    -------
    grid : Grid
        The whole of it if its scores can be kept.
    sample : (slice, slice)
        Slices of that grid.
    """
    sample = sample_slices(grid, n_operations, n_frames)
    # No larger than those of a sample may be.
    if 4 * grid.size * n_operations <= SAMPLE_BYTES:
        return grid, sample
    return grid.within(*sample), (slice(None), slice(None))


def complete_scores(scores, descriptor):
    """Scores of the pixels that have all of them.

    Parameters
    ----------
    scores : (..., operations) numpy.ndarray
        NaN where missing.
    descriptor : Descriptor
        For the message.

    Returns
    -------
    (pixels, operations) numpy.ndarray of float64

    Raises
    ------
    ValueError
        If there are none.
    """
    n_operations = len(descriptor.operations)
    if scores.dtype.kind not in "iuf":
        raise TypeError(
            f"scores must be an array of real numbers, got the dtype {scores.dtype}."
        )
    if scores.shape[-1:] != (n_operations,):
        raise ValueError(
            f"scores must have a last axis of {n_operations} operations, got the shape "
            f"{scores.shape}."
        )
    scores = scores.reshape(-1, n_operations)
    scores = scores[~np.isnan(scores).any(axis=1)].astype(np.float64)
    if not len(scores):
        raise ValueError(
            f"frame must have a pixel with the scores of all {n_operations} operations "
            f"of {shown(descriptor)}, got none. Choose lengths that fit into what is "
            "valid of the frame, and interpolate single pixels rather than mask them."
        )
    return scores


def sample_scores(model, frame, mask, descriptor):
    """Scores of a frame as for a fit.

    Parameters
    ----------
    model : SymmetryModel
    frame : (rows, columns) array of any real dtype
    mask : (rows, columns) array of bool, optional
        True where a pixel is left out.
    descriptor : Descriptor
        That of the model, or some of its operations.

    Returns
    -------
    (pixels, operations) numpy.ndarray of float64
        Of pixels that miss none.

    Raises
    ------
    TypeError, ValueError
        If an argument is not allowed, or no pixel has all its scores.
    """
    frame, mask = checked_frame(model.descriptor, frame, mask)
    grid = Grid.over(frame.shape, model.stride)
    sample = grid.within(*sample_slices(grid, len(descriptor.operations)))
    return complete_scores(compute_scores(descriptor, frame, sample, mask), descriptor)
