# SPDX-License-Identifier: GPL-3.0-or-later
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import ndimage

from hyperspy_symseg import _displacement
from hyperspy_symseg.simulate import Lattice, micrograph
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.crystal import WIDE, WIDTHS, Crystal, CrystalLearner
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

# Not a multiple of a cell of 9 pixels.
SHAPE = (95, 140)
PERIOD = 9.0
CELL = np.array([[0.02, 0.11], [0.1, -0.01]])
INDICES = np.array([[0, 1], [1, 0], [1, 1], [-1, 1], [0, 2], [2, -1]], np.int32)
FACTORS = np.array([0.4, 0.3j, 0.2 - 0.1j, -0.25, 0.1j, 0.1 + 0.1j])
# The same but for the first and the third: as a motif with a column moved.
OTHERS = np.array([0.3 + 0.3j, 0.3j, -0.2, -0.25, 0.1j, 0.1 + 0.1j])
Y, X = np.indices(SHAPE)


def waves(factors, displacement=(0, 0), cell=CELL, indices=INDICES):
    """Sum of the plane waves of a motif, pixel by pixel: 2 Re sum of F exp(...).

    The displacement is in fractions of the lattice vectors: two numbers, or two frames.
    """
    frame = np.zeros(SHAPE)
    for (h, k), factor in zip(indices, factors, strict=True):
        gy, gx = h * cell[0] + k * cell[1]
        turns = gy * Y + gx * X - h * displacement[0] - k * displacement[1]
        frame += 2 * (factor * np.exp(2j * np.pi * turns)).real
    return frame


def with_noise(frame, noise=0.3, seed=0):
    return frame + noise * np.random.default_rng(seed).normal(size=frame.shape)


def normalized(frame):
    return NormalizedFrame(frame, None, PERIOD)


def everywhere(frame, n_patterns=1):
    share = np.float32(1 / n_patterns)
    return np.full((n_patterns, *frame.counts.shape), share, np.float32)


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


def modulo_one(difference):
    return np.abs(difference - np.rint(difference))


def explained(template, truth):
    """Share of the variance of a clean frame that a template explains."""
    return 1 - ((template - truth) ** 2).mean() / (truth**2).mean()


# The kernel.


def sum_at(terms, indices, v):
    """S(v) of a cell: terms (n,), v (2, ...)."""
    turns = np.tensordot(indices, v, axes=1)
    return np.tensordot(terms, np.exp(2j * np.pi * turns), axes=1).real


def best(terms, indices=INDICES, steps=None):
    """Displacements from the kernel: terms (n, cells)."""
    indices = np.ascontiguousarray(indices, np.int32)
    terms = np.asarray(terms)
    parts = np.ascontiguousarray([terms.real, terms.imag], np.float32)
    out = np.full((2, terms.shape[1]), np.nan)
    steps = steps or max(3 * np.abs(indices).max(initial=1), 8)
    _displacement.best_displacements(parts, indices, steps, out)
    return out


def some_terms(n_cells=37, seed=0, indices=INDICES):
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(2, len(indices), n_cells)).astype(np.float32)
    return parts[0] + 1j * parts[1]


@given(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), st.integers(0, 100))
@settings(deadline=None)
def test_displacement_that_was_put_in_is_found(displacement, seed):
    powers = np.random.default_rng(seed).uniform(0.2, 1, len(INDICES))
    terms = powers * np.exp(-2j * np.pi * INDICES @ displacement)
    found = best(terms[:, np.newaxis])[:, 0]
    assert modulo_one(found - displacement).max() < 1e-5


def test_no_point_of_a_fine_grid_is_better():
    terms = some_terms()
    axis = np.arange(120) / 120
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"))
    for own, found in zip(terms.T, best(terms, steps=48).T, strict=True):
        largest = sum_at(own, INDICES, grid).max()
        assert sum_at(own, INDICES, found) > largest - 1e-5


