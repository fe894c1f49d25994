# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a series a model is fitted on."""

import numpy as np

from hyperspy_symseg.frames.checks import check_distinct, is_whole_number, shown
from hyperspy_symseg.frames.tiling import evenly_spread

# Frames that a model is fitted on unless asked otherwise, spread over the series.
N_FIT_FRAMES = 8
WHAT_MUST_BE = (
    "fit_on must be a number of frames, a slice, indices as `inav` takes them (with "
    "several navigation axes, pairs and so on), or a fitted SymmetryModel"
)


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
        places = {_place(index, axes, fit_on) for index in _indices(fit_on)}
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
        raise type(error)(f"{WHAT_MUST_BE}, got {shown(wanted)}.") from error
    if not places:
        raise ValueError(
            f"fit_on must have one or more of the {n_frames} frames there are, got "
            f"{shown(wanted)}."
        )
    return list(places)


def _indices(fit_on):
    """Indices as a list of hashable ones, all different."""
    try:
        return check_distinct("fit_on", fit_on)
    except TypeError as error:
        raise TypeError(f"{WHAT_MUST_BE}, got {shown(fit_on)}.") from error


def _place(index, axes, fit_on):
    """Place of a frame among all, from its index in the order of `inav`."""
    index = tuple(index) if isinstance(index, tuple | list) else (index,)
    if len(index) != len(axes):
        raise ValueError(
            f"{WHAT_MUST_BE}, got {shown(fit_on)} with {len(axes)} navigation axes."
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
    raise TypeError(f"{WHAT_MUST_BE}, got {shown(fit_on)}.")
