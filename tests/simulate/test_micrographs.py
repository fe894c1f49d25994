# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the simulator, on frames of 61 rows and 83 columns."""

import math

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg.simulate import Lattice, grain_boundary, micrograph, regions

SHAPE = (61, 83)
# The columns alone: noise, background, ramp and jitter are off.
CLEAN = {"dose": None, "background": 0, "ramp": 0, "jitter": 0}
EMPTY = Lattice.square(13, motif=[(0, 0, 0)])
# At least one column is 10 pixels from the edges, and no other is near it.
SPARSE = Lattice.square(40)


def clean(lattice, shape=SHAPE, **options):
    return micrograph(lattice, shape, **CLEAN | options)[0].data.astype(float)


def brightest(image, border):
    """Position of the brightest pixel that is not near an edge."""
    inner = image[border:-border, border:-border]
    return np.add(np.unravel_index(inner.argmax(), inner.shape), border)


def is_translated(image, dy, dx):
    """Whether the image repeats itself after a move down (dy) and across (dx)."""
    rows, cols = image.shape
    moved = image[dy:, max(dx, 0) : cols + min(dx, 0)]
    still = image[: rows - dy, max(-dx, 0) : cols - max(dx, 0)]
    return np.allclose(moved, still, atol=1e-3)


def log_parabola(image):
    """Peak height and standard deviation of a column, from three pixels of a row."""
    y, x = brightest(image, 10)
    # The Gaussian is separable: divide out its other axis, known from its own three.
    low, mid, high = np.log(image[y, x - 1 : x + 2])
    up, _, down = np.log(image[y - 1 : y + 2, x])
    curvature = low + high - 2 * mid
    across = up + down - 2 * mid
    height = mid - (high - low) ** 2 / (8 * curvature) - (down - up) ** 2 / (8 * across)
    return math.exp(height), (-1 / curvature) ** 0.5, (-1 / across) ** 0.5


# Columns


def test_column_peak_is_one_without_noise():
    assert log_parabola(clean(SPARSE))[0] == pytest.approx(1, rel=1e-4)


def test_column_peak_is_the_weight():
    lattice = Lattice.square(40, motif=[(0, 0, 0.7)])
    assert log_parabola(clean(lattice))[0] == pytest.approx(0.7, rel=1e-4)


@pytest.mark.parametrize("width", [1.3, 2.5])
def test_column_width_is_the_standard_deviation(width):
    _, along_x, along_y = log_parabola(clean(SPARSE, column_width=width))
    assert (along_x, along_y) == pytest.approx((width, width), rel=1e-4)


def test_columns_are_placed_between_pixels():
    # Columns 20.4 pixels apart, each at the vertex of the parabola through 3 logs.
    row = clean(Lattice.square(20.4)).max(axis=0)
    first = row[10:30].argmax() + 10
    vertices = []
    for guess in (first, first + 20.4):
        x = round(guess) - 1 + row[round(guess) - 1 : round(guess) + 2].argmax()
        low, mid, high = np.log(row[x - 1 : x + 2])
        vertices.append(x - (high - low) / (2 * (low + high - 2 * mid)))
    assert vertices[1] - vertices[0] == pytest.approx(20.4, abs=1e-3)


def test_motif_fractions_wrap_into_the_cell():
    far = Lattice.square(13, motif=[(7.25, -6.5, 1)])
    near = Lattice.square(13, motif=[(0.25, 0.5, 1)])
    np.testing.assert_array_equal(clean(far), clean(near))


def test_seed_moves_the_origin():
    positions = [tuple(brightest(clean(SPARSE, seed=seed), 10)) for seed in (1, 2)]
    assert positions[0] != positions[1]


def test_overlapping_columns_add():
    twice = Lattice.square(40, motif=[(0, 0, 1), (1, 0, 1)])
    np.testing.assert_allclose(clean(twice), 2 * clean(SPARSE), atol=1e-6)


