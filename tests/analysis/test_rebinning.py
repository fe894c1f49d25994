# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of larger pixels, beside a count by hand."""

import collections
import itertools

import numpy as np
import pytest
from hyperspy.signals import Signal2D

from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels


def labels_of(data, is_lazy=False):
    signal = Signal2D(data)
    signal.set_signal_type("symmetry_labels")
    return signal.as_lazy(chunks=(2,) * data.ndim) if is_lazy else signal


def counted(data, factors):
    """Most frequent label of each bin: the smallest of several, but not -1."""
    shape = tuple(n // f for n, f in zip(data.shape, factors, strict=True))
    expected = np.empty(shape, data.dtype)
    for place in itertools.product(*map(range, shape)):
        bins = tuple(
            slice(i * f, (i + 1) * f) for i, f in zip(place, factors, strict=True)
        )
        counts = collections.Counter(data[bins].ravel().tolist())
        expected[place] = min(counts, key=lambda k: (-counts[k], k < 0, k))
    return expected


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("factors", [(1, 2, 3), (2, 1, 1), (3, 4, 2), (1, 11, 13)])
@pytest.mark.parametrize("dtype", ["i1", "u2", ">i4", "i8"])
def test_label_of_a_bin_is_the_most_frequent(factors, dtype, is_lazy):
    least = 0 if dtype == "u2" else -1
    data = np.random.default_rng(2).integers(least, 4, (3, 11, 13)).astype(dtype)
    labels = labels_of(data, is_lazy)
    # In HyperSpy's order: time, x, y.
    scale = (factors[0], factors[2], factors[1])
    rebinned = labels.rebin(scale=scale)
    assert type(rebinned) is (LazySymmetryLabels if is_lazy else SymmetryLabels)
    assert rebinned.data.dtype == data.dtype
    np.testing.assert_array_equal(np.asarray(rebinned.data), counted(data, factors))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([2, 2, 1, 1], 1), ([-1, -1, 2, 2], 2), ([-1, -1, 2, 1], -1), ([-1] * 4, -1)],
)
def test_ties_are_the_smallest_label_and_never_no_label(values, expected):
    labels = labels_of(np.array(values, np.int8).reshape(2, 2))
    assert labels.rebin(scale=(2, 2)).data == expected


def test_axes_are_those_that_hyperspy_gives_a_micrograph():
    data = np.zeros((6, 10), np.int8)
    labels = labels_of(data)
    micrograph = Signal2D(data.astype(float))
    for signal in (labels, micrograph):
        signal.axes_manager[0].scale, signal.axes_manager[0].offset = 0.2, 7
        signal.axes_manager[1].units = "nm"
    ours, theirs = (s.rebin(new_shape=(5, 2)) for s in (labels, micrograph))
    assert ours.axes_manager.as_dictionary() == theirs.axes_manager.as_dictionary()
    assert labels.axes_manager[0].scale == 0.2


@pytest.mark.parametrize("is_lazy", [False, True])
def test_rebinned_labels_are_put_where_asked(is_lazy):
    data = np.random.default_rng(2).integers(0, 3, (6, 10))
    labels = labels_of(data, is_lazy)
    out = labels.rebin(scale=(5, 3))
    out.data = np.zeros_like(out.data)
    assert labels.rebin(scale=(5, 3), out=out) is None
    np.testing.assert_array_equal(np.asarray(out.data), counted(data, (3, 5)))


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"scale": (1.5, 1)}, "^scale must be whole numbers of at least 1"),
        ({"scale": (0.5, 1)}, "^scale must be whole numbers"),
        ({"scale": (0, 1)}, "^scale must be whole numbers"),
        ({"scale": (np.nan, 1)}, "^scale must be whole numbers"),
        ({"new_shape": (4, 6)}, "^scale .* and new_shape divide the shape"),
        ({"scale": (1, 7)}, "^scale must be at most the shape"),
        ({"scale": (3, 1), "crop": False}, "^crop must be True"),
        ({"scale": (2, 1), "dtype": float}, "^dtype must be None"),
    ],
)
def test_what_is_not_allowed_is_an_error(options, error, is_lazy):
    with pytest.raises(ValueError, match=error):
        labels_of(np.zeros((6, 10), np.int8), is_lazy).rebin(**options)


def test_length_of_a_boundary_of_rebinned_labels_is_the_same(two_grains, small):
    labels = two_grains[0].segment_symmetry(refine=False, **small)
    length = labels.get_boundary_length().data
    for factor, step in ((2, 2), (3, 1)):
        rebinned = labels.rebin(scale=(factor, factor))
        assert rebinned.metadata.Symmetry_segmentation.label_step == (step, step)
        np.testing.assert_allclose(
            rebinned.get_boundary_length().data, length, rtol=0.1
        )
    assert tuple(labels.metadata.Symmetry_segmentation.label_step) == (3, 3)
