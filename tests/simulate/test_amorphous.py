# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of grains without a lattice, on frames of 61 rows and 83 columns."""

import math

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg.simulate import Amorphous, Lattice, micrograph

SHAPE = (61, 83)
SPARSE = Amorphous(0.002, 15)
CLEAN = {"dose": None, "background": 0, "ramp": 0}


def columns(amorphous, low=(-10, -20), high=(190, 380), seed=0):
    low, high = np.array(low, float), np.array(high, float)
    return amorphous.columns(low, high, np.random.default_rng(seed))


def test_number_of_columns_is_the_density_times_the_area():
    # Of 200 x 400 pixels.
    assert len(columns(Amorphous(0.01, 8))) == 800


def test_columns_are_all_over_the_rectangle():
    # 400 in each half; less scattered than if all were independent, by 14.
    found = columns(Amorphous(0.01, 8))
    for axis, low, high in [(0, -10, 190), (1, -20, 380)]:
        positions = found[:, axis]
        assert low <= positions.min() < positions.max() < high
        assert (positions < (low + high) / 2).sum() == pytest.approx(400, abs=30)


@pytest.mark.parametrize("distance", [0, 3, 8])
def test_no_two_columns_are_nearer_than_the_distance(distance):
    found = columns(Amorphous(0.01, distance))
    nearest = cKDTree(found).query(found, k=2)[0][:, 1]
    assert nearest.min() >= distance
    # In 800, some are not much further apart.
    assert nearest.min() < distance + 1


@pytest.mark.parametrize("size", [(5, 400), (400, 12), (9, 9)])
def test_density_in_a_narrow_rectangle(size):
    # Columns 10 pixels apart, many times.
    amorphous = Amorphous(0.006, 10)
    counts = [len(columns(amorphous, (0, 0), size, seed)) for seed in range(100)]
    assert np.mean(counts) == pytest.approx(0.006 * np.prod(size), rel=0.2)


def test_columns_that_leave_no_room_for_the_last_one_are_dropped_again():
    # With this seed, the first 65 of 66 columns in 81 x 81 pixels would stay alone.
    found = columns(Amorphous(0.01, 8.136), (0, 0), (81.36, 81.36), 9)
    assert len(found) == 66


def test_seeds_differ():
    assert not np.array_equal(columns(SPARSE, seed=1), columns(SPARSE, seed=2))


@pytest.mark.parametrize(
    ("lattice", "density"),
    [
        (Lattice.square(10), 1 / 100),
        (Lattice.centred(10, 20), 2 / 200),
        (Lattice.hexagonal(10), 1 / (100 * math.sqrt(0.75))),
        (Lattice(((0, 10), (20, 7))), 1 / 200),
    ],
)
def test_like_a_crystal(lattice, density):
    amorphous = Amorphous.like(lattice, fraction=0.5)
    assert amorphous.density == pytest.approx(density)
    assert amorphous.distance == pytest.approx(0.5 * density**-0.5)


def test_is_hashable():
    assert len({Amorphous(0.01, 8), Amorphous(0.01, 8), Amorphous(0.01, 7)}) == 2


# Micrographs


def test_density_is_the_same_everywhere():
    # 5 of 100 columns in each strip, next to the edges too; 300 in as many frames.
    found = [
        columns(Amorphous(0.01, 8), (0, 0), (100, 100), n)[:, 1] for n in range(60)
    ]
    counts = np.histogram(found, np.linspace(0, 100, 21))[0]
    np.testing.assert_allclose(counts, 300, atol=60)


def test_frame_has_as_many_columns_as_a_crystal():
    # A Gaussian's integral is 2 pi sigma squared, one for each 13 x 13 pixels.
    amorphous = Amorphous.like(Lattice.square(13))
    signal, _ = micrograph(amorphous, (500, 600), **CLEAN)
    assert signal.data.mean() == pytest.approx(2 * math.pi * 4 / 169, rel=0.02)


def test_column_peak_is_one():
    signal, _ = micrograph(SPARSE, SHAPE, **CLEAN)
    assert 0.93 < signal.data.max() <= 1 + 1e-3


def test_each_grain_has_its_own_structure():
    labels = np.zeros((100, 160), int)
    labels[:, 80:] = 1
    signal, _ = micrograph(
        [Lattice.square(10), Amorphous(0.005, 10)], boundary=labels, jitter=0, **CLEAN
    )
    left, right = signal.data[:, :70], signal.data[:, 90:]
    assert np.allclose(left[10:], left[:-10], atol=1e-3)
    assert not np.allclose(right[10:], right[:-10], atol=0.5)
    # Half as many columns.
    assert right.mean() == pytest.approx(left.mean() / 2, rel=0.15)


def test_has_no_jitter():
    frames = [micrograph(SPARSE, SHAPE, jitter=j)[0].data for j in (0, 0.1)]
    np.testing.assert_array_equal(*frames)


def test_a_crystal_before_it_stays_as_it_is():
    labels = np.zeros(SHAPE, int)
    labels[:, 60:] = 1
    crystal = Lattice.square(13)
    pair, alone = (
        micrograph(lattices, boundary=labels * (len(lattices) - 1), **CLEAN)[0].data
        for lattices in ([crystal, SPARSE], [crystal])
    )
    np.testing.assert_array_equal(pair[:, :48], alone[:, :48])


def test_parameters():
    lattices = [SPARSE, Lattice.square(13), Amorphous(0.01, 7)]
    simulation = micrograph(lattices, SHAPE)[0].metadata.Simulation
    assert np.isnan(simulation.vectors[[0, 2]]).all()
    assert simulation.vectors[1].tolist() == [[0, 13], [13, 0]]
    assert simulation.motifs.as_dictionary().keys() == {"lattice_1"}
    assert simulation.amorphous.as_dictionary() == {
        "lattice_0": {"density": 0.002, "distance": 15},
        "lattice_2": {"density": 0.01, "distance": 7},
    }


@pytest.mark.parametrize("lattices", [[Lattice.square(13), SPARSE], SPARSE])
@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_parameters_survive_saving(tmp_path, suffix, lattices):
    signal, _ = micrograph(lattices, SHAPE)
    signal.save(tmp_path / f"frame.{suffix}")
    loaded = hs.load(tmp_path / f"frame.{suffix}").metadata.Simulation
    np.testing.assert_equal(
        loaded.as_dictionary(), signal.metadata.Simulation.as_dictionary()
    )


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Amorphous(0, 5), "^density must be .* got 0\\."),
        (lambda: Amorphous(math.nan, 5), "^density must be .* got nan"),
        (lambda: Amorphous(0.01, -1), "^distance must be .* got -1"),
        (lambda: Amorphous(0.01, math.inf), "^distance must be .* got inf"),
        # 0.52 of the plane is covered by discs 8.14 wide.
        (lambda: Amorphous(0.01, 8.2), r"^distance must be at most 8\.13.* got 8\.2"),
        (
            lambda: Amorphous.like(Lattice.square(10), 1),
            "^distance must be at most .* got 10",
        ),
        (lambda: Amorphous.like(Lattice.square(10), -1), "^fraction must be .* got -1"),
    ],
)
def test_rejects(make, argument):
    with pytest.raises(ValueError, match=argument):
        make()
