# SPDX-License-Identifier: GPL-3.0-or-later
import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.networks.u_net import REACH
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.bragg import LEAST_WEIGHT
from hyperspy_symseg.templates.crystal import Crystal
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.potts import (
    COUPLING,
    COUPLING_OF_MOTIFS,
    log_likelihoods,
    mean_field,
)

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
    "patterns": np.array([0, 1, 1, 1]),
    "reflections": np.concatenate(REFLECTIONS) + 1e-6,
    "amplitudes": np.full(4, 0.36),
    "noise": 0.6,
    "phases": np.full(4, 0.1),
    "indices": np.ones((4, 2), int),
}


@pytest.mark.parametrize("name", OTHERS)
def test_equal_if_everything_is(templates, name):
    assert templates == Templates(**templates.to_dict())
    assert templates != replace(templates, **{name: OTHERS[name]})


def test_not_equal_with_another_number_of_patterns(templates):
    other = {"crystals": (), "n_pixels": (), "variances": ()}
    assert templates != replace(templates, n_patterns=3, **other)


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
    residuals = templates.residuals(templates.components(normalized), posterior)
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
    residuals = templates.residuals(templates.components(normalized), posterior)
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


# Two crystals, and the indices and structure factors of the patterns on them.
CELLS = np.array([[[0.11, 0.01], [-0.01, 0.11]], [[0.09, 0.0], [0.02, 0.12]]])
INDICES = np.array([[1, 0], [0, 1], [1, 1]])


@pytest.fixture
def crystals():
    """Patterns 0 and 3 of one crystal, 2 of another, and 1 of none."""
    own = [0, 0, 0, 1, 2, 2, 3, 3]
    indices = np.concatenate([INDICES, [[0, 0]], INDICES[:2], INDICES[1:]])
    numbers = [1, 1, 1, 0, 0, 0, 1, 1]
    reflections = np.einsum("nj,njx->nx", indices, CELLS[numbers])
    reflections[3] = 0.07, 0.05
    return Templates(
        PERIOD,
        4,
        own,
        reflections,
        np.arange(1, 9) / 8,
        0.5,
        [0.5, -3, 3, 0, 1, 2, -1, -2],
        indices,
        [1, -1, 0, 1],
        CELLS,
        [1.4, 3.0],
    )


OTHER_CRYSTALS = {
    "phases": {"phases": np.full(8, 0.1)},
    # The second pattern has no crystal, and its indices count for nothing.
    "indices": {
        "indices": np.concatenate([INDICES, [[1, 2]], INDICES[:2], INDICES[1:]])
    },
    "cells": {"cells": CELLS + 1e-7},
    "widths": {"widths": [1.4, 5.0]},
    "contrast_widths": {"contrast_widths": [0, 1.5]},
    "antiphase": {"antiphase": [[0, 0], [0.5, 0]]},
}


def test_crystals_are_equal_through_a_dictionary(crystals):
    assert Templates(**crystals.to_dict()) == crystals


@pytest.mark.parametrize("name", OTHER_CRYSTALS)
def test_not_equal_with_other_crystals(crystals, name):
    assert crystals != replace(crystals, **OTHER_CRYSTALS[name])


def test_reflections_have_to_be_on_the_lattice(crystals):
    with pytest.raises(ValueError, match="^reflections of templates must be those of"):
        replace(crystals, reflections=crystals.reflections + 1e-3)


def test_reflections_of_a_pattern_have_different_indices(crystals):
    indices, reflections = crystals.indices.copy(), crystals.reflections.copy()
    indices[1], reflections[1] = indices[0], reflections[0]
    with pytest.raises(ValueError, match="^indices of templates must be different"):
        replace(crystals, indices=indices, reflections=reflections)


def test_every_crystal_has_a_pattern(crystals):
    with pytest.raises(ValueError, match="^crystals of templates must have all"):
        replace(crystals, crystals=[1, -1, 1, 1])


def test_crystals_survive_pickling(crystals):
    assert pickle.loads(pickle.dumps(crystals)) == crystals


