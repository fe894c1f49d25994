# SPDX-License-Identifier: GPL-3.0-or-later
"""How well each operation tells the patterns apart."""

import numpy as np

# Standard deviation of scores that is rounding noise, as a fraction of the largest.
NOISE = 1e-6


def variances(counts, class_means, class_variances):
    """Variance of scores between the patterns and within them.

    Parameters
    ----------
    counts : (patterns,) numpy.ndarray
        Number of pixels of each pattern, N_k.
    class_means, class_variances : (patterns, operations) numpy.ndarray
        Mean and variance of the scores of each pattern.

    Returns
    -------
    between, within : (operations,) numpy.ndarray of float64
        sum N_k (mu_k - mu)^2 / N and sum N_k sigma_k^2 / N.
    """
    fractions = counts / counts.sum()
    between = fractions @ (class_means - fractions @ class_means) ** 2
    return between, fractions @ class_variances


def fisher_separability(between, within, scale=1.0):
    """Fisher's separability (Wang et al., Microsc. Microanal. 27 (2021) 1454, eq. 4).

    Parameters
    ----------
    between, within : numpy.ndarray
        Variances as from `variances`.
    scale : float
        Size of the largest scores: what is 1e-6 of it is rounding noise.

    Returns
    -------
    numpy.ndarray of float64
        between / within; 0 where both are rounding noise.

    Examples
    --------
    >>> fisher_separability(np.array([0.5, 0.0]), np.array([0.1, 0.0]))
    array([5., 0.])
    """
    noise = (NOISE * scale) ** 2
    ratio = between / np.maximum(within, noise)
    return np.where(np.maximum(between, within) > noise, ratio, 0.0)
