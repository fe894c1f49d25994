# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores and abundances as signals: on a grid, or at every pixel."""

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_symseg.descriptors.scores import Scores, compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import (
    as_array,
    check_flag,
    check_frame,
    check_length,
    check_whole,
    is_auto,
    is_whole_number,
    shown,
)
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run_or_lazy
from hyperspy_symseg.version import package_version

from .arguments import (
    descriptor_in_pixels,
    fit_frames,
    length_in_pixels,
    mask_array,
    single_length_in_pixels,
)
from .axes import (
    axis_name,
    axis_size,
    image_axes,
    operation_axes,
    sampled_axes,
    signal_class,
    unit,
)
from .metadata import descriptor_record, operations_record, result_metadata

LARGEST_EAGER_RESULT = 10**9  # bytes
# More cannot be told apart in any frame.
MOST_COMPONENTS = 50
LARGEST_SEED = 2**32 - 1
# What tells one operation of a descriptor, and what else `get_symmetry_map` takes.
OPERATION = {
    "translation": ("translation",),
    "rotation": ("fold", "angle"),
    "reflection": ("angle",),
    "glide_reflection": ("angle", "glide"),
}
PATCH = {"translation": ("patch",)}
CIRCULAR_PATCH = ("radius", "n_angles")
UNPOOLED = {"pooling": 1, "n_maxima": 1}


def get_symmetry_descriptors(signal, descriptor, parameters, stride, mask, lazy_output):
    """Work of `Signal2D.get_symmetry_descriptors`, which says what it takes."""
    axes = image_axes(signal)
    check_frame(signal.data)
    descriptor = descriptor_in_pixels(descriptor, parameters, axes)
    descriptor.check_frame(signal.data.shape)
    grid = Grid.over(signal.data.shape, length_in_pixels("stride", stride, axes))
    scores, record = _scores(signal, descriptor, grid, mask, lazy_output)
    record["operations"] = operations_record(descriptor)
    signal_axes = operation_axes(descriptor, axes)
    result = signal_class(signal_axes)(
        scores.reshape(*grid.shape, *map(axis_size, signal_axes)),
        axes=sampled_axes(axes, grid, navigate=True) + signal_axes,
        **result_metadata(signal, descriptor.quantity, Symmetry_descriptors=record),
    )
    return result if isinstance(scores, np.ndarray) else result.as_lazy()


def get_symmetry_map(signal, descriptor, parameters, mask, lazy_output):
    """Work of `Signal2D.get_symmetry_map`, which says what it takes."""
    axes = image_axes(signal)
    check_frame(signal.data)
    one = _one_operation(descriptor, parameters, axes)
    descriptor = descriptor_in_pixels(descriptor, one, axes)
    descriptor.check_frame(signal.data.shape)
    grid = Grid.over(signal.data.shape, 1)
    scores, record = _scores(signal, descriptor, grid, mask, lazy_output)
    result = Signal2D(
        scores[..., 0],
        axes=[axis.get_axis_dictionary() for axis in axes],
        **result_metadata(signal, descriptor.quantity, Symmetry_map=record),
    )
    return result if isinstance(scores, np.ndarray) else result.as_lazy()


def _one_operation(name, parameters, axes):
    """Parameters of a descriptor that has one operation, not pooled."""
    if not isinstance(name, str) or name not in OPERATION:
        raise ValueError(
            f"descriptor must be one of {', '.join(map(repr, OPERATION))}, got "
            f"{shown(name)}."
        )
    # Its kernel is not loaded before it is needed.
    from hyperspy_symseg.descriptors.rotation import FOLDS, check_angles

    keys, patch = OPERATION[name], PATCH.get(name, CIRCULAR_PATCH)
    for key in parameters:
        if key not in keys + patch:
            raise TypeError(
                f"parameters must be among those of descriptor={name!r} "
                f"({', '.join(keys + patch)}), got {key!r}."
            )
    one = {key: parameters[key] for key in patch if key in parameters}
    given = {key: parameters[key] for key in keys if parameters.get(key) is not None}
    if len(given) != (1 if name == "rotation" else len(keys)):
        wanted = (
            "fold or angle, not both," if name == "rotation" else " and ".join(keys)
        )
        raise ValueError(
            f"{wanted} must be given for descriptor={name!r}, got "
            f"{' and '.join(given) or 'no operation'}."
        )
    if name == "translation":
        if as_array("translation", given["translation"]).shape != (2,):
            raise ValueError(
                "translation must be a pair (dy, dx), got "
                f"{shown(given['translation'])}."
            )
        return one | {"translations": np.array([given["translation"]])}
    if name == "glide_reflection":
        glide = single_length_in_pixels("glide", given["glide"], axes)
        glide = check_length("glide", glide)
        (angle,) = check_angles("angle", [given["angle"]], 180)
        return one | {"glides": [(angle, glide)], "window": glide, **UNPOOLED}
    ((key, value),) = given.items()
    if key == "angle":
        (value,) = check_angles("angle", [value], 360 if name == "rotation" else 180)
        if name == "rotation" and not value:
            raise ValueError(
                f"angle must not be 0 degrees for descriptor={name!r}, got "
                f"{shown(given['angle'])}."
            )
    elif not (is_whole_number(value) and value in FOLDS):
        raise ValueError(f"fold must be 2, 3, 4 or 6, got {shown(value)}.")
    return one | {f"{key}s": (value,), **UNPOOLED}


