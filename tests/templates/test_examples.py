# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.simulate import Lattice, micrograph
from hyperspy_symseg.templates.examples import (
    example_blocks,
    found_patterns,
    learn_from_examples,
)
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.potts import most_probable

SHAPE = (126, 207)
PERIOD = 12.0


def frame_of(lattices, columns=(), dose=30):
    """NormalizedFrame with boundaries at some columns, and labels of its blocks."""
    labels = np.zeros(SHAPE, int)
    for column in columns:
        labels[:, column:] += 1
    # One origin, so that a lattice goes on across a boundary.
    frames = [
        micrograph(each, SHAPE, dose=dose, jitter=0, seed=3)[0].data
        for each in lattices
    ]
    frame = NormalizedFrame(np.choose(labels, frames), None, PERIOD)
    return frame, labels[::4, ::4][: frame.counts.shape[0], : frame.counts.shape[1]]


def examples_in(labels, *corners, side=15):
    """Labels of squares of blocks, and -1 elsewhere."""
    examples = np.full(labels.shape, -1)
    for row, column in corners:
        own = slice(row, row + side), slice(column, column + side)
        examples[own] = labels[row, column]
    return examples


def labels_of(frame, learnt):
    return most_probable(learnt.solution.templates.posterior(frame)[0])


def test_blocks_of_an_example_are_all_in_it():
    labels = np.full((7, 9), -1)
    labels[1:7, 2:9] = 3
    expected = [[-1, -1, -1], [-1, 3, 3], [-1, 3, 3]]
    np.testing.assert_array_equal(example_blocks(labels, 3), expected)


def test_a_block_of_two_examples_is_of_none():
    np.testing.assert_array_equal(example_blocks(np.array([[0, 1], [0, 1]]), 2), [[-1]])


def test_blocks_of_several_frames():
    labels = np.zeros((2, 4, 4), int)
    labels[1, 0, 0] = 1
    expected = [[[0, 0], [0, 0]], [[-1, 0], [0, 0]]]
    np.testing.assert_array_equal(example_blocks(labels, 2), expected)


@pytest.fixture(scope="module")
def grains():
    """Two grains, learnt from their examples: frame, labels and Learnt."""
    square = Lattice.square(12, 4)
    frame, labels = frame_of([square, square.rotated(30)], [100])
    examples = examples_in(labels, (8, 33), (8, 5))
    return frame, labels, learn_from_examples(frame, examples, 2, PERIOD)


def test_two_grains_have_crystals_of_their_own(grains):
    *_, learnt = grains
    assert learnt.solution.templates.crystals.tolist() == [0, 1]


def test_labels_are_those_of_the_examples(grains):
    frame, labels, learnt = grains
    assert (labels_of(frame, learnt) == labels).mean() > 0.97


def test_evidence_is_large_between_grains(grains):
    *_, learnt = grains
    assert learnt.confused is None
    assert learnt.evidence.min() > 300
    assert np.isinf(learnt.evidence.diagonal()).all()


def test_other_pixels_join_in(grains):
    *_, learnt = grains
    n_pixels = learnt.solution.templates.n_pixels
    assert n_pixels.sum() == pytest.approx(np.prod(SHAPE), rel=0.05)


def polar(off):
    """Second column off-centre by a fraction of the cell."""
    return Lattice.square(12, 4, [(0, 0, 1), (0.5, 0.5 + off, 0.6)])


@pytest.fixture(scope="module")
def domains():
    """Polar domains, learnt from examples that do not touch."""
    frame, labels = frame_of([polar(0.08), polar(-0.08)], [100])
    examples = examples_in(labels, (8, 2), (8, 36))
    return frame, labels, learn_from_examples(frame, examples, 2, PERIOD)


def test_motifs_on_one_lattice_are_one_crystal(domains):
    *_, learnt = domains
    assert learnt.solution.templates.crystals.tolist() == [0, 0]


def test_motifs_on_one_lattice_are_told_apart(domains):
    frame, labels, learnt = domains
    assert (labels_of(frame, learnt) == labels).mean() > 0.95


def test_twice_the_same_crystal_is_doubtful():
    frame, labels = frame_of([Lattice.square(12, 4)])
    examples = examples_in(labels, (8, 2))
    examples[8:23, 34:49] = 1
    learnt = learn_from_examples(frame, examples, 2, PERIOD)
    assert learnt.doubtful in {(0, 1), (1, 0)}


def test_a_crystal_without_an_example_teaches_nothing():
    square = Lattice.square(12, 4)
    lattices = [square, square.rotated(30), Lattice.hexagonal(11, 50)]
    frame, labels = frame_of(lattices, [72, 144])
    examples = examples_in(labels, (8, 2), (8, 20))
    learnt = learn_from_examples(frame, examples, 2, PERIOD)
    third = np.prod(SHAPE) / 3
    np.testing.assert_allclose(
        learnt.solution.templates.n_pixels, [third, third], rtol=0.2
    )


def test_noise_is_a_pattern_without_a_lattice():
    frame, labels = frame_of([Lattice.square(12, 4)] * 2, [100])
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    frame.pixels[:, 100:] = noise[:, 100:]
    examples = examples_in(labels, (8, 2), (8, 34))
    learnt = learn_from_examples(frame, examples, 2, PERIOD)
    templates = learnt.solution.templates
    assert templates.crystals.tolist() == [0, -1]
    assert set(templates.patterns.tolist()) == {0}
    assert (labels_of(frame, learnt) == labels).mean() > 0.95


def test_found_patterns(grains):
    frame, _, learnt = grains
    templates = learnt.solution.templates
    assert found_patterns(frame, templates).tolist() == [True, True]
    square = NormalizedFrame(
        micrograph(Lattice.square(12, 4), SHAPE, dose=30)[0].data, None, PERIOD
    )
    assert found_patterns(square, templates).tolist() == [True, False]
