# SPDX-License-Identifier: GPL-3.0-or-later
import logging

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hyperspy_symseg
from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    RotationSymmetry,
    TranslationSymmetry,
)
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels


@pytest.fixture
def signal(two_grains):
    return two_grains[0].deepcopy()


@pytest.fixture(scope="module")
def labels(two_grains, small):
    return two_grains[0].segment_symmetry(2, show_progressbar=False, **small)


def test_importing_the_package_adds_the_methods_to_hyperspys_own_class():
    assert hyperspy_symseg.__version__
    signal = hs.signals.Signal2D(np.zeros((4, 5)))
    assert callable(signal.segment_symmetry)
    assert callable(signal.as_lazy().get_symmetry_descriptors)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("segment_symmetry", ()),
        ("get_symmetry_descriptors", ()),
        ("get_symmetry_map", ("rotation",)),
        ("get_symmetry", ()),
        ("get_abundances", (2,)),
        ("find_atomic_columns", ()),
    ],
)
@pytest.mark.parametrize("other", [np.eye(40), hs.signals.Signal1D(np.eye(40))])
def test_functions_of_images_say_that_anything_else_is_none(name, arguments, other):
    what = f"must be a Signal2D, got a {type(other).__name__}"
    with pytest.raises(TypeError, match=what):
        getattr(hyperspy_symseg, name)(other, *arguments)


@pytest.mark.parametrize(
    "other", [hs.signals.Signal1D(np.zeros(5)), hs.signals.ComplexSignal2D(np.eye(4))]
)
def test_other_signals_do_not_have_the_methods(other):
    with pytest.raises(AttributeError):
        other.segment_symmetry()


@pytest.mark.parametrize(
    "name",
    [
        "BTO_crystal_1.dm4",
        "velox_ceta_image.emd",
        "Acquisition_18.emd",
        "16_STOimage_1.ser",
        "16_STOimage.emi",
        "multi_signal.dm3",
    ],
)
def test_real_files_give_the_same_labels_eager_and_lazy(data_file, name):
    eager, lazy = hs.load(data_file(name)), hs.load(data_file(name), lazy=True)
    if isinstance(eager, list):
        eager, lazy = eager[0], lazy[0]
    assert type(eager) is hs.signals.Signal2D
    labels, lazy_labels = eager.segment_symmetry(2), lazy.segment_symmetry(2)
    assert type(lazy_labels) is LazySymmetryLabels
    lazy_labels.compute()
    assert type(lazy_labels) is type(labels) is SymmetryLabels
    assert set(np.unique(labels.data)) == {0, 1}
    np.testing.assert_array_equal(lazy_labels.data, labels.data)


@pytest.mark.parametrize("extension", ["hspy", "zspy", "tif", "emd"])
@pytest.mark.parametrize("lazy", [False, True])
def test_written_files_give_the_labels_of_the_signal(
    signal, labels, small, tmp_path, extension, lazy
):
    file = tmp_path / f"grains.{extension}"
    signal.save(file)
    loaded = hs.load(file, lazy=lazy)
    found = loaded.segment_symmetry(2, lazy_output=False, **small)
    np.testing.assert_array_equal(found.data, labels.data)


def test_labels_are_the_grains(labels, two_grains):
    assert (labels.data == two_grains[1]).mean() > 0.95


def test_axes_are_those_of_the_signal(signal, labels):
    for axis, expected in zip(
        labels.axes_manager.signal_axes, signal.axes_manager.signal_axes, strict=True
    ):
        assert axis.get_axis_dictionary() == expected.get_axis_dictionary()


def test_axes_on_the_grid_are_those_of_its_pixels(signal, small):
    signal.axes_manager["y"].offset = 7
    x, y = signal.segment_symmetry(
        2, upsample=False, **small | {"stride": (3, 4)}
    ).axes_manager.signal_axes
    grid = Grid.over((61, 83), (3, 4))
    np.testing.assert_allclose(y.axis, 7 + 0.02 * grid.rows)
    np.testing.assert_allclose(x.axis, 0.02 * grid.columns)
    assert (x.name, x.units) == ("x", "nm")


def test_metadata_and_original_metadata_are_kept(signal, small):
    signal.metadata.set_item("Acquisition_instrument.TEM.beam_energy", 300)
    signal.original_metadata.set_item("Detector.gain", 7)
    labels = signal.segment_symmetry(2, **small)
    assert labels.metadata.General.title == "Simulated micrograph"
    assert labels.metadata.Acquisition_instrument.TEM.beam_energy == 300
    assert labels.original_metadata.Detector.gain == 7


