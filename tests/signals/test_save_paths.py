# SPDX-License-Identifier: GPL-3.0-or-later
"""What `save_frames` does where files are in its way, or go while it writes."""

import os
import shutil
import subprocess
import sys
import threading

import hyperspy.api as hs
import numpy as np
import pytest
import zarr

from hyperspy_symseg.frames.store import FrameStore
from hyperspy_symseg.signals.save import begin_store

N = 7


@pytest.fixture(scope="module")
def model(movie, small):
    return movie[0].segment_symmetry(2, show_progressbar=False, **small).model


@pytest.fixture(scope="module")
def expected(movie, model):
    return movie[0].segment_symmetry(model=model, stride=3)


@pytest.fixture
def labels_of(model):
    """Function that labels a lazy series of this model's."""

    def labels_of(series, **options):
        return series.segment_symmetry(model=model, stride=3, **options)

    return labels_of


@pytest.fixture
def labels(movie, labels_of):
    return labels_of(movie[0].as_lazy())


class Watched:
    """A series that calls a function before a frame is read."""

    def __init__(self, signal):
        self.read, self.before = [], {}
        self._data = signal.data
        self._axes = [a.get_axis_dictionary() for a in signal.axes_manager._axes]

    def _block(self, block):
        index = int(block[0, 0, 0])
        self.read.append(index)
        self.before.get(index, lambda: None)()
        return self._data[index][np.newaxis]

    def signal(self):
        import dask.array as da

        indices = da.from_array(np.arange(N).reshape(N, 1, 1), chunks=1)
        frames = da.map_blocks(
            self._block,
            indices,
            chunks=((1,) * N, (61,), (83,)),
            dtype=self._data.dtype,
            meta=np.empty((0, 0, 0), self._data.dtype),
        )
        return hs.signals.Signal2D(frames, axes=self._axes).as_lazy()


@pytest.fixture
def watched(movie):
    return Watched(movie[0])


