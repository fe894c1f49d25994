# SPDX-License-Identifier: GPL-3.0-or-later
"""Dictionaries of models as files may hold them: later, broken or hostile ones."""

import copy
import functools
import time
import warnings

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.testing import MODEL_NAMES, example_frame, example_model

# Longer than any of these takes on a busy machine, and shorter than what hangs.
SECONDS = 60
ENORMOUS = da.zeros((10**6, 10**6), chunks=1000)
VALUES = (
    st.sampled_from(
        [
            None,
            np.nan,
            np.inf,
            -1,
            0,
            1,
            1e9,
            1e-9,
            10**9,
            2**70,
            -(2**70),
            1.5,
            1e300,
            True,
            "",
            "3",
            "m**9**9**9",
            b"3",
            [],
            [1, [2, 3]],
            [[1.0, 2.0]],
            ["nm", "m**9**9**9"],
            (3, -3),
            (10**5, 10**5),
            {},
            {"name": "translation"},
            {"name": {"name": 3}},
            {3: 4},
            np.array(5),
            np.int8(100),
            np.zeros(0),
            np.zeros((0, 5)),
            np.zeros((3, 0)),
            np.full(25, np.nan),
            np.full((5, 25), 1e38),
            np.zeros((2, 25), complex),
            np.array(["a", "b"]),
            np.array([None, {}], object),
            np.array(["2020-01-01"], "M8[D]"),
            np.array([2, -2], np.int8),
            np.array([10**5, 10**5]),
            ENORMOUS,
            da.zeros(10**12, chunks=10**9, dtype="int8"),
            da.full(25, np.nan),
        ]
    )
    | st.integers(-(2**40), 2**40)
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(-3, 3) | st.floats(-2, 2), max_size=4)
)

NUMBERS = (0, -1, 1, 3, 1e6, 1e-20, 1e20, 1e300, np.nan, np.inf)


@functools.cache
def stored(name):
    model = example_model(name)
    for own in (model.templates, model.costs, model.refusals):
        assert (own is not None) == (name == "templates")
    return model.to_dict()


def paths(values, before=()):
    """Where the fields are, and those of the dictionaries within."""
    for key, value in values.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from paths(value, (*before, key))


def is_array(values, path):
    """Whether there is an array of numbers at a place in dictionaries."""
    value = functools.reduce(dict.__getitem__, path, values)
    return np.ndim(value) > 0 and np.asarray(value).dtype.kind in "iuf"


@st.composite
def changes(draw):
    """Which model, where in it, how it is changed, and what it gets."""
    name = draw(st.sampled_from(MODEL_NAMES))
    *where, field = draw(st.sampled_from(sorted(paths(stored(name)))))
    how = draw(st.sampled_from(["drop", "add", "replace", "one number"]))
    if how == "add":
        names = ["new", "period", "window", "n_axes", "costs", "refusals"]
        field = draw(st.sampled_from(names))
    if how == "one number":
        arrays = [p for p in paths(stored(name)) if is_array(stored(name), p)]
        return name, draw(st.sampled_from(arrays)), how, draw(st.sampled_from(NUMBERS))
    return name, (*where, field), how, draw(VALUES)


def changed(name, path, how, value):
    """Dictionary of a model with one field changed."""
    values = copy.deepcopy(stored(name))
    *where, field = path
    branch = functools.reduce(dict.__getitem__, where, values)
    if how == "drop":
        del branch[field]
    elif how == "one number":
        array = np.array(branch[field])
        if array.dtype.kind != "f":
            value = int(np.nan_to_num(min(value, 2**60)))
        array.reshape(-1)[-1:] = value
        branch[field] = array
    else:
        branch[field] = value
    return values


@given(changes())
@settings(max_examples=200, deadline=None)
def test_changed_dictionary_makes_a_model_that_works_or_names_the_field(
    errors_name, change
):
    values, path = changed(*change), change[1]
    # Of two that do not fit each other, either may be named.
    fields = {str(path[-1]), *(str(where[-1]) for where in paths(values))}
    began = time.perf_counter()
    with errors_name(fields), warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SymmetryModel.from_dict(values)
        assert model == SymmetryModel.from_dict(model.to_dict())
        # A patch may be larger than the frame.
        labels = model.predict(example_frame())
        assert -1 <= labels.min() <= labels.max() < model.n_patterns
    assert time.perf_counter() - began < SECONDS


def without(name, field):
    values = stored(name)
    return {key: value for key, value in values.items() if key != field}


def test_dictionary_without_a_format_is_read():
    values = without("templates", "format")
    assert SymmetryModel.from_dict(values).to_dict()["format"] == 5


def test_templates_of_an_earlier_format_have_one_contrast():
    values = stored("templates") | {"format": 2}
    del values["templates"]["contrast_widths"]
    found = SymmetryModel.from_dict(values).templates
    np.testing.assert_array_equal(found.contrast_widths, np.zeros(len(found.widths)))


