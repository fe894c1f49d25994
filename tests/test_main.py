# SPDX-License-Identifier: GPL-3.0-or-later
import logging
import re
import sys

import hyperspy.api as hs
import numpy as np
import pytest
from PIL import Image

import hyperspy_symseg
from hyperspy_symseg.__main__ import main
from hyperspy_symseg.segmentation import SymmetryModel

SMALL = ["--patch", "7", "--window", "8", "--stride", "3"]
TWO = ["--n-patterns", "2"]


@pytest.fixture
def image(two_grains, tmp_path):
    two_grains[0].save(tmp_path / "grains.hspy")
    return tmp_path / "grains.hspy"


@pytest.fixture
def run(tmp_path, capsys):
    """Run the command; return its status, lines of output and of errors."""

    def run(*arguments):
        output = [] if "--output" in arguments else ["--output", tmp_path / "out"]
        status = main([str(a) for a in (*arguments, *output)])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_results_of_one_file(run, image, tmp_path, two_grains):
    assert run("segment", image, *SMALL)[0] == 0
    assert names(tmp_path / "out") == ["grains_labels.hspy", "grains_overlay.png"]
    labels = hs.load(tmp_path / "out" / "grains_labels.hspy")
    assert (labels.data == two_grains[1]).mean() > 0.95


def test_one_line_a_pattern_with_area_and_share(run, image):
    _, out, _ = run("segment", image, *SMALL)
    assert out[0] == "grains Simulated micrograph"
    areas, shares = [], []
    for line, pattern in zip(out[1:], ("0 orange", "1 sky blue"), strict=True):
        match = re.fullmatch(rf"  pattern {pattern} +(\S+) nm² +(\S+)%", line)
        areas.append(float(match[1]))
        shares.append(float(match[2]))
    assert sum(areas) == pytest.approx(61 * 83 * 0.02**2)
    assert sum(shares) == pytest.approx(100, abs=0.11)


def test_area_without_a_label(run, two_grains, tmp_path):
    signal = two_grains[0].deepcopy()
    signal.change_dtype(float)
    signal.data[:10, :20] = np.nan
    signal.save(tmp_path / "broken.hspy")
    _, out, _ = run("segment", tmp_path / "broken.hspy", *SMALL)
    assert re.fullmatch(r"  not labelled +0\.08 nm² +4\.0%", out[3])


def test_lengths_with_a_point_are_in_the_unit_of_the_axes(run, image, tmp_path):
    run("segment", image, "--patch", "0.14", "--window", "8", "--stride", "0.06")
    labels = hs.load(tmp_path / "out" / "grains_labels.hspy")
    assert labels.model.descriptor.patch == (7, 7)
    assert labels.model.stride == (3, 3)


def test_every_option_reaches_the_model(run, image, tmp_path):
    options = "--n-patterns 3 --no-refine --n-components 4 --random-state 7"
    options += " --num-workers 1"
    run("segment", image, *SMALL, *options.split())
    model = hs.load(tmp_path / "out" / "grains_labels.hspy").model
    assert (model.n_patterns, len(model.components), model.random_state) == (3, 4, 7)


def test_descriptors_are_joined(run, image, tmp_path):
    options = ["--descriptor", "translation", "--descriptor", "rotation"]
    assert run("segment", image, "--radius", "0.1", "--patch", 7, *options)[0] == 0
    record = hs.load(
        tmp_path / "out" / "grains_labels.hspy"
    ).metadata.Symmetry_segmentation
    assert list(record.descriptor) == ["translation", "rotation"]
    assert (record.rotation.radius, record.translation.patch) == (5, (7, 7))


def test_progress_bar_is_shown(run, image, bars_at_once):
    hs.preferences.General.show_progressbar = True
    assert "Segmenting" in "".join(run("segment", image, *SMALL)[2])


def test_format_that_cannot_be_read_lazily(run, two_grains, tmp_path):
    hs.signals.Signal2D(two_grains[0].data.astype("u1")).save(tmp_path / "grains.png")
    status, _, err = run("segment", tmp_path / "grains.png", *SMALL)
    assert (status, err) == (0, [])


def test_images_of_a_file_with_several_signals_are_named(run, data_file, tmp_path):
    status, out, _ = run("segment", data_file("multi_signal.dm3"))
    assert status == 0
    assert out[0] == "multi_signal_0 HAADF"
    assert names(tmp_path / "out")[0] == "multi_signal_0_labels.hspy"


