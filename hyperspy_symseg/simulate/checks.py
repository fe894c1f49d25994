# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that name the argument, its value and what is allowed."""

import math

import numpy as np


def require(condition, name, value, allowed):
    """Raise ValueError unless the condition is true."""
    if not condition:
        raise ValueError(f"{name} is {value!r}; it has to be {allowed}")


def require_positive(**values):
    """Values that are above 0 and finite."""
    for name, value in values.items():
        require(0 < value < math.inf, name, value, "positive and finite")


def require_not_negative(**values):
    """Values that are 0 or more and finite."""
    for name, value in values.items():
        require(0 <= value < math.inf, name, value, "finite, 0 or more")


def require_shape(shape):
    """Rows and columns of a frame."""
    require(len(shape) == 2 and min(shape) >= 1, "shape", shape, "two positive int")


def require_seed(seed):
    """What NumPy's generators can be seeded with."""
    valid = isinstance(seed, int | np.integer) and seed >= 0
    require(valid, "seed", seed, "an int, 0 or more")
