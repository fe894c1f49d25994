# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of tables of points as signals."""

import importlib.util
import sys

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.signals.points import LazySymmetryPoints, SymmetryPoints, as_points

NAMES = ["y", "x", "y_error", "x_error", "pattern", "site"]
TABLES = [
    np.array(
        [[1.0, 2, 0.1, 0.2, 0, 0], [3.5, 4, 0.1, 0.2, 1, 1], [9, 8, 1, 2, -1, -1]]
    ),
    np.zeros((0, 6)),
    np.array([[7.0, 5, 0.3, 0.4, 1, 0]]),
]
needs_pandas = pytest.mark.skipif(
    importlib.util.find_spec("pandas") is None, reason="pandas is optional"
)
needs_laptrack = pytest.mark.skipif(
    importlib.util.find_spec("laptrack") is None, reason="laptrack is optional"
)


def ragged(tables):
    """Tables as an array of object."""
    result = np.empty(len(tables), object)
    for i, table in enumerate(tables):
        result[i] = table
    return result


@pytest.fixture
def frames():
    """Three frames of 40 x 60 pixels of 0.02 nm, every half a second."""
    signal = hs.signals.Signal2D(np.zeros((3, 40, 60)))
    time, x, y = signal.axes_manager._get_axes_in_natural_order()
    time.name, time.scale, time.offset, time.units = "time", 0.5, 1.0, "s"
    for axis, name, offset in ((x, "x", 1.0), (y, "y", 2.0)):
        axis.name, axis.scale, axis.offset, axis.units = name, 0.02, offset, "nm"
    signal.metadata.set_item("Symmetry_segmentation.n_patterns", 2)
    return signal


@pytest.fixture
def series(frames):
    return as_points(ragged(TABLES), frames, NAMES, "Columns")


@pytest.fixture
def image(frames):
    return as_points(ragged(TABLES[:1]), frames.inav[0], NAMES, "Columns")


@pytest.fixture
def lazy(frames):
    return as_points(da.from_array(ragged(TABLES), chunks=1), frames, NAMES, "Columns")


def assert_tables(points, tables):
    """Assert that points are these tables."""
    assert points.data.size == len(tables)
    for (_, table), expected in zip(points._frames(), tables, strict=True):
        np.testing.assert_array_equal(table, expected)


def test_names_and_axes(series):
    assert repr(series).startswith("<SymmetryPoints, ")
    assert series.column_names == NAMES
    assert series.metadata.Signal.quantity == "Columns"
    (time,) = series.axes_manager.navigation_axes
    assert (time.name, time.scale, time.units) == ("time", 0.5, "s")
    assert not series.is_calibrated


def test_parts_of_a_series_are_points(series, lazy):
    assert_tables(series.inav[2], TABLES[2:])
    assert_tables(series.inav[1:], TABLES[1:])
    assert type(lazy.inav[:2]) is LazySymmetryPoints
    assert lazy.inav[:2].column_names == NAMES


def test_one_frame_of_a_lazy_series_with_two_axes():
    frames = hs.signals.Signal2D(np.zeros((2, 3, 40, 60)))
    tables = ragged([*TABLES, *TABLES[::-1]]).reshape(2, 3)
    lazy = as_points(da.from_array(tables, chunks=1), frames, NAMES, "Columns")
    assert_tables(lazy.inav[0, 1], TABLES[2:])
    assert_tables(lazy.inav[1, 0], TABLES[1:2])


def test_computed_and_made_lazy(series, lazy):
    assert type(series.as_lazy()) is LazySymmetryPoints
    lazy.compute(show_progressbar=False)
    assert type(lazy) is SymmetryPoints
    assert_tables(lazy, TABLES)


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("which", ["series", "image", "lazy", "empty"])
def test_saved_and_loaded(request, tmp_path, frames, which, is_lazy, extension):
    if which == "empty":
        points = as_points(ragged([TABLES[1]]), frames.inav[0], NAMES, "Columns")
    else:
        points = request.getfixturevalue(which)
    path = tmp_path / f"points.{extension}"
    points.save(path)
    loaded = hs.load(path, lazy=is_lazy)
    assert type(loaded) is (LazySymmetryPoints if is_lazy else SymmetryPoints)
    assert loaded.axes_manager.as_dictionary() == points.axes_manager.as_dictionary()
    assert loaded.column_names == NAMES
    assert_tables(loaded, [table for _, table in points._frames()])
    # Saving leaves no traces, and can be repeated.
    loaded.save(tmp_path / f"again.{extension}")
    assert_tables(
        hs.load(tmp_path / f"again.{extension}"), [t for _, t in points._frames()]
    )


