# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    JoinedDescriptors,
    PowerSpectrum,
    ReflectionSymmetry,
    RotationSymmetry,
    TranslationSymmetry,
)
from hyperspy_symseg.frames import Grid, Tile
from hyperspy_symseg.frames.tile import hull, within_reach

DESCRIPTORS = {
    "translation": TranslationSymmetry(patch=(2, 3), window=(5, 4), max_operations=25),
    "translations": TranslationSymmetry(patch=3, translations=[(5, 0), (2, -4)]),
    "rotation": RotationSymmetry(radius=4, pooling=(5, 7), n_maxima=2),
    "rotation, not pooled": RotationSymmetry(radius=3, folds=[2, 3], pooling=1),
    "reflection": ReflectionSymmetry(radius=4, pooling=(9, 6), step=(3, 2)),
    "glide_reflection": GlideReflectionSymmetry(
        radius=3, n_axes=3, window=4, pooling=(7, 5), step=2
    ),
    "power_spectrum": PowerSpectrum(window=(5, 4)),
    "joined": JoinedDescriptors(
        [
            PowerSpectrum(window=(9, 2)),
            TranslationSymmetry(patch=2, window=(3, 13), max_operations=30),
        ]
    ),
}
# Samples of a grid with steps of 5 and 3 pixels.
PLACES = {
    "first corner": (slice(0, 2), slice(0, 3)),
    "last corner": (slice(-2, None), slice(-3, None)),
    "edge": (slice(10, 13), slice(-1, None)),
    "inside": (slice(12, 14), slice(25, 28)),
}
# Point operations look 40 pixels beyond their samples.
FRAME = np.random.default_rng(0).poisson(9, (123, 161)).astype(np.float32)
BROKEN = np.where(np.random.default_rng(1).random(FRAME.shape) < 0.01, np.nan, FRAME)
BROKEN[40:52, 30:55] = np.inf
MASK = np.random.default_rng(2).random(FRAME.shape) < 0.01
MASK[60:80, 70:90] = True


def assert_part_is_enough(descriptor, frame, grid, mask):
    """Scores of the part of the frame that is the support are those of the frame."""
    support = descriptor.support(grid, frame.shape)
    part, mask_part = (
        array
        if array is None
        else Tile.at([s.start for s in support], array[support].copy(), frame.shape)
        for array in (frame, mask)
    )
    of_part = descriptor.compute(part, grid, mask_part)
    assert of_part.tobytes() == descriptor.compute(frame, grid, mask).tobytes()


def test_part_is_addressed_by_the_pixels_of_the_frame():
    frame = np.arange(7 * 9).reshape(7, 9)
    part = Tile.at((2, 3), frame[2:6, 3:8], (7, 9))
    assert part[3:5, 4:8].tolist() == [[31, 32, 33, 34], [40, 41, 42, 43]]


def test_part_has_the_shape_of_the_frame_and_the_dtype_of_its_pixels():
    part = Tile.at((4, 5), np.zeros((2, 3), np.uint16), (7, 9))
    assert (part.shape, part.ndim, part.dtype) == ((7, 9), 2, np.uint16)


def test_whole_part_can_be_taken():
    assert Tile.at((2, 3), np.ones((4, 5)), (7, 9))[2:6, 3:8].shape == (4, 5)


@pytest.mark.parametrize(
    "slices", [np.s_[1:6, 3:8], np.s_[2:7, 3:8], np.s_[2:6, 2:8], np.s_[2:6, 3:9]]
)
def test_pixels_outside_the_part_are_an_error(slices):
    part = Tile.at((2, 3), np.ones((4, 5)), (7, 9))
    with pytest.raises(IndexError, match=r"begins at \(2, 3\) and has the shape \(4, "):
        part[slices]


def test_reach_of_a_grid_inside():
    # Rows 10, 15, 20 and columns 30, 33.
    grid = Grid((10, 30), (5, 3), (3, 2))
    assert within_reach(grid, (4, 6), (50, 60)) == (slice(6, 25), slice(24, 40))


def test_reach_ends_at_the_edges():
    grid = Grid((2, 5), (5, 3), (3, 4))
    assert within_reach(grid, (3, 9), (15, 16)) == (slice(0, 15), slice(0, 16))


def test_hull_of_two_parts():
    parts = [(slice(5, 9), slice(0, 3)), (slice(2, 6), slice(7, 8))]
    assert hull(parts) == (slice(2, 9), slice(0, 8))


def test_support_of_a_translation_is_patch_and_shift():
    # Half a patch of (1, 2) around pixels at most (3, 3) away, on both sides.
    descriptor = TranslationSymmetry(patch=(1, 2), window=(3, 4), max_operations=9)
    grid = Grid((20, 30), (6, 2), (2, 3))
    assert descriptor.operations.max(axis=0).tolist() == [3, 3]
    assert descriptor.support(grid, (60, 70)) == (slice(16, 31), slice(25, 40))


def test_support_of_listed_translations_has_their_opposites():
    # Which take their place where pixels are missing.
    descriptor = TranslationSymmetry(patch=(1, 2), translations=[(3, 0), (1, -4)])
    grid = Grid((20, 30), (1, 1), (1, 1))
    assert descriptor.support(grid, (60, 70)) == (slice(16, 25), slice(24, 37))


@pytest.mark.parametrize("name", ["translation", "power_spectrum", "joined"])
@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_outermost_pixels_of_the_support_matter(name, side):
    descriptor, grid = DESCRIPTORS[name], Grid((50, 60), (3, 2), (2, 3))
    rows, columns = descriptor.support(grid, FRAME.shape)
    line = {
        "top": (rows.start, columns),
        "bottom": (rows.stop - 1, columns),
        "left": (rows, columns.start),
        "right": (rows, columns.stop - 1),
    }[side]
    changed = FRAME.copy()
    changed[line] += 100 * np.random.default_rng(3).random(changed[line].shape)
    scores = descriptor.compute(FRAME, grid), descriptor.compute(changed, grid)
    assert np.abs(np.subtract(*scores)).max() > 1e-3


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", DESCRIPTORS)
def test_support_is_enough(name, place):
    grid = Grid.over(FRAME.shape, (5, 3)).within(*PLACES[place])
    assert_part_is_enough(DESCRIPTORS[name], FRAME, grid, None)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", DESCRIPTORS)
def test_support_is_enough_with_pixels_left_out(name, place):
    grid = Grid.over(FRAME.shape, (5, 3)).within(*PLACES[place])
    assert_part_is_enough(DESCRIPTORS[name], BROKEN, grid, MASK)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_support_of_a_tile_inside_is_not_the_whole_frame(name):
    descriptor, shape = DESCRIPTORS[name], (1000, 1100)
    support = descriptor.support(Grid((500, 600), (3, 2), (4, 5)), shape)
    # 40 pixels for the spline, and twice 20 are more than any length above.
    assert all(axis.stop - axis.start < 2 * (40 + 40) for axis in support)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(DESCRIPTORS)), st.data())
def test_support_of_any_grid_is_enough(name, data):
    strides = [data.draw(st.integers(1, 9)) for _ in FRAME.shape]
    grid = Grid.over(FRAME.shape, strides)
    begins = [data.draw(st.integers(0, n - 1)) for n in grid.shape]
    grid = grid.within(*(slice(b, b + data.draw(st.integers(1, 3))) for b in begins))
    frame = data.draw(st.sampled_from([FRAME, BROKEN]))
    mask = data.draw(st.sampled_from([None, MASK]))
    assert_part_is_enough(DESCRIPTORS[name], frame, grid, mask)
