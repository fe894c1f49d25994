# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.lattice.cell import reciprocal_cell
from hyperspy_symseg.simulate import Amorphous, Lattice, micrograph
from hyperspy_symseg.templates.crystal import CONTRAST_WIDTH, WIDTHS
from hyperspy_symseg.templates.crystal_learner import CrystalLearner
from hyperspy_symseg.templates.learning import learn
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.pattern import Pattern
from hyperspy_symseg.templates.pattern_spectrum import SpectrumCrops
from hyperspy_symseg.templates.tying import Fitted, misfit_of_cells, tied, with_widths

SHAPE = (126, 189)
PERIOD = 9.0
TURNS = np.deg2rad([5, 41])
# Square lattices of a side of 9 pixels.
CELLS = [np.array([[np.sin(a), np.cos(a)], [np.cos(a), -np.sin(a)]]) / 9 for a in TURNS]
FACTORS = {(0, 1): 0.5, (1, 0): 0.5j, (1, 1): 0.3, (-1, 1): 0.3j, (0, 2): 0.2}
Y, X = np.indices(SHAPE)


def lattice(number=0, displacement=(0, 0)):
    frame = np.zeros(SHAPE)
    for (h, k), factor in FACTORS.items():
        gy, gx = h * CELLS[number][0] + k * CELLS[number][1]
        turns = gy * Y + gx * X - h * displacement[0] - k * displacement[1]
        frame += 2 * (factor * np.exp(2j * np.pi * turns)).real
    return frame


def normalized(frame, noise=0.5, period=PERIOD):
    noise = noise * np.random.default_rng(0).normal(size=frame.shape)
    return NormalizedFrame(frame + noise, None, period)


def everywhere(frame):
    return np.ones((1, *frame.counts.shape), np.float32)


def free_solution(frame, start=None, period=PERIOD):
    start = everywhere(frame) if start is None else start
    return learn(frame, SpectrumCrops(frame), period, start, 3)


def start_of(second, share=0.9):
    own = np.where(second, share, 1 - share)
    return np.stack([1 - own, own]).astype(np.float32)


def on_the_right(frame, column):
    return np.arange(frame.counts.shape[1]) >= column + 0 * frame.counts


@pytest.fixture(scope="module")
def perfect():
    """Frame of one lattice, and its patterns with free phases, and tied."""
    frame = normalized(lattice())
    free = free_solution(frame)
    return frame, free, tied(frame, free)


@pytest.fixture(scope="module")
def strained():
    """The same lattice bent by 1.8 pixels either way: strains of 4 % and 6 %."""
    bend = 0.2 * np.cos(2 * np.pi * X / 260), 0.2 * np.cos(2 * np.pi * Y / 180)
    frame = normalized(lattice(displacement=bend), 0.3)
    return frame, tied(frame, free_solution(frame))


@pytest.fixture(scope="module")
def half():
    """A lattice on the left, and noise on the right: from column 31 of the blocks."""
    frame = normalized(np.where(X < 93, lattice(), 0), 1.0)
    second = on_the_right(frame, 31)
    free = free_solution(frame, start_of(second))
    return frame, second, tied(frame, free)


def same_lattice(cell, expected, atol=0.005):
    times = cell @ np.linalg.inv(expected)
    return np.allclose(times, np.rint(times), atol=atol) and np.isclose(
        abs(np.linalg.det(np.rint(times))), 1
    )


def test_a_lattice_is_a_crystal(perfect):
    _, free, found = perfect
    assert (free.templates.crystals == -1).all()
    np.testing.assert_array_equal(found.templates.crystals, [0])
    assert isinstance(found.groups[0].learner, CrystalLearner)


def test_its_cell_is_that_of_the_lattice(perfect):
    _, _, found = perfect
    assert same_lattice(found.templates.cells[0], CELLS[0])


def test_tied_phases_explain_more_of_a_lattice(perfect):
    _, free, found = perfect
    assert found.variance < free.variance
    assert found.cost(2.0) < free.cost(2.0)


