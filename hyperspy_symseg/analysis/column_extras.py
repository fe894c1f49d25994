# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns beside the sites of crystals: what the fit of the sites leaves."""

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.peaks import extrema, settled

from .column_model import Columns, Evidence
from .column_statistics import PROBABLE
from .defects import CLIMB, FALSE_ALARM_RATE

# Scores of the places that are looked at, at least.
FIRST_LOOK = 4.0
# Distance from the columns at sites, at least, in spacings, and from each other.
APART = 0.5
# Amplitude, at least, of that of the faintest kind of columns: what is less is what the
# fit of others leaves.
LEAST_AMPLITUDE = 0.4
# Share of a column that is on pixels that count, at least.
LEAST_SEEN = 0.6
TINY = 1e-30


def extra_columns(fit, labels, period):
    """Columns at no site, such as adatoms: dict of (n,) numpy.ndarrays of float64.

    As from `ColumnFit.table`, and ``pattern``. What is left of the frame is correlated
    with a column (a matched filter). Where there is noise alone, a score above u is
    found in an area of a period squared at the rate of `default_threshold`; where it is
    that of a false alarm of `Defects`, a column has a probability of one half.

    Parameters
    ----------
    fit : ColumnFit
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel does not count.
    period : float
        In pixels.
    """
    width, spacing = fit.faintest_width, fit.sites.spacings.min()
    rest, inverse = fit.residuals()
    # Sums over Gaussians of height 1.
    signal = ndimage.gaussian_filter(rest, width, mode="constant")
    signal *= 2 * np.pi * width**2
    weight = ndimage.gaussian_filter(inverse, width / np.sqrt(2), mode="constant")
    weight *= np.pi * width**2
    scores = signal / np.sqrt(np.maximum(weight, TINY) * fit.overdispersion)
    scores[(labels < 0) | (scores < 0)] = 0
    pixels = extrema(scores, APART * spacing, FIRST_LOOK)
    places = settled(signal, pixels, np.ones(len(pixels)), CLIMB * width)
    there = fit.probabilities >= PROBABLE
    if there.any() and len(places):
        distance, _ = cKDTree(fit.positions[there]).query(places)
        kept = distance > APART * spacing
        pixels, places = pixels[kept], places[kept]
    amplitudes = (signal / np.maximum(weight, TINY))[tuple(pixels.T)]
    columns = Columns(
        np.ascontiguousarray(places), amplitudes, np.full(len(places), width)
    )
    found = Evidence.of(fit.canvas, columns, fit.expected, amplitudes, fit.noise)
    gains = np.maximum(found.gains, 0) / fit.overdispersion
    # The rate of false alarms, with the score of the log-likelihood, which is normal.
    rate = (period / width) ** 2 / (2 * np.pi) ** 1.5 * np.sqrt(2 * gains)
    rate = rate * np.exp(-np.minimum(gains, 500))
    probabilities = FALSE_ALARM_RATE / (FALSE_ALARM_RATE + rate)
    least = LEAST_AMPLITUDE * fit.faintest_amplitude
    own = np.einsum("nii->ni", found.information)
    kept = (amplitudes > least) & (found.seen > LEAST_SEEN) & (own > 0).all(axis=1)
    kept &= gains > 0
    errors = np.sqrt(fit.overdispersion / own[kept])
    area = 2 * np.pi * width**2
    pixels = np.clip(np.rint(places[kept]), 0, np.subtract(labels.shape, 1)).astype(int)
    return {
        "y": places[kept, 0],
        "x": places[kept, 1],
        "y_error": errors[:, 1],
        "x_error": errors[:, 2],
        "probability": probabilities[kept],
        "intensity": area * amplitudes[kept],
        "intensity_error": area * errors[:, 0],
        "width": columns.widths[kept],
        "seen": found.seen[kept],
        "pattern": labels[tuple(pixels.T)],
    }
