# SPDX-License-Identifier: GPL-3.0-or-later
"""Side by side with the peer, pySTEM.

Run it with the Python that this package is installed in ::

    python benchmarks/compare_pystem.py [FRAME.npy] [--repeats 3] [--quick]

The peer is installed from the package index into an environment of its own, once.
This takes Python 3.11, a C++ compiler and FFTW 3 (Debian's g++ and libfftw3-dev).
All rows three times take about a quarter of an hour, most of it the peer's;
``--quick`` runs its slow ones once.

Each side is a process that has all imported and has done every job on a small frame
before; the two take turns. In the table of fresh processes, each side is a process that
has its package imported and has done nothing, ours is asked through the methods of a
signal, and what counts is the first call; ``--fresh`` makes that table alone. Times are
wall times on the same frame: ours over all of it with its edges, the peer's over its
interior, as it leaves out the edges.
Rotation and reflection are pooled in windows of 41 pixels, the peer's default, on both
sides.
"""

import argparse
import itertools
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pystem_environment import PEER, peer_python
from workers import PATCH, Worker

HERE = Path(__file__).resolve().parent
FRAME = HERE.parents[1] / "shared" / "data" / "high_entropy_alloy.npy"
ENVIRONMENT = HERE / ".pystem-environment"

UP_TO_100 = {"window": 21, "max_operations": 100}
ALL_1681 = {"window": 20, "max_operations": 1681}
# Of the peer's score maps: they then have the radii 1 to 20.
MAPS = {"square": 21, "stride": 5}


class Row(NamedTuple):
    """A row of the table: what is timed, and the ratio to reach.

    Rows next to each other with the same job of the peer share its time.
    """

    name: str
    job: dict
    target: int
    slow: bool = False
    peer_job: dict | None = None  # the same if None

    @property
    def theirs(self):
        """The peer's job."""
        return self.peer_job or self.job


def point_rows(task):
    """Rows of rotation or reflection, which the peer times at its defaults."""
    return [
        Row(
            f"{task} scores, radius 20, 60 angles, pooled at stride 5; {where}",
            {"task": task, "n_angles": 60, "step": step, "pooling": 41, "stride": 5},
            target,
            slow=True,
            peer_job={"task": task},
        )
        for where, step, target in [
            ("both at every 5th pixel", 5, 100),
            ("ours at every pixel", 1, 8),
        ]
    ]


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
    *point_rows("rotation"),
    *point_rows("reflection"),
    Row(
        "power spectra, window 21, stride 5",
        {"task": "power_spectrum", "window": 21, "stride": 5},
        10,
    ),
    Row(
        "the whole call to labels, at the peer's defaults",
        {"task": "plain_labels"},
        40,
        peer_job={"task": "labels"},
    ),
    Row(
        "the whole call to labels, told two patterns, each at its own defaults",
        {"task": "labels"},
        20,
        peer_job={"task": "labels"},
    ),
]
# Ours through the methods of a signal, in processes that have done nothing.
FRESH = [
    Row(
        "scores, window 21, at most 100 operations, stride 1; direct",
        {
            "task": "users_scores",
            "name": "translation",
            "stride": 1,
            "patch": PATCH,
            **UP_TO_100,
        },
        400,
        slow=True,
        peer_job={"task": "scores", "stride": 1, **UP_TO_100, "method": "direct"},
    ),
    Row(
        "power spectra, window 21, stride 5",
        {"task": "users_scores", "name": "power_spectrum", "window": 21, "stride": 5},
        10,
        peer_job={"task": "power_spectrum", "window": 21, "stride": 5},
    ),
]
# How often the later calls are made, and the bytes of the scores of the first row for
# a pixel of the frame.
LATER, BYTES_A_PIXEL = 5, 4 * 81
FRAMES = {
    "all pixels": "whole",
    "5 % of the pixels masked": "masked",
    "one pixel NaN": "with NaN",
}
POINTS = ("rotation", "reflection")


