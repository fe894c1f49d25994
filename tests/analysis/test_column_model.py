# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.analysis.column_model import (
    Canvas,
    Columns,
    Evidence,
    Noise,
    scan_variance,
)
from hyperspy_symseg.analysis.column_statistics import (
    Deviations,
    inverses,
    near_by,
    posterior,
    scatter_of,
    scatters_of_kinds,
    shares_near_by,
    variances_near_by,
)

SHAPE = 40, 53
POSITIONS = np.array([[12.3, 20.8], [16.1, 25.6], [-2.0, 9.0], [39.2, 52.7]])
AMPLITUDES = np.array([7.0, 3.0, 5.0, 4.0])
WIDTHS = np.array([2.0, 1.5, 2.5, 2.0])
COLUMNS = Columns(POSITIONS, AMPLITUDES, WIDTHS)


def gaussian(position, width):
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    dy, dx = y - position[0], x - position[1]
    shape = np.exp(-(dy**2 + dx**2) / (2 * width**2))
    return np.where(np.maximum(abs(dy), abs(dx)) <= 3 * width, shape, 0)


def test_inverses_of_symmetric_matrices():
    halves = np.random.default_rng(0).normal(size=(7, 3, 4))
    # As information has them: of an amplitude and of places.
    units = np.array([1e-3, 1.0, 50.0])
    matrices = units[:, np.newaxis] * (halves @ np.swapaxes(halves, 1, 2)) * units
    np.testing.assert_allclose(inverses(matrices), np.linalg.inv(matrices), rtol=1e-8)


@pytest.fixture(scope="module")
def canvas():
    rng = np.random.default_rng(0)
    valid = rng.uniform(size=SHAPE) > 0.1
    return Canvas(rng.poisson(5, SHAPE).astype(float), valid, 9.0)


def test_columns_as_they_are_drawn(canvas):
    expected = sum(
        a * gaussian(q, w)
        for q, a, w in zip(POSITIONS, AMPLITUDES, WIDTHS, strict=True)
    )
    np.testing.assert_allclose(canvas.drawn(COLUMNS, AMPLITUDES), expected, atol=1e-12)


