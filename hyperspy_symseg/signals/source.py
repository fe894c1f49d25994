# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of a signal, as they are fitted on and labelled."""

import itertools
from typing import NamedTuple

import dask
import dask.array as da
import numpy as np
from hyperspy.axes import DataAxis

from hyperspy_symseg.descriptors.checks import check_frame
from hyperspy_symseg.descriptors.tiles import check_num_workers
from hyperspy_symseg.periods import find_periods
from hyperspy_symseg.periods.spectrum import crops
from hyperspy_symseg.segmentation.sampling import sampled_grid
from hyperspy_symseg.segmentation.threads import one_thread
from hyperspy_symseg.segmentation.views import Frames

from .arguments import series_mask
from .axes import frame_axes, navigation_axes
from .evaluation import FrameError, evaluate_series
from .frames import lazy_frames, lazy_scores


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
    num_workers : int or None
        Number of threads.
    """

    axes: tuple[DataAxis, DataAxis]
    navigation: list[DataAxis]
    shape: tuple[int, int]
    frames: np.ndarray | da.Array
    mask: np.ndarray | da.Array | None
    mask_token: str
    num_workers: int | None

    @classmethod
    def of(cls, signal, mask, lazy, num_workers):
        """Frames of a signal, checked; nothing is read.

        Parameters
        ----------
        signal : Signal2D
        mask : array, BaseSignal or None
            True where a pixel is left out.
        lazy : bool
            Whether a single image is labelled later.
        num_workers : int or None

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
        mask = series_mask(mask, signal.data.shape)
        check_num_workers(num_workers)
        token = "" if mask is None else dask.base.tokenize(mask)
        frames = signal.data
        if navigation or lazy:
            frames = lazy_frames(frames)
            mask = None if mask is None else lazy_frames(mask)
        else:
            frames = np.asarray(frames)
        shape = frames.shape[-2:]
        return cls(axes, navigation, shape, frames, mask, token, num_workers)

    @property
    def is_lazy(self):
        """Whether the frames are a dask array."""
        return isinstance(self.frames, da.Array)

    def frames_at(self, places, progress=None):
        """Some frames that windows are taken of: Frames or FramesOfSeries.

        Parameters
        ----------
        places : list of tuple of int
        progress : callable or None
            As `watched` takes it: for what has to read whole frames.
        """
        if not self.is_lazy:
            return Frames([self.frames], [self.mask])
        return FramesOfSeries(self, places, progress)

    def periods(self, places):
        """Lattice periods of some frames: Periods.

        Parameters
        ----------
        places : list of tuple of int
            Of the frames.
        """
        frames = self.frames_at(places)
        windows = itertools.product(range(len(frames)), crops(self.shape))
        views = frames.cut(list(windows))
        with one_thread:
            return find_periods(*zip(*views, strict=True))

    def fit_scores(self, descriptor, grid, places, progress):
        """Scores of a sample of the pixels of some frames: (pixels, operations).

        Parameters
        ----------
        descriptor : Descriptor
        grid : Grid
        places : list of tuple of int
            Of the frames.
        progress : callable or None
            As `watched` takes it.
        """
        n_operations = len(descriptor.operations)
        scored, sample = sampled_grid(grid, n_operations, len(places))
        some = da.stack([self.frames[place] for place in places])
        mask = self.mask
        if mask is not None and mask.ndim > 2:
            mask = da.stack([mask[place] for place in places])
        scores = lazy_scores(descriptor, some, mask, scored)[(slice(None), *sample)]
        found = self.evaluated(scores, places, 3, progress)
        return found.reshape(-1, n_operations)

    def mask_at(self, place):
        """Mask of a frame: (rows, columns) array or None."""
        if self.mask is None or self.mask.ndim == 2:
            return self.mask
        return self.mask[place]

    def evaluated(self, array, places, frame_ndim=2, progress=None):
        """What a lazy array has for some frames, one after the other.

        Parameters
        ----------
        array : dask.array.Array
        places : list of tuple of int
            Of the frames.
        frame_ndim, progress
            As for `evaluate_series`.

        Returns
        -------
        numpy.ndarray

        Raises
        ------
        FrameError
            If a frame of a series cannot be read.
        """
        try:
            return evaluate_series(
                array,
                frame_ndim=frame_ndim,
                num_workers=self.num_workers,
                progress=progress,
            )
        except FrameError as error:
            raise error.at(places[error.index[0]]) from error.__cause__


class FramesOfSeries:
    """Some frames of a series, or an image that is not in memory: as `Frames`.

    Parameters
    ----------
    source : Source
    places : list of tuple of int
        Of the frames.
    progress : callable, optional
        As `watched` takes it: for what has to read whole frames.

    Raises
    ------
    FrameError
        If a frame cannot be read.
    """

    def __init__(self, source, places, progress=None):
        self._source, self._places, self._progress = source, places, progress

    @property
    def shape(self):
        """Rows and columns of a frame: (int, int)."""
        return self._source.shape

    def __len__(self):
        """Return the number of frames."""
        return len(self._places)

    def cut(self, windows):
        """Windows of the frames, with their masks: list of (frame, mask).

        Parameters
        ----------
        windows : list of (int, (slice, slice))
            Number of the frame, and its rows and columns; all of one shape.
        """
        source = self._source
        places = [self._places[i] for i, _ in windows]
        some = da.stack(
            [source.frames[p][w] for p, (_, w) in zip(places, windows, strict=True)]
        )
        masks = [source.mask_at(place) for place in places]
        return [
            (frame, None if mask is None else np.asarray(mask[window]))
            for frame, mask, (_, window) in zip(
                source.evaluated(some, places, progress=self._progress),
                masks,
                windows,
                strict=True,
            )
        ]

    def each(self, function, n):
        """Numbers that a function finds in every frame: (frames, n) numpy.ndarray.

        Parameters
        ----------
        function : callable
            Gives n numbers, float64, for a frame and its mask.
        n : int
        """
        source, places = self._source, self._places
        function = dask.delayed(function, pure=True)
        found = [function(source.frames[p], source.mask_at(p)) for p in places]
        found = [da.from_delayed(each, (n,), np.float64) for each in found]
        return source.evaluated(da.stack(found), places, 1, self._progress)
