# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in frames as signals: tables of columns, outliers and grains."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import dask.array as da
import numpy as np
from hyperspy.signals import BaseSignal, LazySignal

from hyperspy_symseg.frames.checks import (
    check_number,
    check_whole,
    shown,
)
from hyperspy_symseg.point_tables import Calibration, each_table
from hyperspy_symseg.version import package_version

from .axes import angstroms, axis_name, frame_axes, unit
from .metadata import result_metadata

if TYPE_CHECKING:
    from hyperspy.api.plot.markers import Markers
    from hyperspy.signals import Signal1D
    from numpy.typing import ArrayLike
    from pandas import DataFrame

    from hyperspy_symseg.signals import SymmetryLabels

# Where the names of the columns are, in the metadata.
BRANCH = "Symmetry_points"
# Frames in which a point that comes back may be missing, and standard deviations of a
# jump: in a million steps of Gaussian noise there are four as long.
MAX_GAP, JUMP = 2, 5.0


class SymmetryPoints(BaseSignal):
    """A table of points for every frame: atomic columns, outliers, grains.

    Made by ``Signal2D.find_atomic_columns``, ``SymmetryLabels.find_outliers`` and
    ``SymmetryLabels.get_grains``.
    Ragged, as from ``Signal2D.find_peaks``: for every frame an array of float64 of the
    shape (n, k), one row a point, position (y, x) first. What its columns are is
    `column_names`. The table of a single image is ``points.data[0]``.

    Positions are pixels of the frame or, if `is_calibrated`, in the unit of its axes.

    ``set_signal_type("symmetry_points")`` makes points of the peaks that HyperSpy
    finds.
    """

    _signal_type = "symmetry_points"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        of_one = f"{BRANCH}.of_one_frame"
        if self.metadata.get_item(of_one) and self.axes_manager.navigation_shape == (
            1,
        ):
            # Files need an axis: see `save`.
            self.axes_manager.remove(0)
            del self.metadata.Symmetry_points.of_one_frame

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of the tables, ``y`` and ``x`` first: list of str.

        Of points that are not from this package, others are numbered.
        """
        names = self.metadata.get_item(f"{BRANCH}.columns")
        if names is not None:
            return [str(name) for name in np.asarray(names).ravel()]
        widths = [table.shape[-1] for table in self._first_tables() if table.ndim == 2]
        n = max([2, *widths])
        return ["y", "x", *(f"column {i}" for i in range(2, n))]

    @property
    def is_calibrated(self) -> bool:
        """Whether positions are in the unit of the axes of the frame: bool."""
        return bool(self.metadata.get_item(f"{BRANCH}.calibrated", False))

    @property
    def _axes(self):
        """Axes (y, x) of the frames: list of dict; pixels if they are not known."""
        stored = self.metadata.get_item(f"{BRANCH}.axes")
        known = stored.as_dictionary() if stored is not None else {}
        return [
            {"scale": 1.0, "offset": 0.0, "units": "", "size": None}
            | known.get(name, {})
            for name in "yx"
        ]

    def _first_tables(self):
        """The table of the first frame, alone in a list; none without frames."""
        if not self.ragged or not self.data.size:
            return []
        first = self.data[(0,) * self.data.ndim]
        return [np.asarray(first.compute() if isinstance(first, da.Array) else first)]

    def _frames(self):
        """Index and table (n, k) of every frame, in the order of the array: list.

        Lazy ones are computed in the threads of the context.
        """
        from hyperspy_symseg.frames.run import evaluate_series

        if not self.ragged:
            raise ValueError(
                "points must be ragged, with a table for every frame, got "
                f"{shown(self)}."
            )
        data, names = self.data, self.column_names
        if isinstance(data, da.Array):
            data = evaluate_series(data, "Finding points", frame_ndim=0)
        frames = []
        for index in np.ndindex(data.shape):
            table = np.asarray(data[index], float)
            # Files may forget the shape of an empty table.
            table = table.reshape(0, len(names)) if not table.size else table
            if table.ndim != 2 or table.shape[1] != len(names):
                raise ValueError(
                    f"points must have tables with the {len(names)} columns "
                    f"{', '.join(names)}, got one of the shape {table.shape}."
                )
            frames.append((index, table))
        return frames

    @property
    def _levels(self):
        """Names of the numbers of a frame: list of str."""
        axes = self.axes_manager.navigation_axes[::-1]
        if len(axes) < 2:
            return ["frame"]
        return [axis_name(axis, f"axis {i}") for i, axis in enumerate(axes)]

    def to_dataframe(
        self, *, show_progressbar: bool | None = None, num_workers: int | None = None
    ) -> DataFrame:
        """All tables as one frame of pandas.

        Parameters
        ----------
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``, for points that are lazy.

        Returns
        -------
        pandas.DataFrame
            One row a point. The index is the number of the frame, ``frame``, from 0;
            with several navigation axes, one number for each, by their names, in the
            order of the array.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> crystal = simulate.Lattice.square(13, orientation=5)
        >>> s, truth = simulate.micrograph(crystal, (256, 256), vacancies=2)
        >>> seg = s.segment_symmetry(1, show_progressbar=False)
        >>> points = seg.find_outliers(s, show_progressbar=False)
        >>> points.to_dataframe().columns.to_list()
        ['y', 'x', 'score']
        """
        from hyperspy_symseg.point_tables import dataframe

        frames = self._read(show_progressbar, num_workers)
        return dataframe(frames, self.column_names, self._levels)

    def _read(self, show_progressbar, num_workers):
        """As `_frames`, in the threads and under the bar of a method."""
        from .arguments import working

        with working("Finding points", show_progressbar, num_workers):
            return self._frames()

    def to_csv(
        self,
        filename: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write all tables into one CSV file, with a line of names and one a point.

        The first columns are those of the index of `to_dataframe`. Numbers are read
        back exactly.

        Parameters
        ----------
        filename : str or path
            Ending in ``.csv``, which is added if there is no extension.
        overwrite : bool
            Whether to replace a file.
        show_progressbar, num_workers
            As in `to_dataframe`.

        Raises
        ------
        FileExistsError
            If there is such a file, and `overwrite` is False.
        TypeError, ValueError
            If an argument is not allowed.

        Examples
        --------
        >>> points.to_csv("points.csv")  # doctest: +SKIP
        """
        from hyperspy_symseg.point_tables import check_path, write_csv

        path = check_path(filename, ".csv", overwrite)
        frames = self._read(show_progressbar, num_workers)
        write_csv(path, frames, self.column_names, self._levels)

    def to_xyz(
        self,
        filename: str | os.PathLike[str],
        elements: str | dict[str, str] | None = None,
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write all frames into one file of extended XYZ, as OVITO and ASE read it.

        Positions are x, y (downwards, as in the frame) and 0, in angstroms where the
        axes of the frame have units of length, and in pixels elsewhere; the line
        before them says which. All other columns follow, as they are in the tables.

        Parameters
        ----------
        filename : str or path
            Ending in ``.xyz``, which is added if there is no extension.
        elements : str or dict, optional
            Symbol of all columns, or of those of each site of the motif, by ``site`` or
            ``(pattern, site)``: for instance ``{0: "Mo", 1: "S"}``. "X" is what has
            none.
        overwrite : bool
            Whether to replace a file.
        show_progressbar, num_workers
            As in `to_dataframe`.

        Raises
        ------
        FileExistsError
            If there is such a file, and `overwrite` is False.
        TypeError, ValueError
            If an argument is not allowed.

        Examples
        --------
        >>> columns.to_xyz("columns.xyz", {0: "Mo", 1: "S"})  # doctest: +SKIP
        """
        from hyperspy_symseg import point_tables

        path = point_tables.check_path(filename, ".xyz", overwrite)
        names, axes = self.column_names, self._axes
        species = point_tables.species_of(elements, names)
        frames = self._read(show_progressbar, num_workers)
        known = [angstroms(axis) for axis in axes]
        lengths = point_tables.lengths_of(axes, known, self.is_calibrated)
        point_tables.write_xyz(path, frames, names, species, lengths)

    def get_markers(self, **kwargs: Any) -> list[Markers]:
        """Circles about the points, for ``signal.add_marker`` of their frames.

        Parameters
        ----------
        **kwargs
            As of ``hs.plot.markers.Circles``. ``sizes`` are diameters in the unit of
            the axes.

        Returns
        -------
        list of hyperspy.api.plot.markers.Circles
            One for each pattern, in its colour, and one for points without a pattern,
            if the points have patterns; otherwise one for all. Of a series, they are in
            the order of ``inav``; those of lazy points are found with the frame in
            view.

        Examples
        --------
        >>> s.plot()  # doctest: +SKIP
        >>> s.add_marker(columns.get_markers())  # doctest: +SKIP
        """
        from hyperspy_symseg.point_markers import pattern_circles

        return pattern_circles(self, *self._drawn_as(), kwargs)

    def _drawn_as(self):
        """Number of patterns, and diameter of circles in pixels; None if not known."""
        n = None
        for branch in (BRANCH, "Symmetry_segmentation"):
            n = n or self.metadata.get_item(f"{branch}.n_patterns")
        if n is not None:
            n = check_whole("n_patterns in the metadata", n, 1)
        diameter = self.metadata.get_item(f"{BRANCH}.diameter")
        if diameter is not None:
            name = f"metadata.{BRANCH}.diameter"
            diameter = check_number(name, diameter, 0, np.inf)
        return n, diameter

    def track(
        self,
        max_distance: float | None = None,
        *,
        labels: SymmetryLabels | None = None,
        max_gap: int = MAX_GAP,
        jump: float = JUMP,
        drift: ArrayLike | Literal["auto"] | None = "auto",
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> tuple[SymmetryPoints, DataFrame]:
        """Link the points of a series over its frames, and tell what happens to them.

        Grains (`SymmetryLabels.get_grains`) are linked by what overlaps of them, drift
        aside; other points by their distances.

        Parameters
        ----------
        max_distance : float, optional
            Farthest that a point goes from one frame to the next, drift aside, in the
            unit of the positions. By default half the distance of nearest neighbours.
            Grains have none.
        labels : SymmetryLabels, optional
            Of grains, the labels that they are of: the overlap is then that of their
            pixels. By default, it is that of ellipses with the same second moments.
        max_gap : int
            Frames in which a point that comes back may be missing. What is missing in
            as many frames, also the first or the last ones, is no event.
        jump : float
            Which displacements are jumps, in standard deviations: those of all points
            or, if larger, the standard errors of the two positions. Grains have none.
        drift : "auto", None or array of float, shape (frames, 2)
            Displacement (y, x) of each frame against the first, in the unit of the
            positions. "auto": from the points themselves; from one frame to the next
            it must be less than half the distance of neighbours. None: there is none.
            Of grains, those count that touch no edge; of fewer than three, there is
            none.
        show_progressbar, num_workers
            As in `to_dataframe`.

        Returns
        -------
        points : SymmetryPoints
            The same, computed, with a column ``track``: the number of the track that a
            point is of. The drift is in ``metadata.Symmetry_points.drift``.
        events : pandas.DataFrame
            A row an event: ``event`` ("appears", "goes" or "jumps"); ``frame``, the
            first with the point, without it, or after the jump; ``time``, the value of
            the navigation axis there; ``track``; ``y`` and ``x`` in that frame; and,
            of jumps, ``dy`` and ``dx`` without the drift. There is none within
            `max_distance` of the edge of the frame, which drift takes points across.
            Of grains, "appears", "goes", "merges" (``track`` ends in ``other``) and
            "splits" (``track`` begins from ``other``), with ``y``, ``x`` and ``area``.
            None appears or goes while it touches the edge.

        Raises
        ------
        ImportError
            If laptrack or, for grains, pandas is not installed (``pip install
            "hyperspy-symseg[track]"``).
        TypeError, ValueError
            If an argument is not allowed, or it is not a series with one axis.

        Notes
        -----
        Points are linked by the smallest sum of squared distances from frame to frame,
        and the ends of tracks over gaps in the same way (K. Jaqaman et al., Nature
        Methods 5, 695 (2008), https://doi.org/10.1038/nmeth.1237), by laptrack.

        Two grains of a pattern are the same if half of the smaller one is in the other;
        each goes on as one at most, the largest overlap first. See ``doc/grains.md``.
        """
        from hyperspy_symseg.point_tracks import linker_of

        if self.axes_manager.navigation_dimension != 1:
            raise ValueError(
                "points must be of a series with one navigation axis to be tracked, "
                f"got {self.axes_manager.navigation_shape or 'a single image'}."
            )
        asked = {"max_distance": max_distance, "labels": labels, "max_gap": max_gap}
        link = linker_of(self, asked | {"jump": jump, "drift": drift})
        tables = [table for _, table in self._read(show_progressbar, num_workers)]
        names = self.column_names
        old = [i for i, name in enumerate(names) if name == "track"]
        if old:
            tables = [np.delete(table, old, axis=1) for table in tables]
            names = [name for name in names if name != "track"]
        found, events = link(tables, names)
        (time,) = self.axes_manager.navigation_axes
        events.insert(2, "time", time.axis[events["frame"].to_numpy(int)])
        return _tracked_points(self, tables, names, found), events

    def get_tracks(self, column: str) -> Signal1D:
        """One column of the tables of tracked points, against time.

        Parameters
        ----------
        column : str
            One of `column_names`, such as "area" of grains, or "y".

        Returns
        -------
        Signal1D
            A signal for each track, in the order of their numbers, along the navigation
            axis of the points; NaN where the point is not seen.

        Raises
        ------
        ValueError
            If the points are not tracked, or there is no such column.

        Examples
        --------
        >>> tracked, events = grains.track()  # doctest: +SKIP
        >>> tracked.get_tracks("area").plot()  # doctest: +SKIP
        """
        from hyperspy_symseg.point_tracks import against_time

        return against_time(self, column)

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        overwrite: bool | None = None,
        extension: str | None = None,
        file_format: str | None = None,
        **kwds: Any,
    ) -> None:
        """Save as ``BaseSignal.save``: as ``.hspy`` or ``.zspy``.

        Points of a single image and lazy points can be saved, too. Lazy points are
        computed to be saved as ``.hspy``; they are not saved over what they come from.

        Parameters
        ----------
        filename, overwrite, extension, file_format, **kwds
            As in ``BaseSignal.save``.
        """
        from .save import as_saved

        saved = as_saved(self, filename, extension, file_format)
        super(SymmetryPoints, saved).save(
            filename, overwrite, extension, file_format, **kwds
        )


class LazySymmetryPoints(SymmetryPoints, LazySignal):
    """A table of points for every frame, found when needed."""

    def _deepcopy_with_new_data(self, data=None, **kwargs):
        """As of HyperSpy; of one frame by `inav` with several navigation axes, too."""
        if isinstance(data, da.Array) and not data.ndim:
            # Without an axis, dask has the table itself as the array.
            data = data.map_blocks(_alone, dtype=object, new_axis=0, chunks=((1,),))
        return super()._deepcopy_with_new_data(data, **kwargs)


def as_points(found, signal, names, quantity, *, calibrated=False, **branches):
    """Tables of points as a signal.

    Parameters
    ----------
    found : numpy.ndarray or dask.array.Array of object
        Tables (n, k), in the shape of the navigation axes; (1,) of a single image.
    signal : Signal2D
        The frames; axes and metadata are taken from it.
    names : sequence of str
        Of the k columns, ``y`` and ``x`` first.
    quantity : str
        What the points are.
    calibrated : bool
        Whether to give lengths in the unit of the axes instead of pixels.
    **branches : dict
        Other first branches of the metadata. That of `BRANCH` is added to what is
        there, such as ``diameter``, of circles, in pixels.

    Returns
    -------
    SymmetryPoints or, of a dask array, LazySymmetryPoints
    """
    axes = dict(zip("yx", frame_axes(signal), strict=True))
    navigation = signal.axes_manager.navigation_axes[::-1]
    record = {
        "version": package_version(),
        "columns": list(names),
        "calibrated": bool(calibrated),
        "axes": {
            name: {
                "name": axis_name(axis, name),
                "scale": float(axis.scale),
                "offset": float(axis.offset),
                "units": unit(axis),
                "size": int(axis.size),
            }
            for name, axis in axes.items()
        },
    }
    branches[BRANCH] = record | branches.get(BRANCH, {})
    if calibrated:
        found = each_table(found, Calibration.of(names, record["axes"]))
    kind = LazySymmetryPoints if isinstance(found, da.Array) else SymmetryPoints
    return kind(
        found,
        axes=[axis.get_axis_dictionary() for axis in navigation],
        ragged=True,
        **result_metadata(signal, quantity, "symmetry_points", **branches),
    )


def _alone(table):
    """A table as the only one of an array of them: (1,) numpy.ndarray of object."""
    found = np.empty(1, object)
    found[0] = table.item() if table.dtype == object else table
    return found


def _tracked_points(points, tables, names, found):
    """Points with the numbers of their tracks as a last column: SymmetryPoints."""
    data = np.empty(len(tables), object)
    for i, (table, numbers) in enumerate(zip(tables, found.numbers, strict=True)):
        data[i] = np.column_stack([table, numbers])
    metadata = points.metadata.as_dictionary()
    metadata[BRANCH] = metadata.get(BRANCH, {}) | {
        "columns": [*names, "track"],
        "drift": found.drift,
    }
    if np.isfinite(found.reach):
        metadata[BRANCH]["max_distance"] = found.reach
    return SymmetryPoints(
        data,
        axes=[axis.get_axis_dictionary() for axis in points.axes_manager._axes],
        ragged=True,
        metadata=metadata,
        original_metadata=points.original_metadata.as_dictionary(),
    )


def check_one_of(name, value, allowed):
    """Check that an argument is one of some words."""
    if not isinstance(value, str) or value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} must be one of {words}, got {shown(value)}.")
