# SPDX-License-Identifier: GPL-3.0-or-later
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg import _bragg
from hyperspy_symseg.templates.blocks import TRUNCATE
from hyperspy_symseg.templates.bragg import (
    LEAST_WEIGHT,
    OWN_WEIGHT,
    WIDTH,
    WINDOW,
    BraggComponents,
    FreeComponents,
    near_by,
    unit_phases,
    whole_cells,
)
from hyperspy_symseg.templates.normalized_frame import BLOCKS_IN_CELL

# Rows, columns and side of a block: cut off or not, smaller and larger than a frame.
FRAMES = [
    (12, 12, 2),
    (13, 71, 2),
    (35, 150, 3),
    (70, 33, 4),
    (5, 4, 1),
    (150, 270, 50),
]
REFLECTIONS = np.array([[0.11, -0.03], [0.0, 0.17], [-0.21, 0.02]])


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def n_blocks(length, side):
    return -(-length // side)


def factors(height, width, reflections=REFLECTIONS):
    found = []
    for frequency, length in zip(reflections.T, (height, width), strict=True):
        turns = np.multiply.outer(frequency, np.arange(length))
        wave = np.exp(2j * np.pi * turns)
        found.append(np.stack([wave.real, wave.imag]).astype(np.float32))
    return found


def blocks(height, width, side):
    """Every block of a frame: its index, and its pixels."""
    for i, j in np.ndindex(n_blocks(height, side), n_blocks(width, side)):
        yield i, j, np.s_[i * side : (i + 1) * side, j * side : (j + 1) * side]


def frame_of(pixels, block):
    """What is needed of a NormalizedFrame."""
    height, width = pixels.shape

    def counts(side):
        out = np.empty((n_blocks(height, side), n_blocks(width, side)), np.float32)
        for i, j, inside in blocks(height, width, side):
            out[i, j] = pixels[inside].size
        return out

    return SimpleNamespace(
        pixels=pixels,
        shape=pixels.shape,
        block=block,
        counts=counts(block),
        cell_counts=counts(BLOCKS_IN_CELL * block),
        factors=lambda reflections: factors(height, width, reflections),
    )


@pytest.mark.parametrize(("height", "width", "block"), FRAMES)
def test_fourier_sums_are_those_of_the_blocks(height, width, block):
    pixels = random(2, height, width)
    out = np.empty(
        (2, 3, 2, n_blocks(height, block), n_blocks(width, block)), np.float32
    )
    out[:, 1] = -1
    _bragg.fourier_sums(pixels, *factors(height, width), block, np.array([0, 2]), out)
    assert (out[:, 1] == -1).all()
    _bragg.fourier_sums(pixels, *factors(height, width), block, np.array([1]), out)
    y, x = np.indices((height, width))
    for g, (gy, gx) in enumerate(REFLECTIONS):
        terms = pixels * np.exp(-2j * np.pi * (gy * y + gx * x))
        for i, j, inside in blocks(height, width, block):
            expected = terms[:, *inside].sum(axis=(1, 2))
            np.testing.assert_allclose(out[0, g, :, i, j], expected.real, atol=1e-4)
            np.testing.assert_allclose(out[1, g, :, i, j], expected.imag, atol=1e-4)


@pytest.mark.parametrize(("height", "width", "block"), FRAMES)
def test_sum_of_components_is_that_of_the_formula(height, width, block):
    step = 3
    cells = n_blocks(height, block * step), n_blocks(width, block * step)
    amplitudes = random(2, 3, 2, *cells)
    out = np.empty((2, height, width), np.float32)
    _bragg.sum_of_components(*factors(height, width), amplitudes, block, step, out)
    y, x = np.indices((height, width))
    expected = np.zeros(out.shape)
    for (gy, gx), re, im in zip(REFLECTIONS, *amplitudes, strict=True):
        for i, j, inside in blocks(height, width, block * step):
            wave = np.exp(2j * np.pi * (gy * y[inside] + gx * x[inside]))
            size = re[:, i, j] + 1j * im[:, i, j]
            expected[:, *inside] += (np.multiply.outer(size, wave)).real
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_no_components_make_up_nothing():
    rows, columns = (random(2, 0, length) for length in (4, 5))
    out = random(1, 4, 5)
    _bragg.sum_of_components(rows, columns, random(2, 0, 1, 1, 1), 2, 3, out)
    np.testing.assert_array_equal(out, 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (30, 2), (43, 43), (20, 171)])
