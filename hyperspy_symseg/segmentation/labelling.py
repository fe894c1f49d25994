# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model does with a frame: project its scores, and label its pixels."""

import itertools

import numpy as np

from hyperspy_symseg.descriptors import Grid, compute_scores, map_tiles
from hyperspy_symseg.descriptors.checks import (
    check_frame,
    check_mask,
    warn_of_outliers,
)

from .parts import cut_into_parts, whole
from .projection import project_scores
from .refining import margin, refine
from .sampling import complete_scores, sample_slices
from .threads import one_thread, pool_map
from .upsampling import labels_at, leave_out


class Labelling:
    """Methods of `SymmetryModel` that apply it."""

    def predict(
        self,
        frame,
        mask=None,
        *,
        stride=None,
        upsample=True,
        certainty=False,
        num_workers=None,
        progress=None,
    ):
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
        num_workers, progress
            As in `fit`.

        Returns
        -------
        (rows, columns) or (grid rows, grid columns) numpy.ndarray of int8
            int16 for more than 127 patterns. -1 where the pixel is masked or not
            finite, or has no score. With the certainty, a structured array: ``label``,
            and ``certainty`` of float32, which is NaN where the label is -1, or if
            there are no templates.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.
        """
        frame = np.asarray(frame)
        check_frame(frame)
        mask = check_mask(mask, frame.shape)
        self.descriptor.check_frame(frame.shape)
        grid = Grid.over(frame.shape, self.stride if stride is None else stride)
        warn_of_outliers(frame, mask)
        everywhere = whole(grid, frame.shape)
        labels = self._scored(frame, mask, grid, everywhere, num_workers, progress)
        return self._complete(
            labels, frame, mask, grid, upsample, certainty, num_workers
        )

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

    def parts(self, grid, shape):
        """Parts that a frame is labelled in.

        Parameters
        ----------
        grid : Grid
            The pixels scored.
        shape : (int, int)
            Rows and columns of the frame.

        Returns
        -------
        list of list of Part
        """
        return cut_into_parts(self.descriptor, grid, shape, margin=self.margin)

    def predict_part(
        self,
        frame,
        mask,
        grid,
        part,
        *,
        upsample=True,
        certainty=False,
        num_workers=1,
        progress=None,
    ):
        """Label the pixels of a part of a frame, as `predict` labels them.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray of any real dtype, or FramePart
        mask : (rows, columns) numpy.ndarray of bool, FramePart or None
        grid : Grid
            The pixels of the whole frame that are scored.
        part : Part
            One of `parts`.
        upsample, certainty, num_workers, progress
            As in `predict`.

        Returns
        -------
        (part rows, part columns) numpy.ndarray
            As from `predict`.
        """
        labels = self._scored(frame, mask, grid, part, num_workers, progress)
        return self._finish(labels, frame, mask, grid, part, upsample, certainty)

    def _scored(self, frame, mask, grid, part, num_workers, progress):
        """Labels of the pixels of a part that are scored, from the scores alone."""
        labels = np.empty(part.shape(upsample=False), self.label_dtype)

        def label(rows, columns, tile):
            scores = self.descriptor.compute(frame, tile, mask)
            # In its own thread too: see `OneThread`.
            with one_thread:
                labels[rows, columns] = self._nearest(scores)

        with one_thread:
            map_tiles(
                label,
                self.descriptor,
                grid,
                num_workers,
                progress,
                within=part.samples,
            )
        return labels

    def _complete(
        self, labels, frame, mask, grid, upsample, certainty, num_workers=None
    ):
        """Labels of a frame, from those of its scores."""
        how = upsample, certainty
        everywhere = whole(grid, frame.shape)
        if self.templates is None:
            return self._finish(labels, frame, mask, grid, everywhere, *how)
        found = np.empty(everywhere.shape(upsample), self.result_dtype(certainty))
        with pool_map(num_workers) as mapped:
            for part in itertools.chain.from_iterable(self.parts(grid, frame.shape)):
                place = part.pixels if upsample else part.samples
                own = labels[part.samples]
                found[place] = self._finish(own, frame, mask, grid, part, *how, mapped)
        return found

    def _finish(self, labels, frame, mask, grid, part, upsample, certainty, mapped=map):
        """Labels of a part of a frame, from the labels of its scores."""
        samples = grid.part(*part.samples)
        if upsample:
            chosen = np.s_[:, :]
            rows, columns = (np.arange(axis.start, axis.stop) for axis in part.pixels)
        else:
            rows, columns = samples.rows, samples.columns
            chosen = np.ix_(
                *(
                    places - axis.start
                    for places, axis in zip((rows, columns), part.pixels, strict=True)
                )
            )
        if self.templates is None:
            found, probability = labels_at(labels, samples, rows, columns), np.nan
        else:
            found, probability = refine(
                self.templates, labels, frame, mask, grid, part, certainty, mapped
            )
            found = found[chosen]
            if certainty:
                probability = probability[chosen]
            if (labels == -1).any():
                found[labels_at(labels, samples, rows, columns) == -1] = -1
        leave_out(found, chosen, frame, mask, part.pixels)
        if not certainty:
            return found
        result = np.empty(found.shape, self.result_dtype(certainty))
        result["label"] = found
        result["certainty"] = np.where(found == -1, np.nan, probability)
        return result

    def _sample_scores(self, frame, descriptor, mask, num_workers):
        """Scores as for a fit: (pixels, operations), of pixels that miss none."""
        frame = np.asarray(frame)
        grid = Grid.over(frame.shape, self.stride)
        sample = grid.part(*sample_slices(grid, len(descriptor.operations)))
        scores = compute_scores(
            descriptor, frame, sample, mask, num_workers=num_workers
        )
        return complete_scores(scores, descriptor)

    def sample(self, frame, mask=None, *, num_workers=None):
        """Descriptors of a frame in PCA space, and their labels: a sample of them.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        num_workers : int, optional
            Number of threads; by default one a processor.

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
        scores = self._sample_scores(frame, self.descriptor, mask, num_workers)
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
