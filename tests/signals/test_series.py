# SPDX-License-Identifier: GPL-3.0-or-later
"""``segment_symmetry`` of series, and of frames in several chunks."""

import weakref

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import scores
from hyperspy_symseg.frames import cut as cutting
from hyperspy_symseg.segmentation import model as model_module
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels

N, ROWS, COLUMNS = 7, 61, 83


@pytest.fixture(scope="module")
def series(movie):
    return movie[0]


@pytest.fixture(scope="module")
def labels(series, small):
    return series.segment_symmetry(2, show_progressbar=False, **small)


@pytest.fixture(scope="module")
def model(labels):
    return labels.model


@pytest.fixture
def tilt_series(series):
    """The first six frames as two tilts and three times."""
    data = series.data[:6].reshape(3, 2, ROWS, COLUMNS)
    axes = [{"name": "time", "size": 3, "scale": 0.5, "units": "s", "navigate": True}]
    axes += [{"name": "tilt", "size": 2, "scale": 2, "units": "°", "navigate": True}]
    axes += [a.get_axis_dictionary() for a in series.axes_manager.signal_axes[::-1]]
    return hs.signals.Signal2D(data, axes=axes)


def lazy(signal, chunks):
    signal = signal.as_lazy()
    signal.data = signal.data.rechunk(chunks)
    return signal


class Source:
    """Frames that count how often they are read."""

    def __init__(self, data):
        self.data, self.read = data, []

    def block(self, block_id):
        self.read.append(block_id[0])
        return self.data[block_id[0]][np.newaxis]

    def signal(self):
        shape, dtype = self.data.shape, self.data.dtype
        frames = da.map_blocks(
            self.block,
            chunks=((1,) * shape[0], (shape[1],), (shape[2],)),
            dtype=dtype,
            meta=np.empty((0, 0, 0), dtype),
        )
        axes = [{"name": "time", "size": shape[0], "navigate": True}]
        axes += [{"size": n, "scale": 0.02, "units": "nm"} for n in shape[1:]]
        return hs.signals.Signal2D(frames, axes=axes).as_lazy()


def test_labels_of_a_series_are_those_of_the_simulation(labels, movie):
    truth = movie[1]
    agree = (labels.data == truth).mean(axis=(1, 2))
    assert np.maximum(agree, 1 - agree).min() > 0.93
    # The same pattern keeps its label.
    assert agree.min() > 0.5 or agree.max() < 0.5


def test_a_series_gives_a_series_of_labels(labels):
    assert type(labels) is SymmetryLabels
    assert labels.data.shape == (N, ROWS, COLUMNS)
    assert labels.data.dtype == np.int8


def test_a_lazy_series_gives_lazy_labels(series, small, labels):
    found = series.as_lazy().segment_symmetry(2, **small)
    assert type(found) is LazySymmetryLabels
    found.compute()
    assert type(found) is SymmetryLabels
    np.testing.assert_array_equal(found.data, labels.data)


def test_lazy_and_eager_output(series, small, labels):
    lazy_labels = series.segment_symmetry(2, lazy_output=True, **small)
    assert type(lazy_labels) is LazySymmetryLabels
    np.testing.assert_array_equal(np.asarray(lazy_labels.data), labels.data)
    eager = series.as_lazy().segment_symmetry(2, lazy_output=False, **small)
    assert type(eager) is SymmetryLabels
    np.testing.assert_array_equal(eager.data, labels.data)


def test_axes_are_those_of_the_series(labels, series):
    assert labels.axes_manager.as_dictionary() == series.axes_manager.as_dictionary()


def test_axes_of_labels_on_the_grid(series, small, model):
    found = series.segment_symmetry(model=model, upsample=False, stride=3)
    time, x, y = found.axes_manager.navigation_axes + found.axes_manager.signal_axes
    assert (time.name, time.scale, time.units, time.size) == ("time", 0.1, "s", N)
    assert (x.scale, y.scale) == (pytest.approx(0.06), pytest.approx(0.06))
    assert (y.size, x.size) == found.data.shape[1:] == (21, 28)


