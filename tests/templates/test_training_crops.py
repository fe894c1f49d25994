# SPDX-License-Identifier: GPL-3.0-or-later
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame, cell_size
from hyperspy_symseg.templates.training_crops import (
    MOST_CELLS,
    SIDE,
    TrainingFrames,
    _tiles,
    cut_into_crops,
    training_crops,
)

PERIOD = 6.0


def sides(pixels):
    return tuple(axis.stop - axis.start for axis in pixels)


def crystal(shape, period=PERIOD):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.cos(2 * np.pi * y / period) + np.cos(2 * np.pi * x / period)


def noisy(frame, seed=0):
    return frame + np.random.default_rng(seed).normal(size=frame.shape)


def crops_in(frames, masks=None):
    masks = masks or [None] * len(frames)
    shape = frames[0].shape

    def read(i, pixels):
        return frames[i][pixels], None if masks[i] is None else masks[i][pixels]

    return training_crops(TrainingFrames(read, len(frames), shape, PERIOD))[0]


def firsts(found):
    """First pixels of crops."""
    return [(crop.pixels[0].start, crop.pixels[1].start) for crop in found]


def test_crops_of_a_large_frame():
    # Crops of 240 pixels.
    found = cut_into_crops((500, 1000), 12)
    starts = [(rows.start, columns.start) for rows, columns in found]
    assert starts == [(y, x) for y in (0, 120, 252) for x in (0, 180, 372, 564, 756)]
    assert {sides(pixels) for pixels in found} == {(240, 240)}


def test_a_short_axis_is_not_cut():
    assert cut_into_crops((61, 83), 12) == [(slice(0, 61), slice(0, 83))]


@given(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), st.floats(2, 60))
def test_crops_cover_the_frame_but_for_a_cell(shape, period):
    found, cell = cut_into_crops(shape, period), cell_size(period)
    assert {sides(pixels) for pixels in found} == {
        tuple(min(SIDE * cell, n) for n in shape)
    }
    for axis, length in enumerate(shape):
        cuts = sorted({(pixels[axis].start, pixels[axis].stop) for pixels in found})
        assert cuts[0][0] == 0
        assert length - cell < cuts[-1][1] <= length
        assert all(start % cell == 0 for start, _ in cuts)
        assert all(
            start <= stop
            for (start, _), (_, stop) in zip(cuts[1:], cuts[:-1], strict=True)
        )


def test_small_frames_are_crops_themselves():
    frames = list(np.random.default_rng(0).random((2, 61, 83)))
    mask = frames[1] > 0.5
    found = crops_in(frames, [None, mask])
    assert [crop.weight for crop in found] == [1, 1]
    for crop, frame, of_frame in zip(found, frames, [None, mask], strict=True):
        np.testing.assert_array_equal(crop.frame, frame)
        if of_frame is None:
            assert crop.mask is None
        else:
            np.testing.assert_array_equal(crop.mask, of_frame)


@pytest.mark.parametrize("n_frames", [1, 3])
def test_there_are_no_more_cells_than_allowed(n_frames):
    frames = [noisy(crystal((500, 700)), seed) for seed in range(n_frames)]
    found = crops_in(frames)
    # But for one crop a frame.
    most = MOST_CELLS * 6**2 + (n_frames - 1) * 120**2
    assert sum(crop.normalized.pixels.size for crop in found) <= most
    # All crops count, once.
    n_crops = n_frames * len(cut_into_crops((500, 700), PERIOD))
    assert sum(crop.weight for crop in found) == pytest.approx(n_crops)


def test_crops_with_another_crystal_are_among_them():
    frame = crystal((500, 700))
    frame[430:470, 560:620] = crystal((40, 60), 9.0)
    frame = noisy(frame)
    found = crops_in([frame])
    reached = [
        crop.weight
        for crop, (y, x) in zip(found, firsts(found), strict=True)
        if y < 460 < y + 120 and x < 590 < x + 120
    ]
    assert reached
    assert all(weight == 1 for weight in reached)


def test_the_others_are_spread_evenly():
    frame = noisy(crystal((500, 700)))
    found = crops_in([frame])
    others = [
        place
        for crop, place in zip(found, firsts(found), strict=True)
        if crop.weight > 1
    ]
    assert len(others) == len(found) - len(found) // 2
    assert others == sorted(others)
    assert others[-1][0] - others[0][0] > 250


def test_without_any_reflection_they_are_spread_evenly():
    shape = 500, 700
    found = crops_in([np.random.default_rng(0).normal(size=shape)])
    assert len({crop.weight for crop in found}) == 1
    assert found[0].weight * len(found) == pytest.approx(
        len(cut_into_crops(shape, PERIOD))
    )


def test_there_are_none_without_valid_pixels():
    assert crops_in([np.full((500, 700), np.nan)]) == []


def test_crops_are_where_there_are_valid_pixels():
    frame = noisy(crystal((500, 700)))
    mask = np.ones(frame.shape, bool)
    mask[100:300, 200:500] = False
    found = crops_in([frame], [mask])
    assert found
    most = max(crop.normalized.counts.sum() for crop in found)
    assert all(crop.normalized.counts.sum() >= most / 2 for crop in found)


def test_a_particle_in_vacuum_is_enough():
    frame = noisy(crystal((500, 700)))
    y, x = np.mgrid[:500, :700]
    frame[np.hypot(y - 260, x - 370) > 30] = np.nan
    found = crops_in([frame])
    assert found
    assert all(crop.normalized.counts.any() for crop in found)


