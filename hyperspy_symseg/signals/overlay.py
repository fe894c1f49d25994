# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs tinted by pattern as a signal, whose plot has a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import BaseSignal, LazySignal2D, Signal2D

from hyperspy_symseg.frames.checks import check_flag, shown

from .axes import navigation_axes, signal_class

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

__all__ = ["LazySymmetryOverlay", "SymmetryOverlay"]

# The first branch of the metadata that overlays have of their own.
BRANCH = "Symmetry_overlay"
SHARE = "Share of pattern 0"


class SymmetryOverlay(Signal2D):
    """Micrographs in grey, tinted by pattern: colours, with the names of the patterns.

    From ``SymmetryLabels.overlay``. ``metadata.Symmetry_overlay`` has what the legend
    says, and for a series the share of pattern 0 in each frame. Slices, and what is
    loaded from .hspy and .zspy, have it, too.
    """

    _signal_type = "symmetry_overlay"
    _has_navigator_plot = False

    @property
    def is_rgbx(self) -> bool:
        """Whether the data are colours."""
        # HyperSpy asks before it plots, and would take nothing but a slider.
        return not self._has_navigator_plot and super().is_rgbx

    @property
    def _legend(self):
        """Number and name of each pattern: list of str, empty if none are recorded."""
        words = self.metadata.get_item(f"{BRANCH}.legend")
        words = [] if words is None else np.asarray(words)
        if len(words) and (words.ndim != 1 or words.dtype.kind not in "UO"):
            raise TypeError(
                f"metadata.{BRANCH}.legend must be a list of str, got {shown(words)}."
            )
        return [str(each) for each in words]

    @property
    def _navigator(self):
        """Signal to choose a frame from; ``"slider"`` if none of its size is kept."""
        share = np.asarray(self.metadata.get_item(f"{BRANCH}.share", ()))
        along = navigation_axes(self)
        sizes = tuple(axis.size for axis in along)
        if not 1 <= len(along) <= 2 or share.shape != sizes or share.dtype.kind != "f":
            return "slider"
        return navigator(share, along)

    def plot(self, *args: Any, legend: bool = True, **kwargs: Any) -> None:
        """Plot the tinted micrographs, with a legend and a scale bar.

        Parameters
        ----------
        *args, **kwargs
            As in ``Signal2D.plot``. The navigator of a series is the share of pixels
            that are of pattern 0. If the labels were lazy, or for some of the frames
            alone, it is a slider.
        legend : bool
            Whether to write the names of the patterns in the upper right corner.

        Raises
        ------
        TypeError
            If `legend` is not a bool.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(2, show_progressbar=False).overlay(s).plot()
        """
        from hyperspy_symseg.plotting import name_navigator, outline

        check_flag("legend", legend)
        is_coloured = self.is_rgbx
        # What is asked for goes before.
        own = None if args or "navigator" in kwargs else self._navigator
        if is_coloured and own is not None:
            kwargs["navigator"] = own
        given = args[0] if args else kwargs.get("navigator")
        self._has_navigator_plot = is_coloured and isinstance(given, BaseSignal)
        try:
            super().plot(*args, **kwargs)
        finally:
            self._has_navigator_plot = False
        if not is_coloured:
            return
        name_navigator(self._plot, own)
        ax = self._plot.signal_plot.ax
        if getattr(ax, "scalebar", None) is not None:
            outline(ax.scalebar)
        drawn = self.add_legend(ax) if legend else None
        if drawn is not None:
            # As the image is, which would be drawn above it.
            drawn.set_animated(ax.figure.canvas.supports_blit)

    def add_legend(self, ax: Axes, **kwargs: Any) -> Legend | None:
        """Write the names of the patterns, with their colours, in a corner of axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes
            Such as those that ``hs.plot.plot_images`` returns.
        **kwargs
            As of ``Axes.legend``, such as ``loc="lower right"``.

        Returns
        -------
        matplotlib.legend.Legend or None
            None if there are no names: colours of more than fourteen patterns cannot
            all be told apart.

        Examples
        --------
        >>> import hyperspy.api as hs
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> overlay = s.segment_symmetry(2, show_progressbar=False).overlay(s)
        >>> (ax,) = hs.plot.plot_images([overlay], colorbar=None)
        >>> [text.get_text() for text in overlay.add_legend(ax).get_texts()]
        ['0 orange', '1 sky blue']
        """
        from hyperspy_symseg.plotting import draw_legend

        words = self._legend
        return draw_legend(ax, words, **kwargs) if words else None


class LazySymmetryOverlay(SymmetryOverlay, LazySignal2D):
    """Tinted micrographs, computed when needed."""


def navigator(shares, axes):
    """Share of pattern 0 as a signal to choose a frame from.

    Parameters
    ----------
    shares : numpy.ndarray of float
        Of the shape of the axes.
    axes : list of DataAxis
        Navigation axes in the order of the array.

    Returns
    -------
    Signal1D, Signal2D or BaseSignal
    """
    along = [axis.get_axis_dictionary() | {"navigate": False} for axis in axes]
    metadata = {"Signal": {"quantity": SHARE}}
    return signal_class(along)(shares, axes=along, metadata=metadata)
