# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera adds to its counts, by their noise."""

import warnings

import numpy as np
from scipy import ndimage

# Second differences along both axes, which have next to nothing of what varies slowly,
# and the share of the variance of noise that they have.
DIFFERENCE = np.outer([1.0, -2.0, 1.0], [1.0, -2.0, 1.0]) / 6
# Standard deviation of what local means are of, in pixels.
SMOOTHING = 2.5
# Pixels that are left out at edges and gaps, and bands of rows whose scatter tells the
# error.
EDGE, BANDS = 10, 12
# Offsets are worth a warning from this share of the mean on, and so many standard
# errors. Local means must vary by this share of it, and this often the noise of theirs.
LEAST, SURE, VARIED, ABOVE_NOISE = 0.2, 4.0, 0.02, 2.0


def camera_offset(images):
    """What is added to the intensities of images, over their mean, and its error.

    The variance of counts grows linearly with their mean, from 0 where there are no
    electrons; where it is 0 by local means and variances, there is the offset.

    Parameters
    ----------
    images : (n, rows, columns) numpy.ndarray of float64
        NaN where a pixel does not count.

    Returns
    -------
    offset, error : float
        NaN where means do not vary enough.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> wave = 100 + 30 * np.sin(np.arange(400) / 10) * np.ones((1, 300, 1))
    >>> offset, error = camera_offset(rng.poisson(wave) + 50.0)
    >>> print(f"{offset:.2f} +- {error:.2f}")
    0.30 +- 0.02
    """
    sums = np.zeros((len(images) * BANDS, 5))
    for i, image in enumerate(images):
        valid = np.isfinite(image)
        if not valid.any():
            continue
        filled = np.where(valid, image, image[valid].mean())
        means = ndimage.gaussian_filter(filled, SMOOTHING)
        noise = ndimage.convolve(filled, DIFFERENCE) ** 2
        # Smoothed as the means are, so that both have as much of what varies.
        noise = ndimage.gaussian_filter(noise, SMOOTHING)
        used = ndimage.minimum_filter(valid, 2 * EDGE + 1, mode="constant")
        each = np.stack([used, means, noise, means**2, means * noise]) * used
        for band, rows in enumerate(np.array_split(each, BANDS, axis=1)):
            sums[i * BANDS + band] = rows.sum(axis=(1, 2))
    offset = _offset(sums.sum(axis=0))
    # By leaving out one band at a time.
    without = np.array([_offset(sums.sum(axis=0) - own) for own in sums])
    return offset, float(np.sqrt(len(without) - 1) * without.std())


def _offset(sums):
    """Offset over the mean, by sums of 1, means, variances and products: float."""
    count, *sums = sums
    if not count:
        return np.nan
    mean, noise, energy, product = np.array(sums) / count
    spread = energy - mean**2
    of_noise = noise / (4 * np.pi * SMOOTHING**2)
    if not spread > max((VARIED * mean) ** 2, ABOVE_NOISE * of_noise):
        return np.nan
    slope = (product - mean * noise) / spread
    return 1 - noise / (slope * mean) if slope > 0 else np.nan


def warn_of_offset(images):
    """Say so if intensities are not 0 without electrons, as far as noise shows it.

    Parameters
    ----------
    images : (n, rows, columns) numpy.ndarray of float64
        NaN where a pixel does not count.
    """
    offset, error = camera_offset(images)
    if offset > max(LEAST, SURE * error):
        warnings.warn(
            "Intensities of the focal series do not seem to be 0 without electrons: by "
            f"their noise, {offset:.2f} of the mean, with an error of {error:.2f}, is "
            "an offset. It takes contrast away, which the classes are told by: take "
            "it off.",
            stacklevel=2,
        )
