# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from hyperspy_symseg.simulate import Lattice, micrograph
from hyperspy_symseg.templates import motifs
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.crystal_learner import CrystalLearner
from hyperspy_symseg.templates.evidence import gain
from hyperspy_symseg.templates.learning import learn, relearnt
from hyperspy_symseg.templates.motifs import (
    are_one_crystal,
    change_slowly,
    motif_split,
    with_second_motif,
)
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern_spectrum import SpectrumCrops
from hyperspy_symseg.templates.potts import COUPLING, most_probable
from hyperspy_symseg.templates.refusals import FEWEST_CELLS
from hyperspy_symseg.templates.solution import Group

SHAPE = (126, 198)
PERIOD = 12.0
# Columns of the first motif, in pixels.
AT = 96


def frame_of(lattices, period=PERIOD, at=AT, seed=3):
    """NormalizedFrame, first lattice on the left; and whether a block is the second."""
    labels = np.zeros(SHAPE, int)
    labels[:, at:] = 1
    # One origin and ramp, so that the lattice goes on across the boundary.
    frames = [
        micrograph(lattice, SHAPE, dose=30, jitter=0, seed=seed)[0].data
        for lattice in lattices
    ]
    frame = NormalizedFrame(np.where(labels, *frames[::-1]), None, period)
    return frame, sum_blocks(labels, frame.block) / frame.counts > 0.5


def one_pattern(frame, cell=None, period=PERIOD):
    """Solution with one pattern, a crystal."""
    learner = CrystalLearner(frame, CELL if cell is None else cell, 3.0, period)
    ones = np.ones((1, *frame.counts.shape), np.float32)
    return relearnt(frame, [Group(learner, [0])], ones, period, 2)


def polar(off):
    """Second column off-centre by a fraction of the cell."""
    return Lattice.square(12, 4, [(0, 0, 1), (0.5, 0.5 + off, 0.6)])


def ordered(by):
    """Two columns along a, one heavier by as much as the other is lighter."""
    return Lattice.rectangular(18, 9, 4, [(0, 0, 1 + by), (0.5, 0, 1 - by)])


def reciprocal(lattice):
    """Rows of the inverse are reciprocal to columns: a* and b* to a and b."""
    return np.linalg.inv(np.array(lattice.vectors)).T


CELL = reciprocal(polar(0))
# Without order, a is half as long.
DISORDERED = reciprocal(ordered(0)) * [[2], [1]]


@pytest.fixture(scope="module")
def two_motifs():
    """Second column off-centre by 6 %, either way: frame, truth, solution for one."""
    frame, second = frame_of([polar(0.06), polar(-0.06)])
    return frame, second, one_pattern(frame)


@pytest.fixture(scope="module")
def order():
    """Ordered columns, of twice the cell, on the right."""
    frame, second = frame_of([ordered(0), ordered(0.25)], 9.0)
    return frame, second, one_pattern(frame, DISORDERED, 9.0)


@pytest.fixture(scope="module")
def two_lattices():
    """One motif on the left, and another lattice on the right: solution for two."""
    other = Lattice.square(11, 33)
    frame, second = frame_of([polar(0.06), other])
    own = np.where(second, 0.9, 0.1)
    start = np.stack([1 - own, own]).astype(np.float32)
    groups = [
        Group(CrystalLearner(frame, reciprocal(lattice), 3.0, PERIOD), [number])
        for number, lattice in enumerate((polar(0), other))
    ]
    return frame, relearnt(frame, groups, start, PERIOD, 2)


def agreement(found, second):
    """Share of the blocks that are right, whichever of two motifs comes first."""
    share = np.mean(found == second)
    return max(share, 1 - share)


def test_start_is_where_the_second_motif_is(two_motifs):
    frame, second, solution = two_motifs
    _, posterior = motif_split(frame, solution, 0)
    assert agreement(posterior[1] > 0.5, second) > 0.93


