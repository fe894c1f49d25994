# SPDX-License-Identifier: GPL-3.0-or-later
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from hyperspy_symseg.frames.paths import unfinished_path
from hyperspy_symseg.plotting import PATTERN_COLORS
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels
from hyperspy_symseg.signals.save import begin_store


@pytest.fixture(scope="module")
def signal(two_grains):
    return two_grains[0]


@pytest.fixture(scope="module")
def labels(signal, small):
    return signal.segment_symmetry(2, show_progressbar=False, **small)


@pytest.fixture
def masked_labels(signal, small):
    mask = np.zeros(signal.data.shape, bool)
    mask[5:25, 50:70] = True
    return signal.segment_symmetry(2, mask=mask, **small)


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_saved_labels_are_loaded_as_labels(labels, tmp_path, extension, lazy):
    file = tmp_path / f"labels.{extension}"
    labels.save(file)
    loaded = hs.load(file, lazy=lazy)
    assert type(loaded) is (LazySymmetryLabels if lazy else SymmetryLabels)
    assert loaded.model == labels.model
    if lazy:
        loaded.compute(close_file=True)
    np.testing.assert_array_equal(loaded.data, labels.data)


# Those of the second list lie on one axis: no shift along the other.
@pytest.mark.parametrize("shifts", [[(7, 0), (0, 7), (-3, 2)], [(0, 7), (0, -5)]])
@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_model_of_a_list_of_translations_is_loaded(signal, tmp_path, shifts, extension):
    labels = signal.segment_symmetry(2, patch=7, translations=shifts)
    labels.save(tmp_path / f"labels.{extension}")
    loaded = hs.load(tmp_path / f"labels.{extension}")
    assert loaded.model == labels.model
    again = signal.segment_symmetry(model=loaded.model)
    np.testing.assert_array_equal(again.data, labels.data)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    "descriptor",
    ["translation", "rotation", "reflection", "glide_reflection", "power_spectrum"],
)
def test_labels_of_a_selected_model_are_as_others(signal, tmp_path, descriptor, n):
    stride = {"stride": 20}
    fitted = signal.segment_symmetry(2, descriptor=descriptor, **stride)
    model = fitted.model.select(n, signal.data)
    labels = signal.segment_symmetry(model=model, **stride)
    assert labels.model == model
    assert labels.get_separability().data.shape == (n,)
    labels.plot_separability()
    labels.plot_explained_variance()
    labels.save(tmp_path / "labels.zspy")
    assert hs.load(tmp_path / "labels.zspy", lazy=True).model == model


def test_all_that_was_recorded_is_loaded(labels, tmp_path):
    labels.save(tmp_path / "labels.hspy")
    loaded = hs.load(tmp_path / "labels.hspy")
    saved = labels.metadata.Symmetry_segmentation.as_dictionary()
    record = loaded.metadata.Symmetry_segmentation.as_dictionary()
    assert record.keys() == saved.keys()
    assert record["patch"] == saved["patch"]
    assert record["version"] == saved["version"]


def test_lazy_labels_are_saved(signal, labels, small, tmp_path):
    lazy = signal.as_lazy().segment_symmetry(2, **small)
    lazy.save(tmp_path / "labels.zspy")
    np.testing.assert_array_equal(hs.load(tmp_path / "labels.zspy").data, labels.data)


def test_part_of_the_labels_keeps_the_model(labels):
    assert labels.isig[10:40, 20:].model == labels.model


@pytest.mark.parametrize(
    "use",
    [
        lambda labels, signal: labels.model,
        lambda labels, signal: labels.get_separability(),
        lambda labels, signal: labels.get_certainty(signal),
        lambda labels, signal: labels.find_outliers(signal),
        lambda labels, signal: labels.plot_separability(),
        lambda labels, signal: labels.plot_explained_variance(),
        lambda labels, signal: labels.plot_n_patterns(),
        lambda labels, signal: labels.plot_clusters(signal),
    ],
)
def test_labels_without_a_model_say_so(signal, use):
    labels = SymmetryLabels(np.zeros(signal.data.shape, np.int8))
    with pytest.raises(
        AttributeError, match="^labels must be made by segment_symmetry"
    ):
        use(labels, signal)


def test_labels_without_a_model_are_saved_frame_by_frame(tmp_path):
    labels = SymmetryLabels(np.arange(24).reshape(2, 3, 4))
    labels.save_frames(tmp_path / "labels.zspy")
    loaded = hs.load(tmp_path / "labels.zspy")
    assert loaded.n_patterns == 24
    np.testing.assert_array_equal(loaded.data, labels.data)


def test_labels_without_a_model_are_not_taken_up(tmp_path):
    labels = SymmetryLabels(np.arange(24).reshape(2, 3, 4))
    begin_store(labels, unfinished_path(tmp_path / "labels.zspy"))
    with pytest.raises(
        AttributeError, match="^labels must be made by segment_symmetry"
    ):
        labels.save_frames(tmp_path / "labels.zspy", resume=True)


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_metadata_show_the_model_in_a_line(labels, tmp_path, extension, lazy):
    labels.save(tmp_path / f"labels.{extension}")
    loaded = hs.load(tmp_path / f"labels.{extension}", lazy=lazy)
    for metadata in (labels.metadata, loaded.metadata):
        shown = str(metadata.Symmetry_segmentation)
        assert f"model = {labels.model!r}" in shown
        for hidden in ("covariance", "class_means", "amplitudes"):
            assert hidden not in shown
            assert hidden not in metadata._repr_html_()


