# SPDX-License-Identifier: GPL-3.0-or-later
"""`save_frames` in any order of runs that end, stop or are killed, and of removals."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hyperspy_symseg.signals import LazySymmetryLabels

N, ROWS, COLUMNS = 4, 2, 3
FRAMES = np.arange(N * ROWS * COLUMNS).reshape(N, ROWS, COLUMNS)
# By the number of patterns of their model.
LABELS = {2: (FRAMES % 2).astype(np.int8), 3: (FRAMES % 3).astype(np.int8)}
EXTENSIONS = st.sampled_from(["zspy", "hspy"])


class Killed(BaseException):
    """Nothing that runs after it is of a process that was killed."""


class Folder(RuleBasedStateMachine):
    """A folder that labels are written to, and what is to be in it.

    `unfinished` and `complete` (by extension) are numbers of patterns of the labels
    that are there, "foreign" or None.
    """

    # Metadata of labels by number of patterns, and a process that is dead.
    metadata, dead = {}, 0

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.unfinished, self.complete = None, {"zspy": None, "hspy": None}
        self.read, self.before, self.killed = [], {}, False

    def teardown(self):
        shutil.rmtree(self.folder)

    def path(self, extension):
        return self.folder / f"movie.{extension}"

    @property
    def unfinished_path(self):
        return self.path("unfinished.zspy")

    def labels(self, n_patterns):
        """Lazy labels, with what is called before a frame is read."""

        def block(indices):
            index = int(indices[0, 0, 0])
            self.read.append(index)
            self.before.get(index, lambda: None)()
            return LABELS[n_patterns][index][np.newaxis]

        data = da.map_blocks(
            block,
            da.from_array(np.arange(N).reshape(N, 1, 1), chunks=1),
            chunks=((1,) * N, (ROWS,), (COLUMNS,)),
            dtype=np.int8,
            meta=np.empty((0, 0, 0), np.int8),
        )
        return LazySymmetryLabels(data, metadata=self.metadata[n_patterns])

    def run(self, n_patterns, extension, **options):
        """Write labels; return the error, or None."""
        self.read.clear()
        try:
            self.labels(n_patterns).save_frames(
                self.path(extension), num_workers=1, show_progressbar=False, **options
            )
        except (Exception, KeyboardInterrupt, Killed) as error:
            return error
        finally:
            self.before = {}
        return None

    def refusal(self, n_patterns, extension, overwrite, resume):
        """The kind of error with which a call is refused; None if it is not."""
        if "foreign" in (self.unfinished, self.complete[extension]):
            return FileExistsError
        if self.complete[extension] and not overwrite:
            return FileExistsError
        if self.unfinished and not (resume or overwrite):
            return FileExistsError
        if self.unfinished and resume and self.unfinished != n_patterns:
            return ValueError
        return None

    def missing(self, resume):
        """Frames that a run has to read."""
        if not resume or self.unfinished is None:
            return list(range(N))
        begun = hs.load(self.unfinished_path).data
        return np.flatnonzero((begun == -1).all(axis=(1, 2))).tolist()

    @rule(
        n_patterns=st.sampled_from([2, 3]),
        extension=EXTENSIONS,
        overwrite=st.sampled_from([True, True, False]),
        resume=st.booleans(),
        event=st.sampled_from(["none", "stop", "kill", "remove", "second"]),
        frame=st.integers(0, N - 1),
    )
    def write(self, n_patterns, extension, overwrite, resume, event, frame):
        options = {"overwrite": overwrite, "resume": resume}
        refusal = self.refusal(n_patterns, extension, **options)
        missing = [] if refusal else self.missing(resume)
        happens = not refusal and frame in missing
        told = []
        self.before[frame] = {
            "none": lambda: None,
            "stop": self.stop,
            "kill": self.kill,
            "remove": lambda: shutil.rmtree(self.unfinished_path),
            "second": lambda: told.extend(self.second(extension)),
        }[event]
        error = self.run(n_patterns, extension, **options)
        if refusal:
            assert type(error) is refusal
            assert str(error).count("\n") == 0
            assert self.read == []
            return
        assert set(self.read) <= set(missing)
        if happens and event in ("stop", "kill"):
            assert isinstance(error, KeyboardInterrupt | Killed)
            self.unfinished = n_patterns
        elif happens and event == "remove":
            assert isinstance(error, RuntimeError)
            assert "was removed" in str(error)
            self.unfinished = None
        else:
            assert error is None
            assert sorted(self.read) == missing
            self.unfinished, self.complete[extension] = None, n_patterns
        if happens and event == "second":
            assert [type(each) for each in told] == [FileExistsError] * 3
            assert all(f"process {os.getpid()} " in str(each) for each in told)

    def stop(self):
        raise KeyboardInterrupt

    def kill(self):
        lock = self.path("unfinished.lock")
        dead = json.loads(lock.read_text()) | {"pid": self.dead}
        lock.write_text(json.dumps(dead))
        raise Killed

    def second(self, extension):
        """What other writers are told while one writes."""
        for options in ({"resume": True}, {"overwrite": True}, {}):
            try:
                self.labels(2).save_frames(self.path(extension), **options)
            except Exception as error:
                yield error

    @rule(
        event=st.sampled_from(["lose a chunk", "remove", "remove", "take the name"]),
        name=st.sampled_from(["zspy", "hspy", "unfinished", "unfinished"]),
    )
    def somebody_else(self, event, name):
        there = self.unfinished if name == "unfinished" else self.complete[name]
        path = self.unfinished_path if name == "unfinished" else self.path(name)
        if event == "lose a chunk":
            for chunk in self.unfinished_path.glob("Experiments/*/data/1.0.0"):
                chunk.unlink()
            return
        if event == "remove" and there:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            there = None
        elif event == "take the name" and not there:
            path.mkdir()
            (path / "notes.txt").write_text("precious")
            there = "foreign"
        if name == "unfinished":
            self.unfinished = there
        else:
            self.complete[name] = there

    @invariant()
    def what_has_its_name_is_complete(self):
        for extension, n_patterns in self.complete.items():
            path = self.path(extension)
            assert path.exists() == (n_patterns is not None)
            if n_patterns == "foreign":
                assert (path / "notes.txt").read_text() == "precious"
            elif n_patterns:
                np.testing.assert_array_equal(hs.load(path).data, LABELS[n_patterns])

    @invariant()
    def what_is_unfinished_has_whole_frames_only(self):
        assert self.unfinished_path.exists() == (self.unfinished is not None)
        if self.unfinished == "foreign":
            note = self.unfinished_path / "notes.txt"
            assert note.read_text() == "precious"
        elif self.unfinished:
            found = hs.load(self.unfinished_path).data
            is_right = (found == LABELS[self.unfinished]).all(axis=(1, 2))
            assert (is_right | (found == -1).all(axis=(1, 2))).all()

    @invariant()
    def nothing_else_is_there(self):
        names = {path.name for path in self.folder.iterdir()}
        known = {"movie.zspy", "movie.hspy", "movie.unfinished.zspy"}
        # That of a process that was killed stays until the next one.
        assert names <= known | {"movie.unfinished.lock"}
        if "movie.unfinished.lock" in names:
            lock = json.loads(self.path("unfinished.lock").read_text())
            assert lock["pid"] == self.dead


@pytest.fixture(scope="module")
def metadata(two_grains, small):
    return {
        n: two_grains[0]
        .segment_symmetry(n, **small, refine=False, show_progressbar=False)
        .metadata.as_dictionary()
        for n in LABELS
    }


def test_any_order_of_events(metadata, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    monkeypatch.setattr(Folder, "metadata", metadata)
    monkeypatch.setattr(Folder, "dead", process.pid)
    run_state_machine_as_test(
        Folder,
        settings=settings(
            max_examples=12,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
