# SPDX-License-Identifier: GPL-3.0-or-later
import pickle
import threading
import weakref

import dask
import dask.array as da
import distributed
import numpy as np
import pytest

from hyperspy_symseg.frames import run
from hyperspy_symseg.frames.graph import FrameGraph
from hyperspy_symseg.frames.lazy import lazy_frames
from hyperspy_symseg.frames.run import FrameError
from hyperspy_symseg.frames.threads import workers

DATA = np.arange(5 * 3 * 4 * 6).reshape(5, 3, 4, 6)
ALL = list(np.ndindex(5, 3))


def lazy(data=DATA, chunks=None, read=None):
    """Frames that call `read` with their index."""

    def block(block_id):
        if read is not None:
            read(block_id[:2])
        return data[block_id[:2]][np.newaxis, np.newaxis]

    if chunks is not None:
        return lazy_frames(da.from_array(data, chunks=chunks))
    chunks = ((1,) * data.shape[0], (1,) * data.shape[1], (4,), (6,))
    meta = np.empty((0,) * 4, data.dtype)
    return lazy_frames(da.map_blocks(block, chunks=chunks, dtype=int, meta=meta))


def evaluate_frames(*arguments, num_workers=None, **options):
    """The same with some threads."""
    with workers(num_workers):
        yield from run.evaluate_frames(*arguments, **options)


@pytest.mark.parametrize("chunks", [(1, 1, 4, 6), (5, 3, 4, 6), (2, 2, 3, 5)])
@pytest.mark.parametrize("num_workers", [1, 3])
def test_every_frame_once(chunks, num_workers):
    found = list(evaluate_frames(lazy(chunks=chunks), ALL, num_workers=num_workers))
    assert sorted(index for index, _ in found) == ALL
    for index, frame in found:
        np.testing.assert_array_equal(frame, DATA[index])


def test_one_frame_in_several_blocks_by_several_threads():
    array = lazy_frames(da.from_array(DATA[0, 0], chunks=(2, 3)))
    [(index, frame)] = evaluate_frames(array, [()], num_workers=4)
    assert index == ()
    np.testing.assert_array_equal(frame, DATA[0, 0])


def test_frames_of_three_axes():
    array = lazy(chunks=(1, 1, 2, 6))
    [(_, frame)] = evaluate_frames(array, [(4,)], frame_ndim=3)
    np.testing.assert_array_equal(frame, DATA[4])


def test_only_the_frames_asked_for_are_read():
    read = []
    wanted = [(3, 1), (0, 2)]
    list(evaluate_frames(lazy(read=read.append), wanted))
    assert sorted(read) == sorted(wanted)


def test_few_frames_are_on_their_way():
    read = []
    frames = evaluate_frames(lazy(read=read.append), ALL, num_workers=2, in_flight=2)
    next(frames)
    # Those in flight, and that which was handed out.
    assert len(read) <= 2 * 2 + 1
    frames.close()


def test_no_frame_is_begun_once_nobody_wants_it():
    read = []
    frames = evaluate_frames(lazy(read=read.append), ALL, num_workers=1, in_flight=2)
    next(frames)
    frames.close()
    assert len(read) <= 2 + 1


def test_a_frame_that_fails_does_not_stop_the_others():
    def read(index):
        if index == (2, 1):
            raise OSError("the disk\nis gone.")

    found = dict(evaluate_frames(lazy(read=read), ALL))
    error = found.pop((2, 1))
    assert isinstance(error, FrameError)
    assert str(error) == "frame inav[1, 2]: OSError: the disk is gone."
    assert isinstance(error.__cause__, OSError)
    assert len(found) == len(ALL) - 1
    assert all(isinstance(frame, np.ndarray) for frame in found.values())


def test_an_error_without_a_message_is_named():
    def read(index):
        raise KeyError

    [(_, error)] = evaluate_frames(lazy(read=read), [(0, 0)])
    assert str(error) == "frame inav[0, 0]: KeyError: KeyError."


def test_a_frame_error_survives_pickling():
    error = pickle.loads(pickle.dumps(FrameError((np.int64(2), 1), "gone")))
    assert (error.index, error.reason) == ((2, 1), "gone")
    assert str(error) == "frame inav[1, 2]: gone."


def test_a_frame_error_of_a_single_image():
    assert str(FrameError((), "gone")) == "frame: gone."


def test_one_thread_for_each_of_several_frames():
    threads = []

    def read(index):
        threads.append(threading.current_thread().name)

    list(evaluate_frames(lazy(read=read), ALL, num_workers=2))
    assert len(set(threads)) <= 2


@pytest.fixture
def client():
    """Client of a worker in this process."""
    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def sent(client):
    """What a worker gets, once it has got it; and whether frames are read here."""

    def sent(array, *indices):
        workers = run._Workers(FrameGraph(array, list(indices)), client)
        task = workers.task(list(indices), 1)
        return pickle.loads(pickle.dumps(task)), workers.reads_here

    return sent


def test_a_task_can_be_sent(sent):
    task, reads_here = sent(lazy(), (1, 2), (1, 1))
    assert not reads_here
    frames = task()
    np.testing.assert_array_equal(frames[1, 2], DATA[1, 2])
    np.testing.assert_array_equal(frames[1, 1], DATA[1, 1])


def test_what_cannot_be_pickled_is_read_here(sent):
    here = []
    lock = threading.Lock()

    def read(index):
        with lock:
            here.append(index)

    task, reads_here = sent(lazy(read=read).map_blocks(np.negative), (1, 2))
    assert reads_here
    assert here == [(1, 2)]
    np.testing.assert_array_equal(task()[1, 2], -DATA[1, 2])
    assert here == [(1, 2)]