def test_markers_stay_with_the_micrograph(signal, small):
    points = hs.plot.markers.Points(offsets=np.array([[0.1, 0.2]]), sizes=1)
    signal.add_marker(points, permanent=True, plot_marker=False)
    labels = signal.segment_symmetry(2, **small)
    labels.plot()
    labels.overlay(signal).plot()
    signal.get_symmetry_descriptors(**small).plot()


def test_arrays_in_the_metadata_are_not_shared(signal, small):
    signal.original_metadata.set_item("Detector.gains", np.arange(5))
    labels = signal.segment_symmetry(2, **small)
    labels.original_metadata.Detector.gains[0] = 7
    assert signal.original_metadata.Detector.gains[0] == 0


def test_result_of_a_lazy_file_does_not_need_the_file(signal, small, tmp_path):
    signal.original_metadata.set_item("Detector.gains", np.arange(5))
    signal.save(tmp_path / "grains.hspy")
    lazy = hs.load(tmp_path / "grains.hspy", lazy=True)
    labels = lazy.segment_symmetry(2, lazy_output=False, **small)
    lazy.close_file()
    np.testing.assert_array_equal(labels.original_metadata.Detector.gains, np.arange(5))


def test_metadata_of_the_source_is_not_shared(signal, small):
    labels = signal.segment_symmetry(2, **small)
    labels.metadata.General.title = "changed"
    labels.axes_manager["x"].scale = 3
    assert signal.metadata.General.title == "Simulated micrograph"
    assert signal.axes_manager["x"].scale == 0.02


def test_all_parameters_are_in_the_metadata(labels):
    record = labels.metadata.Symmetry_segmentation.as_dictionary()
    del record["_model"], record["model"]
    found = {
        name: record.pop(name)
        for name in (
            "period",
            "period_in_units",
            "period_units",
            "superlattice_period",
            "superlattice_period_in_units",
            "reflections",
            "reflections_share",
        )
    }
    assert found["period"] == pytest.approx(7, abs=0.1)
    np.testing.assert_allclose(found["period_in_units"], [0.02 * found["period"]] * 2)
    assert found["period_units"] == ["nm", "nm"]
    assert found["superlattice_period"] == 0
    np.testing.assert_array_equal(found["superlattice_period_in_units"], [0, 0])
    assert found["reflections"].shape[1] == 2
    assert 0 < found["reflections_share"] < 1
    assert record == {
        "format": 5,
        "version": hyperspy_symseg.__version__,
        "descriptor": "translation",
        "patch": (7, 7),
        "window": (8, 8),
        "max_operations": 81,
        "stride": (3, 3),
        "upsample": True,
        "n_patterns": 2,
        "n_components": 5,
        "n_operations": 81,
        "refine": True,
        "refined": True,
        "auto_n_patterns": False,
        "auto_period": True,
        "from_examples": False,
        "label_step": (1, 1),
        "random_state": 0,
        "masked": False,
        "mask": "",
    }


def test_a_seed_that_is_drawn_is_recorded(signal, small):
    drawn = signal.segment_symmetry(2, random_state=None, **small)
    record = drawn.metadata.Symmetry_segmentation
    again = signal.segment_symmetry(2, random_state=record.random_state, **small)
    assert again.model == drawn.model


def test_float_lengths_are_in_the_unit_of_the_axes(signal, labels, small):
    in_units = {"patch": 0.14, "window": (0.16, 8), "stride": 0.06}
    found = signal.segment_symmetry(2, **small | in_units)
    assert found.model == labels.model


def test_float_length_is_rounded_to_pixels(signal, small):
    found = signal.segment_symmetry(2, **small | {"patch": 0.138})  # 6.9 pixels
    assert found.model.descriptor.patch == (7, 7)


def test_float_length_of_axes_with_unequal_scales_is_a_pair(signal, small):
    signal.axes_manager["x"].scale = 0.01
    found = signal.segment_symmetry(2, **small | {"patch": 0.06})
    assert found.model.descriptor.patch == (3, 6)


def test_float_translations_are_in_the_unit_of_the_axes(signal):
    found = signal.segment_symmetry(
        2, patch=7, translations=[(0.14, 0.0), (-0.02, 0.1)]
    )
    assert found.model.descriptor.translations == ((7, 0), (-1, 5))