def test_a_series_of_one_frame_keeps_its_axis(series, tmp_path):
    series.inav[:1].save(tmp_path / "one.hspy")
    assert hs.load(tmp_path / "one.hspy").axes_manager.navigation_shape == (1,)


def test_lazy_points_are_not_saved_over_their_source(series, tmp_path):
    series.save(tmp_path / "points.zspy")
    loaded = hs.load(tmp_path / "points.zspy", lazy=True)
    with pytest.raises(ValueError, match="points.zspy"):
        loaded.save(tmp_path / "points.zspy", overwrite=True)


def test_calibrated(frames):
    points = as_points(ragged(TABLES), frames, NAMES, "Columns", calibrated=True)
    assert points.is_calibrated
    expected = TABLES[0] * [0.02, 0.02, 0.02, 0.02, 1, 1] + [2, 1, 0, 0, 0, 0]
    np.testing.assert_allclose(points.data[0], expected)
    assert points.data[1].shape == (0, 6)


def test_lazy_calibrated(frames):
    data = da.from_array(ragged(TABLES), chunks=1)
    points = as_points(data, frames, NAMES, "Columns", calibrated=True)
    assert type(points) is LazySymmetryPoints
    np.testing.assert_allclose(points.data[2].compute()[0, :2], [2.14, 1.1])


def test_peaks_of_hyperspy_become_points(frames):
    pytest.importorskip("skimage")  # HyperSpy finds peaks with it.
    frames.data[:, 10, 20] = 1
    peaks = frames.find_peaks("max", interactive=False, show_progressbar=False)
    peaks.set_signal_type("symmetry_points")
    assert type(peaks) is SymmetryPoints
    assert peaks.column_names == ["y", "x"]
    assert_tables(peaks, [np.array([[10.0, 20]])] * 3)


def test_tables_of_another_width_are_an_error(series):
    series.data[2] = np.zeros((2, 4))
    with pytest.raises(ValueError, match=r"the 6 columns y, x, .* \(2, 4\)"):
        series.to_csv("never.csv")


@needs_pandas
@pytest.mark.parametrize("which", ["series", "lazy"])
def test_dataframe(request, which):
    found = request.getfixturevalue(which).to_dataframe(show_progressbar=False)
    assert found.columns.to_list() == NAMES
    assert found.index.name == "frame"
    assert found.index.to_list() == [0, 0, 0, 2]
    assert found["pattern"].dtype == np.int64
    np.testing.assert_array_equal(found.to_numpy(), np.concatenate(TABLES))
    assert found.loc[2, "y"] == 7


@needs_pandas
def test_dataframe_of_two_axes(frames):
    both = hs.signals.Signal2D(np.zeros((2, 3, 40, 60)))
    both.axes_manager[0].name, both.axes_manager[1].name = "time", "tilt"
    data = np.stack([ragged(TABLES), ragged(TABLES[::-1])])
    found = as_points(data, both, NAMES, "Columns").to_dataframe()
    assert found.index.names == ["tilt", "time"]
    assert found.loc[[(1, 0)], "y"].to_list() == [7]
    assert found.loc[[(1, 2)], "y"].to_list() == [1, 3.5, 9]


def test_without_pandas(series, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        ImportError, match=r'pip install "hyperspy-symseg\[dataframe\]"'
    ):
        series.to_dataframe()


def test_csv(series, tmp_path):
    series.data[2][0, 0] = 1 / 3
    series.to_csv(tmp_path / "points.csv")
    lines = (tmp_path / "points.csv").read_text().splitlines()
    assert lines[0] == "frame,y,x,y_error,x_error,pattern,site"
    assert lines[1:3] == ["0,1.0,2.0,0.1,0.2,0,0", "0,3.5,4.0,0.1,0.2,1,1"]
    assert lines[-1] == f"2,{1 / 3!r},5.0,0.3,0.4,1,0"
    assert len(lines) == 5


