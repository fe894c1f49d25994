# SPDX-License-Identifier: GPL-3.0-or-later
"""The work behind the methods of Signal2D: signals in, signals out."""

import inspect
from importlib.metadata import version

import dask
import dask.array as da
import hyperspy.api as hs
import numpy as np

from hyperspy_symseg.descriptors import Grid, compute_scores, describe, make_descriptor
from hyperspy_symseg.descriptors.base import check_frame
from hyperspy_symseg.descriptors.tiles import check_num_workers, tile_slices
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.clustering import check_arguments

from .arguments import (
    axis_name,
    descriptor_in_pixels,
    image_axes,
    length_in_pixels,
    mask_array,
    parameters_in_pixels,
    progress_bar,
    unit,
)
from .metadata import result_metadata
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

LARGEST_EAGER_RESULT = 10**9  # bytes
PIXEL_SIZE_TOLERANCE = 0.01


def segment_symmetry(
    signal,
    n_patterns,
    descriptor,
    descriptor_parameters,
    *,
    stride,
    n_components,
    model,
    mask,
    upsample,
    random_state,
    show_progressbar,
    num_workers,
    lazy_output,
):
    """Work of `Signal2D.segment_symmetry`, which says what it takes and returns."""
    axes = image_axes(signal)
    check_frame(signal.data)
    shape = signal.data.shape
    mask = mask_array(mask, shape)
    if lazy_output is None:
        lazy_output = signal._lazy
    if model is None:
        descriptor = descriptor_in_pixels(descriptor, descriptor_parameters, axes)
    else:
        _check_model_type(model)
        _check_pixel_size(model, axes)
        _check_descriptor(model, descriptor, descriptor_parameters, axes)
        _check_fit_arguments(
            n_patterns=(n_patterns, model.n_patterns),
            n_components=(n_components, len(model.components)),
            random_state=(random_state, model.random_state),
        )
        descriptor, n_components = model.descriptor, len(model.components)
    descriptor.check_frame(shape)
    grid = Grid.over(shape, length_in_pixels("stride", stride, axes))
    if model is None:
        seed = 0 if random_state is None else random_state
        check_arguments(n_patterns, n_components, seed)
    check_num_workers(num_workers)
    frame = signal.data if lazy_output else np.asarray(signal.data)
    fit_options = {
        "stride": grid.stride,
        "n_components": n_components,
        "random_state": random_state,
        "pixel_size": tuple(axis.scale for axis in axes),
        "units": tuple(map(unit, axes)),
    }
    threads = {
        "num_workers": num_workers,
        "progress": progress_bar(show_progressbar, "Segmenting"),
    }
    labelling = {"stride": grid.stride, "upsample": upsample}
    if model is None and not lazy_output:
        model, labels = SymmetryModel.fit_predict(
            frame,
            descriptor,
            n_patterns,
            mask=mask,
            upsample=upsample,
            **fit_options,
            **threads,
        )
    elif not lazy_output:
        labels = model.predict(frame, mask, **labelling, **threads)
    else:
        if model is None:
            model = SymmetryModel.fit(
                np.asarray(frame),
                descriptor,
                n_patterns,
                mask=mask,
                **fit_options,
                **threads,
            )
        # One thread: dask has its own.
        predict = dask.delayed(model.predict, pure=False)
        labels = da.from_delayed(
            predict(frame, mask, num_workers=1, **labelling),
            shape=shape if upsample else grid.shape,
            dtype=model.label_dtype,
        )
    record = _record(model.descriptor, grid, mask) | {
        "upsample": upsample,
        "n_patterns": model.n_patterns,
        "n_components": n_components,
        "random_state": model.random_state,
        "model": model.to_dict(),
    }
    label_class = LazySymmetryLabels if lazy_output else SymmetryLabels
    return label_class(
        labels,
        axes=[axis.get_axis_dictionary() for axis in axes]
        if upsample
        else _sampled_axes(axes, grid),
        **result_metadata(
            signal,
            Signal={"signal_type": "symmetry_labels", "quantity": "Pattern"},
            Symmetry_segmentation=record,
        ),
    )


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
    axes = image_axes(signal)
    check_frame(signal.data)
    mask = mask_array(mask, signal.data.shape)
    descriptor = descriptor_in_pixels(descriptor, descriptor_parameters, axes)
    descriptor.check_frame(signal.data.shape)
    grid = Grid.over(signal.data.shape, length_in_pixels("stride", stride, axes))
    check_num_workers(num_workers)
    n_operations = len(descriptor.operations)
    if lazy_output is None:
        size = 4 * grid.size * n_operations
        lazy_output = signal._lazy or size > LARGEST_EAGER_RESULT
    if lazy_output:
        scores = _lazy_scores(signal.data, descriptor, grid, mask)
    else:
        scores = compute_scores(
            descriptor,
            np.asarray(signal.data),
            grid,
            mask,
            num_workers=num_workers,
            progress=progress_bar(show_progressbar, "Scoring"),
        )
    record = _record(descriptor, grid, mask) | {"operations": descriptor.operations}
    signal_axes = _shift_axes(descriptor, axes)
    scores = scores.reshape(*grid.shape, *(axis["size"] for axis in signal_axes))
    result_class = hs.signals.Signal2D if len(signal_axes) == 2 else hs.signals.Signal1D
    result = result_class(
        scores,
        axes=_sampled_axes(axes, grid, navigate=True) + signal_axes,
        **result_metadata(
            signal,
            Signal={"signal_type": "", "quantity": "Pearson's coefficient"},
            Symmetry_descriptors=record,
        ),
    )
    return result.as_lazy() if lazy_output else result


