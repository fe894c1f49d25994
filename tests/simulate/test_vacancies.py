# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of missing columns, on frames of 150 rows and 180 columns."""

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.spatial.distance import pdist

from hyperspy_symseg.simulate import Amorphous, Lattice, micrograph

SHAPE = (150, 180)
SQUARE = Lattice.square(10)
CLEAN = {"dose": None, "background": 0, "ramp": 0}
# One structure, or two.
STRUCTURES = {
    "square": SQUARE,
    "hexagonal": Lattice.hexagonal(10, 20),
    "two grains": [SQUARE, SQUARE.rotated(36)],
    "amorphous": Amorphous(0.01, 8),
}


def frame_and_vacancies(lattices, n, shape=SHAPE, **options):
    signal, _ = micrograph(lattices, shape, vacancies=n, **CLEAN | options)
    return signal.data.astype(float), signal.metadata.Simulation.vacancies


@pytest.mark.parametrize("name", STRUCTURES)
def test_columns_are_missing_where_the_vacancies_are_and_nowhere_else(name):
    whole = micrograph(STRUCTURES[name], SHAPE, **CLEAN)[0].data.astype(float)
    image, vacancies = frame_and_vacancies(STRUCTURES[name], 7)
    assert vacancies.shape == (7, 2)
    y, x = np.indices(SHAPE)[..., np.newaxis]
    gaussians = np.exp(
        -((y - vacancies[:, 0]) ** 2 + (x - vacancies[:, 1]) ** 2) / (2 * 2.0**2)
    )
    np.testing.assert_allclose(whole - image, gaussians.sum(axis=-1), atol=1e-5)


@pytest.mark.parametrize("name", ["square", "two grains", "amorphous"])
@pytest.mark.parametrize("seed", range(3))
def test_vacancies_are_two_spacings_from_the_edges_and_each_other(name, seed):
    # One column in 10 x 10 pixels: two spacings are 20 pixels.
    _, vacancies = frame_and_vacancies(STRUCTURES[name], 10, seed=seed)
    assert pdist(vacancies).min() >= 20
    assert (vacancies >= 20).all()
    assert (vacancies <= np.subtract(SHAPE, 21)).all()


def test_spacing_is_that_of_the_sparsest_lattice():
    # One column in 4 x 4 pixels and one in 20 x 20.
    lattices = [Lattice.square(4), Lattice.square(20)]
    _, vacancies = frame_and_vacancies(lattices, 3)
    assert pdist(vacancies).min() >= 40
    assert (vacancies >= 40).all()


def test_columns_of_weight_0_are_not_removed():
    lattice = Lattice.square(20, motif=[(0, 0, 1), (0.5, 0.5, 0)])
    whole = micrograph(lattice, SHAPE, **CLEAN)[0].data.astype(float)
    image, _ = frame_and_vacancies(lattice, 6)
    # Six Gaussians, each with the integral 2 pi sigma squared.
    assert (whole - image).sum() == pytest.approx(6 * 2 * np.pi * 4, rel=1e-3)


def test_none_by_default():
    signal, _ = micrograph(SQUARE, SHAPE)
    again, _ = micrograph(SQUARE, SHAPE, vacancies=0)
    np.testing.assert_array_equal(signal.data, again.data)
    assert not signal.metadata.has_item("Simulation.vacancies")


def test_same_seed_same_vacancies():
    first, second = (frame_and_vacancies(SQUARE, 5)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_seeds_differ():
    # Without jitter, in units of the lattice from the first.
    first, second = (
        frame_and_vacancies(SQUARE, 5, seed=seed, jitter=0)[1] for seed in (1, 2)
    )
    assert not np.allclose(first - first[0], second - second[0])


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_survive_saving(tmp_path, suffix):
    signal, truth = micrograph(SQUARE, SHAPE, vacancies=3)
    for part in (signal, truth):
        part.save(tmp_path / f"frame.{suffix}", overwrite=True)
        loaded = hs.load(tmp_path / f"frame.{suffix}").metadata.Simulation
        np.testing.assert_equal(
            loaded.as_dictionary(), signal.metadata.Simulation.as_dictionary()
        )


@pytest.mark.parametrize("vacancies", [-1, 2.5, None, 1000])
def test_rejects(vacancies):
    with pytest.raises(ValueError, match="^vacancies must be .* got "):
        micrograph(SQUARE, SHAPE, vacancies=vacancies)


def test_room_for_one_is_named():
    # A frame of 45 x 45: what is 20 pixels from its edges is 4 x 4, less than a cell.
    for seed in range(8):
        with pytest.raises(ValueError, match=r"at most [01], for vacancies 20 pixels"):
            micrograph(SQUARE, (45, 45), vacancies=2, seed=seed)
