# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of the patterns of labels."""

import logging

import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_symseg.frames.checks import as_array, check_flag, is_number, shown
from hyperspy_symseg.version import package_version

from .axes import (
    axis_name,
    check_same_axis,
    frame_axes,
    navigation_axes,
    places_on,
    signal_class,
    unit,
)
from .metadata import channels_metadata, result_metadata

_logger = logging.getLogger(__name__)

# Times of a spectrum in metadata, which exspy makes those of its sum.
LIVE_TIME = "Acquisition_instrument.{}.Detector.EDS.live_time"
NOISE = "Signal.Noise_properties"


class Measures:
    """Methods of `SymmetryLabels` that measure the patterns."""

    def get_areas(self):
        """Area of each pattern, in the squared unit of the signal axes.

        It is the number of labels times the size of their pixels. Names of patterns are
        in ``metadata.Symmetry_segmentation.names``. Of labels on the
        grid (``upsample=False``) those at the edges stand for less than that.

        Returns
        -------
        Signal1D, Signal2D or BaseSignal, lazy if the labels are
            Of a single image, areas against the number of the pattern. Of a series,
            areas against the navigation axes of the labels, such as time, which are
            the signal axes here; the pattern is the navigation axis.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> areas = s.segment_symmetry(2, show_progressbar=False).get_areas()
        >>> areas, areas.metadata.Signal.quantity
        (<Signal1D, title: Simulated micrograph, dimensions: (|2)>, 'Area (nm²)')
        """
        from hyperspy_symseg.analysis import Areas

        x, y = self.axes_manager.signal_axes
        areas = Areas(self.n_patterns, abs(y.scale * x.scale))
        return self._measured(areas, "Area", self.area_unit)

    def get_boundary_length(self):
        """Length of the boundary of each pattern with the other patterns.

        Neither the edges of the frame nor those of unlabelled pixels are boundaries.
        A boundary between two patterns counts for both.

        Returns
        -------
        Signal1D, Signal2D or BaseSignal, lazy if the labels are
            Lengths in the unit of the signal axes, with axes as in `get_areas`.

        Raises
        ------
        ValueError
            If the signal axes have different units.

        Notes
        -----
        The Cauchy-Crofton formula, on the labels that were computed, one every
        ``metadata.Symmetry_segmentation.label_step`` pixels: if pixels are square, a
        straight boundary comes out within 1.5 % of its length at any angle, see
        `hyperspy_symseg.analysis.boundaries.boundary_lengths`. Where it meets the
        edge of the frame, a label stands for all of these pixels, also where the frame
        ends before: too much by up to one such step in all.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> lengths = seg.get_boundary_length()
        >>> lengths.metadata.Signal.quantity
        'Boundary length (nm)'
        """
        from hyperspy_symseg.analysis import BoundaryLengths

        x, y = self.axes_manager.signal_axes
        if unit(x) != unit(y):
            raise ValueError(
                f"axes {axis_name(y, 'y')} and {axis_name(x, 'x')} must have one unit "
                f"for a length, got {unit(y)!r} and {unit(x)!r}."
            )
        record = self._record
        lengths = BoundaryLengths(
            self.n_patterns,
            (abs(y.scale), abs(x.scale)),
            record.label_step if record.upsample else (1, 1),
        )
        units = "px" if self._unit_is_a_pixel else unit(x)
        return self._measured(lengths, "Boundary length", units)

    def sum_by_pattern(
        self,
        other,
        weights=None,
        *,
        lazy_output=False,
        show_progressbar=None,
        num_workers=None,
    ):
        """Add up another signal over the pixels of each pattern.

        Such as the spectra of a spectrum image, or the diffraction patterns of
        4D-STEM, which are too weak in a single pixel. A signal that is larger than
        memory is read once, block by block.

        Parameters
        ----------
        other : BaseSignal
            Any signal of real numbers, whose last two navigation axes are the signal
            axes of the labels. Pixels are matched by their positions on the axes, so
            sizes, offsets and units may differ: a pixel has the label at its middle,
            and is left out where there is none. Before these are the navigation axes
            of the labels; labels of a single image are those of each image of a series.
        weights : Signal2D or array, optional
            Weight of each label, 0 or more, such as from `get_certainty`, of the same
            shape as the labels. NaN is 0.
        lazy_output : bool
            Whether the sums are found later. By default they are found at once, also
            of lazy signals: they are small, and the sums, their variance and the number
            of pixels come from one reading.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        BaseSignal
            Of the class of the other signal, with its metadata and its signal axes. The
            number of the pattern is the last navigation axis. Sums of integers are
            integers, if there are no weights. ``metadata.Patterns`` has the names of
            the patterns and, unless they are found later, the number of pixels that
            were added up, ``n_pixels``.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed; nothing has been read then.

        See Also
        --------
        mean_by_pattern : the mean instead.

        Notes
        -----
        ``metadata.Signal.Noise_properties.variance`` of the result is the sum of the
        variances times the squared weights. These are the variance in the metadata of
        the other signal or, if there is none, that of its ``Variance_linear_model``;
        else integers are counts, whose variance is their number. Of other numbers
        without a variance it is not known, nor is it of the result.

        Examples
        --------
        >>> import numpy as np
        >>> import hyperspy.api as hs
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary(shape=(128, 160))
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> counts = np.random.default_rng(0).poisson(0.05, (128, 160, 50))
        >>> spectra = hs.signals.Signal1D(counts)
        >>> for axis, own in zip(spectra.axes_manager.navigation_axes, "xy"):
        ...     axis.update_from(s.axes_manager[own], ["scale", "units"])
        True
        True
        >>> seg.sum_by_pattern(spectra, show_progressbar=False)
        <Signal1D, title: , dimensions: (2|50)>
        """
        from .arguments import working

        with working("Summing", show_progressbar, num_workers):
            return _by_pattern(self, other, weights, "sum", lazy_output)

    def mean_by_pattern(
        self,
        other,
        weights=None,
        *,
        lazy_output=False,
        show_progressbar=None,
        num_workers=None,
    ):
        """Mean of another signal over the pixels of each pattern.

        Parameters
        ----------
        other, weights, lazy_output, show_progressbar, num_workers
            As in `sum_by_pattern`.

        Returns
        -------
        BaseSignal
            As from `sum_by_pattern`, divided by the number of pixels or, with weights,
            by their sum; the variance by its square. NaN for a pattern without pixels.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed; nothing has been read then.
        """
        from .arguments import working

        with working("Summing", show_progressbar, num_workers):
            return _by_pattern(self, other, weights, "mean", lazy_output)

    def _found(self, analysis, frames=None):
        """What an analysis finds in the labels: lazy if they or the frames are."""
        from hyperspy_symseg.frames.lazy import lazy
        from hyperspy_symseg.frames.run import run

        is_lazy = any(isinstance(array, da.Array) for array in (frames, self.data))
        return (lazy if is_lazy else run)(analysis, frames, self.data)

    def _measured(self, analysis, name, units):
        """What an analysis measures of each pattern, against the navigation axes.

        These are the signal axes, and the patterns the navigation axis. Of a single
        image, the patterns are the signal axis.
        """
        values = self._found(analysis)
        if isinstance(values, da.Array):
            # Small, and in one chunk a single file once saved.
            values = values.rechunk(-1)
        along = [
            axis.get_axis_dictionary() | {"navigate": False}
            for axis in navigation_axes(self)
        ]
        pattern = {"name": "Pattern", "size": values.shape[-1], "navigate": bool(along)}
        quantity = f"{name} ({units})" if units else name
        result = signal_class(along or [pattern])(
            np.moveaxis(values, -1, 0),
            axes=[pattern, *along],
            **result_metadata(self, quantity),
        )
        return result.as_lazy() if self._lazy else result


def _by_pattern(labels, other, weights, statistic, lazy_output):
    """Work of `Measures.sum_by_pattern` and `mean_by_pattern`."""
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
        data = data.astype(np.sum(np.empty(0, values.dtype)).dtype)
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
    from hyperspy_symseg.frames.run import evaluate_series

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
    array = getattr(weights, "data", weights) if _is_signal(weights) else weights
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


def _is_signal(value):
    return isinstance(value, BaseSignal)


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
