# SPDX-License-Identifier: GPL-3.0-or-later
"""Structure factors worked out by hand, and those of columns."""

import math

import numpy as np
import pytest

from hyperspy_symseg.lattice.bravais import Shape, possible_settings, reduced_cell
from hyperspy_symseg.lattice.group_evidence import GroupFit, StructureFactors
from hyperspy_symseg.lattice.naming import weigh_groups
from hyperspy_symseg.lattice.plane_groups import (
    PLANE_GROUPS,
    closure,
    operations,
    order,
    settings,
)
from hyperspy_symseg.lattice.reciprocal import nodes_within

from ..plane_groups import GENERAL_POSITIONS

POINT_GROUPS = {"square": "p4mm", "hexagonal": "p6mm", "rectangular": "p2mm"}


def factors(columns, cell="square", noise=1e-4, noisy=False, width=1.2):
    """Structure factors of columns (u, v, weight), of a width, on a cell."""
    vectors = {
        "square": np.eye(2) * 10,
        "rectangular": np.diag([10.0, 14]),
        "hexagonal": np.array([[0, 10], [5 * math.sqrt(3), 5]]),
    }[cell]
    reciprocal = np.linalg.inv(vectors).T
    indices = nodes_within(reciprocal, 0.42)
    columns = np.array(columns, float)
    squares = ((indices @ reciprocal) ** 2).sum(axis=1)
    waves = np.exp(-2j * np.pi * indices @ columns[:, :2].T) @ columns[:, 2]
    amplitudes = waves * np.exp(-2 * np.pi**2 * width**2 * squares)
    if noisy:
        rng = np.random.default_rng(1)
        parts = rng.normal(0, math.sqrt(noise / 2), (2, len(indices)))
        amplitudes = amplitudes + parts[0] + 1j * parts[1]
    W = closure(operations(POINT_GROUPS[cell])[0])
    if cell == "hexagonal":
        [setting] = (each for each in settings("p6mm"))
        W = closure(setting.W)
    power = np.full(len(indices), noise)
    return StructureFactors.of(indices, amplitudes, power, squares, W)


def misfit(group, found, cell="square"):
    return min(
        GroupFit(each, found).misfit(found)[0]
        for each in settings(group)
        if each.cell == cell
    )


def test_columns_at_the_corner_and_the_middle_are_a_smaller_cell():
    # F(h, k) = 1 + w (-1)^(h + k): real, positive, and the same for (k, h).
    found = factors([(0, 0, 1), (0.5, 0.5, 0.4)])
    n = len(found.indices) // 2
    signs = (-1.0) ** found.indices[:n].sum(axis=1)
    ratio = found.amplitudes[:n] / (1 + 0.4 * signs)
    assert np.abs(ratio.imag).max() < 1e-12
    for group in ("p4mm", "p4", "p2mm", "p2", "pm", "p1"):
        assert misfit(group, found, _cell_of(group)) < 1e-6
    # p4gm has no (h, 0) of odd h: two columns as strong would have none, either.
    assert misfit("p4gm", found) > 0.3
    assert misfit("p4gm", factors([(0, 0, 1), (0.5, 0.5, 1)])) < 1e-6


def _cell_of(group):
    if group in ("p1", "p2"):
        return "oblique"
    return "square" if "4" in group else "rectangular"


def test_a_glide_by_hand():
    # Columns at (u, v) and (-u, v + 1/2): F(0, k) = 0 for odd k. With one pair alone
    # there is a mirror across the glide line, too.
    pair = [(0.1, 0.2, 1), (-0.1, 0.7, 1)]
    assert misfit("p2mg", factors(pair, "rectangular"), "rectangular") < 1e-6
    other = [(0.3, 0.33, 0.7), (-0.3, 0.83, 0.7)]
    found = factors(pair + other, "rectangular")
    h, k = found.indices.T
    assert np.abs(found.amplitudes[(h == 0) & (k % 2 == 1)]).max() < 1e-12
    assert misfit("pg", found, "rectangular") < 1e-6
    assert misfit("pm", found, "rectangular") > 0.1
    assert misfit("p2", found, "oblique") > 0.1


