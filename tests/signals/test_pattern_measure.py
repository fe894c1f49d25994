# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas and lengths of the patterns of an image."""

import hyperspy.api as hs
import numpy as np
import pytest
from matplotlib.colors import to_hex

from hyperspy_symseg.plotting import PATTERN_COLORS
from hyperspy_symseg.signals import (
    LazyPatternMeasure,
    PatternMeasure,
    SymmetryLabels,
)


@pytest.fixture
def labels():
    """15 pixels of pattern 0 and 20 of pattern 1, which have names."""
    labels = SymmetryLabels(np.repeat([[0, 0, 0, 1, 1, 1, 1]], 5, axis=0))
    labels.pattern_names = "left", "right"
    return labels


def axes_of(signal):
    signal.plot()
    return signal._plot.signal_plot.ax


@pytest.mark.parametrize("lazy", [False, True])
def test_areas_are_bars_from_zero(labels, lazy):
    areas = (labels.as_lazy() if lazy else labels).get_areas()
    assert type(areas) is (LazyPatternMeasure if lazy else PatternMeasure)
    ax = axes_of(areas)
    assert [bar.get_height() for bar in ax.patches] == [15, 20]
    assert ax.get_ylim()[0] == 0
    assert not ax.lines[0].get_visible()


def test_bars_have_the_colours_and_the_names_of_the_patterns(labels):
    ax = axes_of(labels.get_areas())
    found = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert found == [PATTERN_COLORS["orange"], PATTERN_COLORS["sky blue"]]
    assert [each.get_text() for each in ax.get_xticklabels()] == ["0 left", "1 right"]


def test_shares_are_bars_too(labels):
    areas = labels.get_areas()
    shares = areas / areas.sum(axis=0)
    assert [bar.get_height() for bar in axes_of(shares).patches] == [15 / 35, 20 / 35]


def test_bars_of_some_patterns_are_theirs():
    labels = SymmetryLabels(np.array([[0, 0, 0, 1, 1, 2]], np.int8))
    labels.pattern_names = "left", "middle", "right"
    ax = axes_of(labels.get_areas().isig[1:])
    assert [bar.get_height() for bar in ax.patches] == [2, 1]
    found = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert found == [PATTERN_COLORS["sky blue"], PATTERN_COLORS["bluish green"]]
    words = [each.get_text() for each in ax.get_xticklabels()]
    assert words == ["1 middle", "2 right"]


@pytest.mark.parametrize(
    ("widths", "limits"),
    [((3, 500), (1, 650)), ((20, 0), (10, 26)), ((1, 9), (0.1, 11.7))],
)
def test_bars_of_a_logarithmic_scale_begin_at_a_power_of_ten(widths, limits):
    areas = SymmetryLabels(np.array([[0, 1]])).get_areas()
    areas.data[:] = widths
    areas.plot(norm="log")
    ax = areas._plot.signal_plot.ax
    assert ax.get_yscale() == "log"
    np.testing.assert_allclose(ax.get_ylim(), limits)
    assert [bar.get_height() for bar in ax.patches] == list(widths)


def test_one_pattern_is_not_drawn_as_hyperspy_draws_no_single_number():
    areas = SymmetryLabels(np.zeros((3, 4), np.int8)).get_areas()
    areas.plot()
    assert areas._plot is None


def test_areas_are_saved_as_what_they_are(labels, tmp_path):
    labels.get_areas().save(tmp_path / "areas.hspy")
    assert type(hs.load(tmp_path / "areas.hspy")) is PatternMeasure


def test_navigator_of_a_series_is_the_share_of_the_first_pattern():
    data = np.zeros((3, 4, 5), np.int8)
    data[1, :2] = 1
    data[2, 0, 0] = -1
    series = SymmetryLabels(data)
    series.plot()
    navigator = series._plot.navigator_data_function(axes_manager=series.axes_manager)
    np.testing.assert_allclose(navigator, [1, 0.5, 19 / 20])


def test_a_scale_bar_has_dark_edges(labels):
    for axis in labels.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, "nm"
    labels.plot()
    scalebar = labels._plot.signal_plot.ax.scalebar
    assert scalebar.line.get_path_effects()
    assert scalebar.text.get_path_effects()


def test_a_navigator_that_is_asked_for_is_not_replaced():
    series = SymmetryLabels(np.zeros((3, 4, 5), np.int8))
    own = hs.signals.Signal1D(np.array([3.0, 1.0, 2.0]))
    series.plot(navigator=own)
    navigator = series._plot.navigator_data_function(axes_manager=series.axes_manager)
    np.testing.assert_array_equal(navigator, own.data)
