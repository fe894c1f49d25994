# SPDX-License-Identifier: GPL-3.0-or-later
"""``segment_symmetry`` with templates: what it finds, and says of itself."""

import logging

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperspy_symseg import simulate
from hyperspy_symseg.descriptors import tiles
from hyperspy_symseg.segmentation import labelling, parts
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels, frames

SHAPE = (160, 200)
CRYSTAL = simulate.Lattice.square(9, orientation=5)
GRAINS = [CRYSTAL, CRYSTAL.rotated(36)]


def grains(seed=0, shape=SHAPE, at=85, **options):
    """Frame of two grains, and its true labels; the smaller grain is 0."""
    labels = np.ones(shape, np.int8)
    labels[:, :at] = 0
    options = {"dose": 2, "column_width": 1.5} | options
    signal, _ = simulate.micrograph(GRAINS, boundary=labels, seed=seed, **options)
    return signal, labels


@pytest.fixture(scope="module")
def truth():
    return grains()[1]


@pytest.fixture(scope="module")
def signal():
    signal, _ = grains()
    signal.data.flags.writeable = False
    return signal


@pytest.fixture(scope="module")
def labels(signal):
    return signal.segment_symmetry(show_progressbar=False)


@pytest.fixture(scope="module")
def certainty(signal):
    return signal.segment_symmetry(certainty=True, show_progressbar=False)[1]


@pytest.fixture(scope="module")
def series():
    """Three frames of a boundary that moves, with a time axis."""
    movie = hs.stack(
        [grains(seed=seed, at=70 + 10 * seed)[0] for seed in range(3)],
        new_axis_name="time",
        show_progressbar=False,
    )
    movie.axes_manager[0].scale, movie.axes_manager[0].units = 0.5, "s"
    return movie


@pytest.fixture(scope="module")
def series_labels(series):
    return series.segment_symmetry(show_progressbar=False)


@pytest.fixture
def noise():
    return hs.signals.Signal2D(np.random.default_rng(1).poisson(5, SHAPE))


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(tiles, "TILE_SHAPE", (30, 40))
    cut = parts.cut_into_parts

    def cut_small(descriptor, grid, shape, part_shape=None, margin=0):
        return cut(descriptor, grid, shape, (70, 90), margin)

    for module in (frames, labelling):
        monkeypatch.setattr(module, "cut_into_parts", cut_small)


def chunked(signal, chunks):
    return signal._deepcopy_with_new_data(
        da.from_array(signal.data, chunks=chunks)
    ).as_lazy()


# What is found


def test_labels_are_the_grains(labels, truth):
    assert (labels.data == truth).mean() > 0.985


@pytest.mark.parametrize("dose", [0.3, 0.5])
def test_fewer_pixels_are_wrong_than_of_the_scores_alone_at_a_low_dose(dose):
    wrong = {True: [], False: []}
    for seed in range(3):
        signal, truth = grains(seed, dose=dose)
        for refine, shares in wrong.items():
            found = signal.segment_symmetry(refine=refine).data
            share = (found != truth).mean()
            shares.append(min(share, 1 - share))
    assert np.mean(wrong[True]) < 0.5 * np.mean(wrong[False])
    assert max(wrong[True]) < 0.02


def test_a_thin_lamella_is_found_that_the_scores_alone_miss():
    # Narrower than the patch, which is 2 x 15 pixels wide.
    truth = np.ones(SHAPE, np.int8)
    truth[:, 90:108] = 0
    signal, _ = simulate.micrograph(
        GRAINS, boundary=truth, dose=5, column_width=1.5, seed=0
    )
    share = {}
    for refine in (False, True):
        found = signal.segment_symmetry(refine=refine).data == 0
        share[refine] = (found & (truth == 0)).sum() / (found | (truth == 0)).sum()
    assert share[True] > 0.8
    assert share[True] > share[False]


def test_gain_offset_and_ramp_change_nothing(signal, labels):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    other = signal._deepcopy_with_new_data(3.0 * signal.data + 70 + 0.01 * (x + 2 * y))
    found = other.segment_symmetry(model=labels.model)
    assert (found.data == labels.data).mean() > 0.999


def test_labels_on_the_grid_are_those_of_its_pixels(signal, labels):
    step_y, step_x = labels.metadata.Symmetry_segmentation.stride
    found = signal.segment_symmetry(model=labels.model, upsample=False)
    y = np.rint(found.axes_manager["y"].axis / 0.01).astype(int)
    x = np.rint(found.axes_manager["x"].axis / 0.01).astype(int)
    assert (np.diff(y) == step_y).all()
    assert (np.diff(x) == step_x).all()
    np.testing.assert_array_equal(found.data, labels.data[np.ix_(y, x)])