def test_real_dm4(run, data_file, tmp_path):
    assert run("segment", data_file("BTO_crystal_1.dm4"))[0] == 0
    labels = hs.load(tmp_path / "out" / "BTO_crystal_1_labels.hspy")
    assert labels.axes_manager["x"].scale == pytest.approx(0.02966, abs=1e-5)


def test_bad_files_do_not_stop_the_others(run, image, data_file, tmp_path):
    whole = data_file("BTO_crystal_1.dm4").read_bytes()
    truncated = tmp_path / "truncated.dm4"
    truncated.write_bytes(whole[: len(whole) // 2])
    missing = tmp_path / "missing.dm4"
    status, out, err = run("segment", truncated, missing, image, *SMALL)
    assert status == 2
    assert out[0].startswith("grains")
    assert len(err) == 2
    assert err[0].startswith(f"hyperspy-symseg: {truncated} cannot be read: ")
    assert err[1] == f"hyperspy-symseg: {missing} cannot be read: no such file"
    assert names(tmp_path / "out") == ["grains_labels.hspy", "grains_overlay.png"]


def test_file_without_an_image(run, tmp_path):
    hs.signals.Signal1D(np.zeros(9)).save(tmp_path / "line.hspy")
    status, _, err = run("segment", tmp_path / "line.hspy")
    assert status == 2
    assert "it must have a two-dimensional signal, got" in err[0]


def test_argument_not_allowed(run, image, tmp_path):
    status, _, err = run("segment", image, *SMALL, "--n-patterns", "0")
    assert status == 2
    assert len(err) == 1
    assert err[0].startswith(f"hyperspy-symseg: {image}: n_patterns must be an int")
    assert names(tmp_path / "out") == []


def test_old_results_are_kept_unless_told(run, image, tmp_path):
    (tmp_path / "out").mkdir()
    old = tmp_path / "out" / "grains_overlay.png"
    old.write_text("old")
    status, _, err = run("segment", image, *SMALL)
    assert status == 2
    assert "--overwrite" in err[0]
    assert old.read_text() == "old"
    assert run("segment", image, *SMALL, "--overwrite")[0] == 0
    assert old.stat().st_size > 1000


def test_files_of_the_same_name_do_not_overwrite_each_other(run, image, tmp_path):
    status, _, err = run("segment", image, image, *SMALL, "--overwrite")
    assert status == 2
    assert "files must have different names, got a second" in err[0]


def test_one_image_needs_no_zarr(run, image, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    status, _, err = run("segment", image, *SMALL)
    assert (status, err) == (0, [])


@pytest.fixture
def wide_image(two_grains, tmp_path):
    """An image that is wider than a part, and its file."""
    signal = hs.signals.Signal2D(np.tile(two_grains[0].data, 30))
    pytest.importorskip("zarr")
    signal.save(tmp_path / "wide.zspy", chunks=(61, 500))
    return signal, tmp_path / "wide.zspy"


def test_large_image_is_labelled_part_by_part(run, wide_image, tmp_path, monkeypatch):
    signal, file = wide_image
    expected = signal.segment_symmetry(2, patch=7, window=8, stride=3)
    columns = []
    predict_tile = SymmetryModel.predict_tile

    def predict(model, frame, *args, **options):
        columns.append(frame.values.shape[-1])
        return predict_tile(model, frame, *args, **options)

    monkeypatch.setattr(SymmetryModel, "predict_tile", predict)
    monkeypatch.setattr(SymmetryModel, "fit_predict", None)
    assert run("segment", file, *SMALL, *TWO, "--num-workers", 1)[::2] == (0, [])
    assert len(columns) > 1
    assert max(columns) <= 2048 + 2 * expected.model.margin
    assert names(tmp_path / "out") == ["wide_labels.hspy", "wide_overlay.png"]
    labels = hs.load(tmp_path / "out" / "wide_labels.hspy")
    np.testing.assert_array_equal(labels.data, expected.data)
    assert labels.model == expected.model
    tinted = expected.overlay(signal).data
    with Image.open(tmp_path / "out" / "wide_overlay.png") as overlay:
        np.testing.assert_array_equal(
            np.asarray(overlay), tinted.view("u1").reshape(*tinted.shape, 3)
        )


@pytest.mark.parametrize("asked", [[], ["--n-patterns", "auto"]])
def test_number_of_patterns_is_found(run, image, tmp_path, asked):
    assert run("segment", image, *SMALL, *asked)[0] == 0
    labels = hs.load(tmp_path / "out" / "grains_labels.hspy")
    assert labels.n_patterns == len(labels.get_areas().data) == 2
    assert labels.model.costs is not None


def test_number_of_patterns_that_is_given_is_not_found(run, image, tmp_path):
    assert run("segment", image, *SMALL, "--n-patterns", "2")[0] == 0
    assert hs.load(tmp_path / "out" / "grains_labels.hspy").model.costs is None


def test_what_is_found_of_the_numbers_is_said_if_asked(run, image):
    _, _, err = run("segment", image, *SMALL, "--verbose")
    [line] = [line for line in err if "Patterns found" in line]
    assert line.startswith(f"hyperspy-symseg: {image}: Patterns found: 2. 3 refused: ")


def test_labels_that_are_not_refined(run, image, tmp_path, two_grains):
    assert run("segment", image, *SMALL, "--no-refine")[0] == 0
    labels = hs.load(tmp_path / "out" / "grains_labels.hspy")
    expected = two_grains[0].segment_symmetry(patch=7, window=8, stride=3, refine=False)
    np.testing.assert_array_equal(labels.data, expected.data)
    assert labels.model.templates is None


def test_nothing_half_written_stays(run, image, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr("hyperspy_symseg.signals.SymmetryLabels.overlay", fail)
    status, _, err = run("segment", image, *SMALL)
    assert (status, err) == (2, [f"hyperspy-symseg: {image}: no space left"])
    assert names(tmp_path / "out") == []


def test_ctrl_c(run, image, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("hyperspy_symseg.signals.SymmetryLabels.overlay", stop)
    status, _, err = run("segment", image, *SMALL)
    expected = f"hyperspy-symseg: {image}: stopped. Nothing was written"
    assert (status, err) == (130, [expected])
    assert names(tmp_path / "out") == []


def test_resume_leaves_alone_what_is_complete(run, image):
    run("segment", image, *SMALL)
    status, out, _ = run("segment", image, *SMALL, "--resume")
    assert (status, out) == (0, ["grains: complete already"])


def test_output_that_is_a_file(run, image, tmp_path):
    status, _, err = run("segment", image, "--output", image)
    assert status == 2
    assert len(err) == 1
    assert str(image) in err[0]


def test_demo_in_a_folder_that_is_a_file(run, image):
    status, _, err = run("demo", "--output", image)
    assert status == 2
    assert len(err) == 1


def test_unknown_option_has_status_2(run, image):
    with pytest.raises(SystemExit, match="2"):
        run("segment", image, "--patches", "7")


def test_demo(run, tmp_path):
    status, out, _ = run("demo", "--output", tmp_path / "demo")
    assert status == 0
    share = next(line for line in out if "true label" in line)
    assert float(share.partition("%")[0]) > 98
    assert names(tmp_path / "demo") == [
        "grain_boundary.emd",
        "grain_boundary_labels.hspy",
        "grain_boundary_overlay.png",
    ]


def test_demo_says_where_its_results_are(run, tmp_path):
    named = run("demo", "--output", tmp_path / "demo")[1][-3:]
    paths = [re.search(r"\S+/\S+\.\w+", line)[0] for line in named]
    assert sorted(paths) == sorted(map(str, (tmp_path / "demo").iterdir()))


def test_version(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("--version")
    assert capsys.readouterr().out == f"hyperspy-symseg {hyperspy_symseg.__version__}\n"


def test_log_is_shown_when_asked_for(run, image):
    _, out, err = run("segment", image, "--verbose")
    (period,) = [line for line in err if "Lattice period of" in line]
    assert period.startswith(f"hyperspy-symseg: {image}: ")
    assert out == run("segment", image, "--overwrite")[1]


def test_log_is_left_as_it_was(run, image):
    logger = logging.getLogger("hyperspy_symseg")
    before = logger.level, logger.propagate, list(logger.handlers)
    run("segment", image, *SMALL, "-v")
    assert (logger.level, logger.propagate, logger.handlers) == before


def test_standard_output_of_a_large_image_has_results_only(run, wide_image):
    hs.preferences.General.show_progressbar = True
    out = run("segment", wide_image[1], *SMALL, *TWO)[1]
    assert [line.split()[0] for line in out] == ["wide", "pattern", "pattern"]
