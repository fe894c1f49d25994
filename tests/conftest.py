# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import logging
import os
import re
from pathlib import Path

import hyperspy.api as hs
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import settings

from hyperspy_symseg import simulate
from hyperspy_symseg.frames.progress import ProgressBar

# What is drawn is the same in every run of CI; elsewhere it is another each time. A
# machine may be busy with something else.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("anywhere", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")

mpl.use("agg")
ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def quiet_and_clean():
    """No progress bars, no open figures, and loggers as they were."""
    hs.preferences.General.show_progressbar = False
    level = logging.getLogger("hyperspy").level, logging.getLogger("rsciio").level
    yield
    logging.getLogger("hyperspy").setLevel(level[0])
    logging.getLogger("rsciio").setLevel(level[1])
    plt.close("all")


@pytest.fixture
def bars_at_once(monkeypatch):
    """Progress bars appear when a call begins, and not after a second."""
    monkeypatch.setattr(ProgressBar, "delay", 0)


@pytest.fixture
def checkout():
    """Root of the checkout; skips where the tests are installed without it."""
    if not (ROOT / "meson.build").exists():
        pytest.skip("no checkout")
    return ROOT


@pytest.fixture
def data_file():
    """Path of a real micrograph; skips where these are absent."""

    def path(name):
        if not (DATA / name).exists():
            pytest.skip(f"no real micrograph {name}")
        return DATA / name

    return path


@pytest.fixture(scope="session")
def errors_name():
    """Context in which all that may go wrong is an error that has one of some words."""

    @contextlib.contextmanager
    def errors_name(words):
        try:
            yield
        except (TypeError, ValueError) as error:
            message = str(error)
        else:
            return
        assert any(re.search(rf"\b{re.escape(word)}\b", message) for word in words)
        assert len(message) < 2000

    return errors_name


@pytest.fixture(scope="session")
def two_grains():
    """A noisy 61 x 83 frame of two grains, and its true labels."""
    grain = simulate.Lattice.square(7, orientation=5)
    labels = np.zeros((61, 83), np.int8)
    labels[:, 35:] = 1
    signal, truth = simulate.micrograph(
        [grain, grain.rotated(36)],
        boundary=labels,
        column_width=1.2,
        dose=30,
        ramp=0.1,
        pixel_size=0.02,
    )
    signal.data.flags.writeable = False
    return signal, truth.data


# What suits the small frame of `two_grains`.
@pytest.fixture(scope="session")
def small():
    return {"patch": 7, "window": 8, "max_operations": 81, "stride": 3}


@pytest.fixture(scope="session")
def movie():
    """Seven noisy 61 x 83 frames of a boundary that moves, and their true labels."""
    signal, truth = simulate.moving_boundary(
        7,
        (61, 83),
        speed=3,
        drift=2,
        spacing=7,
        column_width=1.2,
        dose=30,
        ramp=0.1,
        pixel_size=0.02,
    )
    signal.compute(show_progressbar=False)
    signal.data.flags.writeable = False
    return signal, np.asarray(truth.data)


def gaussian_means(sums, counts, width):
    """The definition: weights over pairs of blocks, up to three widths apart."""
    weights = []
    for n in sums.shape:
        distance = np.subtract.outer(np.arange(n), np.arange(n))
        weight = np.exp(-0.5 * (distance / width) ** 2)
        weights.append(np.where(np.abs(distance) <= int(3 * width + 0.5), weight, 0))
    rows, columns = weights
    return (rows @ sums @ columns.T) / (rows @ counts @ columns.T)
