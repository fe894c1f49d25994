# SPDX-License-Identifier: GPL-3.0-or-later
"""What movies of labels show; how they are written is in tests/test_movies.py."""

import hyperspy.api as hs
import numpy as np
import pytest
from PIL import Image

from hyperspy_symseg.analysis.overlay import pattern_colors
from hyperspy_symseg.signals.axes import frames_per_second, stamps
from hyperspy_symseg.signals.save import movie_of

N = 3


@pytest.fixture(scope="module")
def labels():
    """Labels of two patterns with a boundary that moves, without a model."""
    data = np.zeros((N, 40, 60), np.int8)
    for i in range(N):
        data[i, :, 20 + 10 * i :] = 1
    signal = hs.signals.Signal2D(data)
    for axis, (scale, units) in zip(
        signal.axes_manager._axes, ((0.25, "s"), (0.1, "nm"), (0.1, "nm")), strict=True
    ):
        axis.scale, axis.units = scale, units
    signal.set_signal_type("symmetry_labels")
    return signal


PLAIN = {"scale_bar": False, "time_stamp": False, "legend": False}


def frames_of(path):
    with Image.open(path) as movie:
        for i in range(movie.n_frames):
            movie.seek(i)
            yield np.asarray(movie.convert("RGB"), int)


@pytest.mark.parametrize("lazy", [False, True])
def test_labels_are_in_the_colours_of_their_plot(labels, tmp_path, lazy):
    pytest.importorskip("av")
    seg = labels.as_lazy() if lazy else labels
    seg.save_movie(tmp_path / "labels.gif", **PLAIN, show_progressbar=False)
    colors = np.rint(255 * pattern_colors(2)[1])
    for found, expected in zip(
        frames_of(tmp_path / "labels.gif"), colors[labels.data], strict=True
    ):
        assert np.abs(found - expected).max() <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["labels.gif"]


def test_micrographs_are_tinted(labels, tmp_path):
    pytest.importorskip("av")
    series = hs.signals.Signal2D(np.random.default_rng(0).random(labels.data.shape))
    path = tmp_path / "movie.gif"
    labels.save_movie(path, series, 1.0, **PLAIN, show_progressbar=False)
    tinted = labels.overlay(series, 1.0).data.view(np.uint8).reshape(N, 40, 60, 3)
    for found, expected in zip(frames_of(path), tinted.astype(int), strict=True):
        # 256 colours of some 500 shades.
        assert np.abs(found - expected).max() <= 8


def test_old_movies_stay_unless_told(labels, tmp_path):
    pytest.importorskip("av")
    (tmp_path / "labels.gif").write_text("old")
    with pytest.raises(FileExistsError, match="overwrite must be True to replace"):
        labels.save_movie(tmp_path / "labels.gif")
    assert (tmp_path / "labels.gif").read_text() == "old"
    labels.save_movie(tmp_path / "labels.gif", overwrite=True, show_progressbar=False)
    assert len(list(frames_of(tmp_path / "labels.gif"))) == N


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"filename": "a.avi"}, ValueError, "^filename must have the extension .mp4, "),
        ({"speed": 0}, ValueError, "^speed must be a number from 0.01 to 1000, got 0"),
        ({"legend": "no"}, TypeError, "^legend must be True or False, got 'no'"),
        ({"signal": 3}, TypeError, "^signal must be a Signal2D, got a int"),
        ({"saturation": 2, "signal": "own"}, ValueError, "^saturation must be"),
    ],
)
def test_what_is_not_allowed_is_told_before_any_work(
    labels, tmp_path, options, error, message
):
    pytest.importorskip("av")
    if options.get("signal") == "own":
        options = options | {"signal": hs.signals.Signal2D(labels.data)}
    with pytest.raises(error, match=message):
        labels.save_movie(**{"filename": tmp_path / "a.gif"} | options)
    assert not list(tmp_path.iterdir())


def test_a_single_image_is_no_movie(labels, tmp_path):
    with pytest.raises(ValueError, match="^labels must be of a series for a movie"):
        labels.inav[0].save_movie(tmp_path / "a.gif")