def test_displacement_is_where_the_sum_does_not_change():
    terms, step = some_terms(), 1e-4
    found = best(terms, steps=16)
    for own, v in zip(terms.T, found.T, strict=True):
        here = sum_at(own, INDICES, v)
        for move in ([step, 0], [-step, 0], [0, step], [0, -step]):
            assert sum_at(own, INDICES, v + move) < here


@given(st.permutations(range(len(INDICES))))
@settings(deadline=None)
def test_order_of_the_reflections_is_of_no_effect(order):
    terms = some_terms()
    found = best(terms[order], INDICES[order], 16)
    assert modulo_one(found - best(terms, steps=16)).max() < 1e-4


@given(st.sets(st.integers(0, len(INDICES) - 1)))
@settings(deadline=None)
def test_opposite_reflections_are_the_same(turned):
    signs = np.ones(len(INDICES), np.int32)
    signs[list(turned)] = -1
    terms = some_terms()
    opposite = np.where(signs[:, np.newaxis] < 0, terms.conj(), terms)
    found = best(opposite, signs[:, np.newaxis] * INDICES, 16)
    assert modulo_one(found - best(terms, steps=16)).max() < 1e-4


@given(st.sets(st.integers(0, 36), min_size=1))
@settings(deadline=None)
def test_a_cell_does_not_depend_on_the_others(cells):
    terms, chosen = some_terms(), sorted(cells, key=lambda n: (n % 7, n))
    np.testing.assert_array_equal(best(terms[:, chosen]), best(terms)[:, chosen])


def test_size_of_the_terms_is_of_no_effect():
    terms = some_terms()
    np.testing.assert_array_equal(best(1024 * terms), best(terms))


def test_a_lattice_along_one_axis_moves_along_that_one():
    indices = np.array([[0, 1], [0, 2]])
    terms = np.exp(-2j * np.pi * indices @ [0.0, 0.37])[:, np.newaxis]
    found = best(terms, indices)[:, 0]
    assert found[0] == 0
    # No Newton step: the sum is flat along the other axis.
    assert found[1] == pytest.approx(0.37, abs=0.5 / 8)


def test_without_reflections_nothing_is_displaced():
    found = best(np.empty((0, 5)), np.empty((0, 2)))
    np.testing.assert_array_equal(found, np.zeros((2, 5)))


def test_where_there_is_nothing_nothing_is_displaced():
    np.testing.assert_array_equal(best(np.zeros((6, 3))), np.zeros((2, 3)))


def test_no_cells():
    assert best(np.empty((6, 0))).shape == (2, 0)


def phase_factors(displacements, indices=INDICES):
    out = np.full((2, len(indices), displacements.shape[1]), np.nan, np.float32)
    _displacement.phase_factors(displacements, indices, out)
    return out


def test_phase_factors_are_those_of_the_formula():
    v = np.random.default_rng(0).uniform(-3, 3, (2, 30))
    indices = np.array([[0, 0], [3, -12], [-12, 12], [7, 0], [0, -1]], np.int32)
    expected = np.exp(2j * np.pi * indices @ v)
    real, imag = phase_factors(v, indices)
    np.testing.assert_allclose(real + 1j * imag, expected, atol=1e-5)


def test_phase_factors_of_a_cell_do_not_depend_on_the_others():
    v = np.random.default_rng(0).uniform(-3, 3, (2, 30))
    some = np.ascontiguousarray(v[:, 3::4])
    np.testing.assert_array_equal(phase_factors(some), phase_factors(v)[..., 3::4])


# A crystal with known factors.


def crystal_of(factors=FACTORS, width=3.0, cell=CELL):
    return Crystal(cell, INDICES, np.atleast_2d(factors), width)


def test_reflections_are_those_of_the_indices():
    expected = [h * CELL[0] + k * CELL[1] for h, k in INDICES]
    np.testing.assert_allclose(crystal_of().reflections, expected)


