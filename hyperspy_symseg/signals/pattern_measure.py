# SPDX-License-Identifier: GPL-3.0-or-later
"""A number for each pattern of an image, such as its area: drawn as bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.signals import LazySignal1D, Signal1D

__all__ = ["LazyPatternMeasure", "PatternMeasure"]


class PatternMeasure(Signal1D):
    """A number for each pattern of an image, against the number of the pattern.

    From ``SymmetryLabels.get_areas`` and ``get_boundary_length``. What is calculated
    from it is one, too, such as areas divided by their sum.
    """

    _signal_type = "pattern_measure"

    def plot(self, *args: Any, **kwargs: Any) -> None:
        """Plot bars from zero, in the colours of the patterns and with their names.

        Parameters
        ----------
        *args, **kwargs
            As in ``Signal1D.plot``, which draws it where there are navigation axes.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(2, show_progressbar=False).get_areas().plot()
        """
        super().plot(*args, **kwargs)
        if self.axes_manager.navigation_dimension or self.data.ndim != 1:
            return
        # HyperSpy draws no single number.
        if self._plot is None:
            return
        # Of some of the patterns, the axis knows which.
        numbers = self.axes_manager.signal_axes[0].axis
        if numbers.min() < 0 or (np.rint(numbers) != numbers).any():
            return
        from hyperspy_symseg.plotting import draw_bars

        names = self.metadata.get_item("Symmetry_segmentation.names", None)
        n_patterns = self.metadata.get_item("Symmetry_segmentation.n_patterns", 0)
        (line,) = self._plot.signal_plot.ax_lines
        line.line.set_visible(False)
        bars = numbers.astype(int), self._get_current_data(as_numpy=True)
        draw_bars(self._plot.signal_plot.ax, *bars, names, n_patterns)


class LazyPatternMeasure(PatternMeasure, LazySignal1D):
    """A number for each pattern, computed when needed."""
