# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from hyperspy_symseg.descriptors import Descriptor, TranslationSymmetry, compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.frames.tiling import TILE_BYTES, map_tiles, tile_cuts


class SmallTiles(TranslationSymmetry):
    tile_shape = (16, 24)


DESCRIPTOR = SmallTiles(patch=4, window=5, max_operations=25)
FRAME = np.random.default_rng(0).normal(size=(70, 90))


def tiles_of(grid, within=None):
    return list(itertools.product(*tile_cuts(DESCRIPTOR, grid, within)))


def test_tiles_cover_the_grid_once():
    grid = Grid.over(FRAME.shape, 3)
    count = np.zeros(grid.shape, int)
    for rows, columns in tiles_of(grid):
        count[rows, columns] += 1
    assert (count == 1).all()


def test_tiles_are_limited_in_pixels():
    for rows, columns in tiles_of(Grid.over((70, 90), 3)):
        assert (rows.stop - rows.start) * 3 <= 16
        assert (columns.stop - columns.start) * 3 <= 24


@pytest.mark.parametrize("n_operations", [1, 81, 1681, 10**6, 10**9])
def test_tiles_are_limited_in_bytes(n_operations):
    descriptor = SimpleNamespace(
        operations=range(n_operations), tile_shape=Descriptor.tile_shape
    )
    rows, columns = tile_cuts(descriptor, Grid.over((900, 1100), 1))
    for row, column in itertools.product(rows[:3], columns[:3]):
        size = (row.stop - row.start) * (column.stop - column.start)
        assert size == 1 or 4 * size * n_operations <= TILE_BYTES


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("num_workers", [1, 2, 4])
def test_scores_do_not_depend_on_tiles_and_threads(masked, num_workers):
    mask = np.random.default_rng(1).random(FRAME.shape) < 0.05 if masked else None
    grid = Grid.over(FRAME.shape, 3)
    with workers(num_workers):
        scores = compute_scores(DESCRIPTOR, FRAME, grid, mask)
    whole = DESCRIPTOR.compute(FRAME, grid, mask)
    np.testing.assert_allclose(scores, whole, atol=1e-6)


def test_progress_wraps_all_tiles():
    totals = []

    def progress(iterator, total, desc, unit):
        totals.append((total, len(list(iterator))))
        return ()

    grid = Grid.over(FRAME.shape, 3)
    with workers(2, progress):
        map_tiles(lambda *tile: None, DESCRIPTOR, grid, counted="Scoring")
    n_tiles = len(tiles_of(grid))
    assert totals == [(n_tiles, n_tiles)]


def test_error_in_a_thread_is_raised():
    def fail(*tile):
        raise OSError("broken")

    with workers(2), pytest.raises(OSError, match="broken"):
        map_tiles(fail, DESCRIPTOR, Grid.over(FRAME.shape, 3), counted=None)


# Tiles of 5 x 8 samples make five rows of tiles and four columns.
WITHIN = {
    "all": (slice(0, 24), slice(0, 30)),
    "first": (slice(0, 5), slice(0, 8)),
    "last": (slice(10, 24), slice(22, 30)),
    "inside": (slice(5, 14), slice(8, 22)),
}


def test_tiles_of_the_cases_below():
    rows, columns = tile_cuts(DESCRIPTOR, Grid.over(FRAME.shape, 3))
    assert [cut.start for cut in rows] == [0, 5, 10, 14, 19]
    assert [cut.start for cut in columns] == [0, 8, 15, 22]


def test_tiles_within_a_part_of_the_grid():
    grid = Grid.over(FRAME.shape, 3)
    assert tiles_of(grid, WITHIN["inside"]) == [
        (slice(5, 10), slice(8, 15)),
        (slice(5, 10), slice(15, 22)),
        (slice(10, 14), slice(8, 15)),
        (slice(10, 14), slice(15, 22)),
    ]


@pytest.mark.parametrize("within", WITHIN.values(), ids=WITHIN)
def test_scores_within_a_part_are_those_of_the_whole_grid(within):
    grid = Grid.over(FRAME.shape, 3)
    part = compute_scores(DESCRIPTOR, FRAME, grid, within=within)
    assert part.tobytes() == compute_scores(DESCRIPTOR, FRAME, grid)[within].tobytes()


def test_tiles_within_a_part_count_from_its_start():
    grid, seen = Grid.over(FRAME.shape, 3), []
    map_tiles(
        lambda rows, columns, tile: seen.append((rows, columns, tile.first)),
        DESCRIPTOR,
        grid,
        counted=None,
        within=(slice(5, 14), slice(22, 30)),
    )
    # The grid begins at pixel (0, 1).
    assert seen == [
        (slice(0, 5), slice(0, 8), (15, 67)),
        (slice(5, 9), slice(0, 8), (30, 67)),
    ]


def test_progress_is_that_of_the_tiles_within_a_part():
    totals = []

    def progress(iterator, total, desc, unit):
        totals.append((total, len(list(iterator))))
        return ()

    with workers(1, progress):
        map_tiles(
            lambda *tile: None,
            DESCRIPTOR,
            Grid.over(FRAME.shape, 3),
            counted="Scoring",
            within=WITHIN["inside"],
        )
    assert totals == [(4, 4)]
