# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.segmentation import clustering


def test_hand_worked_clusters():
    # Two points, twice and four times, on a line: one component, along (3, 4) / 5.
    scores = np.array([[0.0, 0.0], [3.0, 4.0]]).repeat([2, 4], axis=0)
    found = clustering.cluster_scores(
        scores, (2,), n_patterns=2, n_components=1, random_state=0
    )
    mean, components = found["mean"], found["components"]
    np.testing.assert_allclose(mean, [2, 8 / 3])
    np.testing.assert_allclose(np.abs(components), [[0.6, 0.8]])
    np.testing.assert_allclose(found["explained_variance_ratio"], [1])
    points = found["centres"] @ components + mean
    np.testing.assert_allclose(points, [[0, 0], [3, 4]], atol=1e-9)
    assert found["counts"].tolist() == [2, 4]


def test_hand_worked_classes():
    # On a line: 0, 2 and 10, 10, 10, 14, whose means are 1 and 11.
    scores = np.array([[0.0], [2.0], [10.0], [10.0], [10.0], [14.0]])
    found = clustering.cluster_scores(scores, (1,), 2, 1, random_state=0)
    np.testing.assert_allclose(found["class_means"], [[1], [11]])
    np.testing.assert_allclose(found["class_variances"], [[1], [3]])
    np.testing.assert_allclose(found["covariance"], [[scores.var(ddof=1)]])


def test_covariance_is_kept_up_to_400_operations():
    rng = np.random.default_rng(0)
    for n, kept in ((400, True), (401, False)):
        found = clustering.cluster_scores(rng.random((9, n)), (n,), 2, 1, 0)
        assert (found["covariance"] is not None) == kept


def test_weights_of_one_descriptor_are_one():
    scores = np.random.default_rng(0).normal(size=(50, 3)) * [1, 10, 100]
    assert clustering.member_weights(scores, (3,)).tolist() == [1, 1, 1]


def test_weighted_blocks_have_a_first_component_of_variance_one():
    scores = np.random.default_rng(0).normal(size=(50, 7)) * [1, 2, 30, 40, 1, 1, 9]
    weighted = scores * clustering.member_weights(scores, (2, 5))
    for block in (weighted[:, :2], weighted[:, 2:]):
        largest = np.linalg.svd(block - block.mean(axis=0), compute_uv=False)[0]
        np.testing.assert_allclose(largest**2 / (len(scores) - 1), 1)


@pytest.mark.parametrize("variation", [0, 4e-6])
def test_block_that_hardly_varies_stays_small(variation):
    rng = np.random.default_rng(0)
    noise = 1 - variation * rng.random((200, 3))
    scores = np.concatenate([rng.normal(size=(200, 2)), noise], axis=1)
    weighted = scores * clustering.member_weights(scores, (2, 3))
    assert weighted[:, 2:].std(axis=0).max() < 0.01 * weighted[:, 0].std()


def test_scale_of_a_block_does_not_matter():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(size=(30, 4)), rng.normal(9, 1, (30, 4))])
    one, other = (
        clustering.cluster_scores(scores * scale, (2, 2), 2, 2, random_state=0)
        for scale in (1, [1000, 1000, 1, 1])
    )
    np.testing.assert_allclose(one["centres"], other["centres"])


def test_patterns_of_equal_size_are_ordered_by_their_first_coordinate():
    scores = np.array([[0.0, 1.0], [1.0, 0.0]]).repeat(5, axis=0)
    found = clustering.cluster_scores(scores, (2,), 2, 1, random_state=0)
    assert found["counts"].tolist() == [5, 5]
    assert found["centres"][0, 0] < found["centres"][1, 0]


def test_more_patterns_than_distinct_descriptors():
    scores = np.array([[0.0, 1.0], [1.0, 0.0]]).repeat(5, axis=0)
    with pytest.raises(
        ValueError, match="^n_patterns must be .* 2 in this frame, got 3"
    ):
        clustering.cluster_scores(scores, (2,), 3, 1, random_state=0)


def test_separation_is_in_widths():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(at, 1, (4000, 1)) for at in (0, 9, 30)])
    points = np.column_stack([points, rng.normal(size=12000)])
    centres = np.array([[0.0, 0], [9, 0], [30, 0]])
    assert clustering.separation(points, centres) == pytest.approx(9, rel=0.03)


def test_halves_of_one_cluster_are_not_apart():
    points = np.random.default_rng(0).normal(size=(20_000, 1))
    expected = 2 * 0.7979 / np.sqrt(1 - 0.7979**2)
    found = clustering.separation(points, np.array([[-0.8], [0.8]]))
    assert found == pytest.approx(expected, rel=0.03)


def test_separation_of_one_cluster_and_of_an_empty_one():
    points = np.random.default_rng(0).normal(size=(50, 2))
    assert clustering.separation(points, np.zeros((1, 2))) == np.inf
    assert clustering.separation(points, np.array([[0.0, 0], [99, 0]])) == 0


def test_scores_that_differ_in_rounding_only():
    scores = np.ones((50, 3))
    scores[0, 0] += 1e-16
    scores[1, 0] -= 1e-15
    with pytest.raises(ValueError, match="^n_patterns must be at most .* got 2"):
        clustering.cluster_scores(scores, (3,), 2, 2, 0)
