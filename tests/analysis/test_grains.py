# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what grains measure."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import GrainMap, GrainNeighbours, GrainOutlines, Grains
from hyperspy_symseg.analysis.boundaries import boundary_lengths
from hyperspy_symseg.analysis.grain_boundaries import Lengths
from hyperspy_symseg.analysis.grains import NAMES
from hyperspy_symseg.frames.run import run

LABELS = np.zeros((30, 40), np.int8)
LABELS[10:20, 12:27] = 1
LABELS[14:16, 14:17] = 2
LABELS[25:, :3] = 2


def table(labels, frames=None, mask=None, **options):
    """Columns by name."""
    [found] = run(Grains(3, **options), frames, labels, mask)
    return dict(zip(NAMES, found.T, strict=True))


def test_a_rectangle_with_a_hole_by_hand():
    found = {name: values[1] for name, values in table(LABELS).items()}
    assert found["pattern"] == 1
    assert found["area"] == 150 - 6
    assert found["y"] == pytest.approx((150 * 14.5 - 6 * 14.5) / 144)
    assert found["x"] == pytest.approx((150 * 19 - 6 * 15) / 144)
    assert found["equivalent_diameter"] == pytest.approx(2 * (144 / np.pi) ** 0.5)
    assert found["perimeter"] == pytest.approx(50 + 10, rel=0.08)
    assert found["n_neighbours"] == 2
    assert found["touches_edge"] == 0


def test_edges_are_touched():
    np.testing.assert_array_equal(table(LABELS)["touches_edge"], [1, 0, 0, 1])


def test_without_intensities_there_is_no_mean():
    found = table(LABELS)
    for name in ("mean_intensity", "mean_certainty", "lattice_orientation"):
        assert np.isnan(found[name]).all()


def test_means_of_intensities_and_certainties():
    values = np.random.default_rng(0).random((2, *LABELS.shape))
    found = table(LABELS, tuple(values))
    own = LABELS == 1
    assert found["mean_intensity"][1] == pytest.approx(values[0][own].mean())
    assert found["mean_certainty"][1] == pytest.approx(values[1][own].mean())


@pytest.mark.parametrize("angle", [0, 20, 75, -50])
def test_axes_of_an_ellipse(angle):
    y, x = np.indices((120, 150)) - np.array([60.2, 70.7])[:, None, None]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    along, across = x * cos + y * sin, y * cos - x * sin
    labels = ((along / 40) ** 2 + (across / 15) ** 2 < 1).astype(int)
    found = {name: values[1] for name, values in table(labels).items()}
    assert found["major_axis"] == pytest.approx(80, rel=0.01)
    assert found["minor_axis"] == pytest.approx(30, rel=0.01)
    assert found["orientation"] == pytest.approx(angle, abs=0.5)


def test_scikit_image_measures_the_same():
    measure = pytest.importorskip("skimage.measure")
    labels = np.random.default_rng(0).integers(0, 3, (40, 50)).repeat(3, axis=1)
    [image] = run(GrainMap(3, 20), None, labels[np.newaxis])
    expected = measure.regionprops_table(
        image + 1,
        properties=(
            "area",
            "centroid",
            "equivalent_diameter_area",
            "axis_major_length",
            "axis_minor_length",
        ),
    )
    found = table(labels, min_area=20)
    names = "area", "y", "x", "equivalent_diameter", "major_axis", "minor_axis"
    for name, values in zip(names, expected.values(), strict=True):
        np.testing.assert_allclose(found[name], values, atol=1e-6, err_msg=name)


def test_pixels_of_other_sizes():
    found = table(LABELS, pixel_size=(2.0, 0.5))
    assert found["area"][1] == 144
    assert found["major_axis"][1] == pytest.approx(20 * 2 / 3**0.5, rel=0.05)
    assert found["orientation"][1] == pytest.approx(90)


def test_blocks_of_copied_labels_are_no_staircase():
    y, x = np.indices((60, 60))
    labels = (y > x).astype(int).repeat(4, axis=0).repeat(4, axis=1)
    [found] = run(GrainNeighbours(2, step=(4, 4)), None, labels)
    length = found[found[:, 1] == 1, 2]
    (expected, _) = 4 * boundary_lengths(labels[::4, ::4], 2)
    assert length == pytest.approx(expected, rel=0.01)
    assert length == pytest.approx(240 * 2**0.5, rel=0.04)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_a_mask_belongs_to_no_grain(dtype):
    mask = np.zeros(LABELS.shape, bool)
    mask[:, 19] = True
    found = table(LABELS.astype(dtype), mask=mask)
    np.testing.assert_array_equal(found["pattern"], [0, 0, 1, 1, 2, 2])
    assert found["area"].sum() == LABELS.size - len(LABELS)


