# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of sums of other signals over the patterns of labels."""

import logging

import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_symseg.frames.checks import as_array, check_flag, is_number, shown
from hyperspy_symseg.frames.run import evaluate_series
from hyperspy_symseg.version import package_version

from .axes import (
    axis_name,
    check_same_axis,
    frame_axes,
    navigation_axes,
    places_on,
    signal_class,
)
from .metadata import channels_metadata

_logger = logging.getLogger(__name__)

# Times of a spectrum in metadata, which exspy makes those of its sum.
LIVE_TIME = "Acquisition_instrument.{}.Detector.EDS.live_time"
NOISE = "Signal.Noise_properties"


def by_pattern(labels, other, weights, statistic, lazy_output):
    """Work of `SymmetryLabels.sum_by_pattern` and `mean_by_pattern`."""
    from hyperspy_symseg.analysis.channels import pattern_sums

    lazy_output = check_flag("lazy_output", lazy_output)
    values = _checked_channels(other)
    pixels, places = _matched(labels, other)
    weights = _checked_weights(labels, weights)
    variances, model = _noise(other)
    sources = {"values": values[pixels]}
    if variances is not None:
        sources["variances"] = variances[pixels]
    if weights is not None:
        sources["weights"] = _looked_up(weights, places, lazy_output)
    n_patterns, n_navigation = labels.n_patterns, len(navigation_axes(other))
    found = pattern_sums(
        _looked_up(labels.data, places, lazy_output),
        sources,
        n_navigation,
        n_patterns=n_patterns,
        variance="unknown" if model is None else "counts",
        lazy_output=lazy_output,
    )
    data, variance = found["sum"], found.get("variance")
    # Numbers of each pattern, for its channels.
    wide = (..., *(np.newaxis,) * (values.ndim - n_navigation))
    weight, weight_2 = found["weight"][wide], found["weight_2"][wide]
    if model is not None:
        gain, offset = model
        variance = gain * found.get("variance", 0) + offset * weight_2
    if statistic == "mean":
        divisor = np.where(weight, weight, np.nan)
        data = data / divisor
        variance = None if variance is None else variance / divisor**2
    elif weights is None and values.dtype.kind in "biu":
        dtype = np.sum(np.empty(0, values.dtype)).dtype
        # Of lazy ones only the type is known.
        largest = (
            len(places[0]) * len(places[1]) * _largest(values.dtype)
            if lazy_output
            else np.abs(data).max(initial=0)
        )
        # Others stay floats, as ints would have another sign.
        if largest < np.iinfo(dtype).max:
            data = data.astype(dtype)
        _warn_of_live_time(other)
    axes = [axis.get_axis_dictionary() for axis in navigation_axes(other)[:-2]]
    axes.append({"name": "Pattern", "size": n_patterns, "navigate": True})
    signal_axes = other.axes_manager.signal_axes[::-1]
    axes += [axis.get_axis_dictionary() for axis in signal_axes]
    noise = {}
    if variance is not None:
        variance = variance + np.zeros_like(data, variance.dtype)
        noise["variance"] = signal_class(signal_axes)(variance, axes=axes)
        if lazy_output:
            noise["variance"] = noise["variance"].as_lazy()
    record = {
        "version": package_version(),
        "statistic": statistic,
        "weighted": weights is not None,
    }
    if not lazy_output:
        record["n_pixels"] = found["n_pixels"].astype(int)
    if labels.pattern_names is not None:
        record["names"] = list(labels.pattern_names)
    result = BaseSignal(
        data, axes=axes, **channels_metadata(other, noise, Patterns=record)
    )
    if lazy_output:
        result = result.as_lazy()
    result._assign_subclass()
    return result


def _largest(dtype):
    """Largest magnitude of the values of a type of whole numbers: int."""
    return 1 if dtype.kind == "b" else max(np.iinfo(dtype).max, -np.iinfo(dtype).min)