def test_one_column_per_cell():
    # A Gaussian's integral is 2 pi sigma squared, one for each 13 x 13 pixels.
    assert clean(Lattice.square(13), (13 * 5, 13 * 7)).mean() == pytest.approx(
        2 * math.pi * 4 / 169, rel=1e-4
    )


@pytest.mark.parametrize(
    ("lattice", "steps"),
    [
        (Lattice.square(13), [(0, 13), (13, 0)]),
        (Lattice.square(15, math.degrees(math.atan2(3, 4))), [(9, 12), (12, -9)]),
        (Lattice.rectangular(10, 15), [(0, 10), (15, 0)]),
        (Lattice.rectangular(10, 15, 90), [(10, 0), (0, 15)]),
        (Lattice.centred(12, 18), [(9, 6), (9, -6)]),
        (Lattice(((2, 13), (16, 5))), [(2, 13), (16, 5)]),
    ],
)
def test_frame_repeats_with_the_lattice_vectors(lattice, steps):
    image = clean(lattice)
    assert [is_translated(image, *step) for step in steps] == [True, True]


def test_rectangular_frame_does_not_repeat_with_swapped_vectors():
    assert not is_translated(clean(Lattice.rectangular(10, 15)), 10, 0)


def test_columns_near_an_edge_reach_into_the_frame():
    # A whole number of cells across, so the first and the last cell look the same.
    image = clean(Lattice.square(10), (60, 80))
    profile = image.sum(axis=0)
    np.testing.assert_allclose(profile[:10], profile[-10:], rtol=1e-4)


def test_jitter_moves_columns_by_its_standard_deviation():
    # Columns on a cell of 20 pixels are moved by 1 pixel: find them by centroids.
    lattice = Lattice.square(20)
    shape = (400, 620)
    still, moved = (
        clean(lattice, shape, jitter=jitter, seed=3) for jitter in (0, 0.05)
    )
    y, x = brightest(still, 10) % 20
    steps = np.arange(-9, 10)
    shifts = []
    for row in range(y + 20, 380, 20):
        for col in range(x + 20, 600, 20):
            window = np.s_[row - 9 : row + 10, col - 9 : col + 10]
            before, after = (
                image[window].sum(axis=0) @ steps / image[window].sum()
                for image in (still, moved)
            )
            shifts.append(after - before)
    # About 500 columns: the standard deviation is known to 3 %.
    assert np.std(shifts) == pytest.approx(1, rel=0.1)


# Grains


def test_each_grain_has_its_own_lattice():
    labels = np.zeros((60, 90), np.int64)
    labels[:, 45:] = 1
    lattices = [Lattice.rectangular(10, 15), Lattice.rectangular(15, 10)]
    image = clean(lattices, None, boundary=labels)
    left, right = image[:, :30], image[:, 60:]
    assert [
        is_translated(left, 15, 10),
        is_translated(right, 10, 15),
        is_translated(left, 10, 0),
        is_translated(right, 15, 0),
    ] == [True, True, False, False]


def test_region_labelled_minus_one_has_no_columns():
    labels = np.zeros(SHAPE, int)
    labels[:, 40:] = -1
    # Nothing within the five standard deviations of a column at the boundary.
    assert clean(Lattice.square(13), None, boundary=labels)[:, 51:].max() == 0


def test_truth_is_the_array_passed():
    labels = np.arange(61 * 83).reshape(SHAPE) % 3
    _, truth = micrograph([Lattice.square(13)] * 3, boundary=labels)
    np.testing.assert_array_equal(truth.data, labels)


def test_truth_of_a_named_boundary_is_that_of_regions():
    _, truth = micrograph([SPARSE, SPARSE], SHAPE, boundary="straight", seed=4)
    np.testing.assert_array_equal(truth.data, regions(SHAPE, 2, "straight", seed=4))


def test_truth_passed_back_gives_the_same_frame():
    lattices = [Lattice.square(13), Lattice.hexagonal(13)]
    signal, truth = micrograph(lattices, SHAPE, seed=2)
    again, _ = micrograph(lattices, boundary=truth, seed=2)
    np.testing.assert_array_equal(again.data, signal.data)


