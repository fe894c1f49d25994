# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import stats

from hyperspy_symseg.lattice.spectrum import (
    LONGEST,
    SMALLEST,
    Spectrum,
    crops,
    find_reflections,
    noise_threshold,
    power_spectrum,
)
from hyperspy_symseg.simulate import Amorphous, Lattice, micrograph


def noise(shape, counts=5, seed=0):
    return np.random.default_rng(seed).poisson(counts, shape)


def spectrum_of(*frames):
    return power_spectrum((frame, None) for frame in frames)


def wave(shape, gy, gx):
    y, x = np.indices(shape)
    return np.cos(2 * np.pi * (gy * y + gx * x))


@pytest.mark.parametrize("shape", [(128, 128), (101, 240), (300, 64)])
def test_noise_is_exponential_about_the_floor(shape):
    spectrum = spectrum_of(noise(shape))
    inner = spectrum.power[:, 5:-5]
    assert inner.mean() == pytest.approx(1, rel=0.03)
    assert np.median(inner) == pytest.approx(np.log(2), rel=0.05)
    used = spectrum.radii > spectrum.band[0]
    np.testing.assert_allclose(spectrum.floor[used], 1, atol=0.35)


def test_floor_follows_the_power_of_the_noise():
    from scipy.ndimage import gaussian_filter

    frame = gaussian_filter(np.random.default_rng(0).normal(size=(512, 512)), 2)
    spectrum = spectrum_of(frame)
    # Of a Gaussian, exp(-2 pi^2 sigma^2 g^2), the square.
    expected = np.exp(-4 * np.pi**2 * 4 * (0.15**2 - 0.05**2))
    near, far = spectrum.floor_at(np.array([0.05, 0.15]))
    assert far / near == pytest.approx(expected, rel=0.3)


def test_threshold_is_that_of_one_false_alarm_in_a_thousand():
    power = np.ones((100, 51), np.float32)
    band = 0.1, np.sqrt(0.01 + 0.2 / np.pi)
    spectrum = Spectrum(power, (100, 100), np.ones(1), np.ones(1), band, 1)
    # Half a ring of 0.2 / pi pi: 1000 of the 100 x 100 bins.
    assert spectrum.threshold == pytest.approx(np.log(1000 * 1000))


@pytest.mark.parametrize("count", [1, 3])
def test_noise_exceeds_the_threshold_with_the_chance(count):
    # A sum of `count` means of 2.5 exponentially distributed numbers.
    distribution = stats.gamma(2.5 * count, scale=1 / 2.5)
    threshold = noise_threshold(2.5, 10, count)
    assert distribution.sf(threshold) == pytest.approx(1e-3 / 10)


@pytest.mark.parametrize("shape", [(256, 256), (200, 313)])
def test_frequency_within_a_fiftieth_of_a_bin(shape):
    gy, gx = -0.0613, 0.0927
    found = find_reflections(spectrum_of(wave(shape, gy, gx)))
    error = found.frequencies[0] - (gy, gx)
    assert (abs(error) * shape < 0.05).all()


def test_power_of_a_wave_is_its_share_of_the_variance():
    # The variance of the wave is 1/2, that of the noise 2.
    frame = wave((256, 256), 0.1, 0.05)
    frame += np.random.default_rng(0).normal(0, np.sqrt(2), frame.shape)
    found = find_reflections(spectrum_of(frame))
    assert found.powers == pytest.approx([0.2], rel=0.05)


def test_strongest_is_first():
    weak, strong = wave((128, 128), 0.1, 0), 2 * wave((128, 128), 0.0, 0.2)
    found = find_reflections(spectrum_of(weak + strong + noise((128, 128)) / 3))
    np.testing.assert_allclose(abs(found.frequencies), [[0, 0.2], [0.1, 0]], atol=1e-3)


def test_side_lobes_are_near_what_they_are_of():
    frame = wave((256, 256), 0.05, 0) + 0.02 * wave((256, 256), 0.0, 0.2)
    frame += 0.01 * np.random.default_rng(0).normal(size=frame.shape)
    found = find_reflections(spectrum_of(frame)).frequencies
    np.testing.assert_allclose(abs(found), [[0.05, 0], [0, 0.2]], atol=1e-3)


def test_waves_along_the_axes_are_found_once():
    y, x = wave((128, 128), 0.1, 0), wave((128, 128), 0, 0.1)
    assert len(find_reflections(spectrum_of(y + x + noise((128, 128)))).powers) == 2