def test_pixels_of_float_lengths_are_logged(signal, small, caplog):
    with caplog.at_level(logging.INFO, logger="hyperspy_symseg"):
        signal.segment_symmetry(2, **small | {"patch": 0.14})
    assert "patch=0.14 is (7, 7) pixels" in caplog.text


def test_units_may_be_missing(two_grains, labels, small):
    bare = hs.signals.Signal2D(two_grains[0].data)
    found = bare.segment_symmetry(2, **small | {"patch": 7.0})
    np.testing.assert_array_equal(found.data, labels.data)


def test_mask_may_be_a_signal_or_an_array(signal, small):
    mask = np.zeros((61, 83), bool)
    mask[5:25, 50:70] = True
    from_array = signal.segment_symmetry(2, mask=mask, **small)
    from_signal = signal.segment_symmetry(2, mask=hs.signals.Signal2D(mask), **small)
    np.testing.assert_array_equal(from_array.data, from_signal.data)
    np.testing.assert_array_equal(from_array.data == -1, mask)


def test_model_labels_another_frame_of_the_same_pixel_size(signal, labels, small):
    other = signal.isig[10:, 5:]
    found = other.segment_symmetry(model=labels.model, stride=3)
    assert (found.data == labels.data[5:, 10:]).mean() > 0.97
    assert found.model == labels.model


def test_model_of_the_same_pixel_size_in_another_unit_is_applied(signal, labels):
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 20, "pm"
    found = signal.segment_symmetry(model=labels.model, stride=3)
    np.testing.assert_array_equal(found.data, labels.data)


def test_what_belongs_to_the_model_may_be_repeated(signal, labels, small):
    found = signal.segment_symmetry(2, model=labels.model, n_components=5, **small)
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.mark.parametrize(
    "options",
    [
        {"n_patterns": 3},
        {"n_components": 4},
        {"random_state": 1},
        {"period": 9},
        {"patch": 6},
        {"window": 9},
        {"descriptor": TranslationSymmetry(patch=6)},
    ],
)
def test_what_contradicts_the_model_is_an_error(signal, labels, options):
    (name,) = options
    wrong = "descriptor" if name in ("patch", "window") else name
    with pytest.raises(ValueError, match=f"^{wrong} must be .* with this model"):
        signal.segment_symmetry(model=labels.model, **options)


@pytest.mark.parametrize(("fitted", "other"), [("um", "µm"), ("µm", "um")])
def test_units_may_be_written_in_other_ways(signal, small, fitted, other):
    for axis in signal.axes_manager.signal_axes:
        axis.units = fitted
    model = signal.segment_symmetry(2, **small).model
    for axis in signal.axes_manager.signal_axes:
        axis.units = other
    assert signal.segment_symmetry(model=model, stride=3).model == model


def test_model_of_axes_without_units(two_grains, small):
    bare = hs.signals.Signal2D(two_grains[0].data)
    model = bare.segment_symmetry(2, **small).model
    assert bare.segment_symmetry(model=model, stride=3).model == model


@pytest.mark.parametrize(
    ("scale", "units"),
    [(0.03, "nm"), (0.02, "pm"), (0.02, ""), (0.02, "s"), (0.02, "n_m")],
)
def test_model_at_another_pixel_size_is_an_error(signal, labels, scale, units):
    signal.axes_manager["y"].scale = scale
    signal.axes_manager["y"].units = units
    with pytest.raises(
        ValueError, match=r"^model must be fitted at .* axis y.* 0\.02 nm"
    ):
        signal.segment_symmetry(model=labels.model)


def test_arguments_are_checked_before_a_lazy_signal_is_read(small):
    def read(block):
        raise AssertionError("read")

    data = da.zeros((61, 83)).map_blocks(read, meta=np.zeros((0, 0)))
    lazy = hs.signals.Signal2D(data).as_lazy()
    for argument in ({"n_patterns": 0}, {"random_state": -1}, {"num_workers": 0}):
        with pytest.raises(ValueError, match=f"^{next(iter(argument))} must be an int"):
            lazy.segment_symmetry(**argument, **small)


def test_lazy_output_of_an_eager_signal(signal, labels, small):
    lazy = signal.segment_symmetry(2, lazy_output=True, **small)
    assert type(lazy) is LazySymmetryLabels
    lazy.compute()
    np.testing.assert_array_equal(lazy.data, labels.data)


def test_eager_output_of_a_lazy_signal(signal, labels, small):
    found = signal.as_lazy().segment_symmetry(2, lazy_output=False, **small)
    assert type(found) is SymmetryLabels
    np.testing.assert_array_equal(found.data, labels.data)


