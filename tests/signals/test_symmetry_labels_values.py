# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of labels when their values change: labels of 5 x 7 pixels."""

import inspect

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.signals import LazySignal2D, Signal2D
from scipy import ndimage

from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels
from hyperspy_symseg.signals.symmetry_labels import CHANGING, CHANGING_IN_PLACE

FRAME = np.array(
    [
        [0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 1, 1, 1, 1],
        [0, 0, 1, 1, 1, 2, 2],
        [0, 0, 1, 1, 1, 2, 2],
        [0, 0, 1, 1, 1, 1, -1],
    ],
    np.int8,
)
# Methods that give labels in another place, or in another order.
KEEPING = {
    "_deepcopy_with_new_data",
    "_map_all",
    "_map_iterate",
    "_slicer",
    "as_lazy",
    "rebin",
    "rechunk",
    "rollaxis",
    "squeeze",
    "swap_axes",
    "transpose",
}


def make_labels(data, model, is_lazy=False):
    """Labels with a stand-in for a model, which is only compared here."""
    signal = Signal2D(data)
    signal.metadata.set_item("Symmetry_segmentation.n_patterns", 3)
    signal.metadata.set_item("Symmetry_segmentation._model", {"mean": np.arange(model)})
    signal.metadata.Signal.quantity = "Pattern"
    signal.set_signal_type("symmetry_labels")
    return signal.as_lazy() if is_lazy else signal


@pytest.fixture(params=[False, True], ids=["eager", "lazy"])
def is_lazy(request):
    return request.param


@pytest.fixture
def labels(is_lazy):
    return make_labels(FRAME.copy(), 4, is_lazy)


@pytest.fixture
def series(is_lazy):
    """Three frames, the last of which is of pattern 1."""
    data = np.stack([FRAME, FRAME, np.ones_like(FRAME)])
    return make_labels(data, 4, is_lazy)


def plain_type(is_lazy):
    return LazySignal2D if is_lazy else Signal2D


def assert_is_plain(signal, expected, is_lazy):
    assert type(signal) is plain_type(is_lazy)
    assert signal.metadata.Signal.signal_type == ""
    assert not signal.metadata.Signal.has_item("quantity")
    np.testing.assert_array_equal(np.asarray(signal.data), expected)


@pytest.mark.parametrize(
    "calculate",
    [
        lambda x: x == 1,
        lambda x: x + 1,
        lambda x: x / 2.0,
        lambda x: x * x,
        lambda x: -x,
        lambda x: abs(x),
        lambda x: np.add(x, 1),
    ],
)
def test_arithmetic_gives_a_plain_signal(labels, is_lazy, calculate):
    assert_is_plain(calculate(labels), calculate(FRAME), is_lazy)


def test_labels_made_of_a_plain_signal_again_have_no_model(labels):
    again = labels + 1
    again.set_signal_type("symmetry_labels")
    assert again.n_patterns == 4
    with pytest.raises(AttributeError, match="and not changed since"):
        again.model  # noqa: B018


def test_arithmetic_leaves_the_labels_as_they_were(labels, is_lazy):
    labels + 1
    assert type(labels) is (LazySymmetryLabels if is_lazy else SymmetryLabels)
    assert labels.metadata.Signal.quantity == "Pattern"


def test_product_with_a_series_is_a_plain_signal(labels, series, is_lazy):
    expected = FRAME * np.asarray(series.data)
    assert_is_plain(labels * series, expected, is_lazy)


@pytest.mark.parametrize("name", ["sum", "mean", "std", "max", "min"])
def test_reduced_along_time_they_are_a_plain_signal(series, is_lazy, name):
    expected = getattr(np.asarray(series.data), name)(axis=0)
    assert_is_plain(getattr(series, name)(0), expected, is_lazy)


def test_mean_along_rows_is_no_signal_of_labels(series):
    mean = series.mean(series.axes_manager.signal_axes[0])
    assert mean.metadata.Signal.signal_type == ""
    np.testing.assert_allclose(np.asarray(mean.data), np.asarray(series.data).mean(-1))


def test_share_of_the_time_is_drawn_in_more_than_two_colours(series):
    share = (series == 1).mean(0)
    share.compute() if share._lazy else None
    share.plot()
    image = share._plot.signal_plot.ax.images[0]
    colors = np.unique(image.to_rgba(image.get_array()).reshape(-1, 4), axis=0)
    assert len(colors) == 2
    assert image.cmap.name != "patterns"


def test_sum_along_no_axis_leaves_the_labels_as_they_were():
    labels = make_labels(FRAME, 4)
    assert labels.sum(axis=()) is labels
    assert type(labels) is SymmetryLabels


