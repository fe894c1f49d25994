# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the methods, as HyperSpy's users give them, made into pixels."""

import logging

import numpy as np

from hyperspy_symseg.descriptors.registry import (
    describe,
    descriptor_class,
    join,
    parameter_names,
    split,
)
from hyperspy_symseg.frames.checks import (
    LARGEST_LENGTH,
    as_array,
    check_distinct,
    check_mask,
    check_mask_dtype,
    is_auto,
    is_pair,
    is_sequence,
    shown,
)
from hyperspy_symseg.lattice import Lengths

from .axes import PIXEL_SIZE_TOLERANCE, unit

_logger = logging.getLogger(__name__)


def without_auto(parameters, descriptors):
    """Parameters that are given, without lengths that are to be found.

    Parameters
    ----------
    parameters : dict
        As the methods take them.
    descriptors : list
        Names of descriptors; others are ignored.

    Returns
    -------
    dict
    """
    names = [name for name in descriptors if isinstance(name, str)]
    found = {key for name in names for key in Lengths().parameters(name)}
    return {
        key: value
        for key, value in parameters.items()
        if not (is_auto(value) and key in found)
    }


def _is_float(value):
    return isinstance(value, float | np.floating)


def length_in_pixels(name, value, axes):
    """Length in pixels from an int (pixels) or a float (axis units).

    Parameters
    ----------
    name : str
        The argument, for messages.
    value : int, float or a pair of these
        Along (y, x).
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    int or pair of int
        What is not a float is handed on as it is.

    Raises
    ------
    ValueError
        If a float is not a length of pixels, or is given once for axes of different
        units.
    """
    is_pair = is_sequence(value)
    pair = tuple(value) if is_pair else (value, value)
    if not any(map(_is_float, pair)):
        return value
    if not is_pair and unit(axes[0]) != unit(axes[1]):
        raise ValueError(
            f"{name} must be a pair (y, x), or an int of pixels, for axes of the units "
            f"{unit(axes[0])!r} and {unit(axes[1])!r}, got {shown(value)}."
        )
    pixels = []
    for length, axis in zip(pair, axes, strict=False):
        if _is_float(length):
            # One of float16 would overflow.
            length = float(length) / abs(axis.scale)
            if not 0.5 < length <= LARGEST_LENGTH:
                raise ValueError(
                    f"{name} must be a length from 1 to {LARGEST_LENGTH} pixels of "
                    f"{abs(axis.scale):g} {unit(axis) or '(no unit)'}, got "
                    f"{shown(value)}, which is {length:g} pixels."
                )
            length = round(length)
        pixels.append(length)
    _logger.info("%s=%r is %s pixels along (y, x).", name, value, tuple(pixels))
    return (*pixels, *pair[2:])


def single_length_in_pixels(name, value, axes):
    """Length that is not a pair, in pixels; as `length_in_pixels` else."""
    pixels = length_in_pixels(name, value, axes)
    return pixels[0] if _is_float(value) else pixels


def _glides_in_pixels(glides, axes):
    """Pairs (angle, glide) with the glides in pixels; what is no pair is handed on."""
    return [
        (pair[0], single_length_in_pixels("glides", pair[1], axes))
        if is_pair(pair)
        else pair
        for pair in check_distinct("glides", glides)
    ]


def shifts_in_pixels(name, value, axes):
    """Shifts in pixels from an array of int (pixels) or of float (axis units).

    Parameters
    ----------
    name : str
        The argument, for messages.
    value : (n, 2) array
        Shifts (dy, dx).
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    (n, 2) numpy.ndarray
        What is not an array of float is handed on as it is.

    Raises
    ------
    ValueError
        If a shift is not finite, or too large for any image.
    """
    try:
        shifts = np.asarray(value)
    except ValueError:
        return value
    if shifts.dtype.kind != "f" or shifts.shape[-1:] != (2,):
        return value
    pixels = np.rint(shifts / [axis.scale for axis in axes])
    if not (np.abs(pixels) <= LARGEST_LENGTH).all():
        raise ValueError(f"{name} must be shifts within the image, got {shown(value)}.")
    pixels = pixels.astype(int)
    _logger.info("%s are %s pixels along (y, x).", name, pixels.tolist())
    return pixels