def _record(descriptor, grid, mask):
    """What the metadata say of any result, in types that files can hold."""
    name, parameters = describe(descriptor)
    return {
        "version": version("hyperspy-symseg"),
        "descriptor": name,
        **{key: value for key, value in parameters.items() if value is not None},
        "stride": grid.stride,
        "masked": mask is not None,
    }


def _lazy_scores(frame, descriptor, grid, mask):
    """Scores as a dask array, one chunk a tile."""
    compute = dask.delayed(descriptor.compute, pure=False)
    n_operations = len(descriptor.operations)
    frame, mask = dask.delayed(frame), dask.delayed(mask)
    rows = {}
    for tile in tile_slices(grid, n_operations):
        part = grid.part(*tile)
        chunk = da.from_delayed(
            compute(frame, part, mask), (*part.shape, n_operations), np.float32
        )
        rows.setdefault(tile[0].start, []).append(chunk)
    return da.concatenate([da.concatenate(row, axis=1) for row in rows.values()])


def _sampled_axes(axes, grid, navigate=False):
    """Axes of the pixels of a grid."""
    return [
        axis.get_axis_dictionary()
        | {
            "size": size,
            "scale": axis.scale * stride,
            "offset": axis.index2value(first),
            "navigate": navigate,
        }
        for axis, size, stride, first in zip(
            axes, grid.shape, grid.stride, grid.first, strict=True
        )
    ]


def _shift_axes(descriptor, axes):
    """Axes of the operations: the shifts dy and dx, or the place in a list."""
    if descriptor.shift_axes is None:
        return [{"name": "Operation", "size": len(descriptor.operations)}]
    return [
        {
            "name": f"d{axis_name(axis, default)}",
            "size": len(shifts),
            # One shift only if the window is smaller than the step along this axis.
            "scale": axis.scale
            * float(shifts[1] - shifts[0] if len(shifts) > 1 else 1),
            "offset": axis.scale * float(shifts[0]),
            "units": axis.units,
            "navigate": False,
        }
        for axis, shifts, default in zip(axes, descriptor.shift_axes, "yx", strict=True)
    ]


def _check_model_type(model):
    if not isinstance(model, SymmetryModel):
        raise TypeError(f"model={model!r}: allowed is a SymmetryModel or None.")


def _check_pixel_size(model, axes):
    """Check that the image has the pixel size that the model was fitted at."""
    if model.pixel_size is None:
        return
    for axis, size, units, default in zip(
        axes, model.pixel_size, model.units, "yx", strict=True
    ):
        fitted = axis.copy()
        fitted.scale, fitted.units = size, units or axis.units
        if unit(axis) and units:
            # Into the same unit, and into the same way to write it.
            axis = axis.copy()
            try:
                fitted.convert_to_units(unit(axis))
                axis.convert_to_units(unit(axis))
            except (AttributeError, TypeError, ValueError):
                fitted.units = units
        same_unit = bool(unit(axis)) == bool(units) and unit(axis) == unit(fitted)
        if not same_unit or abs(axis.scale / fitted.scale - 1) > PIXEL_SIZE_TOLERANCE:
            raise ValueError(
                f"model: axis {axis_name(axis, default)} has pixels of {axis.scale:g} "
                f"{unit(axis) or '(no unit)'}: allowed is the pixel size it was fitted "
                f"at, {size:g} {units or '(no unit)'}, to {PIXEL_SIZE_TOLERANCE:.0%}."
            )


def _check_descriptor(model, descriptor, parameters, axes):
    """Check that a descriptor given with a model is the model's own."""
    name, own = describe(model.descriptor)
    if isinstance(descriptor, str):
        pixels = parameters_in_pixels(descriptor, parameters, axes)
        if descriptor == name:
            descriptor = make_descriptor(name, **own | pixels)
    if descriptor != model.descriptor:
        raise ValueError(
            f"descriptor={descriptor!r}, {parameters} with a model: allowed is the "
            f"model's own, {model.descriptor!r}."
        )


def _check_fit_arguments(**given_and_own):
    """Check that what is given with a model is its own, or not given at all."""
    method = inspect.signature(hs.signals.Signal2D.segment_symmetry)
    for name, (given, own) in given_and_own.items():
        if given not in (own, method.parameters[name].default):
            raise ValueError(
                f"{name}={given!r} with a model: allowed is the model's own, {own!r}."
            )
