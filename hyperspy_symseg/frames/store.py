# SPDX-License-Identifier: GPL-3.0-or-later
"""A series written frame by frame, to a file that bears its name only when complete."""

import contextlib
import os
import shutil

import numpy as np

from .paths import (
    check_replaceable,
    prepare_folder,
    remove,
    temporary_path,
    unfinished_path,
)
from .writer_lock import WriterLock
from .zarr_array import ZarrArray

# Rows and columns of a chunk in the file, at most: of a frame, unless it is very large.
CHUNK_SHAPE = (4096, 4096)


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
        self._path = path
        try:
            self._frames = ZarrArray(path, "r+")
            if self._frames.chunks[:-2] != (1,) * (len(self._frames.shape) - 2):
                raise ValueError("several frames are in one chunk")
            # HyperSpy separates the numbers of a chunk by slashes.
            if self._frames.separator != ".":
                raise ValueError("it was written in one go")
        except ImportError:
            raise
        except Exception as error:
            # Whatever zarr and its codecs have to say of a file that is no such one.
            raise ValueError(
                f"{path} must be an unfinished series, got another file."
            ) from error

    @classmethod
    def is_at(cls, path):
        """Whether there is one at a path: bool."""
        try:
            cls(path)
        except ValueError:
            return False
        return True

    @classmethod
    def begin(cls, path, frames, save_rest, *, fill_value=-1, chunk_shape=CHUNK_SHAPE):
        """Write all of a series but the frames.

        Parameters
        ----------
        path : pathlib.Path
            What is there is removed.
        frames : (..., rows, columns) array
            What the frames will be: only the shape and the dtype are looked at.
        save_rest : callable
            Takes a path, and writes a .zspy file of the series without frames to it.
        fill_value : int
            Of frames that are missing.
        chunk_shape : (int, int)
            Rows and columns of a chunk, at most.

        Returns
        -------
        FrameStore
        """
        remove(path)
        # It is there either with all that it takes to go on, or not at all.
        hidden = path.with_name(f".{path.name}")
        try:
            save_rest(hidden)
            ZarrArray.create(
                hidden,
                frames.shape,
                (*(1,) * (frames.ndim - 2), *map(min, frames.shape[-2:], chunk_shape)),
                frames.dtype,
                fill_value,
            )
            os.replace(hidden, path)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        return cls(path)

    def missing(self):
        """Places of the frames that are not in it, ascending: list of tuple of int."""
        there = self._frames.chunks_there()
        of_a_frame = list(np.ndindex(self._frames.n_chunks[-2:]))
        return [
            index
            for index in self.indices()
            if not all((*index, *chunk) in there for chunk in of_a_frame)
        ]

    def indices(self):
        """Places of all frames, ascending: list of tuple of int."""
        return list(np.ndindex(self._frames.shape[:-2]))

    def read(self, index):
        """Frame at a place; the fill value where it is missing.

        Parameters
        ----------
        index : tuple of int

        Returns
        -------
        (rows, columns) numpy.ndarray
        """
        return self._frames.read(index)

    def grow(self, shape=None):
        """Make room for more frames along the first axis.

        Parameters
        ----------
        shape : tuple of int, optional
            Of the series, as it is now. None: as it is, made whole if making room was
            stopped half-way.

        Raises
        ------
        ValueError
            If it is of other frames, or of fewer.
        """
        old = self._frames.shape
        shape = old if shape is None else shape
        if shape[1:] != old[1:] or shape[0] < old[0]:
            raise ValueError(
                f"frames must be added to those of {self._path}, {old}, got {shape}."
            )
        self._frames.grow(shape[0])

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
        if not self._frames.is_there():
            raise RuntimeError(f"{self._path} was removed while it was written.")
        self._frames.write(index, frame)

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

    def complete(self, path, *, left_out=(), lock=None, convert=None):
        """Give a file that has all frames its name.

        Parameters
        ----------
        path : pathlib.Path
            With the extension .zspy or .hspy. What is there is replaced.
        left_out : collection of tuple of int
            As in `check_complete`.
        lock : WriterLock, optional
            It must still be held.
        convert : callable, optional
            For .hspy: takes the path of this file and that of another, which it writes
            in the format of its extension. HDF5 may be lost if writing it is stopped.

        Raises
        ------
        RuntimeError
            If it is not, or as in `check_complete`.
        """
        self.check_complete(left_out)
        for torn in self._path.glob("Experiments/*/data/*.partial"):
            # Of a process that was killed while zarr wrote a chunk.
            torn.unlink()
        complete = self._path
        try:
            if path.suffix == ".hspy":
                complete = temporary_path(path)
                convert(self._path, complete)
                self.check_complete(left_out)
            if lock:
                lock.check()
            if path.suffix == ".zspy":
                remove(path)
            os.replace(complete, path)
        finally:
            if complete != self._path:
                complete.unlink(missing_ok=True)
        remove(self._path)


@contextlib.contextmanager
def only_writer(*paths):
    """Context of the only writer of a series, in which its places are its own.

    Parameters
    ----------
    *paths : pathlib.Path
        Where the series will be: one folder, one name, several extensions. The folder
        is made if it is not there.

    Yields
    ------
    WriterLock

    Raises
    ------
    FileExistsError
        If there is another writer, or something that is no file of this package, or is
        none that may be replaced, at one of the places or where the series is until it
        is complete.
    OSError
        If the folder cannot be written to.
    """
    unfinished = unfinished_path(paths[0])
    lock_path = unfinished.with_suffix(".lock")
    prepare_folder(unfinished.parent)
    for path in (*paths, unfinished, lock_path):
        check_replaceable(path)
    if unfinished.exists() and not FrameStore.is_at(unfinished):
        raise FileExistsError(
            f"{unfinished} must be an unfinished series, got another file of this name."
        )
    with WriterLock(lock_path) as lock:
        for path in paths:
            leftover = temporary_path(path)
            if leftover != unfinished and os.path.lexists(leftover):
                _remove_leftover(leftover, lock)
        yield lock


def _remove_leftover(leftover, lock):
    """Remove what a writer that was killed has left half written."""
    check_replaceable(leftover)
    # It left its lock, too.
    if not lock.taken_over:
        raise FileExistsError(f"{leftover} must not be there, got a file of this name.")
    leftover.unlink()
