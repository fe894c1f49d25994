# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of other signals over the patterns of labels."""

import logging

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.signals import SymmetryLabels

RNG = np.random.default_rng(5)
SHAPE = (12, 15)
Y = {"name": "y", "size": 12, "scale": 0.2, "offset": 3.0, "units": "nm"}
X = {"name": "x", "size": 15, "scale": 0.1, "offset": -1.0, "units": "nm"}
ENERGY = {"name": "Energy", "size": 20, "scale": 0.01, "offset": 0.4, "units": "keV"}
TIME = {"name": "time", "size": 3, "scale": 2.0, "units": "s"}
NAMES = ["matrix", "twin", "rim"]
LABELS = RNG.integers(-1, 3, SHAPE).astype(np.int8)
COUNTS = RNG.poisson(0.7, (*SHAPE, 20)).astype(np.uint16)


def labels_signal(data=LABELS, axes=(Y, X), names=NAMES):
    record = {"n_patterns": 3, "stride": (1, 1), "_model": {"name": "none"}}
    if names:
        record["names"] = names
    axes = [axis | {"navigate": k < len(axes) - 2} for k, axis in enumerate(axes)]
    metadata = {"Signal": {"signal_type": "symmetry_labels"}}
    metadata["Symmetry_segmentation"] = record
    result = SymmetryLabels(np.asarray(data), axes=axes, metadata=metadata)
    if isinstance(data, da.Array):
        result = result.as_lazy()
        result.data = data
    return result


def spectra(data=COUNTS, axes=(Y, X), channels=(ENERGY,), **metadata):
    axes = [axis | {"navigate": True} for axis in axes]
    axes += [axis | {"navigate": False} for axis in channels]
    metadata = {"General": {"title": "Spectra"}, "Signal": {}} | metadata
    return hs.signals.BaseSignal(
        data, axes=axes, metadata=metadata, original_metadata={"Detector": "SDD"}
    ).transpose(signal_axes=len(channels))


def by_hand(labels=LABELS, counts=COUNTS):
    return np.stack([counts[labels == k].sum(axis=0) for k in range(3)])


def n_pixels(labels=LABELS):
    return np.bincount(labels[labels >= 0], minlength=3)


def test_sums_and_their_axes():
    result = labels_signal().sum_by_pattern(spectra())
    np.testing.assert_array_equal(result.data, by_hand())
    assert result.data.dtype == np.uint64
    assert repr(result) == "<Signal1D, title: Spectra, dimensions: (3|20)>"
    (energy,) = result.axes_manager.signal_axes
    assert (energy.name, energy.scale, energy.offset) == ("Energy", 0.01, 0.4)
    assert result.axes_manager.navigation_axes[0].name == "Pattern"


def test_what_the_metadata_say():
    result = labels_signal().sum_by_pattern(spectra(Sample={"elements": ["Al"]}))
    assert result.metadata.Patterns.names == NAMES
    np.testing.assert_array_equal(result.metadata.Patterns.n_pixels, n_pixels())
    assert result.metadata.Sample.elements == ["Al"]
    assert result.original_metadata.Detector == "SDD"


def test_mean():
    result = labels_signal().mean_by_pattern(spectra())
    n = n_pixels()[:, np.newaxis]
    np.testing.assert_allclose(result.data, by_hand() / n)
    variance = result.metadata.Signal.Noise_properties.variance
    np.testing.assert_allclose(variance.data, by_hand() / n**2)


def test_a_pattern_without_pixels():
    labels = labels_signal(np.where(LABELS == 1, 0, LABELS))
    assert not labels.sum_by_pattern(spectra()).data[1].any()
    assert np.isnan(labels.mean_by_pattern(spectra()).data[1]).all()


def test_lazy_is_eager():
    chunked = da.from_array(COUNTS, chunks=(5, 7, 6))
    other = spectra(chunked).as_lazy()
    for labels in (labels_signal(), labels_signal(da.from_array(LABELS, chunks=4))):
        result = labels.sum_by_pattern(other)
        assert not result._lazy
        np.testing.assert_array_equal(result.data, by_hand())


def test_sums_found_later():
    other = spectra(da.from_array(COUNTS, chunks=(5, 7, 6))).as_lazy()
    result = labels_signal().mean_by_pattern(other, lazy_output=True)
    assert result._lazy
    variance = result.metadata.Signal.Noise_properties.variance
    assert variance._lazy
    n = n_pixels()[:, np.newaxis]
    np.testing.assert_allclose(result.data.compute(), by_hand() / n)
    np.testing.assert_allclose(variance.data.compute(), by_hand() / n**2)


def test_weights():
    weights = RNG.random(SHAPE)
    result = labels_signal().mean_by_pattern(spectra(), hs.signals.Signal2D(weights))
    for k in range(3):
        own = np.equal(LABELS, k)
        w, x = weights[own][:, np.newaxis], COUNTS[own]
        np.testing.assert_allclose(result.data[k], (w * x).sum(0) / w.sum())
        variance = result.metadata.Signal.Noise_properties.variance.data[k]
        np.testing.assert_allclose(variance, (w**2 * x).sum(0) / w.sum() ** 2)


