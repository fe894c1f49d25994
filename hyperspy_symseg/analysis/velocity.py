# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the boundary of a pattern moves from one frame to the next."""

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import fft, ndimage

from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.frames.checks import shown
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.frames.valid import valid_pixels

from .checks import check_labels
from .velocity_contours import lines_at_zero, signed_distances
from .velocity_drift import frame_drift

NAMES = (
    "y",
    "x",
    "displacement",
    "variance",
    "own displacement",
    "length",
    "variance of the mean",
    "dy",
    "dx",
)
# How far from a boundary its uncertainty reaches, in periods.
REACH = 2.0
# Mean distance from the middle of a normal distribution is 2 of these deviations.
HALF_NORMAL = 2 / np.sqrt(2 * np.pi)
# Length along a boundary within which its errors are alike, in periods.
ALIKE = 3.0
# Variance of a displacement over that of both positions, whose errors are much the same
# in both frames, as those of the columns are: at rest, and at most. It is twice as
# large after this displacement, in periods, as with it more columns are passed.
AT_REST, AT_MOST, TWICE = 0.2, 0.8, 0.07
# This is a guess that displacements correct: it counts for so many waves of them.
COUNTS_FOR = 3
# Shortest waves that labels do not make smaller, in periods.
SHORTEST = 15.0
# Power of a wave, over that expected, beyond which it is of a velocity that varies.
LARGEST = 3.0**2
# Where a boundary ends, as at the edge of the frame, labels know one side of it only.
# Its standard error there, over that elsewhere, and how far this reaches, in periods.
AT_END, FROM_END = 3.5, 4.0
# Rounds in which the variance of a mean and the length that it depends on are found.
ROUNDS = 3


class _Frame(NamedTuple):
    """One of the two frames: (rows, columns) arrays.

    Attributes
    ----------
    labels, valid, values, certainty
        The last two may be None.
    """

    labels: np.ndarray
    valid: np.ndarray
    values: np.ndarray | None
    certainty: np.ndarray | None


