# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels while they are changed by hand, without widgets."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.label_edits import LabelEdits
from hyperspy_symseg.signals import BrushStroke, LazySymmetryLabels, SymmetryLabels

RNG = np.random.default_rng(5)
FRAME = RNG.integers(0, 2, (11, 17)).astype(np.int8)
SERIES = RNG.integers(0, 2, (3, 11, 17)).astype(np.int8)
STROKE = BrushStroke([(2, 4), (9, 4)], 1)
ALONG = (4, slice(2, 10))


def labels_signal(data=FRAME, lazy=False):
    seg = hs.signals.Signal2D(data.copy())
    seg = seg.as_lazy() if lazy else seg
    seg.set_signal_type("symmetry_labels")
    return seg


def test_a_stroke_is_seen_and_recorded():
    seg = labels_signal()
    edits = LabelEdits(seg)
    edits.paint(1, STROKE)
    expected = FRAME.copy()
    expected[ALONG] = 1
    np.testing.assert_array_equal(edits.view.data, expected)
    np.testing.assert_array_equal(edits.labels.data, expected)
    np.testing.assert_array_equal(seg.data, FRAME)
    np.testing.assert_array_equal(labels_signal().replay(edits.labels).data, expected)


def test_undone():
    edits = LabelEdits(labels_signal())
    edits.paint(1, STROKE)
    edits.paint(-1, hs.roi.CircleROI(8, 5, 3))
    edits.undo()
    expected = FRAME.copy()
    expected[ALONG] = 1
    np.testing.assert_array_equal(edits.view.data, expected)
    edits.undo()
    edits.undo()
    np.testing.assert_array_equal(edits.view.data, FRAME)
    assert not edits.labels.metadata.has_item("Changes_by_hand")


def test_a_new_pattern_has_a_name_and_can_be_undone():
    edits = LabelEdits(labels_signal())
    edits.rename(["matrix", "twin"])
    edits.paint(2, STROKE)
    assert (edits.n_patterns, edits.names) == (3, ("matrix", "twin", "pattern 2"))
    edits.undo()
    assert (edits.n_patterns, edits.names) == (2, ("matrix", "twin"))


@pytest.mark.parametrize(
    ("mask", "error"),
    [(np.ones((11, 16), bool), ValueError), (FRAME, TypeError)],
)
def test_a_mask_is_checked_at_once(mask, error):
    with pytest.raises(error, match="^mask must"):
        LabelEdits(labels_signal(), mask=mask)


def test_patterns_are_merged():
    edits = LabelEdits(labels_signal())
    edits.relabel({0: 1})
    assert (edits.labels.data == 1).all()


def test_what_is_not_allowed_changes_nothing():
    edits = LabelEdits(labels_signal())
    with pytest.raises(ValueError, match="numbers must have a pattern from -1 to 2"):
        edits.paint(5, STROKE)
    with pytest.raises(ValueError, match="pattern_names must"):
        edits.rename(["one"])
    assert edits.steps == []
    assert edits.names is None


def test_a_region_that_is_moved_later_was_painted_where_it_was():
    roi = hs.roi.RectangularROI(left=1.0, right=4.0, top=2.0, bottom=5.0)
    edits = LabelEdits(labels_signal())
    edits.paint(1, roi)
    first = edits.labels.data.copy()
    roi.right = 12.0
    np.testing.assert_array_equal(edits.labels.data, first)


@pytest.mark.parametrize("lazy", [False, True])
def test_one_frame_of_a_series(lazy):
    edits = LabelEdits(labels_signal(SERIES, lazy))
    assert edits.navigation == [("frame 0", 3)]
    edits.show((1,))
    np.testing.assert_array_equal(edits.view.data, SERIES[1])
    edits.paint(1, STROKE)
    expected = SERIES.copy()
    expected[1][ALONG] = 1
    np.testing.assert_array_equal(edits.view.data, expected[1])
    edits.show((2,))
    np.testing.assert_array_equal(edits.view.data, SERIES[2])
    edits.paint(0, STROKE, all_frames=True)
    expected[(slice(None), *ALONG)] = 0
    np.testing.assert_array_equal(edits.labels.data, expected)
    edits.show((1,))
    np.testing.assert_array_equal(edits.view.data, expected[1])
    kind = LazySymmetryLabels if lazy else SymmetryLabels
    assert type(edits.labels) is kind


def test_a_pattern_that_is_new_in_one_frame_is_one_of_all():
    edits = LabelEdits(labels_signal(SERIES))
    edits.paint(2, STROKE)
    edits.show((1,))
    assert edits.n_patterns == 3
    np.testing.assert_array_equal(edits.view.data, SERIES[1])
    edits.rename(["matrix", "twin", "rim"])
    edits.show((2,))
    assert edits.names == edits.labels.pattern_names == ("matrix", "twin", "rim")


