# SPDX-License-Identifier: GPL-3.0-or-later
"""Velocity of boundaries as signals."""

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import BoundaryVelocity
from hyperspy_symseg.signals import LazySymmetryLabels, SymmetryLabels

SPEED, ANGLE = 2.0, 80
TIME = {"name": "time", "size": 4, "scale": 0.1, "offset": 7, "units": "s"}
Y = {"name": "y", "size": 40, "scale": 0.5, "units": "nm"}
X = {"name": "x", "size": 50, "scale": -0.5, "units": "nm"}


def data(moves=(0, 2, 3, 5)):
    """Labels of frames whose boundary is at x = 19.5 and so many pixels farther."""
    places = 20 + np.asarray(moves)
    labels = np.arange(50) >= places[:, np.newaxis, np.newaxis]
    return (labels * np.ones((len(places), 40, 50))).astype(np.int8)


def labels(values=None, *, along=TIME, y=Y, x=X):
    """Labels without a model."""
    values = data() if values is None else values
    navigation = [along | {"navigate": True}] if along else []
    return (SymmetryLabels if isinstance(values, np.ndarray) else LazySymmetryLabels)(
        values,
        axes=[*navigation, y | {"navigate": False}, x | {"navigate": False}],
        metadata={
            "General": {"title": "A series"},
            "Signal": {"signal_type": "symmetry_labels"},
        },
    )


@pytest.fixture(scope="module")
def refined():
    """Micrographs, labels refined by templates, certainty, and the left pattern."""
    movie, truth = simulate.moving_boundary(
        5,
        (130, 160),
        speed=SPEED,
        drift=6,
        drift_angle=20,
        dose=20,
        spacing=11,
        seed=2,
    )
    movie.compute(show_progressbar=False)
    seg, certainty = movie.segment_symmetry(
        2, certainty=True, show_progressbar=False, num_workers=1
    )
    left = int(np.mean(seg.data == np.asarray(truth.data)) < 0.5)
    return movie, seg, certainty, left


def drift_of(movie):
    """Displacements (y, x) that were simulated, in pixels."""
    simulation = movie.metadata.Simulation
    angle = np.radians(simulation.drift_angle)
    return np.outer(simulation.displacements, [np.sin(angle), np.cos(angle)])


# Values


def test_velocity_in_the_units_of_the_axes():
    velocity, mean = labels().get_boundary_velocity()
    np.testing.assert_allclose(mean.data, [10, 5, 10], rtol=0.01)
    known = np.isfinite(velocity.data)
    assert set(np.flatnonzero(known.any(axis=(1, 2)))) == {0, 1, 2}
    means = np.nanmean(velocity.data, axis=(1, 2))
    np.testing.assert_allclose(means, mean.data, rtol=1e-6)


def test_the_map_is_where_the_boundary_is():
    velocity, _ = labels().get_boundary_velocity()
    columns = [np.flatnonzero(np.isfinite(each[20])) for each in velocity.data]
    # Half-way between 19.5 and 21.5 is on pixels; between 21.5 and 22.5 are two.
    assert 20 in columns[0]
    assert set(columns[1]) & {21, 22}
    assert all(len(each) <= 2 for each in columns)


def test_the_other_pattern_shrinks():
    _, mean = labels().get_boundary_velocity(pattern=1)
    np.testing.assert_allclose(mean.data, [-10, -5, -10], rtol=0.01)


@pytest.mark.parametrize("units", ["deg", "", "V", "s**9**9"])
def test_a_frame_is_the_unit_of_other_axes(units):
    seg = labels(along=TIME | {"units": units})
    _, mean = seg.get_boundary_velocity()
    np.testing.assert_allclose(mean.data, [1, 0.5, 1], rtol=0.01)
    assert mean.metadata.Signal.quantity == "Boundary velocity (nm/frame)"


@pytest.mark.parametrize("units", ["ms", "min", "s"])
def test_units_of_time(units):
    _, mean = labels(along=TIME | {"units": units}).get_boundary_velocity()
    np.testing.assert_allclose(mean.data, [10, 5, 10], rtol=0.01)
    assert mean.metadata.Signal.quantity == f"Boundary velocity (nm/{units})"


def test_frames_at_uneven_times():
    along = {"name": "time", "axis": [0, 1, 5, 6], "units": "s"}
    velocity, mean = labels(along=along).get_boundary_velocity()
    np.testing.assert_allclose(mean.data, [1, 0.125, 1], rtol=0.01)
    np.testing.assert_array_equal(mean.axes_manager.signal_axes[0].axis, [0, 1, 5])
    np.testing.assert_allclose(
        np.nanmean(velocity.data, axis=(1, 2)), [1, 0.125, 1], rtol=0.01
    )


