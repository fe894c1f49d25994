# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage, stats
from scipy.spatial import cKDTree

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import Defects, defects
from hyperspy_symseg.analysis.interior import inner_places, without_islands
from hyperspy_symseg.analysis.matched_filter import default_threshold
from hyperspy_symseg.analysis.residual_scores import column_width, gaussian_scores
from hyperspy_symseg.descriptors import TranslationSymmetry
from hyperspy_symseg.frames import Tile
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.templates import Templates

LATTICES = {
    "square": simulate.Lattice.square(13, orientation=5),
    "hexagonal": simulate.Lattice.hexagonal(12, orientation=7),
    "centred": simulate.Lattice.centred(14, 19.8, orientation=10),
}
PERIODS = {"square": 13.0, "hexagonal": 10.4, "centred": 11.0}


def fit(frame, period, n_patterns=1):
    descriptor = TranslationSymmetry(round(1.7 * period), round(1.75 * period))
    return SymmetryModel.fit(
        frame, descriptor, n_patterns, stride=round(period / 1.2), period=period
    )


def defects_in(model, labels, frame, mask=None, threshold=None, **options):
    (found,) = run(Defects(model, threshold), frame, labels, mask, **options)
    return found


def found_in(frame, period, **options):
    labels = np.zeros(frame.shape, np.int8)
    return defects_in(fit(frame, period), labels, frame, **options)


def whole_tile(frame, labels):
    return replace(Tile.at((0, 0), frame, frame.shape), labels=labels)


def matches(found, true, within, sign):
    """Number of true places that are found, and of those found that are not true."""
    distance, nearest = cKDTree(true).query(found[:, :2])
    right = (distance < within) & (np.sign(found[:, 2]) == sign)
    hits = len(set(nearest[right]))
    return hits, len(found) - hits


@pytest.fixture(scope="module")
def crystal():
    """A crystal with vacancies, their places, and its model."""
    signal, _ = simulate.micrograph(
        LATTICES["square"], (256, 270), dose=5, vacancies=4, seed=1
    )
    places = signal.metadata.Simulation.vacancies
    return signal.data, places, fit(signal.data, 13.0)


@pytest.mark.parametrize("dose", [3, 30])
@pytest.mark.parametrize("name", LATTICES)
def test_vacancies_are_found(name, dose):
    period, hits, false = PERIODS[name], 0, 0
    for seed in range(2):
        signal, _ = simulate.micrograph(
            LATTICES[name], (400, 400), dose=dose, vacancies=10, seed=seed
        )
        true = signal.metadata.Simulation.vacancies
        counts = matches(found_in(signal.data, period), true, period / 2, -1)
        hits, false = hits + counts[0], false + counts[1]
    assert hits >= 19
    assert false <= 1


@pytest.mark.parametrize("dose", [1, 3, 30])
def test_a_perfect_crystal_has_none(dose):
    n_found = 0
    for seed in range(3):
        frame = simulate.micrograph(
            LATTICES["square"], (768, 768), dose=dose, seed=seed
        )[0].data
        n_found += len(found_in(frame, 13.0))
    # 10,500 columns.
    assert n_found <= 1


def test_scores_of_a_perfect_crystal_are_normal(monkeypatch):
    scores = []
    monkeypatch.setattr(
        defects,
        "extrema",
        lambda each, *_: scores.append(each) or np.empty((0, 2), int),
    )
    frame = simulate.micrograph(LATTICES["square"], (512, 512), dose=1, seed=4)[0].data
    found_in(frame, 13.0)
    inner = scores[0][13:-13, 13:-13].ravel()
    assert inner.std() == pytest.approx(1, abs=0.02)
    assert stats.skew(inner) == pytest.approx(0, abs=0.06)
    assert stats.kurtosis(inner) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("column", ["heavier", "between the others"])