def test_a_file_is_replaced_only_if_asked(series, tmp_path):
    path = tmp_path / "points.csv"
    series.to_csv(path)
    with pytest.raises(FileExistsError, match="overwrite must be True"):
        series.inav[2].to_csv(path)
    assert len(path.read_text().splitlines()) == 5
    series.inav[2].to_csv(path, overwrite=True)
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("points.txt", "end in .csv"),
        (3, "must be a path"),
        ("", "that of a file"),
        ("none/points.csv", "folder that exists"),
    ],
)
def test_names_that_are_not_allowed(series, tmp_path, name, error):
    name = tmp_path / name if isinstance(name, str) else name
    with pytest.raises((TypeError, ValueError), match=error):
        series.to_csv(name)


def test_xyz(series, tmp_path):
    """0.02 nm are 0.2 angstroms, and the frame begins at 10 and 20."""
    series.to_xyz(tmp_path / "points.xyz", {0: "Mo", (1, 1): "S"})
    lines = (tmp_path / "points.xyz").read_text().splitlines()
    assert lines[0] == "3"
    assert lines[1] == (
        "Properties=species:S:1:pos:R:3:y_error:R:1:x_error:R:1:pattern:I:1:site:I:1 "
        'frame="0" units=angstrom pbc="F F F"'
    )
    assert lines[2].split()[0] == "Mo"
    np.testing.assert_allclose(np.float64(lines[2].split()[1:4]), [10.4, 20.2, 0])
    assert [line.split()[0] for line in lines[2:5]] == ["Mo", "S", "X"]
    assert lines[5] == "0"
    assert lines[7] == "1"
    assert len(lines) == 10


def test_xyz_is_the_same_of_calibrated_points(frames, series, tmp_path):
    series.to_xyz(tmp_path / "pixels.xyz")
    points = as_points(ragged(TABLES), frames, NAMES, "Columns", calibrated=True)
    points.to_xyz(tmp_path / "units.xyz")
    first, second = (
        np.float64((tmp_path / name).read_text().splitlines()[3].split()[1:4])
        for name in ("pixels.xyz", "units.xyz")
    )
    np.testing.assert_allclose(first, second)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("units", ["", "px", "1/nm", "of its own"])
def test_xyz_without_units_of_length_is_in_pixels(tmp_path, units):
    signal = hs.signals.Signal2D(np.zeros((40, 60)))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.02, units
    as_points(ragged(TABLES[:1]), signal, NAMES, "").to_xyz(tmp_path / "a", "Fe")
    lines = (tmp_path / "a.xyz").read_text().splitlines()
    assert "units=pixel" in lines[1]
    assert lines[3].split()[:4] == ["Fe", "4.0", "3.5", "0.0"]


@pytest.mark.parametrize("elements", [3, {0: ""}, {0: "M o"}, {"a": "Mo"}, {0: 42}])
def test_elements_that_are_not_allowed(series, tmp_path, elements):
    with pytest.raises((TypeError, ValueError), match="^elements must"):
        series.to_xyz(tmp_path / "points.xyz", elements)


def test_markers_by_pattern(series, frames):
    markers = series.get_markers(linewidths=(3,))
    assert len(markers) == 3
    frames.plot()
    frames.add_marker(markers)
    collections = frames._plot.signal_plot.ax.collections
    for circles, row in zip(collections, (2, 0, 1), strict=True):
        expected = TABLES[0][row, 1::-1] * 0.02 + [1, 2]
        np.testing.assert_allclose(circles.get_offsets(), [expected])
        assert circles.get_linewidths() == [3]
    frames.axes_manager.indices = (2,)
    expected = TABLES[2][0, 1::-1] * 0.02 + [1, 2]
    assert [len(each.get_offsets()) for each in collections] == [0, 0, 1]
    np.testing.assert_allclose(collections[2].get_offsets(), [expected])


def test_markers_of_lazy_points(lazy, frames):
    frames.plot()
    frames.add_marker(lazy.get_markers())
    frames.axes_manager.indices = (2,)
    collections = frames._plot.signal_plot.ax.collections
    assert [len(each.get_offsets()) for each in collections] == [0, 0, 1]