def test_time_may_run_backwards():
    _, mean = labels(along=TIME | {"scale": -0.1}).get_boundary_velocity()
    np.testing.assert_allclose(mean.data, [-10, -5, -10], rtol=0.01)


def test_axes_without_a_unit_are_pixels():
    plain = [{"name": n, "size": s} for n, s in (("y", 40), ("x", 50))]
    _, mean = labels(y=plain[0], x=plain[1]).get_boundary_velocity()
    assert mean.metadata.Signal.quantity == "Boundary velocity (px/s)"


def test_errors_are_as_the_scatter():
    rng = np.random.default_rng(0)
    rough = np.arange(50) >= 20 + rng.normal(0, 2, (4, 40, 1))
    velocity, mean = labels(rough.astype(np.int8)).get_boundary_velocity()
    z = mean.data / mean.get_noise_variance().data ** 0.5
    assert np.abs(z).max() < 4
    variance = velocity.get_noise_variance()
    assert variance.data.shape == velocity.data.shape
    np.testing.assert_array_equal(np.isnan(variance.data), np.isnan(velocity.data))


def test_axes_and_metadata():
    seg = labels()
    velocity, mean = seg.get_boundary_velocity(smoothing=3, drift=None)
    assert type(velocity) is hs.signals.Signal2D
    assert type(mean) is hs.signals.Signal1D
    assert velocity.data.dtype == np.float32
    for found, known in zip(
        velocity.axes_manager.as_dictionary().values(),
        seg.axes_manager.as_dictionary().values(),
        strict=True,
    ):
        size = known["size"] - known["navigate"]
        assert found == known | {"size": size}
    [time] = mean.axes_manager.signal_axes
    assert (time.name, time.offset, time.scale, time.size) == ("time", 7, 0.1, 3)
    for signal in velocity, mean:
        assert signal.metadata.General.title == "A series"
        record = signal.metadata.Symmetry_velocity
        assert record.pattern == 0
        assert record.smoothing == 3
        assert (record.drift, record.errors) == ("none", "scatter")
        assert signal.metadata.Signal.quantity == "Boundary velocity (nm/s)"


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_survives_saving(tmp_path, suffix):
    for i, signal in enumerate(labels().get_boundary_velocity()):
        signal.save(tmp_path / f"{i}.{suffix}")
        loaded = hs.load(tmp_path / f"{i}.{suffix}")
        np.testing.assert_array_equal(loaded.data, signal.data)
        np.testing.assert_array_equal(
            loaded.get_noise_variance().data, signal.get_noise_variance().data
        )


@pytest.mark.parametrize("chunks", [(1, -1, -1), (2, 20, 30), (4, -1, -1)])
def test_lazy_is_eager(chunks):
    lazily = labels(da.from_array(data(), chunks)).get_boundary_velocity(smoothing=4)
    eager = labels().get_boundary_velocity(smoothing=4)
    for found, expected in zip(lazily, eager, strict=True):
        assert found._lazy
        assert found.data.shape == expected.data.shape
        assert found.data.dtype == expected.data.dtype
        variance = found.get_noise_variance()
        found.compute(show_progressbar=False)
        np.testing.assert_array_equal(found.data, expected.data)
        np.testing.assert_allclose(
            np.asarray(variance.data), expected.get_noise_variance().data
        )


def test_smoothing_in_axis_units():
    seg = labels()
    in_pixels, in_units = (
        seg.get_boundary_velocity(smoothing=each)[0] for each in (6, 3.0)
    )
    np.testing.assert_array_equal(in_pixels.data, in_units.data)


def test_a_grain_that_is_gone_has_no_velocity():
    values = data()
    values[2:] = 1
    velocity, mean = labels(values).get_boundary_velocity()
    np.testing.assert_array_equal(np.isnan(mean.data), [False, True, True])
    assert np.isnan(velocity.data[1:]).all()


# With micrographs


def test_speed_and_drift_of_micrographs(refined):
    movie, seg, certainty, left = refined
    velocity, mean = seg.get_boundary_velocity(movie, pattern=left, certainty=certainty)
    # Of pixels of 0.01 nm, 0.1 s a frame.
    assert mean.data.mean() == pytest.approx(0.1 * SPEED, rel=0.15)
    assert np.nanmean(velocity.data) == pytest.approx(0.1 * SPEED, rel=0.15)
    record = mean.metadata.Symmetry_velocity
    assert (record.drift, record.errors) == ("auto", "certainty")
    deviations = mean.get_noise_variance().data ** 0.5
    assert (np.abs(mean.data - 0.1 * SPEED) < 4 * deviations).all()