def parameters_in_pixels(name, parameters, axes):
    """Make those values of a descriptor's parameters pixels that are lengths.

    Parameters
    ----------
    name : str
        The descriptor.
    parameters : dict
        As the methods take them.
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a value is not allowed.
    """
    pixels = dict(parameters)
    kind = descriptor_class(name)
    for operations, replaced in kind.lists.items():
        for key in replaced:
            if pixels.get(operations) is not None and key in pixels:
                raise ValueError(
                    f"{key} must not be given with {operations}, got "
                    f"{shown(pixels[key])}."
                )
    for key, can_be_pair in kind.lengths.items():
        if pixels.get(key) is not None:
            convert = length_in_pixels if can_be_pair else single_length_in_pixels
            pixels[key] = convert(key, pixels[key], axes)
    if pixels.get("glides") is not None:
        pixels["glides"] = _glides_in_pixels(pixels["glides"], axes)
    if pixels.get("translations") is not None:
        pixels["translations"] = shifts_in_pixels(
            "translations", pixels["translations"], axes
        )
    return pixels


def descriptor_in_pixels(descriptor, parameters, axes, defaults=None):
    """Descriptor from names and their parameters, or from instances.

    Parameters
    ----------
    descriptor : str, Descriptor or list of these
    parameters : dict
        As the methods take them. One goes to every descriptor that has it.
    axes : (DataAxis, DataAxis)
        The axes (y, x).
    defaults : dict, optional
        For names of descriptors, their parameters in pixels where not given.

    Returns
    -------
    Descriptor

    Raises
    ------
    TypeError, ValueError
        If the name, a parameter or its value is not allowed.
    """
    members = split(descriptor)
    names = [member for member in members if isinstance(member, str)]
    known_names = {name: parameter_names(name) for name in names}
    if parameters and not names:
        raise TypeError(
            f"{', '.join(parameters)} must not be given with an instance as "
            f"descriptor, got {', '.join(map(shown, parameters.values()))}."
        )
    for key in parameters:
        if not any(key in keys for keys in known_names.values()):
            listed = (
                f"{name!r} ({', '.join(keys)})" for name, keys in known_names.items()
            )
            raise TypeError(
                "parameters must be among those of descriptor "
                f"{' and '.join(listed)}, got {key!r}."
            )
    made = []
    for member in members:
        if isinstance(member, str):
            own = {k: v for k, v in parameters.items() if k in known_names[member]}
            pixels = parameters_in_pixels(member, own, axes)
            known = (defaults or {}).get(member, {})
            made.append(descriptor_class(member)(**known | pixels))
        else:
            describe(member)
            made.append(member)
    descriptor = join(made)
    if descriptor.isotropic:
        _check_square_pixels(axes)
    return descriptor


def _check_square_pixels(axes):
    """Check that a circle of pixels is a circle of the specimen."""
    (y, x), (unit_y, unit_x) = axes, map(unit, axes)
    if unit_y != unit_x or abs(abs(y.scale / x.scale) - 1) > PIXEL_SIZE_TOLERANCE:
        raise ValueError(
            "signal must have pixels of equal size along y and x, to "
            f"{PIXEL_SIZE_TOLERANCE:.0%}, for a descriptor with a radius, got "
            f"{y.scale:g} {unit_y} by {x.scale:g} {unit_x}."
        )


def mask_array(mask, shape):
    """Mask as an array, from an array or a signal.

    Parameters
    ----------
    mask : array of bool, BaseSignal or None
        True where a pixel is left out.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    numpy.ndarray or None

    Raises
    ------
    TypeError, ValueError
        If it is not boolean, or its shape is another.
    """
    return check_mask(mask.data if hasattr(mask, "axes_manager") else mask, shape)


def series_mask(mask, shape):
    """Mask of a series as an array, from an array or a signal.

    Parameters
    ----------
    mask : array of bool, BaseSignal or None
        True where a pixel is left out; of one frame for all, or of every frame.
    shape : tuple of int
        Shape of the series, rows and columns last.

    Returns
    -------
    numpy.ndarray or dask.array.Array, or None

    Raises
    ------
    TypeError, ValueError
        If it is not boolean, or its shape is another.
    """
    array = mask.data if hasattr(mask, "axes_manager") else mask
    if array is not None and not hasattr(array, "dtype"):
        array = as_array("mask", array)
    if array is None or array.ndim <= 2:
        return mask_array(array, shape[-2:])
    check_mask_dtype(array)
    if array.shape != tuple(shape):
        raise ValueError(
            f"mask must have the shape of a frame, {tuple(shape[-2:])}, or of the "
            f"whole series, {tuple(shape)}, got {array.shape}."
        )
    return array
