# SPDX-License-Identifier: GPL-3.0-or-later
"""Points linked over the frames of a series with drift, and what happens to them."""

import logging
import warnings
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.checks import is_auto, shown
from hyperspy_symseg.optional import optional

# How far a point may go from frame to frame, in distances of nearest neighbours: with
# half of one, it is never nearer to where its neighbour was.
REACH = 0.5
# The same where there is no neighbour: any.
LONGEST = 1e6
# From so many distances of nearest neighbours on, links are slow and tell little.
FAR = 10.0
# Rounds of the drift: pairs change with it.
ROUNDS = 10
# Pairs that tell a drift, at least.
LEAST_PAIRS = 3
# Frames in which a point may be missing: now and then a finder misses one, but seldom
# three times in turn.
MAX_GAP = 2
# Standard deviation of the displacements of points that do not move at all.
LEAST_DEVIATION = 1e-100
# Of the table of events.
COLUMNS = "event", "frame", "track", "y", "x", "dy", "dx"
APPEARS, GOES, JUMPS = EVENTS = "appears", "goes", "jumps"

_logger = logging.getLogger(__name__)


class Tracks(NamedTuple):
    """Points linked over frames.

    Attributes
    ----------
    numbers : list of (n,) numpy.ndarray of int
        Of the track of each point, frame by frame; tracks begin in this order.
    drift : (frames, 2) numpy.ndarray
        Displacement (y, x) of each frame against the first.
    reach : float
        Farthest that a point goes from frame to frame, drift aside.
    max_gap : int
        Frames in which a point may be missing.
    """

    numbers: list
    drift: np.ndarray
    reach: float
    max_gap: int


def nearest_distance(frames):
    """Median distance of nearest neighbours in all frames; NaN if there are none.

    Parameters
    ----------
    frames : list of (n, 2) numpy.ndarray

    Returns
    -------
    float

    Examples
    --------
    >>> nearest_distance([np.array([[0.0, 0], [0, 3], [4, 0]])])
    3.0
    """
    found = [cKDTree(each).query(each, 2)[0][:, 1] for each in frames if len(each) > 1]
    return float(np.median(np.concatenate(found))) if found else np.nan


def estimated_drift(frames, reach):
    """Drift of the frames of a series, from the points themselves.

    Between two frames it is the median displacement of the points that are nearest to
    one another once the drift is taken off, in rounds that begin without any. Of a
    lattice, it is known but for lattice vectors: the drift from frame to frame must be
    less than half the distance of neighbours.

    Parameters
    ----------
    frames : list of (n, 2) numpy.ndarray
    reach : float
        Farthest that a point is from where it was.

    Returns
    -------
    (frames, 2) numpy.ndarray
        Against the first frame.

    Examples
    --------
    >>> first = np.array([[0.0, 0], [0, 9], [9, 0], [9, 9]])
    >>> estimated_drift([first, first + (1, -2)], 4.5)
    array([[ 0.,  0.],
           [ 1., -2.]])
    """
    steps = np.zeros((len(frames), 2))
    before = None
    for i, points in enumerate(frames):
        if before is not None and len(points):
            steps[i] = _step(before, points, reach)
        # A frame without points leaves those of the last one.
        before = points if len(points) else before
    return np.cumsum(steps, axis=0)


def _step(before, after, reach):
    """Displacement (2,) of points (n, 2) to those (m, 2) of the next frame."""
    tree, step, previous = cKDTree(after), np.zeros(2), None
    for _ in range(ROUNDS):
        distances, nearest = tree.query(before + step, distance_upper_bound=reach)
        near = np.isfinite(distances)
        if near.sum() < LEAST_PAIRS:
            return step
        pairs = np.where(near, nearest, -1)
        if previous is not None and np.array_equal(pairs, previous):
            return step
        previous = pairs
        step = np.median(after[nearest[near]] - before[near], axis=0)
    return step


def import_laptrack():
    """The tracker, which is an optional dependency: laptrack.LapTrack.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    return optional("laptrack", "track", "track").LapTrack


def check_drift(drift, n_frames):
    """Drift that was given, checked.

    Parameters
    ----------
    drift : "auto", None or array_like of float, shape (frames, 2)
    n_frames : int

    Returns
    -------
    (frames, 2) numpy.ndarray or None
        Zeros for None; None for "auto".

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if is_auto(drift):
        return None
    if drift is None:
        return np.zeros((n_frames, 2))
    try:
        found = np.asarray(drift, float)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != (n_frames, 2) or not np.isfinite(found).all():
        raise ValueError(
            f'drift must be "auto", None or finite numbers of the shape ({n_frames}, '
            f"2), got {shown(drift)}."
        )
    return found


