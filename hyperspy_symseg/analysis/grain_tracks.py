# SPDX-License-Identifier: GPL-3.0-or-later
"""Grains linked over the frames of a series: births, deaths, merges and splits."""

from typing import NamedTuple

import numpy as np

from .tracks import APPEARS, GOES, REACH, Tracks, estimated_drift, nearest_distance

MERGES, SPLITS = "merges", "splits"
# Of the table of events; `other` is the track that a grain merges into, or is split
# from.
COLUMNS = "event", "frame", "track", "other", "y", "x", "area"
NO_OTHER = -1
# Share of the smaller one of two grains that is in the other one, at least, where they
# are linked: with half of it, it cannot be in two.
SHARE = 0.5
# Points of an ellipse, spread evenly.
N_POINTS = 64
GOLDEN = np.pi * (3 - 5**0.5)


class Shapes(NamedTuple):
    """What a table of grains tells of them: (n,) numpy.ndarray of float64 each.

    Angles are in degrees, from x towards y.
    """

    y: np.ndarray
    x: np.ndarray
    pattern: np.ndarray
    area: np.ndarray
    major_axis: np.ndarray
    minor_axis: np.ndarray
    orientation: np.ndarray
    touches_edge: np.ndarray

    @classmethod
    def of(cls, table, names):
        """From a table (n, k) and the names of its columns."""
        found = cls(*(table[:, names.index(name)] for name in cls._fields))
        # The moments of a pixel, and of a line of them, are those of points.
        major = np.maximum(found.major_axis, np.sqrt(4 * found.area / np.pi))
        minor = np.maximum(found.minor_axis, 4 * found.area / (np.pi * major))
        return found._replace(major_axis=major, minor_axis=minor)

    @property
    def places(self):
        """Positions (y, x): (n, 2) numpy.ndarray."""
        return np.stack([self.y, self.x], axis=-1)

    def less(self, drift):
        """The same, without a drift (y, x): Shapes."""
        return self._replace(y=self.y - drift[0], x=self.x - drift[1])

    def times(self, size):
        """The same, with positions (y, x) multiplied: Shapes."""
        return self._replace(y=self.y * size[0], x=self.x * size[1])

    def only(self, which):
        """Some of them: Shapes."""
        return Shapes(*(values[which] for values in self))


class Overlaps(NamedTuple):
    """Grains of two frames that overlap.

    Attributes
    ----------
    first, second : (k,) numpy.ndarray of int
        Numbers of the grains in either frame.
    areas : (k,) numpy.ndarray of float64
        That they share.
    """

    first: np.ndarray
    second: np.ndarray
    areas: np.ndarray

    @classmethod
    def of_ellipses(cls, one, other):
        """Those of ellipses with the moments of the grains: Overlaps.

        Of the smaller one of two, it is the share of 64 points that are in the larger.

        Parameters
        ----------
        one, other : Shapes
            Without drift.

        Examples
        --------
        >>> one = Shapes(*np.array([[0.0, 0, 1, 78.5, 10, 10, 0, 0]]).T)
        >>> other = Shapes(*np.array([[0.0, 5, 1, 314.0, 20, 20, 0, 0]]).T)
        >>> Overlaps.of_ellipses(one, other).areas
        array([78.5])
        """
        found = []
        for i in range(len(one.y)):
            own = one.only([i])
            off = np.hypot(other.y - own.y, other.x - own.x)
            reach = (other.major_axis + own.major_axis) / 2
            for j in np.flatnonzero((off < reach) & (other.pattern == own.pattern)):
                pair = own, other.only([j])
                small, large = sorted(pair, key=lambda each: each.area[0])
                share = _inside(_points(small), large).mean()
                found.append((i, j, share * small.area[0]))
        first, second, areas = np.array(found, float).reshape(-1, 3).T
        return cls(first.astype(int), second.astype(int), areas)

    @classmethod
    def of_images(cls, one, other, shift):
        """Those of images of the numbers of grains: Overlaps, of areas in pixels.

        Parameters
        ----------
        one, other : (rows, columns) numpy.ndarray of int
            -1 where there is none.
        shift : (int, int)
            Where (y, x) what is at (0, 0) in one has gone in the other.

        Examples
        --------
        >>> one = np.array([[0, 0, 1, 1]])
        >>> Overlaps.of_images(one, one, (0, 1)).areas
        array([1., 1., 1.])
        """
        cut = [
            (slice(max(0, -d), n - max(0, d)), slice(max(0, d), n - max(0, -d)))
            for d, n in zip(shift, one.shape, strict=True)
        ]
        of_one, of_other = zip(*cut, strict=True)
        one, other = one[of_one], other[of_other]
        both = (one >= 0) & (other >= 0)
        n = int(other.max(initial=0)) + 1
        pairs, counts = np.unique(
            one[both].astype(np.int64) * n + other[both], return_counts=True
        )
        return cls(*np.divmod(pairs, n), counts.astype(float))

    def linked(self, one, other):
        """Those of one pattern, of which enough overlaps, the largest first: Overlaps.

        Parameters
        ----------
        one, other : Shapes
        """
        least = SHARE * np.minimum(one.area[self.first], other.area[self.second])
        kept = (self.areas >= least) & (self.areas > 0)
        kept &= one.pattern[self.first] == other.pattern[self.second]
        order = np.flatnonzero(kept)
        order = order[np.argsort(-self.areas[order], kind="stable")]
        return Overlaps(*(values[order] for values in self))


