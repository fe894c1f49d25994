# SPDX-License-Identifier: GPL-3.0-or-later
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.simulate import Lattice, micrograph


def crystal(lattice, shape=(200, 240), dose=3, seed=0, **arguments):
    return micrograph(lattice, shape, dose=dose, seed=seed, **arguments)[0].data


@pytest.fixture(scope="module")
def frame():
    return crystal(Lattice.square(13, 20))


@pytest.mark.parametrize("dose", [30, 3, 1, 0.3])
@pytest.mark.parametrize(
    ("lattice", "expected"),
    [
        (Lattice.square(13, 20), 13),
        (Lattice.hexagonal(12, 20), 12 * np.sqrt(3) / 2),
        # From 11.43 px, of {11}, twice, and 9.90 px, of {02}.
        (Lattice.centred(14, 19.8, 20), 10.9),
    ],
)
def test_period_of_a_crystal_at_any_dose(lattice, expected, dose):
    periods = find_periods(crystal(lattice, (300, 300), dose))
    assert periods.period == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("scale", [0.5, 2, 4])
def test_period_scales_with_the_pixels(scale):
    lattice = Lattice.square(13 * scale, 20)
    frame = crystal(lattice, (300, 300), 30, column_width=2 * scale)
    assert find_periods(frame).period == pytest.approx(13 * scale, rel=0.02)


def test_reflections_of_a_square_lattice(frame):
    found = find_periods(frame).reflections[:2]
    sine, cosine = np.sin(np.deg2rad(20)), np.cos(np.deg2rad(20))
    expected = np.array([[-cosine, sine], [sine, cosine]]) / 13
    np.testing.assert_allclose(found[found[:, 0].argsort()], expected, atol=2e-4)


def test_share_falls_with_the_dose():
    shares = [
        find_periods(crystal(Lattice.square(13, 20), dose=dose)).share
        for dose in (30, 3, 0.3)
    ]
    assert 0.9 > shares[0] > 2 * shares[1] > 8 * shares[2] > 0


def test_share_is_the_sum_of_the_powers(frame):
    periods = find_periods(frame)
    assert periods.share == periods.powers.sum()


def test_weak_superlattice_does_not_count():
    motif = [(0, 0, 1), (0.5, 0, 0.8), (0, 0.5, 0.8), (0.5, 0.5, 1)]
    periods = find_periods(crystal(Lattice.square(24, 20, motif), dose=30))
    lengths = 1 / np.hypot(*periods.reflections.T)
    assert abs(lengths - 12 * np.sqrt(2)).min() < 0.3
    assert periods.period == pytest.approx(12, rel=0.02)


def under_a_moire(shape, atoms, moire, ratio, seed=0):
    """Frame of waves of three atomic rows, under others, with noise."""

    def waves(period, angles):
        y, x = np.indices(shape)
        angles = np.deg2rad(angles)[:, np.newaxis, np.newaxis]
        along = x * np.cos(angles) + y * np.sin(angles)
        return np.cos(2 * np.pi * along / period).sum(axis=0)

    noise = np.random.default_rng(seed).normal(0, 1, shape)
    return waves(atoms, [16, 76, 136]) + ratio * waves(moire, [0]) + noise


@pytest.mark.parametrize("ratio", [1, 3, 9, 40])
@pytest.mark.parametrize("rows", [slice(None), slice(90), slice(20, 140)])
def test_period_of_atoms_under_stripes(ratio, rows):
    frame = under_a_moire((200, 230), 6.2, 42.4, ratio)
    assert find_periods(frame[rows]).period == pytest.approx(6.2, rel=0.01)


def test_period_of_the_stripes_is_reported():
    found = find_periods(under_a_moire((200, 230), 6.2, 42.4, 3))
    assert found.superlattice_period == pytest.approx(42.4, rel=0.02)


def test_period_of_atoms_under_a_moire_of_two_directions():
    shape = 200, 230
    frame = under_a_moire(shape, 6.2, 42.4, 2) + under_a_moire(shape[::-1], 6, 40, 2).T
    assert find_periods(frame).period == pytest.approx(6.1, rel=0.02)


