# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import Symmetry
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.lattice.crystal_symmetry import RECORD, CrystalSymmetry

SHAPE = 180, 220
SQUARE = simulate.Lattice.square(12, orientation=3)
HEXAGONAL = simulate.Lattice.hexagonal(13)
SIGNAL, TRUTH = simulate.micrograph([SQUARE, HEXAGONAL], SHAPE, dose=5, seed=1)


def rows(analysis, *given):
    return [CrystalSymmetry(record) for record in run(analysis, *given)]


def test_each_pattern_is_named_from_its_own_pixels():
    found = rows(Symmetry(2), SIGNAL.data, TRUTH.data)
    assert [row.bravais for row in found] == ["square", "hexagonal"]
    changed = np.where(TRUTH.data == 0, SIGNAL.data, 0)
    [same, other] = rows(Symmetry(2), changed, TRUTH.data)
    np.testing.assert_array_equal(same.record["weights"], found[0].record["weights"])
    assert other.reason == "no contrast"


def test_a_pattern_without_pixels_has_no_name():
    *_, row = rows(Symmetry(3), SIGNAL.data, TRUTH.data)
    assert (row.bravais, row.reason) == ("none", "no contrast")


def test_without_labels_all_pixels_are_one_crystal():
    frame = simulate.micrograph(SQUARE, SHAPE, seed=2)[0].data
    mask = np.zeros(SHAPE, bool)
    mask[:, 150:] = True
    noise = np.random.default_rng(0).poisson(3, SHAPE)
    [row] = rows(Symmetry(), np.where(mask, noise, frame), None, mask)
    assert row.plane_group == "p4mm"


def test_frames_of_a_series_are_named_together():
    frames = np.stack(
        [simulate.micrograph(SQUARE, SHAPE, dose=1, seed=k)[0].data for k in range(4)]
    )
    [one] = rows(Symmetry(), frames[0])
    [all_of_them] = rows(Symmetry(), frames)
    errors = [np.trace(row.covariance) for row in (one, all_of_them)]
    assert errors[1] < 0.6 * errors[0]
    assert all_of_them.nominal_plane_group == "p4mm"
    record = run(Symmetry(), frames)
    assert (record.shape, record.dtype) == ((1,), RECORD)


@pytest.mark.parametrize("labels", [TRUTH.data + 1, TRUTH.data / 2])
def test_other_labels_are_an_error(labels):
    with pytest.raises(ValueError, match="labels must be ints from -1 to 1"):
        run(Symmetry(2), SIGNAL.data, labels)
