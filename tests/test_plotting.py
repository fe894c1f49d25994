# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest

from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.plotting import (
    draw_bars,
    pattern_colormap,
    plot_n_patterns,
    plot_periods,
)
from hyperspy_symseg.simulate import Lattice, micrograph
from hyperspy_symseg.templates.refusals import NOT_TRIED, ONE_MOTIF, RIM, TOO_LITTLE


def test_colormap_is_grey_below():
    under = pattern_colormap(3)(-0.1)
    assert under[0] == under[1] == under[2]


@pytest.fixture(scope="module")
def signal(two_grains):
    return two_grains[0]


@pytest.fixture(scope="module")
def labels(signal, small):
    return signal.segment_symmetry(2, show_progressbar=False, **small)


def line(ax, label):
    """Data of the line of this label: (2, points)."""
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return np.array(found.get_data())


PLOTS = {
    "plot_explained_variance": (),
    "plot_separability": (),
    "plot_clusters": ("signal",),
}


@pytest.mark.parametrize("name", PLOTS)
def test_axes_in_axes_out(labels, signal, name):
    own = plt.figure().add_subplot()
    arguments = (signal,) * len(PLOTS[name])
    assert getattr(labels, name)(*arguments, ax=own) is own
    assert getattr(labels, name)(*arguments) is not own


def test_explained_variance_of_all_components(labels):
    ax = labels.plot_explained_variance()
    numbers, explained = ax.lines[0].get_data()
    assert numbers.tolist() == list(range(1, 82))
    assert explained[-1] == pytest.approx(1)
    expected = labels.model.explained_variance_ratio.sum()
    np.testing.assert_allclose(line(ax, "in use"), [[5], [expected]])


@pytest.fixture(scope="module")
def compared(labels):
    """Model in which 2 patterns were chosen, of 4 that were tried."""
    return dataclasses.replace(
        labels.model,
        costs=np.array([0, -300, np.inf, -303]),
        refusals=["", "", RIM, TOO_LITTLE, *[NOT_TRIED] * 4],
    )


def test_plot_of_numbers_marks_those_that_are_chosen_and_refused(compared):
    ax = plot_n_patterns(compared)
    np.testing.assert_array_equal(line(ax, "chosen"), [[2], [-300]])
    # One without a cost is at that of the best smaller one.
    np.testing.assert_array_equal(line(ax, "refused"), [[3, 4], [-300, -303]])


def test_plot_of_numbers_says_what_they_are_worth_or_why_they_are_refused(compared):
    texts = plot_n_patterns(compared).texts
    assert [(each.xy[0], each.get_text()) for each in texts] == [
        (2, "gains 300 nats"),
        (3, "a pattern that is a rim of others"),
        (4, "gains only 3 nats"),
        (6.5, "not tried, as 2 numbers in turn were refused"),
    ]


def test_plot_of_numbers_says_what_is_refused_whatever_it_gains(compared):
    model = dataclasses.replace(compared, costs=[0, -300, -350, -303])
    ax = plot_n_patterns(model)
    assert ax.texts[1].get_text() == "a pattern that is a rim of others\ngains 50 nats"
    np.testing.assert_array_equal(line(ax, "refused"), [[3, 4], [-350, -303]])
    np.testing.assert_array_equal(line(ax, "chosen"), [[2], [-300]])


@pytest.mark.parametrize(
    "costs", [[0, -300, np.inf, -303], [0, 50, 200, -303], [0, -30, np.inf, -9000]]
)
def test_what_is_written_beside_numbers_is_within_the_axes(compared, costs):
    refusals = ["", "", ONE_MOTIF, "" if costs[3] < -1000 else TOO_LITTLE]
    model = dataclasses.replace(compared, costs=costs, refusals=refusals)
    ax = plot_n_patterns(model)
    ax.figure.draw_without_rendering()
    box = ax.get_window_extent()
    for text in ax.texts:
        own = text.get_window_extent()
        assert own.y1 <= box.y1
        assert own.x1 <= box.x1


