# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas, boundary lengths and overlays of series."""

import warnings

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from dask.callbacks import Callback
from hyperspy.signals import LazySignal1D
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis.boundaries import boundary_lengths
from hyperspy_symseg.analysis.overlay import tint
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.run import evaluate_frames
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import upsample_labels
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels
from hyperspy_symseg.testing import chunked, label_maps

N_PATTERNS = 3
TILT = {"name": "tilt", "size": 2, "scale": 5, "offset": -5, "units": "deg"}
TIME = {"name": "time", "size": 4, "scale": 0.1, "offset": 7, "units": "s"}
UNEVEN_TIME = {"name": "time", "axis": [0, 1, 5, 6], "units": "s"}
Y = {"name": "y", "size": 5, "scale": 0.5, "units": "nm"}
X = {"name": "x", "size": 7, "scale": -0.2, "units": "nm"}


def labels_signal(data, axes, stride=(1, 1), upsample=True):
    """Labels as segment_symmetry makes them, but for what these tests do not need."""
    record = {
        "n_patterns": N_PATTERNS,
        "stride": stride,
        "upsample": upsample,
        "_model": {"name": "none"},
    }
    navigate = [True] * (len(axes) - 2) + [False] * 2
    return (SymmetryLabels if isinstance(data, np.ndarray) else LazySymmetryLabels)(
        data,
        axes=[
            axis | {"navigate": flag} for axis, flag in zip(axes, navigate, strict=True)
        ],
        metadata={
            "General": {"title": "A series"},
            "Signal": {"signal_type": "symmetry_labels"},
            "Symmetry_segmentation": record,
        },
        original_metadata={"Detector": "HAADF"},
    )


def random_labels(*shape):
    return np.random.default_rng(4).integers(-1, N_PATTERNS, shape).astype(np.int8)


def image_signal(data):
    return hs.signals.Signal2D(data)


def slow_areas(data, axes):
    counts = [(data == label).sum(axis=(-2, -1)) for label in range(N_PATTERNS)]
    return np.array(counts) * abs(axes[-2]["scale"] * axes[-1]["scale"])


@pytest.fixture
def movie():
    return labels_signal(random_labels(4, 5, 7), [TIME, Y, X])


@pytest.fixture
def lazy_movie(movie):
    chunks = (1, -1, -1)
    return labels_signal(da.from_array(movie.data, chunks=chunks), [TIME, Y, X])


@pytest.fixture
def tilts():
    return labels_signal(random_labels(2, 4, 5, 7), [TILT, TIME, Y, X])


@st.composite
def eager_and_lazy(draw):
    """The same labels, with one to three navigation axes."""
    shape = draw(st.sampled_from([(4, 5, 7), (2, 4, 5, 7), (1, 2, 4, 5, 6), (6, 7)]))
    data = draw(label_maps(shape, N_PATTERNS))
    axes = [{"size": n} for n in shape]
    stride = draw(st.sampled_from([(1, 1), (2, 3)]))
    return [labels_signal(d, axes, stride) for d in (data, draw(chunked(data)))]


def test_areas_of_a_series_by_hand():
    data = np.array([[[0, 0, -1, 2]], [[1, 2, 2, 2]]], np.int8)
    axes = [{"size": 2}, {"size": 1, "scale": 2}, {"size": 4, "scale": 3}]
    areas = labels_signal(data, axes).get_areas()
    np.testing.assert_array_equal(areas.data, [[12, 0], [0, 6], [6, 18]])


def test_areas_against_time(movie):
    areas = movie.get_areas()
    assert repr(areas) == "<Signal1D, title: A series, dimensions: (3|4)>"
    (pattern,) = areas.axes_manager.navigation_axes
    (time,) = areas.axes_manager.signal_axes
    assert pattern.name == "Pattern"
    assert (time.name, time.scale, time.offset, time.units) == ("time", 0.1, 7, "s")


def test_areas_against_tilt_and_time(tilts):
    areas = tilts.get_areas()
    assert type(areas) is hs.signals.Signal2D
    assert [axis.name for axis in areas.axes_manager.signal_axes] == ["time", "tilt"]
    np.testing.assert_allclose(areas.data, slow_areas(tilts.data, [Y, X]))