def link(frames, reach=None, max_gap=MAX_GAP, drift=None):
    """Link the points of frames, each with one at most, by the least squared distance.

    Parameters
    ----------
    frames : list of (n, 2) numpy.ndarray
    reach : float, optional
        Farthest that a point goes from frame to frame, drift aside. By default `REACH`
        times the distance of nearest neighbours.
    max_gap : int
        Frames in which a point may be missing.
    drift : (frames, 2) numpy.ndarray, optional
        By default from the points.

    Returns
    -------
    Tracks

    Raises
    ------
    ImportError
        If laptrack is not installed.
    """
    tracker_of = import_laptrack()
    nearest = nearest_distance(frames)
    if reach is None:
        # Without two points in any frame, there is none.
        reach = np.nan_to_num(REACH * nearest, nan=LONGEST)
    elif 0 < FAR * nearest < reach:
        _logger.warning(
            "max_distance is %.0f times the distance of nearest neighbours, %.3g: all "
            "pairs of points within it are looked at, which is slow, and neighbours "
            "may be taken for one another. Half of that distance is usual.",
            reach / nearest,
            nearest,
        )
    drift = (
        estimated_drift(frames, reach) if drift is None else np.asarray(drift, float)
    )
    settled = [points - off for points, off in zip(frames, drift, strict=True)]
    numbers = [np.full(len(points), -1) for points in frames]
    n = 0
    if sum(map(len, frames)):
        tracker = tracker_of(
            cutoff=reach**2,
            gap_closing_cutoff=reach**2 if max_gap else False,
            # Frames from the last one to the next.
            gap_closing_max_frame_count=max_gap + 1,
            # Whatever is near enough is linked, instead of a share of it.
            track_start_cost=reach**2,
            track_end_cost=reach**2,
            segment_start_cost=reach**2,
            segment_end_cost=reach**2,
        )
        with warnings.catch_warnings():
            # It says so of frames without points.
            warnings.simplefilter("ignore")
            tree = tracker.predict(settled)
        next_of = {tuple(a): tuple(b) for a, b in tree.edges()}
        for i, own in enumerate(numbers):
            for j in range(len(own)):
                if own[j] >= 0:
                    continue
                place = i, j
                while place is not None:
                    numbers[place[0]][place[1]] = n
                    place = next_of.get(place)
                n += 1
    return Tracks(numbers, drift, float(reach), max_gap)


def events(frames, tracks, jump, errors=None, bounds=None):
    """What happens to points: where they appear, go and jump.

    Parameters
    ----------
    frames : list of (n, 2) numpy.ndarray
    tracks : Tracks
    jump : float
        Of a displacement from frame to frame, in standard deviations: those of the
        displacements of all points, or the standard errors of the two positions if
        these are larger.
    errors : list of (n, 2) numpy.ndarray, optional
        Standard errors.
    bounds : ((float, float), (float, float)), optional
        Least and largest (y, x) of what is seen; by default that of all points. No
        point comes, goes or jumps nearer than `tracks.reach` to it, or comes or goes in
        as many frames at the beginning or end as a gap may have.

    Returns
    -------
    pandas.DataFrame
        In the order of frames: ``event``, ``frame`` (the first with, the first without
        a point, or the one after a jump), ``track``, ``y`` and ``x`` in that frame, and
        ``dy``, ``dx``: how far it has jumped, drift aside.
    """
    import pandas as pd

    seen = _seen(frames, tracks)
    if bounds is None:
        every = np.concatenate(frames)
        bounds = (every.min(axis=0), every.max(axis=0)) if len(every) else None
    found = []
    for number, (where, settled) in seen.items():
        for name, frame, place, absent in (
            (APPEARS, where[0], settled[0], where[0]),
            (GOES, where[-1] + 1, settled[-1], len(frames) - 1 - where[-1]),
        ):
            # In fewer frames, it may be missing as in a gap.
            if absent <= tracks.max_gap:
                continue
            # Drift alone takes points across the edge: it must have been in view.
            other = frame - 1 if name == APPEARS else frame
            if not _is_inside(place + tracks.drift[other], bounds, tracks.reach):
                continue
            y, x = place + tracks.drift[frame]
            found.append(_event(name, frame, number, (y, x)))
    found += [
        row
        for row in _jumps(frames, tracks, seen, jump, errors)
        # Of a point that is half in view, the position is half known.
        if _is_inside(np.array([row["y"], row["x"]]), bounds, tracks.reach)
    ]
    found.sort(key=lambda row: (row["frame"], row["track"]))
    return pd.DataFrame(found, columns=[*COLUMNS])


def _is_inside(place, bounds, margin):
    """Whether a place (2,) is in bounds, and so far from them: bool."""
    inside = (place - margin >= bounds[0]) & (place + margin <= bounds[1])
    return bool(inside.all())


def _event(name, frame, number, place, step=(np.nan, np.nan)):
    """One row of the table of events."""
    values = name, int(frame), int(number), *map(float, place), *map(float, step)
    return dict(zip(COLUMNS, values, strict=True))


def _seen(frames, tracks):
    """Frames (n,) and places without drift (n, 2) of each track, by its number."""
    seen = {}
    for i, own in enumerate(tracks.numbers):
        for number, place in zip(own, frames[i] - tracks.drift[i], strict=True):
            where, places = seen.setdefault(int(number), ([], []))
            where.append(i)
            places.append(place)
    return {n: (np.array(w), np.array(p)) for n, (w, p) in seen.items()}


def _jumps(frames, tracks, seen, jump, errors):
    """Displacements of more than so many standard deviations: list of events."""
    steps, rows, deviations = [], [], []
    own_errors = None
    if errors is not None:
        still = np.zeros_like(tracks.drift)
        own_errors = _seen(errors, tracks._replace(drift=still))
    for number, (where, places) in seen.items():
        steps.append(np.diff(places, axis=0))
        rows += [(number, frame) for frame in where[1:]]
        if own_errors is not None:
            variance = own_errors[number][1] ** 2
            deviations.append(np.sqrt(variance[1:] + variance[:-1]))
    steps = np.concatenate(steps) if steps else np.zeros((0, 2))
    if not len(steps):
        return []
    scatter = stats.median_abs_deviation(steps, axis=0, scale="normal")
    deviation = np.broadcast_to(scatter, steps.shape)
    if deviations:
        deviation = np.fmax(deviation, np.concatenate(deviations))
    deviation = np.maximum(deviation, LEAST_DEVIATION)
    sizes = np.hypot(*(steps / deviation).T)
    positions = {
        (int(n), i): place
        for i, own in enumerate(tracks.numbers)
        for n, place in zip(own, frames[i], strict=True)
    }
    return [
        _event(JUMPS, frame, number, positions[number, frame], steps[k])
        for k, (number, frame) in enumerate(rows)
        if sizes[k] > jump
    ]
