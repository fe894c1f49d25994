# SPDX-License-Identifier: GPL-3.0-or-later

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

SHAPE = (160, 200)
CRYSTAL = simulate.Lattice.square(9, orientation=5)
GRAINS = [CRYSTAL, CRYSTAL.rotated(36)]


def grains(seed=0, shape=SHAPE, at=85, **options):
    """Frame of two grains, and its true labels; the smaller grain is 0."""
    labels = np.ones(shape, np.int8)
    labels[:, :at] = 0
    options = {"dose": 2, "column_width": 1.5} | options
    signal, _ = simulate.micrograph(GRAINS, boundary=labels, seed=seed, **options)
    return signal, labels


@pytest.fixture(scope="package")
def truth():
    return grains()[1]


@pytest.fixture(scope="package")
def signal():
    signal, _ = grains()
    signal.data.flags.writeable = False
    return signal


@pytest.fixture(scope="package")
def labels(signal):
    return signal.segment_symmetry(2, show_progressbar=False)


@pytest.fixture(scope="package")
def certainty(signal):
    return signal.segment_symmetry(2, certainty=True, show_progressbar=False)[1]


@pytest.fixture(scope="package")
def series():
    """Three frames of a boundary that moves, with a time axis."""
    movie = hs.stack(
        [grains(seed=seed, at=70 + 10 * seed)[0] for seed in range(3)],
        new_axis_name="time",
        show_progressbar=False,
    )
    movie.axes_manager[0].scale, movie.axes_manager[0].units = 0.5, "s"
    return movie


@pytest.fixture(scope="package")
def series_labels(series):
    return series.segment_symmetry(2, show_progressbar=False)


@pytest.fixture
def noise():
    return hs.signals.Signal2D(np.random.default_rng(1).poisson(5, SHAPE))


@pytest.fixture
def small_parts(cut_into):
    cut_into((30, 40), (70, 90))


def chunked(signal, chunks):
    return signal._deepcopy_with_new_data(
        da.from_array(signal.data, chunks=chunks)
    ).as_lazy()
