# SPDX-License-Identifier: GPL-3.0-or-later
import dask.array as da
import numpy as np

from hyperspy_symseg.frames.graph import FrameGraph
from hyperspy_symseg.frames.lazy import lazy_frames

DATA = np.arange(5 * 3 * 4 * 6).reshape(5, 3, 4, 6)
ALL = list(np.ndindex(5, 3))


def test_graphs_of_single_frames_are_small():
    array = lazy_frames(da.from_array(DATA, chunks=(1, 1, 4, 6)))
    array = array.map_blocks(np.negative)
    graph = FrameGraph(array, ALL)
    assert len(graph.cull([(1, 2)])) <= 5


def test_frames_that_have_nothing_in_common_are_alone():
    array = da.from_array(DATA, chunks=(1, 1, 4, 6))
    groups = FrameGraph(array, ALL).groups(ALL, 32)
    assert list(groups) == [[index] for index in ALL]


def test_frames_that_are_marked_are_marked_once():
    once = lazy_frames(da.from_array(DATA, chunks=(2, 3, 4, 6)))
    twice = lazy_frames(once)
    assert twice.__dask_graph__().layers.keys() == once.__dask_graph__().layers.keys()
