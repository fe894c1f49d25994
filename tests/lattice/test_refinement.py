# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard errors of lattices, by frames that are drawn again."""

import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.finding import find_lattice
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.refinement import refine

LATTICE = simulate.Lattice(((1.5, 10.3), (11.9, -1.1)))


def z_scores(n, **options):
    """Errors of the vectors of n frames in standard errors: (n, 4) array."""
    found = []
    for seed in range(n):
        frame = simulate.micrograph(LATTICE, (90, 110), seed=seed, **options)[0].data
        [window] = windows(frame)
        refined = refine([window], find_lattice(window))
        rows = np.rint(refined.vectors @ np.linalg.inv(LATTICE.vectors))
        off = refined.vectors - rows @ LATTICE.vectors
        errors = np.sqrt(np.diag(refined.vector_covariance))
        found.append(off.ravel() / errors)
    return np.array(found)


@pytest.mark.parametrize("dose", [0.5, 5])
def test_standard_errors_of_noise_are_those_of_frames(dose):
    # Of 24 frames: known to an eighth.
    z = z_scores(24, dose=dose, jitter=0)
    assert 0.8 < np.sqrt((z**2).mean()) < 1.25


def test_standard_errors_know_of_displaced_columns():
    z = z_scores(24, dose=1000, jitter=0.05)
    assert 0.6 < np.sqrt((z**2).mean()) < 1.4