def test_what_is_left_of_a_lattice_is_the_noise(perfect):
    _, _, found = perfect
    power = 2 * sum(abs(factor) ** 2 for factor in FACTORS.values())
    assert found.variance == pytest.approx(0.25 / (0.25 + power), rel=0.06)


def test_window_of_a_perfect_crystal_is_the_widest(perfect):
    _, _, found = perfect
    np.testing.assert_array_equal(found.templates.widths, [WIDTHS[0]])


def test_window_is_narrow_where_there_are_strain_gradients(strained):
    _, found = strained
    np.testing.assert_array_equal(found.templates.crystals, [0])
    assert found.templates.widths[0] < WIDTHS[1]


def test_a_free_solution_is_left_as_it_was(perfect):
    frame, free, _ = perfect
    again = free_solution(frame)
    assert again.templates == free.templates
    np.testing.assert_array_equal(again.posterior, free.posterior)


def test_noise_stays_free(noise):
    found = tied(noise, free_solution(noise))
    np.testing.assert_array_equal(found.templates.crystals, [-1])
    assert isinstance(found.groups[0].learner, Pattern)
    assert not len(found.templates.cells)


def test_an_amorphous_frame_stays_free():
    frame, _ = micrograph(Amorphous(0.012, 7.0), SHAPE, dose=30, seed=2)
    frame = NormalizedFrame(frame.data, None, PERIOD)
    found = tied(frame, free_solution(frame))
    np.testing.assert_array_equal(found.templates.crystals, [-1])


def test_waves_along_one_axis_stay_free():
    frame = normalized(np.cos(2 * np.pi * (0.02 * Y + 0.11 * X)))
    found = tied(frame, free_solution(frame))
    np.testing.assert_array_equal(found.templates.crystals, [-1])
    assert len(found.templates.reflections) >= 1


def test_phases_that_are_not_tied_stay_free():
    """The reflections of a lattice, each displaced on its own."""
    rng = np.random.default_rng(3)
    frame = np.zeros(SHAPE)
    for (h, k), factor in FACTORS.items():
        gy, gx = h * CELLS[0][0] + k * CELLS[0][1]
        turns = gy * Y + gx * X
        for a, b in ((0, 1), (1, 0), (1, 1), (1, -1)):
            wave = np.sin(2 * np.pi * (a * Y + b * X) / 300 + rng.uniform(0, 6))
            turns = turns + rng.normal(0, 0.2) * wave
        frame += 2 * (factor * np.exp(2j * np.pi * turns)).real
    frame = normalized(frame, 0.3)
    free = free_solution(frame)
    [group] = free.groups
    powers = group.learner.amplitudes**2
    cell = reciprocal_cell(group.learner.reflections, powers, PERIOD)
    assert same_lattice(cell, CELLS[0], 0.05)
    np.testing.assert_array_equal(tied(frame, free).templates.crystals, [-1])


def test_lattice_of_columns_is_a_crystal():
    motif = [(0, 0, 1), (0.4, 0.3, 0.6)]
    lattice = Lattice.oblique(13, 11, 80, 12, motif)
    frame, _ = micrograph(lattice, SHAPE, dose=30, seed=2)
    frame = NormalizedFrame(frame.data, None, PERIOD)
    found = tied(frame, free_solution(frame))
    np.testing.assert_array_equal(found.templates.crystals, [0])
    # Rows of the inverse are reciprocal to columns: a* and b* to a and b.
    expected = np.linalg.inv(np.array(lattice.vectors)).T
    assert same_lattice(found.templates.cells[0], expected, 0.02)


def test_only_patterns_with_a_lattice_are_crystals(half):
    _, second, found = half
    np.testing.assert_array_equal(found.templates.crystals, [0, -1])
    assert ((found.posterior[1] > 0.5) == second).mean() > 0.97


