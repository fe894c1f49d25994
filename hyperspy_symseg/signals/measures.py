# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of the patterns of labels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import dask
import numpy as np

from hyperspy_symseg.frames import Grid

from .axes import (
    axis_size,
    check_one_unit,
    frame_axes,
    navigation_axes,
    operation_axes,
    signal_class,
    unit,
)
from .metadata import operations_record, result_metadata
from .pattern_measure import PatternMeasure

if TYPE_CHECKING:
    from hyperspy.api.plot.markers import Markers
    from hyperspy.signals import BaseSignal, Signal1D, Signal2D
    from matplotlib.path import Path
    from numpy.typing import ArrayLike
    from pandas import DataFrame

    from hyperspy_symseg.signals import SymmetryPoints


class Measures:
    """Methods of `SymmetryLabels` that measure the patterns."""

    def get_separability(self) -> BaseSignal:
        """How well each operation tells the patterns apart (the paper's figure 1f).

        Returns
        -------
        Signal2D, Signal1D or BaseSignal
            Fisher's separability (eq. 4 of the paper) against the operations, whose
            axes are those that ``Signal2D.get_symmetry_descriptors`` gives them. Those
            of a list are in ``metadata.Symmetry_descriptors.operations``.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(2, show_progressbar=False).get_separability()
        <Signal2D, title: Simulated micrograph, dimensions: (|9, 9)>
        """
        model = self.model
        axes = [axis.copy() for axis in self.axes_manager.signal_axes[::-1]]
        if model.pixel_size is not None:
            for axis, size, units in zip(
                axes, model.pixel_size, model.units, strict=True
            ):
                axis.scale, axis.units = size, units
        axes = operation_axes(model.descriptor, axes)
        record = {"operations": operations_record(model.descriptor)}
        return signal_class(axes)(
            model.separability.reshape([axis_size(axis) for axis in axes]),
            axes=axes,
            **result_metadata(self, "Separability", Symmetry_descriptors=record),
        )

    def get_areas(self) -> BaseSignal:
        """Area of each pattern, in the squared unit of the signal axes.

        It is the number of labels times the size of their pixels. Names of patterns are
        in ``metadata.Symmetry_segmentation.names``. Of labels on the
        grid (``upsample=False``) those at the edges stand for less than that.

        Returns
        -------
        PatternMeasure, Signal1D, Signal2D or BaseSignal, lazy if the labels are
            Of a single image, areas against the number of the pattern. Of a series,
            areas against the navigation axes of the labels, such as time, which are
            the signal axes here; the pattern is the navigation axis.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> areas = s.segment_symmetry(2, show_progressbar=False).get_areas()
        >>> areas, areas.metadata.Signal.quantity
        (<PatternMeasure, title: Simulated micrograph, dimensions: (|2)>, 'Area (nm²)')
        """
        from hyperspy_symseg.analysis import Areas

        y, x = frame_axes(self)
        areas = Areas(self.n_patterns, abs(y.scale * x.scale))
        return self._measured(areas, "Area", self.area_unit)

    def get_boundary_length(self) -> BaseSignal:
        """Length of the boundary of each pattern with the other patterns.

        Neither the edges of the frame nor those of unlabelled pixels are boundaries.
        A boundary between two patterns counts for both.

        Returns
        -------
        PatternMeasure, Signal1D, Signal2D or BaseSignal, lazy if the labels are
            Lengths in the unit of the signal axes, with axes as in `get_areas`.

        Raises
        ------
        ValueError
            If the signal axes have different units.

        Notes
        -----
        The Cauchy-Crofton formula, on the labels that were computed, one every
        ``metadata.Symmetry_segmentation.label_step`` pixels: if pixels are square, a
        straight boundary comes out within 1.5 % of its length at any angle, see
        `hyperspy_symseg.analysis.boundaries.boundary_lengths`. Where it meets the
        edge of the frame, a label stands for all of these pixels, also where the frame
        ends before: too much by up to one such step in all.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> lengths = seg.get_boundary_length()
        >>> lengths.metadata.Signal.quantity
        'Boundary length (nm)'
        """
        from hyperspy_symseg.analysis import BoundaryLengths

        y, x = frame_axes(self)
        check_one_unit(y, x, "a length")
        record = self._record
        lengths = BoundaryLengths(
            self.n_patterns,
            (abs(y.scale), abs(x.scale)),
            record.label_step if record.upsample else (1, 1),
        )
        units = "px" if self._unit_is_a_pixel else unit(x)
        return self._measured(lengths, "Boundary length", units)

    def sum_by_pattern(
        self,
        other: BaseSignal,
        weights: ArrayLike | Signal2D | None = None,
        *,
        lazy_output: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> BaseSignal:
        """Add up another signal over the pixels of each pattern.

        Such as the spectra of a spectrum image, or the diffraction patterns of
        4D-STEM, which are too weak in a single pixel. A signal that is larger than
        memory is read once, block by block.

        Parameters
        ----------
        other : BaseSignal
            Any signal of real numbers, whose last two navigation axes are the signal
            axes of the labels. Pixels are matched by their positions on the axes, so
            sizes, offsets and units may differ: a pixel has the label at its middle,
            and is left out where there is none. Before these are the navigation axes
            of the labels; labels of a single image are those of each image of a series.
        weights : Signal2D or array, optional
            Weight of each label, 0 or more, such as from `get_certainty`, of the same
            shape as the labels. NaN is 0.
        lazy_output : bool
            Whether the sums are found later. By default they are found at once, also
            of lazy signals: they are small, and the sums, their variance and the number
            of pixels come from one reading.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        BaseSignal
            Of the class of the other signal, with its metadata and its signal axes. The
            number of the pattern is the last navigation axis. Sums of integers are
            integers, if there are no weights. ``metadata.Patterns`` has the names of
            the patterns and, unless they are found later, the number of pixels that
            were added up, ``n_pixels``.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed; nothing has been read then.

        See Also
        --------
        mean_by_pattern : the mean instead.

        Notes
        -----
        ``metadata.Signal.Noise_properties.variance`` of the result is the sum of the
        variances times the squared weights. These are the variance in the metadata of
        the other signal or, if there is none, that of its ``Variance_linear_model``;
        else integers are counts, whose variance is their number. Of other numbers
        without a variance it is not known, nor is it of the result.

        Examples
        --------
        >>> import numpy as np
        >>> import hyperspy.api as hs
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary(shape=(128, 160))
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> counts = np.random.default_rng(0).poisson(0.05, (128, 160, 50))
        >>> spectra = hs.signals.Signal1D(counts)
        >>> for axis, own in zip(spectra.axes_manager.navigation_axes, "xy"):
        ...     axis.update_from(s.axes_manager[own], ["scale", "units"])
        True
        True
        >>> seg.sum_by_pattern(spectra, show_progressbar=False)
        <Signal1D, title: , dimensions: (2|50)>
        """
        from .arguments import working
        from .channels import by_pattern

        with working("Summing", show_progressbar, num_workers):
            return by_pattern(self, other, weights, "sum", lazy_output)

    def mean_by_pattern(
        self,
        other: BaseSignal,
        weights: ArrayLike | Signal2D | None = None,
        *,
        lazy_output: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> BaseSignal:
        """Mean of another signal over the pixels of each pattern.

        Parameters
        ----------
        other, weights, lazy_output, show_progressbar, num_workers
            As in `sum_by_pattern`.

        Returns
        -------
        BaseSignal
            As from `sum_by_pattern`, divided by the number of pixels or, with weights,
            by their sum; the variance by its square. NaN for a pattern without pixels.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed; nothing has been read then.
        """
        from .arguments import working
        from .channels import by_pattern

        with working("Summing", show_progressbar, num_workers):
            return by_pattern(self, other, weights, "mean", lazy_output)

    def get_boundary_velocity(
        self,
        signal: Signal2D | None = None,
        *,
        pattern: int | str = 0,
        against: int | str | None = None,
        drift: ArrayLike | Literal["auto"] | None = "auto",
        smoothing: float | None = None,
        certainty: Signal2D | None = None,
        mask: ArrayLike | BaseSignal | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> tuple[Signal2D, Signal1D]:
        """Velocity of the boundary of a pattern: along it, and its mean against time.

        It is the displacement across the boundary from a frame to the next, positive
        where the pattern grows, without the drift of the specimen. A unit of time of
        the navigation axis is that of the velocity; otherwise it is of one frame.

        Parameters
        ----------
        signal : Signal2D, optional
            The series of micrographs, of the shape and with the axes of the labels: for
            the drift and, if the labels were refined by templates, the certainty.
        pattern : int or str
            The pattern, by its number or name. By default 0, that with the fewest
            pixels.
        against : int or str, optional
            The pattern on the other side. By default all others.
        drift : "auto", None or array of float, shape (frames, 2)
            Displacement (y, x) of each frame against the first, in pixels, as from
            ``Signal2D.estimate_shift2D``. "auto": from the micrographs, or none
            without them, as labels cannot tell a drift from boundaries that move. None:
            there is none.
        smoothing : int or float, optional
            Standard deviation of the Gaussian window along the boundary that the
            velocity is the mean in: an int in pixels, a float in the unit of the axes.
            By default three lattice periods; none if these are not known.
        certainty : Signal2D, optional
            From ``segment_symmetry(certainty=True)``. By default it is computed from
            the micrographs again, unless labels were changed by `relabel`. From 0 to 1.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            The mask that the series was labelled with.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        velocity : Signal2D, or LazySignal2D if the labels or the signal are
            float32, with the axes of the labels, but one frame less: at each, the
            velocity to the next, at the two or so pixels nearest to where the boundary
            is half-way between both. NaN elsewhere.
        mean : Signal1D, lazy if the labels or the signal are
            Mean velocity along the whole boundary against the same navigation axis,
            which is the signal axis here. NaN where there is no boundary.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, the labels are not a series with one
            navigation axis and two frames or more, or their signal axes have different
            units.

        See Also
        --------
        get_areas : what a pattern gains is the mean times the length.

        Notes
        -----
        Variances, the squares of the standard errors, are `get_noise_variance()` of
        both. With a certainty, they follow from the width of the posterior of the
        boundary, and from long waves of the displacement along it; without one, or if
        the lattice period is not known, from the scatter along the boundary, as if all
        of it moved alike. Errors of neighbouring frames are not independent: a boundary
        that is too far ahead in one is moving too slowly to the next. See
        ``doc/velocity.md``.

        Of a series that is lazy, each pair of frames is evaluated by itself, and labels
        that are computed on the way are computed twice: save them first.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> movie, truth = simulate.moving_boundary(6, (160, 190), speed=2.0)
        >>> movie.compute(show_progressbar=False)
        >>> seg = movie.segment_symmetry(2, show_progressbar=False)
        >>> velocity, mean = seg.get_boundary_velocity(movie, show_progressbar=False)
        >>> velocity, mean
        (<Signal2D, title: Simulated movie, dimensions: (5|190, 160)>, <Signal1D, title: Simulated movie, dimensions: (|5)>)
        >>> mean.metadata.Signal.quantity
        'Boundary velocity (nm/s)'
        >>> errors = mean.get_noise_variance() ** 0.5
        """  # noqa: E501
        from .arguments import working
        from .velocity import (
            boundary_velocity,
            has_certainty,
            two_patterns,
            velocity_arguments,
        )

        given = velocity_arguments(self, signal, drift, smoothing, certainty)
        patterns = two_patterns(self, pattern, against)
        if certainty is None and has_certainty(self, signal):
            certainty = self.get_certainty(
                signal,
                mask=mask,
                show_progressbar=show_progressbar,
                num_workers=num_workers,
                lazy_output=signal._lazy or self._lazy,
            )
        with working("Measuring velocities", show_progressbar, num_workers):
            return boundary_velocity(self, patterns, signal, certainty, mask, given)

    def get_grains(
        self,
        signal: Signal2D | None = None,
        min_area: float = 0,
        *,
        mask: ArrayLike | BaseSignal | None = None,
        calibrated: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> SymmetryPoints:
        """Grains, the connected regions of the patterns, one a row of a table.

        Parameters
        ----------
        signal : Signal2D, optional
            The micrograph or series, of the shape and with the axes of the labels.
            Without it, what needs intensities is NaN.
        min_area : int or float
            Area of a grain, at least: an int of pixels, or a float in the squared unit
            of the axes. Smaller regions are no grains.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            The mask that it was labelled with: what is masked belongs to no grain.
        calibrated : bool
            Whether to give positions, lengths and areas in the unit of the axes instead
            of pixels. Axes must then have one unit.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.
        lazy_output : bool or None
            Whether the grains are found later. None: if the labels or the signal are
            lazy.

        Returns
        -------
        SymmetryPoints or LazySymmetryPoints
            For every frame an array (n, 15), in the order of the first pixels of the
            grains, row by row; the number of a grain is its row. ``column_names`` are

            - ``y``, ``x``: the mean position of its pixels; ``pattern``; ``area``;
              ``equivalent_diameter`` of a disc of this area;
            - ``perimeter``: the length of its outline, including the edge of the frame
              and holes;
            - ``major_axis``, ``minor_axis``, ``orientation``: of the ellipse that has
              the same second moments, as in scikit-image;
            - ``lattice_orientation``, ``lattice_orientation_error``: of the shortest
              lattice vector of the pattern, turned as it is in this grain, and the
              standard error. They need the signal, and labels that were refined by
              templates and not changed by `relabel`;
            - ``n_neighbours``: how many grains share a side of a pixel with it;
              ``touches_edge``: 1 if it does touch the edge of the frame, or 0;
            - ``mean_intensity``, ``mean_certainty``: over its pixels. They need the
              signal, and the latter templates, too, as the orientation does.

            Angles are degrees from x (to the right) towards y (down), from -90 to 90.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.

        See Also
        --------
        get_grain_map, get_grain_neighbours, get_grain_polygons, get_grain_markers

        Notes
        -----
        Pixels are connected by their sides. Perimeters are those of
        `get_boundary_length`, by the Cauchy-Crofton formula. Where pixels are longer
        along one axis, lengths in pixels are those of pixels of the same area that are
        as long as wide, so that angles are right. See ``doc/grains.md``.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> grains = seg.get_grains(s, min_area=50, show_progressbar=False)
        >>> grains
        <SymmetryPoints, title: Simulated micrograph, dimensions: (|ragged)>
        >>> grains.data[0].shape
        (2, 15)
        """
        from hyperspy_symseg.signals.grains import get_grains

        asked = {"mask": mask, "calibrated": calibrated, "lazy_output": lazy_output}
        how = {"show_progressbar": show_progressbar, "num_workers": num_workers}
        return get_grains(self, signal, min_area, asked, how)

    def get_grain_map(
        self, grains: SymmetryPoints, column: str | None = None
    ) -> Signal2D:
        """Number of the grain of each pixel, or one of its measures.

        Parameters
        ----------
        grains : SymmetryPoints
            From `get_grains`, of these labels.
        column : str, optional
            One of their ``column_names``, such as "lattice_orientation", or, once they
            are tracked, "track". By default the number, the row in the table.

        Returns
        -------
        Signal2D, lazy if the labels are
            With the axes of the labels. Numbers are int32, and -1 where there is no
            grain; other values are float32, and NaN there.

        Raises
        ------
        TypeError, ValueError
            If the grains are not those of these labels, or have no such column.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> grains = seg.get_grains(min_area=50)
        >>> seg.get_grain_map(grains, "area")
        <Signal2D, title: Simulated micrograph, dimensions: (|512, 512)>
        """
        from hyperspy_symseg.signals.grains import get_grain_map

        return get_grain_map(self, grains, column)

    def get_grain_neighbours(
        self,
        grains: SymmetryPoints,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> DataFrame:
        """Which grains share a boundary: its length, and the misorientation.

        Parameters
        ----------
        grains : SymmetryPoints
            From `get_grains`, of these labels.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        pandas.DataFrame
            A row for each two grains that share a side of a pixel, under the number of
            the frame: ``grain`` and ``neighbour``, rows of the table; ``length`` of
            their boundary, in the unit of the table; ``misorientation`` in degrees from
            the first to the second, its standard error, ``sigma``, ``mirror`` (of
            twins) and the ``deviation`` from these, as of
            ``SymmetryTable.misorientation``. They are NaN where a pattern has no
            lattice, or the two lattices differ. The orientations are those of the
            grains and, where these are not known, those of their patterns: then there
            is no error.

        Raises
        ------
        ImportError
            If pandas is not installed (``pip install "hyperspy-symseg[dataframe]"``).
        TypeError, ValueError
            If the grains are not those of these labels.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> grains = seg.get_grains(s, min_area=50, show_progressbar=False)
        >>> pairs = seg.get_grain_neighbours(grains, show_progressbar=False)
        >>> pairs["sigma"].to_list()
        [5.0]
        """
        from hyperspy_symseg.signals.grains import get_grain_neighbours

        from .arguments import working

        with working("Measuring boundaries", show_progressbar, num_workers):
            return get_grain_neighbours(self, grains)

    def get_grain_polygons(
        self,
        grains: SymmetryPoints,
        *,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> list[Path]:
        """Outlines of grains as paths of matplotlib, on the axes.

        They run along the sides of the pixels, so that they have the areas of the table
        and leave no gap between neighbours.

        Parameters
        ----------
        grains : SymmetryPoints
            From `get_grains`, of these labels.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        list of matplotlib.path.Path
            One a grain, with its holes, in the order of the table; vertices are (x, y)
            in the units of the axes. Of a series, an array of such lists, in the shape
            of the navigation axes.

        Raises
        ------
        TypeError, ValueError
            If the grains are not those of these labels.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> grains = seg.get_grains(min_area=50)
        >>> paths = seg.get_grain_polygons(grains, show_progressbar=False)
        >>> len(paths)
        2
        """
        from hyperspy_symseg.signals.grains import get_grain_polygons

        from .arguments import working

        with working("Outlining grains", show_progressbar, num_workers):
            return get_grain_polygons(self, grains)

    def save_grain_polygons(
        self,
        filename: str | os.PathLike[str],
        grains: SymmetryPoints,
        *,
        overwrite: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> None:
        """Write the outlines of grains into a GeoJSON file, with all their measures.

        Parameters
        ----------
        filename : str or path
            Ending in ``.geojson``, which is added if there is no extension.
        grains : SymmetryPoints
            From `get_grains`, of these labels.
        overwrite : bool
            Whether to replace a file.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Raises
        ------
        FileExistsError
            If there is such a file, and `overwrite` is False.
        TypeError, ValueError
            If an argument is not allowed, or the grains are not those of these labels.

        Notes
        -----
        A feature is a polygon (x, y) with its holes, in the units of the axes; its
        properties are the number of the frame, that of the grain, and its row of the
        table, in which NaN is null.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> grains = seg.get_grains(min_area=50, show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "grains.geojson")
        ...     seg.save_grain_polygons(path, grains, show_progressbar=False)
        ...     path.read_text()[:28]
        '{"type": "FeatureCollection"'
        """
        from hyperspy_symseg.signals.grains import save_grain_polygons

        from .arguments import working

        with working("Outlining grains", show_progressbar, num_workers):
            save_grain_polygons(self, filename, grains, overwrite)

    def get_grain_markers(self, grains: SymmetryPoints, **kwargs: Any) -> list[Markers]:
        """Outlines of grains, for ``signal.add_marker``.

        Parameters
        ----------
        grains : SymmetryPoints
            From `get_grains`, of these labels.
        **kwargs
            As of ``hs.plot.markers.Polygons``.

        Returns
        -------
        list of hyperspy.api.plot.markers.Polygons
            One for each pattern, in its colour. Those of lazy labels are found with the
            frame in view.

        Raises
        ------
        TypeError
            If the grains are not from `get_grains`.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> grains = seg.get_grains(min_area=50, show_progressbar=False)
        >>> markers = seg.get_grain_markers(grains)
        >>> len(markers)
        2
        >>> s.plot()  # doctest: +SKIP
        >>> s.add_marker(markers)  # doctest: +SKIP
        """
        from hyperspy_symseg.signals.grains import get_grain_markers

        return get_grain_markers(self, grains, kwargs)

    def get_certainty(
        self,
        signal: Signal2D,
        *,
        mask: ArrayLike | BaseSignal | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> Signal2D:
        """Probability that the labels are right.

        The model is applied to the micrograph again. For labels and certainty at once,
        as of a long movie, there is ``segment_symmetry(certainty=True)``.

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            The mask that it was labelled with.
        show_progressbar, num_workers, lazy_output
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        Signal2D or LazySignal2D
            float32, with the axes of the labels; NaN where there is no label.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, or the labels were not refined by templates.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> seg.get_certainty(s, show_progressbar=False)
        <Signal2D, title: Simulated micrograph, dimensions: (|512, 512)>
        """
        self._check_is_image(signal)
        model, record = self._refined_model(), self._record
        stride, upsample = record.stride, record.upsample
        *navigation, rows, columns = signal.data.shape
        shape = (rows, columns)
        if not upsample:
            shape = Grid.over(shape, tuple(map(min, stride, shape))).shape
        if (*navigation, *shape) != self.data.shape:
            raise ValueError(
                "signal must be what the labels are of, all of it, got one of shape "
                f"{signal.data.shape} for labels of shape {self.data.shape} with "
                f"stride {stride} and upsample {upsample}."
            )
        certainty = signal.segment_symmetry(
            model=model,
            stride=stride,
            upsample=upsample,
            certainty=True,
            mask=mask,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )[1]
        certainty.data = np.where(self.data < 0, np.float32(np.nan), certainty.data)
        return certainty

    def find_outliers(
        self,
        signal: Signal2D,
        threshold: float | None = None,
        *,
        mask: ArrayLike | BaseSignal | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
        lazy_output: bool | None = None,
    ) -> SymmetryPoints:
        """Find places inside a pattern that fit none of the patterns.

        Such as vacancies, columns of another element, adatoms and the cores of
        dislocations: where intensity is missing or extra in a place as wide as a
        column.

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series, of the same shape as the labels.
        threshold : float, optional
            In standard deviations. By default noise alone exceeds it less than once in
            10,000 columns of a perfect crystal, from a count a column up.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            True where a pixel is left out; so are those that have no label.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.
        lazy_output : bool or None
            Whether the outliers are found later. None: if the signal or the labels are
            lazy. Each frame is found from itself alone.

        Returns
        -------
        SymmetryPoints or LazySymmetryPoints
            Ragged, as from ``Signal2D.find_peaks(get_intensity=True)``: for every
            frame an array of shape (n, 3), position (y, x) in pixels and score in
            standard deviations, negative where intensity is missing. That of a single
            image is ``outliers.data[0]``. `get_outlier_markers` shows them.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, or the labels were not refined by templates.

        Notes
        -----
        At the sites of crystals, and beside them, the likelihood ratios of
        ``find_atomic_columns`` tell what is missing, heavier, lighter or additional. A
        vacancy has the default threshold where none is as likely as a column, with the
        frame's own share of vacancies.

        Elsewhere, what is left of a frame when the templates are subtracted is
        correlated with a Gaussian as wide as a column. The score is this, in standard
        deviations of the places with the same expected intensity; there is none within
        a period of the edge. Outliers are half a period or more apart. None is found
        less than a period from another pattern.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> crystal = simulate.Lattice.square(13, orientation=5)
        >>> s, truth = simulate.micrograph(crystal, (256, 256), vacancies=2)
        >>> seg = s.segment_symmetry(n_patterns=1, show_progressbar=False)
        >>> outliers = seg.find_outliers(s, show_progressbar=False)
        >>> outliers
        <SymmetryPoints, title: Simulated micrograph, dimensions: (|ragged)>
        >>> outliers.data[0].shape
        (2, 3)
        >>> s.plot()
        >>> s.add_marker(seg.get_outlier_markers(outliers))
        """
        from .arguments import working
        from .columns import find_outliers

        self._check_has_their_shape(signal)
        with working("Finding outliers", show_progressbar, num_workers):
            return find_outliers(self, signal, threshold, mask, lazy_output)

    def get_outlier_markers(
        self, outliers: SymmetryPoints, **kwargs: Any
    ) -> list[Markers]:
        """Circles about outliers, for ``signal.add_marker``.

        ``hs.plot.markers.Points.from_signal`` takes the outliers of a series, too, with
        ``signal_axes=signal.axes_manager.signal_axes``.

        Parameters
        ----------
        outliers : SymmetryPoints
            From `find_outliers`. Markers of lazy ones are found with the frame in view.
        **kwargs
            As of ``hs.plot.markers.Circles``.

        Returns
        -------
        list of hyperspy.api.plot.markers.Circles
            Sky blue where intensity is missing, and orange where it is extra.

        Raises
        ------
        ValueError
            If they are not from `find_outliers`.
        """
        from .columns import outlier_markers

        return outlier_markers(self, outliers, **kwargs)

    def _found(self, analysis, frames=None, mask=None):
        """What an analysis finds in the labels: lazy if they or the frames are."""
        from hyperspy_symseg.frames.run import run_or_lazy

        is_lazy = any(map(dask.is_dask_collection, (frames, self.data)))
        return run_or_lazy(analysis, frames, self.data, mask, is_lazy=is_lazy)

    def _share_of_first(self):
        """Share of the pixels that are of pattern 0, for each frame: numpy.ndarray."""
        from hyperspy_symseg.analysis import Areas

        rows, columns = self.data.shape[-2:]
        return self._found(Areas(self.n_patterns, 1 / (rows * columns)))[..., 0]

    def _measured(self, analysis, name, units):
        """What an analysis measures of each pattern, against the navigation axes.

        These are the signal axes, and the patterns the navigation axis. Of a single
        image, the patterns are the signal axis.
        """
        values = self._found(analysis)
        if dask.is_dask_collection(values):
            # Small, and in one chunk a single file once saved.
            values = values.rechunk(-1)
        along = [
            axis.get_axis_dictionary() | {"navigate": False}
            for axis in navigation_axes(self)
        ]
        pattern = {"name": "Pattern", "size": values.shape[-1], "navigate": bool(along)}
        quantity = f"{name} ({units})" if units else name
        kind = signal_class(along) if along else PatternMeasure
        result = kind(
            np.moveaxis(values, -1, 0),
            axes=[pattern, *along],
            **result_metadata(self, quantity),
        )
        return result.as_lazy() if self._lazy else result