def _direction(shape):
    """Cosine and sine of the orientation of one grain: (1,) arrays."""
    angle = np.radians(shape.orientation)
    return np.cos(angle), np.sin(angle)


def _points(shape):
    """Points (y, x) spread evenly over the ellipse of one grain: (64, 2) array."""
    number = np.arange(N_POINTS) + 0.5
    radius, turn = np.sqrt(number / N_POINTS) / 2, GOLDEN * number
    along = radius * np.cos(turn) * shape.major_axis
    across = radius * np.sin(turn) * shape.minor_axis
    cos, sin = _direction(shape)
    y, x = along * sin + across * cos, along * cos - across * sin
    return np.stack([shape.y + y, shape.x + x], axis=-1)


def _inside(points, shape):
    """Which points (n, 2) are in the ellipse of one grain: (n,) array of bool."""
    y, x = (points - shape.places).T
    cos, sin = _direction(shape)
    along = (x * cos + y * sin) / shape.major_axis
    across = (y * cos - x * sin) / shape.minor_axis
    return along**2 + across**2 < 0.25


def grain_drift(frames):
    """Drift of the frames of a series, from the grains that touch no edge.

    Parameters
    ----------
    frames : list of Shapes

    Returns
    -------
    (frames, 2) numpy.ndarray
        As `estimated_drift`.
    """
    inner = [shapes.places[shapes.touches_edge == 0] for shapes in frames]
    reach = REACH * nearest_distance(inner)
    if not np.isfinite(reach):
        return np.zeros((len(frames), 2))
    return estimated_drift(inner, reach)


def link_grains(frames, overlaps, drift, max_gap):
    """Link grains over frames by what overlaps, drift aside.

    A grain goes on as the one that it overlaps most with, each as one at most, the
    largest overlap first. What else overlaps has merged with it or is split from it.

    Parameters
    ----------
    frames : list of Shapes
    overlaps : callable
        Of the numbers of two frames, the earlier one first: Overlaps.
    drift : (frames, 2) numpy.ndarray
    max_gap : int
        Frames in which a grain may be missing.

    Returns
    -------
    tracks : Tracks
    met : list of (str, int, int, int)
        What is no birth and no death: `MERGES` or `SPLITS`, the frame, the track that
        ends or begins there, and the other one.
    """

    def linked(one, other):
        return overlaps(one, other).linked(frames[one], frames[other])

    numbers, met, lost = [], [], []
    n = 0
    for frame, shapes in enumerate(frames):
        own, parents = np.full(len(shapes.y), -1), {}
        if frame:
            before = numbers[-1]
            into, parents = _go_on(own, before, linked(frame - 1, frame))
            ended = np.flatnonzero(~np.isin(before, own)).tolist()
            lost = [each for each in lost if frame - each[0] <= max_gap + 1]
            for at in sorted({each[0] for each in lost}, reverse=True):
                _resume(own, parents, lost, at, linked(at, frame))
            lost += [(frame - 1, i, before[i]) for i in ended if i not in into]
            met += [
                (MERGES, frame, int(before[i]), int(own[into[i]]))
                for i in ended
                if i in into
            ]
        for j in np.flatnonzero(own < 0).tolist():
            own[j], n = n, n + 1
            if j in parents:
                met.append((SPLITS, frame, int(own[j]), int(parents[j])))
        numbers.append(own)
    return Tracks(numbers, drift, np.nan, max_gap), met


def _go_on(own, before, found):
    """Give grains the tracks of those of the frame before that go on as these.

    Parameters
    ----------
    own : (n,) numpy.ndarray of int
        Tracks of the grains of a frame, -1 where there is none yet; changed.
    before : (m,) numpy.ndarray of int
        Of those of the frame before.
    found : Overlaps
        The largest first.

    Returns
    -------
    into : dict
        By the grains before that do not go on, the grain that they are in now.
    parents : dict
        By the grains that have no track yet, the track that they were in.
    """
    goes_on, into, parents = set(), {}, {}
    for i, j in zip(found.first.tolist(), found.second.tolist(), strict=True):
        if i not in goes_on and own[j] < 0:
            goes_on.add(i)
            own[j] = before[i]
        else:
            # The largest overlap is the first.
            into.setdefault(i, j)
            parents.setdefault(j, before[i])
    into = {i: j for i, j in into.items() if i not in goes_on}
    return into, {j: track for j, track in parents.items() if own[j] < 0}


