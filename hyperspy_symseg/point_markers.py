# SPDX-License-Identifier: GPL-3.0-or-later
"""Circles about the points of tables, for HyperSpy to plot."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.plotting import PATTERN_COLORS, pattern_colors
from hyperspy_symseg.point_tables import each_table

# Of missing and of extra intensity.
MISSING, EXTRA = PATTERN_COLORS["sky blue"], PATTERN_COLORS["orange"]
# Of points without a pattern, and where there are no patterns.
NO_PATTERN, ALONE = PATTERN_COLORS["vermillion"], PATTERN_COLORS["orange"]
# Diameter: in distances of nearest neighbours; in pixels, if there are none.
SHARE, LEAST_DIAMETER = 0.6, 6.0
# Of pictures: pixels of their longer side at least, dots an inch, width of lines in
# points, and percentiles of the intensities that are black and white.
LEAST_SIDE, DPI, LINE, SHOWN = 1024, 100, 1.0, (0.1, 99.9)


@dataclass(frozen=True)
class Places:
    """Function of a table, which gives x and y of points: (n, 2) of float64.

    Parameters
    ----------
    axes : sequence of dict, optional
        Axes (x, y) with ``scale`` and ``offset``. None: positions are as they should
        be.
    column, value : int, float, optional
        Which points: those with this value in this column. None: all.
    signs : bool
        Whether the same sign is enough.
    """

    axes: tuple | None = None
    column: int | None = None
    value: float | None = None
    signs: bool = False

    def __call__(self, table):
        """Positions of the points that are chosen."""
        if not np.size(table):
            # Files may have forgotten the shape.
            return np.zeros((0, 2))
        if self.column is not None:
            values = table[:, self.column]
            table = table[(np.sign(values) if self.signs else values) == self.value]
        found = table[:, 1::-1]
        if self.axes is not None:
            scale, offset = (
                np.array([axis[key] for axis in self.axes])
                for key in ("scale", "offset")
            )
            found = found * scale + offset
        return found


def circles(data, is_series, places, options):
    """Circles about the points of every table.

    Parameters
    ----------
    data : numpy.ndarray or dask.array.Array of object
        Tables of points.
    is_series : bool
        Whether they belong to the frames of a series.
    places : Places
    options : dict
        Of the circles.

    Returns
    -------
    hyperspy.api.plot.markers.Circles
    """
    from hyperspy.api import plot

    # Of a series, as HyperSpy's own `Points.from_signal`: in the order of `inav`.
    every = each_table(data if is_series else np.asarray(data), places)
    offsets = every.T if is_series else every[0]
    return plot.markers.Circles(offsets=offsets, **{"linewidths": (1.5,)} | options)


def pattern_circles(points, n_patterns, diameter, options):
    """Circles about points, a group for each pattern.

    Parameters
    ----------
    points : SymmetryPoints
    n_patterns : int or None
        None if they have none.
    diameter : float or None
        In pixels; None to find it.
    options : dict
        Of the circles.

    Returns
    -------
    list of hyperspy.api.plot.markers.Circles
        The first of points without a pattern; one if there are no patterns.
    """
    axes = points._axes
    scale = abs(axes[1]["scale"])
    size = _found_diameter(points, scale) if diameter is None else diameter * scale
    return [
        circles(
            points.data,
            points.axes_manager.navigation_dimension > 0,
            Places(None if points.is_calibrated else axes[::-1], column, value),
            {"sizes": (size,), "edgecolors": (color,)} | options,
        )
        for column, value, color in _groups(points.column_names, n_patterns)
    ]


def _groups(names, n_patterns):
    """Column and value that tell a group of points, None for all; and its colour."""
    if "pattern" not in names or n_patterns is None:
        return [(None, None, ALONE)]
    colors = [(-1, NO_PATTERN), *enumerate(pattern_colors(n_patterns)[1])]
    return [(names.index("pattern"), k, color) for k, color in colors]


def _found_diameter(points, scale):
    """From the distances in the first frame, in the unit of the axes: float."""
    from hyperspy_symseg.analysis.tracks import nearest_distance

    tables = [table[:, :2] for table in points._first_tables() if table.ndim == 2]
    found = SHARE * nearest_distance(tables) * (1 if points.is_calibrated else scale)
    return found if found > 0 else LEAST_DIAMETER * scale


def picture(frame, points):
    """A frame with circles about its points, each in the colour of its pattern.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray
    points : SymmetryPoints
        Of the frame, or of a series that it is the first of. Evaluated.

    Returns
    -------
    matplotlib.figure.Figure
        Of a pixel or more for each of the frame.
    """
    from matplotlib.collections import EllipseCollection
    from matplotlib.figure import Figure

    zoom = max(1, -(-LEAST_SIDE // max(frame.shape)))
    figure = Figure(figsize=np.multiply(frame.shape[::-1], zoom / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    finite = frame[np.isfinite(frame)]
    low, high = np.percentile(finite, SHOWN) if finite.size else (0, 1)
    axes.imshow(frame, cmap="gray", vmin=low, vmax=high, aspect="auto")
    n_patterns, diameter = points._drawn_as()
    (table,) = points._first_tables()
    diameter = _found_diameter(points, 1) if diameter is None else diameter
    if points.is_calibrated:
        scale, offset = (
            [axis[key] for axis in points._axes] for key in ("scale", "offset")
        )
        table = table.copy()
        table[:, :2] = (table[:, :2] - offset) / scale
    for column, value, color in _groups(points.column_names, n_patterns):
        places = Places(None, column, value)(table)
        sizes = np.full(len(places), diameter)
        circles = EllipseCollection(
            sizes,
            sizes,
            np.zeros(len(places)),
            units="xy",
            offsets=places,
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=color,
            linewidths=LINE,
        )
        axes.add_collection(circles)
    return figure
