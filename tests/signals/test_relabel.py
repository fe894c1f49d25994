# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to labels by hand: merged, named, corrected and replayed."""

import dask.array as da
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hyperspy_symseg.signals import BrushStroke, SymmetryLabels

RNG = np.random.default_rng(8)
SHAPE = (9, 14)
FRAME = RNG.integers(-1, 3, SHAPE).astype(np.int8)
Y = {"name": "y", "size": 9, "scale": 0.5, "units": "nm"}
X = {"name": "x", "size": 14, "scale": 0.5, "offset": 2.0, "units": "nm"}
BOX = hs.roi.RectangularROI(left=3.0, right=5.0, top=0.5, bottom=2.0)
INSIDE = (..., slice(1, 4), slice(2, 6))
REGIONS = [
    BOX,
    hs.roi.CircleROI(cx=5.0, cy=2.0, r=1.2),
    hs.roi.PolygonROI([(3.0, 0.5), (6.0, 1.0), (4.0, 3.5)]),
    RNG.random(SHAPE) < 0.3,
    BrushStroke([(3.0, 1.0), (7.5, 3.0)], 1.2),
]


def labels_signal(data=FRAME, names=None, lazy=False):
    record = {"n_patterns": 3, "stride": (1, 1), "_model": {"name": "none"}}
    if names:
        record["names"] = names
        record["_model"]["names"] = names
    series = [{"size": n, "navigate": True} for n in data.shape[:-2]]
    metadata = {"Signal": {"signal_type": "symmetry_labels"}}
    metadata["Symmetry_segmentation"] = record
    axes = [*series, Y | {"navigate": False}, X | {"navigate": False}]
    result = SymmetryLabels(data, axes=axes, metadata=metadata)
    return result.as_lazy() if lazy else result


def series_signal(lazy=False):
    return labels_signal(np.stack([FRAME, FRAME[::-1], FRAME[:, ::-1]]), lazy=lazy)


def test_merged():
    found = labels_signal().relabel({0: 2})
    np.testing.assert_array_equal(found.data, np.where(FRAME == 0, 2, FRAME))
    assert found.n_patterns == 3
    assert isinstance(found, SymmetryLabels)


def test_all_at_once():
    found = labels_signal().relabel({0: 1, 1: 0, 2: -1})
    expected = np.array([1, 0, -1, -1])[FRAME]
    np.testing.assert_array_equal(found.data, expected)


def test_the_labels_themselves_stay():
    seg = labels_signal()
    seg.relabel({0: 2})
    np.testing.assert_array_equal(seg.data, FRAME)
    assert not seg.metadata.has_item("Changes_by_hand")


@pytest.mark.parametrize("lazy", [False, True])
def test_a_region_becomes_a_pattern(lazy):
    found = labels_signal(lazy=lazy).relabel(1, roi=BOX)
    assert found._lazy == lazy
    expected = FRAME.copy()
    expected[INSIDE] = 1
    np.testing.assert_array_equal(found.data, expected)


def test_some_patterns_in_a_region():
    found = labels_signal().relabel({0: 2, -1: 1}, roi=BOX)
    expected = FRAME.copy()
    expected[INSIDE] = np.array([2, 1, 2, 1])[FRAME[INSIDE]]
    np.testing.assert_array_equal(found.data, expected)


def test_a_new_pattern_has_a_number_an_area_and_a_name():
    found = labels_signal(names=["a", "b", "c"]).relabel(3, roi=BOX)
    assert found.n_patterns == 4
    assert found.pattern_names == ("a", "b", "c", "pattern 3")
    assert found.get_areas().data[3] == 12 * 0.25
    found.plot()
    found.overlay(hs.signals.Signal2D(np.ones(SHAPE)))
    assert found.get_boundary_length().data.shape == (4,)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("frames", [1, [1], slice(1, 2), -2])
