# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged frames: the labels of the undamaged ones, or a warning."""

import contextlib
import logging
import shutil

import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import SHAPE, grains

RNG = np.random.default_rng(5)
OFFSETS = RNG.normal(size=(SHAPE[0], 1))
SOME = tuple(RNG.integers(0, n, 60) for n in SHAPE)


def put(where, value):
    def damaged(frame):
        frame[where] = value
        return frame

    return damaged


def slow_noise(frame):
    """1/f noise along the slow axis, of twice the standard deviation."""
    frequencies = np.fft.rfftfreq(len(frame))
    frequencies[0] = frequencies[1]
    spectrum = np.fft.rfft(OFFSETS[:, 0]) / np.sqrt(frequencies)
    noise = np.fft.irfft(spectrum, len(frame))
    return frame + 2 * frame.std() / noise.std() * noise[:, np.newaxis]


def brighter_half(frame):
    frame[:, 100:] *= 1000
    return frame


DAMAGES = {
    "a bright scan line": put(50, 65535),
    "three bright scan lines": put([50, 51, 120], 65535),
    "three lines as bright as the brightest pixel": put([50, 51, 120], 14),
    "a bright column": put(np.s_[:, 50], 65535),
    "a saturated square": put(np.s_[100:110, 100:110], 65535),
    "hot pixels": put(SOME, 65535),
    "dead pixels": put(SOME, 0),
    "line offsets": lambda frame: frame + 2 * frame.std() * OFFSETS,
    "large line offsets": lambda frame: frame + 5 * frame.std() * OFFSETS,
    "1/f noise": slow_noise,
    "half of the frame x 1000": brighter_half,
    "contrast of 1e-4 on 1e6": lambda frame: 1e6 + 100 / frame.std() * frame,
    "contrast of 1e-4 on 1e9": lambda frame: (1e9 + 1e5 / frame.std() * frame).astype(
        np.int32
    ),
}
# What could not be mended everywhere is told of.
TOLD = {*DAMAGES} - {
    "dead pixels",
    "contrast of 1e-4 on 1e6",
    "contrast of 1e-4 on 1e9",
}
FLAT = {
    "a dead block of 30 rows": (np.s_[90:120], 0),
    "a saturated area": (np.s_[90:120, 60:110], 65535),
    "a white margin": (np.s_[:, 170:], 255),
    "a scan that was stopped": (np.s_[100:], 0),
}


@pytest.fixture(scope="module")
def clean():
    signal, truth = grains(dose=10)
    return signal, segment(signal).data, truth


def segment(signal, **options):
    return signal.segment_symmetry(2, show_progressbar=False, **options)


def mean_iou(found, expected):
    """Mean intersection over union, whichever label is which."""

    def of(labels):
        both = [(labels == k) & (expected == k) for k in (0, 1)]
        either = [(labels == k) | (expected == k) for k in (0, 1)]
        return np.mean([i.sum() / u.sum() for i, u in zip(both, either, strict=True)])

    return max(of(found), of(1 - found))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_does_not_change_labels(clean, damage, caplog):
    signal, expected, _ = clean
    frame = DAMAGES[damage](signal.data.astype(float))
    found, certainty = segment(hs.signals.Signal2D(frame), certainty=True)
    assert mean_iou(found.data, expected) > 0.98
    assert (found.data >= 0).all()
    assert np.isfinite(certainty.data).all()
    told = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == (damage in TOLD)


DOUBTFUL = "line offsets", "half of the frame x 1000"


@pytest.mark.parametrize("damage", ["a bright scan line", *DOUBTFUL])
def test_certainty_falls_where_templates_may_not_fit(clean, damage):
    signal, *_ = clean
    frame = DAMAGES[damage](signal.data.astype(float))
    _, found = segment(hs.signals.Signal2D(frame), certainty=True)
    # Half as far above the chance of two patterns.
    most = 0.75 if damage in DOUBTFUL else 1
    assert most - 0.01 < np.median(found.data) <= found.data.max() <= most
    assert found.data.min() >= 0.5


@pytest.mark.parametrize("damage", FLAT)
def test_areas_of_one_value_have_no_label_and_others_theirs(clean, damage, caplog):
    signal, expected, _ = clean
    where, value = FLAT[damage]
    frame = signal.data.copy()
    frame[where] = value
    flat = np.zeros(frame.shape, bool)
    flat[where] = True
    found = segment(hs.signals.Signal2D(frame)).data
    np.testing.assert_array_equal(found == -1, flat)
    assert mean_iou(found[~flat], expected[~flat]) > 0.98
    assert caplog.text.count("areas of one value") == 1


def test_without_templates_they_are_scored(clean):
    frame = clean[0].data.copy()
    frame[90:120] = 0
    found = segment(hs.signals.Signal2D(frame), refine=False).data
    assert (found >= 0).all()


def test_an_undamaged_frame_gives_no_warning(clean, caplog):
    segment(clean[0])
    assert not [r for r in caplog.records if r.levelno == logging.WARNING]


def test_contrast_that_counts_as_none_is_told(clean, caplog):
    frame = 1e6 + 12 / clean[0].data.std() * clean[0].data
    segment(hs.signals.Signal2D(frame))
    assert "frame should vary by at least 8e-05 of its level, got" in caplog.text


