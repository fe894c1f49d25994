# SPDX-License-Identifier: GPL-3.0-or-later
"""Graphs of single frames, taken from that of a lazy series."""

import contextlib
import functools
import itertools
import operator

import dask
import numpy as np
from dask.core import flatten
from dask.optimization import cull

# First parts of the names of layers of a graph: the chunks that frames are read from,
# and the frames.
SOURCE = "symmetry-source"
FRAMES = "symmetry-frames"


def mark(array, name):
    """The same array, with a layer that has a name.

    Parameters
    ----------
    array : dask.array.Array
    name : str
        What it begins with.

    Returns
    -------
    dask.array.Array
    """
    return array.map_blocks(
        np.asarray,
        dtype=array.dtype,
        meta=np.empty((0,) * array.ndim, array.dtype),
        name=f"{name}-{dask.base.tokenize(array)}",
    )


class FrameGraph:
    """Graph of a lazy array, from which those of single frames are taken.

    Parameters
    ----------
    array : dask.array.Array
    indices : list of tuple of int
        The frames that are wanted.
    frame_ndim : int
        Axes that belong to a frame, the last ones.
    """

    def __init__(self, array, indices, frame_ndim=2):
        n_navigation, self.frame_ndim = array.ndim - frame_ndim, frame_ndim
        array = array.rechunk(dict.fromkeys(range(n_navigation), 1))
        self._blocks = array.__dask_keys__()
        wanted = [key for index in indices for key in flatten(self.blocks(index))]
        graph = array.__dask_graph__()
        needed = graph.cull(set(wanted))
        self.source, _ = _marked_keys(needed, SOURCE)
        # What was computed before, or comes from elsewhere, is a frame itself.
        frames, sizes = _marked_keys(needed, FRAMES)
        self.frames = frames or set(wanted)
        one = array[(slice(1),) * n_navigation]
        self.frame_bytes = max([one.nbytes, *sizes])
        # All at once: frame by frame it would take longer than to label a frame.
        keys = [*wanted, *self.source, *self.frames]
        self._graph = dict(array.__dask_optimize__(graph, keys))

    def blocks(self, index):
        """Keys of the blocks of a frame, nested as deep as it has axes."""
        return functools.reduce(operator.getitem, index, self._blocks)

    def cull(self, indices):
        """Graph of some frames: dict."""
        blocks = [key for index in indices for key in flatten(self.blocks(index))]
        return cull(self._graph, blocks)[0]

    def _source_of(self, index):
        """Chunks of the source that a frame is in; if there are none, its index."""
        return self.source & self.cull([index]).keys() or index

    def groups(self, indices, most):
        """Neighbouring frames that are in the same chunks of the source.

        Parameters
        ----------
        indices : list of tuple of int
        most : int
            Frames in a group.

        Yields
        ------
        list of tuple of int
        """
        for _, same in itertools.groupby(indices, self._source_of):
            while group := list(itertools.islice(same, most)):
                yield group


def _marked_keys(graph, marker):
    """Keys of the layers of a name, and the sizes that are in their names."""
    layers = {k: v for k, v in graph.layers.items() if k.startswith(f"{marker}-")}
    keys = {key for layer in layers.values() for key in layer.get_output_keys()}
    sizes = [name.removeprefix(marker).split("-")[1] for name in layers]
    return keys, [int(size) for size in sizes if size.isdecimal()]


class FrameTask:
    """Evaluates some frames, each alone, but for what they are read from.

    Parameters
    ----------
    graph : FrameGraph
    indices : list of tuple of int
    num_threads : int

    Attributes
    ----------
    is_wanted : bool
        If it becomes False, no further frame is begun.
    """

    def __init__(self, graph, indices, num_threads=1):
        self._graph = graph.cull(indices)
        self._frames = list(graph.frames & self._graph.keys())
        self._blocks = {index: graph.blocks(index) for index in indices}
        self._num_threads, self._frame_ndim = num_threads, graph.frame_ndim
        self.is_wanted = True

    def read(self):
        """Read the frames now, so that the rest can be sent elsewhere."""
        values = dask.get(cull(self._graph, self._frames)[0], self._frames)
        graph = self._graph | dict(zip(self._frames, values, strict=True))
        wanted = [key for blocks in self._blocks.values() for key in flatten(blocks)]
        self._graph = cull(graph, wanted)[0]

    def __call__(self):
        """Frames, or what is wrong with them: dict of numpy.ndarray or Exception."""
        if len(self._blocks) > 1:
            # Chunks that they share are read once. A frame that fails does so below.
            with contextlib.suppress(Exception):
                self.read()
        return {i: self._evaluate(i) for i in self._blocks if self.is_wanted}

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
        values = dict(zip(names, values, strict=True))

        def nested(keys):
            return list(map(nested, keys)) if isinstance(keys, list) else values[keys]

        # Of one block, without a copy.
        frame = values[names[0]] if len(names) == 1 else np.block(nested(blocks))
        return frame.reshape(frame.shape[-self._frame_ndim :])
