# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of grains as signals."""

import json

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.frames.run import FrameError

HIDDEN = {"show_progressbar": False}


def of_labels(data, scale=(1.0, 1.0), units=("", "")):
    seg = hs.signals.Signal2D(data)
    for axis, name, size, unit in zip(
        seg.axes_manager.signal_axes, "xy", scale[::-1], units[::-1], strict=True
    ):
        axis.name, axis.scale, axis.units = name, size, unit
    seg.set_signal_type("symmetry_labels")
    return seg


def rectangles(frames=()):
    data = np.zeros((*frames, 30, 40), np.int8)
    data[..., 10:20, 12:27] = 1
    data[..., 14:16, 14:17] = 2
    return data


@pytest.fixture(scope="module")
def micrograph():
    s, _ = simulate.micrograph(
        [simulate.Lattice.square(12, orientation=a) for a in (4, 31)],
        (170, 190),
        boundary="straight",
        seed=2,
    )
    seg = s.segment_symmetry(2, **HIDDEN)
    return s, seg, seg.get_grains(s, 50, calibrated=True, **HIDDEN)


def area(ring):
    """Signed area of a closed ring (x, y): positive if it is counterclockwise."""
    x, y = np.array(ring).T
    return (x[:-1] @ y[1:] - y[:-1] @ x[1:]) / 2


def column(grains, name, frame=0):
    return grains.data[frame][:, grains.column_names.index(name)]


def test_a_table_of_points(micrograph):
    _, seg, grains = micrograph
    assert grains.metadata.Signal.signal_type == "symmetry_points"
    assert grains.metadata.Signal.quantity == "Grains"
    assert grains.data.shape == (1,)
    assert grains.data[0].shape == (2, len(grains.column_names)) == (2, 15)
    assert grains.metadata.General.title == seg.metadata.General.title


def test_what_the_micrograph_tells(micrograph):
    s, seg, grains = micrograph
    certainty = seg.get_certainty(s, **HIDDEN).data
    for i, k in enumerate(column(grains, "pattern")):
        own = seg.data == k
        assert column(grains, "mean_intensity")[i] == pytest.approx(s.data[own].mean())
        assert column(grains, "mean_certainty")[i] == pytest.approx(
            certainty[own].mean(), rel=1e-5
        )
    angles = column(grains, "lattice_orientation") % 90
    np.testing.assert_allclose(sorted(angles), (4, 31), atol=0.2)


def test_without_it_that_is_not_known(micrograph):
    _, seg, grains = micrograph
    found = seg.get_grains(min_area=50, calibrated=True, **HIDDEN)
    needs = {"mean_intensity", "mean_certainty"}
    needs |= {"lattice_orientation", "lattice_orientation_error"}
    for name in grains.column_names:
        if name in needs:
            assert np.isnan(column(found, name)).all()
        else:
            np.testing.assert_array_equal(column(found, name), column(grains, name))


def test_labels_of_other_programs_have_intensities():
    data = rectangles()
    s = hs.signals.Signal2D(np.random.default_rng(0).random(data.shape))
    grains = of_labels(data).get_grains(s, **HIDDEN)
    assert column(grains, "mean_intensity")[2] == pytest.approx(
        s.data[data == 2].mean()
    )
    assert np.isnan(column(grains, "mean_certainty")).all()


def test_units_of_the_axes():
    seg = of_labels(rectangles(), (0.5, 0.5), ("nm", "nm"))
    seg.axes_manager["x"].offset = 7.0
    pixels, found = (
        seg.get_grains(calibrated=each, **HIDDEN) for each in (False, True)
    )
    for name, factor in (("area", 0.25), ("perimeter", 0.5), ("major_axis", 0.5)):
        expected = column(pixels, name) * factor
        np.testing.assert_allclose(column(found, name), expected)
    np.testing.assert_allclose(column(found, "x"), column(pixels, "x") * 0.5 + 7)
    np.testing.assert_array_equal(
        column(found, "orientation"), column(pixels, "orientation")
    )


def test_pixels_that_are_longer_along_an_axis():
    """A square of the specimen is no longer along one of them."""
    data = np.zeros((40, 80), np.int8)
    data[10:30, 10:50] = 1
    seg = of_labels(data, (0.2, 0.1), ("nm", "nm"))
    found = seg.get_grains(calibrated=True, **HIDDEN)
    assert column(found, "area")[1] == pytest.approx(16)
    assert column(found, "perimeter")[1] == pytest.approx(16, rel=0.06)
    axes = column(found, "major_axis")[1], column(found, "minor_axis")[1]
    assert axes[0] == pytest.approx(axes[1], rel=0.01)


