# SPDX-License-Identifier: GPL-3.0-or-later
"""What labels refined by templates find."""

import numpy as np
import pytest

from hyperspy_symseg import simulate

from .conftest import GRAINS, SHAPE, grains


def test_labels_are_the_grains(labels, truth):
    assert (labels.data == truth).mean() > 0.985


@pytest.mark.parametrize("dose", [0.3, 0.5])
def test_fewer_pixels_are_wrong_than_of_the_scores_alone_at_a_low_dose(dose):
    wrong = {True: [], False: []}
    for seed in range(3):
        signal, truth = grains(seed, dose=dose)
        for refine, shares in wrong.items():
            found = signal.segment_symmetry(2, refine=refine).data
            share = (found != truth).mean()
            shares.append(min(share, 1 - share))
    assert np.mean(wrong[True]) < 0.5 * np.mean(wrong[False])
    assert max(wrong[True]) < 0.02


def test_a_thin_lamella_is_found_that_the_scores_alone_miss():
    # Narrower than the patch, which is 2 x 15 pixels wide.
    truth = np.ones(SHAPE, np.int8)
    truth[:, 90:108] = 0
    signal, _ = simulate.micrograph(
        GRAINS, boundary=truth, dose=5, column_width=1.5, seed=0
    )
    share = {}
    for refine in (False, True):
        found = signal.segment_symmetry(2, refine=refine).data == 0
        share[refine] = (found & (truth == 0)).sum() / (found | (truth == 0)).sum()
    assert share[True] > 0.8
    assert share[True] > share[False]


@pytest.mark.parametrize(
    ("shape", "a", "orientation", "seed"),
    [
        # The wall is as large as a grain, to begin with.
        ((340, 400), 21, 20, 0),
        # What differs looks like a superlattice, too.
        ((400, 460), 16, 40, 0),
        # The scores have the wall.
        ((300, 340), 16, 70, 1),
    ],
)
def test_inversion_twins_are_found_not_the_wall_between(shape, a, orientation, seed):
    sites = (0, 0, 1), (1 / 3, 2 / 3, 0.7)
    crystal = simulate.Lattice.oblique(a, a, 120, orientation, sites)
    signal, truth = simulate.micrograph(
        [crystal, crystal.rotated(60)],
        boundary=simulate.regions(shape, seed=seed),
        column_width=2,
        dose=30,
        seed=seed,
    )
    share = (signal.segment_symmetry(2).data == truth.data).mean()
    assert max(share, 1 - share) > 0.97


def test_gain_offset_and_ramp_change_nothing(signal, labels):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    other = signal._deepcopy_with_new_data(3.0 * signal.data + 70 + 0.01 * (x + 2 * y))
    found = other.segment_symmetry(model=labels.model)
    assert (found.data == labels.data).mean() > 0.999


def test_labels_on_the_grid_are_those_of_its_pixels(signal, labels):
    step_y, step_x = labels.metadata.Symmetry_segmentation.stride
    found = signal.segment_symmetry(model=labels.model, upsample=False)
    y = np.rint(found.axes_manager["y"].axis / 0.01).astype(int)
    x = np.rint(found.axes_manager["x"].axis / 0.01).astype(int)
    assert (np.diff(y) == step_y).all()
    assert (np.diff(x) == step_x).all()
    np.testing.assert_array_equal(found.data, labels.data[np.ix_(y, x)])
