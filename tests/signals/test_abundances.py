# SPDX-License-Identifier: GPL-3.0-or-later
import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.signals import LazySignal2D

import hyperspy_symseg  # noqa: F401  adds the methods
from hyperspy_symseg import simulate

SHAPE = 150, 190
LATTICES = [simulate.Lattice.square(12, orientation=3), simulate.Lattice.hexagonal(13)]


def micrograph(seed):
    return simulate.micrograph(LATTICES, SHAPE, dose=10, seed=seed)[0]


@pytest.fixture(scope="module")
def signal():
    signal = micrograph(1)
    x, y = signal.axes_manager.signal_axes
    x.scale, x.offset, y.scale = 0.02, 3.0, -0.01
    return signal


@pytest.fixture(scope="module")
def series():
    frames = hs.stack([micrograph(seed) for seed in range(4)], show_progressbar=False)
    (time,) = frames.axes_manager.navigation_axes
    time.name, time.units, time.scale = "time", "s", 0.5
    return frames


def unmix(signal, *args, **kwargs):
    return signal.get_abundances(*args, **kwargs, show_progressbar=False)


@pytest.fixture(scope="module")
def found(signal):
    return unmix(signal, 2)


def test_the_component_is_a_navigation_axis(found):
    abundances, spectra = found
    assert abundances.data.shape == (2, *SHAPE)
    assert abundances.data.dtype == spectra.data.dtype == np.float32
    for each in found:
        [axis] = each.axes_manager.navigation_axes
        assert (axis.name, axis.size) == ("Component", 2)


def test_abundances_are_on_the_axes_of_the_signal(found, signal):
    for axis, own in zip(
        signal.axes_manager.signal_axes,
        found[0].axes_manager.signal_axes,
        strict=True,
    ):
        assert own.get_axis_dictionary() == axis.get_axis_dictionary()


def test_spectra_are_in_reciprocal_units(found):
    y, x = found[0].metadata.Abundances.window
    kx, ky = found[1].axes_manager.signal_axes
    assert (kx.size, ky.size) == (2 * x + 1, 2 * y + 1)
    assert (kx.name, ky.name, kx.units) == ("kx", "ky", "1/nm")
    # One cycle in the window.
    assert kx.scale == pytest.approx(1 / (0.02 * kx.size))
    assert ky.scale == pytest.approx(1 / (-0.01 * ky.size))
    assert kx.value2index(0.0) == x
    assert ky.value2index(0.0) == y


def test_a_lattice_has_its_peaks_at_its_frequencies():
    alone = simulate.micrograph(simulate.Lattice.square(12), SHAPE, dose=10, seed=1)[0]
    _, spectra = unmix(alone, 1, window=30)
    power = np.nan_to_num(spectra.data[0])
    kx, ky = spectra.axes_manager.signal_axes
    place = np.unravel_index(power.argmax(), power.shape)
    radius = np.hypot(ky.axis[place[0]], kx.axis[place[1]])
    assert radius == pytest.approx(1 / 0.12, abs=0.6 * kx.scale)


