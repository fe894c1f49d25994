# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import ndimage

from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.lattice.windows import find_in_windows, windows
from hyperspy_symseg.simulate import Amorphous, Lattice, micrograph


def film(shape, seed=0):
    """Amorphous film of 1, with 10 % of variation."""
    noise = np.random.default_rng((seed, 1)).normal(size=shape)
    noise = ndimage.gaussian_filter(noise, 2.5)
    return 1 + 0.1 * noise / noise.std()


def particle(shape, centre, radius, contrast, seed=0, dose=30):
    """Square lattice of 11 px in a circle on a film."""
    y, x = np.indices(shape)
    waves = sum(
        np.cos(2 * np.pi / 11 * (y * np.sin(angle) + x * np.cos(angle)))
        for angle in np.deg2rad([20, 110])
    )
    inside = np.hypot(y - centre[0], x - centre[1]) < radius
    counts = dose * (film(shape, seed) + contrast * waves * inside)
    return np.random.default_rng(seed).poisson(counts), inside


@pytest.mark.parametrize("seed", range(3))
def test_period_of_a_twentieth_of_the_frame(seed):
    frame, inside = particle((384, 400), (130, 250), 50, 0.1, seed)
    assert inside.mean() == pytest.approx(0.05, abs=0.002)
    assert find_periods(frame).period == pytest.approx(11, rel=0.03)


def test_spectrum_is_that_of_the_window():
    frame, _ = particle((384, 400), (130, 250), 50, 0.1)
    periods = find_periods(frame)
    assert periods.spectrum.shape in {(96, 96), (192, 192)}


def test_particle_of_one_frame_of_two():
    frame, _ = particle((384, 400), (130, 250), 50, 0.1)
    empty = particle((384, 400), (130, 250), 50, 0, seed=5)[0]
    periods = find_periods([empty, frame])
    assert periods.period == pytest.approx(11, rel=0.03)


def test_particle_that_only_several_noisy_frames_show():
    frames = [
        particle((384, 400), (130, 250), 50, 0.2, seed, dose=0.5)[0]
        for seed in range(8)
    ]
    assert find_periods(frames[0]).period is None
    assert find_periods(frames).period == pytest.approx(11, rel=0.03)


def test_period_of_grains_with_all_around_them_masked():
    # Domes, whose thickness changes by far more than the lattice.
    y, x = np.indices((384, 400))
    thickness, counts = np.zeros((2, 384, 400))
    for centre, degrees in (((95, 100), 10), ((100, 300), 45), ((285, 200), 80)):
        height = 1 - ((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / 95**2
        dome = np.sqrt(np.clip(height, 0, 1))
        thickness += dome
        waves = sum(
            np.cos(2 * np.pi / 14 * (x * np.cos(angle) + y * np.sin(angle)))
            for angle in np.deg2rad([degrees, degrees + 70])
        )
        counts += 400 * dome * (1 + 0.015 * waves)
    frame = np.random.default_rng(0).poisson(20 + counts)
    found = find_periods(frame, thickness < 0.25)
    assert found.period == pytest.approx(14, rel=0.03)


def test_masked_pixels_do_not_matter():
    frame, _ = particle((384, 400), (130, 250), 50, 0.1)
    mask = np.zeros(frame.shape, bool)
    mask[:, :120] = True
    found = find_periods(np.where(mask, 10000, frame), mask)
    assert found.period == find_periods(np.where(mask, -7, frame), mask).period
    assert found.period == pytest.approx(11, rel=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_in_a_film(seed):
    counts = 30 * film((384, 400), seed)
    frame = np.random.default_rng(seed).poisson(counts)
    assert find_in_windows([(frame, None)]) is None


@pytest.mark.parametrize("seed", range(5))
def test_nothing_in_amorphous_material(seed):
    structure = Amorphous.like(Lattice.square(12))
    frame = micrograph(structure, (300, 320), dose=30, seed=seed)[0].data
    assert find_in_windows([(frame, None)]) is None


def test_fringes_of_one_direction_have_a_period():
    y, x = np.indices((384, 400))
    waves = np.cos(2 * np.pi / 11 * (y * np.sin(0.3) + x * np.cos(0.3)))
    inside = np.hypot(y - 130, x - 250) < 50
    counts = 30 * (film((384, 400)) + 0.12 * waves * inside)
    found = find_periods(np.random.default_rng(0).poisson(counts))
    assert found.period == pytest.approx(11, rel=0.03)


def test_lines_along_an_axis_are_not_enough():
    x = np.indices((384, 400))[1]
    frame = np.random.default_rng(0).poisson(5 + 2 * np.cos(2 * np.pi / 11 * x))
    assert find_in_windows([(frame, None)]) is None


def test_windows_cover_the_frame():
    covered = np.zeros((200, 431), int)
    for window in windows(covered.shape):
        assert covered[window].shape == (100, 100)
        covered[window] += 1
    assert covered.min() == 1


def test_no_windows_in_a_small_frame():
    assert windows((190, 500)) == []
    assert find_in_windows([(np.eye(190), None)]) is None
