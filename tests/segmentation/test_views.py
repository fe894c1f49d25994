# SPDX-License-Identifier: GPL-3.0-or-later
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import views
from hyperspy_symseg.segmentation.views import (
    MOST_CELLS,
    SIDE,
    Frames,
    _pieces,
    views_of,
    windows,
)
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame, cell_size

PERIOD = 6.0


def sides(window):
    return tuple(axis.stop - axis.start for axis in window)


def crystal(shape, period=PERIOD):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.cos(2 * np.pi * y / period) + np.cos(2 * np.pi * x / period)


def noisy(frame, seed=0):
    return frame + np.random.default_rng(seed).normal(size=frame.shape)


def views_in(frames, masks=None):
    masks = masks or [None] * len(frames)
    shape = frames[0].shape

    def read(i, window):
        return frames[i][window], None if masks[i] is None else masks[i][window]

    return views_of(Frames(read, len(frames), shape, PERIOD))[0]


def places(found):
    """Where views begin."""
    return [(view.window[0].start, view.window[1].start) for view in found]


def test_windows_of_a_large_frame():
    # Windows of 240 pixels.
    found = windows((500, 1000), 12)
    starts = [(rows.start, columns.start) for rows, columns in found]
    assert starts == [(y, x) for y in (0, 120, 252) for x in (0, 180, 372, 564, 756)]
    assert {sides(window) for window in found} == {(240, 240)}


def test_a_short_axis_is_not_cut():
    assert windows((61, 83), 12) == [(slice(0, 61), slice(0, 83))]


@given(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), st.floats(2, 60))
def test_windows_cover_the_frame_but_for_a_cell(shape, period):
    found, cell = windows(shape, period), cell_size(period)
    assert {sides(window) for window in found} == {
        tuple(min(SIDE * cell, n) for n in shape)
    }
    for axis, length in enumerate(shape):
        cuts = sorted({(window[axis].start, window[axis].stop) for window in found})
        assert cuts[0][0] == 0
        assert length - cell < cuts[-1][1] <= length
        assert all(start % cell == 0 for start, _ in cuts)
        assert all(
            start <= stop
            for (start, _), (_, stop) in zip(cuts[1:], cuts[:-1], strict=True)
        )


def test_small_frames_are_views_themselves():
    frames = list(np.random.default_rng(0).random((2, 61, 83)))
    mask = frames[1] > 0.5
    found = views_in(frames, [None, mask])
    assert [view.weight for view in found] == [1, 1]
    for view, frame, of_frame in zip(found, frames, [None, mask], strict=True):
        np.testing.assert_array_equal(view.frame, frame)
        if of_frame is None:
            assert view.mask is None
        else:
            np.testing.assert_array_equal(view.mask, of_frame)


@pytest.mark.parametrize("n_frames", [1, 3])
def test_there_are_no_more_cells_than_allowed(n_frames):
    frames = [noisy(crystal((500, 700)), seed) for seed in range(n_frames)]
    found = views_in(frames)
    # But for one window a frame.
    most = MOST_CELLS * 6**2 + (n_frames - 1) * 120**2
    assert sum(view.blocked.pixels.size for view in found) <= most
    # All windows count, once.
    n_windows = n_frames * len(windows((500, 700), PERIOD))
    assert sum(view.weight for view in found) == pytest.approx(n_windows)


def test_windows_with_another_crystal_are_among_them():
    frame = crystal((500, 700))
    frame[430:470, 560:620] = crystal((40, 60), 9.0)
    frame = noisy(frame)
    found = views_in([frame])
    reached = [
        view.weight
        for view, (y, x) in zip(found, places(found), strict=True)
        if y < 460 < y + 120 and x < 590 < x + 120
    ]
    assert reached
    assert all(weight == 1 for weight in reached)


def test_the_others_are_spread_evenly():
    frame = noisy(crystal((500, 700)))
    found = views_in([frame])
    others = [
        place
        for view, place in zip(found, places(found), strict=True)
        if view.weight > 1
    ]
    assert len(others) == len(found) - len(found) // 2
    assert others == sorted(others)
    assert others[-1][0] - others[0][0] > 250


def test_without_any_reflection_they_are_spread_evenly():
    shape = 500, 700
    found = views_in([np.random.default_rng(0).normal(size=shape)])
    assert len({view.weight for view in found}) == 1
    assert found[0].weight * len(found) == pytest.approx(len(windows(shape, PERIOD)))


def test_there_are_none_without_valid_pixels():
    assert views_in([np.full((500, 700), np.nan)]) == []


def test_windows_are_where_there_are_valid_pixels():
    frame = noisy(crystal((500, 700)))
    mask = np.ones(frame.shape, bool)
    mask[100:300, 200:500] = False
    found = views_in([frame], [mask])
    assert found
    most = max(view.blocked.counts.sum() for view in found)
    assert all(view.blocked.counts.sum() >= most / 2 for view in found)


