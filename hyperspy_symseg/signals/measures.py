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

    def save_movie(
        self,
        filename,
        signal=None,
        saturation=0.5,
        *,
        speed=None,
        scale_bar=True,
        time_stamp=True,
        legend=True,
        overwrite=False,
        num_workers=None,
        show_progressbar=None,
    ):
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
