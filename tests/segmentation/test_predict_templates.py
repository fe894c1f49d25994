# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames import Grid, Tile
from hyperspy_symseg.frames.cut import whole
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.predict import label_frame, refine
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.blocks import interpolated

from .conftest import TRANSLATION

PERIOD = 7.0


@pytest.fixture(scope="module")
def model(frame):
    """Of 61 x 83 pixels, with templates."""
    return SymmetryModel.fit(frame, TRANSLATION, 2, stride=3, period=PERIOD)


@pytest.fixture(scope="module")
def refined(model, frame):
    return label_frame(model, frame, certainty=True)


@pytest.mark.parametrize(("period", "pixels"), [(12, 300), (9, 225), (7, 174), (3, 75)])
def test_margin_is_more_than_24_periods_and_of_whole_cells(period, pixels):
    templates = Templates(period, 1, [], [], [], 1.0)
    assert templates.margin == pixels
    assert templates.margin > 24 * period


def test_a_model_without_templates_has_no_margin(fitted):
    assert fitted.margin == 0


def test_hand_worked_interpolation():
    # The centre of a block of three pixels is its second one.
    blocks = np.array([[[0, 3, 6], [9, 9, 9]]], np.float32)
    expected = [
        [0, 0, 1, 2, 3, 4, 5, 6, 6],
        [0, 0, 1, 2, 3, 4, 5, 6, 6],
        [3, 3, 11 / 3, 13 / 3, 5, 17 / 3, 19 / 3, 7, 7],
        [6, 6, 19 / 3, 20 / 3, 7, 22 / 3, 23 / 3, 8, 8],
        [9] * 9,
        [9] * 9,
    ]
    found = interpolated(blocks, 3, np.arange(6), np.arange(9))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


@given(
    st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1)
)
def test_interpolated_values_are_between_those_of_the_blocks(
    block, rows, columns, seed
):
    blocks = np.random.default_rng(seed).random((2, rows, columns)).astype(np.float32)
    pixels = np.arange(rows * block), np.arange(columns * block)
    found = interpolated(blocks, block, *pixels)
    for one, expected in zip(found, blocks, strict=True):
        assert one.min() >= expected.min() - 1e-6
        assert one.max() <= expected.max() + 1e-6


def test_blocks_of_one_pixel_are_not_changed():
    blocks = np.random.default_rng(0).random((3, 7, 11)).astype(np.float32)
    found = interpolated(blocks, 1, np.arange(7), np.arange(11))
    np.testing.assert_array_equal(found, blocks)


@pytest.mark.parametrize("shift", [0, 3, 5])
def test_a_part_of_the_pixels_is_interpolated(shift):
    blocks = np.random.default_rng(0).random((2, 7, 11)).astype(np.float32)
    everything = interpolated(blocks, 4, np.arange(28), np.arange(44))
    rows, columns = np.arange(shift, 20), np.arange(2, 30 + shift)
    np.testing.assert_array_equal(
        interpolated(blocks, 4, rows, columns), everything[:, shift:20, 2 : 30 + shift]
    )


def test_labels_are_the_grains(refined, two_grains):
    assert (refined["label"] == two_grains[1]).mean() > 0.96


def test_labels_are_the_same_with_and_without_certainty(model, frame, refined):
    found = model.predict(frame)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, refined["label"])


def test_certainty_is_a_probability(refined):
    assert refined["certainty"].dtype == np.float32
    # Of two patterns, the label is the more probable one.
    assert refined["certainty"].min() >= 0.5 - 1e-6
    assert refined["certainty"].max() <= 1


def test_certainty_that_is_not_asked_for_is_not_computed(model, frame):
    grid = Grid.over(frame.shape, 3)
    arguments = model.templates, frame, None, whole(grid, frame.shape)
    found, certainty = refine(*arguments, certainty=False)
    assert certainty is None
    assert found.dtype == np.int16
    assert found.shape == frame.shape
    np.testing.assert_array_equal(found, refine(*arguments)[0])


def test_pixels_that_are_not_finite_have_no_label(model, frame):
    patched = frame.astype(float)
    patched[:, :40] = np.nan
    labels = model.predict(patched)
    np.testing.assert_array_equal(labels == -1, np.isnan(patched))


