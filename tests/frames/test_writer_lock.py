# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from hyperspy_symseg.frames import writer_lock
from hyperspy_symseg.frames.writer_lock import WriterLock

HOLD = """
import sys, pathlib
from hyperspy_symseg.frames.writer_lock import WriterLock
with WriterLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "movie.unfinished.lock"


def lock_of(path, **differing):
    """Make the lock of another process than this one."""
    this = writer_lock._this_process() | {"token": "of another"}
    path.write_text(json.dumps(this | differing))


def other_process():
    """A process that has ended, and was waited for."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_file_is_there_as_long_as_it_is_held(path):
    with WriterLock(path) as lock:
        assert json.loads(path.read_text())["pid"] == os.getpid()
        lock.check()
    assert not path.exists()


def test_it_is_let_go_of_after_an_error(path):
    with pytest.raises(KeyboardInterrupt), WriterLock(path):
        raise KeyboardInterrupt
    with WriterLock(path) as lock:
        assert not lock.taken_over


def test_a_second_thread_is_told_who_holds_it(path):
    told = []

    def second():
        with pytest.raises(FileExistsError) as error, WriterLock(path):
            pass
        told.append(str(error.value))

    with WriterLock(path) as lock:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        lock.check()
    assert re.fullmatch(
        rf"There must be one writer at a time, but process {os.getpid()} on "
        rf"{re.escape(socket.gethostname())} has been writing since \d{{4}}-.* "
        rf"\(if it is gone, remove {re.escape(str(path))}\)\.",
        told[0],
    )


def test_another_process_holds_it_until_it_is_killed(path):
    process = subprocess.Popen(
        # Not from the source folder, where nothing may be compiled.
        [sys.executable, "-P", "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        told = f"process {process.pid} on "
        with pytest.raises(FileExistsError, match=told), WriterLock(path):
            pass
        process.kill()
        # Nobody has waited for it yet: it is dead, but has its number.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with WriterLock(path) as lock:
            assert lock.taken_over
    assert list(path.parent.iterdir()) == []


def test_the_lock_of_a_process_that_is_gone_is_taken_over(path):
    lock_of(path, pid=other_process())
    with WriterLock(path) as lock:
        assert lock.taken_over
        lock.check()


def test_another_process_with_the_number_of_a_dead_one_does_not_hold_it(path):
    lock_of(path, pid=os.getppid(), began="another boot 17")
    with WriterLock(path) as lock:
        assert lock.taken_over


def test_an_earlier_process_with_our_number_does_not_hold_it(path):
    lock_of(path)
    with WriterLock(path) as lock:
        assert lock.taken_over


def test_a_process_of_which_no_beginning_is_known_holds_it(path):
    lock_of(path, pid=os.getppid(), began=None)
    with pytest.raises(FileExistsError, match=f"process {os.getppid()} "):
        WriterLock(path).__enter__()


def test_another_host_holds_it_whatever_runs_here(path):
    lock_of(path, host="elsewhere", pid=other_process())
    with pytest.raises(FileExistsError, match=r"process \d+ on elsewhere .*remove"):
        WriterLock(path).__enter__()
    assert path.exists()


def test_a_file_that_nobody_has_written_to_is_taken_over(path):
    path.touch()
    with WriterLock(path, to_write=0.02) as lock:
        assert lock.taken_over


@pytest.mark.parametrize(
    "text", ["notes", "[]", "{}", b"\xff\x00", '{"host": "a", "pid": 0, "began": 0}']
)
def test_another_file_of_this_name_is_left_alone(path, text):
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    with pytest.raises(FileExistsError, match="got another file"):
        WriterLock(path).__enter__()
    assert path.read_bytes() == content


@pytest.mark.parametrize("new", [None, "another's"])
def test_a_lock_that_was_removed_is_noticed_and_no_other_is_let_go(path, new):
    with WriterLock(path) as lock:
        path.unlink()
        if new:
            path.write_text(new)
        with pytest.raises(RuntimeError, match="lock must stay until all is written"):
            lock.check()
    assert path.exists() == bool(new)


def test_of_two_that_take_over_one_gets_it(path, monkeypatch):
    lock_of(path, pid=other_process())
    replace = os.replace

    def late(source, target):
        # Another has taken it over since this one has looked.
        monkeypatch.setattr(os, "replace", replace)
        path.unlink()
        lock_of(path, host="elsewhere", pid=17)
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    with pytest.raises(FileExistsError, match="process 17 on elsewhere"):
        WriterLock(path).__enter__()
    assert json.loads(path.read_text())["host"] == "elsewhere"
    assert list(path.parent.iterdir()) == [path]