def _resume(own, parents, lost, at, found):
    """Give grains the tracks of those that were lost in an earlier frame.

    Parameters
    ----------
    own : (n,) numpy.ndarray of int
        As of `_go_on`; changed.
    parents : dict
        By grains that are split from others.
    lost : list of (int, int, int)
        Frame, grain and track of what was lost; what goes on is removed.
    at : int
        The earlier frame.
    found : Overlaps
    """
    tracks = {i: track for begin, i, track in lost if begin == at}
    for i, j in zip(found.first.tolist(), found.second.tolist(), strict=True):
        if i in tracks and own[j] < 0 and j not in parents:
            own[j] = tracks.pop(i)
            lost.remove((at, i, own[j]))


def track_grains(tables, names, size, images=None, *, max_gap, drift=None):
    """Link the grains of a series, and tell what happens to them.

    Parameters
    ----------
    tables : list of (n, k) numpy.ndarray
        Of the frames, with the columns `names`.
    names : list of str
    size : (2,) array of float
        What positions (y, x) are multiplied by to be lengths as those of axes are.
    images : (callable, (2,) array of float), optional
        Of the number of a frame, the numbers of its grains, (rows, columns); and what
        positions are multiplied by to be pixels. By default overlaps are those of
        ellipses.
    max_gap : int
    drift : (frames, 2) numpy.ndarray, optional
        By default from the grains.

    Returns
    -------
    tracks : Tracks
    events : pandas.DataFrame
    """
    frames = [Shapes.of(table, names) for table in tables]
    if drift is None:
        drift = grain_drift(frames)
    settled = [
        shapes.less(off).times(size) for shapes, off in zip(frames, drift, strict=True)
    ]

    def of_ellipses(one, other):
        return Overlaps.of_ellipses(settled[one], settled[other])

    def of_images(one, other):
        image, per_position = images
        shift = np.rint((drift[other] - drift[one]) * per_position).astype(int)
        found = Overlaps.of_images(image(one), image(other), shift.tolist())
        # From pixels to what areas are in.
        area = abs(np.prod(size) / np.prod(per_position))
        return found._replace(areas=found.areas * area)

    overlaps = of_ellipses if images is None else of_images
    tracks, met = link_grains(settled, overlaps, drift, max_gap)
    return tracks, grain_events(frames, tracks, met)


def grain_events(frames, tracks, met):
    """What happens to grains: where they appear, go, merge and split.

    Parameters
    ----------
    frames : list of Shapes
    tracks : Tracks
    met : list
        As from `link_grains`.

    Returns
    -------
    pandas.DataFrame
        In the order of frames: the columns `COLUMNS`. Position and area are those of
        the grain that appears, is split off or has gone (in its last frame), and of the
        one that others have merged into. None appears or goes at the edge of the frame,
        or in as many frames at the beginning or end as a gap may have.
    """
    import pandas as pd

    first, last, rows = {}, {}, []
    for frame, own in enumerate(tracks.numbers):
        for i, number in enumerate(own.tolist()):
            first.setdefault(number, (frame, i))
            last[number] = frame, i
    born = {track for kind, _, track, _ in met if kind == SPLITS}
    gone = {track for kind, _, track, _ in met if kind == MERGES}
    for number, (frame, i) in first.items():
        seen = frame > tracks.max_gap and not frames[frame].touches_edge[i]
        if number not in born and seen:
            rows.append((APPEARS, frame, number, NO_OTHER, (frame, i)))
        frame, i = last[number]
        seen = len(frames) - 1 - frame > tracks.max_gap
        if number not in gone and seen and not frames[frame].touches_edge[i]:
            rows.append((GOES, frame + 1, number, NO_OTHER, (frame, i)))
    for kind, frame, track, other in met:
        of = other if kind == MERGES else track
        i = int(np.flatnonzero(tracks.numbers[frame] == of)[0])
        rows.append((kind, frame, track, other, (frame, i)))
    rows.sort(key=lambda row: (row[1], row[2], row[0]))
    found = [
        (*row, *(float(values[i]) for values in (at.y, at.x, at.area)))
        for *row, (frame, i) in rows
        for at in [frames[frame]]
    ]
    whole = dict.fromkeys(("frame", "track", "other"), np.int64)
    real = dict.fromkeys(("y", "x", "area"), np.float64)
    return pd.DataFrame(found, columns=[*COLUMNS]).astype(whole | real)
