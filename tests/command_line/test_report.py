# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line when it names patterns, and writes what is found for programs."""

import json
import os

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_symseg
from hyperspy_symseg.command_line import report
from hyperspy_symseg.command_line.symmetry import symmetry_lines
from hyperspy_symseg.signals import save
from hyperspy_symseg.symmetry_table import SymmetryTable

from .conftest import N
from .test_series import corrupt, stopped_after


@pytest.fixture
def told(run, out):
    """Run the command; return what is in its file for programs."""

    def told(*arguments):
        run(*arguments, "--json", out / "found.json")
        return json.loads((out / "found.json").read_text())

    return told


@pytest.fixture
def no_work(monkeypatch):
    """Reading any file is an error from here on."""

    def fail(*args, **options):
        raise AssertionError("a file was read")

    monkeypatch.setattr(hs, "load", fail)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_line_a_pattern_with_its_symmetry(run, image, out):
    _, lines, err = run(image, "--symmetry")
    assert err == []
    assert len(lines) == 5
    labels = hs.load(out / "image_labels.hspy")
    for line, word, row in zip(
        lines[3:], ("0 orange", "1 sky blue"), labels.symmetry, strict=True
    ):
        assert line.startswith(f"  pattern {word}")
        assert row.bravais in line
        assert f" {row.unit}, " in line


def test_symmetry_is_kept_in_the_labels_of_an_image(run, image, out, signal):
    run(image, "--symmetry")
    labels = hs.load(out / "image_labels.hspy")
    expected = labels.get_symmetry(signal.inav[0], show_progressbar=False)
    assert repr(hs.load(out / "image_labels.hspy").symmetry) == repr(expected)


def test_without_being_asked_no_pattern_is_named(run, image, out):
    _, lines, _ = run(image)
    assert len(lines) == 3
    assert hs.load(out / "image_labels.hspy").symmetry is None


def test_patterns_of_a_series_are_named_over_all_frames(run, file, out, signal):
    _, lines, _ = run(file, "--symmetry")
    labels = hs.load(out / "movie_labels.zspy")
    expected = labels.get_symmetry(signal, show_progressbar=False)
    assert [line[2:] for line in lines[3:5]] == symmetry_lines(expected)
    assert lines[5].startswith("movie: 6 frames")


def test_axes_of_two_units_are_an_error_before_any_work(run, signal, out, tmp_path):
    other = signal.inav[0].deepcopy()
    other.axes_manager[0].units = "s"
    other.save(tmp_path / "scan.hspy")
    status, _, [err] = run(tmp_path / "scan.hspy", "--symmetry")
    assert status == 2
    assert "must have one unit for a lattice" in err
    assert names(out) == []


def test_a_pattern_without_a_lattice_says_why(signal):
    blank = hs.signals.Signal2D(np.ones((40, 50)))
    table = blank.get_symmetry(show_progressbar=False)
    assert symmetry_lines(table, ("support",)) == [
        f"pattern 0 support         no lattice: {table[0].reason}"
    ]
    assert isinstance(table, SymmetryTable)


def test_no_lattice_is_said_once():
    noise = np.random.default_rng(0).normal(size=(120, 130))
    table = hs.signals.Signal2D(noise).get_symmetry(show_progressbar=False)
    assert symmetry_lines(table, ("support",)) == [
        "pattern 0 support         no lattice"
    ]


def test_no_table_has_no_lines():
    assert symmetry_lines(None) == []


def test_what_is_found_of_an_image(told, image, out):
    found = told(image, "--symmetry")
    assert found["format"] == report.FORMAT
    assert found["versions"]["hyperspy-symseg"] == hyperspy_symseg.__version__
    assert found["options"] == {"n_patterns": 2, "patch": 10, "window": 12}
    [one] = found["files"]
    assert (one["file"], one["name"]) == (str(image), "image")
    assert one["labels"] == str(out / "image_labels.hspy")
    assert one["overlay"] == str(out / "image_overlay.png")
    assert one["shape"] == [121, 140]
    assert [axis["units"] for axis in one["axes"]] == ["nm", "nm"]


def test_areas_are_those_of_the_labels(told, image, out):
    [one] = told(image)["files"]
    areas = hs.load(out / "image_labels.hspy").get_areas().data
    assert one["area_unit"] == "nm²"
    for pattern, area in zip(one["patterns"], areas, strict=True):
        assert pattern["mean_area"] == pytest.approx(area)
        assert pattern["areas"] == pytest.approx([area])
        assert pattern["mean_share"] == pytest.approx(area / areas.sum())
    assert one["unlabelled_shares"] == [0]


def test_the_model_is_that_of_the_labels(told, image, out):
    [one] = told(image)["files"]
    model = hs.load(out / "image_labels.hspy").model
    assert one["model"]["n_patterns"] == 2
    assert one["model"]["descriptor"] == "translation"
    assert one["model"]["patch"] == [10, 10]
    assert one["model"]["stride"] == list(model.stride)
    assert one["model"]["period"] == pytest.approx(model.templates.period)


def test_symmetry_is_a_row_a_pattern(told, image, out):
    [one] = told(image, "--symmetry")["files"]
    rows = hs.load(out / "image_labels.hspy").symmetry
    assert [row["name"] for row in one["symmetry"]] == ["0", "1"]
    for found, row in zip(one["symmetry"], rows, strict=True):
        assert found["bravais"] == row.bravais
        assert found["a"] == row.a.tolist()
        assert found["plane_group_weights"] == row.plane_group_weights