def test_the_misfit_of_a_third_column_by_hand():
    # Two equal columns have a half turn between them. About it, a third one of the
    # weight w at x has F = w exp(-2 pi i h x), of which half turns lack the sine.
    w, u = 0.05, np.array([0.13, 0.21])
    found = factors([(0.2, 0.1, 1), (-0.2, -0.1, 1), (*u, w)], "rectangular")
    shape = np.exp(-4 * np.pi**2 * 1.2**2 * ((found.indices / (10, 14)) ** 2).sum(1))
    lost = (w * np.sin(2 * np.pi * found.indices @ u)) ** 2 * shape
    expected = math.sqrt(lost.sum() / (np.abs(found.amplitudes) ** 2).sum())
    # Less at the best origin, which also moves the two against each other.
    assert expected / 3 < misfit("p2", found, "oblique") <= expected


def _orbit(group, u, v):
    W, w = operations(group)
    return (W @ (u, v) + w) % 1


SQUARE_LIKE = {
    "p1": "oblique",
    "p2": "oblique",
    "pm": "rectangular",
    "pg": "rectangular",
    "p2mm": "rectangular",
    "p2mg": "rectangular",
    "p2gg": "rectangular",
    "p4": "square",
    "p4mm": "square",
    "p4gm": "square",
}


