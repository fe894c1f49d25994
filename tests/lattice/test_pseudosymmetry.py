# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups that are near to a higher one, against sampled structure factors."""

import numpy as np
import pytest
from scipy import optimize

from hyperspy_symseg.lattice.bravais import Shape, possible_settings
from hyperspy_symseg.lattice.group_evidence import GroupFit
from hyperspy_symseg.lattice.naming import weigh_groups
from hyperspy_symseg.lattice.plane_groups import (
    PLANE_GROUPS,
    order,
    settings,
    supergroups,
)
from hyperspy_symseg.lattice.pseudosymmetry import LEAST_MISSED, RAREST, NearlyOf

from .test_group_evidence import factors

# Cells of the columns and of the settings.
CELLS = {
    "p1": ("square", "oblique"),
    "pg": ("rectangular", "rectangular"),
    "p4": ("square", "square"),
    "p6": ("hexagonal", "hexagonal"),
}
COLUMNS = [(0.1, 0.2, 1), (0.4, 0.75, 0.7), (0.7, 0.3, 0.5)]


def pairs(group, found):
    """Each higher group, and the group as one that is near to it."""
    setting = next(each for each in settings(group) if each.cell == CELLS[group][1])
    for higher, operations in supergroups(setting):
        fit = GroupFit(higher, found)
        yield fit, NearlyOf(fit, operations)


@pytest.mark.parametrize("group", CELLS)
def test_as_near_as_can_be_is_the_higher_group(group):
    found = factors(COLUMNS, CELLS[group][0], noise=1e-2)
    for higher, nearly in pairs(group, found):
        expected = higher.evidence(found)[0]
        assert nearly.evidence(found, 0.0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("group", CELLS)
def test_all_operations_are_the_higher_group_however_near(group):
    found = factors(COLUMNS, CELLS[group][0], noise=1e-2)
    for higher, _ in pairs(group, found):
        same = NearlyOf(higher, np.arange(higher.order))
        expected = higher.evidence(found)[0]
        assert same.evidence(found, 0.4) == pytest.approx(expected, rel=1e-9)
        assert same.unlike(found) == RAREST


def test_two_columns_are_nearly_a_group_with_half_turns():
    # Of heights that differ by 15 %.
    found = factors([(0, 0, 1), (0.31, 0.2, 0.85)], noise=1e-4)
    p1 = GroupFit(settings("p1")[0], found).evidence(found)[0]
    [(p2, nearly)] = pairs("p1", found)
    near = nearly.evidence(found, 0.2)
    assert near > p1
    assert near > p2.evidence(found)[0]


@pytest.mark.parametrize("share", [1.0, 0.25, 0.2, 0.15])
@pytest.mark.parametrize("group", ["p1", "pg", "p6"])
def test_the_share_of_the_energy_is_that_of_samples(group, share):
    found = factors(COLUMNS, CELLS[group][0], noise=1e-2)
    rng = np.random.default_rng(3)
    for higher, nearly in pairs(group, found):
        own, forbidden = 0, 0
        variances = nearly._variances(found.signal)
        for k, d in enumerate(nearly._d):
            # The squares of free numbers, those first that the higher group has.
            squares = variances[k] * rng.normal(size=(4000, d)) ** 2
            forbidden = forbidden + share**2 * squares[:, higher.d[k] :].sum(axis=1)
            own = own + variances[k] * d
        expected = (forbidden > LEAST_MISSED * own).mean()
        assert nearly.unlike(found, share) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_evidence_is_that_of_gaussians(share):
    found = factors([(0, 0, 1), (0.31, 0.2, 0.8)], noise=1e-2)
    half = len(found.indices) // 2
    h, F = found.indices[:half], found.amplitudes[:half]
    noise, signal = found.noise[:half] / 2, found.signal[:half]

    def cost(t):
        # About a point of inversion they are real, but for the share.
        about = F * np.exp(2j * np.pi * h @ t)
        real, imaginary = noise + signal, noise + share**2 * signal / 2
        logs = np.log(real) + about.real**2 / real
        return (logs + np.log(imaginary) + about.imag**2 / imaginary).sum() / 2

    starts = np.random.default_rng(0).random((40, 2))
    best = min((optimize.minimize(cost, t) for t in starts), key=lambda each: each.fun)
    steps = 1e-3 * np.eye(2)
    curvature = [
        [cost(best.x + one + other) - cost(best.x + one - other) for other in steps]
        for one in steps
    ]
    curvature = np.array(curvature) - [
        [cost(best.x - one + other) - cost(best.x - one - other) for other in steps]
        for one in steps
    ]
    # Four points of inversion in a cell.
    volume = np.log(4 * 2 * np.pi) - np.linalg.slogdet(curvature / 4e-6)[1] / 2
    [(_, nearly)] = pairs("p1", found)
    assert nearly.evidence(found, share) == pytest.approx(volume - best.fun, abs=0.1)


def test_a_small_cell_is_hardly_of_a_group_without_mirrors():
    # p6 and p6mm differ at (2, 1) and beyond, where columns of 2 px leave nothing.
    columns = [(1 / 3, 1 / 3, 1), (2 / 3, 2 / 3, 1)]
    found = factors(columns, "hexagonal", noise=1e-2, width=2.0)
    shape = Shape(0.5, np.sqrt(3) / 2, np.zeros((2, 2)))
    weights = weigh_groups(possible_settings(shape, 0.02)[0], found).weights
    named = dict(zip(PLANE_GROUPS, weights, strict=True))
    assert named["p6mm"] > 0.85
    assert named["p6"] < 0.01


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("p1", {"p2"}),
        ("pm", {"p2mm", "p2mg"}),
        ("pg", {"p2mg", "p2gg"}),
        ("cm", {"c2mm"}),
        ("p2mm", set()),
        ("p4", {"p4mm", "p4gm"}),
        ("p3", {"p3m1", "p31m", "p6", "p6mm"}),
        ("p31m", {"p6mm"}),
        ("p6mm", set()),
    ],
)
def test_supergroups_of_the_same_cell_by_hand(group, expected):
    for setting in settings(group):
        assert {higher.group for higher, _ in supergroups(setting)} == expected


def test_operations_of_a_supergroup_are_the_group_about_another_origin():
    # (-x + 1/2, y + 1/2) of p2gg is a glide of pg, a quarter off the axis.
    setting = settings("pg")[0]
    for higher, operations in supergroups(setting):
        assert order(higher.group) > len(operations) == order("pg")
        np.testing.assert_array_equal(higher.W[operations], setting.W)
        off = higher.w[operations] - setting.w
        # Along the glide the shift is the same; across, any origin is as good.
        along = setting.W[1].diagonal().argmax()
        np.testing.assert_allclose(off[:, along] % 1, 0, atol=1e-12)