@pytest.mark.parametrize("far", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_what_is_nowhere_near_is_not_drawn(canvas, far):
    positions = np.array([[far, 9.0], [9.0, far], [12.3, 20.8]])
    columns = Columns(positions, AMPLITUDES[:3], np.full(3, 2.0))
    expected = gaussian(positions[2], 2.0)
    np.testing.assert_allclose(canvas.drawn(columns, np.ones(3)), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [1e-300, 1e-200, 1e200, 1e300])
def test_units_of_any_frame(factor):
    values = np.random.default_rng(0).normal(5, 2, SHAPE)
    usual, scaled = (
        Canvas.scaled(each, np.ones(SHAPE, bool), 9.0)
        for each in (values, values * factor)
    )
    np.testing.assert_allclose(scaled.values, usual.values, atol=1e-9)
    np.testing.assert_allclose(scaled.unit, usual.unit * factor)


def log_likelihood(canvas, expected, noise):
    """Of Gaussian pixels whose variance is given."""
    rest = (canvas.values - expected) ** 2 * canvas.valid
    return -0.5 * rest.sum() / noise.constant


def test_evidence_is_the_change_of_the_likelihood(canvas):
    noise, zero = Noise(4.0, 0.0, 0.1), np.zeros(4)
    expected = 2 + canvas.drawn(COLUMNS, AMPLITUDES)
    found = Evidence.of(canvas, COLUMNS, expected, zero, noise)
    step = 1e-4
    for n in range(4):
        for i in range(3):
            values = []
            for sign in (-1, 1):
                positions, amplitudes = POSITIONS.copy(), AMPLITUDES.copy()
                if i:
                    positions[n, i - 1] += sign * step
                else:
                    amplitudes[n] += sign * step
                moved = COLUMNS._replace(positions=positions)
                model = 2 + canvas.drawn(moved, amplitudes)
                values.append(log_likelihood(canvas, model, noise))
            slope = (values[1] - values[0]) / (2 * step)
            # Pixels at the edge of the square come and go.
            assert found.gradients[n, i] == pytest.approx(slope, rel=0.02, abs=0.05)
        without = expected - AMPLITUDES[n] * gaussian(POSITIONS[n], WIDTHS[n])
        gain = log_likelihood(canvas, expected, noise)
        gain -= log_likelihood(canvas, without, noise)
        assert found.gains[n] == pytest.approx(gain)


def test_information_by_hand(canvas):
    noise = Noise(0.0, 1.0, 1e-9)
    expected = np.full(SHAPE, 2.0)
    found = Evidence.of(canvas, COLUMNS, expected, AMPLITUDES, noise)
    for n, (q, a, w) in enumerate(zip(POSITIONS, AMPLITUDES, WIDTHS, strict=True)):
        g = gaussian(q, w)
        y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
        slopes = [g, a * g * (y - q[0]) / w**2, a * g * (x - q[1]) / w**2]
        weights = canvas.valid / (2 + a * g)
        matrix = [[(weights * s * t).sum() for t in slopes] for s in slopes]
        np.testing.assert_allclose(found.information[n], matrix, atol=1e-12)
        share = (canvas.valid * g**2).sum() / (np.pi * w**2)
        assert found.seen[n] == pytest.approx(share)


def test_gain_of_counts_is_that_of_poisson():
    values = np.full(SHAPE, 1.0)
    canvas = Canvas(values, np.ones(SHAPE, bool), 9.0)
    one = Columns(np.array([[20.0, 26.0]]), np.array([0.3]), np.array([2.0]))
    noise = Noise(0.0, 1.0, 1e-9)
    expected = np.full(SHAPE, 0.2)
    found = Evidence.of(canvas, one, expected, one.amplitudes, noise)
    more = 0.3 * gaussian(one.positions[0], 2.0)
    exact = (values * np.log((0.2 + more) / 0.2) - more).sum()
    assert found.gains[0] == pytest.approx(exact, rel=0.02)


def test_noise_of_counts(canvas):
    rng = np.random.default_rng(1)
    expected = np.broadcast_to(np.linspace(1, 30, 400), (300, 400)).copy()
    counts = Canvas(
        3.0 * rng.poisson(expected) + 50, np.ones(expected.shape, bool), 9.0
    )
    model = 3.0 * expected + 50
    noise = counts.noise(model, np.zeros_like(model))
    # Of a gain of 3, the variance is three times what is above the offset.
    assert noise.slope == pytest.approx(3, rel=0.05)
    assert noise.constant == pytest.approx(-150, rel=0.1)


def test_background_and_contrast():
    shape = 120, 131
    y, x = np.mgrid[: shape[0], : shape[1]]
    level = 5 + 0.02 * y
    comb = 1 + np.cos(2 * np.pi * y / 10) * np.cos(2 * np.pi * x / 10)
    canvas = Canvas(level + 4.0 * comb, np.ones(shape, bool), 10.0)
    background, contrasts, contrast = canvas.background(comb, None)
    np.testing.assert_allclose(
        background[20:-20, 20:-20], level[20:-20, 20:-20], atol=0.2
    )
    assert contrast == pytest.approx(4, rel=0.02)
    np.testing.assert_allclose(contrasts[6:-6, 6:-6], 4, rtol=0.05)


@pytest.mark.parametrize(("blur", "most"), [(0.0, 1.05), (1.0, 20.0)])
def test_overdispersion(blur, most):
    noise = np.random.default_rng(2).normal(size=(300, 320))
    canvas = Canvas(noise, np.ones(noise.shape, bool), 9.0)
    if blur:
        noise = ndimage.gaussian_filter(noise, blur)
        noise /= noise.std()
    found = canvas.overdispersion(noise, 2.0)
    if not blur:
        assert 1 <= found < most
        return
    # The variance of what a column's filter has, over that of white noise.
    filtered = ndimage.gaussian_filter(noise, 2.0)
    assert found == pytest.approx(filtered.var() * 4 * np.pi * 4, rel=0.25)


def test_what_the_others_tell_is_linear_and_without_oneself():
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 200, (300, 2))
    moves = places @ np.array([[0.01, -0.02], [0.005, 0.01]])
    found = near_by(places, moves, np.full(300, 1e4), 12, 2.5)
    np.testing.assert_allclose(found, moves, atol=0.02)
    moves[7] += 5
    again = near_by(places, moves, np.full(300, 1e4), 12, 2.5)
    np.testing.assert_allclose(again[7], found[7], atol=1e-6)