def _checked_channels(other):
    """Data of a signal with the navigation axes first: (..., rows, columns, *channels).

    Nothing is read.
    """
    if not isinstance(other, BaseSignal):
        raise TypeError(
            "other must be a signal of HyperSpy, with navigation axes, got "
            f"{shown(other)}."
        )
    if other.ragged:
        raise ValueError(
            "other must hold values of the same shape at each pixel, got a ragged one."
        )
    data, n = other.data, other.axes_manager.navigation_dimension
    if n < 2:
        raise ValueError(
            "other must have two navigation axes or more, the signal axes of the "
            f"labels, got {n} (see `transpose`)."
        )
    if data.dtype.kind not in "biuf":
        raise TypeError(
            f"other must hold real numbers, got {data.dtype}"
            f"{' (take its amplitude, say)' if data.dtype.kind == 'c' else ''}."
        )
    if 0 in data.shape or np.isnan(data.shape).any():
        raise ValueError(
            f"other must have a known shape and at least one value, got {data.shape}."
        )
    if isinstance(getattr(data, "_meta", data), np.ma.MaskedArray):
        raise ValueError(
            "other must hold a plain array, got a masked one. What is left out has the "
            "label -1, or the weight 0."
        )
    return data.transpose(_array_order(other))


def _array_order(signal):
    """Axes of the array of a signal, those of navigation first: list of int."""
    manager = signal.axes_manager
    axes = (*manager.navigation_axes[::-1], *manager.signal_axes[::-1])
    return [axis.index_in_array for axis in axes]


def _matched(labels, other):
    """Pixels of another signal that lie in labels, and the labels that they lie in.

    Two slices behind an ellipsis, for rows and columns; and two arrays of int.
    """
    axes, others = frame_axes(labels), navigation_axes(other)
    own = navigation_axes(labels)
    if own and len(others) != len(own) + 2:
        raise ValueError(
            f"other must have {len(own) + 2} navigation axes, those of the labels and "
            f"their signal axes, got {len(others)}."
        )
    y, x = (axis_name(axis, "") for axis in axes)
    if (
        x
        and y
        and x != y
        and [y, x] == [axis_name(each, "") for each in others[:-3:-1]]
    ):
        raise ValueError(
            f"other must have the navigation axes {x} and {y} in this order, as the "
            "labels, got them the other way round (see `transpose`)."
        )
    for axis, theirs in zip(own, others, strict=False):
        check_same_axis(axis, theirs, "navigation")
    found = [
        places_on(axis, theirs, name)
        for axis, theirs, name in zip(axes, others[-2:], "yx", strict=True)
    ]
    pixels = (slice(None),) * (len(others) - 2) + tuple(inside for inside, _ in found)
    return pixels, [places for _, places in found]


def _looked_up(array, places, lazy_output):
    """What an array has at rows and columns: one of NumPy unless it may be lazy."""
    rows, columns = places
    array = array[..., rows, :][..., columns]
    if lazy_output or not isinstance(array, da.Array):
        return array
    # One number a pixel; the channels of each are many, and come block by block.
    return evaluate_series(array, "Labels")


def _checked_weights(labels, weights):
    """Weights of labels as an array, or None; nothing is read."""
    if weights is None:
        return None
    array = weights.data if isinstance(weights, BaseSignal) else weights
    if not isinstance(array, da.Array):
        array = as_array("weights", array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"weights must be real numbers, got {array.dtype}.")
    if array.shape != labels.data.shape:
        raise ValueError(
            f"weights must have the shape of the labels, {labels.data.shape}, got "
            f"{array.shape}."
        )
    return array


def _noise(other):
    """Variances of a signal as an array, and gain and offset if they are linear.

    Either may be None.
    """
    variance = other.metadata.get_item(f"{NOISE}.variance")
    if isinstance(variance, BaseSignal):
        if variance.data.shape != other.data.shape:
            raise ValueError(
                f"metadata.{NOISE}.variance of other must have its shape, "
                f"{other.data.shape}, got {variance.data.shape}."
            )
        return variance.data.transpose(_array_order(other)), None
    if variance is not None:
        if not is_number(variance):
            raise TypeError(
                f"metadata.{NOISE}.variance of other must be a number or a signal, got "
                f"{shown(variance)}."
            )
        return None, (0.0, float(variance))
    model = other.metadata.get_item(f"{NOISE}.Variance_linear_model")
    if model is not None:
        names = ("gain_factor", "gain_offset", "correlation_factor")
        gain, offset, correlation = (
            float(model.get_item(name, default))
            for name, default in zip(names, (1, 0, 1), strict=True)
        )
        return None, (gain * correlation, offset * correlation)
    return None, (1.0, 0.0) if other.data.dtype.kind in "iu" else None


def _warn_of_live_time(other):
    """Say that times in metadata are those of a pixel, as sums are of many."""
    for instrument in ("TEM", "SEM"):
        item = LIVE_TIME.format(instrument)
        if other.metadata.has_item(item):
            _logger.warning(
                "metadata.%s is still that of one pixel: the sums are of "
                "metadata.Patterns.n_pixels times as much.",
                item,
            )