def test_captions_are_those_of_the_labels():
    data = np.array([[[0, 1, 2]]] * 2, np.int8)
    signal = hs.signals.Signal2D(data)
    signal.set_signal_type("symmetry_labels")
    captions = movie_of(signal).captions
    assert (captions.pixel_size, captions.unit) == (1, "px")
    assert captions.stamps == ("frame 0", "frame 1")
    assert [words for words, _ in captions.legend] == [
        "0 orange",
        "1 sky blue",
        "2 bluish green",
    ]
    assert movie_of(signal, ("legend",)).captions.stamps == ()


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        ({"scale": 0.04, "units": "s"}, ("0.00 s", "0.04 s", "0.08 s")),
        ({"scale": 1 / 75, "units": "s"}, ("0.0000 s", "0.0133 s", "0.0267 s")),
        ({"scale": 2, "offset": -2, "units": "°"}, ("-2 °", "0 °", "2 °")),
        ({"scale": 2e-8, "units": "s"}, ("0 s", "2e-08 s", "4e-08 s")),
        ({"scale": 0.5, "name": "bias"}, ("bias 0.0", "bias 0.5", "bias 1.0")),
        ({"name": "tilt"}, ("tilt 0", "tilt 1", "tilt 2")),
    ],
)
def test_stamps(axis, expected):
    signal = hs.signals.Signal2D(np.zeros((3, 2, 2)))
    for key, value in axis.items():
        setattr(signal.axes_manager[0], key, value)
    assert stamps(signal) == expected


def test_stamps_of_two_axes_name_the_fastest_first():
    signal = hs.signals.Signal2D(np.zeros((2, 2, 2, 2)))
    for axis, name in zip(signal.axes_manager.navigation_axes, "xt", strict=True):
        axis.name, axis.units, axis.scale = name, "s", 0.5
    assert stamps(signal)[1] == "x 0.5 s, t 0.0 s"


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


@pytest.mark.parametrize("extension", ["mp4", "webp"])
def test_frames_of_one_row_are_magnified_as_far_as_files_go(tmp_path, extension):
    pytest.importorskip("av")
    seg = hs.signals.Signal2D(np.zeros((2, 1, 96), np.int8))
    seg.set_signal_type("symmetry_labels")
    path = tmp_path / f"row.{extension}"
    seg.save_movie(path, show_progressbar=False)
    assert path.stat().st_size


@pytest.mark.parametrize(("extension", "most"), [("mp4", 16384), ("webp", 16383)])
def test_frames_too_large_for_a_file_are_told(tmp_path, extension, most):
    pytest.importorskip("av")
    seg = hs.signals.Signal2D(np.zeros((2, 2, most + 1), np.int8))
    seg.set_signal_type("symmetry_labels")
    with pytest.raises(
        ValueError, match=rf"{extension} must have at most {most} .*got"
    ):
        seg.save_movie(tmp_path / f"row.{extension}", show_progressbar=False)
    assert not list(tmp_path.iterdir())


def test_a_name_of_two_lines_is_written_in_one(labels, tmp_path):
    pytest.importorskip("av")
    pictures = []
    for i, name in enumerate(("new rim", "new\n  rim")):
        seg = labels.deepcopy()
        seg.pattern_names = [name, "core"]
        seg.save_movie(tmp_path / f"{i}.gif", show_progressbar=False)
        pictures.append(next(frames_of(tmp_path / f"{i}.gif")))
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf])
def test_no_scale_bar_without_a_pixel_size(labels, tmp_path, scale):
    pytest.importorskip("av")
    seg = labels.deepcopy()
    seg.axes_manager.signal_axes[0].scale = scale
    with pytest.raises(ValueError, match="axis x must have a finite scale"):
        seg.save_movie(tmp_path / "labels.gif", show_progressbar=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "ask",
    [
        lambda seg: seg.get_areas(),
        lambda seg: seg.get_boundary_length(),
        lambda seg: seg.save_movie("labels.gif"),
    ],
)
def test_axes_that_are_not_uniform_are_told(labels, tmp_path, monkeypatch, ask):
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    seg = labels.deepcopy()
    seg.axes_manager.signal_axes[0].name = "x"
    seg.axes_manager.signal_axes[0].convert_to_non_uniform_axis()
    with pytest.raises(ValueError, match="axis x must be uniform, got a DataAxis"):
        ask(seg)