def test_a_variance_that_is_known():
    other = spectra(COUNTS.astype(float))
    variance = RNG.random(COUNTS.shape)
    other.set_noise_variance(spectra(variance))
    result = labels_signal().sum_by_pattern(other)
    found = result.metadata.Signal.Noise_properties.variance
    np.testing.assert_allclose(found.data, by_hand(counts=variance))
    assert result.inav[1].metadata.Signal.Noise_properties.variance.data.shape == (20,)


def test_a_variance_that_is_a_number():
    other = spectra(COUNTS.astype(float))
    other.set_noise_variance(0.3)
    found = labels_signal().sum_by_pattern(other).metadata.Signal.Noise_properties
    expected = 0.3 * n_pixels()[:, np.newaxis] * np.ones(20)
    np.testing.assert_allclose(found.variance.data, expected)


def test_a_variance_that_is_linear():
    other = spectra(COUNTS.astype(float))
    other.metadata.set_item(
        "Signal.Noise_properties.Variance_linear_model",
        {"gain_factor": 2.0, "gain_offset": 0.5, "correlation_factor": 3.0},
    )
    found = labels_signal().sum_by_pattern(other).metadata.Signal.Noise_properties
    expected = 3 * (2 * by_hand() + 0.5 * n_pixels()[:, np.newaxis])
    np.testing.assert_allclose(found.variance.data, expected)


def test_no_variance_of_other_numbers():
    result = labels_signal().sum_by_pattern(spectra(COUNTS.astype(np.float32)))
    assert not result.metadata.has_item("Signal.Noise_properties")


def test_pixels_are_matched_by_their_positions():
    # Of two and three labels, in another unit, from before the first one on.
    y = {"name": "y", "size": 9, "scale": 400.0, "offset": 2200.0, "units": "pm"}
    x = {"name": "x", "size": 4, "scale": 0.3, "offset": -0.7, "units": "nm"}
    counts = RNG.poisson(2, (9, 4, 20)).astype(np.uint16)
    result = labels_signal().sum_by_pattern(spectra(counts, (y, x)))
    # The first two rows and the last lie outside.
    labels = np.full((9, 4), -1)
    labels[2:8] = LABELS[::2, 3::3]
    np.testing.assert_array_equal(result.data, by_hand(labels, counts))


def test_axes_that_run_the_other_way():
    x = X | {"scale": -0.1, "offset": -1.0 + 1.4}
    result = labels_signal().sum_by_pattern(spectra(COUNTS[:, ::-1], (Y, x)))
    np.testing.assert_array_equal(result.data, by_hand())


def test_what_lies_outside_is_not_read():
    def reading(block, block_info):
        if block_info[0]["chunk-location"][0] == 3:
            raise OSError
        return block

    counts = da.zeros((16, 15, 20), chunks=(4, 15, 20), dtype=np.uint8)
    counts = counts.map_blocks(reading, meta=np.empty((0,) * 3, np.uint8))
    other = spectra(counts, (Y | {"size": 16}, X)).as_lazy()
    assert not labels_signal().sum_by_pattern(other).data.any()


def test_diffraction_patterns():
    counts = RNG.poisson(0.7, (*SHAPE, 6, 7)).astype(np.uint8)
    other = spectra(counts, channels=({"size": 6}, {"size": 7}))
    result = labels_signal().sum_by_pattern(other)
    assert repr(result) == "<Signal2D, title: Spectra, dimensions: (3|7, 6)>"
    np.testing.assert_array_equal(result.data, by_hand(counts=counts))


def test_a_series():
    labels = np.stack([LABELS, LABELS[::-1], LABELS[:, ::-1]])
    counts = np.stack([COUNTS, 2 * COUNTS, 3 * COUNTS])
    series = labels_signal(labels, (TIME, Y, X))
    expected = [by_hand(*each) for each in zip(labels, counts, strict=True)]
    lazy = da.from_array(counts, chunks=(2, 5, 15, 20))
    for data in (counts, lazy):
        result = series.sum_by_pattern(spectra(data, (TIME, Y, X)))
        np.testing.assert_array_equal(result.data, expected)
        assert result.axes_manager.navigation_axes[1].name == "time"
    one = labels_signal().sum_by_pattern(spectra(counts, (TIME, Y, X)))
    np.testing.assert_array_equal(one.data[2], 3 * by_hand())


def test_the_class_is_kept(tmp_path):
    pytest.importorskip("exspy")
    other = spectra()
    other.set_signal_type("EDS_TEM")
    other.add_elements(["Al", "O"])
    for given in (other, other.as_lazy()):
        result = labels_signal().sum_by_pattern(given)
        assert type(result).__name__ == "EDSTEMSpectrum"
    for name in ("sums.hspy", "sums.zspy"):
        result.save(tmp_path / name)
        again = hs.load(tmp_path / name)
        assert type(again) is type(result)
        np.testing.assert_array_equal(again.data, result.data)
        assert again.metadata.Sample.elements == ["Al", "O"]
        assert list(again.metadata.Patterns.names) == NAMES
        variance = again.metadata.Signal.Noise_properties.variance
        np.testing.assert_array_equal(variance.data, by_hand())


