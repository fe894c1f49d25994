# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.lattice.plane_groups import PLANE_GROUPS
from hyperspy_symseg.lattice.symmetry_elements import symmetry_elements


def folds(group):
    """Highest folds of centres in the cell without its upper edges."""
    return sorted(n for u, v, n in symmetry_elements(group).centres if max(u, v) < 0.99)


# As the International Tables list the sites of a cell.
@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("p1", []),
        ("p2", [2, 2, 2, 2]),
        ("pg", []),
        ("p2gg", [2, 2, 2, 2]),
        ("c2mm", [2] * 8),
        ("p4", [2, 2, 4, 4]),
        ("p4gm", [2, 2, 4, 4]),
        ("p3m1", [3, 3, 3]),
        ("p31m", [3, 3, 3]),
        ("p6mm", [2, 2, 2, 3, 3, 6]),
    ],
)
def test_rotation_centres(group, expected):
    assert folds(group) == expected


# Lines in a cell with its edges: across it, or from edge to edge.
@pytest.mark.parametrize(
    ("group", "mirrors", "glides"),
    [("p2", 0, 0), ("pm", 3, 0), ("pg", 0, 3), ("cm", 3, 2), ("p2mm", 6, 0)],
)
def test_lines(group, mirrors, glides):
    found = symmetry_elements(group)
    assert (len(found.mirrors), len(found.glides)) == (mirrors, glides)


def test_mirrors_of_p31m_pass_through_one_threefold_axis_only_and_p3m1_through_all():
    for group, expected in (("p31m", 1), ("p3m1", 3)):
        found = symmetry_elements(group)
        on_mirrors = {
            (round(u, 3) % 1, round(v, 3) % 1)
            for u, v, _ in found.centres
            if any(abs(np.linalg.det(ends - (u, v))) < 1e-6 for ends in found.mirrors)
        }
        assert len(on_mirrors) == expected


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_lines_end_on_the_edges_of_the_cell(group):
    found = symmetry_elements(group)
    for ends in (*found.mirrors, *found.glides):
        on_edge = (np.abs(ends) < 1e-6) | (np.abs(ends - 1) < 1e-6)
        assert on_edge.any(axis=1).all()
        assert ((ends > -1e-6) & (ends < 1 + 1e-6)).all()
