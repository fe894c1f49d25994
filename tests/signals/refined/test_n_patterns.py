# SPDX-License-Identifier: GPL-3.0-or-later
"""How many patterns are found."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

from .conftest import CRYSTAL, SHAPE


@pytest.fixture(scope="module")
def found(signal):
    """By default, the number is found."""
    return signal.segment_symmetry(show_progressbar=False)


def test_two_grains_are_two_patterns(found, labels):
    assert found.n_patterns == 2
    np.testing.assert_array_equal(found.data, labels.data)


def test_one_crystal_is_one_pattern():
    signal, _ = simulate.micrograph(CRYSTAL, SHAPE, dose=5, column_width=1.5, seed=1)
    found = signal.segment_symmetry()
    assert found.n_patterns == 1
    assert not found.data.any()


def test_noise_is_one_pattern(noise):
    found = noise.segment_symmetry()
    assert found.n_patterns == 1
    assert not found.data.any()
    assert found.model.templates is None


def test_number_found_is_that_of_the_lowest_cost(found):
    costs, refusals = found.model.costs, found.model.refusals
    counted = [cost for cost, why in zip(costs, refusals, strict=False) if not why]
    assert min(counted) == costs[found.n_patterns - 1]


def test_number_found_is_the_largest_that_is_not_refused(found):
    refusals = found.model.refusals
    assert refusals[: found.n_patterns] == ("",) * found.n_patterns
    assert all(refusals[found.n_patterns :])


def test_auto_is_the_default(signal, found):
    assert signal.segment_symmetry("auto").model == found.model


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("lazy", [True, False])
def test_number_is_found_in_a_file_and_kept_in_another(
    signal, found, tmp_path, extension, lazy
):
    signal.save(tmp_path / f"grains.{extension}")
    labels = hs.load(tmp_path / f"grains.{extension}", lazy=lazy).segment_symmetry()
    assert labels.n_patterns == 2
    np.testing.assert_array_equal(np.asarray(labels.data), found.data)
    labels.save(tmp_path / f"labels.{extension}")
    loaded = hs.load(tmp_path / f"labels.{extension}", lazy=lazy)
    assert loaded.model == found.model
    assert loaded.model.refusals == found.model.refusals


def test_labels_by_default_do_not_depend_on_threads(signal, found):
    again = signal.segment_symmetry(num_workers=3)
    assert again.model == found.model
    np.testing.assert_array_equal(again.data, found.data)


def test_costs_are_not_found_for_a_number_that_is_given(labels):
    assert labels.model.costs is None
    assert labels.model.refusals is None


def test_number_found_is_recorded_and_may_be_repeated_with_the_model(signal, found):
    assert found.metadata.Symmetry_segmentation.n_patterns == 2
    assert signal.segment_symmetry(2, model=found.model).model == found.model


@pytest.mark.parametrize("refine", [True, False])
def test_number_that_is_neither_an_int_nor_auto_is_an_error(signal, refine):
    with pytest.raises(ValueError, match="^n_patterns must be .*auto.* got 'many'"):
        signal.segment_symmetry("many", refine=refine)


def test_another_number_than_that_of_the_model_is_an_error(signal, found):
    with pytest.raises(ValueError, match="^n_patterns must be 2 with this model"):
        signal.segment_symmetry(3, model=found.model)


@pytest.fixture
def said(caplog):
    """Lines of the log that are of n_patterns."""
    caplog.set_level("INFO", "hyperspy_symseg")
    return lambda: [line for line in caplog.messages if "n_patterns" in line]


@pytest.mark.parametrize(
    "options",
    [
        {"refine": False},
        # Templates see orientation, and rotations do not.
        {"descriptor": "rotation", "step": 4, "stride": 8},
        {"refine": False, "patch": 11, "window": 9, "stride": 5},
    ],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_auto_is_two_without_templates_and_one_line_says_so(
    signal, said, options, lazy
):
    source = signal.as_lazy() if lazy else signal
    found = source.segment_symmetry(**options)
    [line] = said()
    assert line.startswith(
        'n_patterns="auto" is 2 where labels are those of the scores'
    )
    assert found.model == signal.segment_symmetry(2, **options).model


def test_auto_is_two_of_noise_without_templates(noise, said):
    assert noise.segment_symmetry(refine=False).n_patterns == 2
    assert len(said()) == 1


def test_auto_is_one_of_noise_and_one_line_says_so(noise, said):
    noise.segment_symmetry()
    [line] = said()
    assert line.startswith('n_patterns="auto" is 1 without a lattice period')


def test_nothing_is_said_where_the_number_is_found(signal, said):
    signal.segment_symmetry()
    assert not said()


def test_number_of_patterns_of_a_series(series):
    assert series.segment_symmetry().n_patterns == 2
