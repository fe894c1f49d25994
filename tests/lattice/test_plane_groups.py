# SPDX-License-Identifier: GPL-3.0-or-later
import itertools

import numpy as np
import pytest

from hyperspy_symseg.lattice.plane_groups import (
    CELLS,
    PLANE_GROUPS,
    bravais_type,
    closure,
    n_origins,
    operations,
    order,
    settings,
)

from .. import plane_groups as reference

ALL_SETTINGS = [each for group in PLANE_GROUPS for each in settings(group)]
IDS = [f"{each.group}, {each.cell}" for each in ALL_SETTINGS]


def test_there_are_seventeen():
    assert PLANE_GROUPS == reference.GROUPS


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_general_positions_are_those_of_the_tables(group):
    W, w = operations(group)
    # The reference has those of centring, too, after the others.
    expected_W, expected_w = reference.operations(group)
    np.testing.assert_array_equal(W, expected_W[: len(W)])
    np.testing.assert_array_equal(w, expected_w[: len(W)])
    assert order(group) == len(W)
    centred = bravais_type(group) == "centred rectangular"
    assert len(expected_W) == len(W) * (1 + centred)


@pytest.mark.parametrize("setting", ALL_SETTINGS, ids=IDS)
def test_the_operations_of_a_setting_are_a_group_on_the_primitive_cell(setting):
    every = list(zip(setting.W, setting.w, strict=True))
    known = {(tuple(W.ravel()), tuple(w % 1)) for W, w in every}
    assert len(known) == order(setting.group)
    for (W, w), (V, v) in itertools.product(every, repeat=2):
        product = tuple((W @ V).ravel()), tuple((W @ v + w) % 1)
        assert product in known


@pytest.mark.parametrize("setting", ALL_SETTINGS, ids=IDS)
@pytest.mark.parametrize("hand", [1, -1])
def test_the_operations_of_a_setting_are_isometries_of_its_cell(setting, hand):
    vectors = {
        "oblique": [[0, 10], [11, 3]],
        "rectangular": [[0, 10], [13, 0]],
        "rhombic, |a| = |b|": [[0, 10], [8, 6]],
        "rhombic, |b| = |a - b|": [[0, 10], [12, 5]],
        "rhombic, |a| = |a - b|": [[12, 5], [0, 10]],
        "square": [[0, 10], [10, 0]],
        "hexagonal": [[0, 10], [5 * np.sqrt(3), 5]],
    }[setting.cell]
    A = np.array(vectors) * (hand, 1)
    for W in setting.W:
        # f A moves to (W f) A.
        isometry = np.linalg.inv(A) @ W.T @ A
        np.testing.assert_allclose(isometry @ isometry.T, np.eye(2), atol=1e-9)


def test_all_settings_of_centred_groups_by_hand():
    # |a| = |b|, mirror along a + b or a - b: it swaps a and b, or a and -b.
    found = {
        tuple(each.W[1].ravel())
        for each in settings("cm")
        if each.cell == "rhombic, |a| = |b|"
    }
    assert found == {(0, 1, 1, 0), (0, -1, -1, 0)}
    # |b| = |a - b|, mirror along a: b goes to a - b; or across a: b goes to b - a.
    found = {
        tuple(each.W[1].ravel())
        for each in settings("cm")
        if each.cell == "rhombic, |b| = |a - b|"
    }
    assert found == {(1, 1, 0, -1), (-1, -1, 0, 1)}


def test_conventional_cells_have_twice_the_area_where_centred():
    for setting in ALL_SETTINGS:
        area = abs(np.linalg.det(setting.conventional))
        assert area == pytest.approx(2 if "rhombic" in setting.cell else 1)
        assert CELLS[setting.cell][0] == bravais_type(setting.group)


@pytest.mark.parametrize(
    ("group", "n"),
    [("p1", 1), ("p2", 4), ("pg", 2), ("cm", 1), ("c2mm", 2), ("p31m", 1), ("p4gm", 2)],
)
def test_equivalent_origins(group, n):
    assert {n_origins(each.W) for each in settings(group)} == {n}


def test_lattices_of_two_types_have_no_point_group_together():
    p4, p6 = operations("p4")[0], operations("p6")[0]
    assert closure(np.concatenate([p4, p6])) is None
    assert len(closure(operations("pm")[0])) == 4
