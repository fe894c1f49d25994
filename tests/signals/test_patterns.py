# SPDX-License-Identifier: GPL-3.0-or-later
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hyperspy_symseg.command_line.areas import area_lines, measured_areas
from hyperspy_symseg.signals.arguments import pattern_examples
from hyperspy_symseg.simulate import Lattice, micrograph

SHAPE = (126, 207)
# Columns of the smaller grain.
AT = 80
SCALE = 0.05


def image(seed=0):
    square = Lattice.square(12, 4)
    labels = np.zeros(SHAPE, int)
    labels[:, AT:] = 1
    lattices = [square, square.rotated(30)]
    signal, _ = micrograph(lattices, boundary=labels, dose=30, seed=seed)
    for axis, offset in zip(signal.axes_manager.signal_axes, (3, -2), strict=True):
        axis.scale, axis.units, axis.offset = SCALE, "nm", offset
    return signal


@pytest.fixture(scope="module")
def signal():
    return image()


def region(columns, rows=(20, 84)):
    """Rectangle of pixels, on the axes of the signal."""
    left, right = (3 + SCALE * n for n in columns)
    top, bottom = (-2 + SCALE * n for n in rows)
    return hs.roi.RectangularROI(left=left, top=top, right=right, bottom=bottom)


def patterns():
    """Of the larger grain first."""
    return {"right": region((120, 184)), "left": region((8, 72))}


@pytest.fixture(scope="module")
def labels(signal):
    return signal.segment_symmetry(patterns=patterns(), show_progressbar=False)


def axes_of(signal):
    return signal.axes_manager.signal_axes[::-1]


def test_labels_are_in_the_order_of_the_examples(labels):
    assert (labels.data[:, : AT - 10] == 1).mean() > 0.99
    assert (labels.data[:, AT + 10 :] == 0).mean() > 0.99


def test_names(labels):
    assert labels.pattern_names == ("right", "left")
    assert labels.metadata.Symmetry_segmentation.names == ["right", "left"]
    assert labels.isig[:40, :30].pattern_names == ("right", "left")


def test_no_names_without_a_model(labels):
    plain = hs.signals.Signal2D(labels.data)
    plain.set_signal_type("symmetry_labels")
    assert plain.pattern_names is None


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_names_survive_files(labels, tmp_path, extension, lazy):
    labels.save(tmp_path / f"labels.{extension}")
    loaded = hs.load(tmp_path / f"labels.{extension}", lazy=lazy)
    assert loaded.pattern_names == ("right", "left")
    assert loaded.model == labels.model


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
def test_examples_are_recorded_and_taken_again(signal, labels, tmp_path, extension):
    labels.save(tmp_path / f"labels.{extension}")
    found = hs.load(tmp_path / f"labels.{extension}").pattern_examples
    assert list(found) == ["right", "left"]
    for name, given in patterns().items():
        assert type(found[name]) is type(given)
        assert found[name].parameters == given.parameters
    expected, _ = pattern_examples(patterns(), axes_of(signal))
    np.testing.assert_array_equal(pattern_examples(found, axes_of(signal))[0], expected)


def test_no_examples_are_recorded_of_labels(signal, labels):
    again = signal.segment_symmetry(patterns=labels, show_progressbar=False)
    assert again.pattern_examples is None


def test_names_go_with_the_model(labels):
    again = image(1).segment_symmetry(model=labels.model, show_progressbar=False)
    assert again.pattern_names == ("right", "left")
    assert (again.data == labels.data).mean() > 0.98


def test_names_in_results(labels):
    areas = labels.get_areas()
    assert areas.metadata.Symmetry_segmentation.names == ["right", "left"]


def test_names_beside_the_bar(labels):
    labels.plot()
    bar = labels._plot.signal_plot._colorbar
    words = [each.get_text() for each in bar.ax.get_yticklabels()]
    assert words == ["0 right", "1 left"]


def test_names_in_a_legend(signal, labels):
    ax = labels.plot_clusters(signal)
    words = [each.get_text() for each in ax.get_legend().get_texts()]
    assert words[:2] == ["pattern 0 right", "pattern 1 left"]


def test_names_in_a_table(labels):
    assert [line.split()[2] for line in area_lines(measured_areas(labels))] == [
        "right",
        "left",
    ]


def test_arrays_of_bool_are_the_same(signal, labels):
    given = {}
    for name, columns in (("right", slice(120, 184)), ("left", slice(8, 72))):
        given[name] = np.zeros(SHAPE, bool)
        given[name][20:84, columns] = True
    given["left"] = hs.signals.Signal2D(given["left"])
    again = signal.segment_symmetry(patterns=given, show_progressbar=False)
    assert again.model == labels.model