def test_areas_against_three_axes():
    data = random_labels(6, 2, 4, 5, 7)
    areas = labels_signal(data, [{"name": "dose", "size": 6}, TILT, TIME, Y, X])
    areas = areas.get_areas()
    assert areas.axes_manager.signal_shape == (4, 2, 6)
    np.testing.assert_allclose(areas.data, slow_areas(data, [Y, X]))


def test_areas_keep_a_navigation_axis_that_is_not_uniform():
    labels = labels_signal(random_labels(4, 5, 7), [UNEVEN_TIME, Y, X])
    (time,) = labels.get_areas().axes_manager.signal_axes
    np.testing.assert_array_equal(time.axis, UNEVEN_TIME["axis"])


@pytest.mark.parametrize("measure", ["get_areas", "get_boundary_length"])
def test_measures_keep_the_metadata(movie, measure):
    result = getattr(movie, measure)()
    assert result.metadata.Symmetry_segmentation.n_patterns == N_PATTERNS
    assert result.original_metadata.Detector == "HAADF"
    assert result.metadata.Signal.signal_type == ""


@pytest.mark.parametrize("measure", ["get_areas", "get_boundary_length"])
def test_measures_of_lazy_labels_are_lazy(lazy_movie, measure):
    assert type(getattr(lazy_movie, measure)()) is LazySignal1D


@pytest.mark.parametrize("measure", ["get_areas", "get_boundary_length"])
def test_measures_are_computed_only_when_asked_for(measure):
    def fail(block):
        raise AssertionError("computed")

    data = da.from_array(random_labels(4, 5, 7)).map_blocks(
        fail, dtype=np.int8, meta=np.empty((0, 0, 0), np.int8)
    )
    getattr(labels_signal(data, [TIME, Y, X]), measure)()


@pytest.mark.parametrize("measure", ["get_areas", "get_boundary_length"])
def test_measures_are_plotted_after_the_lazy_labels(lazy_movie, measure):
    lazy_movie.plot()
    getattr(lazy_movie, measure)().plot()


def test_measures_are_saved(lazy_movie, tmp_path):
    areas = lazy_movie.get_areas()
    areas.save(tmp_path / "areas.zspy")
    found = hs.load(tmp_path / "areas.zspy")
    np.testing.assert_array_equal(found.data, areas.data)


@settings(deadline=None, max_examples=25)
@given(eager_and_lazy())
def test_areas_do_not_depend_on_chunks(labels):
    eager, lazy = (signal.get_areas() for signal in labels)
    assert isinstance(lazy.data, da.Array)
    np.testing.assert_array_equal(eager.data, lazy.data)


@settings(deadline=None, max_examples=25)
@given(eager_and_lazy())
def test_boundary_lengths_do_not_depend_on_chunks(labels):
    eager, lazy = (signal.get_boundary_length() for signal in labels)
    assert isinstance(lazy.data, da.Array)
    np.testing.assert_array_equal(eager.data, lazy.data)


@settings(deadline=None, max_examples=25)
@given(eager_and_lazy(), st.data())
def test_overlays_do_not_depend_on_chunks(labels, data):
    eager, lazy = labels
    frames = np.random.default_rng(1).normal(size=eager.data.shape)
    other = hs.signals.Signal2D(data.draw(chunked(frames))).as_lazy()
    expected = eager.overlay(image_signal(frames)).data
    for mixed in (
        lazy.overlay(other),
        lazy.overlay(image_signal(frames)),
        eager.overlay(other),
    ):
        assert isinstance(mixed.data, da.Array)
        np.testing.assert_array_equal(mixed.data.compute(), expected)


def test_overlay_of_a_frame_takes_no_more_than_the_chunks_it_is_in():
    shape, chunks = (40, 64, 64), (40, 16, 16)
    sizes = []

    class Sizes(Callback):
        def _posttask(self, key, result, *args):
            sizes.append(getattr(result, "nbytes", 0))

    random = da.random.default_rng(3)
    frames = random.normal(size=shape, chunks=chunks)
    labels = random.integers(N_PATTERNS, size=shape, chunks=chunks)
    labels = labels_signal(labels, [{"size": n} for n in shape])
    overlay = labels.overlay(hs.signals.Signal2D(frames).as_lazy())
    with Sizes():
        overlay.data[:2].compute(scheduler="sync")
    assert max(sizes) == frames.nbytes / 16


