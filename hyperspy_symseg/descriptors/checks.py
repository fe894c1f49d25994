# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of arguments that all descriptors share."""

import logging
import reprlib

import numpy as np

_logger = logging.getLogger(__name__)

_abbreviating = reprlib.Repr()

# Contrast of single pixels, as a multiple of that of the frame, from which on the
# scores of others are off by more than 1e-6.
LARGEST_CONTRAST = 1e6
# Contrast of a frame beside its level, below which many patches have a standard
# deviation below the 1e-5 that counts as none.
SMALLEST_CONTRAST = 8e-5


def brief(value):
    """What `repr` gives of a value, with the first six of a long list only.

    Examples
    --------
    >>> brief(tuple(range(1000)))
    '(0, 1, 2, 3, 4, 5, ...)'
    """
    return _abbreviating.repr(value)


def is_whole_number(value):
    """Whether a value is an integer, of Python or of NumPy, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_pair(value):
    """Whether a value is a list or tuple of two."""
    return isinstance(value, list | tuple) and len(value) == 2


def check_whole(name, value, least, most=None):
    """Raise an error if a value is not a whole number in a range.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : int
    least, most : int
        What is allowed; any larger one if `most` is None.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is out of range.
    """
    allowed = f"allowed is an int of at least {least}"
    if most is not None:
        allowed = f"allowed is an int from {least} to {most}"
    if not is_whole_number(value):
        raise TypeError(f"{name}={value!r}: {allowed}.")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}={value!r}: {allowed}.")


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
    allowed = "allowed is a sequence of one value or more, all different"
    if isinstance(values, str | bytes) or not np.iterable(values):
        raise TypeError(f"{name}={brief(values)}: {allowed}.")
    # A dask array has this too, if it comes from a file read lazily.
    is_array = hasattr(values, "__array__")
    as_list = np.asarray(values).tolist() if is_array else list(values)
    try:
        distinct = {tuple(v) if isinstance(v, list) else v for v in as_list}
    except TypeError:
        raise TypeError(f"{name}={brief(values)}: {allowed}.") from None
    if not as_list or len(distinct) < len(as_list):
        raise ValueError(f"{name}={brief(values)}: {allowed}.")
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
    pair = value if np.ndim(value) == 1 else (value, value)
    allowed = f"allowed is an int, or a pair of int (y, x), of at least {least} pixels"
    if len(pair) != 2 or not all(map(is_whole_number, pair)):
        raise TypeError(f"{name}={value!r}: {allowed}.")
    if min(pair) < least:
        raise ValueError(f"{name}={value!r}: {allowed}.")
    return int(pair[0]), int(pair[1])


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
            f"frame has dtype {frame.dtype}: allowed are real numbers (for RGB data, "
            "take one channel or their mean first)."
        )
    if frame.ndim != 2 or 0 in frame.shape:
        raise ValueError(
            f"frame has shape {frame.shape}: allowed is one image, (rows, columns), "
            "of at least one pixel."
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
    last = int(grid.rows[-1]), int(grid.columns[-1])
    if last[0] >= shape[0] or last[1] >= shape[1]:
        raise ValueError(
            f"{grid} reaches pixel {last}: allowed are pixels of the frame, which has "
            f"{shape[0]} x {shape[1]}."
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
            f"out is {out.dtype} of shape {out.shape} with strides {out.strides}: "
            f"allowed is float32 of shape {tuple(shape)}, columns next to each other."
        )


def check_mask_dtype(mask):
    """Raise a TypeError if an array is not boolean."""
    if mask.dtype != bool:
        raise TypeError(
            f"mask has dtype {mask.dtype}: allowed is bool, True where a pixel is "
            "left out."
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
    mask = np.asarray(mask)
    check_mask_dtype(mask)
    if mask.shape != tuple(shape):
        raise ValueError(
            f"mask has shape {mask.shape}: allowed is the shape of the frame, "
            f"{tuple(shape)}."
        )
    if mask.all():
        raise ValueError("mask is True everywhere: it has to leave some pixels in.")
    return mask