def test_start_is_that_of_blocks_that_are_one_or_the_other(two_motifs):
    frame, _, solution = two_motifs
    _, posterior = motif_split(frame, solution, 0)
    assert posterior.shape == (2, *frame.counts.shape)
    assert posterior.dtype == np.float32
    np.testing.assert_allclose(posterior.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(posterior.max(axis=0), 0.95, atol=1e-6)


def test_the_two_patterns_are_one_group(two_motifs):
    frame, _, solution = two_motifs
    [group], _ = motif_split(frame, solution, 0)
    assert group.patterns == [0, 1]
    assert isinstance(group.learner, CrystalLearner)
    first, second = group.learner.factors
    np.testing.assert_array_equal(first, second)


def test_the_solution_is_left_as_it_was(two_motifs):
    frame, _, solution = two_motifs
    before, factors = solution.posterior.copy(), solution.groups[0].learner.factors
    motif_split(frame, solution, 0)
    np.testing.assert_array_equal(solution.posterior, before)
    assert solution.groups[0].patterns == [0]
    assert len(solution.groups[0].learner.factors) == len(factors) == 1


def test_a_split_is_the_same_every_time(two_motifs):
    frame, _, solution = two_motifs
    _, first = motif_split(frame, solution, 0)
    _, second = motif_split(frame, solution, 0)
    np.testing.assert_array_equal(first, second)


def test_patterns_that_start_so_are_the_motifs(two_motifs):
    frame, second, solution = two_motifs
    found = relearnt(frame, *motif_split(frame, solution, 0), PERIOD, 4)
    assert agreement(found.labels == 1, second) > 0.96
    np.testing.assert_array_equal(found.templates.crystals, [0, 0])


def test_two_motifs_explain_more_than_one(two_motifs):
    frame, _, solution = two_motifs
    found = relearnt(frame, *motif_split(frame, solution, 0), PERIOD, 4)
    assert found.variance < 0.95 * solution.variance
    assert found.cost(2.0) < solution.cost(2.0)


def test_motifs_of_one_cell_keep_the_cell(two_motifs):
    frame, _, solution = two_motifs
    [group], _ = motif_split(frame, solution, 0)
    np.testing.assert_array_equal(group.learner.cell, CELL)


def test_a_small_second_motif_is_found():
    frame, second = frame_of([polar(0.06), polar(-0.06)], at=150)
    _, posterior = motif_split(frame, one_pattern(frame), 0)
    assert agreement(posterior[1] > 0.5, second) > 0.9


def test_without_a_second_motif_one_pattern_is_as_good():
    frame, _ = frame_of([polar(0.06), polar(0.06)])
    solution = one_pattern(frame)
    found = relearnt(frame, *motif_split(frame, solution, 0), PERIOD, 4)
    assert found.variance == pytest.approx(solution.variance, rel=0.02)
    assert found.cost(2.0) > solution.cost(2.0)


def test_cell_of_columns_that_are_ordered_in_a_part_is_twice_as_large(order):
    frame, _, solution = order
    [group], _ = motif_split(frame, solution, 0)
    # Before, it is a square of 9 pixels.
    assert abs(np.linalg.det(group.learner.cell)) == pytest.approx(1 / 162)


def test_supercell_is_that_of_the_order(order):
    frame, _, solution = order
    [group], _ = motif_split(frame, solution, 0)
    times = group.learner.cell @ np.linalg.inv(reciprocal(ordered(0)))
    np.testing.assert_allclose(times, np.rint(times), atol=1e-6)


def test_start_is_where_columns_are_ordered(order):
    frame, second, solution = order
    _, posterior = motif_split(frame, solution, 0)
    assert agreement(posterior[1] > 0.5, second) > 0.9


def test_a_few_ordered_columns_are_found_at_few_counts():
    y, x = np.indices((180, 198))
    labels = (y - 90) ** 2 + (x - 100) ** 2 < 42**2
    frames = [
        micrograph(ordered(by), labels.shape, dose=3, jitter=0, seed=4)[0].data
        for by in (0, 0.25)
    ]
    frame = NormalizedFrame(np.where(labels, *frames[::-1]), None, 9.0)
    second = sum_blocks(labels.astype(int), frame.block) / frame.counts > 0.5
    found = with_second_motif(frame, one_pattern(frame, DISORDERED, 9.0), 0)
    assert agreement(found.labels == 1, second) > 0.93


def test_motifs_of_displaced_columns_gain_little():
    # The motif of some cells is another one by chance; cells near by are independent.
    shape = 180, 198
    pixels = micrograph(polar(0), shape, dose=100, jitter=0.02, seed=2)[0].data
    frame = NormalizedFrame(pixels, None, PERIOD)
    one = one_pattern(frame)
    assert gain(frame, with_second_motif(frame, one, 0), one) < 100


def test_order_is_a_pattern(order):
    frame, second, solution = order
    found = relearnt(frame, *motif_split(frame, solution, 0), 9.0, 5)
    assert agreement(found.labels == 1, second) > 0.94


def test_only_one_of_the_patterns_is_split(two_lattices):
    frame, solution = two_lattices
    groups, posterior = motif_split(frame, solution, 0)
    assert posterior.shape == (3, *frame.counts.shape)
    np.testing.assert_array_equal(posterior[1], solution.posterior[1])
    both = posterior[[0, 2]].sum(axis=0)
    np.testing.assert_allclose(both, solution.posterior[0], atol=1e-6)
    assert [group.patterns for group in groups] == [[1], [0, 2]]
    assert groups[0] is solution.groups[1]


def free_solution(frame):
    """One pattern, with free phases."""
    ones = np.ones((1, *frame.counts.shape), np.float32)
    return learn(frame, SpectrumCrops(frame), PERIOD, ones, 2)


def test_a_pattern_with_free_phases_is_split_as_a_crystal(two_motifs):
    frame, second, _ = two_motifs
    [group], posterior = motif_split(frame, free_solution(frame), 0)
    assert isinstance(group.learner, CrystalLearner)
    assert group.patterns == [0, 1]
    assert agreement(posterior[1] > 0.5, second) > 0.9


def test_what_has_no_lattice_is_not_split():
    noise = np.random.default_rng(0).normal(size=SHAPE)
    frame = NormalizedFrame(noise, None, PERIOD)
    assert motif_split(frame, free_solution(frame), 0) is None


def test_a_crystal_without_structure_factors_is_not_split(two_motifs):
    # As what a small pattern may end with.
    frame, _, one = two_motifs
    solution = one_pattern(frame)
    solution.groups[0].learner.factors = np.zeros_like(one.groups[0].learner.factors)
    assert motif_split(frame, solution, 0) is None


def test_only_the_blocks_of_a_pattern_are_split():
    """Two motifs on the left, and another lattice on the right."""
    lattices = polar(0.06), polar(-0.06), Lattice.square(11, 33)
    places = np.digitize(np.arange(SHAPE[1]), [68, 136]) + np.zeros((SHAPE[0], 1), int)
    frames = [
        micrograph(lattice, SHAPE, dose=30, jitter=0, seed=3)[0].data
        for lattice in lattices
    ]
    frame = NormalizedFrame(np.choose(places, frames), None, PERIOD)
    places = places[::4, ::4]
    own = np.where(places == 2, 0.05, 0.95)
    start = np.stack([own, 1 - own]).astype(np.float32)
    groups = [
        Group(CrystalLearner(frame, reciprocal(lattice), 3.0, PERIOD), [number])
        for number, lattice in enumerate(lattices[1:])
    ]
    solution = relearnt(frame, groups, start, PERIOD, 2)
    _, posterior = motif_split(frame, solution, 0)
    left = places < 2
    assert agreement((posterior[2] > posterior[0])[left], places[left] == 1) > 0.8


def test_a_third_motif_is_one_more_of_its_group():
    frame, _ = frame_of([polar(0.06), polar(-0.06)])
    two = relearnt(frame, *motif_split(frame, one_pattern(frame), 0), PERIOD, 3)
    factors = two.groups[0].learner.factors
    [group], posterior = motif_split(frame, two, 1)
    assert group.patterns == [0, 1, 2]
    assert posterior.shape == (3, *frame.counts.shape)
    np.testing.assert_array_equal(posterior[0], two.posterior[0])
    both = posterior[[1, 2]].sum(axis=0)
    np.testing.assert_allclose(both, two.posterior[1], atol=1e-6)
    assert len(factors) == 2
    np.testing.assert_array_equal(group.learner.factors[2], group.learner.factors[1])


def test_motifs_are_found_in_several_frames():
    made = [frame_of([polar(0.06), polar(-0.06)], at=at, seed=at) for at in (72, 132)]
    stack = NormalizedFrame.stacked([frame for frame, _ in made])
    _, posterior = motif_split(stack, one_pattern(stack), 0)
    second = np.stack([own for _, own in made])
    assert agreement(posterior[1] > 0.5, second) > 0.9


def of_two_motifs(frame, one):
    """Group of two motifs and solution, from a solution for one."""
    groups, posterior = motif_split(frame, one, 0)
    solution = relearnt(frame, groups, posterior, PERIOD, 4)
    return solution.groups[0], solution


def test_motifs_with_a_boundary_do_not_change_slowly(two_motifs):
    frame, _, one = two_motifs
    assert not change_slowly(frame, *of_two_motifs(frame, one))


@pytest.mark.parametrize(("share", "is_one"), [(0.04, True), (0.06, False)])
def test_a_motif_that_is_nearly_the_other_one_displaced_is_one(
    two_motifs, share, is_one, monkeypatch
):
    """Whatever it gains, if the number is not given."""
    frame, _, solution = two_motifs
    group, found = of_two_motifs(frame, solution)
    monkeypatch.setattr(motifs, "_share_of_motif", lambda *_: share)
    monkeypatch.setattr(motifs, "_least_of_difference", lambda *_: 0)
    assert change_slowly(frame, group, found, cost=0.01) == is_one
    assert not change_slowly(frame, group, found)


def test_a_motif_that_is_another_from_edge_to_edge_changes_slowly():
    ends = [
        micrograph(polar(off), SHAPE, dose=30, jitter=0, seed=3)[0].data
        for off in (0.06, -0.06)
    ]
    share = np.linspace(0, 1, SHAPE[1])
    frame = NormalizedFrame(ends[0] * (1 - share) + ends[1] * share, None, PERIOD)
    one = one_pattern(frame)
    assert change_slowly(frame, *of_two_motifs(frame, one))


def of_two_crystals(frame, cells, second):
    """Two groups of one pattern each, and their solution."""
    own = np.where(second, 0.9, 0.1)
    start = np.stack([1 - own, own]).astype(np.float32)
    groups = [
        Group(CrystalLearner(frame, cell, 2.0, PERIOD), [number])
        for number, cell in enumerate(cells)
    ]
    solution = relearnt(frame, groups, start, PERIOD, 2)
    return solution.groups, solution


def test_two_halves_of_a_bent_lattice_are_one_crystal():
    """Shear from none to 3 %, across the frame."""
    y, x = np.indices(SHAPE)
    bent = y + 0.03 * (x - 10) ** 2 / 2 / SHAPE[1]
    turns = np.stack([bent, x]).reshape(2, -1).T @ CELL.T
    waves = np.cos(2 * np.pi * np.stack([*turns.T, turns.sum(axis=1)])).sum(axis=0)
    noise = np.random.default_rng(0).normal(size=SHAPE)
    frame = NormalizedFrame(waves.reshape(SHAPE) + 0.5 * noise, None, PERIOD)
    # That of the right half is sheared by 2.2 %.
    sheared = CELL + np.outer(CELL[:, 0], [0, 0.022])
    second = np.arange(frame.counts.shape[1]) >= 24 + 0 * frame.counts
    groups, solution = of_two_crystals(frame, (CELL, sheared), second)
    assert are_one_crystal(frame, groups, solution, COUPLING)


def test_two_grains_with_a_boundary_are_two_crystals():
    """A tilt of 2 degrees."""
    grains = [Lattice.square(12, turn) for turn in (4, 6)]
    frame, second = frame_of(grains)
    groups, solution = of_two_crystals(frame, map(reciprocal, grains), second)
    assert not are_one_crystal(frame, groups, solution, COUPLING)


def test_lattices_that_are_not_alike_are_two_crystals(two_lattices):
    frame, solution = two_lattices
    assert not are_one_crystal(frame, solution.groups, solution, COUPLING)


def test_the_same_lattice_with_other_vectors_may_be_one_crystal(two_motifs):
    """No boundary: labels at random, of one motif."""
    frame, _ = frame_of([polar(0.06), polar(0.06)])
    second = np.random.default_rng(0).random(frame.counts.shape) < 0.5
    cells = CELL, np.array([[0, 1], [1, 1]]) @ CELL
    groups, solution = of_two_crystals(frame, cells, second)
    assert are_one_crystal(frame, groups, solution, COUPLING)


def test_what_has_free_phases_is_no_crystal():
    noise = np.random.default_rng(0).normal(size=SHAPE)
    frame = NormalizedFrame(noise, None, PERIOD)
    [free] = free_solution(frame).groups
    solution = one_pattern(frame)
    assert not are_one_crystal(frame, [free, *solution.groups], solution, COUPLING)


@pytest.mark.parametrize("contrast_width", [0, 1.5])
def test_nothing_is_a_motif_only_where_the_contrast_is_the_same_everywhere(
    contrast_width,
):
    noise = 0.5 * np.random.default_rng(0).normal(size=SHAPE)
    waves = micrograph(polar(0.06), SHAPE, dose=None, jitter=0, ramp=0)[0].data
    nothing = np.indices(SHAPE)[1] >= AT
    frame = NormalizedFrame(
        np.where(nothing, waves.mean(), waves) / waves.std() + noise, None, PERIOD
    )
    learner = CrystalLearner(frame, CELL, 3.0, PERIOD, contrast_width)
    second = np.arange(frame.counts.shape[1]) * frame.block >= AT + 0 * frame.counts
    start = np.stack([~second, second]).astype(np.float32)
    learner.fit(start)
    solution = relearnt(frame, [Group(learner, [0, 1])], start, PERIOD, 2)
    learner.factors[1] = 0
    found = change_slowly(frame, solution.groups[0], solution)
    assert found == bool(contrast_width)


def domains():
    """Ordered on the left and right, displaced by half a cell; disordered between."""
    shape = 126, 300
    lattices = (
        Lattice.rectangular(18, 9, 4, [(0, 0, 1.25), (0.5, 0, 0.75)]),
        ordered(0),
        Lattice.rectangular(18, 9, 4, [(0, 0, 0.75), (0.5, 0, 1.25)]),
    )
    frames = [
        micrograph(lattice, shape, dose=30, jitter=0, seed=3)[0].data
        for lattice in lattices
    ]
    labels = np.zeros(shape, int)
    labels[:, 99:], labels[:, 201:] = 1, 2
    frame = NormalizedFrame(np.choose(labels, frames), None, 9.0)
    between = sum_blocks(labels % 2, frame.block) / frame.counts > 0.5
    return frame, between, one_pattern(frame, DISORDERED, 9.0)


def test_order_that_is_the_same_everywhere_is_one_motif():
    """Labels at random, and too few counts for a motif that varies."""
    counts = micrograph(ordered(0.25), SHAPE, dose=1, jitter=0, seed=3)[0].data
    frame = NormalizedFrame(counts, None, 9.0)
    cell = reciprocal(ordered(0.25))
    learner = CrystalLearner(frame, cell, 5.0, 9.0, antiphase=(0.5, 0.0))
    own = np.random.default_rng(0).random(frame.counts.shape) < 0.5
    start = np.stack([~own, own]).astype(np.float32)
    learner.fit(start)
    one = replace(one_pattern(frame, cell, 9.0), posterior=start)
    assert learner.has_domains
    assert change_slowly(frame, Group(learner, [0, 1]), one)


def test_antiphase_domains_are_one_pattern():
    frame, between, solution = domains()
    found = with_second_motif(frame, solution, 0)
    disordered = found.labels == found.labels[0, between.shape[1] // 2]
    assert agreement(disordered, between) > 0.95


def test_antiphase_domains_are_stored_and_found_in_another_frame():
    frame, between, solution = domains()
    templates = with_second_motif(frame, solution, 0).templates
    np.testing.assert_array_equal(np.sort(templates.antiphase), [[0, 0.5]])
    templates = type(templates)(**templates.to_dict())
    labels = most_probable(templates.posterior(frame)[0])
    disordered = labels == labels[0, between.shape[1] // 2]
    assert agreement(disordered, between) > 0.95


def test_two_motifs_of_one_cell_have_no_antiphase_domains(two_motifs):
    frame, _, solution = two_motifs
    found = with_second_motif(frame, solution, 0)
    np.testing.assert_array_equal(found.templates.antiphase, [[0, 0]])


def test_a_superlattice_of_several_motifs_is_of_all_of_them(order):
    frame, _, solution = order
    two = relearnt(frame, *motif_split(frame, solution, 0, superlattice=False), 9.0, 2)
    [group], posterior = motif_split(frame, two, 0)
    assert group.patterns == [0, 1, 2]
    assert len(posterior) == len(group.learner.factors) == 3


def test_order_everywhere_is_no_second_motif():
    columns = [(0, 0, 1.25), (0.5, 0, 0.75)], [(0, 0.1, 1.25), (0.5, 0, 0.75)]
    lattices = [Lattice.rectangular(18, 9, 4, each) for each in columns]
    frame, _ = frame_of(lattices, 9.0)
    found = with_second_motif(frame, one_pattern(frame, DISORDERED, 9.0), 0)
    assert found.cells().min() >= FEWEST_CELLS


def test_a_lattice_that_is_off_is_settled_when_a_motif_is_split(two_motifs):
    frame, _, _ = two_motifs
    off = one_pattern(frame, CELL * 1.004)
    found = with_second_motif(frame, off, 0)
    [cell] = found.templates.cells
    # A settled one is of other signs, perhaps.
    lengths = np.hypot(*cell.T) / np.hypot(*CELL.T)
    assert np.abs(lengths - 1).max() < 0.0025