def test_window_is_a_gaussian(shape):
    cells = random(2, 3, *shape)
    expected = ndimage.gaussian_filter(
        cells.astype(float), (0, 0, WIDTH, WIDTH), mode="constant", truncate=TRUNCATE
    )
    np.testing.assert_allclose(near_by(cells), expected, atol=1e-6)


def test_window_of_no_components():
    assert near_by(random(2, 0, 4, 5)).shape == (2, 0, 4, 5)


def test_window_of_cells_that_are_not_contiguous():
    cells = random(2, 3, 14, 18)[..., ::2]
    np.testing.assert_array_equal(near_by(cells), near_by(cells.copy()))


def test_means_do_not_depend_on_where_the_frame_is_cut():
    reach = len(WINDOW) - 1
    cells = random(2, 3, 50, 120)
    whole = near_by(cells)
    inside = slice(reach, -reach)
    for top, left in ((0, 0), (3, 1), (9, 37)):
        cut = np.s_[..., top : top + 40, left : left + 70]
        np.testing.assert_array_equal(
            near_by(cells[cut])[..., inside, inside],
            whole[cut][..., inside, inside],
        )


def test_template_does_not_depend_on_where_the_frame_is_cut():
    block, step = 2, 3
    rows, columns = factors(60, 300)
    amplitudes = random(2, 3, 1, 10, 50)
    whole = np.empty((1, 60, 300), np.float32)
    _bragg.sum_of_components(rows, columns, amplitudes, block, step, whole)
    cut = np.empty((1, 48, 200), np.float32)
    _bragg.sum_of_components(
        rows[..., 12:].copy(),
        columns[..., 6:206].copy(),
        amplitudes[..., 2:, 1:].copy(),
        block,
        step,
        cut,
    )
    np.testing.assert_array_equal(cut, whole[:, 12:, 6:206])


def test_fourier_sums_do_not_depend_on_where_the_frame_is_cut():
    block = 2
    pixels, (rows, columns) = random(1, 60, 300), factors(60, 300)
    whole = np.empty((2, 3, 1, 30, 150), np.float32)
    _bragg.fourier_sums(pixels, rows, columns, block, np.arange(3), whole)
    cut = np.empty((2, 3, 1, 24, 100), np.float32)
    _bragg.fourier_sums(
        pixels[:, 12:, 6:206].copy(),
        rows[..., 12:].copy(),
        columns[..., 6:206].copy(),
        block,
        np.arange(3),
        cut,
    )
    np.testing.assert_array_equal(cut, whole[..., 6:, 3:103])


def test_own_weight_is_that_of_a_single_cell():
    cells = np.zeros((1, 41, 41), np.float32)
    cells[0, 20, 20] = 1
    assert near_by(cells)[0, 20, 20] == pytest.approx(OWN_WEIGHT, rel=1e-6)


def test_phases_have_modulus_one():
    np.testing.assert_allclose(
        np.hypot(*unit_phases(random(2, 3, 20, 30))), 1, atol=1e-6
    )


def test_phases_are_those_of_the_other_cells():
    cells = np.zeros((2, 1, 7, 7), np.float32)
    cells[:, 0] = np.array([0.6, 0.8])[:, np.newaxis, np.newaxis]
    cells[:, 0, 3, 3] = -5, 4
    np.testing.assert_allclose(unit_phases(cells)[:, 0, 3, 3], [0.6, 0.8], atol=1e-5)


def test_no_phase_where_nothing_is_near():
    np.testing.assert_array_equal(unit_phases(np.zeros((2, 3, 5, 5), np.float32)), 0)


def components_in(frame, reflections=REFLECTIONS):
    return BraggComponents(frame, frame.factors(reflections))


def template_in(frame, reflections, amplitudes, weights):
    """What free components make up."""
    own = FreeComponents(frame, reflections, np.array(amplitudes))
    [template] = own.expected(weights[np.newaxis])
    return template


def test_cells_are_weighted_sums_of_blocks():
    block, shape = 2, (29, 50)
    pixels = random(*shape)
    frame = frame_of(pixels, block)
    weights = np.random.default_rng(2).uniform(size=frame.counts.shape)
    weights = weights.astype(np.float32)
    found = components_in(frame).cells(weights)
    assert found.shape == (2, 3, *frame.cell_counts.shape)
    weight = np.repeat(np.repeat(weights, block, 0), block, 1)[: shape[0], : shape[1]]
    y, x = np.indices(shape)
    for g, (gy, gx) in enumerate(REFLECTIONS):
        terms = weight * pixels * np.exp(-2j * np.pi * (gy * y + gx * x))
        for i, j, inside in blocks(*shape, BLOCKS_IN_CELL * block):
            expected = terms[inside].sum()
            assert found[0, g, i, j] == pytest.approx(expected.real, abs=1e-4)
            assert found[1, g, i, j] == pytest.approx(expected.imag, abs=1e-4)


