# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames evaluated one by one, in threads or on the workers of a cluster."""

from __future__ import annotations

import contextlib
import functools
import itertools
import pickle
import sys
import time
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import replace
from typing import TYPE_CHECKING

import dask
import numpy as np

from .analysis import MapAnalysis, SumAnalysis
from .graph import FrameGraph, FrameTask
from .lazy import filled, lazy, lazy_tiles, named_arrays, process_tile
from .threads import n_workers, pmap, tracked
from .tile import Tile

if TYPE_CHECKING:
    import dask.array as da
    from numpy.typing import ArrayLike

    from hyperspy_symseg.frames.analysis import Analysis

# Seconds after which the workers of a cluster are counted anew.
ASK_AGAIN = 1.0
# Frames are large, and that cannot be helped.
QUIET = {"distributed.admin.large-graph-warning-threshold": "1GB"}
# Errors that no other frame would be free of.
NOT_OF_A_FRAME = (CancelledError, ImportError, MemoryError)


class FrameError(RuntimeError):
    """One frame of a series cannot be labelled.

    Parameters
    ----------
    index : tuple of int
        Its place in the array.
    reason : str
    """

    def __init__(self, index: tuple[int, ...], reason: str) -> None:
        super().__init__(tuple(map(int, index)), reason)

    @property
    def index(self) -> tuple[int, ...]:
        """Place of the frame in the array: tuple of int."""
        return self.args[0]

    @property
    def reason(self) -> str:
        """What is wrong with it: str."""
        return self.args[1]

    def at(self, index: tuple[int, ...]) -> FrameError:
        """The same of another place: FrameError."""
        error = FrameError(index, self.reason)
        error.__cause__ = self.__cause__
        return error

    def __str__(self):
        """Name the frame as HyperSpy does."""
        if not self.index:
            return f"frame: {self.reason}."
        return f"frame inav{list(self.index[::-1])}: {self.reason}."


def cluster_client():
    """The client of dask.distributed that is open and in use, or None."""
    distributed = sys.modules.get("distributed")
    # Opening a client sets the last one; somebody may have set another after that.
    if distributed is None or dask.config.get("scheduler", None) not in (
        None,
        "distributed",
        "dask.distributed",
    ):
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def _pickled(task):
    """Function without arguments that does a task elsewhere, or None if none can."""
    # dask needs it, and it is slow to import.
    import cloudpickle

    try:
        return functools.partial(_call, cloudpickle.dumps(task))
    except (AttributeError, TypeError, ValueError, pickle.PicklingError):
        return None


def _call(pickled):
    return pickle.loads(pickled)()


class _Threads:
    """Threads of this process."""

    def __init__(self, graph):
        self.n_threads = n_workers()
        self.executor = ThreadPoolExecutor(self.n_threads)
        # Function without arguments that evaluates frames, and what does it.
        self.task = functools.partial(FrameTask, graph)
        self.submit = self.executor.submit


