# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the methods, as HyperSpy's users give them, made into pixels."""

import functools
import logging

import numpy as np

from hyperspy_symseg.descriptors.base import (
    check_mask,
    describe,
    make_descriptor,
    parameter_names,
)

_logger = logging.getLogger(__name__)

# Parameters of descriptors that are a length, or a list of shifts.
LENGTHS = ("patch", "window")
SHIFTS = ("translations",)
LARGEST_LENGTH = 2**31  # pixels


def image_axes(signal):
    """Signal axes (y, x) of a single image.

    Parameters
    ----------
    signal : hyperspy.signals.Signal2D

    Returns
    -------
    (DataAxis, DataAxis)

    Raises
    ------
    ValueError
        If the signal has navigation axes, or its axes are not uniform.
    """
    if signal.axes_manager.navigation_dimension:
        raise ValueError(
            "signal has navigation axes, it is a series of "
            f"{signal.axes_manager.navigation_shape} images: allowed is a single image "
            "(in Python, take one with `inav`)."
        )
    x, y = signal.axes_manager.signal_axes
    for name, axis in (("y", y), ("x", x)):
        if not axis.is_uniform:
            raise ValueError(
                f"axis {axis_name(axis, name)} is not uniform: allowed are uniform "
                "axes; see `DataAxis.convert_to_uniform_axis`."
            )
    return y, x


def unit(axis):
    """Unit of an axis as a string, empty if it has none."""
    return axis.units if isinstance(axis.units, str) else ""


def axis_name(axis, default):
    """Name of an axis, or the default if it has none."""
    return axis.name if isinstance(axis.name, str) else default


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
    is_pair = np.ndim(value) == 1
    pair = tuple(value) if is_pair else (value, value)
    if not any(map(_is_float, pair)):
        return value
    if not is_pair and unit(axes[0]) != unit(axes[1]):
        raise ValueError(
            f"{name}={value!r} for axes of the units {unit(axes[0])!r} and "
            f"{unit(axes[1])!r}: allowed is a pair (y, x), or an int of pixels."
        )
    pixels = []
    for length, axis in zip(pair, axes, strict=False):
        if _is_float(length):
            length = length / abs(axis.scale)
            if not 0.5 < length < LARGEST_LENGTH:
                raise ValueError(
                    f"{name}={value!r} is {length:g} pixels: allowed is a length of at "
                    f"least one pixel, here {axis.scale:g} {unit(axis)}."
                )
            length = round(length)
        pixels.append(length)
    _logger.info("%s=%r is %s pixels along (y, x).", name, value, tuple(pixels))
    return (*pixels, *pair[2:])


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
    shifts = np.asarray(value)
    if shifts.dtype.kind != "f" or shifts.shape[-1:] != (2,):
        return value
    pixels = np.rint(shifts / [axis.scale for axis in axes])
    if not (np.abs(pixels) < LARGEST_LENGTH).all():
        raise ValueError(f"{name}={value!r}: allowed are shifts within the image.")
    pixels = pixels.astype(int)
    _logger.info("%s are %s pixels along (y, x).", name, pixels.tolist())
    return pixels


def parameters_in_pixels(name, parameters, axes):
    """Check the names of a descriptor's parameters and make their values pixels.

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
    TypeError
        If the descriptor has no such parameter.
    ValueError
        If a value is not allowed.
    """
    allowed = parameter_names(name)
    for key in parameters:
        if key not in allowed:
            raise TypeError(
                f"{key!r} is not a parameter: allowed for descriptor={name!r} are "
                f"{', '.join(allowed)}."
            )
    if parameters.get("translations") is not None:
        for key in ("window", "max_operations"):
            if key in parameters:
                raise ValueError(
                    f"{key}={parameters[key]!r} with translations: allowed is one or "
                    "the other."
                )
    pixels = dict(parameters)
    for convert, keys in ((length_in_pixels, LENGTHS), (shifts_in_pixels, SHIFTS)):
        for key in keys:
            if pixels.get(key) is not None:
                pixels[key] = convert(key, pixels[key], axes)
    return pixels


def descriptor_in_pixels(descriptor, parameters, axes):
    """Descriptor from a name and its parameters, or an instance without any.

    Parameters
    ----------
    descriptor : str or Descriptor
    parameters : dict
        As the methods take them.
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    Descriptor

    Raises
    ------
    TypeError, ValueError
        If the name, a parameter or its value is not allowed.
    """
    if isinstance(descriptor, str):
        pixels = parameters_in_pixels(descriptor, parameters, axes)
        return make_descriptor(descriptor, **pixels)
    if parameters:
        raise TypeError(
            f"{', '.join(parameters)} with an instance as descriptor: allowed are "
            "parameters with the name of a descriptor only."
        )
    describe(descriptor)
    return descriptor


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


def progress_bar(show_progressbar, description):
    """HyperSpy's progress bar, or None where none is to be shown.

    Parameters
    ----------
    show_progressbar : bool or None
        None: as in HyperSpy's preferences.
    description : str

    Returns
    -------
    callable or None
        As `map_tiles` takes it.
    """
    import hyperspy.api as hs
    from hyperspy.external.progressbar import progressbar

    if show_progressbar is None:
        show_progressbar = hs.preferences.General.show_progressbar
    if not show_progressbar:
        return None
    return functools.partial(progressbar, desc=description)