@dataclass(frozen=True)
class BoundaryVelocity(PointAnalysis):
    """Normal displacement of the boundary of a pattern, at points along it.

    Of a pair of frames, (n, 9): y and x in pixels of the first, half-way between both
    boundaries; the displacement, positive where the pattern grows, in the mean over a
    Gaussian window along the boundary; its variance; the displacement of the point
    itself, and the length that it stands for; the variance of the mean over all; and
    the drift (dy, dx) in pixels, which is taken off.

    The channels are the labels of both frames and, as far as there are any, both
    micrographs and both certainties.

    Parameters
    ----------
    n_patterns : int
    pattern : int
        Whose boundary it is.
    against : int, optional
        Pattern on its other side; by default, any.
    pixel_size : (float, float)
        Along (y, x), in any one unit.
    step : float
        Distance of the labels that were computed, in pixels.
    period : float, optional
        Of the lattice, in pixels. Without it certainties do not count.
    smoothing : float
        Standard deviation of the window, in pixels.
    drift : ((float, float), ...), "auto" or None
        Displacement (dy, dx) from frame to frame, in pixels: of each pair, from the
        micrographs, or none.
    has_frames, has_certainty : bool
        Which channels there are.

    Examples
    --------
    >>> from hyperspy_symseg.frames.run import run
    >>> labels = np.zeros((2, 40, 50), int)
    >>> labels[0, :, 20:] = labels[1, :, 23:] = 1
    >>> [rows] = run(BoundaryVelocity(2), (labels[0], labels[1]))
    >>> print(f"{rows[:, 2].mean():.1f}")
    3.0
    """

    n_patterns: int
    pattern: int = 0
    against: int | None = None
    pixel_size: tuple[float, float] = (1.0, 1.0)
    step: float = 1.0
    period: float | None = None
    smoothing: float = 0.0
    drift: Any = None
    has_frames: bool = False
    has_certainty: bool = False
    whole_frames: ClassVar[bool] = True

    def process(self, tile):
        """Rows of a pair of frames: (n, 9) numpy.ndarray of float64."""
        before, after = self._frames(tile)
        nothing = np.empty((0, len(NAMES)))
        if min(tile.shape) < 2:
            # A line of pixels has no line across it.
            return nothing
        drift, covariance = self._drift(tile.index, before, after)
        after, is_seen = _moved_back(after, drift)
        distances = []
        for frame in before, after:
            own = frame.labels == self.pattern
            found = signed_distances(own, frame.valid, self.pixel_size, self.step)
            if found is None:
                return nothing
            distances.append(found)
        # What is left of the drift, less than a pixel.
        rest = drift - np.rint(drift)
        distances[1] = ndimage.shift(distances[1], -rest, order=1, mode="nearest")
        valid = before.valid & after.valid & is_seen
        for frame in before, after:
            valid &= self._has_neighbour(frame)
        middle, moved = (distances[0] + distances[1]) / 2, distances[1] - distances[0]
        lines = lines_at_zero(middle, valid, self.pixel_size)
        if not lines:
            return nothing
        normals = np.stack(np.gradient(-middle))
        own = [line.sampled(moved) for line in lines]
        means = [
            line.means(each, self._width, self._weights(line))
            for line, each in zip(lines, own, strict=True)
        ]
        variances, of_mean = self._variances(
            lines, own, [(before, distances[0]), (after, distances[1])]
        )
        rows = []
        for line, mean, each, variance in zip(
            lines, means, own, variances, strict=True
        ):
            n = len(mean)
            constant = np.broadcast_to([line.step, of_mean, *drift], (n, 4))
            rows.append(np.column_stack([line.points, mean, variance, each, constant]))
        rows = np.concatenate(rows)
        if covariance is not None:
            _add_drift(rows, lines, normals, covariance, self.pixel_size)
        return rows

    @property
    def _scale(self):
        """Length of a pixel, in the mean over directions."""
        return float(np.sqrt(np.prod(self.pixel_size)))

    @property
    def _width(self):
        return self.smoothing * self._scale

    def _frames(self, tile):
        """Both frames: list of _Frame."""
        channels, found = list(tile.values), []
        n = len(channels) // 2
        for i in range(2):
            labels = check_labels(channels[i], self.n_patterns)
            values = channels[2 + i] if self.has_frames else None
            certainty = channels[2 * n - 2 + i] if self.has_certainty else None
            valid = labels >= 0
            if tile.mask is not None:
                valid &= ~tile.mask
            if values is not None:
                finite = valid_pixels(values, None)
                valid &= True if finite is None else finite
            if certainty is not None:
                _check_certainty(certainty[valid])
            found.append(_Frame(labels, valid, values, certainty))
        return found

    def _drift(self, index, before, after):
        """Drift (2,) in pixels, and its covariance or None."""
        if self.drift is None:
            return np.zeros(2), None
        if self.drift == "auto":
            valid = before.valid & after.valid
            # Sums by threads are rounded in another way.
            with one_thread:
                return frame_drift(before.values, after.values, valid, self.period)
        return np.array(self.drift[index[0] if index else 0], float), None

    def _has_neighbour(self, frame):
        """Where the nearest other pattern is the one asked for: bool array."""
        if self.against is None:
            return True
        other = frame.valid & (frame.labels != self.pattern)
        if not other.any():
            return False
        nearest = ndimage.distance_transform_edt(
            ~other, self.pixel_size, return_distances=False, return_indices=True
        )
        return frame.labels[tuple(nearest)] == self.against

    def _variances(self, lines, own, frames):
        """Variances along each line, and that of the mean of all."""
        total = sum(line.length for line in lines)
        if not self.has_certainty or self.period is None:
            scatter, alike = _scatter(lines, own)
            of_mean = scatter * alike / (total + alike)
            # A mean over all points, of inside and of the ends.
            scatter /= np.mean(1 / np.concatenate(list(map(self._weights, lines))))
            found = [
                scatter * alike / self._averaged_lengths(line, alike) for line in lines
            ]
            return found, of_mean
        alike = ALIKE * self.period * self._scale
        expected = [
            self._share(each)
            * sum(self._position_variances(line, *frame) for frame in frames)
            for line, each in zip(lines, own, strict=True)
        ]
        seen = self._seen(lines, own, expected, alike)
        found, summed = [], 0.0
        for line, variances in zip(lines, expected, strict=True):
            weights = self._weights(line)
            inside = line.means(variances * weights, self._width, weights)
            lengths = self._averaged_lengths(line, alike)
            found.append(seen * inside * alike / lengths)
            summed += seen * line.step * variances.sum()
        return found, summed / total * alike / (total + alike)

    def _share(self, displacements):
        """Variance of the displacements of a line over that of both positions: float.

        Columns that change sides are counts: their variance grows with their number.
        """
        passed = abs(displacements.mean()) / (TWICE * self.period * self._scale)
        return min(AT_REST * (1 + passed), AT_MOST)

    def _seen(self, lines, own, expected, alike):
        """Variance of displacements, over those expected along the lines: float.

        It is the mean power of long waves along the boundary, over that of variances
        that are alike over a length; a few waves more are as expected.
        """
        powers, n = float(COUNTS_FOR), COUNTS_FOR
        shortest = SHORTEST * self.period * self._scale
        for line, values, variances in zip(lines, own, expected, strict=True):
            weights = self._weights(line)
            power = np.mean(variances * weights) * alike
            if power > 0:
                waves = line.waves(values, weights, shortest) / power
                powers += np.minimum(waves, LARGEST).sum()
                n += len(waves)
        return powers / n

    def _weights(self, line):
        """Inverse variances of the positions along a line, 1 inside: (n,) array."""
        if self.period is None:
            return np.ones(len(line.points))
        reach = FROM_END * self.period * self._scale
        near = np.maximum(1 - line.from_ends / reach, 0)
        return (1 + (AT_END - 1) * near) ** -2.0

    def _averaged_lengths(self, line, alike):
        """Length of a line, inside, that tells as much as the window: (n,) array."""
        weights = self._weights(line)
        return line.effective_lengths(self._width, weights) + weights * alike

    def _position_variances(self, line, frame, distances):
        """Variances of the position of a boundary, from its posterior: (n,) array.

        If the position is normal with the deviation s, the certainty falls short of 1
        by an integral of 2 s / sqrt(2 pi) across the boundary.
        """
        reach = REACH * self.period * self._scale
        steps = np.arange(-reach, reach + self._scale, self._scale)
        slopes = np.stack([line.sampled(each) for each in np.gradient(distances)], -1)
        # Steps of a length of one pixel across the boundary, in pixels of both axes.
        across = slopes * self._scale / np.square(self.pixel_size)
        lengths = np.linalg.norm(across * self.pixel_size, axis=1, keepdims=True)
        across *= self._scale / np.maximum(lengths, np.finfo(float).tiny)
        offsets = steps / self._scale
        points = line.points[:, np.newaxis] + offsets[:, np.newaxis] * across[:, None]
        places = points.reshape(-1, 2).T
        doubt = np.where(frame.valid, 1 - frame.certainty, 0)
        doubt, distance = (
            ndimage.map_coordinates(
                each, places, order=1, mode="constant", cval=outside
            )
            for each, outside in ((doubt, 0), (distances, 0))
        )
        shape = len(line.points), len(steps)
        doubt, distance = doubt.reshape(shape), distance.reshape(shape)
        # Not that of another boundary, which is nearer.
        at = np.abs(steps + line.sampled(distances)[:, np.newaxis])
        doubt[np.abs(distance) < at - 2 * self._scale] = 0
        return (doubt.sum(axis=1) * self._scale / HALF_NORMAL) ** 2


