# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels written frame by frame, to a file that bears its name only when complete."""

import contextlib
import logging
import os
import shutil
from pathlib import Path

import numpy as np

from hyperspy_symseg.descriptors.tiles import check_num_workers

from .arguments import progress_bar
from .evaluation import FrameError, evaluate_frames

_logger = logging.getLogger(__name__)

FORMATS = (".zspy", ".hspy")
ON_ERROR = ("raise", "mask")
# Rows and columns of a chunk in the file, at most: of a frame, unless it is very large.
CHUNK_SHAPE = (4096, 4096)
# Array in an unfinished store: which frames are in it.
FINISHED = "finished_frames"


def unfinished_path(path):
    """Where labels are until they are complete.

    Parameters
    ----------
    path : pathlib.Path
        Where they will be.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> unfinished_path(Path("results", "movie_labels.hspy")).name
    'movie_labels.unfinished.zspy'
    """
    return path.with_name(f"{path.stem}.unfinished.zspy")


def save_frames(
    labels, filename, *, overwrite, on_error, resume, num_workers, show_progressbar
):
    """Work of `LazySymmetryLabels.save_frames`, which says what it takes."""
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
    check_num_workers(num_workers)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: allowed with overwrite=True.")
    unfinished = unfinished_path(path)
    if unfinished.exists() and not resume and not overwrite:
        raise FileExistsError(
            f"{unfinished} exists, the labels of an earlier run that was stopped: "
            "allowed with resume=True, to take it up, or overwrite=True, to begin anew."
        )
    if not (resume and unfinished.exists()):
        begin(labels, unfinished)
    else:
        _check_is_the_same(labels, unfinished)
    progress = progress_bar(show_progressbar, "Segmenting", unit=" frames")
    _write_frames(labels.data, unfinished, on_error, num_workers, progress)
    complete(unfinished, path)


def _data(group):
    """The array of the frames in a store."""
    (experiment,) = group["Experiments"].values()
    return experiment["data"]


def open_frames(path):
    """Open the frames in a store that is not finished.

    Parameters
    ----------
    path : pathlib.Path
        Made by `begin`.

    Returns
    -------
    frames : zarr.Array
        (..., rows, columns).
    finished : zarr.Array of bool
        Which of the frames are in it, in the order of the array.
    """
    import zarr

    root = zarr.open_group(path, mode="r+")
    return _data(root), root[FINISHED]


def begin(signal, path, fill_value=-1):
    """Write all of a series but the frames.

    Parameters
    ----------
    signal : LazySignal2D
    path : pathlib.Path
        From `unfinished_path`. What is there is removed.
    fill_value : int
        Of frames that are not written yet.
    """
    if path.exists():
        shutil.rmtree(path)
    # It is there either with all that it takes to go on, or not at all.
    part = path.with_name(f".{path.name}")
    try:
        _begin(signal, part, fill_value)
        os.replace(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _begin(signal, path, fill_value=-1):
    import zarr

    navigation_shape, shape = signal.data.shape[:-2], signal.data.shape[-2:]
    signal.save(path, overwrite=True, write_dataset=False, show_progressbar=False)
    root = zarr.open_group(path, mode="r+")
    (experiment,) = root["Experiments"].values()
    experiment.create_dataset(
        "data",
        shape=signal.data.shape,
        chunks=(1,) * len(navigation_shape) + tuple(map(min, shape, CHUNK_SHAPE)),
        dtype=signal.data.dtype,
        fill_value=fill_value,
    )
    n_frames = int(np.prod(navigation_shape))
    root.create_dataset(
        FINISHED, shape=n_frames, chunks=1024, dtype=bool, fill_value=False
    )
    zarr.consolidate_metadata(root.store)


def _check_is_the_same(labels, path):
    """Check that an unfinished store is of the same labels."""
    import hyperspy.api as hs

    begun = hs.load(path, lazy=True)
    record, own = (
        signal.metadata.Symmetry_segmentation.as_dictionary()
        for signal in (begun, labels)
    )
    compared = {
        "shape": (begun.data.shape, labels.data.shape),
        "stride": tuple(tuple(np.ravel(each["stride"])) for each in (record, own)),
        "upsample": (bool(record["upsample"]), bool(own["upsample"])),
        "masked": (bool(record["masked"]), bool(own["masked"])),
        "model": (begun.model, labels.model),
    }
    for name, (theirs, ours) in compared.items():
        if theirs != ours:
            what = "" if name == "model" else f", {theirs} and not {ours}"
            raise ValueError(
                f"resume=True: {path} was begun with another {name}{what}. Allowed is "
                "the same (its model can be had from it), or overwrite=True."
            )


def _write_frames(data, path, on_error, num_workers, progress):
    """Evaluate and write the frames that are not in a store yet."""
    stored, finished = open_frames(path)
    navigation_shape = data.shape[:-2]
    todo = [
        tuple(map(int, np.unravel_index(i, navigation_shape)))
        for i in np.flatnonzero(~finished[:])
    ]
    done = evaluate_frames(data, todo, num_workers=num_workers)
    with contextlib.closing(done):
        for index, frame in progress(done, total=len(todo)) if progress else done:
            if isinstance(frame, FrameError):
                if on_error == "raise":
                    frame.add_note(
                        f"What was written is in {path}; with resume=True the rest is "
                        "taken up."
                    )
                    raise frame
                _logger.warning("%s It is labelled -1.", frame)
            else:
                stored[index] = frame
            finished[int(np.ravel_multi_index(index, navigation_shape))] = True


def complete(unfinished, path):
    """Give a store that has all frames its name.

    Parameters
    ----------
    unfinished : pathlib.Path
        Made by `begin`.
    path : pathlib.Path
        What is there is replaced.
    """
    import hyperspy.api as hs
    import zarr

    if path.suffix == ".hspy":
        # Written anew, because an HDF5 file may be lost if writing it is stopped.
        part = path.with_name(f"{path.stem}.unfinished.hspy")
        hs.load(unfinished, lazy=True).save(
            part, overwrite=True, show_progressbar=False
        )
        os.replace(part, path)
        shutil.rmtree(unfinished)
        return
    root = zarr.open_group(unfinished, mode="r+")
    del root[FINISHED]
    zarr.consolidate_metadata(root.store)
    if path.exists():
        shutil.rmtree(path)
    os.replace(unfinished, path)