def test_stripes_above_noise_are_a_lattice():
    frame = under_a_moire((200, 230), 1e9, 42.4, 9)
    assert find_periods(frame).period == pytest.approx(42.4, rel=0.01)


@pytest.mark.parametrize("motif", [[(0, 0, 1)], [(0, 0, 1), (0.5, 0.5, 0.25)]])
@pytest.mark.parametrize("column_width", [2, 4])
def test_sharp_columns_far_apart_are_no_moire(motif, column_width):
    lattice = Lattice.square(36, 20, motif)
    frame = crystal(lattice, (300, 320), 30, column_width=column_width)
    assert find_periods(frame).period == pytest.approx(36, rel=0.02)


def test_low_reflections_on_a_line_are_the_lattice_of_alike_columns():
    frame = crystal(Lattice.rectangular(24, 12, 20), (300, 320), 30)
    assert find_periods(frame).period == pytest.approx(24, rel=0.02)


def test_cell_that_is_nearly_centred_is_a_superlattice():
    # The column in the middle is displaced by 0.15 of 16 px. So the reflection of 16 px
    # has cos^2(0.35 pi), 0.21, and that of the diagonal cos^2(0.85 pi), 0.79.
    motif = [(0, 0, 1), (0.5, 0.35, 1)]
    found = find_periods(crystal(Lattice.rectangular(18, 16, 20, motif), dose=30))
    diagonal = 1 / np.hypot(1 / 18, 1 / 16)
    assert found.period == pytest.approx(diagonal, rel=0.02)
    assert found.superlattice_period == pytest.approx(16, rel=0.02)


def test_no_superlattice_of_one_column(frame):
    assert find_periods(frame).superlattice_period is None


def test_two_lattices():
    lattices = Lattice.square(13, 20), Lattice.square(13, 56)
    periods = find_periods(crystal(lattices))
    assert periods.period == pytest.approx(13, rel=0.02)
    np.testing.assert_allclose(np.hypot(*periods.reflections[:4].T), 1 / 13, rtol=0.02)


@settings(max_examples=20, deadline=None)
@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.booleans())
def test_gain_and_offset_do_not_matter(frame, offset, gain, negative):
    found = find_periods(offset + frame * (-gain if negative else gain))
    assert found.period == pytest.approx(find_periods(frame).period, rel=1e-4)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f4", "f8", ">f4"])
def test_dtype_does_not_matter(frame, dtype):
    expected = find_periods(frame)
    found = find_periods(frame.astype(dtype))
    assert found.period == pytest.approx(expected.period, rel=1e-5)
    assert found.share == pytest.approx(expected.share, rel=1e-3)


def test_transposed_frame_has_transposed_reflections(frame):
    found = find_periods(frame.T).reflections[:2]
    expected = find_periods(frame).reflections[:2, ::-1]
    np.testing.assert_allclose(np.sort(abs(found), 0), np.sort(abs(expected), 0), 1e-3)


def test_background_and_thickness_do_not_matter(frame):
    y, x = np.indices(frame.shape)
    thick = frame * (1 + 0.8 * (x / 120 - 1)) + 300 * np.exp(-((y / 80 - 1) ** 2))
    assert find_periods(thick).period == pytest.approx(13, rel=0.02)


def test_vacuum_around_the_crystal(frame):
    y, x = np.indices(frame.shape)
    inside = np.hypot(y - 100, x - 100) < 70
    assert find_periods(frame * inside).period == pytest.approx(13, rel=0.03)


def test_masked_pixels_do_not_matter(frame):
    mask = np.zeros(frame.shape, bool)
    mask[60:120, 30:110] = True
    found = find_periods(np.where(mask, 5000, frame), mask)
    assert found.period == pytest.approx(13, rel=0.02)
    other = find_periods(np.where(mask, -3, frame), mask)
    assert found.period == other.period


