# SPDX-License-Identifier: GPL-3.0-or-later
"""How certain labels are."""

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from .conftest import SHAPE, grains


def test_certainty_is_a_probability_with_the_axes_of_the_signal(certainty, signal):
    assert certainty.data.dtype == np.float32
    assert certainty.data.min() >= 0
    assert certainty.data.max() <= 1
    assert certainty.axes_manager.as_dictionary() == signal.axes_manager.as_dictionary()
    assert certainty.metadata.Signal.quantity == "Certainty"
    assert certainty.metadata.General.title == "Simulated micrograph"
    assert type(certainty) is hs.signals.Signal2D


def test_certainty_changes_no_labels(signal, labels, certainty):
    found, _ = signal.segment_symmetry(2, certainty=True)
    np.testing.assert_array_equal(found.data, labels.data)
    assert found.model == labels.model


def test_certainty_is_least_at_the_boundary(certainty):
    across = certainty.data[20:-20].mean(axis=0)
    assert abs(across.argmin() - 85) <= 6
    assert across.min() < 0.9
    assert np.r_[across[20:60], across[110:180]].min() > 0.99


def test_certainty_is_how_often_labels_are_right():
    certain, right = [], []
    for seed in range(6):
        signal, truth = grains(seed, dose=0.3)
        found, certainty = signal.segment_symmetry(2, certainty=True)
        agree = found.data == truth
        right.append(agree if agree.mean() > 0.5 else ~agree)
        certain.append(certainty.data)
    certain, right = np.array(certain), np.array(right)
    assert certain.mean() == pytest.approx(right.mean(), abs=0.01)
    doubtful = certain < 0.8
    assert right[doubtful].mean() == pytest.approx(certain[doubtful].mean(), abs=0.2)
    assert right[~doubtful].mean() > right[doubtful].mean()


def test_certainty_is_missing_where_the_label_is(signal):
    other = signal.deepcopy()
    other.change_dtype(float)
    other.data[10:14, 20:22] = np.nan
    mask = np.zeros(SHAPE, bool)
    mask[100:120, 60:80] = True
    found, certainty = other.segment_symmetry(2, mask=mask, certainty=True)
    np.testing.assert_array_equal(found.data == -1, mask | np.isnan(other.data))
    np.testing.assert_array_equal(np.isnan(certainty.data), found.data == -1)


def test_certainty_on_the_grid_is_that_of_its_pixels(signal, labels, certainty):
    found, on_grid = signal.segment_symmetry(
        model=labels.model, upsample=False, certainty=True
    )
    y, x = (
        np.rint(on_grid.axes_manager[name].axis / 0.01).astype(int) for name in "yx"
    )
    np.testing.assert_array_equal(on_grid.data, certainty.data[np.ix_(y, x)])
    assert found.data.shape == on_grid.data.shape


def test_certainty_without_templates_is_missing(noise):
    found, certainty = noise.segment_symmetry(2, certainty=True)
    assert (found.data >= 0).all()
    assert np.isnan(certainty.data).all()


def test_one_pattern_is_certain(signal):
    found, certainty = signal.segment_symmetry(1, certainty=True)
    assert not found.data.any()
    np.testing.assert_array_equal(certainty.data, 1)


def test_certainty_without_refining_is_an_error(signal):
    with pytest.raises(ValueError, match="^certainty must be False without templates"):
        signal.segment_symmetry(refine=False, certainty=True)


def test_certainty_of_labels_that_are_there(signal, labels, certainty):
    found = labels.get_certainty(signal)
    np.testing.assert_array_equal(found.data, certainty.data)
    assert found.metadata.Signal.quantity == "Certainty"


def test_certainty_of_plain_labels_is_an_error(signal):
    plain = signal.segment_symmetry(refine=False)
    with pytest.raises(ValueError, match="those of the scores alone"):
        plain.get_certainty(signal)


@pytest.mark.parametrize("is_lazy", [False, True])
def test_certainty_of_a_series(series, series_labels, is_lazy):
    source = series.as_lazy() if is_lazy else series
    found, certainty = source.segment_symmetry(2, certainty=True)
    assert type(certainty) is (
        hs.signals.LazySignal2D if is_lazy else hs.signals.Signal2D
    )
    assert certainty.axes_manager.as_dictionary() == series.axes_manager.as_dictionary()
    one = series.inav[1].segment_symmetry(model=found.model, certainty=True)[1]
    np.testing.assert_array_equal(np.asarray(certainty.data[1]), one.data)
    np.testing.assert_array_equal(np.asarray(found.data), series_labels.data)


def test_labels_and_certainty_computed_at_once_read_every_frame_once(
    series, series_labels
):
    read = []

    def block(block_id):
        read.append(block_id[0])
        return series.data[block_id[0]][np.newaxis]

    data = da.map_blocks(
        block,
        chunks=((1,) * 3, *((n,) for n in SHAPE)),
        dtype=series.data.dtype,
        meta=series.data[:0, :0, :0],
    )
    lazy = series._deepcopy_with_new_data(data).as_lazy()
    found, certainty = lazy.segment_symmetry(model=series_labels.model, certainty=True)
    assert not read
    computed, probabilities = dask.compute(found.data, certainty.data)
    assert sorted(read) == [0, 1, 2]
    np.testing.assert_array_equal(computed, series_labels.data)
    eager = series.segment_symmetry(model=series_labels.model, certainty=True)[1]
    np.testing.assert_array_equal(probabilities, eager.data)
