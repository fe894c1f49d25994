# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model does with a frame: project its scores, and label its pixels."""

import itertools
import logging

import numpy as np

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import (
    as_array,
    check_flag,
    check_frame,
    check_mask,
    warn_of_values,
)
from hyperspy_symseg.frames.parts import PART_SHAPE, cut_into_parts, whole
from hyperspy_symseg.frames.threads import one_thread, pmap, with_workers
from hyperspy_symseg.frames.tiling import (
    map_tiles,
)
from hyperspy_symseg.frames.valid import valid_pixels

from .projection import project_scores
from .refining import margin, refine
from .sampling import complete_scores, sample_slices
from .upsampling import labels_at, leave_out

_logger = logging.getLogger(__name__)


# What a progress bar says meanwhile.
SEGMENTING = "Segmenting"


class Labelling:
    """Methods of `SymmetryModel` that apply it."""

    @with_workers
    def predict(self, frame, mask=None, *, stride=None, upsample=True, certainty=False):
        """Label the pixels of a frame.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            A frame of the same pixel size as the one fitted on.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        stride : int or (int, int), optional
            Distance between the pixels scored; by default that of the model.
        upsample : bool
            Whether to give every pixel a label: if there are templates, its own, and
            else that of the nearest pixel scored. Otherwise only the labels of the
            pixels scored are returned.
        certainty : bool
            Whether to return the probability of the labels, too.

        Returns
        -------
        (rows, columns) or (grid rows, grid columns) numpy.ndarray of int8
            int16 for more than 127 patterns. -1 where the pixel is masked or not
            finite or, without templates, has no score. With the certainty, a
            structured array: ``label``, and ``certainty`` of float32, which is NaN
            where the label is -1, or if there are no templates.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.
        """
        frame = as_array("frame", frame)
        check_frame(frame)
        mask = check_mask(mask, frame.shape)
        self.descriptor.check_frame(frame.shape)
        grid = Grid.over(frame.shape, self.stride if stride is None else stride)
        upsample = check_flag("upsample", upsample)
        certainty = check_flag("certainty", certainty)
        warn_of_values(frame, mask)
        return self._predict(frame, mask, grid, upsample, certainty)

    def _predict(self, frame, mask, grid, upsample, certainty, blocked=None):
        """Label the pixels of a frame that is checked, and may be in blocks already."""
        if self.templates is None:
            part = whole(grid, frame.shape)
            labels = self._of_scores(frame, mask, grid, part)
            return self._upsampled(labels, frame, mask, grid, part, upsample, certainty)
        labels = np.empty(
            whole(grid, frame.shape).result_shape(upsample),
            self.result_dtype(certainty),
        )
        parts = list(itertools.chain.from_iterable(self.parts(grid, frame.shape)))

        def label(part):
            labels[part.inner if upsample else part.samples] = self._refined(
                frame, mask, grid, part, upsample, certainty, blocked
            )

        pmap(label, parts, counted=SEGMENTING)
        log_flat_areas(_share_flat(labels, frame, mask))
        return labels

    def result_dtype(self, certainty):
        """Dtype of what `predict` returns: numpy.dtype."""
        if not certainty:
            return self.label_dtype
        return np.dtype([("label", self.label_dtype), ("certainty", np.float32)])

    def label_step(self, stride, upsample=True):
        """Distance of the labels that are not copies of each other: (int, int).

        Parameters
        ----------
        stride : (int, int)
            Distance of the pixels scored.
        upsample : bool
        """
        if self.templates is None or not upsample:
            return stride
        return 1, 1

    @property
    def margin(self):
        """Pixels around a part of a frame that its labels depend on: int."""
        return 0 if self.templates is None else margin(self.templates)

    def parts(self, grid, shape, part_shape=PART_SHAPE):
        """Parts that a frame is labelled in.

        Parameters
        ----------
        grid : Grid
            The pixels scored.
        shape : (int, int)
            Rows and columns of the frame.
        part_shape : (int, int)
            Rows and columns of a tile, at most.

        Returns
        -------
        list of list of Tile
        """
        return cut_into_parts(
            self.descriptor, grid, shape, part_shape, margin=self.margin
        )

    def predict_part(
        self,
        frame,
        mask,
        grid,
        part,
        *,
        upsample=True,
        certainty=False,
    ):
        """Label the pixels of a part of a frame, as `predict` labels them.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray of any real dtype, or Tile
        mask : (rows, columns) numpy.ndarray of bool, Tile or None
        grid : Grid
            The pixels of the whole frame that are scored.
        part : Tile
            One of `parts`.
        upsample, certainty
            As in `predict`.

        Returns
        -------
        (part rows, part columns) numpy.ndarray
            As from `predict`.
        """
        how = upsample, certainty
        if self.templates is not None:
            return self._refined(frame, mask, grid, part, *how)
        labels = self._of_scores(frame, mask, grid, part)
        return self._upsampled(labels, frame, mask, grid, part, *how)

    def _of_scores(self, frame, mask, grid, part):
        """Labels of the pixels of a part that are scored."""
        labels = np.empty(part.result_shape(upsample=False), self.label_dtype)

        def label(rows, columns, tile):
            scores = self.descriptor.compute(frame, tile, mask)
            # In its own thread too: see `OneThread`.
            with one_thread:
                labels[rows, columns] = self._nearest(scores)

        with one_thread:
            map_tiles(
                label, self.descriptor, grid, counted=SEGMENTING, within=part.samples
            )
        return labels

    def _upsampled(self, labels, frame, mask, grid, part, upsample, certainty):
        """Labels of a part of a frame, from the labels of its scores."""
        if upsample:
            pixels = (np.arange(axis.start, axis.stop) for axis in part.inner)
            labels = labels_at(labels, grid.part(*part.samples), *pixels)
        chosen = _chosen(grid, part, upsample)
        leave_out(labels, chosen, frame, mask, part.inner)
        return self._result(labels, np.nan, certainty)

    def _refined(self, frame, mask, grid, part, upsample, certainty, blocked=None):
        """Labels of a part of a frame, from the templates."""
        # Without `one_thread`: nothing in it is done by a library with threads.
        labels, probability = refine(
            self.templates, frame, mask, part, certainty, blocked
        )
        chosen = _chosen(grid, part, upsample)
        labels = labels[chosen].astype(self.label_dtype)
        leave_out(labels, chosen, frame, mask, part.inner)
        return self._result(
            labels, probability[chosen] if certainty else None, certainty
        )

    def _result(self, labels, probability, certainty):
        """Labels, with their certainty if it is asked for."""
        if not certainty:
            return labels
        result = np.empty(labels.shape, self.result_dtype(certainty))
        result["label"] = labels
        result["certainty"] = np.where(labels == -1, np.nan, probability)
        return result

    def _sample_scores(self, frame, descriptor, mask):
        """Scores as for a fit: (pixels, operations), of pixels that miss none."""
        frame = as_array("frame", frame)
        check_frame(frame)
        mask = check_mask(mask, frame.shape)
        self.descriptor.check_frame(frame.shape)
        grid = Grid.over(frame.shape, self.stride)
        sample = grid.part(*sample_slices(grid, len(descriptor.operations)))
        scores = compute_scores(descriptor, frame, sample, mask)
        return complete_scores(scores, descriptor)

    @with_workers
    def sample(self, frame, mask=None):
        """Descriptors of a frame in PCA space, and their labels: a sample of them.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.

        Returns
        -------
        projected : (pixels, components) numpy.ndarray of float64
            At most 20,000 pixels, spread evenly, that miss no score.
        labels : (pixels,) numpy.ndarray of int8
            int16 for more than 127 patterns.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.
        """
        scores = self._sample_scores(frame, self.descriptor, mask)
        return self.project(scores), self._nearest(scores)

    def project(self, scores):
        """Principal components of scores.

        Parameters
        ----------
        scores : (..., operations) numpy.ndarray
            NaN where a score is missing.

        Returns
        -------
        (..., components) numpy.ndarray
            NaN for a pixel without any score. Same dtype as the scores.
        """
        return project_scores(scores, self.mean, self.weights, self.components)

    def _nearest(self, scores):
        """Labels of scores (..., operations)."""
        projected = self.project(scores)
        centres = self.centres.astype(scores.dtype)
        # The square of the distance, less that of the pixel from the origin.
        distance = (centres**2).sum(axis=1) - 2 * projected @ centres.T
        labels = distance.argmin(axis=-1).astype(self.label_dtype)
        labels[np.isnan(projected[..., 0])] = -1
        return labels


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


def _chosen(grid, part, upsample):
    """Index of the pixels of a part that are labelled: all, or those of the grid."""
    if upsample:
        return np.s_[:, :]
    samples = grid.part(*part.samples)
    return np.ix_(
        *(
            places - axis.start
            for places, axis in zip(
                (samples.rows, samples.columns), part.inner, strict=True
            )
        )
    )
