# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of points linked over frames."""

from types import SimpleNamespace

import numpy as np
import pytest

from hyperspy_symseg.analysis import tracks

GRID = np.mgrid[0:50:10, 0:80:10].reshape(2, -1).T.astype(float)
MIDDLE = 19


def test_nearest_distance_of_nothing():
    assert np.isnan(tracks.nearest_distance([np.zeros((0, 2)), np.zeros((1, 2))]))


@pytest.mark.parametrize("step", [(0, 0), (4, -2), (-3.3, -3.3)])
def test_drift_of_a_lattice(step):
    frames = [GRID + i * np.array(step) for i in range(4)]
    drift = tracks.estimated_drift(frames, 5.0)
    np.testing.assert_allclose(drift, np.arange(4)[:, np.newaxis] * step)


def test_drift_over_a_frame_without_points():
    frames = [GRID, np.zeros((0, 2)), np.add(GRID, (1, 2))]
    drift = tracks.estimated_drift(frames, 5.0)
    np.testing.assert_allclose(drift, [(0, 0), (0, 0), (1, 2)])


def test_too_few_points_do_not_drift():
    np.testing.assert_array_equal(
        tracks.estimated_drift([GRID[:2], GRID[:2] + 1], 5.0), np.zeros((2, 2))
    )


def test_columns_that_lack_are_no_drift():
    """The median of what is left stays."""
    frames = [GRID, GRID[np.arange(len(GRID)) % 3 > 0]]
    np.testing.assert_array_equal(tracks.estimated_drift(frames, 5.0)[1], [0, 0])


def linked(frames, **options):
    pytest.importorskip("laptrack")
    return tracks.link(frames, 5.0, **options)


def test_links_much_longer_than_the_spacing_are_warned_of(caplog, monkeypatch):
    nothing = SimpleNamespace(edges=list)
    tracker = SimpleNamespace(predict=lambda _: nothing)
    monkeypatch.setattr(tracks, "import_laptrack", lambda: lambda **_: tracker)
    tracks.link([GRID, GRID], 99.0)
    assert not caplog.records
    tracks.link([GRID, GRID], 104.0)
    assert "max_distance is 10 times" in caplog.text


def test_every_point_has_one_track():
    frames = [GRID, np.add(GRID[::-1], (0, 1)), GRID + 0.5]
    found = linked(frames)
    first, second, third = found.numbers
    np.testing.assert_array_equal(first, np.arange(len(GRID)))
    np.testing.assert_array_equal(second, first[::-1])
    np.testing.assert_array_equal(third, first)


@pytest.mark.parametrize(("max_gap", "n"), [(0, 1), (1, 1), (2, 0)])
def test_gaps(max_gap, n):
    """A point that lacks in two frames."""
    gap = np.delete(GRID, MIDDLE, axis=0)
    frames = [GRID, gap, gap, GRID]
    found = linked(frames, max_gap=max_gap)
    assert max(each.max() for each in found.numbers) + 1 == len(GRID) + n


def test_given_drift_is_used():
    frames = [GRID, np.add(GRID, (10, 0))]
    found = linked(frames, drift=np.array([(0, 0), (10.0, 0)]))
    np.testing.assert_array_equal(*found.numbers)


def test_nothing_at_all():
    frames = [np.zeros((0, 2))] * 3
    found = linked(frames)
    assert [len(each) for each in found.numbers] == [0, 0, 0]
    assert len(tracks.events(frames, found, 5.0)) == 0


def test_what_goes_and_comes():
    gap = np.delete(GRID, MIDDLE, axis=0)
    more = np.concatenate([gap, [(24.0, 36.0)]])
    frames = [GRID, gap, gap, more, more]
    found = tracks.events(frames, linked(frames, max_gap=1), 5.0)
    assert found["event"].to_list() == ["goes", "appears"]
    assert found["frame"].to_list() == [1, 3]
    assert found[["y", "x"]].to_numpy().tolist() == [GRID[MIDDLE].tolist(), [24, 36]]


def test_what_crosses_the_edge_is_no_event():
    frames = [GRID[GRID[:, 1] + 4 * i < 75] + (0, 4 * i) for i in range(4)]
    found = linked(frames, max_gap=0)
    bounds = np.zeros(2), np.array([45.0, 75])
    assert len(tracks.events(frames, found, 5.0, bounds=bounds)) == 0
    far = np.full(2, -99.0), np.full(2, 199.0)
    assert set(tracks.events(frames, found, 5.0, bounds=far)["event"]) == {"goes"}


@pytest.mark.parametrize(("max_gap", "n"), [(0, 1), (1, 0)])
def test_what_is_missing_at_the_end_may_be_in_a_gap(max_gap, n):
    frames = [GRID, GRID, np.delete(GRID, MIDDLE, axis=0)]
    found = linked(frames, max_gap=max_gap)
    assert len(tracks.events(frames, found, 5.0)) == n


def moved(size, rng):
    """Frames with scatter of 0.2, in which one point moves by a size, once."""
    frames = [GRID + rng.normal(0, 0.2, GRID.shape) for _ in range(6)]
    for frame in frames[3:]:
        frame[MIDDLE, 1] += size
    return frames


def test_a_jump_is_told():
    frames = moved(3.0, np.random.default_rng(0))
    found = tracks.events(frames, linked(frames), 5.0)
    assert found["event"].to_list() == ["jumps"]
    assert found["frame"].to_list() == [3]
    assert found["dx"][0] == pytest.approx(3, abs=1)


def test_a_jump_at_the_edge_is_no_event():
    frames = moved(3.0, np.random.default_rng(0))
    found = linked(frames)
    bounds = GRID[MIDDLE] - 6.0, np.full(2, 99.0)
    assert len(tracks.events(frames, found, 5.0, bounds=bounds)) == 1
    bounds = GRID[MIDDLE] - 4.0, np.full(2, 99.0)
    assert len(tracks.events(frames, found, 5.0, bounds=bounds)) == 0


def test_scatter_is_no_jump():
    frames = moved(0.0, np.random.default_rng(0))
    assert len(tracks.events(frames, linked(frames), 5.0)) == 0


def test_large_standard_errors_are_no_jump():
    frames = moved(3.0, np.random.default_rng(0))
    errors = [np.full(GRID.shape, 0.1) for _ in frames]
    found = linked(frames)
    assert len(tracks.events(frames, found, 5.0, errors)) == 1
    for each in errors:
        each[MIDDLE] = 1.0
    assert len(tracks.events(frames, found, 5.0, errors)) == 0


@pytest.mark.filterwarnings("error")
def test_jump_where_nothing_else_moves():
    frames = [GRID.copy() for _ in range(4)]
    frames[2][MIDDLE] += (4.9, 0)
    found = tracks.events(frames, tracks.link(frames, 5.0), 5.0)
    assert found[["event", "frame"]].values.tolist() == [["jumps", 2], ["jumps", 3]]
