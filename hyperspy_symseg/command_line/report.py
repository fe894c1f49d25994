# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in files, in one file that programs read."""

import json
import math
import os
import platform

import numpy as np

from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import (
    check_replaceable,
    prepare_folder,
    temporary_path,
)
from hyperspy_symseg.version import package_version

FORMAT = 1
SUFFIX = ".json"


class Report:
    """File of what is found, which grows file by file.

    Until all is in it, it is called NAME.unfinished.json: nothing that was found is
    lost if the run is stopped.

    Parameters
    ----------
    request : Request
        Its `json` is the path; None for no report.

    Raises
    ------
    FileExistsError
        If there is an old one, or something that cannot be replaced.
    OSError, ValueError
        If the path is not allowed, or cannot be written to.
    """

    def __init__(self, request):
        self.path, self._is_written = request.json, False
        self._found = {
            "format": FORMAT,
            "versions": _versions(),
            "options": request.options,
            "files": [],
        }
        if self.path is None:
            return
        if self.path.suffix != SUFFIX:
            raise ValueError(f"--json must be a file that ends in {SUFFIX}")
        check_not_an_origin(self.path, files=request.files)
        check_replaceable(self.path)
        check_replaceable(temporary_path(self.path))
        if self.path.exists() and not (request.overwrite or request.resume):
            raise FileExistsError("--overwrite must be given to replace it")
        prepare_folder(self.path.parent)

    def add(self, **found):
        """Add what is found in a file, or why it failed."""
        self._found["files"].append(found)
        if self.path is None:
            return
        unfinished, self._is_written = temporary_path(self.path), False
        written = unfinished.with_name(f".{unfinished.name}")
        try:
            text = json.dumps(plain(self._found), indent=1, allow_nan=False)
            written.write_text(text + "\n", encoding="utf-8")
            os.replace(written, unfinished)
            self._is_written = True
        finally:
            written.unlink(missing_ok=True)

    def finish(self):
        """Give the file its name, if all is in it."""
        if self._is_written:
            os.replace(temporary_path(self.path), self.path)


def facts(signal, labels, files, measured, symmetry):
    """What is known of labels.

    Parameters
    ----------
    signal : Signal2D
    labels : SymmetryLabels
    files : dict of str and (pathlib.Path or list of pathlib.Path)
        What was written.
    measured : MeasuredAreas
    symmetry : SymmetryTable or None

    Returns
    -------
    dict
    """
    axes = labels.axes_manager
    names = labels.pattern_names or list(map(str, range(labels.n_patterns)))
    shares = measured.areas / measured.frame_area
    found = {
        "title": signal.metadata.General.title,
        **files,
        # In the order of the arrays.
        "shape": signal.data.shape,
        "axes": [
            {"name": a.name, "size": a.size, "scale": a.scale, "units": a.units}
            for a in (*axes.navigation_axes[::-1], *axes.signal_axes[::-1])
        ],
        "model": _model_facts(labels),
        "area_unit": measured.unit,
        "patterns": [
            {
                "name": name,
                "mean_area": _mean(areas[measured.with_labels]),
                "mean_share": _mean(own[measured.with_labels]),
                "areas": areas,
            }
            for name, areas, own in zip(names, measured.areas, shares, strict=True)
        ],
        "unlabelled_shares": measured.unlabelled,
    }
    if symmetry is not None:
        found["symmetry"] = [row.to_dict() for row in symmetry]
    return found


def _model_facts(labels):
    """How the labels were made: dict."""
    model = labels.model
    record = dict(labels._record.parameters)
    record |= {
        "n_patterns": labels.n_patterns,
        "refined": model.templates is not None,
        # Of "auto": why other numbers of patterns do not count, from 1 on.
        "refusals": model.refusals,
    }
    return record


def _mean(values):
    """Mean of frames, None of none."""
    return float(values.mean()) if len(values) else None


def _versions():
    """Versions of what results depend on: dict."""
    from importlib.metadata import version

    packages = "hyperspy", "numpy", "scipy", "scikit-learn"
    return {
        "hyperspy-symseg": package_version(),
        **{name: version(name) for name in packages},
        "python": platform.python_version(),
    }


def plain(value):
    """What JSON holds: numbers that are not finite, and what is not set, are null.

    Parameters
    ----------
    value : object

    Returns
    -------
    dict, list, str, int, float, bool or None

    Examples
    --------
    >>> plain({"a": np.array([1.5, np.nan]), "b": (np.int8(3), True)})
    {'a': [1.5, None], 'b': [3, True]}
    """
    match value:
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case np.ndarray():
            return plain(value.tolist())
        case np.generic():
            return plain(value.item())
        case list() | tuple():
            return [plain(each) for each in value]
        case float():
            return value if math.isfinite(value) else None
        case bool() | int() | str() | None:
            return value
    # Such as the path of a file, and traits that are not set.
    return os.fspath(value) if hasattr(value, "__fspath__") else None
