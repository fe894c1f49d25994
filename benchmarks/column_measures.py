# SPDX-License-Identifier: GPL-3.0-or-later
"""How right the columns are that were found in a frame whose columns are known.

A column is found if a place within half the shortest spacing is its own: pairs are
made from the nearest on. Columns and places less than 4 pixels from an edge of the
frame are neither right nor wrong.
"""

import math
from typing import NamedTuple

import numpy as np
from column_frames import BACKGROUND
from scipy.spatial import cKDTree

EDGE = 4.0
# Bins of the calibration, of equal width.
BINS = 10


class Found(NamedTuple):
    """What a finder says.

    Attributes
    ----------
    places : (n, 2) numpy.ndarray
        Of columns, (y, x).
    errors : (n, 2) numpy.ndarray
        Their standard errors; NaN if there are none.
    candidates : (m, 2) numpy.ndarray
        Places that may be columns, those above among them.
    probabilities : (m,) numpy.ndarray
        Of the candidates. Of peers: strengths.
    vacancies : (k, 2) numpy.ndarray or None
        Where it says that columns are missing, if it does.
    seconds : float
        Of the processor.
    """

    places: np.ndarray
    errors: np.ndarray
    candidates: np.ndarray
    probabilities: np.ndarray
    vacancies: np.ndarray | None = None
    seconds: float = math.nan


class Score(NamedTuple):
    """One frame, or several together.

    right, false, missed : columns; off, reported (n, 2) and limits (n,): errors,
    standard errors and limits of those that are right; probabilities (m,) and which of
    them are of columns; likeness to a column where there is one, and where it is
    missing; vacancies: found, false and all, by sites without a column (`bare`) and as
    the finder says (`told`).
    """

    right: int
    false: int
    missed: int
    off: np.ndarray
    reported: np.ndarray
    limits: np.ndarray
    probabilities: np.ndarray
    are_columns: np.ndarray
    occupied: np.ndarray
    vacant: np.ndarray
    bare: np.ndarray
    told: np.ndarray | None
    seconds: float

    @property
    def f1(self):
        """Harmonic mean of recall and precision: float."""
        return f1(self.right, self.false, self.missed)

    @property
    def rms(self):
        """Root mean square of the errors of an axis, in pixels: float."""
        return _rms(self.off)

    @property
    def limit(self):
        """What single columns could have, at best: float."""
        return _rms(self.limits)

    @property
    def z(self):
        """Errors in standard errors, root mean square: float."""
        return _rms(self.off / self.reported)

    @property
    def calibration(self):
        """Expected calibration error of the probabilities: float."""
        return calibration_error(self.probabilities, self.are_columns)

    @property
    def roc_area(self):
        """Chance that a column is likelier than a vacancy: float."""
        return roc_area(self.occupied, self.vacant)


def f1(right, false, missed):
    """Harmonic mean of recall and precision: float.

    Examples
    --------
    >>> f1(8, 1, 3)
    0.8
    """
    return 2 * right / max(2 * right + false + missed, 1)


def _rms(values):
    """Root mean square, NaN of none: float."""
    return float(np.sqrt(np.mean(np.square(values)))) if np.size(values) else math.nan


def pairs(found, true, radius):
    """Places and columns that belong together, one to one, from the nearest on.

    Parameters
    ----------
    found, true : (n, 2), (m, 2) numpy.ndarray
    radius : float

    Returns
    -------
    first, second : (k,) numpy.ndarray of int
        Indices into `found` and `true`.
    """
    if not len(found) or not len(true):
        return np.zeros(0, int), np.zeros(0, int)
    near = cKDTree(found).sparse_distance_matrix(
        cKDTree(true), radius, output_type="ndarray"
    )
    left, right, kept = set(), set(), []
    for i, j, _ in near[np.argsort(near["v"], kind="stable")]:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            kept.append((i, j))
    return tuple(np.array(kept, int).reshape(-1, 2).T)


def inside(places, shape):
    """Which places (n, 2) are not at an edge: (n,) of bool."""
    last = np.subtract(shape, 1) - EDGE
    return ((places >= EDGE) & (places <= last)).all(axis=1)


def least_error(weights, dose, width):
    """Cramer-Rao bound of the position of a single column, an axis, in pixels.

    Counts are of Poisson, amplitude, width and background are known.

    Parameters
    ----------
    weights : (n,) numpy.ndarray
        Peaks, over that of a column of the dose.
    dose : float
    width : float
        Standard deviation, in pixels.

    Returns
    -------
    (n,) numpy.ndarray

    Examples
    --------
    >>> least_error(np.array([1.0]), 100, 2.0).round(3)
    array([0.062])
    """
    reach = math.ceil(5 * width)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    column = np.exp(-(y**2 + x**2) / 2 / width**2)
    values, inverse = np.unique(weights, return_inverse=True)
    information = [
        dose * ((w * column * x / width**2) ** 2 / (w * column + BACKGROUND)).sum()
        for w in values
    ]
    return (1 / np.sqrt(information))[inverse.ravel()]


