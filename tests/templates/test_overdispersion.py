# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.overdispersion import NOTHING, overdispersion

from .conftest import PERIOD, SHAPE, lattice


def measured(noise, choices=((0, NOTHING),), other=None, posterior=None):
    """Dispersion of noise on the first lattice, whose template is known."""
    template = lattice(0).astype(np.float32)
    normalized = NormalizedFrame(template + noise, None, PERIOD)
    # Not normalised, so that the template is the lattice.
    normalized.pixels = (template + noise).astype(np.float32)
    templates = [template, np.zeros(SHAPE, np.float32) if other is None else other]
    if posterior is None:
        posterior = np.zeros((2, *normalized.counts.shape), np.float32)
        posterior[0] = 1
    return overdispersion(normalized, posterior, templates, noise.var(), choices)


def white(seed=0):
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


def coarse(side, seed=0):
    """Noise that is the same in squares of pixels."""
    few = np.random.default_rng(seed).normal(size=SHAPE)
    return np.kron(few, np.ones((side, side)))[: SHAPE[0], : SHAPE[1]]


def test_white_noise_has_none():
    (found,), (weight,) = measured(white())
    assert found == pytest.approx(1, abs=0.3)
    assert weight > 0


@pytest.mark.parametrize("side", [2, 3])
def test_noise_that_is_the_same_in_squares_counts_as_often(side):
    (found,), _ = measured(coarse(side))
    # Of waves of 9 pixels, which change a little within a square.
    assert found == pytest.approx(side**2, rel=0.35)


def test_size_of_the_noise_does_not_matter():
    expected, _ = measured(coarse(2))
    found, _ = measured(10 * coarse(2))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_an_amplitude_that_is_off_does_not_matter():
    off = 0.2 * lattice(0).astype(np.float32)
    found, _ = measured(white() + off)
    assert found[0] == pytest.approx(1, abs=0.35)


def test_another_pattern_or_nothing():
    # The other template is nothing, too.
    first, _ = measured(white(), [(0, 1)])
    second, _ = measured(white(), [(0, NOTHING)])
    np.testing.assert_array_equal(first, second)


def test_patterns_that_are_the_same_have_no_ratio():
    template = lattice(0).astype(np.float32)
    found, weights = measured(coarse(3), [(0, 1)], other=template)
    np.testing.assert_array_equal(found, 1)
    np.testing.assert_array_equal(weights, 0)


def test_a_pattern_without_pixels_has_none():
    found, weights = measured(coarse(3), [(1, 0)])
    np.testing.assert_array_equal(found, 1)
    np.testing.assert_array_equal(weights, 0)


def test_it_is_never_less_than_1():
    for seed in range(5):
        found, _ = measured(white(seed))
        assert found[0] >= 1


def test_no_choices():
    found, weights = measured(white(), [])
    assert found.shape == weights.shape == (0,)


def test_the_ratio_is_larger_with_more_pixels():
    posterior = np.zeros((2, 51, 66), np.float32)
    posterior[0, :, :33] = 1
    posterior[1, :, 33:] = 1
    _, half = measured(white(), posterior=posterior)
    _, everything = measured(white())
    assert half[0] == pytest.approx(everything[0] / 2, rel=0.1)


def test_windows_of_several_frames_do_not_touch():
    noise, template = coarse(2), lattice(0).astype(np.float32)
    alone = NormalizedFrame(template + noise, None, PERIOD)
    stack = NormalizedFrame.stacked([alone, alone])
    posterior = np.ones((1, *stack.counts.shape), np.float32)
    templates, choices = [np.stack([template, template])], [(0, NOTHING)]
    found, weight = overdispersion(stack, posterior, templates, 1.0, choices)
    expected, half = overdispersion(alone, posterior[:, 0], [template], 1.0, choices)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(weight, 2 * half)