def test_boundaries_and_the_rest_are_the_outline():
    [found] = run(GrainNeighbours(3), None, LABELS)
    image = run(GrainMap(3), None, LABELS)
    expected = Lengths.of(image, 4).perimeters
    total = np.zeros(4)
    for one, other, length in found:
        for i in (one, other):
            if i >= 0:
                total[int(i)] += length
    # Where a boundary ends at the edge, it is as if it went on.
    np.testing.assert_allclose(total, expected, atol=1)
    np.testing.assert_allclose(total[1:3], expected[1:3])
    assert [tuple(row) for row in found[:, :2] if row[1] >= 0] == [
        (0, 1),
        (0, 3),
        (1, 2),
    ]


def test_outlines_know_their_patterns():
    [found] = run(GrainOutlines(3), None, LABELS)
    patterns = [found[found[:, 0] == i, 4][0] for i in range(4)]
    assert patterns == [0, 1, 2, 2]


def test_a_map_of_values():
    values = np.array([5.0, 6, 7, 8])
    found = run(GrainMap(3, values={(): values}), None, LABELS)
    assert found.dtype == np.float32
    assert (found[0, 0], found[12, 12], found[14, 15], found[-1, 0]) == (5, 6, 7, 8)


def test_a_map_of_other_grains():
    with pytest.raises(ValueError, match=r"grains must be .* which have 4 here, got 3"):
        run(GrainMap(3, values={(): np.zeros(3)}), None, LABELS)


def test_labels_beyond_the_patterns():
    with pytest.raises(ValueError, match="labels must be ints from -1 to 1"):
        run(Grains(2), None, LABELS)


@pytest.fixture(scope="module")
def crystals():
    """Two crystals that are each in two grains, which are turned by -1 and 1 degrees.

    Frame, model and labels, which are told.
    """
    labels = np.zeros((260, 280), np.int8)
    labels[:, 150:] = 1
    turned = labels + 2 * (np.arange(260) > 130)[:, np.newaxis].astype(np.int8)
    labels[129:132] = -1
    lattices = [simulate.Lattice.square(11, orientation=a + 6) for a in (-1, 29, 1, 31)]
    s, _ = simulate.micrograph(lattices, boundary=turned, dose=3, seed=1)
    seg = s.segment_symmetry(patterns=labels, show_progressbar=False)
    return s.data, seg.model, labels


def test_orientations_of_the_lattices(crystals):
    frame, model, labels = crystals
    [found] = run(Grains(2, templates=model.templates), frame, labels)
    column = NAMES.index("lattice_orientation")
    angles, errors = found[:, column], found[:, column + 1]
    off = (angles - [5, 35, 7, 37] + 45) % 90 - 45
    assert np.abs(off).max() < 0.15
    assert (np.abs(off) < 4 * errors).all()
    assert (errors < 0.08).all()


def test_a_small_grain_has_no_orientation(crystals):
    frame, model, labels = crystals
    labels = labels.copy()
    labels[50:60, 50:60] = 1
    [found] = run(Grains(2, templates=model.templates), frame, labels)
    small = found[:, NAMES.index("area")] == 100
    unknown = np.isnan(found[:, NAMES.index("lattice_orientation")])
    np.testing.assert_array_equal(unknown, small)


def test_mean_orientation_of_a_bent_crystal():
    """Rotations reach from -5 to 5 degrees: no plane goes through displacements."""
    side, period, angle = 400, 10, np.radians(7)
    y, x = np.indices((side, side)).astype(float)
    y -= 0.05 * side * (2 * x / side - 1) ** 2
    waves = np.cos(2 * np.pi / period * (y * np.cos(angle) - x * np.sin(angle)))
    waves += np.cos(2 * np.pi / period * (y * np.sin(angle) + x * np.cos(angle)))
    frame = np.random.default_rng(0).poisson(3 * np.exp(2 * waves - 4) + 0.5)
    labels = np.zeros((side, side), np.int8)
    seg = hs.signals.Signal2D(frame).segment_symmetry(1, show_progressbar=False)
    templates = seg.model.templates
    [found] = run(Grains(1, templates=templates), frame, labels)
    off = (found[0, NAMES.index("lattice_orientation")] - 7 + 45) % 90 - 45
    assert abs(off) < 0.3


def test_a_grain_between_the_labels_computed_is_measured():
    labels = np.zeros((40, 50), int)
    labels[:, 25:] = 1
    whole = run(Grains(3, step=(5, 5)), None, labels)[0]
    labels[11:12, 5:15] = 2
    [table] = run(Grains(3, step=(5, 5)), None, labels)
    [fine] = run(Grains(3), None, labels)
    perimeter, n_neighbours = map(NAMES.index, ("perimeter", "n_neighbours"))
    assert table[2, perimeter] == fine[2, perimeter] > 16
    assert table[:, n_neighbours].tolist() == [2, 1, 1]
    assert table[:2, perimeter].tolist() == whole[:, perimeter].tolist()
    [pairs] = run(GrainNeighbours(3, step=(5, 5)), None, labels)
    pairs = pairs[pairs[:, 1] >= 0]
    assert pairs[:, :2].tolist() == [[0, 1], [0, 2]]
    assert pairs[1, 2] == fine[2, perimeter]
