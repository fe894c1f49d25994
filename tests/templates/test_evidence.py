# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from hyperspy_symseg.templates.evidence import gain, has_rim
from hyperspy_symseg.templates.learning import everywhere, learn
from hyperspy_symseg.templates.model_selection import start_from_labels
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern_spectrum import SpectrumCrops
from hyperspy_symseg.templates.potts import COUPLING
from hyperspy_symseg.templates.solution import Group

from .conftest import PERIOD, REFLECTIONS, SHAPE, block_labels, lattice
from .test_solution import made_up

COLUMNS = np.arange(SHAPE[1]) * np.ones((SHAPE[0], 1), int)


def solved(normalized, labels=None, rounds=3):
    """Solution for the patterns of some labels, or for one."""
    start = everywhere(normalized)
    if labels is not None:
        start = start_from_labels(labels, int(labels.max()) + 1)
    return learn(normalized, SpectrumCrops(normalized), PERIOD, start, rounds)


def gained(frame, labels):
    """What the patterns of some labels gain over one."""
    normalized = NormalizedFrame(frame, None, PERIOD)
    two = solved(normalized, block_labels(labels))
    return gain(normalized, two, solved(normalized))


def white(seed=0):
    return np.random.default_rng(seed).normal(size=SHAPE)


def test_a_second_lattice_gains():
    frame = np.where(COLUMNS < 90, lattice(0), lattice(1)) + white()
    assert gained(frame, (COLUMNS >= 90).astype(int)) > 500


def test_the_same_lattice_twice_gains_nothing():
    assert gained(lattice(0) + white(), (COLUMNS >= 90).astype(int)) < 0


def test_contrast_that_fades_gains_nothing():
    fading = np.where(COLUMNS < 90, 1.0, 0.6)
    assert gained(fading * lattice(0) + white(), (COLUMNS >= 90).astype(int)) < 0


def test_a_step_of_the_mean_hides_no_crystal():
    # The rim of what ends in vacuum is five times as high as the contrast.
    inside = COLUMNS < 90
    frame = np.where(inside, 10 + 2 * lattice(0), 0.0) + white()
    assert gained(frame, (~inside).astype(int)) > 100


def test_islands_that_are_not_worth_their_edges_do_not_count():
    frame = np.where(COLUMNS < 90, lattice(0), 0) + white()
    normalized = NormalizedFrame(frame, None, PERIOD)
    labels = block_labels((COLUMNS >= 90).astype(int))
    found, one = solved(normalized, labels), solved(normalized)
    assert found.weighted_length == 51
    islands = found.labels.copy()
    # Two by two blocks of noise, each with eight edges.
    islands[..., 4:44:8, 40:64:6] = islands[..., 5:45:8, 40:64:6] = 0
    islands[..., 4:44:8, 41:65:6] = islands[..., 5:45:8, 41:65:6] = 0
    several = relabelled(found, islands)
    assert several.weighted_length == 51 + 20 * 8
    with_edges = gain(normalized, several, one)
    paid = gain(normalized, several, one, cost=0) - with_edges
    assert paid == pytest.approx(COUPLING * 51)


def test_a_pattern_may_have_all_of_a_small_frame():
    # 9 x 9 blocks: nothing is around it, whatever it explains.
    crystal = 0.7 * lattice(0, (27, 27))
    noise = np.random.default_rng(0).normal(size=(8, 27, 27))
    normalized = NormalizedFrame.stacked(
        [NormalizedFrame(crystal + each, None, PERIOD) for each in noise]
    )
    labels = np.zeros(normalized.counts.shape, int)
    labels[::2] = 1
    two = relabelled(solved(normalized, labels), labels)
    assert gain(normalized, two, solved(normalized)) < 0


@pytest.fixture
def gain_of_halves(monkeypatch):
    """Gives what two patterns gain over one, of blocks of two halves of a frame."""

    def gain_of(labels, two, powers=(0.3, 0.0), weak=0.2):
        """Of labels and losses of blocks, where one pattern loses 1 nat everywhere."""
        crystals = {"patterns": [0, 1], "reflections": [[0.1, 0], [0, 0.1]]}
        amplitudes = np.sqrt(2 * np.array(powers))
        found = made_up(labels=labels, amplitudes=amplitudes, **crystals)
        amplitudes = np.sqrt([2 * weak])
        one = made_up(
            labels=np.zeros_like(labels),
            n_patterns=1,
            n_reflections=1,
            amplitudes=amplitudes,
        )
        noise = np.ones(labels.shape)
        losses = {id(found): 2.0 * two, id(one): 2 * noise}
        monkeypatch.setattr(
            "hyperspy_symseg.templates.evidence._losses_and_noise",
            lambda frame, solution, labels: (losses[id(solution)], noise),
        )
        return gain(SimpleNamespace(counts=4 * noise), found, one)

    return gain_of


HALVES = np.indices((20, 40))[1] // 20
# Of 20 edges between halves; and of the three numbers of a reflection, by 800 blocks of
# 4 pixels of variance 0.5.
PRICE = 1.5 * 20 + 1.5 * np.log(800 * 4 * 0.5)


