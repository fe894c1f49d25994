# SPDX-License-Identifier: GPL-3.0-or-later
"""Side by side with the peer, pySTEM.

Run it with the Python that this package is installed in ::

    python benchmarks/compare_pystem.py [FRAME.npy] [--repeats 3] [--quick]

The peer is installed from the package index into an environment of its own, once.
This takes Python 3.11, a C++ compiler and FFTW 3 (Debian's g++ and libfftw3-dev).
All rows three times take about ten minutes, nearly all of them the peer's; ``--quick``
runs its slow ones once.

Each side is a process that has all imported and has done every job on a small frame
before; the two take turns. Times are wall times on the same frame: ours over all of
it with its edges, the peer's over its interior, as it leaves out the edges.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

PEER = "pystem==0.0.26"
BUILD_REQUIREMENTS = ["setuptools<60", "wheel", "numpy<1.26"]
HERE = Path(__file__).resolve().parent
FRAME = HERE.parents[1] / "shared" / "data" / "high_entropy_alloy.npy"
ENVIRONMENT = HERE / ".pystem-environment"

PATCH = 20
UP_TO_100 = {"window": 21, "max_operations": 100}
ALL_1681 = {"window": 20, "max_operations": 1681}
OUR_RUNS = 3  # in a turn; their median counts


class Row(NamedTuple):
    """A row of the table: what is timed, and the ratio to reach."""

    name: str
    job: dict
    target: int
    slow: bool = False


ROWS = [
    Row(
        "scores, window 21, at most 100 operations, stride 5; direct",
        {"task": "scores", "stride": 5, **UP_TO_100, "method": "direct"},
        60,
    ),
    Row(
        "scores, window 20, all 1,681 operations, stride 5; direct",
        {"task": "scores", "stride": 5, **ALL_1681, "method": "direct"},
        100,
        slow=True,
    ),
    Row(
        "scores, window 20, all 1,681 operations, stride 5; FFT",
        {"task": "scores", "stride": 5, **ALL_1681, "method": "fft"},
        6,
    ),
    Row(
        "scores, window 21, at most 100 operations, stride 1; direct",
        {"task": "scores", "stride": 1, **UP_TO_100, "method": "direct"},
        400,
        slow=True,
    ),
    Row("the whole call to labels, at the peer's defaults", {"task": "labels"}, 40),
]
OURS_ALONE = {
    "all pixels": "whole",
    "5 % of the pixels masked": "masked",
    "one pixel NaN": "with NaN",
}


# The two sides. Each imports what it needs, and returns its tasks by name.


def our_tasks():
    import hyperspy.api as hs

    import hyperspy_symseg  # noqa: F401  adds the method
    from hyperspy_symseg.descriptors import Grid, TranslationSymmetry, compute_scores

    def scores(frame, window, max_operations, stride, method, mask=None):
        descriptor = TranslationSymmetry(PATCH, window, max_operations)
        compute_scores(
            descriptor, frame, Grid.over(frame.shape, (stride, stride)), mask
        )

    def labels(frame):
        hs.signals.Signal2D(frame).segment_symmetry(show_progressbar=False)

    def difference(frame, path):
        """Largest difference from the peer's scores, at its pixels and shifts."""
        with np.load(path) as peer:
            shifts, theirs = peer["shifts"], peer["scores"]
        first, stride = PATCH + UP_TO_100["window"], 5
        ours = compute_scores(
            TranslationSymmetry(PATCH, translations=shifts),
            frame,
            Grid((first, first), (stride, stride), theirs.shape[:2]),
        )
        return float(np.abs(ours - theirs).max())

    return {"scores": scores, "labels": labels, "difference": difference}


def peer_tasks():
    from pystem.stemdescriptor import get_descriptor
    from pystem.stemsegmentation import segmentationSTEM

    def scores(frame, window, max_operations, stride, method, path=None):
        values, shifts = get_descriptor(
            frame,
            patch_x=PATCH,
            patch_y=PATCH,
            window_x=window,
            window_y=window,
            num_points=max_operations,
            step=stride,
            method=method,
        )
        if path is not None:
            np.savez(path, scores=values, shifts=shifts)

    def labels(frame):
        segmentationSTEM().perform_clustering(frame)

    return {"scores": scores, "labels": labels}


def versions(frame):
    return f"Python {platform.python_version()}, numpy {np.__version__}"


