# SPDX-License-Identifier: GPL-3.0-or-later
"""What refined labels do not depend on: chunks, threads, parts and masked pixels."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels

from .conftest import SHAPE, chunked


def test_lazy_labels_are_the_eager_ones(signal, labels):
    found = signal.as_lazy().segment_symmetry(2)
    assert type(found) is LazySymmetryLabels
    assert found.model == labels.model
    found.compute()
    assert type(found) is SymmetryLabels
    np.testing.assert_array_equal(found.data, labels.data)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    chunks=st.tuples(st.integers(20, 160), st.integers(20, 200)),
    dtype=st.sampled_from(["=u2", ">u2", "=f4", ">f8", "=i4"]),
)
def test_labels_do_not_depend_on_chunks_and_dtype(signal, labels, chunks, dtype):
    other = signal._deepcopy_with_new_data(signal.data.astype(dtype))
    found = chunked(other, chunks).segment_symmetry(2)
    np.testing.assert_array_equal(np.asarray(found.data), labels.data)


def test_labels_do_not_depend_on_the_order_in_memory(signal, labels):
    other = signal._deepcopy_with_new_data(np.asfortranarray(signal.data))
    found = other.segment_symmetry(2)
    assert found.model == labels.model
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.mark.parametrize("num_workers", [1, 2, 5])
def test_labels_do_not_depend_on_threads(signal, labels, num_workers):
    found = signal.segment_symmetry(2, num_workers=num_workers)
    assert found.model == labels.model
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_labels_of_a_series_do_not_depend_on_the_scheduler(
    series, series_labels, scheduler
):
    found = chunked(series, (2, 70, 90)).segment_symmetry(2)
    assert found.model == series_labels.model
    labels = found.data.compute(scheduler=scheduler, num_workers=2)
    np.testing.assert_array_equal(labels, series_labels.data)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("upsample", [False, True])
def test_labels_of_tiles_are_the_same_eager_and_lazy(signal, upsample):
    options = {"upsample": upsample, "certainty": True}
    found, certainty = signal.segment_symmetry(2, **options)
    lazy, lazy_certainty = chunked(signal, (50, 64)).segment_symmetry(2, **options)
    assert lazy.data.npartitions > 1
    np.testing.assert_array_equal(np.asarray(lazy.data), found.data)
    np.testing.assert_array_equal(np.asarray(lazy_certainty.data), certainty.data)


def test_labels_of_tiles_are_nearly_those_of_the_whole(signal, labels, small_parts):
    found = signal.segment_symmetry(model=labels.model)
    assert (found.data == labels.data).mean() > 0.999


def test_series_has_the_labels_of_its_frames(series, series_labels):
    for i in range(3):
        one = series.inav[i].segment_symmetry(model=series_labels.model)
        np.testing.assert_array_equal(series_labels.data[i], one.data)


def test_series_has_a_boundary_that_moves(series_labels):
    for i, frame in enumerate(series_labels.data):
        truth = np.arange(SHAPE[1]) >= 70 + 10 * i
        assert max((frame == truth).mean(), (frame != truth).mean()) > 0.98


def test_masked_pixels_do_not_matter(signal):
    mask = np.zeros(SHAPE, bool)
    mask[60:90, 20:60] = True
    other = signal.deepcopy()
    other.data = np.where(mask, 1000, signal.data)
    expected = signal.segment_symmetry(2, mask=mask)
    found = other.segment_symmetry(2, mask=mask)
    assert found.model == expected.model
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.data == -1, mask)


def test_pixels_that_are_not_finite_are_masked(signal):
    mask = np.zeros(SHAPE, bool)
    mask[60:90, 20:60] = True
    other = signal.deepcopy()
    other.change_dtype(float)
    masked = other.segment_symmetry(2, mask=mask)
    other.data[mask] = np.nan
    found = other.segment_symmetry(2)
    assert found.model.templates == masked.model.templates
    np.testing.assert_array_equal(found.data, masked.data)
