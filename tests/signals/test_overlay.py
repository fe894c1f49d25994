# SPDX-License-Identifier: GPL-3.0-or-later
"""Tinted micrographs as a signal: legend, scale bar and navigator of the plot."""

import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hyperspy.signals import LazySignal2D, Signal2D
from matplotlib.colors import to_hex

from hyperspy_symseg.plotting import PATTERN_COLORS, draw_legend
from hyperspy_symseg.signals import (
    LazySymmetryOverlay,
    SymmetryLabels,
    SymmetryOverlay,
)


@pytest.fixture
def labels():
    """An image of two patterns, which have names."""
    labels = SymmetryLabels(np.repeat([[0, 0, 0, 1, 1, 1, 1]], 5, axis=0))
    labels.pattern_names = "left", "right"
    return labels


@pytest.fixture
def image():
    return Signal2D(np.arange(35.0).reshape(5, 7))


def series(n_frames=3):
    """Labels of as many frames, of which the first has only pattern 0; and frames."""
    labels = np.zeros((n_frames, 5, 7), np.int8)
    labels[1:, :, 2:] = 1
    return SymmetryLabels(labels), Signal2D(
        np.arange(35.0 * n_frames).reshape(-1, 5, 7)
    )


def axes_of(overlay, **options):
    overlay.plot(**options)
    return overlay._plot.signal_plot.ax


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_legend_has_the_names_of_the_patterns(labels, image):
    assert words(axes_of(labels.overlay(image))) == ["0 left", "1 right"]


def test_legend_has_the_names_of_colours_where_patterns_have_none(image):
    labels = SymmetryLabels(np.repeat([[0, 0, 1, 1, 2, 2, 2]], 5, axis=0))
    found = words(axes_of(labels.overlay(image)))
    assert found == ["0 orange", "1 sky blue", "2 bluish green"]


def test_legend_has_the_colours_of_the_patterns(labels, image):
    handles = axes_of(labels.overlay(image)).get_legend().legend_handles
    found = [to_hex(handle.get_facecolor()) for handle in handles]
    assert found == [PATTERN_COLORS["orange"], PATTERN_COLORS["sky blue"]]


def test_legend_is_drawn_with_the_image_and_not_below_it(labels, image):
    ax = axes_of(labels.overlay(image))
    assert ax.images[0].get_animated() == ax.get_legend().get_animated() is True


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_legend_is_white_on_black_in_any_style(labels, image, style):
    with plt.style.context(style):
        legend = axes_of(labels.overlay(image)).get_legend()
    assert to_hex(legend.get_frame().get_facecolor()) == "#000000"
    assert {to_hex(text.get_color()) for text in legend.get_texts()} == {"#ffffff"}


def test_names_are_text_whatever_they_are():
    ax = plt.figure().add_subplot()
    legend = draw_legend(ax, ["0 _hidden", "1 $x$ and $"])
    ax.figure.draw_without_rendering()
    found = [text.get_text() for text in legend.get_texts()]
    assert found == ["0 _hidden", r"1 \$x\$ and \$"]


def test_no_legend_where_none_is_wanted(labels, image):
    assert axes_of(labels.overlay(image), legend=False).get_legend() is None


def test_legend_must_be_true_or_false(labels, image):
    with pytest.raises(TypeError, match="legend must be True or False, got 'no'"):
        labels.overlay(image).plot(legend="no")


def test_no_legend_of_more_patterns_than_colours_that_can_be_told_apart(image):
    labels = SymmetryLabels(np.arange(35).reshape(5, 7) % 15)
    assert axes_of(labels.overlay(image)).get_legend() is None


def test_legend_in_axes_of_ones_own(labels, image):
    overlay = labels.overlay(image)
    (ax,) = hs.plot.plot_images([overlay])
    legend = overlay.add_legend(ax, loc="lower left")
    assert ax.get_legend() is legend
    assert words(ax) == ["0 left", "1 right"]


