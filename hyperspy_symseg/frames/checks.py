# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of arguments that all descriptors share."""

import logging
import reprlib
from numbers import Real

import numpy as np

_logger = logging.getLogger(__name__)

# Contrast of single pixels, as a multiple of that of the frame, from which on the
# scores of others are off by more than 1e-6.
LARGEST_CONTRAST = 1e6
# Contrast of a frame beside its level, below which many patches have a standard
# deviation below the 1e-5 that counts as none.
SMALLEST_CONTRAST = 8e-5
# In pixels: no image is as long, and sums of a few are still exact everywhere.
LARGEST_LENGTH = 2**31 - 1
# Operations of a descriptor: more would not fit into memory.
MOST_OPERATIONS = 2**20

_REPR = reprlib.Repr()
_REPR.maxother = _REPR.maxstring = _REPR.maxlong = 80


def shown(value):
    """Value as messages show it: in one line, and cut short.

    Examples
    --------
    >>> shown(list(range(1000)))
    '[0, 1, 2, 3, 4, 5, ...]'
    """
    try:
        return " ".join(_REPR.repr(value).split())
    except ValueError:
        return "an int of very many digits"


def is_whole_number(value):
    """Whether a value is an integer, of Python or of NumPy, and not a bool."""
    # A time of NumPy is one of its integers.
    return isinstance(value, int | np.integer) and not isinstance(
        value, bool | np.timedelta64
    )


def is_number(value):
    """Whether a value is a real number, of Python or of NumPy, and not a bool."""
    # A time of NumPy counts as one of its integers.
    return isinstance(value, Real) and not isinstance(
        value, bool | np.bool_ | np.timedelta64
    )


def is_auto(value):
    """Whether a value is to be found: bool."""
    return isinstance(value, str) and value == "auto"


def is_pair(value):
    """Whether a value is a list or tuple of two."""
    return isinstance(value, list | tuple) and len(value) == 2


def is_sequence(value):
    """Whether a value is a list, a tuple or an array with one axis."""
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1


def check_whole(name, value, least, most=None):
    """Integer in a range, as Python's own.

    Those of NumPy overflow: 2 * np.int8(100) is -56.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : int
        Of Python or of NumPy.
    least, most : int
        Limits of the range; none above if `most` is None.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> 2 * check_whole("radius", np.int8(100), 1)
    200
    """
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    rule = f"{name} must be an int {limits}"
    if not is_whole_number(value):
        raise TypeError(f"{rule}, got {shown(value)}.")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{rule}, got {shown(value)}.")
    return int(value)


def check_length(name, value, least=1):
    """Length in pixels, as Python's own int.

    Parameters
    ----------
    name, value, least
        As for `check_whole`.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        As `check_whole` does, and if no image is as long.
    """
    return check_whole(name, value, least, LARGEST_LENGTH)


def check_number(name, value, least, most):
    """Real number in a range, as Python's own float.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : float or int
        Of Python or of NumPy.
    least, most : float
        What is allowed.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If it is not a real number.
    ValueError
        If it is out of range, or NaN.
    """
    rule = f"{name} must be a number from {least:g} to {most:g}"
    if not is_number(value):
        raise TypeError(f"{rule}, got {shown(value)}.")
    # An int of Python may be too large for a float, and a float16 too small for limits.
    number = value if isinstance(value, int) else float(value)
    if not least <= number <= most:
        raise ValueError(f"{rule}, got {shown(value)}.")
    return float(number)


def check_flag(name, value, *others):
    """True or False as Python's own, or one of some other values.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : bool
        Of Python or of NumPy.
    *others : None or str
        What else is allowed.

    Returns
    -------
    bool, or what else is allowed

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    for other in others:
        if value is other or (isinstance(value, str) and value == other):
            return other
    *first, last = map(repr, (True, False, *others))
    raise TypeError(f"{name} must be {', '.join(first)} or {last}, got {shown(value)}.")


def as_array(name, values):
    """Array of what an argument holds: numpy.ndarray.

    Raises
    ------
    ValueError
        If it is a nested sequence whose parts differ in length.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} must be an array, got a nested sequence whose parts differ in "
            "length."
        ) from None