def test_every_frame_has_a_crop():
    frames = [noisy(crystal((200, 300)), seed) for seed in range(12)]
    found = crops_in(frames)
    assert {id(crop.frame.base) for crop in found} == set(map(id, frames))


def test_what_is_masked_tells_nothing():
    frame = crystal((500, 700))
    mask = np.zeros(frame.shape, bool)
    mask[430:470, 560:620] = True
    other = np.where(mask, crystal(frame.shape, 9.0), frame)
    first, second = (crops_in([noisy(each)], [mask]) for each in (frame, other))
    for one, two in zip(first, second, strict=True):
        assert one.pixels == two.pixels
        np.testing.assert_array_equal(one.normalized.pixels, two.normalized.pixels)


def test_a_crop_is_normalised_as_part_of_its_frame():
    frame = noisy(crystal((500, 700)))
    whole = NormalizedFrame(frame, None, PERIOD)
    found = crops_in([frame])
    for crop, (y, x) in zip(found, firsts(found), strict=True):
        window = np.s_[y : y + 120, x : x + 120]
        assert crop.pixels == window
        np.testing.assert_array_equal(crop.normalized.pixels, whole.pixels[window])


def test_frames_are_read_once_if_there_is_room():
    frames = [noisy(crystal((500, 700)), seed) for seed in range(3)]

    def read(i, pixels):
        seen.append(i)
        return frames[i][pixels], None

    def number(**options):
        seen.clear()
        training_crops(TrainingFrames(read, 3, (500, 700), PERIOD, **options))
        return len(seen)

    seen = []
    assert number() == 3
    # To count valid pixels, to learn one pattern, to see where it fits, and the crops
    # of both kinds.
    assert number(most_pixels=500 * 700) <= 5 * 3


def test_large_frames_are_looked_at_in_tiles():
    frame = noisy(crystal((4200, 150)))

    def read(i, pixels):
        seen.append(tuple((axis.start, axis.stop) for axis in pixels))
        return frame[pixels], None

    seen = []
    found, templates = training_crops(TrainingFrames(read, 1, frame.shape, PERIOD))
    assert seen == [((0, 2100), (0, 150)), ((2100, 4200), (0, 150))]
    assert {crop.normalized.shape for crop in found} == {(120, 120)}
    assert sum(crop.weight for crop in found) == pytest.approx(2 * 18 * 2)
    # What the crops were chosen by is not learnt again.
    assert templates.n_patterns == 1
    assert len(templates.reflections)


def test_small_frames_need_no_templates_to_be_looked_at():
    frame = noisy(crystal((61, 83)))
    _, templates = training_crops(
        TrainingFrames(lambda *_: (frame, None), 1, frame.shape, PERIOD)
    )
    assert templates is None


@pytest.mark.parametrize(("shape", "cell"), [((61, 5000), 6), ((9000, 4095), 300)])
def test_tiles_are_large_enough_for_a_crop(shape, cell):
    tiles = _tiles(shape, cell)
    for axis, n in enumerate(shape):
        ends = sorted({(tile[axis].start, tile[axis].stop) for tile in tiles})
        assert ends[0][0] == 0
        assert ends[-1][1] == n
        assert all(a[1] == b[0] for a, b in itertools.pairwise(ends))
        assert all(start % cell == 0 for start, _ in ends)
        assert all(stop - start >= min(SIDE * cell, n) for start, stop in ends)


def test_progress_is_by_frame():
    frames = [noisy(crystal((500, 700)), seed) for seed in range(3)]

    def read(i, pixels):
        return frames[i][pixels], None

    def progress(numbers, total, desc, unit):
        seen.append(total)
        for i in numbers:
            seen.append(i)
            yield i

    seen = []
    with workers(1, progress):
        training_crops(TrainingFrames(read, 3, (500, 700), PERIOD))
    assert seen == [3, 0, 1, 2]


def test_crops_are_chosen_from_all_frames():
    frames = [noisy(crystal((130, 150)), seed) for seed in range(8)]
    frames[2][60:90, 60:90] = noisy(crystal((30, 30), 9.0))
    found = crops_in(frames)
    assert found[0].weight == 1
    np.testing.assert_array_equal(found[0].frame, frames[2])


def test_crops_of_a_large_frame_have_the_examples():
    # Crops of 120 pixels.
    frame = noisy(crystal((1000, 960)))
    examples = np.full(frame.shape, -1)
    examples[130:160, 250:290] = 1
    examples[900:930, 700:730] = 0

    def read(_, pixels):
        return frame[pixels], None

    frames = TrainingFrames(read, 1, frame.shape, PERIOD, examples=[examples])
    found, templates = training_crops(frames)
    counts = sum(
        np.bincount(crop.examples[crop.examples >= 0], minlength=2) for crop in found
    )
    assert counts[0] >= 900
    assert counts[1] >= 1200
    assert templates is None
    assert len(found) <= 9 + 1


def test_examples_of_a_crop_are_those_of_its_pixels():
    frame = noisy(crystal((60, 90)))
    examples = np.arange(60 * 90).reshape(60, 90)
    frames = TrainingFrames(
        lambda _, pixels: (frame[pixels], None),
        1,
        frame.shape,
        PERIOD,
        examples=[examples],
    )
    crop = frames.crop(0, (slice(12, 30), slice(6, 66)))
    np.testing.assert_array_equal(crop.examples, examples[12:30, 6:66])
