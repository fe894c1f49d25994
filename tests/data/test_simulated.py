# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import data

# Labels that the truth has.
LABELS = {
    "ordered_precipitates": [0, 1],
    "particle_in_vacuum": [-1, 0, 1],
    "polar_domains": [0, 1],
    "twin_lamella": [0, 1],
}


@pytest.mark.parametrize("name", LABELS)
def test_signal_and_truth(name):
    s, truth = getattr(data, name)((210, 240))
    assert s.data.shape == truth.data.shape == (210, 240)
    assert np.unique(truth.data).tolist() == LABELS[name]
    assert s.metadata.General.title == f"Simulated {name.replace('_', ' ')}"


@pytest.mark.parametrize("name", LABELS)
def test_noise_is_that_of_the_seed_and_the_dose(name):
    make = getattr(data, name)
    shape = 210, 240
    first, again = (make(shape, seed=3)[0].data for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (make(shape, seed=4)[0].data != first).any()
    assert make(shape, seed=3, dose=1.0)[0].data.mean() < first.mean() / 5
