# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the specimen has moved from one frame to the next."""

from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage

# Standard deviations of the band-pass, in periods: columns are seen, and neither most
# of the noise nor a background that stays where it is.
FINEST, COARSEST = 1 / 14, 1 / 2
# Taken for the period where none is known, in pixels.
PERIOD = 12.0
# Farthest that a specimen moves, of the sides of a frame: there must be enough in both.
FARTHEST = 0.25
# Standard deviations by which the correlation of a displacement must be lower than the
# highest for it to be ruled out.
RULED_OUT = 3.0
# Share of a maximum that is lost between pixels, and maxima looked at, at most.
BETWEEN_PIXELS, MOST_PEAKS = 0.06, 25
# Curvature over the largest one below which there is none.
FLAT = 1e-6
# Steps of Newton's method from a whole pixel to the maximum, and the longest of them.
STEPS, LONGEST = 4, 0.5


def frame_drift(before, after, valid, period=None):
    """Displacement of what two frames show, from their cross-correlation.

    A crystal alone has its highest correlation at each of its lattice vectors. What
    decides is all that is not periodic, such as displaced columns, vacancies and grains
    of other orientations. Of displacements whose correlations cannot be told apart
    through the noise, it is the shortest.

    Parameters
    ----------
    before, after : (rows, columns) numpy.ndarray
    valid : (rows, columns) numpy.ndarray of bool
        Pixels that count in both.
    period : float, optional
        Of the lattice, in pixels.

    Returns
    -------
    drift : (2,) numpy.ndarray of float64
        (dy, dx) in pixels: what is at p before is at p + drift after.
    covariance : (2, 2) numpy.ndarray of float64
        By noise that is white.

    Examples
    --------
    >>> frame = np.random.default_rng(0).random((60, 70))
    >>> valid = np.ones(frame.shape, bool)
    >>> frame_drift(frame, np.roll(frame, (2, -3), (0, 1)), valid)[0].round(1)
    array([ 2., -3.])
    """
    shape, period = before.shape, period or PERIOD
    y, x = fft.fftfreq(shape[0]), fft.rfftfreq(shape[1])
    low, high = (
        np.exp(-2 * (np.pi * period * each) ** 2 * np.add.outer(y**2, x**2))
        for each in (FINEST, COARSEST)
    )
    power = (low - high) ** 2
    a, b = (_spectrum(each, valid) * (low - high) for each in (before, after))
    # Of a real frame, half of the plane stands for all of it.
    twice = np.full(x.shape, 2.0)
    twice[0] = 1
    if shape[1] % 2 == 0:
        twice[-1] = 1
    n = np.prod(shape)
    cross = np.conj(a) * b
    if not np.abs(cross).max() > 0:
        return np.zeros(2), np.zeros((2, 2))
    correlation = fft.irfft2(cross, shape)
    highest = correlation[_window(shape)].max()
    noise = [
        max(np.sum(twice * np.abs(each) ** 2) / n - highest, 0)
        / np.sum(twice * power / n)
        for each in (a, b)
    ]
    seen = np.maximum(np.abs(a) ** 2 - noise[0] * power, 0)
    # Variance of the noise in each term of the correlation. Where a frame fades, it
    # is less, and more elsewhere.
    error = seen * sum(noise) * power + noise[0] * noise[1] * power**2
    error *= twice / n**2 * np.prod([_unevenness(each) for each in shape])
    terms = _Terms(2 * np.pi * y, 2 * np.pi * x, cross * twice / n)
    # Of a difference of two.
    margin = RULED_OUT * np.sqrt(2 * error.sum())
    starts = _peaks(correlation, (1 - BETWEEN_PIXELS) * highest - margin)
    peaks = [terms.maximum(start) for start in starts]
    least = max(terms.value(peak) for peak in peaks) - margin
    drift = min(
        (peak for peak in peaks if terms.value(peak) >= least), key=np.linalg.norm
    )
    inverse = np.linalg.pinv(terms.curvature(drift), rcond=FLAT, hermitian=True)
    spread = _Terms(terms.y, terms.x, error).curvature(np.zeros(2))
    return drift, inverse @ spread @ inverse


class _Terms(NamedTuple):
    """Correlation as a sum over frequencies, which is known between pixels, too.

    Attributes
    ----------
    y, x : numpy.ndarray
        Frequencies in radians a pixel.
    terms : (len(y), len(x)) numpy.ndarray
    """

    y: np.ndarray
    x: np.ndarray
    terms: np.ndarray

    def _sum(self, drift, along_y=0, along_x=0):
        """Sum of the terms times powers of the frequencies."""
        left = self.y**along_y * np.exp(1j * drift[0] * self.y)
        return left @ self.terms @ (self.x**along_x * np.exp(1j * drift[1] * self.x))

    def value(self, drift):
        """Correlation at a displacement."""
        return self._sum(drift).real

    def curvature(self, drift):
        """Its negative second derivatives: (2, 2) array."""
        mixed = self._sum(drift, 1, 1).real
        along_y, along_x = self._sum(drift, 2, 0).real, self._sum(drift, 0, 2).real
        return np.array([[along_y, mixed], [mixed, along_x]])

    def maximum(self, drift):
        """Displacement of the maximum, by Newton's method from a whole pixel."""
        for _ in range(STEPS):
            slope = -np.array([self._sum(drift, 1).imag, self._sum(drift, 0, 1).imag])
            # Where contrast is along one direction only, the other stays as it is.
            inverse = np.linalg.pinv(self.curvature(drift), rcond=FLAT, hermitian=True)
            step = inverse @ slope
            drift = drift + step / max(1, np.linalg.norm(step) / LONGEST)
        return drift


def _fading(n):
    """Weights of the rows or columns of a frame (J. von Hann's): (n,) array."""
    return np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2


def _unevenness(n):
    """Variance of a sum of products over that if the frame did not fade: float."""
    weights = _fading(n)
    return n * np.sum(weights**4) / np.sum(weights**2) ** 2


def _spectrum(frame, valid):
    """Fourier transform of a frame that fades out towards its edges."""
    values = np.where(valid, frame, 0).astype(float)
    if valid.any():
        values[valid] -= values[valid].mean()
    values *= np.multiply.outer(*map(_fading, frame.shape))
    return fft.rfft2(values)


def _window(shape):
    """Displacements that are possible, in the order of a Fourier transform."""
    ways = (np.abs(fft.fftfreq(n, 1 / n)) <= FARTHEST * n for n in shape)
    return np.ix_(*ways)


def _peaks(correlation, least):
    """Displacements at the highest maxima: (n, 2) numpy.ndarray of float64."""
    window = _window(correlation.shape)
    is_peak = correlation == ndimage.maximum_filter(correlation, 3, mode="wrap")
    is_peak, seen = is_peak[window], correlation[window]
    if not (is_peak & (seen >= least)).any():
        # The highest is at the end of the window.
        is_peak = seen == seen.max()
    places = np.argwhere(is_peak & (seen >= least))
    order = np.argsort(-seen[tuple(places.T)], kind="stable")[:MOST_PEAKS]
    y, x = (fft.fftfreq(n, 1 / n) for n in correlation.shape)
    y, x = y[window[0].ravel()], x[window[1].ravel()]
    return np.stack([y[places[order, 0]], x[places[order, 1]]], axis=-1)