@pytest.mark.parametrize(("height", "width", "block"), FRAMES)
def test_whole_cells_are_those_of_equal_weights(height, width, block):
    frame = frame_of(random(height, width), block)
    found = whole_cells(frame, frame.factors(REFLECTIONS))
    expected = components_in(frame).cells(np.ones(frame.counts.shape, np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_no_block_has_less_than_the_least_weight():
    frame = frame_of(random(24, 24), 2)
    own = components_in(frame)
    none = np.zeros(frame.counts.shape, np.float32)
    np.testing.assert_array_equal(own.cells(none), own.cells(none + LEAST_WEIGHT))


def test_a_component_is_its_own_template():
    gy, gx = REFLECTIONS[0]
    y, x = np.indices((120, 130))
    amplitude = 0.7
    pixels = 2 * amplitude * np.cos(2 * np.pi * (gy * y + gx * x) + 1)
    pixels = pixels.astype(np.float32)
    frame = frame_of(pixels, 3)
    ones = np.ones(frame.counts.shape, np.float32)
    template = template_in(frame, REFLECTIONS[:1], [amplitude], ones)
    assert template.dtype == np.float32
    inside = np.s_[40:-40, 40:-40]
    np.testing.assert_allclose(template[inside], pixels[inside], atol=0.05)


def test_amplitudes_of_components_are_doubled():
    frame = frame_of(random(60, 61), 2)
    own = components_in(frame)
    phases = np.zeros((2, 3, *frame.cell_counts.shape), np.float32)
    phases[0] = 1
    amplitudes = np.array([1.0, 0.5, 0.25])
    y, x = np.indices((60, 61))
    expected = sum(
        2 * amplitude * np.cos(2 * np.pi * (gy * y + gx * x))
        for amplitude, (gy, gx) in zip(amplitudes, REFLECTIONS, strict=True)
    )
    np.testing.assert_allclose(own.template(amplitudes, phases), expected, atol=1e-4)


def test_some_of_the_components():
    frame = frame_of(random(40, 50), 2)
    places = np.array([2, 0])
    weights = np.abs(random(*frame.counts.shape))
    amplitudes = np.array([1.0, 2.0])
    own = components_in(frame)
    np.testing.assert_array_equal(
        own.template(amplitudes, unit_phases(own.cells(weights)), places),
        template_in(frame, REFLECTIONS[places], amplitudes, weights),
    )


def test_none_of_the_components():
    frame = frame_of(random(40, 50), 2)
    own = components_in(frame)
    phases = unit_phases(own.cells(np.ones(frame.counts.shape, np.float32)))
    template = own.template(np.zeros(0), phases, np.arange(0))
    np.testing.assert_array_equal(template, np.zeros((40, 50)))


def test_no_components_at_all():
    frame = frame_of(random(40, 50), 2)
    ones = np.ones(frame.counts.shape, np.float32)
    none = template_in(frame, np.empty((0, 2)), [], ones)
    np.testing.assert_array_equal(none, np.zeros((40, 50)))


def test_components_that_are_replaced():
    frame = frame_of(random(40, 50), 2)
    ones = np.ones(frame.counts.shape, np.float32)
    amplitudes = np.array([1.0, 2.0, 0.5])
    others = REFLECTIONS + 0.01
    places = np.array([2, 0])
    own = components_in(frame)
    own.replace(places, frame.factors(others[places]))
    replaced = np.stack([others[0], REFLECTIONS[1], others[2]])
    cells = own.cells(ones)
    np.testing.assert_array_equal(cells, components_in(frame, replaced).cells(ones))
    np.testing.assert_array_equal(
        own.template(amplitudes, unit_phases(cells)),
        template_in(frame, replaced, amplitudes, ones),
    )


def test_sums_of_the_blocks_are_those_of_the_pixels():
    block, shape = 2, (13, 21)
    pixels = random(*shape)
    found = components_in(frame_of(pixels, block)).block_sums
    assert found.shape == (2, 3, 7, 11)
    y, x = np.indices(shape)
    for g, (gy, gx) in enumerate(REFLECTIONS):
        terms = pixels * np.exp(-2j * np.pi * (gy * y + gx * x))
        for i, j, inside in blocks(*shape, block):
            assert found[0, g, i, j] == pytest.approx(
                terms[inside].sum().real, abs=1e-4
            )
            assert found[1, g, i, j] == pytest.approx(
                terms[inside].sum().imag, abs=1e-4
            )