def test_chosen_number_is_that_of_the_costs_where_a_pattern_has_no_pixels(compared):
    costs, refusals = [0, -300, -400], ["", "", ""]
    model = dataclasses.replace(compared, costs=costs, refusals=refusals)
    assert line(plot_n_patterns(model), "chosen")[0] == 3


def test_plot_of_numbers_of_before_there_were_reasons(compared):
    ax = plot_n_patterns(dataclasses.replace(compared, refusals=None))
    np.testing.assert_array_equal(line(ax, "chosen"), [[2], [-300]])
    assert not ax.texts
    assert ax.get_xticks().tolist() == [1, 2, 3, 4]


def test_separability_against_variance(labels):
    ax, model = labels.plot_separability(), labels.model
    expected = model.variances, model.separability
    np.testing.assert_array_equal(line(ax, "operations"), expected)
    expected = model.component_variances, model.component_separability
    np.testing.assert_array_equal(line(ax, "principal components"), expected)


def test_clusters_of_all_pixels_of_the_sample(labels, signal):
    ax, model = labels.plot_clusters(signal), labels.model
    sizes = [
        line(ax, f"pattern {name}").shape[1] for name in ("0 orange", "1 sky blue")
    ]
    assert sum(sizes) == model.counts.sum()
    np.testing.assert_array_equal(line(ax, "centres"), model.centres[:, :2].T)


def test_clusters_in_three_dimensions(labels, signal):
    ax = plt.figure().add_subplot(projection="3d")
    labels.plot_clusters(signal, ax)
    assert ax.get_zlabel() == "Principal component 3"


def test_clusters_of_a_masked_signal_are_fewer(labels, signal):
    mask = np.zeros((61, 83), bool)
    mask[:, :40] = True
    some = labels.plot_clusters(signal, mask=mask)
    assert line(some, "pattern 0 orange").shape[1] < labels.model.counts[0] / 2


def test_clusters_of_too_few_components(signal, small):
    labels = signal.segment_symmetry(2, n_components=1, show_progressbar=False, **small)
    with pytest.raises(ValueError, match="^n_components .* at least 2 .* got 1"):
        labels.plot_clusters(signal)


def test_clusters_of_an_array(labels, signal):
    with pytest.raises(TypeError, match="^signal must be a Signal2D, got a ndarray"):
        labels.plot_clusters(signal.data)


def test_clusters_of_another_pixel_size(labels, signal):
    other = signal.deepcopy()
    other.axes_manager["x"].scale *= 3
    with pytest.raises(
        ValueError, match="^model must be fitted at the pixel size of axis x"
    ):
        labels.plot_clusters(other)


def test_separability_is_a_map_over_the_shifts(labels):
    found = labels.get_separability()
    dx, dy = found.axes_manager.signal_axes
    assert (dx.name, dx.units, dx.size) == ("dx", "nm", 9)
    np.testing.assert_allclose(dy.axis, 0.02 * np.arange(-8, 9, 2), atol=1e-12)
    expected = labels.model.separability.reshape(9, 9)
    np.testing.assert_array_equal(found.data, expected)
    assert found.data[4, 4] == 0
    assert found.metadata.Signal.quantity == "Separability"
    operations = found.metadata.Symmetry_descriptors.operations
    np.testing.assert_array_equal(operations, labels.model.descriptor.operations)


def test_separability_of_labels_on_the_grid_has_the_same_axes(signal, labels, small):
    on_grid = signal.segment_symmetry(
        2, upsample=False, show_progressbar=False, **small
    ).get_separability()
    expected = labels.get_separability().axes_manager.as_dictionary()
    assert on_grid.axes_manager.as_dictionary() == expected


def test_separability_of_reflections_is_along_the_angle(signal):
    labels = signal.segment_symmetry(
        2, descriptor="reflection", radius=5, n_maxima=1, show_progressbar=False
    )
    (axis,) = labels.get_separability().axes_manager.signal_axes
    assert (axis.name, axis.units, axis.size) == ("Axis angle", "°", 10)