def test_metadata_are_those_of_the_series(labels, series):
    assert labels.metadata.General.title == series.metadata.General.title
    assert labels.metadata.Simulation.speed == 3


def test_several_navigation_axes(tilt_series, small):
    labels = tilt_series.segment_symmetry(2, **small)
    assert labels.axes_manager.navigation_shape == (2, 3)
    assert [a.units for a in labels.axes_manager.navigation_axes] == ["°", "s"]
    one = tilt_series.inav[1, 2].segment_symmetry(model=labels.model, stride=3)
    np.testing.assert_array_equal(labels.inav[1, 2].data, one.data)


def test_a_navigation_axis_may_be_irregular(series, small):
    times = [0, 1, 2, 4, 8, 16, 32]
    axes = [{"name": "time", "axis": times, "navigate": True}]
    axes += [a.get_axis_dictionary() for a in series.axes_manager.signal_axes[::-1]]
    labels = hs.signals.Signal2D(series.data, axes=axes).segment_symmetry(2, **small)
    np.testing.assert_array_equal(labels.axes_manager[0].axis, times)


def test_frame_fitted_on_has_the_labels_of_a_single_image(series, small):
    image = series.inav[2].segment_symmetry(2, **small)
    labels = series.segment_symmetry(2, fit_on=[2], **small)
    assert labels.model == image.model
    np.testing.assert_array_equal(labels.data[2], image.data)


def test_fit_frames_are_in_the_metadata(series, small):
    labels = series.segment_symmetry(2, fit_on=[5, 2], **small)
    record = labels.metadata.Symmetry_segmentation
    np.testing.assert_array_equal(record.fit_on, [[2], [5]])


def test_fit_frames_of_several_axes_are_named_as_in_inav(tilt_series, small):
    labels = tilt_series.segment_symmetry(2, fit_on=[(1, 2)], **small)
    assert labels.metadata.Symmetry_segmentation.fit_on.tolist() == [[1, 2]]
    assert labels.model == tilt_series.inav[1, 2].segment_symmetry(2, **small).model


def test_a_model_to_fit_on_is_applied(series, small, model):
    labels = series.segment_symmetry(fit_on=model, stride=3)
    assert labels.model == model
    assert not labels.metadata.has_item("Symmetry_segmentation.fit_on")


def test_only_the_fit_frames_are_read_before_compute(series, small):
    source = Source(series.data)
    labels = source.signal().segment_symmetry(2, fit_on=[1, 4], **small)
    assert set(source.read) == {1, 4}
    source.read.clear()
    labels.compute()
    assert sorted(source.read) == list(range(N))


def test_fit_frames_are_read_once_if_lengths_are_given_and_nothing_is_refined(
    series, small
):
    source = Source(series.data)
    source.signal().segment_symmetry(fit_on=[1, 4], refine=False, **small)
    assert sorted(source.read) == [1, 4]


def test_nothing_is_read_for_a_given_model(series, model):
    source = Source(series.data)
    source.signal().segment_symmetry(model=model, stride=3)
    assert not source.read


def test_the_most_separable_operations_are_kept(series, small):
    labels = series.segment_symmetry(2, n_operations=9, **small)
    assert labels.model == series.segment_symmetry(2, **small).model.select(9)
    assert labels.metadata.Symmetry_segmentation.n_operations == 9


def test_one_image_with_fewer_operations(series, small):
    image = series.inav[3]
    labels = image.segment_symmetry(2, n_operations=9, **small)
    found = image.as_lazy().segment_symmetry(2, n_operations=9, **small)
    assert labels.model == image.segment_symmetry(2, **small).model.select(9)
    np.testing.assert_array_equal(found.data, labels.data)


def test_a_mask_for_all_frames(series, small, model):
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[10:20, 30:35] = True
    labels = series.segment_symmetry(model=model, mask=mask, stride=3)
    assert (labels.data[:, mask] == -1).all()
    one = series.inav[4].segment_symmetry(model=model, mask=mask, stride=3)
    np.testing.assert_array_equal(labels.data[4], one.data)