@pytest.mark.parametrize("computed", [False, True])
def test_frames_of_one_chunk_are_read_once_for_an_overlay(computed):
    reads = []

    def read(block):
        reads.append(block.shape)
        return block

    data = np.random.default_rng(3).normal(size=(4, 30, 40))
    source = da.from_array(data, chunks=(4, -1, -1)).map_blocks(
        read, dtype=data.dtype, meta=np.empty((0, 0, 0))
    )
    signal = hs.signals.Signal2D(source).as_lazy()
    labels = signal.segment_symmetry(2, patch=3, window=4, stride=5)
    if computed:
        labels.compute()
        labels = labels.as_lazy(chunks=(1, -1, -1))
    overlay = labels.overlay(signal).data
    reads.clear()
    with workers(1):
        done = dict(evaluate_frames(overlay, list(np.ndindex(4))))
    assert len(done) == 4
    assert len(reads) == 1


def test_labels_of_int8_up_to_the_largest():
    labels = labels_signal(np.full((1, 2), 126, np.int8), [{"size": 1}, {"size": 2}])
    labels.metadata.Symmetry_segmentation.n_patterns = 127
    assert labels.get_areas().data[126] == 2


def test_lengths_of_a_series_are_those_of_its_frames(tilts):
    found = tilts.get_boundary_length().data
    for index in np.ndindex(2, 4):
        expected = boundary_lengths(tilts.data[index], N_PATTERNS, (0.5, 0.2))
        np.testing.assert_allclose(found[:, *index], expected)


def test_lengths_of_one_image(movie):
    lengths = movie.inav[1].get_boundary_length()
    assert repr(lengths) == "<PatternMeasure, title: A series, dimensions: (|3)>"


def test_quantity_of_lengths(movie):
    quantity = movie.get_boundary_length().metadata.Signal.quantity
    assert quantity == "Boundary length (nm)"


def test_quantities_without_units():
    labels = labels_signal(random_labels(5, 7), [{"size": 5}, {"size": 7}])
    found = labels.get_boundary_length().metadata.Signal.quantity
    assert found == "Boundary length (px)"
    labels.axes_manager.signal_axes[0].scale = 2
    found = labels.get_boundary_length().metadata.Signal.quantity
    assert found == "Boundary length"


def test_length_along_axes_of_different_units_is_an_error():
    labels = labels_signal(random_labels(5, 7), [Y, X | {"units": "s"}])
    with pytest.raises(
        ValueError, match="^axes y and x must have one unit .* 'nm' and 's'"
    ):
        labels.get_boundary_length()


@pytest.mark.parametrize("degrees", [20, 45, 63, 90])
def test_length_of_upsampled_labels(degrees):
    # Counted on the frame, the staircase of blocks would be up to 27 % longer.
    shape, stride = (403, 402), (5, 4)
    grid = Grid.over(shape, stride)
    y, x = np.meshgrid(grid.rows - 201, grid.columns - 200.5, indexing="ij")
    angle = np.radians(degrees)
    on_grid = (x * np.sin(angle) > y * np.cos(angle)).astype(np.int8)
    data = upsample_labels(on_grid, grid, shape)
    labels = labels_signal(data, [Y | {"size": 403}, Y | {"size": 402}], stride)
    length = 0.5 * 402 / max(np.sin(angle), np.cos(angle))
    found = labels.get_boundary_length().data
    np.testing.assert_allclose(found, [length, length, 0], rtol=0.03)


def test_length_of_part_of_upsampled_labels():
    grid = Grid.over((50, 60), (5, 4))
    data = upsample_labels(random_labels(*grid.shape), grid, (50, 60))
    labels = labels_signal(data, [Y | {"size": 50}, Y | {"size": 60}], (5, 4))
    # From the middle of a sample, 4 by 6 samples.
    rows, columns = slice(13, 13 + 20), slice(10, 10 + 24)
    found = labels.isig[columns, rows].get_boundary_length()
    expected = boundary_lengths(data[15:33:5, 12:34:4], N_PATTERNS, (2.5, 2))
    assert data[15:33:5, 12:34:4].shape == (4, 6)
    np.testing.assert_allclose(found.data, expected)


def test_length_of_a_part_smaller_than_the_stride():
    labels = labels_signal(np.array([[0, 1]]), [{"size": 1}, {"size": 2}], (5, 5))
    assert labels.get_boundary_length().data.shape == (N_PATTERNS,)


