# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed of labels: areas, pattern by pattern."""

from typing import NamedTuple

import numpy as np

from hyperspy_symseg.analysis.areas import Areas
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.plotting import pattern_words


class MeasuredAreas(NamedTuple):
    """Areas of the patterns of labels.

    Attributes
    ----------
    words : list of str
        Number of each pattern, and its name or that of its colour.
    areas : (patterns, frames) numpy.ndarray
        In `unit`.
    unlabelled : (frames,) numpy.ndarray
        Shares without a label.
    frame_area : float
    unit : str
    pixels : int
        Of a frame.
    """

    words: list
    areas: np.ndarray
    unlabelled: np.ndarray
    frame_area: float
    unit: str
    pixels: int

    @property
    def with_labels(self):
        """Which frames have any labels: (frames,) numpy.ndarray of bool."""
        return self.unlabelled < 1 - 0.5 / self.pixels


def measured_areas(labels):
    """Areas of the patterns of labels.

    Parameters
    ----------
    labels : SymmetryLabels
        Lazy labels are read frame by frame.

    Returns
    -------
    MeasuredAreas
    """
    measured = labels.get_areas()
    if measured._lazy:
        measured.compute(show_progressbar=False)
    return _with_words(labels, measured.data.reshape(len(measured.data), -1))


def measured_frame(labels, frame):
    """Areas of the patterns of one frame.

    Parameters
    ----------
    labels : SymmetryLabels
        A series or an image, of which only axes and patterns are looked at.
    frame : (rows, columns) numpy.ndarray of int
        Labels.

    Returns
    -------
    MeasuredAreas
    """
    pixel_area = np.prod([axis.scale for axis in labels.axes_manager.signal_axes])
    areas = run(Areas(labels.n_patterns, abs(pixel_area)), None, np.asarray(frame))
    return _with_words(labels, areas[:, np.newaxis])


def _with_words(labels, areas):
    """Areas with what they are: MeasuredAreas."""
    y, x = labels.data.shape[-2:]
    frame_area = y * x * np.prod([a.scale for a in labels.axes_manager.signal_axes])
    unlabelled = 1 - (areas / abs(frame_area)).sum(axis=0)
    # Shares are multiples of one pixel, but for rounding.
    unlabelled[unlabelled < 0.5 / (y * x)] = 0
    words = pattern_words(len(areas), labels.pattern_names)
    known = abs(frame_area), labels.area_unit, y * x
    return MeasuredAreas(words, areas, unlabelled, *known)


def area_lines(measured):
    """Area of each pattern and its share of the image, a line each.

    Parameters
    ----------
    measured : MeasuredAreas
        Of a series, the lines are of the mean over the frames with labels, and have
        the smallest and the largest share.

    Returns
    -------
    list of str
    """
    names = [f"pattern {each}" for each in measured.words]
    frame_area, unlabelled = measured.frame_area, measured.unlabelled
    areas, frames_with_labels = measured.areas / frame_area, measured.with_labels
    n_frames = len(unlabelled)
    if n_frames > 1 and frames_with_labels.any():
        areas, unlabelled = areas[:, frames_with_labels], unlabelled[frames_with_labels]
    if unlabelled.any():
        names.append("not labelled")
        areas = np.vstack([areas, unlabelled])
    lines = []
    for name, shares in zip(names, areas, strict=True):
        mean = shares.mean()
        line = f"{name:<25}{mean * frame_area:12.6g} {measured.unit}{mean:8.1%}"
        if n_frames > 1:
            line += f" ({shares.min():.1%} to {shares.max():.1%})"
        lines.append(line)
    n_without = int((~frames_with_labels).sum())
    if n_frames > 1 and n_without:
        lines.append(f"no labels in {n_without} of {n_frames} frames")
    return lines
