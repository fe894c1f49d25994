# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as files: frame by frame and taken up where stopped, pictures, and movies."""

import contextlib
import functools
import logging
import math
import os
from pathlib import Path

import dask
import hyperspy.api as hs
import numpy as np
import rsciio
from hyperspy.signals import Signal2D
from rsciio.utils.rgb import RGB_DTYPES, regular_array2rgbx

from hyperspy_symseg.analysis.checks import check_labels
from hyperspy_symseg.frames.checks import check_number, shown
from hyperspy_symseg.frames.lazy import lazy_frames
from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import UNFINISHED, unfinished_path
from hyperspy_symseg.frames.run import FrameError, evaluate_frames, watched
from hyperspy_symseg.frames.store import FrameStore, only_writer
from hyperspy_symseg.frames.zarr_array import zarr_library

from .axes import frame_axes, frames_per_second, stamps, unit
from .metadata import changes_by_hand, read_metadata, result_metadata, same_tree

_logger = logging.getLogger(__name__)

FORMATS = (".zspy", ".hspy")
ON_ERROR = ("raise", "mask")
# What is short enough for a message where labels differ.
SHORT = ("shape", "stride", "upsample")


def save_frames(labels, filename, *, overwrite, on_error, resume, lock=None):
    """Work of `SymmetryLabels.save_frames`, which says what it takes.

    Who is the `only_writer` of the file already gives the lock. The threads and the
    progress bar are those of the context.
    """
    path = Path(filename)
    if path.suffix not in FORMATS:
        raise ValueError(
            f"filename must have the extension {' or '.join(FORMATS)}, got "
            f"{str(filename)!r}."
        )
    if path.stem.endswith(UNFINISHED):
        # Another writer's lock does not keep anybody off this name.
        raise ValueError(
            f"filename must not end in {UNFINISHED}{path.suffix}, the name of a series "
            f"that is being written, got {str(filename)!r}."
        )
    if on_error not in ON_ERROR:
        raise ValueError(
            f"on_error must be {' or '.join(map(repr, ON_ERROR))}, got "
            f"{shown(on_error)}."
        )
    unfinished = unfinished_path(path)
    loaded = _loaded_from(labels)
    if loaded and loaded.resolve() == unfinished.resolve():
        raise ValueError(
            f"filename must be another than that of the labels, {unfinished}, which "
            f"are not all there, got {str(filename)!r}. For the rest, use "
            "segment_symmetry with the model of that file."
        )
    zarr_library()
    for place in (path, unfinished):
        check_not_an_origin(place, labels.data)
    with contextlib.nullcontext(lock) if lock else only_writer(path) as lock:
        if path.exists() and not overwrite:
            raise FileExistsError(
                f"overwrite must be True to replace {path}, got {shown(overwrite)}."
            )
        if unfinished.exists() and not resume and not overwrite:
            raise FileExistsError(
                f"resume must be True to take up {unfinished}, the labels of an "
                "earlier run that was stopped, or overwrite must be True to begin "
                f"anew, got {shown(resume)} and {shown(overwrite)}."
            )
        if resume and unfinished.exists():
            _check_is_the_same(labels, unfinished)
            store = FrameStore(unfinished)
        else:
            store = begin_store(labels, unfinished)
        data = labels.data if labels._lazy else lazy_frames(labels.data)
        try:
            bad = _write_missing(store, data, on_error)
        except FrameError as error:
            error.add_note(
                f"What was written is in {unfinished}; with resume=True the rest is "
                "taken up."
            )
            raise
        store.complete(path, left_out=bad, lock=lock, convert=_convert)


def begin_store(signal, path, **options):
    """Store of a lazy series at a path, without any frame; as `FrameStore.begin`."""

    def save_rest(path):
        # Saving leaves its traces in a signal.
        copy = signal.deepcopy()
        read_metadata(copy)
        copy.save(path, overwrite=True, write_dataset=False, show_progressbar=False)

    return FrameStore.begin(path, signal.data, save_rest, **options)


