# SPDX-License-Identifier: GPL-3.0-or-later
from time import sleep

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.axes import DataAxis, UniformDataAxis

from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.signals.arguments import fit_frames, working


@pytest.fixture
def time():
    return UniformDataAxis(size=11, scale=0.5, offset=1, name="time", navigate=True)


@pytest.fixture
def tilt():
    return DataAxis(axis=[-10, 0, 30], name="tilt", navigate=True)


@pytest.mark.parametrize(
    ("fit_on", "places"),
    [
        (None, [0, 1, 3, 4, 6, 7, 9, 10]),
        (1, [5]),
        (2, [0, 10]),
        (11, list(range(11))),
        ([3], [3]),
        ([7, 3], [3, 7]),
        ((3, -1), [3, 10]),
        (np.array([0, 4]), [0, 4]),
        ([2.0], [2]),
        ([1.2, 6.0], [0, 10]),
        (slice(None, None, 4), [0, 4, 8]),
        (slice(-2, None), [9, 10]),
        (slice(2.0, 3.5), [2, 3, 4]),
        (range(3), [0, 1, 2]),
    ],
)
def test_one_axis(time, fit_on, places):
    assert fit_frames(fit_on, [time]) == [(place,) for place in places]


def test_all_frames_of_a_short_series(tilt):
    assert fit_frames(None, [tilt]) == [(0,), (1,), (2,)]


@pytest.mark.parametrize(
    ("fit_on", "places"),
    [
        # (time, tilt), as in `inav`; the array has tilt first.
        ([(4, 1)], [(1, 4)]),
        ([(2.5, 30.0), (0, -1), (-1, 0)], [(0, 10), (2, 0), (2, 3)]),
        (slice(9, 13), [(0, 9), (0, 10), (1, 0), (1, 1)]),
        (3, [(0, 0), (1, 5), (2, 10)]),
    ],
)
def test_two_axes(time, tilt, fit_on, places):
    assert fit_frames(fit_on, [tilt, time]) == places


@pytest.mark.parametrize(
    ("fit_on", "error"),
    [
        (0, ValueError),
        (-3, ValueError),
        (12, ValueError),
        ([], ValueError),
        ([11], ValueError),
        ([-12], ValueError),
        ([2, 2], ValueError),
        ([6.6], ValueError),
        ([(1, 2)], ValueError),
        (slice(5, 5), ValueError),
        (slice(20, 30), ValueError),
        (slice(0, 5, 0), ValueError),
        (slice("a", None), TypeError),
        (True, TypeError),
        (1.5, TypeError),
        ("first", TypeError),
        ([True], TypeError),
        ([None], TypeError),
    ],
)
def test_what_is_not_allowed(time, fit_on, error):
    with pytest.raises(error, match="^fit_on must "):
        fit_frames(fit_on, [time])


def test_two_axes_take_pairs(time, tilt):
    with pytest.raises(ValueError, match="2 navigation axes"):
        fit_frames([3], [tilt, time])


def test_a_slice_of_values_takes_one_axis(time, tilt):
    with pytest.raises(ValueError, match="2 navigation axes"):
        fit_frames(slice(1.0, 2.0), [tilt, time])


@pytest.mark.parametrize(("given", "preferred"), [(False, True), (None, False)])
def test_it_can_be_silenced(bars_at_once, capsys, given, preferred):
    hs.preferences.General.show_progressbar = preferred
    with working("Segmenting", given, 1):
        sleep(0.1)
        assert pmap(abs, [-1, 2], counted="Segmenting") == [1, 2]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("eager", [True, False])
def test_one_bar_a_call(bars_at_once, capsys, two_grains, small, eager):
    signal = two_grains[0] if eager else hs.stack([two_grains[0]] * 2)
    capsys.readouterr()
    signal.segment_symmetry(2, show_progressbar=True, **small)
    (left,) = capsys.readouterr().err.strip().split("\n")
    assert left.rpartition("\r")[2].strip().startswith("Segmenting: 100%")


def test_no_bar_on_standard_output(movie, small, tmp_path, capsys):
    labels = movie[0].as_lazy().segment_symmetry(2, show_progressbar=False, **small)
    for name in ("a.zspy", "a.hspy"):
        labels.save_frames(tmp_path / name, show_progressbar=False)
    # Its metadata are lazy, too.
    labels = hs.load(tmp_path / "a.hspy", lazy=True)
    labels.save_frames(tmp_path / "b.zspy", show_progressbar=False)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