def test_what_the_others_tell_has_the_variance_that_it_has():
    """Away from the edges, of many draws of the noise."""
    rng = np.random.default_rng(4)
    places = rng.uniform(0, 240, (500, 2))
    weights = np.full(500, 1 / 0.3**2)
    how = places, weights, 12, 2.5
    found = np.sqrt(variances_near_by(*how))
    draws = [near_by(places, rng.normal(0, 0.3, (500, 2)), *how[1:]) for _ in range(60)]
    inside = ((places > 40) & (places < 200)).all(axis=1)
    true = np.std(draws, axis=(0, 2))
    np.testing.assert_allclose(found[inside].mean(), true[inside].mean(), rtol=0.07)


ONES = np.ones(5)
HARDLY_SEEN = Deviations(ONES, 100 * ONES, ONES), 0.3, (0.03, 3.0)


def test_a_scatter_that_is_not_seen_is_the_usual_one():
    assert 0.15 < scatter_of(*HARDLY_SEEN) < 0.9


def test_a_scatter_that_is_much_more_than_usual_is_found_in_much_noise():
    found = []
    for seed in range(24):
        squared = np.random.default_rng(seed).normal(0, np.hypot(0.75, 1.15), 600) ** 2
        deviations = Deviations(squared, np.full(600, 1.15**2), np.ones(600))
        found.append(scatter_of(deviations, 0.25, (0.04, 1.5)))
    # What is usual takes some of it; if far ones counted less, it would take more.
    assert 0.67 < np.mean(found) < 0.75


def test_steps_of_a_column_are_seen_as_far_as_it_reaches():
    steps = np.random.default_rng(0).normal(0, 0.8, (200_000, 2))
    # The product of a column with one that is so far away, over that with itself.
    seen = steps[:, 0] * np.exp(-(steps**2).sum(axis=1) / (4 * 1.7**2))
    faint = Deviations(np.ones(1), np.full(1, 1e9), np.ones(1), 1.7)
    np.testing.assert_allclose(faint.seen(np.array([0.8])), (seen**2).mean(), rtol=0.01)


def test_steps_of_a_column_are_seen_in_full_without_noise():
    sharp = Deviations(np.ones(1), np.full(1, 1e-9), np.ones(1), 1.7)
    np.testing.assert_allclose(sharp.seen(np.array([0.8])), 0.64, rtol=1e-6)


BOUNDS = 0.003, 0.12


def deviations_of(scatter, n, noise, seed=5):
    """Deviations of columns of a kind that scatter, and are seen with noise."""
    squared = np.random.default_rng(seed).normal(0, np.hypot(scatter, noise), n) ** 2
    return Deviations(squared, np.full(n, noise**2), np.ones(n))


def test_a_kind_without_others_scatters_as_is_usual_if_it_is_not_seen():
    [found] = scatters_of_kinds([deviations_of(0.02, 20, 5.0)], 0.02, BOUNDS)
    assert 0.018 < found < 0.04


def test_a_kind_that_is_not_seen_scatters_as_the_others_do():
    seen, faint = deviations_of(0.06, 800, 0.01), deviations_of(0.06, 20, 5.0)
    _, alone = scatters_of_kinds([seen, faint], 0.02, BOUNDS)
    assert 0.045 < alone < 0.07


def test_kinds_that_are_seen_have_scatters_of_their_own():
    kinds = [deviations_of(scatter, 2000, 0.005) for scatter in (0.01, 0.05)]
    found = scatters_of_kinds(kinds, 0.02, BOUNDS)
    np.testing.assert_allclose(found, [0.01, 0.05], rtol=0.1)