@pytest.mark.parametrize(("lost", "counts"), [(0.5, False), (-2.5, True)])
def test_hand_worked_gain_with_an_island(lost, counts, gain_of_halves):
    """Of the only crystal, where it is worth less, or more, than its 16 edges."""
    labels, losses = HALVES.copy(), HALVES * 1.0
    labels[4:8, 30:34], losses[4:8, 30:34] = 0, 1 + lost
    worth = 16 * 2.5 - 1.5 * 16 if counts else 0
    expected = 400 - PRICE + worth
    assert gain_of_halves(labels, losses) == pytest.approx(expected)


def test_a_small_frame_of_one_pattern_is_no_island(gain_of_halves):
    """Each pattern has a frame of its own, and that of the crystal fits worse."""
    labels = np.indices((2, 10, 10))[0]
    expected = -50 - 1.5 * np.log(200 * 4 * 0.5)
    assert gain_of_halves(labels, 1.5 - 0.5 * labels) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("power", "weak", "follows"), [(0, 0.05, True), (0, 0.2, False), (0.3, 0.05, False)]
)
def test_hand_worked_gain_where_one_pattern_follows(
    power, weak, follows, gain_of_halves
):
    """In the second half, a weak crystal of one pattern explains more."""
    expected = 400 * (1 - (0 if follows else 0.5)) - PRICE
    found = gain_of_halves(HALVES, 1.5 * HALVES, (0.3, power), weak)
    assert found == pytest.approx(expected)


def test_a_gain_of_a_solution_over_itself_is_nothing():
    normalized = NormalizedFrame(lattice(0) + white(), None, PERIOD)
    one = solved(normalized)
    assert gain(normalized, one, one) == 0


def relabelled(solution, labels):
    """Solution whose labels are others."""
    return dataclasses.replace(solution, labels=labels)


@pytest.mark.parametrize(("width", "is_rim"), [(2, True), (12, False)])
def test_a_thin_pattern_of_others_reflections_is_a_rim(width, is_rim):
    frame = np.where(COLUMNS < 90, lattice(0), lattice(1)) + 0.1 * white()
    both = (lattice(0) + lattice(1)) / 2 + 0.1 * white(1)
    side = width * PERIOD // 2
    labels = np.where(COLUMNS < 90, 0, 1)
    labels[np.abs(COLUMNS - 90) <= side] = 2
    frame = np.where(labels == 2, both, frame)
    normalized = NormalizedFrame(frame, None, PERIOD)
    found = solved(normalized, block_labels(labels), rounds=1)
    found = relabelled(found, block_labels(labels))
    assert has_rim(found) == is_rim


@pytest.mark.parametrize(("left", "is_rim"), [(1.9, False), (2.1, True)])
def test_a_pattern_that_leaves_more_than_the_frame_has_is_a_rim(left, is_rim):
    frame = np.where(COLUMNS < 90, lattice(0), lattice(1)) + white()
    found = solved(NormalizedFrame(frame, None, PERIOD), block_labels(COLUMNS < 90))
    templates = dataclasses.replace(found.templates, variances=[0.5, left])
    assert has_rim(dataclasses.replace(found, templates=templates)) == is_rim


def test_a_thin_lattice_of_its_own_is_no_rim():
    thin = np.abs(COLUMNS - 90) <= PERIOD
    frame = np.where(thin, lattice(1), lattice(0)) + 0.1 * white()
    normalized = NormalizedFrame(frame, None, PERIOD)
    labels = block_labels(thin.astype(int))
    found = solved(normalized, labels, rounds=1)
    assert not has_rim(relabelled(found, labels))


@pytest.mark.parametrize(
    ("powers", "is_rim"),
    [
        # Beside another motif, and vacuum, as where a particle ends.
        ([0.6, 0.3, 0.01], True),
        # Beside another motif, and another crystal.
        ([0.6, 0.3, 0.5], False),
        # A sheet in vacuum.
        ([0, 0.3, 0.01], False),
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_a_thin_pattern_is_a_rim_where_a_crystal_ends(powers, is_rim, alone):
    labels = np.where(COLUMNS < 90, 0, 2)
    labels[np.abs(COLUMNS - 90) <= PERIOD] = 1
    found = made_up(
        labels=block_labels(labels),
        n_patterns=3,
        patterns=np.arange(3),
        reflections=REFLECTIONS[0][:1] * [[1], [2], [3]],
        amplitudes=np.sqrt(2 * np.array(powers)),
    )
    groups = [] if alone else [Group(None, [0, 1])]
    assert has_rim(dataclasses.replace(found, groups=groups)) == is_rim


@pytest.mark.parametrize(("right", "is_rim"), [(2, True), (0, False)])
def test_a_thin_motif_between_two_others_is_a_rim(right, is_rim):
    """In one other motif, it is a film."""
    labels = np.where(COLUMNS < 90, 0, right)
    labels[np.abs(COLUMNS - 90) <= PERIOD] = 1
    labels[:, :10] = 2
    found = made_up(
        labels=block_labels(labels),
        n_patterns=3,
        patterns=np.arange(3),
        reflections=REFLECTIONS[0][:1] * [[1], [1], [1]],
        amplitudes=np.ones(3),
    )
    groups = [Group(None, [0, 1, 2])]
    assert has_rim(dataclasses.replace(found, groups=groups)) == is_rim
