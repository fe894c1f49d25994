# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern import Pattern
from hyperspy_symseg.templates.pattern_spectrum import SpectrumCrops

from .conftest import PERIOD, SHAPE


def wave(gy, gx):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.cos(2 * np.pi * (gy * y + gx * x))


def pattern_of(*frames):
    frames = [NormalizedFrame(each, None, PERIOD) for each in frames]
    stack = NormalizedFrame.stacked(frames)
    ones = np.ones((1, *stack.counts.shape), np.float32)
    return Pattern(stack, SpectrumCrops(stack), ones[0], PERIOD), ones


def measured(*frames, rounds=1):
    pattern, weights = pattern_of(*frames)
    pattern.relate([])
    for _ in range(rounds):
        pattern.fit(weights)
    return pattern


def test_reflections_move_to_where_their_phases_say():
    # Between the bins of a crop of 72 pixels.
    pattern = measured(wave(0.0213, 0.1091), rounds=3)
    np.testing.assert_allclose(pattern.reflections, [[0.0213, 0.1091]], atol=1e-4)


def test_what_has_moved_stays_there():
    few, many = (measured(wave(0.0213, 0.1091), rounds=n) for n in (4, 5))
    np.testing.assert_array_equal(few.reflections, many.reflections)


def test_cells_are_turned_to_what_they_have_when_weighed_again():
    frames = wave(0.0213, 0.1091) + 0.5 * wave(0.11, 0.0), wave(0.0, 0.1107)
    pattern, weights = pattern_of(*frames)
    pattern.relate([])
    pattern.weigh(weights[0])
    before = pattern._cells.copy()
    pattern.move()
    moved = pattern._cells.copy()
    pattern.weigh(weights[0])
    size = np.abs(pattern._cells).max()
    np.testing.assert_allclose(moved, pattern._cells, atol=0.05 * size)
    assert np.abs(before - pattern._cells).max() > 0.3 * size


def test_amplitudes_are_of_all_frames():
    # One frame in two has the wave; both are normalised.
    noise = np.random.default_rng(0).normal(size=SHAPE)
    pattern = measured(wave(0, 1 / 9), noise)
    alone = measured(wave(0, 1 / 9))
    assert pattern.amplitudes[0] == pytest.approx(alone.amplitudes[0] / 2, rel=0.1)


def test_templates_are_the_waves():
    frame = wave(0, 1 / 9)
    pattern, weights = pattern_of(frame)
    pattern.relate([])
    [[template]] = pattern.fit(weights)
    assert template.dtype == np.float32
    # A cosine of variance 1 is sqrt(2) high.
    inside = np.s_[30:-30, 30:-30]
    np.testing.assert_allclose(template[inside], np.sqrt(2) * frame[inside], atol=0.1)


def test_what_is_learnt_is_what_counts():
    pattern = measured(wave(0, 1 / 9))
    learnt = pattern.learnt()
    np.testing.assert_array_equal(learnt["reflections"], pattern.reflections)
    np.testing.assert_array_equal(learnt["amplitudes"], pattern.amplitudes)
    assert len(learnt) == 2


def test_a_weak_wave_beside_a_strong_one_does_not_count():
    found = measured(wave(0, 1 / 9) + 0.02 * wave(1 / 9, 0)).reflections
    assert found.shape == (1, 2)


def test_noise_has_no_reflections():
    pattern, weights = pattern_of(np.random.default_rng(5).normal(size=SHAPE))
    pattern.relate([])
    [template] = pattern.fit(weights)
    assert pattern.reflections.shape == (0, 2)
    assert not template.any()


def test_a_relative_lends_its_reflections():
    strong, weak = np.array([0.0, 1.0]) / PERIOD, np.array([0.83, 0.0]) / PERIOD
    noise = np.random.default_rng(0).normal(size=SHAPE)
    frame = 0.6 * wave(*strong) + 0.06 * wave(*weak) + noise
    pattern, weights = pattern_of(frame)
    # The same crystal, turned by 60 degrees.
    cosine, sine = 0.5, np.sqrt(0.75)
    other = np.array([strong, weak]) @ np.array([[cosine, sine], [-sine, cosine]])
    before = len(pattern.strong_reflections())
    pattern.relate([other])
    pattern.weigh(weights[0])
    pattern.measure()
    assert before == 1
    assert np.hypot(*(np.abs(pattern.reflections) - weak).T).min() < 0.004