# How many


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
    with pytest.raises(ValueError, match="^n_patterns='many'.*auto"):
        signal.segment_symmetry("many", refine=refine)


def test_number_cannot_be_found_without_templates(signal):
    with pytest.raises(ValueError, match='^n_patterns="auto"'):
        signal.segment_symmetry("auto", refine=False)


def test_number_of_patterns_of_a_series(series):
    assert series.segment_symmetry("auto").n_patterns == 2


# Lengths


def test_period_is_that_of_the_lattice(labels):
    record = labels.metadata.Symmetry_segmentation
    assert record.period == pytest.approx(9, abs=0.1)
    np.testing.assert_allclose(record.period_in_units, [0.01 * record.period] * 2)
    assert list(record.period_units) == ["nm", "nm"]


def test_period_in_the_units_of_each_axis(signal):
    other = signal.deepcopy()
    other.axes_manager["x"].scale = 0.02
    record = other.segment_symmetry().metadata.Symmetry_segmentation
    np.testing.assert_allclose(
        record.period_in_units, [0.01 * record.period, 0.02 * record.period]
    )


def test_reflections_are_those_of_the_grains(labels):
    reflections = labels.metadata.Symmetry_segmentation.reflections
    orders = []
    for angle in np.deg2rad([5, 41]):
        cosine, sine = np.cos(angle), np.sin(angle)
        orders.append(9 * reflections @ np.array([[sine, cosine], [cosine, -sine]]))
    away = [np.abs(order - np.rint(order)).max(axis=1) for order in orders]
    assert (np.min(away, axis=0) < 0.03).all()
    # There are some of each grain.
    assert {0, 1} == set(np.argmin(away, axis=0))


@pytest.mark.parametrize("refine", [True, False])
def test_lengths_follow_the_period(signal, refine):
    found = signal.segment_symmetry(refine=refine)
    # 1.75 periods, and 0.42 periods a stride; twice as far if it is refined.
    assert found.model.descriptor.window == (16, 16)
    assert found.model.stride == ((8, 8) if refine else (4, 4))


def test_lengths_grow_with_the_pixels_in_a_period(signal):
    fine = hs.signals.Signal2D(np.kron(signal.data, np.ones((2, 2))))
    found = fine.segment_symmetry()
    assert found.metadata.Symmetry_segmentation.period == pytest.approx(18, abs=0.2)
    assert found.model.descriptor.window == (32, 32)


@pytest.mark.parametrize(
    "given", [{"patch": "auto"}, {"stride": "auto", "window": "auto", "patch": "auto"}]
)
def test_auto_is_the_default_of_lengths(signal, labels, given):
    assert signal.segment_symmetry(**given).model == labels.model


def test_lengths_that_are_given_mean_what_they_say(signal):
    model = signal.segment_symmetry(patch=11, window=(9, 10), stride=(6, 5)).model
    assert model.descriptor.patch == (11, 11)
    assert model.descriptor.window == (9, 10)
    assert model.stride == (6, 5)


def test_a_length_that_is_given_leaves_the_others_to_the_period(signal, labels):
    model = signal.segment_symmetry(patch=0.12).model
    assert model.descriptor.patch == (12, 12)
    assert model.descriptor.window == labels.model.descriptor.window
    assert model.stride == labels.model.stride


def test_no_period_is_looked_for_if_nothing_needs_it(signal):
    plain = signal.segment_symmetry(patch=11, window=9, stride=5, refine=False)
    assert not plain.metadata.Symmetry_segmentation.has_item("period")


def test_without_a_period_there_is_a_warning(noise, caplog):
    with caplog.at_level(logging.WARNING, logger="hyperspy_symseg"):
        noise.segment_symmetry()
    assert "No lattice period found" in caplog.text


def test_with_a_period_there_is_no_warning(signal, caplog):
    with caplog.at_level(logging.WARNING, logger="hyperspy_symseg"):
        signal.segment_symmetry()
    assert not caplog.records


def test_without_a_period_labels_are_those_of_the_scores(noise):
    found = noise.segment_symmetry(patch=11, window=9, stride=5)
    plain = noise.segment_symmetry(patch=11, window=9, stride=5, refine=False)
    np.testing.assert_array_equal(found.data, plain.data)
    assert found.model == plain.model
    assert not found.metadata.Symmetry_segmentation.refined
    assert found.metadata.Symmetry_segmentation.period == 0


def test_without_a_period_lengths_are_those_for_12_pixels(noise):
    model = noise.segment_symmetry().model
    assert model.descriptor.patch == (20, 20)
    assert model.descriptor.window == (21, 21)
    assert model.stride == (5, 5)


# Certainty


