# SPDX-License-Identifier: GPL-3.0-or-later
"""The work behind `Signal2D.segment_symmetry`: signals in, signals out."""

import functools
import logging
import math

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_symseg.descriptors import describe
from hyperspy_symseg.descriptors.registry import split
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import check_flag, is_auto, is_number, shown
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import FrameError, run
from hyperspy_symseg.lattice import Lengths, Periods, suitable_lengths
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.examples import check_sizes
from hyperspy_symseg.segmentation.fit import lengths_of, number_without_period
from hyperspy_symseg.segmentation.fit_options import FitOptions
from hyperspy_symseg.segmentation.labels import Labels
from hyperspy_symseg.segmentation.predict import label_frame, log_flat_areas
from hyperspy_symseg.segmentation.stored import FORMAT
from hyperspy_symseg.templates.training_crops import training_crops

from .arguments import (
    descriptor_in_pixels,
    fit_frames,
    length_in_pixels,
    pattern_examples,
    period_in_pixels,
    without_auto,
)
from .axes import check_pixel_size, sampled_axes, unit
from .by_hand import record_examples
from .metadata import MODEL, descriptor_record, result_metadata, why_not_refined
from .source import Source
from .symmetry_labels import LazySymmetryLabels, SymmetryLabels

# Of `Signal2D.segment_symmetry`, for what need not be given with a model.
DEFAULTS = {
    "n_patterns": "auto",
    "descriptor": "translation",
    "n_components": 5,
    "n_operations": None,
    "period": "auto",
    "random_state": 0,
    "refine": "auto",
}
NO_PERIODS = Periods(None, np.empty((0, 2)), np.empty(0), np.empty(0), None)

_logger = logging.getLogger(__name__)


def segment_symmetry(
    signal,
    descriptor,
    parameters,
    *,
    stride,
    model,
    mask,
    patterns,
    fit_on,
    upsample,
    certainty,
    lazy_output,
    **asked,
):
    """Work of `Signal2D.segment_symmetry`, which says what it takes and returns.

    In `asked` are the arguments that only a fit looks at.
    """
    if check_flag("lazy_output", lazy_output, None) is None:
        lazy_output = signal._lazy
    source = Source.of(signal, mask, lazy_output)
    how = {
        "upsample": check_flag("upsample", upsample),
        "certainty": check_flag("certainty", certainty),
    }
    asked["refine"] = check_flag("refine", asked["refine"], "auto")
    model, fit_on = _given_model(model, fit_on, is_series=bool(source.navigation))
    labels = None
    if model is None:
        examples, asked["names"] = None, None
        if patterns is not None:
            examples, asked["names"] = pattern_examples(patterns, source.axes)
            asked["n_patterns"] = _number_of(examples, asked["n_patterns"])
            if fit_on is None and source.navigation:
                fit_on = slice(1)
        model, labels, grid, record = _fitted(
            source, fit_on, stride, how, descriptor, parameters, examples, **asked
        )
    else:
        if patterns is not None:
            raise ValueError(
                f"patterns must be None with a model, got {shown(patterns)}."
            )
        _check_given_model(model, source.axes, descriptor, parameters, asked)
        grid = _grid_of_model(model, source, stride, certainty)
        record = {"n_components": len(model.components)}
    if labels is None:
        labels = _labels(model, source, grid, lazy_output, how)
    record |= {
        "format": FORMAT,
        "upsample": how["upsample"],
        **descriptor_record(model.descriptor, grid, source.mask),
        "n_patterns": model.n_patterns,
        "n_operations": len(model.mean),
        "refined": model.templates is not None,
        "label_step": model.label_step(grid.stride, how["upsample"]),
        "random_state": model.random_state,
        "model": repr(model),
        MODEL: model.to_dict(),
        "mask": source.mask_token,
    }
    if model.names is not None:
        record["names"] = list(model.names)
    if certainty and not record["refined"]:
        _logger.warning(
            "There is no certainty, only NaN: %s.", why_not_refined(record.get)
        )
    found = _signals(signal, source, grid, labels, record, certainty, lazy_output)
    record_examples(found[0] if certainty else found, patterns)
    return found


def _number_of(examples, n_patterns):
    """Number of examples, which is that of the patterns: int."""
    n = int(examples.max()) + 1
    if not any(_is_same(n_patterns, each) for each in (n, DEFAULTS["n_patterns"])):
        raise ValueError(
            f'n_patterns must be {n}, or "auto", as patterns has {n} '
            f"example{'s' * (n > 1)}, got {shown(n_patterns)}."
        )
    return n


