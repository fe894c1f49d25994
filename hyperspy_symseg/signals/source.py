# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of a signal, as they are fitted on and labelled."""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import dask
import numpy as np
from hyperspy.axes import DataAxis

from hyperspy_symseg.descriptors.scores import Scores
from hyperspy_symseg.frames.checks import check_frame, is_auto, warn_of_values
from hyperspy_symseg.frames.extremes import Extremes, extremes, why_blank
from hyperspy_symseg.frames.lazy import lazy, lazy_frames
from hyperspy_symseg.frames.run import FrameError, evaluate_series
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.lattice.spectrum import crops
from hyperspy_symseg.segmentation.sampling import sampled_grid
from hyperspy_symseg.templates.training_crops import TrainingFrames

from .arguments import mask_array
from .axes import frame_axes, navigation_axes

if TYPE_CHECKING:
    import dask.array as da

_logger = logging.getLogger(__name__)


class Source(NamedTuple):
    """Frames of a signal.

    Attributes
    ----------
    axes : (DataAxis, DataAxis)
        The signal axes (y, x).
    navigation : list of DataAxis
        The navigation axes, in the order of the array.
    shape : (int, int)
        Rows and columns of a frame.
    frames : (rows, columns) numpy.ndarray, or (..., rows, columns) dask.array.Array
        A single image to be labelled at once, or a series with one frame a chunk.
    mask : array of bool or None
        Of the same kind.
    mask_token : str
        What tells the mask from others; empty if there is none.
    """

    axes: tuple[DataAxis, DataAxis]
    navigation: list[DataAxis]
    shape: tuple[int, int]
    frames: np.ndarray | da.Array
    mask: np.ndarray | da.Array | None
    mask_token: str

    @classmethod
    def of(cls, signal, mask, lazy):
        """Frames of a signal, checked; nothing is read.

        Parameters
        ----------
        signal : Signal2D
        mask : array, BaseSignal or None
            True where a pixel is left out.
        lazy : bool
            Whether a single image is labelled later.

        Returns
        -------
        Source

        Raises
        ------
        TypeError, ValueError
            If something is not allowed.
        """
        axes, navigation = frame_axes(signal), navigation_axes(signal)
        check_frame(signal.data[(0,) * len(navigation)])
        mask = mask_array(mask, signal.data.shape)
        token = "" if mask is None else dask.base.tokenize(mask)
        frames = signal.data
        if navigation or lazy:
            frames = lazy_frames(frames)
            mask = None if mask is None else lazy_frames(mask)
        else:
            frames = np.asarray(frames)
        shape = frames.shape[-2:]
        return cls(axes, navigation, shape, frames, mask, token)

    @property
    def is_lazy(self):
        """Whether the frames are a dask array."""
        return dask.is_dask_collection(self.frames)

    def with_contrast(self, places):
        """Frames that have any contrast, and so can be fitted on.

        Parameters
        ----------
        places : list of tuple of int
            Of the frames.

        Returns
        -------
        list of tuple of int

        Raises
        ------
        ValueError
            If there are none.
        """
        if not self.is_lazy:
            found = [extremes(self.frames, self.mask)]
        else:
            some, mask = self._some(places)
            found = self._evaluated(lazy(Extremes(), some, mask=mask), places, 0)
            found = [(each["low"], each["high"]) for each in found]
        return self._good(places, [why_blank(*each) for each in found])

    @staticmethod
    def _good(places, reasons):
        """Frames for which there is no reason to leave them out of a fit."""
        if None not in reasons:
            raise ValueError(
                "signal must have a frame with contrast to be fitted on, got "
                f"{len(places)} without: {reasons[0]}."
            )
        good = []
        for place, reason in zip(places, reasons, strict=True):
            if reason is None:
                good.append(place)
            else:
                _logger.warning(
                    "%s The model is fitted without it.", FrameError(place, reason)
                )
        return good

    def _some(self, places):
        """Some frames and their masks: (frames, rows, columns) dask.array.Array."""
        mask = self.mask
        if mask is not None and mask.ndim > 2:
            mask = np.stack([mask[place] for place in places])
        return np.stack([self.frames[place] for place in places]), mask

    def fit_frames(self, places, period, examples=None):
        """Frames that templates are learnt from, read when they are looked at.

        Parameters
        ----------
        places : list of tuple of int
        period : float
            In pixels.
        examples : (rows, columns) numpy.ndarray of int, optional
            Labels that are known in all of them.
        """

        def read(i, window):
            [(frame, mask)] = self.views([window], [places[i]])
            if self.is_lazy:
                warn_of_values(frame, mask)
            return frame, mask

        n = len(places)
        given = None if examples is None else [examples] * n
        return TrainingFrames(read, n, self.shape, period, examples=given)

    def views(self, windows, places):
        """Windows of some frames, with their masks.

        Parameters
        ----------
        windows : list of (slice, slice)
            All of one shape.
        places : list of tuple of int
            Of the frames.

        Returns
        -------
        list of (frame, mask)

        Raises
        ------
        FrameError
            If a frame of a series cannot be read.
        """
        pairs = list(itertools.product(places, windows))
        masks = []
        for place, window in pairs:
            mask = self.mask
            if mask is not None:
                mask = np.asarray((mask if mask.ndim == 2 else mask[place])[window])
            masks.append(mask)
        if not self.is_lazy:
            found = [self.frames[window] for _, window in pairs]
        else:
            some = np.stack([self.frames[place][window] for place, window in pairs])
            found = self._evaluated(some, [place for place, _ in pairs])
        return list(zip(found, masks, strict=True))

    def periods(self, places, period="auto"):
        """Lattice periods of some frames: Periods.

        Parameters
        ----------
        places : list of tuple of int
            Of the frames.
        period : float or "auto"
            In pixels, if it is given: it overrules what is found.
        """
        views = self.views(crops(self.shape), places)
        with one_thread:
            found = find_periods(*zip(*views, strict=True))
        return found if is_auto(period) else replace(found, period=period)

    def fit_scores(self, descriptor, grid, places, examples=None):
        """Scores of a sample of the pixels of some frames, and which have any contrast.

        Parameters
        ----------
        descriptor : Descriptor
        grid : Grid
        places : list of tuple of int
            Of the frames.
        examples : (rows, columns) numpy.ndarray of int, optional
            Labels that are known in all of them.

        Returns
        -------
        scores : (pixels, operations) numpy.ndarray
        labels : (pixels,) numpy.ndarray of int or None
            Those of the examples.
        places : list of tuple of int
            Of the frames that have contrast.
        """
        n_operations = len(descriptor.operations)
        scored, sample = sampled_grid(grid, n_operations, len(places))
        some, mask = self._some(places)
        scores = lazy(Scores(descriptor, scored), some, mask=mask)
        scores = scores[(slice(None), *sample)]
        found = self._evaluated(scores, places, 3, "Fitting")
        found = found.reshape(len(places), -1, n_operations)
        reasons = list(map(_why_not_fitted_on, found))
        found = found[[reason is None for reason in reasons]]
        labels = None
        if examples is not None:
            labels = examples[np.ix_(scored.rows, scored.columns)][sample].ravel()
            labels = np.tile(labels, len(found))
        scores = found.reshape(-1, n_operations)
        return scores, labels, self._good(places, reasons)

    @staticmethod
    def _evaluated(array, places, frame_ndim=2, description=None):
        """What a lazy array has for some frames: numpy.ndarray, one after the other."""
        try:
            return evaluate_series(array, description, frame_ndim=frame_ndim)
        except FrameError as error:
            raise error.at(places[error.index[0]]) from error.__cause__


def _why_not_fitted_on(scores):
    """Say why a frame of such scores (pixels, operations) is no data, or None."""
    scores = scores[~np.isnan(scores).any(axis=1)]
    if not len(scores):
        return "no pixel has all its scores"
    return (
        "all pixels have the same scores" if not np.ptp(scores, axis=0).any() else None
    )
