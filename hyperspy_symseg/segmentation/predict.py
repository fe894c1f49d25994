# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of a frame, by the scores or by the templates of the patterns."""

import itertools
import logging

import numpy as np

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import (
    as_array,
    check_frame,
    check_mask,
    warn_of_values,
)
from hyperspy_symseg.frames.cut import whole
from hyperspy_symseg.frames.threads import one_thread, pmap
from hyperspy_symseg.frames.tiling import map_tiles
from hyperspy_symseg.frames.valid import valid_pixels
from hyperspy_symseg.templates.boundaries import sharpened, straightened
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.potts import most_probable

from .upsampling import labels_at, leave_out

_logger = logging.getLogger(__name__)

# What a progress bar says meanwhile.
SEGMENTING = "Segmenting"
# What is left of the certainty, above chance, in frames that templates may not fit.
IN_DOUBT = np.float32(0.5)


def checked_input(model, frame, mask, stride=None):
    """Frame and mask, checked, and the pixels that are scored.

    Parameters
    ----------
    model : SymmetryModel
    frame : (rows, columns) array of any real dtype
    mask : (rows, columns) array of bool, optional
    stride : int or (int, int), optional
        By default that of the model.

    Returns
    -------
    frame : (rows, columns) numpy.ndarray
    mask : (rows, columns) numpy.ndarray of bool or None
    grid : Grid

    Raises
    ------
    TypeError, ValueError
        If an argument is not allowed.
    """
    frame = as_array("frame", frame)
    check_frame(frame)
    mask = check_mask(mask, frame.shape)
    model.descriptor.check_frame(frame.shape)
    return (
        frame,
        mask,
        Grid.over(frame.shape, model.stride if stride is None else stride),
    )


def label_frame(
    model, frame, mask=None, stride=None, *, upsample=True, certainty=False
):
    """Labels of a frame and, if it is asked for, their certainty, in one pass.

    Parameters
    ----------
    model : SymmetryModel
    frame, mask, stride, upsample
        As in `SymmetryModel.predict`.
    certainty : bool

    Returns
    -------
    (rows, columns) or (grid rows, grid columns) numpy.ndarray
        As from `SymmetryModel.predict`. With the certainty, a structured array:
        ``label``, and ``certainty`` of float32, the probability of the label, which is
        NaN where the label is -1, or if there are no templates.

    Raises
    ------
    TypeError, ValueError
        If an argument is not allowed.
    """
    frame, mask, grid = checked_input(model, frame, mask, stride)
    warn_of_values(frame, mask)
    return label_checked(model, frame, mask, grid, upsample, certainty)


def label_checked(
    model, frame, mask, grid, upsample, certainty, scores=None, blocked=None
):
    """Labels of a frame that is checked, of which something may be known already.

    Parameters
    ----------
    model, frame, mask, upsample, certainty
        As in `label_frame`.
    grid : Grid
        The pixels that are scored.
    scores : (grid rows, grid columns, operations) numpy.ndarray, optional
    blocked : NormalizedFrame, optional
        The whole frame, if it is labelled in one tile.

    Returns
    -------
    numpy.ndarray
        As from `label_frame`.
    """
    how = upsample, certainty, scores, blocked
    if model.templates is None:
        return label_tile(model, frame, mask, grid, whole(grid, frame.shape), *how)
    labels = _of_tiles(
        lambda tile: label_tile(model, frame, mask, grid, tile, *how),
        model,
        grid,
        frame.shape,
        upsample,
        model.result_dtype(certainty),
    )
    log_flat_areas(_share_flat(labels, frame, mask))
    return labels