def _grid_of_model(model, source, stride, certainty):
    """Grid that a given model labels, which the frames have room for."""
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
    return Grid.over(source.shape, length_in_pixels("stride", stride, source.axes))


def _fitted(
    source,
    fit_on,
    stride,
    how,
    descriptor,
    parameters,
    examples,
    *,
    n_patterns,
    period,
    refine,
    **options,
):
    """Model, its labels unless they are lazy, grid, and what the metadata say of it."""
    names = [name for name in split(descriptor) if isinstance(name, str)]
    given = without_auto(parameters, names)

    def known(lengths):
        return {name: lengths.parameters(name) for name in names}

    in_pixels = functools.partial(descriptor_in_pixels, descriptor, given, source.axes)
    if is_auto(refine):
        refine = set(split(descriptor)) != {"rotation"}
    if not is_auto(stride):
        stride = length_in_pixels("stride", stride, source.axes)
        Grid.over(source.shape, stride)
    found = {key for each in known(Lengths()).values() for key in each}
    finds = refine or is_auto(stride) or not found <= given.keys()
    is_given, period = not is_auto(period), _period(period, source, finds)
    # Where lengths are to be found, with some that any such frame has room for.
    made = in_pixels(known(suitable_lengths(NO_PERIODS, source.shape)))
    record = {
        "refine": refine,
        "auto_n_patterns": is_auto(n_patterns),
        "auto_period": not is_given,
        "from_examples": examples is not None,
    }
    asked = FitOptions(made, n_patterns, period=period if refine else None, **options)
    record["n_components"] = asked.n_components
    made.check_frame(source.shape)
    places = fit_frames(fit_on, source.navigation) if source.navigation else [()]
    if how["certainty"] and not refine:
        raise ValueError(
            "certainty must be False without templates (refine=False, or by "
            "rotations), got True."
        )
    if finds or not source.is_lazy:
        # Otherwise this is seen when the frames are scored, and read only then.
        places = source.with_contrast(places)
    options["period"] = None
    if finds:
        periods = source.periods(places, period)
        lengths = lengths_of(periods, source.shape, refine)
        if periods.period is not None:
            _log_period(periods, lengths, source.axes)
        made = in_pixels(known(lengths))
        made.check_frame(source.shape)
        if is_auto(stride):
            stride = lengths.stride
        record |= periods_record(periods, source.axes)
        if refine:
            options["period"] = periods.period
        if periods.period is None and refine:
            n_patterns = number_without_period(n_patterns)
    grid = Grid.over(source.shape, stride)
    options |= {
        "n_patterns": n_patterns,
        "stride": grid.stride,
        "pixel_size": tuple(axis.scale for axis in source.axes),
        "units": tuple(map(unit, source.axes)),
    }
    labels = None
    if not source.is_lazy:
        model, labels = SymmetryModel.fit_predict(
            source.frames, made, mask=source.mask, examples=examples, **options, **how
        )
    elif options["period"] is None:
        del options["period"]
        scores, own, places = source.fit_scores(made, grid, places, examples)
        model = SymmetryModel.from_scores(scores, made, labels=own, **options)
    else:
        period = options["period"]
        if examples is not None:
            mask = source.mask
            mask = None if mask is None or mask.ndim > 2 else np.asarray(mask)
            check_sizes(examples, mask, period, n_patterns, options["names"])
        crops, one_pattern = training_crops(source.fit_frames(places, period, examples))
        flat = [crop.normalized.flat for crop in crops]
        log_flat_areas(np.mean([each is not None and each.mean() for each in flat]))
        model = SymmetryModel.from_crops(
            crops, made, one_pattern=one_pattern, **options
        )
    if source.navigation:
        # In the order of `inav`.
        record["fit_on"] = np.array(places)[:, ::-1]
    return model, labels, grid, record


def _period(period, source, finds):
    """Period that is given in pixels, or "auto"; there must be a use for it."""
    pixels = period_in_pixels(period, source.axes, source.shape)
    if not finds and not is_auto(period):
        raise ValueError(
            'period must be "auto" where nothing follows from it (refine=False with '
            f"all lengths given), got {shown(period)}."
        )
    return pixels


