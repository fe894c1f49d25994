# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed of labels: areas, pattern by pattern."""

import numpy as np

from hyperspy_symseg.plotting import pattern_words


def area_lines(labels):
    """Area of each pattern and its share of the image, a line each.

    Parameters
    ----------
    labels : SymmetryLabels
        Of a series, the lines are of the mean over the frames with labels, and have
        the smallest and the largest share. Lazy labels are read frame by frame.

    Returns
    -------
    list of str
    """
    y, x = labels.data.shape[-2:]
    image_area = y * x * np.prod([a.scale for a in labels.axes_manager.signal_axes])
    measured = labels.get_areas()
    if measured._lazy:
        measured.compute(show_progressbar=False)
    areas = measured.data.reshape(len(measured.data), -1) / abs(image_area)
    unlabelled = 1 - areas.sum(axis=0)
    # Shares are multiples of one pixel, but for rounding.
    unlabelled[unlabelled < 0.5 / (y * x)] = 0
    n_patterns, n_frames = areas.shape
    words = pattern_words(n_patterns, labels.pattern_names)
    names = [f"pattern {each}" for each in words]
    frames_with_labels = unlabelled < 1 - 0.5 / (y * x)
    if n_frames > 1 and frames_with_labels.any():
        areas, unlabelled = areas[:, frames_with_labels], unlabelled[frames_with_labels]
    if unlabelled.any():
        names.append("not labelled")
        areas = np.vstack([areas, unlabelled])
    lines = []
    for name, shares in zip(names, areas, strict=True):
        mean = shares.mean()
        line = f"{name:<25}{mean * abs(image_area):12.6g} {labels.area_unit}{mean:8.1%}"
        if n_frames > 1:
            line += f" ({shares.min():.1%} to {shares.max():.1%})"
        lines.append(line)
    n_without = int((~frames_with_labels).sum())
    if n_frames > 1 and n_without:
        lines.append(f"no labels in {n_without} of {n_frames} frames")
    return lines
