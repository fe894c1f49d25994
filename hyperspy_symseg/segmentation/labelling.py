# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model does with a frame: project its scores, and label its pixels."""

import numpy as np

from hyperspy_symseg.descriptors import Grid, compute_scores, map_tiles
from hyperspy_symseg.descriptors.checks import (
    check_frame,
    check_mask,
    warn_of_outliers,
)

from .parts import whole
from .projection import project_scores
from .sampling import complete_scores, sample_slices
from .threads import one_thread
from .upsampling import complete_labels


class Labelling:
    """Methods of `SymmetryModel` that apply it."""

    def predict(
        self,
        frame,
        mask=None,
        *,
        stride=None,
        upsample=True,
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
            Distance between the pixels labelled; by default that of the model.
        upsample : bool
            Whether to give every pixel the label of the nearest one labelled.
            Otherwise only the pixels labelled are returned.
        num_workers, progress
            As in `fit`.

        Returns
        -------
        (rows, columns) or (grid rows, grid columns) numpy.ndarray of int8
            int16 for more than 127 patterns. -1 where the pixel is masked or not
            finite, or has no score.

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
        return self.predict_part(
            frame,
            mask,
            grid,
            whole(grid, frame.shape),
            upsample=upsample,
            num_workers=num_workers,
            progress=progress,
        )

    def predict_part(
        self, frame, mask, grid, part, *, upsample=True, num_workers=1, progress=None
    ):
        """Label the pixels of a part of a frame, as `predict` labels them.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray of any real dtype, or FramePart
        mask : (rows, columns) numpy.ndarray of bool, FramePart or None
        grid : Grid
            The pixels of the whole frame that are labelled.
        part : Part
        upsample, num_workers, progress
            As in `predict`.

        Returns
        -------
        (part rows, part columns) numpy.ndarray
            As from `predict`.
        """
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
        return complete_labels(
            labels, grid.part(*part.samples), frame, mask, part.pixels, upsample
        )

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
