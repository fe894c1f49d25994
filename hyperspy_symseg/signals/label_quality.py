# SPDX-License-Identifier: GPL-3.0-or-later
"""How far labels can be trusted, and what fits none of the patterns."""

import dask.array as da
import numpy as np

from hyperspy_symseg.frames import Grid

from .metadata import why_not_refined


class LabelQuality:
    """Methods of `SymmetryLabels` that judge the labels by the micrograph."""

    def _refined_model(self):
        """The model, which has templates: SymmetryModel."""
        model = self.model
        if model.templates is None:
            raise ValueError(
                "labels must be refined by templates, got those of the scores alone: "
                f"{why_not_refined(self._record.get)}."
            )
        return model

    def get_certainty(
        self,
        signal,
        *,
        mask=None,
        show_progressbar=None,
        num_workers=None,
        lazy_output=None,
    ):
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
        >>> seg = s.segment_symmetry(show_progressbar=False)
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
                f"{signal.data.shape} for labels of shape {self.data.shape}."
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
        where = da.where if certainty._lazy or self._lazy else np.where
        certainty.data = where(self.data < 0, np.float32(np.nan), certainty.data)
        return certainty

    def find_outliers(
        self,
        signal,
        threshold=None,
        *,
        mask=None,
        show_progressbar=None,
        num_workers=None,
        lazy_output=None,
    ):
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
            10,000 columns of a perfect crystal.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            True where a pixel is left out; so are those that have no label.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.
        lazy_output : bool or None
            Whether the outliers are found later. None: if the signal or the labels are
            lazy. Each frame is found from itself alone.

        Returns
        -------
        BaseSignal or LazySignal
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
        What is left of a frame when the templates of its patterns are subtracted is
        correlated with a Gaussian as wide as a column. The score of a place is this, in
        standard deviations of the places of the pattern with the same expected
        intensity; it is corrected for the skewness of counts. Outliers are extrema half
        a period or more apart. None is found less than a period from another pattern
        or from the edge of the frame, or half a period from a pixel without a label,
        nor in a pattern of fewer than 20 periods squared or without any structure.

        HyperSpy saves the outliers of a series, lazy ones as .zspy only. It does not
        load those of a single image again: save ``outliers.data[0]`` with NumPy.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> crystal = simulate.Lattice.square(13, orientation=5)
        >>> s, truth = simulate.micrograph(crystal, (256, 256), vacancies=2)
        >>> seg = s.segment_symmetry(n_patterns=1, show_progressbar=False)
        >>> outliers = seg.find_outliers(s, show_progressbar=False)
        >>> outliers
        <BaseSignal, title: Simulated micrograph, dimensions: (|ragged)>
        >>> outliers.data[0].shape
        (2, 3)
        >>> s.plot()
        >>> s.add_marker(seg.get_outlier_markers(outliers))
        """
        from .outliers import find_outliers

        self._check_is_image(signal)
        return find_outliers(
            self,
            signal,
            threshold,
            mask=mask,
            show_progressbar=show_progressbar,
            num_workers=num_workers,
            lazy_output=lazy_output,
        )

    def get_outlier_markers(self, outliers, **kwargs):
        """Circles about outliers, for ``signal.add_marker``.

        ``hs.plot.markers.Points.from_signal`` takes the outliers of a series, too, with
        ``signal_axes=signal.axes_manager.signal_axes``.

        Parameters
        ----------
        outliers : BaseSignal
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
        from .outliers import outlier_markers

        return outlier_markers(self, outliers, **kwargs)
