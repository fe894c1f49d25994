# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line with series; that with single images is in tests/test_main.py."""

import re
import sys

import hyperspy.api as hs
import numpy as np
import pytest
from PIL import Image

from hyperspy_symseg import movies
from hyperspy_symseg.command_line import series
from hyperspy_symseg.signals import save

from .conftest import N

OPTIONS = {"patch": 10, "window": 12}


@pytest.fixture(scope="module")
def expected(signal):
    return signal.segment_symmetry(2, **OPTIONS, show_progressbar=False)


@pytest.fixture
def interrupted(run, file, monkeypatch):
    """A run that was stopped after two frames; what it returned."""
    with monkeypatch.context() as patch:
        patch.setattr(save, "evaluate_frames", stopped_after(2))
        return run(file)


def stopped_after(n_frames):
    """A stand-in for evaluate_frames that Ctrl-C stops."""

    def evaluate_frames(*args, evaluate=save.evaluate_frames, **options):
        done = evaluate(*args, **options)
        for _ in range(n_frames):
            yield next(done)
        done.close()
        raise KeyboardInterrupt

    return evaluate_frames


def recorded(monkeypatch, module):
    """Frames that a module evaluates from now on."""
    frames = []

    def evaluate_frames(data, indices, *, evaluate=module.evaluate_frames, **options):
        frames.extend(indices)
        return evaluate(data, indices, **options)

    monkeypatch.setattr(module, "evaluate_frames", evaluate_frames)
    return frames


def corrupt(file, *frames):
    for frame in frames:
        (chunk,) = file.glob(f"Experiments/*/data/{frame}/0/0")
        chunk.write_bytes(b"not of this frame")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("extension", ["zspy", "hspy", "emd"])
def test_labels_are_those_of_the_method(run, signal, expected, out, extension):
    file = out.parent / f"movie.{extension}"
    signal.save(file)
    status, _, err = run(file)
    assert (status, err) == (0, [])
    assert names(out) == ["movie_labels.zspy", "movie_overlay.zspy"]
    labels = hs.load(out / "movie_labels.zspy")
    np.testing.assert_array_equal(labels.data, expected.data)
    assert labels.model == expected.model
    assert labels.axes_manager.shape == signal.axes_manager.shape
    assert labels.axes_manager[0].units == "s"


def test_overlay_is_a_series_of_rgb_images(run, file, expected, signal, out):
    run(file)
    overlay = hs.load(out / "movie_overlay.zspy", lazy=True)
    assert overlay.data.chunksize == (1, 121, 140)
    assert overlay.axes_manager.as_dictionary() == signal.axes_manager.as_dictionary()
    np.testing.assert_array_equal(overlay.data.compute(), expected.overlay(signal).data)


def test_mean_area_and_range_of_the_shares(run, file, expected):
    _, lines, _ = run(file)
    assert lines[0] == "movie Simulated movie"
    areas = expected.get_areas().data
    shares = 100 * areas / areas.sum(axis=0)
    for i, name in enumerate(("orange", "sky blue")):
        found = re.fullmatch(
            rf"  pattern {i} {name} +(\S+) nm² +(\S+)% \((\S+)% to (\S+)%\)",
            lines[1 + i],
        )
        numbers = shares[i].mean(), shares[i].min(), shares[i].max()
        assert float(found[1]) == pytest.approx(areas[i].mean(), rel=1e-5)
        assert [float(n) for n in found.groups()[1:]] == pytest.approx(
            numbers, abs=0.051
        )


def test_last_line_says_how_fast_it_was(run, file):
    last = run(file)[1][-1]
    pattern = r"movie: 6 frames in [\d.]+ s, \S+ frames/s; overlay in [\d.]+ s"
    assert re.fullmatch(pattern, last)


def test_progress_in_frames(run, file, bars_at_once):
    hs.preferences.General.show_progressbar = True
    shown = "".join(run(file)[2])
    assert re.search(r"Segmenting.*6/6.* frames/s.*Overlay.*6/6.* frames/s", shown)


def test_several_navigation_axes(run, signal, expected, out):
    data = signal.data.reshape(3, 2, 121, 140)
    tilts = hs.signals.Signal2D(data)
    tilts.save(out.parent / "tilts.zspy")
    assert run(out.parent / "tilts.zspy", "--overlay", "gif")[0] == 0
    labels = hs.load(out / "tilts_labels.zspy")
    assert labels.axes_manager.navigation_shape == (2, 3)
    np.testing.assert_array_equal(labels.data.reshape(N, 121, 140), expected.data)
    with Image.open(out / "tilts_overlay.gif") as gif:
        assert gif.n_frames == N


def test_options_reach_the_method(run, file, signal, out):
    run(file, "--fit-on", 2, "--n-operations", 9, "--stride", "4")
    expected = signal.segment_symmetry(2, fit_on=2, n_operations=9, stride=4, **OPTIONS)
    found = hs.load(out / "movie_labels.zspy")
    assert found.model == expected.model
    np.testing.assert_array_equal(found.data, expected.data)