@pytest.fixture(scope="module")
def periods():
    return find_periods(micrograph(Lattice.square(13, 20), (120, 150))[0].data)


@pytest.fixture(scope="module")
def noise():
    return find_periods(np.random.default_rng(0).poisson(5, (60, 70)))


def test_axes_of_periods_in_axes_out(periods):
    own = plt.figure().add_subplot()
    assert plot_periods(periods, own) is own
    assert plot_periods(periods) is not own


def test_both_reflections_of_a_pair_are_marked(periods):
    marks, _ = plot_periods(periods).lines
    found = np.array(marks.get_data()).T
    expected = periods.reflections[:, ::-1]
    np.testing.assert_array_equal(found, np.concatenate([expected, -expected]))


def test_circle_is_at_the_period(periods):
    _, circle = plot_periods(periods).lines
    np.testing.assert_allclose(np.hypot(*circle.get_data()), 1 / periods.period)


def test_second_circle_is_at_the_period_of_a_superlattice(periods):
    longer = np.array([[0, 1 / (2 * periods.period)]])
    reflections = np.concatenate([periods.reflections, longer])
    powers = np.append(periods.powers, periods.powers[0] / 10)
    found = dataclasses.replace(periods, reflections=reflections, powers=powers)
    *_, circle = plot_periods(found).lines
    np.testing.assert_allclose(
        np.hypot(*circle.get_data()), 1 / (2 * periods.period), rtol=1e-9
    )
    assert circle.get_label() == "superlattice"


def test_reflections_are_at_bright_pixels(periods):
    ax = plot_periods(periods)
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    power = np.asarray(image.get_array())
    x, y = ax.lines[0].get_data()
    columns = ((x - left) / (right - left) * power.shape[1]).astype(int)
    rows = ((y - top) / (bottom - top) * power.shape[0]).astype(int)
    assert (power[rows, columns] > np.percentile(power, 97)).all()


def test_title_in_pixels(periods):
    assert plot_periods(periods).get_title() == f"Period {periods.period:.2f} px"


def test_title_without_calibration(periods):
    ax = plot_periods(periods, pixel_size=1.0)
    assert ax.get_title() == f"Period {periods.period:.2f} px"


def test_pixel_size_scales_axes_and_title(periods):
    ax = plot_periods(periods, pixel_size=0.02, units="nm")
    assert ax.get_title().endswith(f"px = {periods.period * 0.02:.4g} nm")
    assert ax.get_xlabel() == "Frequency along x (1/nm)"
    _, circle = ax.lines
    expected = 1 / (periods.period * 0.02)
    np.testing.assert_allclose(np.hypot(*circle.get_data()), expected)


def test_pixel_size_without_units(periods):
    ax = plot_periods(periods, pixel_size=0.5)
    assert ax.get_title().endswith(f"= {periods.period / 2:.4g}")
    assert ax.get_ylabel() == "Frequency along y"


def test_y_points_down_as_in_the_frame(periods):
    bottom, top = plot_periods(periods).get_ylim()
    assert bottom > top


def test_noise_has_a_spectrum_and_no_period(noise):
    ax = plot_periods(noise)
    assert ax.get_title() == "No period"
    assert not len(ax.lines)
    assert len(ax.images) == 1


def test_no_spectrum_to_plot():
    with pytest.raises(
        ValueError, match="^periods must be of frames with some contrast"
    ):
        plot_periods(find_periods(np.zeros((50, 50))))


def test_bars_begin_at_zero():
    ax = plt.subplots()[1]
    draw_bars(ax, np.arange(2), np.array([2.29, 2.31]), ("matrix", "grain"))
    assert [bar.get_height() for bar in ax.patches] == [2.29, 2.31]
    assert ax.get_ylim()[0] == 0
    assert [each.get_text() for each in ax.get_xticklabels()] == ["0 matrix", "1 grain"]
