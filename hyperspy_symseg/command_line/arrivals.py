# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and frames that arrive: which are there, and which are still being written."""

import os
import time
from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.frames.paths import UNFINISHED
from hyperspy_symseg.frames.zarr_array import ZarrArray

from .reading import STORES

# What results of this package end in, before the extension: they are no micrographs.
RESULTS = ("_labels", "_overlay", "_columns", "watch_model", "watch_areas")


@dataclass
class _Seen:
    """A file as it was when it was last looked at.

    Parameters
    ----------
    state : tuple
        From `state_of`.
    since : float
        When it was first seen so, of `time.monotonic`.
    is_told : bool
        Whether it has been handed out since then as settled.
    is_new : bool
        Whether it has not been handed out at all since then.
    """

    state: tuple
    since: float
    is_told: bool = False
    is_new: bool = True


class Arrivals:
    """Files of a folder, or one file, as they come and grow.

    Parameters
    ----------
    place : pathlib.Path
        A folder, or a file or store that need not be there yet.
    settle : float
        Seconds after which a file that has not changed is taken for complete.
    only : str
        Pattern of the names of files in a folder that count, as in a shell.

    Examples
    --------
    >>> from pathlib import Path
    >>> Arrivals(Path("not_there.zspy"), settle=1.0).changed()
    []
    """

    def __init__(self, place, settle, only="*"):
        self._place, self._settle, self._only = place, settle, only
        self._seen = {}

    def changed(self):
        """Files that have changed and that can be looked at.

        Returns
        -------
        list of (pathlib.Path, bool)
            The oldest first, and whether the file has settled. A store, in which
            frames are complete one by one, is there as soon as it changes, and once
            more when it has settled; another file only then.
        """
        now, result = time.monotonic(), []
        for path in self._paths():
            state = state_of(path)
            if state is None:
                continue
            seen = self._seen.get(path)
            if seen is None or seen.state != state:
                seen = self._seen[path] = _Seen(state, now)
            has_settled = now - seen.since >= self._settle
            if seen.is_told or not (has_settled or (is_store(path) and seen.is_new)):
                continue
            seen.is_told, seen.is_new = has_settled, False
            result.append((state[1], path, has_settled))
        return [(path, settled) for _, path, settled in sorted(result)]

    def are_settled(self):
        """Whether no file waits to settle: bool."""
        return all(each.is_told for each in self._seen.values())

    def _paths(self):
        """Files that may be micrographs: list of pathlib.Path."""
        if not is_folder(self._place):
            return [self._place]
        readable = extensions()
        return [
            path
            for path in self._place.glob(self._only)
            if not path.name.startswith(".")
            and path.suffix.lower() in readable
            and (path.is_file() or is_store(path))
            and not path.stem.endswith((*RESULTS, UNFINISHED))
        ]


def is_folder(path):
    """Whether a path is a folder with files, and no store: bool."""
    return path.is_dir() and path.suffix not in STORES


def is_store(path):
    """Whether a path is a store of HyperSpy, of frames that come one by one: bool."""
    return path.suffix == STORES[0] and path.is_dir()


def extensions():
    """Extensions of the files that HyperSpy reads, with the dot: set of str."""
    import rsciio

    found = {e.lower() for each in rsciio.IO_PLUGINS for e in each["file_extensions"]}
    return {f".{each.lstrip('.')}" for each in found} | set(STORES)


def state_of(path):
    """What changes if a file or a store does.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    tuple of int or None
        Bytes, time of the latest change in ns, and files; None if there is nothing.
    """
    try:
        if not path.is_dir():
            found = path.stat()
            return found.st_size, found.st_mtime_ns, 1
        size = latest = count = 0
        for folder, _, names in os.walk(path):
            for name in names:
                found = os.stat(os.path.join(folder, name))
                size, count = size + found.st_size, count + 1
                latest = max(latest, found.st_mtime_ns)
        return size, latest, count
    except FileNotFoundError:
        # It goes, or what is being written gets its name, while it is looked at.
        return None


def frames_there(path, shape, has_settled):
    """Which frames of a series have been written.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    shape : tuple of int
        Of the navigation axes, in the order of the array.
    has_settled : bool
        Whether the file has.

    Returns
    -------
    list of tuple of int
        Places in the array, ascending. All, of what is no store. Of a store those
        whose chunks are there; if a chunk holds several frames, it must be followed
        by another, or the store have settled.
    """
    places = list(np.ndindex(shape))
    if not is_store(path):
        return places if has_settled else []
    data = ZarrArray(path)
    there = data.chunks_there()
    of_a_frame = list(np.ndindex(*data.n_chunks[len(shape) :]))

    def chunk_of(place):
        return tuple(i // n for i, n in zip(place, data.chunks, strict=False))

    def is_there(chunk):
        return all((*chunk, *rest) in there for rest in of_a_frame)

    last = max((name[: len(shape)] for name in there), default=())
    alone = all(n == 1 for n in data.chunks[: len(shape)])
    return [
        place
        for place in places
        if is_there(chunk := chunk_of(place)) and (alone or has_settled or chunk < last)
    ]
