# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.pattern_template import PatternTemplate

# a = (0, 4) and b = (5, 0), both (y, x), have these reciprocal vectors.
CELL = np.array([[0, 1 / 4], [1 / 5, 0]])


@pytest.fixture(scope="module")
def templates():
    """A crystal with two motifs, free phases, and nothing."""
    return Templates(
        period=5.0,
        n_patterns=4,
        patterns=[0, 0, 1, 2],
        reflections=[CELL[0], CELL[1], CELL[0], (0.1, 0.2)],
        amplitudes=[0.5, 0.25, 0.5, 0.3],
        noise=2.0,
        phases=[0, np.pi / 2, np.pi, 0],
        indices=[(1, 0), (0, 1), (1, 0), (0, 0)],
        crystals=[0, 0, -1, -1],
        cells=[CELL],
        widths=[3.0],
        n_pixels=[400, 100, 25, 0],
    )


def test_kinds(templates):
    kinds = [PatternTemplate.of(templates, k).kind for k in range(4)]
    assert kinds == ["crystal", "crystal", "free phases", "no lattice"]


def test_lattice_vectors(templates):
    pattern = PatternTemplate.of(templates, 0)
    np.testing.assert_allclose([pattern.a, pattern.b], [(0, 4), (5, 0)], atol=1e-12)
    assert pattern.angle == pytest.approx(90)


def test_structure_factors(templates):
    pattern = PatternTemplate.of(templates, 0)
    np.testing.assert_array_equal(pattern.indices, [(1, 0), (0, 1)])
    np.testing.assert_allclose(pattern.structure_factors, [0.5, 0.25j], atol=1e-12)


def test_free_phases_have_no_factors(templates):
    pattern = PatternTemplate.of(templates, 2)
    assert pattern.a is pattern.structure_factors is pattern.indices is None
    assert np.isnan(pattern.angle)


def test_patterns_on_one_lattice(templates):
    on_it = [PatternTemplate.of(templates, k).on_its_lattice for k in range(4)]
    assert on_it == [(1,), (0,), (), ()]


def test_standard_error(templates):
    errors = [PatternTemplate.of(templates, k).standard_error for k in range(3)]
    np.testing.assert_allclose(errors, [0.05, 0.1, 0.2])


def test_no_standard_error_of_unknown_pixels(templates):
    assert np.isnan(PatternTemplate.of(templates, 3).standard_error)


def test_mean_of_a_crystal(templates):
    y, x = np.array([0.0, 1.25, 2.0]), np.array([0.0, 1.0, 3.0])
    expected = np.cos(2 * np.pi * x / 4) + 0.5 * np.cos(2 * np.pi * y / 5 + np.pi / 2)
    np.testing.assert_allclose(PatternTemplate.of(templates, 0).mean(y, x), expected)


def test_mean_is_the_patterson_function_of_free_phases(templates):
    pattern = PatternTemplate.of(templates, 2)
    expected = 2 * 0.09 * np.cos(2 * np.pi * (0.1 * 3 + 0.2 * 2))
    assert pattern.mean(3, 2) == pytest.approx(expected)


def test_mean_of_nothing(templates):
    assert not PatternTemplate.of(templates, 3).mean(np.arange(3), 0).any()


def test_in_one_line(templates):
    assert repr(PatternTemplate.of(templates, 0, "wall")) == (
        "<PatternTemplate 'wall': crystal, 4 x 5 px, 90.0 degrees, 2 reflections>"
    )


def test_cannot_be_changed(templates):
    with pytest.raises(dataclasses.FrozenInstanceError):
        PatternTemplate.of(templates, 0).a = None
