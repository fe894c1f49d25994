# SPDX-License-Identifier: GPL-3.0-or-later
"""How well each operation tells the patterns apart."""

import dataclasses

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


def best_operations(separability, opposites, n):
    """Places of the n operations with the largest separability.

    Parameters
    ----------
    separability : (operations,) numpy.ndarray
    opposites : (operations,) numpy.ndarray of int
        Place of the operation that carries the same information, or its own.
    n : int

    Returns
    -------
    (n,) numpy.ndarray of int
        Ascending. Of two opposite operations the second is taken only if there are no
        others left.

    Examples
    --------
    >>> best_operations(np.array([9.0, 2, 0, 2.5, 9.5]), np.array([4, 3, 2, 1, 0]), 2)
    array([3, 4])
    """
    order = np.argsort(-separability, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    second = rank[opposites] < rank
    # What separates nothing comes last of all.
    nothing = separability == 0
    return np.sort(np.lexsort((rank, second, nothing))[:n])


def largest_components(covariance, n):
    """The principal components of a covariance matrix, the largest first.

    Parameters
    ----------
    covariance : (operations, operations) numpy.ndarray
    n : int

    Returns
    -------
    components : (n, operations) numpy.ndarray
    ratio : (n,) numpy.ndarray
        Fraction of the variance that each explains.
    """
    values, vectors = np.linalg.eigh(covariance)
    components = vectors[:, ::-1].T[:n]
    # The sign is anybody's choice: the largest element is positive.
    largest = np.abs(components).argmax(axis=1)[:, np.newaxis]
    components = components * np.sign(np.take_along_axis(components, largest, axis=1))
    return components, np.maximum(values[::-1][:n], 0) / values.sum()


def restrict(model, descriptor, places, covariance):
    """Model with some of its operations, and the patterns that it has.

    Parameters
    ----------
    model : SymmetryModel
    descriptor : Descriptor
        With these operations.
    places : (n,) numpy.ndarray of int
        Where they are in the model.
    covariance : (n, n) numpy.ndarray
        Of their scores.

    Returns
    -------
    SymmetryModel
    """
    mean, weights = model.mean[places], model.weights[places]
    class_means = model.class_means[:, places]
    components, ratio = largest_components(
        covariance * np.outer(weights, weights), min(len(places), len(model.components))
    )
    return dataclasses.replace(
        model,
        descriptor=descriptor,
        mean=mean,
        weights=weights,
        components=components,
        explained_variance_ratio=ratio,
        centres=((class_means - mean) * weights) @ components.T,
        class_means=class_means,
        class_variances=model.class_variances[:, places],
        covariance=covariance,
    )