def test_length_of_labels_on_the_grid_takes_all_of_them():
    data = random_labels(5, 7)
    labels = labels_signal(data, [Y, X], (3, 3), upsample=False)
    expected = boundary_lengths(data, N_PATTERNS, (0.5, 0.2))
    np.testing.assert_allclose(labels.get_boundary_length().data, expected)


def test_area_and_length_of_a_moving_boundary():
    _, truth = simulate.moving_boundary(4, (60, 90), speed=2, angle=80)
    axes = list(truth.axes_manager.as_dictionary().values())
    labels = labels_signal(truth.data, axes)
    length = 60 * 0.01 / np.sin(np.radians(80))
    found = labels.get_boundary_length().data[:2].compute()
    np.testing.assert_allclose(found, length, rtol=0.02)
    growth = np.diff(labels.get_areas().data[0].compute())
    # Twice 1 pixel across the boundary of 0.01 nm, and up to a pixel in a row.
    np.testing.assert_allclose(growth, 2 * 0.01 * length, rtol=0.05)


def test_overlay_of_a_series_is_that_of_its_frames(tilts):
    frames = np.random.default_rng(2).poisson(9, (2, 4, 5, 7))
    found = tilts.overlay(image_signal(frames)).data
    for index in np.ndindex(2, 4):
        expected = tint(frames[index], tilts.data[index], N_PATTERNS)
        np.testing.assert_array_equal(found[index]["G"], expected[..., 1])


def test_overlay_of_a_series_has_the_axes_of_the_labels(tilts):
    overlay = tilts.overlay(image_signal(np.ones((2, 4, 5, 7))))
    assert overlay.axes_manager.as_dictionary() == tilts.axes_manager.as_dictionary()


def test_overlay_of_frames_without_a_value_is_black(movie):
    frames = np.ones((4, 5, 7)) * np.arange(7)
    frames[1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = movie.overlay(image_signal(frames)).data
    assert found["R"][0].any()
    assert not found["R"][1].any()


def test_overlay_of_boolean_frames(movie):
    frames = np.arange(140).reshape(4, 5, 7) % 2
    expected = movie.overlay(image_signal(frames)).data
    found = movie.overlay(image_signal(frames.astype(bool))).data
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(6, 5, 7), (4, 5, 8), (5, 7)])
def test_overlay_of_another_series_is_an_error(movie, shape):
    with pytest.raises(ValueError, match=r"^signal must have the shape .* \(4, 5, 7\)"):
        movie.overlay(image_signal(np.ones(shape)))


def test_overlay_of_complex_frames_is_an_error(movie):
    with pytest.raises(TypeError, match="complex"):
        movie.overlay(image_signal(np.ones((4, 5, 7), "complex64")))


@pytest.mark.parametrize("extension", ["hspy", "zspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_lazy_overlay_is_saved_and_loaded_as_colours(
    lazy_movie, tmp_path, extension, lazy
):
    overlay = lazy_movie.overlay(image_signal(np.ones((4, 5, 7)) * np.arange(7)))
    overlay.save(tmp_path / f"overlay.{extension}")
    found = hs.load(tmp_path / f"overlay.{extension}", lazy=lazy)
    assert found.data.dtype == overlay.data.dtype
    np.testing.assert_array_equal(np.asarray(found.data), overlay.data.compute())
    found.plot()


def test_lazy_overlay_is_plotted(lazy_movie):
    lazy_movie.overlay(image_signal(np.ones((4, 5, 7)))).plot()


@pytest.mark.parametrize("series", ["movie", "lazy_movie", "tilts"])
def test_plot_keeps_colours_and_names_from_frame_to_frame(series, request):
    labels = request.getfixturevalue(series)
    labels.plot()
    plot = labels._plot.signal_plot
    labels.axes_manager[0].index = 2
    image = plot.ax.images[0]
    shown = labels.data[(0,) * (labels.data.ndim - 3)][2]
    np.testing.assert_array_equal(image.get_array(), shown)
    assert image.get_clim() == (-0.5, 2.5)
    names = [tick.get_text() for tick in plot._colorbar.ax.get_yticklabels()]
    assert names == ["0 orange", "1 sky blue", "2 bluish green"]
