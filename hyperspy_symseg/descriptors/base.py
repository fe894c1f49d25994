# SPDX-License-Identifier: GPL-3.0-or-later
"""What all descriptors have in common: their protocol, names and arguments."""

import dataclasses
import importlib
import logging
from typing import Protocol

import numpy as np

_logger = logging.getLogger(__name__)

# Contrast of single pixels, as a multiple of that of the frame, from which on the
# scores of others are off by more than 1e-6.
LARGEST_CONTRAST = 1e6

#: Name of every descriptor, with its module in this package and its class.
DESCRIPTORS = {"translation": ("translation", "TranslationSymmetry")}


class Descriptor(Protocol):
    """A vector of scores at every pixel of a grid.

    A descriptor is a frozen dataclass of its parameters, all in pixels.

    Attributes
    ----------
    operations : numpy.ndarray
        The candidate symmetry operations, one a row.
    """

    operations: np.ndarray

    def check_frame(self, shape):
        """Raise ValueError if frames of this shape are too small for it."""

    def compute(self, frame, grid, mask=None, out=None):
        """Scores at the pixels of a grid.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            Pixels that are not finite are left out.
        grid : Grid
            The pixels to score.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        out : (grid rows, grid columns, operations) numpy.ndarray of float32, optional
            Where to put the scores. The columns of the grid have to be next to each
            other in memory.

        Returns
        -------
        (grid rows, grid columns, operations) numpy.ndarray of float32
            NaN where a score is missing.
        """


def _descriptor_class(name):
    if not isinstance(name, str) or name not in DESCRIPTORS:
        raise ValueError(
            f"descriptor={name!r}: allowed are {', '.join(map(repr, DESCRIPTORS))} "
            "or an instance of a descriptor."
        )
    module, attribute = DESCRIPTORS[name]
    return getattr(importlib.import_module(f"{__package__}.{module}"), attribute)


def parameter_names(name):
    """Names of a descriptor's parameters.

    Parameters
    ----------
    name : str
        A key of `DESCRIPTORS`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If there is no such descriptor.
    """
    return [field.name for field in dataclasses.fields(_descriptor_class(name))]


def make_descriptor(name, **parameters):
    """Descriptor from its name and its parameters in pixels.

    Parameters
    ----------
    name : str
        A key of `DESCRIPTORS`.
    **parameters
        Parameters of its class.

    Returns
    -------
    Descriptor

    Raises
    ------
    TypeError, ValueError
        If there is no such descriptor, or a parameter is not allowed.

    Examples
    --------
    >>> make_descriptor("translation", patch=10).patch
    (10, 10)
    """
    return _descriptor_class(name)(**parameters)


def describe(descriptor):
    """Name and parameters of a descriptor: what `make_descriptor` takes.

    Parameters
    ----------
    descriptor : Descriptor

    Returns
    -------
    name : str
    parameters : dict

    Raises
    ------
    TypeError
        If it is none of the descriptors of this package.
    """
    for name, (_, attribute) in DESCRIPTORS.items():
        if type(descriptor).__name__ == attribute:
            return name, dataclasses.asdict(descriptor)
    raise TypeError(
        f"descriptor={descriptor!r}: allowed are {', '.join(map(repr, DESCRIPTORS))} "
        "or an instance of a descriptor."
    )


def is_whole_number(value):
    """Whether a value is an integer, of Python or of NumPy, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


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


def warn_of_outliers(frame, mask):
    """Log a warning if a pixel is so far from all others that sums lose precision.

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
    low, high = np.percentile(some, (1, 99)).tolist()
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
    if mask.dtype != bool:
        raise TypeError(
            f"mask has dtype {mask.dtype}: allowed is bool, True where a pixel is "
            "left out."
        )
    if mask.shape != tuple(shape):
        raise ValueError(
            f"mask has shape {mask.shape}: allowed is the shape of the frame, "
            f"{tuple(shape)}."
        )
    if mask.all():
        raise ValueError("mask is True everywhere: it has to leave some pixels in.")
    return mask