def test_without_crystals_no_pattern_has_one(templates):
    np.testing.assert_array_equal(templates.crystals, [-1, -1])
    assert templates.cells.shape == (0, 2, 2)
    np.testing.assert_array_equal(templates.phases, np.zeros(4))
    np.testing.assert_array_equal(templates.indices, np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crystals", [1, -1, 2, 1]),
        ("crystals", [1, -2, 0, 1]),
        ("crystals", [1, -1, 0]),
        ("indices", np.full((8, 2), 13)),
        ("indices", np.full((8, 2), -13)),
        ("indices", np.zeros((7, 2), int)),
        ("widths", [1.4, 0.05]),
        ("widths", [1.4, 101.0]),
        ("widths", [1.4, np.nan]),
        ("contrast_widths", [1.4]),
        ("contrast_widths", [0, -1]),
        ("contrast_widths", [1.4, 0.05]),
        ("contrast_widths", [0, 101.0]),
        ("antiphase", [[0, 0.5]]),
        ("antiphase", [[0, 0], [0.25, 0]]),
        ("phases", np.full(8, 3.2)),
        ("phases", np.zeros(7)),
        ("cells", CELLS[:1]),
        ("cells", CELLS * 10),
    ],
)
def test_crystals_that_do_not_fit_are_refused(crystals, name, value):
    with pytest.raises(ValueError, match=f"^{name} of templates must "):
        replace(crystals, **{name: value})


@pytest.mark.parametrize("name", ["reflections", "amplitudes", "cells"])
def test_arrays_that_are_missing_are_refused(crystals, name):
    with pytest.raises(ValueError, match=f"^{name} of templates must have the shape "):
        replace(crystals, **{name: []})


@pytest.mark.parametrize(
    ("patterns", "numbers", "kept"),
    [
        ([2, 1], [0, -1], [0]),
        ([3, 0], [0, 0], [1]),
        ([3, 2], [1, 0], [0, 1]),
        ([1], [-1], []),
    ],
)
def test_crystals_of_some_patterns_are_renumbered(crystals, patterns, numbers, kept):
    some = crystals.only(patterns)
    np.testing.assert_array_equal(some.crystals, numbers)
    np.testing.assert_array_equal(some.cells, CELLS[kept])
    np.testing.assert_array_equal(some.widths, crystals.widths[kept])


def test_contrasts_of_some_patterns_are_those_of_their_crystals(crystals):
    some = replace(crystals, contrast_widths=[0, 1.5])
    np.testing.assert_array_equal(some.only([3, 1]).contrast_widths, [1.5])
    np.testing.assert_array_equal(some.only([2]).contrast_widths, [0])


def test_contrasts_are_the_same_everywhere_unless_given(crystals):
    np.testing.assert_array_equal(crystals.contrast_widths, [0, 0])


def test_antiphase_domains_of_some_patterns_are_those_of_their_crystals(crystals):
    some = replace(crystals, antiphase=[[0, 0], [0.5, 0]])
    np.testing.assert_array_equal(some.only([3, 1]).antiphase, [[0.5, 0]])
    np.testing.assert_array_equal(some.only([2]).antiphase, [[0, 0]])


def test_structure_factors_that_do_not_differ_count_once():
    indices = np.array([[1, 0], [0, 1], [1, 1]])
    templates = Templates(
        period=10.0,
        n_patterns=2,
        patterns=[0, 0, 0, 1, 1, 1],
        reflections=np.concatenate([indices, indices]) * 0.1,
        amplitudes=[0.5, 0.4, 0.3, 0.5, 0.41, 0.2],
        noise=1.0,
        phases=np.zeros(6),
        indices=np.concatenate([indices, indices]),
        crystals=[0, 0],
        cells=[np.eye(2) * 0.1],
        widths=[3.0],
        # Differences have a variance of 0.0005: that of the third is 20 of these.
        n_pixels=[4000, 4000],
    )
    assert templates.n_numbers == 12 - 2 * 2
    # It is not known how well they are known.
    assert replace(templates, n_pixels=[0, 0]).n_numbers == 12


def test_there_are_no_antiphase_domains_unless_given(crystals):
    np.testing.assert_array_equal(crystals.antiphase, np.zeros((2, 2)))


def test_a_wide_window_of_the_contrast_widens_the_margin(crystals):
    wide = replace(crystals, contrast_widths=[0, 10.0])
    widest = replace(crystals, widths=[10.0, 10.0])
    assert wide.margin == widest.margin > crystals.margin


def test_reflections_of_some_patterns_keep_phases_and_indices(crystals):
    some = crystals.only([3, 1])
    np.testing.assert_array_equal(some.patterns, [1, 0, 0])
    for name in ("reflections", "amplitudes", "phases", "indices"):
        expected = getattr(crystals, name)[[3, 6, 7]]
        np.testing.assert_array_equal(getattr(some, name), expected)


def test_all_patterns_are_the_model(crystals):
    assert crystals.only(range(4)) == crystals


def test_tied_phases_are_no_numbers(crystals):
    # Three for the one reflection that is free, and two for seven others.
    assert crystals.n_numbers == 3 + 7 * 2


