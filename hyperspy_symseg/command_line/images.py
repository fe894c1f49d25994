# SPDX-License-Identifier: GPL-3.0-or-later
"""Segment one image and write the results."""

import operator
import os
import tempfile
from pathlib import Path

import hyperspy.api as hs

from hyperspy_symseg.segmentation.parts import PART_SHAPE

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
    with tempfile.TemporaryDirectory(dir=output, prefix=".") as unfinished:
        paths = [Path(unfinished, path.name) for path in results]
        labels = _write_labels(signal, paths[0], options)
        overlay = labels.overlay(signal)
        if overlay._lazy:
            overlay.compute(show_progressbar=False)
        overlay.save(paths[1])
        for unfinished_path, path in zip(paths, results, strict=True):
            os.replace(unfinished_path, path)
    print(f"{name} {labels.metadata.General.title}".rstrip())
    for line in area_lines(labels):
        print(f"  {line}")


def _write_labels(signal, path, options):
    """Segment an image, write the labels and return them."""
    if signal._lazy and any(map(operator.gt, signal.data.shape, PART_SHAPE)):
        # Part by part, as an image may be larger than memory.
        labels = signal.segment_symmetry(**options, lazy_output=True)
        labels.save_frames(path, num_workers=options.get("num_workers"))
        return hs.load(path)
    labels = signal.segment_symmetry(**options, lazy_output=False)
    labels.save(path)
    return labels