def test_difference_along_time_is_a_plain_signal(series, is_lazy):
    expected = np.diff(np.asarray(series.data), axis=0)
    assert_is_plain(series.diff(0), expected, is_lazy)


def test_added_to_in_place_they_are_a_plain_signal():
    labels = make_labels(FRAME.copy(), 4)
    same = labels
    labels += 1
    assert labels is same
    assert_is_plain(labels, FRAME + 1, is_lazy=False)


def test_what_numpy_refuses_in_place_leaves_labels():
    labels = make_labels(FRAME.copy(), 4)
    with pytest.raises(TypeError):
        labels *= 0.5
    assert type(labels) is SymmetryLabels


def test_changed_to_float_they_are_a_plain_signal(labels, is_lazy):
    labels.change_dtype("float32")
    assert_is_plain(labels, FRAME, is_lazy)


def test_changed_to_another_int_they_are_labels(labels, is_lazy):
    labels.change_dtype("int32")
    assert isinstance(labels, SymmetryLabels)
    np.testing.assert_array_equal(np.asarray(labels.data), FRAME)


@pytest.mark.parametrize("inplace", [False, True])
def test_mapped_to_another_dtype_they_are_a_plain_signal(series, is_lazy, inplace):
    expected = np.asarray(series.data) / 2
    mapped = series.map(lambda frame: frame / 2, inplace=inplace)
    assert_is_plain(series if inplace else mapped, expected, is_lazy)


@pytest.mark.parametrize("inplace", [False, True])
def test_filtered_labels_are_labels(series, inplace):
    expected = np.stack([ndimage.median_filter(x, 3) for x in np.asarray(series.data)])
    mapped = series.map(ndimage.median_filter, size=3, inplace=inplace)
    mapped = series if inplace else mapped
    assert isinstance(mapped, SymmetryLabels)
    np.testing.assert_array_equal(np.asarray(mapped.data), expected)


@pytest.mark.parametrize(
    "take",
    [
        lambda x: x.inav[1],
        lambda x: x.isig[1:5, 2:],
        lambda x: x.deepcopy(),
        lambda x: x.as_lazy(),
        lambda x: x.inav[:1].squeeze(),
        lambda x: x.split(number_of_parts=3)[2],
        lambda x: x.transpose(navigation_axes=[0]),
        lambda x: hs.roi.RectangularROI(0, 0, 4, 3)(x),
        lambda x: hs.stack([x, x]),
        lambda x: hs.stack([x, x], axis=0),
    ],
)
def test_what_has_the_values_of_labels_is_labels(series, take):
    taken = take(series)
    assert isinstance(taken, SymmetryLabels)
    assert taken.metadata.Symmetry_segmentation._model.mean.size == 4


def test_cropped_and_computed_labels_are_labels(series):
    series.crop(2, 1, 4)
    if series._lazy:
        series.compute()
    assert type(series) is SymmetryLabels


def test_every_method_of_hyperspy_that_makes_a_signal_is_known():
    makes = {
        name
        for cls in LazySignal2D.__mro__
        for name, method in vars(cls).items()
        if inspect.isfunction(method)
        and "_deepcopy_with_new_data" in inspect.unwrap(method).__code__.co_names
    }
    assert makes > {"_slicer", "diff"}
    assert makes <= KEEPING | {*CHANGING, *CHANGING_IN_PLACE}


def test_stack_of_labels_of_several_models_is_a_plain_signal():
    stack = hs.stack([make_labels(FRAME, 4), make_labels(FRAME, 5)])
    assert_is_plain(stack, [FRAME, FRAME], is_lazy=False)


def test_stack_of_labels_and_a_micrograph_is_a_plain_signal():
    stack = hs.stack([make_labels(FRAME, 4), Signal2D(FRAME)])
    assert_is_plain(stack, [FRAME, FRAME], is_lazy=False)


@pytest.mark.parametrize(
    "use", ["get_areas", "get_boundary_length", "plot", "get_separability"]
)
def test_lazy_stack_of_labels_of_several_models_is_not_measured(use):
    stack = hs.stack([make_labels(FRAME, 4), make_labels(FRAME, 5)], lazy=True)
    with pytest.raises(ValueError, match="^a stack of labels must be of one model"):
        getattr(stack, use)()


def test_loaded_stack_of_one_model_is_labels(tmp_path, is_lazy):
    hs.stack([make_labels(FRAME, 4), make_labels(FRAME, 4)]).save(tmp_path / "a.hspy")
    loaded = hs.load(tmp_path / "a.hspy", lazy=is_lazy)
    assert isinstance(loaded, SymmetryLabels)
    np.testing.assert_array_equal(np.asarray(loaded.get_areas().data)[0], [12, 12])


