# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.lattice.faint import find_faint
from hyperspy_symseg.lattice.spectrum import find_reflections, power_spectrum

SHAPE = 180, 220
# The lowest reflections of a hexagonal lattice.
EXPECTED = 11 * np.sqrt(0.75)


def counts(dose, seed=0):
    lattice = simulate.Lattice.hexagonal(11, orientation=20)
    return simulate.micrograph(lattice, SHAPE, dose=dose, seed=seed)[0].data


@pytest.fixture(scope="module")
def faint():
    return counts(0.04)


def test_nodes_tell_a_period_where_no_maximum_does(faint):
    assert not len(find_reflections(power_spectrum([(faint, None)])).powers)
    assert find_periods(faint).period == pytest.approx(EXPECTED, rel=0.02)


def test_masked_pixels_do_not_count(faint):
    frame, mask = faint.copy(), np.zeros(SHAPE, bool)
    mask[:40, :50] = True
    frame[mask] = 9
    found = find_faint([(frame, mask)])
    lowest = np.hypot(*found.frequencies.T)[:3]
    np.testing.assert_allclose(1 / lowest, EXPECTED, rtol=0.03)


def test_the_frame_that_shows_most_counts(faint):
    empty = np.random.default_rng(0).poisson(0.04, SHAPE)
    [expected, found] = (
        find_faint(each) for each in ([(faint, None)], [(empty, None), (faint, None)])
    )
    np.testing.assert_array_equal(found.frequencies, expected.frequencies)


def test_powers_are_those_of_the_spectrum():
    frame = counts(3.0)
    expected, found = find_periods(frame).powers, find_faint([(frame, None)]).powers
    np.testing.assert_allclose(found[:3], expected[:3], rtol=0.1)
    assert (np.diff(found) <= 0).all()


def test_frequencies_are_of_one_half_plane(faint):
    assert (find_faint([(faint, None)]).frequencies[:, 1] >= 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_amorphous_frames_have_none(seed):
    rng = np.random.default_rng(seed)
    amorphous = simulate.micrograph(simulate.Amorphous(0.01, 7), SHAPE, seed=seed)
    for frame in (rng.poisson(0.05, SHAPE), amorphous[0].data):
        assert find_faint([(frame, None)]) is None


def test_fewer_than_four_periods_have_none():
    lattice = simulate.Lattice.square(60, motif=[(0, 0, 1), (0.3, 0.2, 0.7)])
    frame = simulate.micrograph(lattice, SHAPE, column_width=6, seed=0)[0].data
    assert find_faint([(frame, None)]) is None
