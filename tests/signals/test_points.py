# SPDX-License-Identifier: GPL-3.0-or-later
import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy._signals.lazy import LazySignal

from hyperspy_symseg import simulate

CRYSTAL = simulate.Lattice.square(13, orientation=5)


@pytest.fixture(scope="module")
def signal():
    return simulate.micrograph(CRYSTAL, (200, 230), dose=10, vacancies=3, seed=1)[0]


@pytest.fixture(scope="module")
def labels(signal):
    return signal.segment_symmetry(n_patterns=1, show_progressbar=False)


@pytest.fixture(scope="module")
def outliers(labels, signal):
    return labels.find_outliers(signal, show_progressbar=False)


@pytest.fixture(scope="module")
def series():
    """Three frames with a time axis, the second without vacancies."""
    frames = [
        simulate.micrograph(CRYSTAL, (200, 230), dose=10, vacancies=n, seed=n)[0]
        for n in (3, 0, 2)
    ]
    stack = hs.stack(frames, new_axis_name="time", show_progressbar=False)
    stack.axes_manager[0].scale, stack.axes_manager[0].units = 0.5, "s"
    return stack


@pytest.fixture(scope="module")
def series_labels(series, labels):
    return series.segment_symmetry(1, model=labels.model, show_progressbar=False)


@pytest.fixture(scope="module")
def found(series_labels, series):
    return series_labels.find_outliers(series, show_progressbar=False)


def lazily(signal, reads=None):
    """The same series, lazy, one frame a chunk; what is read goes into a list."""

    def read(block, block_info=None):
        if reads is not None:
            reads.append(block_info[0]["chunk-location"][0])
        return block

    data = da.from_array(signal.data, chunks=(1, -1, -1))
    lazy = signal._deepcopy_with_new_data(
        data.map_blocks(read, dtype=data.dtype, meta=np.empty((0, 0, 0), data.dtype))
    )
    return lazy.as_lazy()


def test_vacancies_of_an_image(outliers, signal):
    assert repr(outliers).endswith("dimensions: (|ragged)>")
    (places,) = outliers.data
    true = signal.metadata.Simulation.vacancies
    true = true[np.argsort(true[:, 0])]
    np.testing.assert_allclose(places[:, :2], true, atol=2)
    assert (places[:, 2] < -5).all()


def test_record_and_metadata(outliers, labels):
    record = outliers.metadata.Symmetry_outliers
    assert record.period == labels.model.templates.period
    assert 4.5 < record.threshold < 5.5
    assert record.version
    assert not record.masked
    assert outliers.metadata.Signal.signal_type == "symmetry_points"
    assert outliers.metadata.Signal.quantity == "Outliers"
    assert outliers.metadata.Symmetry_segmentation.n_patterns == 1


def test_threshold_is_used_and_recorded(labels, signal, outliers):
    found = labels.find_outliers(signal, 3)
    assert found.metadata.Symmetry_outliers.threshold == 3
    assert len(found.data[0]) > len(outliers.data[0])


@pytest.mark.parametrize("is_signal", [False, True])
def test_masked_places_are_left_out(labels, signal, outliers, is_signal):
    mask = np.zeros(signal.data.shape, bool)
    y, x = outliers.data[0][0, :2].astype(int)
    mask[y - 5 : y + 6, x - 5 : x + 6] = True
    found = labels.find_outliers(
        signal, mask=hs.signals.Signal2D(mask) if is_signal else mask
    )
    assert found.metadata.Symmetry_outliers.masked
    assert len(found.data[0]) == len(outliers.data[0]) - 1


def test_series_has_its_navigation_axes(found, series):
    assert found.data.shape == (3,)
    (time,) = found.axes_manager.navigation_axes
    assert (time.name, time.scale, time.units) == ("time", 0.5, "s")
    assert [len(each) for each in found.data] == [3, 0, 2]
    assert found.data[1].shape == (0, 3)
    assert found.inav[2].data[0].shape == (2, 3)


def test_series_with_two_navigation_axes(series, series_labels, found):
    data = np.stack([series.data, series.data[::-1]])
    axes = list(series.axes_manager.as_dictionary().values())
    axes.insert(0, {"size": 2, "name": "tilt", "navigate": True})
    twice = hs.signals.Signal2D(data, axes=axes)
    labels = twice.segment_symmetry(1, model=series_labels.model)
    outliers = labels.find_outliers(twice)
    assert outliers.data.shape == (2, 3)
    assert outliers.axes_manager.navigation_shape == (3, 2)
    np.testing.assert_array_equal(outliers.data[1, 2], found.data[0])
    twice.plot()
    twice.add_marker(labels.get_outlier_markers(outliers))
    twice.axes_manager.indices = (2, 1)
    offsets = twice._plot.signal_plot.ax.collections[0].get_offsets()
    np.testing.assert_allclose(offsets, found.data[0][:, 1::-1] * 0.01)


@pytest.mark.parametrize("which", ["signal", "labels", "both"])
def test_lazy_is_the_same(series, series_labels, found, which):
    lazy = lazily(series)
    labels = series_labels
    if which != "signal":
        labels = lazy.segment_symmetry(1, model=labels.model)
    outliers = labels.find_outliers(series if which == "labels" else lazy)
    assert isinstance(outliers, LazySignal)
    assert outliers.data.chunks == ((1, 1, 1),)
    outliers.compute()
    for one, expected in zip(outliers.data, found.data, strict=True):
        np.testing.assert_array_equal(one, expected)


