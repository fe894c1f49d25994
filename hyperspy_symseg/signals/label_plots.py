# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of the stages that labels have gone through."""

import numpy as np


class StagePlots:
    """Methods of `SymmetryLabels` that plot how the labels came about."""

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
        from hyperspy_symseg import stages

        from .metadata import why_no_costs

        model = self.model
        if model.costs is None:
            raise ValueError(
                "the number of patterns must have been found to be plotted, got labels "
                f"without costs: {why_no_costs(self._record.get)}."
            )
        return stages.plot_n_patterns(model, ax)

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
        from hyperspy_symseg import stages

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
            return stages.plot_periods(periods, ax)
        return stages.plot_periods(periods, ax, abs(x.scale), unit(x))
