# SPDX-License-Identifier: GPL-3.0-or-later
import re
import time

from tqdm import tqdm

from hyperspy_symseg.frames.progress import ProgressBar


def bars(text):
    """What is left on the screen: the last state of each line."""
    return [line.rpartition("\r")[2].strip() for line in text.split("\n") if line]


def test_two_phases_have_one_bar(bars_at_once, capsys):
    with ProgressBar(tqdm, "Segmenting") as bar:
        time.sleep(0.1)
        for name, n in (("Fitting", 3), ("Segmenting", 5)):
            list(bar.progress(range(n), n, name, " frames"))
    shown = capsys.readouterr().err
    (left,) = bars(shown)
    assert re.match(r"Segmenting: 100%\|.*\| 5/5 .* frames/s", left)
    assert "Fitting:" in shown


def test_a_call_that_is_over_soon_has_none(capsys):
    with ProgressBar(tqdm, "Segmenting") as bar:
        list(bar.progress(range(3), 3, "Segmenting", "it"))
    time.sleep(ProgressBar.delay + 0.2)
    assert capsys.readouterr().err == ""


def test_it_appears_as_it_is_by_then(capsys):
    with ProgressBar(tqdm, "Scoring") as bar:
        steps = bar.progress(range(4), 4, "Scoring", "it")
        next(steps)
        next(steps)
        bar._appear()
        assert "1/4" in capsys.readouterr().err
        list(steps)
    assert "4/4" in capsys.readouterr().err


def test_it_is_named_for_the_call_before_any_phase(bars_at_once, capsys):
    with ProgressBar(tqdm, "Finding outliers"):
        time.sleep(0.2)
    assert "Finding outliers: " in capsys.readouterr().err


def test_items_are_handed_on():
    with ProgressBar(tqdm, "Scoring") as bar:
        assert list(bar.progress("abc", 3, "Scoring", "it")) == ["a", "b", "c"]
