# SPDX-License-Identifier: GPL-3.0-or-later
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import ndimage

from hyperspy_symseg import _displacement
from hyperspy_symseg.templates.crystal import (
    WIDE,
    WIDTHS,
    Crystal,
    antiphase_of,
    complex_product,
    pixels_of_cells,
    real_products,
    times_factors,
)
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


def sum_at(terms, indices, v):
    """S(v) of a cell: terms (n,), v (2, ...)."""
    turns = np.tensordot(indices, v, axes=1)
    return np.tensordot(terms, np.exp(2j * np.pi * turns), axes=1).real


def best(terms, indices=INDICES, steps=None, either_sign=False):
    """Displacements from the kernel: terms (n, cells)."""
    indices = np.ascontiguousarray(indices, np.int32)
    terms = np.asarray(terms)
    parts = np.ascontiguousarray([terms.real, terms.imag], np.float32)
    out = np.full((2, terms.shape[1]), np.nan)
    steps = steps or max(3 * np.abs(indices).max(initial=1), 8)
    _displacement.best_displacements(parts, indices, steps, either_sign, out)
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


def test_of_either_sign_no_point_of_a_fine_grid_is_farther_from_zero():
    terms = some_terms(100)
    found = best(terms, steps=24, either_sign=True)
    axis = np.arange(100) / 100
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij")).reshape(2, -1)
    for own, v in zip(terms.T, found.T, strict=True):
        farthest = np.abs(sum_at(own, INDICES, grid)).max()
        assert abs(sum_at(own, INDICES, v)) > 0.999 * farthest
    signs = [
        sum_at(own, INDICES, v) > 0 for own, v in zip(terms.T, found.T, strict=True)
    ]
    assert 20 < sum(signs) < 80


def test_of_either_sign_an_opposite_motif_is_at_the_same_place():
    terms = some_terms()
    first, second = (best(each, either_sign=True) for each in (terms, -terms))
    np.testing.assert_array_equal(first, second)


def test_of_either_sign_a_maximum_is_where_it_is_without():
    """Where all terms are positive: 0 is farther from 0 than any minimum."""
    terms = np.abs(some_terms())
    np.testing.assert_array_equal(best(terms, either_sign=True), best(terms))


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
    axis = np.arange(100) / 100
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"))
    found = np.zeros((2, rows, columns))
    # What is distorted is moved twice by what is found in a window of 5 cells.
    for each in (5.0, 5.0, width) if width < 5 else (width,):
        moved = sums * np.exp(2j * np.pi * np.tensordot(INDICES, found, 1))
        for i, j in np.ndindex(rows, columns):
            near_by = (others_near(i, j, rows, columns, each) * moved).sum(axis=(1, 2))
            values = sum_at(np.conj(factors) * near_by, INDICES, grid)
            found[:, i, j] += grid.reshape(2, -1)[:, values.argmax()]
    return found


def others_near(i, j, rows, columns, width):
    """Weights of the cells near a cell: (rows, columns)."""
    weights = np.zeros((rows, columns))
    weights[i, j] = 1
    weights = ndimage.gaussian_filter(weights, width, mode="constant", truncate=3)
    left_out = 1 if width >= 3 else 0
    near = np.s_[
        max(i - left_out, 0) : i + left_out + 1,
        max(j - left_out, 0) : j + left_out + 1,
    ]
    weights[near] = 0
    return weights


@pytest.mark.parametrize("width", [1.4, 2.0, 3.0, 5.0])
def test_displacement_is_that_of_a_slow_search(width):
    smooth = 0.3 * np.sin(X / 30), 0.3 * np.cos(Y / 40)
    frame = normalized(with_noise(waves(FACTORS, smooth), 1.0))
    own = crystal_of(width=width).components(frame)
    cells = [own.cells(everywhere(frame)[0])]
    found = own.displacement(np.atleast_2d(FACTORS), cells)
    expected = slow_displacements(frame.pixels, FACTORS, width)
    assert modulo_one(found - expected).max() < 0.015


def test_expected_template_is_that_of_the_displacement():
    frame = normalized(with_noise(waves(FACTORS, (0.3, 0.8))))
    own = crystal_of().components(frame)
    weights = everywhere(frame)
    v = own.displacement(np.atleast_2d(FACTORS), [own.cells(weights[0])])
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


def changes_of_a_cell(width, seed=5):
    """Changes of a template in a cell, and in all others, if that cell is noise."""
    before = with_noise(waves(FACTORS))
    frame, other = normalized(before), normalized(before)
    inside = np.s_[45:54, 63:72]
    other.pixels[inside] = np.random.default_rng(seed).normal(size=(9, 9))
    first, second = (
        crystal_of(width=width).components(each).expected(everywhere(each))[0]
        for each in (frame, other)
    )
    changes = np.abs(second - first)
    own = changes[inside].max()
    changes[inside] = 0
    return own, changes.max()


