# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.simulate import hrtem

# Of focal series, in angstroms.
PIXEL = 0.2


@pytest.fixture(scope="module")
def places():
    sheet = hrtem.mos2((26.0, 32.0), seed=4)
    return sheet.true_columns((130, 160), PIXEL).positions


def rows(places, probability=0.9, error=0.3):
    """Columns as the network has them: (n, 5)."""
    return np.column_stack(
        [places, np.full((len(places), 2), error), np.full(len(places), probability)]
    )
