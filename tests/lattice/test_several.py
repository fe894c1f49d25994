# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.finding import find_lattice
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import SEVERAL, name_crystal
from hyperspy_symseg.lattice.several import uneven_share

SHAPE = 200, 230
# Of Sigma 5: (2, 1) of one is (1, 2) of the other.
GRAINS = [simulate.Lattice.square(12, orientation=a) for a in (5, 5 + 36.87)]


def two_grains(dose, position=0.5, lattices=GRAINS):
    labels = np.zeros(SHAPE, int)
    labels[:, int(position * SHAPE[1]) :] = 1
    return simulate.micrograph(lattices, boundary=labels, dose=dose, seed=0)[0].data


def share(frame, valid=None):
    [window] = windows(frame, valid)
    found = find_lattice(window)
    return uneven_share(window, found.cell, found)


@pytest.mark.parametrize("dose", [10, 1])
def test_two_grains_of_a_coincidence_boundary_are_said(dose):
    naming = name_crystal(windows(two_grains(dose)))
    assert naming.reason == SEVERAL
    # Their common lattice has cells of five times the area.
    assert np.linalg.det(naming.cell.vectors) ** 2 == pytest.approx(720**2, rel=0.03)


@pytest.mark.parametrize("dose", [30, 3, 0.5])
def test_one_crystal_is_even(dose):
    lattice = simulate.Lattice(((3, 14), (19, 4)), [(0, 0, 1), (0.4, 0.3, 0.6)])
    frame = simulate.micrograph(lattice, SHAPE, dose=dose, seed=1)[0].data
    assert share(frame) < 0.03


def test_a_factor_that_changes_from_place_to_place_is_no_other_crystal():
    lattice = simulate.Lattice.square(12, orientation=5)
    frame = simulate.micrograph(lattice, SHAPE, dose=30, seed=1)[0].data
    mean = frame.mean()
    assert share((frame - mean) * np.linspace(0.3, 1, SHAPE[1]) + mean) < 0.03


def test_a_region_of_which_a_quarter_is_empty_is_even():
    lattice = simulate.Lattice.square(12, orientation=5)
    frame = simulate.micrograph(lattice, (250, 250), dose=30, seed=1)[0].data
    y, x = np.indices(frame.shape)
    assert share(frame, np.abs(y - x) < 70) < 0.03
