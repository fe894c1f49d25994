# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples of patterns: labels of the pixels whose pattern is known."""

import logging

import numpy as np

from hyperspy_symseg.frames.checks import as_array, is_auto
from hyperspy_symseg.templates.examples import FEWEST_CELLS, example_blocks
from hyperspy_symseg.templates.normalized_frame import BLOCKS_IN_CELL, block_size

_logger = logging.getLogger(__name__)


def named(names, pattern):
    """What messages call a pattern: its name, or its number.

    Parameters
    ----------
    names : sequence of str or None
    pattern : int

    Examples
    --------
    >>> named(("matrix",), 0), named(None, 0)
    ("'matrix'", 'pattern 0')
    """
    return f"pattern {pattern}" if names is None else repr(names[pattern])


def checked_examples(examples, shape, n_patterns, name="examples"):
    """Labels of examples, checked.

    Parameters
    ----------
    examples : (rows, columns) array of int
        -1 where the pattern is not known.
    shape : (int, int)
        Rows and columns of the frame.
    n_patterns : int or "auto"
        "auto" is as many as there are examples.
    name : str
        The argument, for messages.

    Returns
    -------
    (rows, columns) numpy.ndarray of int16

    Raises
    ------
    TypeError, ValueError
        If they are not labels of as many patterns, or not of such a frame.
    """
    array = as_array(name, examples)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be labels of int, got the dtype {array.dtype}.")
    if array.shape != tuple(shape):
        raise ValueError(
            f"{name} must have the shape of the frame, {tuple(shape)}, got "
            f"{array.shape}."
        )
    found = np.unique(array)
    found = found[found != -1].tolist()
    if not found or found != list(range(len(found))):
        raise ValueError(
            f"{name} must have the labels 0, 1 and so on, and -1 where the pattern is "
            f"not known, got {found[:10]}."
        )
    if not is_auto(n_patterns) and n_patterns != len(found):
        raise ValueError(
            f"n_patterns must be the number of examples, {len(found)}, got "
            f"{n_patterns!r}."
        )
    return array.astype(np.int16)


def without_gaps(labels, names=None):
    """Leave out patterns that have no pixels, as after a merge by hand.

    Parameters
    ----------
    labels : numpy.ndarray of int
        Negative where the pattern is not known.
    names : tuple of str, optional
        Of all patterns.

    Returns
    -------
    labels : numpy.ndarray of int
        Those that are left, in their order, without gaps; the same if there are none.
    names : tuple of str or None
        Theirs.

    Examples
    --------
    >>> without_gaps(np.array([0, 2, -1]), ("matrix", "twin", "rim"))
    (array([ 0,  1, -1]), ('matrix', 'rim'))
    """
    numbers = np.unique(labels[labels >= 0]).tolist()
    if names is not None:
        if numbers and numbers[-1] >= len(names):
            return labels, names
        names = tuple(names[number] for number in numbers) or names
    new = list(range(len(numbers)))
    if numbers != new:
        _logger.warning(
            "Patterns without pixels are left out: %s become %s.", numbers, new
        )
        labels = np.where(labels >= 0, np.searchsorted(numbers, labels), labels)
    return labels, names


def check_sizes(examples, mask, period, n_patterns, names=None):
    """Raise an error if an example is too small to learn a pattern from.

    Parameters
    ----------
    examples : (rows, columns) numpy.ndarray of int
    mask : (rows, columns) numpy.ndarray of bool or None
        True where a pixel is left out.
    period : float
        In pixels.
    n_patterns : int
    names : sequence of str, optional

    Raises
    ------
    ValueError
        It is named.
    """
    block = block_size(period)
    if mask is not None:
        examples = np.where(mask, -1, examples)
    blocks = example_blocks(examples, block)
    counts = np.bincount(blocks[blocks >= 0], minlength=n_patterns)
    for pattern, n in enumerate(counts / BLOCKS_IN_CELL**2):
        if n < FEWEST_CELLS:
            side = np.ceil(np.sqrt(FEWEST_CELLS) * period + block)
            raise ValueError(
                f"the example of {named(names, pattern)} must have at least "
                f"{FEWEST_CELLS} squares of the lattice period, {period:.3g} pixels, "
                f"such as a square of {side:.0f} pixels, got {n:.1f}."
            )