def test_labels_have_no_names(signal, labels):
    known, _ = pattern_examples(patterns(), axes_of(signal))
    again = signal.segment_symmetry(patterns=known, show_progressbar=False)
    assert again.pattern_names is None
    np.testing.assert_array_equal(again.data, labels.data)


def test_labels_of_another_segmentation_have_their_names(signal, labels):
    again = signal.segment_symmetry(patterns=labels, show_progressbar=False)
    assert again.pattern_names == ("right", "left")


def test_a_number_without_pixels_is_left_out(labels, caplog):
    axes = labels.axes_manager.signal_axes[::-1]
    merged = labels.relabel({"left": 2})
    merged.pattern_names = ["right", "nothing", "rim"]
    known, names = pattern_examples(merged, axes)
    assert names == ("right", "rim")
    np.testing.assert_array_equal(known, labels.data)
    assert "Patterns without pixels are left out: [0, 2] become [0, 1]" in caplog.text
    known, names = pattern_examples(merged.relabel({"rim": "nothing"}), axes)
    assert names == ("right", "nothing")
    np.testing.assert_array_equal(known, labels.data)


def test_of_the_scores_alone(signal):
    found = signal.segment_symmetry(
        patterns=patterns(), refine=False, show_progressbar=False
    )
    assert (found.data[:, : AT - 10] == 1).mean() > 0.95
    assert found.pattern_names == ("right", "left")


@pytest.fixture(scope="module")
def series():
    """Three lazy frames of the same grains."""
    frames = hs.stack([image(seed) for seed in range(3)])
    return frames.as_lazy()


def test_of_a_series_the_first_frame_has_the_examples(series):
    found = series.segment_symmetry(patterns=patterns(), show_progressbar=False)
    assert found.metadata.Symmetry_segmentation.fit_on.tolist() == [[0]]
    found.compute(show_progressbar=False)
    assert (found.data[:, :, : AT - 10] == 1).mean() > 0.99


def test_of_a_series_other_frames_may_have_them(series):
    found = series.segment_symmetry(
        patterns=patterns(), fit_on=[1, 2], show_progressbar=False
    )
    assert found.metadata.Symmetry_segmentation.fit_on.tolist() == [[1], [2]]
    assert found.pattern_names == ("right", "left")


def test_of_the_scores_of_a_series(series):
    found = series.segment_symmetry(
        patterns=patterns(), refine=False, show_progressbar=False
    )
    found.compute(show_progressbar=False)
    assert (found.data[:, :, : AT - 10] == 1).mean() > 0.95


def test_a_small_example_of_a_series(series):
    given = patterns() | {"left": region((8, 40))}
    with pytest.raises(ValueError, match="example of 'left' must have at least 16"):
        series.segment_symmetry(patterns=given, show_progressbar=False)


def pixels_of(signal, example):
    """Rows and columns of the pixels of one example."""
    found, _ = pattern_examples({"it": example}, axes_of(signal))
    return np.argwhere(found == 0)


def test_pixels_of_a_rectangle(signal):
    found = pixels_of(signal, region((8, 11), (20, 22)))
    assert found.tolist() == [[y, x] for y in (20, 21) for x in (8, 9, 10)]


def test_a_rectangle_may_reach_the_edges(signal):
    assert len(pixels_of(signal, region((0, 207), (0, 126)))) == 126 * 207


def test_pixels_of_a_circle(signal):
    circle = hs.roi.CircleROI(cx=3 + 50 * SCALE, cy=-2 + 40 * SCALE, r=10 * SCALE)
    found = pixels_of(signal, circle)
    assert len(found) == pytest.approx(np.pi * 100, rel=0.06)
    np.testing.assert_allclose(found.mean(axis=0), [40, 50], atol=0.6)


def test_pixels_of_a_ring(signal):
    at = {"cx": 3 + 50 * SCALE, "cy": -2 + 40 * SCALE}
    ring = hs.roi.CircleROI(**at, r=10 * SCALE, r_inner=5 * SCALE)
    assert len(pixels_of(signal, ring)) == pytest.approx(np.pi * 75, rel=0.08)


@pytest.mark.skipif(not hasattr(hs.roi, "PolygonROI"), reason="HyperSpy has none")
def test_pixels_of_a_polygon(signal):
    corners = [(10, 20), (40, 20), (10, 50)]
    vertices = [(3 + SCALE * x, -2 + SCALE * y) for x, y in corners]
    found = pixels_of(signal, hs.roi.PolygonROI(vertices))
    # Half of 30 x 30, with or without those on the edges.
    assert 450 <= len(found) <= 31 * 32 / 2
    assert found.min(axis=0) == pytest.approx([20, 10], abs=1)


