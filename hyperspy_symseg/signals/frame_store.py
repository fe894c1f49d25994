# SPDX-License-Identifier: GPL-3.0-or-later
"""A series written frame by frame, to a file that bears its name only when complete."""

import itertools
import os
import shutil

import dask
import numpy as np

from .metadata import read_metadata

# Rows and columns of a chunk in the file, at most: of a frame, unless it is very large.
CHUNK_SHAPE = (4096, 4096)


def unfinished_path(path):
    """Where a series is until it is complete.

    Parameters
    ----------
    path : pathlib.Path
        Where it will be.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> from pathlib import Path
    >>> unfinished_path(Path("movie_labels.hspy")).name
    'movie_labels.unfinished.zspy'
    """
    return path.with_name(f"{path.stem}.unfinished.zspy")


def remove(path):
    """Remove a file or a folder, if it is there.

    Parameters
    ----------
    path : pathlib.Path
    """
    if not path.exists():
        return
    # A folder that is half removed must not look like a whole one.
    old = path.with_name(f".{path.name}.removed")
    if old.exists():
        shutil.rmtree(old)
    os.replace(path, old)
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink()


class FrameStore:
    """A .zspy file of a series, some frames of which are still missing.

    It is a folder with a file for each chunk, which appears with one stroke. So a frame
    is in it if all its chunks are.

    Parameters
    ----------
    path : pathlib.Path
        Made by `begin`.
    """

    def __init__(self, path):
        import zarr

        self._path = path
        (experiment,) = zarr.open_group(path, mode="r+")["Experiments"].values()
        self._frames = experiment["data"]

    @classmethod
    def begin(cls, signal, path, fill_value=-1):
        """Write all of a series but the frames.

        Parameters
        ----------
        signal : LazySignal2D
        path : pathlib.Path
            What is there is removed.
        fill_value : int
            Of frames that are missing.

        Returns
        -------
        FrameStore
        """
        import zarr

        remove(path)
        # It is there either with all that it takes to go on, or not at all.
        part = path.with_name(f".{path.name}")
        navigation_shape, shape = signal.data.shape[:-2], signal.data.shape[-2:]
        try:
            # Saving leaves its traces in a signal.
            copy = signal.deepcopy()
            read_metadata(copy)
            copy.save(part, overwrite=True, write_dataset=False, show_progressbar=False)
            root = zarr.open_group(part, mode="r+")
            (experiment,) = root["Experiments"].values()
            experiment.create_dataset(
                "data",
                shape=signal.data.shape,
                chunks=(1,) * len(navigation_shape)
                + tuple(map(min, shape, CHUNK_SHAPE)),
                dtype=signal.data.dtype,
                fill_value=fill_value,
                dimension_separator=".",
            )
            zarr.consolidate_metadata(root.store)
            os.replace(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return cls(path)

    def missing(self):
        """Places of the frames that are not in it, ascending: list of tuple of int."""
        names = set(self._frames.chunk_store.listdir(self._frames.path))
        of_a_frame = [range(n) for n in self._frames.cdata_shape[-2:]]
        return [
            index
            for index in np.ndindex(self._frames.shape[:-2])
            if not all(
                ".".join(map(str, (*index, *chunk))) in names
                for chunk in itertools.product(*of_a_frame)
            )
        ]

    def write(self, index, frame):
        """Write a frame.

        Parameters
        ----------
        index : tuple of int
            Its place in the array.
        frame : (rows, columns) numpy.ndarray or int
        """
        self._frames[index] = frame

    def complete(self, path, left_out=()):
        """Give a file that has all frames its name.

        Parameters
        ----------
        path : pathlib.Path
            With the extension .zspy or .hspy. What is there is replaced.
        left_out : collection of tuple of int
            Frames that are not written on purpose.

        Raises
        ------
        RuntimeError
            If there are other frames missing.
        """
        if missing := set(self.missing()).difference(left_out):
            raise RuntimeError(
                f"{len(missing)} frames are missing in {self._path}, which stays there."
            )
        if path.suffix == ".hspy":
            self._convert(path)
        else:
            remove(path)
            os.replace(self._path, path)

    def _convert(self, path):
        """Write the file anew: HDF5 may be lost if writing it is stopped."""
        import hyperspy.api as hs

        part = path.with_name(f"{path.stem}.unfinished.hspy")
        try:
            # No cluster can write to it.
            with dask.config.set(scheduler="threads"):
                signal = hs.load(self._path, lazy=True)
                read_metadata(signal)
                signal.save(part, overwrite=True, show_progressbar=False)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        remove(self._path)
