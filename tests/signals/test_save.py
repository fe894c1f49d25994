# SPDX-License-Identifier: GPL-3.0-or-later
import errno
import logging
import sys

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import zarr

from hyperspy_symseg.frames.store import FrameStore
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels

N = 7


@pytest.fixture(scope="module")
def model(movie, small):
    return movie[0].segment_symmetry(2, show_progressbar=False, **small).model


@pytest.fixture
def expected(movie, model):
    return movie[0].segment_symmetry(model=model, stride=3)


class Movie:
    """Frames that are read one by one, and of which some cannot be."""

    def __init__(self, signal):
        self.data, self.bad, self.read = signal.data.astype(np.float32), {}, []
        self._axes = [axis.get_axis_dictionary() for axis in signal.axes_manager._axes]

    def _block(self, block_id):
        self.read.append(block_id[0])
        if block_id[0] in self.bad:
            raise self.bad[block_id[0]]
        return self.data[block_id[0]][np.newaxis]

    def signal(self):
        chunks = ((1,) * N, *((n,) for n in self.data.shape[1:]))
        meta = np.empty((0, 0, 0), np.float32)
        frames = da.map_blocks(self._block, chunks=chunks, dtype="f4", meta=meta)
        return hs.signals.Signal2D(frames, axes=self._axes).as_lazy()


@pytest.fixture
def source(movie):
    return Movie(movie[0])


@pytest.fixture
def labels(source, model):
    return source.signal().segment_symmetry(model=model, stride=3)


