# SPDX-License-Identifier: GPL-3.0-or-later
"""What every analysis has to do: the same, however its frames come."""

import pickle
from dataclasses import dataclass, fields, is_dataclass

import dask.array as da
import numpy as np
import pytest

from hyperspy_symseg.frames.analysis import MapAnalysis, PointAnalysis
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import FrameError, run
from hyperspy_symseg.frames.threads import workers

from .rows import DEPEND_ON_TILES, DOCS, FRAMES, LABELS, MASK, ROWS, assert_same

CHUNKS = [(1, -1, -1), (2, 40, 70), (3, -1, 33)]
ALL = list(ROWS)
PER_FRAME = [name for name in ROWS if ROWS[name].per_frame]


def chunked(array, chunks=(1, -1, -1)):
    return da.from_array(array, chunks=chunks[-array.ndim :])


@pytest.fixture(scope="module")
def expected():
    """What is found in arrays in memory."""
    return {
        name: run(analysis, FRAMES, LABELS, MASK) for name, analysis in ROWS.items()
    }


@pytest.mark.parametrize("name", ALL)
def test_it_is_a_value(name):
    analysis = ROWS[name]
    assert is_dataclass(analysis)
    assert analysis.__dataclass_params__.frozen
    if type(analysis).__module__ != "__main__":
        assert pickle.loads(pickle.dumps(analysis)) == analysis
    for field in fields(analysis):
        with pytest.raises(AttributeError):
            setattr(analysis, field.name, None)


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_what_was_said(name, expected):
    analysis, found = ROWS[name], expected[name]
    assert found.dtype == analysis.dtype
    if not analysis.per_frame:
        assert found.shape == analysis.shape
    elif isinstance(analysis, MapAnalysis):
        assert found.shape[3:] == analysis.axes
    else:
        assert found.shape == (3, *analysis.shape)
    if isinstance(analysis, PointAnalysis):
        assert all(len(each) for each in found.ravel())


@pytest.mark.parametrize("name", ALL)
def test_lazy_is_eager(name, expected):
    found = lazy(ROWS[name], FRAMES, LABELS, MASK)
    assert (found.shape, found.dtype) == (expected[name].shape, expected[name].dtype)
    assert_same(found.compute(scheduler="sync"), expected[name])


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("name", ALL)
def test_chunks_do_not_matter(name, chunks, expected):
    arrays = [chunked(array, chunks) for array in (FRAMES, LABELS, MASK)]
    assert_same(run(ROWS[name], *arrays), expected[name], rtol=1e-12)
    # Only some of them lazy.
    arrays[1] = LABELS
    found = lazy(ROWS[name], *arrays).compute(scheduler="sync")
    assert_same(found, expected[name], rtol=1e-12)


@pytest.mark.parametrize("tile_shape", [(40, 1000), (64, 50)])
@pytest.mark.parametrize("name", [name for name in ALL if name not in DEPEND_ON_TILES])
def test_tiles_do_not_matter(name, tile_shape, expected):
    given = FRAMES, LABELS, MASK
    found = run(ROWS[name], *given, tile_shape=tile_shape)
    assert_same(found, expected[name], rtol=1e-6)
    later = lazy(ROWS[name], *given, tile_shape=tile_shape)
    assert_same(later.compute(scheduler="sync"), found, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(DEPEND_ON_TILES))
def test_tiles_are_the_same_eager_and_lazy(name):
    given = FRAMES, LABELS, MASK
    found = run(ROWS[name], *given, tile_shape=(80, 90))
    later = lazy(ROWS[name], *given, tile_shape=(80, 90))
    assert_same(later.compute(scheduler="sync"), found)


