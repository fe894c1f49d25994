# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.boundaries import sharpened, straightened
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.survival import (
    ADDED,
    REPLICATES,
    _covariance,
    _noise,
    _share_what_is_in_doubt,
    _spread_of_noise,
    change_of_certainty,
    changed,
)

from .conftest import PERIOD, REFLECTIONS, SHAPE, two_lattices

BLOCKS = (51, 66)


def templates_of(noise, second=REFLECTIONS[1], amplitude=0.4):
    """Two lattices, or two of which the second has other reflections."""
    reflections = np.concatenate([REFLECTIONS[0], second])
    amplitudes = np.full(4, amplitude)
    return Templates(PERIOD, 2, [0, 0, 1, 1], reflections, amplitudes, noise)


def change_in(frame, templates):
    found = templates.posterior(frame)
    return change_of(frame, templates, found, straightened(*found))


def change_of(frame, templates, found, straight):
    expected = templates.each_expected(frame, found[0])
    return change_of_certainty(frame, templates, expected, found, straight)


def test_strong_evidence_survives(two_grains):
    frame, labels = two_grains
    change = change_in(frame, templates_of(0.5))
    own = np.take_along_axis(change, labels[np.newaxis], 0)[0]
    # More than three periods from the boundary.
    far = np.abs(np.arange(BLOCKS[1]) - 30) > 9
    np.testing.assert_allclose(own[:, far], 0, atol=1e-3)


def test_labels_of_noise_do_not_survive(noise):
    templates = templates_of(0.5, amplitude=0.1)
    found = templates.posterior(noise)
    straight = straightened(*found)
    change = change_of(noise, templates, found, straight)
    own = np.take_along_axis(change, straight.argmax(axis=0)[np.newaxis], 0)
    assert own.mean() < -0.1


def test_where_there_is_neither_crystal_no_label_is_certain():
    frame, _ = two_lattices(noise=0.5)
    frame[50:110, 110:170] = np.random.default_rng(1).normal(0, 1.1, (60, 60))
    frame = NormalizedFrame(frame, None, PERIOD)
    templates = templates_of(0.25)
    found = templates.posterior(frame)
    straight = straightened(*found)
    change = change_of(frame, templates, found, straight)
    certainty = (sharpened(straight) + change).max(axis=0)
    assert certainty[20:33, 40:53].max() < 0.6
    assert certainty[:, :24].min() > 0.99
    assert certainty[:10, 36:].min() > 0.99


def test_hand_worked_doubt():
    # In 13 x 13 blocks of two patterns: 8 nats are expected; where there are half as
    # many, the doubt is what it was before, one in a thousand.
    shape = (13, 13)
    labels, covariance = np.zeros(shape, int), np.zeros((2, 2, *shape), np.float32)
    covariance[0, 0] = 16 / 169
    for excess in (-100, 0, 4, 8):
        likelihood = np.zeros((2, *shape), np.float32)
        likelihood[0] = excess / 169
        found = np.zeros((2, *shape), np.float32)
        found[0] = 1
        _share_what_is_in_doubt(found, labels, covariance, likelihood)
        odds = 1e-3 * np.exp((8 - 2 * excess) / (4 + 2 * 0.04 * 8))
        doubt = odds / (1 + odds)
        expected = [1 - doubt / (1 + doubt), doubt / (1 + doubt)]
        np.testing.assert_allclose(found[:, 6, 6], expected, rtol=1e-4)


def test_patterns_that_are_all_in_doubt_are_equally_probable():
    shape = (13, 13)
    labels, covariance = np.full(shape, 1), np.zeros((3, 3, *shape), np.float32)
    covariance[[0, 1], [0, 1]] = 900
    found = np.zeros((3, *shape), np.float32)
    found[:] = np.float32([0.2, 0.7, 0.1])[:, np.newaxis, np.newaxis]
    nothing = np.zeros_like(found)
    _share_what_is_in_doubt(found, labels, covariance, nothing)
    np.testing.assert_allclose(found, 1 / 3, rtol=5e-3)


def test_what_a_pattern_loses_others_gain(two_grains):
    change = change_in(two_grains[0], templates_of(20.0))
    np.testing.assert_allclose(change.sum(axis=0), 0, atol=1e-5)
    assert np.abs(change).max() > 0.1


