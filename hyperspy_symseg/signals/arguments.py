# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the methods, as HyperSpy's users give them, made into pixels."""

import contextlib
import logging
import math

import hyperspy.api as hs
import numpy as np
from hyperspy.external.progressbar import progressbar
from hyperspy.signals import Signal2D

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
    check_flag,
    check_mask,
    check_mask_dtype,
    check_number,
    is_auto,
    is_number,
    is_pair,
    is_sequence,
    is_whole_number,
    shown,
)
from hyperspy_symseg.frames.progress import ProgressBar
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.frames.tiling import evenly_spread
from hyperspy_symseg.lattice import Lengths

from .axes import PIXEL_SIZE_TOLERANCE, in_angstroms, unit
from .regions import region_mask

_logger = logging.getLogger(__name__)

# Frames that a model is fitted on unless asked otherwise, spread over the series.
N_FIT_FRAMES = 8
WHAT_FIT_ON_IS = (
    "fit_on must be a number of frames, a slice, indices as `inav` takes them (with "
    "several navigation axes, pairs and so on), or a fitted SymmetryModel"
)

WHAT_PATTERNS_ARE = (
    "patterns must be a dict of names and examples, or labels of int with -1 where the "
    "pattern is not known"
)


def check_signal(signal):
    """Raise an error if a function of images is given anything else.

    Parameters
    ----------
    signal : Signal2D

    Raises
    ------
    TypeError

    Examples
    --------
    >>> check_signal(np.ones((3, 4)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    TypeError: signal must be a Signal2D, got a ndarray. There is ...
    """
    if not isinstance(signal, Signal2D):
        raise TypeError(
            f"signal must be a Signal2D, got a {type(signal).__name__}. There is "
            "`hs.signals.Signal2D` for arrays, and `as_signal2D` for spectrum images."
        )


@contextlib.contextmanager
def working(description, show_progressbar, num_workers):
    """Context of a method, with its threads and its progress bar.

    Parameters
    ----------
    description : str
        What the bar says until a phase begins.
    show_progressbar : bool or None
        None: as in HyperSpy's preferences.
    num_workers : int or None
        None: one a processor.

    Raises
    ------
    TypeError, ValueError
        If one of them is not allowed.
    """
    if check_flag("show_progressbar", show_progressbar, None) is None:
        show_progressbar = hs.preferences.General.show_progressbar
    bar = ProgressBar(progressbar if show_progressbar else None, description)
    with bar, workers(num_workers, bar.progress):
        yield


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
    is_one = not is_sequence(value)
    pair = (value, value) if is_one else tuple(value)
    if not any(map(_is_float, pair)):
        return value
    if is_one and unit(axes[0]) != unit(axes[1]):
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


def area_in_pixels(name, value, axes):
    """Area in pixels from an int (pixels) or a float (squared axis units).

    Parameters
    ----------
    name : str
        The argument, for messages.
    value : int or float
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    int
        A float is rounded up to whole pixels.

    Raises
    ------
    TypeError, ValueError
        If it is no number, negative, or larger than any frame.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> axis = UniformDataAxis(size=100, scale=0.5)
    >>> [area_in_pixels("min_area", value, (axis, axis)) for value in (3, 3.1)]
    [3, 13]
    """
    rule = f"{name} must be an int of pixels, or a float of axis units, of at least 0"
    if not is_number(value):
        raise TypeError(f"{rule}, got {shown(value)}.")
    pixels = value
    if _is_float(value):
        pixels = float(value) / abs(axes[0].scale * axes[1].scale)
        # What is a whole number but for rounding.
        pixels = pixels - 1e-9 * abs(pixels)
    elif not is_whole_number(value):
        raise TypeError(f"{rule}, got {shown(value)}.")
    if not 0 <= pixels <= LARGEST_LENGTH**2:
        raise ValueError(f"{rule}, got {shown(value)}.")
    return math.ceil(pixels)


