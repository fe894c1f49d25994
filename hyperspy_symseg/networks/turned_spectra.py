# SPDX-License-Identifier: GPL-3.0-or-later
"""Power spectra of windows, turned and scaled to their strongest reflections.

In them the strongest reflection is always at (0, 1). Where the next one is then tells
the shape of the lattice: neither orientation nor size are left to be learnt.
"""

import math

import numpy as np
from scipy import fft, ndimage

# Rows and columns, and their distance in frequencies of the strongest reflection.
ROWS, COLUMNS, STEP = 32, 64, 2 / 23
# Reflections that one spectrum after the other is turned to.
N_TURNED = 3
# Pixels of a window along each side, at least, so that all used bins are there.
SHORTEST = 64
# Frequencies in bins of the window: what is lower is background, where reflections are
# looked for, and where the spectrum ends.
LOWEST, BETWEEN, END = 3.0, (3.5, 30.0), 32
# Steps of the spectrum in a bin, and steps within which there is one maximum.
OVERSAMPLING, APART = 2, 5
# Noise beside the highest power, at least: there are frames without any.
LEAST_NOISE = 1e-4
# Mean of log(1 + x) over exponentially distributed x: what noise alone looks like.
NOISE_ALONE = 0.596


def turned_spectra(window):
    """Logarithmic power of a window, turned to each of its strongest reflections.

    Parameters
    ----------
    window : (rows, columns) numpy.ndarray of any real dtype
        At least 64 x 64. Its bins along y and x are taken for equal frequencies.

    Returns
    -------
    (3, 32, 64) numpy.ndarray of float32
        log(1 + power / noise), noise being the median over ln 2. Columns are
        frequencies along the reflection, from minus to plus 2.7 times its own; rows
        are those across, from 0. Zeros if all pixels have one value.

    Raises
    ------
    ValueError
        If the window is too small.
    """
    if min(window.shape) < SHORTEST:
        raise ValueError(
            f"window must be of at least {SHORTEST} x {SHORTEST} pixels, got "
            f"{window.shape}."
        )
    power = _power(window)
    noise = np.median(power) / math.log(2)
    noise = max(noise, LEAST_NOISE * power.max())
    if not noise > 0:
        return np.zeros((N_TURNED, ROWS, COLUMNS), np.float32)
    gy, gx = _bins()
    radii = np.hypot(gy, gx)
    seen = np.log1p(power / noise)
    seen[radii < LOWEST] = NOISE_ALONE
    found = [
        _turned(seen, np.array([gy[i, 0], gx[0, j]]))
        for i, j in _maxima(power, (radii >= BETWEEN[0]) & (radii <= BETWEEN[1]))
    ]
    # Where there are fewer maxima, the weakest counts again.
    found += found[-1:] * (N_TURNED - len(found))
    return np.stack(found).astype(np.float32)


def _bins():
    """Frequencies along y, all, and along x, from 0, in bins: (128, 1), (1, 65)."""
    n = OVERSAMPLING * END
    return np.ogrid[-n:n, : n + 1][0] / OVERSAMPLING, np.ogrid[:1, : n + 1][1] / 2


def _power(window):
    """Power under a Hann window at frequencies of `_bins`: (128, 65) array."""
    rows, columns = (np.hanning(n + 2)[1:-1] for n in window.shape)
    weights = np.outer(rows, columns)
    values = window - (window * weights).sum() / weights.sum()
    shape = tuple(OVERSAMPLING * n for n in window.shape)
    amplitudes = fft.rfft2((values * weights).astype(np.float32), shape)
    n = OVERSAMPLING * END
    amplitudes = np.concatenate([amplitudes[-n:, : n + 1], amplitudes[:n, : n + 1]])
    return amplitudes.real**2 + amplitudes.imag**2


def _maxima(power, used):
    """Places of the highest maxima of what is used, the highest first: (n, 2) array."""
    power = np.where(used, power, 0)
    highest = ndimage.maximum_filter(power, APART)
    places = np.argwhere((power == highest) & used)
    order = np.argsort(-power[tuple(places.T)], kind="stable")
    return places[order[:N_TURNED]]


def _turned(seen, reflection):
    """Spectrum seen from a reflection (gy, gx), in bins: (32, 64) array."""
    gy, gx = reflection
    across = STEP * np.arange(ROWS)[:, np.newaxis]
    along = STEP * (np.arange(COLUMNS) - (COLUMNS - 1) / 2)
    y = along * gy + across * gx
    x = along * gx - across * gy
    y, x = np.where(x < 0, -y, y), np.abs(x)
    places = OVERSAMPLING * np.stack([y + END, x])
    return ndimage.map_coordinates(seen, places, order=1, cval=NOISE_ALONE)
