# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.simulate import Lattice, micrograph
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.crystal import CONTRAST_WIDTH, WIDTHS, Crystal
from hyperspy_symseg.templates.crystal_learner import CrystalLearner
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .waves import (
    CELL,
    FACTORS,
    INDICES,
    OTHERS,
    PERIOD,
    SHAPE,
    X,
    Y,
    everywhere,
    explained,
    modulo_one,
    normalized,
    waves,
    with_noise,
)


def learner_of(frame, cell=CELL, width=3.0, rounds=2):
    learner = CrystalLearner(frame, cell, width, PERIOD)
    for _ in range(rounds):
        [template] = learner.fit(everywhere(frame))
    return learner, template


def known(learner):
    """Structure factors that were learnt: dict by index."""
    crystal = learner.learnt()["crystal"]
    return {
        tuple(index): factors
        for index, factors in zip(
            crystal.indices.tolist(), crystal.factors.T, strict=True
        )
    }


def factor(found, h, k, pattern=0):
    """Structure factor of (h, k), or from that of its opposite."""
    if (h, k) in found:
        return found[h, k][pattern]
    return found[-h, -k][pattern].conj() if (-h, -k) in found else 0


def phase_of_triplet(found, one, other):
    """F_g F_h conj(F_g+h): the same wherever the origin is."""
    both = one[0] + other[0], one[1] + other[1]
    return factor(found, *one) * factor(found, *other) * np.conj(factor(found, *both))


def test_structure_factors_of_waves_are_learnt():
    truth = waves(FACTORS, (0.37, 0.21))
    learner, _ = learner_of(normalized(with_noise(truth, 0.1)))
    found = known(learner)
    scale = np.sqrt((truth**2).mean() + 0.01)
    for (h, k), expected in zip(INDICES.tolist(), FACTORS, strict=True):
        assert abs(factor(found, h, k)) == pytest.approx(
            abs(expected) / scale, rel=0.05
        )
    true = {tuple(i): [f] for i, f in zip(INDICES.tolist(), FACTORS, strict=True)}
    for one, other in (((0, 1), (1, 0)), ((1, 0), (-1, 1)), ((0, 1), (0, 1))):
        ratio = phase_of_triplet(found, one, other) / phase_of_triplet(true, one, other)
        assert abs(np.angle(ratio)) < 0.05


def test_relative_phases_of_a_motif_of_two_columns_come_out():
    """F is a sum over the columns: of weights 1 and 0.6, the second one at (u, v)."""
    motif = [(0, 0, 1), (0.4, 0.3, 0.6)]
    lattice = Lattice.rectangular(12, 10, 7, motif)
    frame, _ = micrograph(
        lattice, SHAPE, dose=None, ramp=0, jitter=0, background=0.1, column_width=1.5
    )
    # Rows of the inverse are reciprocal to columns: a* and b* to a and b.
    cell = np.linalg.inv(np.array(lattice.vectors)).T
    learner, _ = learner_of(NormalizedFrame(frame.data, None, PERIOD), cell)
    found = known(learner)

    def expected(h, k):
        power = ((h * cell[0] + k * cell[1]) ** 2).sum()
        column = np.exp(-2 * (np.pi * 1.5) ** 2 * power)
        return column * (1 + 0.6 * np.exp(-2j * np.pi * (0.4 * h + 0.3 * k)))

    true = {(h, k): [expected(h, k)] for h in range(-2, 3) for k in range(-2, 3)}
    scale = abs(factor(found, 0, 1)) / abs(expected(0, 1))
    for h, k in ((1, 0), (0, 1), (1, 1), (-1, 1)):
        assert abs(factor(found, h, k)) == pytest.approx(
            scale * abs(expected(h, k)), rel=0.06
        )
    for one, other in (((0, 1), (1, 0)), ((1, 0), (-1, 1)), ((0, 1), (0, 1))):
        ratio = phase_of_triplet(found, one, other) / phase_of_triplet(true, one, other)
        assert abs(np.angle(ratio)) < 0.1


def test_noise_explains_nothing():
    frame = normalized(np.random.default_rng(0).normal(size=SHAPE))
    _, template = learner_of(frame)
    assert ((frame.pixels - template) ** 2).mean() > 0.99


