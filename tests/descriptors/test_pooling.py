# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    ReflectionSymmetry,
    RotationSymmetry,
)
from hyperspy_symseg.descriptors.pooling import Pooling
from hyperspy_symseg.frames import Grid


def pool(
    scores,
    n_maxima=2,
    pooling=(5, 5),
    step=(1, 1),
    pixels=None,
    shape=None,
    margin=0,
):
    """Pooled scores (rows, columns, maxima) of one map at pixels, by default all."""
    scores = np.asarray(scores, np.float32)
    shape = scores.shape if shape is None else shape
    grid = Grid.over(shape, 1) if pixels is None else Grid(*pixels)
    pooling = Pooling(grid, shape, pooling, step, margin)
    y, x = pooling.grid.rows // step[0], pooling.grid.columns // step[1]
    out = np.full((1, n_maxima, *grid.shape), -9, np.float32)
    pooling.pool(scores[np.ix_(y, x)][np.newaxis], out)
    return np.moveaxis(out[0], 0, -1)


def first_of_window(pixel, half, length, margin):
    """Moved by one pixel after another, until it fits."""
    margin = min(margin, max(length - 1 - 2 * half, 0) // 2)
    first = pixel - half
    while first + 2 * half > length - 1 - margin and first > margin:
        first -= 1
    while first < margin:
        first += 1
    return first


def reference(scores, n_maxima, half, step, pixels, shape, margin=0):
    """The largest local maxima, one pixel after another."""
    bordered = np.pad(scores, 1, constant_values=-np.inf)
    bordered[np.isnan(bordered)] = -np.inf
    result = np.empty([*(len(axis) for axis in pixels), n_maxima])
    for i, y in enumerate(pixels[0]):
        for j, x in enumerate(pixels[1]):
            inside, maxima = [], []
            low_y = first_of_window(y, half[0], shape[0], margin)
            low_x = first_of_window(x, half[1], shape[1], margin)
            for k, m in np.ndindex(scores.shape):
                dy, dx = k * step[0] - low_y, m * step[1] - low_x
                within = 0 <= dy <= 2 * half[0] and 0 <= dx <= 2 * half[1]
                if within and not np.isnan(scores[k, m]):
                    inside.append(scores[k, m])
                    if scores[k, m] >= bordered[k : k + 3, m : m + 3].max():
                        maxima.append(scores[k, m])
            largest = sorted(maxima)[::-1] or [max(inside, default=np.nan)]
            result[i, j] = (largest + [largest[-1]] * n_maxima)[:n_maxima]
    return result


MAP = [
    [0, 0, 0, 0, 0, 0, 0],
    [0, 5, 4, 0, 0, 9, 0],
    [0, 0, 0, 0, 0, 0, 0],
    [0, 0, 3, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]


def test_the_two_largest_local_maxima():
    # 4 is beside 5, and so is none.
    assert pool(MAP, 2, pixels=((2, 2), (1, 1), (1, 1))).ravel().tolist() == [5, 3]


def test_one_maximum_is_the_largest_score():
    assert pool(MAP, 1, pixels=((2, 3), (1, 1), (1, 1))) == 9


def test_fewer_maxima_than_asked_for_repeat_the_smallest():
    scores = np.array(MAP) - 1
    scores[0, 4] = scores[4, 4] = -2
    pooled = pool(scores, 5, (1, 7), pixels=((3, 3), (1, 1), (1, 1))).ravel()
    # In its row 2 at column 2, and 0 at column 6; a plateau of -1 at column 4.
    assert pooled.tolist() == [2, 0, -1, -1, -1]


def test_window_without_a_maximum_has_the_largest_score():
    scores = np.add.outer(np.arange(9.0), np.arange(9.0))
    pooled = pool(scores, 3, (3, 3), pixels=((2, 4), (1, 1), (1, 1)))
    assert (pooled == 3 + 5).all()


def test_window_is_moved_into_the_frame():
    # At the corner it has the rows and columns 0 to 4.
    scores = np.zeros((9, 9))
    scores[4, 4], scores[6, 6] = 7, 8
    assert pool(scores, 1, pixels=((0, 0), (1, 1), (1, 1))) == 7


def test_window_stays_away_from_the_edges():
    # At the corner, with a margin of 2, it has the rows and columns 2 to 6.
    scores = np.zeros((9, 11))
    scores[1, 4], scores[6, 6], scores[3, 7] = 9, 7, 8
    pooled = pool(scores, 1, margin=2, pixels=((0, 0), (1, 1), (1, 1)))
    assert pooled == 7


def test_missing_scores_are_no_maxima():
    scores = np.array(MAP, float)
    scores[1, 1] = np.nan
    assert pool(scores, 1, pixels=((2, 2), (1, 1), (1, 1))) == 4


def test_window_without_scores_is_missing():
    scores = np.full((9, 9), np.nan)
    scores[0, 0] = 1
    pooled = pool(scores, 1, (3, 3))[..., 0]
    assert pooled[0, 0] == pooled[1, 1] == 1
    assert np.isnan(pooled[3:, 3:]).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    shape=st.tuples(st.integers(1, 23), st.integers(1, 23)),
    half=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    step=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    n_maxima=st.integers(1, 12),
    missing=st.sampled_from([0, 0.3]),
    margin=st.integers(0, 8),
)
def test_pooling_against_a_slow_reference(
    seed, shape, half, step, stride, n_maxima, missing, margin
):
    rng = np.random.default_rng(seed)
    size = tuple((n - 1) // s + 1 for n, s in zip(shape, step, strict=True))
    # Few values, so that neighbours are equal now and then.
    scores = rng.integers(0, 5, size) / 4
    scores[rng.random(size) < missing] = np.nan
    grid = Grid.over(shape, tuple(map(min, stride, shape)))
    pooled = pool(
        scores,
        n_maxima,
        tuple(2 * h + 1 for h in half),
        step,
        (grid.first, grid.stride, grid.shape),
        shape,
        margin,
    )
    expected = reference(
        scores, n_maxima, half, step, (grid.rows, grid.columns), shape, margin
    )
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_descriptor_pools_its_own_map(step):
    frame = np.random.default_rng(0).normal(size=(31, 38))
    grid = Grid.over(frame.shape, 4)
    options = {"radius": 4, "folds": (3,)}
    pooled = RotationSymmetry(pooling=(7, 9), n_maxima=3, step=step, **options)
    size = tuple((n - 1) // step + 1 for n in frame.shape)
    score_map = RotationSymmetry(pooling=1, **options).compute(
        frame, Grid((0, 0), (step, step), size)
    )
    expected = reference(
        score_map[..., 0],
        3,
        (3, 4),
        (step, step),
        (grid.rows, grid.columns),
        frame.shape,
        # Two thirds of the radius of 4, and two.
        margin=5,
    )
    np.testing.assert_allclose(pooled.compute(frame, grid), expected, atol=1e-6)


@pytest.mark.parametrize("pooling", [3, 11, 21])
@pytest.mark.parametrize(
    "descriptor",
    [
        RotationSymmetry(radius=12),
        ReflectionSymmetry(radius=11),
        GlideReflectionSymmetry(radius=7, glides=[(36, 9), (90, 4)]),
    ],
)
def test_every_pixel_has_a_pooled_score(descriptor, pooling):
    frame = np.random.default_rng(0).normal(size=(81, 78))
    descriptor = dataclasses.replace(descriptor, pooling=pooling)
    scores = descriptor.compute(frame, Grid.over(frame.shape, 3))
    assert np.isfinite(scores).all()


def test_edges_of_a_crystal_are_like_its_inside():
    y, x = np.mgrid[:131, :140]
    frame = np.cos(2 * np.pi * y / 10) + np.cos(2 * np.pi * (x + 0.2 * y) / 11)
    noise = 0.1 * np.random.default_rng(0).normal(size=frame.shape)
    scores = ReflectionSymmetry(radius=10).compute(
        frame + noise, Grid.over(frame.shape, 5)
    )
    inside = scores[6:-6, 6:-6].reshape(-1, scores.shape[-1])
    deviation = np.abs(scores - inside.mean(axis=0)) / inside.std(axis=0)
    edges = [deviation[:2], deviation[-2:], deviation[:, :2], deviation[:, -2:]]
    assert max(edge.mean() for edge in edges) < 1.5
