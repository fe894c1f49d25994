# SPDX-License-Identifier: GPL-3.0-or-later
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hyperspy_symseg.networks.weights import read_weights

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture(scope="module")
def training():
    """Folder of the scripts that train networks, which can be imported meanwhile."""
    sys.path.insert(0, str(TRAINING))
    yield TRAINING
    sys.path.remove(str(TRAINING))


@pytest.fixture
def trained_twice(training, tmp_path):
    """Trains with a script twice, and compares: weights, seed and what was printed."""

    def trained(script, *options):
        files = [tmp_path / name for name in ("one.npz", "again.npz")]
        for file in files:
            done = subprocess.run(
                [sys.executable, script, *options, "--weights", file],
                cwd=training,
                capture_output=True,
                text=True,
                check=True,
            )
        (one, seed), (again, _) = map(read_weights, files)
        assert one.keys() == again.keys()
        for name in one.keys() - {"seconds"}:
            np.testing.assert_array_equal(one[name], again[name], name)
        return one, seed, done.stdout

    return trained
