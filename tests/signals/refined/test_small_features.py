# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of a few cells: there if the intensities ask for them, and else not."""

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg import simulate

from .conftest import grains

SHAPE, PERIOD = (200, 300), 13
ROWS, COLUMNS = np.indices(SHAPE)
TURN = np.radians(25)
ACROSS = (COLUMNS - 190) * np.cos(TURN) + (ROWS - 100) * np.sin(TURN)
ALONG = (ROWS - 100) * np.cos(TURN) - (COLUMNS - 190) * np.sin(TURN)
# A grain that the second pattern is known from, and where the features are.
GRAIN, AROUND = COLUMNS < 80, np.abs(ACROSS) < 60


def found_in(feature, seed):
    """Frame with a feature, and the share of it that is found, over what is either."""
    crystal = simulate.Lattice.square(PERIOD, orientation=5)
    second = GRAIN | feature
    signal, _ = simulate.micrograph(
        [crystal, crystal.rotated(36)],
        boundary=second.astype(np.int8),
        dose=30,
        seed=seed,
    )
    labels = signal.segment_symmetry(2, show_progressbar=False).data
    own = labels == np.bincount(labels[GRAIN]).argmax()
    inside = np.count_nonzero(own & feature)
    return inside / np.count_nonzero((own | feature) & AROUND)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_lamella_of_two_columns_is_kept(seed):
    assert found_in(np.abs(ACROSS) < PERIOD, seed) > 0.85


@pytest.mark.parametrize("seed", [0, 1])
def test_a_lamella_with_a_gap_of_one_cell_has_the_gap(seed):
    lamella = np.abs(ACROSS) < PERIOD
    gap = np.abs(ALONG) < PERIOD / 2
    assert found_in(lamella & ~gap, seed) > 0.85


@pytest.mark.parametrize("seed", [0, 1])
def test_a_gap_of_one_cell_between_grains_is_kept(seed):
    assert found_in(np.abs(ACROSS) < PERIOD / 2, seed) > 0.8


@pytest.mark.parametrize("seed", [2, 5])
def test_no_region_of_a_few_cells_comes_from_noise(seed):
    labels = grains(seed, dose=0.4)[0].segment_symmetry(2, show_progressbar=False)
    for k in range(2):
        regions, _ = ndimage.label(labels.data == k)
        assert np.bincount(regions.ravel())[1:].min() >= 4 * 9**2


@pytest.mark.parametrize("seed", [5, 6, 9])
def test_rows_by_chance_in_amorphous_material_are_no_crystal(seed):
    crystal = simulate.Lattice.hexagonal(12, orientation=10)
    truth = np.zeros((270, 400), np.int8)
    truth[:, :150] = 1
    material = [simulate.Amorphous.like(crystal), crystal]
    signal, _ = simulate.micrograph(material, boundary=truth, dose=30, seed=seed)
    labels = signal.segment_symmetry(2, show_progressbar=False).data
    # More than two periods from the boundary.
    assert len(np.unique(labels[:, :120])) == len(np.unique(labels[:, 180:])) == 1
