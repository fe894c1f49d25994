# SPDX-License-Identifier: GPL-3.0-or-later
"""The editor of a notebook, by its widgets and by a mouse, without a browser."""

import sys

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import MouseEvent

from hyperspy_symseg import simulate
from hyperspy_symseg.signals import BrushStroke

RNG = np.random.default_rng(5)
FRAME = RNG.integers(0, 2, (22, 34)).astype(np.int8)
SERIES = RNG.integers(0, 2, (3, 22, 34)).astype(np.int8)


def labels_signal(data=FRAME):
    seg = hs.signals.Signal2D(data.copy())
    for axis in seg.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "nm"
    seg.set_signal_type("symmetry_labels")
    return seg


@pytest.fixture
def edit():
    pytest.importorskip("ipywidgets")

    def edit(data=FRAME, image=True):
        seg = labels_signal(data)
        s = hs.signals.Signal2D(RNG.random(data.shape)) if image else None
        return seg.edit(s)

    return edit


def mouse(editor, name, place, button=1):
    """An event of the mouse at a place (x, y) on the axes."""
    canvas = editor.figure.canvas
    x, y = editor.figure.axes[0].transData.transform(place)
    MouseEvent(f"{name}_event", canvas, x, y, button=button)._process()


def drag(editor, places, button=1):
    mouse(editor, "button_press", places[0], button)
    for place in places[1:]:
        mouse(editor, "motion_notify", place)
    mouse(editor, "button_release", places[-1], button)


def test_a_brush_paints(edit):
    editor = edit()
    before = len(editor.figure.axes[0].lines)
    editor.pattern.value, editor.width.value = 1, 3
    places = [(2.0, 3.0), (6.0, 3.0), (6.0, 8.0)]
    drag(editor, places)
    expected = labels_signal().relabel(1, roi=BrushStroke(places, 3))
    np.testing.assert_array_equal(editor.labels.data, expected.data)
    assert (expected.data != FRAME).any()
    assert editor.status.value == "1 change by hand"
    # The line of the brush is gone, and the picture is that of the labels.
    assert len(editor.figure.axes[0].lines) == before
    shown = editor.figure.axes[0].images[0].get_array()
    tinted = editor.edits.picture().data
    np.testing.assert_array_equal(shown[..., 0], tinted["R"])


def test_the_right_button_takes_labels_away(edit):
    editor = edit()
    editor.width.value = 3
    drag(editor, [(2.0, 3.0), (6.0, 3.0)], button=3)
    expected = labels_signal().relabel(-1, roi=BrushStroke([(2.0, 3.0), (6.0, 3.0)], 3))
    np.testing.assert_array_equal(editor.labels.data, expected.data)


def test_no_stroke_begins_elsewhere_or_with_another_tool(edit):
    editor = edit()
    mouse(editor, "button_press", (-90.0, 3.0))
    mouse(editor, "button_release", (2.0, 3.0))
    editor.figure.canvas.widgetlock(editor)
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    editor.figure.canvas.widgetlock.release(editor)
    editor.tool.value = "polygon"
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    assert editor.edits.steps == []


def test_undone(edit):
    editor = edit()
    assert editor.undo.disabled
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    assert not editor.undo.disabled
    editor.undo.click()
    np.testing.assert_array_equal(editor.labels.data, FRAME)
    assert editor.undo.disabled


def test_a_rectangle(edit):
    editor = edit()
    editor.tool.value = "rectangle"
    roi = editor._rois["rectangle"]
    roi.left, roi.right, roi.top, roi.bottom = 2.0, 7.0, 1.0, 5.0
    editor.pattern.value = 1
    editor.apply.click()
    np.testing.assert_array_equal(
        editor.labels.data, labels_signal().relabel(1, roi=roi).data
    )
    editor.tool.value = "brush"
    assert not roi.signal_map


def test_a_polygon(edit):
    editor = edit()
    before = set(editor.figure.axes[0].get_children())
    editor.tool.value = "polygon"
    # It has no corners yet.
    editor.apply.click()
    assert editor.status.value.startswith("roi must be set")
    for place in [(2.0, 2.0), (12.0, 2.0), (7.0, 9.0), (2.0, 2.0)]:
        for name in ("motion_notify", "button_press", "button_release"):
            mouse(editor, name, place)
    editor.pattern.value = 1
    editor.apply.click()
    roi = hs.roi.PolygonROI([(2.0, 2.0), (12.0, 2.0), (7.0, 9.0)])
    np.testing.assert_array_equal(
        editor.labels.data, labels_signal().relabel(1, roi=roi).data
    )
    editor.tool.value = "brush"
    assert set(editor.figure.axes[0].get_children()) == before