def _check_certainty(values):
    """Check that certainties (n,) are shares."""
    wrong = values[~((values >= 0) & (values <= 1))]
    if len(wrong):
        raise ValueError(
            "certainty must be from 0 to 1 wherever there is a label, got "
            f"{shown(wrong[0])}."
        )


def _scatter(lines, own):
    """Variance of displacements, and the length along which they are alike.

    The length is the integral of the autocorrelation on both sides, up to where it is
    no longer positive. What all displacements of a line have in common is lost with its
    mean, and is added again.

    Parameters
    ----------
    lines : list of Line
    own : list of (n,) numpy.ndarray
        Displacements.

    Returns
    -------
    variance, alike : float
    """
    longest = max(len(each) for each in own)
    sums, counts = np.zeros(longest), np.zeros(longest)
    for each in own:
        n = len(each)
        spectrum = fft.rfft(each - each.mean(), 2 * n)
        sums[:n] += fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n]
        counts[:n] += np.arange(n, 0, -1)
    total = sum(line.length for line in lines)
    step = total / counts[0]
    products = sums / counts
    if not products[0] > 0:
        return 0.0, step
    alike = step
    for _ in range(ROUNDS):
        # Of the mean of a line, that is in all products.
        lost = products[0] * alike / (total / len(lines) + alike)
        correlation = (products + lost) / (products[0] + lost)
        end = np.argmax(correlation <= 0) or longest
        alike = step * (2 * correlation[:end].sum() - 1)
    return products[0] + lost, alike


