# SPDX-License-Identifier: GPL-3.0-or-later
import pickle
from dataclasses import replace

import numpy as np
import pytest

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .conftest import PERIOD, REFLECTIONS, SHAPE, two_lattices


@pytest.fixture
def templates():
    """Of the two lattices, whose cosines and noise have variances of 1 each."""
    return Templates(
        PERIOD,
        2,
        np.array([0, 0, 1, 1]),
        np.concatenate(REFLECTIONS),
        np.full(4, 0.5 / np.sqrt(2)),
        0.5,
    )


OTHERS = {
    "period": 9.5,
    "n_patterns": 3,
    "patterns": np.array([0, 1, 1, 1]),
    "reflections": np.concatenate(REFLECTIONS) + 1e-6,
    "amplitudes": np.full(4, 0.36),
    "noise": 0.6,
}


@pytest.mark.parametrize("name", OTHERS)
def test_equal_if_everything_is(templates, name):
    assert templates == Templates(**templates.to_dict())
    assert templates != replace(templates, **{name: OTHERS[name]})


def test_not_equal_to_anything_else(templates):
    assert templates != templates.to_dict()


def test_no_hash(templates):
    with pytest.raises(TypeError):
        hash(templates)


def test_arrays_are_constant_and_not_shared(templates):
    reflections = np.concatenate(REFLECTIONS)
    own = replace(templates, reflections=reflections)
    reflections[0] = 0
    assert own == templates
    with pytest.raises(ValueError, match="read-only"):
        own.reflections[0] = 0


def test_survives_pickling(templates):
    assert pickle.loads(pickle.dumps(templates)) == templates


def test_without_reflections_arrays_have_their_shapes():
    # As files store nothing.
    empty = Templates(PERIOD, 1, [], [], [], 1.0)
    assert empty.reflections.shape == (0, 2)
    assert empty.patterns.dtype == np.int64
    assert Templates(**empty.to_dict()) == empty


def test_reflections_and_amplitudes_of_a_pattern(templates):
    reflections, amplitudes = templates.of(1)
    np.testing.assert_array_equal(reflections, REFLECTIONS[1])
    assert amplitudes.shape == (2,)


def test_templates_in_another_order():
    templates = Templates(
        9.0, 3, [0, 1, 1, 2], np.arange(8).reshape(4, 2) / 8, [1, 2, 3, 4], 1.0
    )
    # What was 2 is now 0, what was 0 is 1, and what was 1 is 2.
    other = templates.only([2, 0, 1])
    np.testing.assert_array_equal(other.patterns, [1, 2, 2, 0])
    for new, old in enumerate([2, 0, 1]):
        np.testing.assert_array_equal(other.of(new)[0], templates.of(old)[0])
        np.testing.assert_array_equal(other.of(new)[1], templates.of(old)[1])


def difference(first, second, period=10.0):
    """Least difference of two patterns, each of (gy, gx, amplitude)."""
    both = np.array([*first, *second], float).reshape(-1, 3)
    patterns = [0] * len(first) + [1] * len(second)
    return Templates(
        period, 2, patterns, both[:, :2], both[:, 2], 1.0
    ).least_difference()


A, B, C = (0.1, 0, 1), (0, 0.1, 1), (0.1, 0.1, 1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([A], [A], 0),
        ([A], [B], 1),
        ([A, B], [A, C], 0.5),
        ([A, B], [A], 1 / 3),
        # (3 - 1)^2 of 3^2 + 1.
        ([(0.1, 0, 3)], [A], 0.4),
        ([A], [(-0.1, 0, 1)], 0),
        # 0.02 cycles in a period of 10 pixels.
        ([A], [(0.1015, 0.001, 1)], 0),
        ([A], [(0.1025, 0, 1)], 1),
        ([A], [], 1),
        ([], [], 0),
    ],
)
def test_difference_of_two_patterns(first, second, expected):
    assert difference(first, second) == pytest.approx(expected, abs=1e-12)
    assert difference(second, first) == pytest.approx(expected, abs=1e-12)


def test_least_difference_is_that_of_the_patterns_most_alike():
    templates = Templates(
        10.0, 3, [0, 1, 2, 2], [A[:2], B[:2], B[:2], C[:2]], [1, 1, 1, 1], 1.0
    )
    assert templates.least_difference() == pytest.approx(1 / 3)


