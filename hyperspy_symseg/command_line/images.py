# SPDX-License-Identifier: GPL-3.0-or-later
"""Segment one image and write the results."""

import operator
import os
import tempfile
from pathlib import Path

import hyperspy.api as hs

from hyperspy_symseg.frames.cut import LARGEST_TILE
from hyperspy_symseg.frames.origins import check_not_an_origin
from hyperspy_symseg.frames.paths import check_replaceable
from hyperspy_symseg.frames.store import only_writer

from .areas import area_lines, measured_areas
from .report import facts
from .resuming import earlier_labels, options_of
from .symmetry import check_symmetry, named_patterns, symmetry_lines


def segment_image(signal, name, request):
    """Segment one image, write the results and print areas and, if asked, symmetry.

    Parameters
    ----------
    signal : Signal2D
    name : str
        What the names of the results begin with.
    request : Request

    Returns
    -------
    dict
        What is known of it, for a report.

    Raises
    ------
    FileExistsError
        If there are old results, or something that cannot be replaced.
    ValueError
        If an option is another than that of the labels that are kept, or a result has
        the name of an input.
    """
    output = request.output
    options = {k: v for k, v in request.options.items() if k != "fit_on"}
    results = [output / f"{name}_labels.hspy", output / f"{name}_overlay.png"]
    check_symmetry(signal, request)
    with (
        only_writer(results[0]),
        tempfile.TemporaryDirectory(dir=output, prefix=".") as unfinished,
    ):
        labels = None
        if request.resume and results[0].exists():
            labels = earlier_labels(results[0])
            options_of(labels, options, signal)
            if results[1].exists():
                print(f"{name}: complete already", flush=True)
                return _told(signal, labels, results, request, complete=True)
        for path in results if labels is None else results[1:]:
            check_not_an_origin(path, signal.data, files=request.files)
            check_replaceable(path)
            if path.exists() and not (request.overwrite or request.resume):
                raise FileExistsError(f"--overwrite must be given to replace {path}")
        written = [Path(unfinished, path.name) for path in results]
        if labels is None:
            labels = _write_labels(signal, written[0], options, request)
        overlay = labels.overlay(signal)
        if overlay._lazy:
            overlay.compute(show_progressbar=False)
        overlay.save(written[1])
        for file, path in zip(written, results, strict=True):
            if file.exists():
                os.replace(file, path)
    print(f"{name} {labels.metadata.General.title}".rstrip())
    return _told(signal, labels, results, request)


def _told(signal, labels, results, request, complete=False):
    """Print areas, unless they are old, and symmetry; what is known of them: dict."""
    symmetry = named_patterns(labels, signal, request)
    if complete and request.json is None and symmetry is None:
        return {}
    measured = measured_areas(labels)
    lines = [] if complete else area_lines(measured)
    for line in (*lines, *symmetry_lines(symmetry, labels.pattern_names)):
        print(f"  {line}", flush=True)
    files = dict(zip(("labels", "overlay"), results, strict=True))
    return facts(signal, labels, files, measured, symmetry)


def _write_labels(signal, path, options, request):
    """Segment an image, write the labels with what they are named, and return them."""
    if signal._lazy and any(map(operator.gt, signal.data.shape, LARGEST_TILE)):
        # Tile by tile, as an image may be larger than memory.
        labels = signal.segment_symmetry(**options, lazy_output=True)
        labels.save_frames(path, num_workers=options.get("num_workers"))
        return hs.load(path)
    labels = signal.segment_symmetry(**options, lazy_output=False)
    named_patterns(labels, signal, request)
    labels.save(path)
    return labels
