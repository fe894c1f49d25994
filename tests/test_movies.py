# SPDX-License-Identifier: GPL-3.0-or-later
import functools
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

from hyperspy_symseg import movies
from hyperspy_symseg.frames import writer_lock
from hyperspy_symseg.movies import Captions, Movie, check_format, write_series
from hyperspy_symseg.signals.save import begin_store

iio = pytest.importorskip("imageio.v3")
pytest.importorskip("av")
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
    begin = functools.partial(begin_store, overlay, fill_value=0)
    write_series(overlay.data, paths, begin, Movie(speed=5))


def colors(overlay):
    return overlay.data.compute().view(np.uint8).reshape(N, 7, 9, 3).astype(int)


def read(path):
    """Frames of a GIF or WebP, their durations in ms, and how often it is shown."""
    frames, durations = [], []
    with Image.open(path) as movie:
        for i in range(movie.n_frames):
            movie.seek(i)
            frames.append(np.asarray(movie.convert("RGB"), int))
            durations.append(movie.info["duration"])
        return frames, durations, movie.info["loop"]


def test_gif(overlay, tmp_path):
    write(overlay, tmp_path / "movie.gif")
    found, durations, loop = read(tmp_path / "movie.gif")
    assert (durations, loop) == ([200] * N, 0)
    # Each frame has few colours, and a palette of its own.
    assert np.abs(colors(overlay) - found).max() <= 1


def test_webp_of_odd_size(overlay, tmp_path):
    write(overlay, tmp_path / "movie.webp")
    found, durations, loop = read(tmp_path / "movie.webp")
    assert (durations, loop) == ([200] * N, 0)
    assert [frame.shape for frame in found] == [(8, 10, 3)] * N
    difference = colors(overlay) - np.array(found)[:, :7, :9]
    assert np.abs(difference[:, :, [1, 7]]).max() < 16


def test_mp4_of_odd_size(overlay, tmp_path):
    write(overlay, tmp_path / "movie.mp4")
    found = iio.imread(tmp_path / "movie.mp4", plugin="pyav")
    assert iio.immeta(tmp_path / "movie.mp4", plugin="pyav")["fps"] == 5
    assert found.shape == (N, 8, 10, 3)
    # Colours are sampled at every second pixel: not at the boundary.
    difference = colors(overlay) - found[:, :7, :9]
    assert np.abs(difference[:, :, [1, 7]]).max() < 16


def test_memory_does_not_grow_with_the_frames(tmp_path):
    kept = []

    def frames():
        for i in range(40):
            frame = np.full((64, 96, 3), 6 * i, np.uint8)
            kept.append(weakref.ref(frame))
            yield frame
            del frame
            assert sum(each() is not None for each in kept) <= 1

    Movie(speed=5).write(tmp_path / "movie.gif", frames())
    assert len(read(tmp_path / "movie.gif")[0]) == 40


def test_an_encoder_that_is_not_there_is_told(monkeypatch):
    import av

    def fail(*args):
        raise av.error.UnknownCodecError(1, "unknown codec")

    monkeypatch.setattr(av, "Codec", fail)
    with pytest.raises(ValueError, match="have imageio and PyAV with libwebp, got non"):
        check_format(".webp")


def test_scale_bar_is_as_long_as_it_says():
    frame = np.zeros((300, 500, 3), np.uint8)
    drawn = Captions(pixel_size=0.1, unit="nm").draw(frame, 0)
    # 10 nm; 0.3 of the width are 15 nm.
    runs = (drawn == 255).all(axis=-1).sum(axis=1)
    assert runs.max() == 100
    assert runs.argmax() > 280


@pytest.mark.parametrize(
    ("columns", "pixel_size", "bar"),
    [
        (512, 0.02, (100, "2 nm")),
        (512, -0.02, (100, "2 nm")),
        (100, 1.0, (20, "20 nm")),
        (1000, 3e-12, (167, "5e-10 nm")),
    ],
)
def test_length_of_the_scale_bar(columns, pixel_size, bar):
    assert movies.scale_bar(columns, pixel_size, "nm") == bar


def test_legend_has_the_colours_of_the_patterns():
    frame = np.zeros((300, 400, 3), np.uint8)
    legend = (("a", (1.0, 0.0, 0.0)), ("b", (0.0, 0.0, 1.0)))
    drawn = Captions(legend=legend).draw(frame, 0)
    red, blue = ((drawn == color).all(axis=-1) for color in ((255, 0, 0), (0, 0, 255)))
    assert red.sum() == blue.sum() > 50
    # Top right, one below the other.
    assert np.argwhere(red).max(axis=0)[0] < np.argwhere(blue).min(axis=0)[0] < 50
    assert np.argwhere(red).min(axis=0)[1] > 350


def test_each_frame_has_its_own_stamp():
    frame, captions = np.zeros((256, 256, 3), np.uint8), Captions(stamps=("0 s", "1 s"))
    first, second = (captions.draw(frame, i) for i in (0, 1))
    differs = np.argwhere((first != second).any(axis=-1))
    assert 0 < differs.max() < 30


def test_captions_magnify_small_frames_and_nothing_else():
    frame = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)
    assert Captions().draw(frame, 0).shape == frame.shape
    drawn = Captions(stamps=("0 s",)).draw(frame, 0)
    assert drawn.shape == (280, 420, 3)
    np.testing.assert_array_equal(drawn[-7:, -7:], np.full((7, 7, 3), frame[-1, -1]))


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

    monkeypatch.setattr(movies, "evaluate_frames", evaluate_frames)
    write(overlay, *(tmp_path / f"movie.{extension}" for extension in extensions))
    assert max(most) == 1
    assert sorted(path.suffix[1:] for path in tmp_path.iterdir()) == extensions
    with Image.open(tmp_path / "movie.gif") as gif:
        for i in range(N):
            gif.seek(i)
            found = np.asarray(gif.convert("RGB"), int)
            assert np.abs(expected[i] - found).max() <= 1


def test_what_is_complete_stays_if_a_movie_fails(overlay, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(movies._Writer, "write", fail)
    with pytest.raises(OSError, match="no space left"):
        write(overlay, tmp_path / "movie.gif", tmp_path / "movie.zspy")
    assert [path.name for path in tmp_path.iterdir()] == ["movie.zspy"]
    np.testing.assert_array_equal(
        hs.load(tmp_path / "movie.zspy").data, overlay.data.compute()
    )


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

    monkeypatch.setattr(movies, "evaluate_frames", evaluate_frames)
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

    def write_frame(gif, frame, plain=movies._Writer.write):
        if len(frames) == 2:
            shutil.rmtree(tmp_path / name)
        frames.append(frame)
        plain(gif, frame)

    monkeypatch.setattr(movies._Writer, "write", write_frame)
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
