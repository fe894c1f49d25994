# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes of signals: what images have, and what results get."""

import re
import warnings

import numpy as np

# Relative difference up to which pixels are of the same size.
PIXEL_SIZE_TOLERANCE = 0.01
# Of operations: pixels along an axis of the frame, or cycles a pixel.
FRAME_UNITS = ("y", "x", "1/y", "1/x")
# Units that pint may parse, and how many characters they may have.
_FACTOR = r"(?:1|[^\W\d_]+|[%°])(?:(?:\*\*|\^)-?\d|⁻?[¹²³⁴-⁹])?"
PRODUCT_OF_UNITS = re.compile(rf"\s*{_FACTOR}(?:\s*[*/·]\s*{_FACTOR}|\s+{_FACTOR})*\s*")
LONGEST_UNIT = 40
# Frames per second of a movie whose frames have no time; slower and faster than these
# cannot be followed.
FRAMES_PER_SECOND, SLOWEST, FASTEST = 10, 1, 30
# Decimals of a time stamp, at most; beyond, it is written with as many digits.
MOST_DECIMALS = 6
# What pint takes for 1/96 of an inch.
PIXELS = "px", "css_pixel"


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
        If the signal has navigation axes, is ragged, or its axes are not uniform.
    """
    if signal.axes_manager.navigation_dimension:
        raise ValueError(
            "signal must be a single image, got a series of "
            f"{signal.axes_manager.navigation_shape} images with navigation axes (in "
            "Python, take one with `inav`)."
        )
    return frame_axes(signal)


def frame_axes(signal):
    """Signal axes (y, x) of an image or of the frames of a series.

    Parameters
    ----------
    signal : hyperspy.signals.Signal2D

    Returns
    -------
    (DataAxis, DataAxis)

    Raises
    ------
    ValueError
        If the signal is ragged, masked, empty or of unknown shape, or its signal axes
        are not uniform.
    """
    if signal.ragged:
        raise ValueError(
            "signal must hold frames of the same shape in one array, got a ragged one."
        )
    if 0 in signal.data.shape:
        raise ValueError(
            "signal must have at least one frame of at least one pixel, got the shape "
            f"{signal.data.shape}."
        )
    if np.isnan(signal.data.shape).any():
        raise ValueError(
            "signal must have chunks of known sizes, got the shape "
            f"{signal.data.shape} (see `compute_chunk_sizes` of dask arrays)."
        )
    if isinstance(getattr(signal.data, "_meta", signal.data), np.ma.MaskedArray):
        raise ValueError(
            "signal must hold a plain array, got a masked one. Give what is left out "
            "as mask=."
        )
    x, y = signal.axes_manager.signal_axes
    for name, axis in (("y", y), ("x", x)):
        if not axis.is_uniform:
            raise ValueError(
                f"axis {axis_name(axis, name)} must be uniform, got a "
                f"{type(axis).__name__} (see its `convert_to_uniform_axis`)."
            )
        if not np.isfinite(axis.scale) or not axis.scale:
            raise ValueError(
                f"axis {axis_name(axis, name)} must have a finite scale other than 0, "
                f"got {axis.scale}."
            )
    return y, x


def navigation_axes(signal):
    """Navigation axes of a signal in the order of the array: list of DataAxis."""
    return list(signal.axes_manager.navigation_axes[::-1])


def unit(axis):
    """Unit of an axis as a string, empty if it has none."""
    return axis.units if isinstance(axis.units, str) else ""


def is_product_of_units(text):
    """Whether a unit is one that pint can be asked about.

    A unit from a file may be any text, and pint would compute the powers in it, such as
    9**9**9, for ever.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
        Whether it is a short product of words, each with a power of one digit at most.

    Examples
    --------
    >>> [is_product_of_units(text) for text in ("nm", "1 / nm^2", "m**9**9")]
    [True, True, False]
    """
    return len(text) <= LONGEST_UNIT and bool(PRODUCT_OF_UNITS.fullmatch(text))


def angstroms(axis):
    """Scale and offset of an axis in angstroms.

    Parameters
    ----------
    axis : dict
        Its ``scale``, ``offset`` and ``units``.

    Returns
    -------
    (float, float) or None
        None if it has no unit of length.

    Examples
    --------
    >>> angstroms({"scale": 0.02, "offset": 1.0, "units": "nm"})
    (0.2, 10.0)
    >>> angstroms({"scale": 1.0, "offset": 0.0, "units": "1/nm"})
    """
    from hyperspy.axes import UniformDataAxis

    units = axis["units"]
    if not units or not is_product_of_units(units) or units.strip() in PIXELS:
        return None
    given = {key: axis[key] for key in ("scale", "offset", "units")}
    axis = UniformDataAxis(size=1, **given)
    try:
        with warnings.catch_warnings():
            # HyperSpy leaves a unit that it does not know as it is, and says so.
            warnings.simplefilter("error")
            axis.convert_to_units("angstrom")
    except Exception:
        # pint has errors of many kinds.
        return None
    return float(axis.scale), float(axis.offset)


def in_angstroms(axis):
    """Values of an axis in angstroms: (n,) array, or None without a unit of length."""
    known = angstroms({"scale": 1.0, "offset": 0.0, "units": unit(axis)})
    return None if known is None else known[0] * axis.axis


def seconds(units):
    """Seconds in a unit of time.

    Parameters
    ----------
    units : str

    Returns
    -------
    float or None
        None if it is no unit of time.

    Examples
    --------
    >>> seconds("ms"), seconds("nm")
    (0.001, None)
    """
    import pint

    if not is_product_of_units(units):
        return None
    try:
        parsed = pint.get_application_registry().parse_units(units)
        return float((1 * parsed).to("s").magnitude)
    except Exception:
        # A unit may be any text, and pint has errors of many kinds.
        return None


def axis_name(axis, default):
    """Name of an axis, or the default if it has none."""
    return axis.name if isinstance(axis.name, str) else default


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


def factor_between(axis, other):
    """How many units of one axis are one of another.

    Parameters
    ----------
    axis, other : DataAxis

    Returns
    -------
    float or None
        None if their units are of different kinds, or only one has a unit.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> a, b, c = (UniformDataAxis(size=1, units=each) for each in ("nm", "um", "s"))
    >>> round(factor_between(a, b)), factor_between(a, c)
    (1000, None)
    """
    from hyperspy.axes import UniformDataAxis

    units = unit(axis), unit(other)
    if units[0] == units[1]:
        return 1.0
    if not all(map(is_product_of_units, units)):
        return None
    # A pixel has no length that is known.
    if any(each.strip() in PIXELS for each in units):
        return None
    sizes = []
    for each in units:
        one = UniformDataAxis(size=1, units=each)
        try:
            with warnings.catch_warnings():
                # HyperSpy leaves a unit that it does not know as it is, and says so.
                warnings.simplefilter("error")
                one.convert_to_units(units[0])
        except Exception:
            # pint has errors of many kinds.
            return None
        sizes.append((one.units, one.scale))
    # The same unit, if written in the same way.
    return sizes[1][1] / sizes[0][1] if sizes[0][0] == sizes[1][0] else None


def places_on(axis, other, default):
    """Where the pixels of another axis lie on one.

    Parameters
    ----------
    axis, other : DataAxis
        Of the labels, and of another signal.
    default : str
        Name of an axis that has none.

    Returns
    -------
    inside : slice
        The pixels of the other axis whose middle lies in a pixel of the axis.
    places : (inside,) numpy.ndarray of int
        The pixels that it lies in.

    Raises
    ------
    ValueError
        If their units are of different kinds, or none lies inside.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> fine = UniformDataAxis(size=9, scale=0.1, units="nm")
    >>> coarse = UniformDataAxis(size=5, scale=300, offset=-300, units="pm")
    >>> places_on(fine, coarse, "x")
    (slice(1, 4, None), array([0, 3, 6]))
    """
    factor = factor_between(axis, other)
    name = axis_name(other, default)
    if factor is None:
        wanted = f"a unit such as {unit(axis)}" if unit(axis) else "no unit"
        raise ValueError(
            f"axis {name} of other must have {wanted}, as axis "
            f"{axis_name(axis, default)} of the labels, got "
            f"{unit(other) or 'no unit'}."
        )
    positions = (np.asarray(other.axis, float) * factor - axis.offset) / axis.scale
    # Of positions between two pixels the same one is taken, whatever the rounding.
    places = np.floor(np.clip(positions + 0.5 + 1e-6, -1, axis.size))
    inside = np.flatnonzero((places >= 0) & (places < axis.size))
    if not len(inside):
        ends = axis.low_value, axis.high_value
        raise ValueError(
            f"axis {name} of other must overlap that of the labels, which is from "
            f"{ends[0]:g} to {ends[1]:g} {unit(axis)}, got one from "
            f"{other.low_value:g} to {other.high_value:g} {unit(other)}."
        )
    inside = slice(int(inside[0]), int(inside[-1]) + 1)
    return inside, places[inside].astype(int)


def check_same_axis(axis, other, default, name="other"):
    """Check that an axis is that of another signal.

    Parameters
    ----------
    axis, other : DataAxis
        Of the labels, and of another signal.
    default : str
        Name of an axis that has none.
    name : str
        The argument that the other signal is.

    Raises
    ------
    ValueError
        If its size, its unit or its values differ by more than half a step.
    """
    factor, values = factor_between(axis, other), np.asarray(axis.axis, float)
    same = factor is not None and axis.size == other.size
    if same:
        step = np.abs(np.diff(values)).min(initial=np.inf)
        others = np.asarray(other.axis, float) * factor
        same = (np.abs(others - values) <= step / 2).all()
    if not same:
        raise ValueError(
            f"axis {axis_name(other, default)} of {name} must be that of the labels, "
            f"{axis.size} values from {values[0]:g} to {values[-1]:g} {unit(axis)}, "
            f"got {other.size} from {other.axis[0]:g} to {other.axis[-1]:g} "
            f"{unit(other)}."
        )


def check_same_axes(labels, other, name):
    """Check that another signal has the axes of labels, navigation and signal.

    Parameters
    ----------
    labels : SymmetryLabels
    other : hyperspy.signals.Signal2D
        Of the same shape.
    name : str
        The argument that it is.

    Raises
    ------
    ValueError
        As `check_same_axis`; or if signal axes are not those of an image.
    """
    n = labels.axes_manager.navigation_dimension
    for axis, theirs, default in zip(
        (*navigation_axes(labels), *frame_axes(labels)),
        (*navigation_axes(other), *frame_axes(other)),
        (*["navigation"] * n, "y", "x"),
        strict=True,
    ):
        check_same_axis(axis, theirs, default, name)


def check_one_unit(y, x, what_for):
    """Check that two axes have one unit.

    Parameters
    ----------
    y, x : DataAxis
    what_for : str
        What needs it, such as ``"a length"``.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> y, x = (UniformDataAxis(size=1, units=each) for each in ("nm", "s"))
    >>> check_one_unit(y, x, "a length")
    Traceback (most recent call last):
        ...
    ValueError: axes y and x must have one unit for a length, got 'nm' and 's'.
    """
    if unit(x) != unit(y):
        raise ValueError(
            f"axes {axis_name(y, 'y')} and {axis_name(x, 'x')} must have one unit for "
            f"{what_for}, got {unit(y)!r} and {unit(x)!r}."
        )


def sampled_axes(axes, grid, navigate=False):
    """Axes of the pixels of a grid.

    Parameters
    ----------
    axes : (DataAxis, DataAxis)
        The axes (y, x) of the frame.
    grid : Grid
    navigate : bool
        Whether they are navigation axes.

    Returns
    -------
    list of dict
    """
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


def set_rebinned_axes(result, labels, factors):
    """Give labels of larger pixels their axes, and how far apart they are computed.

    Parameters
    ----------
    result, labels : SymmetryLabels
        After and before.
    factors : tuple of int
        How many pixels became one, in the order of the array.
    """
    result.get_dimensions_from_data()
    pairs = zip(result.axes_manager._axes, labels.axes_manager._axes, strict=True)
    for (axis, source), factor in zip(pairs, factors, strict=True):
        if factor != 1:
            axis.scale = source.scale * factor
            axis.offset = source.offset + (factor - 1) * source.scale / 2
    step = labels.metadata.get_item("Symmetry_segmentation.label_step")
    if step is not None:
        steps = (-(-s // f) for s, f in zip(map(int, step), factors[-2:], strict=True))
        result.metadata.Symmetry_segmentation.label_step = tuple(steps)


def operation_axes(descriptor, axes):
    """Signal axes of scores, along the operations of a descriptor.

    Parameters
    ----------
    descriptor : Descriptor
    axes : (DataAxis, DataAxis)
        The axes (y, x) of the frame.

    Returns
    -------
    list of dict
        One or two, in the order of the array.
    """
    frame_axes = dict(zip("yx", axes, strict=True))
    result = []
    for name, values, units in descriptor.operation_axes:
        if units == "length":
            values, units = values * abs(axes[1].scale), axes[1].units
        along = frame_axes.get(units[-1:]) if units in FRAME_UNITS else None
        if along is not None:
            name = name.format(axis_name(along, units[-1]))
            inverse = units.startswith("1/")
            values = values / along.scale if inverse else values * along.scale
            units = f"1/{unit(along)}" * bool(unit(along)) if inverse else along.units
        axis = {"name": name, "units": units, "navigate": False}
        steps = np.diff(values)
        if len(steps) and not np.allclose(steps, steps[0]):
            result.append(axis | {"axis": np.asarray(values, dtype=float)})
            continue
        # One value only if the window is smaller than the step along this axis.
        scale = float(steps[0]) if len(steps) else 1.0
        offset = float(values[0])
        result.append(axis | {"size": len(values), "scale": scale, "offset": offset})
    return result


def axis_size(axis):
    """Number of values on an axis that is described by a dictionary."""
    return axis["size"] if "size" in axis else len(axis["axis"])


def signal_class(axes):
    """Class of signals with so many signal axes.

    Parameters
    ----------
    axes : list of dict
        The signal axes.

    Returns
    -------
    type
        BaseSignal for more than two.
    """
    from hyperspy.signals import BaseSignal, Signal1D, Signal2D

    return {1: Signal1D, 2: Signal2D}.get(len(axes), BaseSignal)


def frames_per_second(signal):
    """Speed at which a series is played.

    Parameters
    ----------
    signal : Signal2D

    Returns
    -------
    float
        That of the specimen if the fastest navigation axis is in a unit of time, but
        from 1 to 30; otherwise 10.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> movie, truth = simulate.moving_boundary(3, (61, 83), frame_time=0.2)
    >>> frames_per_second(movie)
    5.0
    """
    axis = signal.axes_manager.navigation_axes[0]
    one = seconds(unit(axis))
    if one is None or not axis.is_uniform:
        return float(FRAMES_PER_SECOND)
    step = abs(axis.scale * one)
    return float(np.clip(1 / step, SLOWEST, FASTEST)) if step else float(FASTEST)


def stamps(signal):
    """What a movie says of when, or where, each of its frames is.

    Parameters
    ----------
    signal : Signal2D
        With navigation axes.

    Returns
    -------
    tuple of str
        Values on the navigation axes, the fastest first, one text a frame in the order
        of the array. Along an axis without a unit, a name and a scale, the number of
        the frame.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> movie, truth = simulate.moving_boundary(3, (61, 83), frame_time=0.25)
    >>> stamps(movie)
    ('0.00 s', '0.25 s', '0.50 s')
    """
    axes = navigation_axes(signal)
    words = [_values_in_words(axis, len(axes) > 1) for axis in axes]
    return tuple(
        ", ".join(each[i] for each, i in zip(words[::-1], index[::-1], strict=True))
        for index in np.ndindex(*map(len, words))
    )


def _values_in_words(axis, with_name):
    """Values of an axis with their unit: list of str, one a value."""
    values = np.asarray(axis.axis, dtype=float)
    name = axis_name(axis, "")
    if axis.is_uniform and not unit(axis) and axis.scale == 1:
        return [f"{name or 'frame'} {value:g}" for value in values]
    step = np.abs(np.diff(values)).min() if len(values) > 1 else abs(values[0])
    decimals = 0
    # Neighbours differ in what is written, by about as much as they do.
    while abs(round(step, decimals) - step) > 0.01 * step and decimals < MOST_DECIMALS:
        decimals += 1
    form = "g" if decimals == MOST_DECIMALS else f".{decimals}f"
    before = f"{name} " if name and (with_name or not unit(axis)) else ""
    return [f"{before}{value:{form}} {unit(axis)}".rstrip() for value in values]
