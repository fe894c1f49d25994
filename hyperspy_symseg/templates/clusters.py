# SPDX-License-Identifier: GPL-3.0-or-later
"""Principal components of points, and clusters among them.

Of SciPy, as scikit-learn takes a second to import.
"""

import numpy as np
from scipy.cluster import vq


def covariance_of(points):
    """Covariance of points (points, dimensions): (dimensions, dimensions)."""
    # NumPy makes that of one dimension a number.
    return np.atleast_2d(np.cov(points, rowvar=False))


def largest_components(covariance, n):
    """The principal components of a covariance matrix, the largest first.

    Parameters
    ----------
    covariance : (dimensions, dimensions) numpy.ndarray
    n : int

    Returns
    -------
    components : (n, dimensions) numpy.ndarray
    ratio : (n,) numpy.ndarray
        Fraction of the variance that each explains.
    """
    values, vectors = np.linalg.eigh(covariance)
    components = vectors[:, ::-1].T[:n]
    # The sign is anybody's choice: the largest element is positive.
    largest = np.abs(components).argmax(axis=1)[:, np.newaxis]
    components = components * np.sign(np.take_along_axis(components, largest, axis=1))
    return components, np.maximum(values[::-1][:n], 0) / values.sum()


def count_distinct(points, most):
    """Number of different points (points, dimensions), or `most` if there are more."""
    distinct = set()
    # Which makes 0.0 of -0.0.
    for point in points + 0.0:
        distinct.add(point.tobytes())
        if len(distinct) == most:
            break
    return len(distinct)


def nearest_centres(points, centres):
    """Which centre is nearest to each point: (points,) of int32.

    Parameters
    ----------
    points : (points, dimensions) numpy.ndarray
    centres : (centres, dimensions) numpy.ndarray
    """
    nearest, _ = vq.vq(points.astype(np.float64), centres)
    return nearest


def k_means(points, n_clusters, n_starts=1, seed=0):
    """Clusters by k-means, of several starts by k-means++ the best.

    Parameters
    ----------
    points : (points, dimensions) numpy.ndarray
    n_clusters, n_starts, seed : int

    Returns
    -------
    centres : (clusters, dimensions) numpy.ndarray of float64
        Fewer, if there are not as many different points.
    nearest : (points,) numpy.ndarray of int32
        The centre of each point.

    Examples
    --------
    >>> centres, nearest = k_means(np.array([[0.0], [2.0], [10.0]]), 2)
    >>> sorted(centres.ravel())
    [np.float64(1.0), np.float64(10.0)]
    """
    points = points.astype(np.float64)
    n_clusters = count_distinct(points, n_clusters)
    random = np.random.RandomState(seed)

    def clustered(_):
        start, _ = vq.kmeans2(points, n_clusters, 1, minit="++", seed=random)
        centres, _ = vq.kmeans(points, start, thresh=0)
        nearest, distances = vq.vq(points, centres)
        return distances @ distances, centres, nearest

    return min(map(clustered, range(n_starts)), key=lambda found: found[0])[1:]