def test_three_numbers_a_free_reflection(templates):
    assert templates.n_numbers == 3 * 4


def on_crystals(phase, numbers=(0, 0), amplitude=1):
    """Least difference of two patterns, one of whose two reflections is turned."""
    return Templates(
        PERIOD,
        2,
        [0, 0, 1, 1],
        np.tile(INDICES[:2] @ CELLS[0], (2, 1)),
        [1, 1, 1, amplitude],
        1.0,
        [0.3, 3, 0.3, (3 + phase + np.pi) % (2 * np.pi) - np.pi],
        np.tile(INDICES[:2], (2, 1)),
        numbers,
        CELLS[[0] * (max(numbers) + 1)],
        [3.0] * (max(numbers) + 1),
    ).least_difference()


@pytest.mark.parametrize(
    ("phase", "expected"), [(0, 0), (np.pi / 3, 0.25), (np.pi / 2, 0.5), (np.pi, 1)]
)
def test_difference_on_one_crystal_is_of_phases_too(phase, expected):
    assert on_crystals(phase) == pytest.approx(expected, abs=1e-12)
    assert on_crystals(-phase) == pytest.approx(expected, abs=1e-12)


def test_difference_on_one_crystal_is_of_amplitudes():
    # (3 - 1)^2 of 1 + 1 + 1 + 3^2.
    assert on_crystals(0, amplitude=3) == pytest.approx(1 / 3)


def test_phases_on_two_crystals_are_not_compared():
    assert on_crystals(np.pi / 2, numbers=(0, 1)) == pytest.approx(0, abs=1e-12)


FACTORS = np.array([[0.5, -0.25j, 0], [0.5j, 0, 0.125]])


@pytest.fixture
def learnt():
    """Pattern 1 of free phases, and 0 and 2 of a crystal."""
    free = {"reflections": REFLECTIONS[0], "amplitudes": np.array([0.3, 0.2])}
    crystal = {"crystal": Crystal(CELLS[0], INDICES, FACTORS, 1.4)}
    return Templates.learnt(PERIOD, 3, [(free, [1]), (crystal, [0, 2])], 0.5)


def test_reflections_that_were_learnt_are_in_the_order_of_their_patterns(learnt):
    # Without those of a crystal that a pattern has not.
    np.testing.assert_array_equal(learnt.patterns, [0, 0, 1, 1, 2, 2])


def test_indices_that_were_learnt_belong_to_their_reflections(learnt):
    np.testing.assert_array_equal(learnt.indices[[0, 1, 4, 5]], INDICES[[0, 1, 0, 2]])
    tied = learnt.indices @ CELLS[0]
    np.testing.assert_allclose(learnt.reflections[[0, 1, 4, 5]], tied[[0, 1, 4, 5]])
    np.testing.assert_array_equal(learnt.reflections[2:4], REFLECTIONS[0])


def test_structure_factors_that_were_learnt_are_amplitudes_and_phases(learnt):
    np.testing.assert_allclose(learnt.amplitudes, [0.5, 0.25, 0.3, 0.2, 0.5, 0.125])
    quarter = np.pi / 2
    np.testing.assert_allclose(learnt.phases, [0, -quarter, 0, 0, quarter, 0])


def test_crystals_that_were_learnt(learnt):
    np.testing.assert_array_equal(learnt.crystals, [0, -1, 0])
    np.testing.assert_array_equal(learnt.cells, CELLS[:1])
    np.testing.assert_array_equal(learnt.widths, [1.4])
    np.testing.assert_array_equal(learnt.contrast_widths, [0])


def test_a_contrast_that_was_learnt_is_that_of_its_crystal():
    one, other = (
        ({"crystal": Crystal(cell, INDICES, FACTORS[:1], 1.4, width)}, [k])
        for k, (cell, width) in enumerate(zip(CELLS, (0.0, 1.5), strict=True))
    )
    found = Templates.learnt(PERIOD, 2, [one, other], 0.5)
    np.testing.assert_array_equal(found.contrast_widths, [0, 1.5])


def test_nothing_learnt_is_no_reflections():
    nothing = {"reflections": np.empty((0, 2)), "amplitudes": np.empty(0)}
    none = Templates.learnt(PERIOD, 2, [(nothing, [0]), (nothing, [1])], 1.0)
    assert none == Templates(PERIOD, 2, [], [], [], 1.0)


def test_components_are_of_the_free_patterns_and_of_the_crystals(crystals, noise):
    found = [list(patterns) for _, patterns in crystals.components(noise)]
    assert found == [[1], [2], [0, 3]]