@pytest.mark.parametrize(
    ("shape", "counts"), [((64, 64), 0.3), ((40, 200), 0.3), ((128, 128), 30)]
)
def test_nothing_in_noise(shape, counts):
    found = [
        len(find_reflections(spectrum_of(noise(shape, counts, seed))).powers)
        for seed in range(50)
    ]
    assert not any(found)


def test_nothing_in_amorphous_material():
    structure = Amorphous.like(Lattice.square(12))
    frame = micrograph(structure, (256, 256), dose=30, seed=1)[0].data
    assert not len(find_reflections(spectrum_of(frame)).powers)


@pytest.mark.parametrize("shape", [(256, 1), (1, 256)])
def test_nothing_in_lines_of_a_scan(shape):
    lines = np.random.default_rng(1).normal(0, 5, shape)
    frame = noise((256, 256)) + lines
    assert not len(find_reflections(spectrum_of(frame)).powers)


def test_nothing_at_an_edge():
    y, x = np.indices((256, 256))
    edge = 1 / (1 + np.exp(-np.clip(y + 0.4 * x - 150, -50, 50)))
    frame = np.random.default_rng(0).poisson(3 + 50 * edge)
    assert not len(find_reflections(spectrum_of(frame)).powers)


def test_outliers_do_not_matter():
    frame = noise((128, 128)) + 3 * wave((128, 128), 0.1, 0.05)
    expected = find_reflections(spectrum_of(frame)).frequencies
    frame[40, 50] = 1e6
    found = find_reflections(spectrum_of(frame)).frequencies
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_mean_of_frames_has_less_noise():
    spectrum = spectrum_of(*(noise((128, 128), 0.3, seed) for seed in range(8)))
    assert 5 < spectrum.n_independent <= 8
    assert spectrum.power[:, 5:-5].std() == pytest.approx(8**-0.5, rel=0.1)


def test_a_wave_that_one_frame_hides_is_in_the_mean():
    counts = 0.3 * (1 + 0.14 * wave((128, 128), 0.1, 0.05))
    frames = np.random.default_rng(0).poisson(counts, (16, 128, 128))
    assert not len(find_reflections(spectrum_of(frames[0])).powers)
    found = find_reflections(spectrum_of(*frames)).frequencies
    np.testing.assert_allclose(found, [[0.1, 0.05]], atol=2e-3)


def test_speckle_that_frames_share_is_no_noise_to_average():
    structure = Amorphous.like(Lattice.square(12))
    clean = micrograph(structure, (256, 256), dose=None, seed=1)[0].data
    frames = np.random.default_rng(0).poisson(30 * clean, (8, 256, 256))
    spectrum = spectrum_of(*frames)
    assert spectrum.n_independent < 1.5
    assert not len(find_reflections(spectrum).powers)


def test_same_frame_twice_has_the_spectrum_of_one():
    frame = noise((64, 64))
    one, two = spectrum_of(frame), spectrum_of(frame, frame)
    np.testing.assert_allclose(two.power, one.power, rtol=1e-6)


def test_crops_of_a_large_frame_are_inside_and_apart():
    found = crops((5000, 1500))
    assert found == [
        (slice(738, 1762), slice(238, 1262)),
        (slice(3238, 4262), slice(238, 1262)),
    ]


def test_small_frames_are_taken_whole():
    assert crops((1024, 100)) == [(slice(0, 1024), slice(0, 100))]


def test_spectrum_of_a_large_frame_is_that_of_its_crops():
    spectrum = spectrum_of(noise((1100, 40)))
    assert spectrum.shape == (1024, 40)


def test_frames_too_small():
    assert spectrum_of(noise((SMALLEST - 1, 100))) is None


def test_band_ends_at_a_quarter_of_the_shorter_side():
    assert spectrum_of(noise((100, 60))).band == (1 / (60 * LONGEST), 1 / 3)


@pytest.mark.parametrize("value", [0, 7, 1e6, np.nan])
def test_constant_frame(value):
    assert spectrum_of(np.full((30, 40), value)) is None


def test_power_beyond_the_half_plane_is_its_mirror_image():
    spectrum = spectrum_of(noise((40, 50)))
    rows, columns = np.array([3, -3, 7]), np.array([5, -5, 0])
    found = spectrum.power_at(rows, columns)
    assert found[0] == found[1]
    # Along kx = 0 both are computed.
    mirrored = spectrum.power_at(np.array([-7]), np.array([50]))[0]
    assert found[2] == pytest.approx(mirrored, rel=1e-5)