def period_in_pixels(period, axes, shape):
    """Lattice period in pixels, which is not rounded.

    Parameters
    ----------
    period : int, float or "auto"
        An int is pixels, a float axis units.
    axes : (DataAxis, DataAxis)
        The axes (y, x).
    shape : (int, int)
        Rows and columns of a frame.

    Returns
    -------
    float or "auto"

    Raises
    ------
    TypeError, ValueError
        If it is not one, is longer than a side, or is a float for pixels that are not
        of equal size along y and x.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> axis = UniformDataAxis(size=100, scale=0.02)
    >>> period_in_pixels(7, (axis, axis), (100, 100))
    7.0
    >>> period_in_pixels(0.25, (axis, axis), (100, 100))
    12.5
    """
    # The templates are nothing that scores need.
    from hyperspy_symseg.templates.model import PERIODS

    if is_auto(period):
        return period
    if not is_number(period):
        raise TypeError(
            'period must be "auto", an int of pixels, or a float of axis units, got '
            f"{shown(period)}."
        )
    pixels = period
    if _is_float(period):
        _check_pixels_are_alike(axes, "for a float as period")
        pixels = float(period) / abs(axes[0].scale)
    least, most = PERIODS[0], min(shape)
    if not least <= pixels <= most:
        rule = f"period must be from {least:g} to {most} pixels, the shorter side"
        is_what = ""
        if _is_float(period):
            size = f"{abs(axes[0].scale):g} {unit(axes[0]) or '(no unit)'}"
            is_what = f", which is {pixels:g} pixels of {size}"
        raise ValueError(f"{rule}, got {shown(period)}{is_what}.")
    return float(pixels)


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
            listed = " and ".join(
                f"{name!r} ({', '.join(keys)})" for name, keys in known_names.items()
            )
            raise TypeError(
                "arguments must be those of the method, or parameters of descriptor "
                f"{listed}, got {key!r}."
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
        _check_pixels_are_alike(axes, "for a descriptor with a radius")
    return descriptor


def _check_pixels_are_alike(axes, what_for):
    """Check that a circle of pixels is a circle of the specimen."""
    (y, x), (unit_y, unit_x) = axes, map(unit, axes)
    if unit_y != unit_x or abs(abs(y.scale / x.scale) - 1) > PIXEL_SIZE_TOLERANCE:
        raise ValueError(
            "signal must have pixels of equal size along y and x, to "
            f"{PIXEL_SIZE_TOLERANCE:.0%}, {what_for}, got "
            f"{y.scale:g} {unit_y} by {x.scale:g} {unit_x}."
        )


def mask_array(mask, shape):
    """Mask as an array, from an array or a signal.

    Parameters
    ----------
    mask : array of bool, BaseSignal or None
        True where a pixel is left out; of one frame for all, or of every frame.
    shape : tuple of int
        Shape of the frame or the series, rows and columns last.

    Returns
    -------
    numpy.ndarray or, of every frame, dask.array.Array; or None

    Raises
    ------
    TypeError, ValueError
        If it is not boolean, or its shape is another.
    """
    array = mask.data if hasattr(mask, "axes_manager") else mask
    if array is not None and not hasattr(array, "dtype"):
        array = as_array("mask", array)
    if array is None or array.ndim <= 2 or len(shape) == 2:
        return check_mask(array, shape[-2:])
    check_mask_dtype(array)
    if array.shape != tuple(shape):
        raise ValueError(
            f"mask must have the shape of a frame, {tuple(shape[-2:])}, or of the "
            f"whole series, {tuple(shape)}, got {array.shape}."
        )
    return array


def pattern_examples(patterns, axes):
    """Labels of the pixels whose pattern is known, and names of the patterns.

    Parameters
    ----------
    patterns : dict, array of int or Signal2D
        As of ``Signal2D.segment_symmetry``.
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    labels : (rows, columns) numpy.ndarray of int16
        -1 where the pattern is not known.
    names : tuple of str or None

    Raises
    ------
    TypeError, ValueError
        If an example is not allowed, is empty or not in the frame, or two overlap.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> axes = UniformDataAxis(size=2), UniformDataAxis(size=3)
    >>> pattern_examples({"rim": [[1, 0, 0]] * 2 == np.ones((2, 1))}, axes)
    (array([[ 0, -1, -1],
           [ 0, -1, -1]], dtype=int16), ('rim',))
    """
    # Scores do without all that a model takes.
    from hyperspy_symseg.segmentation.examples import checked_examples, without_gaps
    from hyperspy_symseg.segmentation.fit_options import check_names

    shape = tuple(axis.size for axis in axes)
    if not isinstance(patterns, dict):
        names = getattr(patterns, "pattern_names", None)
        array = as_array("patterns", getattr(patterns, "data", patterns))
        if array.dtype.kind not in "iu":
            raise TypeError(f"{WHAT_PATTERNS_ARE}, got {shown(patterns)}.")
        if hasattr(patterns, "pattern_names"):
            array, names = without_gaps(array, names)
        n_patterns = int(array.max(initial=-1)) + 1
        labels = checked_examples(array, shape, n_patterns, "patterns")
        return labels, names
    if not patterns:
        raise ValueError("patterns must have one example or more, got none.")
    names = check_names(list(patterns), len(patterns), "names in patterns")
    labels = np.full(shape, -1, np.int16)
    for pattern, (name, example) in enumerate(patterns.items()):
        own = region_mask(f"patterns[{name!r}]", example, axes)
        both = labels[own]
        if (both >= 0).any():
            raise ValueError(
                "patterns must have examples that do not overlap, got those of "
                f"{names[both.max()]!r} and {name!r}, with "
                f"{np.count_nonzero(both >= 0)} pixels in common."
            )
        labels[own] = pattern
    return labels, names


def fit_frames(fit_on, axes):
    """Frames of a series that a model is fitted on.

    Parameters
    ----------
    fit_on : int, slice, sequence or None
        How many, spread over the series; a slice of it (with several navigation axes,
        of the frames in the order of the array); or indices in the order of `inav`,
        int for places and float for values on the axes. None: up to 8.
    axes : list of DataAxis
        The navigation axes, in the order of the array.

    Returns
    -------
    list of tuple of int
        Places in the array, ascending.

    Raises
    ------
    TypeError, ValueError
        If it is something else, or names no frame or one that does not exist.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> time = UniformDataAxis(size=11, scale=0.5, navigate=True)
    >>> fit_frames(3, [time])
    [(0,), (5,), (10,)]
    >>> fit_frames([2.5, -1], [time])
    [(5,), (10,)]
    """
    shape = tuple(axis.size for axis in axes)
    n_frames = int(np.prod(shape))
    if fit_on is None:
        places = evenly_spread(n_frames, min(N_FIT_FRAMES, n_frames))
    elif is_whole_number(fit_on):
        if not 1 <= fit_on <= n_frames:
            raise ValueError(
                f"fit_on must be from 1 to {n_frames} frames, got {shown(fit_on)}. For "
                "the frame of this index, use a list."
            )
        places = evenly_spread(n_frames, int(fit_on))
    elif isinstance(fit_on, slice):
        places = _in_slice(fit_on, axes, n_frames)
    else:
        try:
            indices = check_distinct("fit_on", fit_on)
        except TypeError as error:
            raise TypeError(f"{WHAT_FIT_ON_IS}, got {shown(fit_on)}.") from error
        places = {_place(index, axes, fit_on) for index in indices}
    return [tuple(map(int, np.unravel_index(place, shape))) for place in sorted(places)]


def _in_slice(wanted, axes, n_frames):
    bounds = [wanted.start, wanted.stop]
    for i, bound in enumerate(bounds):
        if isinstance(bound, float | np.floating):
            if len(axes) > 1:
                raise ValueError(
                    f"fit_on must be a slice of whole numbers with {len(axes)} "
                    f"navigation axes, got {shown(wanted)}."
                )
            bounds[i] = _index_of(bound, axes[0], wanted)
    try:
        places = range(n_frames)[slice(*bounds, wanted.step)]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{WHAT_FIT_ON_IS}, got {shown(wanted)}.") from error
    if not places:
        raise ValueError(
            f"fit_on must have one or more of the {n_frames} frames there are, got "
            f"{shown(wanted)}."
        )
    return list(places)


def _place(index, axes, fit_on):
    """Place of a frame among all, from its index in the order of `inav`."""
    index = tuple(index) if isinstance(index, tuple | list) else (index,)
    if len(index) != len(axes):
        raise ValueError(
            f"{WHAT_FIT_ON_IS}, got {shown(fit_on)} with {len(axes)} navigation axes."
        )
    places = [
        _index_of(value, axis, fit_on)
        for value, axis in zip(index[::-1], axes, strict=True)
    ]
    return int(np.ravel_multi_index(places, [axis.size for axis in axes]))


def _index_of(value, axis, fit_on):
    """Index on an axis from an index or a value on it."""
    if is_whole_number(value):
        value = int(value)
        if not -axis.size <= value < axis.size:
            raise ValueError(
                f"fit_on must have frames from -{axis.size} to {axis.size - 1} along "
                f"axis {axis.name}, got {shown(value)} in {shown(fit_on)}."
            )
        return value % axis.size
    if isinstance(value, float | np.floating):
        try:
            return int(axis.value2index(float(value)))
        except ValueError as error:
            raise ValueError(
                f"fit_on must have frames from {axis.low_value:g} to "
                f"{axis.high_value:g} {axis.units} along axis {axis.name}, got {value} "
                f"in {shown(fit_on)}."
            ) from error
    raise TypeError(f"{WHAT_FIT_ON_IS}, got {shown(fit_on)}.")


def defoci_of(signal, material, given):
    """Defoci of three images, as asked of or on their axis of navigation.

    Parameters
    ----------
    signal : Signal2D
    material : str or None
    given : bool or sequence of float
        In angstroms.

    Returns
    -------
    tuple of float or None
        In angstroms; None if the signal is no focal series.

    Raises
    ------
    TypeError, ValueError
        If the signal or what is given is not allowed.
    """
    from hyperspy_symseg.networks.hrtem_sites import SERIES

    is_flag = isinstance(given, bool | np.bool_)
    if not is_flag and not is_sequence(given):
        raise TypeError(
            "focal_series must be True, False or three defoci in angstroms, got "
            f"{shown(given)}."
        )
    if is_flag and not given:
        return None
    if material not in SERIES:
        raise ValueError(
            f"material must be one of {', '.join(map(repr, SERIES))} for a focal "
            f"series, got {shown(material)}."
        )
    axes = signal.axes_manager.navigation_axes
    if len(axes) != 1 or axes[0].size != 3:
        raise ValueError(
            "focal_series must be of a signal of three images along one axis of "
            f"navigation, got {shown(signal)}."
        )
    if not is_flag:
        found = tuple(check_number("focal_series", x, -1e5, 1e5) for x in given)
        if len(found) != 3:
            raise ValueError(
                f"focal_series must be three defoci in angstroms, got {shown(given)}."
            )
        return found
    known = in_angstroms(axes[0])
    if known is None:
        raise ValueError(
            "focal_series must be three defoci in angstroms where the axis of "
            f"navigation has no unit of length, got {shown(given)}."
        )
    return tuple(known.tolist())
