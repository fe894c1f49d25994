# SPDX-License-Identifier: GPL-3.0-or-later
"""The label map as a signal."""

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from .axes import (
    axis_name,
    axis_size,
    frame_axes,
    operation_axes,
    signal_class,
    unit,
)
from .label_quality import LabelQuality
from .label_values import LabelValues
from .metadata import (
    operations_record,
    read_metadata,
    result_metadata,
    stored_model,
)


class SymmetryLabels(LabelQuality, LabelValues, Signal2D):
    """Label of every pixel: the crystal pattern that it belongs to.

    Made by ``Signal2D.segment_symmetry``. The labels are integers, 0 for the pattern
    with the fewest pixels among those fitted on; -1 is a pixel without a label. Axes
    and metadata are those of the micrographs; ``metadata.Symmetry_segmentation`` holds
    all parameters and the fitted model.

    ``set_signal_type("symmetry_labels")`` makes labels of any image or series of
    integers, such as the labels of another program. They have no model: what needs one
    says so.
    """

    _signal_type = "symmetry_labels"

    @property
    def _record(self):
        """What ``metadata.Symmetry_segmentation`` says of the labels: Record."""
        from .record import Record

        return Record(self.metadata)

    @staticmethod
    def _check_is_image(signal):
        if not isinstance(signal, Signal2D):
            raise TypeError(
                f"signal must be a Signal2D, got a {type(signal).__name__}."
            )

    def _check_has_their_shape(self, signal):
        if signal.data.shape != self.data.shape:
            raise ValueError(
                f"signal must have the shape of the labels, {self.data.shape}, got "
                f"{signal.data.shape}. Both have the navigation axes before rows and "
                "columns; labels of every pixel come from upsample=True."
            )

    @property
    def model(self):
        """The fitted `SymmetryModel`, for ``segment_symmetry(model=...)``."""
        self._check_one_model()
        return self._record.model

    @property
    def n_patterns(self):
        """Number of patterns; without a model, one more than the largest label."""
        self._check_one_model()
        if stored_model(self.metadata) is None:
            return self._n_of_values
        return self._record.n_patterns

    def _check_one_model(self):
        if self._is_of_several_models:
            raise ValueError(
                "a stack of labels must be of one model, got several: a number does "
                "not mean the same pattern in all."
            )

    @property
    def area_unit(self):
        """Product of the units of the signal axes, such as ``nm²``.

        Pixels, ``px²``, if they have neither a unit nor a scale.
        """
        from .measures import has_pixels_as_unit

        axes = self.axes_manager.signal_axes
        if has_pixels_as_unit(axes):
            return "px²"
        x, y = map(unit, axes)
        return (f"{x}²" if x else "") if x == y else f"{y} {x}".strip()

    def plot(self, *args, **kwargs):
        """Plot the labels, each pattern in a colour of its own.

        The colours are those of Okabe and Ito, which can be told apart with any kind
        of colour vision: orange for pattern 0, then sky blue, bluish green, yellow,
        blue, vermillion and reddish purple; shades of cividis for more than seven
        patterns. Pixels without a label are grey.

        Parameters
        ----------
        *args, **kwargs
            As in ``Signal2D.plot``. The navigator of a lazy series is a slider: only
            the frame in view is computed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(show_progressbar=False).plot()
        """
        from matplotlib.colors import Normalize

        from hyperspy_symseg.analysis.checks import check_labels
        from hyperspy_symseg.plotting import pattern_colormap, pattern_colors

        n = self.n_patterns
        if not self._lazy:
            check_labels(self.data, n)
        defaults = {
            "cmap": pattern_colormap(n),
            "vmin": -0.5,
            "vmax": n - 0.5,
            "norm": "linear",
        }
        if self._lazy and self.axes_manager.navigation_dimension:
            defaults["navigator"] = "slider"
        super().plot(*args, **defaults | kwargs)
        colorbar = self._plot.signal_plot._colorbar
        names = pattern_colors(n)[0]
        if colorbar is None or not all(names):
            return

        def name_colors(image):
            # Not where the user asked for another, such as a logarithmic one.
            if type(image.norm) is Normalize:
                labels = [f"{i} {name}" for i, name in enumerate(names)]
                colorbar.set_ticks(np.arange(n), labels=labels)

        colorbar.set_label("")
        name_colors(colorbar.mappable)
        # HyperSpy sets a new norm with every frame, and that takes the names away.
        colorbar.mappable.callbacks.connect("changed", name_colors)

    def overlay(self, signal, saturation=0.5):
        """Micrographs in grey, tinted by pattern (the paper's figure 1e).

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series, of the same shape as the labels.
        saturation : float
            Strength of the tint, from 0 to 1.

        Returns
        -------
        Signal2D or, if the signal or the labels are lazy, LazySignal2D
            rgb8, with the axes and the metadata of the labels. Black is the 0.1 % and
            white the 99.9 % percentile of the intensities of a frame. Pixels that are
            not finite are black.

        Raises
        ------
        TypeError
            If it is not a signal, or not of real numbers.
        ValueError
            If the shapes differ, or `saturation` is out of range.

        Notes
        -----
        HyperSpy plots a part of a lazy overlay, such as ``overlay.inav[:10]``, only
        with ``navigator="slider"`` or once it is computed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(show_progressbar=False).overlay(s)
        <Signal2D, title: Simulated micrograph, dimensions: (|512, 512)>
        """
        from hyperspy_symseg.analysis import Overlay
        from hyperspy_symseg.frames.checks import check_frame, check_number

        from .measures import found_in

        self._check_is_image(signal)
        self._check_has_their_shape(signal)
        saturation = check_number("saturation", saturation, 0, 1)
        frame_axes(signal)
        check_frame(signal.data[(0,) * (signal.data.ndim - 2)])
        overlay = Signal2D(
            found_in(Overlay(self.n_patterns, saturation), signal.data, self.data),
            axes=list(self.axes_manager.as_dictionary().values()),
            # HyperSpy cannot add up colours: without a navigator, the plot of a lazy
            # series would fail.
            **result_metadata(
                self, Signal={"signal_type": ""}, _HyperSpy={"navigator": "slider"}
            ),
        )
        return overlay.as_lazy() if signal._lazy or self._lazy else overlay

    def get_separability(self):
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
        >>> s.segment_symmetry(show_progressbar=False).get_separability()
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
        return signal_class(axes)(
            model.separability.reshape([axis_size(axis) for axis in axes]),
            axes=axes,
            **result_metadata(
                self,
                Signal={"signal_type": "", "quantity": "Separability"},
                Symmetry_descriptors={
                    "operations": operations_record(model.descriptor)
                },
            ),
        )

    def get_areas(self):
        """Area of each pattern, in the squared unit of the signal axes.

        It is the number of labels times the size of their pixels. Of labels on the
        grid (``upsample=False``) those at the edges stand for less than that.

        Returns
        -------
        Signal1D, Signal2D or BaseSignal, lazy if the labels are
            Of a single image, areas against the number of the pattern. Of a series,
            areas against the navigation axes of the labels, such as time, which are
            the signal axes here; the pattern is the navigation axis.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> areas = s.segment_symmetry(show_progressbar=False).get_areas()
        >>> areas, areas.metadata.Signal.quantity
        (<Signal1D, title: Simulated micrograph, dimensions: (|2)>, 'Area (nm²)')
        """
        from hyperspy_symseg.analysis import Areas

        from .measures import against_navigation, found_in

        x, y = self.axes_manager.signal_axes
        areas = Areas(self.n_patterns, abs(y.scale * x.scale))
        areas = found_in(areas, None, self.data)
        return against_navigation(self, areas, "Area", self.area_unit)

    def get_boundary_length(self):
        """Length of the boundary of each pattern with the other patterns.

        Neither the edges of the frame nor those of unlabelled pixels are boundaries.
        A boundary between two patterns counts for both.

        Returns
        -------
        Signal1D, Signal2D or BaseSignal, lazy if the labels are
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
        >>> lengths = s.segment_symmetry(show_progressbar=False).get_boundary_length()
        >>> lengths.metadata.Signal.quantity
        'Boundary length (nm)'
        """
        from hyperspy_symseg.analysis import BoundaryLengths

        from . import measures

        x, y = self.axes_manager.signal_axes
        if unit(x) != unit(y):
            raise ValueError(
                f"axes {axis_name(y, 'y')} and {axis_name(x, 'x')} must have one unit "
                f"for a length, got {unit(y)!r} and {unit(x)!r}."
            )
        record = self._record
        lengths = BoundaryLengths(
            self.n_patterns,
            (abs(y.scale), abs(x.scale)),
            record.label_step if record.upsample else (1, 1),
        )
        lengths = measures.found_in(lengths, None, self.data)
        units = "px" if measures.has_pixels_as_unit((y, x)) else unit(x)
        return measures.against_navigation(self, lengths, "Boundary length", units)

    def save(self, filename=None, *args, **kwargs):
        """Save the labels; as an image, in the colours of `plot`.

        Parameters
        ----------
        filename : str or pathlib.Path, optional
            Images such as .png and .jpg are pictures, one pixel a label. All other
            formats hold the labels themselves.
        *args, **kwargs
            As in ``BaseSignal.save``.

        Raises
        ------
        ValueError
            If a series is to be saved as an image.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seg.save(Path(folder, "labels.png"))
        """
        from .picture import is_picture, picture

        if is_picture(filename, *args, **kwargs):
            picture(self).save(filename, *args, **kwargs)
        else:
            super().save(filename, *args, **kwargs)

    def save_frames(
        self,
        filename,
        *,
        overwrite=False,
        on_error="raise",
        resume=False,
        num_workers=None,
        show_progressbar=None,
    ):
        """Label a series frame by frame, and write every frame when it is done.

        Each frame is evaluated alone and a few of them at a time, so a series may be
        larger than memory. Until all are done the file is called
        ``NAME.unfinished.zspy``, which can be loaded; frames that are not in it yet
        are -1. Meanwhile ``NAME.unfinished.lock`` says which process writes it.

        With a client of dask.distributed open, its workers label the frames. They
        read them, too, if they can (.zspy, memory-mapped formats); frames of HDF5
        files are read by this process and sent.

        Parameters
        ----------
        filename : str or pathlib.Path
            With the extension .zspy or .hspy.
        overwrite : bool
            Whether to replace a file of this name, and what an earlier run has left
            unfinished. Links and folders of other things are not replaced.
        on_error : str
            What happens if a frame cannot be read, or has no finite pixel:
            ``"raise"`` an error that names it; what was written stays. Or ``"mask"``:
            it is labelled -1, a warning names it, and the others are labelled.
        resume : bool
            Whether to take up what an earlier run of the same labels has left
            unfinished, if there is something.
        num_workers : int or None
            Number of threads. None: one a processor. A cluster has its own.
        show_progressbar : bool or None
            Whether to show a progress bar. None: as in HyperSpy's preferences.

        Raises
        ------
        ValueError
            If an argument is not allowed, the unfinished labels are others, or the
            labels are to be computed from this file.
        FileExistsError
            If there is such a file, something that is not replaced, or another writer.
        OSError
            If the folder cannot be written to.
        FrameError
            If a frame cannot be labelled. It is a RuntimeError.
        RuntimeError
            If the unfinished file or its lock is removed while it is written.

        See Also
        --------
        hyperspy.signals.BaseSignal.save : writes lazy labels chunk by chunk with dask.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import hyperspy.api as hs
        >>> from hyperspy_symseg import simulate
        >>> movie, truth = simulate.moving_boundary(3, (120, 140))
        >>> seg = movie.segment_symmetry(show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seg.save_frames(Path(folder, "seg.zspy"), show_progressbar=False)
        ...     hs.load(Path(folder, "seg.zspy"))
        <SymmetryLabels, title: Simulated movie, dimensions: (3|140, 120)>
        """
        from .label_store import save_frames

        save_frames(
            self,
            filename,
            overwrite=overwrite,
            on_error=on_error,
            resume=resume,
            num_workers=num_workers,
            show_progressbar=show_progressbar,
        )

    def plot_explained_variance(self, ax=None):
        """Plot the variance that principal components explain (the paper's figure 6).

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> ax = s.segment_symmetry(show_progressbar=False).plot_explained_variance()
        """
        from hyperspy_symseg import plotting

        return plotting.plot_explained_variance(self.model, ax)

    def plot_separability(self, ax=None):
        """Plot separability against variance (the paper's figure 9).

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            With a point for every operation and one for every principal component.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> ax = s.segment_symmetry(show_progressbar=False).plot_separability()
        """
        from hyperspy_symseg import plotting

        return plotting.plot_separability(self.model, ax)

    def plot_clusters(self, signal, ax=None, *, mask=None):
        """Plot descriptors among the principal components (the paper's figure 1d).

        Parameters
        ----------
        signal : Signal2D
            The micrograph, or another of the same pixel size.
        ax : matplotlib.axes.Axes, optional
            By default those of a new figure. The first two components are plotted;
            the first three if the axes have three dimensions.
        mask : numpy.ndarray or BaseSignal of bool, optional
            True where a pixel is left out.

        Returns
        -------
        matplotlib.axes.Axes
            With at most 20,000 descriptors in the colour of their pattern, and the
            centres of the clusters.

        Raises
        ------
        TypeError, ValueError
            If the signal or the mask is not allowed, or the model has too few
            components.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> ax = s.segment_symmetry(show_progressbar=False).plot_clusters(s)
        """
        from hyperspy_symseg import plotting

        from .arguments import mask_array
        from .axes import image_axes
        from .given_model import check_pixel_size

        self._check_is_image(signal)
        model = self.model
        check_pixel_size(model, image_axes(signal))
        mask = mask_array(mask, signal.data.shape)
        return plotting.plot_clusters(model, np.asarray(signal.data), ax, mask)

    def plot_n_patterns(self, ax=None):
        """Plot what every number of patterns costs, if the number was found.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Costs in nats; a number with a pattern too small, or too much like another,
            has none.

        Raises
        ------
        ValueError
            If the number was given, or there was no lattice period to find it by.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> ax = s.segment_symmetry("auto", show_progressbar=False).plot_n_patterns()
        """
        from hyperspy_symseg import plotting

        from .metadata import why_no_costs

        model = self.model
        if model.costs is None:
            raise ValueError(
                "the number of patterns must have been found to be plotted, got labels "
                f"without costs: {why_no_costs(self._record.get)}."
            )
        return plotting.plot_n_patterns(model, ax)

    def plot_periods(self, signal, ax=None, *, mask=None):
        """Plot the power spectrum with the reflections and the lattice period found.

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series; of a series, the frames that were fitted on.
        ax : matplotlib.axes.Axes, optional
            By default those of a new figure.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            True where a pixel is left out.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        TypeError, ValueError
            If the signal or the mask is not allowed, or there is no power spectrum: of
            a frame of a few pixels, or without contrast.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> ax = s.segment_symmetry(show_progressbar=False).plot_periods(s)
        """
        from hyperspy_symseg import plotting

        from .axes import unit
        from .fit_frames import fit_frames
        from .source import Source

        self._check_is_image(signal)
        source = Source.of(signal, mask, signal._lazy)
        places = [()]
        if source.navigation:
            places = fit_frames(None, source.navigation)
            if signal.data.shape == self.data.shape:
                places = self._record.fit_on(signal.data.shape[:-2]) or places
        periods = source.periods(places)
        y, x = source.axes
        if (abs(y.scale), unit(y)) != (abs(x.scale), unit(x)):
            # A circle in pixels only.
            return plotting.plot_periods(periods, ax)
        return plotting.plot_periods(periods, ax, abs(x.scale), unit(x))


class LazySymmetryLabels(SymmetryLabels, LazySignal2D):
    """Label of every pixel, computed when needed."""

    def save(
        self, filename=None, overwrite=None, extension=None, file_format=None, **kwds
    ):
        """Save as ``BaseSignal.save``, but not over what is still to be read.

        Parameters
        ----------
        filename, overwrite, extension, file_format, **kwds
            As in ``BaseSignal.save``.

        Raises
        ------
        ValueError
            If the labels are to be computed from that file.

        See Also
        --------
        save_frames : for long runs.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from hyperspy_symseg import simulate
        >>> movie, truth = simulate.moving_boundary(3, (120, 140))
        >>> seg = movie.segment_symmetry(show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seg.save(Path(folder, "seg.zspy"), show_progressbar=False)
        """
        from .label_store import check_saved_elsewhere

        check_saved_elsewhere(self, filename, extension, file_format)
        read_metadata(self)
        super().save(filename, overwrite, extension, file_format, **kwds)