@pytest.mark.parametrize("extension", ["zspy", "hspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_what_is_written_is_what_is_read(
    labels, expected, model, tmp_path, extension, lazy
):
    file = tmp_path / f"labels.{extension}"
    labels.save_frames(file)
    found = hs.load(file, lazy=lazy)
    assert type(found) is (LazySymmetryLabels if lazy else SymmetryLabels)
    np.testing.assert_array_equal(np.asarray(found.data), expected.data)
    assert found.data.dtype == np.int8
    assert found.model == model
    assert found.axes_manager[0].name == "time"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_the_same_as_hyperspys_own_writer(labels, tmp_path):
    labels.save_frames(tmp_path / "ours.zspy")
    labels.save(tmp_path / "hyperspys.zspy")
    ours, theirs = (hs.load(tmp_path / f"{n}.zspy") for n in ("ours", "hyperspys"))
    assert list(ours.metadata.as_dictionary()) == list(theirs.metadata.as_dictionary())
    assert ours.model == theirs.model
    assert ours.axes_manager.as_dictionary() == theirs.axes_manager.as_dictionary()
    np.testing.assert_array_equal(ours.data, theirs.data)


def test_a_single_image(movie, model, tmp_path):
    image = movie[0].inav[2]
    lazy = image.as_lazy().segment_symmetry(model=model, stride=3)
    lazy.save_frames(tmp_path / "image.zspy")
    expected = image.segment_symmetry(model=model, stride=3)
    found = hs.load(tmp_path / "image.zspy")
    np.testing.assert_array_equal(found.data, expected.data)


def test_several_navigation_axes(movie, model, tmp_path):
    data = movie[0].data[:6].reshape(3, 2, 61, 83)
    axes = [{"size": n, "navigate": True} for n in (3, 2)]
    axes += [{"size": n, "scale": 0.02, "units": "nm"} for n in (61, 83)]
    series = hs.signals.Signal2D(data, axes=axes)
    lazy = series.as_lazy().segment_symmetry(model=model, stride=3)
    lazy.save_frames(tmp_path / "series.zspy")
    expected = series.segment_symmetry(model=model, stride=3)
    found = hs.load(tmp_path / "series.zspy")
    np.testing.assert_array_equal(found.data, expected.data)


def test_the_name_is_temporary_until_all_is_written(labels, source, tmp_path):
    seen = []
    plain = source._block

    def block(block_id):
        seen.append(sorted(path.name for path in tmp_path.iterdir()))
        return plain(block_id)

    source._block = block
    labels = source.signal().segment_symmetry(model=labels.model, stride=3)
    labels.save_frames(tmp_path / "movie.zspy", num_workers=1)
    unfinished = ["movie.unfinished.lock", "movie.unfinished.zspy"]
    assert seen == [unfinished] * N
    assert [path.name for path in tmp_path.iterdir()] == ["movie.zspy"]


@pytest.mark.parametrize("error", [OSError("no such sector"), KeyboardInterrupt()])
def test_what_was_written_stays_and_can_be_loaded(labels, source, tmp_path, error):
    source.bad[5] = error
    with pytest.raises((RuntimeError, KeyboardInterrupt)):
        labels.save_frames(tmp_path / "movie.zspy", num_workers=1)
    assert not (tmp_path / "movie.zspy").exists()
    found = hs.load(tmp_path / "movie.unfinished.zspy")
    written = (found.data >= 0).any(axis=(1, 2))
    # Those before it, but for the few that were on their way.
    assert written[: 5 - 2].all()
    assert not written[5]


def test_a_frame_that_cannot_be_read_is_named(labels, source, tmp_path):
    source.bad[5] = OSError("no such sector")
    with pytest.raises(RuntimeError, match=r"^frame inav\[5\]: OSError: no such") as e:
        labels.save_frames(tmp_path / "movie.zspy")
    assert "movie.unfinished.zspy" in e.value.__notes__[0]


def test_a_frame_without_a_finite_pixel_is_named(labels, source, tmp_path):
    source.data[2] = np.nan
    with pytest.raises(RuntimeError, match=r"^frame inav\[2\]: no pixel is finite"):
        labels.save_frames(tmp_path / "movie.zspy")


def test_bad_frames_can_be_masked(labels, source, expected, tmp_path, caplog):
    source.data[2] = np.nan
    source.bad[5] = OSError("no such sector")
    labels.save_frames(tmp_path / "movie.zspy", on_error="mask")
    found = hs.load(tmp_path / "movie.zspy").data
    assert (found[[2, 5]] == -1).all()
    good = [0, 1, 3, 4, 6]
    np.testing.assert_array_equal(found[good], expected.data[good])
    warnings = sorted(r.message for r in caplog.records if r.levelno == logging.WARNING)
    assert [w.split(":")[0] for w in warnings] == ["frame inav[2]", "frame inav[5]"]


def test_an_interrupted_run_is_taken_up(labels, source, expected, tmp_path):
    source.bad[4] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        labels.save_frames(tmp_path / "movie.zspy", num_workers=1)
    missing = FrameStore(tmp_path / "movie.unfinished.zspy").missing()
    assert 0 < len(missing) < N
    source.bad.clear()
    source.read.clear()
    labels.save_frames(tmp_path / "movie.zspy", resume=True)
    assert sorted((i,) for i in source.read) == missing
    found = hs.load(tmp_path / "movie.zspy")
    np.testing.assert_array_equal(found.data, expected.data)


def test_a_full_disk_loses_nothing(labels, expected, tmp_path, monkeypatch):
    write = zarr.Array.__setitem__
    n_written = []

    def until_full(array, index, value):
        if array.basename == "data":
            n_written.append(index)
            if len(n_written) == 4:
                raise OSError(errno.ENOSPC, "No space left on device")
        write(array, index, value)

    monkeypatch.setattr(zarr.Array, "__setitem__", until_full)
    with pytest.raises(OSError, match="No space left"):
        labels.save_frames(tmp_path / "movie.hspy")
    assert not (tmp_path / "movie.hspy").exists()
    found = hs.load(tmp_path / "movie.unfinished.zspy").data
    written = (found >= 0).any(axis=(1, 2))
    assert written.sum() == 3
    np.testing.assert_array_equal(found[written], expected.data[written])
    labels.save_frames(tmp_path / "movie.hspy", resume=True)
    found = hs.load(tmp_path / "movie.hspy").data
    np.testing.assert_array_equal(found, expected.data)


def test_resume_with_nothing_to_take_up(labels, expected, tmp_path):
    labels.save_frames(tmp_path / "movie.zspy", resume=True)
    found = hs.load(tmp_path / "movie.zspy").data
    np.testing.assert_array_equal(found, expected.data)


@pytest.fixture
def unfinished(labels, source, tmp_path):
    source.bad[3] = OSError("gone")
    with pytest.raises(RuntimeError):
        labels.save_frames(tmp_path / "movie.zspy")
    source.bad.clear()
    return tmp_path / "movie.zspy"


def test_what_is_unfinished_is_not_replaced_unasked(labels, unfinished):
    with pytest.raises(FileExistsError, match="^resume must be True to take up"):
        labels.save_frames(unfinished)


def test_begin_anew(labels, unfinished, source, expected):
    source.read.clear()
    labels.save_frames(unfinished, overwrite=True)
    assert set(source.read) == set(range(N))
    np.testing.assert_array_equal(hs.load(unfinished).data, expected.data)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"stride": 4}, "stride"),
        ({"upsample": False}, "shape"),
        ({"mask": np.eye(61, 83, dtype=bool)}, "mask"),
    ],
)
def test_other_labels_are_not_taken_up(unfinished, source, model, options, name):
    other = source.signal().segment_symmetry(model=model, **{"stride": 3} | options)
    with pytest.raises(
        ValueError, match=f"^labels must have the {name} of .*resume=True"
    ):
        other.save_frames(unfinished, resume=True)


