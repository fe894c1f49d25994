# SPDX-License-Identifier: GPL-3.0-or-later
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.plotting import plot_periods
from hyperspy_symseg.simulate import Lattice, micrograph


@pytest.fixture(scope="module")
def periods():
    return find_periods(micrograph(Lattice.square(13, 20), (120, 150))[0].data)


@pytest.fixture(scope="module")
def noise():
    return find_periods(np.random.default_rng(0).poisson(5, (60, 70)))


def test_axes_in_axes_out(periods):
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