def test_certainty_is_computed_if_it_is_not_given(refined):
    movie, seg, certainty, left = refined
    given = seg.get_boundary_velocity(movie, pattern=left, certainty=certainty)
    found = seg.get_boundary_velocity(movie, pattern=left, show_progressbar=False)
    for each, expected in zip(found, given, strict=True):
        np.testing.assert_allclose(
            each.get_noise_variance().data, expected.get_noise_variance().data, 1e-3
        )


def test_drift_that_is_given_is_that_of_the_micrographs(refined):
    movie, seg, _, left = refined
    _, given = seg.get_boundary_velocity(drift=drift_of(movie), pattern=left)
    _, found = seg.get_boundary_velocity(movie, pattern=left, show_progressbar=False)
    # To a tenth of a pixel.
    np.testing.assert_allclose(given.data, found.data, atol=0.1 * 0.1)
    assert given.metadata.Symmetry_velocity.drift == "given"


def test_drift_is_that_of_hyperspy(refined):
    _, seg, _, left = refined
    moved = seg.data[[0, 0, 0]]
    moved[1], moved[2] = (np.roll(moved[0], by, (0, 1)) for by in ((3, 5), (-2, 1)))
    images = hs.signals.Signal2D(np.random.default_rng(0).random((3, 60, 70)))
    images.data[1:] = (
        np.roll(images.data[0], (3, 5), (0, 1)),
        np.roll(images.data[0], (-2, 1), (0, 1)),
    )
    shifts = images.estimate_shift2D(show_progressbar=False)
    # HyperSpy moves images by minus that to align them.
    np.testing.assert_array_equal(np.abs(shifts), [[0, 0], [3, 5], [2, 1]])
    series = seg.inav[:3].deepcopy()
    series.data = moved
    _, mean = series.get_boundary_velocity(drift=shifts, pattern=left)
    np.testing.assert_allclose(mean.data, 0, atol=0.02)


def test_lazy_micrographs_give_what_those_in_memory_give(refined):
    movie, seg, certainty, left = refined
    movie, certainty = (each.inav[:3] for each in (movie, certainty))
    seg = seg.inav[:3]
    eager = seg.get_boundary_velocity(movie, pattern=left, certainty=certainty)
    lazily = seg.get_boundary_velocity(
        movie.as_lazy(), pattern=left, certainty=certainty.as_lazy()
    )
    for found, expected in zip(lazily, eager, strict=True):
        assert found._lazy
        np.testing.assert_allclose(
            np.asarray(found.data), expected.data, rtol=1e-5, atol=1e-6
        )


def test_period_is_that_of_the_model(refined, monkeypatch):
    movie, seg, certainty, _ = refined
    seen = []
    monkeypatch.setattr(
        BoundaryVelocity, "process", lambda self, tile: seen.append(self) or _none()
    )
    seg.get_boundary_velocity(movie, certainty=certainty)
    period = seg.metadata.Symmetry_segmentation.period
    assert seen[0].period == pytest.approx(period)
    assert seen[0].smoothing == pytest.approx(3 * period)
    seg.rebin(scale=(1, 2, 2)).get_boundary_velocity()
    assert seen[-1].period == pytest.approx(period / 2)


def _none():
    return np.empty((0, 9))


# Arguments


def lazily_failing(shape=(4, 40, 50)):
    """Labels that nobody may read."""

    def fail(block):
        raise AssertionError("was read")

    return da.zeros(shape, np.int8, chunks=(1, *shape[1:])).map_blocks(
        fail, dtype=np.int8, meta=np.empty((0, 0, 0), np.int8)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"along": None}, "labels must be a series .* got one image"),
        ({"along": TIME | {"size": 1}}, "labels must be a series of two frames"),
        ({"x": X | {"units": "px"}}, "axes y and x must have one unit for a velocity"),
        ({"along": {"name": "t", "axis": [1, 2, 3, np.inf], "units": "s"}}, "axis t"),
    ],
    ids=["image", "one frame", "units", "times"],
)
def test_labels_that_have_no_velocity(options, message):
    along = options.get("along", TIME)
    n = 0 if along is None else along.get("size", 4)
    array = lazily_failing((n or 1, 40, 50))
    seg = labels(array if n else array[0], **options)
    with pytest.raises(ValueError, match=f"^{message}"):
        seg.get_boundary_velocity()


