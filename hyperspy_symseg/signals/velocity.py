# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of velocities of boundaries."""

import dask.array as da
import numpy as np

from hyperspy_symseg.frames.checks import (
    check_number,
    is_auto,
    is_number,
    is_whole_number,
    shown,
)

from .axes import (
    axis_name,
    check_one_unit,
    check_same_axes,
    frame_axes,
    navigation_axes,
    seconds,
    signal_class,
    unit,
)
from .metadata import is_relabelled, result_metadata, stored_model

# Standard deviation of the window along a boundary, in lattice periods.
WINDOW = 3.0
# Largest one, in sides of the frame: beyond it a mean is that of the whole boundary.
LARGEST_WINDOW = 10.0


def velocity_arguments(labels, signal, drift, smoothing, certainty):
    """Arguments of `Measures.get_boundary_velocity`, checked before anything is read.

    Returns
    -------
    dict
        Fields of `BoundaryVelocity`, and ``times``: the intervals of the frames, which
        are 1 if the navigation axis is not one of time, and their unit.
    """
    from hyperspy_symseg.analysis.tracks import check_drift

    y, x = frame_axes(labels)
    along = navigation_axes(labels)
    if len(along) != 1 or along[0].size < 2:
        sizes = tuple(axis.size for axis in along)
        raise ValueError(
            "labels must be a series of two frames or more, with one navigation axis, "
            f"got {f'one of the navigation shape {sizes}' if sizes else 'one image'}."
        )
    check_one_unit(y, x, "a velocity")
    for name, other in (("signal", signal), ("certainty", certainty)):
        if other is None:
            continue
        if not hasattr(other, "axes_manager"):
            raise TypeError(f"{name} must be a Signal2D, got {shown(other)}.")
        labels._check_is_image(other)
        if other.data.shape != labels.data.shape:
            raise ValueError(
                f"{name} must have the shape of the labels, {labels.data.shape}, got "
                f"{other.data.shape}."
            )
        check_same_axes(labels, other, name)
    if certainty is not None and certainty.data.dtype.kind != "f":
        raise TypeError(
            f"certainty must be of floats from 0 to 1, got {certainty.data.dtype}."
        )
    if signal is None and is_auto(drift):
        drift = None
    steps = check_drift(drift, along[0].size)
    size = abs(y.scale), abs(x.scale)
    period = _period_of_labels(labels, size)
    return {
        "pixel_size": size,
        "period": period,
        "smoothing": _window_in_pixels(smoothing, period, size, labels.data.shape),
        "step": _label_step(labels),
        # Plain numbers, so that equal analyses are equal.
        "drift": None
        if drift is None
        else "auto"
        if steps is None
        else tuple(map(tuple, np.diff(steps, axis=0).tolist())),
        "times": _intervals(along[0]),
    }


def _intervals(axis):
    """Intervals of frames (n - 1,), and their unit: time, or else frames."""
    if seconds(unit(axis)) is None:
        return np.ones(axis.size - 1), "frame"
    intervals = np.diff(np.asarray(axis.axis, float))
    if not (np.isfinite(intervals).all() and intervals.all()):
        raise ValueError(
            f"axis {axis_name(axis, 'of time')} must have a time of its own for each "
            "frame, got two that are the same or not finite."
        )
    return intervals, unit(axis)


def _label_step(labels):
    """Distance of the labels that were computed, in those there are: float."""
    if stored_model(labels.metadata) is None or not labels._record.upsample:
        return 1.0
    return float(max(labels._record.label_step))


def _period_of_labels(labels, size):
    """Lattice period in pixels of the labels, of a size: float or None."""
    if stored_model(labels.metadata) is None:
        return None
    period = labels._record.get("period")
    if not is_number(period) or not 0 < period < np.inf:
        return None
    record, model = labels._record, labels.model
    if model.pixel_size is not None and model.units[0] == unit(frame_axes(labels)[0]):
        pixel = np.sqrt(np.prod(model.pixel_size))
        return float(period * pixel / np.sqrt(np.prod(size)))
    step = (1, 1) if record.upsample else record.stride
    return float(period / np.sqrt(np.prod(step)))


def _window_in_pixels(smoothing, period, size, shape):
    """Standard deviation of the window along a boundary, in pixels: float."""
    if smoothing is None:
        return WINDOW * (period or 0.0)
    scale = 1.0 if is_whole_number(smoothing) else float(np.sqrt(np.prod(size)))
    most = LARGEST_WINDOW * max(shape[-2:])
    return check_number("smoothing", smoothing, 0, most * scale) / scale