MOTIFS = np.array([[0.4, 0.3, 0.2j, 0], [0.4, -0.3, 0, 0.25]])
HKL = np.array([[1, 0], [0, 1], [1, 1], [2, 1]])
SMALL = 49, 66


def two_motifs(width, contrast_width=0.0, motifs=MOTIFS):
    """Templates of two patterns on a crystal."""
    crystal = {"crystal": Crystal(CELLS[0], HKL, motifs, width, contrast_width)}
    return Templates.learnt(PERIOD, 2, [(crystal, [0, 1])], 0.5)


def domains(shape, at, motifs=MOTIFS):
    """Frame of two motifs on a crystal that is displaced."""
    y, x = np.indices(shape)
    shift = np.stack([0.1 + 0.002 * x, 0.3 - 0.003 * y])
    terms = np.tensordot(HKL @ CELLS[0], [y, x], 1) - np.tensordot(HKL, shift, 1)
    waves = np.tensordot(motifs, np.exp(2j * np.pi * terms), 1).real
    noise = np.random.default_rng(0).normal(size=shape)
    return np.where(x < at, *waves) + 0.3 * noise


@pytest.fixture(scope="module")
def two_domains():
    """NormalizedFrame of two motifs, in the order of the templates."""
    return NormalizedFrame(domains(SMALL, 36), None, PERIOD)


def best_displacement(sums):
    """Maximum of the sum of waves, from a fine grid on."""

    def value(v):
        return (sums * np.exp(2j * np.pi * np.tensordot(HKL, v, 1))).sum().real

    steps = np.arange(24) / 24
    turns = np.multiply.outer(HKL[:, 0], steps)[:, :, np.newaxis]
    turns = turns + np.multiply.outer(HKL[:, 1], steps)[:, np.newaxis]
    grid = np.tensordot(sums, np.exp(2j * np.pi * turns), 1).real
    begin = np.array(np.unravel_index(grid.argmax(), grid.shape)) / 24
    return optimize.minimize(lambda v: -value(v), begin, method="BFGS").x


def others_near(cell, shape, width):
    """Weights of the cells near a cell, to three standard deviations: (...)."""
    off = np.abs(np.indices(shape) - np.reshape(cell, (2, 1, 1)))
    window = np.exp(-0.5 * (off**2).sum(axis=0) / width**2)
    window[(off > int(3 * width + 0.5)).any(axis=0)] = 0
    # Its neighbours share columns with a cell; a narrow window needs them.
    window[(off <= (width >= 3)).all(axis=0)] = 0
    return window


