# SPDX-License-Identifier: GPL-3.0-or-later
import re
import time

import hyperspy.api as hs
import pytest

from hyperspy_symseg.signals import progress
from hyperspy_symseg.signals.progress import ProgressBar


def bars(text):
    """What is left on the screen: the last state of each line."""
    return [line.rpartition("\r")[2].strip() for line in text.split("\n") if line]


def test_two_phases_have_one_bar(bars_at_once, capsys):
    with ProgressBar(True, "Segmenting") as bar:
        time.sleep(0.1)
        for name, n in (("Fitting", 3), ("Segmenting", 5)):
            list(bar.progress(range(n), n, name, " frames"))
    shown = capsys.readouterr().err
    (left,) = bars(shown)
    assert re.match(r"Segmenting: 100%\|.*\| 5/5 .* frames/s", left)
    assert "Fitting:" in shown


def test_a_call_that_is_over_soon_has_none(capsys):
    with ProgressBar(True, "Segmenting") as bar:
        list(bar.progress(range(3), 3, "Segmenting", "it"))
    time.sleep(progress.DELAY + 0.2)
    assert capsys.readouterr().err == ""


def test_it_appears_while_a_step_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(progress, "DELAY", 0.1)
    with ProgressBar(True, "Scoring") as bar:
        steps = bar.progress(range(4), 4, "Scoring", "it")
        next(steps)
        next(steps)
        time.sleep(0.5)
        assert "1/4" in capsys.readouterr().err
        list(steps)
    assert "4/4" in capsys.readouterr().err


def test_it_is_named_for_the_call_before_any_phase(bars_at_once, capsys):
    with ProgressBar(True, "Finding outliers"):
        time.sleep(0.2)
    assert "Finding outliers: " in capsys.readouterr().err


@pytest.mark.parametrize(("given", "preferred"), [(False, True), (None, False)])
def test_it_can_be_silenced(bars_at_once, capsys, given, preferred):
    hs.preferences.General.show_progressbar = preferred
    with ProgressBar(given, "Segmenting") as bar:
        assert bar.progress is None
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_items_are_handed_on():
    with ProgressBar(True, "Scoring") as bar:
        assert list(bar.progress("abc", 3, "Scoring", "it")) == ["a", "b", "c"]


@pytest.mark.parametrize("eager", [True, False])
def test_one_bar_a_call(bars_at_once, capsys, two_grains, small, eager):
    signal = two_grains[0] if eager else hs.stack([two_grains[0]] * 2)
    capsys.readouterr()
    signal.segment_symmetry(show_progressbar=True, **small)
    (left,) = bars(capsys.readouterr().err)
    assert left.startswith("Segmenting: 100%")


def test_no_bar_on_standard_output(movie, small, tmp_path, capsys):
    labels = movie[0].as_lazy().segment_symmetry(show_progressbar=False, **small)
    for name in ("a.zspy", "a.hspy"):
        labels.save_frames(tmp_path / name, show_progressbar=False)
    # Its metadata are lazy, too.
    labels = hs.load(tmp_path / "a.hspy", lazy=True)
    labels.save_frames(tmp_path / "b.zspy", show_progressbar=False)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