@pytest.mark.parametrize("group", SQUARE_LIKE)
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("origin", [(0, 0), (0.13, 0.71)])
def test_any_setting_and_origin_of_a_square_cell(group, swap, origin):
    sites = (0.13, 0.29), (0.36, 0.07), (0.77, 0.4)
    places = np.concatenate([_orbit(group, *site) for site in sites])
    weights = np.repeat([1, 0.6, 0.8], len(places) // 3)
    if swap:
        places = places[:, ::-1]
    columns = np.column_stack([places + origin, weights])
    found = factors(columns, noise=1e-3, noisy=True)
    shape = Shape(0.0, 1.0, np.zeros((2, 2)))
    possible, _ = possible_settings(shape, 0.02)
    groups = weigh_groups(possible, found)
    best = max(
        (g for g in PLANE_GROUPS if possible[g]),
        key=lambda g: groups.log_evidence[PLANE_GROUPS.index(g)],
    )
    # p2mm on a square cell has mirrors along the sides, not the diagonals.
    assert order(best) == order(group)
    assert groups.misfits[PLANE_GROUPS.index(group)] < 0.05
    # The metric prefers square groups; a pattern of p1 is not of one nevertheless.
    assert best == group


@pytest.mark.parametrize("group", ["p3", "p3m1", "p31m", "p6", "p6mm"])
@pytest.mark.parametrize("origin", [(0, 0), (0.2, 0.55)])
def test_groups_of_a_hexagonal_cell(group, origin):
    sites = (0.13, 0.29), (0.36, 0.07), (0.77, 0.4)
    places = np.concatenate([_orbit(group, *site) for site in sites])
    weights = np.repeat([1, 0.6, 0.8], len(places) // 3)
    # From the conventional cell, of 120 degrees, to the reduced one.
    Q = np.array([[1, 0], [-1, 1]])
    columns = np.column_stack([(places + origin) @ Q, weights])
    found = factors(columns, "hexagonal", noise=1e-3, noisy=True)
    shape = Shape(0.5, math.sqrt(3) / 2, np.zeros((2, 2)))
    groups = weigh_groups(possible_settings(shape, 0.02)[0], found)
    assert PLANE_GROUPS[groups.weights.argmax()] == group
    assert groups.weights.sum() == pytest.approx(1)


# Lengths of a and b of the conventional cell. The primitive cell has |b| = |a - b|,
# |a| = |b|, or is square or hexagonal; mirrors are along either axis.
CENTRED = {
    "|b| = |a - b|": (10, 26),
    "|b| = |a - b|, across": (26, 10),
    "|a| = |b|": (16, 20),
    "|a| = |b|, across": (20, 16),
    "square": (18, 18),
    "hexagonal": (14, 14 * math.sqrt(3)),
    "hexagonal, across": (14 * math.sqrt(3), 14),
}
# Of the vectors (a + b) / 2 and (a - b) / 2: two bases of either hand.
BASES = ((1, 0), (0, 1)), ((0, 1), (1, 0)), ((2, 1), (1, 1)), ((-1, 2), (1, -3))


@pytest.mark.parametrize("group", ["cm", "c2mm"])
@pytest.mark.parametrize("lengths", CENTRED.values(), ids=CENTRED)
@pytest.mark.parametrize("rows", BASES)
def test_any_setting_and_basis_of_a_centred_cell(group, lengths, rows):
    conventional = np.array([[0, lengths[0]], [lengths[1], 0.0]])
    cell = reduced_cell(np.array(rows) @ [[0.5, 0.5], [0.5, -0.5]] @ conventional)
    possible, point_group = possible_settings(cell.shape, 0.02)
    reciprocal = np.linalg.inv(cell.vectors).T
    indices = nodes_within(reciprocal, 0.3)
    nodes = indices @ reciprocal
    g2 = (nodes**2).sum(axis=1)
    amplitudes = np.zeros(len(nodes), complex)
    for u, v, weight in ((0.13, 0.29, 1), (0.36, 0.07, 0.6), (0.81, 0.42, 0.8)):
        places = np.array(GENERAL_POSITIONS[group](u, v)) @ conventional
        amplitudes += weight * np.exp(-2j * np.pi * nodes @ places.T).sum(axis=1)
    amplitudes *= np.exp(-2 * np.pi**2 * 1.2**2 * g2)
    noise = np.full(len(nodes), 1e-3)
    found = StructureFactors.of(indices, amplitudes, noise, g2, point_group)
    groups = weigh_groups(possible, found)
    assert PLANE_GROUPS[groups.weights.argmax()] == group
    assert groups.misfits[PLANE_GROUPS.index(group)] < 1e-3


def test_noise_alone_prefers_no_group_by_much():
    rng = np.random.default_rng(5)
    indices = nodes_within(np.eye(2) / 10, 0.4)
    amplitudes = (rng.normal(size=(2, len(indices))).T @ [1, 1j]) / math.sqrt(2)
    squares = (indices**2).sum(axis=1) / 100
    W = closure(operations("p4mm")[0])
    found = StructureFactors.of(indices, amplitudes, np.ones(len(indices)), squares, W)
    logs = [
        GroupFit(setting, found).evidence(found)[0]
        for group in ("p1", "p2", "p4", "p4mm", "p4gm")
        for setting in settings(group)
    ]
    assert np.ptp(logs) < 6


def test_more_model_error_forgives_more():
    # The second column is 4 % off the middle: no half turn.
    found = factors([(0, 0, 1), (0.5, 0.54, 0.5), (0.2, 0.3, 0.2)], noise=1e-6)
    p1, p2 = (GroupFit(settings(group)[0], found) for group in ("p1", "p2"))
    gains = [
        p2.evidence(each)[0] - p1.evidence(each)[0]
        for each in (found.with_model_error(share) for share in (0.01, 0.1, 0.5))
    ]
    assert gains[0] < gains[1] < gains[2]


def test_free_origins_have_no_occam_factor():
    found = factors([(0, 0, 1), (0.31, 0.2, 0.5)])
    fit = GroupFit(settings("p1")[0], found)
    _, origin = fit.evidence(found)
    assert np.isfinite(origin).all()
    assert fit.misfit(found)[0] == pytest.approx(0, abs=1e-6)
