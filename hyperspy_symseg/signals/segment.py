# SPDX-License-Identifier: GPL-3.0-or-later
"""The work behind `Signal2D.segment_symmetry`: signals in, signals out."""

import functools

import dask
import dask.array as da
import numpy as np

from hyperspy_symseg.descriptors import Grid
from hyperspy_symseg.descriptors.checks import check_frame
from hyperspy_symseg.descriptors.tiles import check_num_workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.clustering import check_arguments
from hyperspy_symseg.segmentation.sampling import sampled_grid

from .arguments import (
    descriptor_in_pixels,
    length_in_pixels,
    progress_bar,
    series_mask,
)
from .axes import frame_axes, navigation_axes, sampled_axes, unit
from .evaluation import evaluate_frames, watched
from .fit_frames import fit_frames
from .frames import lazy_frames, lazy_labels, lazy_scores
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
    fit_on,
    n_operations,
    upsample,
    random_state,
    show_progressbar,
    num_workers,
    lazy_output,
):
    """Work of `Signal2D.segment_symmetry`, which says what it takes and returns."""
    axes, navigation = frame_axes(signal), navigation_axes(signal)
    n_navigation, shape = len(navigation), signal.data.shape[-2:]
    check_frame(signal.data[(0,) * n_navigation])
    mask = series_mask(mask, signal.data.shape)
    if lazy_output is None:
        lazy_output = signal._lazy
    model, fit_on = _given_model(model, fit_on, is_series=bool(navigation))
    options = {
        "n_components": n_components,
        "n_operations": n_operations,
        "random_state": random_state,
    }
    if model is None:
        descriptor = descriptor_in_pixels(descriptor, descriptor_parameters, axes)
        check_arguments(descriptor, n_patterns, **options)
    else:
        check_given_model(
            model,
            axes,
            descriptor,
            descriptor_parameters,
            n_patterns=n_patterns,
            **options,
        )
        descriptor, n_components = model.descriptor, len(model.components)
    descriptor.check_frame(shape)
    grid = Grid.over(shape, length_in_pixels("stride", stride, axes))
    check_num_workers(num_workers)
    fitted_on = None
    if model is None and navigation:
        fitted_on = fit_frames(fit_on, navigation)
    options |= {
        "stride": grid.stride,
        "pixel_size": tuple(axis.scale for axis in axes),
        "units": tuple(map(unit, axes)),
    }
    progress = functools.partial(progress_bar, show_progressbar)
    if navigation or lazy_output:
        frames = lazy_frames(signal.data)
        masks = None if mask is None else lazy_frames(mask)
        if model is None:
            bar = progress("Fitting", unit=" frames")
            places = fitted_on or [()]
            scores = _fit_scores(
                descriptor, frames, masks, grid, places, num_workers, bar
            )
            model = SymmetryModel.from_scores(scores, descriptor, n_patterns, **options)
        labels = lazy_labels(model, frames, masks, grid, upsample)
        if not lazy_output:
            bar = progress("Segmenting", unit=" frames")
            labels = _evaluate(labels, num_workers, bar)
    else:
        frame = np.asarray(signal.data)
        how = {
            "mask": mask,
            "upsample": upsample,
            "num_workers": num_workers,
            "progress": progress("Segmenting"),
        }
        if model is None:
            model, labels = SymmetryModel.fit_predict(
                frame, descriptor, n_patterns, **options, **how
            )
        else:
            labels = model.predict(frame, stride=grid.stride, **how)
    record = descriptor_record(model.descriptor, grid, mask) | {
        "upsample": upsample,
        "n_patterns": model.n_patterns,
        "n_components": n_components,
        "n_operations": len(model.mean),
        "random_state": model.random_state,
        "model": model.to_dict(),
    }
    # What tells it from other masks, when labels are taken up again.
    record["mask"] = "" if mask is None else dask.base.tokenize(mask)
    if fitted_on is not None:
        # In the order of `inav`.
        record["fit_on"] = np.array(fitted_on)[:, ::-1]
    label_class = LazySymmetryLabels if lazy_output else SymmetryLabels
    signal_axes = sampled_axes(axes, grid)
    if upsample:
        signal_axes = [axis.get_axis_dictionary() for axis in axes]
    return label_class(
        labels,
        axes=[axis.get_axis_dictionary() for axis in navigation] + signal_axes,
        **result_metadata(
            signal,
            Signal={"signal_type": "symmetry_labels", "quantity": "Pattern"},
            Symmetry_segmentation=record,
        ),
    )


def _given_model(model, fit_on, is_series):
    """Model that is applied, and frames that one is fitted on; either may be None."""
    if isinstance(fit_on, SymmetryModel):
        if model is not None:
            raise ValueError("fit_on is a model, and so is model: allowed is one.")
        return fit_on, None
    if fit_on is not None and (model is not None or not is_series):
        what = "a model" if model is not None else "a single image"
        raise ValueError(f"fit_on={fit_on!r} with {what}: allowed is None.")
    return model, fit_on


def _fit_scores(descriptor, frames, masks, grid, fitted_on, num_workers, progress):
    """Scores of a sample of the pixels of some frames: (pixels, operations)."""
    n_operations = len(descriptor.operations)
    scored, sample = sampled_grid(grid, n_operations, len(fitted_on))
    some = da.stack([frames[place] for place in fitted_on])
    if masks is not None and masks.ndim > 2:
        masks = da.stack([masks[place] for place in fitted_on])
    scores = lazy_scores(descriptor, some, masks, scored)[(slice(None), *sample)]
    places = [(i,) for i in range(len(fitted_on))]
    by_frame = {}
    done = evaluate_frames(scores, places, frame_ndim=3, num_workers=num_workers)
    with watched(done, len(places), progress) as done:
        for (i,), result in done:
            if isinstance(result, Exception):
                raise result.at(fitted_on[i])
            by_frame[i] = result.reshape(-1, n_operations)
    return np.concatenate([by_frame[i] for i in sorted(by_frame)])


def _evaluate(labels, num_workers, progress):
    """Labels of a series, evaluated frame by frame."""
    places = list(np.ndindex(labels.shape[:-2]))
    result = np.empty(labels.shape, labels.dtype)
    done = evaluate_frames(labels, places, num_workers=num_workers)
    with watched(done, len(places), progress) as done:
        for place, frame in done:
            if isinstance(frame, Exception):
                raise frame
            result[place] = frame
    return result