class _Workers:
    """Workers of a cluster.

    What of the reading cannot be sent to them, such as open HDF5 files, is done here.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, graph, client):
        self._graph, self._client = graph, client
        self.reads_here = False
        client.wait_for_workers(1)
        self.executor = client.get_executor(pure=False)
        self._n_threads, self._asked = 1, -ASK_AGAIN

    @property
    def n_threads(self):
        """Threads of all workers; there may be more and fewer of them later."""
        if time.monotonic() - self._asked > ASK_AGAIN:
            self._n_threads = max(1, sum(self._client.nthreads().values()))
            self._asked = time.monotonic()
        return self._n_threads

    def task(self, group, _):
        """Function without arguments that evaluates frames."""
        task = FrameTask(self._graph, group)
        if not self.reads_here:
            if (sent := _pickled(task)) is not None:
                return sent
            self.reads_here = True
        task.read()
        return _pickled(task)

    def submit(self, task):
        """Do a task: concurrent.futures.Future."""
        with dask.config.set(QUIET):
            return self.executor.submit(task)


def evaluate_frames(
    array,
    indices,
    *,
    frame_ndim=2,
    in_flight=2,
    largest_group=32,
    group_bytes=64 * 2**20,
):
    """Evaluate frames of a lazy array, each alone, in the threads of the context.

    With a client of dask.distributed open, they are evaluated by its workers, which
    read them if they can open the source themselves; otherwise frames are read here
    and sent to them. Only a few are on their way at any time. Frames from the same
    chunk of the source are read together.

    Parameters
    ----------
    array : dask.array.Array
        Of the navigation axes and those of a frame.
    indices : list of tuple of int
        The frames.
    frame_ndim : int
        Number of axes of a frame.
    in_flight : int
        Groups of frames that wait or are being evaluated, as a multiple of the threads.
    largest_group, group_bytes : int
        Frames that are read together, at most, and their size in bytes, if there is
        more than one. They are handed out together.

    Yields
    ------
    index : tuple of int
        As they are done, in no order.
    frame : numpy.ndarray or FrameError

    Raises
    ------
    Exception
        What is wrong with the process, the client or the workers rather than with a
        frame: see `NOT_OF_A_FRAME`. A RuntimeError if a frame is missing at the end.
    """
    if not indices:
        return
    graph, client = FrameGraph(array, indices, frame_ndim), cluster_client()
    where = _Threads(graph) if client is None else _Workers(graph, client)
    share = -(-len(indices) // where.n_threads)
    most = min(largest_group, share, max(1, group_bytes // graph.frame_bytes))
    groups = graph.groups(indices, most)
    # Threads that would have nothing to do work at parts of a frame.
    threads_each = max(1, where.n_threads // len(indices))
    running, n_done = {}, 0
    with where.executor:
        try:
            while True:
                room = max(0, in_flight * where.n_threads - len(running))
                new = list(itertools.islice(groups, room))
                if not new and not running:
                    break
                for group in new:
                    try:
                        task = where.task(group, threads_each)
                    except Exception as error:
                        # It was read here.
                        n_done += len(group)
                        yield from _outcomes(dict.fromkeys(group, error))
                    else:
                        running[where.submit(task)] = task, group
                if not running:
                    continue
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    _, group = running.pop(future)
                    results = _results(future, group)
                    n_done += len(results)
                    yield from _outcomes(results)
        finally:
            for future, (task, _) in running.items():
                future.cancel()
                task.is_wanted = False
    if n_done < len(indices):
        raise RuntimeError(
            f"all {len(indices)} frames must be evaluated, got {n_done} of them."
        )


@contextlib.contextmanager
def watched(frames, n_frames, description, unit=" frames"):
    """Frames with a progress bar; when the context is left, no further one is begun.

    Parameters
    ----------
    frames : generator
        From `evaluate_frames`.
    n_frames : int
    description : str
        What the progress bar says.
    unit : str
        What it counts.

    Yields
    ------
    iterator
        Over the same.
    """
    with contextlib.closing(frames):
        yield tracked(frames, n_frames, description, unit=unit)


def _results(future, group):
    """Frames of a group, or what is wrong with them."""
    try:
        return future.result()
    except NOT_OF_A_FRAME:
        raise
    except Exception as error:
        # Such as a worker that has died of it.
        return dict.fromkeys(group, error)


def _outcomes(frames):
    """Frames by their indices, with errors that name them."""
    for index, frame in frames.items():
        if isinstance(frame, NOT_OF_A_FRAME):
            raise frame
        if isinstance(frame, Exception):
            frame = _frame_error(index, frame)
        yield index, frame


def _frame_error(index, error):
    """What is wrong with a frame, with the error that told it as its cause."""
    if isinstance(error, FrameError):
        reason = error.reason
    else:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        reason = f"{type(error).__name__}: {reason}"
    frame_error = FrameError(index, reason)
    frame_error.__cause__ = error
    return frame_error


def evaluate_series(array, description=None, *, frame_ndim=2, **limits):
    """A lazy series as an array, evaluated frame by frame.

    Parameters
    ----------
    array : dask.array.Array
        The navigation axes first, and the axes of a frame last.
    description : str
        As for `watched`.
    frame_ndim, **limits
        As for `evaluate_frames`.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    FrameError
        If a frame cannot be evaluated.
    """
    if not frame_ndim:
        # A frame has a block, and so an axis.
        array = array[..., np.newaxis]
        return evaluate_series(array, description, frame_ndim=1, **limits)[..., 0]
    places = list(np.ndindex(array.shape[: array.ndim - frame_ndim]))
    result = np.empty(array.shape, array.dtype)
    done = evaluate_frames(array, places, frame_ndim=frame_ndim, **limits)
    with watched(done, len(places), description) as done:
        for place, frame in done:
            if isinstance(frame, Exception):
                raise frame
            result[place] = frame
    return result


def run(
    analysis: Analysis,
    frames: np.ndarray | da.Array | tuple[np.ndarray | da.Array, ...],
    labels: np.ndarray | da.Array | None = None,
    mask: ArrayLike | None = None,
    *,
    description: str | None = None,
    tile_shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """What an analysis finds in frames.

    Dask arrays are evaluated as by `evaluate_frames`, a few frames at a time, by the
    workers of a cluster if there is a client. Arrays in memory are looked at where they
    are, without a copy, in the threads of the context.

    Parameters
    ----------
    analysis, frames, labels, mask, tile_shape
        As for `lazy`.
    description : str, optional
        What a progress bar says; without it there is none.

    Returns
    -------
    numpy.ndarray
        As from `lazy`.

    Raises
    ------
    FrameError
        If a frame of a dask array cannot be evaluated.
    Exception
        What `analysis.process` raises for an array in memory; a note names the frame.

    Examples
    --------
    >>> from hyperspy_symseg.frames.extremes import Extremes
    >>> run(Extremes(), np.arange(12).reshape(2, 2, 3))["high"]
    array([ 5., 11.])
    """
    given = named_arrays(frames, labels, mask)
    if all(isinstance(array, np.ndarray) for _, array in given):
        return _run_here(analysis, *zip(*given, strict=True), description, tile_shape)
    if isinstance(analysis, SumAnalysis) and analysis.by_tile:
        found = lazy_tiles(analysis, frames, labels, mask, tile_shape)
        return _merged_tiles(analysis, found, description)
    if not analysis.per_frame:
        found = lazy_tiles(analysis, frames, labels, mask, tile_shape)
        return analysis.gather(evaluate_series(found, description).ravel())
    found = lazy(analysis, frames, labels, mask, tile_shape=tile_shape)
    n_navigation = given[0][1].ndim - 2
    return evaluate_series(found, description, frame_ndim=found.ndim - n_navigation)


def run_or_lazy(analysis, *given, is_lazy, description=None):
    """What `run` finds in frames, labels and a mask; what `lazy` does if `is_lazy`."""
    if is_lazy:
        return lazy(analysis, *given)
    return run(analysis, *given, description=description)


def _merged_tiles(analysis, found, description):
    """Sums of frames, of which each tile is evaluated alone and merged at once.

    What the tiles have is the dask array from `lazy_tiles`.
    """
    n_navigation = found.ndim - 2 if analysis.per_frame else 0
    result = np.empty((*found.shape[:n_navigation], *analysis.shape), analysis.dtype)
    places = list(np.ndindex(found.shape))
    # A frame has a block, and so an axis.
    done = evaluate_frames(found[..., np.newaxis], places, frame_ndim=1)
    with watched(done, len(places), description, " blocks") as done:
        tiles = _in_order(done, places)
        for index, own in itertools.groupby(tiles, lambda tile: tile[0][:n_navigation]):
            result[index] = analysis.gather(tile for _, tile in own)
    return result


def _in_order(done, places):
    """What tiles have, in the order of their places: sums round the same every time."""
    waiting, wanted = {}, iter(places)
    place = next(wanted)
    for index, tile in done:
        if isinstance(tile, FrameError):
            raise tile.at(index[:-2])
        waiting[index] = tile[0]
        while place in waiting:
            yield place, waiting.pop(place)
            place = next(wanted, None)


def _run_here(analysis, names, arrays, description, tile_shape):
    """Work of `run` for arrays in memory."""
    *navigation, n_rows, n_columns = arrays[0].shape
    pixels, shape = (slice(0, n_rows), slice(0, n_columns)), (n_rows, n_columns)
    whole, is_map = Tile(shape, pixels, pixels), isinstance(analysis, MapAnalysis)
    rows, checker = analysis.tiles(shape, tile_shape), None
    tiles = None if rows is None else list(itertools.chain.from_iterable(rows))
    if is_map:
        checker = analysis.checked_by if navigation else None
        last = analysis.target(whole if tiles is None else tiles[-1])
        shape = *(axis.stop for axis in last), *analysis.axes
    else:
        shape = analysis.shape
    result = np.empty((*navigation, *shape), analysis.dtype)

    def of_frame(index):
        own = [array if array.ndim == 2 else array[index] for array in arrays]
        frame = filled(whole, index, names, own)
        if analysis.prepare is not None:
            frame = replace(frame, prepared=analysis.prepare(frame))

        def of_tile(tile):
            found = process_tile(analysis, frame, tile)
            if is_map:
                result[(*index, *analysis.target(tile))] = found
                return None
            return found

        # In the threads of the context, if this is the only frame.
        found = pmap(of_tile, tiles or [frame])
        if checker is not None:
            total = checker.gather([checker.process(frame)])
            analysis.check(result[index], index, total)
        if is_map or not analysis.per_frame:
            return found
        result[index] = analysis.gather(found)
        return None

    def named(index):
        try:
            return of_frame(index)
        except Exception as error:
            if index:
                error.add_note(f"That is of frame inav{list(index[::-1])}.")
            raise

    found = pmap(named, list(np.ndindex(*navigation)), counted=description)
    if analysis.per_frame:
        return result
    return analysis.gather(list(itertools.chain.from_iterable(found)))
