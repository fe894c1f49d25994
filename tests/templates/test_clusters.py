# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from hyperspy_symseg.templates.clusters import (
    count_distinct,
    covariance_of,
    k_means,
    largest_components,
    nearest_centres,
)


@pytest.fixture
def points():
    """Three clouds of other widths and numbers of points, side by side."""
    rng = np.random.default_rng(3)
    clouds = [rng.normal(at, 1 + at / 9, (300 + 90 * at, 4)) for at in (0, 3, 6)]
    return np.concatenate(clouds)


def test_clusters_are_those_of_scikit_learn(points):
    # Which stops before nothing changes, if it is not told otherwise.
    expected = KMeans(3, n_init=5, tol=0, random_state=0).fit(points)
    centres, nearest = k_means(points, 3, n_starts=5)
    order, other = (np.argsort(e[:, 0]) for e in (centres, expected.cluster_centers_))
    np.testing.assert_allclose(
        centres[order], expected.cluster_centers_[other], rtol=1e-12
    )
    ranks = np.argsort(order)[nearest], np.argsort(other)[expected.labels_]
    np.testing.assert_array_equal(*ranks)


def test_the_best_start_counts():
    # Four corners of a rectangle: pairs along its short sides are the better ones, of
    # squared distances 4 * .25 = 1; along its long ones they are 4 * 1 = 4.
    corners = np.array([[0.0, 0], [0, 1], [2, 0], [2, 1]])
    for seed in range(20):
        centres, _ = k_means(corners, 2, n_starts=20, seed=seed)
        assert sorted(map(tuple, centres)) == [(0, 0.5), (2, 0.5)]


def test_a_seed_is_enough_to_find_the_same(points):
    one, other = (k_means(points, 7, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])


def test_fewer_different_points_than_clusters():
    centres, nearest = k_means(np.array([[1.0], [4.0], [4.0]]), 3)
    assert sorted(centres.ravel()) == [1, 4]
    assert len(set(nearest[1:])) == 1


def test_zero_has_no_sign():
    assert count_distinct(np.array([[0.0, 1], [-0.0, 1], [2, 1]]), 5) == 2


def test_nearest_centres_of_single_precision():
    points = np.array([[0, 0], [9, 1], [4, 9]], np.float32)
    centres = np.array([[8.0, 0], [0, 1], [5, 8]])
    assert nearest_centres(points, centres).tolist() == [1, 0, 2]


def test_components_are_those_of_scikit_learn(points):
    expected = PCA(2).fit(points)
    components, ratio = largest_components(covariance_of(points), 2)
    np.testing.assert_allclose(components, expected.components_, atol=1e-12)
    np.testing.assert_allclose(ratio, expected.explained_variance_ratio_)


def test_covariance_of_one_dimension_is_a_matrix():
    assert covariance_of(np.array([[1.0], [3.0]])).tolist() == [[2]]
