# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
import sys

import numpy as np
import pytest
import zarr

from hyperspy_symseg.frames.store import FrameStore

N, SHAPE = 7, (61, 83)


@pytest.fixture
def begin(tmp_path):
    """Function that begins a series of seven frames, in a file of a name."""

    def save_rest(path):
        labels = zarr.open_group(path, mode="w").create_group("Experiments/Labels")
        labels.create_group("axis-0").attrs["size"] = N

    def begin(name, **options):
        frames = np.empty((N, *SHAPE), np.int8)
        return FrameStore.begin(tmp_path / name, frames, save_rest, **options)

    return begin


def stored(path):
    (experiment,) = zarr.open_group(path)["Experiments"].values()
    return experiment["data"]


def test_one_frame_a_chunk_and_minus_one_where_nothing_is_written(begin, tmp_path):
    store = begin("x.zspy")
    frames = stored(tmp_path / "x.zspy")
    assert frames.chunks == (1, *SHAPE)
    assert frames.fill_value == -1
    assert frames.nchunks_initialized == 0
    assert store.missing() == [(i,) for i in range(N)]


def test_frames_of_several_chunks(begin, tmp_path):
    store = begin("x.zspy", chunk_shape=(40, 50))
    store.write((3,), 1)
    stored(tmp_path / "x.zspy")[5, :40] = 0
    assert store.missing() == [(i,) for i in range(N) if i != 3]


def test_a_store_that_grows_keeps_its_frames(begin, tmp_path):
    store = begin("x.zspy")
    store.write((N - 1,), 1)
    store.grow((N + 2, *SHAPE))
    assert store.missing() == [*((i,) for i in range(N - 1)), (N,), (N + 1,)]
    assert (store.read((N - 1,)) == 1).all()
    axis = zarr.open_group(tmp_path / "x.zspy")["Experiments/Labels/axis-0"]
    assert axis.attrs["size"] == N + 2


@pytest.mark.parametrize("shape", [(N - 1, *SHAPE), (N + 1, 61, 84)])
def test_a_store_grows_by_frames_of_its_shape_alone(begin, shape):
    with pytest.raises(ValueError, match="^frames must be added to those of "):
        begin("x.zspy").grow(shape)


def test_a_store_that_lacks_frames_is_not_completed(begin, tmp_path):
    store = begin("x.unfinished.zspy")
    store.write((0,), 0)
    with pytest.raises(RuntimeError, match="6 frames are missing"):
        store.complete(tmp_path / "x.zspy")
    assert not (tmp_path / "x.zspy").exists()


@pytest.mark.parametrize("name", [".zgroup", "Experiments", "Experiments/*/data"])
def test_what_is_removed_after_the_last_frame(begin, tmp_path, name):
    store = begin("movie.unfinished.zspy")
    for i in range(N):
        store.write((i,), 0)
    (removed,) = (tmp_path / "movie.unfinished.zspy").glob(name)
    shutil.rmtree(removed) if removed.is_dir() else removed.unlink()
    with pytest.raises(RuntimeError, match=r"was removed or damaged .* written\.$"):
        store.complete(tmp_path / "movie.zspy")
    assert [path.name for path in tmp_path.iterdir()] == ["movie.unfinished.zspy"]


def test_frames_that_are_removed_after_the_last_one(begin, tmp_path):
    store = begin("movie.unfinished.zspy")
    for i in range(N):
        store.write((i,), 0)
    for i in (2, 5):
        (chunk,) = tmp_path.glob(f"*/Experiments/*/data/{i}.0.0")
        chunk.unlink()
    with pytest.raises(RuntimeError, match="^2 frames are missing in"):
        store.complete(tmp_path / "movie.zspy")


@pytest.mark.parametrize("separator", [".", "/"])
def test_what_is_no_unfinished_series(tmp_path, separator):
    group = zarr.open_group(tmp_path / "x.zspy", mode="w")
    chunks = (2 if separator == "." else 1, *SHAPE)
    group.create_dataset(
        "Experiments/Labels/data",
        shape=(N, *SHAPE),
        chunks=chunks,
        dimension_separator=separator,
    )
    assert not FrameStore.is_at(tmp_path / "x.zspy")
    with pytest.raises(ValueError, match="must be an unfinished series, got another"):
        FrameStore(tmp_path / "x.zspy")


def test_without_zarr_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    (tmp_path / "x.zspy").mkdir()
    with pytest.raises(ImportError, match=r'pip install "hyperspy-symseg\[zspy\]"'):
        FrameStore(tmp_path / "x.zspy")