def test_lazy_image_is_the_same(labels, signal, outliers):
    lazy = labels.find_outliers(signal.as_lazy())
    assert isinstance(lazy, LazySignal)
    lazy.compute()
    np.testing.assert_array_equal(lazy.data[0], outliers.data[0])


def test_lazy_output_is_asked_for(labels, signal, outliers):
    assert isinstance(labels.find_outliers(signal, lazy_output=True), LazySignal)
    found = labels.find_outliers(signal.as_lazy(), lazy_output=False)
    np.testing.assert_array_equal(found.data[0], outliers.data[0])


def test_nothing_is_read_but_the_frame_itself(series, series_labels):
    reads = []
    lazy = lazily(series, reads)
    labels = lazy.segment_symmetry(1, model=series_labels.model)
    outliers = labels.find_outliers(lazy)
    assert not reads
    outliers.data[2].compute(scheduler="sync")
    assert set(reads) == {2}


@pytest.mark.parametrize("num_workers", [1, 3])
def test_number_of_threads_does_not_matter(series, series_labels, found, num_workers):
    outliers = series_labels.find_outliers(series, num_workers=num_workers)
    for one, expected in zip(outliers.data, found.data, strict=True):
        np.testing.assert_array_equal(one, expected)


def test_markers_are_where_the_outliers_are(labels, signal, outliers):
    signal = signal.deepcopy()
    labels = labels.deepcopy()
    for each in (signal, labels):
        each.axes_manager["x"].offset = 3
    missing, extra = labels.get_outlier_markers(outliers)
    expected = outliers.data[0][:, 1::-1] * 0.01 + (3, 0)
    np.testing.assert_allclose(missing.kwargs["offsets"], expected)
    assert len(extra.kwargs["offsets"]) == 0
    signal.plot()
    signal.add_marker([missing, extra])


@pytest.mark.parametrize("is_lazy", [False, True])
def test_markers_follow_the_frame(series, series_labels, found, is_lazy):
    signal = lazily(series) if is_lazy else series.deepcopy()
    outliers = series_labels.find_outliers(signal)
    signal.plot(**{"navigator": "slider"} if is_lazy else {})
    signal.add_marker(series_labels.get_outlier_markers(outliers, linewidths=(3,)))
    for index in (1, 2):
        signal.axes_manager[0].index = index
        circles = signal._plot.signal_plot.ax.collections[0]
        expected = found.data[index][:, 1::-1] * 0.01
        np.testing.assert_allclose(circles.get_offsets(), expected)
        assert circles.get_linewidths() == [3]


def test_hyperspy_makes_markers_of_a_series(series, found):
    markers = hs.plot.markers.Points.from_signal(
        found, signal_axes=series.axes_manager.signal_axes
    )
    expected = found.data[2][:, 1::-1] * 0.01
    np.testing.assert_allclose(markers.kwargs["offsets"][2], expected)


@pytest.mark.parametrize(
    ("extension", "is_lazy"), [("hspy", False), ("zspy", False), ("zspy", True)]
)
def test_a_series_is_saved(series, series_labels, found, tmp_path, extension, is_lazy):
    outliers = series_labels.find_outliers(lazily(series)) if is_lazy else found
    outliers.save(tmp_path / f"outliers.{extension}")
    loaded = hs.load(tmp_path / f"outliers.{extension}")
    assert loaded.metadata.Symmetry_outliers.version
    for one, expected in zip(loaded.data, found.data, strict=True):
        np.testing.assert_array_equal(np.reshape(one, (-1, 3)), expected)


@pytest.mark.parametrize("threshold", [0, -1, np.nan, np.inf, "high"])
def test_threshold_out_of_range_is_an_error(labels, signal, threshold):
    with pytest.raises(ValueError, match="^threshold must be a positive number"):
        labels.find_outliers(signal, threshold)


def test_another_shape_is_an_error(labels, signal):
    with pytest.raises(
        ValueError, match=r"^signal must have the shape .* got \(199, 230\)"
    ):
        labels.find_outliers(signal.isig[:, 1:])


def test_markers_of_outliers_from_earlier_versions(labels, outliers):
    """These are plain ragged signals."""
    plain = outliers.deepcopy()
    plain.set_signal_type("")
    del plain.metadata.Symmetry_points
    assert type(plain) is hs.signals.BaseSignal
    missing, extra = labels.get_outlier_markers(plain)
    assert len(missing.kwargs["offsets"]) == 3
    assert len(extra.kwargs["offsets"]) == 0


def test_what_is_not_a_signal_is_an_error(labels, signal):
    with pytest.raises(TypeError, match="ndarray"):
        labels.find_outliers(signal.data)


def test_labels_that_were_not_refined_are_an_error(signal):
    labels = signal.segment_symmetry(2, refine=False)
    with pytest.raises(ValueError, match="refine=False was given"):
        labels.find_outliers(signal)


def test_markers_of_other_signals_are_an_error(labels, signal):
    with pytest.raises(ValueError, match="^outliers must be .* got <Signal2D"):
        labels.get_outlier_markers(signal)
