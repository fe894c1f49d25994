# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of series of labels as signals."""

import dask.array as da
import numpy as np

from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run

from .axes import navigation_axes, signal_class, unit
from .metadata import result_metadata


def found_in(analysis, frames, labels):
    """What an analysis finds: a dask.array.Array if one of the arrays is one."""
    is_lazy = any(isinstance(array, da.Array) for array in (frames, labels))
    return (lazy if is_lazy else run)(analysis, frames, labels)


def against_navigation(signal, values, name, units):
    """Measured values of each pattern, as a signal.

    Parameters
    ----------
    signal : SymmetryLabels
        The labels, for axes and metadata.
    values : (..., n_patterns) numpy.ndarray or dask.array.Array
        For each navigation position.
    name, units : str
        What was measured.

    Returns
    -------
    BaseSignal
        The navigation axes of the labels are the signal axes, and the patterns the
        navigation axis. If there is one image only, the patterns are the signal axis.
        Lazy if the labels are.
    """
    along = [
        axis.get_axis_dictionary() | {"navigate": False}
        for axis in navigation_axes(signal)
    ]
    if isinstance(values, da.Array):
        # Small, and in one chunk a single file once saved.
        values = values.rechunk(-1)
    pattern = {"name": "Pattern", "size": values.shape[-1], "navigate": bool(along)}
    quantity = f"{name} ({units})" if units else name
    result = signal_class(along or [pattern])(
        np.moveaxis(values, -1, 0),
        axes=[pattern, *along],
        **result_metadata(
            signal,
            Signal={"signal_type": "", "quantity": quantity},
        ),
    )
    return result.as_lazy() if signal._lazy else result


def has_pixels_as_unit(axes):
    """Whether lengths along axes are in pixels: they have no unit and no scale."""
    return all(not unit(axis) and axis.scale == 1 for axis in axes)