def test_without_symmetry_there_is_none(told, image):
    assert "symmetry" not in told(image)["files"][0]


def test_what_is_found_of_a_series(told, file, out):
    [one] = told(file, "--overlay", "zspy", "--overlay", "gif")["files"]
    assert one["labels"] == str(out / "movie_labels.zspy")
    assert one["overlays"] == [str(out / f"movie_overlay.{e}") for e in ("zspy", "gif")]
    assert one["shape"] == [N, 121, 140]
    assert [axis["units"] for axis in one["axes"]] == ["s", "nm", "nm"]
    areas = hs.load(out / "movie_labels.zspy").get_areas().data
    for pattern, own in zip(one["patterns"], areas, strict=True):
        assert pattern["areas"] == pytest.approx(own)
        assert pattern["mean_area"] == pytest.approx(own.mean())


def test_files_that_fail_are_told_of(told, image, tmp_path):
    found = told(tmp_path / "no.hspy", image)["files"]
    assert found[0] == {"file": str(tmp_path / "no.hspy"), "error": "no such file"}
    assert found[1]["name"] == "image"


def test_an_old_file_is_kept_unless_told(run, image, out, no_work):
    out.mkdir()
    (out / "found.json").write_text("old")
    status, _, [err] = run(image, "--json", out / "found.json")
    assert (status, (out / "found.json").read_text()) == (2, "old")
    assert err.endswith("found.json: --overwrite must be given to replace it")


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_an_old_file_is_replaced_if_told(told, image, out, option):
    out.mkdir()
    (out / "found.json").write_text("old")
    assert told(image, option)["files"][0]["name"] == "image"
    assert "found.unfinished.json" not in names(out)


@pytest.mark.parametrize(
    ("name", "message"), [("found.txt", "must be a file that ends in .json")]
)
def test_another_ending_is_an_error(run, image, out, no_work, name, message):
    status, _, [err] = run(image, "--json", out / name)
    assert status == 2
    assert message in err


def test_a_link_is_not_written_through(run, image, out, no_work, tmp_path):
    out.mkdir()
    (tmp_path / "other.json").write_text("other")
    os.symlink(tmp_path / "other.json", out / "found.json")
    status, _, _ = run(image, "--overwrite", "--json", out / "found.json")
    assert (status, (tmp_path / "other.json").read_text()) == (2, "other")


def test_an_input_is_not_written_over(run, tmp_path, no_work):
    file = tmp_path / "input.json"
    file.write_text("mine")
    status, _, _ = run(file, "--overwrite", "--json", file)
    assert (status, file.read_text()) == (2, "mine")


def test_a_folder_that_is_a_file(run, image, tmp_path, no_work):
    (tmp_path / "taken").write_text("")
    status, _, _ = run(image, "--json", tmp_path / "taken" / "found.json")
    assert status == 2


def test_what_was_found_stays_if_the_run_is_stopped(run, image, file, out, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(save, "evaluate_frames", stopped_after(2))
        status, _, _ = run(image, file, "--json", out / "found.json")
    assert status == 130
    assert "found.json" not in names(out)
    [one] = json.loads((out / "found.unfinished.json").read_text())["files"]
    assert one["name"] == "image"


def test_a_stopped_run_is_gone_on_with(run, told, image, file, out, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(save, "evaluate_frames", stopped_after(2))
        run(image, file, "--symmetry", "--json", out / "found.json")
    first, second = told(image, file, "--symmetry", "--resume")["files"]
    assert (first["name"], second["name"]) == ("image", "movie")
    assert len(second["patterns"][0]["areas"]) == N
    assert [len(each["symmetry"]) for each in (first, second)] == [2, 2]
    assert "found.unfinished.json" not in names(out)


def test_what_is_complete_is_told_of_without_segmenting(
    run, told, image, out, monkeypatch
):
    before = told(image, "--symmetry")["files"]
    monkeypatch.setattr(hs.signals.Signal2D, "segment_symmetry", None)
    assert told(image, "--resume", "--symmetry")["files"] == before


def test_overlays_that_are_missing_are_made(told, file, out, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("hyperspy_symseg.command_line.series.write_series", fail)
        [one] = told(file)["files"]
    assert "no room" in one["error"]
    assert "--resume makes what is missing" in one["error"]


def test_a_frame_that_cannot_be_read_names_nothing_and_stops_nothing(told, file):
    corrupt(file, 2)
    [one] = told(file, "--symmetry", "--on-error", "mask", "--fit-on", "2")["files"]
    assert "error" not in one
    assert "symmetry" not in one
    assert one["unlabelled_shares"] == [0, 0, 1, 0, 0, 0]
    # Of the frames that have labels.
    shares = [pattern["mean_share"] for pattern in one["patterns"]]
    assert sum(shares) == pytest.approx(1)


def test_a_report_that_cannot_be_written_does_not_stop_the_others(
    run, image, out, monkeypatch
):
    def fail(*args, **options):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(type(out), "write_text", fail)
        status, lines, err = run(image, "--json", out / "found.json")
    assert (status, len(lines)) == (2, 3)
    assert [line.partition("found.json")[2] for line in err] == [": no space left"]


def test_numbers_that_are_not_finite_are_null():
    found = report.plain({1: (np.float32(np.inf), None, np.int64(3)), "b": object()})
    assert found == {"1": [None, None, 3], "b": None}
