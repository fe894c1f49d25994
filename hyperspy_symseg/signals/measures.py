# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of the patterns of labels."""

import dask.array as da
import numpy as np

from .axes import axis_name, navigation_axes, signal_class, unit
from .metadata import result_metadata


class Measures:
    """Methods of `SymmetryLabels` that measure the patterns."""

    def get_areas(self):
        """Area of each pattern, in the squared unit of the signal axes.

        It is the number of labels times the size of their pixels. Names of patterns are
        in ``metadata.Symmetry_segmentation.names``. Of labels on the
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
        >>> areas = s.segment_symmetry(2, show_progressbar=False).get_areas()
        >>> areas, areas.metadata.Signal.quantity
        (<Signal1D, title: Simulated micrograph, dimensions: (|2)>, 'Area (nm²)')
        """
        from hyperspy_symseg.analysis import Areas

        x, y = self.axes_manager.signal_axes
        areas = Areas(self.n_patterns, abs(y.scale * x.scale))
        return self._measured(areas, "Area", self.area_unit)

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
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> lengths = seg.get_boundary_length()
        >>> lengths.metadata.Signal.quantity
        'Boundary length (nm)'
        """
        from hyperspy_symseg.analysis import BoundaryLengths

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
        units = "px" if self._unit_is_a_pixel else unit(x)
        return self._measured(lengths, "Boundary length", units)

    def _found(self, analysis, frames=None):
        """What an analysis finds in the labels: lazy if they or the frames are."""
        from hyperspy_symseg.frames.lazy import lazy
        from hyperspy_symseg.frames.run import run

        is_lazy = any(isinstance(array, da.Array) for array in (frames, self.data))
        return (lazy if is_lazy else run)(analysis, frames, self.data)

    def _measured(self, analysis, name, units):
        """What an analysis measures of each pattern, against the navigation axes.

        These are the signal axes, and the patterns the navigation axis. Of a single
        image, the patterns are the signal axis.
        """
        values = self._found(analysis)
        if isinstance(values, da.Array):
            # Small, and in one chunk a single file once saved.
            values = values.rechunk(-1)
        along = [
            axis.get_axis_dictionary() | {"navigate": False}
            for axis in navigation_axes(self)
        ]
        pattern = {"name": "Pattern", "size": values.shape[-1], "navigate": bool(along)}
        quantity = f"{name} ({units})" if units else name
        result = signal_class(along or [pattern])(
            np.moveaxis(values, -1, 0),
            axes=[pattern, *along],
            **result_metadata(self, quantity),
        )
        return result.as_lazy() if self._lazy else result
