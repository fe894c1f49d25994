# SPDX-License-Identifier: GPL-3.0-or-later
"""Series on the workers of a cluster: two processes of this machine."""

import os
import signal as signals
import threading
import time
from dataclasses import fields, replace

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.frames.graph import FrameGraph
from hyperspy_symseg.frames.run import _Workers
from hyperspy_symseg.segmentation import SymmetryModel

distributed = pytest.importorskip("distributed")

KINDS = ["zspy", "dm4", "hspy", "emd"]
# Of the stack that is to be had as a DM4 file.
N, ROWS, COLUMNS = 66, 65, 64
OPTIONS = {"patch": 8, "window": 8, "max_operations": 81, "stride": 2}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def frames():
    movie, _ = simulate.moving_boundary(
        N,
        (ROWS, COLUMNS),
        speed=0.5,
        drift=2,
        spacing=7,
        column_width=1.2,
        dose=30,
        pixel_size=0.02,
    )
    movie.compute(show_progressbar=False)
    return movie


@pytest.fixture(scope="module")
def expected(frames):
    return frames.segment_symmetry(2, show_progressbar=False, **OPTIONS)


@pytest.fixture(scope="module")
def model(expected):
    """What is applied to files that do not keep the pixel size."""
    model = expected.model.to_dict()
    del model["pixel_size"]
    return SymmetryModel.from_dict(model)


@pytest.fixture
def movie(request, frames, data_file, tmp_path):
    """The frames from a file of some kind, lazily."""
    path = tmp_path / f"movie.{request.param}"
    if request.param == "dm4":
        _write_dm4(data_file("dm_stack_3d.dm4"), path, frames.data)
        return hs.load(path, lazy=True)
    # As HyperSpy writes them, with one frame a chunk.
    frames.save(path, chunks=(1, ROWS, COLUMNS))
    movie = hs.load(path, lazy=True)
    return movie.transpose(signal_axes=2) if request.param == "emd" else movie


def _write_dm4(stack, path, frames):
    """A DM4 file with other frames than it had."""
    old = hs.load(stack).data.astype("<i2").tobytes()
    content = stack.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, frames.astype("<i2").tobytes()))


def kill_one_worker_soon(client):
    """Kill a worker process while the others go on."""
    pid = next(iter(client.run(os.getpid).values()))

    def kill():
        time.sleep(0.15)
        os.kill(pid, signals.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread, pid


@pytest.mark.parametrize("movie", KINDS, indirect=True)
def test_frames_are_labelled_by_workers(client, movie, model, expected, tmp_path):
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    labels.save_frames(tmp_path / "labels.zspy")
    found = hs.load(tmp_path / "labels.zspy").data
    np.testing.assert_array_equal(found, expected.data)


@pytest.mark.parametrize("movie", ["zspy"], indirect=True)
def test_labels_as_hdf5(client, movie, model, expected, tmp_path):
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    labels.save_frames(tmp_path / "labels.hspy")
    found = hs.load(tmp_path / "labels.hspy", lazy=True)
    found.save_frames(tmp_path / "again.hspy")
    again = hs.load(tmp_path / "again.hspy").data
    np.testing.assert_array_equal(again, expected.data)


@pytest.mark.parametrize("movie", KINDS, indirect=True)
def test_one_worker_is_killed(client, movie, model, expected, tmp_path):
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    thread, pid = kill_one_worker_soon(client)
    labels.save_frames(tmp_path / "labels.zspy")
    thread.join()
    found = hs.load(tmp_path / "labels.zspy").data
    np.testing.assert_array_equal(found, expected.data)
    # Whether another worker takes its place, and when, is the cluster's business.
    client.wait_for_workers(1)
    assert pid not in client.run(os.getpid, on_error="ignore").values()


@pytest.mark.parametrize("movie", ["zspy", "dm4"], indirect=True)
def test_workers_read_what_they_can_open(client, movie, model):
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    workers = _Workers(FrameGraph(labels.data, [(3,)]), client)
    workers.task([(3,)], 1)
    assert not workers.reads_here


@pytest.mark.parametrize("movie", ["hspy", "emd"], indirect=True)
def test_hdf5_files_are_read_here(client, movie, model):
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    workers = _Workers(FrameGraph(labels.data, [(3,)]), client)
    workers.task([(3,)], 1)
    assert workers.reads_here


@pytest.mark.parametrize("movie", ["zspy"], indirect=True)
def test_compute_runs_on_the_workers(client, movie, model, expected):
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    labels.compute()
    np.testing.assert_array_equal(labels.data, expected.data)


@pytest.mark.parametrize("movie", ["zspy", "hspy"], indirect=True)
def test_the_fit_is_the_same(client, movie, expected):
    assert movie.segment_symmetry(2, **OPTIONS).model == expected.model


def test_frames_in_memory(client, frames, expected):
    labels = frames.segment_symmetry(2, **OPTIONS)
    assert labels.model == expected.model
    np.testing.assert_array_equal(labels.data, expected.data)


@pytest.mark.parametrize("movie", ["zspy"], indirect=True)
def test_a_bad_frame_is_named(client, movie, model, tmp_path):
    # Inside, so that workers need not find this file.
    def fail_at_5(block, block_id):
        if block_id and block_id[0] == 5:
            raise OSError("gone")
        return block

    movie.data = movie.data.map_blocks(fail_at_5, dtype=movie.data.dtype)
    labels = movie.segment_symmetry(fit_on=model, stride=2)
    with pytest.raises(RuntimeError, match=r"^frame inav\[5\]: OSError: gone"):
        labels.save_frames(tmp_path / "labels.zspy")


def test_no_threads_inside_a_task(client, frames, model):
    def threads_of_a_task():
        """Most threads of numerical libraries while a frame is labelled."""
        from threadpoolctl import threadpool_info

        most = []

        class Watched(type(model.descriptor)):
            def compute(self, *args, **kwargs):
                most.append(max(info["num_threads"] for info in threadpool_info()))
                return super().compute(*args, **kwargs)

        parameters = {f.name: getattr(descriptor, f.name) for f in fields(descriptor)}
        scores = replace(model.score_model, descriptor=Watched(**parameters))
        watched = replace(model, score_model=scores, templates=None)
        watched.predict(frame)
        return max(most)

    frame, descriptor = frames.data[0], model.descriptor
    assert client.submit(threads_of_a_task).result() == 1


def test_no_threads_inside_templates(client, frames, model):
    def threads_of_a_task():
        """Most threads of numerical libraries while templates label a frame."""
        from threadpoolctl import threadpool_info

        from hyperspy_symseg.segmentation import predict

        most = []

        def watched(*args):
            most.append(max(info["num_threads"] for info in threadpool_info()))
            return refine(*args)

        refine, predict.refine = predict.refine, watched
        try:
            model.predict(frame)
        finally:
            predict.refine = refine
        return max(most)

    frame = frames.data[0]
    assert client.submit(threads_of_a_task).result() == 1