def test_extra_intensity_is_positive(column):
    lattice = LATTICES["square"]
    frame = simulate.micrograph(lattice, (256, 256), dose=None, jitter=0, seed=3)[
        0
    ].data
    peak = np.add(np.unravel_index(frame[100:113, 100:113].argmax(), (13, 13)), 100)
    place = peak if column == "heavier" else peak + np.array(lattice.vectors).sum(0) / 2
    y, x = np.ogrid[:256, :256]
    column = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / 8)
    counts = np.random.default_rng(0).poisson(5 * (frame + column))
    (found,) = found_in(counts, 13.0)
    assert np.hypot(*(found[:2] - place)) < 1.5
    assert found[2] > 6


def test_positions_are_finer_than_a_pixel():
    signal, _ = simulate.micrograph(
        LATTICES["square"], (256, 256), dose=300, jitter=0, vacancies=4, seed=2
    )
    found = found_in(signal.data, 13.0)
    true = signal.metadata.Simulation.vacancies
    true = true[np.argsort(true[:, 0])]
    np.testing.assert_allclose(found[:, :2], true, atol=0.3)


def test_a_lower_threshold_finds_more(crystal):
    frame, places, model = crystal
    labels = np.zeros(frame.shape, np.int8)
    few, many = (
        defects_in(model, labels, frame, threshold=threshold) for threshold in (5, 3.5)
    )
    assert len(few) == len(places) < len(many)
    assert np.abs(many[:, 2]).min() > 3.5
    assert {tuple(each) for each in few} < {tuple(each) for each in many}


def test_gain_and_offset_do_not_matter(crystal):
    frame, _, model = crystal
    labels = np.zeros(frame.shape, np.int8)
    expected = defects_in(model, labels, frame)
    found = defects_in(model, labels, frame * 37.0 - 1e4)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("how", ["mask", "not finite", "unlabelled"])
def test_none_where_pixels_are_left_out(crystal, how):
    frame, places, model = crystal
    y, x = np.rint(places[0]).astype(int)
    area = np.s_[y - 8 : y + 9, x - 8 : x + 9]
    labels, mask, values = np.zeros(frame.shape, np.int8), None, frame
    if how == "mask":
        mask = np.zeros(frame.shape, bool)
        mask[area] = True
    elif how == "not finite":
        values = frame.astype(float)
        values[area] = np.nan
    else:
        labels[area] = -1
    found = defects_in(model, labels, values, mask)
    assert len(found) == len(places) - 1
    distance, _ = cKDTree(found[:, :2]).query(places)
    assert distance[0] > 13
    assert (distance[1:] < 2).all()


def test_none_near_a_boundary(crystal):
    frame, places, model = crystal
    x = round(places[0, 1])
    labels = np.zeros(frame.shape, np.int8)
    labels[:, : x + 6] = 1
    double = Templates(
        **model.templates.to_dict()
        | {
            "n_patterns": 2,
            "patterns": np.repeat([0, 1], len(model.templates.patterns)),
            "reflections": np.tile(model.templates.reflections, (2, 1)),
            "amplitudes": np.tile(model.templates.amplitudes, 2),
            "phases": np.tile(model.templates.phases, 2),
            "indices": np.tile(model.templates.indices, (2, 1)),
            "crystals": np.tile(model.templates.crystals, 2),
            "n_pixels": np.tile(model.templates.n_pixels, 2),
            "variances": np.tile(model.templates.variances, 2),
        }
    )
    found = defects.defects_of_tile(double, whole_tile(frame, labels), 5.0)
    distance, _ = cKDTree(found[:, :2]).query(places)
    assert distance[0] > 13
    assert len(found) >= len(places) - 2


def test_an_island_as_small_as_a_cell_is_no_pattern(crystal):
    frame, places, model = crystal
    y, x = np.rint(places[0]).astype(int)
    labels = np.zeros(frame.shape, np.int8)
    expected = defects_in(model, labels, frame)
    labels[y - 6 : y + 6, x - 6 : x + 6] = 1
    np.testing.assert_array_equal(defects_in(model, labels, frame), expected)


def test_none_in_noise():
    frame = np.random.default_rng(0).poisson(3, (200, 200))
    templates = Templates(12.0, 1, [], np.empty((0, 2)), [], 1.0)
    tile = whole_tile(frame, np.zeros(frame.shape, np.int8))
    assert len(defects.defects_of_tile(templates, tile, 3)) == 0