def test_some_frames_of_a_series(lazy, frames):
    seg = series_signal(lazy)
    expected = np.array(seg.data)
    expected[1][INSIDE] = 0
    found = seg.relabel(0, roi=BOX, frames=frames)
    np.testing.assert_array_equal(found.data, expected)


def test_frames_of_two_navigation_axes():
    data = np.stack([[FRAME] * 3] * 2)
    found = labels_signal(data).relabel({0: 2}, frames=([0, 2], 1))
    expected = data.copy()
    for place in ((1, 0), (1, 2)):
        expected[place] = np.where(FRAME == 0, 2, FRAME)
    np.testing.assert_array_equal(found.data, expected)


def test_labels_of_another_program():
    seg = hs.signals.Signal2D(FRAME.astype(np.uint8) % 3)
    seg.set_signal_type("symmetry_labels")
    found = seg.relabel({2: -1})
    np.testing.assert_array_equal(found.data, np.array([0, 1, -1])[seg.data])
    assert found.n_patterns == 3
    found.pattern_names = ["a", "b", "c"]
    assert found.pattern_names == ("a", "b", "c")


def test_names_are_those_of_plots_and_of_the_model():
    seg = labels_signal()
    seg.pattern_names = ["matrix", "twin", "rim"]
    assert seg.pattern_names == ("matrix", "twin", "rim")
    assert seg.metadata.Symmetry_segmentation._model.names == ["matrix", "twin", "rim"]
    found = seg.relabel({"twin": "rim"})
    np.testing.assert_array_equal(found.data, np.where(FRAME == 1, 2, FRAME))
    found.plot()
    words = [t.get_text() for ax in plt.gcf().axes for t in ax.get_yticklabels()]
    assert words == ["0 matrix", "1 twin", "2 rim"]


def test_names_are_saved(tmp_path):
    seg = labels_signal()
    seg.pattern_names = ["matrix", "twin", "rim"]
    seg.save(tmp_path / "seg.hspy")
    assert hs.load(tmp_path / "seg.hspy").pattern_names == ("matrix", "twin", "rim")


def all_changes(seg):
    seg = seg.relabel({0: 1, 1: 0})
    seg.pattern_names = ["b", "a", "c"]
    for region in REGIONS:
        seg = seg.relabel({"a": "c", -1: "b"}, roi=region)
    return seg.relabel(3, roi=BOX)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("suffix", [None, ".hspy", ".zspy"])
def test_replayed(tmp_path, suffix, lazy):
    done = all_changes(labels_signal())
    if suffix:
        done.save(tmp_path / f"seg{suffix}")
        done = hs.load(tmp_path / f"seg{suffix}")
    other = labels_signal(FRAME[::-1].copy(), lazy=lazy)
    found, expected = other.replay(done), all_changes(other)
    assert found._lazy == lazy
    np.testing.assert_array_equal(found.data, expected.data)
    assert found.pattern_names == ("b", "a", "c", "pattern 3")
    np.testing.assert_array_equal(found.replay(labels_signal()).data, found.data)


def test_names_are_replayed_on_labels_with_a_new_pattern():
    done = labels_signal()
    done.pattern_names = ["a", "b", "pattern 3"]
    found = labels_signal().relabel(3, roi=BOX).replay(done)
    assert found.pattern_names == ("a", "b", "pattern 3", "new pattern 3")


def test_a_stroke_of_a_brush():
    found = labels_signal().relabel(2, roi=BrushStroke([(4, 3), (8, 3)], 1))
    expected = FRAME.copy()
    expected[3, 4:9] = 2
    np.testing.assert_array_equal(found.data, expected)


def time_series(first=0, last=5, lazy=False, **axis):
    seg = labels_signal(np.stack([FRAME] * 5), lazy=lazy)
    time = seg.axes_manager.navigation_axes[0]
    time.name, time.scale, time.offset, time.units = "time", 0.5, 10.0, "s"
    return seg.inav[first:last]


