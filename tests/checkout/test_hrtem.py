# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the scripts that train the networks of HRTEM."""

import importlib
import itertools
from argparse import Namespace
from unittest.mock import Mock

import numpy as np
import pytest
from scipy.stats import spearmanr

from hyperspy_symseg.networks.column_layers import ERRORS, ColumnNetwork
from hyperspy_symseg.networks.hrtem_network import MATERIALS, RANGES
from hyperspy_symseg.networks.weights import read_weights

pytestmark = pytest.mark.usefixtures("training")


@pytest.fixture(scope="module")
def frames():
    return importlib.import_module("hrtem_frames")


@pytest.fixture(scope="module")
def crops(frames):
    # Of one specimen each, and the first of the next.
    return {m: list(itertools.islice(frames.crops(m, 64, 7), 17)) for m in MATERIALS}


def test_crops_come_from_their_seed(frames, crops):
    again = list(itertools.islice(frames.crops("MoS2", 64, 7), 2))
    for one, other in zip(crops["MoS2"], again, strict=False):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.columns, other.columns)
    assert (crops["MoS2"][16].image != crops["MoS2"][0].image).any()


@pytest.mark.parametrize("material", MATERIALS)
def test_columns_are_in_the_crop(crops, material):
    for crop in crops[material]:
        assert crop.image.shape == (64, 64)
        assert ((crop.columns >= -0.5) & (crop.columns < 63.5)).all()
        assert crop.image.astype(float).mean() == pytest.approx(1, abs=0.3)


def test_the_sign_is_that_of_the_columns(frames):
    y, x = np.indices((40, 50))
    columns = np.array([[12.0, 14.0], [12.0, 24.0], [22.0, 19.0]])
    bright = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 8) for a, b in columns)
    assert frames.sign_of(1 + bright, columns, 10.0, 0.25) == 1
    assert frames.sign_of(1 - bright, columns, 10.0, 0.25) == -1
    noise = np.random.default_rng(0).normal(size=(40, 50))
    assert frames.sign_of(noise, columns, 10.0, 0.25) == 0
    assert frames.sign_of(1 + bright, columns[:0], 0.0, 0.25) == 0


def test_what_is_far_from_all_columns_does_not_count_for_the_sign(frames):
    y, x = np.indices((60, 70))
    columns = np.array([[20.0, 20.0], [20.0, 32.0], [30.0, 26.0]])
    image = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 8) for a, b in columns)
    # The rest of the frame is brighter than any column.
    image[:, 50:], image[48:] = 5, 5
    assert frames.sign_of(image, columns, 12.0, 0.25) == 1


def test_the_spacing_is_that_of_the_nearest_columns(frames):
    columns = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 9.0], [40.0, 9.0]])
    assert frames.spacing_of(columns) == pytest.approx(5)
    assert frames.spacing_of(columns[:1]) == 0


@pytest.mark.parametrize(("material", "spacing"), [("graphene", 1.42), ("MoS2", 1.824)])
def test_crops_know_their_spacing(crops, material, spacing):
    low, high = RANGES[material]["pixel_size"]
    for crop in crops[material]:
        # Sheets are tilted and bent, by some percent.
        assert 0.9 * spacing / high < crop.spacing < 1.1 * spacing / low


def test_what_is_found_is_right_within_half_a_spacing(crops, monkeypatch):
    pytest.importorskip("torch")
    hrtem = importlib.import_module("hrtem")
    crop = crops["MoS2"][0]._replace(
        columns=np.array([[20.0, 20.0], [20.0, 44.0], [61.0, 20.0]]), spacing=12.0
    )
    rows = np.array([[20, 25.9, 1, 1, 0.9], [20, 37.9, 1, 1, 0.9], [61, 20, 1, 1, 0.9]])
    monkeypatch.setattr(hrtem, "looked_for", lambda *_: rows)
    [judged] = hrtem.judged(ColumnNetwork({}, 0), "MoS2", [crop], (0, 1))
    np.testing.assert_array_equal(judged.found, rows)
    np.testing.assert_array_equal(judged.which, [0, -1, 2])
    # The last is too near an edge.
    np.testing.assert_array_equal(judged.counted, [True, True, False])
    np.testing.assert_array_equal(judged.right, [True, False])


def test_whole_specimens_fill_their_frames(frames):
    shares = []
    for seed in range(3):
        [crop] = itertools.islice(frames.crops("MoS2", 192, seed, 1, 1, whole=True), 1)
        # Of Mo and S, each one in 3.16**2 * sin(60) square angstroms.
        shares.append(
            len(crop.columns) * 1.5 * np.sqrt(3) / 2 * crop.spacing**2 / 192**2
        )
    assert min(shares) > 0.85


