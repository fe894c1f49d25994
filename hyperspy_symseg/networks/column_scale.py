# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale of a frame: how wide its columns are, and what its mean and spread are."""

import itertools

import numpy as np
from scipy import fft

# Widths of a column that are looked for, in pixels.
WIDTHS = np.geomspace(0.9, 16.0, 64)
# Frequencies of white noise alone, in cycles a pixel: a column of one pixel has lost 96
# of 100 parts of its amplitude there, and all of a wider one.
NOISE_FROM = 0.4
# Standard deviations by which the power of columns exceeds that of noise, at least;
# and how much larger they are under a Hann window, in which neighbours share power.
SURE, SHARED = 4.0, 1.94
# Pixels of a window along each side, at most; windows of a larger frame along an axis;
# and rings of the spectrum.
LARGEST_WINDOW, N_WINDOWS, N_RINGS = 1024, 2, 256
# Spreads from the mean at which values are cut off, and how often.
FAR, ROUNDS = 12.0, 3


def mean_and_spread(values, valid):
    """Mean and standard deviation of what is valid, but for a few values far off.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool

    Returns
    -------
    mean, spread : float
        The spread is 1 if there is none.

    Examples
    --------
    >>> mean_and_spread(np.array([[1, 3, 900]]), np.array([[True, True, False]]))
    (2.0, 1.0)
    """
    used = np.asarray(values[valid], float)
    if not used.size:
        return 0.0, 1.0
    for _ in range(ROUNDS):
        mean, spread = used.mean(), used.std()
        used = np.clip(used, mean - FAR * spread, mean + FAR * spread)
    return float(used.mean()), float(used.std()) or 1.0


def binned(values, valid, n):
    """Means of what is valid in n x n pixels, and where there are enough of them.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool
    n : int

    Returns
    -------
    means : (rows / n, columns / n) numpy.ndarray of float64
        Rounded up: what is missing at the end is not valid. 0 where not used.
    used : (rows / n, columns / n) numpy.ndarray of bool
        Where at least half of the pixels are valid.

    Examples
    --------
    >>> means, used = binned(np.arange(12).reshape(2, 6), np.ones((2, 6), bool), 2)
    >>> means, bool(used.all())
    (array([[3.5, 5.5, 7.5]]), True)
    """
    if n == 1:
        return np.where(valid, values, 0).astype(float), np.asarray(valid)
    rows, columns = (-(-m // n) for m in values.shape)
    around = [(0, -m % n) for m in values.shape]
    counts, sums = (
        np.pad(each, around).reshape(rows, n, columns, n).sum(axis=(1, 3), dtype=float)
        for each in (valid, np.where(valid, values, 0))
    )
    used = 2 * counts >= n * n
    return np.divide(sums, counts, out=np.zeros(sums.shape), where=used), used


def column_width(values, valid):
    """Width of the columns of a frame, from its power spectrum.

    The power P at a frequency k, less that of white noise, N, is weighed by

        W(s) = 1 / s * sum (a k^2)^2 exp(-a k^2) (P - N),  a = (2 pi s)^2

    which is largest at the width s of Gaussian columns that are alone. It is largest
    for crystals, too, up to a quarter (the first reflections have most of the power,
    and where they are is a matter of the spacing, not of the width), and steps of the
    intensity, such as the edges of a particle, weigh the same at all s. A background
    that varies slowly weighs the more the larger s: only maxima count.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool

    Returns
    -------
    float or None
        Standard deviation of a column in pixels, from 1 to 15; None if there is no
        more power than noise has.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> lattice = simulate.Lattice.hexagonal(18)
    >>> s, _ = simulate.micrograph(lattice, (200, 240), column_width=3, seed=0)
    >>> 2.5 < column_width(s.data, np.ones(s.data.shape, bool)) < 3.5
    True
    """
    frequencies, counts, power = _radial_power(values, valid)
    of_noise = frequencies >= NOISE_FROM
    n_noise = counts[of_noise].sum()
    if not n_noise:
        return None
    noise = (counts * power)[of_noise].sum() / n_noise
    a = (2 * np.pi * WIDTHS[:, np.newaxis]) ** 2 * frequencies**2
    weights = a**2 * np.exp(-a) * counts
    # Noise of the power itself, and of what is taken for noise.
    variances = (weights**2 / np.maximum(counts, 1)).sum(axis=1)
    variances += weights.sum(axis=1) ** 2 / n_noise
    excess = weights @ (power - noise) - SURE * SHARED * noise * np.sqrt(variances)
    excess /= WIDTHS
    # What still grows at the largest width is background.
    is_highest = (excess[1:-1] > excess[:-2]) & (excess[1:-1] > excess[2:])
    found = 1 + np.flatnonzero(is_highest & (excess[1:-1] > 0))
    return float(WIDTHS[found[np.argmax(excess[found])]]) if len(found) else None


def _radial_power(values, valid):
    """Mean power in rings of frequencies: three (rings,) arrays.

    Returns
    -------
    frequencies : numpy.ndarray
        In cycles a pixel, up to that of the corners.
    counts : numpy.ndarray
        Frequencies in a ring.
    power : numpy.ndarray
    """
    shape = [min(n, LARGEST_WINDOW) for n in values.shape]
    rings = np.hypot(fft.fftfreq(shape[0])[:, np.newaxis], fft.rfftfreq(shape[1]))
    rings = np.minimum(rings * N_RINGS / np.sqrt(0.5), N_RINGS - 1).astype(int).ravel()
    counts = np.bincount(rings, minlength=N_RINGS)
    taper = np.outer(*(np.hanning(n + 2)[1:-1] for n in shape))
    total = np.zeros(N_RINGS)
    for window in _windows(values.shape, shape):
        weights = taper * valid[window]
        if not weights.any():
            continue
        mean, spread = mean_and_spread(values[window], valid[window])
        # A few values far off would be all there is in the spectrum.
        seen = np.where(valid[window], (values[window] - mean) / spread, 0)
        seen = np.clip(seen, -FAR, FAR) * weights
        power = np.abs(fft.rfft2(seen.astype(np.float32))) ** 2
        total += np.bincount(rings, power.ravel(), N_RINGS)
    frequencies = (np.arange(N_RINGS) + 0.5) / N_RINGS * np.sqrt(0.5)
    return frequencies, counts, total / np.maximum(counts, 1)


def _windows(shape, size):
    """Windows of a size, evenly spread over a frame: list of (slice, slice)."""
    starts = [
        [0] if n == m else np.linspace(0, n - m, N_WINDOWS).astype(int).tolist()
        for n, m in zip(shape, size, strict=True)
    ]
    return [
        tuple(slice(i, i + m) for i, m in zip(first, size, strict=True))
        for first in itertools.product(*starts)
    ]
