# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the networks that tell what a column is."""

import numpy as np
import pytest

from hyperspy_symseg.networks import hrtem_sites as sites


@pytest.mark.parametrize("material", sites.CLASSES)
def test_logits_are_those_of_torch(material):
    network = sites.site_network(material)
    seen = np.linspace(-1, 1, 2 * 3 * 32**2, dtype=np.float32).reshape(2, 3, 32, 32)
    features = network.features(seen, [40, 80, 120])
    found = network.logits(features, [[0, 0], [0, 3]])
    np.testing.assert_allclose(found, network.weights["torch_logits"], atol=2e-3)


@pytest.mark.parametrize("material", sites.CLASSES)
def test_probabilities_add_up(material):
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(5, 3, 32, 32)).astype(np.float32)
    network = sites.site_network(material)
    features = network.features(seen, [30, 60, 90])
    found = network.probabilities(features, rng.uniform(0, 20, (5, 2)))
    assert found.shape == (5, len(sites.CLASSES[material]))
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_sites_far_away_change_nothing():
    rng = np.random.default_rng(0)
    network = sites.site_network("metal")
    features = rng.normal(size=(4, sites.HIDDEN[1])).astype(np.float32)
    places = np.array([[0, 0], [3, 0], [0, 7], [0, 30]])
    found = network.logits(features, places)
    np.testing.assert_allclose(
        found[:3], network.logits(features[:3], places[:3]), atol=1e-5
    )
    # And those around do.
    assert np.abs(found[0] - network.logits(features[:1], places[:1])[0]).max() > 0.1


def test_shares_are_those_of_a_mean():
    near, far = sites.shares_around([[0, 0], [0, 3.9], [0, 9.5], [0, 14]])
    third = 1 / 3
    np.testing.assert_allclose(
        near.toarray(), [[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    )
    np.testing.assert_allclose(
        far.toarray(),
        [
            [third, third, third, 0],
            [third, third, third, 0],
            [0.25, 0.25, 0.25, 0.25],
            [0, 0, 0.5, 0.5],
        ],
    )


def test_no_sites_have_no_shares():
    assert [own.shape for own in sites.shares_around(np.zeros((0, 2)))] == [(0, 0)] * 2


@pytest.mark.parametrize("material", sites.CLASSES)
def test_files_say_what_was_seen(material):
    weights = sites.site_network(material).weights
    for name, interval in sites.SERIES[material].items():
        np.testing.assert_allclose(weights[f"range_{name}"], interval)


def test_what_is_outside_is_named():
    with pytest.warns(UserWarning, match=r"voltage 300 \(trained: 60 to 80\)"):
        sites.warn_of_series("MoS2", {"voltage": 300.0, "step": 30.0})


def test_a_single_voltage_is_named():
    with pytest.warns(UserWarning, match=r"voltage 200 \(trained: 300\)"):
        sites.warn_of_series("metal", {"voltage": 200.0})


def test_what_is_inside_is_not(recwarn):
    sites.warn_of_series("MoS2", {"voltage": 80.0, "step": 30.0})
    assert not recwarn.list
