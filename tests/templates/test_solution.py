# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.solution import Group, Solution, cheapest

from .conftest import PERIOD


def made_up(variance=0.5, length=30, n_reflections=4, labels=0, **crystals):
    templates = Templates(
        **{
            "period": PERIOD,
            "n_patterns": 2,
            "patterns": [0] * n_reflections,
            "reflections": np.zeros((n_reflections, 2)),
            "amplitudes": np.ones(n_reflections),
            "noise": 1.0,
        }
        | crystals
    )
    return Solution(
        templates, [], None, np.array(labels), None, 2000.0, variance, length
    )


def test_hand_worked_cost():
    # 1000 independent pixels: half of them times the logarithm of the variance,
    # 1.5 a block of boundary, and 12 numbers at half the logarithm of 1000.
    expected = 500 * np.log(0.5) + 1.5 * 30 + 6 * np.log(1000)
    assert made_up().cost(2.0) == pytest.approx(expected)


def test_cost_grows_with_what_is_to_be_paid_for():
    cost = made_up().cost(2.0)
    assert made_up(variance=0.6).cost(2.0) > cost
    assert made_up(length=31).cost(2.0) > cost
    assert made_up(n_reflections=5).cost(2.0) > cost


def test_hand_worked_cost_of_a_crystal():
    # As above, with 8 numbers: phases are tied.
    cell = np.eye(2) / PERIOD
    indices = np.array([[1, 0], [0, 1], [1, 1], [-1, 1]])
    crystal = {"crystals": [0, -1], "cells": [cell], "widths": [3.0]}
    waves = {"phases": np.zeros(4), "indices": indices, "reflections": indices @ cell}
    expected = 500 * np.log(0.5) + 1.5 * 30 + 4 * np.log(1000)
    assert made_up(**crystal, **waves).cost(2.0) == pytest.approx(expected)


def test_misfit_is_the_cost_without_boundaries():
    assert made_up().misfit(2.0) == pytest.approx(made_up(length=0).cost(2.0))
    assert made_up(length=31).misfit(2.0) == made_up().misfit(2.0)


def test_cells_of_the_smallest_pattern():
    first, second = np.zeros((2, 6, 6), int)
    # 27 blocks of pattern 0, 18 and 18 of pattern 1.
    first[:3] = second[:3] = 1
    second[3:, 3:] = 0
    first[3:, :3] = 1
    assert made_up(labels=[first, second]).cells().min() == 3


def test_a_pattern_without_blocks_has_no_cells():
    assert made_up(labels=np.zeros((4, 5), int)).cells().min() == 0


@pytest.mark.parametrize(
    ("n_cells", "smaller", "has_other", "are_few"),
    [
        (19, 1, True, True),
        (20, 1, True, False),
        (19, 0, True, True),
        # The only crystal.
        (9, 0, False, True),
        (10, 0, False, False),
    ],
)
def test_a_pattern_needs_cells_and_a_particle_half_as_many(
    n_cells, smaller, has_other, are_few
):
    labels = np.full((9, 60), 1 - smaller)
    labels.flat[: 9 * n_cells] = smaller
    patterns = [0, 0, 1, 1] if has_other else [0, 0, 0, 0]
    assert made_up(labels=labels, patterns=patterns).has_few_cells() == are_few


def test_cells_of_a_crystal_count_where_they_are_large():
    labels = np.zeros((6, 9), int)
    labels[:, :3] = 1
    # 4 cells of a period and 2; those of the first pattern's crystal are of 5 x 1
    # periods, and count twice.
    cell = np.diag([0.2, 1]) / PERIOD
    indices = np.array([[1, 0], [0, 1], [1, 1], [-1, 1]])
    crystal = {"crystals": [0, -1], "cells": [cell], "widths": [3.0]}
    waves = {"phases": np.zeros(4), "indices": indices, "reflections": indices @ cell}
    assert made_up(labels=labels).cells().min() == pytest.approx(2)
    found = made_up(labels=labels, **crystal, **waves).cells().min()
    assert found == pytest.approx(4 / 2.5)


def test_edges_between_motifs_that_little_tells_apart_count_less():
    class Learner:
        def window_of_evidence(self, patterns):
            # Only the first two motifs are alike.
            return 1.2 if patterns == [0, 1] else None

    labels = np.array([[0, 0, 1, 2], [0, 0, 1, 2], [0, 0, 1, 2]])
    solution = replace(
        made_up(labels=labels, n_patterns=3), groups=[Group(Learner(), [0, 1, 2])]
    )
    # Three edges of each kind.
    expected = 3 / 2 + 3 / (1.2 * np.sqrt(4 * np.pi))
    assert solution.weighted_length == pytest.approx(expected)


@pytest.mark.parametrize(("amplitude", "share"), [(0.22, 0.5), (0.1, 0.5), (0.24, 1)])
def test_edges_between_lattices_that_little_tells_apart_count_less(amplitude, share):
    # Amplitudes of 0.22 leave 0.903 of the variance, and differ in 0.0968: a cell of
    # 81 pixels has 8.7 nats. With 0.24 it has 10.5.
    crystals = {
        "patterns": [0, 1],
        "reflections": np.array([[1, 0], [0, 1]]) / PERIOD,
        "amplitudes": [amplitude, amplitude],
    }
    solution = made_up(labels=[[0, 0, 1, 1], [0, 0, 1, 1]], **crystals)
    assert solution.weighted_length == pytest.approx(2 * share, rel=1e-3)


@pytest.mark.parametrize(("noise", "chosen"), [(0.5, 0), (9.0, 1)])
def test_what_follows_amorphous_material_is_not_worth_boundaries(noise, chosen):
    # 22 nats of 1000 independent pixels, or 2.5 of 111, for 10 edges of 1.5 each.
    follows = made_up(variance=0.478, length=40, noise=noise)
    solutions = follows, made_up(variance=0.5, length=30, noise=noise)
    assert cheapest(solutions) is solutions[chosen]


@pytest.mark.parametrize("white", [0, 1])
def test_the_whitest_noise_counts(white):
    # The other one has found less than there is.
    solutions = made_up(variance=0.478, length=40), made_up(noise=9.0)
    solutions = solutions[::-1] if white else solutions
    assert cheapest(solutions) is solutions[white]
