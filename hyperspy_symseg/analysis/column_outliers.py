# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of crystals that are missing, heavier or lighter, or beside the sites."""

import numpy as np

from hyperspy_symseg.networks.column_gaps import LEAST_SEEN

from .column_crystals import FittedCrystals, of_crystals
from .column_extras import Filtered, extra_columns
from .column_statistics import EXPECTED
from .interior import BOUNDARY_MARGIN


def column_outliers(templates, tile, labels, threshold):
    """Columns of the crystals of a frame that are not as the others: (n, 3) array.

    Position (y, x) in pixels, and score, negative where intensity is missing. None is
    within `BOUNDARY_MARGIN` of another pattern, nor where most of the sites near by
    have no column.

    - Vacancies: where none is as likely as a column, the score is the threshold T that
      noise alone exceeds at a given rate. Otherwise, it is -sqrt(T^2 - 2 L), with the
      log-odds L of a column, which have the frame's own share of vacancies.
    - Heavy and light columns: `ColumnFit.deviations`.
    - Columns beside the sites: that of `extra_columns`.

    Parameters
    ----------
    templates : Templates
    tile : Tile
        Of a whole frame.
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel does not count.
    threshold : float
        T, in standard deviations.
    """
    crystals = FittedCrystals.of(templates, tile, labels, "auto")
    if crystals is None:
        return np.empty((0, 3))
    fit, sign = crystals.fit, crystals.found.sign
    missing = -np.sqrt(np.maximum(threshold**2 - 2 * fit.log_odds, 0))
    scores = fit.deviations
    # Of what is lighter than others and of what is missing, the likelier.
    scores = np.where(scores < 0, np.minimum(scores, missing), scores)
    known = (fit.seen > LEAST_SEEN) & (fit.shares >= EXPECTED)
    extra = extra_columns(fit, Filtered.of(fit), labels, templates.period)
    places = np.concatenate([fit.places, np.column_stack([extra["y"], extra["x"]])])
    scores = np.concatenate([np.where(known, scores, 0), extra["score"]])
    _, told = of_crystals(templates, labels, BOUNDARY_MARGIN * templates.period)
    pixels = np.rint(places).astype(int)
    inside = ((pixels >= 0) & (pixels < labels.shape)).all(axis=1)
    inside[inside] = told[tuple(pixels[inside].T)]
    inside &= scores != 0
    return np.column_stack([places, sign * scores])[inside]