def test_one_pattern_differs_from_nothing():
    assert Templates(9.0, 1, [0], [[0.1, 0]], [1], 1.0).least_difference() == 1


def test_posterior_is_a_probability(templates, two_grains):
    normalized, _ = two_grains
    posterior, _ = templates.posterior(normalized)
    assert posterior.dtype == np.float32
    assert posterior.min() >= 0
    np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-5)


def test_posterior_finds_the_grains(templates, two_grains):
    normalized, labels = two_grains
    found = templates.posterior(normalized)[0].argmax(axis=0)
    assert (found == labels).mean() > 0.97


def test_patterns_in_another_order(templates, two_grains):
    normalized, _ = two_grains
    posterior, _ = templates.posterior(normalized)
    other = templates.only([1, 0]).posterior(normalized)[0]
    np.testing.assert_allclose(other, posterior[::-1], atol=1e-5)


def test_one_pattern_is_certain(one_crystal):
    templates = Templates(PERIOD, 1, [0, 0], REFLECTIONS[0], [0.3, 0.3], 0.5)
    posterior, _ = templates.posterior(one_crystal)
    np.testing.assert_array_equal(posterior, 1)


def test_patterns_without_reflections_are_as_likely(noise):
    templates = Templates(PERIOD, 2, [], [], [], 1.0)
    posterior, _ = templates.posterior(noise)
    np.testing.assert_allclose(posterior, 0.5, atol=1e-6)


def test_phases_follow_the_crystal(templates):
    frame, labels = two_lattices(noise=1.0)
    # A stacking fault: half a period, half way down.
    frame[75:] = np.roll(frame, 5, axis=1)[75:]
    normalized = NormalizedFrame(frame, None, PERIOD)
    found = templates.posterior(normalized)[0].argmax(axis=0)
    agree = spread(found, 3, SHAPE) == labels
    assert agree[:60].mean() > 0.96
    assert agree[90:, 10:].mean() > 0.94


def test_residuals_are_least_with_the_own_template(templates, two_grains):
    normalized, labels = two_grains
    posterior = np.stack([labels == 0, labels == 1]).astype(np.float32)
    residuals = templates.residuals(
        normalized, templates.components(normalized), posterior
    )
    own = np.where(labels == 0, residuals[0], residuals[1]).sum()
    other = np.where(labels == 0, residuals[1], residuals[0]).sum()
    # Half of the variance is noise; another template adds its own power.
    assert own / normalized.counts.sum() == pytest.approx(0.5, abs=0.05)
    assert other > 1.5 * own


def test_expected_intensities_are_the_crystal(templates, two_grains):
    normalized, labels = two_grains
    posterior = np.stack([labels == 0, labels == 1]).astype(np.float32)
    expected = templates.expected(normalized, posterior)
    assert expected.dtype == np.float32
    clean, _ = two_lattices(noise=0)
    assert np.corrcoef(expected.ravel(), clean.ravel())[0, 1] > 0.97


def test_log_likelihoods_are_of_the_own_pixels(templates, two_grains):
    normalized, _ = two_grains
    posterior, log_likelihood = templates.posterior(normalized)
    residuals = templates.residuals(
        normalized, templates.components(normalized), posterior
    )
    # Phases are those of the posterior of the round before, which hardly differs.
    expected = -0.5 * residuals / templates.noise
    off = np.abs(log_likelihood - expected)
    assert np.median(off) < 1e-4 * np.ptp(expected)


def test_a_part_is_as_in_the_whole_away_from_where_it_is_cut(templates):
    frame, _ = two_lattices(shape=(153, 720), at=360)
    whole = NormalizedFrame(frame, None, PERIOD)
    part = NormalizedFrame(frame[:, 90:], None, PERIOD, (0, 90))
    posterior, _ = templates.posterior(whole)
    of_part, _ = templates.posterior(part)
    # 24 periods from the cut.
    np.testing.assert_allclose(of_part[:, :, 72:], posterior[:, :, 102:], atol=2e-3)


def test_templates_are_shown_in_a_line(templates):
    found = len(templates.reflections)
    assert repr(templates) == (
        f"<Templates: {templates.n_patterns} patterns, period {PERIOD:.4g} px, "
        f"{found} reflections>"
    )