def test_no_contrast_that_counts_is_an_error(clean, caplog):
    frame = 1e9 + clean[0].data
    with pytest.raises(ValueError, match="same scores everywhere|n_patterns"):
        segment(hs.signals.Signal2D(frame))
    assert "frame should vary by at least" in caplog.text


@contextlib.contextmanager
def warnings_of(name):
    """Messages of the warnings that are logged: `caplog` is not for hypothesis."""
    messages = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger(name).addHandler(handler)
    yield messages
    logging.getLogger(name).removeHandler(handler)


LINE = st.tuples(
    st.just("line"), st.integers(0, SHAPE[0] - 1), st.sampled_from([0, 100, 65535])
)
SPIKE = st.tuples(
    st.just("spike"), st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)
)
BLOCK = st.tuples(
    st.just("block"), st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)
)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.one_of(LINE, SPIKE, BLOCK), max_size=6),
    st.sampled_from([0, 0, 1, 3]),
    st.sampled_from(["f4", "f8", ">i4", "u2"]),
)
def test_any_damage_leaves_the_labels_or_is_told(clean, damages, offsets, dtype):
    signal, expected, _ = clean
    frame = signal.data.astype(float)
    if offsets and dtype != "u2":
        frame += offsets * frame.std() * OFFSETS
    damaged = np.zeros(frame.shape, bool)
    for kind, y, x in damages:
        if kind == "line":
            frame[y], damaged[y] = x, True
        else:
            size = 1 if kind == "spike" else 14
            frame[y : y + size, x : x + size] = 65535
            damaged[y : y + size, x : x + size] = True
    with warnings_of("hyperspy_symseg") as told:
        found, certainty = segment(
            hs.signals.Signal2D(frame.astype(dtype)), certainty=True
        )
    expected_words = "areas of one value", "A frame has"
    if not all(any(words in each for words in expected_words) for each in told):
        return
    assert not (found.data == -1)[~damaged].any()
    assert mean_iou(found.data[~damaged], expected[~damaged]) > 0.97
    # Where labels are said to be right, they are.
    sure = ~damaged & (certainty.data > 0.99)
    if sure.any():
        assert mean_iou(found.data[sure], expected[sure]) > 0.98


@pytest.fixture
def blank(series):
    """A series whose second frame is that of a closed shutter."""
    data = series.data.copy()
    data[1] = 3
    return series._deepcopy_with_new_data(data)


@pytest.mark.parametrize("refine", [True, False])
def test_a_blank_frame_is_an_error_with_its_index(blank, refine):
    message = r"^frame inav\[1\]: every pixel is 3\."
    with pytest.raises(RuntimeError, match=message) as error:
        segment(blank, refine=refine, fit_on=[0, 2])
    assert "on_error='mask'" in error.value.__notes__[0]


@pytest.mark.parametrize("refine", [True, False])
def test_a_blank_frame_has_no_part_in_the_fit(blank, series, refine, caplog):
    found = segment(blank, refine=refine, lazy_output=True)
    expected = segment(series, refine=refine, fit_on=[0, 2], lazy_output=True)
    assert found.model == expected.model
    assert "frame inav[1]: every pixel is 3. The model is fitted without" in caplog.text
    np.testing.assert_array_equal(
        found.metadata.Symmetry_segmentation.fit_on, [[0], [2]]
    )


def test_a_blank_frame_can_be_masked(blank, tmp_path, caplog):
    labels = segment(blank.as_lazy())
    caplog.clear()
    labels.save_frames(tmp_path / "labels.zspy", on_error="mask")
    found = hs.load(tmp_path / "labels.zspy").data
    assert [bool((frame == -1).all()) for frame in found] == [False, True, False]
    assert caplog.messages == ["frame inav[1]: every pixel is 3. It is labelled -1."]


def test_a_series_of_blank_frames_cannot_be_fitted_on(blank):
    with pytest.raises(ValueError, match="^signal must have a frame with contrast"):
        segment(blank, fit_on=[1])


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("given_model", [True, False])
def test_a_single_blank_image_is_an_error(blank, labels, lazy, given_model):
    image = blank.inav[1]
    if lazy:
        image = image.as_lazy()
    model = labels.model if given_model else None
    if lazy and given_model:
        assert (segment(image, model=model).data.compute() == -1).all()
        return
    with pytest.raises(ValueError, match="^signal must have .*: every pixel is 3"):
        segment(image, model=model)


def test_a_frame_that_is_missing_in_a_file_is_an_error(series, tmp_path):
    file = tmp_path / "movie.zspy"
    series.save(file, chunks=(1, *SHAPE), show_progressbar=False)
    labels = segment(hs.load(file, lazy=True), fit_on=[0, 2])
    (chunk,) = file.glob("Experiments/*/data/1*")
    shutil.rmtree(chunk) if chunk.is_dir() else chunk.unlink()
    with pytest.raises(RuntimeError, match=r"^frame inav\[1\]: every pixel is 0"):
        labels.save_frames(tmp_path / "labels.zspy")
