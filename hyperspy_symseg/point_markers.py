# SPDX-License-Identifier: GPL-3.0-or-later
"""Circles about the points of tables, for HyperSpy to plot."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.point_tables import each_table


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