@pytest.mark.parametrize(
    ("min_area", "n"), [(0, 3), (6, 3), (7, 2), (1.5, 3), (1.6, 2)]
)
def test_smallest_area(min_area, n):
    seg = of_labels(rectangles(), (0.5, 0.5), ("nm", "nm"))
    assert len(seg.get_grains(min_area=min_area, **HIDDEN).data[0]) == n


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"signal": 3}, TypeError, "signal must be a Signal2D"),
        ({"signal": hs.signals.Signal2D(np.ones((3, 4)))}, ValueError, "the shape of"),
        (
            {"signal": hs.signals.Signal2D(np.ones(rectangles().shape))},
            ValueError,
            "axis y of signal must be that of the labels",
        ),
        ({"min_area": -1}, ValueError, "min_area must be .* at least 0, got -1"),
        ({"min_area": "all"}, TypeError, "min_area must be an int of pixels"),
        ({"min_area": np.nan}, ValueError, "min_area must be .* got nan"),
        ({"calibrated": 2}, TypeError, "calibrated must be True or False"),
        ({"calibrated": True}, ValueError, "calibrated must be .* 'nm' and 's'"),
        ({"lazy_output": 3}, TypeError, "lazy_output must be"),
        ({"mask": np.ones(3, bool)}, ValueError, "mask must"),
        ({"num_workers": 0}, ValueError, "num_workers must be"),
    ],
)
def test_bad_input_is_named_before_anything_is_read(options, error, message):
    da = pytest.importorskip("dask.array")

    def read(block):
        raise AssertionError("must not be read")

    data = da.from_array(rectangles(), (-1, -1)).map_blocks(
        read, dtype=np.int8, meta=np.empty((0, 0), np.int8)
    )
    seg = of_labels(rectangles(), units=("nm", "s")).as_lazy()
    seg.data = data
    with pytest.raises(error, match=message):
        seg.get_grains(**options)


