# SPDX-License-Identifier: GPL-3.0-or-later
"""Lazy results evaluated frame by frame, in threads or on the workers of a cluster."""

import contextlib
import functools
import itertools
import operator
import pickle
import sys
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import dask
import dask.array as da
import numpy as np
from dask.core import flatten
from dask.optimization import cull
from dask.system import CPU_COUNT

# First parts of the names of layers of a graph: the chunks that frames are read from,
# and the frames.
SOURCE = "symmetry-source"
FRAMES = "symmetry-frames"
# Groups of frames that wait or are being evaluated, as a multiple of the threads.
IN_FLIGHT = 2
# Frames that are read together, at most: they are handed out together.
LARGEST_GROUP = 32


class FrameError(RuntimeError):
    """One frame of a series cannot be labelled.

    Parameters
    ----------
    index : tuple of int
        Its place in the array.
    reason : str
    """

    def __init__(self, index, reason):
        super().__init__(tuple(map(int, index)), reason)

    @property
    def index(self):
        """Place of the frame in the array: tuple of int."""
        return self.args[0]

    @property
    def reason(self):
        """What is wrong with it: str."""
        return self.args[1]

    def at(self, index):
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
    """The client of dask.distributed that is open, or None."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


class _Graph:
    """Graph of a lazy array, from which those of single frames are taken.

    Parameters
    ----------
    array : dask.array.Array
    frame_ndim : int
        Axes that belong to a frame, the last ones.
    """

    def __init__(self, array, frame_ndim):
        n_navigation = array.ndim - frame_ndim
        array = array.rechunk(dict.fromkeys(range(n_navigation), 1))
        graph = array.__dask_graph__()
        self._blocks = array.__dask_keys__()
        self.source, self.frames = (
            {
                key
                for name, layer in graph.layers.items()
                if name.startswith(marker)
                for key in layer.get_output_keys()
            }
            for marker in (SOURCE, FRAMES)
        )
        kept = [*flatten(self._blocks), *self.source, *self.frames]
        # All at once: frame by frame it would take longer than to label a frame.
        self._graph = dict(da.optimize(graph, kept))

    def blocks(self, index):
        """Keys of the blocks of a frame, nested as deep as it has axes."""
        return functools.reduce(operator.getitem, index, self._blocks)

    def cull(self, indices):
        """Graph of some frames: dict."""
        blocks = [key for index in indices for key in flatten(self.blocks(index))]
        return cull(self._graph, blocks)[0]

    def source_of(self, index):
        """Keys of the parts of the source that a frame is in."""
        return self.source & self.cull([index]).keys()

    def groups(self, indices, most):
        """Neighbouring frames that are in the same parts of the source.

        Parameters
        ----------
        indices : list of tuple of int
        most : int
            Frames in a group.

        Yields
        ------
        list of tuple of int
        """
        for _, same in itertools.groupby(indices, self.source_of):
            while group := list(itertools.islice(same, most)):
                yield group


class _Task:
    """Evaluates some frames, each alone, but for what they are read from.

    Parameters
    ----------
    graph : _Graph
    indices : list of tuple of int
    num_threads : int
    """

    def __init__(self, graph, indices, num_threads=1):
        self._graph = graph.cull(indices)
        self._shared = list(graph.source & self._graph.keys())
        self._frames = list(graph.frames & self._graph.keys())
        self._blocks = {index: graph.blocks(index) for index in indices}
        self._num_threads = num_threads

    def read(self):
        """Read the frames now, so that the rest can be sent elsewhere."""
        self._evaluate_first(self._frames)
        self._shared = []

    def _evaluate_first(self, keys):
        values = dask.get(cull(self._graph, keys)[0], keys)
        graph = self._graph | dict(zip(keys, values, strict=True))
        wanted = [key for blocks in self._blocks.values() for key in flatten(blocks)]
        self._graph = cull(graph, wanted)[0]

    def __call__(self):
        """Frames, or what is wrong with them: dict of numpy.ndarray or Exception."""
        try:
            self._evaluate_first(self._shared)
        except Exception as error:
            return dict.fromkeys(self._blocks, error)
        return {index: self._evaluate(index) for index in self._blocks}

    def _evaluate(self, index):
        blocks = self._blocks[index]
        names = list(flatten(blocks))
        graph, _ = cull(self._graph, names)
        try:
            if self._num_threads == 1:
                values = dask.get(graph, names)
            else:
                values = dask.threaded.get(graph, names, num_workers=self._num_threads)
        except Exception as error:
            return error
        return _join(blocks, dict(zip(names, values, strict=True)))


def _join(keys, values):
    """One array from blocks, the keys of which are nested as deep as it has axes."""

    def nested(keys):
        return list(map(nested, keys)) if isinstance(keys, list) else values[keys]

    def depth(keys):
        return 1 + depth(keys[0]) if isinstance(keys, list) else 0

    if len(values) == 1:
        (joined,) = values.values()
    else:
        joined = np.block(nested(keys))
    return joined.reshape(joined.shape[joined.ndim - depth(keys) :])


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


class _Sender:
    """Makes tasks that can be sent.

    What of the reading cannot, such as open HDF5 files, is done here.
    """

    def __init__(self, graph):
        self._graph, self.reads_here = graph, False

    def task(self, indices):
        """Function without arguments that evaluates frames."""
        task = _Task(self._graph, indices)
        if not self.reads_here:
            if (sent := _pickled(task)) is not None:
                return sent
            self.reads_here = True
        task.read()
        return _pickled(task)


@contextlib.contextmanager
def _executor(client, num_workers):
    """What runs tasks, and the number of its threads."""
    if client is None:
        n_threads = num_workers or CPU_COUNT
        executor = ThreadPoolExecutor(n_threads)
    else:
        n_threads = max(1, sum(client.nthreads().values()))
        executor = client.get_executor(pure=False)
    with executor:
        yield executor, n_threads


def evaluate_frames(array, indices, *, frame_ndim=2, num_workers=None):
    """Evaluate frames of a lazy array, each alone.

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
    num_workers : int, optional
        Number of threads; by default one a processor. A cluster has its own.

    Yields
    ------
    index : tuple of int
        As they are done, in no order.
    frame : numpy.ndarray or FrameError
    """
    graph, client = _Graph(array, frame_ndim), cluster_client()
    sender = _Sender(graph)
    with _executor(client, num_workers) as (executor, n_threads):
        share = -(-len(indices) // n_threads)
        groups = graph.groups(indices, min(LARGEST_GROUP, max(1, share)))
        # Threads that would have nothing to do work at parts of a frame.
        threads_each = max(1, n_threads // max(1, len(indices)))
        running = {}

        def submit(group):
            if client is None:
                task = _Task(graph, group, threads_each)
            else:
                task = sender.task(group)
            running[executor.submit(task)] = group

        try:
            while True:
                room = IN_FLIGHT * n_threads - len(running)
                for group in itertools.islice(groups, room):
                    try:
                        submit(group)
                    except Exception as error:
                        for index in group:
                            yield index, _frame_error(index, error)
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    group = running.pop(future)
                    for index, frame in _results(future, group).items():
                        if isinstance(frame, Exception):
                            frame = _frame_error(index, frame)
                        yield index, frame
        finally:
            for future in running:
                future.cancel()


def _results(future, group):
    """Frames of a group, or what is wrong with them."""
    try:
        return future.result()
    except Exception as error:
        # Such as a worker that has died of it.
        return dict.fromkeys(group, error)


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