def test_nan_is_as_masked(frame):
    mask = np.random.default_rng(0).random(frame.shape) < 0.2
    found = find_periods(np.where(mask, np.nan, frame))
    expected = find_periods(frame.astype(float), mask)
    np.testing.assert_array_equal(found.reflections, expected.reflections)


def test_frames_and_masks_are_left_as_they_were(frame):
    frame, mask = frame.astype(float), np.zeros(frame.shape, bool)
    frame[3, 4], mask[5] = np.nan, True
    before = frame.copy(), mask.copy()
    find_periods(frame, mask)
    np.testing.assert_array_equal(frame, before[0])
    np.testing.assert_array_equal(mask, before[1])


@pytest.mark.parametrize("kind", [np.array, list, iter])
def test_several_frames(kind):
    frames = [crystal(Lattice.square(13, 20), dose=0.3, seed=i) for i in range(4)]
    periods = find_periods(kind(frames))
    assert periods.spectrum.n_independent > 2
    assert periods.period == pytest.approx(13, rel=0.02)


def test_one_mask_for_all_or_one_a_frame(frame):
    mask = np.zeros(frame.shape, bool)
    mask[:90] = True
    one = find_periods([frame, frame], mask)
    each = find_periods([frame, frame], [mask, mask])
    assert one.period == each.period


def test_some_frames_without_a_mask(frame):
    everything = np.ones(frame.shape, bool)
    found = find_periods([frame, frame], [None, everything])
    assert found.period == find_periods(frame).period


@pytest.mark.parametrize("shape", [(61, 83), (40, 300), (32, 32), (1030, 60)])
def test_small_and_narrow_frames(shape):
    frame = crystal(Lattice.square(7, 10), shape, 30, column_width=1.1)
    assert find_periods(frame).period == pytest.approx(7, rel=0.03)


@pytest.mark.parametrize("shape", [(64, 64), (100, 37), (200, 200)])
@pytest.mark.parametrize("counts", [0.3, 30])
def test_no_period_in_noise(shape, counts):
    for seed in range(10):
        frame = np.random.default_rng(seed).poisson(counts, shape)
        periods = find_periods(frame)
        assert periods.period is None
        assert periods.share == 0


@pytest.mark.parametrize(
    "frame", [np.zeros((50, 50)), np.full((50, 50), np.nan), np.eye(5), np.ones((1, 1))]
)
def test_no_period_without_contrast_or_room(frame):
    periods = find_periods(frame)
    assert periods.period is None
    assert periods.reflections.shape == (0, 2)
    assert periods.spectrum is None


def test_no_period_in_a_smooth_frame():
    y, x = np.indices((100, 120))
    assert find_periods(np.exp(-(((y - 50) / 20) ** 2)) + x / 50).period is None


@pytest.mark.parametrize("period", [2.5, 40])
def test_no_period_out_of_range(period):
    y = np.indices((100, 120))[0]
    counts = 3 * (1 + np.cos(2 * np.pi * y / period))
    assert find_periods(np.random.default_rng(0).poisson(counts)).period is None


@pytest.mark.parametrize("rows", [slice(None), slice(128), slice(128, None)])
@pytest.mark.parametrize("columns", [slice(None), slice(128), slice(20, 200)])
def test_period_of_atoms_in_a_scanning_tunnelling_micrograph(data_file, rows, columns):
    frame = np.load(data_file("bimos2.npy"))
    assert find_periods(frame[rows, columns]).period == pytest.approx(6.2, rel=0.02)


@pytest.mark.parametrize(
    ("name", "expected"), [("Fe_bcc_100.npy", 16.6), ("MoS2_stem_Exp-000-2.npy", 15.6)]
)
def test_period_of_a_micrograph(data_file, name, expected):
    periods = find_periods(np.load(data_file(name)))
    assert periods.period == pytest.approx(expected, rel=0.02)


def test_periods_are_shown_in_a_line(frame):
    assert repr(find_periods(np.ones((9, 11)))) == "<Periods: none>"
    periods = find_periods(frame)
    assert repr(periods) == (
        f"<Periods: period {periods.period:.4g} px, "
        f"{len(periods.reflections)} reflections>"
    )
