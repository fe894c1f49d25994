# SPDX-License-Identifier: GPL-3.0-or-later
"""Label frames and files as they arrive, with one model."""

import contextlib
import logging
import os
import time

import hyperspy.api as hs
import numpy as np

from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import (
    check_replaceable,
    remove,
    temporary_path,
    unfinished_path,
)
from hyperspy_symseg.frames.run import FrameError, evaluate_frames
from hyperspy_symseg.frames.store import FrameStore
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.frames.writer_lock import WriterLock
from hyperspy_symseg.frames.zarr_array import zarr_library
from hyperspy_symseg.plotting import pattern_words
from hyperspy_symseg.signals.axes import navigation_axes, unit
from hyperspy_symseg.signals.metadata import is_relabelled, read_metadata
from hyperspy_symseg.signals.save import begin_store
from hyperspy_symseg.signals.symmetry_labels import SymmetryLabels

from .area_table import AreaPlot, AreaTable
from .areas import measured_areas, measured_frame
from .arrivals import Arrivals, frames_there
from .reading import read_images

_logger = logging.getLogger(__name__)

# The labels that the model was fitted with, and the table of areas.
MODEL, TABLE = "watch_model.hspy", "watch_areas.csv"
# Frames that are labelled before their lines are printed: where many wait.
BATCH = 8


def watch(request, tell):
    """Label what is in a folder or a file, and what comes, until it is stopped.

    Parameters
    ----------
    request : Request
        Of one file, which may be a folder or not be there yet.
    tell : callable
        Takes a place, and an error there that stops nothing.

    Returns
    -------
    int
        Frames that were labelled.

    Raises
    ------
    FileExistsError
        If there are old results, or another process writes there.
    FileNotFoundError, ValueError
        If there is no such folder, or the model is none or another.
    KeyboardInterrupt
        If it is stopped: says what there is.
    """
    (place,) = request.files
    if not place.exists() and not (place.suffix and place.parent.is_dir()):
        raise FileNotFoundError(
            f"{place} must be a folder, or a file in a folder that is there, got "
            "neither"
        )
    zarr_library()
    with WriterLock(request.output / "watch.unfinished.lock"):
        run = _Watch(place, request, tell)
        try:
            run.prepare()
            run.go_on()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{run.n_done} frames were labelled; --resume goes on with what is in "
                f"{request.output}"
            ) from None
        finally:
            run.finish()
    return run.n_done


