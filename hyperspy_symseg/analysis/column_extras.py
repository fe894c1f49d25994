# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns beside the sites of crystals: what the fit of the sites leaves."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.peaks import extrema, settled
from hyperspy_symseg.networks.column_gaps import LEAST_SEEN

from .column_model import Columns, Evidence
from .column_statistics import EXPECTED, PROBABLE
from .matched_filter import CLIMB, FALSE_ALARM_RATE, false_alarm_rate

# Scores of the places that are looked at, at least.
FIRST_LOOK = 4.0
# Distance from the columns at sites, at least, in spacings, and from each other.
APART = 0.5
# Amplitude, at least, of that of the faintest kind of columns: what is less is what the
# fit of others leaves.
LEAST_AMPLITUDE = 0.4
# The same at sites where most of those near by have no column, such as at the rim of a
# particle: there are columns that are much thinner than others near by.
FAINT_AMPLITUDE, AT_SITE = 0.02, 0.25
# Distance from the edges of the frame, at least, in widths: nearer ones are what the
# fit of columns beyond the edges leaves.
FROM_EDGES = 1.0
TINY = 1e-30


class Filtered(NamedTuple):
    """What the fit of the sites leaves, correlated with a column (a matched filter).

    Attributes
    ----------
    signal, weight, scores : (rows, columns) numpy.ndarray of float64
        Sums over Gaussians of height 1 of the residuals over their variance and of one
        over that, and what is seen of a column in standard deviations.
    """

    signal: np.ndarray
    weight: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, fit):
        """Filtered residuals of a ColumnFit: Filtered."""
        width = fit.faintest_width
        rest, inverse = fit.residuals()
        signal = ndimage.gaussian_filter(rest, width, mode="constant")
        signal *= 2 * np.pi * width**2
        weight = ndimage.gaussian_filter(inverse, width / np.sqrt(2), mode="constant")
        weight *= np.pi * width**2
        scores = signal / np.sqrt(np.maximum(weight, TINY) * fit.overdispersion)
        return cls(signal, weight, scores)


def extra_columns(fit, filtered, labels, period):
    """Columns at no site, such as adatoms: dict of (n,) numpy.ndarrays of float64.

    As from `ColumnFit.table`, with ``pattern`` and ``score``, the root of twice the
    log-likelihood that the column gains. Where noise alone has a score as high at the
    rate `FALSE_ALARM_RATE`, a column has a probability of one half.

    Parameters
    ----------
    fit : ColumnFit
    filtered : Filtered
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel does not count.
    period : float
        In pixels.
    """
    width, spacing = fit.faintest_width, fit.sites.spacings.min()
    signal, weight, scores = filtered
    scores = np.where((labels < 0) | (scores < 0), 0, scores)
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
    # The score of the log-likelihood is normal.
    likely = np.sqrt(2 * gains)
    rate = false_alarm_rate(likely, period, width)
    probabilities = FALSE_ALARM_RATE / (FALSE_ALARM_RATE + rate)
    least = np.full(len(places), LEAST_AMPLITUDE)
    few = fit.shares < EXPECTED
    if few.any() and len(places):
        distance, _ = cKDTree(fit.places[few]).query(places)
        least[distance < AT_SITE * spacing] = FAINT_AMPLITUDE
    least *= fit.faintest_amplitude
    own = np.einsum("nii->ni", found.information)
    kept = (amplitudes > least) & (found.seen > LEAST_SEEN) & (own > 0).all(axis=1)
    kept &= gains > 0
    last = np.subtract(labels.shape, 1)
    kept &= (np.minimum(places, last - places) >= FROM_EDGES * width).all(axis=1)
    errors = np.sqrt(fit.overdispersion / own[kept])
    area = 2 * np.pi * width**2
    pixels = np.clip(np.rint(places[kept]), 0, last).astype(int)
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
        "score": likely[kept],
    }
