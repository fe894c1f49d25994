# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of weights: arrays of float16 and a few numbers, and nothing that is run.

A file is a compressed ``.npz`` without pickled objects. It has the version of its
format, the seed that trains it again, and the SHA-256 of all that.
"""

import functools
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

FORMAT = 1
# Names that are not weights.
VERSION, SEED, CHECKSUM = "format", "seed", "sha256"
ADVICE = "install hyperspy-symseg again, or train the network (training/README.md)"


def write_weights(path, weights, seed):
    """Write weights to a file.

    Parameters
    ----------
    path : path-like
        It is replaced.
    weights : dict of str and numpy.ndarray
        Arrays of float32 become float16; numbers, and what else there is, stay.
    seed : int
        What trains them again.
    """
    arrays = {VERSION: np.array(FORMAT), SEED: np.array(seed)}
    for name, values in weights.items():
        values = np.asarray(values)
        narrow = values.ndim and values.dtype == np.float32
        arrays[name] = values.astype(np.float16) if narrow else values
    digest = np.frombuffer(_digest(arrays), np.uint8)
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays, **{CHECKSUM: digest})


def read_weights(path):
    """Read weights from a file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    weights : dict of str and numpy.ndarray
        Those of float16 as float32; they cannot be written to.
    seed : int

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is damaged, of another format, or no such file. The message says what to
        do.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.npz")
    >>> write_weights(path, {"bias": np.float32([0.5, 2])}, seed=3)
    >>> read_weights(path)
    ({'bias': array([0.5, 2. ], dtype=float32)}, 3)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {ADVICE}.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} must be a file of weights: {ADVICE}.") from error
    version = arrays.get(VERSION, np.array(None, float))
    if version.shape or version != FORMAT:
        raise ValueError(
            f"{path} must be of the format {FORMAT}, got {version}: {ADVICE}."
        )
    checksum = arrays.pop(CHECKSUM, np.empty(0, np.uint8))
    if checksum.tobytes() != _digest(arrays):
        raise ValueError(f"{path} is damaged, its checksum differs: {ADVICE}.")
    seed = int(arrays.pop(SEED))
    del arrays[VERSION]
    for name, values in arrays.items():
        if values.dtype == np.float16:
            arrays[name] = values.astype(np.float32)
        arrays[name].flags.writeable = False
    return arrays, seed


def _digest(arrays):
    """SHA-256 of arrays with their names, types and shapes: bytes."""
    found = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        found.update(f"{name} {values.dtype.str} {values.shape}".encode())
        found.update(values.tobytes())
    return found.digest()


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Weights of a network; how they are used is up to subclasses.

    Parameters
    ----------
    weights : dict of str and numpy.ndarray
    seed : int
        What they were trained from.
    """

    weights: dict
    seed: int
    file: ClassVar[Path]

    @classmethod
    @functools.cache
    def trained(cls, file=None):
        """A network of the package.

        Parameters
        ----------
        file : Path, optional
            Of its weights. By default that of the class.

        Raises
        ------
        FileNotFoundError, ValueError
            If its file is missing or damaged.
        """
        return cls(*read_weights(cls.file if file is None else file))