def test_a_map_of_frames_has_no_order():
    values = np.zeros((2, 2, 40, 50), np.int8)
    seg = hs.signals.Signal2D(values)
    seg.set_signal_type("symmetry_labels")
    with pytest.raises(ValueError, match="with one navigation axis, got one of the"):
        seg.get_boundary_velocity()


# Of the shape of the labels, without a calibration.
OTHER = np.zeros((4, 40, 50))


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"signal": np.zeros((4, 40, 50))}, TypeError, "signal"),
        ({"signal": hs.signals.Signal2D(np.zeros((3, 40, 50)))}, ValueError, "signal"),
        ({"signal": hs.signals.Signal1D(np.zeros((4, 40, 50)))}, TypeError, "signal"),
        ({"certainty": hs.signals.Signal2D(np.zeros((4, 9, 9)))}, ValueError, "certai"),
        ({"certainty": 0.9}, TypeError, "certainty"),
        ({"certainty": hs.signals.Signal2D(OTHER)}, ValueError, "axis .* of certainty"),
        ({"signal": hs.signals.Signal2D(OTHER)}, ValueError, "axis .* of signal"),
        ({"drift": np.zeros((3, 2))}, ValueError, "drift"),
        ({"drift": "labels"}, ValueError, "drift"),
        ({"drift": np.full((4, 2), np.nan)}, ValueError, "drift"),
        ({"smoothing": -1}, ValueError, "smoothing"),
        ({"smoothing": "auto"}, TypeError, "smoothing"),
        ({"smoothing": np.nan}, ValueError, "smoothing"),
        ({"smoothing": 10_000}, ValueError, "smoothing"),
    ],
)
def test_arguments_are_checked_before_anything_is_read(options, error, name):
    with pytest.raises(error, match=f"^{name}.* must .* got "):
        labels(lazily_failing()).get_boundary_velocity(**options)


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"pattern": 2}, ValueError, "pattern"),
        ({"pattern": -1}, ValueError, "pattern"),
        ({"pattern": "rim"}, TypeError, "pattern"),
        ({"pattern": 0.0}, TypeError, "pattern"),
        ({"against": 7}, ValueError, "against"),
        ({"against": 0}, ValueError, "against"),
        ({"mask": np.zeros((3, 3), bool)}, ValueError, "mask"),
        ({"num_workers": 0}, ValueError, "num_workers"),
        ({"show_progressbar": "yes"}, TypeError, "show_progressbar"),
    ],
)
def test_patterns_and_others_are_checked(options, error, name):
    with pytest.raises(error, match=f"^{name} must .* got "):
        labels().get_boundary_velocity(**options)


def test_a_signal_must_be_of_the_same_frames(refined):
    movie, seg, certainty, _ = refined
    with pytest.raises(
        ValueError, match=r"^axis time of signal must .* got 3 from 0.2"
    ):
        seg.inav[:3].get_boundary_velocity(movie.inav[2:])
    with pytest.raises(
        ValueError, match="^axis x of certainty must .* got 100 from 0 "
    ):
        seg.isig[60:].get_boundary_velocity(certainty=certainty.isig[:100])


def test_certainties_are_floats(refined):
    movie, seg, _, _ = refined
    with pytest.raises(TypeError, match="^certainty must be of floats .* got int"):
        seg.get_boundary_velocity(movie, certainty=seg)


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan])
def test_certainties_are_from_0_to_1(refined, value):
    _, seg, certainty, _ = refined
    seg, certainty = seg.inav[:2], certainty.inav[:2].deepcopy()
    certainty.data[1, 50, 60] = value
    with pytest.raises(
        ValueError, match=f"certainty must be from 0 to 1 .* got .*{value}"
    ):
        seg.get_boundary_velocity(certainty=certainty)


def test_patterns_by_their_names(refined):
    _, seg, _, left = refined
    named = seg.deepcopy()
    named.metadata.Symmetry_segmentation.names = ["rim", "core"]
    _, mean = named.get_boundary_velocity(pattern=("rim", "core")[left])
    _, expected = seg.get_boundary_velocity(pattern=left)
    np.testing.assert_array_equal(mean.data, expected.data)
    with pytest.raises(
        TypeError, match="pattern must be .* names .*'rim'.* got 'hull'"
    ):
        named.get_boundary_velocity(pattern="hull")


def test_labels_changed_by_hand_have_no_certainty(refined):
    movie, seg, _, left = refined
    swapped = seg.relabel({0: 1, 1: 0})
    _, mean = swapped.get_boundary_velocity(movie, pattern=1 - left)
    _, expected = seg.get_boundary_velocity(movie, pattern=left)
    np.testing.assert_array_equal(mean.data, expected.data)
    assert mean.metadata.Symmetry_velocity.errors == "scatter"