def test_patterns_keep_their_order(half):
    frame, second, found = half
    other = tied(frame, free_solution(frame, start_of(~second)))
    np.testing.assert_array_equal(other.templates.crystals, [-1, 0])
    assert ((other.posterior[0] > 0.5) == second).mean() > 0.97
    assert same_lattice(other.templates.cells[0], found.templates.cells[0])


@pytest.fixture(scope="module")
def two_crystals():
    """Frame of two lattices, which are bent as a whole, and what is found in it."""
    bend = 0.2 * np.cos(2 * np.pi * X / 190), 0.2 * np.cos(2 * np.pi * Y / 180)
    frame = normalized(np.where(X < 99, lattice(0, bend), lattice(1, bend)), 0.3)
    second = on_the_right(frame, 33)
    return frame, tied(frame, free_solution(frame, start_of(second)))


def test_each_lattice_is_a_crystal_of_its_own(two_crystals):
    _, found = two_crystals
    np.testing.assert_array_equal(found.templates.crystals, [0, 1])
    for cell, expected in zip(found.templates.cells, CELLS, strict=True):
        assert same_lattice(cell, expected, 0.06)


def test_all_crystals_have_windows_of_one_width(two_crystals):
    _, found = two_crystals
    widths = found.templates.widths
    assert widths[0] == widths[1] < WIDTHS[0]


def test_frames_are_tied_together():
    frames = [
        normalized(lattice(displacement=displacement))
        for displacement in ((0.1, 0.4), (0.7, 0.2))
    ]
    stack = NormalizedFrame.stacked(frames)
    found = tied(stack, free_solution(stack))
    np.testing.assert_array_equal(found.templates.crystals, [0])
    assert same_lattice(found.templates.cells[0], CELLS[0])
    assert found.posterior.shape == (1, 2, *frames[0].counts.shape)


# Windows as wide as those of others.


def test_windows_as_wide_as_others(perfect):
    frame, _, found = perfect
    other = with_widths(frame, found, np.array([2.0, 1.4]))
    np.testing.assert_array_equal(other.templates.widths, [2.0])
    np.testing.assert_array_equal(other.templates.crystals, [0])
    # The one before is as it was.
    np.testing.assert_array_equal(found.templates.widths, [WIDTHS[0]])
    assert found.groups[0].learner.learnt()["crystal"].width == WIDTHS[0]


def test_a_wide_window_explains_less_of_a_strained_crystal(strained):
    frame, found = strained
    assert with_widths(frame, found, np.array([5.0])).variance > found.variance


def test_a_narrow_window_explains_less_of_a_perfect_crystal(perfect):
    frame, _, found = perfect
    assert with_widths(frame, found, np.array([1.4])).variance > found.variance


def test_windows_of_the_same_width_are_kept(perfect):
    frame, _, found = perfect
    assert with_widths(frame, found, np.array([1.4, WIDTHS[0]])) is found


def test_without_other_crystals_the_window_is_kept(perfect):
    frame, _, found = perfect
    assert with_widths(frame, found, np.array([])) is found


def test_free_patterns_have_no_window(perfect):
    frame, free, _ = perfect
    assert with_widths(frame, free, np.array([2.0])) is free


def test_free_patterns_stay_free_with_another_window(half):
    frame, second, found = half
    other = with_widths(frame, found, np.array([2.0]))
    np.testing.assert_array_equal(other.templates.crystals, [0, -1])
    np.testing.assert_array_equal(other.templates.widths, [2.0])
    assert ((other.posterior[1] > 0.5) == second).mean() > 0.97


# Misfit.


class Constant:
    """Learner of templates that are given."""

    def __init__(self, *templates):
        self.templates = templates

    def fit(self, weights):
        assert len(weights) == len(self.templates)
        return [np.full(SHAPE, each, np.float32) for each in self.templates]


