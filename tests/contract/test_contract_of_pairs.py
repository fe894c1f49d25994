# SPDX-License-Identifier: GPL-3.0-or-later
"""What an analysis of consecutive frames has to do: the same, however they come."""

import pickle

import numpy as np
import pytest

from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.threads import workers

from .rows import MOVED, PAIR_MASK, PAIR_ROWS, assert_same, pairs


@pytest.fixture(scope="module")
def expected():
    return {
        name: run(analysis, pairs(channels), mask=PAIR_MASK)
        for name, (analysis, channels) in PAIR_ROWS.items()
    }


@pytest.mark.parametrize("name", PAIR_ROWS)
def test_it_is_a_value(name):
    analysis, _ = PAIR_ROWS[name]
    assert pickle.loads(pickle.dumps(analysis)) == analysis
    with pytest.raises(AttributeError):
        analysis.pattern = 1


@pytest.mark.parametrize("name", PAIR_ROWS)
def test_there_are_rows_of_each_pair(name, expected):
    assert expected[name].shape == (2, 1)
    assert all(len(each) > 100 for each in expected[name].ravel())


@pytest.mark.parametrize("chunks", [(1, -1, -1), (2, 40, 70), (3, -1, 33)])
@pytest.mark.parametrize("name", ["drift given", "all"])
def test_chunks_do_not_matter(name, chunks, expected):
    analysis, channels = PAIR_ROWS[name]
    given = pairs(channels, chunks)
    assert_same(run(analysis, given, mask=PAIR_MASK), expected[name], rtol=1e-9)
    found = lazy(analysis, given, mask=PAIR_MASK).compute(scheduler="sync")
    assert_same(found, expected[name], rtol=1e-9)


@pytest.mark.parametrize("name", PAIR_ROWS)
def test_the_number_of_threads_does_not_matter(name, expected):
    analysis, channels = PAIR_ROWS[name]
    with workers(3):
        found = run(analysis, pairs(channels), mask=PAIR_MASK)
    assert_same(found, expected[name])


@pytest.mark.parametrize("dtype", ["u1", ">i2", "f4", ">f8"])
def test_any_dtype_of_micrographs(dtype, expected):
    analysis, (labels, frames) = PAIR_ROWS["micrographs"]
    given = pairs((labels, frames.astype(dtype)))
    assert_same(run(analysis, given, mask=PAIR_MASK), expected["micrographs"], 1e-9)


@pytest.mark.parametrize("dtype", ["i2", ">i4", "u1"])
def test_any_dtype_of_labels(dtype):
    analysis, _ = PAIR_ROWS["labels"]
    labels = np.maximum(MOVED, 0)
    found = run(analysis, pairs((labels.astype(dtype),)))
    assert_same(found, run(analysis, pairs((labels,))))


def test_pixels_that_are_not_finite_are_left_out(expected):
    analysis, (labels, frames) = PAIR_ROWS["micrographs"]
    frames = frames.astype(float)
    frames[2, 60:70, 50:75] = np.nan
    found = run(analysis, pairs((labels, frames)), mask=PAIR_MASK)
    assert_same(found[:1], expected["micrographs"][:1], 1e-9)
    assert np.isfinite(found[1, 0]).all()


@pytest.mark.parametrize("name", PAIR_ROWS)
def test_frames_that_are_masked_altogether_have_no_rows(name):
    analysis, channels = PAIR_ROWS[name]
    mask = np.ones(PAIR_MASK.shape, bool)
    found = run(analysis, pairs(channels), mask=mask)
    assert not any(len(each) for each in found.ravel())
