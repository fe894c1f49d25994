# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of a model can be."""

import numpy as np

from hyperspy_symseg.descriptors import Descriptor
from hyperspy_symseg.frames.checks import (
    as_array,
    check_array,
    check_number,
    check_whole,
    is_sequence,
    pixel_pair,
)
from hyperspy_symseg.templates import Templates

from .clustering import LARGEST_SEED, MOST_LABELS

# Of a score, such as the power of a wave in a window of 30,000 x 30,000 pixels. With
# these, no product of a prediction in float32 overflows.
LARGEST_SCORE = 1e9
# Those of one descriptor beside others: see `block_weights`.
WEIGHTS = 1e-9, 1e4
LARGEST_CENTRE = 1e15
# Of unit vectors, and of fractions: rounding is allowed for.
LARGEST_FRACTION = 1 + 1e-6


def check_pixels(pixel_size, units):
    """Size of pixels and its units, as numbers and strings of Python's own.

    Parameters
    ----------
    pixel_size : (float, float) or None
        Along (y, x); axes may run backwards.
    units : (str, str)

    Returns
    -------
    pixel_size : (float, float) or None
    units : (str, str)

    Raises
    ------
    TypeError, ValueError
        If they are something else.
    """
    if (
        not is_sequence(units)
        or len(units) != 2
        or not all(isinstance(each, str) for each in units)
    ):
        raise TypeError(f"units must be a pair of str (y, x), got {units!r}.")
    units = str(units[0]), str(units[1])
    if pixel_size is None:
        return None, units
    if not is_sequence(pixel_size) or len(pixel_size) != 2:
        raise TypeError(
            f"pixel_size must be a pair of float (y, x) or None, got {pixel_size!r}."
        )
    largest = np.finfo(float).max
    sizes = [check_number("pixel_size", each, -largest, largest) for each in pixel_size]
    if not all(sizes):
        raise ValueError(f"pixel_size must not be 0, got {pixel_size!r}.")
    return tuple(sizes), units


def checked_arrays(model):
    """Arrays of a score model, checked against each other.

    Parameters
    ----------
    model : ScoreModel

    Returns
    -------
    dict of numpy.ndarray
        Constant.

    Raises
    ------
    TypeError, ValueError
        If one is not what it has to be, or the descriptor is none.
    """
    if not isinstance(model.descriptor, Descriptor):
        raise TypeError(
            "descriptor of the model must be an instance of a class in "
            f"hyperspy_symseg.descriptors, got {model.descriptor!r}."
        )
    checked = {}
    for name, (shape, least, most) in _ranges(model).items():
        values = getattr(model, name)
        if values is not None or name != "covariance":
            dtype = np.int64 if name == "counts" else np.float64
            how = shape, least, most, dtype
            checked[name] = check_array(f"{name} of the model", values, *how)
    if not checked["counts"].any():
        raise ValueError("counts of the model must not all be 0.")
    return checked


def _ranges(model):
    """Shape, least and largest number of the arrays of a score model: dict of tuple."""
    n = len(model.descriptor.operations)
    n_components, n_patterns = (
        check_whole(f"number of {name} of the model", _length(model, name), 1, most)
        for name, most in (("components", n), ("centres", MOST_LABELS))
    )
    scores = -LARGEST_SCORE, LARGEST_SCORE
    return {
        "mean": ((n,), *scores),
        "weights": ((n,), *WEIGHTS),
        "components": ((n_components, n), -LARGEST_FRACTION, LARGEST_FRACTION),
        "explained_variance_ratio": ((n_components,), 0, LARGEST_FRACTION),
        "centres": ((n_patterns, n_components), -LARGEST_CENTRE, LARGEST_CENTRE),
        "counts": ((n_patterns,), 0, 2**53),
        "class_means": ((n_patterns, n), *scores),
        "class_variances": ((n_patterns, n), 0, LARGEST_SCORE**2),
        "covariance": ((n, n), -(LARGEST_SCORE**2), LARGEST_SCORE**2),
    }


def _length(model, name):
    """Number of rows of an array of a model; 0 if it has none."""
    values = as_array(f"{name} of the model", getattr(model, name))
    return len(values) if values.ndim else 0


def checked_attributes(model):
    """Attributes of a model, but for its scores, checked against these.

    Parameters
    ----------
    model : SymmetryModel

    Returns
    -------
    dict
        With arrays that are constant, and numbers of Python's own.

    Raises
    ------
    TypeError, ValueError
        If one is not what it has to be.
    """
    pixel_size, units = check_pixels(model.pixel_size, model.units)
    costs, templates = model.costs, model.templates
    if costs is not None:
        # A number of patterns that cannot be has an infinite cost.
        how = (None,), -1e300, np.inf, np.float64
        costs = check_array("costs of the model", costs, *how)
    if templates is not None and not isinstance(templates, Templates):
        raise TypeError(
            f"templates of the model must be Templates or None, got {templates!r}."
        )
    if templates is not None and templates.n_patterns != model.n_patterns:
        raise ValueError(
            f"n_patterns of templates must be that of the model, {model.n_patterns}, "
            f"got {templates.n_patterns}."
        )
    return {
        "stride": pixel_pair("stride", model.stride, least=1),
        "random_state": check_whole(
            "random_state", model.random_state, 0, LARGEST_SEED
        ),
        "pixel_size": pixel_size,
        "units": units,
        "costs": costs,
    }