def test_names(edit):
    editor = edit()
    assert [text.value for text in editor.names.children] == ["", ""]
    editor.names.children[1].value = "twin <b>"
    assert editor.labels.pattern_names == ("pattern 0", "twin <b>")
    assert editor.pattern.options[1] == ("1 twin <b>", 1)
    editor.names.children[0].value = "twin <b>"
    assert "pattern_names must" in editor.status.value
    assert "<b>" not in editor.status.value
    assert editor.names.children[0].value == "pattern 0"


def test_a_new_pattern(edit):
    editor = edit()
    assert [value for _, value in editor.pattern.options] == [0, 1, 2, -1]
    editor.pattern.value = 2
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    assert editor.labels.n_patterns == 3
    assert [value for _, value in editor.pattern.options] == [0, 1, 2, 3, -1]
    assert len(editor.names.children) == 3


def test_frames(edit):
    editor = edit(SERIES)
    [slider] = editor.frames
    assert (slider.min, slider.max, slider.value) == (0, 2, 0)
    slider.value = 2
    editor.pattern.value = 1
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    found = editor.labels
    np.testing.assert_array_equal(found.data[:2], SERIES[:2])
    assert (found.data[2] != SERIES[2]).any()
    assert editor.all_frames in editor.controls.children
    editor.all_frames.value = True
    drag(editor, [(2.0, 8.0), (6.0, 8.0)])
    assert (editor.labels.data[0] != SERIES[0]).any()


def test_without_a_micrograph(edit):
    editor = edit(image=False)
    assert editor.number.disabled
    assert "examples" not in editor.tool.options
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    assert len(editor.edits.steps) == 1


def test_done(edit):
    editor = edit()
    drag(editor, [(2.0, 3.0), (6.0, 3.0)])
    found = editor.labels
    editor.done.click()
    assert editor.number.disabled
    assert all(name.disabled for name in editor.names.children)
    assert not plt.fignum_exists(editor.figure.number)
    np.testing.assert_array_equal(editor.labels.data, found.data)


@pytest.fixture(scope="module")
def micrograph(tmp_path_factory):
    path = tmp_path_factory.mktemp("edit") / "boundary.hspy"
    simulate.grain_boundary(shape=(150, 240))[0].save(path)
    return path


def test_from_a_file_to_a_file(micrograph, tmp_path):
    pytest.importorskip("ipywidgets")
    s = hs.load(micrograph)
    seg = s.segment_symmetry()
    editor = seg.edit(s)
    assert "<b>2: gains" in editor.costs.value
    editor.number.value = 1
    assert editor.labels.n_patterns == 1
    assert "<b>1: one pattern</b>" in editor.costs.value
    editor.number.value = 2
    np.testing.assert_array_equal(editor.labels.data, seg.data)
    editor.names.children[0].value = "twin"
    editor.pattern.value = 1 - int(seg.data[70, 50])
    drag(editor, [(0.5, 0.7), (0.7, 0.7)])
    editor.labels.save(tmp_path / "edited.hspy")
    loaded = hs.load(tmp_path / "edited.hspy")
    assert (loaded.data != seg.data).any()
    other = s.isig[30:, :].segment_symmetry(model=seg.model).replay(loaded)
    again = s.segment_symmetry(model=seg.model).replay(loaded)
    np.testing.assert_array_equal(again.data, loaded.data)
    assert other.pattern_names == loaded.pattern_names == ("twin", "pattern 1")


def test_examples(micrograph):
    pytest.importorskip("ipywidgets")
    s = hs.load(micrograph)
    editor = s.segment_symmetry(1).edit(s)
    assert editor.costs.value.startswith("No costs: n_patterns was given")
    editor.tool.value = "examples"
    for name in ("left", "right", "left"):
        editor.example.value = name
        editor.add.click()
    assert editor.status.value.startswith("example must have a name of its own")
    left, right = editor._examples.values()
    # They are large enough as they come.
    left.cx, right.cx = 0.45, 1.9
    editor.segment.click()
    assert editor.labels.pattern_names == ("left", "right")
    assert (editor.labels.data[:, 0] == 0).mean() > 0.9
    editor.tool.value = "brush"
    assert not left.signal_map
    editor.tool.value = "examples"
    assert left.signal_map


def test_what_cannot_be_done_is_said(micrograph):
    pytest.importorskip("ipywidgets")
    s = hs.load(micrograph)
    editor = s.segment_symmetry(1).edit(s)
    editor.tool.value = "examples"
    editor.segment.click()
    assert editor.status.value.startswith("patterns must have one example or more")


def test_without_ipywidgets(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r'pip install "hyperspy-symseg\[gui\]"'):
        labels_signal().edit()
    assert not plt.get_fignums()