def test_noise_varies_as_log_likelihoods_do(one_crystal):
    # Three patterns; the covariance of two log-likelihoods less the third is the sum of
    # products of the templates less the third.
    third = REFLECTIONS[1][:1]
    reflections = np.concatenate([*REFLECTIONS, third])
    patterns, amplitudes = [0, 0, 1, 1, 2], [0.5, 0.4, 0.3, 0.2, 0.1]
    templates = Templates(PERIOD, 3, patterns, reflections, amplitudes, 0.7)
    posterior, _ = templates.posterior(one_crystal)
    expected = templates.each_expected(one_crystal, posterior)
    spread = _spread_of_noise(_covariance(one_crystal, expected, templates.noise))
    assert spread.shape == (2, 2, *BLOCKS)
    first, second, last = expected
    block = np.s_[6:9, 12:15]
    pair = np.stack([(first - last)[block].ravel(), (second - last)[block].ravel()])
    own = spread[:, :, 2, 4].astype(float)
    np.testing.assert_allclose(own @ own.T, ADDED / 0.7 * pair @ pair.T, rtol=1e-3)
    assert not spread[0, 1].any()


def test_patterns_that_are_the_same_do_no_harm(two_grains):
    frame, _ = two_grains
    templates = templates_of(2.0).only([0, 0, 1, 1])
    change = change_in(frame, templates)
    assert np.isfinite(change).all()
    np.testing.assert_allclose(change.sum(axis=0), 0, atol=1e-5)


def test_pixels_that_are_not_valid_have_no_noise():
    mask = np.zeros(SHAPE, bool)
    mask[30:60, 60:120] = True
    frame = NormalizedFrame(two_lattices()[0], mask, PERIOD)
    templates = templates_of(0.5)
    posterior, _ = templates.posterior(frame)
    expected = templates.each_expected(frame, posterior)
    spread = _spread_of_noise(_covariance(frame, expected, templates.noise))
    hidden = spread[0, 0, 10:20, 20:40]
    assert hidden.max() < 1e-3 * np.median(spread)


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, REPLICATES - 1))
@settings(deadline=None)
def test_noise_of_a_block_is_the_same_in_any_tile(row, column, replicate):
    whole = _noise(replicate, (row, column), (2, 2, 30, 41))
    part = _noise(replicate, (row + 7, column + 20), (2, 2, 23, 21))
    np.testing.assert_array_equal(part, whole[:, 7:, 20:])


def test_realisations_are_different():
    found = [_noise(k, (0, 0), (2, 1, 40, 50))[0].ravel() for k in range(REPLICATES)]
    found += [_noise(k, (0, 0), (3, 2, 40, 50))[1].ravel() for k in range(3)]
    correlation = np.corrcoef(found) - np.eye(len(found))
    assert np.abs(correlation).max() < 0.1


def test_threads_change_nothing(two_grains):
    with workers(1):
        one = change_in(two_grains[0], templates_of(20.0))
    with workers(3):
        several = change_in(two_grains[0], templates_of(20.0))
    np.testing.assert_array_equal(one, several)


def test_patterns_in_another_order_survive_about_as_often(two_grains):
    frame, _ = two_grains
    templates = templates_of(20.0)
    sizes = [
        np.abs(change_in(frame, each)).mean()
        for each in (templates, templates.only([1, 0]))
    ]
    assert sizes[0] > 0.002
    assert sizes[1] == pytest.approx(sizes[0], rel=0.3)


@given(st.integers(2, 4), st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(deadline=None)
def test_the_label_stays_the_most_probable(n_patterns, seed, size):
    rng = np.random.default_rng(seed)
    before, other = rng.dirichlet(np.ones(n_patterns), (2, 5, 7)).astype(np.float32)
    before, other = (np.moveaxis(each, -1, 0) for each in (before, other))
    labels = before.argmax(axis=0)
    found = changed(before, np.float32(size) * (other - before), labels)
    np.testing.assert_array_equal(found.argmax(axis=0), labels)
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-5)
    assert found.min() >= 0


def test_without_a_change_probabilities_are_as_before():
    before = np.float32([[0.6, 0.2], [0.3, 0.7], [0.1, 0.1]]).reshape(3, 1, 2)
    found = changed(before, np.zeros_like(before), np.array([[0, 1]]))
    np.testing.assert_allclose(found, before, rtol=1e-5)


def test_a_label_that_does_not_survive_is_as_probable_as_another():
    before = np.float32([0.9, 0.1, 0]).reshape(3, 1, 1)
    change = np.float32([-0.6, 0.6, 0]).reshape(3, 1, 1)
    found = changed(before, change, np.array([[0]]))
    np.testing.assert_allclose(found.ravel(), [0.5, 0.5, 0], atol=1e-5)