def _moved_back(frame, drift):
    """A frame without whole pixels of the drift, and where it was seen."""
    move = -np.rint(drift).astype(int)
    if not move.any():
        return frame, np.ones(frame.labels.shape, bool)
    seen = ndimage.shift(np.ones(frame.labels.shape, bool), move, order=0, cval=0)

    def moved(array):
        return None if array is None else np.roll(array, move, (0, 1))

    frame = replace_all(frame, moved)
    return frame._replace(valid=frame.valid & seen), seen


def replace_all(frame, function):
    """A frame whose arrays are others: _Frame."""
    return _Frame(*map(function, frame))


def _add_drift(rows, lines, normals, covariance, pixel_size):
    """Add the variance of the drift along the normals to that of displacements."""
    ahead = np.concatenate(
        [np.stack([line.sampled(each) for each in normals], -1) for line in lines]
    )
    ahead = ahead / pixel_size
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-300)
    ahead *= pixel_size
    rows[:, 3] += np.einsum("ij,jk,ik->i", ahead, covariance, ahead)
    mean = np.average(ahead, axis=0, weights=rows[:, 5])
    rows[:, 6] += mean @ covariance @ mean


def boundary_mean(rows):
    """Mean displacement of a boundary, and its variance.

    Parameters
    ----------
    rows : (n, 9) numpy.ndarray
        From `BoundaryVelocity`.

    Returns
    -------
    (2,) numpy.ndarray of float64
        NaN if there are no rows.
    """
    if not len(rows):
        return np.full(2, np.nan)
    return np.array([np.average(rows[:, 4], weights=rows[:, 5]), rows[0, 6]])


def boundary_map(rows, shape):
    """Displacements and their variances at the pixels nearest to a boundary.

    Parameters
    ----------
    rows : (n, 9) numpy.ndarray
        From `BoundaryVelocity`.
    shape : (int, int)
        Rows and columns of the frame.

    Returns
    -------
    (rows, columns, 2) numpy.ndarray of float32
        The mean over the points within a pixel; NaN elsewhere.

    Examples
    --------
    >>> rows = np.array([[0, 1.5, 0.3, 0.1, 0.3, 1, 0.1, 0, 0]])
    >>> boundary_map(rows, (2, 4))[..., 0]
    array([[nan, 0.3, 0.3, nan],
           [nan, nan, nan, nan]], dtype=float32)
    """
    counts, sums = np.zeros(shape), np.zeros((*shape, 2))
    low = np.floor(rows[:, :2]).astype(int)
    high = np.ceil(rows[:, :2]).astype(int)
    # A point on a row or column of pixels has one neighbour there, and not two.
    for ways in itertools.product((0, 1), repeat=2):
        places = np.where(ways, high, low)
        once = ~((high == low) & np.array(ways, bool)).any(axis=1)
        y, x = places[once].T
        np.add.at(counts, (y, x), 1)
        np.add.at(sums, (y, x), rows[once, 2:4])
    with np.errstate(invalid="ignore"):
        return (sums / counts[..., np.newaxis]).astype(np.float32)
