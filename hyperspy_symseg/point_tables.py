# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of points for other programs: pandas, CSV and XYZ."""

import csv
import os
from pathlib import Path
from typing import NamedTuple

import dask.array as da
import numpy as np

from hyperspy_symseg.frames.checks import check_flag, shown
from hyperspy_symseg.frames.paths import check_replaceable, temporary_path
from hyperspy_symseg.optional import optional

# Columns of whole numbers.
WHOLE = "pattern", "site", "source", "track", "n_neighbours", "touches_edge"
# Species of columns whose element is not given: what programs take for an unknown one.
UNKNOWN = "X"
# Which axis, y or x, a column is a length along: both are 2, and 3 is an area.
ALONG = {
    "y": 0,
    "x": 1,
    "y_error": 0,
    "x_error": 1,
    "width": 2,
    "equivalent_diameter": 2,
    "perimeter": 2,
    "major_axis": 2,
    "minor_axis": 2,
    "area": 3,
}


class Calibration(NamedTuple):
    """Function of a table in pixels, which gives it in the unit of axes.

    factors, offsets: (k,) numpy.ndarray, of the columns.
    """

    factors: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, names, axes):
        """From the names of columns, and axes by name: dict of dict."""
        scales = [axes[name]["scale"] for name in "yx"]
        area = abs(scales[0] * scales[1])
        scales += np.sqrt(area), area
        factors, offsets = np.ones(len(names)), np.zeros(len(names))
        for i, name in enumerate(names):
            if name in ("y", "x"):
                factors[i], offsets[i] = axes[name]["scale"], axes[name]["offset"]
            elif name in ALONG:
                factors[i] = abs(scales[ALONG[name]])
        return cls(factors, offsets)

    def __call__(self, table):
        """Table (n, k) in the unit of the axes."""
        return table * self.factors + self.offsets


def each_table(tables, function):
    """What a function makes of each of an array of tables; lazy if they are.

    Parameters
    ----------
    tables : numpy.ndarray or dask.array.Array of object
    function : callable

    Returns
    -------
    numpy.ndarray or dask.array.Array of object
    """
    if isinstance(tables, da.Array):
        meta = np.empty((0,) * tables.ndim, object)
        return tables.map_blocks(each_table, function, dtype=object, meta=meta)
    result = np.empty(tables.shape, object)
    for place in np.ndindex(tables.shape):
        result[place] = function(np.asarray(tables[place]))
    return result


