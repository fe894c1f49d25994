# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is fitted on, and how: principal components and k-means."""

import math
import threading

import numpy as np
from threadpoolctl import threadpool_limits

from hyperspy_symseg.descriptors.base import is_whole_number

# Pixels a model is fitted on, and size of their scores in bytes, at most.
SAMPLE_SIZE = 20_000
SAMPLE_BYTES = 64 * 2**20
# Two fits at once would each restore the limit that the other has set.
LIMIT_LOCK = threading.Lock()
# Starts of k-means, of which the best counts.
N_STARTS = 5


def sample_slices(grid, n_operations):
    """Every k-th sample of a grid along both axes: few enough to fit on.

    Parameters
    ----------
    grid : Grid
    n_operations : int

    Returns
    -------
    (slice, slice)
        Slices of the grid.
    """
    most = max(1, min(SAMPLE_SIZE, SAMPLE_BYTES // (4 * n_operations)))
    k = 1
    while math.prod((n - 1) // k + 1 for n in grid.shape) > most:
        k += 1
    return tuple(slice((n - 1) % k // 2, None, k) for n in grid.shape)


def scores_can_be_kept(grid, n_operations):
    """Whether the scores of a whole grid are no larger than those of a sample may be.

    Parameters
    ----------
    grid : Grid
    n_operations : int

    Returns
    -------
    bool
    """
    return 4 * grid.size * n_operations <= SAMPLE_BYTES


def _check_whole(name, value, least, most):
    allowed = f"allowed is an int from {least} to {most}"
    if not is_whole_number(value):
        raise TypeError(f"{name}={value!r}: {allowed}.")
    if not least <= value <= most:
        raise ValueError(f"{name}={value!r}: {allowed}.")


def check_arguments(n_patterns, n_components, random_state):
    """Check what does not depend on the frame.

    Parameters
    ----------
    n_patterns, n_components, random_state
        As in `SymmetryModel.fit`.

    Raises
    ------
    TypeError, ValueError
        If one is not allowed.
    """
    _check_whole("n_patterns", n_patterns, 1, 2**15 - 1)
    _check_whole("random_state", random_state, 0, 2**32 - 1)
    allowed = "allowed is an int of at least 1, or a fraction between 0 and 1"
    number = isinstance(n_components, int | float | np.number)
    if not number or isinstance(n_components, bool):
        raise TypeError(f"n_components={n_components!r}: {allowed}.")
    whole = is_whole_number(n_components)
    if not (n_components >= 1 if whole else 0 < n_components < 1):
        raise ValueError(f"n_components={n_components!r}: {allowed}.")


def cluster_scores(scores, n_patterns, n_components, random_state):
    """Principal components of scores, and clusters among them.

    Parameters
    ----------
    scores : (pixels, operations) numpy.ndarray of float64
        None missing.
    n_patterns, n_components, random_state
        As in `SymmetryModel.fit`.

    Returns
    -------
    mean, components, explained_variance_ratio, centres, counts : numpy.ndarray
        As the attributes of `SymmetryModel`.

    Raises
    ------
    ValueError
        If there are fewer distinct descriptors than patterns, or only one.
    """
    # Not at the top: scikit-learn takes a second to import.
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    n_distinct = len({row.tobytes() for row in scores})
    if n_distinct == 1:
        raise ValueError(
            "frame has the same scores everywhere: there is nothing to tell apart."
        )
    if n_patterns > n_distinct:
        raise ValueError(
            f"n_patterns={n_patterns}: allowed is at most the number of distinct "
            f"descriptors, which is {n_distinct} in this frame."
        )
    if n_components >= 1:
        n_components = min(n_components, *scores.shape)
    pca = PCA(n_components, svd_solver="covariance_eigh")
    k_means = KMeans(n_patterns, n_init=N_STARTS, random_state=random_state)
    # One thread: sums over several would round differently with their number. The
    # limit holds for the whole process, and for libraries loaded before it is set.
    with LIMIT_LOCK, threadpool_limits(1):
        clusters = k_means.fit(pca.fit_transform(scores))
    counts = np.bincount(clusters.labels_, minlength=n_patterns)
    order = np.lexsort((clusters.cluster_centers_[:, 0], counts))
    return (
        pca.mean_,
        pca.components_,
        pca.explained_variance_ratio_,
        clusters.cluster_centers_[order],
        counts[order],
    )