def test_kinds_that_are_hardly_seen_tell_more_together():
    """One alone is thought to scatter as is usual, or as noise has it, in half."""
    kinds = [deviations_of(0.06, 400, 0.12, seed) for seed in range(12)]
    alone = np.array([scatters_of_kinds([each], 0.02, BOUNDS)[0] for each in kinds])
    together = np.concatenate(
        [scatters_of_kinds(kinds[i : i + 3], 0.02, BOUNDS) for i in range(0, 12, 3)]
    )
    off = [np.mean((found - 0.06) ** 2) for found in (alone, together)]
    assert off[1] < 0.7 * off[0]


def test_columns_that_are_improbable_tell_others_nothing():
    far = deviations_of(0.1, 400, 0.01)
    none = far._replace(weights=np.zeros(400))
    found = scatters_of_kinds([none, deviations_of(0.03, 2000, 0.005)], 0.02, BOUNDS)
    np.testing.assert_allclose(found, [0.03, 0.03], rtol=0.15)


def test_each_counts_among_those_near_by_by_its_weight():
    places = np.array([[5.0, 5], [5, 6], [6, 5], [400, 400]])
    found = shares_near_by(places, np.array([1.0, 1, 2, 3]), 12, 2.0)
    np.testing.assert_allclose(found, [0.25, 0.25, 0.5, 1.0], rtol=1e-6)


def test_vacancies_of_a_frame_are_as_rare_as_they_are():
    neighbours = np.array([[(i - 1) % 400, (i + 1) % 400] for i in range(400)])
    gains = np.full(400, 8.0)
    gains[::10] = -8
    sure = np.full(400, 0.97)
    for _ in range(3):
        sure = posterior(gains, sure, neighbours)
    gains[5] = 0
    assert posterior(gains, sure, neighbours)[5] == pytest.approx(0.93, abs=0.05)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_rows_that_the_scan_has_displaced(shift):
    rng = np.random.default_rng(4)
    x, shifts = np.arange(200), rng.normal(0, shift, (160, 1))
    model = np.broadcast_to(20 + 10 * np.cos(2 * np.pi * x / 12), (160, 200)).copy()
    frame = rng.poisson(20 + 10 * np.cos(2 * np.pi * (x - shifts) / 12))
    variance, rest = scan_variance(frame - model, model, Noise(0.0, 1.0, 1e-9))
    assert variance == pytest.approx(shift**2, rel=0.3)
    if shift:
        assert rest.std() < (frame - model).std()


def test_displaced_rows_tell_less_of_x_and_as_much_of_y(canvas):
    noise, zero = Noise(4.0, 0.0, 0.1), np.zeros(4)
    expected = 2 + canvas.drawn(COLUMNS, AMPLITUDES)
    found = Evidence.of(canvas, COLUMNS, expected, zero, noise)
    other = found.displaced(0.25, WIDTHS)
    before, after = (1 / each.information[:, 2, 2] for each in (found, other))
    np.testing.assert_allclose(after, before + 0.25 * 0.39894 / WIDTHS, rtol=1e-4)
    inner = (slice(None), slice(2), slice(2))
    np.testing.assert_array_equal(other.information[inner], found.information[inner])


def test_sites_that_the_pixels_deny_are_empty():
    # Thirty columns among four hundred sites: the pixels tell little of each.
    gains = np.where(np.arange(400) < 30, 5.0, -1.0)
    steps = np.array([-3, -2, -1, 1, 2, 3])
    neighbours = (np.arange(400)[:, np.newaxis] + steps) % 400
    probabilities = np.full(400, 0.97)
    for _ in range(4):
        probabilities = posterior(gains, probabilities, neighbours)
    assert probabilities[:27].min() > 0.9
    assert probabilities[40:-10].max() < 0.1


def test_noise_of_other_residuals(canvas):
    model = canvas.values.copy()
    none = np.zeros_like(model)
    rest = 3 * np.random.default_rng(4).normal(size=model.shape)
    noise = canvas.noise(model, none, rest)
    assert noise.variance(model).mean() == pytest.approx(9, rel=0.1)