def test_what_is_in_a_cell_does_not_change_its_own_template():
    own, others = changes_of_a_cell(WIDTHS[0])
    assert own < 1e-6
    assert others > 3e-3


def test_what_is_in_a_cell_hardly_changes_its_template_in_a_narrow_window():
    """It is in the displacement of others, by which these are moved before."""
    own, others = changes_of_a_cell(WIDTHS[-1])
    assert own < 0.06 * others


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


# A contrast that varies.


def inverted(shift=(0, 0)):
    """Motif whose contrast changes its sign twice, and the contrast."""
    contrast = np.cos(2 * np.pi * (X + 10) / 130)
    return contrast * waves(FACTORS, shift), contrast


def varying_crystal(factors=FACTORS, width=2.0, contrast_width=1.5):
    return Crystal(CELL, INDICES, np.atleast_2d(factors), width, contrast_width)


def placed(own, frame, weights, factors=FACTORS):
    """Displacement and contrast of a crystal's cells."""
    factors = np.atleast_2d(factors)
    cells = [own.cells(each) for each in weights]
    v = own.displacement(factors, cells)
    n_pixels = [pixels_of_cells(frame, each) for each in weights]
    return v, own.contrast(factors, cells, n_pixels, own.turned(v))


def test_contrast_is_the_same_everywhere_unless_it_has_a_width():
    frame = normalized(waves(FACTORS))
    assert placed(crystal_of().components(frame), frame, everywhere(frame))[1] is None


def test_contrast_that_was_put_in_is_found():
    truth, contrast = inverted((0.3, 0.8))
    frame = normalized(with_noise(truth, 0.1))
    own = varying_crystal().components(frame)
    v, found = placed(own, frame, everywhere(frame))
    # Normalised, the contrast is another; but its sign, and where it is zero, stay.
    expected = contrast[4::9, 4::9][: found.shape[0], : found.shape[1]]
    clear = np.abs(expected[:10, :15]) > 0.4
    assert (np.sign(found[:10, :15]) == np.sign(expected[:10, :15]))[clear].all()
    assert modulo_one(v[0, :10, :15][clear] - 0.3).max() < 0.04
    assert modulo_one(v[1, :10, :15][clear] - 0.8).max() < 0.04


def slow_contrast(pixels, weights, v, width=1.5):
    """Contrast of the cells of 9 x 9 pixels, from sums over all others near by.

    Parameters
    ----------
    weights : list of (rows, columns) of each pattern's weights
    v : (2, rows, columns) numpy.ndarray
    """
    rows, columns = v.shape[1:]
    powers, values = np.zeros((2, rows, columns))
    first, second = np.indices((rows, columns))
    for i, j in np.ndindex(rows, columns):
        window = np.exp(-0.5 * ((first - i) ** 2 + (second - j) ** 2) / width**2)
        window[(np.abs(first - i) > 5) | (np.abs(second - j) > 5)] = 0
        window[i, j] = 0
        window = np.repeat(np.repeat(window, 9, 0), 9, 1)[: SHAPE[0], : SHAPE[1]]
        for factors, own in zip((FACTORS, OTHERS), weights, strict=False):
            # The energy of a wave is twice the square of its structure factor.
            half = waves(factors, v[:, i, j]) / 2
            values[i, j] += (window * own * pixels * half).sum()
            powers[i, j] += (window * own).sum() * (np.abs(factors) ** 2).sum()
    return values / powers


def test_contrast_is_that_of_a_slow_mean():
    frame = normalized(with_noise(inverted((0.3, 0.8))[0]))
    own = varying_crystal().components(frame)
    v, found = placed(own, frame, everywhere(frame))
    expected = slow_contrast(frame.pixels, [np.ones(SHAPE)], v)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_patterns_have_one_contrast():
    truth, _ = inverted()
    other = np.cos(2 * np.pi * (X + 10) / 130) * waves(OTHERS)
    frame = normalized(with_noise(np.where(X < 72, truth, other)))
    # Half a block of the pattern that is not there: not 0.
    second = np.where(np.arange(47) >= 24, 1, 0.1) + 0 * frame.counts
    weights = np.stack([1.1 - second, second]).astype(np.float32)
    own = varying_crystal([FACTORS, OTHERS]).components(frame)
    v, found = placed(own, frame, weights, [FACTORS, OTHERS])
    of_pixels = [
        np.repeat(np.repeat(each, 3, 0), 3, 1)[: SHAPE[0], : SHAPE[1]]
        for each in weights
    ]
    expected = slow_contrast(frame.pixels, of_pixels, v)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_an_inverted_motif_is_explained_with_a_contrast_only():
    truth, _ = inverted((0.3, 0.8))
    frame = normalized(with_noise(truth, 0.1))
    with_contrast, without = (
        each.components(frame).expected(everywhere(frame))[0]
        for each in (varying_crystal(), crystal_of(width=2.0))
    )
    assert explained(with_contrast, frame.pixels) > 0.88
    assert explained(without, frame.pixels) < 0.6


