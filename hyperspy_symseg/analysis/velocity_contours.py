# SPDX-License-Identifier: GPL-3.0-or-later
"""Boundaries of labels as lines with less than a pixel of error."""

from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage, special

# Standard deviation of the Gaussian that the pixels of a pattern are smoothed with, in
# labels that were computed: their steps are then no longer seen.
STEP_WIDTH = 2.0
# Pixels are even within themselves, which is a variance of 1/12 in that of the width.
OF_PIXELS = np.sqrt(1 - 1 / (12 * STEP_WIDTH**2))
# Shares of a pattern beyond which a pixel is too far from its boundary to tell where.
LEAST_SHARE = 1e-6


class Line(NamedTuple):
    """Points at equal distances along a boundary.

    Attributes
    ----------
    points : (n, 2) numpy.ndarray of float64
        (y, x) in pixels.
    step : float
        Length that each stands for.
    is_closed : bool
    """

    points: np.ndarray
    step: float
    is_closed: bool

    @property
    def length(self):
        """Length of the line."""
        return len(self.points) * self.step

    def sampled(self, values):
        """Values of a map (rows, columns) at the points, linear between pixels."""
        return ndimage.map_coordinates(values, self.points.T, order=1, mode="nearest")

    @property
    def from_ends(self):
        """Distance of the points from the nearer end (n,); infinite if it is closed."""
        if self.is_closed:
            return np.full(len(self.points), np.inf)
        places = np.arange(len(self.points)) + 0.5
        return np.minimum(places, places[::-1]) * self.step

    def means(self, values, width, weights):
        """Means of values (n,) at the points in a Gaussian window along the line.

        Parameters
        ----------
        values, weights : (n,) numpy.ndarray
        width : float
            Standard deviation of the window.

        Returns
        -------
        (n,) numpy.ndarray
        """
        if not width:
            return values
        return self._filtered(values * weights, width) / self._filtered(weights, width)

    def effective_lengths(self, width, weights):
        """Length of an even window whose mean is as exact as the Gaussian one.

        With a window g along the line, and weights w that are inverse variances, it is
        (integral of g w)^2 / integral of g^2 w.

        Parameters
        ----------
        width : float
        weights : (n,) numpy.ndarray

        Returns
        -------
        (n,) numpy.ndarray
        """
        if not width:
            return np.zeros(len(self.points))
        ratio = self._filtered(weights, width) ** 2
        ratio /= self._filtered(weights, width / np.sqrt(2))
        return np.minimum(2 * np.sqrt(np.pi) * width * ratio, self.length)

    def waves(self, values, weights, shortest):
        """Powers of the long waves of values (n,) along the line.

        Of independent values each is their variance times the step, in the mean.

        Parameters
        ----------
        values : (n,) numpy.ndarray
        weights : (n,) numpy.ndarray
            Their inverse variances, up to a factor that is 1 where they are exact.
        shortest : float
            Length of the shortest wave.

        Returns
        -------
        (m,) numpy.ndarray
            Of half a wave, two halves, and so on.
        """
        even = (values - np.average(values, weights=weights)) * np.sqrt(weights)
        most = int(2 * self.length / shortest)
        return fft.dct(even, norm="ortho")[1 : most + 1] ** 2 * self.step

    def _filtered(self, values, width):
        mode = "wrap" if self.is_closed else "constant"
        return ndimage.gaussian_filter1d(values, width / self.step, mode=mode)


def signed_distances(own, valid, pixel_size, step=1.0):
    """Distance of pixels from the boundary of a pattern, positive inside it.

    At the boundary it is that of a straight boundary with the same share of the pattern
    in a narrow Gaussian, P(d / s), where P is the normal distribution; elsewhere it
    is continued from the nearest pixel at the boundary.

    Parameters
    ----------
    own : (rows, columns) numpy.ndarray of bool
        Pixels of the pattern.
    valid : (rows, columns) numpy.ndarray of bool
        Pixels that have a label.
    pixel_size : (float, float)
        Along (y, x).
    step : float
        Distance of the labels that were computed, in pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray of float64, or None
        In the unit of the pixel size. None if there is no boundary.

    Examples
    --------
    >>> own = np.arange(12) < np.full((9, 1), 5)
    >>> signed_distances(own, np.ones(own.shape, bool), (1, 1))[4].round(1)[:7]
    array([ 4.5,  3.5,  2.5,  1.5,  0.5, -0.5, -1.5])
    """
    near = _beside_boundary(own, valid)
    if not near.any():
        return None
    width = STEP_WIDTH * step * max(pixel_size)
    widths = [width / each for each in pixel_size]
    shares, weights = (
        ndimage.gaussian_filter(each.astype(float), widths, mode="nearest")
        for each in (own & valid, valid)
    )
    shares = shares / np.maximum(weights, LEAST_SHARE)
    inside = (
        width * OF_PIXELS * special.ndtri(np.clip(shares, LEAST_SHARE, 1 - LEAST_SHARE))
    )
    slopes = np.stack(np.gradient(inside, *pixel_size))
    slopes /= np.maximum(np.linalg.norm(slopes, axis=0), np.finfo(float).tiny)
    nearest = ndimage.distance_transform_edt(
        ~near, sampling=pixel_size, return_distances=False, return_indices=True
    )
    found = inside[tuple(nearest)]
    for axis, (n, size) in enumerate(zip(own.shape, pixel_size, strict=True)):
        places = np.arange(n).reshape((-1, 1) if axis == 0 else (1, -1))
        found += slopes[axis][tuple(nearest)] * (places - nearest[axis]) * size
    return found


def _beside_boundary(own, valid):
    """Pixels beside one across the boundary: (rows, columns) numpy.ndarray of bool."""
    found = np.zeros(own.shape, bool)
    for ahead, behind in (
        (np.s_[1:, :], np.s_[:-1, :]),
        (np.s_[:, 1:], np.s_[:, :-1]),
    ):
        across = (own[ahead] != own[behind]) & valid[ahead] & valid[behind]
        found[ahead] |= across
        found[behind] |= across
    return found


def lines_at_zero(values, valid, pixel_size):
    """Lines along which a map is zero.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray
    valid : (rows, columns) numpy.ndarray of bool
        Lines end at pixels that are not.
    pixel_size : (float, float)
        Along (y, x).

    Returns
    -------
    list of Line
    """
    from contourpy import contour_generator

    shown = np.ma.array(values, mask=~valid)
    return [
        line
        for vertices in contour_generator(z=shown).lines(0.0)
        if (line := _evenly(vertices[:, ::-1], pixel_size)) is not None
    ]


def _evenly(vertices, pixel_size):
    """Points about a pixel apart along vertices (n, 2): Line, or None."""
    steps = np.linalg.norm(np.diff(vertices, axis=0) * pixel_size, axis=1)
    places = np.concatenate([[0.0], np.cumsum(steps)])
    length = places[-1]
    if not length > 0:
        return None
    n = max(int(np.ceil(length / min(pixel_size))), 1)
    wanted = (np.arange(n) + 0.5) * length / n
    points = np.stack([np.interp(wanted, places, each) for each in vertices.T], axis=-1)
    return Line(points, length / n, bool((vertices[0] == vertices[-1]).all()))
