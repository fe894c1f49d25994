# SPDX-License-Identifier: GPL-3.0-or-later
"""How many patterns are found."""

import numpy as np
import pytest

from hyperspy_symseg import simulate

from .conftest import CRYSTAL, SHAPE


def test_two_grains_are_two_patterns(signal, labels):
    found = signal.segment_symmetry("auto")
    assert found.n_patterns == 2
    np.testing.assert_array_equal(found.data, labels.data)


def test_one_crystal_is_one_pattern():
    signal, _ = simulate.micrograph(CRYSTAL, SHAPE, dose=5, column_width=1.5, seed=1)
    found = signal.segment_symmetry("auto")
    assert found.n_patterns == 1
    assert not found.data.any()


def test_noise_is_one_pattern(noise):
    found = noise.segment_symmetry("auto")
    assert found.n_patterns == 1
    assert not found.data.any()
    assert found.model.templates is None


def test_number_found_is_that_of_the_lowest_cost(signal):
    model = signal.segment_symmetry("auto").model
    assert model.costs.argmin() + 1 == model.n_patterns


def test_costs_are_not_found_for_a_number_that_is_given(labels):
    assert labels.model.costs is None


def test_number_found_is_recorded_and_may_be_repeated_with_the_model(signal):
    found = signal.segment_symmetry("auto")
    assert found.metadata.Symmetry_segmentation.n_patterns == 2
    assert signal.segment_symmetry(2, model=found.model).model == found.model


@pytest.mark.parametrize("refine", [True, False])
def test_number_that_is_neither_an_int_nor_auto_is_an_error(signal, refine):
    with pytest.raises(ValueError, match="^n_patterns must be .*auto.* got 'many'"):
        signal.segment_symmetry("many", refine=refine)


def test_number_cannot_be_found_without_templates(signal):
    with pytest.raises(ValueError, match='^n_patterns must be an int .* got "auto"'):
        signal.segment_symmetry("auto", refine=False)


def test_number_of_patterns_of_a_series(series):
    assert series.segment_symmetry("auto").n_patterns == 2
