# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time: a file that says which process it is."""

import contextlib
import json
import logging
import os
import socket
import time
import uuid
from pathlib import Path

_logger = logging.getLogger(__name__)

# Locks that this process holds, by what is in their files.
_held = set()


class WriterLock:
    """Context in which no other process, or thread, enters that of the same file.

    If a process is killed, the file stays, and the next one on the same computer takes
    the lock over. Whether one on another computer still runs cannot be told from here.

    Parameters
    ----------
    path : pathlib.Path
        The file: it is there as long as somebody is in the context.
    to_write : float
        Seconds in which a process that has just made its file says in it who it is.

    Attributes
    ----------
    taken_over : bool
        Whether it was left by a process that is gone.

    Raises
    ------
    FileExistsError
        On entering, if another holds it: says who.
    """

    def __init__(self, path, to_write=1.0):
        self._path, self._text, self._to_write = path, None, to_write
        self.taken_over = False

    def __enter__(self):
        """Make the file, or raise if another holds it."""
        self._text = json.dumps(_this_process() | {"token": uuid.uuid4().hex})
        _held.add(self._text)
        try:
            while not self._create():
                self._let_go_of_the_dead()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """Remove the file, unless it has become another's."""
        if _text_of(self._path) == self._text:
            self._path.unlink(missing_ok=True)
        _held.discard(self._text)

    def check(self):
        """Check that nobody has taken it away.

        Raises
        ------
        RuntimeError
            If somebody has.
        """
        if _text_of(self._path) != self._text:
            raise RuntimeError(
                f"{self._path} must stay until all is written, but was removed or is "
                "another's."
            )

    def _create(self):
        """Make the file; return whether it was not there."""
        try:
            file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        try:
            with open(file, "w") as opened:
                opened.write(self._text)
        except BaseException:
            # Such as a full disk: half of it would be nobody's.
            self._path.unlink(missing_ok=True)
            raise
        return True

    def _let_go_of_the_dead(self):
        """Remove the file of a process that is gone; raise if it is not."""
        text = _text_of(self._path)
        until = time.monotonic() + self._to_write
        while text == "" and time.monotonic() < until:
            time.sleep(self._to_write / 20)
            text = _text_of(self._path)
        if text is None:
            return
        if text:
            self._check_is_dead(text)
        aside = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}")
        try:
            os.replace(self._path, aside)
        except FileNotFoundError:
            return
        if _text_of(aside) != text:
            # Another was quicker, and this is already the new one.
            os.replace(aside, self._path)
            return
        aside.unlink()
        self.taken_over = True
        _logger.info("%s of a process that is gone is taken over.", self._path)

    def _check_is_dead(self, text):
        """Raise if the process that wrote a lock may run."""
        try:
            holder = json.loads(text)
            host, since, began = (holder[k] for k in ("host", "since", "began"))
            if not 0 < (pid := int(holder["pid"])) < 2**31:
                raise ValueError("no number of a process")
        except (ValueError, TypeError, KeyError) as error:
            raise FileExistsError(
                f"{self._path} must be what a writer of labels leaves there while it "
                "writes, got another file."
            ) from error
        if text in _held or _may_run(host, pid, began):
            raise FileExistsError(
                f"There must be one writer at a time, but process {pid} on {host} has "
                f"been writing since {since} (if it is gone, remove {self._path})."
            )


def _text_of(path):
    """What a file begins with; None if it is not there."""
    try:
        with path.open(errors="replace") as file:
            return file.read(4096)
    except FileNotFoundError:
        return None


def _this_process():
    """What tells this process from others: dict."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "began": _beginning(os.getpid()),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _may_run(host, pid, began):
    """Whether a process runs, other than this one, as far as can be told."""
    if host != socket.gethostname() or os.name == "nt":
        return True
    if pid == os.getpid():
        return False
    try:
        # Not allowed if it is another user's.
        with contextlib.suppress(PermissionError):
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    now = _beginning(pid)
    return now is None or began is None or now == began


def _beginning(pid):
    """When a process was started, so that no other has the same; None if unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # After the name, which may be anything in parentheses.
    state, *numbers = stat.rpartition(")")[2].split()
    # One that is dead may wait to be reaped.
    return "gone" if state in "ZX" else f"{boot} {numbers[18]}"