def dataframe(frames, names, levels):
    """Frame of pandas with one row a point.

    Parameters
    ----------
    frames : list of (tuple of int, (n, k) numpy.ndarray)
        Index of each frame, and its table.
    names : list of str
        Of the columns.
    levels : list of str
        Of the index: one for each number of the index of a frame.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    pd = optional("pandas", "to_dataframe", "dataframe")
    tables = [np.zeros((0, len(names))), *(table for _, table in frames)]
    numbers = [np.full((len(table), len(levels)), index) for index, table in frames]
    index = np.concatenate([np.zeros((0, len(levels)), int), *numbers])
    if len(levels) == 1:
        index = pd.Index(index[:, 0], name=levels[0])
    else:
        index = pd.MultiIndex.from_arrays(index.T, names=levels)
    found = pd.DataFrame(np.concatenate(tables), index=index, columns=names)
    return found.astype({name: np.int64 for name in WHOLE if name in names})


def write_csv(path, frames, names, levels):
    """Write a table with one row a point, numbers such that they are read back exactly.

    Parameters
    ----------
    path : pathlib.Path
        As from `check_path`.
    frames, names, levels
        As of `dataframe`: the index is in the first columns.
    """
    whole = [name in WHOLE for name in names]

    def write(file):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*levels, *names])
        for index, table in frames:
            for row in table.tolist():
                cells = zip(row, whole, strict=True)
                writer.writerow([*index, *(int(v) if w else repr(v) for v, w in cells)])

    write_text(path, write)


def write_xyz(path, frames, names, species, lengths):
    """Write extended XYZ, all frames in one file.

    Parameters
    ----------
    path : pathlib.Path
        As from `check_path`.
    frames, names
        As of `dataframe`.
    species : callable
        Of a table, gives the symbol of each row: list of str.
    lengths : (callable, str)
        Of a table, gives x and y, (n, 2); and their unit.
    """
    places, unit = lengths
    others = [i for i, name in enumerate(names) if name not in ("y", "x")]
    kinds = ["I" if names[i] in WHOLE else "R" for i in others]
    properties = ":".join(
        ["species:S:1:pos:R:3"]
        + [f"{names[i]}:{kind}:1" for i, kind in zip(others, kinds, strict=True)]
    )

    def write(file):
        for index, table in frames:
            frame = " ".join(map(str, index))
            file.write(
                f'{len(table)}\nProperties={properties} frame="{frame}" units={unit} '
                'pbc="F F F"\n'
            )
            rows = zip(
                species(table), places(table).tolist(), table.tolist(), strict=True
            )
            for symbol, (x, y), row in rows:
                more = [
                    str(int(row[i])) if kind == "I" else repr(row[i])
                    for i, kind in zip(others, kinds, strict=True)
                ]
                file.write(" ".join([symbol, repr(x), repr(y), "0.0", *more]) + "\n")

    write_text(path, write)


def species_of(elements, names):
    """Function that names the species of the rows of a table.

    Parameters
    ----------
    elements : None, str or dict
        One for all; or by site, or by pattern and site.
    names : list of str
        Columns of the table.

    Returns
    -------
    callable

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or there are no sites.

    Examples
    --------
    >>> names = ["y", "x", "pattern", "site"]
    >>> species_of({0: "Mo", 1: "S"}, names)(np.array([[3.0, 4, 0, 1], [5, 6, 0, -1]]))
    ['S', 'X']
    """
    if elements is None or isinstance(elements, str):
        symbol = UNKNOWN if elements is None else _symbol(elements)
        return lambda table: [symbol] * len(table)
    if not isinstance(elements, dict):
        raise TypeError(
            "elements must be None, a symbol, or a dict of these by site or by "
            f"(pattern, site), got {shown(elements)}."
        )
    if "site" not in names:
        raise ValueError(
            f"elements must be None or one symbol where points have no site, got a "
            f"dict; the columns are {', '.join(names)}."
        )
    by_place = {_place(key): _symbol(value) for key, value in elements.items()}

    def species(table):
        sites = table[:, names.index("site")].astype(int).tolist()
        patterns = [0] * len(sites)
        if "pattern" in names:
            patterns = table[:, names.index("pattern")].astype(int).tolist()
        return [
            by_place.get((pattern, site), by_place.get(site, UNKNOWN))
            for pattern, site in zip(patterns, sites, strict=True)
        ]

    return species


def _place(key):
    """Key of a dict of elements, checked."""
    numbers = key if isinstance(key, tuple) and len(key) == 2 else (key,)
    if not all(isinstance(n, int | np.integer) for n in numbers):
        raise TypeError(
            f"elements must have keys that are int or two of them, got {shown(key)}."
        )
    return key


def _symbol(value):
    """Symbol of an element, checked: one word."""
    if not isinstance(value, str) or len(value.split()) != 1:
        raise ValueError(f"elements must be single words, got {shown(value)}.")
    return value.strip()


def lengths_of(axes, known, is_calibrated):
    """Function of a table, which gives x and y for `write_xyz`, and their unit.

    Parameters
    ----------
    axes : sequence of dict
        Axes (y, x): ``scale`` and ``units``.
    known : sequence of (float, float) or None
        Their scales and offsets in angstroms, None if they have no units of length.
    is_calibrated : bool
        Whether the tables are in the unit of the axes, or in pixels.

    Returns
    -------
    function : callable
    unit : str
        Angstroms, if the axes have units of length.
    """
    scale, offset, unit = np.ones(2), np.zeros(2), "pixel"
    if all(each is not None for each in known):
        scale, offset = np.array(known)[::-1].T
        unit = "angstrom"
        if is_calibrated:
            scale, offset = scale / [axis["scale"] for axis in axes[::-1]], np.zeros(2)
    elif is_calibrated:
        unit = "".join(axes[1]["units"].split()) or unit
    return lambda table: table[:, 1::-1] * scale + offset, unit


def bounds_of(axes, is_calibrated):
    """Least and largest position (y, x) in a frame, in what tables are in.

    Parameters
    ----------
    axes : sequence of dict
        Axes (y, x): ``scale``, ``offset`` and ``size``, None if it is not known.
    is_calibrated : bool
        Whether the tables are in the unit of the axes, or in pixels.

    Returns
    -------
    (least, largest) : (2,) numpy.ndarray, or None
    """
    if any(axis["size"] is None for axis in axes):
        return None
    ends = np.array([[0.0, axis["size"] - 1] for axis in axes]).T
    if is_calibrated:
        ends = ends * [a["scale"] for a in axes] + [a["offset"] for a in axes]
    return ends.min(axis=0), ends.max(axis=0)


def check_path(path, suffix, overwrite):
    """Path of a file that may be written.

    Parameters
    ----------
    path : str or path
    suffix : str
        Which it has, or is given.
    overwrite : bool
        Whether there may be such a file.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileExistsError
        If there is one, or something else that may not be replaced.
    TypeError, ValueError
        If it is no such path.

    Examples
    --------
    >>> check_path("columns", ".csv", False).name
    'columns.csv'
    """
    check_flag("overwrite", overwrite)
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"filename must be a path, got {shown(path)}.")
    path = Path(path)
    if not path.name or path.is_dir():
        raise ValueError(f"filename must be that of a file, got {str(path)!r}.")
    if not path.suffix:
        path = path.with_suffix(suffix)
    if path.suffix.lower() != suffix:
        raise ValueError(f"filename must end in {suffix}, got {str(path)!r}.")
    if not path.parent.is_dir():
        raise ValueError(
            f"filename must be in a folder that exists, got {str(path)!r}."
        )
    check_replaceable(path)
    check_replaceable(temporary_path(path))
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"overwrite must be True to replace {path}, got {shown(overwrite)}."
        )
    return path


def write_text(path, write):
    """Write a file of text, which has its name when it is complete.

    Parameters
    ----------
    path : pathlib.Path
    write : callable
        That takes the open file.
    """
    unfinished = temporary_path(path)
    try:
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            write(file)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