def test_none_in_a_frame_without_labels(crystal):
    frame, _, model = crystal
    found = defects_in(model, np.full(frame.shape, -1), frame)
    assert found.shape == (0, 3)


def test_a_frame_in_tiles(crystal):
    _, _, model = crystal
    signal, _ = simulate.micrograph(
        LATTICES["square"], (800, 830), dose=5, vacancies=40, seed=5
    )
    labels = np.zeros(signal.data.shape, np.int8)
    expected = defects_in(model, labels, signal.data)

    found = defects_in(model, labels, signal.data, tile_shape=(400, 400))
    assert len(expected) >= 38
    np.testing.assert_allclose(found[:, :2], expected[:, :2], atol=0.1)
    np.testing.assert_allclose(found[:, 2], expected[:, 2], rtol=0.1)


def test_a_model_without_templates_is_an_error(crystal):
    frame, _, _ = crystal
    plain = SymmetryModel.fit(
        frame, TranslationSymmetry(10, 12), 1, stride=8, period=None
    )
    with pytest.raises(ValueError, match="model must have templates"):
        defects_in(plain, np.zeros(frame.shape, int), frame)


def test_width_of_columns(crystal):
    _, _, model = crystal
    assert column_width(model.templates) == pytest.approx(2, abs=0.1)


def test_width_where_the_amplitudes_do_not_tell():
    one = Templates(12.0, 1, [0, 0], [[0, 1 / 12], [1 / 12, 0]], [1.0, 0.9], 1.0)
    assert column_width(one) == 2
    assert column_width(Templates(12.0, 1, [], np.empty((0, 2)), [], 1.0)) == 2


def test_width_is_never_far_from_the_period():
    flat = Templates(12.0, 1, [0, 0], [[0, 1 / 12], [1 / 6, 0]], [1.0, 0.99], 1.0)
    steep = Templates(12.0, 1, [0, 0], [[0, 1 / 12], [1 / 12, 1 / 12]], [1.0, 0.1], 1.0)
    assert column_width(flat) == pytest.approx(1.2)
    assert column_width(steep) == pytest.approx(3)


@pytest.mark.parametrize("skewness", [-0.3, 0.0, 0.1, 0.4])
def test_gaussian_scores_of_gamma_variables(skewness):
    probabilities = np.array([1e-5, 0.02, 0.5, 0.98, 1 - 1e-5])
    values = stats.pearson3.ppf(probabilities, skewness)
    expected = stats.norm.ppf(probabilities)
    np.testing.assert_allclose(gaussian_scores(values, skewness), expected, atol=0.05)


def test_rate_of_the_threshold():
    # Extrema of smoothed noise, counted.
    noise = np.random.default_rng(0).normal(size=(1500, 1500))
    field = ndimage.gaussian_filter(noise, 2, mode="wrap")
    places = defects.extrema(field / field.std(), 4, 2)
    values = np.abs(field / field.std())[tuple(places.T)]
    templates = Templates(12.0, 1, [], np.empty((0, 2)), [], 1.0)
    threshold = default_threshold(templates, 0.05)
    rate = np.count_nonzero(values > threshold) * 144 / noise.size
    assert rate == pytest.approx(0.05, rel=0.15)


def test_inner_places_by_hand():
    labels = np.zeros((13, 24), int)
    labels[:, 12:] = 1
    labels[4, 18] = -1
    inner = inner_places(labels, 4.0)
    expected = np.zeros((13, 24), bool)
    # 4 pixels from the edges, and more than 4 from the other pattern.
    expected[4:9, 4:8] = True
    expected[4:9, 16:20] = True
    # More than 2 from what is left out.
    expected[4:7, 16:20] = False
    np.testing.assert_array_equal(inner, expected)


def test_islands_take_the_label_around_them():
    labels = np.zeros((20, 20), int)
    labels[:, 10:] = 1
    labels[5:7, 8:10] = 2
    labels[15, 15] = 0
    cleaned = without_islands(labels, 5)
    assert set(np.unique(cleaned)) == {0, 1}
    assert cleaned[15, 15] == 1
    assert cleaned[5, 8] == 0
