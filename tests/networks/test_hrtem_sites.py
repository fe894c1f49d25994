# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the networks that tell what a column is."""

import numpy as np
import pytest

from hyperspy_symseg.networks import hrtem_sites as sites


@pytest.mark.parametrize("material", sites.CLASSES)
def test_logits_are_those_of_torch(material):
    network = sites.site_network(material)
    seen = np.linspace(-1, 1, 2 * 3 * 32**2, dtype=np.float32).reshape(2, 3, 32, 32)
    found = network.logits(seen, [40, 80, 120])
    np.testing.assert_allclose(found, network.weights["torch_logits"], atol=2e-3)


@pytest.mark.parametrize("material", sites.CLASSES)
def test_probabilities_add_up(material):
    seen = np.random.default_rng(0).normal(size=(5, 3, 32, 32)).astype(np.float32)
    found = sites.site_network(material).probabilities(seen, [30, 60, 90])
    assert found.shape == (5, len(sites.CLASSES[material]))
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("material", sites.CLASSES)
def test_files_say_what_was_seen(material):
    weights = sites.site_network(material).weights
    for name, interval in sites.SERIES[material].items():
        np.testing.assert_allclose(weights[f"range_{name}"], interval)


def test_what_is_outside_is_named():
    with pytest.warns(UserWarning, match=r"voltage 300 \(trained: 60 to 80\)"):
        sites.warn_of_series("MoS2", {"voltage": 300.0, "step": 30.0})


def test_what_is_inside_is_not(recwarn):
    sites.warn_of_series("MoS2", {"voltage": 80.0, "step": 30.0})
    assert not recwarn.list
