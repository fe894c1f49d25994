# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import math

import numpy as np
import pytest

from hyperspy_symseg.analysis import MeanLattices, Strain
from hyperspy_symseg.analysis.strain import LocalLattice, periods, strain_of_cells
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.local_linear import LocalLinear

SHAPE, WIDTH = (190, 230), 1.8
SQUARE = np.array([[0, 11.0], [11, 0]])
OBLIQUE = np.array([[1.0, 12.0], [10.0, 4.0]])
# One of each h and -h, up to 3.
INDICES = np.array([(h, k) for h in range(4) for k in range(-3, 4) if (h, k) > (0, 0)])
LABELS = np.zeros(SHAPE, np.int8)
# Away from the edges by three standard deviations of a window of two periods.
MIDDLE = (slice(70, 120), slice(70, 160))


def templates(*lattices, kinds="crystal", motif=((0, 0, 1.0),), period=None, **more):
    """Templates of lattices of Gaussian columns, from their Fourier coefficients."""
    known = [[] for _ in range(5)]
    for k, vectors in enumerate(lattices):
        cell = np.linalg.inv(vectors).T
        waves = INDICES @ cell
        places = np.array(motif)[:, :2]
        sums = np.exp(-2j * np.pi * INDICES @ places.T) @ np.array(motif)[:, 2]
        factors = sums * np.exp(-2 * (np.pi * WIDTH) ** 2 * (waves**2).sum(axis=1))
        factors /= math.sqrt(2 * (np.abs(factors) ** 2).sum())
        tied = kinds == "crystal"
        own = ([k] * len(waves), waves, np.abs(factors), tied * np.angle(factors))
        for column, values in zip(known, (*own, tied * INDICES), strict=True):
            column.append(values)
    patterns, waves, sizes, phases, indices = map(np.concatenate, known)
    n = len(lattices)
    crystals = {}
    if kinds == "crystal":
        cells = [np.linalg.inv(vectors).T for vectors in lattices]
        crystals = {"crystals": np.arange(n), "cells": cells, "widths": [2.0] * n}
        crystals |= {"phases": phases, "indices": indices}
    period = period or math.sqrt(abs(np.linalg.det(lattices[0])))
    return Templates(period, n, patterns, waves, sizes, 0.1, **crystals | more)


def frame(
    vectors,
    deform=None,
    *,
    origin=(3.0, 4.0),
    motif=((0, 0, 1.0),),
    noise=None,
    seen=None,
):
    """Gaussian columns of a lattice, each moved by a function of its place."""
    numbers = np.array(list(itertools.product(range(-40, 41), repeat=2)))
    out = np.full(SHAPE, 0.2)
    rng = np.random.default_rng(noise)
    for u, v, weight in motif:
        places = (numbers + np.array([u, v])) @ vectors + origin
        if seen is not None:
            places = places[seen(places[:, 1])]
        if deform is not None:
            places = deform(places)
        if noise is not None:
            places = places + rng.normal(0, 0.2, places.shape)
        along_y, along_x = (
            np.exp(-0.5 * ((np.arange(n) - places[:, [i]]) / WIDTH) ** 2)
            for i, n in enumerate(SHAPE)
        )
        out += weight * along_y.T @ along_x
    return out if noise is None else rng.poisson(10 * out)


def moved_by(matrix):
    """Deformation of all by a matrix that acts on (y, x)."""
    return lambda places: places @ np.array(matrix).T


def measured(image, known, references, labels=LABELS, **options):
    """Strain (rows, columns, 8) of a frame."""
    return run(Strain(known, references, **options), image, labels)


@pytest.mark.parametrize("vectors", [SQUARE, OBLIQUE])
def test_a_uniform_strain_is_found(vectors):
    # y is stretched by 1 %, x shrunk by 0.6 %, and both sheared by 0.4 %.
    image = frame(vectors, moved_by([[1.010, 0.004], [0.004, 0.994]]))
    found = measured(image, templates(vectors), [vectors], smoothing=2.0)
    for k, strain in enumerate((-0.006, 0.010, 0.004)):
        np.testing.assert_allclose(found[MIDDLE][..., k], strain, atol=2e-4)
    np.testing.assert_allclose(found[MIDDLE][..., 3], 0, atol=0.01)


