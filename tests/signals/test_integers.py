# SPDX-License-Identifier: GPL-3.0-or-later
"""Small integers of NumPy, which overflow, mean what Python's own mean."""

import dask.array as da
import numpy as np
import pytest

from hyperspy_symseg.descriptors import RotationSymmetry, TranslationSymmetry
from hyperspy_symseg.frames import run
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import SymmetryModel


@pytest.mark.parametrize(
    ("name", "value", "options"),
    [
        ("num_workers", 64, {}),
        ("num_workers", 100, {"refine": False}),
        ("n_patterns", 2, {"refine": False}),
        ("n_components", 3, {"refine": False}),
        ("n_operations", 64, {"refine": False}),
        ("random_state", 127, {"refine": False}),
        ("stride", 3, {"refine": False}),
        ("max_operations", 81, {"refine": False}),
        ("fit_on", 3, {}),
        ("fit_on", [2, -1], {}),
    ],
)
def test_labels_of_a_series_are_the_same(movie, small, name, value, options):
    signal, _ = movie
    options = small | {"n_patterns": 2} | options
    expected = signal.segment_symmetry(**options | {name: value})
    small_value = np.array(value, np.int8)
    small_value = small_value[()] if small_value.ndim == 0 else list(small_value)
    found = signal.segment_symmetry(**options | {name: small_value})
    np.testing.assert_array_equal(found.data, expected.data)


def test_radius_whose_double_overflows():
    descriptor = RotationSymmetry(radius=np.int8(100), pooling=1)
    assert type(descriptor.radius) is int
    assert descriptor == RotationSymmetry(radius=100, pooling=1)
    # 2 pi 100, up to a multiple of 12.
    assert descriptor.n_angles == 636


def test_model_has_numbers_of_python(movie, small):
    signal, _ = movie
    options = small | {"stride": np.int8(3), "patch": np.array([7, 6], np.int8)}
    seed = np.uint8(200)
    labels = signal.inav[0].segment_symmetry(2, **options, random_state=seed)
    model = labels.model
    numbers = [*model.stride, *model.descriptor.patch, model.random_state]
    assert [type(number) for number in numbers] == [int] * 5
    assert numbers == [3, 3, 7, 6, 200]


def test_result_that_was_not_filled_is_an_error():
    array = da.zeros((5, 4, 3), chunks=(1, 4, 3))
    with pytest.raises(RuntimeError, match="^all 5 frames must be evaluated, got 0"):
        run.evaluate_series(array, in_flight=0)


def test_progress_that_leaves_something_out_is_an_error(movie, small):
    model = movie[0].inav[0].segment_symmetry(**small, refine=False).model
    with (
        workers(1, lambda done, **labels: []),
        pytest.raises(ValueError, match="^progress must go over all"),
    ):
        model.predict(movie[0].data[0])


def test_progress_that_leaves_out_frames_of_a_fit_is_an_error(movie):
    frame, descriptor = movie[0].data[0], TranslationSymmetry(7, 8, 81)
    with (
        workers(1, lambda done, **labels: []),
        pytest.raises(ValueError, match="^progress must go over all 1 .* got 0"),
    ):
        SymmetryModel.fit(frame, descriptor, period=7.0, stride=3)
