# SPDX-License-Identifier: GPL-3.0-or-later
"""Every analysis by the workers of a cluster: a process of this machine."""

import cloudpickle
import dask.array as da
import pytest

from hyperspy_symseg.frames.run import run

from . import rows
from .rows import (
    FRAMES,
    LABELS,
    MASK,
    PAIR_MASK,
    PAIR_ROWS,
    ROWS,
    assert_same,
    pairs,
)

# No worker can import it.
cloudpickle.register_pickle_by_value(rows)

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.usefixtures("client")
def test_a_cluster_finds_the_same(name):
    expected = run(ROWS[name], FRAMES, LABELS, MASK)
    arrays = [da.from_array(each, (1, -1, -1)) for each in (FRAMES, LABELS, MASK)]
    assert_same(run(ROWS[name], *arrays), expected)


@pytest.mark.parametrize("name", PAIR_ROWS)
@pytest.mark.usefixtures("client")
def test_a_cluster_finds_the_same_of_consecutive_frames(name):
    analysis, channels = PAIR_ROWS[name]
    expected = run(analysis, pairs(channels), mask=PAIR_MASK)
    mask = da.from_array(PAIR_MASK, (1, -1, -1))
    found = run(analysis, pairs(channels, (1, -1, -1)), mask=mask)
    assert_same(found, expected, rtol=1e-9)
