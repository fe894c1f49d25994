# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.finding import find_lattice
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import OFFSET_ROWS, SEVERAL, name_crystal
from hyperspy_symseg.lattice.several import foreign_share, strangest_share

SHAPE = 200, 230


def square(orientation=5, period=12):
    return simulate.Lattice.square(period, orientation=orientation)


def two(lattices, width, dose=10, shape=SHAPE):
    """Counts of a frame whose last columns of pixels are another crystal's."""
    labels = np.zeros(shape, int)
    labels[:, shape[1] - width :] = 1
    return simulate.micrograph(lattices, boundary=labels, dose=dose, seed=0)[0].data


def one(dose, lattice=None, shape=SHAPE):
    lattice = square() if lattice is None else lattice
    return simulate.micrograph(lattice, shape, dose=dose, seed=1)[0].data


def strangest(frame, valid=None):
    [window] = windows(frame, valid)
    found = find_lattice(window)
    return strangest_share(window, found.cell, found)


@pytest.mark.parametrize("dose", [10, 1])
def test_two_grains_of_a_coincidence_boundary_are_said(dose):
    # Of Sigma 5: (2, 1) of one is (1, 2) of the other.
    naming = name_crystal(windows(two([square(), square(41.87)], 115, dose)))
    assert naming.reason == SEVERAL
    # Their common lattice has cells of five times the area.
    assert np.linalg.det(naming.cell.vectors) ** 2 == pytest.approx(720**2, rel=0.03)


@pytest.mark.parametrize(
    "other",
    [
        square(15),
        square(27.6),
        square(41.87),
        square(5, 14),
        simulate.Lattice.hexagonal(13, orientation=3),
    ],
    ids=["10 degrees", "22.6 degrees", "Sigma 5", "14 px", "hexagonal"],
)
def test_another_crystal_at_the_edge_is_said(other):
    frame = two([square(), other], 66, shape=(240, 256))
    assert name_crystal(windows(frame)).reason == SEVERAL
    # Under the whole window it has little of the power.
    [window] = windows(frame)
    assert foreign_share(window, find_lattice(window))[0] < 0.1


def test_another_crystal_in_a_corner_is_said():
    labels = np.zeros((240, 256), int)
    labels[:110, :115] = 1
    lattices = [square(), square(27.6)]
    frame = simulate.micrograph(lattices, boundary=labels, dose=10, seed=0)[0].data
    assert name_crystal(windows(frame)).reason == SEVERAL


@pytest.mark.parametrize("dose", [30, 3, 0.5])
def test_one_crystal_is_not_strange(dose):
    lattice = simulate.Lattice(((3, 14), (19, 4)), [(0, 0, 1), (0.4, 0.3, 0.6)])
    assert strangest(one(dose, lattice)) < 0.03


@pytest.mark.parametrize(
    "lattice", [square(), simulate.Lattice.hexagonal(12)], ids=["square", "hexagonal"]
)
def test_one_crystal_without_noise_is_not_strange(lattice):
    frame = simulate.micrograph(lattice, (400, 400), dose=None, jitter=0, ramp=0)[0]
    assert strangest(frame.data) < 0.03


def test_a_factor_that_changes_from_place_to_place_is_no_other_crystal():
    frame = one(30)
    mean = frame.mean()
    assert strangest((frame - mean) * np.linspace(0.3, 1, SHAPE[1]) + mean) < 0.03


def test_a_crystal_out_of_focus_at_its_edge_is_one():
    from scipy import ndimage

    frame = one(30).astype(float)
    frame[:, 160:] = ndimage.gaussian_filter(frame, 1.5)[:, 160:]
    assert strangest(frame) < 0.1


@pytest.mark.parametrize("dose", [30, 1])
def test_an_amorphous_edge_is_no_other_crystal(dose):
    lattices = [square(), simulate.Amorphous(1 / 80, 6.5)]
    assert name_crystal(windows(two(lattices, 66, dose))).reason == ""


def test_a_region_of_which_a_quarter_is_empty_is_one_crystal():
    frame = one(30, shape=(250, 250))
    y, x = np.indices(frame.shape)
    assert strangest(frame, np.abs(y - x) < 70) < 0.03


def test_what_has_one_place_only_has_nothing_strange():
    assert strangest(one(30)[:46, :50]) == 0


@pytest.mark.parametrize("orientation", [0, 5])
def test_rows_that_are_offset_are_no_other_crystal(orientation):
    frame = one(30, square(orientation)).astype(float)
    offsets = np.random.default_rng(0).normal(size=(len(frame), 1))
    assert name_crystal(windows(frame + 10 * offsets)).reason == OFFSET_ROWS
    # Columns are not scanned one after the other.
    naming = name_crystal(windows((frame + 10 * offsets).T))
    assert naming.reason == SEVERAL