REFUSED = {
    "a point": (hs.roi.Point2DROI(4, 0), "must be a region with pixels in it"),
    "a span": (hs.roi.SpanROI(4, 5), "must be a region with pixels in it"),
    "a line": (hs.roi.Line2DROI(4, 0, 5, 1), "must be a region with pixels in it"),
    "not set": (hs.roi.RectangularROI(), "must be set"),
    "outside": (region((8, 300)), r"must lie in the frame, from -2 to 4.25 along y|x"),
    "above": (region((8, 30), (-20, 40)), "must lie in the frame"),
    "numbers": (np.zeros(SHAPE), "must be a RectangularROI or CircleROI"),
    "text": ("left", "must be a RectangularROI"),
    "of another shape": (np.ones((3, 4), bool), r"must have the shape of a frame"),
    "empty": (np.zeros(SHAPE, bool), "must have a pixel"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_example(signal, name):
    example, error = REFUSED[name]
    with pytest.raises((TypeError, ValueError), match=rf"patterns\['left'\].*{error}"):
        signal.segment_symmetry(patterns={"left": example})


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, "patterns must have one example or more"),
        ({"left": region((8, 72)), "right": region((60, 130))}, "not overlap"),
        ({3: region((8, 72))}, "names in patterns must be a sequence of str"),
        ({"": region((8, 72))}, "names in patterns must be different and not empty"),
        (np.zeros(SHAPE), "patterns must be a dict of names"),
        ("left", "patterns must be a dict of names"),
        (np.zeros((3, 4), int), "patterns must have the shape of the frame"),
        (np.full(SHAPE, 2), "patterns must have the labels 0, 1"),
        (np.full(SHAPE, -1), "patterns must have the labels 0, 1"),
    ],
)
def test_what_are_no_examples(signal, given, error):
    with pytest.raises((TypeError, ValueError), match=error):
        signal.segment_symmetry(patterns=given)


def test_n_patterns_may_be_the_number_of_examples(signal):
    [only] = [{"all": region((100, 200))}]
    found = signal.segment_symmetry(1, patterns=only, show_progressbar=False)
    assert found.n_patterns == 1


@pytest.mark.parametrize("n_patterns", [3, 1])
def test_another_number_of_patterns(signal, n_patterns):
    with pytest.raises(ValueError, match='n_patterns must be 2, or "auto", as '):
        signal.segment_symmetry(n_patterns, patterns=patterns())


def test_number_of_examples_has_no_costs(labels):
    with pytest.raises(ValueError, match="as many patterns as examples were given"):
        labels.plot_n_patterns()


def test_no_examples_with_a_model(signal, labels):
    with pytest.raises(ValueError, match="patterns must be None with a model"):
        signal.segment_symmetry(model=labels.model, patterns=patterns())


def test_plot_has_a_row_a_pattern(labels):
    axes = labels.plot_patterns()
    assert axes.shape == (2, 2)
    titles = [ax.get_title() for ax in axes[:, 0]]
    assert titles == ["0 right: crystal", "1 left: crystal"]


def test_plot_is_calibrated(labels):
    cell, reflections = labels.plot_patterns()[0]
    assert cell.get_xlabel() == "x (nm)"
    assert reflections.get_ylabel() == "Frequency along y (1/nm)"
    expected = labels.model.patterns[0].reflections[0, ::-1] / SCALE
    np.testing.assert_allclose(reflections.collections[0].get_offsets()[0], expected)


def test_areas_of_circles_follow_the_amplitudes(labels):
    ax = labels.plot_patterns()[1, 1]
    amplitudes = labels.model.patterns[1].amplitudes
    sizes = ax.collections[0].get_sizes()[: len(amplitudes)]
    np.testing.assert_allclose(sizes / sizes[0], amplitudes / amplitudes[0])


def test_plot_in_given_axes(labels):
    axes = plt.figure().subplots(2, 2)
    assert labels.plot_patterns(axes)[1, 0] is axes[1, 0]


def test_plot_in_too_few_axes(labels):
    with pytest.raises(ValueError, match="axes must be 2 rows of two"):
        labels.plot_patterns(plt.figure().subplots(1, 2))


def test_plot_in_no_axes(labels):
    with pytest.raises(TypeError, match="axes must be axes of matplotlib"):
        labels.plot_patterns([1, 2, 3, 4])


def test_no_plot_of_the_scores_alone(signal):
    found = signal.segment_symmetry(refine=False, show_progressbar=False)
    with pytest.raises(ValueError, match="labels must be refined by templates"):
        found.plot_patterns()