def test_a_particle_in_vacuum_is_enough():
    frame = noisy(crystal((500, 700)))
    y, x = np.mgrid[:500, :700]
    frame[np.hypot(y - 260, x - 370) > 30] = np.nan
    found = views_in([frame])
    assert found
    assert all(view.blocked.counts.any() for view in found)


def test_every_frame_has_a_window():
    frames = [noisy(crystal((200, 300)), seed) for seed in range(12)]
    found = views_in(frames)
    assert {id(view.frame.base) for view in found} == set(map(id, frames))


def test_what_is_masked_tells_nothing():
    frame = crystal((500, 700))
    mask = np.zeros(frame.shape, bool)
    mask[430:470, 560:620] = True
    other = np.where(mask, crystal(frame.shape, 9.0), frame)
    first, second = (views_in([noisy(each)], [mask]) for each in (frame, other))
    for one, two in zip(first, second, strict=True):
        assert one.window == two.window
        np.testing.assert_array_equal(one.blocked.pixels, two.blocked.pixels)


def test_a_view_is_normalised_as_part_of_its_frame():
    frame = noisy(crystal((500, 700)))
    whole = NormalizedFrame(frame, None, PERIOD)
    found = views_in([frame])
    for view, (y, x) in zip(found, places(found), strict=True):
        window = np.s_[y : y + 120, x : x + 120]
        assert view.window == window
        np.testing.assert_array_equal(view.blocked.pixels, whole.pixels[window])


def test_frames_are_read_once_if_there_is_room(monkeypatch):
    frames = [noisy(crystal((500, 700)), seed) for seed in range(3)]

    def read(i, window):
        seen.append(i)
        return frames[i][window], None

    def number():
        seen.clear()
        views_of(Frames(read, 3, (500, 700), PERIOD))
        return len(seen)

    seen = []
    assert number() == 3
    monkeypatch.setattr(views, "MOST_PIXELS", 500 * 700)
    # To count valid pixels, to learn one pattern, to see where it fits, and the views
    # of both kinds.
    assert number() <= 5 * 3


def test_large_frames_are_looked_at_in_pieces(monkeypatch):
    monkeypatch.setattr(views, "PIECE", 200)
    frame = noisy(crystal((500, 700)))

    def read(i, window):
        seen.append(tuple((axis.start, axis.stop) for axis in window))
        return frame[window], None

    seen = []
    found, templates = views_of(Frames(read, 1, frame.shape, PERIOD))
    ends = [(0, 246), (246, 500)], [(0, 228), (228, 462), (462, 700)]
    assert seen == [(rows, columns) for rows in ends[0] for columns in ends[1]]
    assert {view.blocked.shape for view in found} == {(120, 120)}
    assert sum(view.weight for view in found) == pytest.approx(6 * 6)
    # What the windows were chosen by is not learnt again.
    assert templates.n_patterns == 1
    assert len(templates.reflections)


def test_small_frames_need_no_templates_to_be_looked_at():
    frame = noisy(crystal((61, 83)))
    _, templates = views_of(Frames(lambda *_: (frame, None), 1, frame.shape, PERIOD))
    assert templates is None


@pytest.mark.parametrize(("shape", "cell"), [((61, 5000), 6), ((9000, 4095), 300)])
def test_pieces_are_large_enough_for_a_window(shape, cell):
    pieces = _pieces(shape, cell)
    for axis, n in enumerate(shape):
        ends = sorted({(piece[axis].start, piece[axis].stop) for piece in pieces})
        assert ends[0][0] == 0
        assert ends[-1][1] == n
        assert all(a[1] == b[0] for a, b in itertools.pairwise(ends))
        assert all(start % cell == 0 for start, _ in ends)
        assert all(stop - start >= min(SIDE * cell, n) for start, stop in ends)


def test_progress_is_by_frame():
    frames = [noisy(crystal((500, 700)), seed) for seed in range(3)]

    def read(i, window):
        return frames[i][window], None

    def progress(numbers, total, desc, unit):
        seen.append(total)
        for i in numbers:
            seen.append(i)
            yield i

    seen = []
    with workers(1, progress):
        views_of(Frames(read, 3, (500, 700), PERIOD))
    assert seen == [3, 0, 1, 2]


def test_windows_are_chosen_from_all_frames(monkeypatch):
    monkeypatch.setattr(views, "MOST_CELLS", 800)
    frames = [noisy(crystal((130, 150)), seed) for seed in range(4)]
    frames[2][60:90, 60:90] = noisy(crystal((30, 30), 9.0))
    found = views_in(frames)
    assert found[0].weight == 1
    np.testing.assert_array_equal(found[0].frame, frames[2])
