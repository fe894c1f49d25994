# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import PowerSpectrum
from hyperspy_symseg.frames import Grid


def reference(frame, window, log, grid, mask=None):
    """One window after another, by a Fourier sum in float64."""
    frame = np.array(frame, dtype=np.float64)
    if mask is not None:
        frame[mask] = np.nan
    (py, px), (rows, columns) = window, (2 * window[0] + 1, 2 * window[1] + 1)
    padded = np.pad(frame, ((py, py), (px, px)), constant_values=np.nan)
    hann = [
        0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / (n - 1)) for n in (rows, columns)
    ]
    taper = np.sqrt(np.outer(*hann))
    ky, kx = np.arange(-py, py + 1), np.arange(px + 1)
    along_y = np.exp(-2j * np.pi * np.outer(ky, np.arange(rows)) / rows)
    along_x = np.exp(-2j * np.pi * np.outer(np.arange(columns), kx) / columns)
    result = np.full((*grid.shape, len(ky), len(kx)), np.nan)
    for i, y in enumerate(grid.rows):
        for j, x in enumerate(grid.columns):
            part = padded[y : y + rows, x : x + columns]
            valid = np.isfinite(part)
            if valid.sum() < part.size / 8:
                continue
            centred = np.where(valid, part - part[valid].mean(), 0)
            deviation = part[valid].std()
            mean_square = (part[valid] ** 2).mean()
            if deviation**2 <= 1e-10 * mean_square:
                result[i, j] = 0
                continue
            spectrum = along_y @ (taper * centred / deviation) @ along_x
            power = np.abs(spectrum) ** 2 / (taper**2 * valid).sum()
            result[i, j] = np.log1p(power) if log else power
    return result.reshape(*grid.shape, -1)


def assert_agrees(frame, descriptor, stride, mask=None):
    grid = Grid.over(frame.shape, stride)
    power = descriptor.compute(frame, grid, mask)
    expected = reference(frame, descriptor.window, descriptor.log, grid, mask)
    np.testing.assert_allclose(power, expected, rtol=1e-4, atol=1e-4)
    return power


FRAME = np.random.default_rng(0).normal(size=(23, 31))


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8", ">u2", "i4"])
@pytest.mark.parametrize("log", [True, False])
def test_power_of_a_frame(dtype, log):
    frame = (FRAME * 100 + 1000).astype(dtype)
    assert_agrees(frame, PowerSpectrum(window=(4, 6), log=log), 3)


@pytest.mark.parametrize("stride", [1, 2, 5, (7, 3)])
def test_power_of_a_masked_frame(stride):
    mask = np.random.default_rng(1).random(FRAME.shape) < 0.1
    mask[:, :12] = True
    power = assert_agrees(FRAME, PowerSpectrum(window=(4, 6)), stride, mask)
    assert np.isnan(power).any()
    assert np.isfinite(power).any()


def test_pixels_that_are_not_finite_are_as_if_masked():
    mask = np.zeros(FRAME.shape, bool)
    mask[9, 11:13] = True
    with_nan = FRAME.copy()
    with_nan[9, 11], with_nan[9, 12] = np.nan, np.inf
    descriptor, grid = PowerSpectrum(window=5), Grid.over(FRAME.shape, 2)
    np.testing.assert_array_equal(
        descriptor.compute(with_nan, grid), descriptor.compute(FRAME, grid, mask)
    )


@settings(max_examples=30, deadline=None)
@given(
    window=st.sampled_from([(1, 1), (2, 2), (1, 5)]),
    share=st.sampled_from([0.3, 0.6, 0.9]),
    seed=st.integers(0, 99),
)
def test_masks_of_small_windows_give_no_warnings(window, share, seed):
    rng = np.random.default_rng(seed)
    frame, mask = rng.normal(size=(20, 22)), rng.random((20, 22)) < share
    power = PowerSpectrum(window).compute(frame, Grid.over((20, 22), 1), mask)
    assert not np.isinf(power).any()


@settings(max_examples=20, deadline=None)
@given(
    gain=st.sampled_from([1e-6, -2.0, 1e9]),
    offset=st.sampled_from([0, -5.0, 1e3]),
    seed=st.integers(0, 99),
)
def test_gain_and_offset_do_not_matter(gain, offset, seed):
    frame = np.random.default_rng(seed).normal(size=(21, 25))
    descriptor, grid = PowerSpectrum(window=4), Grid.over(frame.shape, 4)
    np.testing.assert_allclose(
        descriptor.compute(gain * (frame + offset), grid),
        descriptor.compute(frame, grid),
        atol=1e-4,
    )


