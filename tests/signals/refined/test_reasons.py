# SPDX-License-Identifier: GPL-3.0-or-later
"""Why there is no certainty, there are no outliers and no costs."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

ONE_CRYSTAL = 'one crystal only: n_patterns=1 or "auto"'


@pytest.fixture(scope="module")
def crystal():
    """A crystal in which a second pattern is too much like the first."""
    lattice = simulate.Lattice.square(9, orientation=5)
    signal, _ = simulate.micrograph(lattice, (100, 110), dose=3, column_width=1.5)
    return signal


@pytest.fixture(scope="module")
def three(crystal):
    labels = crystal.segment_symmetry(n_patterns=3, show_progressbar=False)
    assert not labels.metadata.Symmetry_segmentation.refined
    return labels


@pytest.fixture(scope="module")
def noise():
    return hs.signals.Signal2D(np.random.default_rng(0).poisson(5, (90, 110)))


def reasons(labels, signal):
    """What is said of the certainty, of outliers and of costs."""
    said = []
    for use in (
        lambda: labels.get_certainty(signal),
        lambda: labels.find_outliers(signal),
        labels.plot_n_patterns,
    ):
        with pytest.raises(ValueError, match="^") as error:
            use()
        said.append(str(error.value))
    return said


def test_patterns_too_much_alike_may_be_one_crystal(crystal, three):
    for said in reasons(three, crystal):
        assert "could not tell the 3 patterns apart" in said
        assert ONE_CRYSTAL in said
        assert "refine=True" not in said
        assert "period" not in said


def test_way_out_leads_out(crystal):
    labels = crystal.segment_symmetry()
    assert labels.n_patterns == 1
    assert labels.get_certainty(crystal).data.min() > 0.9
    labels.find_outliers(crystal)
    labels.plot_n_patterns()


def test_number_that_was_given_has_no_costs(labels):
    with pytest.raises(ValueError, match=r'n_patterns was given as a .*="auto"\.$'):
        labels.plot_n_patterns()


def test_number_larger_than_that_of_the_patterns_found():
    lattice = simulate.Lattice.square(12.0, orientation=3)
    crystal, _ = simulate.micrograph([lattice], (200, 210), dose=30, seed=0)
    labels = crystal.segment_symmetry(n_patterns=2)
    assert labels.n_patterns == 1
    with pytest.raises(ValueError, match="n_patterns was given") as error:
        labels.plot_n_patterns()
    assert "n_patterns=1" not in str(error.value)


def test_refine_false_is_named(crystal):
    labels = crystal.segment_symmetry(refine=False)
    certainty, outliers, costs = reasons(labels, crystal)
    assert "refine=False was given" in certainty
    assert "refine=False was given" in outliers
    assert "refine=False was given" in costs


def test_rotations_are_named(crystal):
    labels = crystal.segment_symmetry(2, descriptor="rotation", step=4, stride=8)
    certainty, outliers, _ = reasons(labels, crystal)
    assert certainty == outliers
    assert "rotations are refined with refine=True only" in certainty


@pytest.mark.parametrize("n_patterns", [2, "auto"])
def test_no_period_is_named(noise, n_patterns):
    labels = noise.segment_symmetry(n_patterns)
    certainty, outliers, costs = reasons(labels, noise)
    assert "no lattice period was found" in certainty
    assert "no lattice period was found" in outliers
    assert ("no lattice period was found" in costs) == (n_patterns == "auto")


def test_model_without_templates_is_named(crystal, three):
    labels = crystal.segment_symmetry(model=three.model)
    certainty, outliers, costs = reasons(labels, crystal)
    assert "the model that they were made with has no templates" in certainty
    assert "the model that they were made with has no templates" in outliers
    assert "fitted with a given number" in costs


@pytest.mark.parametrize("is_lazy", [False, True])
def test_certainty_that_cannot_be_is_nan_and_says_why(crystal, caplog, is_lazy):
    source = crystal.as_lazy() if is_lazy else crystal
    _, certainty = source.segment_symmetry(n_patterns=3, certainty=True)
    assert np.isnan(np.asarray(certainty.data)).all()
    assert "There is no certainty, only NaN" in caplog.text
    assert ONE_CRYSTAL in caplog.text.split("There is no certainty")[1]


def test_certainty_of_a_part_of_the_micrograph_is_an_error(signal, labels):
    on_grid = signal.segment_symmetry(2, upsample=False)
    for found in (labels.isig[3:], on_grid.isig[1:], labels.rebin(scale=(2, 2))):
        with pytest.raises(ValueError, match="^signal must be what the labels are of"):
            found.get_certainty(signal)
    assert on_grid.get_certainty(signal).data.shape == on_grid.data.shape
