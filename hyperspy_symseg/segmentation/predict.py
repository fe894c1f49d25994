# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of a frame, by the scores or by the templates of the patterns."""

import itertools
import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import (
    as_array,
    check_frame,
    check_mask,
    warn_of_values,
)
from hyperspy_symseg.frames.cut import whole
from hyperspy_symseg.frames.memory import keep_freed_memory
from hyperspy_symseg.frames.threads import one_thread, pmap
from hyperspy_symseg.frames.tiling import map_tiles
from hyperspy_symseg.frames.valid import valid_pixels
from hyperspy_symseg.templates.blocks import interpolated, largest_between
from hyperspy_symseg.templates.boundaries import sharpened, straightened
from hyperspy_symseg.templates.displaced_blocks import change_by_displacement
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.shapes import shaped
from hyperspy_symseg.templates.small_regions import by_evidence
from hyperspy_symseg.templates.survival import change_of_certainty, changed

from .upsampling import labels_at, leave_out

_logger = logging.getLogger(__name__)

# What a progress bar says meanwhile.
SEGMENTING = "Segmenting"
# What is left of the certainty, above chance, in frames that templates may not fit.
IN_DOUBT = np.float32(0.5)


def checked_frame(descriptor, frame, mask):
    """Frame and mask, checked.

    Parameters
    ----------
    descriptor : Descriptor
    frame : (rows, columns) array of any real dtype
    mask : (rows, columns) array of bool, optional

    Returns
    -------
    frame : (rows, columns) numpy.ndarray
    mask : (rows, columns) numpy.ndarray of bool or None

    Raises
    ------
    TypeError, ValueError
        If one is not allowed, or the descriptor needs a larger frame.
    """
    frame = as_array("frame", frame)
    check_frame(frame)
    mask = check_mask(mask, frame.shape)
    descriptor.check_frame(frame.shape)
    return frame, mask


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
    frame, mask = checked_frame(model.descriptor, frame, mask)
    grid = Grid.over(frame.shape, model.stride if stride is None else stride)
    warn_of_values(frame, mask)
    return Prediction(model, grid, upsample, certainty).of_frame(frame, mask)


@dataclass(frozen=True)
class Prediction:
    """What a model is to tell of a frame, and what is known of that already.

    Parameters
    ----------
    model : SymmetryModel
    grid : Grid
        The pixels that are scored.
    upsample, certainty : bool
        As in `label_frame`.
    scores : (grid rows, grid columns, operations) numpy.ndarray, optional
        Of the frame, if they have been kept.
    normalized : NormalizedFrame, optional
        The whole frame.
    """

    model: Any
    grid: Grid
    upsample: bool = True
    certainty: bool = False
    scores: np.ndarray | None = None
    normalized: NormalizedFrame | None = None

    def of_frame(self, frame, mask):
        """Labels of a frame that is checked.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray
        mask : (rows, columns) numpy.ndarray of bool or None

        Returns
        -------
        numpy.ndarray
            As from `label_frame`.
        """
        if self.model.templates is None:
            return self.of_tile(frame, mask, whole(self.grid, frame.shape))
        dtype = self.model.result_dtype(self.certainty)
        labels = self._of_tiles(self.of_tile, frame, mask, dtype)
        missing = (labels["label"] if self.certainty else labels) == -1
        if missing.any() and missing.shape == frame.shape:
            valid = valid_pixels(frame, mask)
            log_flat_areas((missing if valid is None else missing & valid).mean())
        return labels

    def probabilities(self, frame, mask):
        """Probability of each pattern at the pixels of a frame that is checked.

        Parameters
        ----------
        frame, mask
            As for `of_frame`. The model has templates, and certainty is asked for.

        Returns
        -------
        (rows, columns, patterns) or (grid rows, grid columns, patterns) numpy.ndarray
            Of float32. NaN where a pixel has no label.
        """

        def of_tile(frame, mask, tile):
            labels, posterior = self._labels_and_posterior(frame, mask, tile)
            posterior[:, labels == -1] = np.nan
            return np.moveaxis(posterior, 0, -1)

        dtype = np.dtype((np.float32, (self.model.n_patterns,)))
        return self._of_tiles(of_tile, frame, mask, dtype)

    def _of_tiles(self, function, frame, mask, dtype):
        """What a function gives for the tiles of a frame: numpy.ndarray."""
        result = np.empty(frame.shape if self.upsample else self.grid.shape, dtype)

        def fill(tile):
            pixels = tile.inner if self.upsample else tile.samples
            result[pixels] = function(frame, mask, tile)

        tiles = itertools.chain.from_iterable(self.model.tiles(self.grid, frame.shape))
        pmap(fill, list(tiles), counted=SEGMENTING)
        return result

    def of_tile(self, frame, mask, tile):
        """Labels of a tile of a frame.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray or Tile
        mask : (rows, columns) numpy.ndarray of bool, Tile or None
        tile : Tile

        Returns
        -------
        (tile rows, tile columns) numpy.ndarray
            As from `label_frame`.
        """
        labels, posterior = self._labels_and_posterior(frame, mask, tile)
        if not self.certainty:
            return labels
        result = np.empty(labels.shape, self.model.result_dtype(True))
        result["label"] = labels
        result["certainty"] = np.nan if posterior is None else posterior.max(axis=0)
        result["certainty"][labels == -1] = np.nan
        return result

    def _labels_and_posterior(self, frame, mask, tile):
        """Labels (rows, columns), posterior (patterns, rows, columns) or None."""
        keep_freed_memory()
        chosen = np.s_[:, :]
        if not self.upsample:
            samples = self.grid.within(*tile.samples)
            rows, columns = (axis.start for axis in tile.inner)
            chosen = np.ix_(samples.rows - rows, samples.columns - columns)
        if self.model.templates is None:
            labels, posterior = self._nearest(frame, mask, tile), None
        else:
            # Without `one_thread`: nothing in it is done by a library with threads.
            known = self.certainty, self.normalized
            labels, posterior = refine(self.model.templates, frame, mask, tile, *known)
            labels = labels[chosen].astype(self.model.label_dtype)
            if posterior is not None:
                posterior = posterior[(slice(None), *chosen)]
        leave_out(labels, chosen, frame, mask, tile.inner)
        return labels, posterior

    def _nearest(self, frame, mask, tile):
        """Labels of a tile of a frame, of the nearest centres: (rows, columns)."""
        model, kept_scores = self.model, self.scores
        labels = np.empty(tile.result_shape(upsample=False), model.label_dtype)

        def label(rows, columns, points):
            if kept_scores is None:
                scores = model.descriptor.compute(frame, points, mask)
            else:
                scores = kept_scores[rows, columns]
            # In its own thread too: see `OneThread`. Tile by tile even if the scores
            # are kept: products of matrices round differently with the place of a
            # column.
            with one_thread:
                labels[rows, columns] = model.score_model.nearest(scores)

        counted = SEGMENTING if kept_scores is None else None
        where = model.descriptor, self.grid
        with one_thread:
            map_tiles(label, *where, counted=counted, within=tile.samples)
        if self.upsample:
            pixels = (np.arange(axis.start, axis.stop) for axis in tile.inner)
            labels = labels_at(labels, self.grid.within(*tile.samples), *pixels)
        return labels


