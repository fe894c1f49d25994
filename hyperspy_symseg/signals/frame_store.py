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
# What the name of a series ends in until it is complete.
UNFINISHED = ".unfinished"


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
    return path.with_name(f"{path.stem}{UNFINISHED}.zspy")


def part_path(path):
    """Where a file that is written in one go is until it is complete.

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
    >>> part_path(Path("movie_overlay.gif")).name
    'movie_overlay.unfinished.gif'
    """
    return unfinished_path(path).with_suffix(path.suffix)


def remove(path):
    """Remove a file or a folder, if it is there.

    Parameters
    ----------
    path : pathlib.Path
    """
    # A folder that is half removed must not look like a whole one.
    old = path.with_name(f".{path.name}.removed")
    _delete(old)
    if os.path.lexists(path):
        os.replace(path, old)
        _delete(old)


def _delete(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class FrameStore:
    """A .zspy file of a series, some frames of which are still missing.

    It is a folder with a file for each chunk, which appears with one stroke. So a frame
    is in it if all its chunks are.

    Parameters
    ----------
    path : pathlib.Path
        Made by `begin`.

    Raises
    ------
    ValueError
        If it is something else.
    """

    def __init__(self, path):
        import zarr

        self._path = path
        try:
            (experiment,) = zarr.open_group(path, mode="r+")["Experiments"].values()
            self._frames = experiment["data"]
            one_by_one = self._frames.chunks[:-2] == (1,) * (self._frames.ndim - 2)
            # HyperSpy separates the numbers of a chunk by slashes.
            ours = one_by_one and self._frames._dimension_separator == "."
        except Exception as error:
            # Whatever zarr and its codecs have to say of a file that is no such one.
            raise ValueError(
                f"{path} must be an unfinished series, got another file."
            ) from error
        if not ours:
            raise ValueError(f"{path} must be an unfinished series, got another file.")

    @classmethod
    def is_at(cls, path):
        """Whether there is one at a path: bool."""
        try:
            cls(path)
        except ValueError:
            return False
        return True

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

        Raises
        ------
        RuntimeError
            If the store is no longer there: zarr would make a folder for the frame.
        """
        if not (self._path / ".zgroup").exists():
            raise RuntimeError(f"{self._path} was removed while it was written.")
        self._frames[index] = frame

    def check_complete(self, left_out=()):
        """Check that the file, as it is read now, has all frames.

        Parameters
        ----------
        left_out : collection of tuple of int
            Frames that are not written on purpose.

        Raises
        ------
        RuntimeError
            If others are missing, or it is no longer the file that was begun.
        """
        try:
            found = FrameStore(self._path)
        except ValueError as error:
            raise RuntimeError(
                f"{self._path} was removed or damaged while it was written."
            ) from error
        if found._frames.shape != self._frames.shape:
            raise RuntimeError(f"{self._path} was replaced while it was written.")
        if missing := set(found.missing()).difference(left_out):
            raise RuntimeError(
                f"{len(missing)} frames are missing in {self._path}, which stays there."
            )

    def complete(self, path, left_out=(), lock=None):
        """Give a file that has all frames its name.

        Parameters
        ----------
        path : pathlib.Path
            With the extension .zspy or .hspy. What is there is replaced.
        left_out : collection of tuple of int
            As in `check_complete`.
        lock : WriterLock, optional
            It must still be held.

        Raises
        ------
        RuntimeError
            If it is not, or as in `check_complete`.
        """
        self.check_complete(left_out)
        for torn in self._path.glob("Experiments/*/data/*.partial"):
            # Of a process that was killed while zarr wrote a chunk.
            torn.unlink()
        part = self._path
        try:
            if path.suffix == ".hspy":
                part = part_path(path)
                self._convert(part)
                self.check_complete(left_out)
            if lock:
                lock.check()
            if path.suffix == ".zspy":
                remove(path)
            os.replace(part, path)
        finally:
            if part != self._path:
                part.unlink(missing_ok=True)
        remove(self._path)

    def _convert(self, part):
        """Write the file anew: HDF5 may be lost if writing it is stopped."""
        import hyperspy.api as hs

        # No cluster can write to it.
        with dask.config.set(scheduler="threads"):
            signal = hs.load(self._path, lazy=True)
            read_metadata(signal)
            signal.save(part, overwrite=True, show_progressbar=False)
