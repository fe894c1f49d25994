# SPDX-License-Identifier: GPL-3.0-or-later
"""Segment a series, frame by frame."""

import functools
import logging
import time

import hyperspy.api as hs

from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import remove, unfinished_path
from hyperspy_symseg.frames.run import FrameError
from hyperspy_symseg.frames.store import FrameStore, only_writer
from hyperspy_symseg.frames.zarr_array import zarr_library
from hyperspy_symseg.movies import write_series
from hyperspy_symseg.signals.arguments import fit_frames, working
from hyperspy_symseg.signals.axes import navigation_axes
from hyperspy_symseg.signals.save import begin_store, movie_of, save_frames

from .areas import area_lines, measured_areas
from .report import facts
from .resuming import earlier_labels, options_of
from .symmetry import check_symmetry, named_patterns, symmetry_lines

_logger = logging.getLogger(__name__)

SATURATION = 0.5


def segment_series(signal, name, request):
    """Segment a series, write labels and overlays, and print what is found, and times.

    Parameters
    ----------
    signal : Signal2D
        With navigation axes.
    name : str
        What the names of the results begin with.
    request : Request

    Returns
    -------
    dict
        What is known of it, for a report.

    Raises
    ------
    FileExistsError
        If there are old results, something that cannot be replaced, or another run
        that writes them.
    ValueError
        If an option is another than that of the labels that are kept, or a result has
        the name of an input.
    KeyboardInterrupt, RuntimeError
        If it is interrupted, a frame is bad, or it fails after the labels were begun:
        says what is kept.
    """
    check_symmetry(signal, request)
    zarr_library()
    run = _Run(signal, name, request)
    try:
        # Other labels must not come under an overlay that is made of these.
        with only_writer(run.path) as lock:
            labels = run.prepare()
            if labels is not None:
                run.write_labels(labels, lock)
            labels = hs.load(run.path, lazy=True)
            print(f"{name} {labels.metadata.General.title}".rstrip())
            measured = measured_areas(labels)
            for line in area_lines(measured):
                print(f"  {line}", flush=True)
            symmetry = named_patterns(labels, signal, request)
            for line in symmetry_lines(symmetry, labels.pattern_names):
                print(f"  {line}", flush=True)
            run.write_overlays(labels)
            files = {"labels": run.path, "overlays": run.overlays}
            found = facts(signal, labels, files, measured, symmetry)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(run.kept()) from None
    except Exception as error:
        failed_frame = isinstance(error, FrameError)
        if not run.begun and not failed_frame:
            raise
        message = str(error).rstrip(".") or type(error).__name__
        if run.begun:
            message += f". {run.kept()}"
        if failed_frame and request.on_error == "raise":
            message += "; --on-error mask goes on without such frames"
        raise RuntimeError(message) from error
    print(f"{name}: {run.summary()}", flush=True)
    return found


class _Run:
    """One series on its way; takes what `segment_series` does."""

    def __init__(self, signal, name, request):
        self.signal, self.request = signal, request
        self.path = request.output / f"{name}_labels.zspy"
        self.unfinished = unfinished_path(self.path)
        self.overlays = [
            request.output / f"{name}_overlay.{extension}"
            for extension in request.overlay
        ]
        self.begun = self.taken_up = False
        self.n_done = self.seconds = self.overlay_seconds = 0

    def prepare(self):
        """Lazy labels that are to be written; None if they are there already."""
        request = self.request
        self.taken_up = request.resume and self.unfinished.exists()
        labels_stay = request.resume and self.path.exists() and not self.taken_up
        self._check_places(labels_stay)
        if self.taken_up or labels_stay:
            earlier = earlier_labels(self.path if labels_stay else self.unfinished)
            options = options_of(earlier, request.options, self.signal)
            if labels_stay:
                self.begun = True
                return None
            return self.signal.segment_symmetry(**options, lazy_output=True)
        for path in (self.path, self.unfinished, *self.overlays):
            if path.exists() and not (request.overwrite or request.resume):
                kept = "go on" if path == self.unfinished else "keep what is complete"
                raise FileExistsError(
                    f"--overwrite must be given to replace {path}, or --resume to "
                    f"{kept}"
                )
        return self._fit(dict(request.options))

    def _check_places(self, labels_stay):
        """Check, before any work, that what will be written can be."""
        if labels_stay:
            written = [path for path in self.overlays if not path.exists()]
        else:
            written = [self.path, self.unfinished, *self.overlays]
        for path in written:
            check_not_an_origin(path, self.signal.data, files=self.request.files)
        if self.overlays:
            with only_writer(*self.overlays):
                pass

    def _fit(self, options):
        """Lazy labels of a new model."""
        while True:
            try:
                return self.signal.segment_symmetry(**options, lazy_output=True)
            except FrameError as error:
                if self.request.on_error == "raise":
                    raise
                # With "mask", nothing that is wrong with a frame may stop the others.
                axes = navigation_axes(self.signal)
                places = fit_frames(options.get("fit_on"), axes)
                others = [place[::-1] for place in places if place != error.index]
                if len(others) in (0, len(places)):
                    raise
                _logger.warning("%s The model is fitted without it.", error)
                options["fit_on"] = others

    def _working(self, description):
        """Context with the threads that were asked for, and a progress bar."""
        return working(description, None, self.request.options.get("num_workers"))

    def write_labels(self, labels, lock):
        """Write labels, and remove overlays of other ones."""
        before = self._n_finished() if self.taken_up else 0
        self.begun = True
        start = time.perf_counter()
        with self._working("Segmenting"):
            save_frames(
                labels,
                self.path,
                # What may be replaced was asked for before.
                overwrite=True,
                on_error=self.request.on_error,
                resume=self.taken_up,
                lock=lock,
            )
        self.seconds = time.perf_counter() - start
        self.n_done = self._n_frames - before
        for path in self.overlays:
            remove(path)

    def write_overlays(self, labels):
        """Write the overlays that are not there."""
        missing = [path for path in self.overlays if not path.exists()]
        if not missing:
            return
        start = time.perf_counter()
        overlay = labels.overlay(self.signal, SATURATION)
        begin = functools.partial(begin_store, overlay, fill_value=0)
        with self._working("Overlay"):
            write_series(
                overlay.data,
                missing,
                begin,
                movie_of(labels),
                on_error=self.request.on_error,
            )
        self.overlay_seconds = time.perf_counter() - start

    @property
    def _n_frames(self):
        return self.signal.axes_manager.navigation_size

    def _n_finished(self):
        return self._n_frames - len(FrameStore(self.unfinished).missing())

    def kept(self):
        """What there is if the run stops now, and how to go on."""
        if FrameStore.is_at(self.unfinished) and (self.begun or self.taken_up):
            return (
                f"{self._n_finished()} of {self._n_frames} frames are in "
                f"{self.unfinished}: --resume goes on with the others"
            )
        if self.begun and self.path.exists():
            return f"All labels are in {self.path}: --resume makes what is missing"
        return "Nothing is kept" if self.begun else "Nothing was written"

    def summary(self):
        """What was done and how long it took."""
        done = []
        if self.n_done:
            n_frames = f"{self.n_done}"
            if self.n_done < self._n_frames:
                n_frames += f" of {self._n_frames}"
            done.append(
                f"{n_frames} frames in {self.seconds:.1f} s, "
                f"{self.n_done / self.seconds:.3g} frames/s"
            )
        if self.overlay_seconds:
            done.append(f"overlay in {self.overlay_seconds:.1f} s")
        return "; ".join(done) or "complete already"
