# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import PowerSpectrum, TranslationSymmetry
from hyperspy_symseg.frames import Grid, Tile
from hyperspy_symseg.frames.cut import (
    LARGEST_TILE,
    cut_into_tiles,
    whole,
)
from hyperspy_symseg.frames.tile import widened
from hyperspy_symseg.frames.tiling import tile_cuts
from hyperspy_symseg.segmentation import SymmetryModel, upsample_labels


class SmallTiles:
    tile_shape = (10, 16)


class Translations(SmallTiles, TranslationSymmetry):
    pass


class PowerSpectra(SmallTiles, PowerSpectrum):
    pass


DESCRIPTORS = {
    "translation": Translations(patch=5, window=8, max_operations=49),
    "power_spectrum": PowerSpectra(window=(9, 7)),
}
TRANSLATION = DESCRIPTORS["translation"]


@pytest.fixture(scope="module")
def frame(two_grains):
    frame = two_grains[0].data.astype(np.float32)
    frame[12:15, 40:42] = np.nan
    return frame


@pytest.fixture(scope="module")
def mask(frame):
    mask = np.zeros(frame.shape, bool)
    mask[30:45, 9:14] = True
    return mask


@pytest.fixture(scope="module")
def models(frame):
    return {
        name: SymmetryModel.fit(frame, descriptor, stride=3, period=None)
        for name, descriptor in DESCRIPTORS.items()
    }


@st.composite
def cut_frames(draw, most=(500, 600)):
    """Shape of a frame, its grid, and the size of its parts."""
    shape = tuple(draw(st.integers(1, n)) for n in most)
    grid = Grid.over(shape, [draw(st.integers(1, min(n, 12))) for n in shape])
    return shape, grid, tuple(draw(st.integers(1, n + 9)) for n in most)


def along_the_axes(parts, name):
    """Slices of the first column and of the first row of parts."""
    rows = [getattr(row[0], name)[0] for row in parts]
    return rows, [getattr(part, name)[1] for part in parts[0]]


@settings(deadline=None)
@given(cut_frames())
def test_parts_are_rows_of_columns(case):
    shape, grid, tile_shape = case
    parts = cut_into_tiles(TRANSLATION, grid, shape, tile_shape)
    for name in ("samples", "inner"):
        rows, columns = along_the_axes(parts, name)
        for row, of_row in zip(rows, parts, strict=True):
            assert [getattr(part, name) for part in of_row] == [
                (row, column) for column in columns
            ]


@settings(deadline=None)
@given(cut_frames(), st.sampled_from(["samples", "inner"]))
def test_parts_follow_each_other_from_end_to_end(case, name):
    shape, grid, tile_shape = case
    parts = cut_into_tiles(TRANSLATION, grid, shape, tile_shape)
    lengths = grid.shape if name == "samples" else shape
    for slices, length in zip(along_the_axes(parts, name), lengths, strict=True):
        assert slices[0].start == 0
        assert [each.stop for each in slices[:-1]] == [s.start for s in slices[1:]]
        assert slices[-1].stop == length


@settings(deadline=None)
@given(cut_frames())
def test_pixels_of_a_part_are_nearest_to_its_samples(case):
    shape, grid, tile_shape = case
    # The column of the sample that gives a pixel its label.
    columns = np.broadcast_to(np.arange(grid.shape[1]), grid.shape)
    sample = upsample_labels(columns, grid, shape)[0]
    for part in cut_into_tiles(TRANSLATION, grid, shape, tile_shape)[0]:
        own = np.unique(sample[part.inner[1]])
        assert own.tolist() == list(range(part.samples[1].start, part.samples[1].stop))


@settings(deadline=None)
@given(cut_frames())
def test_part_is_no_larger_than_asked_for_unless_it_is_one_tile(case):
    shape, grid, tile_shape = case
    parts = cut_into_tiles(TRANSLATION, grid, shape, tile_shape)
    cuts = tile_cuts(TRANSLATION, grid)
    for axis in (0, 1):
        samples = along_the_axes(parts, "samples")[axis]
        pixels = along_the_axes(parts, "inner")[axis]
        for own, covered in zip(samples, pixels, strict=True):
            length = covered.stop - covered.start
            assert length <= tile_shape[axis] or own in cuts[axis]


@settings(deadline=None)
@given(cut_frames())
def test_part_could_not_take_the_next_tile_too(case):
    shape, grid, tile_shape = case
    parts = cut_into_tiles(TRANSLATION, grid, shape, tile_shape)
    cuts = tile_cuts(TRANSLATION, grid)
    for axis in (0, 1):
        samples = along_the_axes(parts, "samples")[axis]
        pixels = along_the_axes(parts, "inner")[axis]
        for i in range(len(samples) - 1):
            [after] = [cut for cut in cuts[axis] if cut.start == samples[i].stop]
            both = Grid(
                (grid.first[axis],) * 2,
                (grid.stride[axis],) * 2,
                (after.stop,) * 2,
            )
            last = both.rows[-1] + (grid.stride[axis] - 1) // 2
            end = shape[axis] if after.stop == grid.shape[axis] else last + 1
            assert end - pixels[i].start > tile_shape[axis]


