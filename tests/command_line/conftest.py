# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from hyperspy_symseg import simulate

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
