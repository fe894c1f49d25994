# SPDX-License-Identifier: GPL-3.0-or-later
"""Segment a series, frame by frame."""

import logging
import time

import hyperspy.api as hs

from hyperspy_symseg.signals.axes import navigation_axes
from hyperspy_symseg.signals.evaluation import FrameError
from hyperspy_symseg.signals.fit_frames import fit_frames
from hyperspy_symseg.signals.frame_store import FrameStore, remove, unfinished_path
from hyperspy_symseg.signals.progress import ProgressBar

from .areas import area_lines
from .overlay_movie import write_overlays
from .resuming import options_of

_logger = logging.getLogger(__name__)

SATURATION = 0.5


def segment_series(
    signal, name, output, options, *, overwrite, resume, on_error, overlay_formats
):
    """Segment a series, write labels and overlays, and print areas and times.

    Parameters
    ----------
    signal : Signal2D
        With navigation axes.
    name : str
        First part of the names of the results.
    output : pathlib.Path
        Folder.
    options : dict
        Of `Signal2D.segment_symmetry`.
    overwrite : bool
        Whether old results are replaced.
    resume : bool
        Whether labels of an earlier run are taken up, and what is complete is kept.
    on_error : str
        As in `LazySymmetryLabels.save_frames`.
    overlay_formats : list of str
        Extensions.

    Raises
    ------
    FileExistsError
        If there are old results.
    KeyboardInterrupt, RuntimeError
        If it is interrupted, a frame is bad, or it fails after the labels were begun:
        says what is kept.
    """
    run = _Run(
        signal,
        output / f"{name}_labels.zspy",
        [output / f"{name}_overlay.{extension}" for extension in overlay_formats],
        on_error,
        options.get("num_workers"),
    )
    try:
        labels = run.prepare(options, overwrite=overwrite, resume=resume)
        if labels is not None:
            run.write_labels(labels)
        labels = hs.load(run.path, lazy=True)
        print(f"{name} {labels.metadata.General.title}".rstrip())
        for line in area_lines(labels):
            print(f"  {line}", flush=True)
        run.write_overlays(labels)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(run.kept()) from None
    except Exception as error:
        failed_frame = isinstance(error, FrameError)
        if not run.begun and not failed_frame:
            raise
        message = str(error).rstrip(".") or type(error).__name__
        if run.begun:
            message += f". {run.kept()}"
        if failed_frame and on_error == "raise":
            message += "; --on-error mask goes on without such frames"
        raise RuntimeError(message) from error
    print(f"{name}: {run.summary()}", flush=True)


class _Run:
    """One series on its way.

    Parameters
    ----------
    signal : Signal2D
    path : pathlib.Path
        Of the labels.
    overlays : list of pathlib.Path
    on_error : str
    num_workers : int or None
    """

    def __init__(self, signal, path, overlays, on_error, num_workers):
        self.signal, self.path, self.overlays = signal, path, overlays
        self.unfinished = unfinished_path(path)
        self.on_error, self.num_workers = on_error, num_workers
        self.begun = self.taken_up = False
        self.n_done = self.seconds = self.overlay_seconds = 0

    def prepare(self, options, *, overwrite, resume):
        """Lazy labels that are to be written; None if they are there already."""
        self.taken_up = resume and self.unfinished.exists()
        if self.taken_up or (resume and self.path.exists()):
            earlier = hs.load(
                self.unfinished if self.taken_up else self.path, lazy=True
            )
            options = options_of(earlier, options, self.signal)
            if not self.taken_up:
                self.begun = True
                return None
            return self.signal.segment_symmetry(**options, lazy_output=True)
        for path in (self.path, self.unfinished, *self.overlays):
            if path.exists() and not (overwrite or resume):
                kept = "go on" if path == self.unfinished else "keep what is complete"
                raise FileExistsError(
                    f"{path} exists: allowed with --overwrite, or --resume to {kept}"
                )
        return self._fit(options)

    def _fit(self, options):
        """Lazy labels of a new model."""
        options = dict(options)
        while True:
            try:
                return self.signal.segment_symmetry(**options, lazy_output=True)
            except FrameError as error:
                if self.on_error == "raise":
                    raise
                # With "mask", nothing that is wrong with a frame may stop the others.
                axes = navigation_axes(self.signal)
                places = fit_frames(options.get("fit_on"), axes)
                others = [place[::-1] for place in places if place != error.index]
                if len(others) in (0, len(places)):
                    raise
                _logger.warning("%s The model is fitted without it.", error)
                options["fit_on"] = others

    def write_labels(self, labels):
        """Write labels, and remove overlays of other ones."""
        before = self._n_finished() if self.taken_up else 0
        self.begun = True
        start = time.perf_counter()
        labels.save_frames(
            self.path,
            # What may be replaced was asked for before.
            overwrite=True,
            on_error=self.on_error,
            resume=self.taken_up,
            num_workers=self.num_workers,
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
        with ProgressBar(None, "Overlay") as bar:
            write_overlays(
                labels.overlay(self.signal, SATURATION),
                missing,
                n_patterns=labels.n_patterns,
                saturation=SATURATION,
                on_error=self.on_error,
                num_workers=self.num_workers,
                progress=bar.phase("Overlay", unit=" frames"),
            )
        self.overlay_seconds = time.perf_counter() - start

    @property
    def _n_frames(self):
        return self.signal.axes_manager.navigation_size

    def _n_finished(self):
        return self._n_frames - len(FrameStore(self.unfinished).missing())

    def kept(self):
        """What there is if the run stops now, and how to go on."""
        if self.unfinished.exists() and (self.begun or self.taken_up):
            return (
                f"{self._n_finished()} of {self._n_frames} frames are in "
                f"{self.unfinished}: --resume goes on with the others"
            )
        if self.begun and self.path.exists():
            return f"All labels are in {self.path}: --resume makes the overlay"
        return "Nothing was written"

    def summary(self):
        """What was done and how long it took."""
        parts = []
        if self.n_done:
            n_frames = f"{self.n_done}"
            if self.n_done < self._n_frames:
                n_frames += f" of {self._n_frames}"
            parts.append(
                f"{n_frames} frames in {self.seconds:.1f} s, "
                f"{self.n_done / self.seconds:.3g} frames/s"
            )
        if self.overlay_seconds:
            parts.append(f"overlay in {self.overlay_seconds:.1f} s")
        return "; ".join(parts) or "complete already"
