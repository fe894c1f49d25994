# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.finding import LEAST_EVIDENCE, find_lattice
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.joint_evidence import fitted_evidence, node_evidence
from hyperspy_symseg.lattice.refinement import refine

SHAPE = 170, 210


def frame(lattice, dose=10, seed=0, **options):
    return simulate.micrograph(lattice, SHAPE, dose=dose, seed=seed, **options)[0].data


def numbers(found, lattice):
    """Lattice vectors in those of the truth."""
    return np.linalg.inv(found.cell).T @ np.linalg.inv(lattice.vectors)


LATTICES = {
    "square": simulate.Lattice.square(12, orientation=17),
    "hexagonal": simulate.Lattice.hexagonal(13, orientation=71),
    "oblique": simulate.Lattice(((2, 13), (17, 4))),
    "weak second column": simulate.Lattice.square(
        18, orientation=30, motif=[(0, 0, 1), (0.5, 0.5, 0.75)]
    ),
    "halved by columns but for a shift": simulate.Lattice.rectangular(
        12, 26, orientation=8, motif=[(0, 0, 1), (0.08, 0.5, 1)]
    ),
}


@pytest.mark.parametrize("name", LATTICES)
@pytest.mark.parametrize("dose", [10, 1])
def test_the_primitive_lattice_is_found(name, dose):
    [window] = windows(frame(LATTICES[name], dose))
    found = find_lattice(window)
    rows = numbers(found, LATTICES[name])
    np.testing.assert_allclose(rows, np.rint(rows), atol=0.05)
    assert abs(round(np.linalg.det(np.rint(rows)))) == 1
    assert found.evidence > 2 * LEAST_EVIDENCE


@pytest.mark.parametrize("seed", range(6))
def test_amorphous_and_empty_frames_have_none(seed):
    rng = np.random.default_rng(seed)
    amorphous = frame(simulate.Amorphous(0.01, 7), seed=seed)
    for each in (amorphous, rng.poisson(1, SHAPE), rng.normal(size=SHAPE)):
        [window] = windows(each)
        found = find_lattice(window)
        assert found is None or found.evidence < LEAST_EVIDENCE


def test_the_refined_lattice_is_the_true_one_within_its_errors():
    lattice, scores = LATTICES["oblique"], []
    for seed in range(12):
        found = windows(frame(lattice, 3, seed))
        refined = refine(found, find_lattice(found[0]))
        rows = np.rint(refined.vectors @ np.linalg.inv(lattice.vectors))
        off = (refined.vectors - rows @ lattice.vectors).ravel()
        assert np.abs(off).max() < 0.1
        scores.append(off / np.sqrt(np.diag(refined.vector_covariance)))
    assert 0.6 < np.sqrt(np.mean(np.square(scores))) < 1.4


def test_the_covariance_of_vectors_is_that_of_reciprocal_ones():
    found = windows(frame(LATTICES["oblique"]))
    refined = refine(found, find_lattice(found[0]))
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(refined.cell.ravel(), refined.covariance, 4000)
    vectors = np.linalg.inv(draws.reshape(-1, 2, 2)).transpose(0, 2, 1)
    expected = np.cov(vectors.reshape(-1, 4), rowvar=False)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(refined.vector_covariance, expected, atol=0.08 * scale)


def test_regions_of_one_crystal_are_refined_together():
    lattice = LATTICES["oblique"]
    image = frame(lattice, 3)
    valid = np.ones(SHAPE, bool)
    valid[:, 95:110] = False
    found = windows(image, valid)
    assert len(found) == 2
    first = find_lattice(found[0])
    alone, both = refine(found[:1], first), refine(found, first)
    rows = np.rint(both.vectors @ np.linalg.inv(lattice.vectors))
    assert np.abs(both.vectors - rows @ lattice.vectors).max() < 0.06
    errors = [np.trace(each.covariance) for each in (both, alone)]
    assert errors[0] < errors[1]


def test_evidence_of_a_node_by_hand():
    # p = 1/2, s = 1, P = 9, q = 20: log(1/2 + 1/2 / 10 exp(20 * 0.9)).
    expected = math.log(0.5 + 0.05 * math.exp(18))
    assert node_evidence(20.0, 1.0, 9.0) == pytest.approx(expected)
    # Without signal it is none.
    assert node_evidence(5.0, 1.0, 0.0) == pytest.approx(0)


def test_noise_has_no_evidence_on_average():
    rng = np.random.default_rng(2)
    squares = np.linspace(0.001, 0.1, 60)
    found = [
        fitted_evidence(rng.exponential(size=60), np.ones(60), squares)[0]
        for _ in range(200)
    ]
    # The mean of a likelihood ratio is 1.
    assert np.mean(found) < 0
    assert np.exp(found).mean() < 3