def _convert(stored, path):
    """Write a stored series anew, in the format of another extension."""
    # No cluster can write to it.
    with dask.config.set(scheduler="threads"):
        signal = hs.load(stored, lazy=True)
        read_metadata(signal)
        signal.save(path, overwrite=True, show_progressbar=False)


def check_saved_elsewhere(labels, filename, extension, file_format):
    """Check that HyperSpy's `save` would not write over what lazy labels come from."""
    loaded = _loaded_from(labels)
    if not isinstance(filename, str | os.PathLike):
        # A store of zarr may be of a folder; with none, there is the name from before.
        filename = loaded if filename is None else getattr(filename, "path", None)
    if filename is None:
        return
    path = Path(filename)
    if path.is_dir() and path.suffix != ".zspy" and loaded:
        path = path / loaded.name
    if suffix := extension or (not path.suffix and (file_format or "hspy")):
        path = path.with_suffix(f".{suffix.lower().lstrip('.')}")
    check_not_an_origin(path, labels.data)


def as_saved(points, filename, extension, file_format):
    """Points as HyperSpy can save and load them again: SymmetryPoints.

    Raises a ValueError if lazy ones would be saved over what they come from.
    """
    saved = points
    if points._lazy:
        check_saved_elsewhere(points, filename, extension, file_format)
        suffix = extension or file_format
        if suffix is None and isinstance(filename, str | os.PathLike):
            suffix = Path(filename).suffix
        if (suffix or "hspy").lower().lstrip(".") in ("hspy", "hdf5"):
            saved = points._deepcopy_with_new_data(points.data)
            saved.compute(show_progressbar=False)
    if not points.axes_manager.navigation_dimension:
        # HyperSpy does not load again what has no axis.
        saved = saved._deepcopy_with_new_data(saved.data)
        saved.axes_manager._append_axis(size=1, navigate=True, name="frame")
        saved.metadata.set_item("Symmetry_points.of_one_frame", True)
    return saved


def _loaded_from(labels):
    """The file that labels were loaded from: Path, or None."""
    loaded = labels.tmp_parameters.as_dictionary()
    if not loaded.get("filename"):
        return None
    name = f"{loaded['filename']}.{loaded.get('extension', '').lstrip('.')}"
    return Path(loaded.get("folder", ""), name)


def _check_is_the_same(labels, path):
    """Check that an unfinished store is of the same labels."""
    begun = hs.load(path, lazy=True)
    if begun._signal_type != labels._signal_type:
        raise ValueError(
            f"{path} must be of labels to be taken up by resume=True, got a "
            f"{type(begun).__name__}."
        )
    theirs, ours = map(_identity, (begun, labels))
    for name, value in ours.items():
        if not same_tree(theirs[name], value):
            is_short = name in SHORT
            raise ValueError(
                f"labels must have the {name} of {path} with resume=True"
                f"{f', {theirs[name]}' if is_short else ''}, got "
                f"{value if is_short else 'another'}. Use the model of that file, or "
                "overwrite=True."
            )


def _identity(labels):
    """What makes labels those that they are, by the names that users know."""
    record = labels._record
    model = record.model
    return {
        "shape": labels.data.shape,
        "stride": record.stride,
        "upsample": record.upsample,
        "mask": record.mask,
        "axes": [axis.get_axis_dictionary() for axis in labels.axes_manager._axes],
        "model": model,
        "changes by hand": changes_by_hand(labels.metadata),
    }


def _write_missing(store, data, on_error):
    """Evaluate and write the frames that are not in a store yet.

    Returns
    -------
    set of tuple of int
        Frames that are not written, because they are bad: they read as -1.
    """
    missing, bad = store.missing(), set()
    done = evaluate_frames(data, missing)
    with watched(done, len(missing), "Segmenting") as done:
        for index, frame in done:
            if not isinstance(frame, FrameError):
                store.write(index, frame)
                continue
            bad.add(index)
            if on_error == "raise" or len(bad) == math.prod(data.shape[:-2]):
                # Where all frames are bad, something else is.
                raise frame
            _logger.warning("%s It is labelled -1.", frame)
    return bad