def test_truth_of_one_lattice_is_zero():
    assert not micrograph(Lattice.square(13), SHAPE)[1].data.any()


@pytest.mark.parametrize("boundary", ["curved", np.zeros(SHAPE, np.int64)])
def test_truth_dtype(boundary):
    _, truth = micrograph(Lattice.square(13), SHAPE, boundary=boundary)
    assert truth.data.dtype == np.int8


# Counts


def test_mean_of_background_is_its_share_of_the_dose():
    # 5063 pixels of mean 10: the mean is known to 0.045.
    image = micrograph(EMPTY, SHAPE, dose=40, background=0.25, ramp=0)[0].data
    assert image.mean() == pytest.approx(10, abs=0.2)


def test_noise_is_poisson():
    # Variance equals mean; over 5063 pixels it is known to 2 %.
    image = micrograph(EMPTY, SHAPE, dose=40, background=0.25, ramp=0)[0].data
    assert image.var() == pytest.approx(10, rel=0.08)


def test_mean_counts_follow_the_frame_without_noise():
    options = {"lattices": Lattice.square(13), "shape": SHAPE, "seed": 5}
    counts = micrograph(dose=100, **options)[0].data
    expected = 100 * micrograph(dose=None, **options)[0].data.astype(float)
    # Differences in units of the Poisson standard deviation, 5063 of them.
    scatter = (counts - expected) / expected**0.5
    assert (scatter.mean(), scatter.std()) == pytest.approx((0, 1), abs=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_ramp_runs_from_one_minus_to_one_plus(seed):
    image = clean(EMPTY, background=1, ramp=0.3, seed=seed)
    assert (image.min(), image.max()) == pytest.approx((0.7, 1.3), rel=1e-6)


def test_ramp_is_a_plane():
    image = clean(EMPTY, background=1, ramp=0.3)
    second = [np.diff(image, 2, axis=0), np.diff(image, 2, axis=1)]
    assert max(abs(difference).max() for difference in second) < 1e-6


def test_ramp_multiplies_columns_too():
    flat, tilted = (clean(Lattice.square(13), ramp=ramp) for ramp in (0, 0.3))
    plane = clean(EMPTY, background=1, ramp=0.3)
    np.testing.assert_allclose(tilted, flat * plane, rtol=1e-5, atol=1e-6)


def test_counts_dtype():
    assert micrograph(Lattice.square(13), SHAPE)[0].data.dtype == np.uint16


def test_dtype_without_noise():
    frame, _ = micrograph(Lattice.square(13), SHAPE, dose=None)
    assert frame.data.dtype == np.float32


# Reproducibility


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_same_seed_same_frame(part):
    first, second = (grain_boundary(7, shape=SHAPE)[part].data for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_seeds_differ(part):
    first, second = (grain_boundary(seed, shape=SHAPE)[part].data for seed in (7, 8))
    assert (first != second).any()


def test_frame_of_a_seed_is_that_of_earlier_versions():
    grain = Lattice.square(13, orientation=5)
    lattices = [grain, grain.rotated(36)]
    signal, truth = micrograph(lattices, SHAPE, dose=None, seed=3)
    assert signal.data[[5, 30, 55], [5, 40, 75]] == pytest.approx(
        [0.996287, 0.250053, 0.303905], abs=1e-5
    )
    centre = np.argwhere(truth.data == 1).mean(axis=0)
    assert centre == pytest.approx([34.12085, 60.42496], abs=1e-3)


def test_dose_does_not_move_the_columns():
    faint, bright = (
        micrograph(Lattice.square(13), SHAPE, dose=dose)[0].data for dose in (2e4, 4e4)
    )
    np.testing.assert_allclose(faint * 2.0, bright, rtol=0.1, atol=1)


# Signals


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_axes(part):
    frames = micrograph(SPARSE, SHAPE, pixel_size=0.02, units="Å")
    assert [
        (axis.name, axis.size, axis.scale, axis.offset, axis.units)
        for axis in frames[part].axes_manager.signal_axes
    ] == [("x", 83, 0.02, 0, "Å"), ("y", 61, 0.02, 0, "Å")]


@pytest.mark.parametrize("part", [0, 1], ids=["signal", "truth"])
def test_class(part):
    assert type(micrograph(SPARSE, SHAPE)[part]) is hs.signals.Signal2D


def test_titles():
    titles = [frame.metadata.General.title for frame in micrograph(SPARSE, SHAPE)]
    assert titles == ["Simulated micrograph", "True labels"]


def test_default_shape():
    assert micrograph(SPARSE)[0].data.shape == (512, 512)


@pytest.mark.parametrize("dose", [10.0, None])
def test_parameters_survive_saving(tmp_path, dose):
    lattices = [Lattice.square(13), Lattice.centred(13, 20)]
    signal, _ = micrograph(lattices, SHAPE, dose=dose)
    signal.save(tmp_path / "frame.hspy")
    loaded = hs.load(tmp_path / "frame.hspy").metadata.Simulation.as_dictionary()
    np.testing.assert_equal(loaded, signal.metadata.Simulation.as_dictionary())


def test_parameters():
    lattices = [Lattice.square(13), Lattice.centred(13, 20)]
    signal, _ = micrograph(lattices, SHAPE, boundary="straight", seed=6)
    expected = {
        "vectors": [[(0, 13), (13, 0)], [(0, 13), (20, 0)]],
        "motifs": {"lattice_0": [(0, 0, 1)], "lattice_1": [(0, 0, 1), (0.5, 0.5, 1)]},
        "boundary": "straight",
        "column_width": 2,
        "dose": 10,
        "background": 0.25,
        "ramp": 0.25,
        "jitter": 0.02,
        "coherent": False,
        "seed": 6,
    }
    found = signal.metadata.Simulation.as_dictionary()
    found["vectors"] = found["vectors"].tolist()
    expected["vectors"] = np.array(expected["vectors"]).tolist()
    found["motifs"] = {
        key: [tuple(column) for column in motif]
        for key, motif in found["motifs"].items()
    }
    assert found == expected


@pytest.mark.parametrize("coherent", [False, True])
def test_coherent_grains_of_one_lattice_are_one_crystal(coherent):
    lattice = Lattice.square(13, 20)
    labels = np.zeros(SHAPE, np.int8)
    labels[:, SHAPE[1] // 2 :] = 1
    options = {"dose": None, "jitter": 0, "coherent": coherent, "seed": 2}
    one, _ = micrograph(lattice, SHAPE, **options)
    two, _ = micrograph([lattice, lattice], boundary=labels, **options)
    assert np.allclose(one.data, two.data) == coherent


def test_grain_boundary_grains_are_36_degrees_apart():
    signal, _ = grain_boundary(shape=SHAPE)
    (first, _), (second, _) = signal.metadata.Simulation.vectors
    cosine = first @ second / 13**2
    assert math.degrees(math.acos(cosine)) == pytest.approx(36)


# Errors


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("lattices", []),
        ("lattices", [SPARSE] * 128),
        ("shape", (61, 0)),
        ("shape", (61, 83, 2)),
        ("boundary", "wavy"),
        ("boundary", np.zeros(SHAPE)),
        ("boundary", np.zeros(83, int)),
        ("boundary", np.full(SHAPE, 1)),
        ("boundary", np.full(SHAPE, -2)),
        ("column_width", 0),
        ("dose", 0),
        ("dose", math.inf),
        ("dose", 1e6),
        ("background", -0.1),
        ("background", math.nan),
        ("ramp", -0.1),
        ("ramp", 1.1),
        ("jitter", -0.1),
        ("pixel_size", 0),
        ("seed", -1),
        ("seed", None),
    ],
)
def test_micrograph_rejects(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be .* got "):
        micrograph(**{"lattices": SPARSE, argument: value})


def test_shape_other_than_that_of_the_array_is_rejected():
    with pytest.raises(ValueError, match=r"^shape must be that of .* got \(83, 61\)"):
        micrograph(SPARSE, (83, 61), boundary=np.zeros(SHAPE, int))
