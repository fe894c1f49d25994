# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores as signals: of many operations on a grid, or of one at every pixel."""

import numpy as np
from hyperspy.signals import Signal2D

from hyperspy_symseg.descriptors.scores import Scores, compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import (
    as_array,
    check_flag,
    check_frame,
    check_length,
    is_whole_number,
    shown,
)
from hyperspy_symseg.frames.lazy import lazy

from .arguments import (
    descriptor_in_pixels,
    length_in_pixels,
    mask_array,
    single_length_in_pixels,
)
from .axes import axis_size, image_axes, operation_axes, sampled_axes, signal_class
from .metadata import descriptor_record, operations_record, result_metadata

LARGEST_EAGER_RESULT = 10**9  # bytes
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
