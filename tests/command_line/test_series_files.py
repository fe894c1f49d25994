# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line with files in its way, with other runs, and when it is ended."""

import os
import shutil
import signal as signals
import subprocess
import sys
import threading
import time

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.signals import Signal2D

from hyperspy_symseg import movies
from hyperspy_symseg.__main__ import main
from hyperspy_symseg.signals import save

from .conftest import SMALL

STOPS = [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]


@pytest.fixture(scope="module")
def expected(signal):
    return signal.segment_symmetry(2, patch=10, window=12, show_progressbar=False).data


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def no_fit(monkeypatch):
    """Fitting or labelling anything is an error from here on."""

    def fail(*args, **options):
        raise AssertionError("there was work")

    monkeypatch.setattr(Signal2D, "segment_symmetry", fail)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def content(path):
    if path.is_file():
        return path.read_bytes()
    return {p.relative_to(path): content(p) for p in path.rglob("*") if p.is_file()}


def during(monkeypatch, module, frame, event):
    """Let something happen before a module evaluates the frame of a number."""
    evaluate = module.evaluate_frames

    def evaluate_frames(*args, **options):
        done = evaluate(*args, **options)
        try:
            for i, each in enumerate(done):
                if i == frame:
                    event()
                yield each
        finally:
            done.close()

    monkeypatch.setattr(module, "evaluate_frames", evaluate_frames)


@pytest.mark.parametrize("result", ["movie_labels.zspy", "movie_overlay.zspy"])
def test_no_input_is_written_over(run, file, signal, tmp_path, no_fit, result):
    signal.save(tmp_path / result)
    before = content(tmp_path)
    told = f"filename must be another than that of the data, {tmp_path / result}, "
    for option in ([], ["--overwrite"]):
        status, _, err = run(file, tmp_path / result, "--output", tmp_path, *option)
        assert status == 2
        assert err[0].startswith(f"hyperspy-symseg: {file}: {told}")
    assert content(tmp_path) == before


@pytest.mark.parametrize("result", ["image_labels.hspy", "image_overlay.png"])
def test_no_input_is_written_over_by_an_image(run, image, tmp_path, no_fit, result):
    (tmp_path / result).write_text("precious")
    status, _, err = run(image, tmp_path / result, "--output", tmp_path, "--overwrite")
    assert status == 2
    told = f"filename must be another than that of the data, {tmp_path / result}, "
    assert err[0].startswith(f"hyperspy-symseg: {image}: {told}")
    assert (tmp_path / result).read_text() == "precious"


def test_results_that_are_complete_may_be_inputs_again(run, image, tmp_path):
    assert run(image, "--output", tmp_path)[0] == 0
    labels = tmp_path / "image_labels.hspy"
    _, lines, _ = run(image, labels, "--output", tmp_path, "--resume")
    assert lines[0] == "image: complete already"


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
@pytest.mark.parametrize(
    "name",
    [
        "movie_labels.zspy",
        "movie_labels.unfinished.zspy",
        "movie_overlay.zspy",
        "movie_overlay.unfinished.zspy",
        "movie_overlay.gif",
        "movie_overlay.unfinished.gif",
    ],
)
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_in_the_way_is_found_before_the_fit(
    run, file, out, no_fit, option, name, kind
):
    if kind == "folder":
        (out / name).mkdir()
    else:
        (out / name).symlink_to(out / "nothing")
    formats = ["--overlay", "zspy", "--overlay", "gif"]
    status, _, err = run(file, option, *formats)
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith(f"hyperspy-symseg: {file}: {out / name} must be ")
    assert names(out) == [name]


@pytest.mark.parametrize("name", ["image_labels.hspy", "image_overlay.png"])
def test_what_is_in_the_way_of_an_image(run, image, out, no_fit, name):
    (out / name).mkdir()
    status, _, err = run(image, "--overwrite")
    assert (status, len(err)) == (2, 1)
    assert err[0].startswith(f"hyperspy-symseg: {image}: {out / name} must be a file")
    assert names(out) == [name]


@pytest.mark.parametrize("module", [save, movies])
def test_a_second_run_is_told_and_the_first_goes_on(
    run, file, signal, expected, out, monkeypatch, module, capsys
):
    second = []

    def run_second():
        thread = threading.Thread(
            target=lambda: second.append(
                main(["segment", str(file), "--output", str(out), "--overwrite"])
            )
        )
        thread.start()
        thread.join()
        second.extend(capsys.readouterr().err.splitlines())

    during(monkeypatch, module, 2, run_second)
    status, _, err = run(file)
    assert (status, err, second[0]) == (0, [], 2)
    one_writer = f"There must be one writer at a time, but process {os.getpid()} on "
    assert second[1].startswith(f"hyperspy-symseg: {file}: {one_writer}")
    assert names(out) == ["movie_labels.zspy", "movie_overlay.zspy"]
    labels = hs.load(out / "movie_labels.zspy")
    np.testing.assert_array_equal(labels.data, expected)
    overlay = hs.load(out / "movie_overlay.zspy").data
    np.testing.assert_array_equal(overlay, labels.overlay(signal).data)


def test_unfinished_labels_removed_in_mid_run(run, file, out, monkeypatch):
    unfinished = out / "movie_labels.unfinished.zspy"
    during(monkeypatch, save, 2, lambda: shutil.rmtree(unfinished))
    status, lines, err = run(file)
    assert (status, lines, len(err)) == (2, [], 1)
    told = f"hyperspy-symseg: {file}: {unfinished} was removed while it was written."
    assert err[0] == f"{told} Nothing is kept"
    assert names(out) == []


