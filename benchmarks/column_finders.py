# SPDX-License-Identifier: GPL-3.0-or-later
"""Finders of columns: ours, and peers with what they have to be told.

Ours are told the number of patterns. Peers are told the spacing, the width of a column
if they take one, and in each frame the threshold with which their F1 is the largest.
"""

import time
import warnings

import numpy as np
from column_measures import Found, best_threshold, judge
from hyperspy.signals import Signal2D

import hyperspy_symseg  # noqa: F401  adds the methods

# From which probability on places are candidates, whose probabilities are judged.
LEAST = 0.02
# What atomap is told, of which the best is taken: separations, in spacings, and
# thresholds.
SEPARATIONS, THRESHOLDS = (0.35, 0.5, 0.7), (0.02, 0.1, 0.2, 0.3)


def our_finder(method):
    """Finder of a method of `find_atomic_columns`."""

    def find(scene, frame):
        signal, labels = Signal2D(frame), None
        if method != "network":
            labels = signal.segment_symmetry(scene.n_patterns, show_progressbar=False)
        start = time.process_time()
        columns = signal.find_atomic_columns(
            labels, method=method, show_progressbar=False
        )
        seconds = time.process_time() - start
        likely = signal.find_atomic_columns(
            labels, method=method, probability=LEAST, show_progressbar=False
        )
        names = columns.column_names
        errors = [names.index("y_error"), names.index("x_error")]
        vacancies = None
        if method != "network" and len(scene.vacancies):
            outliers = labels.find_outliers(signal, show_progressbar=False).data[0]
            vacancies = outliers[outliers[:, 2] < 0, :2]
        return Found(
            columns.data[0][:, :2],
            columns.data[0][:, errors],
            likely.data[0][:, :2],
            likely.data[0][:, names.index("probability")],
            vacancies,
            seconds,
        )

    return find


def _in_hindsight(scene, places, strengths, seconds):
    """What a peer has found with its best threshold: Found."""
    places = np.asarray(places, float).reshape(-1, 2)
    strengths = np.asarray(strengths, float)
    own = strengths >= best_threshold(scene, places, strengths)
    none = np.full((int(own.sum()), 2), np.nan)
    return Found(places[own], none, places, strengths, None, seconds)


def _all_sure(places, seconds):
    """Columns without a strength: Found."""
    none, ones = np.full(places.shape, np.nan), np.ones(len(places))
    return Found(places, none, places, ones, None, seconds)


def laplacian(scene, frame):
    """Blobs of scikit-image, by the Laplacian of Gaussian of the true width."""
    from scipy import ndimage
    from skimage.feature import blob_log

    start = time.process_time()
    values, width = frame.astype(float), scene.width
    blobs = blob_log(
        values / values.max(), width, width, num_sigma=1, threshold=0, overlap=0.5
    )
    seconds = time.process_time() - start
    places = blobs[:, :2]
    response = -ndimage.gaussian_laplace(values, width)
    return _in_hindsight(scene, places, response[tuple(places.astype(int).T)], seconds)


def hyperspy_peaks(scene, frame):
    """Local maxima of HyperSpy's `find_peaks`, in the frame smoothed by the width."""
    from scipy import ndimage

    start = time.process_time()
    smooth = ndimage.gaussian_filter(frame.astype(float), scene.width)
    places = Signal2D(smooth).find_peaks(
        "local_max",
        interactive=False,
        show_progressbar=False,
        min_distance=max(1, int(scene.spacing / 2)),
        threshold_rel=0,
        exclude_border=False,
    )
    seconds = time.process_time() - start
    places = np.asarray(places.data[0]).reshape(-1, 2)
    return _in_hindsight(scene, places, smooth[tuple(places.astype(int).T)], seconds)


def atomap(scene, frame):
    """Columns of atomap, refined by centre of mass and by Gaussians."""
    from atomap.api import Sublattice, get_atom_positions

    signal, best, most = Signal2D(frame.astype(float)), np.zeros((0, 2)), -1.0
    for share in SEPARATIONS:
        for threshold in THRESHOLDS:
            found = get_atom_positions(
                signal, max(1, round(share * scene.spacing)), threshold_rel=threshold
            )
            found = np.asarray(found, float).reshape(-1, 2)
            places = found[:, ::-1]
            score = judge(scene, 1, _all_sure(places, np.nan))
            if score.f1 > most:
                best, most = found, score.f1
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = Sublattice(best, signal.data)
        columns.find_nearest_neighbors()
        columns.refine_atom_positions_using_center_of_mass(show_progressbar=False)
        columns.refine_atom_positions_using_2d_gaussian(show_progressbar=False)
    seconds = time.process_time() - start
    places = np.asarray(columns.atom_positions)[:, ::-1]
    return _all_sure(places, seconds)


FINDERS = {
    "auto": our_finder("auto"),
    "network": our_finder("network"),
    "LoG": laplacian,
    "HyperSpy": hyperspy_peaks,
    "atomap": atomap,
}
OURS = "auto", "network"
