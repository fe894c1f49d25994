# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys

import pytest

# Sixteen arrays of 4 MB at a time, as of a frame of 1024 x 1024 pixels, twice.
FAULTS = """
import resource
import numpy as np
from hyperspy_symseg.frames.memory import keep_freed_memory
done = keep_freed_memory()
def work():
    arrays = [np.ones(2**19) for _ in range(16)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    del arrays
    return before
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(done, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def faults(tmp_path):
    """Whether memory is kept, and how often it is cleared, in a fresh process."""
    return lambda **settings: _faults(tmp_path, settings)


def _faults(folder, settings):
    result = subprocess.run(
        [sys.executable, "-c", FAULTS],
        # A checkout has the package without its kernels.
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | settings,
    )
    done, number = result.stdout.split()
    return done == "True", int(number)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc alone")
def test_memory_that_was_freed_is_not_cleared_again(faults):
    done, number = faults()
    if not done:
        pytest.skip("no glibc")
    assert number < 100


def test_what_the_user_has_set_stays(faults):
    assert not faults(MALLOC_TRIM_THRESHOLD_="131072")[0]
