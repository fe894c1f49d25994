# SPDX-License-Identifier: GPL-3.0-or-later
"""Every analysis by the workers of a cluster: a process of this machine."""

import cloudpickle
import dask.array as da
import pytest

from hyperspy_symseg.frames.run import run

from . import rows
from .rows import FRAMES, LABELS, MASK, ROWS, assert_same

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
