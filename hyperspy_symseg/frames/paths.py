# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of files that are written: where until complete, and what may be there."""

import os
import shutil
import tempfile

# What the name of a series ends in until it is complete.
UNFINISHED = ".unfinished"
# What zarr's stores have in their first folder.
STORE_FILES = (".zgroup", ".zarray", "zarr.json")


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


def temporary_path(path):
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
    >>> temporary_path(Path("movie_overlay.gif")).name
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