@pytest.mark.parametrize(
    ("value", "got"), [(3, "from -1 to 3"), (-2, "from -2 to 2"), (0.5, "float64")]
)
def test_wrong_values_are_not_measured_or_drawn(value, got, is_lazy):
    labels = make_labels(FRAME, 4)
    labels.data = np.where(FRAME == 1, value, FRAME)
    micrograph = Signal2D(np.arange(35.0).reshape(5, 7))
    labels = labels.as_lazy() if is_lazy and labels.data.dtype.kind == "i" else labels
    error = f"^labels must be ints from -1 to 2, got .*{got}"
    for measure in (
        labels.get_areas,
        labels.get_boundary_length,
        lambda: labels.overlay(micrograph),
    ):
        with pytest.raises(ValueError, match=error):
            np.asarray(measure().data)
    if not labels._lazy:
        with pytest.raises(ValueError, match=error):
            labels.plot()


# Labels of other programs


def labels_of_ints(data, is_lazy=False):
    signal = Signal2D(data)
    signal = signal.as_lazy() if is_lazy else signal
    signal.set_signal_type("symmetry_labels")
    return signal


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", ">i2", "i8", "u8"])
def test_image_of_integers_is_made_labels(dtype, is_lazy):
    labels = labels_of_ints(np.where(FRAME < 0, 4, FRAME).astype(dtype), is_lazy)
    assert type(labels) is (LazySymmetryLabels if is_lazy else SymmetryLabels)
    assert labels.n_patterns == 5
    areas = labels.get_areas()
    np.testing.assert_array_equal(np.asarray(areas.data), [12, 18, 4, 0, 1])
    assert np.asarray(labels.get_boundary_length().data)[3] == 0


def test_labels_of_integers_are_drawn_and_tint_a_micrograph(is_lazy):
    labels = labels_of_ints(np.uint16(FRAME == 1), is_lazy)
    labels.plot()
    overlay = labels.overlay(Signal2D(np.arange(35.0).reshape(5, 7)), saturation=1)
    blue = np.asarray(overlay.data)["B"]
    # Orange has no blue in it.
    assert not blue[FRAME == 0].any()
    assert blue[FRAME == 1].any()


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_labels_of_integers_are_saved_and_loaded(tmp_path, is_lazy, extension):
    labels = labels_of_ints(np.uint16(FRAME + 1))
    labels.save(tmp_path / f"a.{extension}")
    loaded = hs.load(tmp_path / f"a.{extension}", lazy=is_lazy)
    assert loaded.n_patterns == 4
    np.testing.assert_array_equal(
        np.asarray(loaded.get_areas().data), labels.get_areas().data
    )


def test_number_of_patterns_of_lazy_integers_is_found_once():
    read = []

    def seen(block):
        read.append(block.shape)
        return block

    labels = labels_of_ints(FRAME, is_lazy=True)
    labels.data = labels.data.map_blocks(seen, meta=np.empty((0, 0), FRAME.dtype))
    assert labels.n_patterns == labels.n_patterns == 3
    assert len(read) == 1


def test_number_of_patterns_of_unlabelled_pixels_is_one():
    assert labels_of_ints(np.full((3, 4), -1)).n_patterns == 1


def test_integers_too_large_for_labels_are_an_error():
    labels = labels_of_ints(np.array([[0, 2**40]]))
    with pytest.raises(ValueError, match="^labels must be less than 65536, got 1099"):
        labels.get_areas()


@pytest.mark.parametrize("dtype", [float, bool])
def test_what_are_no_integers_is_not_made_labels(dtype, is_lazy):
    signal = Signal2D(FRAME.astype(dtype))
    signal = signal.as_lazy() if is_lazy else signal
    with pytest.raises(TypeError, match="^labels must be ints, got"):
        signal.set_signal_type("symmetry_labels")
    assert type(signal) is plain_type(is_lazy)
    assert signal.metadata.Signal.signal_type == ""


def test_file_of_labels_that_are_no_integers_is_read_as_plain(tmp_path, caplog):
    signal = Signal2D(FRAME / 2)
    signal.metadata.Signal.signal_type = "symmetry_labels"
    signal.save(tmp_path / "a.hspy")
    loaded = hs.load(tmp_path / "a.hspy")
    assert_is_plain(loaded, FRAME / 2, is_lazy=False)
    assert "labels must be ints, got float64" in caplog.text
