# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibration of the network that finds columns, and how right it is."""

import numpy as np
from scipy import optimize

from hyperspy_symseg.networks.column_calibration import (
    MATCHED,
    fitted_logistic,
    logits_of,
    matches,
)
from hyperspy_symseg.networks.column_network import ColumnScale, columns_by
from hyperspy_symseg.networks.column_scale import mean_and_spread

# Probabilities before calibration are looked at from here.
LEAST = 0.02
BINS = 10
PLAIN = {"probability": np.array([1.0, 0.0]), "error": np.array([1.0, 1.0])}
# Counts at the centre of a column that figures are given between.
DOSES = 0.2, 0.6, 2.0, 6.0, 20.0, 60.0, 2000.0


def found_in(network, drawn, i):
    """What is found in frames, bright, dark or unknown in turn, and which column it is.

    Returns
    -------
    found : (n, 5) numpy.ndarray
    which : (n,) numpy.ndarray of int
    """
    contrast = ("bright", "dark", "auto", "auto")[i % 4]
    image = -drawn.image if i % 4 in (1, 3) else drawn.image
    valid = np.ones(image.shape, bool)
    scale = ColumnScale(1, *mean_and_spread(image, valid))
    found = columns_by(network, image, valid, contrast, scale)
    found = found[found[:, 4] >= LEAST]
    return found, matches(found, drawn.columns, MATCHED * drawn.width)


def calibrated_to(network, frames):
    """Numbers that make probabilities and errors right: dict of numpy.ndarray."""
    network.weights.update(PLAIN)
    frames = list(frames)
    found = [found_in(network, drawn, i) for i, drawn in enumerate(frames)]
    return fitted(
        (*each, drawn.columns) for each, drawn in zip(found, frames, strict=True)
    )


def fitted(found_in_frames):
    """The same, from what is found, which column each is, and the columns of frames."""
    sums, right, errors, off = [], [], [], []
    for found, which, columns in found_in_frames:
        sums.append(found[:, 4])
        right.append(which >= 0)
        sure = (which >= 0) & (found[:, 4] > 0.5)
        errors.append(found[sure, 2:4].ravel())
        off.append((found[sure, :2] - columns[which[sure], :2]).ravel())
    sums, right, errors, off = map(np.concatenate, (sums, right, errors, off))

    def misfit(x):
        each = x[0] + x[1] * np.log(errors)
        return (each + 0.5 * off**2 * np.exp(-2 * each)).mean()

    log_factor, exponent = optimize.minimize(misfit, [0.0, 1.0]).x
    return {
        "probability": fitted_logistic(logits_of(sums), right),
        "error": np.array([np.exp(log_factor), exponent]),
    }


def calibration_error(probabilities, right):
    """Expected calibration error: float."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    return sum(
        abs(probabilities[bins == i].mean() - right[bins == i].mean())
        * (bins == i).mean()
        for i in np.unique(bins)
    )


def report(network, frames, say):
    """Say how well columns are found, by their counts: (6, 5) numpy.ndarray.

    Its rows are intervals of the dose; F1, recall, root mean square of the distance
    along an axis, and of that in errors, and calibration error.
    """
    rows = []
    for i, drawn in enumerate(frames):
        found, which = found_in(network, drawn, i)
        columns = drawn.columns
        sure = found[:, 4] >= 0.5
        hits = sure & (which >= 0)
        off = (found[hits, :2] - columns[which[hits], :2]).ravel()
        rows.append(
            (
                np.searchsorted(DOSES, drawn.dose) - 1,
                (hits.sum(), sure.sum(), len(columns)),
                off,
                off / found[hits, 2:4].ravel(),
                found[:, 4],
                which >= 0,
            )
        )
    figures = np.full((len(DOSES) - 1, 5), np.nan)
    for k in range(len(figures)):
        own = [row for row in rows if row[0] == k]
        if not own:
            continue
        hits, n_found, n_true = np.sum([row[1] for row in own], axis=0)
        off, z, probabilities, right = (
            np.concatenate([row[j] for row in own]) for j in range(2, 6)
        )
        figures[k] = (
            2 * hits / max(n_found + n_true, 1),
            hits / max(n_true, 1),
            np.sqrt((off**2).mean()) if len(off) else np.nan,
            np.sqrt((z**2).mean()) if len(z) else np.nan,
            calibration_error(probabilities, right) if len(right) else np.nan,
        )
        say(
            f"{DOSES[k]:g} to {DOSES[k + 1]:g} counts: F1 {figures[k, 0]:.3f}, recall "
            f"{figures[k, 1]:.3f}, error {figures[k, 2]:.3f} px, z "
            f"{figures[k, 3]:.2f}, ECE {figures[k, 4]:.3f}"
        )
    return figures