@pytest.mark.parametrize("kind", [np.asarray, da.asarray, hs.signals.Signal2D])
def test_a_mask_for_every_frame(series, model, kind):
    mask = np.zeros(series.data.shape, bool)
    for i in range(N):
        mask[i, :, 10 * i : 10 * i + 5] = True
    labels = series.segment_symmetry(model=model, mask=kind(mask), stride=3)
    assert (labels.data[mask] == -1).all()
    one = series.inav[5].segment_symmetry(model=model, mask=mask[5], stride=3)
    np.testing.assert_array_equal(labels.data[5], one.data)


def test_a_frame_masked_altogether_has_no_labels(series, model):
    mask = np.zeros(series.data.shape, bool)
    mask[3] = True
    labels = series.segment_symmetry(model=model, mask=mask, stride=3)
    np.testing.assert_array_equal((labels.data == -1).all(axis=(1, 2)), mask[:, 0, 0])


def test_masked_pixels_are_not_fitted_on(series, small):
    mask = np.zeros(series.data.shape, bool)
    mask[:, :, 40:] = True
    labels = series.segment_symmetry(2, mask=mask, **small)
    all_pixels = series.segment_symmetry(2, **small)
    assert labels.model.counts.sum() < all_pixels.model.counts.sum()


@pytest.fixture
def many_parts(cut_into):
    """Small tiles and parts, so that small frames have several of both."""
    cut_into((20, 30), (25, 40))


DTYPES = ["u2", ">u2", "f4", ">f8", "i4"]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    chunks=st.tuples(st.integers(1, N), st.integers(5, ROWS), st.integers(5, COLUMNS)),
    dtype=st.sampled_from(DTYPES),
    stride=st.integers(2, 6),
    upsample=st.booleans(),
    masked=st.sampled_from([None, "one", "each"]),
    scheduler=st.sampled_from(["synchronous", "threads"]),
)
def test_labels_do_not_depend_on_chunks(
    many_parts, series, chunks, dtype, stride, upsample, masked, scheduler
):
    signal = series.deepcopy()
    signal.data = signal.data.astype(dtype)
    if np.dtype(dtype).kind == "f":
        signal.data[2, 20:24, 50] = np.nan
    mask = None
    if masked:
        mask = np.random.default_rng(0).random(series.data.shape) < 0.02
        mask = mask[0] if masked == "one" else mask
    options = {
        "patch": 7,
        "window": 8,
        "max_operations": 25,
        "stride": stride,
        "upsample": upsample,
        "mask": mask,
        "fit_on": 3,
        "refine": False,
    }
    expected = signal.segment_symmetry(2, **options)
    found = lazy(signal, chunks).segment_symmetry(2, **options)
    assert found.model == expected.model
    with_threads = {"num_workers": 4} if scheduler == "threads" else {}
    labels = found.data.compute(scheduler=scheduler, **with_threads)
    np.testing.assert_array_equal(labels, expected.data)


@settings(max_examples=15, deadline=None)
@given(chunks=st.tuples(st.integers(20, 300), st.integers(20, 700)))
def test_chunks_of_a_large_image(two_grains, chunks):
    rng = np.random.default_rng(1)
    image = np.tile(two_grains[0].data, (5, 9)) + rng.normal(size=(305, 747))
    signal = hs.signals.Signal2D(image)
    options = {
        "patch": 9,
        "window": 8,
        "max_operations": 9,
        "stride": 5,
        "refine": False,
    }
    expected = signal.segment_symmetry(2, **options)
    found = lazy(signal, chunks).segment_symmetry(2, **options)
    assert found.model == expected.model
    np.testing.assert_array_equal(np.asarray(found.data), expected.data)


