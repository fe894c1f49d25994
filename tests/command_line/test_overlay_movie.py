# SPDX-License-Identifier: GPL-3.0-or-later
import json
import shutil
import subprocess
import sys
import weakref

import hyperspy.api as hs
import numpy as np
import pytest
from PIL import Image
from rsciio.utils.rgb import RGB_DTYPES

from hyperspy_symseg.command_line import overlay_movie
from hyperspy_symseg.command_line.overlay_movie import (
    frames_per_second,
    write_overlays,
)
from hyperspy_symseg.frames import writer_lock
from hyperspy_symseg.signals.save import begin_store

N = 5


@pytest.fixture
def overlay():
    """Frames of 7 x 9 pixels, dark and light, in the colours of two patterns."""
    data = np.zeros((N, 7, 9), RGB_DTYPES["rgb8"])
    for i in range(N):
        data[i, :, :4] = 242 * i // N, 207 * i // N, 128 * i // N
        data[i, :, 4:] = 170 * i // N, 218 * i // N, 244 * i // N
    signal = hs.signals.Signal2D(data)
    signal.axes_manager[0].scale, signal.axes_manager[0].units = 0.2, "s"
    return signal.as_lazy()


def write(overlay, *paths):
    write_overlays(
        overlay,
        paths,
        n_patterns=2,
        saturation=0.5,
        on_error="raise",
    )


def colors(overlay):
    return overlay.data.compute().view(np.uint8).reshape(N, 7, 9, 3).astype(int)


def test_gif(overlay, tmp_path):
    write(overlay, tmp_path / "movie.gif")
    found = []
    with Image.open(tmp_path / "movie.gif") as gif:
        assert (gif.n_frames, gif.size) == (N, (9, 7))
        assert (gif.info["duration"], gif.info["loop"]) == (200, 0)
        for i in range(N):
            gif.seek(i)
            found.append(np.asarray(gif.convert("RGB"), int))
    # There are 85 shades of each colour.
    assert np.abs(colors(overlay) - found).max() <= 4


def test_mp4_of_odd_size(overlay, tmp_path):
    av = pytest.importorskip("av")
    write(overlay, tmp_path / "movie.mp4")
    with av.open(str(tmp_path / "movie.mp4")) as movie:
        assert movie.streams.video[0].average_rate == 5
        found = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
    assert [frame.shape for frame in found] == [(8, 10, 3)] * N
    # Colours are sampled at every second pixel: not at the boundary.
    difference = colors(overlay) - np.array(found)[:, :7, :9]
    assert np.abs(difference[:, :, [1, 7]]).max() < 16


@pytest.mark.parametrize("extensions", [["gif"], ["gif", "zspy"]])
def test_frames_do_not_wait_for_a_slow_one(overlay, tmp_path, monkeypatch, extensions):
    expected, waiting, most = colors(overlay), [], []

    def evaluate_frames(data, indices, **options):
        for index in [*indices[1:], indices[0]]:
            frame = data[index].compute()
            waiting.append(weakref.ref(frame))
            yield index, frame
            del frame
            most.append(sum(one() is not None for one in waiting))

    monkeypatch.setattr(overlay_movie, "evaluate_frames", evaluate_frames)
    write(overlay, *(tmp_path / f"movie.{extension}" for extension in extensions))
    assert max(most) == 1
    assert sorted(path.suffix[1:] for path in tmp_path.iterdir()) == extensions
    with Image.open(tmp_path / "movie.gif") as gif:
        for i in range(N):
            gif.seek(i)
            found = np.asarray(gif.convert("RGB"), int)
            assert np.abs(expected[i] - found).max() <= 4