def _labels(model, source, grid, lazy_output, how):
    """Labels of frames by a model."""
    if not source.is_lazy:
        return label_frame(model, source.frames, source.mask, grid.stride, **how)
    given = Labels(model, grid, **how), source.frames, None, source.mask
    if lazy_output:
        return lazy(*given)
    try:
        return run(*given, description="Segmenting")
    except FrameError as error:
        error.add_note(
            "With lazy_output=True, and save_frames(on_error='mask') of the "
            "result, the other frames are labelled."
        )
        raise


def _log_period(periods, lengths, axes):
    """Log the period that is found, and the lengths that follow from it."""
    sizes = " by ".join(
        f"{periods.period * abs(axis.scale):.4g} {unit(axis)}".strip() for axis in axes
    )
    longer = periods.superlattice_period
    _logger.info(
        "Lattice period of %.2f pixels, %s along (y, x)%s; the reflections have "
        "%.0f %% of the power. Lengths that are not given: %s.",
        periods.period,
        sizes,
        "" if longer is None else f", and of {longer:.4g} pixels above it",
        100 * periods.share,
        lengths,
    )


def periods_record(periods, axes):
    """What the metadata say of the periods, in types that files can hold.

    Parameters
    ----------
    periods : Periods
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    dict
        The period and that of a superlattice in pixels, 0 if there is none, and in
        axis units along (y, x).
    """
    period = periods.period or 0.0
    superlattice = periods.superlattice_period or 0.0
    sizes = np.array([abs(axis.scale) for axis in axes])
    return {
        "period": period,
        "period_in_units": period * sizes,
        "period_units": [unit(axis) for axis in axes],
        "superlattice_period": superlattice,
        "superlattice_period_in_units": superlattice * sizes,
        "reflections": periods.reflections,
        "reflections_share": periods.share,
    }


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
            signal, "Pattern", "symmetry_labels", Symmetry_segmentation=record
        ),
    )
    if not certainty:
        return labels
    return labels, (LazySignal2D if lazy else Signal2D)(
        probabilities, axes=axes, **result_metadata(signal, "Certainty")
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


def _check_given_model(model, axes, descriptor, parameters, asked):
    """Check a model, and that what is given with it is its own or not given at all."""
    if not isinstance(model, SymmetryModel):
        raise TypeError(f"model must be a SymmetryModel or None, got {shown(model)}.")
    check_pixel_size(model, axes)
    _check_descriptor(model, descriptor, parameters, axes)
    _check_period(model, asked["period"], axes)
    for name, own in {
        "n_patterns": model.n_patterns,
        "n_components": len(model.components),
        "n_operations": len(model.mean),
        "random_state": model.random_state,
        "refine": model.templates is not None,
    }.items():
        given = asked[name]
        if not any(_is_same(given, value) for value in (own, DEFAULTS[name])):
            raise ValueError(
                f"{name} must be {own!r} with this model, got {shown(given)}."
                + " Make a smaller one with `model.select`." * (name == "n_operations")
            )


def _check_period(model, period, axes):
    """Check that a period given with a model is the model's own."""
    own = None if model.templates is None else model.templates.period
    if is_auto(period):
        return
    if own is None:
        rule = 'period must be "auto" with this model, which has no templates'
        raise ValueError(f"{rule}, got {shown(period)}.")
    # A frame as small as that would not be labelled.
    pixels = period_in_pixels(period, axes, [axis.size for axis in axes])
    if not math.isclose(pixels, own, rel_tol=1e-6):
        raise ValueError(
            f'period must be {own:g} pixels, or "auto", with this model, got '
            f"{shown(period)}."
        )


def _is_same(given, value):
    """Whether a number or a word is another; no array is."""
    if given is value:
        return True
    is_one = is_number(given) or isinstance(given, str | bool | np.bool_)
    return is_one and bool(given == value)


def _check_descriptor(model, descriptor, parameters, axes):
    """Check that a descriptor given with a model is the model's own."""
    name, own = describe(model.descriptor)
    is_default = isinstance(descriptor, str) and descriptor == DEFAULTS["descriptor"]
    wanted = name if is_default else descriptor
    defaults = own if isinstance(name, list) else {name: own}
    if split(wanted) != split(name):
        defaults = {}
    parameters = without_auto(parameters, split(wanted))
    given = descriptor_in_pixels(wanted, parameters, axes, defaults)
    if given != model.descriptor:
        raise ValueError(
            f"descriptor must be {model.descriptor!r} with this model, got "
            f"{shown(wanted)} with the parameters {shown(parameters)}."
        )