def test_neither_gain_nor_offset_nor_a_crop_matter():
    image = frame(SQUARE, moved_by([[1.010, 0.004], [0.004, 0.994]]), noise=2)
    known = templates(SQUARE)
    found = measured(image, known, [SQUARE], smoothing=2.0)
    other = measured(image * 40 + 7000, known, [SQUARE], smoothing=2.0)
    np.testing.assert_allclose(other[MIDDLE], found[MIDDLE], atol=1e-6)
    rows = slice(30, 165)
    crop = measured(image[rows], known, [SQUARE], labels=LABELS[rows], smoothing=2.0)
    near = crop[40:90, 70:160, :3], found[70:120, 70:160, :3]
    # Blocks begin elsewhere, so that a pixel is in another one.
    np.testing.assert_allclose(*near, atol=1e-3)


@pytest.mark.parametrize("degrees", [2.0, -1.3])
def test_a_rotation_is_no_strain_and_goes_from_x_to_y(degrees):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # A step along x gets a part down, along y.
    image = frame(SQUARE, moved_by([[cos, sin], [-sin, cos]]))
    found = measured(image, templates(SQUARE), [SQUARE], smoothing=2.0)[MIDDLE]
    np.testing.assert_allclose(found[..., 3], degrees, atol=0.01)
    np.testing.assert_allclose(found[..., :3], 0, atol=2e-4)


def test_a_large_strain_adds_up_to_many_cells():
    # 2 % over 20 periods is 0.4 periods, and 2 degrees as much.
    cos, sin = math.cos(math.radians(2)), math.sin(math.radians(2))
    matrix = np.diag([0.98, 1.02]) @ [[cos, sin], [-sin, cos]]
    image = frame(SQUARE, moved_by(matrix), noise=0)
    found = measured(image, templates(SQUARE), [SQUARE])[MIDDLE]
    np.testing.assert_allclose(found.mean(axis=(0, 1))[:3], [0.02, -0.02, 0], atol=1e-3)
    assert found[..., 3].mean() == pytest.approx(2, abs=0.05)


def test_the_strain_is_the_mean_in_a_gaussian_window():
    # u_x = A sin(k x): the strain A k cos(k x) is damped by exp(-(k s)^2 / 2).
    k, amplitude = 2 * np.pi / 200, 0.5

    def wave(places):
        out = places.copy()
        out[:, 1] += amplitude * np.sin(k * places[:, 1])
        return out

    image = frame(SQUARE, wave)
    found = measured(image, templates(SQUARE), [SQUARE], smoothing=2.0)[MIDDLE]
    x = np.arange(*MIDDLE[1].indices(SHAPE[1]))
    damped = amplitude * k * np.exp(-((k * 22) ** 2) / 2) * np.cos(k * x)
    np.testing.assert_allclose(found[..., 0].mean(axis=0), damped, atol=4e-4)


def test_pixels_of_unequal_sizes_are_a_strain_of_the_specimen():
    # In a specimen of half the size along x, a rotation of the pixels is a strain.
    size = np.array([2.0, 1.0])
    matrix = np.array([[1.010, 0.004], [0.004, 0.994]])
    in_pixels = np.diag(1 / size) @ matrix @ np.diag(size)
    image = frame(SQUARE, moved_by(in_pixels))
    options = {"pixel_size": (2.0, 1.0), "smoothing": 2.0}
    found = measured(image, templates(SQUARE), [SQUARE * size], **options)[MIDDLE]
    for k, strain in enumerate((-0.006, 0.010, 0.004)):
        np.testing.assert_allclose(found[..., k], strain, atol=2e-4)


@pytest.mark.parametrize(
    "basis", [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [0, 1]]]
)
def test_any_basis_of_the_reference_is_the_same(basis):
    image = frame(OBLIQUE, moved_by([[1.01, 0], [0, 1]]))
    found = measured(image, templates(OBLIQUE), [np.array(basis) @ OBLIQUE])
    np.testing.assert_allclose(found[MIDDLE][..., 1], 0.01, atol=3e-4)


def test_a_reference_may_be_turned():
    # A quarter turn takes x to y, and the reference is not square: 90 degrees.
    vectors = np.array([[0, 11.0], [13.0, 0]])
    turned = np.array([[11.0, 0], [0, -13.0]])
    found = measured(frame(turned), templates(turned), [vectors])[MIDDLE]
    np.testing.assert_allclose(np.abs(found[..., 3]), 90, atol=0.01)
    np.testing.assert_allclose(found[..., :3], 0, atol=2e-4)