def test_spectra_have_both_half_planes(found):
    power = found[1].data
    np.testing.assert_array_equal(power, power[:, ::-1, ::-1])
    middle = tuple(n // 2 for n in power.shape[1:])
    assert np.isnan(power[(0, *middle)])


def test_metadata_stay_and_say_how_it_was_done(found, signal):
    for each, quantity in zip(found, ("Abundance", "Power"), strict=True):
        assert each.metadata.General.title == signal.metadata.General.title
        assert each.metadata.Signal.quantity == quantity
        assert each.original_metadata.as_dictionary() == (
            signal.original_metadata.as_dictionary()
        )
    record = found[0].metadata.Abundances
    assert (record.n_components, record.random_state, record.masked) == (2, 0, False)
    # 2.2 periods, and 0.4 of that.
    assert record.window == (round(2.2 * record.period),) * 2
    assert record.stride == (round(0.4 * record.window[0]),) * 2


def test_results_can_be_stored(found, tmp_path):
    for i, each in enumerate(found):
        each.save(tmp_path / f"{i}.hspy")
        again = hs.load(tmp_path / f"{i}.hspy")
        np.testing.assert_array_equal(again.data, each.data)
        assert tuple(again.metadata.Abundances.window) == (
            each.metadata.Abundances.window
        )


def test_int_is_pixels_and_float_axis_units(signal):
    pixels, _ = unmix(signal, 2, (24, 20), stride=(6, 5))
    units, _ = unmix(signal, 2, (0.24, 0.4), stride=(0.06, 0.1))
    np.testing.assert_array_equal(units.data, pixels.data)
    assert units.metadata.Abundances.window == (24, 20)


def test_lazy_is_eager(found, signal):
    lazy = signal.as_lazy()
    abundances, spectra = unmix(lazy, 2)
    assert isinstance(abundances, LazySignal2D)
    assert not spectra._lazy
    np.testing.assert_array_equal(spectra.data, found[1].data)
    np.testing.assert_array_equal(abundances.data.compute(), found[0].data)
    lazy.data = lazy.data.rechunk((61, 44))
    np.testing.assert_array_equal(unmix(lazy, 2)[0].data.compute(), found[0].data)


def test_lazy_output_is_as_told(signal, found):
    later, _ = unmix(signal, 2, lazy_output=True)
    assert later._lazy
    now, _ = unmix(signal.as_lazy(), 2, lazy_output=False)
    assert not now._lazy
    np.testing.assert_array_equal(now.data, found[0].data)


@pytest.mark.parametrize("num_workers", [1, 3])
def test_the_number_of_threads_does_not_matter(num_workers, signal, found):
    abundances, spectra = unmix(signal, 2, num_workers=num_workers)
    np.testing.assert_array_equal(abundances.data, found[0].data)
    np.testing.assert_array_equal(spectra.data, found[1].data)


def test_a_series_is_unmixed_by_one_fit(series):
    abundances, spectra = unmix(series, 2)
    assert abundances.data.shape == (4, 2, *SHAPE)
    assert spectra.data.shape[0] == 2
    component, time = abundances.axes_manager.navigation_axes
    assert (component.name, time.name, time.scale) == ("Component", "time", 0.5)
    largest = abundances.data.argmax(axis=1)
    # The grains lie differently in each frame.
    assert (largest[0] != largest[1]).any()


def test_a_lazy_series_is_an_eager_one(series):
    eager, _ = unmix(series, 2, fit_on=[1, -1])
    assert eager.metadata.Abundances.fit_on.tolist() == [[1], [3]]
    lazy = series.as_lazy()
    lazy.data = lazy.data.rechunk((2, 70, -1))
    later, _ = unmix(lazy, 2, fit_on=[1, -1])
    np.testing.assert_array_equal(later.data.compute(), eager.data)


def test_the_frames_that_are_not_fitted_on_have_no_part_in_the_spectra(series):
    other = series.deepcopy()
    other.data[1:] = 0
    one, two = (unmix(each, 2, fit_on=[0])[1] for each in (series, other))
    np.testing.assert_array_equal(one.data, two.data)


def test_nothing_is_read_but_the_frames_fitted_on(series):
    read = []

    def spy(block, block_id):
        read.append(block_id[0])
        return block

    lazy = series.as_lazy()
    frames = lazy.data.rechunk((1, -1, -1))
    lazy.data = frames.map_blocks(spy, dtype=frames.dtype, meta=np.empty((0,) * 3))
    unmix(lazy, 2, fit_on=[2])
    assert set(read) == {2}


def test_masked_pixels_have_no_abundance(signal):
    mask = np.zeros(SHAPE, bool)
    mask[10:40, 20:30] = True
    abundances, _ = unmix(signal, 2, mask=mask)
    for each in np.isnan(abundances.data):
        np.testing.assert_array_equal(each, mask)
    assert abundances.metadata.Abundances.masked


def test_a_mask_for_every_frame(series):
    mask = np.zeros(series.data.shape, bool)
    mask[2, :9] = True
    abundances, _ = unmix(series, 2, mask=hs.signals.Signal2D(mask))
    np.testing.assert_array_equal(np.isnan(abundances.data[:, 0]), mask)


def test_a_seed_that_is_drawn_is_recorded(signal):
    abundances, _ = unmix(signal, 2, random_state=None)
    seed = int(abundances.metadata.Abundances.random_state)
    again, _ = unmix(signal, 2, random_state=seed)
    np.testing.assert_array_equal(again.data, abundances.data)


def test_the_source_stays_as_it_is(signal):
    before = signal.data.copy()
    unmix(signal, 2)
    np.testing.assert_array_equal(signal.data, before)


def test_loaded_files_have_the_method(tmp_path, signal):
    signal.save(tmp_path / "a.hspy")
    assert callable(hs.load(tmp_path / "a.hspy").get_abundances)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_components": 0}, ValueError, "n_components must be .* got 0"),
        ({"n_components": "auto"}, TypeError, "n_components must be .* got 'auto'"),
        ({"n_components": 2.0}, TypeError, "n_components must be"),
        ({"window": 0}, ValueError, "window must be"),
        ({"window": "large"}, TypeError, "window must be"),
        ({"window": 90}, ValueError, "window must .* got"),
        ({"window": 0.001}, ValueError, "window must be"),
        ({"stride": 0}, ValueError, "stride must be"),
        ({"stride": 1000}, ValueError, "stride must be"),
        ({"mask": np.zeros((3, 4), bool)}, ValueError, "mask must have"),
        ({"fit_on": 2}, ValueError, "fit_on must be None with a single image"),
        ({"random_state": -1}, ValueError, "random_state must be"),
        ({"lazy_output": "yes"}, TypeError, "lazy_output must be"),
        ({"num_workers": 0}, ValueError, "num_workers must be"),
    ],
)
def test_what_is_not_allowed_is_named(arguments, error, message, signal):
    with pytest.raises(error, match=message):
        unmix(signal, **{"n_components": 2} | arguments)


def test_a_blank_image_is_an_error():
    with pytest.raises(ValueError, match="signal must have a frame with contrast"):
        unmix(hs.signals.Signal2D(np.ones(SHAPE)), 2)


def test_complex_images_are_an_error(signal):
    with pytest.raises(AttributeError):
        hs.signals.ComplexSignal2D(np.ones(SHAPE, complex)).get_abundances(2)


def test_an_image_without_a_lattice_is_unmixed():
    amorphous = simulate.Amorphous.like(LATTICES[0])
    image = simulate.micrograph(amorphous, SHAPE, dose=1, seed=1)[0]
    abundances, _ = unmix(image, 1)
    assert np.isfinite(abundances.data).all()