def test_model_is_read_where_the_first_versions_had_it(labels):
    old = labels.deepcopy()
    record = old.metadata.Symmetry_segmentation
    record.model = record._model.as_dictionary()
    del record._model
    assert old.model == labels.model


def test_plot_has_a_colour_for_every_pattern(labels):
    labels.plot()
    image = plt.gca().images[0]
    colors = image.cmap(image.norm([0, 1]))[:, :3]
    expected = [PATTERN_COLORS["orange"], PATTERN_COLORS["sky blue"]]
    np.testing.assert_allclose(colors, [to_rgb(color) for color in expected])


def test_plot_names_the_colours(labels):
    labels.plot()
    ticks = plt.gcf().axes[1].get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ["0 orange", "1 sky blue"]


def test_plot_shows_pixels_without_a_label_in_grey(masked_labels):
    masked_labels.plot()
    image = plt.gca().images[0]
    r, g, b, _ = image.cmap(image.norm(-1))
    assert r == g == b


def test_plot_takes_the_options_of_hyperspy(labels):
    labels.plot(colorbar=False, cmap="gray")
    assert plt.gca().images[0].cmap.name == "gray"


def test_overlay_is_the_intensity_tinted_by_pattern(signal, masked_labels):
    image = masked_labels.overlay(signal, saturation=1).data
    masked = masked_labels.data == -1
    np.testing.assert_array_equal(image["R"][masked], image["B"][masked])
    orange = masked_labels.data == 0
    bright = orange & (signal.data > 20)
    ratio = image["B"][bright] / image["R"][bright].astype(float)
    np.testing.assert_array_equal(ratio, 0)


def test_overlay_has_the_axes_of_the_labels(signal, labels):
    overlay = labels.overlay(signal)
    assert overlay.data.dtype.names == ("R", "G", "B")
    assert overlay.axes_manager.as_dictionary() == labels.axes_manager.as_dictionary()


def test_overlay_is_plotted_and_saved(signal, labels, tmp_path):
    overlay = labels.overlay(signal)
    overlay.plot()
    overlay.save(tmp_path / "overlay.png")
    found = hs.load(tmp_path / "overlay.png").data
    np.testing.assert_array_equal(found["G"], overlay.data["G"])


def test_overlay_of_a_lazy_signal(signal, labels):
    lazy = labels.as_lazy().overlay(signal.as_lazy())
    np.testing.assert_array_equal(lazy.data, labels.overlay(signal).data)


def test_overlay_of_another_shape_is_an_error(signal, labels):
    with pytest.raises(ValueError, match="^signal must have the shape of the labels"):
        labels.overlay(signal.isig[1:])


def test_overlay_of_an_array_is_an_error(signal, labels):
    with pytest.raises(TypeError, match="^signal must be a Signal2D, got a ndarray"):
        labels.overlay(signal.data)


def test_overlay_of_another_saturation_is_an_error(signal, labels):
    with pytest.raises(ValueError, match="^saturation must be .* got 2"):
        labels.overlay(signal, saturation=2)


def test_areas_are_pixels_times_their_size(signal, masked_labels):
    areas = masked_labels.get_areas()
    pixels = [(masked_labels.data == 0).sum(), (masked_labels.data == 1).sum()]
    np.testing.assert_allclose(areas.data, np.array(pixels) * 0.02 * 0.02)
    assert areas.metadata.Signal.quantity == "Area (nm²)"
    areas.plot()


def test_areas_of_lazy_labels(signal, labels, small):
    lazy = signal.as_lazy().segment_symmetry(2, **small)
    np.testing.assert_array_equal(lazy.get_areas().data, labels.get_areas().data)


def test_boundary_length_of_two_grains(labels):
    # The boundary runs from the first to the last of 61 rows.
    lengths = labels.get_boundary_length()
    np.testing.assert_allclose(lengths.data, 61 * 0.02, rtol=0.1)


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_boundary_length_of_loaded_labels(labels, tmp_path, extension):
    labels.save(tmp_path / f"labels.{extension}")
    loaded = hs.load(tmp_path / f"labels.{extension}").get_boundary_length()
    np.testing.assert_array_equal(loaded.data, labels.get_boundary_length().data)


def test_boundary_length_of_labels_on_the_grid(signal, small):
    labels, on_grid = (
        signal.segment_symmetry(upsample=upsample, refine=False, **small)
        for upsample in (True, False)
    )
    np.testing.assert_allclose(
        on_grid.get_boundary_length().data, labels.get_boundary_length().data
    )


def test_boundary_length_of_refined_labels_on_the_grid(signal, labels, small):
    on_grid = signal.segment_symmetry(2, upsample=False, **small).get_boundary_length()
    # Coarser by the stride of 3 pixels.
    np.testing.assert_allclose(
        on_grid.data, labels.get_boundary_length().data, rtol=0.1
    )


def test_area_unit_of_axes_without_and_with_different_units(labels):
    labels = labels.deepcopy()
    labels.axes_manager["x"].units = "s"
    assert labels.area_unit == "nm s"
    bare = SymmetryLabels(np.zeros((3, 4), int))
    assert bare.area_unit == "px²"
    bare.axes_manager.signal_axes[0].scale = 0.5
    assert bare.area_unit == ""
