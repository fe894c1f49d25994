# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames and files that are labelled as they arrive, and what is left when it stops."""

import csv
import os
import signal as signals
import subprocess
import sys
import threading
import time

import hyperspy.api as hs
import numpy as np
import pytest
import zarr

from hyperspy_symseg.__main__ import main
from hyperspy_symseg.command_line import watch as watching

from .conftest import N

# Rows and columns of the frames of the series.
SHAPE = 121, 140
QUICK = ["--settle", "0.12", "--interval", "0.02"]


@pytest.fixture(scope="module")
def fitted(signal):
    labels = signal.inav[0].segment_symmetry(2, show_progressbar=False)
    return labels.model


@pytest.fixture(scope="module")
def model(signal, fitted, tmp_path_factory):
    """File of labels, with the model of the first frame."""
    path = tmp_path_factory.mktemp("model") / "labels.hspy"
    signal.inav[1].segment_symmetry(model=fitted, show_progressbar=False).save(path)
    return path


@pytest.fixture(scope="module")
def expected(signal, fitted):
    return signal.segment_symmetry(model=fitted, show_progressbar=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def watch(model, out, capsys):
    """Watch a place; return the status, lines of output and of errors."""

    def watch(place, *options, model=("--model", model), idle=0.3):
        given = ["watch", place, "--output", out, *QUICK, *model, "--idle", idle]
        status = main([str(each) for each in (*given, *options)])
        written, err = capsys.readouterr()
        return status, written.splitlines(), err.splitlines()

    return watch


def series_of(signal, path, n_frames=1):
    """Store of the first frames of a series; its array, to which others are added."""
    signal.inav[:n_frames].save(path, chunks=(1, *SHAPE), show_progressbar=False)
    (experiment,) = zarr.open_group(path, mode="r+")["Experiments"].values()
    return experiment["data"]


def in_background(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def rows(out):
    with (out / "watch_areas.csv").open() as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_frames_of_a_store_that_grows(watch, signal, expected, folder, out):
    data = series_of(signal, folder / "movie.zspy")

    def write():
        for i in range(1, N):
            time.sleep(0.1)
            # As zarr's own append does, there is room before there is a frame.
            data.resize(i + 1, *SHAPE)
            time.sleep(0.05)
            data[i] = signal.data[i]

    thread = in_background(write)
    status, lines, err = watch(folder / "movie.zspy")
    thread.join()
    assert (status, err) == (0, [])
    labels = hs.load(out / "movie_labels.zspy")
    np.testing.assert_array_equal(labels.data, expected.data)
    assert labels.axes_manager.navigation_axes[0].units == "s"
    assert [row["time"] for row in rows(out)] == [
        "0",
        "0.1",
        "0.2",
        "0.3",
        "0.4",
        "0.5",
    ]
    areas = [[float(row[k]) for k in ("0 orange", "1 sky blue")] for row in rows(out)]
    np.testing.assert_allclose(np.transpose(areas), expected.get_areas().data, 1e-6)
    assert lines[2].startswith("movie.zspy 2  0.2 s  0 orange ")
    assert lines[-1].endswith(f"{N} frames were labelled")


def test_files_of_a_folder_as_they_come(watch, signal, expected, folder, out):
    (folder / "notes.md").write_text("no micrograph")

    def write():
        for i in range(3):
            signal.inav[i].save(folder / f"image{i}.hspy")
            time.sleep(0.2)

    thread = in_background(write)
    status, _, err = watch(folder, idle=0.6)
    thread.join()
    assert (status, err) == (0, [])
    for i in range(3):
        labels = hs.load(out / f"image{i}_labels.hspy")
        np.testing.assert_array_equal(labels.data, expected.data[i])
    table = rows(out)
    assert [row["file"] for row in table] == [f"image{i}.hspy" for i in range(3)]
    times = [float(row["time"]) for row in table]
    assert times[0] == 0
    assert times == sorted(times)


def test_a_file_that_is_being_written_is_waited_for(watch, signal, folder, out):
    signal.inav[0].save(folder.parent / "image.hspy")
    content = (folder.parent / "image.hspy").read_bytes()

    def write():
        with (folder / "image.hspy").open("wb") as file:
            for i in range(8):
                first, last = (len(content) * n // 8 for n in (i, i + 1))
                file.write(content[first:last])
                file.flush()
                time.sleep(0.08)

    thread = in_background(write)
    status, lines, err = watch(folder)
    thread.join()
    assert (status, err, len(lines)) == (0, [], 2)
    assert (out / "image_labels.hspy").exists()


def test_a_broken_file_is_named_and_the_others_go_on(watch, signal, folder, out):
    (folder / "bad.hspy").write_bytes(b"no such thing")
    signal.inav[0].save(folder / "good.hspy")
    status, _, err = watch(folder)
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith(f"hyperspy-symseg: {folder / 'bad.hspy'}: it must be a fi")
    assert [row["file"] for row in rows(out)] == ["good.hspy"]


def test_a_broken_frame_is_named_and_taken_up_again(
    watch, signal, expected, folder, out
):
    data = series_of(signal, folder / "movie.zspy", 3)
    (chunk,) = folder.glob("movie.zspy/Experiments/*/data/1/0/0")
    chunk.write_bytes(b"not of this frame")
    status, _, err = watch(folder)
    assert (status, len(err)) == (2, 1)
    assert f"{folder / 'movie.zspy'}: frame inav[1]: " in err[0]
    assert "movie_labels.unfinished.zspy" in names(out)
    begun = hs.load(out / "movie_labels.unfinished.zspy").data
    np.testing.assert_array_equal(begun[[0, 2]], expected.data[[0, 2]])
    assert (begun[1] == -1).all()
    data[1] = signal.data[1]
    status, lines, _ = watch(folder, "--resume", model=())
    assert (status, len(lines)) == (0, 2)
    labels = hs.load(out / "movie_labels.zspy").data
    np.testing.assert_array_equal(labels, expected.data[:3])
    assert [row["frame"] for row in rows(out)] == ["0", "2", "1"]


def test_a_frame_that_has_not_come_is_no_error(watch, signal, folder, out):
    data = series_of(signal, folder / "movie.zspy", 2)
    data.resize(4, *SHAPE)
    data[3] = signal.data[3]
    status, _, err = watch(folder)
    assert (status, err) == (0, [])
    assert [row["frame"] for row in rows(out)] == ["0", "1", "3"]
    assert "movie_labels.unfinished.zspy" in names(out)


def test_frames_of_one_chunk_are_waited_for(watch, signal, expected, folder, out):
    signal.inav[:2].save(folder / "movie.zspy", chunks=(2, *SHAPE))
    (experiment,) = zarr.open_group(folder / "movie.zspy", mode="r+")[
        "Experiments"
    ].values()
    data = experiment["data"]

    def write():
        for i in (2, 3):
            time.sleep(0.05)
            data.resize(i + 1, *SHAPE)
            time.sleep(0.05)
            data[i] = signal.data[i]

    thread = in_background(write)
    status, _, err = watch(folder)
    thread.join()
    assert (status, err) == (0, [])
    labels = hs.load(out / "movie_labels.zspy").data
    np.testing.assert_array_equal(labels, expected.data[:4])


def test_a_second_run_goes_on_with_what_is_new(
    watch, signal, expected, folder, out, monkeypatch
):
    signal.inav[0].save(folder / "first.hspy")
    data = series_of(signal, folder / "movie.zspy", 2)
    watch(folder)
    before = rows(out)
    assert len(before) == 3
    data.append(signal.data[2:3])
    signal.inav[1].save(folder / "second.hspy")
    status, lines, _ = watch(folder, "--resume", model=())
    assert status == 0
    assert lines[-1].endswith(": 2 frames were labelled")
    assert rows(out)[:3] == before
    assert {row["file"] for row in rows(out)[3:]} == {"movie.zspy", "second.hspy"}
    labels = hs.load(out / "movie_labels.zspy").data
    np.testing.assert_array_equal(labels, expected.data[:3])


def test_the_model_is_that_of_the_first_frame(watch, signal, fitted, folder, out):
    series_of(signal, folder / "movie.zspy", 2)
    watch(folder, "--n-patterns", 2, model=())
    assert hs.load(out / "watch_model.hspy").model == fitted
    assert hs.load(out / "movie_labels.zspy").model == fitted


def test_another_model_is_no_resumption(watch, signal, folder, out, tmp_path):
    signal.inav[0].save(folder / "image.hspy")
    watch(folder)
    other = signal.inav[0].segment_symmetry(2, refine=False, show_progressbar=False)
    other.save(tmp_path / "other.hspy")
    given = ("--model", tmp_path / "other.hspy")
    status, _, err = watch(folder, "--resume", model=given)
    assert status == 2
    assert "--model must be that of the earlier run with --resume, " in err[0]


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_what_is_labelled_stays_when_it_is_stopped(
    watch, signal, expected, folder, out, name, status
):
    series_of(signal, folder / "movie.zspy", 2)

    def stop():
        while not (out / "watch_areas.csv").exists() or len(rows(out)) < 2:
            time.sleep(0.02)
        os.kill(os.getpid(), getattr(signals, name))

    thread = in_background(stop)
    found, _, err = watch(folder, idle=60)
    thread.join()
    assert (found, len(err)) == (status, 1)
    assert err[0].startswith("hyperspy-symseg: 2 frames were labelled; --resume goes")
    labels = hs.load(out / "movie_labels.zspy").data
    np.testing.assert_array_equal(labels, expected.data[:2])
    assert "watch.unfinished.lock" not in names(out)


def test_nothing_is_lost_when_it_is_killed(watch, signal, expected, folder, out, model):
    data = series_of(signal, folder / "movie.zspy", 2)
    given = ["watch", folder, "--output", out, *QUICK, "--model", model]
    command = [sys.executable, "-m", "hyperspy_symseg", *map(str, given)]
    # A checkout has the package without its kernels.
    started = {"stdout": subprocess.PIPE, "text": True, "cwd": out.parent}
    with subprocess.Popen(command, **started) as process:
        assert process.stdout.readline().startswith("movie.zspy 0 ")
        process.kill()
    data.append(signal.data[2:3])
    status, _, err = watch(folder, "--resume", model=())
    assert (status, err) == (0, [])
    labels = hs.load(out / "movie_labels.zspy").data
    np.testing.assert_array_equal(labels, expected.data[:3])
    assert sorted(row["frame"] for row in rows(out)) == ["0", "1", "2"]


def test_lines_that_were_not_written_or_cut_off_are_made_up(watch, signal, folder, out):
    series_of(signal, folder / "movie.zspy", 3)
    signal.inav[0].save(folder / "image.hspy")
    watch(folder)
    before = rows(out)
    table = out / "watch_areas.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join([*lines[:2], lines[2][:11]]))
    status, said, _ = watch(folder, "--resume", model=())
    assert status == 0
    assert said[-1].endswith(": 0 frames were labelled")

    def key(row):
        return row["file"], row["frame"]

    assert sorted(map(key, rows(out))) == sorted(map(key, before))
    assert {key(row): row["0 orange"] for row in rows(out)} == {
        key(row): row["0 orange"] for row in before
    }


def test_room_that_was_made_by_half_is_made_whole(watch, signal, folder, out):
    data = series_of(signal, folder / "movie.zspy", 2)
    data.resize(3, *SHAPE)
    watch(folder)
    (axis,) = out.glob("*.unfinished.zspy/Experiments/*/axis-0")
    zarr.open_group(axis, mode="r+").attrs["size"] = 2
    data[2] = signal.data[2]
    assert watch(folder, "--resume", model=())[0] == 0
    assert hs.load(out / "movie_labels.zspy").data.shape == (3, *SHAPE)


def test_old_results_stay_unless_told(watch, signal, folder, out):
    signal.inav[0].save(folder / "image.hspy")
    watch(folder)
    before = (out / "watch_areas.csv").read_bytes()
    status, _, err = watch(folder)
    assert status == 2
    assert "--overwrite must be given to replace" in err[0]
    assert (out / "watch_areas.csv").read_bytes() == before
    assert watch(folder, "--overwrite")[1][-1].endswith(": 1 frames were labelled")
    assert len(rows(out)) == 1


def test_results_in_the_folder_that_is_watched_are_no_micrographs(
    signal, folder, model, capsys
):
    signal.inav[0].save(folder / "image.hspy")
    given = ["watch", folder, "--output", folder, *QUICK, "--model", model, "--plot"]
    assert main([*map(str, given), "--idle", "0.5"]) == 0
    assert capsys.readouterr().out.count("\n") == 2
    expected = ["image.hspy", "image_labels.hspy", "watch_areas.csv", "watch_areas.png"]
    assert names(folder) == [*expected, "watch_model.hspy"]


def test_labels_are_no_micrographs_whatever_they_are_called(
    watch, signal, fitted, folder, out
):
    labels = signal.inav[0].segment_symmetry(model=fitted, show_progressbar=False)
    labels.save(folder / "model.hspy")
    status, lines, err = watch(folder, model=("--model", folder / "model.hspy"))
    assert (status, len(lines), err) == (0, 1, [])


def test_another_watch_of_the_same_results_is_told(watch, signal, folder, monkeypatch):
    signal.inav[0].save(folder / "image.hspy")
    told, plain = [], watching._Watch._label_image

    def label(*arguments):
        if not told:
            told.append(None)
            told.append(watch(folder, "--resume"))
        return plain(*arguments)

    monkeypatch.setattr(watching._Watch, "_label_image", label)
    watch(folder)
    status, _, err = told[1]
    assert status == 2
    assert "There must be one writer at a time" in err[0]


def test_files_of_a_pattern(watch, signal, folder, out):
    for name in ("a1.hspy", "b1.hspy"):
        signal.inav[0].save(folder / name)
    watch(folder, "--only", "b*")
    assert [row["file"] for row in rows(out)] == ["b1.hspy"]


def test_a_file_that_comes_later(watch, signal, folder, out):
    thread = in_background(lambda: series_of(signal, folder / "movie.zspy", 1))
    assert watch(folder / "movie.zspy", idle=1)[0] == 0
    thread.join()
    assert len(rows(out)) == 1


@pytest.mark.parametrize(
    ("place", "message"),
    [("none/movie.zspy", "must be a folder, or a file in"), ("none", "must be a fold")],
)
def test_places_that_are_none(watch, folder, place, message):
    status, _, err = watch(folder / place)
    assert (status, len(err)) == (2, 1)
    assert message in err[0]


def test_a_model_that_is_none(watch, signal, folder, out, tmp_path):
    signal.inav[0].save(tmp_path / "image.hspy")
    status, _, err = watch(folder, model=("--model", tmp_path / "image.hspy"))
    assert status == 2
    assert "must be a file of labels with their model, got a LazySignal2D" in err[0]
    assert names(out) == []


def test_seconds_are_checked(watch, folder, capsys):
    with pytest.raises(SystemExit):
        watch(folder, "--settle", "0")
    assert "must be above 0 and at most 86400, got '0'" in capsys.readouterr().err


def test_a_model_of_labels_changed_by_hand_is_that_from_before(
    watch, signal, model, folder, out, tmp_path
):
    merged = hs.load(model).relabel({0: 1})
    merged.save(tmp_path / "merged.hspy", show_progressbar=False)
    signal.inav[0].save(folder / "a.hspy", show_progressbar=False)
    status, _, err = watch(folder, model=("--model", tmp_path / "merged.hspy"))
    assert status == 0
    assert "changed by hand, of which the model knows nothing" in "".join(err)
    labels = hs.load(out / "a_labels.hspy")
    assert set(np.unique(labels.data)) == {0, 1}