@pytest.fixture(scope="module")
def plain_labels(two_grains, small):
    return two_grains[0].segment_symmetry(refine=False, **small)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.tuples(st.integers(1, 61), st.integers(1, 83)),
    st.sampled_from(["=u2", ">u2", "=f4", ">f8", "=i4"]),
    st.sampled_from([1, 3]),
)
def test_chunks_dtype_and_threads_change_nothing(
    two_grains, plain_labels, small, chunks, dtype, num_workers
):
    data = da.from_array(two_grains[0].data.astype(dtype), chunks=chunks)
    signal = two_grains[0].deepcopy().as_lazy()
    signal.data = data
    found = signal.segment_symmetry(num_workers=num_workers, refine=False, **small)
    found.compute()
    np.testing.assert_array_equal(found.data, plain_labels.data)


def test_descriptor_may_be_an_instance(signal, labels):
    instance = TranslationSymmetry(patch=7, window=8, max_operations=81)
    found = signal.segment_symmetry(2, descriptor=instance, stride=3)
    assert found.model == labels.model


def test_a_hole_of_zeros_has_no_label_and_saturated_columns_have(signal, small):
    signal.data = np.minimum(signal.data, 12)
    signal.data[10:40, 50:75] = 0
    found = signal.segment_symmetry(2, **small)
    hole = np.zeros(signal.data.shape, bool)
    hole[10:40, 50:75] = True
    np.testing.assert_array_equal(found.data == -1, hole)
    assert set(np.unique(found.data)) == {-1, 0, 1}


