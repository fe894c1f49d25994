# SPDX-License-Identifier: GPL-3.0-or-later
"""The work behind `Signal2D.segment_symmetry`: signals in, signals out."""

import logging

from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import check_flag, shown
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import FrameError, run
from hyperspy_symseg.frames.threads import check_num_workers, workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.labels import Labels
from hyperspy_symseg.segmentation.predict import label_frame
from hyperspy_symseg.segmentation.stored import FORMAT

from .arguments import is_auto, length_in_pixels
from .axes import sampled_axes
from .fit_plan import FitPlan
from .given_model import check_given_model
from .metadata import MODEL, descriptor_record, result_metadata, why_not_refined
from .progress import ProgressBar
from .source import Source
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

_logger = logging.getLogger(__name__)


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
    refine,
    upsample,
    certainty,
    random_state,
    show_progressbar,
    num_workers,
    lazy_output,
):
    """Work of `Signal2D.segment_symmetry`, which says what it takes and returns."""
    check_flag("show_progressbar", show_progressbar, None)
    if check_flag("lazy_output", lazy_output, None) is None:
        lazy_output = signal._lazy
    source = Source.of(signal, mask, lazy_output)
    upsample = check_flag("upsample", upsample)
    certainty = check_flag("certainty", certainty)
    refine = check_flag("refine", refine, "auto")
    num_workers = check_num_workers(num_workers)
    model, fit_on = _given_model(model, fit_on, is_series=bool(source.navigation))
    options = {
        "n_components": n_components,
        "n_operations": n_operations,
        "random_state": random_state,
    }
    plan, record = None, {"format": FORMAT, "upsample": upsample}
    if model is None:
        plan = FitPlan(
            source,
            n_patterns,
            descriptor,
            descriptor_parameters,
            stride=stride,
            refine=refine,
            fit_on=fit_on,
            **options,
        )
        if certainty and not plan.record["refine"]:
            raise ValueError(
                "certainty must be False without templates (refine=False, or by "
                "rotations), got True."
            )
    else:
        check_given_model(
            model,
            source.axes,
            descriptor,
            descriptor_parameters,
            n_patterns=n_patterns,
            refine=refine,
            **options,
        )
        model.descriptor.check_frame(source.shape)
        if certainty and model.templates is None:
            raise ValueError(
                "certainty must be False with a model without templates, got True."
            )
        masked = source.mask is not None and source.mask.all()
        if not source.is_lazy and not masked:
            source.with_contrast([()])
        if is_auto(stride):
            stride = model.stride
        grid = Grid.over(source.shape, length_in_pixels("stride", stride, source.axes))
        record["n_components"] = len(model.components)
    with (
        ProgressBar(show_progressbar, "Segmenting") as bar,
        workers(num_workers, bar.progress),
    ):
        if plan is not None:
            plan.find_lengths()
            grid = plan.grid
        model, labels = _model_and_labels(
            source, plan, model, grid, lazy_output, upsample, certainty
        )
    if plan is not None:
        record |= plan.record
    record |= descriptor_record(model.descriptor, grid, source.mask) | {
        "n_patterns": model.n_patterns,
        "n_operations": len(model.mean),
        "refined": model.templates is not None,
        "label_step": model.label_step(grid.stride, upsample),
        "random_state": model.random_state,
        "model": repr(model),
        MODEL: model.to_dict(),
        "mask": source.mask_token,
    }
    if certainty and not record["refined"]:
        _logger.warning(
            "There is no certainty, only NaN: %s.", why_not_refined(record.get)
        )
    return _signals(signal, source, grid, labels, record, certainty, lazy_output)


def _model_and_labels(source, plan, model, grid, lazy_output, upsample, certainty):
    """Model, fitted if there is a plan, and its labels."""
    how = {"upsample": upsample, "certainty": certainty}
    if source.is_lazy:
        if plan is not None:
            model = plan.fit()
        given = Labels(model, grid, **how), source.frames, None, source.mask
        if lazy_output:
            return model, lazy(*given)
        try:
            return model, run(*given, description="Segmenting")
        except FrameError as error:
            error.add_note(
                "With lazy_output=True, and save_frames(on_error='mask') of the "
                "result, the other frames are labelled."
            )
            raise
    if plan is not None:
        return plan.fit_predict(**how)
    return model, label_frame(model, source.frames, source.mask, grid.stride, **how)


def _signals(signal, source, grid, labels, record, certainty, lazy):
    """Labels, and their certainty if there is one, as signals."""
    axes = [axis.get_axis_dictionary() for axis in source.navigation]
    if record["upsample"]:
        axes += [axis.get_axis_dictionary() for axis in source.axes]
    else:
        axes += sampled_axes(source.axes, grid)
    if certainty:
        labels, probabilities = labels["label"], labels["certainty"]
    labels = (LazySymmetryLabels if lazy else SymmetryLabels)(
        labels,
        axes=axes,
        **result_metadata(
            signal,
            Signal={"signal_type": "symmetry_labels", "quantity": "Pattern"},
            Symmetry_segmentation=record,
        ),
    )
    if not certainty:
        return labels
    return labels, (LazySignal2D if lazy else Signal2D)(
        probabilities,
        axes=axes,
        **result_metadata(signal, Signal={"signal_type": "", "quantity": "Certainty"}),
    )


def _given_model(model, fit_on, is_series):
    """Model that is applied, and frames that one is fitted on; either may be None."""
    if isinstance(fit_on, SymmetryModel):
        if model is not None:
            raise ValueError("fit_on must be None with a model, got another model.")
        return fit_on, None
    if fit_on is not None and (model is not None or not is_series):
        what = "a model" if model is not None else "a single image"
        raise ValueError(f"fit_on must be None with {what}, got {shown(fit_on)}.")
    return model, fit_on