@pytest.mark.parametrize("refine", [False, True])
def test_a_frame_larger_than_a_part(refine):
    rng = np.random.default_rng(2)
    image = np.tile(np.cos(np.arange(20)), (2200, 6)) + rng.normal(size=(2200, 120))
    image[1000:] += 3 * np.cos(np.arange(1200))[:, np.newaxis]
    signal = hs.signals.Signal2D(image)
    options = {"patch": 9, "window": 8, "stride": 5, "refine": refine}
    found = lazy(signal, (500, 120)).segment_symmetry(2, **options)
    assert found.data.numblocks == (2, 1)
    assert (found.model.templates is not None) == refine
    expected = signal.segment_symmetry(2, **options)
    np.testing.assert_array_equal(np.asarray(found.data), expected.data)


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"descriptor": "rotation", "radius": 6, "pooling": 9},
        {"descriptor": "reflection", "radius": 6, "pooling": 9, "n_axes": 4, "step": 2},
        {"descriptor": "power_spectrum", "window": 9},
        {"descriptor": ["translation", "rotation"], "radius": 6, "patch": 8},
    ],
    ids=lambda options: str(options["descriptor"]),
)
def test_every_descriptor_in_parts(many_parts, series, options, refine):
    image = series.inav[3]
    expected = image.segment_symmetry(2, refine=refine, **options)
    found = lazy(image, (30, 50)).segment_symmetry(2, refine=refine, **options)
    assert found.data.npartitions > 1
    assert (found.model.templates is not None) == refine
    np.testing.assert_array_equal(np.asarray(found.data), expected.data)


@pytest.mark.parametrize("num_workers", [1, 4])
def test_labels_do_not_depend_on_threads(series, small, labels, num_workers):
    found = series.segment_symmetry(2, num_workers=num_workers, **small)
    np.testing.assert_array_equal(found.data, labels.data)


def test_labels_of_two_processes(series, small, labels):
    found = series.as_lazy().segment_symmetry(2, **small).data
    found = found.compute(scheduler="processes", num_workers=2)
    np.testing.assert_array_equal(found, labels.data)


def test_a_part_of_the_labels_can_be_computed(series, small, labels):
    source = Source(series.data)
    found = source.signal().segment_symmetry(model=labels.model, stride=3).inav[2:4]
    found.compute()
    assert sorted(source.read) == [2, 3]
    np.testing.assert_array_equal(found.data, labels.data[2:4])


def test_compute_names_the_frame_without_a_finite_pixel(series, model):
    data = series.data.astype(np.float32)
    data[4] = np.nan
    labels = Source(data).signal().segment_symmetry(model=model)
    with pytest.raises(RuntimeError, match=r"^frame inav\[4\]: no pixel is finite"):
        labels.compute()


def test_eager_labels_name_the_frame_that_cannot_be_read(series, model):
    source = Source(series.data[:5])
    signal = source.signal()
    source.data = series.data[:3]
    with pytest.raises(RuntimeError, match=r"^frame inav\[[34]\]: IndexError"):
        signal.segment_symmetry(model=model, lazy_output=False)


