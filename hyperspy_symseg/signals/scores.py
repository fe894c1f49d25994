# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores as signals: of many operations on a grid, or of one at every pixel."""

import hyperspy.api as hs
import numpy as np

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
from hyperspy_symseg.frames.threads import workers

from .arguments import (
    descriptor_in_pixels,
    length_in_pixels,
    mask_array,
    single_length_in_pixels,
)
from .axes import axis_size, image_axes, operation_axes, sampled_axes, signal_class
from .metadata import descriptor_record, operations_record, result_metadata
from .progress import ProgressBar

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


def get_symmetry_descriptors(
    signal,
    descriptor,
    descriptor_parameters,
    *,
    stride,
    mask,
    show_progressbar,
    num_workers,
    lazy_output,
):
    """Work of `Signal2D.get_symmetry_descriptors`, which says what it takes."""
    check_flag("show_progressbar", show_progressbar, None)
    lazy_output = check_flag("lazy_output", lazy_output, None)
    axes = image_axes(signal)
    check_frame(signal.data)
    mask = mask_array(mask, signal.data.shape)
    descriptor = descriptor_in_pixels(descriptor, descriptor_parameters, axes)
    descriptor.check_frame(signal.data.shape)
    grid = Grid.over(signal.data.shape, length_in_pixels("stride", stride, axes))
    with (
        ProgressBar(show_progressbar, "Scoring") as bar,
        workers(num_workers, bar.progress),
    ):
        scores, is_lazy = _scores(signal, descriptor, grid, mask, lazy_output)
    record = descriptor_record(descriptor, grid, mask) | {
        "operations": operations_record(descriptor)
    }
    signal_axes = operation_axes(descriptor, axes)
    scores = scores.reshape(*grid.shape, *map(axis_size, signal_axes))
    result = signal_class(signal_axes)(
        scores,
        axes=sampled_axes(axes, grid, navigate=True) + signal_axes,
        **result_metadata(
            signal,
            Signal={"signal_type": "", "quantity": descriptor.quantity},
            Symmetry_descriptors=record,
        ),
    )
    return result.as_lazy() if is_lazy else result


def get_symmetry_map(
    signal,
    descriptor,
    parameters,
    *,
    mask,
    show_progressbar,
    num_workers,
    lazy_output,
):
    """Work of `Signal2D.get_symmetry_map`, which says what it takes."""
    check_flag("show_progressbar", show_progressbar, None)
    lazy_output = check_flag("lazy_output", lazy_output, None)
    axes = image_axes(signal)
    check_frame(signal.data)
    mask = mask_array(mask, signal.data.shape)
    one = _one_operation(descriptor, parameters, axes)
    descriptor = descriptor_in_pixels(descriptor, one, axes)
    descriptor.check_frame(signal.data.shape)
    grid = Grid.over(signal.data.shape, 1)
    with (
        ProgressBar(show_progressbar, "Scoring") as bar,
        workers(num_workers, bar.progress),
    ):
        scores, is_lazy = _scores(signal, descriptor, grid, mask, lazy_output)
    result = hs.signals.Signal2D(
        scores[..., 0],
        axes=[axis.get_axis_dictionary() for axis in axes],
        **result_metadata(
            signal,
            Signal={"signal_type": "", "quantity": descriptor.quantity},
            Symmetry_map=descriptor_record(descriptor, grid, mask),
        ),
    )
    return result.as_lazy() if is_lazy else result


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
    """Scores at a grid, and whether they are lazy."""
    if lazy_output is None:
        size = 4 * grid.size * len(descriptor.operations)
        lazy_output = signal._lazy or size > LARGEST_EAGER_RESULT
    if lazy_output:
        # One tile a chunk: scores are larger than the frame.
        scores = Scores(descriptor, grid)
        return lazy(scores, signal.data, mask=mask, tile_shape=(1, 1)), True
    return compute_scores(descriptor, np.asarray(signal.data), grid, mask), False
