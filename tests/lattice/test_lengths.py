# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from hyperspy_symseg.descriptors import make_descriptor
from hyperspy_symseg.descriptors.registry import DESCRIPTORS
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.lattice import Lengths, Periods, suitable_lengths


def periods(period, share):
    powers = np.array([share])
    return Periods(period, np.array([[0, 0.1]]), powers, powers, None)


NO_PERIOD = Periods(None, np.empty((0, 2)), np.empty(0), np.empty(0), None)


def test_lengths_of_a_period_of_12_pixels_are_those_without_one():
    found = suitable_lengths(periods(12, 0.5), (512, 512))
    assert found == suitable_lengths(NO_PERIOD, (512, 512))
    assert found == Lengths(20, 21, 5, 20, 21, 1)


def test_they_are_the_defaults_of_the_descriptors():
    for name in DESCRIPTORS:
        expected = make_descriptor(name)
        assert make_descriptor(name, **Lengths().parameters(name)) == expected


def test_lengths_of_three_times_the_period():
    found = suitable_lengths(periods(36, 0.5), (1024, 1024))
    assert found == Lengths(61, 63, 15, 61, 63, 3)


def test_patch_grows_in_noise_up_to_three_periods():
    # sqrt(43 * 0.97 / 0.03) is 37.3, which is more than 36.
    patches = [
        suitable_lengths(periods(12, share), (512, 512)).patch
        for share in (0.2, 0.05, 0.03, 0.001)
    ]
    assert patches == [20, 29, 36, 36]


def test_only_the_patch_of_translations_grows_in_noise():
    noisy = suitable_lengths(periods(12, 0.01), (512, 512))
    assert dataclasses.replace(noisy, patch=20) == Lengths()


def test_patch_is_that_of_the_electrons_not_of_the_pixels():
    # Three times as many pixels have a ninth of the signal to noise each.
    fine = suitable_lengths(periods(36, 0.05 / 0.95 / 9), (1024, 1024))
    assert fine.patch == pytest.approx(3 * 29, abs=2)


def test_moire_is_neither_signal_nor_noise():
    # Of atoms of 12 px, and of a moire of 40 px: sqrt(43 * 0.05 / 0.05) is 6.6 px, less
    # than 1.7 periods; sqrt(43 * 0.1 / 0.01) is 20.7, and more.
    frequencies = np.array([[0, 1 / 40], [1 / 12, 0]])
    for atoms, noise, patch in ((0.05, 0.05, 20), (0.01, 0.1, 21)):
        powers = np.array([1 - atoms - noise, atoms])
        found = Periods(12, frequencies, powers, powers, None)
        assert suitable_lengths(found, (512, 512)).patch == patch


def test_all_of_the_variance_is_no_noise():
    assert suitable_lengths(periods(12, 1.0), (512, 512)).patch == 20


@given(
    st.none() | st.floats(3, 100),
    st.floats(1e-4, 1),
    st.tuples(st.integers(3, 200), st.integers(3, 200)),
)
def test_descriptors_take_any_frame(period, share, shape):
    found = NO_PERIOD if period is None else periods(period, share)
    lengths = suitable_lengths(found, shape)
    Grid.over(shape, (lengths.stride, lengths.stride))
    for name in DESCRIPTORS:
        make_descriptor(name, **lengths.parameters(name)).check_frame(shape)


def test_no_such_descriptor_has_no_lengths():
    assert Lengths().parameters("inversion") == {}