def test_the_mean_of_a_pattern_is_never_turned():
    # At right angles, the vectors of the template have those lengths.
    known, mean = templates(SQUARE * [[1.02], [0.98]]), SQUARE * [[0.98], [1.02]]
    image = frame(mean)
    found = measured(image, known, [mean], smoothing=2.0, is_own=True)[MIDDLE]
    np.testing.assert_allclose(found[..., :4], 0, atol=0.02)


def test_another_lattice_is_no_reference():
    with pytest.raises(ValueError, match="reference must be within 15% of the lattice"):
        Strain(templates(SQUARE), [1.3 * SQUARE])


def test_each_pattern_has_its_own_reference_and_others_are_nan():
    labels = LABELS.copy()
    labels[:, 115:] = 1
    image = np.where(labels == 0, frame(SQUARE), frame(OBLIQUE))
    known = templates(SQUARE, OBLIQUE)
    found = measured(image, known, [SQUARE, np.full((2, 2), np.nan)], labels)
    np.testing.assert_array_equal(np.isnan(found[..., 0]), labels == 1)
    found = measured(image, known, [SQUARE, OBLIQUE], labels)
    inside = np.abs(np.arange(SHAPE[1]) - 115) > 3
    assert np.abs(found[MIDDLE[0], inside, 0]).max() < 2e-3


def test_windows_end_at_the_edge_of_a_region():
    labels = LABELS.copy()
    labels[:, 115:] = 1
    image = np.where(
        labels == 0, frame(SQUARE), frame(SQUARE, moved_by(1.02 * np.eye(2)))
    )
    found = measured(image, templates(SQUARE, SQUARE), [SQUARE] * 2, labels)
    for side, strain in ((slice(100, 111), 0), (slice(119, 130), 0.02)):
        np.testing.assert_allclose(found[MIDDLE[0], side, 1], strain, atol=1.5e-3)


def test_regions_of_a_pattern_may_be_displaced_to_each_other():
    labels = LABELS.copy()
    labels[:, 112:118] = -1
    left = frame(SQUARE, origin=(3.0, 4.0))
    right = frame(SQUARE, origin=(8.5, 9.0))
    image = np.where(np.arange(SHAPE[1]) < 115, left, right)
    found = measured(image, templates(SQUARE), [SQUARE], labels)
    assert np.nanmax(np.abs(found[70:120, 40:190, :3])) < 1e-3


def test_antiphase_domains_are_no_strain():
    # Every other column is stronger, and which one changes at x = 112.
    image = sum(
        frame(SQUARE, motif=[(*place, weight)], seen=lambda x, s=side: (x > 112) == s)
        for side in (False, True)
        for place, weight in (
            ((0, 0), 1.2 - 0.4 * side),
            ((0.5, 0.5), 0.8 + 0.4 * side),
        )
    )
    known = templates(
        SQUARE,
        motif=[(0, 0, 1.2), (0.5, 0.5, 0.8)],
        period=11 / math.sqrt(2),
        antiphase=[(0.5, 0.5)],
    )
    found = measured(image, known, [SQUARE])[MIDDLE]
    np.testing.assert_allclose(found[..., :3], 0, atol=1e-3)


def test_an_inverted_contrast_is_no_strain():
    image = frame(SQUARE)
    image = image - image.mean()
    image = 3 + image * np.cos(2 * np.pi * np.arange(SHAPE[1]) / 180)
    known = templates(SQUARE, contrast_widths=[1.5])
    found = measured(image, known, [SQUARE])[MIDDLE]
    np.testing.assert_allclose(found[..., :3], 0, atol=2e-3)


def test_free_phases_are_tied():
    image = frame(SQUARE, moved_by([[1.01, 0], [0, 0.995]]))
    known = templates(SQUARE, kinds="free")
    found = measured(image, known, [SQUARE], smoothing=2.0)[MIDDLE]
    np.testing.assert_allclose(found[..., 0], -0.005, atol=3e-4)
    np.testing.assert_allclose(found[..., 1], 0.01, atol=3e-4)


def test_a_pattern_of_lines_has_no_strain():
    waves = np.array([[0, 1 / 11], [0, 2 / 11]])
    known = Templates(11.0, 1, [0, 0], waves, [0.6, 0.3], 0.1)
    assert np.isnan(run(MeanLattices(known), frame(SQUARE), LABELS)).all()
    with pytest.raises(ValueError, match="reference must be within 15%"):
        Strain(known, [SQUARE])


@pytest.mark.filterwarnings("error")
def test_a_pattern_without_a_lattice_has_no_period():
    waves = [[0, 1 / 11], [1 / 11, 0], [0, 1 / 9]]
    known = Templates(11.0, 2, [0, 0, 1], waves, [0.6, 0.3, 0.5], 0.1)
    np.testing.assert_allclose(periods(known), [11, np.nan])