def refine(templates, frame, mask, tile, certainty=True, normalized=None):
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
    normalized : NormalizedFrame, optional
        The whole frame, if that is what the labels depend on.

    Returns
    -------
    labels : (tile rows, tile columns) numpy.ndarray of int16
        None is left out.
    probabilities : (patterns, tile rows, tile columns) numpy.ndarray of float32
        Or None: the posteriors of the blocks, with straight boundaries, are
        interpolated, raised to a power that calibrates them, and changed as other noise
        would change them, and by doubts in the model. In a frame that is much damaged,
        they are half as far from chance.
    """
    around = templates.pixels_around(tile.inner, frame.shape)
    first = tuple(axis.start for axis in around)
    sides = tuple(axis.stop - axis.start for axis in around)
    if normalized is None or sides != frame.shape:
        masked = None if mask is None else mask[around]
        normalized = NormalizedFrame(frame[around], masked, templates.period, first)
    found = templates.posterior(normalized)
    n_places = math.prod(frame.shape) / normalized.block**2
    blocks_in_cell = (templates.period / normalized.block) ** 2
    several = templates.n_patterns > 1
    if templates.are_motifs or (certainty and several):
        expected = templates.each_expected(normalized, found[0])
    if templates.are_motifs:
        found = _displaced(templates, normalized, expected, *found)
        first_block = tuple(begin // normalized.block for begin in first)
        straight = shaped(found[1], first_block)
    else:
        straight = straightened(*found, templates.powers > 0)
    straight = by_evidence(straight, *found, n_places, blocks_in_cell)
    rows, columns = (
        np.arange(axis.start - begin, axis.stop - begin)
        for axis, begin in zip(tile.inner, first, strict=True)
    )
    pixels = normalized.block, rows, columns
    labels = largest_between(straight, *pixels)
    probabilities = None
    if certainty:
        probabilities = sharpened(interpolated(straight, *pixels))
        if several:
            model = normalized, templates, expected
            change = change_of_certainty(*model, found, straight, first)
            change = interpolated(change, *pixels)
            probabilities = changed(probabilities, change, labels)
    if normalized.flat is not None:
        labels[normalized.flat[np.ix_(rows, columns)]] = -1
    if certainty and normalized.is_doubtful:
        chance = np.float32(1 / len(straight))
        probabilities = chance + IN_DOUBT * (probabilities - chance)
    return labels, probabilities


def _displaced(templates, frame, expected, posterior, log_likelihood):
    """Posterior and log-likelihoods of motifs, with blocks displaced as they fit."""
    # It is 0 if it is not known.
    variance = templates.variances.mean() or templates.noise
    change = change_by_displacement(
        frame, expected, posterior, variance, templates.period
    )
    return posterior, log_likelihood - change / np.float32(2 * templates.noise)


def log_flat_areas(share):
    """Log a warning if a share of the pixels, or all, get no label for their values."""
    if share:
        _logger.warning(
            "%.3g %% of the pixels are in areas of one value (saturated, cropped or "
            "not recorded) and get no label: -1.",
            100 * share,
        )
