# SPDX-License-Identifier: GPL-3.0-or-later
"""The work behind `SymmetryLabels.find_outliers`: signals in, signals out."""

import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_symseg.analysis.defects import Defects, default_threshold
from hyperspy_symseg.analysis.residual_scores import column_width
from hyperspy_symseg.frames.checks import check_flag, is_number, shown
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.threads import check_num_workers, workers
from hyperspy_symseg.plotting import PATTERN_COLORS
from hyperspy_symseg.templates.model import check_period
from hyperspy_symseg.version import package_version

from .axes import frame_axes
from .given_model import check_pixel_size
from .metadata import result_metadata
from .progress import ProgressBar
from .source import Source

# Colours of missing and of extra intensity, and the diameter of their circles in
# periods.
MISSING, EXTRA = PATTERN_COLORS["sky blue"], PATTERN_COLORS["orange"]
DIAMETER = 1.5


def find_outliers(
    labels, signal, threshold, *, mask, show_progressbar, num_workers, lazy_output
):
    """Work of `SymmetryLabels.find_outliers`, which says what it takes and returns."""
    labels._check_has_their_shape(signal)
    model = labels._refined_model()
    check_pixel_size(model, frame_axes(signal))
    if threshold is None:
        threshold = default_threshold(model.templates)
    elif not is_number(threshold) or not 0 < threshold < np.inf:
        raise ValueError(
            "threshold must be a positive number of standard deviations, or None, got "
            f"{shown(threshold)}."
        )
    check_flag("show_progressbar", show_progressbar, None)
    num_workers = check_num_workers(num_workers)
    if check_flag("lazy_output", lazy_output, None) is None:
        lazy_output = signal._lazy or labels._lazy
    source = Source.of(signal, mask, True)
    given = (
        Defects(model, float(threshold)),
        source.frames,
        labels.data,
        source.mask,
    )
    if lazy_output:
        found = lazy(*given)
    else:
        with (
            ProgressBar(show_progressbar, "Finding outliers") as bar,
            workers(num_workers, bar.progress),
        ):
            found = run(*given, description="Finding outliers")
    result = BaseSignal(
        found[..., 0] if source.navigation else found,
        axes=[axis.get_axis_dictionary() for axis in source.navigation],
        ragged=True,
        **result_metadata(
            labels,
            Signal={"signal_type": "", "quantity": "Outliers"},
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
    calibration = [(axis.scale, axis.offset) for axis in (x, y)]
    period = found.metadata.get_item("Symmetry_outliers.period")
    period = check_period("metadata.Symmetry_outliers.period", period)
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
    return np.stack(
        [
            scale * own[:, column] + offset
            for column, (scale, offset) in zip((1, 0), calibration, strict=True)
        ],
        axis=1,
    )


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