def test_part_at_the_end_is_no_larger_than_asked_for():
    # Columns 0, 2, .. 62, in tiles of 8: the last two tiles have all from 31 to 63.
    grid = Grid.over((1, 64), (1, 2))
    [parts] = cut_into_tiles(TRANSLATION, grid, (1, 64), (10, 32))
    ends = [part.inner[1].stop for part in parts]
    assert ends == [31, 47, 64]


@pytest.mark.parametrize("shape", [(61, 83), (60, 70)])
def test_frame_no_larger_than_a_part_is_one_part(shape):
    grid = Grid.over(shape, 2)
    assert cut_into_tiles(TRANSLATION, grid, shape, (61, 83)) == [[whole(grid, shape)]]


def test_frame_larger_along_one_axis_is_cut_along_this_one():
    shape = LARGEST_TILE[0], LARGEST_TILE[1] + 1
    parts = cut_into_tiles(TRANSLATION, Grid.over(shape, 5), shape)
    assert [len(row) for row in parts] == [2]


def test_source_of_a_part_is_what_its_labels_depend_on():
    # Half a patch of 5 and shifts of up to 6 around rows 0, 3, 6
    # and columns 0, 3, .. 12.
    grid = Grid.over((62, 83), 3)
    first = cut_into_tiles(TRANSLATION, grid, (62, 83), (11, 17))[0][0]
    assert TRANSLATION.operations.max() == 6
    assert first.samples == (slice(0, 3), slice(0, 5))
    assert first.outer == (slice(0, 6 + 11 + 1), slice(0, 12 + 11 + 1))


@settings(deadline=None)
@given(cut_frames(), st.integers(0, 80))
def test_a_margin_is_in_the_source_as_far_as_the_frame_goes(case, margin):
    shape, grid, tile_shape = case
    plain = cut_into_tiles(TRANSLATION, grid, shape, tile_shape)
    parts = cut_into_tiles(TRANSLATION, grid, shape, tile_shape, margin)
    for row, plain_row in zip(parts, plain, strict=True):
        for part, without in zip(row, plain_row, strict=True):
            assert (part.samples, part.inner) == (without.samples, without.inner)
            wanted = widened(part.inner, margin, shape)
            for own, other, least in zip(
                part.outer, without.outer, wanted, strict=True
            ):
                assert own.start == min(other.start, least.start)
                assert own.stop == max(other.stop, least.stop)


def test_source_has_all_pixels_that_get_a_label():
    # Samples every 30 pixels are further apart than what is looked at around them.
    grid = Grid.over((90, 91), 30)
    [[part]] = cut_into_tiles(TRANSLATION, grid, (90, 91), (90, 91))
    assert part.outer == (slice(0, 90), slice(0, 91))


@pytest.mark.parametrize(("upsample", "shape"), [(True, (8, 14)), (False, (3, 5))])
def test_shape_of_the_labels_of_a_part(upsample, shape):
    grid = Grid.over((61, 83), 3)
    part = cut_into_tiles(TRANSLATION, grid, (61, 83), (11, 17))[0][0]
    assert part.result_shape(upsample) == shape


def labels_of_tiles(model, frame, mask, grid, tile_shape, upsample):
    """Labels of parts of a frame, of which each sees its source only."""

    def cut(array, part):
        if array is None:
            return None
        first = [axis.start for axis in part.outer]
        return Tile.at(first, array[part.outer].copy(), array.shape)

    parts = cut_into_tiles(model.descriptor, grid, frame.shape, tile_shape)
    return np.block(
        [
            [
                model.predict_tile(
                    cut(frame, part), cut(mask, part), grid, part, upsample=upsample
                )
                for part in row
            ]
            for row in parts
        ]
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("upsample", [False, True])
@pytest.mark.parametrize("name", DESCRIPTORS)
def test_labels_of_tiles_are_those_of_the_frame(
    models, frame, mask, name, upsample, masked
):
    mask = mask if masked else None
    grid = Grid.over(frame.shape, (3, 4))
    labels = labels_of_tiles(models[name], frame, mask, grid, (21, 33), upsample)
    expected = models[name].predict(frame, mask, stride=(3, 4), upsample=upsample)
    np.testing.assert_array_equal(labels, expected)


@settings(deadline=None, max_examples=60)
@given(case=cut_frames(most=(43, 61)), upsample=st.booleans(), masked=st.booleans())
def test_labels_of_any_parts_are_those_of_the_frame(
    models, frame, mask, case, upsample, masked
):
    (rows, columns), grid, tile_shape = case
    # As many as the descriptor needs.
    shape = rows + 18, columns + 22
    grid = Grid.over(shape, grid.stride)
    frame, mask = (array[: shape[0], : shape[1]] for array in (frame, mask))
    mask = mask if masked else None
    model = models["translation"]
    labels = labels_of_tiles(model, frame, mask, grid, tile_shape, upsample)
    expected = model.predict(frame, mask, stride=grid.stride, upsample=upsample)
    np.testing.assert_array_equal(labels, expected)
