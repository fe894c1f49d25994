# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a fitted model can be applied to a signal, as the user asks for it."""

import numpy as np

from hyperspy_symseg.descriptors import describe
from hyperspy_symseg.descriptors.registry import split
from hyperspy_symseg.frames.checks import is_number, shown
from hyperspy_symseg.segmentation import SymmetryModel

from .arguments import descriptor_in_pixels, without_auto
from .axes import PIXEL_SIZE_TOLERANCE, axis_name, is_product_of_units, unit

# Of `Signal2D.segment_symmetry`, for what need not be given with a model.
DEFAULTS = {
    "n_patterns": 2,
    "descriptor": "translation",
    "n_components": 5,
    "n_operations": None,
    "random_state": 0,
    "refine": "auto",
}


def check_given_model(
    model,
    axes,
    descriptor,
    parameters,
    *,
    n_patterns,
    n_components,
    n_operations,
    random_state,
    refine="auto",
):
    """Check a model, and that what is given with it is its own or not given at all.

    Parameters
    ----------
    model : SymmetryModel
    axes : (DataAxis, DataAxis)
        The axes (y, x) of the signal.
    descriptor, parameters
        As given to `Signal2D.segment_symmetry`.
    n_patterns, n_components, n_operations, random_state, refine
        As given to `Signal2D.segment_symmetry`.

    Raises
    ------
    TypeError
        If it is not a model.
    ValueError
        If it was fitted at another pixel size, or something given contradicts it.
    """
    if not isinstance(model, SymmetryModel):
        raise TypeError(f"model must be a SymmetryModel or None, got {shown(model)}.")
    check_pixel_size(model, axes)
    _check_descriptor(model, descriptor, parameters, axes)
    for name, given, own in (
        ("n_patterns", n_patterns, model.n_patterns),
        ("n_components", n_components, len(model.components)),
        ("n_operations", n_operations, len(model.mean)),
        ("random_state", random_state, model.random_state),
        ("refine", refine, model.templates is not None),
    ):
        if not any(_is_same(given, value) for value in (own, DEFAULTS[name])):
            raise ValueError(
                f"{name} must be {own!r} with this model, got {shown(given)}."
                + " Make a smaller one with `model.select`." * (name == "n_operations")
            )


def _is_same(given, value):
    """Whether a number or a word is another; no array is."""
    if given is value:
        return True
    is_one = is_number(given) or isinstance(given, str | bool | np.bool_)
    return is_one and bool(given == value)


def check_pixel_size(model, axes):
    """Check that an image has the pixel size that a model was fitted at.

    Parameters
    ----------
    model : SymmetryModel
    axes : (DataAxis, DataAxis)
        The axes (y, x) of the image.

    Raises
    ------
    ValueError
        If it has another.
    """
    if model.pixel_size is None:
        return
    for axis, size, units, default in zip(
        axes, model.pixel_size, model.units, "yx", strict=True
    ):
        fitted = axis.copy()
        fitted.scale, fitted.units = size, units or axis.units
        if is_product_of_units(unit(axis)) and is_product_of_units(units):
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
                "model must be fitted at the pixel size of axis "
                f"{axis_name(axis, default)}, {axis.scale:g} "
                f"{unit(axis) or '(no unit)'}, to {PIXEL_SIZE_TOLERANCE:.0%}, got "
                f"{size:g} {units or '(no unit)'}."
            )


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