def test_reflections_that_are_noise_are_not_learnt():
    learner, _ = learner_of(normalized(with_noise(waves(FACTORS), 0.2)))
    crystal = learner.learnt()["crystal"]
    assert crystal.factors.all()
    assert crystal.factors.shape == (1, len(crystal.indices))
    assert len(INDICES) <= len(crystal.indices) < len(INDICES) + 5


def test_a_learnt_crystal_has_the_templates_of_its_learner():
    frame = normalized(with_noise(waves(FACTORS, (0.3, 0.8))))
    learner, _ = learner_of(frame, rounds=6)
    [template] = learner.fit(everywhere(frame))
    [found] = learner.learnt()["crystal"].components(frame).expected(everywhere(frame))
    assert explained(found, template) > 0.999


def test_a_smooth_displacement_of_some_pixels_is_followed():
    # From -0.35 to 0.35 of a period of 9 pixels.
    bend = 0.35 * np.cos(np.pi * X / 140), 0.35 * np.cos(np.pi * Y / 95)
    truth = waves(FACTORS, bend)
    scale = np.sqrt((truth**2).mean() + 0.09)
    frame = normalized(with_noise(truth))
    _, template = learner_of(frame, width=1.4)
    assert explained(scale * template, truth) > 0.9
    # Without bends, next to nothing is explained.
    assert explained(waves(FACTORS), truth) < 0.5


def test_a_narrow_window_follows_more_than_a_wide_one():
    bend = 0.35 * np.cos(np.pi * X / 140), 0.35 * np.cos(np.pi * Y / 95)
    truth = waves(FACTORS, bend)
    frame = normalized(with_noise(truth))
    shares = [explained(learner_of(frame, width=width)[1], truth) for width in WIDTHS]
    assert np.diff(shares).min() > 0.01


def test_what_is_displaced_by_a_lattice_vector_is_the_same():
    along = X >= 70
    frame = normalized(with_noise(waves(FACTORS, (2.0 * along, -1.0 * along))))
    straight = normalized(with_noise(waves(FACTORS)))
    _, found = learner_of(frame)
    _, expected = learner_of(straight)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_displacement_jumps_by_half_a_supercell_at_an_antiphase_boundary():
    cell = CELL * [[0.5], [1]]
    indices = np.array([[0, 1], [2, 0], [1, 0], [1, 1], [2, 1]], np.int32)
    factors = np.array([0.4, 0.4, 0.3, 0.25j, 0.2])
    turned = 0.5 * (X >= 72)
    truth = waves(factors, (turned, 0 * turned), cell, indices)
    frame = normalized(with_noise(truth))
    own = Crystal(cell, indices, factors[np.newaxis], 1.4).components(frame)
    cells = [own.cells(everywhere(frame)[0])]
    v = own.displacement(factors[np.newaxis], cells)
    # Cells of 9 pixels: the boundary is that of the eighth and the ninth.
    assert modulo_one(v[0, :, :7]).max() < 0.05
    assert modulo_one(v[0, :, 9:] - 0.5).max() < 0.05
    assert modulo_one(v[1]).max() < 0.05


def settled(frame, cell, weights=None, times=3):
    """Distance from the cell after each time, as a fraction of the longer vector."""
    learner = CrystalLearner(frame, cell, 1.4, PERIOD)
    found = []
    for _ in range(times):
        learner.settle(everywhere(frame) if weights is None else weights)
        found.append(np.abs(learner.cell - CELL).max() / np.hypot(*CELL[0]))
    return found


@pytest.mark.parametrize("off", [0.995, 1.005])
def test_a_lattice_that_is_off_settles(off):
    frame = normalized(with_noise(waves(FACTORS)))
    found = settled(frame, off * CELL)
    # Windows that the frame cuts off hold the first step back.
    assert found[0] < 1.5e-3
    assert found[-1] < 5e-4