def test_frames_of_two_navigation_axes():
    data = np.stack([SERIES, SERIES[::-1]])
    edits = LabelEdits(labels_signal(data))
    edits.show((2, 1))
    edits.paint(1, STROKE)
    expected = data.copy()
    expected[1, 2][ALONG] = 1
    np.testing.assert_array_equal(edits.labels.data, expected)
    for frame in ((2,), (3, 0), (0, -1)):
        with pytest.raises(ValueError, match="frame must be"):
            edits.show(frame)


@pytest.mark.parametrize("lazy", [False, True])
def test_the_picture_is_the_micrograph_tinted(lazy):
    image = hs.signals.Signal2D(RNG.random((3, 11, 17)))
    image = image.as_lazy() if lazy else image
    edits = LabelEdits(labels_signal(SERIES, lazy), image)
    edits.show((2,))
    edits.paint(1, STROKE)
    expected = edits.labels.inav[2].overlay(image.inav[2], 0.3)
    if lazy:
        expected.compute()
    np.testing.assert_array_equal(edits.picture(0.3).data, expected.data)


def test_the_picture_without_a_micrograph_has_the_colours():
    from hyperspy_symseg.plotting import paint

    picture = LabelEdits(labels_signal()).picture().data
    for channel, expected in zip(
        "RGB", np.moveaxis(paint(FRAME, 2), -1, 0), strict=True
    ):
        np.testing.assert_array_equal(picture[channel], expected)


def test_without_a_micrograph_no_other_labels():
    edits = LabelEdits(labels_signal())
    with pytest.raises(ValueError, match="signal must be given to choose n_patterns"):
        edits.choose(3)
    with pytest.raises(ValueError, match="signal must be given to choose examples"):
        edits.segment_by({"one": hs.roi.CircleROI(8, 5, 3)})
    assert edits.costs == []
    assert edits.why_no_costs
    with pytest.raises(ValueError, match="signal must have the shape of the labels"):
        LabelEdits(labels_signal(), hs.signals.Signal2D(np.ones((4, 4))))


@pytest.fixture(scope="module")
def boundary():
    """A micrograph with two patterns, and its labels with costs."""
    s, _ = simulate.grain_boundary(shape=(150, 240))
    return s, s.segment_symmetry(show_progressbar=False)


def test_each_number_says_what_it_is_worth(boundary):
    s, seg = boundary
    said = LabelEdits(seg, s).costs
    assert len(said) == len(seg.model.refusals) > 2
    assert said[0] == "one pattern"
    assert said[1].startswith("gains ")
    # None of them is more than two patterns.
    assert seg.model.refusals[2]


def test_another_number_of_patterns(boundary):
    s, seg = boundary
    edits = LabelEdits(seg, s)
    edits.paint(0, hs.roi.CircleROI(0.7, 0.7, 0.3))
    edits.choose(1)
    assert edits.n_patterns == 1
    assert edits.steps == []
    one = s.segment_symmetry(1, show_progressbar=False)
    np.testing.assert_array_equal(edits.labels.data, one.data)
    # What was done before is still there.
    edits.choose(2)
    assert len(edits.steps) == 1
    np.testing.assert_array_equal(
        edits.labels.data, seg.relabel(0, roi=hs.roi.CircleROI(0.7, 0.7, 0.3)).data
    )


def test_numbers_are_chosen_as_the_labels_were_made(boundary):
    s, _ = boundary
    asked = {"period": 12.5 * s.axes_manager[0].scale, "patch": 9, "random_state": 3}
    seg = s.segment_symmetry(2, **asked, show_progressbar=False)
    edits = LabelEdits(seg, s)
    edits.choose(3)
    expected = s.segment_symmetry(3, **asked, show_progressbar=False)
    np.testing.assert_array_equal(edits.labels.data, expected.data)
    assert edits.labels.model.descriptor == seg.model.descriptor


def circles(s):
    """Two circles on the left and the right, wide enough to learn from."""
    x, y = s.axes_manager.signal_axes
    r = 0.25 * y.scale * y.size
    middles = 1.1 * r, x.scale * (x.size - 1) - 1.1 * r
    middle = y.scale * y.size / 2
    return {
        name: hs.roi.CircleROI(at, middle, r)
        for name, at in zip(("left", "right"), middles, strict=True)
    }


def test_examples(boundary):
    s, seg = boundary
    edits = LabelEdits(seg, s)
    edits.segment_by(circles(s))
    assert edits.names == ("left", "right")
    expected = s.segment_symmetry(patterns=circles(s), show_progressbar=False)
    np.testing.assert_array_equal(edits.labels.data, expected.data)
    assert edits.labels.model == expected.model


def test_examples_of_a_frame_of_a_series():
    movie, _ = simulate.moving_boundary(3, (120, 200))
    seg = movie.segment_symmetry(2, show_progressbar=False)
    edits = LabelEdits(seg, movie)
    edits.show((2,))
    edits.segment_by(circles(movie))
    assert edits.labels.metadata.Symmetry_segmentation.fit_on.tolist() == [[2]]
    edits.choose(2)
    np.testing.assert_array_equal(edits.view.data, np.asarray(seg.data[2]))