def test_live_times_are_those_of_a_pixel(caplog):
    other = spectra()
    path = "Acquisition_instrument.TEM.Detector.EDS.live_time"
    other.metadata.set_item(path, 0.01)
    with caplog.at_level(logging.WARNING):
        result = labels_signal().sum_by_pattern(other)
    assert result.metadata.get_item(path) == 0.01
    assert "still that of one pixel" in caplog.text
    caplog.clear()
    labels_signal().mean_by_pattern(other)
    assert not caplog.text


def bad(change):
    data = da.from_array(COUNTS, chunks=(5, 7, 6))
    data = data.map_blocks(unread, dtype=data.dtype, meta=data._meta)
    other = spectra(data).as_lazy()
    changed = change(other)
    return other if changed is None else changed


def unread(block):
    raise AssertionError("nothing may be read before bad input is named")


def set_axis(name, **values):
    def change(other):
        for key, value in values.items():
            setattr(other.axes_manager[name], key, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: COUNTS, "other must be a signal of HyperSpy"),
        (lambda s: s.inav[0], "other must have two navigation axes or more.*got 1"),
        (lambda s: s * 1j, "other must hold real numbers, got complex.*amplitude"),
        (lambda s: s.T, "other must have two navigation axes or more.*got 1"),
        (
            set_axis("x", units="s"),
            "axis x of other must have a unit such as nm.*got s",
        ),
        (
            set_axis("y", units=""),
            "axis y of other must have a unit such as nm.*no unit",
        ),
        (set_axis("x", offset=90), "axis x of other must overlap that of the labels"),
        (lambda s: s.transpose(navigation_axes=["y", "x"]), "x and y in this order"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_not_allowed_is_named_before_anything_is_read(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels_signal().sum_by_pattern(bad(change))


def test_series_that_do_not_match():
    series = labels_signal(np.stack([LABELS] * 3), (TIME, Y, X))
    with pytest.raises(ValueError, match="must have 3 navigation axes"):
        series.sum_by_pattern(spectra())
    later = spectra(np.stack([COUNTS] * 3), (TIME | {"offset": 2}, Y, X))
    with pytest.raises(ValueError, match="axis time of other must be that of the lab"):
        series.sum_by_pattern(later)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((12, 14)), "weights must have the shape of the labels"),
        (np.ones(SHAPE, complex), "weights must be real numbers"),
        (-np.ones(SHAPE), "weights must be 0 or more"),
    ],
)
def test_weights_that_are_not_allowed(weights, message):
    with pytest.raises((TypeError, ValueError), match=message):
        labels_signal().sum_by_pattern(spectra(), weights)


def test_a_variance_of_another_shape():
    other = spectra()
    other.metadata.set_item("Signal.Noise_properties.variance", spectra().isig[:9])
    with pytest.raises(ValueError, match="variance of other must have its shape"):
        labels_signal().sum_by_pattern(other)


@pytest.mark.parametrize("units", ["px", " px", "css_pixel"])
def test_pixels_are_no_length(units):
    # Of 1/96 of an inch, one of them would lie in the labels.
    axes = [axis | {"scale": 1.0, "offset": 0.0, "units": units} for axis in (Y, X)]
    labels = [axis | {"offset": 0.0} for axis in (Y, X)]
    with pytest.raises(ValueError, match="axis y of other must have a unit such as nm"):
        labels_signal(axes=labels).sum_by_pattern(spectra(axes=axes))
    both = labels_signal(axes=axes).sum_by_pattern(spectra(axes=axes))
    np.testing.assert_array_equal(both.data, by_hand())


@pytest.mark.parametrize(
    ("dtype", "of_sums"),
    [("uint8", "uint64"), ("int32", "int64"), ("int64", "float64"), ("bool", "int64")],
)
def test_lazy_sums_are_ints_where_the_type_says_that_ints_hold_them(dtype, of_sums):
    other = spectra(COUNTS.astype(dtype)).as_lazy()
    result = labels_signal().sum_by_pattern(other, lazy_output=True)
    assert result.data.dtype == of_sums
    np.testing.assert_array_equal(
        result.data.compute(), by_hand(counts=COUNTS.astype(dtype).astype(int))
    )


def test_sums_that_no_int_holds_are_floats():
    large = np.full((*SHAPE, 2), 2**62)
    result = labels_signal().sum_by_pattern(
        spectra(large, channels=(ENERGY | {"size": 2},))
    )
    np.testing.assert_allclose(
        result.data, 2.0**62 * n_pixels()[:, np.newaxis] * [1, 1]
    )
