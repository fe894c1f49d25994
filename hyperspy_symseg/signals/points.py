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