class _Watch:
    """One watch on its way; takes what `watch` does."""

    def __init__(self, place, request, tell):
        self._request, self._tell = request, tell
        self._how = request.watching
        self._arrivals = Arrivals(place, self._how["settle"], self._how["only"])
        self._place, self._output = place, request.output
        self._model = self._table = self._plot = None
        self._axis_labels = ("", "")
        # Stores of labels by the names of their series, and the files of names.
        self._stores, self._files, self._told = {}, {}, set()
        self.n_done = 0

    def prepare(self):
        """Check what is there, and take up the model."""
        paths = [self._output / name for name in (MODEL, TABLE)]
        old = next((path for path in paths if path.exists()), None)
        for path in paths:
            check_replaceable(path)
        if self._request.overwrite:
            for path in paths:
                path.unlink(missing_ok=True)
        elif old and not self._request.resume:
            raise FileExistsError(
                f"--overwrite must be given to replace {old}, or --resume to go on"
            )
        given = self._how["model"]
        labels = _labels_of(given) if given else None
        if labels is not None and is_relabelled(
            labels.metadata, labels.original_metadata
        ):
            _logger.warning(
                "The patterns of %s were changed by hand, of which the model knows "
                "nothing: those from before are watched.",
                given,
            )
        if paths[0].exists():
            earlier = _labels_of(paths[0])
            if labels is not None and labels.model != earlier.model:
                raise ValueError(
                    f"--model must be that of the earlier run with --resume, {paths[0]}"
                    ", got another"
                )
            self._begin(earlier.model)
        elif labels is not None:
            first = labels.inav[(0,) * labels.axes_manager.navigation_dimension]
            self._keep_model(first)

    def _keep_model(self, labels):
        """Keep labels of one image, whose model is used from now on."""
        if labels._lazy:
            labels.compute(show_progressbar=False)
            read_metadata(labels)
        _save_image(labels, self._output / MODEL)
        self._begin(labels.model)

    def _begin(self, model):
        self._model = model
        words = pattern_words(model.n_patterns, model.names)
        self._table = AreaTable(self._output / TABLE, words)
        if self._how["plot"]:
            self._plot = AreaPlot(self._output / "watch_areas.png", words)

    def go_on(self):
        """Label what comes, until nothing has come for so long."""
        last, idle = time.monotonic(), self._how["idle"]
        while True:
            for path, has_settled in self._arrivals.changed():
                if self._look_at(path, has_settled):
                    last = time.monotonic()
            waited = time.monotonic() - last
            if idle is not None and waited > idle and self._arrivals.are_settled():
                return
            self._draw()
            (self._plot.wait if self._plot else time.sleep)(self._how["interval"])

    def _draw(self, at_once=False):
        if self._plot and self._table.times:
            self._plot.draw(self._table, self._axis_labels, at_once=at_once)

    def finish(self):
        """Give series of labels their names that have all frames."""
        for name, store in self._stores.items():
            if not store.missing():
                store.complete(self._labels_path(name, ".zspy"))
        self._draw(at_once=True)

    def _labels_path(self, name, suffix):
        return self._output / f"{name}_labels{suffix}"

    def _look_at(self, path, has_settled):
        """Label what is new in a file; return how many frames."""
        try:
            images = read_images(path)
        except Exception as error:
            # Until it has settled, it may just not be all there.
            if has_settled and not (path == self._place and not path.exists()):
                self._tell(path, error)
            return 0
        n_done = 0
        for name, image in images:
            if isinstance(image, SymmetryLabels):
                # Such as the file of the model, by any name.
                continue
            try:
                if self._files.setdefault(name, path) != path:
                    raise ValueError(
                        f"files must have different names, got a second {name}"
                    )
                is_series = image.axes_manager.navigation_dimension
                label = self._label_series if is_series else self._label_image
                n_done += label(path, name, image, has_settled)
            except Exception as error:
                if has_settled:
                    self._tell(path, error)
            finally:
                # A reader that stays open would keep HDF5 from being written to.
                with contextlib.suppress(Exception):
                    image.close_file()
        return n_done

    def _label(self, image):
        """Labels of one image, by the model; the first one, or the given, has it."""
        options = dict(self._request.options)
        if self._model is not None:
            options = {"model": self._model, "num_workers": options.get("num_workers")}
        given = {"lazy_output": False, "show_progressbar": False}
        labels = image.segment_symmetry(**options, **given)
        if self._model is None:
            self._keep_model(labels.deepcopy())
        return labels

    def _label_image(self, path, name, image, has_settled):
        """Label a file of one image: return 1, or 0 if that was done."""
        if not has_settled:
            return 0
        target = self._labels_path(name, ".hspy")
        if self._is_kept(target, path) and self._model is not None:
            if not self._table.has(path.name, ""):
                self._tell_areas(measured_areas(hs.load(target)), path, "", None)
            return 0
        check_not_an_origin(target, image.data, files=[path])
        start = time.perf_counter()
        labels = self._label(image)
        _save_image(labels, target)
        self.n_done += 1
        seconds = time.perf_counter() - start
        self._tell_areas(measured_areas(labels), path, "", seconds)
        return 1

    def _is_kept(self, target, path):
        """Whether labels of an image are there, and are not older than it is."""
        if not target.exists():
            return False
        if not (self._request.resume or self._request.overwrite or path in self._told):
            raise FileExistsError(
                f"--overwrite must be given to replace {target}, or --resume to keep it"
            )
        is_newer = target.stat().st_mtime_ns >= path.stat().st_mtime_ns
        return is_newer and (self._request.resume or path in self._told)

    def _label_series(self, path, name, series, has_settled):
        """Label the new frames of a file: return how many."""
        n_navigation = series.data.ndim - 2
        shape = series.data.shape[:n_navigation]
        if series.axes_manager.navigation_shape[::-1] != shape:
            # A writer may not have told the axes yet how many frames there are.
            series.get_dimensions_from_data()
        there = frames_there(path, shape, has_settled)
        if not there:
            return 0
        if self._model is None:
            self._label(series.inav[there[0][::-1]])
        labels = series.segment_symmetry(
            model=self._model,
            num_workers=self._request.options.get("num_workers"),
            lazy_output=True,
            show_progressbar=False,
        )
        store = self._store(name, path, labels)
        missing = set(store.missing())
        for index in set(there) - missing:
            self._measure_frame(labels, path, index, store.read(index))
        new = [index for index in there if index in missing]
        return self._label_frames(labels, path, store, new, has_settled)

    def _label_frames(self, labels, path, store, new, has_settled):
        n_done = 0
        for first in range(0, len(new), BATCH):
            batch, start = new[first : first + BATCH], time.perf_counter()
            with workers(self._request.options.get("num_workers")):
                found = dict(evaluate_frames(labels.data, batch))
            seconds = (time.perf_counter() - start) / len(batch)
            for index in batch:
                if not isinstance(found[index], FrameError):
                    store.write(index, found[index])
                    n_done, self.n_done = n_done + 1, self.n_done + 1
                    self._measure_frame(labels, path, index, found[index], seconds)
                elif has_settled:
                    self._tell(path, found[index])
        return n_done

    def _store(self, name, path, labels):
        """Store of the labels of a series, as long as it is now."""
        target = self._labels_path(name, ".zspy")
        unfinished = unfinished_path(target)
        if name not in self._stores:
            for place in (target, unfinished):
                check_replaceable(place)
                check_not_an_origin(place, labels.data, files=[path])
            old = next((each for each in (unfinished, target) if each.exists()), None)
            if old and not (self._request.resume or self._request.overwrite):
                raise FileExistsError(
                    f"--overwrite must be given to replace {old}, or --resume to go on"
                )
            if old and self._request.resume:
                # Of a process that was killed while it made room.
                FrameStore(old).grow()
                if _labels_of(old).model != self._model:
                    raise ValueError(
                        f"{old} must be of the model of {self._output / MODEL}, got "
                        "another. Use --overwrite to begin anew"
                    )
                store = FrameStore(old)
                if old == target:
                    os.replace(target, unfinished)
                    store = FrameStore(unfinished)
            else:
                remove(target)
                store = begin_store(labels, unfinished)
            self._stores[name] = store
        store = self._stores[name]
        store.grow(labels.data.shape)
        return store

    def _measure_frame(self, labels, path, index, frame, seconds=None):
        """Write a line of the table for a frame of a series, if there is none."""
        words = " ".join(map(str, index[::-1]))
        if self._table.has(path.name, words):
            return
        axes = navigation_axes(labels)
        if len(axes) == 1:
            when = float(axes[0].axis[index[0]]), unit(axes[0])
        else:
            when = float(np.ravel_multi_index(index, labels.data.shape[:-2])), ""
        self._tell_areas(measured_frame(labels, frame), path, words, seconds, when)

    def _tell_areas(self, measured, path, frame, seconds, when=None):
        """Write a line of the table, and print it."""
        arrived = path.stat().st_mtime
        when, units = self._table.add(path.name, frame, arrived, when, measured)
        self._told.add(path)
        self._axis_labels = (
            f"Time ({units})" if units else "Position",
            f"Area ({measured.unit})" if measured.unit else "Area",
        )
        shares = measured.areas[:, 0] / measured.frame_area
        areas = ", ".join(
            f"{word} {area:.5g} {measured.unit} ({share:.1%})"
            for word, area, share in zip(
                measured.words, measured.areas[:, 0], shares, strict=True
            )
        )
        place = f"{path.name} {frame}".rstrip()
        took = "" if seconds is None else f"  [{1000 * seconds:.0f} ms]"
        print(f"{place}  {when:.6g} {units}  {areas}{took}", flush=True)


def _save_image(labels, path):
    """Save labels of one image, so that the file is there whole or not at all."""
    temporary = temporary_path(path)
    try:
        labels.save(temporary, overwrite=True, show_progressbar=False)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _labels_of(path):
    """Labels in a file, which have a model: LazySymmetryLabels."""
    try:
        labels = hs.load(path, lazy=True)
        if not isinstance(labels, SymmetryLabels):
            raise TypeError(f"a {type(labels).__name__}")
        labels.model  # noqa: B018  it must have one
    except Exception as error:
        raise ValueError(
            f"{path} must be a file of labels with their model, got {error}"
        ) from error
    return labels
