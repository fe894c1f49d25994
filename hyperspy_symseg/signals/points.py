# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in frames as signals: outliers, and the markers that show them."""

import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_symseg.analysis.defects import Defects, default_threshold
from hyperspy_symseg.analysis.residual_scores import column_width
from hyperspy_symseg.frames.checks import check_flag, check_number, is_number, shown
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.plotting import PATTERN_COLORS
from hyperspy_symseg.templates.model import PERIODS
from hyperspy_symseg.version import package_version

from .axes import check_pixel_size, frame_axes
from .metadata import result_metadata
from .source import Source

# Colours of missing and of extra intensity, and the diameter of their circles in
# periods.
MISSING, EXTRA = PATTERN_COLORS["sky blue"], PATTERN_COLORS["orange"]
DIAMETER = 1.5
# How columns are found.
METHODS = "auto", "crystal"


def find_outliers(labels, signal, threshold, mask, lazy_output):
    """Work of `SymmetryLabels.find_outliers`, which says what it takes and returns."""
    model = labels._refined_model()
    check_pixel_size(model, frame_axes(signal))
    if threshold is None:
        threshold = default_threshold(model.templates)
    elif not is_number(threshold) or not 0 < threshold < np.inf:
        raise ValueError(
            "threshold must be a positive number of standard deviations, or None, got "
            f"{shown(threshold)}."
        )
    if check_flag("lazy_output", lazy_output, None) is None:
        lazy_output = signal._lazy or labels._lazy
    source = Source.of(signal, mask, True)
    given = Defects(model, float(threshold)), source.frames, labels.data, source.mask
    what = "Finding outliers"
    found = lazy(*given) if lazy_output else run(*given, description=what)
    result = BaseSignal(
        found[..., 0] if source.navigation else found,
        axes=[axis.get_axis_dictionary() for axis in source.navigation],
        ragged=True,
        **result_metadata(
            labels,
            "Outliers",
            Symmetry_outliers={
                "version": package_version(),
                "threshold": float(threshold),
                "period": model.templates.period,
                "column_width": column_width(model.templates),
                "masked": mask is not None,
            },
        ),
    )
    return result.as_lazy() if lazy_output else result


def outlier_markers(labels, found, **options):
    """Work of `SymmetryLabels.get_outlier_markers`."""
    from hyperspy.api import plot

    if not found.ragged or not found.metadata.has_item("Symmetry_outliers"):
        raise ValueError(
            f"outliers must be the result of find_outliers, got {shown(found)}."
        )
    x, y = labels.axes_manager.signal_axes
    calibration = np.array([(axis.scale, axis.offset) for axis in (x, y)]).T
    period = found.metadata.get_item("Symmetry_outliers.period")
    period = check_number("metadata.Symmetry_outliers.period", period, *PERIODS)
    diameter = DIAMETER * period * abs(x.scale)
    defaults = {"sizes": (diameter,), "linewidths": (1.5,)} | options
    single = not labels.axes_manager.navigation_dimension
    markers = []
    for sign, color in ((-1, MISSING), (1, EXTRA)):
        if single:
            offsets = _offsets(np.asarray(found.data)[0], sign, calibration)
        else:
            # As HyperSpy's own `Points.from_signal`: in the order of `inav`.
            offsets = _all_offsets(found.data, sign, calibration).T
        markers.append(
            plot.markers.Circles(offsets=offsets, **{"edgecolors": (color,)} | defaults)
        )
    return markers


def _offsets(found, sign, calibration):
    """Positions (x, y) of the outliers of a sign, in axis units: (n, 2) array."""
    own = found[found[:, 2] * sign > 0]
    scale, offset = calibration
    return own[:, 1::-1] * scale + offset