def test_only_frames_that_are_wanted_are_sent(sent):
    source = da.from_array(DATA.astype("f8").repeat(500, axis=-1), chunks=-1)
    source = source.map_blocks(Unpicklable())
    task, reads_here = sent(lazy_frames(source), (1, 2))
    assert reads_here
    one_frame = source[0, 0].nbytes
    assert len(pickle.dumps(task)) < 1.5 * one_frame


class Unpicklable:
    """Does nothing to blocks, and only here."""

    def __call__(self, block):
        return block

    def __reduce__(self):
        raise TypeError("stays here")


def many_a_chunk(read, chunks=(5, 3, 4, 6)):
    """Frames of a source in chunks of many, each of which calls `read`."""

    def block(block, block_id):
        if block.size:
            read(block_id[:2])
        return block

    source = da.from_array(DATA, chunks=chunks)
    source = source.map_blocks(block, meta=np.empty((0,) * 4, int))
    return lazy_frames(source)


@pytest.mark.parametrize("num_workers", [1, 2, 4])
def test_a_chunk_of_many_frames_is_read_once_by_every_thread(num_workers):
    read = []
    found = dict(
        evaluate_frames(many_a_chunk(read.append), ALL, num_workers=num_workers)
    )
    assert len(read) == num_workers
    for index in ALL:
        np.testing.assert_array_equal(found[index], DATA[index])


def test_chunks_of_several_frames_are_read_once():
    read = []
    frames = evaluate_frames(
        many_a_chunk(read.append, (1, 3, 2, 6)), ALL, num_workers=2
    )
    assert len(dict(frames)) == len(ALL)
    assert sorted(read) == [(i, 0) for i in range(5) for _ in range(2)]


def test_groups_are_not_too_large():
    read = []
    frames = many_a_chunk(read.append)
    list(evaluate_frames(frames, ALL, num_workers=1, largest_group=4))
    assert len(read) == 4


def test_all_frames_of_a_chunk_that_cannot_be_read_are_named():
    def read(index):
        if index == (2, 0):
            raise OSError("gone")

    found = dict(evaluate_frames(many_a_chunk(read, (1, 3, 4, 6)), ALL))
    bad = [index for index, frame in found.items() if isinstance(frame, FrameError)]
    assert sorted(bad) == [(2, 0), (2, 1), (2, 2)]


def test_one_bad_frame_of_a_chunk_is_alone():
    def label(block, block_id):
        if block_id == (2, 1, 0, 0):
            raise ValueError("black")
        return block

    array = many_a_chunk(lambda index: None).map_blocks(label, meta=DATA[:0])
    found = dict(evaluate_frames(array, ALL))
    bad = [index for index, frame in found.items() if isinstance(frame, FrameError)]
    assert bad == [(2, 1)]


def test_the_scheduler_of_the_user_does_not_matter():
    with dask.config.set(scheduler="processes"):
        found = dict(evaluate_frames(lazy(read=lambda index: None), ALL))
    for index in ALL:
        np.testing.assert_array_equal(found[index], DATA[index])


class Watched:
    """Chunks of a source that know how many of them are alive."""

    def __init__(self):
        self.alive = self.most = self.read = 0
        self._lock = threading.Lock()

    def __call__(self, block):
        if not block.size:
            return block
        block = block.copy()
        with self._lock:
            self.read += 1
            self.alive += 1
            self.most = max(self.most, self.alive)
        weakref.finalize(block, self._gone)
        return block

    def _gone(self):
        with self._lock:
            self.alive -= 1


def test_few_chunks_of_many_frames_are_held():
    source = Watched()
    series = da.zeros((8, 40, 40), chunks=(8, 10, 10))
    series = series.map_blocks(source, meta=np.empty((0, 0, 0)))
    assert series.npartitions == 16
    frames = evaluate_frames(
        lazy_frames(series), [(i,) for i in range(8)], num_workers=1
    )
    assert len(dict(frames)) == 8
    assert source.most <= 3


def test_groups_are_limited_by_the_size_of_their_frames():
    read = []
    array = many_a_chunk(read.append)
    most = 5 * DATA[0, 0].nbytes
    # What comes of the frames is smaller than they are.
    list(evaluate_frames(array[..., :1], ALL, num_workers=1, group_bytes=most))
    assert len(read) == 3


def test_many_frames_that_cannot_be_read_here(client):
    """Nothing is lost because all that was to be sent at a time has failed."""
    lock = threading.Lock()

    def read(index):
        with lock:
            if index < (3, 0):
                raise OSError("gone")

    found = dict(evaluate_frames(lazy(read=read), ALL))
    assert len(found) == len(ALL)
    bad = {index for index, frame in found.items() if isinstance(frame, FrameError)}
    assert bad == {index for index in ALL if index < (3, 0)}


def test_labels_of_a_file_that_cannot_be_sent(client):
    array = da.from_array(DATA, chunks=(1, 1, 4, 6)).map_blocks(Unpicklable())
    found = dict(evaluate_frames(array, ALL))
    for index in ALL:
        np.testing.assert_array_equal(found[index], DATA[index])


def test_another_scheduler_than_that_of_the_client(client):
    assert run.cluster_client() is client
    with dask.config.set(scheduler="threads"):
        assert run.cluster_client() is None


def test_an_import_error_is_not_that_of_a_frame():
    def read(index):
        raise ImportError("no package")

    with pytest.raises(ImportError, match="no package"):
        list(evaluate_frames(lazy(read=read), ALL))