def test_a_frame_of_one_value_has_no_label(model, caplog):
    assert (model.predict(np.full((61, 83), 7.0)) == -1).all()
    assert "100 % of the pixels are in areas of one value" in caplog.text


def test_an_area_of_one_value_has_no_label_and_no_certainty(model, frame):
    saturated = frame.copy()
    saturated[20:45, 30:] = 255
    found = label_frame(model, saturated, certainty=True)
    flat = np.zeros(frame.shape, bool)
    flat[20:45, 30:] = True
    np.testing.assert_array_equal(found["label"] == -1, flat)
    np.testing.assert_array_equal(np.isnan(found["certainty"]), flat)


def test_masked_pixels_have_no_label_and_no_certainty(model, frame):
    mask = np.zeros(frame.shape, bool)
    mask[10:23, 40:52] = True
    found = label_frame(model, frame, mask, certainty=True)
    np.testing.assert_array_equal(found["label"] == -1, mask)
    np.testing.assert_array_equal(np.isnan(found["certainty"]), mask)


@pytest.mark.parametrize("certainty", [False, True])
def test_labels_on_the_grid_are_those_of_its_pixels(model, frame, certainty):
    found = label_frame(
        model, frame, stride=(4, 5), upsample=False, certainty=certainty
    )
    everywhere = label_frame(model, frame, stride=(4, 5), certainty=certainty)
    grid = Grid.over(frame.shape, (4, 5))
    np.testing.assert_array_equal(found, everywhere[np.ix_(grid.rows, grid.columns)])


@pytest.mark.parametrize("upsample", [False, True])
def test_probabilities_are_those_of_the_labels(model, frame, upsample):
    mask = np.zeros(frame.shape, bool)
    mask[10:23, 40:52] = True
    saturated = frame.copy()
    saturated[20:45, 60:] = 255
    options = {"stride": (4, 5), "upsample": upsample}
    found = label_frame(model, saturated, mask, certainty=True, **options)
    probabilities = model.predict_proba(saturated, mask, **options)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (*found.shape, 2)
    left_out = found["label"] == -1
    assert left_out.any()
    np.testing.assert_array_equal(np.isnan(probabilities).all(axis=-1), left_out)
    np.testing.assert_array_equal(probabilities.max(axis=-1), found["certainty"])
    own, labels = probabilities[~left_out], found["label"][~left_out]
    np.testing.assert_array_equal(own.argmax(axis=-1), labels)
    np.testing.assert_allclose(own.sum(axis=-1), 1, rtol=1e-5)


def test_probabilities_without_templates_are_an_error(fitted, frame):
    with pytest.raises(ValueError, match="^model must have templates for prob"):
        fitted.predict_proba(frame)


@pytest.mark.parametrize("upsample", [False, True])
def test_step_of_the_labels(model, fitted, upsample):
    assert model.label_step((3, 4), upsample) == ((1, 1) if upsample else (3, 4))
    assert fitted.label_step((3, 4), upsample) == (3, 4)


def test_dtype_of_the_result(model):
    assert model.result_dtype(False) == np.int8
    assert model.result_dtype(True).names == ("label", "certainty")


@pytest.mark.parametrize("num_workers", [1, 3])
def test_threads_change_nothing(model, frame, refined, num_workers):
    with workers(num_workers):
        found = label_frame(model, frame, certainty=True)
    np.testing.assert_array_equal(found, refined)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("upsample", [False, True])