def _all_offsets(found, sign, calibration):
    """Positions for every frame, as an array of arrays."""
    if isinstance(found, da.Array):
        return found.map_blocks(
            _all_offsets,
            sign,
            calibration,
            dtype=object,
            meta=np.empty((0,) * found.ndim, object),
        )
    result = np.empty(found.shape, object)
    for place in np.ndindex(found.shape):
        result[place] = _offsets(found[place], sign, calibration)
    return result


def find_atomic_columns(signal, labels, method, contrast, **asked):
    """Work of `Signal2D.find_atomic_columns`, which says what it takes and returns.

    In `asked` are the other arguments.
    """
    from hyperspy_symseg.analysis.columns import CONTRASTS, NAMES, AtomicColumns

    from .arguments import working

    axes = frame_axes(signal)
    check_one_of("method", method, METHODS)
    check_one_of("contrast", contrast, CONTRASTS)
    probability = check_number("probability", asked["probability"], 0, 1)
    calibrated = check_flag("calibrated", asked["calibrated"])
    mask, lazy_output = asked["mask"], asked["lazy_output"]
    check_flag("lazy_output", lazy_output, None)
    source = Source.of(signal, mask, True)
    how = {key: asked[key] for key in ("show_progressbar", "num_workers")}
    if labels is None:
        labels = signal.segment_symmetry(mask=mask, lazy_output=lazy_output, **how)
    _check_labels_of(labels, signal)
    if lazy_output is None:
        lazy_output = signal._lazy or labels._lazy
    model = labels._refined_model()
    check_pixel_size(model, axes)
    analysis = AtomicColumns(model.templates, contrast, probability)
    given = analysis, source.frames, labels.data, source.mask
    what = "Finding columns"
    with working(what, **how):
        found = lazy(*given) if lazy_output else run(*given, description=what)
    record = {"method": method, "contrast": contrast, "probability": probability}
    record["masked"] = mask is not None
    return as_points(
        found[..., 0] if source.navigation else found,
        signal,
        NAMES,
        "Atomic columns",
        calibrated=calibrated,
        Atomic_columns=record,
    )


def check_one_of(name, value, allowed):
    """Check that an argument is one of some words."""
    if not isinstance(value, str) or value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} must be one of {words}, got {shown(value)}.")


def _check_labels_of(labels, signal):
    """Check that labels are those of a signal."""
    from .symmetry_labels import SymmetryLabels

    if not isinstance(labels, SymmetryLabels):
        raise TypeError(
            "seg must be the labels of the signal, from segment_symmetry, or None, got "
            f"{shown(labels)}."
        )
    labels._check_has_their_shape(signal)


def as_points(found, signal, names, quantity, *, calibrated=False, **branches):
    """Tables of points as a signal."""
    axes = frame_axes(signal)
    if calibrated:
        found = _calibrated(found, list(names), [(a.scale, a.offset) for a in axes])
    navigation = signal.axes_manager.navigation_axes[::-1]
    result = BaseSignal(
        found,
        axes=[axis.get_axis_dictionary() for axis in navigation],
        ragged=True,
        **result_metadata(
            signal,
            quantity,
            Symmetry_points={
                "version": package_version(),
                "columns": list(names),
                "calibrated": calibrated,
            },
            **branches,
        ),
    )
    return result.as_lazy() if isinstance(found, da.Array) else result


def _calibrated(found, names, axes):
    """Tables with lengths in the unit of axes (scale, offset)."""
    if isinstance(found, da.Array):
        meta = np.empty((0,) * found.ndim, object)
        return found.map_blocks(_calibrated, names, axes, dtype=object, meta=meta)
    (y, y0), (x, x0) = axes
    factors = {"y": y, "x": x, "y_error": abs(y), "x_error": abs(x)}
    factors["width"] = np.sqrt(abs(x * y))
    factors = np.array([factors.get(name, 1.0) for name in names])
    offsets = np.array([{"y": y0, "x": x0}.get(name, 0.0) for name in names])
    result = np.empty(found.shape, object)
    for place in np.ndindex(found.shape):
        result[place] = found[place] * factors + offsets
    return result