def test_certainty_is_a_probability_with_the_axes_of_the_signal(certainty, signal):
    assert certainty.data.dtype == np.float32
    assert certainty.data.min() >= 0
    assert certainty.data.max() <= 1
    assert certainty.axes_manager.as_dictionary() == signal.axes_manager.as_dictionary()
    assert certainty.metadata.Signal.quantity == "Certainty"
    assert certainty.metadata.General.title == "Simulated micrograph"
    assert type(certainty) is hs.signals.Signal2D


def test_certainty_changes_no_labels(signal, labels, certainty):
    found, _ = signal.segment_symmetry(certainty=True)
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
        found, certainty = signal.segment_symmetry(certainty=True)
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
    found, certainty = other.segment_symmetry(mask=mask, certainty=True)
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
    found, certainty = noise.segment_symmetry(certainty=True)
    assert (found.data >= 0).all()
    assert np.isnan(certainty.data).all()


def test_one_pattern_is_certain(signal):
    found, certainty = signal.segment_symmetry(1, certainty=True)
    assert not found.data.any()
    np.testing.assert_array_equal(certainty.data, 1)


def test_certainty_without_refining_is_an_error(signal):
    with pytest.raises(ValueError, match="^certainty=True without templates"):
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
    found, certainty = source.segment_symmetry(certainty=True)
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


# Chunks, threads and parts


def test_lazy_labels_are_the_eager_ones(signal, labels):
    found = signal.as_lazy().segment_symmetry()
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
    found = chunked(other, chunks).segment_symmetry()
    np.testing.assert_array_equal(np.asarray(found.data), labels.data)


def test_labels_do_not_depend_on_the_order_in_memory(signal, labels):
    other = signal._deepcopy_with_new_data(np.asfortranarray(signal.data))
    found = other.segment_symmetry()
    assert found.model == labels.model
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.mark.parametrize("num_workers", [1, 2, 5])
def test_labels_do_not_depend_on_threads(signal, labels, num_workers):
    found = signal.segment_symmetry(num_workers=num_workers)
    assert found.model == labels.model
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_labels_of_a_series_do_not_depend_on_the_scheduler(
    series, series_labels, scheduler
):
    found = chunked(series, (2, 70, 90)).segment_symmetry()
    assert found.model == series_labels.model
    labels = found.data.compute(scheduler=scheduler, num_workers=2)
    np.testing.assert_array_equal(labels, series_labels.data)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("upsample", [False, True])
def test_labels_of_parts_are_the_same_eager_and_lazy(signal, upsample):
    options = {"upsample": upsample, "certainty": True}
    found, certainty = signal.segment_symmetry(**options)
    lazy, lazy_certainty = chunked(signal, (50, 64)).segment_symmetry(**options)
    assert lazy.data.npartitions > 1
    np.testing.assert_array_equal(np.asarray(lazy.data), found.data)
    np.testing.assert_array_equal(np.asarray(lazy_certainty.data), certainty.data)


def test_labels_of_parts_are_nearly_those_of_the_whole(signal, labels, small_parts):
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


# Masks


def test_masked_pixels_do_not_matter(signal):
    mask = np.zeros(SHAPE, bool)
    mask[60:90, 20:60] = True
    other = signal.deepcopy()
    other.data = np.where(mask, 1000, signal.data)
    expected = signal.segment_symmetry(mask=mask)
    found = other.segment_symmetry(mask=mask)
    assert found.model == expected.model
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.data == -1, mask)


def test_pixels_that_are_not_finite_are_masked(signal):
    mask = np.zeros(SHAPE, bool)
    mask[60:90, 20:60] = True
    other = signal.deepcopy()
    other.change_dtype(float)
    masked = other.segment_symmetry(mask=mask)
    other.data[mask] = np.nan
    found = other.segment_symmetry()
    assert found.model.templates == masked.model.templates
    np.testing.assert_array_equal(found.data, masked.data)


# Models and files


def test_record_of_what_was_done(labels):
    record = labels.metadata.Symmetry_segmentation
    assert record.refined
    # Every pixel has a label of its own.
    assert tuple(record.label_step) == (1, 1)
    assert record.model.templates.n_patterns == 2


def test_record_of_plain_labels(signal):
    found = signal.segment_symmetry(refine=False)
    record = found.metadata.Symmetry_segmentation
    assert not record.refined
    assert tuple(record.label_step) == tuple(record.stride)
    assert found.model.templates is None


def test_labels_on_the_grid_have_its_step(signal):
    record = signal.segment_symmetry(upsample=False).metadata.Symmetry_segmentation
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
    with pytest.raises(ValueError, match="^refine=False with a model"):
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


# Measures


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
    lazy = signal.as_lazy().segment_symmetry()
    lengths = lazy.get_boundary_length()
    lengths.compute()
    np.testing.assert_allclose(lengths.data, labels.get_boundary_length().data)