def test_the_opposite_motif_of_an_opposite_contrast_is_the_same():
    frame = normalized(with_noise(inverted()[0]))
    found, expected = (
        varying_crystal(factors).components(frame).expected(everywhere(frame))[0]
        for factors in (-FACTORS, FACTORS)
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_size_of_the_structure_factors_is_made_up_for_by_the_contrast():
    frame = normalized(with_noise(inverted()[0]))
    found, expected = (
        varying_crystal(factors).components(frame).expected(everywhere(frame))[0]
        for factors in (3 * FACTORS, FACTORS)
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_cell_has_no_part_in_the_contrast_that_judges_it():
    before = with_noise(inverted()[0])
    frame, other = normalized(before), normalized(before)
    inside = np.s_[45:54, 63:72]
    other.pixels[inside] = np.random.default_rng(5).normal(size=(9, 9))
    first, second = (
        varying_crystal().components(each).expected(everywhere(each))[0]
        for each in (frame, other)
    )
    np.testing.assert_allclose(second[inside], first[inside], atol=1e-3)
    assert np.abs(second - first).max() > 3e-3


def test_contrast_where_there_is_nothing_is_zero():
    mask = X > 40
    frame = NormalizedFrame(with_noise(inverted()[0]), mask, PERIOD)
    _, found = placed(varying_crystal().components(frame), frame, everywhere(frame))
    assert np.isfinite(found).all()
    assert not found[:, 12:].any()
    _, found = placed(
        varying_crystal(0 * FACTORS).components(frame),
        frame,
        everywhere(frame),
        0 * FACTORS,
    )
    assert not found.any()


@pytest.mark.parametrize(
    ("times", "antiphase"),
    [
        ([[0.5, 0], [0, 1]], (0.5, 0)),
        ([[0, 1], [0.5, 0]], (0, 0.5)),
        ([[0.5, 0.5], [-0.5, 0.5]], (0.5, 0.5)),
        # The same lattice as the first, by other vectors.
        ([[0.5, 1], [0, 1]], (0.5, 0)),
    ],
)
def test_antiphase_domains_are_displaced_by_the_translation_that_is_lost(
    times, antiphase
):
    assert antiphase_of(np.array(times)) == antiphase


def test_odd_reflections_are_those_that_the_lattice_has_not():
    indices = np.array([[1, 0], [0, 1], [1, 1], [-1, 1], [2, 1]])
    crystal = Crystal(CELL, indices, np.ones((1, 5)), 3.0, antiphase=(0.5, 0.5))
    np.testing.assert_array_equal(crystal.is_odd, [True, True, False, False, True])


def complex_numbers(seed, shape=(3, 2, 4, 5)):
    numbers = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
    return numbers, numbers[0] + 1j * numbers[1]


def test_product_of_complex_numbers():
    (one, first), (other, second) = map(complex_numbers, (0, 1))
    real, imag = complex_product(one, other)
    np.testing.assert_allclose(real + 1j * imag, first * second, atol=1e-5)


def test_real_parts_of_products_are_added_up_by_component():
    one, first = complex_numbers(0, (2, 4, 5))
    other, second = complex_numbers(1, (3, 4, 5))
    expected = (first * second[[2, 0]]).sum(axis=0).real
    found = real_products(one, other, np.array([2, 0]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("conjugate", [False, True])
def test_some_components_times_factors(conjugate):
    numbers, expected = complex_numbers(0)
    factors, used = np.array([2 - 1j, 0.5j]), np.array([2, 0])
    expected = expected[used].conj() if conjugate else expected[used]
    expected = factors.reshape(-1, 1, 1, 1) * expected
    real, imag = times_factors(factors, numbers, used, conjugate)
    np.testing.assert_allclose(real + 1j * imag, expected, atol=1e-5)
    out = np.ones((2, *expected.shape), np.float32)
    real, imag = times_factors(factors, numbers, used, conjugate, out)
    np.testing.assert_allclose(real + 1j * imag, 1 + 1j + expected, atol=1e-5)