def slow_residuals(normalized, posterior, width):
    """Squared residuals of the blocks with two motifs, from sums over the pixels."""
    side, (rows, columns) = 3 * normalized.block, normalized.cell_counts.shape
    y, x = np.indices(SMALL)
    waves = np.exp(2j * np.pi * np.tensordot(HKL @ CELLS[0], [y, x], 1))
    weights = np.maximum(spread(posterior, normalized.block, SMALL), LEAST_WEIGHT)
    cells = np.zeros((2, len(HKL), rows, columns), complex)
    terms = weights[:, np.newaxis] * normalized.pixels * waves.conj()
    np.add.at(cells, np.s_[:, :, y // side, x // side], terms)
    templates = np.empty((2, *SMALL))
    for cell in np.ndindex(rows, columns):
        near_by = (others_near(cell, (rows, columns), width) * cells).sum((-2, -1))
        v = best_displacement((MOTIFS.conj() * near_by).sum(axis=0))
        factors = MOTIFS * np.exp(-2j * np.pi * HKL @ v)
        inside = tuple(np.s_[k * side : (k + 1) * side] for k in cell)
        templates[:, *inside] = 2 * np.tensordot(factors, waves[:, *inside], 1).real
    return sum_blocks((normalized.pixels - templates) ** 2, normalized.block)


@pytest.mark.parametrize("width", [1.4, 3.0])
def test_residuals_of_two_motifs_are_those_of_sums_over_the_pixels(two_domains, width):
    first = np.random.default_rng(1).uniform(size=two_domains.counts.shape)
    posterior = np.stack([first, 1 - first]).astype(np.float32)
    templates = two_motifs(width)
    components = templates.components(two_domains)
    found = templates.residuals(components, posterior)
    expected = slow_residuals(two_domains, posterior, width)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_posterior_of_two_motifs_is_that_of_sums_over_the_pixels(two_domains):
    found, log_likelihood = two_motifs(1.4).posterior(two_domains)
    posterior = np.full(found.shape, 0.5, np.float32)
    for _ in range(3):
        residuals = slow_residuals(two_domains, posterior, 1.4).astype(np.float32)
        likelihoods = log_likelihoods(residuals, 0.5)
        posterior = mean_field(likelihoods, COUPLING_OF_MOTIFS)
    np.testing.assert_allclose(found, posterior, atol=2e-3)
    np.testing.assert_allclose(log_likelihood, -residuals, rtol=2e-3, atol=2e-3)


def test_an_edge_costs_less_between_motifs_of_one_crystal_alone(templates):
    motifs = two_motifs(1.4)
    assert motifs.coupling == COUPLING_OF_MOTIFS < COUPLING == templates.coupling
    unknown = {"n_pixels": (), "variances": ()}
    others = replace(motifs, n_patterns=3, crystals=[0, 0, -1], **unknown)
    assert others.coupling == COUPLING


def test_motifs_are_several_patterns_of_one_crystal():
    motifs = two_motifs(1.4)
    assert motifs.are_motifs
    assert not motifs.only([0]).are_motifs


def test_the_margin_of_motifs_has_room_for_the_network():
    motifs = two_motifs(1.4)
    # Blocks of a third of a period.
    least = motifs.only([0]).margin + REACH * round(PERIOD / 3)
    assert least <= motifs.margin < least + PERIOD


def test_posterior_tells_two_motifs_apart(two_domains):
    found = two_motifs(1.4).posterior(two_domains)[0].argmax(axis=0)
    true = np.indices(found.shape)[1] >= 12
    assert (found == true).mean() > 0.97


def test_two_motifs_in_another_order(two_domains):
    templates = two_motifs(1.4)
    posterior, _ = templates.posterior(two_domains)
    other, _ = templates.only([1, 0]).posterior(two_domains)
    np.testing.assert_allclose(other, posterior[::-1], atol=1e-5)


def test_a_displaced_crystal_is_as_likely(two_domains):
    # The origin of a motif is anywhere.
    templates = two_motifs(3.0)
    turns = templates.phases + 2 * np.pi * templates.indices @ [0.3, -0.2]
    moved = replace(templates, phases=np.angle(np.exp(1j * turns)))
    expected, _ = templates.posterior(two_domains)
    np.testing.assert_allclose(moved.posterior(two_domains)[0], expected, atol=2e-3)


@pytest.mark.parametrize("width", [1.4, 5.0])
def test_a_part_of_two_domains_is_as_in_the_whole_away_from_where_it_is_cut(width):
    frame = domains((153, 720), 400)
    whole = NormalizedFrame(frame, None, PERIOD)
    part = NormalizedFrame(frame[:, 90:], None, PERIOD, (0, 90))
    posterior, _ = two_motifs(width).posterior(whole)
    of_part, _ = two_motifs(width).posterior(part)
    # 24 periods from the cut.
    np.testing.assert_allclose(of_part[:, :, 72:], posterior[:, :, 102:], atol=2e-3)


# Neither is near the opposite of the other, wherever that is moved to.
NOT_OPPOSITE = np.array([[0.4, 0.4, 0.3, 0], [0.4, 0.4, 0, 0.3]])


def fringed(shape, at):
    """Two motifs under a fringe in which the contrast is inverted."""
    fringe = np.cos(2 * np.pi * (np.arange(shape[1]) + 20) / 300)
    return fringe * domains(shape, at, NOT_OPPOSITE)


def test_posterior_tells_two_motifs_apart_across_a_fringe():
    shape = (99, 198)
    frame = NormalizedFrame(fringed(shape, 99), None, PERIOD)
    true = np.indices(frame.counts.shape)[1] >= 33
    found, without = (
        two_motifs(2.0, width, NOT_OPPOSITE).posterior(frame)[0].argmax(axis=0)
        for width in (1.5, 0)
    )
    assert (found == true).mean() > 0.95
    assert (without == true).mean() < 0.85


def test_a_part_of_a_fringe_is_as_in_the_whole_away_from_where_it_is_cut():
    frame = fringed((153, 720), 400)
    whole = NormalizedFrame(frame, None, PERIOD)
    part = NormalizedFrame(frame[:, 90:], None, PERIOD, (0, 90))
    templates = two_motifs(2.0, 1.5, NOT_OPPOSITE)
    posterior, _ = templates.posterior(whole)
    of_part, _ = templates.posterior(part)
    np.testing.assert_allclose(of_part[:, :, 72:], posterior[:, :, 102:], atol=2e-3)