def label_tile(
    model, frame, mask, grid, tile, upsample, certainty, scores=None, blocked=None
):
    """Labels of a tile of a frame: as `SymmetryModel.predict_tile`.

    Parameters
    ----------
    model, frame, mask, grid, tile, upsample, certainty
        As in `SymmetryModel.predict_tile`.
    scores, blocked
        As in `label_checked`.

    Returns
    -------
    (tile rows, tile columns) numpy.ndarray
        As from `label_frame`.
    """
    if model.templates is None:
        labels = _of_scores(model, frame, mask, grid, tile, upsample, scores)
        probability = np.nan
    else:
        labels, probability = _refined(
            model, frame, mask, grid, tile, upsample, certainty, blocked
        )
    if not certainty:
        return labels
    if model.templates is not None:
        probability = probability.max(axis=0)
    result = np.empty(labels.shape, model.result_dtype(certainty))
    result["label"] = labels
    result["certainty"] = np.where(labels == -1, np.nan, probability)
    return result


def probabilities(model, frame, mask, grid, upsample):
    """Probability of each pattern at the pixels of a frame that is checked.

    Parameters
    ----------
    model : SymmetryModel
        With templates.
    frame, mask, grid, upsample
        As in `label_checked`.

    Returns
    -------
    (rows, columns, patterns) or (grid rows, grid columns, patterns) numpy.ndarray
        Of float32. NaN where a pixel has no label.
    """

    def of_tile(tile):
        labels, posterior = _refined(model, frame, mask, grid, tile, upsample)
        posterior[:, labels == -1] = np.nan
        return np.moveaxis(posterior, 0, -1)

    dtype = np.dtype((np.float32, (model.n_patterns,)))
    return _of_tiles(of_tile, model, grid, frame.shape, upsample, dtype)


def _of_tiles(function, model, grid, shape, upsample, dtype):
    """What a function gives for the tiles of a frame, which has templates: array."""
    result = np.empty(whole(grid, shape).result_shape(upsample), dtype)

    def fill(tile):
        result[tile.inner if upsample else tile.samples] = function(tile)

    tiles = itertools.chain.from_iterable(model.tiles(grid, shape))
    pmap(fill, list(tiles), counted=SEGMENTING)
    return result


def _of_scores(model, frame, mask, grid, tile, upsample, kept_scores):
    """Labels of a tile of a frame, of the nearest centres."""
    labels = np.empty(tile.result_shape(upsample=False), model.label_dtype)

    def label(rows, columns, points):
        if kept_scores is None:
            scores = model.descriptor.compute(frame, points, mask)
        else:
            scores = kept_scores[rows, columns]
        # In its own thread too: see `OneThread`. Tile by tile even if the scores are
        # kept: products of matrices round differently with the place of a column.
        with one_thread:
            labels[rows, columns] = model.score_model.nearest(scores)

    counted = SEGMENTING if kept_scores is None else None
    with one_thread:
        map_tiles(label, model.descriptor, grid, counted=counted, within=tile.samples)
    if upsample:
        pixels = (np.arange(axis.start, axis.stop) for axis in tile.inner)
        labels = labels_at(labels, grid.within(*tile.samples), *pixels)
    leave_out(labels, _chosen(grid, tile, upsample), frame, mask, tile.inner)
    return labels


def _refined(model, frame, mask, grid, tile, upsample, certainty=True, blocked=None):
    """Labels (rows, columns) of a tile, posterior (patterns, rows, columns) or None."""
    # Without `one_thread`: nothing in it is done by a library with threads.
    labels, posterior = refine(model.templates, frame, mask, tile, certainty, blocked)
    chosen = _chosen(grid, tile, upsample)
    labels = labels[chosen].astype(model.label_dtype)
    leave_out(labels, chosen, frame, mask, tile.inner)
    return labels, posterior[(slice(None), *chosen)] if certainty else None