def test_where_no_columns_are_either_sign_may_be_told(frames):
    rng = np.random.default_rng(5)
    image, none = np.ones((frames.IMAGE, frames.IMAGE)), np.zeros((0, 2))
    signs = {frames._crop(image, none, 64, (0, 0.0, 0.2), rng).sign for _ in range(20)}
    assert signs == {-1, 1}


def test_microscopes_are_of_the_range(frames):
    rng = np.random.default_rng(3)
    drawn = [frames.draw_microscope("metal", rng) for _ in range(40)]
    defoci = np.abs([m.defocus for m in drawn])
    low, high = RANGES["metal"]["defocus"]
    assert low <= defoci.min() < defoci.max() <= high
    assert {np.sign(m.defocus) for m in drawn} == {-1, 1}
    assert {m.voltage for m in drawn} == set(RANGES["metal"]["voltage"])


def test_counts_have_the_dose(frames):
    rng = np.random.default_rng(3)
    counts = frames.exposed(np.ones((50, 60), np.float16), 30.0, rng)
    assert counts.mean() == pytest.approx(30, rel=0.02)


def test_a_defocus_that_varies_gives_both_signs_in_one_image(frames, monkeypatch):
    images, slopes = {1.0: 0, -1.0: 0}, []

    def image(microscope, wave, pixel):
        return np.full(wave.shape, microscope.defocus)

    monkeypatch.setattr(frames.hrtem.Microscope, "image", image)
    wave, own = np.zeros((frames.IMAGE + 20,) * 2), slice(10, 10 + frames.IMAGE)
    microscope = frames.hrtem.Microscope(80, 60.0)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        found = frames._varying(wave, microscope, 0.2, own, rng)
        assert found.shape == (frames.IMAGE, frames.IMAGE)
        # From the defocus to the other side of the focus.
        assert found.max() == pytest.approx(60)
        assert -72 <= found.min() <= -18
        slope = np.percentile(np.hypot(*np.gradient(found)), 99)
        slopes.append(slope * frames.IMAGE / np.ptp(found))
        for sign in images:
            images[sign] += (sign * found > 15).mean() > 0.05
    assert min(images.values()) >= 9
    # From all across the image to less than a fifth of it.
    assert min(slopes) < 2
    assert max(slopes) > 5


def test_a_training_is_the_same_again(frames, crops):
    torch = pytest.importorskip("torch")
    hrtem = importlib.import_module("hrtem")
    options = Namespace(seed=4, steps=2, weights=None)
    found = []
    for _ in range(2):
        torch.manual_seed(4)
        network = hrtem.train(hrtem.HalvedNetwork(), "MoS2", crops["MoS2"], options)
        found.append(network.as_weights())
    one, again = found
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])


def test_a_file_that_is_calibrated_again_is_what_a_training_ends_with(
    monkeypatch, tmp_path
):
    pytest.importorskip("torch")
    hrtem = importlib.import_module("hrtem")
    file = tmp_path / "weights.npz"
    asked = ["hrtem.py", "MoS2", "--held-out", "3", "--weights", str(file)]
    monkeypatch.setattr("sys.argv", [*asked, "--steps", "2", "--crops", "2"])
    hrtem.main()
    trained, seed = read_weights(file)
    monkeypatch.setattr("sys.argv", [*asked, "--calibrate"])
    hrtem.main()
    again, same_seed = read_weights(file)
    assert seed == same_seed == 0
    assert set(again) == set(trained)
    for name, values in trained.items():
        np.testing.assert_array_equal(again[name], values)


def test_doses_do_not_depend_on_the_size_of_the_pixels(frames, monkeypatch):
    pytest.importorskip("torch")
    hrtem = importlib.import_module("hrtem")
    monkeypatch.setattr(frames, "_wave", lambda *_: (None, 0))
    image = np.ones((frames.IMAGE,) * 2)
    monkeypatch.setattr(frames.hrtem.Microscope, "image", lambda *_: image)
    monkeypatch.setattr(hrtem, "looked_for", lambda *_: np.zeros((0, 5)))
    held_out = hrtem.drawn_apart("graphene", 12, (0, 1))
    judged = hrtem.judged(ColumnNetwork({}, 0), "graphene", held_out, (0, 1))
    doses, sizes = [each.dose for each in judged], [c.pixel_size for c in held_out]
    assert abs(spearmanr(doses, sizes).statistic) < 0.8


