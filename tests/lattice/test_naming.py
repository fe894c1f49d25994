# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry, record_of
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import name_crystal
from hyperspy_symseg.lattice.plane_groups import PLANE_GROUPS, bravais_type

from ..plane_groups import pattern

SHAPE = 200, 230


def named(frame, valid=None, pixel_size=(1, 1), **options):
    found = name_crystal(windows(frame, valid), pixel_size, **options)
    return CrystalSymmetry(record_of(found), pixel_size)


def counts(group, dose=10, seed=0, **options):
    rng = np.random.default_rng(seed)
    expected = np.clip(0.5 + 0.15 * pattern(group, SHAPE, **options), 0, None)
    return rng.poisson(dose * expected)


@pytest.mark.parametrize("group", PLANE_GROUPS)
def test_the_seventeen_groups(group):
    row = named(counts(group, orientation=23, origin=(71.3, 99.8)))
    assert row.bravais == bravais_type(group)
    if group in ("p6", "p6mm"):
        # With few reflections, pairs of which do not tell mirrors.
        assert {"p6", "p6mm"} & set(row.likely_plane_groups)
    else:
        assert row.likely_plane_groups[0] == group


@pytest.mark.parametrize("group", ["p1", "pg", "cm", "p4gm", "p3m1"])
@pytest.mark.parametrize("k", range(4))
def test_neither_turns_nor_mirrors_nor_gain_nor_offset_matter(group, k):
    frame = counts(group)
    expected = named(frame)
    turned = np.rot90(frame, k)[:, :: 1 if k % 2 else -1]
    row = named(turned * -2.5 + 1000)
    assert row.likely_plane_groups[0] == expected.likely_plane_groups[0] == group
    assert row.area == pytest.approx(expected.area, rel=1e-4)
    np.testing.assert_allclose(row.lengths, expected.lengths, rtol=1e-4)
    assert row.misfits[group] == pytest.approx(expected.misfits[group], abs=0.03)


@pytest.mark.parametrize("group", ["p2", "p2mg", "cm", "p4gm", "p31m"])
@pytest.mark.parametrize("degrees", [0, 45, 117.3])
def test_neither_orientation_nor_origin_matter(group, degrees):
    upright = named(counts(group))
    row = named(counts(group, orientation=degrees, origin=(11.7, 154.2)))
    assert row.likely_plane_groups[0] == group
    np.testing.assert_allclose(row.lengths, upright.lengths, rtol=3e-3)


@pytest.mark.parametrize("group", ["p2", "p2mg", "p31m"])
def test_crops_have_the_same_name(group):
    frame = counts(group)
    rows = [named(frame[i : i + 170, j : j + 180]) for i, j in ((0, 0), (13, 38))]
    assert [row.likely_plane_groups[0] for row in rows] == [group, group]
    np.testing.assert_allclose(*(row.lengths for row in rows), rtol=3e-3)


def test_pixels_of_unequal_size_are_respected():
    lattice = simulate.Lattice(((0, 10), (20, 0)))
    frame = simulate.micrograph(lattice, SHAPE, seed=1)[0].data
    assert named(frame).bravais == "rectangular"
    row = named(frame, pixel_size=(0.5, 1))
    # But its columns are ellipses.
    assert row.metric_weights["square"] > 0.9
    assert row.bravais == "rectangular"
    np.testing.assert_allclose(row.lengths, 10, atol=0.05)
    np.testing.assert_allclose(
        np.abs(row.record["vectors"]), [[0, 10], [20, 0]], atol=0.05
    )


def test_strain_is_what_separates_lattices():
    lattice = simulate.Lattice.rectangular(12, 12.3, orientation=3)
    frame = simulate.micrograph(lattice, SHAPE, seed=1)[0].data
    assert named(frame, strain=0.02).bravais == "square"
    assert named(frame, strain=0.002).bravais == "rectangular"


def test_vacuum_is_not_named():
    row = named(np.ones(SHAPE))
    assert (row.bravais, row.reason) == ("none", "no contrast")
    row = named(np.random.default_rng(0).poisson(2, SHAPE))
    assert (row.bravais, row.reason) == ("none", "no lattice")
    assert row.plane_group is row.nominal_plane_group is None
    assert row.likely_plane_groups == ()


def test_two_crystals_in_one_window_are_not_named():
    lattices = [simulate.Lattice.square(12, orientation=x) for x in (3, 36)]
    frame = simulate.micrograph(lattices, SHAPE, seed=1)[0].data
    row = named(frame)
    assert row.reason == "more than one lattice"
    assert row.plane_group is None


def test_fewer_than_four_periods_are_not_named():
    frame = counts("p2gg", 30)[:62, :66]
    row = named(frame)
    assert row.plane_group is None
    assert row.reason in ("fewer than four periods", "no lattice")


def test_a_mask_is_a_window():
    square = simulate.Lattice.square(12, orientation=3)
    lattices = [square, simulate.Lattice.hexagonal(13)]
    signal, truth = simulate.micrograph(lattices, (256, 256), dose=3, seed=1)
    rows = [named(signal.data, truth.data == k) for k in (0, 1)]
    assert [row.bravais for row in rows] == ["square", "hexagonal"]
    assert rows[0].nominal_plane_group == "p4mm"
    assert rows[1].nominal_plane_group == "p6mm"


@pytest.mark.parametrize("group", ["pm", "p4", "p3"])
def test_group_bravais_and_weights_do_not_contradict(group):
    row = named(counts(group, 1))
    assert row.bravais == bravais_type(row.likely_plane_groups[0])
    assert sum(row.plane_group_weights.values()) == pytest.approx(1)
    assert sum(row.bravais_weights.values()) == pytest.approx(1)
    assert row.get_nominal_plane_group(1.0) is not None


def test_a_row_is_shown_in_a_line():
    lattice = simulate.Lattice.hexagonal(13, orientation=71)
    row = named(simulate.micrograph(lattice, SHAPE, seed=1)[0].data)
    assert repr(row).startswith("<CrystalSymmetry: hexagonal, p6mm, 1")
    assert repr(row).endswith("°>")
    assert repr(named(np.zeros(SHAPE))) == "<CrystalSymmetry: none, no contrast>"
