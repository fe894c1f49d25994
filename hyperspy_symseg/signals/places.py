# SPDX-License-Identifier: GPL-3.0-or-later
"""The places of files that are written: free, of one writer, and nobody else's."""

import contextlib
import os
import tempfile

from hyperspy_symseg.frames.writer_lock import WriterLock

from .frame_store import FrameStore, part_path, unfinished_path
from .origins import STORE_FILES


def prepare_folder(folder):
    """Make a folder, and check that something can be written to it.

    Parameters
    ----------
    folder : pathlib.Path

    Raises
    ------
    OSError
        If nothing can.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise type(error)(
            f"{folder} must be a folder that can be written to: {error.strerror}."
        ) from error


def check_replaceable(path):
    """Check that nothing is in the place of a file but what may be replaced by it.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    FileExistsError
        If there is a link, a folder that is no .zspy file, or a device.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_replaceable(Path("not_there.zspy"))
    """
    if path.is_symlink():
        raise FileExistsError(
            f"{path} must be a file of its own, got a link to {os.readlink(path)}."
        )
    if path.is_file() or not path.exists():
        return
    is_store = any((path / file).exists() for file in STORE_FILES)
    if path.suffix != ".zspy" or not is_store:
        kind = "folder with other things" if path.is_dir() else "device"
        raise FileExistsError(f"{path} must be a file, got a {kind}.")


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
            part = part_path(path)
            if part != unfinished and os.path.lexists(part):
                _remove_part(part, lock)
        yield lock


def _remove_part(part, lock):
    """Remove what a writer that was killed has left half written."""
    check_replaceable(part)
    # It left its lock, too.
    if not lock.taken_over:
        raise FileExistsError(f"{part} must not be there, got a file of this name.")
    part.unlink()