def test_doses_of_series_do_not_depend_on_the_size_of_the_pixels():
    pytest.importorskip("torch")
    hrtem_series = importlib.import_module("hrtem_series")
    each = (hrtem_series.draw("MoS2", (0, 1, i), 1, False) for i in range(8))
    drawn = list(itertools.chain.from_iterable(each))
    network = Mock()
    # Of one site of each series.
    network.logits.return_value = np.zeros((1, 4))
    _, _, doses = hrtem_series.judged(network, drawn, "MoS2", (0, 1))
    sizes = [sites.pixel for sites in drawn]
    assert abs(spearmanr(doses, sizes).statistic) < 0.8


def test_it_begins_with_the_network_of_other_frames(crops):
    torch = pytest.importorskip("torch")
    hrtem = importlib.import_module("hrtem")
    weights = ColumnNetwork.trained().weights
    rng = np.random.default_rng(0)
    seen = np.stack([hrtem.example(c, "MoS2", rng)[0] for c in crops["MoS2"][:2]])
    network = hrtem.Network()
    hrtem.begin(network, weights, torch.from_numpy(seen))
    with torch.no_grad():
        found = network.eval()(torch.from_numpy(seen)).numpy()
    found[:, 3:] = found[:, 3:].clip(*ERRORS)
    expected = [ColumnNetwork.trained().cells(x) for x in seen]
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.fixture(scope="module")
def series_sites():
    return importlib.import_module("series_sites")


def test_atoms_of_a_metal_are_counted(series_sites):
    [sites] = series_sites.draw("metal", (3, 2), 1)
    assert sites.classes.max() > 2
    # What is midway between columns is none.
    bare = sites.places[sites.classes == 0]
    columns = sites.places[sites.classes > 0]
    away = np.hypot(*(bare[:, None] - columns).transpose(2, 0, 1)).min(axis=1)
    assert len(bare) > 5
    assert away.min() > series_sites.AWAY["metal"] / sites.pixel
    assert np.median(away) < series_sites.BETWEEN / sites.pixel


@pytest.fixture(scope="module")
def sheets(series_sites):
    return series_sites.draw("MoS2", (3, 1))


def test_sites_of_series_are_where_their_atoms_are(series_sites, sheets):
    sites = sheets[0]
    assert sites.images.shape[0] == 3
    assert len(sites.places) == len(sites.classes)
    assert set(sites.classes) == {0, 1, 2, 3}
    again = series_sites.draw("MoS2", (3, 1))[0]
    np.testing.assert_array_equal(sites.places, again.places)
    np.testing.assert_array_equal(sites.images, again.images)


def test_a_specimen_has_several_microscopes(series_sites, sheets):
    assert len(sheets) == series_sites.MICROSCOPES
    first, second, _ = sheets
    np.testing.assert_array_equal(first.places, second.places)
    assert (first.images != second.images).any()
    assert (first.defoci != second.defoci).all()


def test_patches_of_a_group_are_those_of_the_images(sheets):
    rng = np.random.default_rng(0)
    # Without noise, but for the places.
    sites = sheets[0]._replace(images=np.ones_like(sheets[0].images))
    sites = sites._replace(means=np.full(3, 0.5))
    away = sites.places - np.array(sites.images.shape[1:]) / 2
    middle = np.argsort(np.hypot(*away.T))[:5]
    patches, defoci = sites.seen(middle, 1e9, rng)
    assert patches.shape == (5, 3, 32, 32)
    np.testing.assert_allclose(patches, 5.0, atol=0.01)
    np.testing.assert_allclose(defoci, sites.defoci, atol=20)


def test_a_group_is_next_to_each_other(sheets):
    rng = np.random.default_rng(0)
    sites = sheets[0]
    groups = [sites.group(12, rng) for _ in range(40)]
    for own in groups:
        assert len(set(own)) == 12
        # Of 1.82 angstroms to the next one.
        assert (np.ptp(sites.places[own], axis=0) * sites.pixel < 25).all()
    some = [(sites.classes[own] == 0).any() for own in groups]
    assert 0 < np.mean(some) < 1


def test_a_training_of_series_is_the_same_again(sheets):
    torch = pytest.importorskip("torch")
    series = importlib.import_module("hrtem_series")
    columns = importlib.import_module("columns")
    options = Namespace(seed=4, steps=12, weights=None)
    found = []
    for _ in range(2):
        torch.manual_seed(4)
        rng = np.random.default_rng(4)
        network = columns.train(
            series.Network(4),
            lambda rng=rng: series.batch_of(sheets, "MoS2", rng),
            options,
            series.HIGHEST_RATE,
            series.AVERAGED,
            series.losses,
        )
        found.append(network.as_weights())
    one, again = found
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])


def test_the_temperature_is_what_logits_were_divided_by():
    pytest.importorskip("torch")
    series = importlib.import_module("hrtem_series")
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(4000, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = (chances.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    assert series.temperature_of(3 * logits, classes) == pytest.approx(3, rel=0.1)