def test_tiles_need_their_source_only(model, upsample, masked):
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:61, :1500]
    frame = np.where(x < 700, np.cos(2 * np.pi * y / 7), np.cos(2 * np.pi * x / 7))
    frame = frame + 0.3 * rng.normal(size=frame.shape)
    mask = rng.random(frame.shape) < 0.02 if masked else None
    grid = Grid.over(frame.shape, model.stride)
    [tiles] = model.tiles(grid, frame.shape, (61, 600))
    assert len(tiles) > 2
    assert tiles[0].outer[1].stop < 1500

    def cut(array, tile):
        if array is None:
            return None
        first = [axis.start for axis in tile.outer]
        return Tile.at(first, array[tile.outer].copy(), array.shape)

    options = {"upsample": upsample, "certainty": True}
    whole_frame = label_frame(model, frame, mask, **options)
    for tile in tiles:
        found = model.predict_tile(
            cut(frame, tile), cut(mask, tile), grid, tile, **options
        )
        expected = model.predict_tile(frame, mask, grid, tile, **options)
        for name in ("label", "certainty"):
            np.testing.assert_array_equal(found[name], expected[name])
        # In a larger tile displacements are rounded another way: noise amplifies that.
        of_whole = whole_frame[tile.inner if upsample else tile.samples]
        np.testing.assert_array_equal(found["label"], of_whole["label"])
        np.testing.assert_allclose(found["certainty"], of_whole["certainty"], atol=1e-3)


def test_labels_are_as_often_right_as_they_are_certain_where_evidence_is_weak():
    # Two lattices that are known, and so much noise that whole regions are wrong.
    shape, noise = (153, 198), 10
    y, x = np.indices(shape)
    angles = np.radians([[5, 95], [41, 131]])
    reflections = np.stack([np.sin(angles), np.cos(angles)], axis=-1) / PERIOD
    first, second = (
        sum(np.cos(2 * np.pi * (gy * y + gx * x) + 0.3) for gy, gx in own)
        for own in reflections
    )
    truth = (x >= 90).astype(int)
    total = 1 + noise**2
    templates = Templates(
        PERIOD,
        2,
        [0, 0, 1, 1],
        reflections.reshape(4, 2),
        np.full(4, 0.5 / np.sqrt(total)),
        noise**2 / total,
    )
    everywhere = whole(Grid.over(shape, 3), shape)
    certain, right = [], []
    for seed in range(8):
        white = np.random.default_rng(seed).normal(size=shape)
        frame = np.where(truth, second, first) + noise * white
        labels, probabilities = refine(templates, frame, None, everywhere)
        certain.append(probabilities.max(axis=0).mean())
        right.append((labels == truth).mean())
    assert np.mean(right) < 0.93
    assert np.mean(certain) == pytest.approx(np.mean(right), abs=0.04)


@pytest.fixture(scope="module")
def motifs():
    """Two motifs on one lattice, the second between two walls; and a model of them."""
    y, x = np.mgrid[:61, :1500]
    lattice = np.cos(2 * np.pi * y / PERIOD) + np.cos(2 * np.pi * x / PERIOD)
    order = np.cos(2 * np.pi * (x + y) / PERIOD)
    frame = lattice + np.where((x > 500) & (x < 900), 0.5, -0.5) * order
    frame += 1.5 * np.random.default_rng(6).normal(size=frame.shape)
    model = SymmetryModel.fit(frame, TRANSLATION, 2, stride=3, period=PERIOD)
    assert model.templates.are_motifs
    return frame, model


def test_motifs_are_the_same_in_tiles(motifs):
    frame, model = motifs
    grid = Grid.over(frame.shape, model.stride)
    expected = label_frame(model, frame, certainty=True)
    [tiles] = model.tiles(grid, frame.shape, (61, 350))
    assert tiles[1].outer[1].stop < 1500
    for tile in tiles:
        outer = Tile.at(
            [axis.start for axis in tile.outer], frame[tile.outer].copy(), frame.shape
        )
        found = model.predict_tile(outer, None, grid, tile, certainty=True)
        of_whole = expected[tile.inner]
        np.testing.assert_array_equal(found["label"], of_whole["label"])
        np.testing.assert_allclose(found["certainty"], of_whole["certainty"], atol=1e-3)


def test_motifs_are_told_apart(motifs):
    frame, model = motifs
    x = np.arange(1500)
    found = label_frame(model, frame) == ((x > 500) & (x < 900))
    assert abs(found.mean() - 0.5) > 0.49


def test_a_model_that_does_not_know_its_variances_labels_motifs(motifs):
    frame, model = motifs
    expected = label_frame(model, frame)
    templates = dataclasses.replace(model.templates, variances=())
    found = label_frame(dataclasses.replace(model, templates=templates), frame)
    assert (found == expected).mean() > 0.99