def test_places_without_a_label_are_nan():
    labels = LABELS.copy()
    labels[50:90, 60:100] = -1
    found = measured(frame(SQUARE), templates(SQUARE), [SQUARE], labels)
    np.testing.assert_array_equal(np.isnan(found).any(axis=-1), labels == -1)


def test_a_region_of_two_cells_tells_nothing():
    labels = np.full(SHAPE, -1)
    labels[60:90, 60:70] = 0
    labels[:, 100:] = 0
    found = measured(frame(SQUARE, noise=1), templates(SQUARE), [SQUARE], labels)
    assert np.isnan(found[:, :100]).all()
    assert np.isfinite(found[:, 100:]).all()


def test_standard_errors_are_those_of_what_is_found():
    image = frame(SQUARE, noise=3)
    found = measured(image, templates(SQUARE), [SQUARE])[MIDDLE]
    # One number a window and more than one window in the middle: z is near 1.
    z = found[..., :4] / np.sqrt(found[..., 4:])
    assert 0.5 < np.sqrt((z**2).mean()) < 1.5


def test_standard_errors_fall_with_the_width_of_the_window():
    image, known = frame(SQUARE, noise=3), templates(SQUARE)
    narrow, wide = (
        measured(image, known, [SQUARE], smoothing=s)[MIDDLE][..., 4:].mean(axis=(0, 1))
        for s in (1.5, 3.0)
    )
    # Of a slope, with the fourth power of the width.
    np.testing.assert_allclose(narrow / wide, 16, rtol=0.35)


def test_variances_are_those_of_the_gradients_that_they_come_from():
    # Gradients that are correlated in the components and along the axes, drawn.
    noise, along = (
        np.array([[3.0, 1.2], [1.2, 1.0]]),
        np.array([[2.0, 1.1], [1.1, 1.0]]),
    )
    spread, size, side = 1e-4 * along, np.array([2.0, 1.0]), 12
    covariance = np.kron(noise, spread)
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal(np.zeros(4), covariance, 20000).reshape(-1, 1, 2, 2)
    cells = np.linalg.inv(OBLIQUE).T - drawn / side

    def local(cells):
        n = len(cells)
        fields = [np.zeros((2, n, 1)), np.zeros((2, 2, n, 1))]
        fields += [
            np.broadcast_to(each[..., np.newaxis, np.newaxis], (2, 2, n, 1))
            for each in (spread, noise)
        ]
        fit = LocalLinear(*fields, np.zeros((n, 1)))
        return LocalLattice(None, None, cells, fit, np.ones((n, 1)), side)

    found = strain_of_cells(local(cells), OBLIQUE * size, size)[:, 0]
    expected = found[:, :4].var(axis=0)
    one = strain_of_cells(
        local(np.linalg.inv(OBLIQUE).T[np.newaxis, np.newaxis]), OBLIQUE * size, size
    )
    np.testing.assert_allclose(one[0, 0, 4:], expected, rtol=0.06)


def test_a_period_is_the_shortest_vector():
    hexagonal = np.array([[0, 12.0], [12 * math.sqrt(3) / 2, 6]])
    long = np.array([[0, 50.0], [98, 0]])
    np.testing.assert_allclose(periods(templates(hexagonal, long)), [12, 50])


def test_a_superlattice_has_the_period_of_the_lattice():
    root = math.sqrt(2)
    double = np.array([[11.0, 11], [-11, 11]])
    np.testing.assert_allclose(periods(templates(double, SQUARE)), [11, 11])
    # A lattice of its own has not.
    np.testing.assert_allclose(periods(templates(1.2 * SQUARE, SQUARE)), [1.2 * 11, 11])
    np.testing.assert_allclose(periods(templates(double)), [11 * root])


def test_the_mean_lattice_is_that_of_all_frames():
    stretched = frame(SQUARE, moved_by([[1.02, 0], [0, 1]]))
    frames, labels = np.stack([frame(SQUARE), stretched]), np.stack([LABELS] * 2)
    [found] = run(MeanLattices(templates(SQUARE)), frames, labels)
    np.testing.assert_allclose(found, SQUARE * [1.01, 1], atol=0.01)


def test_other_labels_are_an_error():
    with pytest.raises(ValueError, match="labels must be ints from -1 to 0"):
        measured(frame(SQUARE), templates(SQUARE), [SQUARE], LABELS + 1)