def test_scores_give_a_hole_of_zeros_a_label_of_its_own(signal, small):
    signal.data[10:40, 50:75] = 0
    found = signal.segment_symmetry(3, refine=False, **small)
    assert set(np.unique(found.data)) == {0, 1, 2}
    assert (found.data[20:30, 60:65] == found.data[25, 62]).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"descriptor": "translations"},
            ValueError,
            "descriptor must be .* got 'translations'",
        ),
        (
            {"radius": 3},
            TypeError,
            "arguments must be .*patch, window.*'radius'",
        ),
        ({"patch": -3}, ValueError, "patch must be an int of at least 1,.* got -3"),
        (
            {"patch": 0.001},
            ValueError,
            r"patch must be .*got 0\.001, which is 0\.05 pixels",
        ),
        ({"patch": 1e308}, ValueError, r"patch must be a length .*got 1e\+308"),
        ({"translations": [(1e30, 0.0)]}, ValueError, "translations must be shifts"),
        ({"descriptor": None}, TypeError, "descriptor must be .* got None"),
        (
            {"descriptor": TranslationSymmetry},
            TypeError,
            "descriptor must be .* got <class",
        ),
        ({"patch": float("nan")}, ValueError, "patch must be a length .*got nan"),
        ({"patch": float("inf")}, ValueError, "patch must be a length .*got inf"),
        ({"patch": 10**9}, ValueError, "patch must be at most"),
        ({"window": 1e9}, ValueError, "window must be a length"),
        ({"patch": (0.1, 0.1, 0.1)}, TypeError, "patch must be .* pair"),
        ({"translations": [(0, 100)]}, ValueError, "translations must have shifts"),
        ({"translations": [(0.1, np.nan)]}, ValueError, "translations must be shifts"),
        (
            {"translations": [(1, 2)], "window": 3},
            ValueError,
            "window must not be given with translations, got 3",
        ),
        (
            {"stride": 0.001},
            ValueError,
            r"stride must be .*got 0\.001, which is 0\.05 pixels",
        ),
        ({"num_workers": "2"}, TypeError, "num_workers must be an int .* got '2'"),
        ({"n_patterns": 0}, ValueError, "n_patterns must be an int .* got 0"),
        ({"mask": np.zeros((3, 4), bool)}, ValueError, "mask must have the shape"),
        ({"num_workers": 0}, ValueError, "num_workers must be an int .* got 0"),
        (
            {"model": "model"},
            TypeError,
            "model must be a SymmetryModel or None, got 'model'",
        ),
        ({"descriptor": []}, ValueError, r"descriptor must be .* got \[\]"),
        (
            {"descriptor": ["rotation", "rotations"]},
            ValueError,
            "descriptor must be .* got 'rotations'",
        ),
        (
            {"descriptor": ["rotation", RotationSymmetry()]},
            ValueError,
            r"descriptor must be .* each of another kind, got \['rotation', Rot",
        ),
        ({"descriptor": ["rotation", 3]}, TypeError, "descriptor must be .* got 3"),
        (
            {"descriptor": "rotation", "radius": 0},
            ValueError,
            "radius must be an int .* got 0",
        ),
        (
            {"descriptor": "rotation", "radius": 31},
            ValueError,
            "radius must be at most 30 .* got 31",
        ),
        (
            {"descriptor": "rotation", "radius": 1.0},
            ValueError,
            "radius must be at most 30 .* got 50",
        ),
        (
            {"descriptor": "rotation", "folds": (5,)},
            ValueError,
            r"folds must be some of .* got \(5,\)",
        ),
        (
            {"descriptor": "rotation", "folds": ()},
            ValueError,
            r"folds must be a sequence .* got \(\)",
        ),
        (
            {"descriptor": "reflection", "n_axes": 0},
            ValueError,
            "n_axes must be an int from 1 to 360, got 0",
        ),
        (
            {"descriptor": "rotation", "folds": (5,)},
            ValueError,
            r"folds must be some of 2, 3, 4 and 6, got \(5,\)",
        ),
        (
            {"descriptor": "reflection", "patch": 5},
            TypeError,
            "arguments must be .*n_axes.* 'patch'",
        ),
        (
            {"descriptor": "glide_reflection", "window": 61},
            ValueError,
            "window must have glides of at most 60 .* got 61",
        ),
        (
            {"descriptor": "reflection", "angles": (0,), "n_axes": 3},
            ValueError,
            "n_axes must not be given with angles, got 3",
        ),
        (
            {"descriptor": "power_spectrum", "window": 31},
            ValueError,
            "window must be at most",
        ),
        (
            {"descriptor": "reflection", "n_axes": 721},
            ValueError,
            "n_axes must be an int .* got 721",
        ),
        (
            {"descriptor": "rotation", "n_maxima": 10**9},
            ValueError,
            "n_maxima must be an int",
        ),
        (
            {"descriptor": "rotation", "angles": (360 / 719, 360 / 717, 360 / 713)},
            ValueError,
            "n_angles must be an int",
        ),
        (
            {"descriptor": "rotation", "folds": [[2], [3, 4]]},
            ValueError,
            "folds must be some of",
        ),
        (
            {"descriptor": "rotation", "folds": [{}]},
            TypeError,
            "folds must be a sequence",
        ),
        (
            {"descriptor": "rotation", "folds": "24"},
            TypeError,
            "folds must be a sequence .* got '24'",
        ),
        (
            {"descriptor": "glide_reflection", "glides": [(0, 3), (0,)]},
            ValueError,
            "glides must be pairs",
        ),
        (
            {"descriptor": "glide_reflection", "glides": [(0, [1])]},
            TypeError,
            "glides must be a sequence",
        ),
        ({"translations": [[1, 2], [3]]}, ValueError, "translations must be .* pairs"),
        (
            {"descriptor": TranslationSymmetry(patch=5), "patch": 5},
            TypeError,
            "patch must not be given with an instance .*got 5",
        ),
    ],
)
def test_argument_not_allowed(signal, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        signal.segment_symmetry(**options)


# What suits the small frame, for every descriptor.
BY_NAME = {
    "rotation": {"radius": 7, "pooling": 9},
    "reflection": {"radius": 7, "pooling": 9},
    "glide_reflection": {"radius": 7, "pooling": 9, "n_axes": 5, "window": 4},
    "power_spectrum": {"window": 7},
    "translation, reflection": {"patch": 7, "window": 8, "radius": 7, "pooling": 9},
}


@pytest.fixture(params=BY_NAME)
def options(request):
    names = request.param.split(", ")
    descriptor = names[0] if len(names) == 1 else names
    return {"descriptor": descriptor, "stride": 4, **BY_NAME[request.param]}


def test_every_descriptor_labels_every_pixel(signal, options, two_grains):
    labels = signal.segment_symmetry(2, **options).data
    assert set(np.unique(labels)) == {0, 1}
    if options["descriptor"] != "rotation":
        agree = (labels == two_grains[1]).mean()
        assert max(agree, 1 - agree) > 0.85


def test_every_descriptor_gives_the_same_labels_eager_and_lazy(signal, options):
    labels = signal.segment_symmetry(2, **options)
    lazy = signal.as_lazy().segment_symmetry(2, **options)
    lazy.compute()
    assert lazy.model == labels.model
    np.testing.assert_array_equal(lazy.data, labels.data)


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_model_of_every_descriptor_survives_a_file(signal, options, suffix, tmp_path):
    labels = signal.segment_symmetry(2, **options)
    labels.save(tmp_path / f"labels.{suffix}")
    model = hs.load(tmp_path / f"labels.{suffix}").model
    assert model == labels.model
    again = signal.segment_symmetry(model=model, stride=4)
    np.testing.assert_array_equal(again.data, labels.data)


def test_model_of_a_list_of_operations_survives_a_file(signal, tmp_path):
    descriptor = GlideReflectionSymmetry(5, glides=[(0, 3), (36, 2)], pooling=9)
    labels = signal.segment_symmetry(2, descriptor=descriptor)
    labels.save(tmp_path / "labels.hspy")
    assert hs.load(tmp_path / "labels.hspy").model == labels.model


def test_masked_and_not_finite_pixels_of_every_descriptor(signal, options):
    signal.change_dtype("float32")
    signal.data = signal.data.copy()
    signal.data[10:12, 20:22] = np.nan
    mask = np.zeros((61, 83), bool)
    mask[40:45, 60:66] = True
    labels = signal.segment_symmetry(2, mask=mask, **options).data
    left_out = mask | np.isnan(signal.data)
    np.testing.assert_array_equal(labels == -1, left_out)


def test_model_with_its_own_descriptor_given_again(signal, options):
    model = signal.segment_symmetry(2, **options).model
    again = signal.segment_symmetry(model=model, **options)
    assert again.model == model


def test_model_with_another_descriptor_is_an_error(signal, options):
    model = signal.segment_symmetry(2, **options).model
    with pytest.raises(
        ValueError, match="^descriptor must be .*'rotation' .*{'radius': 8}"
    ):
        signal.segment_symmetry(model=model, descriptor="rotation", radius=8)


def test_circular_patch_needs_square_pixels(signal):
    signal.axes_manager["x"].scale *= 2
    for descriptor in ("rotation", ["translation", "reflection"], RotationSymmetry(5)):
        with pytest.raises(
            ValueError, match=r"^signal must have pixels of equal .* 0\.02 nm by 0\.04"
        ):
            signal.segment_symmetry(descriptor=descriptor)
    signal.segment_symmetry(2, descriptor="translation")


def test_one_float_for_axes_of_different_units_is_an_error(signal):
    signal.axes_manager["x"].units = "s"
    with pytest.raises(ValueError, match=r"^patch must be a pair .* got 0\.1"):
        signal.segment_symmetry(patch=0.1)


def test_axis_that_is_not_uniform_is_an_error(signal):
    signal.axes_manager["x"].convert_to_non_uniform_axis()
    with pytest.raises(ValueError, match="^axis x must be uniform, got a "):
        signal.segment_symmetry()


def test_scores_of_a_series_are_an_error():
    series = hs.signals.Signal2D(np.zeros((3, 50, 60)))
    with pytest.raises(ValueError, match="^signal must be a single image"):
        series.get_symmetry_descriptors()


@pytest.mark.parametrize("dtype", ["rgb8", object])
def test_rgb_and_objects_are_an_error(dtype):
    if dtype == "rgb8":
        signal = hs.signals.Signal1D(np.zeros((50, 60, 3), np.uint8))
        signal.change_dtype("rgb8")
    else:
        signal = hs.signals.Signal2D(np.zeros((50, 60), object))
    with pytest.raises(TypeError, match="^frame must be an array of real numbers, got"):
        signal.segment_symmetry()


@pytest.mark.parametrize("shape", [(1, 90), (90, 1), (30, 90)])
def test_frame_smaller_than_the_patch_is_an_error(shape):
    with pytest.raises(ValueError, match="^patch must be at most"):
        hs.signals.Signal2D(np.zeros(shape)).segment_symmetry(patch=20)


@pytest.mark.parametrize("shape", [(1, 90), (90, 1)])
def test_a_line_is_an_error(shape):
    with pytest.raises(ValueError, match="^patch must be at most"):
        hs.signals.Signal2D(np.zeros(shape)).segment_symmetry()


def test_progress_bar_is_shown_when_asked_for(signal, small, capsys, bars_at_once):
    signal.segment_symmetry(2, show_progressbar=True, **small)
    assert "Segmenting" in capsys.readouterr().err
    signal.segment_symmetry(2, show_progressbar=False, **small)
    assert capsys.readouterr().err == ""


def test_source_is_not_modified(two_grains, small):
    before = two_grains[0].data.copy()
    two_grains[0].segment_symmetry(2, **small)
    np.testing.assert_array_equal(two_grains[0].data, before)