def test_what_is_complete_stays_if_a_movie_fails(overlay, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(overlay_movie._Gif, "write", fail)
    with pytest.raises(OSError, match="no space left"):
        write(overlay, tmp_path / "movie.gif", tmp_path / "movie.zspy")
    assert [path.name for path in tmp_path.iterdir()] == ["movie.zspy"]
    np.testing.assert_array_equal(
        hs.load(tmp_path / "movie.zspy").data, overlay.data.compute()
    )


@pytest.mark.parametrize(
    ("scale", "units", "speed"),
    [
        (0.1, "s", 10),
        (40, "ms", 25),
        (-0.5, "s", 2),
        (1, "ns", 30),
        (1, "h", 1),
        (0, "s", 30),
        (0.1, "nm", 10),
        (0.1, "no unit", 10),
        (1, "", 10),
    ],
)
def test_speed_is_that_of_the_specimen_if_it_can_be_followed(scale, units, speed):
    signal = hs.signals.Signal2D(np.zeros((3, 2, 2)))
    signal.axes_manager[0].scale, signal.axes_manager[0].units = scale, units
    assert frames_per_second(signal) == pytest.approx(speed)
    # The last axis of the array that is no axis of an image is the fastest.
    series = hs.signals.Signal2D(np.zeros((2, 3, 2, 2)))
    series.axes_manager[0].scale, series.axes_manager[0].units = scale, units
    assert frames_per_second(series) == pytest.approx(speed)


def test_speed_on_an_axis_without_a_unit_or_a_step():
    signal = hs.signals.Signal2D(np.zeros((3, 2, 2)))
    assert frames_per_second(signal) == 10
    signal.axes_manager[0].convert_to_non_uniform_axis()
    signal.axes_manager[0].units = "s"
    assert frames_per_second(signal) == 10


@pytest.mark.parametrize("extension", ["zspy", "gif"])
def test_what_the_overlay_is_read_from_is_not_written_over(
    overlay, tmp_path, extension
):
    series = tmp_path / "movie.zspy"
    overlay.save(series, show_progressbar=False)
    (tmp_path / f"link.{extension}").symlink_to(series)
    read = hs.load(series, lazy=True)
    for path in (series, tmp_path / f"link.{extension}"):
        with pytest.raises(ValueError, match="^filename must be another than"):
            write(read, tmp_path / "movie.mp4", path)
    assert len(list(tmp_path.iterdir())) == 2
    np.testing.assert_array_equal(hs.load(series).data, overlay.data.compute())


def test_a_second_writer_leaves_the_first_alone(overlay, tmp_path, monkeypatch):
    told = []

    def evaluate_frames(data, indices, **options):
        for index in indices:
            if index == (2,):
                with pytest.raises(FileExistsError) as error:
                    write(overlay, tmp_path / "movie.zspy")
                told.append(str(error.value))
            yield index, data[index].compute()

    monkeypatch.setattr(overlay_movie, "evaluate_frames", evaluate_frames)
    write(overlay, tmp_path / "movie.gif")
    assert "one writer at a time, but process" in told[0]
    assert [path.name for path in tmp_path.iterdir()] == ["movie.gif"]
    with Image.open(tmp_path / "movie.gif") as gif:
        assert gif.n_frames == N


@pytest.mark.parametrize("extensions", [["gif"], ["gif", "zspy"]])
def test_a_stack_that_is_removed_while_a_movie_is_made(
    overlay, tmp_path, monkeypatch, extensions
):
    name = "movie.zspy" if "zspy" in extensions else "movie.unfinished.zspy"
    frames = []

    def write_frame(gif, frame, plain=overlay_movie._Gif.write):
        if len(frames) == 2:
            shutil.rmtree(tmp_path / name)
        frames.append(frame)
        plain(gif, frame)

    monkeypatch.setattr(overlay_movie._Gif, "write", write_frame)
    with pytest.raises(RuntimeError, match=f"{name} was removed or damaged"):
        write(overlay, *(tmp_path / f"movie.{extension}" for extension in extensions))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["movie.gif", "movie.unfinished.gif"])
def test_what_is_in_the_way_of_a_movie_is_left_alone(overlay, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError, match=f"^{tmp_path / name} must be a file"):
        write(overlay, tmp_path / "movie.gif")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_file_with_the_name_of_an_unfinished_movie(overlay, tmp_path):
    (tmp_path / "movie.unfinished.gif").write_text("precious")
    with pytest.raises(FileExistsError, match=r"unfinished.gif must not be there"):
        write(overlay, tmp_path / "movie.gif")
    assert (tmp_path / "movie.unfinished.gif").read_text() == "precious"


def test_what_a_writer_that_was_killed_left_is_removed(overlay, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = writer_lock._this_process() | {"pid": process.pid}
    (tmp_path / "movie.unfinished.lock").write_text(json.dumps(dead))
    (tmp_path / "movie.unfinished.gif").write_text("half of it")
    begin_store(overlay, tmp_path / "movie.unfinished.zspy", fill_value=0)
    write(overlay, tmp_path / "movie.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["movie.gif"]
