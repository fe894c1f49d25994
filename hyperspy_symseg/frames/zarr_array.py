# SPDX-License-Identifier: GPL-3.0-or-later
"""The array of a .zspy file, chunk by chunk: all that knows zarr.

A .zspy file is a folder: a group ``Experiments`` with a group for each signal, in which
the array is ``data``. Each chunk is a file, which appears with one stroke.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from hyperspy_symseg.optional import optional

# What the group of a file has, which is gone when the file is.
_GROUP = ".zgroup"


class ZarrArray:
    """Array of the only signal in a .zspy file.

    Parameters
    ----------
    path : pathlib.Path
    mode : {"r", "r+"}
        Whether it is written to, too.

    Attributes
    ----------
    shape, chunks : tuple of int
        Of the array, and of a chunk.
    separator : str
        Of the numbers of a chunk in the name of its file.

    Raises
    ------
    ImportError
        Without zarr.
    ValueError
        If the file has another number of signals.
    Exception
        Whatever zarr and its codecs say of a file that is none of theirs.
    """

    def __init__(self, path: Path, mode: str = "r") -> None:
        self._path = path
        self._root, self._signal = _only_signal(path, mode)
        self._array = self._signal["data"]
        self.chunks = self._array.chunks
        self.separator = self._array._dimension_separator

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self._array.shape

    @property
    def n_chunks(self) -> tuple[int, ...]:
        """Number of chunks along each axis."""
        return self._array.cdata_shape

    @classmethod
    def create(
        cls,
        path: Path,
        shape: tuple[int, ...],
        chunks: tuple[int, ...],
        dtype: np.dtype,
        fill_value: int,
    ) -> None:
        """Add the array to a file that has all but it.

        Parameters
        ----------
        path : pathlib.Path
        shape, chunks : tuple of int
        dtype : numpy.dtype
        fill_value : int
            Of what is not written.
        """
        root, signal = _only_signal(path, "r+")
        signal.create_dataset(
            "data",
            shape=shape,
            chunks=chunks,
            dtype=dtype,
            fill_value=fill_value,
            dimension_separator=".",
        )
        zarr_library().consolidate_metadata(root.store)

    def chunks_there(self) -> set[tuple[int, ...]]:
        """Numbers of the chunks that have been written."""
        folder, there = self._path / self._array.path, set()
        for root, _, files in os.walk(folder):
            before = os.path.relpath(root, folder).replace(os.sep, ".").strip(".")
            for name in files:
                whole = f"{before}.{name}" if before else name
                if all(number.isdigit() for number in whole.split(".")):
                    there.add(tuple(map(int, whole.split("."))))
        return there

    def is_there(self) -> bool:
        """Whether the file has not been removed."""
        return (self._path / _GROUP).exists()

    def read(self, index: tuple[int, ...]) -> np.ndarray:
        """What is at a place, as indexing gives it."""
        return self._array[index]

    def write(self, index: tuple[int, ...], values: np.ndarray | int) -> None:
        """Write to a place, as indexing does."""
        self._array[index] = values

    def grow(self, n: int) -> None:
        """Make room along the first axis, and tell its record of the axis.

        Parameters
        ----------
        n : int
            Its length then. If it is so long already, making room may have been stopped
            half-way.
        """
        axis = self._signal["axis-0"].attrs
        if n == self.shape[0] == axis["size"]:
            return
        self._array.resize((n, *self.shape[1:]))
        axis["size"] = n
        zarr_library().consolidate_metadata(self._root.store)


def zarr_library():
    """The library, or an error that names the extra with it: module."""
    return optional("zarr", "A series that grows frame by frame", "zspy")


def _only_signal(path, mode):
    """The group of a file, and that of its only signal."""
    root = zarr_library().open_group(path, mode=mode)
    signals = list(root["Experiments"].values())
    if len(signals) != 1:
        raise ValueError(f"it must have one signal, got {len(signals)}")
    return root, signals[0]
