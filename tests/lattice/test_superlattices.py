# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from hyperspy_symseg.lattice.reciprocal import nodes_within
from hyperspy_symseg.lattice.superlattices import (
    Competitor,
    cells_of,
    gain_with_groups,
)

# A square cell of the side 20, half of which (centred) is one of the side 14.1.
SIDE, HIGHEST = 20.0, 0.2
LARGE = np.array([[0.0, SIDE], [SIDE, 0.0]])
SMALL = np.array([[SIDE / 2, SIDE / 2], [-SIDE / 2, SIDE / 2]])


def competitor(vectors, pixel_size=(1, 1)):
    return Competitor.of(vectors, np.zeros((4, 4)), pixel_size, 0.02)


def columns(indices, lacking, more):
    """Amplitudes of p4mm: a column at a corner, and another one at the centre."""
    g2 = (indices**2).sum(axis=1) / SIDE**2
    shape = np.exp(-2 * math.pi**2 * 2.0**2 * g2)
    return 30 * shape * np.where(lacking, more, 1)


def gain(more, tied=True, seed=0):
    """Gain of the large cell at noise of the power 1, with amplitudes that are more."""
    rng = np.random.default_rng(seed)

    def measure(indices, lacking):
        amplitudes = columns(indices, lacking, more).astype(complex)
        if not tied:
            turns = rng.uniform(0, 2 * math.pi, len(indices))
            amplitudes = np.where(lacking, amplitudes * np.exp(1j * turns), amplitudes)
        noise = rng.normal(size=(2, len(indices))) / math.sqrt(2)
        return amplitudes + noise[0] + 1j * noise[1], np.ones(len(indices))

    return gain_with_groups(competitor(SMALL), competitor(LARGE), HIGHEST, measure)


def test_noise_alone_gains_nothing():
    assert np.mean([gain(0, seed=seed) for seed in range(8)]) < 0


def test_more_reflections_gain():
    assert gain(0.3) > 50


def test_weak_reflections_gain_by_their_symmetry():
    # They have 1 % of the energy.
    tied = np.mean([gain(0.1, seed=seed) for seed in range(8)])
    untied = np.mean([gain(0.1, tied=False, seed=seed) for seed in range(8)])
    assert tied > 2
    assert tied > untied + 4


@pytest.mark.parametrize("more", [0.03, 0.05])
def test_a_quarter_percent_of_the_energy_is_no_superlattice(more):
    assert np.mean([gain(more, seed=seed) for seed in range(8)]) < 0.5


def test_a_lattice_gains_nothing_beside_itself():
    one = competitor(LARGE)
    assert gain_with_groups(one, one, HIGHEST, None) == -math.inf


def test_measured_are_nodes_of_the_finer_lattice_and_those_that_are_new():
    asked = []

    def measure(indices, lacking):
        asked.append((indices, lacking))
        return np.ones(len(indices), complex), np.ones(len(indices))

    gain_with_groups(competitor(SMALL), competitor(LARGE), HIGHEST, measure)
    [(indices, lacking)] = asked
    np.testing.assert_array_equal(lacking, indices.sum(axis=1) % 2 == 1)
    # Whole orbits, as far as the frequency asks for, or a little more.
    reciprocal = competitor(LARGE).reciprocal
    assert {tuple(each) for each in nodes_within(reciprocal, HIGHEST).tolist()} <= {
        tuple(each) for each in indices.tolist()
    }


def test_strong_noise_of_one_node_is_that_of_its_orbit_for_both():
    """Orbits of the small cell are no orbits of a rectangular one that has it."""
    double = np.array([[10.0, 0.0], [0.0, 20.0]])
    single = np.array([[10.0, 0.0], [0.0, 10.0]])

    def measured(strong):
        def measure(indices, lacking):
            amplitudes = np.where(lacking, 0, 20).astype(complex)
            noise = np.ones(len(indices))
            vectors = indices @ competitor(double).reciprocal
            along_y = np.abs(vectors - [0.1, 0]).max(axis=1) < 1e-6
            along_x = np.abs(vectors - [0, 0.1]).max(axis=1) < 1e-6
            assert along_y.any()
            assert along_x.any()
            noise[along_y if strong == "y" else along_x] = 9
            return amplitudes, noise

        both = competitor(single), competitor(double)
        return gain_with_groups(*both, HIGHEST, measure)

    assert measured("y") == pytest.approx(measured("x"), abs=1e-6)


def test_cells_are_reduced_in_axis_units():
    # In pixels the first vector is the longer one.
    vectors = np.array([[0.0, 12.0], [10.0, 0.0]])
    cell, calibrated = cells_of(vectors, np.eye(4), (2.0, 0.5))
    np.testing.assert_allclose(np.hypot(*calibrated.vectors.T), [6, 20])
    np.testing.assert_allclose(np.hypot(*cell.vectors.T), [12, 10])
    np.testing.assert_allclose(np.diag(cell.covariance), 1)
    np.testing.assert_allclose(np.diag(calibrated.covariance), [4, 0.25, 4, 0.25])