def test_the_fit_names_the_frame_that_cannot_be_read(series, small):
    source = Source(series.data)
    signal = source.signal()
    source.data = series.data[:6]
    with pytest.raises(RuntimeError, match=r"^frame inav\[6\]: IndexError"):
        signal.segment_symmetry(fit_on=[0, 6], **small)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"fit_on": []}, "^fit_on"),
        ({"fit_on": [N]}, "^fit_on"),
        ({"fit_on": N + 1}, "^fit_on"),
        ({"fit_on": slice(3, 3)}, "^fit_on"),
        ({"n_operations": 82}, "^n_operations must be .* got 82"),
        ({"mask": np.zeros((N - 1, ROWS, COLUMNS), bool)}, "^mask must have the shape"),
        ({"mask": np.zeros((ROWS, COLUMNS + 1), bool)}, "^mask must have the shape"),
        ({"mask": np.zeros((N, ROWS, COLUMNS), int)}, "^mask must be an array of bool"),
        ({"n_patterns": 0}, "^n_patterns must be an int .* got 0"),
        ({"patch": 50}, "^patch must be at most"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_arguments_are_told_before_a_frame_is_read(
    series, small, argument, message
):
    source = Source(series.data)
    with pytest.raises((ValueError, TypeError), match=message):
        source.signal().segment_symmetry(**small | argument)
    assert not source.read


def test_a_model_of_another_pixel_size_is_an_error(series, model):
    source = Source(series.data)
    signal = source.signal()
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = 0.03, "nm"
    with pytest.raises(ValueError, match=r"^model must be fitted at .* 0\.03 nm"):
        signal.segment_symmetry(fit_on=model)
    assert not source.read


def test_a_model_and_frames_to_fit_on_are_an_error(series, model):
    with pytest.raises(ValueError, match=r"^fit_on must be None with a model, got \[0"):
        series.segment_symmetry(model=model, fit_on=[0])
    with pytest.raises(ValueError, match="^fit_on must be None with a model"):
        series.segment_symmetry(model=model, fit_on=model)


def test_frames_to_fit_on_of_a_single_image_are_an_error(series):
    with pytest.raises(ValueError, match="^fit_on must be None with a single image"):
        series.inav[0].segment_symmetry(fit_on=[0])


def test_other_operations_than_those_of_a_model_are_an_error(series, model):
    with pytest.raises(ValueError, match=r"^n_operations must be .* got 9.*select"):
        series.segment_symmetry(model=model, n_operations=9)


def test_a_ragged_signal_is_an_error(series):
    frames = np.empty((1, 2), object)
    frames[0] = [series.data[0], series.data[1, :50]]
    ragged = hs.signals.Signal2D(frames)
    ragged.ragged = True
    with pytest.raises(
        ValueError, match="^signal must hold frames of the same shape .* ragged"
    ):
        ragged.segment_symmetry()


def test_chunks_of_unknown_size_are_an_error(series):
    data = da.from_array(series.data, chunks=(1, ROWS, COLUMNS))
    signal = series.as_lazy()
    signal.data = data[da.from_array(np.arange(N) > 2)]
    with pytest.raises(ValueError, match="^signal must have chunks of known sizes"):
        signal.segment_symmetry()


def test_masked_arrays_are_an_error(series):
    masked = da.ma.masked_less(da.from_array(series.data), 2)
    with pytest.raises(
        ValueError, match="^signal must hold a plain array, got a masked"
    ):
        hs.signals.Signal2D(masked).as_lazy().segment_symmetry()


@pytest.mark.usefixtures("many_parts")
def test_a_frame_in_parts_without_a_finite_pixel_is_named(series, model):
    data = series.data.astype(np.float32)
    data[4] = np.nan
    labels = Source(data).signal().segment_symmetry(model=model)
    with pytest.raises(RuntimeError, match=r"^frame inav\[4\]: no pixel is finite"):
        labels.compute()


def test_few_chunks_of_a_large_frame_are_held(two_grains, tmp_path, monkeypatch):
    cut = cutting.cut_into_tiles
    for module in (scores, model_module):
        monkeypatch.setattr(
            module,
            "cut_into_tiles",
            lambda *args, **margin: cut(*args[:3], tile_shape=(280, 560), **margin),
        )
    tile, alive, most = np.tile(two_grains[0].data, (2, 2)), [], []

    def block(block_id):
        chunk = tile.copy()
        alive.append(1)
        most.append(len(alive))
        weakref.finalize(chunk, alive.pop)
        return chunk

    rows, columns = tile.shape
    chunks = ((rows,) * 12, (columns,) * 10)
    image = da.map_blocks(block, chunks=chunks, meta=tile[:0, :0])
    options = {"patch": 8, "window": 8, "max_operations": 9, "stride": 8}
    options["refine"] = False
    signal = hs.signals.Signal2D(image).as_lazy()
    labels = signal.segment_symmetry(2, num_workers=1, **options)
    labels.save_frames(tmp_path / "image.zspy", num_workers=1)
    assert len(most) == 240
    assert max(most) < 70


def test_outliers_of_fit_frames_are_told(series, small, caplog):
    data = series.data.astype(np.float32)
    data[3, 20, 30] = 1e12
    hs.signals.Signal2D(data).segment_symmetry(2, fit_on=[3], **small)
    assert "times as far" in caplog.text


def test_progress_bar_of_a_series(series, small, capfd, bars_at_once):
    series.segment_symmetry(2, show_progressbar=True, **small)
    assert "Fitting" in capfd.readouterr().err


def test_progress_can_be_silenced(series, small, capfd):
    series.segment_symmetry(2, show_progressbar=False, **small)
    assert capfd.readouterr().err == ""