def frames_and_masks(frame):
    """What a job can ask for: a frame, and a mask or none."""
    rng = np.random.default_rng(0)
    masked = rng.choice(frame.size, frame.size // 20, replace=False)
    mask = np.zeros(frame.shape, bool)
    mask.flat[masked] = True
    with_nan = frame.astype(float)
    with_nan[tuple(n // 2 for n in frame.shape)] = np.nan
    return {
        "whole": (frame, {}),
        "small": (frame[:150, :150], {}),
        "masked": (frame, {"mask": mask}),
        "with NaN": (with_nan, {}),
    }


def serve(side, frame_path):
    """Do jobs, one JSON object a line, and answer each with seconds or a result."""
    # What the peer prints goes elsewhere.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    tasks = {"ours": our_tasks, "peer": peer_tasks}[side]() | {"versions": versions}
    frames = frames_and_masks(np.load(frame_path))
    for line in sys.stdin:
        job = json.loads(line)
        frame, mask = frames[job.pop("frame", "whole")]
        task = tasks[job.pop("task")]
        start = time.perf_counter()
        result = task(frame, **mask, **job)
        seconds = time.perf_counter() - start
        print(json.dumps(seconds if result is None else result), file=answers)


class Worker:
    """A process with one side in it, ready to be timed."""

    def __init__(self, side, command, frame_path):
        self._process = subprocess.Popen(
            [*command, __file__, "--serve", side, str(frame_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for row in ROWS:
            self.do(row.job, frame="small")

    def do(self, job, **options):
        """Answer to a job: its wall time, if it has no other result."""
        print(json.dumps(job | options), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"A worker ended, with status {self._process.wait()}.")
        return json.loads(answer)

    def median(self, job, **options):
        """Median wall time of a few runs."""
        return statistics.median(self.do(job, **options) for _ in range(OUR_RUNS))

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def peer_python(environment):
    """Python of the peer's environment, made if there is none yet."""
    python = environment / "bin" / "python"
    check = [python, "-I", "-c", "import pystem.stemsegmentation"]
    if python.exists() and not subprocess.run(check, stderr=subprocess.PIPE).returncode:
        return python
    own = sys.version_info[:2] == (3, 11)
    python_3_11 = sys.executable if own else shutil.which("python3.11")
    if python_3_11 is None:
        sys.exit(f"{PEER} needs Python 3.11, and there is no python3.11 here.")
    print(f"Installing {PEER} into {environment}", file=sys.stderr)
    pip = [python, "-m", "pip", "install", "--quiet"]
    commands = [
        ["c++", "-fsyntax-only", "-x", "c++", "-include", "fftw3.h", os.devnull],
        [python_3_11, "-m", "venv", environment],
        [*pip, *BUILD_REQUIREMENTS],
        # Once more, so that the peer's requirements do not replace them.
        [*pip, "--no-build-isolation", PEER, *BUILD_REQUIREMENTS],
        check,
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(
            f"{error}\nThe peer is compiled when it is installed: it needs a C++ "
            "compiler and FFTW 3 (Debian's g++ and libfftw3-dev)."
        )
    return python


def largest_difference(ours, peer, method):
    """Largest difference of our scores from the peer's, in the first row."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "peer.npz"))
        peer.do(ROWS[0].job, method=method, path=path)
        return ours.do({"task": "difference", "path": path})


def compare(ours, peer, repeats, quick):
    print("| | ours | peer | ratio | from turn to turn | target |")
    print("|---|---|---|---|---|---|")
    for name, job, target, slow in ROWS:
        turns = [
            (ours.median(job), peer.do(job))
            for _ in range(1 if quick and slow else repeats)
        ]
        our_time, peer_time = map(statistics.median, zip(*turns, strict=True))
        ratios = [theirs / our for our, theirs in turns]
        print(
            f"| {name} | {our_time:.3f} s | {peer_time:.2f} s "
            f"| {peer_time / our_time:.1f} | {min(ratios):.1f} to {max(ratios):.1f} "
            f"| >= {target} |",
            flush=True,
        )


def ours_alone(ours, repeats):
    turns = [
        [ours.median(ROWS[0].job, frame=frame) for frame in OURS_ALONE.values()]
        for _ in range(repeats)
    ]
    medians = list(map(statistics.median, zip(*turns, strict=True)))
    print("| ours alone, as in the first row | time | ratio to all pixels |")
    print("|---|---|---|")
    for name, seconds in zip(OURS_ALONE, medians, strict=True):
        print(f"| {name} | {seconds:.3f} s | {seconds / medians[0]:.2f} |")


def cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("frame", nargs="?", type=Path, default=FRAME)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if not options.frame.exists():
        sys.exit(f"There is no {options.frame}: give the path of a frame (.npy).")

    python = peer_python(options.environment.absolute())
    ours = Worker("ours", [sys.executable], options.frame)
    peer = Worker("peer", [python, "-I"], options.frame)
    same = {
        method: largest_difference(ours, peer, method) for method in ("direct", "fft")
    }
    compare(ours, peer, options.repeats, options.quick)
    print()
    ours_alone(ours, options.repeats)
    print(
        f"\nTurns: {options.repeats}{', slow rows 1' * options.quick}. "
        "First row, at the peer's own pixels and shifts: our scores differ by at most "
        f"{same['direct']:.1e} from its direct method's and {same['fft']:.1e} from its "
        "FFT method's.\n"
        f"{os.cpu_count()} CPUs, {cpu_model()}; ours: {ours.do({'task': 'versions'})}; "
        f"{PEER}: {peer.do({'task': 'versions'})}."
    )
    ours.close()
    peer.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