def content(path):
    """All there is in a file or a folder."""
    if path.is_symlink():
        return os.readlink(path)
    if path.is_file():
        return path.read_bytes()
    return {p.relative_to(path): content(p) for p in path.rglob("*") if not p.is_dir()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("extension", ["zspy", "hspy"])
def test_the_micrographs_are_not_written_over(movie, labels_of, tmp_path, extension):
    file = tmp_path / f"movie.{extension}"
    movie[0].save(file)
    seg = labels_of(hs.load(file, lazy=True)).inav[2:]
    before = content(file)
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (file, tmp_path / "link" / file.name):
        with pytest.raises(ValueError, match="^filename must be another than .* read"):
            seg.save_frames(path, overwrite=True)
    assert content(file) == before
    assert names(tmp_path) == ["link", file.name]


def test_nor_is_the_mask(movie, labels_of, tmp_path):
    mask = np.zeros(movie[0].data.shape, bool)
    hs.signals.Signal2D(mask).save(tmp_path / "mask.zspy")
    mask = hs.load(tmp_path / "mask.zspy", lazy=True)
    seg = labels_of(movie[0].as_lazy(), mask=mask)
    with pytest.raises(ValueError, match="^filename must be another than .* read"):
        seg.save_frames(tmp_path / "mask.zspy", overwrite=True)
    assert hs.load(tmp_path / "mask.zspy").data.shape == movie[0].data.shape


def test_lazy_labels_are_not_written_over_by_themselves(labels, expected, tmp_path):
    labels.save_frames(tmp_path / "labels.zspy")
    seg = hs.load(tmp_path / "labels.zspy", lazy=True)
    with pytest.raises(ValueError, match="^filename must be another than"):
        seg.inav[:2].save_frames(tmp_path / "labels.zspy", overwrite=True)
    np.testing.assert_array_equal(hs.load(tmp_path / "labels.zspy").data, expected.data)


@pytest.mark.parametrize("extension", ["zspy", "hspy"])
def test_nor_by_hyperspys_own_writer(
    movie, labels_of, tmp_path, extension, monkeypatch
):
    file = tmp_path / f"movie.{extension}"
    movie[0].save(file)
    seg = labels_of(hs.load(file, lazy=True))
    before = content(file)
    monkeypatch.chdir(tmp_path)
    for arguments in (
        {"filename": file},
        {"filename": f"movie.{extension}"},
        {"filename": "movie", "file_format": extension.upper()},
        {"filename": "movie.txt", "extension": extension},
    ):
        with pytest.raises(ValueError, match="^filename must be another than"):
            seg.save(**arguments, overwrite=True)
    assert content(file) == before
    seg.save(tmp_path / "labels", show_progressbar=False)
    seg.save(zarr.MemoryStore(), show_progressbar=False)
    if extension == "zspy":
        with pytest.raises(ValueError, match="^filename must be another than"):
            seg.save(zarr.NestedDirectoryStore(file))
    lazy = hs.load(tmp_path / "labels.hspy", lazy=True)
    for filename in (None, tmp_path, "labels"):
        with pytest.raises(ValueError, match="^filename must be another than"):
            lazy.save(filename, overwrite=True)


def test_labels_in_memory_may_replace_what_they_were_made_from(
    movie, expected, model, tmp_path
):
    movie[0].save(tmp_path / "movie.zspy")
    seg = hs.load(tmp_path / "movie.zspy").segment_symmetry(model=model, stride=3)
    seg.save_frames(tmp_path / "movie.zspy", overwrite=True)
    np.testing.assert_array_equal(hs.load(tmp_path / "movie.zspy").data, expected.data)


def test_a_second_writer_is_told_and_the_first_goes_on(
    watched, labels_of, labels, expected, tmp_path
):
    told = []

    def write():
        for options in ({}, {"overwrite": True}, {"resume": True}):
            try:
                labels.save_frames(tmp_path / "movie.hspy", **options)
            except FileExistsError as error:
                told.append(str(error))

    def second():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    watched.before[3] = second
    seg = labels_of(watched.signal())
    seg.save_frames(tmp_path / "movie.zspy", num_workers=1)
    one_writer = f"There must be one writer at a time, but process {os.getpid()} on "
    assert [one_writer in error for error in told] == [True] * 3
    assert names(tmp_path) == ["movie.zspy"]
    np.testing.assert_array_equal(hs.load(tmp_path / "movie.zspy").data, expected.data)


@pytest.mark.parametrize("frame", [0, 4, N - 1])
@pytest.mark.parametrize("extension", ["zspy", "hspy"])
def test_an_unfinished_folder_removed_in_mid_run(
    watched, labels_of, tmp_path, frame, extension
):
    unfinished = tmp_path / "movie.unfinished.zspy"
    (tmp_path / f"movie.{extension}").write_text("old")
    watched.before[frame] = lambda: shutil.rmtree(unfinished)
    seg = labels_of(watched.signal())
    with pytest.raises(RuntimeError, match=r"unfinished.zspy was removed .*written\.$"):
        seg.save_frames(tmp_path / f"movie.{extension}", overwrite=True, num_workers=1)
    assert names(tmp_path) == [f"movie.{extension}"]
    assert (tmp_path / f"movie.{extension}").read_text() == "old"


def test_a_lock_that_was_removed_in_mid_run(watched, labels_of, expected, tmp_path):
    watched.before[4] = (tmp_path / "movie.unfinished.lock").unlink
    seg = labels_of(watched.signal())
    with pytest.raises(RuntimeError, match=r"lock must stay until all is written"):
        seg.save_frames(tmp_path / "movie.zspy", num_workers=1)
    watched.read.clear()
    seg.save_frames(tmp_path / "movie.zspy", resume=True)
    assert watched.read == []
    np.testing.assert_array_equal(hs.load(tmp_path / "movie.zspy").data, expected.data)


def folder_of_others(path):
    path.mkdir()
    (path / "notes.txt").write_text("precious")


def series_of_others(path):
    hs.signals.Signal2D(np.ones((3, 4, 5))).save(path.with_suffix(".zspy"))
    path.with_suffix(".zspy").rename(path)


def link_to_folder(path):
    (path.parent / "elsewhere").mkdir()
    path.symlink_to(path.parent / "elsewhere")


FOREIGN = {
    "file": lambda path: path.write_text("precious"),
    "folder": folder_of_others,
    "empty folder": lambda path: path.mkdir(),
    "series": series_of_others,
    "link to a folder": link_to_folder,
    "dangling link": lambda path: path.symlink_to(path.parent / "nothing"),
    "device": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("option", ["overwrite", "resume"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[("movie.zspy", k) for k in FOREIGN if k not in ("file", "series")],
        *[("movie.hspy", k) for k in FOREIGN if k != "file"],
        *[("movie.unfinished.zspy", k) for k in FOREIGN],
        *[("movie.unfinished.hspy", k) for k in FOREIGN],
        *[("movie.unfinished.lock", k) for k in FOREIGN],
    ],
)
def test_what_is_not_ours_is_found_first_and_left_alone(
    watched, labels_of, tmp_path, name, kind, option
):
    place = tmp_path / name
    FOREIGN[kind](place)
    before, all_names = content(tmp_path), names(tmp_path)
    path = tmp_path / (name if "unfinished" not in name else "movie.hspy")
    seg = labels_of(watched.signal())
    with pytest.raises(FileExistsError, match=rf"^{place} must .*\.$"):
        seg.save_frames(path, **{option: True})
    assert watched.read == []
    assert (content(tmp_path), names(tmp_path)) == (before, all_names)


@pytest.mark.parametrize("extension", ["zspy", "hspy"])
def test_the_name_of_what_another_is_writing(watched, labels, tmp_path, extension):
    def write_there():
        before = names(tmp_path)
        with pytest.raises(ValueError, match=r"^filename must not end in \.unfinished"):
            labels.save_frames(tmp_path / f"a.unfinished.{extension}", overwrite=True)
        assert names(tmp_path) == before

    watched.before[3] = write_there
    watched_labels = watched.signal().segment_symmetry(model=labels.model, stride=3)
    watched_labels.save_frames(tmp_path / "a.zspy", num_workers=1)
    np.testing.assert_array_equal(hs.load(tmp_path / "a.zspy").data, labels.data)


@pytest.mark.parametrize("place", ["file/labels.zspy", "file/folder/labels.hspy"])
def test_a_folder_that_cannot_be_written_to(watched, labels_of, tmp_path, place):
    (tmp_path / "file").write_text("precious")
    seg = labels_of(watched.signal())
    folder = (tmp_path / place).parent
    with pytest.raises(OSError, match=rf"^{folder} must be a folder that can be"):
        seg.save_frames(tmp_path / place)
    assert watched.read == []


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="no such folder")
def test_a_folder_that_not_even_root_may_write_to(watched, labels_of):
    with pytest.raises(OSError, match=r"^/proc must be a folder that can be written"):
        labels_of(watched.signal()).save_frames("/proc/labels.zspy")
    assert watched.read == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(watched, labels_of, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o555)
    with pytest.raises(PermissionError, match="must be a folder that can be written"):
        labels_of(watched.signal()).save_frames(folder / "labels.zspy")
    assert watched.read == []


def test_a_folder_that_is_not_there_is_made(labels, tmp_path):
    labels.save_frames(tmp_path / "new" / "labels.zspy")
    assert names(tmp_path / "new") == ["labels.zspy"]


def test_unfinished_overlays_are_not_taken_up_as_labels(movie, labels, tmp_path):
    overlay = labels.overlay(movie[0])
    begin_store(overlay, tmp_path / "movie.unfinished.zspy", fill_value=0)
    with pytest.raises(ValueError, match=r" must be of labels .* resume=True, got a"):
        labels.save_frames(tmp_path / "movie.zspy", resume=True)


WRITE = """
import os, sys
import hyperspy.api as hs, numpy as np
from hyperspy_symseg.frames.store import FrameStore

movie, model = hs.load(sys.argv[1], lazy=True), hs.load(sys.argv[2]).model
write = FrameStore.write

def until_killed(store, index, frame):
    if index == (4,):
        os.kill(os.getpid(), 9)
    write(store, index, frame)

FrameStore.write = until_killed
labels = movie.segment_symmetry(model=model, stride=3)
labels.save_frames(sys.argv[3], num_workers=1, show_progressbar=False)
"""


def test_a_run_that_was_killed_is_taken_up(
    movie, labels, watched, labels_of, expected, tmp_path
):
    files = [tmp_path / n for n in ("movie.zspy", "model.hspy", "labels.zspy")]
    movie[0].save(files[0], chunks=(1, 61, 83))
    expected.save(files[1])
    killed = subprocess.run([sys.executable, "-P", "-c", WRITE, *files])
    assert killed.returncode == -9
    begun = {"labels.unfinished.lock", "labels.unfinished.zspy"}
    assert set(names(tmp_path)) == begun | {"movie.zspy", "model.hspy"}
    seg = labels_of(hs.load(files[0], lazy=True))
    assert len(FrameStore(tmp_path / "labels.unfinished.zspy").missing()) == N - 4
    (data,) = tmp_path.glob("labels.unfinished.zspy/Experiments/*/data")
    (data / "4.0.0.0123456789abcdef.partial").write_bytes(b"half a chunk")
    seg.save_frames(files[2], resume=True)
    (data,) = files[2].glob("Experiments/*/data")
    assert names(data) == [".zarray", *(f"{i}.0.0" for i in range(N))]
    assert names(tmp_path) == ["labels.zspy", "model.hspy", "movie.zspy"]
    np.testing.assert_array_equal(hs.load(files[2]).data, expected.data)