def test_another_model_is_not_taken_up(unfinished, source, small):
    other = source.signal().segment_symmetry(n_patterns=3, **small)
    with pytest.raises(ValueError, match="^labels must have the model of .* another"):
        other.save_frames(unfinished, resume=True)


def test_a_file_of_this_name_is_not_replaced_unasked(labels, source, tmp_path):
    (tmp_path / "movie.hspy").write_text("precious")
    with pytest.raises(FileExistsError, match="^overwrite must be True to replace"):
        labels.save_frames(tmp_path / "movie.hspy")
    assert (tmp_path / "movie.hspy").read_text() == "precious"
    assert not source.read


@pytest.mark.parametrize("extension", ["zspy", "hspy"])
def test_overwriting_keeps_the_old_file_until_the_new_one_is_there(
    labels, source, expected, tmp_path, extension
):
    file = tmp_path / f"movie.{extension}"
    labels.save_frames(file)
    source.bad[3] = OSError("gone")
    with pytest.raises(RuntimeError):
        labels.save_frames(file, overwrite=True)
    np.testing.assert_array_equal(hs.load(file).data, expected.data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filename": "movie.tif"}, "^filename must have the extension .* 'movie.tif'"),
        ({"on_error": "ignore"}, "^on_error must be 'raise' or 'mask', got 'ignore'"),
        ({"num_workers": 0}, "^num_workers must be an int from 1 .* got 0"),
    ],
)
def test_bad_arguments_are_told_first(labels, source, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        labels.save_frames(**{"filename": tmp_path / "movie.zspy"} | options)
    assert not source.read
    assert not list(tmp_path.iterdir())


def test_progress_bar(labels, tmp_path, capfd, bars_at_once):
    labels.save_frames(tmp_path / "movie.zspy", show_progressbar=True)
    assert f"{N}/{N}" in capfd.readouterr().err


def test_labels_of_a_file_can_be_written_again(labels, expected, tmp_path):
    labels.save_frames(tmp_path / "movie.zspy")
    hs.load(tmp_path / "movie.zspy", lazy=True).save_frames(tmp_path / "again.zspy")
    found = hs.load(tmp_path / "again.zspy").data
    np.testing.assert_array_equal(found, expected.data)


def test_labels_in_memory(expected, tmp_path):
    expected.save_frames(tmp_path / "movie.zspy")
    found = hs.load(tmp_path / "movie.zspy").data
    np.testing.assert_array_equal(found, expected.data)


def test_saving_leaves_no_traces_in_the_labels(labels, tmp_path):
    before = labels.tmp_parameters.as_dictionary(), labels.metadata.as_dictionary()
    labels.save_frames(tmp_path / "movie.zspy")
    assert labels.tmp_parameters.as_dictionary() == before[0]
    assert labels.metadata.General.as_dictionary() == before[1]["General"]


def test_all_frames_bad_is_an_error(labels, source, tmp_path):
    source.bad = dict.fromkeys(range(N), OSError("no such disk"))
    with pytest.raises(RuntimeError, match="no such disk"):
        labels.save_frames(tmp_path / "movie.zspy", on_error="mask")
    assert not (tmp_path / "movie.zspy").exists()


@pytest.mark.parametrize("error", [ImportError("no package"), MemoryError()])
def test_what_is_not_the_fault_of_a_frame_is_not_masked(
    labels, source, tmp_path, error
):
    source.bad[3] = error
    with pytest.raises(type(error)):
        labels.save_frames(tmp_path / "movie.zspy", on_error="mask")
    assert not (tmp_path / "movie.zspy").exists()


def test_masked_frames_are_tried_again(labels, source, expected, tmp_path):
    source.bad = {1: OSError("busy"), 5: KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        labels.save_frames(tmp_path / "movie.zspy", on_error="mask", num_workers=1)
    source.bad.clear()
    labels.save_frames(tmp_path / "movie.zspy", resume=True)
    found = hs.load(tmp_path / "movie.zspy").data
    np.testing.assert_array_equal(found, expected.data)


def test_a_bad_frame_that_is_masked_altogether_is_none(source, model, tmp_path):
    source.data[2] = np.nan
    mask = np.zeros(source.data.shape, bool)
    mask[2] = True
    labels = source.signal().segment_symmetry(model=model, stride=3, mask=mask)
    labels.save_frames(tmp_path / "movie.zspy")
    found = hs.load(tmp_path / "movie.zspy").data
    assert (found[2] == -1).all()
    assert (found[3] >= 0).all()


def test_another_mask_is_not_taken_up(source, model, tmp_path):
    def labels(column):
        mask = np.zeros((61, 83), bool)
        mask[:, column] = True
        return source.signal().segment_symmetry(model=model, stride=3, mask=mask)

    source.bad[3] = OSError("gone")
    with pytest.raises(RuntimeError):
        labels(5).save_frames(tmp_path / "movie.zspy")
    with pytest.raises(ValueError, match="^labels must have the mask of .* another"):
        labels(6).save_frames(tmp_path / "movie.zspy", resume=True)
    source.bad.clear()
    labels(5).save_frames(tmp_path / "movie.zspy", resume=True)


def test_another_part_of_the_series_is_not_taken_up(labels, source, tmp_path):
    source.bad[1] = OSError("gone")
    with pytest.raises(RuntimeError):
        labels.inav[:3].save_frames(tmp_path / "movie.zspy")
    with pytest.raises(ValueError, match="^labels must have the axes of .* another"):
        labels.inav[4:].save_frames(tmp_path / "movie.zspy", resume=True)


@pytest.mark.parametrize("option", ["resume", "overwrite"])
def test_what_is_unfinished_is_not_its_own_source(unfinished, option):
    path = unfinished.with_name("movie.unfinished.zspy")
    labels = hs.load(path, lazy=True)
    before = np.asarray(labels.data)
    with pytest.raises(
        ValueError, match="^filename must be another than .*not all there"
    ):
        labels.save_frames(unfinished, **{option: True})
    np.testing.assert_array_equal(hs.load(path).data, before)


@pytest.mark.parametrize("extension", ["zspy", "hspy"])
def test_no_bar_for_what_is_lazy_in_the_metadata(labels, tmp_path, capfd, extension):
    labels.save_frames(tmp_path / "a.zspy", show_progressbar=False)
    loaded = hs.load(tmp_path / "a.zspy", lazy=True)
    capfd.readouterr()
    loaded.save(tmp_path / f"b.{extension}", show_progressbar=False)
    assert capfd.readouterr().out == ""
    assert hs.load(tmp_path / f"b.{extension}").model == loaded.model


def test_without_zarr_nothing_is_read(labels, source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r'pip install "hyperspy-symseg\[zspy\]"'):
        labels.save_frames(tmp_path / "x.zspy")
    assert not source.read
    assert list(tmp_path.iterdir()) == []