def test_scale_bar_has_dark_edges(labels, image):
    for axis in labels.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    scalebar = axes_of(labels.overlay(image)).scalebar
    assert scalebar.line.get_path_effects()


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_legend_is_saved_and_loaded(labels, image, tmp_path, extension):
    labels.overlay(image).save(tmp_path / f"overlay.{extension}")
    loaded = hs.load(tmp_path / f"overlay.{extension}")
    assert type(loaded) is SymmetryOverlay
    assert words(axes_of(loaded)) == ["0 left", "1 right"]


def test_legend_of_a_crop(labels, image):
    assert words(axes_of(labels.overlay(image).isig[:3])) == ["0 left", "1 right"]


def test_legend_of_a_file_that_has_something_else(labels, image):
    overlay = labels.overlay(image)
    overlay.metadata.Symmetry_overlay.legend = [1, 2]
    with pytest.raises(TypeError, match=r"Symmetry_overlay\.legend must be a list"):
        overlay.plot()


def test_single_channels_are_plotted_as_they_are(labels, image):
    overlay = labels.overlay(image)
    overlay.change_dtype("uint8")
    overlay.plot()
    assert overlay._plot.signal_plot.ax.get_legend() is None


def test_navigator_of_a_series_is_the_share_of_the_first_pattern():
    labels, frames = series()
    overlay = labels.overlay(frames)
    overlay.plot()
    plot = overlay._plot
    np.testing.assert_allclose(plot.navigator_data_function(), [1, 2 / 7, 2 / 7])
    assert plot.navigator_plot.ax.get_ylabel() == "Share of pattern 0"


def test_frame_in_view_is_that_of_the_navigator():
    labels, frames = series()
    overlay = labels.overlay(frames)
    ax = axes_of(overlay)
    overlay.axes_manager.indices = (2,)
    expected = labels.inav[2].overlay(frames.inav[2]).data
    shown = np.asarray(ax.images[0].get_array())
    np.testing.assert_array_equal(shown[..., 0], expected["R"])
    np.testing.assert_array_equal(shown[..., 2], expected["B"])


def test_navigator_of_two_axes_is_an_image():
    data = np.zeros((2, 3, 5, 7), np.int8)
    data[1, 2, :, :3] = 1
    overlay = SymmetryLabels(data).overlay(Signal2D(np.ones(data.shape)))
    overlay.plot()
    expected = [[1, 1, 1], [1, 1, 4 / 7]]
    np.testing.assert_allclose(overlay._plot.navigator_data_function(), expected)


def test_an_overlay_that_was_plotted_has_colours_still():
    labels, frames = series()
    overlay = labels.overlay(frames)
    overlay.plot()
    assert overlay.is_rgbx


def test_a_navigator_that_is_asked_for_is_not_replaced():
    labels, frames = series()
    own = hs.signals.Signal1D(np.array([3.0, 1.0, 2.0]))
    overlay = labels.overlay(frames)
    overlay.plot(navigator=own)
    np.testing.assert_array_equal(overlay._plot.navigator_data_function(), own.data)


def test_some_frames_have_a_slider():
    labels, frames = series(4)
    overlay = labels.overlay(frames).inav[:2]
    overlay.plot()
    assert overlay._plot.navigator_data_function == "slider"


def test_lazy_labels_have_a_slider():
    labels, frames = series()
    overlay = labels.as_lazy().overlay(frames)
    assert type(overlay) is LazySymmetryOverlay
    overlay.plot()
    assert overlay._plot.navigator_data_function == "slider"


@pytest.mark.parametrize("frames", [slice(None), slice(0, 2)])
def test_lazy_overlays_and_some_frames_of_them_are_plotted(frames):
    labels, signal = series()
    overlay = labels.as_lazy().overlay(signal.as_lazy()).inav[frames]
    assert words(axes_of(overlay)) == ["0 orange", "1 sky blue"]


def test_labels_in_memory_give_lazy_frames_a_navigator():
    labels, frames = series()
    lazy = LazySignal2D(da.from_array(frames.data, chunks=(1, 5, 7)))
    overlay = labels.overlay(lazy)
    overlay.plot()
    np.testing.assert_allclose(
        overlay._plot.navigator_data_function(), [1, 2 / 7, 2 / 7]
    )