def test_lazy_is_eager():
    data = rectangles((3,))
    data[1, 3:9, 30:36] = 2
    seg = of_labels(data)
    s = hs.signals.Signal2D(np.random.default_rng(0).poisson(9, data.shape))
    eager = seg.get_grains(s, 7, **HIDDEN)
    later = seg.as_lazy().get_grains(s.as_lazy(), 7)
    assert later._lazy
    later.compute(**HIDDEN)
    for one, other in zip(eager.data, later.data, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_map_of_numbers_and_one_of_a_column():
    seg = of_labels(rectangles((2,)))
    grains = seg.get_grains(**HIDDEN)
    numbers, areas = seg.get_grain_map(grains), seg.get_grain_map(grains, "area")
    assert numbers.data.dtype == np.int32
    np.testing.assert_array_equal(numbers.data, seg.data)
    assert set(areas.data[areas.data < 200]) == {6, 144}
    later = seg.as_lazy().get_grain_map(grains, "area")
    assert later._lazy
    np.testing.assert_array_equal(later.data.compute(), areas.data)


def test_regions_that_are_no_grains_are_on_no_map():
    seg = of_labels(rectangles())
    grains = seg.get_grains(min_area=7, **HIDDEN)
    assert (seg.get_grain_map(grains).data == -1).sum() == 6
    assert np.isnan(seg.get_grain_map(grains, "y").data).sum() == 6


def test_grains_of_other_labels():
    grains = of_labels(rectangles()).get_grains(**HIDDEN)
    other = of_labels(np.zeros((30, 40), np.int8))
    series = of_labels(rectangles((2,)))
    for method in ("get_grain_map", "get_grain_neighbours", "get_grain_polygons"):
        column = ("area",) if method == "get_grain_map" else ()
        with pytest.raises(ValueError, match="must be those of these labels"):
            getattr(other, method)(grains, *column)
        with pytest.raises(ValueError, match=r"navigation shape \(2,\), got \(\)"):
            getattr(series, method)(grains, *column)
        with pytest.raises(TypeError, match="must be the result of get_grains"):
            getattr(other, method)(other)


def test_neighbours(micrograph):
    pytest.importorskip("pandas")
    _, seg, grains = micrograph
    found = seg.get_grain_neighbours(grains, **HIDDEN)
    [row] = found.to_dict("records")
    assert (row["grain"], row["neighbour"]) == (0, 1)
    lengths = seg.get_boundary_length().data
    assert row["length"] == pytest.approx(lengths[0])
    assert abs(row["misorientation"]) == pytest.approx(27, abs=0.3)
    assert 0 < row["misorientation_error"] < 0.1
    alone = seg.get_grains(min_area=50, **HIDDEN)
    [row] = seg.get_grain_neighbours(alone, **HIDDEN).to_dict("records")
    assert abs(row["misorientation"]) == pytest.approx(27, abs=0.3)
    assert np.isnan(row["misorientation_error"])


def test_neighbours_without_a_lattice():
    pytest.importorskip("pandas")
    seg = of_labels(rectangles((2,)))
    found = seg.get_grain_neighbours(seg.get_grains(**HIDDEN), **HIDDEN)
    assert found.index.name == "frame"
    assert found.index.to_list() == [0, 0, 1, 1]
    assert found["neighbour"].to_list() == [1, 2, 1, 2]
    assert np.isnan(found["misorientation"]).all()


def test_paths_have_the_areas_and_holes():
    seg = of_labels(rectangles(), (0.5, 0.5), ("nm", "nm"))
    grains = seg.get_grains(**HIDDEN)
    frame, rectangle, hole = seg.get_grain_polygons(grains, **HIDDEN)
    assert hole.vertices.min(axis=0).tolist() == [13.5 * 0.5, 13.5 * 0.5]
    areas = column(grains, "area") / 4
    for path, expected in zip((frame, rectangle, hole), areas, strict=True):
        assert sum(map(area, path.to_polygons())) == pytest.approx(expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_file_of_polygons(tmp_path, sign):
    seg = of_labels(rectangles((2,)), (0.5 * sign, 0.5), ("nm", "nm"))
    grains = seg.get_grains(calibrated=True, **HIDDEN)
    seg.save_grain_polygons(tmp_path / "grains", grains, **HIDDEN)
    found = json.loads((tmp_path / "grains.geojson").read_text())
    assert found["type"] == "FeatureCollection"
    assert len(found["features"]) == 6
    for i, feature in enumerate(found["features"]):
        known = feature["properties"]
        assert (known["frame"], known["grain"]) == divmod(i, 3)
        assert known["mean_intensity"] is None
        outer, *holes = feature["geometry"]["coordinates"]
        assert outer[0] == outer[-1]
        assert area(outer) > 0
        assert all(area(hole) < 0 for hole in holes)
        total = area(outer) + sum(map(area, holes))
        assert total == pytest.approx(known["area"])
    with pytest.raises(FileExistsError, match="overwrite must be True"):
        seg.save_grain_polygons(tmp_path / "grains.geojson", grains)
    with pytest.raises(ValueError, match="must end in .geojson"):
        seg.save_grain_polygons(tmp_path / "grains.json", grains)


@pytest.mark.parametrize("is_lazy", [False, True])
def test_markers(is_lazy):
    seg = of_labels(rectangles((2,)), (0.5, 0.5), ("nm", "nm"))
    grains = seg.get_grains(**HIDDEN)
    markers = (seg.as_lazy() if is_lazy else seg).get_grain_markers(grains)
    assert len(markers) == 3
    signal = hs.signals.Signal2D(np.zeros(seg.data.shape))
    signal.plot()
    signal.add_marker(markers)
    signal.axes_manager.indices = (1,)
    rings = markers[1].get_current_kwargs()["verts"]
    assert [len(ring) for ring in rings] == [4, 4]


def test_calibrated_tracks_are_those_of_pixels():
    pytest.importorskip("pandas")
    data = np.zeros((6, 40, 60), np.int8)
    for frame in data:
        frame[10:20, 10:20] = 1
        frame[10:20, 30:38] = 1
    data[3:, 12:18, 20:30] = 1
    seg = of_labels(data, (-0.5, 0.1), ("nm", "nm"))
    expected = None
    for calibrated in (False, True):
        grains = seg.get_grains(calibrated=calibrated, **HIDDEN)
        for options in ({}, {"labels": seg}, {"labels": seg.as_lazy(), "drift": None}):
            found, events = grains.track(**HIDDEN, **options)
            tracks = [table[:, -1].tolist() for table in found.data]
            expected = tracks if expected is None else expected
            assert tracks == expected
            assert events["event"].to_list() == ["merges"]
            assert events["frame"].to_list() == [3]


def test_size_and_position_against_time():
    pytest.importorskip("pandas")
    seg = of_labels(rectangles((3,)))
    seg.data[1, 14:16, 14:17] = 1
    time = seg.axes_manager.navigation_axes[0]
    time.name, time.scale, time.units = "time", 0.5, "s"
    tracked, _ = seg.get_grains(**HIDDEN).track(**HIDDEN)
    areas = tracked.get_tracks("area")
    assert areas.data.shape == (3, 3)
    np.testing.assert_array_equal(areas.data[1], [144, 150, 144])
    np.testing.assert_array_equal(areas.data[2], [6, np.nan, 6])
    (along,) = areas.axes_manager.signal_axes
    assert (along.name, along.scale, along.units) == ("time", 0.5, "s")
    np.testing.assert_allclose(seg.get_grain_map(tracked, "track").data[1, 14, 14], 1)


def test_what_grains_do_not_have_is_not_taken():
    pytest.importorskip("pandas")
    seg = of_labels(rectangles((3,)))
    grains = seg.get_grains(**HIDDEN)
    for options in ({"max_distance": 3.0}, {"jump": 4}):
        with pytest.raises(ValueError, match="must be left as it is for grains"):
            grains.track(**options)
    with pytest.raises(TypeError, match="labels must be those"):
        grains.track(labels=3)
    with pytest.raises(ValueError, match="must be tracked"):
        grains.get_tracks("area")


def test_files(tmp_path):
    seg = of_labels(rectangles((2,)))
    grains = seg.get_grains(min_area=7, **HIDDEN)
    grains.save(tmp_path / "grains.hspy")
    found = hs.load(tmp_path / "grains.hspy")
    np.testing.assert_array_equal(
        seg.get_grain_map(found, "area").data, seg.get_grain_map(grains, "area").data
    )
    grains.to_csv(tmp_path / "grains.csv")
    header = (tmp_path / "grains.csv").read_text().splitlines()[0]
    assert header.startswith("frame,y,x,pattern,area")


def test_the_model_knows_nothing_of_labels_changed_by_hand(micrograph):
    s, seg, grains = micrograph
    swapped = seg.relabel({0: 1, 1: 0})
    found = swapped.get_grains(s, 50, calibrated=True, **HIDDEN)
    for name in ("area", "mean_intensity"):
        np.testing.assert_array_equal(column(found, name), column(grains, name))
    for name in ("lattice_orientation", "lattice_orientation_error", "mean_certainty"):
        assert np.isnan(column(found, name)).all()
    assert swapped.get_grain_neighbours(found, **HIDDEN).misorientation.isna().all()
    assert seg.get_grain_neighbours(grains, **HIDDEN).misorientation.notna().all()


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize(
    # A mask of one frame is kept with the table.
    ("change", "frames"),
    [("mask", (2,)), ("relabel", ()), ("relabel", (2,))],
)
def test_as_many_grains_of_other_labels_are_an_error(change, calibrated, frames):
    seg = of_labels(rectangles(frames), (0.1, 0.2), ("nm", "nm"))
    mask = np.zeros(seg.data.shape, bool)
    mask[..., :5, :7] = change == "mask"
    grains = seg.get_grains(mask=mask, calibrated=calibrated)
    other = seg.relabel({0: 1, 1: 0}) if change == "relabel" else seg
    for method in ("map", "neighbours", "polygons"):
        with pytest.raises(ValueError, match="grains must be those of these labels"):
            getattr(other, f"get_grain_{method}")(grains)
    if frames:
        with pytest.raises(ValueError, match="grains must be those of these labels"):
            grains.track(labels=other)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("frames", [(), (2,)])
def test_what_a_mask_left_out_is_no_grain_where_labels_are_looked_at_again(
    frames, lazy, tmp_path
):
    seg = of_labels(rectangles(frames), (0.1, 0.2), ("nm", "nm"))
    mask = np.zeros((30, 40), bool)
    mask[:5, :7] = True
    without = seg.relabel(-1, roi=mask)
    seg, without = (each.as_lazy() if lazy else each for each in (seg, without))
    seg.get_grains(mask=mask).save(tmp_path / "grains.hspy")
    grains, expected = hs.load(tmp_path / "grains.hspy"), without.get_grains()
    found = np.asarray(seg.get_grain_map(grains, "area").data)
    np.testing.assert_array_equal(found, without.get_grain_map(expected, "area").data)
    assert np.isnan(found[..., :5, :7]).all()
    assert seg.get_grain_neighbours(grains).equals(
        without.get_grain_neighbours(expected)
    )
    polygons = seg.get_grain_polygons(grains), without.get_grain_polygons(expected)
    if frames:
        polygons = (each[-1] for each in polygons)
    for own, other in zip(*polygons, strict=True):
        np.testing.assert_array_equal(own.vertices, other.vertices)
    if frames:
        grains.track(labels=seg)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("method", ["map", "markers", "track"])
def test_a_mask_of_every_frame_is_not_forgotten(method, lazy):
    def looked_at(grains):
        if method == "track":
            return grains.track(labels=seg)
        if method == "map":
            return seg.get_grain_map(grains).compute()
        return seg.get_grain_markers(grains)[0].kwargs["verts"].compute()

    seg = of_labels(rectangles((2,)), (0.1, 0.2), ("nm", "nm"))
    mask = np.zeros(seg.data.shape, bool)
    mask[:, :5, :7] = True
    seg = seg.as_lazy() if lazy else seg
    grains = seg.get_grains(mask=mask)
    with pytest.raises((ValueError, FrameError), match="grains must be those"):
        looked_at(grains)


def test_grains_without_a_mask_are_those_of_labels_without_it():
    seg = of_labels(rectangles())
    mask = np.zeros((30, 40), bool)
    mask[:5, :7] = True
    grains = seg.get_grains(mask=mask)
    without = seg.relabel(-1, roi=mask)
    assert without.get_grain_map(grains, "area").data[-1, -1] == 1200 - 35 - 150
