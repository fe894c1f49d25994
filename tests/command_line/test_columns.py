# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of `hyperspy-symseg columns`."""

import csv

import hyperspy.api as hs
import numpy as np
import pytest
from PIL import Image

from hyperspy_symseg import simulate
from hyperspy_symseg.__main__ import main

CRYSTAL = simulate.Lattice.square(12, orientation=5)


@pytest.fixture(scope="module")
def signal():
    return simulate.micrograph(CRYSTAL, (120, 150), dose=30, pixel_size=0.02, seed=1)[0]


@pytest.fixture
def image(signal, tmp_path):
    signal.save(tmp_path / "crystal.hspy")
    return tmp_path / "crystal.hspy"


@pytest.fixture
def run(out, capsys):
    """Run the command; return its status, lines of output and of errors."""

    def run(*arguments):
        arguments = ["columns", "--n-patterns", 1, "--output", out, *arguments]
        status = main([str(a) for a in arguments])
        written, err = capsys.readouterr()
        return status, written.splitlines(), err.splitlines()

    return run


def rows(path):
    """Rows of a file of CSV: list of dict."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_an_image(run, image, signal, out):
    status, lines, errors = run(image)
    assert (status, errors) == (0, [])
    assert sorted(path.name for path in out.iterdir()) == [
        "crystal_columns.csv",
        "crystal_columns.png",
    ]
    found = rows(out / "crystal_columns.csv")
    labels = signal.segment_symmetry(1, show_progressbar=False)
    columns = signal.find_atomic_columns(labels, show_progressbar=False)
    assert list(found[0]) == ["frame", *columns.column_names]
    for i, name in enumerate(columns.column_names):
        values = [float(row[name]) for row in found]
        np.testing.assert_allclose(values, columns.data[0][:, i])
    assert lines[0] == "crystal Simulated micrograph"
    assert lines[1] == f"  {len(found)} columns"


def test_the_picture_has_circles_where_columns_are(run, image, signal, out):
    run(image)
    # Seven pixels for one of the frame.
    picture = np.asarray(Image.open(out / "crystal_columns.png").convert("RGB"), int)
    assert picture.shape == (7 * 120, 7 * 150, 3)
    colored = np.ptp(picture, axis=2) > 40
    y, x = np.array(
        [
            [float(row[name]) for name in "yx"]
            for row in rows(out / "crystal_columns.csv")
        ]
    ).T
    inner = (y > 10) & (y < 110) & (x > 10) & (x < 140)
    off = 0.5 * 0.6 * 12
    for dy, dx in ((off, 0), (-off, 0), (0, off), (0, -off)):
        rows_, columns = (7 * (v[inner] + d + 0.5) for v, d in ((y, dy), (x, dx)))
        near = [
            colored[int(r) - 4 : int(r) + 5, int(c) - 4 : int(c) + 5].any()
            for r, c in zip(rows_, columns, strict=True)
        ]
        assert np.mean(near) > 0.95


def test_a_series(run, signal, tmp_path, out):
    frames = hs.stack([signal, signal], show_progressbar=False)
    frames.save(tmp_path / "movie.zspy", chunks=(1, 120, 150))
    status, lines, _ = run(tmp_path / "movie.zspy")
    assert status == 0
    found = rows(out / "movie_columns.csv")
    counts = [sum(row["frame"] == str(i) for row in found) for i in range(2)]
    assert counts[0] == counts[1] > 80
    assert lines[1] == (
        f"  {len(found)} columns in 2 frames, {counts[0]} to {counts[0]} in each"
    )
    assert (out / "movie_columns.png").exists()


def test_options_reach_the_finder(run, image, out):
    run(image, "--calibrated", "--probability", "0.9", "--xyz", "--contrast", "bright")
    found = rows(out / "crystal_columns.csv")
    assert max(float(row["x"]) for row in found) < 150 * 0.02
    assert min(float(row["probability"]) for row in found) >= 0.9
    lines = (out / "crystal_columns.xyz").read_text().splitlines()
    assert lines[0] == str(len(found))
    assert "units=angstrom" in lines[1]
    np.testing.assert_allclose(
        float(lines[2].split()[1]), 10 * float(found[0]["x"]), rtol=1e-9
    )


def test_the_network_is_asked_for(run, image, out):
    _, lines, _ = run(image, "--method", "network")
    found = rows(out / "crystal_columns.csv")
    assert {(row["source"], row["pattern"]) for row in found} == {("1", "-1")}
    assert lines[1:] == [f"  {len(found)} columns", f"  {len(found)} by the network"]


def test_old_results_are_replaced_only_if_asked(run, image, out):
    out.mkdir()
    (out / "crystal_columns.png").write_text("old")
    status, _, errors = run(image)
    assert status == 2
    assert "--overwrite must be given to replace" in errors[0]
    assert [path.name for path in out.iterdir()] == ["crystal_columns.png"]
    assert run(image, "--overwrite")[0] == 0
    assert (out / "crystal_columns.png").read_bytes()[1:4] == b"PNG"


def test_a_bad_file_stops_no_other(run, image, tmp_path, out):
    (tmp_path / "text.hspy").write_text("no")
    status, lines, errors = run(tmp_path / "text.hspy", image)
    assert status == 2
    assert len(errors) == 1
    assert lines[0].startswith("crystal")
    assert (out / "crystal_columns.csv").exists()


@pytest.mark.parametrize(
    "options", [("--probability", "2"), ("--method", "guess"), ("--n-patterns", "x")]
)
def test_wrong_options_are_an_error(run, image, out, capsys, options):
    with pytest.raises(SystemExit) as stop:
        run(image, *options)
    assert stop.value.code == 2
    assert f"argument {options[0]}" in capsys.readouterr().err
    assert not out.exists()
