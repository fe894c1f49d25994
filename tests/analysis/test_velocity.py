# SPDX-License-Identifier: GPL-3.0-or-later
"""Displacement of boundaries, on frames of 90 rows and 110 columns."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage, special

from hyperspy_symseg.analysis import BoundaryVelocity
from hyperspy_symseg.analysis.velocity import (
    NAMES,
    _scatter,
    boundary_map,
    boundary_mean,
)
from hyperspy_symseg.analysis.velocity_contours import (
    Line,
    lines_at_zero,
    signed_distances,
)
from hyperspy_symseg.frames.run import run

SHAPE = (90, 110)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]]
DISPLACEMENT = NAMES.index("displacement")


def half_plane(offset, angle=90.0):
    """0 to the left of a line through the centre, moved to the right by an offset."""
    angle = np.radians(angle)
    across = (X - 54.5) * np.sin(angle) - (Y - 44.5) * np.cos(angle)
    return (across >= offset).astype(np.int8)


def disc(radius, centre=(44.3, 54.6), size=(1, 1)):
    """0 inside, 1 outside."""
    y, x = (Y - centre[0]) * size[0], (X - centre[1]) * size[1]
    return (np.hypot(y, x) >= radius).astype(np.int8)


def found(before, after, **options):
    return run(BoundaryVelocity(options.pop("n", 2), **options), (before, after))[0]


def means(*labels, **options):
    return boundary_mean(found(*labels, **options))[0]


# Distances


# As far from pixels as it can be, if they are all at a few distances.
@pytest.mark.parametrize(
    ("angle", "offset"), [(90, 0), (77, 0.3), (45, 0.5**1.5), (30, 0.3)]
)
def test_distances_from_a_straight_line(angle, offset):
    own = half_plane(offset, angle) == 0
    distances = signed_distances(own, np.ones(SHAPE, bool), (1, 1))
    a = np.radians(angle)
    expected = offset - (X - 54.5) * np.sin(a) + (Y - 44.5) * np.cos(a)
    # Pixels whose nearest place on the line is in the frame.
    inside = (slice(30, -30), slice(30, -30))
    error = (distances - expected)[inside]
    assert abs(error.mean()) < 0.1
    assert error.std() < 0.2


def test_distances_are_in_the_unit_of_pixels_of_two_sides():
    own = half_plane(0) == 0
    distances = signed_distances(own, np.ones(SHAPE, bool), (0.5, 0.2))
    np.testing.assert_allclose(distances[:, 45], 1.9, atol=0.01)


def test_there_is_no_distance_from_a_boundary_that_is_not():
    everywhere = np.ones(SHAPE, bool)
    assert signed_distances(everywhere, everywhere, (1, 1)) is None


def test_pixels_without_a_label_make_no_boundary():
    valid = np.ones(SHAPE, bool)
    valid[:, 50:60] = False
    assert signed_distances(half_plane(0) == 0, valid, (1, 1)) is None


# Lines


def test_line_around_a_disc():
    values = 20 - np.hypot(Y - 44.3, X - 54.6)
    [line] = lines_at_zero(values, np.ones(SHAPE, bool), (1, 1))
    assert line.is_closed
    assert line.length == pytest.approx(2 * np.pi * 20, rel=0.002)
    radii = np.hypot(*(line.points - (44.3, 54.6)).T)
    np.testing.assert_allclose(radii, 20, atol=0.05)
    assert line.step <= 1


def test_lines_end_where_pixels_do_not_count():
    valid = np.ones(SHAPE, bool)
    valid[40:50] = False
    lines = lines_at_zero(54.7 - X, valid, (2, 1))
    assert sorted(round(line.length) for line in lines) == [78, 78]
    assert not any(line.is_closed for line in lines)


def test_means_of_a_line_are_those_of_a_gaussian_window():
    values, weights = np.random.default_rng(0).uniform(1, 2, (2, 60))
    line = Line(np.zeros((60, 2)), 0.5, False)
    # Up to four standard deviations.
    distance = np.subtract.outer(np.arange(60), np.arange(60)) * 0.5
    window = np.where(np.abs(distance) <= 8, np.exp(-0.5 * (distance / 2) ** 2), 0)
    expected = window @ (weights * values) / (window @ weights)
    np.testing.assert_allclose(line.means(values, 2.0, weights), expected, rtol=1e-6)


def test_effective_length_is_that_of_the_weights():
    line = Line(np.zeros((400, 2)), 0.5, False)
    weights = np.random.default_rng(0).uniform(1, 2, 400)
    distance = np.subtract.outer(np.arange(400), np.arange(400)) * 0.5
    window = np.exp(-0.5 * (distance / 9) ** 2)
    expected = (window @ weights) ** 2 / (window**2 @ weights) * 0.5
    found = line.effective_lengths(9.0, weights)
    np.testing.assert_allclose(found, expected, rtol=0.01)
    np.testing.assert_array_equal(line.effective_lengths(0, weights), 0)


@pytest.mark.parametrize("is_closed", [False, True])
def test_power_of_waves_is_the_variance_times_the_step(is_closed):
    line = Line(np.zeros((400, 2)), 0.5, is_closed)
    values = np.random.default_rng(0).normal(5, 2, (200, 400))
    waves = np.array([line.waves(each, np.ones(400), 20.0) for each in values])
    # The longest is twice the line, 400, and the shortest a twentieth of that.
    assert waves.shape == (200, 20)
    np.testing.assert_allclose(waves.mean(axis=0), 4 * 0.5, rtol=0.35)
    assert waves.mean() == pytest.approx(4 * 0.5, rel=0.05)


def test_waves_of_a_line_with_bad_ends_are_those_of_its_middle():
    line = Line(np.zeros((400, 2)), 0.5, False)
    weights = np.where(np.arange(400) < 80, 0.04, 1.0)
    values = np.random.default_rng(0).normal(size=(200, 400)) / weights**0.5
    waves = [line.waves(each, weights, 20.0) for each in values]
    assert np.mean(waves) == pytest.approx(0.5, rel=0.05)


def test_a_short_line_has_no_long_waves():
    line = Line(np.zeros((9, 2)), 1.0, False)
    assert line.waves(np.arange(9.0), np.ones(9), 20.0).size == 0


def test_distances_from_the_ends_of_a_line():
    points = np.zeros((4, 2))
    assert Line(points, 0.5, False).from_ends.tolist() == [0.25, 0.75, 0.75, 0.25]
    assert np.isinf(Line(points, 0.5, True).from_ends).all()


def test_a_window_of_a_closed_line_goes_round():
    values = np.zeros(50)
    values[0] = 1
    line = Line(np.zeros((50, 2)), 1.0, True)
    found = line.means(values, 3.0, np.ones(50))
    np.testing.assert_allclose(found[1:6], found[-1:-6:-1])


# Displacements


@pytest.mark.parametrize("angle", [90, 75, 45, 20])
@pytest.mark.parametrize("moved", [0.7, 3.0, -8.0, 0.0])
def test_a_straight_boundary(angle, moved):
    before, after = half_plane(-moved / 2, angle), half_plane(moved / 2, angle)
    rows = found(before, after)
    # To whole pixels, of which a line along an axis or a diagonal passes many at once.
    moved = ((after == 0).sum() - (before == 0).sum()) / rows[:, 5].sum()
    # Lines end at the middle of the outermost pixels.
    moved *= 89 / 90 if angle > 40 else 109 / 110
    assert boundary_mean(rows)[0] == pytest.approx(moved, abs=0.05)
    inside = rows[(np.abs(rows[:, :2] - (44.5, 54.5)) < 30).all(axis=1)]
    np.testing.assert_allclose(inside[:, DISPLACEMENT], moved, atol=0.4)


def test_the_other_pattern_shrinks():
    labels = half_plane(0), half_plane(2)
    assert means(*labels, pattern=1) == pytest.approx(-2, abs=0.02)


def test_points_are_half_way():
    rows = found(half_plane(-4), half_plane(4))
    np.testing.assert_allclose(rows[:, 1], 54, atol=0.6)


@pytest.mark.parametrize(("first", "second"), [(30, 27), (12, 14), (25, 33)])
def test_mean_times_length_is_what_the_area_gains(first, second):
    before, after = disc(first), disc(second)
    rows = found(before, after)
    gained = (after == 0).sum() - (before == 0).sum()
    assert rows[:, 4] @ rows[:, 5] == pytest.approx(gained, rel=0.02)
    assert means(before, after) == pytest.approx(second - first, rel=0.02)


def test_pixels_may_have_two_sides():
    size = (0.5, 0.25)
    labels = (disc(radius, size=size) for radius in (9, 10))
    assert means(*labels, pixel_size=size) == pytest.approx(1, rel=0.02)


def test_upsampled_labels_have_no_steps():
    coarse = [half_plane(offset, 70)[::3, ::3] for offset in (-1.5, 1.5)]
    before, after = (np.kron(each, np.ones((3, 3), np.int8)) for each in coarse)
    rows = found(before, after, step=3.0)
    moved = ((after == 0).sum() - (before == 0).sum()) / rows[:, 5].sum()
    assert boundary_mean(rows)[0] == pytest.approx(moved, rel=0.03)
    assert rows[20:-20, 4].std() < 0.5


def test_a_drift_is_taken_off():
    before = disc(20)
    after = disc(18, centre=(44.3 + 6.4, 54.6 - 7.7))
    rows = found(before, after, drift=((6.4, -7.7),))
    np.testing.assert_allclose(rows[:, DISPLACEMENT], -2, atol=0.5)
    np.testing.assert_array_equal(rows[0, -2:], (6.4, -7.7))
    straight = half_plane(-5), half_plane(5)
    assert means(*straight, drift=((3.0, 9.0),)) == pytest.approx(1, abs=0.02)


def test_what_a_drift_brings_into_view_does_not_count():
    before, after = half_plane(0), half_plane(0)
    after[:25] = 1 - after[:25]
    # These rows were not in the first frame.
    rows = found(before, after, drift=((30.0, 0.0),))
    assert rows[:, 0].max() < 60
    np.testing.assert_allclose(rows[:, 4], 0, atol=0.01)


def test_another_pattern_is_on_the_other_side():
    # 0 to the left; to its right 1 above and 2 below. Only that with 2 moves.
    before, after = half_plane(0), half_plane(0)
    after[45:] = half_plane(3)[45:]
    for labels in before, after:
        labels[45:][labels[45:] == 1] = 2
    given = {"n": 3, "against": 2}
    rows = found(before, after, **given)
    assert rows[:, 0].min() > 42
    assert boundary_mean(rows)[0] == pytest.approx(3, abs=0.25)
    assert means(before, after, n=3, against=1) == pytest.approx(0, abs=0.25)
    assert means(before, after, n=3) == pytest.approx(1.5, abs=0.25)


def test_both_sides_of_a_lamella_are_apart():
    before = np.ones(SHAPE, np.int8)
    before[:, 50:60] = 0
    after = before.copy()
    after[:, 60:63] = 0
    rows = found(before, after, smoothing=20.0)
    left = rows[:, 1] < 55
    np.testing.assert_allclose(rows[left, DISPLACEMENT], 0, atol=0.01)
    np.testing.assert_allclose(rows[~left, DISPLACEMENT], 3, atol=0.01)


def test_pixels_without_a_label_do_not_count():
    before, after = half_plane(0), half_plane(2)
    before[:40], after[60:] = -1, -1
    rows = found(before, after)
    assert 39 < rows[:, 0].min() < rows[:, 0].max() < 60
    np.testing.assert_allclose(rows[:, 4], 2, atol=0.01)


def test_a_mask_leaves_out_pixels():
    mask = np.zeros(SHAPE, bool)
    mask[:50] = True
    labels = half_plane(0), half_plane(2)
    [rows] = run(BoundaryVelocity(2), labels, mask=mask)
    assert rows[:, 0].min() > 49


@pytest.mark.parametrize(
    "labels",
    [
        (disc(10), np.ones(SHAPE, np.int8)),
        (np.ones(SHAPE, np.int8), disc(10)),
        (np.zeros(SHAPE, np.int8), np.zeros(SHAPE, np.int8)),
        (np.full(SHAPE, -1), disc(10)),
    ],
    ids=["vanishes", "appears", "one pattern", "no labels"],
)
def test_where_there_is_no_boundary_there_are_no_rows(labels):
    rows = found(*labels)
    assert rows.shape == (0, len(NAMES))
    assert np.isnan(boundary_mean(rows)).all()
    assert np.isnan(boundary_map(rows, SHAPE)).all()


@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (2, 2), (2, 9)])
def test_frames_of_a_line_of_pixels(shape):
    labels = np.arange(np.prod(shape)).reshape(shape) % 2
    rows = found(labels, labels)
    assert len(rows) == 0 or min(shape) > 1
    np.testing.assert_allclose(rows[:, 4], 0, atol=1e-9)


def test_a_grain_that_vanishes_leaves_the_others():
    before = disc(6, centre=(20, 20))
    before[disc(15, centre=(60, 80)) == 0] = 0
    rows = found(before, disc(16, centre=(60, 80)))
    assert rows[:, 1].min() > 60
    assert boundary_mean(rows)[0] == pytest.approx(1, abs=0.05)


def test_labels_of_more_patterns_are_an_error():
    with pytest.raises(ValueError, match="labels must be ints from -1 to 1, got some"):
        found(2 * half_plane(0), half_plane(0))


# Errors

PERIODIC = {"period": 10.0}


def noisy(rng, correlation=8, amplitude=1.5):
    """A straight boundary with independent waves along it."""
    wave = ndimage.gaussian_filter1d(rng.normal(size=400), correlation, mode="wrap")
    wave *= amplitude / wave.std()
    return (np.arange(60) >= 30 + wave[:, np.newaxis]).astype(np.int8)


def test_errors_from_the_scatter_are_as_large_as_deviations():
    rng = np.random.default_rng(1)
    z_mean, z = [], []
    for _ in range(40):
        rows = found(noisy(rng), noisy(rng), smoothing=10.0)
        mean, variance = boundary_mean(rows)
        z_mean.append(mean / variance**0.5)
        z.append(np.mean(rows[:, 2] ** 2 / rows[:, 3]))
    assert 0.75 < np.sqrt(np.mean(np.square(z_mean))) < 1.35
    assert 0.75 < np.sqrt(np.mean(z)) < 1.35


def test_errors_of_a_boundary_with_bad_ends_are_as_large_as_deviations():
    # Without certainties: independent displacements, with the deviations of the ends.
    rng = np.random.default_rng(3)
    line = Line(np.zeros((300, 2)), 1.0, False)
    analysis = BoundaryVelocity(2, period=10.0, smoothing=20.0)
    weights = analysis._weights(line)
    assert weights[150] == 1
    assert weights[0] ** -0.5 == pytest.approx(3.5, rel=0.01)
    z = []
    for _ in range(40):
        own = rng.normal(size=300) / weights**0.5
        means = line.means(own, 20.0, weights)
        [variances], _ = analysis._variances([line], [own], [])
        z.append(means / variances**0.5)
    z = np.sqrt(np.mean(np.square(z), axis=0))
    assert 0.75 < z[0] < 1.35
    assert 0.75 < z[150] < 1.35


def test_ends_count_less_in_a_window():
    before, after = half_plane(0), half_plane(0)
    after[:20] = half_plane(4)[:20]
    rows = [found(before, after, smoothing=15.0, **how) for how in ({}, PERIODIC)]
    at_end = [each[each[:, 0] < 10, DISPLACEMENT].mean() for each in rows]
    assert at_end[1] < at_end[0] - 0.5
    # The mean is that of the area, with or without.
    assert boundary_mean(rows[1]) == pytest.approx(boundary_mean(rows[0]))


def test_scatter_of_waves_of_a_length():
    # Triangular correlation: the mean of as many independent numbers.
    rng = np.random.default_rng(2)
    values = np.convolve(rng.normal(size=20_000), np.ones(25) / 5, "valid")
    line = Line(np.zeros((len(values), 2)), 0.5, False)
    variance, alike = _scatter([line], [values])
    assert variance == pytest.approx(1, rel=0.15)
    assert alike == pytest.approx(12.5, rel=0.2)


def test_variances_from_certainties_follow_the_width_of_the_boundary():
    # The posterior of a normal position: the certainty is that of the nearer side.
    labels, options = half_plane(0.5), {"period": 10.0, "has_certainty": True}
    variances = []
    for width in (1.5, 3.0):
        certainty = special.ndtr(np.abs(X - 54.5) / width)
        channels = labels, labels, certainty, certainty
        [rows] = run(BoundaryVelocity(2, **options), channels)
        variances.append(rows[10:-10, 3].mean())
    assert variances[1] / variances[0] == pytest.approx(4, rel=0.1)
    # With no window: a share of the variances of both positions. One wave that is long
    # enough tells that nothing moves, and counts for one of four.
    assert variances[1] == pytest.approx(0.2 * 3 / 4 * 2 * 3.0**2, rel=0.1)


@pytest.mark.parametrize(
    ("moved", "share"), [(0, 0.2), (0.7, 0.4), (-1.4, 0.6), (9, 0.8)]
)
def test_more_is_expected_where_columns_are_passed(moved, share):
    given = BoundaryVelocity(2, period=10.0, has_certainty=True)
    assert given._share(np.full(30, moved)) == pytest.approx(share)


# As where the boundary is at rest, or passes many columns: certainties are the same.
@pytest.mark.parametrize("amplitude", [0.4, 1.0])
def test_errors_with_a_certainty_are_as_large_as_deviations(amplitude):
    rng = np.random.default_rng(5)
    x = np.arange(60)
    certainty = np.broadcast_to(special.ndtr(np.abs(x - 29.5) / 2), (400, 60))
    given = BoundaryVelocity(2, period=6.0, smoothing=18.0, has_certainty=True)
    z_mean, z = [], []
    for _ in range(40):
        labels = [noisy(rng, amplitude=amplitude) for _ in range(2)]
        [rows] = run(given, (*labels, certainty, certainty))
        mean, variance = boundary_mean(rows)
        z_mean.append(mean / variance**0.5)
        inside = rows[np.abs(rows[:, 0] - 199.5) < 170]
        z.append(np.mean(inside[:, 2] ** 2 / inside[:, 3]))
    assert 0.7 < np.sqrt(np.mean(np.square(z_mean))) < 1.3
    assert 0.7 < np.sqrt(np.mean(z)) < 1.3


def test_a_velocity_that_varies_is_no_error():
    # The same posterior; one half moves by ten pixels, the other by none.
    certainty = special.ndtr(np.abs(X - 54.5) / 2)
    given = BoundaryVelocity(2, period=2.0, has_certainty=True)
    before, after = half_plane(0), half_plane(0)
    after[45:] = half_plane(10)[45:]
    [rows] = run(given, (before, after, certainty, certainty))
    [still] = run(given, (before, before, certainty, certainty))
    # Five waves count for nine at most each, and their guess for three of eight.
    ratio = rows[0, 6] / still[0, 6]
    assert 1 < ratio < 0.8 / 0.2 * (3 + 9 * 5) / 3


def test_certainties_of_one_are_no_error():
    labels, certainty = half_plane(0), np.ones(SHAPE)
    given = BoundaryVelocity(2, period=2.0, has_certainty=True)
    [rows] = run(given, (labels, half_plane(3), certainty, certainty))
    np.testing.assert_array_equal(rows[:, [3, 6]], 0)


def test_a_window_makes_errors_smaller():
    labels, certainty = half_plane(0.5), np.full(SHAPE, 0.97)
    channels = labels, labels, certainty, certainty
    given = BoundaryVelocity(2, period=6.0, has_certainty=True)
    [alone] = run(given, channels)
    [smooth] = run(replace(given, smoothing=12.0), channels)
    middle = len(smooth) // 2
    ratio = smooth[middle, 3] / alone[middle, 3]
    # Eighteen pixels are alike, of 2 sqrt(pi) 12 or the length of the line.
    assert ratio == pytest.approx(18 / (18 + 2 * np.sqrt(np.pi) * 12), rel=0.1)


def test_without_a_period_certainties_do_not_count():
    rng = np.random.default_rng(4)
    before, after, certainty = noisy(rng), noisy(rng), np.full((400, 60), 0.9)
    given = BoundaryVelocity(2, has_certainty=True)
    [rows] = run(given, (before, after, certainty, certainty))
    np.testing.assert_array_equal(rows, found(before, after))


# Maps


def test_a_map_has_the_points_at_their_pixels():
    rows = found(half_plane(0), half_plane(4))
    values = boundary_map(rows, SHAPE)
    assert values.dtype == np.float32
    known = np.isfinite(values[..., 0])
    np.testing.assert_array_equal(np.flatnonzero(known.any(axis=0)), [56, 57])
    assert known[:, 56:58].all()
    np.testing.assert_allclose(values[known][:, 0], 4, atol=0.05)