def test_options_of_series_do_not_matter_for_images(run, signal, out):
    signal.inav[0].save(out.parent / "image.hspy")
    status, _, err = run(out.parent / "image.hspy", "--fit-on", 2, "--overlay", "gif")
    assert (status, err) == (0, [])
    assert names(out) == ["image_labels.hspy", "image_overlay.png"]


def test_no_overlay(run, file, out):
    assert "overlay" not in run(file, "--overlay", "none")[1][-1]
    assert names(out) == ["movie_labels.zspy"]


def test_no_overlay_and_one(run, file, out):
    status, _, err = run(file, "--overlay", "none", "--overlay", "gif")
    assert status == 2
    assert "--overlay must be none, or one or more others, got none, gif" in err[0]
    assert not out.exists()


def test_missing_encoder_is_told_before_any_work(run, file, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    status, _, err = run(file, "--overlay", "mp4")
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith("hyperspy-symseg: --overlay mp4 must have imageio")
    assert "hyperspy-symseg[movie]" in err[0]
    assert not out.exists()


def test_a_bad_frame_is_named_and_other_files_go_on(run, file, signal, out):
    corrupt(file, 3)
    signal.save(out.parent / "good.hspy")
    status, lines, err = run(file, out.parent / "good.hspy", "--fit-on", 2)
    assert status == 2
    assert lines[0].startswith("good")
    assert len(err) == 1
    assert err[0].startswith(f"hyperspy-symseg: {file}: frame inav[3]: ")
    assert re.search(r"\d of 6 frames are in \S+unfinished.zspy: --resume", err[0])
    assert "--on-error mask" in err[0]
    assert "movie_labels.unfinished.zspy" in names(out)
    assert "movie_labels.zspy" not in names(out)


def test_bad_frames_can_be_masked(run, file, signal, out):
    corrupt(file, 0, 3)
    status, lines, err = run(file, "--on-error", "mask", "--fit-on", 3)
    assert status == 0
    labels = hs.load(out / "movie_labels.zspy").data
    assert (labels[[0, 3]] == -1).all()
    # Of the three frames 0, 2 and 5.
    expected = signal.segment_symmetry(2, fit_on=[2, 5], **OPTIONS).data
    good = [1, 2, 4, 5]
    np.testing.assert_array_equal(labels[good], expected[good])
    overlay = hs.load(out / "movie_overlay.zspy").data
    assert not overlay[[0, 3]].view("u1").any()
    assert all(frame.view("u1").any() for frame in overlay[good])
    assert lines[3] == "  no labels in 2 of 6 frames"
    told = [re.match(r".*movie.zspy: (frame inav\[\d\]): ", line)[1] for line in err]
    assert sorted(told) == ["frame inav[0]"] * 2 + ["frame inav[3]"]


def test_no_frame_to_fit_on(run, file, out):
    corrupt(file, 3)
    status, _, err = run(file, "--on-error", "mask", "--fit-on", 1)
    assert (status, len(err)) == (2, 1)
    assert "frame inav[3]" in err[0]
    assert names(out) == []


def test_ctrl_c_says_what_is_kept(interrupted, file, out):
    status, lines, err = interrupted
    assert (status, lines, len(err)) == (130, [], 1)
    unfinished = out / "movie_labels.unfinished.zspy"
    start = f"hyperspy-symseg: {file}: stopped. 2 of 6 frames are in {unfinished}"
    assert err[0].startswith(start)
    assert "--resume" in err[0]
    assert names(out) == [unfinished.name]


def test_resume_labels_the_other_frames(
    interrupted, run, file, expected, out, monkeypatch
):
    begun = hs.load(out / "movie_labels.unfinished.zspy").data
    missing = np.flatnonzero((begun == -1).all(axis=(1, 2)))
    assert len(missing) == N - 2
    evaluated = recorded(monkeypatch, save)
    monkeypatch.setattr("hyperspy_symseg.signals.source.Source.fit_scores", None)
    status, lines, err = run(file, "--resume")
    assert (status, err) == (0, [])
    assert evaluated == [(i,) for i in missing]
    assert lines[-1].startswith("movie: 4 of 6 frames in ")
    assert names(out) == ["movie_labels.zspy", "movie_overlay.zspy"]
    labels = hs.load(out / "movie_labels.zspy")
    np.testing.assert_array_equal(labels.data, expected.data)


def test_resume_after_bad_frames_with_mask(run, file, out):
    corrupt(file, 3)
    run(file, "--fit-on", 2)
    assert run(file, "--fit-on", 2, "--resume", "--on-error", "mask")[0] == 0
    labels = hs.load(out / "movie_labels.zspy").data
    np.testing.assert_array_equal((labels == -1).all(axis=(1, 2)), np.arange(N) == 3)


def test_resume_needs_no_options_and_refuses_others(run, file, out, monkeypatch):
    options = ["--stride", "4", "--n-components", "0.9", "--n-operations", "9"]
    with monkeypatch.context() as patch:
        patch.setattr(save, "evaluate_frames", stopped_after(2))
        run(file, *options)
    for other in (
        ["--stride", 5],
        ["--n-patterns", 3],
        ["--period", 12],
        ["--descriptor", "rotation"],
    ):
        status, _, err = run(file, "--resume", *other)
        assert status == 2
        assert (
            f"{other[0][2:].replace('-', '_')} must be that of the earlier run"
            in err[0]
        )
    assert names(out) == ["movie_labels.unfinished.zspy"]
    with monkeypatch.context() as patch:
        patch.setattr(save, "evaluate_frames", stopped_after(2))
        assert run(file, *options, "--resume")[0] == 130
    assert run(file, "--resume")[0] == 0
    assert hs.load(out / "movie_labels.zspy").model.stride == (4, 4)


@pytest.mark.parametrize("asked", [["--no-refine"], ["--n-patterns", "auto"]])
def test_resume_with_the_command_that_began(run, file, monkeypatch, asked):
    with monkeypatch.context() as patch:
        patch.setattr(save, "evaluate_frames", stopped_after(2))
        assert run(file, *asked)[0] == 130
    assert run(file, *asked, "--resume")[0] == 0


def test_resume_refuses_an_option_that_the_descriptor_does_not_have(
    interrupted, run, file
):
    status, _, err = run(file, "--resume", "--radius", 10)
    assert (status, len(err)) == (2, 1)
    assert (
        "radius must be that of the earlier run with --resume, none, got 10." in err[0]
    )
    assert "--overwrite" in err[0]


def test_resume_with_nothing_to_take_up(run, file, out):
    assert run(file, "--resume")[0] == 0
    assert names(out) == ["movie_labels.zspy", "movie_overlay.zspy"]


def test_resume_leaves_alone_what_is_complete(run, file, out, monkeypatch):
    run(file)
    monkeypatch.setattr(series, "write_series", None)
    monkeypatch.setattr(save, "evaluate_frames", None)
    status, lines, _ = run(file, "--resume")
    assert (status, lines[-1]) == (0, "movie: complete already")


def test_an_overlay_that_was_stopped_is_begun_anew(
    run, file, out, signal, expected, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(movies, "evaluate_frames", stopped_after(2))
        status, _, err = run(file, "--overlay", "zspy", "--overlay", "gif")
    assert status == 130
    assert "All labels are in" in err[0]
    assert names(out) == ["movie_labels.zspy"]
    monkeypatch.setattr(save, "evaluate_frames", None)
    assert run(file, "--overlay", "zspy", "--resume")[0] == 0
    overlay = hs.load(out / "movie_overlay.zspy")
    np.testing.assert_array_equal(overlay.data, expected.overlay(signal).data)


def test_overlay_has_a_temporary_name(run, file, out, monkeypatch):
    seen = []

    def looking(write):
        def write_and_look(*args):
            seen.append(names(out))
            write(*args)

        return write_and_look

    for writer in (movies.FrameStore, movies._Writer):
        monkeypatch.setattr(writer, "write", looking(writer.write))
    run(file, "--overlay", "gif")
    lock = "movie_labels.unfinished.lock"
    assert seen[:N] == [[lock, "movie_labels.unfinished.zspy"]] * N
    stack = [lock, "movie_labels.zspy", "movie_overlay.unfinished.lock"]
    stack += ["movie_overlay.unfinished.zspy"]
    gif = sorted([*stack, "movie_overlay.unfinished.gif"])
    assert seen[N:] == [stack] * N + [gif] * N
    assert names(out) == ["movie_labels.zspy", "movie_overlay.gif"]


@pytest.mark.parametrize("extension", ["labels.zspy", "overlay.gif"])
def test_old_results_are_kept_unless_told(run, file, out, extension):
    out.mkdir()
    old = out / f"movie_{extension}"
    old.write_text("old")
    status, _, err = run(file, "--overlay", "gif")
    assert status == 2
    assert f"--overwrite must be given to replace {old}, or --resume" in err[0]
    assert old.read_text() == "old"


def test_overwrite(run, file, out):
    run(file)
    run(file, "--overwrite", "--n-patterns", 3, "--no-refine")
    assert hs.load(out / "movie_labels.zspy").n_patterns == 3
    assert names(out) == ["movie_labels.zspy", "movie_overlay.zspy"]


def test_unfinished_labels_are_kept_unless_told(interrupted, run, file, out):
    status, _, err = run(file)
    assert status == 2
    assert "--resume to go on" in err[0]
    assert run(file, "--overwrite")[1][-1].startswith("movie: 6 frames in")


def test_failing_overlay_leaves_the_labels(run, file, out, monkeypatch):
    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(movies._Writer, "write", fail)
    status, _, err = run(file, "--overlay", "gif")
    assert (status, len(err)) == (2, 1)
    assert "movie.zspy: no space left. All labels are in" in err[0]
    assert names(out) == ["movie_labels.zspy"]