def _scores(signal, descriptor, grid, mask, lazy_output):
    """Scores at a grid, (rows, columns, operations), and what the metadata say."""
    lazy_output = check_flag("lazy_output", lazy_output, None)
    mask = mask_array(mask, signal.data.shape)
    record = descriptor_record(descriptor, grid, mask)
    if lazy_output is None:
        size = 4 * grid.size * len(descriptor.operations)
        lazy_output = signal._lazy or size > LARGEST_EAGER_RESULT
    if lazy_output:
        # One tile a chunk: scores are larger than the frame.
        scores = Scores(descriptor, grid)
        return lazy(scores, signal.data, mask=mask, tile_shape=(1, 1)), record
    return compute_scores(descriptor, np.asarray(signal.data), grid, mask), record


def get_abundances(signal, n_components, lengths, mask, lazy_output, **asked):
    """Work of `Signal2D.get_abundances`, which says what it takes and returns.

    In `lengths` are window and stride, and in `asked` fit_on and random_state.
    """
    from hyperspy_symseg.analysis.unmixing import fit_abundances

    from .source import Source

    if check_flag("lazy_output", lazy_output, None) is None:
        lazy_output = signal._lazy
    source = Source.of(signal, mask, lazy_output)
    n_components = check_whole("n_components", n_components, 1, MOST_COMPONENTS)
    seed = asked["random_state"]
    if seed is None:
        seed = int(np.random.default_rng().integers(LARGEST_SEED))
    seed = check_whole("random_state", seed, 0, LARGEST_SEED)
    lengths = _window_and_stride(source, **lengths)
    places = [()]
    if source.navigation:
        places = fit_frames(asked["fit_on"], source.navigation)
    elif asked["fit_on"] is not None:
        raise ValueError(
            f"fit_on must be None with a single image, got {shown(asked['fit_on'])}."
        )
    places = source.with_contrast(places)
    period, crops = _period_and_crops(source, places)
    analysis = fit_abundances(
        crops, n_components, _suitable(lengths, period, source.shape), period, seed
    )
    given = analysis, source.frames, None, source.mask
    found = run_or_lazy(*given, is_lazy=lazy_output, description="Unmixing")
    record = {
        "version": package_version(),
        "n_components": n_components,
        "window": analysis.window,
        "stride": analysis.stride,
        "period": period or 0.0,
        "noise": analysis.least,
        "random_state": seed,
        "masked": source.mask is not None,
    }
    if source.navigation:
        # In the order of `inav`.
        record["fit_on"] = np.array(places)[:, ::-1]
    component = {"name": "Component", "size": n_components, "navigate": True}
    axes = [axis.get_axis_dictionary() for axis in source.navigation]
    axes += [component, *(axis.get_axis_dictionary() for axis in source.axes)]
    maps = Signal2D(
        np.moveaxis(found, -1, -3),
        axes=axes,
        **result_metadata(signal, "Abundance", Abundances=record),
    )
    spectra = Signal2D(
        _both_half_planes(analysis),
        axes=[component, *_frequency_axes(analysis.window, source.axes)],
        **result_metadata(signal, "Power", Abundances=record),
    )
    return maps.as_lazy() if lazy_output else maps, spectra


def _window_and_stride(source, window, stride):
    """Window and stride in pixels, checked, or "auto"."""
    from hyperspy_symseg.descriptors import PowerSpectrum

    if not is_auto(window):
        window = PowerSpectrum(length_in_pixels("window", window, source.axes)).window
        PowerSpectrum(window).check_frame(source.shape)
    if not is_auto(stride):
        stride = length_in_pixels("stride", stride, source.axes)
        stride = Grid.over(source.shape, stride).stride
    return window, stride


def _suitable(lengths, period, shape):
    """Window and stride, where "auto" those that suit the period."""
    from hyperspy_symseg.analysis.unmixing import suitable_stride, suitable_window

    window, stride = lengths
    if is_auto(window):
        window = (suitable_window(period, shape),) * 2
    return window, suitable_stride(window) if is_auto(stride) else stride


def _period_and_crops(source, places):
    """Period of some frames (float or None), and crops of them with their masks."""
    from hyperspy_symseg.frames.threads import one_thread
    from hyperspy_symseg.lattice import find_periods
    from hyperspy_symseg.lattice.spectrum import crops

    views = source.views(crops(source.shape), places)
    with one_thread:
        return find_periods(*zip(*views, strict=True)).period, views


def _both_half_planes(analysis):
    """Spectra of components, NaN at other frequencies: (components, rows, columns)."""
    (y, x), k = analysis.window, np.array(analysis.frequencies)
    found = np.full((len(analysis.spectra), 2 * y + 1, 2 * x + 1), np.nan, np.float32)
    for ky, kx in (k.T, -k.T):
        found[:, y + ky, x + kx] = analysis.spectra
    return found


def _frequency_axes(window, axes):
    """Axes ky and kx of the spectra of windows: list of dict."""
    return [
        {
            "name": f"k{axis_name(axis, name)}",
            "size": 2 * half + 1,
            "scale": 1 / ((2 * half + 1) * axis.scale),
            "offset": -half / ((2 * half + 1) * axis.scale),
            "units": f"1/{unit(axis)}" * bool(unit(axis)),
            "navigate": False,
        }
        for half, axis, name in zip(window, axes, "yx", strict=True)
    ]
