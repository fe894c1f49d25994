# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that lazy arrays are read from, which nothing may be written over."""

import functools
import io
import os
import types
from pathlib import Path

import numpy as np

from .paths import STORE_FILES

# What tasks of dask have beside what they are made of.
NOT_FOLLOWED = {"key", "target", "_dependencies", "_token", "_repr"}
NOTHING_IN_IT = (bytes, int, float, complex, type, types.ModuleType, type(None))


def check_not_an_origin(path, *arrays, files=()):
    """Check that writing to a path ruins nothing that arrays are yet to be read from.

    Parameters
    ----------
    path : pathlib.Path
        A file or a folder, or a link to one.
    *arrays : dask.array.Array or numpy.ndarray
        Those in memory need no file.
    files : collection of pathlib.Path
        Other files that must stay.

    Raises
    ------
    ValueError
        If it is one of the files, lies in their folder or holds them.

    Examples
    --------
    >>> import dask.array as da
    >>> check_not_an_origin(Path("labels.zspy"), da.zeros(3))
    """
    for name in {*map(os.fspath, files)}.union(*map(_origins, arrays)):
        if _overlap(path, name):
            raise ValueError(
                f"filename must be another than that of the data, {name}, which is "
                f"still to be read, got {path}."
            )


def _overlap(path, name):
    """Whether a path is a file or a store of some name, or one is in the other."""
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        # Among the names are some that are of no file.
        return False
    origin = Path(os.path.realpath(name))
    path = Path(os.path.realpath(path))
    is_folder = origin.is_dir()
    if is_folder and not any((origin / file).exists() for file in STORE_FILES):
        return False
    if path == origin or path in origin.parents:
        return True
    if is_folder:
        return origin in path.parents
    return path.exists() and os.path.samestat(path.stat(), found)


def _origins(array):
    """All text in a lazy array that may be the name of a file: set of str."""
    if isinstance(array, np.ndarray):
        return set()
    graph = array.__dask_graph__()
    found, seen, left = set(), {}, list(getattr(graph, "layers", {0: graph}).values())
    while left:
        thing = left.pop()
        if isinstance(thing, str):
            found.add(thing)
        elif not _is_closed(thing) and id(thing) not in seen:
            # Kept, or another may get its id.
            seen[id(thing)] = thing
            left.extend(_contents(thing))
    return found


def _is_closed(thing):
    """Whether a thing is not looked into: a cluster holds what is in its memory."""
    package = type(thing).__module__.partition(".")[0]
    return isinstance(thing, NOTHING_IN_IT) or package == "distributed"


def _contents(thing):
    """What a thing is made of, as far as it may name files."""
    import h5py

    match thing:
        case dict():
            return list(thing.values())
        case list() | tuple() | set() | frozenset():
            return list(thing)
        case functools.partial():
            return [thing.func, thing.args, thing.keywords]
        case types.MethodType():
            return [thing.__self__, thing.__func__]
        case types.FunctionType():
            return [thing.__closure__, thing.__defaults__, thing.__kwdefaults__]
        case types.CellType():
            return _attributes(thing, ["cell_contents"])
        case os.PathLike():
            return [os.fspath(thing)]
        case io.IOBase():
            return _attributes(thing, ["name"])
        case h5py.Dataset() | h5py.Group():
            # One that is closed has no name any more.
            return [thing.file.filename] if thing else []
        case np.ndarray():
            # A view of a memory map.
            return [thing.base, *_attributes(thing, ["filename"])]
    return _own_contents(thing)


def _own_contents(thing):
    """Attributes that a thing has itself, none of which is computed."""
    slots = [getattr(kind, "__slots__", ()) for kind in type(thing).__mro__]
    names = {n for s in slots for n in ([s] if isinstance(s, str) else s)}
    own = dict(getattr(thing, "__dict__", {}))
    contents = [value for name, value in own.items() if name not in NOT_FOLLOWED]
    return contents + _attributes(thing, names - NOT_FOLLOWED - own.keys())


def _attributes(thing, names):
    """Attributes of these names that are there."""
    values = (getattr(thing, name, None) for name in names)
    return [value for value in values if value is not None]