def largest_difference(ours, peer, method):
    """Largest difference of our scores from the peer's, in the first row."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "peer.npz"))
        job = ROWS[0].job
        peer.do(job, method=method, path=path)
        where = {"window": job["window"], "stride": job["stride"]}
        return ours.do({"task": "difference", "path": path, **where})


def compare(ours, peer, repeats, quick):
    print_head()
    for peer_job, group in itertools.groupby(ROWS, key=lambda row: row.theirs):
        rows = list(group)
        turns = [
            ([ours.median(row.job) for row in rows], peer.do(peer_job))
            for _ in range(1 if quick and rows[0].slow else repeats)
        ]
        times, peer_times = zip(*turns, strict=True)
        for row, our_times in zip(rows, zip(*times, strict=True), strict=True):
            print_row(row, our_times, peer_times)


def print_head():
    print("| | ours | peer | ratio | from turn to turn | target |")
    print("|---|---|---|---|---|---|")


def print_row(row, our_times, peer_times):
    our_time, peer_time = map(statistics.median, (our_times, peer_times))
    ratios = [theirs / our for our, theirs in zip(our_times, peer_times, strict=True)]
    print(
        f"| {row.name} | {our_time:.3f} s | {peer_time:.2f} s "
        f"| {peer_time / our_time:.1f} | {min(ratios):.1f} to {max(ratios):.1f} "
        f"| >= {row.target} |",
        flush=True,
    )


def compare_fresh(frame, python, repeats, quick):
    """Rows of first calls in fresh processes, and first calls beside later ones."""

    def first_and_later(side, command, job, n_later):
        worker = Worker(side, command, frame, [])
        first, *later = (worker.do(job) for _ in range(1 + n_later))
        worker.close()
        return first, statistics.median(later) if later else None

    print("First calls in fresh processes, ours through the methods of a signal:\n")
    print_head()
    beside = []
    for row in FRESH:
        n_turns = 1 if quick and row.slow else repeats
        ours, peers = [], []
        for _ in range(n_turns):
            ours.append(first_and_later("ours", [sys.executable], row.job, LATER))
            peers.append(first_and_later("peer", [python, "-I"], row.theirs, 0)[0])
        firsts, later = zip(*ours, strict=True)
        print_row(row, firsts, peers)
        beside.append((row.name, firsts, later))
    job = {"task": "fill", "nbytes": BYTES_A_PIXEL * np.load(frame, mmap_mode="r").size}
    fills = [
        first_and_later("ours", [sys.executable], job, LATER) for _ in range(repeats)
    ]
    name = f"NumPy filling {job['nbytes'] / 1e6:.0f} MB, as the scores at stride 1 are"
    beside.append((name, *zip(*fills, strict=True)))
    print("\n| ours alone | first call | later ones | ratio | target |")
    print("|---|---|---|---|---|")
    for name, firsts, later in beside:
        first, others = map(statistics.median, (firsts, later))
        target = "" if name.startswith("NumPy") else "<= 1.5"
        print(
            f"| {name} | {first:.3f} s | {others:.3f} s | {first / others:.2f} "
            f"| {target} |",
            flush=True,
        )


def ours_alone(ours, jobs, repeats):
    """Our median times at some jobs, in turns."""
    turns = [[ours.median(job) for job in jobs] for _ in range(repeats)]
    return map(statistics.median, zip(*turns, strict=True))


def print_ours_alone(ours, repeats):
    jobs = [ROWS[0].job | {"frame": frame} for frame in FRAMES.values()]
    medians = list(ours_alone(ours, jobs, repeats))
    print("| ours alone, as in the first row | time | ratio to all pixels |")
    print("|---|---|---|")
    for name, seconds in zip(FRAMES, medians, strict=True):
        print(f"| {name} | {seconds:.3f} s | {seconds / medians[0]:.2f} |")
    print("\n| ours alone, our defaults, stride 5 | time |")
    print("|---|---|")
    jobs = [{"task": task, "stride": 5} for task in POINTS]
    for task, seconds in zip(POINTS, ours_alone(ours, jobs, repeats), strict=True):
        print(f"| {task} | {seconds:.3f} s |")


def print_correlations(ours, peer):
    print("| correlation with the peer's score maps | its rule on our samples | ours |")
    print("|---|---|---|")
    for name in POINTS:
        with tempfile.TemporaryDirectory() as folder:
            job = {"name": name, "path": str(Path(folder, "peer.npy")), **MAPS}
            peer.do({"task": "map", **job})
            by_rule, own = ours.do({"task": "correlations", **job})
        print(
            f"| {name}, smallest to largest of {len(own)} operations "
            f"| {min(by_rule):.6f} to {max(by_rule):.6f}, target >= 0.999 "
            f"| {min(own):.3f} to {max(own):.3f} |",
            flush=True,
        )


def versions(ours, peer):
    ours, peer = (worker.do({"task": "versions"}) for worker in (ours, peer))
    return f"ours: {ours}; {PEER}: {peer}"


def processors():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor()
    return f"{os.cpu_count()} CPUs, {model}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("frame", nargs="?", type=Path, default=FRAME)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    if not options.frame.exists():
        sys.exit(f"There is no {options.frame}: give the path of a frame (.npy).")

    python = peer_python(options.environment.absolute())
    compare_fresh(options.frame, python, options.repeats, options.quick)
    if options.fresh:
        print(f"\nTurns: {options.repeats}. {processors()}.")
        return
    print()
    our_jobs, peer_jobs = [row.job for row in ROWS], [row.theirs for row in ROWS]
    ours = Worker("ours", [sys.executable], options.frame, our_jobs)
    peer = Worker("peer", [python, "-I"], options.frame, peer_jobs)
    same = {
        method: largest_difference(ours, peer, method) for method in ("direct", "fft")
    }
    compare(ours, peer, options.repeats, options.quick)
    print()
    print_ours_alone(ours, options.repeats)
    print()
    print_correlations(ours, peer)
    print(
        f"\nTurns: {options.repeats}{', slow rows 1' * options.quick}. "
        "First row, at the peer's own pixels and shifts: our scores differ by at most "
        f"{same['direct']:.1e} from its direct method's and {same['fft']:.1e} from its "
        "FFT method's.\n"
        f"{processors()}; {versions(ours, peer)}."
    )
    ours.close()
    peer.close()


if __name__ == "__main__":
    main()
