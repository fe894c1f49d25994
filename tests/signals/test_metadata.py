# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of which the metadata are those of a later version, broken, or hostile."""

import functools
import time
import warnings

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg import simulate

SECONDS = 10
VALUES = st.sampled_from(
    [
        np.nan,
        np.inf,
        -1,
        0,
        7,
        1e9,
        1e-9,
        10**9,
        1e300,
        True,
        False,
        "",
        "3",
        "m**9**9**9",
        [],
        [1, 2],
        ["m**9**9**9", "m**9**9**9"],
        (3, -3),
        (10**5, 10**5),
        {"a": {"b": {"c": 3}}},
        np.zeros(0),
        np.zeros((0, 2)),
        np.full(9, np.nan),
        np.full((2, 9), 1e38),
        np.array([[10**9, 3]]),
        np.zeros((2, 9), complex),
    ]
)


@functools.cache
def series():
    movie, _ = simulate.moving_boundary(
        2, (45, 52), speed=3, drift=2, spacing=7, column_width=1.2, dose=30
    )
    movie.compute(show_progressbar=False)
    return movie


@functools.cache
def stored_labels():
    options = {"patch": 5, "window": 4, "max_operations": 9, "fit_on": [0]}
    return series().segment_symmetry(2, **options, show_progressbar=False)


def fields(values, before=()):
    """Where the fields are, and those of the dictionaries within."""
    for key, value in values.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from fields(value, (*before, key))


@st.composite
def changes(draw):
    """Where the metadata are changed, and what they get; None drops the field."""
    record = stored_labels().metadata.Symmetry_segmentation.as_dictionary()
    # Without a dictionary there, labels have no model.
    paths = sorted(set(fields(record)) - {("_model",)})
    of_model = st.sampled_from([path for path in paths if path[0] == "_model"])
    others = st.sampled_from([path for path in paths if path[0] != "_model"])
    return draw(of_model | others), draw(st.none() | VALUES)


# All that asks the metadata.
USES = {
    "model": lambda labels: labels.model,
    "n_patterns": lambda labels: labels.n_patterns,
    "areas": lambda labels: labels.get_areas(),
    "boundary length": lambda labels: labels.get_boundary_length(),
    "certainty": lambda labels: labels.get_certainty(series(), num_workers=1),
    "separability": lambda labels: labels.get_separability(),
    "periods": lambda labels: labels.plot_periods(series()),
    "plot": lambda labels: labels.plot(navigator=None),
}


@given(changes(), st.sampled_from(list(USES)), st.booleans())
@settings(max_examples=60, deadline=None)
def test_changed_metadata_work_or_the_field_is_named(
    tmp_path_factory, errors_name, change, use, is_saved
):
    (*where, field), value = change
    labels = stored_labels().deepcopy()
    branch = functools.reduce(
        lambda tree, name: tree[name], where, labels.metadata.Symmetry_segmentation
    )
    delattr(branch, field)
    if value is not None:
        branch.set_item(field, value)
    record = stored_labels().metadata.Symmetry_segmentation.as_dictionary()
    names = {path[-1] for path in fields(record)}
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        if is_saved:
            path = tmp_path_factory.mktemp("labels") / "labels.hspy"
            labels.save(path)
            labels = hs.load(path)
        with errors_name(names):
            USES[use](labels)
    plt.close("all")
    assert time.perf_counter() - began < SECONDS


def test_error_names_the_version_that_wrote_the_labels():
    labels = stored_labels().deepcopy()
    record = labels.metadata.Symmetry_segmentation
    record.version = "9.9"
    record.set_item("_model.new_field", 3)
    message = r"new_field.*written by hyperspy-symseg 9\.9; this is"
    with pytest.raises(ValueError, match=message):
        labels.get_separability()


def test_labels_of_a_later_format_are_refused_by_name():
    labels = stored_labels().deepcopy()
    labels.metadata.Symmetry_segmentation.format = 6
    with pytest.raises(ValueError, match=r"^format of metadata\.Symmetry_segmentation"):
        labels.get_areas()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_patterns", 10**9),
        ("n_patterns", -1),
        ("label_step", (0, 1)),
        ("label_step", "1"),
        ("upsample", "yes"),
        ("stride", (10**10, 1)),
    ],
)
def test_part_of_the_record_is_named(field, value):
    labels = stored_labels().deepcopy()
    labels.metadata.Symmetry_segmentation[field] = value
    message = rf"^metadata\.Symmetry_segmentation\.{field}\b"
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(labels._record, field)


@pytest.mark.parametrize("fit_on", [[[9]], [[-1]], [[0, 0]], [0], [["a"]], [[0.5]]])
def test_frames_that_are_not_there_are_named(fit_on):
    labels = stored_labels().deepcopy()
    labels.metadata.Symmetry_segmentation.fit_on = np.array(fit_on)
    with pytest.raises(ValueError, match="fit_on"):
        labels.plot_periods(series())


@pytest.mark.parametrize(
    "units", ["m**9**9**9", "nm^99999999", "2**9**9**9", "(" * 10**5]
)
def test_units_that_pint_would_compute_for_ever(units):
    labels = stored_labels().deepcopy()
    labels.metadata.Symmetry_segmentation._model.units = (units, units)
    signal = series().deepcopy()
    for axis in signal.axes_manager.signal_axes:
        axis.units = units
    labels.get_certainty(signal, num_workers=1)
    with pytest.raises(ValueError, match="^model must be fitted at the pixel size"):
        labels.get_certainty(series(), num_workers=1)
