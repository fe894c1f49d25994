# SPDX-License-Identifier: GPL-3.0-or-later
"""Models with templates, their records and files, and measures of their labels."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.segmentation import SymmetryModel

from .conftest import SHAPE, grains


@pytest.mark.parametrize("n_patterns", [2, "auto"])
def test_fit_to_a_plain_array_is_that_to_the_signal(signal, n_patterns):
    model = signal.segment_symmetry(n_patterns).model
    plain = SymmetryModel.fit(
        signal.data,
        model.descriptor,
        n_patterns,
        pixel_size=model.pixel_size,
        units=model.units,
    )
    assert plain.templates is not None
    assert plain == model


def test_record_of_what_was_done(labels):
    record = labels.metadata.Symmetry_segmentation
    assert record.refined
    # Every pixel has a label of its own.
    assert tuple(record.label_step) == (1, 1)
    assert record._model.templates.n_patterns == 2


def test_record_of_plain_labels(signal):
    found = signal.segment_symmetry(refine=False)
    record = found.metadata.Symmetry_segmentation
    assert not record.refined
    assert tuple(record.label_step) == tuple(record.stride)
    assert found.model.templates is None


def test_labels_on_the_grid_have_its_step(signal):
    record = signal.segment_symmetry(2, upsample=False).metadata.Symmetry_segmentation
    assert tuple(record.label_step) == tuple(record.stride)


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_model_survives_a_file(signal, labels, tmp_path, suffix, is_lazy):
    labels.save(tmp_path / f"labels.{suffix}")
    loaded = hs.load(tmp_path / f"labels.{suffix}", lazy=is_lazy)
    model = loaded.model
    assert model == labels.model
    found = signal.segment_symmetry(model=model)
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_record_survives_a_file(signal, tmp_path, suffix):
    found = signal.segment_symmetry("auto")
    found.save(tmp_path / f"labels.{suffix}")
    loaded = hs.load(tmp_path / f"labels.{suffix}")
    record, expected = (
        each.metadata.Symmetry_segmentation.as_dictionary() for each in (loaded, found)
    )
    for name in ("refined", "period", "reflections_share"):
        assert record[name] == expected[name]
    for name in ("period_in_units", "reflections", "label_step", "period_units"):
        np.testing.assert_array_equal(record[name], expected[name])
    np.testing.assert_array_equal(loaded.model.costs, found.model.costs)


def test_model_is_applied_to_another_frame(labels):
    other, truth = grains(seed=7, shape=(150, 170), at=100)
    found = other.segment_symmetry(model=labels.model)
    assert found.model == labels.model
    assert found.metadata.Symmetry_segmentation.refined
    assert not found.metadata.Symmetry_segmentation.has_item("period")
    # The same pattern has the same label, though it is the larger one here.
    assert (found.data == truth).mean() > 0.98


def test_model_has_its_stride(signal, labels):
    found = signal.segment_symmetry(model=labels.model)
    stride = found.metadata.Symmetry_segmentation.stride
    assert tuple(stride) == labels.model.stride


def test_templates_of_a_model_cannot_be_left_out(signal, labels):
    with pytest.raises(
        ValueError, match="^refine must be True with this model, got False"
    ):
        signal.segment_symmetry(model=labels.model, refine=False)


@pytest.mark.parametrize("refine", ["auto", False])
def test_model_without_templates_is_applied(signal, refine):
    plain = signal.segment_symmetry(refine=False)
    found = signal.segment_symmetry(model=plain.model, refine=refine)
    np.testing.assert_array_equal(found.data, plain.data)


def test_model_with_fewer_operations_keeps_its_templates(signal, labels):
    smaller = labels.model.select(9)
    assert smaller.templates == labels.model.templates
    found = signal.segment_symmetry(model=smaller)
    assert (found.data == labels.data).mean() > 0.995


def test_counts_are_of_the_refined_labels(labels):
    counts = labels.model.counts
    assert counts[0] <= counts[1]
    np.testing.assert_allclose(
        counts / counts.sum(),
        np.bincount(labels.data.ravel()) / labels.data.size,
        atol=0.03,
    )


def test_areas_are_those_of_the_grains(labels):
    areas = labels.get_areas().data / 0.01**2 / SHAPE[0]
    np.testing.assert_allclose(areas, [85, 115], atol=2)


def test_boundary_length_is_that_of_the_boundary(labels):
    # 160 rows, a little more because the boundary is not quite straight.
    lengths = labels.get_boundary_length().data / 0.01
    np.testing.assert_allclose(lengths, 165, atol=12)


def test_boundary_length_counts_what_was_computed_once(labels):
    fine = labels._deepcopy_with_new_data(np.kron(labels.data, np.ones((2, 2), int)))
    fine.axes_manager["x"].scale, fine.axes_manager["y"].scale = 0.005, 0.005
    fine.metadata.Symmetry_segmentation.label_step = (2, 2)
    np.testing.assert_allclose(
        fine.get_boundary_length().data, labels.get_boundary_length().data
    )


def test_boundary_length_of_lazy_labels(signal, labels):
    lazy = signal.as_lazy().segment_symmetry(2)
    lengths = lazy.get_boundary_length()
    lengths.compute()
    np.testing.assert_allclose(lengths.data, labels.get_boundary_length().data)
