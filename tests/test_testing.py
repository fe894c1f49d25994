# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategies that dependants use, as they use them."""

import sys

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from hyperspy_symseg import testing
from hyperspy_symseg.segmentation import SymmetryModel


@given(st.data(), testing.shapes(2, 9))
@settings(deadline=None, max_examples=25)
def test_frames_are_of_the_shape_asked_for(data, shape):
    frame = data.draw(testing.frames(shape))
    assert frame.shape == shape
    assert frame.dtype.kind in "iufb"


@given(testing.frames((9, 11), damaged=False))
@settings(deadline=None, max_examples=50)
def test_frames_without_damage_are_finite(frame):
    assert np.isfinite(frame.astype(float)).all()


@pytest.mark.parametrize(
    "is_one",
    [
        lambda frame: not np.isfinite(frame.astype(float)).all(),
        lambda frame: frame.size and frame.max() == frame.min(),
        lambda frame: not frame.flags.c_contiguous,
        lambda frame: not frame.dtype.isnative,
    ],
)
def test_some_frames_are_difficult(is_one):
    find(testing.frames((9, 11)), is_one, settings=settings(max_examples=500))


@given(testing.masks((5, 8)))
def test_masks_leave_pixels_out(mask):
    assert mask is None or (mask.shape == (5, 8) and mask.dtype == bool)


def test_some_masks_leave_out_everything_below_a_row():
    find(testing.masks((5, 8)), lambda mask: mask is not None and mask[-1].all())


@given(st.booleans(), st.data())
def test_labels_are_those_of_patterns(labelled, data):
    labels = data.draw(testing.label_maps((3, 5, 7), 2, labelled=labelled))
    assert labels.dtype == np.int8
    assert set(np.unique(labels)) <= ({0, 1} if labelled else {-1, 0, 1})


@given(testing.label_signals((3, 5, 7)))
@settings(deadline=None, max_examples=10)
def test_areas_of_label_signals_add_up(seg):
    y, x = seg.axes_manager.signal_axes
    labelled = (seg.data >= 0).sum(axis=(1, 2)) * abs(y.scale * x.scale)
    np.testing.assert_allclose(seg.get_areas().data.sum(axis=0), labelled)


@given(testing.chunked(np.arange(60).reshape(3, 4, 5)))
@settings(deadline=None, max_examples=10)
def test_chunks_change_nothing(array):
    np.testing.assert_array_equal(array.compute(scheduler="sync").ravel(), range(60))


@given(testing.models())
@settings(deadline=None, max_examples=10)
def test_models_are_of_the_example_and_can_be_stored(model):
    assert SymmetryModel.from_dict(model.to_dict()) == model
    labels = model.predict(testing.example_frame())
    assert set(np.unique(labels)) <= {-1, *range(model.n_patterns)}


def test_a_model_of_another_name():
    with pytest.raises(ValueError, match="^name must be one of .* got 'other'"):
        testing.example_model("other")


def test_without_hypothesis_the_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "hyperspy_symseg.testing")
    monkeypatch.setitem(sys.modules, "hypothesis.strategies", None)
    with pytest.raises(ImportError, match=r'pip install "hyperspy-symseg\[test\]"'):
        import hyperspy_symseg.testing  # noqa: F401