def test_a_lattice_that_is_turned_settles():
    turn = np.deg2rad(0.4)
    turned = CELL @ [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    frame = normalized(with_noise(waves(FACTORS)))
    assert settled(frame, turned)[-1] < 5e-4


def test_a_lattice_that_is_right_stays():
    frame = normalized(with_noise(waves(FACTORS, (0.3, 0.8))))
    assert max(settled(frame, CELL)) < 5e-4


def test_a_lattice_settles_where_its_pixels_are():
    """On the right there is another one, of no weight."""
    other = waves(FACTORS, cell=0.97 * CELL)
    frame = normalized(with_noise(np.where(X < 90, waves(FACTORS), other)))
    weights = everywhere(frame)
    weights[..., 30:] = 0
    assert settled(frame, 1.004 * CELL, weights)[-1] < 1e-3


def test_a_lattice_settles_across_frames():
    frames = [
        normalized(with_noise(waves(FACTORS, v), seed=n))
        for n, v in enumerate([(0.1, 0.8), (0.6, 0.3)])
    ]
    assert settled(NormalizedFrame.stacked(frames), 1.005 * CELL)[-1] < 5e-4


def test_frames_share_a_motif_and_have_their_own_displacement():
    truths = [waves(FACTORS, v) for v in ((0.1, 0.8), (0.6, 0.3))]
    frames = [normalized(with_noise(truth, seed=n)) for n, truth in enumerate(truths)]
    stack = NormalizedFrame.stacked(frames)
    learner, templates = learner_of(stack)
    assert len(learner.factors) == 1
    for template, truth in zip(templates, truths, strict=True):
        scale = np.sqrt((truth**2).mean() + 0.09)
        assert explained(scale * template, truth) > 0.97


def test_a_stack_of_one_frame_is_that_frame():
    frame = normalized(with_noise(waves(FACTORS, (0.3, 0.8))))
    alone, template = learner_of(frame)
    stacked, templates = learner_of(NormalizedFrame.stacked([frame]))
    np.testing.assert_allclose(stacked.factors, alone.factors, rtol=1e-6)
    np.testing.assert_allclose(templates[0], template, atol=1e-5)


def test_masked_pixels_do_not_count():
    mask = (np.abs(Y - 40) < 9) & (np.abs(X - 70) < 14)
    frame = with_noise(waves(FACTORS))
    first = NormalizedFrame(frame, mask, PERIOD)
    second = NormalizedFrame(np.where(mask, 50, frame), mask, PERIOD)
    np.testing.assert_array_equal(learner_of(first)[1], learner_of(second)[1])


def test_a_learner_with_another_width_goes_on_from_what_was_learnt():
    frame = normalized(with_noise(waves(FACTORS)))
    learner, _ = learner_of(frame, width=5.0)
    other = learner.with_width(1.4)
    np.testing.assert_array_equal(other.factors, learner.factors)
    assert other.learnt()["crystal"].width == 1.4
    assert learner.learnt()["crystal"].width == 5.0


def test_a_narrow_window_learns_what_a_learner_of_that_width_does():
    frame = normalized(with_noise(waves(FACTORS)))
    learner, _ = learner_of(frame, width=5.0)
    [found] = learner.with_width(2.0).fit(everywhere(frame))
    _, expected = learner_of(frame, width=2.0)
    assert explained(found, expected) > 0.999


def test_a_learner_with_a_narrow_window_follows_more():
    bend = 0.35 * np.cos(np.pi * X / 140), 0.35 * np.cos(np.pi * Y / 95)
    truth = waves(FACTORS, bend)
    frame = normalized(with_noise(truth))
    learner, wide = learner_of(frame, width=5.0)
    [narrow] = learner.with_width(1.4).fit(everywhere(frame))
    assert explained(narrow, truth) > explained(wide, truth) + 0.1


def test_split_leaves_the_learner_as_it_was():
    frame = normalized(with_noise(waves(FACTORS)))
    learner, _ = learner_of(frame)
    other = learner.split(0)
    assert len(learner.factors) == 1
    np.testing.assert_array_equal(other.factors[0], other.factors[1])


def test_the_pattern_that_is_split_comes_last():
    frame = normalized(with_noise(waves(FACTORS)))
    learner, _ = learner_of(frame)
    three = learner.split(0)
    three.factors = np.array([1, 2])[:, np.newaxis] * three.factors
    three = three.split(1)
    np.testing.assert_allclose(np.abs(three.factors[2]), 2 * np.abs(learner.factors[0]))
    np.testing.assert_array_equal(three.factors[2], three.factors[1])


@pytest.fixture(scope="module")
def polar():
    """Second column off-centre by 6 % of the cell, either way; and the true blocks."""
    two = [
        Lattice.square(12, 4, motif=[(0, 0, 1), (0.5, 0.5 + off, 0.8)])
        for off in (0.06, -0.06)
    ]
    labels = np.zeros((126, 180), int)
    labels[:, 84:] = 1
    frames = [
        micrograph(each, labels.shape, dose=30, ramp=0, jitter=0, seed=3)[0].data
        for each in two
    ]
    frame = NormalizedFrame(np.where(labels, frames[1], frames[0]), None, 12.0)
    cell = np.linalg.inv(np.array(two[0].vectors)).T
    own = sum_blocks(labels, frame.block) / frame.counts
    return frame, cell, own > 0.5


def shares(second, belief):
    own = np.where(second, belief, 1 - belief)
    return np.stack([1 - own, own]).astype(np.float32)


def test_two_motifs_are_told_apart(polar):
    frame, cell, second = polar
    learner = CrystalLearner(frame, cell, 3.0, 12.0)
    learner.fit(everywhere(frame))
    both = learner.split(0)
    # A quarter of the blocks are wrong to begin with.
    wrong = np.random.default_rng(0).random(second.shape) < 0.25
    weights = shares(second ^ wrong, 0.9)
    for _ in range(3):
        templates = both.fit(weights)
        residuals = np.stack([frame.residuals(each) for each in templates])
        smooth = ndimage.uniform_filter(residuals[0] - residuals[1], 3)
        weights = shares(smooth > 0, 0.95)
    assert ((weights[1] > 0.5) == second).mean() > 0.95


def test_two_motifs_explain_more_than_one(polar):
    frame, cell, second = polar
    learner = CrystalLearner(frame, cell, 3.0, 12.0)
    learner.fit(everywhere(frame))
    [one] = learner.fit(everywhere(frame))
    both = learner.split(0)
    for _ in range(3):
        first, other = both.fit(shares(second, 1.0))
    template = np.where(second, frame.residuals(other), frame.residuals(first))
    assert template.sum() < 0.9 * frame.residuals(one).sum()


def test_patterns_of_one_motif_have_the_same_factors():
    frame = normalized(with_noise(waves(FACTORS)))
    learner, _ = learner_of(frame)
    both = learner.split(0)
    second = np.zeros(frame.counts.shape, bool)
    second[:, 20:] = True
    both.fit(shares(second, 1.0))
    first, other = both.factors
    np.testing.assert_allclose(other, first, atol=0.03)


def test_motifs_are_those_of_the_places(polar):
    frame, cell, _ = polar
    learner = CrystalLearner(frame, cell, 3.0, 12.0)
    learner.fit(everywhere(frame))
    found = learner.motifs(everywhere(frame), 4.0)
    assert found.shape == (2 * learner.factors.shape[1], *frame.counts.shape)
    # Far from the boundary, those of a side are nearer to each other.
    left, right = found[:, 12:-12, 8:11], found[:, 12:-12, -11:-8]
    between = np.linalg.norm(left.mean(axis=(1, 2)) - right.mean(axis=(1, 2)))
    for side in (left, right):
        means = side.mean(axis=2)
        spread = np.linalg.norm(means - means.mean(axis=1, keepdims=True), axis=0)
        assert spread.max() < 0.5 * between


def test_motif_of_a_perfect_crystal_is_its_structure_factors():
    frame = normalized(with_noise(waves(FACTORS), 0.1))
    learner, _ = learner_of(frame)
    found = learner.motifs(everywhere(frame), 5.0)
    [factors] = learner.factors
    real, imag = found[:, 15:-15, 20:-20].mean(axis=(1, 2)).reshape(2, -1)
    kept = factors != 0
    np.testing.assert_allclose((real + 1j * imag)[kept], factors[kept], atol=0.02)


def fringe():
    """Contrast that changes its sign twice."""
    return np.cos(2 * np.pi * (X + 10) / 130)


def learner_of_contrast(frame, rounds=2):
    learner = CrystalLearner(frame, CELL, 2.0, PERIOD, CONTRAST_WIDTH)
    for _ in range(rounds):
        [template] = learner.fit(everywhere(frame))
    return learner, template


def test_a_motif_whose_contrast_is_inverted_is_learnt():
    frame = normalized(with_noise(fringe() * waves(FACTORS, (0.37, 0.21)), 0.1))
    learner, template = learner_of_contrast(frame)
    assert explained(template, frame.pixels) > 0.87
    assert explained(learner_of(frame, width=2.0)[1], frame.pixels) < 0.6
    found = known(learner)
    scale = abs(factor(found, 0, 1)) / abs(FACTORS[0])
    for (h, k), expected in zip(INDICES.tolist(), FACTORS, strict=True):
        assert abs(factor(found, h, k)) == pytest.approx(
            scale * abs(expected), abs=0.02
        )
    true = {tuple(i): [f] for i, f in zip(INDICES.tolist(), FACTORS, strict=True)}
    one, other = (0, 1), (1, 0)
    turn = phase_of_triplet(found, one, other) / phase_of_triplet(true, one, other)
    # The motif is that of either sign.
    assert min(abs(np.angle(turn)), abs(np.angle(-turn))) < 0.1


def test_mean_square_of_a_contrast_is_one():
    """So structure factors make up the energy of the frame, but for that of noise."""
    frame = normalized(with_noise(fringe() * waves(FACTORS), 0.1))
    learner, _ = learner_of_contrast(frame)
    energy = 2 * (np.abs(learner.factors) ** 2).sum()
    assert energy == pytest.approx((frame.pixels**2).mean(), rel=0.15)


def test_a_learnt_crystal_has_the_contrast_of_its_learner():
    frame = normalized(with_noise(fringe() * waves(FACTORS)))
    learner, template = learner_of_contrast(frame, rounds=6)
    crystal = learner.learnt()["crystal"]
    assert crystal.contrast_width == CONTRAST_WIDTH
    [found] = crystal.components(frame).expected(everywhere(frame))
    assert explained(found, template) > 0.999


def test_contrast_of_noise_explains_nothing():
    frame = normalized(np.random.default_rng(0).normal(size=SHAPE))
    _, template = learner_of_contrast(frame)
    assert ((frame.pixels - template) ** 2).mean() > 0.985


def test_motifs_under_a_fringe_are_those_of_one_sign():
    frame = normalized(with_noise(fringe() * waves(FACTORS), 0.1))
    learner, _ = learner_of_contrast(frame)
    found = learner.motifs(everywhere(frame), 5.0)
    [factors] = learner.factors
    real, imag = found[:, 15:-15, 5:-5].mean(axis=(1, 2)).reshape(2, -1)
    kept = factors != 0
    np.testing.assert_allclose((real + 1j * imag)[kept], factors[kept], atol=0.03)


def test_two_motifs_have_one_contrast():
    """The second one where the contrast is inverted: its own, if it had another."""
    second = X >= 72
    truth = np.where(second, waves(OTHERS), waves(FACTORS))
    frame = normalized(with_noise(fringe() * truth, 0.1))
    learner = CrystalLearner(frame, CELL, 2.0, PERIOD, CONTRAST_WIDTH)
    weights = shares(sum_blocks(second.astype(float), 3) > 4, 1.0)
    learner.fit(weights)
    for _ in range(3):
        first, other = learner.fit(weights)
    found = np.where(second, other, first)
    assert explained(found, frame.pixels) > 0.87


def test_one_motif_that_varies_slowly_has_a_contrast_too():
    frame = normalized(with_noise(fringe() * waves(FACTORS), 0.1))
    learner, _ = learner_of_contrast(frame)
    learner = learner.with_width(3.5)
    assert explained(learner.varying(everywhere(frame)), frame.pixels) > 0.87


def test_share_that_is_inverted_shows_with_what_is_learnt_without_a_sign():
    shares_found = []
    for contrast in (fringe(), np.ones(SHAPE)):
        frame = normalized(with_noise(contrast * waves(FACTORS), 0.1))
        learner, _ = learner_of(frame)
        other = learner.with_contrast()
        other.fit(everywhere(frame))
        shares_found.append(other.share_inverted(everywhere(frame)))
        assert learner.contrast_width == 0
        assert other.contrast_width == CONTRAST_WIDTH
    assert shares_found[0] > 0.3
    assert shares_found[1] < 0.01


def test_a_lattice_under_a_fringe_settles():
    # One line of contrast zero, at column 60.
    wide = np.cos(np.pi * (X + 10) / 140)
    frame = normalized(with_noise(wide * waves(FACTORS)))
    learner = CrystalLearner(frame, 1.004 * CELL, 2.0, PERIOD, CONTRAST_WIDTH)
    for _ in range(3):
        learner.settle(everywhere(frame))
    assert np.abs(learner.cell - CELL).max() < 1e-3 * np.hypot(*CELL[0])


def test_a_contrast_in_a_frame_without_pixels():
    frame = NormalizedFrame(waves(FACTORS), np.ones(SHAPE, bool), PERIOD)
    learner, template = learner_of_contrast(frame)
    assert not template.any()
    assert not learner.factors.any()


def test_a_learner_without_contrast_begins_anew():
    frame = normalized(with_noise(waves(FACTORS)))
    learner, _ = learner_of_contrast(frame)
    other = learner.without_contrast()
    [found] = other.fit(everywhere(frame))
    [expected] = learner_of(frame, width=2.0, rounds=1)[1:]
    assert explained(found, expected) > 0.999
    assert learner.contrast_width == CONTRAST_WIDTH
    assert learner_of(frame)[0].without_contrast().contrast_width == 0


def test_a_learner_of_one_reflection_begins_anew():
    only = np.where((INDICES == (0, 1)).all(axis=1), FACTORS, 0)
    frame = normalized(with_noise(waves(only), 0.1))
    learner = CrystalLearner(frame, CELL, 2.0, PERIOD, CONTRAST_WIDTH)
    learner.settle(everywhere(frame))
    assert list(known(learner)) == [(0, 1)]
    [template] = learner.without_contrast().fit(everywhere(frame))
    assert explained(template, frame.pixels) > 0.9


@pytest.mark.parametrize(
    ("others", "antiphase"),
    [(np.where(INDICES.sum(axis=1) % 2, 0, FACTORS), (0.5, 0.5)), (OTHERS, (0, 0))],
)
def test_domains_are_of_an_order_that_one_pattern_does_not_have(others, antiphase):
    second = X > 71
    frame = normalized(with_noise(np.where(second, waves(others), waves(FACTORS)), 0.1))
    weights = shares(sum_blocks(second.astype(float), 3) > 4, 1.0)
    learner = CrystalLearner(frame, CELL, 3.0, PERIOD)
    for _ in range(2):
        learner.fit(weights)
    assert learner.with_domains().learnt()["crystal"].antiphase == antiphase


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (-1.0, 0.5),
        # Frames have one variance everywhere, noise and all: that of the waves is 0.44
        # of it on the left. Here it is 0.28, and 0.28 of 0.44 + 0.28 are 0.39.
        (-0.7, 0.39),
        # 0.066, a contrast of 0.39: less than half of that of most power, 0.92.
        (-0.3, 0.0),
        (0.7, 0.0),
    ],
)
def test_share_inverted_is_of_a_contrast_that_is_not_weak(other, share):
    is_left = np.arange(SHAPE[1]) < SHAPE[1] // 2
    contrast = np.where(is_left, 1, other)
    frame = normalized(with_noise(contrast * waves(FACTORS), 1))
    learner = CrystalLearner(frame, CELL, 3.0, PERIOD).with_contrast()
    learner.learn(everywhere(frame))
    assert learner.share_inverted(everywhere(frame)) == pytest.approx(share, abs=0.03)


def test_share_inverted_does_not_count_where_the_mean_steps():
    is_left = np.arange(SHAPE[1]) < SHAPE[1] // 2
    frame = normalized(with_noise(np.where(is_left, 1, -1) * waves(FACTORS), 1))
    learner = CrystalLearner(frame, CELL, 3.0, PERIOD).with_contrast()
    learner.learn(everywhere(frame))
    frame.steps = np.zeros_like(frame.steps)
    frame.steps[:, frame.steps.shape[1] // 2 :] = 1
    assert learner.share_inverted(everywhere(frame)) < 0.02