def test_markers_of_an_image(image, frames):
    frames.inav[0].plot()
    markers = image.get_markers()
    np.testing.assert_allclose(markers[1].kwargs["offsets"], [[1.04, 2.02]])
    # 0.6 of the median distance of neighbours: 3.2, 3.2 and 6.8 px.
    size = 0.6 * np.hypot(2.5, 2) * 0.02
    np.testing.assert_allclose(markers[1].kwargs["sizes"], [size])


def test_markers_without_patterns(frames):
    tables = [table[:, :2] for table in TABLES]
    markers = as_points(ragged(tables), frames, ["y", "x"], "").get_markers()
    assert len(markers) == 1
    assert len(markers[0].kwargs["offsets"][0]) == 3


def drifting(frames):
    """Six frames of a lattice that drifts; one point goes, one jumps."""
    rng = np.random.default_rng(3)
    places = np.mgrid[5:36:6, 5:56:6].reshape(2, -1).T.astype(float)
    tables = []
    for i in range(6):
        own = places + rng.normal(0, 0.1, places.shape) + i * np.array([0.4, -0.9])
        if i >= 4:
            own[20] += (0, 2)
        own = own[np.arange(len(own)) != 30] if i >= 2 else own
        tables.append(rng.permutation(own))
    signal = hs.signals.Signal2D(np.zeros((6, 40, 60)))
    signal.axes_manager[0].scale = 0.5
    return as_points(ragged(tables), signal, ["y", "x"], "Columns"), places


@needs_laptrack
def test_tracks_and_events(frames):
    points, places = drifting(frames)
    tracked, events = points.track(show_progressbar=False)
    assert tracked.column_names == ["y", "x", "track"]
    drift = tracked.metadata.Symmetry_points.drift
    np.testing.assert_allclose(drift[5], [2, -4.5], atol=0.2)
    tables = [table for _, table in tracked._frames()]
    assert len(np.unique(tables[0][:, 2])) == len(places)
    assert all(np.isin(table[:, 2], tables[0][:, 2]).all() for table in tables)
    assert events["event"].to_list() == ["goes", "jumps"]
    assert events["frame"].to_list() == [2, 4]
    assert events["time"].to_list() == [1, 2]
    np.testing.assert_allclose(events.loc[1, ["dy", "dx"]], [0, 2], atol=0.5)
    expected = places[30] + 2 * np.array([0.4, -0.9])
    np.testing.assert_allclose(events.loc[0, ["y", "x"]], expected, atol=0.5)


@needs_laptrack
def test_tracked_points_are_saved_and_tracked_again(frames, tmp_path):
    tracked, _ = drifting(frames)[0].track(show_progressbar=False)
    tracked.save(tmp_path / "tracked.hspy")
    loaded = hs.load(tmp_path / "tracked.hspy")
    again, _ = loaded.track(show_progressbar=False)
    assert again.column_names == ["y", "x", "track"]
    assert_tables(again, [table for _, table in tracked._frames()])


@needs_laptrack
def test_tracks_against_time(frames):
    tracked, _ = drifting(frames)[0].track(show_progressbar=False)
    found = tracked.get_tracks("x")
    for frame, (_, table) in enumerate(tracked._frames()):
        own = table[:, 2].astype(int)
        np.testing.assert_array_equal(found.data[own, frame], table[:, 1])
        assert np.isfinite(found.data[:, frame]).sum() == len(table)
    assert found.axes_manager.signal_axes[0].scale == 0.5


def test_without_laptrack(series, monkeypatch):
    monkeypatch.setitem(sys.modules, "laptrack", None)
    with pytest.raises(ImportError, match=r'pip install "hyperspy-symseg\[track\]"'):
        series.track()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"max_distance": -1}, "max_distance"),
        ({"max_distance": np.inf}, "max_distance"),
        ({"max_gap": 0.5}, "max_gap"),
        ({"jump": np.nan}, "jump"),
        ({"drift": "none"}, "drift"),
        ({"drift": np.zeros((2, 2))}, r"drift must be .* \(3, 2\)"),
        ({"labels": 3}, "labels must be None for points that are no grains"),
    ],
)
def test_what_is_not_allowed_in_tracking(series, given, error):
    with pytest.raises((TypeError, ValueError), match=f"^{error}"):
        series.track(**given)


def test_a_single_image_is_not_tracked(image):
    with pytest.raises(ValueError, match="series with one navigation axis"):
        image.track()