def check_array(name, values, shape, least, most, dtype=np.float64):
    """Array of numbers in a range, which cannot be written to.

    Parameters
    ----------
    name : str
        The argument, for the message.
    values : array of int or float
    shape : tuple of int
        What its shape has to be; None for any number.
    least, most : float
        What is allowed. No NaN is.
    dtype : dtype
        Of the result.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    TypeError
        If they are no real numbers.
    ValueError
        If the shape is another, or a number is out of range.

    Examples
    --------
    >>> check_array("counts", [3, 9], (None,), 0, np.inf, int)
    array([3, 9])
    """
    array = as_array(name, values)
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(
            f"{name} must be an array of real numbers, got the dtype {array.dtype}."
        )
    fits = array.ndim == len(shape) and all(
        want in (None, n) for want, n in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = tuple("any" if n is None else n for n in shape)
        wanted = f"({', '.join(map(str, wanted))}{',' * (len(wanted) == 1)})"
        raise ValueError(f"{name} must have the shape {wanted}, got {array.shape}.")
    right = (array >= least) & (array <= most) if array.size else np.True_
    if not right.all():
        raise ValueError(
            f"{name} must be made of numbers from {least:g} to {most:g}, got "
            f"{array[~right][0]}."
        )
    array = np.array(array, dtype=dtype)
    array.flags.writeable = False
    return array


def check_distinct(name, values):
    """Values of an argument as a list, one or more and all different.

    Parameters
    ----------
    name : str
        The argument, for the message.
    values : sequence

    Returns
    -------
    list

    Raises
    ------
    TypeError
        If it is not a sequence.
    ValueError
        If it is empty, or has a value twice.
    """
    rule = f"{name} must be a sequence of one value or more, all different"
    if isinstance(values, str | bytes) or not np.iterable(values):
        raise TypeError(f"{rule}, got {shown(values)}.")
    # A dask array has this too, if it comes from a file read lazily.
    is_array = hasattr(values, "__array__")
    as_list = np.asarray(values).tolist() if is_array else list(values)
    try:
        distinct = {tuple(v) if isinstance(v, list) else v for v in as_list}
    except TypeError:
        raise TypeError(f"{rule}, got {shown(values)}.") from None
    if not as_list or len(distinct) < len(as_list):
        raise ValueError(f"{rule}, got {shown(values)}.")
    return as_list


def pixel_pair(name, value, least):
    """Check a length in pixels, one for both axes or one an axis.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : int or (int, int)
        Along (y, x).
    least : int
        The smallest value allowed.

    Returns
    -------
    (int, int)

    Raises
    ------
    TypeError
        If it is not an integer or a pair of integers.
    ValueError
        If it is smaller than allowed.
    """
    pair = value if is_sequence(value) else (value, value)
    one = f"an int of at least {least}"
    rule = f"{name} must be {one}, or a pair of these (y, x), in pixels"
    if len(pair) != 2 or not all(map(is_whole_number, pair)):
        raise TypeError(f"{rule}, got {shown(value)}.")
    pair = int(pair[0]), int(pair[1])
    if min(pair) < least:
        raise ValueError(f"{rule}, got {shown(value)}.")
    if max(pair) > LARGEST_LENGTH:
        raise ValueError(
            f"{name} must be at most {LARGEST_LENGTH} pixels, got {shown(value)}."
        )
    return pair


def check_frame(frame):
    """Raise an error if an array is not one frame of real numbers.

    Parameters
    ----------
    frame : array

    Raises
    ------
    TypeError
        If its dtype is not real.
    ValueError
        If it has not two axes, or no pixels.
    """
    if frame.dtype.kind not in "buif":
        raise TypeError(
            f"frame must be an array of real numbers, got the dtype {frame.dtype}. Of "
            "RGB data, take one channel or their mean."
        )
    if frame.ndim != 2 or 0 in frame.shape:
        raise ValueError(
            "frame must be one image, (rows, columns), of at least one pixel, got the "
            f"shape {frame.shape}."
        )


def warn_of_values(frame, mask):
    """Log a warning if some values, or all, are too far from 0 for their contrast.

    That is so if a pixel is so far from all others that sums lose precision, or if the
    contrast is so small beside the mean that it counts as none.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
    mask : (rows, columns) numpy.ndarray of bool or None
        True where a pixel is left out.
    """
    if frame.dtype.itemsize <= 2:
        return
    used = np.isfinite(frame)
    if mask is not None:
        used &= ~mask
    # Every 64th pixel tells the contrast well enough.
    some = frame[::8, ::8][used[::8, ::8]]
    if not some.size:
        return
    low, level, high = np.percentile(some, (1, 50, 99)).tolist()
    if 0 < high - low < SMALLEST_CONTRAST * abs(level):
        _logger.warning(
            "frame should vary by at least %.0e of its level, got %.1e: less may count "
            "as no contrast. Subtract a constant first.",
            SMALLEST_CONTRAST,
            (high - low) / abs(level),
        )
    above = float(frame.max(where=used, initial=some[0])) - low
    below = high - float(frame.min(where=used, initial=some[0]))
    contrast = high - low
    if contrast > 0 and max(above, below) > LARGEST_CONTRAST * contrast:
        _logger.warning(
            "frame has pixels %.3g times as far from the others as these are from each "
            "other: labels within about 500 pixels of them may be wrong. Leave them "
            "out by a mask.",
            max(above, below) / contrast,
        )


def check_grid(grid, shape):
    """Raise an error if a grid has samples outside a frame.

    Parameters
    ----------
    grid : Grid
    shape : (int, int)
        Rows and columns of the frame.

    Raises
    ------
    ValueError
        If a sample lies outside.
    """
    last = tuple(
        first + step * (size - 1)
        for first, step, size in zip(grid.first, grid.stride, grid.shape, strict=True)
    )
    if last[0] >= shape[0] or last[1] >= shape[1]:
        raise ValueError(
            f"grid must lie within the frame of {shape[0]} x {shape[1]} pixels, got "
            f"{grid}, which reaches pixel {last}."
        )


def check_out(out, shape):
    """Raise an error if scores of a shape cannot be put into an array.

    Parameters
    ----------
    out : numpy.ndarray
    shape : (int, int, int)
        Rows and columns of the grid, and number of operations.

    Raises
    ------
    ValueError
        If its shape or dtype is another, or if its columns lie apart.
    """
    adjacent = out.strides[1] == out.itemsize
    if out.shape != tuple(shape) or out.dtype != np.float32 or not adjacent:
        raise ValueError(
            f"out must be float32 of the shape {tuple(shape)}, columns next to each "
            f"other, got {out.dtype} of the shape {out.shape} with the strides "
            f"{out.strides}."
        )


def check_mask_dtype(mask):
    """Raise a TypeError if an array is not boolean."""
    if mask.dtype != bool:
        raise TypeError(
            "mask must be an array of bool, True where a pixel is left out, got the "
            f"dtype {mask.dtype}."
        )


def check_mask(mask, shape):
    """Mask as an array of bool, checked against the frame.

    Parameters
    ----------
    mask : array of bool or None
        True where a pixel is left out.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    numpy.ndarray or None

    Raises
    ------
    TypeError
        If it is not boolean.
    ValueError
        If its shape is another, or nothing is left.
    """
    if mask is None:
        return None
    mask = as_array("mask", mask)
    check_mask_dtype(mask)
    if mask.shape != tuple(shape):
        raise ValueError(
            f"mask must have the shape of the frame, {tuple(shape)}, got {mask.shape}."
        )
    if mask.all():
        raise ValueError("mask must leave some pixels in, got True everywhere.")
    return mask
