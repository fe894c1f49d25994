# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes forked while another thread is inside a call: none of them may hang."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

# A child has less than a second of work: one that takes a minute hangs.
SCRIPT = """
import faulthandler, os, sys, threading, time
import numpy as np
import hyperspy.api as hs
import hyperspy_symseg

y, x = np.mgrid[:90, :100]
rng = np.random.default_rng(0)
frame = rng.poisson(9 + 8 * np.cos(y * 0.9) * np.cos(np.where(x < 45, 0.9, 0.7) * x))
s = hs.signals.Signal2D(frame)
{setup}
stop = threading.Event()

def work():
    while not stop.is_set():
        s.segment_symmetry(show_progressbar=False)

def child():
    faulthandler.dump_traceback_later(60, exit=True)
    {child}

thread = threading.Thread(target=work)
thread.start()
statuses = []
for delay in {delays}:
    time.sleep(delay)
    pid = os.fork()
    if pid == 0:
        try:
            child()
            os._exit(0)
        finally:
            os._exit(1)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop.set()
thread.join()
print(statuses)
"""


def statuses(child, delays, setup=""):
    """Exit statuses of the children that are forked one after another."""
    script = SCRIPT.format(child=child, delays=delays, setup=setup)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parent,
    )
    assert result.returncode == 0, result.stderr
    return eval(result.stdout.splitlines()[-1]), result.stderr


SEGMENT = "s.segment_symmetry(show_progressbar=False)"


def test_at_any_time_of_a_call():
    same = f"assert ({SEGMENT}.data == expected).all()"
    delays = [0.01 * i for i in range(1, 9)]
    found, error = statuses(same, delays, setup=f"expected = {SEGMENT}.data")
    assert found == [0] * len(delays), error


def test_while_the_first_call_imports():
    found, error = statuses(SEGMENT, [0.002, 0.2])
    assert found == [0, 0], error


NUMBERS = "[each['num_threads'] for each in threadpool_info()]"


def test_libraries_have_their_threads_again():
    # As many as before, though nobody of the child has limited them.
    found, error = statuses(
        f"assert {NUMBERS} == expected",
        [0.05] * 4,
        # A fork would import it, and its libraries.
        setup="import sklearn.decomposition; "
        f"from threadpoolctl import threadpool_info; {SEGMENT}; "
        f"expected = {NUMBERS}",
    )
    assert found == [0] * 4, error


INSIDE = """
import os
from threadpoolctl import threadpool_info
import sklearn.cluster
from hyperspy_symseg.frames.threads import one_thread

def numbers():
    return [each["num_threads"] for each in threadpool_info()]

before = numbers()
with one_thread:
    pid = os.fork()
    with one_thread:
        inside = set(numbers())
    inside |= set(numbers())
if pid:
    # One of the two writes at a time.
    os.waitpid(pid, 0)
print(inside == {1}, numbers() == before, flush=True)
if pid == 0:
    os._exit(0)
"""


def test_fork_from_inside():
    result = subprocess.run(
        [sys.executable, "-c", INSIDE],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=Path(__file__).parent,
    )
    assert result.stdout.split() == ["True"] * 4


WORKERS = """
import faulthandler, os, threading
from hyperspy_symseg.frames.threads import pmap, workers

barrier = threading.Barrier(2)
with workers(2):
    # Both threads are there, and wait for work.
    pmap(lambda _: barrier.wait(), range(2))
    pid = os.fork()
    if pid == 0:
        faulthandler.dump_traceback_later(20, exit=True)
        os._exit(pmap(abs, [-3, 4]) != [3, 4])
    assert pmap(abs, [-5, 6]) == [5, 6]
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


def test_process_has_threads_of_its_own():
    subprocess.run([sys.executable, "-W", "ignore", "-c", WORKERS], check=True)
