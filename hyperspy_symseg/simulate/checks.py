# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of arguments, which give them back as numbers of Python's own.

Errors name the argument, what it must be, and its value.
"""

import math

import numpy as np

from hyperspy_symseg.frames.checks import is_number, is_whole_number, shown

# Larger numbers count as infinite: products of several would be.
FARTHEST = 1e100


def require(condition, name, value, rule):
    """Raise ValueError unless the condition is true."""
    if not condition:
        raise ValueError(f"{name} must be {rule}, got {shown(value)}.")


def number(name, value, is_valid, rule):
    """Real number that a function of it finds valid: float."""
    # An int of Python may be too large for a float.
    valid = is_number(value) and (not isinstance(value, int) or abs(value) <= FARTHEST)
    found = float(value) if valid else math.nan
    require(abs(found) <= FARTHEST and is_valid(found), name, value, rule)
    return found


def set_fields(value, **fields):
    """Set fields of a frozen dataclass to what they are once checked."""
    for name, checked in fields.items():
        object.__setattr__(value, name, checked)


def positive(name, value):
    """Number above 0 and finite: float."""
    return number(name, value, lambda x: x > 0, "a positive and finite number")


def not_negative(name, value):
    """Number that is 0 or more and finite: float."""
    rule = "a finite number of at least 0"
    return number(name, value, lambda x: x >= 0, rule)


def finite(name, value):
    """Number that is finite: float."""
    return number(name, value, lambda x: True, "a finite number")


def angle(name, value):
    """Angle between two directions, neither parallel nor opposite: float."""
    rule = "a number between 0 and 180 degrees"
    return number(name, value, lambda x: 0 < x < 180, rule)


def whole(name, value, rule="a positive int", most=math.inf, least=1):
    """Integer in a range: int."""
    valid = is_whole_number(value) and least <= value <= most
    require(valid, name, value, rule)
    return int(value)


def frame_shape(shape):
    """Rows and columns of a frame: (int, int)."""
    valid = isinstance(shape, list | tuple) or getattr(shape, "ndim", 0) == 1
    valid = valid and len(shape) == 2 and all(map(is_whole_number, shape))
    valid = valid and min(shape) >= 1
    require(valid, "shape", shape, "two positive int (rows, columns)")
    return int(shape[0]), int(shape[1])


def extent(size):
    """Lengths along y and x: (2,) numpy.ndarray."""
    rule = "two positive and finite lengths (y, x)"
    valid = isinstance(size, list | tuple) or getattr(size, "ndim", 0) == 1
    require(valid and len(size) == 2, "size", size, rule)
    return np.array([number("size", n, lambda x: x > 0, rule) for n in size])


def seed(seed):
    """What NumPy's generators can be seeded with: int."""
    return whole("seed", seed, "an int of at least 0", least=0)
