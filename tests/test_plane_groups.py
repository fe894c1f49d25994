# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of what the 17 plane groups have and lack, and patterns told apart by it."""

import math

import numpy as np
import pytest

from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    ReflectionSymmetry,
    RotationSymmetry,
)
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.simulate import micrograph

from .plane_groups import GROUPS, elements, pattern, patterson_pairs
from .test_accuracy import mean_iou

SHAPE = (121, 123)
RADIUS = 20
ANGLES = np.arange(12) * 15.0  # all that mirrors and glide lines of the groups have
# Pixels all over a cell, in the middle.
CELL = Grid((50, 50), (2, 2), (12, 12))


def near_pixels(items):
    """Elements within 0.1 of a pixel's centre, with that pixel."""
    pixels = [tuple(np.rint(item[:2]).astype(int).tolist()) for item in items]
    return [
        (item, pixel)
        for item, pixel in zip(items, pixels, strict=True)
        if math.dist(item[:2], pixel) < 0.1
    ]


def score(descriptor, frame, pixel):
    return descriptor.compute(frame, Grid(pixel, (1, 1), (1, 1))).item()


def rotation(*folds):
    return RotationSymmetry(RADIUS, folds=folds, pooling=1)


def reflection(*angles):
    return ReflectionSymmetry(RADIUS, angles=angles, pooling=1)


def glide_reflection(*glides):
    glides = [(angle, round(glide)) for angle, glide in glides]
    return GlideReflectionSymmetry(RADIUS, glides=glides, pooling=1)


@pytest.mark.parametrize("group", GROUPS)
def test_rotation_centres(group):
    frame = pattern(group, SHAPE)
    found = {}
    for centre, pixel in near_pixels(elements(group, SHAPE).centres):
        for fold in (2, 3, 4, 6):
            if centre.fold % fold == 0 and found.get(fold, 0) < 3:
                assert score(rotation(fold), frame, pixel) >= 0.99
                found[fold] = found.get(fold, 0) + 1
    lacking = elements(group, SHAPE).lacking_folds
    assert sorted([*found, *lacking]) == [2, 3, 4, 6]


@pytest.mark.parametrize("group", GROUPS)
def test_rotations_that_a_group_lacks(group):
    lacking = elements(group, SHAPE).lacking_folds
    if lacking:
        scores = rotation(*lacking).compute(pattern(group, SHAPE), CELL)
        assert scores.max() <= 0.9


@pytest.mark.parametrize("group", GROUPS)
def test_mirror_lines(group):
    frame = pattern(group, SHAPE)
    mirrors = elements(group, SHAPE).mirrors
    seen = set()
    for line, pixel in near_pixels(mirrors):
        if line.angle not in seen:
            assert score(reflection(line.angle), frame, pixel) >= 0.99
            seen.add(line.angle)
    assert seen == {line.angle for line in mirrors}


@pytest.mark.parametrize("group", GROUPS)
def test_mirror_lines_that_a_group_lacks(group):
    has = {line.angle for line in elements(group, SHAPE).mirrors}
    scores = reflection(*set(ANGLES) - has).compute(pattern(group, SHAPE), CELL)
    assert scores.max() <= 0.9


@pytest.mark.parametrize("group", GROUPS)
def test_glide_lines(group):
    frame = pattern(group, SHAPE)
    seen = set()
    for line, pixel in near_pixels(elements(group, SHAPE).glides):
        # Glides that are whole numbers of pixels, to 0.13.
        if line.angle not in seen and abs(line.glide - round(line.glide)) < 0.13:
            assert score(glide_reflection(line[2:]), frame, pixel) >= 0.99
            seen.add(line.angle)
    assert bool(seen) == bool(elements(group, SHAPE).glides)


@pytest.mark.parametrize("group", GROUPS)
def test_glide_lines_that_a_group_lacks(group):
    found = elements(group, SHAPE)
    frame = pattern(group, SHAPE)
    # Parallel to a mirror, half a lattice vector is no glide unless there is a line.
    lacking = [(angle, glide) for angle, glide in found.lacking_glides]
    has = {line.angle for line in [*found.mirrors, *found.glides]}
    lacking += [
        (angle, glide) for angle in set(ANGLES) - has for glide in (3, 5, 7, 8, 9, 10)
    ]
    if lacking:
        assert glide_reflection(*lacking).compute(frame, CELL).max() <= 0.9


WHAT_TELLS_THEM_APART = {
    "p1, p2": {"descriptor": "rotation", "pooling": 31, "n_maxima": 3},
    "pm, pg": {"descriptor": "reflection", "pooling": 31},
}


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("pair", WHAT_TELLS_THEM_APART)
def test_patterns_of_the_same_patterson_function(pair, refine):
    by_translation, by_other = [], []
    for seed in range(3):
        signal, truth = micrograph(list(patterson_pairs()[pair]), dose=10, seed=seed)
        for ious, options in (
            (by_translation, {}),
            (by_other, WHAT_TELLS_THEM_APART[pair]),
        ):
            labels = signal.segment_symmetry(2, refine=refine, **options)
            ious.append(mean_iou(labels.data, truth.data))
    print(
        f"{pair}: mean IoU by {WHAT_TELLS_THEM_APART[pair]['descriptor']} "
        f"{np.round(by_other, 3)}, by translation {np.round(by_translation, 3)}"
    )
    assert np.mean(by_other) >= 0.95
    if not refine:
        assert max(by_translation) <= 0.6
    else:
        # Phases tell them apart: the two are crystals with another motif.
        assert min(by_translation) >= 0.95


@pytest.mark.parametrize("refine", [False, True])
def test_glide_lines_tell_pm_from_pg_too(refine):
    signal, truth = micrograph(list(patterson_pairs()["pm, pg"]), dose=10, seed=0)
    labels = signal.segment_symmetry(
        2, descriptor="glide_reflection", glides=[(90, 10)], pooling=31, refine=refine
    )
    assert mean_iou(labels.data, truth.data) >= 0.95
