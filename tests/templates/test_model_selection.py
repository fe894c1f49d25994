# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.frames import threads
from hyperspy_symseg.templates import model_selection
from hyperspy_symseg.templates.evidence import gain
from hyperspy_symseg.templates.misfit_variance import one_pattern
from hyperspy_symseg.templates.model_selection import (
    LEAST_DIFFERENCE,
    ModelSelection,
    start_from_labels,
)
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.refusals import (
    NOT_TRIED,
    ONE_MOTIF,
    RIM,
    TOO_LITTLE,
    TOO_SMALL,
)
from hyperspy_symseg.templates.tying import DECISIVE, with_widths

from .conftest import PERIOD, REFLECTIONS, SHAPE, block_labels, lattice, two_lattices


def search_of(*frames, labels=None):
    """Selection that begins with some labels for two patterns, and else with none."""

    def labels_for(n_patterns):
        return labels if n_patterns == 2 else None

    frame = frames[0] if len(frames) == 1 else NormalizedFrame.stacked(frames)
    return ModelSelection(frame, PERIOD, labels_for)


def test_hand_worked_start():
    start = start_from_labels(np.array([[0, 1, -1]]), 2)
    assert start.dtype == np.float32
    # 0.9 and a share in the rest.
    np.testing.assert_allclose(start[0], [[0.95, 0.05, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(start[1], [[0.05, 0.95, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("n_patterns", [1, 2, 5])
def test_start_is_a_probability(n_patterns):
    labels = np.random.default_rng(0).integers(-1, n_patterns, (7, 9))
    start = start_from_labels(labels, n_patterns)
    np.testing.assert_allclose(start.sum(axis=0), 1, rtol=1e-6)
    own = labels >= 0
    np.testing.assert_array_equal(start.argmax(axis=0)[own], labels[own])


@pytest.fixture
def with_costs(one_crystal, monkeypatch):
    """Gives a selection whose numbers have some costs; rims are infinite."""

    def with_costs(costs):
        def refusal(_, n_patterns):
            return RIM if np.isinf(costs[n_patterns - 1]) else ""

        def gain(_, n_patterns, fewer):
            return costs[fewer - 1] - costs[n_patterns - 1]

        monkeypatch.setattr(ModelSelection, "_refusal", refusal)
        monkeypatch.setattr(ModelSelection, "_gain", gain)
        return search_of(one_crystal)

    return with_costs


@pytest.mark.parametrize(
    ("costs", "number"),
    [
        ([5], 1),
        ([100, 50], 2),
        # A pattern more has to be worth 10.
        ([100, 91], 1),
        ([100, 89], 2),
        ([100, 89, 80], 2),
        ([100, 89, 78], 3),
        ([-100, np.inf, -130], 3),
        ([0, np.inf], 1),
    ],
)
def test_number_that_costs_speak_for(costs, number, with_costs):
    found = with_costs(costs).compare(len(costs))
    assert found.best == number
    np.testing.assert_array_equal(found.costs, np.array(costs) - costs[0])


@pytest.mark.parametrize(
    ("costs", "refusals"),
    [
        ([5], [""]),
        ([100, 91], ["", TOO_LITTLE]),
        ([100, 89], ["", ""]),
        # Of two more than the best, each has to be worth 10.
        ([100, np.inf, 81], ["", RIM, TOO_LITTLE]),
        ([100, np.inf, 79], ["", RIM, ""]),
        ([100, 50, np.inf, 49, 0], ["", "", RIM, TOO_LITTLE, NOT_TRIED]),
        ([100, np.inf, np.inf, 0, 0], ["", RIM, RIM, NOT_TRIED, NOT_TRIED]),
        ([100, np.inf, 50, np.inf, 0], ["", RIM, "", RIM, ""]),
    ],
)
def test_hand_worked_refusals(costs, refusals, with_costs):
    assert list(with_costs(costs).compare(len(costs)).refusals) == refusals


def test_rim_does_not_count_whatever_it_gains(with_costs, monkeypatch):
    search = with_costs([100, 20, 50])
    monkeypatch.setattr(search, "_refusal", lambda n: RIM if n == 2 else "")
    found = search.compare(3)
    assert found.refusals == ("", RIM, "")
    np.testing.assert_array_equal(found.costs, [0, -80, -50])


def test_one_crystal_is_one_pattern(one_crystal):
    found = search_of(one_crystal).compare(4)
    assert found.best == 1
    # Two numbers in turn that do not pay are enough.
    assert len(found.costs) == 3
    assert found.refusals[3] == NOT_TRIED


def test_one_crystal_with_a_gradient_of_contrast_is_one_pattern():
    x = np.arange(SHAPE[1])
    noise = np.random.default_rng(0).normal(size=SHAPE)
    normalized = NormalizedFrame((0.5 + x / 150) * lattice(0) + noise, None, PERIOD)
    assert search_of(normalized).compare(4).best == 1


def test_noise_is_one_pattern(noise):
    assert search_of(noise).compare(4).best == 1


def test_two_grains_are_two_patterns(two_grains):
    normalized, labels = two_grains
    found = search_of(normalized, labels=labels).compare(4)
    assert found.best == 2
    assert found.costs[1] < found.costs[0] - 100


def test_two_grains_are_found_without_labels(two_grains):
    normalized, labels = two_grains
    search = search_of(normalized)
    assert search.compare(4).best == 2
    found = search.solution(2).posterior.argmax(axis=0)
    agree = (found == labels).mean()
    assert max(agree, 1 - agree) > 0.97


def test_labels_that_are_of_no_use_do_no_harm(two_grains):
    normalized, labels = two_grains
    # Upper and lower half, of a boundary that runs down.
    rows = np.indices(labels.shape)[0] // (len(labels) // 2 + 1)
    found = search_of(normalized, labels=rows).solution(2).posterior
    agree = (found.argmax(axis=0) == labels).mean()
    assert max(agree, 1 - agree) > 0.97


def test_grain_beside_what_has_no_lattice():
    frame = np.random.default_rng(0).normal(size=SHAPE)
    frame[:, :90] += lattice(0)[:, :90]
    search = search_of(NormalizedFrame(frame, None, PERIOD))
    assert search.compare(4).best == 2
    numbers = [len(search.solution(2).templates.of(k)[0]) for k in (0, 1)]
    assert sorted(numbers)[0] == 0


def test_costs_end_at_the_most(two_grains):
    normalized, labels = two_grains
    found = search_of(normalized, labels=labels).compare(1)
    np.testing.assert_array_equal(found.costs, [0])
    assert found.refusals == ("",)


def test_solutions_are_kept(one_crystal):
    search = search_of(one_crystal)
    assert search.solution(1) is search.solution(1)


def test_one_pattern_has_the_reflections_of_all(two_grains):
    normalized, _ = two_grains
    found = search_of(normalized).solution(1).templates.reflections
    for true in np.concatenate(REFLECTIONS):
        distances = [np.hypot(*(found - sign * true).T) for sign in (1, -1)]
        assert np.min(distances) < 0.003


def test_patterns_too_small_are_not_worth_their_cost():
    # 3 x 5 cells of 9 pixels; a pattern has to have 20.
    frame, _ = two_lattices(noise=0.5, at=SHAPE[1])
    other = lattice(1) + 0.5 * np.random.default_rng(1).normal(size=SHAPE)
    frame[45:72, 90:135] = other[45:72, 90:135]
    found = search_of(NormalizedFrame(frame, None, PERIOD)).compare(3)
    assert found.best == 1
    assert found.refusals[1] == TOO_SMALL


def test_numbers_without_room_are_not_looked_for_one_by_one(one_crystal):
    asked = []

    def labels_for(n_patterns):
        asked.append(n_patterns)
        return np.arange(one_crystal.counts.size).reshape(one_crystal.counts.shape) % 90

    ModelSelection(one_crystal, PERIOD, labels_for).solution(90)
    assert asked == [90]


def test_frames_are_searched_together():
    frames = [
        NormalizedFrame(two_lattices(seed=at, at=at)[0], None, PERIOD)
        for at in (0, 198)
    ]
    search = search_of(*frames)
    assert search.compare(3).best == 2
    first, second = search.solution(2).labels
    assert np.bincount(first.ravel()).argmax() != np.bincount(second.ravel()).argmax()


@pytest.fixture
def large(monkeypatch):
    """Makes every frame worth a thread."""
    monkeypatch.setattr(threads, "WORTH_A_THREAD", 0)


def learnt_numbers(monkeypatch):
    """Numbers of patterns that are learnt from now on: list."""
    numbers, learn = [], model_selection.learn

    def spy(frame, crops, period, start, rounds):
        numbers.append(len(start))
        return learn(frame, crops, period, start, rounds)

    monkeypatch.setattr(model_selection, "learn", spy)
    return numbers


@pytest.mark.parametrize("wrong", [0, 0.3])
def test_threads_do_not_change_what_is_found(two_grains, large, monkeypatch, wrong):
    normalized, labels = two_grains
    labels = np.where(np.random.default_rng(0).random(labels.shape) < wrong, 0, labels)
    learnt = learnt_numbers(monkeypatch)
    found = []
    for num_workers in (1, 2):
        with threads.workers(num_workers):
            search = search_of(normalized, labels=labels)
            found.append((search.compare(3), search.solution(2).posterior))
    (one, ours), (other, theirs) = found
    np.testing.assert_array_equal(one.costs, other.costs)
    np.testing.assert_array_equal(ours, theirs)
    # Nothing is learnt twice.
    half = len(learnt) // 2
    assert sorted(learnt[:half]) == sorted(learnt[half:])
    assert learnt[:half].count(1) == 1


@pytest.mark.parametrize("num_workers", [1, 2])
def test_with_right_labels_one_pattern_is_not_looked_for(
    two_grains, large, monkeypatch, num_workers
):
    normalized, labels = two_grains
    learnt = learnt_numbers(monkeypatch)
    with threads.workers(num_workers):
        search_of(normalized, labels=labels).solution(2)
    assert 1 not in learnt


def test_templates_of_one_pattern_that_are_given_begin_the_second(
    two_grains, monkeypatch
):
    normalized, _ = two_grains
    one, given = one_pattern(normalized, PERIOD), []
    split = ModelSelection._split

    def spy(search, posterior, templates):
        given.append(templates)
        return split(search, posterior, templates)

    monkeypatch.setattr(ModelSelection, "_split", spy)
    ModelSelection(normalized, PERIOD, lambda _: None, one).solution(2)
    assert given[0] is one


def distorted(by, seed=0):
    """Square lattice that is displaced by waves of a height, in pixels."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    down, right = np.sin(2 * np.pi * y / SHAPE[0]), np.sin(2 * np.pi * x / SHAPE[1] + 1)
    places = x + by * down, y + by * right
    frame = sum(np.cos(2 * np.pi * place / PERIOD + 0.3) for place in places)
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    return NormalizedFrame(frame + noise, None, PERIOD)


def tilted(degrees, noise=1.0, seed=0):
    """Two square lattices, one of which is turned, and the labels of the blocks."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    waves = []
    for angle in np.deg2rad([5, 5 + degrees]):
        cosine, sine = np.cos(angle), np.sin(angle)
        places = sine * y + cosine * x, cosine * y - sine * x
        waves.append(sum(np.cos(2 * np.pi * place / PERIOD) for place in places))
    frame = np.where(x < 90, *waves)
    frame += noise * np.random.default_rng(seed).normal(size=SHAPE)
    return NormalizedFrame(frame, None, PERIOD), block_labels((x >= 90).astype(int))


def polar(off=0.06, seed=0):
    """Square cells whose second column is off the centre, and labels of the blocks.

    It is on one side of the centre in the left part, and on the other in the right.
    """
    shape, cell, angle = (200, 260), 20.0, np.deg2rad(7)
    vectors = cell * np.array(
        [[np.sin(angle), np.cos(angle)], [np.cos(angle), -np.sin(angle)]]
    )
    corners = np.mgrid[-20:21, -20:21].reshape(2, -1).T @ vectors
    signs = np.where(corners[:, 1:] < 117, off, -off)
    seconds = corners + (0.5 + signs * [1, 0]) @ vectors
    frame = np.random.default_rng(seed).normal(scale=0.2, size=shape)
    for columns, weight in ((corners, 1.0), (seconds, 0.6)):
        rows, across = (
            np.exp(-((np.arange(n) - place[:, np.newaxis]) ** 2) / (2 * 2.0**2))
            for n, place in zip(shape, columns.T, strict=True)
        )
        frame += weight * rows.T @ across
    normalized = NormalizedFrame(frame, None, cell)
    side = normalized.block
    right = (np.arange(shape[1]) >= 117) * np.ones((shape[0], 1), int)
    return normalized, block_labels(right, side)


def agreement(found, labels):
    """Share of the blocks that are right, in either order of two patterns."""
    agree = (found == labels).mean()
    return max(agree, 1 - agree)


@pytest.fixture(scope="module")
def of_polar():
    """Selection for a polar crystal, its number, and the labels of the blocks."""
    normalized, labels = polar()
    search = search_of(normalized)
    return search, search.compare(3).best, labels


def test_a_smooth_distortion_is_one_pattern():
    assert search_of(distorted(1.0)).compare(3).best == 1


def test_a_smooth_distortion_is_followed_by_a_crystal_with_a_narrow_window():
    [narrow], [wide] = (
        search_of(distorted(by)).solution(1).templates.widths for by in (2.0, 0.0)
    )
    assert narrow < wide


def strained(seed=0):
    """Square lattice, strained along y by up to 5 % of either sign in turn."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    places = x, y + 1.2 * np.sin(2 * np.pi * y / 150)
    waves = [2 * np.pi * place / PERIOD for place in places]
    frame = sum(np.cos(wave) + 0.5 * np.cos(2 * wave) for wave in waves)
    noise = np.random.default_rng(seed).normal(scale=0.3, size=SHAPE)
    return NormalizedFrame(frame + noise, None, PERIOD)


def test_bands_of_a_strained_crystal_do_not_gain(monkeypatch):
    """They do in their own window, a wide one, which one crystal cannot do with."""
    frame = strained(seed=1)
    search = search_of(frame)
    one, bands = search.solution(1), search.solution(2)
    assert one.templates.widths[0] < 5
    wide = with_widths(frame, one, np.array([5.0]))
    monkeypatch.setattr(search, "_with_widths_of", lambda *_: wide)
    assert gain(frame, bands, wide) > 100
    assert search._gain(2, 1) < DECISIVE


def test_a_motif_that_strain_displaces_is_no_other():
    search = search_of(strained(seed=0))
    # Two motifs are found, which gain by that.
    np.testing.assert_array_equal(search.solution(2).templates.crystals, [0, 0])
    assert search._gain(2, 1) > DECISIVE
    assert search.compare(2).refusals == ("", ONE_MOTIF)


def test_a_tilt_of_three_degrees_is_two_patterns():
    normalized, _ = tilted(3)
    assert search_of(normalized).compare(3).best == 2


def test_grains_of_a_tilt_of_three_degrees_are_found():
    normalized, labels = tilted(3)
    assert agreement(search_of(normalized).solution(2).labels, labels) > 0.97


def test_motifs_on_one_lattice_are_two_patterns(of_polar):
    _, number, _ = of_polar
    assert number == 2


def test_motifs_on_one_lattice_are_found(of_polar):
    search, _, labels = of_polar
    assert agreement(search.solution(2).labels, labels) > 0.94


def test_motifs_are_found_if_the_scores_have_lost_one():
    normalized, labels = polar()
    # Less than 3 % of the blocks, which are lost soon.
    lost = np.zeros_like(labels)
    lost[..., :5, :5] = 1
    search = search_of(normalized, labels=lost)
    assert agreement(search.solution(2).labels, labels) > 0.94


def test_motifs_share_a_crystal_if_the_scores_know_them():
    normalized, labels = polar()
    found = search_of(normalized, labels=labels).solution(2)
    assert agreement(found.labels, labels) > 0.94
    np.testing.assert_array_equal(found.templates.crystals, [0, 0])


def test_motifs_on_one_lattice_share_a_crystal(of_polar):
    search, _, _ = of_polar
    np.testing.assert_array_equal(search.solution(2).templates.crystals, [0, 0])


def test_motifs_much_alike_count_if_they_gain_enough(of_polar):
    search, _, _ = of_polar
    assert search.solution(2).templates.least_difference() < LEAST_DIFFERENCE
    assert search.alike(2) == ""


def test_the_same_motif_everywhere_is_one_pattern():
    normalized, _ = polar(off=0.0)
    assert search_of(normalized).compare(3).best == 1


def test_a_motif_that_does_not_vary_is_not_split(two_grains, monkeypatch):
    """Splits take most of the time of a number that does not count."""
    search = search_of(two_grains[0])
    monkeypatch.setattr(search, "_motif_splits", None)
    compared = search.compare(4)
    assert compared.best == 2
    assert set(compared.refusals[2:4]) == {TOO_SMALL}