def test_template_is_the_sum_of_waves_of_a_known_displacement():
    frame = normalized(waves(FACTORS))
    cells = frame.cell_counts.shape
    v = np.random.default_rng(0).uniform(-1, 1, (2, *cells))
    own = crystal_of().components(frame)
    template = own.template(FACTORS, own.turned(v))
    assert template.dtype == np.float32
    of_pixels = np.repeat(np.repeat(v, 9, 1), 9, 2)[:, : SHAPE[0], : SHAPE[1]]
    np.testing.assert_allclose(template, waves(FACTORS, of_pixels), atol=1e-4)


def test_factors_of_zero_make_up_nothing():
    frame = normalized(waves(FACTORS))
    own = crystal_of().components(frame)
    turned = own.turned(np.zeros((2, *frame.cell_counts.shape)))
    np.testing.assert_array_equal(own.template(0 * FACTORS, turned), 0)
    some = np.where(np.arange(6) % 2, 0, FACTORS)
    np.testing.assert_allclose(own.template(some, turned), waves(some), atol=1e-4)


def slow_displacements(pixels, factors, width):
    """Displacement of the cells of 9 x 9 pixels, from sums over all others near by."""
    rows, columns = (-(-n // 9) for n in SHAPE)
    sums = np.empty((len(INDICES), rows, columns), complex)
    for n, (h, k) in enumerate(INDICES):
        gy, gx = h * CELL[0] + k * CELL[1]
        terms = pixels * np.exp(-2j * np.pi * (gy * Y + gx * X))
        for i, j in np.ndindex(rows, columns):
            sums[n, i, j] = terms[9 * i : 9 * i + 9, 9 * j : 9 * j + 9].sum()
    left_out = 1 if width >= 3 else 0
    axis = np.arange(100) / 100
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"))
    found = np.empty((2, rows, columns))
    for i, j in np.ndindex(rows, columns):
        weights = np.zeros((rows, columns))
        weights[i, j] = 1
        weights = ndimage.gaussian_filter(weights, width, mode="constant", truncate=3)
        near = np.s_[
            max(i - left_out, 0) : i + left_out + 1,
            max(j - left_out, 0) : j + left_out + 1,
        ]
        weights[near] = 0
        terms = np.conj(factors) * (weights * sums).sum(axis=(1, 2))
        found[:, i, j] = grid.reshape(2, -1)[:, sum_at(terms, INDICES, grid).argmax()]
    return found


@pytest.mark.parametrize("width", [1.4, 2.0, 3.0, 5.0])
def test_displacement_is_that_of_a_slow_search(width):
    smooth = 0.3 * np.sin(X / 30), 0.3 * np.cos(Y / 40)
    frame = normalized(with_noise(waves(FACTORS, smooth), 1.0))
    own = crystal_of(width=width).components(frame)
    near_by = own.near_by(own.cells(everywhere(frame)[0]))
    found = own.displacement(np.atleast_2d(FACTORS), [near_by])
    expected = slow_displacements(frame.pixels, FACTORS, width)
    assert modulo_one(found - expected).max() < 0.015


def test_expected_template_is_that_of_the_displacement():
    frame = normalized(with_noise(waves(FACTORS, (0.3, 0.8))))
    own = crystal_of().components(frame)
    weights = everywhere(frame)
    near_by = own.near_by(own.cells(weights[0]))
    v = own.displacement(np.atleast_2d(FACTORS), [near_by])
    [found] = own.expected(weights)
    np.testing.assert_array_equal(found, own.template(FACTORS, own.turned(v)))


def test_a_crystal_explains_its_own_frame():
    truth = waves(FACTORS, (0.3, 0.8))
    scale = truth.std()
    frame = normalized(with_noise(truth))
    [found] = crystal_of().components(frame).expected(everywhere(frame))
    assert explained(scale * found / found.std(), truth) > 0.98


def test_the_displacement_of_one_pattern_holds_for_the_other():
    """Two motifs, and nothing but the first in the frame."""
    frame = normalized(waves(FACTORS, (0.3, 0.8)))
    own = crystal_of([FACTORS, OTHERS]).components(frame)
    weights = everywhere(frame, 2) * np.float32([1, 0])[:, np.newaxis, np.newaxis] * 2
    found = own.expected(weights)
    for each, factors in zip(found, (FACTORS, OTHERS), strict=True):
        assert explained(each, waves(factors, (0.3, 0.8))) > 0.98


def impulse(width, shape=(31, 33)):
    """Weight of a cell in the sums near all cells."""
    frame = normalized(np.random.default_rng(0).normal(size=(50, 60)))
    own = crystal_of(width=width).components(frame)
    cells = np.zeros((2, 1, *shape), np.float32)
    cells[:, 0, 15, 16] = 1, -2
    return np.hypot(*own.near_by(cells)[:, 0])


@pytest.mark.parametrize("width", WIDTHS)
def test_a_cell_is_not_in_the_sum_that_judges_it(width):
    weights = impulse(width)
    assert weights[15, 16] < 1e-7
    assert weights[15, 18] > 1e-3


@pytest.mark.parametrize("width", WIDTHS)
def test_neighbours_are_not_in_the_sum_of_a_wide_window(width):
    weights = impulse(width)[14:17, 15:18]
    weights[1, 1] = 1
    if width >= WIDE:
        weights[1, 1] = 0
        assert weights.max() < 1e-7
    else:
        assert weights.min() > 1e-3


def test_other_pixels_do_not_turn_a_template_in_a_cell():
    """What is in a cell alone does not change its own template."""
    before = with_noise(waves(FACTORS))
    frame, other = normalized(before), normalized(before)
    inside = np.s_[45:54, 63:72]
    other.pixels[inside] = np.random.default_rng(5).normal(size=(9, 9))
    for width in WIDTHS:
        templates = [
            crystal_of(width=width).components(each).expected(everywhere(each))[0]
            for each in (frame, other)
        ]
        first, second = templates
        np.testing.assert_allclose(second[inside], first[inside], atol=1e-3)
        assert np.abs(second - first).max() > 3e-3


def test_components_with_another_width_are_those_of_that_crystal():
    frame = normalized(with_noise(waves(FACTORS)))
    own = crystal_of(width=5.0).components(frame)
    [before] = own.expected(everywhere(frame))
    [found] = own.with_width(1.4).expected(everywhere(frame))
    [expected] = crystal_of(width=1.4).components(frame).expected(everywhere(frame))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(own.expected(everywhere(frame))[0], before)
    assert np.abs(found - before).max() > 1e-4


def test_turned_block_sums_are_those_of_the_blocks():
    frame = normalized(with_noise(waves(FACTORS)))
    own = crystal_of().components(frame)
    v = np.random.default_rng(0).uniform(-1, 1, (2, *frame.cell_counts.shape))
    found = own.block_sums(own.turned(v))
    h, k = INDICES[2]
    gy, gx = crystal_of().reflections[2]
    terms = frame.pixels * np.exp(-2j * np.pi * (gy * Y + gx * X))
    # Block (7, 5) is in the cell (2, 1).
    turn = np.exp(2j * np.pi * (h * v[0, 2, 1] + k * v[1, 2, 1]))
    expected = turn * terms[21:24, 15:18].sum()
    assert found.shape == (2, 6, *frame.counts.shape)
    assert found[0, 2, 7, 5] == pytest.approx(expected.real, abs=1e-4)
    assert found[1, 2, 7, 5] == pytest.approx(expected.imag, abs=1e-4)


# What is learnt.


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
    near_by = own.near_by(own.cells(everywhere(frame)[0]))
    v = own.displacement(factors[np.newaxis], [near_by])
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