def test_templates_of_an_earlier_format_have_no_antiphase_domains():
    values = stored("templates") | {"format": 3}
    del values["templates"]["antiphase"]
    found = SymmetryModel.from_dict(values).templates
    np.testing.assert_array_equal(found.antiphase, np.zeros((len(found.widths), 2)))


def test_templates_of_an_earlier_format_have_no_variances():
    values = stored("templates") | {"format": 4}
    del values["templates"]["variances"]
    found = SymmetryModel.from_dict(values).templates
    np.testing.assert_array_equal(found.variances, np.zeros(found.n_patterns))


def test_format_of_a_later_version_is_refused_by_name():
    values = stored("rotation") | {"format": 6}
    with pytest.raises(ValueError, match="^format of the model .* from 1 to 5.* got 6"):
        SymmetryModel.from_dict(values)


def test_field_of_a_later_version_is_named():
    values = stored("rotation") | {"new_field": 3}
    with pytest.raises(ValueError, match="^model must have .* got 'new_field'"):
        SymmetryModel.from_dict(values)


def test_missing_field_is_named():
    with pytest.raises(ValueError, match="^model must have the field counts"):
        SymmetryModel.from_dict(without("rotation", "counts"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("counts", [-1, 3]),
        ("counts", [0, 0]),
        ("mean", np.full(8, np.nan)),
        ("mean", ENORMOUS),
        ("mean", np.full(8, None)),
        ("centres", "2"),
        ("random_state", -1),
        ("pixel_size", (0.0, 1.0)),
        ("units", ("nm", 3)),
        ("stride", (0, 10**10)),
        ("templates", {"period": 3}),
        ("templates", 3),
    ],
)
def test_field_that_no_fit_gives_is_named(field, value):
    with pytest.raises((TypeError, ValueError), match=rf"\b{field}\b"):
        SymmetryModel.from_dict(stored("rotation") | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("period", 1e9),
        ("period", 1e-9),
        ("n_patterns", 10**9),
        ("noise", 0.0),
        ("noise", np.nan),
        ("patterns", [5]),
        ("reflections", np.zeros((3, 3))),
        ("amplitudes", ENORMOUS),
    ],
)
def test_field_of_templates_that_no_fit_gives_is_named(field, value):
    values = stored("templates")
    values = values | {"templates": values["templates"] | {field: value}}
    with pytest.raises((TypeError, ValueError), match=rf"\b{field}\b"):
        SymmetryModel.from_dict(values)


@pytest.mark.parametrize(
    "value",
    [
        3,
        "much alike",
        [3, 4, 5],
        # Unknown, too few, too many that were tried, and one pattern refused.
        ["", "", "ugly"],
        [""],
        ["", "much alike", "much alike", "much alike", "much alike", "much alike"],
        ["much alike", *["not tried"] * 7],
        ["", "not tried", *["not tried"] * 6],
        # A cost that is infinite.
        ["", "", "gains too little", "a rim of others", *["not tried"] * 4],
        ENORMOUS,
    ],
)
def test_refusals_that_no_fit_gives_are_named(value):
    with pytest.raises((TypeError, ValueError), match="^refusals"):
        SymmetryModel.from_dict(stored("templates") | {"refusals": value})


def test_refusals_without_costs_are_named():
    with pytest.raises(ValueError, match="^refusals of the model .* of 0 costs"):
        SymmetryModel.from_dict(without("templates", "costs"))


def test_costs_of_before_there_were_refusals_are_read():
    found = SymmetryModel.from_dict(without("templates", "refusals"))
    assert found.refusals is None
    np.testing.assert_array_equal(found.costs, stored("templates")["costs"])


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_refusals_may_be_a_list_or_an_array(kind):
    values = stored("templates")
    found = SymmetryModel.from_dict(values | {"refusals": kind(values["refusals"])})
    assert found == SymmetryModel.from_dict(values)
    assert set(map(type, found.refusals)) == {str}


@pytest.mark.parametrize("descriptor", [3, {}, {"name": "sum"}, {"name": ENORMOUS}])
def test_descriptor_that_is_none_is_named(descriptor):
    with pytest.raises((TypeError, ValueError), match="descriptor"):
        SymmetryModel.from_dict(stored("rotation") | {"descriptor": descriptor})


def test_operations_that_do_not_fit_into_memory_are_not_made():
    parameters = {"name": "power_spectrum", "window": (10**5, 10**5)}
    parameters["max_operations"] = 2**30
    with pytest.raises(ValueError, match="^max_operations must be an int from 1 to"):
        SymmetryModel.from_dict(stored("rotation") | {"descriptor": parameters})


def test_lazy_arrays_are_read():
    values = {
        key: da.asarray(value) if isinstance(value, np.ndarray) else value
        for key, value in stored("rotation").items()
    }
    rebuilt = SymmetryModel.from_dict(values)
    assert rebuilt == SymmetryModel.from_dict(stored("rotation"))
