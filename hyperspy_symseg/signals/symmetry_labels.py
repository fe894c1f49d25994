# SPDX-License-Identifier: GPL-3.0-or-later
"""The label map as a signal."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from hyperspy_symseg.frames.checks import shown

from .axes import (
    check_pixel_size,
    frame_axes,
    image_axes,
    navigation_axes,
    set_rebinned_axes,
    unit,
)
from .by_hand import ChangedByHand
from .measures import Measures
from .metadata import (
    Record,
    are_of_several_models,
    forget_labels,
    has_record,
    is_relabelled,
    make_plain,
    read_metadata,
    result_metadata,
    why_no_costs,
    why_not_refined,
)
from .overlay import SymmetryOverlay, navigator
from .symmetry import NamedPatterns

if TYPE_CHECKING:
    from hyperspy.signals import BaseSignal
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from hyperspy_symseg.segmentation import SymmetryModel

_logger = logging.getLogger(__name__)

# Of labels without a model, that may be more than there are pixels, as of a part of
# an image.
MOST_LABELS = 2**16

# Methods of HyperSpy's that make other values of labels: as a new signal, or with an
# operator such as += in the labels themselves.
CHANGING = (
    "_binary_operator_ruler",
    "_unary_operator_ruler",
    "__array_wrap__",
    "_apply_function_on_data_and_remove_axis",
    "diff",
    "derivative",
    "integrate_simpson",
    "integrate1D",
    "fft",
    "ifft",
)
# And those that can do so in the labels themselves, and then return nothing.
CHANGING_IN_PLACE = (
    "add_gaussian_noise",
    "add_poissonian_noise",
    "add_ramp",
    "apply_apodization",
    "interpolate_on_axis",
    "remove_spikes",
)


class SymmetryLabels(Measures, ChangedByHand, NamedPatterns, Signal2D):
    """Label of every pixel: the crystal pattern that it belongs to.

    Made by ``Signal2D.segment_symmetry``. The labels are integers, 0 for the pattern
    with the fewest pixels among those fitted on; -1 is a pixel without a label. Axes
    and metadata are those of the micrographs; ``metadata.Symmetry_segmentation`` holds
    all parameters and the fitted model.

    Slices, copies, transposed and stacked labels are labels. What HyperSpy calculates
    from their values is a plain signal.

    ``set_signal_type("symmetry_labels")`` makes labels of any image or series of
    integers, such as the labels of another program. They have no model: what needs one
    says so.
    """

    _signal_type = "symmetry_labels"

    @property
    def _record(self):
        """What ``metadata.Symmetry_segmentation`` says of the labels: Record."""
        return Record(self.metadata)

    @staticmethod
    def _check_is_image(signal):
        if not isinstance(signal, Signal2D):
            raise TypeError(
                f"signal must be a Signal2D, got a {type(signal).__name__}."
            )

    def _check_has_their_shape(self, signal):
        self._check_is_image(signal)
        if signal.data.shape != self.data.shape:
            raise ValueError(
                f"signal must have the shape of the labels, {self.data.shape}, got "
                f"{signal.data.shape}. Both have the navigation axes before rows and "
                "columns; labels of every pixel come from upsample=True."
            )

    @property
    def model(self) -> SymmetryModel:
        """The fitted `SymmetryModel`, for ``segment_symmetry(model=...)``."""
        self._check_one_model()
        return self._record.model

    @property
    def n_patterns(self) -> int:
        """Number of patterns; without a model, one more than the largest label."""
        self._check_one_model()
        if not has_record(self.metadata):
            return self._n_of_values
        return self._record.n_patterns

    @property
    def pattern_names(self) -> tuple[str, ...] | None:
        """Names of the patterns, from examples that have names or given by hand.

        They can be set, as ``seg.pattern_names = ["matrix", "twin"]``: in plots, in
        tables, of the model and in files. That is recorded, see `replay`.

        Returns
        -------
        tuple of str or None
        """
        self._check_one_model()
        return self._record.names if has_record(self.metadata) else None

    @pattern_names.setter
    def pattern_names(self, names: Sequence[str]) -> None:
        from .by_hand import set_pattern_names

        set_pattern_names(self, names)

    def _check_one_model(self):
        if self._is_of_several_models:
            raise ValueError(
                "a stack of labels must be of one model, got several: a number does "
                "not mean the same pattern in all."
            )

    @property
    def _unit_is_a_pixel(self):
        """Whether the signal axes have neither a unit nor a scale."""
        axes = self.axes_manager.signal_axes
        return all(not unit(axis) and axis.scale == 1 for axis in axes)

    @property
    def area_unit(self) -> str:
        """Product of the units of the signal axes, such as ``nm²``.

        Pixels, ``px²``, if they have neither a unit nor a scale.
        """
        if self._unit_is_a_pixel:
            return "px²"
        x, y = map(unit, self.axes_manager.signal_axes)
        return (f"{x}²" if x else "") if x == y else f"{y} {x}".strip()

    def plot(self, *args: Any, **kwargs: Any) -> None:
        """Plot the labels, each pattern in a colour of its own.

        The colours are those of Okabe and Ito, which can be told apart with any kind
        of colour vision: orange for pattern 0, then sky blue, bluish green, yellow,
        blue, vermillion and reddish purple, and seven others; shades of cividis for
        more than fourteen patterns. Pixels without a label are grey. Beside the bar are
        the names of the patterns, if they have any.

        Parameters
        ----------
        *args, **kwargs
            As in ``Signal2D.plot``. The navigator of a series is the share of pixels
            that are of pattern 0; that of a lazy series is a slider, as only the frame
            in view is computed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(2, show_progressbar=False).plot()
        """
        from hyperspy_symseg import plotting
        from hyperspy_symseg.analysis.checks import check_labels

        n = self.n_patterns
        if not self._lazy:
            check_labels(self.data, n)
        defaults = {
            "cmap": plotting.pattern_colormap(n),
            "vmin": -0.5,
            "vmax": n - 0.5,
            "norm": "linear",
        }
        along = self.axes_manager.navigation_dimension
        if self._lazy and along:
            defaults["navigator"] = "slider"
        elif along in (1, 2) and not args:
            shares = self._share_of_first()
            defaults["navigator"] = navigator(shares, navigation_axes(self))
        options = defaults | kwargs
        super().plot(*args, **options)
        if "navigator" not in kwargs:
            plotting.name_navigator(self._plot, defaults.get("navigator"))
        colorbar = self._plot.signal_plot._colorbar
        if colorbar is not None:
            plotting.name_patterns(colorbar, n, self.pattern_names)
        scalebar = getattr(self._plot.signal_plot.ax, "scalebar", None)
        if scalebar is not None:
            plotting.outline(scalebar)

    def overlay(self, signal: Signal2D, saturation: float = 0.5) -> SymmetryOverlay:
        """Micrographs in grey, tinted by pattern (the paper's figure 1e).

        The plot has a legend, with the names of the patterns that the labels have now.

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series, of the same shape as the labels.
        saturation : float
            Strength of the tint, from 0 to 1. Black is tinted, too, half as much.

        Returns
        -------
        SymmetryOverlay or, if the signal or the labels are lazy, LazySymmetryOverlay
            rgb8, with the axes and the metadata of the labels. Black is the 0.1 % and
            white the 99.9 % percentile of the intensities of a frame. Pixels that are
            not finite are black.

        Raises
        ------
        TypeError
            If it is not a signal, or not of real numbers.
        ValueError
            If the shapes differ, or `saturation` is out of range.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(2, show_progressbar=False).overlay(s)
        <SymmetryOverlay, title: Simulated micrograph, dimensions: (|512, 512)>
        """
        from hyperspy_symseg.analysis import Overlay
        from hyperspy_symseg.frames.checks import check_frame, check_number
        from hyperspy_symseg.plotting import PATTERN_COLORS, pattern_words

        self._check_has_their_shape(signal)
        saturation = check_number("saturation", saturation, 0, 1)
        frame_axes(signal)
        check_frame(signal.data[(0,) * (signal.data.ndim - 2)])
        n, own = self.n_patterns, {}
        if n <= len(PATTERN_COLORS):
            own["legend"] = pattern_words(n, self.pattern_names)
        if self.axes_manager.navigation_dimension and not self._lazy:
            own["share"] = self._share_of_first()
        overlay = SymmetryOverlay(
            self._found(Overlay(n, saturation), signal.data),
            axes=list(self.axes_manager.as_dictionary().values()),
            # Where this package is not installed, HyperSpy would add up colours.
            **result_metadata(
                self,
                signal_type=SymmetryOverlay._signal_type,
                _HyperSpy={"navigator": "slider"},
                Symmetry_overlay=own,
            ),
        )
        return overlay.as_lazy() if signal._lazy or self._lazy else overlay

    def save(
        self, filename: str | os.PathLike[str] | None = None, *args: Any, **kwargs: Any
    ) -> None:
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
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seg.save(Path(folder, "labels.png"))
        """
        from .save import is_picture, picture

        if is_picture(filename, *args, **kwargs):
            picture(self).save(filename, *args, **kwargs)
        else:
            super().save(filename, *args, **kwargs)

    def save_frames(
        self,
        filename: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        on_error: str = "raise",
        resume: bool = False,
        num_workers: int | None = None,
        show_progressbar: bool | None = None,
    ) -> None:
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
        >>> seg = movie.segment_symmetry(2, show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seg.save_frames(Path(folder, "seg.zspy"), show_progressbar=False)
        ...     hs.load(Path(folder, "seg.zspy"))
        <SymmetryLabels, title: Simulated movie, dimensions: (3|140, 120)>
        """
        from .arguments import working
        from .save import save_frames

        with working("Segmenting", show_progressbar, num_workers):
            save_frames(
                self, filename, overwrite=overwrite, on_error=on_error, resume=resume
            )

    def save_movie(
        self,
        filename: str | os.PathLike[str],
        signal: Signal2D | None = None,
        saturation: float = 0.5,
        *,
        speed: float | None = None,
        scale_bar: bool = True,
        time_stamp: bool = True,
        legend: bool = True,
        overwrite: bool = False,
        num_workers: int | None = None,
        show_progressbar: bool | None = None,
    ) -> None:
        """Write a series as a movie: MP4, WebP or GIF.

        The labels, or the micrographs tinted by pattern, with a scale bar, the time of
        each frame and a legend. It takes the extra ``movie``. Frames are evaluated a
        few at a time and kept in a stack of images beside the file until it is
        complete, so a series may be larger than memory.

        Parameters
        ----------
        filename : str or pathlib.Path
            With the extension .mp4 (H.264), .webp or .gif. Until it is complete, the
            file is called ``NAME.unfinished.*``.
        signal : Signal2D, optional
            The series. It is tinted by pattern, as by `overlay`; without it, labels
            are in the colours of `plot`.
        saturation : float
            Strength of the tint, from 0 to 1.
        speed : float or None
            Frames per second. None: that of the specimen, if the fastest navigation
            axis is in a unit of time, but from 1 to 30; otherwise 10.
        scale_bar, time_stamp, legend : bool
            What is written on the frames: a length along x, the values on the
            navigation axes, the names of the patterns, or of their colours. With any
            of them, pixels of frames of less than 256 are repeated.
        overwrite : bool
            Whether to replace a file of this name.
        num_workers, show_progressbar
            As in `save_frames`.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, the extra is not installed, there is only
            one image, or the movie would be written over what it is made of.
        FileExistsError
            If there is such a file, something that is not replaced, or another writer.
        FrameError
            If a frame cannot be read. It is a RuntimeError.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> movie, truth = simulate.moving_boundary(3, (120, 140))
        >>> seg = movie.segment_symmetry(2, show_progressbar=False)
        >>> seg.save_movie("labels.mp4", movie)  # doctest: +SKIP
        """
        from hyperspy_symseg.frames.checks import check_flag

        from .arguments import working
        from .save import painted, save_movie

        if not self.axes_manager.navigation_dimension:
            raise ValueError(
                "labels must be of a series for a movie, got those of a single image "
                "(see `save`)."
            )
        given = {"scale_bar": scale_bar, "time_stamp": time_stamp, "legend": legend}
        wanted = [name for name, value in given.items() if check_flag(name, value)]
        overwrite = check_flag("overwrite", overwrite)
        if signal is None:
            pictures = painted(self)
        else:
            # A movie in memory is tinted frame by frame, too.
            labels = self if self._lazy else self.as_lazy()
            pictures = labels.overlay(signal, saturation)
        with working("Overlay", show_progressbar, num_workers):
            save_movie(
                self, filename, pictures, wanted, speed=speed, overwrite=overwrite
            )

    def plot_explained_variance(self, ax: Axes | None = None) -> Axes:
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
        >>> ax = s.segment_symmetry(2, show_progressbar=False).plot_explained_variance()
        """
        from hyperspy_symseg import plotting

        return plotting.plot_explained_variance(self.model, ax)

    def plot_separability(self, ax: Axes | None = None) -> Axes:
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
        >>> ax = s.segment_symmetry(2, show_progressbar=False).plot_separability()
        """
        from hyperspy_symseg import plotting

        return plotting.plot_separability(self.model, ax)

    def plot_clusters(
        self,
        signal: Signal2D,
        ax: Axes | None = None,
        *,
        mask: ArrayLike | BaseSignal | None = None,
    ) -> Axes:
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
        >>> ax = s.segment_symmetry(2, show_progressbar=False).plot_clusters(s)
        """
        from hyperspy_symseg import plotting

        from .arguments import mask_array

        self._check_is_image(signal)
        model = self._own_model()
        check_pixel_size(model, image_axes(signal))
        mask = mask_array(mask, signal.data.shape)
        return plotting.plot_clusters(model, np.asarray(signal.data), ax, mask)

    def plot_n_patterns(self, ax: Axes | None = None) -> Axes:
        """Plot what every number of patterns costs, and why it was refused.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Costs in nats. At each number is what it gains over the best smaller one,
            and why it does not count (see `SymmetryModel.refusals`), whatever it gains;
            a pattern more has to gain more than 10 nats. A number with a pattern too
            small has no cost, and is drawn at that of the best smaller one.

        Raises
        ------
        ValueError
            If the number was given, or there were no templates to find it by.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(show_progressbar=False)
        >>> ax = seg.plot_n_patterns()
        >>> ax.texts[0].get_text().startswith("gains")
        True
        """
        from hyperspy_symseg import plotting

        model = self.model
        if model.costs is None:
            raise ValueError(
                "the number of patterns must have been found to be plotted, got labels "
                f"without costs: {why_no_costs(self._record.get)}."
            )
        return plotting.plot_n_patterns(model, ax)

    def plot_patterns(self, axes: np.ndarray | None = None) -> np.ndarray:
        """Plot what each pattern looks like: its unit cell and its reflections.

        Parameters
        ----------
        axes : (patterns, 2) numpy.ndarray of matplotlib.axes.Axes, optional
            By default those of a new figure.

        Returns
        -------
        (patterns, 2) numpy.ndarray of matplotlib.axes.Axes
            A row for each pattern. On the left the mean unit cell of a crystal, from
            its structure factors, with the lattice vectors. Of a pattern with free
            phases the Patterson function, which needs no phases. On the right the
            reflections, circles whose area is in proportion to the amplitude.

        Raises
        ------
        TypeError, ValueError
            If the axes are others, or the labels were not refined by templates.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> axes = s.segment_symmetry(2, show_progressbar=False).plot_patterns()
        >>> axes.shape
        (2, 2)
        """
        from hyperspy_symseg import plotting

        return plotting.plot_patterns(self._refined_model(), axes)

    def plot_periods(
        self,
        signal: Signal2D,
        ax: Axes | None = None,
        *,
        mask: ArrayLike | BaseSignal | None = None,
    ) -> Axes:
        """Plot the power spectrum with the reflections and the lattice period.

        The period is the one that was given, if one was.

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
        >>> ax = s.segment_symmetry(2, show_progressbar=False).plot_periods(s)
        """
        from hyperspy_symseg import plotting

        from .arguments import fit_frames
        from .source import Source

        self._check_is_image(signal)
        source = Source.of(signal, mask, signal._lazy)
        places = [()]
        if source.navigation:
            places = fit_frames(None, source.navigation)
            if signal.data.shape == self.data.shape:
                places = self._record.fit_on(signal.data.shape[:-2]) or places
        given = self._record.get("auto_period") is False
        period = self._record.get("period") if given else "auto"
        periods = source.periods(places, period)
        y, x = source.axes
        if (abs(y.scale), unit(y)) != (abs(x.scale), unit(x)):
            # A circle in pixels only.
            return plotting.plot_periods(periods, ax)
        return plotting.plot_periods(periods, ax, abs(x.scale), unit(x))

    def _own_model(self):
        """The model, which has given the labels as they are: SymmetryModel."""
        if is_relabelled(self.metadata, self.original_metadata):
            raise ValueError(
                "labels must be as the model gave them, got labels that were changed "
                "by hand (see `relabel`), of which it knows nothing. Take those from "
                "before, or have a model of these patterns learnt from them: "
                "segment_symmetry(patterns=labels)."
            )
        return self.model

    def _refined_model(self):
        """The model, which has templates: SymmetryModel."""
        model = self._own_model()
        if model.templates is None:
            raise ValueError(
                "labels must be refined by templates, got those of the scores alone: "
                f"{why_not_refined(self._record.get)}."
            )
        return model

    # Lazy data by name, and the number of patterns in them.
    _n_of_data = (None, None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.data.dtype.kind
        # HyperSpy copies signals without their data, which is None then.
        if kind in "iuO":
            return
        self.set_signal_type("")
        message = f"labels must be ints, got {self.data.dtype}."
        if not kwargs.get("full_initialisation", True):
            raise TypeError(message)
        # Such a file can be read nevertheless.
        _logger.warning("The signal is not made SymmetryLabels: %s", message)

    def _assign_subclass(self, *args, **kwargs):
        """Class of what the data are now: a plain one if these are no labels."""
        if self.data.dtype.kind not in "iu" or self._is_of_several_models:
            forget_labels(self.metadata)
        super()._assign_subclass(*args, **kwargs)

    @property
    def _n_of_values(self):
        """One more than the largest label, found once."""
        data = self.data
        if not self._lazy:
            return number_of(data.max(initial=0), data.size)
        if self._n_of_data[0] != data.name:
            self._n_of_data = data.name, number_of(data.max().compute(), data.size)
        return self._n_of_data[1]

    @property
    def _is_of_several_models(self):
        return are_of_several_models(self.original_metadata)

    def map(self, *args: Any, **kwargs: Any) -> BaseSignal | None:
        """As `BaseSignal.map`; values of another dtype are no labels."""
        dtype = self.data.dtype
        result = super().map(*args, **kwargs)
        mapped = self if result is None else result
        if mapped.data.dtype != dtype or not isinstance(mapped, SymmetryLabels):
            make_plain(mapped)
        return result

    def rebin(
        self,
        new_shape: Sequence[int] | None = None,
        scale: Sequence[int] | None = None,
        crop: bool = True,
        dtype: Literal["same"] | None = None,
        out: SymmetryLabels | None = None,
    ) -> SymmetryLabels | None:
        """Labels of larger pixels: the most frequent one in each.

        Of labels that are equally frequent it is the smallest; it is -1, no label,
        where this is more frequent than any other.

        Parameters
        ----------
        new_shape : sequence of int, optional
            Number of pixels along the axes, in HyperSpy's order. It must divide the
            present one.
        scale : sequence of int, optional
            Or, how many pixels along each axis become one.
        crop : bool
            Whether to leave out pixels at the end of an axis that are too few for one.
        dtype : None or "same"
            It is always the same.
        out : SymmetryLabels, optional
            Where to put the labels; by default, they are new.

        Returns
        -------
        SymmetryLabels or LazySymmetryLabels
            None if `out` is given.

        Raises
        ------
        ValueError
            If an argument is not allowed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(2, show_progressbar=False).rebin(scale=(4, 4))
        <SymmetryLabels, title: Simulated micrograph, dimensions: (|128, 128)>
        """
        from hyperspy_symseg.analysis.rebinning import rebin, whole_factors

        factors = self._validate_rebin_args_and_get_factors(new_shape, scale)
        factors = whole_factors(factors, self.data.shape, crop)
        if dtype not in (None, "same"):
            raise ValueError(
                'dtype must be None or "same" when labels are rebinned, got '
                f"{shown(dtype)}."
            )
        data = rebin(self.data, factors)
        result = self._deepcopy_with_new_data(data) if out is None else out
        if out is not None and not out._lazy:
            out.data[...] = data
        elif out is not None:
            out.data = data
        set_rebinned_axes(result, self, factors)
        if out is None:
            return result
        out.events.data_changed.trigger(obj=out)
        return None


class LazySymmetryLabels(SymmetryLabels, LazySignal2D):
    """Label of every pixel, computed when needed."""

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        overwrite: bool | None = None,
        extension: str | None = None,
        file_format: str | None = None,
        **kwds: Any,
    ) -> None:
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
        >>> seg = movie.segment_symmetry(2, show_progressbar=False)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seg.save(Path(folder, "seg.zspy"), show_progressbar=False)
        """
        from .save import check_saved_elsewhere

        check_saved_elsewhere(self, filename, extension, file_format)
        read_metadata(self)
        super().save(filename, overwrite, extension, file_format, **kwds)


def number_of(largest, size):
    """Number of patterns, if their labels are not so large that they are none."""
    most = max(size, MOST_LABELS)
    if largest >= most:
        raise ValueError(f"labels must be less than {most}, got {largest}.")
    return max(int(largest), 0) + 1


def _changing(name):
    """A method of HyperSpy's, whose results are made plain signals."""

    @functools.wraps(getattr(LazySignal2D, name))
    def method(self, *args, **kwargs):
        result = getattr(super(SymmetryLabels, self), name)(*args, **kwargs)
        # Without any axis to add up along, they are the labels as they were.
        if result is not self or name == "_binary_operator_ruler":
            make_plain(result)
        if result is None and name in CHANGING_IN_PLACE:
            make_plain(self)
        return result

    return method


for _name in (*CHANGING, *CHANGING_IN_PLACE):
    if hasattr(Signal2D, _name):
        setattr(SymmetryLabels, _name, _changing(_name))
