# SPDX-License-Identifier: GPL-3.0-or-later
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"


def check_picture(path):
    picture = imread(path)
    rows, columns, _ = picture.shape
    assert 800 < rows < 1600
    assert 1200 < columns < 2400
    assert picture[..., :3].std() > 0.1


@pytest.fixture
def script(monkeypatch):
    """Run an example with arguments; what its names are in the end."""
    monkeypatch.syspath_prepend(EXAMPLES)

    def script(name, *arguments):
        path = str(EXAMPLES / f"{name}.py")
        monkeypatch.setattr("sys.argv", [path, *map(str, arguments)])
        return runpy.run_path(path, run_name="__main__")

    return script


@pytest.fixture
def run(script, tmp_path):
    """Run an example, check its picture and return its figures."""

    def run(name, *arguments):
        picture = tmp_path / "picture.png"
        names = script(name, *arguments, "--output", picture)
        check_picture(picture)
        return names["figures"]

    return run


def test_two_phases(run, capsys):
    assert run("two_phases", "--size", 256)["mean IoU"] > 0.95
    assert "mean IoU 0.9" in capsys.readouterr().out


def test_reflection_separates_the_grains_and_rotation_marks_the_boundary(run, capsys):
    figures = run("tilt_boundary", "--size", 256)
    assert figures["mean IoU"] > 0.94
    assert figures["near"] > 0.7
    assert figures["far"] < 0.07
    assert f"{figures['near']:.1%}" in capsys.readouterr().out


def test_holes_are_a_structureless_pattern(run, capsys):
    figures = run("twins_with_holes", "--size", 320)
    assert figures["mean IoU"] > 0.85
    assert figures["IoU"].min() > 0.8
    holes, *twins = np.sort(figures["structure"])
    assert holes < 0.4 * min(twins)
    assert f"mean {figures['mean IoU']:.3f}" in capsys.readouterr().out


def test_real_phases(run, data_file):
    figures = run("two_phases", data_file("LaO.png"))
    assert 0.35 < figures["smaller phase"] < 0.5
    assert figures["largest separability"] > 2


def test_real_tilt_boundary(run, data_file):
    iron = data_file("Fe_bcc_100.npy")
    figures = run("tilt_boundary", iron, "--pixel-size", "0.01245")
    assert figures["near"] > 0.7
    assert figures["far"] < 0.07


# There are no holes in it.
def test_real_twins(run, data_file):
    figures = run("twins_with_holes", data_file("high_entropy_alloy.npy"))
    assert figures["structure"].min() > 0.1


def test_speed_of_a_boundary(run, capsys):
    figures = run("moving_boundary", "--size", 256)
    assert figures["speed found / true"] == pytest.approx(1, abs=0.05)
    assert "speed found / true" in capsys.readouterr().out


def test_velocity_of_a_boundary(run, capsys):
    figures = run("boundary_velocity", "--size", 200)
    assert figures["found / true"] == pytest.approx(1, abs=0.1)
    assert 0.5 < figures["error / standard error"] < 2
    assert "found / true" in capsys.readouterr().out


def test_vacancies_in_two_grains(run, capsys):
    figures = run("vacancies", "--size", 256)
    assert figures["vacancies"] >= 10
    assert figures["found"] >= 0.9 * figures["vacancies"]
    assert figures["false"] == 0
    assert "vacancies in the grains" in capsys.readouterr().out


def test_an_edge_in_the_mean_that_no_pixel_shows(run, capsys):
    figures = run("spectra_by_pattern", "--size", 256)
    assert figures["edge in a pixel (sigma)"] < 3
    assert figures["edge in the mean (sigma)"] > 5
    assert figures["edge found / true"] == pytest.approx(1, abs=0.3)
    assert "edge found / true" in capsys.readouterr().out


def test_grains(run, capsys):
    figures = run("grains", "--size", 256)
    assert figures["grains"] == figures["true grains"]
    assert figures["orientation off by"] < 0.5
    assert figures["merges"] == 1
    assert "boundaries" in capsys.readouterr().out


def test_precipitates(run, capsys):
    assert run("precipitates", "--size", 300)["mean IoU"] > 0.85
    assert "mean IoU" in capsys.readouterr().out


def test_particle(run, capsys):
    figures = run("particle", "--size", 256)
    assert figures["patterns"] == 3
    assert figures["mean IoU"] > 0.9
    assert "columns" in capsys.readouterr().out


def test_polar_domains(run, capsys):
    figures = run("polar_domains", "--size", 300)
    assert figures["patterns"] == 2
    assert figures["mean IoU"] > 0.95
    assert "mean IoU" in capsys.readouterr().out


# Sigma 5: 36.87 degrees.
def test_names_of_the_grains_of_iron(run, capsys):
    figures = run("symmetry_naming")
    assert figures["misorientation"] == pytest.approx(36.87, abs=1)
    assert "Sigma 5" in capsys.readouterr().out


# Rows of columns are 0.2867 nm / sqrt(2) apart in iron, and the frame is 6.37 nm wide.
def test_columns_of_iron(run, capsys):
    figures = run("columns")
    distance = 0.2867 / 2**0.5
    assert figures["median distance (nm)"] == pytest.approx(distance, rel=0.04)
    assert figures["columns"] == pytest.approx((6.37 / distance) ** 2, rel=0.08)
    assert figures["median error (nm)"] < 0.01
    assert "columns" in capsys.readouterr().out


def test_strain_of_a_scan(run, capsys):
    figures = run("strain")
    # Percent.
    assert 0.2 < figures["range of eyy"] < 3
    assert figures["error of eyy"] < figures["range of eyy"] / 2
    assert "range of eyy" in capsys.readouterr().out


def test_movie(script, tmp_path):
    pytest.importorskip("av")
    path = tmp_path / "movie.gif"
    script("movie", "--size", "120", "--output", path)
    with Image.open(path) as movie:
        assert (movie.n_frames, movie.size) == (20, (360, 360))


def test_live_frames_are_labelled_in_order(script, tmp_path, capsys):
    picture = tmp_path / "live.png"
    options = ["--frames", "5", "--size", "200", "--interval", "0.01"]
    names = script("live", *options, "--output", picture)
    assert imread(picture).shape[:2] == (1100, 1200)
    assert len(names["latencies"]) == 5
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:5]] == [
        f"frame {i}" for i in range(5)
    ]
    assert "ms (median)" in lines[-1]


def test_as_a_command(tmp_path):
    script = str(EXAMPLES / "two_phases.py")
    command = [sys.executable, script, "--size", "128"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    check_picture(tmp_path / "two_phases.png")