@pytest.mark.parametrize(
    ("frames", "which"),
    [
        (11.0, [2]),
        ([10.5, 12.0], [1, 4]),
        (slice(10.5, 12.0), [1, 2, 3]),
        (slice(11.0, None), [2, 3, 4]),
        ([0, 3], [0, 3]),
        ([1, 11.0], [1, 2]),
        (-1, [4]),
        (slice(None, None, 2), [0, 2, 4]),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_frames_are_ints_or_values_on_the_axis(frames, which, lazy):
    found = time_series(lazy=lazy).relabel({0: 2}, frames=frames)
    changed = np.flatnonzero((np.asarray(found.data) != FRAME).any(axis=(1, 2)))
    assert changed.tolist() == which


@pytest.mark.parametrize("lazy", [False, True])
def test_frames_are_replayed_where_they_were_on_the_axis(lazy, caplog):
    done = time_series().relabel({0: 2}, frames=[0, 2, 4]).relabel(3, frames=1, roi=BOX)
    np.testing.assert_array_equal(time_series(lazy=lazy).replay(done).data, done.data)
    assert not caplog.text
    found = time_series(2, 4, lazy=lazy).replay(done)
    np.testing.assert_array_equal(found.data, done.inav[2:4].data)
    assert "Frames that were changed are not among these: 2 of 3." in caplog.text
    assert found.n_patterns == 4
    one = time_series(4, 5, lazy=lazy).replay(done)
    np.testing.assert_array_equal(one.data, done.inav[4:5].data)
    # And back from a crop, which has the same record.
    np.testing.assert_array_equal(time_series().replay(found).data, done.data)


def test_frames_need_a_navigation_axis():
    done = time_series().relabel({0: 2}, frames=2)
    with pytest.raises(ValueError, match=r"labels must have the navigation axes .*1, "):
        labels_signal().replay(done)


def test_frames_of_an_axis_that_is_not_uniform():
    seg = series_signal()
    seg.axes_manager.navigation_axes[0].convert_to_non_uniform_axis()
    seg.axes_manager.navigation_axes[0].axis = np.array([1.0, 3.0, 9.0])
    done = seg.relabel({0: 2}, frames=9.0)
    np.testing.assert_array_equal(seg.inav[2:].replay(done).data, done.inav[2:].data)
    assert (seg.inav[1:2].replay(done).data == seg.inav[1:2].data).all()


def test_frames_without_values_that_differ():
    seg = time_series()
    seg.axes_manager.navigation_axes[0].scale = 0
    with pytest.raises(ValueError, match="axis time must have values that differ"):
        seg.relabel({0: 2}, frames=1)


def test_frames_in_another_unit():
    done = time_series().relabel({0: 2}, frames=11.0)
    other = time_series()
    time = other.axes_manager.navigation_axes[0]
    time.scale, time.offset, time.units = 500.0, 10000.0, "ms"
    np.testing.assert_array_equal(other.replay(done).data, done.data)
    time.units = "nm"
    with pytest.raises(ValueError, match="axis time of the labels must have a unit"):
        other.replay(done)


@pytest.mark.parametrize("region", REGIONS)
def test_regions_are_replayed_on_crops(region):
    done = labels_signal().relabel({0: 2}, roi=region)
    for rows, columns in (((1, 6), (3, 14)), ((3, 4), (0, 5))):
        inside = slice(*columns), slice(*rows)
        found = labels_signal().isig[inside].replay(done)
        np.testing.assert_array_equal(found.data, done.isig[inside].data)


def test_a_region_outside_is_told(caplog):
    done = labels_signal().relabel({0: 2}, roi=BOX)
    found = labels_signal().isig[9:].replay(done)
    np.testing.assert_array_equal(found.data, FRAME[:, 9:])
    assert "A region that was changed lies outside of these labels." in caplog.text


def test_labels_of_another_model_are_not_replayed_on():
    other = labels_signal()
    other.metadata.Symmetry_segmentation._model.name = "another"
    with pytest.raises(ValueError, match="labels must be of the same model"):
        other.replay(labels_signal().relabel({0: 2}))
    with pytest.raises(TypeError, match="labels must be SymmetryLabels"):
        other.replay(3)


def test_what_needs_the_model_is_an_error():
    found, image = labels_signal().relabel({0: 2}), hs.signals.Signal2D(np.ones(SHAPE))
    for ask in (
        lambda: found.get_certainty(image),
        lambda: found.find_outliers(image),
        lambda: found.plot_patterns(),
        lambda: found.plot_clusters(image),
        lambda: found.get_strain(image),
        lambda: image.find_atomic_columns(found, show_progressbar=False),
    ):
        with pytest.raises(ValueError, match="changed by hand .see `relabel`."):
            ask()


def test_names_of_crystals_are_forgotten():
    from hyperspy_symseg.symmetry_table import BRANCH

    seg = labels_signal()
    seg.metadata.set_item(f"{BRANCH}.names", ["0", "1", "2"])
    assert not seg.relabel({0: 2}).metadata.has_item(BRANCH)
    seg.pattern_names = ["a", "b", "c"]
    assert seg.metadata.get_item(f"{BRANCH}.names") == ["a", "b", "c"]


def test_stacks():
    seg = labels_signal()
    corrected = seg.relabel(1, roi=BOX)
    stack = hs.stack([seg, corrected])
    assert stack.n_patterns == 3
    with pytest.raises(ValueError, match="changed by hand"):
        stack.get_certainty(hs.signals.Signal2D(np.ones((2, *SHAPE))))
    # Numbers mean other patterns.
    assert type(hs.stack([seg, seg.relabel({0: 1, 1: 0})])) is hs.signals.Signal2D


def test_other_values_are_no_labels_that_were_changed():
    plain = labels_signal().relabel({0: 2}) * 2
    assert not plain.metadata.has_item("Changes_by_hand")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"numbers": {3: 0}}, "numbers must have keys from -1 to 2, got 3"),
        ({"numbers": {0: 4}}, "numbers must have values from -1 to 3, got 4"),
        ({"numbers": {}}, "numbers must have one pattern or more"),
        ({"numbers": {0: 1, "a": 2}}, "one pattern or more, each once"),
        ({"numbers": {"d": 1}}, "names of patterns, which are a, b, c, got 'd'"),
        ({"numbers": {0: 1.5}}, "numbers must be a dict of patterns"),
        ({"numbers": 1}, "roi must be given with one number"),
        ({"numbers": 1, "roi": "here"}, "roi must be a RectangularROI or"),
        (
            {"numbers": 1, "roi": np.ones((3, 3), bool)},
            "roi must have the shape of a f",
        ),
        (
            {"numbers": 1, "roi": hs.roi.CircleROI(90, 90, 1)},
            "roi must lie in the frame",
        ),
        ({"numbers": {0: 1}, "frames": 0}, "frames must be one for each of the 0"),
    ],
)
def test_what_is_not_allowed(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels_signal(names=["a", "b", "c"]).relabel(**arguments)


@pytest.mark.parametrize("frames", [3, [0, 7], 7.5, "a", [True], slice(5, 9)])
def test_frames_that_are_not_allowed(frames):
    with pytest.raises((IndexError, TypeError, ValueError), match="frames must be"):
        series_signal().relabel({0: 1}, frames=frames)


@pytest.mark.parametrize("names", [["a", "b"], ["a", "a", "b"], "abc", None])
def test_names_that_are_not_allowed(names):
    with pytest.raises((TypeError, ValueError), match="pattern_names must be"):
        labels_signal().pattern_names = names


def test_lazy_labels_are_not_computed():
    def unread(block):
        raise AssertionError

    seg = labels_signal(lazy=True)
    seg.data = da.map_blocks(unread, seg.data, dtype=np.int8, meta=seg.data._meta)
    seg.relabel({0: 2}).relabel(1, roi=BOX)
