# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the columns of one image or series and write the results."""

import os

import numpy as np

from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import check_replaceable, temporary_path
from hyperspy_symseg.frames.store import only_writer

# Where columns come from, by the number in their table.
SOURCES = "at sites of crystals", "by the network"


def find_columns(signal, name, request):
    """Find the columns of an image or series, write them, and print how many there are.

    Parameters
    ----------
    signal : Signal2D
    name : str
        What the names of the results begin with.
    request : Request

    Returns
    -------
    dict
        What was written, for a report.

    Raises
    ------
    FileExistsError
        If there are old results, or something that cannot be replaced.
    """
    suffixes = ["csv", "png", *(["xyz"] if request.xyz else [])]
    results = {s: request.output / f"{name}_columns.{s}" for s in suffixes}
    with only_writer(results["csv"]):
        for path in results.values():
            check_not_an_origin(path, signal.data, files=request.files)
            check_replaceable(path)
            check_replaceable(temporary_path(path))
            if path.exists() and not request.overwrite:
                raise FileExistsError(f"--overwrite must be given to replace {path}")
        columns = _found(signal, request)
        columns.to_csv(results["csv"], overwrite=True)
        if request.xyz:
            columns.to_xyz(results["xyz"], overwrite=True)
        _draw(signal, columns, results["png"])
    print(f"{name} {signal.metadata.General.title}".rstrip())
    for line in _lines(columns):
        print(f"  {line}", flush=True)
    return {"columns": list(results.values())}


def _found(signal, request):
    """Columns of a signal, evaluated: SymmetryPoints."""
    labels, num_workers = None, request.options.get("num_workers")
    if request.columns.get("method") != "network":
        labels = signal.segment_symmetry(**request.options)
    return signal.find_atomic_columns(
        labels, **request.columns, num_workers=num_workers, lazy_output=False
    )


def _draw(signal, columns, path):
    """Write the first frame with circles about its columns."""
    from hyperspy_symseg.point_markers import picture

    first = (0,) * (signal.data.ndim - 2)
    figure = picture(np.asarray(signal.data[first]), columns)
    unfinished = temporary_path(path)
    try:
        figure.savefig(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _lines(columns):
    """How many columns there are, and where they come from, a line each."""
    names, tables = columns.column_names, [table for _, table in columns._frames()]
    counts, n = [len(table) for table in tables], len(tables)
    every = np.concatenate(tables)
    each = f" in {n} frames, {min(counts)} to {max(counts)} in each" * (n > 1)
    lines = [f"{len(every)} columns{each}"]
    for source, word in enumerate(SOURCES):
        own = int((every[:, names.index("source")] == source).sum())
        if own:
            lines.append(f"{own} {word}")
    return lines
