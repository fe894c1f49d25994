# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels written frame by frame, and taken up where that was stopped."""

import logging
import math
from pathlib import Path

import numpy as np

from hyperspy_symseg.descriptors.tiles import check_num_workers

from .arguments import progress_bar
from .evaluation import FrameError, evaluate_frames, watched
from .frame_store import FrameStore, unfinished_path
from .frames import lazy_frames

_logger = logging.getLogger(__name__)

FORMATS = (".zspy", ".hspy")
ON_ERROR = ("raise", "mask")
# What is short enough to be shown where labels differ.
SHOWN = ("shape", "stride", "upsample")


def save_frames(
    labels, filename, *, overwrite, on_error, resume, num_workers, show_progressbar
):
    """Work of `SymmetryLabels.save_frames`, which says what it takes."""
    path = Path(filename)
    if path.suffix not in FORMATS:
        raise ValueError(
            f"filename={str(filename)!r}: allowed are the extensions "
            f"{' and '.join(FORMATS)}."
        )
    if on_error not in ON_ERROR:
        raise ValueError(
            f"on_error={on_error!r}: allowed are {' and '.join(map(repr, ON_ERROR))}."
        )
    num_workers = check_num_workers(num_workers)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: allowed with overwrite=True.")
    unfinished = unfinished_path(path)
    if unfinished.exists() and not resume and not overwrite:
        raise FileExistsError(
            f"{unfinished} exists, the labels of an earlier run that was stopped: "
            "allowed with resume=True, to take it up, or overwrite=True, to begin anew."
        )
    if _comes_from(labels, unfinished):
        raise ValueError(
            f"filename={str(filename)!r}: the labels are from {unfinished}, and so are "
            "not all there. Allowed are those of segment_symmetry, with the model of "
            "that file."
        )
    if resume and unfinished.exists():
        _check_is_the_same(labels, unfinished)
        store = FrameStore(unfinished)
    else:
        store = FrameStore.begin(labels, unfinished)
    progress = progress_bar(show_progressbar, "Segmenting", unit=" frames")
    data = labels.data if labels._lazy else lazy_frames(labels.data)
    try:
        bad = _write_missing(store, data, on_error, num_workers, progress)
    except FrameError as error:
        error.add_note(
            f"What was written is in {unfinished}; with resume=True the rest is taken "
            "up."
        )
        raise
    store.complete(path, left_out=bad)


def _comes_from(labels, path):
    """Whether labels were loaded from a file."""
    source = labels.tmp_parameters.as_dictionary()
    if not source.get("filename"):
        return False
    name = f"{source['filename']}.{source.get('extension', '').lstrip('.')}"
    return Path(source.get("folder", ""), name).resolve() == path.resolve()


def _check_is_the_same(labels, path):
    """Check that an unfinished store is of the same labels."""
    import hyperspy.api as hs

    begun = hs.load(path, lazy=True)
    theirs, ours = map(_identity, (begun, labels))
    for name, value in ours.items():
        if not _equal(theirs[name], value):
            shown = f", {theirs[name]} and not {value}" if name in SHOWN else ""
            raise ValueError(
                f"resume=True: {path} was begun with another {name}{shown}. Allowed is "
                "the same (its model can be had from it), or overwrite=True."
            )


def _identity(labels):
    """What makes labels those that they are, by the names that users know."""
    record = labels._record
    return {
        "shape": labels.data.shape,
        "stride": record.stride,
        "upsample": record.upsample,
        "mask": record.mask,
        "axes": [axis.get_axis_dictionary() for axis in labels.axes_manager._axes],
        "model": record.model,
    }


def _equal(a, b):
    """Whether axes, or other values, are the same."""
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    return bool(np.all(np.asarray(a == b)))


def _write_missing(store, data, on_error, num_workers, progress):
    """Evaluate and write the frames that are not in a store yet.

    Returns
    -------
    set of tuple of int
        Frames that are not written, because they are bad: they read as -1.
    """
    missing, bad = store.missing(), set()
    done = evaluate_frames(data, missing, num_workers=num_workers)
    with watched(done, len(missing), progress) as done:
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