def test_misfit_is_the_weighted_energy_of_the_residuals():
    frame = normalized(lattice())
    weights = np.random.default_rng(0).random((2, *frame.counts.shape))
    weights = weights.astype(np.float32)
    found = misfit_of_cells(frame, Constant(0.5, -1.0), weights, 0.3)
    assert found.shape == (14, 21)
    of_pixels = np.repeat(np.repeat(weights, 3, 1), 3, 2)
    energies = of_pixels[0] * (frame.pixels - 0.5) ** 2
    energies += of_pixels[1] * (frame.pixels + 1.0) ** 2
    expected = energies.reshape(14, 9, 21, 9).sum(axis=(1, 3)) / (2 * 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_misfit_of_pixels_that_are_explained_is_nothing():
    frame = normalized(lattice())
    learner = Constant(0.0)
    learner.templates = [frame.pixels]
    learner.fit = lambda _: [frame.pixels]
    np.testing.assert_array_equal(
        misfit_of_cells(frame, learner, everywhere(frame), 1.0), 0
    )


FRINGE = np.cos(2 * np.pi * (X + 20) / 170)


@pytest.fixture(scope="module")
def inverted():
    """A lattice whose contrast changes its sign, with free phases, and tied."""
    frame = normalized(FRINGE * lattice(), 0.3)
    free = free_solution(frame)
    return frame, free, tied(frame, free)


def test_contrast_that_is_inverted_varies(inverted):
    _, _, found = inverted
    np.testing.assert_array_equal(found.templates.crystals, [0])
    np.testing.assert_array_equal(found.templates.contrast_widths, [CONTRAST_WIDTH])


def test_contrast_explains_more_of_what_is_inverted(inverted):
    _, free, found = inverted
    assert found.variance < 0.6 * free.variance


def test_cell_of_what_is_inverted_is_that_of_the_lattice(inverted):
    _, _, found = inverted
    assert same_lattice(found.templates.cells[0], CELLS[0])


def test_contrast_of_a_perfect_crystal_is_the_same_everywhere(perfect):
    np.testing.assert_array_equal(perfect[2].templates.contrast_widths, [0])


def test_contrast_of_what_is_strained_is_the_same_everywhere(strained):
    np.testing.assert_array_equal(strained[1].templates.contrast_widths, [0])


def test_contrast_is_tried_only_where_its_sign_may_vary(perfect, monkeypatch):
    """Another learner would take time."""
    frame, free, found = perfect
    [group] = found.groups
    fitted = Fitted.of(frame, group.learner, group.patterns, free)
    monkeypatch.setattr("hyperspy_symseg.templates.tying.CrystalLearner", None)
    assert fitted.with_contrast(frame, free) is fitted


def test_two_grains_under_a_fringe_are_told_apart():
    fringe, second = np.cos(2 * np.pi * (X + 20) / 240), X >= 93
    frame = normalized(fringe * np.where(second, lattice(1), lattice()), 1.0)
    true = on_the_right(frame, 31)
    # A sixth of the blocks are wrong to begin with.
    wrong = np.random.default_rng(0).random(true.shape) < 1 / 6
    found = tied(frame, free_solution(frame, start_of(true ^ wrong)))
    assert (found.labels == true).mean() > 0.95


def test_contrast_varies_only_if_that_of_others_does(inverted):
    frame, _, found = inverted
    width = found.templates.widths
    other = with_widths(frame, found, width, varies=False)
    np.testing.assert_array_equal(other.templates.contrast_widths, [0])
    np.testing.assert_array_equal(other.templates.widths, width)
    assert other.variance > 1.5 * found.variance
    # The one before is as it was.
    assert found.groups[0].learner.contrast_width == CONTRAST_WIDTH
    assert with_widths(frame, found, width, varies=True) is found


def test_contrast_that_is_the_same_everywhere_stays_so(perfect):
    frame, _, found = perfect
    assert with_widths(frame, found, np.array([]), varies=False) is found
    other = with_widths(frame, found, np.array([2.0]), varies=True)
    np.testing.assert_array_equal(other.templates.contrast_widths, [0])