def refine(templates, frame, mask, tile, certainty=True, blocked=None):
    """Labels of the pixels of a tile of a frame, and the probability of each pattern.

    Parameters
    ----------
    templates : Templates
    frame : (rows, columns) numpy.ndarray or Tile
    mask : (rows, columns) array of bool, Tile or None
        True where a pixel is left out.
    tile : Tile
    certainty : bool
        Whether probabilities are asked for.
    blocked : NormalizedFrame, optional
        The whole frame, if that is what the labels depend on.

    Returns
    -------
    labels : (tile rows, tile columns) numpy.ndarray of int16
        None is left out.
    probabilities : (patterns, tile rows, tile columns) numpy.ndarray of float32
        Or None: the posteriors of the blocks, with straight boundaries, are
        interpolated, and raised to a power that calibrates them. In a frame that is
        much damaged, they are half as far from chance.
    """
    window = templates.window_around(tile.inner, frame.shape)
    first = tuple(axis.start for axis in window)
    sides = tuple(axis.stop - axis.start for axis in window)
    if blocked is None or sides != frame.shape:
        masked = None if mask is None else mask[window]
        blocked = NormalizedFrame(frame[window], masked, templates.period, first)
    posterior = straightened(*templates.posterior(blocked))
    rows, columns = (
        np.arange(axis.start - begin, axis.stop - begin)
        for axis, begin in zip(tile.inner, first, strict=True)
    )
    posterior = interpolate(posterior, blocked.block, rows, columns)
    labels = most_probable(posterior)
    if blocked.flat is not None:
        labels[blocked.flat[np.ix_(rows, columns)]] = -1
    if not certainty:
        return labels, None
    probabilities = sharpened(posterior)
    if blocked.is_doubtful:
        chance = np.float32(1 / len(posterior))
        probabilities = chance + IN_DOUBT * (probabilities - chance)
    return labels, probabilities


def interpolate(posterior, block, rows, columns):
    """Posterior of pixels from that of the blocks, by linear interpolation.

    Parameters
    ----------
    posterior : (patterns, block rows, block columns) numpy.ndarray of float32
    block : int
        Side of a block, in pixels.
    rows, columns : numpy.ndarray of int
        Of the pixels.

    Returns
    -------
    (patterns, rows, columns) numpy.ndarray of float32

    Examples
    --------
    >>> blocks = np.array([[[0.0, 1.0]]], np.float32)
    >>> interpolate(blocks, 2, np.arange(2), np.arange(4))[0, 0]
    array([0.  , 0.25, 0.75, 1.  ], dtype=float32)
    """
    out = np.empty((len(posterior), len(rows), len(columns)), np.float32)

    def of_pattern(k):
        own = posterior[k]
        for axis, pixels in enumerate((rows, columns)):
            places = (pixels - (block - 1) / 2) / block
            last = own.shape[axis] - 1
            before = np.clip(np.floor(places).astype(int), 0, last)
            share = np.clip(places - before, 0, 1).astype(np.float32)
            low = own.take(before, axis)
            step = own.take(np.minimum(before + 1, last), axis)
            step -= low
            step *= np.expand_dims(share, 1 - axis)
            own = np.add(step, low, out=out[k] if axis else step)

    pmap(of_pattern, range(len(posterior)))
    return out


def log_flat_areas(share):
    """Log a warning if a share of the pixels, or all, get no label for their values."""
    if share:
        _logger.warning(
            "%.3g %% of the pixels are in areas of one value (saturated, cropped or "
            "not recorded) and get no label: -1.",
            100 * share,
        )


def _share_flat(labels, frame, mask):
    """Share of the labels that are missing where pixels are valid: float."""
    missing = (labels["label"] if labels.dtype.names else labels) == -1
    if not missing.any() or missing.shape != frame.shape:
        return 0.0
    valid = valid_pixels(frame, mask)
    return float((missing if valid is None else missing & valid).mean())


def _chosen(grid, tile, upsample):
    """Index of the pixels of a tile that are labelled: all, or those of the grid."""
    if upsample:
        return np.s_[:, :]
    samples = grid.within(*tile.samples)
    return np.ix_(
        *(
            places - axis.start
            for places, axis in zip(
                (samples.rows, samples.columns), tile.inner, strict=True
            )
        )
    )