@pytest.mark.parametrize(("name", "status"), STOPS)
def test_signals_leave_what_ctrl_c_leaves(
    run, file, out, expected, monkeypatch, name, status
):
    number = getattr(signals, name)
    before = signals.getsignal(number)
    with monkeypatch.context() as patch:
        during(patch, save, 2, lambda: os.kill(os.getpid(), number))
        found, lines, err = run(file)
    assert (found, lines, len(err)) == (status, [], 1)
    unfinished = out / "movie_labels.unfinished.zspy"
    kept = f"stopped. 2 of 6 frames are in {unfinished}: --resume goes on"
    assert err[0].startswith(f"hyperspy-symseg: {file}: {kept}")
    assert names(out) == [unfinished.name]
    assert signals.getsignal(number) is before
    assert run(file, "--resume")[0] == 0
    np.testing.assert_array_equal(hs.load(out / "movie_labels.zspy").data, expected)


def test_a_signal_that_comes_again_does_not_stop_the_clearing_up(
    run, file, out, monkeypatch
):
    def twice():
        try:
            os.kill(os.getpid(), signals.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signals.SIGTERM)

    during(monkeypatch, movies, 2, twice)
    status, _, err = run(file)
    assert status == 143
    assert "All labels are in" in err[0]
    assert names(out) == ["movie_labels.zspy"]


def test_a_signal_while_an_image_is_labelled(run, image, out, monkeypatch):
    def stop(*args, **options):
        os.kill(os.getpid(), signals.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr("hyperspy_symseg.signals.SymmetryLabels.overlay", stop)
    status, _, err = run(image)
    assert status == 143
    assert err == [f"hyperspy-symseg: {image}: stopped. Nothing was written"]
    assert names(out) == []


def test_a_signal_that_is_ignored_stays_ignored(run, file, monkeypatch):
    before = signals.signal(signals.SIGHUP, signals.SIG_IGN)
    try:
        during(monkeypatch, save, 2, lambda: os.kill(os.getpid(), signals.SIGHUP))
        assert run(file)[0] == 0
    finally:
        signals.signal(signals.SIGHUP, before)


SLOW = """
import sys, time
from hyperspy_symseg.__main__ import main
from hyperspy_symseg.frames.store import FrameStore

write = FrameStore.write

def write_and_wait(store, index, frame):
    write(store, index, frame)
    print("written", flush=True)
    time.sleep(60)

FrameStore.write = write_and_wait
sys.exit(main(sys.argv[1:]))
"""


def test_a_process_that_is_terminated(file, out):
    command = [
        sys.executable,
        "-P",
        "-c",
        SLOW,
        "segment",
        file,
        *SMALL,
        "--output",
        out,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "written\n"
    process.terminate()
    _, err = process.communicate()
    assert process.returncode == 143
    assert err.splitlines()[-1].startswith(
        f"hyperspy-symseg: {file}: stopped. 1 of 6 frames are in "
    )
    assert names(out) == ["movie_labels.unfinished.zspy"]


def test_resume_of_an_image_with_other_options(run, image, out):
    options = ["--n-components", "4", "--stride", "3", "--descriptor", "translation"]
    options += ["--period", "13"]
    assert run(image, *options)[0] == 0
    before = content(out)
    for other, name, values in (
        (["--n-patterns", 3], "n_patterns", "2, got 3."),
        (["--stride", 4], "stride", "(3, 3), got 4."),
        (["--no-refine"], "refine", "True, got False."),
        (["--radius", 9], "radius", "none, got 9."),
        (["--n-components", "5"], "n_components", "4, got 5."),
        (["--period", 12], "period", "13.0, got 12.0."),
    ):
        status, lines, err = run(image, "--resume", *other)
        assert (status, lines, len(err)) == (2, [], 1)
        told = f"{name} must be that of the earlier run with --resume, {values}"
        assert err[0].startswith(f"hyperspy-symseg: {image}: {told}")
    assert content(out) == before
    for same in ([], options, ["--fit-on", 3], ["--num-workers", 2]):
        status, lines, err = run(image, "--resume", *same)
        assert (status, lines, err) == (0, ["image: complete already"], [])


def test_resume_of_an_image_without_its_overlay(run, image, out):
    run(image)
    overlay = (out / "image_overlay.png").read_bytes()
    labels = (out / "image_labels.hspy").read_bytes()
    (out / "image_overlay.png").unlink()
    assert run(image, "--resume")[0] == 0
    assert (out / "image_overlay.png").read_bytes() == overlay
    assert (out / "image_labels.hspy").read_bytes() == labels


@pytest.mark.parametrize("kind", ["image", "file"])
def test_resume_with_labels_of_another_frame(run, request, signal, out, kind):
    file = request.getfixturevalue(kind)
    assert run(file)[0] == 0
    other = signal.isig[:100, :]
    (other.inav[0] if kind == "image" else other).save(file, overwrite=True)
    status, _, err = run(file, "--resume")
    assert status == 2
    assert ": frames must have the shape of the earlier run with --resume, " in err[0]


def test_resume_with_something_else_in_place_of_the_labels(run, image, out):
    for name in ("image_labels.hspy", "image_overlay.png"):
        (out / name).write_text("notes")
    status, _, err = run(image, "--resume")
    assert (status, len(err)) == (2, 1)
    assert f"{out / 'image_labels.hspy'} must be the labels of an earlier run" in err[0]
    assert (out / "image_labels.hspy").read_text() == "notes"
