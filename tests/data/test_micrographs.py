# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import numpy as np
import pytest

from hyperspy_symseg import data

FOLDER = Path(data.__file__).parent
# Shape, pixel size along x and y in nm (None: not known) of each.
REAL = {
    "bismuth_on_mos2": ((256, 256), (0.13482 / 2.56, 0.13972 / 2.56)),
    "dysprosium_scandate": ((512, 512), (0.0078125, 0.0078125)),
    "iron_grain_boundary": ((512, 512), (0.01245, 0.01245)),
    "perovskite_film": ((640, 640), None),
    "two_phase_oxide": ((600, 600), None),
}


@pytest.mark.parametrize("name", REAL)
def test_real_ones_are_calibrated_where_that_is_known(name):
    shape, sizes = REAL[name]
    s = getattr(data, name)()
    assert s.data.shape == shape
    axes = s.axes_manager.signal_axes
    assert [axis.name for axis in axes] == ["x", "y"]
    if sizes is None:
        assert [(axis.scale, axis.units) for axis in axes] == [(1, "px")] * 2
    else:
        assert [axis.scale for axis in axes] == pytest.approx(sizes)
        assert [axis.units for axis in axes] == ["nm"] * 2


@pytest.mark.parametrize("name", REAL)
def test_real_ones_say_where_they_are_from(name):
    s = getattr(data, name)()
    general = s.metadata.General
    assert general.title in repr(s)
    licence = general.notes.rpartition(", ")[2].rstrip(".")
    text = (FOLDER / "LICENSES.md").read_text()
    assert f"## `{name}.png`: {licence}" in text
    repository = general.notes.partition(" Of ")[2].partition(",")[0]
    assert f"of {repository} |" in text


def test_all_files_have_a_licence_and_are_small():
    paths = list(FOLDER.glob("*.png"))
    assert {path.stem for path in paths} == set(REAL)
    assert sum(path.stat().st_size for path in paths) < 2e6


# The raw data of the STM image, as its authors have published it.
def test_heights_are_those_of_the_source(data_file):
    heights = data.bismuth_on_mos2().data
    assert heights.dtype == np.float32
    source = np.load(data_file("bimos2.npy"))
    np.testing.assert_allclose(heights, source, atol=5e-5)


def test_iron_is_that_of_the_source(data_file):
    source = np.load(data_file("Fe_bcc_100.npy"))
    np.testing.assert_array_equal(data.iron_grain_boundary().data, source)


# Iron: 286.7 pm.
def test_lattice_of_iron():
    s = data.iron_grain_boundary().isig[:, 300:]
    (row,) = s.get_symmetry(show_progressbar=False)
    assert row.lengths == pytest.approx([0.2867 / 2**0.5] * 2, rel=0.04)


def test_labels_of_iron():
    s = data.iron_grain_boundary()
    seg = s.segment_symmetry(show_progressbar=False)
    assert seg.n_patterns == 2
    upper, lower = np.median(seg.data[:200]), np.median(seg.data[300:])
    assert upper != lower
    assert (seg.data[:220] == upper).mean() > 0.99
    assert (seg.data[280:] == lower).mean() > 0.99


@pytest.mark.parametrize("load", [data.dysprosium_scandate, data.perovskite_film])
def test_whole_is_a_flag(load):
    with pytest.raises(TypeError, match="^whole must be"):
        load("no")
