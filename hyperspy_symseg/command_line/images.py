# SPDX-License-Identifier: GPL-3.0-or-later
"""Segment one image and write the results."""

import os
import tempfile
from pathlib import Path

from .areas import area_lines


def segment_image(signal, name, output, options, *, overwrite, resume):
    """Segment one image, write the results and print the areas.

    Parameters
    ----------
    signal : Signal2D
    name : str
        First part of the names of the results.
    output : pathlib.Path
        Folder.
    options : dict
        Of `Signal2D.segment_symmetry`.
    overwrite : bool
        Whether old results are replaced.
    resume : bool
        Whether results that are complete are kept, and others replaced.

    Raises
    ------
    FileExistsError
        If there are old results.
    """
    results = [output / f"{name}_labels.hspy", output / f"{name}_overlay.png"]
    if resume and all(path.exists() for path in results):
        print(f"{name}: complete already", flush=True)
        return
    for path in results:
        if path.exists() and not (overwrite or resume):
            raise FileExistsError(f"{path} exists: allowed with --overwrite")
    labels = signal.segment_symmetry(**options, lazy_output=False)
    with tempfile.TemporaryDirectory(dir=output, prefix=".") as unfinished:
        paths = [Path(unfinished, path.name) for path in results]
        labels.save(paths[0])
        overlay = labels.overlay(signal)
        if overlay._lazy:
            overlay.compute(show_progressbar=False)
        overlay.save(paths[1])
        for unfinished_path, path in zip(paths, results, strict=True):
            os.replace(unfinished_path, path)
    print(f"{name} {labels.metadata.General.title}".rstrip())
    for line in area_lines(labels):
        print(f"  {line}")
