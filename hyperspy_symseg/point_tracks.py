# SPDX-License-Identifier: GPL-3.0-or-later
"""Points and grains of a series, linked over its frames and against time."""

import functools

import numpy as np

from .analysis import tracks
from .frames.checks import check_number, check_whole, shown
from .grain_tables import is_grains
from .optional import optional
from .point_tables import bounds_of


def linker_of(points, asked):
    """Function of tables and the names of their columns, which links what is in them.

    What is asked is checked; nothing is read.

    Parameters
    ----------
    points : SymmetryPoints
        Of a series with one navigation axis.
    asked : dict
        Arguments of `SymmetryPoints.track`: ``max_distance``, ``labels``, ``max_gap``,
        ``jump`` and ``drift``.

    Returns
    -------
    callable
        It returns Tracks and a pandas.DataFrame of events.

    Raises
    ------
    ImportError
        If an optional dependency is not installed.
    TypeError, ValueError
        If an argument is not allowed.
    """
    max_gap = check_whole("max_gap", asked["max_gap"], 0)
    jump = check_number("jump", asked["jump"], 0, np.inf)
    drift = tracks.check_drift(asked["drift"], points.data.shape[0])
    max_distance, labels = asked["max_distance"], asked["labels"]
    if is_grains(points):
        return _linker_of_grains(points, asked, max_gap, drift)
    if labels is not None:
        raise ValueError(
            f"labels must be None for points that are no grains, got {shown(labels)}."
        )
    if max_distance is not None:
        max_distance = check_number("max_distance", max_distance, 0, tracks.LONGEST)
    tracks.import_laptrack()

    def link(tables, names):
        places, errors = [table[:, :2] for table in tables], None
        if {"y_error", "x_error"} <= set(names):
            columns = [names.index("y_error"), names.index("x_error")]
            errors = [table[:, columns] for table in tables]
        found = tracks.link(places, max_distance, max_gap, drift)
        bounds = bounds_of(points._axes, points.is_calibrated)
        return found, tracks.events(places, found, jump, errors, bounds)

    return link


def _linker_of_grains(grains, asked, max_gap, drift):
    """As `linker_of`."""
    from .analysis.grain_tracks import track_grains
    from .signals.points import JUMP

    for name, default in (("max_distance", None), ("jump", JUMP)):
        if asked[name] != default:
            raise ValueError(
                f"{name} must be left as it is for grains, which are linked by what "
                f"overlaps, got {shown(asked[name])}."
            )
    optional("pandas", "track", "track")
    labels, images = asked["labels"], None
    scales = np.array([axis["scale"] for axis in grains._axes])
    if labels is not None:
        per_position = 1 / scales if grains.is_calibrated else np.ones(2)
        images = _images_of(labels, grains, max_gap), per_position
    size = _size_of(grains, scales)

    def link(tables, names):
        known = {"max_gap": max_gap, "drift": drift}
        return track_grains(tables, names, size, images, **known)

    return link


def _size_of(grains, scales):
    """What positions (y, x) are multiplied by to be lengths as of axes: (2,) array."""
    if grains.is_calibrated:
        # Angles are those of positive scales.
        return np.sign(scales)
    units = [axis["units"] for axis in grains._axes]
    if units[0] != units[1]:
        return np.ones(2)
    return np.abs(scales) / np.sqrt(np.abs(scales).prod())


def _images_of(labels, grains, max_gap):
    """Function of the number of a frame, the numbers of the grains of its pixels.

    As many frames are kept as may be compared.
    """
    from .signals.grains import numbers_of_grains

    image = numbers_of_grains(labels, grains)
    return functools.lru_cache(max_gap + 2)(image)


def against_time(points, column):
    """Work of `SymmetryPoints.get_tracks`, which says what it takes and returns."""
    from hyperspy.signals import Signal1D

    from .signals.metadata import result_metadata
    from .signals.points import check_one_of

    names = points.column_names
    if "track" not in names or points.axes_manager.navigation_dimension != 1:
        raise ValueError(
            f"points must be tracked, by track(), got the columns {', '.join(names)}."
        )
    check_one_of("column", column, names)
    tables = [table for _, table in points._frames()]
    numbers = [table[:, names.index("track")].astype(int) for table in tables]
    n = 1 + max((int(each.max(initial=-1)) for each in numbers), default=-1)
    if not n:
        raise ValueError("points must have a track, got none in any frame.")
    found = np.full((n, len(tables)), np.nan)
    for frame, (table, own) in enumerate(zip(tables, numbers, strict=True)):
        found[own, frame] = table[:, names.index(column)]
    (time,) = points.axes_manager.navigation_axes
    axes = [
        {"name": "Track", "size": n, "navigate": True},
        time.get_axis_dictionary() | {"navigate": False},
    ]
    quantity = column.replace("_", " ").capitalize()
    return Signal1D(found, axes=axes, **result_metadata(points, quantity))