def calibration_error(probabilities, are_right):
    """Mean distance of probability and share of bins, by their numbers: float.

    Examples
    --------
    >>> calibration_error(np.array([0.95, 0.95, 0.15]), np.array([True, True, False]))
    0.0833...
    """
    if not len(probabilities):
        return math.nan
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    off = np.bincount(bins, probabilities - are_right)
    return float(np.abs(off).sum() / len(probabilities))


def roc_area(columns, others):
    """Chance that one of the first is larger than one of the others: float.

    Examples
    --------
    >>> roc_area(np.array([1, 2, 3]), np.array([0, 2]))
    0.75
    """
    if not len(columns) or not len(others):
        return math.nan
    ordered = np.sort(others)
    below = np.searchsorted(ordered, columns, "left")
    not_above = np.searchsorted(ordered, columns, "right")
    return float((below + not_above).mean() / 2 / len(others))


def likeness(places, found, radius):
    """Largest probability of a candidate near each place, 0 if none: (n,)."""
    result = np.zeros(len(places))
    if len(found.candidates) and len(places):
        near_by = cKDTree(found.candidates).query_ball_point(places, radius)
        for i, near in enumerate(near_by):
            result[i] = found.probabilities[near].max(initial=0.0)
    return result


def best_threshold(scene, candidates, strengths):
    """Strength from which on places are called columns, for the largest F1: float."""
    radius, shape = scene.spacing / 2, scene.intensities.shape
    first, second = pairs(candidates, scene.columns, radius)
    counted = inside(scene.columns, shape)
    false = inside(candidates, shape)
    false[first] = False
    hit = np.zeros(len(candidates), bool)
    hit[first] = counted[second]
    order = np.argsort(-strengths, kind="stable")
    right, wrong = np.cumsum(hit[order]), np.cumsum(false[order])
    if not len(order):
        return math.inf
    values = 2 * right / np.maximum(right + wrong + counted.sum(), 1)
    return float(strengths[order][values.argmax()])


def judge(scene, dose, found):
    """Compare what was found with the truth.

    Parameters
    ----------
    scene : Scene
    dose : float
    found : Found

    Returns
    -------
    Score
    """
    radius, shape = scene.spacing / 2, scene.intensities.shape
    first, second = pairs(found.places, scene.columns, radius)
    counted = inside(scene.columns, shape)
    alone = inside(found.places, shape)
    alone[first] = False
    own = counted[second]
    first, second = first[own], second[own]
    missed = int(counted.sum()) - len(second)

    candidates = inside(found.candidates, shape)
    are_columns = np.zeros(len(found.candidates), bool)
    are_columns[pairs(found.candidates, scene.columns, radius)[0]] = True

    gaps = scene.vacancies[inside(scene.vacancies, shape)]
    filled = np.zeros(len(gaps), bool)
    if len(found.places) and len(gaps):
        filled = cKDTree(found.places).query(gaps)[0] <= radius
    told = None
    if found.vacancies is not None:
        said = found.vacancies[inside(found.vacancies, shape)]
        n_right = len(pairs(said, gaps, radius)[0])
        told = np.array([n_right, len(said) - n_right, len(gaps)])
    return Score(
        len(second),
        int(alone.sum()),
        missed,
        found.places[first] - scene.columns[second],
        found.errors[first],
        least_error(scene.weights[second], dose, scene.width),
        found.probabilities[candidates],
        are_columns[candidates],
        # Where a vacancy is of light columns, it is these that it must differ from.
        likeness(scene.columns[counted & _like_vacancies(scene)], found, radius),
        likeness(gaps, found, radius),
        np.array([int((~filled).sum()), missed, len(gaps)]),
        told,
        found.seconds,
    )


def _like_vacancies(scene):
    """Columns that vacancies are of: the lightest; all, if all are alike."""
    return scene.weights <= scene.weights.min(initial=np.inf) + 1e-9


def together(scores):
    """Several frames as one: Score, its seconds a mean."""

    def joined(name):
        return np.concatenate([getattr(score, name) for score in scores])

    told = [score.told for score in scores if score.told is not None]
    return Score(
        *(sum(getattr(s, name) for s in scores) for name in ("right", "false")),
        sum(s.missed for s in scores),
        *(joined(name) for name in Score._fields[3:10]),
        np.sum([s.bare for s in scores], axis=0),
        np.sum(told, axis=0) if told else None,
        float(np.mean([s.seconds for s in scores])),
    )
