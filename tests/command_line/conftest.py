# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.__main__ import main

# Frames of the series, their patterns, and lengths that suit them.
N = 6
SMALL = ["--n-patterns", "2", "--patch", "10", "--window", "12"]


@pytest.fixture(scope="module")
def signal():
    signal, _ = simulate.moving_boundary(N, (121, 140), speed=3)
    signal.compute(show_progressbar=False)
    return signal


@pytest.fixture
def file(signal, tmp_path):
    signal.save(tmp_path / "movie.zspy", chunks=(1, 121, 140))
    return tmp_path / "movie.zspy"


@pytest.fixture
def image(signal, tmp_path):
    signal.inav[0].save(tmp_path / "image.hspy")
    return tmp_path / "image.hspy"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def run(out, capsys):
    """Run the command; return its status, lines of output and of errors."""

    def run(*arguments):
        arguments = ["segment", *SMALL, "--output", out, *arguments]
        status = main([str(a) for a in arguments])
        written, err = capsys.readouterr()
        return status, written.splitlines(), err.splitlines()

    return run
