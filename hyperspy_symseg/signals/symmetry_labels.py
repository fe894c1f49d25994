# SPDX-License-Identifier: GPL-3.0-or-later
"""The label map as a signal."""

import numpy as np
from hyperspy.signals import LazySignal2D, Signal1D, Signal2D

from .axes import axis_size, operation_axes, signal_class, unit
from .metadata import operations_record, result_metadata


class SymmetryLabels(Signal2D):
    """Label of every pixel: the crystal pattern that it belongs to.

    Made by ``Signal2D.segment_symmetry``. The labels are integers, 0 for the pattern
    with the fewest pixels among those fitted on; -1 is a pixel without a label. Axes
    and metadata are those of the micrograph; ``metadata.Symmetry_segmentation`` holds
    all parameters and the fitted model.
    """

    _signal_type = "symmetry_labels"

    @property
    def _record(self):
        if not self.metadata.has_item("Symmetry_segmentation.model"):
            raise AttributeError(
                "metadata.Symmetry_segmentation is missing: these labels were not made "
                "by segment_symmetry."
            )
        return self.metadata.Symmetry_segmentation

    @staticmethod
    def _check_is_image(signal):
        if not isinstance(signal, Signal2D):
            raise TypeError(
                f"signal is a {type(signal).__name__}: allowed is a Signal2D."
            )

    @property
    def model(self):
        """The fitted `SymmetryModel`, for ``segment_symmetry(model=...)``."""
        from hyperspy_symseg.segmentation import SymmetryModel

        return SymmetryModel.from_dict(self._record.model.as_dictionary())

    @property
    def n_patterns(self):
        """Number of patterns."""
        return int(self._record.n_patterns)

    @property
    def area_unit(self):
        """Product of the units of the signal axes, such as ``nm²``.

        Pixels, ``px²``, if they have neither a unit nor a scale.
        """
        axes = self.axes_manager.signal_axes
        if all(not unit(axis) and axis.scale == 1 for axis in axes):
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
            As in ``Signal2D.plot``.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(show_progressbar=False).plot()
        """
        from hyperspy_symseg.colors import pattern_colormap, pattern_colors

        n = self.n_patterns
        defaults = {
            "cmap": pattern_colormap(n),
            "vmin": -0.5,
            "vmax": n - 0.5,
            "norm": "linear",
        }
        super().plot(*args, **defaults | kwargs)
        colorbar = self._plot.signal_plot._colorbar
        names = pattern_colors(n)[0]
        if colorbar is not None and all(names):
            colorbar.set_label("")
            colorbar.set_ticks(
                np.arange(n), labels=[f"{i} {name}" for i, name in enumerate(names)]
            )

    def overlay(self, signal, saturation=0.5):
        """Micrograph in grey, tinted by pattern (the paper's figure 1e).

        Parameters
        ----------
        signal : Signal2D
            The micrograph, of the same shape as the labels.
        saturation : float
            Strength of the tint, from 0 to 1.

        Returns
        -------
        Signal2D
            rgb8, with the axes and the metadata of the labels. Black is the 0.1 % and
            white the 99.9 % percentile of the intensities.

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
        >>> s.segment_symmetry(show_progressbar=False).overlay(s)
        <Signal2D, title: Simulated micrograph, dimensions: (|512, 512)>
        """
        from rsciio.utils.rgb import regular_array2rgbx

        from hyperspy_symseg.colors import tint
        from hyperspy_symseg.descriptors.checks import check_frame

        self._check_is_image(signal)
        if signal.data.shape != self.data.shape:
            raise ValueError(
                f"signal has shape {signal.data.shape}: allowed is that of the labels, "
                f"{self.data.shape}; labels of every pixel come from upsample=True."
            )
        if not 0 <= saturation <= 1:
            raise ValueError(f"saturation={saturation!r}: allowed is from 0 to 1.")
        check_frame(signal.data)
        image = tint(
            np.asarray(signal.data), np.asarray(self.data), self.n_patterns, saturation
        )
        return Signal2D(
            regular_array2rgbx(image),
            axes=list(self.axes_manager.as_dictionary().values()),
            **result_metadata(self, Signal={"signal_type": ""}),
        )

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
        from hyperspy_symseg import stages

        return stages.plot_explained_variance(self.model, ax)

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
        from hyperspy_symseg import stages

        return stages.plot_separability(self.model, ax)

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
        from hyperspy_symseg import stages

        from .arguments import mask_array
        from .axes import image_axes
        from .given_model import check_pixel_size

        self._check_is_image(signal)
        model = self.model
        check_pixel_size(model, image_axes(signal))
        mask = mask_array(mask, signal.data.shape)
        return stages.plot_clusters(model, np.asarray(signal.data), ax, mask)

    def get_areas(self):
        """Area of each pattern, in the squared unit of the signal axes.

        Returns
        -------
        Signal1D
            Areas against the number of the pattern.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> areas = s.segment_symmetry(show_progressbar=False).get_areas()
        >>> areas, areas.metadata.Signal.quantity
        (<Signal1D, title: Simulated micrograph, dimensions: (|2)>, 'Area (nm²)')
        """
        x, y = self.axes_manager.signal_axes
        # The first count is that of -1.
        counts = np.bincount(np.ravel(self.data) + 1, minlength=1 + self.n_patterns)[1:]
        quantity = f"Area ({self.area_unit})"
        return Signal1D(
            counts * abs(y.scale * x.scale),
            axes=[{"name": "Pattern", "size": self.n_patterns, "navigate": False}],
            **result_metadata(self, Signal={"signal_type": "", "quantity": quantity}),
        )


class LazySymmetryLabels(SymmetryLabels, LazySignal2D):
    """Label of every pixel, computed when needed."""