def test_white_noise_has_a_mean_power_of_one():
    frame = np.random.default_rng(0).normal(size=(150, 160))
    descriptor = PowerSpectrum(window=10, log=False)
    power = descriptor.compute(frame, Grid((20, 20), (5, 5), (20, 20)))
    assert power.mean() == pytest.approx(1, abs=0.03)


def test_window_without_contrast_has_no_power():
    frame = FRAME.copy()
    frame[4:19, 5:28] = 3.3
    pixel = Grid((11, 15), (1, 1), (1, 1))
    assert (PowerSpectrum(window=5).compute(frame, pixel) == 0).all()


def test_operations_are_frequencies_of_one_half_plane():
    descriptor = PowerSpectrum(window=(1, 2))
    assert descriptor.operations.shape == (9, 2)
    np.testing.assert_allclose(descriptor.operations[0], [-1 / 3, 0])
    np.testing.assert_allclose(descriptor.operations[-1], [1 / 3, 2 / 5])


def test_opposite_frequencies():
    # (ky, 0) and (-ky, 0); the others have theirs in the other half-plane.
    opposites = PowerSpectrum(window=1).opposites
    assert opposites.tolist() == [4, 1, 2, 3, 0, 5]


def test_subset_has_the_same_power():
    descriptor, grid = PowerSpectrum(window=4), Grid.over(FRAME.shape, 5)
    subset = descriptor.subset([3, 17, 40])
    np.testing.assert_array_equal(
        subset.compute(FRAME, grid), descriptor.compute(FRAME, grid)[..., [3, 17, 40]]
    )


@pytest.mark.parametrize("frequency", [(0, 3), (0, 0), (-4, 0)])
def test_one_frequency_alone_has_the_same_power(frequency):
    grid, every = Grid.over(FRAME.shape, 5), PowerSpectrum(window=4)
    [index] = np.flatnonzero((np.rint(every.operations * 9) == frequency).all(axis=1))
    power = PowerSpectrum(window=4, frequencies=[frequency]).compute(FRAME, grid)
    expected = every.compute(FRAME, grid)[..., [index]]
    np.testing.assert_allclose(power, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"window": 0}, ValueError, "^window must be an int of at least 1,.* got 0"),
        ({"window": 2.5}, TypeError, "^window must be an int of at least 1"),
        ({"log": 1}, TypeError, "^log must be True or False, got 1"),
        ({"frequencies": []}, ValueError, "^frequencies must be a sequence"),
        ({"frequencies": [(0, 0.5)]}, TypeError, "^frequencies must be pairs"),
        ({"frequencies": [(0, 1, 2)]}, TypeError, "^frequencies must be pairs"),
        ({"frequencies": [(0, -1)]}, ValueError, "^frequencies must have ky"),
        ({"frequencies": [(22, 0)]}, ValueError, "^frequencies must have ky"),
        (
            {"frequencies": [(1, 1), (1, 1)]},
            ValueError,
            "^frequencies must .* different",
        ),
    ],
)
def test_parameters_that_are_not_allowed(parameters, error, message):
    with pytest.raises(error, match=message):
        PowerSpectrum(**parameters)


def test_window_larger_than_half_the_frame():
    with pytest.raises(ValueError, match=r"^window must be at most \(4, 14\) .*\(5, 5"):
        PowerSpectrum(window=5).check_frame((10, 30))


def test_of_a_large_window_the_lowest_frequencies_count():
    few, every = (PowerSpectrum(window=(6, 9), max_operations=n) for n in (30, 1000))
    # As far along both axes: up to 2 of 6 and 4 of 9 periods, 5 x 5; then 7 x 6.
    ky, kx = np.meshgrid(range(-2, 3), range(5), indexing="ij")
    expected = np.stack([ky / 13, kx / 19], axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(few.operations, expected)
    grid = Grid.over(FRAME.shape, 5)
    own = [
        np.flatnonzero((every.operations == operation).all(axis=1)).item()
        for operation in few.operations
    ]
    np.testing.assert_array_equal(
        few.compute(FRAME, grid), every.compute(FRAME, grid)[..., own]
    )
    assert [axis.values.size for axis in few.operation_axes] == [5, 5]


def test_the_default_window_has_all_frequencies():
    assert len(PowerSpectrum().operations) == 43 * 22


@pytest.mark.parametrize("n", [1, 5])
def test_too_few_operations(n):
    with pytest.raises(ValueError, match="^max_operations must be at least 6"):
        PowerSpectrum(window=10, max_operations=n)
