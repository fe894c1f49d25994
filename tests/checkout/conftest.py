# SPDX-License-Identifier: GPL-3.0-or-later
import sys
from pathlib import Path

import pytest

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture(scope="module")
def training():
    """Folder of the scripts that train networks, which can be imported meanwhile."""
    sys.path.insert(0, str(TRAINING))
    yield TRAINING
    sys.path.remove(str(TRAINING))