def two_patterns(labels, pattern, against):
    """Numbers of the pattern and of the other one, which may be None."""
    n_patterns, names = labels.n_patterns, labels.pattern_names
    found = []
    for name, value in (("pattern", pattern), ("against", against)):
        if name == "against" and value is None:
            found.append(None)
            continue
        is_name = isinstance(value, str) and names is not None and value in names
        if is_name:
            value = names.index(value)
        if not is_whole_number(value) or not 0 <= value < n_patterns:
            known = "" if names is None else f", or one of the names {shown(names)}"
            raise (TypeError if not is_whole_number(value) else ValueError)(
                f"{name} must be the number of a pattern, from 0 to {n_patterns - 1}"
                f"{known}, got {shown(value)}."
            )
        found.append(int(value))
    if found[0] == found[1]:
        raise ValueError(
            f"against must be another pattern than {shown(pattern)}, got "
            f"{shown(against)}."
        )
    return tuple(found)


def has_certainty(labels, signal):
    """Whether labels have a certainty, from templates and the micrographs: bool."""
    if signal is None or stored_model(labels.metadata) is None:
        return False
    if is_relabelled(labels.metadata, labels.original_metadata):
        return False
    return labels.model.templates is not None


def boundary_velocity(labels, patterns, signal, certainty, mask, given):
    """Work of `Measures.get_boundary_velocity`, which says what it returns."""
    from hyperspy_symseg.analysis import BoundaryVelocity
    from hyperspy_symseg.analysis.velocity import boundary_map, boundary_mean
    from hyperspy_symseg.frames.lazy import lazy
    from hyperspy_symseg.frames.run import run
    from hyperspy_symseg.version import package_version

    from .arguments import mask_array

    given = dict(given)
    intervals, time_unit = given.pop("times")
    if given["period"] is None:
        certainty = None
    mask = mask_array(mask, labels.data.shape)
    if mask is not None and mask.ndim > 2:
        mask = mask[:-1] | mask[1:]
    analysis = BoundaryVelocity(
        labels.n_patterns,
        *patterns,
        has_frames=signal is not None,
        has_certainty=certainty is not None,
        **given,
    )
    channels = [each.data for each in (labels, signal, certainty) if each is not None]
    is_lazy = any(isinstance(each, da.Array) for each in channels)
    pairs = tuple(pair for each in channels for pair in (each[:-1], each[1:]))
    shape = labels.data.shape[-2:]
    if is_lazy:
        rows = lazy(analysis, pairs, mask=mask)[:, 0]
        means = rows.map_blocks(
            _of_pairs,
            boundary_mean,
            chunks=(rows.chunks[0], (2,)),
            new_axis=[1],
            dtype=np.float64,
            meta=np.empty((0, 0)),
        ).rechunk(-1)
        maps = rows.map_blocks(
            _of_pairs,
            boundary_map,
            shape,
            chunks=(rows.chunks[0], *((n,) for n in (*shape, 2))),
            new_axis=[1, 2, 3],
            dtype=np.float32,
            meta=np.empty((0,) * 4, np.float32),
        )
    else:
        rows = run(analysis, pairs, mask=mask, description="Measuring velocities")[:, 0]
        means = _of_pairs(rows, boundary_mean)
        maps = _of_pairs(rows, boundary_map, shape)
    length_unit = "px" if labels._unit_is_a_pixel else unit(frame_axes(labels)[0])
    quantity = f"Boundary velocity ({length_unit or 1}/{time_unit})"
    record = {
        "version": package_version(),
        "pattern": patterns[0],
        "against": -1 if patterns[1] is None else patterns[1],
        "smoothing": given["smoothing"],
        "drift": given["drift"] if isinstance(given["drift"], str) else "given",
        "errors": "scatter" if certainty is None else "certainty",
    }
    if given["drift"] is None:
        record["drift"] = "none"
    factors = (1 / intervals).reshape(-1, 1)
    times = navigation_axes(labels)[0].copy()
    times.crop(0, len(intervals))
    times = times.get_axis_dictionary()
    axes = [axis.get_axis_dictionary() for axis in frame_axes(labels)]
    results = []
    for found, known in (
        (maps, [times | {"navigate": True}, *axes]),
        (means, [times | {"navigate": False}]),
    ):
        scale = factors.reshape(-1, *[1] * (found.ndim - 2)).astype(found.dtype)
        pair = found[..., 0] * scale, found[..., 1] * scale**2
        signals = []
        names = quantity, f"Variance of b{quantity[1:]}"
        for values, name in zip(pair, names, strict=True):
            kind = signal_class([each for each in known if not each["navigate"]])
            what = result_metadata(labels, name, Symmetry_velocity=record)
            signal = kind(values, axes=known, **what)
            signals.append(signal.as_lazy() if is_lazy else signal)
        signals[0].set_noise_variance(signals[1])
        results.append(signals[0])
    return tuple(results)


def _of_pairs(rows, function, *how):
    """What a function makes of the rows of each pair of frames: numpy.ndarray."""
    return np.stack([function(each, *how) for each in rows])
