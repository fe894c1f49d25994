# SPDX-License-Identifier: GPL-3.0-or-later
"""The work behind `Signal2D.segment_symmetry`: signals in, signals out."""

import dask
import dask.array as da
import numpy as np

from hyperspy_symseg.descriptors import Grid
from hyperspy_symseg.descriptors.checks import check_frame
from hyperspy_symseg.descriptors.tiles import check_num_workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.clustering import check_arguments

from .arguments import (
    descriptor_in_pixels,
    length_in_pixels,
    mask_array,
    progress_bar,
)
from .axes import image_axes, sampled_axes, unit
from .given_model import check_given_model
from .metadata import descriptor_record, result_metadata
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels


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
        check_given_model(
            model,
            axes,
            descriptor,
            descriptor_parameters,
            n_patterns=n_patterns,
            n_components=n_components,
            random_state=random_state,
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
    record = descriptor_record(model.descriptor, grid, mask) | {
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
        else sampled_axes(axes, grid),
        **result_metadata(
            signal,
            Signal={"signal_type": "symmetry_labels", "quantity": "Pattern"},
            Symmetry_segmentation=record,
        ),
    )