def save_movie(labels, filename, pictures, captions, *, speed, overwrite):
    """Work of `SymmetryLabels.save_movie`, which says what it takes.

    Captions are names of those that are wanted. The threads and the progress bar are
    those of the context.
    """
    from hyperspy_symseg.movies import check_format, write_series

    path = Path(filename)
    check_format(path.suffix, "filename")
    if speed is not None:
        speed = check_number("speed", speed, 0.01, 1000)
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"overwrite must be True to replace {path}, got {shown(overwrite)}."
        )
    begin = functools.partial(begin_store, pictures, fill_value=0)
    movie = movie_of(labels, captions, speed)
    write_series(pictures.data, [path], begin, movie)


def movie_of(labels, captions=("scale_bar", "time_stamp", "legend"), speed=None):
    """How a series of labels is shown: Movie.

    Captions are names of those that are wanted. Without a speed, it is that of the
    specimen.
    """
    from hyperspy_symseg.movies import Captions, Movie
    from hyperspy_symseg.plotting import pattern_colors, pattern_words

    wanted = {}
    if "scale_bar" in captions:
        _, axis = frame_axes(labels)
        unit_name = "px" if labels._unit_is_a_pixel else unit(axis)
        wanted |= {"pixel_size": axis.scale, "unit": unit_name}
    if "time_stamp" in captions:
        wanted["stamps"] = stamps(labels)
    if "legend" in captions:
        n = labels.n_patterns
        words = pattern_words(n, labels.pattern_names)
        colors = map(tuple, pattern_colors(n)[1].tolist())
        wanted["legend"] = tuple(zip(words, colors, strict=True))
    speed = frames_per_second(labels) if speed is None else speed
    return Movie(speed, Captions(**wanted))


def painted(labels):
    """A series of labels in the colours of `plot`: LazySignal2D of rgb8."""
    from hyperspy_symseg.plotting import paint

    n = labels.n_patterns

    def colors(block):
        numbers = check_labels(block, n)
        return regular_array2rgbx(paint(numbers, n))

    data = labels.data if labels._lazy else lazy_frames(labels.data)
    pictures = Signal2D(
        data.map_blocks(colors, dtype=RGB_DTYPES["rgb8"]),
        axes=[axis.get_axis_dictionary() for axis in labels.axes_manager._axes],
        **result_metadata(labels),
    )
    return pictures.as_lazy()


def is_picture(filename, overwrite=None, extension=None, file_format=None, **options):
    """Whether what `BaseSignal.save` is given names an image such as a .png."""
    suffix = Path(filename).suffix if isinstance(filename, str | Path) else ""
    kind = (file_format or extension or suffix).lstrip(".").lower()
    image = next(each for each in rsciio.IO_PLUGINS if each["name"] == "Image")
    return filename is not None and kind in (*image["file_extensions"], "image")


def picture(labels):
    """Picture of labels in the colours of `SymmetryLabels.plot`: Signal2D of rgb8."""
    from hyperspy_symseg.plotting import paint

    if labels.axes_manager.navigation_dimension:
        raise ValueError(
            "labels must be of a single image to be saved as a picture, got a series "
            f"of {labels.axes_manager.navigation_shape} (take one with `inav`, or see "
            "`save_movie`)."
        )
    n_patterns = labels.n_patterns
    numbers = check_labels(np.asarray(labels.data), n_patterns)
    picture = Signal2D(
        regular_array2rgbx(paint(numbers, n_patterns)),
        axes=[axis.get_axis_dictionary() for axis in labels.axes_manager._axes],
        **result_metadata(labels),
    )
    # In a folder, it has the name of the labels.
    picture.tmp_parameters.add_dictionary(labels.tmp_parameters.as_dictionary())
    return picture