@pytest.mark.parametrize("num_workers", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_the_number_of_threads_does_not_matter(name, num_workers, expected):
    with workers(num_workers):
        assert_same(run(ROWS[name], FRAMES, LABELS, MASK), expected[name])
        arrays = map(chunked, (FRAMES, LABELS, MASK))
        assert_same(run(ROWS[name], *arrays), expected[name])


@pytest.mark.parametrize("name", PER_FRAME)
def test_a_frame_alone_is_that_of_the_series(name, expected):
    alone = run(ROWS[name], FRAMES[0], LABELS[0], MASK[0])
    assert_same(alone, expected[name][0])
    later = lazy(ROWS[name], FRAMES[0], LABELS[0], MASK[0])
    assert_same(later.compute(scheduler="sync"), expected[name][0])


@pytest.mark.parametrize("dtype", ["u1", ">i2", "i8", "f2", "f4", ">f8"])
@pytest.mark.parametrize("name", ALL)
def test_any_dtype(name, dtype, expected):
    frames = FRAMES[:1].astype(dtype)
    found = run(ROWS[name], frames, LABELS[:1], MASK[:1])
    assert found.dtype == expected[name].dtype
    later = lazy(ROWS[name], chunked(frames), LABELS[:1], MASK[:1])
    assert_same(later.compute(scheduler="sync"), found)


@pytest.mark.parametrize("name", ALL)
def test_one_mask_for_all_frames(name):
    found = run(ROWS[name], FRAMES, LABELS, MASK[0])
    masks = np.broadcast_to(MASK[0], FRAMES.shape)
    assert_same(run(ROWS[name], FRAMES, LABELS, masks), found)
    later = lazy(ROWS[name], chunked(FRAMES, CHUNKS[1]), LABELS, MASK[0])
    assert_same(later.compute(scheduler="sync"), found, rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", PER_FRAME)
def test_pixels_that_are_not_finite_do_no_harm_to_other_frames(name, value, expected):
    frames = FRAMES.astype(float)
    frames[1, 60:70, 50:75] = value
    found = run(ROWS[name], frames, LABELS, MASK)
    assert_same(found[[0, 2]], run(ROWS[name], FRAMES * 1.0, LABELS, MASK)[[0, 2]])
    later = lazy(ROWS[name], chunked(frames), LABELS, MASK)
    assert_same(later.compute(scheduler="sync"), found)


@pytest.mark.parametrize("name", PER_FRAME)
def test_a_frame_that_is_masked_altogether(name, expected):
    mask = MASK.copy()
    mask[1] = True
    found = run(ROWS[name], FRAMES, LABELS, mask)
    assert_same(found[[0, 2]], expected[name][[0, 2]])
    later = run(ROWS[name], *map(chunked, (FRAMES, LABELS, mask)))
    assert_same(later, found)


@pytest.mark.parametrize("name", PER_FRAME)
def test_a_frame_without_a_finite_pixel_has_a_result_or_is_named(name):
    frames = FRAMES.astype(float)
    frames[1] = np.nan
    outcomes = []
    for frames_given in (frames, chunked(frames)):
        try:
            outcomes.append(run(ROWS[name], frames_given, LABELS, MASK))
        except FrameError as error:
            outcomes.append(str(error))
    if isinstance(outcomes[0], str):
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].startswith("frame inav[1]: ")
    else:
        assert_same(*outcomes)


@dataclass(frozen=True)
class Change(MapAnalysis):
    """What has changed from one frame to another."""

    def process(self, tile):
        before, after = tile.values
        return np.where(tile.valid, after - before, np.nan)[tile.own]


def test_consecutive_frames():
    frames = FRAMES.astype(float)
    frames[1, 3, 4] = np.nan
    expected = frames[1:] - frames[:-1]
    np.testing.assert_array_equal(run(Change(), (frames[:-1], frames[1:])), expected)
    array = chunked(frames, CHUNKS[1])
    found = run(Change(), (array[:-1], array[1:]), tile_shape=(60, 60))
    np.testing.assert_array_equal(found, expected)


@dataclass(frozen=True)
class Fails(MapAnalysis):
    """Fails in one frame."""

    def process(self, tile):
        if tile.index == (1,):
            raise ValueError("values must be better, got these")
        return tile.values.astype(float)


def test_an_error_in_memory_says_of_which_frame_it_is():
    with pytest.raises(ValueError, match="must be better") as error:
        run(Fails(), FRAMES)
    assert error.value.__notes__ == ["That is of frame inav[1]."]


def test_an_error_of_a_lazy_frame_names_it():
    with pytest.raises(FrameError, match=r"^frame inav\[1\]: ValueError: values must"):
        run(Fails(), chunked(FRAMES))


def test_progress_counts_the_frames():
    seen = []

    def progress(done, total, desc, unit):
        seen.append((total, desc))
        yield from done

    for frames in (FRAMES, chunked(FRAMES)):
        with workers(1, progress):
            run(ROWS["areas"], frames, LABELS, description="Counting")
    assert seen == [(3, "Counting")] * 2


def test_the_example_of_the_docs_finds_means(checkout):
    names, text = {}, DOCS.read_text()
    for code in text.split("```python\n")[1:3]:
        exec(code.split("```")[0], names)
    means, frames = names["means"], names["frames"]
    np.testing.assert_array_equal(names["means_later"].compute(), means)
    np.testing.assert_allclose(means[1, 50, 60], frames[1, 47:54, 57:64].mean())


@dataclass(frozen=True)
class ForgetsItsOwn(MapAnalysis):
    """Returns all that it sees."""

    context: int = 2

    def process(self, tile):
        return tile.values


@pytest.mark.parametrize("evaluated", [run, lazy])
def test_a_map_of_another_shape_is_an_error(evaluated):
    with pytest.raises(ValueError, match="must return .* shape \\(50, 57\\), .* got"):
        np.asarray(evaluated(ForgetsItsOwn(), FRAMES, tile_shape=(50, 60)))
